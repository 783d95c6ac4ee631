//! What can be proposed. A command carries everything that `apply` needs and nothing that it must not see.

use std::fmt;
use std::sync::Arc;

use types::{
    AccessKeyId, AccountId, KeyId, Namespace, Principal, ProposalId, SecretArn, SecretName, StagingLabel, Tag,
    Timestamp, VersionId,
};

use crate::boot::{MarkReverted, RegisterBoot};
use crate::keyring::SetKeyring;
use crate::keys::{
    ChangeKey, CreateAlias, CreateKey, DeleteAlias, PurgeKeys, RewrapDataKeys, SecretRewrap, UpdateAlias,
};
use crate::replication::{
    AddReplicas, RemoveRegionsFromReplication, ReplicateSecretToRegions, StopReplicationToReplica,
};
use crate::resource_policy::{DeleteResourcePolicy, PutResourcePolicy};
use crate::rotation::{CancelRotateSecret, RotateSecret};
use crate::secret::{SealedValue, SecretUid};

/// A command with the circumstances of its proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The same for every retry of one proposal.
    pub proposal: ProposalId,
    /// Who asked for it.
    pub principal: Principal,
    /// The log index of the state on which the request was authenticated and authorized.
    pub decided_at: u64,
    /// The leader's clock when it appended the command.
    pub stamped: Timestamp,
    /// What to do.
    pub command: Command,
}

/// A change of the state. `Debug` and `Display` show the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// The first command of a cluster; a second one is refused.
    Bootstrap(Bootstrap),
    /// CreateSecret, with or without a first version.
    CreateSecret(CreateSecret),
    /// PutSecretValue.
    PutSecretValue(PutSecretValue),
    /// DeleteSecret, with a window or at once.
    DeleteSecret(DeleteSecret),
    /// UpdateSecret, with or without a new version.
    UpdateSecret(UpdateSecret),
    /// UpdateSecretVersionStage.
    UpdateSecretVersionStage(UpdateSecretVersionStage),
    /// RestoreSecret.
    RestoreSecret(RestoreSecret),
    /// TagResource.
    TagResource(TagResource),
    /// UntagResource.
    UntagResource(UntagResource),
    /// What GetSecretValue leaves behind: LastAccessedDate.
    Touch(Touch),
    /// The removal of secrets whose deletion windows have ended.
    Purge(Purge),
    /// The report of a node's boots.
    RegisterBoot(RegisterBoot),
    /// The end of a data directory that lacks what it had acknowledged.
    MarkReverted(MarkReverted),
    /// PutResourcePolicy.
    PutResourcePolicy(PutResourcePolicy),
    /// DeleteResourcePolicy.
    DeleteResourcePolicy(DeleteResourcePolicy),
    /// ReplicateSecretToRegions.
    ReplicateSecretToRegions(ReplicateSecretToRegions),
    /// RemoveRegionsFromReplication.
    RemoveRegionsFromReplication(RemoveRegionsFromReplication),
    /// StopReplicationToReplica.
    StopReplicationToReplica(StopReplicationToReplica),
    /// RotateSecret.
    RotateSecret(RotateSecret),
    /// CancelRotateSecret.
    CancelRotateSecret(CancelRotateSecret),
    /// CreateKey, or the service's own key of a region.
    CreateKey(CreateKey),
    /// What else is done to a key.
    ChangeKey(ChangeKey),
    /// CreateAlias.
    CreateAlias(CreateAlias),
    /// UpdateAlias.
    UpdateAlias(UpdateAlias),
    /// DeleteAlias.
    DeleteAlias(DeleteAlias),
    /// The end of keys whose deletion windows have ended.
    PurgeKeys(PurgeKeys),
    /// New wraps after a rotation of a key.
    RewrapDataKeys(RewrapDataKeys),
    /// Another keyring for all nodes.
    SetKeyring(SetKeyring),
}

impl Command {
    /// The kind's name, for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bootstrap(_) => "Bootstrap",
            Self::CreateSecret(_) => "CreateSecret",
            Self::PutSecretValue(_) => "PutSecretValue",
            Self::DeleteSecret(_) => "DeleteSecret",
            Self::UpdateSecret(_) => "UpdateSecret",
            Self::UpdateSecretVersionStage(_) => "UpdateSecretVersionStage",
            Self::RestoreSecret(_) => "RestoreSecret",
            Self::TagResource(_) => "TagResource",
            Self::UntagResource(_) => "UntagResource",
            Self::Touch(_) => "Touch",
            Self::Purge(_) => "Purge",
            Self::RegisterBoot(_) => "RegisterBoot",
            Self::MarkReverted(_) => "MarkReverted",
            Self::PutResourcePolicy(_) => "PutResourcePolicy",
            Self::DeleteResourcePolicy(_) => "DeleteResourcePolicy",
            Self::ReplicateSecretToRegions(_) => "ReplicateSecretToRegions",
            Self::RemoveRegionsFromReplication(_) => "RemoveRegionsFromReplication",
            Self::StopReplicationToReplica(_) => "StopReplicationToReplica",
            Self::RotateSecret(_) => "RotateSecret",
            Self::CancelRotateSecret(_) => "CancelRotateSecret",
            Self::CreateKey(_) => "CreateKey",
            Self::ChangeKey(command) => command.change.kind(),
            Self::CreateAlias(_) => "CreateAlias",
            Self::UpdateAlias(_) => "UpdateAlias",
            Self::DeleteAlias(_) => "DeleteAlias",
            Self::PurgeKeys(_) => "PurgeKeys",
            Self::RewrapDataKeys(_) => "RewrapDataKeys",
            Self::SetKeyring(_) => "SetKeyring",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// The root principal and the keys that a new cluster starts with. All `sealed` members are barrier records.
#[derive(Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The first account.
    pub account: AccountId,
    /// The root access key's public half.
    pub access_key_id: AccessKeyId,
    /// The root access key's secret half, sealed.
    pub access_key_secret: Arc<[u8]>,
    /// The URI SAN of the root client certificate.
    pub root_certificate_uri: Arc<str>,
    /// The key of the HMAC that compares values without seeing them, sealed.
    pub idempotency_key: Arc<[u8]>,
    /// The default encryption key's id.
    pub default_key: KeyId,
    /// The default encryption key's first material, sealed.
    pub default_key_material: Arc<[u8]>,
}

/// A new secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateSecret {
    /// Account and region of the request.
    pub namespace: Namespace,
    /// The name, unique in the namespace among live and scheduled secrets.
    pub name: SecretName,
    /// The ARN, its suffix drawn by the proposer.
    pub arn: SecretArn,
    /// The ClientRequestToken.
    pub token: VersionId,
    /// Not empty.
    pub description: Option<Arc<str>>,
    /// The `KmsKeyId` as DescribeSecret echoes it; absent for the default key.
    pub kms_key_id: Option<Arc<str>>,
    /// Absent and empty are the same at creation.
    pub tags: Vec<Tag>,
    /// The first version's value, sealed under `arn` and `token`.
    pub value: Option<SealedValue>,
    /// Where to replicate it to.
    pub add_replicas: AddReplicas,
}

/// A new version of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PutSecretValue {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// The ClientRequestToken.
    pub token: VersionId,
    /// The value, sealed under `target` and `token`.
    pub value: SealedValue,
    /// Labels for the new version; AWSCURRENT where the request names none.
    pub stages: Vec<StagingLabel>,
}

/// How a secret is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteMode {
    /// Scheduled: readable again after RestoreSecret until that many days have passed.
    Window {
        /// 7 to 30.
        days: u32,
    },
    /// At once; the name is free in the same command.
    Force,
}

/// The end of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct DeleteSecret {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// With a window or at once.
    pub mode: DeleteMode,
}

/// New metadata of a secret, a new AWSCURRENT version, or both.
#[derive(Clone, PartialEq, Eq)]
pub struct UpdateSecret {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// The ClientRequestToken; it means something only together with a value.
    pub token: VersionId,
    /// Absent to leave the description as it is, empty to remove it.
    pub description: Option<Arc<str>>,
    /// Absent to leave the key as it is, empty for the default key.
    pub kms_key_id: Option<Arc<str>>,
    /// The new version's value, sealed under `target` and `token`.
    pub value: Option<SealedValue>,
    /// The labelled versions under the new key; absent to leave them under the one that they have.
    pub rewrap: Option<SecretRewrap>,
}

/// The move of one staging label.
#[derive(Clone, PartialEq, Eq)]
pub struct UpdateSecretVersionStage {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// The label.
    pub label: StagingLabel,
    /// The version that gets it.
    pub move_to: Option<VersionId>,
    /// The version that the caller believes to have it.
    pub remove_from: Option<VersionId>,
}

/// The end of a deletion window before its time.
#[derive(Clone, PartialEq, Eq)]
pub struct RestoreSecret {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
}

/// Tags that a secret gets, or whose values it changes.
#[derive(Clone, PartialEq, Eq)]
pub struct TagResource {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// Each key once.
    pub tags: Vec<Tag>,
}

/// Tags that a secret loses.
#[derive(Clone, PartialEq, Eq)]
pub struct UntagResource {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// Those that the secret does not have do not count.
    pub keys: Vec<Arc<str>>,
}

/// Reads of one UTC day, each the first one of its version or of its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Touch {
    /// The day, by the clock of the node that answered the reads.
    pub day: Timestamp,
    /// What was read.
    pub entries: Vec<Access>,
}

/// A version that was read. The numbers are never used again, so it needs no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The secret.
    pub secret: SecretUid,
    /// The part of the version's record.
    pub part: u64,
}

/// Secrets whose deletion windows have ended, to be removed for good.
#[derive(Clone, PartialEq, Eq)]
pub struct Purge {
    /// The secrets; those that are restored or gone by now stay as they are.
    pub secrets: Vec<SecretUid>,
    /// What a quorum of the nodes held to be the time when this was proposed. No window that ends later has ended.
    pub not_after: Timestamp,
}

macro_rules! debug_as_kind {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_kind!(
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
    Purge
);
