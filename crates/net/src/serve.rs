//! The accept loop of both ports.
//!
//! Every wait has a bound, so that a client which opens connections and says nothing costs at most its slot for a
//! while:
//!
//! * the TLS handshake: [`ListenerLimits::handshake_timeout`];
//! * from the handshake to the first request: [`ListenerLimits::header_timeout`], on HTTP/1 and HTTP/2;
//! * the headers of each HTTP/1 request, which is also how long an idle HTTP/1 connection is kept between two
//!   requests: [`ListenerLimits::header_timeout`];
//! * an HTTP/2 connection that has brought a request stays open as long as its client answers pings:
//!   [`ListenerLimits::keep_alive_interval`] and [`ListenerLimits::keep_alive_timeout`].
//!
//! Bodies are bounded by the fronts, in bytes and time. A panic in a handler ends its connection on HTTP/1 and its
//! stream on HTTP/2, and nothing else.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service;
use types::limits;

use crate::identity::{ClientIdentity, IdentityError, PeerIdentity};
use crate::tls::{Port, ServerTls};

/// Pause after an accept that failed for want of resources, such as file descriptors.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Smallest buffer that hyper takes for the headers of an HTTP/1 request.
const MIN_HEADER_BYTES: usize = 8_192;

/// What a request can know of its connection; found in the extensions of every request.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// The other end of the socket.
    pub peer_addr: SocketAddr,
    /// The node that a certificate on the peer port names; always present there, never on the client port.
    pub peer_identity: Option<PeerIdentity>,
    /// The client that a certificate on the client port names, if it gave one.
    pub client_identity: Option<ClientIdentity>,
    /// The verified certificate that named either.
    pub leaf: Option<Arc<CertificateDer<'static>>>,
}

/// The bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// Connections at once; one more is accepted and dropped.
    pub connections: usize,
    /// Time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// Time for the first request of a connection, and for the headers of each HTTP/1 request.
    pub header_timeout: Duration,
    /// Bytes of the headers of a request; at least 8 KiB on HTTP/1.
    pub header_bytes: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// HTTP/2 streams that a client has reset before they were looked at; above it the connection ends.
    pub pending_resets: usize,
    /// Bytes that one HTTP/2 stream, or one connection, may send ahead of what its handler has read.
    pub window_bytes: u32,
    /// Pause between pings on an HTTP/2 connection.
    pub keep_alive_interval: Duration,
    /// Time for the answer to a ping.
    pub keep_alive_timeout: Duration,
    /// Time for requests under way after the shutdown began.
    pub drain_timeout: Duration,
}

impl ListenerLimits {
    /// The bounds of the client port.
    pub const fn client() -> Self {
        Self {
            connections: limits::CLIENT_CONNECTIONS,
            handshake_timeout: limits::TLS_HANDSHAKE_TIMEOUT,
            header_timeout: limits::HEADER_TIMEOUT,
            header_bytes: limits::REQUEST_HEADER_BYTES,
            streams: limits::STREAMS_PER_CONNECTION,
            pending_resets: 64,
            window_bytes: 1 << 20,
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(10),
            drain_timeout: limits::DRAIN_TIMEOUT,
        }
    }

    /// The bounds of the peer port.
    pub const fn peer() -> Self {
        Self {
            connections: limits::PEER_CONNECTIONS,
            // The forwarded requests of a whole node come over one connection, and when this node was stopped for
            // a while their timeouts reset all of them at once.
            streams: 16 << 10,
            pending_resets: 16 << 10,
            window_bytes: 8 << 20,
            keep_alive_interval: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_secs(5),
            ..Self::client()
        }
    }
}

/// Counters of one listener, for metrics.
#[derive(Debug)]
pub struct ListenerStats {
    slots: Arc<Semaphore>,
    connections: usize,
    refused: AtomicU64,
    failed_handshakes: AtomicU64,
}

impl ListenerStats {
    /// Connections that are open now, handshakes included.
    pub fn connections(&self) -> usize {
        self.connections.saturating_sub(self.slots.available_permits())
    }

    /// Connections that were dropped because the listener was full, since its start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Connections whose TLS handshake failed or took too long, since the listener's start.
    pub fn failed_handshakes(&self) -> u64 {
        self.failed_handshakes.load(Ordering::Relaxed)
    }
}

/// A listener that serves. Dropping it leaves the listener running; its shutdown token stops it.
#[derive(Debug)]
pub struct ServeHandle {
    stats: Arc<ListenerStats>,
    task: JoinHandle<()>,
}

impl ServeHandle {
    /// The listener's counters.
    pub fn stats(&self) -> &Arc<ListenerStats> {
        &self.stats
    }

    /// Waits until the listener was shut down and its connections have ended or were cut off.
    ///
    /// # Errors
    /// [`JoinError`] when the accept loop panicked or the runtime ended.
    pub async fn stopped(self) -> Result<(), JoinError> {
        self.task.await
    }
}

/// Serves `app` on `listener` until `shutdown` is cancelled. Must be called inside a tokio runtime.
///
/// Every request carries a [`ConnectionInfo`] among its extensions. At shutdown the socket is closed at once, open
/// connections take no new requests, and those that remain after [`ListenerLimits::drain_timeout`] are cut off.
pub fn serve(
    listener: TcpListener,
    tls: Arc<ServerTls>,
    app: Router,
    limits: ListenerLimits,
    shutdown: CancellationToken,
) -> ServeHandle {
    let stats = Arc::new(ListenerStats {
        slots: Arc::new(Semaphore::new(limits.connections)),
        connections: limits.connections,
        refused: AtomicU64::new(0),
        failed_handshakes: AtomicU64::new(0),
    });
    let acceptor = TlsAcceptor::from(tls.config().clone());
    let port =
        Listener { acceptor, port: tls.port(), app, http: http(&limits), limits, stats: stats.clone(), shutdown };
    ServeHandle { stats, task: tokio::spawn(accept(listener, Arc::new(port))) }
}

struct Listener {
    acceptor: TlsAcceptor,
    port: Port,
    app: Router,
    http: auto::Builder<TokioExecutor>,
    limits: ListenerLimits,
    stats: Arc<ListenerStats>,
    shutdown: CancellationToken,
}

async fn accept(socket: TcpListener, listener: Arc<Listener>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = listener.shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => {
                log_panic(ended);
                continue;
            }
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer_addr)) => match listener.stats.slots.clone().try_acquire_owned() {
                Ok(slot) => {
                    connections.spawn(listener.clone().connection(stream, peer_addr, slot));
                }
                Err(_) => {
                    listener.stats.refused.fetch_add(1, Ordering::Relaxed);
                }
            },
            Err(error) if concerns_one_connection(&error) => tracing::debug!(%error, "connection lost in accept"),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_RETRY_PAUSE).await;
            }
        }
    }
    drop(socket);

    let drained = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    if timeout(listener.limits.drain_timeout, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections cut off at shutdown");
        connections.shutdown().await;
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn log_panic(ended: Result<(), JoinError>) {
    // The panic's payload may quote a request.
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a handler panicked, its connection is closed");
    }
}

impl Listener {
    async fn connection(self: Arc<Self>, stream: TcpStream, peer_addr: SocketAddr, _slot: OwnedSemaphorePermit) {
        let handshake = timeout(self.limits.handshake_timeout, self.handshake(stream, peer_addr));
        let handshake = tokio::select! {
            () = self.shutdown.cancelled() => return,
            handshake = handshake => handshake,
        };
        match handshake.map_err(HandshakeError::from).flatten() {
            Ok((stream, info)) => self.requests(stream, info).await,
            Err(error) => {
                self.stats.failed_handshakes.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%peer_addr, %error, "TLS handshake failed");
            }
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        peer_addr: SocketAddr,
    ) -> Result<(TlsStream<TcpStream>, ConnectionInfo), HandshakeError> {
        stream.set_nodelay(true)?;
        let stream = self.acceptor.accept(stream).await?;
        let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned().map(Arc::new);
        let mut info = ConnectionInfo { peer_addr, peer_identity: None, client_identity: None, leaf: leaf.clone() };
        match (self.port, leaf) {
            (Port::Peer(_), Some(leaf)) => info.peer_identity = Some(PeerIdentity::from_certificate(&leaf)?),
            (Port::Client, Some(leaf)) => info.client_identity = Some(ClientIdentity::from_certificate(&leaf)?),
            (Port::Peer(_), None) => return Err(HandshakeError::Anonymous),
            (Port::Client, None) => {}
        }
        Ok((stream, info))
    }

    async fn requests(&self, stream: TlsStream<TcpStream>, info: ConnectionInfo) {
        let peer_addr = info.peer_addr;
        let asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (app, asked) = (self.app.clone(), asked.clone());
            move |mut request: Request<Incoming>| -> <Router as Service<Request<Incoming>>>::Future {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(info.clone());
                app.clone().call(request)
            }
        });
        let silent = async {
            sleep(self.limits.header_timeout).await;
            if asked.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };

        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Ok(ended),
            () = self.shutdown.cancelled() => Err(()),
            () = silent => Err(()),
        };
        let ended = match ended {
            Ok(ended) => Ok(ended),
            Err(()) => {
                connection.as_mut().graceful_shutdown();
                // A client that stopped in the middle of the HTTP/2 preface would never end by itself.
                timeout(self.limits.drain_timeout, connection).await
            }
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%peer_addr, %error, "connection ended"),
            Err(_) => tracing::debug!(%peer_addr, "connection cut off"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("no certificate on the peer port")]
    Anonymous,
    #[error("it took too long")]
    Timeout(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

fn http(limits: &ListenerLimits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes.max(MIN_HEADER_BYTES));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.pending_resets)
        .initial_stream_window_size(limits.window_bytes)
        .initial_connection_window_size(limits.window_bytes)
        .keep_alive_interval(limits.keep_alive_interval)
        .keep_alive_timeout(limits.keep_alive_timeout);
    http
}
