//! HTTP/2 channels over mutual TLS 1.3.
//!
//! tonic's own TLS takes the provider that the process may have installed as its default. Here it is `aws-lc-rs`,
//! always, with its default key exchange, the X25519MLKEM768 hybrid.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::builder::ConfigError;

/// Time for one connect: name, TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause between pings while calls are under way. A call on a connection that was idle for longer pings at once.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(3);
/// Time for the answer to a ping; a node that does not answer is given up.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the PEM texts of an authority and of an identity.
pub(crate) fn tls(ca: &[u8], certificate: &[u8], key: &[u8]) -> Result<TlsConnector, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("CA", ca)? {
        roots.add(certificate).map_err(ConfigError::Authority)?;
    }
    let chain = certificates("client certificate", certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ConfigError::Pem("private key"))?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(ConfigError::Identity)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(ConfigError::Identity)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(ConfigError::Pem(what))
}

/// A channel to the client port at `address`, whose host the server's certificate must carry. It connects when it is
/// first used, and again after its connection was lost.
pub(crate) fn channel(address: &str, tls: &TlsConnector) -> Result<Channel, ConfigError> {
    let Target { address, server_name, origin, dialled } =
        Target::parse(address).ok_or_else(|| ConfigError::Endpoint(address.to_owned()))?;
    let tls = tls.clone();
    let endpoint = Endpoint::from(dialled)
        .origin(origin)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let (address, name, tls) = (address.clone(), server_name.clone(), tls.clone());
        async move {
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect(&address, name, tls)).await;
            connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(TokioIo::new)
        }
    })))
}

struct Target {
    address: Arc<str>,
    server_name: ServerName<'static>,
    /// What requests carry as their scheme and authority.
    origin: Uri,
    /// What tonic is told: it refuses `https` without its own TLS.
    dialled: Uri,
}

impl Target {
    fn parse(address: &str) -> Option<Self> {
        let authority: Authority = address.parse().ok()?;
        if authority.port_u16()? == 0 || authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let server_name = ServerName::try_from(bare.to_owned()).ok()?;
        let uri = |scheme| Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/").build().ok();
        Some(Self { address: address.into(), server_name, origin: uri("https")?, dialled: uri("http")? })
    }
}

async fn connect(address: &str, name: ServerName<'static>, tls: TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let stream = tls.connect(name, socket).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the server does not speak HTTP/2"));
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_host_and_port() {
        for good in ["127.0.0.1:7400", "[::1]:7400", "node-1.internal:7400", "localhost:1"] {
            let target = Target::parse(good).unwrap();
            assert_eq!(target.origin.to_string(), format!("https://{good}/"));
        }
        for bad in
            ["", "localhost", "localhost:", ":7400", "a@b:1", "https://localhost:1", "localhost:99999", "localhost:0"]
        {
            assert!(Target::parse(bad).is_none(), "{bad}");
        }
    }
}
