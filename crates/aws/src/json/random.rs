//! Whatever a body says, it is an input or a refusal, for every operation.

use proptest::prelude::*;
use service::api::{
    AssociateCrossAccountReplicaInput, BatchGetSecretValueInput, CancelRotateSecretInput, CreateSecretInput,
    DeleteResourcePolicyInput, DeleteSecretInput, DescribeSecretInput, DisassociateCrossAccountReplicaInput,
    GetRandomPasswordInput, GetResourcePolicyInput, GetSecretValueInput, ListResourcePoliciesInput,
    ListSecretVersionIdsInput, ListSecretsInput, PutResourcePolicyInput, PutSecretValueInput,
    RemoveRegionsFromReplicationInput, ReplicateSecretToRegionsInput, RestoreSecretInput, RotateSecretInput,
    StopReplicationToReplicaInput, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretVersionStageInput, ValidateResourcePolicyInput,
};
use types::ErrorCode;

use super::{Shape, decode};

const MEMBERS: [&str; 30] = [
    "Name",
    "SecretId",
    "ClientRequestToken",
    "SecretString",
    "SecretBinary",
    "Tags",
    "Key",
    "Value",
    "Values",
    "Filters",
    "MaxResults",
    "NextToken",
    "VersionStages",
    "RecoveryWindowInDays",
    "ForceDeleteWithoutRecovery",
    "AddReplicaRegions",
    "Region",
    "KmsKeyId",
    "RemoveReplicaRegions",
    "SecretIdList",
    "RotationRules",
    "AutomaticallyAfterDays",
    "RotateImmediately",
    "ExternalSecretRotationMetadata",
    "TagKeys",
    "PasswordLength",
    "ExcludeCharacters",
    "ResourcePolicy",
    "BlockPublicPolicy",
    "Unknown",
];

/// Parts of JSON, right and wrong, in any order.
fn part() -> impl Strategy<Value = String> {
    let punctuation = vec!["{", "}", "[", "]", ":", ",", "\"", "\\", " ", "null", "true", "-", "\u{feff}", "\u{0}"];
    let texts =
        vec![r#""\ud800""#, r#""\ud83d\ude00""#, r#""\u0000""#, r#""\x""#, r#""YQ==""#, r#""YQ""#, "\"\u{e9}\""];
    prop_oneof![
        4 => prop::sample::select(&MEMBERS[..]).prop_map(|member| format!("\"{member}\":")),
        3 => prop::sample::select(punctuation).prop_map(str::to_owned),
        2 => prop::sample::select(texts).prop_map(str::to_owned),
        1 => "-?[0-9]{1,24}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        1 => any::<String>(),
    ]
}

/// JSON that is well-formed, of any shape.
fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(&MEMBERS[..]), inner, 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn decode_as<S: Shape>(body: &[u8]) {
    if let Err(error) = decode::<S>(body) {
        assert_eq!(error.code, ErrorCode::Serialization);
        assert!(error.message.len() < 200, "{}", error.message);
    }
}

fn decode_as_everything(body: &[u8]) {
    decode_as::<CreateSecretInput>(body);
    decode_as::<GetSecretValueInput>(body);
    decode_as::<PutSecretValueInput>(body);
    decode_as::<DescribeSecretInput>(body);
    decode_as::<ListSecretsInput>(body);
    decode_as::<DeleteSecretInput>(body);
    decode_as::<UpdateSecretInput>(body);
    decode_as::<UpdateSecretVersionStageInput>(body);
    decode_as::<ListSecretVersionIdsInput>(body);
    decode_as::<RestoreSecretInput>(body);
    decode_as::<TagResourceInput>(body);
    decode_as::<UntagResourceInput>(body);
    decode_as::<GetRandomPasswordInput>(body);
    decode_as::<PutResourcePolicyInput>(body);
    decode_as::<GetResourcePolicyInput>(body);
    decode_as::<DeleteResourcePolicyInput>(body);
    decode_as::<ValidateResourcePolicyInput>(body);
    decode_as::<ListResourcePoliciesInput>(body);
    decode_as::<BatchGetSecretValueInput>(body);
    decode_as::<RotateSecretInput>(body);
    decode_as::<CancelRotateSecretInput>(body);
    decode_as::<ReplicateSecretToRegionsInput>(body);
    decode_as::<RemoveRegionsFromReplicationInput>(body);
    decode_as::<StopReplicationToReplicaInput>(body);
    decode_as::<AssociateCrossAccountReplicaInput>(body);
    decode_as::<DisassociateCrossAccountReplicaInput>(body);
}

proptest! {
    #[test]
    fn no_soup_of_json_panics(parts in prop::collection::vec(part(), 0..24)) {
        decode_as_everything(parts.concat().as_bytes());
    }

    #[test]
    fn no_json_panics_whole_cut_or_with_a_changed_byte(value in value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = value.to_string().into_bytes();
        decode_as_everything(&body);
        let at = at.index(body.len());
        decode_as_everything(&body[..at]);
        body[at] = byte;
        decode_as_everything(&body);
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..256)) {
        decode_as_everything(&body);
    }
}
