//! What callers and the writer share: the log as it stands, and the queue of what is still to be written.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::frame::{Preamble, Record, entry_frame_bytes};
use super::index::{Index, Place, Wanted};
use super::segment::Segment;
use super::{Done, LogEntry, LogError, LogId, LogState, Vote};

/// A change on its way to disk.
pub(super) struct Change {
    pub(super) work: Work,
    pub(super) done: Option<Done>,
}

/// What the writer does for a change.
#[derive(Debug)]
pub(super) enum Work {
    /// Writes it. The ticket is the one of the entry's [`Place::Queued`].
    Write { record: Record, ticket: u64 },
    /// Nothing; it is done when all before it is.
    Wait,
    /// Nothing; it fails when it is its turn.
    Refuse(LogError),
}

impl Change {
    pub(super) fn frame_bytes(&self) -> usize {
        match &self.work {
            Work::Write { record, .. } => record.frame_bytes(),
            Work::Wait | Work::Refuse(_) => 0,
        }
    }

    /// Tells the caller how it ended: as the batch did, if the change itself was not refused.
    pub(super) fn complete(self, batch: Result<(), &LogError>) {
        let Some(done) = self.done else { return };
        done(match self.work {
            Work::Refuse(error) => Err(error.into()),
            _ => batch.map_err(|error| error.clone().into()),
        });
    }
}

/// The bounds that callers meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) queue_bytes: usize,
    pub(super) queue_changes: usize,
    /// Bytes of one entry's frame.
    pub(super) frame_bytes: usize,
}

/// What a writer takes from the queue at once, beside the changes.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) committed: Option<LogId>,
    pub(super) failed: Option<LogError>,
}

pub(super) struct Shared {
    current: Mutex<Current>,
    /// The writer waits here for changes.
    work: Condvar,
    /// Callers wait here for room in the queue.
    room: Condvar,
    bounds: Bounds,
}

struct Current {
    index: Index,
    vote: Option<Vote>,
    purged: Option<LogId>,
    committed: Option<LogId>,
    segments: BTreeMap<u32, Arc<Segment>>,
    queue: VecDeque<Change>,
    queue_bytes: usize,
    last_ticket: u64,
    failed: Option<LogError>,
    /// The writer waits: it must be woken.
    is_idle: bool,
    /// Callers that wait: they must be woken.
    waiting: usize,
    /// No changes come any more.
    is_closing: bool,
    /// The writer's thread has ended: nothing will be taken from the queue.
    is_abandoned: bool,
}

impl Shared {
    pub(super) fn new(index: Index, state: Preamble, segments: BTreeMap<u32, Arc<Segment>>, bounds: Bounds) -> Self {
        let current = Current {
            index,
            vote: state.vote,
            purged: state.purged,
            committed: state.committed,
            segments,
            queue: VecDeque::new(),
            queue_bytes: 0,
            last_ticket: 0,
            failed: None,
            is_idle: false,
            waiting: 0,
            is_closing: false,
            is_abandoned: false,
        };
        Self { current: Mutex::new(current), work: Condvar::new(), room: Condvar::new(), bounds }
    }

    /// A panic under this lock is a fault of the program; the writer's own ends the log, see [`Shared::abandon`].
    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change once there is room for it.
    fn submit<T>(&self, change: impl FnOnce(&mut Current) -> T) -> T {
        let mut current = self.lock();
        while !current.is_abandoned
            && (current.queue_bytes >= self.bounds.queue_bytes || current.queue.len() >= self.bounds.queue_changes)
        {
            current.waiting += 1;
            current = self.room.wait(current).unwrap_or_else(PoisonError::into_inner);
            current.waiting -= 1;
        }
        let result = change(&mut current);
        let too_soon = if cfg!(feature = "unsafe-acknowledge-before-sync") { current.take_done() } else { None };
        if current.is_abandoned {
            refuse(current);
        } else {
            if current.is_idle && !current.queue.is_empty() {
                self.work.notify_one();
            }
            drop(current);
        }
        if let Some(done) = too_soon {
            done(Ok(()));
        }
        result
    }

    pub(super) fn append(&self, entries: Vec<LogEntry>, done: Done) {
        self.submit(|current| match current.check(&entries, self.bounds.frame_bytes) {
            Ok(()) => current.append(entries, done),
            Err(error) => current.push(Work::Refuse(error), Some(done)),
        });
    }

    pub(super) fn save_vote(&self, vote: Vote, done: Done) {
        self.submit(|current| match current.failed.clone() {
            None => {
                current.vote = Some(vote);
                current.push(Work::Write { record: Record::Vote(vote), ticket: 0 }, Some(done));
            }
            Some(error) => current.push(Work::Refuse(error), Some(done)),
        });
    }

    pub(super) fn truncate_after(&self, last: Option<u64>) -> Result<(), LogError> {
        self.submit(|current| {
            current.failed.clone().map_or(Ok(()), Err)?;
            if let (Some(purged), Some(last)) = (current.purged, last)
                && last < purged.index
            {
                return Err(LogError::Purged { purged: purged.index, index: last });
            }
            let next = last.map_or(current.index.first(), |last| last.saturating_add(1));
            if next < current.index.next() {
                current.index.truncate(next);
                current.push(Work::Write { record: Record::Truncate(next), ticket: 0 }, None);
            }
            Ok(())
        })
    }

    pub(super) fn purge(&self, up_to: LogId) -> Result<(), LogError> {
        self.submit(|current| {
            current.failed.clone().map_or(Ok(()), Err)?;
            if current.purged.is_none_or(|purged| purged.index < up_to.index) {
                current.purged = Some(up_to);
                current.index.purge(up_to.index.saturating_add(1));
                current.push(Work::Write { record: Record::Purge(up_to), ticket: 0 }, None);
            }
            Ok(())
        })
    }

    pub(super) fn state(&self) -> LogState {
        let current = self.lock();
        LogState {
            vote: current.vote,
            purged: current.purged,
            last: current.index.last().or(current.purged),
            bytes: current.index.bytes(),
        }
    }

    pub(super) fn set_committed(&self, committed: LogId) {
        self.lock().committed = Some(committed);
    }

    pub(super) fn committed(&self) -> Option<LogId> {
        self.lock().committed
    }

    pub(super) fn failed(&self) -> Option<LogError> {
        self.lock().failed.clone()
    }

    /// Changes that the writer has not taken.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.lock().queue.len()
    }

    /// Callers that wait for room.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// What must be read from disk, the segments that it is in, and the entries that follow it in memory.
    pub(super) fn collect(
        &self,
        range: Range<u64>,
        max_bytes: usize,
    ) -> (Vec<Wanted>, BTreeMap<u32, Arc<Segment>>, Vec<LogEntry>) {
        let current = self.lock();
        let (wanted, cached) = current.index.collect(range, max_bytes);
        let segments = match (wanted.first(), wanted.last()) {
            (Some(first), Some(last)) => {
                let needed = current.segments.range(first.segment..=last.segment);
                needed.map(|(number, segment)| (*number, Arc::clone(segment))).collect()
            }
            _ => BTreeMap::new(),
        };
        (wanted, segments, cached)
    }

    /// Waits for changes and moves as many as fit into one batch to `changes`; `None` when no more will come.
    pub(super) fn take(&self, changes: &mut Vec<Change>, batch_bytes: usize) -> Option<Taken> {
        let mut current = self.lock();
        while current.queue.is_empty() {
            if current.is_closing {
                return None;
            }
            current.is_idle = true;
            current = self.work.wait(current).unwrap_or_else(PoisonError::into_inner);
            current.is_idle = false;
        }
        let mut bytes = 0;
        while let Some(change) = current.queue.front() {
            let more = change.frame_bytes();
            if !changes.is_empty() && bytes + more > batch_bytes {
                break;
            }
            bytes += more;
            changes.extend(current.queue.pop_front());
        }
        current.queue_bytes -= bytes;
        if current.waiting > 0 {
            self.room.notify_all();
        }
        Some(Taken { committed: current.committed, failed: current.failed.clone() })
    }

    /// Notes where entries were written: index, ticket and offset of each.
    pub(super) fn set_written(&self, segment: u32, entries: &[(u64, u64, u32)]) {
        let mut current = self.lock();
        for (index, ticket, offset) in entries {
            current.index.set_written(*index, *ticket, segment, *offset);
        }
        current.index.trim_cache();
    }

    pub(super) fn add_segment(&self, segment: Arc<Segment>) {
        self.lock().segments.insert(segment.number, segment);
    }

    pub(super) fn forget_segment(&self, number: u32) {
        self.lock().segments.remove(&number);
    }

    /// From here on every change fails.
    pub(super) fn fail(&self, error: &LogError) {
        let mut current = self.lock();
        if current.failed.is_none() {
            tracing::error!(error = error as &dyn std::error::Error, "the log has failed for good");
            current.failed = Some(error.clone());
        }
    }

    /// Lets the writer end when it has written what is queued.
    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.work.notify_one();
    }

    /// Notes that the writer is gone, and fails what is queued.
    pub(super) fn abandon(&self) {
        self.fail(&LogError::Writer("its thread has ended"));
        let mut current = self.lock();
        current.is_abandoned = true;
        refuse(current);
        self.room.notify_all();
    }
}

/// Fails what is queued when there is no writer to do it.
fn refuse(mut current: MutexGuard<'_, Current>) {
    let error = current.failed.clone().unwrap_or(LogError::Writer("its thread has ended"));
    let changes = std::mem::take(&mut current.queue);
    current.queue_bytes = 0;
    drop(current);
    for change in changes {
        change.complete(Err(&error));
    }
}

impl Current {
    fn push(&mut self, work: Work, done: Option<Done>) {
        let change = Change { work, done };
        self.queue_bytes += change.frame_bytes();
        self.queue.push_back(change);
    }

    /// Whom to tell about the newest change, unless it is refused. To tell them before the writer has synced it breaks the
    /// promise of [`super::LogStore`], so that the tests which rest on it can be seen to fail: a process that is killed
    /// then loses what it acknowledged. Never called without the feature.
    fn take_done(&mut self) -> Option<Done> {
        self.queue.back_mut().filter(|change| !matches!(change.work, Work::Refuse(_)))?.done.take()
    }

    fn check(&self, entries: &[LogEntry], limit: usize) -> Result<(), LogError> {
        self.failed.clone().map_or(Ok(()), Err)?;
        for (expected, entry) in (self.index.next()..).zip(entries) {
            let bytes = entry_frame_bytes(entry.payload.bytes().len());
            if entry.id.index != expected {
                return Err(LogError::Hole { expected, found: entry.id.index });
            }
            if bytes > limit {
                return Err(LogError::TooLarge { index: expected, bytes, limit });
            }
        }
        Ok(())
    }

    fn append(&mut self, entries: Vec<LogEntry>, done: Done) {
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        for entry in entries {
            // `check` has bounded it.
            let bytes = u32::try_from(entry_frame_bytes(entry.payload.bytes().len())).unwrap_or(u32::MAX);
            self.index.push(&entry, bytes, Place::Queued { ticket });
            self.push(Work::Write { record: Record::Entry(entry), ticket }, None);
        }
        match self.queue.back_mut() {
            Some(Change { work: Work::Write { ticket: last, .. }, done: free }) if *last == ticket => {
                *free = Some(done)
            }
            _ => self.push(Work::Wait, Some(done)),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &self.state()).finish_non_exhaustive()
    }
}
