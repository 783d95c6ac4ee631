//! What can go wrong with a state store.

use std::io;
use std::path::{Path, PathBuf};

use key_service::OpenError;
use state::{RecordKey, UnexpectedRecord};

use crate::codec::DecodeError;

/// A state store that cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StateStoreError {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has the directory open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The directory belongs to another cluster.
    #[error("{} is the state of another cluster", .0.display())]
    Foreign(PathBuf),
    /// The directory was written in a format that this version does not know.
    #[error("{} is a state store of an unknown format", .0.display())]
    UnknownFormat(PathBuf),
    /// The storage engine refused.
    #[error("the storage engine cannot {action} in {}", path.display())]
    Engine {
        /// What was tried.
        action: &'static str,
        /// In which directory.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The storage engine gave up by a panic, as it does on files that it cannot make sense of.
    #[error("the storage engine broke down when it was to {action}: {message}")]
    EnginePanicked {
        /// What was tried.
        action: &'static str,
        /// What the panic said.
        message: String,
    },
    /// What the store holds is not what was written.
    #[error("the state store is damaged")]
    Damaged(#[source] Damage),
    /// The state that a checkpoint was compared with is not the one of the last checkpoint.
    #[error("record {0:?} is not in the last checkpoint, although it was compared with it")]
    NotPrevious(RecordKey),
    /// The records of one kind came in another order than that of their keys.
    #[error("record {0:?} comes after a later one")]
    OutOfOrder(RecordKey),
    /// An earlier checkpoint failed.
    #[error("an earlier checkpoint failed: the state store takes no more")]
    Failed,
}

/// How a state store is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The key that names the current checkpoint is gone.
    #[error("without the head of a checkpoint")]
    NoHead,
    /// There is a checkpoint, but not the marker file that is written before the first one.
    #[error("a checkpoint without the marker file")]
    NoMarker,
    /// The engine came up with an older checkpoint than the last one that was taken.
    #[error("checkpoint {found} where {taken} was taken already")]
    WentBack {
        /// By the marker file.
        taken: u64,
        /// In the store.
        found: u64,
    },
    /// The head is not authentic.
    #[error("the head of the checkpoint cannot be opened")]
    OpenHead(#[source] OpenError),
    /// The head is authentic but of no known form.
    #[error("the head of the checkpoint cannot be decoded")]
    DecodeHead(#[source] DecodeError),
    /// A key that no pack has.
    #[error("a key of {0} bytes that is no pack's")]
    StrayKey(usize),
    /// A pack is not authentic.
    #[error("the pack of checkpoint {checkpoint} that begins with record {first:?} cannot be opened")]
    OpenPack {
        /// Of which checkpoint.
        checkpoint: u64,
        /// Its first record, by its key.
        first: RecordKey,
        /// Why not.
        source: OpenError,
    },
    /// A pack is authentic but of no known form.
    #[error("the pack of checkpoint {checkpoint} that begins with record {first:?} cannot be decoded")]
    DecodePack {
        /// Of which checkpoint.
        checkpoint: u64,
        /// Its first record, by its key.
        first: RecordKey,
        /// Why not.
        source: DecodeError,
    },
    /// Two packs of one checkpoint overlap, or a pack does not begin with the record that its key names.
    #[error("the pack of checkpoint {checkpoint} that begins with record {first:?} is not in its place")]
    Misplaced {
        /// Of which checkpoint.
        checkpoint: u64,
        /// Its first record, by its key.
        first: RecordKey,
    },
    /// A record is authentic but of no known form.
    #[error("record {key:?} cannot be decoded")]
    DecodeRecord {
        /// Which record.
        key: RecordKey,
        /// Why not.
        source: DecodeError,
    },
    /// Records, or entries of packs, are missing or too many.
    #[error("{found} {what} where the checkpoint has {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// By the head.
        expected: u64,
        /// In the store.
        found: u64,
    },
    /// As many as there should be, but not those that were written.
    #[error("the packs are not those of the checkpoint")]
    OtherPacks,
    /// The records make no state.
    #[error("the records make no state")]
    Unexpected(#[from] UnexpectedRecord),
}

impl StateStoreError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn engine(action: &'static str, path: &Path) -> impl FnOnce(sled::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Engine { action, path, source: Box::new(source) }
    }
}

impl From<Damage> for StateStoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}
