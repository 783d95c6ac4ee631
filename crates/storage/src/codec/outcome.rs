//! Outcomes: remembered under their proposal, and answered to the follower that forwarded it.

use bytes::Bytes;
use prost::Message;
use state::{Applied, Outcome, Refusal};
use types::{ApiError, ErrorCode, Timestamp};

use super::common::{arn, label_texts, labels, name, required, version_id};
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
        Err(Refusal::Conflict) => Kind::Conflict(pb::Conflict {}),
        Err(Refusal::Forgotten) => Kind::Forgotten(pb::Forgotten {}),
        Err(Refusal::Api(error)) => {
            Kind::ApiError(pb::ApiError { code: error.code.number(), message: error.message.clone().into_owned() })
        }
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
        Kind::Conflict(pb::Conflict {}) => Err(Refusal::Conflict),
        Kind::Forgotten(pb::Forgotten {}) => Err(Refusal::Forgotten),
        Kind::ApiError(error) => {
            let code = ErrorCode::from_number(error.code).ok_or(DecodeError::Invalid("ApiError.code"))?;
            Err(Refusal::Api(ApiError::new(code, error.message)))
        }
    })
}
