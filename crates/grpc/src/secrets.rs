//! `conclave.secrets.v1.Secrets`.

use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_server::Secrets;
use proto::tonic::{self, Request, Response, Status};
use service::{Operation, UseCases};
use types::consistency::AGE_HEADER;

use crate::call::Call;
use crate::decode::Decode;
use crate::encode::Encode;

pub(crate) struct Front<U>(pub(crate) U);

impl<U: UseCases> Front<U> {
    async fn run<M, R>(&self, request: Request<M>) -> Result<Response<R>, Status>
    where
        M: Decode,
        R: Encode<<M::Input as Operation>::Output>,
    {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let answer = self.0.call(&call.caller, message.decode()).await;
        let age = answer.as_ref().ok().and_then(|answer| answer.age);
        let mut response = call.end(answer.and_then(R::encode))?;
        if let Some(age) = age {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            response.metadata_mut().insert(AGE_HEADER, age_ms.into());
        }
        Ok(response)
    }
}

macro_rules! secrets {
    ($($rpc:ident($request:ident) -> $response:ident;)+) => {
        #[tonic::async_trait]
        impl<U: UseCases> Secrets for Front<U> {
            $(async fn $rpc(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                self.run(request).await
            })+
        }
    };
}

secrets! {
    create_secret(CreateSecretRequest) -> CreateSecretResponse;
    get_secret_value(GetSecretValueRequest) -> GetSecretValueResponse;
    batch_get_secret_value(BatchGetSecretValueRequest) -> BatchGetSecretValueResponse;
    put_secret_value(PutSecretValueRequest) -> PutSecretValueResponse;
    describe_secret(DescribeSecretRequest) -> DescribeSecretResponse;
    list_secrets(ListSecretsRequest) -> ListSecretsResponse;
    delete_secret(DeleteSecretRequest) -> DeleteSecretResponse;
    update_secret(UpdateSecretRequest) -> UpdateSecretResponse;
    update_secret_version_stage(UpdateSecretVersionStageRequest) -> UpdateSecretVersionStageResponse;
    list_secret_version_ids(ListSecretVersionIdsRequest) -> ListSecretVersionIdsResponse;
    restore_secret(RestoreSecretRequest) -> RestoreSecretResponse;
    tag_resource(TagResourceRequest) -> TagResourceResponse;
    untag_resource(UntagResourceRequest) -> UntagResourceResponse;
    get_random_password(GetRandomPasswordRequest) -> GetRandomPasswordResponse;
    put_resource_policy(PutResourcePolicyRequest) -> PutResourcePolicyResponse;
    get_resource_policy(GetResourcePolicyRequest) -> GetResourcePolicyResponse;
    delete_resource_policy(DeleteResourcePolicyRequest) -> DeleteResourcePolicyResponse;
    validate_resource_policy(ValidateResourcePolicyRequest) -> ValidateResourcePolicyResponse;
    list_resource_policies(ListResourcePoliciesRequest) -> ListResourcePoliciesResponse;
    rotate_secret(RotateSecretRequest) -> RotateSecretResponse;
    cancel_rotate_secret(CancelRotateSecretRequest) -> CancelRotateSecretResponse;
    replicate_secret_to_regions(ReplicateSecretToRegionsRequest) -> ReplicateSecretToRegionsResponse;
    remove_regions_from_replication(RemoveRegionsFromReplicationRequest) -> RemoveRegionsFromReplicationResponse;
    stop_replication_to_replica(StopReplicationToReplicaRequest) -> StopReplicationToReplicaResponse;
    associate_cross_account_replica(AssociateCrossAccountReplicaRequest) -> AssociateCrossAccountReplicaResponse;
    disassociate_cross_account_replica(DisassociateCrossAccountReplicaRequest) -> DisassociateCrossAccountReplicaResponse;
}
