//! Checkpoints: the state on disk, so that the log before it may go.

mod durable;
mod engine;
mod error;
mod load;
mod marker;
mod merge;
mod pack_key;
mod pack_writer;
mod sled_store;

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
#[cfg(any(test, feature = "testing"))]
mod memory;
#[cfg(test)]
mod tests;

use std::fmt;

use state::State;

pub use error::{Damage, StateStoreError};
#[cfg(any(test, feature = "testing"))]
pub use memory::{MemoryDisk, MemoryStateStore};
pub use sled_store::SledStateStore;

use crate::head::Head;

/// The key of a pack, for golden files.
#[cfg(test)]
pub(crate) fn pack_key(checkpoint: u64, first: state::RecordKey) -> Vec<u8> {
    pack_key::PackKey { checkpoint, first }.encode().to_vec()
}

/// A durable place for the newest checkpoint.
///
/// # Correctness
/// Opening a store gives the last checkpoint whose call returned, or the one whose call was cut off by a crash; always
/// one of the two, whole. A store that cannot give it refuses to open.
pub trait StateStore: Send + Sync {
    /// Makes `next` the checkpoint; it is durable when this returns, and the log up to `head` may be purged.
    ///
    /// `previous` is the state of this store's last checkpoint, so that only the difference is written. `None` writes
    /// all of `next`, whatever the store held.
    ///
    /// # Errors
    /// After any error the store takes no further checkpoint: what a failed write left behind is known only after
    /// it was opened again.
    fn checkpoint(&self, previous: Option<&State>, next: &State, head: Head) -> Result<(), StateStoreError>;
}

/// What a store held when it was opened.
///
/// A directory that was put back from last week is whole, and opens. Whoever opens the log too must see that
/// `head.last` is not before its purge point.
#[derive(Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What the state is the state of.
    pub head: Head,
    /// The state.
    pub state: State,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("head", &self.head).finish_non_exhaustive()
    }
}
