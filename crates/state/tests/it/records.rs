//! A state is the set of its records, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use state::{
    Change, DeleteMode, Record, RecordKey, RecordKind, Secret, SecretUid, State, StateBuilder, UnexpectedRecord,
};

use types::{Region, VersionId, limits};

use crate::fixture::{HOUR_MS, Node, token};

pub(crate) type Records = BTreeMap<RecordKey, Record>;

/// The records as a store would hold them; their order is that of the keys.
#[track_caller]
pub(crate) fn records_of(state: &State) -> Records {
    let records: Vec<_> = state.records().collect();
    assert!(records.is_sorted_by(|(a, _), (b, _)| a < b), "records are not in the order of their keys");
    assert!(records.iter().all(|(key, record)| record.is_of(*key)));
    records.into_iter().collect()
}

pub(crate) fn rebuilt(records: impl IntoIterator<Item = (RecordKey, Record)>) -> Result<State, UnexpectedRecord> {
    let mut builder = StateBuilder::default();
    for (key, record) in records {
        builder.push(key, record)?;
    }
    builder.finish()
}

/// The state with some of its records changed.
pub(crate) fn edited(state: &State, edit: impl Fn(RecordKey, &mut Record)) -> Result<State, UnexpectedRecord> {
    rebuilt(state.records().map(|(key, mut record)| {
        edit(key, &mut record);
        (key, record)
    }))
}

/// Writes the changes into a store; each key is written at most once, and is there before or not as its change says.
#[track_caller]
pub(crate) fn write(records: &mut Records, changes: Vec<Change>) {
    let mut written = BTreeSet::new();
    let mut last = BTreeMap::new();
    for change in changes {
        let (Change::Add(key, _) | Change::Update(key, _) | Change::Remove(key)) = change;
        assert!(written.insert(key), "{key:?} is written twice");
        if matches!(key.kind, RecordKind::Secret | RecordKind::Version | RecordKind::Proposal) {
            let before = last.insert(key.kind, key);
            assert!(before.is_none_or(|before| before < key), "{key:?} comes after {before:?}");
        }
        match change {
            Change::Add(_, record) => {
                assert!(records.insert(key, record).is_none(), "{key:?} is added and was there");
            }
            Change::Update(_, record) => {
                let before = records.insert(key, record.clone());
                assert!(before.is_some(), "{key:?} is updated and was not there");
                assert_ne!(before, Some(record), "{key:?} is written and has not changed");
            }
            Change::Remove(_) => assert!(records.remove(&key).is_some(), "{key:?} is removed and was not there"),
        }
    }
}

fn example() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.create("empty", "1", None).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT mine").unwrap();
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    node.create("b", "1", Some("v1")).unwrap();
    node.delete("b", DeleteMode::Window { days: 7 }).unwrap();
    node.create("c", "1", Some("v1")).unwrap();
    node.delete("c", DeleteMode::Force).unwrap();
    node
}

#[test]
fn a_state_is_rebuilt_from_its_records() {
    for state in [State::default(), Node::new().state, example().state] {
        assert_eq!(rebuilt(state.records()), Ok(state.clone()));
        assert_eq!(rebuilt(records_of(&state)), Ok(state));
    }
}

#[test]
fn a_rebuilt_state_goes_on_like_the_original() {
    let mut original = example();
    let mut copy = Node { state: rebuilt(original.state.records()).unwrap(), ..original.clone() };
    for node in [&mut original, &mut copy] {
        node.put("a", "4", "v4", "AWSCURRENT").unwrap();
        node.create("c", "1", Some("v1")).unwrap();
    }
    assert_eq!(original.state, copy.state);
}

#[test]
fn a_record_that_another_one_needs_is_noticed_when_it_is_missing() {
    let state = example().state;
    let all: Vec<_> = state.records().collect();
    let optional = [RecordKind::Proposal, RecordKind::AccessKey, RecordKind::Binding];
    for left_out in 0..all.len() {
        let (key, record) = &all[left_out];
        let empty = matches!(record, Record::Secret(secret) if secret.versions.is_empty());
        let rest = all.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, record)| record.clone());
        assert_eq!(rebuilt(rest).is_ok(), empty || optional.contains(&key.kind), "{key:?}");
    }
}

#[test]
fn a_record_out_of_place_is_named() {
    let all: Vec<_> = example().state.records().collect();
    for at in 1..all.len() {
        let mut swapped = all.clone();
        swapped.swap(at - 1, at);
        assert!(rebuilt(swapped).is_err());
        let mut doubled = all.clone();
        doubled.insert(at, all[at - 1].clone());
        let why = "is out of order";
        assert_eq!(rebuilt(doubled), Err(UnexpectedRecord { key: all[at - 1].0, why }));
        let mut renamed = all.clone();
        renamed[at].0.id += 1000;
        assert!(rebuilt(renamed).is_err());
    }
}

#[test]
fn a_record_that_contradicts_another_is_refused() {
    let state = example().state;
    let uid = |name: &str| {
        let found = state.records().find_map(|(key, record)| match record {
            Record::Secret(record) if record.secret.name.as_str() == name => Some(key),
            _ => None,
        });
        found.unwrap()
    };
    let changed = |key: RecordKey, change: &dyn Fn(&mut Secret)| {
        edited(&state, |found, record| match record {
            Record::Secret(record) if found == key => change(Arc::make_mut(&mut record.secret)),
            _ => {}
        })
    };
    let (a, b) = (uid("a"), uid("b"));
    let arn_of_b = state.secret(SecretUid(b.id)).unwrap().arn.clone();
    let name_of_a = state.secret(SecretUid(a.id)).unwrap().name.clone();
    assert!(changed(a, &|_| {}).is_ok());
    assert!(changed(b, &|secret| secret.name = name_of_a.clone()).is_err());
    assert!(changed(a, &|secret| secret.arn = arn_of_b.clone()).is_err());
    assert!(changed(a, &|secret| secret.labels.reverse()).is_err());
    assert!(changed(a, &|secret| secret.labels[0].1 = token("nowhere")).is_err());
    assert!(changed(a, &|secret| drop(secret.labels.remove(0))).is_err());
    assert!(changed(a, &|secret| secret.next_part = 0).is_err());
    assert!(changed(a, &|secret| secret.created = secret.created.next()).is_err());
}

#[test]
fn changes_name_only_what_differs() {
    let mut node = example();
    let before = node.state.clone();
    assert_eq!(node.state.changes_since(&before).count(), 0);
    node.put("a", "4", "v4", "AWSCURRENT").unwrap();
    let mut kinds: Vec<_> = node
        .state
        .changes_since(&before)
        .map(|change| match change {
            Change::Add(key, _) | Change::Update(key, _) => key.kind,
            Change::Remove(key) => panic!("{key:?} is removed"),
        })
        .collect();
    kinds.sort();
    // Log time stood still, and the older versions are as they were.
    assert_eq!(kinds, [RecordKind::Secret, RecordKind::Version, RecordKind::Proposal]);
}

#[test]
fn a_version_that_made_room_is_removed_from_the_records() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    for version in 2..=limits::VERSIONS_PER_SECRET {
        node.put("a", &version.to_string(), "v", "AWSCURRENT").unwrap();
    }
    let before = node.state.clone();
    node.pass(25 * HOUR_MS);
    node.put("a", "x", "v", "AWSCURRENT").unwrap();
    node.put("a", "y", "v", "AWSCURRENT").unwrap();
    let changes: Vec<_> = node.state.changes_since(&before).collect();
    let removed = |change: &&Change| matches!(change, Change::Remove(key) if key.kind == RecordKind::Version);
    assert_eq!(changes.iter().filter(removed).count(), 2);
    let mut records = records_of(&before);
    write(&mut records, changes);
    assert_eq!(records, records_of(&node.state));
    assert_eq!(rebuilt(records), Ok(node.state));
}

#[test]
fn changes_lead_from_any_state_to_any_other() {
    let mut later = example();
    later.pass(HOUR_MS);
    later.delete("a", DeleteMode::Force).unwrap();
    later.create("a", "9", Some("v")).unwrap();
    let states = [State::default(), Node::new().state, example().state, later.state];
    for from in &states {
        for to in &states {
            let mut records = records_of(from);
            write(&mut records, to.changes_since(from).collect());
            assert_eq!(records, records_of(to));
        }
    }
}

#[test]
fn a_state_that_was_put_together_holds_each_version_id_and_region_once() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.create("b", "1", Some("v")).unwrap();
    // As they come from a disk: every text by itself.
    let state = edited(&node.state, |_, record| {
        let Record::Secret(record) = record else { return };
        let secret = Arc::make_mut(&mut record.secret);
        secret.create_token = VersionId::parse(secret.create_token.as_str()).unwrap();
        secret.labels.iter_mut().for_each(|(_, id)| *id = VersionId::parse(id.as_str()).unwrap());
        secret.namespace.region = Region::parse(secret.namespace.region.as_str()).unwrap();
    });
    let state = state.unwrap();
    assert_eq!(state, node.state);
    let (_, index) = state.namespaces().next().unwrap();
    let secrets: Vec<_> = index.by_creation.iter().collect();
    let [a, b] = [0, 1].map(|at| state.secret(*secrets[at]).unwrap());
    let id = a.versions[0].version.id.as_str().as_ptr();
    assert_eq!([a.create_token.as_str().as_ptr(), a.labels[0].1.as_str().as_ptr()], [id; 2]);
    assert_eq!(a.namespace.region.as_str().as_ptr(), b.namespace.region.as_str().as_ptr());
}
