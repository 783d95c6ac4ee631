//! Each answer on keys. Members without a value are left out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use service::api::keys::{
    AliasListEntry, CancelKeyDeletionOutput, CreateGrantOutput, CreateKeyOutput, DecryptOutput, DescribeKeyOutput,
    EncryptOutput, GenerateDataKeyOutput, GenerateDataKeyWithoutPlaintextOutput, GenerateRandomOutput,
    GetKeyPolicyOutput, GetKeyRotationStatusOutput, GrantConstraints, GrantListEntry, KeyListEntry, KeyMetadata,
    ListAliasesOutput, ListGrantsOutput, ListKeyPoliciesOutput, ListKeyRotationsOutput, ListKeysOutput,
    ListResourceTagsOutput, ReEncryptOutput, RotateKeyOnDemandOutput, RotationsListEntry, ScheduleKeyDeletionOutput,
};
use types::{ApiError, Plaintext, Tag, Timestamp};
use zeroize::Zeroizing;

use crate::json::answer::{Body, Seconds, encode};

/// What a member of an answer may be.
trait Wire {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Whether the member is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A value as JSON has it.
struct Json<'a, W>(&'a W);

impl<W: Wire> Serialize for Json<'_, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<W: Wire> Wire for Option<W> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

macro_rules! as_it_is {
    ($($type:ty),+) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        }
    )+};
}

as_it_is!(bool, u16, String, &str, BTreeMap<String, String>);

impl Wire for Timestamp {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Seconds(*self).serialize(serializer)
    }
}

impl Wire for Vec<u8> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self))
    }
}

impl Wire for Plaintext {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.expose_secret())))
    }
}

impl<W: Wire> Wire for Vec<W> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Json))
    }
}

/// Makes what the service answers an object: which member of the wire is what.
macro_rules! answers {
    ($(|$output:ident: $type:ty| { $($wire:literal: $value:expr,)+ })+) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $output = self;
                let mut members = serializer.serialize_map(None)?;
                $(if !$value.is_absent() {
                    members.serialize_entry($wire, &Json(&$value))?;
                })+
                members.end()
            }
        }
    )+};
}

answers! {
    |key: KeyMetadata| {
        "AWSAccountId": key.account.to_string(),
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": key.creation_date,
        "Enabled": key.enabled,
        "Description": key.description,
        "KeyUsage": key.key_usage,
        "KeyState": key.key_state,
        "DeletionDate": key.deletion_date,
        "PendingDeletionWindowInDays": key.pending_deletion_window_in_days,
        "Origin": key.origin,
        "KeyManager": key.key_manager,
        "KeySpec": key.key_spec,
        "CustomerMasterKeySpec": key.key_spec,
        "EncryptionAlgorithms": key.encryption_algorithms,
        "MultiRegion": key.multi_region,
        "CurrentKeyMaterialId": key.current_key_material_id,
    }
    |output: CreateKeyOutput| {
        "KeyMetadata": output.key_metadata,
    }
    |output: DescribeKeyOutput| {
        "KeyMetadata": output.key_metadata,
    }
    |entry: KeyListEntry| {
        "KeyId": entry.key_id,
        "KeyArn": entry.key_arn,
    }
    |page: ListKeysOutput| {
        "Keys": page.keys,
        "NextMarker": page.next_marker,
        "Truncated": page.next_marker.is_some(),
    }
    |entry: AliasListEntry| {
        "AliasName": entry.alias_name,
        "AliasArn": entry.alias_arn,
        "TargetKeyId": entry.target_key_id,
        "CreationDate": entry.creation_date,
        "LastUpdatedDate": entry.last_updated_date,
    }
    |page: ListAliasesOutput| {
        "Aliases": page.aliases,
        "NextMarker": page.next_marker,
        "Truncated": page.next_marker.is_some(),
    }
    |output: ScheduleKeyDeletionOutput| {
        "KeyId": output.key_id,
        "DeletionDate": output.deletion_date,
        "KeyState": output.key_state,
        "PendingWindowInDays": output.pending_window_in_days,
    }
    |output: CancelKeyDeletionOutput| {
        "KeyId": output.key_id,
    }
    |output: GetKeyRotationStatusOutput| {
        "KeyRotationEnabled": output.key_rotation_enabled,
        "KeyId": output.key_id,
        "RotationPeriodInDays": output.rotation_period_in_days,
        "NextRotationDate": output.next_rotation_date,
        "OnDemandRotationStartDate": output.on_demand_rotation_start_date,
    }
    |output: RotateKeyOnDemandOutput| {
        "KeyId": output.key_id,
    }
    |entry: RotationsListEntry| {
        "KeyId": entry.key_id,
        "KeyMaterialId": entry.key_material_id,
        "KeyMaterialState": entry.key_material_state,
        "RotationDate": entry.rotation_date,
        "RotationType": entry.rotation_type,
    }
    |page: ListKeyRotationsOutput| {
        "Rotations": page.rotations,
        "NextMarker": page.next_marker,
        "Truncated": page.next_marker.is_some(),
    }
    |output: EncryptOutput| {
        "CiphertextBlob": output.ciphertext_blob,
        "KeyId": output.key_id,
        "EncryptionAlgorithm": output.encryption_algorithm,
    }
    |output: DecryptOutput| {
        "KeyId": output.key_id,
        "Plaintext": output.plaintext,
        "EncryptionAlgorithm": output.encryption_algorithm,
        "KeyMaterialId": output.key_material_id,
    }
    |output: ReEncryptOutput| {
        "CiphertextBlob": output.ciphertext_blob,
        "SourceKeyId": output.source_key_id,
        "KeyId": output.key_id,
        "SourceEncryptionAlgorithm": output.source_encryption_algorithm,
        "DestinationEncryptionAlgorithm": output.destination_encryption_algorithm,
        "SourceKeyMaterialId": output.source_key_material_id,
        "DestinationKeyMaterialId": output.destination_key_material_id,
    }
    |output: GenerateDataKeyOutput| {
        "CiphertextBlob": output.ciphertext_blob,
        "Plaintext": output.plaintext,
        "KeyId": output.key_id,
        "KeyMaterialId": output.key_material_id,
    }
    |output: GenerateDataKeyWithoutPlaintextOutput| {
        "CiphertextBlob": output.ciphertext_blob,
        "KeyId": output.key_id,
        "KeyMaterialId": output.key_material_id,
    }
    |output: GenerateRandomOutput| {
        "Plaintext": output.plaintext,
    }
    |output: GetKeyPolicyOutput| {
        "Policy": output.policy,
        "PolicyName": output.policy_name,
    }
    |output: ListKeyPoliciesOutput| {
        "PolicyNames": output.policy_names,
        "Truncated": false,
    }
    |output: CreateGrantOutput| {
        "GrantToken": output.grant_token,
        "GrantId": output.grant_id,
    }
    |constraints: GrantConstraints| {
        "EncryptionContextSubset": constraints.encryption_context_subset,
        "EncryptionContextEquals": constraints.encryption_context_equals,
    }
    |entry: GrantListEntry| {
        "KeyId": entry.key_id,
        "GrantId": entry.grant_id,
        "Name": entry.name,
        "CreationDate": entry.creation_date,
        "GranteePrincipal": entry.grantee_principal,
        "RetiringPrincipal": entry.retiring_principal,
        "IssuingAccount": entry.issuing_account,
        "Operations": entry.operations,
        "Constraints": entry.constraints,
    }
    |page: ListGrantsOutput| {
        "Grants": page.grants,
        "NextMarker": page.next_marker,
        "Truncated": page.next_marker.is_some(),
    }
    |tag: Tag| {
        "TagKey": &*tag.key,
        "TagValue": &*tag.value,
    }
    |page: ListResourceTagsOutput| {
        "Tags": page.tags,
        "NextMarker": page.next_marker,
        "Truncated": page.next_marker.is_some(),
    }
}

macro_rules! bodies {
    ($($output:ty),+ $(,)?) => {$(
        impl Body for $output {
            fn body(&self) -> Result<Bytes, ApiError> {
                encode(&Json(self))
            }
        }
    )+};
}

bodies! {
    CreateKeyOutput,
    DescribeKeyOutput,
    ListKeysOutput,
    ListAliasesOutput,
    ScheduleKeyDeletionOutput,
    CancelKeyDeletionOutput,
    GetKeyRotationStatusOutput,
    RotateKeyOnDemandOutput,
    ListKeyRotationsOutput,
    EncryptOutput,
    DecryptOutput,
    ReEncryptOutput,
    GenerateDataKeyOutput,
    GenerateDataKeyWithoutPlaintextOutput,
    GenerateRandomOutput,
    GetKeyPolicyOutput,
    ListKeyPoliciesOutput,
    CreateGrantOutput,
    ListGrantsOutput,
    ListResourceTagsOutput,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(output: &impl Body) -> String {
        String::from_utf8(output.body().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn blobs_are_base64_dates_are_seconds_and_what_is_not_there_is_left_out() {
        let decrypted = DecryptOutput {
            key_id: "arn".to_owned(),
            plaintext: Plaintext::copy_from(b"hunter2"),
            encryption_algorithm: "SYMMETRIC_DEFAULT",
            key_material_id: "ab".to_owned(),
        };
        assert_eq!(
            text(&decrypted),
            r#"{"KeyId":"arn","Plaintext":"aHVudGVyMg==","EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyMaterialId":"ab"}"#
        );
        let scheduled = ScheduleKeyDeletionOutput {
            key_id: "arn".to_owned(),
            deletion_date: Timestamp::from_millis(1_727_176_691_830),
            key_state: "PendingDeletion",
            pending_window_in_days: 7,
        };
        assert_eq!(
            text(&scheduled),
            r#"{"KeyId":"arn","DeletionDate":1727176691.83,"KeyState":"PendingDeletion","PendingWindowInDays":7}"#
        );
        let first = RotationsListEntry {
            key_id: "arn".to_owned(),
            key_material_id: "ab".to_owned(),
            key_material_state: None,
            rotation_date: None,
            rotation_type: None,
        };
        let mut page = ListKeyRotationsOutput { rotations: vec![first], next_marker: Some("m".to_owned()) };
        assert_eq!(
            text(&page),
            r#"{"Rotations":[{"KeyId":"arn","KeyMaterialId":"ab"}],"NextMarker":"m","Truncated":true}"#
        );
        (page.rotations, page.next_marker) = (Vec::new(), None);
        assert_eq!(text(&page), r#"{"Rotations":[],"Truncated":false}"#);
    }

    #[test]
    fn a_constraint_that_is_empty_is_not_one_that_is_absent() {
        let constraints =
            GrantConstraints { encryption_context_subset: None, encryption_context_equals: Some(BTreeMap::new()) };
        let grant = GrantListEntry {
            key_id: "arn".to_owned(),
            grant_id: "g".to_owned(),
            name: None,
            creation_date: Timestamp::from_millis(1_000),
            grantee_principal: "p".to_owned(),
            retiring_principal: None,
            issuing_account: "r".to_owned(),
            operations: vec!["Decrypt".to_owned()],
            constraints: Some(constraints),
        };
        let page = ListGrantsOutput { grants: vec![grant], next_marker: None };
        assert_eq!(
            text(&page),
            r#"{"Grants":[{"KeyId":"arn","GrantId":"g","CreationDate":1,"GranteePrincipal":"p","IssuingAccount":"r","Operations":["Decrypt"],"Constraints":{"EncryptionContextEquals":{}}}],"Truncated":false}"#
        );
    }
}
