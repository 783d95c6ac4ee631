//! What a process that holds keys asks of the system.

use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps and debuggers, and keeps pages out of swap where the system allows it.
pub(crate) fn process() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process stays dumpable");
    }
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps stay possible");
    }
    lock_pages();
}

fn lock_pages() {
    // Under a limit, a later allocation would fail instead of staying unlocked: then rather do not lock at all.
    if getrlimit(Resource::Memlock).current.is_some() {
        tracing::warn!("memory is not locked: the limit on locked memory is not `unlimited`");
        return;
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = rustix::mm::mlockall(flags) {
        tracing::warn!(%error, "memory is not locked");
    }
}
