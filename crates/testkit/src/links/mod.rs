//! The links between the nodes of a cluster: cut, one way or both, delayed, refused, and healed.
//!
//! Every node dials every other through a TCP proxy of its own on 127.0.0.1, which its configuration names under
//! `[peer.dial]`. A link is a direction: what `from` sends to `to`, over connections that either has dialled. So a
//! cut from a leader to a follower stops its appends on the leader's connections and its answers on the follower's,
//! while all that the follower says still arrives. Client ports are not proxied: clients reach both sides of a cut.
//!
//! A cut is that of a firewall that drops packets: connections stay open, nothing arrives, and what was sent
//! meanwhile arrives after the healing, late, as TCP would retransmit it, even if its sender has closed the connection
//! since. A connection that is dialled during a cut, in either direction, does not come about.

mod proxy;

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::cluster::{Cluster, Node};
use crate::process::argument_after;
use proxy::{Flow, Passage, Proxy};

/// The table that is added to a node's configuration, as its last one.
const DIAL_TABLE: &str = "\n[peer.dial]\n";

/// A direction: who sends, and to whom.
type Direction = (u64, u64);

/// All links of a cluster, open at first. Dropping them ends every connection between nodes for good.
#[derive(Debug)]
pub struct Links {
    flows: BTreeMap<Direction, watch::Sender<Flow>>,
    /// Where the first dials the second.
    addresses: BTreeMap<Direction, SocketAddr>,
    /// Its own, so that a test that keeps its threads busy does not slow the network down. Gone once dropped.
    runtime: Option<Runtime>,
}

impl Links {
    /// Puts links between the nodes of a running cluster: writes them into the configurations, restarts all nodes
    /// and waits until they have settled. Nodes that are killed and restarted later keep them.
    ///
    /// # Errors
    /// When a configuration cannot be changed or the cluster does not settle.
    pub async fn install(cluster: &Cluster) -> Result<Self> {
        let nodes = cluster.nodes()?;
        let mut servers = BTreeMap::new();
        for node in &nodes {
            servers.insert(node.id, node.peer_addr.parse().context("a peer address is not a socket address")?);
        }
        let links = Self::between(&servers)?;
        for node in &nodes {
            links.configure(node)?;
        }
        let ids: Vec<u64> = servers.into_keys().collect();
        cluster.kill_9(&ids)?;
        for id in ids {
            cluster.restart(id)?;
        }
        cluster.settled().await?;
        Ok(links)
    }

    /// Links between servers that listen at these addresses.
    ///
    /// # Errors
    /// When a socket cannot be bound.
    pub fn between(servers: &BTreeMap<u64, SocketAddr>) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("links").enable_all().build()?;
        let (mut flows, mut proxies) = (BTreeMap::new(), Vec::new());
        for (from, to) in servers.keys().flat_map(|from| servers.keys().map(move |to| (*from, *to))) {
            if from != to {
                flows.insert((from, to), watch::Sender::new(Flow::default()));
                proxies.push((from, to, TcpListener::bind(("127.0.0.1", 0))?));
            }
        }
        let mut addresses = BTreeMap::new();
        for (from, to, listener) in proxies {
            addresses.insert((from, to), listener.local_addr()?);
            listener.set_nonblocking(true)?;
            let (there, back) = (flows[&(from, to)].subscribe(), flows[&(to, from)].subscribe());
            let entered = runtime.enter();
            let proxy =
                Proxy { listener: tokio::net::TcpListener::from_std(listener)?, server: servers[&to], there, back };
            drop(entered);
            runtime.spawn(proxy.run());
        }
        Ok(Self { flows, addresses, runtime: Some(runtime) })
    }

    /// Where `from` dials `to`.
    ///
    /// # Panics
    /// When there is no such link, as everything here does.
    pub fn address(&self, from: u64, to: u64) -> SocketAddr {
        let address = self.addresses.get(&(from, to));
        *address.unwrap_or_else(|| panic!("there is no link from {from} to {to}"))
    }

    /// Lets nothing through that `from` sends to `to` from now on.
    pub fn cut(&self, from: u64, to: u64) {
        self.change(from, to, |flow| flow.passage = Passage::Held);
    }

    /// Lets nothing through between two nodes.
    pub fn cut_both(&self, a: u64, b: u64) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Cuts a node off from all others, both ways.
    pub fn isolate(&self, node: u64) {
        for other in self.peers_of(node) {
            self.cut_both(node, other);
        }
    }

    /// Cuts every pair of nodes that are in different groups, both ways. All other links stay as they are.
    pub fn partition(&self, groups: &[&[u64]]) {
        let group_of = |node: u64| groups.iter().position(|group| group.contains(&node));
        for (from, to) in self.flows.keys() {
            if let (Some(one), Some(other)) = (group_of(*from), group_of(*to))
                && one != other
            {
                self.cut(*from, *to);
            }
        }
    }

    /// Lets everything that `from` sends to `to` arrive so much later. The order stays, and the throughput.
    pub fn delay(&self, from: u64, to: u64, delay: Duration) {
        self.change(from, to, |flow| flow.delay = delay);
    }

    /// Breaks every connection between two nodes and closes new ones at once, as a firewall that rejects.
    pub fn refuse(&self, a: u64, b: u64) {
        self.change(a, b, |flow| flow.passage = Passage::Refused);
        self.change(b, a, |flow| flow.passage = Passage::Refused);
    }

    /// Opens a link again, without delay. What was sent during a cut arrives now.
    pub fn heal(&self, from: u64, to: u64) {
        self.change(from, to, |flow| *flow = Flow::default());
    }

    /// Opens all links again, without delay.
    pub fn heal_all(&self) {
        for (from, to) in self.flows.keys() {
            self.heal(*from, *to);
        }
    }

    /// All nodes but this one.
    fn peers_of(&self, node: u64) -> Vec<u64> {
        self.flows.keys().filter(|(from, _)| *from == node).map(|(_, to)| *to).collect()
    }

    fn change(&self, from: u64, to: u64, change: impl FnOnce(&mut Flow)) {
        let flow = self.flows.get(&(from, to));
        flow.unwrap_or_else(|| panic!("there is no link from {from} to {to}")).send_modify(change);
    }

    /// Writes into a node's configuration where it dials the others. It takes effect when the node is started again.
    fn configure(&self, node: &Node) -> Result<()> {
        let file = argument_after(node.pid, "--config").with_context(|| format!("node {} names no file", node.id))?;
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        // Links of an earlier run in the same directory.
        let own = text.split(DIAL_TABLE).next().unwrap_or_default();
        let dials = self.peers_of(node.id).into_iter().map(|to| format!("{to} = \"{}\"\n", self.address(node.id, to)));
        fs::write(&file, format!("{own}{DIAL_TABLE}{}", dials.collect::<String>()))?;
        Ok(())
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Tests are dropped inside a runtime, where one may not wait for the end of another.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
