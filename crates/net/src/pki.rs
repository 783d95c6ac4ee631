//! Certificate authorities and the certificates they issue: nodes, servers, clients.
//!
//! ECDSA P-256 throughout. Time is an argument; keys and serial numbers are drawn from the system. A certificate
//! is valid from an hour before `now`, for machines whose clocks differ.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName};
use types::{ClusterId, NodeId};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::identity::{ClientIdentity, IdentityError, PeerIdentity};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a certificate authority is valid.
pub const AUTHORITY_VALIDITY: Duration = DAY.saturating_mul(3_650);
/// How long an issued certificate is valid.
pub const LEAF_VALIDITY: Duration = DAY.saturating_mul(365);
/// How far before `now` validity begins.
pub const CLOCK_SLACK: Duration = Duration::from_secs(3_600);
/// Bytes of a serial number; RFC 5280 (4.1.2.2) allows twenty.
const SERIAL_BYTES: usize = 16;
/// Characters of a common name (RFC 5280, `ub-common-name`).
const COMMON_NAME_CHARS: usize = 64;

/// A certificate that could not be issued, or an authority that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// Neither a DNS name nor an IP address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Host(String),
    /// A server needs at least one name.
    #[error("a server certificate needs a host name or an IP address")]
    NoHost,
    /// Empty, or more than 64 characters.
    #[error("a common name has 1 to 64 characters")]
    CommonName,
    /// The URI does not name a client.
    #[error("the client's URI is refused")]
    ClientUri(#[source] IdentityError),
    /// The text holds no certificate.
    #[error("the authority's certificate cannot be read")]
    Certificate,
    /// The certificate may not sign others.
    #[error("the certificate is not that of a certificate authority")]
    NotAnAuthority,
    /// The text holds no key that can sign.
    #[error("the authority's private key cannot be read")]
    Key(#[source] rcgen::Error),
    /// The key is not the certificate's.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The system has no randomness.
    #[error("the system's random number generator failed")]
    Random(#[source] getrandom::Error),
    /// Generating a key or signing failed.
    #[error("the certificate cannot be made")]
    Issue(#[source] rcgen::Error),
}

/// A private key as PKCS #8 PEM: zeroed when dropped, printed by name only.
pub struct PrivateKeyPem(Zeroizing<String>);

impl PrivateKeyPem {
    /// Takes ownership of PEM text, such as a file's. It is read when it is used.
    pub fn new(pem: String) -> Self {
        Self(Zeroizing::new(pem))
    }

    /// The PEM text.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem")
    }
}

/// A certificate and its private key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate, PEM. The authority that signed it is not appended.
    pub certificate: String,
    /// Its key.
    pub key: PrivateKeyPem,
}

/// A certificate authority that signs leaf certificates and no other authorities.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: Zeroizing<KeyPair>,
    key_pem: PrivateKeyPem,
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateAuthority")
    }
}

impl CertificateAuthority {
    /// Makes an authority with a new key, valid for [`AUTHORITY_VALIDITY`].
    ///
    /// # Errors
    /// [`PkiError`] for a bad common name, or when the system cannot draw a key.
    pub fn create(common_name: &str, now: SystemTime) -> Result<Self, PkiError> {
        let mut params = params(common_name, now, AUTHORITY_VALIDITY)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = Zeroizing::new(KeyPair::generate().map_err(PkiError::Issue)?);
        let certificate = params.self_signed(&*key).map_err(PkiError::Issue)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            certificate: certificate.into(),
            key_pem: PrivateKeyPem::new(key.serialize_pem()),
            key,
        })
    }

    /// Reads an authority from its certificate and key.
    ///
    /// # Errors
    /// [`PkiError`] when either cannot be read, the certificate may not sign, or the key is of another one.
    pub fn from_pem(certificate: &str, key: PrivateKeyPem) -> Result<Self, PkiError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| PkiError::Certificate)?;
        let pair = Zeroizing::new(KeyPair::from_pem(key.expose_secret()).map_err(PkiError::Key)?);
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| PkiError::Certificate)?;
        if !parsed.is_ca() {
            return Err(PkiError::NotAnAuthority);
        }
        if *parsed.public_key().subject_public_key.data != *pair.public_key_raw() {
            return Err(PkiError::KeyMismatch);
        }
        Ok(Self { certificate: der, certificate_pem: certificate.to_owned(), key: pair, key_pem: key })
    }

    /// The authority's certificate and its key, PEM. The certificate is what others trust; the key signs.
    pub fn to_pem(&self) -> (&str, &PrivateKeyPem) {
        (&self.certificate_pem, &self.key_pem)
    }

    /// Issues the certificate of a node: a client and a server of the peer port, named by its URI. `hosts` are
    /// added for other tools; peers do not look at them.
    ///
    /// # Errors
    /// [`PkiError`] for a bad host, or when the system cannot draw a key.
    pub fn issue_node(
        &self,
        cluster: ClusterId,
        node: NodeId,
        hosts: &[String],
        now: SystemTime,
    ) -> Result<Issued, PkiError> {
        let mut names = host_names(hosts)?;
        names.push(uri_name(&PeerIdentity { cluster, node }.uri())?);
        let usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&format!("conclave node {node}"), names, usages, now)
    }

    /// Issues the certificate of a client port, for the names that clients dial.
    ///
    /// # Errors
    /// [`PkiError`] for a bad host or none, or when the system cannot draw a key.
    pub fn issue_server(&self, hosts: &[String], now: SystemTime) -> Result<Issued, PkiError> {
        if hosts.is_empty() {
            return Err(PkiError::NoHost);
        }
        self.issue("conclave server", host_names(hosts)?, vec![ExtendedKeyUsagePurpose::ServerAuth], now)
    }

    /// Issues the certificate of a client that `uri` names, such as [`ClientIdentity::root`].
    ///
    /// # Errors
    /// [`PkiError`] for a URI that names no client, a bad common name, or when the system cannot draw a key.
    pub fn issue_client(&self, uri: &str, common_name: &str, now: SystemTime) -> Result<Issued, PkiError> {
        let identity = ClientIdentity::parse(uri).map_err(PkiError::ClientUri)?;
        let names = vec![uri_name(identity.uri())?];
        self.issue(common_name, names, vec![ExtendedKeyUsagePurpose::ClientAuth], now)
    }

    fn issue(
        &self,
        common_name: &str,
        names: Vec<SanType>,
        usages: Vec<ExtendedKeyUsagePurpose>,
        now: SystemTime,
    ) -> Result<Issued, PkiError> {
        let mut params = params(common_name, now, LEAF_VALIDITY)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        params.subject_alt_names = names;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &*self.key).map_err(PkiError::Issue)?;
        let key = Zeroizing::new(KeyPair::generate().map_err(PkiError::Issue)?);
        let certificate = params.signed_by(&*key, &issuer).map_err(PkiError::Issue)?;
        Ok(Issued { certificate: certificate.pem(), key: PrivateKeyPem::new(key.serialize_pem()) })
    }
}

fn params(common_name: &str, now: SystemTime, validity: Duration) -> Result<CertificateParams, PkiError> {
    if !(1..=COMMON_NAME_CHARS).contains(&common_name.chars().count()) {
        return Err(PkiError::CommonName);
    }
    let mut serial = [0u8; SERIAL_BYTES];
    getrandom::fill(&mut serial).map_err(PkiError::Random)?;
    // A serial number is positive and its encoding minimal: the first byte is neither zero nor has the sign bit.
    serial[0] = serial[0] & 0x7f | 0x40;

    let mut params = CertificateParams::default();
    params.not_before = (now - CLOCK_SLACK).into();
    params.not_after = (now + validity).into();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn host_names(hosts: &[String]) -> Result<Vec<SanType>, PkiError> {
    hosts.iter().map(|host| host_name(host).ok_or_else(|| PkiError::Host(host.clone()))).collect()
}

fn host_name(host: &str) -> Option<SanType> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(SanType::IpAddress(address));
    }
    DnsName::try_from(host).ok()?;
    Ia5String::try_from(host).ok().map(SanType::DnsName)
}

fn uri_name(uri: &str) -> Result<SanType, PkiError> {
    Ia5String::try_from(uri).map(SanType::URI).map_err(PkiError::Issue)
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::ParsedExtension;

    use super::*;

    const CLUSTER: ClusterId = ClusterId([7; 16]);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn authority() -> CertificateAuthority {
        CertificateAuthority::create("test CA", now()).unwrap()
    }

    fn with_parsed<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        look(&X509Certificate::from_der(&der).unwrap().1)
    }

    fn key_ids(certificate: &X509Certificate<'_>) -> (Vec<u8>, Vec<u8>) {
        let mut ids = (Vec::new(), Vec::new());
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => ids.0 = id.0.to_vec(),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    ids.1 = id.key_identifier.as_ref().unwrap().0.to_vec();
                }
                _ => {}
            }
        }
        ids
    }

    #[test]
    fn an_authority_signs_leaves_only_and_for_ten_years() {
        with_parsed(authority().to_pem().0, |ca| {
            let constraints = ca.basic_constraints().unwrap().unwrap();
            assert!(constraints.critical && constraints.value.ca);
            assert_eq!(constraints.value.path_len_constraint, Some(0));
            let usage = ca.key_usage().unwrap().unwrap().value;
            assert!(usage.key_cert_sign() && !usage.digital_signature());
            assert_eq!(ca.validity().not_before.timestamp(), 1_790_000_000 - 3_600);
            assert_eq!(ca.validity().not_after.timestamp(), 1_790_000_000 + 3_650 * 86_400);
            assert!(!key_ids(ca).0.is_empty());
        });
    }

    #[test]
    fn leaves_carry_their_names_usages_and_key_ids() {
        let ca = authority();
        let hosts = ["node-1.internal".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
        let node = ca.issue_node(CLUSTER, NodeId(1), &hosts, now()).unwrap();
        let authority_id = with_parsed(ca.to_pem().0, |ca| key_ids(ca).0);
        with_parsed(&node.certificate, |leaf| {
            let usage = leaf.extended_key_usage().unwrap().unwrap().value;
            assert!(usage.server_auth && usage.client_auth);
            assert_eq!(leaf.subject_alternative_name().unwrap().unwrap().value.general_names.len(), 4);
            assert_eq!(leaf.validity().not_after.timestamp(), 1_790_000_000 + 365 * 86_400);
            assert!(!leaf.is_ca());
            let (own, authority) = key_ids(leaf);
            assert_eq!(authority, authority_id);
            assert_ne!(own, authority);
            assert_eq!(leaf.raw_serial().len(), SERIAL_BYTES);
        });
        let der = CertificateDer::from_pem_slice(node.certificate.as_bytes()).unwrap();
        let named = PeerIdentity::from_certificate(&der).unwrap();
        assert_eq!(named, PeerIdentity { cluster: CLUSTER, node: NodeId(1) });
        assert_eq!(ClientIdentity::from_certificate(&der), Err(IdentityError::NodeAsClient));

        let server = ca.issue_server(&hosts, now()).unwrap();
        with_parsed(&server.certificate, |leaf| {
            let usage = leaf.extended_key_usage().unwrap().unwrap().value;
            assert!(usage.server_auth && !usage.client_auth);
        });
        let der = CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap();
        assert_eq!(PeerIdentity::from_certificate(&der), Err(IdentityError::NotOneUri));

        let client = ca.issue_client("spiffe://corp/billing", "billing", now()).unwrap();
        with_parsed(&client.certificate, |leaf| {
            let usage = leaf.extended_key_usage().unwrap().unwrap().value;
            assert!(!usage.server_auth && usage.client_auth);
        });
    }

    #[test]
    fn a_certificate_with_two_uris_names_nobody() {
        let ca = authority();
        let names = ["conclave://07070707-0707-0707-0707-070707070707/node/1", "spiffe://corp/billing"]
            .map(|uri| uri_name(uri).unwrap());
        let issued = ca.issue("two", names.to_vec(), vec![ExtendedKeyUsagePurpose::ClientAuth], now()).unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
        assert_eq!(PeerIdentity::from_certificate(&der), Err(IdentityError::NotOneUri));
        assert_eq!(ClientIdentity::from_certificate(&der), Err(IdentityError::NotOneUri));
        let mut longer = der.to_vec();
        longer.push(0);
        assert_eq!(PeerIdentity::from_certificate(&longer.into()), Err(IdentityError::Malformed));
    }

    #[test]
    fn an_authority_comes_back_from_its_pem() {
        let ca = authority();
        let (certificate, key) = ca.to_pem();
        let copy = |key: &PrivateKeyPem| PrivateKeyPem::new(key.expose_secret().to_owned());
        let again = CertificateAuthority::from_pem(certificate, copy(key)).unwrap();
        let leaf = again.issue_server(&["localhost".to_owned()], now()).unwrap();
        with_parsed(certificate, |ca| {
            with_parsed(&leaf.certificate, |leaf| {
                assert_eq!(leaf.issuer().as_raw(), ca.subject().as_raw());
                leaf.verify_signature(Some(ca.public_key())).unwrap();
            });
        });

        let other = authority();
        let mixed = CertificateAuthority::from_pem(certificate, copy(other.to_pem().1));
        assert!(matches!(mixed, Err(PkiError::KeyMismatch)));
        let not_ca = CertificateAuthority::from_pem(&leaf.certificate, copy(&leaf.key));
        assert!(matches!(not_ca, Err(PkiError::NotAnAuthority)));
        assert!(matches!(CertificateAuthority::from_pem("", copy(key)), Err(PkiError::Certificate)));
    }

    #[test]
    fn bad_names_are_refused() {
        let ca = authority();
        for host in ["", "a b", "https://x", "x:7400", "ä.example"] {
            assert!(matches!(ca.issue_server(&[host.to_owned()], now()), Err(PkiError::Host(_))), "{host}");
        }
        assert!(matches!(ca.issue_server(&[], now()), Err(PkiError::NoHost)));
        let node = PeerIdentity { cluster: CLUSTER, node: NodeId(1) }.uri();
        assert!(matches!(ca.issue_client(&node, "x", now()), Err(PkiError::ClientUri(_))));
        assert!(matches!(CertificateAuthority::create("", now()), Err(PkiError::CommonName)));
    }

    #[test]
    fn keys_and_serials_are_unique_and_keys_are_not_printed() {
        let ca = authority();
        let issue = || ca.issue_client("spiffe://corp/billing", "billing", now()).unwrap();
        let (a, b) = (issue(), issue());
        assert_ne!(a.key.expose_secret(), b.key.expose_secret());
        let serial = |pem: &str| with_parsed(pem, |c| c.raw_serial().to_vec());
        assert_ne!(serial(&a.certificate), serial(&b.certificate));
        assert!(a.key.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(format!("{a:?}{ca:?}").contains("PrivateKeyPem"));
        assert!(!format!("{a:?}{ca:?}").contains("BEGIN PRIVATE"));
    }
}
