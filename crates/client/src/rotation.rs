//! Rotation.

use std::time::SystemTime;

use proto::secrets::v1 as pb;

use crate::client::Client;
use crate::error::Error;
use crate::failover::Repeat;
use crate::secrets::{new_token, optional_time, secrets};

/// How a secret is to be rotated from now on, and a rotation.
#[derive(Clone, Debug)]
#[must_use]
pub struct RotateSecret(pb::RotateSecretRequest);

impl RotateSecret {
    /// Names the secret. It is rotated as it was configured, unless something else is said.
    pub fn new(secret_id: impl Into<String>) -> Self {
        Self(pb::RotateSecretRequest {
            secret_id: secret_id.into(),
            client_request_token: new_token(),
            ..Default::default()
        })
    }

    /// The token that names the version which the rotation makes, in the place of a random one.
    pub fn client_request_token(mut self, token: impl Into<String>) -> Self {
        self.0.client_request_token = token.into();
        self
    }

    /// The ARN of the function that rotates.
    pub fn rotation_lambda_arn(mut self, arn: impl Into<String>) -> Self {
        self.0.rotation_lambda_arn = Some(arn.into());
        self
    }

    /// Rotates when so many days have passed; not together with an expression.
    pub fn automatically_after_days(mut self, days: i64) -> Self {
        self.0.rotation_rules.get_or_insert_default().automatically_after_days = Some(days);
        self
    }

    /// Rotates by `rate(...)` or `cron(...)`.
    pub fn schedule_expression(mut self, expression: impl Into<String>) -> Self {
        self.0.rotation_rules.get_or_insert_default().schedule_expression = Some(expression.into());
        self
    }

    /// The length of the window in hours, as in `3h`.
    pub fn duration(mut self, duration: impl Into<String>) -> Self {
        self.0.rotation_rules.get_or_insert_default().duration = Some(duration.into());
        self
    }

    /// Configures, and leaves the rotation for its window.
    pub const fn not_immediately(mut self) -> Self {
        self.0.rotate_immediately = Some(false);
        self
    }
}

/// A secret whose rotation was configured, begun or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotatedSecret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version of the rotation that is under way.
    pub version_id: Option<String>,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// How a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationDescription {
    /// Not after its rotation was cancelled.
    pub enabled: bool,
    /// The function that rotates.
    pub lambda_arn: Option<String>,
    /// When; absent if only when asked for.
    pub rules: Option<RotationRules>,
    /// When a rotation last came to its end.
    pub last_rotated_date: Option<SystemTime>,
    /// The last second of the next window.
    pub next_rotation_date: Option<SystemTime>,
}

/// When a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationRules {
    /// As given, or computed from the expression.
    pub automatically_after_days: Option<i64>,
    /// As given.
    pub duration: Option<String>,
    /// As given.
    pub schedule_expression: Option<String>,
}

impl Client {
    /// Configures how a secret is rotated, and begins a rotation unless told otherwise.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rotate_secret(&self, request: RotateSecret) -> Result<RotatedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).rotate_secret(request).await };
        let answer: pb::RotateSecretResponse =
            self.cluster.call(Repeat::Harmless, self.cluster.deadline(), request.0, send).await?;
        let pb::RotateSecretResponse { arn, name, version_id, applied_index } = answer;
        Ok(RotatedSecret { arn, name, version_id, applied_index })
    }

    /// Ends the rotations of a secret, by name or ARN. What one that is under way has left stays.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn cancel_rotate_secret(&self, secret_id: impl Into<String>) -> Result<RotatedSecret, Error> {
        let message = pb::CancelRotateSecretRequest { secret_id: secret_id.into() };
        let send = |channel, request| async move { secrets(channel).cancel_rotate_secret(request).await };
        let answer: pb::CancelRotateSecretResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        let pb::CancelRotateSecretResponse { arn, name, version_id, applied_index } = answer;
        Ok(RotatedSecret { arn, name, version_id, applied_index })
    }
}

/// What an entry says of rotation.
pub(crate) fn rotation(entry: &mut pb::SecretEntry) -> Option<RotationDescription> {
    let rules = entry.rotation_rules.take().map(|rules| RotationRules {
        automatically_after_days: rules.automatically_after_days,
        duration: rules.duration,
        schedule_expression: rules.schedule_expression,
    });
    Some(RotationDescription {
        enabled: entry.rotation_enabled?,
        lambda_arn: entry.rotation_lambda_arn.take(),
        rules,
        last_rotated_date: optional_time(entry.last_rotated_date.as_ref()),
        next_rotation_date: optional_time(entry.next_rotation_date.as_ref()),
    })
}
