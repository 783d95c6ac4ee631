//! Messages on keys to inputs, by the rules of [`crate::decode`]. An absent encryption context is an empty one.

use proto::keys::v1 as pb;
use service::api::TagInput;
use service::api::keys::{
    CancelKeyDeletionInput, CreateAliasInput, CreateGrantInput, CreateKeyInput, DecryptInput, DeleteAliasInput,
    DescribeKeyInput, DisableKeyInput, DisableKeyRotationInput, EnableKeyInput, EnableKeyRotationInput, EncryptInput,
    GenerateDataKeyInput, GenerateDataKeyWithoutPlaintextInput, GenerateRandomInput, GetKeyPolicyInput,
    GetKeyRotationStatusInput, GrantConstraintsInput, ListAliasesInput, ListGrantsInput, ListKeyPoliciesInput,
    ListKeyRotationsInput, ListKeysInput, ListResourceTagsInput, ListRetirableGrantsInput, PutKeyPolicyInput,
    ReEncryptInput, RetireGrantInput, RevokeGrantInput, RotateKeyOnDemandInput, ScheduleKeyDeletionInput,
    TagResourceInput, UntagResourceInput, UpdateAliasInput, UpdateKeyDescriptionInput,
};
use types::Plaintext;

use crate::decode::{Decode, list, text};

impl Decode for pb::CreateKeyRequest {
    type Input = CreateKeyInput;

    fn decode(self) -> CreateKeyInput {
        CreateKeyInput {
            policy: self.policy,
            description: self.description,
            key_usage: self.key_usage,
            key_spec: self.key_spec,
            origin: self.origin,
            bypass_policy_lockout_safety_check: Some(self.bypass_policy_lockout_safety_check),
            tags: list(self.tags.into_iter().map(tag).collect()),
            multi_region: self.multi_region,
            ..CreateKeyInput::default()
        }
    }
}

impl Decode for pb::DescribeKeyRequest {
    type Input = DescribeKeyInput;

    fn decode(mut self) -> DescribeKeyInput {
        DescribeKeyInput { key_id: text(&mut self.key_id), grant_tokens: list(self.grant_tokens) }
    }
}

impl Decode for pb::ListKeysRequest {
    type Input = ListKeysInput;

    fn decode(self) -> ListKeysInput {
        ListKeysInput { limit: self.limit, marker: self.marker, ..ListKeysInput::default() }
    }
}

impl Decode for pb::UpdateKeyDescriptionRequest {
    type Input = UpdateKeyDescriptionInput;

    fn decode(mut self) -> UpdateKeyDescriptionInput {
        UpdateKeyDescriptionInput { key_id: text(&mut self.key_id), description: self.description }
    }
}

impl Decode for pb::EnableKeyRequest {
    type Input = EnableKeyInput;

    fn decode(mut self) -> EnableKeyInput {
        EnableKeyInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::DisableKeyRequest {
    type Input = DisableKeyInput;

    fn decode(mut self) -> DisableKeyInput {
        DisableKeyInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::ScheduleKeyDeletionRequest {
    type Input = ScheduleKeyDeletionInput;

    fn decode(mut self) -> ScheduleKeyDeletionInput {
        ScheduleKeyDeletionInput { key_id: text(&mut self.key_id), pending_window_in_days: self.pending_window_in_days }
    }
}

impl Decode for pb::CancelKeyDeletionRequest {
    type Input = CancelKeyDeletionInput;

    fn decode(mut self) -> CancelKeyDeletionInput {
        CancelKeyDeletionInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::CreateAliasRequest {
    type Input = CreateAliasInput;

    fn decode(mut self) -> CreateAliasInput {
        CreateAliasInput { alias_name: text(&mut self.alias_name), target_key_id: text(&mut self.target_key_id) }
    }
}

impl Decode for pb::UpdateAliasRequest {
    type Input = UpdateAliasInput;

    fn decode(mut self) -> UpdateAliasInput {
        UpdateAliasInput { alias_name: text(&mut self.alias_name), target_key_id: text(&mut self.target_key_id) }
    }
}

impl Decode for pb::DeleteAliasRequest {
    type Input = DeleteAliasInput;

    fn decode(mut self) -> DeleteAliasInput {
        DeleteAliasInput { alias_name: text(&mut self.alias_name) }
    }
}

impl Decode for pb::ListAliasesRequest {
    type Input = ListAliasesInput;

    fn decode(self) -> ListAliasesInput {
        ListAliasesInput { key_id: self.key_id, limit: self.limit, marker: self.marker }
    }
}

impl Decode for pb::EnableKeyRotationRequest {
    type Input = EnableKeyRotationInput;

    fn decode(mut self) -> EnableKeyRotationInput {
        EnableKeyRotationInput { key_id: text(&mut self.key_id), rotation_period_in_days: self.rotation_period_in_days }
    }
}

impl Decode for pb::DisableKeyRotationRequest {
    type Input = DisableKeyRotationInput;

    fn decode(mut self) -> DisableKeyRotationInput {
        DisableKeyRotationInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::GetKeyRotationStatusRequest {
    type Input = GetKeyRotationStatusInput;

    fn decode(mut self) -> GetKeyRotationStatusInput {
        GetKeyRotationStatusInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::RotateKeyOnDemandRequest {
    type Input = RotateKeyOnDemandInput;

    fn decode(mut self) -> RotateKeyOnDemandInput {
        RotateKeyOnDemandInput { key_id: text(&mut self.key_id) }
    }
}

impl Decode for pb::ListKeyRotationsRequest {
    type Input = ListKeyRotationsInput;

    fn decode(mut self) -> ListKeyRotationsInput {
        ListKeyRotationsInput {
            key_id: text(&mut self.key_id),
            include_key_material: self.include_key_material,
            limit: self.limit,
            marker: self.marker,
        }
    }
}

impl Decode for pb::EncryptRequest {
    type Input = EncryptInput;

    fn decode(mut self) -> EncryptInput {
        EncryptInput {
            key_id: text(&mut self.key_id),
            plaintext: (!self.plaintext.is_empty()).then(|| Plaintext::copy_from(&self.plaintext)),
            encryption_context: Some(std::mem::take(&mut self.encryption_context)),
            grant_tokens: list(std::mem::take(&mut self.grant_tokens)),
            encryption_algorithm: self.encryption_algorithm.take(),
            dry_run: Some(self.dry_run),
        }
    }
}

impl Decode for pb::DecryptRequest {
    type Input = DecryptInput;

    fn decode(self) -> DecryptInput {
        DecryptInput {
            ciphertext_blob: list(self.ciphertext_blob),
            encryption_context: Some(self.encryption_context),
            grant_tokens: list(self.grant_tokens),
            key_id: self.key_id,
            encryption_algorithm: self.encryption_algorithm,
            dry_run: Some(self.dry_run),
            ..DecryptInput::default()
        }
    }
}

impl Decode for pb::ReEncryptRequest {
    type Input = ReEncryptInput;

    fn decode(mut self) -> ReEncryptInput {
        ReEncryptInput {
            ciphertext_blob: list(self.ciphertext_blob),
            source_encryption_context: Some(self.source_encryption_context),
            source_key_id: self.source_key_id,
            destination_key_id: text(&mut self.destination_key_id),
            destination_encryption_context: Some(self.destination_encryption_context),
            source_encryption_algorithm: self.source_encryption_algorithm,
            destination_encryption_algorithm: self.destination_encryption_algorithm,
            grant_tokens: list(self.grant_tokens),
            dry_run: Some(self.dry_run),
            ..ReEncryptInput::default()
        }
    }
}

impl Decode for pb::GenerateDataKeyRequest {
    type Input = GenerateDataKeyInput;

    fn decode(mut self) -> GenerateDataKeyInput {
        GenerateDataKeyInput {
            key_id: text(&mut self.key_id),
            encryption_context: Some(self.encryption_context),
            number_of_bytes: self.number_of_bytes,
            key_spec: self.key_spec,
            grant_tokens: list(self.grant_tokens),
            dry_run: Some(self.dry_run),
            ..GenerateDataKeyInput::default()
        }
    }
}

impl Decode for pb::GenerateDataKeyWithoutPlaintextRequest {
    type Input = GenerateDataKeyWithoutPlaintextInput;

    fn decode(mut self) -> GenerateDataKeyWithoutPlaintextInput {
        GenerateDataKeyWithoutPlaintextInput {
            key_id: text(&mut self.key_id),
            encryption_context: Some(self.encryption_context),
            number_of_bytes: self.number_of_bytes,
            key_spec: self.key_spec,
            grant_tokens: list(self.grant_tokens),
            dry_run: Some(self.dry_run),
        }
    }
}

impl Decode for pb::GenerateRandomRequest {
    type Input = GenerateRandomInput;

    fn decode(self) -> GenerateRandomInput {
        GenerateRandomInput { number_of_bytes: self.number_of_bytes, ..GenerateRandomInput::default() }
    }
}

impl Decode for pb::PutKeyPolicyRequest {
    type Input = PutKeyPolicyInput;

    fn decode(mut self) -> PutKeyPolicyInput {
        PutKeyPolicyInput {
            key_id: text(&mut self.key_id),
            policy_name: self.policy_name,
            policy: text(&mut self.policy),
            bypass_policy_lockout_safety_check: Some(self.bypass_policy_lockout_safety_check),
        }
    }
}

impl Decode for pb::GetKeyPolicyRequest {
    type Input = GetKeyPolicyInput;

    fn decode(mut self) -> GetKeyPolicyInput {
        GetKeyPolicyInput { key_id: text(&mut self.key_id), policy_name: self.policy_name }
    }
}

impl Decode for pb::ListKeyPoliciesRequest {
    type Input = ListKeyPoliciesInput;

    fn decode(mut self) -> ListKeyPoliciesInput {
        ListKeyPoliciesInput { key_id: text(&mut self.key_id), limit: self.limit, marker: self.marker }
    }
}

impl Decode for pb::CreateGrantRequest {
    type Input = CreateGrantInput;

    fn decode(mut self) -> CreateGrantInput {
        CreateGrantInput {
            key_id: text(&mut self.key_id),
            grantee_principal: text(&mut self.grantee_principal),
            retiring_principal: self.retiring_principal,
            operations: list(self.operations),
            constraints: self.constraints.map(constraints),
            grant_tokens: list(self.grant_tokens),
            name: self.name,
            dry_run: Some(self.dry_run),
            ..CreateGrantInput::default()
        }
    }
}

impl Decode for pb::ListGrantsRequest {
    type Input = ListGrantsInput;

    fn decode(mut self) -> ListGrantsInput {
        ListGrantsInput {
            key_id: text(&mut self.key_id),
            limit: self.limit,
            marker: self.marker,
            grant_id: self.grant_id,
            grantee_principal: self.grantee_principal,
            ..ListGrantsInput::default()
        }
    }
}

impl Decode for pb::ListRetirableGrantsRequest {
    type Input = ListRetirableGrantsInput;

    fn decode(mut self) -> ListRetirableGrantsInput {
        ListRetirableGrantsInput {
            limit: self.limit,
            marker: self.marker,
            retiring_principal: text(&mut self.retiring_principal),
            ..ListRetirableGrantsInput::default()
        }
    }
}

impl Decode for pb::RevokeGrantRequest {
    type Input = RevokeGrantInput;

    fn decode(mut self) -> RevokeGrantInput {
        RevokeGrantInput {
            key_id: text(&mut self.key_id),
            grant_id: text(&mut self.grant_id),
            dry_run: Some(self.dry_run),
        }
    }
}

impl Decode for pb::RetireGrantRequest {
    type Input = RetireGrantInput;

    fn decode(self) -> RetireGrantInput {
        RetireGrantInput {
            grant_token: self.grant_token,
            key_id: self.key_id,
            grant_id: self.grant_id,
            dry_run: Some(self.dry_run),
        }
    }
}

impl Decode for pb::TagResourceRequest {
    type Input = TagResourceInput;

    fn decode(mut self) -> TagResourceInput {
        TagResourceInput { key_id: text(&mut self.key_id), tags: list(self.tags.into_iter().map(tag).collect()) }
    }
}

impl Decode for pb::UntagResourceRequest {
    type Input = UntagResourceInput;

    fn decode(mut self) -> UntagResourceInput {
        UntagResourceInput { key_id: text(&mut self.key_id), tag_keys: list(self.tag_keys) }
    }
}

impl Decode for pb::ListResourceTagsRequest {
    type Input = ListResourceTagsInput;

    fn decode(mut self) -> ListResourceTagsInput {
        ListResourceTagsInput { key_id: text(&mut self.key_id), limit: self.limit, marker: self.marker }
    }
}

fn tag(tag: pb::Tag) -> TagInput {
    TagInput { key: Some(tag.tag_key), value: Some(tag.tag_value) }
}

fn constraints(constraints: pb::GrantConstraints) -> GrantConstraintsInput {
    GrantConstraintsInput {
        encryption_context_subset: constraints.encryption_context_subset.map(|context| context.pairs),
        encryption_context_equals: constraints.encryption_context_equals.map(|context| context.pairs),
        source_arn: None,
    }
}
