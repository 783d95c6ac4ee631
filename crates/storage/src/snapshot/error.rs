//! What can be wrong with a snapshot.

use std::io;
use std::path::{Path, PathBuf};

use key_service::OpenError;
use state::UnexpectedRecord;

use crate::codec::DecodeError;

/// A snapshot that is refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The spool file failed.
    #[error("cannot {action} the spool of a snapshot in {}", directory.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where the spool is.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A chunk over the limit.
    #[error("a snapshot chunk of {0} bytes")]
    TooLarge(usize),
    /// A chunk without its prefix.
    #[error("a snapshot chunk that is cut short")]
    TooShort,
    /// A chunk of a format that this version does not know.
    #[error("a snapshot chunk of unknown version {0}")]
    UnknownVersion(u8),
    /// A chunk of another snapshot than the first one.
    #[error("a chunk of another snapshot")]
    OtherSnapshot,
    /// A chunk that is not the next one.
    #[error("snapshot chunk {found} came where {expected} was due")]
    OutOfOrder {
        /// The next chunk's number.
        expected: u64,
        /// The number of the chunk that came.
        found: u64,
    },
    /// More chunks than any snapshot has.
    #[error("a snapshot of too many chunks")]
    TooManyChunks,
    /// A chunk is not authentic at its place.
    #[error("snapshot chunk {chunk} cannot be opened")]
    Open {
        /// The chunk's number.
        chunk: u64,
        /// Why not.
        source: OpenError,
    },
    /// A chunk is authentic but of no known form.
    #[error("snapshot chunk {chunk} cannot be decoded")]
    Decode {
        /// The chunk's number.
        chunk: u64,
        /// Why not.
        source: DecodeError,
    },
    /// Header, records or trailer where they do not belong.
    #[error("snapshot chunk {0} is not what is due at its place")]
    Misplaced(u64),
    /// A snapshot of another cluster.
    #[error("a snapshot of another cluster")]
    OtherCluster,
    /// No trailer came.
    #[error("the snapshot ends after {0} chunks, without its trailer")]
    Incomplete(u64),
    /// A record over the limit, or the stream ends inside one.
    #[error("the snapshot's records are cut at the wrong places")]
    Cut,
    /// A record's own bytes are of no known form.
    #[error("record {number} of the snapshot cannot be decoded")]
    DecodeRecord {
        /// The record's place in the snapshot, from 0.
        number: u64,
        /// Why not.
        source: DecodeError,
    },
    /// The trailer counts other numbers than came.
    #[error("the snapshot's trailer counts {expected} {what}, and {found} came")]
    Count {
        /// Chunks or records.
        what: &'static str,
        /// By the trailer.
        expected: u64,
        /// That came.
        found: u64,
    },
    /// The records make no state.
    #[error("the snapshot's records make no state")]
    Unexpected(#[from] UnexpectedRecord),
    /// The records make another state than was sent.
    #[error("the snapshot's state is not the one that was sent")]
    OtherState,
}

impl SnapshotError {
    pub(super) fn io(action: &'static str, directory: &Path) -> impl FnOnce(io::Error) -> Self {
        let directory = directory.to_owned();
        move |source| Self::Io { action, directory, source }
    }
}
