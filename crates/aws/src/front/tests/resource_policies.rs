//! The operations on policies of secrets, over this front.

use service::api::{
    GetResourcePolicyOutput, ListResourcePoliciesOutput, PolicyFinding, ResourcePolicyOutput,
    ValidateResourcePolicyOutput,
};

use super::*;

const POLICY: &str = "{ \"Statement\": [] }";

/// What the script answers to these; `None` to others.
pub(super) fn scripted(input: &dyn Any) -> Option<Box<dyn Any>> {
    let named = |text: &Option<String>| assert_eq!(text.as_deref(), Some("prod/db"));
    let policy = |text: &Option<String>| assert_eq!(text.as_deref(), Some(POLICY));
    Some(if let Some(input) = input.downcast_ref::<PutResourcePolicyInput>() {
        named(&input.secret_id);
        policy(&input.resource_policy);
        assert_eq!((input.policy_name.as_deref(), input.block_public_policy), (Some("default"), Some(true)));
        Box::new(ResourcePolicyOutput { arn: arn(), name: name() })
    } else if let Some(input) = input.downcast_ref::<GetResourcePolicyInput>() {
        named(&input.secret_id);
        Box::new(GetResourcePolicyOutput { arn: arn(), name: name(), resource_policy: Some(POLICY.into()) })
    } else if let Some(input) = input.downcast_ref::<DeleteResourcePolicyInput>() {
        named(&input.secret_id);
        Box::new(ResourcePolicyOutput { arn: arn(), name: name() })
    } else if let Some(input) = input.downcast_ref::<ValidateResourcePolicyInput>() {
        named(&input.secret_id);
        policy(&input.resource_policy);
        let finding = PolicyFinding { check_name: "CHECK", error_message: "It is broad." };
        Box::new(ValidateResourcePolicyOutput { validation_errors: vec![finding] })
    } else if let Some(input) = input.downcast_ref::<ListResourcePoliciesInput>() {
        named(&input.secret_id);
        Box::new(ListResourcePoliciesOutput { policy_names: vec!["default"] })
    } else {
        return None;
    })
}

#[tokio::test]
async fn every_operation_on_policies_is_answered() {
    let changed = format!(r#"{{"ARN":"{ARN}","Name":"prod/db","PolicyName":"default"}}"#);
    let cases = [
        (
            "PutResourcePolicy",
            r#"{"SecretId":"prod/db","ResourcePolicy":"{ \"Statement\": [] }","PolicyName":"default","BlockPublicPolicy":true}"#,
            changed.clone(),
        ),
        (
            "GetResourcePolicy",
            r#"{"SecretId":"prod/db"}"#,
            format!(
                r#"{{"ARN":"{ARN}","Name":"prod/db","ResourcePolicy":"{{ \"Statement\": [] }}","PolicyName":"default"}}"#
            ),
        ),
        ("DeleteResourcePolicy", r#"{"SecretId":"prod/db"}"#, changed),
        (
            "ValidateResourcePolicy",
            r#"{"SecretId":"prod/db","ResourcePolicy":"{ \"Statement\": [] }"}"#,
            r#"{"PolicyValidationPassed":false,"ValidationErrors":[{"CheckName":"CHECK","ErrorMessage":"It is broad."}]}"#
                .to_owned(),
        ),
        (
            "ListResourcePolicies",
            r#"{"SecretId":"prod/db"}"#,
            r#"{"ResourcePolicies":[{"PolicyName":"default"}]}"#.to_owned(),
        ),
    ];
    for (name, body, answer) in cases {
        let got = send(Script::new(), signed(&operation(name, body))).await;
        assert_eq!((got.status, got.body), (StatusCode::OK, answer), "{name}");
    }
}

#[tokio::test]
async fn refusals_of_policies_are_written_to_the_byte_as_aws_writes_them() {
    let put = || {
        signed(&operation(
            "PutResourcePolicy",
            r#"{"SecretId":"prod/db","ResourcePolicy":"{ \"Statement\": [] }","PolicyName":"default","BlockPublicPolicy":true}"#,
        ))
    };
    for (code, name) in [
        (ErrorCode::MalformedPolicyDocument, "MalformedPolicyDocumentException"),
        (ErrorCode::PublicPolicy, "PublicPolicyException"),
    ] {
        let got = send(Script::failing(ApiError::new(code, "It is bad.")), put()).await;
        assert_eq!(got.error(), (name, "It is bad.".to_owned()));
        assert_eq!(got.body, format!(r#"{{"__type":"{name}","Message":"It is bad."}}"#));
    }
}
