//! The cluster that `dev` runs: made or resumed, started, watched, stopped.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::Context;
use client::Client;
use rustix::process::Signal;
use types::NodeId;

use super::env;
use super::layout::{Layout, NodeEntry};
use super::node;
use super::options::{DevOptions, Ports, Remembered};
use crate::files::{self, read_text};
use crate::operator::{self, Credentials, InitOptions, InitProvider, NodeAddresses, NodeOptions, OperatorDir, Tuning};

/// The node that starts the cluster.
const FIRST: NodeId = NodeId(1);
/// Time from the start of the processes until every node answers a linearizable request.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// Pause between two attempts while the cluster gets ready.
const READY_PAUSE: Duration = Duration::from_millis(100);
/// Time for a node to end after SIGTERM, longer than it lets requests finish.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How often dead children are collected and reported.
const WATCH_PAUSE: Duration = Duration::from_millis(200);

/// A dev cluster and the processes of it that this process started.
pub(crate) struct DevCluster {
    layout: Layout,
    remembered: Remembered,
    credentials: Credentials,
    children: Vec<(NodeId, Child)>,
}

impl DevCluster {
    /// Makes the cluster's files, or reads those of an earlier run.
    pub(crate) async fn open(layout: Layout, options: DevOptions) -> anyhow::Result<Self> {
        let mut remembered = Remembered::read(&layout)?;
        if remembered.as_ref().is_some_and(|remembered| remembered.unfinished) {
            discard(&layout).await.context("cannot remove a cluster that was never ready")?;
            remembered = None;
        }
        let (remembered, credentials) = match remembered {
            Some(remembered) => {
                let credentials = env::remembered(&layout)?;
                options.must_fit(&remembered, &credentials)?;
                (remembered, credentials)
            }
            None => make(&layout, options).context("cannot make the cluster")?,
        };
        Ok(Self { layout, remembered, credentials, children: Vec::new() })
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn size(&self) -> usize {
        self.remembered.ports.len()
    }

    /// Starts every node that is not alive, waits until all of them serve, and writes `env`.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        self.start_processes().await?;
        self.join_nodes().await?;
        self.every_node_serves().await?;
        env::write(&self.layout, &self.remembered, &self.credentials)?;
        if std::mem::replace(&mut self.remembered.unfinished, false) {
            self.remembered.write(&self.layout)?;
        }
        Ok(())
    }

    async fn start_processes(&mut self) -> anyhow::Result<()> {
        let lock = self.layout.lock_nodes()?;
        let mut nodes = self.layout.read_nodes()?;
        for (id, ports) in self.remembered.nodes() {
            let known = nodes.iter().position(|entry| entry.id == id.0);
            if known.is_some_and(|at| node::is_alive(&self.layout, &nodes[at])) {
                // It outlived the `dev` that started it.
                continue;
            }
            if let Some(at) = known {
                node::until_its_threads_are_gone(nodes[at].pid).await?;
            }
            let mut entry = entry(&self.layout, id, ports);
            let child = node::spawn(&self.layout, &entry)?;
            entry.pid = child.id();
            match known {
                Some(at) => nodes[at] = entry,
                None => nodes.push(entry),
            }
            // At once: whatever happens next, the process can be found and stopped.
            self.layout.write_nodes(&nodes)?;
            self.children.push((id, child));
        }
        drop(lock);
        for (id, child) in &mut self.children {
            if let Some(entry) = nodes.iter().find(|entry| entry.id == id.0) {
                node::listens(entry, child).await?;
            }
        }
        Ok(())
    }

    /// Adds every node but the first to the cluster; those that are members already stay as they are.
    async fn join_nodes(&self) -> anyhow::Result<()> {
        let client = self.client(self.remembered.ports.iter().copied())?;
        let deadline = Instant::now() + READY_TIMEOUT;
        for (id, ports) in self.remembered.nodes().skip(1) {
            let (peer, address) = (ports.peer_addr().to_string(), ports.client_addr().to_string());
            while let Err(error) = client.add_node(id.0, &peer, &address).await {
                anyhow::ensure!(Instant::now() < deadline, "node {id} was not added: {error}");
                tokio::time::sleep(READY_PAUSE).await;
            }
        }
        Ok(())
    }

    /// A node serves once it answers a linearizable request of the root principal.
    async fn every_node_serves(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        for (id, ports) in self.remembered.nodes() {
            let client = self.client([ports])?;
            while let Err(error) = client.list_secrets(client::ListSecrets::default().max_results(1)).await {
                anyhow::ensure!(Instant::now() < deadline, "node {id} does not serve: {error}");
                tokio::time::sleep(READY_PAUSE).await;
            }
        }
        Ok(())
    }

    fn client(&self, ports: impl IntoIterator<Item = Ports>) -> anyhow::Result<Client> {
        let operator = self.layout.operator();
        let client = Client::builder()
            .endpoints(ports.into_iter().map(|ports| ports.client_addr().to_string()))
            .ca_pem(read_text(&operator.client_ca())?)
            .identity_pem(read_text(&operator.root_certificate())?, read_text(&operator.root_key())?)
            .connect()?;
        Ok(client)
    }

    /// Says which nodes have died, also those that `restart-node` or an earlier `dev` started; it does not end.
    pub(crate) async fn watch(&mut self) {
        // The last process that was seen of each node, and whether it lived.
        let mut seen = BTreeMap::new();
        loop {
            self.children.retain_mut(|(id, child)| match child.try_wait() {
                Ok(Some(status)) => {
                    seen.insert(id.0, (child.id(), false));
                    say_ended(id.0, &format!(": {status}"));
                    false
                }
                Ok(None) | Err(_) => true,
            });
            // A file that cannot be read now is read again in a moment.
            for entry in self.layout.read_nodes().unwrap_or_default() {
                let lives = node::is_alive(&self.layout, &entry);
                let is_child = |pid| self.children.iter().any(|(_, child)| child.id() == pid);
                let (pid, lived) = seen.insert(entry.id, (entry.pid, lives)).unwrap_or((entry.pid, lives));
                if lived && (pid != entry.pid || !lives) && !is_child(pid) {
                    say_ended(entry.id, "");
                }
                // It was started and died between two looks.
                if pid != entry.pid && !lives && !is_child(entry.pid) {
                    say_ended(entry.id, "");
                }
            }
            tokio::time::sleep(WATCH_PAUSE).await;
        }
    }

    /// Stops all nodes, also those that `restart-node` started.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let _lock = self.layout.lock_nodes()?;
        let nodes = self.layout.read_nodes()?;
        for entry in &nodes {
            node::signal(&self.layout, entry, Signal::TERM);
        }
        for entry in &nodes {
            if !node::gone(&self.layout, entry, STOP_TIMEOUT).await {
                report(&format!("node {} does not stop; it is killed", entry.id));
                node::signal(&self.layout, entry, Signal::KILL);
            }
        }
        for (_, child) in &mut self.children {
            child.wait()?;
        }
        Ok(())
    }
}

fn entry(layout: &Layout, id: NodeId, ports: Ports) -> NodeEntry {
    let dir = layout.node(id);
    NodeEntry {
        id: id.0,
        pid: 0,
        client_addr: ports.client_addr().to_string(),
        peer_addr: ports.peer_addr().to_string(),
        data_dir: dir.join("data"),
        log: dir.join("server.log"),
    }
}

fn say_ended(id: u64, how: &str) {
    report(&format!("node {id} has ended{how}; `restart-node {id}` starts it again"));
}

/// Removes a cluster that was never ready, so that another attempt is free to choose its ports anew. Its processes may
/// have outlived the `dev` that started them.
async fn discard(layout: &Layout) -> anyhow::Result<()> {
    let _lock = layout.lock_nodes()?;
    for entry in layout.read_nodes()? {
        node::signal(layout, &entry, Signal::KILL);
        anyhow::ensure!(node::gone(layout, &entry, STOP_TIMEOUT).await, "node {} does not end", entry.id);
        node::until_its_threads_are_gone(entry.pid).await?;
    }
    for made in [layout.unfinished(), layout.nodes(), layout.operator().0] {
        if made.exists() {
            std::fs::remove_dir_all(&made).with_context(|| format!("cannot remove {}", made.display()))?;
        }
    }
    // Last what says that the others may be removed.
    for made in [layout.nodes_file(), layout.credentials_file(), layout.options_file()] {
        if made.exists() {
            files::remove(&made)?;
        }
    }
    Ok(())
}

/// The steps of an operator, for all nodes at once. It all happens in a directory of its own, which then takes its
/// place; a run that was cut off in the middle is begun anew.
fn make(layout: &Layout, options: DevOptions) -> anyhow::Result<(Remembered, Credentials)> {
    let (operator, nodes) = (layout.operator(), layout.nodes());
    for taken in [&operator.0, &nodes] {
        anyhow::ensure!(
            !taken.exists(),
            "{} is there, but no dev.json beside it; nothing was changed",
            taken.display()
        );
    }
    let unfinished = layout.unfinished();
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    files::private_dir(&unfinished)?;

    let (new, remembered) = options.into_new()?;
    let made_operator = OperatorDir(unfinished.join("operator"));
    let init = InitOptions {
        account: new.account,
        regions: new.regions,
        credentials: new.credentials,
        provider: InitProvider::Keyfile,
    };
    let made = operator::init(&made_operator, init)?;
    let made_nodes = unfinished.join("nodes");
    files::private_dir(&made_nodes)?;
    for (id, ports) in remembered.nodes() {
        let options = node_options(layout, id, ports);
        operator::issue_node(&made_operator, &made_nodes.join(id.to_string()), &options)?;
    }
    // Before anything has its place: it says that what is there is ours, and not finished.
    remembered.write(layout)?;
    env::remember(layout, &made.credentials)?;
    std::fs::rename(&made_nodes, &nodes)?;
    std::fs::rename(&made_operator.0, &operator.0)?;
    std::fs::remove_dir(&unfinished)?;
    Ok((remembered, made.credentials))
}

fn node_options(layout: &Layout, id: NodeId, ports: Ports) -> NodeOptions {
    NodeOptions {
        id,
        hosts: ["127.0.0.1", "localhost", "::1"].map(str::to_owned).to_vec(),
        addresses: NodeAddresses {
            client_listen: ports.client_addr(),
            client_advertise: ports.client_addr().to_string(),
            peer_listen: ports.peer_addr(),
            peer_advertise: ports.peer_addr().to_string(),
        },
        first: id == FIRST,
        install_dir: layout.node(id),
        data_dir: layout.node(id).join("data"),
        reissue: false,
        tuning: Tuning::Shared,
        peer_unseal: true,
    }
}

fn report(line: &str) {
    use std::io::Write;
    // A closed stderr changes nothing about the nodes.
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}
