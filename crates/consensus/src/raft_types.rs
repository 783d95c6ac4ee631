//! openraft's type configuration.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use state::Outcome;
use types::{NodeId, ProposalId};

use crate::data_dir::DataId;

openraft::declare_raft_types!(
    /// Our types, with openraft's defaults for the rest.
    pub(crate) Config:
        D = SealedCommand,
        R = Option<Applied>,
        NodeId = NodeId,
        Node = Node,
);

/// A node's addresses, as the membership holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// `host:port` of the peer port.
    pub peer_address: String,
    /// `host:port` of the client port.
    pub client_address: String,
}

/// What the membership holds of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) member: Member,
    /// The data directory that the id was given to, if that is known.
    pub(crate) data: Option<DataId>,
    /// The ids that were removed from the cluster. openraft's membership has no place of its own for them, so each
    /// node holds those that were known when it was last written, and all of them together are the truth.
    pub(crate) removed: Arc<BTreeSet<NodeId>>,
}

/// A log payload: the proposal's id and the envelope, sealed once by the leader that appended it.
///
/// openraft prints entries at debug level, so both forms of text show the size and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedCommand(pub(crate) Bytes);

impl fmt::Debug for SealedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedCommand({} bytes)", self.0.len())
    }
}

impl fmt::Display for SealedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the state machine answers to the proposer; absent for entries that are not commands.
#[derive(Clone)]
pub(crate) struct Applied {
    pub(crate) proposal: ProposalId,
    pub(crate) outcome: Outcome,
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The outcome holds names.
        write!(f, "Applied({})", self.proposal)
    }
}

pub(crate) type Raft = openraft::Raft<Config, crate::machine::StateMachine>;
pub(crate) type LeaderId = openraft::impls::leader_id_adv::LeaderId<u64, NodeId>;
pub(crate) type LogId = openraft::LogId<LeaderId>;
pub(crate) type Vote = openraft::impls::Vote<LeaderId>;
pub(crate) type AppendRequest = openraft::raft::AppendEntriesRequest<Config>;
pub(crate) type Entry = openraft::type_config::alias::EntryOf<Config>;
pub(crate) type Membership = openraft::Membership<NodeId, Node>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<Config>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<Config>;
pub(crate) type Snapshot = openraft::type_config::alias::SnapshotOf<Config, state::State>;
pub(crate) type RpcError = openraft::errors::RPCError<Config>;
pub(crate) type Metrics = openraft::RaftMetrics<Config>;
pub(crate) type ServerMetrics =
    openraft::type_config::alias::WatchReceiverOf<Config, openraft::metrics::RaftServerMetrics<Config>>;
