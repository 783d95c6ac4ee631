//! The use cases as a front sees them: an input goes in, its answer comes out.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::net::IpAddr;

use types::{ApiError, Region, Timestamp};

use crate::api::keys;
use crate::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicateSecretToRegionsInput, ReplicationOutput, StopReplicationToReplicaInput, StopReplicationToReplicaOutput,
};
use crate::api::{
    BatchGetSecretValueInput, BatchGetSecretValueOutput, CreateSecretInput, CreateSecretOutput, DeleteSecretInput,
    DeleteSecretOutput, DescribeSecretInput, GetRandomPasswordInput, GetRandomPasswordOutput, GetSecretValueInput,
    GetSecretValueOutput, ListSecretVersionIdsInput, ListSecretVersionIdsOutput, ListSecretsInput, ListSecretsOutput,
    PutSecretValueInput, PutSecretValueOutput, RestoreSecretInput, SecretDescription, SecretOutput, TagResourceInput,
    UntagResourceInput, UpdateSecretInput, UpdateSecretOutput, UpdateSecretVersionStageInput,
};
use crate::api::{CancelRotateSecretInput, RotateSecretInput, RotationOutput};
use crate::api::{
    DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput, ListResourcePoliciesInput,
    ListResourcePoliciesOutput, PutResourcePolicyInput, ResourcePolicyOutput, ValidateResourcePolicyInput,
    ValidateResourcePolicyOutput,
};
use crate::authorize::Action;
use crate::caller::{Answer, Caller};
use crate::door::UseCase;
use crate::intake::Intake;
use crate::keys::{
    CancelKeyDeletion, CreateAlias, CreateGrant, CreateKey, Decrypt, DeleteAlias, DescribeKey, DisableKey,
    DisableKeyRotation, EnableKey, EnableKeyRotation, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext,
    GenerateRandom, GetKeyPolicy, GetKeyRotationStatus, ListAliases, ListGrants, ListKeyPolicies, ListKeyRotations,
    ListKeys, ListResourceTags, ListRetirableGrants, PutKeyPolicy, ReEncrypt, RetireGrant, RevokeGrant,
    RotateKeyOnDemand, ScheduleKeyDeletion, TagKey, UntagKey, UpdateAlias, UpdateKeyDescription,
};
use crate::secrets::{
    AssociateCrossAccountReplica, DisassociateCrossAccountReplica, RemoveRegionsFromReplication,
    ReplicateSecretToRegions, StopReplicationToReplica,
};
use crate::secrets::{
    BatchGetSecretValue, CreateSecret, DeleteSecret, DescribeSecret, GetRandomPassword, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutSecretValue, RestoreSecret, TagResource, UntagResource, UpdateSecret,
    UpdateSecretVersionStage,
};
use crate::secrets::{CancelRotateSecret, RotateSecret};
use crate::secrets::{
    DeleteResourcePolicy, GetResourcePolicy, ListResourcePolicies, PutResourcePolicy, ValidateResourcePolicy,
};
use crate::service::Service;

/// The input of an operation of the API.
pub trait Operation: Debug + Send + 'static {
    /// What the operation answers.
    type Output: Send + 'static;

    /// What the operation is called in policies and records.
    const ACTION: Action;

    /// Takes the input through the door of `service`.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    fn run(
        self,
        service: &Service,
        caller: &Caller,
    ) -> impl Future<Output = Result<Answer<Self::Output>, ApiError>> + Send;
}

/// What every front asks of the service. It is a trait so that a front can be tested without a cluster.
pub trait UseCases: Clone + Send + Sync + 'static {
    /// The regions that are served; the first one is meant where a call names none.
    fn regions(&self) -> &[Region];

    /// This node's clock, which signatures are judged by.
    fn now(&self) -> Timestamp;

    /// What may be held of requests before they come here; every front takes from it.
    fn intake(&self) -> &Intake;

    /// Counts a request that a front refuses with `error` because it names nobody who could be asked for a proof.
    ///
    /// Answers `error`, or Throttling when its address has failed too much.
    fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError;

    /// Ends a request that a front cannot decode, with a record of it.
    ///
    /// # Errors
    /// Always: `error` for a caller that is who it claims to be, and for others what proves that it is not. So a
    /// request that was changed on its way is a bad signature, whatever the change made of it.
    fn refuse<T: Send>(
        &self,
        action: Action,
        caller: &Caller,
        error: ApiError,
    ) -> impl Future<Output = Result<T, ApiError>> + Send;

    /// Runs an operation.
    ///
    /// # Errors
    /// Those of the AWS API reference.
    fn call<O: Operation>(
        &self,
        caller: &Caller,
        input: O,
    ) -> impl Future<Output = Result<Answer<O::Output>, ApiError>> + Send;
}

impl UseCases for Service {
    fn regions(&self) -> &[Region] {
        &self.door.regions
    }

    fn now(&self) -> Timestamp {
        self.door.clock.now()
    }

    fn intake(&self) -> &Intake {
        &self.intake
    }

    fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError {
        self.door.nameless(peer, error)
    }

    async fn refuse<T: Send>(&self, action: Action, caller: &Caller, error: ApiError) -> Result<T, ApiError> {
        self.door.refuse(action, caller, error).await
    }

    async fn call<O: Operation>(&self, caller: &Caller, input: O) -> Result<Answer<O::Output>, ApiError> {
        input.run(self, caller).await
    }
}

macro_rules! operations {
    ($($way:ident $use_case:ident: $input:ty => $output:ty;)+) => {$(
        impl Operation for $input {
            type Output = $output;
            const ACTION: Action = <$use_case as UseCase>::ACTION;

            async fn run(self, service: &Service, caller: &Caller) -> Result<Answer<$output>, ApiError> {
                service.door.$way::<$use_case>(caller, self).await
            }
        }
    )+};
}

operations! {
    write CreateSecret: CreateSecretInput => CreateSecretOutput;
    read GetSecretValue: GetSecretValueInput => GetSecretValueOutput;
    read BatchGetSecretValue: BatchGetSecretValueInput => BatchGetSecretValueOutput;
    write PutSecretValue: PutSecretValueInput => PutSecretValueOutput;
    read DescribeSecret: DescribeSecretInput => SecretDescription;
    read ListSecrets: ListSecretsInput => ListSecretsOutput;
    write DeleteSecret: DeleteSecretInput => DeleteSecretOutput;
    write UpdateSecret: UpdateSecretInput => UpdateSecretOutput;
    write UpdateSecretVersionStage: UpdateSecretVersionStageInput => SecretOutput;
    read ListSecretVersionIds: ListSecretVersionIdsInput => ListSecretVersionIdsOutput;
    write RestoreSecret: RestoreSecretInput => SecretOutput;
    write TagResource: TagResourceInput => ();
    write UntagResource: UntagResourceInput => ();
    read GetRandomPassword: GetRandomPasswordInput => GetRandomPasswordOutput;
    write PutResourcePolicy: PutResourcePolicyInput => ResourcePolicyOutput;
    read GetResourcePolicy: GetResourcePolicyInput => GetResourcePolicyOutput;
    write DeleteResourcePolicy: DeleteResourcePolicyInput => ResourcePolicyOutput;
    read ValidateResourcePolicy: ValidateResourcePolicyInput => ValidateResourcePolicyOutput;
    read ListResourcePolicies: ListResourcePoliciesInput => ListResourcePoliciesOutput;
    write ReplicateSecretToRegions: ReplicateSecretToRegionsInput => ReplicationOutput;
    write RemoveRegionsFromReplication: RemoveRegionsFromReplicationInput => ReplicationOutput;
    write StopReplicationToReplica: StopReplicationToReplicaInput => StopReplicationToReplicaOutput;
    read AssociateCrossAccountReplica: AssociateCrossAccountReplicaInput => Infallible;
    read DisassociateCrossAccountReplica: DisassociateCrossAccountReplicaInput => Infallible;
    write RotateSecret: RotateSecretInput => RotationOutput;
    write CancelRotateSecret: CancelRotateSecretInput => RotationOutput;
    write CreateKey: keys::CreateKeyInput => keys::CreateKeyOutput;
    read DescribeKey: keys::DescribeKeyInput => keys::DescribeKeyOutput;
    read ListKeys: keys::ListKeysInput => keys::ListKeysOutput;
    write CreateAlias: keys::CreateAliasInput => ();
    write UpdateAlias: keys::UpdateAliasInput => ();
    write DeleteAlias: keys::DeleteAliasInput => ();
    read ListAliases: keys::ListAliasesInput => keys::ListAliasesOutput;
    write EnableKey: keys::EnableKeyInput => ();
    write DisableKey: keys::DisableKeyInput => ();
    write ScheduleKeyDeletion: keys::ScheduleKeyDeletionInput => keys::ScheduleKeyDeletionOutput;
    write CancelKeyDeletion: keys::CancelKeyDeletionInput => keys::CancelKeyDeletionOutput;
    write EnableKeyRotation: keys::EnableKeyRotationInput => ();
    write DisableKeyRotation: keys::DisableKeyRotationInput => ();
    read GetKeyRotationStatus: keys::GetKeyRotationStatusInput => keys::GetKeyRotationStatusOutput;
    write RotateKeyOnDemand: keys::RotateKeyOnDemandInput => keys::RotateKeyOnDemandOutput;
    read ListKeyRotations: keys::ListKeyRotationsInput => keys::ListKeyRotationsOutput;
    read Encrypt: keys::EncryptInput => keys::EncryptOutput;
    read Decrypt: keys::DecryptInput => keys::DecryptOutput;
    read ReEncrypt: keys::ReEncryptInput => keys::ReEncryptOutput;
    read GenerateDataKey: keys::GenerateDataKeyInput => keys::GenerateDataKeyOutput;
    read GenerateDataKeyWithoutPlaintext: keys::GenerateDataKeyWithoutPlaintextInput => keys::GenerateDataKeyWithoutPlaintextOutput;
    read GenerateRandom: keys::GenerateRandomInput => keys::GenerateRandomOutput;
    write PutKeyPolicy: keys::PutKeyPolicyInput => ();
    read GetKeyPolicy: keys::GetKeyPolicyInput => keys::GetKeyPolicyOutput;
    read ListKeyPolicies: keys::ListKeyPoliciesInput => keys::ListKeyPoliciesOutput;
    write CreateGrant: keys::CreateGrantInput => keys::CreateGrantOutput;
    read ListGrants: keys::ListGrantsInput => keys::ListGrantsOutput;
    write RevokeGrant: keys::RevokeGrantInput => ();
    write RetireGrant: keys::RetireGrantInput => ();
    read ListRetirableGrants: keys::ListRetirableGrantsInput => keys::ListGrantsOutput;
    write TagKey: keys::TagResourceInput => ();
    write UntagKey: keys::UntagResourceInput => ();
    read ListResourceTags: keys::ListResourceTagsInput => keys::ListResourceTagsOutput;
    write UpdateKeyDescription: keys::UpdateKeyDescriptionInput => ();
}
