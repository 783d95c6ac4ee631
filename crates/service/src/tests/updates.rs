//! What the operations that change a secret's metadata promise.

use std::collections::BTreeSet;

use types::{ApiError, ErrorCode, limits};

use super::world::{World, bytes, text, token};
use crate::api::{
    GetRandomPasswordInput, RestoreSecretInput, SecretOutput, SecretValue, TagInput, TagResourceInput,
    UntagResourceInput, UpdateSecretInput, UpdateSecretOutput,
};
use crate::secrets::{GetRandomPassword, RestoreSecret, TagResource, UntagResource, UpdateSecret};

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn is(code: ErrorCode, message: &str) -> (ErrorCode, String) {
    (code, message.to_owned())
}

fn update(id: &str, token_start: &str) -> UpdateSecretInput {
    UpdateSecretInput {
        secret_id: text(id),
        client_request_token: text(&token(token_start)),
        ..UpdateSecretInput::default()
    }
}

fn string(value: &SecretValue) -> &str {
    let SecretValue::String(value) = value else { panic!("not a string") };
    std::str::from_utf8(value.expose_secret()).unwrap()
}

impl World {
    async fn update(&self, input: UpdateSecretInput) -> Result<UpdateSecretOutput, ApiError> {
        self.write::<UpdateSecret>(input).await
    }

    async fn restore(&self, id: &str) -> Result<SecretOutput, ApiError> {
        self.write::<RestoreSecret>(RestoreSecretInput { secret_id: text(id) }).await
    }

    async fn tag(&self, id: &str, tags: &[(&str, Option<&str>)]) -> Result<(), ApiError> {
        let tags = tags.iter().map(|(key, value)| TagInput { key: text(key), value: value.and_then(text) });
        self.write::<TagResource>(TagResourceInput { secret_id: text(id), tags: Some(tags.collect()) }).await
    }

    async fn untag(&self, id: &str, keys: &[&str]) -> Result<(), ApiError> {
        let tag_keys = Some(keys.iter().map(|&key| key.to_owned()).collect());
        self.write::<UntagResource>(UntagResourceInput { secret_id: text(id), tag_keys }).await
    }

    /// The tags in order; `None` if the secret was never tagged.
    async fn tags(&self, id: &str) -> Option<String> {
        let tags = self.describe(id).await.unwrap().tags?;
        Some(tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect::<Vec<_>>().join(" "))
    }
}

#[tokio::test]
async fn an_update_of_metadata_makes_no_version_and_has_a_later_date() {
    let world = World::new();
    let arn = world.create("s", Some("one")).await.unwrap().arn;
    let before = world.describe("s").await.unwrap();
    let input = UpdateSecretInput { description: text("what it is for"), ..update("s", "u1") };
    let updated = world.update(input).await.unwrap();
    assert_eq!((updated.arn, updated.name.as_str(), updated.version_id), (arn, "s", None));
    let after = world.describe("s").await.unwrap();
    assert_eq!(after.description.as_deref(), Some("what it is for"));
    assert_eq!(after.version_ids_to_stages, before.version_ids_to_stages);
    assert!(after.last_changed_date > before.last_changed_date);

    world.update(update("s", "u2")).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().description.as_deref(), Some("what it is for"));
    world.update(UpdateSecretInput { description: text(""), ..update("s", "u3") }).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().description, None);
}

#[tokio::test]
async fn an_update_with_a_value_is_a_new_current_version() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    let two = || UpdateSecretInput { secret_string: bytes("two"), description: text("d"), ..update("s", "v2") };
    let updated = world.update(two()).await.unwrap();
    assert_eq!(updated.version_id.unwrap().as_str(), token("v2"));
    assert_eq!(string(&world.get("s").await.unwrap().value), "two");
    assert_eq!(string(&world.get_version("s", None, Some("AWSPREVIOUS")).await.unwrap().value), "one");
    assert_eq!(world.describe("s").await.unwrap().description.as_deref(), Some("d"));

    // The same request again is the same version; other content under the token is refused.
    let before = world.describe("s").await.unwrap().last_changed_date;
    assert_eq!(world.update(two()).await.unwrap().version_id.unwrap().as_str(), token("v2"));
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, before);
    let other = UpdateSecretInput { secret_string: bytes("three"), ..update("s", "v2") };
    assert_eq!(world.update(other).await.unwrap_err().code, ErrorCode::ResourceExists);
    let as_binary = UpdateSecretInput { secret_binary: bytes("two"), ..update("s", "v2") };
    assert_eq!(world.update(as_binary).await.unwrap_err().code, ErrorCode::ResourceExists);

    // The same value under another token is another version.
    let again = UpdateSecretInput { secret_string: bytes("two"), ..update("s", "v3") };
    assert_eq!(world.update(again).await.unwrap().version_id.unwrap().as_str(), token("v3"));
}

#[tokio::test]
async fn an_update_knows_the_default_key_only() {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    for key in ["", "alias/aws/secretsmanager", "07070707-0707-0707-0707-070707070707"] {
        world.update(UpdateSecretInput { kms_key_id: text(key), ..update("s", "u") }).await.unwrap();
        assert_eq!(world.describe("s").await.unwrap().kms_key_id, None, "{key}");
    }
    let other = UpdateSecretInput { kms_key_id: text("alias/mine"), ..update("s", "u") };
    let expected = "Alias arn:aws:kms:us-east-1:123456789012:alias/mine is not found.";
    assert_eq!(refused(world.update(other).await), is(ErrorCode::ResourceNotFound, expected));
}

#[tokio::test]
async fn an_update_says_what_is_wrong_in_the_order_of_aws() {
    let world = World::new();
    let both = |id: &str| UpdateSecretInput {
        secret_string: bytes("a"),
        secret_binary: bytes("b"),
        kms_key_id: text("alias/mine"),
        ..update(id, "u")
    };
    let without_token = UpdateSecretInput { client_request_token: None, ..both("missing") };
    let no_token = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
    assert_eq!(refused(world.update(without_token).await), is(ErrorCode::InvalidRequest, no_token));
    assert_eq!(refused(world.update(both("missing")).await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
    world.create("s", Some("one")).await.unwrap();
    let two = "You can't specify both a binary secret value and a string secret value in the same secret.";
    assert_eq!(refused(world.update(both("s")).await), is(ErrorCode::InvalidParameter, two));
    world.delete("s", None).await.unwrap();
    assert_eq!(refused(world.update(both("s")).await), is(ErrorCode::InvalidRequest, MARKED));
}

#[tokio::test]
async fn an_update_is_planned_again_when_its_secret_is_made_anew() {
    let world = World::new();
    let old = world.create("s", Some("one")).await.unwrap().arn;
    world.before_next_proposal(move |replication| {
        let delete = state::DeleteSecret { target: old, mode: state::DeleteMode::Force };
        replication.commit(state::Command::DeleteSecret(delete)).unwrap();
        replication.commit(super::world::bare_secret("s")).unwrap();
    });
    let input = UpdateSecretInput { secret_string: bytes("two"), ..update("s", "v2") };
    let updated = world.update(input).await.unwrap();
    assert!(updated.arn.as_str().ends_with("-OTHER1"), "{}", updated.arn);
    // Sealed for the secret that it went into.
    assert_eq!(string(&world.get("s").await.unwrap().value), "two");
}

#[tokio::test]
async fn a_restored_secret_serves_again() {
    let world = World::new();
    let arn = world.create("s", Some("one")).await.unwrap().arn;
    world.tag("s", &[("env", Some("p"))]).await.unwrap();
    world.delete("s", Some(7)).await.unwrap();
    let scheduled = world.describe("s").await.unwrap();
    assert!(scheduled.deleted_date.is_some());
    let restored = world.restore("s").await.unwrap();
    assert_eq!((restored.arn, restored.name.as_str()), (arn, "s"));
    assert_eq!(string(&world.get("s").await.unwrap().value), "one");
    let after = world.describe("s").await.unwrap();
    assert_eq!((after.deleted_date, world.tags("s").await.as_deref()), (None, Some("env=p")));
    assert!(after.last_changed_date > scheduled.last_changed_date);

    world.restore("s").await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, after.last_changed_date);
    world.force_delete("s").await.unwrap();
    assert_eq!(refused(world.restore("s").await), is(ErrorCode::ResourceNotFound, NOT_FOUND));
}

#[tokio::test]
async fn tags_are_set_by_key_and_keep_their_order() {
    let world = World::new();
    let arn = world.create("s", None).await.unwrap().arn;
    assert_eq!(world.tags("s").await, None);
    world.tag("s", &[("b", Some("1")), ("a", None)]).await.unwrap();
    // By every form of the id.
    let partial = &arn.as_str()[..arn.as_str().len() - 7];
    world.tag(arn.as_str(), &[("c", Some("3")), ("b", Some("2"))]).await.unwrap();
    world.tag(partial, &[("B", Some("4"))]).await.unwrap();
    assert_eq!(world.tags("s").await.as_deref(), Some("b=2 a= c=3 B=4"));
    world.untag("s", &["a", "nothing", "a"]).await.unwrap();
    assert_eq!(world.tags("s").await.as_deref(), Some("b=2 c=3 B=4"));
    world.untag("s", &["b", "c", "B"]).await.unwrap();
    assert_eq!(world.tags("s").await.as_deref(), Some(""));
}

#[tokio::test]
async fn tags_keep_to_their_rules() {
    let world = World::new();
    world.create("s", None).await.unwrap();
    assert_eq!(world.tag("s", &[("aws:x", None)]).await.unwrap_err().code, ErrorCode::InvalidParameter);
    assert_eq!(world.tag("s", &[("x", None), ("x", None)]).await.unwrap_err().code, ErrorCode::InvalidParameter);
    assert_eq!(world.tags("s").await, None);
    let keys: Vec<String> = (0..=limits::TAGS_PER_SECRET).map(|n| format!("k{n}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), None)).collect();
    assert_eq!(world.tag("s", &all).await.unwrap_err().code, ErrorCode::InvalidParameter);
    world.tag("s", &all[..limits::TAGS_PER_SECRET]).await.unwrap();
    assert_eq!(world.tag("s", &all[limits::TAGS_PER_SECRET..]).await.unwrap_err().code, ErrorCode::InvalidParameter);
    world.untag("s", &["k0", "aws:x"]).await.unwrap();
    world.tag("s", &all[limits::TAGS_PER_SECRET..]).await.unwrap();
}

#[tokio::test]
async fn tags_of_a_scheduled_or_missing_secret_are_refused() {
    let world = World::new();
    let missing = is(ErrorCode::ResourceNotFound, NOT_FOUND);
    assert_eq!(refused(world.tag("s", &[("x", None)]).await), missing);
    assert_eq!(refused(world.untag("s", &["x"]).await), missing);
    world.create("s", None).await.unwrap();
    world.delete("s", None).await.unwrap();
    let marked = is(ErrorCode::InvalidRequest, MARKED);
    assert_eq!(refused(world.tag("s", &[("x", None)]).await), marked);
    assert_eq!(refused(world.untag("s", &["x"]).await), marked);
}

#[tokio::test]
async fn a_password_is_made_behind_the_door_and_recorded() {
    let mut world = World::new();
    let proposals = world.cluster.lock().proposals;
    let password = world.read::<GetRandomPassword>(GetRandomPasswordInput::default()).await.unwrap().random_password;
    assert_eq!(password.len(), 32);
    let digits = GetRandomPasswordInput {
        password_length: Some(4_096),
        exclude_punctuation: Some(true),
        exclude_uppercase: Some(true),
        exclude_lowercase: Some(true),
        ..GetRandomPasswordInput::default()
    };
    let password = world.read::<GetRandomPassword>(digits).await.unwrap().random_password;
    assert_eq!(password.expose_secret().iter().collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(world.cluster.lock().proposals, proposals);

    let seen = world.seen();
    assert!(seen.iter().all(|record| record.operation == "secretsmanager:GetRandomPassword" && record.decided));
    world.caller = super::world::caller(crate::caller::Credential::Certificate("urn:nobody".to_owned()), "us-east-1");
    let refused = world.read::<GetRandomPassword>(GetRandomPasswordInput::default()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnrecognizedClient);
}
