use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use key_service::{Barrier, OpenError};
use proptest::prelude::*;
use state::{RecordKey, RecordKind, State};
use tempfile::TempDir;
use types::{ClusterId, limits};

use super::conformance::{self, History, Place};
use super::pack_key::{HEAD, PackKey};
use super::sled_store::Step;
use super::*;
use crate::codec::CheckpointHead;

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
    fn tamper(&self, change: impl FnOnce(&BTreeMap<Vec<u8>, Vec<u8>>, &mut Tampering)) {
        let (store, _) = self.open().unwrap();
        let mut tampering = Tampering::default();
        change(&store.raw().into_iter().collect(), &mut tampering);
        store.apply_raw(tampering.0);
    }

    /// The same directory elsewhere; no store may be open.
    fn copy(&self) -> Self {
        let copy = Self { directory: tempfile::tempdir().unwrap(), barrier: self.barrier.clone() };
        copy_tree(&self.path(), &copy.path());
        copy
    }

    /// The state that a restart would find now.
    fn state_beside(&self, _store: &SledStateStore) -> State {
        self.copy().open().unwrap().1.unwrap().state
    }

    fn damage(&self) -> Damage {
        match self.open().unwrap_err() {
            StateStoreError::Damaged(damage) => damage,
            other => panic!("{other}"),
        }
    }
}

/// Keys of the engine with their new values; without one to be deleted.
#[derive(Default)]
struct Tampering(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Tampering {
    fn insert(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.push((key.to_vec(), Some(value)));
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.push((key.to_vec(), None));
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

/// How the second one of two checkpoints is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    Difference,
    /// Whole, of another state.
    Installed,
    /// Whole, because there are so many before it.
    Due,
}

/// Two checkpoints, of which the second one is cut off.
struct Crash {
    place: SledPlace,
    old: History,
    new: History,
    second: Second,
}

impl Crash {
    fn new(second: Second, commands: usize) -> Self {
        let mut old = History::new(7);
        old.run(commands);
        let place = SledPlace::holding(&old);
        if second == Second::Due {
            let (store, _) = place.open().unwrap();
            make_whole_due(&store, &mut old);
        }
        let mut new = if second == Second::Installed { History::new(8) } else { old.clone() };
        new.run(commands);
        Self { place, old, new, second }
    }

    fn checkpoint(&self, store: &SledStateStore) -> Result<(), StateStoreError> {
        let previous = (self.second != Second::Installed).then_some(&self.old.state);
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
            Step::Batch | Step::Packs => assert!(!is_new, "{step:?}: taken before its head"),
            // Written, and a copy sees what was written.
            Step::Head => {}
            Step::Taken | Step::Marked | Step::Swept => assert!(is_new, "{step:?}: taken, then lost"),
        }
        invariant_packs_of_the_checkpoint_only(&store);

        // What comes now is not what the lost checkpoint had.
        let mut later = expected.clone().with_other_draws();
        store.checkpoint(Some(&loaded.state), &later.run(20), later.head()).unwrap();
        drop(store);
        let (_, loaded) = SledStateStore::open(path, barrier).unwrap();
        assert!(loaded.unwrap().state == later.state, "{step:?}: a mix after the next checkpoint");
    }
}

/// Takes checkpoints until the next one is to be whole.
fn make_whole_due(store: &SledStateStore, history: &mut History) {
    while store.current().checkpoint - store.current().base < limits::CHECKPOINTS_SINCE_WHOLE {
        let previous = history.state.clone();
        store.checkpoint(Some(&previous), &history.run(1), history.head()).unwrap();
    }
}

fn packs_of(store: &SledStateStore) -> Vec<PackKey> {
    let entries = store.raw();
    entries.iter().filter(|(key, _)| key != HEAD).map(|(key, _)| PackKey::decode(key).unwrap()).collect()
}

fn invariant_packs_of_the_checkpoint_only(store: &SledStateStore) {
    let CheckpointHead { base, checkpoint, .. } = store.current();
    let packs = packs_of(store);
    assert!(!packs.is_empty());
    for pack in packs {
        assert!((base..=checkpoint).contains(&pack.checkpoint), "{pack:?} beside {base} to {checkpoint}");
    }
}

fn a_crash_leaves_the_old_checkpoint_or_the_new_one(second: Second, commands: usize) {
    let crash = Crash::new(second, commands);
    let copies = tempfile::tempdir().unwrap();
    let (store, _) = crash.place.open().unwrap();
    store.set_batch_bytes(256 << 10);
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
    assert_eq!(store.current().base == store.current().checkpoint, second != Second::Difference, "{second:?}");
    drop(store);

    let mut taken = std::mem::take(&mut *taken.lock().unwrap());
    let batches = taken.iter().filter(|(step, _)| *step == Step::Batch).count();
    assert!(batches > 1, "{batches} batches are too few to crash between");
    // The first one and the last one of them will do.
    taken.drain(1..batches - 1);
    for (step, path) in &taken {
        crash.expect_recovered(*step, path);
    }
    crash.expect_recovered(Step::Swept, &crash.place.path());
}

#[test]
fn a_crash_in_a_difference_leaves_the_old_checkpoint_or_the_new_one() {
    a_crash_leaves_the_old_checkpoint_or_the_new_one(Second::Difference, 1_200);
}

#[test]
fn a_crash_in_a_whole_write_leaves_the_old_checkpoint_or_the_new_one() {
    a_crash_leaves_the_old_checkpoint_or_the_new_one(Second::Installed, 1_600);
}

#[test]
fn a_crash_in_a_whole_write_that_was_due_leaves_the_old_checkpoint_or_the_new_one() {
    a_crash_leaves_the_old_checkpoint_or_the_new_one(Second::Due, 1_200);
}

#[test]
fn a_store_whose_checkpoint_failed_takes_no_more_until_it_is_opened_again() {
    for second in [Second::Difference, Second::Installed] {
        for failing in [Step::Batch, Step::Packs, Step::Head, Step::Taken, Step::Marked, Step::Swept] {
            let crash = Crash::new(second, 100);
            let (store, _) = crash.place.open().unwrap();
            store.set_probe(Box::new(move |step| if step == failing { Err(StateStoreError::Failed) } else { Ok(()) }));
            crash.checkpoint(&store).unwrap_err();
            assert!(matches!(crash.checkpoint(&store), Err(StateStoreError::Failed)));
            drop(store);
            crash.expect_recovered(failing, &crash.place.path());
        }
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
    let (store, loaded) = place.open().unwrap();
    assert!(loaded.unwrap().state == first);
    // Nor is there a difference to what is not there, or to what an earlier one was compared with.
    let (second, third) = (history.run(1), history.run(1));
    store.checkpoint(Some(&first), &second, history.head()).unwrap();
    store.checkpoint(Some(&first), &third, history.head()).unwrap_err();
    let (store, _) = SledPlace::new().open().unwrap();
    store.checkpoint(Some(&first), &third, history.head()).unwrap_err();
}

#[test]
fn the_newest_of_many_checkpoints_wins() {
    let mut history = History::new(13);
    history.run(200);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    for commands in [150, 1, 0, 80, 300, 20] {
        let previous = history.state.clone();
        store.checkpoint(Some(&previous), &history.run(commands), history.head()).unwrap();
    }
    let current = store.current();
    assert_eq!((current.base, current.checkpoint), (1, 7), "a whole one came between");
    // The counters are in each of them that applied something.
    let counters = RecordKey { kind: RecordKind::Counters, id: 0, part: 0 };
    let packs = packs_of(&store);
    assert_eq!(packs.iter().filter(|pack| pack.first == counters).count(), 6);
    assert!(current.packed > current.records, "nothing was replaced");
    drop(store);
    assert!(place.open().unwrap().1.unwrap().state == history.state);
}

#[test]
fn a_record_that_was_removed_may_come_again() {
    let mut history = History::new(14);
    let empty = history.run(1);
    let full = history.run(60);
    let place = SledPlace::new();
    let (store, _) = place.open().unwrap();
    store.checkpoint(None, &full, history.head()).unwrap();
    // Differences hold between any two states.
    for (previous, next) in [(&full, &empty), (&empty, &full), (&full, &empty)] {
        store.checkpoint(Some(previous), next, history.head()).unwrap();
        assert!(place.state_beside(&store) == *next);
    }
    store.checkpoint(Some(&empty), &full, history.head()).unwrap();
    drop(store);
    assert!(place.open().unwrap().1.unwrap().state == full);
}

#[test]
fn an_incremental_checkpoint_writes_packs_of_its_own_and_leaves_the_others_alone() {
    let mut history = history();
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let is_pack = |(key, _): &(Vec<u8>, Vec<u8>)| key != HEAD;
    let before: BTreeMap<_, _> = store.raw().into_iter().filter(is_pack).collect();
    let previous = history.state.clone();
    store.checkpoint(Some(&previous), &history.run(50), history.head()).unwrap();
    let after: BTreeMap<_, _> = store.raw().into_iter().filter(is_pack).collect();
    assert!(before.iter().all(|(key, value)| after.get(key) == Some(value)), "a pack was changed");
    assert!(
        after.keys().filter(|key| !before.contains_key(*key)).all(|key| PackKey::decode(key).unwrap().checkpoint == 2)
    );
    assert!(after.len() > before.len());
}

#[test]
fn packs_are_bounded_and_a_large_record_is_one_of_its_own() {
    let mut history = History::new(15);
    history.run(2_000);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let largest_record = limits::SECRET_VALUE_BYTES + 1_024;
    let sizes: Vec<_> = store.raw().into_iter().map(|(_, value)| value.len()).collect();
    // What the seal and the keys add.
    assert!(sizes.iter().all(|size| *size <= largest_record.max(limits::CHECKPOINT_PACK_BYTES + 16 * 1_024)));
    let large = sizes.iter().filter(|size| **size > limits::SECRET_VALUE_BYTES).count();
    assert!(large > 0 && sizes.len() < 400, "{large} of {} packs", sizes.len());
}

#[test]
fn what_is_replaced_brings_a_whole_checkpoint() {
    let mut history = History::new(16);
    history.run(100);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    store.set_spare_entries(500);
    let mut wholes = 0;
    for _ in 0..40 {
        let previous = history.state.clone();
        let before = store.current();
        store.checkpoint(Some(&previous), &history.run(60), history.head()).unwrap();
        let after = store.current();
        let bound = (before.records * limits::CHECKPOINT_ENTRIES_PER_RECORD).max(500);
        let is_whole = after.base == after.checkpoint;
        assert_eq!(is_whole, before.packed > bound, "{before:?}");
        if is_whole {
            wholes += 1;
            assert_eq!(after.packed, after.records);
            assert!(after.packed < before.packed);
        }
        invariant_packs_of_the_checkpoint_only(&store);
    }
    assert!((2..20).contains(&wholes), "{wholes} whole ones");
    drop(store);
    assert!(place.open().unwrap().1.unwrap().state == history.state);
}

#[test]
fn many_checkpoints_bring_a_whole_one() {
    let mut history = History::new(17);
    history.run(10);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    make_whole_due(&store, &mut history);
    let due = store.current();
    assert_eq!((due.base, due.checkpoint), (1, 1 + limits::CHECKPOINTS_SINCE_WHOLE));
    let previous = history.state.clone();
    store.checkpoint(Some(&previous), &history.run(1), history.head()).unwrap();
    assert_eq!(store.current().base, due.checkpoint + 1);
    invariant_packs_of_the_checkpoint_only(&store);
    drop(store);
    assert!(place.open().unwrap().1.unwrap().state == history.state);
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
    let text = fs::read_to_string(&marker).unwrap().replace("format 2", "format 1");
    fs::write(marker, text).unwrap();
    let refused = place.open().unwrap_err();
    assert!(matches!(refused, StateStoreError::UnknownFormat(_)));
    assert!(refused.to_string().ends_with("is a state store of an unknown format"), "{refused}");
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
fn a_store_that_lost_a_pack_is_refused() {
    let place = SledPlace::holding(&history());
    // The last one has results of proposals: the state would load without it.
    place.tamper(|entries, tampering| tampering.remove(entries.keys().next_back().unwrap()));
    let damage = place.damage();
    assert!(matches!(damage, Damage::Count { what: "entries", expected, found } if expected > found), "{damage:?}");
}

#[test]
fn a_store_that_lost_an_incremental_checkpoint_is_refused() {
    let (place, _) = place_of_two_checkpoints();
    place.tamper(|entries, tampering| {
        for key in entries.keys().filter(|key| PackKey::decode(key).is_some_and(|pack| pack.checkpoint == 2)) {
            tampering.remove(key);
        }
    });
    assert!(matches!(place.damage(), Damage::Count { what: "entries", .. }));
}

#[test]
fn packs_cannot_be_swapped() {
    let place = SledPlace::holding(&history());
    place.tamper(|entries, tampering| {
        let mut last = entries.iter().rev();
        let (one, other) = (last.next().unwrap(), last.next().unwrap());
        tampering.insert(one.0, other.1.clone());
        tampering.insert(other.0, one.1.clone());
    });
    assert!(matches!(place.damage(), Damage::OpenPack { source: OpenError::NotAuthentic, .. }));
}

#[test]
fn a_pack_does_not_pass_for_one_of_another_checkpoint_or_another_record() {
    let (place, _) = place_of_two_checkpoints();
    for change in [
        |pack: PackKey| PackKey { checkpoint: 2, ..pack },
        |pack: PackKey| PackKey { first: RecordKey { id: 1, ..pack.first }, ..pack },
    ] {
        let copy = place.copy();
        copy.tamper(|entries, tampering| {
            let is_first = |pack: &PackKey| pack.checkpoint == 1 && pack.first.kind == RecordKind::Proposal;
            let (pack, value) =
                entries.iter().find_map(|(key, value)| Some((PackKey::decode(key).filter(is_first)?, value))).unwrap();
            tampering.remove(&pack.encode());
            tampering.insert(&change(pack).encode(), value.clone());
        });
        assert!(matches!(copy.damage(), Damage::OpenPack { source: OpenError::NotAuthentic, .. }));
    }
}

/// Checkpoint 2 as it was written twice, after the same first one: a pack of the one among those of the other.
#[test]
fn a_pack_of_a_checkpoint_that_was_not_taken_does_not_pass_for_one_that_was() {
    let mut history = history();
    let place = SledPlace::holding(&history);
    let other = place.copy();
    let previous = history.state.clone();
    history.run(1);
    for place in [&place, &other] {
        let (store, _) = place.open().unwrap();
        store.checkpoint(Some(&previous), &history.state, history.head()).unwrap();
    }
    let counters = PackKey { checkpoint: 2, first: RecordKey { kind: RecordKind::Counters, id: 0, part: 0 } }.encode();
    let raw: BTreeMap<_, _> = other.open().unwrap().0.raw().into_iter().collect();
    place.tamper(|entries, tampering| {
        assert_ne!(entries[counters.as_slice()], raw[counters.as_slice()]);
        tampering.insert(&counters, raw[counters.as_slice()].clone());
    });
    assert_eq!(place.damage(), Damage::OtherPacks);
}

#[test]
fn an_older_head_is_refused() {
    let mut history = history();
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let (_, old) = store.raw().into_iter().find(|(key, _)| key == HEAD).unwrap();
    let previous = history.state.clone();
    store.checkpoint(Some(&previous), &history.run(3), history.head()).unwrap();
    drop(store);
    place.tamper(|_, tampering| tampering.insert(HEAD, old));
    assert_eq!(place.damage(), Damage::WentBack { taken: 2, found: 1 });
}

#[test]
fn counts_that_the_packs_do_not_come_to_are_refused() {
    for (what, change) in
        [("records", (|head| head.records -= 1) as fn(&mut CheckpointHead)), ("entries", |head| head.packed += 1)]
    {
        let place = SledPlace::holding(&history());
        let (store, _) = place.open().unwrap();
        store.rewrite_head(change);
        drop(store);
        assert!(matches!(place.damage(), Damage::Count { what: found, .. } if found == what), "{what}");
    }
}

#[test]
fn a_key_that_is_no_packs_is_refused() {
    for stray in [&b"stray"[..], b"a", b"i", b"p", b"p\0\0\0\0\0\0\0\x01", b"p\xff"] {
        let place = SledPlace::holding(&history());
        place.tamper(|_, tampering| tampering.insert(stray, b"value".to_vec()));
        assert_eq!(place.damage(), Damage::StrayKey(stray.len()), "{stray:?}");
    }
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
fn packs_of_many_chunks_are_loaded_and_the_first_bad_one_is_named() {
    let mut history = History::new(21);
    history.run(12_000);
    let place = SledPlace::holding(&history);
    let (store, _) = place.open().unwrap();
    let bytes: usize = store.raw().iter().map(|(_, value)| value.len()).sum();
    assert!(bytes > 12 * load::CHUNK_BYTES, "{bytes}");
    drop(store);
    assert_eq!(place.open().unwrap().1.unwrap().state, history.state);

    let mut spoilt = Vec::new();
    place.tamper(|entries, tampering| {
        for (key, value) in entries.iter().filter(|(key, _)| *key != HEAD).step_by(100).skip(1) {
            let mut value = value.clone();
            *value.last_mut().unwrap() ^= 1;
            tampering.insert(key, value);
            spoilt.push(PackKey::decode(key).unwrap().first);
        }
    });
    assert!(spoilt.len() > 1);
    let (checkpoint, first, source) = (1, spoilt[0], OpenError::NotAuthentic);
    assert_eq!(place.damage(), Damage::OpenPack { checkpoint, first, source });
}

/// Commands of each random life; `CONCLAVE_CHECKPOINT_COMMANDS` has another number.
fn commands_of_a_life() -> usize {
    let commands = std::env::var("CONCLAVE_CHECKPOINT_COMMANDS");
    commands.map_or(2_000, |commands| commands.parse().expect("a number of commands"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Checkpoints of any size, whole ones where they are due or asked for, and restarts between them.
    #[test]
    fn a_store_holds_the_last_of_any_checkpoints(
        seed: u64, steps in proptest::collection::vec((0..100_u32, 0..8_u32), 1..40), spare_entries in 0..4_000_u64,
    ) {
        let mut history = History::new(seed);
        let place = SledPlace::new();
        let (mut store, mut loaded) = place.open().unwrap();
        let all: u32 = steps.iter().map(|(share, _)| share + 1).sum();
        for (share, turn) in steps {
            store.set_spare_entries(spare_entries);
            history.run(1 + commands_of_a_life() * usize::try_from(share).unwrap() / usize::try_from(all).unwrap());
            let previous = loaded.as_ref().filter(|_| turn != 0).map(|loaded| &loaded.state);
            store.checkpoint(previous, &history.state, history.head()).unwrap();
            invariant_packs_of_the_checkpoint_only(&store);
            loaded = Some(Loaded { head: history.head(), state: history.state.clone() });
            if turn == 1 {
                drop(store);
                (store, loaded) = place.open().unwrap();
                prop_assert!(loaded.as_ref().unwrap().state == history.state);
            }
        }
        drop(store);
        prop_assert_eq!(place.open().unwrap().1, Some(Loaded { head: history.head(), state: history.state }));
    }
}
