//! RotateSecret and CancelRotateSecret, with a function that can be invoked and without.

use std::sync::Arc;

use state::State;
use types::{ErrorCode, Namespace, Timestamp};

use super::world::{World, day, home, region, text, token};
use crate::api::{
    CancelRotateSecretInput, ExternalRotationItemInput, ListSecretsInput, ReplicaRegionInput,
    ReplicateSecretToRegionsInput, RestoreSecretInput, RotateSecretInput, RotationDescription, RotationOutput,
    RotationRulesDescription, RotationRulesInput, StopReplicationToReplicaInput,
};
use crate::rotation_functions::RotationFunctions;
use crate::secrets::{
    CancelRotateSecret, ListSecrets, ReplicateSecretToRegions, RestoreSecret, RotateSecret, StopReplicationToReplica,
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:known";
const NOT_INVOKED: &str = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy \
                           grants access to the principal secretsmanager.amazonaws.com.";

/// One function, of one namespace.
#[derive(Debug)]
struct One;

impl RotationFunctions for One {
    fn can_invoke(&self, _: &State, namespace: &Namespace, arn: &str) -> bool {
        *namespace == home() && arn == FUNCTION
    }
}

/// A world with the secret `a`, whose value is `v1`, that knows the function.
async fn world() -> World {
    let mut world = World::new();
    world.door.functions = Arc::new(One);
    world.create("a", Some("v1")).await.unwrap();
    world
}

fn days(days: i64) -> RotationRulesInput {
    RotationRulesInput { automatically_after_days: Some(days), ..RotationRulesInput::default() }
}

fn expression(expression: &str, duration: Option<&str>) -> RotationRulesInput {
    RotationRulesInput {
        automatically_after_days: None,
        duration: duration.and_then(text),
        schedule_expression: text(expression),
    }
}

fn input(start: &str, rules: Option<RotationRulesInput>) -> RotateSecretInput {
    RotateSecretInput {
        secret_id: text("a"),
        client_request_token: text(&token(start)),
        rotation_lambda_arn: text(FUNCTION),
        rotation_rules: rules,
        ..RotateSecretInput::default()
    }
}

async fn configure(world: &World, rules: RotationRulesInput) -> RotationOutput {
    let input = RotateSecretInput { rotate_immediately: Some(false), ..input("config", Some(rules)) };
    world.write::<RotateSecret>(input).await.unwrap()
}

async fn rotation(world: &World) -> Option<RotationDescription> {
    world.describe("a").await.unwrap().rotation
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, types::ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

#[tokio::test]
async fn a_function_that_nobody_knows_cannot_be_invoked_and_nothing_changes() {
    // The product has none.
    let world = World::new();
    world.create("a", Some("v1")).await.unwrap();
    let before = world.state();
    let unknown = (ErrorCode::AccessDenied, NOT_INVOKED.to_owned());
    assert_eq!(refused(world.write::<RotateSecret>(input("r", Some(days(30)))).await), unknown);
    let none = RotateSecretInput { rotation_lambda_arn: None, ..input("r", Some(days(30))) };
    let no_function = "No Lambda rotation function ARN is associated with this secret.".to_owned();
    assert_eq!(refused(world.write::<RotateSecret>(none).await), (ErrorCode::InvalidRequest, no_function));
    assert_eq!(rotation(&world).await, None);
    let secret = |state: &State| state.find(&home(), &types::SecretId::parse("a", &home()).unwrap()).cloned();
    assert_eq!(secret(&before), secret(&world.state()));

    let world = self::world().await;
    let other = RotateSecretInput { rotation_lambda_arn: text("arn:other"), ..input("r", None) };
    assert_eq!(refused(world.write::<RotateSecret>(other).await), unknown);
}

#[tokio::test]
async fn a_rotation_goes_from_the_placeholder_to_the_current_version() {
    let world = world().await;
    let begun = world.write::<RotateSecret>(input("r1", Some(days(30)))).await.unwrap();
    let version = token("r1");
    assert_eq!(begun.version_id.as_ref().map(types::VersionId::as_str), Some(version.as_str()));
    let description = world.describe("a").await.unwrap();
    let configured = RotationDescription {
        enabled: true,
        lambda_arn: FUNCTION.to_owned(),
        rules: Some(RotationRulesDescription {
            automatically_after_days: 30,
            duration: None,
            schedule_expression: None,
        }),
        last_rotated_date: None,
        next_rotation_date: Some(Timestamp::from_millis(day(31).as_millis() - 1_000)),
    };
    assert_eq!(description.rotation, Some(configured.clone()));
    assert_eq!(description.version_ids_to_stages.len(), 2);

    // Rotation functions depend on these.
    let missing = refused(world.get_version("a", Some(&version), Some("AWSPENDING")).await);
    assert_eq!(missing.0, ErrorCode::ResourceNotFound);
    assert_eq!(world.get("a").await.unwrap().version_id.as_str(), token("first"));

    let again = world.write::<RotateSecret>(input("r1", Some(days(30)))).await.unwrap();
    assert_eq!(again.version_id, begun.version_id);
    let busy = "A previous rotation isn't complete. That rotation will be reattempted.".to_owned();
    let other = world.write::<RotateSecret>(input("r2", Some(days(7)))).await;
    assert_eq!(refused(other), (ErrorCode::InvalidRequest, busy));
    assert_eq!(rotation(&world).await, Some(configured.clone()));

    let put = world.put("a", &version, "v2", &["AWSPENDING"]).await.unwrap();
    assert_eq!(put.version_stages, [types::StagingLabel::Pending]);
    world.pass_days(2);
    let moved = crate::api::UpdateSecretVersionStageInput {
        secret_id: text("a"),
        version_stage: text("AWSCURRENT"),
        move_to_version_id: text(&version),
        remove_from_version_id: text(&token("first")),
    };
    world.write::<crate::secrets::UpdateSecretVersionStage>(moved).await.unwrap();
    let ended = rotation(&world).await.unwrap();
    assert_eq!(ended.last_rotated_date.map(Timestamp::start_of_day), Some(day(2)));
    assert_eq!(ended.next_rotation_date, Some(Timestamp::from_millis(day(33).as_millis() - 1_000)));

    // Function and rules stay.
    let next = RotateSecretInput { rotation_lambda_arn: None, ..input("r2", None) };
    world.write::<RotateSecret>(next).await.unwrap();
    assert_eq!(rotation(&world).await, Some(ended));
}

#[tokio::test]
async fn rules_are_echoed_with_the_days_that_follow_from_them() {
    let world = world().await;
    assert_eq!(configure(&world, expression("rate(10 hours)", Some("2h"))).await.version_id, None);
    let rules = RotationRulesDescription {
        automatically_after_days: 1,
        duration: text("2h"),
        schedule_expression: text("rate(10 hours)"),
    };
    assert_eq!(rotation(&world).await.unwrap().rules, Some(rules));
    let listed = world.read::<ListSecrets>(ListSecretsInput::default()).await.unwrap().secrets;
    assert_eq!(listed[0].rotation, rotation(&world).await);
    // 2024-09-24; a client that sends back what it was shown is told so.
    configure(&world, expression("cron(0 16 1,15 * ? *)", Some("2h"))).await;
    let description = rotation(&world).await.unwrap();
    assert_eq!(description.rules.unwrap().automatically_after_days, 7);
    assert_eq!(
        description.next_rotation_date,
        Some(Timestamp::from_millis(day(7).as_millis() + 18 * 3_600_000 - 1_000))
    );
    let both = RotationRulesInput { automatically_after_days: Some(7), ..expression("rate(7 days)", None) };
    let message = "You cannot specify both rotation frequency and schedule expression together.".to_owned();
    let refusal = refused(world.write::<RotateSecret>(input("r", Some(both))).await);
    assert_eq!(refusal, (ErrorCode::InvalidParameter, message));
}

#[tokio::test]
async fn another_value_moves_the_next_date() {
    let world = world().await;
    configure(&world, days(30)).await;
    world.pass_days(10);
    world.put("a", &token("other"), "v2", &[]).await.unwrap();
    let next = rotation(&world).await.unwrap();
    assert_eq!(next.next_rotation_date, Some(Timestamp::from_millis(day(41).as_millis() - 1_000)));
    assert_eq!(next.last_rotated_date, None);
}

#[tokio::test]
async fn cancelled_and_deleted_secrets_have_no_next_date() {
    let world = world().await;
    let cancel = || CancelRotateSecretInput { secret_id: text("a") };
    assert_eq!(refused(world.write::<CancelRotateSecret>(cancel()).await).0, ErrorCode::InvalidRequest);
    configure(&world, days(30)).await;
    let configured = rotation(&world).await.unwrap();
    world.delete("a", Some(7)).await.unwrap();
    assert_eq!(rotation(&world).await, Some(RotationDescription { next_rotation_date: None, ..configured.clone() }));
    assert_eq!(refused(world.write::<RotateSecret>(input("r", None)).await).0, ErrorCode::InvalidRequest);
    assert_eq!(refused(world.write::<CancelRotateSecret>(cancel()).await).0, ErrorCode::InvalidRequest);
    world.write::<RestoreSecret>(RestoreSecretInput { secret_id: text("a") }).await.unwrap();
    assert_eq!(rotation(&world).await, Some(configured.clone()));

    world.write::<RotateSecret>(input("r", None)).await.unwrap();
    let cancelled = world.write::<CancelRotateSecret>(cancel()).await.unwrap();
    assert_eq!(cancelled.version_id.as_ref().map(types::VersionId::as_str), Some(token("r").as_str()));
    let off = RotationDescription { enabled: false, next_rotation_date: None, last_rotated_date: None, ..configured };
    assert_eq!(rotation(&world).await, Some(off));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_order_of_aws() {
    let world = world().await;
    let rotate = |input| world.write::<RotateSecret>(input);
    let bad_rules = Some(RotationRulesInput {
        automatically_after_days: Some(1_001),
        duration: text("h"),
        schedule_expression: text("rate[1]"),
    });
    let (code, message) = refused(rotate(input("r", bad_rules)).await);
    assert_eq!(code, ErrorCode::Validation);
    assert!(message.starts_with("4 validation errors detected: "), "{message}");
    for path in ["rotationRules.automaticallyAfterDays", "rotationRules.duration", "rotationRules.scheduleExpression"] {
        assert!(message.contains(path), "{message}");
    }
    let external = |key: &str| {
        let item = ExternalRotationItemInput { key: text(key), value: text("v") };
        RotateSecretInput { external_secret_rotation_metadata: Some(vec![item]), ..input("r", None) }
    };
    let (code, message) = refused(rotate(external("")).await);
    assert_eq!(code, ErrorCode::Validation);
    assert!(message.contains("externalSecretRotationMetadata.1.member.key"), "{message}");
    assert_eq!(refused(rotate(external("k")).await).0, ErrorCode::InvalidParameter);
    let role = RotateSecretInput { external_secret_rotation_role_arn: text("short"), ..input("r", None) };
    assert_eq!(refused(rotate(role).await).0, ErrorCode::Validation);

    // The token before existence, existence before what the rules mean.
    let no_token = RotateSecretInput { secret_id: text("b"), client_request_token: None, ..input("r", None) };
    let message = "You must provide a ClientRequestToken value. We recommend a UUID-type value.".to_owned();
    assert_eq!(refused(rotate(no_token).await), (ErrorCode::InvalidParameter, message));
    let unknown = RotateSecretInput { secret_id: text("b"), ..input("r", Some(expression("rate(1 hour)", None))) };
    assert_eq!(refused(rotate(unknown).await).0, ErrorCode::ResourceNotFound);
    for rules in [
        expression("rate(1 hour)", None),
        expression("cron(0 0 * * * *)", None),
        expression("rate(1 day)", Some("0h")),
        RotationRulesInput { duration: text("3h"), ..RotationRulesInput::default() },
    ] {
        assert_eq!(refused(rotate(input("r", Some(rules))).await).0, ErrorCode::InvalidParameter);
    }
    assert_eq!(rotation(&world).await, None);
}

#[tokio::test]
async fn a_replica_is_rotated_by_its_primary_and_by_nobody_else() {
    let mut world = world().await;
    let to = ReplicaRegionInput { region: text("eu-central-1"), kms_key_id: None };
    let replicate = ReplicateSecretToRegionsInput {
        secret_id: text("a"),
        add_replica_regions: Some(vec![to]),
        force_overwrite_replica_secret: None,
    };
    world.write::<ReplicateSecretToRegions>(replicate).await.unwrap();
    world.write::<RotateSecret>(input("r1", Some(days(30)))).await.unwrap();
    world.put("a", &token("r1"), "v2", &["AWSPENDING"]).await.unwrap();

    world.caller.region = region("eu-central-1");
    let not_here =
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.".to_owned();
    let refusal = (ErrorCode::InvalidParameter, not_here);
    // Also with the token of the rotation that is under way, and with a function that is none of this region.
    for token in ["r1", "r2"] {
        assert_eq!(refused(world.write::<RotateSecret>(input(token, Some(days(7)))).await), refusal);
    }
    let cancel = CancelRotateSecretInput { secret_id: text("a") };
    assert_eq!(refused(world.write::<CancelRotateSecret>(cancel).await), refusal);
    // What the rotation made so far is there, and of the rotation itself nothing.
    let pending = world.get_version("a", Some(&token("r1")), Some("AWSPENDING")).await.unwrap();
    assert_eq!(pending.value.plaintext().expose_secret(), b"v2");
    assert_eq!(rotation(&world).await, None);

    world.caller.region = home().region;
    let moved = crate::api::UpdateSecretVersionStageInput {
        secret_id: text("a"),
        version_stage: text("AWSCURRENT"),
        move_to_version_id: text(&token("r1")),
        remove_from_version_id: text(&token("first")),
    };
    world.write::<crate::secrets::UpdateSecretVersionStage>(moved).await.unwrap();
    assert!(rotation(&world).await.unwrap().last_rotated_date.is_some());
    world.caller.region = region("eu-central-1");
    assert_eq!(world.get("a").await.unwrap().value.plaintext().expose_secret(), b"v2");

    // A secret of its own, it has no rotation, and a function would have to be one of its region.
    let stop = StopReplicationToReplicaInput { secret_id: text("a") };
    world.write::<StopReplicationToReplica>(stop).await.unwrap();
    assert_eq!(rotation(&world).await, None);
    let rotate = world.write::<RotateSecret>(input("r3", Some(days(7)))).await;
    assert_eq!(refused(rotate), (ErrorCode::AccessDenied, NOT_INVOKED.to_owned()));
}
