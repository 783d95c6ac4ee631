//! Parsing of the operations on keys.
//!
//! Errors come in AWS's order: constraints of the shapes, all of them together; then the name of the key; then what the
//! members say together. What depends on the state comes later, in the use cases.

mod aliases;
mod crypto;
mod grants;
mod lifecycle;
mod policies;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use key_service::EncryptionContext;
use types::{AliasName, ApiError, ErrorCode, KeyId, Namespace, Tag, limits};

use super::constraints::{Constraints, Pattern};
use crate::api::TagInput;
use crate::authorize::Target;

pub(crate) use aliases::{
    AliasRequest, DeleteAliasRequest, ListAliasesRequest, create_alias, delete_alias, list_aliases, update_alias,
};
pub(crate) use crypto::{
    DecryptRequest, EncryptRequest, GenerateDataKeyRequest, GenerateRandomRequest, ReEncryptRequest, decrypt, encrypt,
    generate_data_key, generate_data_key_without_plaintext, generate_random, re_encrypt,
};
pub(crate) use grants::{
    CreateGrantRequest, ListGrantsRequest, ListRetirableGrantsRequest, RetireGrantRequest, RetiredGrant,
    RevokeGrantRequest, create_grant, list_grants, list_retirable_grants, no_grant, no_such_token, retire_grant,
    revoke_grant,
};
pub(crate) use lifecycle::{
    CreateKeyRequest, EnableKeyRotationRequest, ListKeyRotationsRequest, ListKeysRequest, ListResourceTagsRequest,
    ScheduleKeyDeletionRequest, TagKeyRequest, UntagKeyRequest, UpdateKeyDescriptionRequest, cancel_key_deletion,
    create_key, describe_key, disable_key, disable_key_rotation, enable_key, enable_key_rotation,
    get_key_rotation_status, list_key_rotations, list_keys, list_resource_tags, rotate_key_on_demand,
    schedule_key_deletion, tag_key, untag_key, update_key_description,
};
pub(crate) use policies::{
    GetKeyPolicyRequest, ListKeyPoliciesRequest, PutKeyPolicyRequest, get_key_policy, list_key_policies, put_key_policy,
};

const RESERVED_TAG_PREFIX: &str = "aws:";
const MARKER: Pattern =
    Pattern { shown: r"[\u0020-\u00FF]*", matches: |text| text.chars().all(|c| ('\u{20}'..='\u{ff}').contains(&c)) };

/// The key that a request names.
#[derive(Debug)]
pub(crate) struct KeyTarget {
    /// The `KeyId` as the caller wrote it.
    pub(crate) given: String,
    /// What it asks for, in the account and region of the request.
    pub(crate) name: KeyName,
}

/// A key by one of its names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyName {
    /// By id or ARN.
    Id(KeyId),
    /// By alias or the ARN of one.
    Alias(AliasName),
}

/// Which names an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forms {
    /// Id or ARN.
    OfKeys,
    /// Aliases too.
    All,
}

/// An encryption context as it came and as it is bound.
#[derive(Debug)]
pub(crate) struct Context {
    /// As it came: for records of requests.
    pub(crate) pairs: Arc<BTreeMap<String, String>>,
    /// What ciphertexts are bound to.
    pub(crate) canonical: EncryptionContext,
}

/// A page of a listing as it was asked for.
#[derive(Debug)]
pub(crate) struct Page {
    /// 1 to 1,000.
    pub(crate) limit: usize,
    /// From the page before.
    pub(crate) marker: Option<String>,
}

/// A request that names a key and says no more.
#[derive(Debug)]
pub(crate) struct KeyRequest {
    pub(crate) key: KeyTarget,
}

macro_rules! target_is_its_key {
    ($($request:ty),+) => {
        $(impl Target for $request {
            fn resource(&self) -> Option<&str> {
                Some(&self.key.given)
            }
        })+
    };
}

target_is_its_key!(
    KeyRequest,
    EnableKeyRotationRequest,
    ListKeyRotationsRequest,
    ListResourceTagsRequest,
    ScheduleKeyDeletionRequest,
    TagKeyRequest,
    UntagKeyRequest,
    UpdateKeyDescriptionRequest,
    GetKeyPolicyRequest,
    ListKeyPoliciesRequest,
    PutKeyPolicyRequest,
    CreateGrantRequest,
    ListGrantsRequest,
    RevokeGrantRequest
);

impl KeyTarget {
    /// Reads a `KeyId` that may be of every form, as a request for a secret names its key.
    ///
    /// # Errors
    /// NotFound: it is the name of no key of the account and the region.
    pub(crate) fn parse(given: String, namespace: &Namespace) -> Result<Self, ApiError> {
        Self::of_forms(given, namespace, Forms::All)
    }

    fn of_forms(given: String, namespace: &Namespace, forms: Forms) -> Result<Self, ApiError> {
        let name = match given.starts_with("arn:") {
            true => of_arn(&given, namespace, forms)?,
            false => of_name(&given, namespace, forms)?,
        };
        Ok(Self { given, name })
    }
}

/// The ARN of a key.
pub(crate) fn key_arn(namespace: &Namespace, id: impl std::fmt::Display) -> String {
    format!("arn:aws:kms:{}:{}:key/{id}", namespace.region, namespace.account)
}

/// The ARN of an alias, whose name has `alias/` in front.
pub(crate) fn alias_arn(namespace: &Namespace, name: impl std::fmt::Display) -> String {
    format!("arn:aws:kms:{}:{}:{name}", namespace.region, namespace.account)
}

/// What is said of an alias that is not there.
pub(crate) fn no_alias(namespace: &Namespace, name: impl std::fmt::Display) -> ApiError {
    not_found(format!("Alias {} is not found.", alias_arn(namespace, name)))
}

/// What is said of a key that is not there.
pub(crate) fn no_key(namespace: &Namespace, id: impl std::fmt::Display) -> ApiError {
    not_found(format!("Key '{}' does not exist", key_arn(namespace, id)))
}

fn not_found(message: String) -> ApiError {
    ApiError::new(ErrorCode::NotFound, message)
}

fn of_name(given: &str, namespace: &Namespace, forms: Forms) -> Result<KeyName, ApiError> {
    if given.starts_with("alias/") && forms == Forms::All {
        return of_alias(given, namespace);
    }
    match key_id(given) {
        Some(id) => Ok(KeyName::Id(id)),
        None => Err(not_found(format!("Invalid keyId '{given}'"))),
    }
}

fn of_alias(name: &str, namespace: &Namespace) -> Result<KeyName, ApiError> {
    AliasName::parse(name).map(KeyName::Alias).map_err(|_| no_alias(namespace, name))
}

/// `arn:aws:kms:REGION:ACCOUNT:key/ID` or `...:alias/NAME`.
fn of_arn(given: &str, namespace: &Namespace, forms: Forms) -> Result<KeyName, ApiError> {
    let malformed = || match forms {
        Forms::OfKeys => ApiError::new(ErrorCode::InvalidArn, format!("Invalid arn '{given}'")),
        // AWS's model gives the others no error for it.
        Forms::All => not_found(format!("Invalid arn '{given}'")),
    };
    let mut parts = given.splitn(6, ':');
    let ["arn", "aws", "kms", region, account, resource] = std::array::from_fn(|_| parts.next().unwrap_or_default())
    else {
        return Err(malformed());
    };
    if region != namespace.region.as_str() {
        return Err(not_found(format!("Invalid arn {region}")));
    }
    let is_own = account == namespace.account.to_string();
    if let Some(id) = resource.strip_prefix("key/") {
        let found = key_id(id).filter(|_| is_own);
        return found.map(KeyName::Id).ok_or_else(|| not_found(format!("Key '{given}' does not exist")));
    }
    if !resource.starts_with("alias/") || forms == Forms::OfKeys {
        return Err(malformed());
    }
    if !is_own {
        return Err(not_found(format!("Alias {given} is not found.")));
    }
    of_alias(resource, namespace)
}

/// An id as AWS writes it, with hyphens.
fn key_id(text: &str) -> Option<KeyId> {
    const HYPHENATED: usize = 36;
    text.parse().ok().filter(|_| text.len() == HYPHENATED)
}

fn take_key_id(constraints: &mut Constraints, path: &str, given: Option<String>) -> String {
    constraints.required(path, given, 1..=limits::KMS_KEY_ID_CHARS)
}

fn take_page(constraints: &mut Constraints, limit: Option<i64>, default: usize, marker: Option<String>) -> Page {
    let limit = constraints.number("limit", limit, limits::KEY_PAGE_ENTRIES);
    if let Some(marker) = &marker {
        constraints.text("marker", Some(marker.clone()), 1..=limits::MARKER_CHARS);
        constraints.pattern("marker", marker, &MARKER);
    }
    Page { limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default), marker }
}

/// Takes an encryption context. Nothing of it is ever repeated in an error.
fn take_context(constraints: &mut Constraints, path: &str, given: Option<BTreeMap<String, String>>) -> Context {
    let pairs = given.unwrap_or_default();
    let listed: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let canonical = EncryptionContext::new(&listed).unwrap_or_else(|error| {
        constraints.hidden(path, &format!("Member is no encryption context: {error}"));
        EncryptionContext::default()
    });
    Context { pairs: Arc::new(pairs), canonical }
}

/// Grant tokens are no more than looked at: what they grant holds without them.
fn take_grant_tokens(constraints: &mut Constraints, given: Option<&[String]>) {
    let Some(given) = given else { return };
    constraints.members("grantTokens", Some(given.len()), 0..=limits::GRANT_TOKENS_PER_REQUEST);
    let fits = |token: &String| (1..=limits::GRANT_TOKEN_CHARS).contains(&token.chars().count());
    if !given.iter().all(fits) {
        let most = limits::GRANT_TOKEN_CHARS;
        constraints.hidden(
            "grantTokens",
            &format!(
                "Member must satisfy constraint: [Member must have length less than or equal to {most}, Member must \
                 have length greater than or equal to 1]"
            ),
        );
    }
}

fn take_tags(constraints: &mut Constraints, input: Option<Vec<TagInput>>) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (position, tag) in input.unwrap_or_default().into_iter().enumerate() {
        let member = format!("tags.{}.member", position + 1);
        let key = constraints.required(&format!("{member}.tagKey"), tag.key, 1..=limits::TAG_KEY_CHARS);
        let value = constraints.required(&format!("{member}.tagValue"), tag.value, 0..=limits::TAG_VALUE_CHARS);
        tags.push(Tag { key: key.into(), value: value.into() });
    }
    tags
}

/// Checks the rules of a whole set of tags. How many a key may have is for the state to say.
fn check_tags(tags: &[Tag]) -> Result<(), ApiError> {
    let invalid = |message: &'static str| Err(ApiError::new(ErrorCode::Tag, message));
    let mut keys = HashSet::new();
    for tag in tags {
        let start = tag.key.get(..RESERVED_TAG_PREFIX.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_TAG_PREFIX)) {
            return invalid("Tag keys that start with aws: are reserved for AWS use.");
        }
        if !tag.key.chars().chain(tag.value.chars()).all(is_tag_character) {
            return invalid(
                "Tag keys and values can have only letters, digits, spaces and the characters + - = . _ : / @",
            );
        }
        if !keys.insert(&tag.key) {
            return invalid("Duplicate tag keys");
        }
    }
    if tags.len() > limits::TAGS_PER_KEY {
        return invalid("Too many tags");
    }
    Ok(())
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || "+-=._:/@".contains(c)
}

fn unsupported(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedOperation, message)
}

#[cfg(test)]
mod tests;
