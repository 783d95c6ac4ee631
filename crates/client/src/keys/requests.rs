//! What the operations on keys are asked with.

use proto::keys::v1 as pb;

use crate::value::SecretValue;

/// A key to be made.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CreateKey(pub(super) pb::CreateKeyRequest);

impl CreateKey {
    /// What it is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// Who may use it, in JSON; the account's root if it is left out.
    pub fn policy(mut self, policy: impl Into<String>) -> Self {
        self.0.policy = Some(policy.into());
        self
    }

    /// Accepts a policy under which the caller could not change it again.
    pub const fn bypass_policy_lockout_safety_check(mut self) -> Self {
        self.0.bypass_policy_lockout_safety_check = true;
        self
    }

    /// One more tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.tags.push(pb::Tag { tag_key: key.into(), tag_value: value.into() });
        self
    }
}

/// Something to be encrypted, 1 to 4096 bytes.
#[derive(Debug)]
#[must_use]
pub struct Encrypt {
    message: pb::EncryptRequest,
}

impl Encrypt {
    /// Names the key, also by an alias, and gives what is to be encrypted.
    pub fn new(key_id: impl Into<String>, plaintext: impl Into<SecretValue>) -> Self {
        let mut message = pb::EncryptRequest::default();
        message.key_id = key_id.into();
        let plaintext = plaintext.into();
        message.plaintext = plaintext.expose_bytes().to_vec();
        Self { message }
    }

    /// One more pair of the encryption context, which is not secret and must be the same in [`Decrypt`].
    pub fn context(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.message.encryption_context.insert(key.into(), value.into());
        self
    }

    pub(super) fn into_message(self) -> pb::EncryptRequest {
        self.message
    }
}

/// Something to be decrypted.
#[derive(Clone, Debug)]
#[must_use]
pub struct Decrypt(pub(super) pb::DecryptRequest);

impl Decrypt {
    /// Gives the ciphertext, which names its key.
    pub fn new(ciphertext_blob: impl Into<Vec<u8>>) -> Self {
        Self(pb::DecryptRequest { ciphertext_blob: ciphertext_blob.into(), ..Default::default() })
    }

    /// One more pair of the encryption context, as it was in [`Encrypt`].
    pub fn context(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.encryption_context.insert(key.into(), value.into());
        self
    }

    /// The key that must have encrypted it, also by an alias.
    pub fn key_id(mut self, key_id: impl Into<String>) -> Self {
        self.0.key_id = Some(key_id.into());
        self
    }
}

/// Something to be encrypted anew.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReEncrypt(pub(super) pb::ReEncryptRequest);

impl ReEncrypt {
    /// Gives the ciphertext, and names the key that is to encrypt it now, also by an alias.
    pub fn new(ciphertext_blob: impl Into<Vec<u8>>, destination_key_id: impl Into<String>) -> Self {
        Self(pb::ReEncryptRequest {
            ciphertext_blob: ciphertext_blob.into(),
            destination_key_id: destination_key_id.into(),
            ..Default::default()
        })
    }

    /// One more pair of the context that it has.
    pub fn source_context(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.source_encryption_context.insert(key.into(), value.into());
        self
    }

    /// One more pair of the context that it gets.
    pub fn destination_context(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.destination_encryption_context.insert(key.into(), value.into());
        self
    }

    /// The key that must have encrypted it, also by an alias.
    pub fn source_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.0.source_key_id = Some(key_id.into());
        self
    }
}

/// A data key to be drawn.
#[derive(Clone, Debug)]
#[must_use]
pub struct GenerateDataKey(pub(super) pb::GenerateDataKeyRequest);

impl GenerateDataKey {
    /// Names the key that encrypts it, also by an alias. It has 256 bits unless something else is said.
    pub fn new(key_id: impl Into<String>) -> Self {
        let key_spec = Some("AES_256".to_owned());
        Self(pb::GenerateDataKeyRequest { key_id: key_id.into(), key_spec, ..Default::default() })
    }

    /// Its length, `AES_256` or `AES_128`.
    pub fn key_spec(mut self, key_spec: impl Into<String>) -> Self {
        (self.0.key_spec, self.0.number_of_bytes) = (Some(key_spec.into()), None);
        self
    }

    /// Its length in bytes, 1 to 1024.
    pub fn number_of_bytes(mut self, number_of_bytes: i64) -> Self {
        (self.0.key_spec, self.0.number_of_bytes) = (None, Some(number_of_bytes));
        self
    }

    /// One more pair of the encryption context, which is not secret and must be the same in [`Decrypt`].
    pub fn context(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.encryption_context.insert(key.into(), value.into());
        self
    }

    pub(super) fn without_plaintext(self) -> pb::GenerateDataKeyWithoutPlaintextRequest {
        let pb::GenerateDataKeyRequest { key_id, encryption_context, number_of_bytes, key_spec, grant_tokens, dry_run } =
            self.0;
        pb::GenerateDataKeyWithoutPlaintextRequest {
            key_id,
            encryption_context,
            number_of_bytes,
            key_spec,
            grant_tokens,
            dry_run,
        }
    }
}

/// A grant to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct CreateGrant(pub(super) pb::CreateGrantRequest);

impl CreateGrant {
    /// Names the key, the principal by its ARN, and what it may do: `Decrypt`, `Encrypt`, ...
    pub fn new<O: Into<String>>(
        key_id: impl Into<String>,
        grantee_principal: impl Into<String>,
        operations: impl IntoIterator<Item = O>,
    ) -> Self {
        Self(pb::CreateGrantRequest {
            key_id: key_id.into(),
            grantee_principal: grantee_principal.into(),
            operations: operations.into_iter().map(Into::into).collect(),
            ..Default::default()
        })
    }

    /// The ARN of who may retire it.
    pub fn retiring_principal(mut self, principal: impl Into<String>) -> Self {
        self.0.retiring_principal = Some(principal.into());
        self
    }

    /// Makes a repetition harmless: the same request under the same name makes no second grant.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// One more pair that the encryption context must have.
    pub fn context_subset(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let constraints = self.0.constraints.get_or_insert_default();
        constraints.encryption_context_subset.get_or_insert_default().pairs.insert(key.into(), value.into());
        self
    }

    /// One more pair of the context that the encryption context must be.
    pub fn context_equals(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let constraints = self.0.constraints.get_or_insert_default();
        constraints.encryption_context_equals.get_or_insert_default().pairs.insert(key.into(), value.into());
        self
    }
}

/// Which grants of a key are listed.
#[derive(Clone, Debug)]
#[must_use]
pub struct ListGrants(pub(super) pb::ListGrantsRequest);

impl ListGrants {
    /// Names the key.
    pub fn new(key_id: impl Into<String>) -> Self {
        Self(pb::ListGrantsRequest { key_id: key_id.into(), ..Default::default() })
    }

    /// The one with this id.
    pub fn grant_id(mut self, grant_id: impl Into<String>) -> Self {
        self.0.grant_id = Some(grant_id.into());
        self
    }

    /// Those of this principal.
    pub fn grantee_principal(mut self, principal: impl Into<String>) -> Self {
        self.0.grantee_principal = Some(principal.into());
        self
    }

    /// Where the page begins, from the page before.
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.0.marker = Some(marker.into());
        self
    }
}

impl<T: Into<String>> From<T> for ListGrants {
    fn from(key_id: T) -> Self {
        Self::new(key_id)
    }
}
