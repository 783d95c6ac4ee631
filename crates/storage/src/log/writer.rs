//! The thread that writes: it drains the queue, writes once, syncs once, and then tells the callers in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::frame::{COMMITTED_FRAME_BYTES, Preamble, Record};
use super::housekeeper::Housekeeper;
use super::recover::Kept;
use super::sector::{Batch, DATA_BYTES, Place, sectors_for};
use super::segment::{Directory, SECOND_BATCH, Segment};
use super::shared::{Change, Shared, Work};
use super::{LogError, LogId};

/// How long the unsafe build holds a batch back that it has acknowledged, as a slow disk would.
const HELD_BACK: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) directory: Arc<Directory>,
    pub(super) housekeeper: Housekeeper,
    pub(super) segment_bytes: u64,
    pub(super) batch_bytes: usize,
    /// The segment that is written to, the last of `kept`.
    pub(super) segment: Arc<Segment>,
    pub(super) kept: VecDeque<Kept>,
    pub(super) next_sector: usize,
    pub(super) next_sequence: u64,
    /// What the frames so far amount to; the log of the callers is ahead of it by the queue.
    pub(super) written: Preamble,
    pub(super) batch: Batch,
    /// Index, ticket and place of the entries of the batch.
    pub(super) places: Vec<(u64, u64, u32)>,
}

impl Writer {
    /// Writes until the log is closed.
    pub(super) fn run(mut self) {
        let _abandoned = AbandonOnDrop(Arc::clone(&self.shared));
        self.housekeeper.order_spare();
        self.drop_purged();
        let mut changes = Vec::new();
        while let Some(taken) = self.shared.take(&mut changes, self.batch_bytes) {
            if cfg!(feature = "unsafe-acknowledge-before-sync") {
                std::thread::sleep(HELD_BACK);
            }
            let result = match taken.failed {
                Some(error) => Err(error),
                None => self.write(&changes, taken.committed).inspect_err(|error| self.shared.fail(error)),
            };
            for change in changes.drain(..) {
                change.complete(result.as_ref().copied());
            }
            if result.is_ok() {
                self.drop_purged();
            }
        }
        let committed = self.shared.committed();
        if self.shared.failed().is_none() && committed != self.written.committed {
            // Nobody waits for it: the log says what it has when it is opened again.
            let _ = self.write_batch(&[], committed).inspect_err(|error| self.shared.fail(error));
        }
    }

    fn write(&mut self, changes: &[Change], committed: Option<LogId>) -> Result<(), LogError> {
        if changes.iter().any(|change| matches!(change.work, Work::Write { .. })) {
            self.write_batch(changes, committed)?;
        }
        Ok(())
    }

    /// Writes the changes and the committed id, if that is new, and syncs once.
    fn write_batch(&mut self, changes: &[Change], committed: Option<LogId>) -> Result<(), LogError> {
        let bytes = COMMITTED_FRAME_BYTES + changes.iter().map(Change::frame_bytes).sum::<usize>();
        if self.next_sector + sectors_for(bytes) > self.segment.sectors {
            self.start_segment()?;
        }
        if self.next_sector + sectors_for(bytes) > self.segment.sectors {
            return Err(LogError::Writer("a batch is larger than a segment"));
        }
        let place = Place { segment: self.segment.number, sector: self.next_sector, batch: self.next_sequence };
        self.batch.clear();
        self.places.clear();
        for change in changes {
            if let Work::Write { record, ticket } = &change.work {
                self.encode(record, *ticket);
            }
        }
        if let Some(committed) = committed.filter(|_| committed != self.written.committed) {
            self.encode(&Record::Committed(committed), 0);
        }
        let sectors = sectors_for(self.batch.len());
        self.segment.write(place.sector, self.batch.seal(place))?;
        self.segment.sync()?;
        self.next_sector += sectors;
        self.shared.set_written(self.segment.number, &self.places);
        Ok(())
    }

    fn encode(&mut self, record: &Record, ticket: u64) {
        let written = &mut self.written;
        match record {
            Record::Entry(entry) => {
                let index = entry.id.index;
                // A segment has less than 4 GiB.
                let offset = u32::try_from(self.next_sector * DATA_BYTES + self.batch.len()).unwrap_or(u32::MAX);
                self.places.push((index, ticket, offset));
                written.next = index.saturating_add(1);
                if let Some(kept) = self.kept.back_mut() {
                    kept.highest = kept.highest.max(Some(index));
                }
            }
            Record::Vote(vote) => written.vote = Some(*vote),
            Record::Truncate(next) => written.next = *next,
            Record::Purge(id) => {
                written.purged = Some(*id);
                written.next = written.next.max(id.index.saturating_add(1));
            }
            Record::Committed(id) => written.committed = Some(*id),
            Record::Preamble(_) => {}
        }
        record.encode(self.next_sequence, &mut self.batch);
        self.next_sequence += 1;
    }

    fn start_segment(&mut self) -> Result<(), LogError> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let spare = match self.housekeeper.take_spare() {
            Some(spare) => spare,
            // There may be space again by now.
            None => self.directory.make_spare(self.segment_bytes, &NEVER)?,
        };
        let number = self.segment.number + 1;
        let segment = self.directory.start_segment(spare, number, self.next_sequence, self.written)?;
        self.segment = Arc::new(segment);
        self.next_sequence += 1;
        self.next_sector = SECOND_BATCH;
        self.kept.push_back(Kept { segment: Arc::clone(&self.segment), highest: None });
        self.shared.add_segment(Arc::clone(&self.segment));
        self.housekeeper.order_spare();
        Ok(())
    }

    /// Lets go of the oldest segments in which nothing is after the purge point, as it is on disk.
    fn drop_purged(&mut self) {
        while self.kept.len() > 1
            && let Some(oldest) = self.kept.front()
            && oldest.highest.is_none_or(|highest| self.written.purged.is_some_and(|purged| highest <= purged.index))
        {
            let number = oldest.segment.number;
            self.kept.pop_front();
            self.shared.forget_segment(number);
            self.housekeeper.remove(number);
        }
    }
}

/// Fails what is queued when the writer's thread ends, also by a panic.
struct AbandonOnDrop(Arc<Shared>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}
