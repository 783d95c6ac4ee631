//! Each quota of secrets: what is at it is done, and one more is refused and changes nothing.

use types::{ApiError, ErrorCode, limits};

use super::world::{World, bytes, text, token};
use crate::api::{
    CreateSecretInput, PutResourcePolicyInput, RemoveRegionsFromReplicationInput, ReplicaRegionInput,
    ReplicateSecretToRegionsInput, RestoreSecretInput, TagInput, TagResourceInput, UpdateSecretInput,
};
use crate::secrets::{
    CreateSecret, PutResourcePolicy, RemoveRegionsFromReplication, ReplicateSecretToRegions, RestoreSecret,
    TagResource, UpdateSecret,
};

/// A world with the secret `s`, whose value is `one`.
async fn world() -> World {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world
}

#[track_caller]
fn is_refused<T: std::fmt::Debug>(result: Result<T, ApiError>, code: ErrorCode) {
    assert_eq!(result.unwrap_err().code, code);
}

#[tokio::test]
async fn a_value_has_so_many_bytes_whatever_its_characters() {
    let world = world().await;
    let two_bytes_each = "\u{e9}".repeat(limits::SECRET_VALUE_BYTES / 2);
    let ascii = "v".repeat(limits::SECRET_VALUE_BYTES);
    world.put("s", &token("two bytes each"), &two_bytes_each, &[]).await.unwrap();
    world.put("s", &token("one byte each"), &ascii, &[]).await.unwrap();
    is_refused(world.put("s", &token("p1"), &(two_bytes_each + "v"), &[]).await, ErrorCode::Validation);
    is_refused(world.put("s", &token("p2"), &(ascii.clone() + "v"), &[]).await, ErrorCode::Validation);
    let binary = |start: &str, value: &str| UpdateSecretInput {
        secret_id: text("s"),
        client_request_token: text(&token(start)),
        secret_binary: bytes(value),
        ..UpdateSecretInput::default()
    };
    world.write::<UpdateSecret>(binary("u1", &ascii)).await.unwrap();
    is_refused(world.write::<UpdateSecret>(binary("u2", &(ascii + "v"))).await, ErrorCode::Validation);
    assert_eq!(world.get("s").await.unwrap().version_id.as_str(), token("u1"));
}

#[tokio::test]
async fn names_descriptions_and_tokens_have_so_many_characters() {
    let world = World::new();
    let create = |name: usize, description: usize, token: usize| CreateSecretInput {
        name: text(&"n".repeat(name)),
        // More bytes, and more of UTF-16, than characters.
        description: text(&"\u{1f600}".repeat(description)),
        client_request_token: text(&"t".repeat(token)),
        secret_string: bytes("one"),
        ..CreateSecretInput::default()
    };
    let (names, descriptions) = (limits::SECRET_NAME_CHARS, limits::DESCRIPTION_CHARS);
    let (shortest, longest) = limits::CLIENT_REQUEST_TOKEN_CHARS.into_inner();
    for outside in [
        create(names + 1, 1, shortest),
        create(0, 1, shortest),
        create(1, descriptions + 1, shortest),
        create(1, 1, shortest - 1),
        create(1, 1, longest + 1),
    ] {
        is_refused(world.write::<CreateSecret>(outside).await, ErrorCode::Validation);
    }
    for inside in [create(names, descriptions, shortest), create(1, 0, longest)] {
        world.write::<CreateSecret>(inside).await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_has_so_many_versions_of_a_day_and_then_old_ones_go() {
    let world = world().await;
    for number in 1..limits::VERSIONS_PER_SECRET {
        world.put("s", &token(&format!("v{number}")), "more", &[]).await.unwrap();
    }
    let past = world.put("s", &token("past"), "past", &[]).await;
    is_refused(past, ErrorCode::LimitExceeded);
    assert_eq!(world.state().find(&super::world::home(), &secret_id()).unwrap().versions.len(), 100);
    // A repetition makes no version.
    world.put("s", &token("v1"), "more", &[]).await.unwrap();

    let hours = limits::YOUNG_VERSION_AGE.as_secs() / 3_600;
    world.pass_hours(hours - 1);
    is_refused(world.put("s", &token("past"), "past", &[]).await, ErrorCode::LimitExceeded);
    world.pass_hours(2);
    world.put("s", &token("past"), "past", &[]).await.unwrap();
    assert_eq!(world.state().find(&super::world::home(), &secret_id()).unwrap().versions.len(), 100);
    let oldest = world.get_version("s", Some(&token("first")), None).await;
    is_refused(oldest, ErrorCode::ResourceNotFound);
    assert_eq!(world.get("s").await.unwrap().version_id.as_str(), token("past"));
}

fn secret_id() -> types::SecretId {
    types::SecretId::parse("s", &super::world::home()).unwrap()
}

#[tokio::test]
async fn a_request_and_a_secret_have_so_many_labels() {
    let world = world().await;
    let labels: Vec<String> = (0..=limits::STAGING_LABELS_PER_REQUEST).map(|number| format!("l{number}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    is_refused(world.put("s", &token("v2"), "two", &labels).await, ErrorCode::Validation);
    // AWSCURRENT is on the first version, so one less is left.
    let all = limits::STAGING_LABELS_PER_SECRET;
    is_refused(world.put("s", &token("v2"), "two", &labels[..all]).await, ErrorCode::LimitExceeded);
    let put = world.put("s", &token("v2"), "two", &labels[..all - 1]).await.unwrap();
    assert_eq!(put.version_stages.len(), all - 1);
    is_refused(world.put("s", &token("v3"), "three", &["more"]).await, ErrorCode::LimitExceeded);
    // Labels that move are no more of them.
    world.put("s", &token("v3"), "three", &labels[..all - 1]).await.unwrap();

    let longest = "l".repeat(limits::STAGING_LABEL_CHARS);
    let world = self::world().await;
    world.put("s", &token("v2"), "two", &[&longest]).await.unwrap();
    is_refused(world.put("s", &token("v3"), "three", &[&(longest + "l")]).await, ErrorCode::Validation);
}

#[tokio::test]
async fn a_secret_has_so_many_tags_however_they_come() {
    let tags = |from: usize, to: usize| Some((from..to).map(|number| tag(&format!("k{number}"), "v")).collect());
    let most = limits::TAGS_PER_SECRET;
    let world = world().await;
    let tagged = |tags| world.write::<TagResource>(TagResourceInput { secret_id: text("s"), tags });
    is_refused(tagged(tags(0, most + 1)).await, ErrorCode::InvalidParameter);
    tagged(tags(0, most - 1)).await.unwrap();
    is_refused(tagged(tags(most - 1, most + 1)).await, ErrorCode::InvalidParameter);
    tagged(tags(most - 1, most)).await.unwrap();
    is_refused(tagged(tags(most, most + 1)).await, ErrorCode::InvalidParameter);
    // Other values of the same keys are no more tags.
    tagged(tags(0, most)).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().tags.map(|tags| tags.len()), Some(most));

    let create = |name: &str, tags| CreateSecretInput {
        name: text(name),
        client_request_token: text(&token("first")),
        tags,
        ..CreateSecretInput::default()
    };
    world.write::<CreateSecret>(create("at", tags(0, most))).await.unwrap();
    assert!(world.write::<CreateSecret>(create("past", tags(0, most + 1))).await.is_err());
    assert!(world.describe("past").await.is_err());

    let (key, value) = ("k".repeat(limits::TAG_KEY_CHARS), "v".repeat(limits::TAG_VALUE_CHARS));
    let one = |key: &str, value: &str| create("one", Some(vec![tag(key, value)]));
    is_refused(world.write::<CreateSecret>(one(&(key.clone() + "k"), "")).await, ErrorCode::Validation);
    is_refused(world.write::<CreateSecret>(one("k", &(value.clone() + "v"))).await, ErrorCode::Validation);
    world.write::<CreateSecret>(one(&key, &value)).await.unwrap();
}

fn tag(key: &str, value: &str) -> TagInput {
    TagInput { key: text(key), value: text(value) }
}

#[tokio::test]
async fn a_policy_has_so_many_characters() {
    let world = world().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"secretsmanager:DeleteSecret","Resource":"*"}]}"#;
    let put = |chars: usize| PutResourcePolicyInput {
        secret_id: text("s"),
        resource_policy: text(&format!("{policy:<chars$}")),
        ..PutResourcePolicyInput::default()
    };
    world.write::<PutResourcePolicy>(put(limits::RESOURCE_POLICY_CHARS)).await.unwrap();
    let past = world.write::<PutResourcePolicy>(put(limits::RESOURCE_POLICY_CHARS + 1)).await;
    is_refused(past, ErrorCode::Validation);
}

#[tokio::test]
async fn a_recovery_window_has_so_many_days() {
    let world = world().await;
    let (fewest, most) = limits::RECOVERY_WINDOW_DAYS.into_inner();
    for outside in [fewest - 1, most + 1] {
        is_refused(world.delete("s", Some(outside)).await, ErrorCode::InvalidParameter);
    }
    for inside in [Some(fewest), Some(most), None] {
        let deleted = world.delete("s", inside).await.unwrap();
        let days = inside.unwrap_or(i64::from(limits::DEFAULT_RECOVERY_WINDOW_DAYS));
        let today = super::world::START.start_of_day().as_millis();
        let end = deleted.deletion_date.start_of_day().as_millis();
        assert_eq!(i64::try_from((end - today) / 86_400_000).unwrap(), days);
        world.write::<RestoreSecret>(RestoreSecretInput { secret_id: text("s") }).await.unwrap();
    }
}

#[tokio::test]
async fn a_region_has_so_many_characters_and_is_replicated_to_once() {
    let world = world().await;
    let replicate = |regions: &[String]| ReplicateSecretToRegionsInput {
        secret_id: text("s"),
        add_replica_regions: Some(
            regions.iter().map(|region| ReplicaRegionInput { region: text(region), kms_key_id: None }).collect(),
        ),
        force_overwrite_replica_secret: None,
    };
    let region = |chars: usize| format!("{}-1", "a".repeat(chars - 2));
    // One that may be, and is not here; and one that may not be.
    let at = world.write::<ReplicateSecretToRegions>(replicate(&[region(limits::REGION_CHARS)])).await;
    is_refused(at, ErrorCode::InvalidParameter);
    let past = world.write::<ReplicateSecretToRegions>(replicate(&[region(limits::REGION_CHARS + 1)])).await;
    is_refused(past, ErrorCode::Validation);
    is_refused(world.write::<ReplicateSecretToRegions>(replicate(&[])).await, ErrorCode::Validation);
    // However often it is named: there are never more replicas than regions.
    let often = vec!["eu-central-1".to_owned(); 1_000];
    let replicated = world.write::<ReplicateSecretToRegions>(replicate(&often)).await.unwrap();
    assert_eq!(replicated.replication_status.len(), 1);
}

#[tokio::test]
async fn so_many_regions_are_removed_at_once_and_a_body_full_of_them_costs_no_more() {
    let world = world().await;
    let remove = |count: usize, often: usize| RemoveRegionsFromReplicationInput {
        secret_id: text("s"),
        remove_replica_regions: Some((0..count * often).map(|number| format!("a-{}", number % count)).collect()),
    };
    let most = limits::REGIONS_PER_REQUEST;
    world.write::<RemoveRegionsFromReplication>(remove(most, 100)).await.unwrap();
    let proposals = world.cluster.lock().proposals;
    for past in [most + 1, limits::REQUEST_BODY_BYTES / 10] {
        let refused = world.write::<RemoveRegionsFromReplication>(remove(past, 1)).await;
        is_refused(refused, ErrorCode::InvalidParameter);
    }
    assert_eq!(world.cluster.lock().proposals, proposals);
}
