//! The end of deleted secrets and keys whose windows are over: planned on the state, proposed by the leader.
//!
//! Nothing is kept between two turns but the count of checks, so a new leader goes on where the one before has stopped.
//! What has ended is said by the clocks of a quorum (`clocks`) and, when the command is appended, by the clock of the
//! leader that appends it; `apply` holds every secret and every key against both.
//!
//! What remains: the end of a window is written in log time. A leader whose clock was ahead makes the windows that are
//! set from then on longer, never shorter.

use std::sync::Weak;
use std::time::{Duration, Instant};

use state::{Command, Purge, PurgeKeys, SecretUid, State};
use types::{KeyId, Principal, ProposalId, Timestamp, limits};

use crate::clocks::Agreement;
use crate::propose::{Proposal, ProposeError};
use crate::replica::Inner;

/// How often the leader looks for windows that have ended.
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

/// What is due: the secrets and the keys of the next commands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) secrets: Vec<SecretUid>,
    pub(crate) keys: Vec<KeyId>,
}

impl Due {
    pub(crate) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.keys.is_empty()
    }
}

pub(crate) fn plan(state: &State, now: Timestamp) -> Due {
    let secrets = state.due(now).take(limits::PURGED_PER_COMMAND).collect();
    // The grants of a key go with it in one command; the first key goes however many it has.
    let mut grants = 0;
    let few_grants = |id: &KeyId| {
        let is_first = grants == 0;
        grants += state.grant_count(id).max(1);
        is_first || grants <= limits::GRANTS_PURGED_PER_COMMAND
    };
    let keys = state.keys_due(now).take(limits::KEYS_PURGED_PER_COMMAND).take_while(few_grants).collect();
    Due { secrets, keys }
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
            tracing::warn!("the clocks of too few nodes agree with this leader's: nothing is purged or destroyed");
        }
        let Some(now) = agreement.after(checked) else { return };
        let published = self.publisher.current();
        let Due { secrets, keys } = plan(&published.state, now);
        if !secrets.is_empty() {
            let count = secrets.len();
            let command = Command::Purge(Purge { secrets, not_after: now });
            match self.purge(command, published.applied_index).await {
                Ok(()) => tracing::info!(secrets = count, "deleted secrets are purged"),
                Err(error) => tracing::warn!(%error, "deleted secrets are not purged yet"),
            }
        }
        if !keys.is_empty() {
            let count = keys.len();
            let command = Command::PurgeKeys(PurgeKeys { keys, not_after: now });
            match self.purge(command, published.applied_index).await {
                Ok(()) => tracing::info!(keys = count, "deleted keys are destroyed"),
                Err(error) => tracing::warn!(%error, "deleted keys are not destroyed yet"),
            }
        }
    }

    async fn purge(&self, command: Command, decided_at: u64) -> Result<(), ProposeError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| ProposeError::Unavailable)?;
        let proposal = Proposal { id: ProposalId(id), principal: Principal::System, decided_at, command };
        self.propose(proposal, Instant::now() + limits::REQUEST_DEADLINE).await.map(|_| ())
    }
}
