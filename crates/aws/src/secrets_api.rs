//! What this front asks of the service.

use std::future::Future;
use std::net::IpAddr;

use service::api::{
    CreateSecretInput, CreateSecretOutput, DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput,
    GetRandomPasswordInput, GetRandomPasswordOutput, GetSecretValueInput, GetSecretValueOutput,
    ListSecretVersionIdsInput, ListSecretVersionIdsOutput, ListSecretsInput, ListSecretsOutput, PutSecretValueInput,
    PutSecretValueOutput, RestoreSecretInput, SecretDescription, SecretOutput, TagResourceInput, UntagResourceInput,
    UpdateSecretInput, UpdateSecretOutput, UpdateSecretVersionStageInput,
};
use service::{Action, Answer, Caller, Intake, Service};
use types::{ApiError, Region, Timestamp};

type Answered<T> = Result<Answer<T>, ApiError>;

/// The use cases, as narrow as the front needs them.
pub(crate) trait SecretsApi: Clone + Send + Sync + 'static {
    /// The regions that may be signed for.
    fn regions(&self) -> &[Region];

    /// The clock that signatures are judged by.
    fn now(&self) -> Timestamp;

    /// What may be held of requests at once.
    fn intake(&self) -> &Intake;

    /// The answer to a request that names nobody: `error`, unless its address brings too many of them.
    fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError;

    /// The answer to a request that could not be decoded: `error`, for a sender that has proved who it is.
    fn refuse<T: Send>(
        &self,
        action: Action,
        caller: &Caller,
        error: ApiError,
    ) -> impl Future<Output = Result<T, ApiError>> + Send;

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

    fn update_secret(
        &self,
        caller: &Caller,
        input: UpdateSecretInput,
    ) -> impl Future<Output = Answered<UpdateSecretOutput>> + Send;

    fn update_secret_version_stage(
        &self,
        caller: &Caller,
        input: UpdateSecretVersionStageInput,
    ) -> impl Future<Output = Answered<SecretOutput>> + Send;

    fn list_secret_version_ids(
        &self,
        caller: &Caller,
        input: ListSecretVersionIdsInput,
    ) -> impl Future<Output = Answered<ListSecretVersionIdsOutput>> + Send;

    fn restore_secret(
        &self,
        caller: &Caller,
        input: RestoreSecretInput,
    ) -> impl Future<Output = Answered<SecretOutput>> + Send;

    fn tag_resource(&self, caller: &Caller, input: TagResourceInput) -> impl Future<Output = Answered<()>> + Send;

    fn untag_resource(&self, caller: &Caller, input: UntagResourceInput) -> impl Future<Output = Answered<()>> + Send;

    fn get_random_password(
        &self,
        caller: &Caller,
        input: GetRandomPasswordInput,
    ) -> impl Future<Output = Answered<GetRandomPasswordOutput>> + Send;
}

impl SecretsApi for Service {
    fn regions(&self) -> &[Region] {
        self.regions()
    }

    fn now(&self) -> Timestamp {
        self.now()
    }

    fn intake(&self) -> &Intake {
        self.intake()
    }

    fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError {
        self.nameless(peer, error)
    }

    async fn refuse<T: Send>(&self, action: Action, caller: &Caller, error: ApiError) -> Result<T, ApiError> {
        self.refuse(action, caller, error).await
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

    async fn update_secret(&self, caller: &Caller, input: UpdateSecretInput) -> Answered<UpdateSecretOutput> {
        self.update_secret(caller, input).await
    }

    async fn update_secret_version_stage(
        &self,
        caller: &Caller,
        input: UpdateSecretVersionStageInput,
    ) -> Answered<SecretOutput> {
        self.update_secret_version_stage(caller, input).await
    }

    async fn list_secret_version_ids(
        &self,
        caller: &Caller,
        input: ListSecretVersionIdsInput,
    ) -> Answered<ListSecretVersionIdsOutput> {
        self.list_secret_version_ids(caller, input).await
    }

    async fn restore_secret(&self, caller: &Caller, input: RestoreSecretInput) -> Answered<SecretOutput> {
        self.restore_secret(caller, input).await
    }

    async fn tag_resource(&self, caller: &Caller, input: TagResourceInput) -> Answered<()> {
        self.tag_resource(caller, input).await
    }

    async fn untag_resource(&self, caller: &Caller, input: UntagResourceInput) -> Answered<()> {
        self.untag_resource(caller, input).await
    }

    async fn get_random_password(
        &self,
        caller: &Caller,
        input: GetRandomPasswordInput,
    ) -> Answered<GetRandomPasswordOutput> {
        self.get_random_password(caller, input).await
    }
}
