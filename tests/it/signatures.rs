//! Requests that are not signed as they should be, each with AWS's own code; the signer is AWS's.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;
use testkit::Cluster;
use testkit::signed::Answer;

const MINUTE: Duration = Duration::from_secs(60);

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_signed_as_it_should_be_gets_awss_own_code() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let first = cluster.signed(ids[0]).unwrap();
    let token = uuid::Uuid::new_v4().to_string();
    let created = json!({"Name": "signed", "SecretString": "value", "ClientRequestToken": token});
    assert_eq!(first.call("CreateSecret", &created).await.unwrap().status, StatusCode::OK);

    for id in ids {
        let good = cluster.signed(id).unwrap();
        let now = SystemTime::now();
        let body = json!({"SecretId": "signed"}).to_string();
        let request = || good.request("GetSecretValue", &body);
        let sent = |request: Request<Bytes>| good.send(request);

        let answer = sent(good.sign(request(), now).unwrap()).await.unwrap();
        assert_eq!((answer.status, answer.json().unwrap()["SecretString"].clone()), (StatusCode::OK, json!("value")));

        let wrong_key = good.with_secret("wrong");
        refused(&sent(wrong_key.sign(request(), now).unwrap()).await.unwrap(), "InvalidSignatureException");

        let unknown_key = good.with_key("AKIAIOSFODNN7EXAMPLE", "secret");
        refused(&sent(unknown_key.sign(request(), now).unwrap()).await.unwrap(), "UnrecognizedClientException");

        let mut tampered = good.sign(request(), now).unwrap();
        *tampered.body_mut() = body.replace("signed", "signes").into();
        refused(&sent(tampered).await.unwrap(), "InvalidSignatureException");

        let mut other_operation = good.sign(request(), now).unwrap();
        other_operation.headers_mut().insert("x-amz-target", HeaderValue::from_static("secretsmanager.DeleteSecret"));
        refused(&sent(other_operation).await.unwrap(), "InvalidSignatureException");

        for off in [now - 20 * MINUTE, now + 20 * MINUTE] {
            refused(&sent(good.sign(request(), off).unwrap()).await.unwrap(), "InvalidSignatureException");
        }
        for close in [now - 10 * MINUTE, now + 10 * MINUTE] {
            assert_eq!(sent(good.sign(request(), close).unwrap()).await.unwrap().status, StatusCode::OK);
        }

        refused(&sent(request()).await.unwrap(), "MissingAuthenticationTokenException");

        let mut unreadable = good.sign(request(), now).unwrap();
        unreadable
            .headers_mut()
            .insert("authorization", HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=nobody"));
        refused(&sent(unreadable).await.unwrap(), "IncompleteSignatureException");

        let elsewhere = good.in_region("mars-north-1");
        let answer = sent(elsewhere.sign(request(), now).unwrap()).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a region that the cluster does not serve: {}", answer.body);

        // Another region of the cluster is another namespace.
        let other_region = good.in_region("eu-west-1");
        refused(&sent(other_region.sign(request(), now).unwrap()).await.unwrap(), "ResourceNotFoundException");
    }
}

fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{code}: {}", answer.body);
    assert_eq!(answer.error_code(), code, "{}", answer.body);
    assert_eq!(answer.headers["x-amzn-errortype"], code);
    assert!(answer.headers.contains_key("x-amzn-requestid"));
    assert!(answer.headers.contains_key("date"), "SDKs correct their clocks by it");
    assert!(!answer.body.contains("value"), "{}", answer.body);
}
