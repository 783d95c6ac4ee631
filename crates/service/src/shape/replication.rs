//! Parsing of the operations on regions, and of CreateSecret's members for them.

use std::collections::HashSet;

use types::{ApiError, ErrorCode, Namespace, Region, limits};

use super::constraints::{Constraints, Pattern};
use super::request::SecretTarget;
use super::secrets::{take_secret_id, target};
use crate::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicaRegionInput, ReplicateSecretToRegionsInput, StopReplicationToReplicaInput,
};
use crate::authorize::Target;

pub(crate) const BAD_REPLICA_REGION: &str = "Invalid replica region.";

const REGION: Pattern = Pattern {
    shown: r"^([a-z]+-)+\d+$",
    matches: |text| {
        let Some((words, number)) = text.rsplit_once('-') else { return false };
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        words.split('-').all(is_word) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    },
};

/// A region to replicate to.
#[derive(Clone, Debug)]
pub(crate) struct AskedRegion {
    /// Of the right form; absent where none was named.
    pub(crate) region: Option<Region>,
    /// Not empty.
    pub(crate) kms_key_id: Option<String>,
}

const REPLICA_RESTRICTIONS: [(&str, ()); 2] = [("SameOrg", ()), ("NoRestriction", ())];

/// Where to replicate to.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedReplicas {
    pub(crate) regions: Vec<AskedRegion>,
    pub(crate) force: bool,
}

/// ReplicateSecretToRegions, parsed.
#[derive(Debug)]
pub(crate) struct ReplicateSecretToRegionsRequest {
    pub(crate) secret: SecretTarget,
    pub(crate) replicas: AskedReplicas,
}

/// RemoveRegionsFromReplication, parsed.
#[derive(Debug)]
pub(crate) struct RemoveRegionsFromReplicationRequest {
    pub(crate) secret: SecretTarget,
    pub(crate) regions: Vec<Region>,
}

/// StopReplicationToReplica, parsed.
#[derive(Debug)]
pub(crate) struct StopReplicationToReplicaRequest {
    pub(crate) secret: SecretTarget,
}

/// AssociateCrossAccountReplica or DisassociateCrossAccountReplica, parsed.
#[derive(Debug)]
pub(crate) struct CrossAccountReplicaRequest {
    pub(crate) secret: SecretTarget,
}

macro_rules! target_is_secret {
    ($($request:ty),+) => {
        $(impl Target for $request {
            fn resource(&self) -> Option<&str> {
                Some(&self.secret.given)
            }
        })+
    };
}

target_is_secret!(
    ReplicateSecretToRegionsRequest,
    RemoveRegionsFromReplicationRequest,
    StopReplicationToReplicaRequest,
    CrossAccountReplicaRequest
);

/// Parses ReplicateSecretToRegions.
pub(crate) fn replicate_secret_to_regions(
    input: ReplicateSecretToRegionsInput,
    namespace: &Namespace,
) -> Result<ReplicateSecretToRegionsRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    if input.add_replica_regions.is_none() {
        constraints.null("addReplicaRegions");
    }
    let replicas = take_replicas(&mut constraints, input.add_replica_regions, input.force_overwrite_replica_secret);
    constraints.finish()?;
    Ok(ReplicateSecretToRegionsRequest { secret: target(secret_id, namespace)?, replicas })
}

/// Parses RemoveRegionsFromReplication.
pub(crate) fn remove_regions_from_replication(
    input: RemoveRegionsFromReplicationInput,
    namespace: &Namespace,
) -> Result<RemoveRegionsFromReplicationRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    if input.remove_replica_regions.is_none() {
        constraints.null("removeReplicaRegions");
    }
    constraints.members("removeReplicaRegions", input.remove_replica_regions.as_ref().map(Vec::len), 1..=usize::MAX);
    let regions = input.remove_replica_regions.unwrap_or_default();
    constraints.each("removeReplicaRegions", &regions, 1..=limits::REGION_CHARS, Some(&REGION));
    constraints.finish()?;
    let mut seen = HashSet::new();
    let removed = regions.iter().flat_map(|text| Region::parse(text)).filter(|region| seen.insert(region.clone()));
    let removed: Vec<Region> = removed.take(limits::REGIONS_PER_REQUEST + 1).collect();
    if removed.len() > limits::REGIONS_PER_REQUEST {
        let message = format!("A request can name at most {} regions.", limits::REGIONS_PER_REQUEST);
        return Err(ApiError::new(ErrorCode::InvalidParameter, message));
    }
    Ok(RemoveRegionsFromReplicationRequest { secret: target(secret_id, namespace)?, regions: removed })
}

/// Parses StopReplicationToReplica.
pub(crate) fn stop_replication_to_replica(
    input: StopReplicationToReplicaInput,
    namespace: &Namespace,
) -> Result<StopReplicationToReplicaRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.finish()?;
    Ok(StopReplicationToReplicaRequest { secret: target(secret_id, namespace)? })
}

/// Parses AssociateCrossAccountReplica.
pub(crate) fn associate_cross_account_replica(
    input: AssociateCrossAccountReplicaInput,
    namespace: &Namespace,
) -> Result<CrossAccountReplicaRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.required("crossAccountReplicaARN", input.cross_account_replica_arn, limits::SECRET_ARN_CHARS);
    constraints.one_of("replicaRestriction", input.replica_restriction.as_deref(), &REPLICA_RESTRICTIONS);
    constraints.text("replicationRoleARN", input.replication_role_arn, limits::ROLE_ARN_CHARS);
    constraints.finish()?;
    Ok(CrossAccountReplicaRequest { secret: target(secret_id, namespace)? })
}

/// Parses DisassociateCrossAccountReplica.
pub(crate) fn disassociate_cross_account_replica(
    input: DisassociateCrossAccountReplicaInput,
    namespace: &Namespace,
) -> Result<CrossAccountReplicaRequest, ApiError> {
    let mut constraints = Constraints::default();
    let secret_id = take_secret_id(&mut constraints, input.secret_id);
    constraints.required("crossAccountReplicaARN", input.cross_account_replica_arn, limits::SECRET_ARN_CHARS);
    constraints.finish()?;
    Ok(CrossAccountReplicaRequest { secret: target(secret_id, namespace)? })
}

/// Takes the regions of an input, with the constraints of their shapes. A region that is named twice is one.
pub(super) fn take_replicas(
    constraints: &mut Constraints,
    given: Option<Vec<ReplicaRegionInput>>,
    force: Option<bool>,
) -> AskedReplicas {
    constraints.members("addReplicaRegions", given.as_ref().map(Vec::len), 1..=usize::MAX);
    let (mut regions, mut seen) = (Vec::new(), HashSet::new());
    for (position, asked) in given.unwrap_or_default().into_iter().enumerate() {
        let member = format!("addReplicaRegions.{}.member", position + 1);
        let path = format!("{member}.region");
        let region = constraints.text(&path, asked.region, 1..=limits::REGION_CHARS);
        region.iter().for_each(|text| constraints.pattern(&path, text, &REGION));
        let kms_key_id =
            constraints.text(&format!("{member}.kmsKeyId"), asked.kms_key_id, 0..=limits::KMS_KEY_ID_CHARS);
        let region = region.and_then(|text| Region::parse(&text).ok());
        if seen.insert(region.clone()) {
            regions.push(AskedRegion { region, kms_key_id: kms_key_id.filter(|text| !text.is_empty()) });
        }
    }
    AskedReplicas { regions, force: force == Some(true) }
}

pub(crate) fn bad_replica_region() -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, BAD_REPLICA_REGION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_by_the_pattern_of_the_model() {
        for good in ["us-east-1", "a-1", "us-gov-west-10"] {
            assert!((REGION.matches)(good), "{good}");
        }
        for bad in ["", "us", "1", "-1", "us-east", "us--1", "US-east-1", "us-east-1a", "us-east-1-", "us1-east-1"] {
            assert!(!(REGION.matches)(bad), "{bad}");
        }
    }
}
