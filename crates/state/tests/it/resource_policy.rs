//! Policies of secrets: what becomes of the text, and what rests on it.

use state::{
    Change, Command, DeleteMode, DeleteResourcePolicy, Envelope, Outcome, PutResourcePolicy, Record, RecordKind,
    Refusal, ResourcePolicy,
};
use types::{ErrorCode, SecretArn, Timestamp};

use crate::fixture::{Node, bootstrap_command, refused, written};
use crate::records::{edited, rebuilt, records_of, write};

fn put_command(target: &SecretArn, policy: &str) -> Command {
    Command::PutResourcePolicy(PutResourcePolicy { target: target.clone(), policy: policy.into() })
}

fn delete_command(target: &SecretArn) -> Command {
    Command::DeleteResourcePolicy(DeleteResourcePolicy { target: target.clone() })
}

fn put(node: &mut Node, policy: &str) -> Outcome {
    let target = node.secret("a").arn.clone();
    node.run(put_command(&target, policy))
}

fn delete(node: &mut Node) -> Outcome {
    let target = node.secret("a").arn.clone();
    node.run(delete_command(&target))
}

fn policy(node: &Node) -> Option<&str> {
    node.state.resource_policy(node.secret("a")).map(AsRef::as_ref)
}

fn last_changed(node: &Node) -> Timestamp {
    node.secret("a").last_changed
}

/// A node with the secrets `a` and `b`.
fn two_secrets() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.create("b", "1", Some("v")).unwrap();
    node
}

/// The state's record of `a`'s policy.
fn record(node: &Node) -> Option<ResourcePolicy> {
    let uid = node.secret("a").uid;
    node.state.records().find_map(|(_, record)| match record {
        Record::ResourcePolicy(policy) if policy.secret == uid => Some(policy.as_ref().clone()),
        _ => None,
    })
}

#[test]
fn a_policy_is_kept_as_it_was_given_until_it_is_replaced_or_deleted() {
    let mut node = two_secrets();
    assert_eq!(policy(&node), None);
    for text in ["{ }", " {}\n", "{\"ä\":1}"] {
        let before = last_changed(&node);
        let (arn, version, _) = written(&put(&mut node, text));
        assert_eq!((arn, version), (node.secret("a").arn.clone(), None));
        assert_eq!(policy(&node), Some(text));
        assert!(last_changed(&node) > before);
    }
    assert_eq!(node.state.resource_policy(node.secret("b")), None);
    let before = last_changed(&node);
    delete(&mut node).unwrap();
    assert_eq!(policy(&node), None);
    assert!(last_changed(&node) > before);
}

#[test]
fn what_comes_to_nothing_is_no_change() {
    let mut node = two_secrets();
    let before = node.state.clone();
    delete(&mut node).unwrap();
    assert!(node.state.grants_the_same_as(&before));
    put(&mut node, "{}").unwrap();
    let (before, changed, kept) = (node.state.clone(), last_changed(&node), record(&node));
    put(&mut node, "{}").unwrap();
    assert_eq!((last_changed(&node), record(&node)), (changed, kept));
    assert!(node.state.grants_the_same_as(&before));
}

#[test]
fn a_policy_outlives_its_window_and_not_its_secret() {
    let mut node = two_secrets();
    put(&mut node, "{}").unwrap();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(refused(&put(&mut node, "{ }")), (ErrorCode::InvalidRequest, marked));
    assert_eq!(refused(&delete(&mut node)), (ErrorCode::InvalidRequest, marked));
    assert_eq!(policy(&node), Some("{}"));
    node.restore("a").unwrap();
    assert_eq!(policy(&node), Some("{}"));

    let gone = node.secret("a").arn.clone();
    node.delete("a", DeleteMode::Force).unwrap();
    assert!(!node.state.records().any(|(key, _)| key.kind == RecordKind::ResourcePolicy));
    assert_eq!(node.run(put_command(&gone, "{}")), Err(Refusal::Conflict));
    assert_eq!(node.run(delete_command(&gone)), Err(Refusal::Conflict));
    node.create("a", "1", Some("v")).unwrap();
    assert_eq!(policy(&node), None);
}

/// Each way to change a policy, and what is decided again because of it.
#[test]
fn whatever_was_decided_before_a_change_of_its_secrets_policy_is_decided_again() {
    type ChangePolicy = fn(&mut Node) -> Outcome;
    let changes: [ChangePolicy; 3] =
        [|node| put(node, r#"{"a":1}"#), |node| put(node, r#"{"b":1}"#), |node| delete(node)];
    let mut node = two_secrets();
    for change in changes {
        let stale = node.index;
        let decided_then = |node: &Node, command| Envelope { decided_at: stale, ..node.envelope(command) };
        change(&mut node).unwrap();
        let target = node.secret("a").arn.clone();
        let on_target = [
            Command::PutSecretValue(node.put_command("a", "new", "v", "AWSCURRENT")),
            Command::UpdateSecret(node.update_command("a", "new", None)),
            Command::TagResource(state::TagResource { target: target.clone(), tags: Vec::new() }),
            Command::UntagResource(state::UntagResource { target: target.clone(), keys: Vec::new() }),
            Command::RestoreSecret(state::RestoreSecret { target: target.clone() }),
            Command::DeleteSecret(state::DeleteSecret { target: target.clone(), mode: DeleteMode::Force }),
            put_command(&target, "{}"),
            delete_command(&target),
        ];
        for command in on_target {
            let kind = command.kind();
            let before = node.state.clone();
            let early = decided_then(&node, command);
            assert_eq!(node.apply(early), Err(Refusal::Conflict), "{kind}");
            assert_eq!(node.state.secret_by_arn(&target), before.secret_by_arn(&target), "{kind}");
        }
        // What is on another secret, or on none, is not concerned.
        let elsewhere = decided_then(&node, Command::PutSecretValue(node.put_command("b", "x", "v", "AWSCURRENT")));
        assert!(written(&node.apply(elsewhere)).1.is_some());
        // Decided on the policy as it is now, the same command holds.
        let now = Command::UpdateSecret(node.update_command("a", "new", None));
        written(&node.run(now));
    }
}

#[test]
fn a_change_of_a_policy_is_a_change_of_access_and_other_writes_are_none() {
    let mut node = two_secrets();
    let mut before = node.state.clone();
    let mut granted = |node: &Node| {
        let same = node.state.grants_the_same_as(&before);
        before = node.state.clone();
        same
    };
    put(&mut node, "{}").unwrap();
    assert!(!granted(&node));
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    node.delete("b", DeleteMode::Force).unwrap();
    assert!(granted(&node), "b never had a policy");
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    node.restore("a").unwrap();
    assert!(granted(&node));
    delete(&mut node).unwrap();
    assert!(!granted(&node));
    delete(&mut node).unwrap();
    assert!(granted(&node));
    node.delete("a", DeleteMode::Force).unwrap();
    assert!(!granted(&node));
}

#[test]
fn a_change_of_a_secret_does_not_write_its_policy_again() {
    let mut node = two_secrets();
    put(&mut node, "{}").unwrap();
    let before = node.state.clone();
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    node.move_stage("a", "mine", "2", "").unwrap();
    let changes: Vec<_> = node.state.changes_since(&before).collect();
    assert!(changes.len() > 2);
    let is_policy = |change: &Change| match change {
        Change::Add(key, _) | Change::Update(key, _) | Change::Remove(key) => key.kind == RecordKind::ResourcePolicy,
    };
    assert!(!changes.iter().any(is_policy));

    let before = node.state.clone();
    let mut records = records_of(&before);
    delete(&mut node).unwrap();
    let changes: Vec<_> = node.state.changes_since(&before).collect();
    assert_eq!(changes.iter().filter(|change| is_policy(change)).count(), 1);
    write(&mut records, changes);
    assert_eq!(records, records_of(&node.state));
}

#[test]
fn a_restart_remembers_a_policy_and_when_one_was_deleted() {
    let mut node = two_secrets();
    put(&mut node, "{}").unwrap();
    assert_eq!(rebuilt(node.state.records()), Ok(node.state.clone()));
    let stale = node.index;
    delete(&mut node).unwrap();
    node.state = rebuilt(records_of(&node.state)).unwrap();
    assert_eq!(policy(&node), None);
    let early =
        Envelope { decided_at: stale, ..node.envelope(Command::UpdateSecret(node.update_command("a", "1", None))) };
    assert_eq!(node.apply(early), Err(Refusal::Conflict));
}

#[test]
fn a_policy_without_a_secret_or_a_text_is_refused() {
    let mut node = two_secrets();
    put(&mut node, "{}").unwrap();
    let damaged = |change: &dyn Fn(&mut ResourcePolicy)| {
        edited(&node.state, |_, record| {
            if let Record::ResourcePolicy(policy) = record {
                change(std::sync::Arc::make_mut(policy));
            }
        })
    };
    assert!(damaged(&|_| {}).is_ok());
    assert!(damaged(&|policy| policy.text = None).is_ok());
    assert!(damaged(&|policy| policy.text = Some("".into())).is_err());
    assert!(damaged(&|policy| policy.secret.0 += 1).is_err());
    let uid = node.secret("a").uid.0;
    let of_nobody = node
        .state
        .records()
        .filter(|(key, _)| !(key.id == uid && matches!(key.kind, RecordKind::Secret | RecordKind::Version)));
    assert!(rebuilt(of_nobody).is_err());
}

#[test]
fn commands_name_the_secret_that_they_are_on() {
    let node = two_secrets();
    let arn = node.secret("a").arn.clone();
    assert_eq!(put_command(&arn, "{}").target(), Some(&arn));
    assert_eq!(delete_command(&arn).target(), Some(&arn));
    assert_eq!(Command::PutSecretValue(node.put_command("a", "2", "v", "AWSCURRENT")).target(), Some(&arn));
    assert_eq!(Command::CreateSecret(node.create_command("c", "1", None)).target(), None);
    assert_eq!(Command::Bootstrap(bootstrap_command()).target(), None);
}
