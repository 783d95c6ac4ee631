//! `conclave secret rotate` and `conclave secret cancel-rotate`.

use client::{Client, RotateSecret, RotatedSecret, RotationDescription};
use serde_json::{Value, json};

use crate::cli::RotationArgs;
use crate::output::Output;

/// Configures and rotates.
pub(crate) async fn rotate(
    client: &Client,
    secret_id: String,
    args: RotationArgs,
    output: Output,
) -> anyhow::Result<()> {
    let mut request = RotateSecret::new(secret_id);
    if let Some(token) = args.client_request_token {
        request = request.client_request_token(token);
    }
    if let Some(arn) = args.rotation_lambda_arn {
        request = request.rotation_lambda_arn(arn);
    }
    if let Some(days) = args.automatically_after_days {
        request = request.automatically_after_days(days);
    }
    if let Some(expression) = args.schedule_expression {
        request = request.schedule_expression(expression);
    }
    if let Some(duration) = args.duration {
        request = request.duration(duration);
    }
    if args.no_rotate_immediately {
        request = request.not_immediately();
    }
    print(&client.rotate_secret(request).await?, output)
}

/// Ends rotations.
pub(crate) async fn cancel(client: &Client, secret_id: String, output: Output) -> anyhow::Result<()> {
    print(&client.cancel_rotate_secret(secret_id).await?, output)
}

fn print(rotated: &RotatedSecret, output: Output) -> anyhow::Result<()> {
    let mut json = json!({ "ARN": rotated.arn, "Name": rotated.name });
    if let Some(version) = &rotated.version_id {
        json["VersionId"] = json!(version);
    }
    output.print(&json, |out| writeln!(out, "{}", rotated.version_id.as_ref().unwrap_or(&rotated.arn)))
}

/// The rules with the members that are there.
pub(super) fn rules_json(rotation: &RotationDescription) -> Option<Value> {
    let rules = rotation.rules.as_ref()?;
    let days = rules.automatically_after_days.map(|days| ("AutomaticallyAfterDays", json!(days)));
    let duration = rules.duration.as_ref().map(|duration| ("Duration", json!(duration)));
    let expression = rules.schedule_expression.as_ref().map(|expression| ("ScheduleExpression", json!(expression)));
    let members = [days, duration, expression].into_iter().flatten();
    Some(members.map(|(name, value)| (name.to_owned(), value)).collect())
}
