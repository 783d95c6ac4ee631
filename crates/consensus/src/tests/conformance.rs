//! openraft's suite for storage, over our adapters on the stores of the product.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use storage::log::{Done, LogEntry, LogError, LogId, LogOptions, LogState, LogStore, Payload, SegmentLog, Vote};
use storage::{Barrier, LogCodec, SledStateStore};
use tempfile::TempDir;
use types::{ClusterId, NodeId};

use super::harness::TestCustody;
use crate::log::Log;
use crate::machine::StateMachine;
use crate::raft_types::Config;

const CLUSTER: ClusterId = ClusterId([7; 16]);

/// The suite leaves holes in some logs, which openraft itself never does and the log refuses. They are filled with
/// blank entries here.
struct WithoutHoles(SegmentLog);

impl LogStore for WithoutHoles {
    fn append(&self, entries: Vec<LogEntry>, done: Done) {
        let last = self.0.state().last;
        let (term, next) = last.map_or((0, 0), |last| (last.term, last.index + 1));
        let first = entries.first().map_or(0, |entry| entry.id.index);
        let blank = |index| LogEntry { id: LogId { term, leader: NodeId(0), index }, payload: Payload::Blank };
        self.0.append((next..first).map(blank).chain(entries).collect(), done);
    }

    fn save_vote(&self, vote: Vote, done: Done) {
        self.0.save_vote(vote, done);
    }

    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<LogEntry>> {
        self.0.read(range, max_bytes)
    }

    fn truncate_after(&self, last: Option<u64>) -> io::Result<()> {
        self.0.truncate_after(last)
    }

    fn purge(&self, up_to: LogId) -> io::Result<()> {
        self.0.purge(up_to)
    }

    fn state(&self) -> LogState {
        self.0.state()
    }

    fn save_committed(&self, committed: LogId) {
        self.0.save_committed(committed);
    }

    fn committed(&self) -> Option<LogId> {
        self.0.committed()
    }

    fn failed(&self) -> Option<LogError> {
        self.0.failed()
    }
}

struct Stores;

impl Stores {
    fn open() -> io::Result<(TempDir, Log, StateMachine)> {
        let directory = tempfile::tempdir()?;
        let barrier = Arc::new(Barrier::ephemeral(CLUSTER));
        let codec = LogCodec::new(barrier.clone());
        let options = LogOptions { segment_bytes: 64 << 10, ..LogOptions::default() };
        let log = SegmentLog::open_with(&directory.path().join("log"), CLUSTER, NodeId(0), options)?;
        let (state, loaded) =
            SledStateStore::open(&directory.path().join("state"), barrier).map_err(io::Error::other)?;
        assert!(loaded.is_none());
        let (machine, _, _) =
            StateMachine::new(codec.clone(), Arc::new(state), None, Arc::new(TestCustody::default()))?;
        Ok((directory, Log::new(Arc::new(WithoutHoles(log)), codec), machine))
    }
}

impl StoreBuilder<Config, Log, StateMachine, TempDir> for Stores {
    async fn build(&self) -> Result<(TempDir, Log, StateMachine), StorageError<Config>> {
        Ok(Self::open().unwrap())
    }
}

#[tokio::test]
async fn the_adapters_pass_the_suite_of_openraft() {
    Box::pin(Suite::test_all(Stores)).await.unwrap();
}
