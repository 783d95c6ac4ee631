//! Outputs to messages.

use proto::secrets::v1 as pb;
use proto::to_wire_time;
use service::Answer;
use service::api::{
    BatchErrorOutput, BatchGetSecretValueOutput, CreateSecretOutput, DeleteSecretOutput, GetRandomPasswordOutput,
    GetSecretValueOutput, ListSecretVersionIdsOutput, ListSecretsOutput, PutSecretValueOutput, SecretDescription,
    SecretOutput, SecretValue, UpdateSecretOutput, VersionDescription,
};
use types::{ApiError, ErrorCode, StagingLabel, Tag};

use crate::replication::statuses;
use crate::rotation;

/// A message that answers an operation.
pub(crate) trait Encode<Output>: Sized {
    /// # Errors
    /// InternalService for an output that no message can hold.
    fn encode(answer: Answer<Output>) -> Result<Self, ApiError>;
}

impl Encode<CreateSecretOutput> for pb::CreateSecretResponse {
    fn encode(answer: Answer<CreateSecretOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            version_id: output.version_id.map(|id| id.as_str().to_owned()),
            replication_status: statuses(output.replication_status),
            applied_index,
        })
    }
}

impl Encode<GetSecretValueOutput> for pb::GetSecretValueResponse {
    fn encode(answer: Answer<GetSecretValueOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let (secret_string, secret_binary) = match &output.value {
            SecretValue::String(value) => match str::from_utf8(value.expose_secret()) {
                Ok(text) => (Some(text.to_owned()), None),
                Err(_) => {
                    tracing::error!("a SecretString is not UTF-8");
                    return Err(ErrorCode::InternalService.into());
                }
            },
            SecretValue::Binary(value) => (None, Some(value.expose_secret().to_vec())),
        };
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            version_id: output.version_id.as_str().to_owned(),
            secret_string,
            secret_binary,
            version_stages: labels(&output.version_stages),
            created_date: Some(to_wire_time(output.created_date)),
            applied_index,
        })
    }
}

impl Encode<BatchGetSecretValueOutput> for pb::BatchGetSecretValueResponse {
    fn encode(answer: Answer<BatchGetSecretValueOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let value = |output| pb::GetSecretValueResponse::encode(Answer { output, applied_index: 0, age: None });
        Ok(Self {
            secret_values: output.secret_values.into_iter().map(value).collect::<Result<_, _>>()?,
            errors: output.errors.into_iter().map(batch_error).collect(),
            next_token: output.next_token,
            applied_index,
        })
    }
}

impl Encode<PutSecretValueOutput> for pb::PutSecretValueResponse {
    fn encode(answer: Answer<PutSecretValueOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            version_id: output.version_id.as_str().to_owned(),
            version_stages: labels(&output.version_stages),
            applied_index,
        })
    }
}

impl Encode<SecretDescription> for pb::DescribeSecretResponse {
    fn encode(answer: Answer<SecretDescription>) -> Result<Self, ApiError> {
        Ok(Self { secret: Some(secret(answer.output)), applied_index: answer.applied_index })
    }
}

impl Encode<ListSecretsOutput> for pb::ListSecretsResponse {
    fn encode(answer: Answer<ListSecretsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            secret_list: output.secrets.into_iter().map(secret).collect(),
            next_token: output.next_token,
            applied_index,
        })
    }
}

impl Encode<DeleteSecretOutput> for pb::DeleteSecretResponse {
    fn encode(answer: Answer<DeleteSecretOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn,
            name: output.name,
            deletion_date: Some(to_wire_time(output.deletion_date)),
            applied_index,
        })
    }
}

impl Encode<UpdateSecretOutput> for pb::UpdateSecretResponse {
    fn encode(answer: Answer<UpdateSecretOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            version_id: output.version_id.map(|id| id.as_str().to_owned()),
            applied_index,
        })
    }
}

impl Encode<SecretOutput> for pb::UpdateSecretVersionStageResponse {
    fn encode(answer: Answer<SecretOutput>) -> Result<Self, ApiError> {
        let Answer { output: SecretOutput { arn, name }, applied_index, .. } = answer;
        let (arn, name) = (arn.as_str().to_owned(), name.as_str().to_owned());
        Ok(Self { arn, name, applied_index })
    }
}

impl Encode<ListSecretVersionIdsOutput> for pb::ListSecretVersionIdsResponse {
    fn encode(answer: Answer<ListSecretVersionIdsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            versions: output.versions.into_iter().map(version).collect(),
            next_token: output.next_token,
            applied_index,
        })
    }
}

impl Encode<SecretOutput> for pb::RestoreSecretResponse {
    fn encode(answer: Answer<SecretOutput>) -> Result<Self, ApiError> {
        let Answer { output: SecretOutput { arn, name }, applied_index, .. } = answer;
        Ok(Self { arn: arn.as_str().to_owned(), name: name.as_str().to_owned(), applied_index })
    }
}

impl Encode<()> for pb::TagResourceResponse {
    fn encode(answer: Answer<()>) -> Result<Self, ApiError> {
        Ok(Self { applied_index: answer.applied_index })
    }
}

impl Encode<()> for pb::UntagResourceResponse {
    fn encode(answer: Answer<()>) -> Result<Self, ApiError> {
        Ok(Self { applied_index: answer.applied_index })
    }
}

impl Encode<GetRandomPasswordOutput> for pb::GetRandomPasswordResponse {
    fn encode(answer: Answer<GetRandomPasswordOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let password =
            str::from_utf8(output.random_password.expose_secret()).map_err(|_| ErrorCode::InternalService)?;
        Ok(Self { random_password: password.to_owned(), applied_index })
    }
}

fn batch_error(entry: BatchErrorOutput) -> pb::BatchError {
    let BatchErrorOutput { secret_id, error } = entry;
    pb::BatchError { secret_id, error_code: error.code.aws_name().to_owned(), message: error.message.into_owned() }
}

fn version(version: VersionDescription) -> pb::VersionEntry {
    pb::VersionEntry {
        version_id: version.version_id.as_str().to_owned(),
        version_stages: labels(&version.version_stages),
        created_date: Some(to_wire_time(version.created_date)),
        last_accessed_date: version.last_accessed_date.map(to_wire_time),
        kms_key_ids: version.kms_key_ids,
    }
}

fn secret(description: SecretDescription) -> pb::SecretEntry {
    let versions = description.version_ids_to_stages.iter();
    let mut entry = pb::SecretEntry {
        arn: description.arn.as_str().to_owned(),
        name: description.name.as_str().to_owned(),
        description: description.description,
        kms_key_id: description.kms_key_id,
        tags: description.tags.map(|tags| pb::Tags { tags: tags.iter().map(tag).collect() }),
        created_date: Some(to_wire_time(description.created_date)),
        last_changed_date: Some(to_wire_time(description.last_changed_date)),
        last_accessed_date: description.last_accessed_date.map(to_wire_time),
        deleted_date: description.deleted_date.map(to_wire_time),
        version_ids_to_stages: versions
            .map(|(id, stages)| (id.as_str().to_owned(), pb::Stages { stages: labels(stages) }))
            .collect(),
        primary_region: description.primary_region.map(|region| region.as_str().to_owned()),
        replication_status: statuses(description.replication_status),
        ..pb::SecretEntry::default()
    };
    if let Some(rotation) = description.rotation {
        rotation::describe(&mut entry, rotation);
    }
    entry
}

fn tag(tag: &Tag) -> pb::Tag {
    pb::Tag { key: tag.key.to_string(), value: tag.value.to_string() }
}

fn labels(labels: &[StagingLabel]) -> Vec<String> {
    labels.iter().map(|label| label.as_str().to_owned()).collect()
}
