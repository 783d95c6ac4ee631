//! The queue: order, grouping, bounds, and what a failure does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::super::frame::entry_frame_bytes;
use super::conformance::Endings;
use super::disk::{Fault, FaultyDisk};
use super::*;

fn open_on(disk: &Arc<FaultyDisk>, directory: &TempDir, options: LogOptions) -> Result<SegmentLog, LogError> {
    let disk = Arc::clone(disk);
    SegmentLog::open_on(disk, directory.path(), CLUSTER, NODE, options)
}

/// Waits until the writer has taken all that is queued.
fn until_taken(log: &SegmentLog) {
    while log.shared.queued() > 0 {
        thread::yield_now();
    }
}

#[test]
fn nothing_is_acknowledged_before_its_sync() {
    let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
    let log = open_on(&disk, &directory, sectors(16)).unwrap();
    let endings = Endings::new();
    disk.shut_gate();
    log.append(entries(0..1), endings.done(0));
    until_taken(&log);
    assert!(endings.ready().is_empty());
    assert_eq!(log.read(0..9, usize::MAX).unwrap(), entries(0..1));
    let syncs = disk.syncs();
    disk.open_gate();
    endings.next().1.unwrap();
    assert_eq!(disk.syncs(), syncs + 1);
}

#[test]
fn what_waits_is_written_and_synced_at_once() {
    let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
    let log = open_on(&disk, &directory, sectors(256)).unwrap();
    let endings = Endings::new();
    disk.shut_gate();
    log.append(entries(0..1), endings.done(0));
    until_taken(&log);
    let (writes, syncs) = (disk.writes().len(), disk.syncs());
    for index in 1..100 {
        log.append(entries(index..index + 1), endings.done(usize::try_from(index).unwrap()));
    }
    disk.open_gate();
    for number in 0..100 {
        assert_eq!(endings.next().0, number);
    }
    assert_eq!((disk.writes().len(), disk.syncs()), (writes + 2, syncs + 2));
}

#[test]
fn full_queue_makes_callers_wait() {
    let frame = entry_frame_bytes("payload 1".len());
    // Room is asked for before a change is taken in, so the last one may go beyond the bytes.
    for bound in
        [LogOptions { queue_changes: 4, ..sectors(64) }, LogOptions { queue_bytes: 3 * frame + 1, ..sectors(64) }]
    {
        let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
        let log = open_on(&disk, &directory, bound).unwrap();
        let (endings, accepted) = (Endings::new(), AtomicUsize::new(0));
        let dones: Vec<_> = (1..10).map(|number| endings.done(number)).collect();
        disk.shut_gate();
        log.append(entries(0..1), endings.done(0));
        until_taken(&log);
        thread::scope(|scope| {
            scope.spawn(|| {
                for (index, done) in (1..).zip(dones) {
                    log.append(entries(index..index + 1), done);
                    accepted.fetch_add(1, Ordering::SeqCst);
                }
            });
            // It ends in any case, so that a queue without a bound fails this test and does not hang it.
            while log.shared.waiting() == 0 && accepted.load(Ordering::SeqCst) < 9 {
                thread::yield_now();
            }
            let found = (accepted.load(Ordering::SeqCst), log.shared.queued());
            disk.open_gate();
            assert_eq!(found, (4, 4), "{bound:?}");
        });
        for number in 0..10 {
            assert_eq!(endings.next().0, number);
        }
    }
}

#[test]
fn failed_sync_fails_all_later_changes_in_order_and_is_not_retried() {
    for call_after_write in [0, 1] {
        let (disk, directory) = (Arc::new(FaultyDisk::default()), directory());
        let log = open_on(&disk, &directory, sectors(64)).unwrap();
        append(&log, entries(0..2)).unwrap();
        let endings = Endings::new();
        disk.shut_gate();
        log.append(entries(2..3), endings.done(0));
        until_taken(&log);
        disk.fail_at(disk.calls() + 1 + call_after_write, Fault::Error);
        log.save_vote(vote(1), endings.done(1));
        log.append(entries(3..5), endings.done(2));
        disk.open_gate();
        for number in 0..3 {
            let (found, result) = endings.next();
            assert_eq!((found, result.is_err()), (number, true));
        }
        let failed = log.failed().unwrap();
        assert!(matches!(failed, LogError::Io { action: "write" | "sync", .. }), "{failed}");
        append(&log, entries(5..6)).unwrap_err();
        save_vote(&log, vote(2)).unwrap_err();
        assert_eq!(log.truncate_after(Some(1)).unwrap_err().to_string(), failed.to_string());
        log.purge(id(1, 1)).unwrap_err();
        drop(log);
        assert_eq!(disk.calls_after_fault(), 0);
        let last = open(&directory, sectors(64)).unwrap().state().last;
        assert_eq!(last, Some(id(1, 1 + call_after_write)), "an unacknowledged batch is there or not");
    }
}

#[test]
fn batch_that_opening_finds_is_synced_before_it_counts() {
    let directory = directory();
    append(&open(&directory, sectors(16)).unwrap(), entries(0..2)).unwrap();
    let disk = Arc::new(FaultyDisk::default());
    drop(open_on(&disk, &directory, sectors(16)).unwrap());
    assert_eq!((disk.writes(), disk.syncs()), (vec![SECTOR_BYTES], 1));
    for call in 1..=disk.calls() {
        let disk = Arc::new(FaultyDisk::default());
        disk.fail_at(call, Fault::Error);
        assert!(matches!(open_on(&disk, &directory, sectors(16)), Err(LogError::Io { .. })), "call {call}");
    }
}

#[test]
fn closing_writes_what_is_queued() {
    let directory = directory();
    let log = open(&directory, sectors(64)).unwrap();
    let endings = Endings::new();
    for index in 0..50 {
        log.append(entries(index..index + 1), endings.done(usize::try_from(index).unwrap()));
    }
    drop(log);
    assert!(endings.ready().into_iter().enumerate().all(|(at, (number, result))| at == number && result.is_ok()));
    assert_eq!(content(&open(&directory, sectors(64)).unwrap()).1, entries(0..50));
}

#[test]
fn panic_of_a_callback_fails_the_log_instead_of_hanging_it() {
    let directory = directory();
    let log = open(&directory, sectors(64)).unwrap();
    log.append(entries(0..1), Box::new(|_| panic!("a fault of the caller")));
    while log.failed().is_none() {
        thread::yield_now();
    }
    append(&log, entries(1..2)).unwrap_err();
    log.purge(id(1, 0)).unwrap_err();
}
