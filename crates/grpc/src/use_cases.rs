//! What this front asks of the service.

use std::collections::BTreeSet;
use std::future::Future;

use service::api::{
    CreateSecretInput, CreateSecretOutput, DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput,
    GetSecretValueInput, GetSecretValueOutput, ListSecretsInput, ListSecretsOutput, PutSecretValueInput,
    PutSecretValueOutput, SecretDescription,
};
use service::{Answer, Caller, ClusterStatus, Member, NodeCheckpoint, NodeDigest, Service};
use types::{ApiError, NodeId, Region};

type Answered<T> = Result<Answer<T>, ApiError>;

/// The use cases, as narrow as the front needs them.
pub(crate) trait UseCases: Clone + Send + Sync + 'static {
    /// The regions that are served; the first one is meant where a call names none.
    fn regions(&self) -> &[Region];

    fn create_secret(
        &self,
        caller: &Caller,
        input: CreateSecretInput,
    ) -> impl Future<Output = Answered<CreateSecretOutput>> + Send;

    fn get_secret_value(
        &self,
        caller: &Caller,
        input: GetSecretValueInput,
    ) -> impl Future<Output = Answered<GetSecretValueOutput>> + Send;

    fn put_secret_value(
        &self,
        caller: &Caller,
        input: PutSecretValueInput,
    ) -> impl Future<Output = Answered<PutSecretValueOutput>> + Send;

    fn describe_secret(
        &self,
        caller: &Caller,
        input: DescribeSecretInput,
    ) -> impl Future<Output = Answered<SecretDescription>> + Send;

    fn list_secrets(
        &self,
        caller: &Caller,
        input: ListSecretsInput,
    ) -> impl Future<Output = Answered<ListSecretsOutput>> + Send;

    fn delete_secret(
        &self,
        caller: &Caller,
        input: DeleteSecretInput,
    ) -> impl Future<Output = Answered<DeleteSecretOutput>> + Send;

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
}

impl UseCases for Service {
    fn regions(&self) -> &[Region] {
        self.regions()
    }

    async fn create_secret(&self, caller: &Caller, input: CreateSecretInput) -> Answered<CreateSecretOutput> {
        self.create_secret(caller, input).await
    }

    async fn get_secret_value(&self, caller: &Caller, input: GetSecretValueInput) -> Answered<GetSecretValueOutput> {
        self.get_secret_value(caller, input).await
    }

    async fn put_secret_value(&self, caller: &Caller, input: PutSecretValueInput) -> Answered<PutSecretValueOutput> {
        self.put_secret_value(caller, input).await
    }

    async fn describe_secret(&self, caller: &Caller, input: DescribeSecretInput) -> Answered<SecretDescription> {
        self.describe_secret(caller, input).await
    }

    async fn list_secrets(&self, caller: &Caller, input: ListSecretsInput) -> Answered<ListSecretsOutput> {
        self.list_secrets(caller, input).await
    }

    async fn delete_secret(&self, caller: &Caller, input: DeleteSecretInput) -> Answered<DeleteSecretOutput> {
        self.delete_secret(caller, input).await
    }

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
}
