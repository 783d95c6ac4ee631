//! Snapshots: a whole state on its way to a peer.
//!
//! A snapshot is a run of chunks of at most [`limits::SNAPSHOT_CHUNK_BYTES`]. A chunk is
//! `version u8 = 1 | snapshot id 16 | number u64 | barrier record`, integers big-endian, and the record's key is all
//! that stands before it: a chunk opens only in its own snapshot, drawn at random, and at its own place. The first
//! chunk holds the header with the [`Head`], the last one the trailer with the number of chunks and records and the
//! digest of the state. Between them the records are one stream of bytes that is cut to size, so that no record is too
//! large for a chunk. A snapshot without its trailer, or one that does not come to the trailer's digest, is refused.
//!
//! Sender and receiver hold one chunk each: the sender reads from an O(1) clone of the state as chunks are asked for,
//! the receiver writes them, as they came, to a file without a name.

mod error;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

use std::fmt;

use key_service::{Barrier, SealedKind};
use state::State;
use types::limits;

pub use error::SnapshotError;
pub use receiver::SnapshotReceiver;
pub use sender::{Chunks, SnapshotSource};

use crate::head::Head;

const VERSION: u8 = 1;
const ID_BYTES: usize = 16;
const PREFIX_BYTES: usize = 1 + ID_BYTES + 8;
/// Bytes of the record stream in one chunk: the rest is for the prefix, the barrier record and the frame around them.
const STREAM_BYTES: usize = limits::SNAPSHOT_CHUNK_BYTES - 128;
/// Bytes of one record of the stream with its key.
const RECORD_BYTES: usize = 16 << 20;
/// Chunks of one snapshot, a TiB of them.
const CHUNKS: u64 = 1 << 22;

/// A snapshot that arrived whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// What the state is the state of.
    pub head: Head,
    /// The state.
    pub state: State,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A chunk's snapshot and place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    id: [u8; ID_BYTES],
    number: u64,
}

impl Place {
    fn prefix(self) -> [u8; PREFIX_BYTES] {
        let mut prefix = [VERSION; PREFIX_BYTES];
        prefix[1..1 + ID_BYTES].copy_from_slice(&self.id);
        prefix[1 + ID_BYTES..].copy_from_slice(&self.number.to_be_bytes());
        prefix
    }

    fn seal(self, barrier: &Barrier, frame: &[u8]) -> Vec<u8> {
        let prefix = self.prefix();
        [prefix.as_slice(), &barrier.seal(SealedKind::SnapshotChunk, &prefix, frame)].concat()
    }

    /// Reads the place of a chunk and the sealed rest of it.
    fn split(chunk: &[u8]) -> Result<(Self, &[u8]), SnapshotError> {
        let (&version, rest) = chunk.split_first().ok_or(SnapshotError::TooShort)?;
        if version != VERSION {
            return Err(SnapshotError::UnknownVersion(version));
        }
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or(SnapshotError::TooShort)?;
        let (number, sealed) = rest.split_first_chunk::<8>().ok_or(SnapshotError::TooShort)?;
        Ok((Self { id: *id, number: u64::from_be_bytes(*number) }, sealed))
    }
}
