//! Grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use state::{GrantConstraints, GrantId, GrantOperation, GrantTerms};
use types::{ApiError, ErrorCode, Namespace, limits};

use super::{Forms, KeyTarget, Page, take_context, take_grant_tokens, take_key_id, take_page, unsupported};
use crate::api::keys::{
    CreateGrantInput, GrantConstraintsInput, ListGrantsInput, ListRetirableGrantsInput, RetireGrantInput,
    RevokeGrantInput,
};
use crate::authorize::Target;
use crate::shape::constraints::{Constraints, Pattern};

const NO_SERVICES: &str = "Grants for services of AWS are not available here.";
const NO_GRANTEE: &str = "A GranteePrincipal is required.";
const NO_RETIRING: &str = "A RetiringPrincipal is required.";
const TOKEN_OR_GRANT: &str = "Either a GrantToken, or a KeyId and a GrantId are required.";
const NO_SUCH_TOKEN: &str = "The grant token is not valid.";
const PRINCIPAL: Pattern = Pattern {
    shown: r"^[\w+=,.@:/-]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b)),
};
const SERVICE: Pattern = Pattern {
    shown: r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$",
    matches: |text| {
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        text.split('.').count() >= 3 && text.split('.').all(is_part)
    },
};
const NAME: Pattern = Pattern {
    shown: r"^[a-zA-Z0-9:/_-]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b)),
};
/// Names of AWS's model, with what they are for keys that there are here.
const OPERATIONS: &[(&str, Option<GrantOperation>)] = &[
    ("Decrypt", Some(GrantOperation::Decrypt)),
    ("Encrypt", Some(GrantOperation::Encrypt)),
    ("GenerateDataKey", Some(GrantOperation::GenerateDataKey)),
    ("GenerateDataKeyWithoutPlaintext", Some(GrantOperation::GenerateDataKeyWithoutPlaintext)),
    ("ReEncryptFrom", Some(GrantOperation::ReEncryptFrom)),
    ("ReEncryptTo", Some(GrantOperation::ReEncryptTo)),
    ("Sign", None),
    ("Verify", None),
    ("GetPublicKey", None),
    ("CreateGrant", Some(GrantOperation::CreateGrant)),
    ("RetireGrant", Some(GrantOperation::RetireGrant)),
    ("DescribeKey", Some(GrantOperation::DescribeKey)),
    ("GenerateDataKeyPair", Some(GrantOperation::GenerateDataKeyPair)),
    ("GenerateDataKeyPairWithoutPlaintext", Some(GrantOperation::GenerateDataKeyPairWithoutPlaintext)),
    ("GenerateMac", None),
    ("VerifyMac", None),
    ("DeriveSharedSecret", None),
    ("Encapsulate", None),
    ("Decapsulate", None),
];

/// CreateGrant, parsed.
#[derive(Debug)]
pub(crate) struct CreateGrantRequest {
    pub(crate) key: KeyTarget,
    pub(crate) terms: Arc<GrantTerms>,
    pub(crate) dry_run: bool,
}

/// ListGrants, parsed.
#[derive(Debug)]
pub(crate) struct ListGrantsRequest {
    pub(crate) key: KeyTarget,
    /// The only grant to list; `Err` for an id that no grant has.
    pub(crate) grant: Option<Result<GrantId, ApiError>>,
    /// Whose grants alone are listed.
    pub(crate) grantee: Option<Arc<str>>,
    /// Whether those of a service alone are asked for, of which there are none.
    pub(crate) of_service: bool,
    pub(crate) page: Page,
}

/// RevokeGrant, parsed.
#[derive(Debug)]
pub(crate) struct RevokeGrantRequest {
    pub(crate) key: KeyTarget,
    /// `Err` for an id that no grant has, which is said of a key that exists.
    pub(crate) grant: Result<GrantId, ApiError>,
    pub(crate) dry_run: bool,
}

/// How RetireGrant names its grant.
#[derive(Debug)]
pub(crate) enum RetiredGrant {
    /// By a grant token.
    Token(String),
    /// By key and grant.
    Named {
        key: KeyTarget,
        /// `Err` for an id that no grant has.
        grant: Result<GrantId, ApiError>,
    },
}

/// RetireGrant, parsed.
#[derive(Debug)]
pub(crate) struct RetireGrantRequest {
    pub(crate) grant: RetiredGrant,
    pub(crate) dry_run: bool,
}

impl Target for RetireGrantRequest {
    fn resource(&self) -> Option<&str> {
        match &self.grant {
            RetiredGrant::Token(_) => None,
            RetiredGrant::Named { key, .. } => Some(&key.given),
        }
    }
}

/// ListRetirableGrants, parsed.
#[derive(Debug)]
pub(crate) struct ListRetirableGrantsRequest {
    /// Absent for a service, which may retire none.
    pub(crate) retiring: Option<Arc<str>>,
    pub(crate) page: Page,
}

impl Target for ListRetirableGrantsRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

/// Parses CreateGrant.
pub(crate) fn create_grant(input: CreateGrantInput, namespace: &Namespace) -> Result<CreateGrantRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let grantee = take_principal(&mut constraints, "granteePrincipal", input.grantee_principal);
    let retiring = take_principal(&mut constraints, "retiringPrincipal", input.retiring_principal);
    let operations = take_operations(&mut constraints, input.operations);
    let of_source = input.constraints.as_ref().is_some_and(|given| given.source_arn.is_some());
    let conditions = take_constraints(&mut constraints, input.constraints);
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    let name = constraints.text("name", input.name, 1..=limits::GRANT_NAME_CHARS);
    if let Some(name) = name.as_deref().filter(|name| !name.is_empty()) {
        constraints.pattern("name", name, &NAME);
    }
    let service = take_service(&mut constraints, "granteeServicePrincipal", input.grantee_service_principal);
    let other = take_service(&mut constraints, "retiringServicePrincipal", input.retiring_service_principal);
    constraints.finish()?;

    let key = KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?;
    if service.is_some() || other.is_some() || of_source {
        return Err(unsupported(NO_SERVICES));
    }
    let grantee = grantee.ok_or(ApiError::new(ErrorCode::Validation, NO_GRANTEE))?;
    must_be_principal(&grantee)?;
    retiring.as_deref().map_or(Ok(()), must_be_principal)?;
    let operations = operations.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| {
        ApiError::new(ErrorCode::Validation, "The grant has operations that keys for encryption do not have.")
    })?;
    let terms = GrantTerms {
        name: name.map(Into::into),
        grantee,
        retiring,
        operations: sorted(operations),
        constraints: conditions,
    };
    Ok(CreateGrantRequest { key, terms: Arc::new(terms), dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses ListGrants.
pub(crate) fn list_grants(input: ListGrantsInput, namespace: &Namespace) -> Result<ListGrantsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_ALIAS_PAGE_ENTRIES, input.marker);
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let grant = input.grant_id.map(|grant| take_grant_id(&mut constraints, Some(grant)));
    let grantee = take_principal(&mut constraints, "granteePrincipal", input.grantee_principal);
    let service = take_service(&mut constraints, "granteeServicePrincipal", input.grantee_service_principal);
    constraints.finish()?;
    Ok(ListGrantsRequest {
        key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?,
        grant: grant.as_deref().map(grant_id),
        grantee,
        of_service: service.is_some(),
        page,
    })
}

/// Parses RevokeGrant.
pub(crate) fn revoke_grant(input: RevokeGrantInput, namespace: &Namespace) -> Result<RevokeGrantRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let grant = take_grant_id(&mut constraints, input.grant_id);
    constraints.finish()?;
    let key = KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?;
    Ok(RevokeGrantRequest { key, grant: grant_id(&grant), dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses RetireGrant.
pub(crate) fn retire_grant(input: RetireGrantInput, namespace: &Namespace) -> Result<RetireGrantRequest, ApiError> {
    let mut constraints = Constraints::default();
    constraints.sensitive(
        "grantToken",
        input.grant_token.as_ref().map(|token| token.chars().count()),
        1..=limits::GRANT_TOKEN_CHARS,
    );
    let key_id = input.key_id.map(|key_id| take_key_id(&mut constraints, "keyId", Some(key_id)));
    let grant = input.grant_id.map(|grant| take_grant_id(&mut constraints, Some(grant)));
    constraints.finish()?;
    let grant = match (input.grant_token, key_id, grant) {
        (Some(token), None, None) => RetiredGrant::Token(token),
        (None, Some(key_id), Some(grant)) => {
            RetiredGrant::Named { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, grant: grant_id(&grant) }
        }
        _ => return Err(ApiError::new(ErrorCode::Validation, TOKEN_OR_GRANT)),
    };
    Ok(RetireGrantRequest { grant, dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses ListRetirableGrants.
pub(crate) fn list_retirable_grants(input: ListRetirableGrantsInput) -> Result<ListRetirableGrantsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_ALIAS_PAGE_ENTRIES, input.marker);
    let retiring = take_principal(&mut constraints, "retiringPrincipal", input.retiring_principal);
    let service = take_service(&mut constraints, "retiringServicePrincipal", input.retiring_service_principal);
    constraints.finish()?;
    if retiring.is_none() && service.is_none() {
        return Err(ApiError::new(ErrorCode::Validation, NO_RETIRING));
    }
    Ok(ListRetirableGrantsRequest { retiring, page })
}

/// What is said of a grant token that is none.
pub(crate) fn no_such_token() -> ApiError {
    ApiError::new(ErrorCode::InvalidGrantToken, NO_SUCH_TOKEN)
}

fn take_principal(constraints: &mut Constraints, path: &str, given: Option<String>) -> Option<Arc<str>> {
    let principal = constraints.text(path, given, 1..=limits::GRANT_PRINCIPAL_CHARS)?;
    if !principal.is_empty() {
        constraints.pattern(path, &principal, &PRINCIPAL);
    }
    Some(principal.into())
}

fn take_service(constraints: &mut Constraints, path: &str, given: Option<String>) -> Option<String> {
    let service = constraints.text(path, given, 1..=limits::SERVICE_PRINCIPAL_CHARS)?;
    if !service.is_empty() {
        constraints.pattern(path, &service, &SERVICE);
    }
    Some(service)
}

fn take_grant_id(constraints: &mut Constraints, given: Option<String>) -> String {
    constraints.required("grantId", given, 1..=limits::GRANT_ID_CHARS)
}

/// Takes the operations; `None` for those of keys that there are none of.
fn take_operations(constraints: &mut Constraints, given: Option<Vec<String>>) -> Vec<Option<GrantOperation>> {
    let Some(given) = given else {
        constraints.null("operations");
        return Vec::new();
    };
    constraints.members("operations", Some(given.len()), 1..=OPERATIONS.len());
    let known = given.iter().take(OPERATIONS.len()).enumerate().filter_map(|(position, name)| {
        constraints.one_of(&format!("operations.{}.member", position + 1), Some(name), OPERATIONS)
    });
    known.collect()
}

fn take_constraints(constraints: &mut Constraints, given: Option<GrantConstraintsInput>) -> GrantConstraints {
    let Some(given) = given else { return GrantConstraints::default() };
    let mut take = |member: &str, pairs: Option<BTreeMap<String, String>>| {
        let context = pairs.map(|pairs| take_context(constraints, &format!("constraints.{member}"), Some(pairs)))?;
        Some(context.pairs.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect())
    };
    GrantConstraints {
        subset: take("encryptionContextSubset", given.encryption_context_subset),
        equals: take("encryptionContextEquals", given.encryption_context_equals),
    }
}

/// An id that is none of a grant names no grant.
fn grant_id(text: &str) -> Result<GrantId, ApiError> {
    GrantId::parse(text).ok_or_else(|| no_grant(text))
}

/// What is said of a grant that the key does not have.
pub(crate) fn no_grant(id: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("Grant ID {id} not found"))
}

/// A principal is named by its ARN, or an account by its number.
fn must_be_principal(text: &str) -> Result<(), ApiError> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.splitn(6, ':');
    let is_arn = match std::array::from_fn(|_| parts.next().unwrap_or_default()) {
        ["arn", "aws", "iam" | "sts", "", account, name] => {
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
        }
        _ => false,
    };
    if is_account || is_arn {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::InvalidArn, format!("ARN is not valid: {text}")))
    }
}

fn sorted(mut operations: Vec<GrantOperation>) -> Vec<GrantOperation> {
    operations.sort_unstable();
    operations.dedup();
    operations
}
