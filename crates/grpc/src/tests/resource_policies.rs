//! The operations on policies of secrets, over this front.

use service::api::{
    DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput, ListResourcePoliciesInput,
    ListResourcePoliciesOutput, PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput,
    ValidateResourcePolicyInput, ValidateResourcePolicyOutput,
};

use super::*;

const POLICY: &str = "{ \"Statement\": [] }";

/// What the fake answers to these; `None` to others.
pub(super) fn output(input: &dyn Any) -> Option<Box<dyn Any>> {
    Some(if input.is::<PutResourcePolicyInput>() || input.is::<DeleteResourcePolicyInput>() {
        Box::new(ResourcePolicyOutput { arn: arn(), name: name() })
    } else if let Some(input) = input.downcast_ref::<GetResourcePolicyInput>() {
        let resource_policy = (input.secret_id.as_deref() != Some("bare")).then(|| POLICY.into());
        Box::new(GetResourcePolicyOutput { arn: arn(), name: name(), resource_policy })
    } else if let Some(input) = input.downcast_ref::<ValidateResourcePolicyInput>() {
        let finding = PolicyFinding { check_name: "CHECK", error_message: "It is broad." };
        Box::new(ValidateResourcePolicyOutput {
            validation_errors: input.secret_id.iter().map(|_| finding.clone()).collect(),
        })
    } else if input.is::<ListResourcePoliciesInput>() {
        Box::new(ListResourcePoliciesOutput { policy_names: vec!["default"] })
    } else {
        return None;
    })
}

/// The input that the service was asked with, printed.
fn input(fake: &Fake) -> String {
    fake.only_call().input
}

#[tokio::test]
async fn every_member_of_an_operation_on_policies_arrives_and_comes_back() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    let (id, policy) = ("prod/db".to_owned(), POLICY.to_owned());

    let request = pb::PutResourcePolicyRequest {
        secret_id: id.clone(),
        resource_policy: policy.clone(),
        policy_name: Some("default".to_owned()),
        block_public_policy: true,
    };
    let put = client.put_resource_policy(request).await.unwrap().into_inner();
    assert_eq!(
        input(&fake),
        format!(
            "PutResourcePolicyInput {{ secret_id: Some(\"prod/db\"), resource_policy: Some({POLICY:?}), policy_name: \
             Some(\"default\"), block_public_policy: Some(true) }}"
        )
    );
    assert_eq!((put.arn.as_str(), put.name.as_str()), (arn().as_str(), "prod/db"));
    assert_eq!((put.policy_name.as_str(), put.applied_index), ("default", INDEX));

    let request = pb::GetResourcePolicyRequest { secret_id: id.clone(), policy_name: None };
    let got = client.get_resource_policy(request).await.unwrap().into_inner();
    assert_eq!(input(&fake), "GetResourcePolicyInput { secret_id: Some(\"prod/db\"), policy_name: None }");
    assert_eq!((got.resource_policy.as_deref(), got.policy_name.as_str()), (Some(POLICY), "default"));
    assert_eq!((got.arn, got.name, got.applied_index), (put.arn, put.name, INDEX));
    let request = pb::GetResourcePolicyRequest { secret_id: "bare".to_owned(), policy_name: Some(String::new()) };
    assert_eq!(client.get_resource_policy(request).await.unwrap().into_inner().resource_policy, None);
    assert_eq!(input(&fake), "GetResourcePolicyInput { secret_id: Some(\"bare\"), policy_name: Some(\"\") }");

    let request = pb::DeleteResourcePolicyRequest { secret_id: id.clone(), policy_name: Some("p".to_owned()) };
    let deleted = client.delete_resource_policy(request).await.unwrap().into_inner();
    assert_eq!(input(&fake), "DeleteResourcePolicyInput { secret_id: Some(\"prod/db\"), policy_name: Some(\"p\") }");
    assert_eq!((deleted.policy_name.as_str(), deleted.applied_index), ("default", INDEX));

    let request = pb::ValidateResourcePolicyRequest { secret_id: Some(id.clone()), resource_policy: policy.clone() };
    let found = client.validate_resource_policy(request).await.unwrap().into_inner();
    assert_eq!(
        input(&fake),
        format!("ValidateResourcePolicyInput {{ secret_id: Some(\"prod/db\"), resource_policy: Some({POLICY:?}) }}")
    );
    assert!(!found.policy_validation_passed);
    assert_eq!((found.validation_errors[0].check_name.as_str(), found.applied_index), ("CHECK", INDEX));
    assert_eq!(found.validation_errors[0].error_message, "It is broad.");
    let request = pb::ValidateResourcePolicyRequest { secret_id: None, resource_policy: policy };
    let passed = client.validate_resource_policy(request).await.unwrap().into_inner();
    assert!(passed.policy_validation_passed && passed.validation_errors.is_empty());
    assert!(input(&fake).contains("secret_id: None"));

    let request =
        pb::ListResourcePoliciesRequest { secret_id: id, max_results: Some(5), next_token: Some("t".to_owned()) };
    let listed = client.list_resource_policies(request).await.unwrap().into_inner();
    assert_eq!(
        input(&fake),
        "ListResourcePoliciesInput { secret_id: Some(\"prod/db\"), max_results: Some(5), next_token: Some(\"t\") }"
    );
    let names: Vec<_> = listed.resource_policies.iter().map(|policy| policy.policy_name.as_str()).collect();
    assert_eq!((names, listed.next_token, listed.applied_index), (vec!["default"], None, INDEX));
}

#[tokio::test]
async fn refusals_of_policies_have_their_codes() {
    for code in [ErrorCode::MalformedPolicyDocument, ErrorCode::PublicPolicy] {
        let fake = Fake::refusing(ApiError::new(code, "It is bad."));
        let status = secrets(&fake).put_resource_policy(pb::PutResourcePolicyRequest::default()).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "It is bad."));
        assert_eq!(wire_error(&status).code, Some(code));
    }
}
