//! Keys: what encrypts secrets, and encrypts for whoever may use them.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use client::keys::{CreateKey, Decrypt, Encrypt};
//!
//! let keys = client::Client::from_env()?.keys();
//! let key = keys.create_key(CreateKey::default().description("of the billing app")).await?;
//! keys.create_alias("alias/billing", &key.key_id).await?;
//! let sealed = keys.encrypt(Encrypt::new("alias/billing", "hunter2").context("app", "billing")).await?;
//! let opened = keys.decrypt(Decrypt::new(sealed.ciphertext_blob).context("app", "billing")).await?;
//! # let _ = opened;
//! # Ok(())
//! # }
//! ```
//!
//! A key is named by its id or its ARN; where something is encrypted or decrypted, and in [`Keys::describe_key`], also
//! by an alias or an alias's ARN. Writes carry no token, so none is repeated when its outcome is unknown.

mod answers;
mod requests;

use std::sync::Arc;

use proto::keys::v1 as pb;
use proto::keys::v1::keys_client::KeysClient;
use tonic::transport::Channel;

pub use answers::{
    Alias, CreatedGrant, DataKey, Decrypted, Encrypted, Grant, KeyEntry, KeyMetadata, KeyRotation, Page, ReEncrypted,
    RotationStatus, ScheduledDeletion, SealedDataKey,
};
pub use requests::{CreateGrant, CreateKey, Decrypt, Encrypt, GenerateDataKey, ListGrants, ReEncrypt};

use crate::client::Client;
use crate::error::Error;
use crate::failover::{Cluster, Repeat};
use crate::value::SecretValue;

/// Bytes of an answer: a page of a thousand grants with all their constraints may not fit, smaller ones do.
const ANSWER_BYTES: usize = 16 << 20;

/// The keys of a cluster, as one caller sees them. Clones are cheap and share the connections of the [`Client`].
#[derive(Clone)]
pub struct Keys {
    cluster: Arc<Cluster>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")?;
        f.debug_list().entries(self.cluster.addresses()).finish()
    }
}

impl Client {
    /// The keys of the cluster.
    pub fn keys(&self) -> Keys {
        Keys { cluster: self.cluster.clone() }
    }
}

/// Makes a call of one method.
macro_rules! call {
    ($keys:ident, $repeat:ident, $rpc:ident, $message:expr) => {{
        let send = |channel, request| async move { client(channel).$rpc(request).await };
        $keys.cluster.call(Repeat::$repeat, $keys.cluster.deadline(), $message, send).await
    }};
}

/// Keys and their states.
impl Keys {
    /// Makes a key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_key(&self, request: CreateKey) -> Result<KeyMetadata, Error> {
        let answer: pb::CreateKeyResponse = call!(self, Never, create_key, request.0)?;
        KeyMetadata::of(answer.key_metadata)
    }

    /// Describes a key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn describe_key(&self, key_id: impl Into<String>) -> Result<KeyMetadata, Error> {
        let message = pb::DescribeKeyRequest { key_id: key_id.into(), ..Default::default() };
        let answer: pb::DescribeKeyResponse = call!(self, Read, describe_key, message)?;
        KeyMetadata::of(answer.key_metadata)
    }

    /// Lists keys, a page from `marker` on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_keys(&self, marker: Option<String>) -> Result<Page<KeyEntry>, Error> {
        let answer: pb::ListKeysResponse = call!(self, Read, list_keys, pb::ListKeysRequest { limit: None, marker })?;
        let entry = |pb::KeyListEntry { key_id, key_arn }| KeyEntry { key_id, key_arn };
        Ok(Page {
            entries: answer.keys.into_iter().map(entry).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }

    /// Gives a key another description; an empty one takes it away. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_key_description(
        &self,
        key_id: impl Into<String>,
        description: impl Into<String>,
    ) -> Result<u64, Error> {
        let message = pb::UpdateKeyDescriptionRequest { key_id: key_id.into(), description: Some(description.into()) };
        let answer: pb::UpdateKeyDescriptionResponse = call!(self, Never, update_key_description, message)?;
        Ok(answer.applied_index)
    }

    /// Makes a disabled key usable again. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn enable_key(&self, key_id: impl Into<String>) -> Result<u64, Error> {
        let message = pb::EnableKeyRequest { key_id: key_id.into() };
        let answer: pb::EnableKeyResponse = call!(self, Never, enable_key, message)?;
        Ok(answer.applied_index)
    }

    /// Makes a key unusable: whatever starts after the answer finds it disabled, on every node. Answers the log index
    /// of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn disable_key(&self, key_id: impl Into<String>) -> Result<u64, Error> {
        let message = pb::DisableKeyRequest { key_id: key_id.into() };
        let answer: pb::DisableKeyResponse = call!(self, Never, disable_key, message)?;
        Ok(answer.applied_index)
    }

    /// Has a key deleted after a window of 7 to 30 days, or else 30. What it has encrypted is lost then.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn schedule_key_deletion(
        &self,
        key_id: impl Into<String>,
        pending_window_in_days: Option<i64>,
    ) -> Result<ScheduledDeletion, Error> {
        let message = pb::ScheduleKeyDeletionRequest { key_id: key_id.into(), pending_window_in_days };
        ScheduledDeletion::of(call!(self, Never, schedule_key_deletion, message)?)
    }

    /// Takes a key out of its deletion window. It is disabled then. Answers its ARN.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cancel_key_deletion(&self, key_id: impl Into<String>) -> Result<String, Error> {
        let message = pb::CancelKeyDeletionRequest { key_id: key_id.into() };
        let answer: pb::CancelKeyDeletionResponse = call!(self, Never, cancel_key_deletion, message)?;
        Ok(answer.key_id)
    }

    /// Sets tags of a key; one that it has gets the new value. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn tag_resource<K: Into<String>, V: Into<String>>(
        &self,
        key_id: impl Into<String>,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Result<u64, Error> {
        let tags = tags.into_iter().map(|(key, value)| pb::Tag { tag_key: key.into(), tag_value: value.into() });
        let message = pb::TagResourceRequest { key_id: key_id.into(), tags: tags.collect() };
        let answer: pb::TagResourceResponse = call!(self, Never, tag_resource, message)?;
        Ok(answer.applied_index)
    }

    /// Removes tags of a key. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn untag_resource<K: Into<String>>(
        &self,
        key_id: impl Into<String>,
        tag_keys: impl IntoIterator<Item = K>,
    ) -> Result<u64, Error> {
        let tag_keys = tag_keys.into_iter().map(Into::into).collect();
        let message = pb::UntagResourceRequest { key_id: key_id.into(), tag_keys };
        let answer: pb::UntagResourceResponse = call!(self, Never, untag_resource, message)?;
        Ok(answer.applied_index)
    }

    /// Lists the tags of a key, a page from `marker` on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_resource_tags(
        &self,
        key_id: impl Into<String>,
        marker: Option<String>,
    ) -> Result<Page<(String, String)>, Error> {
        let message = pb::ListResourceTagsRequest { key_id: key_id.into(), limit: None, marker };
        let answer: pb::ListResourceTagsResponse = call!(self, Read, list_resource_tags, message)?;
        Ok(Page {
            entries: answer.tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }
}

/// Aliases.
impl Keys {
    /// Gives a key one more name, `alias/...`. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_alias(
        &self,
        alias_name: impl Into<String>,
        target_key_id: impl Into<String>,
    ) -> Result<u64, Error> {
        let message = pb::CreateAliasRequest { alias_name: alias_name.into(), target_key_id: target_key_id.into() };
        let answer: pb::CreateAliasResponse = call!(self, Never, create_alias, message)?;
        Ok(answer.applied_index)
    }

    /// Has an alias stand for another key. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_alias(
        &self,
        alias_name: impl Into<String>,
        target_key_id: impl Into<String>,
    ) -> Result<u64, Error> {
        let message = pb::UpdateAliasRequest { alias_name: alias_name.into(), target_key_id: target_key_id.into() };
        let answer: pb::UpdateAliasResponse = call!(self, Never, update_alias, message)?;
        Ok(answer.applied_index)
    }

    /// Takes an alias away; its key stays. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_alias(&self, alias_name: impl Into<String>) -> Result<u64, Error> {
        let message = pb::DeleteAliasRequest { alias_name: alias_name.into() };
        let answer: pb::DeleteAliasResponse = call!(self, Never, delete_alias, message)?;
        Ok(answer.applied_index)
    }

    /// Lists the aliases of a key or of all, a page from `marker` on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_aliases(&self, key_id: Option<String>, marker: Option<String>) -> Result<Page<Alias>, Error> {
        let message = pb::ListAliasesRequest { key_id, limit: None, marker };
        let answer: pb::ListAliasesResponse = call!(self, Read, list_aliases, message)?;
        Ok(Page {
            entries: answer.aliases.into_iter().map(Alias::of).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }
}

/// Rotation.
impl Keys {
    /// Has a key rotated every so many days, 90 to 2560; 365 if it is left out. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn enable_key_rotation(
        &self,
        key_id: impl Into<String>,
        rotation_period_in_days: Option<i64>,
    ) -> Result<u64, Error> {
        let message = pb::EnableKeyRotationRequest { key_id: key_id.into(), rotation_period_in_days };
        let answer: pb::EnableKeyRotationResponse = call!(self, Never, enable_key_rotation, message)?;
        Ok(answer.applied_index)
    }

    /// Ends that. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn disable_key_rotation(&self, key_id: impl Into<String>) -> Result<u64, Error> {
        let message = pb::DisableKeyRotationRequest { key_id: key_id.into() };
        let answer: pb::DisableKeyRotationResponse = call!(self, Never, disable_key_rotation, message)?;
        Ok(answer.applied_index)
    }

    /// Tells whether and when a key is rotated.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_key_rotation_status(&self, key_id: impl Into<String>) -> Result<RotationStatus, Error> {
        let message = pb::GetKeyRotationStatusRequest { key_id: key_id.into() };
        Ok(RotationStatus::of(call!(self, Read, get_key_rotation_status, message)?))
    }

    /// Rotates a key now. What its older material has encrypted stays readable. Answers its ARN.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rotate_key_on_demand(&self, key_id: impl Into<String>) -> Result<String, Error> {
        let message = pb::RotateKeyOnDemandRequest { key_id: key_id.into() };
        let answer: pb::RotateKeyOnDemandResponse = call!(self, Never, rotate_key_on_demand, message)?;
        Ok(answer.key_id)
    }

    /// Lists all the material of a key, the first too, a page from `marker` on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_key_rotations(
        &self,
        key_id: impl Into<String>,
        marker: Option<String>,
    ) -> Result<Page<KeyRotation>, Error> {
        let include_key_material = Some("ALL_KEY_MATERIAL".to_owned());
        let message = pb::ListKeyRotationsRequest { key_id: key_id.into(), include_key_material, limit: None, marker };
        let answer: pb::ListKeyRotationsResponse = call!(self, Read, list_key_rotations, message)?;
        Ok(Page {
            entries: answer.rotations.into_iter().map(KeyRotation::of).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }
}

/// Encryption.
impl Keys {
    /// Encrypts.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn encrypt(&self, request: Encrypt) -> Result<Encrypted, Error> {
        let answer: pb::EncryptResponse = call!(self, Read, encrypt, request.into_message())?;
        let pb::EncryptResponse { ciphertext_blob, key_id, applied_index, .. } = answer;
        Ok(Encrypted { ciphertext_blob, key_id, applied_index })
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`Error`]; InvalidCiphertextException for whatever does not open, without a reason.
    pub async fn decrypt(&self, request: Decrypt) -> Result<Decrypted, Error> {
        Ok(Decrypted::of(call!(self, Read, decrypt, request.0)?))
    }

    /// Decrypts and encrypts under another key or in another context; the plaintext does not leave the cluster.
    ///
    /// # Errors
    /// As of [`Self::decrypt`].
    pub async fn re_encrypt(&self, request: ReEncrypt) -> Result<ReEncrypted, Error> {
        Ok(ReEncrypted::of(call!(self, Read, re_encrypt, request.0)?))
    }

    /// Draws a data key, in the clear and encrypted.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn generate_data_key(&self, request: GenerateDataKey) -> Result<DataKey, Error> {
        Ok(DataKey::of(call!(self, Read, generate_data_key, request.0)?))
    }

    /// Draws a data key, encrypted only.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn generate_data_key_without_plaintext(&self, request: GenerateDataKey) -> Result<SealedDataKey, Error> {
        let message = request.without_plaintext();
        let answer: pb::GenerateDataKeyWithoutPlaintextResponse =
            call!(self, Read, generate_data_key_without_plaintext, message)?;
        let pb::GenerateDataKeyWithoutPlaintextResponse { ciphertext_blob, key_id, key_material_id, applied_index } =
            answer;
        Ok(SealedDataKey { ciphertext_blob, key_id, key_material_id, applied_index })
    }

    /// Draws bytes, 1 to 1024.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn generate_random(&self, number_of_bytes: i64) -> Result<SecretValue, Error> {
        let message = pb::GenerateRandomRequest { number_of_bytes: Some(number_of_bytes) };
        let mut answer: pb::GenerateRandomResponse = call!(self, Read, generate_random, message)?;
        Ok(SecretValue::binary(std::mem::take(&mut answer.plaintext)))
    }
}

/// Policies and grants.
impl Keys {
    /// Gives a key another policy, in JSON. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_key_policy(
        &self,
        key_id: impl Into<String>,
        policy: impl Into<String>,
        bypass_lockout_check: bool,
    ) -> Result<u64, Error> {
        let message = pb::PutKeyPolicyRequest {
            key_id: key_id.into(),
            policy_name: None,
            policy: policy.into(),
            bypass_policy_lockout_safety_check: bypass_lockout_check,
        };
        let answer: pb::PutKeyPolicyResponse = call!(self, Never, put_key_policy, message)?;
        Ok(answer.applied_index)
    }

    /// Shows the policy of a key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_key_policy(&self, key_id: impl Into<String>) -> Result<String, Error> {
        let message = pb::GetKeyPolicyRequest { key_id: key_id.into(), policy_name: None };
        let answer: pb::GetKeyPolicyResponse = call!(self, Read, get_key_policy, message)?;
        Ok(answer.policy)
    }

    /// Lists the names of a key's policies, of which there is one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_key_policies(&self, key_id: impl Into<String>) -> Result<Vec<String>, Error> {
        let message = pb::ListKeyPoliciesRequest { key_id: key_id.into(), ..Default::default() };
        let answer: pb::ListKeyPoliciesResponse = call!(self, Read, list_key_policies, message)?;
        Ok(answer.policy_names)
    }

    /// Allows a principal to use a key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_grant(&self, request: CreateGrant) -> Result<CreatedGrant, Error> {
        let answer: pb::CreateGrantResponse = call!(self, Never, create_grant, request.0)?;
        let pb::CreateGrantResponse { grant_token, grant_id, applied_index } = answer;
        Ok(CreatedGrant { grant_token, grant_id, applied_index })
    }

    /// Lists the grants of a key, one page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_grants(&self, request: impl Into<ListGrants>) -> Result<Page<Grant>, Error> {
        let answer: pb::ListGrantsResponse = call!(self, Read, list_grants, request.into().0)?;
        Ok(Page {
            entries: answer.grants.into_iter().map(Grant::of).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }

    /// Lists the grants that a principal may retire, a page from `marker` on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_retirable_grants(
        &self,
        retiring_principal: impl Into<String>,
        marker: Option<String>,
    ) -> Result<Page<Grant>, Error> {
        let message =
            pb::ListRetirableGrantsRequest { limit: None, marker, retiring_principal: retiring_principal.into() };
        let answer: pb::ListRetirableGrantsResponse = call!(self, Read, list_retirable_grants, message)?;
        Ok(Page {
            entries: answer.grants.into_iter().map(Grant::of).collect(),
            next_marker: answer.next_marker,
            applied_index: answer.applied_index,
        })
    }

    /// Ends a grant. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_grant(&self, key_id: impl Into<String>, grant_id: impl Into<String>) -> Result<u64, Error> {
        let message = pb::RevokeGrantRequest { key_id: key_id.into(), grant_id: grant_id.into(), dry_run: false };
        let answer: pb::RevokeGrantResponse = call!(self, Never, revoke_grant, message)?;
        Ok(answer.applied_index)
    }

    /// Ends a grant by its token. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn retire_grant(&self, grant_token: impl Into<String>) -> Result<u64, Error> {
        self.retire(pb::RetireGrantRequest { grant_token: Some(grant_token.into()), ..Default::default() }).await
    }

    /// Ends a grant by its id and the ARN of its key. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn retire_grant_of(&self, key_id: impl Into<String>, grant_id: impl Into<String>) -> Result<u64, Error> {
        let (key_id, grant_id) = (Some(key_id.into()), Some(grant_id.into()));
        self.retire(pb::RetireGrantRequest { key_id, grant_id, ..Default::default() }).await
    }

    async fn retire(&self, message: pb::RetireGrantRequest) -> Result<u64, Error> {
        let answer: pb::RetireGrantResponse = call!(self, Never, retire_grant, message)?;
        Ok(answer.applied_index)
    }
}

fn client(channel: Channel) -> KeysClient<Channel> {
    KeysClient::new(channel).max_decoding_message_size(ANSWER_BYTES)
}
