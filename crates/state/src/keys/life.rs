//! The life of a key: which changes there are, and in which state of the key each is refused.
//!
//! The rules are those of AWS's table of key states (KMS Developer Guide, "Key states of AWS KMS keys").

use types::{KeyId, Principal, Tag, limits};

use super::command::{ChangeKey, CreateKey, KeyChange, RotateKey};
use super::key::{EncryptionKey, KeyManager, KeyRotation, KeyState, MaterialRotation, RotationKind};
use super::refusal::KeyRefusal;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::state::State;

impl State {
    pub(crate) fn create_key(&mut self, index: u64, command: CreateKey) -> Outcome {
        let CreateKey { namespace, key, material, manager, alias, .. } = command;
        if self.keys.contains_key(&key) || self.destroyed_key(&key).is_some() || self.cluster.is_none() {
            // The proposer draws another id, and nothing is there before the cluster.
            return Err(Refusal::Conflict);
        }
        let taken = alias.as_ref().is_some_and(|alias| self.alias(&namespace, alias).is_some());
        match (&alias, manager) {
            (Some(_), KeyManager::Service) if taken => return Err(Refusal::Conflict),
            (Some(alias), KeyManager::Customer) if alias.is_reserved() => {
                return Err(KeyRefusal::AliasReserved.into());
            }
            (Some(_), KeyManager::Customer) if taken => return Err(KeyRefusal::AliasExists.into()),
            _ => {}
        }
        if self.key_count(&namespace) >= limits::KEYS_PER_REGION {
            return Err(KeyRefusal::KeyQuota.into());
        }
        if command.tags.len() > limits::TAGS_PER_KEY {
            return Err(KeyRefusal::TagQuota.into());
        }
        command.policy.as_deref().map_or(Ok(()), must_be_short)?;
        let counted_from = self.time;
        let made = EncryptionKey {
            uid: self.draw_uid(),
            id: key,
            account: namespace.account,
            region: Some(namespace.region.clone()),
            manager,
            state: KeyState::Enabled,
            created: self.time,
            description: command.description,
            policy: command.policy,
            tags: command.tags,
            rotation: command.rotation_period_days.map(|period_days| KeyRotation { period_days, counted_from }),
            material: vec![material],
            rotations: Vec::new(),
            changed_at: index,
        };
        self.put_key(made);
        if let Some(alias) = alias {
            self.add_alias(index, namespace, alias, key);
        }
        Ok(Applied::KeyChanged { key })
    }

    pub(crate) fn change_key(&mut self, index: u64, principal: &Principal, command: ChangeKey) -> Outcome {
        let ChangeKey { key: id, change } = command;
        let key = self.keys.get(&id).ok_or(Refusal::Conflict)?.clone();
        permitted(&key, &change)?;
        let mut next = key.as_ref().clone();
        let mut applied = Applied::KeyChanged { key: id };
        match change {
            KeyChange::Description(description) => next.description = description,
            KeyChange::Enable => next.state = KeyState::Enabled,
            KeyChange::Disable => next.state = KeyState::Disabled,
            KeyChange::ScheduleDeletion { window_days } => {
                let ends = self.time.plus_days(window_days);
                next.state = KeyState::PendingDeletion { ends, window_days };
                applied = Applied::KeyDeletionScheduled { key: id, deletion_date: ends };
            }
            KeyChange::CancelDeletion => next.state = KeyState::Disabled,
            KeyChange::Rotation(period_days) => {
                let counted_from = key.rotation.map_or(self.time, |rotation| rotation.counted_from);
                next.rotation = period_days.map(|period_days| KeyRotation { period_days, counted_from });
            }
            KeyChange::Rotate(rotate) => {
                applied = Applied::KeyRotated { key: id, material: rotate.number };
                self.rotate(&mut next, rotate)?;
            }
            KeyChange::Policy(policy) => {
                must_be_short(&policy)?;
                next.policy = Some(policy);
            }
            KeyChange::Tag(tags) => next.tags = tagged(&key.tags, tags)?,
            KeyChange::Untag(keys) => next.tags.retain(|tag| !keys.contains(&tag.key)),
            KeyChange::Grant(grant) => return self.create_grant(principal, id, grant),
            KeyChange::Revoke(grant) | KeyChange::Retire(grant) => {
                if !self.end_grant(&id, &grant) {
                    return Err(Refusal::Conflict);
                }
                // A decision may rest upon the grant.
                next.changed_at = index;
            }
            KeyChange::Rewrap => {
                self.begin_rewrap(&key);
                return Ok(applied);
            }
        }
        if next != *key {
            next.changed_at = index;
            let has_rotated = next.material.len() > key.material.len();
            if has_rotated {
                self.begin_rewrap(&next);
            }
            self.put_key(next);
        }
        Ok(applied)
    }

    /// Gives a key new material.
    fn rotate(&self, key: &mut EncryptionKey, rotate: RotateKey) -> Result<(), Refusal> {
        let RotateKey { number, material, kind } = rotate;
        let count = key.rotations.iter().filter(|rotation| rotation.kind == RotationKind::OnDemand).count();
        match kind {
            RotationKind::OnDemand if count >= limits::ON_DEMAND_ROTATIONS => {
                return Err(KeyRefusal::OnDemandRotationQuota.into());
            }
            RotationKind::Automatic if key.next_rotation().is_none_or(|next| next > self.time) => {
                return Err(Refusal::Conflict);
            }
            RotationKind::OnDemand | RotationKind::Automatic => {}
        }
        if key.material.len() >= limits::MATERIALS_PER_KEY {
            return Err(KeyRefusal::MaterialQuota.into());
        }
        if key.newest_material().checked_add(1) != Some(number) {
            return Err(Refusal::Conflict);
        }
        key.material.push(material);
        key.rotations.push(MaterialRotation { at: self.time, kind });
        if let (RotationKind::Automatic, Some(rotation)) = (kind, &mut key.rotation) {
            rotation.counted_from = self.time;
        }
        Ok(())
    }

    /// Whether a key is there and has not changed since a decision that rests upon it.
    pub(crate) fn key_unchanged_since(&self, id: &KeyId, decided_at: u64) -> bool {
        self.keys.get(id).is_some_and(|key| key.changed_at <= decided_at)
    }

    /// Refuses a write of a value under a key that may not be used.
    pub(crate) fn must_be_enabled(&self, id: &KeyId) -> Result<(), Refusal> {
        let key = self.keys.get(id).ok_or(Refusal::Conflict)?;
        match key.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(KeyRefusal::Disabled.into()),
            KeyState::PendingDeletion { .. } => Err(KeyRefusal::PendingDeletion.into()),
        }
    }
}

/// Which changes a key of a customer takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// In every state.
    Always,
    /// Unless it is about to go.
    UntilDeletion,
    /// Only while it is enabled.
    WhileEnabled,
    /// Only while it is about to go.
    BeforeDeletion,
}

const fn takes(change: &KeyChange) -> Takes {
    match change {
        KeyChange::Policy(_) | KeyChange::Revoke(_) | KeyChange::Retire(_) => Takes::Always,
        KeyChange::Description(_)
        | KeyChange::Enable
        | KeyChange::Disable
        | KeyChange::ScheduleDeletion { .. }
        | KeyChange::Tag(_)
        | KeyChange::Untag(_) => Takes::UntilDeletion,
        KeyChange::Rotation(_) | KeyChange::Rotate(_) | KeyChange::Grant(_) | KeyChange::Rewrap => Takes::WhileEnabled,
        KeyChange::CancelDeletion => Takes::BeforeDeletion,
    }
}

/// Whether a key of the service takes the change: what the service does itself, and grants.
const fn service_keys_take(change: &KeyChange) -> bool {
    matches!(
        change,
        KeyChange::Rotate(RotateKey { kind: RotationKind::Automatic, .. })
            | KeyChange::Rewrap
            | KeyChange::Grant(_)
            | KeyChange::Revoke(_)
            | KeyChange::Retire(_)
    )
}

fn permitted(key: &EncryptionKey, change: &KeyChange) -> Result<(), KeyRefusal> {
    if key.manager == KeyManager::Service && !service_keys_take(change) {
        return Err(KeyRefusal::OfTheService);
    }
    match (takes(change), key.state) {
        (Takes::WhileEnabled, KeyState::Disabled) => Err(KeyRefusal::Disabled),
        (Takes::UntilDeletion | Takes::WhileEnabled, KeyState::PendingDeletion { .. }) => {
            Err(KeyRefusal::PendingDeletion)
        }
        (Takes::BeforeDeletion, KeyState::Enabled | KeyState::Disabled) => Err(KeyRefusal::NotPendingDeletion),
        _ => Ok(()),
    }
}

fn must_be_short(policy: &str) -> Result<(), KeyRefusal> {
    if policy.len() > limits::KEY_POLICY_BYTES { Err(KeyRefusal::PolicyTooLong) } else { Ok(()) }
}

/// The tags with others put over them: a known key keeps its place, new ones come behind.
fn tagged(tags: &[Tag], new: Vec<Tag>) -> Result<Vec<Tag>, KeyRefusal> {
    let mut next = tags.to_vec();
    for tag in new {
        match next.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value = tag.value,
            None => next.push(tag),
        }
    }
    if next.len() > tags.len().max(limits::TAGS_PER_KEY) { Err(KeyRefusal::TagQuota) } else { Ok(next) }
}
