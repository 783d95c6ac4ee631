//! Replication.

use types::{Region, SecretArn, Timestamp};

/// A region to replicate to, as it came.
#[derive(Clone, Debug, Default)]
pub struct ReplicaRegionInput {
    /// Where to.
    pub region: Option<String>,
    /// The key that encrypts the replica.
    pub kms_key_id: Option<String>,
}

/// ReplicateSecretToRegions as it came.
#[derive(Debug, Default)]
pub struct ReplicateSecretToRegionsInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub add_replica_regions: Option<Vec<ReplicaRegionInput>>,
    /// Whether a secret that has the name there gives way.
    pub force_overwrite_replica_secret: Option<bool>,
}

/// RemoveRegionsFromReplication as it came.
#[derive(Debug, Default)]
pub struct RemoveRegionsFromReplicationInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub remove_replica_regions: Option<Vec<String>>,
}

/// The answer of an operation on a secret's regions.
#[derive(Clone, Debug)]
pub struct ReplicationOutput {
    /// The primary's ARN.
    pub arn: SecretArn,
    /// All regions that it is replicated to now.
    pub replication_status: Vec<ReplicationStatusDescription>,
}

/// How it stands with one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationStatusDescription {
    /// The region.
    pub region: Region,
    /// The key, by the name that AWS shows.
    pub kms_key_id: String,
    /// `InSync` or `Failed`.
    pub status: &'static str,
    /// What that means.
    pub status_message: String,
    /// The UTC day of the last GetSecretValue there.
    pub last_accessed_date: Option<Timestamp>,
}

/// StopReplicationToReplica as it came.
#[derive(Debug, Default)]
pub struct StopReplicationToReplicaInput {
    /// Required.
    pub secret_id: Option<String>,
}

/// StopReplicationToReplica's answer.
#[derive(Clone, Debug)]
pub struct StopReplicationToReplicaOutput {
    /// Of what was the replica.
    pub arn: SecretArn,
}

/// AssociateCrossAccountReplica as it came.
#[derive(Debug, Default)]
pub struct AssociateCrossAccountReplicaInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub cross_account_replica_arn: Option<String>,
    /// What the replica's account may do with it.
    pub replica_restriction: Option<String>,
    /// The role that replicates.
    pub replication_role_arn: Option<String>,
}

/// DisassociateCrossAccountReplica as it came.
#[derive(Debug, Default)]
pub struct DisassociateCrossAccountReplicaInput {
    /// Required.
    pub secret_id: Option<String>,
    /// Required.
    pub cross_account_replica_arn: Option<String>,
}
