//! `conclave server`: one node, put together.
//!
//! The order is the contract: sockets are bound, so that a second server fails at once; the keyring is unsealed;
//! the replica opens log and state; then both ports listen. A node that waits for a quorum listens already and
//! answers that it cannot serve. So does one that cannot be unsealed, see [`sealed`], without replica.
//!
//! A node that is told to seal itself stops in the order of every stop, and then replaces its program by a new one: no
//! page of the memory that had keys in it is left.

mod bootstrap;
mod custody;
mod damage;
mod expelled;
mod health;
mod metrics;
mod peers_file;
pub(crate) mod providers;
mod sealed;
mod shutdown;
mod transfers;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use consensus::{Member, Replica, ReplicaConfig};
use http::header::CONTENT_TYPE;
use net::pki::PrivateKeyPem;
use net::tls::{PeerDialer, ServerTls};
use net::{ListenerLimits, ServeHandle};
use service::{Service, TracingRecorder};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;
use types::Timestamp;
use zeroize::Zeroizing;

use crate::cli::ServerArgs;
use crate::config::{Config, LogFormat};
use crate::failure::Usage;
use crate::files::{self, read_text};
use crate::harden;

use self::custody::Custody;
use self::expelled::refused;

/// Connections that the system holds for us before they are accepted.
const LISTEN_BACKLOG: u32 = 1_024;

/// The clock of the machine.
struct SystemClock;

impl consensus::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Runs a node until a signal or a fatal error ends it.
///
/// # Errors
/// A configuration that is wrong, what kept the node from starting, or what ended it.
pub(crate) fn run(args: &ServerArgs) -> anyhow::Result<()> {
    let config = Config::load(&args.config)?;
    if args.check {
        return check(config);
    }
    log_to_stderr(&config)?;
    harden::process();
    let mut runtime = match config.node.worker_threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let runtime = runtime.enable_all().build()?;
    match runtime.block_on(Box::pin(serve(Arc::new(config), args.rejoin)))? {
        End::Stopped => Ok(()),
        End::Sealed => Err(begin_anew()),
    }
}

/// How a node's work has ended.
enum End {
    Stopped,
    /// It goes on as a node that is sealed.
    Sealed,
}

/// Replaces this program by a new one with the same arguments and the same process id. The system gives its memory back,
/// with every copy of a key that libraries may have left in it. Comes back only with the reason why it could not.
fn begin_anew() -> anyhow::Error {
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // `--rejoin` is for one start.
    command.args(arguments.filter(|argument| argument != "--rejoin"));
    anyhow::Error::new(command.exec()).context("the node is sealed and ends, since it could not be started anew")
}

/// Says whether a node could start with this configuration.
fn check(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = Arc::new(config);
    if let Err(why) = runtime.block_on(sealed::first_attempt(&config))? {
        anyhow::bail!("the node stays sealed: {why}");
    }
    Tls::read(&config)?;
    Ok(())
}

async fn serve(config: Arc<Config>, rejoin: bool) -> anyhow::Result<End> {
    let mut client_port = Port::Bound(bind(config.client.listen).context("the client port")?);
    let mut peer_port = Port::Bound(bind(config.peer.listen).context("the peer port")?);
    let tls = Tls::read(&config)?;
    let barrier = match sealed::first_attempt(&config).await? {
        Ok(barrier) => barrier,
        Err(why) => {
            client_port = client_port.listen()?;
            peer_port = peer_port.listen()?;
            match sealed::wait(&config, &tls, (&client_port, &peer_port), why).await? {
                Some(barrier) => barrier,
                None => return Ok(End::Stopped),
            }
        }
    };
    let barrier = Arc::new(barrier);
    let custody = Arc::new(Custody::new(&config, barrier.clone()));
    let clock = Arc::new(SystemClock);
    if rejoin {
        set_aside(&config)?;
    }

    let replica_config = ReplicaConfig {
        cluster: config.cluster.id,
        node: config.node.id,
        data_dir: config.node.data_dir.clone(),
        dial: config.peer.dial.clone(),
        timing: config.raft.timing(),
        barrier: barrier.clone(),
        dialer: tls.dialer,
        clock: clock.clone(),
        custody: custody.clone(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let replica = Box::pin(Replica::start(replica_config, config.storage.tuning())).await;
    let replica = replica.map_err(|error| damage::not_started(error, &config.node.data_dir))?;
    let recorder = Arc::new(TracingRecorder);
    let (regions, limits) = (config.cluster.regions.clone(), config.limits.service());
    let reads = config.reads.relaxed();
    let service =
        Service::new(replica.clone(), barrier.clone(), custody.clone(), regions, clock, recorder, limits, reads);

    let [stopping, stop_clients, stop_peers] = std::array::from_fn(|_| CancellationToken::new());
    let peer_app = tonic::service::Routes::new(replica.peer_service().into_server()).into_axum_router();
    let peers = serve_on(peer_port.into_listener()?, tls.peer, peer_app, ListenerLimits::peer(), &stop_peers)?;
    let clients = serve_on(
        client_port.into_listener()?,
        tls.client,
        client_app(&service, &stopping),
        client_limits(),
        &stop_clients,
    )?;
    tracing::info!(node = %config.node.id, cluster = %config.cluster.id, client = %config.client.listen,
        peer = %config.peer.listen, version = env!("CARGO_PKG_VERSION"), "the node listens");

    let member =
        Member { peer_address: config.peer.advertise.clone(), client_address: config.client.advertise.clone() };
    let started = bootstrap::run(&replica, &barrier, config.cluster.bootstrap_file.as_deref(), member);
    if config.keys.peer_unseal {
        tokio::spawn(peers_file::keep(replica.clone(), config.node.data_dir.clone()));
    }
    let ended = tokio::select! {
        signal = shutdown::signal() => signal.map(|()| End::Stopped),
        () = custody.sealing() => Ok(End::Sealed),
        failure = replica.failed() => Err(anyhow::anyhow!("the node has failed: {failure}")),
        older_copy = replica.older_copy() => Err(older_copy.into()),
        failure = never_unless_failed(started) => Err(failure),
    };
    // In this order: requests under way are served by the next leader; they need the replica, and the streams of
    // peers end with it.
    stopping.cancel();
    // The others are sealed too, so there is nobody to lead.
    if matches!(ended, Ok(End::Stopped)) {
        replica.resign().await;
    }
    stop_serving(&stop_clients, clients).await;
    replica.stop().await;
    stop_serving(&stop_peers, peers).await;
    tracing::info!("the node has stopped");
    ended
}

async fn never_unless_failed(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Error {
    match work.await {
        Ok(()) => std::future::pending().await,
        Err(error) => error,
    }
}

/// A port of the node.
enum Port {
    /// Nobody can connect yet.
    Bound(TcpSocket),
    /// Connections wait to be accepted, over the change from a sealed node to one that serves.
    Listening(std::net::TcpListener),
}

impl Port {
    fn listen(self) -> anyhow::Result<Self> {
        Ok(match self {
            Self::Bound(socket) => Self::Listening(socket.listen(LISTEN_BACKLOG)?.into_std()?),
            listening @ Self::Listening(_) => listening,
        })
    }

    /// A listener beside which this port stays as it is.
    fn listener(&self) -> anyhow::Result<TcpListener> {
        match self {
            Self::Bound(_) => anyhow::bail!("the port does not listen yet"),
            Self::Listening(listener) => Ok(TcpListener::from_std(listener.try_clone()?)?),
        }
    }

    fn into_listener(self) -> anyhow::Result<TcpListener> {
        Ok(match self {
            Self::Bound(socket) => socket.listen(LISTEN_BACKLOG)?,
            Self::Listening(listener) => TcpListener::from_std(listener)?,
        })
    }
}

/// Takes the address without listening yet.
fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a process before this one may still be winding down on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(|| format!("cannot bind {address}"))?;
    Ok(socket)
}

fn serve_on(
    listener: TcpListener,
    tls: Arc<ServerTls>,
    app: Router,
    limits: ListenerLimits,
    stop: &CancellationToken,
) -> anyhow::Result<ServeHandle> {
    Ok(net::serve(listener, tls, app, limits, stop.clone()))
}

fn client_limits() -> ListenerLimits {
    ListenerLimits { connections: harden::client_connections(), ..ListenerLimits::client() }
}

async fn stop_serving(stop: &CancellationToken, listener: ServeHandle) {
    stop.cancel();
    if let Err(error) = listener.stopped().await {
        tracing::warn!(%error, "a listener did not stop cleanly");
    }
}

/// Everything that the client port answers.
fn client_app(service: &Service, stopping: &CancellationToken) -> Router {
    let grpc = grpc::router(service.clone());
    let aws = aws::router(service.clone());
    let replica = service.replica().clone();
    Router::new()
        .route("/healthz", get(health::live).with_state(service.replica().clone()))
        .route("/metrics", get(|| async { metrics::text(false) }))
        .route("/readyz", get(health::ready).with_state((service.clone(), stopping.clone())))
        .fallback(move |request: Request| {
            let is_grpc = is_grpc(&request);
            let expelled = replica.expelled();
            let front = if is_grpc { grpc.clone() } else { aws.clone() };
            async move {
                match expelled {
                    Some(why) => Ok(expelled::refuse(why, is_grpc)),
                    None => front.oneshot(request).await,
                }
            }
        })
}

fn is_grpc(request: &Request) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Makes the data directory one for a new node.
fn set_aside(config: &Config) -> anyhow::Result<()> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    match consensus::set_aside(&config.node.data_dir, config.node.id, &stamp).context("the node cannot rejoin")? {
        Some(aside) => {
            tracing::warn!(aside = %aside.display(), node = %config.node.id, "what the node before had is set aside; \
                this one waits to be added with `conclave cluster add-node`");
        }
        None => tracing::info!("there is nothing to set aside"),
    }
    Ok(())
}

/// The TLS configurations of the node.
struct Tls {
    client: Arc<ServerTls>,
    peer: Arc<ServerTls>,
    dialer: PeerDialer,
}

impl Tls {
    fn read(config: &Config) -> anyhow::Result<Self> {
        let (client, peer) = (&config.client, &config.peer);
        let client_key = read_key(&client.key)?;
        let client_tls = net::tls::client_port_server_config(
            &read_text(&client.client_ca)?,
            &read_text(&client.certificate)?,
            &client_key,
        )
        .context("[client]")?;
        let (node_ca, certificate, key) =
            (read_text(&peer.node_ca)?, read_text(&peer.certificate)?, read_key(&peer.key)?);
        let cluster = config.cluster.id;
        let peer_tls = net::tls::peer_server_config(&node_ca, &certificate, &key, cluster).context("[peer]")?;
        let dialer = PeerDialer::new(&node_ca, &certificate, &key, cluster).context("[peer]")?;
        anyhow::ensure!(
            dialer.node() == config.node.id,
            "[peer] certificate names node {}, and [node] id is {}",
            dialer.node(),
            config.node.id
        );
        Ok(Self { client: Arc::new(client_tls), peer: Arc::new(peer_tls), dialer })
    }
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeyPem> {
    files::must_be_private(path)?;
    let mut text = Zeroizing::new(read_text(path)?);
    Ok(PrivateKeyPem::new(std::mem::take(&mut *text)))
}

fn log_to_stderr(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log.filter)
        .map_err(|error| Usage(format!("[log] filter `{}`: {error}", config.log.filter)))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
