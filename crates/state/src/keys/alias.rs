//! Aliases: names of keys, unique in the account and the region.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{AliasName, KeyId, Namespace, Timestamp, limits};

use super::key::{EncryptionKey, KeyManager, KeyState};
use super::refusal::KeyRefusal;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::record::{Record, RecordKey, RecordKind};
use crate::state::State;

/// A name of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Alias {
    /// The record's number.
    pub uid: u64,
    /// Account and region.
    pub namespace: Namespace,
    /// With `alias/` in front.
    pub name: AliasName,
    /// The key that it names.
    pub key: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last given another key, or made.
    pub updated: Timestamp,
    /// Log index of the last change.
    pub changed_at: u64,
}

/// A new alias.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateAlias {
    /// Account and region of the request.
    pub namespace: Namespace,
    /// None of the service's own.
    pub name: AliasName,
    /// The key, resolved by the proposer; gone by now means Conflict.
    pub key: KeyId,
}

/// Another key for an alias.
#[derive(Clone, PartialEq, Eq)]
pub struct UpdateAlias {
    /// Account and region of the request.
    pub namespace: Namespace,
    /// The alias; gone or changed by now means Conflict.
    pub name: AliasName,
    /// The key, resolved by the proposer; gone by now means Conflict.
    pub key: KeyId,
}

/// The end of an alias.
#[derive(Clone, PartialEq, Eq)]
pub struct DeleteAlias {
    /// Account and region of the request.
    pub namespace: Namespace,
    /// The alias; gone or changed by now means Conflict.
    pub name: AliasName,
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(Alias, CreateAlias, UpdateAlias, DeleteAlias);

/// All aliases, and what they are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aliases {
    pub(crate) by_uid: OrdMap<u64, Arc<Alias>>,
    by_name: OrdMap<Namespace, OrdMap<AliasName, u64>>,
    by_key: OrdMap<KeyId, OrdSet<(Namespace, AliasName)>>,
}

impl Aliases {
    fn of_name(&self, namespace: &Namespace, name: &AliasName) -> Option<&Arc<Alias>> {
        self.by_uid.get(self.by_name.get(namespace)?.get(name)?)
    }

    /// Adds an alias, or puts it in the place of itself as it was. False if another one has its name.
    pub(crate) fn insert(&mut self, alias: Arc<Alias>) -> bool {
        let is_free = self.of_name(&alias.namespace, &alias.name).is_none_or(|known| known.uid == alias.uid);
        if is_free {
            if let Some(before) = self.by_uid.get(&alias.uid).cloned() {
                self.remove(&before);
            }
            self.by_name.entry(alias.namespace.clone()).or_default().insert(alias.name.clone(), alias.uid);
            let name = (alias.namespace.clone(), alias.name.clone());
            self.by_key.entry(alias.key).or_default().insert(name);
            self.by_uid.insert(alias.uid, alias);
        }
        is_free
    }

    fn remove(&mut self, alias: &Alias) {
        self.by_uid.remove(&alias.uid);
        if let Some(names) = self.by_name.get_mut(&alias.namespace) {
            names.remove(&alias.name);
            if names.is_empty() {
                self.by_name.remove(&alias.namespace);
            }
        }
        if let Some(names) = self.by_key.get_mut(&alias.key) {
            names.remove(&(alias.namespace.clone(), alias.name.clone()));
            if names.is_empty() {
                self.by_key.remove(&alias.key);
            }
        }
    }

    fn count_of(&self, key: &KeyId) -> usize {
        self.by_key.get(key).map_or(0, OrdSet::len)
    }

    /// Whether each alias is found by its name and its key, and nothing else is found.
    pub(crate) fn are_found(&self) -> bool {
        let is_found = |(uid, alias): (&u64, &Arc<Alias>)| {
            let name = (alias.namespace.clone(), alias.name.clone());
            alias.uid == *uid
                && self.by_name.get(&alias.namespace).and_then(|names| names.get(&alias.name)) == Some(uid)
                && self.by_key.get(&alias.key).is_some_and(|names| names.contains(&name))
        };
        let named: usize = self.by_name.values().map(OrdMap::len).sum();
        let of_keys: usize = self.by_key.values().map(OrdSet::len).sum();
        self.by_uid.iter().all(is_found)
            && [named, of_keys].iter().all(|count| *count == self.by_uid.len())
            && self.by_name.values().all(|names| !names.is_empty())
            && self.by_key.values().all(|names| !names.is_empty())
    }
}

impl State {
    /// The alias of that name.
    pub fn alias(&self, namespace: &Namespace, name: &AliasName) -> Option<&Arc<Alias>> {
        self.aliases.of_name(namespace, name)
    }

    /// The key that an alias names.
    pub fn key_of_alias(&self, namespace: &Namespace, name: &AliasName) -> Option<&Arc<EncryptionKey>> {
        self.keys.get(&self.alias(namespace, name)?.key)
    }

    /// The aliases of an account in a region behind a name, in the order of their names.
    pub fn aliases<'a>(
        &'a self,
        namespace: &Namespace,
        after: Option<&AliasName>,
    ) -> impl Iterator<Item = &'a Arc<Alias>> + use<'a> {
        let range = (after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.clone())), Bound::Unbounded);
        let names = self.aliases.by_name.get(namespace).map(|names| names.range(range));
        names.into_iter().flatten().filter_map(|(_, uid)| self.aliases.by_uid.get(uid))
    }

    /// The aliases of a key behind a name, in the order of regions and names.
    pub fn aliases_of<'a>(
        &'a self,
        key: &KeyId,
        after: Option<(&Namespace, &AliasName)>,
    ) -> impl Iterator<Item = &'a Arc<Alias>> + use<'a> {
        let behind = |(namespace, name): (&Namespace, &AliasName)| Bound::Excluded((namespace.clone(), name.clone()));
        let range = (after.map_or(Bound::Unbounded, behind), Bound::Unbounded);
        let names = self.aliases.by_key.get(key).map(|names| names.range(range));
        names.into_iter().flatten().filter_map(|(namespace, name)| self.alias(namespace, name))
    }

    pub(crate) fn alias_unchanged_since(&self, namespace: &Namespace, name: &AliasName, decided_at: u64) -> bool {
        self.alias(namespace, name).is_some_and(|alias| alias.changed_at <= decided_at)
    }

    pub(crate) fn create_alias(&mut self, index: u64, command: CreateAlias) -> Outcome {
        let CreateAlias { namespace, name, key } = command;
        self.can_be_named(&namespace, &name, key)?;
        if self.alias(&namespace, &name).is_some() {
            return Err(KeyRefusal::AliasExists.into());
        }
        self.add_alias(index, namespace, name, key);
        Ok(Applied::KeyChanged { key })
    }

    pub(crate) fn update_alias(&mut self, index: u64, command: UpdateAlias) -> Outcome {
        let UpdateAlias { namespace, name, key } = command;
        if name.is_reserved() {
            return Err(KeyRefusal::AliasReserved.into());
        }
        let alias = self.alias(&namespace, &name).ok_or(Refusal::Conflict)?.clone();
        if alias.key != key {
            self.can_be_named(&namespace, &name, key)?;
            let updated = Alias { key, updated: self.time, changed_at: index, ..alias.as_ref().clone() };
            self.aliases.insert(Arc::new(updated));
        }
        Ok(Applied::KeyChanged { key })
    }

    pub(crate) fn delete_alias(&mut self, command: &DeleteAlias) -> Outcome {
        if command.name.is_reserved() {
            return Err(KeyRefusal::AliasReserved.into());
        }
        let alias = self.alias(&command.namespace, &command.name).ok_or(Refusal::Conflict)?.clone();
        self.aliases.remove(&alias);
        Ok(Applied::KeyChanged { key: alias.key })
    }

    /// Adds an alias whose name is free.
    pub(super) fn add_alias(&mut self, index: u64, namespace: Namespace, name: AliasName, key: KeyId) {
        let uid = self.draw_uid();
        let alias = Alias { uid, namespace, name, key, created: self.time, updated: self.time, changed_at: index };
        self.aliases.insert(Arc::new(alias));
    }

    /// Takes its names from a key that is gone.
    pub(super) fn drop_aliases_of(&mut self, key: &KeyId) {
        let names: Vec<_> = self.aliases_of(key, None).cloned().collect();
        names.iter().for_each(|alias| self.aliases.remove(alias));
    }

    /// Refuses a name that customers may not give, to a key that may not have one more.
    fn can_be_named(&self, namespace: &Namespace, name: &AliasName, key: KeyId) -> Result<(), Refusal> {
        if name.is_reserved() {
            return Err(KeyRefusal::AliasReserved.into());
        }
        let found = self.keys.get(&key).filter(|key| key.is_found_in(namespace)).ok_or(Refusal::Conflict)?;
        if found.manager == KeyManager::Service {
            return Err(KeyRefusal::OfTheService.into());
        }
        if let KeyState::PendingDeletion { .. } = found.state {
            return Err(KeyRefusal::PendingDeletion.into());
        }
        if self.aliases.count_of(&key) >= limits::ALIASES_PER_KEY {
            return Err(KeyRefusal::AliasQuota.into());
        }
        Ok(())
    }
}

impl Record {
    pub(crate) fn alias(alias: &Arc<Alias>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Alias, alias.uid), Self::Alias(alias.clone()))
    }
}
