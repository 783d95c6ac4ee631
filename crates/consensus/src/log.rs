//! openraft's log storage over [`storage::log::LogStore`].
//!
//! Votes and entries go through the store's one queue, so their IO completes in the order of submission, which is
//! what openraft takes a completion for: a watermark. Command entries are sealed already; memberships are sealed here.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use openraft::entry::EntryPayload;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};
use storage::LogCodec;
use storage::log::{self as store, LogStore};
use tokio::sync::oneshot;
use types::limits;

use crate::membership_codec;
use crate::raft_types::{Config, Entry, LeaderId, LogId, Membership, SealedCommand, Vote};

/// The log of this node.
#[derive(Clone)]
pub(crate) struct Log {
    store: Arc<dyn LogStore>,
    codec: LogCodec,
}

impl Log {
    pub(crate) fn new(store: Arc<dyn LogStore>, codec: LogCodec) -> Self {
        Self { store, codec }
    }

    fn encode(&self, entry: Entry) -> store::LogEntry {
        let id = to_store(entry.log_id);
        let payload = match entry.payload {
            EntryPayload::Blank => store::Payload::Blank,
            EntryPayload::Normal(SealedCommand(bytes)) => store::Payload::Command(bytes),
            EntryPayload::Membership(membership) => {
                let bytes = membership_codec::encode(&membership);
                store::Payload::Membership(self.codec.seal_membership(id.index, &bytes))
            }
        };
        store::LogEntry { id, payload }
    }

    fn decode(&self, entry: store::LogEntry) -> io::Result<Entry> {
        let payload = match entry.payload {
            store::Payload::Blank => EntryPayload::Blank,
            store::Payload::Command(bytes) => EntryPayload::Normal(SealedCommand(bytes)),
            store::Payload::Membership(sealed) => {
                EntryPayload::Membership(self.open_membership(entry.id.index, &sealed)?)
            }
        };
        Ok(Entry { log_id: from_store(entry.id), payload })
    }

    fn open_membership(&self, index: u64, sealed: &Bytes) -> io::Result<Membership> {
        let bytes = self.codec.open_membership(index, sealed).map_err(io::Error::other)?;
        membership_codec::decode(&bytes).map_err(io::Error::other)
    }

    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<Entry>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read(range, max_bytes)?.into_iter().map(|entry| self.decode(entry)).collect()
    }
}

pub(crate) fn to_store(id: LogId) -> store::LogId {
    store::LogId { term: id.leader_id.term, leader: id.leader_id.node_id, index: id.index }
}

pub(crate) fn from_store(id: store::LogId) -> LogId {
    LogId::new(LeaderId { term: id.term, node_id: id.leader }, id.index)
}

fn vote_to_store(vote: &Vote) -> store::Vote {
    store::Vote { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
}

fn vote_from_store(vote: store::Vote) -> Vote {
    Vote { leader_id: LeaderId { term: vote.term, node_id: vote.node }, committed: vote.committed }
}

fn half_open(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

impl RaftLogReader<Config> for Log {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        self.read(half_open(&range), usize::MAX)
    }

    /// What is applied; read in parts, so that a node far behind does not hold all of it in memory.
    async fn entries_stream<RB>(&mut self, range: RB) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let log = self.clone();
        let parts = stream::try_unfold(half_open(&range), move |range| {
            let part = log.read(range.clone(), limits::LOG_READ_BYTES).map(|entries| {
                let next = entries.last()?.log_id.index + 1;
                Some((stream::iter(entries.into_iter().map(Ok)), next..range.end))
            });
            std::future::ready(part)
        });
        parts.try_flatten()
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.store.state().vote.map(vote_from_store))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        self.read(start..end, limits::APPEND_BYTES)
    }
}

impl RaftLogStorage<Config> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Config>, io::Error> {
        let state = self.store.state();
        Ok(LogState {
            last_purged_log_id: state.purged.map(from_store),
            last_log_id: state.last.or(state.purged).map(from_store),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        let (done, saved) = oneshot::channel();
        // Nobody listens when Raft is being stopped.
        self.store.save_vote(vote_to_store(vote), Box::new(move |result| drop(done.send(result))));
        saved.await.map_err(|_| io::Error::other("the log's writer has stopped"))?
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        if let Some(committed) = committed {
            self.store.save_committed(to_store(committed));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.store.committed().map(from_store))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Config>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter().map(|entry| self.encode(entry)).collect();
        self.store.append(entries, Box::new(move |result| callback.io_completed(result)));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        self.store.truncate_after(last.map(|id| id.index))
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        self.store.purge(to_store(log_id))
    }
}
