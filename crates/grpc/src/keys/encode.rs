//! Outputs on keys to messages.

use proto::keys::v1 as pb;
use proto::to_wire_time;
use service::Answer;
use service::api::keys::{
    AliasListEntry, CancelKeyDeletionOutput, CreateGrantOutput, CreateKeyOutput, DecryptOutput, DescribeKeyOutput,
    EncryptOutput, GenerateDataKeyOutput, GenerateDataKeyWithoutPlaintextOutput, GenerateRandomOutput,
    GetKeyPolicyOutput, GetKeyRotationStatusOutput, GrantConstraints, GrantListEntry, KeyListEntry, KeyMetadata,
    ListAliasesOutput, ListGrantsOutput, ListKeyPoliciesOutput, ListKeyRotationsOutput, ListKeysOutput,
    ListResourceTagsOutput, ReEncryptOutput, RotateKeyOnDemandOutput, RotationsListEntry, ScheduleKeyDeletionOutput,
};
use types::{ApiError, Tag};

use crate::encode::Encode;

impl Encode<CreateKeyOutput> for pb::CreateKeyResponse {
    fn encode(answer: Answer<CreateKeyOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { key_metadata: Some(metadata(output.key_metadata)), applied_index })
    }
}

impl Encode<DescribeKeyOutput> for pb::DescribeKeyResponse {
    fn encode(answer: Answer<DescribeKeyOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { key_metadata: Some(metadata(output.key_metadata)), applied_index })
    }
}

impl Encode<ListKeysOutput> for pb::ListKeysResponse {
    fn encode(answer: Answer<ListKeysOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            keys: output.keys.into_iter().map(key).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

impl Encode<ScheduleKeyDeletionOutput> for pb::ScheduleKeyDeletionResponse {
    fn encode(answer: Answer<ScheduleKeyDeletionOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            key_id: output.key_id,
            deletion_date: Some(to_wire_time(output.deletion_date)),
            key_state: output.key_state.to_owned(),
            pending_window_in_days: output.pending_window_in_days.into(),
            applied_index,
        })
    }
}

impl Encode<CancelKeyDeletionOutput> for pb::CancelKeyDeletionResponse {
    fn encode(answer: Answer<CancelKeyDeletionOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { key_id: output.key_id, applied_index })
    }
}

impl Encode<ListAliasesOutput> for pb::ListAliasesResponse {
    fn encode(answer: Answer<ListAliasesOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            aliases: output.aliases.into_iter().map(alias).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

impl Encode<GetKeyRotationStatusOutput> for pb::GetKeyRotationStatusResponse {
    fn encode(answer: Answer<GetKeyRotationStatusOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            key_rotation_enabled: output.key_rotation_enabled,
            key_id: output.key_id,
            rotation_period_in_days: output.rotation_period_in_days.map(i64::from),
            next_rotation_date: output.next_rotation_date.map(to_wire_time),
            on_demand_rotation_start_date: output.on_demand_rotation_start_date.map(to_wire_time),
            applied_index,
        })
    }
}

impl Encode<RotateKeyOnDemandOutput> for pb::RotateKeyOnDemandResponse {
    fn encode(answer: Answer<RotateKeyOnDemandOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { key_id: output.key_id, applied_index })
    }
}

impl Encode<ListKeyRotationsOutput> for pb::ListKeyRotationsResponse {
    fn encode(answer: Answer<ListKeyRotationsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            rotations: output.rotations.into_iter().map(rotation).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

impl Encode<EncryptOutput> for pb::EncryptResponse {
    fn encode(answer: Answer<EncryptOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            ciphertext_blob: output.ciphertext_blob,
            key_id: output.key_id,
            encryption_algorithm: output.encryption_algorithm.to_owned(),
            applied_index,
        })
    }
}

impl Encode<DecryptOutput> for pb::DecryptResponse {
    fn encode(answer: Answer<DecryptOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            key_id: output.key_id,
            plaintext: output.plaintext.expose_secret().to_vec(),
            encryption_algorithm: output.encryption_algorithm.to_owned(),
            key_material_id: output.key_material_id,
            applied_index,
        })
    }
}

impl Encode<ReEncryptOutput> for pb::ReEncryptResponse {
    fn encode(answer: Answer<ReEncryptOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            ciphertext_blob: output.ciphertext_blob,
            source_key_id: output.source_key_id,
            key_id: output.key_id,
            source_encryption_algorithm: output.source_encryption_algorithm.to_owned(),
            destination_encryption_algorithm: output.destination_encryption_algorithm.to_owned(),
            source_key_material_id: output.source_key_material_id,
            destination_key_material_id: output.destination_key_material_id,
            applied_index,
        })
    }
}

impl Encode<GenerateDataKeyOutput> for pb::GenerateDataKeyResponse {
    fn encode(answer: Answer<GenerateDataKeyOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            ciphertext_blob: output.ciphertext_blob,
            plaintext: output.plaintext.expose_secret().to_vec(),
            key_id: output.key_id,
            key_material_id: output.key_material_id,
            applied_index,
        })
    }
}

impl Encode<GenerateDataKeyWithoutPlaintextOutput> for pb::GenerateDataKeyWithoutPlaintextResponse {
    fn encode(answer: Answer<GenerateDataKeyWithoutPlaintextOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            ciphertext_blob: output.ciphertext_blob,
            key_id: output.key_id,
            key_material_id: output.key_material_id,
            applied_index,
        })
    }
}

impl Encode<GenerateRandomOutput> for pb::GenerateRandomResponse {
    fn encode(answer: Answer<GenerateRandomOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { plaintext: output.plaintext.expose_secret().to_vec(), applied_index })
    }
}

impl Encode<GetKeyPolicyOutput> for pb::GetKeyPolicyResponse {
    fn encode(answer: Answer<GetKeyPolicyOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { policy: output.policy, policy_name: output.policy_name.to_owned(), applied_index })
    }
}

impl Encode<ListKeyPoliciesOutput> for pb::ListKeyPoliciesResponse {
    fn encode(answer: Answer<ListKeyPoliciesOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            policy_names: output.policy_names.into_iter().map(str::to_owned).collect(),
            next_marker: None,
            truncated: false,
            applied_index,
        })
    }
}

impl Encode<CreateGrantOutput> for pb::CreateGrantResponse {
    fn encode(answer: Answer<CreateGrantOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { grant_token: output.grant_token, grant_id: output.grant_id, applied_index })
    }
}

impl Encode<ListGrantsOutput> for pb::ListGrantsResponse {
    fn encode(answer: Answer<ListGrantsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            grants: output.grants.into_iter().map(grant).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

impl Encode<ListGrantsOutput> for pb::ListRetirableGrantsResponse {
    fn encode(answer: Answer<ListGrantsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            grants: output.grants.into_iter().map(grant).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

impl Encode<ListResourceTagsOutput> for pb::ListResourceTagsResponse {
    fn encode(answer: Answer<ListResourceTagsOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            truncated: output.next_marker.is_some(),
            tags: output.tags.into_iter().map(tag).collect(),
            next_marker: output.next_marker,
            applied_index,
        })
    }
}

macro_rules! nothing_but_the_index {
    ($($response:ident),+ $(,)?) => {$(
        impl Encode<()> for pb::$response {
            fn encode(answer: Answer<()>) -> Result<Self, ApiError> {
                Ok(Self { applied_index: answer.applied_index })
            }
        }
    )+};
}

nothing_but_the_index! {
    CreateAliasResponse,
    DeleteAliasResponse,
    DisableKeyResponse,
    DisableKeyRotationResponse,
    EnableKeyResponse,
    EnableKeyRotationResponse,
    PutKeyPolicyResponse,
    RetireGrantResponse,
    RevokeGrantResponse,
    TagResourceResponse,
    UntagResourceResponse,
    UpdateAliasResponse,
    UpdateKeyDescriptionResponse,
}

fn metadata(key: KeyMetadata) -> pb::KeyMetadata {
    pb::KeyMetadata {
        aws_account_id: key.account.to_string(),
        key_id: key.key_id,
        arn: key.arn,
        creation_date: Some(to_wire_time(key.creation_date)),
        enabled: key.enabled,
        description: key.description,
        key_usage: key.key_usage.to_owned(),
        key_state: key.key_state.to_owned(),
        deletion_date: key.deletion_date.map(to_wire_time),
        origin: key.origin.to_owned(),
        key_manager: key.key_manager.to_owned(),
        key_spec: key.key_spec.to_owned(),
        encryption_algorithms: key.encryption_algorithms.into_iter().map(str::to_owned).collect(),
        multi_region: key.multi_region,
        current_key_material_id: key.current_key_material_id,
        pending_deletion_window_in_days: key.pending_deletion_window_in_days.map(i64::from),
    }
}

fn key(entry: KeyListEntry) -> pb::KeyListEntry {
    pb::KeyListEntry { key_id: entry.key_id, key_arn: entry.key_arn }
}

fn alias(entry: AliasListEntry) -> pb::AliasListEntry {
    pb::AliasListEntry {
        alias_name: entry.alias_name,
        alias_arn: entry.alias_arn,
        target_key_id: Some(entry.target_key_id),
        creation_date: Some(to_wire_time(entry.creation_date)),
        last_updated_date: Some(to_wire_time(entry.last_updated_date)),
    }
}

fn rotation(entry: RotationsListEntry) -> pb::RotationsListEntry {
    pb::RotationsListEntry {
        key_id: entry.key_id,
        key_material_id: entry.key_material_id,
        key_material_state: entry.key_material_state.map(str::to_owned),
        rotation_date: entry.rotation_date.map(to_wire_time),
        rotation_type: entry.rotation_type.map(str::to_owned),
    }
}

fn grant(entry: GrantListEntry) -> pb::GrantListEntry {
    pb::GrantListEntry {
        key_id: entry.key_id,
        grant_id: entry.grant_id,
        name: entry.name,
        creation_date: Some(to_wire_time(entry.creation_date)),
        grantee_principal: entry.grantee_principal,
        retiring_principal: entry.retiring_principal,
        issuing_account: entry.issuing_account,
        operations: entry.operations,
        constraints: entry.constraints.map(constraints),
    }
}

fn constraints(constraints: GrantConstraints) -> pb::GrantConstraints {
    let context = |pairs| pb::EncryptionContext { pairs };
    pb::GrantConstraints {
        encryption_context_subset: constraints.encryption_context_subset.map(context),
        encryption_context_equals: constraints.encryption_context_equals.map(context),
    }
}

fn tag(tag: Tag) -> pb::Tag {
    pb::Tag { tag_key: tag.key.to_string(), tag_value: tag.value.to_string() }
}
