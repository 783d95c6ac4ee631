//! GetSecretValue.

use state::{Secret, Version, VersionEntry};
use types::{ApiError, ErrorCode, Namespace, StagingLabel, VersionId};

use super::default_key::customer_key;
use crate::api::{GetSecretValueInput, GetSecretValueOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, GetSecretValueRequest};
use crate::vault::cannot_decrypt;

/// Reads a version's value, by id, by label, or the current one.
pub(crate) struct GetSecretValue;

impl UseCase for GetSecretValue {
    type Input = GetSecretValueInput;
    type Request = GetSecretValueRequest;
    type Output = GetSecretValueOutput;
    const ACTION: Action = Action::GetSecretValue;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::get_secret_value(input, namespace)
    }
}

impl Read for GetSecretValue {
    const MAY_BE_RELAXED: bool = true;

    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let secret = view.live_secret(&request.secret)?;
        let entry = version(secret, request.version_id.as_ref(), request.version_stage.as_ref())?;
        // The placeholder that a rotation begins with is there, but has nothing to read.
        let missing = || match (&request.version_stage, &request.version_id) {
            (None, Some(id)) => no_version(id),
            (Some(stage), _) => no_stage(stage),
            (None, None) => no_stage(&StagingLabel::Current),
        };
        let output = open(secret, entry, view)?.ok_or_else(missing)?;
        view.touch(secret, entry).await;
        Ok(output)
    }
}

/// The value of a secret's current version, and that version.
///
/// # Errors
/// ResourceNotFound, DecryptionFailure.
pub(super) fn current<'a>(
    secret: &'a Secret,
    view: &View<'_>,
) -> Result<(GetSecretValueOutput, &'a VersionEntry), ApiError> {
    let entry = version(secret, None, None)?;
    let output = open(secret, entry, view)?.ok_or_else(|| no_stage(&StagingLabel::Current))?;
    Ok((output, entry))
}

/// The version's value, if it has one.
fn open(secret: &Secret, entry: &VersionEntry, view: &View<'_>) -> Result<Option<GetSecretValueOutput>, ApiError> {
    let version = &entry.version;
    let Some(sealed) = &version.value else { return Ok(None) };
    key_of_replica_must_be_enabled(secret, version, view)?;
    Ok(Some(GetSecretValueOutput {
        value: view.vault.open(view.state(), view.state().sealed_under(secret, version), &version.id, sealed)?,
        arn: secret.arn.clone(),
        name: secret.name.clone(),
        version_id: version.id.clone(),
        version_stages: secret.stages_of(&version.id),
        created_date: version.created,
    }))
}

/// A replica has no wraps of its own: its versions are those of the primary, under the primary's key, and stay so when
/// it is promoted. That the key that it shows may be used is asked beside it.
///
/// # Errors
/// DecryptionFailure.
fn key_of_replica_must_be_enabled(secret: &Secret, version: &Version, view: &View<'_>) -> Result<(), ApiError> {
    let was_replicated = version.sealed_under.is_some() || view.state().is_replica(secret);
    let Some(arn) = secret.kms_key_id.as_deref().filter(|_| was_replicated) else { return Ok(()) };
    match customer_key(arn, view.state()) {
        Some(key) if key.is_enabled() => Ok(()),
        _ => Err(cannot_decrypt()),
    }
}

fn version<'a>(
    secret: &'a Secret,
    id: Option<&VersionId>,
    stage: Option<&StagingLabel>,
) -> Result<&'a VersionEntry, ApiError> {
    let Some(id) = id else {
        let stage = stage.unwrap_or(&StagingLabel::Current);
        let holder = secret.holder(stage).ok_or_else(|| no_stage(stage))?;
        return secret.version(holder).ok_or_else(|| no_stage(stage));
    };
    let entry = secret.version(id).ok_or_else(|| no_version(id))?;
    if stage.is_some_and(|stage| secret.holder(stage) != Some(id)) {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    Ok(entry)
}

fn no_stage(stage: &StagingLabel) -> ApiError {
    let message = format!("Secrets Manager can't find the specified secret value for staging label: {stage}");
    ApiError::new(ErrorCode::ResourceNotFound, message)
}

fn no_version(id: &VersionId) -> ApiError {
    let message = format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
    ApiError::new(ErrorCode::ResourceNotFound, message)
}
