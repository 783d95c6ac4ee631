//! What a replica needs to start, and how openraft is set up.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::SnapshotPolicy;
use types::{ClusterId, NodeId, Timestamp};

/// Entries in one append message; bytes are bounded by [`types::limits::APPEND_BYTES`].
const ENTRIES_PER_APPEND: u64 = 1_024;
/// Entries that a learner may be behind when it is made a voter.
const LEARNER_LAG: u64 = 1_000;

/// The leader's clock, which stamps commands.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch, now.
    fn now(&self) -> Timestamp;
}

/// What the node does with its keys on behalf of the cluster.
pub trait Custody: Send + Sync {
    /// Takes a keyring that came through the log: into the node's file, durably, then its terms into the barrier.
    /// One that is there already is fine.
    ///
    /// # Errors
    /// When it cannot be written, or its terms cannot be opened with those that are here. The node ends then.
    fn keep(&self, keyring: &state::Keyring) -> io::Result<()>;

    /// Binds the node to stay sealed, durably, and has it end what it does.
    ///
    /// # Errors
    /// When that cannot be written down; nothing has changed then.
    fn seal(&self) -> io::Result<()>;

    /// Whether peers that are sealed may be given the terms.
    fn gives_terms(&self) -> bool;

    /// Writes down, durably, that a peer is about to be given the terms; false when it has had them too often of late.
    ///
    /// # Errors
    /// When it cannot be written down.
    fn record_transfer(&self, to: NodeId, address: SocketAddr) -> io::Result<bool>;
}

/// Raft's intervals.
///
/// A follower that hears nothing stands for election after `election_max`, during which it holds its leader to be
/// alive, and then a time drawn between the two bounds. With the defaults that is 1.2 to 1.6 seconds after the last
/// heartbeat, so a cluster of three has a new leader within two seconds of a kill, and a leader has to be silent for
/// seven heartbeats before it is doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The leader's heartbeat interval.
    pub heartbeat: Duration,
    /// The shortest time that is drawn.
    pub election_min: Duration,
    /// The longest, and the time that a leader is held to be alive after its last sign of life.
    pub election_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(150),
            election_min: Duration::from_millis(400),
            election_max: Duration::from_millis(800),
        }
    }
}

/// What a replica needs to start.
pub struct ReplicaConfig {
    /// The cluster.
    pub cluster: ClusterId,
    /// This node.
    pub node: NodeId,
    /// Where the log and the state live; made if missing.
    pub data_dir: PathBuf,
    /// Addresses that replace those of the membership when peers are dialled.
    pub dial: BTreeMap<NodeId, String>,
    /// Raft's intervals.
    pub timing: Timing,
    /// Seals and opens what is written.
    pub barrier: Arc<storage::Barrier>,
    /// Connects to peers.
    pub dialer: net::tls::PeerDialer,
    /// Stamps commands.
    pub clock: Arc<dyn Clock>,
    /// Keeps the keyring and seals the node.
    pub custody: Arc<dyn Custody>,
    /// The version that `cluster status` shows.
    pub version: &'static str,
}

impl std::fmt::Debug for ReplicaConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplicaConfig({}, {})", self.cluster, self.node)
    }
}

pub(crate) fn raft_config(cluster: ClusterId, timing: Timing) -> Result<openraft::Config, openraft::ConfigError> {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    openraft::Config {
        cluster_name: cluster.to_string(),
        heartbeat_interval: ms(timing.heartbeat),
        election_timeout_min: ms(timing.election_min),
        election_timeout_max: ms(timing.election_max),
        enable_pre_vote: Some(true),
        // A leader that restarts may have lost entries that it had appended and not flushed, and that its followers
        // committed. Going on in the same term it would give their log ids to other entries.
        enable_leader_restore: Some(false),
        max_payload_entries: ENTRIES_PER_APPEND,
        // When checkpoints are taken and what is purged then is decided by bytes and age, in `checkpoint`.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        replication_lag_threshold: LEARNER_LAG,
        ..openraft::Config::default()
    }
    .validate()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_intervals_elect_a_leader_within_two_seconds_and_with_pre_votes() {
        let timing = Timing::default();
        // The vote itself takes a few round trips and one sync; a heartbeat may have just been due.
        assert!(timing.election_max * 2 + timing.heartbeat < Duration::from_secs(2));
        let config = raft_config(ClusterId([1; 16]), timing).unwrap();
        assert_eq!((config.enable_pre_vote, config.enable_leader_restore), (Some(true), Some(false)));
    }

    #[test]
    fn intervals_that_cannot_work_are_refused() {
        let timing = Timing { election_min: Duration::from_millis(100), ..Timing::default() };
        assert!(raft_config(ClusterId([1; 16]), timing).is_err());
    }
}
