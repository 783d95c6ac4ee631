//! The names of the default encryption key, which is the only one so far.

use types::{ApiError, ErrorCode, Namespace};

use crate::door::View;

/// What AWS calls the default key where a version's keys are listed.
pub(super) const DEFAULT_KEY: &str = "DefaultEncryptionKey";
/// The same where the key of a secret is named.
pub(super) const DEFAULT_ALIAS: &str = "alias/aws/secretsmanager";

/// Refuses every other key. The default one goes by its id, by AWS's alias for it, and by the ARN of either.
///
/// # Errors
/// ResourceNotFound.
pub(super) fn must_be_default_key(given: &str, view: &View<'_>) -> Result<(), ApiError> {
    must_be_default_key_of(&view.namespace, given, view)
}

/// As [`must_be_default_key`], for a key of another region.
///
/// # Errors
/// ResourceNotFound.
pub(super) fn must_be_default_key_of(namespace: &Namespace, given: &str, view: &View<'_>) -> Result<(), ApiError> {
    let cluster = view.state().cluster().ok_or(ErrorCode::ServiceUnavailable)?;
    let Namespace { account, region } = namespace;
    let arn_prefix = format!("arn:aws:kms:{region}:{account}:");
    let name = given.strip_prefix(&arn_prefix).unwrap_or(given);
    if name == DEFAULT_ALIAS {
        return Ok(());
    }
    let is_arn = name.len() < given.len();
    let id = if is_arn { name.strip_prefix("key/") } else { Some(name) };
    if id.is_some_and(|id| id.eq_ignore_ascii_case(&cluster.default_key.to_string())) {
        return Ok(());
    }
    let message = if name.starts_with("alias/") {
        format!("Alias {arn_prefix}{name} is not found.")
    } else if given.starts_with("arn:") {
        format!("Key '{given}' does not exist")
    } else {
        format!("Key '{arn_prefix}key/{name}' does not exist")
    };
    Err(ApiError::new(ErrorCode::ResourceNotFound, message))
}
