//! openraft's type configuration.

use std::fmt;

use bytes::Bytes;
use state::Outcome;
use types::{NodeId, ProposalId};

openraft::declare_raft_types!(
    /// Our types, with openraft's defaults for the rest.
    pub(crate) Config:
        D = SealedCommand,
        R = Option<Applied>,
        NodeId = NodeId,
        Node = Member,
);

/// A node's addresses, as the membership holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// `host:port` of the peer port.
    pub peer_address: String,
    /// `host:port` of the client port.
    pub client_address: String,
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
pub(crate) type Entry = openraft::type_config::alias::EntryOf<Config>;
pub(crate) type Membership = openraft::Membership<NodeId, Member>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<Config>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<Config>;
pub(crate) type Snapshot = openraft::type_config::alias::SnapshotOf<Config, state::State>;
pub(crate) type RpcError = openraft::errors::RPCError<Config>;
pub(crate) type ServerMetrics =
    openraft::type_config::alias::WatchReceiverOf<Config, openraft::metrics::RaftServerMetrics<Config>>;
