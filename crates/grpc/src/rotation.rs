//! Rotation.

use proto::secrets::v1 as pb;
use proto::to_wire_time;
use service::Answer;
use service::api::{
    CancelRotateSecretInput, ExternalRotationItemInput, RotateSecretInput, RotationDescription, RotationOutput,
    RotationRulesDescription, RotationRulesInput,
};
use types::ApiError;

use crate::decode::{Decode, text};
use crate::encode::Encode;

impl Decode for pb::RotateSecretRequest {
    type Input = RotateSecretInput;

    fn decode(mut self) -> RotateSecretInput {
        let item = |item: pb::ExternalSecretRotationMetadataItem| ExternalRotationItemInput {
            key: Some(item.key),
            value: Some(item.value),
        };
        let metadata = std::mem::take(&mut self.external_secret_rotation_metadata);
        RotateSecretInput {
            secret_id: text(&mut self.secret_id),
            client_request_token: text(&mut self.client_request_token),
            rotation_lambda_arn: self.rotation_lambda_arn,
            rotation_rules: self.rotation_rules.map(rules),
            rotate_immediately: self.rotate_immediately,
            external_secret_rotation_metadata: (!metadata.is_empty()).then(|| metadata.into_iter().map(item).collect()),
            external_secret_rotation_role_arn: self.external_secret_rotation_role_arn,
        }
    }
}

impl Decode for pb::CancelRotateSecretRequest {
    type Input = CancelRotateSecretInput;

    fn decode(mut self) -> CancelRotateSecretInput {
        CancelRotateSecretInput { secret_id: text(&mut self.secret_id) }
    }
}

impl Encode<RotationOutput> for pb::RotateSecretResponse {
    fn encode(answer: Answer<RotationOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let (arn, name) = (output.arn.as_str().to_owned(), output.name.as_str().to_owned());
        Ok(Self { arn, name, version_id: output.version_id.map(|id| id.as_str().to_owned()), applied_index })
    }
}

impl Encode<RotationOutput> for pb::CancelRotateSecretResponse {
    fn encode(answer: Answer<RotationOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let (arn, name) = (output.arn.as_str().to_owned(), output.name.as_str().to_owned());
        Ok(Self { arn, name, version_id: output.version_id.map(|id| id.as_str().to_owned()), applied_index })
    }
}

/// Writes the rotation of a secret into its entry.
pub(crate) fn describe(entry: &mut pb::SecretEntry, rotation: RotationDescription) {
    entry.rotation_enabled = Some(rotation.enabled);
    entry.rotation_lambda_arn = Some(rotation.lambda_arn);
    entry.rotation_rules = rotation.rules.map(described);
    entry.last_rotated_date = rotation.last_rotated_date.map(to_wire_time);
    entry.next_rotation_date = rotation.next_rotation_date.map(to_wire_time);
}

fn rules(rules: pb::RotationRules) -> RotationRulesInput {
    RotationRulesInput {
        automatically_after_days: rules.automatically_after_days,
        duration: rules.duration,
        schedule_expression: rules.schedule_expression,
    }
}

fn described(rules: RotationRulesDescription) -> pb::RotationRules {
    pb::RotationRules {
        automatically_after_days: i64::try_from(rules.automatically_after_days).ok(),
        duration: rules.duration,
        schedule_expression: rules.schedule_expression,
    }
}
