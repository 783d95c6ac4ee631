//! Requests and answers of the secrets API, in the words of AWS and in no protocol.
//!
//! An `...Input` is what a front decoded: every member optional, nothing checked but its type. The service parses it
//! into a request that cannot be wrong, with AWS's own texts, the same for every front.

pub mod keys;
mod replication;
mod resource_policies;
mod rotation;

pub use replication::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicaRegionInput, ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription,
    StopReplicationToReplicaInput, StopReplicationToReplicaOutput,
};
pub use resource_policies::{
    DEFAULT_POLICY_NAME, DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput,
    ListResourcePoliciesInput, ListResourcePoliciesOutput, PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput,
    ValidateResourcePolicyInput, ValidateResourcePolicyOutput,
};
pub use rotation::{
    CancelRotateSecretInput, ExternalRotationItemInput, RotateSecretInput, RotationDescription, RotationOutput,
    RotationRulesDescription, RotationRulesInput,
};

use types::{ApiError, Plaintext, Region, SecretArn, SecretName, StagingLabel, Tag, Timestamp, ValueKind, VersionId};

/// One tag as it came.
#[derive(Clone, Debug, Default)]
pub struct TagInput {
    /// Required.
    pub key: Option<String>,
    /// Absent is empty.
    pub value: Option<String>,
}

/// One filter of a listing as it came.
#[derive(Clone, Debug, Default)]
pub struct FilterInput {
    /// `name`, `description`, `tag-key`, `tag-value`, `primary-region`, `owning-service` or `all`.
    pub key: Option<String>,
    /// One to ten values; a leading `!` negates.
    pub values: Option<Vec<String>>,
}

/// CreateSecret as it came.
#[derive(Debug, Default)]
pub struct CreateSecretInput {
    /// Required.
    pub name: Option<String>,
    /// Required on the wire.
    pub client_request_token: Option<String>,
    /// What the secret is for.
    pub description: Option<String>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// UTF-8 value.
    pub secret_string: Option<Plaintext>,
    /// Binary value.
    pub secret_binary: Option<Plaintext>,
    /// Tags.
    pub tags: Option<Vec<TagInput>>,
    /// Regions to replicate to.
    pub add_replica_regions: Option<Vec<ReplicaRegionInput>>,
    /// Whether a secret that has the name there gives way.
    pub force_overwrite_replica_secret: Option<bool>,
    /// A secret of another account that this one is to be a replica of.
    pub cross_account_primary_arn: Option<String>,
}

/// CreateSecret's answer.
#[derive(Clone, Debug)]
pub struct CreateSecretOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// Only if a value was given.
    pub version_id: Option<VersionId>,
    /// Omitted on the wire when it is not replicated.
    pub replication_status: Vec<ReplicationStatusDescription>,
}

/// GetSecretValue as it came.
#[derive(Debug, Default)]
pub struct GetSecretValueInput {
    /// Required: name, ARN or partial ARN.
    pub secret_id: Option<String>,
    /// A version.
    pub version_id: Option<String>,
    /// A label; AWSCURRENT when neither is given.
    pub version_stage: Option<String>,
}

/// A value in the clear, on its way to the caller.
#[derive(Debug)]
pub enum SecretValue {
    /// SecretString: UTF-8.
    String(Plaintext),
    /// SecretBinary.
    Binary(Plaintext),
}

impl SecretValue {
    /// Puts a value together.
    pub const fn new(kind: ValueKind, bytes: Plaintext) -> Self {
        match kind {
            ValueKind::String => Self::String(bytes),
            ValueKind::Binary => Self::Binary(bytes),
        }
    }

    /// Which of the two it is.
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::String(_) => ValueKind::String,
            Self::Binary(_) => ValueKind::Binary,
        }
    }

    /// Its bytes.
    pub const fn plaintext(&self) -> &Plaintext {
        match self {
            Self::String(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// GetSecretValue's answer.
#[derive(Debug)]
pub struct GetSecretValueOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The version.
    pub version_id: VersionId,
    /// The value.
    pub value: SecretValue,
    /// The version's labels; omitted on the wire when there are none.
    pub version_stages: Vec<StagingLabel>,
    /// When the version was created.
    pub created_date: Timestamp,
}

/// BatchGetSecretValue as it came.
#[derive(Debug, Default)]
pub struct BatchGetSecretValueInput {
    /// Names, ARNs or partial ARNs; or else filters.
    pub secret_id_list: Option<Vec<String>>,
    /// All must match.
    pub filters: Option<Vec<FilterInput>>,
    /// 1 to 20, with filters only.
    pub max_results: Option<i64>,
    /// From the page before.
    pub next_token: Option<String>,
}

/// BatchGetSecretValue's answer.
#[derive(Debug)]
pub struct BatchGetSecretValueOutput {
    /// Current values, in the order of the list or of creation.
    pub secret_values: Vec<GetSecretValueOutput>,
    /// What could not be read, and why.
    pub errors: Vec<BatchErrorOutput>,
    /// Where the next page begins; absent on the last one.
    pub next_token: Option<String>,
}

/// Why one secret of a batch has no value in it.
#[derive(Debug)]
pub struct BatchErrorOutput {
    /// The secret as it was named; by its ARN where a filter found it.
    pub secret_id: String,
    /// What GetSecretValue would have answered.
    pub error: ApiError,
}

/// PutSecretValue as it came.
#[derive(Debug, Default)]
pub struct PutSecretValueInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required on the wire.
    pub client_request_token: Option<String>,
    /// UTF-8 value.
    pub secret_string: Option<Plaintext>,
    /// Binary value.
    pub secret_binary: Option<Plaintext>,
    /// Labels of the new version; AWSCURRENT when absent.
    pub version_stages: Option<Vec<String>>,
    /// Of rotation functions, who prove with it who they are.
    pub rotation_token: Option<Plaintext>,
}

/// PutSecretValue's answer.
#[derive(Clone, Debug)]
pub struct PutSecretValueOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The version that has the value.
    pub version_id: VersionId,
    /// The labels that are on it now.
    pub version_stages: Vec<StagingLabel>,
}

/// DescribeSecret as it came.
#[derive(Debug, Default)]
pub struct DescribeSecretInput {
    /// Required.
    pub secret_id: Option<String>,
}

/// A secret's metadata: DescribeSecret's answer and ListSecrets' entry.
#[derive(Clone, Debug)]
pub struct SecretDescription {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// Not empty.
    pub description: Option<String>,
    /// Only for another key than the default one.
    pub kms_key_id: Option<String>,
    /// `None` if never tagged, empty after all tags were removed.
    pub tags: Option<Vec<Tag>>,
    /// When it was created.
    pub created_date: Timestamp,
    /// When it last changed in any way.
    pub last_changed_date: Timestamp,
    /// The UTC day of the last GetSecretValue.
    pub last_accessed_date: Option<Timestamp>,
    /// The end of the deletion window.
    pub deleted_date: Option<Timestamp>,
    /// Of a secret that is replicated, and of a replica.
    pub primary_region: Option<Region>,
    /// As above, where one secret is described.
    pub replication_status: Vec<ReplicationStatusDescription>,
    /// Once rotation was ever configured.
    pub rotation: Option<RotationDescription>,
    /// Labelled versions only, in the order of creation; omitted on the wire when empty.
    pub version_ids_to_stages: Vec<(VersionId, Vec<StagingLabel>)>,
}

/// ListSecrets as it came.
#[derive(Debug, Default)]
pub struct ListSecretsInput {
    /// 1 to 100.
    pub max_results: Option<i64>,
    /// From the page before.
    pub next_token: Option<String>,
    /// All must match.
    pub filters: Option<Vec<FilterInput>>,
    /// `asc` or `desc`.
    pub sort_order: Option<String>,
    /// `created-date`, `last-accessed-date`, `last-changed-date` or `name`.
    pub sort_by: Option<String>,
    /// Whether secrets in their deletion window are listed.
    pub include_planned_deletion: Option<bool>,
}

/// ListSecrets' answer.
#[derive(Clone, Debug)]
pub struct ListSecretsOutput {
    /// One page.
    pub secrets: Vec<SecretDescription>,
    /// Where the next page begins; absent on the last one.
    pub next_token: Option<String>,
}

/// DeleteSecret as it came.
#[derive(Debug, Default)]
pub struct DeleteSecretInput {
    /// Required.
    pub secret_id: Option<String>,
    /// 7 to 30.
    pub recovery_window_in_days: Option<i64>,
    /// At once.
    pub force_delete_without_recovery: Option<bool>,
}

/// DeleteSecret's answer.
#[derive(Clone, Debug)]
pub struct DeleteSecretOutput {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The end of the window; now for a forced delete.
    pub deletion_date: Timestamp,
}

/// UpdateSecret as it came.
#[derive(Debug, Default)]
pub struct UpdateSecretInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required on the wire.
    pub client_request_token: Option<String>,
    /// Absent to leave it, empty to remove it.
    pub description: Option<String>,
    /// Absent to leave it, empty for the default key.
    pub kms_key_id: Option<String>,
    /// UTF-8 value.
    pub secret_string: Option<Plaintext>,
    /// Binary value.
    pub secret_binary: Option<Plaintext>,
}

/// UpdateSecret's answer.
#[derive(Clone, Debug)]
pub struct UpdateSecretOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The version that has the value; only if one was given.
    pub version_id: Option<VersionId>,
}

/// UpdateSecretVersionStage as it came.
#[derive(Debug, Default)]
pub struct UpdateSecretVersionStageInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required: the label.
    pub version_stage: Option<String>,
    /// The version that has it.
    pub remove_from_version_id: Option<String>,
    /// The version that gets it.
    pub move_to_version_id: Option<String>,
}

/// The answer of an operation that tells no more than which secret it was on.
#[derive(Clone, Debug)]
pub struct SecretOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
}

/// ListSecretVersionIds as it came.
#[derive(Debug, Default)]
pub struct ListSecretVersionIdsInput {
    /// Required.
    pub secret_id: Option<String>,
    /// 1 to 100.
    pub max_results: Option<i64>,
    /// From the page before.
    pub next_token: Option<String>,
    /// Whether versions without a label are listed.
    pub include_deprecated: Option<bool>,
}

/// ListSecretVersionIds' answer.
#[derive(Clone, Debug)]
pub struct ListSecretVersionIdsOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// One page, in the order of creation.
    pub versions: Vec<VersionDescription>,
    /// Where the next page begins; absent on the last one.
    pub next_token: Option<String>,
}

/// One version in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionDescription {
    /// The version.
    pub version_id: VersionId,
    /// Its labels; omitted on the wire when there are none.
    pub version_stages: Vec<StagingLabel>,
    /// When it was created.
    pub created_date: Timestamp,
    /// The UTC day of the last GetSecretValue of it.
    pub last_accessed_date: Option<Timestamp>,
    /// The keys that encrypt it, by the names that AWS shows.
    pub kms_key_ids: Vec<String>,
}

/// RestoreSecret as it came.
#[derive(Debug, Default)]
pub struct RestoreSecretInput {
    /// Required.
    pub secret_id: Option<String>,
}

/// TagResource as it came.
#[derive(Debug, Default)]
pub struct TagResourceInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub tags: Option<Vec<TagInput>>,
}

/// UntagResource as it came.
#[derive(Debug, Default)]
pub struct UntagResourceInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub tag_keys: Option<Vec<String>>,
}

/// GetRandomPassword as it came.
#[derive(Debug, Default)]
pub struct GetRandomPasswordInput {
    /// 1 to 4,096; 32 when absent.
    pub password_length: Option<i64>,
    /// Characters that the password must not have.
    pub exclude_characters: Option<String>,
    /// No digits.
    pub exclude_numbers: Option<bool>,
    /// No punctuation.
    pub exclude_punctuation: Option<bool>,
    /// No capitals.
    pub exclude_uppercase: Option<bool>,
    /// No small letters.
    pub exclude_lowercase: Option<bool>,
    /// Spaces too.
    pub include_space: Option<bool>,
    /// Whether it has a character of each type that it may have; true when absent.
    pub require_each_included_type: Option<bool>,
}

/// GetRandomPassword's answer.
#[derive(Debug)]
pub struct GetRandomPasswordOutput {
    /// ASCII.
    pub random_password: Plaintext,
}
