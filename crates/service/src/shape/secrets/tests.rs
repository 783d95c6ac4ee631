use types::Region;

use super::*;
use crate::api::{ReplicaRegionInput, TagInput};

const TOKEN: &str = "6c155336-210f-43ee-9d2d-57a29a32e31c";

fn namespace() -> Namespace {
    Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn value(bytes: usize) -> Option<Plaintext> {
    Some(Plaintext::new(vec![b'v'; bytes]))
}

fn create() -> CreateSecretInput {
    CreateSecretInput { name: text("prod/db"), client_request_token: text(TOKEN), ..CreateSecretInput::default() }
}

fn put() -> PutSecretValueInput {
    PutSecretValueInput {
        secret_id: text("prod/db"),
        client_request_token: text(TOKEN),
        secret_string: value(1),
        ..PutSecretValueInput::default()
    }
}

fn tagged(pairs: &[(&str, &str)]) -> CreateSecretInput {
    let tags = pairs.iter().map(|(key, value)| TagInput { key: text(key), value: text(value) });
    CreateSecretInput { tags: Some(tags.collect()), ..create() }
}

fn delete(days: Option<i64>, force: Option<bool>) -> DeleteSecretInput {
    DeleteSecretInput {
        secret_id: text("prod/db"),
        recovery_window_in_days: days,
        force_delete_without_recovery: force,
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn one(what: &str) -> (ErrorCode, String) {
    (ErrorCode::Validation, format!("1 validation error detected: {what}"))
}

fn long(chars: usize) -> String {
    "x".repeat(chars)
}

const INVALID_NAME: &str =
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";

#[test]
fn bad_creates_get_the_texts_of_aws() {
    let too_long = |at: &str, most: usize| {
        one(&format!(
            "Value '{}...' at '{at}' failed to satisfy constraint: Member must have length less than or equal to {most}",
            long(256)
        ))
    };
    let cases = [
        (
            CreateSecretInput { name: None, ..create() },
            one("Value null at 'name' failed to satisfy constraint: Member must not be null"),
        ),
        (
            CreateSecretInput { name: text(""), ..create() },
            one("Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ),
        (CreateSecretInput { name: Some(long(513)), ..create() }, too_long("name", 512)),
        (CreateSecretInput { description: Some(long(2049)), ..create() }, too_long("description", 2048)),
        (CreateSecretInput { kms_key_id: Some(long(2049)), ..create() }, too_long("kmsKeyId", 2048)),
        (
            CreateSecretInput { client_request_token: text("short"), ..create() },
            one("Value 'short' at 'clientRequestToken' failed to satisfy constraint: Member must have length greater \
                 than or equal to 32"),
        ),
        (
            CreateSecretInput { secret_string: value(0), ..create() },
            one("Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal \
                 to 1"),
        ),
        (
            CreateSecretInput { secret_binary: value(65_537), ..create() },
            one("Value at 'secretBinary' failed to satisfy constraint: Member must have length less than or equal to \
                 65536"),
        ),
        (
            tagged(&[("a", ""), ("", "")]),
            one(
                "Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or \
                 equal to 1",
            ),
        ),
        (
            CreateSecretInput { name: text(""), secret_string: value(0), ..create() },
            (
                ErrorCode::Validation,
                "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have \
                 length greater than or equal to 1; Value at 'secretString' failed to satisfy constraint: Member must \
                 have length greater than or equal to 1"
                    .to_owned(),
            ),
        ),
        (
            CreateSecretInput { name: text("a b"), client_request_token: None, ..create() },
            (ErrorCode::Validation, INVALID_NAME.to_owned()),
        ),
        (CreateSecretInput { name: text("rds!db"), ..create() }, (ErrorCode::Validation, INVALID_NAME.to_owned())),
        (
            CreateSecretInput { client_request_token: None, ..create() },
            (ErrorCode::InvalidRequest, NO_TOKEN.to_owned()),
        ),
        (
            CreateSecretInput { secret_string: value(1), secret_binary: value(1), ..create() },
            (ErrorCode::InvalidParameter, TWO_VALUES.to_owned()),
        ),
        (
            CreateSecretInput { add_replica_regions: Some(Vec::new()), ..create() },
            one(
                "Value '[]' at 'addReplicaRegions' failed to satisfy constraint: Member must have length greater than \
                 or equal to 1",
            ),
        ),
        (
            CreateSecretInput {
                add_replica_regions: Some(vec![ReplicaRegionInput { region: text("nowhere"), kms_key_id: None }]),
                ..create()
            },
            one("Value 'nowhere' at 'addReplicaRegions.1.member.region' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: ^([a-z]+-)+\\d+$"),
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(refused(create_secret(input)), expected);
    }
}

#[test]
fn a_value_is_measured_in_bytes() {
    let umlauts = |count: usize| Some(Plaintext::new("ä".repeat(count).into_bytes()));
    assert!(create_secret(CreateSecretInput { secret_string: umlauts(32_768), ..create() }).is_ok());
    assert!(create_secret(CreateSecretInput { secret_string: umlauts(32_769), ..create() }).is_err());
    assert!(create_secret(CreateSecretInput { secret_binary: value(65_536), ..create() }).is_ok());
}

#[test]
fn empty_members_that_mean_nothing_are_absent() {
    let request = create_secret(CreateSecretInput { description: text(""), kms_key_id: text(""), ..create() }).unwrap();
    assert_eq!((request.description, request.kms_key_id), (None, None));
    let request = create_secret(tagged(&[])).unwrap();
    assert!(request.tags.is_empty() && request.value.is_none());
}

#[test]
fn the_rules_of_tags_hold() {
    let code = |input| create_secret(input).unwrap_err().code;
    assert!(create_secret(tagged(&[("Env", "prod"), ("env", ""), ("größe/@", "a b+-=._:/@")])).is_ok());
    assert_eq!(code(tagged(&[("a", "1"), ("a", "2")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tagged(&[("aws:x", "")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tagged(&[("AWS:x", "")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tagged(&[("a*", "")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tagged(&[("a", "b\n")])), ErrorCode::InvalidParameter);
    let many = |count: usize| {
        let tags = (0..count).map(|n| TagInput { key: Some(format!("k{n}")), value: None });
        CreateSecretInput { tags: Some(tags.collect()), ..create() }
    };
    assert!(create_secret(many(50)).is_ok());
    assert_eq!(code(many(51)), ErrorCode::LimitExceeded);
}

#[test]
fn an_error_lists_a_bounded_number_of_failures_and_counts_all() {
    let tags = (0..1_000).map(|_| TagInput { key: Some(String::new()), value: None });
    let (_, message) = refused(create_secret(CreateSecretInput { tags: Some(tags.collect()), ..create() }));
    assert!(message.starts_with("1000 validation errors detected: Value '' at 'tags.1.member.key'"), "{message}");
    assert_eq!(message.matches("Value ''").count(), 10);
}

#[test]
fn bad_puts_get_the_texts_of_aws() {
    let stages = |stages: &[&str]| PutSecretValueInput {
        version_stages: Some(stages.iter().map(|&stage| stage.to_owned()).collect()),
        ..put()
    };
    let cases = [
        (
            PutSecretValueInput { secret_id: None, ..put() },
            one("Value null at 'secretId' failed to satisfy constraint: Member must not be null"),
        ),
        (
            stages(&[]),
            one("Value '[]' at 'versionStages' failed to satisfy constraint: Member must have length greater than or \
                 equal to 1"),
        ),
        (
            stages(&["one", ""]),
            one("Value '[one, ]' at 'versionStages' failed to satisfy constraint: Member must satisfy constraint: \
                 [Member must have length less than or equal to 256, Member must have length greater than or equal to \
                 1]"),
        ),
        (
            stages(&["x"; 21]),
            one("Value '[...]' at 'versionStages' failed to satisfy constraint: Member must have length less than or \
                 equal to 20"),
        ),
        (
            PutSecretValueInput {
                rotation_token: Some(Plaintext::copy_from(b"a token that must not be echoed anywhere")),
                ..put()
            },
            one("Value at 'rotationToken' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: ^[a-zA-Z0-9\\-]+$"),
        ),
        (PutSecretValueInput { client_request_token: None, ..put() }, (ErrorCode::InvalidRequest, NO_TOKEN.to_owned())),
    ];
    for (input, expected) in cases {
        assert_eq!(refused(put_secret_value(input, &namespace())), expected);
    }
}

#[test]
fn what_is_wrong_with_the_value_of_a_put_waits_for_the_secret() {
    let none = put_secret_value(PutSecretValueInput { secret_string: None, ..put() }, &namespace()).unwrap();
    assert_eq!(refused(none.value), (ErrorCode::InvalidRequest, NO_VALUE.to_owned()));
    let both = put_secret_value(PutSecretValueInput { secret_binary: value(1), ..put() }, &namespace()).unwrap();
    assert_eq!(refused(both.value), (ErrorCode::InvalidParameter, TWO_VALUES.to_owned()));
}

#[test]
fn labels_of_a_put_stand_once_and_default_to_the_current_one() {
    let request = put_secret_value(put(), &namespace()).unwrap();
    assert_eq!(request.stages, [StagingLabel::Current]);
    let given = Some(["a", "AWSPENDING", "a"].map(str::to_owned).to_vec());
    let request = put_secret_value(PutSecretValueInput { version_stages: given, ..put() }, &namespace()).unwrap();
    assert_eq!(request.stages, [StagingLabel::Custom("a".into()), StagingLabel::Pending]);
}

#[test]
fn every_operation_checks_the_name() {
    let bad = || text("not a name");
    let expected = (ErrorCode::Validation, INVALID_NAME.to_owned());
    let ns = namespace();
    assert_eq!(refused(create_secret(CreateSecretInput { name: bad(), ..create() })), expected);
    assert_eq!(refused(put_secret_value(PutSecretValueInput { secret_id: bad(), ..put() }, &ns)), expected);
    let get = GetSecretValueInput { secret_id: bad(), ..GetSecretValueInput::default() };
    assert_eq!(refused(get_secret_value(get, &ns)), expected);
    assert_eq!(refused(describe_secret(DescribeSecretInput { secret_id: bad() }, &ns)), expected);
    let delete =
        DeleteSecretInput { secret_id: bad(), force_delete_without_recovery: Some(true), ..delete(None, None) };
    assert_eq!(refused(delete_secret(delete, &ns)), expected);
}

#[test]
fn a_secret_id_longer_than_any_name_names_nothing() {
    let input = DescribeSecretInput { secret_id: Some(long(2_048)) };
    assert_eq!(describe_secret(input, &namespace()).unwrap().secret.id, SecretId::Nowhere);
    let input = DescribeSecretInput { secret_id: Some(long(2_049)) };
    assert_eq!(describe_secret(input, &namespace()).unwrap_err().code, ErrorCode::Validation);
}

#[test]
fn a_version_is_asked_for_by_a_token_or_a_label_of_legal_length() {
    let get = |version_id: &str, stage: &str| GetSecretValueInput {
        secret_id: text("prod/db"),
        version_id: text(version_id),
        version_stage: text(stage),
    };
    assert!(get_secret_value(get(TOKEN, "AWSCURRENT"), &namespace()).is_ok());
    let (code, message) = refused(get_secret_value(get(&long(31), &long(257)), &namespace()));
    assert_eq!(code, ErrorCode::Validation);
    assert!(message.starts_with("2 validation errors detected: "), "{message}");
}

#[test]
fn windows_and_force_exclude_each_other() {
    let mode = |days, force| delete_secret(delete(days, force), &namespace()).map(|request| request.mode);
    assert_eq!(mode(None, None).unwrap(), DeleteMode::Window { days: 30 });
    assert_eq!(mode(Some(7), None).unwrap(), DeleteMode::Window { days: 7 });
    assert_eq!(mode(Some(30), Some(false)).unwrap(), DeleteMode::Window { days: 30 });
    assert_eq!(mode(None, Some(true)).unwrap(), DeleteMode::Force);
    for days in [i64::MIN, -1, 0, 6, 31, i64::MAX] {
        assert_eq!(refused(mode(Some(days), None)), (ErrorCode::InvalidParameter, BAD_WINDOW.to_owned()));
    }
    assert_eq!(refused(mode(Some(7), Some(true))), (ErrorCode::InvalidParameter, FORCE_WITH_WINDOW.to_owned()));
}

fn update() -> UpdateSecretInput {
    UpdateSecretInput { secret_id: text("prod/db"), client_request_token: text(TOKEN), ..UpdateSecretInput::default() }
}

fn stage() -> UpdateSecretVersionStageInput {
    UpdateSecretVersionStageInput {
        secret_id: text("prod/db"),
        version_stage: text("AWSCURRENT"),
        ..UpdateSecretVersionStageInput::default()
    }
}

fn tag(pairs: &[(&str, &str)]) -> TagResourceInput {
    TagResourceInput { secret_id: text("prod/db"), tags: tagged(pairs).tags }
}

fn untag(keys: &[&str]) -> UntagResourceInput {
    let tag_keys = Some(keys.iter().map(|&key| key.to_owned()).collect());
    UntagResourceInput { secret_id: text("prod/db"), tag_keys }
}

#[test]
fn an_update_keeps_what_is_empty_apart_from_what_is_absent() {
    let request = update_secret(update(), &namespace()).unwrap();
    assert_eq!((request.description, request.kms_key_id), (None, None));
    assert!(request.value.unwrap().is_none());
    let empty = UpdateSecretInput { description: text(""), kms_key_id: text(""), ..update() };
    let request = update_secret(empty, &namespace()).unwrap();
    assert_eq!((request.description.as_deref(), request.kms_key_id.as_deref()), (Some(""), Some("")));
    let both = UpdateSecretInput { secret_string: value(1), secret_binary: value(1), ..update() };
    let request = update_secret(both, &namespace()).unwrap();
    assert_eq!(refused(request.value), (ErrorCode::InvalidParameter, TWO_VALUES.to_owned()));
}

#[test]
fn bad_updates_get_the_texts_of_aws() {
    let cases = [
        (
            UpdateSecretInput { secret_id: None, ..update() },
            one("Value null at 'secretId' failed to satisfy constraint: Member must not be null"),
        ),
        (
            UpdateSecretInput { secret_string: value(0), ..update() },
            one("Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal \
                 to 1"),
        ),
        (
            UpdateSecretInput { description: Some(long(2049)), ..update() },
            one(&format!(
                "Value '{}...' at 'description' failed to satisfy constraint: Member must have length less than or \
                 equal to 2048",
                long(256)
            )),
        ),
        (
            UpdateSecretInput { client_request_token: None, ..update() },
            (ErrorCode::InvalidRequest, NO_TOKEN.to_owned()),
        ),
        (
            UpdateSecretInput { secret_id: text("a b"), client_request_token: None, ..update() },
            (ErrorCode::Validation, INVALID_NAME.to_owned()),
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(refused(update_secret(input, &namespace())), expected);
    }
}

#[test]
fn a_move_names_a_label_and_versions_of_legal_length() {
    let (code, message) = refused(update_secret_version_stage(UpdateSecretVersionStageInput::default(), &namespace()));
    assert_eq!(code, ErrorCode::Validation);
    assert!(message.starts_with("2 validation errors detected: Value null at 'secretId'"), "{message}");
    assert!(message.contains("Value null at 'versionStage'"), "{message}");
    let short = UpdateSecretVersionStageInput {
        version_stage: text(""),
        remove_from_version_id: text("short"),
        move_to_version_id: Some(long(65)),
        ..stage()
    };
    let (_, message) = refused(update_secret_version_stage(short, &namespace()));
    for path in ["versionStage", "removeFromVersionId", "moveToVersionId"] {
        assert!(message.contains(&format!(" at '{path}' failed")), "{path}: {message}");
    }
    let request = update_secret_version_stage(stage(), &namespace()).unwrap();
    assert_eq!((request.label, request.move_to, request.remove_from), (StagingLabel::Current, None, None));
}

#[test]
fn tags_and_their_keys_are_required_and_bounded() {
    let ns = namespace();
    let without = TagResourceInput { tags: None, ..tag(&[]) };
    let null =
        |path: &str| one(&format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
    assert_eq!(refused(tag_resource(without, &ns)), null("tags"));
    let without = UntagResourceInput { tag_keys: None, ..untag(&[]) };
    assert_eq!(refused(untag_resource(without, &ns)), null("tagKeys"));
    assert!(tag_resource(tag(&[]), &ns).unwrap().tags.is_empty());

    let code = |input| tag_resource(input, &ns).unwrap_err().code;
    assert_eq!(code(tag(&[("AWS:x", "")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tag(&[("a", "1"), ("a", "2")])), ErrorCode::InvalidParameter);
    assert_eq!(code(tag(&[("", "")])), ErrorCode::Validation);

    let keys: Vec<String> =
        untag_resource(untag(&["b", "a", "b"]), &ns).unwrap().keys.iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["b", "a"]);
    assert_eq!(untag_resource(untag(&["a", ""]), &ns).unwrap_err().code, ErrorCode::Validation);
    assert!(untag_resource(untag(&vec!["k"; limits::TAG_KEYS_PER_REQUEST]), &ns).is_ok());
    let many = untag(&vec!["k"; limits::TAG_KEYS_PER_REQUEST + 1]);
    assert_eq!(untag_resource(many, &ns).unwrap_err().code, ErrorCode::Validation);
}

#[test]
fn every_operation_on_a_secret_checks_the_name() {
    let bad = || text("not a name");
    let expected = (ErrorCode::Validation, INVALID_NAME.to_owned());
    let ns = namespace();
    assert_eq!(refused(update_secret(UpdateSecretInput { secret_id: bad(), ..update() }, &ns)), expected);
    let moved = UpdateSecretVersionStageInput { secret_id: bad(), ..stage() };
    assert_eq!(refused(update_secret_version_stage(moved, &ns)), expected);
    assert_eq!(refused(restore_secret(RestoreSecretInput { secret_id: bad() }, &ns)), expected);
    assert_eq!(refused(tag_resource(TagResourceInput { secret_id: bad(), ..tag(&[]) }, &ns)), expected);
    assert_eq!(refused(untag_resource(UntagResourceInput { secret_id: bad(), ..untag(&[]) }, &ns)), expected);
    let list = crate::api::ListSecretVersionIdsInput { secret_id: bad(), ..Default::default() };
    assert_eq!(refused(crate::shape::list_secret_version_ids(list, &ns)), expected);
}

#[test]
fn a_rotation_token_is_not_in_debug_output() {
    const TOKEN: &str = "ROTATION-TOKEN-0123456789-0123456789";
    let input = PutSecretValueInput { rotation_token: Some(Plaintext::copy_from(TOKEN.as_bytes())), ..put() };
    assert!(!format!("{input:?}").contains(TOKEN));
    put_secret_value(input, &namespace()).unwrap();
}
