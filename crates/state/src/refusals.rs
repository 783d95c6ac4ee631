//! What callers are told when a command is refused, in the words of AWS where they are known.

use types::{ApiError, ErrorCode, SecretArn, SecretName, StagingLabel, VersionId, limits};

pub(crate) fn name_exists(name: &SecretName) -> ApiError {
    let message = format!("The operation failed because the secret {name} already exists.");
    ApiError::new(ErrorCode::ResourceExists, message)
}

pub(crate) fn name_scheduled_for_deletion() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
}

pub(crate) fn token_in_use(token: &VersionId, arn: &SecretArn) -> ApiError {
    let message = format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    );
    ApiError::new(ErrorCode::ResourceExists, message)
}

pub(crate) fn marked_for_deletion() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}

pub(crate) fn marked_deleted() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        "You tried to perform the operation on a secret that's currently marked deleted.",
    )
}

pub(crate) fn not_on_a_replica() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidParameter,
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
    )
}

pub(crate) fn not_on_a_primary() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidParameter,
        "Operation not permitted on a primary secret. Call must be made in replica secret's region.",
    )
}

pub(crate) fn no_rotation_function() -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, "No Lambda rotation function ARN is associated with this secret.")
}

pub(crate) fn rotation_is_incomplete() -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, "A previous rotation isn't complete. That rotation will be reattempted.")
}

/// RotateSecret has no ResourceExistsException.
pub(crate) fn token_of_a_value(token: &VersionId, arn: &SecretArn) -> ApiError {
    ApiError { code: ErrorCode::InvalidParameter, ..token_in_use(token, arn) }
}

/// AWS's own words are not known.
pub(crate) fn no_rotation_to_cancel() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        "You can't cancel the rotation of a secret that was never configured for it.",
    )
}

pub(crate) fn label_quota() -> ApiError {
    let message = format!(
        "The secret's versions can have {} staging labels altogether. Remove some before you add others.",
        limits::STAGING_LABELS_PER_SECRET
    );
    ApiError::new(ErrorCode::LimitExceeded, message)
}

pub(crate) fn version_quota() -> ApiError {
    let message = format!(
        "The secret has {} versions, and none of those without a staging label is old enough to be removed.",
        limits::VERSIONS_PER_SECRET
    );
    ApiError::new(ErrorCode::LimitExceeded, message)
}

/// TagResource has no LimitExceeded in AWS's model, and SDKs would repeat one.
pub(crate) fn tag_quota() -> ApiError {
    let message = format!("A secret can have at most {} tags.", limits::TAGS_PER_SECRET);
    ApiError::new(ErrorCode::InvalidParameter, message)
}

pub(crate) fn no_such_version(version: &VersionId) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, format!("Not a valid version: {version}"))
}

pub(crate) fn holder_not_named(label: &StagingLabel, holder: &VersionId) -> ApiError {
    let message = format!(
        "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version \
         {holder}, so you must explicitly reference that version in RemoveFromVersionId."
    );
    ApiError::new(ErrorCode::InvalidParameter, message)
}

pub(crate) fn other_holder(label: &StagingLabel) -> ApiError {
    let message = format!(
        "When you move staging label {label}, if you specify RemoveFromVersionId, it must be set to the version that \
         currently has the staging label {label}."
    );
    ApiError::new(ErrorCode::InvalidParameter, message)
}

pub(crate) fn label_not_there(label: &StagingLabel, version: &VersionId) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, format!("Version stage {label} not found in version {version}"))
}

pub(crate) fn current_must_move(version: &VersionId) -> ApiError {
    let message = format!(
        "You can't remove the staging label AWSCURRENT from version {version} without moving it to another version. \
         Name that version in MoveToVersionId."
    );
    ApiError::new(ErrorCode::InvalidParameter, message)
}

pub(crate) fn no_version_named() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidParameter,
        "You must specify MoveToVersionId, RemoveFromVersionId, or both of them.",
    )
}
