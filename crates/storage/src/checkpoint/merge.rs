//! The newest of what packs say of each record.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec;

use state::{Record, RecordKey};

use super::Damage;
use super::pack_key::PackKey;

/// A decoded pack.
pub(super) struct Pack {
    pub(super) key: PackKey,
    /// What it says of records, in the order of their keys: what they are, or that they are gone.
    pub(super) entries: Vec<(RecordKey, Option<Record>)>,
}

/// What has not been read of a pack.
type Rest = Peekable<vec::IntoIter<(RecordKey, Option<Record>)>>;

/// Takes packs in the order of their first records, and gives each record as the newest checkpoint has it, in the order
/// of the keys. It holds one pack of each checkpoint.
///
/// # Errors
/// An error in place of a pack, one of `take`, and [`Damage::Misplaced`] for a pack that begins before the end of another
/// one of its checkpoint.
pub(super) fn merge(
    packs: impl Iterator<Item = Result<Pack, Damage>>,
    mut take: impl FnMut(RecordKey, Record) -> Result<(), Damage>,
) -> Result<(), Damage> {
    let mut packs = packs.peekable();
    // By their next records, the newest checkpoint first.
    let mut open = BTreeMap::<(RecordKey, Reverse<u64>), Rest>::new();
    let mut last = None;
    loop {
        let next_open = open.keys().next().map(|(key, _)| *key);
        let begins = |pack: &Result<Pack, Damage>| {
            pack.as_ref().map_or(true, |pack| next_open.is_none_or(|next| pack.key.first <= next))
        };
        if let Some(pack) = packs.next_if(begins) {
            let Pack { key: PackKey { checkpoint, first }, entries } = pack?;
            if open.keys().any(|(_, Reverse(other))| *other == checkpoint) {
                return Err(Damage::Misplaced { checkpoint, first });
            }
            open.insert((first, Reverse(checkpoint)), entries.into_iter().peekable());
            continue;
        }
        let Some(((_, checkpoint), mut rest)) = open.pop_first() else { return Ok(()) };
        // Up to there no other pack has a say.
        let end = open.keys().map(|(key, _)| *key).next();
        let end = end.into_iter().chain(packs.peek().and_then(first_of)).min();
        let mut is_first = true;
        while let Some((key, record)) =
            rest.next_if(|(key, _)| std::mem::take(&mut is_first) || end.is_none_or(|end| *key < end))
        {
            // An older checkpoint's.
            let is_superseded = last.replace(key) == Some(key);
            if let Some(record) = record.filter(|_| !is_superseded) {
                take(key, record)?;
            }
        }
        if let Some((key, _)) = rest.peek() {
            open.insert((*key, checkpoint), rest);
        }
    }
}

fn first_of(pack: &Result<Pack, Damage>) -> Option<RecordKey> {
    pack.as_ref().ok().map(|pack| pack.key.first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use state::RecordKind;

    use super::*;

    fn key(id: u64) -> RecordKey {
        RecordKey { kind: RecordKind::Proposal, id, part: 0 }
    }

    /// Any record will do; it tells which checkpoint said it.
    fn record(number: u64) -> Record {
        Record::Counters { time: types::Timestamp::from_millis(number), next_uid: 0, forgotten_through: 0 }
    }

    fn pack(checkpoint: u64, ids: &[u64]) -> Pack {
        let entries: Vec<_> = ids.iter().map(|id| (key(*id), Some(record(checkpoint)))).collect();
        Pack { key: PackKey { checkpoint, first: entries[0].0 }, entries }
    }

    fn merged(packs: Vec<Pack>) -> Result<Vec<(RecordKey, Record)>, Damage> {
        let mut taken = Vec::new();
        merge(packs.into_iter().map(Ok), |key, record| {
            taken.push((key, record));
            Ok(())
        })?;
        Ok(taken)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn the_newest_checkpoint_wins(
            checkpoints in vec(btree_map(0..30_u64, any::<bool>(), 0..20), 1..8), pack_entries in 1..6_usize,
        ) {
            let mut packs = Vec::new();
            let mut expected = BTreeMap::new();
            for (checkpoint, said) in (0..).zip(&checkpoints) {
                let entry = |(id, is_there): (&u64, &bool)| (key(*id), is_there.then(|| record(checkpoint)));
                let entries: Vec<_> = said.iter().map(entry).collect();
                expected.extend(entries.iter().cloned());
                packs.extend(entries.chunks(pack_entries).map(|entries| Pack {
                    key: PackKey { checkpoint, first: entries[0].0 },
                    entries: entries.to_vec(),
                }));
            }
            packs.sort_by_key(|pack| pack.key.first);
            let expected: Vec<_> = expected.into_iter().filter_map(|(key, record)| Some((key, record?))).collect();
            prop_assert_eq!(merged(packs), Ok(expected));
        }
    }

    #[test]
    fn packs_of_one_checkpoint_that_overlap_are_refused() {
        let misplaced = |first| Err(Damage::Misplaced { checkpoint: 5, first: key(first) });
        assert_eq!(merged(vec![pack(5, &[1, 4]), pack(5, &[3])]), misplaced(3));
        assert_eq!(merged(vec![pack(5, &[1, 3]), pack(5, &[3])]), misplaced(3));
        assert_eq!(merged(vec![pack(5, &[1]), pack(5, &[1])]), misplaced(1));
        assert_eq!(merged(vec![pack(5, &[1, 4]), pack(6, &[2]), pack(5, &[3])]), misplaced(3));
        merged(vec![pack(5, &[1, 4]), pack(6, &[2, 5]), pack(5, &[7])]).unwrap();
    }

    #[test]
    fn damage_in_place_of_a_pack_is_reported() {
        let packs = [Ok(pack(5, &[1, 9])), Err(Damage::OtherPacks), Ok(pack(5, &[20]))];
        let mut taken = Vec::new();
        let damage = merge(packs.into_iter(), |key, _| {
            taken.push(key.id);
            Ok(())
        });
        assert_eq!(damage, Err(Damage::OtherPacks));
        assert!(taken.iter().all(|id| *id < 9), "{taken:?}");
    }
}
