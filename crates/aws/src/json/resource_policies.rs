//! The operations on policies of secrets.

use bytes::Bytes;
use serde::Serialize;
use service::api::{
    DEFAULT_POLICY_NAME, DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput,
    ListResourcePoliciesInput, ListResourcePoliciesOutput, PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput,
    ValidateResourcePolicyInput, ValidateResourcePolicyOutput,
};
use types::ApiError;

use super::answer::{Body, encode};
use super::shape::{Flag, Text, Whole, object};

object! {
    PutResourcePolicyInput {
        "SecretId": Text => secret_id,
        "ResourcePolicy": Text => resource_policy,
        "PolicyName": Text => policy_name,
        "BlockPublicPolicy": Flag => block_public_policy,
    }
}

object! {
    GetResourcePolicyInput {
        "SecretId": Text => secret_id,
        "PolicyName": Text => policy_name,
    }
}

object! {
    DeleteResourcePolicyInput {
        "SecretId": Text => secret_id,
        "PolicyName": Text => policy_name,
    }
}

object! {
    ValidateResourcePolicyInput {
        "SecretId": Text => secret_id,
        "ResourcePolicy": Text => resource_policy,
    }
}

object! {
    ListResourcePoliciesInput {
        "SecretId": Text => secret_id,
        "MaxResults": Whole => max_results,
        "NextToken": Text => next_token,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy: Option<&'a str>,
    policy_name: &'static str,
}

impl Body for ResourcePolicyOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&PolicyJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            resource_policy: None,
            policy_name: DEFAULT_POLICY_NAME,
        })
    }
}

impl Body for GetResourcePolicyOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&PolicyJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            resource_policy: self.resource_policy.as_deref(),
            policy_name: DEFAULT_POLICY_NAME,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FindingJson {
    check_name: &'static str,
    error_message: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ValidateResourcePolicyJson {
    policy_validation_passed: bool,
    validation_errors: Vec<FindingJson>,
}

impl Body for ValidateResourcePolicyOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let finding =
            |&PolicyFinding { check_name, error_message }: &PolicyFinding| FindingJson { check_name, error_message };
        encode(&ValidateResourcePolicyJson {
            policy_validation_passed: self.validation_errors.is_empty(),
            validation_errors: self.validation_errors.iter().map(finding).collect(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyNameJson {
    policy_name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListResourcePoliciesJson {
    resource_policies: Vec<PolicyNameJson>,
}

impl Body for ListResourcePoliciesOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let policies = self.policy_names.iter().map(|&policy_name| PolicyNameJson { policy_name });
        encode(&ListResourcePoliciesJson { resource_policies: policies.collect() })
    }
}

#[cfg(test)]
mod tests {
    use types::{SecretArn, SecretName};

    use super::super::decode;
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3";

    fn text(body: Result<Bytes, ApiError>) -> String {
        String::from_utf8(body.unwrap().to_vec()).unwrap().replace(ARN, "<arn>")
    }

    #[test]
    fn answers_about_policies_are_written_as_aws_writes_them() {
        let (arn, name) = (SecretArn::from_stored(ARN), SecretName::parse("prod/db").unwrap());
        let put = ResourcePolicyOutput { arn: arn.clone(), name: name.clone() };
        assert_eq!(text(put.body()), r#"{"ARN":"<arn>","Name":"prod/db","PolicyName":"default"}"#);

        let none = GetResourcePolicyOutput { arn, name, resource_policy: None };
        assert_eq!(text(none.body()), r#"{"ARN":"<arn>","Name":"prod/db","PolicyName":"default"}"#);
        let some = GetResourcePolicyOutput { resource_policy: Some(r#"{ "Id":"ä" }"#.into()), ..none };
        assert_eq!(
            text(some.body()),
            r#"{"ARN":"<arn>","Name":"prod/db","ResourcePolicy":"{ \"Id\":\"ä\" }","PolicyName":"default"}"#
        );

        let good = ValidateResourcePolicyOutput { validation_errors: Vec::new() };
        assert_eq!(text(good.body()), r#"{"PolicyValidationPassed":true,"ValidationErrors":[]}"#);
        let finding = PolicyFinding { check_name: "A", error_message: "b" };
        let bad = ValidateResourcePolicyOutput { validation_errors: vec![finding] };
        assert_eq!(
            text(bad.body()),
            r#"{"PolicyValidationPassed":false,"ValidationErrors":[{"CheckName":"A","ErrorMessage":"b"}]}"#
        );

        let listed = |policy_names| text(ListResourcePoliciesOutput { policy_names }.body());
        assert_eq!(listed(Vec::new()), r#"{"ResourcePolicies":[]}"#);
        assert_eq!(listed(vec!["default"]), r#"{"ResourcePolicies":[{"PolicyName":"default"}]}"#);
    }

    #[test]
    fn requests_about_policies_are_read_member_by_member() {
        let body = br#"{"SecretId":"s","ResourcePolicy":"{}","PolicyName":"default","BlockPublicPolicy":true}"#;
        let put = decode::<PutResourcePolicyInput>(body).unwrap();
        assert_eq!((put.secret_id.as_deref(), put.resource_policy.as_deref()), (Some("s"), Some("{}")));
        assert_eq!((put.policy_name.as_deref(), put.block_public_policy), (Some("default"), Some(true)));
        let get = decode::<GetResourcePolicyInput>(br#"{"SecretId":"s","PolicyName":"p"}"#).unwrap();
        assert_eq!((get.secret_id.as_deref(), get.policy_name.as_deref()), (Some("s"), Some("p")));
        let delete = decode::<DeleteResourcePolicyInput>(br#"{"SecretId":"s","PolicyName":null}"#).unwrap();
        assert_eq!((delete.secret_id.as_deref(), delete.policy_name), (Some("s"), None));
        let validate = decode::<ValidateResourcePolicyInput>(br#"{"SecretId":"s","ResourcePolicy":"{}"}"#).unwrap();
        assert_eq!((validate.secret_id.as_deref(), validate.resource_policy.as_deref()), (Some("s"), Some("{}")));
        let list = decode::<ListResourcePoliciesInput>(br#"{"SecretId":"s","MaxResults":5.0,"NextToken":"t"}"#);
        let list = list.unwrap();
        assert_eq!(
            (list.secret_id.as_deref(), list.max_results, list.next_token.as_deref()),
            (Some("s"), Some(5), Some("t"))
        );
        // A policy is a text that holds JSON, not JSON.
        assert!(decode::<PutResourcePolicyInput>(br#"{"ResourcePolicy":{"Statement":[]}}"#).is_err());
    }
}
