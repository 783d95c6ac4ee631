use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use types::ClusterId;

use super::*;
use crate::checkpoint::conformance::History;
use crate::schema as pb;
use crate::schema::snapshot_frame::Kind;

fn barrier() -> Arc<Barrier> {
    Arc::new(Barrier::ephemeral(ClusterId([1; 16])))
}

fn history(commands: usize) -> History {
    let mut history = History::new(1);
    history.run(commands);
    history
}

fn send(barrier: &Arc<Barrier>, history: &History) -> Vec<Vec<u8>> {
    barrier.clone().chunks(history.head(), history.state.clone()).collect()
}

fn receive(barrier: &Arc<Barrier>, chunks: &[Vec<u8>]) -> Result<Received, SnapshotError> {
    let directory = tempfile::tempdir().unwrap();
    let mut receiver = SnapshotReceiver::new(directory.path(), barrier.clone())?;
    for chunk in chunks {
        receiver.push(chunk)?;
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "the spool has a name");
    }
    receiver.finish()
}

/// Seals frames as the sender does, whatever they say.
fn seal(barrier: &Barrier, frames: Vec<Kind>) -> Vec<Vec<u8>> {
    let frames = frames.into_iter().map(|kind| pb::SnapshotFrame { kind: Some(kind) }.encode_to_vec());
    frames.zip(0..).map(|(frame, number)| Place { id: [7; 16], number }.seal(barrier, &frame)).collect()
}

fn unseal(barrier: &Barrier, chunks: &[Vec<u8>]) -> Vec<Kind> {
    let open = |chunk: &Vec<u8>| {
        let (place, sealed) = Place::split(chunk).unwrap();
        let frame = barrier.open(SealedKind::SnapshotChunk, &place.prefix(), sealed).unwrap();
        pb::SnapshotFrame::decode(frame.as_slice()).unwrap().kind.unwrap()
    };
    chunks.iter().map(open).collect()
}

#[test]
fn a_state_arrives_as_it_was_sent() {
    let barrier = barrier();
    for commands in [0, 1, 1_000] {
        let history = history(commands);
        let received = receive(&barrier, &send(&barrier, &history)).unwrap();
        assert_eq!(received.head, history.head());
        assert!(received.state == history.state, "{commands} commands");
    }
}

#[test]
fn no_chunk_is_larger_than_the_limit_and_all_but_the_last_are_full() {
    let chunks = send(&barrier(), &history(1_500));
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    for chunk in &chunks[1..chunks.len() - 2] {
        assert!((STREAM_BYTES..=limits::SNAPSHOT_CHUNK_BYTES).contains(&chunk.len()), "{} bytes", chunk.len());
    }
}

#[test]
fn chunks_are_made_as_they_are_asked_for() {
    let (barrier, mut history) = (barrier(), history(1_000));
    let mut chunks = barrier.clone().chunks(history.head(), history.state.clone());
    let sent = history.state.clone();
    let mut taken: Vec<_> = chunks.by_ref().take(2).collect();
    history.run(1_000);
    taken.extend(chunks);
    assert!(receive(&barrier, &taken).unwrap().state == sent, "the state changed under way");
}

#[test]
fn dropped_swapped_and_repeated_chunks_are_refused() {
    let barrier = barrier();
    let chunks = send(&barrier, &history(300));
    for at in 0..chunks.len() {
        let mut dropped = chunks.clone();
        dropped.remove(at);
        let refused = receive(&barrier, &dropped).unwrap_err();
        let is_last = at + 1 == chunks.len();
        let fits = if is_last {
            matches!(refused, SnapshotError::Incomplete(_))
        } else {
            matches!(refused, SnapshotError::OutOfOrder { .. })
        };
        assert!(fits, "without chunk {at}: {refused}");

        let mut repeated = chunks.clone();
        repeated.insert(at, chunks[at].clone());
        assert!(matches!(receive(&barrier, &repeated).unwrap_err(), SnapshotError::OutOfOrder { .. }));
    }
    let mut swapped = chunks;
    swapped.swap(1, 2);
    assert!(matches!(receive(&barrier, &swapped).unwrap_err(), SnapshotError::OutOfOrder { expected: 1, found: 2 }));
}

#[test]
fn a_chunk_that_claims_another_place_is_refused() {
    let barrier = barrier();
    let mut chunks = send(&barrier, &history(500));
    chunks.swap(1, 2);
    for number in [1_usize, 2] {
        chunks[number][17..25].copy_from_slice(&(number as u64).to_be_bytes());
    }
    let refused = receive(&barrier, &chunks).unwrap_err();
    assert!(matches!(refused, SnapshotError::Open { chunk: 1, .. }), "{refused}");
}

#[test]
fn chunks_of_two_snapshots_do_not_mix() {
    let (barrier, history) = (barrier(), history(500));
    let mut chunks = send(&barrier, &history);
    let other = send(&barrier, &history);
    chunks[1] = other[1].clone();
    assert!(matches!(receive(&barrier, &chunks).unwrap_err(), SnapshotError::OtherSnapshot));
    let id = chunks[0][1..17].to_vec();
    chunks[1][1..17].copy_from_slice(&id);
    assert!(matches!(receive(&barrier, &chunks).unwrap_err(), SnapshotError::Open { chunk: 1, .. }));
}

#[test]
fn every_flipped_bit_of_a_small_snapshot_is_refused() {
    let barrier = barrier();
    let directory = tempfile::tempdir().unwrap();
    let mut receiver = SnapshotReceiver::new(directory.path(), barrier.clone()).unwrap();
    for chunk in send(&barrier, &history(1)) {
        for bit in 0..chunk.len() * 8 {
            let mut changed = chunk.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            receiver.push(&changed).unwrap_err();
        }
        receiver.push(&chunk).unwrap();
    }
    receiver.finish().unwrap();
}

#[test]
fn a_chunk_that_is_cut_short_is_refused() {
    let barrier = barrier();
    let chunks = send(&barrier, &history(1));
    for length in 0..chunks[0].len() {
        let mut cut = chunks.clone();
        cut[0].truncate(length);
        receive(&barrier, &cut).unwrap_err();
    }
}

#[test]
fn chunks_over_the_limit_and_of_later_versions_are_refused() {
    let barrier = barrier();
    let large = vec![VERSION; limits::SNAPSHOT_CHUNK_BYTES + 1];
    assert!(matches!(receive(&barrier, &[large]).unwrap_err(), SnapshotError::TooLarge(_)));
    assert!(matches!(receive(&barrier, &[vec![2; 100]]).unwrap_err(), SnapshotError::UnknownVersion(2)));
    assert!(matches!(receive(&barrier, &[]).unwrap_err(), SnapshotError::Incomplete(0)));
}

#[test]
fn snapshots_of_another_cluster_are_refused() {
    let other = Arc::new(Barrier::ephemeral(ClusterId([2; 16])));
    let refused = receive(&barrier(), &send(&other, &history(1))).unwrap_err();
    assert!(matches!(refused, SnapshotError::Open { chunk: 0, .. }), "{refused}");
}

#[test]
fn a_sender_that_lies_is_refused() {
    let barrier = barrier();
    let honest = unseal(&barrier, &send(&barrier, &history(50)));
    let [header, records, Kind::Trailer(trailer)] = &honest[..] else { panic!("{} frames", honest.len()) };
    let Kind::Records(bytes) = records else { panic!("no records") };
    let with_trailer = |trailer: pb::SnapshotTrailer| vec![header.clone(), records.clone(), Kind::Trailer(trailer)];
    let refused = |frames| receive(&barrier, &seal(&barrier, frames)).unwrap_err();

    assert!(receive(&barrier, &seal(&barrier, honest.clone())).is_ok());
    let wrong = pb::SnapshotTrailer { chunks: 4, ..trailer.clone() };
    assert!(matches!(refused(with_trailer(wrong)), SnapshotError::Count { what: "chunks", .. }));
    let wrong = pb::SnapshotTrailer { records: trailer.records + 1, ..trailer.clone() };
    assert!(matches!(refused(with_trailer(wrong)), SnapshotError::Count { what: "records", .. }));
    let wrong = pb::SnapshotTrailer { digest: Bytes::from_static(&[0; 32]), ..trailer.clone() };
    assert!(matches!(refused(with_trailer(wrong)), SnapshotError::OtherState));

    let end = Kind::Trailer(trailer.clone());
    let cut = Kind::Records(bytes.slice(..bytes.len() - 1));
    assert!(matches!(refused(vec![header.clone(), cut, end.clone()]), SnapshotError::Cut));
    assert!(matches!(refused(vec![records.clone(), end.clone()]), SnapshotError::Misplaced(0)));
    let twice = vec![header.clone(), header.clone(), end.clone()];
    assert!(matches!(refused(twice), SnapshotError::Misplaced(1)));
    let after_the_end = vec![header.clone(), records.clone(), end.clone(), records.clone()];
    assert!(matches!(refused(after_the_end), SnapshotError::Misplaced(3)));

    let endless = Kind::Records(Bytes::from_static(&[0xff; 12]));
    assert!(matches!(refused(vec![header.clone(), endless, end]), SnapshotError::Cut | SnapshotError::Count { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn chunks_from_anywhere_do_not_panic(chunks: Vec<Vec<u8>>, records: Vec<u8>) {
        let barrier = barrier();
        prop_assert!(receive(&barrier, &chunks).is_err());
        let header = unseal(&barrier, &send(&barrier, &history(0))).remove(0);
        let trailer = pb::SnapshotTrailer { chunks: 3, records: 0, digest: Bytes::new() };
        let frames = vec![header, Kind::Records(records.into()), Kind::Trailer(trailer)];
        prop_assert!(receive(&barrier, &seal(&barrier, frames)).is_err());
    }
}

#[test]
fn no_name_stands_in_a_chunk() {
    let chunks = send(&barrier(), &history(200)).concat();
    for canary in ["canary", "CANARY", "us-east-1"] {
        assert!(!chunks.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary}");
    }
}
