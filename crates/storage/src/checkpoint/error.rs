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
    /// A key that no record has.
    #[error("a key of {0} bytes that is no record's")]
    StrayKey(usize),
    /// A record is not authentic.
    #[error("record {key:?} cannot be opened")]
    OpenRecord {
        /// Which record.
        key: RecordKey,
        /// Why not.
        source: OpenError,
    },
    /// A record is authentic but of no known form.
    #[error("record {key:?} cannot be decoded")]
    DecodeRecord {
        /// Which record.
        key: RecordKey,
        /// Why not.
        source: DecodeError,
    },
    /// Records are missing or too many.
    #[error("{found} records where the checkpoint has {expected}")]
    Count {
        /// By the head.
        expected: u64,
        /// In the store.
        found: u64,
    },
    /// As many records as there should be, but not those that were written.
    #[error("the records are not those of the checkpoint")]
    OtherRecords,
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
