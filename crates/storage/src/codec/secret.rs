//! Secrets, without the contents of their versions.

use std::sync::Arc;

use state::{Secret, SecretRecord, SecretUid, VersionPart, Versions};
use types::{StagingLabel, Timestamp, VersionId};

use super::DecodeError;
use super::common::{
    arn, label, millis, name, namespace, shared_text, tags_from, tags_to, text, timestamp, version_id,
};
use super::rotation::rotation_from;
use crate::schema as pb;

pub(super) fn secret_to(record: &SecretRecord) -> pb::Secret {
    let secret = &record.secret;
    pb::Secret {
        uid: secret.uid.0,
        namespace: Some((&secret.namespace).into()),
        name: secret.name.as_str().to_owned(),
        arn: secret.arn.as_str().to_owned(),
        create_token: secret.create_token.as_str().to_owned(),
        description: text(&secret.description),
        kms_key_id: text(&secret.kms_key_id),
        tags: secret.tags.as_deref().map(|tags| pb::Tags { tags: tags_to(tags) }),
        created_ms: secret.created.as_millis(),
        last_changed_ms: secret.last_changed.as_millis(),
        last_accessed_ms: millis(secret.last_accessed),
        deletion_date_ms: millis(secret.deletion_date),
        versions: record.versions.iter().map(Into::into).collect(),
        labels: secret.labels.iter().map(label_to).collect(),
        next_part: secret.next_part,
        key_changed_at: secret.key_changed_at,
        rotation: secret.rotation.as_deref().map(Into::into),
    }
}

pub(super) fn secret_from(secret: pb::Secret) -> Result<SecretRecord, DecodeError> {
    let versions = secret.versions.into_iter().map(Into::into).collect();
    let secret = Secret {
        uid: SecretUid(secret.uid),
        namespace: namespace("Secret.namespace", secret.namespace)?,
        name: name("Secret.name", &secret.name)?,
        arn: arn("Secret.arn", &secret.arn)?,
        create_token: version_id("Secret.create_token", &secret.create_token)?,
        description: shared_text(secret.description),
        kms_key_id: shared_text(secret.kms_key_id),
        tags: secret.tags.map(|tags| tags_from(tags.tags)),
        created: Timestamp::from_millis(secret.created_ms),
        last_changed: Timestamp::from_millis(secret.last_changed_ms),
        last_accessed: timestamp(secret.last_accessed_ms),
        deletion_date: timestamp(secret.deletion_date_ms),
        rotation: secret.rotation.map(rotation_from).transpose()?,
        versions: Versions::default(),
        labels: labels_from(&secret.labels)?,
        next_part: secret.next_part,
        key_changed_at: secret.key_changed_at,
    };
    Ok(SecretRecord { secret: Arc::new(secret), versions })
}

fn label_to((label, version): &(StagingLabel, VersionId)) -> pb::Label {
    pb::Label { label: label.as_str().to_owned(), version: version.as_str().to_owned() }
}

/// In as much memory as they need.
fn labels_from(labels: &[pb::Label]) -> Result<Vec<(StagingLabel, VersionId)>, DecodeError> {
    let mut decoded = Vec::with_capacity(labels.len());
    for label in labels {
        decoded.push(label_from(label)?);
    }
    Ok(decoded)
}

fn label_from(entry: &pb::Label) -> Result<(StagingLabel, VersionId), DecodeError> {
    Ok((label("Label.label", &entry.label)?, version_id("Label.version", &entry.version)?))
}

impl From<&VersionPart> for pb::VersionEntry {
    fn from(entry: &VersionPart) -> Self {
        Self { part: entry.part, last_accessed_ms: millis(entry.last_accessed) }
    }
}

impl From<pb::VersionEntry> for VersionPart {
    fn from(entry: pb::VersionEntry) -> Self {
        Self { part: entry.part, last_accessed: timestamp(entry.last_accessed_ms) }
    }
}
