//! Requests whose every member is parsed.

use std::sync::Arc;

use state::DeleteMode;
use types::{ApiError, SecretId, SecretName, StagingLabel, Tag, VersionId};

use super::replication::AskedReplicas;
use crate::api::SecretValue;
use crate::authorize::Target;

/// The secret that a request names.
#[derive(Debug)]
pub(crate) struct SecretTarget {
    /// The `SecretId` as the caller wrote it.
    pub(crate) given: String,
    /// What it asks for.
    pub(crate) id: SecretId,
}

/// CreateSecret, parsed.
#[derive(Debug)]
pub(crate) struct CreateSecretRequest {
    pub(crate) name: SecretName,
    /// The ClientRequestToken.
    pub(crate) token: VersionId,
    /// Not empty.
    pub(crate) description: Option<Arc<str>>,
    /// Not empty.
    pub(crate) kms_key_id: Option<String>,
    /// The first version's value.
    pub(crate) value: Option<SecretValue>,
    /// Without duplicate keys.
    pub(crate) tags: Vec<Tag>,
    /// Where to replicate it to.
    pub(crate) replicas: AskedReplicas,
    /// Whether it is to be the replica of another account's secret.
    pub(crate) of_other_account: bool,
}

/// GetSecretValue, parsed.
#[derive(Debug)]
pub(crate) struct GetSecretValueRequest {
    pub(crate) secret: SecretTarget,
    /// A version, by id.
    pub(crate) version_id: Option<VersionId>,
    /// A version, by label.
    pub(crate) version_stage: Option<StagingLabel>,
}

/// BatchGetSecretValue, parsed.
#[derive(Debug)]
pub(crate) enum BatchGetSecretValueRequest {
    /// These, one to twenty.
    Named(Vec<NamedSecret>),
    /// A page of those that match filters.
    Listed(ListSecretsRequest),
}

/// A secret of a batch.
#[derive(Debug)]
pub(crate) struct NamedSecret {
    /// The `SecretId` as the caller wrote it.
    pub(crate) given: String,
    /// The secret, or what is wrong with the name, which is said of this secret only.
    pub(crate) target: Result<SecretTarget, ApiError>,
}

/// PutSecretValue, parsed.
#[derive(Debug)]
pub(crate) struct PutSecretValueRequest {
    pub(crate) secret: SecretTarget,
    /// The ClientRequestToken.
    pub(crate) token: VersionId,
    /// The value, or what is wrong with the two members for it, which is said only of a secret that exists.
    pub(crate) value: Result<SecretValue, ApiError>,
    /// Never empty, each once: AWSCURRENT where the request names none.
    pub(crate) stages: Vec<StagingLabel>,
}

/// DescribeSecret, parsed.
#[derive(Debug)]
pub(crate) struct DescribeSecretRequest {
    pub(crate) secret: SecretTarget,
}

/// DeleteSecret, parsed.
#[derive(Debug)]
pub(crate) struct DeleteSecretRequest {
    pub(crate) secret: SecretTarget,
    /// With a window or at once.
    pub(crate) mode: DeleteMode,
}

/// ListSecrets, parsed.
#[derive(Debug)]
pub(crate) struct ListSecretsRequest {
    /// 1 to 100.
    pub(crate) max_results: usize,
    /// From the page before.
    pub(crate) next_token: Option<String>,
    /// All must match.
    pub(crate) filters: Vec<Filter>,
    /// The order's key.
    pub(crate) sort_by: SortBy,
    /// The order's direction.
    pub(crate) descending: bool,
    /// Whether secrets in their deletion window are listed.
    pub(crate) include_planned_deletion: bool,
}

/// UpdateSecret, parsed.
#[derive(Debug)]
pub(crate) struct UpdateSecretRequest {
    pub(crate) secret: SecretTarget,
    /// The ClientRequestToken.
    pub(crate) token: VersionId,
    /// Empty to remove it.
    pub(crate) description: Option<Arc<str>>,
    /// Empty for the default key.
    pub(crate) kms_key_id: Option<String>,
    /// A new value, or what is wrong with the two members for it, which is said only of a secret that exists.
    pub(crate) value: Result<Option<SecretValue>, ApiError>,
}

/// UpdateSecretVersionStage, parsed. Which of the two versions must be there depends on where the label is.
#[derive(Debug)]
pub(crate) struct UpdateSecretVersionStageRequest {
    pub(crate) secret: SecretTarget,
    /// The label.
    pub(crate) label: StagingLabel,
    /// The version that has it.
    pub(crate) remove_from: Option<VersionId>,
    /// The version that gets it.
    pub(crate) move_to: Option<VersionId>,
}

/// ListSecretVersionIds, parsed.
#[derive(Debug)]
pub(crate) struct ListSecretVersionIdsRequest {
    pub(crate) secret: SecretTarget,
    /// 1 to 100.
    pub(crate) max_results: usize,
    /// From the page before.
    pub(crate) next_token: Option<String>,
    /// Whether versions without a label are listed.
    pub(crate) include_deprecated: bool,
}

/// RestoreSecret, parsed.
#[derive(Debug)]
pub(crate) struct RestoreSecretRequest {
    pub(crate) secret: SecretTarget,
}

/// TagResource, parsed.
#[derive(Debug)]
pub(crate) struct TagResourceRequest {
    pub(crate) secret: SecretTarget,
    /// Without duplicate keys.
    pub(crate) tags: Vec<Tag>,
}

/// UntagResource, parsed.
#[derive(Debug)]
pub(crate) struct UntagResourceRequest {
    pub(crate) secret: SecretTarget,
    pub(crate) keys: Vec<Arc<str>>,
}

/// GetRandomPassword, parsed: a password that can be made.
#[derive(Debug)]
pub(crate) struct GetRandomPasswordRequest {
    /// At least 1, and at least one for each required type.
    pub(crate) length: usize,
    /// The characters of each type that it may have; at least one type, none empty.
    pub(crate) types: Vec<Vec<u8>>,
    /// Whether it has a character of each type.
    pub(crate) require_each: bool,
}

/// What ListSecrets sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// The order of creation.
    CreatedDate,
    /// The day of the last GetSecretValue; secrets never read come first.
    LastAccessedDate,
    /// The last change.
    LastChangedDate,
    /// The name.
    Name,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterKey {
    /// The description, by words.
    Description,
    /// The name, by prefix.
    Name,
    /// Any tag's key, by prefix.
    TagKey,
    /// Any tag's value, by prefix.
    TagValue,
    /// The primary region of a replicated secret, by prefix.
    PrimaryRegion,
    /// The service that manages the secret, by prefix.
    OwningService,
    /// Name, description and tags, by words.
    All,
}

/// One value of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterValue {
    /// It began with `!`.
    pub(crate) negated: bool,
    /// Without the `!`.
    pub(crate) text: String,
}

/// One filter: any of its values must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// What it looks at.
    pub(crate) key: FilterKey,
    /// One to ten.
    pub(crate) values: Vec<FilterValue>,
}

macro_rules! target_is {
    ($($request:ty: $($member:ident).+;)+) => {
        $(impl Target for $request {
            fn resource(&self) -> Option<&str> {
                Some(self.$($member).+.as_str())
            }
        })+
    };
}

target_is! {
    CreateSecretRequest: name;
    GetSecretValueRequest: secret.given;
    PutSecretValueRequest: secret.given;
    DescribeSecretRequest: secret.given;
    DeleteSecretRequest: secret.given;
    UpdateSecretRequest: secret.given;
    UpdateSecretVersionStageRequest: secret.given;
    ListSecretVersionIdsRequest: secret.given;
    RestoreSecretRequest: secret.given;
    TagResourceRequest: secret.given;
    UntagResourceRequest: secret.given;
}

impl Target for ListSecretsRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

impl Target for BatchGetSecretValueRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

impl Target for SecretTarget {
    fn resource(&self) -> Option<&str> {
        Some(&self.given)
    }
}

impl Target for GetRandomPasswordRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}
