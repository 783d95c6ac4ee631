//! The replicated state as the use cases see it: what they need of consensus, and no more.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use consensus::{NoQuorum, Proposal, ProposeError, Published, Receipt, Replica, StaleState};

/// A state that many nodes keep.
pub(crate) trait Replicated: Send + Sync {
    /// The state as this node has it now, which may be behind.
    fn local_state(&self) -> Arc<Published>;

    /// A state that holds every write acknowledged before this call, on whatever node.
    fn read_barrier(&self, deadline: Instant) -> impl Future<Output = Result<Arc<Published>, NoQuorum>> + Send;

    /// A state that holds every change of identity, policy and keys acknowledged before this call, and every other
    /// write acknowledged `max_age` before it.
    fn read_stale(
        &self,
        max_age: Duration,
        deadline: Instant,
    ) -> impl Future<Output = Result<StaleState, NoQuorum>> + Send;

    /// Proposes a command and waits for its outcome.
    fn propose(
        &self,
        proposal: Proposal,
        deadline: Instant,
    ) -> impl Future<Output = Result<Receipt, ProposeError>> + Send;
}

impl Replicated for Replica {
    fn local_state(&self) -> Arc<Published> {
        Self::local_state(self)
    }

    fn read_barrier(&self, deadline: Instant) -> impl Future<Output = Result<Arc<Published>, NoQuorum>> + Send {
        Self::read_barrier(self, deadline)
    }

    fn read_stale(
        &self,
        max_age: Duration,
        deadline: Instant,
    ) -> impl Future<Output = Result<StaleState, NoQuorum>> + Send {
        Self::read_stale(self, max_age, deadline)
    }

    fn propose(
        &self,
        proposal: Proposal,
        deadline: Instant,
    ) -> impl Future<Output = Result<Receipt, ProposeError>> + Send {
        Self::propose(self, proposal, deadline)
    }
}
