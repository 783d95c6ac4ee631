//! Checkpoints on sled.
//!
//! # The directory
//! `marker` names format, cluster and the last checkpoint; `lock` is held while the store is open; `sled/` is the
//! engine's.
//!
//! # A checkpoint
//! has the next number, and is made of *packs*, each of which says of some records what they are, or that they are gone.
//! It goes in steps:
//!
//! 1. its packs are written under its number, those of an incremental one with what changed, those of a whole one with
//!    all records. Nothing that is there is looked at or replaced. They are made durable in batches;
//! 2. the head is replaced: one key, one atomic write. Then it is made durable, and the checkpoint is taken;
//! 3. the marker gets the checkpoint's number, durably;
//! 4. after a whole one the packs of older ones are deleted, which is made durable too; so when the log is purged,
//!    nothing that the engine wrote waits for a sync.
//!
//! The head names the checkpoint and its `base`, the last one that was written whole. A record is what the newest
//! checkpoint from the base to the head says of it. So a crash before the head is durable leaves the old checkpoint and
//! some packs that are newer than it; a crash after it leaves the new one and some that are older than its base. Opening
//! deletes both.
//!
//! # Bounds
//! Packs hold entries that newer ones replace, until the next whole checkpoint. One is written whole when its
//! predecessor left more than `CHECKPOINT_ENTRIES_PER_RECORD` entries for each record of its state and more than
//! `CHECKPOINT_SPARE_ENTRIES`, or when `CHECKPOINTS_SINCE_WHOLE` came since the base. So with r records the packs have at
//! most max(2 r, 65,536) entries and those of one difference, which a load reads; and r more while a whole checkpoint is
//! written. That is after at least r changes, or r / 2 where most of them took records away, or after 63 checkpoints.
//!
//! # What is checked
//! Every pack is authentic for its key, which holds the checkpoint and the first record, so none can stand for another
//! or for an older one. The packs of a checkpoint do not overlap. The head has the digest of the set of all packs since
//! the base, the number of entries in them and the number of records that they come to, so a store that lost or
//! exchanged any of them does not open. Nor does one whose head is older than its marker: that is how damage to the
//! engine's log shows.
//!
//! # What is not covered
//! sled reuses space as soon as it believes what replaced it to be on disk, after `sync_file_range`. Each batch is
//! therefore synced for real before the next, but a power failure *within* a batch can cost the engine its files, the
//! last checkpoint with them, where a disk reorders its writes or a file system has not noted yet that the file grew.
//! Then the store refuses to open and the node rejoins from the others; it is lost only if that hits a quorum at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use key_service::{Barrier, SealedKind};
use state::{Change, Record, RecordKey, RecordKind, State};
use types::limits;

use super::engine::{DirectoryLock, Engine, contain};
use super::load::load;
use super::marker::Marker;
use super::pack_key::{HEAD, PackKey, PackSet, of_nothing, of_other_checkpoints};
use super::pack_writer::{PackWriter, SealedPack};
use super::{Damage, Loaded, StateStore, StateStoreError, durable};
use crate::codec::{CheckpointHead, decode_head, encode_head};
use crate::head::Head;

/// A state store on sled.
pub struct SledStateStore {
    writer: Mutex<Writer>,
    // Behind the engine: the files are free before the lock is.
    _lock: DirectoryLock,
}

/// What a checkpoint has done so far: where tests look, copy and break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A batch of packs is durable.
    Batch,
    /// All packs are durable, the head is the old one.
    Packs,
    /// The head is replaced but not durable.
    Head,
    /// The checkpoint is taken.
    Taken,
    /// The marker says so.
    Marked,
    /// Packs that are no part of the checkpoint are deleted, which is durable.
    Swept,
}

#[cfg(test)]
pub(super) type Probe = Box<dyn FnMut(Step) -> Result<(), StateStoreError> + Send>;

struct Writer {
    directory: PathBuf,
    engine: Engine,
    barrier: Arc<Barrier>,
    current: CheckpointHead,
    /// The first record of the last checkpoint's state.
    counters: Option<(RecordKey, Record)>,
    bounds: Bounds,
    failed: bool,
    #[cfg(test)]
    probe: Option<Probe>,
}

/// Limits that tests lower.
struct Bounds {
    batch_bytes: usize,
    spare_entries: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { batch_bytes: limits::CHECKPOINT_BATCH_BYTES, spare_entries: limits::CHECKPOINT_SPARE_ENTRIES }
    }
}

impl SledStateStore {
    /// Opens the store in `directory`, making it if there is none, and loads its checkpoint.
    ///
    /// # Errors
    /// A directory that is in use, another cluster's, unreadable or damaged. It stays refused: the marker outlives
    /// what the engine drops of files that it cannot read.
    pub fn open(directory: &Path, barrier: Arc<Barrier>) -> Result<(Self, Option<Loaded>), StateStoreError> {
        durable::create_directory(directory).map_err(StateStoreError::io("create", directory))?;
        let lock = DirectoryLock::take(directory)?;
        let cluster = barrier.cluster();
        let marker = Marker::read(directory)?;
        if marker.is_some_and(|marker| marker.cluster != cluster) {
            return Err(StateStoreError::Foreign(directory.to_owned()));
        }
        let engine = Engine::open(directory.join("sled"))?;
        let (current, state) = contain("read its files", || {
            let current = match (read_head(&engine, &barrier)?, marker) {
                (Some(current), Some(Marker { checkpoint: taken, .. })) if current.checkpoint < taken => {
                    return Err(Damage::WentBack { taken, found: current.checkpoint }.into());
                }
                (Some(current), Some(_)) => current,
                (Some(current), None) if current.checkpoint == 0 => current,
                (Some(_), None) => return Err(Damage::NoMarker.into()),
                (None, Some(_)) => return Err(Damage::NoHead.into()),
                (None, None) => create(&engine, &barrier)?,
            };
            let new_marker = Marker { cluster, checkpoint: current.checkpoint };
            if marker != Some(new_marker) {
                // The head was read from what may not be durable yet.
                engine.make_durable()?;
                new_marker.write(directory)?;
            }
            let state = load(&engine, &barrier, &current)?;
            refuse_stray_keys(&engine)?;
            sweep(&engine, &current)?;
            Ok((current, state))
        })?;
        let counters = state.records().next();
        let loaded = current.head.clone().map(|head| Loaded { head, state });
        let writer = Writer {
            directory: directory.to_owned(),
            engine,
            barrier,
            current,
            counters,
            bounds: Bounds::default(),
            failed: false,
            #[cfg(test)]
            probe: None,
        };
        Ok((Self { writer: Mutex::new(writer), _lock: lock }, loaded))
    }

    #[cfg(test)]
    pub(super) fn set_probe(&self, probe: Probe) {
        self.writer.lock().unwrap().probe = Some(probe);
    }

    #[cfg(test)]
    pub(super) fn set_batch_bytes(&self, bytes: usize) {
        self.writer.lock().unwrap().bounds.batch_bytes = bytes;
    }

    #[cfg(test)]
    pub(super) fn set_spare_entries(&self, entries: u64) {
        self.writer.lock().unwrap().bounds.spare_entries = entries;
    }

    /// The keys and values of the engine.
    #[cfg(test)]
    pub(super) fn raw(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let writer = self.writer.lock().unwrap();
        writer.engine.scan(&[]).map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
    }

    /// Sets keys of the engine, and deletes those without a value.
    #[cfg(test)]
    pub(super) fn apply_raw(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let writer = self.writer.lock().unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => writer.engine.insert(&key, value).unwrap(),
                None => writer.engine.remove(&key).unwrap(),
            }
        }
    }

    /// Writes another head than the one that was written.
    #[cfg(test)]
    pub(super) fn rewrite_head(&self, change: impl FnOnce(&mut CheckpointHead)) {
        let mut writer = self.writer.lock().unwrap();
        change(&mut writer.current);
        write_head(&writer.engine, &writer.barrier, &writer.current).unwrap();
    }

    #[cfg(test)]
    pub(super) fn current(&self) -> CheckpointHead {
        self.writer.lock().unwrap().current.clone()
    }
}

impl StateStore for SledStateStore {
    fn checkpoint(&self, previous: Option<&State>, next: &State, head: Head) -> Result<(), StateStoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(StateStoreError::Failed);
        }
        writer.failed = true;
        contain("write a checkpoint", || writer.checkpoint(previous, next, head))?;
        writer.failed = false;
        Ok(())
    }
}

impl fmt::Debug for SledStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SledStateStore")
    }
}

impl Writer {
    fn checkpoint(&mut self, previous: Option<&State>, next: &State, head: Head) -> Result<(), StateStoreError> {
        if let Some(previous) = previous {
            self.refuse_other_previous(previous)?;
        }
        let previous = previous.filter(|_| !self.is_whole_due());
        let mut new = CheckpointHead { checkpoint: self.current.checkpoint + 1, head: Some(head), ..self.current };
        let mut set = PackSet::from_bytes(&new.packs);
        if previous.is_none() {
            (new.base, new.records, new.packed, set) = (new.checkpoint, 0, 0, PackSet::default());
        }
        let mut packs = Packs::new(self, new.checkpoint);
        match previous {
            Some(previous) => new.records = packs.write_changes(previous, next, new.records)?,
            None => new.records = packs.write_all(next)?,
        }
        let (written, packed) = packs.finish()?;
        set.add_all(written);
        new.packed += packed;
        new.packs = set.to_bytes();
        self.step(Step::Packs)?;

        write_head(&self.engine, &self.barrier, &new)?;
        self.step(Step::Head)?;
        self.engine.make_durable()?;
        (self.current, self.counters) = (new, next.records().next());
        self.step(Step::Taken)?;
        let marker = Marker { cluster: self.barrier.cluster(), checkpoint: self.current.checkpoint };
        marker.write(&self.directory)?;
        self.step(Step::Marked)?;

        if previous.is_none() {
            sweep(&self.engine, &self.current)?;
        }
        self.step(Step::Swept)
    }

    /// Whether the packs hold so much that is replaced, or are of so many checkpoints, that the next one is to be whole.
    fn is_whole_due(&self) -> bool {
        let CheckpointHead { checkpoint, base, records, packed, .. } = self.current;
        let entries = records.saturating_mul(limits::CHECKPOINT_ENTRIES_PER_RECORD).max(self.bounds.spare_entries);
        packed > entries || checkpoint - base >= limits::CHECKPOINTS_SINCE_WHOLE
    }

    /// The counters change with every command of any weight, and two states of unlike pasts hardly have the same.
    fn refuse_other_previous(&self, previous: &State) -> Result<(), StateStoreError> {
        if self.current.head.is_some() && previous.records().next() == self.counters {
            return Ok(());
        }
        Err(StateStoreError::NotPrevious(RecordKey { kind: RecordKind::Counters, id: 0, part: 0 }))
    }

    #[cfg(test)]
    fn step(&mut self, step: Step) -> Result<(), StateStoreError> {
        self.probe.as_mut().map_or(Ok(()), |probe| probe(step))
    }

    #[cfg(not(test))]
    const fn step(&self, _step: Step) -> Result<(), StateStoreError> {
        Ok(())
    }
}

/// The packs of a checkpoint on their way into the engine.
struct Packs<'a> {
    writer: &'a mut Writer,
    packs: PackWriter,
    /// Packs that are not in the engine yet.
    batch: Vec<SealedPack>,
    batch_bytes: usize,
}

impl<'a> Packs<'a> {
    fn new(writer: &'a mut Writer, checkpoint: u64) -> Self {
        let packs = PackWriter::new(writer.barrier.clone(), checkpoint);
        Self { writer, packs, batch: Vec::new(), batch_bytes: 0 }
    }

    /// Writes all records of a state; their number.
    fn write_all(&mut self, state: &State) -> Result<u64, StateStoreError> {
        let mut records = 0;
        for (key, record) in state.records() {
            self.push(key, Some(&record))?;
            records += 1;
        }
        Ok(records)
    }

    /// Writes what changed from a state of so many records to the next; the number that there are then.
    fn write_changes(&mut self, previous: &State, next: &State, mut records: u64) -> Result<u64, StateStoreError> {
        // What does not come in its order: few, and shared with the state.
        let mut later = Vec::new();
        for change in next.changes_since(previous) {
            let (key, record) = match change {
                Change::Add(key, record) => {
                    records += 1;
                    (key, Some(record))
                }
                Change::Update(key, record) => (key, Some(record)),
                Change::Remove(key) => {
                    records = records.checked_sub(1).ok_or(StateStoreError::NotPrevious(key))?;
                    (key, None)
                }
            };
            match key.kind {
                RecordKind::Secret | RecordKind::Version | RecordKind::Proposal => self.push(key, record.as_ref())?,
                _ => later.push((key, record)),
            }
        }
        later.sort_unstable_by_key(|(key, _)| *key);
        for (key, record) in later {
            self.push(key, record.as_ref())?;
        }
        Ok(records)
    }

    fn push(&mut self, key: RecordKey, record: Option<&Record>) -> Result<(), StateStoreError> {
        self.packs.push(key, record)?.map_or(Ok(()), |pack| self.write(pack))
    }

    fn write(&mut self, pack: SealedPack) -> Result<(), StateStoreError> {
        self.batch_bytes += pack.sealed.len();
        self.batch.push(pack);
        if self.batch_bytes < self.writer.bounds.batch_bytes {
            return Ok(());
        }
        self.write_batch()
    }

    /// Writes the keys and then the values: the engine splits its nodes as keys come, and writes both halves again each
    /// time. That is a quarter of the bytes while the nodes hold nothing else.
    fn write_batch(&mut self) -> Result<(), StateStoreError> {
        self.batch_bytes = 0;
        self.batch.sort_unstable_by_key(|pack| pack.key);
        for pack in &self.batch {
            self.writer.engine.insert(&pack.key.encode(), Vec::new())?;
        }
        for pack in self.batch.drain(..) {
            self.writer.engine.insert(&pack.key.encode(), pack.sealed)?;
        }
        self.writer.engine.make_durable()?;
        self.writer.step(Step::Batch)
    }

    /// Writes what is left; the set of the packs that were written, and the number of their entries.
    fn finish(mut self) -> Result<(PackSet, u64), StateStoreError> {
        while let Some(pack) = self.packs.finish_one() {
            self.write(pack)?;
        }
        self.write_batch()?;
        Ok((self.packs.set, self.packs.packed))
    }
}

/// Writes the head of a store without a checkpoint, so that later its absence tells a loss.
fn create(engine: &Engine, barrier: &Barrier) -> Result<CheckpointHead, StateStoreError> {
    if engine.scan(&[]).next().transpose()?.is_some() {
        return Err(Damage::NoHead.into());
    }
    let packs = PackSet::default().to_bytes();
    let head = CheckpointHead { checkpoint: 0, base: 0, records: 0, packed: 0, packs, head: None };
    write_head(engine, barrier, &head)?;
    Ok(head)
}

/// Replaces the head; not durable yet.
fn write_head(engine: &Engine, barrier: &Barrier, head: &CheckpointHead) -> Result<(), StateStoreError> {
    engine.insert(HEAD, barrier.seal(SealedKind::CheckpointHead, HEAD, &encode_head(head)))
}

fn read_head(engine: &Engine, barrier: &Barrier) -> Result<Option<CheckpointHead>, StateStoreError> {
    let Some(sealed) = engine.get(HEAD)? else { return Ok(None) };
    let mut opened = barrier.open(SealedKind::CheckpointHead, HEAD, &sealed).map_err(Damage::OpenHead)?;
    let head = decode_head(std::mem::take(&mut *opened).into()).map_err(Damage::DecodeHead)?;
    Ok(Some(head))
}

fn refuse_stray_keys(engine: &Engine) -> Result<(), StateStoreError> {
    match of_nothing().into_iter().flat_map(|keys| engine.keys(keys)).next().transpose()? {
        Some(key) => Err(Damage::StrayKey(key.len()).into()),
        None => Ok(()),
    }
}

/// Deletes the packs that are no part of the current checkpoint; durable when it returns.
fn sweep(engine: &Engine, head: &CheckpointHead) -> Result<(), StateStoreError> {
    let mut is_swept = false;
    for key in of_other_checkpoints(head.base, head.checkpoint).into_iter().flat_map(|keys| engine.keys(keys)) {
        let key = key?;
        PackKey::decode(&key).ok_or(Damage::StrayKey(key.len()))?;
        engine.remove(&key)?;
        is_swept = true;
    }
    if is_swept { engine.make_durable() } else { Ok(()) }
}
