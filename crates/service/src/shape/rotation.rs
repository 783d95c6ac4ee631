//! Parsing of RotateSecret and CancelRotateSecret.

use std::sync::Arc;

use rotation::{Invalid, Schedule};
use state::{RotationRules, RotationSchedule};
use types::{ApiError, ErrorCode, Namespace, VersionId, limits};

use super::constraints::{Constraints, Pattern};
use super::request::SecretTarget;
use super::secrets::{NO_TOKEN, take_secret_id, take_token, target};
use crate::api::{CancelRotateSecretInput, ExternalRotationItemInput, RotateSecretInput, RotationRulesInput};
use crate::authorize::Target;

const TWO_SCHEDULES: &str = "You cannot specify both rotation frequency and schedule expression together.";
const NO_SCHEDULE: &str = "A Duration needs AutomaticallyAfterDays or a ScheduleExpression.";
const EXTERNAL: &str = "ExternalSecretRotationMetadata and ExternalSecretRotationRoleArn are for secrets that a partner \
                        of AWS manages, and there are none here.";

const DURATION: Pattern = Pattern {
    shown: "[0-9]+h",
    matches: |text| text.strip_suffix('h').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
};
const EXPRESSION: Pattern = Pattern {
    shown: r"[0-9A-Za-z\(\)#\?\*\-\/, ]+",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"()#?*-/, ".contains(&b)),
};

/// RotateSecret, parsed.
#[derive(Debug)]
pub(crate) struct RotateSecretRequest {
    pub(crate) secret: SecretTarget,
    /// The ClientRequestToken.
    pub(crate) token: VersionId,
    /// Not empty.
    pub(crate) function: Option<Arc<str>>,
    /// Rules that make a schedule, or what is wrong with them, which is said only of a secret that exists.
    pub(crate) rules: Result<Option<RotationRules>, ApiError>,
    /// Whether a rotation begins now.
    pub(crate) immediately: bool,
}

/// CancelRotateSecret, parsed.
#[derive(Debug)]
pub(crate) struct CancelRotateSecretRequest {
    pub(crate) secret: SecretTarget,
}

/// Parses RotateSecret.
pub(crate) fn rotate_secret(input: RotateSecretInput, namespace: &Namespace) -> Result<RotateSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let token = take_token(&mut constraints, input.client_request_token.as_deref());
    let function =
        constraints.text("rotationLambdaARN", input.rotation_lambda_arn, 0..=limits::ROTATION_LAMBDA_ARN_CHARS);
    let rules = input.rotation_rules.map(|rules| take_rules(&mut constraints, rules));
    let metadata = input.external_secret_rotation_metadata;
    metadata.iter().flatten().enumerate().for_each(|(at, item)| check_external(&mut constraints, at, item));
    let role = input.external_secret_rotation_role_arn;
    let is_external = role.is_some() || metadata.is_some_and(|items| !items.is_empty());
    constraints.text("externalSecretRotationRoleArn", role, limits::ROLE_ARN_CHARS);
    constraints.finish()?;

    let secret = target(secret_id, namespace)?;
    let token = token.ok_or(ApiError::new(ErrorCode::InvalidParameter, NO_TOKEN))?;
    let rules = match is_external {
        true => Err(ApiError::new(ErrorCode::InvalidParameter, EXTERNAL)),
        false => rules.map_or(Ok(None), read),
    };
    Ok(RotateSecretRequest {
        secret,
        token,
        function: function.filter(|arn| !arn.is_empty()).map(Into::into),
        rules,
        immediately: input.rotate_immediately.unwrap_or(true),
    })
}

/// Parses CancelRotateSecret.
pub(crate) fn cancel_rotate_secret(
    input: CancelRotateSecretInput,
    namespace: &Namespace,
) -> Result<CancelRotateSecretRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.finish()?;
    Ok(CancelRotateSecretRequest { secret: target(secret_id, namespace)? })
}

/// The schedule of rules. Those that are stored have one.
pub(crate) fn schedule(rules: &RotationRules) -> Result<Schedule, Invalid> {
    let duration = rules.duration.as_deref();
    match &rules.schedule {
        RotationSchedule::AfterDays(days) => Schedule::after_days(u64::from(*days), duration),
        RotationSchedule::Expression(expression) => Schedule::parse(expression, duration),
    }
}

fn take_rules(constraints: &mut Constraints, rules: RotationRulesInput) -> RotationRulesInput {
    let path = |member| format!("rotationRules.{member}");
    if let Some(duration) = rules.duration.as_deref() {
        constraints.pattern(&path("duration"), duration, &DURATION);
    }
    if let Some(expression) = rules.schedule_expression.as_deref() {
        constraints.pattern(&path("scheduleExpression"), expression, &EXPRESSION);
    }
    RotationRulesInput {
        automatically_after_days: constraints.number(
            &path("automaticallyAfterDays"),
            rules.automatically_after_days,
            limits::AUTOMATICALLY_AFTER_DAYS,
        ),
        duration: constraints.text(&path("duration"), rules.duration, limits::ROTATION_DURATION_CHARS),
        schedule_expression: constraints.text(
            &path("scheduleExpression"),
            rules.schedule_expression,
            1..=limits::SCHEDULE_EXPRESSION_CHARS,
        ),
    }
}

fn check_external(constraints: &mut Constraints, at: usize, item: &ExternalRotationItemInput) {
    let path = |member| format!("externalSecretRotationMetadata.{}.member.{member}", at + 1);
    constraints.text(&path("key"), item.key.clone(), 1..=limits::EXTERNAL_ROTATION_KEY_CHARS);
    constraints.text(&path("value"), item.value.clone(), 1..=limits::EXTERNAL_ROTATION_VALUE_CHARS);
}

fn read(rules: RotationRulesInput) -> Result<Option<RotationRules>, ApiError> {
    let RotationRulesInput { automatically_after_days: days, duration, schedule_expression } = rules;
    let invalid = |message: String| ApiError::new(ErrorCode::InvalidParameter, message);
    let given = match (days, schedule_expression) {
        (Some(_), Some(_)) => return Err(invalid(TWO_SCHEDULES.to_owned())),
        (None, None) if duration.is_some() => return Err(invalid(NO_SCHEDULE.to_owned())),
        (None, None) => return Ok(None),
        // It is in range, or its constraint would have failed.
        (Some(days), None) => RotationSchedule::AfterDays(u32::try_from(days).unwrap_or_default()),
        (None, Some(expression)) => RotationSchedule::Expression(expression.into()),
    };
    let rules = RotationRules { schedule: given, duration: duration.map(Into::into) };
    schedule(&rules).map_err(|error| invalid(format!("The rotation rules are not valid. {error}")))?;
    Ok(Some(rules))
}

macro_rules! target_is_its_secret {
    ($($request:ty),+) => {
        $(impl Target for $request {
            fn resource(&self) -> Option<&str> {
                Some(&self.secret.given)
            }
        })+
    };
}

target_is_its_secret!(RotateSecretRequest, CancelRotateSecretRequest);
