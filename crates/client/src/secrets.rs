//! The operations on secrets: what they are asked with and what they answer.
//!
//! What needs no options takes the name or ARN of a secret; what has options takes a struct that a name turns into.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_client::SecretsClient;
use proto::{from_wire_time, prost_types};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::client::Client;
use crate::error::Error;
use crate::failover::Repeat;
use crate::replication::{ReplicationStatus, statuses};
use crate::rotation::{RotationDescription, rotation};
use crate::value::SecretValue;

/// Bytes of an answer: a page of a hundred secrets with all their tags fits.
const ANSWER_BYTES: usize = 16 << 20;

/// Which value is asked for: of a secret by name or ARN, and of its AWSCURRENT version unless another is named.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GetSecretValue(pb::GetSecretValueRequest);

impl GetSecretValue {
    /// Names the secret.
    pub fn new(secret_id: impl Into<String>) -> Self {
        Self(pb::GetSecretValueRequest { secret_id: secret_id.into(), ..Default::default() })
    }

    /// Names a version by its id.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.0.version_id = Some(version_id.into());
        self
    }

    /// Names a version by a staging label.
    pub fn version_stage(mut self, version_stage: impl Into<String>) -> Self {
        self.0.version_stage = Some(version_stage.into());
        self
    }
}

impl<T: Into<String>> From<T> for GetSecretValue {
    fn from(secret_id: T) -> Self {
        Self::new(secret_id)
    }
}

/// A secret's value, and which version it is of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Secret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version.
    pub version_id: String,
    /// The version's labels.
    pub version_stages: Vec<String>,
    /// When the version was created.
    pub created_date: SystemTime,
    /// The value.
    pub value: SecretValue,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

/// A secret to be made.
#[derive(Debug)]
#[must_use]
pub struct CreateSecret {
    message: pb::CreateSecretRequest,
}

impl CreateSecret {
    /// Names the secret. It is made without a value unless one is given.
    pub fn new(name: impl Into<String>) -> Self {
        let mut message = pb::CreateSecretRequest::default();
        message.name = name.into();
        message.client_request_token = new_token();
        Self { message }
    }

    /// Its first value.
    pub fn value(mut self, value: SecretValue) -> Self {
        (self.message.secret_string, self.message.secret_binary) = value.into_members();
        self
    }

    /// Its first value, a SecretString.
    pub fn secret_string(self, text: impl Into<String>) -> Self {
        self.value(SecretValue::string(text))
    }

    /// Its first value, a SecretBinary.
    pub fn secret_binary(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.value(SecretValue::binary(bytes))
    }

    /// What it is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.message.description = Some(description.into());
        self
    }

    /// The key that encrypts it.
    pub fn kms_key_id(mut self, kms_key_id: impl Into<String>) -> Self {
        self.message.kms_key_id = Some(kms_key_id.into());
        self
    }

    /// One more tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.message.tags.push(pb::Tag { key: key.into(), value: value.into() });
        self
    }

    /// One more region of the cluster that it is in too.
    pub fn replica_region(mut self, region: impl Into<String>) -> Self {
        self.message.add_replica_regions.push(pb::ReplicaRegion { region: region.into(), kms_key_id: None });
        self
    }

    /// Has a secret of that name in such a region give way: it is deleted at once.
    pub fn force_overwrite_replica(mut self) -> Self {
        self.message.force_overwrite_replica_secret = true;
        self
    }

    /// The token that makes a repetition harmless, 32 to 64 characters; it becomes the id of the first version. One is
    /// drawn if it is left out. A caller that repeats calls by itself gives its own.
    pub fn client_request_token(mut self, token: impl Into<String>) -> Self {
        self.message.client_request_token = token.into();
        self
    }
}

/// A secret that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedSecret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its first version, if a value was given.
    pub version_id: Option<String>,
    /// The regions that it is replicated to.
    pub replication_status: Vec<ReplicationStatus>,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// A new value for a secret.
#[derive(Debug)]
#[must_use]
pub struct PutSecretValue {
    message: pb::PutSecretValueRequest,
}

impl PutSecretValue {
    /// Names the secret and gives the value, which becomes AWSCURRENT unless labels are given.
    pub fn new(secret_id: impl Into<String>, value: SecretValue) -> Self {
        let mut message = pb::PutSecretValueRequest::default();
        message.secret_id = secret_id.into();
        message.client_request_token = new_token();
        (message.secret_string, message.secret_binary) = value.into_members();
        Self { message }
    }

    /// One more staging label of the new version.
    pub fn version_stage(mut self, label: impl Into<String>) -> Self {
        self.message.version_stages.get_or_insert_default().stages.push(label.into());
        self
    }

    /// As of [`CreateSecret::client_request_token`]; it becomes the id of the version.
    pub fn client_request_token(mut self, token: impl Into<String>) -> Self {
        self.message.client_request_token = token.into();
        self
    }
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretVersion {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version.
    pub version_id: String,
    /// Its labels.
    pub version_stages: Vec<String>,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// What is known of a secret beside its values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretDescription {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The key that encrypts it, unless it is the default one.
    pub kms_key_id: Option<String>,
    /// `None` if it was never tagged, empty after all tags were removed.
    pub tags: Option<Vec<(String, String)>>,
    /// When it was created.
    pub created_date: SystemTime,
    /// When it last changed in any way.
    pub last_changed_date: SystemTime,
    /// The UTC day of the last GetSecretValue.
    pub last_accessed_date: Option<SystemTime>,
    /// The end of the deletion window.
    pub deleted_date: Option<SystemTime>,
    /// The region of the primary, of a secret that is replicated and of a replica.
    pub primary_region: Option<String>,
    /// The regions that it is replicated to; not in listings.
    pub replication_status: Vec<ReplicationStatus>,
    /// How it is rotated, once that was ever configured.
    pub rotation: Option<RotationDescription>,
    /// Its versions that have a label, by id.
    pub version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

/// Which secrets are listed, and how.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListSecrets(pb::ListSecretsRequest);

impl ListSecrets {
    /// Secrets of a page, 1 to 100; 100 if it is left out.
    pub const fn max_results(mut self, max_results: i32) -> Self {
        self.0.max_results = Some(max_results);
        self
    }

    /// Where the page begins, from the page before.
    pub fn next_token(mut self, next_token: impl Into<String>) -> Self {
        self.0.next_token = Some(next_token.into());
        self
    }

    /// One more filter, which any of its values satisfies; `name` compares prefixes. All filters must match.
    pub fn filter<V: Into<String>>(mut self, key: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.0.filters.push(pb::Filter { key: key.into(), values });
        self
    }

    /// `created-date`, `last-accessed-date`, `last-changed-date` or `name`.
    pub fn sort_by(mut self, sort_by: impl Into<String>) -> Self {
        self.0.sort_by = Some(sort_by.into());
        self
    }

    /// `asc` or `desc`.
    pub fn sort_order(mut self, sort_order: impl Into<String>) -> Self {
        self.0.sort_order = Some(sort_order.into());
        self
    }

    /// Secrets in their deletion window too.
    pub const fn include_planned_deletion(mut self) -> Self {
        self.0.include_planned_deletion = true;
        self
    }
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretPage {
    /// The secrets; there may be none although there is a next page.
    pub secrets: Vec<SecretDescription>,
    /// Where the next page begins; `None` on the last one.
    pub next_token: Option<String>,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

/// A secret to be deleted: at the end of a window of 30 days, unless another is given.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeleteSecret(pb::DeleteSecretRequest);

impl DeleteSecret {
    /// Names the secret.
    pub fn new(secret_id: impl Into<String>) -> Self {
        Self(pb::DeleteSecretRequest { secret_id: secret_id.into(), ..Default::default() })
    }

    /// 7 to 30 days.
    pub const fn recovery_window_in_days(mut self, days: i64) -> Self {
        self.0.recovery_window_in_days = Some(days);
        self
    }

    /// At once, with no way back.
    pub const fn force_without_recovery(mut self) -> Self {
        self.0.force_delete_without_recovery = Some(true);
        self
    }
}

impl<T: Into<String>> From<T> for DeleteSecret {
    fn from(secret_id: T) -> Self {
        Self::new(secret_id)
    }
}

/// A secret that was deleted, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedSecret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The end of the window; now for a forced delete.
    pub deletion_date: SystemTime,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// What changes about a secret: its metadata, its value, or both at once.
#[derive(Debug)]
#[must_use]
pub struct UpdateSecret {
    message: pb::UpdateSecretRequest,
}

impl UpdateSecret {
    /// Names the secret. What is not given stays as it is.
    pub fn new(secret_id: impl Into<String>) -> Self {
        let mut message = pb::UpdateSecretRequest::default();
        message.secret_id = secret_id.into();
        message.client_request_token = new_token();
        Self { message }
    }

    /// What it is for; empty to remove the description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.message.description = Some(description.into());
        self
    }

    /// The key that encrypts it; empty for the default key.
    pub fn kms_key_id(mut self, kms_key_id: impl Into<String>) -> Self {
        self.message.kms_key_id = Some(kms_key_id.into());
        self
    }

    /// A new value, which becomes AWSCURRENT.
    pub fn value(mut self, value: SecretValue) -> Self {
        (self.message.secret_string, self.message.secret_binary) = value.into_members();
        self
    }

    /// As of [`CreateSecret::client_request_token`]; it becomes the id of the version if a value is given.
    pub fn client_request_token(mut self, token: impl Into<String>) -> Self {
        self.message.client_request_token = token.into();
        self
    }

    /// The token tells a repetition by the version that it made.
    const fn repeat(&self) -> Repeat {
        let has_value = self.message.secret_string.is_some() || self.message.secret_binary.is_some();
        if has_value { Repeat::Harmless } else { Repeat::Never }
    }
}

/// A secret that was updated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdatedSecret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version that has the value, if one was given.
    pub version_id: Option<String>,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// Which staging label moves, from where and to where.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UpdateSecretVersionStage(pb::UpdateSecretVersionStageRequest);

impl UpdateSecretVersionStage {
    /// Names the secret and the label.
    pub fn new(secret_id: impl Into<String>, version_stage: impl Into<String>) -> Self {
        let (secret_id, version_stage) = (secret_id.into(), version_stage.into());
        Self(pb::UpdateSecretVersionStageRequest { secret_id, version_stage, ..Default::default() })
    }

    /// The version that has the label. It must be named, unless none has it.
    pub fn remove_from_version_id(mut self, version_id: impl Into<String>) -> Self {
        self.0.remove_from_version_id = Some(version_id.into());
        self
    }

    /// The version that gets it; without one the label is taken away, which AWSCURRENT cannot be.
    pub fn move_to_version_id(mut self, version_id: impl Into<String>) -> Self {
        self.0.move_to_version_id = Some(version_id.into());
        self
    }
}

/// Which secret a write was on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedSecret {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The log index of the write, or a later one.
    pub applied_index: u64,
}

/// Which versions of a secret are listed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListSecretVersionIds(pb::ListSecretVersionIdsRequest);

impl ListSecretVersionIds {
    /// Names the secret.
    pub fn new(secret_id: impl Into<String>) -> Self {
        Self(pb::ListSecretVersionIdsRequest { secret_id: secret_id.into(), ..Default::default() })
    }

    /// Versions of a page, 1 to 100; 100 if it is left out.
    pub const fn max_results(mut self, max_results: i32) -> Self {
        self.0.max_results = Some(max_results);
        self
    }

    /// Where the page begins, from the page before.
    pub fn next_token(mut self, next_token: impl Into<String>) -> Self {
        self.0.next_token = Some(next_token.into());
        self
    }

    /// Versions without a label too.
    pub const fn include_deprecated(mut self) -> Self {
        self.0.include_deprecated = true;
        self
    }
}

impl<T: Into<String>> From<T> for ListSecretVersionIds {
    fn from(secret_id: T) -> Self {
        Self::new(secret_id)
    }
}

/// A page of a secret's versions, in the order of their creation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionPage {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The versions.
    pub versions: Vec<VersionDescription>,
    /// Where the next page begins; `None` on the last one.
    pub next_token: Option<String>,
    /// The log index of the state that this shows, or a later one.
    pub applied_index: u64,
}

/// What is known of a version beside its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionDescription {
    /// The version.
    pub version_id: String,
    /// Its labels; a version without one is deprecated.
    pub version_stages: Vec<String>,
    /// When it was created.
    pub created_date: SystemTime,
    /// The UTC day of the last GetSecretValue of it.
    pub last_accessed_date: Option<SystemTime>,
    /// The keys that encrypt it; `DefaultEncryptionKey` for the default one.
    pub kms_key_ids: Vec<String>,
}

/// What a password is to be like: 32 characters, with small letters, capitals, digits and punctuation, unless another
/// kind is asked for.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GetRandomPassword(pb::GetRandomPasswordRequest);

impl GetRandomPassword {
    /// Characters, 1 to 4096.
    pub const fn password_length(mut self, length: i64) -> Self {
        self.0.password_length = Some(length);
        self
    }

    /// Characters that it must not have.
    pub fn exclude_characters(mut self, characters: impl Into<String>) -> Self {
        self.0.exclude_characters = Some(characters.into());
        self
    }

    /// No digits.
    pub const fn exclude_numbers(mut self) -> Self {
        self.0.exclude_numbers = true;
        self
    }

    /// No punctuation.
    pub const fn exclude_punctuation(mut self) -> Self {
        self.0.exclude_punctuation = true;
        self
    }

    /// No capitals.
    pub const fn exclude_uppercase(mut self) -> Self {
        self.0.exclude_uppercase = true;
        self
    }

    /// No small letters.
    pub const fn exclude_lowercase(mut self) -> Self {
        self.0.exclude_lowercase = true;
        self
    }

    /// Spaces too.
    pub const fn include_space(mut self) -> Self {
        self.0.include_space = true;
        self
    }

    /// Whether it has a character of each type that it may have, as it does if this is left out.
    pub const fn require_each_included_type(mut self, required: bool) -> Self {
        self.0.require_each_included_type = Some(required);
        self
    }
}

impl Client {
    /// Reads a value: `client.get_secret_value("name")`, or of a certain version with [`GetSecretValue`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_secret_value(&self, request: impl Into<GetSecretValue>) -> Result<Secret, Error> {
        let send = |channel, request| async move { secrets(channel).get_secret_value(request).await };
        let answer = self.cluster.call(Repeat::Read, self.cluster.deadline(), request.into().0, send).await?;
        secret(answer)
    }

    /// Makes a secret.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_secret(&self, request: CreateSecret) -> Result<CreatedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).create_secret(request).await };
        let answer: pb::CreateSecretResponse =
            self.cluster.call(Repeat::Harmless, self.cluster.deadline(), request.message, send).await?;
        let pb::CreateSecretResponse { arn, name, version_id, replication_status, applied_index } = answer;
        let replication_status = statuses(replication_status);
        Ok(CreatedSecret { arn, name, version_id, replication_status, applied_index })
    }

    /// Gives a secret a new value.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_secret_value(&self, request: PutSecretValue) -> Result<SecretVersion, Error> {
        let send = |channel, request| async move { secrets(channel).put_secret_value(request).await };
        let answer: pb::PutSecretValueResponse =
            self.cluster.call(Repeat::Harmless, self.cluster.deadline(), request.message, send).await?;
        let pb::PutSecretValueResponse { arn, name, version_id, version_stages, applied_index } = answer;
        Ok(SecretVersion { arn, name, version_id, version_stages, applied_index })
    }

    /// Describes a secret, by name or ARN.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn describe_secret(&self, secret_id: impl Into<String>) -> Result<SecretDescription, Error> {
        let message = pb::DescribeSecretRequest { secret_id: secret_id.into() };
        let send = |channel, request| async move { secrets(channel).describe_secret(request).await };
        let answer: pb::DescribeSecretResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), message, send).await?;
        description(answer.secret.ok_or(Error::Incomplete("secret"))?)
    }

    /// Lists secrets, one page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_secrets(&self, request: ListSecrets) -> Result<SecretPage, Error> {
        let send = |channel, request| async move { secrets(channel).list_secrets(request).await };
        let answer: pb::ListSecretsResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), request.0, send).await?;
        let secrets = answer.secret_list.into_iter().map(description).collect::<Result<_, _>>()?;
        Ok(SecretPage { secrets, next_token: answer.next_token, applied_index: answer.applied_index })
    }

    /// Deletes a secret, by name or ARN with the window of 30 days, or as [`DeleteSecret`] says.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn delete_secret(&self, request: impl Into<DeleteSecret>) -> Result<DeletedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).delete_secret(request).await };
        let answer: pb::DeleteSecretResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), request.into().0, send).await?;
        let pb::DeleteSecretResponse { arn, name, deletion_date, applied_index } = answer;
        Ok(DeletedSecret { arn, name, deletion_date: time("deletion_date", deletion_date.as_ref())?, applied_index })
    }

    /// Changes a secret's metadata, its value, or both.
    ///
    /// # Errors
    /// [`Error`]. Without a value it is not repeated when its outcome is unknown.
    pub async fn update_secret(&self, request: UpdateSecret) -> Result<UpdatedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).update_secret(request).await };
        let answer: pb::UpdateSecretResponse =
            self.cluster.call(request.repeat(), self.cluster.deadline(), request.message, send).await?;
        let pb::UpdateSecretResponse { arn, name, version_id, applied_index } = answer;
        Ok(UpdatedSecret { arn, name, version_id, applied_index })
    }

    /// Moves a staging label.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn update_secret_version_stage(&self, request: UpdateSecretVersionStage) -> Result<ChangedSecret, Error> {
        let send = |channel, request| async move { secrets(channel).update_secret_version_stage(request).await };
        let answer: pb::UpdateSecretVersionStageResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), request.0, send).await?;
        let pb::UpdateSecretVersionStageResponse { arn, name, applied_index } = answer;
        Ok(ChangedSecret { arn, name, applied_index })
    }

    /// Lists the versions of a secret, one page: those with a label by `client.list_secret_version_ids("name")`, or as
    /// [`ListSecretVersionIds`] says.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_secret_version_ids(
        &self,
        request: impl Into<ListSecretVersionIds>,
    ) -> Result<VersionPage, Error> {
        let send = |channel, request| async move { secrets(channel).list_secret_version_ids(request).await };
        let answer: pb::ListSecretVersionIdsResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), request.into().0, send).await?;
        let pb::ListSecretVersionIdsResponse { arn, name, versions, next_token, applied_index } = answer;
        let versions = versions.into_iter().map(version).collect::<Result<_, _>>()?;
        Ok(VersionPage { arn, name, versions, next_token, applied_index })
    }

    /// Takes a secret, by name or ARN, out of its deletion window.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn restore_secret(&self, secret_id: impl Into<String>) -> Result<ChangedSecret, Error> {
        let message = pb::RestoreSecretRequest { secret_id: secret_id.into() };
        let send = |channel, request| async move { secrets(channel).restore_secret(request).await };
        let answer: pb::RestoreSecretResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        let pb::RestoreSecretResponse { arn, name, applied_index } = answer;
        Ok(ChangedSecret { arn, name, applied_index })
    }

    /// Sets tags of a secret, by name or ARN; a key that it has gets the new value. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn tag_resource<K: Into<String>, V: Into<String>>(
        &self,
        secret_id: impl Into<String>,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Result<u64, Error> {
        let tags = tags.into_iter().map(|(key, value)| pb::Tag { key: key.into(), value: value.into() }).collect();
        let message = pb::TagResourceRequest { secret_id: secret_id.into(), tags };
        let send = |channel, request| async move { secrets(channel).tag_resource(request).await };
        let answer: pb::TagResourceResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        Ok(answer.applied_index)
    }

    /// Removes the tags of these keys from a secret, by name or ARN. Answers the log index of the write.
    ///
    /// # Errors
    /// [`Error`]. It carries no token, so it is not repeated when its outcome is unknown.
    pub async fn untag_resource<K: Into<String>>(
        &self,
        secret_id: impl Into<String>,
        tag_keys: impl IntoIterator<Item = K>,
    ) -> Result<u64, Error> {
        let tag_keys = tag_keys.into_iter().map(Into::into).collect();
        let message = pb::UntagResourceRequest { secret_id: secret_id.into(), tag_keys };
        let send = |channel, request| async move { secrets(channel).untag_resource(request).await };
        let answer: pb::UntagResourceResponse =
            self.cluster.call(Repeat::Never, self.cluster.deadline(), message, send).await?;
        Ok(answer.applied_index)
    }

    /// Lets the cluster make a password, which it does not keep.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_random_password(&self, request: GetRandomPassword) -> Result<SecretValue, Error> {
        let send = |channel, request| async move { secrets(channel).get_random_password(request).await };
        let mut answer: pb::GetRandomPasswordResponse =
            self.cluster.call(Repeat::Read, self.cluster.deadline(), request.0, send).await?;
        Ok(SecretValue::string(std::mem::take(&mut answer.random_password)))
    }
}

pub(crate) fn secrets(channel: Channel) -> SecretsClient<Channel> {
    SecretsClient::new(channel).max_decoding_message_size(ANSWER_BYTES)
}

pub(crate) fn new_token() -> String {
    Uuid::new_v4().to_string()
}

fn secret(mut answer: pb::GetSecretValueResponse) -> Result<Secret, Error> {
    let value = match (answer.secret_string.take(), answer.secret_binary.take()) {
        (Some(text), _) => SecretValue::string(text),
        (None, Some(bytes)) => SecretValue::binary(bytes),
        (None, None) => return Err(Error::Incomplete("value")),
    };
    Ok(Secret {
        arn: std::mem::take(&mut answer.arn),
        name: std::mem::take(&mut answer.name),
        version_id: std::mem::take(&mut answer.version_id),
        version_stages: std::mem::take(&mut answer.version_stages),
        created_date: time("created_date", answer.created_date.as_ref())?,
        value,
        applied_index: answer.applied_index,
    })
}

fn version(entry: pb::VersionEntry) -> Result<VersionDescription, Error> {
    Ok(VersionDescription {
        created_date: time("created_date", entry.created_date.as_ref())?,
        last_accessed_date: optional_time(entry.last_accessed_date.as_ref()),
        version_id: entry.version_id,
        version_stages: entry.version_stages,
        kms_key_ids: entry.kms_key_ids,
    })
}

fn description(mut entry: pb::SecretEntry) -> Result<SecretDescription, Error> {
    Ok(SecretDescription {
        primary_region: entry.primary_region.take(),
        replication_status: statuses(std::mem::take(&mut entry.replication_status)),
        rotation: rotation(&mut entry),
        created_date: time("created_date", entry.created_date.as_ref())?,
        last_changed_date: time("last_changed_date", entry.last_changed_date.as_ref())?,
        last_accessed_date: optional_time(entry.last_accessed_date.as_ref()),
        deleted_date: optional_time(entry.deleted_date.as_ref()),
        arn: entry.arn,
        name: entry.name,
        description: entry.description,
        kms_key_id: entry.kms_key_id,
        tags: entry.tags.map(|tags| tags.tags.into_iter().map(|tag| (tag.key, tag.value)).collect()),
        version_ids_to_stages: entry
            .version_ids_to_stages
            .into_iter()
            .map(|(version, stages)| (version, stages.stages))
            .collect(),
    })
}

pub(crate) fn time(member: &'static str, time: Option<&prost_types::Timestamp>) -> Result<SystemTime, Error> {
    optional_time(time).ok_or(Error::Incomplete(member))
}

pub(crate) fn optional_time(time: Option<&prost_types::Timestamp>) -> Option<SystemTime> {
    time.and_then(from_wire_time).map(system_time)
}

/// A time that `SystemTime` cannot hold is the epoch's: none that a cluster stamps is.
fn system_time(time: types::Timestamp) -> SystemTime {
    let since = Duration::from_millis(time.as_millis());
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
