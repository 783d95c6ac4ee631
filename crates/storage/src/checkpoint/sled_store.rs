//! Checkpoints on sled.
//!
//! # The directory
//! `marker` names format, cluster and the last checkpoint; `lock` is held while the store is open; `sled/` is the
//! engine's.
//!
//! # A checkpoint
//! has the next number, and goes in steps:
//!
//! 1. every changed record becomes a new entry under that number, every removed one an entry that says so, in batches
//!    that are each made durable. The entries of the last checkpoint stay as they are;
//! 2. the head is replaced: one key, one atomic write. Then it is made durable, and the checkpoint is taken;
//! 3. the marker gets the checkpoint's number, durably;
//! 4. entries that it superseded are deleted, and after that is durable, those that say that a record is gone; so
//!    when the log is purged, nothing that the engine wrote waits for a sync.
//!
//! The current record of a key is its newest entry that is not newer than the head and not older than the head's
//! `base`, the last checkpoint that was written whole. So a crash before the head is durable leaves the old checkpoint
//! and some entries that are newer than it; a crash after it leaves the new one and some that are superseded. Opening
//! deletes both. A removal's own entry is deleted last, or an entry that it superseded would come back.
//!
//! # What is checked
//! Every value is authentic for its key, which holds the checkpoint, so no record can stand for another or for an
//! older one. The head has the number of records and the digest of their set, so a store that lost or exchanged any of
//! them does not open. Nor does one whose head is older than its marker: that is how damage to the engine's log shows.
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
use sled::{Batch, IVec};
use state::{Change, Record, RecordKey, State};
use types::limits;

use super::engine::{DirectoryLock, Engine, contain};
use super::entry::{EntryKey, EntrySet, HEAD, record_prefix};
use super::load::{Contents, load};
use super::marker::Marker;
use super::{Damage, Loaded, StateStore, StateStoreError, durable};
use crate::codec::{CheckpointHead, decode_head, encode_head, encode_record};
use crate::head::Head;

/// Bytes of values after which a batch is written, whatever the number of its records.
const BATCH_BYTES: usize = 4 << 20;

/// A state store on sled.
pub struct SledStateStore {
    writer: Mutex<Writer>,
    // Behind the engine: the files are free before the lock is.
    _lock: DirectoryLock,
}

/// What a checkpoint has done so far: where tests look, copy and break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A batch of entries is durable.
    Batch,
    /// All entries are durable, the head is the old one.
    Entries,
    /// The head is replaced but not durable.
    Head,
    /// The checkpoint is taken.
    Taken,
    /// The marker says so.
    Marked,
    /// Superseded entries are deleted, which is durable.
    Superseded,
    /// Entries of removals are deleted, which is durable.
    Removals,
}

#[cfg(test)]
pub(super) type Probe = Box<dyn FnMut(Step) -> Result<(), StateStoreError> + Send>;

struct Writer {
    directory: PathBuf,
    engine: Engine,
    barrier: Arc<Barrier>,
    current: CheckpointHead,
    failed: bool,
    #[cfg(test)]
    probe: Option<Probe>,
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
            let Contents { state, is_clean } = load(&engine, &barrier, &current)?;
            if !is_clean {
                sweep(&engine, &current)?;
            }
            Ok((current, state))
        })?;
        let loaded = current.head.clone().map(|head| Loaded { head, state });
        let writer = Writer {
            directory: directory.to_owned(),
            engine,
            barrier,
            current,
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

    /// The keys and values of the engine.
    #[cfg(test)]
    pub(super) fn raw(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let writer = self.writer.lock().unwrap();
        writer.engine.scan().map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
    }

    #[cfg(test)]
    pub(super) fn apply_raw(&self, batch: Batch) {
        let writer = self.writer.lock().unwrap();
        writer.engine.apply(batch).unwrap();
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
        let mut new = self.current.clone();
        new.checkpoint += 1;
        new.head = Some(head);
        if previous.is_none() {
            new.base = new.checkpoint;
            new.records = 0;
            new.entries = EntrySet::default().to_bytes();
        }
        let mut entries = Entries::new(self, &new);
        match previous {
            Some(previous) => {
                for change in next.changes_since(previous) {
                    match change {
                        Change::Put(key, record) => entries.put(key, &record)?,
                        Change::Remove(key) => entries.remove(key)?,
                    }
                }
            }
            None => {
                for (key, record) in next.records() {
                    entries.put(key, &record)?;
                }
            }
        }
        let Entries { records, set, superseded, removals, .. } = entries.finish()?;
        (new.records, new.entries) = (records, set.to_bytes());
        self.step(Step::Entries)?;

        write_head(&self.engine, &self.barrier, &new)?;
        self.step(Step::Head)?;
        self.engine.make_durable()?;
        self.current = new;
        self.step(Step::Taken)?;
        let marker = Marker { cluster: self.barrier.cluster(), checkpoint: self.current.checkpoint };
        marker.write(&self.directory)?;
        self.step(Step::Marked)?;

        if previous.is_none() {
            return sweep(&self.engine, &self.current);
        }
        if remove_all(&self.engine, superseded.into_iter().map(Ok))? {
            self.engine.make_durable()?;
        }
        self.step(Step::Superseded)?;
        if remove_all(&self.engine, removals.into_iter().map(Ok))? {
            self.engine.make_durable()?;
        }
        self.step(Step::Removals)
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

/// The entries of a checkpoint on their way into the engine.
struct Entries<'a> {
    writer: &'a mut Writer,
    checkpoint: u64,
    /// A whole checkpoint: what is there already is not looked at.
    whole: bool,
    records: u64,
    set: EntrySet,
    superseded: Vec<IVec>,
    removals: Vec<IVec>,
    batch: Batch,
    batch_entries: usize,
    batch_bytes: usize,
}

impl<'a> Entries<'a> {
    fn new(writer: &'a mut Writer, head: &CheckpointHead) -> Self {
        Self {
            writer,
            checkpoint: head.checkpoint,
            whole: head.base == head.checkpoint,
            records: head.records,
            set: EntrySet::from_bytes(&head.entries),
            superseded: Vec::new(),
            removals: Vec::new(),
            batch: Batch::default(),
            batch_entries: 0,
            batch_bytes: 0,
        }
    }

    fn put(&mut self, key: RecordKey, record: &Record) -> Result<(), StateStoreError> {
        self.supersede(key)?;
        let entry = EntryKey { record: key, checkpoint: self.checkpoint, removed: false }.encode();
        let sealed = self.writer.barrier.seal(SealedKind::StateRecord, &entry, &encode_record(record));
        self.set.add(&entry, &sealed);
        self.records += 1;
        self.write(&entry, sealed)
    }

    fn remove(&mut self, key: RecordKey) -> Result<(), StateStoreError> {
        if !self.supersede(key)? {
            return Err(StateStoreError::NotPrevious(key));
        }
        let entry = EntryKey { record: key, checkpoint: self.checkpoint, removed: true }.encode();
        let sealed = self.writer.barrier.seal(SealedKind::StateRecord, &entry, &[]);
        self.removals.push(IVec::from(&entry));
        self.write(&entry, sealed)
    }

    /// Takes the record's current entry, if there is one, out of the checkpoint.
    fn supersede(&mut self, key: RecordKey) -> Result<bool, StateStoreError> {
        if self.whole {
            return Ok(false);
        }
        // Opening and every checkpoint leave one entry a record, so the last one is the current one.
        let Some((entry, sealed)) = self.writer.engine.last_with_prefix(&record_prefix(key))? else {
            return Ok(false);
        };
        match EntryKey::decode(&entry) {
            Some(entry) if entry.removed => return Ok(false),
            Some(entry) if entry.checkpoint < self.checkpoint => {}
            _ => return Err(Damage::StrayKey(entry.len()).into()),
        }
        self.set.remove(&entry, &sealed);
        self.records = self.records.checked_sub(1).ok_or(StateStoreError::NotPrevious(key))?;
        self.superseded.push(entry);
        Ok(true)
    }

    fn write(&mut self, entry: &[u8], sealed: Vec<u8>) -> Result<(), StateStoreError> {
        self.batch_entries += 1;
        self.batch_bytes += sealed.len();
        self.batch.insert(entry, sealed);
        if self.batch_entries < limits::CHECKPOINT_BATCH_RECORDS && self.batch_bytes < BATCH_BYTES {
            return Ok(());
        }
        self.write_batch()
    }

    fn write_batch(&mut self) -> Result<(), StateStoreError> {
        (self.batch_entries, self.batch_bytes) = (0, 0);
        self.writer.engine.apply(std::mem::take(&mut self.batch))?;
        self.writer.engine.make_durable()?;
        self.writer.step(Step::Batch)
    }

    fn finish(mut self) -> Result<Self, StateStoreError> {
        self.write_batch()?;
        Ok(self)
    }
}

/// Writes the head of a store without a checkpoint, so that later its absence tells a loss.
fn create(engine: &Engine, barrier: &Barrier) -> Result<CheckpointHead, StateStoreError> {
    if engine.scan().next().transpose()?.is_some() {
        return Err(Damage::NoHead.into());
    }
    let head =
        CheckpointHead { checkpoint: 0, base: 0, records: 0, entries: EntrySet::default().to_bytes(), head: None };
    write_head(engine, barrier, &head)?;
    Ok(head)
}

/// Replaces the head; not durable yet.
fn write_head(engine: &Engine, barrier: &Barrier, head: &CheckpointHead) -> Result<(), StateStoreError> {
    let mut batch = Batch::default();
    batch.insert(HEAD, barrier.seal(SealedKind::CheckpointHead, HEAD, &encode_head(head)));
    engine.apply(batch)
}

fn read_head(engine: &Engine, barrier: &Barrier) -> Result<Option<CheckpointHead>, StateStoreError> {
    let Some(sealed) = engine.get(HEAD)? else { return Ok(None) };
    let mut opened = barrier.open(SealedKind::CheckpointHead, HEAD, &sealed).map_err(Damage::OpenHead)?;
    let head = decode_head(std::mem::take(&mut *opened).into()).map_err(Damage::DecodeHead)?;
    Ok(Some(head))
}

/// Deletes what is no part of the current checkpoint; entries of removals last.
fn sweep(engine: &Engine, head: &CheckpointHead) -> Result<(), StateStoreError> {
    for kind in [Standing::Superseded, Standing::Removal] {
        let stale = standings(engine, head).filter_map(|item| match item {
            Ok(item) => (item.standing == kind).then_some(Ok(item.key)),
            Err(error) => Some(Err(error)),
        });
        if remove_all(engine, stale)? {
            engine.make_durable()?;
        }
    }
    Ok(())
}

/// Deletes entries in batches; whether there were any.
fn remove_all(
    engine: &Engine,
    keys: impl Iterator<Item = Result<IVec, StateStoreError>>,
) -> Result<bool, StateStoreError> {
    let mut batch = Batch::default();
    let mut removed = 0_usize;
    for key in keys {
        batch.remove(key?);
        removed += 1;
        if removed.is_multiple_of(limits::CHECKPOINT_BATCH_RECORDS) {
            engine.apply(std::mem::take(&mut batch))?;
        }
    }
    // An empty batch is a write too, which nobody would sync.
    if !removed.is_multiple_of(limits::CHECKPOINT_BATCH_RECORDS) {
        engine.apply(batch)?;
    }
    Ok(removed > 0)
}

/// What an entry is to the current checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The record.
    Current,
    /// Older than the record's current entry or than the base, or of a checkpoint that was not taken.
    Superseded,
    /// It says that the record is gone.
    Removal,
}

pub(super) struct Item {
    pub(super) key: IVec,
    pub(super) value: IVec,
    pub(super) entry: EntryKey,
    pub(super) standing: Standing,
}

/// All entries, in the order of their records, each with its standing.
pub(super) fn standings(engine: &Engine, head: &CheckpointHead) -> impl Iterator<Item = Result<Item, StateStoreError>> {
    let (base, checkpoint) = (head.base, head.checkpoint);
    let mut entries = engine
        .scan()
        .filter(|item| !matches!(item, Ok((key, _)) if key == HEAD))
        .map(|item| {
            let (key, value) = item?;
            let entry = EntryKey::decode(&key).ok_or(Damage::StrayKey(key.len()))?;
            Ok((key, value, entry))
        })
        .peekable();
    std::iter::from_fn(move || {
        let (key, value, entry) = match entries.next()? {
            Ok(parts) => parts,
            Err(error) => return Some(Err(error)),
        };
        let has_newer = matches!(
            entries.peek(),
            Some(Ok((_, _, next))) if next.record == entry.record && next.checkpoint <= checkpoint
        );
        let standing = if has_newer || entry.checkpoint < base || entry.checkpoint > checkpoint {
            Standing::Superseded
        } else if entry.removed {
            Standing::Removal
        } else {
            Standing::Current
        };
        Some(Ok(Item { key, value, entry, standing }))
    })
}
