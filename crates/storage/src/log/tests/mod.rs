//! The log on disk: what it promises across reopening, damage, crashes and failures.

mod crash;
mod damage;
mod disk;
mod model;
mod order;
mod segments;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use tempfile::TempDir;
use types::{ClusterId, NodeId};

use super::conformance::{self, append, content, entries, entry, id, save_vote, vote};
use super::sector::SECTOR_BYTES;
use super::{LogError, LogOptions, LogStore, MemoryLog, SegmentLog};

const CLUSTER: ClusterId = ClusterId([7; 16]);
const NODE: NodeId = NodeId(1);

/// Segments of so many sectors, and no cache: reads come from the files.
fn sectors(count: u64) -> LogOptions {
    LogOptions { segment_bytes: count * SECTOR_BYTES as u64, cache_bytes: 0, ..LogOptions::default() }
}

/// A directory in memory where there is one: most of these tests sync for every entry.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

fn open(directory: &TempDir, options: LogOptions) -> Result<SegmentLog, LogError> {
    SegmentLog::open_with(directory.path(), CLUSTER, NODE, options)
}

/// The segment files by name.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let names = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".log")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(directory.join(name)).unwrap())).collect()
}

fn put(directory: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

/// A directory with these files.
fn copy(files: &[(String, Vec<u8>)]) -> TempDir {
    let directory = directory();
    put(directory.path(), files);
    directory
}

#[test]
fn memory_log_conforms() {
    conformance::run(|| Box::new(MemoryLog::new()));
}

#[test]
fn segment_log_conforms() {
    for options in [sectors(16), LogOptions { segment_bytes: 16 << 20, ..LogOptions::default() }] {
        let mut directories = Vec::new();
        conformance::run(|| {
            directories.push(directory());
            Box::new(open(directories.last().unwrap(), options).unwrap())
        });
    }
}

#[test]
fn acknowledged_log_is_there_when_it_is_opened_again() {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    append(&log, entries(0..40)).unwrap();
    save_vote(&log, vote(3)).unwrap();
    log.truncate_after(Some(30)).unwrap();
    log.purge(id(1, 4)).unwrap();
    append(&log, vec![entry(3, 31, b"other")]).unwrap();
    log.save_committed(id(1, 20));
    let expected = content(&log);
    drop(log);
    for _ in 0..3 {
        let log = open(&directory, sectors(16)).unwrap();
        assert_eq!((content(&log), log.committed()), (expected.clone(), Some(id(1, 20))));
    }
}

#[test]
fn log_goes_on_after_an_installed_snapshot() {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    log.purge(id(4, 1000)).unwrap();
    drop(log);
    let log = open(&directory, sectors(16)).unwrap();
    assert_eq!((log.state().purged, log.state().last), (Some(id(4, 1000)), Some(id(4, 1000))));
    append(&log, entries(1001..1003)).unwrap();
    drop(log);
    assert_eq!(content(&open(&directory, sectors(16)).unwrap()).1, entries(1001..1003));
}

#[test]
fn committed_never_points_beyond_the_end_after_opening() {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    append(&log, entries(0..3)).unwrap();
    log.save_committed(id(1, 9));
    drop(log);
    let log = open(&directory, sectors(16)).unwrap();
    assert_eq!(log.committed(), Some(id(1, 2)));
    log.truncate_after(None).unwrap();
    drop(log);
    assert_eq!(open(&directory, sectors(16)).unwrap().committed(), None);
}

#[test]
fn recent_entries_are_read_without_the_disk() {
    let directory = directory();
    let log = open(&directory, LogOptions { cache_bytes: 400, ..sectors(16) }).unwrap();
    append(&log, entries(0..20)).unwrap();
    for (name, bytes) in files(directory.path()) {
        fs::write(directory.path().join(name), vec![0xFF; bytes.len()]).unwrap();
    }
    assert_eq!(log.read(16..20, usize::MAX).unwrap(), entries(16..20));
    log.read(0..1, usize::MAX).unwrap_err();
}

#[test]
fn entry_of_the_largest_payload_fits_into_a_real_segment() {
    let directory = directory();
    let options = LogOptions { segment_bytes: 1 << 20, cache_bytes: 0, ..LogOptions::default() };
    let log = open(&directory, options).unwrap();
    let wanted: Vec<_> = (0..3).map(|at| entry(1, at, &vec![3; types::limits::LOG_PAYLOAD_BYTES])).collect();
    append(&log, wanted.clone()).unwrap();
    drop(log);
    assert_eq!(content(&open(&directory, options).unwrap()).1, wanted);
}

#[test]
fn second_open_is_refused_until_the_first_is_closed() {
    let directory = directory();
    let log = open(&directory, sectors(16)).unwrap();
    assert!(matches!(open(&directory, sectors(16)), Err(LogError::Locked(_))));
    drop(log);
    open(&directory, sectors(16)).unwrap();
}

#[test]
fn log_of_another_cluster_or_node_is_refused() {
    let directory = directory();
    drop(open(&directory, sectors(16)).unwrap());
    for (cluster, node) in [(ClusterId([8; 16]), NODE), (CLUSTER, NodeId(2))] {
        let refused = SegmentLog::open_with(directory.path(), cluster, node, sectors(16));
        assert!(matches!(refused, Err(LogError::Foreign { segment: 1 })));
    }
}

#[test]
fn other_format_version_is_named() {
    let directory = directory();
    drop(open(&directory, sectors(16)).unwrap());
    let mut files = files(directory.path());
    let header = &mut files[0].1;
    header[8] = 9;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..SECTOR_BYTES]);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    put(directory.path(), &files);
    let refused = open(&directory, sectors(16)).unwrap_err();
    assert_eq!(refused.to_string(), "log segment 1 has format version 9, which is not supported");
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let directory = directory();
    for wrong in [
        LogOptions { segment_bytes: 1000, ..sectors(16) },
        LogOptions { segment_bytes: 2 << 30, ..sectors(16) },
        LogOptions { queue_changes: 0, ..sectors(16) },
        sectors(3),
    ] {
        assert!(matches!(open(&directory, wrong), Err(LogError::Options(_))));
    }
    let log = open(&directory, sectors(4)).unwrap();
    append(&log, vec![entry(1, 0, &Bytes::from(vec![0; 2000]))]).unwrap_err();
    append(&log, entries(0..9)).unwrap();
}
