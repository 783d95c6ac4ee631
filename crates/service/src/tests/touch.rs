//! What LastAccessedDate promises.

use futures_util::future::join_all;
use types::{ErrorCode, Timestamp, limits};

use super::world::{World, day, text, token};
use crate::api::{ListSecretVersionIdsInput, ListSecretsInput};
use crate::secrets::{ListSecretVersionIds, ListSecrets};

impl World {
    fn proposals(&self) -> usize {
        self.cluster.lock().proposals
    }

    async fn date(&self, id: &str) -> Option<Timestamp> {
        self.describe(id).await.unwrap().last_accessed_date
    }

    /// The dates of all versions of `s`.
    async fn version_dates(&self) -> Vec<Option<Timestamp>> {
        let input = ListSecretVersionIdsInput {
            secret_id: text("s"),
            include_deprecated: Some(true),
            ..ListSecretVersionIdsInput::default()
        };
        let listed = self.read::<ListSecretVersionIds>(input).await.unwrap();
        listed.versions.iter().map(|version| version.last_accessed_date).collect()
    }
}

/// `s`, with `v1` behind `v2`.
async fn two_versions() -> World {
    let world = World::new();
    world.create_with("s", &token("v1"), Some("one")).await.unwrap();
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    world
}

#[tokio::test]
async fn the_first_read_of_a_day_is_dated_and_the_others_cost_nothing() {
    let world = two_versions().await;
    let changed = world.describe("s").await.unwrap().last_changed_date;
    assert_eq!((world.date("s").await, world.version_dates().await), (None, vec![None, None]));
    let before = world.proposals();
    for today in [0, 1, 7] {
        for _ in 0..3 {
            world.get("s").await.unwrap();
        }
        assert_eq!(
            (world.date("s").await, world.version_dates().await),
            (Some(day(today)), vec![None, Some(day(today))])
        );
        world.pass_days(if today == 0 { 1 } else { 6 });
    }
    assert_eq!(world.proposals() - before, 3);
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, changed);
}

#[tokio::test]
async fn each_version_has_a_date_of_its_own() {
    let world = two_versions().await;
    world.get_version("s", Some(&token("v1")), None).await.unwrap();
    assert_eq!((world.date("s").await, world.version_dates().await), (Some(day(0)), vec![Some(day(0)), None]));
    world.pass_days(1);
    world.get_version("s", None, Some("AWSCURRENT")).await.unwrap();
    assert_eq!((world.date("s").await, world.version_dates().await), (Some(day(1)), vec![Some(day(0)), Some(day(1))]));
}

#[tokio::test]
async fn only_a_value_that_was_read_counts() {
    let world = two_versions().await;
    world.get_version("s", Some(&token("v3")), None).await.unwrap_err();
    world.get_version("s", None, Some("AWSPENDING")).await.unwrap_err();
    world.describe("s").await.unwrap();
    world.read::<ListSecrets>(ListSecretsInput::default()).await.unwrap();
    world.delete("s", None).await.unwrap();
    world.get("s").await.unwrap_err();
    assert_eq!((world.date("s").await, world.version_dates().await), (None, vec![None, None]));
}

#[tokio::test]
async fn a_read_is_answered_without_a_quorum_and_without_an_answer() {
    let world = two_versions().await;
    world.before_next_proposal(|replication| replication.lose_quorum());
    world.get("s").await.unwrap();
    assert_eq!(world.get("s").await.unwrap_err().code, ErrorCode::ServiceUnavailable);

    let world = two_versions().await;
    let held = world.cluster.hold_proposals().await;
    world.get("s").await.unwrap();
    assert_eq!(world.date("s").await, None);
    drop(held);
    // The same round is still under way, or a new one is made.
    world.get("s").await.unwrap();
    assert_eq!(world.date("s").await, Some(day(0)));
}

#[tokio::test]
async fn reads_that_wait_share_one_command_of_a_bounded_size() {
    let world = World::new();
    let names: Vec<String> = (0..limits::TOUCHES_PER_COMMAND + 3).map(|number| format!("s{number}")).collect();
    for name in &names {
        world.create(name, Some("v")).await.unwrap();
    }
    let before = world.proposals();
    // The first one makes the first round, and all others want to be in the second.
    join_all(names.iter().flat_map(|name| [world.get(name), world.get(name)])).await.into_iter().for_each(|got| {
        got.unwrap();
    });
    assert_eq!(world.proposals() - before, 2);
    let state = world.state();
    let (_, index) = state.namespaces().next().unwrap();
    let dated = index.by_creation.iter().filter(|uid| state.secret(**uid).unwrap().last_accessed.is_some()).count();
    assert_eq!(dated, limits::TOUCHES_PER_COMMAND + 1);
}

#[tokio::test]
async fn a_clock_that_is_ahead_dates_nothing_in_the_future() {
    let world = two_versions().await;
    world.pass_days_here(400);
    for _ in 0..2 {
        world.get("s").await.unwrap();
        assert_eq!(world.date("s").await, Some(day(0)));
    }
}

#[tokio::test]
async fn secrets_are_listed_in_the_order_of_their_last_reads() {
    let world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.create(name, Some("v")).await.unwrap();
    }
    for name in ["c", "a", "d"] {
        world.get(name).await.unwrap();
        world.pass_days(1);
    }
    for (order, expected) in [("asc", ["b", "c", "a", "d"]), ("desc", ["d", "a", "c", "b"])] {
        let mut names = Vec::new();
        let mut next_token = None;
        loop {
            let input = ListSecretsInput {
                max_results: Some(1),
                next_token,
                sort_by: text("last-accessed-date"),
                sort_order: text(order),
                ..ListSecretsInput::default()
            };
            let page = world.read::<ListSecrets>(input).await.unwrap();
            names.extend(page.secrets.iter().map(|secret| secret.name.to_string()));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        assert_eq!(names, expected, "{order}");
    }
}
