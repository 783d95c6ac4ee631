//! Data directories that were put back from an older copy.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proto::raft::v1 as pb;
use state::Boot;
use tonic::Code;
use types::NodeId;

use super::harness::{Cluster, has, soon};
use super::identity::{client, code};
use super::membership::{FAST, until};
use crate::boots::{BOOTS_METADATA, KNOWN_METADATA};
use crate::replica::Tuning;
use crate::{DataDirError, Expelled, Replica, Role, StartError};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
    }
}

fn put_back(saved: &Path, dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    copy(saved, dir);
}

/// The boot of a node as another one's state holds it.
fn known(at: &Replica, node: u64) -> Option<Boot> {
    at.local_state().state.node_boot(NodeId(node)).map(|known| known.boot)
}

fn own(node: &Replica) -> Boot {
    node.inner.peers.boots.own_last()
}

impl Cluster {
    /// Waits until the states of all nodes that run hold the latest boot of a node.
    async fn registered(&self, node: u64) -> Boot {
        let boot = own(&self.node(node));
        for at in self.all() {
            until("the boot is known", || known(&at, node) == Some(boot)).await;
        }
        boot
    }

    async fn restart(&mut self, id: u64) {
        Box::pin(self.stop_node(id)).await;
        Box::pin(self.start_node(id)).await;
    }

    fn is_well(&self, id: u64) {
        assert_eq!(self.node(id).expelled(), None, "node {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_put_back_from_before_the_last_start_is_refused() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (id, saved) = (followers[0], tempfile::tempdir().unwrap());
    cluster.write(leader, "in-the-copy").await;
    cluster.registered(id).await;
    Box::pin(cluster.stop_node(id)).await;
    copy(&cluster.data_dir(id), saved.path());
    Box::pin(cluster.start_node(id)).await;
    let boot = cluster.registered(id).await;
    cluster.write(leader, "after-the-copy").await;
    Box::pin(cluster.stop_node(id)).await;

    put_back(saved.path(), &cluster.data_dir(id));
    let term = cluster.node(leader).status().term;
    Box::pin(cluster.start_node(id)).await;
    let back = cluster.node(id);
    until("it notices", || back.expelled() == Some(Expelled::OlderCopy)).await;
    let why = tokio::time::timeout_at(soon().into(), back.older_copy()).await.unwrap().to_string();
    assert!(why.contains("older copy") && why.contains("server --rejoin"), "{why}");
    drop(back);
    Box::pin(cluster.stop_node(id)).await;

    // It remembers, and nobody else was harmed.
    let again = cluster.try_start(id).await;
    assert!(matches!(again, Err(StartError::DataDir(DataDirError::OlderCopy { .. }))), "{again:?}");
    cluster.write(leader, "after-all").await;
    let status = cluster.node(leader).status();
    assert_eq!((status.term, status.role), (term, Role::Leader));
    assert_eq!(known(&cluster.node(leader), id), Some(boot), "a report of the copy was taken");
    cluster.converge().await;

    // However often the copy is started before it meets anybody, it stays one.
    put_back(saved.path(), &cluster.data_dir(id));
    cluster.isolate(id, true);
    for _ in 0..5 {
        Box::pin(cluster.start_node(id)).await;
        Box::pin(cluster.stop_node(id)).await;
    }
    Box::pin(cluster.start_node(id)).await;
    assert!(own(&cluster.node(id)).counter > boot.counter);
    cluster.is_well(id);
    cluster.isolate(id, false);
    until("it notices again", || cluster.node(id).expelled() == Some(Expelled::OlderCopy)).await;
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
}

/// The counter cannot see this one: the copy has the boot that the state holds. The leader knows what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_shorter_than_what_was_acknowledged_is_refused_and_harms_no_leader() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (id, saved) = (followers[0], tempfile::tempdir().unwrap());
    for node in 1..=3 {
        cluster.registered(node).await;
    }
    cluster.write(leader, "in-the-copy").await;
    cluster.converge().await;
    copy(&cluster.data_dir(id), saved.path());
    let mut last = 0;
    for number in 0..20 {
        last = cluster.write(leader, &format!("after-the-copy-{number}")).await.index;
    }
    let follower = cluster.node(id);
    until("it has acknowledged", || follower.status().last_log >= last).await;
    drop(follower);
    Box::pin(cluster.stop_node(id)).await;
    put_back(saved.path(), &cluster.data_dir(id));
    let term = cluster.node(leader).status().term;
    Box::pin(cluster.start_node(id)).await;
    until("it notices", || cluster.node(id).expelled() == Some(Expelled::OlderCopy)).await;
    let state = cluster.node(leader);
    until("it is marked", || state.local_state().state.node_boot(NodeId(id)).is_some_and(|known| known.reverted)).await;
    cluster.write(leader, "after-all").await;
    let status = state.status();
    assert_eq!((status.term, status.role), (term, Role::Leader));
    drop(state);

    // Every later leader refuses it too.
    Box::pin(cluster.stop_node(id)).await;
    put_back(saved.path(), &cluster.data_dir(id));
    cluster.node(leader).transfer_leader(Some(NodeId(followers[1]))).await.unwrap();
    Box::pin(cluster.start_node(id)).await;
    until("it notices again", || cluster.node(id).expelled() == Some(Expelled::OlderCopy)).await;
    cluster.write(followers[1], "after-the-leader").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_and_a_node_that_lags_do_not_elect_each_other() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (id, lags, saved) = (followers[0], followers[1], tempfile::tempdir().unwrap());
    cluster.registered(id).await;
    Box::pin(cluster.stop_node(id)).await;
    copy(&cluster.data_dir(id), saved.path());
    Box::pin(cluster.start_node(id)).await;
    cluster.registered(id).await;
    // So that the one that lags knows after its restart what is committed.
    cluster.write(leader, "before").await;
    cluster.converge().await;
    Box::pin(cluster.stop_node(lags)).await;
    cluster.write(leader, "acknowledged").await;
    Box::pin(cluster.stop_node(leader)).await;
    Box::pin(cluster.stop_node(id)).await;

    put_back(saved.path(), &cluster.data_dir(id));
    Box::pin(cluster.start_node(lags)).await;
    Box::pin(cluster.start_node(id)).await;
    until("the copy notices", || cluster.node(id).expelled() == Some(Expelled::OlderCopy)).await;
    assert_ne!(cluster.node(lags).status().role, Role::Leader);
    Box::pin(cluster.stop_node(id)).await;
    Box::pin(cluster.start_node(leader)).await;
    assert!(cluster.sees(lags, "acknowledged").await);
    cluster.is_well(leader);
    cluster.is_well(lags);
}

/// Two faults at once: nothing stops the two that have lost it. The one that has it must neither forget it nor end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_outlives_a_leader_that_has_lost_what_was_acknowledged() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (id, lags, saved) = (followers[0], followers[1], tempfile::tempdir().unwrap());
    for node in 1..=3 {
        cluster.registered(node).await;
    }
    cluster.write(leader, "before").await;
    cluster.converge().await;
    copy(&cluster.data_dir(id), saved.path());
    Box::pin(cluster.stop_node(lags)).await;
    for number in 0..20 {
        cluster.write(leader, &format!("acknowledged-{number}")).await;
    }
    Box::pin(cluster.stop_node(id)).await;
    Box::pin(cluster.stop_node(leader)).await;

    put_back(saved.path(), &cluster.data_dir(id));
    Box::pin(cluster.start_node(id)).await;
    Box::pin(cluster.start_node(lags)).await;
    until("the two have a leader", || {
        cluster.node(id).status().role == Role::Leader || cluster.node(lags).status().role == Role::Leader
    })
    .await;
    Box::pin(cluster.start_node(leader)).await;
    let survivor = cluster.node(leader);
    until("it sees what they have lost", || survivor.inner.outlived.load(Ordering::Relaxed)).await;
    assert!(has(&survivor.local_state().state, "acknowledged-19"));
    assert!(!survivor.inner.has_stopped());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordinary_restarts_are_never_refused() {
    let mut cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (_, followers) = cluster.leader_and_followers().await;
    // Too fast for anybody to take notice of each.
    for _ in 0..5 {
        cluster.restart(followers[0]).await;
        cluster.is_well(followers[0]);
    }
    cluster.isolate(followers[0], true);
    for _ in 0..5 {
        cluster.restart(followers[0]).await;
    }
    cluster.isolate(followers[0], false);
    cluster.registered(followers[0]).await;
    // All at once, in several orders: no leader knows any of the new boots.
    for order in [[1, 2, 3], [3, 1, 2]] {
        for id in order {
            Box::pin(cluster.stop_node(id)).await;
        }
        for id in order {
            Box::pin(cluster.start_node(id)).await;
        }
        let (leader, _) = cluster.leader_and_followers().await;
        cluster.write(leader, &format!("after-{order:?}").replace(['[', ']', ',', ' '], "")).await;
    }
    for id in 1..=3 {
        let boot = cluster.registered(id).await;
        let node = cluster.node(id);
        until("what is known is forgotten", || node.inner.peers.boots.own_first() == boot).await;
        cluster.is_well(id);
    }
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_runs_for_long_counts_on_and_a_removed_one_is_forgotten() {
    let cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    for id in 1..=3 {
        let before = cluster.registered(id).await;
        cluster.set_days_ahead(id, 1);
        until("the count goes on", || own(&cluster.node(id)).counter == before.counter + 1).await;
        let raised = cluster.registered(id).await;
        assert_ne!(raised.nonce, before.nonce);
        cluster.is_well(id);
    }
    cluster.node(leader).remove_node(NodeId(followers[0])).await.unwrap();
    for id in [leader, followers[1]] {
        let node = cluster.node(id);
        until("it is forgotten", || known(&node, followers[0]).is_none()).await;
        assert!(known(&node, leader).is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_contradicts_the_state_is_refused_with_the_reason_and_a_true_one_harms_nobody() {
    let cluster = Cluster::start_with(FAST, Tuning::default()).await;
    let (leader, followers) = cluster.leader_and_followers().await;
    let (id, voter) = (followers[0], followers[1]);
    let boot = cluster.registered(id).await;
    let data = cluster.node(id).inner.data;
    let mut as_node = client(&cluster, id, voter);
    let mut ask = async |boots: String| {
        let vote = Some(pb::Ballot { term: 1, node: id, committed: false });
        let mut request = tonic::Request::new(pb::VoteRequest { vote, ..Default::default() });
        request.metadata_mut().insert(BOOTS_METADATA, boots.parse().unwrap());
        as_node.pre_vote(request).await
    };
    let line = |first: u64, nonce: u64| format!("{data} {first} {nonce:016x}");
    assert_eq!(code(ask(line(boot.counter, boot.nonce)).await), None);
    let older = ask(line(boot.counter - 1, 1)).await.unwrap_err();
    assert_eq!(older.code(), Code::PermissionDenied);
    assert!(older.metadata().contains_key(KNOWN_METADATA));
    assert_eq!(code(ask(line(boot.counter, !boot.nonce)).await), Some(Code::PermissionDenied));
    assert_eq!(
        code(ask(line(boot.counter, boot.nonce).replace(&data.to_string()[..8], "00000000")).await),
        Some(Code::PermissionDenied)
    );
    assert_eq!(code(ask("nonsense".to_owned()).await), Some(Code::InvalidArgument));

    // A node holds what it is told against its own directory: what it has reported itself does not condemn it.
    let mut to_node = client(&cluster, voter, id);
    let mut request = tonic::Request::new(pb::LocalStatusRequest {});
    let known = format!("{data} {} {:016x} current", boot.counter, boot.nonce);
    request.metadata_mut().insert(KNOWN_METADATA, known.parse().unwrap());
    assert_eq!(code(to_node.local_status(request).await), None);
    tokio::time::timeout(Duration::from_secs(30), cluster.converge()).await.unwrap();
    cluster.is_well(id);
    cluster.is_well(leader);
}
