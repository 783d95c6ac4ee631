//! AWS JSON over HTTPS, signed by AWS's own signer and open to tampering.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// A client of one node's AWS front. Each request has a connection of its own.
#[derive(Clone)]
pub struct SignedClient {
    address: String,
    tls: Arc<ClientConfig>,
    access_key_id: String,
    secret_access_key: String,
    region: String,
    service: AwsService,
}

/// Which service a client calls.
#[derive(Clone, Copy, Debug)]
struct AwsService {
    signing_name: &'static str,
    target_prefix: &'static str,
}

const SECRETS_MANAGER: AwsService = AwsService { signing_name: "secretsmanager", target_prefix: "secretsmanager" };
const KMS: AwsService = AwsService { signing_name: "kms", target_prefix: "TrentService" };

impl fmt::Debug for SignedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedClient({})", self.address)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: String,
}

impl Answer {
    /// The body as JSON; an empty one is null.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {:?}", self.body))
    }

    /// The error code that SDKs read from the body; empty for a success.
    pub fn error_code(&self) -> String {
        self.json().ok().and_then(|body| body["__type"].as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl SignedClient {
    /// Makes a client of the node at `address`, `host:port`, which trusts the authority `ca`, PEM.
    ///
    /// # Errors
    /// When `ca` cannot be read.
    pub fn new(address: &str, ca: &str, access_key_id: &str, secret_access_key: &str, region: &str) -> Result<Self> {
        let mut tls = ClientConfig::clone(&*net::tls::client_config(ca, None)?);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            address: address.to_owned(),
            tls: Arc::new(tls),
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            region: region.to_owned(),
            service: SECRETS_MANAGER,
        })
    }

    /// The same client with another access key.
    #[must_use]
    pub fn with_key(&self, access_key_id: &str, secret_access_key: &str) -> Self {
        let (id, secret) = (access_key_id.to_owned(), secret_access_key.to_owned());
        Self { access_key_id: id, secret_access_key: secret, ..self.clone() }
    }

    /// The same client with another secret of its access key.
    #[must_use]
    pub fn with_secret(&self, secret_access_key: &str) -> Self {
        self.with_key(&self.access_key_id, secret_access_key)
    }

    /// The same client, signing for another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// The same client, for KMS.
    #[must_use]
    pub fn kms(&self) -> Self {
        Self { service: KMS, ..self.clone() }
    }

    /// Calls an operation of Secrets Manager, or of the service that it was made for.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub async fn call(&self, operation: &str, body: &Value) -> Result<Answer> {
        let request = self.request(operation, &body.to_string());
        self.send(self.sign(request, SystemTime::now())?).await
    }

    /// An unsigned request.
    pub fn request(&self, operation: &str, body: &str) -> Request<Bytes> {
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.method_mut() = http::Method::POST;
        let headers = request.headers_mut();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = http::HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set("host", &self.address);
        set("content-type", CONTENT_TYPE);
        set("x-amz-target", &format!("{}.{operation}", self.service.target_prefix));
        request
    }

    /// Signs a request as of `time`.
    ///
    /// # Errors
    /// When the signer refuses it.
    pub fn sign(&self, mut request: Request<Bytes>, time: SystemTime) -> Result<Request<Bytes>> {
        let credentials = Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "test");
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.signing_name)
            .time(time)
            .settings(SigningSettings::default())
            .build()?;
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = format!("https://{}/", self.address);
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(request.body()))?;
        let (instructions, _) = sign(signable, &params.into())?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Sends a request as it is, over HTTP/1.1.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer> {
        self.connect().await?.send(request).await
    }

    /// Opens a connection for many requests.
    ///
    /// # Errors
    /// When the node does not take it.
    pub async fn connect(&self) -> Result<SignedConnection> {
        let (host, _) = self.address.rsplit_once(':').context("the address has no port")?;
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, socket).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(SignedConnection { sender, connection: tokio::spawn(connection) })
    }
}

/// An open connection to the AWS front. Dropping it closes it.
#[derive(Debug)]
pub struct SignedConnection {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl SignedConnection {
    /// Sends a request as it is, over HTTP/1.1.
    ///
    /// # Errors
    /// When there is no answer; the connection is of no use then.
    pub async fn send(&mut self, request: Request<Bytes>) -> Result<Answer> {
        self.sender.ready().await?;
        read(self.sender.send_request(request.map(Full::new)).await?).await
    }
}

impl Drop for SignedConnection {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Answer> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() })
}
