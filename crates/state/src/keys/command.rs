//! What can be done to a key. All material comes sealed under a barrier term, for the number that it gets.

use std::fmt;
use std::sync::Arc;

use types::{AliasName, KeyId, Namespace, Tag};

use super::grant::{GrantId, NewGrant};
use super::key::{KeyManager, RotationKind};

/// A new key.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateKey {
    /// Account and region of the request.
    pub namespace: Namespace,
    /// Drawn by the proposer; one that is taken means Conflict.
    pub key: KeyId,
    /// Material 1, sealed.
    pub material: Arc<[u8]>,
    /// Who looks after it.
    pub manager: KeyManager,
    /// An alias that it is made with. For a key of the service one that is taken means Conflict: another request was
    /// faster.
    pub alias: Option<AliasName>,
    /// May be empty.
    pub description: Arc<str>,
    /// Not empty, and of the grammar: the proposer has read it.
    pub policy: Option<Arc<str>>,
    /// Each key once.
    pub tags: Vec<Tag>,
    /// The days of its rotation; absent if it does not rotate by itself.
    pub rotation_period_days: Option<u32>,
}

/// A change of one key.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeKey {
    /// The key, resolved by the proposer; gone or changed by now means Conflict.
    pub key: KeyId,
    /// What becomes of it.
    pub change: KeyChange,
}

/// What becomes of a key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// UpdateKeyDescription.
    Description(Arc<str>),
    /// EnableKey.
    Enable,
    /// DisableKey.
    Disable,
    /// ScheduleKeyDeletion.
    ScheduleDeletion {
        /// 7 to 30.
        window_days: u32,
    },
    /// CancelKeyDeletion: the key is disabled then.
    CancelDeletion,
    /// EnableKeyRotation with a period in days, or DisableKeyRotation.
    Rotation(Option<u32>),
    /// RotateKeyOnDemand, or a rotation that is due.
    Rotate(RotateKey),
    /// PutKeyPolicy: not empty, and of the grammar.
    Policy(Arc<str>),
    /// TagResource, each key once.
    Tag(Vec<Tag>),
    /// UntagResource; those that the key does not have do not count.
    Untag(Vec<Arc<str>>),
    /// CreateGrant.
    Grant(NewGrant),
    /// RevokeGrant; one that is gone means Conflict.
    Revoke(GrantId),
    /// RetireGrant; one that is gone means Conflict.
    Retire(GrantId),
    /// Has all data keys under older material wrapped anew, from the first secret on.
    Rewrap,
}

/// New material of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct RotateKey {
    /// The number that the material is sealed for; another one than the key's next means Conflict.
    pub number: u32,
    /// The material, sealed.
    pub material: Arc<[u8]>,
    /// Why. An automatic rotation that is not due means Conflict.
    pub kind: RotationKind,
}

impl KeyChange {
    /// The operation's name, for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Description(_) => "UpdateKeyDescription",
            Self::Enable => "EnableKey",
            Self::Disable => "DisableKey",
            Self::ScheduleDeletion { .. } => "ScheduleKeyDeletion",
            Self::CancelDeletion => "CancelKeyDeletion",
            Self::Rotation(Some(_)) => "EnableKeyRotation",
            Self::Rotation(None) => "DisableKeyRotation",
            Self::Rotate(_) => "RotateKey",
            Self::Policy(_) => "PutKeyPolicy",
            Self::Tag(_) => "TagKey",
            Self::Untag(_) => "UntagKey",
            Self::Grant(_) => "CreateGrant",
            Self::Revoke(_) => "RevokeGrant",
            Self::Retire(_) => "RetireGrant",
            Self::Rewrap => "RewrapKey",
        }
    }
}

impl fmt::Debug for CreateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreateKey")
    }
}

impl fmt::Debug for RotateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RotateKey")
    }
}

impl fmt::Debug for ChangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.fmt(f)
    }
}

impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
