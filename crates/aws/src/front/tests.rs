//! The front over a service that knows one access key and answers from a script.

use std::any::Any;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use service::api::{
    BatchGetSecretValueInput, CancelRotateSecretInput, CreateSecretInput, DeleteResourcePolicyInput, DeleteSecretInput,
    DescribeSecretInput, GetRandomPasswordInput, GetResourcePolicyInput, GetSecretValueInput,
    ListResourcePoliciesInput, ListSecretVersionIdsInput, ListSecretsInput, PutResourcePolicyInput,
    PutSecretValueInput, RestoreSecretInput, RotateSecretInput, TagResourceInput, UntagResourceInput,
    UpdateSecretInput, UpdateSecretVersionStageInput, ValidateResourcePolicyInput,
};
use service::api::{
    BatchGetSecretValueOutput, CreateSecretOutput, DeleteSecretOutput, GetRandomPasswordOutput, GetSecretValueOutput,
    ListSecretVersionIdsOutput, ListSecretsOutput, PutSecretValueOutput, SecretDescription, SecretOutput, SecretValue,
    UpdateSecretOutput, VersionDescription,
};
use service::{Action, Answer, Intake, Operation};
use std::task::Poll;
use tower::ServiceExt;
use types::consistency::{AGE_HEADER, APPLIED_INDEX_HEADER};
use types::{
    Consistency, ErrorCode, Plaintext, Region, SecretArn, SecretName, StagingLabel, Timestamp, VersionId, limits,
};

use super::*;

mod keys;
mod replication;
mod resource_policies;
mod rotation;

use crate::sigv4::aws_signer::{ACCESS_KEY, Draft, NOW, SECRET};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1B2c3";
const VERSION: &str = "6c155336-210f-43ee-9d2d-57a29a32e31c";

#[derive(Clone)]
struct Script {
    regions: Vec<Region>,
    now: Timestamp,
    knows_key: bool,
    fails: Option<ApiError>,
    intake: Intake,
    nameless_is_throttled: bool,
}

impl Script {
    fn new() -> Self {
        Self {
            regions: vec![Region::parse("us-east-1").unwrap()],
            now: NOW,
            knows_key: true,
            fails: None,
            intake: Intake::default(),
            nameless_is_throttled: false,
        }
    }

    fn failing(error: ApiError) -> Self {
        Self { fails: Some(error), ..Self::new() }
    }

    fn authenticated(&self, caller: &Caller) -> Result<(), ApiError> {
        let Credential::Signature(check) = &caller.credential else { panic!("{caller:?}") };
        assert_eq!(check.access_key_id().as_str(), ACCESS_KEY);
        assert_eq!(caller.region.as_str(), "us-east-1");
        check.verify(self.knows_key.then_some((SECRET.as_bytes(), 1)))
    }
}

fn arn() -> SecretArn {
    SecretArn::from_stored(ARN)
}

fn name() -> SecretName {
    SecretName::parse("prod/db").unwrap()
}

fn version() -> VersionId {
    VersionId::parse(VERSION).unwrap()
}

fn description() -> SecretDescription {
    SecretDescription {
        arn: arn(),
        name: name(),
        description: None,
        kms_key_id: None,
        tags: None,
        created_date: NOW,
        last_changed_date: NOW,
        last_accessed_date: None,
        deleted_date: None,
        primary_region: None,
        replication_status: Vec::new(),
        rotation: None,
        version_ids_to_stages: Vec::new(),
    }
}

impl UseCases for Script {
    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn intake(&self) -> &Intake {
        &self.intake
    }

    fn nameless(&self, _: Option<IpAddr>, error: ApiError) -> ApiError {
        if self.nameless_is_throttled { ErrorCode::Throttling.into() } else { error }
    }

    async fn refuse<T: Send>(&self, action: Action, caller: &Caller, error: ApiError) -> Result<T, ApiError> {
        assert_eq!(action, Action::GetSecretValue);
        self.authenticated(caller)?;
        Err(error)
    }

    async fn call<O: Operation>(&self, caller: &Caller, input: O) -> Result<Answer<O::Output>, ApiError> {
        self.authenticated(caller)?;
        let output = scripted(&input).downcast::<O::Output>().unwrap();
        self.fails.clone().map_or(Ok(Answer { output: *output, applied_index: 7, age: asked_age(caller) }), Err)
    }
}

/// The script's data are as old as they may be.
fn asked_age(caller: &Caller) -> Option<Duration> {
    match caller.consistency.as_deref()?.parse() {
        Ok(Consistency::Stale { max_age }) => max_age,
        _ => None,
    }
}

/// What the script answers; every input names the secret in its first text.
fn scripted(input: &dyn Any) -> Box<dyn Any> {
    let named = |text: &Option<String>| assert_eq!(text.as_deref(), Some("prod/db"));
    if let Some(input) = input.downcast_ref::<CreateSecretInput>() {
        named(&input.name);
        Box::new(CreateSecretOutput { arn: arn(), name: name(), version_id: None, replication_status: Vec::new() })
    } else if let Some(input) = input.downcast_ref::<GetSecretValueInput>() {
        named(&input.secret_id);
        Box::new(GetSecretValueOutput {
            arn: arn(),
            name: name(),
            version_id: version(),
            value: SecretValue::String(Plaintext::copy_from(b"hunter2")),
            version_stages: vec![StagingLabel::Current],
            created_date: NOW,
        })
    } else if let Some(input) = input.downcast_ref::<BatchGetSecretValueInput>() {
        assert_eq!(input.secret_id_list.as_deref(), Some(&["prod/db".to_owned()][..]));
        Box::new(BatchGetSecretValueOutput { secret_values: Vec::new(), errors: Vec::new(), next_token: None })
    } else if let Some(input) = input.downcast_ref::<PutSecretValueInput>() {
        named(&input.secret_id);
        let version_stages = vec![StagingLabel::Current];
        Box::new(PutSecretValueOutput { arn: arn(), name: name(), version_id: version(), version_stages })
    } else if let Some(input) = input.downcast_ref::<DescribeSecretInput>() {
        named(&input.secret_id);
        Box::new(description())
    } else if let Some(input) = input.downcast_ref::<ListSecretsInput>() {
        named(&input.next_token);
        Box::new(ListSecretsOutput { secrets: vec![description()], next_token: None })
    } else if let Some(input) = input.downcast_ref::<DeleteSecretInput>() {
        named(&input.secret_id);
        Box::new(DeleteSecretOutput { arn: ARN.to_owned(), name: "prod/db".to_owned(), deletion_date: NOW })
    } else if let Some(input) = input.downcast_ref::<UpdateSecretInput>() {
        named(&input.secret_id);
        Box::new(UpdateSecretOutput { arn: arn(), name: name(), version_id: Some(version()) })
    } else if let Some(input) = input.downcast_ref::<UpdateSecretVersionStageInput>() {
        named(&input.secret_id);
        Box::new(SecretOutput { arn: arn(), name: name() })
    } else if let Some(input) = input.downcast_ref::<ListSecretVersionIdsInput>() {
        named(&input.secret_id);
        let only = VersionDescription {
            version_id: version(),
            version_stages: vec![StagingLabel::Current],
            created_date: NOW,
            last_accessed_date: None,
            kms_key_ids: vec!["DefaultEncryptionKey".to_owned()],
        };
        Box::new(ListSecretVersionIdsOutput { arn: arn(), name: name(), versions: vec![only], next_token: None })
    } else if let Some(input) = input.downcast_ref::<RestoreSecretInput>() {
        named(&input.secret_id);
        Box::new(SecretOutput { arn: arn(), name: name() })
    } else if let Some(input) = input.downcast_ref::<TagResourceInput>() {
        named(&input.secret_id);
        Box::new(())
    } else if let Some(input) = input.downcast_ref::<UntagResourceInput>() {
        named(&input.secret_id);
        Box::new(())
    } else if let Some(input) = input.downcast_ref::<GetRandomPasswordInput>() {
        named(&input.exclude_characters);
        Box::new(GetRandomPasswordOutput { random_password: Plaintext::copy_from(b"hunter2") })
    } else if let Some(output) = resource_policies::scripted(input)
        .or_else(|| rotation::scripted(input))
        .or_else(|| replication::scripted(input))
        .or_else(|| keys::scripted(input))
    {
        output
    } else {
        panic!("an operation that the script does not know")
    }
}

/// A response, read to its end.
#[derive(Debug)]
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Got {
    /// The code and the message of an error, with what every error must have.
    fn error(&self) -> (&str, String) {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        let code = self.headers["x-amzn-errortype"].to_str().unwrap();
        assert_eq!(json["__type"], code);
        let known = ErrorCode::ALL.iter().find(|known| known.aws_name() == code).unwrap();
        assert_eq!(self.status.as_u16(), known.http_status());
        let (spelt, other) = if known.is_modelled() { ("Message", "message") } else { ("message", "Message") };
        assert!(json.get(other).is_none());
        (code, json[spelt].as_str().unwrap_or_default().to_owned())
    }
}

async fn send(script: Script, request: Request) -> Got {
    let (head, body) = routes(script).oneshot(request).await.unwrap().into_parts();
    assert_eq!(head.headers[CONTENT_TYPE], "application/x-amz-json-1.1");
    let request_id = head.headers["x-amzn-requestid"].to_str().unwrap();
    assert!(Uuid::try_parse(request_id).is_ok(), "{request_id}");
    let body = body.collect().await.unwrap().to_bytes();
    Got { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn operation(name: &str, body: &str) -> Draft {
    let mut draft = Draft::usual();
    draft.headers.retain(|(name, _)| name != "x-amz-target");
    draft.headers.push(("x-amz-target".to_owned(), format!("secretsmanager.{name}")));
    draft.body = body.as_bytes().to_vec();
    draft
}

fn signed(draft: &Draft) -> Request {
    Request::from_parts(draft.signed("us-east-1", "secretsmanager"), Body::from(draft.body.clone()))
}

#[tokio::test]
async fn every_operation_is_answered() {
    let cases = [
        ("CreateSecret", r#"{"Name":"prod/db"}"#, format!(r#"{{"ARN":"{ARN}","Name":"prod/db"}}"#)),
        (
            "GetSecretValue",
            r#"{"SecretId": "prod/db"}"#,
            format!(
                r#"{{"ARN":"{ARN}","CreatedDate":1727176691.83,"Name":"prod/db","SecretString":"hunter2","VersionId":"{VERSION}","VersionStages":["AWSCURRENT"]}}"#
            ),
        ),
        (
            "PutSecretValue",
            r#"{"SecretId":"prod/db"}"#,
            format!(r#"{{"ARN":"{ARN}","Name":"prod/db","VersionId":"{VERSION}","VersionStages":["AWSCURRENT"]}}"#),
        ),
        (
            "DescribeSecret",
            r#"{"SecretId":"prod/db"}"#,
            format!(
                r#"{{"ARN":"{ARN}","CreatedDate":1727176691.83,"LastChangedDate":1727176691.83,"Name":"prod/db"}}"#
            ),
        ),
        (
            "ListSecrets",
            r#"{"NextToken":"prod/db"}"#,
            format!(
                r#"{{"SecretList":[{{"ARN":"{ARN}","CreatedDate":1727176691.83,"LastChangedDate":1727176691.83,"Name":"prod/db"}}]}}"#
            ),
        ),
        (
            "DeleteSecret",
            r#"{"SecretId":"prod/db"}"#,
            format!(r#"{{"ARN":"{ARN}","Name":"prod/db","DeletionDate":1727176691.83}}"#),
        ),
        (
            "UpdateSecret",
            r#"{"SecretId":"prod/db"}"#,
            format!(r#"{{"ARN":"{ARN}","Name":"prod/db","VersionId":"{VERSION}"}}"#),
        ),
        ("UpdateSecretVersionStage", r#"{"SecretId":"prod/db"}"#, format!(r#"{{"ARN":"{ARN}","Name":"prod/db"}}"#)),
        (
            "ListSecretVersionIds",
            r#"{"SecretId":"prod/db"}"#,
            format!(
                r#"{{"ARN":"{ARN}","Name":"prod/db","Versions":[{{"CreatedDate":1727176691.83,"KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"{VERSION}","VersionStages":["AWSCURRENT"]}}]}}"#
            ),
        ),
        ("BatchGetSecretValue", r#"{"SecretIdList":["prod/db"]}"#, r#"{"SecretValues":[],"Errors":[]}"#.to_owned()),
        ("RestoreSecret", r#"{"SecretId":"prod/db"}"#, format!(r#"{{"ARN":"{ARN}","Name":"prod/db"}}"#)),
        ("TagResource", r#"{"SecretId":"prod/db"}"#, String::new()),
        ("UntagResource", r#"{"SecretId":"prod/db"}"#, String::new()),
        ("GetRandomPassword", r#"{"ExcludeCharacters":"prod/db"}"#, r#"{"RandomPassword":"hunter2"}"#.to_owned()),
    ];
    for (name, body, answer) in cases {
        let got = send(Script::new(), signed(&operation(name, body))).await;
        assert_eq!((got.status, got.body), (StatusCode::OK, answer), "{name}");
        assert!(!got.headers.contains_key("x-amzn-errortype"));
    }
}

#[tokio::test]
async fn an_answer_says_of_which_state_it_is_and_how_old_that_may_be() {
    let fresh = send(Script::new(), signed(&Draft::usual())).await;
    assert_eq!(fresh.headers[APPLIED_INDEX_HEADER], "7");
    assert!(!fresh.headers.contains_key(AGE_HEADER));

    let mut draft = Draft::usual();
    draft.headers.push((CONSISTENCY_HEADER.to_owned(), "stale; max-age=5".to_owned()));
    let stale = send(Script::new(), signed(&draft)).await;
    assert_eq!((stale.status, &stale.headers[AGE_HEADER]), (StatusCode::OK, &"5000".parse().unwrap()));

    let failed = send(Script::failing(ErrorCode::AccessDenied.into()), signed(&draft)).await;
    assert!(!failed.headers.contains_key(APPLIED_INDEX_HEADER) && !failed.headers.contains_key(AGE_HEADER));
}

#[tokio::test]
async fn nobody_on_the_way_can_ask_for_a_weaker_read() {
    let mut added = signed(&Draft::usual());
    added.headers_mut().insert(CONSISTENCY_HEADER, "stale".parse().unwrap());
    let got = send(Script::new(), added).await;
    let text = "'x-conclave-consistency' must be a 'SignedHeader' in the AWS Authorization.";
    assert_eq!(got.error(), ("InvalidSignatureException", text.to_owned()));

    let mut draft = Draft::usual();
    draft.headers.push((CONSISTENCY_HEADER.to_owned(), "linearizable".to_owned()));
    let mut changed = signed(&draft);
    changed.headers_mut().insert(CONSISTENCY_HEADER, "stale".parse().unwrap());
    assert_eq!(send(Script::new(), changed).await.error().0, "InvalidSignatureException");
    let mut removed = signed(&draft);
    removed.headers_mut().remove(CONSISTENCY_HEADER);
    assert_eq!(send(Script::new(), removed).await.error().0, "InvalidSignatureException");
    let mut doubled = signed(&draft);
    doubled.headers_mut().append(CONSISTENCY_HEADER, "stale".parse().unwrap());
    assert_eq!(send(Script::new(), doubled).await.error().0, "InvalidSignatureException");
}

#[tokio::test]
async fn every_error_of_the_service_keeps_its_code_and_spelling() {
    for code in ErrorCode::ALL {
        let got = send(Script::failing(ApiError::new(*code, "what was wrong")), signed(&Draft::usual())).await;
        assert_eq!(got.error(), (code.aws_name(), "what was wrong".to_owned()));
        let outcome = got.headers.get("x-conclave-outcome").map(|value| value.to_str().unwrap());
        assert_eq!(outcome, (*code == ErrorCode::OutcomeUnknown).then_some("unknown"));
    }
    let got = send(Script::failing(ApiError::new(ErrorCode::Serialization, "")), signed(&Draft::usual())).await;
    assert_eq!(got.body, r#"{"__type":"SerializationException"}"#);
}

#[tokio::test]
async fn bad_requests_have_clear_errors() {
    let usual = || signed(&Draft::usual());
    let body = |body: &str| signed(&operation("GetSecretValue", body));
    let with = |mut request: Request, name: &'static str, value: &str| {
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let without = |mut request: Request, name: &str| {
        request.headers_mut().remove(name);
        request
    };
    let tampered = |to: &'static str| {
        let (head, _) = usual().into_parts();
        Request::from_parts(head, Body::from(to))
    };
    let wrong_secret = || {
        let header = usual().headers()["authorization"].to_str().unwrap().to_owned();
        let forged = header.split_at(header.len() - 64).0.to_owned() + &"0".repeat(64);
        with(usual(), "authorization", &forged)
    };
    let get = || Request::builder().uri("/").body(Body::empty()).unwrap();

    let cases = [
        (get(), "UnknownOperationException", "POST"),
        (
            Request::builder().method("PUT").uri("/v1/x").body(Body::empty()).unwrap(),
            "UnknownOperationException",
            "POST",
        ),
        (signed(&operation("Frobnicate", "{}")), "UnknownOperationException", "no operation"),
        (without(usual(), "x-amz-target"), "UnknownOperationException", "names no operation"),
        (with(usual(), "content-type", "text/plain"), "UnknownOperationException", "application/x-amz-json-1.1"),
        (without(usual(), "authorization"), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (with(usual(), "authorization", "Basic eA=="), "IncompleteSignatureException", "algorithm"),
        (with(usual(), "authorization", &"A".repeat(1 << 20)), "IncompleteSignatureException", "algorithm"),
        (with(usual(), "x-amz-date", "yesterday"), "IncompleteSignatureException", "basic format"),
        (
            with(usual(), "x-amz-date", "20240924T105811Z"),
            "InvalidSignatureException",
            "Signature expired: 20240924T105811Z",
        ),
        (with(usual(), "host", "elsewhere:7400"), "InvalidSignatureException", "does not match"),
        (wrong_secret(), "InvalidSignatureException", "does not match"),
        (tampered(r#"{"SecretId": "prod/dc"}"#), "InvalidSignatureException", "does not match"),
        (tampered(r#"{"SecretId": "prod/"#), "InvalidSignatureException", "does not match"),
        (tampered(""), "InvalidSignatureException", "does not match"),
        (body(""), "SerializationException", "empty"),
        (body("SecretId=prod/db"), "SerializationException", "not valid JSON"),
        (body(r#"{"SecretId": "prod/"#), "SerializationException", "ends in the middle"),
        (body(r#"{"SecretId": 7}"#), "SerializationException", "not of the type"),
        (body(r#"{"SecretId": {"prod": "db"}}"#), "SerializationException", "not of the type"),
        (body(r#"{"SecretId": "prod/db", "SecretId": "prod/db"}"#), "SerializationException", "twice"),
        (body(&"[".repeat(1000)), "SerializationException", "nested deeper"),
        (body(&" ".repeat(limits::REQUEST_BODY_BYTES + 1)), "RequestEntityTooLargeException", "larger than"),
    ];
    for (request, code, text) in cases {
        let shown = format!("{} {} {:?}", request.method(), request.uri(), request.headers().get("x-amz-target"));
        let got = send(Script::new(), request).await;
        let (was, message) = got.error();
        assert_eq!(was, code, "{shown}: {message}");
        assert!(message.contains(text), "{shown}: {message}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_told_so_whatever_its_body_says() {
    for body in [r#"{"SecretId": "prod/db"}"#, "{"] {
        let got = send(Script { knows_key: false, ..Script::new() }, signed(&operation("GetSecretValue", body))).await;
        let message = "The security token included in the request is invalid.".to_owned();
        assert_eq!(got.error(), ("UnrecognizedClientException", message));
    }
}

#[tokio::test]
async fn a_node_without_room_says_so_before_it_reads_the_body() {
    let script = Script::new();
    let intake = script.intake.clone();
    let mut all = Vec::new();
    while let Ok(held) = intake.begin(0) {
        all.push(held);
    }
    let (head, _) = signed(&Draft::usual()).into_parts();
    let unread = Body::from_stream(stream::poll_fn(|_| -> Poll<Option<io::Result<Bytes>>> { panic!("it was read") }));
    let got = send(script.clone(), Request::from_parts(head, unread)).await;
    assert_eq!(got.error().0, "ServiceUnavailable");
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
    assert_eq!(send(script, signed(&Draft::usual())).await.status, StatusCode::OK);
    assert_eq!(intake.held(), 0);
}

#[tokio::test]
async fn an_address_that_brings_too_many_nameless_requests_is_throttled() {
    let script = Script { nameless_is_throttled: true, ..Script::new() };
    let mut request = signed(&Draft::usual());
    request.headers_mut().remove("authorization");
    let got = send(script.clone(), request).await;
    assert_eq!(got.error(), ("ThrottlingException", "Rate exceeded".to_owned()));
    assert_eq!(send(script, signed(&Draft::usual())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn other_regions_and_services_are_refused() {
    let draft = Draft::usual();
    for (region, service, text) in
        [("us-west-9", "secretsmanager", "valid region"), ("us-east-1", "sts", "correct service")]
    {
        let request = Request::from_parts(draft.signed(region, service), Body::from(draft.body.clone()));
        let got = send(Script::new(), request).await;
        let (code, message) = got.error();
        assert_eq!(code, "InvalidSignatureException");
        assert!(message.contains(text), "{message}");
    }
}

#[tokio::test]
async fn an_http2_request_without_a_host_header_is_answered() {
    let (mut head, body) = signed(&Draft::usual()).into_parts();
    head.headers.remove(HOST);
    head.uri = "https://localhost:7400/".parse().unwrap();
    let got = send(Script::new(), Request::from_parts(head, body)).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.body);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_send_its_body_is_answered() {
    let (head, _) = signed(&Draft::usual()).into_parts();
    let begun = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
    let body = Body::from_stream(begun.chain(stream::pending()));
    let got = send(Script::new(), Request::from_parts(head, body)).await;
    assert_eq!(got.error(), ("RequestTimeoutException", "The request body did not come in time.".to_owned()));
}
