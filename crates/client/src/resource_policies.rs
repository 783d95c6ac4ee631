//! The operations on policies of secrets.

use proto::secrets::v1 as pb;

use crate::client::Client;
use crate::error::Error;
use crate::failover::Repeat;
use crate::secrets::{ChangedSecret, secrets};

/// A policy for a secret, in the place of the one that it has.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PutResourcePolicy(pb::PutResourcePolicyRequest);

impl PutResourcePolicy {
    /// Names the secret and gives the policy, in JSON.
    pub fn new(secret_id: impl Into<String>, resource_policy: impl Into<String>) -> Self {
        let (secret_id, resource_policy) = (secret_id.into(), resource_policy.into());
        Self(pb::PutResourcePolicyRequest { secret_id, resource_policy, ..Default::default() })
    }

    /// A policy that opens the secret to everybody is refused.
    pub const fn block_public_policy(mut self) -> Self {
        self.0.block_public_policy = true;
        self
    }
}

/// A secret's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourcePolicy {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The policy byte for byte as it was given; `None` if the secret has none.
    pub resource_policy: Option<String>,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

/// What a policy does and should not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyFinding {
    /// Which check found it.
    pub check_name: String,
    /// What it found.
    pub error_message: String,
}

impl Client {
    /// Gives a secret a policy.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn put_resource_policy(&self, request: PutResourcePolicy) -> Result<ChangedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).put_resource_policy(request).await };
        let answer: pb::PutResourcePolicyResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), request.0, send).await?;
        let pb::PutResourcePolicyResponse { arn, name, policy_name: _, applied_index } = answer;
        Ok(ChangedSecret { arn, name, applied_index })
    }

    /// Shows the policy of a secret, by name or ARN.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_resource_policy(&self, secret_id: impl Into<String>) -> Result<ResourcePolicy, Error> {
        let message = pb::GetResourcePolicyRequest { secret_id: secret_id.into(), policy_name: None };
        let send = |channel, request| async move { secrets(channel).get_resource_policy(request).await };
        let answer: pb::GetResourcePolicyResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), message, send).await?;
        let pb::GetResourcePolicyResponse { arn, name, resource_policy, policy_name: _, applied_index } = answer;
        Ok(ResourcePolicy { arn, name, resource_policy, applied_index })
    }

    /// Takes the policy of a secret, by name or ARN, away; a secret without one stays as it is.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn delete_resource_policy(&self, secret_id: impl Into<String>) -> Result<ChangedSecret, Error> {
        let message = pb::DeleteResourcePolicyRequest { secret_id: secret_id.into(), policy_name: None };
        let send = |channel, request| async move { secrets(channel).delete_resource_policy(request).await };
        let answer: pb::DeleteResourcePolicyResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        let pb::DeleteResourcePolicyResponse { arn, name, policy_name: _, applied_index } = answer;
        Ok(ChangedSecret { arn, name, applied_index })
    }

    /// Says what a policy, for a certain secret or any, does and should not. It passes if there is nothing.
    ///
    /// # Errors
    /// [`Error`], also for a text that is no policy.
    pub async fn validate_resource_policy(
        &self,
        secret_id: Option<String>,
        resource_policy: impl Into<String>,
    ) -> Result<Vec<PolicyFinding>, Error> {
        let message = pb::ValidateResourcePolicyRequest { secret_id, resource_policy: resource_policy.into() };
        let send = |channel, request| async move { secrets(channel).validate_resource_policy(request).await };
        let answer: pb::ValidateResourcePolicyResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), message, send).await?;
        let finding = |pb::ValidationError { check_name, error_message }| PolicyFinding { check_name, error_message };
        Ok(answer.validation_errors.into_iter().map(finding).collect())
    }

    /// Lists the names of a secret's policies: `default`, if it has one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_resource_policies(&self, secret_id: impl Into<String>) -> Result<Vec<String>, Error> {
        let message = pb::ListResourcePoliciesRequest { secret_id: secret_id.into(), ..Default::default() };
        let send = |channel, request| async move { secrets(channel).list_resource_policies(request).await };
        let answer: pb::ListResourcePoliciesResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), message, send).await?;
        Ok(answer.resource_policies.into_iter().map(|policy| policy.policy_name).collect())
    }
}
