//! Policies of secrets: kept as their texts, and known as what decisions rest on.
//!
//! A policy is a record of its own, so that it is not written again with each change of its secret. It stays, without
//! a text, after it was deleted: a decision of before must be noticed.

use std::fmt;
use std::sync::Arc;

use types::SecretArn;

use crate::command::Command;
use crate::outcome::{Applied, Outcome};
use crate::record::{Record, RecordKey, RecordKind};
use crate::secret::{Secret, SecretUid};
use crate::state::State;

/// What became of the policy of a secret that has, or has had, one.
#[derive(Clone, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// The secret.
    pub secret: SecretUid,
    /// As it was given; absent after it was deleted.
    pub text: Option<Arc<str>>,
    /// Log index of the last change.
    pub changed_at: u64,
}

/// A policy for a secret, in the place of the one that it has.
#[derive(Clone, PartialEq, Eq)]
pub struct PutResourcePolicy {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// Not empty, and of the grammar: the proposer has read it.
    pub policy: Arc<str>,
}

/// The end of a secret's policy.
#[derive(Clone, PartialEq, Eq)]
pub struct DeleteResourcePolicy {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
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

debug_as_name!(ResourcePolicy, PutResourcePolicy, DeleteResourcePolicy);

impl State {
    /// The text of a secret's policy.
    pub fn resource_policy(&self, secret: &Secret) -> Option<&Arc<str>> {
        self.policies.get(&self.primary_of(secret.uid))?.text.as_ref()
    }

    /// Whether the policy of the secret that a command is on is what it was at that index.
    pub(crate) fn policy_unchanged_since(&self, command: &Command, decided_at: u64) -> bool {
        // A secret that is gone has none, and is refused for that.
        let secret = command.target().and_then(|target| self.secret_by_arn(target));
        let policy = secret.and_then(|secret| self.policies.get(&self.primary_of(secret.uid)));
        policy.is_none_or(|policy| policy.changed_at <= decided_at)
    }

    pub(crate) fn put_resource_policy(&mut self, index: u64, command: PutResourcePolicy) -> Outcome {
        self.set_policy(index, &command.target, Some(command.policy))
    }

    pub(crate) fn delete_resource_policy(&mut self, index: u64, command: &DeleteResourcePolicy) -> Outcome {
        self.set_policy(index, &command.target, None)
    }

    fn set_policy(&mut self, index: u64, target: &SecretArn, text: Option<Arc<str>>) -> Outcome {
        let secret = self.live_secret(target)?.as_ref().clone();
        let applied =
            Applied::Written { arn: secret.arn.clone(), name: secret.name.clone(), version: None, stages: Vec::new() };
        if self.resource_policy(&secret) != text.as_ref() {
            let policy = ResourcePolicy { secret: secret.uid, text, changed_at: index };
            self.policies.insert(secret.uid, Arc::new(policy));
            self.change(secret);
        }
        Ok(applied)
    }

    /// Forgets the policy of a secret that is gone.
    pub(crate) fn drop_policy(&mut self, uid: SecretUid) {
        // Removing what is not there would make another map of it, and so a change of access.
        if self.policies.contains_key(&uid) {
            self.policies.remove(&uid);
        }
    }
}

impl Record {
    pub(crate) fn resource_policy(policy: &Arc<ResourcePolicy>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::ResourcePolicy, policy.secret.0), Self::ResourcePolicy(policy.clone()))
    }
}

impl Command {
    /// The secret that must be there for the command, and whose policy the decision rests on.
    pub const fn target(&self) -> Option<&SecretArn> {
        match self {
            Self::PutSecretValue(command) => Some(&command.target),
            Self::DeleteSecret(command) => Some(&command.target),
            Self::UpdateSecret(command) => Some(&command.target),
            Self::UpdateSecretVersionStage(command) => Some(&command.target),
            Self::RestoreSecret(command) => Some(&command.target),
            Self::TagResource(command) => Some(&command.target),
            Self::UntagResource(command) => Some(&command.target),
            Self::PutResourcePolicy(command) => Some(&command.target),
            Self::DeleteResourcePolicy(command) => Some(&command.target),
            Self::ReplicateSecretToRegions(command) => Some(&command.target),
            Self::RemoveRegionsFromReplication(command) => Some(&command.target),
            Self::StopReplicationToReplica(command) => Some(&command.target),
            Self::RotateSecret(command) => Some(&command.target),
            Self::CancelRotateSecret(command) => Some(&command.target),
            Self::Bootstrap(_)
            | Self::CreateSecret(_)
            | Self::Touch(_)
            | Self::Purge(_)
            | Self::RegisterBoot(_)
            | Self::MarkReverted(_)
            | Self::CreateKey(_)
            | Self::ChangeKey(_)
            | Self::CreateAlias(_)
            | Self::UpdateAlias(_)
            | Self::DeleteAlias(_)
            | Self::PurgeKeys(_)
            | Self::RewrapDataKeys(_)
            | Self::SetKeyring(_) => None,
        }
    }
}
