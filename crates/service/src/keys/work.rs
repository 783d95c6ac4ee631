//! What the leader does to keys by itself: rotations whose time has come, and the rewrap that follows upon each.
//!
//! Nothing is kept between two turns: what is due, and how far a rewrap has come, stands in the state. So a new leader
//! goes on where the one before has stopped, and a step that two leaders propose is taken once.

use std::sync::Weak;
use std::time::{Duration, Instant};

use consensus::{Proposal, Replica};
use key_service::Barrier;
use state::{
    ChangeKey, Command, EncryptionKey, KeyChange, KeyVersion, Rewrap, RewrapDataKeys, RewrapJob, RotationKind, Secret,
    State,
};
use types::{Principal, ProposalId, Timestamp, limits};

use super::rotation::new_material;
use crate::door::Door;
use crate::replicated::Replicated;
use crate::vault::Vault;

/// How often the leader looks whether there is anything to do.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From one step to the next while there is: with [`limits::REWRAPS_PER_COMMAND`] it bounds how much of the log and of
/// the processors a rewrap takes.
const PAUSE: Duration = Duration::from_millis(100);
/// Secrets that one step looks at.
const SECRETS_PER_STEP: usize = limits::LIST_SCAN_ENTRIES;

/// Works until the service is gone, whenever this node leads.
pub(crate) async fn run(door: Weak<Door<Replica>>) {
    let mut pause = LOOK_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let Some(door) = door.upgrade() else { return };
        let leads = door.replicated.status().leader == Some(door.replicated.id());
        pause = if leads && door.work_on_keys().await { PAUSE } else { LOOK_EVERY };
    }
}

impl<R: Replicated> Door<R> {
    /// Takes one step, if one is due. Says whether it was taken.
    pub(crate) async fn work_on_keys(&self) -> bool {
        let published = self.replicated.local_state();
        let state = &published.state;
        let rotation = due_rotation(state, self.clock.now(), self.barrier());
        let Some(command) = rotation.or_else(|| next_rewrap(state, self.vault())) else { return false };
        let kind = command.kind();
        let proposal = Proposal {
            id: ProposalId::new(published.applied_index, key_service::random()),
            principal: Principal::System,
            decided_at: published.applied_index,
            command,
        };
        match self.replicated.propose(proposal, Instant::now() + limits::REQUEST_DEADLINE).await {
            Ok(receipt) => receipt.outcome.is_ok(),
            Err(error) => {
                tracing::warn!(%error, command = kind, "work on keys has to wait");
                false
            }
        }
    }
}

/// The first rotation whose time has come.
fn due_rotation(state: &State, now: Timestamp, barrier: &Barrier) -> Option<Command> {
    let can_rotate = |key: &&std::sync::Arc<EncryptionKey>| key.material.len() < limits::MATERIALS_PER_KEY;
    let mut due = state.rotations_due(now).filter_map(|id| state.encryption_key(&id)).filter(can_rotate);
    let key = due.next()?;
    let change = KeyChange::Rotate(new_material(key, RotationKind::Automatic, barrier));
    Some(Command::ChangeKey(ChangeKey { key: key.id, change }))
}

/// The next step of the first rewrap that can go on. That of a disabled key waits.
fn next_rewrap(state: &State, vault: &Vault) -> Option<Command> {
    state.rewrap_jobs().filter(|job| job.finished.is_none()).find_map(|job| {
        let key = state.encryption_key(&job.key).filter(|key| key.newest_material() == job.material)?;
        vault.usable(key)?;
        Some(Command::RewrapDataKeys(step(state, vault, job, key)))
    })
}

fn step(state: &State, vault: &Vault, job: &RewrapJob, key: &EncryptionKey) -> RewrapDataKeys {
    let to = KeyVersion { key: key.id, material: job.material };
    let mut step = RewrapDataKeys { to, cursor: job.cursor, next: None, secrets: 0, failed: 0, rewraps: Vec::new() };
    for (looked_at, secret) in state.secrets_from(job.cursor).enumerate() {
        let under_older = secret.versions.iter().filter(|entry| {
            let sealed = entry.version.value.as_ref();
            sealed.is_some_and(|sealed| sealed.key == to.key && sealed.material < to.material)
        });
        let count = under_older.clone().count();
        let is_full = !step.rewraps.is_empty() && step.rewraps.len() + count > limits::REWRAPS_PER_COMMAND;
        if looked_at >= SECRETS_PER_STEP || is_full {
            step.next = Some(secret.uid);
            return step;
        }
        step.secrets += 1;
        for entry in under_older {
            match rewrap(state, vault, secret, entry, key) {
                Some(rewrap) => step.rewraps.push(rewrap),
                None => step.failed += 1,
            }
        }
    }
    step
}

fn rewrap(
    state: &State,
    vault: &Vault,
    secret: &Secret,
    entry: &state::VersionEntry,
    to: &EncryptionKey,
) -> Option<Rewrap> {
    let version = &entry.version;
    let sealed = version.value.as_ref()?;
    let arn = state.sealed_under(secret, version);
    let wrapped_key = vault.rewrap(state, arn, &version.id, sealed, to)?;
    Some(Rewrap { secret: secret.uid, part: version.part, from: sealed.material, wrapped_key })
}
