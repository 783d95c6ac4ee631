//! What a process that holds keys and serves many asks of the system.

use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use types::limits;

/// Forbids core dumps and debuggers, keeps pages out of swap where the system allows it, and asks for open files.
pub(crate) fn process() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process stays dumpable");
    }
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps stay possible");
    }
    key_service::memory::on_refused(|error| {
        tracing::warn!(%error, "memory that holds keys is not locked: it may be swapped out");
    });
    lock_pages();
    allow_open_files();
}

/// Connections that the client port may have: so many that the log and the other nodes still get their files. An
/// error of the log ends the node, so no client may cause one.
pub(crate) fn client_connections() -> usize {
    connections_within(getrlimit(Resource::Nofile).current)
}

fn connections_within(open_files: Option<u64>) -> usize {
    let open_files = open_files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    let left = open_files.saturating_sub(limits::PEER_CONNECTIONS + limits::RESERVED_FILES);
    left.clamp(limits::RESERVED_FILES / 4, limits::CLIENT_CONNECTIONS)
}

/// Every connection is an open file, and most systems allow 1,024 unless they are asked.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(limits::OPEN_FILES).unwrap_or(u64::MAX);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
    let connections = client_connections();
    if connections < limits::CLIENT_CONNECTIONS {
        tracing::warn!(connections, "the limit on open files leaves clients fewer connections than they could have");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_files_to_the_log() {
        assert_eq!(connections_within(None), limits::CLIENT_CONNECTIONS);
        assert_eq!(connections_within(Some(u64::MAX)), limits::CLIENT_CONNECTIONS);
        assert_eq!(connections_within(Some(limits::OPEN_FILES as u64)), limits::CLIENT_CONNECTIONS);
        assert_eq!(connections_within(Some(1_024)), 256);
        assert_eq!(connections_within(Some(64)), 128);
    }
}
