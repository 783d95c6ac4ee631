//! What the operations on the regions of a secret promise.

use std::sync::Arc;

use state::Secret;
use types::{ApiError, ErrorCode, Namespace, SecretId, StagingLabel};

use super::world::{World, bytes, day, home, region, text, token};
use crate::api::{
    AssociateCrossAccountReplicaInput, BatchGetSecretValueInput, CancelRotateSecretInput, DeleteResourcePolicyInput,
    DescribeSecretInput, DisassociateCrossAccountReplicaInput, GetResourcePolicyInput, GetSecretValueOutput,
    ListResourcePoliciesInput, PutResourcePolicyInput, RemoveRegionsFromReplicationInput, ReplicaRegionInput,
    ReplicateSecretToRegionsInput, ReplicationOutput, RestoreSecretInput, RotateSecretInput, SecretValue,
    StopReplicationToReplicaInput, StopReplicationToReplicaOutput, TagInput, TagResourceInput, UntagResourceInput,
    UpdateSecretInput, UpdateSecretVersionStageInput,
};
use crate::secrets::{
    AssociateCrossAccountReplica, BatchGetSecretValue, CancelRotateSecret, DeleteResourcePolicy, DescribeSecret,
    DisassociateCrossAccountReplica, GetResourcePolicy, ListResourcePolicies, PutResourcePolicy,
    RemoveRegionsFromReplication, ReplicateSecretToRegions, RestoreSecret, RotateSecret, StopReplicationToReplica,
    TagResource, UntagResource, UpdateSecret, UpdateSecretVersionStage,
};

const HERE: &str = "us-east-1";
const ABROAD: &str = "eu-central-1";
const OTHER_ACCOUNT: &str = "arn:aws:secretsmanager:us-east-1:210987654321:secret:s-a1b2c3";
const NOT_ON_A_REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

async fn replicate(world: &World, region: &str) -> Result<ReplicationOutput, ApiError> {
    let to = ReplicaRegionInput { region: text(region), kms_key_id: None };
    let input = ReplicateSecretToRegionsInput {
        secret_id: text("s"),
        add_replica_regions: Some(vec![to]),
        force_overwrite_replica_secret: None,
    };
    world.write::<ReplicateSecretToRegions>(input).await
}

fn associate() -> AssociateCrossAccountReplicaInput {
    AssociateCrossAccountReplicaInput {
        secret_id: text("s"),
        cross_account_replica_arn: text(OTHER_ACCOUNT),
        ..Default::default()
    }
}

async fn stop(world: &World, id: &str) -> Result<StopReplicationToReplicaOutput, ApiError> {
    world.write::<StopReplicationToReplica>(StopReplicationToReplicaInput { secret_id: text(id) }).await
}

async fn remove(world: &World, id: &str, region: &str) -> Result<ReplicationOutput, ApiError> {
    let regions = Some(vec![region.to_owned()]);
    let input = RemoveRegionsFromReplicationInput { secret_id: text(id), remove_replica_regions: regions };
    world.write::<RemoveRegionsFromReplication>(input).await
}

/// The requests that follow are of that region.
fn go(world: &mut World, to: &str) {
    world.caller.region = region(to);
}

/// The secret `s` as it lies in a region.
fn lies(world: &World, at: &str) -> Option<Arc<Secret>> {
    let namespace = Namespace { region: region(at), ..home() };
    world.state().find(&namespace, &SecretId::parse("s", &namespace).unwrap()).cloned()
}

fn value(output: &GetSecretValueOutput) -> &[u8] {
    output.value.plaintext().expose_secret()
}

/// `s` with the versions `first`, which is AWSPREVIOUS, `second`, which is AWSCURRENT, and `third`, which is
/// AWSPENDING, and its replica. The requests that follow are of the replica's region.
async fn replicated() -> World {
    let mut world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world.put("s", &token("second"), "two", &[]).await.unwrap();
    world.put("s", &token("third"), "three", &["AWSPENDING"]).await.unwrap();
    assert_eq!(replicate(&world, ABROAD).await.unwrap().replication_status[0].status, "InSync");
    go(&mut world, ABROAD);
    world
}

#[tokio::test]
async fn every_version_is_read_through_a_replica() {
    let mut world = replicated().await;
    let arn = lies(&world, ABROAD).unwrap().arn.clone();
    for (version, label, expected) in [
        (None, None, "two"),
        (None, Some("AWSPREVIOUS"), "one"),
        (None, Some("AWSPENDING"), "three"),
        (Some("first"), None, "one"),
        (Some("third"), Some("AWSPENDING"), "three"),
    ] {
        let version = version.map(token);
        for id in ["s", arn.as_str(), &arn.as_str()[..arn.as_str().len() - 7]] {
            let got = world.get_version(id, version.as_deref(), label).await.unwrap();
            assert_eq!((value(&got), &got.arn), (expected.as_bytes(), &arn), "{id} {version:?} {label:?}");
        }
    }
    let batch = BatchGetSecretValueInput { secret_id_list: Some(vec!["s".to_owned()]), ..Default::default() };
    let batch = world.read::<BatchGetSecretValue>(batch).await.unwrap();
    assert_eq!((value(&batch.secret_values[0]), batch.errors.len()), (&b"two"[..], 0));
    // The primary's ARN is one of another region.
    let elsewhere = lies(&world, HERE).unwrap().arn.clone();
    assert_eq!(world.get(elsewhere.as_str()).await.unwrap_err().code, ErrorCode::ResourceNotFound);

    // Later writes show at once, of either kind, and reads are dated by region.
    go(&mut world, HERE);
    let binary = UpdateSecretInput {
        secret_id: text("s"),
        client_request_token: text(&token("fourth")),
        secret_binary: bytes("four"),
        ..UpdateSecretInput::default()
    };
    world.write::<UpdateSecret>(binary).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().last_accessed_date, None);
    go(&mut world, ABROAD);
    let got = world.get("s").await.unwrap();
    assert!(matches!(got.value, SecretValue::Binary(_)) && value(&got) == b"four");
    assert_eq!(world.describe("s").await.unwrap().last_accessed_date, Some(day(0)));
}

#[tokio::test]
async fn every_write_to_a_replica_is_refused() {
    let world = replicated().await;
    let id = || text("s");
    let before = (lies(&world, HERE), lies(&world, ABROAD), world.cluster.lock().proposals);
    let own_policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}]}"#;
    let update = UpdateSecretInput { secret_id: id(), client_request_token: text(&token("new")), ..Default::default() };
    let stage = UpdateSecretVersionStageInput {
        secret_id: id(),
        version_stage: text("AWSCURRENT"),
        move_to_version_id: text(&token("third")),
        remove_from_version_id: text(&token("second")),
    };
    let tags = Some(vec![TagInput { key: text("k"), value: None }]);
    let policy = PutResourcePolicyInput { secret_id: id(), resource_policy: text(own_policy), ..Default::default() };
    let rotate = RotateSecretInput { secret_id: id(), client_request_token: text(&token("new")), ..Default::default() };
    let disassociate =
        DisassociateCrossAccountReplicaInput { secret_id: id(), cross_account_replica_arn: text(OTHER_ACCOUNT) };
    let refusals = [
        world.put("s", &token("new"), "new", &[]).await.map(drop),
        // A repetition of what the primary was asked is one of another secret here.
        world.put("s", &token("second"), "two", &[]).await.map(drop),
        world.write::<UpdateSecret>(update).await.map(drop),
        world.write::<UpdateSecretVersionStage>(stage).await.map(drop),
        world.write::<TagResource>(TagResourceInput { secret_id: id(), tags }).await.map(drop),
        world
            .write::<UntagResource>(UntagResourceInput { secret_id: id(), tag_keys: Some(Vec::new()) })
            .await
            .map(drop),
        world.write::<PutResourcePolicy>(policy).await.map(drop),
        world.read::<GetResourcePolicy>(GetResourcePolicyInput { secret_id: id(), policy_name: None }).await.map(drop),
        world
            .read::<ListResourcePolicies>(ListResourcePoliciesInput { secret_id: id(), ..Default::default() })
            .await
            .map(drop),
        world
            .write::<DeleteResourcePolicy>(DeleteResourcePolicyInput { secret_id: id(), policy_name: None })
            .await
            .map(drop),
        world.write::<RotateSecret>(rotate).await.map(drop),
        world.write::<CancelRotateSecret>(CancelRotateSecretInput { secret_id: id() }).await.map(drop),
        replicate(&world, HERE).await.map(drop),
        remove(&world, "s", HERE).await.map(drop),
        world.read::<AssociateCrossAccountReplica>(associate()).await.map(drop),
        world.read::<DisassociateCrossAccountReplica>(disassociate).await.map(drop),
    ];
    for (number, refused) in refusals.into_iter().enumerate() {
        let error = refused.unwrap_err();
        assert_eq!((error.code, error.message.as_ref()), (ErrorCode::InvalidParameter, NOT_ON_A_REPLICA), "{number}");
    }
    assert_eq!((lies(&world, HERE), lies(&world, ABROAD), world.cluster.lock().proposals), before);
    // Whether these two may be is decided where they are applied.
    for refused in [
        world.delete("s", None).await.map(drop),
        world.force_delete("s").await.map(drop),
        world.write::<RestoreSecret>(RestoreSecretInput { secret_id: id() }).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.code, error.message.as_ref()), (ErrorCode::InvalidParameter, NOT_ON_A_REPLICA));
    }
    assert_eq!((lies(&world, HERE), lies(&world, ABROAD)), (before.0, before.1));
}

#[tokio::test]
async fn a_promoted_replica_reads_its_old_versions_and_takes_new_ones() {
    let mut world = replicated().await;
    let arn = stop(&world, "s").await.unwrap().arn;
    assert_eq!(lies(&world, ABROAD).unwrap().arn, arn);
    // It needs nothing of the primary any more.
    go(&mut world, HERE);
    world.put("s", &token("fourth"), "elsewhere", &[]).await.unwrap();
    world.force_delete("s").await.unwrap();
    go(&mut world, ABROAD);
    for (version, expected) in [("first", "one"), ("second", "two"), ("third", "three")] {
        let got = world.get_version(arn.as_str(), Some(&token(version)), None).await.unwrap();
        assert_eq!(value(&got), expected.as_bytes(), "{version}");
    }
    assert_eq!(
        world.get_version("s", Some(&token("fourth")), None).await.unwrap_err().code,
        ErrorCode::ResourceNotFound
    );

    // A request that made one of its versions is known again, and its token is taken for another value.
    let again = world.put("s", &token("second"), "two", &[]).await.unwrap();
    assert_eq!(again.version_stages, [StagingLabel::Current]);
    let misuse = world.put("s", &token("second"), "other", &[]).await.unwrap_err();
    assert_eq!(misuse.code, ErrorCode::ResourceExists);

    world.put("s", &token("fifth"), "five", &[]).await.unwrap();
    assert_eq!(value(&world.get("s").await.unwrap()), b"five");
    assert_eq!(value(&world.get_version("s", None, Some("AWSPREVIOUS")).await.unwrap()), b"two");
    assert_eq!(value(&world.get_version("s", Some(&token("first")), None).await.unwrap()), b"one");
    let update = UpdateSecretInput {
        secret_id: text("s"),
        client_request_token: text(&token("sixth")),
        secret_string: bytes("six"),
        ..UpdateSecretInput::default()
    };
    world.write::<UpdateSecret>(update).await.unwrap();
    assert_eq!(value(&world.get("s").await.unwrap()), b"six");
    let described = world.describe("s").await.unwrap();
    assert!(described.primary_region.is_none() && described.replication_status.is_empty());

    // It can have replicas of its own, which show versions that are sealed under three ARNs.
    replicate(&world, HERE).await.unwrap();
    go(&mut world, HERE);
    for (version, expected) in [("first", "one"), ("third", "three"), ("fifth", "five"), ("sixth", "six")] {
        let got = world.get_version("s", Some(&token(version)), None).await.unwrap();
        assert_eq!(value(&got), expected.as_bytes(), "{version}");
    }
    // And so can what was a replica of it.
    stop(&world, "s").await.unwrap();
    go(&mut world, ABROAD);
    world.force_delete("s").await.unwrap();
    go(&mut world, HERE);
    assert_eq!(value(&world.get_version("s", Some(&token("first")), None).await.unwrap()), b"one");
    assert_eq!(value(&world.get("s").await.unwrap()), b"six");
}

#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_has_no_replicas_and_gets_none() {
    let mut world = World::new();
    world.create("s", Some("one")).await.unwrap();
    replicate(&world, ABROAD).await.unwrap();
    let error = world.delete("s", None).await.unwrap_err();
    let message = format!("You can't delete secret s that still has replica regions [{ABROAD}]");
    assert_eq!((error.code, error.message.as_ref()), (ErrorCode::InvalidParameter, message.as_str()));
    assert!(remove(&world, "s", ABROAD).await.unwrap().replication_status.is_empty());
    world.delete("s", None).await.unwrap();
    for refused in [
        replicate(&world, ABROAD).await.map(drop),
        remove(&world, "s", ABROAD).await.map(drop),
        stop(&world, "s").await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidRequest);
    }
    go(&mut world, ABROAD);
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn a_name_that_is_scheduled_for_deletion_is_taken_until_it_is_forced() {
    let mut world = World::new();
    go(&mut world, ABROAD);
    world.create("s", Some("theirs")).await.unwrap();
    world.delete("s", None).await.unwrap();
    go(&mut world, HERE);
    world.create("s", Some("ours")).await.unwrap();
    let status = replicate(&world, ABROAD).await.unwrap().replication_status;
    assert_eq!((status[0].status, status.len()), ("Failed", 1));
    go(&mut world, ABROAD);
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::InvalidRequest);

    go(&mut world, HERE);
    let to = ReplicaRegionInput { region: text(ABROAD), kms_key_id: None };
    let forced = ReplicateSecretToRegionsInput {
        secret_id: text("s"),
        add_replica_regions: Some(vec![to]),
        force_overwrite_replica_secret: Some(true),
    };
    let status = world.write::<ReplicateSecretToRegions>(forced).await.unwrap().replication_status;
    assert_eq!((status[0].status, status.len()), ("InSync", 1));
    go(&mut world, ABROAD);
    assert_eq!(value(&world.get("s").await.unwrap()), b"ours");
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
    let error = world.read::<AssociateCrossAccountReplica>(associate()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest);
}
