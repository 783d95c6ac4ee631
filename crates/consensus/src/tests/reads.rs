//! What stale reads are spared, and what they never are.

use std::time::{Duration, Instant};

use super::harness::{Cluster, LIMIT, find, has, put_policy, soon};
use crate::NoQuorum;
use crate::replica::Tuning;
use crate::{Replica, Timing};

/// Long enough for a read that need not wait, short for one that waits in vain.
fn brief() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// Whether a stale read, of whatever age, sees a secret.
async fn sees_at_once(node: &Replica, name: &str) -> bool {
    has(&node.read_stale(LIMIT, soon()).await.unwrap().published.state, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_behind_serves_stale_reads_at_once_and_no_others() {
    let cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let node = cluster.node(followers[0]);
    cluster.write(leader, "before").await;
    assert!(cluster.sees(followers[0], "before").await);

    cluster.hold_state(followers[0], true);
    cluster.write(leader, "after").await;
    let stale = node.read_stale(LIMIT, soon()).await.unwrap();
    assert!(has(&stale.published.state, "before") && !has(&stale.published.state, "after"));
    assert!(stale.age > Duration::ZERO && stale.age < LIMIT, "{:?}", stale.age);
    assert_eq!(node.read_stale(Duration::ZERO, brief()).await.unwrap_err(), NoQuorum);
    if !cfg!(feature = "unsafe-without-read-barrier") {
        assert_eq!(node.read_barrier(brief()).await.unwrap_err(), NoQuorum);
    }
    assert!(!sees_at_once(&node, "after").await);

    cluster.hold_state(followers[0], false);
    let fresh = node.read_stale(Duration::ZERO, soon()).await.unwrap();
    assert!(has(&fresh.published.state, "after"));
    assert_eq!(fresh.age, Duration::ZERO);
    // What the leader itself has is never old.
    cluster.write(followers[1], "last").await;
    assert!(sees_at_once(&cluster.node(leader), "last").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_is_served_before_the_last_change_of_identity_or_keys_is_applied() {
    let cluster = Cluster::start_empty(Timing::default(), Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let node = cluster.node(followers[0]);
    assert!(node.read_barrier(soon()).await.unwrap().state.cluster().is_none());

    cluster.hold_state(followers[0], true);
    cluster.bootstrap().await;
    cluster.write(leader, "after").await;
    // The bound on the data would allow it.
    assert_eq!(node.read_stale(LIMIT, brief()).await.unwrap_err(), NoQuorum);
    assert!(cluster.node(leader).read_stale(LIMIT, soon()).await.is_ok());

    cluster.hold_state(followers[0], false);
    let stale = node.read_stale(LIMIT, soon()).await.unwrap();
    assert!(stale.published.state.cluster().is_some());
    node.read_barrier(soon()).await.unwrap();
    cluster.hold_state(followers[0], true);
    cluster.write(leader, "last").await;
    assert!(!sees_at_once(&node, "last").await);
    cluster.hold_state(followers[0], false);
}

/// A policy says who may do what, so it is no data that may be old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_is_served_before_the_last_change_of_a_policy_is_applied() {
    let cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let node = cluster.node(followers[0]);
    cluster.write(leader, "guarded").await;
    assert!(cluster.sees(followers[0], "guarded").await);

    for (secret, policy) in [("one", "{}"), ("two", "{ }")] {
        cluster.hold_state(followers[0], true);
        let written = cluster.write(leader, secret).await.index;
        assert!(sees_at_once(&node, "guarded").await, "writes of secrets alone are not waited for");
        let put = cluster.propose_on(leader, put_policy("guarded", policy, written)).await.unwrap();
        put.outcome.unwrap();
        assert_eq!(node.read_stale(LIMIT, brief()).await.unwrap_err(), NoQuorum);

        cluster.hold_state(followers[0], false);
        let stale = node.read_stale(LIMIT, soon()).await.unwrap();
        let state = &stale.published.state;
        assert_eq!(state.resource_policy(find(state, "guarded").unwrap()).map(AsRef::as_ref), Some(policy));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_started_again_takes_its_whole_checkpoint_for_a_change_of_access() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let written = cluster.write(leader, "before").await.index;
    assert!(cluster.sees(followers[0], "before").await);
    let running = cluster.node(followers[0]).local_state();
    assert!(running.access_index < written && running.access_index > 0, "{}", running.access_index);

    let checkpoint = cluster.node(followers[0]).checkpoint().await.unwrap();
    Box::pin(cluster.stop_node(followers[0])).await;
    Box::pin(cluster.start_node(followers[0])).await;
    cluster.write(leader, "after").await;
    assert!(cluster.sees(followers[0], "after").await);
    let restarted = cluster.node(followers[0]).local_state();
    assert_eq!(restarted.access_index, checkpoint);
    assert!(restarted.applied_index > checkpoint);
}

/// Neither may it: whoever lost its access in the meantime would still have it there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_cut_off_serves_no_stale_reads() {
    let cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let node = cluster.node(leader);
    cluster.write(leader, "before").await;
    assert!(sees_at_once(&node, "before").await);
    cluster.isolate(leader, true);
    assert_eq!(node.read_stale(LIMIT, brief()).await.unwrap_err(), NoQuorum);
    cluster.write(followers[0], "after").await;
    assert_eq!(node.read_stale(LIMIT, brief()).await.unwrap_err(), NoQuorum);
    cluster.isolate(leader, false);
    assert!(sees_at_once(&node, "before").await);
}
