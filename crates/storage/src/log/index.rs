//! Where each entry is, and the newest payloads.

use std::collections::VecDeque;
use std::ops::Range;

use types::NodeId;

use super::frame::payload_bytes;
use super::{LogEntry, LogId, Payload};

/// Where an entry is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Not yet there; the number tells it from another entry that had the same index.
    Queued { ticket: u64 },
    /// In this segment, so many bytes of frames from the segment's start.
    Written { segment: u32, offset: u32 },
}

/// An entry without its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    term: u64,
    leader: NodeId,
    pub(super) frame_bytes: u32,
    pub(super) place: Place,
}

/// An entry to be read from disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) id: LogId,
    pub(super) segment: u32,
    pub(super) offset: u32,
    pub(super) frame_bytes: u32,
}

/// The entries after the purge point.
///
/// The cache holds the payloads of the last entries without a gap: all that are not written, and of those that are
/// as many as fit.
#[derive(Debug)]
pub(super) struct Index {
    first: u64,
    slots: VecDeque<Slot>,
    bytes: u64,
    cache: VecDeque<Payload>,
    cache_bytes: usize,
    cache_limit: usize,
}

impl Index {
    /// An empty log whose next entry has the index `next`.
    pub(super) fn new(next: u64, cache_limit: usize) -> Self {
        Self { first: next, slots: VecDeque::new(), bytes: 0, cache: VecDeque::new(), cache_bytes: 0, cache_limit }
    }

    /// The index of the first entry, or of the next if there is none.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The index after the last entry.
    pub(super) fn next(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn last(&self) -> Option<LogId> {
        let slot = self.slots.back()?;
        Some(LogId { term: slot.term, leader: slot.leader, index: self.next() - 1 })
    }

    /// Bytes of all frames.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds an entry whose index is [`Index::next`].
    pub(super) fn push(&mut self, entry: &LogEntry, frame_bytes: u32, place: Place) {
        debug_assert_eq!(entry.id.index, self.next());
        self.slots.push_back(Slot { term: entry.id.term, leader: entry.id.leader, frame_bytes, place });
        self.bytes += u64::from(frame_bytes);
        self.cache.push_back(entry.payload.clone());
        self.cache_bytes += frame_bytes as usize;
        self.trim_cache();
    }

    /// Notes where an entry was written, if it is still the same.
    pub(super) fn set_written(&mut self, index: u64, ticket: u64, segment: u32, offset: u32) {
        let slot = index.checked_sub(self.first).and_then(|at| self.slots.get_mut(usize::try_from(at).ok()?));
        if let Some(slot) = slot
            && slot.place == (Place::Queued { ticket })
        {
            slot.place = Place::Written { segment, offset };
        }
    }

    /// Lets go of the oldest payloads beyond the limit that are on disk.
    pub(super) fn trim_cache(&mut self) {
        while self.cache_bytes > self.cache_limit {
            let Some(slot) = self.slots.get(self.slots.len() - self.cache.len()) else { break };
            if matches!(slot.place, Place::Queued { .. }) {
                break;
            }
            self.cache_bytes -= slot.frame_bytes as usize;
            self.cache.pop_front();
        }
    }

    /// Drops the entries from `next` on. With a `next` before the first entry the log goes on from there.
    pub(super) fn truncate(&mut self, next: u64) {
        while next < self.next() {
            let Some(slot) = self.slots.pop_back() else { break };
            self.bytes -= u64::from(slot.frame_bytes);
            if self.cache.pop_back().is_some() {
                self.cache_bytes -= slot.frame_bytes as usize;
            }
        }
        self.first = self.first.min(next);
    }

    /// Drops the entries before `first`. With a `first` beyond the end the log goes on from there.
    pub(super) fn purge(&mut self, first: u64) {
        while self.first < first {
            let Some(slot) = self.slots.pop_front() else { break };
            self.first += 1;
            self.bytes -= u64::from(slot.frame_bytes);
            if self.cache.len() > self.slots.len() {
                self.cache.pop_front();
                self.cache_bytes -= slot.frame_bytes as usize;
            }
        }
        self.first = self.first.max(first);
    }

    /// The entries of `range` as far as `max_bytes` of payload go, at least one: first those that must be read from
    /// disk, then the others.
    pub(super) fn collect(&self, range: Range<u64>, max_bytes: usize) -> (Vec<Wanted>, Vec<LogEntry>) {
        let (mut wanted, mut cached) = (Vec::new(), Vec::new());
        let at = |index: u64| usize::try_from(index.clamp(self.first, self.next()) - self.first).unwrap_or(usize::MAX);
        let (from, to) = (at(range.start), at(range.end));
        if from >= to {
            return (wanted, cached);
        }
        let uncached = self.slots.len() - self.cache.len();
        let mut bytes = 0_usize;
        for (position, slot) in self.slots.range(from..to).enumerate() {
            bytes = bytes.saturating_add(payload_bytes(slot.frame_bytes as usize));
            if position > 0 && bytes > max_bytes {
                break;
            }
            let position = from + position;
            let id = LogId { term: slot.term, leader: slot.leader, index: self.first + position as u64 };
            let payload = position.checked_sub(uncached).and_then(|position| self.cache.get(position));
            match (payload, slot.place) {
                (Some(payload), _) => cached.push(LogEntry { id, payload: payload.clone() }),
                (None, Place::Written { segment, offset }) => {
                    wanted.push(Wanted { id, segment, offset, frame_bytes: slot.frame_bytes });
                }
                (None, Place::Queued { .. }) => debug_assert!(false, "entry {id:?} is neither cached nor written"),
            }
        }
        (wanted, cached)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::frame::entry_frame_bytes;
    use super::*;

    const PAYLOAD: usize = 10;
    const FRAME: usize = entry_frame_bytes(PAYLOAD);

    fn push(index: &mut Index, ticket: u64) {
        let id = LogId { term: 1, leader: NodeId(1), index: index.next() };
        let entry = LogEntry { id, payload: Payload::Command(Bytes::from(vec![0; PAYLOAD])) };
        index.push(&entry, FRAME.try_into().unwrap(), Place::Queued { ticket });
    }

    #[test]
    fn what_is_not_written_stays_in_the_cache() {
        let mut index = Index::new(0, 2 * FRAME);
        (0..5).for_each(|_| push(&mut index, 7));
        assert_eq!(index.collect(0..9, usize::MAX).1.len(), 5);
        (0..4).for_each(|at| index.set_written(at, 7, 1, 0));
        index.trim_cache();
        let (wanted, cached) = index.collect(0..9, usize::MAX);
        assert_eq!((wanted.len(), cached.len()), (3, 2));
        assert_eq!(cached[0].id.index, 3);
    }

    #[test]
    fn place_of_a_truncated_entry_is_not_given_to_its_successor() {
        let mut index = Index::new(0, 0);
        push(&mut index, 1);
        index.truncate(0);
        push(&mut index, 2);
        index.set_written(0, 1, 1, 0);
        assert_eq!(index.slots[0].place, Place::Queued { ticket: 2 });
    }

    #[test]
    fn bytes_and_cache_follow_both_ends() {
        let mut index = Index::new(3, 100 * FRAME);
        (0..6).for_each(|_| push(&mut index, 1));
        index.truncate(7);
        index.purge(5);
        assert_eq!((index.first(), index.next(), index.bytes()), (5, 7, 2 * FRAME as u64));
        assert_eq!((index.cache.len(), index.cache_bytes), (2, 2 * FRAME));
        index.purge(20);
        assert_eq!((index.first(), index.next(), index.bytes(), index.cache_bytes), (20, 20, 0, 0));
    }

    #[test]
    fn reads_stop_at_the_bytes_but_give_one_entry() {
        let mut index = Index::new(0, 100 * FRAME);
        (0..6).for_each(|_| push(&mut index, 1));
        for (max, count) in [(0, 1), (PAYLOAD, 1), (2 * PAYLOAD - 1, 1), (2 * PAYLOAD, 2), (usize::MAX, 6)] {
            assert_eq!(index.collect(0..99, max).1.len(), count);
        }
        assert_eq!(index.collect(6..99, 9).1.len(), 0);
    }
}
