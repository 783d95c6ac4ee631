//! Leaders that hand over, members that go, and nodes that lost what they had.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proto::raft::v1 as pb;
use tokio::task::JoinSet;
use tonic::Code;
use types::NodeId;

use super::harness::{Cluster, LIMIT, create, member, soon, wait};
use super::identity::{client, code};
use crate::data_dir::DataId;
use crate::replica::Tuning;
use crate::standing::DATA_METADATA;
use crate::{Expelled, MembershipError, ProposeError, Replica, Role, StartError, Timing, TransferError};

/// Elections within half a second or so.
pub(super) const FAST: Timing = Timing {
    heartbeat: Duration::from_millis(60),
    election_min: Duration::from_millis(200),
    election_max: Duration::from_millis(400),
};

fn ids(ids: impl IntoIterator<Item = NodeId>) -> Vec<u64> {
    ids.into_iter().map(|id| id.0).collect()
}

pub(super) async fn until(what: &str, reached: impl Fn() -> bool) {
    let reached = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, reached).await.unwrap_or_else(|_| panic!("{what} did not come to pass"));
}

/// Writers and readers through some nodes, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    workers: JoinSet<Vec<String>>,
}

impl Load {
    fn start(replicas: impl IntoIterator<Item = Replica>) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut workers = JoinSet::new();
        for replica in replicas {
            for worker in 0..4 {
                let (replica, stop, done) = (replica.clone(), stop.clone(), done.clone());
                workers.spawn(async move {
                    let (mut failures, mut number) = (Vec::new(), 0);
                    while !stop.load(Ordering::Relaxed) {
                        let name = format!("through-{}-{worker}-{number}", replica.id());
                        let deadline = || Instant::now() + Duration::from_secs(10);
                        match replica.propose(create(&name), deadline()).await {
                            Ok(receipt) if receipt.outcome.is_ok() => {}
                            other => failures.push(format!("{name}: {other:?}")),
                        }
                        if let Err(error) = replica.read_barrier(deadline()).await {
                            failures.push(format!("read after {name}: {error}"));
                        }
                        number += 1;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                });
            }
        }
        Self { stop, done, workers }
    }

    /// Waits until much more has been done.
    async fn goes_on(&self) {
        let before = self.done.load(Ordering::Relaxed);
        until("progress", || self.done.load(Ordering::Relaxed) > before + 100).await;
    }

    async fn failures(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.workers.join_all().await.into_iter().flatten().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_leadership_is_handed_over() {
    let cluster = Cluster::start().await;
    let load = Load::start(cluster.all());
    for _ in 0..3 {
        load.goes_on().await;
        let (leader, followers) = cluster.leader_and_followers().await;
        let asked = cluster.node(followers[0]);
        let term = asked.status().term;
        assert_eq!(asked.transfer_leader(Some(NodeId(followers[1]))).await, Ok(NodeId(followers[1])));
        wait(&cluster.node(leader), "the old leader follows", |m| m.current_leader == Some(NodeId(followers[1]))).await;
        wait(&asked, "the other one follows, too", |m| m.current_leader == Some(NodeId(followers[1]))).await;
        assert_eq!(asked.status().term, term + 1);
    }
    load.goes_on().await;
    assert_eq!(load.failures().await, [""; 0]);
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stops_hands_over_and_no_request_on_other_nodes_fails() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let load = Load::start(followers.iter().map(|id| cluster.node(*id)));
    load.goes_on().await;
    cluster.node(leader).resign().await;
    assert_ne!(cluster.node(leader).status().role, Role::Leader);
    Box::pin(cluster.stop_node(leader)).await;
    load.goes_on().await;
    assert_eq!(load.failures().await, [""; 0]);
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_goes_to_no_node_that_cannot_lead() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let replica = cluster.node(leader);
    assert_eq!(replica.transfer_leader(Some(NodeId(9))).await, Err(TransferError::NotAVoter(NodeId(9))));
    let through_follower = cluster.node(followers[0]).transfer_leader(Some(NodeId(9))).await;
    assert_eq!(through_follower, Err(TransferError::NotAVoter(NodeId(9))));
    assert_eq!(replica.transfer_leader(Some(NodeId(leader))).await, Ok(NodeId(leader)));

    Box::pin(cluster.stop_node(followers[0])).await;
    let to_dead = replica.transfer_leader(Some(NodeId(followers[0]))).await;
    assert_eq!(to_dead, Err(TransferError::NobodyReady));
    assert_eq!(replica.status().role, Role::Leader);
    cluster.write(leader, "still").await;
    assert_eq!(replica.transfer_leader(None).await, Ok(NodeId(followers[1])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_node_serves_nobody_and_disturbs_nobody() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (gone, other) = (followers[0], followers[1]);
    let removed = cluster.node(gone);
    let mut remaining = [leader, other];
    remaining.sort_unstable();
    assert_eq!(ids(cluster.node(other).remove_node(NodeId(gone)).await.unwrap()), remaining);
    // Again, through any node.
    assert_eq!(ids(cluster.node(leader).remove_node(NodeId(gone)).await.unwrap()), remaining);
    assert_eq!(ids(cluster.node(other).members().into_keys()), remaining);

    until("the removed node notices", || removed.expelled() == Some(Expelled::Removed)).await;
    assert_eq!(removed.propose(create("refused"), soon()).await.unwrap_err(), ProposeError::Unavailable);
    if !cfg!(feature = "unsafe-without-read-barrier") {
        assert!(removed.read_barrier(soon()).await.is_err());
    }
    let again = cluster.node(leader).add_node(NodeId(gone), member(gone)).await;
    assert!(matches!(again, Err(MembershipError::NotAllowed(why)) if why.contains("not given again")));

    let mut stranger = client(&cluster, gone, leader);
    let vote = || Some(pb::Ballot { term: 1_000, node: gone, committed: false });
    let refused = Some(Code::PermissionDenied);
    assert_eq!(code(stranger.vote(pb::VoteRequest { vote: vote(), ..Default::default() }).await), refused);
    assert_eq!(code(stranger.pre_vote(pb::VoteRequest { vote: vote(), ..Default::default() }).await), refused);
    assert_eq!(code(stranger.heartbeat(pb::AppendRequest { vote: vote(), ..Default::default() }).await), refused);
    assert_eq!(code(stranger.append(futures_util::stream::empty()).await), refused);
    assert_eq!(code(stranger.snapshot(futures_util::stream::empty()).await), refused);
    assert_eq!(code(stranger.transfer_leader(pb::TransferLeaderRequest::default()).await), refused);
    assert_eq!(code(stranger.read_index(pb::ReadIndexRequest::default()).await), refused);
    assert_eq!(code(stranger.local_status(pb::LocalStatusRequest {}).await), refused);

    // A restart changes nothing of that.
    let term = cluster.node(leader).status().term;
    // A handle keeps the log locked.
    drop(removed);
    Box::pin(cluster.stop_node(gone)).await;
    Box::pin(cluster.start_node(gone)).await;
    until("it notices again", || cluster.node(gone).expelled().is_some()).await;
    assert_eq!(cluster.node(leader).status().term, term);
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
    Box::pin(cluster.stop_node(gone)).await;
    cluster.write(other, "after").await;
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_removed_while_it_was_away_does_not_disturb_the_others() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    Box::pin(cluster.stop_node(followers[0])).await;
    cluster.node(leader).remove_node(NodeId(followers[0])).await.unwrap();
    let term = cluster.node(leader).status().term;
    // It believes that it is a voter, and stands for election.
    Box::pin(cluster.start_node(followers[0])).await;
    let back = cluster.node(followers[0]);
    until("it notices", || back.expelled() == Some(Expelled::Removed)).await;
    assert!(!back.has_caught_up());
    assert_eq!(cluster.node(leader).status().term, term);
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_removed_hands_over_first_and_a_new_node_takes_its_place() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let load = Load::start(followers.iter().map(|id| cluster.node(*id)));
    load.goes_on().await;
    let voters = cluster.node(leader).remove_node(NodeId(leader)).await.unwrap();
    assert_eq!(ids(voters), followers);
    let removed = cluster.node(leader);
    until("it notices", || removed.expelled() == Some(Expelled::Removed)).await;
    Box::pin(cluster.stop_node(leader)).await;

    Box::pin(cluster.start_node(4)).await;
    let voters = cluster.node(followers[0]).add_node(NodeId(4), member(4)).await.unwrap();
    assert_eq!(ids(voters), [followers[0], followers[1], 4]);
    until("the new node has caught up", || cluster.node(4).has_caught_up()).await;
    load.goes_on().await;
    assert_eq!(load.failures().await, [""; 0]);
    // Also the new node knows who is gone.
    let why = cluster.node(4).add_node(NodeId(leader), member(leader)).await;
    assert!(matches!(why, Err(MembershipError::NotAllowed(_))), "{why:?}");
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_end_the_cluster_is_not_removed() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let replica = cluster.node(leader);
    let refused = |answer: Result<_, MembershipError>, why: &str| match answer {
        Err(MembershipError::NotAllowed(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?}"),
    };
    refused(replica.remove_node(NodeId(9)).await, "not a member");

    // Of three, one is dead: only that one may go.
    Box::pin(cluster.stop_node(followers[0])).await;
    wait(&replica, "silence", |_| replica.inner.answering().is_some_and(|answering| answering.len() == 2)).await;
    refused(replica.remove_node(NodeId(followers[1])).await, "no quorum");
    refused(cluster.node(followers[1]).remove_node(NodeId(followers[1])).await, "no quorum");
    cluster.write(leader, "unharmed").await;
    replica.remove_node(NodeId(followers[0])).await.unwrap();
    replica.remove_node(NodeId(followers[1])).await.unwrap();
    cluster.write(leader, "alone").await;
    refused(replica.remove_node(NodeId(leader)).await, "last voter");
}

/// The worst that an operator can do with the best of intentions: an empty disk under the old id. Such a node would
/// vote a second time in a term, and for candidates without the entries that it had acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_whole_directory_was_lost_is_not_heard_under_its_old_id() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let lost = followers[0];
    cluster.write(leader, "before").await;
    Box::pin(cluster.stop_node(lost)).await;
    std::fs::remove_dir_all(cluster.data_dir(lost)).unwrap();
    Box::pin(cluster.start_node(lost)).await;
    let empty = cluster.node(lost);
    until("it notices", || empty.expelled() == Some(Expelled::OtherData)).await;
    assert_eq!(empty.status().last_log, 0);
    assert_eq!(empty.status().term, 0, "it voted");
    cluster.write(leader, "after").await;
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_means_another_data_directory_is_refused() {
    let cluster = Cluster::start().await;
    let mut peer = client(&cluster, 2, 3);
    let mut ask = async |data: DataId| {
        let mut request = tonic::Request::new(pb::LocalStatusRequest {});
        request.metadata_mut().insert(DATA_METADATA, data.to_string().parse().unwrap());
        code(peer.local_status(request).await)
    };
    assert_eq!(ask(cluster.node(3).inner.data).await, None);
    assert_eq!(ask(DataId([5; 16])).await, Some(Code::PermissionDenied));
    // Node 3 has its data; whoever says otherwise is wrong.
    assert_eq!(cluster.node(3).expelled(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_ready_only_when_it_has_caught_up() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    for node in cluster.all() {
        until("all have caught up", || node.has_caught_up()).await;
    }
    Box::pin(cluster.stop_node(followers[0])).await;
    cluster.write(leader, "meanwhile").await;
    let applied = cluster.node(leader).status().applied;
    cluster.isolate(followers[0], true);
    Box::pin(cluster.start_node(followers[0])).await;
    let back = cluster.node(followers[0]);
    // It has all that it had when it was stopped, and that is not enough.
    assert!(back.status().applied < applied);
    assert!(back.inner.abreast(Instant::now() + Duration::from_millis(500)).await.is_err());
    assert!(!back.has_caught_up());
    cluster.isolate(followers[0], false);
    until("it has caught up", || back.has_caught_up()).await;
    assert!(back.status().applied >= applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_log_does_not_start() {
    let mut cluster = Cluster::start().await;
    let (_, followers) = cluster.leader_and_followers().await;
    Box::pin(cluster.stop_node(followers[0])).await;
    std::fs::remove_dir_all(cluster.data_dir(followers[0]).join("log")).unwrap();
    let started = cluster.try_start(followers[0]).await;
    assert!(matches!(started, Err(StartError::DataDir(_))), "{started:?}");
    crate::set_aside(&cluster.data_dir(followers[0]), NodeId(4), "now").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_answer_is_not_proposed() {
    let mut cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let before = cluster.node(leader).status().last_log;
    for asked in [leader, followers[0]] {
        match cluster.node(asked).add_node(NodeId(4), member(4)).await {
            Err(MembershipError::NotAllowed(why)) => {
                assert!(why.contains("node 4 does not answer at node-4.invalid:1"), "{why}");
                assert!(why.contains("Nothing was changed"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(cluster.node(leader).status().last_log, before);
    assert_eq!(ids(cluster.node(leader).members().into_keys()), [1, 2, 3]);
    Box::pin(cluster.start_node(4)).await;
    assert_eq!(ids(cluster.node(leader).add_node(NodeId(4), member(4)).await.unwrap()), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_catch_up_stays_a_learner_and_is_added_again() {
    let mut cluster = Cluster::start().await;
    let (leader, _) = cluster.leader_and_followers().await;
    Box::pin(cluster.start_node(4)).await;
    let replica = cluster.node(leader);
    let inner = &replica.inner;
    let data = inner.data_of(NodeId(4), &member(4)).await.unwrap();
    assert!(inner.how_far(NodeId(4)).contains("was not added"));

    cluster.isolate(4, true);
    let added = inner.make_voter(NodeId(4), member(4), data);
    assert!(tokio::time::timeout(Duration::from_millis(500), added).await.is_err());
    assert_eq!(ids(inner.voters()), [1, 2, 3]);
    let said = inner.how_far(NodeId(4));
    assert!(said.contains("node 4 is a learner now") && said.contains("remove-node 4"), "{said}");

    // Again at once it is refused, and when the node is back it goes on.
    assert!(matches!(replica.add_node(NodeId(4), member(4)).await, Err(MembershipError::NotAllowed(_))));
    cluster.isolate(4, false);
    assert_eq!(ids(replica.add_node(NodeId(4), member(4)).await.unwrap()), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_not_handed_to_nodes_that_stop_too() {
    let cluster = Cluster::start().await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let replica = cluster.node(leader);
    for id in &followers {
        cluster.node(*id).resign().await;
    }
    assert_eq!(replica.transfer_leader(None).await, Err(TransferError::NobodyReady));
    assert_eq!(replica.transfer_leader(Some(NodeId(followers[0]))).await, Err(TransferError::NobodyReady));
    assert_eq!(replica.status().role, Role::Leader);
    cluster.write(leader, "still").await;
}
