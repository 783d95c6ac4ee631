//! `conclave.cluster.v1.Cluster`.

use proto::cluster::v1 as pb;
use proto::cluster::v1::cluster_server::Cluster;
use proto::tonic::{self, Request, Response, Status};
use service::{ClusterStatus, Member, NodeCheckpoint, NodeDigest, NodeFacts, NodeStatus, Role};
use types::NodeId;

use crate::administration::Administration;
use crate::call::Call;

pub(crate) struct Front<U>(pub(crate) U);

#[tonic::async_trait]
impl<U: Administration> Cluster for Front<U> {
    async fn status(&self, request: Request<pb::StatusRequest>) -> Result<Response<pb::StatusResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        let result = self.0.cluster_status(&call.caller).await;
        call.end(result.map(status))
    }

    async fn checkpoint(
        &self,
        request: Request<pb::CheckpointRequest>,
    ) -> Result<Response<pb::CheckpointResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        let result = self.0.cluster_checkpoint(&call.caller).await;
        call.end(result.map(|nodes| pb::CheckpointResponse { nodes: nodes.into_iter().map(node_checkpoint).collect() }))
    }

    async fn digest(&self, request: Request<pb::DigestRequest>) -> Result<Response<pb::DigestResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        let result = self.0.cluster_digest(&call.caller).await;
        call.end(result.map(|nodes| pb::DigestResponse { nodes: nodes.into_iter().map(node_digest).collect() }))
    }

    async fn add_node(&self, request: Request<pb::AddNodeRequest>) -> Result<Response<pb::AddNodeResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let member = Member { peer_address: message.peer_address, client_address: message.client_address };
        let result = self.0.add_node(&call.caller, NodeId(message.id), member).await;
        call.end(result.map(|voters| pb::AddNodeResponse { voters: voters.into_iter().map(|id| id.0).collect() }))
    }

    async fn remove_node(
        &self,
        request: Request<pb::RemoveNodeRequest>,
    ) -> Result<Response<pb::RemoveNodeResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.remove_node(&call.caller, NodeId(message.id)).await;
        call.end(result.map(|voters| pb::RemoveNodeResponse { voters: voters.into_iter().map(|id| id.0).collect() }))
    }

    async fn transfer_leader(
        &self,
        request: Request<pb::TransferLeaderRequest>,
    ) -> Result<Response<pb::TransferLeaderResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.transfer_leader(&call.caller, message.id.map(NodeId)).await;
        call.end(result.map(|leader| pb::TransferLeaderResponse { leader: leader.0 }))
    }
}

fn status(status: ClusterStatus) -> pb::StatusResponse {
    let nodes = status.nodes.into_iter().map(node_status).collect();
    pb::StatusResponse { cluster_id: status.cluster.to_string(), nodes }
}

fn node_status(node: NodeStatus) -> pb::NodeStatus {
    pb::NodeStatus { id: node.id.0, address: node.address, facts: node.facts.map(node_facts) }
}

fn node_facts(facts: NodeFacts) -> pb::NodeFacts {
    let role = match facts.role {
        Some(Role::Leader) => pb::Role::Leader,
        Some(Role::Follower) => pb::Role::Follower,
        Some(Role::Candidate) => pb::Role::Candidate,
        Some(Role::Learner) => pb::Role::Learner,
        None => pb::Role::Unspecified,
    };
    pb::NodeFacts {
        role: role.into(),
        term: facts.term,
        last_log: facts.last_log,
        committed: facts.committed,
        applied: facts.applied,
        checkpoint: facts.checkpoint,
        leader: facts.leader.map(|leader| leader.0),
        sealed: facts.sealed,
        version: facts.version,
    }
}

fn node_checkpoint(node: NodeCheckpoint) -> pb::NodeCheckpoint {
    use pb::node_checkpoint::Result;
    let result = match node.result {
        Ok(checkpoint) => Result::Checkpoint(checkpoint),
        Err(error) => Result::Error(error),
    };
    pb::NodeCheckpoint { id: node.id.0, result: Some(result) }
}

fn node_digest(node: NodeDigest) -> pb::NodeDigest {
    use pb::node_digest::Result;
    let result = match node.result {
        Ok((applied, digest)) => Result::State(pb::StateDigest { applied, digest }),
        Err(error) => Result::Error(error),
    };
    pb::NodeDigest { id: node.id.0, result: Some(result) }
}
