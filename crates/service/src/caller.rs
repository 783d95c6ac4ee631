//! Who claims to send a request, before the state has confirmed it.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use types::{AccessKeyId, ApiError, Region};

/// A signature that waits for its access key's secret.
pub trait SignatureCheck: Send + Sync {
    /// The access key that the request names.
    fn access_key_id(&self) -> &AccessKeyId;

    /// Checks the signature with the key's secret, or does the same work for an unknown key.
    ///
    /// `changed_at` is the log index of the key's last change, for caches of derived keys.
    ///
    /// # Errors
    /// InvalidSignature for a known key, UnrecognizedClient when `secret` is `None`.
    fn verify(&self, secret: Option<(&[u8], u64)>) -> Result<(), ApiError>;
}

/// What a request brings to prove its sender.
pub enum Credential {
    /// The URI SAN of a verified client certificate.
    Certificate(String),
    /// A SigV4 signature whose form, date and scope have been checked.
    Signature(Box<dyn SignatureCheck>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(uri) => write!(f, "Certificate({uri})"),
            Self::Signature(check) => write!(f, "Signature({})", check.access_key_id().as_str()),
        }
    }
}

/// One request's sender, region and arrival.
#[derive(Debug)]
pub struct Caller {
    /// The proof.
    pub credential: Credential,
    /// The region that the request was signed for or names.
    pub region: Region,
    /// The [`types::Consistency`] that the request asks for, as it stands there.
    pub consistency: Option<String>,
    /// The id in the answer and in the record.
    pub request_id: String,
    /// The address that the connection came from, where the front knows it.
    pub peer: Option<IpAddr>,
    /// When it arrived; the deadline counts from here.
    pub arrived: Instant,
}

/// A use case's output with the log index of the state that it shows.
#[derive(Debug)]
pub struct Answer<T> {
    /// The output.
    pub output: T,
    /// The state is that of this log index or a later one.
    pub applied_index: u64,
    /// Of a stale read: the state holds every write that was acknowledged so long before it, or earlier.
    pub age: Option<Duration>,
}
