//! What ListSecrets promises.

use types::{ErrorCode, limits};

use super::world::{World, bare_secret, token};
use crate::api::{FilterInput, ListSecretsInput, ListSecretsOutput};
use crate::secrets::ListSecrets;

fn named(prefix: &str) -> Option<Vec<FilterInput>> {
    Some(vec![FilterInput { key: Some("name".to_owned()), values: Some(vec![prefix.to_owned()]) }])
}

fn sorted(sort_by: &str, order: &str) -> ListSecretsInput {
    ListSecretsInput {
        sort_by: Some(sort_by.to_owned()),
        sort_order: Some(order.to_owned()),
        ..ListSecretsInput::default()
    }
}

fn names(output: &ListSecretsOutput) -> Vec<String> {
    output.secrets.iter().map(|secret| secret.name.to_string()).collect()
}

fn copy(input: &ListSecretsInput) -> ListSecretsInput {
    ListSecretsInput {
        max_results: input.max_results,
        next_token: None,
        filters: input.filters.clone(),
        sort_order: input.sort_order.clone(),
        sort_by: input.sort_by.clone(),
        include_planned_deletion: input.include_planned_deletion,
    }
}

/// All pages of a listing, each of at most `size`.
async fn pages(world: &World, input: &ListSecretsInput, size: i64) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListSecretsInput { max_results: Some(size), next_token, ..copy(input) };
        let output = world.read::<ListSecrets>(input).await.unwrap();
        pages.push(names(&output));
        assert!(pages.len() < 100, "the listing does not end");
        next_token = output.next_token;
        if next_token.is_none() {
            return pages;
        }
    }
}

/// `c a e b d`, made in that order and then changed in the order `a b c d e`.
async fn five() -> World {
    let world = World::new();
    for name in ["c", "a", "e", "b", "d"] {
        world.create(name, Some("one")).await.unwrap();
    }
    for name in ["a", "b", "c", "d", "e"] {
        world.put(name, &token("v2"), "two", &[]).await.unwrap();
    }
    world
}

#[tokio::test]
async fn every_order_pages_through_everything_once() {
    let world = five().await;
    let orders = [
        (ListSecretsInput::default(), ["c", "a", "e", "b", "d"]),
        (sorted("created-date", "asc"), ["c", "a", "e", "b", "d"]),
        (sorted("created-date", "desc"), ["d", "b", "e", "a", "c"]),
        (sorted("name", "asc"), ["a", "b", "c", "d", "e"]),
        (sorted("name", "desc"), ["e", "d", "c", "b", "a"]),
        (sorted("last-changed-date", "asc"), ["a", "b", "c", "d", "e"]),
        (sorted("last-changed-date", "desc"), ["e", "d", "c", "b", "a"]),
        // Never read, so all are equal here, and creation decides.
        (sorted("last-accessed-date", "asc"), ["c", "a", "e", "b", "d"]),
        (sorted("last-accessed-date", "desc"), ["d", "b", "e", "a", "c"]),
    ];
    for (input, expected) in orders {
        for size in [1, 2, 3, 5, 6] {
            let pages = pages(&world, &input, size).await;
            let whole = usize::try_from(size).unwrap();
            assert_eq!(pages.concat(), expected, "{input:?} by {size}");
            assert_eq!(pages.len(), expected.len().div_ceil(whole), "{input:?} by {size}");
        }
    }
}

#[tokio::test]
async fn a_listing_goes_on_where_it_was_while_secrets_come_and_go() {
    let world = five().await;
    let by_name = sorted("name", "asc");
    let first = ListSecretsInput { max_results: Some(2), ..copy(&by_name) };
    let first = world.read::<ListSecrets>(first).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    world.force_delete("b").await.unwrap();
    world.force_delete("c").await.unwrap();
    world.create("bb", None).await.unwrap();
    let rest = world.read::<ListSecrets>(ListSecretsInput { next_token: first.next_token, ..by_name }).await.unwrap();
    assert_eq!((names(&rest), rest.next_token), (["bb", "d", "e"].map(str::to_owned).to_vec(), None));
}

#[tokio::test]
async fn a_name_filter_finds_its_prefix_in_every_order() {
    let world = World::new();
    for name in ["prod/b", "proe", "prod", "prod/a", "prod.", "zeta", "prod/zz", "alpha"] {
        world.create(name, None).await.unwrap();
    }
    let cases = [
        ("name", "asc", ["prod/a", "prod/b", "prod/zz"]),
        ("name", "desc", ["prod/zz", "prod/b", "prod/a"]),
        ("created-date", "asc", ["prod/b", "prod/a", "prod/zz"]),
        ("last-changed-date", "desc", ["prod/zz", "prod/a", "prod/b"]),
    ];
    for (sort_by, order, expected) in cases {
        for size in [1, 2, 3, 100] {
            let input = ListSecretsInput { filters: named("prod/"), ..sorted(sort_by, order) };
            assert_eq!(pages(&world, &input, size).await.concat(), expected, "{sort_by} {order} by {size}");
        }
    }
    let nothing = ListSecretsInput { filters: named("not a name"), ..sorted("name", "asc") };
    assert_eq!(pages(&world, &nothing, 10).await, [Vec::<String>::new()]);
}

#[tokio::test]
async fn scheduled_secrets_are_listed_only_when_asked_for() {
    let world = five().await;
    world.delete("a", None).await.unwrap();
    for sort_by in ["name", "created-date", "last-changed-date"] {
        let hidden = sorted(sort_by, "asc");
        assert!(!pages(&world, &hidden, 100).await.concat().contains(&"a".to_owned()), "{sort_by}");
        let shown = ListSecretsInput { include_planned_deletion: Some(true), ..hidden };
        assert!(pages(&world, &shown, 100).await.concat().contains(&"a".to_owned()), "{sort_by}");
    }
}

#[tokio::test]
async fn a_listing_of_nothing_is_empty() {
    let world = World::new();
    let output = world.read::<ListSecrets>(ListSecretsInput::default()).await.unwrap();
    assert!(output.secrets.is_empty() && output.next_token.is_none());
}

#[tokio::test]
async fn a_token_of_another_listing_is_refused() {
    let world = five().await;
    let first = ListSecretsInput { max_results: Some(1), ..ListSecretsInput::default() };
    let next_token = world.read::<ListSecrets>(first).await.unwrap().next_token;
    assert!(next_token.is_some());
    let other = ListSecretsInput { next_token, ..sorted("name", "asc") };
    assert_eq!(world.read::<ListSecrets>(other).await.unwrap_err().code, ErrorCode::InvalidNextToken);
    let made_up = ListSecretsInput { next_token: Some("bm90IGEgdG9rZW4".to_owned()), ..ListSecretsInput::default() };
    assert_eq!(world.read::<ListSecrets>(made_up).await.unwrap_err().code, ErrorCode::InvalidNextToken);
}

#[tokio::test]
async fn one_call_looks_at_a_bounded_number_of_secrets() {
    let world = World::new();
    {
        let mut replication = world.cluster.lock();
        for number in 0..=limits::LIST_SCAN_ENTRIES {
            replication.commit(bare_secret(&format!("s{number:05}"))).unwrap();
        }
    }
    let last = format!("s{:05}", limits::LIST_SCAN_ENTRIES);
    // A filter that only the last one matches and that is no prefix to start from.
    let words = vec![FilterInput { key: Some("all".to_owned()), values: Some(vec![last.clone()]) }];
    for sort_by in ["created-date", "name"] {
        let input = ListSecretsInput { filters: Some(words.clone()), ..sorted(sort_by, "asc") };
        assert_eq!(pages(&world, &input, 100).await, [vec![], vec![last.clone()]], "{sort_by}");
    }
    // In no order does it take more looks to find what has a prefix than there are such names.
    for sort_by in ["name", "created-date", "last-changed-date", "last-accessed-date"] {
        for order in ["asc", "desc"] {
            let by_prefix = ListSecretsInput { filters: named(&last), ..sorted(sort_by, order) };
            assert_eq!(pages(&world, &by_prefix, 100).await, [vec![last.clone()]], "{sort_by} {order}");
            let by_four_digits = ListSecretsInput { filters: named("s0999"), ..sorted(sort_by, order) };
            let pages = pages(&world, &by_four_digits, 4).await;
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2], "{sort_by} {order}");
            let mut found = pages.concat();
            if order == "desc" {
                found.reverse();
            }
            assert_eq!(found, (9_990..10_000).map(|number| format!("s{number:05}")).collect::<Vec<_>>());
        }
    }
    // A prefix of them all is walked in the order of creation.
    let mut broad = words.clone();
    broad.extend(named("s").unwrap());
    let by_broad_prefix = ListSecretsInput { filters: Some(broad), ..sorted("created-date", "asc") };
    assert_eq!(pages(&world, &by_broad_prefix, 100).await, [vec![], vec![last.clone()]]);
    let by_change = ListSecretsInput { filters: Some(words), ..sorted("last-changed-date", "asc") };
    assert_eq!(pages(&world, &by_change, 100).await, [vec![last]]);
}
