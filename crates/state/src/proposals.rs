//! The bounded memory of proposal results: what makes a retry harmless.

use imbl::{OrdMap, Vector};
use types::{ProposalId, Timestamp};

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
    pub(crate) by_index: Vector<ProposalResult>,
    pub(crate) by_id: OrdMap<ProposalId, u64>,
    pub(crate) forgotten_through: u64,
}
