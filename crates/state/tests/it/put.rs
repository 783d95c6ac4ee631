use state::{Command, DeleteMode, DeleteSecret, Refusal};
use types::{ErrorCode, Timestamp, limits};

use crate::fixture::{HOUR_MS, Node, labels, refused, token, written};

#[test]
fn puts_leave_the_last_two_versions_labelled() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let (_, version, stages) = written(&node.put("a", "2", "v2", "AWSCURRENT"));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSCURRENT"));
    assert_eq!((node.stages("a", "1").as_str(), node.stages("a", "2").as_str()), ("AWSPREVIOUS", "AWSCURRENT"));
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    assert_eq!(node.stages("a", "1"), "");
    assert_eq!((node.stages("a", "2").as_str(), node.stages("a", "3").as_str()), ("AWSPREVIOUS", "AWSCURRENT"));
    assert_eq!(node.secret("a").versions.len(), 3);
}

#[test]
fn a_pending_put_leaves_the_current_version_alone() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let (.., stages) = written(&node.put("a", "2", "v2", "AWSPENDING"));
    assert_eq!(stages, "AWSPENDING");
    assert_eq!(node.stages("a", "1"), "AWSCURRENT");
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    assert_eq!(node.stages("a", "1"), "AWSPREVIOUS");
    assert_eq!(node.stages("a", "2"), "AWSPENDING");
}

#[test]
fn custom_labels_move_between_versions_by_put() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "one two three").unwrap();
    let (.., stages) = written(&node.put("a", "3", "v3", "one two four"));
    assert_eq!(stages, "four one two");
    assert_eq!((node.stages("a", "1").as_str(), node.stages("a", "2").as_str()), ("AWSCURRENT", "three"));
    node.put("a", "4", "v4", "three").unwrap();
    assert_eq!(node.stages("a", "2"), "");
}

#[test]
fn a_put_that_demotes_a_pending_version_takes_pending_from_it() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT AWSPENDING mine").unwrap();
    assert_eq!(node.stages("a", "2"), "AWSCURRENT AWSPENDING mine");
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    assert_eq!((node.stages("a", "3").as_str(), node.stages("a", "2").as_str()), ("AWSCURRENT", "AWSPREVIOUS mine"));
}

#[test]
fn the_first_version_of_a_secret_is_also_current() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    let (.., stages) = written(&node.put("a", "2", "v", "AWSPENDING"));
    assert_eq!(stages, "AWSCURRENT AWSPENDING");
}

#[test]
fn twenty_labels_are_the_most_that_a_secret_can_have() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let nineteen: Vec<String> = (1..limits::STAGING_LABELS_PER_SECRET).map(|n| format!("l{n}")).collect();
    node.put("a", "2", "v2", &nineteen.join(" ")).unwrap();
    let before = node.secret("a").clone();
    assert_eq!(refused(&node.put("a", "3", "v3", "one-more")).0, ErrorCode::LimitExceeded);
    // AWSPREVIOUS would be the twenty-first.
    assert_eq!(refused(&node.put("a", "3", "v3", "AWSCURRENT")).0, ErrorCode::LimitExceeded);
    assert_eq!(*node.secret("a"), before);
    node.put("a", "3", "v3", "l1 l2").unwrap();
    assert_eq!(node.secret("a").labels.len(), limits::STAGING_LABELS_PER_SECRET);
}

/// A secret with as many versions as it can have.
fn full(node: &mut Node) {
    node.create("a", "1", Some("v")).unwrap();
    for version in 2..=limits::VERSIONS_PER_SECRET {
        node.put("a", &version.to_string(), "v", "AWSCURRENT").unwrap();
    }
}

#[test]
fn young_versions_past_the_quota_are_refused() {
    let mut node = Node::new();
    full(&mut node);
    node.pass(24 * HOUR_MS);
    let before = node.secret("a").clone();
    assert_eq!(refused(&node.put("a", "more", "v", "AWSCURRENT")).0, ErrorCode::LimitExceeded);
    assert_eq!(*node.secret("a"), before);
    // A token that is known needs no room.
    written(&node.put("a", "5", "v", "AWSCURRENT"));
}

#[test]
fn the_oldest_version_without_a_label_makes_room_after_a_day() {
    let mut node = Node::new();
    full(&mut node);
    node.pass(24 * HOUR_MS + 1);
    node.put("a", "more", "v", "AWSCURRENT").unwrap();
    let secret = node.secret("a");
    assert_eq!(secret.versions.len(), limits::VERSIONS_PER_SECRET);
    assert!(secret.version(&token("1")).is_none());
    assert!(secret.version(&token("2")).is_some());
}

#[test]
fn a_labelled_version_is_never_removed() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.put("a", "2", "v", "keep").unwrap();
    for version in 3..=limits::VERSIONS_PER_SECRET {
        node.put("a", &version.to_string(), "v", "AWSCURRENT").unwrap();
    }
    node.pass(25 * HOUR_MS);
    node.put("a", "x", "v", "AWSCURRENT").unwrap();
    node.put("a", "y", "v", "AWSCURRENT").unwrap();
    let secret = node.secret("a");
    assert_eq!(node.stages("a", "2"), "keep");
    assert!(secret.version(&token("1")).is_none());
    assert!(secret.version(&token("3")).is_none());
    assert!(secret.version(&token("4")).is_some());
}

#[test]
fn the_last_change_increases_strictly_and_log_time_does_not_run_ahead() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.create("b", "1", Some("v1")).unwrap();
    let created = node.secret("a").created;
    let mut last = node.secret("a").last_changed;
    for version in 2..6 {
        node.put("a", &version.to_string(), "v", "AWSCURRENT").unwrap();
        assert!(node.secret("a").last_changed > last);
        last = node.secret("a").last_changed;
    }
    assert_eq!(node.state.time(), created);
    assert_eq!(node.secret("b").last_changed, created);
    assert!(node.secret("a").versions.iter().all(|entry| entry.version.created == created));
}

#[test]
fn log_time_never_goes_back() {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    let start = node.now;
    node.now = Timestamp::from_millis(5);
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    assert_eq!(node.state.time(), start);
    assert_eq!(node.secret("a").versions.last().unwrap().version.created, start);
}

#[test]
fn a_secret_scheduled_for_deletion_takes_no_value() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    for version in ["1", "2"] {
        assert_eq!(
            refused(&node.put("a", version, "v", "AWSCURRENT")),
            (
                ErrorCode::InvalidRequest,
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        );
    }
}

#[test]
fn a_target_that_is_gone_is_decided_again() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let old = node.secret("a").arn.clone();
    let mut put = node.put_command("a", "2", "v", "AWSCURRENT");
    node.delete("a", DeleteMode::Force).unwrap();
    node.create("a", "3", Some("v")).unwrap();
    put.stages = labels("AWSCURRENT");
    assert_eq!(node.run(Command::PutSecretValue(put)), Err(Refusal::Conflict));
    let delete = DeleteSecret { target: old, mode: DeleteMode::Force };
    assert_eq!(node.run(Command::DeleteSecret(delete)), Err(Refusal::Conflict));
    assert_eq!(node.secret("a").versions.len(), 1);
}
