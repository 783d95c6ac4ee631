//! Policies of keys. A policy is kept and given back as its text.

use state::KeyChange;
use types::{AccountId, ApiError, ErrorCode, Namespace};

use super::{arn_of, change, find, lockout, refusal_of};
use crate::api::keys::{GetKeyPolicyInput, GetKeyPolicyOutput, PutKeyPolicyInput};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::keys::{self as shape, GetKeyPolicyRequest, PutKeyPolicyRequest};

/// The name of every policy of a key.
pub(super) const DEFAULT_NAME: &str = "default";

/// Gives a key another policy.
pub(crate) struct PutKeyPolicy;

impl UseCase for PutKeyPolicy {
    type Input = PutKeyPolicyInput;
    type Request = PutKeyPolicyRequest;
    type Output = ();
    const ACTION: Action = Action::PutKeyPolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::put_key_policy(input, namespace)
    }
}

impl Write for PutKeyPolicy {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = find(&request.key, view)?;
        let read = request.policy.as_ref().map_err(ApiError::clone)?;
        if !request.bypass_lockout_check {
            lockout::must_not_lock_out(&read.policy, &arn_of(key.id, &view.namespace), &view.principal)?;
        }
        Ok(change(key, KeyChange::Policy(read.text.clone())))
    }

    fn output(applied: state::Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        matches!(applied, state::Applied::KeyChanged { .. }).then_some(())
    }

    fn refused_by_key(refusal: state::KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

/// Shows the policy of a key.
pub(crate) struct GetKeyPolicy;

impl UseCase for GetKeyPolicy {
    type Input = GetKeyPolicyInput;
    type Request = GetKeyPolicyRequest;
    type Output = GetKeyPolicyOutput;
    const ACTION: Action = Action::GetKeyPolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::get_key_policy(input, namespace)
    }
}

impl Read for GetKeyPolicy {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        if !request.is_default {
            return Err(ApiError::new(ErrorCode::NotFound, "No such policy exists"));
        }
        let policy = match &key.policy {
            Some(policy) => policy.as_ref().to_owned(),
            None => policy_of_the_service(&view.namespace),
        };
        Ok(GetKeyPolicyOutput { policy, policy_name: DEFAULT_NAME })
    }
}

/// The policy of a key that is made without one: the account decides, by what it allows its principals.
pub(super) fn default_policy(account: AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// What holds for a key of the service, in the words of the policy that AWS gives such a key.
fn policy_of_the_service(namespace: &Namespace) -> String {
    let Namespace { account, region } = namespace;
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-secretsmanager-2",
  "Statement" : [ {{
    "Sid" : "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey*" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "secretsmanager.{region}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}

#[cfg(test)]
mod tests {
    use policy::{Kind, Policy};
    use types::Region;

    use super::*;

    #[test]
    fn policies_that_nobody_wrote_are_of_the_grammar() {
        let namespace =
            Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() };
        for text in [default_policy(namespace.account), policy_of_the_service(&namespace)] {
            assert!(Policy::parse(&text, Kind::Resource).is_ok(), "{text}");
        }
    }
}
