//! Who is given the barrier terms, and that keyrings reach every node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use net::pki::Issued;
use net::tls::PeerDialer;
use state::{Command, SetKeyring};
use storage::Barrier;
use types::{ClusterId, NodeId};

use super::harness::{CLUSTER, Cluster, LIMIT, member, proposal, wait};
use crate::{TermsRefused, ask_for_terms};

/// Node `asking` as it is while it is sealed: it has its certificate and knows where one peer is.
async fn ask(cluster: &Cluster, asking: u64, giving: u64) -> Result<Barrier, String> {
    ask_as(cluster, CLUSTER, asking, giving).await
}

async fn ask_as(cluster: &Cluster, of: ClusterId, asking: u64, giving: u64) -> Result<Barrier, String> {
    let Issued { certificate, key } = cluster.issue(of, asking);
    let dialer = PeerDialer::new(cluster.authority.to_pem().0, &certificate, &key, of).unwrap();
    let peers = BTreeMap::from([(NodeId(giving), cluster.address_of(giving))]);
    match ask_for_terms(&dialer, of, &peers).await {
        Ok((peer, barrier, _)) => {
            assert_eq!(peer, NodeId(giving));
            Ok(barrier)
        }
        Err(TermsRefused(refusals)) => Err(refusals.into_iter().map(|(_, why)| why).collect()),
    }
}

fn allow(cluster: &Cluster, giving: u64, transfers: u64) {
    let custody = &cluster.custody[&giving];
    custody.gives_terms.store(true, Ordering::Relaxed);
    custody.transfers.store(transfers, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_given_the_terms_where_that_is_allowed_and_not_too_often() {
    let mut cluster = Cluster::start().await;
    let (_, followers) = cluster.leader_and_followers().await;
    let (asking, giving) = (followers[0], followers[1]);
    cluster.stop_node(asking).await;

    let refused = ask(&cluster, asking, giving).await.unwrap_err();
    assert!(refused.contains("peer unseal is off"), "{refused}");
    allow(&cluster, giving, 2);
    for _ in 0..2 {
        let given = ask(&cluster, asking, giving).await.unwrap();
        assert_eq!(given.terms(), cluster.barrier.terms());
        let sealed = cluster.barrier.seal(key_kind(), b"key", b"value");
        assert_eq!(given.open(key_kind(), b"key", &sealed).unwrap().as_slice(), b"value");
    }
    let refused = ask(&cluster, asking, giving).await.unwrap_err();
    assert!(refused.contains("too often"), "{refused}");
}

fn key_kind() -> storage::SealedKind {
    storage::SealedKind::StateRecord
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_terms_for_those_that_are_no_members_and_none_without_a_quorum() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    for id in [leader, followers[0], followers[1]] {
        allow(&cluster, id, 9);
    }
    // A node of the same authority that was never added, and one of another cluster.
    let refused = ask(&cluster, 4, leader).await.unwrap_err();
    assert!(refused.contains("not a member"), "{refused}");
    ask_as(&cluster, ClusterId([9; 16]), 4, leader).await.unwrap_err();

    cluster.node(leader).remove_node(NodeId(followers[0])).await.unwrap();
    for giving in [leader, followers[1]] {
        let refused = ask(&cluster, followers[0], giving).await.unwrap_err();
        assert!(refused.contains("was removed"), "{refused}");
    }

    // The one that is left knows the asking node as a member and cannot know whether it still is.
    cluster.stop_node(followers[1]).await;
    cluster.stop_node(followers[0]).await;
    let refused = ask(&cluster, followers[1], leader).await.unwrap_err();
    assert!(refused.contains("quorum") || refused.contains("no answer"), "{refused}");
    assert_eq!(cluster.custody[&leader].transfers.load(Ordering::Relaxed), 9, "nothing was counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_is_kept_by_every_node_and_by_those_that_come_later() {
    let mut cluster = Cluster::start().await;
    let (leader, _) = cluster.leader_and_followers().await;
    let bytes = |text: &str| Arc::from(text.as_bytes());
    for revision in [1, 2] {
        let command = Command::SetKeyring(SetKeyring { revision, sealed: bytes("keyring"), terms: bytes("") });
        let receipt = cluster.propose_on(leader, proposal(100 + revision, command)).await.unwrap();
        assert!(receipt.outcome.is_ok(), "{:?}", receipt.outcome);
        for node in cluster.all() {
            wait(&node, "the keyring", |m| m.last_applied.is_some_and(|id| id.index >= receipt.index)).await;
            assert_eq!(cluster.custody[&node.id().0].kept.lock().unwrap().last(), Some(&revision));
        }
    }
    // Its log begins after the command, so it has the keyring from the state.
    cluster.node(leader).checkpoint().await.unwrap();
    cluster.start_node(4).await;
    cluster.node(leader).add_node(NodeId(4), member(4)).await.unwrap();
    let kept = async {
        while cluster.custody[&4].kept.lock().unwrap().last() != Some(&2) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, kept).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_seals_every_node_that_answers() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    cluster.stop_node(followers[0]).await;
    let nodes = cluster.node(followers[1]).seal_all().await;
    let told: BTreeMap<u64, bool> = nodes.iter().map(|(id, result)| (id.0, result.is_ok())).collect();
    assert_eq!(told, BTreeMap::from([(leader, true), (followers[0], false), (followers[1], true)]));
    for id in [leader, followers[0], followers[1]] {
        assert_eq!(cluster.custody[&id].is_sealed.load(Ordering::Relaxed), id != followers[0], "node {id}");
    }
}
