//! A write load that knows the fate of each of its writes, and the reading of all that it wrote.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto::secrets::v1::secrets_client::SecretsClient;
use testkit::fate::refusal;
use testkit::oracle::Seen;
use testkit::{Cluster, Fate, Oracle, PATIENCE, Ticks, judge, requests, until_async};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

/// Time for one attempt; longer than the server's own deadline, so that its word is heard.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Versions of one secret, below the quota of young ones.
const VERSIONS: usize = 60;
/// Attempts at one write by a writer that asks again.
const ATTEMPTS: usize = 30;
/// Pause of a writer whose attempt failed, so that a dead node is not asked a thousand times a second.
const PAUSE: Duration = Duration::from_millis(100);
/// The refusal of a node without a leader; another attempt may succeed.
const UNAVAILABLE: &str = "ServiceUnavailable";
/// Requests under way while everything is read.
const READERS: usize = 16;
/// Secrets that all writers write to; each has room for [`SHARED_WRITES`] of every writer.
const SHARED: usize = 20;
const SHARED_WRITES: usize = 3;
/// Every how many writes a writer writes to a shared secret.
const SHARED_EVERY: usize = 10;

/// Writers that go on until they are stopped.
pub(crate) struct Load {
    writers: JoinSet<Oracle>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    ticks: Ticks,
    shared: Oracle,
}

impl Load {
    /// Starts `writers` writers. Each sends its writes to the nodes in turn; every other one asks again with the same
    /// token when it does not know the fate of a write, the others leave it unknown.
    pub(crate) async fn start(cluster: &Cluster, writers: usize) -> Result<Self> {
        let nodes = cluster.ids()?.iter().map(|id| cluster.secrets(*id)).collect::<Result<Vec<_>>>()?;
        let mut load = Self {
            writers: JoinSet::new(),
            stop: Arc::default(),
            acknowledged: Arc::default(),
            ticks: Ticks::default(),
            shared: Oracle::default(),
        };
        for number in 0..SHARED {
            let mut setup = Writer::new(writers, &nodes, &load);
            setup.write(&shared_name(number), true).await;
            load.shared.merge(setup.oracle);
        }
        for id in 0..writers {
            let mut writer = Writer::new(id, &nodes, &load);
            load.writers.spawn(async move {
                while !writer.stop.load(Ordering::Relaxed) {
                    writer.next().await;
                }
                writer.oracle
            });
        }
        Ok(load)
    }

    /// Waits until `count` more writes are acknowledged than now.
    pub(crate) async fn progress(&self, count: u64) -> Result<()> {
        self.progress_within(count, PATIENCE).await
    }

    /// [`Self::progress`] with another patience, for many writes.
    pub(crate) async fn progress_within(&self, count: u64, patience: Duration) -> Result<()> {
        let target = self.acknowledged.load(Ordering::Relaxed) + count;
        until_async(&format!("{count} more acknowledged writes"), patience, async || {
            Ok((self.acknowledged.load(Ordering::Relaxed) >= target).then_some(()))
        })
        .await
    }

    /// Ends the load and answers all that it knows.
    pub(crate) async fn stop(mut self) -> Result<Oracle> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = self.shared;
        while let Some(oracle) = self.writers.join_next().await {
            all.merge(oracle?);
        }
        Ok(all)
    }
}

struct Writer {
    id: usize,
    nodes: Vec<SecretsClient<Channel>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    ticks: Ticks,
    oracle: Oracle,
    /// Writes so far; which node, which secret and what comes next follow from it.
    count: usize,
    shared_count: usize,
}

impl Writer {
    fn new(id: usize, nodes: &[SecretsClient<Channel>], load: &Load) -> Self {
        Self {
            id,
            nodes: nodes.to_vec(),
            stop: load.stop.clone(),
            acknowledged: load.acknowledged.clone(),
            ticks: load.ticks.clone(),
            oracle: Oracle::default(),
            count: 0,
            shared_count: 0,
        }
    }

    async fn next(&mut self) {
        let name = format!("load/{}/{}", self.id, self.count / VERSIONS);
        let create = self.count.is_multiple_of(VERSIONS);
        let shared = self.count.is_multiple_of(SHARED_EVERY) && self.shared_count < SHARED * SHARED_WRITES;
        if shared && !create {
            let name = shared_name(self.shared_count / SHARED_WRITES);
            self.shared_count += 1;
            self.write(&name, false).await;
        } else {
            self.write(&name, create).await;
        }
        self.count += 1;
    }

    /// Sends one write until its fate is known, or once.
    async fn write(&mut self, secret: &str, create: bool) {
        let version = Uuid::new_v4().to_string();
        let value = format!("value of {version}");
        self.oracle.sent(secret, &version, &value, self.ticks.next());
        // What follows needs the secret: its creation is always asked for again.
        let attempts = if create || self.id.is_multiple_of(2) { ATTEMPTS } else { 1 };
        for attempt in 0..attempts {
            let node = self.nodes[(self.count + attempt) % self.nodes.len()].clone();
            match attempt_at(node, secret, &version, &value, create).await {
                Ok(()) => {
                    self.oracle.acknowledged(secret, &version, self.ticks.next());
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(Fate::Refused(refusal)) => {
                    self.oracle.refused(secret, &version);
                    if refusal.code != UNAVAILABLE {
                        return;
                    }
                }
                Err(Fate::Unknown(_)) => self.oracle.unknown(secret, &version),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn shared_name(number: usize) -> String {
    format!("load/shared/{number}")
}

/// One attempt.
async fn attempt_at(
    mut node: SecretsClient<Channel>,
    secret: &str,
    version: &str,
    value: &str,
    create: bool,
) -> Result<(), Fate> {
    let attempt = async {
        if create {
            let request = requests::create_secret(secret, version, value);
            node.create_secret(request).await.map(drop)
        } else {
            let request = requests::put_secret_value(secret, version, value);
            node.put_secret_value(request).await.map(drop)
        }
    };
    match tokio::time::timeout(ATTEMPT_TIMEOUT, attempt).await {
        Ok(answer) => answer.map_err(|status| judge(&status)),
        Err(_) => Err(Fate::Unknown("no answer in time".to_owned())),
    }
}

/// Reads every version that was written, spread over all nodes, and the current one of each secret.
pub(crate) async fn read_all(cluster: &Cluster, oracle: &Oracle) -> Result<BTreeMap<String, Seen>> {
    let nodes = cluster.ids()?.iter().map(|id| cluster.secrets(*id)).collect::<Result<Vec<_>>>()?;
    let mut work: Vec<(String, Option<String>)> = Vec::new();
    for (secret, versions) in oracle.written() {
        work.push((secret.to_owned(), None));
        work.extend(versions.into_iter().map(|version| (secret.to_owned(), Some(version.to_owned()))));
    }
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let share: Vec<_> = work.iter().skip(reader).step_by(READERS).cloned().collect();
        let nodes = nodes.clone();
        readers.spawn(async move {
            let mut found = Vec::new();
            for (number, (secret, version)) in share.into_iter().enumerate() {
                let mut node = nodes[(reader + number) % nodes.len()].clone();
                let answer = read(&mut node, &secret, version.as_deref()).await?;
                found.push((secret, version, answer));
            }
            anyhow::Ok(found)
        });
    }
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    while let Some(found) = readers.join_next().await {
        for (secret, version, answer) in found?? {
            let Some((id, value)) = answer else { continue };
            let seen = seen.entry(secret).or_default();
            match version {
                Some(_) => _ = seen.versions.insert(id, value),
                None => seen.current = Some(id),
            }
        }
    }
    Ok(seen)
}

/// The id and the value of a version, the current one if none is named; `None` when it is not there.
pub(crate) async fn read(
    node: &mut SecretsClient<Channel>,
    secret: &str,
    version: Option<&str>,
) -> Result<Option<(String, String)>> {
    let request = requests::secret_value(secret, version);
    let answer = tokio::time::timeout(ATTEMPT_TIMEOUT, node.get_secret_value(request)).await;
    match answer.context("no answer in time")? {
        Ok(answer) => {
            let answer = answer.get_ref();
            Ok(Some((answer.version_id.clone(), answer.secret_string.clone().context("not a string")?)))
        }
        Err(status) if is_not_found(&status) => Ok(None),
        Err(status) => bail!("reading {secret}: {status:?}"),
    }
}

fn is_not_found(status: &Status) -> bool {
    refusal(status).is_some_and(|refusal| refusal.code == "ResourceNotFoundException")
}
