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
    LogId,
    Head,
    CheckpointHead,
    SnapshotFrame,
    SnapshotHeader,
    SnapshotRecord,
    SnapshotTrailer,
);
