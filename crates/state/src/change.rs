//! What became of the records between two states: what an incremental checkpoint writes.

use std::cmp::Ordering;
use std::iter;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use crate::record::{Record, RecordKey, RecordKind};
use crate::secret::{Secret, SecretUid, VersionEntry};
use crate::state::State;

/// One difference between two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record is new.
    Add(RecordKey, Record),
    /// The record was there and is another one now.
    Update(RecordKey, Record),
    /// The record is gone.
    Remove(RecordKey),
}

impl Change {
    fn add((key, record): (RecordKey, Record)) -> Self {
        Self::Add(key, record)
    }

    fn update((key, record): (RecordKey, Record)) -> Self {
        Self::Update(key, record)
    }
}

impl State {
    /// What turns the records of `earlier` into those of this state, each key at most once, in the same order
    /// on every node.
    ///
    /// Secrets, versions and results of proposals come in the order of their keys, each kind for itself.
    ///
    /// It holds for any two states. The cost is that of the difference when one was made from the other by
    /// `apply`: what they share is skipped by address.
    pub fn changes_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = Change> + Send + use<'a> {
        let counters = Some(self.counters()).filter(|counters| *counters != earlier.counters());
        counters
            .map(Change::update)
            .into_iter()
            .chain(single_change(&earlier.cluster, &self.cluster, RecordKind::Cluster, Record::cluster))
            .chain(map_changes(&earlier.access_keys, &self.access_keys, Record::access_key))
            .chain(map_changes(&earlier.bindings, &self.bindings, Record::binding))
            .chain(map_changes(&earlier.keys, &self.keys, Record::encryption_key))
            .chain(earlier.secrets.diff(&self.secrets).flat_map(secret_changes))
            .chain(map_changes(&earlier.proposals.by_index, &self.proposals.by_index, |r| Record::proposal(r)))
            .chain(map_changes(&earlier.boots, &self.boots, Record::node_boot))
            .chain(map_changes(&earlier.policies, &self.policies, Record::resource_policy))
            .chain(map_changes(&earlier.replicas, &self.replicas, Record::replica))
            .chain(map_changes(&earlier.aliases.by_uid, &self.aliases.by_uid, Record::alias))
            .chain(map_changes(&earlier.grants.by_uid, &self.grants.by_uid, Record::grant))
            .chain(map_changes(&earlier.destroyed_keys.by_uid, &self.destroyed_keys.by_uid, Record::destroyed_key))
            .chain(map_changes(&earlier.rewraps, &self.rewraps, Record::rewrap))
            .chain(single_change(&earlier.keyring, &self.keyring, RecordKind::Keyring, Record::keyring))
    }
}

/// The change of a record that there is one of at most.
fn single_change<V: PartialEq>(
    earlier: &Option<Arc<V>>,
    later: &Option<Arc<V>>,
    kind: RecordKind,
    record: fn(&Arc<V>) -> (RecordKey, Record),
) -> Option<Change> {
    if later == earlier {
        return None;
    }
    let put = if earlier.is_some() { Change::update } else { Change::add };
    let gone = Change::Remove(RecordKey::single(kind));
    Some(later.as_ref().map_or(gone, |later| put(record(later))))
}

/// The changes of a map whose every value is one record.
fn map_changes<'a, K: Ord, V: PartialEq>(
    earlier: &'a OrdMap<K, Arc<V>>,
    later: &'a OrdMap<K, Arc<V>>,
    record: fn(&Arc<V>) -> (RecordKey, Record),
) -> impl Iterator<Item = Change> + use<'a, K, V> {
    earlier.diff(later).flat_map(move |item| {
        let (old, new) = values(item);
        let (old, new) = (old.map(record), new.map(record));
        // Under the same name there may stand another number by now.
        let (old, new_key) = (old.map(|(key, _)| key), new.as_ref().map(|(key, _)| *key));
        let put = if old == new_key { Change::update } else { Change::add };
        let gone = old.filter(|key| new_key != Some(*key));
        gone.map(Change::Remove).into_iter().chain(new.map(put))
    })
}

fn secret_changes(item: DiffItem<'_, '_, SecretUid, Arc<Secret>>) -> Vec<Change> {
    match values(item) {
        (None, None) => Vec::new(),
        (None, Some(new)) => {
            let versions = new.versions.iter().map(|entry| Change::add(version_record(new, entry)));
            iter::once(Change::add(Record::secret(new))).chain(versions).collect()
        }
        (Some(old), None) => {
            let secret = RecordKey::numbered(RecordKind::Secret, old.uid.0);
            let versions = old.versions.iter().map(|entry| version_removal(old, entry));
            iter::once(Change::Remove(secret)).chain(versions).collect()
        }
        (Some(old), Some(new)) => {
            // A version that was wrapped anew leaves the rest of its secret as it was.
            let is_same = || Record::secret(old) == Record::secret(new);
            let has_changed = old.last_changed != new.last_changed || !is_same();
            let mut changes: Vec<_> = has_changed.then(|| Change::update(Record::secret(new))).into_iter().collect();
            version_changes(old, new, &mut changes);
            changes
        }
    }
}

/// Merges the versions of two states of one secret, both in the order of their parts.
fn version_changes(old: &Secret, new: &Secret, changes: &mut Vec<Change>) {
    let mut olds = old.versions.iter().peekable();
    let mut news = new.versions.iter().peekable();
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.version.part.cmp(&new.version.part),
        };
        let gone = olds.next_if(|_| order.is_le());
        let kept = news.next_if(|_| order.is_ge());
        match (gone, kept) {
            (Some(gone), None) => changes.push(version_removal(old, gone)),
            (None, Some(kept)) => changes.push(Change::add(version_record(new, kept))),
            (Some(was), Some(is)) if was.version != is.version => {
                changes.push(Change::update(version_record(new, is)));
            }
            _ => {}
        }
    }
}

fn version_record(secret: &Secret, entry: &VersionEntry) -> (RecordKey, Record) {
    Record::version(secret.uid, &entry.version)
}

fn version_removal(secret: &Secret, entry: &VersionEntry) -> Change {
    Change::Remove(RecordKey::of_version(secret.uid, entry.version.part))
}

/// The value before and after.
fn values<'a, 'b, K, V>(item: DiffItem<'a, 'b, K, V>) -> (Option<&'a V>, Option<&'b V>) {
    match item {
        DiffItem::Add(_, new) => (None, Some(new)),
        DiffItem::Update { old: (_, old), new: (_, new) } => (Some(old), Some(new)),
        DiffItem::Remove(_, old) => (Some(old), None),
    }
}
