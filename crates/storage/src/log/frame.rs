//! Frames: one change of the log each.

use bytes::{Buf, BufMut, Bytes, TryGetError};
use types::NodeId;

use super::sector::Batch;
use super::{LogEntry, LogId, Payload, Vote};

/// Bytes before a frame's body: magic, version, kind, length, sequence, CRC of the body, CRC of the header.
pub(super) const HEADER_BYTES: usize = 24;
/// Bytes of an entry's body beside its payload: kind of payload and log id.
const ENTRY_FIXED_BYTES: usize = 1 + LOG_ID_BYTES;
const LOG_ID_BYTES: usize = 24;
const VOTE_BYTES: usize = 17;
/// Bytes of the longest body without a payload, a preamble's.
const FIXED_LIMIT: usize = 3 + VOTE_BYTES + 2 * LOG_ID_BYTES + 8;
/// Bytes of a frame that notes the committed id.
pub(super) const COMMITTED_FRAME_BYTES: usize = HEADER_BYTES + LOG_ID_BYTES;
/// Bytes of the longest preamble.
pub(super) const PREAMBLE_FRAME_LIMIT: usize = HEADER_BYTES + FIXED_LIMIT;
const MAGIC: u16 = 0x6C43;
const VERSION: u8 = 1;

/// One change of the log. The numbers of the kinds are part of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// 1: an entry.
    Entry(LogEntry),
    /// 2: the vote.
    Vote(Vote),
    /// 3: the entries from this index on are dropped.
    Truncate(u64),
    /// 4: the entries up to this one are dropped.
    Purge(LogId),
    /// 5: the entries up to this one are committed.
    Committed(LogId),
    /// 6: what the segments before it amount to, at the start of a segment.
    Preamble(Preamble),
}

/// What older segments would tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) vote: Option<Vote>,
    pub(super) purged: Option<LogId>,
    pub(super) committed: Option<LogId>,
    /// The index after the last entry.
    pub(super) next: u64,
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) sequence: u64,
    pub(super) record: Record,
    /// Bytes of the whole frame.
    pub(super) bytes: usize,
}

/// Bytes of an entry's frame.
pub(super) const fn entry_frame_bytes(payload_bytes: usize) -> usize {
    HEADER_BYTES + ENTRY_FIXED_BYTES + payload_bytes
}

/// Bytes of payload in an entry whose frame has so many bytes.
pub(super) const fn payload_bytes(frame_bytes: usize) -> usize {
    frame_bytes.saturating_sub(entry_frame_bytes(0))
}

impl Record {
    /// Bytes of the frame; of a preamble the most.
    pub(super) fn frame_bytes(&self) -> usize {
        match self {
            Self::Entry(entry) => entry_frame_bytes(entry.payload.bytes().len()),
            Self::Vote(_) => HEADER_BYTES + VOTE_BYTES,
            Self::Truncate(_) => HEADER_BYTES + 8,
            Self::Purge(_) | Self::Committed(_) => HEADER_BYTES + LOG_ID_BYTES,
            Self::Preamble(_) => PREAMBLE_FRAME_LIMIT,
        }
    }

    /// Appends the frame to `batch`.
    pub(super) fn encode(&self, sequence: u64, batch: &mut Batch) {
        let mut fixed = [0; FIXED_LIMIT];
        let mut rest = &mut fixed[..];
        let (kind, payload) = self.encode_fixed(&mut rest);
        let used = FIXED_LIMIT - rest.len();
        let fixed = &fixed[..used];
        // The log refuses entries that do not fit into a segment, and a segment has less than 4 GiB.
        let length = u32::try_from(fixed.len() + payload.len()).unwrap_or(u32::MAX);
        let body_crc = crc32c::crc32c_append(crc32c::crc32c(fixed), payload);

        let mut header = [0; HEADER_BYTES];
        let mut put = &mut header[..];
        put.put_u16_le(MAGIC);
        put.put_u8(VERSION);
        put.put_u8(kind);
        put.put_u32_le(length);
        put.put_u64_le(sequence);
        put.put_u32_le(body_crc);
        let header_crc = crc32c::crc32c(&header[..HEADER_BYTES - 4]);
        header[HEADER_BYTES - 4..].copy_from_slice(&header_crc.to_le_bytes());

        batch.push(&header);
        batch.push(fixed);
        batch.push(payload);
    }

    fn encode_fixed(&self, out: &mut &mut [u8]) -> (u8, &[u8]) {
        match self {
            Self::Entry(entry) => {
                out.put_u8(match entry.payload {
                    Payload::Blank => 0,
                    Payload::Membership(_) => 1,
                    Payload::Command(_) => 2,
                });
                put_log_id(out, entry.id);
                (1, entry.payload.bytes())
            }
            Self::Vote(vote) => {
                put_vote(out, *vote);
                (2, &[])
            }
            Self::Truncate(end) => {
                out.put_u64_le(*end);
                (3, &[])
            }
            Self::Purge(id) => {
                put_log_id(out, *id);
                (4, &[])
            }
            Self::Committed(id) => {
                put_log_id(out, *id);
                (5, &[])
            }
            Self::Preamble(preamble) => {
                put_option(out, preamble.vote, put_vote);
                put_option(out, preamble.purged, put_log_id);
                put_option(out, preamble.committed, put_log_id);
                out.put_u64_le(preamble.next);
                (6, &[])
            }
        }
    }

    fn decode(kind: u8, mut body: &[u8]) -> Result<Self, &'static str> {
        let record = Self::decode_fields(kind, &mut body).map_err(|_: TryGetError| "a body that is too short")?;
        if body.is_empty() { record } else { Err("a body that is too long") }
    }

    fn decode_fields(kind: u8, body: &mut &[u8]) -> Result<Result<Self, &'static str>, TryGetError> {
        Ok(Ok(match kind {
            1 => {
                let payload_kind = body.try_get_u8()?;
                let id = take_log_id(body)?;
                let payload = Bytes::copy_from_slice(std::mem::take(body));
                let payload = match payload_kind {
                    0 if payload.is_empty() => Payload::Blank,
                    1 => Payload::Membership(payload),
                    2 => Payload::Command(payload),
                    _ => return Ok(Err("an unknown kind of payload")),
                };
                Self::Entry(LogEntry { id, payload })
            }
            2 => match take_vote(body)? {
                Some(vote) => Self::Vote(vote),
                None => return Ok(Err("a flag that is neither 0 nor 1")),
            },
            3 => Self::Truncate(body.try_get_u64_le()?),
            4 => Self::Purge(take_log_id(body)?),
            5 => Self::Committed(take_log_id(body)?),
            6 => {
                let vote = take_option(body, take_vote)?;
                let purged = take_option(body, |b| take_log_id(b).map(Some))?;
                let committed = take_option(body, |b| take_log_id(b).map(Some))?;
                let (Some(vote), Some(purged), Some(committed)) = (vote, purged, committed) else {
                    return Ok(Err("a flag that is neither 0 nor 1"));
                };
                Self::Preamble(Preamble { vote, purged, committed, next: body.try_get_u64_le()? })
            }
            _ => return Ok(Err("an unknown kind of frame")),
        }))
    }
}

/// Reads the frame at the start of `data`; `None` where only zeros are left, the padding of a batch.
pub(super) fn decode(data: &[u8]) -> Result<Option<Frame>, &'static str> {
    let Some((header, rest)) = data.split_at_checked(HEADER_BYTES) else {
        return if data.iter().all(|b| *b == 0) { Ok(None) } else { Err("bytes after the last frame of a batch") };
    };
    if data[..2] == [0, 0] {
        return if data.iter().all(|b| *b == 0) { Ok(None) } else { Err("a frame header without its magic") };
    }
    let (covered, mut header_crc) = header.split_at(HEADER_BYTES - 4);
    if header_crc.get_u32_le() != crc32c::crc32c(covered) {
        return Err("the checksum of a frame header does not fit");
    }
    let mut fields = covered;
    if fields.get_u16_le() != MAGIC {
        return Err("a frame header without its magic");
    }
    if fields.get_u8() != VERSION {
        return Err("a frame of an unknown version");
    }
    let kind = fields.get_u8();
    let length = fields.get_u32_le() as usize;
    let sequence = fields.get_u64_le();
    let Some(body) = rest.get(..length) else {
        return Err("a frame that is longer than its batch");
    };
    if fields.get_u32_le() != crc32c::crc32c(body) {
        return Err("the checksum of a frame body does not fit");
    }
    Ok(Some(Frame { sequence, record: Record::decode(kind, body)?, bytes: HEADER_BYTES + length }))
}

fn put_log_id(out: &mut &mut [u8], id: LogId) {
    out.put_u64_le(id.term);
    out.put_u64_le(id.leader.0);
    out.put_u64_le(id.index);
}

fn take_log_id(body: &mut &[u8]) -> Result<LogId, TryGetError> {
    Ok(LogId { term: body.try_get_u64_le()?, leader: NodeId(body.try_get_u64_le()?), index: body.try_get_u64_le()? })
}

fn put_vote(out: &mut &mut [u8], vote: Vote) {
    out.put_u64_le(vote.term);
    out.put_u64_le(vote.node.0);
    out.put_u8(vote.committed.into());
}

fn take_vote(body: &mut &[u8]) -> Result<Option<Vote>, TryGetError> {
    let (term, node) = (body.try_get_u64_le()?, NodeId(body.try_get_u64_le()?));
    Ok(take_flag(body)?.map(|committed| Vote { term, node, committed }))
}

fn take_flag(body: &mut &[u8]) -> Result<Option<bool>, TryGetError> {
    Ok(match body.try_get_u8()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    })
}

fn put_option<T>(out: &mut &mut [u8], value: Option<T>, put: impl FnOnce(&mut &mut [u8], T)) {
    out.put_u8(value.is_some().into());
    if let Some(value) = value {
        put(out, value);
    }
}

fn take_option<T>(
    body: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Result<Option<T>, TryGetError>,
) -> Result<Option<Option<T>>, TryGetError> {
    Ok(match take_flag(body)? {
        Some(true) => take(body)?.map(Some),
        Some(false) => Some(None),
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sector;
    use super::*;

    fn records() -> Vec<Record> {
        let id = LogId { term: 3, leader: NodeId(1), index: 9 };
        let vote = Vote { term: 3, node: NodeId(2), committed: true };
        let entry = |payload| Record::Entry(LogEntry { id, payload });
        vec![
            entry(Payload::Blank),
            entry(Payload::Membership(Bytes::from_static(b"m"))),
            entry(Payload::Command(Bytes::from(vec![0; 2000]))),
            Record::Vote(vote),
            Record::Truncate(7),
            Record::Purge(id),
            Record::Committed(id),
            Record::Preamble(Preamble::default()),
            Record::Preamble(Preamble { vote: Some(vote), purged: Some(id), committed: Some(id), next: 10 }),
        ]
    }

    fn encoded(record: &Record) -> Vec<u8> {
        let mut batch = Batch::default();
        record.encode(5, &mut batch);
        let length = batch.len();
        let place = sector::Place { segment: 1, sector: 1, batch: 5 };
        let mut data = sector::data_of(batch.seal(place));
        data.truncate(length);
        data
    }

    #[test]
    fn records_survive_their_frames() {
        for record in records() {
            let data = encoded(&record);
            let frame = decode(&data).unwrap().unwrap();
            assert_eq!((frame.sequence, frame.bytes, &frame.record), (5, data.len(), &record));
            assert!(data.len() == record.frame_bytes() || record == Record::Preamble(Preamble::default()));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_refused() {
        for record in records() {
            let good = encoded(&record);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&bad).is_err(), "{record:?} bit {bit}");
            }
        }
    }

    #[test]
    fn a_short_frame_is_refused() {
        for record in records() {
            let good = encoded(&record);
            for length in 1..good.len() {
                assert!(decode(&good[..length]).is_err(), "{record:?} at {length}");
            }
        }
        assert!(decode(&[]).unwrap().is_none());
        assert!(decode(&[0; 100]).unwrap().is_none());
    }
}
