//! UpdateSecret.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use super::default_key::must_be_default_key;
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
        if let Some(key) = request.kms_key_id.as_deref().filter(|key| !key.is_empty()) {
            must_be_default_key(key, view)?;
        }
        let namespace = secret.namespace_of_token(&request.token);
        let of = VersionOf { namespace: &namespace, name: &secret.name, arn: &secret.arn, version: &request.token };
        Ok(Plan::Propose(Command::UpdateSecret(state::UpdateSecret {
            target: secret.arn.clone(),
            token: request.token.clone(),
            description: request.description.clone(),
            // The default key is not echoed, however it was named.
            kms_key_id: request.kms_key_id.as_ref().map(|_| "".into()),
            value: value.as_ref().map(|value| view.vault.seal(view.state(), &of, value)).transpose()?,
        })))
    }

    fn output(applied: Applied) -> Option<Self::Output> {
        let Applied::Written { arn, name, version, .. } = applied else { return None };
        Some(UpdateSecretOutput { arn, name, version_id: version })
    }
}
