//! The read barrier: one round for all reads that wait.
//!
//! A read is linearizable when it sees every write that was acknowledged before it began. The node asks for a read
//! index (the leader by confirming its leadership with a quorum, a follower by asking the leader), then waits until
//! that index is applied here.
//!
//! # Correctness
//! A round asks for its index after it has collected its reads, so each of them began before. Reads that arrive
//! while a round is under way join the next one, never the one under way: its index may be older than a write that
//! they must see. A new leader's index is at least that of the first entry of its term, which is not committed before
//! everything that any leader acknowledged earlier is.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use openraft::ReadPolicy;
use proto::raft::v1 as pb;
use tokio::sync::{mpsc, oneshot};
use types::limits;

use crate::machine::{Published, Publisher};
use crate::network::Traffic;
use crate::reads::Marks;
use crate::replica::Inner;

/// The barrier could not be passed before the deadline: no leader, or no quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no quorum confirmed a read index in time")]
pub struct NoQuorum;

/// Time for one round.
const ROUND_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after a round that failed, so that a node without a leader does not spin.
const FAILED_ROUND_PAUSE: Duration = Duration::from_millis(20);
/// Reads that a round takes from the queue at once.
const TAKEN_AT_ONCE: usize = 1_024;

/// What a round has learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// When it asked.
    pub(crate) began: Instant,
    /// Every write acknowledged before `began` is at or below it.
    pub(crate) index: u64,
    /// No entry after it, up to `index`, has changed identity, policy or keys.
    pub(crate) access_index: u64,
}

/// One who waits for a round.
enum Waiter {
    /// A follower, which waits for the index itself.
    Index(oneshot::Sender<Round>),
    /// A read on this node.
    State(oneshot::Sender<Arc<Published>>),
    /// A read on this node that may be content with less than the index.
    Stale(oneshot::Sender<Round>),
}

impl Waiter {
    fn is_closed(&self) -> bool {
        match self {
            Self::Index(waiter) | Self::Stale(waiter) => waiter.is_closed(),
            Self::State(waiter) => waiter.is_closed(),
        }
    }
}

/// Where reads join rounds; local ones and those of followers share them.
pub(crate) struct ReadIndexRounds {
    waiting: mpsc::Sender<Waiter>,
    marks: Mutex<Marks>,
}

/// The other end, for [`run_rounds`].
pub(crate) struct Waiting(mpsc::Receiver<Waiter>);

impl ReadIndexRounds {
    pub(crate) fn channel() -> (Self, Waiting) {
        let (waiting, rounds) = mpsc::channel(limits::BARRIER_WAITERS);
        (Self { waiting, marks: Mutex::default() }, Waiting(rounds))
    }

    /// An index such that every write acknowledged before this call is at or below it.
    pub(crate) async fn read_index(&self, deadline: Instant) -> Result<u64, NoQuorum> {
        self.join(Waiter::Index, deadline).await.map(|round| round.index)
    }

    /// What a round that began after this call has learnt.
    pub(crate) async fn round(&self, deadline: Instant) -> Result<Round, NoQuorum> {
        self.join(Waiter::Stale, deadline).await
    }

    /// What rounds have learnt until now.
    pub(crate) fn marks<T>(&self, look: impl FnOnce(&mut Marks) -> T) -> T {
        // A panic leaves marks that are true, if fewer.
        look(&mut self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A state that holds every write acknowledged before this call.
    async fn state(&self, deadline: Instant) -> Result<Arc<Published>, NoQuorum> {
        self.join(Waiter::State, deadline).await
    }

    async fn join<T>(&self, waiter: fn(oneshot::Sender<T>) -> Waiter, deadline: Instant) -> Result<T, NoQuorum> {
        let (done, answer) = oneshot::channel();
        self.waiting.try_send(waiter(done)).map_err(|_| NoQuorum)?;
        tokio::time::timeout_at(deadline.into(), answer).await.map_err(|_| NoQuorum)?.map_err(|_| NoQuorum)
    }
}

/// Runs rounds until the replica is gone.
pub(crate) async fn run_rounds(inner: Weak<Inner>, Waiting(mut queue): Waiting) {
    let mut waiters = Vec::new();
    while queue.recv_many(&mut waiters, TAKEN_AT_ONCE).await > 0 {
        while let Ok(waiter) = queue.try_recv() {
            waiters.push(waiter);
        }
        let Some(inner) = inner.upgrade() else { return };
        while inner.has_waiters(&mut waiters) {
            let access = waiters.iter().any(|waiter| matches!(waiter, Waiter::Stale(_)));
            if let Some(round) = inner.read_index_round(access).await {
                inner.rounds.marks(|marks| marks.add(round, inner.publisher.current().applied_index));
                answer(&inner.publisher, round, std::mem::take(&mut waiters));
                break;
            }
            tokio::time::sleep(FAILED_ROUND_PAUSE).await;
            // The next attempt asks anew, so whoever has arrived may join it.
            while let Ok(waiter) = queue.try_recv() {
                waiters.push(waiter);
            }
        }
    }
}

/// Gives followers the index, and local reads the state once it is applied here.
fn answer(publisher: &Publisher, round: Round, waiters: Vec<Waiter>) {
    let current = publisher.current();
    let index = round.index;
    let applied = current.applied_index >= index;
    let mut reads = Vec::new();
    // A waiter that gave up does not want the answer.
    for waiter in waiters {
        match waiter {
            Waiter::Index(waiter) | Waiter::Stale(waiter) => drop(waiter.send(round)),
            Waiter::State(waiter) if applied => drop(waiter.send(current.clone())),
            Waiter::State(waiter) => reads.push(waiter),
        }
    }
    if reads.is_empty() {
        return;
    }
    // The next round does not wait for this one's entries to be applied.
    let publisher = publisher.clone();
    tokio::spawn(async move {
        let applied = tokio::time::timeout(limits::REQUEST_DEADLINE, publisher.applied_at_least(index));
        let Ok(Some(state)) = applied.await else { return };
        for read in reads {
            drop(read.send(state.clone()));
        }
    });
}

impl Inner {
    /// Passes the barrier and takes one state for the whole request.
    pub(crate) async fn read_barrier(&self, deadline: Instant) -> Result<Arc<Published>, NoQuorum> {
        if cfg!(feature = "unsafe-without-read-barrier") {
            return Ok(self.publisher.current());
        }
        self.abreast(deadline).await
    }

    /// A state that holds every write acknowledged before this call, in every build.
    pub(crate) async fn abreast(&self, deadline: Instant) -> Result<Arc<Published>, NoQuorum> {
        self.rounds.state(deadline).await
    }

    /// Whether anybody waits still whom this node may serve.
    ///
    /// A follower is answered by the leader only. When that was this node and is not any more, the follower must ask
    /// anew: it may be the next leader, and would wait for itself.
    fn has_waiters(&self, waiters: &mut Vec<Waiter>) -> bool {
        if !self.is_of_a_cluster() {
            waiters.clear();
        }
        let leads = self.leader() == Some(self.id);
        waiters.retain(|waiter| match waiter {
            Waiter::Index(_) => leads && !waiter.is_closed(),
            Waiter::State(_) | Waiter::Stale(_) => !waiter.is_closed(),
        });
        !waiters.is_empty()
    }

    /// One round; `None` when it failed and may be tried again.
    async fn read_index_round(&self, access: bool) -> Option<Round> {
        tokio::time::timeout(ROUND_TIMEOUT, self.ask_read_index(access)).await.ok().flatten()
    }

    async fn ask_read_index(&self, access: bool) -> Option<Round> {
        let leader = self.leader()?;
        let began = Instant::now();
        if leader == self.id {
            // Heartbeats a quorum anew; at least the index of the first entry of this leader's term.
            let (read, _) = self.raft.get_read_log_id(ReadPolicy::ReadIndex).await.ok()?;
            // What of it has changed access it knows when it has applied it, and then a read needs no less.
            return Some(Round { began, index: read.index(), access_index: read.index() });
        }
        let mut client = self.peer_client(leader, Traffic::Forward)?;
        let response = client.read_index(pb::ReadIndexRequest { access }).await;
        let response = response.inspect_err(|status| self.peers.heard(status)).ok()?.into_inner();
        match response.result? {
            pb::read_index_response::Result::Index(index) => {
                // A leader of a version before says nothing.
                let known = (1..=index).contains(&response.access_index);
                Some(Round { began, index, access_index: if known { response.access_index } else { index } })
            }
            pb::read_index_response::Result::NotLeader(_) => None,
        }
    }
}
