//! The log without a disk, for tests of what is above it and as the model of the one that has a disk.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use types::limits;

use super::frame::entry_frame_bytes;
use super::{Done, LogEntry, LogError, LogId, LogState, LogStore, Vote};

/// A [`LogStore`] in memory: every change is done when the call returns, on the caller's thread.
#[derive(Debug, Default)]
pub struct MemoryLog {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    entries: BTreeMap<u64, LogEntry>,
    vote: Option<Vote>,
    purged: Option<LogId>,
    committed: Option<LogId>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn first(&self) -> u64 {
        self.purged.map_or(0, |purged| purged.index + 1)
    }

    fn append(&mut self, entries: Vec<LogEntry>) -> Result<(), LogError> {
        let next = self.entries.keys().next_back().map_or(self.first(), |last| last + 1);
        for (expected, entry) in (next..).zip(&entries) {
            let bytes = entry_frame_bytes(entry.payload.bytes().len());
            let limit = entry_frame_bytes(limits::LOG_PAYLOAD_BYTES);
            if entry.id.index != expected {
                return Err(LogError::Hole { expected, found: entry.id.index });
            }
            if bytes > limit {
                return Err(LogError::TooLarge { index: expected, bytes, limit });
            }
        }
        self.entries.extend(entries.into_iter().map(|entry| (entry.id.index, entry)));
        Ok(())
    }
}

impl LogStore for MemoryLog {
    fn append(&self, entries: Vec<LogEntry>, done: Done) {
        let mut content = self.lock();
        let result = content.append(entries);
        // Under the lock, so that callers on several threads are told in order.
        done(result.map_err(Into::into));
    }

    fn save_vote(&self, vote: Vote, done: Done) {
        let mut content = self.lock();
        content.vote = Some(vote);
        done(Ok(()));
    }

    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<LogEntry>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let (mut bytes, mut entries) = (0_usize, Vec::new());
        for entry in self.lock().entries.range(range).map(|(_, entry)| entry) {
            bytes = bytes.saturating_add(entry.payload.bytes().len());
            if bytes > max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }

    fn truncate_after(&self, last: Option<u64>) -> io::Result<()> {
        let mut content = self.lock();
        if let (Some(purged), Some(index)) = (content.purged, last)
            && index < purged.index
        {
            return Err(LogError::Purged { purged: purged.index, index }.into());
        }
        content.entries.retain(|index, _| last.is_some_and(|last| *index <= last));
        Ok(())
    }

    fn purge(&self, up_to: LogId) -> io::Result<()> {
        let mut content = self.lock();
        if content.purged.is_none_or(|purged| purged.index < up_to.index) {
            content.purged = Some(up_to);
            content.entries.retain(|index, _| *index > up_to.index);
        }
        Ok(())
    }

    fn state(&self) -> LogState {
        let content = self.lock();
        let last = content.entries.values().next_back().map(|entry| entry.id);
        let bytes = content.entries.values().map(|entry| entry_frame_bytes(entry.payload.bytes().len()) as u64).sum();
        LogState { vote: content.vote, purged: content.purged, last: last.or(content.purged), bytes }
    }

    fn save_committed(&self, committed: LogId) {
        self.lock().committed = Some(committed);
    }

    fn committed(&self) -> Option<LogId> {
        self.lock().committed
    }

    fn failed(&self) -> Option<LogError> {
        None
    }
}
