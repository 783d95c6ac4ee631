//! The keys of the engine, and the digest of a set of packs.
//!
//! A pack's key is `'p' | checkpoint u64 | kind u8 | id u64 | part u64`, integers big-endian: the packs of a checkpoint
//! stand together, in the order of their first records, which the rest of the key names. Its value is a barrier record
//! under this key (`codec/pack.rs`). Packs are never overwritten.

use std::ops::Bound;

use sha2::{Digest, Sha256};
use state::RecordKey;

use crate::codec::record_kind;

/// The key whose change makes a checkpoint the current one.
pub(super) const HEAD: &[u8] = b"head";

const PACK: u8 = b'p';
const CHECKPOINT_BYTES: usize = 1 + 8;
const KEY_BYTES: usize = CHECKPOINT_BYTES + 1 + 8 + 8;
const TAG_BYTES: usize = 16;

/// The name of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackKey {
    pub(super) checkpoint: u64,
    /// The first record in it; the others are of the same kind.
    pub(super) first: RecordKey,
}

impl PackKey {
    pub(super) fn encode(self) -> [u8; KEY_BYTES] {
        let mut key = [self.first.kind as u8; KEY_BYTES];
        key[..CHECKPOINT_BYTES].copy_from_slice(&of_checkpoint(self.checkpoint));
        key[10..18].copy_from_slice(&self.first.id.to_be_bytes());
        key[18..].copy_from_slice(&self.first.part.to_be_bytes());
        key
    }

    /// Reads a key; `None` when it is not one.
    pub(super) fn decode(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let (&PACK, rest) = key.split_first()? else { return None };
        let (checkpoint, rest) = rest.split_first_chunk()?;
        let (&kind, rest) = rest.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (part, _) = rest.split_first_chunk()?;
        let first =
            RecordKey { kind: record_kind(kind)?, id: u64::from_be_bytes(*id), part: u64::from_be_bytes(*part) };
        Some(Self { checkpoint: u64::from_be_bytes(*checkpoint), first })
    }
}

/// A range of keys of the engine.
pub(super) type Keys = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What the keys of all packs of a checkpoint begin with.
pub(super) fn of_checkpoint(checkpoint: u64) -> [u8; CHECKPOINT_BYTES] {
    let mut prefix = [PACK; CHECKPOINT_BYTES];
    prefix[1..].copy_from_slice(&checkpoint.to_be_bytes());
    prefix
}

/// Where the keys of packs stand that are no part of the checkpoints from `base` to `checkpoint`.
pub(super) fn of_other_checkpoints(base: u64, checkpoint: u64) -> [Keys; 2] {
    // No checkpoint comes after the last number, so none is lost where there is no next one.
    let after = checkpoint.checked_add(1).map_or_else(|| vec![PACK + 1], |next| of_checkpoint(next).to_vec());
    [
        (Bound::Included(vec![PACK]), Bound::Excluded(of_checkpoint(base).to_vec())),
        (Bound::Included(after), Bound::Excluded(vec![PACK + 1])),
    ]
}

/// Where there is to be no key at all.
pub(super) fn of_nothing() -> [Keys; 3] {
    [
        (Bound::Unbounded, Bound::Excluded(HEAD.to_vec())),
        (Bound::Excluded(HEAD.to_vec()), Bound::Excluded(vec![PACK])),
        (Bound::Included(vec![PACK + 1]), Bound::Unbounded),
    ]
}

/// A digest of a set of packs that can be kept up to date: the sum, modulo 2^256, of the SHA-256 of each pack's key and
/// authentication tag.
///
/// It tells lost and exchanged packs. An attacker could find another set with the same sum, but could not make its
/// packs: each is sealed by the barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackSet([u64; 4]);

impl PackSet {
    pub(super) fn add(&mut self, key: &[u8], sealed: &[u8]) {
        let tag = sealed.last_chunk::<TAG_BYTES>().map_or(sealed, |tag| tag.as_slice());
        self.add_all(Self::from_bytes(&Sha256::new().chain_update(key).chain_update(tag).finalize().into()));
    }

    /// Adds a set that has no pack of this one.
    pub(super) fn add_all(&mut self, other: Self) {
        let mut carry = false;
        for (limb, term) in self.0.iter_mut().zip(other.0) {
            (*limb, carry) = limb.carrying_add(term, carry);
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// Reads the number's digits to the base 2^64, the lowest first.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, digits) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*digits);
        }
        Self(limbs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::strategies;

    fn pack_key() -> impl Strategy<Value = PackKey> {
        (prop_oneof![0..3_u64, any::<u64>()], strategies::record_key())
            .prop_map(|(checkpoint, first)| PackKey { checkpoint, first })
    }

    fn holds(keys: &Keys, key: &[u8]) -> bool {
        std::ops::RangeBounds::<Vec<u8>>::contains(keys, &key.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_read_as_written_and_sorted_as_they_mean(one in pack_key(), other in pack_key()) {
            prop_assert_eq!(PackKey::decode(&one.encode()), Some(one));
            prop_assert_eq!(one.encode().cmp(&other.encode()), one.cmp(&other));
            prop_assert!(one.encode().starts_with(&of_checkpoint(one.checkpoint)));
        }

        #[test]
        fn every_key_is_of_one_range(key in pack_key(), base in 0..4_u64, more in prop_oneof![0..4_u64, Just(u64::MAX - 4)]) {
            let checkpoint = base + more;
            let is_other = of_other_checkpoints(base, checkpoint).iter().any(|keys| holds(keys, &key.encode()));
            prop_assert_eq!(is_other, !(base..=checkpoint).contains(&key.checkpoint));
            prop_assert!(!of_nothing().iter().any(|keys| holds(keys, &key.encode()) || holds(keys, HEAD)));
        }

        #[test]
        fn the_digest_of_a_set_does_not_know_how_it_came_about(packs: Vec<(Vec<u8>, [u8; 16])>, others: Vec<[u8; 16]>) {
            let (mut set, mut reversed, mut part) = (PackSet::default(), PackSet::default(), PackSet::default());
            packs.iter().for_each(|(key, tag)| set.add(key, tag));
            others.iter().for_each(|tag| set.add(b"other", tag));
            others.iter().for_each(|tag| part.add(b"other", tag));
            packs.iter().rev().for_each(|(key, tag)| reversed.add(key, tag));
            reversed.add_all(part);
            prop_assert_eq!(set, reversed);
            prop_assert_eq!(PackSet::from_bytes(&set.to_bytes()), set);
            if let Some((key, tag)) = packs.first() {
                set.add(key, tag);
                prop_assert_ne!(set, reversed);
            }
        }
    }

    #[test]
    fn what_is_no_key_of_a_pack_is_not_read_as_one() {
        let first = RecordKey { kind: state::RecordKind::Version, id: 1, part: 2 };
        let key = PackKey { checkpoint: 3, first }.encode();
        assert!(PackKey::decode(&key).is_some());
        assert_eq!(PackKey::decode(&key[..key.len() - 1]), None);
        assert_eq!(PackKey::decode(&[&key[..], &[0]].concat()), None);
        for (place, byte) in [(0, b'q'), (9, 0), (9, 99)] {
            let mut other = key;
            other[place] = byte;
            assert_eq!(PackKey::decode(&other), None);
        }
        assert_eq!(PackKey::decode(HEAD), None);
        for stray in [&b""[..], b"hea", b"heae", b"r", b"q", b"stray"] {
            assert!(of_nothing().iter().any(|keys| holds(keys, stray)), "{stray:?}");
        }
    }
}
