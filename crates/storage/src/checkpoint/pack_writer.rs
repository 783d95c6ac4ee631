//! A checkpoint on its way into packs.

use std::collections::BTreeMap;
use std::sync::Arc;

use key_service::{Barrier, SealedKind};
use state::{Record, RecordKey, RecordKind};
use types::limits;

use super::StateStoreError;
use super::pack_key::{PackKey, PackSet};
use crate::codec::{begin_pack, encode_record, push_entry};

/// A pack that is ready to be written.
pub(super) struct SealedPack {
    pub(super) key: PackKey,
    pub(super) sealed: Vec<u8>,
}

/// Puts what a checkpoint says of records into packs of one kind each, and seals those that are full.
pub(super) struct PackWriter {
    barrier: Arc<Barrier>,
    checkpoint: u64,
    /// Packs under way.
    packs: BTreeMap<RecordKind, OpenPack>,
    /// The packs that were sealed, and the entries in them.
    pub(super) set: PackSet,
    pub(super) packed: u64,
}

struct OpenPack {
    first: RecordKey,
    last: RecordKey,
    entries: usize,
    bytes: Vec<u8>,
}

impl PackWriter {
    pub(super) fn new(barrier: Arc<Barrier>, checkpoint: u64) -> Self {
        Self { barrier, checkpoint, packs: BTreeMap::new(), set: PackSet::default(), packed: 0 }
    }

    /// Adds a record, or the removal of one; a pack that is full because of it.
    ///
    /// # Errors
    /// [`StateStoreError::OutOfOrder`] unless the keys of a kind come in their order.
    pub(super) fn push(
        &mut self,
        key: RecordKey,
        record: Option<&Record>,
    ) -> Result<Option<SealedPack>, StateStoreError> {
        let record = record.map(encode_record);
        self.packed += 1;
        let Some(pack) = self.packs.get_mut(&key.kind) else {
            self.packs.insert(key.kind, OpenPack::new(key, record));
            return Ok(None);
        };
        if key <= pack.last {
            return Err(StateStoreError::OutOfOrder(key));
        }
        let bytes = pack.bytes.len() + record.as_ref().map_or(0, Vec::len);
        if bytes <= limits::CHECKPOINT_PACK_BYTES && pack.entries < limits::CHECKPOINT_PACK_RECORDS {
            pack.push(key, record);
            return Ok(None);
        }
        let full = std::mem::replace(pack, OpenPack::new(key, record));
        Ok(Some(self.seal(&full)))
    }

    /// A pack that is not full; `None` once there is none.
    pub(super) fn finish_one(&mut self) -> Option<SealedPack> {
        self.packs.pop_first().map(|(_, pack)| self.seal(&pack))
    }

    fn seal(&mut self, pack: &OpenPack) -> SealedPack {
        let key = PackKey { checkpoint: self.checkpoint, first: pack.first };
        let encoded = key.encode();
        let sealed = self.barrier.seal(SealedKind::StateRecord, &encoded, &pack.bytes);
        self.set.add(&encoded, &sealed);
        SealedPack { key, sealed }
    }
}

impl OpenPack {
    fn new(key: RecordKey, record: Option<Vec<u8>>) -> Self {
        let mut pack = Self { first: key, last: key, entries: 0, bytes: begin_pack() };
        pack.push(key, record);
        pack
    }

    fn push(&mut self, key: RecordKey, record: Option<Vec<u8>>) {
        push_entry(&mut self.bytes, key, record);
        self.last = key;
        self.entries += 1;
    }
}

#[cfg(test)]
mod tests {
    use types::{ClusterId, Timestamp};

    use super::*;
    use crate::codec::decode_pack;

    fn key(kind: RecordKind, id: u64) -> RecordKey {
        RecordKey { kind, id, part: 0 }
    }

    fn record(time: u64) -> Record {
        Record::Counters { time: Timestamp::from_millis(time), next_uid: 1, forgotten_through: 0 }
    }

    fn writer() -> PackWriter {
        PackWriter::new(Arc::new(Barrier::ephemeral(ClusterId([1; 16]))), 5)
    }

    fn keys_of(writer: &PackWriter, SealedPack { key, sealed }: &SealedPack) -> Vec<RecordKey> {
        let pack = writer.barrier.open(SealedKind::StateRecord, &key.encode(), sealed).unwrap();
        let entries = decode_pack(key.first.kind, pack.to_vec().into()).unwrap();
        entries.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn kinds_that_come_among_each_other_have_packs_of_their_own() {
        let mut writer = writer();
        let (mut packs, mut expected) = (Vec::new(), Vec::new());
        let kinds = [RecordKind::Secret, RecordKind::Version];
        for id in 0..2_000 {
            for kind in kinds {
                expected.push(key(kind, id));
                packs.extend(writer.push(key(kind, id), (id % 3 > 0).then(|| record(id)).as_ref()).unwrap());
            }
        }
        packs.extend(std::iter::from_fn(|| writer.finish_one()));
        packs.sort_by_key(|pack| pack.key);
        expected.sort_unstable();
        let found: Vec<_> = packs.iter().map(|pack| keys_of(&writer, pack)).collect();
        assert!(found.iter().all(|keys| keys.len() <= limits::CHECKPOINT_PACK_RECORDS));
        assert!(packs.iter().zip(&found).all(|(pack, keys)| pack.key.checkpoint == 5 && keys[0] == pack.key.first));
        assert_eq!(found.len(), 2 * 2_000_usize.div_ceil(limits::CHECKPOINT_PACK_RECORDS));
        assert_eq!(found.concat(), expected);
        assert_eq!(writer.packed, 4_000);
    }

    #[test]
    fn records_of_a_kind_that_come_in_another_order_are_refused() {
        for (first, second) in [(2, 1), (2, 2)] {
            let mut writer = writer();
            writer.push(key(RecordKind::Secret, first), Some(&record(1))).unwrap();
            writer.push(key(RecordKind::Version, 0), None).unwrap();
            let refused = writer.push(key(RecordKind::Secret, second), None).err();
            assert!(matches!(refused, Some(StateStoreError::OutOfOrder(key)) if key.id == second), "{refused:?}");
        }
    }
}
