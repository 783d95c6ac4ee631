//! Requests of the gRPC API with the members that most tests give.

use proto::secrets::v1::{CreateSecretRequest, DeleteSecretRequest, GetSecretValueRequest, PutSecretValueRequest};

/// CreateSecret with a text.
pub fn create_secret(name: &str, token: &str, value: &str) -> CreateSecretRequest {
    CreateSecretRequest {
        name: name.to_owned(),
        client_request_token: token.to_owned(),
        description: None,
        kms_key_id: None,
        secret_string: Some(value.to_owned()),
        secret_binary: None,
        tags: Vec::new(),
        add_replica_regions: Vec::new(),
        force_overwrite_replica_secret: false,
    }
}

/// PutSecretValue with a text.
pub fn put_secret_value(secret: &str, token: &str, value: &str) -> PutSecretValueRequest {
    PutSecretValueRequest {
        secret_id: secret.to_owned(),
        client_request_token: token.to_owned(),
        secret_string: Some(value.to_owned()),
        secret_binary: None,
        version_stages: None,
        rotation_token: None,
    }
}

/// GetSecretValue of a version, or of the current one.
pub fn secret_value(secret: &str, version: Option<&str>) -> GetSecretValueRequest {
    GetSecretValueRequest { secret_id: secret.to_owned(), version_id: version.map(str::to_owned), version_stage: None }
}

/// DeleteSecret at once.
pub fn force_delete(secret: &str) -> DeleteSecretRequest {
    DeleteSecretRequest {
        secret_id: secret.to_owned(),
        recovery_window_in_days: None,
        force_delete_without_recovery: Some(true),
    }
}
