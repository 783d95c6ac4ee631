//! The sending half: chunks of a state, made as they are asked for.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use key_service::Barrier;
use prost::Message;
use state::{Record, RecordKey, State};

use super::{ID_BYTES, Place, STREAM_BYTES};
use crate::codec::encode_record;
use crate::digest::StateDigest;
use crate::head::Head;
use crate::schema::snapshot_frame::Kind;
use crate::schema::{self as pb, FORMAT};

/// The chunks of one snapshot, in order. Each call does the work for one chunk and blocks for that long.
pub type Chunks = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Makes snapshots for peers.
pub trait SnapshotSource: Send + Sync {
    /// The sealed chunks of `state`, none larger than [`types::limits::SNAPSHOT_CHUNK_BYTES`]. The head travels in the
    /// first of them.
    fn chunks(self: Arc<Self>, head: Head, state: State) -> Chunks;
}

impl SnapshotSource for Barrier {
    fn chunks(self: Arc<Self>, head: Head, state: State) -> Chunks {
        Box::new(Sender::new(self, key_service::random(), head, state))
    }
}

struct Sender {
    barrier: Arc<Barrier>,
    place: Place,
    /// Gone when its frame is.
    head: Option<Head>,
    records: Records,
    /// Gone when the trailer is.
    digest: Option<StateDigest>,
}

impl Sender {
    fn new(barrier: Arc<Barrier>, id: [u8; ID_BYTES], head: Head, state: State) -> Self {
        Self {
            barrier,
            place: Place { id, number: 0 },
            head: Some(head),
            records: Records { left: Box::new(state.records()), stream: BytesMut::new(), count: 0 },
            digest: Some(StateDigest::default()),
        }
    }

    fn next_frame(&mut self) -> Option<Kind> {
        if let Some(head) = self.head.take() {
            return Some(Kind::Header(pb::SnapshotHeader {
                format: FORMAT,
                cluster: Bytes::copy_from_slice(&self.barrier.cluster().0),
                head: Some((&head).into()),
            }));
        }
        let mut digest = self.digest.take()?;
        if let Some(bytes) = self.records.next_part(&mut digest) {
            self.digest = Some(digest);
            return Some(Kind::Records(bytes));
        }
        Some(Kind::Trailer(pb::SnapshotTrailer {
            chunks: self.place.number + 1,
            records: self.records.count,
            digest: Bytes::copy_from_slice(&digest.finish()),
        }))
    }
}

impl Iterator for Sender {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let frame = pb::SnapshotFrame { kind: Some(self.next_frame()?) };
        let chunk = self.place.seal(&self.barrier, &frame.encode_to_vec());
        self.place.number += 1;
        Some(chunk)
    }
}

/// The stream of a state's records.
struct Records {
    left: Box<dyn Iterator<Item = (RecordKey, Record)> + Send>,
    /// What is not in a chunk yet.
    stream: BytesMut,
    count: u64,
}

impl Records {
    /// The next part of the stream; a short one only at its end.
    fn next_part(&mut self, digest: &mut StateDigest) -> Option<Bytes> {
        while self.stream.len() < STREAM_BYTES {
            let Some((key, record)) = self.left.next() else { break };
            let record = encode_record(&record);
            digest.add(key, &record);
            push(&mut self.stream, key, record);
            self.count += 1;
        }
        let part = self.stream.len().min(STREAM_BYTES);
        (part > 0).then(|| self.stream.split_to(part).freeze())
    }
}

fn push(stream: &mut BytesMut, key: RecordKey, record: Vec<u8>) {
    let record = pb::SnapshotRecord { kind: key.kind as u32, id: key.id, part: key.part, record: record.into() };
    record.encode_length_delimited(stream).expect("the buffer grows");
}
