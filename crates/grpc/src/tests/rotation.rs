//! Rotation, over this front.

use service::api::{
    CancelRotateSecretInput, RotateSecretInput, RotationDescription, RotationOutput, RotationRulesDescription,
};

use super::*;

/// What the fake answers to these; `None` to others.
pub(super) fn output(input: &dyn Any) -> Option<Box<dyn Any>> {
    Some(if let Some(input) = input.downcast_ref::<RotateSecretInput>() {
        let version_id = input.client_request_token.as_deref().and_then(|token| VersionId::parse(token).ok());
        Box::new(RotationOutput { arn: arn(), name: name(), version_id })
    } else if input.is::<CancelRotateSecretInput>() {
        Box::new(RotationOutput { arn: arn(), name: name(), version_id: None })
    } else {
        return None;
    })
}

#[tokio::test]
async fn every_member_of_an_operation_on_rotation_arrives_and_comes_back() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    let token = "t".repeat(32);
    let request = pb::RotateSecretRequest {
        secret_id: "prod/db".to_owned(),
        client_request_token: token.clone(),
        rotation_lambda_arn: Some("f".to_owned()),
        rotation_rules: Some(pb::RotationRules {
            automatically_after_days: Some(7),
            duration: Some("2h".to_owned()),
            schedule_expression: Some("rate(7 days)".to_owned()),
        }),
        rotate_immediately: Some(false),
        external_secret_rotation_metadata: vec![pb::ExternalSecretRotationMetadataItem {
            key: "k".to_owned(),
            value: "v".to_owned(),
        }],
        external_secret_rotation_role_arn: Some("role".to_owned()),
    };
    let rotated = client.rotate_secret(request).await.unwrap().into_inner();
    assert_eq!(
        fake.only_call().input,
        format!(
            "RotateSecretInput {{ secret_id: Some(\"prod/db\"), client_request_token: Some({token:?}), \
             rotation_lambda_arn: Some(\"f\"), rotation_rules: Some(RotationRulesInput {{ automatically_after_days: \
             Some(7), duration: Some(\"2h\"), schedule_expression: Some(\"rate(7 days)\") }}), rotate_immediately: \
             Some(false), external_secret_rotation_metadata: Some([ExternalRotationItemInput {{ key: Some(\"k\"), \
             value: Some(\"v\") }}]), external_secret_rotation_role_arn: Some(\"role\") }}"
        )
    );
    assert_eq!((rotated.arn.as_str(), rotated.name.as_str()), (arn().as_str(), "prod/db"));
    assert_eq!((rotated.version_id, rotated.applied_index), (Some(token), INDEX));

    let request = pb::CancelRotateSecretRequest { secret_id: "prod/db".to_owned() };
    let cancelled = client.cancel_rotate_secret(request).await.unwrap().into_inner();
    assert_eq!(fake.only_call().input, "CancelRotateSecretInput { secret_id: Some(\"prod/db\") }");
    assert_eq!((cancelled.version_id, cancelled.applied_index), (None, INDEX));
}

#[test]
fn an_entry_shows_what_there_is_of_a_rotation() {
    let rotation = RotationDescription {
        enabled: true,
        lambda_arn: "f".to_owned(),
        rules: Some(RotationRulesDescription {
            automatically_after_days: 7,
            duration: None,
            schedule_expression: Some("rate(7 days)".to_owned()),
        }),
        last_rotated_date: None,
        next_rotation_date: Some(Timestamp::from_millis(1_727_222_399_000)),
    };
    let mut entry = pb::SecretEntry::default();
    crate::rotation::describe(&mut entry, rotation);
    assert_eq!((entry.rotation_enabled, entry.rotation_lambda_arn.as_deref()), (Some(true), Some("f")));
    let rules = entry.rotation_rules.unwrap();
    assert_eq!((rules.automatically_after_days, rules.duration), (Some(7), None));
    assert_eq!(rules.schedule_expression.as_deref(), Some("rate(7 days)"));
    assert_eq!((entry.last_rotated_date, entry.next_rotation_date.map(|at| at.seconds)), (None, Some(1_727_222_399)));
}
