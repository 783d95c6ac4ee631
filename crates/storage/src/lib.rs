//! What a node writes to disk: the Raft log and vote, the checkpoints of the state, and the snapshots that peers get.
//!
//! ```text
//! log          LogStore      SegmentLog: append-only segments, one fdatasync a batch
//! checkpoints  StateStore    SledStateStore: what changed since the last one, then one key is flipped
//! snapshots    SnapshotSource -> chunks -> SnapshotReceiver: a whole state on its way to a peer
//! ```
//!
//! Everything that leaves this crate for a disk or a peer is sealed by the [`Barrier`] and bound to its place: a log
//! payload to its proposal, a record to its key and checkpoint, a chunk to its snapshot and number. Keys are numbers;
//! no name stands in the clear. Log and checkpoints stand behind narrow traits with a conformance suite each
//! (`log::conformance` and `conformance`; feature `testing`), so that either can be replaced on its own.
//!
//! What is deliberately not here: Raft (`consensus` decides what is appended, and when a checkpoint is taken), the
//! meaning of commands and records (`state`), and keys (`key-service`). Nothing here knows openraft; a membership is
//! bytes that consensus gave and gets back. All of it blocks: callers in async code bring their own threads.

#[cfg(all(feature = "unsafe-acknowledge-before-sync", not(debug_assertions)))]
compile_error!("unsafe-acknowledge-before-sync makes a log that loses what it acknowledged: it is for a test only");

mod checkpoint;
pub mod codec;
mod digest;
mod head;
pub mod log;
mod log_codec;
mod schema;
mod snapshot;

#[cfg(test)]
mod golden;

pub use key_service::{Barrier, SealedKind, TransferKey};

#[cfg(any(test, feature = "testing"))]
pub use checkpoint::conformance;
pub use checkpoint::{Damage, Loaded, SledStateStore, StateStore, StateStoreError};
#[cfg(any(test, feature = "testing"))]
pub use checkpoint::{MemoryDisk, MemoryStateStore};
pub use digest::digest;
pub use head::Head;
pub use log_codec::{KeptEnvelope, LogCodec, PayloadError};
pub use snapshot::{Chunks, Received, SnapshotError, SnapshotReceiver, SnapshotSource};
