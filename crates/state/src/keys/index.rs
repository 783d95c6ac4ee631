//! What keys are found by beside their ids.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{AccountId, KeyId, Namespace, Region, Timestamp};

use super::key::EncryptionKey;
use crate::state::State;

/// Made of the keys, and kept nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyIndex {
    /// The keys of an account in a region, and those that are found in every one.
    listed: OrdMap<(AccountId, Option<Region>), OrdSet<KeyId>>,
    /// Keys with a deletion window, by its end.
    going: OrdSet<(Timestamp, KeyId)>,
    /// Keys that rotate by themselves, by the next time.
    rotating: OrdSet<(Timestamp, KeyId)>,
}

impl KeyIndex {
    pub(crate) fn of_keys<'a>(keys: impl Iterator<Item = &'a Arc<EncryptionKey>>) -> Self {
        let mut index = Self::default();
        keys.for_each(|key| index.insert(key));
        index
    }

    fn insert(&mut self, key: &EncryptionKey) {
        self.listed.entry((key.account, key.region.clone())).or_default().insert(key.id);
        if let Some(end) = key.deletion_date() {
            self.going.insert((end, key.id));
        }
        if let Some(next) = key.next_rotation() {
            self.rotating.insert((next, key.id));
        }
    }

    fn remove(&mut self, key: &EncryptionKey) {
        let place = (key.account, key.region.clone());
        if let Some(listed) = self.listed.get_mut(&place) {
            listed.remove(&key.id);
            if listed.is_empty() {
                self.listed.remove(&place);
            }
        }
        if let Some(end) = key.deletion_date() {
            self.going.remove(&(end, key.id));
        }
        if let Some(next) = key.next_rotation() {
            self.rotating.remove(&(next, key.id));
        }
    }
}

impl State {
    /// The keys that an account finds in a region, behind an id, in the order of their ids.
    pub fn keys_in<'a>(
        &'a self,
        namespace: &Namespace,
        after: Option<&KeyId>,
    ) -> impl Iterator<Item = &'a Arc<EncryptionKey>> + use<'a> {
        let range = (after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id)), Bound::Unbounded);
        let listed = |region| {
            let ids = self.key_index.listed.get(&(namespace.account, region)).map(|ids| ids.range(range));
            ids.into_iter().flatten()
        };
        let mut here = listed(Some(namespace.region.clone())).peekable();
        let mut everywhere = listed(None).peekable();
        let ids = std::iter::from_fn(move || match (here.peek(), everywhere.peek()) {
            (Some(one), Some(other)) if one > other => everywhere.next(),
            (Some(_), _) => here.next(),
            (None, _) => everywhere.next(),
        });
        ids.filter_map(|id| self.keys.get(id))
    }

    /// The keys whose deletion windows end at that moment or before, the first one first.
    pub fn keys_due(&self, at: Timestamp) -> impl Iterator<Item = KeyId> {
        self.key_index.going.range(..=(at, KeyId([u8::MAX; 16]))).map(|(_, id)| *id)
    }

    /// The keys whose rotations are due at that moment, the first one first.
    pub fn rotations_due(&self, at: Timestamp) -> impl Iterator<Item = KeyId> {
        self.key_index.rotating.range(..=(at, KeyId([u8::MAX; 16]))).map(|(_, id)| *id)
    }

    /// How many keys belong to an account in a region.
    pub(super) fn key_count(&self, namespace: &Namespace) -> usize {
        let place = (namespace.account, Some(namespace.region.clone()));
        self.key_index.listed.get(&place).map_or(0, OrdSet::len)
    }

    /// Adds a key, or puts it in the place of itself as it was.
    pub(crate) fn put_key(&mut self, key: EncryptionKey) {
        let key = Arc::new(key);
        if let Some(before) = self.keys.insert(key.id, key.clone()) {
            self.key_index.remove(&before);
        }
        self.key_index.insert(&key);
    }

    pub(super) fn remove_key(&mut self, key: &EncryptionKey) {
        self.keys.remove(&key.id);
        self.key_index.remove(key);
    }
}
