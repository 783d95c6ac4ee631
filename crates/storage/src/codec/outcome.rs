//! Outcomes: remembered under their proposal, and answered to the follower that forwarded it.

use bytes::Bytes;
use prost::Message;
use state::{Applied, KeyRefusal, Outcome, Refusal};
use types::{ApiError, ErrorCode, Timestamp};

use super::common::{arn, key_id, label_texts, labels, name, required, version_id};
use super::keys::{grant_from, grant_to, key_to};
use super::{DecodeError, decode_versioned};
use crate::schema::{self as pb, FORMAT};

/// Encodes the leader's answer to a forwarded proposal.
pub fn encode_outcome(outcome: &Outcome) -> Vec<u8> {
    pb::Answer { format: FORMAT, outcome: Some(outcome_to(outcome)) }.encode_to_vec()
}

/// Decodes the leader's answer to a forwarded proposal.
///
/// # Errors
/// [`DecodeError`] names what is wrong with the bytes.
pub fn decode_outcome(bytes: &[u8]) -> Result<Outcome, DecodeError> {
    let answer: pb::Answer = decode_versioned(Bytes::copy_from_slice(bytes))?;
    outcome_from(required("Answer.outcome", answer.outcome)?)
}

pub(super) fn outcome_to(outcome: &Outcome) -> pb::Outcome {
    use pb::outcome::Kind;
    let kind = match outcome {
        Ok(Applied::Bootstrapped) => Kind::Bootstrapped(pb::Bootstrapped {}),
        Ok(Applied::Written { arn, name, version, stages }) => Kind::Written(pb::Written {
            arn: arn.as_str().to_owned(),
            name: name.as_str().to_owned(),
            version: version.as_ref().map(|version| version.as_str().to_owned()),
            stages: label_texts(stages),
        }),
        Ok(Applied::Replicated { arn, name, version, regions }) => Kind::Replicated(pb::Replicated {
            arn: arn.as_str().to_owned(),
            name: name.as_str().to_owned(),
            version: version.as_ref().map(|version| version.as_str().to_owned()),
            regions: regions.iter().map(Into::into).collect(),
        }),
        Ok(Applied::Deleted { arn, name, deletion_date }) => Kind::Deleted(pb::Deleted {
            arn: arn.as_str().to_owned(),
            name: name.as_str().to_owned(),
            deletion_date_ms: deletion_date.as_millis(),
        }),
        Ok(Applied::Touched) => Kind::Touched(pb::Touched {}),
        Ok(Applied::Purged) => Kind::Purged(pb::Purged {}),
        Ok(Applied::BootNoted) => Kind::BootNoted(pb::BootNoted {}),
        Ok(Applied::KeyChanged { key }) => Kind::KeyChanged(pb::KeyChanged { key: key_to(key) }),
        Ok(Applied::KeyDeletionScheduled { key, deletion_date }) => {
            let deletion_date_ms = deletion_date.as_millis();
            Kind::KeyDeletionScheduled(pb::KeyDeletionScheduled { key: key_to(key), deletion_date_ms })
        }
        Ok(Applied::KeyRotated { key, material }) => {
            Kind::KeyRotated(pb::KeyRotated { key: key_to(key), material: *material })
        }
        Ok(Applied::Granted { key, grant }) => Kind::Granted(pb::Granted { key: key_to(key), grant: grant_to(grant) }),
        Ok(Applied::Rewrapped { count }) => Kind::Rewrapped(pb::Rewrapped { count: *count }),
        Ok(Applied::KeyringSet { revision }) => Kind::KeyringSet(pb::KeyringSet { revision: *revision }),
        Err(Refusal::Conflict) => Kind::Conflict(pb::Conflict {}),
        Err(Refusal::Forgotten) => Kind::Forgotten(pb::Forgotten {}),
        Err(Refusal::Api(error)) => {
            Kind::ApiError(pb::ApiError { code: error.code.number(), message: error.message.clone().into_owned() })
        }
        Err(Refusal::Key(refusal)) => Kind::KeyRefused(pb::KeyRefused { refusal: refusal_to(*refusal).into() }),
    };
    pb::Outcome { kind: Some(kind) }
}

pub(super) fn outcome_from(outcome: pb::Outcome) -> Result<Outcome, DecodeError> {
    use pb::outcome::Kind;
    Ok(match required("Outcome.kind", outcome.kind)? {
        Kind::Bootstrapped(pb::Bootstrapped {}) => Ok(Applied::Bootstrapped),
        Kind::Written(written) => Ok(Applied::Written {
            arn: arn("Written.arn", &written.arn)?,
            name: name("Written.name", &written.name)?,
            version: written.version.map(|text| version_id("Written.version", &text)).transpose()?,
            stages: labels("Written.stages", &written.stages)?,
        }),
        Kind::Replicated(replicated) => Ok(Applied::Replicated {
            arn: arn("Replicated.arn", &replicated.arn)?,
            name: name("Replicated.name", &replicated.name)?,
            version: replicated.version.map(|text| version_id("Replicated.version", &text)).transpose()?,
            regions: replicated.regions.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        }),
        Kind::Deleted(deleted) => Ok(Applied::Deleted {
            arn: arn("Deleted.arn", &deleted.arn)?,
            name: name("Deleted.name", &deleted.name)?,
            deletion_date: Timestamp::from_millis(deleted.deletion_date_ms),
        }),
        Kind::Touched(pb::Touched {}) => Ok(Applied::Touched),
        Kind::Purged(pb::Purged {}) => Ok(Applied::Purged),
        Kind::BootNoted(pb::BootNoted {}) => Ok(Applied::BootNoted),
        Kind::KeyChanged(changed) => Ok(Applied::KeyChanged { key: key_id("KeyChanged.key", &changed.key)? }),
        Kind::KeyDeletionScheduled(scheduled) => Ok(Applied::KeyDeletionScheduled {
            key: key_id("KeyDeletionScheduled.key", &scheduled.key)?,
            deletion_date: Timestamp::from_millis(scheduled.deletion_date_ms),
        }),
        Kind::KeyRotated(rotated) => {
            Ok(Applied::KeyRotated { key: key_id("KeyRotated.key", &rotated.key)?, material: rotated.material })
        }
        Kind::Granted(granted) => Ok(Applied::Granted {
            key: key_id("Granted.key", &granted.key)?,
            grant: grant_from("Granted.grant", &granted.grant)?,
        }),
        Kind::Rewrapped(pb::Rewrapped { count }) => Ok(Applied::Rewrapped { count }),
        Kind::KeyringSet(pb::KeyringSet { revision }) => Ok(Applied::KeyringSet { revision }),
        Kind::KeyRefused(pb::KeyRefused { refusal }) => Err(Refusal::Key(refusal_from(refusal)?)),
        Kind::Conflict(pb::Conflict {}) => Err(Refusal::Conflict),
        Kind::Forgotten(pb::Forgotten {}) => Err(Refusal::Forgotten),
        Kind::ApiError(error) => {
            let code = ErrorCode::from_number(error.code).ok_or(DecodeError::Invalid("ApiError.code"))?;
            Err(Refusal::Api(ApiError::new(code, error.message)))
        }
    })
}

const fn refusal_to(refusal: KeyRefusal) -> pb::KeyRefusal {
    match refusal {
        KeyRefusal::Disabled => pb::KeyRefusal::Disabled,
        KeyRefusal::PendingDeletion => pb::KeyRefusal::PendingDeletion,
        KeyRefusal::NotPendingDeletion => pb::KeyRefusal::NotPendingDeletion,
        KeyRefusal::OfTheService => pb::KeyRefusal::OfTheService,
        KeyRefusal::AliasExists => pb::KeyRefusal::AliasExists,
        KeyRefusal::AliasReserved => pb::KeyRefusal::AliasReserved,
        KeyRefusal::KeyQuota => pb::KeyRefusal::KeyQuota,
        KeyRefusal::AliasQuota => pb::KeyRefusal::AliasQuota,
        KeyRefusal::GrantQuota => pb::KeyRefusal::GrantQuota,
        KeyRefusal::TagQuota => pb::KeyRefusal::TagQuota,
        KeyRefusal::PolicyTooLong => pb::KeyRefusal::PolicyTooLong,
        KeyRefusal::OnDemandRotationQuota => pb::KeyRefusal::OnDemandRotationQuota,
        KeyRefusal::MaterialQuota => pb::KeyRefusal::MaterialQuota,
        KeyRefusal::KeyringTooLong => pb::KeyRefusal::KeyringTooLong,
    }
}

fn refusal_from(number: i32) -> Result<KeyRefusal, DecodeError> {
    let named = KeyRefusal::ALL.iter().find(|refusal| i32::from(refusal_to(**refusal)) == number);
    named.copied().ok_or(DecodeError::Invalid("KeyRefused.refusal"))
}
