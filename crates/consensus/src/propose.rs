//! Proposals: to the leader, with an honest answer.
//!
//! A proposal may be made on any node; one hop brings it to the leader. Each attempt carries the same id, so an
//! attempt after one whose fate is not known cannot apply it twice: it gets the remembered outcome if the earlier one
//! was applied, and if it is applied itself, the earlier one gets that outcome when its turn comes. What is still not
//! known at the deadline is answered as [`ProposeError::Unknown`].

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::join_all;
use openraft::errors::{ClientWriteError, RaftError};
use proto::raft::v1 as pb;
use proto::raft::v1::propose_result::Result as Answer;
use state::{Command, Envelope, Outcome, Refusal};
use storage::codec::{self, ProposalRequest};
use types::{Principal, ProposalId, Timestamp, limits};

use crate::raft_types::SealedCommand;
use crate::replica::Inner;
use crate::wire;

/// A command on its way to the leader.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Drawn once; the same for every attempt.
    pub id: ProposalId,
    /// Who asked for it.
    pub principal: Principal,
    /// The index of the state on which it was decided.
    pub decided_at: u64,
    /// What to do.
    pub command: Command,
}

/// A proposal that was committed and applied.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Its log index.
    pub index: u64,
    /// What it came to, which may be a refusal.
    pub outcome: Outcome,
}

/// A proposal without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It was not appended anywhere: no leader before the deadline, or too much under way.
    #[error("the proposal was not made: no leader, or too many proposals under way")]
    Unavailable,
    /// It may have been appended, and may yet be applied.
    #[error("the fate of the proposal is not known")]
    Unknown,
}

/// What one attempt came to.
pub(crate) enum Attempt {
    Applied(Receipt),
    /// Not appended: the node that was asked does not lead, or was not reached.
    NotLeader,
    /// Not appended: too much under way, or too large.
    Busy,
    /// Perhaps appended.
    Unknown,
}

/// The proposals that this node has appended and not answered yet, of its own and of followers.
#[derive(Default)]
pub(crate) struct InFlight(AtomicUsize);

struct Counted<'a>(&'a InFlight);

impl InFlight {
    /// Counts one more, if it is within the bound.
    fn enter(&self) -> Option<Counted<'_>> {
        let counted = Counted(self);
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        (before < limits::PROPOSALS_IN_FLIGHT).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A proposal with the forms that its attempts need.
struct Pending {
    envelope: Envelope,
    /// Encoded for the leader when it is forwarded first.
    encoded: Option<Bytes>,
}

impl Pending {
    fn encoded(&mut self) -> Bytes {
        let envelope = &self.envelope;
        let encode = || {
            codec::encode_proposal(&ProposalRequest {
                proposal: envelope.proposal,
                principal: envelope.principal.clone(),
                decided_at: envelope.decided_at,
                command: envelope.command.clone(),
            })
            .into()
        };
        self.encoded.get_or_insert_with(encode).clone()
    }
}

impl Inner {
    /// Proposes until there is an answer or the deadline has passed.
    pub(crate) async fn propose(&self, proposal: Proposal, deadline: Instant) -> Result<Receipt, ProposeError> {
        let mut pending = Pending {
            envelope: Envelope {
                proposal: proposal.id,
                principal: proposal.principal,
                decided_at: proposal.decided_at,
                stamped: Timestamp::ZERO,
                command: proposal.command,
            },
            encoded: None,
        };
        let mut perhaps_appended = false;
        loop {
            match tokio::time::timeout_at(deadline.into(), self.attempt(&mut pending)).await {
                Ok(Attempt::Applied(receipt)) => {
                    // Whether the attempt before was applied is not known any more.
                    let forgotten = matches!(receipt.outcome, Err(Refusal::Forgotten));
                    return if forgotten && perhaps_appended { Err(ProposeError::Unknown) } else { Ok(receipt) };
                }
                Ok(Attempt::Unknown) => perhaps_appended = true,
                Ok(Attempt::NotLeader) => {}
                Ok(Attempt::Busy) => return Err(fate(perhaps_appended)),
                // The attempt was cut off in the middle.
                Err(_) => return Err(ProposeError::Unknown),
            }
            if Instant::now() + limits::LEADER_RETRY_PAUSE >= deadline {
                return Err(fate(perhaps_appended));
            }
            tokio::time::sleep(limits::LEADER_RETRY_PAUSE).await;
            if !self.is_of_a_cluster() {
                return Err(fate(perhaps_appended));
            }
        }
    }

    async fn attempt(&self, pending: &mut Pending) -> Attempt {
        match self.leader() {
            Some(leader) if leader == self.id => self.append(&mut pending.envelope).await,
            Some(_) => self.forward.send(pending.encoded()).await,
            None => Attempt::NotLeader,
        }
    }

    /// Stamps, seals and appends on this node, which should be the leader.
    async fn append(&self, envelope: &mut Envelope) -> Attempt {
        let Some(_counted) = self.in_flight.enter() else { return Attempt::Busy };
        envelope.stamped = self.clock.now();
        let sealed = self.codec.seal_command(envelope);
        if sealed.len() > limits::LOG_PAYLOAD_BYTES {
            tracing::error!(
                kind = envelope.command.kind(),
                bytes = sealed.len(),
                "a proposal is too large for the log"
            );
            return Attempt::Busy;
        }
        // This node need not open again what it has just sealed; at most as many are kept as are counted.
        let _kept = self.codec.keep(&sealed, envelope);
        match self.raft.client_write(SealedCommand(sealed)).await {
            Ok(response) => match response.data {
                Some(applied) => {
                    debug_assert_eq!(applied.proposal, envelope.proposal);
                    Attempt::Applied(Receipt { index: response.log_id.index, outcome: applied.outcome })
                }
                None => Attempt::Unknown,
            },
            // openraft gives this one only for what it has not appended.
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => Attempt::NotLeader,
            // Appended here and then overtaken by another leader, or this node is stopping.
            Err(_) => Attempt::Unknown,
        }
    }

    /// Appends the proposals of a follower. They are not forwarded again.
    pub(crate) async fn append_forwarded(&self, proposals: &[Bytes]) -> pb::ProposeResponse {
        let results = proposals.iter().map(|proposal| self.append_encoded(proposal));
        pb::ProposeResponse { results: join_all(results).await }
    }

    async fn append_encoded(&self, proposal: &[u8]) -> pb::ProposeResult {
        let attempt = match codec::decode_proposal(proposal) {
            Ok(request) => {
                let mut envelope = Envelope {
                    proposal: request.proposal,
                    principal: request.principal,
                    decided_at: request.decided_at,
                    stamped: Timestamp::ZERO,
                    command: request.command,
                };
                self.append(&mut envelope).await
            }
            Err(error) => {
                tracing::error!(%error, "a forwarded proposal cannot be read");
                Attempt::Busy
            }
        };
        self.result_to(attempt)
    }

    fn result_to(&self, attempt: Attempt) -> pb::ProposeResult {
        let result = match attempt {
            Attempt::Applied(receipt) => Answer::Applied(pb::Applied {
                index: receipt.index,
                outcome: codec::encode_outcome(&receipt.outcome).into(),
            }),
            Attempt::NotLeader => Answer::NotLeader(wire::not_leader_to(self.leader())),
            Attempt::Busy => Answer::Busy(pb::Busy {}),
            Attempt::Unknown => Answer::Unknown(pb::Unknown {}),
        };
        pb::ProposeResult { result: Some(result) }
    }
}

impl From<pb::ProposeResult> for Attempt {
    fn from(result: pb::ProposeResult) -> Self {
        match result.result {
            Some(Answer::Applied(applied)) => match codec::decode_outcome(&applied.outcome) {
                Ok(outcome) => Self::Applied(Receipt { index: applied.index, outcome }),
                Err(error) => {
                    tracing::error!(%error, "the leader's answer cannot be read");
                    Self::Unknown
                }
            },
            Some(Answer::NotLeader(_)) => Self::NotLeader,
            Some(Answer::Busy(_)) => Self::Busy,
            Some(Answer::Unknown(_)) | None => Self::Unknown,
        }
    }
}

fn fate(perhaps_appended: bool) -> ProposeError {
    if perhaps_appended { ProposeError::Unknown } else { ProposeError::Unavailable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_under_way_are_bounded() {
        let in_flight = InFlight::default();
        let mut all: Vec<_> = (0..limits::PROPOSALS_IN_FLIGHT).map(|_| in_flight.enter().unwrap()).collect();
        assert!(in_flight.enter().is_none());
        all.pop();
        assert!(in_flight.enter().is_some());
        drop(all);
        assert_eq!(in_flight.0.load(Ordering::Relaxed), 0);
    }
}
