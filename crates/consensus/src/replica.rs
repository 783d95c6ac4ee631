//! One node's replica: what the rest of the node sees of consensus.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use openraft::async_runtime::watch::WatchReceiver;
use state::State;
use storage::log::{LogOptions, LogStore, SegmentLog};
use storage::{Barrier, Head, LogCodec, SledStateStore, StateStore};
use types::{ClusterId, NodeId};

use crate::barrier::{self, NoQuorum, ReadIndexRounds};
use crate::boots::{self, BootRecords};
use crate::checkpoint::{self, CheckpointError, Checkpoints, Retention};
use crate::config::{Clock, Custody, ReplicaConfig, raft_config};
use crate::data_dir::{Claim, DataDir, DataDirError, DataId};
use crate::forward::{self, Forward};
use crate::log::Log;
use crate::machine::{Published, Publisher, StateMachine};
use crate::membership::MembershipError;
use crate::network::{Network, PeerClient, Peers, Traffic};
use crate::peer::PeerService;
use crate::propose::{InFlight, Proposal, ProposeError, Receipt};
use crate::raft_types::{Member, Raft, ServerMetrics};
use crate::transfer::TransferError;
use crate::{purge, standing, status};

/// How long a node waits to come abreast of the cluster before it looks whether it is stopping.
const CATCH_UP_ATTEMPT: Duration = Duration::from_secs(1);
/// Pause between two such attempts: a node that was not added yet fails at once.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(100);

/// A replica that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is another node's, or lacks what it once had.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The log is unreadable, damaged, or another node's.
    #[error("the log cannot be opened")]
    Log(#[source] storage::log::LogError),
    /// The checkpoints are unreadable, damaged, or another node's.
    #[error("the state store cannot be opened")]
    State(#[source] storage::StateStoreError),
    /// The log was purged beyond the checkpoint: the state store is not the one that belongs to it, or is gone.
    #[error("the log begins after entry {purged}, and the state ends at {checkpoint:?}")]
    Gap {
        /// The last entry that the log does not have any more.
        purged: u64,
        /// The last entry in the checkpoint, if there is one.
        checkpoint: Option<u64>,
    },
    /// A file operation failed.
    #[error("the data directory cannot be used")]
    Io(#[from] io::Error),
    /// The intervals do not fit each other.
    #[error("the intervals of raft: {0}")]
    Timing(String),
    /// Raft found the log and the state at odds, or an entry that cannot be read.
    #[error("raft did not start: {0}")]
    Raft(String),
}

/// How much of the log is kept, and in what pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuning {
    /// Sizes of the log.
    pub log: LogOptions,
    /// When checkpoints are taken and what stays behind them.
    pub retention: Retention,
}

/// A handle on this node's replica; clones share it.
#[derive(Clone)]
pub struct Replica {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) id: NodeId,
    pub(crate) cluster: ClusterId,
    pub(crate) data: DataId,
    pub(crate) raft: Raft,
    pub(crate) server: ServerMetrics,
    pub(crate) log: Arc<dyn LogStore>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) retention: Retention,
    pub(crate) codec: LogCodec,
    pub(crate) peers: Arc<Peers>,
    pub(crate) publisher: Publisher,
    pub(crate) rounds: ReadIndexRounds,
    pub(crate) forward: Forward,
    pub(crate) in_flight: InFlight,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) custody: Arc<dyn Custody>,
    pub(crate) version: &'static str,
    /// A peer that was not heard for so long is not counted upon.
    pub(crate) silence: Duration,
    /// Whether this node has been abreast of the cluster since its start.
    pub(crate) caught_up: AtomicBool,
    /// Whether this node is about to end, so that no leader hands over to it.
    pub(crate) stopping: AtomicBool,
    /// Whether a leader has been seen that lacks what was applied here; it is told once.
    pub(crate) outlived: AtomicBool,
    /// Held while a change of the membership is computed and made.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) barrier: Arc<Barrier>,
    /// Where received snapshots are spooled, one at a time.
    pub(crate) incoming: PathBuf,
    pub(crate) receiving: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replica({})", self.inner.id)
    }
}

impl Replica {
    /// Opens the log and the state, applies what is known to be committed, and starts Raft.
    ///
    /// # Errors
    /// [`StartError`] names the part that refused.
    pub async fn start(config: ReplicaConfig, tuning: Tuning) -> Result<Self, StartError> {
        let opened = tokio::task::spawn_blocking({
            let (data_dir, cluster, node, barrier) =
                (config.data_dir.clone(), config.cluster, config.node, config.barrier.clone());
            move || Stores::open(&data_dir, cluster, node, barrier, tuning.log)
        });
        let stores = opened.await.map_err(io::Error::other)??;
        Box::pin(Self::start_on(stores, config, tuning.retention)).await
    }

    pub(crate) async fn start_on(
        Stores { dir, log, state, loaded }: Stores,
        config: ReplicaConfig,
        retention: Retention,
    ) -> Result<Self, StartError> {
        if cfg!(feature = "unsafe-without-read-barrier") {
            tracing::error!("this is a test build whose reads are not linearizable");
        }
        let raft_config = Arc::new(
            raft_config(config.cluster, config.timing).map_err(|error| StartError::Timing(error.to_string()))?,
        );
        let (purged, checkpoint) = (log.state().purged, loaded.as_ref().map(|(head, _)| head.last.index));
        if let Some(purged) = purged.filter(|purged| checkpoint < Some(purged.index)) {
            return Err(StartError::Gap { purged: purged.index, checkpoint });
        }
        let codec = LogCodec::new(config.barrier.clone());
        let (machine, publisher, checkpoints) =
            StateMachine::new(codec.clone(), state, loaded, config.custody.clone())?;
        let data = dir.id();
        let boots = BootRecords::new(config.node, dir, publisher.clone());
        let boots = boots.ok_or_else(|| io::Error::other("the start was not counted"))?;
        let silence = config.timing.election_max;
        let (barrier, current) = (config.barrier.clone(), publisher.clone());
        let peers = Arc::new(Peers::new(config.node, config.dialer, config.dial, barrier, current, silence, boots));
        let raft =
            Raft::new(config.node, raft_config, Network(peers.clone()), Log::new(log.clone(), codec.clone()), machine);
        let raft = Box::pin(raft).await.map_err(|error| StartError::Raft(error.to_string()))?;
        // Raft reports its log and its members before it takes the first message.
        raft.with_raft_state(|_| ()).await.map_err(|error| StartError::Raft(error.to_string()))?;

        let (rounds, waiting) = ReadIndexRounds::channel();
        let (forward, queue) = Forward::channel();
        let inner = Arc::new(Inner {
            id: config.node,
            cluster: config.cluster,
            data,
            server: raft.server_metrics(),
            raft,
            log,
            checkpoints,
            retention,
            codec,
            peers,
            publisher,
            rounds,
            forward,
            in_flight: InFlight::default(),
            clock: config.clock,
            custody: config.custody,
            version: config.version,
            silence: config.timing.election_max,
            caught_up: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            outlived: AtomicBool::new(false),
            changing: tokio::sync::Mutex::default(),
            barrier: config.barrier,
            incoming: config.data_dir.join("incoming"),
            receiving: tokio::sync::Mutex::default(),
        });
        tokio::spawn(status::log_changes(inner.server.clone()));
        tokio::spawn(forward::run(Arc::downgrade(&inner), queue));
        tokio::spawn(barrier::run_rounds(Arc::downgrade(&inner), waiting));
        tokio::spawn(checkpoint::run(Arc::downgrade(&inner)));
        tokio::spawn(standing::run(Arc::downgrade(&inner)));
        tokio::spawn(purge::run(Arc::downgrade(&inner)));
        tokio::spawn(boots::run(Arc::downgrade(&inner)));
        tokio::spawn(notice_catching_up(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The service for the peer port.
    pub fn peer_service(&self) -> PeerService {
        PeerService::new(self.inner.clone())
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// The cluster's id.
    pub fn cluster(&self) -> ClusterId {
        self.inner.cluster
    }

    /// The version that this node runs.
    pub fn version(&self) -> &'static str {
        self.inner.version
    }

    /// Waits until this node's state is at least what it was before it was stopped: a leader is known, and all of
    /// this node's log that the leader has committed is applied. False when that did not happen in time.
    ///
    /// Linearizable reads do not need it; it is for readiness.
    pub async fn recovered(&self, timeout: Duration) -> bool {
        self.inner.raft.wait_for_recovery(Some(timeout)).await.is_ok()
    }

    /// Whether this node has been abreast of the cluster since it was started: it has had a state that held every write
    /// acknowledged until then.
    pub fn has_caught_up(&self) -> bool {
        self.inner.caught_up.load(Ordering::Relaxed)
    }

    /// Proposes a command and waits for its outcome.
    ///
    /// # Errors
    /// [`ProposeError::Unavailable`]: nothing was appended. [`ProposeError::Unknown`]: it may be applied yet.
    pub async fn propose(&self, proposal: Proposal, deadline: Instant) -> Result<Receipt, ProposeError> {
        self.inner.propose(proposal, deadline).await
    }

    /// The state as this node has it now, which may be behind.
    pub fn local_state(&self) -> Arc<Published> {
        self.inner.publisher.current()
    }

    /// A state that holds every write acknowledged before this call, on whatever node.
    ///
    /// # Errors
    /// [`NoQuorum`] when no read index could be had before the deadline.
    pub async fn read_barrier(&self, deadline: Instant) -> Result<Arc<Published>, NoQuorum> {
        self.inner.read_barrier(deadline).await
    }

    /// Makes this node the only member of a new cluster; nothing happens if it has members already.
    ///
    /// # Errors
    /// When Raft refuses.
    pub async fn initialize(&self, member: Member) -> Result<(), MembershipError> {
        self.inner.initialize(member).await
    }

    /// Adds a node and makes it a voter once it has caught up; the voters afterwards. Doing it again is harmless.
    ///
    /// # Errors
    /// Without a leader, when the id stands for another address, or when the node does not catch up.
    pub async fn add_node(&self, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, MembershipError> {
        Box::pin(self.inner.add_node(id, member)).await
    }

    /// Takes a node out of the cluster for good; the voters afterwards. Doing it again is harmless.
    ///
    /// # Errors
    /// When the id is no member's, when the voters that would remain have no quorum of answering nodes, and without a
    /// leader.
    pub async fn remove_node(&self, id: NodeId) -> Result<BTreeSet<NodeId>, MembershipError> {
        Box::pin(self.inner.remove_node(id)).await
    }

    /// Has the leader, whichever node that is, hand its leadership to a voter: `to`, or the one that is least behind.
    /// Answers the leader afterwards.
    ///
    /// # Errors
    /// Without a leader, and when no such voter takes over.
    pub async fn transfer_leader(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        Box::pin(self.inner.transfer_leader(to)).await
    }

    /// Hands leadership to another voter if this node leads, before it is stopped, and tells leaders that they cannot
    /// hand theirs over to this one. It takes some seconds at most, and ends as soon as there is nobody else to lead.
    pub async fn resign(&self) {
        self.inner.resign().await;
    }

    /// All members with their addresses.
    pub fn members(&self) -> BTreeMap<NodeId, Member> {
        self.inner.members()
    }

    /// Writes a checkpoint on this node and purges the log behind it; its log index.
    ///
    /// # Errors
    /// When the node is stopping or it takes too long.
    pub async fn checkpoint(&self) -> Result<u64, CheckpointError> {
        self.inner.checkpoint_now().await
    }

    /// The digest of this node's state, with the log index that it shows.
    pub async fn digest(&self) -> (u64, [u8; 32]) {
        self.inner.digest().await
    }

    /// Resolves when Raft or its storage has failed for good, or was stopped; the process must end then.
    pub async fn failed(&self) -> String {
        let mut metrics = self.inner.raft.metrics();
        loop {
            if let Err(fatal) = &metrics.borrow_watched().running_state {
                return fatal.to_string();
            }
            if metrics.changed().await.is_err() {
                return "raft has stopped".to_owned();
            }
        }
    }

    /// Stops Raft and waits for a checkpoint that is being written; what is acknowledged is durable already.
    pub async fn stop(&self) {
        if let Err(error) = self.inner.raft.shutdown().await {
            tracing::warn!(%error, "raft did not stop cleanly");
        }
        self.inner.checkpoints.idle().await;
    }
}

/// Waits until the node has once had all that was acknowledged, as a read does. openraft's own recovery is less: it
/// is about what this node had when it was stopped.
async fn notice_catching_up(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade().filter(|inner| !inner.has_stopped()) {
        if let Ok(state) = inner.abreast(Instant::now() + CATCH_UP_ATTEMPT).await {
            inner.caught_up.store(true, Ordering::Relaxed);
            tracing::info!(applied = state.applied_index, "the node has caught up");
            return;
        }
        drop(inner);
        tokio::time::sleep(CATCH_UP_PAUSE).await;
    }
}

impl Inner {
    /// Whether Raft runs no more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.raft.metrics().borrow_watched().running_state.is_err()
    }

    /// The leader that this node knows.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.server.borrow_watched().current_leader
    }

    /// A client for a member; `None` when it is not one or has an address that cannot be dialled.
    pub(crate) fn peer_client(&self, id: NodeId, traffic: Traffic) -> Option<PeerClient> {
        let server = self.server.borrow_watched();
        let node = server.membership_config.get_node(&id)?;
        match self.peers.client(id, node, traffic) {
            Ok(client) => Some(client),
            Err(error) => {
                tracing::warn!(%id, %error, "a member cannot be dialled");
                None
            }
        }
    }
}

/// What a replica keeps on disk.
pub(crate) struct Stores {
    pub(crate) dir: DataDir,
    pub(crate) log: Arc<dyn LogStore>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) loaded: Option<(Head, State)>,
}

impl Stores {
    pub(crate) fn open(
        data_dir: &Path,
        cluster: ClusterId,
        node: NodeId,
        barrier: Arc<Barrier>,
        log: LogOptions,
    ) -> Result<Self, StartError> {
        std::fs::create_dir_all(data_dir)?;
        let claim = Claim::check(data_dir, cluster, node)?;
        let log = SegmentLog::open_with(&data_dir.join("log"), cluster, node, log).map_err(StartError::Log)?;
        let (state, loaded) = SledStateStore::open(&data_dir.join("state"), barrier).map_err(StartError::State)?;
        let loaded = loaded.map(|loaded| (loaded.head, loaded.state));
        let known = log.state();
        let holds_data = loaded.is_some() || known.vote.is_some() || known.last.is_some();
        Ok(Self { dir: claim.settle(holds_data)?, log: Arc::new(log), state: Arc::new(state), loaded })
    }
}
