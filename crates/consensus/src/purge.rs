//! The end of deleted secrets whose windows are over: planned on the state, proposed by the leader.
//!
//! Nothing is kept between two turns but the count of checks, so a new leader goes on where the one before has stopped.
//! What has ended is said by the clocks of a quorum (`clocks`) and, when the command is appended, by the clock of the
//! leader that appends it; `apply` holds every secret against both.
//!
//! What remains: the end of a window is written in log time. A leader whose clock was ahead makes the windows that are
//! set from then on longer, never shorter.

use std::sync::Weak;
use std::time::{Duration, Instant};

use state::{Command, Purge, SecretUid, State};
use types::{Principal, ProposalId, Timestamp, limits};

use crate::clocks::Agreement;
use crate::propose::Proposal;
use crate::replica::Inner;

/// How often the leader looks for secrets whose windows have ended.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Looks until the replica is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut agreement = Agreement::default();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.has_stopped() || inner.expelled().is_some() {
            return;
        }
        inner.purge_due(&mut agreement).await;
    }
}

/// The secrets of the next command.
fn plan(state: &State, now: Timestamp) -> Vec<SecretUid> {
    state.due(now).take(limits::PURGED_PER_COMMAND).collect()
}

impl Inner {
    /// One turn, which does nothing on a node that does not lead.
    pub(crate) async fn purge_due(&self, agreement: &mut Agreement) {
        if self.leader() != Some(self.id) || plan(&self.publisher.current().state, self.clock.now()).is_empty() {
            *agreement = Agreement::default();
            return;
        }
        let checked = self.agreed_time().await;
        if checked.is_none() {
            tracing::warn!("the clocks of too few nodes agree with this leader's: deleted secrets are not purged");
        }
        let Some(now) = agreement.after(checked) else { return };
        let published = self.publisher.current();
        let secrets = plan(&published.state, now);
        let mut id = [0; 16];
        if secrets.is_empty() || getrandom::fill(&mut id).is_err() {
            return;
        }
        let count = secrets.len();
        let proposal = Proposal {
            id: ProposalId(id),
            principal: Principal::System,
            decided_at: published.applied_index,
            command: Command::Purge(Purge { secrets, not_after: now }),
        };
        match self.propose(proposal, Instant::now() + limits::REQUEST_DEADLINE).await {
            Ok(_) => tracing::info!(secrets = count, "deleted secrets are purged"),
            Err(error) => tracing::warn!(%error, "deleted secrets are not purged yet"),
        }
    }
}
