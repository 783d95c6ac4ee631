//! The operations on policies of secrets.
//!
//! A policy is kept and given back as its text. What it says is read here, to refuse what nobody could enforce.

use policy::Policy;
use state::{Applied, Command};
use types::{ApiError, ErrorCode, Namespace, Principal};

use crate::api::{
    DEFAULT_POLICY_NAME, DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput,
    ListResourcePoliciesInput, ListResourcePoliciesOutput, PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput,
    ValidateResourcePolicyInput, ValidateResourcePolicyOutput,
};
use crate::authorize::{Action, Authorized, authorize};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::{
    self, DeleteResourcePolicyRequest, GetResourcePolicyRequest, ListResourcePoliciesRequest, PutResourcePolicyRequest,
    ValidateResourcePolicyRequest,
};

const ONE_POLICY: &str = "A secret has one policy, whose name is default. The PolicyName must be default.";
const NO_SUCH_POLICY: &str = "Secrets Manager can't find the specified resource policy.";
const NO_SUCH_PAGE: &str = "The NextToken value is not valid for this request.";
/// AWS's model of the error says so.
const PUBLIC: &str = "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret.";
const LOCKS_OUT: &str = "The resource policy would lock you out: you could not change it again.";
const BROAD_ACCESS: PolicyFinding = PolicyFinding {
    check_name: "BROAD_ACCESS",
    error_message: "The resource policy grants broad access to the secret: a statement allows everybody something, \
                    and no condition narrows who that is.",
};
const LOCK_OUT: PolicyFinding = PolicyFinding { check_name: "LOCK_OUT", error_message: LOCKS_OUT };

/// Gives a secret a policy, in the place of the one that it has.
pub(crate) struct PutResourcePolicy;

impl UseCase for PutResourcePolicy {
    type Input = PutResourcePolicyInput;
    type Request = PutResourcePolicyRequest;
    type Output = ResourcePolicyOutput;
    const ACTION: Action = Action::PutResourcePolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::put_resource_policy(input, namespace)
    }
}

impl Write for PutResourcePolicy {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        must_be_default(request.is_default)?;
        let read = request.policy.as_ref().map_err(ApiError::clone)?;
        if request.block_public_policy && read.policy.grants_public_access() {
            return Err(ApiError::new(ErrorCode::PublicPolicy, PUBLIC));
        }
        if locks_out(&read.policy, &view.principal) {
            return Err(ApiError::new(ErrorCode::InvalidParameter, LOCKS_OUT));
        }
        let policy = read.text.clone();
        Ok(Plan::Propose(Command::PutResourcePolicy(state::PutResourcePolicy { target, policy })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// Shows the policy of a secret.
///
/// It is never relaxed: what decides who may do what is that of now.
pub(crate) struct GetResourcePolicy;

impl UseCase for GetResourcePolicy {
    type Input = GetResourcePolicyInput;
    type Request = GetResourcePolicyRequest;
    type Output = GetResourcePolicyOutput;
    const ACTION: Action = Action::GetResourcePolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::get_resource_policy(input, namespace)
    }
}

impl Read for GetResourcePolicy {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        if !request.is_default {
            return Err(ApiError::new(ErrorCode::ResourceNotFound, NO_SUCH_POLICY));
        }
        Ok(GetResourcePolicyOutput {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            resource_policy: view.state().resource_policy(secret).cloned(),
        })
    }
}

/// Takes the policy of a secret away. A secret without one stays as it is.
pub(crate) struct DeleteResourcePolicy;

impl UseCase for DeleteResourcePolicy {
    type Input = DeleteResourcePolicyInput;
    type Request = DeleteResourcePolicyRequest;
    type Output = ResourcePolicyOutput;
    const ACTION: Action = Action::DeleteResourcePolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::delete_resource_policy(input, namespace)
    }
}

impl Write for DeleteResourcePolicy {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        must_be_default(request.is_default)?;
        Ok(Plan::Propose(Command::DeleteResourcePolicy(state::DeleteResourcePolicy { target })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// Says of a policy what PutResourcePolicy would refuse, and changes nothing.
pub(crate) struct ValidateResourcePolicy;

impl UseCase for ValidateResourcePolicy {
    type Input = ValidateResourcePolicyInput;
    type Request = ValidateResourcePolicyRequest;
    type Output = ValidateResourcePolicyOutput;
    const ACTION: Action = Action::ValidateResourcePolicy;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::validate_resource_policy(input, namespace)
    }
}

impl Read for ValidateResourcePolicy {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        // AWS asks for both permissions.
        authorize(&view.principal, Action::PutResourcePolicy, &*request, &mut None)?;
        if let Some(secret) = &request.secret {
            view.live_secret(secret)?;
        }
        let policy = &request.policy.as_ref().map_err(ApiError::clone)?.policy;
        let findings = [
            policy.grants_public_access().then_some(BROAD_ACCESS),
            locks_out(policy, &view.principal).then_some(LOCK_OUT),
        ];
        Ok(ValidateResourcePolicyOutput { validation_errors: findings.into_iter().flatten().collect() })
    }
}

/// Lists the names of a secret's policies.
pub(crate) struct ListResourcePolicies;

impl UseCase for ListResourcePolicies {
    type Input = ListResourcePoliciesInput;
    type Request = ListResourcePoliciesRequest;
    type Output = ListResourcePoliciesOutput;
    const ACTION: Action = Action::ListResourcePolicies;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_resource_policies(input, namespace)
    }
}

impl Read for ListResourcePolicies {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let secret = view.live_primary(&request.secret)?;
        if request.goes_on {
            // No listing is longer than a page, so nobody was ever given a token.
            return Err(ApiError::new(ErrorCode::InvalidNextToken, NO_SUCH_PAGE));
        }
        let policy = view.state().resource_policy(secret);
        Ok(ListResourcePoliciesOutput { policy_names: policy.map(|_| DEFAULT_POLICY_NAME).into_iter().collect() })
    }
}

fn must_be_default(is_default: bool) -> Result<(), ApiError> {
    if is_default { Ok(()) } else { Err(ApiError::new(ErrorCode::InvalidParameter, ONE_POLICY)) }
}

/// Whether `principal` could not change the policy again once it is in force.
///
/// The root of an account never loses what is its own: no policy limits it, whatever it denies.
const fn locks_out(_: &Policy, principal: &Principal) -> bool {
    match principal {
        Principal::Root(_) => false,
        // It has no permissions, so it does not come here.
        Principal::System => true,
    }
}

fn output(applied: Applied) -> Option<ResourcePolicyOutput> {
    super::secret_output(applied).map(|secret| ResourcePolicyOutput { arn: secret.arn, name: secret.name })
}
