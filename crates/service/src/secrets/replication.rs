//! The operations on the regions of a secret, and how they are described.
//!
//! Regions of one cluster share its log: what a command does, it has done in all of them, and there is no status but
//! that it was done or could not be.

use std::convert::Infallible;

use state::{AddReplicas, Applied, Command, RegionStatus, ReplicaRegion, ReplicaStatus};
use types::{ApiError, ErrorCode, Namespace, Region};

use super::default_key::{DEFAULT_ALIAS, KeyOfSecret, shown_id};
use crate::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription, StopReplicationToReplicaInput,
    StopReplicationToReplicaOutput,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::{
    self, AskedReplicas, CrossAccountReplicaRequest, RemoveRegionsFromReplicationRequest,
    ReplicateSecretToRegionsRequest, StopReplicationToReplicaRequest, bad_replica_region,
};

const NO_CROSS_ACCOUNT: &str = "Replication to other accounts is not available here.";

/// Replicates a secret to more regions.
pub(crate) struct ReplicateSecretToRegions;

impl UseCase for ReplicateSecretToRegions {
    type Input = ReplicateSecretToRegionsInput;
    type Request = ReplicateSecretToRegionsRequest;
    type Output = ReplicationOutput;
    const ACTION: Action = Action::ReplicateSecretToRegions;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::replicate_secret_to_regions(input, namespace)
    }
}

impl Write for ReplicateSecretToRegions {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        let add = replicas(&request.replicas, view)?;
        Ok(Plan::Propose(Command::ReplicateSecretToRegions(state::ReplicateSecretToRegions { target, add })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// Deletes replicas of a secret, at once.
pub(crate) struct RemoveRegionsFromReplication;

impl UseCase for RemoveRegionsFromReplication {
    type Input = RemoveRegionsFromReplicationInput;
    type Request = RemoveRegionsFromReplicationRequest;
    type Output = ReplicationOutput;
    const ACTION: Action = Action::RemoveRegionsFromReplication;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::remove_regions_from_replication(input, namespace)
    }
}

impl Write for RemoveRegionsFromReplication {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_primary(&request.secret)?.arn.clone();
        let regions = request.regions.clone();
        let command = state::RemoveRegionsFromReplication { target, regions };
        Ok(Plan::Propose(Command::RemoveRegionsFromReplication(command)))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        output(applied)
    }
}

/// Makes a replica a secret of its own.
pub(crate) struct StopReplicationToReplica;

impl UseCase for StopReplicationToReplica {
    type Input = StopReplicationToReplicaInput;
    type Request = StopReplicationToReplicaRequest;
    type Output = StopReplicationToReplicaOutput;
    const ACTION: Action = Action::StopReplicationToReplica;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::stop_replication_to_replica(input, namespace)
    }
}

impl Write for StopReplicationToReplica {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let target = view.live_secret(&request.secret)?.arn.clone();
        Ok(Plan::Propose(Command::StopReplicationToReplica(state::StopReplicationToReplica { target })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        let Applied::Written { arn, .. } = applied else { return None };
        Some(StopReplicationToReplicaOutput { arn })
    }
}

macro_rules! not_available {
    ($($use_case:ident($input:ty) = $parse:ident;)+) => {$(
        /// Refuses: the other account would be one of this cluster, and how AWS links the two is not known.
        pub(crate) struct $use_case;

        impl UseCase for $use_case {
            type Input = $input;
            type Request = CrossAccountReplicaRequest;
            type Output = Infallible;
            const ACTION: Action = Action::$use_case;

            fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
                shape::$parse(input, namespace)
            }
        }

        impl Read for $use_case {
            async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
                view.live_primary(&request.secret)?;
                Err(no_cross_account())
            }
        }
    )+};
}

not_available! {
    AssociateCrossAccountReplica(AssociateCrossAccountReplicaInput) = associate_cross_account_replica;
    DisassociateCrossAccountReplica(DisassociateCrossAccountReplicaInput) = disassociate_cross_account_replica;
}

pub(super) fn no_cross_account() -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, NO_CROSS_ACCOUNT)
}

/// The regions that a request of the view's region asks for, with their keys.
///
/// # Errors
/// InvalidParameter for its own region and for one that the cluster does not serve; ResourceNotFound for a key.
pub(super) fn replicas(asked: &AskedReplicas, view: &View<'_>) -> Result<AddReplicas, ApiError> {
    let mut regions = Vec::new();
    for asked in &asked.regions {
        let is_elsewhere = |region: &&Region| **region != view.namespace.region && view.regions.contains(region);
        let region = asked.region.as_ref().filter(is_elsewhere).ok_or_else(bad_replica_region)?.clone();
        let there = Namespace { region: region.clone(), ..view.namespace.clone() };
        let kms_key_id = match KeyOfSecret::asked(asked.kms_key_id.as_deref(), &there, view)? {
            KeyOfSecret::Customer(key) => shown_id(key, &there),
            KeyOfSecret::Default(_) | KeyOfSecret::Missing => None,
        };
        regions.push(ReplicaRegion { region, kms_key_id });
    }
    Ok(AddReplicas { regions, force: asked.force })
}

fn output(applied: Applied) -> Option<ReplicationOutput> {
    let Applied::Replicated { arn, regions, .. } = applied else { return None };
    Some(ReplicationOutput { arn, replication_status: describe(regions) })
}

pub(super) fn describe(regions: Vec<RegionStatus>) -> Vec<ReplicationStatusDescription> {
    let description = |status: RegionStatus| {
        let (text, message) = match status.status {
            ReplicaStatus::InSync => ("InSync", "Replication succeeded".to_owned()),
            // `simple` is a word of AWS's own.
            ReplicaStatus::NameTaken => {
                let region = &status.region;
                ("Failed", format!("Replication failed: Secret name simple already exists in region {region}."))
            }
        };
        ReplicationStatusDescription {
            region: status.region,
            kms_key_id: status.kms_key_id.map_or_else(|| DEFAULT_ALIAS.to_owned(), |id| id.as_ref().to_owned()),
            status: text,
            status_message: message,
            last_accessed_date: status.last_accessed,
        }
    };
    regions.into_iter().map(description).collect()
}
