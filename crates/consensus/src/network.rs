//! The calling half of the peer protocol.
//!
//! Each peer gets a few connections, one for each kind of traffic, so that a large append or a snapshot never
//! stands before a heartbeat. Connections are made when first used and found again by themselves.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::{Stream, StreamExt, stream};
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{NetworkError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::v2::RaftNetworkV2;
use openraft::network::{Backoff, RPCOption, RPCTypes, RaftNetworkFactory, stream_append_sequential};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use proto::raft::v1 as pb;
use proto::raft::v1::raft_client::RaftClient;
use state::State;
use storage::{Barrier, SnapshotSource};
use tokio::sync::{mpsc, watch};
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use types::{NodeId, limits};

use crate::acknowledged::{Acknowledged, Answers, Withheld};
use crate::boots::{BOOTS_METADATA, BootRecords, KNOWN_METADATA};
use crate::checkpoint::head_of;
use crate::data_dir::DataId;
use crate::machine::Publisher;
use crate::raft_types::{Config, Node, RpcError, Snapshot, Vote};
use crate::standing::{DATA_METADATA, Expelled, Standing};
use crate::wire::{self, Malformed};

/// Pause before a peer that could not be reached is tried again.
const PEER_RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Chunks of a snapshot that are made before the peer takes them.
const SNAPSHOT_CHUNKS_AHEAD: usize = 4;
/// Time to open an append stream, connecting included.
const STREAM_OPEN_TIMEOUT: Duration = Duration::from_secs(2);
/// Time without a chunk being taken, or from the last chunk to the answer, after which a snapshot is given up. A
/// receiver writes a whole checkpoint before it answers; a dead connection is noticed long before by its pings.
const SNAPSHOT_STALL_TIMEOUT: Duration = Duration::from_secs(300);

pub(crate) type PeerClient = RaftClient<InterceptedService<Channel, Addressee>>;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Traffic {
    Replication,
    /// Heartbeats, votes and the probes of read barriers.
    Control,
    /// Proposals and read indices of followers.
    Forward,
    /// Cluster commands.
    Command,
    Snapshot,
}

/// Names in each call the data directory that is meant, and what is known of it: a node that has lost its own, or has
/// an older copy of it, must not answer. And it names the caller's own.
#[derive(Clone)]
pub(crate) struct Addressee {
    meant: Option<AsciiMetadataValue>,
    known: Option<AsciiMetadataValue>,
    boots: AsciiMetadataValue,
}

impl Interceptor for Addressee {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        let metadata = request.metadata_mut();
        if let Some(meant) = &self.meant {
            metadata.insert(DATA_METADATA, meant.clone());
        }
        if let Some(known) = &self.known {
            metadata.insert(KNOWN_METADATA, known.clone());
        }
        metadata.insert(BOOTS_METADATA, self.boots.clone());
        Ok(request)
    }
}

#[derive(Clone)]
struct Dialled {
    address: String,
    channel: Channel,
}

/// Connections to all peers.
pub(crate) struct Peers {
    this: NodeId,
    tls: net::tls::PeerDialer,
    dial: BTreeMap<NodeId, String>,
    barrier: Arc<Barrier>,
    publisher: Publisher,
    /// A peer that was not heard for so long is said to be silent.
    silence: Duration,
    dialled: ArcSwap<HashMap<(NodeId, Traffic), Dialled>>,
    pub(crate) standing: Standing,
    pub(crate) boots: BootRecords,
    pub(crate) acknowledged: Acknowledged,
}

impl Peers {
    pub(crate) fn new(
        this: NodeId,
        tls: net::tls::PeerDialer,
        dial: BTreeMap<NodeId, String>,
        barrier: Arc<Barrier>,
        publisher: Publisher,
        silence: Duration,
        boots: BootRecords,
    ) -> Self {
        let (standing, acknowledged) = (Standing::new(), Acknowledged::default());
        let dialled = ArcSwap::default();
        Self { this, tls, dial, barrier, publisher, silence, dialled, standing, boots, acknowledged }
    }

    /// A client for one kind of traffic to `target`.
    ///
    /// # Errors
    /// When the address is not `host:port` or the TLS configuration cannot be built.
    pub(crate) fn client(
        &self,
        target: NodeId,
        node: &Node,
        traffic: Traffic,
    ) -> Result<PeerClient, net::connect::ConnectError> {
        let address = self.dial.get(&target).unwrap_or(&node.member.peer_address);
        let known = self.dialled.load();
        let channel = match known.get(&(target, traffic)) {
            Some(dialled) if dialled.address == *address => dialled.channel.clone(),
            _ => self.dial(target, address, traffic)?,
        };
        let addressee = Addressee {
            meant: node.data.and_then(|data| data.to_string().parse().ok()),
            known: self.boots.known_text(target),
            boots: self.boots.own_text(),
        };
        Ok(RaftClient::with_interceptor(channel, addressee)
            .max_decoding_message_size(limits::PEER_MESSAGE_BYTES)
            .max_encoding_message_size(limits::PEER_MESSAGE_BYTES))
    }

    /// Takes notice of what a peer has answered.
    pub(crate) fn heard(&self, status: &tonic::Status) {
        self.standing.heard(status);
        if self.boots.is_told(status.metadata()) {
            self.expel(Expelled::OlderCopy);
        }
    }

    /// Takes notice that this node does not belong to its cluster.
    pub(crate) fn expel(&self, why: Expelled) {
        self.standing.expel(why);
        self.boots.look();
    }

    /// Whether this node must say nothing more: it may not remember what it has voted and acknowledged.
    pub(crate) fn is_mute(&self) -> bool {
        self.standing.current() == Some(Expelled::OlderCopy)
    }

    fn dial(&self, target: NodeId, address: &str, traffic: Traffic) -> Result<Channel, net::connect::ConnectError> {
        let channel = net::connect::peer_channel(address, self.tls.config_for(target)?)?;
        let dialled = Dialled { address: address.to_owned(), channel: channel.clone() };
        self.dialled.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert((target, traffic), dialled.clone());
            known
        });
        Ok(channel)
    }
}

/// Makes openraft's connections.
pub(crate) struct Network(pub(crate) Arc<Peers>);

impl RaftNetworkFactory<Config> for Network {
    type Network = Connection;

    async fn new_client(&mut self, target: NodeId, node: &Node) -> Connection {
        self.connection(target, node, Traffic::Replication)
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, node: &Node) -> Connection {
        self.connection(target, node, Traffic::Control)
    }

    async fn new_snapshot_client(&mut self, target: NodeId, node: &Node) -> Connection {
        self.connection(target, node, Traffic::Snapshot)
    }
}

impl Network {
    fn connection(&self, target: NodeId, node: &Node, traffic: Traffic) -> Connection {
        let contact = Contact { heard: Instant::now(), silent: false };
        Connection { peers: self.0.clone(), target, node: node.clone(), traffic, contact }
    }
}

/// One of openraft's connections to one peer.
pub(crate) struct Connection {
    peers: Arc<Peers>,
    target: NodeId,
    node: Node,
    traffic: Traffic,
    contact: Contact,
}

/// Whether heartbeats are answered. One that is late under load says nothing: a peer is silent when none was answered
/// for as long as makes its leader doubt it.
#[derive(Debug, PartialEq, Eq)]
struct Contact {
    heard: Instant,
    silent: bool,
}

/// A change that is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
enum ContactChange {
    Lost,
    Found,
}

impl Contact {
    /// Takes notice of the end of one heartbeat.
    fn note(&mut self, answered: bool, now: Instant, silence: Duration) -> Option<ContactChange> {
        if answered {
            self.heard = now;
            return std::mem::replace(&mut self.silent, false).then_some(ContactChange::Found);
        }
        let is_lost = !self.silent && now.duration_since(self.heard) > silence;
        self.silent |= is_lost;
        is_lost.then_some(ContactChange::Lost)
    }
}

impl Connection {
    fn client(&self, traffic: Traffic) -> Result<PeerClient, RpcError> {
        if self.peers.is_mute() {
            return Err(RpcError::Unreachable(Unreachable::from_string("this node's data directory is an older copy")));
        }
        self.peers
            .client(self.target, &self.node, traffic)
            .map_err(|error| RpcError::Unreachable(Unreachable::new(&error)))
    }

    /// Runs a call within openraft's time for it.
    async fn call<T>(
        &self,
        action: RPCTypes,
        option: &RPCOption,
        call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<T, RpcError> {
        let timeout = option.soft_ttl();
        match tokio::time::timeout(timeout, call).await {
            Ok(Ok(response)) => self.heard(response),
            Ok(Err(status)) => {
                self.peers.heard(&status);
                Err(unreachable_peer(&status))
            }
            Err(_) => Err(RpcError::Timeout(Timeout { action, id: self.peers.this, target: self.target, timeout })),
        }
    }
}

impl Connection {
    /// Takes an answer, unless the peer's data directory is an older copy: it counts for nothing then.
    fn heard<T>(&self, response: tonic::Response<T>) -> Result<T, RpcError> {
        match self.peers.boots.hear(self.target, response.metadata()) {
            Ok(()) => Ok(response.into_inner()),
            Err(status) => Err(unreachable_peer(&status)),
        }
    }

    /// What the peer has acknowledged to the leader of that vote until now.
    fn answers(&self, vote: &Vote) -> Answers {
        Answers::new(self.peers.clone(), self.target, vote.leader_id)
    }

    /// The peer's data directory.
    fn data(&self) -> Option<DataId> {
        self.peers.boots.reported_data(self.target).or(self.node.data)
    }
}

impl Connection {
    /// Logs when a follower falls silent and when it is heard again; openraft repeats itself at each heartbeat.
    fn log_change(&mut self, error: Option<&RpcError>) {
        let change = self.contact.note(error.is_none(), Instant::now(), self.peers.silence);
        match (change, error) {
            (Some(ContactChange::Lost), Some(error)) => {
                tracing::warn!(peer = %self.target, %error, "a peer does not answer heartbeats");
            }
            (Some(ContactChange::Found), _) => tracing::info!(peer = %self.target, "the peer answers again"),
            (_, Some(error)) => tracing::debug!(peer = %self.target, %error, "a heartbeat was not answered"),
            (_, None) => {}
        }
    }
}

/// A peer that cannot be reached is tried again after a pause; anything else at once.
fn unreachable_peer(status: &tonic::Status) -> RpcError {
    RpcError::Unreachable(Unreachable::new(status))
}

fn withheld(error: Withheld) -> RpcError {
    RpcError::Unreachable(Unreachable::new(&error))
}

fn malformed(error: Malformed) -> RpcError {
    RpcError::Network(NetworkError::new(&error))
}

impl RaftNetworkV2<Config> for Connection {
    type SnapshotData = State;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Config>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Config>, RpcError> {
        let mut client = self.client(Traffic::Control)?;
        let (answers, previous) = (self.answers(&rpc.vote), rpc.prev_log_id);
        let call = client.heartbeat(wire::append_to(rpc));
        let answer = self.call(RPCTypes::AppendEntries, &option, call).await;
        self.log_change(answer.as_ref().err());
        let answer = wire::append_response_from(answer?).map_err(malformed)?;
        if let (AppendEntriesResponse::Conflict, Some(previous)) = (&answer, previous) {
            // A heartbeat asks for what was acknowledged, so openraft takes every conflict for a reversion.
            answers.of(self.data()).conflict(previous.index).map_err(withheld)?;
            return Err(withheld(Withheld::Overtaken));
        }
        Ok(answer)
    }

    fn stream_append<'s, S>(
        &'s mut self,
        mut input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<Config>, RpcError>>, RpcError>>
    where
        S: Stream<Item = AppendEntriesRequest<Config>> + Send + Unpin + 'static,
    {
        if self.traffic != Traffic::Replication {
            // A stream for one heartbeat costs more than the heartbeat: one unary call for each.
            return stream_append_sequential(self, input, option);
        }
        Box::pin(async move {
            // openraft waits out its backoff inside the input: a peer that cannot be dialled would otherwise be
            // dialled again at once, thousands of times a second.
            let Some(first) = input.next().await else { return Ok(Box::pin(stream::empty()) as BoxStream<'s, _>) };
            let answers = self.answers(&first.vote);
            let requests = stream::iter([first]).chain(input).map(wire::append_to);
            let mut client = self.client(Traffic::Replication)?;
            let open = tokio::time::timeout(STREAM_OPEN_TIMEOUT, client.append(requests));
            let response = match open.await {
                Ok(Ok(response)) => response,
                Ok(Err(status)) => {
                    self.peers.heard(&status);
                    return Err(unreachable_peer(&status));
                }
                Err(elapsed) => return Err(RpcError::Unreachable(Unreachable::new(&elapsed))),
            };
            let responses = self.heard(response)?;
            let (mut answers, peers, target) = (answers.of(self.data()), self.peers.clone(), self.target);
            let results = responses.map(move |item| match item {
                Ok(_) if peers.boots.is_reverted(target) => Err(withheld(Withheld::Reverted)),
                Ok(response) => answers.take(wire::stream_result_from(response).map_err(malformed)?).map_err(withheld),
                Err(status) => Err(unreachable_peer(&status)),
            });
            Ok(Box::pin(results) as BoxStream<'s, _>)
        })
    }

    async fn vote(&mut self, rpc: VoteRequest<Config>, option: RPCOption) -> Result<VoteResponse<Config>, RpcError> {
        let mut client = self.client(Traffic::Control)?;
        let call = client.vote(wire::vote_request_to(&rpc));
        let response = self.call(RPCTypes::Vote, &option, call).await?;
        wire::vote_response_from(response).map_err(malformed)
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<Config>,
        option: RPCOption,
    ) -> Result<VoteResponse<Config>, RpcError> {
        let mut client = self.client(Traffic::Control)?;
        let call = client.pre_vote(wire::vote_request_to(&rpc));
        let response = self.call(RPCTypes::Vote, &option, call).await?;
        wire::vote_response_from(response).map_err(malformed)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Config>, StreamingError<Config>> {
        let mut client = self.client(Traffic::Snapshot)?;
        let last = snapshot.meta.last_log_id;
        let head = head_of(&snapshot.meta).map_err(|error| StreamingError::Network(NetworkError::new(&error)))?;
        // The newest one: the chunks are sealed under the newest term, which the snapshot's own may not have. A term
        // that begins during the transfer ends it, and the next one has that term too.
        let keyring = self.peers.publisher.current().state.keyring().map(|keyring| wire::keyring_to(keyring));
        let chunks = self.peers.barrier.clone().chunks(head, snapshot.snapshot);
        let (taken, progress) = watch::channel(());
        let parts = Parts { vote: Some(wire::vote_to(&vote)), keyring, chunks, taken };
        tokio::select! {
            closed = cancel => Err(StreamingError::Closed(closed)),
            () = stalled(progress) => Err(StreamingError::Unreachable(Unreachable::from_string("the transfer stalls"))),
            sent = client.snapshot(parts.made_ahead()) => {
                let response = sent.map_err(|status| {
                    self.peers.heard(&status);
                    unreachable_peer(&status)
                })?;
                let answer = wire::vote_from(self.heard(response)?.vote).map_err(malformed)?;
                if let Some(last) = last.filter(|_| answer.leader_id == vote.leader_id) {
                    // It is durable there.
                    self.peers.acknowledged.note(self.target, vote.leader_id, last);
                }
                Ok(SnapshotResponse::new(answer))
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Config>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Config>, RpcError> {
        let mut client = self.client(Traffic::Control)?;
        let call = client.transfer_leader(wire::transfer_to(&request));
        let response = self.call(RPCTypes::TransferLeader, &option, call).await?;
        wire::transfer_response_from(response).map_err(malformed)
    }

    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(PEER_RETRY_PAUSE)))
    }
}

/// The messages of a snapshot, made as they are sent.
struct Parts {
    /// Gone when it is sent.
    vote: Option<pb::Ballot>,
    /// Gone when it is sent, or if there is none.
    keyring: Option<pb::Keyring>,
    chunks: storage::Chunks,
    /// Told of each message.
    taken: watch::Sender<()>,
}

impl Parts {
    /// The messages as a stream. Each takes milliseconds to make and seal, during which nothing else would run on the
    /// thread, heartbeats least of all: they are made on another one, some ahead of the peer.
    fn made_ahead(self) -> impl Stream<Item = pb::SnapshotRequest> + Send + 'static {
        let (made, parts) = mpsc::channel(SNAPSHOT_CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || {
            for part in self {
                if made.blocking_send(part).is_err() {
                    // The transfer has ended early.
                    return;
                }
            }
        });
        stream::unfold(parts, async |mut parts| parts.recv().await.map(|part| (part, parts)))
    }
}

impl Iterator for Parts {
    type Item = pb::SnapshotRequest;

    fn next(&mut self) -> Option<pb::SnapshotRequest> {
        use pb::snapshot_request::Part;
        let part = match (self.vote.take(), self.keyring.as_ref()) {
            (Some(vote), _) => Part::Vote(vote),
            (None, Some(_)) => Part::Keyring(self.keyring.take()?),
            (None, None) => Part::Chunk(self.chunks.next()?.into()),
        };
        self.taken.send_replace(());
        Some(pb::SnapshotRequest { part: Some(part) })
    }
}

/// Resolves when nothing was taken for too long.
async fn stalled(mut progress: watch::Receiver<()>) {
    while let Ok(taken) = tokio::time::timeout(SNAPSHOT_STALL_TIMEOUT, progress.changed()).await {
        if taken.is_err() {
            // All is sent; now the receiver works.
            return tokio::time::sleep(SNAPSHOT_STALL_TIMEOUT).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_heartbeat_is_no_silence_and_silence_is_said_once() {
        let (start, silence) = (Instant::now(), Duration::from_millis(800));
        let at = |ms| start + Duration::from_millis(ms);
        let mut contact = Contact { heard: start, silent: false };
        assert_eq!(contact.note(false, at(112), silence), None);
        assert_eq!(contact.note(true, at(262), silence), None);
        assert_eq!(contact.note(false, at(1_000), silence), None);
        assert_eq!(contact.note(false, at(1_063), silence), Some(ContactChange::Lost));
        assert_eq!(contact.note(false, at(9_000), silence), None);
        assert_eq!(contact.note(true, at(9_100), silence), Some(ContactChange::Found));
        assert_eq!(contact.note(true, at(9_200), silence), None);
        assert_eq!(contact.note(false, at(9_300), silence), None);
    }
}
