//! The end of keys: their material is destroyed, and with it all that it alone can open.

use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;
use types::{AccountId, KeyId, Region, Timestamp, limits};

use crate::outcome::Applied;
use crate::record::{Record, RecordKey, RecordKind};
use crate::state::State;

/// Keys whose deletion windows have ended, to be destroyed.
#[derive(Clone, PartialEq, Eq)]
pub struct PurgeKeys {
    /// The keys; those whose deletion was cancelled, or that are gone by now, stay as they are.
    pub keys: Vec<KeyId>,
    /// What a quorum of the nodes held to be the time when this was proposed. No window that ends later has ended.
    pub not_after: Timestamp,
}

/// What is known of a key that is gone: when its material left the state. Logs, snapshots and backups from before have
/// it still, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestroyedKey {
    /// The record's number, in the order in which keys went.
    pub uid: u64,
    /// The key.
    pub id: KeyId,
    /// The account that owned it.
    pub account: AccountId,
    /// Where it was found.
    pub region: Option<Region>,
    /// When, in log time.
    pub at: Timestamp,
    /// The log index of the command. No state at or above it has the material.
    pub index: u64,
}

impl fmt::Debug for PurgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurgeKeys")
    }
}

/// The last keys that went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DestroyedKeys {
    pub(crate) by_uid: OrdMap<u64, Arc<DestroyedKey>>,
    by_id: OrdMap<KeyId, u64>,
}

impl DestroyedKeys {
    /// Adds one. False if there is one of that id.
    pub(crate) fn insert(&mut self, key: Arc<DestroyedKey>) -> bool {
        let is_new = self.by_id.insert(key.id, key.uid).is_none();
        self.by_uid.insert(key.uid, key);
        is_new
    }

    fn forget_oldest(&mut self) {
        while self.by_uid.len() > limits::DESTROYED_KEYS
            && let Some((uid, oldest)) = self.by_uid.get_min().cloned()
        {
            self.by_uid.remove(&uid);
            self.by_id.remove(&oldest.id);
        }
    }

    /// Whether each is found by its id, and nothing else is.
    pub(crate) fn are_found(&self) -> bool {
        let is_found = |(uid, key): (&u64, &Arc<DestroyedKey>)| key.uid == *uid && self.by_id.get(&key.id) == Some(uid);
        self.by_uid.iter().all(is_found) && self.by_id.len() == self.by_uid.len()
    }
}

impl State {
    /// What is known of a key that was destroyed.
    pub fn destroyed_key(&self, id: &KeyId) -> Option<&Arc<DestroyedKey>> {
        self.destroyed_keys.by_uid.get(self.destroyed_keys.by_id.get(id)?)
    }

    /// Destroys the keys whose windows have ended, and passes over all others.
    ///
    /// As with secrets, the leader that appended the command and the quorum behind `not_after` must both hold that a
    /// window has ended. Secrets under the key stay, and nobody can read them.
    pub(crate) fn purge_keys(&mut self, index: u64, command: &PurgeKeys, stamped: Timestamp) -> Applied {
        let now = stamped.min(command.not_after);
        for id in &command.keys {
            let key = self.keys.get(id).filter(|key| key.deletion_date().is_some_and(|end| end <= now));
            let Some(key) = key.cloned() else { continue };
            self.remove_key(&key);
            self.drop_aliases_of(id);
            self.drop_grants_of(id);
            self.drop_rewrap_of(&key);
            let (account, region) = (key.account, key.region.clone());
            let destroyed = DestroyedKey { uid: self.draw_uid(), id: *id, account, region, at: self.time, index };
            self.destroyed_keys.insert(Arc::new(destroyed));
        }
        self.destroyed_keys.forget_oldest();
        Applied::Purged
    }
}

impl Record {
    pub(crate) fn destroyed_key(key: &Arc<DestroyedKey>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::DestroyedKey, key.uid), Self::DestroyedKey(key.clone()))
    }
}
