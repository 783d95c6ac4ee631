//! HTTP/2 channels to peers and to client ports.
//!
//! A channel connects when it is first used and again after its connection was lost; the address is resolved at
//! each connect. A connection that answers no ping is given up within the keep-alive interval and timeout, so that
//! calls on a cut link fail fast instead of waiting for TCP. Both functions must run inside a tokio runtime.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::tls::TlsError;

/// Time for one connect to a peer: name, TCP and TLS.
pub const PEER_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause between pings to a peer, also while nothing is asked of it.
pub const PEER_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Time for a peer's answer to a ping.
pub const PEER_KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for one connect to a client port: name, TCP and TLS.
pub const CLIENT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause between pings to a client port while calls are under way.
pub const CLIENT_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Time for a client port's answer to a ping.
pub const CLIENT_KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel that could not be made. Failures to connect are not among them: calls on the channel report those.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address lacks its host or its port.
    #[error("{0:?} is not host:port")]
    Address(String),
    /// The TLS configuration could not be built.
    #[error("the TLS configuration cannot be built")]
    Tls(#[from] TlsError),
}

/// A channel to the peer port at `address`, `host:port`. `tls` comes from
/// [`PeerDialer::config_for`](crate::tls::PeerDialer::config_for).
///
/// # Errors
/// [`ConnectError::Address`] when `address` is not `host:port`.
pub fn peer_channel(address: &str, tls: Arc<ClientConfig>) -> Result<Channel, ConnectError> {
    let target = Target::parse(address)?;
    let endpoint = target
        .endpoint()
        .http2_keep_alive_interval(PEER_KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(PEER_KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    Ok(target.channel(&endpoint, tls, PEER_CONNECT_TIMEOUT))
}

/// A channel to the client port at `address`, `host:port`, whose host the server's certificate must carry. `tls`
/// comes from [`client_config`](crate::tls::client_config).
///
/// # Errors
/// [`ConnectError::Address`] when `address` is not `host:port`.
pub fn client_channel(address: &str, tls: Arc<ClientConfig>) -> Result<Channel, ConnectError> {
    let target = Target::parse(address)?;
    let endpoint = target
        .endpoint()
        .http2_keep_alive_interval(CLIENT_KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(CLIENT_KEEP_ALIVE_TIMEOUT);
    Ok(target.channel(&endpoint, tls, CLIENT_CONNECT_TIMEOUT))
}

struct Target {
    address: Arc<str>,
    server_name: ServerName<'static>,
    /// What requests carry as their scheme and authority.
    origin: Uri,
    /// What tonic is told: it refuses `https` without its own TLS, which is not used.
    dialled: Uri,
}

impl Target {
    fn parse(address: &str) -> Result<Self, ConnectError> {
        Self::read(address).ok_or_else(|| ConnectError::Address(address.to_owned()))
    }

    fn read(address: &str) -> Option<Self> {
        let authority: Authority = address.parse().ok()?;
        authority.port_u16()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let server_name = ServerName::try_from(bare.to_owned()).ok()?;
        let uri = |scheme| Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/").build().ok();
        Some(Self { address: address.into(), server_name, origin: uri("https")?, dialled: uri("http")? })
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::from(self.dialled.clone()).origin(self.origin.clone())
    }

    fn channel(self, endpoint: &Endpoint, tls: Arc<ClientConfig>, limit: Duration) -> Channel {
        let tls = TlsConnector::from(tls);
        let Self { address, server_name, .. } = self;
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (address, name, tls) = (address.clone(), server_name.clone(), tls.clone());
            async move {
                let connected = tokio::time::timeout(limit, connect(&address, name, tls)).await;
                connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(TokioIo::new)
            }
        }))
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
    fn an_address_is_host_and_port() {
        for good in ["127.0.0.1:7401", "[::1]:7401", "node-1.internal:7401", "localhost:1"] {
            let target = Target::parse(good).unwrap();
            assert_eq!(target.origin.to_string(), format!("https://{good}/"));
        }
        for bad in ["", "localhost", "localhost:", ":7401", "a@localhost:1", "https://localhost:1", "localhost:99999"] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }
}
