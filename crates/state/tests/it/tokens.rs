//! ClientRequestToken: the same request twice is one, and a token names one value.

use std::sync::Arc;

use state::{Command, Record, State};
use types::{ErrorCode, StagingLabel, ValueKind};

use crate::fixture::{Node, refused, sealed, token, written};
use crate::records::{edited, records_of, write};

fn in_use(node: &Node, version: &str) -> (ErrorCode, String) {
    let (token, arn) = (token(version), &node.secret("a").arn);
    let message = format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    );
    (ErrorCode::ResourceExists, message)
}

#[track_caller]
fn assert_in_use(node: &Node, outcome: &state::Outcome, version: &str) {
    let (code, message) = in_use(node, version);
    assert_eq!(refused(outcome), (code, message.as_str()));
}

#[test]
fn a_put_raced_with_the_same_value_is_one_version() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let first = node.envelope(Command::PutSecretValue(node.put_command("a", "2", "v2", "AWSCURRENT")));
    let mut second = first.clone();
    second.proposal.0[15] = 1;
    let Command::PutSecretValue(put) = &mut second.command else { unreachable!() };
    put.value = sealed("v2", ValueKind::String, 999);

    let winner = written(&node.apply(first));
    let after = node.secret("a").clone();
    node.pass(1000);
    second.stamped = node.now;
    assert_eq!(written(&node.apply(second)), winner);
    // Not even the date of the last change is another.
    assert_eq!(*node.secret("a"), after);
}

#[test]
fn a_put_raced_with_another_value_is_refused() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    let after = node.secret("a").clone();
    let outcome = node.put("a", "2", "other", "AWSCURRENT");
    assert_in_use(&node, &outcome, "2");
    assert_eq!(*node.secret("a"), after);
}

#[test]
fn equal_bytes_of_another_kind_are_another_value() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let mut put = node.put_command("a", "1", "v1", "AWSCURRENT");
    put.value = sealed("v1", ValueKind::Binary, 5);
    put.value.fingerprint = sealed("v1", ValueKind::String, 5).fingerprint;
    let outcome = node.run(Command::PutSecretValue(put));
    assert_in_use(&node, &outcome, "1");
}

#[test]
fn a_repeated_token_does_not_move_labels() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    let (.., stages) = written(&node.put("a", "1", "v1", "AWSCURRENT mine"));
    assert_eq!(stages, "AWSPREVIOUS");
    assert_eq!(node.stages("a", "2"), "AWSCURRENT");
}

#[test]
fn a_create_repeated_with_the_same_content_answers_with_what_exists() {
    let mut node = Node::new();
    let first = written(&node.create("a", "1", Some("v1")));
    let after = node.secret("a").clone();
    // Another ARN suffix, another ciphertext, another description.
    let mut again = node.create_command("a", "1", Some("v1"));
    again.description = Some("ignored".into());
    assert_eq!(written(&node.run(Command::CreateSecret(again))), first);
    assert_eq!(*node.secret("a"), after);
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    let (arn, version, stages) = written(&node.create("a", "1", Some("v1")));
    assert_eq!((arn, version, stages.as_str()), (first.0.clone(), first.1, "AWSPREVIOUS"));
    // Any version's token will do, also one that a put made.
    let (arn, version, stages) = written(&node.create("a", "2", Some("v2")));
    assert_eq!((arn, version, stages.as_str()), (first.0, Some(token("2")), "AWSCURRENT"));
}

#[test]
fn a_create_repeated_with_other_content_is_refused_by_its_token() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    for value in [Some("other"), None] {
        let outcome = node.create("a", "1", value);
        assert_in_use(&node, &outcome, "1");
    }
}

#[test]
fn a_create_without_a_value_can_be_repeated() {
    let mut node = Node::new();
    let first = written(&node.create("a", "1", None));
    assert_eq!(written(&node.create("a", "1", None)), first);
    let exists = (ErrorCode::ResourceExists, "The operation failed because the secret a already exists.");
    assert_eq!(refused(&node.create("a", "2", None)), exists);
    // No version has the token, so what is in the way is the name.
    assert_eq!(refused(&node.create("a", "1", Some("v"))), exists);
}

/// The state with version 2 of "a" turned into what a rotation begins with: AWSPENDING, and no value.
fn with_placeholder(state: &State) -> State {
    let edit = |_, record: &mut Record| match record {
        Record::Version(version) if version.id == token("2") => Arc::make_mut(version).value = None,
        _ => {}
    };
    edited(state, edit).unwrap()
}

#[test]
fn a_placeholder_is_filled_by_its_own_token() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    node.state = with_placeholder(&node.state);
    let (state, before) = (node.state.clone(), node.secret("a").clone());
    assert!(before.versions[1].version.value.is_none());

    node.pass(1000);
    let (_, version, stages) = written(&node.put("a", "2", "new", "AWSPENDING"));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSPENDING"));
    let secret = node.secret("a").clone();
    let (old, new) = (&before.versions[1].version, &secret.versions[1].version);
    assert_eq!((new.part, new.created), (old.part, old.created));
    assert!(new.value.is_some());
    assert_eq!((secret.versions.len(), secret.next_part, secret.last_changed), (2, before.next_part, node.now));
    assert_eq!(secret.holder(&StagingLabel::Current), Some(&token("1")));
    let mut records = records_of(&state);
    write(&mut records, node.state.changes_since(&state).collect());
    assert_eq!(records, records_of(&node.state));
    // From here on it is a version like any other.
    let outcome = node.put("a", "2", "newer", "AWSPENDING");
    assert_in_use(&node, &outcome, "2");
}

#[test]
fn a_create_does_not_fill_a_placeholder() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    node.state = with_placeholder(&node.state);
    assert_eq!(refused(&node.create("a", "2", Some("v2"))).0, ErrorCode::ResourceExists);
    assert!(node.secret("a").versions[1].version.value.is_none());
}
