//! The keys that the decision of a command rests upon.

use std::iter;

use types::KeyId;

use super::rewrap::SecretRewrap;
use crate::command::Command;
use crate::outcome::Refusal;
use crate::state::State;

impl State {
    /// Whether the keys and aliases that a command was decided on are what they were at that index.
    pub(crate) fn keys_unchanged_since(&self, command: &Command, decided_at: u64) -> bool {
        let aliases_hold = match command {
            Command::UpdateAlias(command) => self.alias_unchanged_since(&command.namespace, &command.name, decided_at),
            Command::DeleteAlias(command) => self.alias_unchanged_since(&command.namespace, &command.name, decided_at),
            _ => true,
        };
        aliases_hold && keys_of(command).all(|key| self.key_unchanged_since(key, decided_at))
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
