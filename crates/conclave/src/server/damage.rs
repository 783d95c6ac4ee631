//! What an operator reads when log or state are damaged: where they lie, and the way out.

use std::path::{Path, PathBuf};

use consensus::StartError;
use storage::StateStoreError;
use storage::log::LogError;

const WAY_OUT: &str = "Nothing that the cluster acknowledged is lost while a majority of nodes is whole. Do not repair \
                       or delete anything in it: give the machine a node with a new id, which `conclave server \
                       --rejoin` starts beside the old data; see \"Replace a node\" in deploy/README.md";

/// Names the directory and the way out, where the data is what kept the node from starting.
pub(super) fn not_started(error: StartError, data_dir: &Path) -> anyhow::Error {
    let Some(store) = damaged(&error, data_dir) else {
        return anyhow::Error::new(error).context("the node cannot start");
    };
    let what = format!("the node cannot start: {} is damaged. {WAY_OUT}. What was found", store.display());
    anyhow::Error::new(error).context(what)
}

/// The store that holds something else than what was written into it.
fn damaged(error: &StartError, data_dir: &Path) -> Option<PathBuf> {
    match error {
        StartError::Log(LogError::Corrupt { .. } | LogError::Entry { .. }) => Some(data_dir.join("log")),
        StartError::State(
            StateStoreError::Engine { .. } | StateStoreError::EnginePanicked { .. } | StateStoreError::Damaged(_),
        ) => Some(data_dir.join("state")),
        // Either store may be the wrong one of the two.
        StartError::Gap { .. } | StartError::Raft(_) => Some(data_dir.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: StartError) -> String {
        format!("{:#}", not_started(error, Path::new("/d")))
    }

    #[test]
    fn a_damaged_store_is_named_with_the_way_out() {
        let corrupt = LogError::Corrupt { segment: 3, offset: 4096, sequence: 17, what: "a bad header" };
        let panicked = StateStoreError::EnginePanicked { action: "open", message: "x".to_owned() };
        for (error, store, found) in [
            (StartError::Log(corrupt), "/d/log is damaged", "log segment 3 is corrupt at byte 4096"),
            (StartError::State(panicked), "/d/state is damaged", "broke down"),
            (StartError::Gap { purged: 9, checkpoint: None }, "/d is damaged", "after entry 9"),
        ] {
            let said = said(error);
            for part in [store, found, "--rejoin", "Replace a node"] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        let locked = said(StartError::Log(LogError::Locked("/d/log".into())));
        assert!(!locked.contains("--rejoin"), "{locked}");
    }
}
