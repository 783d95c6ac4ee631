//! Both ports over real sockets and real TLS: who is served, who is refused, and what each wait costs.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use net::identity::{ClientIdentity, PeerIdentity};
use net::pki::{CertificateAuthority, Issued};
use net::tls::{self, PeerDialer, ServerTls};
use net::{ConnectionInfo, ListenerLimits, ServeHandle, connect, serve};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use types::{ClusterId, NodeId};

const CLUSTER: ClusterId = ClusterId([7; 16]);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

type Anyhow = Box<dyn std::error::Error + Send + Sync>;

/// The two authorities of a cluster.
struct Pki {
    nodes: CertificateAuthority,
    clients: CertificateAuthority,
}

impl Pki {
    fn new() -> Self {
        Self { nodes: authority("nodes"), clients: authority("clients") }
    }

    fn node(&self, id: u64) -> Issued {
        self.nodes.issue_node(CLUSTER, NodeId(id), &hosts(), SystemTime::now()).unwrap()
    }

    fn client(&self) -> Issued {
        self.clients.issue_client("spiffe://corp/billing", "billing", SystemTime::now()).unwrap()
    }

    fn peer_port(&self, id: u64) -> ServerTls {
        let own = self.node(id);
        tls::peer_server_config(self.nodes.to_pem().0, &own.certificate, &own.key, CLUSTER).unwrap()
    }

    fn client_port(&self) -> ServerTls {
        let own = self.clients.issue_server(&hosts(), SystemTime::now()).unwrap();
        tls::client_port_server_config(self.clients.to_pem().0, &own.certificate, &own.key).unwrap()
    }

    fn dialer(&self, own: &Issued) -> PeerDialer {
        PeerDialer::new(self.nodes.to_pem().0, &own.certificate, &own.key, CLUSTER).unwrap()
    }
}

fn authority(name: &str) -> CertificateAuthority {
    // Old enough to have signed certificates that are expired today.
    CertificateAuthority::create(name, SystemTime::now() - 3 * YEAR).unwrap()
}

fn hosts() -> [String; 2] {
    ["localhost".to_owned(), "127.0.0.1".to_owned()]
}

/// Dials `ca`'s servers by host name, with or without a certificate.
fn dial(ca: &CertificateAuthority, own: Option<&Issued>) -> Arc<ClientConfig> {
    tls::client_config(ca.to_pem().0, own.map(|own| (own.certificate.as_str(), &own.key))).unwrap()
}

/// A listener and what its handlers wait for.
struct Server {
    address: SocketAddr,
    handle: ServeHandle,
    shutdown: CancellationToken,
    entered: Arc<Notify>,
    release: Arc<Notify>,
}

async fn start(tls: ServerTls, limits: ListenerLimits) -> Server {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (entered, release) = (entered.clone(), release.clone());
        move || async move {
            entered.notify_one();
            release.notified().await;
            "done"
        }
    };
    let app = Router::new()
        .route("/who", get(who))
        .route("/conclave.test.v1.Echo/Who", post(who))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/wait", get(wait));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let handle = serve(listener, Arc::new(tls), app, limits, shutdown.clone());
    Server { address, handle, shutdown, entered, release }
}

/// Says whom the connection's certificate names.
async fn who(Extension(info): Extension<ConnectionInfo>) -> String {
    assert!(info.peer_addr.ip().is_loopback());
    let names = (info.peer_identity, info.client_identity);
    assert_eq!(info.leaf.is_some(), names.0.is_some() || names.1.is_some());
    match names {
        (Some(PeerIdentity { cluster, node }), None) => format!("node {node} of {cluster}"),
        (None, Some(client)) => format!("client {}", client.uri()),
        (None, None) => "nobody".to_owned(),
        (Some(_), Some(_)) => "both".to_owned(),
    }
}

async fn tls_stream(address: SocketAddr, config: &Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, Anyhow> {
    tls_stream_with(address, config, vec![b"http/1.1".to_vec()]).await
}

async fn tls_stream_with(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    alpn: Vec<Vec<u8>>,
) -> Result<TlsStream<TcpStream>, Anyhow> {
    let mut config = (**config).clone();
    config.alpn_protocols = alpn;
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    Ok(timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, socket)).await??)
}

type Http1 = http1::SendRequest<Empty<Bytes>>;

async fn http1(address: SocketAddr, config: &Arc<ClientConfig>) -> Result<Http1, Anyhow> {
    let stream = tls_stream(address, config).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn ask(sender: &mut Http1, path: &str) -> Result<String, Anyhow> {
    let request = Request::get(path).header("host", "localhost").body(Empty::new()).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await??;
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_11));
    Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
}

async fn ask_once(address: SocketAddr, config: &Arc<ClientConfig>) -> Result<String, Anyhow> {
    ask(&mut http1(address, config).await?, "/who").await
}

async fn call(channel: tonic::transport::Channel) -> Result<String, Anyhow> {
    let request = Request::post("/conclave.test.v1.Echo/Who").body(tonic::body::Body::empty()).unwrap();
    let response = timeout(PATIENCE, channel.oneshot(request)).await??;
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
    Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
}

async fn call_peer(server: &Server, dialer: &PeerDialer, expected: u64) -> Result<String, Anyhow> {
    let config = dialer.config_for(NodeId(expected)).unwrap();
    call(connect::peer_channel(&server.address.to_string(), config).unwrap()).await
}

/// The chain of causes, as a person would read it.
fn causes(error: &Anyhow) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Waits until `holds`, letting the server's tasks run.
async fn eventually(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it never came true");
}

#[tokio::test]
async fn a_node_is_known_by_its_certificate_on_the_peer_port() {
    let pki = Pki::new();
    let server = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let said = call_peer(&server, &pki.dialer(&pki.node(2)), 1).await.unwrap();
    assert_eq!(said, "node 2 of 07070707-0707-0707-0707-070707070707");
}

#[tokio::test]
async fn a_peer_is_dialled_whatever_its_host_name() {
    let pki = Pki::new();
    let own = pki.nodes.issue_node(CLUSTER, NodeId(1), &["elsewhere.example".to_owned()], SystemTime::now()).unwrap();
    let tls = tls::peer_server_config(pki.nodes.to_pem().0, &own.certificate, &own.key, CLUSTER).unwrap();
    let server = start(tls, ListenerLimits::peer()).await;
    call_peer(&server, &pki.dialer(&pki.node(2)), 1).await.unwrap();
}

#[tokio::test]
async fn the_dialler_refuses_another_node_than_it_expects() {
    let pki = Pki::new();
    let server = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let error = call_peer(&server, &pki.dialer(&pki.node(2)), 3).await.unwrap_err();
    assert!(causes(&error).contains("OtherNode"), "{}", causes(&error));
}

#[tokio::test]
async fn the_dialler_refuses_a_node_of_another_cluster_or_authority() {
    let pki = Pki::new();
    let own = pki.node(2);
    let other = ClusterId([8; 16]);
    let issued = pki.nodes.issue_node(other, NodeId(1), &hosts(), SystemTime::now()).unwrap();
    let tls = tls::peer_server_config(pki.nodes.to_pem().0, &issued.certificate, &issued.key, other).unwrap();
    let server = start(tls, ListenerLimits::peer()).await;
    let error = call_peer(&server, &pki.dialer(&own), 1).await.unwrap_err();
    assert!(causes(&error).contains("OtherCluster"), "{}", causes(&error));

    let strangers = Pki::new();
    let server = start(strangers.peer_port(1), ListenerLimits::peer()).await;
    let error = call_peer(&server, &pki.dialer(&own), 1).await.unwrap_err();
    assert!(causes(&error).contains("invalid peer certificate"), "{}", causes(&error));
}

#[tokio::test]
async fn the_dialler_refuses_an_expired_node() {
    let pki = Pki::new();
    let old = pki.nodes.issue_node(CLUSTER, NodeId(1), &hosts(), SystemTime::now() - 2 * YEAR).unwrap();
    let tls = tls::peer_server_config(pki.nodes.to_pem().0, &old.certificate, &old.key, CLUSTER).unwrap();
    let server = start(tls, ListenerLimits::peer()).await;
    let error = call_peer(&server, &pki.dialer(&pki.node(2)), 1).await.unwrap_err();
    assert!(causes(&error).contains("expired"), "{}", causes(&error));
}

#[tokio::test]
async fn the_peer_port_serves_nobody_but_nodes_of_its_cluster() {
    let pki = Pki::new();
    let server = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let stats = server.handle.stats().clone();

    let now = SystemTime::now();
    let nodes = &pki.nodes;
    let refused = [
        ("no certificate", None),
        ("a client", Some(pki.client())),
        ("a node of another authority", Some(Pki::new().node(2))),
        ("a node of another cluster", Some(nodes.issue_node(ClusterId([8; 16]), NodeId(2), &[], now).unwrap())),
        ("a client signed by the node CA", Some(nodes.issue_client("spiffe://corp/x", "x", now).unwrap())),
        ("a server signed by the node CA", Some(nodes.issue_server(&hosts(), now).unwrap())),
        ("an expired node", Some(nodes.issue_node(CLUSTER, NodeId(2), &[], now - 2 * YEAR).unwrap())),
        ("a node of next year", Some(nodes.issue_node(CLUSTER, NodeId(2), &[], now + YEAR).unwrap())),
    ];
    for (count, (what, certificate)) in (1..).zip(&refused) {
        let mut config = (*dial(nodes, certificate.as_ref())).clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let channel = connect::client_channel(&format!("localhost:{}", server.address.port()), Arc::new(config));
        call(channel.unwrap()).await.expect_err(what);
        eventually(|| stats.failed_handshakes() >= count).await;
    }
    // The same dialler with a node's certificate is served: it is the certificate that was refused.
    let channel = connect::client_channel(&server.address.to_string(), dial(nodes, Some(&pki.node(2)))).unwrap();
    assert_eq!(call(channel).await.unwrap(), "node 2 of 07070707-0707-0707-0707-070707070707");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_as_nobody() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let config = dial(&pki.clients, None);
    assert_eq!(ask_once(server.address, &config).await.unwrap(), "nobody");
    // A second connection resumes the first one's session.
    assert_eq!(ask_once(server.address, &config).await.unwrap(), "nobody");
}

#[tokio::test]
async fn a_client_is_known_by_its_certificate_on_both_protocols() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let account = "123456789012".parse().unwrap();
    let root = ClientIdentity::root(CLUSTER, account);
    let own = pki.clients.issue_client(root.uri(), "root", SystemTime::now()).unwrap();
    let config = dial(&pki.clients, Some(&own));
    let expected = format!("client conclave://{CLUSTER}/account/123456789012/root");
    assert_eq!(ask_once(server.address, &config).await.unwrap(), expected);
    assert_eq!(ask_once(server.address, &config).await.unwrap(), expected);
    let channel = connect::client_channel(&format!("localhost:{}", server.address.port()), config).unwrap();
    assert_eq!(call(channel.clone()).await.unwrap(), expected);
    assert_eq!(call(channel).await.unwrap(), expected);
}

#[tokio::test]
async fn the_client_port_refuses_a_certificate_that_is_not_a_clients() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let stats = server.handle.stats().clone();
    let now = SystemTime::now();
    let clients = &pki.clients;
    let refused = [
        ("a node", pki.node(2)),
        ("a client of another authority", Pki::new().client()),
        ("a server", clients.issue_server(&hosts(), now).unwrap()),
        ("a node signed by the client CA", clients.issue_node(CLUSTER, NodeId(2), &[], now).unwrap()),
        ("an expired client", clients.issue_client("spiffe://corp/x", "x", now - 2 * YEAR).unwrap()),
    ];
    for (count, (what, certificate)) in (1..).zip(&refused) {
        ask_once(server.address, &dial(clients, Some(certificate))).await.expect_err(what);
        eventually(|| stats.failed_handshakes() >= count).await;
    }
    assert_eq!(stats.failed_handshakes(), 5);
    assert_eq!(
        ask_once(server.address, &dial(clients, Some(&pki.client()))).await.unwrap(),
        "client spiffe://corp/billing"
    );
}

#[tokio::test]
async fn a_client_refuses_a_server_of_another_name_or_authority() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    ask_once(server.address, &dial(&Pki::new().clients, None)).await.unwrap_err();

    let own = pki.clients.issue_server(&["elsewhere.example".to_owned()], SystemTime::now()).unwrap();
    let tls = tls::client_port_server_config(pki.clients.to_pem().0, &own.certificate, &own.key).unwrap();
    let server = start(tls, ListenerLimits::client()).await;
    ask_once(server.address, &dial(&pki.clients, None)).await.unwrap_err();
}

#[tokio::test]
async fn only_the_client_port_speaks_older_tls() {
    let pki = Pki::new();
    let own = pki.node(2);
    let old = |config: Arc<ClientConfig>, ca: &CertificateAuthority, own: Option<&Issued>| {
        let provider = config.crypto_provider().clone();
        let mut roots = rustls::RootCertStore::empty();
        let pem = |text: &str| rustls::pki_types::pem::PemObject::from_pem_slice(text.as_bytes()).unwrap();
        roots.add(pem(ca.to_pem().0)).unwrap();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match own {
            Some(own) => {
                let key = rustls::pki_types::pem::PemObject::from_pem_slice(own.key.expose_secret().as_bytes());
                builder.with_client_auth_cert(vec![pem(&own.certificate)], key.unwrap()).unwrap()
            }
            None => builder.with_no_client_auth(),
        })
    };
    let client_port = start(pki.client_port(), ListenerLimits::client()).await;
    let config = old(dial(&pki.clients, None), &pki.clients, None);
    assert_eq!(ask_once(client_port.address, &config).await.unwrap(), "nobody");

    let peer_port = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let config = old(dial(&pki.nodes, None), &pki.nodes, Some(&own));
    let error = ask_once(peer_port.address, &config).await.unwrap_err();
    assert!(causes(&error).contains("ProtocolVersion"), "{}", causes(&error));
}

#[tokio::test]
async fn peers_are_verified_on_each_connection() {
    async fn second_handshake(server: &Server, config: &Arc<ClientConfig>) -> rustls::HandshakeKind {
        let mut kind = None;
        for _ in 0..2 {
            let stream = tls_stream_with(server.address, config, Vec::new()).await.unwrap();
            kind = stream.get_ref().1.handshake_kind();
            // The answer comes after the session tickets, if there are any.
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            ask(&mut sender, "/who").await.unwrap();
        }
        kind.unwrap()
    }
    let pki = Pki::new();
    let client_port = start(pki.client_port(), ListenerLimits::client()).await;
    let kind = second_handshake(&client_port, &dial(&pki.clients, Some(&pki.client()))).await;
    assert_eq!(kind, rustls::HandshakeKind::Resumed);

    // Also for a dialler that would resume.
    let peer_port = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let kind = second_handshake(&peer_port, &dial(&pki.nodes, Some(&pki.node(2)))).await;
    assert_ne!(kind, rustls::HandshakeKind::Resumed);
}

#[tokio::test]
async fn connections_above_the_bound_are_dropped_until_one_ends() {
    const BOUND: usize = 10;
    let pki = Pki::new();
    let limits = ListenerLimits { connections: BOUND, ..ListenerLimits::client() };
    let server = start(pki.client_port(), limits).await;
    let stats = server.handle.stats().clone();
    let config = dial(&pki.clients, None);

    let mut held = Vec::new();
    for _ in 0..BOUND {
        let mut sender = http1(server.address, &config).await.unwrap();
        ask(&mut sender, "/who").await.unwrap();
        held.push(sender);
    }
    assert_eq!((stats.connections(), stats.refused()), (BOUND, 0));

    for _ in 0..50 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        // Closed or reset, but not served and not kept.
        let read = timeout(PATIENCE, socket.read(&mut [0; 1])).await.expect("it was kept open");
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    assert_eq!((stats.connections(), stats.refused()), (BOUND, 50));

    held.pop();
    eventually(|| stats.connections() < BOUND).await;
    assert_eq!(ask_once(server.address, &config).await.unwrap(), "nobody");
    for sender in &mut held {
        assert_eq!(ask(sender, "/who").await.unwrap(), "nobody");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_of_it_is_cut_off() {
    let pki = Pki::new();
    let brief = Duration::from_millis(150);
    let limits = ListenerLimits { header_timeout: brief, drain_timeout: brief, ..ListenerLimits::client() };
    let server = start(pki.client_port(), limits).await;
    let stats = server.handle.stats().clone();
    let config = dial(&pki.clients, None);

    let silences: [&[u8]; 6] =
        [b"", b"G", b"GET /who HTTP/1.1\r\nhost: local", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n"];
    for half in silences {
        let mut stream = tls_stream(server.address, &config).await.unwrap();
        stream.write_all(half).await.unwrap();
        let mut said = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "kept open after {:?}", String::from_utf8_lossy(half));
        assert!(!String::from_utf8_lossy(&said).contains("nobody"));
        eventually(|| stats.connections() == 0).await;
    }

    // An idle connection is kept no longer than that between two requests.
    let mut stream = tls_stream(server.address, &config).await.unwrap();
    stream.write_all(b"GET /who HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    // hyper does not say goodbye on TLS when it gives up on a client, which rustls reports as an error.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it was kept open");
    assert!(String::from_utf8_lossy(&said).ends_with("nobody"));
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_is_cut_off() {
    let pki = Pki::new();
    let limits = ListenerLimits { handshake_timeout: Duration::from_millis(100), ..ListenerLimits::client() };
    let server = start(pki.client_port(), limits).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let read = timeout(PATIENCE, socket.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)));
    eventually(|| server.handle.stats().failed_handshakes() == 1).await;
}

#[tokio::test]
async fn headers_above_the_bound_are_refused() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let config = dial(&pki.clients, None);
    let request = |version| {
        let builder = Request::post("/conclave.test.v1.Echo/Who").version(version);
        builder.header("host", "localhost").header("x-long", "x".repeat(types::limits::REQUEST_HEADER_BYTES))
    };
    let mut sender = http1(server.address, &config).await.unwrap();
    let response = sender.send_request(request(Version::HTTP_11).body(Empty::new()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);

    let channel = connect::client_channel(&format!("localhost:{}", server.address.port()), config).unwrap();
    let request = request(Version::HTTP_2).body(tonic::body::Body::empty()).unwrap();
    let served = timeout(PATIENCE, channel.oneshot(request)).await.unwrap();
    assert!(served.map_or(true, |response| response.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
}

#[tokio::test]
async fn a_panic_ends_its_connection_only() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let config = dial(&pki.clients, None);
    let mut bystander = http1(server.address, &config).await.unwrap();
    ask(&mut bystander, "/who").await.unwrap();

    let mut sender = http1(server.address, &config).await.unwrap();
    ask(&mut sender, "/panic").await.unwrap_err();
    assert_eq!(ask(&mut bystander, "/who").await.unwrap(), "nobody");
    assert_eq!(ask_once(server.address, &config).await.unwrap(), "nobody");
}

#[tokio::test]
async fn a_shutdown_lets_requests_under_way_finish() {
    let pki = Pki::new();
    let server = start(pki.client_port(), ListenerLimits::client()).await;
    let config = dial(&pki.clients, None);
    let mut idle = http1(server.address, &config).await.unwrap();
    ask(&mut idle, "/who").await.unwrap();

    let mut sender = http1(server.address, &config).await.unwrap();
    let request = tokio::spawn(async move { ask(&mut sender, "/wait").await });
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    server.shutdown.cancel();
    // The idle connection is closed and the socket with it, while the request is still under way.
    eventually(|| server.handle.stats().connections() == 1).await;
    assert!(TcpStream::connect(server.address).await.is_err());
    server.release.notify_one();
    assert_eq!(request.await.unwrap().unwrap(), "done");
    timeout(PATIENCE, server.handle.stopped()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_shutdown_cuts_off_what_does_not_finish() {
    let pki = Pki::new();
    let limits = ListenerLimits { drain_timeout: Duration::from_millis(100), ..ListenerLimits::client() };
    let server = start(pki.client_port(), limits).await;
    let mut sender = http1(server.address, &dial(&pki.clients, None)).await.unwrap();
    let request = tokio::spawn(async move { ask(&mut sender, "/wait").await });
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    server.shutdown.cancel();
    timeout(PATIENCE, server.handle.stopped()).await.unwrap().unwrap();
    request.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_channel_finds_a_server_that_starts_later() {
    let pki = Pki::new();
    let server = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let address = server.address;
    let config = pki.dialer(&pki.node(2)).config_for(NodeId(1)).unwrap();
    let channel = connect::peer_channel(&address.to_string(), config).unwrap();
    call(channel.clone()).await.unwrap();
    server.shutdown.cancel();
    timeout(PATIENCE, server.handle.stopped()).await.unwrap().unwrap();
    call(channel.clone()).await.unwrap_err();

    let listener = TcpListener::bind(address).await.unwrap();
    let app = Router::new().route("/conclave.test.v1.Echo/Who", post(who));
    let tls = Arc::new(pki.peer_port(1));
    let _again = serve(listener, tls, app, ListenerLimits::peer(), CancellationToken::new());
    let found = async {
        while call(channel.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, found).await.unwrap();
}

/// A link to `target` that goes dead, without closing, when it is told to.
async fn link(target: SocketAddr, cut: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            () = cut.notified() => {}
        }
        std::future::pending::<()>().await;
    });
    address
}

#[tokio::test]
async fn a_call_on_a_cut_link_fails_within_the_keep_alive() {
    let pki = Pki::new();
    let server = start(pki.peer_port(1), ListenerLimits::peer()).await;
    let cut = Arc::new(Notify::new());
    let address = link(server.address, cut.clone()).await;
    let config = pki.dialer(&pki.node(2)).config_for(NodeId(1)).unwrap();
    let channel = connect::peer_channel(&address.to_string(), config).unwrap();
    let request = Request::get("/wait").body(tonic::body::Body::empty()).unwrap();
    let call = tokio::spawn(channel.oneshot(request));
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    cut.notify_one();
    let bound = connect::PEER_KEEP_ALIVE_INTERVAL + connect::PEER_KEEP_ALIVE_TIMEOUT + Duration::from_secs(3);
    let answer = timeout(bound, call).await.expect("the call outlived the keep-alive");
    answer.unwrap().unwrap_err();
}
