//! UpdateSecretVersionStage.

use state::{Applied, Command};
use types::{ApiError, Namespace};

use crate::api::{SecretOutput, UpdateSecretVersionStageInput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, UpdateSecretVersionStageRequest};

/// Moves a staging label.
///
/// Where the label is, and so whether it may move, is for `apply` to say.
pub(crate) struct UpdateSecretVersionStage;

impl UseCase for UpdateSecretVersionStage {
    type Input = UpdateSecretVersionStageInput;
    type Request = UpdateSecretVersionStageRequest;
    type Output = SecretOutput;
    const ACTION: Action = Action::UpdateSecretVersionStage;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::update_secret_version_stage(input, namespace)
    }
}

impl Write for UpdateSecretVersionStage {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        Ok(Plan::Propose(Command::UpdateSecretVersionStage(state::UpdateSecretVersionStage {
            target: secret.arn.clone(),
            label: request.label.clone(),
            move_to: request.move_to.clone(),
            remove_from: request.remove_from.clone(),
        })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        super::secret_output(applied)
    }
}
