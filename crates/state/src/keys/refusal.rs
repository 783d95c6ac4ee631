//! Why a change of a key is refused.

/// A refusal that the caller is told in words which name the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRefusal {
    /// The key is disabled.
    Disabled,
    /// The key is about to go.
    PendingDeletion,
    /// The key is not about to go.
    NotPendingDeletion,
    /// The key is the service's own.
    OfTheService,
    /// The alias is there.
    AliasExists,
    /// Aliases that begin so are the service's own.
    AliasReserved,
    /// More keys than an account may have in a region.
    KeyQuota,
    /// More aliases than a key may have.
    AliasQuota,
    /// More grants than a key may have.
    GrantQuota,
    /// More tags than a key may have.
    TagQuota,
    /// A policy that is too long.
    PolicyTooLong,
    /// More rotations on demand than a key may have.
    OnDemandRotationQuota,
    /// More material than a key may have.
    MaterialQuota,
    /// The keyring is too long.
    KeyringTooLong,
}

impl KeyRefusal {
    /// All of them, for tests over the whole table.
    pub const ALL: &'static [Self] = &[
        Self::Disabled,
        Self::PendingDeletion,
        Self::NotPendingDeletion,
        Self::OfTheService,
        Self::AliasExists,
        Self::AliasReserved,
        Self::KeyQuota,
        Self::AliasQuota,
        Self::GrantQuota,
        Self::TagQuota,
        Self::PolicyTooLong,
        Self::OnDemandRotationQuota,
        Self::MaterialQuota,
        Self::KeyringTooLong,
    ];
}
