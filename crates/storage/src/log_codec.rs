//! Log payloads: sealed once, by the proposer; those bytes go to disk and to peers.
//!
//! A command is `proposal id 16 | barrier record`, the record's key being the proposal id, so that a leader stamps
//! and a follower forwards what it need not open. A membership is a barrier record whose key holds the entry's index.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use key_service::{Barrier, OpenError, SealedKind};
use state::Envelope;
use types::ProposalId;

use crate::codec::{DecodeError, decode_envelope_from, encode_envelope};

const PROPOSAL_BYTES: usize = 16;
/// In front of the index in the key of a membership, which so never has the length of a proposal id.
const MEMBERSHIP: &[u8; 10] = b"membership";

/// A log payload that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Fewer bytes than a proposal id has.
    #[error("the log payload is cut short")]
    TooShort,
    /// Not sealed by this cluster for this place.
    #[error("the log payload cannot be opened")]
    Open(#[from] OpenError),
    /// Authentic, but not of a form that this version knows.
    #[error("the log payload cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The envelope is of another proposal than the one that stands in front of it.
    #[error("the log payload holds another proposal than it names")]
    OtherProposal,
}

/// Seals and opens log payloads.
#[derive(Clone)]
pub struct LogCodec {
    barrier: Arc<Barrier>,
    kept: Arc<Mutex<HashMap<ProposalId, (Bytes, Envelope)>>>,
}

/// Keeps an envelope beside the payload that it was sealed into, until it is opened or this is dropped.
#[must_use]
pub struct KeptEnvelope<'a> {
    codec: &'a LogCodec,
    proposal: ProposalId,
    payload: Bytes,
}

impl LogCodec {
    /// A codec over the terms of `barrier`.
    pub fn new(barrier: Arc<Barrier>) -> Self {
        Self { barrier, kept: Arc::default() }
    }

    /// Seals a command. Whether the result is within [`types::limits::LOG_PAYLOAD_BYTES`] is for the proposer to see
    /// to, before it proposes.
    pub fn seal_command(&self, envelope: &Envelope) -> Bytes {
        let proposal = &envelope.proposal.0;
        let sealed = self.barrier.seal(SealedKind::LogPayload, proposal, &encode_envelope(envelope));
        [proposal.as_slice(), &sealed].concat().into()
    }

    /// Spares this codec and its clones the opening of `payload`, which [`Self::seal_command`] has made of `envelope`.
    ///
    /// # Correctness
    /// Only those bytes are answered with the envelope, not equal ones: they are told by their address, which nothing
    /// else can have while they are kept.
    pub fn keep(&self, payload: &Bytes, envelope: &Envelope) -> KeptEnvelope<'_> {
        self.kept().insert(envelope.proposal, (payload.clone(), envelope.clone()));
        KeptEnvelope { codec: self, proposal: envelope.proposal, payload: payload.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ProposalId, (Bytes, Envelope)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The envelope that is kept beside `payload`; it is not kept any more.
    fn take_kept(&self, proposal: &ProposalId, payload: &Bytes) -> Option<Envelope> {
        let mut kept = self.kept();
        let (of, _) = kept.get(proposal)?;
        if !is_same(of, payload) {
            return None;
        }
        kept.remove(proposal).map(|(_, envelope)| envelope)
    }

    /// Opens a command.
    ///
    /// # Errors
    /// [`PayloadError`] names what is wrong with the bytes.
    pub fn open_command(&self, payload: &Bytes) -> Result<Envelope, PayloadError> {
        let (proposal, sealed) = payload.split_first_chunk::<PROPOSAL_BYTES>().ok_or(PayloadError::TooShort)?;
        if let Some(envelope) = self.take_kept(&ProposalId(*proposal), payload) {
            return Ok(envelope);
        }
        let mut opened = self.barrier.open(SealedKind::LogPayload, proposal, sealed)?;
        let envelope = decode_envelope_from(std::mem::take(&mut *opened).into())?;
        if envelope.proposal.0 == *proposal { Ok(envelope) } else { Err(PayloadError::OtherProposal) }
    }

    /// Seals the membership of the entry at `index`.
    pub fn seal_membership(&self, index: u64, membership: &[u8]) -> Bytes {
        self.barrier.seal(SealedKind::LogPayload, &membership_key(index), membership).into()
    }

    /// Opens the membership of the entry at `index`.
    ///
    /// # Errors
    /// [`PayloadError`] names what is wrong with the bytes.
    pub fn open_membership(&self, index: u64, payload: &[u8]) -> Result<Vec<u8>, PayloadError> {
        let mut opened = self.barrier.open(SealedKind::LogPayload, &membership_key(index), payload)?;
        Ok(std::mem::take(&mut *opened))
    }
}

impl Drop for KeptEnvelope<'_> {
    fn drop(&mut self) {
        drop(self.codec.take_kept(&self.proposal, &self.payload));
    }
}

/// Whether two handles are on the same bytes in memory.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    one.as_ptr() == other.as_ptr() && one.len() == other.len()
}

fn membership_key(index: u64) -> Vec<u8> {
    [MEMBERSHIP.as_slice(), &index.to_be_bytes()].concat()
}

impl fmt::Debug for LogCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogCodec")
    }
}

impl fmt::Debug for KeptEnvelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptEnvelope({})", self.proposal)
    }
}

#[cfg(test)]
mod tests {
    use types::ClusterId;

    use super::*;
    use crate::golden;

    fn codec() -> LogCodec {
        LogCodec::new(Arc::new(Barrier::ephemeral(ClusterId([1; 16]))))
    }

    #[test]
    fn a_sealed_command_opens_to_the_same_envelope() {
        let (codec, envelope) = (codec(), golden::envelope());
        let payload = codec.seal_command(&envelope);
        assert_eq!(payload[..16], envelope.proposal.0);
        assert_eq!(codec.open_command(&payload).unwrap(), envelope);
    }

    #[test]
    fn only_the_very_bytes_open_to_what_is_kept_and_only_while_it_is() {
        let (codec, envelope) = (codec(), golden::envelope());
        // The marked one is not what was sealed, so it tells where an answer comes from.
        let marked = Envelope { decided_at: u64::MAX, ..envelope.clone() };
        let payload = codec.seal_command(&envelope);

        let kept = codec.keep(&payload, &marked);
        let equal = Bytes::copy_from_slice(&payload);
        assert_eq!(codec.open_command(&equal).unwrap(), envelope);
        assert_eq!(codec.open_command(&payload.slice(..payload.len() - 1)), Err(OpenError::NotAuthentic.into()));
        assert_eq!(codec.clone().open_command(&payload).unwrap(), marked);
        assert_eq!(codec.open_command(&payload).unwrap(), envelope);
        drop(kept);

        drop(codec.keep(&payload, &marked));
        assert_eq!(codec.open_command(&payload).unwrap(), envelope);

        // A second attempt of the same proposal.
        let first = codec.keep(&equal, &marked);
        let second = codec.keep(&payload, &marked);
        drop(first);
        assert_eq!(codec.open_command(&payload).unwrap(), marked);
        drop(second);
        assert!(codec.kept().is_empty());
    }

    #[test]
    fn a_command_opens_only_under_its_own_proposal() {
        let codec = codec();
        let mut other = codec.seal_command(&golden::envelope()).to_vec();
        other[0] ^= 1;
        assert_eq!(codec.open_command(&other.into()), Err(OpenError::NotAuthentic.into()));

        let envelope = golden::envelope();
        let sealed = codec.barrier.seal(SealedKind::LogPayload, &[9; 16], &encode_envelope(&envelope));
        let renamed = [[9; 16].as_slice(), &sealed].concat();
        assert_eq!(codec.open_command(&renamed.into()), Err(PayloadError::OtherProposal));
    }

    #[test]
    fn a_payload_cut_anywhere_is_refused() {
        let codec = codec();
        let payload = codec.seal_command(&golden::envelope());
        for length in 0..payload.len() {
            let refused = codec.open_command(&payload.slice(..length)).unwrap_err();
            assert_eq!(refused == PayloadError::TooShort, length < PROPOSAL_BYTES, "{length}: {refused}");
        }
    }

    #[test]
    fn no_name_of_a_command_stands_in_its_payload() {
        let envelope = golden::envelope();
        let payload = codec().seal_command(&envelope);
        let canary = b"prod/db";
        assert!(encode_envelope(&envelope).windows(canary.len()).any(|window| window == canary));
        assert!(!payload.windows(canary.len()).any(|window| window == canary));
    }

    #[test]
    fn a_membership_opens_only_at_its_index() {
        let codec = codec();
        let payload = codec.seal_membership(7, b"voters");
        assert_eq!(codec.open_membership(7, &payload).unwrap(), b"voters");
        assert_eq!(codec.open_membership(8, &payload), Err(OpenError::NotAuthentic.into()));
        assert!(codec.open_command(&payload).is_err());
    }
}
