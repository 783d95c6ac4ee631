//! Deleted secrets go when their time has come, and no wrong clock brings it nearer.

use state::{Command, DeleteMode, DeleteSecret};

use super::harness::{Cluster, create, find, has, soon};
use crate::clocks::{Agreement, CHECKS};
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
