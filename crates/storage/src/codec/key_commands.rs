//! Commands on keys.

use std::sync::Arc;

use state::{
    ChangeKey, CreateAlias, CreateKey, DeleteAlias, KeyChange, NewGrant, PurgeKeys, Rewrap, RewrapDataKeys,
    RewrappedVersion, RotateKey, SecretRewrap, SecretUid, SetKeyring, UpdateAlias,
};
use types::{AliasName, Timestamp};

use super::DecodeError;
use super::common::{key_id, namespace, required, sealed, shared, shared_text, tags_from, tags_to, text, version_id};
use super::keys::{
    alias_name, grant_from, grant_to, key_to, key_version, kind_from, kind_to, manager_from, manager_to,
};
use crate::schema as pb;

impl From<&CreateKey> for pb::CreateKey {
    fn from(create: &CreateKey) -> Self {
        Self {
            namespace: Some((&create.namespace).into()),
            key: key_to(&create.key),
            material: shared(&create.material),
            manager: manager_to(create.manager),
            alias: create.alias.as_ref().map(|alias| alias.as_str().to_owned()),
            description: create.description.as_ref().to_owned(),
            policy: text(&create.policy),
            tags: tags_to(&create.tags),
            rotation_period_days: create.rotation_period_days,
        }
    }
}

impl TryFrom<pb::CreateKey> for CreateKey {
    type Error = DecodeError;

    fn try_from(create: pb::CreateKey) -> Result<Self, DecodeError> {
        let alias = |text: String| -> Result<AliasName, DecodeError> { alias_name("CreateKey.alias", &text) };
        Ok(Self {
            namespace: namespace("CreateKey.namespace", create.namespace)?,
            key: key_id("CreateKey.key", &create.key)?,
            material: sealed("CreateKey.material", &create.material)?,
            manager: manager_from("CreateKey.manager", create.manager)?,
            alias: create.alias.map(alias).transpose()?,
            description: create.description.into(),
            policy: shared_text(create.policy),
            tags: tags_from(create.tags),
            rotation_period_days: create.rotation_period_days,
        })
    }
}

impl From<&ChangeKey> for pb::ChangeKey {
    fn from(command: &ChangeKey) -> Self {
        Self { key: key_to(&command.key), change: Some(change_to(&command.change)) }
    }
}

impl TryFrom<pb::ChangeKey> for ChangeKey {
    type Error = DecodeError;

    fn try_from(command: pb::ChangeKey) -> Result<Self, DecodeError> {
        let change = change_from(required("ChangeKey.change", command.change)?)?;
        Ok(Self { key: key_id("ChangeKey.key", &command.key)?, change })
    }
}

fn change_to(change: &KeyChange) -> pb::change_key::Change {
    use pb::change_key::Change;
    match change {
        KeyChange::Description(description) => Change::Description(description.as_ref().to_owned()),
        KeyChange::Enable => Change::Enable(pb::Enable {}),
        KeyChange::Disable => Change::Disable(pb::Disable {}),
        KeyChange::ScheduleDeletion { window_days } => Change::ScheduleDeletionDays(*window_days),
        KeyChange::CancelDeletion => Change::CancelDeletion(pb::CancelDeletion {}),
        KeyChange::Rotation(period_days) => Change::Rotation(pb::SetRotation { period_days: *period_days }),
        KeyChange::Rotate(rotate) => Change::Rotate(pb::RotateKey {
            number: rotate.number,
            material: shared(&rotate.material),
            kind: kind_to(rotate.kind),
        }),
        KeyChange::Policy(policy) => Change::Policy(policy.as_ref().to_owned()),
        KeyChange::Tag(tags) => Change::Tag(pb::Tags { tags: tags_to(tags) }),
        KeyChange::Untag(keys) => {
            Change::Untag(pb::TagKeys { keys: keys.iter().map(|key| key.as_ref().to_owned()).collect() })
        }
        KeyChange::Grant(grant) => {
            Change::Grant(pb::NewGrant { id: grant_to(&grant.id), terms: Some(grant.terms.as_ref().into()) })
        }
        KeyChange::Revoke(grant) => Change::Revoke(grant_to(grant)),
        KeyChange::Retire(grant) => Change::Retire(grant_to(grant)),
        KeyChange::Rewrap => Change::Rewrap(pb::BeginRewrap {}),
    }
}

fn change_from(change: pb::change_key::Change) -> Result<KeyChange, DecodeError> {
    use pb::change_key::Change;
    Ok(match change {
        Change::Description(description) => KeyChange::Description(description.into()),
        Change::Enable(pb::Enable {}) => KeyChange::Enable,
        Change::Disable(pb::Disable {}) => KeyChange::Disable,
        Change::ScheduleDeletionDays(window_days) => KeyChange::ScheduleDeletion { window_days },
        Change::CancelDeletion(pb::CancelDeletion {}) => KeyChange::CancelDeletion,
        Change::Rotation(pb::SetRotation { period_days }) => KeyChange::Rotation(period_days),
        Change::Rotate(rotate) => KeyChange::Rotate(RotateKey {
            number: rotate.number,
            material: sealed("RotateKey.material", &rotate.material)?,
            kind: kind_from("RotateKey.kind", rotate.kind)?,
        }),
        Change::Policy(policy) => KeyChange::Policy(policy.into()),
        Change::Tag(tags) => KeyChange::Tag(tags_from(tags.tags)),
        Change::Untag(keys) => KeyChange::Untag(keys.keys.into_iter().map(Into::into).collect()),
        Change::Grant(grant) => KeyChange::Grant(NewGrant {
            id: grant_from("NewGrant.id", &grant.id)?,
            terms: Arc::new(required("NewGrant.terms", grant.terms)?.try_into()?),
        }),
        Change::Revoke(grant) => KeyChange::Revoke(grant_from("ChangeKey.revoke", &grant)?),
        Change::Retire(grant) => KeyChange::Retire(grant_from("ChangeKey.retire", &grant)?),
        Change::Rewrap(pb::BeginRewrap {}) => KeyChange::Rewrap,
    })
}

impl From<&CreateAlias> for pb::CreateAlias {
    fn from(create: &CreateAlias) -> Self {
        Self {
            namespace: Some((&create.namespace).into()),
            name: create.name.as_str().to_owned(),
            key: key_to(&create.key),
        }
    }
}

impl TryFrom<pb::CreateAlias> for CreateAlias {
    type Error = DecodeError;

    fn try_from(create: pb::CreateAlias) -> Result<Self, DecodeError> {
        Ok(Self {
            namespace: namespace("CreateAlias.namespace", create.namespace)?,
            name: alias_name("CreateAlias.name", &create.name)?,
            key: key_id("CreateAlias.key", &create.key)?,
        })
    }
}

impl From<&UpdateAlias> for pb::UpdateAlias {
    fn from(update: &UpdateAlias) -> Self {
        Self {
            namespace: Some((&update.namespace).into()),
            name: update.name.as_str().to_owned(),
            key: key_to(&update.key),
        }
    }
}

impl TryFrom<pb::UpdateAlias> for UpdateAlias {
    type Error = DecodeError;

    fn try_from(update: pb::UpdateAlias) -> Result<Self, DecodeError> {
        Ok(Self {
            namespace: namespace("UpdateAlias.namespace", update.namespace)?,
            name: alias_name("UpdateAlias.name", &update.name)?,
            key: key_id("UpdateAlias.key", &update.key)?,
        })
    }
}

impl From<&DeleteAlias> for pb::DeleteAlias {
    fn from(delete: &DeleteAlias) -> Self {
        Self { namespace: Some((&delete.namespace).into()), name: delete.name.as_str().to_owned() }
    }
}

impl TryFrom<pb::DeleteAlias> for DeleteAlias {
    type Error = DecodeError;

    fn try_from(delete: pb::DeleteAlias) -> Result<Self, DecodeError> {
        Ok(Self {
            namespace: namespace("DeleteAlias.namespace", delete.namespace)?,
            name: alias_name("DeleteAlias.name", &delete.name)?,
        })
    }
}

impl From<&PurgeKeys> for pb::PurgeKeys {
    fn from(purge: &PurgeKeys) -> Self {
        Self { keys: purge.keys.iter().map(key_to).collect(), not_after_ms: purge.not_after.as_millis() }
    }
}

impl TryFrom<pb::PurgeKeys> for PurgeKeys {
    type Error = DecodeError;

    fn try_from(purge: pb::PurgeKeys) -> Result<Self, DecodeError> {
        let keys = purge.keys.iter().map(|key| key_id("PurgeKeys.keys", key)).collect::<Result<_, _>>()?;
        Ok(Self { keys, not_after: Timestamp::from_millis(purge.not_after_ms) })
    }
}

impl From<&SecretRewrap> for pb::SecretRewrap {
    fn from(rewrap: &SecretRewrap) -> Self {
        let version = |version: &RewrappedVersion| pb::RewrappedVersion {
            version: version.version.as_str().to_owned(),
            from: Some((&version.from).into()),
            wrapped_key: shared(&version.wrapped_key),
        };
        Self { to: Some((&rewrap.to).into()), versions: rewrap.versions.iter().map(version).collect() }
    }
}

impl TryFrom<pb::SecretRewrap> for SecretRewrap {
    type Error = DecodeError;

    fn try_from(rewrap: pb::SecretRewrap) -> Result<Self, DecodeError> {
        let version = |version: pb::RewrappedVersion| -> Result<RewrappedVersion, DecodeError> {
            Ok(RewrappedVersion {
                version: version_id("RewrappedVersion.version", &version.version)?,
                from: key_version("RewrappedVersion.from", version.from)?,
                wrapped_key: sealed("RewrappedVersion.wrapped_key", &version.wrapped_key)?,
            })
        };
        Ok(Self {
            to: key_version("SecretRewrap.to", rewrap.to)?,
            versions: rewrap.versions.into_iter().map(version).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&RewrapDataKeys> for pb::RewrapDataKeys {
    fn from(step: &RewrapDataKeys) -> Self {
        let rewrap = |rewrap: &Rewrap| pb::Rewrap {
            secret: rewrap.secret.0,
            part: rewrap.part,
            from: rewrap.from,
            wrapped_key: shared(&rewrap.wrapped_key),
        };
        Self {
            to: Some((&step.to).into()),
            cursor: step.cursor.0,
            next: step.next.map(|next| next.0),
            secrets: step.secrets,
            failed: step.failed,
            rewraps: step.rewraps.iter().map(rewrap).collect(),
        }
    }
}

impl TryFrom<pb::RewrapDataKeys> for RewrapDataKeys {
    type Error = DecodeError;

    fn try_from(step: pb::RewrapDataKeys) -> Result<Self, DecodeError> {
        let rewrap = |rewrap: pb::Rewrap| -> Result<Rewrap, DecodeError> {
            Ok(Rewrap {
                secret: SecretUid(rewrap.secret),
                part: rewrap.part,
                from: rewrap.from,
                wrapped_key: sealed("Rewrap.wrapped_key", &rewrap.wrapped_key)?,
            })
        };
        Ok(Self {
            to: key_version("RewrapDataKeys.to", step.to)?,
            cursor: SecretUid(step.cursor),
            next: step.next.map(SecretUid),
            secrets: step.secrets,
            failed: step.failed,
            rewraps: step.rewraps.into_iter().map(rewrap).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&SetKeyring> for pb::SetKeyring {
    fn from(set: &SetKeyring) -> Self {
        Self { revision: set.revision, sealed: shared(&set.sealed), terms: shared(&set.terms) }
    }
}

impl TryFrom<pb::SetKeyring> for SetKeyring {
    type Error = DecodeError;

    fn try_from(set: pb::SetKeyring) -> Result<Self, DecodeError> {
        Ok(Self {
            revision: set.revision,
            sealed: sealed("SetKeyring.sealed", &set.sealed)?,
            terms: Arc::from(&set.terms[..]),
        })
    }
}
