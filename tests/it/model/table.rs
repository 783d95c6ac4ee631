//! What is not as the model alone would have it, each with its reason. The tests fail on an entry that is not true any
//! more, so that these lists only shrink.

use super::tables::How::{self, Here, Not, Test};
use super::tables::Tables;

/// What the tests hold Secrets Manager against.
pub(super) const SECRETS_MANAGER: Tables = Tables {
    service: "secretsmanager",
    sheet: "conformance sheet",
    capital_messages: true,
    silent: &[],
    beyond: &[],
    needed: &[],
    operations: OPERATIONS,
    not_served: NOT_SERVED,
    ignored: IGNORED,
    not_used: NOT_USED,
    not_shown: NOT_SHOWN,
    exceptions: EXCEPTIONS,
    errors: ERRORS,
};

/// All operations of the model.
pub(crate) const OPERATIONS: &[&str] = &[
    "AssociateCrossAccountReplica",
    "BatchGetSecretValue",
    "CancelRotateSecret",
    "CreateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "DisassociateCrossAccountReplica",
    "GetRandomPassword",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListResourcePolicies",
    "ListSecretVersionIds",
    "ListSecrets",
    "PutResourcePolicy",
    "PutSecretValue",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RestoreSecret",
    "RotateSecret",
    "StopReplicationToReplica",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
    "ValidateResourcePolicy",
];

/// Operations of the model that are not served.
const NOT_SERVED: &[(&str, &str)] = &[];

const EXTERNAL: &str = "of secrets that a partner of AWS manages; AWS documents no rule for others";
const ONE_KEY: &str =
    "the secrets of this call are under the default key, which AWS leaves out; `keys.rs` shows others";
const ONE_POLICY: &str = "a secret has at most one policy, so there is no second page";
const NO_CROSS_ACCOUNT: &str = "a cluster has one account";
const NO_ROTATION: &str = "no rotation function can be registered yet, so no secret is rotated";

/// Members of requests that the server passes over: `Operation.Member`, or `*.Member` wherever it is. A member stands
/// for those within it.
const IGNORED: &[(&str, &str)] = &[("*.Type", EXTERNAL)];

/// Members of requests that are read and that no call here succeeds with; an operation alone stands for all of its.
const NOT_USED: &[(&str, &str)] = &[
    ("AssociateCrossAccountReplica", NO_CROSS_ACCOUNT),
    ("CancelRotateSecret", NO_ROTATION),
    ("CreateSecret.CrossAccountPrimaryARN", NO_CROSS_ACCOUNT),
    ("DisassociateCrossAccountReplica", NO_CROSS_ACCOUNT),
    ("ListResourcePolicies.NextToken", ONE_POLICY),
    ("RotateSecret", NO_ROTATION),
];

/// Members of answers that no call here is answered with.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("*.Type", EXTERNAL),
    ("*.ExternalSecretRotationMetadata", EXTERNAL),
    ("*.ExternalSecretRotationRoleArn", EXTERNAL),
    ("*.CrossAccountPrimary", NO_CROSS_ACCOUNT),
    ("*.CrossAccountReplicas", NO_CROSS_ACCOUNT),
    ("DescribeSecret.KmsKeyId", ONE_KEY),
    ("ListSecrets.SecretList.KmsKeyId", ONE_KEY),
    ("ListResourcePolicies.NextToken", ONE_POLICY),
    ("*.OwningService", "no other service keeps secrets here"),
    ("AssociateCrossAccountReplica", NO_CROSS_ACCOUNT),
    ("CancelRotateSecret", NO_ROTATION),
    ("DisassociateCrossAccountReplica", NO_CROSS_ACCOUNT),
    ("RotateSecret", NO_ROTATION),
    ("CancelRotateSecret.ARN", NO_ROTATION),
    ("CancelRotateSecret.Name", NO_ROTATION),
    ("CancelRotateSecret.VersionId", NO_ROTATION),
    ("RotateSecret.ARN", NO_ROTATION),
    ("RotateSecret.Name", NO_ROTATION),
    ("RotateSecret.VersionId", NO_ROTATION),
    ("*.RotationEnabled", NO_ROTATION),
    ("*.RotationLambdaARN", NO_ROTATION),
    ("*.RotationRules", NO_ROTATION),
    ("*.LastRotatedDate", NO_ROTATION),
    ("*.NextRotationDate", NO_ROTATION),
];

/// Bounds that AWS itself does not hold as its model has them: member, bound, reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

const MISSING: How = Here(r#"{"SecretId": "model/missing"}"#);
const SCHEDULED: How = Here(r#"{"SecretId": "model/scheduled"}"#);
const ON_A_REPLICA: How = Test("every_write_to_a_replica_is_refused");
const NO_PARAMETER: How = Not("nothing in this request is wrong that is not a ValidationException");
const CANNOT_ENCRYPT: How = Test("a_secret_goes_by_the_state_of_its_key");
const NOT_DECRYPTED: How = Not("writes compare digests and decrypt nothing");
const NO_POLICY: How = Not("no member of the request is a policy");
const NO_PRECONDITION: How = Not("for secrets of other services, and there are none");

/// Modelled errors: operation or `*`, error, who exercises it. An operation's own line comes before that of all.
const ERRORS: &[(&str, &str, How)] = &[
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
    ("AssociateCrossAccountReplica", "LimitExceededException", Not(NO_CROSS_ACCOUNT)),
    ("BatchGetSecretValue", "InvalidNextTokenException", Here(BATCH_BAD_TOKEN)),
    ("BatchGetSecretValue", "InvalidParameterException", Here("{}")),
    ("BatchGetSecretValue", "InvalidRequestException", Not("of one secret: it is in the answer's Errors")),
    ("BatchGetSecretValue", "ResourceNotFoundException", Not("of one secret: it is in the answer's Errors")),
    ("BatchGetSecretValue", "DecryptionFailure", Test("a_secret_goes_by_the_state_of_its_key")),
    ("CreateSecret", "InvalidParameterException", Here(TWO_VALUES)),
    ("CreateSecret", "InvalidRequestException", Here(r#"{"Name": "model/scheduled"}"#)),
    ("CreateSecret", "ResourceExistsException", Here(r#"{"Name": "model/kept"}"#)),
    ("CreateSecret", "ResourceNotFoundException", Here(UNKNOWN_KEY)),
    ("CreateSecret", "LimitExceededException", Test("the_rules_of_tags_hold")),
    ("ReplicateSecretToRegions", "InvalidParameterException", Here(OWN_REGION)),
    ("RemoveRegionsFromReplication", "InvalidParameterException", ON_A_REPLICA),
    ("StopReplicationToReplica", "InvalidParameterException", Here(r#"{"SecretId": "model/replicated"}"#)),
    ("AssociateCrossAccountReplica", "InvalidParameterException", ON_A_REPLICA),
    ("DisassociateCrossAccountReplica", "InvalidParameterException", ON_A_REPLICA),
    ("RotateSecret", "InvalidParameterException", Here(r#"{"ClientRequestToken": null}"#)),
    ("CancelRotateSecret", "InvalidParameterException", Test("a_replica_is_rotated_by_its_primary_and_by_nobody_else")),
    ("RestoreSecret", "InvalidParameterException", ON_A_REPLICA),
    ("UntagResource", "InvalidParameterException", ON_A_REPLICA),
    ("GetResourcePolicy", "InvalidParameterException", ON_A_REPLICA),
    ("ListResourcePolicies", "InvalidParameterException", ON_A_REPLICA),
    ("DeleteSecret", "InvalidParameterException", Here(r#"{"RecoveryWindowInDays": 6}"#)),
    ("GetRandomPassword", "InvalidParameterException", Here(r#"{"PasswordLength": 3}"#)),
    ("GetRandomPassword", "InvalidRequestException", Not("no state that a password depends on")),
    ("DeleteResourcePolicy", "InvalidParameterException", Here(POLICY_OF_ANOTHER_NAME)),
    ("GetSecretValue", "DecryptionFailure", Test("a_secret_goes_by_the_state_of_its_key")),
    ("ListSecrets", "InvalidParameterException", Here(r#"{"Filters": [{"Key": "name"}]}"#)),
    ("ListSecrets", "InvalidRequestException", Not("no state that a listing depends on")),
    (
        "ListResourcePolicies",
        "InvalidNextTokenException",
        Here(r#"{"SecretId": "model/kept", "NextToken": "made-up"}"#),
    ),
    ("PutResourcePolicy", "InvalidParameterException", Here(POLICY_OF_ANOTHER_NAME)),
    ("PutResourcePolicy", "MalformedPolicyDocumentException", Here(NO_POLICY_AT_ALL)),
    ("PutResourcePolicy", "PublicPolicyException", Here(OPEN_POLICY)),
    ("PutSecretValue", "InvalidParameterException", Here(TWO_VALUES_OF_KEPT)),
    ("PutSecretValue", "LimitExceededException", Test("the_label_quota_holds_and_labels_can_still_move_at_it")),
    ("RestoreSecret", "InvalidRequestException", Not("no state of a secret is in the way of its restoration")),
    ("TagResource", "InvalidParameterException", Here(r#"{"SecretId": "model/kept", "Tags": [{"Key": "aws:a"}]}"#)),
    ("ValidateResourcePolicy", "MalformedPolicyDocumentException", Here(NO_POLICY_AT_ALL)),
    ("UpdateSecret", "InvalidParameterException", Here(TWO_VALUES_OF_KEPT)),
    ("UpdateSecret", "LimitExceededException", Test("an_update_keeps_to_the_quotas_and_changes_nothing_past_them")),
    (
        "UpdateSecretVersionStage",
        "InvalidParameterException",
        Here(r#"{"SecretId": "model/kept", "VersionStage": "x"}"#),
    ),
    ("UpdateSecretVersionStage", "InvalidRequestException", Here(MOVE_OF_SCHEDULED)),
    (
        "UpdateSecretVersionStage",
        "LimitExceededException",
        Test("the_label_quota_holds_and_labels_can_still_move_at_it"),
    ),
];

/// The region that all of these are of.
const OWN_REGION: &str = r#"{"SecretId": "model/kept", "AddReplicaRegions": [{"Region": "us-east-1"}]}"#;
const NO_POLICY_AT_ALL: &str = r#"{"SecretId": "model/kept", "ResourcePolicy": "{}"}"#;
const OPEN_POLICY: &str = r#"{"SecretId": "model/kept", "BlockPublicPolicy": true, "ResourcePolicy":
    "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\"}}"}"#;
const POLICY_OF_ANOTHER_NAME: &str = r#"{"SecretId": "model/kept", "PolicyName": "other"}"#;
const TWO_VALUES: &str = r#"{"SecretString": "a", "SecretBinary": "YQ=="}"#;
const TWO_VALUES_OF_KEPT: &str = r#"{"SecretId": "model/kept", "SecretString": "a", "SecretBinary": "YQ=="}"#;
const UNKNOWN_KEY: &str = r#"{"Name": "model/never", "KmsKeyId": "no-such-key", "SecretString": "a"}"#;
const BATCH_BAD_TOKEN: &str = r#"{"Filters": [{"Key": "name", "Values": ["model/"]}], "NextToken": "made-up"}"#;
const MOVE_OF_SCHEDULED: &str =
    r#"{"SecretId": "model/scheduled", "MoveToVersionId": "00000000-0000-0000-0000-000000000001"}"#;
/// The token of the version that `model/kept` has from the start, with another value.
const USED_TOKEN: &str = r#"{"SecretId": "model/kept", "ClientRequestToken": "00000000-0000-0000-0000-000000000001",
    "SecretString": "another value"}"#;

/// Whether an operation is served.
pub(crate) fn is_served(operation: &str) -> bool {
    NOT_SERVED.iter().all(|(listed, _)| *listed != operation)
}
