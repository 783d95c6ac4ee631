//! The service: what fronts call.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use consensus::Replica;
use key_service::Barrier;
use state::Bootstrap;
use types::{ApiError, Region, Timestamp};

use crate::api::{
    CreateSecretInput, CreateSecretOutput, DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput,
    GetRandomPasswordInput, GetRandomPasswordOutput, GetSecretValueInput, GetSecretValueOutput,
    ListSecretVersionIdsInput, ListSecretVersionIdsOutput, ListSecretsInput, ListSecretsOutput, PutSecretValueInput,
    PutSecretValueOutput, RestoreSecretInput, SecretDescription, SecretOutput, TagResourceInput, UntagResourceInput,
    UpdateSecretInput, UpdateSecretOutput, UpdateSecretVersionStageInput,
};
use crate::authorize::Action;
use crate::caller::{Answer, Caller};
use crate::door::Door;
use crate::intake::Intake;
use crate::record::Recorder;
use crate::secrets::{
    CreateSecret, DeleteSecret, DescribeSecret, GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutSecretValue, RestoreSecret, TagResource, UntagResource, UpdateSecret, UpdateSecretVersionStage,
};
use crate::throttle::ServiceLimits;

/// The clock of this node, for what is not replicated: signature dates and stamps of forged answers.
pub use consensus::Clock;

/// Everything a front needs; clones share it.
#[derive(Clone)]
pub struct Service {
    pub(crate) door: Arc<Door<Replica>>,
    intake: Intake,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Service({:?})", self.door.replicated)
    }
}

impl Service {
    /// Builds the service over a running replica. The first of the regions is the default one.
    pub fn new(
        replica: Replica,
        barrier: Arc<Barrier>,
        regions: Vec<Region>,
        clock: Arc<dyn Clock>,
        recorder: Arc<dyn Recorder>,
        limits: ServiceLimits,
    ) -> Self {
        let door = Arc::new(Door::new(replica, barrier, regions, clock, recorder, limits));
        Self { door, intake: Intake::default() }
    }

    /// What may be held of requests before they come here; every front takes from it.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Counts a request that a front refuses with `error` because it names nobody who could be asked for a proof.
    ///
    /// Answers `error`, or Throttling when its address has failed too much.
    pub fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError {
        self.door.nameless(peer, error)
    }

    /// The regions that the cluster serves; the first one is the default.
    pub fn regions(&self) -> &[Region] {
        &self.door.regions
    }

    /// This node's clock.
    pub fn now(&self) -> Timestamp {
        self.door.clock.now()
    }

    /// The replica, for health and administration.
    pub fn replica(&self) -> &Replica {
        &self.door.replicated
    }

    /// Whether requests can be served: a leader is known, and the cluster has its root principal and keys.
    pub fn ready(&self) -> bool {
        self.replica().status().leader.is_some() && self.replica().local_state().state.cluster().is_some()
    }

    /// Gives a new cluster its root principal and keys. Nothing happens when it has them already.
    ///
    /// # Errors
    /// ServiceUnavailable without a quorum; OutcomeUnknown, after which it may be called again.
    pub async fn bootstrap(&self, bootstrap: Bootstrap, deadline: Instant) -> Result<(), ApiError> {
        crate::bootstrap::bootstrap(self.replica(), bootstrap, deadline).await
    }

    /// Ends a request that a front cannot decode, with a record of it.
    ///
    /// # Errors
    /// Always: `error` for a caller that is who it claims to be, and for others what proves that it is not. So a
    /// request that was changed on its way is a bad signature, whatever the change made of it.
    pub async fn refuse<T>(&self, action: Action, caller: &Caller, error: ApiError) -> Result<T, ApiError> {
        self.door.refuse(action, caller, error).await
    }

    /// CreateSecret.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn create_secret(
        &self,
        caller: &Caller,
        input: CreateSecretInput,
    ) -> Result<Answer<CreateSecretOutput>, ApiError> {
        self.door.write::<CreateSecret>(caller, input).await
    }

    /// GetSecretValue.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn get_secret_value(
        &self,
        caller: &Caller,
        input: GetSecretValueInput,
    ) -> Result<Answer<GetSecretValueOutput>, ApiError> {
        self.door.read::<GetSecretValue>(caller, input).await
    }

    /// PutSecretValue.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn put_secret_value(
        &self,
        caller: &Caller,
        input: PutSecretValueInput,
    ) -> Result<Answer<PutSecretValueOutput>, ApiError> {
        self.door.write::<PutSecretValue>(caller, input).await
    }

    /// DescribeSecret.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn describe_secret(
        &self,
        caller: &Caller,
        input: DescribeSecretInput,
    ) -> Result<Answer<SecretDescription>, ApiError> {
        self.door.read::<DescribeSecret>(caller, input).await
    }

    /// ListSecrets.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn list_secrets(
        &self,
        caller: &Caller,
        input: ListSecretsInput,
    ) -> Result<Answer<ListSecretsOutput>, ApiError> {
        self.door.read::<ListSecrets>(caller, input).await
    }

    /// DeleteSecret.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn delete_secret(
        &self,
        caller: &Caller,
        input: DeleteSecretInput,
    ) -> Result<Answer<DeleteSecretOutput>, ApiError> {
        self.door.write::<DeleteSecret>(caller, input).await
    }

    /// UpdateSecret.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn update_secret(
        &self,
        caller: &Caller,
        input: UpdateSecretInput,
    ) -> Result<Answer<UpdateSecretOutput>, ApiError> {
        self.door.write::<UpdateSecret>(caller, input).await
    }

    /// UpdateSecretVersionStage.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn update_secret_version_stage(
        &self,
        caller: &Caller,
        input: UpdateSecretVersionStageInput,
    ) -> Result<Answer<SecretOutput>, ApiError> {
        self.door.write::<UpdateSecretVersionStage>(caller, input).await
    }

    /// ListSecretVersionIds.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn list_secret_version_ids(
        &self,
        caller: &Caller,
        input: ListSecretVersionIdsInput,
    ) -> Result<Answer<ListSecretVersionIdsOutput>, ApiError> {
        self.door.read::<ListSecretVersionIds>(caller, input).await
    }

    /// RestoreSecret.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn restore_secret(
        &self,
        caller: &Caller,
        input: RestoreSecretInput,
    ) -> Result<Answer<SecretOutput>, ApiError> {
        self.door.write::<RestoreSecret>(caller, input).await
    }

    /// TagResource.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn tag_resource(&self, caller: &Caller, input: TagResourceInput) -> Result<Answer<()>, ApiError> {
        self.door.write::<TagResource>(caller, input).await
    }

    /// UntagResource.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn untag_resource(&self, caller: &Caller, input: UntagResourceInput) -> Result<Answer<()>, ApiError> {
        self.door.write::<UntagResource>(caller, input).await
    }

    /// GetRandomPassword.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    pub async fn get_random_password(
        &self,
        caller: &Caller,
        input: GetRandomPasswordInput,
    ) -> Result<Answer<GetRandomPasswordOutput>, ApiError> {
        self.door.read::<GetRandomPassword>(caller, input).await
    }
}
