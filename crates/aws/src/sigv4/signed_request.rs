//! A signature whose form, date and scope are right, and that waits for its key's secret.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use service::SignatureCheck;
use subtle::ConstantTimeEq;
use types::{AccessKeyId, ApiError, ErrorCode, Region, Timestamp};

use super::authorization::{Authorization, incomplete, invalid, mismatch};
use super::canonical::{canonical_request, hex_sha256, string_to_sign};
use super::keys::{KeyName, SigningKeys, hmac_sha256};
use super::signed_date::SignedDate;

/// A request as it came, whole.
#[derive(Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// HTTP/2's `:authority`.
    pub(super) authority: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl<'a> Received<'a> {
    /// Puts a request's head and its whole body together.
    pub(crate) fn new(head: &'a Parts, body: &'a [u8]) -> Self {
        Self {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            authority: head.uri.authority().map(http::uri::Authority::as_str),
            headers: &head.headers,
            body,
        }
    }
}

/// What a signature must be scoped to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) service: &'static str,
    pub(crate) regions: &'a [Region],
    pub(crate) now: Timestamp,
}

/// A signed request that lacks nothing but the secret of its access key.
pub(crate) struct SignedRequest {
    access_key: AccessKeyId,
    day: [u8; 8],
    region: Region,
    service: &'static str,
    string_to_sign: Vec<u8>,
    signature: [u8; 32],
    has_session_token: bool,
    keys: Arc<SigningKeys>,
}

impl SignedRequest {
    /// Checks all that needs no secret, in AWS's order: form, date, scope, what is signed, payload.
    ///
    /// # Errors
    /// MissingAuthenticationToken, IncompleteSignature or InvalidSignature; UnrecognizedClient for an access key id
    /// that none can have.
    pub(crate) fn parse(
        received: &Received<'_>,
        expected: &Expected<'_>,
        keys: &Arc<SigningKeys>,
    ) -> Result<Self, ApiError> {
        if is_presigned(received.query) {
            return Err(incomplete(
                "Signatures in the query string are not accepted: sign the request in the Authorization header.",
            ));
        }
        let authorization = Authorization::from_headers(received.headers)?;
        let date = SignedDate::from_headers(received.headers)?;
        date.check_against(expected.now)?;
        if authorization.date.as_bytes() != date.day() {
            return Err(invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
            ));
        }
        if authorization.service != expected.service {
            let text = format!("Credential should be scoped to correct service: '{}'.", expected.service);
            return Err(ApiError::new(ErrorCode::InvalidSignature, text));
        }
        let Some(region) = expected.regions.iter().find(|region| region.as_str() == authorization.region) else {
            return Err(invalid("Credential should be scoped to a valid region."));
        };
        if let Some(name) = unsigned_header(received, &authorization) {
            let text = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(ApiError::new(ErrorCode::InvalidSignature, text));
        }
        let payload_hash = hex_sha256(received.body);
        if received.headers.get_all("x-amz-content-sha256").iter().any(|claimed| claimed.as_bytes() != payload_hash) {
            return Err(mismatch());
        }
        let access_key = AccessKeyId::parse(authorization.access_key).ok_or(ErrorCode::UnrecognizedClient)?;

        let canonical = canonical_request(received, &authorization.signed_headers, &payload_hash);
        let day = date.day();
        Ok(Self {
            access_key,
            day,
            region: region.clone(),
            service: expected.service,
            string_to_sign: string_to_sign(date.text(), &day, region.as_str(), expected.service, &canonical),
            signature: authorization.signature,
            has_session_token: received.headers.contains_key("x-amz-security-token"),
            keys: keys.clone(),
        })
    }

    /// The region that the request was signed for, one of the expected ones.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }
}

impl SignatureCheck for SignedRequest {
    fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key
    }

    fn verify(&self, secret: Option<(&[u8], u64)>) -> Result<(), ApiError> {
        let key = match secret {
            Some((secret, changed_at)) => {
                let (access_key, region) = (self.access_key.clone(), self.region.clone());
                self.keys.key(KeyName { access_key, changed_at, day: self.day, region, service: self.service }, secret)
            }
            None => self.keys.decoy(),
        };
        let expected = hmac_sha256(key.expose_secret(), &self.string_to_sign);
        let fits = bool::from(expected.ct_eq(&self.signature));
        match secret {
            None => Err(ErrorCode::UnrecognizedClient.into()),
            Some(_) if !fits => Err(mismatch()),
            // There are no sessions, so no token is valid. The signature comes first: who lacks the secret learns nothing.
            Some(_) if self.has_session_token => Err(ErrorCode::UnrecognizedClient.into()),
            Some(_) => Ok(()),
        }
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedRequest({})", self.access_key.as_str())
    }
}

fn is_presigned(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("X-Amz-Algorithm=") || pair.starts_with("X-Amz-Signature="))
}

/// The first header that a signature must cover and does not: `host`, and all that AWS or we give a meaning: nobody on
/// the way may ask for a weaker read than the sender. The user agent is exempt because proxies and SDKs rewrite it, and `content-type` because the SDKs for PHP and JavaScript 2
/// do not sign it and nothing depends on it but the refusal of other protocols.
fn unsigned_header<'a>(received: &Received<'a>, authorization: &Authorization<'_>) -> Option<&'a str> {
    if !authorization.signs("host") {
        return Some("host");
    }
    let mut meaningful = received
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") || name.starts_with("x-conclave-"))
        .filter(|name| *name != "x-amz-user-agent");
    meaningful.find(|name| !authorization.signs(name))
}
