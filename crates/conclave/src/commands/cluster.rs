//! `conclave cluster`.

use std::io::{self, Write};

use client::{Client, NodeCheckpoint, NodeDigest, NodeFacts, NodeStatus, Role};
use serde_json::{Value, json};

use super::{block_on, connect};
use crate::cli::ClusterCommand;
use crate::output::Output;

/// Runs a command on the cluster.
pub(crate) fn run(command: ClusterCommand, output: Output) -> anyhow::Result<()> {
    block_on(Box::pin(async move {
        match command {
            ClusterCommand::Status { connection } => status(&connect(&connection)?, output).await,
            ClusterCommand::Snapshot { connection } => snapshot(&connect(&connection)?, output).await,
            ClusterCommand::Digest { connection } => digest(&connect(&connection)?, output).await,
            ClusterCommand::AddNode { id, peer_addr, client_addr, connection } => {
                let voters = connect(&connection)?.add_node(id, &peer_addr, &client_addr).await?;
                output.print(&json!({ "voters": voters }), |out| writeln!(out, "voters: {voters:?}"))
            }
            ClusterCommand::RemoveNode { id, connection } => {
                let voters = connect(&connection)?.remove_node(id).await?;
                output.print(&json!({ "voters": voters }), |out| writeln!(out, "voters: {voters:?}"))
            }
            ClusterCommand::TransferLeader { id, connection } => {
                let leader = connect(&connection)?.transfer_leader(id).await?;
                output.print(&json!({ "leader": leader }), |out| writeln!(out, "leader: {leader}"))
            }
        }
    }))
}

async fn status(client: &Client, output: Output) -> anyhow::Result<()> {
    let status = client.cluster_status().await?;
    let nodes: Vec<Value> = status.nodes.iter().map(status_json).collect();
    output.print(&json!({ "cluster_id": status.cluster_id, "nodes": nodes }), |out| {
        writeln!(
            out,
            "{:>4}  {:<9} {:>6} {:>10} {:>10}  {:<8} address",
            "id", "role", "term", "applied", "last log", "version"
        )?;
        status.nodes.iter().try_for_each(|node| status_line(out, node))
    })
}

fn status_json(node: &NodeStatus) -> Value {
    let facts = node.facts.as_ref();
    json!({
        "id": node.id,
        "role": facts.map(|f| role(f.role)),
        "term": facts.map(|f| f.term),
        "last_log": facts.map(|f| f.last_log),
        "applied": facts.map(|f| f.applied),
        "committed": facts.map(|f| f.committed),
        "checkpoint": facts.map(|f| f.checkpoint),
        "leader": facts.and_then(|f| f.leader),
        "sealed": facts.map(|f| f.sealed),
        "version": facts.map(|f| f.version.as_str()),
        "address": node.address,
        "reachable": facts.is_some(),
    })
}

fn status_line(out: &mut dyn Write, node: &NodeStatus) -> io::Result<()> {
    let NodeStatus { id, address, facts } = node;
    match facts {
        Some(NodeFacts { role: part, term, applied, last_log, version, .. }) => {
            writeln!(out, "{id:>4}  {:<9} {term:>6} {applied:>10} {last_log:>10}  {version:<8} {address}", role(*part))
        }
        None => writeln!(out, "{id:>4}  {:<9} {:>6} {:>10} {:>10}  {:<8} {address}", "no answer", "-", "-", "-", "-"),
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Learner => "learner",
        Role::Unspecified => "unknown",
    }
}

async fn snapshot(client: &Client, output: Output) -> anyhow::Result<()> {
    let nodes = client.cluster_checkpoint().await?;
    let json: Vec<Value> = nodes
        .iter()
        .map(|NodeCheckpoint { id, result }| {
            json!({ "id": id, "checkpoint": result.as_ref().ok(), "error": result.as_ref().err() })
        })
        .collect();
    output.print(&json!({ "nodes": json }), |out| {
        nodes.iter().try_for_each(|NodeCheckpoint { id, result }| match result {
            Ok(index) => writeln!(out, "node {id}: checkpoint at {index}"),
            Err(error) => writeln!(out, "node {id}: {error}"),
        })
    })?;
    all_answered(nodes.iter().filter(|node| node.result.is_err()).count())
}

async fn digest(client: &Client, output: Output) -> anyhow::Result<()> {
    let nodes = client.cluster_digest().await?;
    let json: Vec<Value> = nodes
        .iter()
        .map(|NodeDigest { id, result }| match result {
            Ok((applied, digest)) => json!({ "id": id, "applied": applied, "digest": hex::encode(digest) }),
            Err(error) => json!({ "id": id, "applied": null, "digest": null, "error": error }),
        })
        .collect();
    output.print(&json!({ "nodes": json }), |out| {
        nodes.iter().try_for_each(|NodeDigest { id, result }| match result {
            Ok((applied, digest)) => writeln!(out, "node {id}: {} at {applied}", hex::encode(digest)),
            Err(error) => writeln!(out, "node {id}: {error}"),
        })
    })
}

fn all_answered(silent: usize) -> anyhow::Result<()> {
    anyhow::ensure!(silent == 0, "{silent} of the nodes did not answer");
    Ok(())
}
