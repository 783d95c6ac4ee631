use state::{Command, KeyChange, KeyVersion, RewrapDataKeys, RotationKind, SecretUid};

use crate::fixture::Node;
use crate::key_words::{grant, grant_id, key, rotate, terms};
use crate::records::rebuilt;

#[test]
fn writes_of_secrets_change_nothing_about_access_and_bootstrap_does() {
    let empty = Node::empty();
    assert!(empty.state.grants_the_same_as(&empty.state.clone()));
    let mut node = Node::new();
    assert!(!node.state.grants_the_same_as(&empty.state));

    let before = node.state.clone();
    node.create("a", "1", Some("v")).unwrap();
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    assert_ne!(node.state, before);
    assert!(node.state.grants_the_same_as(&before));
}

/// Whoever cannot know takes it for a change.
#[test]
fn a_state_that_was_loaded_has_other_access_than_one_that_it_was_not_made_of() {
    let node = Node::new();
    let loaded = rebuilt(node.state.records()).unwrap();
    assert_eq!(loaded, node.state);
    assert!(!loaded.grants_the_same_as(&node.state));
}

#[test]
fn changes_of_keys_aliases_and_grants_are_changes_of_access_and_steps_of_rewraps_are_none() {
    let mut node = Node::new();
    let id = node.create_key(1);
    let reader = terms(None, "a", None);
    let changes: [&dyn Fn(&mut Node); 8] = [
        &|node| assert_eq!(node.create_key(2), key(2)),
        &|node| assert!(node.change_key(id, KeyChange::Disable).is_ok()),
        &|node| assert!(node.change_key(id, KeyChange::Enable).is_ok()),
        &|node| assert!(node.change_key(id, grant(1, &reader)).is_ok()),
        &|node| assert!(node.change_key(id, KeyChange::Revoke(grant_id(1))).is_ok()),
        &|node| assert!(node.create_alias("a", id).is_ok()),
        &|node| assert!(node.delete_alias("a").is_ok()),
        &|node| assert!(node.change_key(id, rotate(2, RotationKind::OnDemand)).is_ok()),
    ];
    for change in changes {
        let before = node.state.clone();
        change(&mut node);
        assert!(!node.state.grants_the_same_as(&before));
    }
    let before = node.state.clone();
    let to = KeyVersion { key: id, material: 2 };
    let (cursor, next) = (SecretUid(0), Some(SecretUid(5)));
    let step = RewrapDataKeys { to, cursor, next, secrets: 1, failed: 0, rewraps: Vec::new() };
    node.run(Command::RewrapDataKeys(step)).unwrap();
    node.change_key(id, KeyChange::Enable).unwrap();
    assert!(node.change_key(id, KeyChange::CancelDeletion).is_err());
    assert!(node.delete_alias("a").is_err());
    assert!(node.state.grants_the_same_as(&before));
}
