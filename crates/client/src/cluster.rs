//! Administration of the cluster.

use proto::cluster::v1 as pb;
use proto::cluster::v1::cluster_client::ClusterClient;

pub use proto::cluster::v1::Role;

use crate::client::Client;
use crate::error::Error;
use crate::failover::{ADMINISTRATION_DEADLINE, Repeat};

/// The members of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster's id.
    pub cluster_id: String,
    /// Every member, by id, those that cannot be reached too.
    pub nodes: Vec<NodeStatus>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its id.
    pub id: u64,
    /// `host:port` of its peer port.
    pub address: String,
    /// What it says of itself; `None` when the node that was asked cannot reach it.
    pub facts: Option<NodeFacts>,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its part; [`Role::Unspecified`] for one that this build does not know.
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
    pub leader: Option<u64>,
    /// Whether it waits to be unsealed.
    pub sealed: bool,
    /// The version that it runs.
    pub version: String,
}

/// What came of a checkpoint on one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCheckpoint {
    /// The member.
    pub id: u64,
    /// The log index of its checkpoint, or why there is none.
    pub result: Result<u64, String>,
}

/// The digest of one member's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDigest {
    /// The member.
    pub id: u64,
    /// The log index and the SHA-256 digest of the state that it shows, or why there is none.
    pub result: Result<(u64, Vec<u8>), String>,
}

impl Client {
    /// What every member says of itself, as seen from the node that answers.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cluster_status(&self) -> Result<ClusterStatus, Error> {
        let send = |channel, request| async move { ClusterClient::new(channel).status(request).await };
        let answer: pb::StatusResponse =
            self.cluster.call(Repeat::Read, ADMINISTRATION_DEADLINE, pb::StatusRequest {}, send).await?;
        let nodes = answer.nodes.into_iter().map(node_status).collect();
        Ok(ClusterStatus { cluster_id: answer.cluster_id, nodes })
    }

    /// Forces a checkpoint on every member that can be reached.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cluster_checkpoint(&self) -> Result<Vec<NodeCheckpoint>, Error> {
        let send = |channel, request| async move { ClusterClient::new(channel).checkpoint(request).await };
        let answer: pb::CheckpointResponse =
            self.cluster.call(Repeat::Harmless, ADMINISTRATION_DEADLINE, pb::CheckpointRequest {}, send).await?;
        answer.nodes.into_iter().map(node_checkpoint).collect()
    }

    /// The digest of every member's state.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cluster_digest(&self) -> Result<Vec<NodeDigest>, Error> {
        let send = |channel, request| async move { ClusterClient::new(channel).digest(request).await };
        let answer: pb::DigestResponse =
            self.cluster.call(Repeat::Read, ADMINISTRATION_DEADLINE, pb::DigestRequest {}, send).await?;
        answer.nodes.into_iter().map(node_digest).collect()
    }

    /// Adds a node, whose two ports are at these addresses, and makes it a voter once it has caught up. Answers the
    /// voters afterwards. Doing it again is harmless.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_node(&self, id: u64, peer_address: &str, client_address: &str) -> Result<Vec<u64>, Error> {
        let message =
            pb::AddNodeRequest { id, peer_address: peer_address.to_owned(), client_address: client_address.to_owned() };
        let send = |channel, request| async move { ClusterClient::new(channel).add_node(request).await };
        let answer: pb::AddNodeResponse =
            self.cluster.call(Repeat::Harmless, ADMINISTRATION_DEADLINE, message, send).await?;
        Ok(answer.voters)
    }

    /// Takes a node out of the cluster for good; its id is not given again. Answers the voters afterwards. Doing it
    /// again is harmless.
    ///
    /// # Errors
    /// [`Error`]; refused are an id that is no member's, and a removal after which the cluster had no quorum.
    pub async fn remove_node(&self, id: u64) -> Result<Vec<u64>, Error> {
        let send = |channel, request| async move { ClusterClient::new(channel).remove_node(request).await };
        let message = pb::RemoveNodeRequest { id };
        let answer: pb::RemoveNodeResponse =
            self.cluster.call(Repeat::Harmless, ADMINISTRATION_DEADLINE, message, send).await?;
        Ok(answer.voters)
    }

    /// Hands leadership to a voter: `id`, or the one that is least behind. Answers the leader afterwards.
    ///
    /// # Errors
    /// [`Error`]; refused when no such voter can lead.
    pub async fn transfer_leader(&self, id: Option<u64>) -> Result<u64, Error> {
        let send = |channel, request| async move { ClusterClient::new(channel).transfer_leader(request).await };
        let message = pb::TransferLeaderRequest { id };
        let answer: pb::TransferLeaderResponse =
            self.cluster.call(Repeat::Harmless, ADMINISTRATION_DEADLINE, message, send).await?;
        Ok(answer.leader)
    }
}

fn node_status(node: pb::NodeStatus) -> NodeStatus {
    let facts = node.facts.map(|facts| NodeFacts {
        role: facts.role(),
        term: facts.term,
        last_log: facts.last_log,
        committed: facts.committed,
        applied: facts.applied,
        checkpoint: facts.checkpoint,
        leader: facts.leader,
        sealed: facts.sealed,
        version: facts.version,
    });
    NodeStatus { id: node.id, address: node.address, facts }
}

fn node_checkpoint(node: pb::NodeCheckpoint) -> Result<NodeCheckpoint, Error> {
    use pb::node_checkpoint::Result as Wire;
    let result = match node.result.ok_or(Error::Incomplete("result of a node"))? {
        Wire::Checkpoint(checkpoint) => Ok(checkpoint),
        Wire::Error(error) => Err(error),
    };
    Ok(NodeCheckpoint { id: node.id, result })
}

fn node_digest(node: pb::NodeDigest) -> Result<NodeDigest, Error> {
    use pb::node_digest::Result as Wire;
    let result = match node.result.ok_or(Error::Incomplete("result of a node"))? {
        Wire::State(state) => Ok((state.applied, state.digest)),
        Wire::Error(error) => Err(error),
    };
    Ok(NodeDigest { id: node.id, result })
}
