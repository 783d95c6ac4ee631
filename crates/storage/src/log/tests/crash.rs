//! The power fails at every call to the disk: what was acknowledged is there, in the order in which it was.

use std::sync::Arc;

use super::conformance::Endings;
use super::disk::{Fault, FaultyDisk, Random};
use super::model::{Change, for_each_seed, next_call};
use super::*;

/// Makes calls until the power fails at the disk's call number `crash_at`; then the log must be the model after some
/// number of changes, at least those that were acknowledged. Says whether the power did fail.
fn survives_power_loss(seed: u64, crash_at: u64, calls: u64) -> bool {
    let mut random = Random(seed);
    let options = sectors(4 + random.below(8));
    let (directory, model) = (directory(), MemoryLog::new());
    let disk = Arc::new(FaultyDisk::default());
    disk.fail_at(crash_at, Fault::PowerLoss(Random(seed ^ crash_at << 32)));
    let (mut changes, mut acknowledged) = (Vec::new(), 0);
    if let Ok(log) = SegmentLog::open_on(Arc::clone(&disk) as _, directory.path(), CLUSTER, NODE, options) {
        let endings = Endings::new();
        for _ in 0..calls {
            let call = next_call(&mut random, &model);
            call.iter().for_each(|change| change.apply(&model));
            if log.failed().is_some() {
                break;
            }
            changes.extend(call.iter().cloned());
            submit(&log, call, endings.done(changes.len()));
            // Mostly one at a time, sometimes several in a batch.
            if random.below(3) > 0 {
                while acknowledged < changes.len() && log.failed().is_none() {
                    let (number, result) = endings.next();
                    acknowledged = if result.is_ok() { number } else { acknowledged };
                }
            }
        }
        drop(log);
        for (number, result) in endings.ready() {
            acknowledged = if result.is_ok() { number } else { acknowledged };
        }
    }
    let log = open(&directory, options).unwrap_or_else(|error| panic!("crash at {crash_at}: {error}"));
    let found = content(&log);
    let model = MemoryLog::new();
    changes[..acknowledged].iter().for_each(|change| change.apply(&model));
    for change in &changes[acknowledged..] {
        if content(&model) == found {
            break;
        }
        change.apply(&model);
    }
    assert_eq!(content(&model), found, "crash at {crash_at}, {acknowledged} of {} acknowledged", changes.len());
    // It goes on from there.
    let next = found.0.last.map_or(0, |last| last.index + 1);
    append(&log, entries(next..next + 3)).unwrap();
    let expected = content(&log);
    drop(log);
    assert_eq!(content(&open(&directory, options).unwrap()), expected, "crash at {crash_at}");
    disk.calls() >= crash_at
}

/// Submits one call; changes that have no callback of their own get an empty append behind them.
fn submit(log: &SegmentLog, call: Vec<Change>, done: super::super::Done) {
    let mut entries = Vec::new();
    for change in call {
        match change {
            Change::Append(entry) => entries.push(entry),
            Change::Vote(vote) => return log.save_vote(vote, done),
            Change::Truncate(last) => drop(log.truncate_after(last)),
            Change::Purge(up_to) => drop(log.purge(up_to)),
        }
    }
    log.append(entries, done);
}

#[test]
fn power_loss_at_every_call_keeps_what_was_acknowledged() {
    for_each_seed("power_loss_at_every_call", 6, |seed| {
        let mut crash_at = 1;
        while survives_power_loss(seed, crash_at, 25) {
            crash_at += 1;
        }
        assert!(crash_at > 10);
    });
}
