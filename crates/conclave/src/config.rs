//! The configuration of a node: TOML, read once, into values that cannot be wrong afterwards.
//!
//! `CONCLAVE_<SECTION>_<KEY>` in the environment replaces `key` in `[section]`; a list is written as TOML writes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Deserializer, de};
use service::{Rate, RelaxedReads, ServiceLimits};
use storage::log::LogOptions;
use toml::{Table, Value};
use types::{ClusterId, NodeId, Region};

use crate::failure::Usage;
use crate::files;

const ENV_PREFIX: &str = "CONCLAVE_";
const SECTIONS: [&str; 10] = ["node", "cluster", "client", "peer", "keys", "raft", "storage", "limits", "reads", "log"];

/// Sizes that a log segment may have: every entry has to fit into one.
const SEGMENT_BYTES: RangeInclusive<u64> = 1 << 20..=1 << 30;
const SEGMENT_UNIT_BYTES: u64 = 1 << 10;

/// The configuration of one node.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) node: Node,
    pub(crate) cluster: Cluster,
    pub(crate) client: Client,
    pub(crate) peer: Peer,
    pub(crate) keys: Keys,
    #[serde(default)]
    pub(crate) raft: Raft,
    #[serde(default)]
    pub(crate) storage: Storage,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) reads: Reads,
    #[serde(default)]
    pub(crate) log: Log,
}

/// This node.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    /// Given once in the life of a cluster.
    #[serde(deserialize_with = "node_id")]
    pub(crate) id: NodeId,
    /// Log, state and keyring; private to the server's user.
    pub(crate) data_dir: PathBuf,
    /// Threads that serve requests; 1 is best where several nodes share few cores.
    #[serde(default = "one_per_core")]
    pub(crate) worker_threads: usize,
}

/// The cluster that the node belongs to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    #[serde(deserialize_with = "cluster_id")]
    pub(crate) id: ClusterId,
    /// The regions that the cluster serves; the first one is the default.
    #[serde(deserialize_with = "regions")]
    pub(crate) regions: Vec<Region>,
    /// What `operator init` wrote for the first node. The node that finds it starts the cluster and removes it.
    #[serde(default)]
    pub(crate) bootstrap_file: Option<PathBuf>,
}

/// The port for clients.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) listen: SocketAddr,
    /// `host:port` by which clients reach it.
    pub(crate) advertise: String,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The authority of client certificates.
    pub(crate) client_ca: PathBuf,
}

/// The port for the other nodes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    pub(crate) listen: SocketAddr,
    /// `host:port` by which the other nodes reach it.
    pub(crate) advertise: String,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The authority of node certificates.
    pub(crate) node_ca: PathBuf,
    /// Addresses that replace those of the membership when this node dials a peer.
    #[serde(default, deserialize_with = "dial")]
    pub(crate) dial: BTreeMap<NodeId, String>,
}

/// What unseals the node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// The sealed barrier terms.
    pub(crate) keyring: PathBuf,
    /// The file that opens the root key, where there is one.
    #[serde(default)]
    pub(crate) keyfile: Option<PathBuf>,
    /// Whether the node asks its peers for the barrier terms when nothing here opens the root key, and gives them its
    /// own.
    #[serde(default)]
    pub(crate) peer_unseal: bool,
}

/// Raft's intervals.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raft {
    heartbeat_ms: Option<u64>,
    election_min_ms: Option<u64>,
    election_max_ms: Option<u64>,
}

impl Raft {
    /// The intervals, with the defaults for what is not given.
    pub(crate) fn timing(&self) -> consensus::Timing {
        let default = consensus::Timing::default();
        let or = |ms: Option<u64>, default: Duration| ms.map_or(default, Duration::from_millis);
        consensus::Timing {
            heartbeat: or(self.heartbeat_ms, default.heartbeat),
            election_min: or(self.election_min_ms, default.election_min),
            election_max: or(self.election_max_ms, default.election_max),
        }
    }
}

/// How much log is kept on disk, and when checkpoints are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Storage {
    /// Bytes of one log segment. Two are always there: the one in use and the next one.
    log_segment_bytes: u64,
    /// Bytes of log after which a checkpoint is taken.
    checkpoint_log_bytes: u64,
    /// Seconds after which a checkpoint is taken if anything changed.
    checkpoint_age_s: u64,
    /// Entries behind a checkpoint that are kept for nodes that were briefly away.
    kept_log_entries: u64,
    /// Bytes of such entries.
    kept_log_bytes: u64,
}

impl Default for Storage {
    fn default() -> Self {
        let (log, retention) = (LogOptions::default(), consensus::Retention::default());
        Self {
            log_segment_bytes: log.segment_bytes,
            checkpoint_log_bytes: retention.log_bytes,
            checkpoint_age_s: retention.age.as_secs(),
            kept_log_entries: retention.kept_entries,
            kept_log_bytes: retention.kept_bytes,
        }
    }
}

impl Storage {
    /// As the replica takes them.
    pub(crate) fn tuning(&self) -> consensus::Tuning {
        consensus::Tuning {
            log: LogOptions { segment_bytes: self.log_segment_bytes, ..LogOptions::default() },
            retention: consensus::Retention {
                log_bytes: self.checkpoint_log_bytes,
                age: Duration::from_secs(self.checkpoint_age_s),
                kept_entries: self.kept_log_entries,
                kept_bytes: self.kept_log_bytes,
            },
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let bytes = self.log_segment_bytes;
        anyhow::ensure!(
            SEGMENT_BYTES.contains(&bytes) && bytes.is_multiple_of(SEGMENT_UNIT_BYTES),
            "[storage] log_segment_bytes: 1 MiB to 1 GiB, in whole KiB"
        );
        anyhow::ensure!(self.checkpoint_log_bytes > 0, "[storage] checkpoint_log_bytes: at least 1");
        anyhow::ensure!(self.checkpoint_age_s > 0, "[storage] checkpoint_age_s: at least 1");
        Ok(())
    }
}

/// What one client may take of this node. Under contention principals have equal shares whatever is written here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Requests a second of one principal; 0 for no ceiling.
    requests_per_second: u32,
    /// Requests that a principal may make at once above that rate.
    request_burst: NonZeroU32,
    /// Failed authentications a second of one credential from one address; 0 for no ceiling.
    failures_per_second: u32,
    /// Failed authentications at once above that rate.
    failure_burst: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        let burst = |tokens| NonZeroU32::new(tokens).unwrap_or(NonZeroU32::MIN);
        Self { requests_per_second: 0, request_burst: burst(1_000), failures_per_second: 10, failure_burst: burst(100) }
    }
}

impl Limits {
    /// As the service takes them.
    pub(crate) fn service(&self) -> ServiceLimits {
        let rate = |per_second, burst| NonZeroU32::new(per_second).map(|per_second| Rate { per_second, burst });
        ServiceLimits {
            requests: rate(self.requests_per_second, self.request_burst),
            failures: rate(self.failures_per_second, self.failure_burst),
        }
    }
}

/// Which reads of secrets may do with less than the newest data. Without this section none may.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reads {
    /// Whether `lease` may be asked for.
    lease: bool,
    /// The oldest data that `stale` may ask for; 0 when it may not.
    stale_max_age_ms: u64,
}

impl Reads {
    /// As the service takes them.
    pub(crate) fn relaxed(&self) -> RelaxedReads {
        let stale_max_age = Some(Duration::from_millis(self.stale_max_age_ms)).filter(|age| !age.is_zero());
        RelaxedReads { lease: self.lease, stale_max_age }
    }
}

/// What is logged, on stderr.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Directives such as `info,consensus=debug`.
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info,openraft=error".to_owned(), format: LogFormat::Text }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads `path`, with the overrides of the environment.
    ///
    /// # Errors
    /// [`Usage`] names the file, the key or the variable that is wrong.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = files::read_text(path).map_err(|error| Usage(format!("{error:#}")))?;
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::parse(&text, environment).map_err(|error| Usage(format!("{}: {error:#}", path.display())).into())
    }

    fn parse(text: &str, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let mut table: Table = text.parse().context("not TOML")?;
        for (name, value) in environment {
            replace(&mut table, &name, value)?;
        }
        let config: Self = table.try_into()?;
        let timing = config.raft.timing();
        anyhow::ensure!(
            timing.heartbeat < timing.election_min && timing.election_min < timing.election_max,
            "[raft]: heartbeat_ms < election_min_ms < election_max_ms must hold"
        );
        config.storage.check()?;
        anyhow::ensure!(config.node.worker_threads > 0, "[node] worker_threads: at least 1");
        Ok(config)
    }
}

/// Takes one variable of the environment into the table, if it names a section.
fn replace(table: &mut Table, name: &str, value: String) -> anyhow::Result<()> {
    let Some(place) = name.strip_prefix(ENV_PREFIX).map(str::to_ascii_lowercase) else { return Ok(()) };
    // Other variables of ours, such as CONCLAVE_ENDPOINTS, are not overrides.
    let Some((section, key)) = place.split_once('_').filter(|(section, _)| SECTIONS.contains(section)) else {
        return Ok(());
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(section) = section else { anyhow::bail!("{name}: the section is not a table") };
    let value = match section.get(key) {
        // What is a text stays one, also if it looks like a number.
        Some(Value::String(_)) => Value::String(value),
        _ => format!("value = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut parsed| parsed.remove("value"))
            .unwrap_or(Value::String(value)),
    };
    section.insert(key.to_owned(), value);
    Ok(())
}

fn one_per_core() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn node_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(de::Error::custom("node ids begin at 1")),
        id => Ok(NodeId(id)),
    }
}

fn cluster_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClusterId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|_| de::Error::custom("a cluster id is a UUID"))
}

fn regions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Region>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.is_empty() {
        return Err(de::Error::custom("at least one region"));
    }
    names.iter().map(|name| Region::parse(name).map_err(de::Error::custom)).collect()
}

fn dial<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<NodeId, String>, D::Error> {
    let by_text = BTreeMap::<String, String>::deserialize(deserializer)?;
    by_text
        .into_iter()
        .map(|(id, address)| {
            let id = id.parse().map_err(|_| de::Error::custom(format!("[peer.dial] {id}: not a node id")))?;
            Ok((NodeId(id), address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../deploy/conclave.toml");

    fn parse(text: &str, environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::parse(text, environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_example_parses() {
        let config = parse(EXAMPLE, &[]).unwrap();
        assert_eq!(config.node.id, NodeId(1));
        assert_eq!(config.raft.timing(), consensus::Timing::default());
        assert_eq!(config.limits.service(), Limits::default().service());
        assert_eq!(config.storage.tuning().retention, consensus::Retention::default());
    }

    #[test]
    fn log_and_checkpoints_are_bounded_by_what_is_configured() {
        let text = format!(
            "{EXAMPLE}\n[storage]\nlog_segment_bytes = 1048576\ncheckpoint_log_bytes = 2000\n\
             checkpoint_age_s = 30\nkept_log_entries = 40\nkept_log_bytes = 5000\n"
        );
        let tuning = parse(&text, &[]).unwrap().storage.tuning();
        assert_eq!(tuning.log, LogOptions { segment_bytes: 1 << 20, ..LogOptions::default() });
        let expected = consensus::Retention {
            log_bytes: 2_000,
            age: Duration::from_secs(30),
            kept_entries: 40,
            kept_bytes: 5_000,
        };
        assert_eq!(tuning.retention, expected);
        for (key, value) in [
            ("LOG_SEGMENT_BYTES", "1023"),
            ("LOG_SEGMENT_BYTES", "1048577"),
            ("LOG_SEGMENT_BYTES", "2147483648"),
            ("CHECKPOINT_LOG_BYTES", "0"),
            ("CHECKPOINT_AGE_S", "0"),
        ] {
            assert!(parse(EXAMPLE, &[(&format!("CONCLAVE_STORAGE_{key}"), value)]).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn a_rate_of_zero_is_no_ceiling() {
        let none = parse(EXAMPLE, &[("CONCLAVE_LIMITS_FAILURES_PER_SECOND", "0")]).unwrap();
        assert_eq!(none.limits.service(), ServiceLimits::default());
        let text = format!("{EXAMPLE}\n[limits]\nrequests_per_second = 50\nrequest_burst = 7\n");
        let rate = parse(&text, &[]).unwrap().limits.service().requests.unwrap();
        assert_eq!((rate.per_second.get(), rate.burst.get()), (50, 7));
        assert!(parse(EXAMPLE, &[("CONCLAVE_LIMITS_REQUEST_BURST", "0")]).is_err());
    }

    #[test]
    fn relaxed_reads_are_off_until_they_are_switched_on() {
        assert_eq!(parse(EXAMPLE, &[]).unwrap().reads.relaxed(), RelaxedReads::default());
        let text = format!("{EXAMPLE}\n[reads]\nlease = true\n");
        assert_eq!(parse(&text, &[]).unwrap().reads.relaxed(), RelaxedReads { lease: true, stale_max_age: None });
        let on = parse(EXAMPLE, &[("CONCLAVE_READS_STALE_MAX_AGE_MS", "1500")]).unwrap().reads.relaxed();
        assert_eq!(on, RelaxedReads { lease: false, stale_max_age: Some(Duration::from_millis(1_500)) });
        assert!(parse(EXAMPLE, &[("CONCLAVE_READS_STALE", "true")]).is_err());
        assert!(parse(EXAMPLE, &[("CONCLAVE_READS_STALE_MAX_AGE_MS", "-1")]).is_err());
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let text = EXAMPLE.replace("[node]", "[node]\ncolour = \"red\"");
        assert!(format!("{:#}", parse(&text, &[]).unwrap_err()).contains("colour"));
        assert!(parse(EXAMPLE, &[("CONCLAVE_NODE_COLOUR", "red")]).is_err());
        assert!(parse(&format!("{EXAMPLE}\n[colours]\n"), &[]).is_err());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = parse(
            EXAMPLE,
            &[
                ("CONCLAVE_NODE_ID", "7"),
                ("CONCLAVE_CLIENT_LISTEN", "127.0.0.1:9"),
                ("CONCLAVE_CLUSTER_REGIONS", "[\"eu-west-1\"]"),
                ("CONCLAVE_LOG_FILTER", "1"),
                ("CONCLAVE_ENDPOINTS", "other"),
                ("CONCLAVE_KEY", "other"),
            ],
        )
        .unwrap();
        assert_eq!(config.node.id, NodeId(7));
        assert_eq!(config.client.listen.port(), 9);
        assert_eq!(config.cluster.regions[0].as_str(), "eu-west-1");
        assert_eq!(config.log.filter, "1");
    }

    #[test]
    fn dial_overrides_name_nodes() {
        let text = format!("{EXAMPLE}\n[peer.dial]\n2 = \"127.0.0.1:1234\"\n");
        assert_eq!(parse(&text, &[]).unwrap().peer.dial[&NodeId(2)], "127.0.0.1:1234");
        assert!(parse(&format!("{EXAMPLE}\n[peer.dial]\ntwo = \"x\"\n"), &[]).is_err());
    }

    #[test]
    fn impossible_values_are_refused() {
        for (from, to) in
            [("id = 1", "id = 0"), ("regions = [", "regions = [] #"), ("worker_threads = ", "worker_threads = 0 #")]
        {
            assert!(parse(&EXAMPLE.replacen(from, to, 1), &[]).is_err(), "{to}");
        }
        assert!(parse(EXAMPLE, &[("CONCLAVE_RAFT_HEARTBEAT_MS", "100000")]).is_err());
    }
}
