//! Administration of the cluster: `conclave:*` actions, which need their own permission.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use consensus::{LocalStatus, Member, MembershipError, PeerStatus, Replica, Role, TransferError};
use futures_util::future::join_all;
use types::{ApiError, ClusterId, ErrorCode, NodeId, Principal};

use crate::authorize::{Action, Authorized, Target, authorize};
use crate::caller::Caller;
use crate::door::Door;
use crate::service::Service;
use crate::shape::Constraints;

/// How long a status waits for a quorum before it goes by what this node knows of its callers.
const STATUS_BARRIER_TIME: Duration = Duration::from_secs(1);
/// Characters of a `host:port`.
const ADDRESS_CHARS: usize = 300;

/// The members of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster.
    pub cluster: ClusterId,
    /// Every member, by id, those that cannot be reached too.
    pub nodes: Vec<NodeStatus>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeId,
    /// `host:port` of its peer port, as in the membership.
    pub address: String,
    /// What it says of itself; `None` when it cannot be reached.
    pub facts: Option<NodeFacts>,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its part, if it is known.
    pub role: Option<Role>,
    /// Its term.
    pub term: u64,
    /// The last entry of its log.
    pub last_log: u64,
    /// The last entry that it knows to be committed.
    pub committed: u64,
    /// The last entry in its state.
    pub applied: u64,
    /// The last entry in its checkpoint.
    pub checkpoint: u64,
    /// The leader that it knows.
    pub leader: Option<NodeId>,
    /// Whether it waits to be unsealed. The rest tells nothing then.
    pub sealed: bool,
    /// The version that it runs.
    pub version: String,
}

/// What came of a checkpoint on one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCheckpoint {
    /// The member.
    pub id: NodeId,
    /// The log index of its checkpoint, or why there is none.
    pub result: Result<u64, String>,
}

/// The digest of one member's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDigest {
    /// The member.
    pub id: NodeId,
    /// The log index and the digest of the state that it shows, or why there is none.
    pub result: Result<(u64, Vec<u8>), String>,
}

impl Service {
    /// What every member says of itself.
    ///
    /// It is for times of trouble, so it is answered without a quorum too, by who the caller is on this node's own
    /// state; it shows nothing of any secret.
    ///
    /// # Errors
    /// Of authentication and authorization.
    pub async fn cluster_status(&self, caller: &Caller) -> Result<ClusterStatus, ApiError> {
        self.door.administer(caller, DescribeCluster).await
    }

    /// Writes a checkpoint on every member.
    ///
    /// # Errors
    /// Of authentication and authorization; ServiceUnavailable without a quorum.
    pub async fn cluster_checkpoint(&self, caller: &Caller) -> Result<Vec<NodeCheckpoint>, ApiError> {
        self.door.administer(caller, CheckpointCluster).await
    }

    /// Computes the digest of every member's state.
    ///
    /// # Errors
    /// Of authentication and authorization; ServiceUnavailable without a quorum.
    pub async fn cluster_digest(&self, caller: &Caller) -> Result<Vec<NodeDigest>, ApiError> {
        self.door.administer(caller, DigestCluster).await
    }

    /// Adds a node, and makes it a voter once it has caught up; the voters afterwards. Doing it again is harmless.
    ///
    /// # Errors
    /// Of authentication and authorization; ValidationException for an address that is none; InvalidRequest when the
    /// id is another node's, when the node does not answer, and when it has not caught up in time; ServiceUnavailable.
    pub async fn add_node(&self, caller: &Caller, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, ApiError> {
        self.door.administer(caller, AddNode { id, member }).await
    }

    /// Takes a node out of the cluster for good; the voters afterwards. Doing it again is harmless.
    ///
    /// # Errors
    /// Of authentication and authorization; InvalidRequest when the id is no member's, and when the voters that would
    /// remain have no quorum of answering nodes; ServiceUnavailable.
    pub async fn remove_node(&self, caller: &Caller, id: NodeId) -> Result<BTreeSet<NodeId>, ApiError> {
        self.door.administer(caller, RemoveNode { id }).await
    }

    /// Hands leadership to a voter: `to`, or the one that is least behind. Answers the leader afterwards.
    ///
    /// # Errors
    /// Of authentication and authorization; InvalidRequest when no such voter can lead; ServiceUnavailable.
    pub async fn transfer_leader(&self, caller: &Caller, to: Option<NodeId>) -> Result<NodeId, ApiError> {
        self.door.administer(caller, TransferLeader { to }).await
    }
}

/// A command of administration.
pub(crate) trait Administration: Target + Send + Sync + Sized {
    type Output: Send;
    const ACTION: Action;
    /// Whether it is performed without a quorum too.
    const WITHOUT_QUORUM: bool = false;

    fn perform(
        command: Authorized<'_, Self>,
        replica: &Replica,
        principal: &Principal,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

impl Door<Replica> {
    pub(crate) async fn administer<C: Administration>(
        &self,
        caller: &Caller,
        command: C,
    ) -> Result<C::Output, ApiError> {
        let mut record = self.open_record(C::ACTION, caller);
        let result = async {
            // Operators have no share: what they do is rare, and most needed when there is contention.
            let _turn = self.enter(caller)?;
            let view = if C::WITHOUT_QUORUM {
                let soon = Instant::now() + STATUS_BARRIER_TIME;
                let replica = &self.replicated;
                let published = replica.read_barrier(soon).await.unwrap_or_else(|_| replica.local_state());
                self.view(caller, published, &mut record)?
            } else {
                self.view_past_barrier(caller, &mut record).await?
            };
            let authorized = authorize(&view.principal, C::ACTION, &command, &mut record.decision)?;
            C::perform(authorized, &self.replicated, &view.principal).await
        }
        .await;
        record.end(result)
    }
}

struct DescribeCluster;
struct CheckpointCluster;
struct DigestCluster;
struct AddNode {
    id: NodeId,
    member: Member,
}
struct RemoveNode {
    id: NodeId,
}
struct TransferLeader {
    to: Option<NodeId>,
}

macro_rules! no_resource {
    ($($command:ty),+) => {
        $(impl $crate::authorize::Target for $command {
            fn resource(&self) -> Option<&str> {
                None
            }
        })+
    };
}

pub(crate) use no_resource;

no_resource!(DescribeCluster, CheckpointCluster, DigestCluster, AddNode, RemoveNode, TransferLeader);

impl Administration for DescribeCluster {
    type Output = ClusterStatus;
    const ACTION: Action = Action::DescribeCluster;
    const WITHOUT_QUORUM: bool = true;

    async fn perform(_: Authorized<'_, Self>, replica: &Replica, _: &Principal) -> Result<Self::Output, ApiError> {
        let nodes = replica.members().into_iter().map(|(id, member)| async move {
            let facts = if id == replica.id() {
                Some(facts_of(replica.status(), false, replica.version()))
            } else {
                let said = replica.peer_status(id).await.ok();
                said.map(|PeerStatus { status, version, sealed }| facts_of(status, sealed, &version))
            };
            NodeStatus { id, address: member.peer_address, facts }
        });
        Ok(ClusterStatus { cluster: replica.cluster(), nodes: join_all(nodes).await })
    }
}

impl Administration for CheckpointCluster {
    type Output = Vec<NodeCheckpoint>;
    const ACTION: Action = Action::CheckpointCluster;

    async fn perform(_: Authorized<'_, Self>, replica: &Replica, _: &Principal) -> Result<Self::Output, ApiError> {
        let nodes = replica.members().into_keys().map(|id| async move {
            let result = if id == replica.id() {
                replica.checkpoint().await.map_err(|error| error.to_string())
            } else {
                replica.peer_checkpoint(id).await.map_err(|error| error.to_string())
            };
            NodeCheckpoint { id, result }
        });
        Ok(join_all(nodes).await)
    }
}

impl Administration for DigestCluster {
    type Output = Vec<NodeDigest>;
    const ACTION: Action = Action::DigestCluster;

    async fn perform(_: Authorized<'_, Self>, replica: &Replica, _: &Principal) -> Result<Self::Output, ApiError> {
        let nodes = replica.members().into_keys().map(|id| async move {
            let result = if id == replica.id() { Ok(replica.digest().await) } else { replica.peer_digest(id).await };
            let result = result.map(|(applied, digest)| (applied, digest.to_vec())).map_err(|error| error.to_string());
            NodeDigest { id, result }
        });
        Ok(join_all(nodes).await)
    }
}

impl Administration for AddNode {
    type Output = BTreeSet<NodeId>;
    const ACTION: Action = Action::AddNode;

    async fn perform(
        command: Authorized<'_, Self>,
        replica: &Replica,
        _: &Principal,
    ) -> Result<Self::Output, ApiError> {
        check_node(command.id, &command.member)?;
        replica.add_node(command.id, command.member.clone()).await.map_err(not_changed)
    }
}

impl Administration for RemoveNode {
    type Output = BTreeSet<NodeId>;
    const ACTION: Action = Action::RemoveNode;

    async fn perform(
        command: Authorized<'_, Self>,
        replica: &Replica,
        _: &Principal,
    ) -> Result<Self::Output, ApiError> {
        replica.remove_node(command.id).await.map_err(not_changed)
    }
}

impl Administration for TransferLeader {
    type Output = NodeId;
    const ACTION: Action = Action::TransferLeader;

    async fn perform(
        command: Authorized<'_, Self>,
        replica: &Replica,
        _: &Principal,
    ) -> Result<Self::Output, ApiError> {
        replica.transfer_leader(command.to).await.map_err(|error| {
            let code = match error {
                TransferError::NotAVoter(_) | TransferError::NobodyReady => ErrorCode::InvalidRequest,
                TransferError::NoLeader | TransferError::NotTaken(_) | TransferError::Refused(_) => {
                    ErrorCode::ServiceUnavailable
                }
            };
            ApiError::new(code, error.to_string())
        })
    }
}

fn not_changed(error: MembershipError) -> ApiError {
    let code = match error {
        // An answer, not a failure: clients do not try again by themselves what needs an operator's eye.
        MembershipError::IdTaken(_) | MembershipError::NotAllowed(_) | MembershipError::Unfinished(_) => {
            ErrorCode::InvalidRequest
        }
        MembershipError::NoLeader | MembershipError::Refused(_) => ErrorCode::ServiceUnavailable,
    };
    ApiError::new(code, error.to_string())
}

fn check_node(id: NodeId, member: &Member) -> Result<(), ApiError> {
    let mut constraints = Constraints::default();
    if id == NodeId(0) {
        constraints.broken("id", "0", "Member must have value greater than or equal to 1");
    }
    for (path, address) in [("peerAddress", &member.peer_address), ("clientAddress", &member.client_address)] {
        if !is_address(address) {
            constraints.broken(path, address, "Member must be host:port");
        }
    }
    constraints.finish()
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    text.len() <= ADDRESS_CHARS
        && !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
        && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn facts_of(status: LocalStatus, sealed: bool, version: &str) -> NodeFacts {
    NodeFacts {
        role: (!sealed).then_some(status.role),
        term: status.term,
        last_log: status.last_log,
        committed: status.committed,
        applied: status.applied,
        checkpoint: status.checkpoint,
        leader: status.leader,
        sealed,
        version: version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["127.0.0.1:7401", "node-1.example:1", "[::1]:7401"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "host", "host:", ":7401", "host:0", "host:70000", "a b:1", "a/b:1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_node_without_id_or_address_is_refused() {
        let member = Member { peer_address: "x".to_owned(), client_address: "h:1".to_owned() };
        let error = check_node(NodeId(0), &member).unwrap_err();
        assert!(error.message.starts_with("2 validation errors detected: Value '0' at 'id'"), "{}", error.message);
    }
}
