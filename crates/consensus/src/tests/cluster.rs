//! What a cluster promises to those who write and read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use net::pki::CertificateAuthority;
use state::{Command, DeleteMode, DeleteSecret};
use storage::Barrier;
use storage::log::{Done, LogEntry, LogError, LogId, LogOptions, LogState, LogStore, Vote};
use tokio::task::JoinSet;
use types::NodeId;

use super::harness::{CLUSTER, Cluster, LIMIT, config, create, find, has, member, soon, wait};
use crate::checkpoint::Retention;
use crate::replica::{Stores, Tuning};
use crate::{ProposeError, Replica, Role, Timing};

/// Elections within half a second or so, for tests that wait for many.
const FAST: Timing = Timing {
    heartbeat: Duration::from_millis(60),
    election_min: Duration::from_millis(200),
    election_max: Duration::from_millis(400),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_through_any_node_is_read_on_every_node() {
    let cluster = Cluster::start().await;
    for writer in 1..=3 {
        let name = format!("through-{writer}");
        cluster.write(writer, &name).await;
        for reader in 1..=3 {
            assert!(cluster.sees(reader, &name).await, "written on {writer}, read on {reader}");
        }
    }
    cluster.converge().await;
}

/// Fails in a build with the feature `unsafe-without-read-barrier`: the acknowledgement needs a quorum, not this
/// follower, which learns of the commit only afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_followers_read_sees_every_write_acknowledged_before_it_began() {
    let cluster = Cluster::start().await;
    for round in 0..100 {
        let (leader, followers) = cluster.leader_and_followers().await;
        let name = format!("round-{round}");
        cluster.write(leader, &name).await;
        let reader = followers[round % followers.len()];
        assert!(cluster.sees(reader, &name).await, "round {round}: node {reader} does not see it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_the_stop_of_each_node_and_of_all() {
    let mut cluster = Cluster::start().await;
    let mut acknowledged = Vec::new();
    for stopped in 1..=3 {
        Box::pin(cluster.stop_node(stopped)).await;
        for node in (1..=3).filter(|id| *id != stopped) {
            let name = format!("without-{stopped}-through-{node}");
            cluster.write(node, &name).await;
            acknowledged.push(name);
        }
        Box::pin(cluster.start_node(stopped)).await;
        assert!(cluster.node(stopped).recovered(LIMIT).await);
        for name in &acknowledged {
            assert!(cluster.sees(stopped, name).await, "{name} on {stopped}");
        }
    }
    cluster.converge().await;

    for id in 1..=3 {
        Box::pin(cluster.stop_node(id)).await;
    }
    for id in 1..=3 {
        Box::pin(cluster.start_node(id)).await;
    }
    for name in &acknowledged {
        assert!(cluster.sees(2, name).await, "{name} after all nodes were stopped");
    }
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_a_leader_that_is_cut_off() {
    let cluster = Arc::new(Cluster::start_with(FAST, Tuning::default()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for node in 1..=3 {
        let (cluster, stop) = (cluster.clone(), stop.clone());
        writers.spawn(async move {
            let (mut acknowledged, mut number) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                let name = format!("writer-{node}-{number}");
                let proposed = cluster.node(node).propose(create(&name), Instant::now() + Duration::from_secs(2)).await;
                if proposed.is_ok_and(|receipt| receipt.outcome.is_ok()) {
                    acknowledged.push(name);
                }
                number += 1;
            }
            acknowledged
        });
    }
    for _ in 0..2 {
        let (leader, followers) = cluster.leader_and_followers().await;
        let other = cluster.node(followers[0]);
        cluster.isolate(leader, true);
        wait(&other, "another leader", |m| m.current_leader.is_some_and(|id| id.0 != leader)).await;
        let applied = other.read_barrier(soon()).await.unwrap().applied_index;
        wait(&other, "progress", |m| m.last_applied.is_some_and(|id| id.index > applied + 10)).await;
        if !cfg!(feature = "unsafe-without-read-barrier") {
            let stale = cluster.node(leader).read_barrier(Instant::now() + Duration::from_millis(500)).await;
            assert!(stale.is_err(), "a leader without followers served a read");
        }
        cluster.isolate(leader, false);
        let term = other.status().term;
        wait(&cluster.node(leader), "the old leader follows", |m| m.current_term >= term).await;
    }
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    assert!(!acknowledged.is_empty());
    for id in 1..=3 {
        let state = cluster.node(id).read_barrier(soon()).await.unwrap();
        for name in &acknowledged {
            assert!(has(&state.state, name), "{name} was acknowledged and is not on node {id}");
        }
    }
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_behind_the_purged_log_gets_a_snapshot() {
    let retention = Retention { kept_entries: 5, ..Retention::default() };
    let mut cluster = Cluster::start_with(Timing::default(), Tuning { retention, ..Tuning::default() }).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (behind, other) = (followers[0], followers[1]);
    cluster.converge().await;
    let last = cluster.node(behind).status().last_log;
    Box::pin(cluster.stop_node(behind)).await;
    for number in 0..40 {
        cluster.write(leader, &format!("secret-{number}")).await;
    }
    for id in [leader, other] {
        let checkpoint = cluster.node(id).checkpoint().await.unwrap();
        let purged = checkpoint - 5;
        assert!(purged > last);
        wait(&cluster.node(id), "the purge", |m| m.purged.is_some_and(|id| id.index >= purged)).await;
    }
    Box::pin(cluster.start_node(behind)).await;
    wait(&cluster.node(behind), "a snapshot", |m| m.snapshot.is_some_and(|id| id.index > last)).await;
    cluster.write(behind, "after").await;
    assert!(cluster.sees(behind, "secret-0").await);
    cluster.converge().await;

    // What was installed is durable.
    Box::pin(cluster.stop_node(behind)).await;
    Box::pin(cluster.start_node(behind)).await;
    assert!(cluster.node(behind).status().checkpoint > last);
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_for_ten_elections_comes_back_with_its_term_unchanged() {
    let cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let lonely = cluster.node(followers[0]);
    let term = lonely.status().term;
    cluster.isolate(followers[0], true);
    // Not to wait for something, but for nothing to happen: it would stand ten times.
    tokio::time::sleep((FAST.election_max + FAST.election_max) * 10).await;
    assert_eq!(lonely.status().term, term);
    assert_ne!(lonely.status().role, Role::Leader);

    let undisturbed = cluster.node(leader).status();
    cluster.isolate(followers[0], false);
    cluster.write(leader, "after").await;
    assert!(cluster.sees(followers[0], "after").await);
    let after = cluster.node(leader).status();
    assert_eq!((after.term, after.leader), (undisturbed.term, undisturbed.leader));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_nothing_is_answered_as_refused_or_read() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    for id in &followers {
        Box::pin(cluster.stop_node(*id)).await;
    }
    let brief = || Instant::now() + Duration::from_secs(1);
    let mut unavailable = Vec::new();
    for number in 0..3 {
        let name = format!("lost-{number}");
        match cluster.node(leader).propose(create(&name), brief()).await {
            Err(ProposeError::Unknown) => {}
            Err(ProposeError::Unavailable) => unavailable.push(name),
            Ok(receipt) => panic!("answered without a quorum: {receipt:?}"),
        }
    }
    // Its lease has run out by now, so that it appends nothing.
    assert!(!unavailable.is_empty());
    if !cfg!(feature = "unsafe-without-read-barrier") {
        assert!(cluster.node(leader).read_barrier(brief()).await.is_err());
    }

    for id in followers {
        Box::pin(cluster.start_node(id)).await;
    }
    cluster.write(leader, "after").await;
    let state = cluster.node(leader).read_barrier(soon()).await.unwrap();
    for name in unavailable {
        assert!(!has(&state.state, &name), "{name} was said not to be made");
    }
    cluster.converge().await;
}

/// What was never sent is not unknown: an AWS SDK retries either, but only one of them may have happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_cannot_connect_to_its_leader_knows_that_nothing_was_appended() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let brief = || Instant::now() + Duration::from_secs(1);
    for id in [followers[1], leader] {
        Box::pin(cluster.stop_node(id)).await;
    }
    // The first ones may still find the old connection, which says so when it is used.
    let refused = async {
        loop {
            match cluster.node(followers[0]).propose(create("lost"), brief()).await.unwrap_err() {
                ProposeError::Unknown => {}
                ProposeError::Unavailable => return,
            }
        }
    };
    tokio::time::timeout(LIMIT, refused).await.expect("a proposal that cannot be sent is still unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_proposal_is_applied_once_whichever_node_repeats_it() {
    let cluster = Cluster::start().await;
    cluster.write(1, "a").await;
    let state = cluster.node(1).read_barrier(soon()).await.unwrap();
    let target = find(&state.state, "a").unwrap().arn.clone();
    let delete = Command::DeleteSecret(DeleteSecret { target, mode: DeleteMode::Force });
    let delete = crate::Proposal { command: delete, ..create("unused") };
    let first = cluster.propose_on(1, delete.clone()).await.unwrap();
    assert!(first.outcome.is_ok());
    cluster.write(2, "a").await;
    for node in 1..=3 {
        let again = cluster.propose_on(node, delete.clone()).await.unwrap();
        assert_eq!(again.outcome, first.outcome);
    }
    assert!(cluster.sees(3, "a").await, "the new secret was deleted by the old proposal");
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_added_once_and_its_address_does_not_change() {
    let cluster = Cluster::start().await;
    let (_, followers) = cluster.leader_and_followers().await;
    let replica = cluster.node(followers[0]);
    let voters = replica.add_node(NodeId(2), member(2)).await.unwrap();
    assert_eq!(voters.into_iter().map(|id| id.0).collect::<Vec<_>>(), [1, 2, 3]);
    let moved = replica.add_node(NodeId(2), member(3)).await;
    assert_eq!(moved, Err(crate::MembershipError::IdTaken(NodeId(2))));
    assert_eq!(replica.members().len(), 3);
    replica.initialize(member(followers[0])).await.unwrap();
    assert_eq!(replica.members().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_tells_its_status_and_digest_to_its_peers() {
    let cluster = Cluster::start().await;
    cluster.write(2, "a").await;
    cluster.converge().await;
    let (leader, _) = cluster.leader_and_followers().await;
    for (asked, asking) in [(1, 2), (2, 3), (3, 1)] {
        let peer = cluster.node(asking).peer_status(NodeId(asked)).await.unwrap();
        assert_eq!(peer.status.role == Role::Leader, asked == leader);
        assert_eq!(peer.version, "test");
        let checkpoint = cluster.node(asking).peer_checkpoint(NodeId(asked)).await.unwrap();
        assert!(checkpoint >= peer.status.applied);
        let digest = cluster.node(asking).peer_digest(NodeId(asked)).await.unwrap();
        assert_eq!(digest, cluster.node(asked).digest().await);
    }
}

/// A log whose disk fails when it is told to.
struct Failing {
    log: Arc<dyn LogStore>,
    broken: Arc<AtomicBool>,
}

impl Failing {
    fn done(&self, done: Done) -> Done {
        let broken = self.broken.clone();
        let failed = || std::io::Error::other("the disk is gone");
        Box::new(move |result| done(if broken.load(Ordering::Relaxed) { Err(failed()) } else { result }))
    }
}

impl LogStore for Failing {
    fn append(&self, entries: Vec<LogEntry>, done: Done) {
        self.log.append(entries, self.done(done));
    }

    fn save_vote(&self, vote: Vote, done: Done) {
        self.log.save_vote(vote, self.done(done));
    }

    fn read(&self, range: std::ops::Range<u64>, max_bytes: usize) -> std::io::Result<Vec<LogEntry>> {
        self.log.read(range, max_bytes)
    }

    fn truncate_after(&self, last: Option<u64>) -> std::io::Result<()> {
        self.log.truncate_after(last)
    }

    fn purge(&self, up_to: LogId) -> std::io::Result<()> {
        self.log.purge(up_to)
    }

    fn state(&self) -> LogState {
        self.log.state()
    }

    fn save_committed(&self, committed: LogId) {
        self.log.save_committed(committed);
    }

    fn committed(&self) -> Option<LogId> {
        self.log.committed()
    }

    fn failed(&self) -> Option<LogError> {
        self.log.failed()
    }
}

#[tokio::test]
async fn a_failed_sync_ends_the_node_and_its_write_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let authority = CertificateAuthority::create("node CA", SystemTime::now()).unwrap();
    let barrier = Arc::new(Barrier::ephemeral(CLUSTER));
    let options = LogOptions { segment_bytes: 1 << 20, ..LogOptions::default() };
    let mut stores = Stores::open(dir.path(), CLUSTER, NodeId(1), barrier.clone(), options).unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    stores.log = Arc::new(Failing { log: stores.log, broken: broken.clone() });
    let config = config(1, dir.path().to_owned(), barrier, &authority);
    let replica = Box::pin(Replica::start_on(stores, config, Retention::default())).await.unwrap();
    replica.initialize(member(1)).await.unwrap();
    assert!(replica.recovered(LIMIT).await);

    broken.store(true, Ordering::Relaxed);
    let proposed = replica.propose(create("a"), Instant::now() + Duration::from_secs(2)).await;
    assert_eq!(proposed.unwrap_err(), ProposeError::Unknown);
    let failure = tokio::time::timeout(LIMIT, replica.failed()).await.unwrap();
    assert!(failure.contains("the disk is gone"), "{failure}");
}
