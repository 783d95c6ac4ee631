//! Messages to inputs. Nothing is checked here.
//!
//! A text without presence is absent when it is empty; so is a list. What has presence is passed on as it came.
//! A value is copied once, out of the message, which zeroes its own when it is dropped here.

use proto::secrets::v1 as pb;
use service::api::{
    CreateSecretInput, DeleteSecretInput, DescribeSecretInput, FilterInput, GetRandomPasswordInput,
    GetSecretValueInput, ListSecretVersionIdsInput, ListSecretsInput, PutSecretValueInput, RestoreSecretInput,
    TagInput, TagResourceInput, UntagResourceInput, UpdateSecretInput, UpdateSecretVersionStageInput,
};
use types::Plaintext;

pub(crate) fn create_secret(mut message: pb::CreateSecretRequest) -> CreateSecretInput {
    let tags = std::mem::take(&mut message.tags);
    CreateSecretInput {
        name: text(&mut message.name),
        client_request_token: text(&mut message.client_request_token),
        description: message.description.take(),
        kms_key_id: message.kms_key_id.take(),
        secret_string: message.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
        secret_binary: message.secret_binary.as_deref().map(Plaintext::copy_from),
        tags: list(tags.into_iter().map(tag).collect()),
        ..CreateSecretInput::default()
    }
}

pub(crate) fn get_secret_value(mut message: pb::GetSecretValueRequest) -> GetSecretValueInput {
    GetSecretValueInput {
        secret_id: text(&mut message.secret_id),
        version_id: message.version_id,
        version_stage: message.version_stage,
    }
}

pub(crate) fn put_secret_value(mut message: pb::PutSecretValueRequest) -> PutSecretValueInput {
    PutSecretValueInput {
        secret_id: text(&mut message.secret_id),
        client_request_token: text(&mut message.client_request_token),
        secret_string: message.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
        secret_binary: message.secret_binary.as_deref().map(Plaintext::copy_from),
        version_stages: message.version_stages.take().map(|stages| stages.stages),
        rotation_token: message.rotation_token.take(),
    }
}

pub(crate) fn describe_secret(mut message: pb::DescribeSecretRequest) -> DescribeSecretInput {
    DescribeSecretInput { secret_id: text(&mut message.secret_id) }
}

pub(crate) fn list_secrets(message: pb::ListSecretsRequest) -> ListSecretsInput {
    ListSecretsInput {
        max_results: message.max_results.map(i64::from),
        next_token: message.next_token,
        filters: list(message.filters.into_iter().map(filter).collect()),
        sort_order: message.sort_order,
        sort_by: message.sort_by,
        include_planned_deletion: Some(message.include_planned_deletion),
    }
}

pub(crate) fn delete_secret(mut message: pb::DeleteSecretRequest) -> DeleteSecretInput {
    DeleteSecretInput {
        secret_id: text(&mut message.secret_id),
        recovery_window_in_days: message.recovery_window_in_days,
        force_delete_without_recovery: message.force_delete_without_recovery,
    }
}

pub(crate) fn update_secret(mut message: pb::UpdateSecretRequest) -> UpdateSecretInput {
    UpdateSecretInput {
        secret_id: text(&mut message.secret_id),
        client_request_token: text(&mut message.client_request_token),
        description: message.description.take(),
        kms_key_id: message.kms_key_id.take(),
        secret_string: message.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
        secret_binary: message.secret_binary.as_deref().map(Plaintext::copy_from),
    }
}

pub(crate) fn update_secret_version_stage(
    mut message: pb::UpdateSecretVersionStageRequest,
) -> UpdateSecretVersionStageInput {
    UpdateSecretVersionStageInput {
        secret_id: text(&mut message.secret_id),
        version_stage: text(&mut message.version_stage),
        remove_from_version_id: message.remove_from_version_id,
        move_to_version_id: message.move_to_version_id,
    }
}

pub(crate) fn list_secret_version_ids(mut message: pb::ListSecretVersionIdsRequest) -> ListSecretVersionIdsInput {
    ListSecretVersionIdsInput {
        secret_id: text(&mut message.secret_id),
        max_results: message.max_results.map(i64::from),
        next_token: message.next_token,
        include_deprecated: Some(message.include_deprecated),
    }
}

pub(crate) fn restore_secret(mut message: pb::RestoreSecretRequest) -> RestoreSecretInput {
    RestoreSecretInput { secret_id: text(&mut message.secret_id) }
}

pub(crate) fn tag_resource(mut message: pb::TagResourceRequest) -> TagResourceInput {
    let tags = list(message.tags.into_iter().map(tag).collect());
    TagResourceInput { secret_id: text(&mut message.secret_id), tags }
}

pub(crate) fn untag_resource(mut message: pb::UntagResourceRequest) -> UntagResourceInput {
    UntagResourceInput { secret_id: text(&mut message.secret_id), tag_keys: list(message.tag_keys) }
}

pub(crate) fn get_random_password(message: pb::GetRandomPasswordRequest) -> GetRandomPasswordInput {
    GetRandomPasswordInput {
        password_length: message.password_length,
        exclude_characters: message.exclude_characters,
        exclude_numbers: Some(message.exclude_numbers),
        exclude_punctuation: Some(message.exclude_punctuation),
        exclude_uppercase: Some(message.exclude_uppercase),
        exclude_lowercase: Some(message.exclude_lowercase),
        include_space: Some(message.include_space),
        require_each_included_type: message.require_each_included_type,
    }
}

fn tag(mut tag: pb::Tag) -> TagInput {
    TagInput { key: text(&mut tag.key), value: Some(tag.value) }
}

fn filter(mut filter: pb::Filter) -> FilterInput {
    FilterInput { key: text(&mut filter.key), values: list(filter.values) }
}

fn text(text: &mut String) -> Option<String> {
    Some(std::mem::take(text)).filter(|text| !text.is_empty())
}

fn list<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}
