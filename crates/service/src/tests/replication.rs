//! What the operations on the regions of a secret promise.

use types::{ApiError, ErrorCode};

use super::world::{World, text};
use crate::api::{
    AssociateCrossAccountReplicaInput, DescribeSecretInput, ReplicaRegionInput, ReplicateSecretToRegionsInput,
    ReplicationOutput,
};
use crate::secrets::{AssociateCrossAccountReplica, DescribeSecret, ReplicateSecretToRegions};

async fn replicate(world: &World, region: &str) -> Result<ReplicationOutput, ApiError> {
    let to = ReplicaRegionInput { region: text(region), kms_key_id: None };
    let input = ReplicateSecretToRegionsInput {
        secret_id: text("s"),
        add_replica_regions: Some(vec![to]),
        force_overwrite_replica_secret: None,
    };
    world.write::<ReplicateSecretToRegions>(input).await
}

#[tokio::test]
async fn the_own_region_and_one_that_is_not_served_are_refused() {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    for region in ["us-east-1", "xx-nowhere-9"] {
        let error = replicate(&world, region).await.unwrap_err();
        assert_eq!((error.code, error.message.as_ref()), (ErrorCode::InvalidParameter, "Invalid replica region."));
    }
    let described = world.read::<DescribeSecret>(DescribeSecretInput { secret_id: text("s") }).await.unwrap();
    assert!(described.primary_region.is_none() && described.replication_status.is_empty());
}

#[tokio::test]
async fn replication_to_other_accounts_is_refused() {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    let arn = "arn:aws:secretsmanager:us-east-1:210987654321:secret:s-a1b2c3";
    let input = AssociateCrossAccountReplicaInput {
        secret_id: text("s"),
        cross_account_replica_arn: text(arn),
        ..Default::default()
    };
    let error = world.read::<AssociateCrossAccountReplica>(input).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest);
}
