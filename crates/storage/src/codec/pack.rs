//! Packs: what one checkpoint says of some records of one kind.

use bytes::Bytes;
use prost::Message;
use prost::encoding::message;
use state::{Record, RecordKey, RecordKind};

use super::record::decode_record_from;
use super::{DecodeError, decode_versioned};
use crate::schema::{self as pb, FORMAT};

/// The field `Pack.entries`.
const ENTRIES: u32 = 2;

/// What a pack says of one record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PackEntry {
    pub(crate) key: RecordKey,
    /// The encoded record; absent if it was removed.
    pub(crate) record: Option<Bytes>,
}

impl PackEntry {
    /// Decodes the record; `None` if it was removed.
    pub(crate) fn decode(self) -> Result<Option<Record>, DecodeError> {
        self.record.map(|record| decode_record_from(self.key, record)).transpose()
    }
}

/// A pack without entries.
pub(crate) fn begin_pack() -> Vec<u8> {
    pb::Pack { format: FORMAT, entries: Vec::new() }.encode_to_vec()
}

/// Adds an encoded record, or the removal of one, to a pack whose last key is lower.
pub(crate) fn push_entry(pack: &mut Vec<u8>, key: RecordKey, record: Option<Vec<u8>>) {
    let entry = pb::PackEntry { id: key.id, part: key.part, record: record.map(Into::into) };
    message::encode(ENTRIES, &entry, pack);
}

/// Decodes a pack of records of `kind`; the records themselves are still encoded.
///
/// # Errors
/// As for every message; and a pack that is empty or whose entries are not in the order of their keys.
pub(crate) fn decode_pack(kind: RecordKind, bytes: Bytes) -> Result<Vec<PackEntry>, DecodeError> {
    let pack: pb::Pack = decode_versioned(bytes)?;
    let entry = |pb::PackEntry { id, part, record }| PackEntry { key: RecordKey { kind, id, part }, record };
    let entries: Vec<_> = pack.entries.into_iter().map(entry).collect();
    if entries.is_empty() {
        return Err(DecodeError::Missing("Pack.entries"));
    }
    if !entries.is_sorted_by(|one, next| one.key < next.key) {
        return Err(DecodeError::Invalid("Pack.entries"));
    }
    Ok(entries)
}
