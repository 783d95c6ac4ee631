//! Rotation, over this front.

use service::api::{RotationDescription, RotationOutput, RotationRulesDescription};

use super::*;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// What the script answers to these; `None` to others.
pub(super) fn scripted(input: &dyn Any) -> Option<Box<dyn Any>> {
    let named = |text: &Option<String>| assert_eq!(text.as_deref(), Some("prod/db"));
    Some(if let Some(input) = input.downcast_ref::<RotateSecretInput>() {
        named(&input.secret_id);
        assert_eq!(input.rotation_lambda_arn.as_deref(), Some(FUNCTION));
        let rules = input.rotation_rules.as_ref().unwrap();
        assert_eq!(rules.automatically_after_days, Some(7));
        assert_eq!(
            (rules.duration.as_deref(), rules.schedule_expression.as_deref()),
            (Some("2h"), Some("rate(7 days)"))
        );
        assert_eq!(input.rotate_immediately, Some(false));
        let item = &input.external_secret_rotation_metadata.as_ref().unwrap()[0];
        assert_eq!((item.key.as_deref(), item.value.as_deref()), (Some("k"), Some("v")));
        assert_eq!(input.external_secret_rotation_role_arn.as_deref(), Some("role"));
        let version_id = input.client_request_token.as_deref().map(|token| VersionId::parse(token).unwrap());
        Box::new(RotationOutput { arn: arn(), name: name(), version_id })
    } else if let Some(input) = input.downcast_ref::<CancelRotateSecretInput>() {
        named(&input.secret_id);
        Box::new(RotationOutput { arn: arn(), name: name(), version_id: None })
    } else {
        return None;
    })
}

#[tokio::test]
async fn every_member_of_an_operation_on_rotation_arrives_and_comes_back() {
    let token = "t".repeat(32);
    let rotate = format!(
        r#"{{"SecretId":"prod/db","ClientRequestToken":"{token}","RotationLambdaARN":"{FUNCTION}",
            "RotationRules":{{"AutomaticallyAfterDays":7,"Duration":"2h","ScheduleExpression":"rate(7 days)"}},
            "RotateImmediately":false,"ExternalSecretRotationMetadata":[{{"Key":"k","Value":"v"}}],
            "ExternalSecretRotationRoleArn":"role"}}"#
    );
    let got = send(Script::new(), signed(&operation("RotateSecret", &rotate))).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.body, format!(r#"{{"ARN":"{ARN}","Name":"prod/db","VersionId":"{token}"}}"#));
    let got = send(Script::new(), signed(&operation("CancelRotateSecret", r#"{"SecretId":"prod/db"}"#))).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.body, format!(r#"{{"ARN":"{ARN}","Name":"prod/db"}}"#));
}

#[test]
fn a_description_shows_what_there_is_of_a_rotation() {
    use crate::json::Body;

    let at = Timestamp::from_millis(1_727_222_399_000);
    let rules = RotationRulesDescription {
        automatically_after_days: 7,
        duration: Some("2h".to_owned()),
        schedule_expression: Some("rate(7 days)".to_owned()),
    };
    let full = RotationDescription {
        enabled: true,
        lambda_arn: FUNCTION.to_owned(),
        rules: Some(rules),
        last_rotated_date: Some(at),
        next_rotation_date: Some(at),
    };
    let body = |rotation| {
        let described = SecretDescription { rotation: Some(rotation), ..description() };
        String::from_utf8(described.body().unwrap().to_vec()).unwrap()
    };
    let shown = body(full.clone());
    for member in [
        r#""LastRotatedDate":1727222399,"#.to_owned(),
        r#""NextRotationDate":1727222399,"RotationEnabled":true,"#.to_owned(),
        format!(
            r#""RotationLambdaARN":"{FUNCTION}","RotationRules":{{"AutomaticallyAfterDays":7,"Duration":"2h","ScheduleExpression":"rate(7 days)"}}"#
        ),
    ] {
        assert!(shown.contains(&member), "{shown}");
    }
    let off =
        RotationDescription { enabled: false, rules: None, last_rotated_date: None, next_rotation_date: None, ..full };
    let shown = body(off);
    assert!(shown.contains(&format!(r#""RotationEnabled":false,"RotationLambdaARN":"{FUNCTION}""#)), "{shown}");
    assert!(!shown.contains("Rules") && !shown.contains("Date\":null") && !shown.contains("RotatedDate"), "{shown}");
}
