//! Keys themselves: how they are made, what they are used for, how long they live.

use std::sync::Arc;

use types::{ApiError, ErrorCode, Namespace, Tag, limits};

use super::policies::{ReadPolicy, read, take_policy};
use super::{
    Forms, KeyRequest, KeyTarget, Page, check_tags, take_grant_tokens, take_key_id, take_page, take_tags, unsupported,
};
use crate::api::keys::{
    CancelKeyDeletionInput, CreateKeyInput, DescribeKeyInput, DisableKeyInput, DisableKeyRotationInput, EnableKeyInput,
    EnableKeyRotationInput, GetKeyRotationStatusInput, ListKeyRotationsInput, ListKeysInput, ListResourceTagsInput,
    RotateKeyOnDemandInput, ScheduleKeyDeletionInput, TagResourceInput, UntagResourceInput, UpdateKeyDescriptionInput,
};
use crate::authorize::Target;
use crate::shape::constraints::{Constraints, Pattern};

const TWO_SPECS: &str =
    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.";
const SYMMETRIC_ONLY: &str = "Only keys of the KeySpec SYMMETRIC_DEFAULT are available here.";
const OWN_MATERIAL_ONLY: &str = "Only keys of the Origin AWS_KMS are available here.";
const ONE_REGION_ONLY: &str = "Multi-Region keys are not available here.";
const NO_STORES: &str = "Custom and external key stores are not available here.";
const WITH_SYMMETRIC: &str = "is not compatible with KeySpec SYMMETRIC_DEFAULT";

const KEY_SPECS: &[(&str, Spec)] = &[
    ("RSA_2048", Spec::Other),
    ("RSA_3072", Spec::Other),
    ("RSA_4096", Spec::Other),
    ("ECC_NIST_P256", Spec::Other),
    ("ECC_NIST_P384", Spec::Other),
    ("ECC_NIST_P521", Spec::Other),
    ("ECC_SECG_P256K1", Spec::Other),
    ("SYMMETRIC_DEFAULT", Spec::Symmetric),
    ("HMAC_224", Spec::Other),
    ("HMAC_256", Spec::Other),
    ("HMAC_384", Spec::Other),
    ("HMAC_512", Spec::Other),
    ("SM2", Spec::Other),
    ("ML_DSA_44", Spec::Other),
    ("ML_DSA_65", Spec::Other),
    ("ML_DSA_87", Spec::Other),
    ("ECC_NIST_EDWARDS25519", Spec::Other),
    ("ML_KEM_512", Spec::Other),
    ("ML_KEM_768", Spec::Other),
    ("ML_KEM_1024", Spec::Other),
];
/// Those of the member that KeySpec has replaced.
const MASTER_KEY_SPECS: usize = 13;
const KEY_USAGES: &[(&str, bool)] = &[
    ("SIGN_VERIFY", false),
    ("ENCRYPT_DECRYPT", true),
    ("GENERATE_VERIFY_MAC", false),
    ("KEY_AGREEMENT", false),
    ("ENCAPSULATE_DECAPSULATE", false),
];
const ORIGINS: &[(&str, bool)] =
    &[("AWS_KMS", true), ("EXTERNAL", false), ("AWS_CLOUDHSM", false), ("EXTERNAL_KEY_STORE", false)];
const RESOURCE_OWNERS: &[(&str, bool)] = &[("SELF", true), ("OTHER_ACCOUNTS_VIA_RAM", false)];
const INCLUDED_MATERIAL: &[(&str, bool)] = &[("ALL_KEY_MATERIAL", true), ("ROTATIONS_ONLY", false)];
const XKS_KEY_ID: Pattern = Pattern {
    shown: r"^[a-zA-Z0-9-_.]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
};

/// What a key is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spec {
    Symmetric,
    Other,
}

/// CreateKey, parsed.
#[derive(Debug)]
pub(crate) struct CreateKeyRequest {
    /// May be empty.
    pub(crate) description: Arc<str>,
    /// Absent for the one that a key has when it is given none.
    pub(crate) policy: Option<ReadPolicy>,
    pub(crate) bypass_lockout_check: bool,
    /// Without duplicate keys.
    pub(crate) tags: Vec<Tag>,
}

impl Target for CreateKeyRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

/// ListKeys, parsed.
#[derive(Debug)]
pub(crate) struct ListKeysRequest {
    pub(crate) page: Page,
    /// Whether the keys of the account itself are among those that are asked for.
    pub(crate) own: bool,
}

impl Target for ListKeysRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

/// ScheduleKeyDeletion, parsed.
#[derive(Debug)]
pub(crate) struct ScheduleKeyDeletionRequest {
    pub(crate) key: KeyTarget,
    /// 7 to 30.
    pub(crate) window_days: u32,
}

/// EnableKeyRotation, parsed.
#[derive(Debug)]
pub(crate) struct EnableKeyRotationRequest {
    pub(crate) key: KeyTarget,
    /// 90 to 2,560; absent to leave it.
    pub(crate) period_days: Option<u32>,
}

/// ListKeyRotations, parsed.
#[derive(Debug)]
pub(crate) struct ListKeyRotationsRequest {
    pub(crate) key: KeyTarget,
    pub(crate) page: Page,
    /// Whether the material that the key was made with is listed too.
    pub(crate) all_material: bool,
}

/// UpdateKeyDescription, parsed.
#[derive(Debug)]
pub(crate) struct UpdateKeyDescriptionRequest {
    pub(crate) key: KeyTarget,
    /// May be empty.
    pub(crate) description: Arc<str>,
}

/// TagResource, parsed.
#[derive(Debug)]
pub(crate) struct TagKeyRequest {
    pub(crate) key: KeyTarget,
    /// Without duplicate keys.
    pub(crate) tags: Vec<Tag>,
}

/// UntagResource, parsed.
#[derive(Debug)]
pub(crate) struct UntagKeyRequest {
    pub(crate) key: KeyTarget,
    pub(crate) keys: Vec<Arc<str>>,
}

/// ListResourceTags, parsed.
#[derive(Debug)]
pub(crate) struct ListResourceTagsRequest {
    pub(crate) key: KeyTarget,
    pub(crate) page: Page,
}

/// Parses CreateKey.
pub(crate) fn create_key(input: CreateKeyInput) -> Result<CreateKeyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let policy = input.policy.map(|policy| take_policy(&mut constraints, Some(policy)));
    let description = constraints.text("description", input.description, 0..=limits::KEY_DESCRIPTION_CHARS);
    let usage = input.key_usage.as_deref();
    let can_encrypt = constraints.one_of("keyUsage", usage, KEY_USAGES);
    let old_spec = input.customer_master_key_spec.as_deref();
    let old_spec = constraints.one_of("customerMasterKeySpec", old_spec, &KEY_SPECS[..MASTER_KEY_SPECS]);
    let spec = constraints.one_of("keySpec", input.key_spec.as_deref(), KEY_SPECS);
    let origin = constraints.one_of("origin", input.origin.as_deref(), ORIGINS);
    let store = constraints.text("customKeyStoreId", input.custom_key_store_id, 1..=limits::CUSTOM_KEY_STORE_ID_CHARS);
    let tags = take_tags(&mut constraints, input.tags);
    let xks = constraints.text("xksKeyId", input.xks_key_id, 1..=limits::XKS_KEY_ID_CHARS);
    if let Some(xks) = &xks {
        constraints.pattern("xksKeyId", xks, &XKS_KEY_ID);
    }
    constraints.finish()?;

    if spec.is_some() && old_spec.is_some() {
        return Err(ApiError::new(ErrorCode::Validation, TWO_SPECS));
    }
    if spec.or(old_spec).is_some_and(|spec| spec != Spec::Symmetric) {
        return Err(unsupported(SYMMETRIC_ONLY));
    }
    if let (Some(usage), Some(false)) = (usage, can_encrypt) {
        return Err(ApiError::new(ErrorCode::Validation, format!("The KeyUsage {usage} {WITH_SYMMETRIC}")));
    }
    if store.is_some() || xks.is_some() {
        return Err(unsupported(NO_STORES));
    }
    if origin == Some(false) {
        return Err(unsupported(OWN_MATERIAL_ONLY));
    }
    if input.multi_region == Some(true) {
        return Err(unsupported(ONE_REGION_ONLY));
    }
    check_tags(&tags)?;
    Ok(CreateKeyRequest {
        description: description.unwrap_or_default().into(),
        policy: policy.map(read).transpose()?,
        bypass_lockout_check: input.bypass_policy_lockout_safety_check.unwrap_or(false),
        tags,
    })
}

/// Parses DescribeKey.
pub(crate) fn describe_key(input: DescribeKeyInput, namespace: &Namespace) -> Result<KeyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    constraints.finish()?;
    Ok(KeyRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::All)? })
}

macro_rules! parse_key_alone {
    ($($(#[$doc:meta])* $name:ident($input:ty);)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name(input: $input, namespace: &Namespace) -> Result<KeyRequest, ApiError> {
            let mut constraints = Constraints::default();
            let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
            constraints.finish()?;
            Ok(KeyRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)? })
        }
    )+};
}

parse_key_alone! {
    /// Parses EnableKey.
    enable_key(EnableKeyInput);
    /// Parses DisableKey.
    disable_key(DisableKeyInput);
    /// Parses CancelKeyDeletion.
    cancel_key_deletion(CancelKeyDeletionInput);
    /// Parses DisableKeyRotation.
    disable_key_rotation(DisableKeyRotationInput);
    /// Parses GetKeyRotationStatus.
    get_key_rotation_status(GetKeyRotationStatusInput);
    /// Parses RotateKeyOnDemand.
    rotate_key_on_demand(RotateKeyOnDemandInput);
}

/// Parses ListKeys.
pub(crate) fn list_keys(input: ListKeysInput) -> Result<ListKeysRequest, ApiError> {
    let mut constraints = Constraints::default();
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_KEY_PAGE_ENTRIES, input.marker);
    let owners = input.resource_owners;
    constraints.members("resourceOwners", owners.as_ref().map(Vec::len), 1..=2);
    let mut own = owners.is_none();
    for (position, owner) in owners.unwrap_or_default().iter().enumerate() {
        let path = format!("resourceOwners.{}.member", position + 1);
        own |= constraints.one_of(&path, Some(owner), RESOURCE_OWNERS) == Some(true);
    }
    constraints.finish()?;
    Ok(ListKeysRequest { page, own })
}

/// Parses ScheduleKeyDeletion.
pub(crate) fn schedule_key_deletion(
    input: ScheduleKeyDeletionInput,
    namespace: &Namespace,
) -> Result<ScheduleKeyDeletionRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let days = input.pending_window_in_days;
    let days = constraints.number("pendingWindowInDays", days, limits::KEY_DELETION_WINDOW_DAYS);
    constraints.finish()?;
    let window_days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(limits::DEFAULT_KEY_DELETION_DAYS);
    Ok(ScheduleKeyDeletionRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, window_days })
}

/// Parses EnableKeyRotation.
pub(crate) fn enable_key_rotation(
    input: EnableKeyRotationInput,
    namespace: &Namespace,
) -> Result<EnableKeyRotationRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let days = input.rotation_period_in_days;
    let days = constraints.number("rotationPeriodInDays", days, limits::KEY_ROTATION_PERIOD_DAYS);
    constraints.finish()?;
    let period_days = days.and_then(|days| u32::try_from(days).ok());
    Ok(EnableKeyRotationRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, period_days })
}

/// Parses ListKeyRotations.
pub(crate) fn list_key_rotations(
    input: ListKeyRotationsInput,
    namespace: &Namespace,
) -> Result<ListKeyRotationsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let material = input.include_key_material.as_deref();
    let all_material = constraints.one_of("includeKeyMaterial", material, INCLUDED_MATERIAL).unwrap_or(false);
    let page = take_page(&mut constraints, input.limit, limits::DEFAULT_KEY_PAGE_ENTRIES, input.marker);
    constraints.finish()?;
    Ok(ListKeyRotationsRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, page, all_material })
}

/// Parses UpdateKeyDescription.
pub(crate) fn update_key_description(
    input: UpdateKeyDescriptionInput,
    namespace: &Namespace,
) -> Result<UpdateKeyDescriptionRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let description = constraints.required("description", input.description, 0..=limits::KEY_DESCRIPTION_CHARS);
    constraints.finish()?;
    let key = KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?;
    Ok(UpdateKeyDescriptionRequest { key, description: description.into() })
}

/// Parses TagResource.
pub(crate) fn tag_key(input: TagResourceInput, namespace: &Namespace) -> Result<TagKeyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    if input.tags.is_none() {
        constraints.null("tags");
    }
    let tags = take_tags(&mut constraints, input.tags);
    constraints.finish()?;
    let key = KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?;
    check_tags(&tags)?;
    Ok(TagKeyRequest { key, tags })
}

/// Parses UntagResource.
pub(crate) fn untag_key(input: UntagResourceInput, namespace: &Namespace) -> Result<UntagKeyRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let keys = crate::shape::tags::take_keys(&mut constraints, input.tag_keys);
    constraints.finish()?;
    Ok(UntagKeyRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, keys })
}

/// Parses ListResourceTags.
pub(crate) fn list_resource_tags(
    input: ListResourceTagsInput,
    namespace: &Namespace,
) -> Result<ListResourceTagsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let page = take_page(&mut constraints, input.limit, limits::TAGS_PER_KEY, input.marker);
    constraints.finish()?;
    Ok(ListResourceTagsRequest { key: KeyTarget::of_forms(key_id, namespace, Forms::OfKeys)?, page })
}
