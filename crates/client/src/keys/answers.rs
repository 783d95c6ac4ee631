//! What the operations on keys answer.

use std::collections::BTreeMap;
use std::time::SystemTime;

use proto::keys::v1 as pb;

use crate::error::Error;
use crate::secrets::{optional_time, time};
use crate::value::SecretValue;

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What it lists.
    pub entries: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next_marker: Option<String>,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyMetadata {
    /// The account that has it.
    pub aws_account_id: String,
    /// Its id.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub creation_date: SystemTime,
    /// Whether its state is `Enabled`.
    pub enabled: bool,
    /// What it is for; may be empty.
    pub description: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` or another word of AWS's.
    pub key_state: String,
    /// The end of the deletion window.
    pub deletion_date: Option<SystemTime>,
    /// `CUSTOMER`, or `AWS` for a key that the cluster made by itself.
    pub key_manager: String,
    /// `SYMMETRIC_DEFAULT`.
    pub key_spec: String,
    /// `ENCRYPT_DECRYPT`.
    pub key_usage: String,
    /// Where its material is from: `AWS_KMS`.
    pub origin: String,
    /// The material that encrypts.
    pub current_key_material_id: Option<String>,
}

impl KeyMetadata {
    pub(super) fn of(key: Option<pb::KeyMetadata>) -> Result<Self, Error> {
        let key = key.ok_or(Error::Incomplete("key_metadata"))?;
        Ok(Self {
            creation_date: time("creation_date", key.creation_date.as_ref())?,
            deletion_date: optional_time(key.deletion_date.as_ref()),
            aws_account_id: key.aws_account_id,
            key_id: key.key_id,
            arn: key.arn,
            enabled: key.enabled,
            description: key.description,
            key_state: key.key_state,
            key_manager: key.key_manager,
            key_spec: key.key_spec,
            key_usage: key.key_usage,
            origin: key.origin,
            current_key_material_id: key.current_key_material_id,
        })
    }
}

/// A key in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyEntry {
    /// Its id.
    pub key_id: String,
    /// Its ARN.
    pub key_arn: String,
}

/// A key in its deletion window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduledDeletion {
    /// The key's ARN.
    pub key_id: String,
    /// The end of the window.
    pub deletion_date: SystemTime,
    /// The window's length.
    pub pending_window_in_days: i64,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

impl ScheduledDeletion {
    pub(super) fn of(answer: pb::ScheduleKeyDeletionResponse) -> Result<Self, Error> {
        Ok(Self {
            deletion_date: time("deletion_date", answer.deletion_date.as_ref())?,
            key_id: answer.key_id,
            pending_window_in_days: answer.pending_window_in_days,
            applied_index: answer.applied_index,
        })
    }
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// Its name, with `alias/`.
    pub alias_name: String,
    /// Its ARN.
    pub alias_arn: String,
    /// The id of its key.
    pub target_key_id: Option<String>,
    /// When it was made.
    pub creation_date: Option<SystemTime>,
    /// When it last got a key.
    pub last_updated_date: Option<SystemTime>,
}

impl Alias {
    pub(super) fn of(entry: pb::AliasListEntry) -> Self {
        Self {
            creation_date: optional_time(entry.creation_date.as_ref()),
            last_updated_date: optional_time(entry.last_updated_date.as_ref()),
            alias_name: entry.alias_name,
            alias_arn: entry.alias_arn,
            target_key_id: entry.target_key_id,
        }
    }
}

/// Whether and when a key is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationStatus {
    /// The key's ARN.
    pub key_id: String,
    /// Whether it is rotated by period.
    pub key_rotation_enabled: bool,
    /// The period.
    pub rotation_period_in_days: Option<i64>,
    /// The end of the period.
    pub next_rotation_date: Option<SystemTime>,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

impl RotationStatus {
    pub(super) fn of(answer: pb::GetKeyRotationStatusResponse) -> Self {
        Self {
            next_rotation_date: optional_time(answer.next_rotation_date.as_ref()),
            key_id: answer.key_id,
            key_rotation_enabled: answer.key_rotation_enabled,
            rotation_period_in_days: answer.rotation_period_in_days,
            applied_index: answer.applied_index,
        }
    }
}

/// Material of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The material.
    pub key_material_id: String,
    /// `CURRENT` or `NON_CURRENT`.
    pub key_material_state: Option<String>,
    /// When it came; absent for the first one.
    pub rotation_date: Option<SystemTime>,
    /// `AUTOMATIC` or `ON_DEMAND`; absent for the first one.
    pub rotation_type: Option<String>,
}

impl KeyRotation {
    pub(super) fn of(entry: pb::RotationsListEntry) -> Self {
        Self {
            rotation_date: optional_time(entry.rotation_date.as_ref()),
            key_material_id: entry.key_material_id,
            key_material_state: entry.key_material_state,
            rotation_type: entry.rotation_type,
        }
    }
}

/// What was encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encrypted {
    /// The ciphertext.
    pub ciphertext_blob: Vec<u8>,
    /// The key's ARN.
    pub key_id: String,
    /// The log index of the state that it was decided on, or a later one.
    pub applied_index: u64,
}

/// What was decrypted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decrypted {
    /// The plaintext.
    pub plaintext: SecretValue,
    /// The ARN of the key that had encrypted it.
    pub key_id: String,
    /// Its material that had encrypted it.
    pub key_material_id: String,
    /// The log index of the state that it was decided on, or a later one.
    pub applied_index: u64,
}

impl Decrypted {
    pub(super) fn of(mut answer: pb::DecryptResponse) -> Self {
        Self {
            plaintext: SecretValue::binary(std::mem::take(&mut answer.plaintext)),
            key_id: std::mem::take(&mut answer.key_id),
            key_material_id: std::mem::take(&mut answer.key_material_id),
            applied_index: answer.applied_index,
        }
    }
}

/// What was encrypted anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReEncrypted {
    /// The ciphertext.
    pub ciphertext_blob: Vec<u8>,
    /// The ARN of the key that had encrypted it.
    pub source_key_id: String,
    /// The ARN of the key that has encrypted it now.
    pub key_id: String,
    /// The material that had encrypted it.
    pub source_key_material_id: String,
    /// The material that has encrypted it now.
    pub destination_key_material_id: String,
    /// The log index of the state that it was decided on, or a later one.
    pub applied_index: u64,
}

impl ReEncrypted {
    pub(super) fn of(answer: pb::ReEncryptResponse) -> Self {
        Self {
            ciphertext_blob: answer.ciphertext_blob,
            source_key_id: answer.source_key_id,
            key_id: answer.key_id,
            source_key_material_id: answer.source_key_material_id,
            destination_key_material_id: answer.destination_key_material_id,
            applied_index: answer.applied_index,
        }
    }
}

/// A data key.
#[derive(Debug)]
#[non_exhaustive]
pub struct DataKey {
    /// The key in the clear.
    pub plaintext: SecretValue,
    /// The same, encrypted.
    pub ciphertext_blob: Vec<u8>,
    /// The ARN of the key that has encrypted it.
    pub key_id: String,
    /// The material that has encrypted it.
    pub key_material_id: String,
    /// The log index of the state that it was decided on, or a later one.
    pub applied_index: u64,
}

impl DataKey {
    pub(super) fn of(mut answer: pb::GenerateDataKeyResponse) -> Self {
        Self {
            plaintext: SecretValue::binary(std::mem::take(&mut answer.plaintext)),
            ciphertext_blob: std::mem::take(&mut answer.ciphertext_blob),
            key_id: std::mem::take(&mut answer.key_id),
            key_material_id: std::mem::take(&mut answer.key_material_id),
            applied_index: answer.applied_index,
        }
    }
}

/// A data key without its plaintext.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedDataKey {
    /// The key, encrypted.
    pub ciphertext_blob: Vec<u8>,
    /// The ARN of the key that has encrypted it.
    pub key_id: String,
    /// The material that has encrypted it.
    pub key_material_id: String,
    /// The log index of the state that it was decided on, or a later one.
    pub applied_index: u64,
}

/// A grant that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedGrant {
    /// Stands for it when it is retired.
    pub grant_token: String,
    /// Its id.
    pub grant_id: String,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The key's ARN.
    pub key_id: String,
    /// Its id.
    pub grant_id: String,
    /// The name that it was given.
    pub name: Option<String>,
    /// When it was made.
    pub creation_date: Option<SystemTime>,
    /// Who is allowed.
    pub grantee_principal: String,
    /// Who may retire it.
    pub retiring_principal: Option<String>,
    /// What is allowed.
    pub operations: Vec<String>,
    /// Pairs that the encryption context must have.
    pub context_subset: Option<BTreeMap<String, String>>,
    /// What the encryption context must be.
    pub context_equals: Option<BTreeMap<String, String>>,
}

impl Grant {
    pub(super) fn of(entry: pb::GrantListEntry) -> Self {
        let constraints = entry.constraints.unwrap_or_default();
        Self {
            creation_date: optional_time(entry.creation_date.as_ref()),
            key_id: entry.key_id,
            grant_id: entry.grant_id,
            name: entry.name,
            grantee_principal: entry.grantee_principal,
            retiring_principal: entry.retiring_principal,
            operations: entry.operations,
            context_subset: constraints.encryption_context_subset.map(|context| context.pairs),
            context_equals: constraints.encryption_context_equals.map(|context| context.pairs),
        }
    }
}
