//! PutSecretValue.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use super::default_key::KeyOfSecret;
use crate::api::{PutSecretValueInput, PutSecretValueOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, PutSecretValueRequest};
use crate::vault::VersionOf;

/// Makes a version.
///
/// Whether the token was used before, and with the same value, is for `apply` to say.
pub(crate) struct PutSecretValue;

impl UseCase for PutSecretValue {
    type Input = PutSecretValueInput;
    type Request = PutSecretValueRequest;
    type Output = PutSecretValueOutput;
    const ACTION: Action = Action::PutSecretValue;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::put_secret_value(input, namespace)
    }
}

impl Write for PutSecretValue {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        let value = request.value.as_ref().map_err(ApiError::clone)?;
        let key = match KeyOfSecret::of(secret, view)?.or_made(&secret.namespace, view) {
            Ok(key) => key,
            Err(make) => return Ok(Plan::Prepare(*make)),
        };
        let namespace = secret.namespace_of_token(&request.token);
        let of = VersionOf { namespace: &namespace, name: &secret.name, arn: &secret.arn, version: &request.token };
        Ok(Plan::Propose(Command::PutSecretValue(state::PutSecretValue {
            target: secret.arn.clone(),
            token: request.token.clone(),
            value: view.vault.seal(view.state(), key, &of, value)?,
            stages: request.stages.clone(),
        })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        let Applied::Written { arn, name, version: Some(version_id), stages } = applied else { return None };
        Some(PutSecretValueOutput { arn, name, version_id, version_stages: stages })
    }
}
