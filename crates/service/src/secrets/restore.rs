//! RestoreSecret.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use crate::api::{RestoreSecretInput, SecretOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, RestoreSecretRequest};

/// Ends a deletion window. A secret without one stays as it is.
pub(crate) struct RestoreSecret;

impl UseCase for RestoreSecret {
    type Input = RestoreSecretInput;
    type Request = RestoreSecretRequest;
    type Output = SecretOutput;
    const ACTION: Action = Action::RestoreSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::restore_secret(input, namespace)
    }
}

impl Write for RestoreSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = view.secret(&request.secret)?;
        view.must_be_no_replica(secret)?;
        let target = secret.arn.clone();
        Ok(Plan::Propose(Command::RestoreSecret(state::RestoreSecret { target })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        super::secret_output(applied)
    }
}
