//! The keys of the engine, and the digest of the set of them.
//!
//! An entry's key is `'r' | kind u8 | id u64 | part u64 | checkpoint u64 | removed u8`, integers big-endian: the
//! entries of a record stand together, the newest last. Its value is a barrier record under this key, empty for an
//! entry that says that the record is gone. Entries are never overwritten.

use sha2::{Digest, Sha256};
use state::RecordKey;

use crate::codec::record_kind;

/// The key whose change makes a checkpoint the current one.
pub(super) const HEAD: &[u8] = b"head";

const RECORD: u8 = b'r';
const PREFIX_BYTES: usize = 1 + 1 + 8 + 8;
const KEY_BYTES: usize = PREFIX_BYTES + 8 + 1;
const TAG_BYTES: usize = 16;

/// One record as of one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryKey {
    pub(super) record: RecordKey,
    pub(super) checkpoint: u64,
    /// The record was removed by this checkpoint.
    pub(super) removed: bool,
}

impl EntryKey {
    pub(super) fn encode(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..PREFIX_BYTES].copy_from_slice(&record_prefix(self.record));
        key[PREFIX_BYTES..KEY_BYTES - 1].copy_from_slice(&self.checkpoint.to_be_bytes());
        key[KEY_BYTES - 1] = u8::from(self.removed);
        key
    }

    /// Reads a key; `None` when it is not one.
    pub(super) fn decode(key: &[u8]) -> Option<Self> {
        let (&RECORD, rest) = key.split_first()? else { return None };
        let (&kind, rest) = rest.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (part, rest) = rest.split_first_chunk()?;
        let (checkpoint, rest) = rest.split_first_chunk()?;
        let removed = match rest {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let record =
            RecordKey { kind: record_kind(kind)?, id: u64::from_be_bytes(*id), part: u64::from_be_bytes(*part) };
        Some(Self { record, checkpoint: u64::from_be_bytes(*checkpoint), removed })
    }
}

/// What the keys of all entries of a record begin with.
pub(super) fn record_prefix(key: RecordKey) -> [u8; PREFIX_BYTES] {
    let mut prefix = [RECORD; PREFIX_BYTES];
    prefix[1] = key.kind as u8;
    prefix[2..10].copy_from_slice(&key.id.to_be_bytes());
    prefix[10..].copy_from_slice(&key.part.to_be_bytes());
    prefix
}

/// A digest of a set of entries that can be kept up to date: the sum, modulo 2^256, of the SHA-256 of each entry's
/// key and authentication tag.
///
/// It tells lost and exchanged entries. An attacker could find another set with the same sum, but could not make its
/// entries: each is sealed by the barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EntrySet([u64; 4]);

impl EntrySet {
    pub(super) fn add(&mut self, key: &[u8], sealed: &[u8]) {
        self.add_all(Self(term(key, sealed)));
    }

    /// Adds a set that has no entry of this one.
    pub(super) fn add_all(&mut self, other: Self) {
        let mut carry = false;
        for (limb, term) in self.0.iter_mut().zip(other.0) {
            (*limb, carry) = limb.carrying_add(term, carry);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8], sealed: &[u8]) {
        let mut borrow = false;
        for (limb, term) in self.0.iter_mut().zip(term(key, sealed)) {
            (*limb, borrow) = limb.borrowing_sub(term, borrow);
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(limbs(bytes))
    }
}

fn term(key: &[u8], sealed: &[u8]) -> [u64; 4] {
    let tag = sealed.last_chunk::<TAG_BYTES>().map_or(sealed, |tag| tag.as_slice());
    limbs(&Sha256::new().chain_update(key).chain_update(tag).finalize().into())
}

/// The number's digits to the base 2^64, the lowest first.
fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, digits) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*digits);
    }
    limbs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::strategies;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_read_as_written_and_sorted_as_their_records(
            one in strategies::record_key(), other in strategies::record_key(), numbers: (u64, u64), removed: bool,
        ) {
            let one = EntryKey { record: one, checkpoint: numbers.0, removed };
            let other = EntryKey { record: other, checkpoint: numbers.1, removed: false };
            prop_assert_eq!(EntryKey::decode(&one.encode()), Some(one));
            prop_assert_eq!(one.encode().cmp(&other.encode()), one.cmp(&other));
            prop_assert!(one.encode().starts_with(&record_prefix(one.record)));
        }

        #[test]
        fn the_digest_of_a_set_does_not_know_how_it_came_about(entries: Vec<(Vec<u8>, [u8; 16])>, gone: Vec<[u8; 16]>) {
            let mut set = EntrySet::default();
            entries.iter().for_each(|(key, tag)| set.add(key, tag));
            let mut other = EntrySet::default();
            let mut part = EntrySet::default();
            gone.iter().for_each(|tag| part.add(b"gone", tag));
            other.add_all(part);
            entries.iter().rev().for_each(|(key, tag)| other.add(key, tag));
            gone.iter().for_each(|tag| other.remove(b"gone", tag));
            prop_assert_eq!(set, other);
            prop_assert_eq!(EntrySet::from_bytes(&set.to_bytes()), set);
        }
    }

    #[test]
    fn what_is_no_key_of_an_entry_is_not_read_as_one() {
        let key = EntryKey {
            record: RecordKey { kind: state::RecordKind::Version, id: 1, part: 2 },
            checkpoint: 3,
            removed: false,
        };
        let key = key.encode();
        assert!(EntryKey::decode(&key).is_some());
        assert_eq!(EntryKey::decode(&key[..key.len() - 1]), None);
        assert_eq!(EntryKey::decode(&[&key[..], &[0]].concat()), None);
        for (place, byte) in [(0, b's'), (1, 0), (1, 99), (KEY_BYTES - 1, 2)] {
            let mut other = key;
            other[place] = byte;
            assert_eq!(EntryKey::decode(&other), None);
        }
        assert_eq!(EntryKey::decode(HEAD), None);
    }
}
