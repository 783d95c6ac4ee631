//! The AWS Signature Version 4 test suite.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use service::SignatureCheck;
use types::{ApiError, ErrorCode, Region, Timestamp};

use super::canonical::{canonical_request, hex_sha256, string_to_sign};
use super::{Expected, Received, SignedRequest, SigningKeys};

const VECTORS: &str = include_str!("../../../../tests/golden/sigv4/vectors.json");
const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_440_938_160_000);

/// Rightly signed requests that are refused: there are no sessions, and a token must be signed.
const REFUSED: [(&str, ErrorCode); 3] = [
    ("get-vanilla-with-session-token", ErrorCode::UnrecognizedClient),
    ("post-sts-token/post-sts-header-before", ErrorCode::UnrecognizedClient),
    ("post-sts-token/post-sts-header-after", ErrorCode::InvalidSignature),
];

#[derive(Deserialize)]
struct Vector {
    name: String,
    request: String,
    canonical_request: String,
    string_to_sign: String,
    authorization: String,
}

struct Parsed {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Parsed {
    /// Reads the request as the suite writes it: with characters in the target that HTTP does not allow, and with
    /// values over several lines, which RFC 9112 (5.2) lets a receiver join by spaces.
    fn new(vector: &Vector) -> Self {
        let (head, body) = vector.request.split_once("\n\n").unwrap_or((&vector.request, ""));
        let mut lines = head.lines();
        let request_line = lines.next().unwrap();
        let (method, rest) = request_line.split_once(' ').unwrap();
        let (target, _version) = rest.rsplit_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));

        let mut fields: Vec<(&str, String)> = Vec::new();
        for line in lines {
            match line.strip_prefix(' ') {
                Some(folded) => {
                    let value = &mut fields.last_mut().unwrap().1;
                    value.push(' ');
                    value.push_str(folded);
                }
                None => fields.push(line.split_once(':').map(|(name, value)| (name, value.to_owned())).unwrap()),
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap());
        }
        headers.insert(http::header::AUTHORIZATION, vector.authorization.parse().unwrap());
        Self { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
    }

    fn received(&self) -> Received<'_> {
        Received {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            authority: None,
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn verify(&self, secret: Option<(&[u8], u64)>) -> Result<(), ApiError> {
        let regions = [Region::parse("us-east-1").unwrap()];
        let expected = Expected { service: "service", regions: &regions, now: NOW };
        SignedRequest::parse(&self.received(), &expected, &Arc::new(SigningKeys::new()))?.verify(secret)
    }
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 34);
    vectors
}

fn signed_headers(vector: &Vector) -> Vec<&str> {
    let (_, rest) = vector.authorization.split_once("SignedHeaders=").unwrap();
    rest.split_once(',').unwrap().0.split(';').collect()
}

#[test]
fn canonical_requests_are_those_of_the_suite() {
    for vector in vectors() {
        let parsed = Parsed::new(&vector);
        let made = canonical_request(&parsed.received(), &signed_headers(&vector), &hex_sha256(&parsed.body));
        assert_eq!(String::from_utf8(made).unwrap(), vector.canonical_request, "{}", vector.name);
    }
}

#[test]
fn strings_to_sign_are_those_of_the_suite() {
    for vector in vectors() {
        let canonical = vector.canonical_request.as_bytes();
        let made = string_to_sign(b"20150830T123600Z", b"20150830", "us-east-1", "service", canonical);
        assert_eq!(String::from_utf8(made).unwrap(), vector.string_to_sign, "{}", vector.name);
    }
}

#[test]
fn authorizations_of_the_suite_are_accepted_or_refused_as_listed() {
    for vector in vectors() {
        let refused = REFUSED.iter().find(|(name, _)| *name == vector.name).map(|(_, code)| *code);
        let result = Parsed::new(&vector).verify(Some((SECRET, 1)));
        assert_eq!(result.err().map(|error| error.code), refused, "{}", vector.name);
    }
}

#[test]
fn no_authorization_of_the_suite_fits_another_secret_or_no_key() {
    for vector in vectors() {
        let parsed = Parsed::new(&vector);
        let wrong = parsed.verify(Some((b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ", 1))).unwrap_err();
        assert_eq!(wrong.code, ErrorCode::InvalidSignature, "{}", vector.name);
        if vector.name != "post-sts-token/post-sts-header-after" {
            assert_eq!(parsed.verify(None).unwrap_err().code, ErrorCode::UnrecognizedClient, "{}", vector.name);
        }
    }
}
