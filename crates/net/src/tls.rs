//! TLS configurations of both ports and of those who dial them.
//!
//! | | peer port | client port |
//! |---|---|---|
//! | versions | 1.3 | 1.2, 1.3 |
//! | client certificate | required, node CA, a node of this cluster | asked for; if given: client CA, one URI |
//! | server certificate | node CA, exactly the node that was dialled; host names are not looked at | by host name |
//! | resumption | none: each connection is verified | TLS 1.3 sessions, in memory of the node that made them |
//! | ALPN | `h2` | `h2`, `http/1.1` |

use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, ServerConfig,
    SignatureScheme, client, version,
};
use types::{ClusterId, NodeId};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::identity::{ClientIdentity, IdentityError, PeerIdentity};
use crate::pki::PrivateKeyPem;

const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

/// A TLS configuration that could not be built.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text holds no PEM certificate.
    #[error("the {0} holds no certificate")]
    NoCertificate(&'static str),
    /// The text is not PEM.
    #[error("the {0} is not PEM")]
    Pem(&'static str, #[source] pem::Error),
    /// A certificate among the authorities cannot be read.
    #[error("a certificate authority cannot be used")]
    Authority(#[source] rustls::Error),
    /// The own certificate names the wrong party.
    #[error("the node's own certificate is refused")]
    OwnCertificate(#[source] IdentityError),
    /// The key cannot be read or is not the certificate's.
    #[error("the certificate and its private key cannot be used")]
    Key(#[source] rustls::Error),
    /// No verifier can be made of the authorities.
    #[error("client certificates cannot be verified")]
    Verifier(#[source] VerifierBuilderError),
    /// The provider does not support what the configuration asks for.
    #[error("the TLS configuration is refused")]
    Config(#[source] rustls::Error),
}

/// The server side of a port: its configuration, and what its clients' certificates name.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    port: Port,
}

impl ServerTls {
    /// The configuration, for an acceptor.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    pub(crate) fn port(&self) -> Port {
        self.port
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls({:?})", self.port)
    }
}

/// Whom the certificates on a port name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Peer(ClusterId),
    Client,
}

/// Configures the peer port of a node. All texts are PEM; `certificate` may be followed by intermediates.
///
/// # Errors
/// [`TlsError`] when a text cannot be read, the key is of another certificate, or the own certificate is not that
/// of a node of `cluster`.
pub fn peer_server_config(
    node_ca: &str,
    certificate: &str,
    key: &PrivateKeyPem,
    cluster: ClusterId,
) -> Result<ServerTls, TlsError> {
    let own = certified_key(certificate, key)?;
    own_node(&own, cluster)?;
    let chain = client_verifier(node_ca, "node CA", Presence::Required)?;
    let mut config = server_config(&[&version::TLS13], Port::Peer(cluster), chain, own)?;
    config.alpn_protocols = vec![H2.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(ServerTls { config: Arc::new(config), port: Port::Peer(cluster) })
}

/// Configures the client port of a node. All texts are PEM; `certificate` may be followed by intermediates.
///
/// A client certificate that is given must be good: with a bad one the connection is refused, not served as
/// anonymous. A resumed session keeps the certificate of its first handshake.
///
/// # Errors
/// [`TlsError`] when a text cannot be read or the key is of another certificate.
pub fn client_port_server_config(
    client_ca: &str,
    certificate: &str,
    key: &PrivateKeyPem,
) -> Result<ServerTls, TlsError> {
    let own = certified_key(certificate, key)?;
    let chain = client_verifier(client_ca, "client CA", Presence::Optional)?;
    let mut config = server_config(&[&version::TLS13, &version::TLS12], Port::Client, chain, own)?;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(ServerTls { config: Arc::new(config), port: Port::Client })
}

/// Configures a client of the client port, which checks the server's name by the usual rules. ALPN is `h2`; clear
/// or replace it for other protocols. All texts are PEM.
///
/// # Errors
/// [`TlsError`] when a text cannot be read or the key is of another certificate.
pub fn client_config(server_ca: &str, own: Option<(&str, &PrivateKeyPem)>) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(TlsError::Config)?
        .with_root_certificates(roots(server_ca, "server CA")?);
    let mut config = match own {
        Some((certificate, key)) => {
            let own = certified_key(certificate, key)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(Arc::new(config))
}

/// The dialling side of a node: a configuration for each peer, pinned to that peer's node id.
#[derive(Clone)]
pub struct PeerDialer {
    cluster: ClusterId,
    node: NodeId,
    node_ca: Arc<RootCertStore>,
    own: CertifiedKey,
}

impl PeerDialer {
    /// Reads a node's certificate and key and the authority of its peers. All texts are PEM.
    ///
    /// # Errors
    /// [`TlsError`] when a text cannot be read, the key is of another certificate, or the own certificate is not
    /// that of a node of `cluster`.
    pub fn new(node_ca: &str, certificate: &str, key: &PrivateKeyPem, cluster: ClusterId) -> Result<Self, TlsError> {
        let own = certified_key(certificate, key)?;
        let node = own_node(&own, cluster)?;
        Ok(Self { cluster, node, node_ca: Arc::new(roots(node_ca, "node CA")?), own })
    }

    /// The node that the own certificate names.
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Signs `message` with the key of the own certificate, see [`verify_node_signature`].
    ///
    /// # Errors
    /// [`TlsError::Key`] when the key is none of those that `issue-node` makes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TlsError> {
        let signer = self.own.key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
        let signer =
            signer.ok_or_else(|| TlsError::Key(rustls::Error::General("the key is not of P-256".to_owned())))?;
        signer.sign(message).map_err(TlsError::Key)
    }

    /// A configuration that connects to `node` and to nobody else, whatever its address.
    ///
    /// # Errors
    /// [`TlsError::Config`] when the provider has no TLS 1.3.
    pub fn config_for(&self, node: NodeId) -> Result<Arc<ClientConfig>, TlsError> {
        let verifier = PinnedNode {
            node_ca: self.node_ca.clone(),
            expected: PeerIdentity { cluster: self.cluster, node },
            algorithms: PROVIDER.signature_verification_algorithms,
        };
        let mut config = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_protocol_versions(&[&version::TLS13])
            .map_err(TlsError::Config)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.own.clone())));
        config.alpn_protocols = vec![H2.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for PeerDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerDialer({})", self.cluster)
    }
}

/// Whether the key of a node's certificate has signed `message`, with [`PeerDialer::sign`].
///
/// # Correctness
/// Says nothing about who signed `leaf`: verify it first.
pub fn verify_node_signature(leaf: &CertificateDer<'_>, message: &[u8], signature: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return false };
    let key = &certificate.public_key().subject_public_key.data;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature).is_ok()
}

fn server_config(
    versions: &[&'static rustls::SupportedProtocolVersion],
    port: Port,
    chain: Arc<dyn ClientCertVerifier>,
    own: CertifiedKey,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(PROVIDER.clone());
    let builder = builder.with_protocol_versions(versions).map_err(TlsError::Config)?;
    let verifier = Arc::new(NamedClient { chain, port });
    Ok(builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::new(SingleCertAndKey::from(own))))
}

enum Presence {
    Required,
    Optional,
}

fn client_verifier(ca: &str, what: &'static str, presence: Presence) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca, what)?), PROVIDER.clone());
    let builder = match presence {
        Presence::Required => builder,
        Presence::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(TlsError::Verifier)
}

fn roots(pem: &str, what: &'static str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, what)? {
        roots.add(certificate).map_err(TlsError::Authority)?;
    }
    Ok(roots)
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|source| TlsError::Pem(what, source))?;
    if certificates.is_empty() { Err(TlsError::NoCertificate(what)) } else { Ok(certificates) }
}

fn certified_key(certificate: &str, key: &PrivateKeyPem) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
        .map_err(|source| TlsError::Pem("private key", source))?;
    CertifiedKey::from_der(chain, key, &PROVIDER).map_err(TlsError::Key)
}

fn own_node(own: &CertifiedKey, cluster: ClusterId) -> Result<NodeId, TlsError> {
    let leaf = own.end_entity_cert().map_err(TlsError::Key)?;
    node_of(leaf, cluster).map(|identity| identity.node).map_err(TlsError::OwnCertificate)
}

fn node_of(leaf: &CertificateDer<'_>, cluster: ClusterId) -> Result<PeerIdentity, IdentityError> {
    let identity = PeerIdentity::from_certificate(leaf)?;
    if identity.cluster == cluster { Ok(identity) } else { Err(IdentityError::OtherCluster) }
}

fn refused(error: IdentityError) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// Verifies the chain as usual, then that the certificate names whom the port is for.
#[derive(Debug)]
struct NamedClient {
    chain: Arc<dyn ClientCertVerifier>,
    port: Port,
}

impl ClientCertVerifier for NamedClient {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        match self.port {
            Port::Peer(cluster) => node_of(end_entity, cluster).map(|_| ()),
            Port::Client => ClientIdentity::from_certificate(end_entity).map(|_| ()),
        }
        .map_err(refused)?;
        Ok(verified)
    }

    fn client_auth_mandatory(&self) -> bool {
        self.chain.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Verifies that a server is one certain node, by the authority and the URI of its certificate.
#[derive(Debug)]
struct PinnedNode {
    node_ca: Arc<RootCertStore>,
    expected: PeerIdentity,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedNode {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        client::verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.node_ca,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        let found = node_of(end_entity, self.expected.cluster).map_err(refused)?;
        if found != self.expected {
            return Err(refused(IdentityError::OtherNode));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::pki::CertificateAuthority;

    const CLUSTER: ClusterId = ClusterId([7; 16]);

    #[test]
    fn a_node_does_not_start_with_a_certificate_that_peers_would_refuse() {
        let now = SystemTime::now();
        let ca = CertificateAuthority::create("nodes", now).unwrap();
        let (roots, _) = ca.to_pem();
        let node = ca.issue_node(CLUSTER, NodeId(1), &[], now).unwrap();
        assert!(peer_server_config(roots, &node.certificate, &node.key, CLUSTER).is_ok());
        assert!(PeerDialer::new(roots, &node.certificate, &node.key, CLUSTER).is_ok());

        let dialer = PeerDialer::new(roots, &node.certificate, &node.key, CLUSTER).unwrap();
        let signature = dialer.sign(b"message").unwrap();
        let leaf = certificates(&node.certificate, "certificate").unwrap().remove(0);
        let stranger = ca.issue_node(CLUSTER, NodeId(2), &[], now).unwrap();
        let stranger = certificates(&stranger.certificate, "certificate").unwrap().remove(0);
        assert!(verify_node_signature(&leaf, b"message", &signature));
        assert!(!verify_node_signature(&leaf, b"massage", &signature));
        assert!(!verify_node_signature(&stranger, b"message", &signature));

        let other = ClusterId([8; 16]);
        let error = peer_server_config(roots, &node.certificate, &node.key, other).unwrap_err();
        assert!(matches!(error, TlsError::OwnCertificate(IdentityError::OtherCluster)), "{error:?}");
        let server = ca.issue_server(&["localhost".to_owned()], now).unwrap();
        let error = PeerDialer::new(roots, &server.certificate, &server.key, CLUSTER).unwrap_err();
        assert!(matches!(error, TlsError::OwnCertificate(IdentityError::NotOneUri)), "{error:?}");
        let error = peer_server_config(roots, &node.certificate, &server.key, CLUSTER).unwrap_err();
        assert!(matches!(error, TlsError::Key(_)), "{error:?}");
        let error = peer_server_config("", &node.certificate, &node.key, CLUSTER).unwrap_err();
        assert!(matches!(error, TlsError::NoCertificate("node CA")), "{error:?}");
    }
}
