//! What can go wrong with the log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log that cannot be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// Another process has the directory open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// What the file holds is not what was written.
    #[error("log segment {segment} is corrupt at byte {offset}, in or after frame {sequence}: {what}")]
    Corrupt {
        /// The segment's number.
        segment: u32,
        /// Bytes from the start of the file.
        offset: u64,
        /// The frame that was expected there.
        sequence: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry that the log has cannot be read, or is not what was written.
    #[error("cannot read log entry {index} in segment {segment} at byte {offset}")]
    Entry {
        /// The entry's index.
        index: u64,
        /// The segment's number.
        segment: u32,
        /// Bytes from the start of the file to the sector where the entry starts.
        offset: u64,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The segment belongs to another cluster or node.
    #[error("log segment {segment} belongs to another cluster or node")]
    Foreign {
        /// The segment's number.
        segment: u32,
    },
    /// The segment was written in a format that this version does not know.
    #[error("log segment {segment} has format version {version}, which is not supported")]
    Version {
        /// The segment's number.
        segment: u32,
        /// The version that its header names.
        version: u32,
    },
    /// Entries that do not continue the log.
    #[error("entry {found} does not continue a log that ends before {expected}")]
    Hole {
        /// The index that must come next.
        expected: u64,
        /// The index that was given.
        found: u64,
    },
    /// An entry that no segment can hold.
    #[error("entry {index} is too large for the log: {bytes} bytes, at most {limit}")]
    TooLarge {
        /// The entry's index.
        index: u64,
        /// The bytes of its frame.
        bytes: usize,
        /// The most that a frame may have.
        limit: usize,
    },
    /// A truncation of what is purged.
    #[error("the log is purged up to {purged} and cannot be truncated after {index}")]
    Purged {
        /// The purge point.
        purged: u64,
        /// The last index that was to stay.
        index: u64,
    },
    /// A size that the options must not have.
    #[error("log options: {0}")]
    Options(&'static str),
    /// The writer broke a rule of its own; a fault of the program.
    #[error("the log's writer stopped: {0}")]
    Writer(&'static str),
}

impl LogError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source: Arc::new(source) }
    }
}

impl From<LogError> for io::Error {
    fn from(error: LogError) -> Self {
        let kind = match &error {
            LogError::Io { source, .. } | LogError::Entry { source, .. } => source.kind(),
            LogError::Corrupt { .. } | LogError::Foreign { .. } | LogError::Version { .. } => {
                io::ErrorKind::InvalidData
            }
            LogError::Hole { .. } | LogError::TooLarge { .. } | LogError::Purged { .. } | LogError::Options(_) => {
                io::ErrorKind::InvalidInput
            }
            LogError::Locked(_) => io::ErrorKind::ResourceBusy,
            LogError::Writer(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
