//! The members of each request on keys.

use service::api::TagInput;
use service::api::keys::{
    CancelKeyDeletionInput, CreateAliasInput, CreateGrantInput, CreateKeyInput, DecryptInput, DeleteAliasInput,
    DescribeKeyInput, DisableKeyInput, DisableKeyRotationInput, EnableKeyInput, EnableKeyRotationInput, EncryptInput,
    GenerateDataKeyInput, GenerateDataKeyWithoutPlaintextInput, GenerateRandomInput, GetKeyPolicyInput,
    GetKeyRotationStatusInput, GrantConstraintsInput, ListAliasesInput, ListGrantsInput, ListKeyPoliciesInput,
    ListKeyRotationsInput, ListKeysInput, ListResourceTagsInput, ListRetirableGrantsInput, PutKeyPolicyInput,
    ReEncryptInput, RecipientInput, RetireGrantInput, RevokeGrantInput, RotateKeyOnDemandInput,
    ScheduleKeyDeletionInput, TagResourceInput, UntagResourceInput, UpdateAliasInput, UpdateKeyDescriptionInput,
};

use crate::json::shape::{Blob, Flag, List, SecretBlob, Text, TextMap, Whole, object};

object! {
    RecipientInput {
        "KeyEncryptionAlgorithm": Text => key_encryption_algorithm,
        "AttestationDocument": Blob => attestation_document,
    }
}

object! {
    CreateKeyInput {
        "Policy": Text => policy,
        "Description": Text => description,
        "KeyUsage": Text => key_usage,
        "CustomerMasterKeySpec": Text => customer_master_key_spec,
        "KeySpec": Text => key_spec,
        "Origin": Text => origin,
        "CustomKeyStoreId": Text => custom_key_store_id,
        "BypassPolicyLockoutSafetyCheck": Flag => bypass_policy_lockout_safety_check,
        "Tags": List<KeyTag> => tags,
        "MultiRegion": Flag => multi_region,
        "XksKeyId": Text => xks_key_id,
    }
}

object! {
    DescribeKeyInput {
        "KeyId": Text => key_id,
        "GrantTokens": List<Text> => grant_tokens,
    }
}

object! {
    ListKeysInput {
        "Limit": Whole => limit,
        "Marker": Text => marker,
        "ResourceOwners": List<Text> => resource_owners,
    }
}

object! {
    CreateAliasInput {
        "AliasName": Text => alias_name,
        "TargetKeyId": Text => target_key_id,
    }
}

object! {
    UpdateAliasInput {
        "AliasName": Text => alias_name,
        "TargetKeyId": Text => target_key_id,
    }
}

object! {
    DeleteAliasInput {
        "AliasName": Text => alias_name,
    }
}

object! {
    ListAliasesInput {
        "KeyId": Text => key_id,
        "Limit": Whole => limit,
        "Marker": Text => marker,
    }
}

object! {
    EnableKeyInput {
        "KeyId": Text => key_id,
    }
}

object! {
    DisableKeyInput {
        "KeyId": Text => key_id,
    }
}

object! {
    ScheduleKeyDeletionInput {
        "KeyId": Text => key_id,
        "PendingWindowInDays": Whole => pending_window_in_days,
    }
}

object! {
    CancelKeyDeletionInput {
        "KeyId": Text => key_id,
    }
}

object! {
    EnableKeyRotationInput {
        "KeyId": Text => key_id,
        "RotationPeriodInDays": Whole => rotation_period_in_days,
    }
}

object! {
    DisableKeyRotationInput {
        "KeyId": Text => key_id,
    }
}

object! {
    GetKeyRotationStatusInput {
        "KeyId": Text => key_id,
    }
}

object! {
    RotateKeyOnDemandInput {
        "KeyId": Text => key_id,
    }
}

object! {
    ListKeyRotationsInput {
        "KeyId": Text => key_id,
        "IncludeKeyMaterial": Text => include_key_material,
        "Limit": Whole => limit,
        "Marker": Text => marker,
    }
}

object! {
    EncryptInput {
        "KeyId": Text => key_id,
        "Plaintext": SecretBlob => plaintext,
        "EncryptionContext": TextMap => encryption_context,
        "GrantTokens": List<Text> => grant_tokens,
        "EncryptionAlgorithm": Text => encryption_algorithm,
        "DryRun": Flag => dry_run,
    }
}

object! {
    DecryptInput {
        "CiphertextBlob": Blob => ciphertext_blob,
        "EncryptionContext": TextMap => encryption_context,
        "GrantTokens": List<Text> => grant_tokens,
        "KeyId": Text => key_id,
        "EncryptionAlgorithm": Text => encryption_algorithm,
        "Recipient": RecipientInput => recipient,
        "DryRun": Flag => dry_run,
        "DryRunModifiers": List<Text> => dry_run_modifiers,
    }
}

object! {
    ReEncryptInput {
        "CiphertextBlob": Blob => ciphertext_blob,
        "SourceEncryptionContext": TextMap => source_encryption_context,
        "SourceKeyId": Text => source_key_id,
        "DestinationKeyId": Text => destination_key_id,
        "DestinationEncryptionContext": TextMap => destination_encryption_context,
        "SourceEncryptionAlgorithm": Text => source_encryption_algorithm,
        "DestinationEncryptionAlgorithm": Text => destination_encryption_algorithm,
        "GrantTokens": List<Text> => grant_tokens,
        "DryRun": Flag => dry_run,
        "DryRunModifiers": List<Text> => dry_run_modifiers,
    }
}

object! {
    GenerateDataKeyInput {
        "KeyId": Text => key_id,
        "EncryptionContext": TextMap => encryption_context,
        "NumberOfBytes": Whole => number_of_bytes,
        "KeySpec": Text => key_spec,
        "GrantTokens": List<Text> => grant_tokens,
        "Recipient": RecipientInput => recipient,
        "DryRun": Flag => dry_run,
    }
}

object! {
    GenerateDataKeyWithoutPlaintextInput {
        "KeyId": Text => key_id,
        "EncryptionContext": TextMap => encryption_context,
        "KeySpec": Text => key_spec,
        "NumberOfBytes": Whole => number_of_bytes,
        "GrantTokens": List<Text> => grant_tokens,
        "DryRun": Flag => dry_run,
    }
}

object! {
    GenerateRandomInput {
        "NumberOfBytes": Whole => number_of_bytes,
        "CustomKeyStoreId": Text => custom_key_store_id,
        "Recipient": RecipientInput => recipient,
    }
}

object! {
    PutKeyPolicyInput {
        "KeyId": Text => key_id,
        "PolicyName": Text => policy_name,
        "Policy": Text => policy,
        "BypassPolicyLockoutSafetyCheck": Flag => bypass_policy_lockout_safety_check,
    }
}

object! {
    GetKeyPolicyInput {
        "KeyId": Text => key_id,
        "PolicyName": Text => policy_name,
    }
}

object! {
    ListKeyPoliciesInput {
        "KeyId": Text => key_id,
        "Limit": Whole => limit,
        "Marker": Text => marker,
    }
}

object! {
    GrantConstraintsInput {
        "EncryptionContextSubset": TextMap => encryption_context_subset,
        "EncryptionContextEquals": TextMap => encryption_context_equals,
        "SourceArn": Text => source_arn,
    }
}

object! {
    CreateGrantInput {
        "KeyId": Text => key_id,
        "GranteePrincipal": Text => grantee_principal,
        "RetiringPrincipal": Text => retiring_principal,
        "Operations": List<Text> => operations,
        "Constraints": GrantConstraintsInput => constraints,
        "GrantTokens": List<Text> => grant_tokens,
        "Name": Text => name,
        "DryRun": Flag => dry_run,
        "GranteeServicePrincipal": Text => grantee_service_principal,
        "RetiringServicePrincipal": Text => retiring_service_principal,
    }
}

object! {
    ListGrantsInput {
        "Limit": Whole => limit,
        "Marker": Text => marker,
        "KeyId": Text => key_id,
        "GrantId": Text => grant_id,
        "GranteePrincipal": Text => grantee_principal,
        "GranteeServicePrincipal": Text => grantee_service_principal,
    }
}

object! {
    RevokeGrantInput {
        "KeyId": Text => key_id,
        "GrantId": Text => grant_id,
        "DryRun": Flag => dry_run,
    }
}

object! {
    RetireGrantInput {
        "GrantToken": Text => grant_token,
        "KeyId": Text => key_id,
        "GrantId": Text => grant_id,
        "DryRun": Flag => dry_run,
    }
}

object! {
    ListRetirableGrantsInput {
        "Limit": Whole => limit,
        "Marker": Text => marker,
        "RetiringPrincipal": Text => retiring_principal,
        "RetiringServicePrincipal": Text => retiring_service_principal,
    }
}

object! {
    TagResourceInput {
        "KeyId": Text => key_id,
        "Tags": List<KeyTag> => tags,
    }
}

object! {
    UntagResourceInput {
        "KeyId": Text => key_id,
        "TagKeys": List<Text> => tag_keys,
    }
}

object! {
    ListResourceTagsInput {
        "KeyId": Text => key_id,
        "Limit": Whole => limit,
        "Marker": Text => marker,
    }
}

object! {
    UpdateKeyDescriptionInput {
        "KeyId": Text => key_id,
        "Description": Text => description,
    }
}

/// A tag, which KMS spells in another way than Secrets Manager.
struct KeyTag;

object! {
    KeyTag as TagInput {
        "TagKey": Text => key,
        "TagValue": Text => value,
    }
}
