//! Whatever members say, a request is answered or refused, and the same one always the same.

use proptest::prelude::*;

use super::world::{World, text, token};
use crate::api::{FilterInput, GetSecretValueInput, ListSecretsInput};
use crate::secrets::{GetSecretValue, ListSecrets};

fn word() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![
            "",
            "s",
            "!",
            "!s",
            "AWSCURRENT",
            "name",
            "all",
            "tag-key",
            "asc",
            "desc",
            "arn:",
            "arn:aws:secretsmanager:",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdE\u{e9}",
            "created-date",
            "-AbCdEf",
            "\u{0}",
            "\u{1f600}",
        ])
        .prop_map(text),
        ("[a-z:!-]{0,6}", any::<String>()).prop_map(|(start, end)| Some(start + &end)),
        (0..3_000_usize).prop_map(|length| Some("\u{e9}".repeat(length))),
        Just(text(&token("first"))),
    ]
}

fn filter() -> impl Strategy<Value = FilterInput> {
    (word(), prop::option::of(prop::collection::vec(word().prop_map(Option::unwrap_or_default), 0..12)))
        .prop_map(|(key, values)| FilterInput { key, values })
}

fn listing() -> impl Strategy<Value = ListSecretsInput> {
    let filters = prop::option::of(prop::collection::vec(filter(), 0..12));
    (any::<Option<i64>>(), word(), filters, word(), word(), any::<Option<bool>>()).prop_map(
        |(max_results, next_token, filters, sort_order, sort_by, include_planned_deletion)| ListSecretsInput {
            max_results,
            next_token,
            filters,
            sort_order,
            sort_by,
            include_planned_deletion,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_members_panic(id in word(), token_of in word(), label in word(), value in word(), listing in listing()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            world.create("s", Some("one")).await.unwrap();
            let get = GetSecretValueInput { secret_id: id.clone(), version_id: token_of.clone(), version_stage: label.clone() };
            let _answered = world.read::<GetSecretValue>(get).await;
            let _answered = world.read::<ListSecrets>(listing).await;
            let (id, token_of) = (id.unwrap_or_default(), token_of.unwrap_or_default());
            let label = label.unwrap_or_default();
            let _answered = world.create_with(&id, &token_of, value.as_deref()).await;
            let _answered = world.put(&id, &token_of, &value.unwrap_or_default(), &[&label]).await;
            let _answered = world.describe(&id).await;
            let _answered = world.delete(&id, Some(7)).await;
            assert!(world.get("s").await.is_ok() || id.contains('s'));
        });
    }
}
