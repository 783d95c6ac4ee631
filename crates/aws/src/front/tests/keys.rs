//! KMS, over this front.

use service::api::keys::{DisableKeyInput, EncryptInput, EncryptOutput, GenerateRandomInput, GenerateRandomOutput};

use super::*;

const KEY_ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/6c155336-210f-43ee-9d2d-57a29a32e31c";

/// What the script answers to these; `None` to others.
pub(super) fn scripted(input: &dyn Any) -> Option<Box<dyn Any>> {
    Some(if let Some(input) = input.downcast_ref::<EncryptInput>() {
        assert_eq!(input.key_id.as_deref(), Some("alias/app"));
        assert_eq!(input.plaintext.as_ref().unwrap().expose_secret(), b"hunter2");
        let context = input.encryption_context.as_ref().unwrap();
        let pairs: Vec<(&str, &str)> = context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "")]);
        assert_eq!(input.grant_tokens.as_deref(), Some(&["t".to_owned()][..]));
        assert_eq!(input.dry_run, Some(false));
        let encryption_algorithm = "SYMMETRIC_DEFAULT";
        Box::new(EncryptOutput { ciphertext_blob: vec![0, 1, 255], key_id: KEY_ARN.to_owned(), encryption_algorithm })
    } else if let Some(input) = input.downcast_ref::<DisableKeyInput>() {
        assert_eq!(input.key_id.as_deref(), Some(KEY_ARN));
        Box::new(())
    } else if let Some(input) = input.downcast_ref::<GenerateRandomInput>() {
        assert_eq!(input.number_of_bytes, Some(2));
        Box::new(GenerateRandomOutput { plaintext: Plaintext::copy_from(&[0, 255]) })
    } else {
        return None;
    })
}

fn draft(name: &str, body: &str) -> Draft {
    let mut draft = operation(name, body);
    for (header, value) in &mut draft.headers {
        if header == "x-amz-target" {
            *value = format!("TrentService.{name}");
        }
    }
    draft
}

fn signed_for(draft: &Draft, service: &str) -> Request {
    Request::from_parts(draft.signed("us-east-1", service), Body::from(draft.body.clone()))
}

#[tokio::test]
async fn a_request_to_kms_is_signed_for_kms_and_answered_as_kms_does() {
    let body = r#"{"KeyId":"alias/app","Plaintext":"aHVudGVyMg==","EncryptionContext":{"b":"","a":"1"},
        "GrantTokens":["t"],"EncryptionAlgorithm":null,"DryRun":false}"#;
    let got = send(Script::new(), signed_for(&draft("Encrypt", body), "kms")).await;
    let answer =
        format!(r#"{{"CiphertextBlob":"AAH/","KeyId":"{KEY_ARN}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#);
    assert_eq!((got.status, got.body), (StatusCode::OK, answer));
    assert_eq!(got.headers[APPLIED_INDEX_HEADER], "7");

    let disable = format!(r#"{{"KeyId":"{KEY_ARN}"}}"#);
    let got = send(Script::new(), signed_for(&draft("DisableKey", &disable), "kms")).await;
    assert_eq!((got.status, got.body), (StatusCode::OK, String::new()));
    let got = send(Script::new(), signed_for(&draft("GenerateRandom", r#"{"NumberOfBytes":2}"#), "kms")).await;
    assert_eq!(got.body, r#"{"Plaintext":"AP8="}"#);
}

#[tokio::test]
async fn neither_service_takes_a_signature_for_the_other() {
    for (draft, signed, wanted) in [
        (draft("GenerateRandom", r#"{"NumberOfBytes":2}"#), "secretsmanager", "kms"),
        (Draft::usual(), "kms", "secretsmanager"),
    ] {
        let got = send(Script::new(), signed_for(&draft, signed)).await;
        let json: serde_json::Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(json["__type"], "InvalidSignatureException");
        assert_eq!(json["message"], format!("Credential should be scoped to correct service: '{wanted}'."));
    }
}

#[tokio::test]
async fn kms_spells_every_message_with_a_small_letter_and_has_its_own_name_for_faults() {
    for code in ErrorCode::ALL {
        let script = Script::failing(ApiError::new(*code, "what was wrong"));
        let disable = format!(r#"{{"KeyId":"{KEY_ARN}"}}"#);
        let got = send(script, signed_for(&draft("DisableKey", &disable), "kms")).await;
        let name = match code.aws_name() {
            "InternalServiceError" => "KMSInternalException",
            name => name,
        };
        assert_eq!(got.body, format!(r#"{{"__type":"{name}","message":"what was wrong"}}"#));
        assert_eq!(got.headers["x-amzn-errortype"], name);
        assert_eq!(got.status.as_u16(), code.http_status());
    }
    let script = Script::failing(ApiError::new(ErrorCode::InvalidCiphertext, ""));
    let disable = format!(r#"{{"KeyId":"{KEY_ARN}"}}"#);
    let got = send(script, signed_for(&draft("DisableKey", &disable), "kms")).await;
    assert_eq!(got.body, r#"{"__type":"InvalidCiphertextException"}"#);
}
