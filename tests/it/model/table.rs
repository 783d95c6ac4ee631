//! What is not as the model alone would have it, each with its reason. The tests fail on an entry that is not true any
//! more, so that these lists only shrink.

/// Operations of the model that are not served.
pub(super) const NOT_SERVED: &[(&str, &str)] = &[
    ("AssociateCrossAccountReplica", LATER),
    ("CancelRotateSecret", LATER),
    ("DeleteResourcePolicy", LATER),
    ("DisassociateCrossAccountReplica", LATER),
    ("GetResourcePolicy", LATER),
    ("ListResourcePolicies", LATER),
    ("PutResourcePolicy", LATER),
    ("RemoveRegionsFromReplication", LATER),
    ("ReplicateSecretToRegions", LATER),
    ("RotateSecret", LATER),
    ("StopReplicationToReplica", LATER),
    ("ValidateResourcePolicy", LATER),
];

const LATER: &str = "not built yet";
const EXTERNAL: &str = "of secrets that a partner of AWS manages; AWS documents no rule for others";
const NO_CROSS_ACCOUNT: &str = "a cluster has one account";
const NO_REPLICATION: &str = "replication is not built yet";
const NO_ROTATION: &str = "rotation is not built yet";

/// Members of requests that the server passes over: `Operation.Member`, or `*.Member` of all operations that have it.
/// A member stands for those within it.
pub(super) const IGNORED: &[(&str, &str)] = &[
    ("*.Type", EXTERNAL),
    ("CreateSecret.CrossAccountPrimaryARN", NO_CROSS_ACCOUNT),
    ("CreateSecret.AddReplicaRegions.Region", NO_REPLICATION),
    ("CreateSecret.AddReplicaRegions.KmsKeyId", NO_REPLICATION),
    ("CreateSecret.ForceOverwriteReplicaSecret", NO_REPLICATION),
];

/// Members of requests that are read and that no call here succeeds with.
pub(super) const NOT_USED: &[(&str, &str)] = &[("CreateSecret.AddReplicaRegions", NO_REPLICATION)];

/// Members of answers that no call here is answered with.
pub(super) const NOT_SHOWN: &[(&str, &str)] = &[
    ("*.Type", EXTERNAL),
    ("*.ExternalSecretRotationMetadata", EXTERNAL),
    ("*.ExternalSecretRotationRoleArn", EXTERNAL),
    ("*.CrossAccountPrimary", NO_CROSS_ACCOUNT),
    ("*.CrossAccountReplicas", NO_CROSS_ACCOUNT),
    ("*.OwningService", "no other service keeps secrets here"),
    ("*.PrimaryRegion", NO_REPLICATION),
    ("*.ReplicationStatus", NO_REPLICATION),
    ("*.RotationEnabled", NO_ROTATION),
    ("*.RotationLambdaARN", NO_ROTATION),
    ("*.RotationRules", NO_ROTATION),
    ("*.LastRotatedDate", NO_ROTATION),
    ("*.NextRotationDate", NO_ROTATION),
];

/// Bounds that AWS itself does not hold as its model has them: member, bound, reason.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Who exercises a modelled error.
pub(super) enum How {
    /// This request, over what every request of the operation needs; null takes a member away.
    Here(&'static str),
    /// The test of this name.
    Test(&'static str),
    /// Nobody, and why.
    Not(&'static str),
}

use How::{Here, Not, Test};

const MISSING: How = Here(r#"{"SecretId": "model/missing"}"#);
const SCHEDULED: How = Here(r#"{"SecretId": "model/scheduled"}"#);
const NO_PARAMETER: How = Not("nothing in this request is wrong that is not a ValidationException");
const CANNOT_ENCRYPT: How = Not("values are encrypted under the cluster's own key, which cannot be taken away");
const NOT_DECRYPTED: How = Not("writes compare digests and decrypt nothing");
const NO_POLICY: How = Not("no member of the request is a policy");
const NO_PRECONDITION: How = Not("for secrets of other services, and there are none");

/// Modelled errors: operation or `*`, error, who exercises it. An operation's own line comes before that of all.
pub(super) const ERRORS: &[(&str, &str, How)] = &[
    ("*", "InternalServiceError", Test("every_error_of_the_service_keeps_its_code_and_spelling")),
    ("*", "ResourceNotFoundException", MISSING),
    ("*", "InvalidRequestException", SCHEDULED),
    ("*", "InvalidParameterException", NO_PARAMETER),
    ("*", "EncryptionFailure", CANNOT_ENCRYPT),
    ("*", "PreconditionNotMetException", NO_PRECONDITION),
    ("*", "InvalidNextTokenException", Here(r#"{"NextToken": "made-up"}"#)),
    ("*", "MalformedPolicyDocumentException", NO_POLICY),
    ("*", "DecryptionFailure", NOT_DECRYPTED),
    ("*", "ResourceExistsException", Here(USED_TOKEN)),
    ("BatchGetSecretValue", "InvalidNextTokenException", Here(BATCH_BAD_TOKEN)),
    ("BatchGetSecretValue", "InvalidParameterException", Here("{}")),
    ("BatchGetSecretValue", "InvalidRequestException", Not("of one secret: it is in the answer's Errors")),
    ("BatchGetSecretValue", "ResourceNotFoundException", Not("of one secret: it is in the answer's Errors")),
    ("BatchGetSecretValue", "DecryptionFailure", Not("of one secret: it is in the answer's Errors")),
    ("CreateSecret", "InvalidParameterException", Here(TWO_VALUES)),
    ("CreateSecret", "InvalidRequestException", Here(r#"{"Name": "model/scheduled"}"#)),
    ("CreateSecret", "ResourceExistsException", Here(r#"{"Name": "model/kept"}"#)),
    ("CreateSecret", "ResourceNotFoundException", Here(UNKNOWN_KEY)),
    ("CreateSecret", "LimitExceededException", Test("the_rules_of_tags_hold")),
    ("DeleteSecret", "InvalidParameterException", Here(r#"{"RecoveryWindowInDays": 6}"#)),
    ("GetRandomPassword", "InvalidParameterException", Here(r#"{"PasswordLength": 3}"#)),
    ("GetRandomPassword", "InvalidRequestException", Not("no state that a password depends on")),
    ("GetSecretValue", "DecryptionFailure", Test("values_open_only_where_they_were_put")),
    ("ListSecrets", "InvalidParameterException", Here(r#"{"Filters": [{"Key": "name"}]}"#)),
    ("ListSecrets", "InvalidRequestException", Not("no state that a listing depends on")),
    ("PutSecretValue", "InvalidParameterException", Here(TWO_VALUES_OF_KEPT)),
    ("PutSecretValue", "LimitExceededException", Test("the_label_quota_holds_and_labels_can_still_move_at_it")),
    ("TagResource", "InvalidParameterException", Here(r#"{"SecretId": "model/kept", "Tags": [{"Key": "aws:a"}]}"#)),
    ("UpdateSecret", "InvalidParameterException", Here(TWO_VALUES_OF_KEPT)),
    ("UpdateSecret", "LimitExceededException", Test("an_update_keeps_to_the_quotas_and_changes_nothing_past_them")),
    ("UpdateSecretVersionStage", "InvalidParameterException", Here(r#"{"SecretId": "model/kept", "VersionStage": "x"}"#)),
    ("UpdateSecretVersionStage", "LimitExceededException", Test("the_label_quota_holds_and_labels_can_still_move_at_it")),
];

const TWO_VALUES: &str = r#"{"SecretString": "a", "SecretBinary": "YQ=="}"#;
const TWO_VALUES_OF_KEPT: &str = r#"{"SecretId": "model/kept", "SecretString": "a", "SecretBinary": "YQ=="}"#;
const UNKNOWN_KEY: &str = r#"{"Name": "model/never", "KmsKeyId": "no-such-key", "SecretString": "a"}"#;
const BATCH_BAD_TOKEN: &str = r#"{"Filters": [{"Key": "name", "Values": ["model/"]}], "NextToken": "made-up"}"#;
/// The token of the version that `model/kept` has from the start, with another value.
const USED_TOKEN: &str = r#"{"SecretId": "model/kept", "ClientRequestToken": "00000000-0000-0000-0000-000000000001",
    "SecretString": "another value"}"#;

/// Who exercises an error of an operation.
pub(super) fn how(operation: &str, error: &str) -> Option<&'static How> {
    let of = |name: &str| ERRORS.iter().find(|(listed, known, _)| *listed == name && *known == error);
    of(operation).or_else(|| of("*")).map(|(_, _, how)| how)
}

/// Why a member is on a list.
pub(super) fn reason(list: &[(&str, &'static str)], operation: &str, member: &str) -> Option<&'static str> {
    let covers = |listed: &str| {
        let Some((of, name)) = listed.split_once('.') else { return false };
        let rest = member.strip_prefix(name);
        (of == "*" || of == operation) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    // An operation's own line comes before that of all.
    let line = list.iter().filter(|(listed, _)| covers(listed)).max_by_key(|(listed, _)| !listed.starts_with('*'));
    line.map(|(_, reason)| *reason)
}
