//! Parsing of the operations on one secret.

use state::DeleteMode;
use types::{ApiError, ErrorCode, Namespace, Plaintext, SecretId, SecretName, StagingLabel, VersionId, limits};

use super::constraints::{Constraints, Pattern};
use super::replication::take_replicas;
use super::request::{
    CreateSecretRequest, DeleteSecretRequest, DescribeSecretRequest, GetSecretValueRequest, PutSecretValueRequest,
    RestoreSecretRequest, SecretTarget, TagResourceRequest, UntagResourceRequest, UpdateSecretRequest,
    UpdateSecretVersionStageRequest,
};
use super::tags;
use crate::api::{
    CreateSecretInput, DeleteSecretInput, DescribeSecretInput, GetSecretValueInput, PutSecretValueInput,
    RestoreSecretInput, SecretValue, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretVersionStageInput,
};

pub(super) const NO_TOKEN: &str = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
const TWO_VALUES: &str = "You can't specify both a binary secret value and a string secret value in the same secret.";
const NO_VALUE: &str = "You must provide either SecretString or SecretBinary.";
const FORCE_WITH_WINDOW: &str = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
const BAD_WINDOW: &str = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";

const ROTATION_TOKEN_CHARS: std::ops::RangeInclusive<usize> = 36..=256;
const ROTATION_TOKEN: Pattern = Pattern {
    shown: r"^[a-zA-Z0-9\-]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
};

/// Parses CreateSecret.
pub(crate) fn create_secret(input: CreateSecretInput) -> Result<CreateSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let name = constraints.required("name", input.name, 1..=limits::SECRET_NAME_CHARS);
    let token = take_token(&mut constraints, input.client_request_token.as_deref());
    let description = constraints.text("description", input.description, 0..=limits::DESCRIPTION_CHARS);
    let kms_key_id = constraints.text("kmsKeyId", input.kms_key_id, 0..=limits::KMS_KEY_ID_CHARS);
    check_value_lengths(&mut constraints, input.secret_string.as_ref(), input.secret_binary.as_ref());
    let tags = tags::take(&mut constraints, input.tags);
    let replicas = take_replicas(&mut constraints, input.add_replica_regions, input.force_overwrite_replica_secret);
    let primary = constraints.text("crossAccountPrimaryARN", input.cross_account_primary_arn, limits::SECRET_ARN_CHARS);
    constraints.finish()?;

    let name = new_name(&name)?;
    let token = token.ok_or(ApiError::new(ErrorCode::InvalidRequest, NO_TOKEN))?;
    let value = one_value(input.secret_string, input.secret_binary)?;
    tags::check(&tags, ErrorCode::LimitExceeded)?;
    Ok(CreateSecretRequest {
        name,
        token,
        description: description.filter(|text| !text.is_empty()).map(Into::into),
        kms_key_id: kms_key_id.filter(|text| !text.is_empty()),
        value,
        tags,
        replicas,
        of_other_account: primary.is_some(),
    })
}

/// Parses GetSecretValue.
pub(crate) fn get_secret_value(
    input: GetSecretValueInput,
    namespace: &Namespace,
) -> Result<GetSecretValueRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let version_id = take_version(&mut constraints, "versionId", input.version_id.as_deref());
    let version_stage = take_stage(&mut constraints, input.version_stage.as_deref());
    constraints.finish()?;
    Ok(GetSecretValueRequest { secret: target(secret_id, namespace)?, version_id, version_stage })
}

/// Parses PutSecretValue.
pub(crate) fn put_secret_value(
    input: PutSecretValueInput,
    namespace: &Namespace,
) -> Result<PutSecretValueRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let token = take_token(&mut constraints, input.client_request_token.as_deref());
    check_value_lengths(&mut constraints, input.secret_string.as_ref(), input.secret_binary.as_ref());
    let stages = take_stages(&mut constraints, input.version_stages);
    check_rotation_token(&mut constraints, input.rotation_token.as_ref());
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    let token = token.ok_or(ApiError::new(ErrorCode::InvalidRequest, NO_TOKEN))?;
    let value = one_value(input.secret_string, input.secret_binary)
        .and_then(|value| value.ok_or(ApiError::new(ErrorCode::InvalidRequest, NO_VALUE)));
    Ok(PutSecretValueRequest { secret, token, value, stages })
}

/// Parses DescribeSecret.
pub(crate) fn describe_secret(
    input: DescribeSecretInput,
    namespace: &Namespace,
) -> Result<DescribeSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.finish()?;
    Ok(DescribeSecretRequest { secret: target(secret_id, namespace)? })
}

/// Parses DeleteSecret. A bad window is refused even when the secret does not exist.
pub(crate) fn delete_secret(input: DeleteSecretInput, namespace: &Namespace) -> Result<DeleteSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    let force = input.force_delete_without_recovery == Some(true);
    let mode = match input.recovery_window_in_days {
        Some(_) if force => return Err(ApiError::new(ErrorCode::InvalidParameter, FORCE_WITH_WINDOW)),
        None if force => DeleteMode::Force,
        None => DeleteMode::Window { days: limits::DEFAULT_RECOVERY_WINDOW_DAYS },
        Some(days) => DeleteMode::Window { days: window_days(days)? },
    };
    Ok(DeleteSecretRequest { secret, mode })
}

/// Parses UpdateSecret.
pub(crate) fn update_secret(input: UpdateSecretInput, namespace: &Namespace) -> Result<UpdateSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let token = take_token(&mut constraints, input.client_request_token.as_deref());
    let description = constraints.text("description", input.description, 0..=limits::DESCRIPTION_CHARS);
    let kms_key_id = constraints.text("kmsKeyId", input.kms_key_id, 0..=limits::KMS_KEY_ID_CHARS);
    check_value_lengths(&mut constraints, input.secret_string.as_ref(), input.secret_binary.as_ref());
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    let token = token.ok_or(ApiError::new(ErrorCode::InvalidRequest, NO_TOKEN))?;
    let value = one_value(input.secret_string, input.secret_binary);
    Ok(UpdateSecretRequest { secret, token, description: description.map(Into::into), kms_key_id, value })
}

/// Parses UpdateSecretVersionStage.
pub(crate) fn update_secret_version_stage(
    input: UpdateSecretVersionStageInput,
    namespace: &Namespace,
) -> Result<UpdateSecretVersionStageRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    if input.version_stage.is_none() {
        constraints.null("versionStage");
    }
    let label = take_stage(&mut constraints, input.version_stage.as_deref());
    let remove_from = take_version(&mut constraints, "removeFromVersionId", input.remove_from_version_id.as_deref());
    let move_to = take_version(&mut constraints, "moveToVersionId", input.move_to_version_id.as_deref());
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    // It is there, or its constraint would have failed.
    let label = label.ok_or(ErrorCode::InternalService)?;
    Ok(UpdateSecretVersionStageRequest { secret, label, remove_from, move_to })
}

/// Parses RestoreSecret.
pub(crate) fn restore_secret(
    input: RestoreSecretInput,
    namespace: &Namespace,
) -> Result<RestoreSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.finish()?;
    Ok(RestoreSecretRequest { secret: target(secret_id, namespace)? })
}

/// Parses TagResource.
pub(crate) fn tag_resource(input: TagResourceInput, namespace: &Namespace) -> Result<TagResourceRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    if input.tags.is_none() {
        constraints.null("tags");
    }
    let tags = tags::take(&mut constraints, input.tags);
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    tags::check(&tags, ErrorCode::InvalidParameter)?;
    Ok(TagResourceRequest { secret, tags })
}

/// Parses UntagResource.
pub(crate) fn untag_resource(
    input: UntagResourceInput,
    namespace: &Namespace,
) -> Result<UntagResourceRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let keys = tags::take_keys(&mut constraints, input.tag_keys);
    constraints.finish()?;
    Ok(UntagResourceRequest { secret: target(secret_id, namespace)?, keys })
}

pub(super) fn take_secret_id(constraints: &mut Constraints, given: Option<String>) -> String {
    constraints.required("secretId", given, 1..=limits::SECRET_ID_CHARS)
}

pub(super) fn take_token(constraints: &mut Constraints, given: Option<&str>) -> Option<VersionId> {
    take_version(constraints, "clientRequestToken", given)
}

fn take_version(constraints: &mut Constraints, path: &str, given: Option<&str>) -> Option<VersionId> {
    constraints.parsed(path, given, limits::CLIENT_REQUEST_TOKEN_CHARS, VersionId::parse)
}

fn take_stage(constraints: &mut Constraints, given: Option<&str>) -> Option<StagingLabel> {
    constraints.parsed("versionStage", given, 1..=limits::STAGING_LABEL_CHARS, StagingLabel::parse)
}

fn take_stages(constraints: &mut Constraints, given: Option<Vec<String>>) -> Vec<StagingLabel> {
    let Some(given) = given else { return vec![StagingLabel::Current] };
    constraints.members("versionStages", Some(given.len()), 1..=limits::STAGING_LABELS_PER_REQUEST);
    constraints.each("versionStages", &given, 1..=limits::STAGING_LABEL_CHARS, None);
    let mut stages = Vec::new();
    for stage in given.iter().take(limits::STAGING_LABELS_PER_REQUEST).flat_map(|text| StagingLabel::parse(text)) {
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    stages
}

/// Lengths of values are bytes: of UTF-8, and of what base64 stood for.
fn check_value_lengths(constraints: &mut Constraints, string: Option<&Plaintext>, binary: Option<&Plaintext>) {
    let allowed = 1..=limits::SECRET_VALUE_BYTES;
    constraints.sensitive("secretString", string.map(Plaintext::len), allowed.clone());
    constraints.sensitive("secretBinary", binary.map(Plaintext::len), allowed);
}

fn check_rotation_token(constraints: &mut Constraints, given: Option<&Plaintext>) {
    let Some(token) = given else { return };
    // Both fronts read a text; what is none has no character that the pattern allows.
    let text = str::from_utf8(token.expose_secret()).unwrap_or_default();
    constraints.sensitive("rotationToken", Some(text.chars().count()), ROTATION_TOKEN_CHARS);
    constraints.sensitive_pattern("rotationToken", text, &ROTATION_TOKEN);
}

fn one_value(string: Option<Plaintext>, binary: Option<Plaintext>) -> Result<Option<SecretValue>, ApiError> {
    match (string, binary) {
        (Some(_), Some(_)) => Err(ApiError::new(ErrorCode::InvalidParameter, TWO_VALUES)),
        (Some(string), None) => Ok(Some(SecretValue::String(string))),
        (None, Some(binary)) => Ok(Some(SecretValue::Binary(binary))),
        (None, None) => Ok(None),
    }
}

/// The name of a new secret: `!` is for names that a service gives.
fn new_name(text: &str) -> Result<SecretName, ApiError> {
    let name = SecretName::parse(text).map_err(invalid_name)?;
    if text.contains('!') { Err(invalid_name(types::names::NameError::SecretName)) } else { Ok(name) }
}

pub(super) fn target(given: String, namespace: &Namespace) -> Result<SecretTarget, ApiError> {
    let id = match SecretId::parse(&given, namespace) {
        Ok(id) => id,
        // A name of good characters that is longer than any name is no error of syntax.
        Err(_) if given.len() > limits::SECRET_NAME_CHARS && given.bytes().all(is_name_byte) => SecretId::Nowhere,
        Err(error) => return Err(invalid_name(error)),
    };
    Ok(SecretTarget { given, id })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte)
}

fn invalid_name(error: types::names::NameError) -> ApiError {
    ApiError::new(ErrorCode::Validation, error.to_string())
}

fn window_days(days: i64) -> Result<u32, ApiError> {
    u32::try_from(days)
        .ok()
        .filter(|_| limits::RECOVERY_WINDOW_DAYS.contains(&days))
        .ok_or(ApiError::new(ErrorCode::InvalidParameter, BAD_WINDOW))
}

#[cfg(test)]
mod tests;
