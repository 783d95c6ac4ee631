//! Proposals: applied once, remembered for a while, refused when their memory is gone.

use state::{Command, Envelope, Refusal};
use types::{ProposalId, Timestamp, limits};

use crate::fixture::{Node, written};

fn age_ms() -> u64 {
    u64::try_from(limits::PROPOSAL_RESULT_AGE.as_millis()).unwrap()
}

#[test]
fn a_proposal_that_comes_twice_is_applied_once() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let put = node.envelope(Command::PutSecretValue(node.put_command("a", "2", "v2", "AWSCURRENT")));
    let first = written(&node.apply(put.clone()));
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
    let after = node.secret("a").clone();
    // The answer of then, not of now: the version is AWSPREVIOUS today.
    assert_eq!(written(&node.apply(put)), first);
    assert_eq!(*node.secret("a"), after);
}

#[test]
fn a_refusal_is_remembered_too() {
    let mut node = Node::new();
    let create = node.envelope(Command::CreateSecret(node.create_command("a", "1", Some("v"))));
    let early = Envelope { decided_at: 0, ..create };
    assert_eq!(node.apply(early.clone()), Err(Refusal::Conflict));
    // The proposer has moved on, so the late copy must not be applied now, whatever it says of itself.
    let late = Envelope { decided_at: node.index, ..early };
    assert_eq!(node.apply(late), Err(Refusal::Conflict));
    assert_eq!(node.state.secret_count(), 0);
}

#[test]
fn a_retry_whose_first_result_is_too_old_is_refused() {
    let mut node = Node::new();
    let create = node.envelope(Command::CreateSecret(node.create_command("a", "1", Some("v"))));
    node.apply(create.clone()).unwrap();
    let created_at = node.index;
    node.pass(age_ms());
    node.create("b", "1", None).unwrap();
    written(&node.apply(create.clone()));
    node.pass(1);
    node.create("c", "1", None).unwrap();
    assert_eq!(node.state.proposals().forgotten_through(), created_at);

    let delete = state::DeleteMode::Force;
    node.delete("a", delete).unwrap();
    for _ in 0..2 {
        assert_eq!(node.apply(create.clone()), Err(Refusal::Forgotten));
    }
    assert_eq!(node.state.secret_count(), 2);
}

#[test]
fn a_first_attempt_that_was_decided_too_early_is_refused_and_decided_again() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.create("b", "1", Some("v")).unwrap();
    let early = Envelope {
        proposal: ProposalId([8; 16]),
        decided_at: node.index - 1,
        ..node.envelope(Command::PutSecretValue(node.put_command("a", "2", "v", "AWSCURRENT")))
    };
    node.pass(age_ms() + 1);
    node.create("c", "1", None).unwrap();
    assert_eq!(node.apply(early.clone()), Err(Refusal::Forgotten));
    let again = Envelope { proposal: ProposalId([9; 16]), decided_at: node.index, ..early };
    written(&node.apply(again));
}

#[test]
fn an_idle_cluster_accepts_the_next_command() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.pass(100 * age_ms());
    node.put("a", "2", "v2", "AWSCURRENT").unwrap();
    node.put("a", "3", "v3", "AWSCURRENT").unwrap();
}

#[test]
fn the_memory_is_bounded_by_count() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let put = Command::PutSecretValue(node.put_command("a", "2", "v2", "AWSCURRENT"));
    for _ in 0..limits::PROPOSAL_RESULTS + 10 {
        let envelope = node.envelope(put.clone());
        node.index += 1;
        node.state.apply(node.index, envelope).unwrap();
    }
    assert_eq!(node.state.invariants(), Ok(()));
    assert_eq!(node.state.proposals().len(), limits::PROPOSAL_RESULTS);
    let remembered = u64::try_from(limits::PROPOSAL_RESULTS).unwrap();
    assert_eq!(node.state.proposals().forgotten_through(), node.index - remembered);
}

#[test]
fn a_clock_that_jumps_ahead_keeps_log_time_there() {
    let mut node = Node::new();
    let start = node.now;
    node.pass(400 * 24 * 3_600_000);
    node.create("a", "1", Some("v")).unwrap();
    let ahead = node.now;
    node.now = start;
    node.create("b", "1", Some("v")).unwrap();
    assert_eq!(node.state.time(), ahead);
    assert!(node.state.time() > Timestamp::from_millis(start.as_millis()));
}
