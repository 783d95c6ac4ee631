use state::{Applied, DeleteMode};
use types::{ErrorCode, Timestamp};

use crate::fixture::{HOUR_MS, Node, namespace, refused};

fn deletion_date(outcome: &state::Outcome) -> Timestamp {
    match outcome {
        Ok(Applied::Deleted { deletion_date, .. }) => *deletion_date,
        other => panic!("not a deletion: {other:?}"),
    }
}

#[test]
fn a_window_ends_after_its_days_and_the_secret_stays_until_then() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.pass(HOUR_MS);
    let date = deletion_date(&node.delete("a", DeleteMode::Window { days: 30 }));
    let secret = node.secret("a");
    assert_eq!(date, node.now.plus_days(30));
    assert_eq!((secret.deletion_date, secret.last_changed), (Some(date), node.now));
    assert_eq!(node.stages("a", "1"), "AWSCURRENT");
    node.pass(31 * 24 * HOUR_MS);
    node.create("b", "1", None).unwrap();
    assert!(node.secret("a").is_scheduled_for_deletion());
}

#[test]
fn a_window_on_a_scheduled_secret_is_refused() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let date = deletion_date(&node.delete("a", DeleteMode::Window { days: 7 }));
    assert_eq!(
        refused(&node.delete("a", DeleteMode::Window { days: 30 })),
        (ErrorCode::InvalidRequest, "You tried to perform the operation on a secret that's currently marked deleted.")
    );
    assert_eq!(node.secret("a").deletion_date, Some(date));
}

#[test]
fn force_frees_the_name_in_the_same_command() {
    let mut node = Node::new();
    for scheduled in [false, true] {
        node.create("a", "1", Some("v")).unwrap();
        let old = node.secret("a").clone();
        if scheduled {
            node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
        }
        node.pass(1);
        assert_eq!(deletion_date(&node.delete("a", DeleteMode::Force)), node.now);
        assert_eq!(node.state.secret_count(), 0);
        assert_eq!(node.state.namespace(&namespace()), None);
        assert_eq!(node.state.secret_by_arn(&old.arn), None);
        node.create("a", "1", Some("other")).unwrap();
        let new = node.secret("a");
        assert!(new.uid > old.uid);
        assert_ne!(new.arn, old.arn);
        node.delete("a", DeleteMode::Force).unwrap();
    }
}
