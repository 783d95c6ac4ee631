//! What stands beside the records of a state: log ids, heads, and the head of a checkpoint.

use bytes::Bytes;
use prost::Message;
use types::NodeId;

use super::common::{array, required};
use super::{DecodeError, decode_versioned};
use crate::head::Head;
use crate::log::LogId;
use crate::schema::{self as pb, FORMAT};

/// Which packs of the state store are the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckpointHead {
    /// The checkpoint's number; 0 before the first one.
    pub(crate) checkpoint: u64,
    /// The last checkpoint that was written whole: older packs are not part of this one.
    pub(crate) base: u64,
    /// The records of the state.
    pub(crate) records: u64,
    /// The entries in the packs since the base: records, those that newer ones replace, and removals.
    pub(crate) packed: u64,
    /// The set digest of these packs, see `checkpoint/pack_key.rs`.
    pub(crate) packs: [u8; 32],
    /// What the state is the state of; absent before the first checkpoint.
    pub(crate) head: Option<Head>,
}

pub(crate) fn encode_head(head: &CheckpointHead) -> Vec<u8> {
    pb::CheckpointHead {
        format: FORMAT,
        checkpoint: head.checkpoint,
        base: head.base,
        records: head.records,
        head: head.head.as_ref().map(Into::into),
        packs: Bytes::copy_from_slice(&head.packs),
        packed: head.packed,
    }
    .encode_to_vec()
}

pub(crate) fn decode_head(bytes: Bytes) -> Result<CheckpointHead, DecodeError> {
    let head: pb::CheckpointHead = decode_versioned(bytes)?;
    if head.packed < head.records {
        return Err(DecodeError::Invalid("CheckpointHead.packed"));
    }
    if head.base > head.checkpoint || (head.checkpoint == 0) != head.head.is_none() {
        return Err(DecodeError::Invalid("CheckpointHead.checkpoint"));
    }
    Ok(CheckpointHead {
        checkpoint: head.checkpoint,
        base: head.base,
        records: head.records,
        packed: head.packed,
        packs: array("CheckpointHead.packs", &head.packs)?,
        head: head.head.map(Head::try_from).transpose()?,
    })
}

impl From<&LogId> for pb::LogId {
    fn from(id: &LogId) -> Self {
        Self { term: id.term, leader: id.leader.0, index: id.index }
    }
}

impl From<pb::LogId> for LogId {
    fn from(id: pb::LogId) -> Self {
        Self { term: id.term, leader: NodeId(id.leader), index: id.index }
    }
}

impl From<&Head> for pb::Head {
    fn from(head: &Head) -> Self {
        Self {
            last: Some((&head.last).into()),
            membership_log_id: head.membership_log_id.as_ref().map(Into::into),
            membership: Bytes::copy_from_slice(&head.membership),
        }
    }
}

impl TryFrom<pb::Head> for Head {
    type Error = DecodeError;

    fn try_from(head: pb::Head) -> Result<Self, DecodeError> {
        Ok(Self {
            last: required("Head.last", head.last)?.into(),
            membership_log_id: head.membership_log_id.map(Into::into),
            membership: head.membership.to_vec(),
        })
    }
}
