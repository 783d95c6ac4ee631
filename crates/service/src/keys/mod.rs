//! What each operation on keys means. The order of the checks is AWS's: existence, state, the rest.
//!
//! What changes a key is refused by `apply`, which knows the table of key states; what uses a key is refused here, on a
//! state that has passed the barrier. So no node uses a key once its disabling was acknowledged.

mod aliases;
mod crypto;
mod grants;
mod lifecycle;
mod listings;
mod lockout;
mod marker;
mod policies;
mod rotation;
mod tags;
pub(crate) mod work;

use std::sync::Arc;

use state::{EncryptionKey, KeyManager, KeyRefusal, KeyState};
use types::{AliasName, ApiError, ErrorCode, KeyId, Namespace};

use crate::authorize::Action;
use crate::door::View;
use crate::secrets::DEFAULT_ALIAS;
use crate::shape::keys::{KeyName, KeyTarget, alias_arn, key_arn, no_alias, no_key};

pub(crate) use aliases::{CreateAlias, DeleteAlias, ListAliases, UpdateAlias};
pub(crate) use crypto::{
    Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom, ReEncrypt,
};
pub(crate) use grants::{CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant};
pub(crate) use lifecycle::{
    CancelKeyDeletion, CreateKey, DescribeKey, DisableKey, EnableKey, ScheduleKeyDeletion, UpdateKeyDescription,
};
pub(crate) use listings::{ListKeyPolicies, ListKeyRotations, ListKeys, ListResourceTags};
pub(crate) use policies::{GetKeyPolicy, PutKeyPolicy};
pub(crate) use rotation::{DisableKeyRotation, EnableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand};
pub(crate) use tags::{TagKey, UntagKey};

/// What all keys here are.
const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// A random UUID (version 4).
pub(crate) fn new_uuid() -> [u8; 16] {
    let mut id = key_service::random::<16>();
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// The key that a request names.
///
/// # Errors
/// NotFound.
fn find<'a>(target: &KeyTarget, view: &'a View<'_>) -> Result<&'a Arc<EncryptionKey>, ApiError> {
    let namespace = &view.namespace;
    match &target.name {
        KeyName::Id(id) => {
            let key = view.state().encryption_key(id).filter(|key| key.is_found_in(namespace));
            key.ok_or_else(|| no_key(namespace, id))
        }
        KeyName::Alias(name) => of_alias(name, view).ok_or_else(|| no_alias(namespace, name)),
    }
}

fn of_alias<'a>(name: &AliasName, view: &'a View<'_>) -> Option<&'a Arc<EncryptionKey>> {
    let named = view.state().key_of_alias(&view.namespace, name);
    named.or_else(|| unnamed_default(view).filter(|_| name.as_str() == DEFAULT_ALIAS))
}

/// The default key that the cluster was started with, where no alias in the state names one. It goes by AWS's alias in
/// every region.
fn unnamed_default<'a>(view: &'a View<'_>) -> Option<&'a Arc<EncryptionKey>> {
    let alias = AliasName::parse(DEFAULT_ALIAS).ok()?;
    if view.state().alias(&view.namespace, &alias).is_some() {
        return None;
    }
    let key = view.state().encryption_key(&view.state().cluster()?.default_key)?;
    Some(key).filter(|key| key.is_found_in(&view.namespace))
}

/// The key that a request names, if it may be used.
///
/// # Errors
/// NotFound, Disabled, KmsInvalidState; AccessDenied for the service's own, which are used through it alone.
fn usable<'a>(target: &KeyTarget, action: Action, view: &'a View<'_>) -> Result<&'a Arc<EncryptionKey>, ApiError> {
    let key = find(target, view)?;
    must_be_usable(key, action, view)?;
    Ok(key)
}

/// As [`usable`], for a key that was found otherwise.
fn must_be_usable(key: &EncryptionKey, action: Action, view: &View<'_>) -> Result<(), ApiError> {
    if key.manager == KeyManager::Service {
        return Err(of_the_service(key.id, action, view));
    }
    match key.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(refusal(KeyRefusal::Disabled, key.id, action, view)),
        KeyState::PendingDeletion { .. } => Err(refusal(KeyRefusal::PendingDeletion, key.id, action, view)),
    }
}

/// What a change of a key was refused for, in AWS's words.
fn refusal(refusal: KeyRefusal, key: KeyId, action: Action, view: &View<'_>) -> ApiError {
    let arn = key_arn(&view.namespace, key);
    match refusal {
        KeyRefusal::Disabled => ApiError::new(ErrorCode::Disabled, format!("{arn} is disabled.")),
        KeyRefusal::PendingDeletion => ApiError::new(ErrorCode::KmsInvalidState, format!("{arn} is pending deletion.")),
        KeyRefusal::NotPendingDeletion => {
            ApiError::new(ErrorCode::KmsInvalidState, format!("{arn} is not pending deletion."))
        }
        KeyRefusal::OfTheService => of_the_service(key, action, view),
        KeyRefusal::AliasExists => ApiError::new(ErrorCode::AlreadyExists, "An alias with that name already exists"),
        KeyRefusal::AliasReserved => {
            ApiError::new(ErrorCode::InvalidAliasName, "Names that begin with alias/aws/ are reserved for AWS use.")
        }
        KeyRefusal::KeyQuota => limit("The account has as many keys in the region as it may have."),
        KeyRefusal::AliasQuota => limit("The key has as many aliases as it may have."),
        KeyRefusal::GrantQuota => limit("The key has as many grants as it may have."),
        KeyRefusal::TagQuota => ApiError::new(ErrorCode::Tag, "Too many tags"),
        KeyRefusal::PolicyTooLong => limit("The key policy is too long."),
        KeyRefusal::OnDemandRotationQuota => limit("The key has been rotated on demand as often as it may be."),
        KeyRefusal::MaterialQuota => limit("The key has as much key material as it may have."),
        KeyRefusal::KeyringTooLong => ErrorCode::InternalService.into(),
    }
}

/// The same of a change of the key that a request names.
fn refusal_of(what: KeyRefusal, target: &KeyTarget, action: Action, view: &View<'_>) -> ApiError {
    match find(target, view) {
        Ok(key) => refusal(what, key.id, action, view),
        Err(error) => error,
    }
}

fn limit(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::LimitExceeded, message)
}

/// The service's own keys are changed by nobody, and used through the service alone.
fn of_the_service(key: KeyId, action: Action, view: &View<'_>) -> ApiError {
    let (principal, arn) = (&view.principal, key_arn(&view.namespace, key));
    let action = action.name();
    let message = format!(
        "User: {principal} is not authorized to perform: {action} on resource: {arn} because no resource-based policy \
         allows the {action} action"
    );
    ApiError::new(ErrorCode::AccessDenied, message)
}

/// The name of a material that answers give it: 64 hexadecimal digits.
fn material_id(key: KeyId, number: u32) -> String {
    use std::fmt::Write as _;
    let mut id = String::with_capacity(64);
    for byte in key.0 {
        write!(id, "{byte:02x}").expect("a String takes every text");
    }
    write!(id, "{number:032x}").expect("a String takes every text");
    id
}

/// The ARN of the key in the account and region of the request.
fn arn_of(key: KeyId, namespace: &Namespace) -> String {
    key_arn(namespace, key)
}

fn arn_of_alias(name: &AliasName, namespace: &Namespace) -> String {
    alias_arn(namespace, name)
}

/// Carries out one change of one key that needs no more than the key's name.
macro_rules! changes {
    ($($(#[$doc:meta])* $use_case:ident($input:ty => $request:ty) = $parse:path, $change:expr;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $use_case;

        impl crate::door::UseCase for $use_case {
            type Input = $input;
            type Request = $request;
            type Output = ();
            const ACTION: crate::authorize::Action = crate::authorize::Action::$use_case;

            fn parse(input: Self::Input, namespace: &types::Namespace) -> Result<Self::Request, types::ApiError> {
                $parse(input, namespace)
            }
        }

        impl crate::door::Write for $use_case {
            fn plan(
                request: &crate::authorize::Authorized<'_, Self::Request>,
                view: &crate::door::View<'_>,
            ) -> Result<crate::door::Plan<Self::Output>, types::ApiError> {
                let key = crate::keys::find(&request.key, view)?;
                let change: fn(&Self::Request, &state::EncryptionKey) -> state::KeyChange = $change;
                Ok(crate::keys::change(key, change(request, key)))
            }

            fn output(
                applied: state::Applied,
                _: &Self::Request,
                _: &crate::door::View<'_>,
            ) -> Option<Self::Output> {
                matches!(applied, state::Applied::KeyChanged { .. }).then_some(())
            }

            fn refused_by_key(
                refusal: state::KeyRefusal,
                request: &Self::Request,
                view: &crate::door::View<'_>,
            ) -> types::ApiError {
                crate::keys::refusal_of(refusal, &request.key, <Self as crate::door::UseCase>::ACTION, view)
            }
        }
    )+};
}
use changes;

/// Proposes a change of a key.
fn change<T>(key: &EncryptionKey, change: state::KeyChange) -> crate::door::Plan<T> {
    crate::door::Plan::Propose(state::Command::ChangeKey(state::ChangeKey { key: key.id, change }))
}
