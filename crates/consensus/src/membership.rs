//! Adding nodes: first as a learner, then as a voter.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ChangeMembershipError, ClientWriteError, InitializeError, RaftError};
use openraft::raft::ClientWriteResponse;
use proto::raft::v1 as pb;
use types::{NodeId, limits};

use crate::network::Traffic;
use crate::raft_types::{Config, Member};
use crate::replica::Inner;
use crate::wire;

/// Time for a new node to get the log or a snapshot.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(120);

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
    /// The new node did not catch up in time; it stays a learner, and adding it again goes on from there.
    #[error("node {0} does not catch up")]
    Behind(NodeId),
    /// The leader refused or lost its leadership.
    #[error("the membership was not changed: {0}")]
    Refused(String),
}

impl Inner {
    /// Makes this node the only member of a new cluster; nothing happens if it has members already.
    pub(crate) async fn initialize(&self, member: Member) -> Result<(), MembershipError> {
        match self.raft.initialize(BTreeMap::from([(self.id, member)])).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(MembershipError::Refused(error.to_string())),
        }
    }

    /// Adds a node and makes it a voter; the voters afterwards. The leader does it, whichever node is asked.
    pub(crate) async fn add_node(&self, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, MembershipError> {
        use pb::change_membership_response::Result as Answer;
        let leader = self.leader().ok_or(MembershipError::NoLeader)?;
        if leader == self.id {
            return self.add_node_here(id, member).await;
        }
        let mut client = self.peer_client(leader, Traffic::Command).ok_or(MembershipError::NoLeader)?;
        let add = pb::Member { id: id.0, peer_address: member.peer_address, client_address: member.client_address };
        let call = client.change_membership(pb::ChangeMembershipRequest { add: Some(add) });
        let answer = match tokio::time::timeout(CATCH_UP_TIMEOUT, call).await {
            Ok(Ok(response)) => response.into_inner().result,
            Ok(Err(status)) if status.code() == tonic::Code::AlreadyExists => {
                return Err(MembershipError::IdTaken(id));
            }
            Ok(Err(status)) => return Err(MembershipError::Refused(status.message().to_owned())),
            Err(_) => return Err(MembershipError::Behind(id)),
        };
        match answer {
            Some(Answer::Voters(voters)) => Ok(voters.ids.into_iter().map(NodeId).collect()),
            Some(Answer::NotLeader(_)) | None => Err(MembershipError::NoLeader),
        }
    }

    pub(crate) async fn add_node_here(&self, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, MembershipError> {
        if !wire::is_node_id(id) {
            return Err(MembershipError::Refused("node ids begin at 1".to_owned()));
        }
        let added = async {
            if self.member(id).is_none() {
                change(|| self.raft.add_learner(id, member.clone(), false)).await?;
            }
            // The address counts that the membership has, not one that a concurrent request has brought.
            if self.member(id).is_some_and(|known| known != member) {
                return Err(MembershipError::IdTaken(id));
            }
            if !self.voters().contains(&id) {
                self.caught_up(id).await?;
                let voter = || ChangeMembers::AddVoterIds(BTreeSet::from([id]));
                change(|| self.raft.change_membership(voter(), true)).await?;
            }
            Ok(self.voters())
        };
        tokio::time::timeout(CATCH_UP_TIMEOUT, added).await.map_err(|_| MembershipError::Behind(id))?
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
        server.membership_config.nodes().map(|(id, member)| (*id, member.clone())).collect()
    }

    /// Whether a node may propose and command here: it is a member, or this node does not know any.
    pub(crate) fn may_command(&self, id: NodeId) -> bool {
        let server = self.server.borrow_watched();
        server.membership_config.get_node(&id).is_some() || server.membership_config.nodes().next().is_none()
    }

    fn member(&self, id: NodeId) -> Option<Member> {
        self.server.borrow_watched().membership_config.get_node(&id).cloned()
    }

    fn voters(&self) -> BTreeSet<NodeId> {
        self.server.borrow_watched().membership_config.voter_ids().collect()
    }
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
