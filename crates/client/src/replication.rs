//! Replication.

use std::time::SystemTime;

use proto::secrets::v1 as pb;

use crate::client::Client;
use crate::error::Error;
use crate::failover::Repeat;
use crate::secrets::{optional_time, secrets};

/// Regions that a secret is to be replicated to.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ReplicateSecretToRegions(pb::ReplicateSecretToRegionsRequest);

impl ReplicateSecretToRegions {
    /// Names the secret.
    pub fn new(secret_id: impl Into<String>) -> Self {
        Self(pb::ReplicateSecretToRegionsRequest { secret_id: secret_id.into(), ..Default::default() })
    }

    /// One more region.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.0.add_replica_regions.push(pb::ReplicaRegion { region: region.into(), kms_key_id: None });
        self
    }

    /// Has a secret of that name in the region give way: it is deleted at once.
    pub const fn force_overwrite(mut self) -> Self {
        self.0.force_overwrite_replica_secret = true;
        self
    }
}

/// The regions of a secret after a change of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicatedSecret {
    /// The primary's ARN.
    pub arn: String,
    /// All regions that it is replicated to now.
    pub replication_status: Vec<ReplicationStatus>,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// How it stands with one region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicationStatus {
    /// The region.
    pub region: String,
    /// The key; `alias/aws/secretsmanager` for the default one.
    pub kms_key_id: String,
    /// `InSync` or `Failed`.
    pub status: String,
    /// What that means.
    pub status_message: String,
    /// The UTC day of the last GetSecretValue there.
    pub last_accessed_date: Option<SystemTime>,
}

impl Client {
    /// Replicates a secret to more regions. The answer tells of each whether that could be done.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn replicate_secret_to_regions(
        &self,
        request: ReplicateSecretToRegions,
    ) -> Result<ReplicatedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).replicate_secret_to_regions(request).await };
        // A region that the secret is in stays as it is, but a forced one may be taken by another secret meanwhile.
        let repeat = if request.0.force_overwrite_replica_secret { Repeat::Never } else { Repeat::Harmless };
        let answer: pb::ReplicateSecretToRegionsResponse =
            self.cluster.call(repeat, self.cluster.deadline(), request.0, send).await?;
        let pb::ReplicateSecretToRegionsResponse { arn, replication_status, applied_index } = answer;
        Ok(ReplicatedSecret { arn, replication_status: statuses(replication_status), applied_index })
    }

    /// Deletes replicas of a secret, by name or ARN, at once.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn remove_regions_from_replication<R: Into<String>>(
        &self,
        secret_id: impl Into<String>,
        regions: impl IntoIterator<Item = R>,
    ) -> Result<ReplicatedSecret, Error> {
        let remove_replica_regions = regions.into_iter().map(Into::into).collect();
        let message = pb::RemoveRegionsFromReplicationRequest { secret_id: secret_id.into(), remove_replica_regions };
        let send = |channel, request| async move { secrets(channel).remove_regions_from_replication(request).await };
        let answer: pb::RemoveRegionsFromReplicationResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        let pb::RemoveRegionsFromReplicationResponse { arn, replication_status, applied_index } = answer;
        Ok(ReplicatedSecret { arn, replication_status: statuses(replication_status), applied_index })
    }

    /// Makes a replica, by name or ARN in its own region, a secret like every other, and answers its ARN.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn stop_replication_to_replica(&self, secret_id: impl Into<String>) -> Result<String, Error> {
        let message = pb::StopReplicationToReplicaRequest { secret_id: secret_id.into() };
        let send = |channel, request| async move { secrets(channel).stop_replication_to_replica(request).await };
        let answer: pb::StopReplicationToReplicaResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        Ok(answer.arn)
    }
}

pub(crate) fn statuses(statuses: Vec<pb::ReplicationStatus>) -> Vec<ReplicationStatus> {
    let status = |status: pb::ReplicationStatus| ReplicationStatus {
        last_accessed_date: optional_time(status.last_accessed_date.as_ref()),
        region: status.region,
        kms_key_id: status.kms_key_id,
        status: status.status,
        status_message: status.status_message,
    };
    statuses.into_iter().map(status).collect()
}
