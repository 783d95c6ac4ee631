//! Domain types to bytes and back. The bytes are what the barrier seals; nothing here is written as it is.
//!
//! Decoding is strict: a format version or a field that this build does not know is refused, because a node that
//! skipped what it does not understand would apply something else than its peers. Whatever these functions encode,
//! they decode again: a command that only its proposer could read would stop every other node.

mod boot;
mod command;
mod common;
mod head;
mod identity;
mod key_commands;
mod keys;
mod outcome;
mod pack;
mod record;
mod replication;
mod resource_policy;
mod rotation;
mod secret;

#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use prost::Message;

pub use command::{ProposalRequest, decode_envelope, decode_proposal, encode_envelope, encode_proposal};
pub use outcome::{decode_outcome, encode_outcome};
pub use record::{decode_record, encode_record};

pub(crate) use command::decode_envelope_from;
pub(crate) use head::{CheckpointHead, decode_head, encode_head};
pub(crate) use pack::{PackEntry, begin_pack, decode_pack, push_entry};
pub(crate) use record::{decode_record_from, record_kind};

use crate::schema::FORMAT;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a message of the schema.
    #[error("not a message of the schema")]
    Protobuf(#[source] prost::DecodeError),
    /// No format version in front.
    #[error("without a format version")]
    NoFormat,
    /// A format of another version of this software.
    #[error("unknown format version {0}")]
    UnknownFormat(u64),
    /// Fields that this version does not know, or not the one encoding of the known ones.
    #[error("fields that this version does not know")]
    UnknownFields,
    /// A part that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part of fixed length has another.
    #[error("{field} has {actual} bytes, not {expected}")]
    Length {
        /// Which part.
        field: &'static str,
        /// Its length by the schema.
        expected: usize,
        /// Its length in the bytes.
        actual: usize,
    },
    /// A part breaks the rule of its type.
    #[error("{0} breaks the rule of its type")]
    Invalid(&'static str),
    /// A record of another kind or number than its key.
    #[error("the record is not the one of its key")]
    OtherRecord,
}

/// Decodes a message whose first field is the format version.
pub(crate) fn decode_versioned<M: Message + Default>(bytes: Bytes) -> Result<M, DecodeError> {
    check_format(&bytes)?;
    decode_exact(bytes)
}

/// Decodes a message and refuses what it would not write itself.
pub(crate) fn decode_exact<M: Message + Default>(bytes: Bytes) -> Result<M, DecodeError> {
    let length = bytes.len();
    let message = M::decode(bytes).map_err(DecodeError::Protobuf)?;
    // prost skips fields that it does not know; they are missing from the length then.
    if message.encoded_len() == length { Ok(message) } else { Err(DecodeError::UnknownFields) }
}

/// Reads field 1 before anything else, so that another format is named and not taken for damage.
fn check_format(bytes: &[u8]) -> Result<(), DecodeError> {
    const FIELD_1_VARINT: u8 = 1 << 3;
    let Some((&FIELD_1_VARINT, mut rest)) = bytes.split_first() else { return Err(DecodeError::NoFormat) };
    match prost::encoding::decode_varint(&mut rest).map_err(DecodeError::Protobuf)? {
        format if format == u64::from(FORMAT) => Ok(()),
        other => Err(DecodeError::UnknownFormat(other)),
    }
}
