//! Messages with a value in the clear zero it when they are dropped.
//!
//! What the encoder and the network buffer is out of reach here.

use zeroize::Zeroize;

use crate::secrets::v1::{
    CreateSecretRequest, GetRandomPasswordResponse, GetSecretValueResponse, PutSecretValueRequest, UpdateSecretRequest,
};

impl Drop for CreateSecretRequest {
    fn drop(&mut self) {
        self.secret_string.zeroize();
        self.secret_binary.zeroize();
    }
}

impl Drop for GetSecretValueResponse {
    fn drop(&mut self) {
        self.secret_string.zeroize();
        self.secret_binary.zeroize();
    }
}

impl Drop for PutSecretValueRequest {
    fn drop(&mut self) {
        self.secret_string.zeroize();
        self.secret_binary.zeroize();
        self.rotation_token.zeroize();
    }
}

impl Drop for UpdateSecretRequest {
    fn drop(&mut self) {
        self.secret_string.zeroize();
        self.secret_binary.zeroize();
    }
}

impl Drop for GetRandomPasswordResponse {
    fn drop(&mut self) {
        self.random_password.zeroize();
    }
}
