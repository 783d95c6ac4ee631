//! Rotation.

use bytes::Bytes;
use serde::Serialize;
use service::api::{
    CancelRotateSecretInput, ExternalRotationItemInput, RotateSecretInput, RotationOutput, RotationRulesDescription,
    RotationRulesInput,
};
use types::ApiError;

use super::answer::{Body, encode};
use super::shape::{Flag, List, Text, Whole, object};

object! {
    RotateSecretInput {
        "SecretId": Text => secret_id,
        "ClientRequestToken": Text => client_request_token,
        "RotationLambdaARN": Text => rotation_lambda_arn,
        "RotationRules": RotationRulesInput => rotation_rules,
        "RotateImmediately": Flag => rotate_immediately,
        "ExternalSecretRotationMetadata": List<ExternalRotationItemInput> => external_secret_rotation_metadata,
        "ExternalSecretRotationRoleArn": Text => external_secret_rotation_role_arn,
    }
}

object! {
    RotationRulesInput {
        "AutomaticallyAfterDays": Whole => automatically_after_days,
        "Duration": Text => duration,
        "ScheduleExpression": Text => schedule_expression,
    }
}

object! {
    ExternalRotationItemInput {
        "Key": Text => key,
        "Value": Text => value,
    }
}

object! {
    CancelRotateSecretInput {
        "SecretId": Text => secret_id,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RotationJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
}

impl Body for RotationOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let version_id = self.version_id.as_ref().map(|id| id.as_str());
        encode(&RotationJson { arn: self.arn.as_str(), name: self.name.as_str(), version_id })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RulesJson<'a> {
    automatically_after_days: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<&'a str>,
}

impl<'a> RulesJson<'a> {
    pub(super) fn of(rules: &'a RotationRulesDescription) -> Self {
        Self {
            automatically_after_days: rules.automatically_after_days,
            duration: rules.duration.as_deref(),
            schedule_expression: rules.schedule_expression.as_deref(),
        }
    }
}
