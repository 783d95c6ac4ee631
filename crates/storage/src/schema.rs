//! The generated messages of `conclave.storage.v1`.

use std::fmt;

#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated; oneofs and empty messages stay inside the messages below"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/conclave.storage.v1.rs"));
}

pub(crate) use generated::*;

/// The version of every format in this package.
pub(crate) const FORMAT: u32 = 1;

macro_rules! debug_as_name {
    ($($name:ident),+ $(,)?) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(
    Envelope,
    Proposal,
    Answer,
    Command,
    Bootstrap,
    CreateSecret,
    PutSecretValue,
    DeleteSecret,
    UpdateSecret,
    UpdateSecretVersionStage,
    RestoreSecret,
    TagResource,
    UntagResource,
    Touch,
    Access,
    Purge,
    RegisterBoot,
    MarkReverted,
    PutResourcePolicy,
    DeleteResourcePolicy,
    RotateSecret,
    CancelRotateSecret,
    RotationRules,
    Rotation,
    ReplicaRegion,
    AddReplicas,
    ReplicateSecretToRegions,
    RemoveRegionsFromReplication,
    StopReplicationToReplica,
    KeyVersion,
    SecretRewrap,
    RewrappedVersion,
    CreateKey,
    ChangeKey,
    SetRotation,
    RotateKey,
    TagKeys,
    NewGrant,
    CreateAlias,
    UpdateAlias,
    DeleteAlias,
    PurgeKeys,
    RewrapDataKeys,
    Rewrap,
    SetKeyring,
    GrantTerms,
    ContextPairs,
    ContextPair,
    Principal,
    Namespace,
    Tag,
    SealedValue,
    Outcome,
    Written,
    Deleted,
    RegionStatus,
    Replicated,
    ApiError,
    KeyChanged,
    KeyDeletionScheduled,
    KeyRotated,
    Granted,
    Rewrapped,
    KeyringSet,
    KeyRefused,
    Record,
    Counters,
    Cluster,
    AccessKey,
    Binding,
    EncryptionKey,
    Secret,
    Tags,
    VersionEntry,
    Label,
    Version,
    ProposalResult,
    NodeBoot,
    ResourcePolicy,
    Replica,
    KeyDetails,
    PendingDeletion,
    KeyRotation,
    MaterialRotation,
    Alias,
    Grant,
    DestroyedKey,
    RewrapJob,
    Keyring,
    LogId,
    Head,
    CheckpointHead,
    Pack,
    PackEntry,
    SnapshotFrame,
    SnapshotHeader,
    SnapshotRecord,
    SnapshotTrailer,
);
