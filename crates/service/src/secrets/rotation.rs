//! RotateSecret and CancelRotateSecret, and how a secret's rotation is described.
//!
//! What is done here is the configuration and the version that a rotation begins with. Whoever carries a rotation out
//! finds both in the state.

use state::{Applied, Command, Secret};
use types::{ApiError, ErrorCode, Namespace};

use crate::api::{
    CancelRotateSecretInput, RotateSecretInput, RotationDescription, RotationOutput, RotationRulesDescription,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, UseCase, View, Write};
use crate::shape::{self, CancelRotateSecretRequest, RotateSecretRequest};

const NOT_INVOKED: &str = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy \
                           grants access to the principal secretsmanager.amazonaws.com.";

/// Configures how a secret is rotated, and begins a rotation.
///
/// Whether another one is under way, and whether there is a function at all, is for `apply` to say.
pub(crate) struct RotateSecret;

impl UseCase for RotateSecret {
    type Input = RotateSecretInput;
    type Request = RotateSecretRequest;
    type Output = RotationOutput;
    const ACTION: Action = Action::RotateSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::rotate_secret(input, namespace)
    }
}

impl Write for RotateSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        let command = Command::RotateSecret(state::RotateSecret {
            target: secret.arn.clone(),
            token: request.token.clone(),
            function: request.function.clone(),
            rules: request.rules.as_ref().map_err(ApiError::clone)?.clone(),
            immediately: request.immediately,
        });
        let function =
            request.function.as_deref().or_else(|| secret.rotation.as_ref().map(|rotation| &*rotation.function));
        let is_known = |arn| view.functions.can_invoke(view.state(), &view.namespace, arn);
        if function.is_some_and(|arn| !is_known(arn)) {
            return Err(ApiError::new(ErrorCode::AccessDenied, NOT_INVOKED));
        }
        Ok(Plan::Propose(command))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// Ends the rotations of a secret. What one that is under way has left stays.
pub(crate) struct CancelRotateSecret;

impl UseCase for CancelRotateSecret {
    type Input = CancelRotateSecretInput;
    type Request = CancelRotateSecretRequest;
    type Output = RotationOutput;
    const ACTION: Action = Action::CancelRotateSecret;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::cancel_rotate_secret(input, namespace)
    }
}

impl Write for CancelRotateSecret {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        Ok(Plan::Propose(Command::CancelRotateSecret(state::CancelRotateSecret { target })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// How a secret is rotated; `None` if that was never configured.
pub(super) fn describe(secret: &Secret) -> Option<RotationDescription> {
    let rotation = secret.rotation.as_deref()?;
    let rules = rotation.rules.as_ref();
    // Rules that have no schedule are not stored.
    let scheduled = rules.and_then(|rules| Some((rules, shape::schedule(rules).ok()?)));
    // While a secret is scheduled for deletion its rotation is suspended.
    let goes_on = rotation.enabled && !secret.is_scheduled_for_deletion();
    let next = scheduled.as_ref().filter(|_| goes_on);
    let next = next.and_then(|(_, schedule)| schedule.next_window(rotation.counted_from));
    Some(RotationDescription {
        enabled: rotation.enabled,
        lambda_arn: rotation.function.as_ref().to_owned(),
        rules: scheduled.map(|(rules, schedule)| RotationRulesDescription {
            automatically_after_days: schedule.automatically_after_days(rotation.counted_from),
            duration: rules.duration.as_deref().map(str::to_owned),
            schedule_expression: match &rules.schedule {
                state::RotationSchedule::AfterDays(_) => None,
                state::RotationSchedule::Expression(expression) => Some(expression.as_ref().to_owned()),
            },
        }),
        last_rotated_date: rotation.last_rotated.filter(|_| rotation.enabled),
        next_rotation_date: next.map(|window| window.last_second()),
    })
}

fn output(applied: Applied) -> Option<RotationOutput> {
    let Applied::Written { arn, name, version, .. } = applied else { return None };
    Some(RotationOutput { arn, name, version_id: version })
}
