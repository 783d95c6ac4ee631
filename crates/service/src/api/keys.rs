//! Requests and answers of the API of keys, in the words of AWS and in no protocol.
//!
//! The operations that have no `...Output` answer nothing, as an empty body. `KeyId` in an answer is the key's ARN
//! where AWS gives the ARN.

use std::collections::BTreeMap;

use types::{AccountId, Plaintext, Tag, Timestamp};

use super::TagInput;

/// Whom an enclave wants its answer encrypted to, as it came.
#[derive(Debug, Default)]
pub struct RecipientInput {
    /// `RSAES_OAEP_SHA_256`.
    pub key_encryption_algorithm: Option<String>,
    /// What the enclave says of itself.
    pub attestation_document: Option<Vec<u8>>,
}

/// CreateKey as it came.
#[derive(Debug, Default)]
pub struct CreateKeyInput {
    /// The key policy; that of the root principal when absent.
    pub policy: Option<String>,
    /// What the key is for.
    pub description: Option<String>,
    /// `ENCRYPT_DECRYPT` when absent.
    pub key_usage: Option<String>,
    /// The old name of `key_spec`.
    pub customer_master_key_spec: Option<String>,
    /// `SYMMETRIC_DEFAULT` when absent.
    pub key_spec: Option<String>,
    /// `AWS_KMS` when absent.
    pub origin: Option<String>,
    /// Of custom key stores, which are not served.
    pub custom_key_store_id: Option<String>,
    /// Whether the policy may lock out the caller.
    pub bypass_policy_lockout_safety_check: Option<bool>,
    /// Tags.
    pub tags: Option<Vec<TagInput>>,
    /// False when absent; true is not served.
    pub multi_region: Option<bool>,
    /// Of external key stores, which are not served.
    pub xks_key_id: Option<String>,
}

/// What CreateKey and DescribeKey tell of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMetadata {
    /// AWSAccountId.
    pub account: AccountId,
    /// Its id.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was created.
    pub creation_date: Timestamp,
    /// Whether its state is `Enabled`.
    pub enabled: bool,
    /// May be empty.
    pub description: String,
    /// `ENCRYPT_DECRYPT`.
    pub key_usage: &'static str,
    /// `Enabled`, `Disabled` or `PendingDeletion`.
    pub key_state: &'static str,
    /// The end of the waiting period, of a key pending deletion.
    pub deletion_date: Option<Timestamp>,
    /// As AWS shows it: of multi-Region keys alone, so never set.
    pub pending_deletion_window_in_days: Option<u16>,
    /// `AWS_KMS`.
    pub origin: &'static str,
    /// `CUSTOMER` or `AWS`.
    pub key_manager: &'static str,
    /// `SYMMETRIC_DEFAULT`; CustomerMasterKeySpec is the same.
    pub key_spec: &'static str,
    /// `SYMMETRIC_DEFAULT`.
    pub encryption_algorithms: Vec<&'static str>,
    /// Always false.
    pub multi_region: bool,
    /// 64 hexadecimal digits.
    pub current_key_material_id: Option<String>,
}

/// CreateKey's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKeyOutput {
    /// The new key.
    pub key_metadata: KeyMetadata,
}

/// DescribeKey as it came.
#[derive(Debug, Default)]
pub struct DescribeKeyInput {
    /// Required: id, ARN, alias or ARN of an alias.
    pub key_id: Option<String>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
}

/// DescribeKey's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeKeyOutput {
    /// The key.
    pub key_metadata: KeyMetadata,
}

/// ListKeys as it came.
#[derive(Debug, Default)]
pub struct ListKeysInput {
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
    /// `SELF` and `OTHER_ACCOUNTS_VIA_RAM`; nothing is shared by the latter.
    pub resource_owners: Option<Vec<String>>,
}

/// One key in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyListEntry {
    /// Its id.
    pub key_id: String,
    /// Its ARN.
    pub key_arn: String,
}

/// ListKeys' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKeysOutput {
    /// One page.
    pub keys: Vec<KeyListEntry>,
    /// Where the next page begins; absent on the last one, as `Truncated` is false there.
    pub next_marker: Option<String>,
}

/// CreateAlias as it came.
#[derive(Debug, Default)]
pub struct CreateAliasInput {
    /// Required: begins with `alias/`.
    pub alias_name: Option<String>,
    /// Required: id or ARN.
    pub target_key_id: Option<String>,
}

/// UpdateAlias as it came.
#[derive(Debug, Default)]
pub struct UpdateAliasInput {
    /// Required.
    pub alias_name: Option<String>,
    /// Required: id or ARN.
    pub target_key_id: Option<String>,
}

/// DeleteAlias as it came.
#[derive(Debug, Default)]
pub struct DeleteAliasInput {
    /// Required.
    pub alias_name: Option<String>,
}

/// ListAliases as it came.
#[derive(Debug, Default)]
pub struct ListAliasesInput {
    /// A key whose aliases alone are listed: id or ARN.
    pub key_id: Option<String>,
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
}

/// One alias in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasListEntry {
    /// Its name, with `alias/`.
    pub alias_name: String,
    /// Its ARN.
    pub alias_arn: String,
    /// The id of the key.
    pub target_key_id: String,
    /// When it was created.
    pub creation_date: Timestamp,
    /// When it last got a key.
    pub last_updated_date: Timestamp,
}

/// ListAliases' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAliasesOutput {
    /// One page.
    pub aliases: Vec<AliasListEntry>,
    /// Where the next page begins; absent on the last one, as `Truncated` is false there.
    pub next_marker: Option<String>,
}

/// EnableKey as it came.
#[derive(Debug, Default)]
pub struct EnableKeyInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// DisableKey as it came.
#[derive(Debug, Default)]
pub struct DisableKeyInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// ScheduleKeyDeletion as it came.
#[derive(Debug, Default)]
pub struct ScheduleKeyDeletionInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// 7 to 30; 30 when absent.
    pub pending_window_in_days: Option<i64>,
}

/// ScheduleKeyDeletion's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleKeyDeletionOutput {
    /// The key's ARN.
    pub key_id: String,
    /// The end of the waiting period.
    pub deletion_date: Timestamp,
    /// `PendingDeletion`.
    pub key_state: &'static str,
    /// Its length.
    pub pending_window_in_days: u16,
}

/// CancelKeyDeletion as it came.
#[derive(Debug, Default)]
pub struct CancelKeyDeletionInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// CancelKeyDeletion's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelKeyDeletionOutput {
    /// The key's ARN.
    pub key_id: String,
}

/// EnableKeyRotation as it came.
#[derive(Debug, Default)]
pub struct EnableKeyRotationInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// 90 to 2,560; what it was, or else 365, when absent.
    pub rotation_period_in_days: Option<i64>,
}

/// DisableKeyRotation as it came.
#[derive(Debug, Default)]
pub struct DisableKeyRotationInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// GetKeyRotationStatus as it came.
#[derive(Debug, Default)]
pub struct GetKeyRotationStatusInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// GetKeyRotationStatus' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetKeyRotationStatusOutput {
    /// Whether the key rotates by itself.
    pub key_rotation_enabled: bool,
    /// The key's ARN.
    pub key_id: String,
    /// Only if it rotates by itself.
    pub rotation_period_in_days: Option<u16>,
    /// As above.
    pub next_rotation_date: Option<Timestamp>,
    /// While one is under way, which none ever is: a rotation is one command.
    pub on_demand_rotation_start_date: Option<Timestamp>,
}

/// RotateKeyOnDemand as it came.
#[derive(Debug, Default)]
pub struct RotateKeyOnDemandInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
}

/// RotateKeyOnDemand's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateKeyOnDemandOutput {
    /// The key's ARN.
    pub key_id: String,
}

/// ListKeyRotations as it came.
#[derive(Debug, Default)]
pub struct ListKeyRotationsInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// `ROTATIONS_ONLY`, or `ALL_KEY_MATERIAL` for the first material too.
    pub include_key_material: Option<String>,
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
}

/// One rotation of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationsListEntry {
    /// The key's ARN.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
    /// `CURRENT` or `NON_CURRENT`; told with `ALL_KEY_MATERIAL`.
    pub key_material_state: Option<&'static str>,
    /// Absent for the first material.
    pub rotation_date: Option<Timestamp>,
    /// `AUTOMATIC` or `ON_DEMAND`.
    pub rotation_type: Option<&'static str>,
}

/// ListKeyRotations' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKeyRotationsOutput {
    /// One page, the oldest first.
    pub rotations: Vec<RotationsListEntry>,
    /// Where the next page begins; absent on the last one, as `Truncated` is false there.
    pub next_marker: Option<String>,
}

/// Encrypt as it came.
#[derive(Debug, Default)]
pub struct EncryptInput {
    /// Required: id, ARN, alias or ARN of an alias.
    pub key_id: Option<String>,
    /// Required: 1 to 4,096 bytes.
    pub plaintext: Option<Plaintext>,
    /// Absent is empty.
    pub encryption_context: Option<BTreeMap<String, String>>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// `SYMMETRIC_DEFAULT` when absent.
    pub encryption_algorithm: Option<String>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
}

/// Encrypt's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptOutput {
    /// At most 6,144 bytes.
    pub ciphertext_blob: Vec<u8>,
    /// The key's ARN.
    pub key_id: String,
    /// `SYMMETRIC_DEFAULT`.
    pub encryption_algorithm: &'static str,
}

/// Decrypt as it came.
#[derive(Debug, Default)]
pub struct DecryptInput {
    /// Required: at most 6,144 bytes.
    pub ciphertext_blob: Option<Vec<u8>>,
    /// Absent is empty.
    pub encryption_context: Option<BTreeMap<String, String>>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// The key that must have encrypted it: id, ARN, alias or ARN of an alias.
    pub key_id: Option<String>,
    /// `SYMMETRIC_DEFAULT` when absent.
    pub encryption_algorithm: Option<String>,
    /// Of enclaves, which are not served.
    pub recipient: Option<RecipientInput>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
    /// `IGNORE_CIPHERTEXT`, which is not served.
    pub dry_run_modifiers: Option<Vec<String>>,
}

/// Decrypt's answer.
#[derive(Debug)]
pub struct DecryptOutput {
    /// The key's ARN.
    pub key_id: String,
    /// What was encrypted.
    pub plaintext: Plaintext,
    /// `SYMMETRIC_DEFAULT`.
    pub encryption_algorithm: &'static str,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
}

/// ReEncrypt as it came.
#[derive(Debug, Default)]
pub struct ReEncryptInput {
    /// Required: at most 6,144 bytes.
    pub ciphertext_blob: Option<Vec<u8>>,
    /// What it was encrypted with.
    pub source_encryption_context: Option<BTreeMap<String, String>>,
    /// The key that must have encrypted it, in any form.
    pub source_key_id: Option<String>,
    /// Required: id, ARN, alias or ARN of an alias.
    pub destination_key_id: Option<String>,
    /// What it is to be encrypted with.
    pub destination_encryption_context: Option<BTreeMap<String, String>>,
    /// `SYMMETRIC_DEFAULT` when absent.
    pub source_encryption_algorithm: Option<String>,
    /// `SYMMETRIC_DEFAULT` when absent.
    pub destination_encryption_algorithm: Option<String>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
    /// `IGNORE_CIPHERTEXT`, which is not served.
    pub dry_run_modifiers: Option<Vec<String>>,
}

/// ReEncrypt's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReEncryptOutput {
    /// At most 6,144 bytes.
    pub ciphertext_blob: Vec<u8>,
    /// The ARN of the key it was encrypted with.
    pub source_key_id: String,
    /// The ARN of the key it is encrypted with.
    pub key_id: String,
    /// `SYMMETRIC_DEFAULT`.
    pub source_encryption_algorithm: &'static str,
    /// `SYMMETRIC_DEFAULT`.
    pub destination_encryption_algorithm: &'static str,
    /// 64 hexadecimal digits.
    pub source_key_material_id: String,
    /// 64 hexadecimal digits.
    pub destination_key_material_id: String,
}

/// GenerateDataKey as it came.
#[derive(Debug, Default)]
pub struct GenerateDataKeyInput {
    /// Required: id, ARN, alias or ARN of an alias.
    pub key_id: Option<String>,
    /// Absent is empty.
    pub encryption_context: Option<BTreeMap<String, String>>,
    /// 1 to 1,024; not together with a spec.
    pub number_of_bytes: Option<i64>,
    /// `AES_256` or `AES_128`.
    pub key_spec: Option<String>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// Of enclaves, which are not served.
    pub recipient: Option<RecipientInput>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
}

/// GenerateDataKey's answer.
#[derive(Debug)]
pub struct GenerateDataKeyOutput {
    /// At most 6,144 bytes.
    pub ciphertext_blob: Vec<u8>,
    /// The data key.
    pub plaintext: Plaintext,
    /// The key's ARN.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
}

/// GenerateDataKeyWithoutPlaintext as it came.
#[derive(Debug, Default)]
pub struct GenerateDataKeyWithoutPlaintextInput {
    /// Required: id, ARN, alias or ARN of an alias.
    pub key_id: Option<String>,
    /// Absent is empty.
    pub encryption_context: Option<BTreeMap<String, String>>,
    /// `AES_256` or `AES_128`.
    pub key_spec: Option<String>,
    /// 1 to 1,024; not together with a spec.
    pub number_of_bytes: Option<i64>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
}

/// GenerateDataKeyWithoutPlaintext's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateDataKeyWithoutPlaintextOutput {
    /// At most 6,144 bytes.
    pub ciphertext_blob: Vec<u8>,
    /// The key's ARN.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
}

/// GenerateRandom as it came.
#[derive(Debug, Default)]
pub struct GenerateRandomInput {
    /// Required: 1 to 1,024.
    pub number_of_bytes: Option<i64>,
    /// Of custom key stores, which are not served.
    pub custom_key_store_id: Option<String>,
    /// Of enclaves, which are not served.
    pub recipient: Option<RecipientInput>,
}

/// GenerateRandom's answer.
#[derive(Debug)]
pub struct GenerateRandomOutput {
    /// Random bytes.
    pub plaintext: Plaintext,
}

/// PutKeyPolicy as it came.
#[derive(Debug, Default)]
pub struct PutKeyPolicyInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// `default`, also when absent.
    pub policy_name: Option<String>,
    /// Required: at most 32 KiB of JSON.
    pub policy: Option<String>,
    /// Whether the policy may lock out the caller.
    pub bypass_policy_lockout_safety_check: Option<bool>,
}

/// GetKeyPolicy as it came.
#[derive(Debug, Default)]
pub struct GetKeyPolicyInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// `default`, also when absent.
    pub policy_name: Option<String>,
}

/// GetKeyPolicy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetKeyPolicyOutput {
    /// The document as it was put.
    pub policy: String,
    /// `default`.
    pub policy_name: &'static str,
}

/// ListKeyPolicies as it came.
#[derive(Debug, Default)]
pub struct ListKeyPoliciesInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
}

/// ListKeyPolicies' answer. It is never truncated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKeyPoliciesOutput {
    /// `default`.
    pub policy_names: Vec<&'static str>,
}

/// What a grant demands of the encryption context, as it came.
#[derive(Debug, Default)]
pub struct GrantConstraintsInput {
    /// Pairs that it must have.
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// What it must be.
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// Of service principals, which are not served.
    pub source_arn: Option<String>,
}

/// CreateGrant as it came.
#[derive(Debug, Default)]
pub struct CreateGrantInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// Required: the ARN of who is allowed.
    pub grantee_principal: Option<String>,
    /// The ARN of who may retire the grant.
    pub retiring_principal: Option<String>,
    /// Required.
    pub operations: Option<Vec<String>>,
    /// Of the encryption context.
    pub constraints: Option<GrantConstraintsInput>,
    /// At most ten; what they grant holds without them.
    pub grant_tokens: Option<Vec<String>>,
    /// Makes a repeated request the same one.
    pub name: Option<String>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
    /// Of services of AWS, which are not served.
    pub grantee_service_principal: Option<String>,
    /// As above.
    pub retiring_service_principal: Option<String>,
}

/// CreateGrant's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateGrantOutput {
    /// Stands for the grant in RetireGrant; nothing waits for it to be used.
    pub grant_token: String,
    /// 64 hexadecimal digits.
    pub grant_id: String,
}

/// ListGrants as it came.
#[derive(Debug, Default)]
pub struct ListGrantsInput {
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// The only grant to list.
    pub grant_id: Option<String>,
    /// Whose grants alone are listed.
    pub grantee_principal: Option<String>,
    /// Of services of AWS, which have none.
    pub grantee_service_principal: Option<String>,
}

/// What a grant demands of the encryption context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantConstraints {
    /// Pairs that it must have.
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// What it must be.
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
}

/// One grant in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantListEntry {
    /// The key's ARN.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub grant_id: String,
    /// The name it was given.
    pub name: Option<String>,
    /// When it was created.
    pub creation_date: Timestamp,
    /// Who is allowed.
    pub grantee_principal: String,
    /// Who may retire it.
    pub retiring_principal: Option<String>,
    /// The ARN of the root principal of the account that it was made in.
    pub issuing_account: String,
    /// What is allowed.
    pub operations: Vec<String>,
    /// Of the encryption context.
    pub constraints: Option<GrantConstraints>,
}

/// The answer of ListGrants and of ListRetirableGrants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListGrantsOutput {
    /// One page.
    pub grants: Vec<GrantListEntry>,
    /// Where the next page begins; absent on the last one, as `Truncated` is false there.
    pub next_marker: Option<String>,
}

/// RevokeGrant as it came.
#[derive(Debug, Default)]
pub struct RevokeGrantInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// Required.
    pub grant_id: Option<String>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
}

/// RetireGrant as it came: a token, or a key and a grant.
#[derive(Debug, Default)]
pub struct RetireGrantInput {
    /// From CreateGrant.
    pub grant_token: Option<String>,
    /// The key's ARN.
    pub key_id: Option<String>,
    /// The grant.
    pub grant_id: Option<String>,
    /// Whether only to tell if it would be done.
    pub dry_run: Option<bool>,
}

/// ListRetirableGrants as it came.
#[derive(Debug, Default)]
pub struct ListRetirableGrantsInput {
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
    /// Required: who may retire them.
    pub retiring_principal: Option<String>,
    /// Of services of AWS, which have none.
    pub retiring_service_principal: Option<String>,
}

/// TagResource as it came.
#[derive(Debug, Default)]
pub struct TagResourceInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// Required.
    pub tags: Option<Vec<TagInput>>,
}

/// UntagResource as it came.
#[derive(Debug, Default)]
pub struct UntagResourceInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// Required.
    pub tag_keys: Option<Vec<String>>,
}

/// ListResourceTags as it came.
#[derive(Debug, Default)]
pub struct ListResourceTagsInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// 1 to 1,000.
    pub limit: Option<i64>,
    /// From the page before.
    pub marker: Option<String>,
}

/// ListResourceTags' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResourceTagsOutput {
    /// One page.
    pub tags: Vec<Tag>,
    /// Where the next page begins; absent on the last one, as `Truncated` is false there.
    pub next_marker: Option<String>,
}

/// UpdateKeyDescription as it came.
#[derive(Debug, Default)]
pub struct UpdateKeyDescriptionInput {
    /// Required: id or ARN.
    pub key_id: Option<String>,
    /// Required; may be empty.
    pub description: Option<String>,
}
