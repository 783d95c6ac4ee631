//! What every [`LogStore`] must do, as one suite.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use bytes::Bytes;
use types::{NodeId, limits};

use super::{Done, LogEntry, LogId, LogState, LogStore, Payload, Vote};

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

type Case = fn(&dyn LogStore);

/// Runs all cases, each on a store that `fresh` makes.
///
/// # Panics
/// When the store breaks a promise.
pub fn run(mut fresh: impl FnMut() -> Box<dyn LogStore>) {
    const CASES: [Case; 11] = [
        new_log_is_empty,
        entries_are_readable_when_append_returns,
        reads_are_bounded,
        vote_is_kept,
        callbacks_come_in_order_of_submission,
        append_with_a_hole_changes_nothing,
        append_of_a_large_entry_changes_nothing,
        truncation_makes_room_for_other_entries,
        purge_drops_the_front,
        purge_beyond_the_end_leaves_an_empty_log,
        committed_is_what_was_noted,
    ];
    for case in CASES {
        case(&*fresh());
    }
}

/// An entry of leader 1.
pub(super) fn entry(term: u64, index: u64, payload: &[u8]) -> LogEntry {
    LogEntry { id: id(term, index), payload: Payload::Command(Bytes::copy_from_slice(payload)) }
}

pub(super) fn entries(range: std::ops::Range<u64>) -> Vec<LogEntry> {
    range.map(|index| entry(1, index, format!("payload {index}").as_bytes())).collect()
}

pub(super) fn id(term: u64, index: u64) -> LogId {
    LogId { term, leader: NodeId(1), index }
}

pub(super) fn vote(term: u64) -> Vote {
    Vote { term, node: NodeId(2), committed: term.is_multiple_of(2) }
}

/// Collects how changes ended, by number.
#[derive(Debug)]
pub(super) struct Endings {
    sender: Sender<(usize, io::Result<()>)>,
    receiver: Receiver<(usize, io::Result<()>)>,
}

impl Endings {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver }
    }

    pub(super) fn done(&self, number: usize) -> Done {
        let sender = self.sender.clone();
        Box::new(move |result| drop(sender.send((number, result))))
    }

    pub(super) fn next(&self) -> (usize, io::Result<()>) {
        self.receiver.recv_timeout(PATIENCE).unwrap()
    }

    /// Those that have come by now.
    #[cfg(test)]
    pub(super) fn ready(&self) -> Vec<(usize, io::Result<()>)> {
        self.receiver.try_iter().collect()
    }
}

/// Appends, and waits until it is durable.
pub(super) fn append(log: &dyn LogStore, entries: Vec<LogEntry>) -> io::Result<()> {
    let endings = Endings::new();
    log.append(entries, endings.done(0));
    endings.next().1
}

/// Saves a vote, and waits until it is durable.
pub(super) fn save_vote(log: &dyn LogStore, vote: Vote) -> io::Result<()> {
    let endings = Endings::new();
    log.save_vote(vote, endings.done(0));
    endings.next().1
}

/// All that a log says.
pub(super) fn content(log: &dyn LogStore) -> (LogState, Vec<LogEntry>) {
    (log.state(), log.read(0..u64::MAX, usize::MAX).unwrap())
}

fn new_log_is_empty(log: &dyn LogStore) {
    assert_eq!(content(log), (LogState::default(), Vec::new()));
    assert_eq!(log.committed(), None);
    assert!(log.failed().is_none());
    log.truncate_after(None).unwrap();
    assert_eq!(content(log), (LogState::default(), Vec::new()));
}

fn entries_are_readable_when_append_returns(log: &dyn LogStore) {
    let endings = Endings::new();
    let mut wanted = entries(0..3);
    wanted.push(LogEntry { id: id(2, 3), payload: Payload::Blank });
    wanted.push(LogEntry { id: id(2, 4), payload: Payload::Membership(Bytes::from_static(b"members")) });
    wanted.push(entry(2, 5, b""));
    log.append(wanted.clone(), endings.done(0));
    assert_eq!(log.read(0..6, usize::MAX).unwrap(), wanted);
    assert_eq!(log.state().last, Some(id(2, 5)));
    endings.next().1.unwrap();
    assert_eq!(log.read(0..6, usize::MAX).unwrap(), wanted);
}

fn reads_are_bounded(log: &dyn LogStore) {
    let wanted: Vec<_> = (0..10).map(|index| entry(1, index, &[7; 10])).collect();
    append(log, wanted.clone()).unwrap();
    for (range, max_bytes, found) in [
        (0..10, 0, 0..1),
        (0..10, 19, 0..1),
        (0..10, 20, 0..2),
        (3..5, usize::MAX, 3..5),
        (3..99, 35, 3..6),
        (9..99, usize::MAX, 9..10),
        (10..99, usize::MAX, 0..0),
        (5..5, usize::MAX, 0..0),
    ] {
        assert_eq!(log.read(range.clone(), max_bytes).unwrap(), wanted[found], "{range:?} {max_bytes}");
    }
    append(log, vec![entry(1, 10, b"")]).unwrap();
    assert_eq!(log.read(9..11, 9).unwrap(), wanted[9..], "an entry that is too long takes all the room");
    assert!(log.read(std::ops::Range { start: 5, end: 3 }, usize::MAX).unwrap().is_empty());
}

fn vote_is_kept(log: &dyn LogStore) {
    for term in 1..4 {
        save_vote(log, vote(term)).unwrap();
        assert_eq!(log.state().vote, Some(vote(term)));
    }
}

fn callbacks_come_in_order_of_submission(log: &dyn LogStore) {
    let endings = Endings::new();
    for round in 0..50 {
        let index = round as u64 * 3;
        log.append(entries(index..index + 3), endings.done(round * 4));
        log.save_vote(vote(index + 1), endings.done(round * 4 + 1));
        log.append(entries(0..1), endings.done(round * 4 + 2));
        log.append(Vec::new(), endings.done(round * 4 + 3));
    }
    for number in 0..200 {
        let (found, result) = endings.next();
        assert_eq!((found, result.is_err()), (number, number % 4 == 2));
    }
    assert!(log.failed().is_none());
}

fn append_with_a_hole_changes_nothing(log: &dyn LogStore) {
    append(log, entries(0..3)).unwrap();
    for wrong in [entries(4..6), entries(2..4), vec![entry(1, 3, b""), entry(1, 5, b"")]] {
        let error = append(log, wrong).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(content(log).1, entries(0..3));
    append(log, entries(3..5)).unwrap();
    assert_eq!(content(log).1, entries(0..5));
}

fn append_of_a_large_entry_changes_nothing(log: &dyn LogStore) {
    let large = entry(1, 1, &vec![1; limits::LOG_PAYLOAD_BYTES + 1]);
    let error = append(log, vec![entry(1, 0, b""), large]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(content(log).1, Vec::new());
    append(log, entries(0..1)).unwrap();
}

fn truncation_makes_room_for_other_entries(log: &dyn LogStore) {
    append(log, entries(0..6)).unwrap();
    let bytes = log.state().bytes;
    log.truncate_after(Some(9)).unwrap();
    log.truncate_after(Some(5)).unwrap();
    assert_eq!(content(log).1, entries(0..6));
    log.truncate_after(Some(2)).unwrap();
    assert_eq!(content(log).1, entries(0..3));
    assert_eq!(log.state().last, Some(id(1, 2)));
    assert!(log.state().bytes < bytes);
    append(log, vec![entry(3, 3, b"other")]).unwrap();
    assert_eq!(log.read(3..9, usize::MAX).unwrap(), [entry(3, 3, b"other")]);
    log.truncate_after(None).unwrap();
    assert_eq!(content(log), (LogState::default(), Vec::new()));
    append(log, entries(0..2)).unwrap();
    assert_eq!(content(log).1, entries(0..2));
}

fn purge_drops_the_front(log: &dyn LogStore) {
    append(log, entries(0..6)).unwrap();
    log.purge(id(1, 2)).unwrap();
    log.purge(id(1, 1)).unwrap();
    let state = log.state();
    assert_eq!((state.purged, state.last), (Some(id(1, 2)), Some(id(1, 5))));
    assert_eq!(content(log).1, entries(3..6));
    assert_eq!(log.truncate_after(Some(1)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    log.truncate_after(Some(2)).unwrap();
    assert_eq!(log.state(), LogState { last: state.purged, bytes: 0, ..state });
    append(log, entries(3..4)).unwrap();
    log.truncate_after(None).unwrap();
    assert_eq!(log.state().last, Some(id(1, 2)));
}

fn purge_beyond_the_end_leaves_an_empty_log(log: &dyn LogStore) {
    append(log, entries(0..3)).unwrap();
    log.purge(id(4, 100)).unwrap();
    let expected = LogState { purged: Some(id(4, 100)), last: Some(id(4, 100)), ..LogState::default() };
    assert_eq!(content(log), (expected, Vec::new()));
    append(log, entries(3..4)).unwrap_err();
    append(log, entries(101..103)).unwrap();
    assert_eq!(content(log).1, entries(101..103));
}

fn committed_is_what_was_noted(log: &dyn LogStore) {
    append(log, entries(0..3)).unwrap();
    log.save_committed(id(1, 1));
    assert_eq!(log.committed(), Some(id(1, 1)));
}
