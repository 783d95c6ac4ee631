//! Policies of secrets.

use std::sync::Arc;

use types::{SecretArn, SecretName};

/// The one policy that a secret can have.
pub const DEFAULT_POLICY_NAME: &str = "default";

/// PutResourcePolicy as it came.
#[derive(Debug, Default)]
pub struct PutResourcePolicyInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required: a policy of the IAM language, in JSON.
    pub resource_policy: Option<String>,
    /// `default`, which is also meant when it is absent.
    pub policy_name: Option<String>,
    /// Whether a policy that opens the secret to everybody is refused.
    pub block_public_policy: Option<bool>,
}

/// The answer of PutResourcePolicy and of DeleteResourcePolicy.
#[derive(Clone, Debug)]
pub struct ResourcePolicyOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
}

/// GetResourcePolicy as it came.
#[derive(Debug, Default)]
pub struct GetResourcePolicyInput {
    /// Required.
    pub secret_id: Option<String>,
    /// As of PutResourcePolicy.
    pub policy_name: Option<String>,
}

/// GetResourcePolicy's answer.
#[derive(Clone, Debug)]
pub struct GetResourcePolicyOutput {
    /// The secret's ARN.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The policy, byte for byte as it was given; absent when there is none.
    pub resource_policy: Option<Arc<str>>,
}

/// DeleteResourcePolicy as it came.
#[derive(Debug, Default)]
pub struct DeleteResourcePolicyInput {
    /// Required.
    pub secret_id: Option<String>,
    /// As of PutResourcePolicy.
    pub policy_name: Option<String>,
}

/// ValidateResourcePolicy as it came.
#[derive(Debug, Default)]
pub struct ValidateResourcePolicyInput {
    /// The secret that the policy is meant for.
    pub secret_id: Option<String>,
    /// Required.
    pub resource_policy: Option<String>,
}

/// ValidateResourcePolicy's answer: it passes if nothing was found.
#[derive(Clone, Debug)]
pub struct ValidateResourcePolicyOutput {
    /// What the policy does that it should not.
    pub validation_errors: Vec<PolicyFinding>,
}

/// Something that a policy does and should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFinding {
    /// Which check found it.
    pub check_name: &'static str,
    /// What it found.
    pub error_message: &'static str,
}

/// ListResourcePolicies as it came.
#[derive(Debug, Default)]
pub struct ListResourcePoliciesInput {
    /// Required.
    pub secret_id: Option<String>,
    /// 1 to 100.
    pub max_results: Option<i64>,
    /// From the page before.
    pub next_token: Option<String>,
}

/// ListResourcePolicies' answer. All policies of a secret are on its first page.
#[derive(Clone, Debug)]
pub struct ListResourcePoliciesOutput {
    /// Names.
    pub policy_names: Vec<&'static str>,
}
