//! Loading a checkpoint: one thread reads the engine, some open and decode what it read, and one builds the state.
//!
//! Entries travel in chunks, in the order of their keys and round the decoders, so the builder knows which of them has
//! the next one. Every queue is bounded: beside the state that grows, a load holds a few thousand entries.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{panic, thread};

use key_service::{Barrier, SealedKind};
use state::{Record, RecordKey, State, StateBuilder};

use super::engine::Engine;
use super::entry::EntrySet;
use super::sled_store::{Item, Standing, standings};
use super::{Damage, StateStoreError};
use crate::codec::{CheckpointHead, decode_record_from};

/// Entries that are opened and decoded together, and bytes of them after which there are no more.
pub(super) const CHUNK_ENTRIES: usize = 512;
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that wait before and after each decoder.
const QUEUE_CHUNKS: usize = 2;
const DECODERS: usize = 8;

/// What the engine holds.
pub(super) struct Contents {
    pub(super) state: State,
    /// There are no entries but those of the current checkpoint.
    pub(super) is_clean: bool,
}

/// Current entries as they were read.
type Sealed = Vec<Item>;

/// The same decoded.
struct Decoded {
    records: Vec<(RecordKey, Record)>,
    set: EntrySet,
}

/// Puts the state together from the entries of the current checkpoint.
pub(super) fn load(engine: &Engine, barrier: &Barrier, head: &CheckpointHead) -> Result<Contents, StateStoreError> {
    let decoders = thread::available_parallelism().map_or(1, usize::from).min(DECODERS);
    thread::scope(|scope| {
        let (mut to_decoders, mut from_decoders) = (Vec::new(), Vec::new());
        for _ in 0..decoders {
            let (to_decoder, sealed) = sync_channel::<Sealed>(QUEUE_CHUNKS);
            let (to_builder, decoded) = sync_channel(QUEUE_CHUNKS);
            to_decoders.push(to_decoder);
            from_decoders.push(decoded);
            // It ends when there is nothing more to decode, or nobody who wants it.
            scope.spawn(move || sealed.into_iter().try_for_each(|chunk| to_builder.send(decode(barrier, &chunk))));
        }
        let reader = scope.spawn(move || read(engine, head, &to_decoders));
        let state = build(from_decoders, head);
        // A panic of the engine must be seen as what it is.
        let is_clean = reader.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))?;
        Ok(Contents { state: state?, is_clean })
    })
}

/// Reads the current entries; whether there are no others.
fn read(engine: &Engine, head: &CheckpointHead, decoders: &[SyncSender<Sealed>]) -> Result<bool, StateStoreError> {
    let mut is_clean = true;
    let mut next = decoders.iter().cycle();
    // The builder alone ends early, and says why.
    let mut send = |chunk| next.next().is_some_and(|decoder| decoder.send(chunk).is_ok());
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK_ENTRIES), 0);
    for item in standings(engine, head) {
        let item = item?;
        if item.standing != Standing::Current {
            is_clean = false;
            continue;
        }
        bytes += item.value.len();
        chunk.push(item);
        if chunk.len() == CHUNK_ENTRIES || bytes >= CHUNK_BYTES {
            bytes = 0;
            if !send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_ENTRIES))) {
                return Ok(is_clean);
            }
        }
    }
    send(chunk);
    Ok(is_clean)
}

fn decode(barrier: &Barrier, chunk: &[Item]) -> Result<Decoded, Damage> {
    let mut decoded = Decoded { records: Vec::with_capacity(chunk.len()), set: EntrySet::default() };
    for Item { key, value, entry, .. } in chunk {
        let record = entry.record;
        let mut opened = barrier
            .open(SealedKind::StateRecord, key, value)
            .map_err(|source| Damage::OpenRecord { key: record, source })?;
        let content = decode_record_from(record, std::mem::take(&mut *opened).into())
            .map_err(|source| Damage::DecodeRecord { key: record, source })?;
        decoded.records.push((record, content));
        decoded.set.add(key, value);
    }
    Ok(decoded)
}

/// Builds the state of what comes from the decoders in turn, and holds it against the head.
fn build(decoders: Vec<Receiver<Result<Decoded, Damage>>>, head: &CheckpointHead) -> Result<State, Damage> {
    let mut builder = StateBuilder::default();
    let mut set = EntrySet::default();
    let mut found = 0;
    for decoder in decoders.iter().cycle() {
        let Ok(decoded) = decoder.recv() else { break };
        let decoded = decoded?;
        set.add_all(decoded.set);
        for (key, record) in decoded.records {
            builder.push(key, record)?;
            found += 1;
        }
    }
    if found != head.records {
        return Err(Damage::Count { expected: head.records, found });
    }
    if set.to_bytes() != head.entries {
        return Err(Damage::OtherRecords);
    }
    // A state has records from its beginning, a store without a checkpoint has none.
    if head.checkpoint == 0 { Ok(State::default()) } else { Ok(builder.finish()?) }
}
