//! Replication.

use std::convert::Infallible;

use bytes::Bytes;
use serde::Serialize;
use service::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicaRegionInput, ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription,
    StopReplicationToReplicaInput, StopReplicationToReplicaOutput,
};
use types::ApiError;

use super::answer::{Body, Seconds, encode};
use super::shape::{Flag, List, Text, object};

object! {
    ReplicaRegionInput {
        "Region": Text => region,
        "KmsKeyId": Text => kms_key_id,
    }
}

object! {
    ReplicateSecretToRegionsInput {
        "SecretId": Text => secret_id,
        "AddReplicaRegions": List<ReplicaRegionInput> => add_replica_regions,
        "ForceOverwriteReplicaSecret": Flag => force_overwrite_replica_secret,
    }
}

object! {
    RemoveRegionsFromReplicationInput {
        "SecretId": Text => secret_id,
        "RemoveReplicaRegions": List<Text> => remove_replica_regions,
    }
}

object! {
    StopReplicationToReplicaInput {
        "SecretId": Text => secret_id,
    }
}

object! {
    AssociateCrossAccountReplicaInput {
        "SecretId": Text => secret_id,
        "CrossAccountReplicaARN": Text => cross_account_replica_arn,
        "ReplicaRestriction": Text => replica_restriction,
        "ReplicationRoleARN": Text => replication_role_arn,
    }
}

object! {
    DisassociateCrossAccountReplicaInput {
        "SecretId": Text => secret_id,
        "CrossAccountReplicaARN": Text => cross_account_replica_arn,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StatusJson<'a> {
    region: &'a str,
    kms_key_id: &'a str,
    status: &'static str,
    status_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<Seconds>,
}

impl<'a> StatusJson<'a> {
    fn of(status: &'a ReplicationStatusDescription) -> Self {
        Self {
            region: status.region.as_str(),
            kms_key_id: &status.kms_key_id,
            status: status.status,
            status_message: &status.status_message,
            last_accessed_date: status.last_accessed_date.map(Seconds),
        }
    }

    pub(super) fn all(regions: &'a [ReplicationStatusDescription]) -> Vec<Self> {
        regions.iter().map(Self::of).collect()
    }

    /// Left out where there is none.
    pub(super) fn any(regions: &'a [ReplicationStatusDescription]) -> Option<Vec<Self>> {
        (!regions.is_empty()).then(|| Self::all(regions))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicationJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    replication_status: Vec<StatusJson<'a>>,
}

impl Body for ReplicationOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let replication_status = StatusJson::all(&self.replication_status);
        encode(&ReplicationJson { arn: self.arn.as_str(), replication_status })
    }
}

#[derive(Serialize)]
struct StoppedJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
}

impl Body for StopReplicationToReplicaOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&StoppedJson { arn: self.arn.as_str() })
    }
}

/// Of operations that always refuse.
impl Body for Infallible {
    fn body(&self) -> Result<Bytes, ApiError> {
        match *self {}
    }
}
