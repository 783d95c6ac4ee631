//! The serving half of the peer protocol.
//!
//! The sender of every message is the node that its certificate names; a vote of another node in it is refused.
//! Raft's own messages are taken from any node of the cluster that was not removed, because a node that is behind may
//! not know its leader as a member yet; everything else only from members. A call that means another data directory than
//! this node has is refused as a whole: this node has lost what it voted and acknowledged under its id. So is a call of
//! a node, or to one, whose data directory is an older copy (`boots`).

use std::fmt;
use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::{Stream, StreamExt};
use net::ConnectionInfo;
use openraft::async_runtime::watch::WatchReceiver;
use proto::raft::v1 as pb;
use proto::raft::v1::raft_server::{Raft, RaftServer};
use storage::SnapshotReceiver;
use tonic::{Request, Response, Status, Streaming};
use types::{NodeId, limits};

use crate::boots::BOOTS_METADATA;
use crate::checkpoint::meta_of;
use crate::membership::MembershipError;
use crate::peer_unseal;
use crate::raft_types::{AppendRequest, LogId, Member, Snapshot, Vote};
use crate::replica::Inner;
use crate::standing::{self, DATA_METADATA, Expelled};
use crate::transfer::TransferError;
use crate::wire::{self, Malformed};

/// The service of the peer port.
#[derive(Clone)]
pub struct PeerService {
    inner: Arc<Inner>,
}

impl fmt::Debug for PeerService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerService({})", self.inner.id)
    }
}

impl PeerService {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The tonic service, with the bounds of the peer port.
    pub fn into_server(self) -> RaftServer<Self> {
        RaftServer::new(self)
            .max_decoding_message_size(limits::PEER_MESSAGE_BYTES)
            .max_encoding_message_size(limits::PEER_MESSAGE_BYTES)
    }

    /// The node that the connection's certificate names; it must be of this cluster.
    fn sender<T>(&self, request: &Request<T>) -> Result<NodeId, Status> {
        let identity = request.extensions().get::<ConnectionInfo>().and_then(|info| info.peer_identity.as_ref());
        let identity = identity.ok_or_else(|| Status::unauthenticated("no node certificate"))?;
        if identity.cluster != self.inner.cluster {
            return Err(Status::permission_denied("a node of another cluster"));
        }
        if self.inner.is_removed(identity.node) {
            return Err(standing::removed());
        }
        self.must_be_meant(request)?;
        self.inner.peers.boots.hear(identity.node, request.metadata())?;
        Ok(identity.node)
    }

    fn must_be_meant<T>(&self, request: &Request<T>) -> Result<(), Status> {
        if self.inner.peers.boots.is_told(request.metadata()) {
            self.inner.peers.expel(Expelled::OlderCopy);
        }
        if self.inner.peers.is_mute() {
            return Err(Status::permission_denied("this node's data directory is an older copy"));
        }
        let named = request.metadata().get(DATA_METADATA).map(|named| named.to_str().unwrap_or_default());
        if standing::is_meant(named, self.inner.data) {
            return Ok(());
        }
        // A node that knows of members has its data, and it is the caller who is wrong.
        if self.inner.members().is_empty() {
            self.inner.peers.expel(Expelled::OtherData);
        }
        Err(Status::permission_denied("this node has another data directory than the one that is meant"))
    }

    /// An answer, with what this node says of its own data directory.
    fn answer<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        response.metadata_mut().insert(BOOTS_METADATA, self.inner.peers.boots.own_text());
        response
    }

    /// The sender, which must be a member, unless this node does not know any yet.
    fn member<T>(&self, request: &Request<T>) -> Result<NodeId, Status> {
        let sender = self.sender(request)?;
        if self.inner.may_command(sender) { Ok(sender) } else { Err(Status::permission_denied("not a member")) }
    }
}

fn must_be_from(sender: NodeId, vote: &Vote) -> Result<(), Status> {
    if vote.leader_id.node_id == sender {
        Ok(())
    } else {
        Err(Status::permission_denied("the vote is of another node than the certificate"))
    }
}

/// The places in the log that a request tells of.
fn ids_of(request: &AppendRequest) -> impl Iterator<Item = LogId> {
    request.prev_log_id.into_iter().chain(request.entries.iter().map(|entry| entry.log_id))
}

impl Inner {
    /// Refuses a log without an entry that was applied here.
    ///
    /// Raft rules that out, and openraft ends the node. But two data directories that have lost what they acknowledged can
    /// elect each other, and then it is this node that holds what the cluster acknowledged.
    fn must_keep_applied(&self, sender: NodeId, told: impl IntoIterator<Item = LogId>) -> Result<(), Status> {
        let Some(applied) = self.raft.metrics().borrow_watched().last_applied else { return Ok(()) };
        if told.into_iter().all(|id| id.index > applied.index || id <= applied) {
            return Ok(());
        }
        if !self.outlived.swap(true, Ordering::Relaxed) {
            tracing::error!(%sender, applied = applied.index, "the leader has lost entries that this node has applied");
        }
        Err(Status::failed_precondition("the sender has lost entries that the cluster had acknowledged"))
    }
}

fn fatal(error: impl fmt::Display) -> Status {
    Status::unavailable(format!("raft: {error}"))
}

#[tonic::async_trait]
impl Raft for PeerService {
    type AppendStream = Pin<Box<dyn Stream<Item = Result<pb::AppendResponse, Status>> + Send>>;

    async fn append(
        &self,
        request: Request<Streaming<pb::AppendRequest>>,
    ) -> Result<Response<Self::AppendStream>, Status> {
        let sender = self.sender(&request)?;
        // The stream ends at the first message that is broken or not the sender's.
        let inner = self.inner.clone();
        let requests = request.into_inner().scan((), move |(), message| {
            if inner.peers.is_mute() || inner.peers.boots.is_reverted(sender) {
                return future::ready(None);
            }
            let request = message.and_then(|message| {
                let request = wire::append_from(message)?;
                must_be_from(sender, &request.vote)?;
                inner.must_keep_applied(sender, ids_of(&request))?;
                Ok(request)
            });
            if let Err(status) = &request {
                tracing::debug!(%sender, code = ?status.code(), "append stream ends");
            }
            future::ready(request.ok())
        });
        let results = self.inner.raft.stream_append(requests).map(|result| match result {
            Ok(result) => Ok(wire::stream_result_to(result)),
            Err(error) => Err(fatal(error)),
        });
        Ok(self.answer(Box::pin(results)))
    }

    async fn heartbeat(&self, request: Request<pb::AppendRequest>) -> Result<Response<pb::AppendResponse>, Status> {
        let sender = self.sender(&request)?;
        let request = wire::append_from(request.into_inner())?;
        must_be_from(sender, &request.vote)?;
        self.inner.must_keep_applied(sender, ids_of(&request))?;
        let response = self.inner.raft.append_entries(request).await.map_err(fatal)?;
        Ok(self.answer(wire::append_response_to(response)))
    }

    async fn vote(&self, request: Request<pb::VoteRequest>) -> Result<Response<pb::VoteResponse>, Status> {
        let sender = self.sender(&request)?;
        let request = wire::vote_request_from(request.into_inner())?;
        must_be_from(sender, &request.vote)?;
        let response = self.inner.raft.vote(request).await.map_err(fatal)?;
        Ok(self.answer(wire::vote_response_to(&response)))
    }

    async fn pre_vote(&self, request: Request<pb::VoteRequest>) -> Result<Response<pb::VoteResponse>, Status> {
        let sender = self.sender(&request)?;
        let request = wire::vote_request_from(request.into_inner())?;
        must_be_from(sender, &request.vote)?;
        let response = self.inner.raft.pre_vote(request).await.map_err(fatal)?;
        Ok(self.answer(wire::vote_response_to(&response)))
    }

    async fn snapshot(
        &self,
        request: Request<Streaming<pb::SnapshotRequest>>,
    ) -> Result<Response<pb::SnapshotResponse>, Status> {
        use pb::snapshot_request::Part;
        let sender = self.sender(&request)?;
        let _only =
            self.inner.receiving.try_lock().map_err(|_| Status::resource_exhausted("one snapshot at a time"))?;
        let mut parts = request.into_inner();
        let Some(Part::Vote(vote)) = next_part(&mut parts).await? else {
            return Err(Malformed("with a snapshot that does not begin with a vote").into());
        };
        let vote = wire::vote_from(Some(vote))?;
        must_be_from(sender, &vote)?;
        let snapshot = self.receive(parts).await?;
        if snapshot.meta.last_log_id.is_some_and(|last| last.leader_id > vote.leader_id) {
            return Err(Malformed("with a snapshot that is newer than its sender's term").into());
        }
        self.inner.must_keep_applied(sender, snapshot.meta.last_log_id)?;
        tracing::info!(%sender, index = snapshot.meta.last_log_id.map(|id| id.index), "snapshot received");
        let response = Box::pin(self.inner.raft.install_full_snapshot(vote, snapshot)).await.map_err(fatal)?;
        Ok(self.answer(pb::SnapshotResponse { vote: Some(wire::vote_to(&response.vote)) }))
    }

    async fn transfer_leader(
        &self,
        request: Request<pb::TransferLeaderRequest>,
    ) -> Result<Response<pb::TransferLeaderResponse>, Status> {
        let sender = self.sender(&request)?;
        let request = wire::transfer_from(request.into_inner())?;
        must_be_from(sender, request.from_leader())?;
        let response = self.inner.raft.handle_transfer_leader(request).await.map_err(fatal)?;
        Ok(self.answer(wire::transfer_response_to(response)))
    }

    async fn propose(&self, request: Request<pb::ProposeRequest>) -> Result<Response<pb::ProposeResponse>, Status> {
        self.member(&request)?;
        Ok(self.answer(self.inner.append_forwarded(&request.into_inner().proposals).await))
    }

    async fn read_index(
        &self,
        request: Request<pb::ReadIndexRequest>,
    ) -> Result<Response<pb::ReadIndexResponse>, Status> {
        use pb::read_index_response::Result as Answer;
        self.member(&request)?;
        let leader = self.inner.leader();
        if leader != Some(self.inner.id) {
            let answer = Answer::NotLeader(wire::not_leader_to(leader));
            return Ok(self.answer(pb::ReadIndexResponse { result: Some(answer), access_index: 0 }));
        }
        let deadline = Instant::now() + limits::FORWARD_TIMEOUT;
        let index = self.inner.rounds.read_index(deadline).await.map_err(|e| Status::unavailable(e.to_string()))?;
        let access_index = if request.get_ref().access { self.inner.access_index(index).await } else { 0 };
        Ok(self.answer(pb::ReadIndexResponse { result: Some(Answer::Index(index)), access_index }))
    }

    async fn local_status(
        &self,
        request: Request<pb::LocalStatusRequest>,
    ) -> Result<Response<pb::LocalStatusResponse>, Status> {
        self.member(&request)?;
        let status = wire::status_to(&self.inner.status(), self.inner.version, self.inner.data);
        Ok(self.answer(pb::LocalStatusResponse { stopping: self.inner.is_stopping(), ..status }))
    }

    async fn local_clock(
        &self,
        request: Request<pb::LocalClockRequest>,
    ) -> Result<Response<pb::LocalClockResponse>, Status> {
        self.member(&request)?;
        Ok(self.answer(pb::LocalClockResponse { now_ms: self.inner.clock.now().as_millis() }))
    }

    async fn local_checkpoint(
        &self,
        request: Request<pb::LocalCheckpointRequest>,
    ) -> Result<Response<pb::LocalCheckpointResponse>, Status> {
        self.member(&request)?;
        let checkpoint = self.inner.checkpoint_now().await.map_err(fatal)?;
        Ok(self.answer(pb::LocalCheckpointResponse { checkpoint }))
    }

    async fn local_digest(
        &self,
        request: Request<pb::LocalDigestRequest>,
    ) -> Result<Response<pb::LocalDigestResponse>, Status> {
        self.member(&request)?;
        let (applied, digest) = self.inner.digest().await;
        Ok(self.answer(pb::LocalDigestResponse { applied, digest: digest.to_vec().into() }))
    }

    async fn change_membership(
        &self,
        request: Request<pb::ChangeMembershipRequest>,
    ) -> Result<Response<pb::ChangeMembershipResponse>, Status> {
        use pb::change_membership_request::Change;
        use pb::change_membership_response::Result as Answer;
        self.member(&request)?;
        let changed = match request.into_inner().change.ok_or(Malformed("without a change of the membership"))? {
            Change::Add(add) => {
                let member = Member { peer_address: add.peer_address, client_address: add.client_address };
                Box::pin(self.inner.add_node_here(NodeId(add.id), member)).await
            }
            Change::Remove(id) => Box::pin(self.inner.remove_node_here(NodeId(id))).await,
        };
        let answer = match changed {
            Ok(voters) => Answer::Voters(pb::VoterSet { ids: voters.into_iter().map(|id| id.0).collect() }),
            Err(MembershipError::NoLeader) => Answer::NotLeader(wire::not_leader_to(self.inner.leader())),
            Err(error @ MembershipError::IdTaken(_)) => return Err(Status::already_exists(error.to_string())),
            Err(MembershipError::NotAllowed(why)) => return Err(Status::failed_precondition(why)),
            Err(MembershipError::Refused(why)) => return Err(Status::aborted(why)),
            Err(MembershipError::Unfinished(why)) => return Err(Status::deadline_exceeded(why)),
        };
        Ok(self.answer(pb::ChangeMembershipResponse { result: Some(answer) }))
    }

    async fn hand_over(&self, request: Request<pb::HandOverRequest>) -> Result<Response<pb::HandOverResponse>, Status> {
        use pb::hand_over_response::Result as Answer;
        self.member(&request)?;
        let answer = match self.inner.hand_over(wire::known(request.into_inner().to)).await {
            Ok(leader) => Answer::Leader(leader.0),
            Err(TransferError::NoLeader) => Answer::NotLeader(wire::not_leader_to(self.inner.leader())),
            Err(error @ TransferError::NotAVoter(_)) => return Err(Status::not_found(error.to_string())),
            Err(error @ TransferError::NobodyReady) => return Err(Status::failed_precondition(error.to_string())),
            Err(error) => return Err(Status::aborted(error.to_string())),
        };
        Ok(self.answer(pb::HandOverResponse { result: Some(answer) }))
    }

    async fn local_seal(
        &self,
        request: Request<pb::LocalSealRequest>,
    ) -> Result<Response<pb::LocalSealResponse>, Status> {
        let sender = self.member(&request)?;
        tracing::warn!(%sender, "the node is asked to seal itself");
        let custody = self.inner.custody.clone();
        tokio::task::spawn_blocking(move || custody.seal()).await.map_err(fatal)?.map_err(fatal)?;
        Ok(self.answer(pb::LocalSealResponse {}))
    }

    async fn give_terms(
        &self,
        request: Request<pb::GiveTermsRequest>,
    ) -> Result<Response<pb::GiveTermsResponse>, Status> {
        match Box::pin(self.terms_for(request)).await {
            Ok(given) => Ok(self.answer(given)),
            Err(status) => {
                tracing::warn!(why = status.message(), "a node is not given the barrier terms");
                Err(status)
            }
        }
    }
}

impl PeerService {
    /// Gives the terms to a member that is sealed, see [`crate::peer_unseal`].
    async fn terms_for(&self, request: Request<pb::GiveTermsRequest>) -> Result<pb::GiveTermsResponse, Status> {
        let connection = request.extensions().get::<ConnectionInfo>().cloned();
        let (Some(connection), request) = (connection, request.into_inner()) else {
            return Err(Status::unauthenticated("no node certificate"));
        };
        let identity = connection.peer_identity.ok_or_else(|| Status::unauthenticated("no node certificate"))?;
        let leaf = connection.leaf.ok_or_else(|| Status::unauthenticated("no node certificate"))?;
        let asking = identity.node;
        if identity.cluster != self.inner.cluster {
            return Err(Status::permission_denied("a node of another cluster"));
        }
        if !self.inner.custody.gives_terms() {
            return Err(Status::failed_precondition("peer unseal is off on this node"));
        }
        if self.inner.peers.is_mute() || self.inner.peers.standing.current().is_some() {
            return Err(Status::permission_denied("this node does not belong to the cluster"));
        }
        let binding = peer_unseal::binding(asking, self.inner.id);
        let message = peer_unseal::signed(self.inner.cluster, &binding, &request.public_key);
        if !net::tls::verify_node_signature(&leaf, &message, &request.signature) {
            return Err(Status::permission_denied("the key is not signed by the node's certificate"));
        }
        // What was removed is known after the barrier, whatever this node had known.
        let deadline = Instant::now() + limits::FORWARD_TIMEOUT;
        let published =
            self.inner.read_barrier(deadline).await.map_err(|error| Status::unavailable(error.to_string()))?;
        if self.inner.is_removed(asking) {
            return Err(standing::removed());
        }
        if !self.inner.members().contains_key(&asking) {
            return Err(Status::permission_denied("not a member"));
        }
        let (custody, address) = (self.inner.custody.clone(), connection.peer_addr);
        let recorded = tokio::task::spawn_blocking(move || custody.record_transfer(asking, address));
        if !recorded.await.map_err(fatal)?.map_err(fatal)? {
            return Err(Status::resource_exhausted("the node has been given the terms too often"));
        }
        let transfer = self.inner.barrier.seal_for(&request.public_key, &binding);
        let transfer = transfer.map_err(|error| Status::invalid_argument(error.to_string()))?.into();
        tracing::warn!(%asking, %address, "the node is given the barrier terms");
        let keyring = published.state.keyring().map(|keyring| wire::keyring_to(keyring));
        Ok(pb::GiveTermsResponse { transfer, keyring })
    }

    /// Takes the terms that the chunks to come may be sealed under.
    async fn take_keyring(&self, keyring: pb::Keyring) -> Result<(), Status> {
        if !self.inner.barrier.lacks(&keyring.terms).map_err(receive_failed)? {
            return Ok(());
        }
        let (custody, keyring) = (self.inner.custody.clone(), wire::keyring_from(keyring));
        let kept = tokio::task::spawn_blocking(move || custody.keep(&keyring));
        kept.await.map_err(fatal)?.map_err(receive_failed)
    }

    /// Takes the chunks of a snapshot, off the runtime's threads: each is opened and written.
    async fn receive(&self, mut parts: Streaming<pb::SnapshotRequest>) -> Result<Snapshot, Status> {
        let mut receiver =
            SnapshotReceiver::new(&self.inner.incoming, self.inner.barrier.clone()).map_err(receive_failed)?;
        while let Some(part) = next_part(&mut parts).await? {
            let chunk = match part {
                pb::snapshot_request::Part::Chunk(chunk) => chunk,
                pb::snapshot_request::Part::Keyring(keyring) => {
                    self.take_keyring(keyring).await?;
                    continue;
                }
                pb::snapshot_request::Part::Vote(_) => return Err(Malformed("with two votes in a snapshot").into()),
            };
            let pushed = tokio::task::spawn_blocking(move || receiver.push(&chunk).map(|()| receiver));
            receiver = pushed.await.map_err(fatal)?.map_err(receive_failed)?;
        }
        let received = tokio::task::spawn_blocking(move || receiver.finish());
        let received = received.await.map_err(fatal)?.map_err(receive_failed)?;
        let meta = meta_of(&received.head).map_err(receive_failed)?;
        Ok(Snapshot { meta, snapshot: received.state })
    }
}

async fn next_part(parts: &mut Streaming<pb::SnapshotRequest>) -> Result<Option<pb::snapshot_request::Part>, Status> {
    match parts.message().await? {
        Some(request) => Ok(Some(request.part.ok_or(Malformed("with an empty snapshot part"))?)),
        None => Ok(None),
    }
}

/// A snapshot that cannot be taken. The sender tries again after a pause.
fn receive_failed(error: impl std::error::Error + 'static) -> Status {
    tracing::warn!(error = &error as &dyn std::error::Error, "snapshot refused");
    Status::data_loss(format!("snapshot: {error}"))
}
