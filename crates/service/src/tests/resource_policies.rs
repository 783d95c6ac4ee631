//! What the operations on policies of secrets promise.

use proptest::prelude::*;
use state::Command;
use types::{ApiError, ErrorCode, SecretArn, limits};

use super::world::{World, text, token};
use crate::api::{
    DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput, ListResourcePoliciesInput,
    PolicyFinding, PutResourcePolicyInput, ResourcePolicyOutput, RestoreSecretInput, ValidateResourcePolicyInput,
};
use crate::secrets::{
    DeleteResourcePolicy, GetResourcePolicy, ListResourcePolicies, PutResourcePolicy, RestoreSecret,
    ValidateResourcePolicy,
};

/// Written as nobody would write it twice.
const NARROW: &str = "{ \"Version\":\"2012-10-17\",\"Id\":\"ä\",\n\t\"Statement\": {\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\
                      \"arn:aws:iam::123456789012:role/app\"},\"Action\":\"secretsmanager:Get*\",\"Resource\":\"*\"}}\n";
const BROAD: &str = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// It denies root what it may do anyway.
const DENIES_ALL: &str = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn put_input(id: &str, policy: &str) -> PutResourcePolicyInput {
    PutResourcePolicyInput { secret_id: text(id), resource_policy: text(policy), ..Default::default() }
}

fn validate_input(id: Option<&str>, policy: &str) -> ValidateResourcePolicyInput {
    ValidateResourcePolicyInput { secret_id: id.and_then(text), resource_policy: text(policy) }
}

async fn put(world: &World, id: &str, policy: &str) -> Result<ResourcePolicyOutput, ApiError> {
    world.write::<PutResourcePolicy>(put_input(id, policy)).await
}

async fn get(world: &World, id: &str) -> Result<GetResourcePolicyOutput, ApiError> {
    world.read::<GetResourcePolicy>(GetResourcePolicyInput { secret_id: text(id), policy_name: None }).await
}

async fn delete(world: &World, id: &str) -> Result<ResourcePolicyOutput, ApiError> {
    world.write::<DeleteResourcePolicy>(DeleteResourcePolicyInput { secret_id: text(id), policy_name: None }).await
}

async fn validate(world: &World, id: Option<&str>, policy: &str) -> Result<Vec<PolicyFinding>, ApiError> {
    world.read::<ValidateResourcePolicy>(validate_input(id, policy)).await.map(|output| output.validation_errors)
}

async fn list(world: &World, id: &str) -> Result<Vec<&'static str>, ApiError> {
    let input = ListResourcePoliciesInput { secret_id: text(id), ..Default::default() };
    world.read::<ListResourcePolicies>(input).await.map(|output| output.policy_names)
}

/// The policy of `s`.
async fn policy(world: &World) -> Option<String> {
    get(world, "s").await.unwrap().resource_policy.map(|text| text.as_ref().to_owned())
}

async fn world() -> World {
    let world = World::new();
    world.create("s", Some("one")).await.unwrap();
    world
}

/// The same refusal of all five operations.
async fn refused_by_all(world: &World, id: &str, code: ErrorCode, message: &str) {
    let errors = [
        put(world, id, NARROW).await.map(drop),
        get(world, id).await.map(drop),
        delete(world, id).await.map(drop),
        validate(world, Some(id), NARROW).await.map(drop),
        list(world, id).await.map(drop),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!((error.code, error.message.as_ref()), (code, message), "{id}");
    }
}

#[tokio::test]
async fn a_policy_comes_back_byte_for_byte_until_it_is_replaced_or_deleted() {
    let world = world().await;
    assert_eq!((policy(&world).await, list(&world, "s").await.unwrap()), (None, vec![]));
    let arn = world.describe("s").await.unwrap().arn;
    let mut changed = world.describe("s").await.unwrap().last_changed_date;
    for text in [NARROW, BROAD, DENIES_ALL] {
        let answer = put(&world, "s", text).await.unwrap();
        assert_eq!((&answer.arn, answer.name.as_str()), (&arn, "s"));
        assert_eq!(policy(&world).await.as_deref(), Some(text));
        assert_eq!(list(&world, "s").await.unwrap(), ["default"]);
        let now = world.describe("s").await.unwrap().last_changed_date;
        assert!(now > changed);
        changed = now;
    }
    // By ARN, with and without its suffix, like every other operation.
    let partial = &arn.as_str()[..arn.as_str().len() - 7];
    for id in [arn.as_str(), partial] {
        assert_eq!(get(&world, id).await.unwrap().resource_policy.as_deref(), Some(DENIES_ALL));
    }
    assert_eq!(delete(&world, "s").await.unwrap().arn, arn);
    assert_eq!((policy(&world).await, list(&world, "s").await.unwrap()), (None, vec![]));
    let gone = world.describe("s").await.unwrap().last_changed_date;
    assert!(gone > changed);
    delete(&world, "s").await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().last_changed_date, gone, "there was nothing to delete");
}

#[tokio::test]
async fn the_name_of_the_policy_is_default() {
    let world = world().await;
    let named = |name: &str| PutResourcePolicyInput { policy_name: text(name), ..put_input("s", NARROW) };
    world.write::<PutResourcePolicy>(named("default")).await.unwrap();
    let get = |name: &str| GetResourcePolicyInput { secret_id: text("s"), policy_name: text(name) };
    assert!(world.read::<GetResourcePolicy>(get("default")).await.unwrap().resource_policy.is_some());
    let delete = |name: &str| DeleteResourcePolicyInput { secret_id: text("s"), policy_name: text(name) };

    assert_eq!(world.write::<PutResourcePolicy>(named("Default")).await.unwrap_err().code, ErrorCode::InvalidParameter);
    let refused = world.write::<DeleteResourcePolicy>(delete("other")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidParameter);
    assert_eq!(world.read::<GetResourcePolicy>(get("other")).await.unwrap_err().code, ErrorCode::ResourceNotFound);
    assert_eq!(policy(&world).await.as_deref(), Some(NARROW));
    world.write::<DeleteResourcePolicy>(delete("default")).await.unwrap();
    assert_eq!(policy(&world).await, None);
}

#[tokio::test]
async fn what_is_no_policy_is_refused_in_the_words_of_aws_and_says_where() {
    let world = world().await;
    let principal = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"alice"},"Action":"*","Resource":"*"}}"#;
    let cases = [
        ("not json", "This policy has invalid syntax. What is wrong: expected ident (line 1, column 2)."),
        (
            "{\"Version\":\n\"2020-01-01\"}",
            "This policy has invalid syntax. What is wrong: the Version is neither 2012-10-17 nor 2008-10-17 (line 2, \
             column 13).",
        ),
        ("{}", "This policy has invalid syntax. What is wrong: the policy has no Statement (line 1, column 2)."),
        (principal, "This resource policy contains an unsupported principal \"alice\" (line 1, column 58)."),
    ];
    for (text, message) in cases {
        for error in [
            put(&world, "s", text).await.unwrap_err(),
            validate(&world, None, text).await.unwrap_err(),
            validate(&world, Some("s"), text).await.unwrap_err(),
        ] {
            assert_eq!((error.code, error.message.as_ref()), (ErrorCode::MalformedPolicyDocument, message));
        }
    }
    assert_eq!(policy(&world).await, None);
    // What is wrong with the secret is said first.
    assert_eq!(put(&world, "nobody", "{}").await.unwrap_err().code, ErrorCode::ResourceNotFound);
    assert_eq!(validate(&world, Some("nobody"), "{}").await.unwrap_err().code, ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn a_policy_that_opens_the_secret_to_everybody_is_refused_when_that_is_asked_for() {
    let world = world().await;
    let blocked = |policy| PutResourcePolicyInput { block_public_policy: Some(true), ..put_input("s", policy) };
    let refused = world.write::<PutResourcePolicy>(blocked(BROAD)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PublicPolicy);
    assert_eq!(
        refused.message,
        "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the \
         secret."
    );
    assert_eq!(policy(&world).await, None);
    for narrow in [NARROW, DENIES_ALL] {
        world.write::<PutResourcePolicy>(blocked(narrow)).await.unwrap();
    }
    // It is a question of this one request and no property of the secret.
    put(&world, "s", BROAD).await.unwrap();

    let found = validate(&world, None, BROAD).await.unwrap();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.check_name, "BROAD_ACCESS");
    for (id, policy) in [(None, NARROW), (Some("s"), NARROW), (Some("s"), DENIES_ALL)] {
        assert_eq!(validate(&world, id, policy).await.unwrap(), []);
    }
}

/// The root of the account is limited by no policy, so none can lock it out.
#[tokio::test]
async fn a_policy_that_denies_everything_does_not_lock_root_out() {
    let world = world().await;
    put(&world, "s", DENIES_ALL).await.unwrap();
    assert!(world.get("s").await.is_ok());
    put(&world, "s", NARROW).await.unwrap();
}

#[tokio::test]
async fn members_out_of_bounds_get_the_texts_of_aws() {
    let world = world().await;
    let longest = format!("{NARROW}{}", " ".repeat(limits::RESOURCE_POLICY_CHARS - NARROW.chars().count()));
    put(&world, "s", &longest).await.unwrap();
    assert_eq!(policy(&world).await, Some(longest.clone()));

    let error = put(&world, "s", &format!("{longest} ")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    assert!(
        error.message.ends_with(
            "at 'resourcePolicy' failed to satisfy constraint: Member must have length less than or equal to 20480"
        ),
        "{error}"
    );
    let error = put(&world, "s", "").await.unwrap_err();
    assert!(error.message.contains("Member must have length greater than or equal to 1"), "{error}");
    let error = world.write::<PutResourcePolicy>(PutResourcePolicyInput::default()).await.unwrap_err();
    assert_eq!(
        error.message,
        "2 validation errors detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null; \
         Value null at 'resourcePolicy' failed to satisfy constraint: Member must not be null"
    );
    let named = |name: &str| PutResourcePolicyInput { policy_name: text(name), ..put_input("s", NARROW) };
    let error = world.write::<PutResourcePolicy>(named("a/b")).await.unwrap_err();
    assert_eq!(
        error.message,
        "1 validation error detected: Value 'a/b' at 'policyName' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [0-9A-Za-z\\-\\_]+"
    );
    let long = "n".repeat(limits::POLICY_NAME_CHARS);
    assert_eq!(world.write::<PutResourcePolicy>(named(&long)).await.unwrap_err().code, ErrorCode::InvalidParameter);
    assert_eq!(world.write::<PutResourcePolicy>(named(&(long + "n"))).await.unwrap_err().code, ErrorCode::Validation);

    for (max_results, next_token, code) in [
        (Some(0), None, ErrorCode::Validation),
        (Some(101), None, ErrorCode::Validation),
        (None, text(""), ErrorCode::Validation),
        (Some(1), text("made up"), ErrorCode::InvalidNextToken),
    ] {
        let input = ListResourcePoliciesInput { secret_id: text("s"), max_results, next_token };
        assert_eq!(world.read::<ListResourcePolicies>(input).await.unwrap_err().code, code);
    }
}

#[tokio::test]
async fn a_policy_outlives_the_deletion_window_and_not_the_secret() {
    let world = world().await;
    put(&world, "s", NARROW).await.unwrap();
    world.delete("s", None).await.unwrap();
    refused_by_all(&world, "s", ErrorCode::InvalidRequest, MARKED).await;
    world.write::<RestoreSecret>(RestoreSecretInput { secret_id: text("s") }).await.unwrap();
    assert_eq!(policy(&world).await.as_deref(), Some(NARROW));

    world.force_delete("s").await.unwrap();
    refused_by_all(&world, "s", ErrorCode::ResourceNotFound, "Secrets Manager can't find the specified secret.").await;
    world.create("s", Some("one")).await.unwrap();
    assert_eq!(policy(&world).await, None);
}

#[tokio::test]
async fn a_name_that_is_none_is_told_so_by_all_operations() {
    let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: \
                   -/_+=.@!";
    refused_by_all(&world().await, "not a name", ErrorCode::Validation, message).await;
}

fn policy_of_another_node(arn: &SecretArn, policy: &str) -> Command {
    Command::PutResourcePolicy(state::PutResourcePolicy { target: arn.clone(), policy: policy.into() })
}

/// Which of the two was refused cannot be seen; that it was decided twice can.
#[tokio::test]
async fn a_write_whose_policy_changes_under_it_is_decided_again() {
    let world = world().await;
    let arn = world.describe("s").await.unwrap().arn;
    let before = world.cluster.lock().proposals;
    let changed = arn.clone();
    world.before_next_proposal(move |cluster| drop(cluster.commit(policy_of_another_node(&changed, NARROW)).unwrap()));
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    assert_eq!(world.cluster.lock().proposals, before + 2);
    assert_eq!(policy(&world).await.as_deref(), Some(NARROW));

    // One that keeps changing is given up, with nothing done.
    for number in 0..limits::DECISIONS_PER_REQUEST {
        let (arn, policy) = (arn.clone(), format!("{NARROW}{}", " ".repeat(number + 1)));
        world.before_next_proposal(move |cluster| drop(cluster.commit(policy_of_another_node(&arn, &policy)).unwrap()));
    }
    let given_up = world.put("s", &token("v3"), "three", &[]).await.unwrap_err();
    assert_eq!(given_up.code, ErrorCode::ServiceUnavailable);
    assert_eq!(world.get("s").await.unwrap().value.plaintext().expose_secret(), b"two");
}

#[tokio::test]
async fn a_node_that_is_behind_answers_nothing_old_about_policies() {
    let world = world().await;
    let arn = world.describe("s").await.unwrap().arn;
    world.lag();
    world.cluster.lock().commit(policy_of_another_node(&arn, NARROW)).unwrap();
    assert_eq!(list(&world, "s").await.unwrap(), ["default"]);
    world.cluster.lock().commit(policy_of_another_node(&arn, BROAD)).unwrap();
    assert_eq!(policy(&world).await.as_deref(), Some(BROAD));
    world.cluster.lock().commit(policy_of_another_node(&arn, NARROW)).unwrap();
    delete(&world, "s").await.unwrap();
    assert_eq!(policy(&world).await, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_policy_panics(start in 0..NARROW.len(), text_of in any::<String>(), id in any::<Option<String>>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = world().await;
            let damaged: String = NARROW.chars().take(start).chain(text_of.chars()).collect();
            let _answered = put(&world, "s", &damaged).await;
            let _answered = validate(&world, id.as_deref(), &damaged).await;
            let _answered = put(&world, id.as_deref().unwrap_or_default(), NARROW).await;
            let kept = policy(&world).await;
            assert!(kept.is_none_or(|kept| kept == damaged || kept == NARROW));
        });
    }
}
