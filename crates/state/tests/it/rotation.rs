//! The configuration of rotations, and the version that one begins with.

use state::{
    CancelRotateSecret, Command, DeleteMode, Outcome, RotateSecret, Rotation, RotationRules, RotationSchedule,
};
use types::{ErrorCode, limits};

use crate::fixture::{Node, refused, token, written};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:rotate";
const INCOMPLETE: &str = "A previous rotation isn't complete. That rotation will be reattempted.";

fn days(days: u32) -> Option<RotationRules> {
    Some(RotationRules { schedule: RotationSchedule::AfterDays(days), duration: None })
}

/// A node with a secret that has a first version.
fn node() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v1")).unwrap();
    node.pass(1_000);
    node
}

fn command(node: &Node, version: &str, rules: Option<RotationRules>) -> RotateSecret {
    RotateSecret {
        target: node.secret("a").arn.clone(),
        token: token(version),
        function: Some(FUNCTION.into()),
        rules,
        immediately: true,
    }
}

fn rotate(node: &mut Node, version: &str, rules: Option<RotationRules>) -> Outcome {
    let command = command(node, version, rules);
    node.run(Command::RotateSecret(command))
}

/// Rotates as the secret says.
fn rotate_again(node: &mut Node, version: &str) -> Outcome {
    let command = RotateSecret { function: None, ..command(node, version, None) };
    node.run(Command::RotateSecret(command))
}

fn cancel(node: &mut Node) -> Outcome {
    let target = node.secret("a").arn.clone();
    node.run(Command::CancelRotateSecret(CancelRotateSecret { target }))
}

fn rotation(node: &Node) -> Rotation {
    node.secret("a").rotation.as_deref().unwrap().clone()
}

#[test]
fn a_rotation_begins_with_a_version_that_has_no_value() {
    let mut node = node();
    let before = node.secret("a").clone();
    let (arn, version, stages) = written(&rotate(&mut node, "2", days(30)));
    assert_eq!((arn, version, stages.as_str()), (before.arn.clone(), Some(token("2")), "AWSPENDING"));
    let secret = node.secret("a");
    assert_eq!((node.stages("a", "1").as_str(), node.stages("a", "2").as_str()), ("AWSCURRENT", "AWSPENDING"));
    assert!(secret.version(&token("2")).unwrap().version.value.is_none());
    assert!(secret.last_changed > before.last_changed);
    let expected = Rotation {
        enabled: true,
        function: FUNCTION.into(),
        rules: days(30),
        counted_from: secret.last_changed,
        last_rotated: None,
    };
    assert_eq!(rotation(&node), expected);
}

#[test]
fn the_rotations_token_fills_the_placeholder_once() {
    let mut node = node();
    rotate(&mut node, "2", None).unwrap();
    let (_, version, stages) = written(&node.put("a", "2", "v2", "AWSPENDING"));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSPENDING"));
    let filled = node.secret("a").clone();
    assert_eq!(filled.versions.len(), 2);
    assert!(filled.version(&token("2")).unwrap().version.value.is_some());
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    assert_eq!(*node.secret("a"), filled);
    assert_eq!(refused(&node.put("a", "2", "other", "AWSPENDING")).0, ErrorCode::ResourceExists);

    let mut by_update = self::node();
    rotate(&mut by_update, "2", None).unwrap();
    by_update.update("a", "2", Some("v2")).unwrap();
    assert_eq!(by_update.stages("a", "2"), "AWSCURRENT AWSPENDING");
}

#[test]
fn a_rotation_ends_when_current_moves_to_what_it_has_made() {
    let mut node = node();
    rotate(&mut node, "2", days(30)).unwrap();
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    assert_eq!(rotation(&node).last_rotated, None);
    node.pass(5_000);
    node.move_stage("a", "AWSCURRENT", "2", "1").unwrap();
    let ended = rotation(&node);
    assert_eq!(ended.last_rotated, Some(ended.counted_from));
    assert_eq!(node.stages("a", "2"), "AWSCURRENT AWSPENDING");

    // Functions may leave AWSPENDING there: the next rotation takes it.
    rotate_again(&mut node, "3").unwrap();
    assert_eq!(["1", "2", "3"].map(|version| node.stages("a", version)), ["AWSPREVIOUS", "AWSCURRENT", "AWSPENDING"]);
    assert_eq!((rotation(&node).rules, rotation(&node).last_rotated), (days(30), ended.last_rotated));
}

#[test]
fn another_rotation_waits_for_the_one_under_way() {
    let mut node = node();
    rotate(&mut node, "2", days(30)).unwrap();
    let before = node.secret("a").clone();
    for immediately in [true, false] {
        let other = RotateSecret { immediately, ..command(&node, "3", days(7)) };
        let outcome = node.run(Command::RotateSecret(other));
        assert_eq!(refused(&outcome), (ErrorCode::InvalidRequest, INCOMPLETE));
        assert_eq!(*node.secret("a"), before);
    }
    // The same request again is the rotation under way, and afterwards the one that has ended.
    assert_eq!(written(&rotate(&mut node, "2", days(30))).1, Some(token("2")));
    assert_eq!(*node.secret("a"), before);
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    node.move_stage("a", "AWSCURRENT", "2", "1").unwrap();
    let before = node.secret("a").clone();
    assert_eq!(written(&rotate(&mut node, "2", days(30))).1, Some(token("2")));
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn a_version_of_another_write_is_no_rotation() {
    let mut node = node();
    let before = node.secret("a").clone();
    let outcome = rotate(&mut node, "1", days(30));
    let (code, message) = refused(&outcome);
    assert_eq!(code, ErrorCode::InvalidParameter);
    assert!(message.starts_with("You can't use ClientRequestToken "), "{message}");
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn without_a_function_nothing_is_changed() {
    let mut node = node();
    let before = node.secret("a").clone();
    let outcome = rotate_again(&mut node, "2");
    let expected = "No Lambda rotation function ARN is associated with this secret.";
    assert_eq!(refused(&outcome), (ErrorCode::InvalidRequest, expected));
    assert_eq!(*node.secret("a"), before);
}

#[test]
fn a_configuration_alone_makes_no_version() {
    let mut node = node();
    let later = RotateSecret { immediately: false, ..command(&node, "2", days(30)) };
    let (_, version, stages) = written(&node.run(Command::RotateSecret(later.clone())));
    assert_eq!((version, stages.as_str()), (None, ""));
    assert_eq!((node.secret("a").versions.len(), node.secret("a").labels.len()), (1, 1));
    let before = node.secret("a").clone();
    node.pass(5_000);
    node.run(Command::RotateSecret(later.clone())).unwrap();
    assert_eq!(*node.secret("a"), before);
    // Other rules count from when they came.
    node.run(Command::RotateSecret(RotateSecret { rules: days(7), ..later })).unwrap();
    assert_eq!(rotation(&node).counted_from, node.secret("a").last_changed);
    assert!(rotation(&node).counted_from > before.last_changed);
}

#[test]
fn another_value_counts_as_a_rotation_for_the_next_date_only() {
    let mut node = node();
    let later = RotateSecret { immediately: false, ..command(&node, "2", days(30)) };
    node.run(Command::RotateSecret(later)).unwrap();
    let configured = rotation(&node);
    node.pass(5_000);
    node.put("a", "2", "v2", "blue").unwrap();
    assert_eq!(rotation(&node), configured);
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    let counted = rotation(&node);
    assert!(counted.counted_from > configured.counted_from);
    assert_eq!(Rotation { counted_from: configured.counted_from, ..counted }, configured);
}

#[test]
fn a_write_by_hand_abandons_the_placeholder() {
    let mut node = node();
    rotate(&mut node, "2", days(30)).unwrap();
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    assert_eq!(["1", "2", "3"].map(|version| node.stages("a", version)), ["AWSPREVIOUS", "", "AWSCURRENT"]);
    assert_eq!(rotation(&node).last_rotated, None);
    rotate_again(&mut node, "4").unwrap();

    // What has a value already stays, and another label is no other value.
    let mut node = self::node();
    rotate(&mut node, "2", days(30)).unwrap();
    node.put("a", "3", "v3", "blue").unwrap();
    assert_eq!(node.stages("a", "2"), "AWSPENDING");
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    node.put("a", "4", "v4", "AWSCURRENT").unwrap();
    assert_eq!(node.stages("a", "2"), "AWSPENDING");
}

#[test]
fn a_secret_without_a_value_can_be_rotated() {
    let mut node = Node::new();
    node.create("a", "1", None).unwrap();
    rotate(&mut node, "2", None).unwrap();
    assert_eq!(node.stages("a", "2"), "AWSPENDING");
    node.put("a", "2", "v2", "AWSPENDING").unwrap();
    assert_eq!(node.stages("a", "2"), "AWSCURRENT AWSPENDING");
}

#[test]
fn cancelling_keeps_the_configuration_and_what_was_begun() {
    let mut node = node();
    let outcome = cancel(&mut node);
    assert_eq!(refused(&outcome).0, ErrorCode::InvalidRequest);
    rotate(&mut node, "2", days(30)).unwrap();
    let configured = rotation(&node);
    let (_, version, stages) = written(&cancel(&mut node));
    assert_eq!((version, stages.as_str()), (Some(token("2")), "AWSPENDING"));
    assert_eq!(rotation(&node), Rotation { enabled: false, ..configured });
    assert_eq!(node.stages("a", "2"), "AWSPENDING");
    let before = node.secret("a").clone();
    cancel(&mut node).unwrap();
    assert_eq!(*node.secret("a"), before);
    // As after a failure, somebody has to look at what was left.
    assert_eq!(refused(&rotate_again(&mut node, "3")), (ErrorCode::InvalidRequest, INCOMPLETE));
    node.move_stage("a", "AWSPENDING", "", "2").unwrap();
    assert_eq!(written(&cancel(&mut node)).1, None);
    node.pass(5_000);
    rotate_again(&mut node, "3").unwrap();
    let again = rotation(&node);
    assert!(again.enabled && again.rules == days(30) && again.counted_from == node.secret("a").last_changed);
}

#[test]
fn deletion_suspends_and_restoring_brings_everything_back() {
    let mut node = node();
    rotate(&mut node, "2", days(30)).unwrap();
    let configured = rotation(&node);
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(refused(&rotate_again(&mut node, "3")), (ErrorCode::InvalidRequest, marked));
    assert_eq!(refused(&cancel(&mut node)), (ErrorCode::InvalidRequest, marked));
    node.restore("a").unwrap();
    assert_eq!((rotation(&node), node.stages("a", "2").as_str()), (configured, "AWSPENDING"));
}

#[test]
fn quotas_hold_for_placeholders_too() {
    let mut node = node();
    let many: Vec<String> = (1..limits::STAGING_LABELS_PER_SECRET).map(|n| format!("l{n}")).collect();
    node.put("a", "2", "v2", &many.join(" ")).unwrap();
    let before = node.secret("a").clone();
    assert_eq!(refused(&rotate(&mut node, "3", None)).0, ErrorCode::LimitExceeded);
    assert_eq!(*node.secret("a"), before);

    let mut node = self::node();
    for version in 2..=limits::VERSIONS_PER_SECRET {
        node.put("a", &version.to_string(), "v", "AWSCURRENT").unwrap();
    }
    assert_eq!(refused(&rotate(&mut node, "next", None)).0, ErrorCode::LimitExceeded);
}
