//! What BatchGetSecretValue promises.

use types::{ErrorCode, limits};

use super::world::World;
use crate::api::{BatchGetSecretValueInput, BatchGetSecretValueOutput, FilterInput};
use crate::secrets::BatchGetSecretValue;

fn of(ids: &[&str]) -> BatchGetSecretValueInput {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    BatchGetSecretValueInput { secret_id_list: Some(ids), ..BatchGetSecretValueInput::default() }
}

fn named(prefix: &str) -> BatchGetSecretValueInput {
    let filter = FilterInput { key: Some("name".to_owned()), values: Some(vec![prefix.to_owned()]) };
    BatchGetSecretValueInput { filters: Some(vec![filter]), ..BatchGetSecretValueInput::default() }
}

fn values(output: &BatchGetSecretValueOutput) -> Vec<(&str, &[u8])> {
    let values = output.secret_values.iter();
    values.map(|got| (got.name.as_str(), got.value.plaintext().expose_secret())).collect()
}

fn errors(output: &BatchGetSecretValueOutput) -> Vec<(&str, ErrorCode)> {
    output.errors.iter().map(|entry| (entry.secret_id.as_str(), entry.error.code)).collect()
}

async fn world() -> World {
    let world = World::new();
    for name in ["prod/a", "prod/b", "test/c"] {
        world.create(name, Some(name)).await.unwrap();
    }
    world.create("prod/empty", None).await.unwrap();
    world.create("prod/gone", Some("gone")).await.unwrap();
    world.delete("prod/gone", None).await.unwrap();
    world
}

#[tokio::test]
async fn each_secret_of_a_list_succeeds_or_fails_alone() {
    let world = world().await;
    let arn = world.describe("prod/b").await.unwrap().arn;
    let ids = ["test/c", arn.as_str(), "nope", "prod/empty", "prod/gone", "not a name", "test/c"];
    let output = world.read::<BatchGetSecretValue>(of(&ids)).await.unwrap();
    assert_eq!(values(&output), [("test/c", &b"test/c"[..]), ("prod/b", &b"prod/b"[..]), ("test/c", &b"test/c"[..])]);
    assert_eq!(
        errors(&output),
        [
            ("nope", ErrorCode::ResourceNotFound),
            ("prod/empty", ErrorCode::ResourceNotFound),
            ("prod/gone", ErrorCode::InvalidRequest),
            ("not a name", ErrorCode::Validation),
        ]
    );
    assert_eq!(output.next_token, None);
    assert!(world.describe("prod/b").await.unwrap().last_accessed_date.is_some());
    assert_eq!(world.describe("prod/a").await.unwrap().last_accessed_date, None);
}

#[tokio::test]
async fn filters_page_through_what_is_live() {
    let world = world().await;
    let mut input = named("prod/");
    input.max_results = Some(1);
    let first = world.read::<BatchGetSecretValue>(input).await.unwrap();
    assert_eq!(values(&first), [("prod/a", &b"prod/a"[..])]);

    let mut input = named("prod/");
    input.next_token = first.next_token;
    assert!(input.next_token.is_some());
    let rest = world.read::<BatchGetSecretValue>(input).await.unwrap();
    assert_eq!(values(&rest), [("prod/b", &b"prod/b"[..])]);
    let empty = world.describe("prod/empty").await.unwrap().arn;
    assert_eq!(errors(&rest), [(empty.as_str(), ErrorCode::ResourceNotFound)]);
    assert_eq!(rest.next_token, None);
}

#[tokio::test]
async fn a_token_of_another_listing_is_refused() {
    let world = world().await;
    let mut input = named("prod/");
    input.max_results = Some(1);
    let token = world.read::<BatchGetSecretValue>(input).await.unwrap().next_token;
    let mut other = named("test/");
    other.next_token = token;
    let refused = world.read::<BatchGetSecretValue>(other).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidNextToken);
}

#[tokio::test]
async fn bad_requests_get_the_texts_of_aws() {
    let world = world().await;
    let either = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
    let both = BatchGetSecretValueInput { filters: named("a").filters, ..of(&["a"]) };
    let paged = BatchGetSecretValueInput { max_results: Some(5), ..of(&["a"]) };
    for (input, message) in [
        (BatchGetSecretValueInput::default(), either),
        (both, either),
        (paged, "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided."),
    ] {
        let refused = world.read::<BatchGetSecretValue>(input).await.unwrap_err();
        assert_eq!((refused.code, refused.message.as_ref()), (ErrorCode::InvalidParameter, message));
    }
    let page = |max_results| BatchGetSecretValueInput { max_results: Some(max_results), ..named("a") };
    let many = vec!["a"; limits::BATCH_SECRETS + 1];
    for input in [of(&[]), of(&many), of(&[""]), page(0), page(21)] {
        assert_eq!(world.read::<BatchGetSecretValue>(input).await.unwrap_err().code, ErrorCode::Validation);
    }
}
