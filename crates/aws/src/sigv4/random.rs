//! Whatever stands in the headers, a request is verified or refused.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use service::SignatureCheck;
use types::{ErrorCode, Region};

use super::aws_signer::{Draft, NOW, SECRET};
use super::{Expected, Received, SignedRequest, SigningKeys};

fn authorization() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "AWS4-HMAC-SHA256 ",
        "Credential=",
        "AKID/20150830/us-east-1/secretsmanager/aws4_request",
        "SignedHeaders=",
        "host;x-amz-date",
        "Signature=",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ",",
        ", ",
        "/",
        ";",
        "=",
    ]);
    prop::collection::vec(prop_oneof![6 => part.prop_map(str::to_owned), 1 => "[ -~]{0,8}"], 0..12)
        .prop_map(|parts| parts.concat())
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{8}T[0-9]{6}Z",
        "[0-9T]{15}Z",
        "(Mon|Xyz), [0-9]{1,2} (Sep|Zzz) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})",
        "[ -~]{0,20}",
    ]
}

fn verify(request: Request<()>, body: &[u8]) {
    let head = request.into_parts().0;
    let regions = [Region::parse("us-east-1").unwrap()];
    let expected = Expected { service: "secretsmanager", regions: &regions, now: NOW };
    let signed = SignedRequest::parse(&Received::new(&head, body), &expected, &Arc::new(SigningKeys::new()));
    let refused = match signed {
        Ok(signed) => {
            assert_eq!(signed.verify(None).unwrap_err().code, ErrorCode::UnrecognizedClient);
            signed.verify(Some((SECRET.as_bytes(), 1))).err()
        }
        Err(error) => Some(error),
    };
    assert!(refused.is_none_or(|error| !error.message.is_empty() && error.message.len() < 400));
}

proptest! {
    #[test]
    fn no_headers_panic(
        authorization in authorization(),
        date in date(),
        other in prop::collection::vec(("(x-amz-)?[a-z]{1,4}", prop::collection::vec(0x20_u8..=0xff, 0..12)), 0..4),
        target in "(/[!-~]{0,12})?",
    ) {
        let uri = if target.is_empty() { "*".to_owned() } else { target };
        let mut request = Request::new(());
        // Others do not get past the HTTP server.
        if let Ok(uri) = uri.parse() {
            *request.uri_mut() = uri;
        }
        *request.method_mut() = Method::POST;
        let mut add = |name: &str, value: &[u8]| {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                request.headers_mut().append(name, value);
            }
        };
        add("authorization", authorization.as_bytes());
        add("x-amz-date", date.as_bytes());
        add("host", b"localhost");
        for (name, value) in &other {
            add(name, value);
        }
        verify(request, b"{}");
    }

    #[test]
    fn no_changed_byte_of_a_signed_request_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let draft = Draft::usual();
        let mut head = draft.signed("us-east-1", "secretsmanager");
        let names: Vec<HeaderName> = head.headers.keys().cloned().collect();
        let name = &names[which.index(names.len())];
        let mut value = head.headers[name].as_bytes().to_vec();
        if !value.is_empty() {
            let at = at.index(value.len());
            value[at] = byte;
        }
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            head.headers.insert(name, value);
        }
        verify(Request::from_parts(head, ()), &draft.body);
    }
}
