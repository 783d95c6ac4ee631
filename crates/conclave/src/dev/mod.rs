//! `conclave dev`: a cluster of real `conclave server` processes on this machine.
//!
//! It takes the steps of a real cluster: `operator init`, one directory a node, the first node starts the cluster,
//! the others are added. It never starts a node again by itself; `restart-node` does, from another terminal.

mod cluster;
mod env;
mod layout;
mod node;
mod options;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use types::NodeId;

use crate::cli::{DevArgs, DevCommand};
use crate::failure::Usage;
use crate::output::Output;

use cluster::DevCluster;
use layout::Layout;
use options::DevOptions;

/// Runs `dev` or one of its subcommands.
pub(crate) fn run(args: DevArgs, output: Output) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match args.command {
        Some(DevCommand::RestartNode { id }) => {
            let dir = args.data_dir.ok_or_else(|| Usage("restart-node needs --data-dir".to_owned()))?;
            runtime.block_on(Box::pin(restart_node(dir, NodeId(id), output)))
        }
        None => runtime.block_on(Box::pin(run_cluster(args))),
    }
}

async fn run_cluster(args: DevArgs) -> anyhow::Result<()> {
    // Before anything is started: a signal that comes early must stop what has been started by then.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let temporary = match args.data_dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("conclave-dev-").tempdir()?),
    };
    let dir = args.data_dir.clone().unwrap_or_else(|| temporary.as_ref().map(|t| t.path().into()).unwrap_or_default());
    let layout = Layout::open(&dir)?;
    let _running = layout.lock_dev()?;
    let options = DevOptions::from_args(&args)?;
    let mut cluster = DevCluster::open(layout, options).await?;

    let ended = tokio::select! {
        started = cluster.start() => started,
        _ = interrupt.recv() => return stop(cluster).await,
        _ = terminate.recv() => return stop(cluster).await,
    };
    if let Err(error) = ended {
        stop(cluster).await?;
        return Err(error);
    }
    say_ready(&cluster);
    tokio::select! {
        () = cluster.watch() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stop(cluster).await
}

async fn stop(cluster: DevCluster) -> anyhow::Result<()> {
    cluster.stop().await.context("not all nodes were stopped")
}

fn say_ready(cluster: &DevCluster) {
    let (dir, env) = (cluster.layout().dir().display(), cluster.layout().env_file());
    let text = format!(
        "ready: {} nodes, data in {dir}\nin another terminal: . {}\nthen, for example:   aws secretsmanager list-secrets\n",
        cluster.size(),
        env.display()
    );
    let mut out = std::io::stdout().lock();
    // A reader who has had enough changes nothing about the nodes.
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

async fn restart_node(dir: PathBuf, id: NodeId, output: Output) -> anyhow::Result<()> {
    let layout = Layout::existing(&dir)?;
    let (node, started) = node::start_if_dead(&layout, id).await?;
    let json = serde_json::json!({ "id": id.0, "pid": node.pid, "started": started });
    output.print(&json, |out| match started {
        true => writeln!(out, "node {id} started, pid {}", node.pid),
        false => writeln!(out, "node {id} is alive, pid {}", node.pid),
    })
}
