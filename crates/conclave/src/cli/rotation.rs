//! `conclave secret rotate`.

use clap::Args;

/// How a secret is rotated.
#[derive(Debug, Args)]
pub(crate) struct RotationArgs {
    /// The ARN of the function that rotates [default: the one that the secret has].
    #[arg(long, value_name = "ARN")]
    pub(crate) rotation_lambda_arn: Option<String>,
    /// Rotates when so many days have passed, 1 to 1000.
    #[arg(long, value_name = "DAYS", conflicts_with = "schedule_expression")]
    pub(crate) automatically_after_days: Option<i64>,
    /// Rotates by `rate(...)` or `cron(...)`.
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) schedule_expression: Option<String>,
    /// The length of the window in hours, as in `3h`.
    #[arg(long, value_name = "HOURS")]
    pub(crate) duration: Option<String>,
    /// Only configures, and leaves the rotation for its window.
    #[arg(long)]
    pub(crate) no_rotate_immediately: bool,
    /// Names the version that the rotation makes [default: a random UUID].
    #[arg(long, value_name = "TOKEN")]
    pub(crate) client_request_token: Option<String>,
}
