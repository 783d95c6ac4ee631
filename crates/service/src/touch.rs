//! LastAccessedDate: the first read of a UTC day is proposed, in one command with all others that wait.
//!
//! A read waits for it a little while and is answered in any case. Whether it is the first is seen on the state that it
//! is answered from, so later reads of the day cost nothing.
//!
//! A node whose clock is ahead of log time by a midnight believes in a day that `apply` does not write yet: until that
//! day has come, each of its reads waits for a round. The log gets one command a round from it, however many they are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use consensus::{Proposal, ProposeError, Receipt};
use futures_util::future::BoxFuture;
use state::{Access, Applied, Command, Touch};
use tokio::sync::watch;
use types::{Principal, ProposalId, Timestamp, limits};

use crate::replicated::Replicated;

type Propose = dyn Fn(Proposal, Instant) -> BoxFuture<'static, Result<Receipt, ProposeError>> + Send + Sync;

/// A read that may be the first of its day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstRead {
    pub(crate) access: Access,
    pub(crate) day: Timestamp,
    /// The index of the state on which it was the first.
    pub(crate) decided_at: u64,
}

/// Gathers reads into rounds, one round after the other.
pub(crate) struct Touches {
    rounds: Mutex<Rounds>,
    propose: Box<Propose>,
}

#[derive(Default)]
struct Rounds {
    /// While there is one, a task proposes it.
    under_way: Option<Batch>,
    next: Option<Batch>,
}

struct Batch {
    /// The latest of its reads: one around midnight may count for the day after.
    day: Timestamp,
    decided_at: u64,
    accesses: BTreeSet<Access>,
    /// Dropped when the round is over.
    over: watch::Sender<()>,
}

impl Touches {
    pub(crate) fn new<R: Replicated + Clone + 'static>(replicated: R) -> Arc<Self> {
        let propose = move |proposal, deadline| -> BoxFuture<'static, _> {
            let replicated = replicated.clone();
            Box::pin(async move { replicated.propose(proposal, deadline).await })
        };
        Arc::new(Self { rounds: Mutex::default(), propose: Box::new(propose) })
    }

    /// Has a read dated, and waits for that at most [`limits::TOUCH_WAIT`]. Nothing comes of it without a quorum, or
    /// when too many wait already.
    pub(crate) async fn touch(self: &Arc<Self>, read: FirstRead) {
        if let Some(mut over) = self.join(read) {
            // An error is what it waits for: nothing is ever sent.
            let _ = tokio::time::timeout(limits::TOUCH_WAIT, over.changed()).await;
        }
    }

    fn join(self: &Arc<Self>, read: FirstRead) -> Option<watch::Receiver<()>> {
        let mut rounds = self.lock();
        if let Some(batch) = rounds.under_way.as_ref().filter(|batch| batch.dates(&read)) {
            return Some(batch.over.subscribe());
        }
        let over = rounds.next.get_or_insert_with(|| Batch::new(&read)).add(&read)?;
        if rounds.under_way.is_none() {
            rounds.under_way = rounds.next.take();
            tokio::spawn(self.clone().run());
        }
        Some(over)
    }

    /// Proposes one batch after the other until none waits.
    async fn run(self: Arc<Self>) {
        while let Some(proposal) = self.proposal() {
            let receipt = (self.propose)(proposal, Instant::now() + limits::TOUCH_WAIT).await;
            if !matches!(receipt, Ok(Receipt { outcome: Ok(Applied::Touched), .. })) {
                tracing::debug!(?receipt, "reads may have no LastAccessedDate");
            }
            let mut rounds = self.lock();
            rounds.under_way = rounds.next.take();
        }
    }

    /// What the round under way proposes.
    fn proposal(&self) -> Option<Proposal> {
        let rounds = self.lock();
        let batch = rounds.under_way.as_ref()?;
        Some(Proposal {
            id: ProposalId::new(batch.decided_at, key_service::random()),
            principal: Principal::System,
            decided_at: batch.decided_at,
            command: Command::Touch(Touch { day: batch.day, entries: batch.accesses.iter().copied().collect() }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Rounds> {
        // Every change of the rounds is one assignment.
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    fn new(read: &FirstRead) -> Self {
        Self { day: read.day, decided_at: read.decided_at, accesses: BTreeSet::new(), over: watch::Sender::new(()) }
    }

    fn dates(&self, read: &FirstRead) -> bool {
        self.day >= read.day && self.accesses.contains(&read.access)
    }

    /// Takes a read in, if there is room.
    fn add(&mut self, read: &FirstRead) -> Option<watch::Receiver<()>> {
        if self.accesses.len() == limits::TOUCHES_PER_COMMAND && !self.accesses.contains(&read.access) {
            return None;
        }
        self.accesses.insert(read.access);
        self.day = self.day.max(read.day);
        self.decided_at = self.decided_at.max(read.decided_at);
        Some(self.over.subscribe())
    }
}
