//! Encryption keys that customers name, their aliases and grants, and what becomes of the wraps that they made.
//!
//! Here is the life of a key and nothing of its material, which comes sealed under a barrier term and is only kept. Every
//! change of a key counts as a change of access: `apply` answers Conflict to what was decided on the key as it was, also
//! to a write of a value that the key has wrapped the data key of.

mod alias;
mod basis;
mod command;
mod grant;
mod index;
mod invariants;
mod key;
mod life;
mod purge;
mod refusal;
mod rewrap;

pub use alias::{Alias, CreateAlias, DeleteAlias, UpdateAlias};
pub use command::{ChangeKey, CreateKey, KeyChange, RotateKey};
pub use grant::{Grant, GrantConstraints, GrantId, GrantOperation, GrantTerms, NewGrant};
pub use key::{EncryptionKey, KeyManager, KeyRotation, KeyState, MaterialRotation, RotationKind};
pub use purge::{DestroyedKey, PurgeKeys};
pub use refusal::KeyRefusal;
pub use rewrap::{KeyVersion, Rewrap, RewrapDataKeys, RewrapJob, RewrappedVersion, SecretRewrap};

pub(crate) use alias::Aliases;
pub(crate) use grant::Grants;
pub(crate) use index::KeyIndex;
pub(crate) use purge::DestroyedKeys;
pub(crate) use rewrap::rewrap_labelled;
