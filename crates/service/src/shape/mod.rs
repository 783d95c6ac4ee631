//! Shape validation: from an `Input` to a request that cannot be wrong, with AWS's own texts, the same for every front.
//!
//! Errors come in AWS's order: constraints of the shapes, all of them together; then the syntax of the secret's name;
//! then the presence of the ClientRequestToken. What depends on the state comes later, in the use cases.

mod constraints;
pub(crate) mod keys;
mod listing;
mod password;
mod replication;
mod request;
mod resource_policies;
mod rotation;
mod secrets;
mod tags;

pub(crate) use constraints::Constraints;
pub(crate) use listing::{batch_get_secret_value, list_secret_version_ids, list_secrets};
pub(crate) use password::get_random_password;
pub(crate) use replication::{
    AskedReplicas, CrossAccountReplicaRequest, RemoveRegionsFromReplicationRequest, ReplicateSecretToRegionsRequest,
    StopReplicationToReplicaRequest, associate_cross_account_replica, bad_replica_region,
    disassociate_cross_account_replica, remove_regions_from_replication, replicate_secret_to_regions,
    stop_replication_to_replica,
};
pub(crate) use request::{
    BatchGetSecretValueRequest, CreateSecretRequest, DeleteSecretRequest, DescribeSecretRequest, Filter, FilterKey,
    FilterValue, GetRandomPasswordRequest, GetSecretValueRequest, ListSecretVersionIdsRequest, ListSecretsRequest,
    NamedSecret, PutSecretValueRequest, RestoreSecretRequest, SecretTarget, SortBy, TagResourceRequest,
    UntagResourceRequest, UpdateSecretRequest, UpdateSecretVersionStageRequest,
};
pub(crate) use resource_policies::{
    DeleteResourcePolicyRequest, GetResourcePolicyRequest, ListResourcePoliciesRequest, PutResourcePolicyRequest,
    ValidateResourcePolicyRequest, delete_resource_policy, get_resource_policy, list_resource_policies,
    put_resource_policy, validate_resource_policy,
};
pub(crate) use rotation::{
    CancelRotateSecretRequest, RotateSecretRequest, cancel_rotate_secret, rotate_secret, schedule,
};
pub(crate) use secrets::{
    create_secret, delete_secret, describe_secret, get_secret_value, put_secret_value, restore_secret, tag_resource,
    untag_resource, update_secret, update_secret_version_stage,
};
