//! Random changes, the log in memory as the model.
#![allow(clippy::print_stderr, reason = "the seed is what replays a failure")]

use std::env;

use super::disk::Random;
use super::*;

/// A change that the model takes too. Entries are one by one: a crash can keep a part of what was appended at once.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Append(super::super::LogEntry),
    Vote(super::super::Vote),
    Truncate(Option<u64>),
    Purge(super::super::LogId),
}

impl Change {
    pub(super) fn apply(&self, log: &dyn LogStore) {
        match self {
            Self::Append(entry) => log.append(vec![entry.clone()], Box::new(|result| result.unwrap())),
            Self::Vote(vote) => log.save_vote(*vote, Box::new(|result| result.unwrap())),
            Self::Truncate(last) => log.truncate_after(*last).unwrap(),
            Self::Purge(up_to) => log.purge(*up_to).unwrap(),
        }
    }
}

/// Changes that make sense to a log in the state of `model`, as one call: several only when they are entries.
pub(super) fn next_call(random: &mut Random, model: &MemoryLog) -> Vec<Change> {
    let state = model.state();
    let start = state.purged.map_or(0, |purged| purged.index + 1);
    let next = state.last.map_or(0, |last| last.index + 1);
    match random.below(20) {
        0..12 => (next..=next + random.below(4))
            .map(|index| {
                let length = if random.below(4) == 0 { random.below(900) } else { random.below(40) };
                let payload: Vec<u8> = (0..length).map(|_| random.below(256).to_le_bytes()[0]).collect();
                Change::Append(entry(random.below(5), index, &payload))
            })
            .collect(),
        12..16 => vec![Change::Vote(vote(random.below(1000)))],
        16 | 17 if next > start => {
            let last = start + random.below(next - start);
            vec![Change::Truncate(last.checked_sub(1).filter(|_| random.below(8) > 0))]
        }
        18 if next > start => vec![Change::Purge(id(1, start + random.below(next - start)))],
        19 if random.below(4) == 0 => vec![Change::Purge(id(2, next + random.below(3)))],
        _ => vec![],
    }
}

/// Calls `run` with the seeds that the environment asks for: CONCLAVE_LOG_SEED, or the first CONCLAVE_LOG_RUNS.
pub(super) fn for_each_seed(test: &str, runs: u64, run: impl Fn(u64)) {
    struct Named<'a>(&'a str, u64);
    impl Drop for Named<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("replay: CONCLAVE_LOG_SEED={} cargo nextest run -p storage {}", self.1, self.0);
            }
        }
    }
    let number = |name: &str| env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seeds = match number("CONCLAVE_LOG_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CONCLAVE_LOG_RUNS").unwrap_or(runs),
    };
    for seed in seeds {
        let _named = Named(test, seed);
        run(seed);
    }
}

#[test]
fn random_changes_and_reopening_agree_with_the_model() {
    for_each_seed("random_changes_and_reopening", 30, |seed| {
        let mut random = Random(seed);
        let options = LogOptions {
            cache_bytes: usize::try_from(random.below(3) * 1000).unwrap(),
            batch_bytes: usize::try_from(random.below(3000)).unwrap(),
            queue_changes: usize::try_from(1 + random.below(20)).unwrap(),
            ..sectors(5 + random.below(20))
        };
        let (directory, model) = (directory(), MemoryLog::new());
        let mut log = open(&directory, options).unwrap();
        for _ in 0..150 {
            let call = next_call(&mut random, &model);
            for change in &call {
                change.apply(&model);
                change.apply(&log);
            }
            if let Some(last) = model.state().last.filter(|_| random.below(3) == 0) {
                model.save_committed(last);
                log.save_committed(last);
            }
            if random.below(10) == 0 {
                drop(log);
                log = open(&directory, options).unwrap();
                let last = model.state().last;
                if let Some(committed) = model.committed().filter(|id| last.is_some_and(|last| last.index < id.index)) {
                    assert!(log.committed().is_some_and(|found| found.index < committed.index));
                    model.save_committed(last.unwrap());
                }
            }
            assert_eq!(content(&log), content(&model));
            let (start, length) = (random.below(100), random.below(20));
            let max_bytes = usize::try_from(random.below(2000)).unwrap();
            let read = |log: &dyn LogStore| log.read(start..start + length, max_bytes).unwrap();
            assert_eq!(read(&log), read(&model));
        }
    });
}
