//! Replication.

use std::convert::Infallible;

use proto::secrets::v1 as pb;
use proto::to_wire_time;
use service::Answer;
use service::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicaRegionInput, ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription,
    StopReplicationToReplicaInput, StopReplicationToReplicaOutput,
};
use types::ApiError;

use crate::decode::{Decode, text};
use crate::encode::Encode;

/// Regions of a request; an empty list is an absent one.
pub(crate) fn regions(regions: Vec<pb::ReplicaRegion>) -> Option<Vec<ReplicaRegionInput>> {
    let region =
        |mut to: pb::ReplicaRegion| ReplicaRegionInput { region: text(&mut to.region), kms_key_id: to.kms_key_id };
    (!regions.is_empty()).then(|| regions.into_iter().map(region).collect())
}

pub(crate) fn statuses(regions: Vec<ReplicationStatusDescription>) -> Vec<pb::ReplicationStatus> {
    let status = |status: ReplicationStatusDescription| pb::ReplicationStatus {
        region: status.region.as_str().to_owned(),
        kms_key_id: status.kms_key_id,
        status: status.status.to_owned(),
        status_message: status.status_message,
        last_accessed_date: status.last_accessed_date.map(to_wire_time),
    };
    regions.into_iter().map(status).collect()
}

impl Decode for pb::ReplicateSecretToRegionsRequest {
    type Input = ReplicateSecretToRegionsInput;

    fn decode(mut self) -> ReplicateSecretToRegionsInput {
        ReplicateSecretToRegionsInput {
            secret_id: text(&mut self.secret_id),
            add_replica_regions: regions(self.add_replica_regions),
            force_overwrite_replica_secret: Some(self.force_overwrite_replica_secret),
        }
    }
}

impl Decode for pb::RemoveRegionsFromReplicationRequest {
    type Input = RemoveRegionsFromReplicationInput;

    fn decode(mut self) -> RemoveRegionsFromReplicationInput {
        let regions = self.remove_replica_regions;
        RemoveRegionsFromReplicationInput {
            secret_id: text(&mut self.secret_id),
            remove_replica_regions: Some(regions).filter(|regions| !regions.is_empty()),
        }
    }
}

impl Decode for pb::StopReplicationToReplicaRequest {
    type Input = StopReplicationToReplicaInput;

    fn decode(mut self) -> StopReplicationToReplicaInput {
        StopReplicationToReplicaInput { secret_id: text(&mut self.secret_id) }
    }
}

impl Decode for pb::AssociateCrossAccountReplicaRequest {
    type Input = AssociateCrossAccountReplicaInput;

    fn decode(mut self) -> AssociateCrossAccountReplicaInput {
        AssociateCrossAccountReplicaInput {
            secret_id: text(&mut self.secret_id),
            cross_account_replica_arn: text(&mut self.cross_account_replica_arn),
            replica_restriction: self.replica_restriction,
            replication_role_arn: self.replication_role_arn,
        }
    }
}

impl Decode for pb::DisassociateCrossAccountReplicaRequest {
    type Input = DisassociateCrossAccountReplicaInput;

    fn decode(mut self) -> DisassociateCrossAccountReplicaInput {
        DisassociateCrossAccountReplicaInput {
            secret_id: text(&mut self.secret_id),
            cross_account_replica_arn: text(&mut self.cross_account_replica_arn),
        }
    }
}

impl Encode<ReplicationOutput> for pb::ReplicateSecretToRegionsResponse {
    fn encode(answer: Answer<ReplicationOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let arn = output.arn.as_str().to_owned();
        Ok(Self { arn, replication_status: statuses(output.replication_status), applied_index })
    }
}

impl Encode<ReplicationOutput> for pb::RemoveRegionsFromReplicationResponse {
    fn encode(answer: Answer<ReplicationOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        let arn = output.arn.as_str().to_owned();
        Ok(Self { arn, replication_status: statuses(output.replication_status), applied_index })
    }
}

impl Encode<StopReplicationToReplicaOutput> for pb::StopReplicationToReplicaResponse {
    fn encode(answer: Answer<StopReplicationToReplicaOutput>) -> Result<Self, ApiError> {
        let Answer { output, applied_index, .. } = answer;
        Ok(Self { arn: output.arn.as_str().to_owned(), applied_index })
    }
}

impl Encode<Infallible> for pb::AssociateCrossAccountReplicaResponse {
    fn encode(answer: Answer<Infallible>) -> Result<Self, ApiError> {
        match answer.output {}
    }
}

impl Encode<Infallible> for pb::DisassociateCrossAccountReplicaResponse {
    fn encode(answer: Answer<Infallible>) -> Result<Self, ApiError> {
        match answer.output {}
    }
}
