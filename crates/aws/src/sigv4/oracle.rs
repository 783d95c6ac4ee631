//! AWS's own signer against the verifier.

use std::sync::Arc;

use http::request::Parts;
use proptest::prelude::*;
use service::SignatureCheck;
use types::{ApiError, ErrorCode, Region};

use super::aws_signer::{ACCESS_KEY, Draft, NOW, SECRET};
use super::{Expected, Received, SignedRequest, SigningKeys};

fn verify(head: &Parts, body: &[u8]) -> Result<(), ApiError> {
    verify_with(head, body, Some((SECRET.as_bytes(), 1)), &Arc::new(SigningKeys::new()))
}

fn verify_with(
    head: &Parts,
    body: &[u8],
    secret: Option<(&[u8], u64)>,
    keys: &Arc<SigningKeys>,
) -> Result<(), ApiError> {
    let regions = ["eu-central-1", "us-east-1"].map(|region| Region::parse(region).unwrap());
    let expected = Expected { service: "secretsmanager", regions: &regions, now: NOW };
    let signed = SignedRequest::parse(&Received::new(head, body), &expected, keys)?;
    assert_eq!(signed.access_key_id().as_str(), ACCESS_KEY);
    signed.verify(secret)
}

#[track_caller]
fn refused(head: &Parts, body: &[u8], code: ErrorCode) {
    assert_eq!(verify(head, body).unwrap_err().code, code);
}

prop_compose! {
    fn query()(pairs in prop::collection::vec(("[a-zA-Z0-9%~_.-]{0,6}", any::<Option<String>>()), 0..5)) -> String {
        let encoded = |text: &str| percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string();
        let pairs = pairs.iter().map(|(name, value)| match value {
            Some(value) => format!("{}={}", encoded(name), encoded(value)),
            None => format!("x{}", encoded(name)),
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}

prop_compose! {
    fn draft()(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]),
        path in "(/[a-zA-Z0-9._~:@!$'()*,;=-]{0,5}|/%[2-7][0-9A-F]|/\\.\\.|/\\.){1,5}/?",
        query in query(),
        values in prop::collection::vec("[ a-zA-Z0-9\"',;=/:_-]{0,20}", 0..5),
        repeated in prop::collection::vec("[a-z0-9 ]{1,8}", 0..4),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) -> Draft {
        let mut draft = Draft::usual();
        draft.method = method;
        draft.target = if query.is_empty() { path } else { format!("{path}?{query}") };
        draft.headers.extend(values.into_iter().enumerate().map(|(n, value)| (format!("x-amz-meta-{n}"), value)));
        draft.headers.extend(repeated.into_iter().map(|value| ("my-repeated".to_owned(), value)));
        draft.body = body;
        draft
    }
}

/// One byte of something that is signed, changed into another that does not fold into the same form.
fn mutate(head: &mut Parts, body: &mut Vec<u8>, which: usize, at: usize) {
    let changed = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let letters: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i].is_ascii_alphanumeric()).collect();
        match letters.is_empty() {
            true => bytes.push(b'q'),
            false => {
                let letter = &mut bytes[letters[at % letters.len()]];
                *letter = if *letter == b'q' { b'w' } else { b'q' };
            }
        }
        http::HeaderValue::from_bytes(&bytes).unwrap()
    };
    match which {
        0 => head.method = if head.method == "GET" { "POST" } else { "GET" }.parse().unwrap(),
        1 => {
            let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            head.uri = format!("{}/q{query}", head.uri.path()).parse().unwrap();
        }
        2 => {
            let query = head.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
            head.uri = format!("{}?{query}q=1", head.uri.path()).parse().unwrap();
        }
        3 if body.is_empty() => body.push(0),
        3 => {
            let at = at % body.len();
            body[at] ^= 1 << (at % 8);
        }
        4 => {
            head.headers.append("x-amz-target", "q".parse().unwrap());
        }
        _ => {
            let signed: Vec<_> = head.headers.keys().filter(|name| *name != "authorization").cloned().collect();
            let name = &signed[which % signed.len()];
            let value = changed(head.headers[name].to_str().unwrap());
            head.headers.insert(name, value);
        }
    }
}

proptest! {
    #[test]
    fn what_aws_signs_is_accepted_and_any_change_to_it_is_not(draft in draft(), which in 0_usize..16, at in any::<usize>()) {
        let mut head = draft.signed("us-east-1", "secretsmanager");
        prop_assert_eq!(verify(&head, &draft.body), Ok(()));

        let mut body = draft.body.clone();
        let before = format!("{head:?}");
        mutate(&mut head, &mut body, which, at);
        prop_assume!(before != format!("{head:?}") || body != draft.body);
        prop_assert!(verify(&head, &body).is_err(), "{:?}", head);
    }

    #[test]
    fn every_digit_of_the_signature_counts(at in 0_usize..64) {
        let draft = Draft::usual();
        let mut head = draft.signed("us-east-1", "secretsmanager");
        let mut header = head.headers["authorization"].as_bytes().to_vec();
        let digit = header.len() - 64 + at;
        header[digit] = if header[digit] == b'0' { b'1' } else { b'0' };
        head.headers.insert("authorization", http::HeaderValue::from_bytes(&header).unwrap());
        refused(&head, &draft.body, ErrorCode::InvalidSignature);
    }
}

#[test]
fn the_authority_of_http2_stands_for_the_host() {
    let draft = Draft::usual();
    let mut head = draft.signed("us-east-1", "secretsmanager");
    head.headers.remove("host");
    refused(&head, &draft.body, ErrorCode::InvalidSignature);
    head.uri = "https://localhost:7400/".parse().unwrap();
    assert_eq!(verify(&head, &draft.body), Ok(()));
    head.uri = "https://localhost:7401/".parse().unwrap();
    refused(&head, &draft.body, ErrorCode::InvalidSignature);
}

#[test]
fn the_scope_must_be_one_of_ours() {
    let draft = Draft::usual();
    let message = |region, service| verify(&draft.signed(region, service), &draft.body).unwrap_err();
    for (region, service, text) in [
        ("us-east-1", "kms", "Credential should be scoped to correct service: 'secretsmanager'."),
        ("us-east-9", "secretsmanager", "Credential should be scoped to a valid region."),
        ("", "secretsmanager", "Credential should be scoped to a valid region."),
    ] {
        assert_eq!(message(region, service), ApiError::new(ErrorCode::InvalidSignature, text));
    }
    assert_eq!(verify(&draft.signed("eu-central-1", "secretsmanager"), &draft.body), Ok(()));
}

#[test]
fn the_day_of_the_scope_is_the_day_of_the_date() {
    let draft = Draft::usual();
    let mut head = draft.signed("us-east-1", "secretsmanager");
    let header = head.headers["authorization"].to_str().unwrap().replace("20240924", "20240923");
    head.headers.insert("authorization", header.parse().unwrap());
    let error = verify(&head, &draft.body).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidSignature);
    assert!(error.message.starts_with("Date in Credential scope does not match"), "{error}");
}

#[test]
fn headers_that_mean_something_must_be_signed() {
    let draft = Draft::usual();
    for name in ["x-amz-security-token", "x-amz-meta-x"] {
        let mut head = draft.signed("us-east-1", "secretsmanager");
        head.headers.insert(name, "late".parse().unwrap());
        refused(&head, &draft.body, ErrorCode::InvalidSignature);
    }
    let mut head = draft.signed("us-east-1", "secretsmanager");
    for name in
        ["user-agent", "x-amz-user-agent", "amz-sdk-request", "amz-sdk-invocation-id", "x-amzn-trace-id", "accept"]
    {
        head.headers.insert(name, "changed by a proxy".parse().unwrap());
    }
    assert_eq!(verify(&head, &draft.body), Ok(()));
}

#[test]
fn a_claimed_payload_hash_must_be_the_payloads() {
    let mut draft = Draft::usual();
    for (claimed, accepted) in [
        ("c9fbb9a7ca10a3dd6e36a68ea1c8a95ee79d7d0c0b5ba1ec1da3a39c7eeee0a1".to_owned(), false),
        ("UNSIGNED-PAYLOAD".to_owned(), false),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(), false),
        (String::from_utf8(super::canonical::hex_sha256(&draft.body).to_vec()).unwrap(), true),
    ] {
        draft.headers.push(("x-amz-content-sha256".to_owned(), claimed.clone()));
        let head = draft.signed("us-east-1", "secretsmanager");
        assert_eq!(verify(&head, &draft.body).is_ok(), accepted, "{claimed}");
        draft.headers.pop();
    }
}

#[test]
fn signatures_in_the_query_are_refused() {
    let mut draft = Draft::usual();
    for query in ["X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Date=20240924T111811Z&X-Amz-Signature=00"] {
        draft.target = format!("/?{query}");
        let mut head = draft.signed("us-east-1", "secretsmanager");
        refused(&head, &draft.body, ErrorCode::IncompleteSignature);
        head.headers.remove("authorization");
        refused(&head, &draft.body, ErrorCode::IncompleteSignature);
    }
}

#[test]
fn absent_and_repeated_authorizations_have_their_own_answers() {
    let draft = Draft::usual();
    let mut head = draft.signed("us-east-1", "secretsmanager");
    let header = head.headers["authorization"].clone();
    head.headers.append("authorization", header);
    refused(&head, &draft.body, ErrorCode::IncompleteSignature);
    head.headers.remove("authorization");
    let error = verify(&head, &draft.body).unwrap_err();
    assert_eq!(error, ApiError::new(ErrorCode::MissingAuthenticationToken, "Missing Authentication Token"));
}

#[test]
fn unknown_keys_and_tokens_have_one_answer() {
    let draft = Draft::usual();
    let head = draft.signed("us-east-1", "secretsmanager");
    let keys = Arc::new(SigningKeys::new());
    let unknown = verify_with(&head, &draft.body, None, &keys).unwrap_err();
    assert_eq!(unknown.message, "The security token included in the request is invalid.");

    let mut with_token = draft.clone();
    with_token.headers.push(("x-amz-security-token".to_owned(), "FwoGZXIvYXdzE".to_owned()));
    let head = with_token.signed("us-east-1", "secretsmanager");
    assert_eq!(verify_with(&head, &draft.body, Some((SECRET.as_bytes(), 1)), &keys), Err(unknown));
    let wrong = verify_with(&head, &draft.body, Some((b"another", 2)), &keys).unwrap_err();
    assert_eq!(wrong.code, ErrorCode::InvalidSignature);
}

#[test]
fn a_changed_secret_counts_at_once() {
    let draft = Draft::usual();
    let head = draft.signed("us-east-1", "secretsmanager");
    let keys = Arc::new(SigningKeys::new());
    for _ in 0..2 {
        assert_eq!(verify_with(&head, &draft.body, Some((SECRET.as_bytes(), 1)), &keys), Ok(()));
        assert!(verify_with(&head, &draft.body, Some((b"rotated", 2)), &keys).is_err());
    }
}
