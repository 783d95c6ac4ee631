//! The one function that changes a state.
//!
//! Every command first decides, then changes: a refusal leaves nothing behind but log time and the memory
//! of the proposal.

use std::sync::Arc;

use subtle::ConstantTimeEq;
use types::{ApiError, ErrorCode, Principal, SecretArn, StagingLabel, Timestamp, VersionId, limits};

use crate::command::{
    Bootstrap, Command, CreateSecret, DeleteMode, DeleteSecret, Envelope, Purge, PutSecretValue, RestoreSecret,
    TagResource, UntagResource, UpdateSecret, UpdateSecretVersionStage,
};
use crate::identity::{AccessKey, Binding, Cluster};
use crate::keys::{EncryptionKey, KeyManager, KeyState, rewrap_labelled};
use crate::labels;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::proposals::ProposalResult;
use crate::refusals::{
    label_quota, marked_deleted, marked_for_deletion, name_exists, name_scheduled_for_deletion, token_in_use,
    version_quota,
};
use crate::secret::{SealedValue, Secret, SecretUid, Version, VersionEntry};
use crate::state::State;
use crate::versions::Versions;
use crate::{rotation, stages, tags};

impl State {
    /// Applies the command at log index `index`, once: a proposal that is remembered answers as it did before.
    ///
    /// # Panics
    /// When indices do not increase: the log is not what it promises to be, and the node must stop.
    pub fn apply(&mut self, index: u64, envelope: Envelope) -> Outcome {
        let last = self.proposals.by_index.get_max().map_or(self.proposals.forgotten_through, |(last, _)| *last);
        assert!(index > last, "log index {index} comes after {last}");
        self.time = self.time.max(envelope.stamped);

        let Envelope { proposal, principal, decided_at, stamped, command } = envelope;
        if let Some(known) = self.proposals.result(&proposal) {
            return known.outcome.clone();
        }
        if self.proposals.may_have_forgotten(decided_at) {
            // Not remembered: the floor never sinks, so every retry is refused as well.
            return Err(Refusal::Forgotten);
        }
        let outcome = self.perform(index, &principal, decided_at, stamped, command);
        self.proposals.remember(ProposalResult { index, at: self.time, proposal, outcome: outcome.clone() });
        outcome
    }

    fn perform(
        &mut self,
        index: u64,
        principal: &Principal,
        decided_at: u64,
        stamped: Timestamp,
        command: Command,
    ) -> Outcome {
        if !self.still_holds(principal, decided_at, &command) {
            return Err(Refusal::Conflict);
        }
        self.keys_of_values_are_enabled(&command)?;
        match command {
            Command::Bootstrap(command) => self.bootstrap(index, command),
            Command::CreateSecret(command) => self.create_secret(command),
            Command::PutSecretValue(command) => self.put_secret_value(command),
            Command::DeleteSecret(command) => self.delete_secret(&command),
            Command::UpdateSecret(command) => self.update_secret(index, decided_at, command),
            Command::UpdateSecretVersionStage(command) => self.update_secret_version_stage(&command),
            Command::RestoreSecret(command) => self.restore_secret(&command),
            Command::TagResource(command) => self.tag_resource(command),
            Command::UntagResource(command) => self.untag_resource(&command),
            Command::Touch(command) => Ok(self.touch(&command)),
            Command::Purge(command) => Ok(self.purge_due(&command, stamped)),
            Command::RegisterBoot(command) => self.register_boot(&command),
            Command::MarkReverted(command) => self.mark_reverted(command),
            Command::PutResourcePolicy(command) => self.put_resource_policy(index, command),
            Command::DeleteResourcePolicy(command) => self.delete_resource_policy(index, &command),
            Command::ReplicateSecretToRegions(command) => self.replicate(&command),
            Command::RemoveRegionsFromReplication(command) => self.remove_regions(&command),
            Command::StopReplicationToReplica(command) => self.stop_replication(index, &command),
            Command::RotateSecret(command) => self.rotate_secret(command),
            Command::CancelRotateSecret(command) => self.cancel_rotate_secret(&command),
            Command::CreateKey(command) => self.create_key(index, command),
            Command::ChangeKey(command) => self.change_key(index, principal, command),
            Command::CreateAlias(command) => self.create_alias(index, command),
            Command::UpdateAlias(command) => self.update_alias(index, command),
            Command::DeleteAlias(command) => self.delete_alias(&command),
            Command::PurgeKeys(command) => Ok(self.purge_keys(index, &command, stamped)),
            Command::RewrapDataKeys(command) => self.rewrap_data_keys(command),
            Command::SetKeyring(command) => self.set_keyring(index, command),
        }
    }

    /// Whether the identity, the key and the policy that the command was decided on are still what they were.
    fn still_holds(&self, principal: &Principal, decided_at: u64, command: &Command) -> bool {
        if matches!(command, Command::Bootstrap(_)) {
            return true;
        }
        self.principal_unchanged_since(principal, decided_at)
            && self.keys_unchanged_since(command, decided_at)
            && self.policy_unchanged_since(command, decided_at)
    }

    fn principal_unchanged_since(&self, principal: &Principal, decided_at: u64) -> bool {
        match principal {
            Principal::System => true,
            Principal::Root(account) => {
                self.cluster.as_ref().is_some_and(|cluster| cluster.account == *account)
                    && self.access_keys.values().all(|k| k.principal != *principal || k.changed_at <= decided_at)
                    && self.bindings.values().all(|b| b.principal != *principal || b.changed_at <= decided_at)
            }
        }
    }

    fn bootstrap(&mut self, index: u64, command: Bootstrap) -> Outcome {
        if self.cluster.is_some() {
            return Err(ApiError::new(ErrorCode::InvalidRequest, "The cluster has been started already.").into());
        }
        let Bootstrap { account, default_key, .. } = command;
        let principal = Principal::Root(account);
        self.cluster = Some(Arc::new(Cluster { account, idempotency_key: command.idempotency_key, default_key }));
        let access_key = AccessKey {
            uid: self.draw_uid(),
            id: command.access_key_id.clone(),
            secret: command.access_key_secret,
            principal: principal.clone(),
            changed_at: index,
        };
        self.access_keys.insert(command.access_key_id, Arc::new(access_key));
        let binding =
            Binding { uid: self.draw_uid(), uri: command.root_certificate_uri.clone(), principal, changed_at: index };
        self.bindings.insert(command.root_certificate_uri, Arc::new(binding));
        let key = EncryptionKey {
            uid: self.draw_uid(),
            id: default_key,
            account,
            region: None,
            manager: KeyManager::Service,
            state: KeyState::Enabled,
            created: self.time,
            description: "".into(),
            policy: None,
            tags: Vec::new(),
            rotation: None,
            material: vec![command.default_key_material],
            rotations: Vec::new(),
            changed_at: index,
        };
        self.put_key(key);
        Ok(Applied::Bootstrapped)
    }

    fn create_secret(&mut self, command: CreateSecret) -> Outcome {
        if let Some(existing) = self.secret_named(&command.namespace, &command.name) {
            if self.is_replica(existing) {
                return Err(name_exists(&command.name).into());
            }
            return created_before(existing, &command).map(|applied| self.created(existing, applied));
        }
        if self.arns.get(&command.arn).is_some() {
            // The proposer draws another suffix.
            return Err(Refusal::Conflict);
        }
        let uid = SecretUid(self.draw_uid());
        let mut secret = Secret {
            uid,
            namespace: command.namespace,
            name: command.name,
            arn: command.arn,
            create_token: command.token.clone(),
            description: command.description,
            kms_key_id: command.kms_key_id,
            tags: Some(command.tags).filter(|tags| !tags.is_empty()),
            created: self.time,
            last_changed: self.time,
            last_accessed: None,
            deletion_date: None,
            rotation: None,
            versions: Versions::default(),
            labels: Vec::new(),
            next_part: 0,
            key_changed_at: 0,
        };
        let version = command.value.is_some().then_some(command.token);
        if let (Some(token), Some(value)) = (&version, command.value) {
            labels::attach(&mut secret.labels, token, &[StagingLabel::Current], true);
            let part = secret.draw_part();
            secret.versions.push(VersionEntry::unread(part, token.clone(), self.time, value));
        }
        let secret = Arc::new(secret);
        self.index(secret.clone());
        self.replicate_new(&secret, &command.add_replicas);
        Ok(self.created(&secret, written(&secret, version)))
    }

    fn put_secret_value(&mut self, command: PutSecretValue) -> Outcome {
        let PutSecretValue { target, token, value, stages } = command;
        let secret = self.live_secret(&target)?;
        if was_written_before(secret, &token, &value)? {
            return Ok(written(secret, Some(token)));
        }
        let next = with_value(secret, &token, value, &stages, self.time)?;
        let applied = written(&next, Some(token));
        self.change(next);
        Ok(applied)
    }

    fn update_secret(&mut self, index: u64, decided_at: u64, command: UpdateSecret) -> Outcome {
        let UpdateSecret { target, token, description, kms_key_id, value, rewrap } = command;
        let secret = self.live_secret(&target)?;
        let (mut next, version) = match value {
            None => (secret.as_ref().clone(), None),
            // The metadata belongs to the same request and was changed with it; others may have changed it since.
            Some(value) if was_written_before(secret, &token, &value)? => return Ok(written(secret, Some(token))),
            Some(value) => {
                let next = with_value(secret, &token, value, &[StagingLabel::Current], self.time)?;
                (next, Some(token))
            }
        };
        if kms_key_id.is_some() {
            next.key_changed_at = index;
        }
        match rewrap {
            Some(rewrap) => rewrap_labelled(secret, &mut next, rewrap)?,
            // They stay under keys that could not be used, which must be so still.
            None if kms_key_id.is_some() && !self.wraps_unchanged_since(secret, decided_at) => {
                return Err(Refusal::Conflict);
            }
            None => {}
        }
        if let Some(description) = description {
            next.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(kms_key_id) = kms_key_id {
            next.kms_key_id = Some(kms_key_id).filter(|id| !id.is_empty());
        }
        let applied = written(&next, version);
        self.change(next);
        Ok(applied)
    }

    fn update_secret_version_stage(&mut self, command: &UpdateSecretVersionStage) -> Outcome {
        let secret = self.live_secret(&command.target)?;
        let labels = stages::updated(secret, command)?;
        if labels.len() > secret.labels.len().max(limits::STAGING_LABELS_PER_SECRET) {
            return Err(label_quota().into());
        }
        let next = Secret { labels, ..secret.as_ref().clone() };
        Ok(self.change_unless_same(next))
    }

    fn restore_secret(&mut self, command: &RestoreSecret) -> Outcome {
        let secret = self.secret_by_arn(&command.target).ok_or(Refusal::Conflict)?;
        self.must_be_no_replica(secret)?;
        let next = Secret { deletion_date: None, ..secret.as_ref().clone() };
        Ok(self.change_unless_same(next))
    }

    fn tag_resource(&mut self, command: TagResource) -> Outcome {
        let secret = self.live_secret(&command.target)?;
        let next = Secret { tags: tags::with(secret.tags.as_ref(), command.tags)?, ..secret.as_ref().clone() };
        Ok(self.change_unless_same(next))
    }

    fn untag_resource(&mut self, command: &UntagResource) -> Outcome {
        let secret = self.live_secret(&command.target)?;
        let next = Secret { tags: tags::without(secret.tags.as_ref(), &command.keys), ..secret.as_ref().clone() };
        Ok(self.change_unless_same(next))
    }

    fn delete_secret(&mut self, command: &DeleteSecret) -> Outcome {
        let secret = self.secret_by_arn(&command.target).ok_or(Refusal::Conflict)?.clone();
        self.must_be_no_replica(&secret)?;
        if self.is_replicated(&secret) {
            // The proposer sees the replicas now, and knows what the caller called the secret.
            return Err(Refusal::Conflict);
        }
        let deletion_date = match command.mode {
            DeleteMode::Force => {
                self.purge(&secret);
                self.time
            }
            DeleteMode::Window { .. } if secret.is_scheduled_for_deletion() => return Err(marked_deleted().into()),
            DeleteMode::Window { days } => {
                let end = self.time.plus_days(days);
                self.change(Secret { deletion_date: Some(end), ..secret.as_ref().clone() });
                end
            }
        };
        Ok(Applied::Deleted { arn: secret.arn.clone(), name: secret.name.clone(), deletion_date })
    }

    /// Removes the secrets whose windows have ended, and passes over all others.
    ///
    /// Log time does not count here: a leader whose clock was ahead once has moved it for ever. The leader that appended
    /// the command and the quorum behind `not_after` must both hold that a window has ended.
    fn purge_due(&mut self, command: &Purge, stamped: Timestamp) -> Applied {
        let now = stamped.min(command.not_after);
        for uid in &command.secrets {
            let secret = self.secrets.get(uid).filter(|secret| secret.deletion_date.is_some_and(|end| end <= now));
            if let Some(secret) = secret.cloned() {
                self.purge(&secret);
            }
        }
        Applied::Purged
    }

    /// The secret that a command is about, if it is not scheduled for deletion and no replica.
    pub(crate) fn live_secret(&self, target: &SecretArn) -> Result<&Arc<Secret>, Refusal> {
        let secret = self.unscheduled_secret(target)?;
        self.must_be_no_replica(secret)?;
        Ok(secret)
    }

    /// The secret or the replica that a command is about, if it is not scheduled for deletion.
    pub(crate) fn unscheduled_secret(&self, target: &SecretArn) -> Result<&Arc<Secret>, Refusal> {
        let secret = self.secret_by_arn(target).ok_or(Refusal::Conflict)?;
        if secret.is_scheduled_for_deletion() { Err(marked_for_deletion().into()) } else { Ok(secret) }
    }

    /// Puts `next`, which was made from the secret as it is, in its place.
    ///
    /// Its LastChangedDate becomes later than the one before, without moving log time.
    pub(crate) fn change(&mut self, mut next: Secret) {
        next.last_changed = self.time.max(next.last_changed.next());
        if let Some(before) = self.secrets.get(&next.uid) {
            rotation::follow(before, &mut next, self.time);
        }
        self.replace(next);
    }

    /// As [`Self::change`] for a command without a value; one that came to nothing is no change.
    fn change_unless_same(&mut self, next: Secret) -> Applied {
        let applied = written(&next, None);
        if self.secrets.get(&next.uid).is_none_or(|secret| **secret != next) {
            self.change(next);
        }
        applied
    }

    pub(crate) const fn draw_uid(&mut self) -> u64 {
        let uid = self.next_uid;
        self.next_uid += 1;
        uid
    }
}

/// CreateSecret under a name that is taken: the same request again, or a refusal.
fn created_before(secret: &Secret, command: &CreateSecret) -> Outcome {
    if secret.is_scheduled_for_deletion() {
        return Err(name_scheduled_for_deletion().into());
    }
    let version = secret.version(&command.token).map(|entry| &entry.version);
    match (version.and_then(|version| version.value.as_ref()), &command.value) {
        (Some(kept), Some(value)) if is_same(kept, value) => Ok(written(secret, Some(command.token.clone()))),
        (Some(_), _) => Err(token_in_use(&command.token, &secret.arn).into()),
        (None, None) if secret.create_token == command.token => Ok(written(secret, None)),
        (None, _) => Err(name_exists(&command.name).into()),
    }
}

/// Whether a version of that token has that value already.
///
/// # Errors
/// ResourceExists when it has another one.
fn was_written_before(secret: &Secret, token: &VersionId, value: &SealedValue) -> Result<bool, ApiError> {
    match secret.version(token).and_then(|entry| entry.version.value.as_ref()) {
        None => Ok(false),
        Some(kept) if is_same(kept, value) => Ok(true),
        Some(_) => Err(token_in_use(token, &secret.arn)),
    }
}

/// The secret with a value that it does not have yet: in the placeholder of that token, or in a new version.
///
/// # Errors
/// LimitExceeded.
fn with_value(
    secret: &Secret,
    token: &VersionId,
    value: SealedValue,
    stages: &[StagingLabel],
    now: Timestamp,
) -> Result<Secret, ApiError> {
    let mut next = secret.clone();
    labels::attach(&mut next.labels, token, stages, !secret.has_labelled_value());
    rotation::abandon(secret, &mut next.labels, token);
    if next.labels.len() > limits::STAGING_LABELS_PER_SECRET {
        return Err(label_quota());
    }
    match secret.version(token) {
        Some(placeholder) => next.versions.replace(filled(placeholder, value)),
        None => {
            make_room(&mut next, now)?;
            let entry = VersionEntry::unread(next.draw_part(), token.clone(), now, value);
            next.versions.push(entry);
        }
    }
    Ok(next)
}

/// Whether two seals are of one value. The fingerprint covers the kind too; ciphertexts always differ.
fn is_same(kept: &SealedValue, value: &SealedValue) -> bool {
    kept.kind == value.kind && bool::from(kept.fingerprint.ct_eq(&value.fingerprint))
}

pub(crate) fn written(secret: &Secret, version: Option<VersionId>) -> Applied {
    let stages = version.as_ref().map_or_else(Vec::new, |id| secret.stages_of(id));
    Applied::Written { arn: secret.arn.clone(), name: secret.name.clone(), version, stages }
}

/// A placeholder with its value; everything else of it stays.
fn filled(placeholder: &VersionEntry, value: SealedValue) -> VersionEntry {
    let Version { part, ref id, created, value: _, sealed_under: _ } = *placeholder.version;
    let full = Arc::new(Version { part, id: id.clone(), created, value: Some(value), sealed_under: None });
    VersionEntry::new(full, placeholder.last_accessed)
}

/// Past the quota the oldest versions that have no label and are not young make room for one more.
///
/// # Errors
/// LimitExceeded.
pub(crate) fn make_room(secret: &mut Secret, now: Timestamp) -> Result<(), ApiError> {
    let mut excess = (secret.versions.len() + 1).saturating_sub(limits::VERSIONS_PER_SECRET);
    if excess == 0 {
        return Ok(());
    }
    let labels = &secret.labels;
    let removable = |version: &Version| {
        now.since(version.created) > limits::YOUNG_VERSION_AGE && labels.iter().all(|(_, holder)| *holder != version.id)
    };
    secret.versions.retain(|entry| {
        let goes = excess > 0 && removable(&entry.version);
        excess -= usize::from(goes);
        !goes
    });
    if excess > 0 { Err(version_quota()) } else { Ok(()) }
}
