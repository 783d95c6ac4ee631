//! What holds for the keys of every state, and for what belongs to them.

use super::index::KeyIndex;
use super::key::EncryptionKey;
use crate::invariants::{BrokenInvariant, require};
use crate::record::{RecordKey, RecordKind};
use crate::state::State;

type Checked = Result<(), BrokenInvariant>;

impl State {
    /// Checks keys, aliases, grants and rewraps; the cost is that of all of them.
    pub(crate) fn invariants_of_keys(&self) -> Checked {
        self.invariant_keys_are_found()?;
        self.keys.values().try_for_each(|key| self.invariants_of_key(key))?;
        self.invariant_aliases_name_keys()?;
        self.invariant_grants_are_of_keys()?;
        self.invariant_destroyed_keys_are_gone()?;
        self.invariant_rewraps_are_of_keys()?;
        self.invariant_keyring_has_a_revision()
    }

    /// Each key is found by its id, its region, and the dates at which something is due.
    fn invariant_keys_are_found(&self) -> Checked {
        for (id, key) in &self.keys {
            require(key.id == *id, || key_of(key), "is not found by its id")?;
        }
        let indexed = self.key_index == KeyIndex::of_keys(self.keys.values());
        require(indexed, || RecordKey::single(RecordKind::EncryptionKey), "is not what the index of keys says")
    }

    /// A key has material, knows how as much of it came as came later than the first, and was not made in the future.
    fn invariants_of_key(&self, key: &EncryptionKey) -> Checked {
        require(key.rotations.len() < key.material.len(), || key_of(key), "has more rotations than material")?;
        let sorted = key.rotations.is_sorted_by(|one, next| one.at <= next.at);
        let ended = key.rotations.last().is_none_or(|last| last.at <= self.time);
        require(sorted && ended && key.created <= self.time, || key_of(key), "has dates that contradict each other")?;
        let once = key
            .tags
            .iter()
            .enumerate()
            .all(|(place, tag)| key.tags.iter().take(place).all(|before| before.key != tag.key));
        require(once, || key_of(key), "has a tag twice")
    }

    /// An alias names a key that is found where the alias is.
    fn invariant_aliases_name_keys(&self) -> Checked {
        for (uid, alias) in &self.aliases.by_uid {
            let key = || RecordKey::numbered(RecordKind::Alias, *uid);
            let named = self.keys.get(&alias.key).is_some_and(|key| key.is_found_in(&alias.namespace));
            require(named, key, "names no key")?;
            let in_order = alias.created <= alias.updated && alias.updated <= self.time;
            require(in_order && *uid < self.next_uid, key, "has dates that contradict each other, or no number")?;
        }
        let found = self.aliases.are_found();
        require(found, || RecordKey::single(RecordKind::Alias), "is not what the index of aliases says")
    }

    /// A grant is of a key, and its permissions are sorted.
    fn invariant_grants_are_of_keys(&self) -> Checked {
        for (uid, grant) in &self.grants.by_uid {
            let key = || RecordKey::numbered(RecordKind::Grant, *uid);
            require(self.keys.contains_key(&grant.key), key, "is of no key")?;
            let sorted = grant.terms.operations.is_sorted_by(|one, next| one < next);
            require(sorted, key, "has permissions that are not sorted or not unique")?;
            let drawn = *uid < self.next_uid && grant.created <= self.time;
            require(drawn, key, "is of the future, or has a number that was never drawn")?;
        }
        let found = self.grants.are_found();
        require(found, || RecordKey::single(RecordKind::Grant), "is not what the index of grants says")
    }

    /// No key that was destroyed is there.
    fn invariant_destroyed_keys_are_gone(&self) -> Checked {
        for (uid, destroyed) in &self.destroyed_keys.by_uid {
            let key = || RecordKey::numbered(RecordKind::DestroyedKey, *uid);
            require(!self.keys.contains_key(&destroyed.id), key, "is of a key that is there")?;
            let drawn = *uid < self.next_uid && destroyed.at <= self.time;
            require(drawn, key, "is of the future, or has a number that was never drawn")?;
        }
        let found = self.destroyed_keys.are_found();
        require(found, || RecordKey::single(RecordKind::DestroyedKey), "is not found by its key")
    }

    /// A rewrap is of a key, and has it use material that it has.
    fn invariant_rewraps_are_of_keys(&self) -> Checked {
        for (uid, job) in &self.rewraps {
            let key = || RecordKey::numbered(RecordKind::Rewrap, *uid);
            let of = self.keys.get(&job.key).filter(|key| key.uid == *uid && job.key_uid == *uid);
            require(of.is_some(), key, "is of no key")?;
            let newest = of.is_some_and(|key| key.newest_material() == job.material);
            require(newest, key, "is to another material than the newest")?;
            let finished = job.finished.is_none_or(|at| job.started <= at && at <= self.time);
            require(finished && job.started <= self.time, key, "has dates that contradict each other")?;
        }
        Ok(())
    }

    fn invariant_keyring_has_a_revision(&self) -> Checked {
        let holds = self.keyring.as_ref().is_none_or(|keyring| keyring.revision > 0 && keyring.at <= self.time);
        require(holds, || RecordKey::single(RecordKind::Keyring), "has no revision, or is of the future")
    }
}

const fn key_of(key: &EncryptionKey) -> RecordKey {
    RecordKey::numbered(RecordKind::EncryptionKey, key.uid)
}
