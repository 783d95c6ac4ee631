use std::collections::BTreeMap;

use types::{AccountId, Plaintext, Region};

use super::*;
use crate::api::keys::{
    CreateAliasInput, CreateGrantInput, CreateKeyInput, DecryptInput, DescribeKeyInput, EnableKeyInput, EncryptInput,
    GenerateDataKeyInput, GenerateRandomInput, GetKeyPolicyInput, GrantConstraintsInput, ListKeysInput,
    PutKeyPolicyInput, ReEncryptInput, RecipientInput, RetireGrantInput, ScheduleKeyDeletionInput, TagResourceInput,
};

const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn namespace() -> Namespace {
    let account: AccountId = "123456789012".parse().unwrap();
    Namespace { account, region: Region::parse("us-east-1").unwrap() }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn validation(what: &str) -> (ErrorCode, String) {
    (ErrorCode::Validation, format!("1 validation error detected: {what}"))
}

fn describe(key_id: &str) -> Result<KeyRequest, ApiError> {
    describe_key(DescribeKeyInput { key_id: text(key_id), grant_tokens: None }, &namespace())
}

fn enable(key_id: &str) -> Result<KeyRequest, ApiError> {
    enable_key(EnableKeyInput { key_id: text(key_id) }, &namespace())
}

fn context(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn a_key_has_four_names() {
    let id = KeyName::Id(ID.parse().unwrap());
    let alias = KeyName::Alias(AliasName::parse("alias/app").unwrap());
    let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{ID}");
    assert_eq!(describe(ID).unwrap().key.name, id);
    assert_eq!(describe(&arn).unwrap().key.name, id);
    assert_eq!(describe("alias/app").unwrap().key.name, alias);
    assert_eq!(describe("arn:aws:kms:us-east-1:123456789012:alias/app").unwrap().key.name, alias);
    assert_eq!(enable(ID).unwrap().key.name, id);
    assert_eq!(enable(&arn).unwrap().key.name, id);
}

#[test]
fn what_names_no_key_is_said_in_the_words_of_aws() {
    let not_found = |message: &str| (ErrorCode::NotFound, message.to_owned());
    assert_eq!(refusal(describe("nothing")), not_found("Invalid keyId 'nothing'"));
    assert_eq!(refusal(describe(&ID.replace('-', ""))), not_found(&format!("Invalid keyId '{}'", ID.replace('-', ""))));
    assert_eq!(refusal(enable("alias/app")), not_found("Invalid keyId 'alias/app'"));
    let elsewhere = format!("arn:aws:kms:us-west-2:123456789012:key/{ID}");
    assert_eq!(refusal(describe(&elsewhere)), not_found("Invalid arn us-west-2"));
    let foreign = format!("arn:aws:kms:us-east-1:210987654321:key/{ID}");
    assert_eq!(refusal(describe(&foreign)), not_found(&format!("Key '{foreign}' does not exist")));
    let no_id = "arn:aws:kms:us-east-1:123456789012:key/x";
    assert_eq!(refusal(describe(no_id)), not_found(&format!("Key '{no_id}' does not exist")));
    let foreign = "arn:aws:kms:us-east-1:210987654321:alias/app";
    assert_eq!(refusal(describe(foreign)), not_found(&format!("Alias {foreign} is not found.")));
    let alias = "arn:aws:kms:us-east-1:123456789012:alias/app";
    assert_eq!(refusal(enable(alias)), (ErrorCode::InvalidArn, format!("Invalid arn '{alias}'")));
    assert_eq!(
        refusal(describe("alias/a b")),
        not_found("Alias arn:aws:kms:us-east-1:123456789012:alias/a b is not found.")
    );
    for bad in
        ["arn:", "arn:aws:kms:us-east-1:123456789012", "arn:aws:s3:us-east-1:123456789012:key/x", "arn:aws:kms::::"]
    {
        assert!(describe(bad).is_err(), "{bad}");
        assert!(enable(bad).is_err(), "{bad}");
    }
    assert_eq!(
        refusal(describe("")),
        validation(
            "Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
    );
    let none = describe_key(DescribeKeyInput::default(), &namespace());
    assert_eq!(
        refusal(none),
        validation("Value null at 'keyId' failed to satisfy constraint: Member must not be null")
    );
    let long = describe(&"k".repeat(limits::KMS_KEY_ID_CHARS + 1));
    assert!(refusal(long).1.ends_with("Member must have length less than or equal to 2048"));
}

#[test]
fn keys_that_are_not_made_here_are_refused() {
    let create = |change: fn(&mut CreateKeyInput)| {
        let mut input = CreateKeyInput::default();
        change(&mut input);
        create_key(input)
    };
    assert!(create(|_| {}).is_ok());
    assert!(create(|input| input.key_spec = text("SYMMETRIC_DEFAULT")).is_ok());
    assert!(create(|input| input.customer_master_key_spec = text("SYMMETRIC_DEFAULT")).is_ok());
    let unsupported: [fn(&mut CreateKeyInput); 6] = [
        |input| input.key_spec = text("RSA_2048"),
        |input| input.customer_master_key_spec = text("HMAC_256"),
        |input| input.origin = text("EXTERNAL"),
        |input| input.multi_region = Some(true),
        |input| input.custom_key_store_id = text("cks-1234567890abcdef0"),
        |input| input.xks_key_id = text("key-1"),
    ];
    for change in unsupported {
        assert_eq!(refusal(create(change)).0, ErrorCode::UnsupportedOperation);
    }
    let invalid: [fn(&mut CreateKeyInput); 9] = [
        |input| input.key_spec = text("AES"),
        |input| input.key_usage = text("SIGN"),
        |input| input.key_usage = text("SIGN_VERIFY"),
        |input| input.origin = text("MOON"),
        |input| input.customer_master_key_spec = text("ML_KEM_512"),
        |input| input.description = Some("d".repeat(limits::KEY_DESCRIPTION_CHARS + 1)),
        |input| input.policy = text(""),
        |input| input.policy = text("\u{100}"),
        |input| {
            input.key_spec = text("SYMMETRIC_DEFAULT");
            input.customer_master_key_spec = text("SYMMETRIC_DEFAULT");
        },
    ];
    for change in invalid {
        assert_eq!(refusal(create(change)).0, ErrorCode::Validation);
    }
    assert_eq!(refusal(create(|input| input.policy = text("{}"))).0, ErrorCode::MalformedPolicyDocument);
    let long = |input: &mut CreateKeyInput| input.policy = Some(" ".repeat(limits::KEY_POLICY_BYTES + 1));
    assert_eq!(refusal(create(long)).0, ErrorCode::LimitExceeded);
}

#[test]
fn numbers_stay_in_their_ranges() {
    let schedule = |days| {
        let input = ScheduleKeyDeletionInput { key_id: text(ID), pending_window_in_days: days };
        schedule_key_deletion(input, &namespace())
    };
    assert_eq!(schedule(None).unwrap().window_days, 30);
    assert_eq!(schedule(Some(7)).unwrap().window_days, 7);
    for days in [i64::MIN, 0, 6, 31, 365, i64::MAX] {
        assert_eq!(refusal(schedule(Some(days))).0, ErrorCode::Validation, "{days}");
    }
    let rotation = |days| {
        let input = crate::api::keys::EnableKeyRotationInput { key_id: text(ID), rotation_period_in_days: Some(days) };
        enable_key_rotation(input, &namespace())
    };
    assert_eq!(rotation(2_560).unwrap().period_days, Some(2_560));
    assert!(rotation(89).is_err() && rotation(2_561).is_err());
    let random = |bytes| generate_random(GenerateRandomInput { number_of_bytes: bytes, ..Default::default() });
    assert_eq!(random(Some(1_024)).unwrap().bytes, 1_024);
    assert!(random(None).is_err() && random(Some(0)).is_err() && random(Some(1_025)).is_err());
    let list = |limit, marker: Option<&str>| {
        list_keys(ListKeysInput { limit, marker: marker.and_then(text), resource_owners: None })
    };
    assert_eq!(list(None, None).unwrap().page.limit, 100);
    assert!(list(Some(0), None).is_err() && list(Some(1_001), None).is_err());
    assert!(list(None, Some("")).is_err() && list(None, Some("\u{7}")).is_err());
    assert!(list(None, Some(&"m".repeat(1_025))).is_err());
}

#[test]
fn values_and_contexts_are_not_repeated() {
    let encrypt_of = |plaintext: Option<usize>, context| {
        encrypt(
            EncryptInput {
                key_id: text(ID),
                plaintext: plaintext.map(|length| Plaintext::new(vec![b'S'; length])),
                encryption_context: context,
                ..Default::default()
            },
            &namespace(),
        )
    };
    assert!(encrypt_of(Some(1), None).is_ok());
    assert!(encrypt_of(Some(4_096), context(&[("a", "b")])).is_ok());
    assert_eq!(
        refusal(encrypt_of(Some(4_097), None)),
        validation(
            "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
        )
    );
    assert!(encrypt_of(Some(0), None).is_err() && encrypt_of(None, None).is_err());

    // The canonical form has 2 bytes of its own, and 4 for each pair.
    let fits = "v".repeat(key_service::CONTEXT_BYTES - 2 - 4 - 1);
    assert!(encrypt_of(Some(1), context(&[("k", &fits)])).is_ok());
    let (code, message) = refusal(encrypt_of(Some(1), context(&[("k", &format!("{fits}v"))])));
    assert_eq!(code, ErrorCode::Validation);
    assert!(message.contains("'encryptionContext'") && !message.contains("vv"), "{message}");
    assert_eq!(refusal(encrypt_of(Some(1), context(&[("", "hidden")]))).0, ErrorCode::Validation);
}

#[test]
fn contexts_go_into_the_record_of_a_request() {
    let input = ReEncryptInput {
        ciphertext_blob: Some(vec![1]),
        destination_key_id: text(ID),
        source_encryption_context: context(&[("from", "1")]),
        destination_encryption_context: context(&[("to", "2")]),
        ..Default::default()
    };
    let contexts = re_encrypt(input, &namespace()).unwrap().encryption_contexts();
    let contexts: Vec<_> = contexts.iter().map(|pairs| pairs.as_ref().clone()).collect();
    assert_eq!(contexts, [context(&[("from", "1")]).unwrap(), context(&[("to", "2")]).unwrap()]);
}

#[test]
fn ciphertexts_have_a_length() {
    let decrypt_of = |length: Option<usize>| {
        let ciphertext_blob = length.map(|length| vec![0; length]);
        decrypt(DecryptInput { ciphertext_blob, ..Default::default() }, &namespace())
    };
    assert!(decrypt_of(Some(1)).is_ok() && decrypt_of(Some(6_144)).is_ok());
    assert_eq!(refusal(decrypt_of(Some(0))).0, ErrorCode::Validation);
    assert_eq!(refusal(decrypt_of(Some(6_145))).0, ErrorCode::Validation);
    assert_eq!(refusal(decrypt_of(None)).0, ErrorCode::Validation);
}

#[test]
fn what_is_of_other_keys_and_of_enclaves_is_refused() {
    let decrypt_with = |change: fn(&mut DecryptInput)| {
        let mut input = DecryptInput { ciphertext_blob: Some(vec![1]), ..Default::default() };
        change(&mut input);
        refusal(decrypt(input, &namespace())).0
    };
    assert_eq!(decrypt_with(|input| input.encryption_algorithm = text("SM2PKE")), ErrorCode::InvalidKeyUsage);
    assert_eq!(decrypt_with(|input| input.encryption_algorithm = text("ROT13")), ErrorCode::Validation);
    assert_eq!(
        decrypt_with(|input| input.recipient = Some(RecipientInput::default())),
        ErrorCode::UnsupportedOperation
    );
    let modifier = |input: &mut DecryptInput| input.dry_run_modifiers = Some(vec!["IGNORE_CIPHERTEXT".to_owned()]);
    assert_eq!(decrypt_with(modifier), ErrorCode::UnsupportedOperation);
    assert_eq!(decrypt_with(|input| input.dry_run_modifiers = Some(vec!["X".to_owned()])), ErrorCode::Validation);
    let tokens = |input: &mut DecryptInput| input.grant_tokens = Some(vec!["t".to_owned(); 11]);
    assert_eq!(decrypt_with(tokens), ErrorCode::Validation);
    assert_eq!(decrypt_with(|input| input.grant_tokens = Some(vec![String::new()])), ErrorCode::Validation);
}

#[test]
fn a_data_key_has_a_spec_or_a_length() {
    let made = |spec: Option<&str>, bytes| {
        let input = GenerateDataKeyInput {
            key_id: text(ID),
            key_spec: spec.and_then(text),
            number_of_bytes: bytes,
            ..Default::default()
        };
        generate_data_key(input, &namespace())
    };
    assert_eq!(made(Some("AES_256"), None).unwrap().bytes, 32);
    assert_eq!(made(Some("AES_128"), None).unwrap().bytes, 16);
    assert_eq!(made(None, Some(1)).unwrap().bytes, 1);
    for (spec, bytes) in [(None, None), (Some("AES_256"), Some(32)), (Some("AES"), None), (None, Some(1_025))] {
        assert_eq!(refusal(made(spec, bytes)).0, ErrorCode::Validation);
    }
}

#[test]
fn aliases_have_a_form() {
    let create = |name: &str, key: &str| {
        create_alias(CreateAliasInput { alias_name: text(name), target_key_id: text(key) }, &namespace())
    };
    assert_eq!(create("alias/app/db_1-x", ID).unwrap().name.as_str(), "alias/app/db_1-x");
    assert_eq!(refusal(create("app", ID)).0, ErrorCode::Validation);
    assert_eq!(refusal(create("alias/a b", ID)).0, ErrorCode::Validation);
    assert_eq!(refusal(create("alias/a:b", ID)).0, ErrorCode::InvalidAliasName);
    assert_eq!(refusal(create("alias/", ID)).0, ErrorCode::InvalidAliasName);
    assert_eq!(refusal(create(&format!("alias/{}", "a".repeat(251)), ID)).0, ErrorCode::Validation);
    let (code, message) = refusal(create("alias/app", "alias/other"));
    assert_eq!((code, message.as_str()), (ErrorCode::Validation, "Aliases must refer to keys. Not aliases"));
}

#[test]
fn grants_are_for_principals_of_accounts() {
    let create = |change: fn(&mut CreateGrantInput)| {
        let mut input = CreateGrantInput {
            key_id: text(ID),
            grantee_principal: text("arn:aws:iam::123456789012:role/app"),
            operations: Some(vec!["Decrypt".to_owned(), "Encrypt".to_owned(), "Decrypt".to_owned()]),
            ..Default::default()
        };
        change(&mut input);
        create_grant(input, &namespace())
    };
    assert_eq!(create(|_| {}).unwrap().terms.operations.len(), 2);
    let invalid: [fn(&mut CreateGrantInput); 7] = [
        |input| input.grantee_principal = None,
        |input| input.grantee_principal = text("a b"),
        |input| input.operations = None,
        |input| input.operations = Some(Vec::new()),
        |input| input.operations = Some(vec!["Sing".to_owned()]),
        |input| input.operations = Some(vec!["Sign".to_owned()]),
        |input| input.name = text("a b"),
    ];
    for change in invalid {
        assert_eq!(refusal(create(change)).0, ErrorCode::Validation);
    }
    assert_eq!(refusal(create(|input| input.grantee_principal = text("alice"))).0, ErrorCode::InvalidArn);
    assert_eq!(refusal(create(|input| input.retiring_principal = text("arn:aws:s3:::x"))).0, ErrorCode::InvalidArn);
    let service = |input: &mut CreateGrantInput| input.grantee_service_principal = text("x.amazonaws.com");
    assert_eq!(refusal(create(service)).0, ErrorCode::UnsupportedOperation);
    let source = |input: &mut CreateGrantInput| {
        let source_arn = text("arn:aws:s3:us-east-1:123456789012:x");
        input.constraints = Some(GrantConstraintsInput { source_arn, ..Default::default() });
    };
    assert_eq!(refusal(create(source)).0, ErrorCode::UnsupportedOperation);

    let neither = retire_grant(RetireGrantInput::default(), &namespace());
    assert_eq!(refusal(neither).0, ErrorCode::Validation);
    let both = RetireGrantInput { grant_token: text("t"), key_id: text(ID), ..Default::default() };
    assert_eq!(refusal(retire_grant(both, &namespace())).0, ErrorCode::Validation);
}

#[test]
fn tags_and_policies_have_rules() {
    let tag = |key: &str, value: &str| TagInput { key: text(key), value: text(value) };
    let tagged =
        |tags: Vec<TagInput>| refusal(tag_key(TagResourceInput { key_id: text(ID), tags: Some(tags) }, &namespace())).0;
    assert_eq!(tagged(vec![tag("a", ""), tag("a", "")]), ErrorCode::Tag);
    assert_eq!(tagged(vec![tag("AWS:x", "")]), ErrorCode::Tag);
    assert_eq!(tagged(vec![tag("a", "\u{7}")]), ErrorCode::Tag);
    assert_eq!(tagged((0..51).map(|n| tag(&n.to_string(), "")).collect()), ErrorCode::Tag);
    assert_eq!(tagged(vec![tag("", "")]), ErrorCode::Validation);
    assert_eq!(tagged(vec![TagInput { key: text("a"), value: None }]), ErrorCode::Validation);
    assert_eq!(tagged(vec![tag("a", &"v".repeat(257))]), ErrorCode::Validation);

    let named = |name: &str| {
        let input =
            PutKeyPolicyInput { key_id: text(ID), policy_name: text(name), policy: text("{}"), ..Default::default() };
        put_key_policy(input, &namespace())
    };
    assert_eq!(refusal(named("other")).0, ErrorCode::UnsupportedOperation);
    assert_eq!(refusal(named("a-b")).0, ErrorCode::Validation);
    assert_eq!(named("default").unwrap().policy.unwrap_err().code, ErrorCode::MalformedPolicyDocument);
    let get =
        |name: &str| get_key_policy(GetKeyPolicyInput { key_id: text(ID), policy_name: text(name) }, &namespace());
    assert!(get("default").unwrap().is_default && !get("other").unwrap().is_default);
}
