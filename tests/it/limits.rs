//! Bad input and bad manners: a clear error in the protocol's own form, and the node goes on for everybody else.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use testkit::fate::refusal;
use testkit::{Cluster, PATIENCE, SignedClient, requests};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use types::limits;
use uuid::Uuid;

const NODE: u64 = 1;
const SECRET: &str = "limits/pulse";
const GET: &str = "/conclave.secrets.v1.Secrets/GetSecretValue";
/// Replaces [`IDLE_CONNECTIONS`].
const IDLE_VARIABLE: &str = "CONCLAVE_TEST_IDLE_CONNECTIONS";
const IDLE_CONNECTIONS: usize = 2_000;
/// Connections on which nothing is ever said, with and without TLS.
const SILENT_CONNECTIONS: usize = 200;
const HALF_SENT: usize = 1_000;
/// Streams of one connection on which requests are half sent.
const HALF_SENT_PER_CONNECTION: usize = 50;
/// What the node may grow by for a connection or a request, and for all other things.
const BYTES_EACH: usize = 48 << 10;
const BYTES_BESIDE: usize = 64 << 20;
/// Wrong signatures after which the next one must have been throttled.
const GUESSES: usize = 1_000;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_has_a_clear_error_on_both_fronts_and_the_node_goes_on() {
    let cluster = Cluster::start(1).unwrap();
    let pulse = Pulse::start(&cluster).await;
    let before = resident(&cluster);
    over_aws(&cluster.signed(NODE).unwrap()).await;
    over_grpc(&cluster).await;
    http1_garbage_is_answered(&cluster).await;
    http2_garbage_ends_the_connection(&cluster).await;
    guesses_are_throttled(&cluster.signed(NODE).unwrap()).await;
    pulse.stop(&cluster, before, 0).await;
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_half_sent_requests_cost_a_bounded_amount_of_memory() {
    let idle = std::env::var(IDLE_VARIABLE).ok().map_or(IDLE_CONNECTIONS, |count| count.parse().unwrap());
    allow_open_files(idle + 2 * SILENT_CONNECTIONS + HALF_SENT + 1_000);
    let cluster = Cluster::start(1).unwrap();
    let pulse = Pulse::start(&cluster).await;
    let before = resident(&cluster);

    let idle_connections = idle_connections(&cluster, idle).await;
    let with_idle = resident(&cluster);
    let silent = silent_connections(&cluster).await;
    let half_sent = HalfSent::begin(&cluster).await;
    let with_all = resident(&cluster);
    // Each is answered or closed, by the node's own clock.
    half_sent.end().await;
    for mut connection in silent {
        assert_eq!(read_to_end(&mut connection).await, b"");
    }
    // The idle ones have a client that is alive, so they stay.
    for channel in &idle_connections {
        assert_eq!(health(channel.clone()).await, StatusCode::OK);
    }
    say(&format!(
        "memory of the node: {} MiB at first, {} MiB with {idle} idle connections, {} MiB with {SILENT_CONNECTIONS} \
         silent ones and {HALF_SENT} half-sent requests beside",
        before >> 20,
        with_idle >> 20,
        with_all >> 20,
    ));
    pulse.stop(&cluster, before, idle + 2 * SILENT_CONNECTIONS + HALF_SENT).await;
}

/// A client that goes on with its work, one read after the other.
struct Pulse {
    stop: Arc<AtomicBool>,
    task: JoinHandle<(usize, Duration)>,
}

impl Pulse {
    async fn start(cluster: &Cluster) -> Self {
        let mut node = cluster.secrets(NODE).unwrap();
        let token = Uuid::new_v4().to_string();
        node.create_secret(requests::create_secret(SECRET, &token, "value")).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let (mut reads, mut slowest) = (0, Duration::ZERO);
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let read = node.get_secret_value(requests::secret_value(SECRET, None));
                let answer = tokio::time::timeout(PATIENCE, read).await.expect("an answer").unwrap();
                assert_eq!(answer.get_ref().secret_string.as_deref(), Some("value"));
                slowest = slowest.max(begun.elapsed());
                reads += 1;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            (reads, slowest)
        });
        Self { stop, task }
    }

    /// Ends it, and looks at what the node has become.
    async fn stop(self, cluster: &Cluster, before: usize, clients: usize) {
        self.stop.store(true, Ordering::Relaxed);
        let (reads, slowest) = self.task.await.unwrap();
        assert!(reads > 0);
        let (after, most) = (resident(cluster), peak(cluster));
        let bound = before + BYTES_BESIDE + clients * BYTES_EACH;
        say(&format!(
            "{reads} reads meanwhile, the slowest in {slowest:?}; memory of the node: {} MiB before, {} MiB at most, \
             {} MiB after, bound {} MiB",
            before >> 20,
            most >> 20,
            after >> 20,
            bound >> 20,
        ));
        assert!(most <= bound, "the node grew from {before} to {most} bytes, which is more than {bound}");
    }
}

async fn over_aws(client: &SignedClient) {
    let (create, put, get) = ("CreateSecret", "PutSecretValue", "GetSecretValue");
    let token = Uuid::new_v4().to_string();
    let large = "v".repeat(limits::SECRET_VALUE_BYTES + 1);
    let nested = format!(r#"{{"SecretId":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!(r#"{{"SecretId":{}"#, r#"{"a":"#.repeat(10_000));
    let two_values =
        json!({"SecretId": SECRET, "ClientRequestToken": token, "SecretString": "a", "SecretBinary": "YQ=="});
    let long = json!({"SecretId": "n".repeat(limits::SECRET_ID_CHARS + 1)});
    let cases: Vec<(&str, String, u16, &str)> = vec![
        (
            create,
            json!({"Name": "x", "ClientRequestToken": token, "SecretString": large}).to_string(),
            400,
            "ValidationException",
        ),
        (
            put,
            json!({"SecretId": SECRET, "ClientRequestToken": token, "SecretString": large}).to_string(),
            400,
            "ValidationException",
        ),
        (get, " ".repeat(limits::REQUEST_BODY_BYTES + 1), 413, "RequestEntityTooLargeException"),
        (get, nested, 400, "SerializationException"),
        (get, objects, 400, "SerializationException"),
        (get, r#"{"SecretId":7}"#.to_owned(), 400, "SerializationException"),
        (get, r#"{"SecretId":["limits/pulse"]}"#.to_owned(), 400, "SerializationException"),
        (get, r#"["limits/pulse"]"#.to_owned(), 400, "SerializationException"),
        (get, r#"{"SecretId":"#.to_owned(), 400, "SerializationException"),
        (get, String::new(), 400, "SerializationException"),
        ("ListSecrets", r#"{"MaxResults":"many"}"#.to_owned(), 400, "SerializationException"),
        ("DeleteSecret", r#"{"SecretId":"x","RecoveryWindowInDays":1e400}"#.to_owned(), 400, "SerializationException"),
        ("Frobnicate", "{}".to_owned(), 400, "UnknownOperationException"),
        (get, r#"{"SecretId":""}"#.to_owned(), 400, "ValidationException"),
        (get, long.to_string(), 400, "ValidationException"),
        (put, two_values.to_string(), 400, "InvalidParameterException"),
    ];
    for (operation, body, status, code) in cases {
        let request = client.sign(client.request(operation, &body), SystemTime::now()).unwrap();
        let answer = client.send(request).await.unwrap();
        let shown = format!("{operation} {:.60}: {}", body, answer.body);
        assert_eq!((answer.status.as_u16(), answer.error_code().as_str()), (status, code), "{shown}");
        assert_eq!(answer.headers["x-amzn-errortype"], code, "{shown}");
        let json = answer.json().unwrap();
        assert!([&json["Message"], &json["message"]].iter().any(|text| text.is_string()), "no message: {shown}");
        assert!(answer.body.len() < 2_000, "{}", answer.body.len());
    }
    let mut elsewhere = client.request(get, "{}");
    *elsewhere.uri_mut() = "/v1/secrets".parse().unwrap();
    assert_eq!(client.send(elsewhere).await.unwrap().error_code(), "UnknownOperationException");
}

async fn over_grpc(cluster: &Cluster) {
    let mut client = cluster.secrets(NODE).unwrap();
    let token = Uuid::new_v4().to_string();
    let refused = |status: Status, code: Code, reason: &str| {
        let ours = refusal(&status).unwrap_or_else(|| panic!("{reason}: not the node's own answer: {status:?}"));
        assert_eq!((ours.status, ours.code.as_str()), (code, reason), "{status:?}");
        assert!(!ours.message.is_empty(), "{reason}");
    };
    let large = "v".repeat(limits::SECRET_VALUE_BYTES + 1);
    let error = client.create_secret(requests::create_secret("x", &token, &large)).await.unwrap_err();
    refused(error, Code::InvalidArgument, "ValidationException");
    let error = client.put_secret_value(requests::put_secret_value(SECRET, &token, &large)).await.unwrap_err();
    refused(error, Code::InvalidArgument, "ValidationException");
    let larger = "v".repeat(limits::REQUEST_BODY_BYTES + 1);
    let error = client.put_secret_value(requests::put_secret_value(SECRET, &token, &larger)).await.unwrap_err();
    refused(error, Code::ResourceExhausted, "RequestEntityTooLargeException");
    for id in [String::new(), "n".repeat(limits::SECRET_ID_CHARS + 1)] {
        let error = client.get_secret_value(requests::secret_value(&id, None)).await.unwrap_err();
        refused(error, Code::InvalidArgument, "ValidationException");
    }
    let mut both = requests::put_secret_value(SECRET, &token, "a");
    both.secret_binary = Some(b"b".to_vec());
    refused(client.put_secret_value(both).await.unwrap_err(), Code::InvalidArgument, "InvalidParameterException");

    let (malformed, serialization) = (Code::InvalidArgument, "SerializationException");
    let deep = [0x0b].repeat(10_000);
    let cases: Vec<(&str, Vec<u8>, Code, &str)> = vec![
        ("/conclave.secrets.v1.Secrets/Frobnicate", frame(b""), Code::Unimplemented, "UnknownOperationException"),
        ("/nothing.v1.Nothing/Nothing", frame(b""), Code::Unimplemented, "UnknownOperationException"),
        // A number where a text stands, a text that is not UTF-8, a length beyond the message, groups in groups.
        (GET, frame(&[0x08, 0x07]), malformed, serialization),
        (GET, frame(&[0x0a, 0x02, 0xff, 0xfe]), malformed, serialization),
        (GET, frame(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), malformed, serialization),
        (GET, frame(&deep), malformed, serialization),
        (GET, frame(&[0xff; 100]), malformed, serialization),
        // Cut in the frame's head, in the message, and before both.
        (GET, vec![0, 0, 0], malformed, serialization),
        (GET, frame(&[0x0a, 0x04, b'n', b'a', b'm', b'e'])[..8].to_vec(), malformed, serialization),
        (GET, Vec::new(), malformed, serialization),
        // Said to be compressed, said to be larger than any message.
        (GET, [&[1, 0, 0, 0, 2], &b"{}"[..]].concat(), malformed, serialization),
        (GET, vec![7, 0, 0, 0, 0], malformed, serialization),
        (GET, vec![0, 0xff, 0xff, 0xff, 0xff], Code::ResourceExhausted, "RequestEntityTooLargeException"),
    ];
    let channel = cluster.channel(NODE).unwrap();
    for (path, body, code, reason) in cases {
        let response = call(channel.clone(), path, Body::new(Full::new(Bytes::from(body)))).await.unwrap();
        refused(status_of(response).await, code, reason);
    }
}

/// A message as gRPC frames it.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

async fn call(mut channel: Channel, path: &str, body: Body) -> Result<Response<Body>, tonic::transport::Error> {
    let request = Request::post(format!("https://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    std::future::poll_fn(|cx| GrpcService::<Body>::poll_ready(&mut channel, cx)).await?;
    GrpcService::call(&mut channel, request).await
}

/// The status in the headers or in the trailers of an answer.
async fn status_of(response: Response<Body>) -> Status {
    let (head, body) = response.into_parts();
    assert_eq!(head.status, StatusCode::OK);
    match Status::from_header_map(&head.headers) {
        Some(status) => status,
        None => Status::from_header_map(body.collect().await.unwrap().trailers().unwrap()).unwrap(),
    }
}

async fn http1_garbage_is_answered(cluster: &Cluster) {
    let json = "content-type: application/x-amz-json-1.1\r\nx-amz-target: secretsmanager.GetSecretValue\r\n";
    let cases = [
        ("GARBAGE\r\n\r\n".to_owned(), "400"),
        ("\x01\x02\x03\x04\x05\x06\x07\r\n\r\n".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n".to_owned(), "400"),
        (format!("POST / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "h".repeat(100_000)), "431"),
        (format!("POST / HTTP/1.1\r\nhost: x\r\n{json}transfer-encoding: chunked\r\n\r\nZZ\r\n"), "400"),
    ];
    for (sent, status) in cases {
        let mut connection = tls(cluster, "http/1.1").await;
        // The node may have heard enough before the end.
        let _heard_enough = connection.write_all(sent.as_bytes()).await;
        let answer = read_to_end(&mut connection).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{sent:.60?}: {answer}");
    }
    // Not even TLS.
    let mut plain = TcpStream::connect(cluster.node(NODE).unwrap().client_addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(!read_to_end(&mut plain).await.starts_with(b"HTTP"));
}

async fn http2_garbage_ends_the_connection(cluster: &Cluster) {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const CONTINUATION: u8 = 9;
    // GET https://x/, by HPACK's static table.
    let get = [0x82, 0x87, 0x84, 0x41, 0x01, b'x'];
    let resets = (0..1_000u32)
        .flat_map(|n| [h2_frame(HEADERS, 5, 2 * n + 1, &get), h2_frame(RST_STREAM, 0, 2 * n + 1, &[0; 4])]);
    let endless = std::iter::repeat_n(h2_frame(CONTINUATION, 0, 1, &[0; 16_384]), 256);
    let cases: [(&str, Vec<u8>); 7] = [
        ("noise", vec![0xff; 1_000]),
        ("data on stream 0", h2_frame(DATA, 0, 0, b"data")),
        ("data on a stream that is not open", h2_frame(DATA, 0, 7, b"data")),
        ("headers that cannot be decompressed", h2_frame(HEADERS, 5, 1, &[0xff; 64])),
        ("a frame that is too large", [&[0xff, 0xff, 0xff, DATA, 0], &[0; 4][..], &[0; 1_000]].concat()),
        ("headers without an end", h2_frame(HEADERS, 0, 1, &get).into_iter().chain(endless.flatten()).collect()),
        ("streams that are reset at once", resets.flatten().collect()),
    ];
    for (name, sent) in cases {
        let mut connection = tls(cluster, "h2").await;
        let settings = h2_frame(4, 0, 0, &[]);
        let all = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &sent].concat();
        let _heard_enough = connection.write_all(&all).await;
        let answer = read_to_end(&mut connection).await;
        assert!(has_goaway(&answer), "{name}: {answer:?}");
    }
    // A preface that is none, and one that never ends.
    let mut connection = tls(cluster, "h2").await;
    connection.write_all(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await.unwrap();
    read_to_end(&mut connection).await;
}

fn h2_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn has_goaway(mut bytes: &[u8]) -> bool {
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        if head[3] == 7 {
            return true;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        bytes = rest.get(length..).unwrap_or_default();
    }
    false
}

async fn guesses_are_throttled(good: &SignedClient) {
    let body = json!({"SecretId": SECRET});
    let guesser = good.with_key("AKIAIOSFODNN7EXAMPLE", "guess");
    let mut codes = Vec::new();
    while codes.last().is_none_or(|code| code != "ThrottlingException") {
        assert!(codes.len() < GUESSES, "{GUESSES} wrong signatures were all looked at");
        codes.push(guesser.call("GetSecretValue", &body).await.unwrap().error_code());
    }
    let looked_at = codes.len() - 1;
    assert!(codes[..looked_at].iter().all(|code| code == "UnrecognizedClientException"), "{codes:?}");
    say(&format!("throttled after {looked_at} wrong signatures"));
    // Who signs well from the same address is served.
    let answer = good.call("GetSecretValue", &body).await.unwrap();
    assert_eq!(answer.json().unwrap()["SecretString"], Value::from("value"));
}

/// Connections that have made one request and stay.
async fn idle_connections(cluster: &Cluster, count: usize) -> Vec<Channel> {
    let mut connecting = JoinSet::new();
    let mut connected = Vec::with_capacity(count);
    for _ in 0..count {
        let channel = cluster.channel(NODE).unwrap();
        connecting.spawn(async move {
            assert_eq!(health(channel.clone()).await, StatusCode::OK);
            channel
        });
        if connecting.len() == 32 {
            connected.push(connecting.join_next().await.unwrap().unwrap());
        }
    }
    connected.extend(connecting.join_all().await);
    connected
}

async fn health(mut channel: Channel) -> StatusCode {
    let request = Request::get("https://localhost/healthz").body(Body::empty()).unwrap();
    std::future::poll_fn(|cx| GrpcService::<Body>::poll_ready(&mut channel, cx)).await.unwrap();
    GrpcService::call(&mut channel, request).await.unwrap().status()
}

/// Connections that say nothing, half of them not even in TLS.
async fn silent_connections(cluster: &Cluster) -> Vec<Connection> {
    let address = cluster.node(NODE).unwrap().client_addr;
    let mut silent: Vec<Connection> = Vec::new();
    for _ in 0..SILENT_CONNECTIONS / 2 {
        silent.push(Box::new(tls(cluster, "http/1.1").await));
        silent.push(Box::new(TcpStream::connect(&address).await.unwrap()));
    }
    silent
}

trait Socket: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Socket for S {}
type Connection = Box<dyn Socket>;

/// Requests that were begun and will never be finished.
struct HalfSent {
    heads: Vec<TlsStream<TcpStream>>,
    bodies: Vec<TlsStream<TcpStream>>,
    messages: JoinSet<Status>,
}

impl HalfSent {
    async fn begin(cluster: &Cluster) -> Self {
        let mut heads = Vec::new();
        let mut bodies = Vec::new();
        let mut messages = JoinSet::new();
        let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.1\r\n\
                    x-amz-target: secretsmanager.PutSecretValue\r\ncontent-length: 1000000\r\n";
        for _ in 0..HALF_SENT / 4 {
            let mut connection = tls(cluster, "http/1.1").await;
            connection.write_all(head.as_bytes()).await.unwrap();
            heads.push(connection);
            let mut connection = tls(cluster, "http/1.1").await;
            connection.write_all(format!("{head}\r\n{{\"SecretId\":\"{}", "x".repeat(4_000)).as_bytes()).await.unwrap();
            bodies.push(connection);
        }
        for _ in 0..HALF_SENT / 2 / HALF_SENT_PER_CONNECTION {
            let channel = cluster.channel(NODE).unwrap();
            for _ in 0..HALF_SENT_PER_CONNECTION {
                let begun = [&[0, 0, 0x0f, 0, 0], &[b'x'; 4_000][..]].concat();
                let begun = Ok::<_, Status>(Frame::data(Bytes::from(begun)));
                let body = StreamBody::new(tokio_stream::once(begun).chain(tokio_stream::pending()));
                let call = call(channel.clone(), GET, Body::new(body));
                messages.spawn(async move { status_of(call.await.unwrap()).await });
            }
        }
        Self { heads, bodies, messages }
    }

    /// Waits until the node has had enough of each.
    async fn end(self) {
        for mut connection in self.heads {
            // There is no request yet that could be answered.
            let answer = read_to_end(&mut connection).await;
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
        }
        for mut connection in self.bodies {
            let answer = read_to_end(&mut connection).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("RequestTimeoutException"), "{answer}");
        }
        for status in self.messages.join_all().await {
            let ours = refusal(&status).unwrap_or_else(|| panic!("not the node's own answer: {status:?}"));
            assert_eq!((ours.status, ours.code.as_str()), (Code::Unavailable, "RequestTimeoutException"));
        }
    }
}

async fn tls(cluster: &Cluster, protocol: &str) -> TlsStream<TcpStream> {
    let ca = fs::read_to_string(cluster.variable("CONCLAVE_CA").unwrap()).unwrap();
    let mut config = ClientConfig::clone(&*net::tls::client_config(&ca, None).unwrap());
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let socket = TcpStream::connect(cluster.node(NODE).unwrap().client_addr).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

/// All that comes until the node ends the connection, by whatever means.
async fn read_to_end(connection: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let _reset = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut all)).await.expect("an end");
    all
}

/// Bytes of memory that the node has now.
fn resident(cluster: &Cluster) -> usize {
    memory(cluster, "VmRSS:")
}

/// The most that it has had.
fn peak(cluster: &Cluster) -> usize {
    memory(cluster, "VmHWM:")
}

fn memory(cluster: &Cluster, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", cluster.node(NODE).unwrap().pid)).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

/// For this process and those it starts.
fn allow_open_files(count: usize) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(count).unwrap();
    if limit.current.is_some_and(|current| current < wanted) {
        let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).unwrap();
    }
}

fn say(line: &str) {
    use std::io::Write;
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}
