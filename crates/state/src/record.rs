//! The state as a set of small records, for checkpoints and snapshots.
//!
//! A record is the unit that is written when something changed; `storage` gives it bytes and seals it.

use std::sync::Arc;

use types::Timestamp;

use crate::identity::{AccessKey, Binding, Cluster, EncryptionKey};
use crate::proposals::ProposalResult;
use crate::secret::{Secret, Version};
use crate::state::State;

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
}

/// The name of a record: numbers only, so that it may stand in the clear on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// What it is.
    pub kind: RecordKind,
    /// The record's number: a secret's uid, a proposal's log index, 0 for the single ones.
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
    /// The secret; of its versions only part numbers and access days belong into the record's bytes.
    Secret(Arc<Secret>),
    /// A version of the secret whose uid is the key's id.
    Version(Arc<Version>),
    /// A remembered result.
    Proposal(ProposalResult),
}

/// One difference between two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record is new or has changed.
    Put(RecordKey, Record),
    /// The record is gone.
    Remove(RecordKey),
}

/// A record that does not fit those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {key:?} {why}")]
pub struct UnexpectedRecord {
    /// Which record.
    pub key: RecordKey,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Puts a state together from its records, which arrive in the order of their keys.
#[derive(Debug, Default)]
pub struct StateBuilder {
    pub(crate) state: State,
}
