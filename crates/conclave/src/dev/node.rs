//! One node's process: started, found alive or dead, stopped.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use types::NodeId;

use super::layout::{Layout, NodeEntry};
use crate::failure::Usage;

/// Time for a node's process to listen; opening a large state takes most of it.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(120);
/// Time for a killed process to let go of what it holds.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two looks at a process or a port.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when a node ends early.
const LOG_TAIL_LINES: usize = 5;

/// Starts the server of a node and answers its process. It is in a process group of its own: a Ctrl-C on the
/// terminal reaches `dev` only, which stops the nodes in its own way.
pub(crate) fn spawn(layout: &Layout, entry: &NodeEntry) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(&entry.log);
    let log = log.with_context(|| format!("cannot open {}", entry.log.display()))?;
    Command::new(std::env::current_exe().context("cannot find the own program")?)
        .args(["server", "--config"])
        .arg(layout.node_config(NodeId(entry.id)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .current_dir(layout.node(NodeId(entry.id)))
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start node {}", entry.id))
}

/// Whether the process that `nodes.json` names is this node's server. A zombie has no command line, and a process
/// that got the number of a dead one has another.
pub(crate) fn is_alive(layout: &Layout, entry: &NodeEntry) -> bool {
    let Ok(command_line) = fs::read(format!("/proc/{}/cmdline", entry.pid)) else { return false };
    let config = layout.node_config(NodeId(entry.id));
    command_line.split(|b| *b == 0).any(|argument| argument == config.as_os_str().as_encoded_bytes())
}

/// Sends a signal to a node's process; one that is gone already is fine.
pub(crate) fn signal(layout: &Layout, entry: &NodeEntry, signal: Signal) {
    let pid = i32::try_from(entry.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| is_alive(layout, entry)) {
        // Between the look and the call it may have ended.
        let _gone = kill_process(pid, signal);
    }
}

/// Starts a node of a known cluster again if it is dead; the entry, and whether it was started.
///
/// # Errors
/// A node that the cluster does not have, or one that ends before it listens.
pub(crate) async fn start_if_dead(layout: &Layout, id: NodeId) -> anyhow::Result<(NodeEntry, bool)> {
    let lock = layout.lock_nodes()?;
    let mut nodes = layout.read_nodes()?;
    let Some(entry) = nodes.iter_mut().find(|entry| entry.id == id.0) else {
        return Err(Usage(format!("the cluster has no node {id}")).into());
    };
    if is_alive(layout, entry) {
        return Ok((entry.clone(), false));
    }
    until_its_threads_are_gone(entry.pid).await?;
    let mut child = spawn(layout, entry)?;
    entry.pid = child.id();
    let entry = entry.clone();
    layout.write_nodes(&nodes)?;
    drop(lock);
    listens(&entry, &mut child).await?;
    Ok((entry, true))
}

/// Waits until a killed process is gone with all its threads: until then the others hold its ports and its locks,
/// although its first thread is a zombie already.
pub(crate) async fn until_its_threads_are_gone(pid: u32) -> anyhow::Result<()> {
    let deadline = Instant::now() + EXIT_TIMEOUT;
    while is_zombie(format!("/proc/{pid}/stat")) && has_live_threads(pid) {
        anyhow::ensure!(Instant::now() < deadline, "process {pid} was killed and does not end");
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Ok(())
}

fn has_live_threads(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| thread.path().join("stat")).any(|stat| stat.exists() && !is_zombie(stat))
}

/// Reads proc_pid_stat(5): the state follows the name, which is in parentheses and may hold any character.
fn is_zombie(stat: impl AsRef<Path>) -> bool {
    let text = fs::read_to_string(stat).unwrap_or_default();
    text.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits until the node takes connections on both ports.
pub(crate) async fn listens(entry: &NodeEntry, child: &mut Child) -> anyhow::Result<()> {
    let deadline = Instant::now() + LISTEN_TIMEOUT;
    for address in [&entry.peer_addr, &entry.client_addr] {
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("node {} ended at its start, {status}:\n{}", entry.id, tail(&entry.log));
            }
            anyhow::ensure!(Instant::now() < deadline, "node {} does not listen on {address}", entry.id);
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }
    match child.try_wait()? {
        None => Ok(()),
        Some(status) => anyhow::bail!("node {} ended at its start, {status}:\n{}", entry.id, tail(&entry.log)),
    }
}

/// Waits until the process is gone; false when the time is up.
pub(crate) async fn gone(layout: &Layout, entry: &NodeEntry, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while is_alive(layout, entry) {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    true
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
