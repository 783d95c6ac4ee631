//! sled, as far as it is trusted: an ordered map that sets the value of one key in one piece.
//!
//! Its `flush()` ends in `sync_file_range`, which is no durability, so [`Engine::make_durable`] syncs the files itself.
//! It panics on files that it cannot make sense of; [`contain`] makes an error of that.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sled::IVec;

use super::pack_key::Keys;
use super::{StateStoreError, durable};

/// Bytes of pages that the engine keeps in memory. The state is served from elsewhere: this is for writing only.
const CACHE_BYTES: u64 = 16 << 20;
/// Bytes of a part of the engine's file. What is larger than a quarter of it gets a file of its own, which each sync
/// has to look at: that should be no node of full packs.
const SEGMENT_BYTES: usize = 2 << 20;
/// How long the engine may hold its files after an earlier store of this process was dropped.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);
const RELEASE_PAUSE: Duration = Duration::from_millis(5);
/// How long a closing engine is waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The lock on the store's directory; held until it is dropped.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    pub(super) fn take(directory: &Path) -> Result<Self, StateStoreError> {
        let path = directory.join("lock");
        let file = File::create(&path).map_err(StateStoreError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(StateStoreError::Locked(directory.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(StateStoreError::io("lock", &path)(source)),
        }
    }
}

/// The engine, open on a directory of its own.
#[derive(Debug)]
pub(super) struct Engine {
    /// Taken out when the engine is dropped.
    db: Option<sled::Db>,
    directory: PathBuf,
}

impl Engine {
    /// Opens the engine. Only the holder of the directory's lock may do so.
    pub(super) fn open(directory: PathBuf) -> Result<Self, StateStoreError> {
        let config = sled::Config::new()
            .path(&directory)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .segment_size(SEGMENT_BYTES)
            .use_compression(false);
        let give_up = Instant::now() + RELEASE_TIMEOUT;
        loop {
            match contain("open its files", || Ok(config.open()))
                .and_then(|opened| opened.map_err(StateStoreError::engine("open its files", &directory)))
            {
                Ok(db) => return Ok(Self { db: Some(db), directory }),
                // Dropped engines finish in threads of their own; our lock says that no other process is there.
                Err(error) if is_lock_held(&error) && Instant::now() < give_up => thread::sleep(RELEASE_PAUSE),
                Err(error) => return Err(error),
            }
        }
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("the engine is there until it is dropped")
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(sled::Error) -> StateStoreError {
        StateStoreError::engine(action, &self.directory)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StateStoreError> {
        self.db().get(key).map_err(self.failed("read a key"))
    }

    /// The keys that begin with `prefix`, and their values, in the order of the keys.
    pub(super) fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(IVec, IVec), StateStoreError>> + use<'_> {
        self.db().scan_prefix(prefix).map(|item| item.map_err(self.failed("read a pack")))
    }

    /// Those of the keys that are there, in their order.
    pub(super) fn keys(&self, keys: Keys) -> impl Iterator<Item = Result<IVec, StateStoreError>> + use<'_> {
        self.db().range(keys).keys().map(|key| key.map_err(self.failed("read a key")))
    }

    /// Sets the value of a key in one piece; not durable yet.
    pub(super) fn insert(&self, key: &[u8], value: Vec<u8>) -> Result<(), StateStoreError> {
        self.db().insert(key, value).map(drop).map_err(self.failed("write a pack"))
    }

    /// Deletes a key; not durable yet.
    pub(super) fn remove(&self, key: &[u8]) -> Result<(), StateStoreError> {
        self.db().remove(key).map(drop).map_err(self.failed("delete a pack"))
    }

    /// Makes everything that was applied durable: flushes the engine, then syncs all its files and directories.
    pub(super) fn make_durable(&self) -> Result<(), StateStoreError> {
        self.db().flush().map_err(self.failed("flush"))?;
        durable::sync_tree(&self.directory).map_err(StateStoreError::io("sync", &self.directory))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let db = self.db.take();
        let (ended, end) = mpsc::sync_channel(1);
        // What was acknowledged is durable already. On damaged files the engine may panic once more, and after a write
        // that failed it waits for ever for that write: not in a thread that somebody waits for.
        let close = move || {
            let closed = contain("close its files", move || {
                drop(db);
                Ok(())
            });
            // Nobody listens when it took too long.
            let _late = ended.send(closed);
        };
        let closing = thread::Builder::new().name("state-close".to_owned()).spawn(close);
        match closing.map(|_| end.recv_timeout(CLOSE_TIMEOUT)) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "state store"),
            Ok(Err(_)) => tracing::warn!(path = %self.directory.display(), "the storage engine does not end"),
            Err(error) => tracing::warn!(%error, "state store: no thread to close it"),
        }
    }
}

fn is_lock_held(error: &StateStoreError) -> bool {
    let StateStoreError::Engine { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(sled::Error::Io(io)) if io.to_string().starts_with("could not acquire lock"))
}

/// Runs `work` and makes an error of a panic in it.
pub(super) fn contain<T>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, StateStoreError>,
) -> Result<T, StateStoreError> {
    // Unwind safety: after an error neither the store nor its engine is used again, save to be dropped.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
            .unwrap_or_default();
        Err(StateStoreError::EnginePanicked { action, message })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_engine_is_an_error_that_says_what_it_said() {
        for parts in [1, 2] {
            let contained = contain::<()>("read a record", || match parts {
                1 => panic!("a constant text"),
                _ => panic!("a text of {parts} parts"),
            });
            let contained = contained.unwrap_err();
            assert!(contained.to_string().contains("was to read a record: a "), "{contained}");
        }
    }
}
