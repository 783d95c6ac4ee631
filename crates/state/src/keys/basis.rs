//! The keys that the decision of a command rests upon.

use std::iter;

use types::{KeyId, SecretArn};

use super::rewrap::SecretRewrap;
use crate::command::Command;
use crate::outcome::Refusal;
use crate::secret::Secret;
use crate::state::State;

impl State {
    /// Whether the keys and aliases that a command was decided on are what they were at that index.
    pub(crate) fn keys_unchanged_since(&self, command: &Command, decided_at: u64) -> bool {
        let aliases_hold = match command {
            Command::UpdateAlias(command) => self.alias_unchanged_since(&command.namespace, &command.name, decided_at),
            Command::DeleteAlias(command) => self.alias_unchanged_since(&command.namespace, &command.name, decided_at),
            _ => true,
        };
        let key_of_secret_holds = match command {
            Command::PutSecretValue(command) => self.key_of_secret_unchanged_since(&command.target, decided_at),
            Command::UpdateSecret(command) if command.value.is_some() || command.kms_key_id.is_some() => {
                self.key_of_secret_unchanged_since(&command.target, decided_at)
            }
            _ => true,
        };
        aliases_hold && key_of_secret_holds && keys_of(command).all(|key| self.key_unchanged_since(key, decided_at))
    }

    /// Whether the secret is under the key that it was under at that index, so that a value that was sealed then is.
    fn key_of_secret_unchanged_since(&self, secret: &SecretArn, decided_at: u64) -> bool {
        self.secret_by_arn(secret).is_none_or(|secret| secret.key_changed_at <= decided_at)
    }

    /// Whether the keys that the labelled versions of a secret are under are what they were at that index.
    pub(crate) fn wraps_unchanged_since(&self, secret: &Secret, decided_at: u64) -> bool {
        let labelled = secret.versions.iter().filter(|entry| secret.is_labelled(&entry.version.id));
        let mut wrapped = labelled.filter_map(|entry| entry.version.value.as_ref());
        // One that is gone does not come back.
        wrapped.all(|value| self.encryption_key(&value.key).is_none_or(|key| key.changed_at <= decided_at))
    }

    /// Refuses a command that has a key wrap something which it may not wrap now.
    pub(crate) fn keys_of_values_are_enabled(&self, command: &Command) -> Result<(), Refusal> {
        let only_named = matches!(command, Command::ChangeKey(_) | Command::CreateAlias(_) | Command::UpdateAlias(_));
        if only_named { Ok(()) } else { keys_of(command).try_for_each(|key| self.must_be_enabled(key)) }
    }
}

/// Keys that must be there for a command, as they were when it was decided.
fn keys_of(command: &Command) -> impl Iterator<Item = &KeyId> {
    let (key, rewrap) = match command {
        Command::CreateSecret(command) => (command.value.as_ref().map(|value| &value.key), None),
        Command::PutSecretValue(command) => (Some(&command.value.key), None),
        Command::UpdateSecret(command) => (command.value.as_ref().map(|value| &value.key), command.rewrap.as_ref()),
        Command::RewrapDataKeys(command) => (Some(&command.to.key), None),
        Command::ChangeKey(command) => (Some(&command.key), None),
        Command::CreateAlias(command) => (Some(&command.key), None),
        Command::UpdateAlias(command) => (Some(&command.key), None),
        Command::Bootstrap(_)
        | Command::DeleteSecret(_)
        | Command::UpdateSecretVersionStage(_)
        | Command::RestoreSecret(_)
        | Command::TagResource(_)
        | Command::UntagResource(_)
        | Command::Touch(_)
        | Command::Purge(_)
        | Command::RegisterBoot(_)
        | Command::MarkReverted(_)
        | Command::PutResourcePolicy(_)
        | Command::DeleteResourcePolicy(_)
        | Command::ReplicateSecretToRegions(_)
        | Command::RemoveRegionsFromReplication(_)
        | Command::StopReplicationToReplica(_)
        | Command::RotateSecret(_)
        | Command::CancelRotateSecret(_)
        | Command::CreateKey(_)
        | Command::DeleteAlias(_)
        | Command::PurgeKeys(_)
        | Command::SetKeyring(_) => (None, None),
    };
    key.into_iter().chain(rewrap.into_iter().flat_map(rewrapping))
}

fn rewrapping(rewrap: &SecretRewrap) -> impl Iterator<Item = &KeyId> {
    iter::once(&rewrap.to.key).chain(rewrap.versions.iter().map(|version| &version.from.key))
}
