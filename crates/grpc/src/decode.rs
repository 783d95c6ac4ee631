//! Messages to inputs. Nothing is checked here.
//!
//! A text without presence is absent when it is empty; so is a list. What has presence is passed on as it came.
//! A value is copied once, out of the message, which zeroes its own when it is dropped here.

use proto::secrets::v1 as pb;
use service::api::{
    CreateSecretInput, DeleteSecretInput, DescribeSecretInput, FilterInput, GetSecretValueInput, ListSecretsInput,
    PutSecretValueInput, TagInput,
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
