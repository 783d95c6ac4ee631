//! kill -9 in the middle of a checkpoint, a purge or the transfer of a snapshot: the node starts again, and nothing
//! that was acknowledged is lost.
//!
//! Each crash is drawn from a seed, which is printed with the command that draws the same ones again. When exactly a
//! kill comes is up to the machine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::{Cluster, PATIENCE, until};

use crate::bulk::{self, SHORT_LOG};
use crate::load::{Load, read_all};

const WRITERS: usize = 4;
/// Crashes; `CONCLAVE_TEST_CRASHES` makes them more.
const CRASHES: u64 = 8;
/// Acknowledged writes that are demanded after each.
const PROGRESS: u64 = 20;
/// Large secrets that are there from the beginning: a snapshot has them all.
const LARGE: usize = 150;
/// Large secrets that are written before each checkpoint.
const MORE: usize = 6;
/// Entries beyond those that stay in the log behind a checkpoint.
const BEHIND: u64 = 40;

/// What is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crash {
    /// One node, or all, while checkpoints are taken and the logs purged.
    Checkpoint,
    /// The node that gets a snapshot.
    Receiver,
    /// The node that sends it.
    Sender,
}

impl Crash {
    const ALL: [Self; 3] = [Self::Checkpoint, Self::Receiver, Self::Sender];
}

/// How often which crash was made, and how often what it was to cut off was under way when it came.
#[derive(Debug, Default)]
struct Tally {
    made: [u32; 3],
    hit: [u32; 3],
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_during_checkpoint_purge_or_snapshot_starts_again_and_has_lost_nothing() {
    let variable = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let crashes = variable("CONCLAVE_TEST_CRASHES").unwrap_or(CRASHES);
    let seed = variable("CONCLAVE_TEST_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("replay: CONCLAVE_TEST_SEED={seed} CONCLAVE_TEST_CRASHES={crashes} cargo xtask test crash");
    let mut random = fastrand::Rng::with_seed(seed);

    let cluster = Cluster::start_with(3, &SHORT_LOG).unwrap();
    bulk::write(&cluster, LARGE, None).await.unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    bulk::checkpoint(&cluster, 1).await.unwrap();
    bulk::write(&cluster, MORE, None).await.unwrap();
    let began = Instant::now();
    bulk::checkpoint(&cluster, 1).await.unwrap();
    let whole_checkpoint = began.elapsed();
    let whole_transfer = transfer(&cluster, &load, None, Duration::ZERO).await.unwrap().took;

    let mut tally = Tally::default();
    for number in 0..crashes {
        let crash = Crash::ALL[random.usize(..Crash::ALL.len())];
        // Half of it more, so that the end and what comes after are hit too.
        let moment = |whole: Duration, random: &mut fastrand::Rng| whole.mul_f64(1.5 * random.f64());
        let hit = match crash {
            Crash::Checkpoint => {
                let moment = moment(whole_checkpoint, &mut random);
                let all = random.u8(..4) == 0;
                let victim = random.choice(cluster.ids().unwrap()).unwrap();
                cut_off_checkpoint(&cluster, if all { None } else { Some(victim) }, moment).await
            }
            Crash::Receiver | Crash::Sender => {
                let moment = moment(whole_transfer, &mut random);
                transfer(&cluster, &load, Some(crash), moment).await.map(|transfer| transfer.was_cut_off)
            }
        };
        let hit = hit.with_context(|| format!("crash {number}, {crash:?}")).unwrap();
        tally.made[crash as usize] += 1;
        tally.hit[crash as usize] += u32::from(hit);
        cluster.settled().await.with_context(|| format!("after crash {number}, {crash:?}")).unwrap();
        load.progress(PROGRESS).await.unwrap();
    }
    println!("{:?}: {tally:?}; a checkpoint took {whole_checkpoint:?}, a transfer {whole_transfer:?}", Crash::ALL);

    let oracle = load.stop().await.unwrap();
    cluster.settled().await.unwrap();
    let counts = oracle.check(&read_all(&cluster, &oracle).await.unwrap()).unwrap();
    println!("{counts:?}");
    cluster.common_digest().await.unwrap();
}

/// Kills a node, or all of them, some time after a checkpoint was begun on all, and starts what was killed. Whether
/// the checkpoint had not ended.
async fn cut_off_checkpoint(cluster: &Cluster, victim: Option<u64>, after: Duration) -> Result<bool> {
    bulk::write(cluster, MORE, None).await?;
    let ids = cluster.ids()?;
    // Asked for through another node, where there is one that lives on.
    let through = ids.iter().copied().find(|id| Some(*id) != victim).context("there is one node")?;
    let mut admin = cluster.admin(through)?;
    let asked = tokio::spawn(async move { admin.checkpoint(proto::cluster::v1::CheckpointRequest {}).await });
    // Not to wait for something: this is when it strikes.
    tokio::time::sleep(after).await;
    let was_cut_off = !asked.is_finished();
    let killed = victim.map_or(ids, |victim| vec![victim]);
    cluster.kill_9(&killed)?;
    for id in killed {
        cluster.restart(id)?;
    }
    let _in_vain = asked.await?;
    Ok(was_cut_off)
}

struct Transfer {
    took: Duration,
    was_cut_off: bool,
}

/// Has a node miss more than the log keeps, and start again. With a crash, receiver or sender are killed some time
/// after the transfer was seen to begin, and started again; without one it is waited for.
async fn transfer(cluster: &Cluster, load: &Load, crash: Option<Crash>, after: Duration) -> Result<Transfer> {
    let leader = cluster.leader(None).await?;
    let receiver = cluster.ids()?.into_iter().find(|id| *id != leader).context("there is one node")?;
    cluster.kill_9(&[receiver])?;
    let missed = bulk::last_segment(cluster, leader)?;
    load.progress(BEHIND).await?;
    bulk::purge(cluster, leader, receiver, &missed).await?;

    let log = cluster.node(receiver)?.log;
    let received = || anyhow::Ok(fs::read_to_string(&log)?.matches("snapshot received").count());
    // It may be over before the node listens.
    let before = received()?;
    cluster.restart(receiver)?;
    let node = cluster.node(receiver)?;
    let began = Instant::now();
    until("a transfer to begin", PATIENCE, || {
        Ok((is_receiving(node.pid, &node.data_dir) || received()? > before).then_some(()))
    })?;
    match crash {
        None => until("the end of a transfer", PATIENCE, || Ok((received()? > before).then_some(())))?,
        // Not to wait for something: this is when it strikes.
        Some(_) => tokio::time::sleep(after).await,
    }
    let was_cut_off = is_receiving(node.pid, &node.data_dir);
    let took = began.elapsed();
    let killed = match crash {
        None => return Ok(Transfer { took, was_cut_off: false }),
        Some(Crash::Sender) => leader,
        Some(_) => receiver,
    };
    cluster.kill_9(&[killed])?;
    cluster.restart(killed)?;
    Ok(Transfer { took, was_cut_off })
}

/// Whether a process has a spool of a snapshot open. The file has no name, and its descriptor tells where it is.
fn is_receiving(pid: u32, data_dir: &Path) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let incoming = data_dir.join("incoming");
    descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok()).any(|path| path.starts_with(&incoming))
}
