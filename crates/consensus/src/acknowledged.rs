//! What each follower has acknowledged to this leader in its term.
//!
//! A follower whose log is shorter than that has lost what it had synced: its data directory was put back from a copy.
//! openraft holds it for a broken invariant and panics, or goes on with progress that contradicts itself; so such an
//! answer ends here, and the directory is not heard any more (`boots`).
//!
//! # Correctness
//! Only what was acknowledged before a stream was opened, or on it, condemns its conflicts: an answer on one stream may
//! overtake one on another. A conflict with anything else that was acknowledged is withheld from openraft, and the
//! question is asked again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use openraft::raft::{StreamAppendError, StreamAppendResult};
use types::NodeId;

use crate::data_dir::DataId;
use crate::network::Peers;
use crate::raft_types::{Config, LeaderId, LogId};

#[derive(Clone, Copy)]
struct Highest {
    leader: LeaderId,
    log_id: LogId,
}

/// The highest log id of each follower; those of earlier terms do not count.
#[derive(Default)]
pub(crate) struct Acknowledged(Mutex<HashMap<NodeId, Highest>>);

impl Acknowledged {
    /// The index up to which a follower has acknowledged to that leader.
    pub(crate) fn index(&self, follower: NodeId, leader: LeaderId) -> Option<u64> {
        let highest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        highest.get(&follower).filter(|highest| highest.leader == leader).map(|highest| highest.log_id.index)
    }

    pub(crate) fn note(&self, follower: NodeId, leader: LeaderId, log_id: LogId) {
        let mut highest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = highest.entry(follower).or_insert(Highest { leader, log_id });
        if known.leader < leader || (known.leader == leader && known.log_id < log_id) {
            *known = Highest { leader, log_id };
        }
    }
}

/// The answers of one append stream.
pub(crate) struct Answers {
    peers: Arc<Peers>,
    follower: NodeId,
    /// The directory that has opened the stream, if it said which.
    data: Option<DataId>,
    leader: LeaderId,
    /// What was acknowledged before the stream was opened, or on it.
    floor: Option<u64>,
}

/// The answer is not one that openraft may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Withheld {
    /// The follower's log lacks what it had acknowledged.
    #[error("the log of the follower is shorter than what it has acknowledged")]
    Reverted,
    /// It may have been overtaken by another answer.
    #[error("the follower's answer contradicts a later one")]
    Overtaken,
}

impl Answers {
    pub(crate) fn new(peers: Arc<Peers>, follower: NodeId, leader: LeaderId) -> Self {
        let floor = peers.acknowledged.index(follower, leader);
        Self { peers, follower, data: None, leader, floor }
    }

    /// With the directory that the follower has named.
    pub(crate) fn of(self, data: Option<DataId>) -> Self {
        Self { data, ..self }
    }

    /// Takes the next answer.
    pub(crate) fn take(&mut self, answer: StreamAppendResult<Config>) -> Result<StreamAppendResult<Config>, Withheld> {
        match &answer {
            Ok(Some(log_id)) => {
                self.floor = self.floor.max(Some(log_id.index));
                self.peers.acknowledged.note(self.follower, self.leader, *log_id);
            }
            Err(StreamAppendError::Conflict(at)) => self.conflict(at.index)?,
            Ok(None) | Err(StreamAppendError::HigherVote(_)) => {}
        }
        Ok(answer)
    }

    /// Takes notice that the follower's log differs at an index.
    pub(crate) fn conflict(&self, at: u64) -> Result<(), Withheld> {
        if Some(at) <= self.floor {
            if let Some(data) = self.data {
                self.peers.boots.found_reverted(self.follower, data);
            }
            return Err(Withheld::Reverted);
        }
        if Some(at) <= self.peers.acknowledged.index(self.follower, self.leader) {
            return Err(Withheld::Overtaken);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_to_an_earlier_leader_does_not_count() {
        let leader = |term, node| LeaderId { term, node_id: NodeId(node) };
        let id = |term, index| LogId::new(leader(term, 1), index);
        let acknowledged = Acknowledged::default();
        let (follower, first, second) = (NodeId(2), leader(3, 1), leader(5, 1));
        assert_eq!(acknowledged.index(follower, first), None);
        acknowledged.note(follower, first, id(3, 10));
        acknowledged.note(follower, first, id(3, 8));
        assert_eq!(acknowledged.index(follower, first), Some(10));
        assert_eq!(acknowledged.index(NodeId(3), first), None);
        acknowledged.note(follower, second, id(5, 4));
        assert_eq!((acknowledged.index(follower, first), acknowledged.index(follower, second)), (None, Some(4)));
        acknowledged.note(follower, first, id(3, 20));
        assert_eq!(acknowledged.index(follower, second), Some(4));
    }
}
