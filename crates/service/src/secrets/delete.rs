//! DeleteSecret.

use state::{Applied, Command, DeleteMode};
use types::{ApiError, ErrorCode, Namespace, SecretId};

use super::new_arn;
use crate::api::{DeleteSecretInput, DeleteSecretOutput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, DeleteSecretRequest, SecretTarget};

const ALREADY_SCHEDULED: &str = "You tried to perform the operation on a secret that's currently marked deleted.";

/// Schedules a secret for deletion, or deletes it at once.
pub(crate) struct DeleteSecret;

impl UseCase for DeleteSecret {
    type Input = DeleteSecretInput;
    type Request = DeleteSecretRequest;
    type Output = DeleteSecretOutput;
    const ACTION: Action = Action::DeleteSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::delete_secret(input, namespace)
    }
}

impl Write for DeleteSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = match (view.secret(&request.secret), request.mode) {
            (Ok(secret), _) => secret,
            (Err(_), DeleteMode::Force) => return Ok(Plan::Answer(nothing_deleted(&request.secret, view))),
            (Err(missing), DeleteMode::Window { .. }) => return Err(missing),
        };
        view.must_be_no_replica(secret)?;
        let regions = view.state().replication(secret);
        if !regions.is_empty() {
            let regions: Vec<_> = regions.iter().map(|status| status.region.as_str()).collect();
            let (given, regions) = (&request.secret.given, regions.join(", "));
            let message = format!("You can't delete secret {given} that still has replica regions [{regions}]");
            return Err(ApiError::new(ErrorCode::InvalidParameter, message));
        }
        if secret.is_scheduled_for_deletion() && request.mode != DeleteMode::Force {
            return Err(ApiError::new(ErrorCode::InvalidRequest, ALREADY_SCHEDULED));
        }
        let command = state::DeleteSecret { target: secret.arn.clone(), mode: request.mode };
        Ok(Plan::Propose(Command::DeleteSecret(command)))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        let Applied::Deleted { arn, name, deletion_date } = applied else { return None };
        Some(DeleteSecretOutput { arn: arn.to_string(), name: name.to_string(), deletion_date })
    }
}

/// AWS's answer for the forced deletion of a secret that is not there: success, with an ARN made up.
fn nothing_deleted(target: &SecretTarget, view: &View<'_>) -> DeleteSecretOutput {
    let (arn, name) = match &target.id {
        SecretId::Name(name) => (new_arn(&view.namespace, name).to_string(), name.to_string()),
        SecretId::Arn(_) | SecretId::Nowhere => (target.given.clone(), target.given.clone()),
    };
    DeleteSecretOutput { arn, name, deletion_date: view.now }
}
