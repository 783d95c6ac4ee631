//! Keys, over this front.

use std::collections::BTreeMap;

use proto::keys::v1 as keys_pb;
use proto::keys::v1::keys_client::KeysClient;
use service::api::keys::{
    CreateGrantInput, CreateGrantOutput, DecryptInput, DecryptOutput, DisableKeyInput, EncryptInput, EncryptOutput,
    GrantConstraints, GrantListEntry, ListGrantsInput, ListGrantsOutput,
};

use super::*;

/// What the fake answers to these; `None` to others.
pub(super) fn output(input: &dyn Any) -> Option<Box<dyn Any>> {
    let key_id = || "arn".to_owned();
    Some(if input.is::<EncryptInput>() {
        let encryption_algorithm = "SYMMETRIC_DEFAULT";
        Box::new(EncryptOutput { ciphertext_blob: vec![0, 255], key_id: key_id(), encryption_algorithm })
    } else if input.is::<DecryptInput>() {
        Box::new(DecryptOutput {
            key_id: key_id(),
            plaintext: Plaintext::copy_from(b"hunter2"),
            encryption_algorithm: "SYMMETRIC_DEFAULT",
            key_material_id: "m".to_owned(),
        })
    } else if input.is::<DisableKeyInput>() {
        Box::new(())
    } else if input.is::<CreateGrantInput>() {
        Box::new(CreateGrantOutput { grant_token: "t".to_owned(), grant_id: "g".to_owned() })
    } else if input.is::<ListGrantsInput>() {
        let grant = GrantListEntry {
            key_id: key_id(),
            grant_id: "g".to_owned(),
            name: None,
            creation_date: Timestamp::from_millis(1_500),
            grantee_principal: "p".to_owned(),
            retiring_principal: None,
            issuing_account: "r".to_owned(),
            operations: vec!["Decrypt".to_owned()],
            constraints: Some(GrantConstraints {
                encryption_context_subset: None,
                encryption_context_equals: Some(BTreeMap::new()),
            }),
        };
        Box::new(ListGrantsOutput { grants: vec![grant], next_marker: Some("m".to_owned()) })
    } else {
        return None;
    })
}

fn keys(fake: &Fake) -> KeysClient<Router> {
    KeysClient::new(app(fake))
}

#[tokio::test]
async fn what_is_encrypted_arrives_and_comes_back() {
    let fake = Fake::new();
    let mut client = keys(&fake);
    let mut request = keys_pb::EncryptRequest::default();
    request.key_id = "alias/app".to_owned();
    request.plaintext = b"hunter2".to_vec();
    request.encryption_context = [("b", ""), ("a", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    request.grant_tokens = vec!["t".to_owned()];
    assert_eq!(format!("{request:?}"), "EncryptRequest");
    let encrypted = client.encrypt(request).await.unwrap().into_inner();
    assert_eq!(
        fake.only_call().input,
        "EncryptInput { key_id: Some(\"alias/app\"), plaintext: Some(Plaintext(7 bytes)), encryption_context: \
         Some({\"a\": \"1\", \"b\": \"\"}), grant_tokens: Some([\"t\"]), encryption_algorithm: None, dry_run: \
         Some(false) }"
    );
    assert_eq!((encrypted.ciphertext_blob, encrypted.key_id.as_str()), (vec![0, 255], "arn"));
    assert_eq!(encrypted.applied_index, INDEX);

    let request = keys_pb::DecryptRequest { ciphertext_blob: vec![0, 255], ..Default::default() };
    let decrypted = client.decrypt(request).await.unwrap().into_inner();
    let input = fake.only_call().input;
    assert!(input.contains("ciphertext_blob: Some([0, 255])") && input.contains("key_id: None"), "{input}");
    assert_eq!((decrypted.plaintext.as_slice(), decrypted.applied_index), (&b"hunter2"[..], INDEX));
    assert_eq!(format!("{decrypted:?}"), "DecryptResponse");

    // What is empty and must be there is told so by the service, as absent.
    client.encrypt(keys_pb::EncryptRequest::default()).await.unwrap();
    let input = fake.only_call().input;
    assert!(input.contains("key_id: None, plaintext: None, encryption_context: Some({})"), "{input}");
}

#[tokio::test]
async fn an_operation_without_an_answer_tells_the_index_and_a_refusal_its_code() {
    let fake = Fake::new();
    let request = || keys_pb::DisableKeyRequest { key_id: "k".to_owned() };
    let disabled = keys(&fake).disable_key(request()).await.unwrap().into_inner();
    assert_eq!(disabled.applied_index, INDEX);
    assert_eq!(fake.only_call().input, "DisableKeyInput { key_id: Some(\"k\") }");
    let error = ApiError::new(ErrorCode::KmsInvalidState, "arn is pending deletion.");
    let status = keys(&Fake::refusing(error)).disable_key(request()).await.unwrap_err();
    let wire = from_wire_error(&status).unwrap();
    assert_eq!((status.code(), wire.code), (Code::FailedPrecondition, Some(ErrorCode::KmsInvalidState)));
    assert_eq!((wire.reason.as_str(), wire.message.as_str()), ("KMSInvalidStateException", "arn is pending deletion."));
}

#[tokio::test]
async fn a_constraint_that_is_empty_is_not_one_that_is_absent() {
    let fake = Fake::new();
    let mut client = keys(&fake);
    let constraints = keys_pb::GrantConstraints {
        encryption_context_subset: None,
        encryption_context_equals: Some(keys_pb::EncryptionContext::default()),
    };
    let request = keys_pb::CreateGrantRequest { constraints: Some(constraints.clone()), ..Default::default() };
    client.create_grant(request).await.unwrap();
    let input = fake.only_call().input;
    assert!(
        input.contains(
            "GrantConstraintsInput { encryption_context_subset: None, encryption_context_equals: Some({}), source_arn: \
             None }"
        ),
        "{input}"
    );
    let page = client.list_grants(keys_pb::ListGrantsRequest::default()).await.unwrap().into_inner();
    assert_eq!((page.truncated, page.next_marker.as_deref(), page.applied_index), (true, Some("m"), INDEX));
    assert_eq!(page.grants[0].constraints, Some(constraints));
}
