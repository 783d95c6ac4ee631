//! What UpdateSecretVersionStage and ListSecretVersionIds promise.

use types::{ApiError, ErrorCode, StagingLabel};

use super::world::{World, text, token};
use crate::api::{
    ListSecretVersionIdsInput, ListSecretVersionIdsOutput, SecretOutput, SecretValue, UpdateSecretVersionStageInput,
};
use crate::secrets::{ListSecretVersionIds, UpdateSecretVersionStage};

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn versions(id: &str) -> ListSecretVersionIdsInput {
    ListSecretVersionIdsInput { secret_id: text(id), ..ListSecretVersionIdsInput::default() }
}

/// Each version's token up to its first hyphen, with its labels.
fn shown(output: &ListSecretVersionIdsOutput) -> Vec<String> {
    let version = |id: &str, stages: &[StagingLabel]| {
        let stages: Vec<_> = stages.iter().map(StagingLabel::as_str).collect();
        format!("{}:{}", id.split('-').next().unwrap(), stages.join("+"))
    };
    output.versions.iter().map(|entry| version(entry.version_id.as_str(), &entry.version_stages)).collect()
}

impl World {
    async fn move_stage(&self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<SecretOutput, ApiError> {
        let input = UpdateSecretVersionStageInput {
            secret_id: text("s"),
            version_stage: text(label),
            remove_from_version_id: from.map(token),
            move_to_version_id: to.map(token),
        };
        self.write::<UpdateSecretVersionStage>(input).await
    }

    async fn versions(&self, input: ListSecretVersionIdsInput) -> Result<ListSecretVersionIdsOutput, ApiError> {
        self.read::<ListSecretVersionIds>(input).await
    }

    async fn all(&self) -> Vec<String> {
        let all = ListSecretVersionIdsInput { include_deprecated: Some(true), ..versions("s") };
        shown(&self.versions(all).await.unwrap())
    }
}

/// `v1` to `v4`, put one after the other.
async fn four() -> World {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    for (version, value) in [("v2", "two"), ("v3", "three"), ("v4", "four")] {
        world.put("s", &token(version), value, &[]).await.unwrap();
    }
    world
}

#[tokio::test]
async fn versions_are_listed_in_the_order_of_creation_and_deprecated_ones_on_request() {
    let world = four().await;
    let listed = world.versions(versions("s")).await.unwrap();
    assert_eq!((listed.name.as_str(), listed.next_token.as_deref()), ("s", None));
    assert_eq!(shown(&listed), ["v3:AWSPREVIOUS", "v4:AWSCURRENT"]);
    assert_eq!(world.all().await, ["v1:", "v2:", "v3:AWSPREVIOUS", "v4:AWSCURRENT"]);
    for entry in &listed.versions {
        assert_eq!(
            (&entry.kms_key_ids[..], entry.last_accessed_date),
            (&["DefaultEncryptionKey".to_owned()][..], None)
        );
    }
    assert!(listed.versions[0].created_date < listed.versions[1].created_date);
}

#[tokio::test]
async fn pages_hold_every_version_once() {
    let world = four().await;
    for (include_deprecated, expected) in [(false, 2_usize), (true, 4)] {
        for size in 1..=5 {
            let mut seen = Vec::new();
            let mut pages = 0;
            let mut next_token = None;
            loop {
                let input = ListSecretVersionIdsInput {
                    max_results: Some(size),
                    include_deprecated: Some(include_deprecated),
                    next_token,
                    ..versions("s")
                };
                let page = world.versions(input).await.unwrap();
                seen.extend(shown(&page));
                pages += 1;
                next_token = page.next_token;
                if next_token.is_none() {
                    break;
                }
            }
            let whole = usize::try_from(size).unwrap();
            assert_eq!((seen.len(), pages), (expected, expected.div_ceil(whole)), "by {size}");
            assert!(seen.is_sorted(), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn a_token_of_another_listing_of_versions_is_refused() {
    let world = four().await;
    world.create("other", Some("x")).await.unwrap();
    let first = ListSecretVersionIdsInput { max_results: Some(1), ..versions("s") };
    let next_token = world.versions(first).await.unwrap().next_token;
    assert!(next_token.is_some());
    let others = [
        ListSecretVersionIdsInput { next_token: next_token.clone(), ..versions("other") },
        ListSecretVersionIdsInput { next_token: next_token.clone(), include_deprecated: Some(true), ..versions("s") },
        ListSecretVersionIdsInput { next_token: text("bm90IGEgdG9rZW4"), ..versions("s") },
    ];
    for other in others {
        assert_eq!(world.versions(other).await.unwrap_err().code, ErrorCode::InvalidNextToken);
    }
    world.force_delete("s").await.unwrap();
    world.create("s", Some("anew")).await.unwrap();
    let stale = ListSecretVersionIdsInput { next_token, ..versions("s") };
    assert_eq!(world.versions(stale).await.unwrap_err().code, ErrorCode::InvalidNextToken);
}

#[tokio::test]
async fn versions_of_an_empty_a_scheduled_and_a_missing_secret() {
    let world = World::new();
    world.create("s", None).await.unwrap();
    assert!(world.versions(versions("s")).await.unwrap().versions.is_empty());
    world.put("s", &token("v1"), "one", &[]).await.unwrap();
    world.delete("s", None).await.unwrap();
    assert_eq!(shown(&world.versions(versions("s")).await.unwrap()), ["v1:AWSCURRENT"]);
    let missing = world.versions(versions("missing")).await;
    assert_eq!(refused(missing), (ErrorCode::ResourceNotFound, NOT_FOUND.to_owned()));
}

#[tokio::test]
async fn a_rotation_moves_current_and_a_second_move_takes_it_back() {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    world.put("s", &token("v2"), "two", &["AWSPENDING"]).await.unwrap();
    let before = world.describe("s").await.unwrap().last_changed_date;
    let moved = world.move_stage("AWSCURRENT", Some("v2"), Some("v1")).await.unwrap();
    assert_eq!(moved.name.as_str(), "s");
    assert_eq!(world.all().await, ["v1:AWSPREVIOUS", "v2:AWSCURRENT+AWSPENDING"]);
    assert!(world.describe("s").await.unwrap().last_changed_date > before);
    let SecretValue::String(value) = world.get("s").await.unwrap().value else { panic!("not a string") };
    assert_eq!(value.expose_secret(), b"two");

    world.move_stage("AWSPENDING", None, Some("v2")).await.unwrap();
    world.move_stage("AWSCURRENT", Some("v1"), Some("v2")).await.unwrap();
    assert_eq!(world.all().await, ["v1:AWSCURRENT", "v2:AWSPREVIOUS"]);
}

#[tokio::test]
async fn moves_that_aws_refuses_are_refused_in_its_words() {
    let world = four().await;
    let before = world.describe("s").await.unwrap();
    let (v3, v4, v9) = (token("v3"), token("v4"), token("v9"));
    let cases = [
        (
            ("AWSCURRENT", Some("v3"), None),
            format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to \
                 version {v4}, so you must explicitly reference that version in RemoveFromVersionId."
            ),
        ),
        (
            ("AWSCURRENT", Some("v3"), Some("v2")),
            "When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set to the version \
             that currently has the staging label AWSCURRENT."
                .to_owned(),
        ),
        (("blue", None, Some("v3")), format!("Version stage blue not found in version {v3}")),
        (("AWSCURRENT", Some("v9"), Some("v4")), format!("Not a valid version: {v9}")),
        (
            ("AWSCURRENT", None, None),
            "You must specify MoveToVersionId, RemoveFromVersionId, or both of them.".to_owned(),
        ),
    ];
    for ((label, to, from), message) in cases {
        assert_eq!(refused(world.move_stage(label, to, from).await), (ErrorCode::InvalidParameter, message));
    }
    let detached = world.move_stage("AWSCURRENT", None, Some("v4")).await;
    assert_eq!(detached.unwrap_err().code, ErrorCode::InvalidParameter);
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, before.last_changed_date);

    world.delete("s", None).await.unwrap();
    let scheduled = world.move_stage("blue", Some("v3"), None).await;
    assert_eq!(refused(scheduled), (ErrorCode::InvalidRequest, MARKED.to_owned()));
    world.force_delete("s").await.unwrap();
    let missing = world.move_stage("blue", Some("v3"), None).await;
    assert_eq!(refused(missing), (ErrorCode::ResourceNotFound, NOT_FOUND.to_owned()));
}
