//! Outputs to messages.

use proto::secrets::v1 as pb;
use proto::to_wire_time;
use service::Answer;
use service::api::{
    CreateSecretOutput, DeleteSecretOutput, GetRandomPasswordOutput, GetSecretValueOutput, ListSecretVersionIdsOutput,
    ListSecretsOutput, PutSecretValueOutput, SecretDescription, SecretOutput, SecretValue, UpdateSecretOutput,
    VersionDescription,
};
use types::{ApiError, ErrorCode, StagingLabel, Tag};

pub(crate) fn create_secret(answer: Answer<CreateSecretOutput>) -> pb::CreateSecretResponse {
    let Answer { output, applied_index } = answer;
    pb::CreateSecretResponse {
        arn: output.arn.as_str().to_owned(),
        name: output.name.as_str().to_owned(),
        version_id: output.version_id.map(|id| id.as_str().to_owned()),
        applied_index,
    }
}

/// # Errors
/// InternalService for a SecretString that is not UTF-8: it was checked before it was kept.
pub(crate) fn get_secret_value(answer: Answer<GetSecretValueOutput>) -> Result<pb::GetSecretValueResponse, ApiError> {
    let Answer { output, applied_index } = answer;
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
    Ok(pb::GetSecretValueResponse {
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

pub(crate) fn put_secret_value(answer: Answer<PutSecretValueOutput>) -> pb::PutSecretValueResponse {
    let Answer { output, applied_index } = answer;
    pb::PutSecretValueResponse {
        arn: output.arn.as_str().to_owned(),
        name: output.name.as_str().to_owned(),
        version_id: output.version_id.as_str().to_owned(),
        version_stages: labels(&output.version_stages),
        applied_index,
    }
}

pub(crate) fn describe_secret(answer: Answer<SecretDescription>) -> pb::DescribeSecretResponse {
    pb::DescribeSecretResponse { secret: Some(secret(answer.output)), applied_index: answer.applied_index }
}

pub(crate) fn list_secrets(answer: Answer<ListSecretsOutput>) -> pb::ListSecretsResponse {
    let Answer { output, applied_index } = answer;
    pb::ListSecretsResponse {
        secret_list: output.secrets.into_iter().map(secret).collect(),
        next_token: output.next_token,
        applied_index,
    }
}

pub(crate) fn delete_secret(answer: Answer<DeleteSecretOutput>) -> pb::DeleteSecretResponse {
    let Answer { output, applied_index } = answer;
    pb::DeleteSecretResponse {
        arn: output.arn,
        name: output.name,
        deletion_date: Some(to_wire_time(output.deletion_date)),
        applied_index,
    }
}

pub(crate) fn update_secret(answer: Answer<UpdateSecretOutput>) -> pb::UpdateSecretResponse {
    let Answer { output, applied_index } = answer;
    pb::UpdateSecretResponse {
        arn: output.arn.as_str().to_owned(),
        name: output.name.as_str().to_owned(),
        version_id: output.version_id.map(|id| id.as_str().to_owned()),
        applied_index,
    }
}

pub(crate) fn update_secret_version_stage(answer: Answer<SecretOutput>) -> pb::UpdateSecretVersionStageResponse {
    let Answer { output: SecretOutput { arn, name }, applied_index } = answer;
    let (arn, name) = (arn.as_str().to_owned(), name.as_str().to_owned());
    pb::UpdateSecretVersionStageResponse { arn, name, applied_index }
}

pub(crate) fn list_secret_version_ids(answer: Answer<ListSecretVersionIdsOutput>) -> pb::ListSecretVersionIdsResponse {
    let Answer { output, applied_index } = answer;
    pb::ListSecretVersionIdsResponse {
        arn: output.arn.as_str().to_owned(),
        name: output.name.as_str().to_owned(),
        versions: output.versions.into_iter().map(version).collect(),
        next_token: output.next_token,
        applied_index,
    }
}

pub(crate) fn restore_secret(answer: Answer<SecretOutput>) -> pb::RestoreSecretResponse {
    let Answer { output: SecretOutput { arn, name }, applied_index } = answer;
    pb::RestoreSecretResponse { arn: arn.as_str().to_owned(), name: name.as_str().to_owned(), applied_index }
}

pub(crate) const fn tag_resource(answer: Answer<()>) -> pb::TagResourceResponse {
    pb::TagResourceResponse { applied_index: answer.applied_index }
}

pub(crate) const fn untag_resource(answer: Answer<()>) -> pb::UntagResourceResponse {
    pb::UntagResourceResponse { applied_index: answer.applied_index }
}

/// # Errors
/// InternalService for a password that is not ASCII: it was made of nothing else.
pub(crate) fn get_random_password(
    answer: Answer<GetRandomPasswordOutput>,
) -> Result<pb::GetRandomPasswordResponse, ApiError> {
    let Answer { output, applied_index } = answer;
    let password = str::from_utf8(output.random_password.expose_secret()).map_err(|_| ErrorCode::InternalService)?;
    Ok(pb::GetRandomPasswordResponse { random_password: password.to_owned(), applied_index })
}

fn version(version: VersionDescription) -> pb::VersionEntry {
    pb::VersionEntry {
        version_id: version.version_id.as_str().to_owned(),
        version_stages: labels(&version.version_stages),
        created_date: Some(to_wire_time(version.created_date)),
        last_accessed_date: version.last_accessed_date.map(to_wire_time),
        kms_key_ids: version.kms_key_ids.into_iter().map(str::to_owned).collect(),
    }
}

fn secret(description: SecretDescription) -> pb::SecretEntry {
    let versions = description.version_ids_to_stages.iter();
    pb::SecretEntry {
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
    }
}

fn tag(tag: &Tag) -> pb::Tag {
    pb::Tag { key: tag.key.to_string(), value: tag.value.to_string() }
}

fn labels(labels: &[StagingLabel]) -> Vec<String> {
    labels.iter().map(|label| label.as_str().to_owned()).collect()
}
