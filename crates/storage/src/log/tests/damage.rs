//! Damage in the files: refused and named, and never taken for the end of the log.

use std::os::unix::fs::FileExt;
use std::thread;

use super::*;

type Files = Vec<(String, Vec<u8>)>;

/// Two segments with a few batches each: votes, entries of one and two sectors, a truncation and a purge.
fn small_log() -> Files {
    let directory = directory();
    let log = open(&directory, sectors(6)).unwrap();
    save_vote(&log, vote(1)).unwrap();
    append(&log, vec![entry(1, 0, b"first"), entry(1, 1, &[1; 600])]).unwrap();
    append(&log, vec![entry(1, 2, b"third")]).unwrap();
    log.truncate_after(Some(1)).unwrap();
    append(&log, vec![entry(2, 2, b"other")]).unwrap();
    save_vote(&log, vote(2)).unwrap();
    drop(log);
    let files = files(directory.path());
    assert_eq!(files.len(), 2);
    files
}

#[test]
fn every_flipped_bit_of_a_log_is_refused_and_named() {
    let files = small_log();
    assert_eq!(open(&copy(&files), sectors(6)).unwrap().state().last, Some(id(2, 2)));
    let bits: usize = files.iter().map(|(_, bytes)| bytes.len() * 8).sum();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for worker in 0..workers {
            let files = &files;
            scope.spawn(move || (worker..bits).step_by(workers).for_each(|bit| refuses_flipped_bit(files, bit)));
        }
    });
}

fn refuses_flipped_bit(files: &Files, bit: usize) {
    let mut files = files.clone();
    let per_file = files[0].1.len() * 8;
    let (file, bit) = (bit / per_file, bit % per_file);
    files[file].1[bit / 8] ^= 1 << (bit % 8);
    let name = &files[file].0;
    match open(&copy(&files), sectors(6)) {
        Err(LogError::Corrupt { segment, offset, .. }) => {
            assert_eq!(segment as usize, file + 1, "{name} bit {bit}");
            assert_eq!(offset / SECTOR_BYTES as u64, (bit / 8 / SECTOR_BYTES) as u64, "{name} bit {bit}");
        }
        other => panic!("{name} bit {bit}: {other:?}"),
    }
}

#[test]
fn refused_log_is_left_as_it_is() {
    let mut files = small_log();
    files[0].1[SECTOR_BYTES * 2 + 9] ^= 1;
    let directory = copy(&files);
    open(&directory, sectors(6)).unwrap_err();
    assert_eq!(super::files(directory.path()), files);
}

#[test]
fn segment_that_is_missing_or_short_is_refused() {
    let directory = directory();
    let log = open(&directory, sectors(4)).unwrap();
    for index in 0..6 {
        append(&log, entries(index..index + 1)).unwrap();
    }
    drop(log);
    let files = files(directory.path());
    assert!(files.len() >= 3);
    for missing in 0..files.len() - 1 {
        let mut files = files.clone();
        files.remove(missing);
        assert!(matches!(open(&copy(&files), sectors(4)), Err(LogError::Corrupt { .. })), "without {missing}");
    }
    for short in 0..files.len() {
        for length in 0..files[short].1.len() {
            let mut files = files.clone();
            files[short].1.truncate(length);
            assert!(matches!(open(&copy(&files), sectors(4)), Err(LogError::Corrupt { .. })), "{short} at {length}");
        }
        let mut files = files.clone();
        files[short].1.push(0);
        assert!(matches!(open(&copy(&files), sectors(4)), Err(LogError::Corrupt { .. })), "{short} longer");
    }
}

#[test]
fn segments_in_each_others_place_are_refused() {
    let mut files = small_log();
    let (first, second) = files.split_at_mut(1);
    std::mem::swap(&mut first[0].1, &mut second[0].1);
    assert!(matches!(open(&copy(&files), sectors(6)), Err(LogError::Corrupt { segment: 1, .. })));
}

/// A log whose batches are `vote`, an entry of four sectors, and perhaps another vote.
fn log_with_a_large_batch(has_another: bool) -> Files {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    append(&log, entries(0..1)).unwrap();
    append(&log, vec![entry(1, 1, &[9; 1900])]).unwrap();
    if has_another {
        save_vote(&log, vote(5)).unwrap();
    }
    drop(log);
    files(directory.path())
}

/// The large batch starts behind header, preamble and the first entry.
const LARGE: usize = 3;

fn without_sectors(files: &Files, lost: u32) -> Files {
    let mut files = files.clone();
    for at in (0..4).filter(|at| lost & 1 << at != 0) {
        files[0].1[(LARGE + at) * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);
    }
    files
}

#[test]
fn torn_last_batch_is_cut_and_the_log_goes_on() {
    let files = log_with_a_large_batch(false);
    for lost in 0..16 {
        let directory = copy(&without_sectors(&files, lost));
        let log = open(&directory, sectors(16)).unwrap();
        let kept = if lost == 0 { 2 } else { 1 };
        assert_eq!(log.state().last, Some(id(1, kept - 1)), "without {lost:04b}");
        append(&log, vec![entry(2, kept, b"next")]).unwrap();
        let expected = content(&log);
        drop(log);
        assert_eq!(content(&open(&directory, sectors(16)).unwrap()), expected, "without {lost:04b}");
    }
}

#[test]
fn torn_batch_with_another_behind_it_is_refused() {
    let files = log_with_a_large_batch(true);
    for lost in 1..16 {
        let refused = open(&copy(&without_sectors(&files, lost)), sectors(16)).unwrap_err();
        assert!(matches!(refused, LogError::Corrupt { segment: 1, .. }), "without {lost:04b}: {refused}");
    }
}

#[test]
fn torn_batch_with_a_segment_behind_it_is_refused() {
    let directory = directory();
    let log = open(&directory, sectors(6)).unwrap();
    append(&log, vec![entry(1, 0, &[9; 1900])]).unwrap();
    append(&log, entries(1..2)).unwrap();
    drop(log);
    let files = files(directory.path());
    assert_eq!(files.len(), 2);
    for lost in 2..6 {
        let mut files = files.clone();
        files[0].1[lost * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);
        assert!(matches!(open(&copy(&files), sectors(6)), Err(LogError::Corrupt { segment: 1, .. })), "sector {lost}");
    }
    let mut whole = files;
    whole[0].1[2 * SECTOR_BYTES..].fill(0);
    assert!(matches!(open(&copy(&whole), sectors(6)), Err(LogError::Corrupt { segment: 2, .. })));
}

#[test]
fn torn_last_batch_with_a_flipped_bit_is_refused() {
    let files = without_sectors(&log_with_a_large_batch(false), 0b0100);
    for sector in LARGE..16 {
        let mut files = files.clone();
        files[0].1[sector * SECTOR_BYTES + 100] ^= 0x10;
        assert!(matches!(open(&copy(&files), sectors(16)), Err(LogError::Corrupt { .. })), "sector {sector}");
    }
}

#[test]
fn damage_under_an_open_log_is_named_by_the_read() {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    append(&log, vec![entry(1, 0, b"good"), entry(1, 1, &[9; 700]), entry(1, 2, b"good")]).unwrap();
    let file = fs::OpenOptions::new().write(true).open(directory.path().join("0000000001.log")).unwrap();
    file.write_all_at(b"?", 2 * SECTOR_BYTES as u64 + 200).unwrap();
    let error = log.read(0..3, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "cannot read log entry 1 in segment 1 at byte 1024");
    assert_eq!(log.read(2..3, usize::MAX).unwrap(), [entry(1, 2, b"good")]);
}
