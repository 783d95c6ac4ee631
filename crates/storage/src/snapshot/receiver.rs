//! The receiving half: checks chunks as they come, and builds the state when all are there.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use key_service::{Barrier, SealedKind};
use state::{Record, RecordKey, StateBuilder};
use types::limits;

use super::{CHUNKS, Place, RECORD_BYTES, Received, SnapshotError};
use crate::codec::{DecodeError, decode_exact, decode_record_from, record_kind};
use crate::digest::digest;
use crate::head::Head;
use crate::schema::snapshot_frame::Kind;
use crate::schema::{self as pb, FORMAT};

/// Takes the chunks of one snapshot.
///
/// Chunks lie sealed in a spool file until the last one is there. The file has no name: it is gone when the receiver
/// is dropped or the process ends. It need not be durable; a state that was received becomes so by a checkpoint.
pub struct SnapshotReceiver {
    barrier: Arc<Barrier>,
    directory: PathBuf,
    spool: BufWriter<File>,
    /// The place of the next chunk; the first one brings the snapshot's id.
    next: Option<Place>,
    head: Option<Head>,
    trailer: Option<pb::SnapshotTrailer>,
}

impl SnapshotReceiver {
    /// A receiver that spools in `directory`, which is made if it is missing.
    ///
    /// # Errors
    /// The spool cannot be made.
    pub fn new(directory: &Path, barrier: Arc<Barrier>) -> Result<Self, SnapshotError> {
        fs::create_dir_all(directory).map_err(SnapshotError::io("make the directory of", directory))?;
        let spool = tempfile::tempfile_in(directory).map_err(SnapshotError::io("make", directory))?;
        let spool = BufWriter::new(spool);
        Ok(Self { barrier, directory: directory.to_owned(), spool, next: None, head: None, trailer: None })
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// [`SnapshotError`] names what is wrong with it; the receiver is of no use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), SnapshotError> {
        if chunk.len() > limits::SNAPSHOT_CHUNK_BYTES {
            return Err(SnapshotError::TooLarge(chunk.len()));
        }
        let place = self.expect_next(chunk)?;
        let frame = open(&self.barrier, chunk)?;
        match (frame, &self.head, &self.trailer) {
            (Kind::Header(header), None, None) => self.head = Some(self.read_header(header)?),
            (Kind::Records(_), Some(_), None) => self.spool(chunk)?,
            (Kind::Trailer(trailer), Some(_), None) => self.trailer = Some(trailer),
            _ => return Err(SnapshotError::Misplaced(place.number)),
        }
        self.next = Some(Place { number: place.number + 1, ..place });
        Ok(())
    }

    /// Builds the state.
    ///
    /// # Errors
    /// [`SnapshotError`] when chunks are missing, or when they do not come to the state that was sent.
    pub fn finish(self) -> Result<Received, SnapshotError> {
        let chunks = self.next.map_or(0, |next| next.number);
        let (Some(head), Some(trailer)) = (self.head, self.trailer) else {
            return Err(SnapshotError::Incomplete(chunks));
        };
        expect_count("chunks", trailer.chunks, chunks)?;
        let failed = |action| SnapshotError::io(action, &self.directory);
        let mut spool = self.spool.into_inner().map_err(|error| failed("write")(error.into_error()))?;
        spool.rewind().map_err(failed("read"))?;
        let mut spool = Spool { file: BufReader::new(spool), directory: &self.directory };
        let mut records = RecordReader::default();
        let mut builder = StateBuilder::default();
        while let Some(chunk) = spool.next_chunk()? {
            let Kind::Records(part) = open(&self.barrier, &chunk)? else { return Err(SnapshotError::Cut) };
            records.stream.extend_from_slice(&part);
            while let Some((key, record)) = records.next()? {
                builder.push(key, record)?;
            }
        }
        if !records.stream.is_empty() {
            return Err(SnapshotError::Cut);
        }
        expect_count("records", trailer.records, records.count)?;
        let state = builder.finish()?;
        // The digest is taken of the state, not of the bytes: what was built is what was sent.
        if digest(&state)[..] == trailer.digest[..] {
            Ok(Received { head, state })
        } else {
            Err(SnapshotError::OtherState)
        }
    }

    fn expect_next(&self, chunk: &[u8]) -> Result<Place, SnapshotError> {
        let (place, _) = Place::split(chunk)?;
        let expected = self.next.unwrap_or(Place { number: 0, ..place });
        if place.id != expected.id {
            return Err(SnapshotError::OtherSnapshot);
        }
        if place.number != expected.number {
            return Err(SnapshotError::OutOfOrder { expected: expected.number, found: place.number });
        }
        if place.number >= CHUNKS {
            return Err(SnapshotError::TooManyChunks);
        }
        Ok(place)
    }

    fn read_header(&self, header: pb::SnapshotHeader) -> Result<Head, SnapshotError> {
        let decode = |source| SnapshotError::Decode { chunk: 0, source };
        if header.format != FORMAT {
            return Err(decode(DecodeError::UnknownFormat(header.format.into())));
        }
        if header.cluster[..] != self.barrier.cluster().0 {
            return Err(SnapshotError::OtherCluster);
        }
        let head = header.head.ok_or_else(|| decode(DecodeError::Missing("SnapshotHeader.head")))?;
        head.try_into().map_err(decode)
    }

    fn spool(&mut self, chunk: &[u8]) -> Result<(), SnapshotError> {
        let length = u32::try_from(chunk.len()).map_err(|_| SnapshotError::TooLarge(chunk.len()))?;
        self.spool
            .write_all(&length.to_be_bytes())
            .and_then(|()| self.spool.write_all(chunk))
            .map_err(SnapshotError::io("write", &self.directory))
    }
}

impl fmt::Debug for SnapshotReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotReceiver({} chunks)", self.next.map_or(0, |next| next.number))
    }
}

fn open(barrier: &Barrier, chunk: &[u8]) -> Result<Kind, SnapshotError> {
    let (place, sealed) = Place::split(chunk)?;
    let number = place.number;
    let mut opened = barrier
        .open(SealedKind::SnapshotChunk, &place.prefix(), sealed)
        .map_err(|source| SnapshotError::Open { chunk: number, source })?;
    decode_exact::<pb::SnapshotFrame>(std::mem::take(&mut *opened).into())
        .and_then(|frame| frame.kind.ok_or(DecodeError::Missing("SnapshotFrame.kind")))
        .map_err(|source| SnapshotError::Decode { chunk: number, source })
}

fn expect_count(what: &'static str, expected: u64, found: u64) -> Result<(), SnapshotError> {
    if expected == found { Ok(()) } else { Err(SnapshotError::Count { what, expected, found }) }
}

/// The spooled chunks.
struct Spool<'a> {
    file: BufReader<File>,
    directory: &'a Path,
}

impl Spool<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        let mut length = [0; 4];
        let directory = self.directory;
        let read = |error| SnapshotError::io("read", directory)(error);
        if self.file.read(&mut length[..1]).map_err(read)? == 0 {
            return Ok(None);
        }
        self.file.read_exact(&mut length[1..]).map_err(read)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > limits::SNAPSHOT_CHUNK_BYTES {
            return Err(SnapshotError::TooLarge(length));
        }
        let mut chunk = vec![0; length];
        self.file.read_exact(&mut chunk).map_err(read)?;
        Ok(Some(chunk))
    }
}

/// Finds the records in their stream.
#[derive(Default)]
struct RecordReader {
    stream: BytesMut,
    count: u64,
}

impl RecordReader {
    /// The next record; none when more of the stream is needed.
    fn next(&mut self) -> Result<Option<(RecordKey, Record)>, SnapshotError> {
        let Some(bytes) = self.next_bytes()? else { return Ok(None) };
        let read = read_record(bytes).map_err(|source| SnapshotError::DecodeRecord { number: self.count, source })?;
        self.count += 1;
        Ok(Some(read))
    }

    fn next_bytes(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        const LONGEST_VARINT: usize = 10;
        let mut rest = &self.stream[..];
        let length = match prost::encoding::decode_varint(&mut rest) {
            Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Err(_) if self.stream.len() < LONGEST_VARINT => return Ok(None),
            Err(_) => return Err(SnapshotError::Cut),
        };
        if length > RECORD_BYTES {
            return Err(SnapshotError::Cut);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let prefix = self.stream.len() - rest.len();
        self.stream.advance(prefix);
        Ok(Some(self.stream.split_to(length).freeze()))
    }
}

fn read_record(bytes: Bytes) -> Result<(RecordKey, Record), DecodeError> {
    let record: pb::SnapshotRecord = decode_exact(bytes)?;
    let kind = u8::try_from(record.kind).ok().and_then(record_kind);
    let kind = kind.ok_or(DecodeError::Invalid("SnapshotRecord.kind"))?;
    let key = RecordKey { kind, id: record.id, part: record.part };
    Ok((key, decode_record_from(key, record.record)?))
}
