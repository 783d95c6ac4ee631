//! Aliases.

use types::{AliasName, ApiError, ErrorCode, Namespace, limits};

use super::{Forms, KeyTarget, Page, no_alias, take_key_id, take_page};
use crate::api::keys::{CreateAliasInput, DeleteAliasInput, ListAliasesInput, UpdateAliasInput};
use crate::authorize::Target;
use crate::shape::constraints::{Constraints, Pattern};

const NO_PREFIX: &str = "Alias must start with the prefix \"alias/\". Please see \
                         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
const OF_AN_ALIAS: &str = "Aliases must refer to keys. Not aliases";
const ALIAS: Pattern = Pattern {
    shown: r"^[a-zA-Z0-9:/_-]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b)),
};

/// CreateAlias and UpdateAlias, parsed.
#[derive(Debug)]
pub(crate) struct AliasRequest {
    pub(crate) name: AliasName,
    /// The key that it is to name.
    pub(crate) key: KeyTarget,
}

impl Target for AliasRequest {
    fn resource(&self) -> Option<&str> {
        Some(&self.key.given)
    }
}

/// DeleteAlias, parsed.
#[derive(Debug)]
pub(crate) struct DeleteAliasRequest {
    pub(crate) name: AliasName,
}

impl Target for DeleteAliasRequest {
    fn resource(&self) -> Option<&str> {
        Some(self.name.as_str())
    }
}

/// ListAliases, parsed.
#[derive(Debug)]
pub(crate) struct ListAliasesRequest {
    /// The key whose aliases alone are listed.
    pub(crate) key: Option<KeyTarget>,
    pub(crate) page: Page,
}

impl Target for ListAliasesRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

/// Parses CreateAlias.
pub(crate) fn create_alias(input: CreateAliasInput, namespace: &Namespace) -> Result<AliasRequest, ApiError> {
    let mut constraints = Constraints::default();
    let name = take_name(&mut constraints, input.alias_name);
    let key_id = take_key_id(&mut constraints, "targetKeyId", input.target_key_id);
    constraints.finish()?;
    if !name.starts_with("alias/") {
        return Err(ApiError::new(ErrorCode::Validation, NO_PREFIX));
    }
    let invalid =
        |_| ApiError::new(ErrorCode::InvalidAliasName, format!("{name} contains invalid characters for an alias"));
    let name = AliasName::parse(&name).map_err(invalid)?;
    Ok(AliasRequest { name, key: named_key(key_id, namespace)? })
}

/// Parses UpdateAlias.
pub(crate) fn update_alias(input: UpdateAliasInput, namespace: &Namespace) -> Result<AliasRequest, ApiError> {
    let mut constraints = Constraints::default();
    let name = take_name(&mut constraints, input.alias_name);
    let key_id = take_key_id(&mut constraints, "targetKeyId", input.target_key_id);
    constraints.finish()?;
    Ok(AliasRequest { name: existing(&name, namespace)?, key: named_key(key_id, namespace)? })
}

/// Parses DeleteAlias.
pub(crate) fn delete_alias(input: DeleteAliasInput, namespace: &Namespace) -> Result<DeleteAliasRequest, ApiError> {
    let mut constraints = Constraints::default();
    let name = take_name(&mut constraints, input.alias_name);
    constraints.finish()?;
    Ok(DeleteAliasRequest { name: existing(&name, namespace)? })
}

/// Parses ListAliases.
pub(crate) fn list_aliases(input: ListAliasesInput, namespace: &Namespace) -> Result<ListAliasesRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = input.key_id.map(|key_id| take_key_id(&mut constraints, "keyId", Some(key_id)));
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_ALIAS_PAGE_ENTRIES, input.marker);
    constraints.finish()?;
    let key = key_id.map(|key_id| KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)).transpose()?;
    Ok(ListAliasesRequest { key, page })
}

fn take_name(constraints: &mut Constraints, given: Option<String>) -> String {
    let name = constraints.required("aliasName", given, 1..=limits::ALIAS_NAME_CHARS);
    if !name.is_empty() {
        constraints.pattern("aliasName", &name, &ALIAS);
    }
    name
}

/// The name of an alias that must be there, which one that no alias has is not.
fn existing(name: &str, namespace: &Namespace) -> Result<AliasName, ApiError> {
    if !name.starts_with("alias/") {
        return Err(ApiError::new(ErrorCode::Validation, NO_PREFIX));
    }
    AliasName::parse(name).map_err(|_| no_alias(namespace, name))
}

fn named_key(key_id: String, namespace: &Namespace) -> Result<KeyTarget, ApiError> {
    if key_id.starts_with("alias/") {
        return Err(ApiError::new(ErrorCode::Validation, OF_AN_ALIAS));
    }
    KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)
}
