//! The front over a service that writes down what it is asked and answers what it was told to.

use std::any::Any;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::{Extension, Router};
use futures_util::{StreamExt, stream};
use http::Request as HttpRequest;
use net::{ClientIdentity, ConnectionInfo, PeerIdentity};
use proto::cluster::v1 as cluster_pb;
use proto::cluster::v1::cluster_client::ClusterClient;
use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_client::SecretsClient;
use proto::tonic::{Code, Request, Status};
use proto::{REGION_METADATA, REQUEST_ID_METADATA, WireError, from_wire_error};
use service::api::{
    BatchErrorOutput, BatchGetSecretValueInput, BatchGetSecretValueOutput, CreateSecretInput, CreateSecretOutput,
    DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput, GetRandomPasswordInput, GetRandomPasswordOutput,
    GetSecretValueInput, GetSecretValueOutput, ListSecretVersionIdsInput, ListSecretVersionIdsOutput, ListSecretsInput,
    ListSecretsOutput, PutSecretValueInput, PutSecretValueOutput, ReplicationStatusDescription, RestoreSecretInput,
    SecretDescription, SecretOutput, SecretValue, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretOutput, UpdateSecretVersionStageInput, VersionDescription,
};
use service::{
    Action, Answer, Caller, ChangedKeyring, ClusterStatus, Credential, Given, Intake, KeyringChange, Member,
    NewProvider, NodeCheckpoint, NodeDigest, NodeFacts, NodeStatus, Operation, ProviderId, ProviderKind,
    ProviderReport, Role, SealStatus, UseCases,
};
use tower::ServiceExt;
use types::consistency::{AGE_HEADER, CONSISTENCY_HEADER};
use types::{
    ApiError, ClusterId, Consistency, ErrorCode, Namespace, NodeId, Plaintext, Region, SecretArn, SecretName,
    StagingLabel, Tag, Timestamp, VersionId, limits,
};

use super::*;
use crate::administration::SealedNodes;

mod keys;
mod random;
mod replication;
mod resource_policies;
mod rotation;
mod seal;

const URI: &str = "spiffe://corp/billing";
const TOKEN: &str = "11111111-2222-3333-4444-555555555555";
const INDEX: u64 = 42;

/// What a call came to at the service.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    credential: String,
    region: String,
    request_id: String,
    /// The input, printed.
    input: String,
    /// The values in it.
    values: Vec<Vec<u8>>,
}

#[derive(Clone)]
struct Fake {
    regions: Arc<Vec<Region>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    value: Arc<dyn Fn() -> SecretValue + Send + Sync>,
    tags: Option<Vec<Tag>>,
    replication_status: Vec<ReplicationStatusDescription>,
    refusal: Option<ApiError>,
    intake: Intake,
    nameless_is_throttled: bool,
}

impl Fake {
    fn new() -> Self {
        let regions = ["eu-central-1", "us-east-1"].map(|name| Region::parse(name).unwrap());
        Self {
            regions: Arc::new(regions.to_vec()),
            seen: Arc::default(),
            value: Arc::new(|| SecretValue::String(Plaintext::copy_from(b"hunter2"))),
            tags: None,
            replication_status: Vec::new(),
            refusal: None,
            intake: Intake::default(),
            nameless_is_throttled: false,
        }
    }

    fn refusing(error: ApiError) -> Self {
        Self { refusal: Some(error), ..Self::new() }
    }

    fn see(&self, caller: &Caller, input: String, values: &[Option<&Plaintext>]) -> Result<(), ApiError> {
        let Credential::Certificate(credential) = &caller.credential else { panic!("not a certificate") };
        self.seen.lock().unwrap().push(Seen {
            credential: credential.clone(),
            region: caller.region.as_str().to_owned(),
            request_id: caller.request_id.clone(),
            input,
            values: values.iter().flatten().map(|value| value.expose_secret().to_vec()).collect(),
        });
        self.refusal.clone().map_or(Ok(()), Err)
    }

    fn only_call(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }

    fn description(&self) -> SecretDescription {
        SecretDescription {
            arn: arn(),
            name: name(),
            description: None,
            kms_key_id: None,
            tags: self.tags.clone(),
            created_date: Timestamp::from_millis(1_500),
            last_changed_date: Timestamp::from_millis(2_000),
            last_accessed_date: None,
            deleted_date: None,
            primary_region: None,
            replication_status: self.replication_status.clone(),
            rotation: None,
            version_ids_to_stages: vec![(version(), vec![StagingLabel::Current])],
        }
    }
}

impl Fake {
    /// What the input is answered with.
    fn output(&self, input: &dyn Any) -> Box<dyn Any> {
        let version_stages = vec![StagingLabel::Current];
        let date = Timestamp::from_millis;
        if input.is::<CreateSecretInput>() {
            Box::new(CreateSecretOutput { arn: arn(), name: name(), version_id: None, replication_status: Vec::new() })
        } else if input.is::<GetSecretValueInput>() {
            Box::new(GetSecretValueOutput {
                arn: arn(),
                name: name(),
                version_id: version(),
                value: (self.value)(),
                version_stages,
                created_date: date(1_500),
            })
        } else if input.is::<BatchGetSecretValueInput>() {
            Box::new(BatchGetSecretValueOutput {
                secret_values: vec![GetSecretValueOutput {
                    arn: arn(),
                    name: name(),
                    version_id: version(),
                    value: (self.value)(),
                    version_stages,
                    created_date: date(1_500),
                }],
                errors: vec![BatchErrorOutput { secret_id: "nope".to_owned(), error: ApiError::secret_not_found() }],
                next_token: Some("next".to_owned()),
            })
        } else if input.is::<PutSecretValueInput>() {
            Box::new(PutSecretValueOutput { arn: arn(), name: name(), version_id: version(), version_stages })
        } else if input.is::<DescribeSecretInput>() {
            Box::new(self.description())
        } else if input.is::<ListSecretsInput>() {
            Box::new(ListSecretsOutput { secrets: vec![self.description()], next_token: Some("next".to_owned()) })
        } else if input.is::<DeleteSecretInput>() {
            Box::new(DeleteSecretOutput { arn: "a".to_owned(), name: "n".to_owned(), deletion_date: date(3_000) })
        } else if input.is::<UpdateSecretInput>() {
            Box::new(UpdateSecretOutput { arn: arn(), name: name(), version_id: Some(version()) })
        } else if input.is::<ListSecretVersionIdsInput>() {
            let only = VersionDescription {
                version_id: version(),
                version_stages,
                created_date: date(1_500),
                last_accessed_date: None,
                kms_key_ids: vec!["DefaultEncryptionKey".to_owned()],
            };
            let next_token = Some("next".to_owned());
            Box::new(ListSecretVersionIdsOutput { arn: arn(), name: name(), versions: vec![only], next_token })
        } else if input.is::<UpdateSecretVersionStageInput>() || input.is::<RestoreSecretInput>() {
            Box::new(SecretOutput { arn: arn(), name: name() })
        } else if input.is::<TagResourceInput>() || input.is::<UntagResourceInput>() {
            Box::new(())
        } else if input.is::<GetRandomPasswordInput>() {
            Box::new(GetRandomPasswordOutput { random_password: Plaintext::copy_from(b"hunter2") })
        } else if let Some(output) = resource_policies::output(input)
            .or_else(|| rotation::output(input))
            .or_else(|| replication::output(input))
            .or_else(|| keys::output(input))
        {
            output
        } else {
            panic!("an operation that the fake does not know")
        }
    }
}

fn name() -> SecretName {
    SecretName::parse("prod/db").unwrap()
}

fn arn() -> SecretArn {
    let namespace = Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() };
    SecretArn::new(&namespace, &name(), "AbCdEf")
}

fn version() -> VersionId {
    VersionId::parse(TOKEN).unwrap()
}

impl UseCases for Fake {
    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000)
    }

    fn intake(&self) -> &Intake {
        &self.intake
    }

    fn nameless(&self, _: Option<IpAddr>, error: ApiError) -> ApiError {
        if self.nameless_is_throttled { ErrorCode::Throttling.into() } else { error }
    }

    async fn refuse<T: Send>(&self, _: Action, _: &Caller, error: ApiError) -> Result<T, ApiError> {
        Err(error)
    }

    async fn call<O: Operation>(&self, caller: &Caller, input: O) -> Result<Answer<O::Output>, ApiError> {
        self.see(caller, format!("{input:?}"), &values(&input))?;
        if replication::is_refused(&input) {
            return Err(ErrorCode::InvalidRequest.into());
        }
        let output = self.output(&input).downcast::<O::Output>().unwrap();
        Ok(Answer { output: *output, applied_index: INDEX, age: asked_age(caller) })
    }
}

/// The fake's data are as old as they may be.
fn asked_age(caller: &Caller) -> Option<Duration> {
    match caller.consistency.as_deref()?.parse() {
        Ok(Consistency::Stale { max_age }) => max_age,
        _ => None,
    }
}

/// The values in an input.
fn values(input: &dyn Any) -> Vec<Option<&Plaintext>> {
    if let Some(input) = input.downcast_ref::<CreateSecretInput>() {
        vec![input.secret_string.as_ref(), input.secret_binary.as_ref()]
    } else if let Some(input) = input.downcast_ref::<PutSecretValueInput>() {
        vec![input.secret_string.as_ref(), input.secret_binary.as_ref()]
    } else if let Some(input) = input.downcast_ref::<UpdateSecretInput>() {
        vec![input.secret_string.as_ref(), input.secret_binary.as_ref()]
    } else {
        Vec::new()
    }
}

impl Administration for Fake {
    async fn cluster_status(&self, caller: &Caller) -> Result<ClusterStatus, ApiError> {
        self.see(caller, String::new(), &[])?;
        let facts = NodeFacts {
            role: Some(Role::Leader),
            term: 3,
            last_log: 9,
            committed: 8,
            applied: 7,
            checkpoint: 6,
            leader: Some(NodeId(1)),
            sealed: false,
            version: "0.1.0".to_owned(),
        };
        let node = |id, facts| NodeStatus { id: NodeId(id), address: format!("host-{id}:7401"), facts };
        Ok(ClusterStatus { cluster: ClusterId([0xab; 16]), nodes: vec![node(1, Some(facts)), node(2, None)] })
    }

    async fn cluster_checkpoint(&self, caller: &Caller) -> Result<Vec<NodeCheckpoint>, ApiError> {
        self.see(caller, String::new(), &[])?;
        Ok(vec![
            NodeCheckpoint { id: NodeId(1), result: Ok(7) },
            NodeCheckpoint { id: NodeId(2), result: Err("not reached".to_owned()) },
        ])
    }

    async fn cluster_digest(&self, caller: &Caller) -> Result<Vec<NodeDigest>, ApiError> {
        self.see(caller, String::new(), &[])?;
        Ok(vec![
            NodeDigest { id: NodeId(1), result: Ok((7, vec![1; 32])) },
            NodeDigest { id: NodeId(2), result: Err("not reached".to_owned()) },
        ])
    }

    async fn add_node(&self, caller: &Caller, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, ApiError> {
        self.see(caller, format!("{id} {} {}", member.peer_address, member.client_address), &[])?;
        Ok([NodeId(1), id].into())
    }

    async fn remove_node(&self, caller: &Caller, id: NodeId) -> Result<BTreeSet<NodeId>, ApiError> {
        self.see(caller, format!("remove {id}"), &[])?;
        Ok([NodeId(1)].into())
    }

    async fn transfer_leader(&self, caller: &Caller, to: Option<NodeId>) -> Result<NodeId, ApiError> {
        self.see(caller, format!("transfer {to:?}"), &[])?;
        Ok(to.unwrap_or(NodeId(3)))
    }

    fn node(&self) -> NodeId {
        NodeId(1)
    }

    fn seal_status(&self) -> SealStatus {
        let provider = ProviderId { kind: ProviderKind::Shamir, id: "shamir-1".to_owned() };
        SealStatus { providers: vec![provider], barrier_term: 4, peer_unseal: true }
    }

    async fn seal_cluster(&self, caller: &Caller) -> Result<SealedNodes, ApiError> {
        self.see(caller, String::new(), &[])?;
        Ok(vec![(NodeId(1), Ok(())), (NodeId(2), Err("no answer".to_owned()))])
    }

    async fn change_keyring(
        &self,
        caller: &Caller,
        change: KeyringChange,
        given: Vec<Given>,
    ) -> Result<ChangedKeyring, ApiError> {
        let told = match &change {
            KeyringChange::AddProvider(NewProvider::Shares { shares, threshold }) => format!("{threshold} of {shares}"),
            KeyringChange::RemoveProvider(ProviderId { kind, id }) => format!("without {kind:?} {id}"),
            other => format!("{other:?}"),
        };
        let told = given.iter().fold(told, |told, given| match given {
            Given::Passphrase(passphrase) => format!("{told}, {} bytes", passphrase.len()),
            Given::Share(share) => format!("{told}, {}", share.as_str()),
        });
        self.see(caller, told, &[])?;
        let shares = vec!["CKS-1".to_owned().into()];
        Ok(ChangedKeyring { revision: 2, barrier_term: 5, providers: Vec::new(), shares })
    }

    async fn verify_providers(&self, caller: &Caller, given: Vec<Given>) -> Result<Vec<ProviderReport>, ApiError> {
        self.see(caller, given.len().to_string(), &[])?;
        let provider = ProviderId { kind: ProviderKind::Keyfile, id: "keyfile-1".to_owned() };
        Ok(vec![ProviderReport { provider, result: Err("it is not at hand".to_owned()) }])
    }
}

fn connection(client: Option<&str>) -> ConnectionInfo {
    ConnectionInfo {
        peer_addr: ([127, 0, 0, 1], 1).into(),
        peer_identity: None,
        client_identity: client.map(|uri| ClientIdentity::parse(uri).unwrap()),
        leaf: None,
    }
}

fn app(fake: &Fake) -> Router {
    routes(fake.clone()).layer(Extension(connection(Some(URI))))
}

fn secrets(fake: &Fake) -> SecretsClient<Router> {
    SecretsClient::new(app(fake))
}

fn cluster(fake: &Fake) -> ClusterClient<Router> {
    ClusterClient::new(app(fake))
}

fn describe() -> pb::DescribeSecretRequest {
    pb::DescribeSecretRequest { secret_id: "prod/db".to_owned() }
}

fn in_region(region: &str) -> Request<pb::DescribeSecretRequest> {
    let mut request = Request::new(describe());
    request.metadata_mut().append(REGION_METADATA, region.parse().unwrap());
    request
}

fn wire_error(status: &Status) -> WireError {
    from_wire_error(status).unwrap_or_else(|| panic!("no details: {status:?}"))
}

#[tokio::test]
async fn the_caller_is_the_one_that_the_certificate_names() {
    let fake = Fake::new();
    let response = secrets(&fake).describe_secret(describe()).await.unwrap();
    let seen = fake.only_call();
    assert_eq!(seen.credential, URI);
    assert_eq!(response.metadata().get(REQUEST_ID_METADATA).unwrap(), seen.request_id.as_str());
}

#[tokio::test]
async fn without_a_certificate_nothing_is_asked_of_the_service() {
    let fake = Fake::new();
    let node = PeerIdentity { cluster: ClusterId([7; 16]), node: NodeId(1) };
    let on_peer_port = ConnectionInfo { peer_identity: Some(node), ..connection(None) };
    for router in [
        routes(fake.clone()),
        routes(fake.clone()).layer(Extension(connection(None))),
        routes(fake.clone()).layer(Extension(on_peer_port)),
    ] {
        let status = SecretsClient::new(router.clone()).describe_secret(describe()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "The gRPC API needs a client certificate, and the connection has none.");
        assert_eq!(wire_error(&status).code, Some(ErrorCode::MissingAuthenticationToken));
        let status = ClusterClient::new(router).status(cluster_pb::StatusRequest {}).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    assert_eq!(fake.seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_address_that_brings_too_many_nameless_calls_is_throttled() {
    let fake = Fake { nameless_is_throttled: true, ..Fake::new() };
    let router = routes(fake.clone()).layer(Extension(connection(None)));
    let status = SecretsClient::new(router).describe_secret(describe()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "Rate exceeded"));
    assert_eq!(wire_error(&status).code, Some(ErrorCode::Throttling));
    secrets(&fake).describe_secret(describe()).await.unwrap();
}

#[tokio::test]
async fn a_node_without_room_says_so_and_gets_all_of_it_back() {
    let fake = Fake::new();
    let mut all = Vec::new();
    while let Ok(held) = fake.intake.begin(0) {
        all.push(held);
    }
    let status = secrets(&fake).describe_secret(describe()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(wire_error(&status).code, Some(ErrorCode::ServiceUnavailable));
    // Room for the head of a request, and none for its message.
    all.pop();
    let status = secrets(&fake).describe_secret(describe()).await.unwrap_err();
    assert_eq!(wire_error(&status).code, Some(ErrorCode::ServiceUnavailable));
    drop(all);
    secrets(&fake).describe_secret(describe()).await.unwrap();
    assert_eq!(fake.intake.held(), 0);
}

#[tokio::test]
async fn a_call_is_made_in_the_region_that_it_names_or_in_the_first_one() {
    let fake = Fake::new();
    secrets(&fake).describe_secret(describe()).await.unwrap();
    assert_eq!(fake.only_call().region, "eu-central-1");
    // Whether a region is served is for the service to say, once it knows the caller.
    secrets(&fake).describe_secret(in_region("ap-south-1")).await.unwrap();
    assert_eq!(fake.only_call().region, "ap-south-1");
}

#[tokio::test]
async fn a_call_passes_on_what_consistency_it_asks_for_and_says_how_old_the_answer_may_be() {
    let fake = Fake::new();
    let asking = |consistencies: &[&str]| {
        let mut request = Request::new(describe());
        for consistency in consistencies {
            request.metadata_mut().append(CONSISTENCY_HEADER, consistency.parse().unwrap());
        }
        request
    };
    for (asked, age_ms) in [
        (&[][..], None),
        (&["linearizable"], None),
        (&["stale; max-age=5"], Some("5000")),
        // Two are none; the service says so.
        (&["stale; max-age=5", "stale; max-age=6"], None),
    ] {
        let answer = secrets(&fake).describe_secret(asking(asked)).await.unwrap();
        let age = answer.metadata().get(AGE_HEADER).map(|age| age.to_str().unwrap());
        assert_eq!(age, age_ms, "{asked:?}");
    }
}

#[tokio::test]
async fn a_region_that_is_none_or_two_is_refused() {
    let fake = Fake::new();
    let mut two = in_region("us-east-1");
    two.metadata_mut().append(REGION_METADATA, "eu-central-1".parse().unwrap());
    for request in [in_region(""), in_region("US EAST"), two] {
        let status = secrets(&fake).describe_secret(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(wire_error(&status).code, Some(ErrorCode::Validation));
    }
    assert_eq!(fake.seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn every_refusal_of_the_service_has_its_status_its_details_and_its_request_id() {
    for &code in ErrorCode::ALL {
        let fake = Fake::refusing(ApiError::new(code, "what was wrong"));
        let status = secrets(&fake).describe_secret(describe()).await.unwrap_err();
        assert_eq!(status.code() as i32, code.grpc_status() as i32, "{code:?}");
        assert_eq!(status.message(), "what was wrong");
        let error = wire_error(&status);
        assert_eq!((error.code, error.reason.as_str()), (Some(code), code.aws_name()));
        assert_eq!(error.request_id, fake.only_call().request_id);
        assert_eq!(status.metadata().get(REQUEST_ID_METADATA).unwrap(), error.request_id.as_str());
    }
}

#[tokio::test]
async fn what_is_absent_stays_absent() {
    let fake = Fake::new();
    secrets(&fake).create_secret(pb::CreateSecretRequest::default()).await.unwrap();
    let nothing = CreateSecretInput { force_overwrite_replica_secret: Some(false), ..CreateSecretInput::default() };
    assert_eq!(fake.only_call().input, format!("{nothing:?}"));
    secrets(&fake).put_secret_value(pb::PutSecretValueRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", PutSecretValueInput::default()));
    secrets(&fake).get_secret_value(pb::GetSecretValueRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", GetSecretValueInput::default()));
    secrets(&fake).delete_secret(pb::DeleteSecretRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", DeleteSecretInput::default()));
    secrets(&fake).list_secrets(pb::ListSecretsRequest::default()).await.unwrap();
    let nothing = ListSecretsInput { include_planned_deletion: Some(false), ..ListSecretsInput::default() };
    assert_eq!(fake.only_call().input, format!("{nothing:?}"));
    secrets(&fake).update_secret(pb::UpdateSecretRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", UpdateSecretInput::default()));
    secrets(&fake).update_secret_version_stage(pb::UpdateSecretVersionStageRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", UpdateSecretVersionStageInput::default()));
    secrets(&fake).list_secret_version_ids(pb::ListSecretVersionIdsRequest::default()).await.unwrap();
    let nothing = ListSecretVersionIdsInput { include_deprecated: Some(false), ..Default::default() };
    assert_eq!(fake.only_call().input, format!("{nothing:?}"));
    secrets(&fake).restore_secret(pb::RestoreSecretRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", RestoreSecretInput::default()));
    secrets(&fake).tag_resource(pb::TagResourceRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", TagResourceInput::default()));
    secrets(&fake).untag_resource(pb::UntagResourceRequest::default()).await.unwrap();
    assert_eq!(fake.only_call().input, format!("{:?}", UntagResourceInput::default()));
    secrets(&fake).get_random_password(pb::GetRandomPasswordRequest::default()).await.unwrap();
    let no = Some(false);
    let nothing = GetRandomPasswordInput {
        exclude_numbers: no,
        exclude_punctuation: no,
        exclude_uppercase: no,
        exclude_lowercase: no,
        include_space: no,
        ..GetRandomPasswordInput::default()
    };
    assert_eq!(fake.only_call().input, format!("{nothing:?}"));
}

#[tokio::test]
async fn what_is_present_and_empty_stays_present() {
    let fake = Fake::new();
    let mut create = pb::CreateSecretRequest::default();
    create.description = Some(String::new());
    create.secret_string = Some(String::new());
    secrets(&fake).create_secret(create).await.unwrap();
    let seen = fake.only_call();
    assert_eq!(seen.values, [Vec::<u8>::new()]);
    assert!(seen.input.contains(r#"description: Some("")"#), "{}", seen.input);

    let mut put = pb::PutSecretValueRequest::default();
    put.version_stages = Some(pb::Stages::default());
    put.secret_binary = Some(Vec::new());
    secrets(&fake).put_secret_value(put).await.unwrap();
    let seen = fake.only_call();
    assert_eq!(seen.values, [Vec::<u8>::new()]);
    assert!(seen.input.contains("version_stages: Some([])"), "{}", seen.input);
}

#[tokio::test]
async fn inputs_carry_every_member() {
    let fake = Fake::new();
    let mut create = pb::CreateSecretRequest::default();
    create.name = "prod/db".to_owned();
    create.client_request_token = TOKEN.to_owned();
    create.description = Some("d".to_owned());
    create.kms_key_id = Some("k".to_owned());
    create.secret_string = Some("hunter2".to_owned());
    create.tags = vec![pb::Tag { key: "team".to_owned(), value: String::new() }];
    secrets(&fake).create_secret(create).await.unwrap();
    let seen = fake.only_call();
    assert_eq!(seen.values, [b"hunter2"]);
    for part in
        [r#"name: Some("prod/db")"#, TOKEN, r#"Some("d")"#, r#"Some("k")"#, r#"key: Some("team"), value: Some("")"#]
    {
        assert!(seen.input.contains(part), "{part} in {}", seen.input);
    }
    assert!(!seen.input.contains("hunter2"));

    let list = pb::ListSecretsRequest {
        max_results: Some(-7),
        next_token: Some("t".to_owned()),
        filters: vec![pb::Filter { key: "name".to_owned(), values: vec!["!a".to_owned()] }],
        sort_order: Some("asc".to_owned()),
        sort_by: Some("name".to_owned()),
        include_planned_deletion: true,
    };
    secrets(&fake).list_secrets(list).await.unwrap();
    let seen = fake.only_call();
    for part in ["Some(-7)", r#"Some("t")"#, r#"Some(["!a"])"#, r#"Some("asc")"#, "Some(true)"] {
        assert!(seen.input.contains(part), "{part} in {}", seen.input);
    }

    let delete = pb::DeleteSecretRequest {
        secret_id: "s".to_owned(),
        recovery_window_in_days: Some(7),
        force_delete_without_recovery: Some(false),
    };
    secrets(&fake).delete_secret(delete).await.unwrap();
    let seen = fake.only_call();
    assert!(seen.input.contains("Some(7)") && seen.input.contains("Some(false)"), "{}", seen.input);
}

#[tokio::test]
async fn inputs_about_versions_tags_and_passwords_carry_every_member() {
    let fake = Fake::new();
    let mut update = pb::UpdateSecretRequest::default();
    update.secret_id = "s".to_owned();
    update.client_request_token = TOKEN.to_owned();
    update.description = Some(String::new());
    update.kms_key_id = Some("k".to_owned());
    update.secret_binary = Some(b"hunter2".to_vec());
    secrets(&fake).update_secret(update).await.unwrap();
    let seen = fake.only_call();
    assert_eq!(seen.values, [b"hunter2"]);
    for part in [r#"secret_id: Some("s")"#, TOKEN, r#"description: Some("")"#, r#"Some("k")"#] {
        assert!(seen.input.contains(part), "{part} in {}", seen.input);
    }
    assert!(!seen.input.contains("hunter2"));

    let stage = pb::UpdateSecretVersionStageRequest {
        secret_id: "s".to_owned(),
        version_stage: "blue".to_owned(),
        remove_from_version_id: Some("from".to_owned()),
        move_to_version_id: Some(String::new()),
    };
    secrets(&fake).update_secret_version_stage(stage).await.unwrap();
    let seen = fake.only_call();
    for part in [r#"Some("blue")"#, r#"remove_from_version_id: Some("from")"#, r#"move_to_version_id: Some("")"#] {
        assert!(seen.input.contains(part), "{part} in {}", seen.input);
    }

    let versions = pb::ListSecretVersionIdsRequest {
        secret_id: "s".to_owned(),
        max_results: Some(7),
        next_token: Some("t".to_owned()),
        include_deprecated: true,
    };
    secrets(&fake).list_secret_version_ids(versions).await.unwrap();
    let seen = fake.only_call();
    assert!(["Some(7)", r#"Some("t")"#, "Some(true)"].iter().all(|part| seen.input.contains(part)), "{}", seen.input);

    let tags = vec![pb::Tag { key: "team".to_owned(), value: String::new() }];
    secrets(&fake).tag_resource(pb::TagResourceRequest { secret_id: "s".to_owned(), tags }).await.unwrap();
    assert!(fake.only_call().input.contains(r#"key: Some("team"), value: Some("")"#));
    let tag_keys = vec!["team".to_owned()];
    secrets(&fake).untag_resource(pb::UntagResourceRequest { secret_id: "s".to_owned(), tag_keys }).await.unwrap();
    assert!(fake.only_call().input.contains(r#"tag_keys: Some(["team"])"#));

    let password = pb::GetRandomPasswordRequest {
        password_length: Some(7),
        exclude_characters: Some("x".to_owned()),
        exclude_numbers: true,
        require_each_included_type: Some(false),
        ..Default::default()
    };
    secrets(&fake).get_random_password(password).await.unwrap();
    let seen = fake.only_call();
    for part in ["Some(7)", r#"Some("x")"#, "exclude_numbers: Some(true)", "require_each_included_type: Some(false)"] {
        assert!(seen.input.contains(part), "{part} in {}", seen.input);
    }
}

#[tokio::test]
async fn answers_about_versions_tags_and_passwords_come_back_whole() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    let updated = client.update_secret(pb::UpdateSecretRequest::default()).await.unwrap().into_inner();
    assert_eq!((updated.name.as_str(), updated.version_id.as_deref()), ("prod/db", Some(TOKEN)));
    assert_eq!(updated.applied_index, INDEX);
    let moved = client.update_secret_version_stage(pb::UpdateSecretVersionStageRequest::default()).await.unwrap();
    assert_eq!((moved.get_ref().name.as_str(), moved.get_ref().applied_index), ("prod/db", INDEX));
    let listed = client.list_secret_version_ids(pb::ListSecretVersionIdsRequest::default()).await.unwrap().into_inner();
    let version = &listed.versions[0];
    assert_eq!((version.version_id.as_str(), listed.next_token.as_deref()), (TOKEN, Some("next")));
    assert_eq!(
        (&version.version_stages[..], &version.kms_key_ids[..]),
        (&["AWSCURRENT".to_owned()][..], &["DefaultEncryptionKey".to_owned()][..])
    );
    assert_eq!((version.created_date.unwrap().nanos, version.last_accessed_date), (500_000_000, None));
    assert_eq!(listed.applied_index, INDEX);
    let restored = client.restore_secret(pb::RestoreSecretRequest::default()).await.unwrap().into_inner();
    assert_eq!((restored.name.as_str(), restored.applied_index), ("prod/db", INDEX));
    let tagged = client.tag_resource(pb::TagResourceRequest::default()).await.unwrap();
    let untagged = client.untag_resource(pb::UntagResourceRequest::default()).await.unwrap();
    assert_eq!((tagged.get_ref().applied_index, untagged.get_ref().applied_index), (INDEX, INDEX));
    let made = client.get_random_password(pb::GetRandomPasswordRequest::default()).await.unwrap().into_inner();
    assert_eq!((made.random_password.as_str(), made.applied_index), ("hunter2", INDEX));
    assert!(!format!("{made:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_value_comes_back_as_what_it_is_with_the_index_of_its_state() {
    let mut fake = Fake::new();
    let answer = secrets(&fake).get_secret_value(pb::GetSecretValueRequest::default()).await.unwrap().into_inner();
    assert_eq!((answer.secret_string.as_deref(), answer.secret_binary.as_deref()), (Some("hunter2"), None));
    assert_eq!((answer.version_id.as_str(), answer.applied_index), (TOKEN, INDEX));
    assert_eq!(answer.version_stages, ["AWSCURRENT"]);
    let created = answer.created_date.unwrap();
    assert_eq!((created.seconds, created.nanos), (1, 500_000_000));

    fake.value = Arc::new(|| SecretValue::Binary(Plaintext::copy_from(&[0xff, 0])));
    let answer = secrets(&fake).get_secret_value(pb::GetSecretValueRequest::default()).await.unwrap().into_inner();
    assert_eq!((answer.secret_string.as_deref(), answer.secret_binary.as_deref()), (None, Some(&[0xff, 0][..])));
}

#[tokio::test]
async fn every_answer_shows_the_index_of_its_state() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    let created = client.create_secret(pb::CreateSecretRequest::default()).await.unwrap().into_inner();
    assert_eq!((created.version_id.as_deref(), created.applied_index), (None, INDEX));
    assert_eq!(
        client.put_secret_value(pb::PutSecretValueRequest::default()).await.unwrap().into_inner().applied_index,
        INDEX
    );
    assert_eq!(client.describe_secret(describe()).await.unwrap().into_inner().applied_index, INDEX);
    let listed = client.list_secrets(pb::ListSecretsRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.next_token.as_deref(), listed.applied_index), (Some("next"), INDEX));
    let deleted = client.delete_secret(pb::DeleteSecretRequest::default()).await.unwrap().into_inner();
    assert_eq!((deleted.deletion_date.unwrap().seconds, deleted.applied_index), (3, INDEX));
}

#[tokio::test]
async fn never_tagged_is_not_the_same_as_tagged_no_more() {
    let mut fake = Fake::new();
    let mut described = Vec::new();
    for tags in [None, Some(Vec::new()), Some(vec![Tag { key: "k".into(), value: "v".into() }])] {
        fake.tags = tags;
        let secret = secrets(&fake).describe_secret(describe()).await.unwrap().into_inner().secret.unwrap();
        assert_eq!(secret.version_ids_to_stages[TOKEN].stages, ["AWSCURRENT"]);
        described.push(secret.tags.map(|tags| tags.tags.len()));
    }
    assert_eq!(described, [None, Some(0), Some(1)]);
}

#[tokio::test]
async fn the_cluster_shows_members_that_cannot_be_reached() {
    let fake = Fake::new();
    let status = cluster(&fake).status(cluster_pb::StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.cluster_id, "abababab-abab-abab-abab-abababababab");
    let facts = status.nodes[0].facts.as_ref().unwrap();
    assert_eq!((facts.role(), facts.term, facts.applied), (cluster_pb::Role::Leader, 3, 7));
    assert_eq!((status.nodes[1].address.as_str(), status.nodes[1].facts.as_ref()), ("host-2:7401", None));

    let digest = cluster(&fake).digest(cluster_pb::DigestRequest {}).await.unwrap().into_inner();
    let state = cluster_pb::StateDigest { applied: 7, digest: vec![1; 32] };
    assert_eq!(digest.nodes[0].result, Some(cluster_pb::node_digest::Result::State(state)));
    let checkpoint = cluster(&fake).checkpoint(cluster_pb::CheckpointRequest {}).await.unwrap().into_inner();
    let error = cluster_pb::node_checkpoint::Result::Error("not reached".to_owned());
    assert_eq!(checkpoint.nodes[1].result, Some(error));
}

#[tokio::test]
async fn a_node_is_added_with_both_its_addresses() {
    let fake = Fake::new();
    let request =
        cluster_pb::AddNodeRequest { id: 4, peer_address: "h:7401".to_owned(), client_address: "h:7400".to_owned() };
    assert_eq!(cluster(&fake).add_node(request).await.unwrap().into_inner().voters, [1, 4]);
    assert_eq!(fake.only_call().input, "4 h:7401 h:7400");
}

#[tokio::test]
async fn nodes_are_removed_and_leadership_is_handed_over() {
    let fake = Fake::new();
    let request = cluster_pb::RemoveNodeRequest { id: 4 };
    assert_eq!(cluster(&fake).remove_node(request).await.unwrap().into_inner().voters, [1]);
    assert_eq!(fake.only_call().input, "remove 4");
    for (id, leader) in [(None, 3), (Some(2), 2)] {
        let request = cluster_pb::TransferLeaderRequest { id };
        assert_eq!(cluster(&Fake::new()).transfer_leader(request).await.unwrap().into_inner().leader, leader);
    }
}

#[tokio::test]
async fn a_message_over_the_bound_is_refused_unread() {
    let fake = Fake::new();
    let mut put = pb::PutSecretValueRequest::default();
    put.secret_binary = Some(vec![0; limits::REQUEST_BODY_BYTES]);
    let status = secrets(&fake).put_secret_value(put).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(wire_error(&status).code, Some(ErrorCode::RequestTooLarge));
    assert_eq!(fake.seen.lock().unwrap().len(), 0);
}

/// Sends a body as it is, and answers the status.
async fn raw(path: &str, body: Body) -> Status {
    let request = HttpRequest::post(path).header("content-type", "application/grpc").body(body).unwrap();
    let response = app(&Fake::new()).oneshot(request).await.unwrap();
    assert!(response.headers().contains_key(REQUEST_ID_METADATA));
    Status::from_header_map(response.headers()).unwrap()
}

const DESCRIBE: &str = "/conclave.secrets.v1.Secrets/DescribeSecret";
const EMPTY_MESSAGE: [u8; 5] = [0; 5];

#[tokio::test]
async fn statuses_of_the_framework_have_details_too() {
    for (path, body, code) in [
        ("/conclave.secrets.v1.Secrets/Nothing", Body::from(&EMPTY_MESSAGE[..]), ErrorCode::UnknownOperation),
        ("/conclave.nothing.v1.Nothing/Nothing", Body::from(&EMPTY_MESSAGE[..]), ErrorCode::UnknownOperation),
        (DESCRIBE, Body::empty(), ErrorCode::Serialization),
        (DESCRIBE, Body::from(&[0, 0, 0, 0, 2, 0xff, 0xff][..]), ErrorCode::Serialization),
        (DESCRIBE, Body::from(&[7, 0, 0, 0, 0][..]), ErrorCode::Serialization),
        (DESCRIBE, Body::from(&[0, 0, 0, 0][..]), ErrorCode::Serialization),
    ] {
        let status = raw(path, body).await;
        assert_eq!(wire_error(&status).code, Some(code), "{path} {status:?}");
        assert_eq!(status.code() as i32, code.grpc_status() as i32);
    }
}

#[tokio::test]
async fn a_body_that_goes_on_behind_its_message_is_cut_off() {
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&EMPTY_MESSAGE)));
    let status = raw(DESCRIBE, Body::from_stream(endless)).await;
    assert_eq!(wire_error(&status).code, Some(ErrorCode::RequestTooLarge));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered() {
    let begun = stream::iter([Ok::<_, io::Error>(Bytes::from_static(&EMPTY_MESSAGE[..3]))]);
    let status = raw(DESCRIBE, Body::from_stream(begun.chain(stream::pending()))).await;
    assert_eq!(wire_error(&status).code, Some(ErrorCode::RequestTimeout));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = stream::iter([Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let status = raw(DESCRIBE, Body::from_stream(broken)).await;
    assert_eq!(wire_error(&status).code, Some(ErrorCode::Serialization));
}

#[tokio::test]
async fn a_batch_tells_values_and_errors_apart() {
    let fake = Fake::new();
    let filter = pb::Filter { key: "name".to_owned(), values: vec!["prod/".to_owned()] };
    let batch = pb::BatchGetSecretValueRequest {
        filters: vec![filter],
        max_results: Some(7),
        ..pb::BatchGetSecretValueRequest::default()
    };
    let answer = secrets(&fake).batch_get_secret_value(batch).await.unwrap().into_inner();
    assert_eq!(
        fake.only_call().input,
        "BatchGetSecretValueInput { secret_id_list: None, filters: Some([FilterInput { key: Some(\"name\"), values: \
         Some([\"prod/\"]) }]), max_results: Some(7), next_token: None }"
    );
    assert_eq!(answer.secret_values[0].secret_string.as_deref(), Some("hunter2"));
    assert_eq!(answer.errors[0].error_code, "ResourceNotFoundException");
    assert_eq!(answer.errors[0].message, "Secrets Manager can't find the specified secret.");
    assert_eq!((answer.next_token.as_deref(), answer.applied_index), (Some("next"), INDEX));
}
