//! The log on disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use types::{ClusterId, NodeId, limits};

use super::frame::{self, COMMITTED_FRAME_BYTES, Frame, Preamble, Record, entry_frame_bytes};
use super::housekeeper::Housekeeper;
use super::index::{Index, Wanted};
use super::recover::{Kept, Recovered, recover};
use super::sector::{Batch, DATA_BYTES, SECTOR_BYTES, data_of};
use super::segment::{Directory, Disk, SECOND_BATCH, SEGMENT_BYTES_LIMIT, Segment, SystemDisk, byte_of};
use super::shared::{Bounds, Shared};
use super::writer::Writer;
use super::{Done, LogEntry, LogError, LogId, LogState, LogStore, Vote};

/// Bytes of frames that one read of a file covers, if they have not more than one entry.
const READ_BYTES: u32 = 1 << 20;
/// Header, preamble, and something to write.
const FEWEST_SECTORS: u64 = 4;

/// Sizes of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes of a new segment; a multiple of 512.
    pub segment_bytes: u64,
    /// Bytes of frames that are written and synced at once; a segment bounds it too.
    pub batch_bytes: usize,
    /// Bytes of frames that wait for the writer before callers must wait.
    pub queue_bytes: usize,
    /// Changes that wait for the writer before callers must wait.
    pub queue_changes: usize,
    /// Bytes of entries that are kept in memory for reads.
    pub cache_bytes: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: limits::LOG_SEGMENT_BYTES,
            batch_bytes: limits::LOG_BATCH_BYTES,
            queue_bytes: limits::LOG_QUEUE_BYTES,
            queue_changes: limits::LOG_QUEUE_CHANGES,
            cache_bytes: limits::LOG_CACHE_BYTES,
        }
    }
}

impl LogOptions {
    fn check(&self) -> Result<(), LogError> {
        let sector_bytes = SECTOR_BYTES as u64;
        if !self.segment_bytes.is_multiple_of(sector_bytes) {
            return Err(LogError::Options("a segment must be a whole number of sectors"));
        }
        if !(FEWEST_SECTORS * sector_bytes..=SEGMENT_BYTES_LIMIT).contains(&self.segment_bytes) {
            return Err(LogError::Options("a segment must have 2 KiB to 1 GiB"));
        }
        if self.queue_bytes == 0 || self.queue_changes == 0 {
            return Err(LogError::Options("the queue must hold something"));
        }
        Ok(())
    }

    /// Bytes of frames that a new segment has room for, beside a committed id.
    fn room_bytes(&self) -> usize {
        let sectors = usize::try_from(self.segment_bytes).unwrap_or(usize::MAX) / SECTOR_BYTES;
        (sectors - SECOND_BATCH) * DATA_BYTES - COMMITTED_FRAME_BYTES
    }
}

/// A [`LogStore`] in a directory of segment files. Dropping it writes what is queued.
#[derive(Debug)]
pub struct SegmentLog {
    pub(super) shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    /// The writer, then the housekeeper that it uses.
    threads: Vec<JoinHandle<()>>,
    /// Keeps the lock until the threads are gone.
    _directory: Arc<Directory>,
}

impl SegmentLog {
    /// Opens the log of a node, or makes an empty one.
    ///
    /// # Errors
    /// The directory is in use, belongs to another node, is corrupt or cannot be read or written.
    pub fn open(path: &Path, cluster: ClusterId, node: NodeId) -> Result<Self, LogError> {
        Self::open_with(path, cluster, node, LogOptions::default())
    }

    /// Opens a log with other sizes than the product has.
    ///
    /// # Errors
    /// As [`SegmentLog::open`], and sizes that cannot be.
    pub fn open_with(path: &Path, cluster: ClusterId, node: NodeId, options: LogOptions) -> Result<Self, LogError> {
        Self::open_on(Arc::new(SystemDisk), path, cluster, node, options)
    }

    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        cluster: ClusterId,
        node: NodeId,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        options.check()?;
        if cfg!(feature = "unsafe-acknowledge-before-sync") {
            tracing::error!("this is a test build whose log loses what it acknowledged");
        }
        let directory = Arc::new(Directory::open(path, cluster, node, disk)?);
        let found = recover(&directory, options.cache_bytes)?;
        directory.remove_spare()?;
        let stop = Arc::new(AtomicBool::new(false));
        let recovered = match found {
            Some(recovered) => {
                directory.sync()?;
                recovered
            }
            None => {
                let spare = directory.make_spare(options.segment_bytes, &stop)?;
                let segment = directory.start_segment(spare, 1, 0, Preamble::default())?;
                Recovered {
                    index: Index::new(0, options.cache_bytes),
                    state: Preamble::default(),
                    segments: vec![Kept { segment: Arc::new(segment), highest: None }],
                    next_sector: SECOND_BATCH,
                    next_sequence: 1,
                }
            }
        };
        Self::start(directory, recovered, stop, options)
    }

    fn start(
        directory: Arc<Directory>,
        recovered: Recovered,
        stop: Arc<AtomicBool>,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        let Recovered { index, state, segments, next_sector, next_sequence } = recovered;
        let kept = VecDeque::from(segments);
        let Some(segment) = kept.back().map(|kept| Arc::clone(&kept.segment)) else {
            return Err(LogError::Writer("there is no segment"));
        };
        let room_bytes = options.room_bytes();
        let bounds = Bounds {
            queue_bytes: options.queue_bytes,
            queue_changes: options.queue_changes,
            frame_bytes: room_bytes.min(entry_frame_bytes(limits::LOG_PAYLOAD_BYTES)),
        };
        let files: BTreeMap<_, _> = kept.iter().map(|kept| (kept.segment.number, Arc::clone(&kept.segment))).collect();
        tracing::info!(
            segments = files.len(),
            first = index.first(),
            next = index.next(),
            bytes = index.bytes(),
            "opened the log",
        );
        let shared = Arc::new(Shared::new(index, state, files, bounds));
        let (housekeeper, housekeeper_thread) =
            Housekeeper::start(Arc::clone(&directory), options.segment_bytes, Arc::clone(&stop))?;
        let writer = Writer {
            shared: Arc::clone(&shared),
            directory: Arc::clone(&directory),
            housekeeper,
            segment_bytes: options.segment_bytes,
            batch_bytes: options.batch_bytes.min(room_bytes),
            segment,
            kept,
            next_sector,
            next_sequence,
            written: state,
            batch: Batch::default(),
            places: Vec::new(),
        };
        let failed = LogError::io("start a thread for", directory.path());
        let writer_thread =
            thread::Builder::new().name("log-writer".to_owned()).spawn(move || writer.run()).map_err(failed)?;
        Ok(Self { shared, stop, threads: vec![writer_thread, housekeeper_thread], _directory: directory })
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic there has failed the log already.
            let _ = thread.join();
        }
    }
}

impl LogStore for SegmentLog {
    fn append(&self, entries: Vec<LogEntry>, done: Done) {
        self.shared.append(entries, done);
    }

    fn save_vote(&self, vote: Vote, done: Done) {
        self.shared.save_vote(vote, done);
    }

    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<LogEntry>> {
        let (wanted, segments, cached) = self.shared.collect(range, max_bytes);
        if wanted.is_empty() {
            return Ok(cached);
        }
        let mut entries = Vec::with_capacity(wanted.len() + cached.len());
        let mut rest = wanted.as_slice();
        while let Some(first) = rest.first() {
            let near = |wanted: &&Wanted| {
                wanted.segment == first.segment && wanted.offset - first.offset + wanted.frame_bytes <= READ_BYTES
            };
            let (run, later) = rest.split_at(rest.iter().take_while(near).count().max(1));
            let Some(segment) = segments.get(&first.segment) else {
                return Err(unreadable(first, io::ErrorKind::NotFound.into()).into());
            };
            read_run(segment, run, &mut entries)?;
            rest = later;
        }
        entries.extend(cached);
        Ok(entries)
    }

    fn truncate_after(&self, last: Option<u64>) -> io::Result<()> {
        Ok(self.shared.truncate_after(last)?)
    }

    fn purge(&self, up_to: LogId) -> io::Result<()> {
        Ok(self.shared.purge(up_to)?)
    }

    fn state(&self) -> LogState {
        self.shared.state()
    }

    fn save_committed(&self, committed: LogId) {
        self.shared.set_committed(committed);
    }

    fn committed(&self) -> Option<LogId> {
        self.shared.committed()
    }

    fn failed(&self) -> Option<LogError> {
        self.shared.failed()
    }
}

/// Reads entries that are near each other in one segment.
fn read_run(segment: &Segment, run: &[Wanted], entries: &mut Vec<LogEntry>) -> Result<(), LogError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let first_sector = first.offset as usize / DATA_BYTES;
    let end = last.offset as usize + last.frame_bytes as usize;
    let sectors = segment
        .read(first_sector, end.div_ceil(DATA_BYTES) - first_sector)
        .map_err(|error| unreadable(first, error))?;
    let data = data_of(&sectors);
    for wanted in run {
        let start = wanted.offset as usize - first_sector * DATA_BYTES;
        let what = match frame::decode(&data[start..start + wanted.frame_bytes as usize]) {
            Ok(Some(Frame { record: Record::Entry(entry), .. })) if entry.id == wanted.id => {
                entries.push(entry);
                continue;
            }
            Ok(_) => "another frame is in its place",
            Err(what) => what,
        };
        return Err(unreadable(wanted, io::Error::new(io::ErrorKind::InvalidData, what)));
    }
    Ok(())
}

fn unreadable(wanted: &Wanted, source: io::Error) -> LogError {
    LogError::Entry {
        index: wanted.id.index,
        segment: wanted.segment,
        offset: byte_of(wanted.offset as usize / DATA_BYTES),
        source: Arc::new(source),
    }
}
