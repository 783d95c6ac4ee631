//! The state as a set of small records, for checkpoints and snapshots.
//!
//! A record is the unit that is written when something changed; `storage` gives it bytes and seals it.

use std::iter;
use std::sync::Arc;

use types::Timestamp;

use crate::boot::NodeBoot;
use crate::identity::{AccessKey, Binding, Cluster};
use crate::keyring::Keyring;
use crate::keys::{Alias, DestroyedKey, EncryptionKey, Grant, RewrapJob};
use crate::proposals::ProposalResult;
use crate::replication::Replica;
use crate::resource_policy::ResourcePolicy;
use crate::secret::{Secret, SecretUid, Version, VersionEntry};
use crate::state::State;
use crate::versions::Versions;

/// The kind of a record. The numbers stand on disk and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// Counters of the state; exactly one.
    Counters = 1,
    /// [`Cluster`]; one after bootstrap.
    Cluster = 2,
    /// [`AccessKey`].
    AccessKey = 3,
    /// [`Binding`].
    Binding = 4,
    /// [`EncryptionKey`].
    EncryptionKey = 5,
    /// A secret without the contents of its versions.
    Secret = 6,
    /// One version of a secret.
    Version = 7,
    /// One remembered proposal result.
    Proposal = 8,
    /// A node's data directory.
    NodeBoot = 9,
    /// What became of a secret's policy.
    ResourcePolicy = 10,
    /// A replica of a secret.
    Replica = 11,
    /// A name of a key.
    Alias = 12,
    /// A grant of a key.
    Grant = 13,
    /// What is known of a key that is gone.
    DestroyedKey = 14,
    /// How far a rewrap has come.
    Rewrap = 15,
    /// The keyring that came through the log; one at most.
    Keyring = 16,
}

/// The name of a record: numbers only, so that it may stand in the clear on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// What it is.
    pub kind: RecordKind,
    /// The record's number: a secret's uid, also for its policy, a key's for its rewrap, a proposal's log index, a node's
    /// id, 0 for the single ones.
    pub id: u64,
    /// The part of a version; 0 for all others.
    pub part: u64,
}

/// A record's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Log time, the next uid and the floor of the proposal memory.
    Counters {
        /// The highest stamp that was applied.
        time: Timestamp,
        /// The number of the next record.
        next_uid: u64,
        /// See [`crate::Proposals`].
        forgotten_through: u64,
    },
    /// See [`Cluster`].
    Cluster(Arc<Cluster>),
    /// See [`AccessKey`].
    AccessKey(Arc<AccessKey>),
    /// See [`Binding`].
    Binding(Arc<Binding>),
    /// See [`EncryptionKey`].
    EncryptionKey(Arc<EncryptionKey>),
    /// See [`SecretRecord`].
    Secret(SecretRecord),
    /// A version of the secret whose uid is the key's id.
    Version(Arc<Version>),
    /// A remembered result.
    Proposal(ProposalResult),
    /// See [`NodeBoot`].
    NodeBoot(Arc<NodeBoot>),
    /// See [`ResourcePolicy`].
    ResourcePolicy(Arc<ResourcePolicy>),
    /// See [`Replica`].
    Replica(Arc<Replica>),
    /// See [`Alias`].
    Alias(Arc<Alias>),
    /// See [`Grant`].
    Grant(Arc<Grant>),
    /// See [`DestroyedKey`].
    DestroyedKey(Arc<DestroyedKey>),
    /// See [`RewrapJob`].
    Rewrap(Arc<RewrapJob>),
    /// See [`Keyring`].
    Keyring(Arc<Keyring>),
}

/// A secret without the contents of its versions, which have records of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    /// The secret; its `versions` are empty here.
    pub secret: Arc<Secret>,
    /// Its versions in the order of creation.
    pub versions: Vec<VersionPart>,
}

/// What a secret's record says of one of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPart {
    /// The part of the version's record.
    pub part: u64,
    /// The UTC day of the last GetSecretValue of this version.
    pub last_accessed: Option<Timestamp>,
}

impl State {
    /// All records in the order of their keys. The iterator keeps the state that it began with.
    pub fn records(&self) -> impl Iterator<Item = (RecordKey, Record)> + Send + use<> {
        let versions = |(uid, secret): (SecretUid, Arc<Secret>)| {
            let record = move |at: usize| secret.versions.get(at).map(|entry| Record::version(uid, &entry.version));
            (0..).map_while(record)
        };
        iter::once(self.counters())
            .chain(self.identity_records())
            .chain(self.secrets.clone().into_iter().map(|(_, secret)| Record::secret(&secret)))
            .chain(self.secrets.clone().into_iter().flat_map(versions))
            .chain(self.proposals.by_index.clone().into_iter().map(|(_, result)| Record::proposal(&result)))
            .chain(self.boots.clone().into_iter().map(|(_, boot)| Record::node_boot(&boot)))
            .chain(self.policies.clone().into_iter().map(|(_, policy)| Record::resource_policy(&policy)))
            .chain(self.replicas.clone().into_iter().map(|(_, replica)| Record::replica(&replica)))
            .chain(self.aliases.by_uid.clone().into_iter().map(|(_, alias)| Record::alias(&alias)))
            .chain(self.grants.by_uid.clone().into_iter().map(|(_, grant)| Record::grant(&grant)))
            .chain(self.destroyed_keys.by_uid.clone().into_iter().map(|(_, key)| Record::destroyed_key(&key)))
            .chain(self.rewraps.clone().into_iter().map(|(_, job)| Record::rewrap(&job)))
            .chain(self.keyring.as_ref().map(Record::keyring))
    }

    /// The record of the counters.
    pub(crate) const fn counters(&self) -> (RecordKey, Record) {
        let record = Record::Counters {
            time: self.time,
            next_uid: self.next_uid,
            forgotten_through: self.proposals.forgotten_through,
        };
        (RecordKey::single(RecordKind::Counters), record)
    }

    /// The few records whose maps are not in the order of their numbers.
    fn identity_records(&self) -> Vec<(RecordKey, Record)> {
        let mut records: Vec<_> = self.cluster.iter().map(Record::cluster).collect();
        records.extend(self.access_keys.values().map(Record::access_key));
        records.extend(self.bindings.values().map(Record::binding));
        records.extend(self.keys.values().map(Record::encryption_key));
        records.sort_by_key(|(key, _)| *key);
        records
    }
}

impl RecordKey {
    /// The key of a kind that has one record only.
    pub(crate) const fn single(kind: RecordKind) -> Self {
        Self::numbered(kind, 0)
    }

    pub(crate) const fn numbered(kind: RecordKind, id: u64) -> Self {
        Self { kind, id, part: 0 }
    }

    pub(crate) const fn of_version(uid: SecretUid, part: u64) -> Self {
        Self { kind: RecordKind::Version, id: uid.0, part }
    }
}

impl Record {
    /// Whether the record says of itself what `key` says. A version does not know its secret.
    pub fn is_of(&self, key: RecordKey) -> bool {
        key == match self {
            Self::Counters { .. } => RecordKey::single(RecordKind::Counters),
            Self::Cluster(_) => RecordKey::single(RecordKind::Cluster),
            Self::AccessKey(access_key) => RecordKey::numbered(RecordKind::AccessKey, access_key.uid),
            Self::Binding(binding) => RecordKey::numbered(RecordKind::Binding, binding.uid),
            Self::EncryptionKey(encryption_key) => RecordKey::numbered(RecordKind::EncryptionKey, encryption_key.uid),
            Self::Secret(record) => RecordKey::numbered(RecordKind::Secret, record.secret.uid.0),
            Self::Version(version) => RecordKey::of_version(SecretUid(key.id), version.part),
            Self::Proposal(result) => RecordKey::numbered(RecordKind::Proposal, result.index),
            Self::NodeBoot(boot) => RecordKey::numbered(RecordKind::NodeBoot, boot.node.0),
            Self::ResourcePolicy(policy) => RecordKey::numbered(RecordKind::ResourcePolicy, policy.secret.0),
            Self::Replica(replica) => RecordKey::numbered(RecordKind::Replica, replica.uid.0),
            Self::Alias(alias) => RecordKey::numbered(RecordKind::Alias, alias.uid),
            Self::Grant(grant) => RecordKey::numbered(RecordKind::Grant, grant.uid),
            Self::DestroyedKey(key) => RecordKey::numbered(RecordKind::DestroyedKey, key.uid),
            Self::Rewrap(job) => RecordKey::numbered(RecordKind::Rewrap, job.key_uid),
            Self::Keyring(_) => RecordKey::single(RecordKind::Keyring),
        }
    }

    pub(crate) fn cluster(cluster: &Arc<Cluster>) -> (RecordKey, Self) {
        (RecordKey::single(RecordKind::Cluster), Self::Cluster(cluster.clone()))
    }

    pub(crate) fn access_key(access_key: &Arc<AccessKey>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::AccessKey, access_key.uid), Self::AccessKey(access_key.clone()))
    }

    pub(crate) fn binding(binding: &Arc<Binding>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Binding, binding.uid), Self::Binding(binding.clone()))
    }

    pub(crate) fn encryption_key(encryption_key: &Arc<EncryptionKey>) -> (RecordKey, Self) {
        let key = RecordKey::numbered(RecordKind::EncryptionKey, encryption_key.uid);
        (key, Self::EncryptionKey(encryption_key.clone()))
    }

    pub(crate) fn secret(secret: &Secret) -> (RecordKey, Self) {
        let part = |entry: &VersionEntry| VersionPart { part: entry.version.part, last_accessed: entry.last_accessed };
        let record = SecretRecord {
            versions: secret.versions.iter().map(part).collect(),
            secret: Arc::new(Secret { versions: Versions::default(), ..secret.clone() }),
        };
        (RecordKey::numbered(RecordKind::Secret, secret.uid.0), Self::Secret(record))
    }

    pub(crate) fn version(uid: SecretUid, version: &Arc<Version>) -> (RecordKey, Self) {
        (RecordKey::of_version(uid, version.part), Self::Version(version.clone()))
    }

    pub(crate) fn node_boot(boot: &Arc<NodeBoot>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::NodeBoot, boot.node.0), Self::NodeBoot(boot.clone()))
    }

    pub(crate) fn proposal(result: &ProposalResult) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Proposal, result.index), Self::Proposal(result.clone()))
    }
}
