//! New wraps of data keys: of one secret's when it gets another key, and of all that are under older material of a key.
//!
//! The values stay as they are. A wrap takes the place of the one before in the same command, so that a key that is no
//! longer used opens nothing any more.

use std::fmt;
use std::sync::Arc;

use types::{KeyId, Timestamp, VersionId};

use super::key::EncryptionKey;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::record::{Record, RecordKey, RecordKind};
use crate::secret::{SealedValue, Secret, SecretUid, Version, VersionEntry};
use crate::state::State;

/// A material of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion {
    /// The key.
    pub key: KeyId,
    /// The number of its material, from 1.
    pub material: u32,
}

/// All labelled versions of a secret under another key.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRewrap {
    /// What wraps their data keys from now on.
    pub to: KeyVersion,
    /// Each version that has a label and a value, once; if there are others by now, it means Conflict.
    pub versions: Vec<RewrappedVersion>,
}

/// A version of a secret with a new wrap.
#[derive(Clone, PartialEq, Eq)]
pub struct RewrappedVersion {
    /// The version.
    pub version: VersionId,
    /// What has wrapped its data key; something else by now means Conflict.
    pub from: KeyVersion,
    /// The data key, wrapped anew.
    pub wrapped_key: Arc<[u8]>,
}

/// How far the work has come that follows upon a rotation: all data keys under the newest material of their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapJob {
    /// The number of the key's record.
    pub key_uid: u64,
    /// The key.
    pub key: KeyId,
    /// The material that is to wrap all of them.
    pub material: u32,
    /// When it began, in log time.
    pub started: Timestamp,
    /// The first secret that has not been looked at.
    pub cursor: SecretUid,
    /// Secrets that were looked at.
    pub secrets: u64,
    /// Versions that were wrapped anew.
    pub rewrapped: u64,
    /// Versions whose data keys could not be opened.
    pub failed: u64,
    /// When the last secret had been looked at.
    pub finished: Option<Timestamp>,
}

/// A step of a [`RewrapJob`].
#[derive(Clone, PartialEq, Eq)]
pub struct RewrapDataKeys {
    /// The key, and the material that wraps the data keys from now on. Other newest material by now means Conflict.
    pub to: KeyVersion,
    /// Where the job stood; elsewhere by now means Conflict.
    pub cursor: SecretUid,
    /// The first secret that has not been looked at now; absent after the last one.
    pub next: Option<SecretUid>,
    /// Secrets that were looked at.
    pub secrets: u64,
    /// Versions whose data keys could not be opened.
    pub failed: u64,
    /// The new wraps.
    pub rewraps: Vec<Rewrap>,
}

/// A version with a new wrap, by the numbers of its record.
#[derive(Clone, PartialEq, Eq)]
pub struct Rewrap {
    /// The secret; one that is gone is passed over.
    pub secret: SecretUid,
    /// The part of the version's record; one that is gone is passed over.
    pub part: u64,
    /// The number of the material that has wrapped the data key; a version under anything else is passed over.
    pub from: u32,
    /// The data key, wrapped anew.
    pub wrapped_key: Arc<[u8]>,
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

debug_as_name!(SecretRewrap, RewrappedVersion, RewrapDataKeys, Rewrap);

impl SealedValue {
    /// What wraps the data key.
    pub const fn wrapped_by(&self) -> KeyVersion {
        KeyVersion { key: self.key, material: self.material }
    }
}

impl State {
    /// How far the rewrap of a key's data keys has come; `None` if there never was one.
    pub fn rewrap_job(&self, key: &EncryptionKey) -> Option<&Arc<RewrapJob>> {
        self.rewraps.get(&key.uid)
    }

    /// All rewraps, also those that have come to their ends.
    pub fn rewrap_jobs(&self) -> impl Iterator<Item = &Arc<RewrapJob>> {
        self.rewraps.values()
    }

    /// The secrets from a number on, without replicas, whose versions are those of their primaries.
    pub fn secrets_from(&self, first: SecretUid) -> impl Iterator<Item = &Arc<Secret>> {
        self.secrets.range(first..).map(|(_, secret)| secret)
    }

    /// Has all data keys under older material of a key wrapped anew, from the first secret on.
    pub(super) fn begin_rewrap(&mut self, key: &EncryptionKey) {
        let job = RewrapJob {
            key_uid: key.uid,
            key: key.id,
            material: key.newest_material(),
            started: self.time,
            cursor: SecretUid(0),
            secrets: 0,
            rewrapped: 0,
            failed: 0,
            finished: None,
        };
        self.rewraps.insert(key.uid, Arc::new(job));
    }

    pub(super) fn drop_rewrap_of(&mut self, key: &EncryptionKey) {
        self.rewraps.remove(&key.uid);
    }

    pub(crate) fn rewrap_data_keys(&mut self, command: RewrapDataKeys) -> Outcome {
        let RewrapDataKeys { to, cursor, next, secrets, failed, rewraps } = command;
        let key = self.keys.get(&to.key).ok_or(Refusal::Conflict)?;
        let job = self.rewraps.get(&key.uid).ok_or(Refusal::Conflict)?.as_ref().clone();
        let goes_on = job.finished.is_none() && job.cursor == cursor && job.material == to.material;
        if !goes_on || next.is_some_and(|next| next <= cursor) {
            return Err(Refusal::Conflict);
        }
        self.must_be_enabled(&to.key)?;
        let mut rewrapped = 0;
        for rewrap in rewraps {
            rewrapped += u64::from(self.rewrap_version(to, rewrap));
        }
        let job = RewrapJob {
            cursor: next.unwrap_or(cursor),
            secrets: job.secrets.saturating_add(secrets),
            rewrapped: job.rewrapped.saturating_add(rewrapped),
            failed: job.failed.saturating_add(failed),
            finished: next.is_none().then_some(self.time),
            ..job
        };
        self.rewraps.insert(job.key_uid, Arc::new(job));
        Ok(Applied::Rewrapped { count: rewrapped })
    }

    /// Says whether the version is there, under the material that it is said to be under.
    fn rewrap_version(&mut self, to: KeyVersion, rewrap: Rewrap) -> bool {
        let from = KeyVersion { key: to.key, material: rewrap.from };
        let secret = self.secrets.get(&rewrap.secret);
        let entry = secret.and_then(|secret| secret.versions.of_part(rewrap.part));
        let (Some(secret), Some(entry)) = (secret, entry) else { return false };
        if !is_wrapped_by(&entry.version, from) {
            return false;
        }
        let mut next = secret.as_ref().clone();
        next.versions.replace(rewrapped(entry, to, rewrap.wrapped_key));
        // Nobody sees it: not a change in the sense of LastChangedDate.
        self.replace(next);
        true
    }
}

/// Gives the labelled versions of `secret` their new wraps, in what is to come after it.
///
/// # Errors
/// Conflict unless they are exactly those that have a label and a value, under the keys that they were under.
pub(crate) fn rewrap_labelled(secret: &Secret, next: &mut Secret, rewrap: SecretRewrap) -> Result<(), Refusal> {
    let has_label_and_value =
        |entry: &&VersionEntry| entry.version.value.is_some() && secret.is_labelled(&entry.version.id);
    let mut left: Vec<_> = secret.versions.iter().filter(has_label_and_value).collect();
    for RewrappedVersion { version, from, wrapped_key } in rewrap.versions {
        let place = left.iter().position(|entry| entry.version.id == version && is_wrapped_by(&entry.version, from));
        let entry = left.swap_remove(place.ok_or(Refusal::Conflict)?);
        next.versions.replace(rewrapped(entry, rewrap.to, wrapped_key));
    }
    if left.is_empty() { Ok(()) } else { Err(Refusal::Conflict) }
}

fn is_wrapped_by(version: &Version, by: KeyVersion) -> bool {
    version.value.as_ref().is_some_and(|value| value.wrapped_by() == by)
}

/// A version that has a value, with another wrap of its data key.
fn rewrapped(entry: &VersionEntry, to: KeyVersion, wrapped_key: Arc<[u8]>) -> VersionEntry {
    let KeyVersion { key, material } = to;
    let version = entry.version.as_ref();
    let value = version.value.clone().map(|value| SealedValue { key, material, wrapped_key, ..value });
    VersionEntry::new(Arc::new(Version { value, ..version.clone() }), entry.last_accessed)
}

impl Record {
    pub(crate) fn rewrap(job: &Arc<RewrapJob>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Rewrap, job.key_uid), Self::Rewrap(job.clone()))
    }
}
