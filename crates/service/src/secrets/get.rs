//! GetSecretValue.

use state::{Secret, VersionEntry};
use types::{ApiError, ErrorCode, Namespace, StagingLabel, VersionId};

use crate::api::{GetSecretValueInput, GetSecretValueOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Read, UseCase, View};
use crate::shape::{self, GetSecretValueRequest};

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
    Ok(Some(GetSecretValueOutput {
        value: view.vault.open(view.state(), view.state().sealed_under(secret, version), &version.id, sealed)?,
        arn: secret.arn.clone(),
        name: secret.name.clone(),
        version_id: version.id.clone(),
        version_stages: secret.stages_of(&version.id),
        created_date: version.created,
    }))
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
