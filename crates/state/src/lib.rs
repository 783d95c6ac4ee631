//! The deterministic core: [`Command`], [`State`] and [`State::apply`].
//!
//! Every node feeds the same commands in the same order and must come to the same state, so nothing here
//! reads a clock, draws randomness, does I/O or iterates a hash map: time, ids, nonces and ciphertexts
//! arrive inside the command. The state holds ciphertext and metadata only; it never sees a value or a key.
//!
//! `apply` is total. A refusal is a replicated value ([`Refusal`]); a broken invariant is a bug and stops the
//! node. What is deliberately not here: how commands and records look on disk (`storage`), who may propose
//! what (`service`, `policy`), and every key (`key-service`).

#![warn(missing_docs, clippy::iter_over_hash_type, clippy::float_arithmetic)]

mod apply;
mod arns;
mod boot;
mod builder;
mod change;
mod command;
mod identity;
mod index_builder;
mod invariants;
mod keyring;
mod keys;
mod labels;
mod outcome;
mod proposals;
mod record;
mod refusals;
mod replication;
mod resource_policy;
mod rotation;
mod secret;
mod stages;
mod state;
mod tags;
mod touch;
mod versions;

pub use boot::{Boot, Boots, DataId, MarkReverted, NodeBoot, RegisterBoot};
pub use builder::{StateBuilder, UnexpectedRecord};
pub use change::Change;
pub use command::{
    Access, Bootstrap, Command, CreateSecret, DeleteMode, DeleteSecret, Envelope, Purge, PutSecretValue, RestoreSecret,
    TagResource, Touch, UntagResource, UpdateSecret, UpdateSecretVersionStage,
};
pub use identity::{AccessKey, Binding, Cluster};
pub use invariants::BrokenInvariant;
pub use keyring::{Keyring, SetKeyring};
pub use keys::{
    Alias, ChangeKey, CreateAlias, CreateKey, DeleteAlias, DestroyedKey, EncryptionKey, Grant, GrantConstraints,
    GrantId, GrantOperation, GrantTerms, KeyChange, KeyManager, KeyRefusal, KeyRotation, KeyState, KeyVersion,
    MaterialRotation, NewGrant, PurgeKeys, Rewrap, RewrapDataKeys, RewrapJob, RewrappedVersion, RotateKey,
    RotationKind, SecretRewrap, UpdateAlias,
};
pub use outcome::{Applied, Outcome, Refusal};
pub use proposals::{ProposalResult, Proposals};
pub use record::{Record, RecordKey, RecordKind, SecretRecord, VersionPart};
pub use replication::{
    AddReplicas, RegionStatus, RemoveRegionsFromReplication, Replica, ReplicaRegion, ReplicaStatus,
    ReplicateSecretToRegions, StopReplicationToReplica,
};
pub use resource_policy::{DeleteResourcePolicy, PutResourcePolicy, ResourcePolicy};
pub use rotation::{CancelRotateSecret, RotateSecret, Rotation, RotationRules, RotationSchedule};
pub use secret::{SealedValue, Secret, SecretUid, Version, VersionEntry};
pub use state::{NamespaceIndex, State};
pub use versions::Versions;
