//! One way to call an operation, whatever the front: AWS's JSON in, AWS's JSON out, over AWS JSON or over gRPC.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::from_wire_time;
use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_client::SecretsClient;
use serde_json::{Map, Value, json};
use testkit::SignedClient;
use testkit::fate::refusal;
use tonic::transport::Channel;
use types::Timestamp;

/// A refusal as both fronts tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

pub(crate) enum Front {
    Aws(SignedClient),
    Grpc(SecretsClient<Channel>),
}

impl Front {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Aws(_) => "aws",
            Self::Grpc(_) => "grpc",
        }
    }

    /// Calls an operation with AWS's member names. Blobs are base64 in both directions.
    pub(crate) async fn call(&mut self, operation: &str, body: Value) -> Result<Value, Refused> {
        match self {
            Self::Aws(client) => over_aws(client, operation, &body).await,
            Self::Grpc(client) => over_grpc(client, operation, &body).await.map_err(|status| {
                let ours = refusal(&status).unwrap_or_else(|| panic!("{operation}: not our answer: {status:?}"));
                Refused { code: ours.code, message: ours.message }
            }),
        }
    }
}

async fn over_aws(client: &SignedClient, operation: &str, body: &Value) -> Result<Value, Refused> {
    let answer = client.call(operation, body).await.unwrap();
    let json = answer.json().unwrap();
    assert!(answer.headers.contains_key("x-amzn-requestid"), "{operation}: no request id");
    if answer.status.is_success() {
        assert!(!answer.body.contains("null"), "{operation}: members without a value are left out: {}", answer.body);
        return Ok(json);
    }
    let code = answer.error_code();
    assert_eq!(answer.headers["x-amzn-errortype"], code.as_str(), "{operation}");
    // Modelled errors spell `Message`, those of the framework `message`; each refusal has exactly one.
    let messages = [&json["Message"], &json["message"]];
    let message = messages.iter().find_map(|message| message.as_str()).unwrap_or_default().to_owned();
    assert!(messages.iter().any(|message| message.is_null()), "{operation}: both spellings: {json}");
    Err(Refused { code, message })
}

async fn over_grpc(client: &mut SecretsClient<Channel>, operation: &str, body: &Value) -> Result<Value, tonic::Status> {
    Ok(match operation {
        "CreateSecret" => created(client.create_secret(create(body)).await?.into_inner()),
        "GetSecretValue" => got(client.get_secret_value(get(body)).await?.get_ref()),
        "PutSecretValue" => put_answer(client.put_secret_value(put(body)).await?.into_inner()),
        "DescribeSecret" => {
            let request = pb::DescribeSecretRequest { secret_id: text(body, "SecretId").unwrap_or_default() };
            let answer = client.describe_secret(request).await?.into_inner();
            entry(answer.secret.unwrap(), "VersionIdsToStages")
        }
        "ListSecrets" => listed(client.list_secrets(list(body)).await?.into_inner()),
        "DeleteSecret" => deleted(client.delete_secret(delete(body)).await?.into_inner()),
        other => panic!("no operation {other}"),
    })
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn blob(body: &Value) -> Option<Vec<u8>> {
    text(body, "SecretBinary").map(|text| STANDARD.decode(text).unwrap())
}

fn create(body: &Value) -> pb::CreateSecretRequest {
    let tags = body["Tags"].as_array().into_iter().flatten();
    pb::CreateSecretRequest {
        name: text(body, "Name").unwrap_or_default(),
        client_request_token: text(body, "ClientRequestToken").unwrap_or_default(),
        description: text(body, "Description"),
        kms_key_id: text(body, "KmsKeyId"),
        secret_string: text(body, "SecretString"),
        secret_binary: blob(body),
        tags: tags
            .map(|tag| pb::Tag {
                key: text(tag, "Key").unwrap_or_default(),
                value: text(tag, "Value").unwrap_or_default(),
            })
            .collect(),
    }
}

fn get(body: &Value) -> pb::GetSecretValueRequest {
    pb::GetSecretValueRequest {
        secret_id: text(body, "SecretId").unwrap_or_default(),
        version_id: text(body, "VersionId"),
        version_stage: text(body, "VersionStage"),
    }
}

fn put(body: &Value) -> pb::PutSecretValueRequest {
    pb::PutSecretValueRequest {
        secret_id: text(body, "SecretId").unwrap_or_default(),
        client_request_token: text(body, "ClientRequestToken").unwrap_or_default(),
        secret_string: text(body, "SecretString"),
        secret_binary: blob(body),
        version_stages: body.get("VersionStages").map(|stages| pb::Stages { stages: texts(stages) }),
        rotation_token: text(body, "RotationToken"),
    }
}

fn list(body: &Value) -> pb::ListSecretsRequest {
    let filters = body["Filters"].as_array().into_iter().flatten();
    pb::ListSecretsRequest {
        max_results: body["MaxResults"].as_i64().map(|number| i32::try_from(number).unwrap()),
        next_token: text(body, "NextToken"),
        filters: filters
            .map(|filter| pb::Filter { key: text(filter, "Key").unwrap_or_default(), values: texts(&filter["Values"]) })
            .collect(),
        sort_order: text(body, "SortOrder"),
        sort_by: text(body, "SortBy"),
        include_planned_deletion: body["IncludePlannedDeletion"].as_bool().unwrap_or_default(),
    }
}

fn delete(body: &Value) -> pb::DeleteSecretRequest {
    pb::DeleteSecretRequest {
        secret_id: text(body, "SecretId").unwrap_or_default(),
        recovery_window_in_days: body["RecoveryWindowInDays"].as_i64(),
        force_delete_without_recovery: body["ForceDeleteWithoutRecovery"].as_bool(),
    }
}

fn created(answer: pb::CreateSecretResponse) -> Value {
    object([
        ("ARN", Some(json!(answer.arn))),
        ("Name", Some(json!(answer.name))),
        ("VersionId", answer.version_id.map(Value::from)),
    ])
}

fn got(answer: &pb::GetSecretValueResponse) -> Value {
    object([
        ("ARN", Some(json!(answer.arn))),
        ("Name", Some(json!(answer.name))),
        ("VersionId", Some(json!(answer.version_id))),
        ("SecretString", answer.secret_string.clone().map(Value::from)),
        ("SecretBinary", answer.secret_binary.as_ref().map(|bytes| json!(STANDARD.encode(bytes)))),
        ("VersionStages", (!answer.version_stages.is_empty()).then(|| json!(answer.version_stages))),
        ("CreatedDate", answer.created_date.as_ref().map(|at| date(from_wire_time(at)))),
    ])
}

fn put_answer(answer: pb::PutSecretValueResponse) -> Value {
    object([
        ("ARN", Some(json!(answer.arn))),
        ("Name", Some(json!(answer.name))),
        ("VersionId", Some(json!(answer.version_id))),
        ("VersionStages", Some(json!(answer.version_stages))),
    ])
}

fn entry(secret: pb::SecretEntry, stages: &'static str) -> Value {
    let tag = |tag: &pb::Tag| json!({"Key": tag.key, "Value": tag.value});
    let versions: Map<String, Value> =
        secret.version_ids_to_stages.into_iter().map(|(id, stages)| (id, json!(stages.stages))).collect();
    object([
        ("ARN", Some(json!(secret.arn))),
        ("Name", Some(json!(secret.name))),
        ("Description", secret.description.map(Value::from)),
        ("KmsKeyId", secret.kms_key_id.map(Value::from)),
        ("Tags", secret.tags.map(|tags| json!(tags.tags.iter().map(tag).collect::<Vec<_>>()))),
        ("CreatedDate", secret.created_date.map(|at| date(from_wire_time(&at)))),
        ("LastChangedDate", secret.last_changed_date.map(|at| date(from_wire_time(&at)))),
        ("LastAccessedDate", secret.last_accessed_date.map(|at| date(from_wire_time(&at)))),
        ("DeletedDate", secret.deleted_date.map(|at| date(from_wire_time(&at)))),
        (stages, (!versions.is_empty()).then_some(Value::Object(versions))),
    ])
}

fn listed(answer: pb::ListSecretsResponse) -> Value {
    let entries: Vec<Value> =
        answer.secret_list.into_iter().map(|secret| entry(secret, "SecretVersionsToStages")).collect();
    object([("SecretList", Some(json!(entries))), ("NextToken", answer.next_token.map(Value::from))])
}

fn deleted(answer: pb::DeleteSecretResponse) -> Value {
    object([
        ("ARN", Some(json!(answer.arn))),
        ("Name", Some(json!(answer.name))),
        ("DeletionDate", answer.deletion_date.map(|at| date(from_wire_time(&at)))),
    ])
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

/// Epoch seconds, as AWS JSON has them.
fn date(time: Option<Timestamp>) -> Value {
    json!(time.unwrap().as_millis() as f64 / 1_000.0)
}
