//! `conclave.secrets.v1.Secrets`.

use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_server::Secrets;

use crate::front::implement;

implement! { Secrets of pb {
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
}}
