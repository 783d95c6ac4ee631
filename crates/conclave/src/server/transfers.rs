//! The record of what peers were given the barrier terms: one JSON line a transfer, on disk before the terms leave.
//!
//! It is the node's own file, not the cluster's log: a record that needs a quorum twice, for the read and for the write,
//! would tell nothing more, and the count of the last hour has to survive a restart in any case.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use types::NodeId;

/// Transfers to one node within [`WINDOW`].
const TRANSFERS: usize = 4;
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// The end of the file that is looked at, more than a window's transfers to all nodes of a cluster.
const TAIL_BYTES: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Line {
    /// As RFC 3339 has it.
    at: String,
    node: u64,
    address: String,
}

/// The file.
pub(super) struct Transfers {
    path: PathBuf,
    /// Held from the count to the record.
    one: Mutex<()>,
}

impl Transfers {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("terms-given.jsonl"), one: Mutex::default() }
    }

    /// Writes down that `node` is given the terms; false when it has had them too often.
    pub(super) fn record(&self, node: NodeId, address: SocketAddr, now: Timestamp) -> io::Result<bool> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(&self.path)?;
        let lately = |line: &Line| {
            line.node == node.0 && line.at.parse::<Timestamp>().is_ok_and(|at| now.duration_since(at) < WINDOW)
        };
        if tail(&mut file)?.iter().filter(|line| lately(line)).count() >= TRANSFERS {
            return Ok(false);
        }
        let line = serde_json::to_string(&Line { at: now.to_string(), node: node.0, address: address.to_string() })?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(true)
    }
}

/// The last lines. One that a crash has cut off in the middle told of nothing: it was not synced.
fn tail(file: &mut File) -> io::Result<Vec<Line>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_given_the_terms_a_few_times_an_hour_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |minutes| start + SignedDuration::from_mins(minutes);
        let record = |node, minutes| Transfers::new(dir.path()).record(NodeId(node), address, at(minutes)).unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|minute| record(2, minute)), [true, true, true, true, false]);
        assert!(record(3, 5), "another node");
        assert!(!record(2, 59));
        assert!(record(2, 60), "the first is an hour ago");
        assert!(!record(2, 60));
        let text = std::fs::read_to_string(dir.path().join("terms-given.jsonl")).unwrap();
        assert_eq!(text.lines().count(), 6);
        assert!(text.contains("\"address\":\"127.0.0.1:1\""), "{text}");
    }

    #[test]
    fn a_line_that_was_cut_off_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let now = Timestamp::now();
        std::fs::write(dir.path().join("terms-given.jsonl"), "{\"at\":\"2026-\n").unwrap();
        let record = || Transfers::new(dir.path()).record(NodeId(2), address, now).unwrap();
        assert_eq!([record(), record(), record(), record(), record()], [true, true, true, true, false]);
    }
}
