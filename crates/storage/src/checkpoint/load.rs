//! Loading a checkpoint: one thread reads the engine, some open and decode the packs, and one merges them and builds
//! the state.
//!
//! Packs travel in chunks, in the order of their first records and round the decoders, so the builder knows which of
//! them has the next one, and when it has all that may hold the next record. Every queue is bounded: beside the state
//! that grows, a load holds some chunks, and a pack of each checkpoint since the base.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{iter, panic, thread};

use key_service::{Barrier, SealedKind};
use sled::IVec;
use state::{Record, RecordKey, State, StateBuilder};

use super::engine::Engine;
use super::merge::{Pack, merge};
use super::pack_key::{PackKey, PackSet, of_checkpoint};
use super::{Damage, StateStoreError};
use crate::codec::{CheckpointHead, PackEntry, decode_pack};

/// Bytes of packs that are opened and decoded together.
pub(super) const CHUNK_BYTES: usize = 128 << 10;
/// Chunks that wait before and after each decoder.
const QUEUE_CHUNKS: usize = 2;
const DECODERS: usize = 8;

/// Packs as they were read.
type Sealed = Vec<SealedPack>;

struct SealedPack {
    key: PackKey,
    sealed: IVec,
}

/// Puts the state together from the packs of the current checkpoint.
pub(super) fn load(engine: &Engine, barrier: &Barrier, head: &CheckpointHead) -> Result<State, StateStoreError> {
    let decoders = thread::available_parallelism().map_or(1, usize::from).min(DECODERS);
    thread::scope(|scope| {
        let (mut to_decoders, mut from_decoders) = (Vec::new(), Vec::new());
        for _ in 0..decoders {
            let (to_decoder, sealed) = sync_channel::<Sealed>(QUEUE_CHUNKS);
            let (to_builder, decoded) = sync_channel(QUEUE_CHUNKS);
            to_decoders.push(to_decoder);
            from_decoders.push(decoded);
            // It ends when there is nothing more to decode, or nobody who wants it.
            scope.spawn(move || sealed.into_iter().try_for_each(|chunk| to_builder.send(decode(barrier, chunk))));
        }
        let reader = scope.spawn(move || read(engine, head, &to_decoders));
        let state = build(from_decoders, head);
        // A panic of the engine must be seen as what it is.
        reader.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))?;
        Ok(state?)
    })
}

/// Reads the packs of the current checkpoint in the order of their first records.
fn read(engine: &Engine, head: &CheckpointHead, decoders: &[SyncSender<Sealed>]) -> Result<(), StateStoreError> {
    let mut checkpoints: Vec<_> = (head.base..=head.checkpoint).map(|number| packs_of(engine, number)).collect();
    let mut nexts = BTreeMap::new();
    for (place, packs) in checkpoints.iter_mut().enumerate() {
        if let Some(pack) = packs.next().transpose()? {
            nexts.insert((pack.key.first, place), pack);
        }
    }
    let mut turns = decoders.iter().cycle();
    // The builder alone ends early, and says why.
    let mut send = |chunk| turns.next().is_some_and(|decoder| decoder.send(chunk).is_ok());
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while let Some(((_, place), pack)) = nexts.pop_first() {
        bytes += pack.sealed.len();
        chunk.push(pack);
        if bytes >= CHUNK_BYTES {
            bytes = 0;
            if !send(std::mem::take(&mut chunk)) {
                return Ok(());
            }
        }
        if let Some(pack) = checkpoints[place].next().transpose()? {
            nexts.insert((pack.key.first, place), pack);
        }
    }
    send(chunk);
    Ok(())
}

fn packs_of(engine: &Engine, checkpoint: u64) -> impl Iterator<Item = Result<SealedPack, StateStoreError>> {
    engine.scan(&of_checkpoint(checkpoint)).map(|item| {
        let (key, sealed) = item?;
        let key = PackKey::decode(&key).ok_or(Damage::StrayKey(key.len()))?;
        Ok(SealedPack { key, sealed })
    })
}

/// Decoded packs, the set of them, and the number of their entries.
#[derive(Default)]
struct Decoded {
    packs: Vec<Pack>,
    set: PackSet,
    entries: u64,
}

fn decode(barrier: &Barrier, chunk: Sealed) -> Result<Decoded, Damage> {
    let mut decoded = Decoded::default();
    for SealedPack { key, sealed } in chunk {
        let encoded = key.encode();
        let entries = open(barrier, key, &encoded, &sealed)?;
        decoded.set.add(&encoded, &sealed);
        decoded.entries += entries.len() as u64;
        decoded.packs.push(Pack { key, entries });
    }
    Ok(decoded)
}

fn open(
    barrier: &Barrier,
    key: PackKey,
    encoded: &[u8],
    sealed: &[u8],
) -> Result<Vec<(RecordKey, Option<Record>)>, Damage> {
    let PackKey { checkpoint, first } = key;
    let mut opened = barrier.open(SealedKind::StateRecord, encoded, sealed).map_err(|source| Damage::OpenPack {
        checkpoint,
        first,
        source,
    })?;
    let entries = decode_pack(first.kind, std::mem::take(&mut *opened).into())
        .map_err(|source| Damage::DecodePack { checkpoint, first, source })?;
    if entries.first().is_none_or(|entry| entry.key != first) {
        return Err(Damage::Misplaced { checkpoint, first });
    }
    let decode = |entry: PackEntry| {
        let key = entry.key;
        Ok((key, entry.decode().map_err(|source| Damage::DecodeRecord { key, source })?))
    };
    entries.into_iter().map(decode).collect()
}

/// Builds the state of what comes from the decoders in turn, and holds it against the head.
fn build(decoders: Vec<Receiver<Result<Decoded, Damage>>>, head: &CheckpointHead) -> Result<State, Damage> {
    let mut builder = StateBuilder::default();
    let (mut set, mut entries, mut records) = (PackSet::default(), 0, 0);
    let mut turns = decoders.iter().cycle();
    let chunks = iter::from_fn(|| turns.next()?.recv().ok());
    let packs = chunks.flat_map(|decoded| match decoded {
        Ok(decoded) => {
            set.add_all(decoded.set);
            entries += decoded.entries;
            decoded.packs.into_iter().map(Ok).collect()
        }
        Err(damage) => vec![Err(damage)],
    });
    merge(packs, |key, record| {
        records += 1;
        Ok(builder.push(key, record)?)
    })?;
    for (what, expected, found) in [("entries", head.packed, entries), ("records", head.records, records)] {
        if expected != found {
            return Err(Damage::Count { what, expected, found });
        }
    }
    if set.to_bytes() != head.packs {
        return Err(Damage::OtherPacks);
    }
    // A state has records from its beginning, a store without a checkpoint has none.
    if head.checkpoint == 0 { Ok(State::default()) } else { Ok(builder.finish()?) }
}
