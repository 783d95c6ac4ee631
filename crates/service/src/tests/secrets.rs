//! What the operations on a secret promise.

use types::{ApiError, ErrorCode, StagingLabel};

use super::world::{World, bytes, home, text, token};
use crate::api::{CreateSecretInput, PutSecretValueInput, SecretValue, TagInput};
use crate::secrets::{CreateSecret, PutSecretValue};

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn is(code: ErrorCode, message: &str) -> (ErrorCode, String) {
    (code, message.to_owned())
}

fn string(value: &SecretValue) -> &str {
    let SecretValue::String(value) = value else { panic!("not a string") };
    std::str::from_utf8(value.expose_secret()).unwrap()
}

fn labels(stages: &[StagingLabel]) -> Vec<&str> {
    stages.iter().map(StagingLabel::as_str).collect()
}

#[tokio::test]
async fn a_created_secret_is_read_back() {
    let world = World::new();
    let created = world.create("prod/db", Some("hunter2")).await.unwrap();
    assert_eq!(created.name.as_str(), "prod/db");
    assert_eq!(created.version_id.as_ref().unwrap().as_str(), token("first"));
    let arn = created.arn.as_str();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-"), "{arn}");
    for id in ["prod/db", arn, &arn[..arn.len() - 7]] {
        let got = world.get(id).await.unwrap();
        assert_eq!((string(&got.value), got.arn.as_str()), ("hunter2", arn), "{id}");
        assert_eq!(labels(&got.version_stages), ["AWSCURRENT"]);
    }
    let got = world.get_version("prod/db", Some(&token("first")), Some("AWSCURRENT")).await.unwrap();
    assert_eq!(string(&got.value), "hunter2");
}

#[tokio::test]
async fn binary_values_come_back_as_binary() {
    let world = World::new();
    let input = CreateSecretInput {
        name: text("bin"),
        client_request_token: text(&token("b")),
        secret_binary: bytes("\0raw"),
        ..CreateSecretInput::default()
    };
    world.write::<CreateSecret>(input).await.unwrap();
    let got = world.get("bin").await.unwrap();
    assert!(matches!(&got.value, SecretValue::Binary(value) if value.expose_secret() == b"\0raw"));
}

#[tokio::test]
async fn what_is_proposed_holds_no_plaintext() {
    let world = World::new();
    world.create("prod/db", Some("the-canary-value")).await.unwrap();
    let state = world.state();
    let secret = state.secret_named(&home(), &"prod/db".parse_name()).unwrap();
    let sealed = secret.versions[0].version.value.as_ref().unwrap();
    assert!(!sealed.ciphertext.windows(6).any(|window| window == b"canary"));
}

trait ParseName {
    fn parse_name(&self) -> types::SecretName;
}

impl ParseName for str {
    fn parse_name(&self) -> types::SecretName {
        types::SecretName::parse(self).unwrap()
    }
}

#[tokio::test]
async fn a_secret_without_a_value_has_no_version_until_one_is_put() {
    let world = World::new();
    let created = world.create("empty", None).await.unwrap();
    assert_eq!(created.version_id, None);
    assert!(world.describe("empty").await.unwrap().version_ids_to_stages.is_empty());
    let expected = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    assert_eq!(refused(world.get("empty").await), is(ErrorCode::ResourceNotFound, expected));

    let put = world.put("empty", &token("v1"), "one", &["AWSPENDING"]).await.unwrap();
    assert_eq!(labels(&put.version_stages), ["AWSCURRENT", "AWSPENDING"]);
    assert_eq!(string(&world.get("empty").await.unwrap().value), "one");
}

#[tokio::test]
async fn labels_move_as_values_are_put() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    assert_eq!(string(&world.get("s").await.unwrap().value), "two");
    assert_eq!(string(&world.get_version("s", None, Some("AWSPREVIOUS")).await.unwrap().value), "one");
    world.put("s", &token("v3"), "three", &[]).await.unwrap();

    let description = world.describe("s").await.unwrap();
    let shown: Vec<_> =
        description.version_ids_to_stages.iter().map(|(id, stages)| (id.as_str().to_owned(), labels(stages))).collect();
    assert_eq!(shown, [(token("v2"), vec!["AWSPREVIOUS"]), (token("v3"), vec!["AWSCURRENT"])]);
    // Without a label, but there.
    let first = world.get_version("s", Some(&token("v1")), None).await.unwrap();
    assert_eq!((string(&first.value), first.version_stages.len()), ("one", 0));
}

#[tokio::test]
async fn versions_that_are_not_there_are_named() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    let unknown = token("v9");
    let by_id = format!("Secrets Manager can't find the specified secret value for VersionId: {unknown}");
    let by_stage = "Secrets Manager can't find the specified secret value for staging label: green";
    let mismatch = "You provided a VersionStage that is not associated to the provided VersionId.";
    let v1 = token("v1");
    let cases = [
        (None, Some("green"), is(ErrorCode::ResourceNotFound, by_stage)),
        (Some(unknown.as_str()), None, is(ErrorCode::ResourceNotFound, &by_id)),
        (Some(unknown.as_str()), Some("AWSCURRENT"), is(ErrorCode::ResourceNotFound, &by_id)),
        (Some(v1.as_str()), Some("AWSCURRENT"), is(ErrorCode::InvalidRequest, mismatch)),
        (Some(v1.as_str()), Some("green"), is(ErrorCode::InvalidRequest, mismatch)),
    ];
    for (version, stage, expected) in cases {
        assert_eq!(refused(world.get_version("s", version, stage).await), expected, "{version:?} {stage:?}");
    }
}

#[tokio::test]
async fn the_same_token_creates_once() {
    let world = World::new();
    let first = world.create("s", Some("one")).await.unwrap();
    let again = world.create("s", Some("one")).await.unwrap();
    assert_eq!((&again.arn, &again.version_id), (&first.arn, &first.version_id));

    let in_use = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {}.",
        token("first"),
        first.arn
    );
    assert_eq!(refused(world.create("s", Some("two")).await), is(ErrorCode::ResourceExists, &in_use));
    let exists = "The operation failed because the secret s already exists.";
    let other = world.create_with("s", &token("other"), Some("one")).await;
    assert_eq!(refused(other), is(ErrorCode::ResourceExists, exists));
}

#[tokio::test]
async fn the_same_token_puts_once() {
    let world = World::new();
    let arn = world.create("s", Some("one")).await.unwrap().arn;
    world.put("s", &token("v2"), "two", &["blue"]).await.unwrap();
    let before = world.describe("s").await.unwrap().last_changed_date;
    let again = world.put("s", &token("v2"), "two", &["green"]).await.unwrap();
    assert_eq!(labels(&again.version_stages), ["blue"]);
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, before);

    let in_use = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {arn}.",
        token("v2")
    );
    assert_eq!(refused(world.put("s", &token("v2"), "three", &[]).await), is(ErrorCode::ResourceExists, &in_use));
    let as_binary = PutSecretValueInput {
        secret_id: text("s"),
        client_request_token: text(&token("v2")),
        secret_binary: bytes("two"),
        ..PutSecretValueInput::default()
    };
    let as_binary = world.write::<PutSecretValue>(as_binary).await;
    assert_eq!(refused(as_binary), is(ErrorCode::ResourceExists, &in_use));
}

#[tokio::test]
async fn a_put_says_what_is_missing_in_the_order_of_aws() {
    let world = World::new();
    let empty = |id: &str| PutSecretValueInput {
        secret_id: text(id),
        client_request_token: text(&token("t")),
        ..PutSecretValueInput::default()
    };
    assert_eq!(refused(world.write::<PutSecretValue>(empty("s")).await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
    world.create("s", Some("one")).await.unwrap();
    let expected = "You must provide either SecretString or SecretBinary.";
    assert_eq!(refused(world.write::<PutSecretValue>(empty("s")).await), is(ErrorCode::InvalidRequest, expected));
    let without_token = PutSecretValueInput { client_request_token: None, ..empty("missing") };
    assert_eq!(world.write::<PutSecretValue>(without_token).await.unwrap_err().code, ErrorCode::InvalidRequest);
    world.delete("s", None).await.unwrap();
    assert_eq!(refused(world.write::<PutSecretValue>(empty("s")).await), is(ErrorCode::InvalidRequest, MARKED));
}

#[tokio::test]
async fn what_is_missing_is_not_found() {
    let world = World::new();
    let foreign = "arn:aws:secretsmanager:us-east-2:123456789012:secret:s-a1b2c3";
    world.create("s", Some("one")).await.unwrap();
    for id in ["missing", foreign] {
        let expected = is(ErrorCode::ResourceNotFound, NOT_FOUND);
        assert_eq!(refused(world.get(id).await), expected);
        assert_eq!(refused(world.describe(id).await), expected);
        assert_eq!(refused(world.put(id, &token("t"), "v", &[]).await), expected);
        assert_eq!(refused(world.delete(id, None).await), expected);
    }
}

#[tokio::test]
async fn a_scheduled_secret_is_described_and_not_read() {
    let world = World::new();
    let arn = world.create("s", Some("one")).await.unwrap().arn;
    let deleted = world.delete("s", Some(7)).await.unwrap();
    assert_eq!((deleted.arn.as_str(), deleted.name.as_str()), (arn.as_str(), "s"));
    let described = world.describe("s").await.unwrap();
    assert_eq!(described.deleted_date, Some(deleted.deletion_date));
    assert_eq!(deleted.deletion_date.since(described.created_date).as_secs() / 86_400, 7);

    assert_eq!(refused(world.get("s").await), is(ErrorCode::InvalidRequest, MARKED));
    assert_eq!(refused(world.put("s", &token("v2"), "two", &[]).await), is(ErrorCode::InvalidRequest, MARKED));
    let twice = "You tried to perform the operation on a secret that's currently marked deleted.";
    assert_eq!(refused(world.delete("s", None).await), is(ErrorCode::InvalidRequest, twice));
    let taken = "You can't create this secret because a secret with this name is already scheduled for deletion.";
    assert_eq!(refused(world.create("s", Some("one")).await), is(ErrorCode::InvalidRequest, taken));

    world.force_delete("s").await.unwrap();
    assert_eq!(refused(world.describe("s").await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
    let next = world.create("s", Some("one")).await.unwrap();
    assert_ne!(next.arn, arn);
    assert_eq!(refused(world.get(arn.as_str()).await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
}

#[tokio::test]
async fn forced_deletion_of_nothing_succeeds() {
    let world = World::new();
    let deleted = world.force_delete("missing").await.unwrap();
    assert_eq!(deleted.name, "missing");
    assert!(deleted.arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:missing-"));
    assert_eq!(deleted.deletion_date, super::world::START);
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:missing-a1b2c3";
    assert_eq!(world.force_delete(arn).await.unwrap().arn, arn);
    let window = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
    assert_eq!(refused(world.delete("missing", Some(0)).await), is(ErrorCode::InvalidParameter, window));
}

#[tokio::test]
async fn a_description_shows_what_is_there() {
    let world = World::new();
    let input = CreateSecretInput {
        name: text("s"),
        client_request_token: text(&token("t")),
        description: text("what it is for"),
        tags: Some(vec![TagInput { key: text("env"), value: None }]),
        ..CreateSecretInput::default()
    };
    world.write::<CreateSecret>(input).await.unwrap();
    let shown = world.describe("s").await.unwrap();
    assert_eq!(shown.description.as_deref(), Some("what it is for"));
    let tags: Vec<_> = shown.tags.iter().flatten().map(|tag| (tag.key.as_ref(), tag.value.as_ref())).collect();
    assert_eq!(tags, [("env", "")]);
    assert_eq!(shown.created_date, shown.last_changed_date);
    assert_eq!((shown.kms_key_id, shown.last_accessed_date, shown.deleted_date), (None, None, None));

    world.create("bare", None).await.unwrap();
    let shown = world.describe("bare").await.unwrap();
    assert!(shown.tags.is_none() && shown.description.is_none());
}

#[tokio::test]
async fn the_default_key_goes_by_many_names_and_there_is_no_other() {
    let world = World::new();
    let key = "07070707-0707-0707-0707-070707070707";
    let input = |position: usize, key: &str| CreateSecretInput {
        name: Some(format!("s{position}")),
        client_request_token: text(&token("t")),
        kms_key_id: text(key),
        ..CreateSecretInput::default()
    };
    let good = [
        String::new(),
        "alias/aws/secretsmanager".to_owned(),
        "arn:aws:kms:us-east-1:123456789012:alias/aws/secretsmanager".to_owned(),
        key.to_owned(),
        format!("arn:aws:kms:us-east-1:123456789012:key/{key}"),
    ];
    for (position, key) in good.iter().enumerate() {
        let created = world.write::<CreateSecret>(input(position, key)).await.unwrap();
        assert_eq!(world.describe(created.name.as_str()).await.unwrap().kms_key_id, None, "{key}");
    }
    let bad = [
        ("alias/mine", "Alias arn:aws:kms:us-east-1:123456789012:alias/mine is not found."),
        ("mine", "Key 'arn:aws:kms:us-east-1:123456789012:key/mine' does not exist"),
        (
            "arn:aws:kms:us-east-2:123456789012:key/07070707-0707-0707-0707-070707070707",
            "Key 'arn:aws:kms:us-east-2:123456789012:key/07070707-0707-0707-0707-070707070707' does not exist",
        ),
        (
            "arn:aws:kms:us-east-1:123456789012:07070707-0707-0707-0707-070707070707",
            "Key 'arn:aws:kms:us-east-1:123456789012:07070707-0707-0707-0707-070707070707' does not exist",
        ),
    ];
    for (key, message) in bad {
        assert_eq!(
            refused(world.write::<CreateSecret>(input(99, key)).await),
            is(ErrorCode::ResourceNotFound, message)
        );
    }
}

#[tokio::test]
async fn regions_keep_their_secrets_apart() {
    let mut world = World::new();
    world.create("s", Some("here")).await.unwrap();
    world.caller.region = super::world::region("eu-central-1");
    assert_eq!(refused(world.get("s").await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
    world.create("s", Some("there")).await.unwrap();
    assert_eq!(string(&world.get("s").await.unwrap().value), "there");
}
