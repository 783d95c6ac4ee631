//! Parsing of the operations on policies of secrets.

use std::sync::Arc;

use policy::{Kind, Malformed, Policy};
use types::{ApiError, ErrorCode, Namespace, limits};

use super::constraints::{Constraints, Pattern};
use super::listing::{take_max_results, take_next_token};
use super::request::SecretTarget;
use super::secrets::{take_secret_id, target};
use crate::api::{
    DEFAULT_POLICY_NAME, DeleteResourcePolicyInput, GetResourcePolicyInput, ListResourcePoliciesInput,
    PutResourcePolicyInput, ValidateResourcePolicyInput,
};
use crate::authorize::Target;

const POLICY_NAME: Pattern = Pattern {
    shown: r"[0-9A-Za-z\-\_]+",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
};

/// A policy as it was written and as it was read.
#[derive(Debug)]
pub(crate) struct ReadPolicy {
    /// As it came.
    pub(crate) text: Arc<str>,
    /// What it says.
    pub(crate) policy: Policy,
}

/// PutResourcePolicy, parsed.
#[derive(Debug)]
pub(crate) struct PutResourcePolicyRequest {
    pub(crate) secret: SecretTarget,
    /// Whether the policy has the name that it must have.
    pub(crate) is_default: bool,
    /// The policy, or what is wrong with it, which is said after what is wrong with the secret.
    pub(crate) policy: Result<ReadPolicy, ApiError>,
    pub(crate) block_public_policy: bool,
}

/// GetResourcePolicy, parsed.
#[derive(Debug)]
pub(crate) struct GetResourcePolicyRequest {
    pub(crate) secret: SecretTarget,
    /// Whether the policy has the only name that there is.
    pub(crate) is_default: bool,
}

/// DeleteResourcePolicy, parsed.
#[derive(Debug)]
pub(crate) struct DeleteResourcePolicyRequest {
    pub(crate) secret: SecretTarget,
    /// Whether the policy has the name that it must have.
    pub(crate) is_default: bool,
}

/// ValidateResourcePolicy, parsed.
#[derive(Debug)]
pub(crate) struct ValidateResourcePolicyRequest {
    pub(crate) secret: Option<SecretTarget>,
    /// As of PutResourcePolicy.
    pub(crate) policy: Result<ReadPolicy, ApiError>,
}

/// ListResourcePolicies, parsed.
#[derive(Debug)]
pub(crate) struct ListResourcePoliciesRequest {
    pub(crate) secret: SecretTarget,
    /// Whether the request claims to go on where another one ended.
    pub(crate) goes_on: bool,
}

/// Parses PutResourcePolicy.
pub(crate) fn put_resource_policy(
    input: PutResourcePolicyInput,
    namespace: &Namespace,
) -> Result<PutResourcePolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let text = take_policy(&mut constraints, input.resource_policy);
    let is_default = take_policy_name(&mut constraints, input.policy_name.as_deref());
    constraints.finish()?;
    Ok(PutResourcePolicyRequest {
        secret: target(secret_id, namespace)?,
        is_default,
        policy: read(text),
        block_public_policy: input.block_public_policy.unwrap_or(false),
    })
}

/// Parses GetResourcePolicy.
pub(crate) fn get_resource_policy(
    input: GetResourcePolicyInput,
    namespace: &Namespace,
) -> Result<GetResourcePolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let is_default = take_policy_name(&mut constraints, input.policy_name.as_deref());
    constraints.finish()?;
    Ok(GetResourcePolicyRequest { secret: target(secret_id, namespace)?, is_default })
}

/// Parses DeleteResourcePolicy.
pub(crate) fn delete_resource_policy(
    input: DeleteResourcePolicyInput,
    namespace: &Namespace,
) -> Result<DeleteResourcePolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    let is_default = take_policy_name(&mut constraints, input.policy_name.as_deref());
    constraints.finish()?;
    Ok(DeleteResourcePolicyRequest { secret: target(secret_id, namespace)?, is_default })
}

/// Parses ValidateResourcePolicy.
pub(crate) fn validate_resource_policy(
    input: ValidateResourcePolicyInput,
    namespace: &Namespace,
) -> Result<ValidateResourcePolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = constraints.text("secretId", input.secret_id, 1..=limits::SECRET_ID_CHARS);
    let text = take_policy(&mut constraints, input.resource_policy);
    constraints.finish()?;
    let secret = secret_id.map(|secret_id| target(secret_id, namespace)).transpose()?;
    Ok(ValidateResourcePolicyRequest { secret, policy: read(text) })
}

/// Parses ListResourcePolicies.
pub(crate) fn list_resource_policies(
    input: ListResourcePoliciesInput,
    namespace: &Namespace,
) -> Result<ListResourcePoliciesRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    // Any page is long enough for all that there is.
    let _max_results = take_max_results(&mut constraints, input.max_results, limits::PAGE_ENTRIES);
    let next_token = take_next_token(&mut constraints, input.next_token);
    constraints.finish()?;
    Ok(ListResourcePoliciesRequest { secret: target(secret_id, namespace)?, goes_on: next_token.is_some() })
}

fn take_policy(constraints: &mut Constraints, given: Option<String>) -> String {
    constraints.required("resourcePolicy", given, 1..=limits::RESOURCE_POLICY_CHARS)
}

/// Whether the name is the one that there is.
fn take_policy_name(constraints: &mut Constraints, given: Option<&str>) -> bool {
    let Some(name) = given else { return true };
    constraints.text("policyName", given.map(str::to_owned), 1..=limits::POLICY_NAME_CHARS);
    constraints.pattern("policyName", name, &POLICY_NAME);
    name == DEFAULT_POLICY_NAME
}

fn read(text: String) -> Result<ReadPolicy, ApiError> {
    let policy = Policy::parse(&text, Kind::Resource).map_err(|error| malformed(&error))?;
    Ok(ReadPolicy { text: text.into(), policy })
}

/// What is wrong, and where, behind AWS's own words: programs look for those about a principal.
fn malformed(error: &Malformed) -> ApiError {
    let message = match error.is_principal {
        true => format!("This resource policy contains an {error}."),
        false => format!("This policy has invalid syntax. What is wrong: {error}."),
    };
    ApiError::new(ErrorCode::MalformedPolicyDocument, message)
}

macro_rules! target_is_its_secret {
    ($($request:ty),+) => {
        $(impl Target for $request {
            fn resource(&self) -> Option<&str> {
                Some(&self.secret.given)
            }
        })+
    };
}

target_is_its_secret!(
    PutResourcePolicyRequest,
    GetResourcePolicyRequest,
    DeleteResourcePolicyRequest,
    ListResourcePoliciesRequest
);

impl Target for ValidateResourcePolicyRequest {
    fn resource(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.given.as_str())
    }
}
