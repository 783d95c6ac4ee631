//! A state store without a disk, for tests of what stands on one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use state::{Change, RecordKey, State, StateBuilder};

use super::{Damage, Loaded, StateStore, StateStoreError};
use crate::codec::{decode_record, encode_record};
use crate::head::Head;

/// What outlives a [`MemoryStateStore`]: clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    head: Option<Head>,
    records: BTreeMap<RecordKey, Vec<u8>>,
}

/// A state store that keeps encoded records in memory.
#[derive(Debug)]
pub struct MemoryStateStore {
    disk: MemoryDisk,
}

impl MemoryStateStore {
    /// Opens the store on `disk` and loads its checkpoint.
    ///
    /// # Errors
    /// Records that make no state, after a difference to a state that was not the last checkpoint's.
    pub fn open(disk: &MemoryDisk) -> Result<(Self, Option<Loaded>), StateStoreError> {
        let contents = disk.0.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = match contents.head.clone() {
            Some(head) => Some(Loaded { head, state: contents.load()? }),
            None => None,
        };
        drop(contents);
        Ok((Self { disk: disk.clone() }, loaded))
    }
}

impl Contents {
    fn load(&self) -> Result<State, Damage> {
        let mut builder = StateBuilder::default();
        for (key, bytes) in &self.records {
            let record = decode_record(*key, bytes).map_err(|source| Damage::DecodeRecord { key: *key, source })?;
            builder.push(*key, record)?;
        }
        Ok(builder.finish()?)
    }
}

impl StateStore for MemoryStateStore {
    fn checkpoint(&self, previous: Option<&State>, next: &State, head: Head) -> Result<(), StateStoreError> {
        let mut contents = self.disk.0.lock().unwrap_or_else(PoisonError::into_inner);
        match previous {
            Some(previous) => {
                for change in next.changes_since(previous) {
                    match change {
                        Change::Add(key, record) | Change::Update(key, record) => {
                            contents.records.insert(key, encode_record(&record));
                        }
                        Change::Remove(key) => {
                            contents.records.remove(&key).ok_or(StateStoreError::NotPrevious(key))?;
                        }
                    }
                }
            }
            None => contents.records = next.records().map(|(key, record)| (key, encode_record(&record))).collect(),
        }
        contents.head = Some(head);
        Ok(())
    }
}
