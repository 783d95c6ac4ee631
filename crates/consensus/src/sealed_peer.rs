//! The peer port of a node that is sealed: it says so, and nothing else.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use proto::cluster::v1::Role;
use proto::raft::v1 as pb;
use proto::raft::v1::raft_server::{Raft, RaftServer};
use tonic::{Request, Response, Status, Streaming};

/// The service of the peer port while the node is sealed.
#[derive(Clone)]
pub struct SealedPeer {
    version: &'static str,
    mark: Arc<dyn Fn() -> io::Result<()> + Send + Sync>,
}

impl fmt::Debug for SealedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPeer").field("version", &self.version).finish_non_exhaustive()
    }
}

impl SealedPeer {
    /// A node that runs that version. `mark` is called when an operator seals the cluster, and keeps the node from
    /// being unsealed by anything else than an operator; it may block.
    pub fn new(version: &'static str, mark: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { version, mark: Arc::new(mark) }
    }

    /// The tonic service.
    pub fn into_server(self) -> RaftServer<Self> {
        RaftServer::new(self)
    }
}

fn sealed<T>() -> Result<Response<T>, Status> {
    Err(Status::unavailable("the node is sealed"))
}

#[tonic::async_trait]
impl Raft for SealedPeer {
    type AppendStream = Pin<Box<dyn Stream<Item = Result<pb::AppendResponse, Status>> + Send>>;

    async fn local_status(
        &self,
        _: Request<pb::LocalStatusRequest>,
    ) -> Result<Response<pb::LocalStatusResponse>, Status> {
        Ok(Response::new(pb::LocalStatusResponse {
            role: Role::Unspecified.into(),
            sealed: true,
            version: self.version.to_owned(),
            ..pb::LocalStatusResponse::default()
        }))
    }

    /// It is sealed; from now on because an operator wants it.
    async fn local_seal(&self, _: Request<pb::LocalSealRequest>) -> Result<Response<pb::LocalSealResponse>, Status> {
        let mark = self.mark.clone();
        let marked = tokio::task::spawn_blocking(move || mark()).await.map_err(io::Error::other);
        marked.flatten().map_err(|error| Status::internal(format!("the seal cannot be kept: {error}")))?;
        Ok(Response::new(pb::LocalSealResponse {}))
    }

    async fn append(&self, _: Request<Streaming<pb::AppendRequest>>) -> Result<Response<Self::AppendStream>, Status> {
        sealed()
    }

    async fn heartbeat(&self, _: Request<pb::AppendRequest>) -> Result<Response<pb::AppendResponse>, Status> {
        sealed()
    }

    async fn vote(&self, _: Request<pb::VoteRequest>) -> Result<Response<pb::VoteResponse>, Status> {
        sealed()
    }

    async fn pre_vote(&self, _: Request<pb::VoteRequest>) -> Result<Response<pb::VoteResponse>, Status> {
        sealed()
    }

    async fn snapshot(
        &self,
        _: Request<Streaming<pb::SnapshotRequest>>,
    ) -> Result<Response<pb::SnapshotResponse>, Status> {
        sealed()
    }

    async fn transfer_leader(
        &self,
        _: Request<pb::TransferLeaderRequest>,
    ) -> Result<Response<pb::TransferLeaderResponse>, Status> {
        sealed()
    }

    async fn propose(&self, _: Request<pb::ProposeRequest>) -> Result<Response<pb::ProposeResponse>, Status> {
        sealed()
    }

    async fn read_index(&self, _: Request<pb::ReadIndexRequest>) -> Result<Response<pb::ReadIndexResponse>, Status> {
        sealed()
    }

    async fn local_checkpoint(
        &self,
        _: Request<pb::LocalCheckpointRequest>,
    ) -> Result<Response<pb::LocalCheckpointResponse>, Status> {
        sealed()
    }

    async fn local_digest(
        &self,
        _: Request<pb::LocalDigestRequest>,
    ) -> Result<Response<pb::LocalDigestResponse>, Status> {
        sealed()
    }

    async fn local_clock(&self, _: Request<pb::LocalClockRequest>) -> Result<Response<pb::LocalClockResponse>, Status> {
        sealed()
    }

    async fn change_membership(
        &self,
        _: Request<pb::ChangeMembershipRequest>,
    ) -> Result<Response<pb::ChangeMembershipResponse>, Status> {
        sealed()
    }

    async fn hand_over(&self, _: Request<pb::HandOverRequest>) -> Result<Response<pb::HandOverResponse>, Status> {
        sealed()
    }

    async fn give_terms(&self, _: Request<pb::GiveTermsRequest>) -> Result<Response<pb::GiveTermsResponse>, Status> {
        sealed()
    }
}
