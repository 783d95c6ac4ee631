//! The replication of secrets.

use state::{
    AddReplicas, RegionStatus, RemoveRegionsFromReplication, Replica, ReplicaRegion, ReplicaStatus,
    ReplicateSecretToRegions, SecretUid, StopReplicationToReplica,
};
use types::{Region, Timestamp};

use super::DecodeError;
use super::common::{arn, millis, required, shared_text, text, timestamp};
use crate::schema as pb;

fn region(field: &'static str, text: &str) -> Result<Region, DecodeError> {
    Region::parse(text).map_err(|_| DecodeError::Invalid(field))
}

fn status_to(status: ReplicaStatus) -> i32 {
    match status {
        ReplicaStatus::InSync => pb::ReplicaStatus::InSync,
        ReplicaStatus::NameTaken => pb::ReplicaStatus::NameTaken,
    }
    .into()
}

fn status_from(field: &'static str, number: i32) -> Result<ReplicaStatus, DecodeError> {
    match pb::ReplicaStatus::try_from(number) {
        Ok(pb::ReplicaStatus::InSync) => Ok(ReplicaStatus::InSync),
        Ok(pb::ReplicaStatus::NameTaken) => Ok(ReplicaStatus::NameTaken),
        Ok(pb::ReplicaStatus::Unspecified) => Err(DecodeError::Missing(field)),
        Err(_) => Err(DecodeError::Invalid(field)),
    }
}

/// `None` for nothing at all, which is what a command without replicas says.
pub(super) fn add_to(add: &AddReplicas) -> Option<pb::AddReplicas> {
    let region = |to: &ReplicaRegion| pb::ReplicaRegion {
        region: to.region.as_str().to_owned(),
        kms_key_id: text(&to.kms_key_id),
    };
    let message = pb::AddReplicas { regions: add.regions.iter().map(region).collect(), force: add.force };
    Some(message).filter(|_| *add != AddReplicas::default())
}

pub(super) fn add_from(add: Option<pb::AddReplicas>) -> Result<AddReplicas, DecodeError> {
    let Some(add) = add else { return Ok(AddReplicas::default()) };
    let to = |to: pb::ReplicaRegion| {
        let region = region("ReplicaRegion.region", &to.region)?;
        Ok(ReplicaRegion { region, kms_key_id: shared_text(to.kms_key_id) })
    };
    Ok(AddReplicas { regions: add.regions.into_iter().map(to).collect::<Result<_, _>>()?, force: add.force })
}

impl From<&ReplicateSecretToRegions> for pb::ReplicateSecretToRegions {
    fn from(replicate: &ReplicateSecretToRegions) -> Self {
        Self { target: replicate.target.as_str().to_owned(), add: add_to(&replicate.add) }
    }
}

impl TryFrom<pb::ReplicateSecretToRegions> for ReplicateSecretToRegions {
    type Error = DecodeError;

    fn try_from(replicate: pb::ReplicateSecretToRegions) -> Result<Self, DecodeError> {
        let target = arn("ReplicateSecretToRegions.target", &replicate.target)?;
        Ok(Self { target, add: add_from(replicate.add)? })
    }
}

impl From<&RemoveRegionsFromReplication> for pb::RemoveRegionsFromReplication {
    fn from(remove: &RemoveRegionsFromReplication) -> Self {
        let regions = remove.regions.iter().map(|region| region.as_str().to_owned()).collect();
        Self { target: remove.target.as_str().to_owned(), regions }
    }
}

impl TryFrom<pb::RemoveRegionsFromReplication> for RemoveRegionsFromReplication {
    type Error = DecodeError;

    fn try_from(remove: pb::RemoveRegionsFromReplication) -> Result<Self, DecodeError> {
        let regions = remove.regions.iter().map(|text| region("RemoveRegionsFromReplication.regions", text));
        Ok(Self {
            target: arn("RemoveRegionsFromReplication.target", &remove.target)?,
            regions: regions.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&StopReplicationToReplica> for pb::StopReplicationToReplica {
    fn from(stop: &StopReplicationToReplica) -> Self {
        Self { target: stop.target.as_str().to_owned() }
    }
}

impl TryFrom<pb::StopReplicationToReplica> for StopReplicationToReplica {
    type Error = DecodeError;

    fn try_from(stop: pb::StopReplicationToReplica) -> Result<Self, DecodeError> {
        Ok(Self { target: arn("StopReplicationToReplica.target", &stop.target)? })
    }
}

impl From<&RegionStatus> for pb::RegionStatus {
    fn from(status: &RegionStatus) -> Self {
        Self {
            region: status.region.as_str().to_owned(),
            kms_key_id: text(&status.kms_key_id),
            status: status_to(status.status),
            last_accessed_ms: millis(status.last_accessed),
        }
    }
}

impl TryFrom<pb::RegionStatus> for RegionStatus {
    type Error = DecodeError;

    fn try_from(status: pb::RegionStatus) -> Result<Self, DecodeError> {
        Ok(Self {
            region: region("RegionStatus.region", &status.region)?,
            kms_key_id: shared_text(status.kms_key_id),
            status: status_from("RegionStatus.status", status.status)?,
            last_accessed: timestamp(status.last_accessed_ms),
        })
    }
}

impl From<&Replica> for pb::Replica {
    fn from(replica: &Replica) -> Self {
        let read =
            |(part, day): &(u64, Timestamp)| pb::VersionEntry { part: *part, last_accessed_ms: millis(Some(*day)) };
        Self {
            uid: replica.uid.0,
            primary: replica.primary.0,
            region: replica.region.as_str().to_owned(),
            kms_key_id: text(&replica.kms_key_id),
            created_ms: replica.created.as_millis(),
            status: status_to(replica.status),
            last_accessed_ms: millis(replica.last_accessed),
            versions_accessed: replica.versions_accessed.iter().map(read).collect(),
        }
    }
}

impl TryFrom<pb::Replica> for Replica {
    type Error = DecodeError;

    fn try_from(replica: pb::Replica) -> Result<Self, DecodeError> {
        let read = |entry: pb::VersionEntry| {
            let day = required("Replica.versions_accessed", timestamp(entry.last_accessed_ms))?;
            Ok((entry.part, day))
        };
        Ok(Self {
            uid: SecretUid(replica.uid),
            primary: SecretUid(replica.primary),
            region: region("Replica.region", &replica.region)?,
            kms_key_id: shared_text(replica.kms_key_id),
            created: Timestamp::from_millis(replica.created_ms),
            status: status_from("Replica.status", replica.status)?,
            last_accessed: timestamp(replica.last_accessed_ms),
            versions_accessed: replica.versions_accessed.into_iter().map(read).collect::<Result<_, DecodeError>>()?,
        })
    }
}
