//! Rotation.

use types::{SecretArn, SecretName, Timestamp, VersionId};

/// RotateSecret as it came.
#[derive(Debug, Default)]
pub struct RotateSecretInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required on the wire.
    pub client_request_token: Option<String>,
    /// The function that rotates; absent for the one that the secret has.
    pub rotation_lambda_arn: Option<String>,
    /// When it rotates; absent for the rules that the secret has.
    pub rotation_rules: Option<RotationRulesInput>,
    /// Whether a rotation begins now; true when absent.
    pub rotate_immediately: Option<bool>,
    /// Of secrets that a partner of AWS manages.
    pub external_secret_rotation_metadata: Option<Vec<ExternalRotationItemInput>>,
    /// As above.
    pub external_secret_rotation_role_arn: Option<String>,
}

/// When a secret is rotated, as it came.
#[derive(Clone, Debug, Default)]
pub struct RotationRulesInput {
    /// 1 to 1,000; not together with an expression.
    pub automatically_after_days: Option<i64>,
    /// `3h`: the length of the window.
    pub duration: Option<String>,
    /// `rate(...)` or `cron(...)`.
    pub schedule_expression: Option<String>,
}

/// What a partner of AWS is told about a rotation.
#[derive(Clone, Debug, Default)]
pub struct ExternalRotationItemInput {
    /// A name.
    pub key: Option<String>,
    /// What it stands for.
    pub value: Option<String>,
}

/// CancelRotateSecret as it came.
#[derive(Debug, Default)]
pub struct CancelRotateSecretInput {
    /// Required.
    pub secret_id: Option<String>,
}

/// The answer of RotateSecret and of CancelRotateSecret.
#[derive(Clone, Debug)]
pub struct RotationOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The version that the rotation makes, if there is one under way.
    pub version_id: Option<VersionId>,
}

/// How a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationDescription {
    /// Not after CancelRotateSecret.
    pub enabled: bool,
    /// The function that rotates.
    pub lambda_arn: String,
    /// When; absent if only when asked for.
    pub rules: Option<RotationRulesDescription>,
    /// When a rotation last came to its end. Absent unless enabled.
    pub last_rotated_date: Option<Timestamp>,
    /// The last second of the next window. Absent unless enabled.
    pub next_rotation_date: Option<Timestamp>,
}

/// When a secret is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRulesDescription {
    /// As given, or computed from the expression.
    pub automatically_after_days: u64,
    /// As given.
    pub duration: Option<String>,
    /// As given.
    pub schedule_expression: Option<String>,
}
