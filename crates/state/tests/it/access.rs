use crate::fixture::Node;
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
