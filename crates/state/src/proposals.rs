//! The bounded memory of proposal results: what makes a retry harmless.

use std::sync::Arc;

use imbl::OrdMap;
use types::{ProposalId, Timestamp, limits};

use crate::outcome::Outcome;

/// One remembered result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalResult {
    /// The log index at which the command was applied.
    pub index: u64,
    /// The log time at which it was applied.
    pub at: Timestamp,
    /// The proposal.
    pub proposal: ProposalId,
    /// What it came to.
    pub outcome: Outcome,
}

/// Results of recent proposals, bounded by count and by age in log time.
///
/// # Correctness
/// `forgotten_through` is the highest log index whose result was dropped. A command that was decided on a
/// state at or after it cannot have an earlier attempt whose result is gone, because that attempt was applied
/// after the decision. Older commands are refused as [`crate::Refusal::Forgotten`], so a retry can never
/// be applied twice, however late it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    pub(crate) by_index: OrdMap<u64, Arc<ProposalResult>>,
    pub(crate) by_id: OrdMap<ProposalId, u64>,
    pub(crate) forgotten_through: u64,
}

impl Proposals {
    /// What a proposal came to, while it is remembered.
    pub fn result(&self, proposal: &ProposalId) -> Option<&ProposalResult> {
        let index = self.by_id.get(proposal)?;
        self.by_index.get(index).map(AsRef::as_ref)
    }

    /// Whether an earlier attempt of a command that was decided at that index may have been forgotten.
    pub const fn may_have_forgotten(&self, decided_at: u64) -> bool {
        decided_at < self.forgotten_through
    }

    /// The highest log index whose result was dropped; 0 when none was.
    pub const fn forgotten_through(&self) -> u64 {
        self.forgotten_through
    }

    /// The number of results that are remembered.
    pub fn len(&self) -> usize {
        self.by_index.len()
    }

    /// Whether no result is remembered.
    pub fn is_empty(&self) -> bool {
        self.by_index.is_empty()
    }

    /// Remembers a result, and forgets those that are too many or too old at the time of this one.
    pub(crate) fn remember(&mut self, result: ProposalResult) {
        let now = result.at;
        self.insert(result);
        while let Some((index, oldest)) = self.by_index.get_min() {
            let too_many = self.by_index.len() > limits::PROPOSAL_RESULTS;
            let too_old = now.since(oldest.at) > limits::PROPOSAL_RESULT_AGE;
            if !too_many && !too_old {
                return;
            }
            let (index, proposal) = (*index, oldest.proposal);
            self.by_index.remove(&index);
            self.by_id.remove(&proposal);
            self.forgotten_through = index;
        }
    }

    /// Adds a result whose index and proposal are not there yet.
    pub(crate) fn insert(&mut self, result: ProposalResult) {
        self.by_id.insert(result.proposal, result.index);
        self.by_index.insert(result.index, Arc::new(result));
    }
}
