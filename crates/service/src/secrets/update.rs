//! UpdateSecret.

use state::{Applied, Command, EncryptionKey, KeyVersion, RewrappedVersion, Secret, SecretRewrap};
use types::{ApiError, Namespace};

use super::default_key::{KeyOfSecret, shown_id};
use crate::api::{UpdateSecretInput, UpdateSecretOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, UpdateSecretRequest};
use crate::vault::VersionOf;

/// Changes metadata, makes a version, or both in one command.
///
/// Whether the token was used before, and with the same value, is for `apply` to say.
pub(crate) struct UpdateSecret;

impl UseCase for UpdateSecret {
    type Input = UpdateSecretInput;
    type Request = UpdateSecretRequest;
    type Output = UpdateSecretOutput;
    const ACTION: Action = Action::UpdateSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::update_secret(input, namespace)
    }
}

impl Write for UpdateSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        let value = request.value.as_ref().map_err(ApiError::clone)?;
        let asked = request.kms_key_id.as_deref();
        let key = match (asked, value) {
            (Some(_), _) => Some(KeyOfSecret::asked(asked, &secret.namespace, view)?),
            (None, Some(_)) => Some(KeyOfSecret::of(secret, view)?),
            // What has nothing to do with keys goes on without them.
            (None, None) => None,
        };
        let key = match key.map(|key| key.or_made(&secret.namespace, view)).transpose() {
            Ok(key) => key,
            Err(make) => return Ok(Plan::Prepare(*make)),
        };
        let namespace = secret.namespace_of_token(&request.token);
        let of = VersionOf { namespace: &namespace, name: &secret.name, arn: &secret.arn, version: &request.token };
        Ok(Plan::Propose(Command::UpdateSecret(state::UpdateSecret {
            target: secret.arn.clone(),
            token: request.token.clone(),
            description: request.description.clone(),
            kms_key_id: key.filter(|_| asked.is_some()).map(|key| {
                // Empty is the default key, which is not echoed, however it was named.
                shown_id(key, &secret.namespace).unwrap_or_else(|| "".into())
            }),
            value: match (value, key) {
                (Some(value), Some(key)) => Some(view.vault.seal(view.state(), key, &of, value)?),
                _ => None,
            },
            rewrap: key.filter(|_| asked.is_some()).and_then(|key| rewrap(secret, key, view)),
        })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        let Applied::Written { arn, name, version, .. } = applied else { return None };
        Some(UpdateSecretOutput { arn, name, version_id: version })
    }
}

/// The labelled versions of a secret under another key.
///
/// Those that are under it keep their wraps, and are named all the same: `apply` must find the labels where they are.
/// `None` when one of them cannot be opened: then they stay as they are, as AWS leaves them when the caller may not use
/// the key that they are under.
fn rewrap(secret: &Secret, to: &EncryptionKey, view: &View<'_>) -> Option<SecretRewrap> {
    let to_version = KeyVersion { key: to.id, material: to.newest_material() };
    let labelled = secret.versions.iter().map(|entry| &entry.version).filter(|version| secret.is_labelled(&version.id));
    let sealed: Vec<_> =
        labelled.filter_map(|version| version.value.as_ref().map(|sealed| (version, sealed))).collect();
    let is_there = sealed.iter().all(|(_, sealed)| sealed.wrapped_by() == to_version);
    let rewrapped = sealed.into_iter().map(|(version, sealed)| {
        let arn = view.state().sealed_under(secret, version);
        Some(RewrappedVersion {
            version: version.id.clone(),
            from: sealed.wrapped_by(),
            wrapped_key: match is_there {
                true => sealed.wrapped_key.clone(),
                false => view.vault.rewrap(view.state(), arn, &version.id, sealed, to)?,
            },
        })
    });
    Some(SecretRewrap { to: to_version, versions: rewrapped.collect::<Option<_>>()? })
}
