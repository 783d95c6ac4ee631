//! The Raft log: entries and vote in append-only segment files, one fdatasync a batch.
//!
//! # The file
//! A segment is preallocated and zero-filled, and is a run of 512-byte sectors. Sector 0 names the format,
//! the cluster, the node, the segment and its first frame. After it come **batches**: a batch is what the
//! writer wrote and synced at once, and it starts at a sector boundary. Each sector of a batch holds its CRC,
//! the number of sectors of the batch that follow it, and 504 bytes of the batch's frames. The CRC covers also
//! the segment, the sector's place in it and the sequence of the batch's first frame. A frame has magic, format
//! version, kind, length, sequence (one more for each frame, across segments), a CRC of its header and one of
//! its body. The sectors tell what was written from what was not; the frames are checked whenever an entry is
//! read on its own. The first batch of a segment is its preamble: vote, purge point, committed id and the end of the
//! log up to there, so that older segments can go and none of those that must not can be missing. The next segment is
//! prepared as the file `spare`; it gets its name when header and preamble are durable in it, so they are never torn.
//!
//! # What may be cut from the tail
//! The writer writes a batch only after the one before it was synced, and acknowledges a batch only after its
//! sync. So at most one batch, the last, is unacknowledged, and all of the file behind it is zero. A disk writes
//! whole sectors: after a crash each sector of that batch is new or still zero, in any combination. Hence
//! opening reads a sector as one of three: written (its CRC fits), never written (512 zeros), or damaged. No
//! written sector is all zero or one bit away from it, for each has a marker byte with four bits set. Then:
//!
//! * all sectors of a batch written: it is kept, acknowledged or not;
//! * some never written, in the last segment but not its preamble, every other sector after them of the *same* batch
//!   or zero: the batch was torn before its sync and is cut. Its sectors are zeroed and synced before anything is written;
//! * everything else is corruption: a damaged sector, a torn batch with another batch or segment behind it, a
//!   frame that does not parse, a sequence that does not continue, bytes where nothing was ever written.
//!
//! A flipped bit is therefore never taken for a torn write, not even in the last batch. The price is that a disk
//! which tears *inside* a 512-byte sector makes a log that is refused; then the node rejoins, and loses nothing
//! that the cluster holds. What this cannot see is a last batch that vanished whole, every sector back to zero, or a
//! last segment that was deleted: a disk that lied about a sync, or an old copy of the directory. The boot counter that
//! peers remember is for that.
//!
//! A whole batch that opening found is written again before its sync: after a failed sync the kernel may hold
//! pages that it calls clean and the disk does not have.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod error;
mod frame;
mod housekeeper;
mod index;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod recover;
mod sector;
mod segment;
mod segment_log;
mod shared;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use types::NodeId;

pub use error::LogError;
#[cfg(any(test, feature = "testing"))]
pub use memory::MemoryLog;
pub use segment_log::{LogOptions, SegmentLog};

/// The place of an entry in the log, and the leader that put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub leader: NodeId,
    /// The position, counted from zero.
    pub index: u64,
}

/// The newest candidate or leader that this node promised to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    /// The term of the promise.
    pub term: u64,
    /// For whom.
    pub node: NodeId,
    /// Whether a quorum granted it: the node is a leader, not a candidate.
    pub committed: bool,
}

/// What an entry carries: bytes that the caller encoded and sealed.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: a leader's first entry.
    Blank,
    /// A change of the membership.
    Membership(Bytes),
    /// A command for the state machine.
    Command(Bytes),
}

impl Payload {
    /// The bytes; none for a blank.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Blank => &[],
            Self::Membership(bytes) | Self::Command(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("Blank"),
            Self::Membership(bytes) => write!(f, "Membership({} bytes)", bytes.len()),
            Self::Command(bytes) => write!(f, "Command({} bytes)", bytes.len()),
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place.
    pub id: LogId,
    /// What it carries.
    pub payload: Payload,
}

/// The log as it stands, with what is not durable yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// The last saved vote.
    pub vote: Option<Vote>,
    /// The last entry that was purged.
    pub purged: Option<LogId>,
    /// The last entry, or the purge point when there is none after it.
    pub last: Option<LogId>,
    /// Bytes that the entries after the purge point take in the file.
    pub bytes: u64,
}

/// Told once how a piece of IO ended.
///
/// It runs on the writer's thread: it must not block and must neither call nor drop the store.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A durable log of entries, with the vote in the same order of IO.
///
/// # Correctness
/// All changes go through one queue. `done` is called in the order of submission, with `Ok` only when the
/// change and all before it are on disk. After a failed write or sync every later change fails: the store is not
/// to be used again, and the process ends. Changes are visible to readers when the call returns. A call that makes a
/// change blocks while the queue is full.
pub trait LogStore: Send + Sync {
    /// Appends entries that continue the log without a hole. If they do not, or one is too large, none is appended.
    fn append(&self, entries: Vec<LogEntry>, done: Done);

    /// Saves the vote.
    fn save_vote(&self, vote: Vote, done: Done);

    /// The entries of `range` that the log has, from the first of them on; as many as fit in `max_bytes` of
    /// payload, but at least one.
    ///
    /// # Errors
    /// A file that cannot be read, or whose checksums do not fit.
    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<LogEntry>>;

    /// Drops the entries after `last`; with `None` all that are not purged. It does not wait for the disk: no later
    /// change is durable before it.
    ///
    /// # Errors
    /// The store has failed, or `last` is before the purge point.
    fn truncate_after(&self, last: Option<u64>) -> io::Result<()>;

    /// Drops the entries up to `up_to`. One beyond the end leaves an empty log that goes on after it; one before the
    /// purge point changes nothing. It does not wait for the disk: files go when the purge is on it.
    ///
    /// # Errors
    /// The store has failed.
    fn purge(&self, up_to: LogId) -> io::Result<()>;

    /// The log's ends and the vote.
    fn state(&self) -> LogState;

    /// Notes the last committed entry. It reaches the disk with the next batch, without a sync of its own.
    fn save_committed(&self, committed: LogId);

    /// The last committed entry that was noted; never beyond the end of the log after opening.
    fn committed(&self) -> Option<LogId>;

    /// Why the store has failed for good, if it has.
    fn failed(&self) -> Option<LogError>;
}
