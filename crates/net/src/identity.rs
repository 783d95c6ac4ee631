//! Whom a verified certificate names, by the one URI among its subject alternative names.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use types::{AccountId, ClusterId, NodeId};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Characters of the URI that names a client.
pub const CLIENT_URI_CHARS: usize = 2_048;

const SCHEME: &str = "conclave://";

/// A certificate that names nobody, or not the kind of party that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not X.509, or with bytes after its end.
    #[error("the certificate cannot be read")]
    Malformed,
    /// No URI among the subject alternative names, or several.
    #[error("the certificate does not have exactly one URI among its subject alternative names")]
    NotOneUri,
    /// The URI is not `conclave://<cluster>/node/<id>` in its one spelling.
    #[error("the certificate's URI does not name a node")]
    NotANode,
    /// The URI is empty, too long, without a scheme, or not printable ASCII.
    #[error("the certificate's URI does not name a client")]
    NotAClient,
    /// A client's certificate that names a node.
    #[error("the certificate names a node where a client is asked for")]
    NodeAsClient,
    /// A node of another cluster.
    #[error("the certificate names a node of another cluster")]
    OtherCluster,
    /// A node of this cluster, but not the one that was dialled.
    #[error("the certificate names another node than the one that was dialled")]
    OtherNode,
}

/// A node of a cluster: `conclave://<cluster>/node/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerIdentity {
    /// The cluster that the node belongs to.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
}

impl PeerIdentity {
    /// The URI that a node's certificate carries.
    pub fn uri(&self) -> String {
        format!("{SCHEME}{}/node/{}", self.cluster, self.node)
    }

    /// Parses the URI of a node. Each node has one spelling: a lower-case hyphenated UUID and a decimal number
    /// without sign or leading zeros.
    ///
    /// # Errors
    /// [`IdentityError::NotANode`] for any other text.
    pub fn parse(uri: &str) -> Result<Self, IdentityError> {
        let identity = Self::read(uri).ok_or(IdentityError::NotANode)?;
        if identity.uri() == uri { Ok(identity) } else { Err(IdentityError::NotANode) }
    }

    fn read(uri: &str) -> Option<Self> {
        let (cluster, node) = uri.strip_prefix(SCHEME)?.split_once("/node/")?;
        Some(Self { cluster: cluster.parse().ok()?, node: NodeId(node.parse().ok()?) })
    }

    /// Reads the node that `leaf` names.
    ///
    /// # Correctness
    /// Says nothing about who signed `leaf`: verify it first.
    ///
    /// # Errors
    /// [`IdentityError`] when it does not name exactly one node.
    pub fn from_certificate(leaf: &CertificateDer<'_>) -> Result<Self, IdentityError> {
        Self::parse(&only_uri(leaf)?)
    }
}

/// A client, by the URI that its certificate carries. What the URI may do is not decided here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientIdentity {
    uri: Arc<str>,
}

impl ClientIdentity {
    /// The root client of an account: `conclave://<cluster>/account/<account>/root`.
    pub fn root(cluster: ClusterId, account: AccountId) -> Self {
        Self { uri: format!("{SCHEME}{cluster}/account/{account}/root").into() }
    }

    /// Parses a client's URI: printable ASCII with a scheme, at most [`CLIENT_URI_CHARS`], not the URI of a node.
    ///
    /// # Errors
    /// [`IdentityError::NotAClient`] or [`IdentityError::NodeAsClient`].
    pub fn parse(uri: &str) -> Result<Self, IdentityError> {
        if PeerIdentity::read(uri).is_some() {
            return Err(IdentityError::NodeAsClient);
        }
        let has_scheme = uri.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
        if !has_scheme || uri.len() > CLIENT_URI_CHARS || !uri.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(IdentityError::NotAClient);
        }
        Ok(Self { uri: uri.into() })
    }

    /// Reads the client that `leaf` names.
    ///
    /// # Correctness
    /// Says nothing about who signed `leaf`: verify it first.
    ///
    /// # Errors
    /// [`IdentityError`] when it does not name exactly one client.
    pub fn from_certificate(leaf: &CertificateDer<'_>) -> Result<Self, IdentityError> {
        Self::parse(&only_uri(leaf)?)
    }

    /// The URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The account whose root client this is in `cluster`, if it is one.
    pub fn root_account(&self, cluster: ClusterId) -> Option<AccountId> {
        let rest = self.uri.strip_prefix(SCHEME)?.split_once("/account/")?.1;
        let account = rest.strip_suffix("/root")?.parse().ok()?;
        (*self == Self::root(cluster, account)).then_some(account)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

fn only_uri(leaf: &CertificateDer<'_>) -> Result<String, IdentityError> {
    let (rest, certificate) = X509Certificate::from_der(leaf).map_err(|_| IdentityError::Malformed)?;
    if !rest.is_empty() {
        return Err(IdentityError::Malformed);
    }
    let names = certificate.subject_alternative_name().map_err(|_| IdentityError::Malformed)?;
    let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => Ok(uri.to_owned()),
        _ => Err(IdentityError::NotOneUri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: ClusterId = ClusterId([0xab; 16]);

    #[test]
    fn a_node_has_one_spelling() {
        let node = PeerIdentity { cluster: CLUSTER, node: NodeId(7) };
        assert_eq!(node.uri(), "conclave://abababab-abab-abab-abab-abababababab/node/7");
        assert_eq!(PeerIdentity::parse(&node.uri()), Ok(node));
        for wrong in [
            "conclave://ABABABAB-abab-abab-abab-abababababab/node/7",
            "conclave://abababababababababababababababab/node/7",
            "conclave://{abababab-abab-abab-abab-abababababab}/node/7",
            "conclave://abababab-abab-abab-abab-abababababab/node/07",
            "conclave://abababab-abab-abab-abab-abababababab/node/+7",
            "conclave://abababab-abab-abab-abab-abababababab/node/7/",
            "conclave://abababab-abab-abab-abab-abababababab/node/",
            "conclave://abababab-abab-abab-abab-abababababab/node/18446744073709551616",
            "Conclave://abababab-abab-abab-abab-abababababab/node/7",
            "https://abababab-abab-abab-abab-abababababab/node/7",
            "",
        ] {
            assert_eq!(PeerIdentity::parse(wrong), Err(IdentityError::NotANode), "{wrong}");
        }
    }

    #[test]
    fn a_client_is_never_a_node() {
        let node = PeerIdentity { cluster: CLUSTER, node: NodeId(7) };
        assert_eq!(ClientIdentity::parse(&node.uri()), Err(IdentityError::NodeAsClient));
        assert_eq!(ClientIdentity::parse(&node.uri().to_uppercase().to_lowercase()), Err(IdentityError::NodeAsClient));
        assert_eq!(ClientIdentity::parse("spiffe://corp/billing").unwrap().uri(), "spiffe://corp/billing");
        for wrong in ["", "billing", "://billing", "spiffe://", "spiffe://a b", "spiffe://ä"] {
            assert_eq!(ClientIdentity::parse(wrong), Err(IdentityError::NotAClient), "{wrong}");
        }
    }

    #[test]
    fn the_root_client_is_of_one_cluster() {
        let account: AccountId = "000000000042".parse().unwrap();
        let root = ClientIdentity::root(CLUSTER, account);
        assert_eq!(root.uri(), "conclave://abababab-abab-abab-abab-abababababab/account/000000000042/root");
        assert_eq!(ClientIdentity::parse(root.uri()), Ok(root.clone()));
        assert_eq!(root.root_account(CLUSTER), Some(account));
        assert_eq!(root.root_account(ClusterId([1; 16])), None);
        let user = ClientIdentity::parse("conclave://abababab-abab-abab-abab-abababababab/account/000000000042/user/x");
        assert_eq!(user.unwrap().root_account(CLUSTER), None);
    }
}
