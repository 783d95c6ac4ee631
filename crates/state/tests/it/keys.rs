//! The life of keys: what may be done in which state, and what is left of them.

use std::sync::Arc;

use state::{
    Alias, Applied, Command, CreateKey, DestroyedKey, EncryptionKey, Grant, KeyChange, KeyManager, KeyRefusal,
    KeyState, PurgeKeys, PutSecretValue, Record, RecordKey, RecordKind, Refusal, RewrapJob, RotationKind, SetKeyring,
};
use types::{Namespace, Principal, Region, Tag, Timestamp, limits};

use crate::fixture::{DEFAULT_KEY, HOUR_MS, Node, START, account, namespace, namespace_of};
use crate::key_words::{
    alias, bytes, create_key_command, grant, grant_id, key, refused_by_key, rotate, sealed_under, terms,
};
use crate::records::{edited, rebuilt};

const DAY_MS: u64 = 24 * HOUR_MS;

fn tag(number: usize) -> Tag {
    Tag { key: format!("k{number}").into(), value: "v".into() }
}

#[test]
fn a_key_is_found_in_its_region_and_the_key_of_the_bootstrap_in_every_one() {
    let mut node = Node::new();
    let one = node.create_key(2);
    let other = CreateKey { namespace: namespace_of("eu-west-1"), ..create_key_command(9) };
    node.run(Command::CreateKey(other)).unwrap();
    let found =
        |namespace: &Namespace, after| node.state.keys_in(namespace, after).map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(found(&namespace(), None), [one, DEFAULT_KEY]);
    assert_eq!(found(&namespace_of("eu-west-1"), None), [DEFAULT_KEY, key(9)]);
    assert_eq!(found(&namespace_of("eu-west-1"), Some(&DEFAULT_KEY)), [key(9)]);
    assert_eq!(found(&namespace(), Some(&one)), [DEFAULT_KEY]);
    let stranger = Namespace { account: "000000000001".parse().unwrap(), region: Region::parse("us-east-1").unwrap() };
    assert_eq!(found(&stranger, None), []);

    let made = node.key(one);
    assert_eq!((made.created, made.manager, made.state), (START, KeyManager::Customer, KeyState::Enabled));
    assert_eq!((made.newest_material(), made.changed_at), (1, 2));
    assert!(made.is_found_in(&namespace()) && !made.is_found_in(&namespace_of("eu-west-1")));
    assert_eq!(node.key(DEFAULT_KEY).manager, KeyManager::Service);
}

#[test]
fn an_id_that_is_taken_is_drawn_again() {
    let mut node = Node::new();
    node.create_key(2);
    assert_eq!(node.run(Command::CreateKey(create_key_command(2))), Err(Refusal::Conflict));
    assert_eq!(
        node.run(Command::CreateKey(CreateKey { key: DEFAULT_KEY, ..create_key_command(2) })),
        Err(Refusal::Conflict)
    );
}

/// AWS's table of key states, operation by operation.
#[test]
fn each_change_is_refused_in_the_states_that_the_table_says() {
    use KeyRefusal::{Disabled, NotPendingDeletion, PendingDeletion};

    let reader = terms(None, "reader", None);
    let changes: [(KeyChange, [Option<KeyRefusal>; 3]); 14] = [
        (KeyChange::Enable, [None, None, Some(PendingDeletion)]),
        (KeyChange::Disable, [None, None, Some(PendingDeletion)]),
        (KeyChange::Description("d".into()), [None, None, Some(PendingDeletion)]),
        (KeyChange::Tag(vec![tag(1)]), [None, None, Some(PendingDeletion)]),
        (KeyChange::Untag(vec!["k".into()]), [None, None, Some(PendingDeletion)]),
        (KeyChange::ScheduleDeletion { window_days: 7 }, [None, None, Some(PendingDeletion)]),
        (KeyChange::CancelDeletion, [Some(NotPendingDeletion), Some(NotPendingDeletion), None]),
        (KeyChange::Rotation(Some(90)), [None, Some(Disabled), Some(PendingDeletion)]),
        (KeyChange::Rotation(None), [None, Some(Disabled), Some(PendingDeletion)]),
        (rotate(2, RotationKind::OnDemand), [None, Some(Disabled), Some(PendingDeletion)]),
        (grant(1, &reader), [None, Some(Disabled), Some(PendingDeletion)]),
        (KeyChange::Revoke(grant_id(0)), [None, None, None]),
        (KeyChange::Retire(grant_id(0)), [None, None, None]),
        (KeyChange::Policy("{ }".into()), [None, None, None]),
    ];
    let states = [None, Some(KeyChange::Disable), Some(KeyChange::ScheduleDeletion { window_days: 7 })];
    for (change, expected) in changes {
        for (brought_by, expected) in states.iter().zip(expected) {
            let mut node = Node::new();
            let id = node.create_key(1);
            node.change_key(id, grant(0, &reader)).unwrap();
            if let Some(before) = brought_by {
                node.change_key(id, before.clone()).unwrap();
            }
            let before = node.key(id).clone();
            let outcome = node.change_key(id, change.clone());
            match expected {
                None => assert!(outcome.is_ok(), "{change:?} after {brought_by:?}: {outcome:?}"),
                Some(refusal) => {
                    assert_eq!(refused_by_key(&outcome), refusal, "{change:?} after {brought_by:?}");
                    assert_eq!(*node.key(id), before);
                }
            }
        }
    }
}

#[test]
fn a_key_of_the_service_is_nobodys_to_change() {
    let mut node = Node::new();
    for change in [
        KeyChange::Enable,
        KeyChange::Disable,
        KeyChange::Description("d".into()),
        KeyChange::ScheduleDeletion { window_days: 7 },
        KeyChange::CancelDeletion,
        KeyChange::Rotation(None),
        rotate(2, RotationKind::OnDemand),
        KeyChange::Policy("{}".into()),
        KeyChange::Tag(vec![tag(1)]),
        KeyChange::Untag(vec!["k".into()]),
    ] {
        assert_eq!(
            refused_by_key(&node.change_key(DEFAULT_KEY, change.clone())),
            KeyRefusal::OfTheService,
            "{change:?}"
        );
    }
    assert_eq!(refused_by_key(&node.create_alias("mine", DEFAULT_KEY)), KeyRefusal::OfTheService);
}

#[test]
fn the_key_of_the_service_comes_with_its_alias_and_only_once() {
    let mut node = Node::new();
    let own = |number| CreateKey {
        manager: KeyManager::Service,
        alias: Some(alias("aws/secretsmanager")),
        policy: None,
        rotation_period_days: Some(365),
        ..create_key_command(number)
    };
    node.run(Command::CreateKey(own(1))).unwrap();
    let found = node.state.key_of_alias(&namespace(), &alias("aws/secretsmanager")).unwrap();
    assert_eq!((found.id, found.next_rotation()), (key(1), Some(START.plus_days(365))));
    // Another node has proposed it too.
    assert_eq!(node.run(Command::CreateKey(own(2))), Err(Refusal::Conflict));
    assert!(node.state.encryption_key(&key(2)).is_none());
    for outcome in [node.delete_alias("aws/secretsmanager"), node.update_alias("aws/secretsmanager", key(1))] {
        assert_eq!(refused_by_key(&outcome), KeyRefusal::AliasReserved);
    }
    let theirs = CreateKey { alias: Some(alias("aws/theirs")), ..create_key_command(3) };
    assert_eq!(refused_by_key(&node.run(Command::CreateKey(theirs))), KeyRefusal::AliasReserved);
    assert_eq!(refused_by_key(&node.create_alias("aws/theirs", key(1))), KeyRefusal::AliasReserved);
}

#[test]
fn disabling_and_deletion_end_where_aws_says() {
    let mut node = Node::new();
    let id = node.create_key(1);
    node.change_key(id, KeyChange::Disable).unwrap();
    node.change_key(id, KeyChange::Enable).unwrap();
    assert!(node.key(id).is_enabled());
    let changed_at = node.key(id).changed_at;
    node.change_key(id, KeyChange::Enable).unwrap();
    assert_eq!(node.key(id).changed_at, changed_at, "nothing has changed");

    let outcome = node.change_key(id, KeyChange::ScheduleDeletion { window_days: 7 });
    let end = START.plus_days(7);
    assert_eq!(outcome, Ok(Applied::KeyDeletionScheduled { key: id, deletion_date: end }));
    assert_eq!(node.key(id).state, KeyState::PendingDeletion { ends: end, window_days: 7 });
    assert_eq!(node.state.keys_due(end).collect::<Vec<_>>(), [id]);
    node.change_key(id, KeyChange::CancelDeletion).unwrap();
    assert_eq!(node.key(id).state, KeyState::Disabled);
    assert_eq!(node.state.keys_due(end).count(), 0);
}

#[test]
fn tags_and_policies_have_bounds() {
    let mut node = Node::new();
    let id = node.create_key(1);
    let many = |count| (0..count).map(tag).collect::<Vec<_>>();
    node.change_key(id, KeyChange::Tag(many(limits::TAGS_PER_KEY))).unwrap();
    let outcome = node.change_key(id, KeyChange::Tag(vec![tag(limits::TAGS_PER_KEY)]));
    assert_eq!(refused_by_key(&outcome), KeyRefusal::TagQuota);
    let other = Tag { value: "w".into(), ..tag(3) };
    node.change_key(id, KeyChange::Tag(vec![other.clone()])).unwrap();
    assert_eq!((node.key(id).tags.len(), &node.key(id).tags[3]), (limits::TAGS_PER_KEY, &other));
    node.change_key(id, KeyChange::Untag(vec!["k3".into(), "none".into()])).unwrap();
    assert!(node.key(id).tags.iter().all(|tag| tag.key.as_ref() != "k3"));

    let create = CreateKey { tags: many(limits::TAGS_PER_KEY + 1), ..create_key_command(2) };
    assert_eq!(refused_by_key(&node.run(Command::CreateKey(create))), KeyRefusal::TagQuota);
    let long = "x".repeat(limits::KEY_POLICY_BYTES);
    node.change_key(id, KeyChange::Policy(long.as_str().into())).unwrap();
    let longer = format!("{long}x");
    let outcome = node.change_key(id, KeyChange::Policy(longer.as_str().into()));
    assert_eq!(refused_by_key(&outcome), KeyRefusal::PolicyTooLong);
    let create = CreateKey { policy: Some(longer.into()), ..create_key_command(2) };
    assert_eq!(refused_by_key(&node.run(Command::CreateKey(create))), KeyRefusal::PolicyTooLong);
}

#[test]
fn a_rotation_adds_material_and_keeps_the_old() {
    let mut node = Node::new();
    let id = node.create_key(1);
    node.pass(HOUR_MS);
    assert_eq!(
        node.change_key(id, rotate(2, RotationKind::OnDemand)),
        Ok(Applied::KeyRotated { key: id, material: 2 })
    );
    let rotated = node.key(id);
    assert_eq!(rotated.material_numbered(1), Some(&bytes("material 1")));
    assert_eq!(rotated.material_numbered(2), Some(&bytes("material 2")));
    assert_eq!((rotated.material_numbered(0), rotated.material_numbered(3)), (None, None));
    let rotations: Vec<_> = rotated.rotated().map(|(number, rotation)| (number, rotation.at, rotation.kind)).collect();
    assert_eq!(rotations, [(2, node.now, RotationKind::OnDemand)]);
    // Two that were sealed for one number.
    for number in [0, 1, 2, 4, u32::MAX] {
        assert_eq!(node.change_key(id, rotate(number, RotationKind::OnDemand)), Err(Refusal::Conflict));
    }
    let last = u32::try_from(limits::ON_DEMAND_ROTATIONS).unwrap() + 1;
    for number in 3..=last {
        node.change_key(id, rotate(number, RotationKind::OnDemand)).unwrap();
    }
    let outcome = node.change_key(id, rotate(last + 1, RotationKind::OnDemand));
    assert_eq!(refused_by_key(&outcome), KeyRefusal::OnDemandRotationQuota);
}

#[test]
fn a_key_rotates_by_itself_when_its_period_is_over_and_it_is_enabled() {
    let mut node = Node::new();
    let id = node.create_key(1);
    assert_eq!(node.change_key(id, rotate(2, RotationKind::Automatic)), Err(Refusal::Conflict), "no period");
    node.change_key(id, KeyChange::Rotation(Some(90))).unwrap();
    let due = START.plus_days(90);
    assert_eq!(node.key(id).next_rotation(), Some(due));
    node.pass(90 * DAY_MS - 1);
    assert_eq!(node.change_key(id, rotate(2, RotationKind::Automatic)), Err(Refusal::Conflict), "not due");
    // Another period does not begin anew.
    node.change_key(id, KeyChange::Rotation(Some(100))).unwrap();
    assert_eq!(node.key(id).next_rotation(), Some(START.plus_days(100)));
    node.change_key(id, KeyChange::Rotation(Some(90))).unwrap();

    node.change_key(id, KeyChange::Disable).unwrap();
    node.pass(DAY_MS);
    assert_eq!((node.key(id).next_rotation(), node.state.rotations_due(node.now).count()), (None, 0));
    node.change_key(id, KeyChange::Enable).unwrap();
    assert_eq!(node.state.rotations_due(node.now).collect::<Vec<_>>(), [id], "overdue since it was disabled");
    node.change_key(id, rotate(2, RotationKind::Automatic)).unwrap();
    assert_eq!(node.key(id).next_rotation(), Some(node.now.plus_days(90)));
    assert_eq!(node.state.rotations_due(node.now).count(), 0);
    // On demand does not move the next one.
    node.pass(DAY_MS);
    node.change_key(id, rotate(3, RotationKind::OnDemand)).unwrap();
    assert_eq!(node.state.rotations_due(node.now.plus_days(89)).count(), 1);
    node.change_key(id, KeyChange::Rotation(None)).unwrap();
    assert_eq!(node.key(id).next_rotation(), None);
}

fn purge(node: &mut Node, not_after: Timestamp) {
    let keys = [1, 2, 3].map(key).to_vec();
    let command = Command::PurgeKeys(PurgeKeys { keys, not_after });
    let envelope = state::Envelope { principal: Principal::System, ..node.envelope(command) };
    assert_eq!(node.apply(envelope), Ok(Applied::Purged));
}

#[test]
fn a_key_is_destroyed_when_both_clocks_say_that_its_window_has_ended() {
    let mut node = Node::new();
    let [gone, kept, cancelled] = [1, 2, 3].map(|number| node.create_key(number));
    node.create_alias("gone", gone).unwrap();
    node.create_alias("kept", kept).unwrap();
    let named = terms(Some("n"), "reader", Some("owner"));
    node.change_key(gone, grant(1, &named)).unwrap();
    node.change_key(kept, grant(1, &named)).unwrap();
    node.change_key(gone, rotate(2, RotationKind::OnDemand)).unwrap();
    for id in [gone, cancelled] {
        node.change_key(id, KeyChange::ScheduleDeletion { window_days: 7 }).unwrap();
    }
    node.change_key(cancelled, KeyChange::CancelDeletion).unwrap();
    let end = START.plus_days(7);

    purge(&mut node, end);
    node.now = end;
    purge(&mut node, Timestamp::from_millis(end.as_millis() - 1));
    assert!(node.state.encryption_key(&gone).is_some(), "only one of the clocks has come there");
    purge(&mut node, end);
    assert!(node.state.encryption_key(&gone).is_none());
    assert_eq!((node.names_of(gone), node.names_of(kept)), (Vec::new(), vec!["alias/kept".to_owned()]));
    assert!(node.state.alias(&namespace(), &alias("gone")).is_none());
    assert_eq!((node.state.grant_count(&gone), node.state.grant_count(&kept)), (0, 1));
    assert_eq!(node.state.retirable_grants("owner", None).map(|grant| grant.key).collect::<Vec<_>>(), [kept]);
    assert_eq!(node.state.rewrap_jobs().count(), 0);
    assert!(node.key(cancelled).deletion_date().is_none());

    let destroyed = node.state.destroyed_key(&gone).unwrap();
    assert_eq!((destroyed.account, destroyed.at, destroyed.index), (account(), end, node.index));
    assert_eq!(
        node.run(Command::CreateKey(create_key_command(1))),
        Err(Refusal::Conflict),
        "its id is not given again"
    );
    assert_eq!(node.change_key(gone, KeyChange::Enable), Err(Refusal::Conflict));
    assert_eq!(node.create_alias("gone", gone), Err(Refusal::Conflict));
    for (record_key, record) in node.state.records() {
        if let Record::EncryptionKey(left) = record {
            assert_ne!(left.id, gone, "{record_key:?} has its material");
        }
    }
}

#[test]
fn secrets_outlive_their_key() {
    let mut node = Node::new();
    let id = node.create_key(1);
    node.create("s", "1", Some("v")).unwrap();
    let put = |node: &Node, version: &str| PutSecretValue {
        value: sealed_under("w", state::KeyVersion { key: id, material: 1 }),
        ..node.put_command("s", version, "w", "AWSCURRENT")
    };
    node.run(Command::PutSecretValue(put(&node, "2"))).unwrap();
    node.change_key(id, KeyChange::ScheduleDeletion { window_days: 7 }).unwrap();
    assert_eq!(refused_by_key(&node.run(Command::PutSecretValue(put(&node, "3")))), KeyRefusal::PendingDeletion);
    node.now = START.plus_days(7);
    let end = node.now;
    purge(&mut node, end);
    assert_eq!(node.run(Command::PutSecretValue(put(&node, "3"))), Err(Refusal::Conflict));
    let kept = node.secret("s").version(&crate::fixture::token("2")).unwrap().version.value.clone().unwrap();
    assert_eq!(kept.key, id);
    node.put("s", "4", "x", "AWSCURRENT").unwrap();
}

#[test]
fn only_so_many_destroyed_keys_are_remembered() {
    let mut node = Node::new();
    let ids = |batch: u16| {
        (0..64_u16).map(move |at| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&(batch * 64 + at).to_be_bytes());
            types::KeyId(id)
        })
    };
    let batches = u16::try_from(limits::DESTROYED_KEYS / 64 + 1).unwrap();
    for batch in 0..batches {
        // Without the checks of every command, which are those of the whole state.
        for id in ids(batch) {
            let create = Command::CreateKey(CreateKey { key: id, ..create_key_command(0) });
            for command in [
                create,
                Command::ChangeKey(state::ChangeKey {
                    key: id,
                    change: KeyChange::ScheduleDeletion { window_days: 0 },
                }),
            ] {
                let envelope = node.envelope(command);
                node.index += 1;
                node.state.apply(node.index, envelope).unwrap();
            }
        }
        let envelope = node.envelope(Command::PurgeKeys(PurgeKeys { keys: ids(batch).collect(), not_after: node.now }));
        node.index += 1;
        node.state.apply(node.index, envelope).unwrap();
    }
    let remembered = |batch| ids(batch).filter(|id| node.state.destroyed_key(id).is_some()).count();
    let all: usize = (0..batches).map(remembered).sum();
    assert_eq!((all, remembered(batches - 1)), (limits::DESTROYED_KEYS, 64));
    assert_eq!(remembered(0), 64 - (usize::from(batches) * 64 - limits::DESTROYED_KEYS));
    assert_eq!(node.state.invariants(), Ok(()));
}

#[test]
fn keyrings_follow_upon_each_other() {
    let mut node = Node::new();
    let set = |revision, bytes: usize| {
        Command::SetKeyring(SetKeyring { revision, sealed: vec![1; bytes].into(), terms: [2; 8][..].into() })
    };
    assert!(node.state.keyring().is_none());
    assert_eq!(node.run(set(2, 8)), Err(Refusal::Conflict));
    assert_eq!(node.run(set(1, 8)), Ok(Applied::KeyringSet { revision: 1 }));
    assert_eq!(node.run(set(1, 8)), Err(Refusal::Conflict), "two that were made of the same one");
    assert_eq!(refused_by_key(&node.run(set(2, limits::KEYRING_BYTES - 7))), KeyRefusal::KeyringTooLong);
    assert_eq!(node.run(set(2, limits::KEYRING_BYTES - 8)), Ok(Applied::KeyringSet { revision: 2 }));
    let keyring = node.state.keyring().unwrap();
    assert_eq!((keyring.revision, keyring.index, keyring.terms.len()), (2, node.index, 8));
    let mut before = Node::empty();
    assert_eq!(
        before.apply(state::Envelope { principal: Principal::System, ..before.envelope(set(1, 8)) }),
        Err(Refusal::Conflict)
    );
}

/// A key with all that may belong to one, and one that is gone.
fn example() -> Node {
    let mut node = Node::new();
    let [own, gone] = [1, 2].map(|number| node.create_key(number));
    node.create_alias("a", own).unwrap();
    node.create_alias("b", own).unwrap();
    node.change_key(own, grant(1, &terms(Some("n"), "reader", Some("owner")))).unwrap();
    node.change_key(own, grant(2, &terms(None, "reader", None))).unwrap();
    node.change_key(own, KeyChange::Rotation(Some(90))).unwrap();
    node.change_key(own, rotate(2, RotationKind::OnDemand)).unwrap();
    node.change_key(gone, KeyChange::ScheduleDeletion { window_days: 7 }).unwrap();
    node.now = START.plus_days(7);
    let end = node.now;
    purge(&mut node, end);
    let (sealed, terms) = (bytes("keyring"), bytes("terms"));
    node.run(Command::SetKeyring(SetKeyring { revision: 1, sealed, terms })).unwrap();
    node
}

#[test]
fn keys_and_what_belongs_to_them_are_rebuilt_from_their_records() {
    let mut node = example();
    let copy = rebuilt(node.state.records()).unwrap();
    assert_eq!(copy, node.state);
    let mut copy = Node { state: copy, ..node.clone() };
    for node in [&mut node, &mut copy] {
        node.change_key(key(1), KeyChange::ScheduleDeletion { window_days: 7 }).unwrap();
        node.now = node.now.plus_days(7);
        let end = node.now;
        purge(node, end);
    }
    assert_eq!(copy.state, node.state);
    for kind in [RecordKind::Alias, RecordKind::Grant, RecordKind::Rewrap] {
        assert!(node.state.records().all(|(key, _)| key.kind != kind), "{kind:?}");
    }
}

#[test]
fn nothing_that_belongs_to_a_key_is_loaded_without_it() {
    let state = example().state;
    let own = state.encryption_key(&key(1)).unwrap().uid;
    for kind in [RecordKind::Alias, RecordKind::Grant, RecordKind::Rewrap] {
        let belongs = |key: &RecordKey| key.kind != RecordKind::EncryptionKey || key.id != own;
        let others = [RecordKind::Alias, RecordKind::Grant, RecordKind::Rewrap];
        let is_kept = |key: &RecordKey| belongs(key) && (key.kind == kind || !others.contains(&key.kind));
        let refused = rebuilt(state.records().filter(|(key, _)| is_kept(key))).unwrap_err();
        assert_eq!(refused.key.kind, kind, "{refused}");
    }
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    let state = example().state;
    let destroyed_again = edited(&state, |_, record| {
        if let Record::DestroyedKey(destroyed) = record {
            *destroyed = Arc::new(DestroyedKey { id: key(1), ..destroyed.as_ref().clone() });
        }
    });
    let same_name = edited(&state, |_, record| {
        if let Record::Alias(named) = record {
            *named = Arc::new(Alias { name: alias("a"), ..named.as_ref().clone() });
        }
    });
    let same_id = edited(&state, |_, record| {
        if let Record::Grant(grant) = record {
            *grant = Arc::new(Grant { id: grant_id(1), ..grant.as_ref().clone() });
        }
    });
    let old_material = edited(&state, |_, record| {
        if let Record::Rewrap(job) = record {
            *job = Arc::new(RewrapJob { material: 1, ..job.as_ref().clone() });
        }
    });
    let no_material = edited(&state, |_, record| {
        if let Record::EncryptionKey(found) = record {
            *found = Arc::new(EncryptionKey { material: Vec::new(), ..found.as_ref().clone() });
        }
    });
    let elsewhere = edited(&state, |_, record| {
        if let Record::Alias(named) = record {
            *named = Arc::new(Alias { namespace: namespace_of("eu-west-1"), ..named.as_ref().clone() });
        }
    });
    for (refused, kind) in [
        (destroyed_again, RecordKind::DestroyedKey),
        (same_name, RecordKind::Alias),
        (same_id, RecordKind::Grant),
        (old_material, RecordKind::Rewrap),
        (no_material, RecordKind::EncryptionKey),
        (elsewhere, RecordKind::Alias),
    ] {
        assert_eq!(refused.unwrap_err().key.kind, kind);
    }
}
