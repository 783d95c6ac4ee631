//! Messages to inputs. Nothing is checked here.
//!
//! A text without presence is absent when it is empty; so is a list. What has presence is passed on as it came.
//! A value is copied once, out of the message, which zeroes its own when it is dropped here.

use proto::secrets::v1 as pb;
use service::Operation;
use service::api::{
    BatchGetSecretValueInput, CreateSecretInput, DeleteSecretInput, DescribeSecretInput, FilterInput,
    GetRandomPasswordInput, GetSecretValueInput, ListSecretVersionIdsInput, ListSecretsInput, PutSecretValueInput,
    RestoreSecretInput, TagInput, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretVersionStageInput,
};
use types::Plaintext;

use crate::replication::regions;

/// A message that is an operation's input.
pub(crate) trait Decode {
    type Input: Operation;

    fn decode(self) -> Self::Input;
}

impl Decode for pb::CreateSecretRequest {
    type Input = CreateSecretInput;

    fn decode(mut self) -> CreateSecretInput {
        let tags = std::mem::take(&mut self.tags);
        CreateSecretInput {
            name: text(&mut self.name),
            client_request_token: text(&mut self.client_request_token),
            description: self.description.take(),
            kms_key_id: self.kms_key_id.take(),
            secret_string: self.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
            secret_binary: self.secret_binary.as_deref().map(Plaintext::copy_from),
            tags: list(tags.into_iter().map(tag).collect()),
            add_replica_regions: regions(std::mem::take(&mut self.add_replica_regions)),
            force_overwrite_replica_secret: Some(self.force_overwrite_replica_secret),
            ..CreateSecretInput::default()
        }
    }
}

impl Decode for pb::GetSecretValueRequest {
    type Input = GetSecretValueInput;

    fn decode(mut self) -> GetSecretValueInput {
        GetSecretValueInput {
            secret_id: text(&mut self.secret_id),
            version_id: self.version_id,
            version_stage: self.version_stage,
        }
    }
}

impl Decode for pb::BatchGetSecretValueRequest {
    type Input = BatchGetSecretValueInput;

    fn decode(self) -> BatchGetSecretValueInput {
        BatchGetSecretValueInput {
            secret_id_list: list(self.secret_id_list),
            filters: list(self.filters.into_iter().map(filter).collect()),
            max_results: self.max_results.map(i64::from),
            next_token: self.next_token,
        }
    }
}

impl Decode for pb::PutSecretValueRequest {
    type Input = PutSecretValueInput;

    fn decode(mut self) -> PutSecretValueInput {
        PutSecretValueInput {
            secret_id: text(&mut self.secret_id),
            client_request_token: text(&mut self.client_request_token),
            secret_string: self.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
            secret_binary: self.secret_binary.as_deref().map(Plaintext::copy_from),
            version_stages: self.version_stages.take().map(|stages| stages.stages),
            rotation_token: self.rotation_token.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
        }
    }
}

impl Decode for pb::DescribeSecretRequest {
    type Input = DescribeSecretInput;

    fn decode(mut self) -> DescribeSecretInput {
        DescribeSecretInput { secret_id: text(&mut self.secret_id) }
    }
}

impl Decode for pb::ListSecretsRequest {
    type Input = ListSecretsInput;

    fn decode(self) -> ListSecretsInput {
        ListSecretsInput {
            max_results: self.max_results.map(i64::from),
            next_token: self.next_token,
            filters: list(self.filters.into_iter().map(filter).collect()),
            sort_order: self.sort_order,
            sort_by: self.sort_by,
            include_planned_deletion: Some(self.include_planned_deletion),
        }
    }
}

impl Decode for pb::DeleteSecretRequest {
    type Input = DeleteSecretInput;

    fn decode(mut self) -> DeleteSecretInput {
        DeleteSecretInput {
            secret_id: text(&mut self.secret_id),
            recovery_window_in_days: self.recovery_window_in_days,
            force_delete_without_recovery: self.force_delete_without_recovery,
        }
    }
}

impl Decode for pb::UpdateSecretRequest {
    type Input = UpdateSecretInput;

    fn decode(mut self) -> UpdateSecretInput {
        UpdateSecretInput {
            secret_id: text(&mut self.secret_id),
            client_request_token: text(&mut self.client_request_token),
            description: self.description.take(),
            kms_key_id: self.kms_key_id.take(),
            secret_string: self.secret_string.as_deref().map(|text| Plaintext::copy_from(text.as_bytes())),
            secret_binary: self.secret_binary.as_deref().map(Plaintext::copy_from),
        }
    }
}

impl Decode for pb::UpdateSecretVersionStageRequest {
    type Input = UpdateSecretVersionStageInput;

    fn decode(mut self) -> UpdateSecretVersionStageInput {
        UpdateSecretVersionStageInput {
            secret_id: text(&mut self.secret_id),
            version_stage: text(&mut self.version_stage),
            remove_from_version_id: self.remove_from_version_id,
            move_to_version_id: self.move_to_version_id,
        }
    }
}

impl Decode for pb::ListSecretVersionIdsRequest {
    type Input = ListSecretVersionIdsInput;

    fn decode(mut self) -> ListSecretVersionIdsInput {
        ListSecretVersionIdsInput {
            secret_id: text(&mut self.secret_id),
            max_results: self.max_results.map(i64::from),
            next_token: self.next_token,
            include_deprecated: Some(self.include_deprecated),
        }
    }
}

impl Decode for pb::RestoreSecretRequest {
    type Input = RestoreSecretInput;

    fn decode(mut self) -> RestoreSecretInput {
        RestoreSecretInput { secret_id: text(&mut self.secret_id) }
    }
}

impl Decode for pb::TagResourceRequest {
    type Input = TagResourceInput;

    fn decode(mut self) -> TagResourceInput {
        let tags = list(self.tags.into_iter().map(tag).collect());
        TagResourceInput { secret_id: text(&mut self.secret_id), tags }
    }
}

impl Decode for pb::UntagResourceRequest {
    type Input = UntagResourceInput;

    fn decode(mut self) -> UntagResourceInput {
        UntagResourceInput { secret_id: text(&mut self.secret_id), tag_keys: list(self.tag_keys) }
    }
}

impl Decode for pb::GetRandomPasswordRequest {
    type Input = GetRandomPasswordInput;

    fn decode(self) -> GetRandomPasswordInput {
        GetRandomPasswordInput {
            password_length: self.password_length,
            exclude_characters: self.exclude_characters,
            exclude_numbers: Some(self.exclude_numbers),
            exclude_punctuation: Some(self.exclude_punctuation),
            exclude_uppercase: Some(self.exclude_uppercase),
            exclude_lowercase: Some(self.exclude_lowercase),
            include_space: Some(self.include_space),
            require_each_included_type: self.require_each_included_type,
        }
    }
}

fn tag(mut tag: pb::Tag) -> TagInput {
    TagInput { key: text(&mut tag.key), value: Some(tag.value) }
}

fn filter(mut filter: pb::Filter) -> FilterInput {
    FilterInput { key: text(&mut filter.key), values: list(filter.values) }
}

pub(crate) fn text(text: &mut String) -> Option<String> {
    Some(std::mem::take(text)).filter(|text| !text.is_empty())
}

pub(crate) fn list<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}
