//! What the cluster front asks of the service.

use std::collections::BTreeSet;
use std::future::Future;

use service::{
    Caller, ChangedKeyring, ClusterStatus, Given, KeyringChange, Member, NodeCheckpoint, NodeDigest, ProviderReport,
    SealStatus, Service, UseCases,
};
use types::{ApiError, NodeId};

/// The use cases of whoever runs the cluster.
pub(crate) trait Administration: UseCases {
    fn cluster_status(&self, caller: &Caller) -> impl Future<Output = Result<ClusterStatus, ApiError>> + Send;

    fn cluster_checkpoint(&self, caller: &Caller)
    -> impl Future<Output = Result<Vec<NodeCheckpoint>, ApiError>> + Send;

    fn cluster_digest(&self, caller: &Caller) -> impl Future<Output = Result<Vec<NodeDigest>, ApiError>> + Send;

    fn add_node(
        &self,
        caller: &Caller,
        id: NodeId,
        member: Member,
    ) -> impl Future<Output = Result<BTreeSet<NodeId>, ApiError>> + Send;

    fn remove_node(
        &self,
        caller: &Caller,
        id: NodeId,
    ) -> impl Future<Output = Result<BTreeSet<NodeId>, ApiError>> + Send;

    fn transfer_leader(
        &self,
        caller: &Caller,
        to: Option<NodeId>,
    ) -> impl Future<Output = Result<NodeId, ApiError>> + Send;

    /// The node that answers.
    fn node(&self) -> NodeId;

    fn seal_status(&self) -> SealStatus;

    fn seal_cluster(&self, caller: &Caller) -> impl Future<Output = Result<SealedNodes, ApiError>> + Send;

    fn change_keyring(
        &self,
        caller: &Caller,
        change: KeyringChange,
        given: Vec<Given>,
    ) -> impl Future<Output = Result<ChangedKeyring, ApiError>> + Send;

    fn verify_providers(
        &self,
        caller: &Caller,
        given: Vec<Given>,
    ) -> impl Future<Output = Result<Vec<ProviderReport>, ApiError>> + Send;
}

/// What came of sealing on each node.
pub(crate) type SealedNodes = Vec<(NodeId, Result<(), String>)>;

impl Administration for Service {
    async fn cluster_status(&self, caller: &Caller) -> Result<ClusterStatus, ApiError> {
        self.cluster_status(caller).await
    }

    async fn cluster_checkpoint(&self, caller: &Caller) -> Result<Vec<NodeCheckpoint>, ApiError> {
        self.cluster_checkpoint(caller).await
    }

    async fn cluster_digest(&self, caller: &Caller) -> Result<Vec<NodeDigest>, ApiError> {
        self.cluster_digest(caller).await
    }

    async fn add_node(&self, caller: &Caller, id: NodeId, member: Member) -> Result<BTreeSet<NodeId>, ApiError> {
        self.add_node(caller, id, member).await
    }

    async fn remove_node(&self, caller: &Caller, id: NodeId) -> Result<BTreeSet<NodeId>, ApiError> {
        self.remove_node(caller, id).await
    }

    async fn transfer_leader(&self, caller: &Caller, to: Option<NodeId>) -> Result<NodeId, ApiError> {
        self.transfer_leader(caller, to).await
    }

    fn node(&self) -> NodeId {
        self.node()
    }

    fn seal_status(&self) -> SealStatus {
        self.seal_status()
    }

    async fn seal_cluster(&self, caller: &Caller) -> Result<SealedNodes, ApiError> {
        self.seal_cluster(caller).await
    }

    async fn change_keyring(
        &self,
        caller: &Caller,
        change: KeyringChange,
        given: Vec<Given>,
    ) -> Result<ChangedKeyring, ApiError> {
        self.change_keyring(caller, change, given).await
    }

    async fn verify_providers(&self, caller: &Caller, given: Vec<Given>) -> Result<Vec<ProviderReport>, ApiError> {
        self.verify_providers(caller, given).await
    }
}
