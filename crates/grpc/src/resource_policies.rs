//! The operations on policies of secrets.

use proto::secrets::v1 as pb;
use service::Answer;
use service::api::{
    DEFAULT_POLICY_NAME, DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput,
    ListResourcePoliciesInput, ListResourcePoliciesOutput, PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput,
    ValidateResourcePolicyInput, ValidateResourcePolicyOutput,
};
use types::ApiError;

use crate::decode::{Decode, text};
use crate::encode::Encode;

impl Decode for pb::PutResourcePolicyRequest {
    type Input = PutResourcePolicyInput;

    fn decode(mut self) -> PutResourcePolicyInput {
        PutResourcePolicyInput {
            secret_id: text(&mut self.secret_id),
            resource_policy: text(&mut self.resource_policy),
            policy_name: self.policy_name,
            block_public_policy: Some(self.block_public_policy),
        }
    }
}

impl Decode for pb::GetResourcePolicyRequest {
    type Input = GetResourcePolicyInput;

    fn decode(mut self) -> GetResourcePolicyInput {
        GetResourcePolicyInput { secret_id: text(&mut self.secret_id), policy_name: self.policy_name }
    }
}

impl Decode for pb::DeleteResourcePolicyRequest {
    type Input = DeleteResourcePolicyInput;

    fn decode(mut self) -> DeleteResourcePolicyInput {
        DeleteResourcePolicyInput { secret_id: text(&mut self.secret_id), policy_name: self.policy_name }
    }
}

impl Decode for pb::ValidateResourcePolicyRequest {
    type Input = ValidateResourcePolicyInput;

    fn decode(mut self) -> ValidateResourcePolicyInput {
        ValidateResourcePolicyInput { secret_id: self.secret_id, resource_policy: text(&mut self.resource_policy) }
    }
}

impl Decode for pb::ListResourcePoliciesRequest {
    type Input = ListResourcePoliciesInput;

    fn decode(mut self) -> ListResourcePoliciesInput {
        ListResourcePoliciesInput {
            secret_id: text(&mut self.secret_id),
            max_results: self.max_results.map(i64::from),
            next_token: self.next_token,
        }
    }
}

impl Encode<ResourcePolicyOutput> for pb::PutResourcePolicyResponse {
    fn encode(answer: Answer<ResourcePolicyOutput>) -> Result<Self, ApiError> {
        let Answer { output: ResourcePolicyOutput { arn, name }, applied_index, .. } = answer;
        let (arn, name) = (arn.as_str().to_owned(), name.as_str().to_owned());
        Ok(Self { arn, name, policy_name: DEFAULT_POLICY_NAME.to_owned(), applied_index })
    }
}

impl Encode<GetResourcePolicyOutput> for pb::GetResourcePolicyResponse {
    fn encode(answer: Answer<GetResourcePolicyOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self {
            arn: output.arn.as_str().to_owned(),
            name: output.name.as_str().to_owned(),
            resource_policy: output.resource_policy.as_deref().map(str::to_owned),
            policy_name: DEFAULT_POLICY_NAME.to_owned(),
            applied_index,
        })
    }
}

impl Encode<ResourcePolicyOutput> for pb::DeleteResourcePolicyResponse {
    fn encode(answer: Answer<ResourcePolicyOutput>) -> Result<Self, ApiError> {
        let Answer { output: ResourcePolicyOutput { arn, name }, applied_index, .. } = answer;
        let (arn, name) = (arn.as_str().to_owned(), name.as_str().to_owned());
        Ok(Self { arn, name, policy_name: DEFAULT_POLICY_NAME.to_owned(), applied_index })
    }
}

impl Encode<ValidateResourcePolicyOutput> for pb::ValidateResourcePolicyResponse {
    fn encode(answer: Answer<ValidateResourcePolicyOutput>) -> Result<Self, ApiError> {
        let Answer { output: ValidateResourcePolicyOutput { validation_errors }, applied_index, .. } = answer;
        Ok(Self {
            policy_validation_passed: validation_errors.is_empty(),
            validation_errors: validation_errors.iter().map(finding).collect(),
            applied_index,
        })
    }
}

impl Encode<ListResourcePoliciesOutput> for pb::ListResourcePoliciesResponse {
    fn encode(answer: Answer<ListResourcePoliciesOutput>) -> Result<Self, ApiError> {
        let Answer { output: ListResourcePoliciesOutput { policy_names }, applied_index, .. } = answer;
        let summary = |name: &str| pb::ResourcePolicySummary { policy_name: name.to_owned() };
        Ok(Self { resource_policies: policy_names.into_iter().map(summary).collect(), next_token: None, applied_index })
    }
}

fn finding(finding: &PolicyFinding) -> pb::ValidationError {
    pb::ValidationError { check_name: finding.check_name.to_owned(), error_message: finding.error_message.to_owned() }
}
