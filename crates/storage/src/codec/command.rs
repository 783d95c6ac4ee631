//! Envelopes, proposals and commands.

use bytes::Bytes;
use prost::Message;
use state::{
    Access, Bootstrap, Command, CreateSecret, DeleteMode, DeleteSecret, Envelope, Purge, PutSecretValue, RestoreSecret,
    SealedValue, SecretUid, TagResource, Touch, UntagResource, UpdateSecret, UpdateSecretVersionStage,
};
use types::{Principal, ProposalId, Timestamp, VersionId};

use super::common::{
    access_key_id, account, arn, key_id, label, label_texts, labels, name, namespace, principal, proposal_id, required,
    sealed, shared, shared_text, tags_from, tags_to, text, version_id,
};
use super::replication::{add_from, add_to};
use super::{DecodeError, decode_versioned};
use crate::schema::{self as pb, FORMAT};

/// A command on its way to the leader: an envelope without its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRequest {
    /// The same for every retry of one proposal.
    pub proposal: ProposalId,
    /// Who asked for it.
    pub principal: Principal,
    /// The log index of the state on which the request was decided.
    pub decided_at: u64,
    /// What to do.
    pub command: Command,
}

/// Encodes a log payload, before it is sealed.
pub fn encode_envelope(envelope: &Envelope) -> Vec<u8> {
    pb::Envelope {
        format: FORMAT,
        proposal: Bytes::copy_from_slice(&envelope.proposal.0),
        principal: Some((&envelope.principal).into()),
        decided_at: envelope.decided_at,
        stamped_ms: envelope.stamped.as_millis(),
        command: Some((&envelope.command).into()),
    }
    .encode_to_vec()
}

/// Decodes a log payload.
///
/// # Errors
/// [`DecodeError`] names what is wrong with the bytes.
pub fn decode_envelope(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    decode_envelope_from(Bytes::copy_from_slice(bytes))
}

/// As [`decode_envelope`], without the copy.
pub(crate) fn decode_envelope_from(bytes: Bytes) -> Result<Envelope, DecodeError> {
    let envelope: pb::Envelope = decode_versioned(bytes)?;
    Ok(Envelope {
        proposal: proposal_id("Envelope.proposal", &envelope.proposal)?,
        principal: principal("Envelope.principal", envelope.principal)?,
        decided_at: envelope.decided_at,
        stamped: Timestamp::from_millis(envelope.stamped_ms),
        command: required("Envelope.command", envelope.command)?.try_into()?,
    })
}

/// Encodes a proposal for the leader.
pub fn encode_proposal(request: &ProposalRequest) -> Vec<u8> {
    pb::Proposal {
        format: FORMAT,
        proposal: Bytes::copy_from_slice(&request.proposal.0),
        principal: Some((&request.principal).into()),
        decided_at: request.decided_at,
        command: Some((&request.command).into()),
    }
    .encode_to_vec()
}

/// Decodes a proposal from a follower.
///
/// # Errors
/// [`DecodeError`] names what is wrong with the bytes.
pub fn decode_proposal(bytes: &[u8]) -> Result<ProposalRequest, DecodeError> {
    let proposal: pb::Proposal = decode_versioned(Bytes::copy_from_slice(bytes))?;
    Ok(ProposalRequest {
        proposal: proposal_id("Proposal.proposal", &proposal.proposal)?,
        principal: principal("Proposal.principal", proposal.principal)?,
        decided_at: proposal.decided_at,
        command: required("Proposal.command", proposal.command)?.try_into()?,
    })
}

impl From<&Command> for pb::Command {
    fn from(command: &Command) -> Self {
        use pb::command::Kind;
        let kind = match command {
            Command::Bootstrap(bootstrap) => Kind::Bootstrap(bootstrap.into()),
            Command::CreateSecret(create) => Kind::CreateSecret(create.into()),
            Command::PutSecretValue(put) => Kind::PutSecretValue(put.into()),
            Command::DeleteSecret(delete) => Kind::DeleteSecret(delete.into()),
            Command::UpdateSecret(update) => Kind::UpdateSecret(update.into()),
            Command::UpdateSecretVersionStage(update) => Kind::UpdateSecretVersionStage(update.into()),
            Command::RestoreSecret(restore) => Kind::RestoreSecret(restore.into()),
            Command::TagResource(tag) => Kind::TagResource(tag.into()),
            Command::UntagResource(untag) => Kind::UntagResource(untag.into()),
            Command::Touch(touch) => Kind::Touch(touch.into()),
            Command::Purge(purge) => Kind::Purge(purge.into()),
            Command::RegisterBoot(register) => Kind::RegisterBoot(register.into()),
            Command::MarkReverted(mark) => Kind::MarkReverted((*mark).into()),
            Command::PutResourcePolicy(put) => Kind::PutResourcePolicy(put.into()),
            Command::DeleteResourcePolicy(delete) => Kind::DeleteResourcePolicy(delete.into()),
            Command::ReplicateSecretToRegions(replicate) => Kind::ReplicateSecretToRegions(replicate.into()),
            Command::RemoveRegionsFromReplication(remove) => Kind::RemoveRegionsFromReplication(remove.into()),
            Command::StopReplicationToReplica(stop) => Kind::StopReplicationToReplica(stop.into()),
            Command::RotateSecret(rotate) => Kind::RotateSecret(rotate.into()),
            Command::CancelRotateSecret(cancel) => Kind::CancelRotateSecret(cancel.into()),
            Command::CreateKey(create) => Kind::CreateKey(create.into()),
            Command::ChangeKey(change) => Kind::ChangeKey(change.into()),
            Command::CreateAlias(create) => Kind::CreateAlias(create.into()),
            Command::UpdateAlias(update) => Kind::UpdateAlias(update.into()),
            Command::DeleteAlias(delete) => Kind::DeleteAlias(delete.into()),
            Command::PurgeKeys(purge) => Kind::PurgeKeys(purge.into()),
            Command::RewrapDataKeys(step) => Kind::RewrapDataKeys(step.into()),
            Command::SetKeyring(set) => Kind::SetKeyring(set.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::Command> for Command {
    type Error = DecodeError;

    fn try_from(command: pb::Command) -> Result<Self, DecodeError> {
        use pb::command::Kind;
        Ok(match required("Command.kind", command.kind)? {
            Kind::Bootstrap(bootstrap) => Self::Bootstrap(bootstrap.try_into()?),
            Kind::CreateSecret(create) => Self::CreateSecret(create.try_into()?),
            Kind::PutSecretValue(put) => Self::PutSecretValue(put.try_into()?),
            Kind::DeleteSecret(delete) => Self::DeleteSecret(delete.try_into()?),
            Kind::UpdateSecret(update) => Self::UpdateSecret(update.try_into()?),
            Kind::UpdateSecretVersionStage(update) => Self::UpdateSecretVersionStage(update.try_into()?),
            Kind::RestoreSecret(restore) => Self::RestoreSecret(restore.try_into()?),
            Kind::TagResource(tag) => Self::TagResource(tag.try_into()?),
            Kind::UntagResource(untag) => Self::UntagResource(untag.try_into()?),
            Kind::Touch(touch) => Self::Touch(touch.into()),
            Kind::Purge(purge) => Self::Purge(purge.into()),
            Kind::RegisterBoot(register) => Self::RegisterBoot(register.try_into()?),
            Kind::MarkReverted(mark) => Self::MarkReverted(mark.try_into()?),
            Kind::PutResourcePolicy(put) => Self::PutResourcePolicy(put.try_into()?),
            Kind::DeleteResourcePolicy(delete) => Self::DeleteResourcePolicy(delete.try_into()?),
            Kind::ReplicateSecretToRegions(replicate) => Self::ReplicateSecretToRegions(replicate.try_into()?),
            Kind::RemoveRegionsFromReplication(remove) => Self::RemoveRegionsFromReplication(remove.try_into()?),
            Kind::StopReplicationToReplica(stop) => Self::StopReplicationToReplica(stop.try_into()?),
            Kind::RotateSecret(rotate) => Self::RotateSecret(rotate.try_into()?),
            Kind::CancelRotateSecret(cancel) => Self::CancelRotateSecret(cancel.try_into()?),
            Kind::CreateKey(create) => Self::CreateKey(create.try_into()?),
            Kind::ChangeKey(change) => Self::ChangeKey(change.try_into()?),
            Kind::CreateAlias(create) => Self::CreateAlias(create.try_into()?),
            Kind::UpdateAlias(update) => Self::UpdateAlias(update.try_into()?),
            Kind::DeleteAlias(delete) => Self::DeleteAlias(delete.try_into()?),
            Kind::PurgeKeys(purge) => Self::PurgeKeys(purge.try_into()?),
            Kind::RewrapDataKeys(step) => Self::RewrapDataKeys(step.try_into()?),
            Kind::SetKeyring(set) => Self::SetKeyring(set.try_into()?),
        })
    }
}

impl From<&Bootstrap> for pb::Bootstrap {
    fn from(bootstrap: &Bootstrap) -> Self {
        Self {
            account: bootstrap.account.number(),
            access_key_id: bootstrap.access_key_id.as_str().to_owned(),
            access_key_secret: shared(&bootstrap.access_key_secret),
            root_certificate_uri: bootstrap.root_certificate_uri.as_ref().to_owned(),
            idempotency_key: shared(&bootstrap.idempotency_key),
            default_key: Bytes::copy_from_slice(&bootstrap.default_key.0),
            default_key_material: shared(&bootstrap.default_key_material),
        }
    }
}

impl TryFrom<pb::Bootstrap> for Bootstrap {
    type Error = DecodeError;

    fn try_from(bootstrap: pb::Bootstrap) -> Result<Self, DecodeError> {
        Ok(Self {
            account: account("Bootstrap.account", bootstrap.account)?,
            access_key_id: access_key_id("Bootstrap.access_key_id", &bootstrap.access_key_id)?,
            access_key_secret: sealed("Bootstrap.access_key_secret", &bootstrap.access_key_secret)?,
            root_certificate_uri: bootstrap.root_certificate_uri.into(),
            idempotency_key: sealed("Bootstrap.idempotency_key", &bootstrap.idempotency_key)?,
            default_key: key_id("Bootstrap.default_key", &bootstrap.default_key)?,
            default_key_material: sealed("Bootstrap.default_key_material", &bootstrap.default_key_material)?,
        })
    }
}

impl From<&CreateSecret> for pb::CreateSecret {
    fn from(create: &CreateSecret) -> Self {
        Self {
            namespace: Some((&create.namespace).into()),
            name: create.name.as_str().to_owned(),
            arn: create.arn.as_str().to_owned(),
            token: create.token.as_str().to_owned(),
            description: text(&create.description),
            kms_key_id: text(&create.kms_key_id),
            tags: tags_to(&create.tags),
            value: create.value.as_ref().map(Into::into),
            add_replicas: add_to(&create.add_replicas),
        }
    }
}

impl TryFrom<pb::CreateSecret> for CreateSecret {
    type Error = DecodeError;

    fn try_from(create: pb::CreateSecret) -> Result<Self, DecodeError> {
        Ok(Self {
            namespace: namespace("CreateSecret.namespace", create.namespace)?,
            name: name("CreateSecret.name", &create.name)?,
            arn: arn("CreateSecret.arn", &create.arn)?,
            token: version_id("CreateSecret.token", &create.token)?,
            description: shared_text(create.description),
            kms_key_id: shared_text(create.kms_key_id),
            tags: tags_from(create.tags),
            value: create.value.map(SealedValue::try_from).transpose()?,
            add_replicas: add_from(create.add_replicas)?,
        })
    }
}

impl From<&PutSecretValue> for pb::PutSecretValue {
    fn from(put: &PutSecretValue) -> Self {
        Self {
            target: put.target.as_str().to_owned(),
            token: put.token.as_str().to_owned(),
            value: Some((&put.value).into()),
            stages: label_texts(&put.stages),
        }
    }
}

impl TryFrom<pb::PutSecretValue> for PutSecretValue {
    type Error = DecodeError;

    fn try_from(put: pb::PutSecretValue) -> Result<Self, DecodeError> {
        Ok(Self {
            target: arn("PutSecretValue.target", &put.target)?,
            token: version_id("PutSecretValue.token", &put.token)?,
            value: required("PutSecretValue.value", put.value)?.try_into()?,
            stages: labels("PutSecretValue.stages", &put.stages)?,
        })
    }
}

impl From<&DeleteSecret> for pb::DeleteSecret {
    fn from(delete: &DeleteSecret) -> Self {
        use pb::delete_secret::Mode;
        let mode = match delete.mode {
            DeleteMode::Window { days } => Mode::WindowDays(days),
            DeleteMode::Force => Mode::Force(pb::Force {}),
        };
        Self { target: delete.target.as_str().to_owned(), mode: Some(mode) }
    }
}

impl TryFrom<pb::DeleteSecret> for DeleteSecret {
    type Error = DecodeError;

    fn try_from(delete: pb::DeleteSecret) -> Result<Self, DecodeError> {
        use pb::delete_secret::Mode;
        let mode = match required("DeleteSecret.mode", delete.mode)? {
            Mode::WindowDays(days) => DeleteMode::Window { days },
            Mode::Force(pb::Force {}) => DeleteMode::Force,
        };
        Ok(Self { target: arn("DeleteSecret.target", &delete.target)?, mode })
    }
}

impl From<&UpdateSecret> for pb::UpdateSecret {
    fn from(update: &UpdateSecret) -> Self {
        Self {
            target: update.target.as_str().to_owned(),
            token: update.token.as_str().to_owned(),
            description: text(&update.description),
            kms_key_id: text(&update.kms_key_id),
            value: update.value.as_ref().map(Into::into),
            rewrap: update.rewrap.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<pb::UpdateSecret> for UpdateSecret {
    type Error = DecodeError;

    fn try_from(update: pb::UpdateSecret) -> Result<Self, DecodeError> {
        Ok(Self {
            target: arn("UpdateSecret.target", &update.target)?,
            token: version_id("UpdateSecret.token", &update.token)?,
            description: shared_text(update.description),
            kms_key_id: shared_text(update.kms_key_id),
            value: update.value.map(SealedValue::try_from).transpose()?,
            rewrap: update.rewrap.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&UpdateSecretVersionStage> for pb::UpdateSecretVersionStage {
    fn from(update: &UpdateSecretVersionStage) -> Self {
        let id = |id: &Option<VersionId>| id.as_ref().map(|id| id.as_str().to_owned());
        Self {
            target: update.target.as_str().to_owned(),
            label: update.label.as_str().to_owned(),
            move_to: id(&update.move_to),
            remove_from: id(&update.remove_from),
        }
    }
}

impl TryFrom<pb::UpdateSecretVersionStage> for UpdateSecretVersionStage {
    type Error = DecodeError;

    fn try_from(update: pb::UpdateSecretVersionStage) -> Result<Self, DecodeError> {
        let id = |field, id: Option<String>| id.map(|id| version_id(field, &id)).transpose();
        Ok(Self {
            target: arn("UpdateSecretVersionStage.target", &update.target)?,
            label: label("UpdateSecretVersionStage.label", &update.label)?,
            move_to: id("UpdateSecretVersionStage.move_to", update.move_to)?,
            remove_from: id("UpdateSecretVersionStage.remove_from", update.remove_from)?,
        })
    }
}

impl From<&RestoreSecret> for pb::RestoreSecret {
    fn from(restore: &RestoreSecret) -> Self {
        Self { target: restore.target.as_str().to_owned() }
    }
}

impl TryFrom<pb::RestoreSecret> for RestoreSecret {
    type Error = DecodeError;

    fn try_from(restore: pb::RestoreSecret) -> Result<Self, DecodeError> {
        Ok(Self { target: arn("RestoreSecret.target", &restore.target)? })
    }
}

impl From<&TagResource> for pb::TagResource {
    fn from(tag: &TagResource) -> Self {
        Self { target: tag.target.as_str().to_owned(), tags: tags_to(&tag.tags) }
    }
}

impl TryFrom<pb::TagResource> for TagResource {
    type Error = DecodeError;

    fn try_from(tag: pb::TagResource) -> Result<Self, DecodeError> {
        Ok(Self { target: arn("TagResource.target", &tag.target)?, tags: tags_from(tag.tags) })
    }
}

impl From<&UntagResource> for pb::UntagResource {
    fn from(untag: &UntagResource) -> Self {
        let keys = untag.keys.iter().map(|key| key.as_ref().to_owned()).collect();
        Self { target: untag.target.as_str().to_owned(), keys }
    }
}

impl TryFrom<pb::UntagResource> for UntagResource {
    type Error = DecodeError;

    fn try_from(untag: pb::UntagResource) -> Result<Self, DecodeError> {
        let keys = untag.keys.into_iter().map(Into::into).collect();
        Ok(Self { target: arn("UntagResource.target", &untag.target)?, keys })
    }
}

impl From<&Touch> for pb::Touch {
    fn from(touch: &Touch) -> Self {
        let entry = |entry: &Access| pb::Access { secret: entry.secret.0, part: entry.part };
        Self { day_ms: touch.day.as_millis(), entries: touch.entries.iter().map(entry).collect() }
    }
}

impl From<pb::Touch> for Touch {
    fn from(touch: pb::Touch) -> Self {
        let entry = |entry: pb::Access| Access { secret: SecretUid(entry.secret), part: entry.part };
        Self { day: Timestamp::from_millis(touch.day_ms), entries: touch.entries.into_iter().map(entry).collect() }
    }
}

impl From<&Purge> for pb::Purge {
    fn from(purge: &Purge) -> Self {
        let secrets = purge.secrets.iter().map(|secret| secret.0).collect();
        Self { secrets, not_after_ms: purge.not_after.as_millis() }
    }
}

impl From<pb::Purge> for Purge {
    fn from(purge: pb::Purge) -> Self {
        let secrets = purge.secrets.into_iter().map(SecretUid).collect();
        Self { secrets, not_after: Timestamp::from_millis(purge.not_after_ms) }
    }
}
