//! Opening: what the segments hold, by the rules that [`super`] states.

use std::ops::Range;
use std::sync::Arc;

use super::LogError;
use super::frame::{self, Frame, Preamble, Record};
use super::index::{Index, Place as EntryPlace};
use super::sector::{self, DATA_BYTES, Place, SECTOR_BYTES, Sector};
use super::segment::{Directory, FIRST_BATCH, Segment, byte_of};

/// A log that was found.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) index: Index,
    /// Vote, purge point and end of the log, and the committed id.
    pub(super) state: Preamble,
    /// Oldest first; the last is the one to write to.
    pub(super) segments: Vec<Kept>,
    /// Where the next batch starts in the last segment.
    pub(super) next_sector: usize,
    pub(super) next_sequence: u64,
}

/// A segment with entries that may still count.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) segment: Arc<Segment>,
    /// The highest index of an entry that was ever written to it.
    pub(super) highest: Option<u64>,
}

/// Reads the log of `directory`; `None` if it has no segment. Nothing is changed before all of it was found good.
pub(super) fn recover(directory: &Directory, cache_bytes: usize) -> Result<Option<Recovered>, LogError> {
    let numbers = directory.segments()?;
    let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else { return Ok(None) };
    let mut replay: Option<Replay> = None;
    let mut tail = Tail::default();
    for number in first..=last {
        let sequence = replay.as_ref().map_or(0, |replay| replay.sequence);
        if numbers.binary_search(&number).is_err() {
            return Err(corrupt(number, 0, sequence, "the file is missing"));
        }
        let loaded = directory.load(number, sequence)?;
        let replay = replay.get_or_insert_with(|| Replay::new(loaded.first_sequence, cache_bytes));
        if loaded.first_sequence != replay.sequence {
            return Err(corrupt(number, 0, replay.sequence, "its first frame does not continue the segment before it"));
        }
        replay.kept.push(Kept { segment: Arc::new(loaded.segment), highest: None });
        tail = replay.segment(number, &loaded.sectors, number == last)?;
        if number == last {
            replay.check_start(first)?;
            tail.repair(&replay.kept[replay.kept.len() - 1].segment, &loaded.sectors)?;
        }
    }
    Ok(replay.map(|replay| Recovered {
        index: replay.index,
        state: replay.state,
        segments: replay.kept,
        next_sector: tail.last_batch.end,
        next_sequence: replay.sequence,
    }))
}

/// The end of what was written to a segment, in sectors.
#[derive(Debug, Default)]
struct Tail {
    last_batch: Range<usize>,
    torn: Range<usize>,
}

impl Tail {
    /// Makes the last batch durable and clears a torn one away.
    fn repair(&self, segment: &Segment, sectors: &[u8]) -> Result<(), LogError> {
        if !self.torn.is_empty() {
            tracing::warn!(
                segment = segment.number,
                sector = self.torn.start,
                sectors = self.torn.len(),
                "cut a batch that was torn before its sync",
            );
            segment.write(self.torn.start, &vec![0; self.torn.len() * SECTOR_BYTES])?;
        }
        segment.write(self.last_batch.start, slice(sectors, self.last_batch.clone()))?;
        segment.sync()
    }
}

fn slice(sectors: &[u8], range: Range<usize>) -> &[u8] {
    &sectors[range.start * SECTOR_BYTES..range.end * SECTOR_BYTES]
}

fn corrupt(segment: u32, offset: u64, sequence: u64, what: &'static str) -> LogError {
    LogError::Corrupt { segment, offset, sequence, what }
}

/// The sectors of the batch at a place.
#[derive(Debug, PartialEq, Eq)]
enum Extent {
    /// Nothing from here to the end of the segment.
    Nothing,
    Whole(Range<usize>),
    /// Some of them were never written, and nothing is behind them.
    Torn(Range<usize>),
}

/// Finds the batch that starts at `start`, or the sector that is wrong and why.
fn find_batch(sectors: &[u8], start: Place) -> Result<Extent, (usize, &'static str)> {
    let count = sectors.len() / SECTOR_BYTES;
    let sector = |at| sector::inspect(slice(sectors, at..at + 1), Place { sector: at, ..start });
    let Some(seen) = (start.sector..count).find(|at| sector(*at) != Sector::Blank) else {
        return Ok(Extent::Nothing);
    };
    let Sector::Written { after } = sector(seen) else { return Err((seen, "a damaged sector")) };
    let end = seen + 1 + after;
    if end > count {
        return Err((seen, "a batch that is longer than its segment"));
    }
    let mut torn = seen > start.sector;
    for at in seen + 1..end {
        match sector(at) {
            Sector::Blank => torn = true,
            Sector::Written { after } if at + 1 + after == end => {}
            Sector::Written { .. } => return Err((at, "a sector of another batch")),
            Sector::Damaged => return Err((at, "a damaged sector")),
        }
    }
    if !torn {
        return Ok(Extent::Whole(start.sector..end));
    }
    if !sector::is_blank(slice(sectors, end..count)) {
        return Err((start.sector, "a torn batch with more behind it"));
    }
    Ok(Extent::Torn(start.sector..end))
}

/// The log as the frames read so far make it.
#[derive(Debug)]
struct Replay {
    index: Index,
    state: Preamble,
    /// What the next frame must have.
    sequence: u64,
    kept: Vec<Kept>,
    cache_bytes: usize,
}

impl Replay {
    fn new(first_sequence: u64, cache_bytes: usize) -> Self {
        let index = Index::new(0, cache_bytes);
        Self { index, state: Preamble::default(), sequence: first_sequence, kept: Vec::new(), cache_bytes }
    }

    /// Takes in a segment, the newest of [`Replay::kept`].
    fn segment(&mut self, number: u32, sectors: &[u8], is_last: bool) -> Result<Tail, LogError> {
        let mut tail = Tail { last_batch: 0..FIRST_BATCH, torn: 0..0 };
        loop {
            let start = tail.last_batch.end;
            let place = Place { segment: number, sector: start, batch: self.sequence };
            let extent = find_batch(sectors, place)
                .map_err(|(sector, what)| corrupt(number, byte_of(sector), self.sequence, what))?;
            let wrong = |what| Err(corrupt(number, byte_of(start), self.sequence, what));
            match extent {
                Extent::Nothing | Extent::Torn(_) if start == FIRST_BATCH => {
                    return wrong("the first batch is missing or torn");
                }
                Extent::Torn(_) if !is_last => return wrong("a torn batch with a segment behind it"),
                Extent::Nothing => return Ok(tail),
                Extent::Torn(torn) => return Ok(Tail { torn, ..tail }),
                Extent::Whole(batch) => {
                    self.batch(number, sectors, batch.clone())?;
                    tail.last_batch = batch;
                }
            }
        }
    }

    fn batch(&mut self, number: u32, sectors: &[u8], batch: Range<usize>) -> Result<(), LogError> {
        let data = sector::data_of(slice(sectors, batch.clone()));
        let first = self.sequence;
        let mut at = 0;
        loop {
            let wrong = |sequence, what| {
                let offset =
                    byte_of(batch.start + at / DATA_BYTES) + (SECTOR_BYTES - DATA_BYTES + at % DATA_BYTES) as u64;
                corrupt(number, offset, sequence, what)
            };
            let Some(frame) = frame::decode(&data[at..]).map_err(|what| wrong(self.sequence, what))? else { break };
            // The segment has less than 4 GiB.
            let place = u32::try_from(batch.start * DATA_BYTES + at).unwrap_or(u32::MAX);
            let bytes = frame.bytes;
            let starts_segment = batch.start == FIRST_BATCH && at == 0;
            let taken = self.frame(frame, starts_segment, EntryPlace::Written { segment: number, offset: place });
            taken.map_err(|what| wrong(self.sequence, what))?;
            self.sequence += 1;
            at += bytes;
        }
        if self.sequence == first {
            return Err(corrupt(number, byte_of(batch.start), first, "a batch without a frame"));
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame, starts_segment: bool, place: EntryPlace) -> Result<(), &'static str> {
        if frame.sequence != self.sequence {
            return Err("a sequence that does not continue");
        }
        if starts_segment != matches!(frame.record, Record::Preamble(_)) {
            return Err("a segment that does not start with its preamble, or a preamble elsewhere");
        }
        let is_first_segment = self.kept.len() == 1;
        match frame.record {
            Record::Preamble(preamble) if is_first_segment => {
                self.state = preamble;
                self.index = Index::new(preamble.next, self.cache_bytes);
            }
            Record::Preamble(preamble) => {
                let committed = preamble.committed;
                if preamble != (Preamble { committed, next: self.index.next(), ..self.state }) {
                    return Err("a preamble that differs from the segments before it");
                }
                self.state.committed = committed;
            }
            Record::Vote(vote) => self.state.vote = Some(vote),
            Record::Committed(id) => self.state.committed = Some(id),
            Record::Entry(entry) => {
                if entry.id.index != self.index.next() {
                    return Err("an entry that does not continue the log");
                }
                let bytes = u32::try_from(frame.bytes).map_err(|_| "a frame that is too long")?;
                self.index.push(&entry, bytes, place);
                if let Some(kept) = self.kept.last_mut() {
                    kept.highest = kept.highest.max(Some(entry.id.index));
                }
            }
            Record::Truncate(next) => {
                if next >= self.index.next() || self.state.purged.is_some_and(|purged| next <= purged.index) {
                    return Err("a truncation of what is not there");
                }
                self.index.truncate(next);
            }
            Record::Purge(id) => {
                if self.state.purged.is_some_and(|purged| id.index <= purged.index) {
                    return Err("a purge of what was purged before");
                }
                self.state.purged = Some(id);
                self.index.purge(id.index.saturating_add(1));
            }
        }
        self.state.next = self.index.next();
        Ok(())
    }

    /// Checks that nothing is missing between the purge point and the first entry, and brings the committed id
    /// back to the end of the log.
    fn check_start(&mut self, first_segment: u32) -> Result<(), LogError> {
        let expected = self.state.purged.map_or(0, |purged| purged.index.saturating_add(1));
        if self.index.first() != expected {
            return Err(corrupt(first_segment, 0, self.sequence, "the segments before it are missing"));
        }
        let last = self.index.last().or(self.state.purged);
        self.state.committed =
            self.state.committed.zip(last).map(|(id, last)| if id.index > last.index { last } else { id });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sector::Batch;
    use super::*;

    fn batch(place: Place, frames: &[u8]) -> Vec<u8> {
        let mut batch = Batch::default();
        batch.push(frames);
        batch.seal(place).to_vec()
    }

    #[test]
    fn every_torn_subset_of_a_batch_is_told_from_the_whole_one() {
        let place = Place { segment: 1, sector: 0, batch: 9 };
        let whole = batch(place, &[5; 4 * DATA_BYTES]);
        for lost in 0..16_u32 {
            let mut sectors = whole.clone();
            sectors.resize(6 * SECTOR_BYTES, 0);
            for at in (0..4).filter(|at| lost & 1 << at != 0) {
                sectors[at * SECTOR_BYTES..(at + 1) * SECTOR_BYTES].fill(0);
            }
            let expected = match lost {
                0 => Extent::Whole(0..4),
                15 => Extent::Nothing,
                _ => Extent::Torn(0..4),
            };
            assert_eq!(find_batch(&sectors, place), Ok(expected), "{lost:04b}");
        }
    }

    #[test]
    fn torn_batch_with_another_behind_it_is_refused() {
        let place = Place { segment: 1, sector: 0, batch: 9 };
        let mut sectors = batch(place, &[5; 3 * DATA_BYTES]);
        sectors.extend(batch(Place { sector: 3, batch: 10, ..place }, &[6; 10]));
        assert_eq!(find_batch(&sectors, place), Ok(Extent::Whole(0..3)));
        for lost in 0..3 {
            let mut torn = sectors.clone();
            torn[lost * SECTOR_BYTES..(lost + 1) * SECTOR_BYTES].fill(0);
            assert!(find_batch(&torn, place).is_err(), "sector {lost}");
        }
    }
}
