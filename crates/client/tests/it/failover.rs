//! What the client repeats, where, and what it says when nothing helps.

use std::time::Duration;

use client::{Client, CreateSecret, Error, ErrorCode, PutSecretValue, SecretValue, UpdateSecret};
use tonic::Code;

use crate::server::{Link, Node, Pki, Say, dead};

const UNAVAILABLE: Say = Say::Error(ErrorCode::ServiceUnavailable);
const THROTTLED: Say = Say::Error(ErrorCode::Throttling);
const UNKNOWN: Say = Say::Error(ErrorCode::OutcomeUnknown);
/// Far longer than anything takes that answers.
const SOON: Duration = Duration::from_millis(300);

fn put() -> PutSecretValue {
    PutSecretValue::new("prod/db", SecretValue::string("hunter2"))
}

#[tokio::test]
async fn a_dead_endpoint_is_passed_over() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[dead().await, node.address]).connect().unwrap();
    assert_eq!(client.get_secret_value("prod/db").await.unwrap().value.expose_str(), Some("hunter2"));
    client.put_secret_value(put()).await.unwrap();
    client.delete_secret("prod/db").await.unwrap();
    assert_eq!(node.calls().len(), 3);
}

#[tokio::test]
async fn the_endpoint_that_answered_is_asked_first_the_next_time() {
    let pki = Pki::new();
    let (first, second) = (Node::start(&pki, [UNAVAILABLE]).await, Node::start(&pki, []).await);
    let client = pki.client(&[first.address, second.address]).connect().unwrap();
    for _ in 0..3 {
        client.get_secret_value("prod/db").await.unwrap();
    }
    assert_eq!((first.calls().len(), second.calls().len()), (1, 3));
}

#[tokio::test]
async fn a_read_is_repeated_when_the_node_does_not_serve() {
    let pki = Pki::new();
    let node = Node::start(&pki, [UNAVAILABLE, Say::Bare(Code::Unavailable), UNAVAILABLE]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    client.get_secret_value("prod/db").await.unwrap();
    assert_eq!(node.calls().len(), 4);
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_repeated_with_the_same_token_and_value() {
    let pki = Pki::new();
    let (first, second) = (Node::start(&pki, [UNKNOWN]).await, Node::start(&pki, [UNAVAILABLE]).await);
    let client = pki.client(&[first.address, second.address]).connect().unwrap();

    let version = client.put_secret_value(put()).await.unwrap();
    let calls = [first.calls(), second.calls()].concat();
    assert_eq!(calls.len(), 3);
    for call in &calls {
        assert_eq!((call.token.as_str(), call.value.as_deref()), (version.version_id.as_str(), Some("hunter2")));
    }
    assert_eq!(version.version_id.len(), 36);

    let node = Node::start(&pki, [UNKNOWN, Say::Bare(Code::Unknown)]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let created = client.create_secret(CreateSecret::new("prod/new").secret_string("hunter2")).await.unwrap();
    let tokens: Vec<_> = node.calls().into_iter().map(|call| Some(call.token)).collect();
    assert_eq!(tokens, [created.version_id.clone(), created.version_id.clone(), created.version_id]);
}

#[tokio::test]
async fn an_update_is_repeated_only_when_it_carries_a_value() {
    let pki = Pki::new();
    let node = Node::start(&pki, [UNKNOWN]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let value = UpdateSecret::new("prod/db").description("d").value(SecretValue::string("hunter2"));
    let updated = client.update_secret(value).await.unwrap();
    let tokens: Vec<_> = node.calls().into_iter().map(|call| Some(call.token)).collect();
    assert_eq!(tokens, [updated.version_id.clone(), updated.version_id]);

    let node = Node::start(&pki, [UNAVAILABLE, UNKNOWN]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let error = client.update_secret(UpdateSecret::new("prod/db").description("d")).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!(node.calls().len(), 2);
}

#[tokio::test]
async fn two_writes_have_two_tokens() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let versions = [client.put_secret_value(put()).await.unwrap(), client.put_secret_value(put()).await.unwrap()];
    assert_ne!(versions[0].version_id, versions[1].version_id);
    let own = "my-own-token-of-thirty-two-chars";
    assert_eq!(client.put_secret_value(put().client_request_token(own)).await.unwrap().version_id, own);
}

#[tokio::test]
async fn a_write_without_a_token_is_not_repeated_when_it_may_have_been_done() {
    let pki = Pki::new();
    for say in [UNKNOWN, Say::Bare(Code::Unavailable), Say::Die] {
        let (first, second) = (Node::start(&pki, [UNAVAILABLE, say]).await, Node::start(&pki, [UNAVAILABLE]).await);
        let client = pki.client(&[first.address, second.address]).connect().unwrap();
        let error = client.delete_secret("prod/db").await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error:?}");
        assert_eq!(error.code(), Some(ErrorCode::OutcomeUnknown));
        // The two that were not done were repeated.
        assert_eq!((first.calls().len(), second.calls().len()), (2, 1));
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    let pki = Pki::new();
    let unrepeated = ErrorCode::ALL.iter().copied().filter(|code| {
        use ErrorCode::{KeyUnavailable, OutcomeUnknown, RequestTimeout, ServiceUnavailable, Throttling};
        !matches!(code, ServiceUnavailable | KeyUnavailable | OutcomeUnknown | RequestTimeout | Throttling)
    });
    let (first, second) = (Node::start(&pki, unrepeated.clone().map(Say::Error)).await, Node::start(&pki, []).await);
    let client = pki.client(&[first.address, second.address]).connect().unwrap();
    for (position, code) in unrepeated.enumerate() {
        let error = client.put_secret_value(put()).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.request_id(), Some(format!("request-{}", position + 1).as_str()));
        let Error::Refused(refusal) = error else { panic!("{error:?}") };
        assert_eq!(refusal.message, code.default_message());
    }
    assert_eq!(second.calls().len(), 0);

    let third = Node::start(&pki, [Say::Error(ErrorCode::ResourceNotFound)]).await;
    let client = pki.client(&[third.address, second.address]).connect().unwrap();
    let error = client.get_secret_value("prod/db").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret. (request request-1)"
    );
    assert_eq!((third.calls().len(), second.calls().len()), (1, 0));
}

#[tokio::test]
async fn a_throttled_client_tries_again_and_then_says_so() {
    let pki = Pki::new();
    let node = Node::start(&pki, [THROTTLED, THROTTLED]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    client.delete_secret("prod/db").await.unwrap();
    assert_eq!(node.calls().len(), 3);

    let node = Node::start(&pki, std::iter::repeat_n(THROTTLED, 100)).await;
    let client = pki.client(&[node.address]).deadline(3 * SOON).connect().unwrap();
    let error = client.put_secret_value(put()).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.message == "Rate exceeded"), "{error:?}");
}

#[tokio::test]
async fn a_refusal_after_a_doubt_does_not_hide_the_doubt() {
    let pki = Pki::new();
    let node = Node::start(&pki, [UNKNOWN, Say::Error(ErrorCode::AccessDenied)]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let error = client.put_secret_value(put()).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!(error.request_id(), Some("request-2"));
}

#[tokio::test]
async fn attempts_are_bounded() {
    let pki = Pki::new();
    let node = Node::start(&pki, std::iter::repeat_n(UNAVAILABLE, 100)).await;
    let (dead, nowhere) = (dead().await, dead().await);
    let client = pki.client(&[node.address, dead, nowhere]).connect().unwrap();
    let error = client.put_secret_value(put()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!(error.code(), Some(ErrorCode::ServiceUnavailable));
    assert_eq!(node.calls().len(), 4);
}

#[tokio::test]
async fn a_node_that_dies_under_a_call_costs_a_read_and_a_write_with_a_token_nothing() {
    let pki = Pki::new();
    for _ in 0..2 {
        let (first, second) = (Node::start(&pki, [Say::Die]).await, Node::start(&pki, [Say::Die]).await);
        let third = Node::start(&pki, []).await;
        let client = pki.client(&[first.address, second.address, third.address]).connect().unwrap();
        client.get_secret_value("prod/db").await.unwrap();
        let version = client.put_secret_value(put()).await.unwrap();
        assert_eq!(third.calls().last().unwrap().token, version.version_id);
    }
}

#[tokio::test]
async fn the_deadline_ends_a_read_and_leaves_a_write_unknown() {
    let pki = Pki::new();
    let node = Node::start(&pki, std::iter::repeat_n(Say::Nothing, 3)).await;
    let client = pki.client(&[node.address]).deadline(SOON).connect().unwrap();
    let error = client.get_secret_value("prod/db").await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded(_)), "{error:?}");
    assert_eq!(error.code(), None);
    for error in [client.put_secret_value(put()).await.unwrap_err(), client.delete_secret("prod/db").await.unwrap_err()]
    {
        assert!(error.is_outcome_unknown(), "{error:?}");
    }
    assert_eq!(node.calls().len(), 3);
}

#[tokio::test]
async fn a_node_that_falls_silent_is_noticed_by_its_missing_pings() {
    let pki = Pki::new();
    let (first, second) = (Node::start(&pki, []).await, Node::start(&pki, []).await);
    let link = Link::to(&first).await;
    let client = pki.client(&[link.address, second.address]).connect().unwrap();
    client.get_secret_value("prod/db").await.unwrap();
    link.cut();
    // Within the deadline of a call: no timeout of TCP is so short.
    client.put_secret_value(put()).await.unwrap();
    assert_eq!((first.calls().len(), second.calls().len()), (1, 1));
}

#[tokio::test]
async fn a_server_of_another_authority_is_never_asked() {
    let node = Node::start(&Pki::new(), []).await;
    let client = Pki::new().client(&[node.address]).deadline(SOON).connect().unwrap();
    let error = client.put_secret_value(put()).await.unwrap_err();
    let Error::Unavailable(last) = &error else { panic!("{error:?}") };
    assert_eq!(last.endpoint, node.address.to_string());
    assert!(last.to_string().contains("invalid peer certificate"), "{last}");
    assert_eq!(node.calls().len(), 0);
}

#[tokio::test]
async fn errors_hold_no_value() {
    let pki = Pki::new();
    let node = Node::start(&pki, [Say::Error(ErrorCode::AccessDenied)]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let refused = client.put_secret_value(put()).await.unwrap_err();
    assert!(!format!("{refused:?} {refused} {:?}", put()).contains("hunter2"));
}

#[test]
fn a_client_and_its_calls_may_move_between_threads() {
    fn moves<T: Send + Sync>() {}
    fn is_sent<T: Send>(_: T) {}
    moves::<Client>();
    moves::<Error>();
    let _not_called = |client: Client| is_sent(async move { client.get_secret_value("prod/db").await });
}
