//! Messages with a value in the clear zero it when they are dropped.
//!
//! What the encoder and the network buffer is out of reach here.

use zeroize::Zeroize;

use crate::cluster::v1::{AddProvider, ChangeKeyringResponse, Credential, add_provider, credential};
use crate::keys::v1::{DecryptResponse, EncryptRequest, GenerateDataKeyResponse, GenerateRandomResponse};
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

impl Drop for EncryptRequest {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Drop for DecryptResponse {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Drop for GenerateDataKeyResponse {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Drop for GenerateRandomResponse {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        match &mut self.credential {
            Some(credential::Credential::Passphrase(passphrase)) => passphrase.zeroize(),
            Some(credential::Credential::Share(share)) => share.zeroize(),
            None => {}
        }
    }
}

impl Drop for AddProvider {
    fn drop(&mut self) {
        if let Some(add_provider::Provider::Passphrase(passphrase)) = &mut self.provider {
            passphrase.zeroize();
        }
    }
}

impl Drop for ChangeKeyringResponse {
    fn drop(&mut self) {
        self.shares.zeroize();
    }
}
