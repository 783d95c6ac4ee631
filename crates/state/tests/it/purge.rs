use state::{Applied, Command, DeleteMode, Envelope, Purge, SecretUid};
use types::Timestamp;

use crate::fixture::{HOUR_MS, Node};
use crate::records::{rebuilt, records_of};

const DAY_MS: u64 = 24 * HOUR_MS;

impl Node {
    /// The node with `a` and `b` scheduled for the end of that many days, and `c` live.
    fn scheduled(days: u32) -> Self {
        let mut node = Self::new();
        for secret in ["a", "b", "c"] {
            node.create(secret, "1", Some("v")).unwrap();
        }
        for secret in ["a", "b"] {
            node.delete(secret, DeleteMode::Window { days }).unwrap();
        }
        node
    }

    fn uids(&self) -> Vec<SecretUid> {
        ["a", "b", "c"].map(|name| self.secret(name).uid).to_vec()
    }

    fn days_later(&self, days: u64) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis() + days * DAY_MS)
    }

    /// Purges what is named at a leader's time and a quorum's; how many secrets are left.
    #[track_caller]
    fn purge(&mut self, secrets: &[SecretUid], stamped: Timestamp, not_after: Timestamp) -> usize {
        let command = Command::Purge(Purge { secrets: secrets.to_vec(), not_after });
        let envelope = Envelope { stamped, ..self.envelope(command) };
        assert_eq!(self.apply(envelope), Ok(Applied::Purged));
        self.state.secret_count()
    }
}

#[test]
fn a_window_ends_when_the_leader_and_the_quorum_say_so() {
    let node = Node::scheduled(7);
    let (uids, end) = (node.uids(), node.days_later(7));
    let before = Timestamp::from_millis(end.as_millis() - 1);
    for (stamped, not_after, left) in [(end, before, 3), (before, end, 3), (before, before, 3), (end, end, 1)] {
        assert_eq!(node.clone().purge(&uids, stamped, not_after), left);
    }
}

#[test]
fn log_time_that_ran_ahead_ends_no_window() {
    let mut node = Node::scheduled(30);
    let (uids, now) = (node.uids(), node.days_later(8));
    node.now = node.days_later(400);
    node.create("d", "1", None).unwrap();
    assert_eq!(node.state.time(), node.now);
    assert_eq!(node.purge(&uids, now, now), 4);
}

#[test]
fn what_was_restored_or_scheduled_anew_stays() {
    let mut node = Node::scheduled(7);
    let (uids, end) = (node.uids(), node.days_later(7));
    node.restore("a").unwrap();
    node.restore("b").unwrap();
    node.pass(DAY_MS);
    node.delete("b", DeleteMode::Window { days: 7 }).unwrap();
    assert_eq!(node.purge(&uids, end, end), 3);
    assert_eq!(node.purge(&uids, node.days_later(7), node.days_later(7)), 2);
}

#[test]
fn a_purge_leaves_nothing_of_a_secret_and_its_name_is_free() {
    let mut node = Node::scheduled(7);
    let (uids, end) = (node.uids(), node.days_later(7));
    let arn = node.secret("a").arn.clone();
    for _ in 0..2 {
        assert_eq!(node.purge(&uids, end, end), 1);
    }
    assert!(node.state.secret_by_arn(&arn).is_none());
    assert_eq!(rebuilt(records_of(&node.state)), Ok(node.state.clone()));
    node.create("a", "1", Some("other")).unwrap();
    assert!(node.secret("a").uid > uids[2]);
}

#[test]
fn what_is_due_is_found_in_the_order_of_its_end() {
    let mut node = Node::scheduled(30);
    node.delete("c", DeleteMode::Window { days: 7 }).unwrap();
    let uids = node.uids();
    let due = |node: &Node, days| node.state.due(node.days_later(days)).collect::<Vec<_>>();
    assert_eq!(due(&node, 6), []);
    assert_eq!(due(&node, 7), [uids[2]]);
    assert_eq!(due(&node, 30), [uids[2], uids[0], uids[1]]);
    node.restore("a").unwrap();
    node.delete("b", DeleteMode::Force).unwrap();
    assert_eq!(due(&node, 400), [uids[2]]);
    node.state = rebuilt(records_of(&node.state)).unwrap();
    assert_eq!(due(&node, 400), [uids[2]]);
}
