//! What the operations on keys promise, and what becomes of secrets when their keys change.

use std::collections::BTreeMap;

use types::{ApiError, ErrorCode, Plaintext};

use super::world::{World, region, text, token};
use crate::api::keys::{
    CancelKeyDeletionInput, CreateAliasInput, CreateGrantInput, CreateKeyInput, DecryptInput, DecryptOutput,
    DeleteAliasInput, DescribeKeyInput, DisableKeyInput, DisableKeyRotationInput, EnableKeyInput,
    EnableKeyRotationInput, EncryptInput, GenerateDataKeyInput, GenerateDataKeyWithoutPlaintextInput,
    GenerateRandomInput, GetKeyPolicyInput, GetKeyRotationStatusInput, KeyMetadata, ListAliasesInput, ListGrantsInput,
    ListKeyPoliciesInput, ListKeyRotationsInput, ListKeysInput, ListResourceTagsInput, ListRetirableGrantsInput,
    PutKeyPolicyInput, ReEncryptInput, RetireGrantInput, RevokeGrantInput, RotateKeyOnDemandInput,
    ScheduleKeyDeletionInput, TagResourceInput, UntagResourceInput, UpdateAliasInput, UpdateKeyDescriptionInput,
};
use crate::api::{
    BatchGetSecretValueInput, CreateSecretInput, ListSecretVersionIdsInput, ReplicaRegionInput,
    ReplicateSecretToRegionsInput, StopReplicationToReplicaInput, TagInput, UpdateSecretInput,
};
use crate::keys::{
    CancelKeyDeletion, CreateAlias, CreateGrant, CreateKey, Decrypt, DeleteAlias, DescribeKey, DisableKey,
    DisableKeyRotation, EnableKey, EnableKeyRotation, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext,
    GenerateRandom, GetKeyPolicy, GetKeyRotationStatus, ListAliases, ListGrants, ListKeyPolicies, ListKeyRotations,
    ListKeys, ListResourceTags, ListRetirableGrants, PutKeyPolicy, ReEncrypt, RetireGrant, RevokeGrant,
    RotateKeyOnDemand, ScheduleKeyDeletion, TagKey, UntagKey, UpdateAlias, UpdateKeyDescription,
};
use crate::secrets::{
    BatchGetSecretValue, CreateSecret, ListSecretVersionIds, ReplicateSecretToRegions, StopReplicationToReplica,
    UpdateSecret,
};

const ALIAS: &str = "alias/app";

async fn new_key(world: &World) -> KeyMetadata {
    world.write::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata
}

async fn metadata(world: &World, key: &str) -> Result<KeyMetadata, ApiError> {
    let input = DescribeKeyInput { key_id: text(key), grant_tokens: None };
    world.read::<DescribeKey>(input).await.map(|output| output.key_metadata)
}

async fn name(world: &World, alias: &str, key: &str) -> Result<(), ApiError> {
    world.write::<CreateAlias>(CreateAliasInput { alias_name: text(alias), target_key_id: text(key) }).await
}

async fn disable(world: &World, key: &str) -> Result<(), ApiError> {
    world.write::<DisableKey>(DisableKeyInput { key_id: text(key) }).await
}

async fn enable(world: &World, key: &str) -> Result<(), ApiError> {
    world.write::<EnableKey>(EnableKeyInput { key_id: text(key) }).await
}

async fn schedule(world: &World, key: &str) -> Result<(), ApiError> {
    let input = ScheduleKeyDeletionInput { key_id: text(key), pending_window_in_days: Some(7) };
    world.write::<ScheduleKeyDeletion>(input).await.map(drop)
}

async fn cancel(world: &World, key: &str) -> Result<(), ApiError> {
    world.write::<CancelKeyDeletion>(CancelKeyDeletionInput { key_id: text(key) }).await.map(drop)
}

async fn rotate(world: &World, key: &str) -> Result<(), ApiError> {
    world.write::<RotateKeyOnDemand>(RotateKeyOnDemandInput { key_id: text(key) }).await.map(drop)
}

fn context(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

async fn encrypt(world: &World, key: &str, pairs: &[(&str, &str)]) -> Result<Vec<u8>, ApiError> {
    let input = EncryptInput {
        key_id: text(key),
        plaintext: Some(Plaintext::copy_from(b"plain")),
        encryption_context: context(pairs),
        ..Default::default()
    };
    world.read::<Encrypt>(input).await.map(|output| output.ciphertext_blob)
}

async fn decrypt(
    world: &World,
    key: Option<&str>,
    blob: &[u8],
    pairs: &[(&str, &str)],
) -> Result<DecryptOutput, ApiError> {
    let input = DecryptInput {
        ciphertext_blob: Some(blob.to_vec()),
        key_id: key.and_then(text),
        encryption_context: context(pairs),
        ..Default::default()
    };
    world.read::<Decrypt>(input).await
}

async fn re_encrypt(world: &World, blob: &[u8], to: &str) -> Result<Vec<u8>, ApiError> {
    let input =
        ReEncryptInput { ciphertext_blob: Some(blob.to_vec()), destination_key_id: text(to), ..Default::default() };
    world.read::<ReEncrypt>(input).await.map(|output| output.ciphertext_blob)
}

async fn data_key(world: &World, key: &str) -> Result<(), ApiError> {
    let input = GenerateDataKeyInput { key_id: text(key), key_spec: text("AES_256"), ..Default::default() };
    world.read::<GenerateDataKey>(input).await.map(drop)
}

async fn hidden_data_key(world: &World, key: &str) -> Result<(), ApiError> {
    let input =
        GenerateDataKeyWithoutPlaintextInput { key_id: text(key), number_of_bytes: Some(64), ..Default::default() };
    world.read::<GenerateDataKeyWithoutPlaintext>(input).await.map(drop)
}

async fn grant(world: &World, key: &str, name: Option<&str>, dry_run: bool) -> Result<(String, String), ApiError> {
    let input = CreateGrantInput {
        key_id: text(key),
        grantee_principal: text("arn:aws:iam::123456789012:role/app"),
        retiring_principal: text("arn:aws:iam::123456789012:role/boss"),
        operations: Some(vec!["Decrypt".to_owned()]),
        name: name.and_then(text),
        dry_run: Some(dry_run),
        ..Default::default()
    };
    world.write::<CreateGrant>(input).await.map(|output| (output.grant_token, output.grant_id))
}

async fn grants(world: &World, key: &str) -> Vec<String> {
    let input = ListGrantsInput { key_id: text(key), ..Default::default() };
    world.read::<ListGrants>(input).await.unwrap().grants.into_iter().map(|grant| grant.grant_id).collect()
}

async fn policy(world: &World, key: &str, text_of: &str) -> Result<(), ApiError> {
    let input = PutKeyPolicyInput { key_id: text(key), policy: text(text_of), ..Default::default() };
    world.write::<PutKeyPolicy>(input).await
}

async fn under(world: &World, name: &str, key: &str) -> Result<(), ApiError> {
    let input = CreateSecretInput {
        name: text(name),
        client_request_token: text(&token("first")),
        secret_string: super::world::bytes("one"),
        kms_key_id: text(key),
        ..Default::default()
    };
    world.write::<CreateSecret>(input).await.map(drop)
}

async fn move_to(world: &World, name: &str, key: &str) -> Result<(), ApiError> {
    let input = UpdateSecretInput {
        secret_id: text(name),
        client_request_token: text(&token("update")),
        kms_key_id: text(key),
        ..Default::default()
    };
    world.write::<UpdateSecret>(input).await.map(drop)
}

async fn keys_of_versions(world: &World, name: &str) -> Vec<Vec<String>> {
    let input =
        ListSecretVersionIdsInput { secret_id: text(name), include_deprecated: Some(true), ..Default::default() };
    let listed = world.read::<ListSecretVersionIds>(input).await.unwrap();
    listed.versions.into_iter().map(|version| version.kms_key_ids).collect()
}

async fn value(world: &World, name: &str) -> Result<String, ApiError> {
    let got = world.get(name).await?;
    Ok(String::from_utf8(got.value.plaintext().expose_secret().to_vec()).unwrap())
}

fn code<T>(result: Result<T, ApiError>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[tokio::test]
async fn a_key_is_what_it_was_made_to_be() {
    let world = World::new();
    let input = CreateKeyInput {
        description: text("for tests"),
        tags: Some(vec![TagInput { key: text("b"), value: text("2") }, TagInput { key: text("a"), value: text("1") }]),
        ..Default::default()
    };
    let made = world.write::<CreateKey>(input).await.unwrap().key_metadata;
    assert_eq!(made.arn, format!("arn:aws:kms:us-east-1:123456789012:key/{}", made.key_id));
    assert_eq!((made.enabled, made.key_state, made.key_manager), (true, "Enabled", "CUSTOMER"));
    assert_eq!(made.current_key_material_id.as_ref().unwrap().len(), 64);
    name(&world, ALIAS, &made.key_id).await.unwrap();
    for form in [&made.key_id, &made.arn, ALIAS, "arn:aws:kms:us-east-1:123456789012:alias/app"] {
        assert_eq!(metadata(&world, form).await.unwrap(), made, "{form}");
    }
    let list = async |limit, marker| {
        let input = ListResourceTagsInput { key_id: text(&made.key_id), limit, marker };
        world.read::<ListResourceTags>(input).await
    };
    let first = list(Some(1), None).await.unwrap();
    assert_eq!(first.tags[0].key.as_ref(), "a");
    let second = list(Some(1), first.next_marker).await.unwrap();
    assert_eq!((second.tags[0].key.as_ref(), second.next_marker), ("b", None));
    let untag = UntagResourceInput { key_id: text(&made.key_id), tag_keys: Some(vec!["a".to_owned()]) };
    world.write::<UntagKey>(untag).await.unwrap();
    assert_eq!(list(None, None).await.unwrap().tags.len(), 1);
    let described = UpdateKeyDescriptionInput { key_id: text(&made.key_id), description: text("") };
    world.write::<UpdateKeyDescription>(described).await.unwrap();
    assert_eq!(metadata(&world, &made.key_id).await.unwrap().description, "");
    let missing = "00000000-0000-4000-8000-000000000000";
    let error = metadata(&world, missing).await.unwrap_err();
    let message = format!("Key 'arn:aws:kms:us-east-1:123456789012:key/{missing}' does not exist");
    assert_eq!((error.code, error.message.as_ref()), (ErrorCode::NotFound, message.as_str()));
}

#[tokio::test]
async fn a_key_is_of_one_region() {
    let mut world = World::new();
    let key = new_key(&world).await;
    world.caller.region = region("eu-central-1");
    assert_eq!(code(metadata(&world, &key.key_id).await), Some(ErrorCode::NotFound));
    assert_eq!(code(encrypt(&world, &key.key_id, &[]).await), Some(ErrorCode::NotFound));
}

/// What the table of key states lets each operation do, as `(operation, enabled, disabled, pending deletion)`.
#[tokio::test]
async fn operations_keep_to_the_table_of_key_states() {
    const OK: Option<ErrorCode> = None;
    const DISABLED: Option<ErrorCode> = Some(ErrorCode::Disabled);
    const STATE: Option<ErrorCode> = Some(ErrorCode::KmsInvalidState);
    let table = [
        ("encrypt", [OK, DISABLED, STATE]),
        ("decrypt", [OK, DISABLED, STATE]),
        ("re-encrypt from", [OK, DISABLED, STATE]),
        ("re-encrypt to", [OK, DISABLED, STATE]),
        ("data key", [OK, DISABLED, STATE]),
        ("hidden data key", [OK, DISABLED, STATE]),
        ("create grant", [OK, DISABLED, STATE]),
        ("enable rotation", [OK, DISABLED, STATE]),
        ("disable rotation", [OK, DISABLED, STATE]),
        ("rotate", [OK, DISABLED, STATE]),
        ("rotation status", [OK, OK, OK]),
        ("enable", [OK, OK, STATE]),
        ("disable", [OK, OK, STATE]),
        ("schedule deletion", [OK, OK, STATE]),
        ("cancel deletion", [STATE, STATE, OK]),
        ("create alias", [OK, OK, STATE]),
        ("update alias", [OK, OK, STATE]),
        ("delete alias", [OK, OK, OK]),
        ("describe", [OK, OK, OK]),
        ("list aliases", [OK, OK, OK]),
        ("list grants", [OK, OK, OK]),
        ("get policy", [OK, OK, OK]),
        ("put policy", [OK, OK, OK]),
        ("revoke grant", [OK, OK, OK]),
        ("retire grant", [OK, OK, OK]),
        ("tag", [OK, OK, STATE]),
        ("untag", [OK, OK, STATE]),
        ("update description", [OK, OK, STATE]),
    ];
    for (operation, expected) in table {
        for (state, expected) in expected.into_iter().enumerate() {
            let world = World::new();
            let (key, other) = (new_key(&world).await.key_id, new_key(&world).await.key_id);
            name(&world, ALIAS, &key).await.unwrap();
            name(&world, "alias/other", &other).await.unwrap();
            let blob = encrypt(&world, &key, &[]).await.unwrap();
            let others = encrypt(&world, &other, &[]).await.unwrap();
            let grant_id = grant(&world, &key, None, false).await.unwrap().1;
            let standard = GetKeyPolicyInput { key_id: text(&key), policy_name: None };
            let standard = world.read::<GetKeyPolicy>(standard).await.unwrap().policy;
            match state {
                0 => {}
                1 => disable(&world, &key).await.unwrap(),
                _ => schedule(&world, &key).await.unwrap(),
            }
            let id = text(&key);
            let came_to = match operation {
                "encrypt" => encrypt(&world, &key, &[]).await.map(drop),
                "decrypt" => decrypt(&world, None, &blob, &[]).await.map(drop),
                "re-encrypt from" => re_encrypt(&world, &blob, &other).await.map(drop),
                "re-encrypt to" => re_encrypt(&world, &others, &key).await.map(drop),
                "data key" => data_key(&world, &key).await,
                "hidden data key" => hidden_data_key(&world, &key).await,
                "create grant" => grant(&world, &key, None, false).await.map(drop),
                "enable rotation" => {
                    let input = EnableKeyRotationInput { key_id: id, rotation_period_in_days: Some(90) };
                    world.write::<EnableKeyRotation>(input).await
                }
                "disable rotation" => world.write::<DisableKeyRotation>(DisableKeyRotationInput { key_id: id }).await,
                "rotate" => rotate(&world, &key).await,
                "rotation status" => {
                    world.read::<GetKeyRotationStatus>(GetKeyRotationStatusInput { key_id: id }).await.map(drop)
                }
                "enable" => enable(&world, &key).await,
                "disable" => disable(&world, &key).await,
                "schedule deletion" => schedule(&world, &key).await,
                "cancel deletion" => cancel(&world, &key).await,
                "create alias" => name(&world, "alias/new", &key).await,
                "update alias" => {
                    let input = UpdateAliasInput { alias_name: text("alias/other"), target_key_id: id };
                    world.write::<UpdateAlias>(input).await
                }
                "delete alias" => world.write::<DeleteAlias>(DeleteAliasInput { alias_name: text(ALIAS) }).await,
                "describe" => metadata(&world, &key).await.map(drop),
                "list aliases" => {
                    let input = ListAliasesInput { key_id: id, ..Default::default() };
                    world.read::<ListAliases>(input).await.map(drop)
                }
                "list grants" => {
                    let input = ListGrantsInput { key_id: id, ..Default::default() };
                    world.read::<ListGrants>(input).await.map(drop)
                }
                "get policy" => {
                    let input = GetKeyPolicyInput { key_id: id, policy_name: None };
                    world.read::<GetKeyPolicy>(input).await.map(drop)
                }
                "put policy" => policy(&world, &key, &standard).await,
                "revoke grant" => {
                    let input = RevokeGrantInput { key_id: id, grant_id: text(&grant_id), dry_run: None };
                    world.write::<RevokeGrant>(input).await
                }
                "retire grant" => {
                    let input = RetireGrantInput { key_id: id, grant_id: text(&grant_id), ..Default::default() };
                    world.write::<RetireGrant>(input).await
                }
                "tag" => {
                    let tags = Some(vec![TagInput { key: text("a"), value: text("") }]);
                    world.write::<TagKey>(TagResourceInput { key_id: id, tags }).await
                }
                "untag" => {
                    let input = UntagResourceInput { key_id: id, tag_keys: Some(vec!["a".to_owned()]) };
                    world.write::<UntagKey>(input).await
                }
                "update description" => {
                    let input = UpdateKeyDescriptionInput { key_id: id, description: text("new") };
                    world.write::<UpdateKeyDescription>(input).await
                }
                other => panic!("no operation {other}"),
            };
            let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{key}");
            if let Err(error) = &came_to {
                let message = match (error.code, state) {
                    (ErrorCode::Disabled, _) => format!("{arn} is disabled."),
                    (_, 2) => format!("{arn} is pending deletion."),
                    _ => format!("{arn} is not pending deletion."),
                };
                assert_eq!(error.message.as_ref(), message, "{operation}");
            }
            assert_eq!(code(came_to), expected, "{operation} in state {state}");
        }
    }
}

#[tokio::test]
async fn a_key_whose_deletion_is_cancelled_is_disabled() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    schedule(&world, &key).await.unwrap();
    let going = metadata(&world, &key).await.unwrap();
    assert_eq!((going.key_state, going.enabled, going.deletion_date.is_some()), ("PendingDeletion", false, true));
    cancel(&world, &key).await.unwrap();
    let stays = metadata(&world, &key).await.unwrap();
    assert_eq!((stays.key_state, stays.enabled, stays.deletion_date), ("Disabled", false, None));
    enable(&world, &key).await.unwrap();
    assert!(encrypt(&world, &key, &[]).await.is_ok());
}

#[tokio::test]
async fn a_ciphertext_opens_with_its_context_alone_and_nobody_is_told_what_was_wrong() {
    let world = World::new();
    let (key, other) = (new_key(&world).await, new_key(&world).await);
    let pairs = [("app", "orders"), ("stage", "prod")];
    let blob = encrypt(&world, &key.key_id, &pairs).await.unwrap();
    let opened = decrypt(&world, None, &blob, &[("stage", "prod"), ("app", "orders")]).await.unwrap();
    assert_eq!((opened.plaintext.expose_secret(), opened.key_id.as_str()), (&b"plain"[..], key.arn.as_str()));
    assert_eq!(Some(opened.key_material_id), key.current_key_material_id);
    assert!(decrypt(&world, Some(&key.arn), &blob, &pairs).await.is_ok());
    assert_eq!(code(decrypt(&world, Some(&other.arn), &blob, &pairs).await), Some(ErrorCode::IncorrectKey));

    let same = ApiError::new(ErrorCode::InvalidCiphertext, "");
    let contexts: [&[(&str, &str)]; 4] =
        [&[], &[("app", "orders")], &[("App", "orders"), ("stage", "prod")], &[("app", "orders"), ("stage", "test")]];
    for pairs in contexts {
        assert_eq!(decrypt(&world, None, &blob, pairs).await.unwrap_err(), same, "{pairs:?}");
    }
    for length in 1..blob.len() {
        assert_eq!(decrypt(&world, None, &blob[..length], &pairs).await.unwrap_err(), same, "{length} bytes");
    }
    for byte in 0..blob.len() {
        let mut changed = blob.clone();
        changed[byte] ^= 1;
        assert_eq!(decrypt(&world, None, &changed, &pairs).await.unwrap_err(), same, "byte {byte}");
    }
    let foreign = World::new();
    let foreign_key = new_key(&foreign).await.key_id;
    let foreign = encrypt(&foreign, &foreign_key, &pairs).await.unwrap();
    assert_eq!(decrypt(&world, None, &foreign, &pairs).await.unwrap_err(), same);
}

#[tokio::test]
async fn what_is_re_encrypted_opens_under_the_other_key() {
    let world = World::new();
    let (key, other) = (new_key(&world).await, new_key(&world).await);
    let blob = encrypt(&world, &key.key_id, &[]).await.unwrap();
    let moved = re_encrypt(&world, &blob, &other.arn).await.unwrap();
    let opened = decrypt(&world, None, &moved, &[]).await.unwrap();
    assert_eq!((opened.plaintext.expose_secret(), opened.key_id), (&b"plain"[..], other.arn));
    disable(&world, &key.key_id).await.unwrap();
    assert!(decrypt(&world, None, &moved, &[]).await.is_ok());
    assert_eq!(code(decrypt(&world, None, &blob, &[]).await), Some(ErrorCode::Disabled));
}

#[tokio::test]
async fn a_data_key_is_what_its_ciphertext_holds() {
    let world = World::new();
    let key = new_key(&world).await;
    for (spec, bytes, length) in [(Some("AES_256"), None, 32), (Some("AES_128"), None, 16), (None, Some(1_024), 1_024)]
    {
        let input = GenerateDataKeyInput {
            key_id: text(&key.key_id),
            key_spec: spec.and_then(text),
            number_of_bytes: bytes,
            ..Default::default()
        };
        let made = world.read::<GenerateDataKey>(input).await.unwrap();
        assert_eq!(made.plaintext.len(), length);
        let opened = decrypt(&world, None, &made.ciphertext_blob, &[]).await.unwrap();
        assert_eq!(opened.plaintext.expose_secret(), made.plaintext.expose_secret());
    }
    let random = GenerateRandomInput { number_of_bytes: Some(64), ..Default::default() };
    let one = world.read::<GenerateRandom>(random).await.unwrap().plaintext;
    let random = GenerateRandomInput { number_of_bytes: Some(64), ..Default::default() };
    let other = world.read::<GenerateRandom>(random).await.unwrap().plaintext;
    assert_ne!(one.expose_secret(), other.expose_secret());
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_whether_it_would() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    let dry = |key: &str| EncryptInput {
        key_id: text(key),
        plaintext: Some(Plaintext::copy_from(b"plain")),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(code(world.read::<Encrypt>(dry(&key)).await), Some(ErrorCode::DryRunOperation));
    assert_eq!(code(grant(&world, &key, None, true).await), Some(ErrorCode::DryRunOperation));
    assert!(grants(&world, &key).await.is_empty());
    disable(&world, &key).await.unwrap();
    assert_eq!(code(world.read::<Encrypt>(dry(&key)).await), Some(ErrorCode::Disabled));
}

#[tokio::test]
async fn new_material_encrypts_and_old_material_decrypts_for_ever() {
    let world = World::new();
    let key = new_key(&world).await;
    let old = encrypt(&world, &key.key_id, &[]).await.unwrap();
    rotate(&world, &key.key_id).await.unwrap();
    let new = encrypt(&world, &key.key_id, &[]).await.unwrap();
    let (of_old, of_new) =
        (decrypt(&world, None, &old, &[]).await.unwrap(), decrypt(&world, None, &new, &[]).await.unwrap());
    assert_eq!(Some(of_old.key_material_id), key.current_key_material_id);
    assert_eq!(Some(of_new.key_material_id), metadata(&world, &key.key_id).await.unwrap().current_key_material_id);
    let list = async |material: Option<&str>| {
        let input = ListKeyRotationsInput {
            key_id: text(&key.key_id),
            include_key_material: material.and_then(text),
            ..Default::default()
        };
        world.read::<ListKeyRotations>(input).await.unwrap().rotations
    };
    let rotations = list(None).await;
    assert_eq!((rotations.len(), rotations[0].rotation_type), (1, Some("ON_DEMAND")));
    let all = list(Some("ALL_KEY_MATERIAL")).await;
    let states: Vec<_> = all.iter().map(|entry| (entry.key_material_state, entry.rotation_type)).collect();
    assert_eq!(states, [(Some("NON_CURRENT"), None), (Some("CURRENT"), Some("ON_DEMAND"))]);
}

#[tokio::test]
async fn a_key_rotates_by_itself_when_its_period_is_over() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    let input = EnableKeyRotationInput { key_id: text(&key), rotation_period_in_days: Some(90) };
    world.write::<EnableKeyRotation>(input).await.unwrap();
    let status =
        async || world.read::<GetKeyRotationStatus>(GetKeyRotationStatusInput { key_id: text(&key) }).await.unwrap();
    let first = status().await;
    assert_eq!((first.key_rotation_enabled, first.rotation_period_in_days), (true, Some(90)));
    world.pass_days(89);
    assert!(!world.door.work_on_keys().await);
    disable(&world, &key).await.unwrap();
    world.pass_days(2);
    assert!(!world.door.work_on_keys().await);
    enable(&world, &key).await.unwrap();
    assert!(world.door.work_on_keys().await);
    assert!(status().await.next_rotation_date > first.next_rotation_date);
    let input = ListKeyRotationsInput { key_id: text(&key), ..Default::default() };
    let rotations = world.read::<ListKeyRotations>(input).await.unwrap().rotations;
    assert_eq!((rotations.len(), rotations[0].rotation_type), (1, Some("AUTOMATIC")));
    while world.door.work_on_keys().await {}
    world.write::<DisableKeyRotation>(DisableKeyRotationInput { key_id: text(&key) }).await.unwrap();
    world.pass_days(400);
    assert!(!world.door.work_on_keys().await);
    assert!(!status().await.key_rotation_enabled);
}

#[tokio::test]
async fn pages_of_keys_and_aliases_hold_each_once() {
    let mut world = World::new();
    for number in 0..5 {
        let key = new_key(&world).await.key_id;
        name(&world, &format!("alias/{}", ["b", "zz", "a", "aws-not", "c"][number]), &key).await.unwrap();
    }
    let list_keys = async |world: &World, limit, marker| {
        world.read::<ListKeys>(ListKeysInput { limit, marker, resource_owners: None }).await
    };
    let all = list_keys(&world, None, None).await.unwrap();
    // The sixth is the one that the cluster was started with.
    assert_eq!((all.keys.len(), all.next_marker), (6, None));
    let (mut paged, mut marker) = (Vec::new(), None);
    loop {
        let page = list_keys(&world, Some(2), marker).await.unwrap();
        paged.extend(page.keys);
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.keys);

    let list = async |limit, marker| world.read::<ListAliases>(ListAliasesInput { key_id: None, limit, marker }).await;
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let page = list(Some(1), marker).await.unwrap();
        names.extend(page.aliases.into_iter().map(|alias| alias.alias_name));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    let expected = ["alias/a", "alias/aws-not", "alias/aws/secretsmanager", "alias/b", "alias/c", "alias/zz"];
    assert_eq!(names, expected);

    let of_aliases = list(Some(1), None).await.unwrap().next_marker;
    let of_keys = list_keys(&world, Some(1), None).await.unwrap().next_marker;
    assert_eq!(code(list_keys(&world, None, of_aliases.clone()).await), Some(ErrorCode::InvalidMarker));
    assert_eq!(code(list(None, of_keys.clone()).await), Some(ErrorCode::InvalidMarker));
    assert_eq!(code(list(None, text("x")).await), Some(ErrorCode::InvalidMarker));
    world.caller.region = region("eu-central-1");
    assert_eq!(code(list_keys(&world, None, of_keys).await), Some(ErrorCode::InvalidMarker));
}

#[tokio::test]
async fn aliases_are_unique_and_those_of_the_service_are_nobodys() {
    let world = World::new();
    let (key, other) = (new_key(&world).await.key_id, new_key(&world).await.key_id);
    name(&world, ALIAS, &key).await.unwrap();
    let taken = name(&world, ALIAS, &other).await.unwrap_err();
    assert_eq!(
        (taken.code, taken.message.as_ref()),
        (
            ErrorCode::AlreadyExists,
            "An alias with the name arn:aws:kms:us-east-1:123456789012:alias/app already exists"
        )
    );
    assert_eq!(code(name(&world, "alias/aws/x", &key).await), Some(ErrorCode::InvalidAliasName));
    let delete = async |alias: &str| world.write::<DeleteAlias>(DeleteAliasInput { alias_name: text(alias) }).await;
    assert_eq!(code(delete("alias/aws/secretsmanager").await), Some(ErrorCode::InvalidAliasName));
    assert_eq!(code(delete("alias/none").await), Some(ErrorCode::NotFound));
    let blob = encrypt(&world, ALIAS, &[]).await.unwrap();
    let input = UpdateAliasInput { alias_name: text(ALIAS), target_key_id: text(&other) };
    world.write::<UpdateAlias>(input).await.unwrap();
    assert_eq!(metadata(&world, ALIAS).await.unwrap().key_id, other);
    // What an alias named before still opens: the ciphertext names its key.
    assert!(decrypt(&world, None, &blob, &[]).await.is_ok());
    assert_eq!(code(decrypt(&world, Some(ALIAS), &blob, &[]).await), Some(ErrorCode::IncorrectKey));
    delete(ALIAS).await.unwrap();
    let gone = encrypt(&world, ALIAS, &[]).await.unwrap_err();
    assert_eq!(gone.message, "Alias arn:aws:kms:us-east-1:123456789012:alias/app is not found.");
}

#[tokio::test]
async fn the_services_own_key_is_used_through_it_alone() {
    let world = World::new();
    let own = metadata(&world, "alias/aws/secretsmanager").await.unwrap();
    assert_eq!(own.key_manager, "AWS");
    let denied = Some(ErrorCode::AccessDenied);
    assert_eq!(code(encrypt(&world, &own.key_id, &[]).await), denied);
    assert_eq!(code(data_key(&world, "alias/aws/secretsmanager").await), denied);
    assert_eq!(code(disable(&world, &own.key_id).await), denied);
    assert_eq!(code(schedule(&world, &own.key_id).await), denied);
    assert_eq!(code(rotate(&world, &own.key_id).await), denied);
    assert_eq!(code(name(&world, ALIAS, &own.key_id).await), denied);
    let input = GetKeyPolicyInput { key_id: text(&own.key_id), policy_name: None };
    assert!(world.read::<GetKeyPolicy>(input).await.unwrap().policy.contains("kms:ViaService"));
}

#[tokio::test]
async fn a_policy_that_locks_out_its_author_is_refused_unless_asked_for() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    let names = ListKeyPoliciesInput { key_id: text(&key), ..Default::default() };
    assert_eq!(world.read::<ListKeyPolicies>(names).await.unwrap().policy_names, ["default"]);
    let allows_role = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/app"},"Action":"kms:*","Resource":"*"}}"#;
    let refused = policy(&world, &key, allows_role).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::MalformedPolicyDocument);
    let input = CreateKeyInput { policy: text(allows_role), ..Default::default() };
    assert_eq!(code(world.write::<CreateKey>(input).await), Some(ErrorCode::MalformedPolicyDocument));
    let input = PutKeyPolicyInput {
        key_id: text(&key),
        policy: text(allows_role),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    };
    world.write::<PutKeyPolicy>(input).await.unwrap();
    let input = GetKeyPolicyInput { key_id: text(&key), policy_name: None };
    assert_eq!(world.read::<GetKeyPolicy>(input).await.unwrap().policy, allows_role);
}

#[tokio::test]
async fn grants_are_listed_until_they_are_revoked_or_retired() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    let (token, first) = grant(&world, &key, Some("one"), false).await.unwrap();
    assert_eq!(grant(&world, &key, Some("one"), false).await.unwrap().1, first);
    let second = grant(&world, &key, None, false).await.unwrap().1;
    let third = grant(&world, &key, None, false).await.unwrap().1;
    assert_eq!(grants(&world, &key).await, [first.clone(), second.clone(), third.clone()]);

    let page = ListGrantsInput { key_id: text(&key), limit: Some(2), ..Default::default() };
    let page = world.read::<ListGrants>(page).await.unwrap();
    let next = ListGrantsInput { key_id: text(&key), marker: page.next_marker, ..Default::default() };
    let next = world.read::<ListGrants>(next).await.unwrap();
    assert_eq!((page.grants.len(), next.grants[0].grant_id.clone(), next.next_marker), (2, third.clone(), None));
    let only = ListGrantsInput { key_id: text(&key), grant_id: text(&second), ..Default::default() };
    assert_eq!(world.read::<ListGrants>(only).await.unwrap().grants.len(), 1);
    let retirable = ListRetirableGrantsInput {
        retiring_principal: text("arn:aws:iam::123456789012:role/boss"),
        ..Default::default()
    };
    assert_eq!(world.read::<ListRetirableGrants>(retirable).await.unwrap().grants.len(), 3);

    let by_token = |token: &str| RetireGrantInput { grant_token: text(token), ..Default::default() };
    assert_eq!(code(world.write::<RetireGrant>(by_token("x")).await), Some(ErrorCode::InvalidGrantToken));
    world.write::<RetireGrant>(by_token(&token)).await.unwrap();
    assert_eq!(code(world.write::<RetireGrant>(by_token(&token)).await), Some(ErrorCode::NotFound));
    let revoke = |id: &str| RevokeGrantInput { key_id: text(&key), grant_id: text(id), dry_run: None };
    world.write::<RevokeGrant>(revoke(&second)).await.unwrap();
    assert_eq!(code(world.write::<RevokeGrant>(revoke(&second)).await), Some(ErrorCode::NotFound));
    assert_eq!(code(world.write::<RevokeGrant>(revoke("nothing")).await), Some(ErrorCode::NotFound));
    assert_eq!(grants(&world, &key).await, [third]);
}

#[tokio::test]
async fn a_disabled_key_is_refused_on_a_node_that_lags_behind() {
    let world = World::new();
    let key = new_key(&world).await.key_id;
    under(&world, "s", &key).await.unwrap();
    let blob = encrypt(&world, &key, &[]).await.unwrap();
    // Opens the material, which this node keeps.
    assert_eq!(value(&world, "s").await.unwrap(), "one");
    world.lag();
    world
        .cluster
        .lock()
        .commit(state::Command::ChangeKey(state::ChangeKey {
            key: key.parse().unwrap(),
            change: state::KeyChange::Disable,
        }))
        .unwrap();
    assert_eq!(code(decrypt(&world, None, &blob, &[]).await), Some(ErrorCode::Disabled));
    assert_eq!(code(value(&world, "s").await), Some(ErrorCode::DecryptionFailure));
    assert_eq!(code(world.put("s", &token("v2"), "two", &[]).await), Some(ErrorCode::EncryptionFailure));
}

#[tokio::test]
async fn a_secret_goes_by_the_state_of_its_key() {
    let world = World::new();
    let key = new_key(&world).await;
    name(&world, ALIAS, &key.key_id).await.unwrap();
    world.create("other", Some("free")).await.unwrap();
    for (number, form) in
        [&key.key_id, &key.arn, ALIAS, "arn:aws:kms:us-east-1:123456789012:alias/app"].into_iter().enumerate()
    {
        let name = format!("s{number}");
        under(&world, &name, form).await.unwrap();
        assert_eq!(world.describe(&name).await.unwrap().kms_key_id, Some(key.arn.clone()));
        assert_eq!(keys_of_versions(&world, &name).await, [vec![key.arn.clone()]]);
    }
    assert_eq!(code(under(&world, "none", "alias/none").await), Some(ErrorCode::ResourceNotFound));
    for ended in [disable(&world, &key.key_id).await, schedule(&world, &key.key_id).await] {
        ended.unwrap();
        assert_eq!(code(value(&world, "s0").await), Some(ErrorCode::DecryptionFailure));
        assert_eq!(code(world.put("s0", &token("v2"), "two", &[]).await), Some(ErrorCode::EncryptionFailure));
        assert_eq!(code(under(&world, "new", &key.key_id).await), Some(ErrorCode::EncryptionFailure));
        let batch = BatchGetSecretValueInput {
            secret_id_list: Some(vec!["other".to_owned(), "s0".to_owned()]),
            ..Default::default()
        };
        let batch = world.read::<BatchGetSecretValue>(batch).await.unwrap();
        assert_eq!((batch.secret_values.len(), batch.errors[0].error.code), (1, ErrorCode::DecryptionFailure));
        // What is no value goes on.
        assert!(world.describe("s0").await.is_ok());
        world.delete("s1", Some(7)).await.unwrap();
        let restore = crate::api::RestoreSecretInput { secret_id: text("s1") };
        world.write::<crate::secrets::RestoreSecret>(restore).await.unwrap();
        let described = UpdateSecretInput {
            secret_id: text("s0"),
            client_request_token: text(&token("update")),
            description: text("new"),
            ..Default::default()
        };
        world.write::<UpdateSecret>(described).await.unwrap();
    }
    cancel(&world, &key.key_id).await.unwrap();
    enable(&world, &key.key_id).await.unwrap();
    assert_eq!(value(&world, "s0").await.unwrap(), "one");
    world.put("s0", &token("v2"), "two", &[]).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_changes_its_key_needs_the_old_one_no_more() {
    let world = World::new();
    let (old, new) = (new_key(&world).await, new_key(&world).await);
    under(&world, "s", &old.key_id).await.unwrap();
    for version in ["v2", "v3"] {
        world.put("s", &token(version), version, &[]).await.unwrap();
    }
    let versions_before = keys_of_versions(&world, "s").await.len();
    move_to(&world, "s", &new.arn).await.unwrap();
    disable(&world, &old.key_id).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "v3");
    let previous = world.get_version("s", None, Some("AWSPREVIOUS")).await.unwrap();
    assert_eq!(previous.value.plaintext().expose_secret(), b"v2");
    // The version without a label stays where it was.
    let first = world.get_version("s", Some(&token("first")), None).await;
    assert_eq!(code(first), Some(ErrorCode::DecryptionFailure));
    let listed = keys_of_versions(&world, "s").await;
    assert_eq!(listed, [vec![old.arn], vec![new.arn.clone()], vec![new.arn.clone()]]);
    assert_eq!(versions_before, listed.len());

    move_to(&world, "s", "").await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().kms_key_id, None);
    disable(&world, &new.key_id).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "v3");
    assert_eq!(keys_of_versions(&world, "s").await[2], ["DefaultEncryptionKey"]);
}

#[tokio::test]
async fn versions_that_cannot_be_opened_stay_under_their_key() {
    let world = World::new();
    let (old, new) = (new_key(&world).await, new_key(&world).await);
    under(&world, "s", &old.key_id).await.unwrap();
    disable(&world, &old.key_id).await.unwrap();
    move_to(&world, "s", &new.key_id).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().kms_key_id, Some(new.arn));
    assert_eq!(code(value(&world, "s").await), Some(ErrorCode::DecryptionFailure));
    enable(&world, &old.key_id).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "one");
}

#[tokio::test]
async fn a_replica_goes_by_the_state_of_its_own_key_too() {
    let mut world = World::new();
    under(&world, "s", "").await.unwrap();
    world.caller.region = region("eu-central-1");
    let there = new_key(&world).await;
    world.caller.region = region("us-east-1");
    let input = ReplicateSecretToRegionsInput {
        secret_id: text("s"),
        add_replica_regions: Some(vec![ReplicaRegionInput {
            region: text("eu-central-1"),
            kms_key_id: text(&there.arn),
        }]),
        ..Default::default()
    };
    let answer = world.write::<ReplicateSecretToRegions>(input).await.unwrap();
    assert_eq!(answer.replication_status[0].kms_key_id, there.arn);
    world.caller.region = region("eu-central-1");
    assert_eq!(value(&world, "s").await.unwrap(), "one");
    assert_eq!(world.describe("s").await.unwrap().kms_key_id, Some(there.arn));
    disable(&world, &there.key_id).await.unwrap();
    assert_eq!(code(value(&world, "s").await), Some(ErrorCode::DecryptionFailure));
    world.caller.region = region("us-east-1");
    assert_eq!(value(&world, "s").await.unwrap(), "one");

    // Promoted, it still has the primary's wraps and goes by the key that it shows.
    world.caller.region = region("eu-central-1");
    enable(&world, &there.key_id).await.unwrap();
    let stop = StopReplicationToReplicaInput { secret_id: text("s") };
    world.write::<StopReplicationToReplica>(stop).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "one");
    disable(&world, &there.key_id).await.unwrap();
    assert_eq!(code(value(&world, "s").await), Some(ErrorCode::DecryptionFailure));
}

#[tokio::test]
async fn a_value_that_meets_a_change_of_the_secrets_key_is_sealed_again_under_the_new_one() {
    let world = World::new();
    let (old, new) = (new_key(&world).await, new_key(&world).await);
    under(&world, "s", &old.key_id).await.unwrap();
    let state = world.state();
    let target = state.secrets_from(state::SecretUid(0)).last().unwrap().arn.clone();
    let arn = new.arn.clone();
    world.before_next_proposal(move |replication| {
        let command = state::UpdateSecret {
            target,
            token: types::VersionId::parse(&token("v9")).unwrap(),
            description: None,
            kms_key_id: Some(arn.into()),
            value: None,
            rewrap: None,
        };
        replication.commit(state::Command::UpdateSecret(command)).unwrap();
    });
    world.put("s", &token("v2"), "two", &[]).await.unwrap();
    assert_eq!(keys_of_versions(&world, "s").await.iter().filter(|keys| **keys == [new.arn.clone()]).count(), 1);
    disable(&world, &old.key_id).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "two");
}

#[tokio::test]
async fn a_rotation_is_followed_by_a_rewrap_that_goes_on_where_it_was() {
    const SECRETS: usize = 600;
    let world = World::new();
    let key = new_key(&world).await;
    world.create("other", Some("free")).await.unwrap();
    for number in 0..SECRETS {
        under(&world, &format!("s{number}"), &key.key_id).await.unwrap();
    }
    rotate(&world, &key.key_id).await.unwrap();
    let job = |world: &World| {
        let state = world.state();
        let key = state.encryption_key(&key.key_id.parse().unwrap()).unwrap();
        state.rewrap_job(key).unwrap().as_ref().clone()
    };
    assert!(world.door.work_on_keys().await);
    let begun = job(&world);
    let id = begun.key;
    assert!((1..SECRETS as u64).contains(&begun.rewrapped) && begun.finished.is_none(), "{begun:?}");
    // A step that was planned on an older state is not taken.
    world.before_next_proposal(move |replication| {
        let change = state::KeyChange::Description("changed".into());
        replication.commit(state::Command::ChangeKey(state::ChangeKey { key: id, change })).unwrap();
    });
    assert!(!world.door.work_on_keys().await);
    assert_eq!(job(&world), begun);
    disable(&world, &key.key_id).await.unwrap();
    assert!(!world.door.work_on_keys().await);
    enable(&world, &key.key_id).await.unwrap();
    while world.door.work_on_keys().await {
        assert_eq!(value(&world, "s0").await.unwrap(), "one");
        assert_eq!(value(&world, &format!("s{}", SECRETS - 1)).await.unwrap(), "one");
    }
    let ended = job(&world);
    assert!(ended.finished.is_some());
    assert_eq!((ended.rewrapped, ended.failed, ended.secrets), (SECRETS as u64, 0, SECRETS as u64 + 1));
    let state = world.state();
    for secret in state.secrets_from(state::SecretUid(0)).filter(|secret| secret.kms_key_id.is_some()) {
        for entry in secret.versions.iter() {
            assert_eq!(entry.version.value.as_ref().unwrap().material, 2);
        }
        assert_eq!(value(&world, secret.name.as_str()).await.unwrap(), "one");
    }
}

#[tokio::test]
async fn a_region_without_a_default_key_gets_one_with_its_first_secret() {
    let world = World::new();
    world.cluster.lock().rewrite(|record| match record {
        state::Record::EncryptionKey(key) => state::Record::EncryptionKey(std::sync::Arc::new(state::EncryptionKey {
            region: Some(region("eu-central-1")),
            ..key.as_ref().clone()
        })),
        other => other,
    });
    assert_eq!(code(metadata(&world, "alias/aws/secretsmanager").await), Some(ErrorCode::NotFound));
    world.create("s", Some("one")).await.unwrap();
    let made = metadata(&world, "alias/aws/secretsmanager").await.unwrap();
    assert_eq!((made.key_manager, made.key_state), ("AWS", "Enabled"));
    assert_eq!(keys_of_versions(&world, "s").await, [["DefaultEncryptionKey"]]);
    world.create("t", Some("two")).await.unwrap();
    assert_eq!(value(&world, "s").await.unwrap(), "one");
    let keys = world.read::<ListKeys>(ListKeysInput::default()).await.unwrap().keys;
    assert_eq!(keys.len(), 1);
}
