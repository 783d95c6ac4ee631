//! A secret: metadata, sealed versions, and the labels that name them.

use std::fmt;
use std::sync::Arc;

use types::{KeyId, Namespace, SecretArn, SecretName, StagingLabel, Tag, Timestamp, ValueKind, VersionId};

use crate::labels;
use crate::rotation::Rotation;
use crate::versions::Versions;

/// A secret's number inside the cluster, in the order of creation. It names records on disk, where names may not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretUid(pub u64);

/// One secret with all its versions.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret's number.
    pub uid: SecretUid,
    /// Account and region.
    pub namespace: Namespace,
    /// Unique in the namespace.
    pub name: SecretName,
    /// Unique for ever: a secret made again under the same name has another suffix.
    pub arn: SecretArn,
    /// The token of the CreateSecret that made it.
    pub create_token: VersionId,
    /// Not empty.
    pub description: Option<Arc<str>>,
    /// As given; absent for the default key.
    pub kms_key_id: Option<Arc<str>>,
    /// `None` if never tagged, empty after all tags were removed: DescribeSecret shows the difference.
    pub tags: Option<Vec<Tag>>,
    /// When it was created.
    pub created: Timestamp,
    /// Strictly later with each change of this secret.
    pub last_changed: Timestamp,
    /// The UTC day of the last GetSecretValue.
    pub last_accessed: Option<Timestamp>,
    /// The end of the deletion window, while one is set.
    pub deletion_date: Option<Timestamp>,
    /// How it is rotated, once that was ever configured.
    pub rotation: Option<Arc<Rotation>>,
    /// In the order of creation.
    pub versions: Versions,
    /// Where each label stands: one version a label, by construction. Sorted by label.
    pub labels: Vec<(StagingLabel, VersionId)>,
    /// The part number of the next version's record.
    pub next_part: u64,
    /// The log index at which its key was last changed, 0 if it never was: what was decided before, with a value under
    /// another key, is not taken.
    pub key_changed_at: u64,
}

impl Secret {
    /// The version that carries `label`.
    pub fn holder(&self, label: &StagingLabel) -> Option<&VersionId> {
        labels::holder(&self.labels, label)
    }

    /// The version of that id.
    pub fn version(&self, id: &VersionId) -> Option<&VersionEntry> {
        self.versions.of_id(id)
    }

    /// Where the fingerprint of a value with that token belongs: in the region that the version was made in, if it came
    /// here as a replica's, so that the same request is known again.
    pub fn namespace_of_token(&self, token: &VersionId) -> Namespace {
        let version = self.version(token).map(|entry| &entry.version);
        let made_in = version.and_then(|version| version.sealed_under.as_ref()?.namespace());
        made_in.unwrap_or_else(|| self.namespace.clone())
    }

    /// The labels of a version: AWSCURRENT, AWSPENDING, AWSPREVIOUS, then others by text.
    pub fn stages_of(&self, id: &VersionId) -> Vec<StagingLabel> {
        self.labels.iter().filter(|(_, holder)| holder == id).map(|(label, _)| label.clone()).collect()
    }

    /// Whether a version has a label; one without is deprecated.
    pub fn is_labelled(&self, id: &VersionId) -> bool {
        self.labels.iter().any(|(_, holder)| holder == id)
    }

    /// Whether a deletion window is set.
    pub const fn is_scheduled_for_deletion(&self) -> bool {
        self.deletion_date.is_some()
    }

    /// Whether a version with a label has a value; if none does, the next value is the secret's first.
    pub(crate) fn has_labelled_value(&self) -> bool {
        let has_value = |id| self.version(id).is_some_and(|entry| entry.version.value.is_some());
        self.labels.iter().any(|(_, holder)| has_value(holder))
    }

    /// The part number of a new version.
    pub(crate) const fn draw_part(&mut self) -> u64 {
        let part = self.next_part;
        self.next_part += 1;
        part
    }
}

/// A version in its secret: the immutable part shared, the rest beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// What never changes after the version has its value.
    pub version: Arc<Version>,
    /// The UTC day of the last GetSecretValue of this version.
    pub last_accessed: Option<Timestamp>,
    /// The end of the version's id. Ids are drawn at random, so this tells nearly every two apart without a look at the
    /// versions, each of which lies elsewhere.
    pub(crate) mark: [u8; 8],
}

impl VersionEntry {
    /// A version that was last read on that day.
    pub fn new(version: Arc<Version>, last_accessed: Option<Timestamp>) -> Self {
        let mark = Self::mark_of(&version.id);
        Self { version, last_accessed, mark }
    }

    /// A version that nobody has read yet.
    pub(crate) fn unread(part: u64, id: VersionId, created: Timestamp, value: SealedValue) -> Self {
        Self::new(Arc::new(Version { part, id, created, value: Some(value), sealed_under: None }), None)
    }

    pub(crate) fn mark_of(id: &VersionId) -> [u8; 8] {
        id.as_str().as_bytes().last_chunk().copied().unwrap_or_default()
    }
}

/// A version's immutable part.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    /// The part number of its record, unique in the secret.
    pub part: u64,
    /// The ClientRequestToken that made it.
    pub id: VersionId,
    /// When it was created.
    pub created: Timestamp,
    /// Absent in the placeholder that a rotation begins with.
    pub value: Option<SealedValue>,
    /// The ARN that the value is sealed under, where that is another than the secret's: the secret was a replica when it
    /// got the version.
    pub sealed_under: Option<SecretArn>,
}

/// A value as it is stored and replicated: encrypted before it was proposed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// SecretString or SecretBinary.
    pub kind: ValueKind,
    /// The key that wraps the data key.
    pub key: KeyId,
    /// Which material of that key, from 1.
    pub material: u32,
    /// The data key, wrapped; its context is {SecretARN, SecretVersionId}.
    pub wrapped_key: Arc<[u8]>,
    /// The value under the data key.
    pub ciphertext: Arc<[u8]>,
    /// HMAC of (account, region, name, token, kind, value): equal for equal requests, whatever the ciphertext.
    pub fingerprint: [u8; 32],
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(Secret, VersionEntry, Version, Versions, SealedValue);
