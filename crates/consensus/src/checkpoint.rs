//! Checkpoints: openraft's snapshots. They are taken by bytes of log, by age, and on demand; then the log is purged.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use openraft::RaftSnapshotBuilder;
use openraft::async_runtime::watch::WatchReceiver;
use state::State;
use storage::log::LogState;
use storage::{Head, StateStore};
use tokio::sync::Mutex;
use types::limits;

use crate::log::{from_store, to_store};
use crate::membership_codec;
use crate::raft_types::{Config, Snapshot, SnapshotMeta, StoredMembership};
use crate::replica::Inner;

/// How often the log's growth is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time that a forced checkpoint may take.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(300);

/// When checkpoints are taken, and how much of the log stays behind them for followers that were briefly away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of log since the last checkpoint after which one is taken.
    pub log_bytes: u64,
    /// Age of the last checkpoint after which one is taken if anything was applied.
    pub age: Duration,
    /// Entries behind a checkpoint that are kept, at most.
    pub kept_entries: u64,
    /// Bytes of such entries, at most; an estimate by their average.
    pub kept_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            log_bytes: limits::CHECKPOINT_LOG_BYTES,
            age: limits::CHECKPOINT_AGE,
            kept_entries: limits::KEPT_LOG_ENTRIES,
            kept_bytes: limits::KEPT_LOG_BYTES,
        }
    }
}

impl Retention {
    /// Whether the log after a checkpoint has grown so much that it is time for the next one.
    fn is_due(&self, checkpoint: Option<u64>, log: &LogState) -> bool {
        let Some(last) = log.last else { return false };
        let entries = last.index.saturating_sub(checkpoint.unwrap_or(0));
        entries.saturating_mul(average_bytes(log)) >= self.log_bytes
    }

    /// The last entry that may go, once a checkpoint at `checkpoint` is durable.
    fn purge_up_to(&self, checkpoint: u64, log: &LogState) -> Option<u64> {
        let kept = self.kept_entries.min(self.kept_bytes / average_bytes(log));
        let up_to = checkpoint.checked_sub(kept)?;
        log.purged.is_none_or(|purged| up_to > purged.index).then_some(up_to)
    }
}

/// Bytes of an entry in the log, at least one.
fn average_bytes(log: &LogState) -> u64 {
    let (end, begin) = (log.last.map_or(0, |id| id.index + 1), log.purged.map_or(0, |id| id.index + 1));
    log.bytes.checked_div(end.saturating_sub(begin)).unwrap_or(0).max(1)
}

/// A checkpoint that was asked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The node is stopping or has failed.
    #[error("the node is stopping")]
    Stopping,
    /// It took too long; it may still be written.
    #[error("the checkpoint was not written in time")]
    Timeout,
}

/// The last durable checkpoint, whose state the next one is compared with.
pub(crate) struct Checkpointed {
    pub(crate) meta: SnapshotMeta,
    pub(crate) state: State,
}

/// The checkpoints of this node; shared with the builder, which runs off the write path.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    store: Arc<dyn StateStore>,
    last: Arc<ArcSwapOption<Checkpointed>>,
    /// One is written at a time: a build and the installation of a snapshot may meet.
    turn: Arc<Mutex<()>>,
}

impl Checkpoints {
    /// Begins with the one that the store had.
    pub(crate) fn new(store: Arc<dyn StateStore>, loaded: Option<(Head, State)>) -> io::Result<Self> {
        let last = match loaded {
            Some((head, state)) => Some(Arc::new(Checkpointed { meta: meta_of(&head)?, state })),
            None => None,
        };
        Ok(Self { store, last: Arc::new(ArcSwapOption::new(last)), turn: Arc::default() })
    }

    pub(crate) fn last(&self) -> Option<Arc<Checkpointed>> {
        self.last.load_full()
    }

    /// Writes a checkpoint, unless there is a later one; that or this one, durable when it returns.
    pub(crate) async fn write(&self, meta: SnapshotMeta, state: State) -> io::Result<Arc<Checkpointed>> {
        let _turn = self.turn.lock().await;
        let previous = self.last();
        if let Some(previous) = previous.as_ref().filter(|previous| previous.meta.last_log_id >= meta.last_log_id) {
            return Ok(previous.clone());
        }
        let (store, head) = (self.store.clone(), head_of(&meta)?);
        let written = tokio::task::spawn_blocking(move || {
            store.checkpoint(previous.as_ref().map(|previous| &previous.state), &state, head)?;
            Ok::<_, storage::StateStoreError>(Arc::new(Checkpointed { meta, state }))
        });
        let written = written.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        self.last.store(Some(written.clone()));
        Ok(written)
    }

    /// Waits until none is being written.
    pub(crate) async fn idle(&self) {
        drop(self.turn.lock().await);
    }
}

/// What a checkpoint of `meta` is the checkpoint of.
pub(crate) fn head_of(meta: &SnapshotMeta) -> io::Result<Head> {
    let last = meta.last_log_id.ok_or_else(|| io::Error::other("a checkpoint before the first entry"))?;
    Ok(Head {
        last: to_store(last),
        membership_log_id: meta.last_membership.log_id().map(to_store),
        membership: membership_codec::encode(meta.last_membership.membership()),
    })
}

/// Reads the head of a checkpoint or a received snapshot.
pub(crate) fn meta_of(head: &Head) -> io::Result<SnapshotMeta> {
    let membership = membership_codec::decode(&head.membership).map_err(io::Error::other)?;
    Ok(SnapshotMeta {
        last_log_id: Some(from_store(head.last)),
        last_membership: StoredMembership::new(head.membership_log_id.map(from_store), membership),
    })
}

/// Writes one checkpoint of a state that was taken when the builder was made.
pub(crate) struct Builder {
    checkpoints: Checkpoints,
    meta: SnapshotMeta,
    state: State,
}

impl Builder {
    pub(crate) fn new(checkpoints: Checkpoints, meta: SnapshotMeta, state: State) -> Self {
        Self { checkpoints, meta, state }
    }
}

impl RaftSnapshotBuilder<Config> for Builder {
    type SnapshotData = State;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        if self.meta.last_log_id.is_none() {
            // Nothing was applied yet, so there is nothing to write.
            return Ok(Snapshot { meta: self.meta.clone(), snapshot: self.state.clone() });
        }
        let written = self.checkpoints.write(self.meta.clone(), self.state.clone()).await?;
        Ok(Snapshot { meta: written.meta.clone(), snapshot: written.state.clone() })
    }
}

impl Inner {
    /// Writes a checkpoint of at least what is applied now and purges the log behind it; its log index.
    pub(crate) async fn checkpoint_now(&self) -> Result<u64, CheckpointError> {
        let checkpoint = tokio::time::timeout(CHECKPOINT_TIMEOUT, self.reach_checkpoint())
            .await
            .map_err(|_| CheckpointError::Timeout)??;
        if let Some(up_to) = self.retention.purge_up_to(checkpoint, &self.log.state()) {
            self.raft.trigger().purge_log(up_to).await.map_err(|_| CheckpointError::Stopping)?;
        }
        Ok(checkpoint)
    }

    async fn reach_checkpoint(&self) -> Result<u64, CheckpointError> {
        let mut metrics = self.raft.metrics();
        let target = metrics.borrow_watched().last_applied;
        let mut asked_from = None;
        loop {
            let checkpoint = metrics.borrow_watched().snapshot;
            if checkpoint >= target {
                return Ok(checkpoint.map_or(0, |id| id.index));
            }
            // One that was under way already may end before the target: ask again after each.
            if asked_from != Some(checkpoint) {
                self.raft.trigger().snapshot().await.map_err(|_| CheckpointError::Stopping)?;
                asked_from = Some(checkpoint);
            }
            metrics.changed().await.map_err(|_| CheckpointError::Stopping)?;
            if metrics.borrow_watched().running_state.is_err() {
                return Err(CheckpointError::Stopping);
            }
        }
    }
}

/// Takes checkpoints as the log grows and as time passes, until the replica is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut last = None;
    let mut last_at = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        let (checkpoint, applied, stopped) = {
            let metrics = inner.raft.metrics();
            let metrics = metrics.borrow_watched();
            (metrics.snapshot, metrics.last_applied, metrics.running_state.is_err())
        };
        if stopped {
            return;
        }
        if checkpoint != last {
            (last, last_at) = (checkpoint, Instant::now());
        }
        let is_due = inner.retention.is_due(checkpoint.map(|id| id.index), &inner.log.state());
        if applied > checkpoint && (is_due || last_at.elapsed() >= inner.retention.age) {
            if let Err(error) = inner.checkpoint_now().await {
                tracing::warn!(%error, "no checkpoint");
            }
            last_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use storage::log::LogId;
    use types::NodeId;

    use super::*;

    fn log(purged: Option<u64>, last: u64, bytes: u64) -> LogState {
        let id = |index| LogId { term: 1, leader: NodeId(1), index };
        LogState { purged: purged.map(id), last: Some(id(last)), bytes, ..LogState::default() }
    }

    #[test]
    fn what_stays_behind_a_checkpoint_is_bounded_by_count_and_bytes() {
        let retention = Retention { kept_entries: 100, kept_bytes: 1_000, ..Retention::default() };
        // 10 entries of 100 bytes fit.
        assert_eq!(retention.purge_up_to(500, &log(None, 999, 100_000)), Some(490));
        // 100 entries of 1 byte.
        assert_eq!(retention.purge_up_to(500, &log(None, 999, 1_000)), Some(400));
        // Nothing new to purge.
        assert_eq!(retention.purge_up_to(500, &log(Some(400), 999, 599)), None);
        assert_eq!(retention.purge_up_to(50, &log(None, 999, 1_000)), None);
        assert_eq!(retention.purge_up_to(50, &LogState::default()), None);
    }

    #[test]
    fn a_checkpoint_is_due_by_what_came_after_the_last_one() {
        let retention = Retention { log_bytes: 1_000, ..Retention::default() };
        assert!(retention.is_due(None, &log(None, 99, 1_000 * 100)));
        assert!(!retention.is_due(Some(99), &log(None, 99, 1_000 * 100)));
        assert!(!retention.is_due(Some(90), &log(Some(80), 99, 19 * 100)));
        assert!(retention.is_due(Some(89), &log(Some(79), 99, 20 * 100)));
        assert!(!retention.is_due(None, &LogState::default()));
    }
}
