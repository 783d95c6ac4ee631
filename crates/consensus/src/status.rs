//! What a node says of itself and of its peers, for the cluster commands.

use std::io;
use std::time::Duration;

use futures_util::future::join_all;
use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver;
use proto::raft::v1 as pb;
use types::NodeId;

use crate::network::{PeerClient, Traffic};
use crate::raft_types::{LogId, ServerMetrics};
use crate::replica::{Inner, Replica};
use crate::wire;

/// Time for a peer to answer a cluster command that does no work.
pub(crate) const STATUS_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for a peer to bind itself to stay sealed.
const SEAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a peer to write a checkpoint or to compute a digest.
const LONG_COMMAND_TIMEOUT: Duration = Duration::from_secs(300);

/// A node's part in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Appends and replicates.
    Leader,
    /// Follows a leader.
    Follower,
    /// Stands for election.
    Candidate,
    /// Follows without a vote.
    Learner,
}

/// What a node knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalStatus {
    /// Its part.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// The last entry of its log.
    pub last_log: u64,
    /// The last entry that it knows to be committed.
    pub committed: u64,
    /// The last entry in its state.
    pub applied: u64,
    /// The last entry in its checkpoint.
    pub checkpoint: u64,
    /// The leader that it knows.
    pub leader: Option<NodeId>,
}

/// What a peer says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The same as the peer's own [`Replica::status`].
    pub status: LocalStatus,
    /// The version that it runs.
    pub version: String,
    /// Whether it waits to be unsealed; its status tells nothing then.
    pub sealed: bool,
}

/// A peer that did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The node is not a member.
    #[error("node {0} is not a member")]
    NotAMember(NodeId),
    /// It could not be reached, or the answer did not come in time.
    #[error("node {0} does not answer")]
    NoAnswer(NodeId),
    /// It refused or failed.
    #[error("node {id}: {why}")]
    Failed {
        /// The peer.
        id: NodeId,
        /// What it says.
        why: String,
    },
}

impl Replica {
    /// What this node knows of itself.
    pub fn status(&self) -> LocalStatus {
        self.inner.status()
    }

    /// What a peer says of itself.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer within a second.
    pub async fn peer_status(&self, id: NodeId) -> Result<PeerStatus, PeerError> {
        self.inner.peer_status_of(id).await
    }

    /// Writes a checkpoint on a peer; its log index.
    ///
    /// # Errors
    /// [`PeerError`] with what the peer says, or that it does not answer.
    pub async fn peer_checkpoint(&self, id: NodeId) -> Result<u64, PeerError> {
        let response = self
            .inner
            .ask(id, LONG_COMMAND_TIMEOUT, async move |mut peer| {
                peer.local_checkpoint(pb::LocalCheckpointRequest {}).await
            })
            .await?;
        Ok(response.checkpoint)
    }

    /// The digest of a peer's state, with the log index that it shows.
    ///
    /// # Errors
    /// [`PeerError`] with what the peer says, or that it does not answer.
    pub async fn peer_digest(&self, id: NodeId) -> Result<(u64, [u8; 32]), PeerError> {
        let response = self
            .inner
            .ask(id, LONG_COMMAND_TIMEOUT, async move |mut peer| peer.local_digest(pb::LocalDigestRequest {}).await)
            .await?;
        let digest = response.digest[..].try_into();
        let digest = digest.map_err(|_| PeerError::Failed { id, why: "a digest of another length".to_owned() })?;
        Ok((response.applied, digest))
    }
}

impl Replica {
    /// Seals every member, this node last; what came of it on each. A node that is sealed does nothing any more, so the
    /// cluster has no quorum afterwards.
    pub async fn seal_all(&self) -> Vec<(NodeId, Result<(), String>)> {
        let others = self.members().into_keys().filter(|id| *id != self.id()).map(|id| async move {
            let asked =
                self.inner.ask(id, SEAL_TIMEOUT, async move |mut peer| peer.local_seal(pb::LocalSealRequest {}).await);
            (id, asked.await.map(|_| ()).map_err(|error| error.to_string()))
        });
        let mut nodes = join_all(others).await;
        let custody = self.inner.custody.clone();
        let own = tokio::task::spawn_blocking(move || custody.seal()).await.map_err(io::Error::other).flatten();
        nodes.push((self.id(), own.map_err(|error| error.to_string())));
        nodes.sort_by_key(|(id, _)| *id);
        nodes
    }
}

/// Logs changes of leader, term and members until Raft is gone.
pub(crate) async fn log_changes(mut server: ServerMetrics) {
    let mut logged = None;
    loop {
        let seen = {
            let server = server.borrow_watched();
            let members = server.membership_config.nodes().count();
            (role_of(server.state), server.vote.leader_id.term, server.current_leader, members)
        };
        if logged.replace(seen) != Some(seen) {
            let (role, term, leader, members) = seen;
            tracing::info!(?role, term, leader = leader.map(|id| id.0), members, "raft");
        }
        if server.changed().await.is_err() {
            return;
        }
    }
}

fn role_of(state: ServerState) -> Role {
    match state {
        ServerState::Leader => Role::Leader,
        ServerState::Candidate => Role::Candidate,
        ServerState::Learner => Role::Learner,
        ServerState::Follower | ServerState::Shutdown => Role::Follower,
    }
}

impl Inner {
    pub(crate) fn status(&self) -> LocalStatus {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let index = |id: Option<LogId>| id.map_or(0, |id| id.index);
        LocalStatus {
            role: role_of(metrics.state),
            term: metrics.current_term,
            last_log: metrics.last_log_index.unwrap_or(0),
            committed: index(metrics.local_committed),
            applied: self.publisher.current().applied_index,
            checkpoint: index(metrics.snapshot),
            leader: metrics.current_leader,
        }
    }

    pub(crate) async fn peer_status_of(&self, id: NodeId) -> Result<PeerStatus, PeerError> {
        let response = self
            .ask(id, STATUS_TIMEOUT, async move |mut peer| peer.local_status(pb::LocalStatusRequest {}).await)
            .await?;
        wire::status_from(response).map_err(|error| PeerError::Failed { id, why: error.to_string() })
    }

    pub(crate) async fn ask<T>(
        &self,
        id: NodeId,
        timeout: Duration,
        call: impl AsyncFnOnce(PeerClient) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, PeerError> {
        let peer = self.peer_client(id, Traffic::Command).ok_or(PeerError::NotAMember(id))?;
        match tokio::time::timeout(timeout, call(peer)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => {
                self.peers.heard(&status);
                Err(match status.code() {
                    tonic::Code::Unavailable => PeerError::NoAnswer(id),
                    _ => PeerError::Failed { id, why: status.message().to_owned() },
                })
            }
            Err(_) => Err(PeerError::NoAnswer(id)),
        }
    }

    pub(crate) async fn digest(&self) -> (u64, [u8; 32]) {
        let published = self.publisher.current();
        let index = published.applied_index;
        let digest = tokio::task::spawn_blocking(move || storage::digest(&published.state)).await;
        // The task does not panic; it is cut off when the runtime ends, and then nobody sees the answer.
        (index, digest.unwrap_or_default())
    }
}
