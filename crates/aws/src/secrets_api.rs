//! What this front asks of the service.

use std::future::Future;

use service::api::{
    CreateSecretInput, CreateSecretOutput, DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput,
    GetSecretValueInput, GetSecretValueOutput, ListSecretsInput, ListSecretsOutput, PutSecretValueInput,
    PutSecretValueOutput, SecretDescription,
};
use service::{Action, Answer, Caller, Service};
use types::{ApiError, Region, Timestamp};

type Answered<T> = Result<Answer<T>, ApiError>;

/// The use cases, as narrow as the front needs them.
pub(crate) trait SecretsApi: Clone + Send + Sync + 'static {
    /// The regions that may be signed for.
    fn regions(&self) -> &[Region];

    /// The clock that signatures are judged by.
    fn now(&self) -> Timestamp;

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
}

impl SecretsApi for Service {
    fn regions(&self) -> &[Region] {
        self.regions()
    }

    fn now(&self) -> Timestamp {
        self.now()
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
}
