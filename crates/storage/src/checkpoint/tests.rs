use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use key_service::{Barrier, OpenError};
use sled::Batch;
use state::State;
use tempfile::TempDir;
use types::ClusterId;

use super::conformance::{self, History, Place};
use super::entry::{EntryKey, HEAD};
use super::sled_store::Step;
use super::*;

struct SledPlace {
    directory: TempDir,
    barrier: Arc<Barrier>,
}

impl SledPlace {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), barrier: barrier() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// A place with a checkpoint of `history`.
    fn holding(history: &History) -> Self {
        let place = Self::new();
        let (store, _) = place.open().unwrap();
        store.checkpoint(None, &history.state, history.head()).unwrap();
        place
    }

    /// Changes the engine's keys behind the store's back.
    fn tamper(&self, change: impl FnOnce(&BTreeMap<Vec<u8>, Vec<u8>>, &mut Batch)) {
        let (store, _) = self.open().unwrap();
        let mut batch = Batch::default();
        change(&store.raw().into_iter().collect(), &mut batch);
        store.apply_raw(batch);
    }

    fn damage(&self) -> Damage {
        match self.open().unwrap_err() {
            StateStoreError::Damaged(damage) => damage,
            other => panic!("{other}"),
        }
    }
}

impl Place for SledPlace {
    type Store = SledStateStore;

    fn open(&self) -> Result<(SledStateStore, Option<Loaded>), StateStoreError> {
        SledStateStore::open(&self.path(), self.barrier.clone())
    }
}

impl Place for MemoryDisk {
    type Store = MemoryStateStore;

    fn open(&self) -> Result<(MemoryStateStore, Option<Loaded>), StateStoreError> {
        MemoryStateStore::open(self)
    }
}

fn barrier() -> Arc<Barrier> {
    Arc::new(Barrier::ephemeral(ClusterId([1; 16])))
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_sled_store_conforms() {
    conformance::check_all(SledPlace::new);
}

#[test]
fn the_memory_store_conforms() {
    conformance::check_all(MemoryDisk::default);
}

/// Two checkpoints, the second one a difference or whole.
struct Crash {
    place: SledPlace,
    old: History,
    new: History,
    whole: bool,
}

impl Crash {
    fn new(whole: bool, commands: usize) -> Self {
        let mut old = History::new(7);
        old.run(commands);
        let place = SledPlace::holding(&old);
        let mut new = if whole { History::new(8) } else { old.clone() };
        new.run(commands);
        Self { place, old, new, whole }
    }

    fn checkpoint(&self, store: &SledStateStore) -> Result<(), StateStoreError> {
        let previous = (!self.whole).then_some(&self.old.state);
        store.checkpoint(previous, &self.new.state, self.new.head())
    }

    /// Opens what a crash left at `path`: the old state or the new one; it goes on from there.
    fn expect_recovered(&self, step: Step, path: &Path) {
        let barrier = self.place.barrier.clone();
        let (store, loaded) = SledStateStore::open(path, barrier.clone()).unwrap();
        let loaded = loaded.unwrap();
        let is_new = loaded.head == self.new.head();
        let expected = if is_new { &self.new } else { &self.old };
        assert_eq!(loaded.head, expected.head(), "{step:?}");
        assert!(loaded.state == expected.state, "{step:?}: a mix of two checkpoints");
        match step {
            Step::Batch | Step::Entries => assert!(!is_new, "{step:?}: taken before its head"),
            // Written, and a copy sees what was written.
            Step::Head => {}
            Step::Taken | Step::Marked | Step::Superseded | Step::Removals => {
                assert!(is_new, "{step:?}: taken, then lost")
            }
        }
        invariant_one_entry_a_record(&store, &loaded.state);

        // What comes now is not what the lost checkpoint had.
        let mut later = expected.clone().with_other_draws();
        store.checkpoint(Some(&loaded.state), &later.run(20), later.head()).unwrap();
        drop(store);
        let (_, loaded) = SledStateStore::open(path, barrier).unwrap();
        assert!(loaded.unwrap().state == later.state, "{step:?}: a mix after the next checkpoint");
    }
}

fn invariant_one_entry_a_record(store: &SledStateStore, state: &State) {
    let entries = store.raw();
    let mut records = state.records();
    for (key, _) in entries.iter().filter(|(key, _)| key != HEAD) {
        let entry = EntryKey::decode(key).unwrap();
        assert!(!entry.removed, "{entry:?}");
        assert_eq!(Some(entry.record), records.next().map(|(key, _)| key));
    }
    assert!(records.next().is_none());
}

fn a_crash_leaves_the_old_checkpoint_or_the_new_one(whole: bool) {
    let crash = Crash::new(whole, if whole { 1_600 } else { 1_200 });
    let copies = tempfile::tempdir().unwrap();
    let (store, _) = crash.place.open().unwrap();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let probe = {
        let (taken, from, to) = (taken.clone(), crash.place.path(), copies.path().to_owned());
        move |step| {
            let mut taken = taken.lock().unwrap();
            let to = to.join(taken.len().to_string());
            copy_tree(&from, &to);
            taken.push((step, to));
            Ok(())
        }
    };
    store.set_probe(Box::new(probe));
    crash.checkpoint(&store).unwrap();
    drop(store);

    let mut taken = std::mem::take(&mut *taken.lock().unwrap());
    let batches = taken.iter().filter(|(step, _)| *step == Step::Batch).count();
    assert!(batches > 1, "{batches} batches are too few to crash between");
    // The first one and the last one of them will do.
    taken.drain(1..batches - 1);
    for (step, path) in &taken {
        crash.expect_recovered(*step, path);
    }
    crash.expect_recovered(Step::Taken, &crash.place.path());
}

#[test]
fn a_crash_in_a_difference_leaves_the_old_checkpoint_or_the_new_one() {
    a_crash_leaves_the_old_checkpoint_or_the_new_one(false);
}

#[test]
fn a_crash_in_a_whole_write_leaves_the_old_checkpoint_or_the_new_one() {
    a_crash_leaves_the_old_checkpoint_or_the_new_one(true);
}

#[test]
fn a_store_whose_checkpoint_failed_takes_no_more_until_it_is_opened_again() {
    for failing in [Step::Batch, Step::Entries, Step::Head, Step::Taken, Step::Marked, Step::Superseded, Step::Removals]
    {
        let crash = Crash::new(false, 100);
        let (store, _) = crash.place.open().unwrap();
        store.set_probe(Box::new(move |step| if step == failing { Err(StateStoreError::Failed) } else { Ok(()) }));
        crash.checkpoint(&store).unwrap_err();
        assert!(matches!(crash.checkpoint(&store), Err(StateStoreError::Failed)));
        drop(store);
        crash.expect_recovered(failing, &crash.place.path());
    }
}

#[test]
fn a_difference_to_another_state_than_the_last_checkpoint_is_refused() {
    let mut history = History::new(10);
    let first = history.run(50);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let mut other = History::new(11);
    other.run(100);
    let refused = store.checkpoint(Some(&other.state), &first, history.head()).unwrap_err();
    assert!(matches!(refused, StateStoreError::NotPrevious(_)), "{refused}");
    drop(store);
    assert!(place.open().unwrap().1.unwrap().state == first);
}

#[test]
fn a_directory_is_opened_once() {
    let place = SledPlace::new();
    let (store, _) = place.open().unwrap();
    assert!(matches!(place.open(), Err(StateStoreError::Locked(_))));
    drop(store);
    place.open().unwrap();
}

#[test]
fn the_directory_of_another_cluster_is_named() {
    let mut place = SledPlace::new();
    drop(place.open().unwrap());
    place.barrier = Arc::new(Barrier::ephemeral(ClusterId([2; 16])));
    assert!(matches!(place.open(), Err(StateStoreError::Foreign(_))));
}

#[test]
fn a_directory_of_an_unknown_format_is_named() {
    let place = SledPlace::new();
    drop(place.open().unwrap());
    let marker = marker::path(&place.path());
    let text = fs::read_to_string(&marker).unwrap().replace("format 1", "format 2");
    fs::write(marker, text).unwrap();
    assert!(matches!(place.open(), Err(StateStoreError::UnknownFormat(_))));
}

fn history() -> History {
    let mut history = History::new(12);
    history.run(300);
    history
}

#[test]
fn a_store_without_its_head_is_refused() {
    let place = SledPlace::holding(&history());
    place.tamper(|_, batch| batch.remove(HEAD));
    assert_eq!(place.damage(), Damage::NoHead);
}

#[test]
fn an_engine_that_lost_everything_is_refused() {
    let place = SledPlace::holding(&history());
    fs::remove_dir_all(place.path().join("sled")).unwrap();
    assert_eq!(place.damage(), Damage::NoHead);
}

#[test]
fn a_checkpoint_without_its_marker_is_refused() {
    let place = SledPlace::holding(&history());
    fs::remove_file(marker::path(&place.path())).unwrap();
    assert_eq!(place.damage(), Damage::NoMarker);
}

#[test]
fn a_crash_before_the_first_checkpoint_leaves_an_empty_store() {
    let place = SledPlace::new();
    drop(place.open().unwrap());
    fs::remove_file(marker::path(&place.path())).unwrap();
    assert_eq!(place.open().unwrap().1, None);
}

#[test]
fn a_store_that_lost_a_record_is_refused() {
    let place = SledPlace::holding(&history());
    // The last one is a proposal's result: the state would load without it.
    place.tamper(|entries, batch| batch.remove(entries.keys().next_back().unwrap().clone()));
    assert!(matches!(place.damage(), Damage::Count { expected, found } if expected == found + 1));
}

#[test]
fn records_cannot_be_swapped() {
    let place = SledPlace::holding(&history());
    place.tamper(|entries, batch| {
        let mut last = entries.iter().rev();
        let (one, other) = (last.next().unwrap(), last.next().unwrap());
        batch.insert(one.0.clone(), other.1.clone());
        batch.insert(other.0.clone(), one.1.clone());
    });
    assert!(matches!(place.damage(), Damage::OpenRecord { source: OpenError::NotAuthentic, .. }));
}

#[test]
fn a_record_of_an_earlier_checkpoint_does_not_pass_for_the_current_one() {
    let mut history = history();
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let old = store.raw();
    let previous = history.state.clone();
    store.checkpoint(Some(&previous), &history.run(1), history.head()).unwrap();
    drop(store);
    // The counters change with every command.
    let is_counters = |key: &[u8]| key.starts_with(b"r\x01");
    let old = old.into_iter().find(|(key, _)| is_counters(key)).unwrap();
    place.tamper(|entries, batch| {
        let new = entries.keys().find(|key| is_counters(key)).unwrap();
        assert_ne!(*new, old.0);
        batch.remove(new.clone());
        batch.insert(old.0, old.1);
    });
    assert_eq!(place.damage(), Damage::OtherRecords);
}

#[test]
fn a_key_that_is_no_record_is_refused() {
    let place = SledPlace::holding(&history());
    place.tamper(|_, batch| batch.insert(b"stray", b"value"));
    assert_eq!(place.damage(), Damage::StrayKey(5));
}

#[test]
fn no_name_stands_on_disk() {
    let place = SledPlace::holding(&history());
    let mut searched = 0;
    let mut directories = vec![place.path()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            searched += bytes.len();
            for canary in ["canary", "CANARY", "us-east-1"] {
                let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
                assert!(!found, "{canary} in {}", path.display());
            }
        }
    }
    assert!(searched > 10_000, "{searched} bytes");
}

/// Opens a copy of `place` with one of the engine's files changed: refused, or the same state.
///
/// The engine must not turn damage into another state, and not go back without a word.
fn expect_refused_or_unharmed(place: &SledPlace, state: &State, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&place.path(), copy.path());
    let path = copy.path().join("sled").join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    match SledStateStore::open(copy.path(), place.barrier.clone()) {
        Ok((_, loaded)) => {
            assert!(loaded.expect("the checkpoint is gone").state == *state, "another state");
            false
        }
        Err(_) => true,
    }
}

fn engine_files(place: &SledPlace) -> Vec<(String, usize)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(place.path().join("sled")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            files.push((entry.file_name().into_string().unwrap(), used));
        }
    }
    files
}

/// A place whose newest checkpoint is a small difference, so that the engine has something to fall back to.
fn place_of_two_checkpoints() -> (SledPlace, State) {
    let mut history = history();
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let previous = history.state.clone();
    store.checkpoint(Some(&previous), &history.run(5), history.head()).unwrap();
    (place, history.state)
}

#[test]
fn flipped_bits_of_the_engine_never_load_as_another_state() {
    let (place, state) = place_of_two_checkpoints();
    for (file, used) in engine_files(&place) {
        let flips = 24;
        let flip = |step: usize| move |bytes: &mut Vec<u8>| bytes[used * step / flips] ^= 1 << (step % 8);
        let refused = (0..flips).filter(|step| expect_refused_or_unharmed(&place, &state, &file, flip(*step))).count();
        assert!(refused > 0 || file != "db", "no flip did anything");
    }
}

#[test]
fn cut_files_of_the_engine_never_load_as_another_state() {
    let (place, state) = place_of_two_checkpoints();
    for (file, used) in engine_files(&place) {
        for step in 0..12 {
            expect_refused_or_unharmed(&place, &state, &file, |bytes| bytes.truncate(used * step / 12));
        }
    }
}

#[test]
fn records_of_many_chunks_are_loaded_and_the_first_bad_one_is_named() {
    let mut history = History::new(21);
    history.run(12_000);
    let place = SledPlace::holding(&history);
    let count = history.state.records().count();
    assert!(count > 12 * load::CHUNK_ENTRIES, "{count}");
    assert_eq!(place.open().unwrap().1.unwrap().state, history.state);

    let mut spoilt = Vec::new();
    place.tamper(|entries, batch| {
        for (key, value) in entries.iter().filter(|(key, _)| *key != HEAD).step_by(1_000).skip(1) {
            let mut value = value.clone();
            *value.last_mut().unwrap() ^= 1;
            batch.insert(key.as_slice(), value);
            spoilt.push(EntryKey::decode(key).unwrap().record);
        }
    });
    assert_eq!(place.damage(), Damage::OpenRecord { key: spoilt[0], source: OpenError::NotAuthentic });
}
