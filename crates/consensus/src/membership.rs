//! The members: added first as learners, then as voters; removed in the opposite order.
//!
//! A removed node becomes a learner before it is forgotten. So it knows that it may not stand for election, and if it
//! was away and does not know, its peers refuse it: they keep the ids of all that were removed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ChangeMembershipError, ClientWriteError, InitializeError, RaftError};
use openraft::raft::ClientWriteResponse;
use proto::raft::v1 as pb;
use proto::raft::v1::change_membership_request::Change;
use types::{NodeId, limits};

use crate::data_dir::DataId;
use crate::network::Traffic;
use crate::raft_types::{Config, Member, Node};
use crate::replica::Inner;
use crate::standing::not_given_again;
use crate::wire;

/// Time for a node that is to be added to answer at its address. It may be starting just now.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for one attempt at that.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for a new node to become a learner, to get the log or a snapshot, and to become a voter. With the probe it is
/// less than clients wait, so that they hear how far it has come.
const ADD_TIMEOUT: Duration = Duration::from_secs(40);
/// Time for the leader to add a node, when another node is asked.
const FORWARDED_ADD_TIMEOUT: Duration = Duration::from_secs(50);
/// Time for a node to be removed, a transfer of leadership included.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a leader waits for signs of life before it refuses to remove a node. A new leader has heard nobody yet.
const SIGN_OF_LIFE_TIMEOUT: Duration = Duration::from_secs(2);
/// Ids of removed nodes that a membership keeps.
const REMOVED_NODES: usize = 4_096;

type ChangeResult = Result<ClientWriteResponse<Config>, RaftError<Config, ClientWriteError<Config>>>;

/// A change of the membership that was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// No leader is known.
    #[error("no leader is known")]
    NoLeader,
    /// The node id belongs to another address already.
    #[error("node {0} is a member at another address")]
    IdTaken(NodeId),
    /// The change was begun and has not ended in time; it says how far it has come. Making it again goes on from there.
    #[error("{0}")]
    Unfinished(String),
    /// The change would be wrong, now or always; it says why.
    #[error("{0}")]
    NotAllowed(String),
    /// The leader refused for now, or lost its leadership.
    #[error("the membership was not changed: {0}")]
    Refused(String),
}

impl Inner {
    /// Makes this node the only member of a new cluster; nothing happens if it has members already.
    pub(crate) async fn initialize(&self, member: Member) -> Result<(), MembershipError> {
        let node = Node { member, data: Some(self.data), removed: Arc::default() };
        match self.raft.initialize(BTreeMap::from([(self.id, node)])).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(MembershipError::Refused(error.to_string())),
        }
    }

    /// Adds a node and makes it a voter; the voters afterwards. The leader does it, whichever node is asked.
    pub(crate) async fn add_node(&self, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, MembershipError> {
        let leader = self.leader().ok_or(MembershipError::NoLeader)?;
        if leader == self.id {
            return self.add_node_here(id, member).await;
        }
        let Member { peer_address, client_address } = member;
        let add = pb::Member { id: id.0, peer_address, client_address, ..Default::default() };
        let changed = self.change_on(leader, id, Change::Add(add));
        let changed = tokio::time::timeout(FORWARDED_ADD_TIMEOUT, changed).await;
        changed.map_err(|_| {
            MembershipError::Unfinished(format!("node {leader} leads and does not answer. {}", look(id)))
        })?
    }

    /// Removes a node; the voters afterwards. The leader does it, whichever node is asked; if it is the leader that has
    /// to go, it hands its leadership over first, so that none leads a cluster which it does not belong to.
    pub(crate) async fn remove_node(&self, id: NodeId) -> Result<BTreeSet<NodeId>, MembershipError> {
        let removed = async {
            loop {
                match self.try_remove_node(id).await {
                    Err(MembershipError::NoLeader) => tokio::time::sleep(limits::LEADER_RETRY_PAUSE).await,
                    removed => return removed,
                }
            }
        };
        tokio::time::timeout(REMOVE_TIMEOUT, removed).await.map_err(|_| MembershipError::NoLeader)?
    }

    async fn try_remove_node(&self, id: NodeId) -> Result<BTreeSet<NodeId>, MembershipError> {
        let leader = self.leader().ok_or(MembershipError::NoLeader)?;
        if leader == id {
            let voters = self.voters();
            if voters.len() == 1 {
                return Err(last_voter(id));
            }
            // Whether the others have a quorum is asked again of their leader.
            return match self.transfer_leader(None).await {
                Ok(_) => Err(MembershipError::NoLeader),
                Err(error) => Err(MembershipError::NotAllowed(format!("node {id} leads, and {error}"))),
            };
        }
        if leader == self.id {
            self.remove_node_here(id).await
        } else {
            self.change_on(leader, id, Change::Remove(id.0)).await
        }
    }

    /// Has the leader make a change that concerns a node.
    async fn change_on(&self, leader: NodeId, id: NodeId, change: Change) -> Result<BTreeSet<NodeId>, MembershipError> {
        use pb::change_membership_response::Result as Answer;
        let mut client = self.peer_client(leader, Traffic::Command).ok_or(MembershipError::NoLeader)?;
        let request = pb::ChangeMembershipRequest { change: Some(change) };
        let response = client.change_membership(request).await.map_err(|status| {
            self.peers.heard(&status);
            let why = status.message().to_owned();
            match status.code() {
                tonic::Code::AlreadyExists => MembershipError::IdTaken(id),
                tonic::Code::FailedPrecondition => MembershipError::NotAllowed(why),
                tonic::Code::DeadlineExceeded => MembershipError::Unfinished(why),
                _ => MembershipError::Refused(why),
            }
        })?;
        match response.into_inner().result {
            Some(Answer::Voters(voters)) => Ok(voters.ids.into_iter().map(NodeId).collect()),
            Some(Answer::NotLeader(_)) | None => Err(MembershipError::NoLeader),
        }
    }

    pub(crate) async fn add_node_here(&self, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, MembershipError> {
        if !wire::is_node_id(id) {
            return Err(MembershipError::NotAllowed("node ids begin at 1".to_owned()));
        }
        if self.removed().contains(&id) {
            return Err(MembershipError::NotAllowed(not_given_again(id)));
        }
        self.must_be_at(id, &member)?;
        if self.voters().contains(&id) {
            return Ok(self.voters());
        }
        let data = self.data_of(id, &member).await?;
        let added = tokio::time::timeout(ADD_TIMEOUT, self.make_voter(id, member, data));
        added.await.map_err(|_| MembershipError::Unfinished(self.how_far(id)))?
    }

    /// Makes a node that has answered a learner, and a voter when it has the log. The caller bounds the time.
    pub(crate) async fn make_voter(
        &self,
        id: NodeId,
        member: Member,
        data: DataId,
    ) -> Result<BTreeSet<NodeId>, MembershipError> {
        if self.node(id).is_none() {
            let _turn = self.changing.lock().await;
            let removed = Arc::new(self.removed());
            let node = || Node { member: member.clone(), data: Some(data), removed: removed.clone() };
            change(|| self.raft.add_learner(id, node(), false)).await?;
        }
        self.must_be_at(id, &member)?;
        if !self.voters().contains(&id) {
            self.caught_up(id).await?;
            let voter = || ChangeMembers::AddVoterIds(BTreeSet::from([id]));
            change(|| self.raft.change_membership(voter(), true)).await?;
        }
        Ok(self.voters())
    }

    /// The address counts that the membership has, not one that a concurrent request has brought.
    fn must_be_at(&self, id: NodeId, member: &Member) -> Result<(), MembershipError> {
        match self.node(id) {
            Some(known) if known.member != *member => Err(MembershipError::IdTaken(id)),
            _ => Ok(()),
        }
    }

    /// What became of a node that was to be added, when the time was up.
    pub(crate) fn how_far(&self, id: NodeId) -> String {
        if self.voters().contains(&id) {
            format!("node {id} is a voter, but no quorum has confirmed it yet. {}", look(id))
        } else if self.node(id).is_some() {
            format!(
                "node {id} is a learner now and has not caught up within {} s. It stays a learner, without a vote, and \
                 goes on catching up. Give the same command again to make it a voter, or take it out with `conclave \
                 cluster remove-node {id}`",
                ADD_TIMEOUT.as_secs()
            )
        } else {
            format!("node {id} was not added: no quorum has confirmed it. {}", look(id))
        }
    }

    /// Asks a node that is to be added for the id of its data directory, before anything is proposed. Its certificate
    /// proves that it is the node. One that does not answer is asked again for a while, because it may be starting.
    pub(crate) async fn data_of(&self, id: NodeId, member: &Member) -> Result<DataId, MembershipError> {
        let refused = |why: &str| {
            let address = &member.peer_address;
            MembershipError::NotAllowed(format!("node {id} does not answer at {address}: {why}. Nothing was changed"))
        };
        let node = Node { member: member.clone(), ..Node::default() };
        let mut client = self.peers.client(id, &node, Traffic::Command).map_err(|error| refused(&error.to_string()))?;
        let deadline = Instant::now() + PROBE_TIMEOUT;
        loop {
            if self.leader() != Some(self.id) {
                return Err(MembershipError::NoLeader);
            }
            let call = client.local_status(pb::LocalStatusRequest {});
            let why = match tokio::time::timeout(ASK_TIMEOUT, call).await {
                Ok(Ok(response)) => {
                    let data = DataId::from_bytes(&response.into_inner().data);
                    return data.ok_or_else(|| refused("it has no data directory"));
                }
                Ok(Err(status)) if status.code() == tonic::Code::Unavailable => root_cause(&status),
                Ok(Err(status)) => return Err(refused(status.message())),
                Err(_) => "no answer".to_owned(),
            };
            if Instant::now() >= deadline {
                return Err(refused(&why));
            }
            tokio::time::sleep(limits::LEADER_RETRY_PAUSE).await;
        }
    }

    pub(crate) async fn remove_node_here(&self, id: NodeId) -> Result<BTreeSet<NodeId>, MembershipError> {
        if self.leader() != Some(self.id) || id == self.id {
            return Err(MembershipError::NoLeader);
        }
        if self.node(id).is_none() {
            return if self.removed().contains(&id) {
                Ok(self.voters())
            } else {
                Err(MembershipError::NotAllowed(format!("node {id} is not a member")))
            };
        }
        let removed = async {
            let _turn = self.changing.lock().await;
            if self.removed().len() >= REMOVED_NODES {
                return Err(MembershipError::NotAllowed(format!("{REMOVED_NODES} nodes were removed already")));
            }
            if self.voters().contains(&id) {
                self.quorum_without(id).await?;
                let learner = || ChangeMembers::RemoveVoters(BTreeSet::from([id]));
                change(|| self.raft.change_membership(learner(), true)).await?;
            }
            change(|| self.raft.change_membership(self.without(id), true)).await?;
            Ok(self.voters())
        };
        tokio::time::timeout(REMOVE_TIMEOUT, removed).await.map_err(|_| MembershipError::NoLeader)?
    }

    /// The change that forgets a learner and remembers that it was removed.
    fn without(&self, id: NodeId) -> ChangeMembers<NodeId, Node> {
        let server = self.server.borrow_watched();
        let mut removed = wire::removed(server.membership_config.membership());
        removed.insert(id);
        let removed = Arc::new(removed);
        let others = server.membership_config.nodes().filter(|(other, _)| **other != id);
        let others = others.map(|(other, node)| (*other, Node { removed: removed.clone(), ..node.clone() })).collect();
        ChangeMembers::Batch(vec![ChangeMembers::RemoveNodes(BTreeSet::from([id])), ChangeMembers::SetNodes(others)])
    }

    /// Makes sure that the voters without `id` have a quorum of nodes that answer.
    async fn quorum_without(&self, id: NodeId) -> Result<(), MembershipError> {
        let remaining: Vec<NodeId> = self.voters().into_iter().filter(|voter| *voter != id).collect();
        if remaining.is_empty() {
            return Err(last_voter(id));
        }
        let needed = remaining.len() / 2 + 1;
        let mut metrics = self.raft.metrics();
        let enough = async {
            loop {
                let answering = self.answering().ok_or(MembershipError::NoLeader)?;
                let answering = remaining.iter().filter(|voter| answering.contains(voter)).count();
                if answering >= needed {
                    return Ok(());
                }
                metrics.changed().await.map_err(|_| MembershipError::NoLeader)?;
            }
        };
        match tokio::time::timeout(SIGN_OF_LIFE_TIMEOUT, enough).await {
            Ok(enough) => enough,
            Err(_) => Err(MembershipError::NotAllowed(format!(
                "without node {id} the cluster would have no quorum: of the {} voters that would remain, {needed} have \
                 to answer. Start them, or remove first what is gone",
                remaining.len()
            ))),
        }
    }

    /// Waits until the learner has what this leader's log holds now.
    async fn caught_up(&self, id: NodeId) -> Result<(), MembershipError> {
        let mut metrics = self.raft.metrics();
        let target = metrics.borrow_watched().last_log_index;
        loop {
            {
                let metrics = metrics.borrow_watched();
                let Some(replication) = &metrics.replication else { return Err(MembershipError::NoLeader) };
                let matched = replication.get(&id).copied().flatten();
                if matched.map(|id| id.index) >= target {
                    return Ok(());
                }
            }
            metrics.changed().await.map_err(|_| MembershipError::NoLeader)?;
        }
    }

    /// All members with their addresses.
    pub(crate) fn members(&self) -> BTreeMap<NodeId, Member> {
        let server = self.server.borrow_watched();
        server.membership_config.nodes().map(|(id, node)| (*id, node.member.clone())).collect()
    }

    /// Whether a node may propose and command here: it is a member, or this node does not know any.
    pub(crate) fn may_command(&self, id: NodeId) -> bool {
        let server = self.server.borrow_watched();
        server.membership_config.get_node(&id).is_some() || server.membership_config.nodes().next().is_none()
    }

    /// Whether a node was removed. Only what is committed counts: it is not taken back.
    pub(crate) fn is_removed(&self, id: NodeId) -> bool {
        let server = self.server.borrow_watched();
        server.committed_membership_config.nodes().any(|(_, node)| node.removed.contains(&id))
    }

    fn removed(&self) -> BTreeSet<NodeId> {
        wire::removed(self.server.borrow_watched().membership_config.membership())
    }

    fn node(&self, id: NodeId) -> Option<Node> {
        self.server.borrow_watched().membership_config.get_node(&id).cloned()
    }

    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        self.server.borrow_watched().membership_config.voter_ids().collect()
    }
}

/// What to do when it is not known how a change ended.
fn look(id: NodeId) -> String {
    format!("Look at `conclave cluster status`; to give the command again for node {id} is harmless")
}

/// The innermost reason of a call that was not answered: the outer ones say only that it failed.
fn root_cause(status: &tonic::Status) -> String {
    let Some(mut cause) = status.source() else { return status.message().to_owned() };
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn last_voter(id: NodeId) -> MembershipError {
    MembershipError::NotAllowed(format!("node {id} is the last voter: without it there is no cluster"))
}

/// Makes a change, again for as long as another one is under way. The caller bounds the time.
async fn change<F: Future<Output = ChangeResult>>(attempt: impl Fn() -> F) -> Result<(), MembershipError> {
    loop {
        let error = match Box::pin(attempt()).await {
            Ok(_) => return Ok(()),
            Err(RaftError::APIError(error)) => error,
            Err(error) => return Err(MembershipError::Refused(error.to_string())),
        };
        match error {
            ClientWriteError::ForwardToLeader(_) => return Err(MembershipError::NoLeader),
            ClientWriteError::ChangeMembershipError(
                ChangeMembershipError::InProgress(_) | ChangeMembershipError::UncommittedLeaderLog(_),
            ) => tokio::time::sleep(limits::LEADER_RETRY_PAUSE).await,
            error => return Err(MembershipError::Refused(error.to_string())),
        }
    }
}
