//! An encryption key.

use std::fmt;
use std::sync::Arc;

use types::{AccountId, KeyId, Namespace, Region, Tag, Timestamp};

/// Who looks after a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyManager {
    /// The service itself (`KeyManager` AWS): nobody changes it.
    #[default]
    Service,
    /// The account that it belongs to (`KeyManager` CUSTOMER).
    Customer,
}

/// What a key may be used for, as of the last change of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Everything.
    #[default]
    Enabled,
    /// Nothing until it is enabled again.
    Disabled,
    /// Nothing, and its material is destroyed when the window ends.
    PendingDeletion {
        /// The end of the window.
        ends: Timestamp,
        /// Its length, as asked for.
        window_days: u32,
    },
}

/// How a key gets new material by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRotation {
    /// Days from one rotation to the next.
    pub period_days: u32,
    /// The last automatic rotation; before the first one, when it was switched on.
    pub counted_from: Timestamp,
}

impl KeyRotation {
    /// When the next rotation is due.
    pub const fn next(&self) -> Timestamp {
        self.counted_from.plus_days(self.period_days)
    }
}

/// Why a key got new material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RotationKind {
    /// Its period was over.
    Automatic,
    /// RotateKeyOnDemand.
    OnDemand,
}

/// A rotation that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaterialRotation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub kind: RotationKind,
}

/// An encryption key with all its material.
///
/// All keys are symmetric, made here, for encryption, and of one region each but for the one that the cluster was
/// started with.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    /// The record's number.
    pub uid: u64,
    /// The key's id.
    pub id: KeyId,
    /// The account that owns it.
    pub account: AccountId,
    /// Where it is found; absent for the key of the bootstrap, which is found in every region.
    pub region: Option<Region>,
    /// Who looks after it.
    pub manager: KeyManager,
    /// What it may be used for.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// May be empty.
    pub description: Arc<str>,
    /// As given; absent for a key of the service, which nobody has written a policy for.
    pub policy: Option<Arc<str>>,
    /// Each key once, in the order in which they came.
    pub tags: Vec<Tag>,
    /// Absent while it is not rotated by itself.
    pub rotation: Option<KeyRotation>,
    /// Material 1, 2, ..., each sealed under a barrier term; the last one encrypts.
    pub material: Vec<Arc<[u8]>>,
    /// How the newest materials came, the last of them how the last material did. The first material has none.
    pub rotations: Vec<MaterialRotation>,
    /// Log index of the last change, or of the end of one of its grants.
    pub changed_at: u64,
}

impl EncryptionKey {
    /// Whether it may encrypt and decrypt.
    pub const fn is_enabled(&self) -> bool {
        matches!(self.state, KeyState::Enabled)
    }

    /// The end of its deletion window, while one is set.
    pub const fn deletion_date(&self) -> Option<Timestamp> {
        match self.state {
            KeyState::PendingDeletion { ends, .. } => Some(ends),
            KeyState::Enabled | KeyState::Disabled => None,
        }
    }

    /// The number of the material that encrypts.
    pub fn newest_material(&self) -> u32 {
        u32::try_from(self.material.len()).unwrap_or(u32::MAX)
    }

    /// The material of that number, from 1, as it is sealed.
    pub fn material_numbered(&self, number: u32) -> Option<&Arc<[u8]>> {
        self.material.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// Rotations with the numbers of the materials that they brought, the oldest first.
    pub fn rotated(&self) -> impl DoubleEndedIterator<Item = (u32, MaterialRotation)> {
        let first = self.material.len().saturating_sub(self.rotations.len());
        self.rotations.iter().enumerate().map(move |(at, rotation)| {
            let number = u32::try_from(first + at + 1).unwrap_or(u32::MAX);
            (number, *rotation)
        })
    }

    /// When it rotates by itself: not while it is disabled or about to go.
    pub fn next_rotation(&self) -> Option<Timestamp> {
        self.rotation.filter(|_| self.is_enabled()).map(|rotation| rotation.next())
    }

    /// Whether requests of an account in a region may name it.
    pub fn is_found_in(&self, namespace: &Namespace) -> bool {
        self.account == namespace.account && self.region.as_ref().is_none_or(|region| *region == namespace.region)
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey")
    }
}
