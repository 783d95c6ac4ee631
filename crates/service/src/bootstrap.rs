//! The first command of a cluster. It comes from the node itself, so it does not pass the door.

use std::time::Instant;

use consensus::Proposal;
use state::{Applied, Bootstrap, Command, Refusal};
use types::{ApiError, ErrorCode, Principal, ProposalId, limits};

use crate::door::not_proposed;
use crate::replicated::Replicated;

/// Proposes the root principal and the keys of a new cluster, unless it has them already.
///
/// # Errors
/// ServiceUnavailable without a quorum; OutcomeUnknown, after which it may be called again.
pub(crate) async fn bootstrap(
    replicated: &impl Replicated,
    bootstrap: Bootstrap,
    deadline: Instant,
) -> Result<(), ApiError> {
    for _ in 0..limits::DECISIONS_PER_REQUEST {
        let published = replicated.read_barrier(deadline).await.map_err(|_| ErrorCode::ServiceUnavailable)?;
        if published.state.cluster().is_some() {
            return Ok(());
        }
        let proposal = Proposal {
            id: ProposalId(key_service::random()),
            principal: Principal::System,
            decided_at: published.applied_index,
            command: Command::Bootstrap(bootstrap.clone()),
        };
        let receipt = replicated.propose(proposal, deadline).await.map_err(not_proposed)?;
        match receipt.outcome {
            Ok(Applied::Bootstrapped) => return Ok(()),
            Ok(Applied::Written { .. } | Applied::Deleted { .. } | Applied::Touched | Applied::Purged) => {
                return Err(ErrorCode::InternalService.into());
            }
            // Another node may have been faster.
            Err(Refusal::Conflict | Refusal::Forgotten | Refusal::Api(_)) => {}
        }
    }
    Err(ErrorCode::ServiceUnavailable.into())
}
