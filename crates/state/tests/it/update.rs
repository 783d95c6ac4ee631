use state::{Applied, Command, DeleteMode, Refusal, UpdateSecret};
use types::ErrorCode;

use crate::fixture::{DEFAULT_KEY, Node, refused, token, written};

const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn described(node: &Node) -> (Option<&str>, Option<&str>) {
    let secret = node.secret("a");
    (secret.description.as_deref(), secret.kms_key_id.as_deref())
}

#[test]
fn metadata_changes_without_a_version_and_with_a_later_date() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let before = node.secret("a").clone();
    let update = UpdateSecret { description: Some("d".into()), ..node.update_command("a", "2", None) };
    let (arn, version, stages) = written(&node.run(Command::UpdateSecret(update)));
    assert_eq!((arn, version, stages.as_str()), (before.arn.clone(), None, ""));
    let after = node.secret("a");
    assert_eq!(described(&node), (Some("d"), None));
    assert!(after.last_changed > before.last_changed);
    assert!(after.versions == before.versions && after.labels == before.labels);
}

#[test]
fn absent_members_stay_and_empty_ones_go() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    for (description, kms_key_id, expected) in [
        (Some("d"), Some("k"), (Some("d"), Some("k"))),
        (None, None, (Some("d"), Some("k"))),
        (Some(""), None, (None, Some("k"))),
        (None, Some(""), (None, None)),
        (Some(""), Some(""), (None, None)),
    ] {
        let update = UpdateSecret {
            description: description.map(Into::into),
            kms_key_id: kms_key_id.map(Into::into),
            ..node.update_command("a", "2", None)
        };
        let before = node.secret("a").last_changed;
        node.run(Command::UpdateSecret(update)).unwrap();
        assert_eq!(described(&node), expected);
        assert!(node.secret("a").last_changed > before, "an update is a change, whatever it says");
    }
}

#[test]
fn a_value_becomes_the_current_version_together_with_the_metadata() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSPENDING mine").unwrap();
    let update = UpdateSecret { description: Some("d".into()), ..node.update_command("a", "3", Some("v3")) };
    let (_, version, stages) = written(&node.run(Command::UpdateSecret(update)));
    assert_eq!((version, stages.as_str()), (Some(token("3")), "AWSCURRENT"));
    assert_eq!((node.stages("a", "1").as_str(), node.stages("a", "2").as_str()), ("AWSPREVIOUS", "AWSPENDING mine"));
    assert_eq!(described(&node), (Some("d"), None));
    // The same value under a new token is a new version.
    node.update("a", "4", Some("v3")).unwrap();
    assert_eq!((node.stages("a", "4").as_str(), node.secret("a").versions.len()), ("AWSCURRENT", 4));
}

#[test]
fn an_update_that_demotes_a_pending_version_takes_pending_from_it() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT AWSPENDING mine").unwrap();
    node.update("a", "3", Some("v3")).unwrap();
    assert_eq!(node.stages("a", "2"), "AWSPREVIOUS mine");
}

#[test]
fn a_token_used_again_changes_nothing_or_is_refused() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.update("a", "2", Some("v2")).unwrap();
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    let before = node.secret("a").clone();
    let again = UpdateSecret { description: Some("late".into()), ..node.update_command("a", "2", Some("v2")) };
    let (_, version, stages) = written(&node.run(Command::UpdateSecret(again)));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSPREVIOUS"));
    assert_eq!(*node.secret("a"), before);

    let outcome = node.update("a", "2", Some("other"));
    let (code, message) = refused(&outcome);
    assert_eq!(code, ErrorCode::ResourceExists);
    assert!(message.starts_with("You can't use ClientRequestToken "), "{message}");
    assert_eq!(*node.secret("a"), before);
    // Without a value the token names nothing.
    node.update("a", "2", None).unwrap();
}

#[test]
fn an_update_keeps_to_the_quotas_and_changes_nothing_past_them() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let nineteen: Vec<String> = (1..20).map(|n| format!("l{n}")).collect();
    node.put("a", "2", "v2", &nineteen.join(" ")).unwrap();
    let before = node.secret("a").clone();
    let update = UpdateSecret { description: Some("d".into()), ..node.update_command("a", "3", Some("v3")) };
    assert_eq!(refused(&node.run(Command::UpdateSecret(update))).0, ErrorCode::LimitExceeded);
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn a_scheduled_secret_is_not_updated_and_a_missing_one_is_decided_again() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let update = node.update_command("a", "2", Some("v2"));
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    for version in ["1", "2"] {
        assert_eq!(refused(&node.update("a", version, Some("v1"))), (ErrorCode::InvalidRequest, MARKED));
    }
    assert_eq!(refused(&node.update("a", "1", None)), (ErrorCode::InvalidRequest, MARKED));
    node.delete("a", DeleteMode::Force).unwrap();
    assert_eq!(node.run(Command::UpdateSecret(update)), Err(Refusal::Conflict));
}

#[test]
fn a_value_under_a_key_that_is_not_there_is_decided_again() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let mut update = node.update_command("a", "2", Some("v2"));
    let value = update.value.as_mut().unwrap();
    value.key.0[0] = !DEFAULT_KEY.0[0];
    assert_eq!(node.run(Command::UpdateSecret(update)), Err(Refusal::Conflict));
}

#[test]
fn a_restored_secret_is_what_it_was() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let before = node.secret("a").clone();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    let scheduled = node.secret("a").last_changed;
    let (arn, version, _) = written(&node.restore("a"));
    assert_eq!((arn, version), (before.arn.clone(), None));
    let after = node.secret("a").clone();
    assert_eq!((after.deletion_date, &after.labels), (None, &before.labels));
    assert!(after.last_changed > scheduled);
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
}

#[test]
fn restoring_a_live_secret_changes_nothing() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let before = node.secret("a").clone();
    assert!(matches!(node.restore("a"), Ok(Applied::Written { .. })));
    assert_eq!(*node.secret("a"), before);
}
