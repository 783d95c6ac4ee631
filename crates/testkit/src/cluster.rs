//! A cluster of real processes: `conclave dev` in a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use client::Client;
use net::pki::PrivateKeyPem;
use proto::cluster::v1::cluster_client::ClusterClient;
use proto::cluster::v1::{
    DigestRequest, NodeDigest, NodeFacts, NodeStatus, Role, StateDigest, StatusRequest, node_digest,
};
use proto::secrets::v1::secrets_client::SecretsClient;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::links::Links;
use crate::process::{Program, belongs_to, is_alive, is_stopped, signal};
use crate::provision::Provision;
use crate::signed::SignedClient;
use crate::wait::{PATIENCE, until, until_async};

/// Lines of each log that are shown when a test fails.
const SHOWN_LOG_LINES: usize = 40;
/// Time for `dev` to stop its nodes before they are killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for one administrative call.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(10);

/// One entry of `nodes.json`.
#[derive(Clone, Debug)]
pub struct Node {
    /// The node's id.
    pub id: u64,
    /// Its process.
    pub pid: u32,
    /// `host:port` of its client port.
    pub client_addr: String,
    /// `host:port` of its peer port.
    pub peer_addr: String,
    /// Where it keeps its data.
    pub data_dir: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

impl Node {
    /// The segments of its write-ahead log, from the first to the last.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn log_segments(&self) -> Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.data_dir.join("log"))?.map(|entry| Ok(entry?.path()));
        let mut segments = files.collect::<Result<Vec<_>>>()?;
        segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        segments.sort();
        Ok(segments)
    }
}

/// A running `conclave dev`. Dropping it stops everything; after a failure its logs are shown and its files stay.
#[derive(Debug)]
pub struct Cluster {
    provision: Provision,
    dir: PathBuf,
    /// Absent when the directory belongs to the test.
    temporary: Option<TempDir>,
    home: TempDir,
    dev: Child,
    ready: String,
    environment: BTreeMap<String, String>,
    /// Variables for the nodes alone.
    settings: BTreeMap<String, String>,
}

impl Cluster {
    /// Starts a cluster in a temporary directory.
    ///
    /// # Errors
    /// When it does not become ready, with its logs.
    pub fn start(nodes: usize) -> Result<Self> {
        Self::start_with(nodes, &[])
    }

    /// Starts a cluster in a temporary directory whose nodes have other settings than `dev` gives them, as variables
    /// of the environment: `("CONCLAVE_STORAGE_KEPT_LOG_ENTRIES", "20")`.
    ///
    /// # Errors
    /// When it does not become ready, with its logs.
    pub fn start_with(nodes: usize, settings: &[(&str, &str)]) -> Result<Self> {
        let temporary = TempDir::with_prefix("conclave-test-")?;
        let dir = temporary.path().to_owned();
        let mut cluster = Self::start_configured(&dir, &["--nodes", &nodes.to_string()], settings)?;
        cluster.temporary = Some(temporary);
        Ok(cluster)
    }

    /// Starts a cluster in a temporary directory, with links between its nodes.
    ///
    /// # Errors
    /// When it does not become ready, with its logs, or does not settle with the links.
    pub async fn with_links(nodes: usize) -> Result<(Self, Links)> {
        let cluster = Self::start(nodes)?;
        let links = Links::install(&cluster).await?;
        Ok((cluster, links))
    }

    /// Starts `conclave dev --data-dir DIR ARGUMENTS` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready, with its logs.
    pub fn start_in(dir: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_configured(dir, arguments, &[])
    }

    fn start_configured(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Result<Self> {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let provision = Provision::from_environment()?;
        let home = TempDir::with_prefix("conclave-home-")?;
        let program =
            Program::new(provision.binary(), home.path()).args(["dev", "--data-dir"]).args([dir]).args(arguments);
        let program = program.envs(&settings);
        fs::create_dir_all(dir)?;
        let log = dir.join("dev.log");
        let errors = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let mut dev =
            program.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.try_clone()?).spawn()?;
        let ready = match dev.stdout.take().context("dev has no standard output").and_then(|o| ready_line(o, errors)) {
            Ok(ready) => ready,
            Err(error) => {
                kill_all(dir, &mut dev);
                return Err(error.context(format!("`{program}` did not become ready\n{}", logs(dir))));
            }
        };
        let environment = environment(dir, home.path());
        let mut cluster = Self {
            provision,
            dir: dir.to_owned(),
            temporary: None,
            home,
            dev,
            ready,
            environment: BTreeMap::new(),
            settings,
        };
        cluster.environment = environment?;
        Ok(cluster)
    }

    /// The data directory of `dev`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The line that said `ready`.
    pub fn ready_line(&self) -> &str {
        &self.ready
    }

    /// The process of `dev`.
    pub fn dev_pid(&self) -> u32 {
        self.dev.id()
    }

    /// What `. DIR/env` sets, as a shell sees it.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// One variable of `DIR/env`.
    ///
    /// # Errors
    /// When the file does not set it.
    pub fn variable(&self, name: &str) -> Result<&str> {
        self.environment.get(name).map(String::as_str).with_context(|| format!("DIR/env does not set {name}"))
    }

    /// What `nodes.json` says now, in its order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn nodes(&self) -> Result<Vec<Node>> {
        nodes_of(&self.dir)
    }

    /// What `nodes.json` says of one node now.
    ///
    /// # Errors
    /// When it cannot be read or has no such node.
    pub fn node(&self, id: u64) -> Result<Node> {
        self.nodes()?.into_iter().find(|node| node.id == id).with_context(|| format!("nodes.json has no node {id}"))
    }

    /// The ids of all nodes.
    ///
    /// # Errors
    /// When `nodes.json` cannot be read.
    pub fn ids(&self) -> Result<Vec<u64>> {
        Ok(self.nodes()?.iter().map(|node| node.id).collect())
    }

    /// Kills nodes with SIGKILL, all before it waits for the end of the first.
    ///
    /// # Errors
    /// When one is unknown or survives.
    pub fn kill_9(&self, ids: &[u64]) -> Result<()> {
        let nodes = ids.iter().map(|id| self.node(*id)).collect::<Result<Vec<_>>>()?;
        for node in &nodes {
            signal(node.pid, Signal::KILL);
        }
        for node in &nodes {
            until(&format!("the end of node {}", node.id), PATIENCE, || Ok((!is_alive(node.pid)).then_some(())))?;
        }
        Ok(())
    }

    /// Stops a node with SIGSTOP and waits until it stands still. It can be killed nevertheless.
    ///
    /// # Errors
    /// When it is unknown or goes on.
    pub fn pause(&self, id: u64) -> Result<()> {
        let node = self.node(id)?;
        signal(node.pid, Signal::STOP);
        until(&format!("node {id} to stand still"), PATIENCE, || Ok(is_stopped(node.pid).then_some(())))
    }

    /// Lets a paused node go on. One that runs, or is dead, stays as it is.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn resume(&self, id: u64) -> Result<()> {
        signal(self.node(id)?.pid, Signal::CONT);
        Ok(())
    }

    /// Starts a dead node again, with `conclave dev restart-node`.
    ///
    /// # Errors
    /// When the command fails.
    pub fn restart(&self, id: u64) -> Result<()> {
        self.restart_command(id).run()?.success()?;
        Ok(())
    }

    /// The command of [`Self::restart`].
    pub fn restart_command(&self, id: u64) -> Program {
        let dir = self.dir.as_os_str();
        self.program(self.provision.binary())
            .envs(&self.settings)
            .args(["dev", "--data-dir"])
            .args([dir])
            .args(["restart-node", &id.to_string()])
    }

    /// A program with the variables of `DIR/env`.
    pub fn program(&self, path: impl Into<PathBuf>) -> Program {
        Program::new(path, self.home.path()).envs(&self.environment)
    }

    /// `conclave ARGUMENTS`, to be run.
    pub fn conclave<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Program {
        self.program(self.provision.binary()).args(arguments)
    }

    /// `aws ARGUMENTS`, the AWS CLI of the provisioned environment, to be run.
    ///
    /// # Errors
    /// When it is not provisioned.
    pub fn aws(&self, arguments: &[&str]) -> Result<Program> {
        let python = self.provision.python()?;
        Ok(self.program(python.with_file_name("aws")).args(arguments))
    }

    /// `python ARGUMENTS`, the interpreter of the provisioned environment, to be run. It writes no byte code.
    ///
    /// # Errors
    /// When it is not provisioned.
    pub fn python(&self, arguments: &[&str]) -> Result<Program> {
        let python = self.provision.python()?;
        Ok(self.program(python).envs([("PYTHONDONTWRITEBYTECODE", "1")]).args(arguments))
    }

    /// `node ARGUMENTS`, the JavaScript interpreter with the SDK of the provisioned environment, to be run.
    ///
    /// # Errors
    /// When it is not provisioned.
    pub fn javascript(&self, arguments: &[&str]) -> Result<Program> {
        let node = self.provision.node()?;
        Ok(self.program(node).envs([("NODE_PATH", node.with_file_name("node_modules"))]).args(arguments))
    }

    /// What was provisioned.
    pub fn provision(&self) -> &Provision {
        &self.provision
    }

    /// The Rust client of all nodes, as the root client.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn client(&self) -> Result<Client> {
        self.client_of(self.nodes()?)
    }

    /// The Rust client of one node.
    ///
    /// # Errors
    /// When the node or the certificates cannot be read.
    pub fn client_at(&self, id: u64) -> Result<Client> {
        self.client_of([self.node(id)?])
    }

    fn client_of(&self, nodes: impl IntoIterator<Item = Node>) -> Result<Client> {
        let builder = Client::builder()
            .endpoints(nodes.into_iter().map(|node| node.client_addr))
            .ca_pem(self.file("CONCLAVE_CA")?)
            .identity_pem(self.file("CONCLAVE_CERT")?, self.file("CONCLAVE_KEY")?);
        Ok(builder.connect()?)
    }

    /// What is in the file that a variable of `DIR/env` names.
    fn file(&self, variable: &str) -> Result<String> {
        let path = self.variable(variable)?;
        fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
    }

    /// A channel to one node's client port, as the root client. It connects when it is first used.
    ///
    /// # Errors
    /// When the node or the certificates cannot be read.
    pub fn channel(&self, id: u64) -> Result<Channel> {
        let key = PrivateKeyPem::new(self.file("CONCLAVE_KEY")?);
        let own = self.file("CONCLAVE_CERT")?;
        let tls = net::tls::client_config(&self.file("CONCLAVE_CA")?, Some((&own, &key)))?;
        Ok(net::connect::client_channel(&self.node(id)?.client_addr, tls)?)
    }

    /// The secrets API of one node over gRPC, without retries or failover: what the node says is what the test sees.
    ///
    /// # Errors
    /// When the node or the certificates cannot be read.
    pub fn secrets(&self, id: u64) -> Result<SecretsClient<Channel>> {
        Ok(SecretsClient::new(self.channel(id)?))
    }

    /// The administration of one node over gRPC.
    ///
    /// # Errors
    /// When the node or the certificates cannot be read.
    pub fn admin(&self, id: u64) -> Result<ClusterClient<Channel>> {
        Ok(ClusterClient::new(self.channel(id)?))
    }

    /// The AWS JSON API of one node, with the root access key.
    ///
    /// # Errors
    /// When the node or the environment cannot be read.
    pub fn signed(&self, id: u64) -> Result<SignedClient> {
        let ca = self.file("CONCLAVE_CA")?;
        let key_id = self.variable("AWS_ACCESS_KEY_ID")?;
        let secret = self.variable("AWS_SECRET_ACCESS_KEY")?;
        SignedClient::new(&self.node(id)?.client_addr, &ca, key_id, secret, self.variable("AWS_REGION")?)
    }

    /// The status of every member, as a node other than `except` sees it; `None` while none of them answers.
    ///
    /// # Errors
    /// When the nodes cannot be read.
    pub async fn status(&self, except: Option<u64>) -> Result<Option<Vec<NodeStatus>>> {
        for id in self.ids()? {
            if except == Some(id) {
                continue;
            }
            let mut admin = self.admin(id)?;
            let asked = tokio::time::timeout(ADMIN_TIMEOUT, admin.status(StatusRequest {})).await;
            if let Ok(Ok(response)) = asked {
                return Ok(Some(response.into_inner().nodes));
            }
        }
        Ok(None)
    }

    /// Waits for a leader other than `except` and answers its id.
    ///
    /// # Errors
    /// When there is none for [`PATIENCE`].
    pub async fn leader(&self, except: Option<u64>) -> Result<u64> {
        until_async("a leader", PATIENCE, async || {
            let nodes = self.status(except).await?.unwrap_or_default();
            let leader = nodes.iter().find(|node| leads(node) && Some(node.id) != except);
            Ok(leader.map(|node| node.id))
        })
        .await
    }

    /// Waits until every member is reachable, one of them leads, and all have applied what one had committed before.
    ///
    /// # Errors
    /// When that does not come for [`PATIENCE`].
    pub async fn settled(&self) -> Result<()> {
        let count = self.ids()?.len();
        let mut target = None;
        until_async("all nodes to catch up", PATIENCE, async || {
            let nodes = self.status(None).await?.unwrap_or_default();
            let facts: Vec<&NodeFacts> = nodes.iter().filter_map(|node| node.facts.as_ref()).collect();
            if facts.len() != count || nodes.len() != count || !nodes.iter().any(leads) {
                return Ok(None);
            }
            let target = *target.get_or_insert_with(|| facts.iter().map(|node| node.committed).max().unwrap_or(0));
            Ok(facts.iter().all(|node| node.applied >= target).then_some(()))
        })
        .await
    }

    /// Waits until all nodes have applied the same index and answers their common digest. Nobody may write meanwhile.
    ///
    /// # Errors
    /// When two nodes differ at one index, or do not meet at one for [`PATIENCE`].
    pub async fn common_digest(&self) -> Result<StateDigest> {
        let ids = self.ids()?;
        let first = *ids.first().context("nodes.json is empty")?;
        until_async("all nodes to show one index", PATIENCE, async || {
            let mut admin = self.admin(first)?;
            let asked = tokio::time::timeout(ADMIN_TIMEOUT, admin.digest(DigestRequest {})).await;
            let Ok(Ok(response)) = asked else { return Ok(None) };
            let states: Vec<StateDigest> = response.into_inner().nodes.into_iter().filter_map(state).collect();
            let Some(one) = states.first().filter(|_| states.len() == ids.len()) else { return Ok(None) };
            if states.iter().any(|other| other.applied != one.applied) {
                return Ok(None);
            }
            ensure!(states.iter().all(|other| other.digest == one.digest), "the nodes' states differ: {states:?}");
            Ok(Some(one.clone()))
        })
        .await
    }

    /// Sends SIGTERM to `dev` and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn terminate(&mut self) -> Result<Option<i32>> {
        resume_all(&self.dir);
        signal(self.dev.id(), Signal::TERM);
        let status = until("the end of dev", PATIENCE, || Ok(self.dev.try_wait()?))?;
        Ok(status.code())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        stop(&self.dir, &mut self.dev);
        if std::thread::panicking() {
            let kept = self.temporary.take().map(TempDir::keep);
            let _closed = writeln!(
                std::io::stderr().lock(),
                "{}\nthe cluster's files are kept in {}",
                logs(&self.dir),
                kept.as_ref().unwrap_or(&self.dir).display()
            );
        }
    }
}

fn leads(node: &NodeStatus) -> bool {
    node.facts.as_ref().is_some_and(|facts| facts.role() == Role::Leader)
}

fn state(node: NodeDigest) -> Option<StateDigest> {
    match node.result {
        Some(node_digest::Result::State(state)) => Some(state),
        Some(node_digest::Result::Error(_)) | None => None,
    }
}

/// Waits for the line that says `ready`; all lines go to the log too, also those that come later.
fn ready_line(output: std::process::ChildStdout, mut log: fs::File) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _full = writeln!(log, "{line}");
            // Nobody listens after the first `ready`.
            let _gone = sender.send(line);
        }
    });
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = receiver.recv_timeout(left).context("dev ended or said nothing")?;
        if line.starts_with("ready") {
            return Ok(line);
        }
    }
}

/// Reads `DIR/env` as its users do: a shell sources it.
fn environment(dir: &Path, home: &Path) -> Result<BTreeMap<String, String>> {
    let shell = |script: &str| -> Result<BTreeMap<String, String>> {
        let output = Program::new("/bin/sh", home).in_directory(dir).args(["-c", script]).run()?.success()?;
        let pairs = output.split('\0').filter_map(|pair| pair.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    };
    let before = shell("exec env -0")?;
    let mut after = shell("set -eu; . ./env; exec env -0")?;
    after.retain(|name, value| before.get(name) != Some(value) && name != "_");
    Ok(after)
}

fn nodes_of(dir: &Path) -> Result<Vec<Node>> {
    let path = dir.join("nodes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed: Value = serde_json::from_str(&text).context("nodes.json is not JSON")?;
    parsed.as_array().context("nodes.json is not an array")?.iter().map(node_of).collect()
}

fn node_of(entry: &Value) -> Result<Node> {
    let number = |name: &str| entry[name].as_u64().with_context(|| format!("nodes.json: no number {name} in {entry}"));
    let text = |name: &str| {
        let found = entry[name].as_str().map(str::to_owned);
        found.with_context(|| format!("nodes.json: no text {name} in {entry}"))
    };
    Ok(Node {
        id: number("id")?,
        pid: u32::try_from(number("pid")?)?,
        client_addr: text("client_addr")?,
        peer_addr: text("peer_addr")?,
        data_dir: text("data_dir")?.into(),
        log: text("log")?.into(),
    })
}

/// Lets `dev` stop its nodes, then kills what is left.
fn stop(dir: &Path, dev: &mut Child) {
    if matches!(dev.try_wait(), Ok(None)) {
        resume_all(dir);
        signal(dev.id(), Signal::TERM);
        let _in_vain = until("the end of dev", STOP_TIMEOUT, || Ok(dev.try_wait()?));
    }
    kill_all(dir, dev);
}

fn kill_all(dir: &Path, dev: &mut Child) {
    let _gone = dev.kill();
    let _reaped = dev.wait();
    signal_all(dir, Signal::KILL);
}

/// A paused node would not hear that it is to stop.
fn resume_all(dir: &Path) {
    signal_all(dir, Signal::CONT);
}

fn signal_all(dir: &Path, which: Signal) {
    for node in nodes_of(dir).unwrap_or_default() {
        if belongs_to(node.pid, dir) {
            signal(node.pid, which);
        }
    }
}

/// The last lines of every log under `dir`.
fn logs(dir: &Path) -> String {
    let mut files = vec![("dev".to_owned(), dir.join("dev.log"))];
    files.extend(nodes_of(dir).unwrap_or_default().into_iter().map(|node| (format!("node {}", node.id), node.log)));
    let mut shown = String::new();
    for (name, path) in files {
        let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(SHOWN_LOG_LINES)..).unwrap_or_default();
        shown.push_str(&format!("--- {name}: {}\n{}\n", path.display(), tail.join("\n")));
    }
    shown
}
