//! Reads that may do with older data: only where they are switched on, only for whom they are allowed, and only the
//! data.

use std::time::Duration;

use state::{Binding, Record};
use types::{ApiError, ErrorCode, Principal};

use super::world::{AGE, World, token};
use crate::api::{
    DescribeSecretInput, GetRandomPasswordInput, GetSecretValueInput, ListSecretVersionIdsInput, ListSecretsInput,
};
use crate::caller::Answer;
use crate::door::Read;
use crate::reads::RelaxedReads;
use crate::secrets::{DescribeSecret, GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets};

const STALE: &str = "stale; max-age=60";

/// A node that is behind by the value `new` of the secret `s`, and a caller who asks for `consistency`.
async fn behind(consistency: &str) -> World {
    let mut world = World::new();
    world.create_with("s", &token("v1"), Some("old")).await.unwrap();
    world.lag();
    world.put("s", &token("v2"), "new", &[]).await.unwrap();
    world.caller.consistency = Some(consistency.to_owned());
    world
}

fn switched_on() -> RelaxedReads {
    RelaxedReads { lease: true, stale_max_age: Some(Duration::from_secs(3_600)) }
}

async fn answer<U: Read>(world: &World, input: U::Input) -> Result<Answer<U::Output>, ApiError> {
    world.door.read::<U>(&world.caller, input).await
}

fn secret_id() -> Option<String> {
    Some("s".to_owned())
}

async fn value(world: &World) -> Result<(Vec<u8>, Option<Duration>), ApiError> {
    let input = GetSecretValueInput { secret_id: secret_id(), ..GetSecretValueInput::default() };
    let answer = answer::<GetSecretValue>(world, input).await?;
    let bytes = match answer.output.value {
        crate::api::SecretValue::String(value) | crate::api::SecretValue::Binary(value) => value,
    };
    Ok((bytes.expose_secret().to_vec(), answer.age))
}

#[tokio::test]
async fn what_is_not_switched_on_is_refused_and_says_so() {
    for (consistency, key) in [("stale", "stale_max_age_ms"), (STALE, "stale_max_age_ms"), ("lease", "lease")] {
        let mut world = behind(consistency).await;
        let error = value(&world).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(error.message.contains("switched off") && error.message.contains(key), "{}", error.message);
        // One does not switch the other on.
        world.door.relaxed_reads = match consistency {
            "lease" => RelaxedReads { lease: false, ..switched_on() },
            _ => RelaxedReads { stale_max_age: None, ..switched_on() },
        };
        assert_eq!(value(&world).await.unwrap_err().code, ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn a_stale_read_shows_older_data_and_how_old() {
    let mut world = behind(STALE).await;
    world.door.relaxed_reads = switched_on();
    assert_eq!(value(&world).await.unwrap(), (b"old".to_vec(), Some(AGE)));
    world.caller.consistency = Some("stale; max-age=4".to_owned());
    assert_eq!(value(&world).await.unwrap(), (b"new".to_vec(), Some(Duration::ZERO)));
}

#[tokio::test]
async fn a_bound_above_the_nodes_own_counts_as_that_one() {
    for consistency in ["stale", STALE] {
        let mut world = behind(consistency).await;
        world.door.relaxed_reads = RelaxedReads { lease: false, stale_max_age: Some(AGE / 2) };
        assert_eq!(value(&world).await.unwrap().0, b"new");
    }
}

#[tokio::test]
async fn without_being_asked_or_under_a_lease_a_read_is_linearizable() {
    for consistency in [None, Some("linearizable"), Some("lease")] {
        let mut world = behind("stale").await;
        world.door.relaxed_reads = switched_on();
        world.caller.consistency = consistency.map(str::to_owned);
        assert_eq!(value(&world).await.unwrap(), (b"new".to_vec(), None));
    }
}

#[tokio::test]
async fn an_unknown_consistency_is_told_to_whoever_is_known() {
    let mut world = behind("eventual").await;
    world.door.relaxed_reads = switched_on();
    let error = value(&world).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    assert!(error.message.contains("x-conclave-consistency") && !error.message.contains("eventual"));
    assert_eq!(world.put("s", &token("v3"), "x", &[]).await.unwrap_err().code, ErrorCode::Validation);
    let password = answer::<GetRandomPassword>(&world, GetRandomPasswordInput::default()).await;
    assert_eq!(password.unwrap_err().code, ErrorCode::Validation);
    world.caller.credential = crate::caller::Credential::Certificate("urn:conclave:user/other".to_owned());
    assert_eq!(value(&world).await.unwrap_err().code, ErrorCode::UnrecognizedClient);
}

#[tokio::test]
async fn every_read_of_secrets_may_be_stale_and_nothing_else() {
    let mut world = behind(STALE).await;
    world.door.relaxed_reads = switched_on();
    let described = answer::<DescribeSecret>(&world, DescribeSecretInput { secret_id: secret_id() }).await.unwrap();
    assert_eq!((described.age, described.output.version_ids_to_stages.len()), (Some(AGE), 1));
    let listed = answer::<ListSecrets>(&world, ListSecretsInput::default()).await.unwrap();
    assert_eq!((listed.age, listed.output.secrets.len()), (Some(AGE), 1));
    let input = ListSecretVersionIdsInput { secret_id: secret_id(), ..ListSecretVersionIdsInput::default() };
    let versions = answer::<ListSecretVersionIds>(&world, input).await.unwrap();
    assert_eq!((versions.age, versions.output.versions.len()), (Some(AGE), 1));

    let password = answer::<GetRandomPassword>(&world, GetRandomPasswordInput::default()).await.unwrap();
    assert_eq!(password.age, None);
    // Where nothing can be relaxed nothing is refused either.
    world.door.relaxed_reads = RelaxedReads::default();
    assert!(answer::<GetRandomPassword>(&world, GetRandomPasswordInput::default()).await.is_ok());
    world.put("s", &token("v3"), "newer", &[]).await.unwrap();
}

/// What is gone here is the caller.
#[tokio::test]
async fn no_stale_read_is_served_to_whom_it_would_not_be_served_now() {
    let mut world = behind(STALE).await;
    world.door.relaxed_reads = switched_on();
    value(&world).await.unwrap();
    world.cluster.lock().rewrite(|record| match record {
        Record::Binding(binding) => {
            Record::Binding(Binding { uri: "urn:conclave:user/next".into(), ..Binding::clone(&binding) }.into())
        }
        other => other,
    });
    assert_eq!(value(&world).await.unwrap_err().code, ErrorCode::UnrecognizedClient);
}

#[tokio::test]
async fn relaxed_reads_need_a_permission_of_their_own() {
    for (consistency, action) in [(STALE, "conclave:StaleRead"), ("lease", "conclave:LeaseRead")] {
        let mut world = behind(consistency).await;
        world.door.relaxed_reads = switched_on();
        // The one principal whom nothing is allowed.
        world.cluster.lock().rewrite(|record| match record {
            Record::Binding(binding) => {
                Record::Binding(Binding { principal: Principal::System, ..Binding::clone(&binding) }.into())
            }
            other => other,
        });
        let error = value(&world).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        assert!(error.message.contains(&format!("perform: {action} on resource: s ")), "{}", error.message);
    }
}
