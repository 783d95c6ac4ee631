//! Secrets that are large and many, so that logs, checkpoints and snapshots take some time and space.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use proto::cluster::v1::CheckpointRequest;
use proto::cluster::v1::node_checkpoint::Result as Checkpointed;
use testkit::{Cluster, PATIENCE, requests};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Bytes of each value.
pub(crate) const VALUE_BYTES: usize = 60 << 10;
/// Writes under way at once.
const WRITERS: usize = 8;

/// Settings with which a log is short: a segment is the smallest there may be, and little stays behind a checkpoint.
pub(crate) const SHORT_LOG: [(&str, &str); 2] =
    [("CONCLAVE_STORAGE_LOG_SEGMENT_BYTES", "1048576"), ("CONCLAVE_STORAGE_KEPT_LOG_ENTRIES", "20")];

/// Makes `count` new secrets, through one node after the other but `except`.
pub(crate) async fn write(cluster: &Cluster, count: usize, except: Option<u64>) -> Result<()> {
    let ids = cluster.ids()?.into_iter().filter(|id| Some(*id) != except);
    let nodes = ids.map(|id| cluster.secrets(id)).collect::<Result<Vec<_>>>()?;
    let value = Arc::new("v".repeat(VALUE_BYTES));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let mut node = nodes[writer % nodes.len()].clone();
        let (value, share) = (value.clone(), (writer..count).step_by(WRITERS).count());
        writers.spawn(async move {
            for _ in 0..share {
                let id = Uuid::new_v4().to_string();
                node.create_secret(requests::create_secret(&format!("bulk/{id}"), &id, &value)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended?.context("a large write")?;
    }
    Ok(())
}

/// Has a checkpoint taken on every node that runs; those on which there is one now.
pub(crate) async fn checkpoint(cluster: &Cluster, at: u64) -> Result<Vec<u64>> {
    let answer = cluster.admin(at)?.checkpoint(CheckpointRequest {}).await?.into_inner();
    let taken = answer.nodes.into_iter().filter(|node| matches!(node.result, Some(Checkpointed::Checkpoint(_))));
    Ok(taken.map(|node| node.id).collect())
}

/// The segment that a node's log ends in.
pub(crate) fn last_segment(cluster: &Cluster, of: u64) -> Result<PathBuf> {
    cluster.node(of)?.log_segments()?.pop().context("the node has no log")
}

/// Writes and takes checkpoints until the leader's log has that segment no more. openraft puts a purge off while it sends
/// what would be purged, also to a node that is `away`.
pub(crate) async fn purge(cluster: &Cluster, leader: u64, away: u64, segment: &Path) -> Result<()> {
    let leader_node = cluster.node(leader)?;
    let began = Instant::now();
    while leader_node.log_segments()?.first().is_some_and(|first| first.as_path() <= segment) {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the leader does not purge its log");
        write(cluster, WRITERS, Some(away)).await?;
        checkpoint(cluster, leader).await?;
    }
    Ok(())
}
