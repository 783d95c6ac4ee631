//! The members of each operation's request.

use serde_json::error::Category;
use service::api::{
    BatchGetSecretValueInput, CreateSecretInput, DeleteSecretInput, DescribeSecretInput, FilterInput,
    GetRandomPasswordInput, GetSecretValueInput, ListSecretVersionIdsInput, ListSecretsInput, PutSecretValueInput,
    ReplicaRegionInput, RestoreSecretInput, TagInput, TagResourceInput, UntagResourceInput, UpdateSecretInput,
    UpdateSecretVersionStageInput,
};
use types::{ApiError, ErrorCode, limits};

use super::shape::{Flag, List, SecretBlob, SecretText, Shape, Text, Whole, object};

object! {
    CreateSecretInput {
        "Name": Text => name,
        "ClientRequestToken": Text => client_request_token,
        "Description": Text => description,
        "KmsKeyId": Text => kms_key_id,
        "SecretString": SecretText => secret_string,
        "SecretBinary": SecretBlob => secret_binary,
        "Tags": List<TagInput> => tags,
        "AddReplicaRegions": List<ReplicaRegionInput> => add_replica_regions,
        "ForceOverwriteReplicaSecret": Flag => force_overwrite_replica_secret,
        "CrossAccountPrimaryARN": Text => cross_account_primary_arn,
    }
}

object! {
    GetSecretValueInput {
        "SecretId": Text => secret_id,
        "VersionId": Text => version_id,
        "VersionStage": Text => version_stage,
    }
}

object! {
    BatchGetSecretValueInput {
        "SecretIdList": List<Text> => secret_id_list,
        "Filters": List<FilterInput> => filters,
        "MaxResults": Whole => max_results,
        "NextToken": Text => next_token,
    }
}

object! {
    PutSecretValueInput {
        "SecretId": Text => secret_id,
        "ClientRequestToken": Text => client_request_token,
        "SecretString": SecretText => secret_string,
        "SecretBinary": SecretBlob => secret_binary,
        "VersionStages": List<Text> => version_stages,
        "RotationToken": SecretText => rotation_token,
    }
}

object! {
    DescribeSecretInput {
        "SecretId": Text => secret_id,
    }
}

object! {
    ListSecretsInput {
        "MaxResults": Whole => max_results,
        "NextToken": Text => next_token,
        "Filters": List<FilterInput> => filters,
        "SortOrder": Text => sort_order,
        "SortBy": Text => sort_by,
        "IncludePlannedDeletion": Flag => include_planned_deletion,
    }
}

object! {
    DeleteSecretInput {
        "SecretId": Text => secret_id,
        "RecoveryWindowInDays": Whole => recovery_window_in_days,
        "ForceDeleteWithoutRecovery": Flag => force_delete_without_recovery,
    }
}

object! {
    UpdateSecretInput {
        "SecretId": Text => secret_id,
        "ClientRequestToken": Text => client_request_token,
        "Description": Text => description,
        "KmsKeyId": Text => kms_key_id,
        "SecretString": SecretText => secret_string,
        "SecretBinary": SecretBlob => secret_binary,
    }
}

object! {
    UpdateSecretVersionStageInput {
        "SecretId": Text => secret_id,
        "VersionStage": Text => version_stage,
        "RemoveFromVersionId": Text => remove_from_version_id,
        "MoveToVersionId": Text => move_to_version_id,
    }
}

object! {
    ListSecretVersionIdsInput {
        "SecretId": Text => secret_id,
        "MaxResults": Whole => max_results,
        "NextToken": Text => next_token,
        "IncludeDeprecated": Flag => include_deprecated,
    }
}

object! {
    RestoreSecretInput {
        "SecretId": Text => secret_id,
    }
}

object! {
    TagResourceInput {
        "SecretId": Text => secret_id,
        "Tags": List<TagInput> => tags,
    }
}

object! {
    UntagResourceInput {
        "SecretId": Text => secret_id,
        "TagKeys": List<Text> => tag_keys,
    }
}

object! {
    GetRandomPasswordInput {
        "PasswordLength": Whole => password_length,
        "ExcludeCharacters": Text => exclude_characters,
        "ExcludeNumbers": Flag => exclude_numbers,
        "ExcludePunctuation": Flag => exclude_punctuation,
        "ExcludeUppercase": Flag => exclude_uppercase,
        "ExcludeLowercase": Flag => exclude_lowercase,
        "IncludeSpace": Flag => include_space,
        "RequireEachIncludedType": Flag => require_each_included_type,
    }
}

object! {
    TagInput {
        "Key": Text => key,
        "Value": Text => value,
    }
}

object! {
    FilterInput {
        "Key": Text => key,
        "Values": List<Text> => values,
    }
}

/// Reads a whole body.
///
/// # Errors
/// SerializationException, which says where, and echoes nothing: `serde_json`'s own texts quote values.
pub(crate) fn decode<S: Shape>(body: &[u8]) -> Result<S::Value, ApiError> {
    if !is_nested_within(body, limits::JSON_DEPTH) {
        let text = format!("The request body is nested deeper than {} levels.", limits::JSON_DEPTH);
        return Err(ApiError::new(ErrorCode::Serialization, text));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = S::read(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let what = match error.classify() {
            Category::Eof if body.trim_ascii().is_empty() => return empty(),
            Category::Eof => "The request body ends in the middle of its JSON",
            Category::Data => {
                "The request body has a member that comes twice or is not of the type that the API defines"
            }
            Category::Syntax | Category::Io => "The request body is not valid JSON",
        };
        let text = format!("{what} (line {}, column {}).", error.line(), error.column());
        ApiError::new(ErrorCode::Serialization, text)
    })
}

fn empty() -> ApiError {
    ApiError::new(ErrorCode::Serialization, "The request body is empty. It must be a JSON object.")
}

/// Whether no bracket of `body` is deeper than `limit`. Members that are skipped count too.
fn is_nested_within(body: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
        if depth > limit {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::Plaintext;

    use super::*;

    fn create(body: &str) -> CreateSecretInput {
        decode::<CreateSecretInput>(body.as_bytes()).unwrap()
    }

    fn refusal<S: Shape>(body: &[u8]) -> String {
        let error = decode::<S>(body).err().unwrap();
        assert_eq!(error.code, ErrorCode::Serialization);
        error.message.into_owned()
    }

    fn exposed(value: Option<&Plaintext>) -> &[u8] {
        value.unwrap().expose_secret()
    }

    #[test]
    fn every_member_of_a_request_is_read() {
        let input = create(
            r#"{"Name":"prod/db","ClientRequestToken":"6c155336","Description":"d","KmsKeyId":"k",
                "SecretString":"{\"u\":\"\u00e9\ud83d\ude00\/\"}","SecretBinary":"Zm9vdGVzdA==",
                "Tags":[{"Key":"env","Value":"p"},{"Key":"x"}],"AddReplicaRegions":[{"Region":"eu-west-1"},{}]}"#,
        );
        assert_eq!(input.name.as_deref(), Some("prod/db"));
        assert_eq!(input.client_request_token.as_deref(), Some("6c155336"));
        assert_eq!((input.description.as_deref(), input.kms_key_id.as_deref()), (Some("d"), Some("k")));
        assert_eq!(exposed(input.secret_string.as_ref()), "{\"u\":\"\u{e9}\u{1f600}/\"}".as_bytes());
        assert_eq!(exposed(input.secret_binary.as_ref()), b"footest");
        let tags: Vec<_> = input.tags.unwrap().into_iter().map(|tag| (tag.key.unwrap(), tag.value)).collect();
        assert_eq!(tags, [("env".to_owned(), Some("p".to_owned())), ("x".to_owned(), None)]);
        assert_eq!(input.add_replica_regions.map(|regions| regions.len()), Some(2));

        let body = br#"{"SecretId":"a","VersionId":"b","VersionStage":"c"}"#;
        let input = decode::<GetSecretValueInput>(body).unwrap();
        let members = [input.secret_id, input.version_id, input.version_stage];
        assert_eq!(members, ["a", "b", "c"].map(|text| Some(text.to_owned())));

        let body = br#"{"SecretId":"a","ClientRequestToken":"b","SecretString":"v","SecretBinary":"dg==",
                        "VersionStages":["X","Y"],"RotationToken":"r"}"#;
        let input = decode::<PutSecretValueInput>(body).unwrap();
        assert_eq!(input.version_stages, Some(vec!["X".to_owned(), "Y".to_owned()]));
        assert_eq!(input.client_request_token.as_deref(), Some("b"));
        assert_eq!(exposed(input.rotation_token.as_ref()), b"r");
        assert_eq!(
            (exposed(input.secret_string.as_ref()), exposed(input.secret_binary.as_ref())),
            (&b"v"[..], &b"v"[..])
        );

        assert_eq!(decode::<DescribeSecretInput>(br#"{"SecretId":"a"}"#).unwrap().secret_id.as_deref(), Some("a"));

        let body = br#"{"MaxResults":7,"NextToken":"n","Filters":[{"Key":"name","Values":["a","!b"]}],
                        "SortOrder":"asc","SortBy":"name","IncludePlannedDeletion":true}"#;
        let input = decode::<ListSecretsInput>(body).unwrap();
        assert_eq!((input.max_results, input.include_planned_deletion), (Some(7), Some(true)));
        let texts = [input.next_token, input.sort_order, input.sort_by];
        assert_eq!(texts, ["n", "asc", "name"].map(|text| Some(text.to_owned())));
        let filter = &input.filters.unwrap()[0];
        assert_eq!(filter.key.as_deref(), Some("name"));
        assert_eq!(filter.values, Some(vec!["a".to_owned(), "!b".to_owned()]));

        let body = br#"{"SecretId":"a","RecoveryWindowInDays":7,"ForceDeleteWithoutRecovery":false}"#;
        let input = decode::<DeleteSecretInput>(body).unwrap();
        assert_eq!((input.recovery_window_in_days, input.force_delete_without_recovery), (Some(7), Some(false)));
    }

    #[test]
    fn every_member_of_the_operations_on_versions_tags_and_passwords_is_read() {
        let body = br#"{"SecretId":"a","ClientRequestToken":"b","Description":"","KmsKeyId":"","SecretString":"v",
                        "SecretBinary":"dg==","Type":"x"}"#;
        let input = decode::<UpdateSecretInput>(body).unwrap();
        let texts = [input.secret_id, input.client_request_token, input.description, input.kms_key_id];
        assert_eq!(texts, ["a", "b", "", ""].map(|text| Some(text.to_owned())));
        assert_eq!(exposed(input.secret_string.as_ref()), exposed(input.secret_binary.as_ref()));

        let body = br#"{"SecretId":"a","VersionStage":"b","RemoveFromVersionId":"c","MoveToVersionId":"d"}"#;
        let input = decode::<UpdateSecretVersionStageInput>(body).unwrap();
        let texts = [input.secret_id, input.version_stage, input.remove_from_version_id, input.move_to_version_id];
        assert_eq!(texts, ["a", "b", "c", "d"].map(|text| Some(text.to_owned())));

        let body = br#"{"SecretId":"a","MaxResults":7,"NextToken":"n","IncludeDeprecated":true}"#;
        let input = decode::<ListSecretVersionIdsInput>(body).unwrap();
        assert_eq!((input.secret_id.as_deref(), input.next_token.as_deref()), (Some("a"), Some("n")));
        assert_eq!((input.max_results, input.include_deprecated), (Some(7), Some(true)));

        assert_eq!(decode::<RestoreSecretInput>(br#"{"SecretId":"a"}"#).unwrap().secret_id.as_deref(), Some("a"));
        let input = decode::<TagResourceInput>(br#"{"SecretId":"a","Tags":[{"Key":"k"}]}"#).unwrap();
        assert_eq!((input.secret_id.as_deref(), input.tags.unwrap()[0].key.as_deref()), (Some("a"), Some("k")));
        let input = decode::<UntagResourceInput>(br#"{"SecretId":"a","TagKeys":["k","l"]}"#).unwrap();
        assert_eq!(input.tag_keys, Some(vec!["k".to_owned(), "l".to_owned()]));

        let body = br#"{"PasswordLength":7,"ExcludeCharacters":"x","ExcludeNumbers":true,"ExcludePunctuation":false,
                        "ExcludeUppercase":true,"ExcludeLowercase":false,"IncludeSpace":true,
                        "RequireEachIncludedType":false}"#;
        let input = decode::<GetRandomPasswordInput>(body).unwrap();
        assert_eq!((input.password_length, input.exclude_characters.as_deref()), (Some(7), Some("x")));
        let excluded =
            [input.exclude_numbers, input.exclude_punctuation, input.exclude_uppercase, input.exclude_lowercase];
        assert_eq!(excluded, [Some(true), Some(false), Some(true), Some(false)]);
        assert_eq!((input.include_space, input.require_each_included_type), (Some(true), Some(false)));
    }

    #[test]
    fn unknown_members_are_skipped_and_null_is_absence() {
        let input = create(r#" {"Type":{"a":[1,{"b":null}]},"Type":2, "Name":null,"Tags":null,"SecretString":null} "#);
        assert!(input.name.is_none() && input.tags.is_none() && input.secret_string.is_none());
        assert!(decode::<ListSecretsInput>(b"{}").is_ok());
        let empty = create(r#"{"Name":"","SecretString":"","Tags":[]}"#);
        assert_eq!(empty.name.as_deref(), Some(""));
        assert!(empty.secret_string.unwrap().is_empty() && empty.tags.unwrap().is_empty());
    }

    #[test]
    fn whole_numbers_come_in_every_notation() {
        let days = |number: &str| {
            let body = format!(r#"{{"RecoveryWindowInDays":{number}}}"#);
            decode::<DeleteSecretInput>(body.as_bytes()).map(|input| input.recovery_window_in_days.unwrap())
        };
        for (number, whole) in [("7", 7), ("7.0", 7), ("7e0", 7), ("0.7E1", 7), ("-7", -7), ("-7.00", -7), ("-0", 0)] {
            assert_eq!(days(number).unwrap(), whole, "{number}");
        }
        assert_eq!(days("9223372036854775807").unwrap(), i64::MAX);
        for number in ["7.5", "9223372036854775808", "1e300", "1e999", "\"7\"", "true", "[7]", "07", "+7", "7.", "NaN"]
        {
            assert_eq!(days(number).unwrap_err().code, ErrorCode::Serialization, "{number}");
        }
    }

    #[test]
    fn bad_bodies_have_clear_errors_that_echo_nothing() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(limits::JSON_DEPTH), "]".repeat(limits::JSON_DEPTH));
        let very_deep = format!(r#"{{"x":{}"#, "[{\"x\":".repeat(100_000));
        let not_utf8 = b"{\"Name\":\"canary\xff\"}";
        let not_utf8_value = b"{\"SecretString\":\"canary\xff\"}";
        let cases: [(&[u8], &str); 32] = [
            (b"", "is empty"),
            (b" \n ", "is empty"),
            (b"null", "not of the type"),
            (b"\"canary\"", "not of the type"),
            (b"[\"canary\"]", "not of the type"),
            (b"{", "ends in the middle"),
            (b"{\"Name\":\"canary", "ends in the middle"),
            (b"{\"Name\":\"canary\"", "ends in the middle"),
            (b"{\"SecretString\":\"canary", "ends in the middle"),
            (b"{\"Name\":\"canary\"}}", "not valid JSON"),
            (b"{\"Name\":\"canary\"}{}", "not valid JSON"),
            (b"{\"Name\":'canary'}", "not valid JSON"),
            (b"{\"Name\":\"canary\",}", "not valid JSON"),
            (b"{Name:\"canary\"}", "not valid JSON"),
            (b"{\"Name\":\"canary\\x\"}", "not valid JSON"),
            (b"{\"SecretString\":\"canary\\x\"}", "not valid JSON"),
            (b"{\"SecretString\":\"canary\n\"}", "not valid JSON"),
            (b"\xef\xbb\xbf{\"Name\":\"canary\"}", "not valid JSON"),
            (not_utf8, "not valid JSON"),
            (not_utf8_value, "not valid JSON"),
            (b"{\"Name\":\"a\",\"Name\":\"canary\"}", "comes twice"),
            (b"{\"Name\":7}", "not of the type"),
            (b"{\"Name\":[\"canary\"]}", "not of the type"),
            (b"{\"SecretString\":{\"canary\":1}}", "not of the type"),
            (b"{\"SecretString\":\"canary\\ud800\"}", "not of the type"),
            (b"{\"SecretBinary\":\"Zm9vdGVzdA\"}", "not of the type"),
            (b"{\"SecretBinary\":\"canary!!\"}", "not of the type"),
            (b"{\"Tags\":{\"Key\":\"canary\"}}", "not of the type"),
            (b"{\"Tags\":[[\"canary\",\"canary\"]]}", "not of the type"),
            (b"{\"Tags\":[null]}", "not of the type"),
            (deep.as_bytes(), "deeper than 32"),
            (very_deep.as_bytes(), "deeper than 32"),
        ];
        for (body, text) in cases {
            let message = refusal::<CreateSecretInput>(body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
            assert!(message.contains(text), "{shown}: {message}");
            assert!(!message.contains("canary") && message.len() < 200, "{message}");
        }
        assert!(refusal::<DeleteSecretInput>(br#"{"ForceDeleteWithoutRecovery":"true"}"#).contains("not of the type"));
        assert!(refusal::<PutSecretValueInput>(br#"{"VersionStages":"X"}"#).contains("not of the type"));
    }

    #[test]
    fn the_deepest_legal_nesting_is_read() {
        let inside = limits::JSON_DEPTH - 1;
        create(&format!(r#"{{"x":{}{}}}"#, "[".repeat(inside), "]".repeat(inside)));
        create(&format!(r#"{{"x":"{}\"{{"}}"#, "[".repeat(1000)));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..64), at in 0_usize..80, byte in any::<u8>()) {
            let _ = decode::<CreateSecretInput>(&body);
            let mut usual = br#"{"Name":"a\u00e9","SecretString":"\ud83d\ude00","SecretBinary":"dg==","Tags":[{"Key":"k"}]}"#.to_vec();
            let at = at % usual.len();
            usual[at] = byte;
            let _ = decode::<CreateSecretInput>(&usual);
            let _ = decode::<CreateSecretInput>(&usual[..at]);
        }
    }
}
