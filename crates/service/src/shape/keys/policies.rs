//! Key policies.

use std::sync::Arc;

use policy::{Kind, Malformed, Policy};
use types::{ApiError, ErrorCode, Namespace, limits};

use super::{Forms, KeyTarget, Page, take_key_id, take_page};
use crate::api::keys::{GetKeyPolicyInput, ListKeyPoliciesInput, PutKeyPolicyInput};
use crate::shape::constraints::{Constraints, Pattern};

/// The only name that a policy of a key has.
const DEFAULT_NAME: &str = "default";
const POLICY_NAME: Pattern = Pattern {
    shown: r"[\w]+",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
};
const POLICY: Pattern = Pattern {
    shown: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| {
        !text.is_empty() && text.chars().all(|c| "\t\n\r".contains(c) || ('\u{20}'..='\u{ff}').contains(&c))
    },
};

/// A policy as it was written and as it was read.
#[derive(Debug)]
pub(crate) struct ReadPolicy {
    /// As it came.
    pub(crate) text: Arc<str>,
    /// What it says.
    pub(crate) policy: Policy,
}

/// PutKeyPolicy, parsed.
#[derive(Debug)]
pub(crate) struct PutKeyPolicyRequest {
    pub(crate) key: KeyTarget,
    /// The policy, or what is wrong with it, which is said after what is wrong with the key.
    pub(crate) policy: Result<ReadPolicy, ApiError>,
    pub(crate) bypass_lockout_check: bool,
}

/// GetKeyPolicy, parsed.
#[derive(Debug)]
pub(crate) struct GetKeyPolicyRequest {
    pub(crate) key: KeyTarget,
    /// Whether the policy has the only name that there is.
    pub(crate) is_default: bool,
}

/// ListKeyPolicies, parsed.
#[derive(Debug)]
pub(crate) struct ListKeyPoliciesRequest {
    pub(crate) key: KeyTarget,
    pub(crate) page: Page,
}

/// Parses PutKeyPolicy.
pub(crate) fn put_key_policy(input: PutKeyPolicyInput, namespace: &Namespace) -> Result<PutKeyPolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let is_default = take_policy_name(&mut constraints, input.policy_name.as_deref());
    let text = take_policy(&mut constraints, input.policy);
    constraints.finish()?;
    let key = KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?;
    if !is_default {
        return Err(super::unsupported("A key has one policy, whose name is default."));
    }
    let bypass_lockout_check = input.bypass_policy_lockout_safety_check.unwrap_or(false);
    Ok(PutKeyPolicyRequest { key, policy: read(text), bypass_lockout_check })
}

/// Parses GetKeyPolicy.
pub(crate) fn get_key_policy(input: GetKeyPolicyInput, namespace: &Namespace) -> Result<GetKeyPolicyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let is_default = take_policy_name(&mut constraints, input.policy_name.as_deref());
    constraints.finish()?;
    Ok(GetKeyPolicyRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, is_default })
}

/// Parses ListKeyPolicies.
pub(crate) fn list_key_policies(
    input: ListKeyPoliciesInput,
    namespace: &Namespace,
) -> Result<ListKeyPoliciesRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_KEY_PAGE_ENTRIES, input.marker);
    constraints.finish()?;
    Ok(ListKeyPoliciesRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, page })
}

/// Takes the text of a policy that must be there. It is not repeated in an error: it may be long.
pub(super) fn take_policy(constraints: &mut Constraints, given: Option<String>) -> String {
    let text = constraints.required("policy", given, 1..=limits::KEY_POLICY_CHARS);
    if !text.is_empty() {
        constraints.pattern("policy", &text, &POLICY);
    }
    text
}

/// Whether the name is the one that there is.
fn take_policy_name(constraints: &mut Constraints, given: Option<&str>) -> bool {
    let Some(name) = given else { return true };
    constraints.text("policyName", given.map(str::to_owned), 1..=limits::KEY_POLICY_NAME_CHARS);
    if !name.is_empty() {
        constraints.pattern("policyName", name, &POLICY_NAME);
    }
    name == DEFAULT_NAME
}

/// Reads a policy.
///
/// # Errors
/// LimitExceeded for one that is too long to be kept, MalformedPolicyDocument for one that is not of the grammar.
pub(super) fn read(text: String) -> Result<ReadPolicy, ApiError> {
    if text.len() > limits::KEY_POLICY_BYTES {
        let most = limits::KEY_POLICY_BYTES;
        return Err(ApiError::new(
            ErrorCode::LimitExceeded,
            format!("The key policy has more than {most} bytes, which is the most."),
        ));
    }
    let policy = Policy::parse(&text, Kind::Resource).map_err(|error| malformed(&error))?;
    Ok(ReadPolicy { text: text.into(), policy })
}

/// AWS's own words come first, since programs look for those about a principal.
fn malformed(error: &Malformed) -> ApiError {
    let message = match error.is_principal {
        true => format!("Policy contains a statement with one or more invalid principals. What is wrong: {error}."),
        false => format!("The policy has invalid syntax. What is wrong: {error}."),
    };
    ApiError::new(ErrorCode::MalformedPolicyDocument, message)
}
