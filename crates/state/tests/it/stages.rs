//! UpdateSecretVersionStage, row by row.

use state::{DeleteMode, Outcome};
use types::{ErrorCode, limits};

use crate::fixture::{Node, refused, token, written};

/// Versions 1 (AWSPREVIOUS), 2 (AWSCURRENT) and 3 (blue).
fn three() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    node.put("a", "3", "v3", "blue").unwrap();
    node
}

fn stages(node: &Node) -> [String; 3] {
    ["1", "2", "3"].map(|version| node.stages("a", version))
}

#[track_caller]
fn invalid(outcome: &Outcome, message: &str) {
    assert_eq!(refused(outcome), (ErrorCode::InvalidParameter, message));
}

#[test]
fn a_label_that_is_nowhere_is_attached() {
    let mut node = three();
    let before = node.secret("a").last_changed;
    let (_, version, labels) = written(&node.move_stage("a", "green", "1", ""));
    assert_eq!((version, labels.as_str()), (None, ""));
    assert_eq!(stages(&node), ["AWSPREVIOUS green", "AWSCURRENT", "blue"]);
    assert!(node.secret("a").last_changed > before);
}

#[test]
fn a_label_that_is_there_already_is_no_change() {
    let mut node = three();
    let before = node.secret("a").clone();
    for (label, to, from) in [("blue", "3", ""), ("blue", "3", "3"), ("AWSCURRENT", "2", ""), ("AWSCURRENT", "2", "2")]
    {
        node.move_stage("a", label, to, from).unwrap();
        assert_eq!(*node.secret("a"), before, "{label} {to} {from}");
    }
}

#[test]
fn a_label_is_not_taken_from_a_version_that_is_not_named() {
    let mut node = three();
    let before = node.secret("a").clone();
    invalid(
        &node.move_stage("a", "AWSCURRENT", "3", ""),
        &format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to \
             version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            token("2")
        ),
    );
    for from in ["1", "3"] {
        invalid(
            &node.move_stage("a", "AWSCURRENT", "3", from),
            "When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set to the version \
             that currently has the staging label AWSCURRENT.",
        );
    }
    invalid(
        &node.move_stage("a", "nowhere", "3", "1"),
        "When you move staging label nowhere, if you specify RemoveFromVersionId, it must be set to the version that \
         currently has the staging label nowhere.",
    );
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn the_move_of_current_demotes_its_holder_and_leaves_pending_alone() {
    let mut node = three();
    node.move_stage("a", "AWSPENDING", "2", "").unwrap();
    node.move_stage("a", "AWSCURRENT", "3", "2").unwrap();
    assert_eq!(stages(&node), ["", "AWSPENDING AWSPREVIOUS", "AWSCURRENT blue"]);
    // And back, as after a rotation that turned out bad.
    node.move_stage("a", "AWSCURRENT", "2", "3").unwrap();
    assert_eq!(stages(&node), ["", "AWSCURRENT AWSPENDING", "AWSPREVIOUS blue"]);
    assert_eq!(node.secret("a").versions.len(), 3);
}

#[test]
fn other_labels_move_alone() {
    let mut node = three();
    node.move_stage("a", "blue", "1", "3").unwrap();
    assert_eq!(stages(&node), ["AWSPREVIOUS blue", "AWSCURRENT", ""]);
    node.move_stage("a", "AWSPREVIOUS", "3", "1").unwrap();
    assert_eq!(stages(&node), ["blue", "AWSCURRENT", "AWSPREVIOUS"]);
}

#[test]
fn a_label_is_detached_from_the_version_that_has_it() {
    let mut node = three();
    node.move_stage("a", "blue", "", "3").unwrap();
    assert_eq!(stages(&node), ["AWSPREVIOUS", "AWSCURRENT", ""]);
    assert!(node.secret("a").version(&token("3")).is_some());
    let before = node.secret("a").clone();
    for (label, from) in [("blue", "3"), ("AWSPREVIOUS", "2"), ("AWSCURRENT", "1")] {
        let message = format!("Version stage {label} not found in version {}", token(from));
        invalid(&node.move_stage("a", label, "", from), &message);
    }
    let outcome = node.move_stage("a", "AWSCURRENT", "", "2");
    let (code, message) = refused(&outcome);
    assert_eq!(code, ErrorCode::InvalidParameter);
    assert!(message.starts_with("You can't remove the staging label AWSCURRENT"), "{message}");
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn versions_that_do_not_exist_and_none_at_all_are_refused() {
    let mut node = three();
    let before = node.secret("a").clone();
    let unknown = format!("Not a valid version: {}", token("9"));
    for (to, from) in [("9", ""), ("9", "2"), ("3", "9"), ("", "9")] {
        invalid(&node.move_stage("a", "AWSCURRENT", to, from), &unknown);
    }
    invalid(
        &node.move_stage("a", "AWSCURRENT", "", ""),
        "You must specify MoveToVersionId, RemoveFromVersionId, or both of them.",
    );
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn the_label_quota_holds_and_labels_can_still_move_at_it() {
    let mut node = three();
    let more: Vec<String> = (3..limits::STAGING_LABELS_PER_SECRET).map(|n| format!("l{n}")).collect();
    node.put("a", "4", "v4", &more.join(" ")).unwrap();
    assert_eq!(node.secret("a").labels.len(), limits::STAGING_LABELS_PER_SECRET);
    assert_eq!(refused(&node.move_stage("a", "one-more", "1", "")).0, ErrorCode::LimitExceeded);
    node.move_stage("a", "AWSCURRENT", "4", "2").unwrap();
    node.move_stage("a", "blue", "", "3").unwrap();
    node.move_stage("a", "one-more", "1", "").unwrap();
}

#[test]
fn labels_of_a_scheduled_secret_stay() {
    let mut node = three();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    assert_eq!(
        refused(&node.move_stage("a", "green", "1", "")),
        (
            ErrorCode::InvalidRequest,
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    );
    node.restore("a").unwrap();
    assert_eq!(stages(&node), ["AWSPREVIOUS", "AWSCURRENT", "blue"]);
}
