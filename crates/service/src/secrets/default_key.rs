//! The keys of secrets, by the names that requests give them and by those that answers show.

use std::sync::Arc;

use key_service::KeyMaterial;
use state::{Command, CreateKey, EncryptionKey, KeyManager, SealedValue, Secret, State};
use types::{AliasName, ApiError, ErrorCode, KeyId, Namespace};

use crate::door::View;
use crate::shape::keys::{KeyName, KeyTarget, key_arn};
use crate::vault::cannot_encrypt;

/// What AWS calls the default key where a version's keys are listed.
const DEFAULT_KEY: &str = "DefaultEncryptionKey";
/// The same where the key of a secret is named.
pub(crate) const DEFAULT_ALIAS: &str = "alias/aws/secretsmanager";
const DEFAULT_KEY_DESCRIPTION: &str = "Default key that protects my Secrets Manager data when no other key is defined";

/// The key that a secret is to be under.
pub(super) enum KeyOfSecret<'a> {
    /// The default one of its account and region.
    Default(&'a Arc<EncryptionKey>),
    /// The default one, which nobody has needed so far.
    Missing,
    /// One of a customer.
    Customer(&'a Arc<EncryptionKey>),
}

impl<'a> KeyOfSecret<'a> {
    /// The key that a request names, or the default one where it names none.
    ///
    /// # Errors
    /// ResourceNotFound when there is no such key, EncryptionFailure when it cannot be used.
    pub(super) fn asked(given: Option<&str>, namespace: &Namespace, view: &'a View<'_>) -> Result<Self, ApiError> {
        let Some(given) = given.filter(|given| !given.is_empty()) else { return Self::default_of(namespace, view) };
        let found = match KeyTarget::parse(given.to_owned(), namespace) {
            Ok(KeyTarget { name: KeyName::Alias(name), .. }) if name.as_str() == DEFAULT_ALIAS => {
                return Self::default_of(namespace, view);
            }
            Ok(KeyTarget { name: KeyName::Alias(name), .. }) => view.state().key_of_alias(namespace, &name),
            Ok(KeyTarget { name: KeyName::Id(id), .. }) => view.state().encryption_key(&id),
            Err(_) => None,
        };
        let key = found.filter(|key| key.is_found_in(namespace)).ok_or_else(|| no_such_key(given, namespace))?;
        match key.manager {
            KeyManager::Service => Ok(Self::Default(key)),
            KeyManager::Customer if key.is_enabled() => Ok(Self::Customer(key)),
            KeyManager::Customer => Err(cannot_encrypt()),
        }
    }

    /// The key that a secret is under.
    ///
    /// # Errors
    /// EncryptionFailure when it is gone or cannot be used.
    pub(super) fn of(secret: &Secret, view: &'a View<'_>) -> Result<Self, ApiError> {
        match &secret.kms_key_id {
            None => Self::default_of(&secret.namespace, view),
            Some(arn) => match customer_key(arn, view.state()) {
                Some(key) if key.is_enabled() => Ok(Self::Customer(key)),
                _ => Err(cannot_encrypt()),
            },
        }
    }

    fn default_of(namespace: &Namespace, view: &'a View<'_>) -> Result<Self, ApiError> {
        let cluster = view.state().cluster().ok_or(ErrorCode::ServiceUnavailable)?;
        let named = view.state().key_of_alias(namespace, &default_alias()?);
        // The account that the cluster was started with has one from the beginning, for all regions.
        let first = || view.state().encryption_key(&cluster.default_key).filter(|key| key.is_found_in(namespace));
        Ok(named.or_else(first).map_or(Self::Missing, Self::Default))
    }

    /// The key, or what makes it.
    pub(super) fn or_made(
        self,
        namespace: &Namespace,
        view: &View<'_>,
    ) -> Result<&'a Arc<EncryptionKey>, Box<Command>> {
        match self {
            Self::Default(key) | Self::Customer(key) => Ok(key),
            Self::Missing => Err(Box::new(make_default_key(namespace, view))),
        }
    }
}

/// The `KmsKeyId` that a secret under the key shows; absent for the default key, however it was named.
pub(super) fn shown_id(key: &EncryptionKey, namespace: &Namespace) -> Option<Arc<str>> {
    (key.manager == KeyManager::Customer).then(|| key_arn(namespace, key.id).into())
}

/// The key of a secret that shows this `KmsKeyId`.
pub(super) fn customer_key<'a>(arn: &str, state: &'a State) -> Option<&'a Arc<EncryptionKey>> {
    let (_, id) = arn.rsplit_once('/')?;
    state.encryption_key(&id.parse::<KeyId>().ok()?)
}

/// The name of the key of a version in a listing. It stays after the key is gone.
pub(super) fn listed_id(secret: &Secret, sealed: &SealedValue, state: &State) -> String {
    let is_default = match state.encryption_key(&sealed.key) {
        Some(key) => key.manager == KeyManager::Service,
        None => false,
    };
    if is_default { DEFAULT_KEY.to_owned() } else { key_arn(&secret.namespace, sealed.key) }
}

fn default_alias() -> Result<AliasName, ApiError> {
    AliasName::parse(DEFAULT_ALIAS).map_err(|_| ErrorCode::InternalService.into())
}

/// The default key of an account and region that have none yet.
fn make_default_key(namespace: &Namespace, view: &View<'_>) -> Command {
    let key = KeyId(crate::keys::new_uuid());
    Command::CreateKey(CreateKey {
        namespace: namespace.clone(),
        key,
        material: KeyMaterial::generate(namespace.account, key, 1).seal(view.barrier).into(),
        manager: KeyManager::Service,
        alias: AliasName::parse(DEFAULT_ALIAS).ok(),
        description: DEFAULT_KEY_DESCRIPTION.into(),
        policy: None,
        tags: Vec::new(),
        rotation_period_days: None,
    })
}

fn no_such_key(given: &str, namespace: &Namespace) -> ApiError {
    let Namespace { account, region } = namespace;
    let arn_prefix = format!("arn:aws:kms:{region}:{account}:");
    let name = given.strip_prefix(&arn_prefix).unwrap_or(given);
    let message = if name.starts_with("alias/") {
        format!("Alias {arn_prefix}{name} is not found.")
    } else if given.starts_with("arn:") {
        format!("Key '{given}' does not exist")
    } else {
        format!("Key '{arn_prefix}key/{name}' does not exist")
    };
    ApiError::new(ErrorCode::ResourceNotFound, message)
}
