//! Records of the state.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use state::{ProposalResult, Record, RecordKey, RecordKind, Version};
use types::Timestamp;

use super::common::{arn, proposal_id, required};
use super::outcome::{outcome_from, outcome_to};
use super::secret::{secret_from, secret_to};
use super::{DecodeError, decode_versioned};
use crate::schema::{self as pb, FORMAT};

/// Encodes a record of the state; its key is not in the bytes.
pub fn encode_record(record: &Record) -> Vec<u8> {
    use pb::record::Kind;
    let kind = match record {
        Record::Counters { time, next_uid, forgotten_through } => Kind::Counters(pb::Counters {
            time_ms: time.as_millis(),
            next_uid: *next_uid,
            forgotten_through: *forgotten_through,
        }),
        Record::Cluster(cluster) => Kind::Cluster(cluster.as_ref().into()),
        Record::AccessKey(key) => Kind::AccessKey(key.as_ref().into()),
        Record::Binding(binding) => Kind::Binding(binding.as_ref().into()),
        Record::EncryptionKey(key) => Kind::EncryptionKey(key.as_ref().into()),
        Record::Secret(secret) => Kind::Secret(secret_to(secret)),
        Record::Version(version) => Kind::Version(version.as_ref().into()),
        Record::Proposal(result) => Kind::Proposal(result.into()),
        Record::NodeBoot(boot) => Kind::NodeBoot(boot.as_ref().into()),
        Record::ResourcePolicy(policy) => Kind::ResourcePolicy(policy.as_ref().into()),
        Record::Replica(replica) => Kind::Replica(replica.as_ref().into()),
        Record::Alias(alias) => Kind::Alias(alias.as_ref().into()),
        Record::Grant(grant) => Kind::Grant(grant.as_ref().into()),
        Record::DestroyedKey(key) => Kind::DestroyedKey(key.as_ref().into()),
        Record::Rewrap(job) => Kind::Rewrap(job.as_ref().into()),
        Record::Keyring(keyring) => Kind::Keyring(keyring.as_ref().into()),
    };
    pb::Record { format: FORMAT, kind: Some(kind) }.encode_to_vec()
}

/// Decodes the record of `key`.
///
/// # Errors
/// [`DecodeError`] names what is wrong with the bytes.
pub fn decode_record(key: RecordKey, bytes: &[u8]) -> Result<Record, DecodeError> {
    decode_record_from(key, Bytes::copy_from_slice(bytes))
}

/// As [`decode_record`], without the copy.
pub(crate) fn decode_record_from(key: RecordKey, bytes: Bytes) -> Result<Record, DecodeError> {
    use pb::record::Kind;
    let record: pb::Record = decode_versioned(bytes)?;
    let record = match required("Record.kind", record.kind)? {
        Kind::Counters(counters) => Record::Counters {
            time: Timestamp::from_millis(counters.time_ms),
            next_uid: counters.next_uid,
            forgotten_through: counters.forgotten_through,
        },
        Kind::Cluster(cluster) => Record::Cluster(Arc::new(cluster.try_into()?)),
        Kind::AccessKey(access_key) => Record::AccessKey(Arc::new(access_key.try_into()?)),
        Kind::Binding(binding) => Record::Binding(Arc::new(binding.try_into()?)),
        Kind::EncryptionKey(encryption_key) => Record::EncryptionKey(Arc::new(encryption_key.try_into()?)),
        Kind::Secret(secret) => Record::Secret(secret_from(secret)?),
        Kind::Version(version) => Record::Version(Arc::new(version.try_into()?)),
        Kind::Proposal(result) => Record::Proposal(result.try_into()?),
        Kind::NodeBoot(boot) => Record::NodeBoot(Arc::new(boot.try_into()?)),
        Kind::ResourcePolicy(policy) => Record::ResourcePolicy(Arc::new(policy.try_into()?)),
        Kind::Replica(replica) => Record::Replica(Arc::new(replica.try_into()?)),
        Kind::Alias(alias) => Record::Alias(Arc::new(alias.try_into()?)),
        Kind::Grant(grant) => Record::Grant(Arc::new(grant.try_into()?)),
        Kind::DestroyedKey(key) => Record::DestroyedKey(Arc::new(key.try_into()?)),
        Kind::Rewrap(job) => Record::Rewrap(Arc::new(job.try_into()?)),
        Kind::Keyring(keyring) => Record::Keyring(Arc::new(keyring.try_into()?)),
    };
    if record.is_of(key) { Ok(record) } else { Err(DecodeError::OtherRecord) }
}

/// The kind of that number on disk.
pub(crate) const fn record_kind(number: u8) -> Option<RecordKind> {
    Some(match number {
        1 => RecordKind::Counters,
        2 => RecordKind::Cluster,
        3 => RecordKind::AccessKey,
        4 => RecordKind::Binding,
        5 => RecordKind::EncryptionKey,
        6 => RecordKind::Secret,
        7 => RecordKind::Version,
        8 => RecordKind::Proposal,
        9 => RecordKind::NodeBoot,
        10 => RecordKind::ResourcePolicy,
        11 => RecordKind::Replica,
        12 => RecordKind::Alias,
        13 => RecordKind::Grant,
        14 => RecordKind::DestroyedKey,
        15 => RecordKind::Rewrap,
        16 => RecordKind::Keyring,
        _ => return None,
    })
}

impl From<&Version> for pb::Version {
    fn from(version: &Version) -> Self {
        Self {
            part: version.part,
            id: version.id.as_str().to_owned(),
            created_ms: version.created.as_millis(),
            value: version.value.as_ref().map(Into::into),
            sealed_under: version.sealed_under.as_ref().map(|arn| arn.as_str().to_owned()),
        }
    }
}

impl TryFrom<pb::Version> for Version {
    type Error = DecodeError;

    fn try_from(version: pb::Version) -> Result<Self, DecodeError> {
        Ok(Self {
            part: version.part,
            id: super::common::version_id("Version.id", &version.id)?,
            created: Timestamp::from_millis(version.created_ms),
            value: version.value.map(TryInto::try_into).transpose()?,
            sealed_under: version.sealed_under.map(|text| arn("Version.sealed_under", &text)).transpose()?,
        })
    }
}

impl From<&ProposalResult> for pb::ProposalResult {
    fn from(result: &ProposalResult) -> Self {
        Self {
            index: result.index,
            at_ms: result.at.as_millis(),
            proposal: Bytes::copy_from_slice(&result.proposal.0),
            outcome: Some(outcome_to(&result.outcome)),
        }
    }
}

impl TryFrom<pb::ProposalResult> for ProposalResult {
    type Error = DecodeError;

    fn try_from(result: pb::ProposalResult) -> Result<Self, DecodeError> {
        Ok(Self {
            index: result.index,
            at: Timestamp::from_millis(result.at_ms),
            proposal: proposal_id("ProposalResult.proposal", &result.proposal)?,
            outcome: outcome_from(required("ProposalResult.outcome", result.outcome)?)?,
        })
    }
}
