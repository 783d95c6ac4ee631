//! Clusters in one process: real logs and checkpoints, mTLS, and links that can be cut.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use net::pki::{CertificateAuthority, Issued};
use net::tls::PeerDialer;
use net::{ListenerLimits, ServeHandle};
use state::{Bootstrap, Command, CreateSecret, PutResourcePolicy, Secret, State};
use storage::Barrier;
use storage::log::LogOptions;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use types::{
    AccessKeyId, AccountId, ClusterId, KeyId, Namespace, NodeId, Principal, ProposalId, Region, SecretArn, SecretName,
    Timestamp, VersionId,
};

use crate::raft_types::Config;
use crate::replica::Tuning;
use crate::{
    Clock, Custody, Member, Proposal, ProposeError, Receipt, Replica, ReplicaConfig, Role, StartError, Timing,
};

pub(super) const CLUSTER: ClusterId = ClusterId([7; 16]);
/// For everything that must come to pass; a limit, not an expectation.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

type Metrics = openraft::RaftMetrics<Config>;

/// The system's clock, so many days ahead.
#[derive(Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
        Timestamp::from_millis(now).plus_days(self.0.load(Ordering::Relaxed).try_into().unwrap())
    }
}

/// Counts what it is asked for.
#[derive(Default)]
pub(super) struct TestCustody {
    /// The revisions of the keyrings that were kept, in order.
    pub(super) kept: Mutex<Vec<u64>>,
    pub(super) is_sealed: AtomicBool,
    pub(super) gives_terms: AtomicBool,
    /// Transfers that may still be made.
    pub(super) transfers: AtomicU64,
}

impl Custody for TestCustody {
    fn keep(&self, keyring: &state::Keyring) -> io::Result<()> {
        self.kept.lock().unwrap().push(keyring.revision);
        Ok(())
    }

    fn seal(&self) -> io::Result<()> {
        self.is_sealed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn gives_terms(&self) -> bool {
        self.gives_terms.load(Ordering::Relaxed)
    }

    fn record_transfer(&self, _to: NodeId, _address: SocketAddr) -> io::Result<bool> {
        let counted = self.transfers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        Ok(counted.is_ok())
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + LIMIT
}

/// The way from one node to another: a proxy that can be cut.
struct Link {
    address: SocketAddr,
    open: watch::Sender<bool>,
    target: watch::Sender<Option<SocketAddr>>,
    _proxy: DropGuard,
}

impl Link {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, target, stop) = (watch::Sender::new(true), watch::Sender::new(None), CancellationToken::new());
        let proxy = Self::run(listener, open.clone(), target.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(proxy));
        Self { address, open, target, _proxy: stop.drop_guard() }
    }

    async fn run(listener: TcpListener, open: watch::Sender<bool>, target: watch::Sender<Option<SocketAddr>>) {
        while let Ok((mut near, _)) = listener.accept().await {
            let (mut open, target) = (open.subscribe(), *target.borrow());
            tokio::spawn(async move {
                let carried = async {
                    let Ok(mut far) = TcpStream::connect(target?).await else { return None };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    copy_bidirectional(&mut near, &mut far).await.ok()
                };
                tokio::select! {
                    _ = carried => {}
                    _ = open.wait_for(|open| !open) => {}
                }
            });
        }
    }
}

struct Node {
    replica: Replica,
    stop: CancellationToken,
    serving: ServeHandle,
}

pub(super) struct Cluster {
    dir: TempDir,
    pub(super) authority: CertificateAuthority,
    pub(super) barrier: Arc<Barrier>,
    timing: Timing,
    tuning: Tuning,
    links: HashMap<(u64, u64), Link>,
    clocks: BTreeMap<u64, Arc<TestClock>>,
    pub(super) custody: BTreeMap<u64, Arc<TestCustody>>,
    nodes: BTreeMap<u64, Node>,
}

impl Cluster {
    /// A cluster of three nodes with a leader.
    pub(super) async fn start() -> Self {
        Self::start_with(Timing::default(), Tuning::default()).await
    }

    pub(super) async fn start_with(timing: Timing, tuning: Tuning) -> Self {
        let cluster = Self::start_empty(timing, tuning).await;
        cluster.bootstrap().await;
        cluster
    }

    /// The same before anybody is known to it.
    pub(super) async fn start_empty(timing: Timing, mut tuning: Tuning) -> Self {
        tuning.log = LogOptions { segment_bytes: 4 << 20, ..tuning.log };
        let mut cluster = Self {
            dir: tempfile::tempdir().unwrap(),
            authority: CertificateAuthority::create("node CA", SystemTime::now()).unwrap(),
            barrier: Arc::new(Barrier::ephemeral(CLUSTER)),
            timing,
            tuning,
            links: HashMap::new(),
            clocks: (1..=4).map(|id| (id, Arc::default())).collect(),
            custody: (1..=4).map(|id| (id, Arc::default())).collect(),
            nodes: BTreeMap::new(),
        };
        // The fourth node is for tests that add one.
        for (from, to) in (1..=4).flat_map(|from| (1..=4).map(move |to| (from, to))).filter(|(from, to)| from != to) {
            cluster.links.insert((from, to), Link::start().await);
        }
        for id in 1..=3 {
            Box::pin(cluster.start_node(id)).await;
        }
        let first = cluster.node(1);
        first.initialize(member(1)).await.unwrap();
        wait(&first, "a leader", |m| m.current_leader == Some(NodeId(1))).await;
        for id in 2..=3 {
            first.add_node(NodeId(id), member(id)).await.unwrap();
        }
        for node in cluster.all() {
            wait(&node, "all voters", |m| m.membership_config.voter_ids().count() == 3).await;
        }
        cluster
    }

    /// Makes the root principal and the keys.
    pub(super) async fn bootstrap(&self) {
        self.propose_on(1, proposal(0, Command::Bootstrap(bootstrap()))).await.unwrap();
    }

    /// From now on a node gets entries and does not apply them, or it does again.
    pub(super) fn hold_state(&self, id: u64, held: bool) {
        self.node(id).inner.publisher.held.send_replace(held);
    }

    pub(super) fn node(&self, id: u64) -> Replica {
        self.nodes[&id].replica.clone()
    }

    pub(super) fn all(&self) -> Vec<Replica> {
        self.nodes.values().map(|node| node.replica.clone()).collect()
    }

    /// The nodes that run, the leader first.
    pub(super) async fn leader_and_followers(&self) -> (u64, Vec<u64>) {
        let any = self.nodes.values().next().unwrap().replica.clone();
        loop {
            let metrics = wait(&any, "a leader", |m| m.current_leader.is_some()).await;
            let leader = metrics.current_leader.unwrap().0;
            let running = self.nodes.get(&leader).map(|node| node.replica.status().role);
            if running == Some(Role::Leader) {
                return (leader, self.nodes.keys().copied().filter(|id| *id != leader).collect());
            }
            wait(&any, "another leader", |m| m.current_leader != Some(NodeId(leader))).await;
        }
    }

    pub(super) async fn start_node(&mut self, id: u64) {
        let Issued { certificate, key } = self.issue(CLUSTER, id);
        let (node_ca, _) = self.authority.to_pem();
        let tls = net::tls::peer_server_config(node_ca, &certificate, &key, CLUSTER).unwrap();
        let replica = self.try_start(id).await.unwrap_or_else(|error| panic!("node {id}: {error:?}"));
        let app = tonic::service::Routes::new(replica.peer_service().into_server()).into_axum_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for ((_, to), link) in &self.links {
            if *to == id {
                link.target.send_replace(Some(listener.local_addr().unwrap()));
            }
        }
        let stop = CancellationToken::new();
        let limits = ListenerLimits { drain_timeout: Duration::from_millis(100), ..ListenerLimits::peer() };
        let serving = net::serve(listener, Arc::new(tls), app, limits, stop.clone());
        self.nodes.insert(id, Node { replica, stop, serving });
    }

    pub(super) async fn try_start(&self, id: u64) -> Result<Replica, StartError> {
        loop {
            let config = ReplicaConfig {
                dial: self.dial(id),
                timing: self.timing,
                clock: self.clocks[&id].clone(),
                custody: self.custody[&id].clone(),
                ..config(id, self.data_dir(id), self.barrier.clone(), &self.authority)
            };
            match Box::pin(Replica::start(config, self.tuning)).await {
                // The tasks of its life before end one after the other; the last one unlocks the log.
                Err(
                    StartError::Log(storage::log::LogError::Locked(_))
                    | StartError::State(storage::StateStoreError::Locked(_)),
                ) => tokio::task::yield_now().await,
                started => return started,
            }
        }
    }

    pub(super) async fn stop_node(&mut self, id: u64) {
        let Node { replica, stop, serving } = self.nodes.remove(&id).unwrap();
        for ((_, to), link) in &self.links {
            if *to == id {
                link.target.send_replace(None);
            }
        }
        replica.stop().await;
        stop.cancel();
        serving.stopped().await.unwrap();
    }

    /// Sets a node's clock.
    pub(super) fn set_days_ahead(&self, id: u64, days: u64) {
        self.clocks[&id].0.store(days, Ordering::Relaxed);
    }

    /// Cuts a node off from all others, in both directions, or connects it again.
    pub(super) fn isolate(&self, id: u64, isolated: bool) {
        for ((from, to), link) in &self.links {
            if *from == id || *to == id {
                link.open.send_replace(!isolated);
            }
        }
    }

    pub(super) fn data_dir(&self, id: u64) -> PathBuf {
        self.dir.path().join(id.to_string())
    }

    pub(super) fn issue(&self, cluster: ClusterId, id: u64) -> Issued {
        self.authority.issue_node(cluster, NodeId(id), &[], SystemTime::now()).unwrap()
    }

    /// The address at which a link to `to` is dialled.
    pub(super) fn address_of(&self, to: u64) -> String {
        let (_, link) = self.links.iter().find(|((_, target), _)| *target == to).unwrap();
        link.address.to_string()
    }

    fn dial(&self, from: u64) -> BTreeMap<NodeId, String> {
        let links = self.links.iter().filter(|((source, _), _)| *source == from);
        links.map(|((_, to), link)| (NodeId(*to), link.address.to_string())).collect()
    }

    pub(super) async fn propose_on(&self, id: u64, proposal: Proposal) -> Result<Receipt, ProposeError> {
        self.node(id).propose(proposal, soon()).await
    }

    /// Writes a new secret through a node and waits for its acknowledgement.
    pub(super) async fn write(&self, id: u64, name: &str) -> Receipt {
        let receipt = self.propose_on(id, create(name)).await.unwrap();
        assert!(receipt.outcome.is_ok(), "{name}: {:?}", receipt.outcome);
        receipt
    }

    /// Whether a linearizable read on a node sees a secret.
    pub(super) async fn sees(&self, id: u64, name: &str) -> bool {
        has(&self.node(id).read_barrier(soon()).await.unwrap().state, name)
    }

    /// Waits until all nodes that run have applied the same, and holds their states against each other.
    pub(super) async fn converge(&self) {
        let (leader, _) = self.leader_and_followers().await;
        let applied = self.node(leader).read_barrier(soon()).await.unwrap().applied_index;
        let deadline = soon();
        loop {
            let mut digests = Vec::new();
            for node in self.all() {
                wait(&node, "everything applied", |m| m.last_applied.is_some_and(|id| id.index >= applied)).await;
                digests.push(node.digest().await);
            }
            // The leader may have had something of its own to propose meanwhile.
            if digests.windows(2).all(|pair| pair[0].0 == pair[1].0) {
                assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
                return;
            }
            assert!(Instant::now() < deadline, "{digests:?}");
            tokio::task::yield_now().await;
        }
    }
}

/// The configuration of a node without peers.
pub(super) fn config(
    id: u64,
    data_dir: PathBuf,
    barrier: Arc<Barrier>,
    authority: &CertificateAuthority,
) -> ReplicaConfig {
    let Issued { certificate, key } = authority.issue_node(CLUSTER, NodeId(id), &[], SystemTime::now()).unwrap();
    ReplicaConfig {
        cluster: CLUSTER,
        node: NodeId(id),
        data_dir,
        dial: BTreeMap::new(),
        timing: Timing::default(),
        barrier,
        dialer: PeerDialer::new(authority.to_pem().0, &certificate, &key, CLUSTER).unwrap(),
        clock: Arc::new(TestClock::default()),
        custody: Arc::new(TestCustody::default()),
        version: "test",
    }
}

pub(super) async fn wait(replica: &Replica, what: &str, reached: impl Fn(&Metrics) -> bool + Send) -> Metrics {
    replica.inner.raft.wait(Some(LIMIT)).metrics(reached, what).await.unwrap()
}

/// The membership's addresses are replaced by those of the links.
pub(super) fn member(id: u64) -> Member {
    Member { peer_address: format!("node-{id}.invalid:1"), client_address: format!("node-{id}.invalid:2") }
}

pub(super) fn namespace() -> Namespace {
    Namespace { account: account(), region: Region::parse("us-east-1").unwrap() }
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

pub(super) fn find<'a>(state: &'a State, name: &str) -> Option<&'a Arc<Secret>> {
    state.secret_named(&namespace(), &SecretName::parse(name).unwrap())
}

pub(super) fn has(state: &State, name: &str) -> bool {
    find(state, name).is_some()
}

/// A proposal with an id of its own.
pub(super) fn create(name: &str) -> Proposal {
    let name = SecretName::parse(name).unwrap();
    proposal(
        next_number(),
        Command::CreateSecret(CreateSecret {
            add_replicas: state::AddReplicas::default(),
            namespace: namespace(),
            arn: SecretArn::new(&namespace(), &name, "AbCdEf"),
            name,
            token: VersionId::parse("00000000-0000-0000-0000-000000000000").unwrap(),
            description: None,
            kms_key_id: None,
            tags: Vec::new(),
            value: None,
        }),
    )
}

/// As [`create`], for a policy of a secret that is there.
pub(super) fn put_policy(name: &str, policy: &str, decided_at: u64) -> Proposal {
    let target = SecretArn::new(&namespace(), &SecretName::parse(name).unwrap(), "AbCdEf");
    let command = Command::PutResourcePolicy(PutResourcePolicy { target, policy: policy.into() });
    Proposal { decided_at, ..proposal(next_number(), command) }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn proposal(number: u64, command: Command) -> Proposal {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Proposal { id: ProposalId(id), principal: Principal::System, decided_at: 0, command }
}

pub(super) fn bootstrap() -> Bootstrap {
    Bootstrap {
        account: account(),
        access_key_id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
        access_key_secret: [1; 40][..].into(),
        root_certificate_uri: "spiffe://corp/root".into(),
        idempotency_key: [2; 40][..].into(),
        default_key: KeyId([3; 16]),
        default_key_material: [4; 40][..].into(),
    }
}
