//! What the door promises: who comes in, on which state, and that it is written down.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use state::{Command, DeleteMode, Record, RecordKind};
use types::{ApiError, ErrorCode, Principal, SecretArn, limits};

use super::world::{
    ACCESS_KEY, ACCESS_KEY_SECRET, ROOT_URI, World, account, bare_secret, bytes, caller, home, seal_access_key, signed,
    text, token,
};
use crate::api::{CreateSecretInput, GetSecretValueInput};
use crate::authorize::Action;
use crate::caller::Credential;
use crate::reads::RelaxedReads;
use crate::record::Ending;
use crate::secrets::{CreateSecret, GetSecretValue, PutSecretValue};
use crate::throttle::ServiceLimits;

fn certificate(uri: &str) -> Credential {
    Credential::Certificate(uri.to_owned())
}

fn force_delete(arn: &SecretArn) -> Command {
    Command::DeleteSecret(state::DeleteSecret { target: arn.clone(), mode: DeleteMode::Force })
}

#[tokio::test]
async fn certificates_and_signatures_open_the_same_account() {
    let mut world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    assert!(world.get("s").await.is_ok());
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    let root = Some(Principal::Root(account()));
    assert!(world.seen().iter().all(|seen| seen.principal == root && seen.ending == Ending::Answered));
}

#[tokio::test]
async fn who_is_not_known_does_not_come_in() {
    let mut world = World::new();
    let cases = [
        (certificate("urn:conclave:user/other"), ErrorCode::UnrecognizedClient),
        (signed("AKIAOTHER", ACCESS_KEY_SECRET), ErrorCode::UnrecognizedClient),
        (signed(ACCESS_KEY, b"wrong"), ErrorCode::InvalidSignature),
    ];
    for (credential, code) in cases {
        world.caller = caller(credential, "us-east-1");
        assert_eq!(world.get("s").await.unwrap_err().code, code);
        // A malformed request tells a stranger nothing else.
        assert_eq!(world.get("not a name").await.unwrap_err().code, code);
        assert_eq!(world.create("s", Some("one")).await.unwrap_err().code, code);
    }
    assert_eq!(world.cluster.lock().proposals, 0);
    assert!(world.seen().iter().all(|seen| seen.principal.is_none() && !seen.decided));
}

#[tokio::test]
async fn nobody_comes_in_before_there_is_a_root() {
    let world = World::without_bootstrap();
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::UnrecognizedClient);
}

#[tokio::test]
async fn regions_that_are_not_served_are_refused() {
    let mut world = World::new();
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "mars-north-1");
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::InvalidSignature);
    world.caller = caller(certificate(ROOT_URI), "mars-north-1");
    let error = world.create("s", None).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    assert!(error.message.ends_with("Member must satisfy enum value set: [us-east-1, eu-central-1]"), "{error}");
}

#[tokio::test]
async fn a_principal_without_permission_does_not_learn_what_exists() {
    let mut world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world.cluster.lock().rewrite(|record| match record {
        Record::AccessKey(key) => {
            Record::AccessKey(Arc::new(state::AccessKey { principal: Principal::System, ..key.as_ref().clone() }))
        }
        other => other,
    });
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    for id in ["s", "missing"] {
        let error = world.get(id).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        assert!(error.message.contains(&format!("on resource: {id} because")), "{error}");
        assert_eq!(world.put(id, &token("t"), "v", &[]).await.unwrap_err().code, ErrorCode::AccessDenied);
        assert_eq!(world.force_delete(id).await.unwrap_err().code, ErrorCode::AccessDenied);
    }
    assert!(
        world.seen()[1..].iter().all(|seen| seen.decided && seen.ending == Ending::Refused(ErrorCode::AccessDenied))
    );
}

#[tokio::test]
async fn a_node_that_lags_serves_what_is_newer_than_its_state() {
    let mut world = World::without_bootstrap();
    world.lag();
    // Root, keys and a secret come from other nodes.
    let bootstrap = super::world::bootstrap(&world.barrier);
    world.cluster.lock().commit(Command::Bootstrap(bootstrap)).unwrap();
    world.create("s", Some("one")).await.unwrap();

    world.cluster.lock().commit(bare_secret("elsewhere")).unwrap();
    world.put("elsewhere", &token("v1"), "new", &[]).await.unwrap();
    world.cluster.lock().commit(bare_secret("elsewhere2")).unwrap();
    world.delete("elsewhere2", None).await.unwrap();
    assert!(world.describe("elsewhere2").await.unwrap().deleted_date.is_some());
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    assert!(world.get("elsewhere").await.is_ok());
}

#[tokio::test]
async fn a_node_that_lags_does_not_refuse_for_it() {
    let world = World::new();
    let arn = world.create("s", Some("one")).await.unwrap().arn;
    world.delete("s", None).await.unwrap();
    world.lag();
    // The secret is deleted and made again, elsewhere: what this node has would refuse a put.
    {
        let mut replication = world.cluster.lock();
        replication.commit(force_delete(&arn)).unwrap();
        replication.commit(bare_secret("s")).unwrap();
    }
    let put = world.put("s", &token("v1"), "two", &[]).await.unwrap();
    assert!(put.arn.as_str().ends_with("-OTHER1"));
}

#[tokio::test]
async fn a_forced_deletion_of_nothing_is_answered_past_the_barrier_only() {
    let world = World::new();
    world.lag();
    world.cluster.lock().commit(bare_secret("s")).unwrap();
    world.force_delete("s").await.unwrap();
    assert_eq!(world.state().secret_count(), 0);
}

#[tokio::test]
async fn what_changed_since_the_plan_is_planned_again() {
    let world = World::new();
    let old = world.create("s", Some("one")).await.unwrap().arn;
    let deleted = old.clone();
    world.before_next_proposal(move |replication| {
        replication.commit(force_delete(&deleted)).unwrap();
        replication.commit(bare_secret("s")).unwrap();
    });
    let put = world.put("s", &token("v2"), "two", &[]).await.unwrap();
    assert_ne!(put.arn, old);
    // Sealed for the new secret, so it opens there.
    assert_eq!(world.get("s").await.unwrap().arn, put.arn);

    let gone = put.arn.clone();
    world.before_next_proposal(move |replication| {
        replication.commit(force_delete(&gone)).unwrap();
    });
    let error = world.put("s", &token("v3"), "three", &[]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn planning_again_has_an_end() {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    for _ in 0..limits::DECISIONS_PER_REQUEST {
        world.before_next_proposal(|replication| {
            let index = replication.next_index();
            replication.rewrite(|record| touch_key(record, index));
        });
    }
    let before = world.cluster.lock().proposals;
    let error = world.put("s", &token("v2"), "two", &[]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServiceUnavailable);
    assert_eq!(world.cluster.lock().proposals - before, limits::DECISIONS_PER_REQUEST);
    assert!(world.put("s", &token("v2"), "two", &[]).await.is_ok());
}

fn touch_key(record: Record, index: u64) -> Record {
    match record {
        Record::EncryptionKey(key) => {
            Record::EncryptionKey(Arc::new(state::EncryptionKey { changed_at: index, ..key.as_ref().clone() }))
        }
        other => other,
    }
}

#[tokio::test]
async fn a_changed_access_key_cannot_write_under_its_old_secret() {
    let mut world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    // Opens the old secret, which must not be used after the change.
    assert!(world.get("s").await.is_ok());
    world.lag();
    let other = seal_access_key(&world.barrier, b"another secret");
    {
        let mut replication = world.cluster.lock();
        let index = replication.next_index();
        replication.rewrite(|record| match record {
            Record::AccessKey(key) => {
                let (secret, key) = (other.clone(), key.as_ref().clone());
                Record::AccessKey(Arc::new(state::AccessKey { secret, changed_at: index, ..key }))
            }
            unchanged => unchanged,
        });
    }
    // This node does not know yet: it lets the request in, and `apply` does not let it through.
    let error = world.put("s", &token("v2"), "two", &[]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidSignature);
    assert_eq!(world.state().secret_named(&home(), &types::SecretName::parse("s").unwrap()).unwrap().versions.len(), 1);
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::InvalidSignature);
}

#[tokio::test]
async fn a_key_that_moved_to_another_account_does_not_take_its_request_along() {
    let mut world = World::new();
    world.caller = caller(signed(ACCESS_KEY, ACCESS_KEY_SECRET), "us-east-1");
    world.before_next_proposal(|replication| {
        let index = replication.next_index();
        replication.rewrite(|record| match record {
            Record::AccessKey(key) => {
                let principal = Principal::Root("000000000042".parse().unwrap());
                Record::AccessKey(Arc::new(state::AccessKey { principal, ..key.as_ref().clone() }))
            }
            other => touch_key(other, index),
        });
    });
    let error = world.create("s", Some("one")).await.unwrap_err();
    assert_eq!((error.code, world.cluster.lock().proposals), (ErrorCode::ServiceUnavailable, 1));
    assert_eq!(world.state().secret_count(), 0);
}

#[tokio::test]
async fn without_a_quorum_nothing_is_read_and_a_lost_answer_is_unknown() {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world.lose_answers();
    let error = world.put("s", &token("v2"), "two", &[]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::OutcomeUnknown);
    world.lose_quorum();
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    assert_eq!(world.put("s", &token("v2"), "two", &[]).await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    assert_eq!(world.get("missing").await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    let endings: Vec<Ending> = world.seen().iter().map(|seen| seen.ending).collect();
    let unavailable = Ending::Refused(ErrorCode::ServiceUnavailable);
    assert_eq!(endings[1..], [Ending::Refused(ErrorCode::OutcomeUnknown), unavailable, unavailable, unavailable]);
}

#[tokio::test]
async fn every_request_is_recorded_also_one_whose_caller_went_away() {
    let world = World::new();
    let input = CreateSecretInput {
        name: text("s"),
        client_request_token: text(&token("t")),
        secret_string: bytes("one"),
        ..CreateSecretInput::default()
    };
    world.write::<CreateSecret>(input).await.unwrap();
    world.get("missing").await.unwrap_err();

    let never = Stalled;
    let door = crate::door::Door::new(
        never,
        world.barrier.clone(),
        vec![super::world::region("us-east-1")],
        Arc::new(Midnight),
        world.records.clone(),
        ServiceLimits::default(),
        RelaxedReads::default(),
    );
    let input = GetSecretValueInput { secret_id: text("s"), ..GetSecretValueInput::default() };
    let mut read = Box::pin(door.read::<GetSecretValue>(&world.caller, input));
    assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(read);

    let seen: Vec<_> = world.seen().iter().map(|seen| (seen.operation, seen.ending)).collect();
    assert_eq!(
        seen,
        [
            ("secretsmanager:CreateSecret", Ending::Answered),
            ("secretsmanager:GetSecretValue", Ending::Refused(ErrorCode::ResourceNotFound)),
            ("secretsmanager:GetSecretValue", Ending::Abandoned),
        ]
    );
}

struct Midnight;

impl consensus::Clock for Midnight {
    fn now(&self) -> types::Timestamp {
        types::Timestamp::ZERO
    }
}

/// A cluster that never answers.
#[derive(Clone)]
struct Stalled;

impl crate::replicated::Replicated for Stalled {
    fn local_state(&self) -> Arc<consensus::Published> {
        Arc::new(consensus::Published::new(state::State::default(), 0))
    }

    fn read_barrier(
        &self,
        _: std::time::Instant,
    ) -> impl Future<Output = Result<Arc<consensus::Published>, consensus::NoQuorum>> + Send {
        std::future::pending()
    }

    fn read_stale(
        &self,
        _: std::time::Duration,
        _: std::time::Instant,
    ) -> impl Future<Output = Result<consensus::StaleState, consensus::NoQuorum>> + Send {
        std::future::pending()
    }

    fn propose(
        &self,
        _: consensus::Proposal,
        _: std::time::Instant,
    ) -> impl Future<Output = Result<consensus::Receipt, consensus::ProposeError>> + Send {
        std::future::pending()
    }
}

#[tokio::test]
async fn values_open_only_where_they_were_put() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    // The values of the two versions change places at rest.
    let state = world.state();
    let versions: Vec<_> = state
        .records()
        .filter(|(key, _)| key.kind == RecordKind::Version)
        .map(|(_, record)| match record {
            Record::Version(version) => version.value.clone(),
            _ => None,
        })
        .collect();
    world.cluster.lock().rewrite(|record| match record {
        Record::Version(version) => {
            let swapped = versions.iter().find(|value| **value != version.value).unwrap().clone();
            Record::Version(Arc::new(state::Version { value: swapped, ..version.as_ref().clone() }))
        }
        other => other,
    });
    for version in ["v1", "v2"] {
        let error = world.get_version("s", Some(&token(version)), None).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::DecryptionFailure);
    }
}

#[tokio::test]
async fn new_material_encrypts_and_the_old_one_still_opens() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    let barrier = world.barrier.clone();
    {
        let mut replication = world.cluster.lock();
        let index = replication.next_index();
        replication.rewrite(move |record| match record {
            Record::EncryptionKey(key) => {
                let mut key = key.as_ref().clone();
                let second = key_service::KeyMaterial::generate(key.account, key.id, 2);
                key.material.push(second.seal(&barrier).into());
                key.changed_at = index;
                Record::EncryptionKey(Arc::new(key))
            }
            other => other,
        });
    }
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    let state = world.state();
    let secret = state.secret_named(&home(), &types::SecretName::parse("s").unwrap()).unwrap();
    let materials: Vec<u32> =
        secret.versions.iter().filter_map(|entry| entry.version.value.as_ref()).map(|value| value.material).collect();
    assert_eq!(materials, [1, 2]);
    for version in ["v1", "v2"] {
        assert!(world.get_version("s", Some(&token(version)), None).await.is_ok(), "{version}");
    }
}

#[tokio::test]
async fn an_answer_says_which_state_it_shows() {
    let world = World::new();
    let input = CreateSecretInput {
        name: text("s"),
        client_request_token: text(&token("t")),
        secret_string: bytes("one"),
        ..CreateSecretInput::default()
    };
    let written = world.door.write::<CreateSecret>(&world.caller, input).await.unwrap().applied_index;
    let input = GetSecretValueInput { secret_id: text("s"), ..GetSecretValueInput::default() };
    let read = world.door.read::<GetSecretValue>(&world.caller, input).await.unwrap().applied_index;
    assert!(written > 0 && read >= written);
}

#[test]
fn futures_of_use_cases_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let world = World::new();
    is_send(&world.read::<GetSecretValue>(GetSecretValueInput::default()));
    is_send(&world.write::<PutSecretValue>(crate::api::PutSecretValueInput::default()));
    is_send(&world.read::<crate::secrets::ListSecrets>(crate::api::ListSecretsInput::default()));
}

#[tokio::test]
async fn what_was_wrong_with_a_request_is_told_to_its_proven_sender_only() {
    let mut world = World::new();
    let wrong = || ApiError::from(ErrorCode::Serialization);
    let refused = world.door.refuse::<()>(Action::GetSecretValue, &world.caller, wrong()).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Serialization);
    world.caller = caller(signed(ACCESS_KEY, b"wrong"), "us-east-1");
    let refused = world.door.refuse::<()>(Action::GetSecretValue, &world.caller, wrong()).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidSignature);
    let endings: Vec<Ending> = world.seen().iter().map(|seen| seen.ending).collect();
    assert_eq!(endings, [Ending::Refused(ErrorCode::Serialization), Ending::Refused(ErrorCode::InvalidSignature)]);
}
