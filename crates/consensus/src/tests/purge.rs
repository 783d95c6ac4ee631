//! Deleted secrets go when their time has come, and no wrong clock brings it nearer.

use std::sync::Arc;

use state::{
    ChangeKey, Command, CreateKey, DeleteMode, DeleteSecret, Envelope, GrantConstraints, GrantId, GrantTerms,
    KeyChange, KeyManager, NewGrant, State,
};
use types::{KeyId, Principal, ProposalId, Timestamp, limits};

use super::harness::{Cluster, bootstrap, create, find, has, namespace, soon};
use crate::clocks::{Agreement, CHECKS};
use crate::purge::plan;
use crate::{Proposal, Replica};

impl Cluster {
    /// Has the leader carry out what is decided on its present state; which node that is.
    async fn carry_out(&self, command: Command) -> u64 {
        let (leader, _) = self.leader_and_followers().await;
        let decided_at = self.node(leader).local_state().applied_index;
        let receipt = self.propose_on(leader, Proposal { command, decided_at, ..create("any") }).await.unwrap();
        assert!(receipt.outcome.is_ok(), "{receipt:?}");
        leader
    }

    async fn delete(&self, name: &str, days: u32) {
        let leader = self.carry_out(create(name).command).await;
        let target = find(&self.node(leader).local_state().state, name).unwrap().arn.clone();
        self.carry_out(Command::DeleteSecret(DeleteSecret { target, mode: DeleteMode::Window { days } })).await;
    }

    async fn delete_key(&self, key: KeyId, days: u32) {
        self.carry_out(create_key(key)).await;
        self.carry_out(change(key, KeyChange::ScheduleDeletion { window_days: days })).await;
    }

    async fn sees_key(&self, id: u64, key: KeyId) -> bool {
        self.node(id).read_barrier(soon()).await.unwrap().state.encryption_key(&key).is_some()
    }

    /// Lets every node look as often as it takes, and more.
    async fn purge(&self) {
        for node in self.all() {
            turns(&node, CHECKS + 2).await;
        }
    }

    fn pass_days(&self, days: u64) {
        for id in 1..=3 {
            self.set_days_ahead(id, days);
        }
    }
}

async fn turns(node: &Replica, turns: u32) {
    let mut agreement = Agreement::default();
    for _ in 0..turns {
        Box::pin(node.inner.purge_due(&mut agreement)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_400_days_ahead_purges_nothing_as_leader_or_as_follower() {
    let cluster = Cluster::start().await;
    cluster.delete("deleted", 7).await;
    for id in 1..=3 {
        cluster.set_days_ahead(id, 400);
        cluster.purge().await;
        // The leader's clock goes into the log, and log time with it.
        let leader = cluster.carry_out(create(&format!("while-{id}-is-ahead")).command).await;
        cluster.purge().await;
        assert!(cluster.sees(leader, "deleted").await, "node {id} was ahead, and {leader} led");
        cluster.set_days_ahead(id, 0);
    }
    // Log time is ahead for ever now, and the clocks are right.
    let state = cluster.node(1).read_barrier(soon()).await.unwrap().state.clone();
    assert!(state.due(state.time()).next().is_some());
    cluster.purge().await;
    assert!(cluster.sees(1, "deleted").await);
    cluster.pass_days(8);
    cluster.purge().await;
    assert!(!cluster.sees(1, "deleted").await);
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_reaches_no_quorum_of_clocks_proposes_nothing() {
    let cluster = Cluster::start().await;
    cluster.delete("deleted", 7).await;
    cluster.pass_days(8);
    let (leader, followers) = cluster.leader_and_followers().await;
    let leader = cluster.node(leader);
    for follower in followers {
        cluster.set_days_ahead(follower, 0);
    }
    turns(&leader, CHECKS + 2).await;
    assert!(has(&leader.local_state().state, "deleted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purging_takes_several_checks_and_goes_on_under_the_next_leader() {
    let cluster = Cluster::start().await;
    cluster.delete("first", 7).await;
    cluster.delete("second", 14).await;
    cluster.pass_days(8);
    let (leader, followers) = cluster.leader_and_followers().await;
    turns(&cluster.node(leader), CHECKS - 1).await;
    assert!(cluster.sees(leader, "first").await);
    turns(&cluster.node(leader), CHECKS).await;
    assert!(!cluster.sees(leader, "first").await && cluster.sees(leader, "second").await);

    let next = cluster.node(leader).transfer_leader(Some(types::NodeId(followers[0]))).await.unwrap();
    cluster.pass_days(15);
    cluster.purge().await;
    assert!(!cluster.sees(next.0, "second").await);
    cluster.converge().await;
}

fn create_key(key: KeyId) -> Command {
    Command::CreateKey(CreateKey {
        namespace: namespace(),
        key,
        material: [5; 40][..].into(),
        manager: KeyManager::Customer,
        alias: None,
        description: "".into(),
        policy: None,
        tags: Vec::new(),
        rotation_period_days: None,
    })
}

fn change(key: KeyId, change: KeyChange) -> Command {
    Command::ChangeKey(ChangeKey { key, change })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_destroyed_when_the_clocks_agree_and_never_by_one_that_is_ahead() {
    let cluster = Cluster::start().await;
    let key = KeyId([9; 16]);
    cluster.delete_key(key, 7).await;
    for id in 1..=3 {
        cluster.set_days_ahead(id, 400);
        cluster.purge().await;
        let leader = cluster.carry_out(create(&format!("while-{id}-is-ahead")).command).await;
        cluster.purge().await;
        assert!(cluster.sees_key(leader, key).await, "node {id} was ahead, and {leader} led");
        cluster.set_days_ahead(id, 0);
    }
    cluster.pass_days(8);
    cluster.purge().await;
    assert!(!cluster.sees_key(1, key).await);
    let state = cluster.node(1).read_barrier(soon()).await.unwrap().state.clone();
    assert!(state.destroyed_key(&key).is_some_and(|destroyed| destroyed.index > 0));
    cluster.converge().await;
}

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A state with keys of so many grants each, all of which are to go.
fn state_with_keys(grants: &[usize]) -> State {
    let mut state = State::default();
    let mut index: u64 = 0;
    let mut apply = |command| {
        index += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&index.to_be_bytes());
        let (proposal, principal) = (ProposalId(id), Principal::System);
        let envelope = Envelope { proposal, principal, decided_at: index - 1, stamped: START, command };
        assert!(state.apply(index, envelope).is_ok());
    };
    apply(Command::Bootstrap(bootstrap()));
    let terms = Arc::new(GrantTerms {
        name: None,
        grantee: "any".into(),
        retiring: None,
        operations: Vec::new(),
        constraints: GrantConstraints::default(),
    });
    for (number, grants) in (10..).zip(grants) {
        let key = KeyId([number; 16]);
        apply(create_key(key));
        for grant in 0..*grants {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&grant.to_be_bytes());
            apply(change(key, KeyChange::Grant(NewGrant { id: GrantId(id), terms: terms.clone() })));
        }
        apply(change(key, KeyChange::ScheduleDeletion { window_days: 7 }));
    }
    state
}

#[test]
fn one_command_destroys_as_many_keys_as_their_grants_allow() {
    let end = START.plus_days(7);
    let planned = |grants: &[usize]| plan(&state_with_keys(grants), end).keys.len();
    assert_eq!(planned(&[]), 0);
    assert_eq!(planned(&[0, 0, 0]), 3);
    assert_eq!(planned(&[limits::GRANTS_PURGED_PER_COMMAND - 1, 0, 0]), 2);
    assert_eq!(planned(&[limits::GRANTS_PURGED_PER_COMMAND + 1, 0]), 1);
    assert_eq!(planned(&[0; limits::KEYS_PURGED_PER_COMMAND + 1]), limits::KEYS_PURGED_PER_COMMAND);
    let before = Timestamp::from_millis(end.as_millis() - 1);
    assert!(plan(&state_with_keys(&[0, 0]), before).is_empty());
}
