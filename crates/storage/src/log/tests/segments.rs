//! Segments come and go.

use std::sync::Arc;
use std::thread;

use super::disk::{Fault, FaultyDisk};
use super::*;

fn names(directory: &TempDir) -> Vec<String> {
    files(directory.path()).into_iter().map(|(name, _)| name).collect()
}

/// A log of one segment that is full, and the same log when the next segment has begun.
fn before_and_after_roll_over() -> [Vec<(String, Vec<u8>)>; 2] {
    let directory = directory();
    let log = open(&directory, sectors(4)).unwrap();
    append(&log, entries(0..1)).unwrap();
    append(&log, entries(1..2)).unwrap();
    let before = files(directory.path());
    append(&log, entries(2..3)).unwrap();
    let after = files(directory.path());
    assert_eq!((before.len(), after.len()), (1, 2));
    [before, after]
}

#[test]
fn spare_segment_is_never_read() {
    let [before, after] = before_and_after_roll_over();
    let header = &after[1].1[..SECTOR_BYTES];
    let spares = [
        Vec::new(),
        vec![0; 700],
        vec![0; 4 * SECTOR_BYTES],
        [header, &[0; 3 * SECTOR_BYTES]].concat(),
        [&header[..100], &[0; 4 * SECTOR_BYTES - 100]].concat(),
        after[1].1.clone(),
        vec![0xFF; 4 * SECTOR_BYTES],
    ];
    for (at, spare) in spares.into_iter().enumerate() {
        let directory = copy(&before);
        fs::write(directory.path().join("spare"), spare).unwrap();
        let log = open(&directory, sectors(4)).unwrap();
        assert_eq!(content(&log).1, entries(0..2), "spare {at}");
        append(&log, entries(2..5)).unwrap();
        drop(log);
        assert_eq!(content(&open(&directory, sectors(4)).unwrap()).1, entries(0..5), "spare {at}");
    }
}

#[test]
fn new_segment_may_hold_only_its_preamble() {
    let [_, mut after] = before_and_after_roll_over();
    after[1].1[2 * SECTOR_BYTES..].fill(0);
    let directory = copy(&after);
    let log = open(&directory, sectors(4)).unwrap();
    assert_eq!(content(&log).1, entries(0..2));
    append(&log, entries(2..5)).unwrap();
    drop(log);
    assert_eq!(content(&open(&directory, sectors(4)).unwrap()).1, entries(0..5));
}

#[test]
fn segment_with_a_name_but_without_header_or_preamble_is_refused() {
    let [_, after] = before_and_after_roll_over();
    for sector in [0, 1] {
        let mut files = after.clone();
        files[1].1[sector * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);
        assert!(matches!(open(&copy(&files), sectors(4)), Err(LogError::Corrupt { segment: 2, .. })), "{sector}");
    }
}

#[test]
fn purge_deletes_whole_segments_once_it_is_durable() {
    let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
    let log = SegmentLog::open_on(Arc::clone(&disk) as _, directory.path(), CLUSTER, NODE, sectors(4)).unwrap();
    for index in 0..20 {
        append(&log, entries(index..index + 1)).unwrap();
    }
    let before = names(&directory);
    assert_eq!(before.len(), 10);
    disk.shut_gate();
    log.purge(id(1, 13)).unwrap();
    while log.shared.queued() > 0 {
        thread::yield_now();
    }
    assert_eq!(names(&directory), before);
    disk.open_gate();
    drop(log);
    assert_eq!(names(&directory).first(), Some(&before[7]));
    let log = open(&directory, sectors(4)).unwrap();
    assert_eq!(content(&log).1, entries(14..20));
}

#[test]
fn purge_that_crashed_before_its_deletions_is_finished_by_opening() {
    let directory = directory();
    let log = open(&directory, sectors(4)).unwrap();
    for index in 0..8 {
        append(&log, entries(index..index + 1)).unwrap();
    }
    let before = files(directory.path());
    log.purge(id(1, 5)).unwrap();
    drop(log);
    let after = files(directory.path());
    let gone = before.iter().filter(|(name, _)| after.iter().all(|(kept, _)| kept != name)).cloned();
    let gone: Vec<_> = gone.collect();
    assert!(gone.len() >= 3);
    for deleted in 0..=gone.len() {
        let directory = copy(&after);
        put(directory.path(), &gone[deleted..]);
        let log = open(&directory, sectors(4)).unwrap();
        assert_eq!(content(&log).1, entries(6..8));
        drop(log);
        assert_eq!(names(&directory), names(&copy(&after)));
    }
}

#[test]
fn purge_that_is_not_durable_deletes_nothing() {
    let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
    let options = LogOptions { batch_bytes: 1, ..sectors(4) };
    let log = SegmentLog::open_on(Arc::clone(&disk) as _, directory.path(), CLUSTER, NODE, options).unwrap();
    for index in 0..12 {
        append(&log, entries(index..index + 1)).unwrap();
    }
    disk.shut_gate();
    log.purge(id(1, 3)).unwrap();
    while log.shared.queued() > 0 {
        thread::yield_now();
    }
    // The first purge takes a new segment, which is four calls, then a write and a sync; the other fails at its write.
    disk.fail_at(disk.calls() + 7, Fault::Error);
    log.purge(id(1, 9)).unwrap();
    disk.open_gate();
    drop(log);
    assert_eq!(disk.calls_after_fault(), 0);
    let log = open(&directory, sectors(4)).unwrap();
    assert_eq!((log.state().purged, content(&log).1), (Some(id(1, 3)), entries(4..12)));
}

#[test]
fn votes_alone_do_not_keep_segments() {
    let directory = directory();
    let log = open(&directory, sectors(4)).unwrap();
    for term in 0..20 {
        save_vote(&log, vote(term)).unwrap();
    }
    drop(log);
    assert_eq!(names(&directory).len(), 1);
    assert_eq!(open(&directory, sectors(4)).unwrap().state().vote, Some(vote(19)));
}

#[test]
fn segments_of_another_size_are_read() {
    let directory = directory();
    for (at, size) in [16, 4, 64, 5].into_iter().enumerate() {
        let log = open(&directory, sectors(size)).unwrap();
        let start = at as u64 * 30;
        append(&log, entries(start..start + 30)).unwrap();
        assert_eq!(content(&log).1, entries(0..start + 30));
    }
}
