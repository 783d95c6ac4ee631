//! Handing leadership over.
//!
//! The leader chooses a voter that answers and is hardly behind, stops appending, and tells it to stand for election at
//! once. Meanwhile proposals and read barriers, wherever they were made, are tried again until the new leader takes
//! them: a proposal carries the same id each time, so one that the old leader had appended is not applied twice.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use proto::raft::v1 as pb;
use types::{NodeId, limits};

use crate::network::Traffic;
use crate::raft_types::Metrics;
use crate::replica::Inner;
use crate::status::{PeerError, STATUS_TIMEOUT};

/// Entries that the next leader may be behind: no more than one message of them.
const MOST_LAG: u64 = 256;
/// Time for the next leader to come so near.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for the election, beyond the silence after which the others hold one of their own.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause between two looks whether anybody could lead.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// Time for all of it, when another node does it.
const FORWARDED_TIMEOUT: Duration = Duration::from_secs(10);

/// Leadership that was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// No leader is known.
    #[error("no leader is known")]
    NoLeader,
    /// The node that was named cannot lead.
    #[error("node {0} is not a voter")]
    NotAVoter(NodeId),
    /// There is nobody who could lead instead.
    #[error("no other voter answers and has the log")]
    NobodyReady,
    /// The voter was told and does not lead; there may be another leader, or none for a moment.
    #[error("node {0} has not taken the leadership in time")]
    NotTaken(NodeId),
    /// The leader refused or did not answer.
    #[error("leadership was not handed over: {0}")]
    Refused(String),
}

/// Who may lead next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Successor {
    id: NodeId,
    lag: u64,
}

impl Inner {
    /// Has the leader hand its leadership over, to `to` or to whom it chooses; the leader afterwards.
    pub(crate) async fn transfer_leader(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        use pb::hand_over_response::Result as Answer;
        let leader = self.leader().ok_or(TransferError::NoLeader)?;
        if leader == self.id {
            return self.hand_over(to).await;
        }
        let mut client = self.peer_client(leader, Traffic::Command).ok_or(TransferError::NoLeader)?;
        let call = client.hand_over(pb::HandOverRequest { to: to.map_or(0, |id| id.0) });
        match tokio::time::timeout(FORWARDED_TIMEOUT, call).await {
            Ok(Ok(response)) => match response.into_inner().result {
                Some(Answer::Leader(id)) => Ok(NodeId(id)),
                Some(Answer::NotLeader(_)) | None => Err(TransferError::NoLeader),
            },
            Ok(Err(status)) => {
                self.peers.heard(&status);
                Err(match (status.code(), to) {
                    (tonic::Code::NotFound, Some(to)) => TransferError::NotAVoter(to),
                    (tonic::Code::FailedPrecondition, _) => TransferError::NobodyReady,
                    _ => TransferError::Refused(status.message().to_owned()),
                })
            }
            Err(_) => Err(TransferError::Refused(format!("node {leader} does not answer"))),
        }
    }

    /// Hands the leadership of this node over; the leader afterwards.
    pub(crate) async fn hand_over(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        if let Some(to) = to {
            if !self.voters().contains(&to) {
                return Err(TransferError::NotAVoter(to));
            }
            if to == self.id && self.leader() == Some(to) {
                return Ok(to);
            }
        }
        let next = tokio::select! {
            next = tokio::time::timeout(CATCH_UP_TIMEOUT, self.successor(to)) => {
                next.map_err(|_| TransferError::NobodyReady)??
            }
            () = self.no_other_voter() => return Err(TransferError::NobodyReady),
        };
        // Once a transfer is begun this leader appends no more, so the other must not have died a moment ago.
        if !self.can_lead(next).await {
            return Err(TransferError::NobodyReady);
        }
        tracing::info!(to = %next, "leadership is handed over");
        let told = self.raft.trigger().transfer_leader(next).await;
        told.map_err(|error| TransferError::Refused(error.to_string()))?;
        let leader = tokio::select! {
            elected = tokio::time::timeout(self.silence + ELECTION_TIMEOUT, self.another_leader()) => {
                elected.map_err(|_| TransferError::NotTaken(next))??
            }
            // A cluster that is stopped as a whole: the voter that was told has ended since.
            () = self.no_other_voter() => return Err(TransferError::NotTaken(next)),
        };
        if to.is_none_or(|to| to == leader) { Ok(leader) } else { Err(TransferError::NotTaken(next)) }
    }

    /// Resolves when no other voter is there that could lead.
    async fn no_other_voter(&self) {
        loop {
            let others = self.voters().into_iter().filter(|id| *id != self.id);
            if !join_all(others.map(|id| self.can_lead(id))).await.contains(&true) {
                return;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Whether a peer answers and is not about to end.
    async fn can_lead(&self, id: NodeId) -> bool {
        let status =
            self.ask(id, STATUS_TIMEOUT, async move |mut peer| peer.local_status(pb::LocalStatusRequest {}).await);
        match status.await {
            Ok(status) => !status.stopping,
            // It is there, whatever it says.
            Err(PeerError::Failed { .. }) => true,
            Err(PeerError::NoAnswer(_) | PeerError::NotAMember(_)) => false,
        }
    }

    /// Whether this node is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits for a voter that can take over.
    async fn successor(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        let mut metrics = self.raft.metrics();
        loop {
            {
                let metrics = metrics.borrow_watched();
                let candidates = answering_voters(&metrics, self.silence).ok_or(TransferError::NoLeader)?;
                let others = candidates.into_iter().filter(|next| next.id != self.id);
                let next = others.filter(|next| to.is_none_or(|to| next.id == to)).min_by_key(|next| next.lag);
                if let Some(next) = next.filter(|next| next.lag <= MOST_LAG) {
                    return Ok(next.id);
                }
                if metrics.membership_config.voter_ids().count() == 1 {
                    return Err(TransferError::NobodyReady);
                }
            }
            metrics.changed().await.map_err(|_| TransferError::NoLeader)?;
        }
    }

    /// Waits until another node is known to lead.
    async fn another_leader(&self) -> Result<NodeId, TransferError> {
        let mut server = self.server.clone();
        loop {
            if let Some(leader) = server.borrow_watched().current_leader.filter(|leader| *leader != self.id) {
                return Ok(leader);
            }
            server.changed().await.map_err(|_| TransferError::NoLeader)?;
        }
    }

    /// The voters that this leader has heard lately, itself among them; `None` when it does not lead.
    pub(crate) fn answering(&self) -> Option<Vec<NodeId>> {
        let metrics = self.raft.metrics();
        let answering = answering_voters(&metrics.borrow_watched(), self.silence)?;
        Some(answering.into_iter().map(|voter| voter.id).collect())
    }

    /// Hands leadership over before this node stops, if it leads and another can take it.
    pub(crate) async fn resign(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        if self.leader() != Some(self.id) || self.voters().len() <= 1 {
            return;
        }
        let began = Instant::now();
        match self.hand_over(None).await {
            Ok(leader) => {
                tracing::info!(%leader, took = ?began.elapsed(), "another node leads");
                // Nodes that have not heard of the new leader ask this one: it says so for as long as they take.
                tokio::time::sleep(limits::LEADER_RETRY_PAUSE).await;
            }
            Err(error) => tracing::warn!(%error, "this node stops as the leader; the others will elect one"),
        }
    }
}

fn answering_voters(metrics: &Metrics, silence: Duration) -> Option<Vec<Successor>> {
    let (heard, replication) = (metrics.heartbeat.as_ref()?, metrics.replication.as_ref()?);
    let last = metrics.last_log_index.unwrap_or(0);
    let successor = |id: NodeId| {
        if id == metrics.id {
            return Some(Successor { id, lag: 0 });
        }
        let heard = heard.get(&id).copied().flatten()?;
        if heard.into_inner().elapsed() > silence {
            return None;
        }
        let matched = replication.get(&id).copied().flatten()?;
        Some(Successor { id, lag: last.saturating_sub(matched.index) })
    };
    Some(metrics.membership_config.voter_ids().filter_map(successor).collect())
}
