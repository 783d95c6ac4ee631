//! openraft's state machine: opens log payloads, applies them, publishes the result.
//!
//! The state is replaced as a whole after each batch of entries; readers hold the clone that they took.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::{Stream, StreamExt};
use openraft::OptionalSend;
use openraft::entry::EntryPayload;
use openraft::storage::{EntryResponder, RaftStateMachine};
use state::State;
use storage::{Head, LogCodec, StateStore};
use tokio::sync::watch;
use types::NodeId;

use crate::checkpoint::{Builder, Checkpoints};
use crate::config::Custody;
use crate::raft_types::{Applied, Config, LogId, Node, SealedCommand, Snapshot, SnapshotMeta, StoredMembership};

/// Entries that are applied before their result is published and their proposers are answered.
const APPLY_BATCH: usize = 256;

type Payload = EntryPayload<SealedCommand, NodeId, Node>;

/// A state with the log index that it shows.
#[derive(Clone, Debug)]
pub struct Published {
    /// The state; a clone is O(1).
    pub state: State,
    /// The index of the last log entry that is in it.
    pub applied_index: u64,
    /// No entry after this one, up to [`Self::applied_index`], has changed identity, policy or keys. The last that did
    /// is here or before: a state that was loaded or received does not know, and takes its own index.
    pub access_index: u64,
}

impl Published {
    /// A state of which nothing is known but its index.
    pub const fn new(state: State, applied_index: u64) -> Self {
        Self { state, applied_index, access_index: applied_index }
    }

    /// The state that came of this one.
    pub fn followed_by(&self, state: State, applied_index: u64) -> Self {
        let access_index = if state.grants_the_same_as(&self.state) { self.access_index } else { applied_index };
        Self { state, applied_index, access_index }
    }
}

/// Where the state machine shows its work to the rest of the node.
#[derive(Clone)]
pub(crate) struct Publisher {
    current: Arc<ArcSwap<Published>>,
    applied: watch::Sender<u64>,
    /// Tests hold a state back, so that it falls behind the log.
    #[cfg(test)]
    pub(crate) held: watch::Sender<bool>,
}

impl Publisher {
    fn new(state: State, applied_index: u64) -> Self {
        let current = Arc::new(ArcSwap::from_pointee(Published::new(state, applied_index)));
        Self {
            current,
            applied: watch::Sender::new(applied_index),
            #[cfg(test)]
            held: watch::Sender::new(false),
        }
    }

    pub(crate) fn current(&self) -> Arc<Published> {
        self.current.load_full()
    }

    /// Waits until `index` is applied; `None` when the state machine has ended.
    pub(crate) async fn applied_at_least(&self, index: u64) -> Option<Arc<Published>> {
        let mut applied = self.applied.subscribe();
        applied.wait_for(|applied| *applied >= index).await.ok()?;
        Some(self.current())
    }

    #[cfg(test)]
    async fn released(&self) {
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
    }

    fn publish(&self, state: State, applied_index: u64) {
        // What was published before has been kept till now, so the comparison holds.
        let next = self.current().followed_by(state, applied_index);
        self.current.store(Arc::new(next));
        self.applied.send_replace(applied_index);
    }
}

/// The state machine.
pub(crate) struct StateMachine {
    codec: LogCodec,
    state: State,
    applied: Option<LogId>,
    membership: StoredMembership,
    publisher: Publisher,
    checkpoints: Checkpoints,
    custody: Arc<dyn Custody>,
}

impl StateMachine {
    /// Starts from what the store had as its last checkpoint.
    pub(crate) fn new(
        codec: LogCodec,
        store: Arc<dyn StateStore>,
        loaded: Option<(Head, State)>,
        custody: Arc<dyn Custody>,
    ) -> io::Result<(Self, Publisher, Checkpoints)> {
        let checkpoints = Checkpoints::new(store, loaded)?;
        let (state, meta) = match checkpoints.last() {
            Some(last) => (last.state.clone(), last.meta.clone()),
            None => (State::default(), SnapshotMeta::default()),
        };
        keep(&*custody, &state)?;
        let publisher = Publisher::new(state.clone(), index_of(meta.last_log_id));
        let machine = Self {
            codec,
            state,
            applied: meta.last_log_id,
            membership: meta.last_membership,
            publisher: publisher.clone(),
            checkpoints: checkpoints.clone(),
            custody,
        };
        Ok((machine, publisher, checkpoints))
    }

    fn apply_entry(&mut self, id: LogId, payload: &Payload) -> io::Result<Option<Applied>> {
        let answer = match payload {
            EntryPayload::Blank => None,
            EntryPayload::Normal(command) => Some(self.apply_command(id.index, command)?),
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(id), membership.clone());
                self.state.keep_boots_of(|node| membership.get_node(&node).is_some());
                None
            }
        };
        self.applied = Some(id);
        Ok(answer)
    }

    fn apply_command(&mut self, index: u64, command: &SealedCommand) -> io::Result<Applied> {
        let envelope = self.codec.open_command(&command.0).map_err(io::Error::other)?;
        let (proposal, revision) = (envelope.proposal, revision_of(&self.state));
        // A broken invariant stops the node. Without this it would end a task of openraft's, unnoticed until the next
        // entry; what the state looks like afterwards is never published.
        let applied = panic::catch_unwind(AssertUnwindSafe(|| self.state.apply(index, envelope)));
        let outcome = applied.map_err(|_| io::Error::other(format!("applying entry {index} panicked")))?;
        if revision_of(&self.state) != revision {
            // Before anybody hears of it, and before the next entry, which may be sealed under a new term.
            keep(&*self.custody, &self.state)?;
        }
        Ok(Applied { proposal, outcome })
    }

    fn publish(&self) {
        self.publisher.publish(self.state.clone(), index_of(self.applied));
    }
}

fn revision_of(state: &State) -> Option<u64> {
    state.keyring().map(|keyring| keyring.revision)
}

fn keep(custody: &dyn Custody, state: &State) -> io::Result<()> {
    state.keyring().map_or(Ok(()), |keyring| custody.keep(keyring))
}

fn index_of(id: Option<LogId>) -> u64 {
    id.map_or(0, |id| id.index)
}

impl RaftStateMachine<Config> for StateMachine {
    type SnapshotData = State;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<Config>, io::Error>> + Unpin + OptionalSend,
    {
        let mut batches = entries.ready_chunks(APPLY_BATCH);
        while let Some(batch) = batches.next().await {
            #[cfg(test)]
            self.publisher.released().await;
            let mut answers = Vec::with_capacity(batch.len());
            for item in batch {
                let (entry, responder) = item?;
                let answer = self.apply_entry(entry.log_id, &entry.payload)?;
                answers.extend(responder.map(|responder| (responder, answer)));
            }
            // A proposer that has its answer may read at once: publish first.
            self.publish();
            for (responder, answer) in answers {
                responder.send(answer);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let meta = SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() };
        Builder::new(self.checkpoints.clone(), meta, self.state.clone())
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: State) -> Result<(), io::Error> {
        keep(&*self.custody, &snapshot)?;
        self.checkpoints.write(meta.clone(), snapshot.clone()).await?;
        self.state = snapshot;
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.publish();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        let last = self.checkpoints.last();
        Ok(last.map(|last| Snapshot { meta: last.meta.clone(), snapshot: last.state.clone() }))
    }
}
