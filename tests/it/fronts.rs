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
        "UpdateSecret" => {
            let request = pb::UpdateSecretRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                client_request_token: text(body, "ClientRequestToken").unwrap_or_default(),
                description: text(body, "Description"),
                kms_key_id: text(body, "KmsKeyId"),
                secret_string: text(body, "SecretString"),
                secret_binary: blob(body),
            };
            let answer = client.update_secret(request).await?.into_inner();
            written(answer.arn, answer.name, answer.version_id)
        }
        "UpdateSecretVersionStage" => {
            let request = pb::UpdateSecretVersionStageRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                version_stage: text(body, "VersionStage").unwrap_or_default(),
                remove_from_version_id: text(body, "RemoveFromVersionId"),
                move_to_version_id: text(body, "MoveToVersionId"),
            };
            let answer = client.update_secret_version_stage(request).await?.into_inner();
            written(answer.arn, answer.name, None)
        }
        "RestoreSecret" => {
            let request = pb::RestoreSecretRequest { secret_id: text(body, "SecretId").unwrap_or_default() };
            let answer = client.restore_secret(request).await?.into_inner();
            written(answer.arn, answer.name, None)
        }
        "TagResource" => {
            let request =
                pb::TagResourceRequest { secret_id: text(body, "SecretId").unwrap_or_default(), tags: tags(body) };
            client.tag_resource(request).await?;
            Value::Null
        }
        "UntagResource" => {
            let request = pb::UntagResourceRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                tag_keys: texts(&body["TagKeys"]),
            };
            client.untag_resource(request).await?;
            Value::Null
        }
        "ListSecretVersionIds" => {
            let request = pb::ListSecretVersionIdsRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                max_results: number(body),
                next_token: text(body, "NextToken"),
                include_deprecated: body["IncludeDeprecated"].as_bool().unwrap_or_default(),
            };
            versions(client.list_secret_version_ids(request).await?.into_inner())
        }
        "BatchGetSecretValue" => {
            let request = pb::BatchGetSecretValueRequest {
                secret_id_list: texts(&body["SecretIdList"]),
                filters: filters(body),
                max_results: number(body),
                next_token: text(body, "NextToken"),
            };
            batch(client.batch_get_secret_value(request).await?.into_inner())
        }
        "GetResourcePolicy" => {
            let request = pb::GetResourcePolicyRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                policy_name: text(body, "PolicyName"),
            };
            let answer = client.get_resource_policy(request).await?.into_inner();
            object([
                ("ARN", Some(json!(answer.arn))),
                ("Name", Some(json!(answer.name))),
                ("PolicyName", Some(json!(answer.policy_name))),
                ("ResourcePolicy", answer.resource_policy.map(Value::from)),
            ])
        }
        "PutResourcePolicy" => {
            let request = pb::PutResourcePolicyRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                resource_policy: text(body, "ResourcePolicy").unwrap_or_default(),
                policy_name: text(body, "PolicyName"),
                block_public_policy: body["BlockPublicPolicy"].as_bool().unwrap_or_default(),
            };
            let answer = client.put_resource_policy(request).await?.into_inner();
            policy_written(answer.arn, answer.name, answer.policy_name)
        }
        "DeleteResourcePolicy" => {
            let request = pb::DeleteResourcePolicyRequest {
                secret_id: text(body, "SecretId").unwrap_or_default(),
                policy_name: text(body, "PolicyName"),
            };
            let answer = client.delete_resource_policy(request).await?.into_inner();
            policy_written(answer.arn, answer.name, answer.policy_name)
        }
        "ValidateResourcePolicy" => {
            let request = pb::ValidateResourcePolicyRequest {
                secret_id: text(body, "SecretId"),
                resource_policy: text(body, "ResourcePolicy").unwrap_or_default(),
            };
            let answer = client.validate_resource_policy(request).await?.into_inner();
            let error = |error: &pb::ValidationError| json!({"CheckName": error.check_name, "ErrorMessage": error.error_message});
            let errors: Vec<Value> = answer.validation_errors.iter().map(error).collect();
            json!({"PolicyValidationPassed": answer.policy_validation_passed, "ValidationErrors": errors})
        }
        other => panic!("no operation {other}"),
    })
}

/// The answer of a write that tells no more than which secret it was on, and at most the version.
fn written(arn: String, name: String, version: Option<String>) -> Value {
    object([("ARN", Some(json!(arn))), ("Name", Some(json!(name))), ("VersionId", version.map(Value::from))])
}

fn policy_written(arn: String, name: String, policy_name: String) -> Value {
    json!({"ARN": arn, "Name": name, "PolicyName": policy_name})
}

fn versions(answer: pb::ListSecretVersionIdsResponse) -> Value {
    let version = |version: &pb::VersionEntry| {
        object([
            ("VersionId", Some(json!(version.version_id))),
            ("VersionStages", (!version.version_stages.is_empty()).then(|| json!(version.version_stages))),
            ("CreatedDate", version.created_date.as_ref().map(|at| date(from_wire_time(at)))),
            ("LastAccessedDate", version.last_accessed_date.as_ref().map(|at| date(from_wire_time(at)))),
            ("KmsKeyIds", Some(json!(version.kms_key_ids))),
        ])
    };
    let versions: Vec<Value> = answer.versions.iter().map(version).collect();
    object([
        ("ARN", Some(json!(answer.arn))),
        ("Name", Some(json!(answer.name))),
        ("Versions", Some(json!(versions))),
        ("NextToken", answer.next_token.map(Value::from)),
    ])
}

fn batch(answer: pb::BatchGetSecretValueResponse) -> Value {
    let error = |error: &pb::BatchError| json!({"SecretId": error.secret_id, "ErrorCode": error.error_code, "Message": error.message});
    let values: Vec<Value> = answer.secret_values.iter().map(got).collect();
    let errors: Vec<Value> = answer.errors.iter().map(error).collect();
    object([
        ("SecretValues", Some(json!(values))),
        ("Errors", Some(json!(errors))),
        ("NextToken", answer.next_token.map(Value::from)),
    ])
}

fn number(body: &Value) -> Option<i32> {
    body["MaxResults"].as_i64().map(|number| i32::try_from(number).unwrap())
}

fn filters(body: &Value) -> Vec<pb::Filter> {
    let filters = body["Filters"].as_array().into_iter().flatten();
    filters
        .map(|filter| pb::Filter { key: text(filter, "Key").unwrap_or_default(), values: texts(&filter["Values"]) })
        .collect()
}

fn tags(body: &Value) -> Vec<pb::Tag> {
    let tags = body["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| pb::Tag { key: text(tag, "Key").unwrap_or_default(), value: text(tag, "Value").unwrap_or_default() })
        .collect()
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
    pb::CreateSecretRequest {
        name: text(body, "Name").unwrap_or_default(),
        client_request_token: text(body, "ClientRequestToken").unwrap_or_default(),
        description: text(body, "Description"),
        kms_key_id: text(body, "KmsKeyId"),
        secret_string: text(body, "SecretString"),
        secret_binary: blob(body),
        tags: tags(body),
        add_replica_regions: Vec::new(),
        force_overwrite_replica_secret: false,
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
    pb::ListSecretsRequest {
        max_results: number(body),
        next_token: text(body, "NextToken"),
        filters: filters(body),
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
