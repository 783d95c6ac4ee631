//! Records of keys, aliases and grants, and the parts that they share with commands.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use state::{
    Alias, DestroyedKey, EncryptionKey, Grant, GrantConstraints, GrantId, GrantOperation, GrantTerms, KeyManager,
    KeyRotation, KeyState, KeyVersion, Keyring, MaterialRotation, RewrapJob, RotationKind, SecretUid,
};
use types::{AliasName, KeyId, Region, Timestamp};

use super::DecodeError;
use super::common::{
    account, array, key_id, millis, namespace, principal, required, sealed, shared, shared_text, tags_from, tags_to,
    text, timestamp,
};
use crate::schema as pb;

pub(super) fn key_to(id: &KeyId) -> Bytes {
    Bytes::copy_from_slice(&id.0)
}

pub(super) fn grant_to(id: &GrantId) -> Bytes {
    Bytes::copy_from_slice(&id.0)
}

pub(super) fn grant_from(field: &'static str, bytes: &Bytes) -> Result<GrantId, DecodeError> {
    array(field, bytes).map(GrantId)
}

pub(super) fn alias_name(field: &'static str, text: &str) -> Result<AliasName, DecodeError> {
    AliasName::parse(text).map_err(|_| DecodeError::Invalid(field))
}

fn region(field: &'static str, text: Option<String>) -> Result<Option<Region>, DecodeError> {
    text.map(|text| Region::parse(&text).map_err(|_| DecodeError::Invalid(field))).transpose()
}

pub(super) fn manager_to(manager: KeyManager) -> i32 {
    match manager {
        KeyManager::Service => pb::KeyManager::Service,
        KeyManager::Customer => pb::KeyManager::Customer,
    }
    .into()
}

pub(super) fn manager_from(field: &'static str, number: i32) -> Result<KeyManager, DecodeError> {
    match pb::KeyManager::try_from(number) {
        Ok(pb::KeyManager::Service) => Ok(KeyManager::Service),
        Ok(pb::KeyManager::Customer) => Ok(KeyManager::Customer),
        Ok(pb::KeyManager::Unspecified) => Err(DecodeError::Missing(field)),
        Err(_) => Err(DecodeError::Invalid(field)),
    }
}

pub(super) fn kind_to(kind: RotationKind) -> i32 {
    match kind {
        RotationKind::Automatic => pb::RotationKind::Automatic,
        RotationKind::OnDemand => pb::RotationKind::OnDemand,
    }
    .into()
}

pub(super) fn kind_from(field: &'static str, number: i32) -> Result<RotationKind, DecodeError> {
    match pb::RotationKind::try_from(number) {
        Ok(pb::RotationKind::Automatic) => Ok(RotationKind::Automatic),
        Ok(pb::RotationKind::OnDemand) => Ok(RotationKind::OnDemand),
        Ok(pb::RotationKind::Unspecified) => Err(DecodeError::Missing(field)),
        Err(_) => Err(DecodeError::Invalid(field)),
    }
}

impl From<&KeyVersion> for pb::KeyVersion {
    fn from(version: &KeyVersion) -> Self {
        Self { key: key_to(&version.key), material: version.material }
    }
}

pub(super) fn key_version(field: &'static str, version: Option<pb::KeyVersion>) -> Result<KeyVersion, DecodeError> {
    let version = required(field, version)?;
    Ok(KeyVersion { key: key_id(field, &version.key)?, material: version.material })
}

impl From<&EncryptionKey> for pb::EncryptionKey {
    fn from(key: &EncryptionKey) -> Self {
        Self {
            uid: key.uid,
            id: key_to(&key.id),
            account: key.account.number(),
            material: key.material.iter().map(shared).collect(),
            changed_at: key.changed_at,
            details: details_to(key),
        }
    }
}

impl TryFrom<pb::EncryptionKey> for EncryptionKey {
    type Error = DecodeError;

    fn try_from(key: pb::EncryptionKey) -> Result<Self, DecodeError> {
        let material = key.material.iter().map(|material| sealed("EncryptionKey.material", material));
        let bare = Self {
            uid: key.uid,
            id: key_id("EncryptionKey.id", &key.id)?,
            account: account("EncryptionKey.account", key.account)?,
            region: None,
            manager: KeyManager::Service,
            state: KeyState::Enabled,
            created: Timestamp::ZERO,
            description: "".into(),
            policy: None,
            tags: Vec::new(),
            rotation: None,
            material: material.collect::<Result<_, _>>()?,
            rotations: Vec::new(),
            changed_at: key.changed_at,
        };
        key.details.map_or(Ok(bare.clone()), |details| detailed(bare, details))
    }
}

/// `None` for what the key of a cluster was before there were others: nothing.
fn details_to(key: &EncryptionKey) -> Option<pb::KeyDetails> {
    let is_bare = key.region.is_none()
        && key.manager == KeyManager::Service
        && key.state == KeyState::Enabled
        && key.created == Timestamp::ZERO
        && key.description.is_empty()
        && key.policy.is_none()
        && key.tags.is_empty()
        && key.rotation.is_none()
        && key.rotations.is_empty();
    let details = || pb::KeyDetails {
        region: key.region.as_ref().map(|region| region.as_str().to_owned()),
        manager: manager_to(key.manager),
        state: Some(state_to(key.state)),
        created_ms: key.created.as_millis(),
        description: key.description.as_ref().to_owned(),
        policy: text(&key.policy),
        tags: tags_to(&key.tags),
        rotation: key.rotation.as_ref().map(Into::into),
        rotations: key.rotations.iter().map(Into::into).collect(),
    };
    (!is_bare).then(details)
}

fn detailed(bare: EncryptionKey, details: pb::KeyDetails) -> Result<EncryptionKey, DecodeError> {
    let rotations = details.rotations.into_iter().map(MaterialRotation::try_from);
    Ok(EncryptionKey {
        region: region("KeyDetails.region", details.region)?,
        manager: manager_from("KeyDetails.manager", details.manager)?,
        state: state_from(required("KeyDetails.state", details.state)?),
        created: Timestamp::from_millis(details.created_ms),
        description: details.description.into(),
        policy: shared_text(details.policy),
        tags: tags_from(details.tags),
        rotation: details.rotation.map(Into::into),
        rotations: rotations.collect::<Result<_, _>>()?,
        ..bare
    })
}

fn state_to(state: KeyState) -> pb::key_details::State {
    use pb::key_details::State;
    match state {
        KeyState::Enabled => State::Enabled(pb::Enable {}),
        KeyState::Disabled => State::Disabled(pb::Disable {}),
        KeyState::PendingDeletion { ends, window_days } => {
            State::PendingDeletion(pb::PendingDeletion { ends_ms: ends.as_millis(), window_days })
        }
    }
}

fn state_from(state: pb::key_details::State) -> KeyState {
    use pb::key_details::State;
    match state {
        State::Enabled(pb::Enable {}) => KeyState::Enabled,
        State::Disabled(pb::Disable {}) => KeyState::Disabled,
        State::PendingDeletion(pb::PendingDeletion { ends_ms, window_days }) => {
            KeyState::PendingDeletion { ends: Timestamp::from_millis(ends_ms), window_days }
        }
    }
}

impl From<&KeyRotation> for pb::KeyRotation {
    fn from(rotation: &KeyRotation) -> Self {
        Self { period_days: rotation.period_days, counted_from_ms: rotation.counted_from.as_millis() }
    }
}

impl From<pb::KeyRotation> for KeyRotation {
    fn from(rotation: pb::KeyRotation) -> Self {
        let counted_from = Timestamp::from_millis(rotation.counted_from_ms);
        Self { period_days: rotation.period_days, counted_from }
    }
}

impl From<&MaterialRotation> for pb::MaterialRotation {
    fn from(rotation: &MaterialRotation) -> Self {
        Self { at_ms: rotation.at.as_millis(), kind: kind_to(rotation.kind) }
    }
}

impl TryFrom<pb::MaterialRotation> for MaterialRotation {
    type Error = DecodeError;

    fn try_from(rotation: pb::MaterialRotation) -> Result<Self, DecodeError> {
        let kind = kind_from("MaterialRotation.kind", rotation.kind)?;
        Ok(Self { at: Timestamp::from_millis(rotation.at_ms), kind })
    }
}

impl From<&Alias> for pb::Alias {
    fn from(alias: &Alias) -> Self {
        Self {
            uid: alias.uid,
            namespace: Some((&alias.namespace).into()),
            name: alias.name.as_str().to_owned(),
            key: key_to(&alias.key),
            created_ms: alias.created.as_millis(),
            updated_ms: alias.updated.as_millis(),
            changed_at: alias.changed_at,
        }
    }
}

impl TryFrom<pb::Alias> for Alias {
    type Error = DecodeError;

    fn try_from(alias: pb::Alias) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: alias.uid,
            namespace: namespace("Alias.namespace", alias.namespace)?,
            name: alias_name("Alias.name", &alias.name)?,
            key: key_id("Alias.key", &alias.key)?,
            created: Timestamp::from_millis(alias.created_ms),
            updated: Timestamp::from_millis(alias.updated_ms),
            changed_at: alias.changed_at,
        })
    }
}

impl From<&GrantTerms> for pb::GrantTerms {
    fn from(terms: &GrantTerms) -> Self {
        Self {
            name: text(&terms.name),
            grantee: terms.grantee.as_ref().to_owned(),
            retiring: text(&terms.retiring),
            operations: terms.operations.iter().map(|operation| i32::from(*operation as u8)).collect(),
            subset: terms.constraints.subset.as_ref().map(pairs_to),
            equals: terms.constraints.equals.as_ref().map(pairs_to),
        }
    }
}

impl TryFrom<pb::GrantTerms> for GrantTerms {
    type Error = DecodeError;

    fn try_from(terms: pb::GrantTerms) -> Result<Self, DecodeError> {
        let operations = terms.operations.iter().map(|number| operation(*number)).collect::<Result<Vec<_>, _>>()?;
        if !operations.is_sorted_by(|one, next| one < next) {
            return Err(DecodeError::Invalid("GrantTerms.operations"));
        }
        Ok(Self {
            name: shared_text(terms.name),
            grantee: terms.grantee.into(),
            retiring: shared_text(terms.retiring),
            operations,
            constraints: GrantConstraints {
                subset: terms.subset.map(pairs_from).transpose()?,
                equals: terms.equals.map(pairs_from).transpose()?,
            },
        })
    }
}

fn operation(number: i32) -> Result<GrantOperation, DecodeError> {
    let named = GrantOperation::ALL.iter().find(|operation| i32::from(**operation as u8) == number);
    named.copied().ok_or(DecodeError::Invalid("GrantTerms.operations"))
}

fn pairs_to(pairs: &BTreeMap<Arc<str>, Arc<str>>) -> pb::ContextPairs {
    let pair = |(key, value): (&Arc<str>, &Arc<str>)| pb::ContextPair {
        key: key.as_ref().to_owned(),
        value: value.as_ref().to_owned(),
    };
    pb::ContextPairs { pairs: pairs.iter().map(pair).collect() }
}

fn pairs_from(pairs: pb::ContextPairs) -> Result<BTreeMap<Arc<str>, Arc<str>>, DecodeError> {
    if !pairs.pairs.is_sorted_by(|one, next| one.key < next.key) {
        return Err(DecodeError::Invalid("ContextPairs.pairs"));
    }
    Ok(pairs.pairs.into_iter().map(|pair| (pair.key.into(), pair.value.into())).collect())
}

impl From<&Grant> for pb::Grant {
    fn from(grant: &Grant) -> Self {
        Self {
            uid: grant.uid,
            id: grant_to(&grant.id),
            key: key_to(&grant.key),
            terms: Some(grant.terms.as_ref().into()),
            issuer: Some((&grant.issuer).into()),
            created_ms: grant.created.as_millis(),
        }
    }
}

impl TryFrom<pb::Grant> for Grant {
    type Error = DecodeError;

    fn try_from(grant: pb::Grant) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: grant.uid,
            id: grant_from("Grant.id", &grant.id)?,
            key: key_id("Grant.key", &grant.key)?,
            terms: Arc::new(required("Grant.terms", grant.terms)?.try_into()?),
            issuer: principal("Grant.issuer", grant.issuer)?,
            created: Timestamp::from_millis(grant.created_ms),
        })
    }
}

impl From<&DestroyedKey> for pb::DestroyedKey {
    fn from(key: &DestroyedKey) -> Self {
        Self {
            uid: key.uid,
            id: key_to(&key.id),
            account: key.account.number(),
            region: key.region.as_ref().map(|region| region.as_str().to_owned()),
            at_ms: key.at.as_millis(),
            index: key.index,
        }
    }
}

impl TryFrom<pb::DestroyedKey> for DestroyedKey {
    type Error = DecodeError;

    fn try_from(key: pb::DestroyedKey) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: key.uid,
            id: key_id("DestroyedKey.id", &key.id)?,
            account: account("DestroyedKey.account", key.account)?,
            region: region("DestroyedKey.region", key.region)?,
            at: Timestamp::from_millis(key.at_ms),
            index: key.index,
        })
    }
}

impl From<&RewrapJob> for pb::RewrapJob {
    fn from(job: &RewrapJob) -> Self {
        Self {
            key_uid: job.key_uid,
            to: Some((&KeyVersion { key: job.key, material: job.material }).into()),
            started_ms: job.started.as_millis(),
            cursor: job.cursor.0,
            secrets: job.secrets,
            rewrapped: job.rewrapped,
            failed: job.failed,
            finished_ms: millis(job.finished),
        }
    }
}

impl TryFrom<pb::RewrapJob> for RewrapJob {
    type Error = DecodeError;

    fn try_from(job: pb::RewrapJob) -> Result<Self, DecodeError> {
        let KeyVersion { key, material } = key_version("RewrapJob.to", job.to)?;
        Ok(Self {
            key_uid: job.key_uid,
            key,
            material,
            started: Timestamp::from_millis(job.started_ms),
            cursor: SecretUid(job.cursor),
            secrets: job.secrets,
            rewrapped: job.rewrapped,
            failed: job.failed,
            finished: timestamp(job.finished_ms),
        })
    }
}

impl From<&Keyring> for pb::Keyring {
    fn from(keyring: &Keyring) -> Self {
        Self {
            revision: keyring.revision,
            sealed: shared(&keyring.sealed),
            terms: shared(&keyring.terms),
            at_ms: keyring.at.as_millis(),
            index: keyring.index,
        }
    }
}

impl TryFrom<pb::Keyring> for Keyring {
    type Error = DecodeError;

    fn try_from(keyring: pb::Keyring) -> Result<Self, DecodeError> {
        Ok(Self {
            revision: keyring.revision,
            sealed: sealed("Keyring.sealed", &keyring.sealed)?,
            terms: Arc::from(&keyring.terms[..]),
            at: Timestamp::from_millis(keyring.at_ms),
            index: keyring.index,
        })
    }
}
