//! Puts a state together from its records.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::index_builder::IndexBuilder;
use crate::invariants::BrokenInvariant;
use crate::keys::KeyIndex;
use crate::record::{Record, RecordKey, RecordKind, SecretRecord, VersionPart};
use crate::secret::{Secret, Version, VersionEntry};
use crate::state::State;
use crate::versions::Versions;

/// A record that does not fit those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {key:?} {why}")]
pub struct UnexpectedRecord {
    /// Which record.
    pub key: RecordKey,
    /// What is wrong with it.
    pub why: &'static str,
}

impl From<BrokenInvariant> for UnexpectedRecord {
    fn from(BrokenInvariant { key, why }: BrokenInvariant) -> Self {
        Self { key, why }
    }
}

/// Puts a state together from its records, which arrive in the order of their keys.
#[derive(Debug, Default)]
pub struct StateBuilder {
    state: State,
    last: Option<RecordKey>,
    /// Secrets that wait for their versions, in the order of their numbers.
    waiting: VecDeque<SecretRecord>,
    /// The versions of the first of them that have come.
    versions: Versions,
    indexes: IndexBuilder,
}

impl StateBuilder {
    /// Takes the next record.
    ///
    /// # Errors
    /// [`UnexpectedRecord`] for a record that is not where it belongs or contradicts another one.
    pub fn push(&mut self, key: RecordKey, record: Record) -> Result<(), UnexpectedRecord> {
        require(self.last.is_none_or(|last| last < key), key, "is out of order")?;
        require(self.last.is_some() || key.kind == RecordKind::Counters, key, "stands where the counters belong")?;
        require(record.is_of(key), key, "is that of another key")?;
        self.last = Some(key);
        let state = &mut self.state;
        let twice = match record {
            Record::Counters { time, next_uid, forgotten_through } => {
                state.time = time;
                state.next_uid = next_uid;
                state.proposals.forgotten_through = forgotten_through;
                false
            }
            Record::Cluster(cluster) => state.cluster.replace(cluster).is_some(),
            Record::AccessKey(record) => state.access_keys.insert(record.id.clone(), record).is_some(),
            Record::Binding(record) => state.bindings.insert(record.uri.clone(), record).is_some(),
            Record::EncryptionKey(record) => state.keys.insert(record.id, record).is_some(),
            Record::Secret(record) => {
                require(record.secret.versions.is_empty(), key, "holds versions itself")?;
                self.waiting.push_back(record);
                false
            }
            Record::Version(version) => return self.push_version(key, version),
            Record::Proposal(result) => {
                let twice = state.proposals.by_id.contains_key(&result.proposal);
                state.proposals.insert(result);
                twice
            }
            Record::NodeBoot(boot) => state.boots.insert(boot.node, boot).is_some(),
            Record::ResourcePolicy(policy) => state.policies.insert(policy.secret, policy).is_some(),
            Record::Replica(replica) => state.replicas.insert(replica.uid, replica).is_some(),
            Record::Alias(alias) => !state.aliases.insert(alias),
            Record::Grant(grant) => !state.grants.insert(grant),
            Record::DestroyedKey(destroyed) => !state.destroyed_keys.insert(destroyed),
            Record::Rewrap(job) => state.rewraps.insert(job.key_uid, job).is_some(),
            Record::Keyring(keyring) => state.keyring.replace(keyring).is_some(),
        };
        require(!twice, key, "is there a second time")
    }

    /// The state, once all records have come.
    ///
    /// # Errors
    /// [`UnexpectedRecord`] for a record that is missing, or that breaks an invariant of the whole.
    pub fn finish(mut self) -> Result<State, UnexpectedRecord> {
        require(self.last.is_some(), RecordKey::single(RecordKind::Counters), "is missing")?;
        while let Some(record) = self.waiting.pop_front() {
            self.complete(record)?;
        }
        self.indexes.finish(&mut self.state)?;
        self.state.key_index = KeyIndex::of_keys(self.state.keys.values());
        self.state.enter_replicas()?;
        // Those of each secret were checked when it was complete.
        self.state.invariants_of_the_whole()?;
        Ok(self.state)
    }

    fn push_version(&mut self, key: RecordKey, version: Arc<Version>) -> Result<(), UnexpectedRecord> {
        while let Some(record) = self.waiting.pop_front_if(|record| record.secret.uid.0 < key.id) {
            self.complete(record)?;
        }
        let record = self.waiting.front().filter(|record| record.secret.uid.0 == key.id);
        let expected = record.and_then(|record| record.versions.get(self.versions.len()));
        let Some(VersionPart { last_accessed, .. }) = expected.filter(|part| part.part == key.part).copied() else {
            return Err(UnexpectedRecord { key, why: "is not a version that its secret names next" });
        };
        if self.versions.is_empty() {
            self.versions = Versions::with_capacity(record.map_or(0, |record| record.versions.len()));
        }
        self.versions.push(VersionEntry::new(version, last_accessed));
        Ok(())
    }

    /// Gives a secret the versions that have come, and enters it into the state.
    fn complete(&mut self, record: SecretRecord) -> Result<(), UnexpectedRecord> {
        let SecretRecord { secret, versions: parts } = record;
        let key = RecordKey::numbered(RecordKind::Secret, secret.uid.0);
        let versions = std::mem::take(&mut self.versions);
        require(versions.len() == parts.len(), key, "names a version that is missing")?;
        let mut secret = Secret { versions, ..Arc::unwrap_or_clone(secret) };
        share_version_ids(&mut secret);
        self.indexes.push(&mut secret);
        self.state.invariants_of_secret(&secret)?;
        self.state.insert_unfound(Arc::new(secret));
        Ok(())
    }
}

/// Names the versions by the texts that they have themselves, as a secret does that was made by commands.
fn share_version_ids(secret: &mut Secret) {
    let names = secret.labels.iter_mut().map(|(_, holder)| holder).chain([&mut secret.create_token]);
    for name in names {
        if let Some(entry) = secret.versions.of_id(name) {
            name.clone_from(&entry.version.id);
        }
    }
}

fn require(holds: bool, key: RecordKey, why: &'static str) -> Result<(), UnexpectedRecord> {
    if holds { Ok(()) } else { Err(UnexpectedRecord { key, why }) }
}
