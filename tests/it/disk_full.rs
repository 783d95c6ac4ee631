//! A full disk ends the node that has it, with a clear reason; the others go on, and with space it comes back.

use std::fs;

use anyhow::Result;
use testkit::oracle::Counts;
use testkit::process::is_alive;
use testkit::{Cluster, Node, PATIENCE, SmallDisk, until, until_async};

use crate::bulk::{self, SHORT_LOG};
use crate::load::{Load, read_all};

const WRITERS: usize = 6;
/// Acknowledged writes that are demanded of the others, and of all.
const PROGRESS: u64 = 50;
const DISK_BYTES: u64 = 160 << 20;
/// Large secrets that fill more than the segments that the log has prepared.
const LARGE: usize = 60;
const NO_SPACE: &str = "No space left on device";

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_space_for_its_log_ends_and_comes_back_with_all_of_it() {
    let cluster = Cluster::start_with(3, &SHORT_LOG).unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let follower = cluster.ids().unwrap().into_iter().find(|id| *id != leader).unwrap();
    let mut disks = Vec::new();
    for leads in [false, true] {
        let victim = if leads { leader } else { follower };
        let disk = move_to_small_disk(&cluster, victim).await.unwrap();
        if leads {
            lead(&cluster, victim).await.unwrap();
        }
        disk.fill(0).unwrap();
        let node = cluster.node(victim).unwrap();
        fill_the_log(&cluster, &node).await.unwrap();
        assert!(last_words(&node).contains("log"), "{}", last_words(&node));

        // The others have a leader and go on.
        cluster.leader(Some(victim)).await.unwrap();
        load.progress(PROGRESS).await.unwrap();
        // Without space it may start or not; nothing is lost by trying.
        let _either = cluster.restart_command(victim).run().unwrap();
        load.progress(PROGRESS).await.unwrap();
        cluster.kill_9(&[victim]).unwrap();

        disk.free().unwrap();
        cluster.restart(victim).unwrap();
        cluster.settled().await.unwrap();
        load.progress(PROGRESS).await.unwrap();
        disks.push(disk);
    }
    println!("{:?}", nothing_is_lost(&cluster, load).await);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_without_space_purges_nothing_and_is_taken_when_there_is_some() {
    // A segment that outlasts the test: it is the checkpoint that finds no space.
    let settings = [SHORT_LOG[1], ("CONCLAVE_STORAGE_LOG_SEGMENT_BYTES", "33554432")];
    let cluster = Cluster::start_with(3, &settings).unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let victim = cluster.ids().unwrap().into_iter().find(|id| *id != leader).unwrap();
    let disk = move_to_small_disk(&cluster, victim).await.unwrap();
    // Early and late in what it writes, which is more than its engine has room for in the files that it has.
    for (spared, secrets) in [(100 << 10, 2 * LARGE), (3 << 20, 4 * LARGE)] {
        bulk::write(&cluster, secrets, None).await.unwrap();
        let node = cluster.node(victim).unwrap();
        cluster.settled().await.unwrap();
        disk.fill(spared).unwrap();
        let segments = node.log_segments().unwrap();
        let taken = bulk::checkpoint(&cluster, leader).await.unwrap();
        assert!(!taken.contains(&victim) && taken.len() == 2, "{taken:?}");
        ended(&node).unwrap();
        assert!(last_words(&node).contains("state"), "{}", last_words(&node));
        let kept = node.log_segments().unwrap();
        assert!(segments.iter().all(|segment| kept.contains(segment)), "{segments:?}");
        load.progress(PROGRESS).await.unwrap();

        disk.free().unwrap();
        cluster.restart(victim).unwrap();
        cluster.settled().await.unwrap();
        assert_eq!(bulk::checkpoint(&cluster, leader).await.unwrap().len(), 3);
    }
    println!("{:?}", nothing_is_lost(&cluster, load).await);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_for_which_there_is_no_space_is_sent_again_until_there_is() {
    let cluster = Cluster::start_with(3, &SHORT_LOG).unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let victim = cluster.ids().unwrap().into_iter().find(|id| *id != leader).unwrap();
    let disk = move_to_small_disk(&cluster, victim).await.unwrap();
    cluster.kill_9(&[victim]).unwrap();
    let missed = bulk::last_segment(&cluster, leader).unwrap();
    bulk::write(&cluster, LARGE, Some(victim)).await.unwrap();
    bulk::purge(&cluster, leader, victim, &missed).await.unwrap();
    // Room for the segment that is prepared at the start and for some chunks.
    disk.fill(2 << 20).unwrap();
    cluster.restart(victim).unwrap();
    let node = cluster.node(victim).unwrap();
    let refused = || {
        let text = fs::read_to_string(&node.log)?;
        Ok(text.lines().find(|line| line.contains("snapshot refused")).map(str::to_owned))
    };
    let line = until("a snapshot to find no space", PATIENCE, refused).unwrap();
    let names_it = line.contains(NO_SPACE) && line.contains(&node.data_dir.display().to_string());
    assert!(names_it, "{line}");
    // It goes on as it is, and so do the others.
    load.progress(PROGRESS).await.unwrap();
    assert!(is_alive(node.pid));
    disk.free().unwrap();
    cluster.settled().await.unwrap();
    assert!(is_alive(node.pid));
    println!("{:?}", nothing_is_lost(&cluster, load).await);
}

async fn move_to_small_disk(cluster: &Cluster, id: u64) -> Result<SmallDisk> {
    cluster.kill_9(&[id])?;
    let disk = SmallDisk::under(&cluster.node(id)?.data_dir, DISK_BYTES)?;
    cluster.restart(id)?;
    cluster.settled().await?;
    Ok(disk)
}

/// Makes a node the leader.
async fn lead(cluster: &Cluster, id: u64) -> Result<()> {
    until_async(&format!("node {id} to lead"), PATIENCE, async || {
        cluster.conclave(["cluster", "transfer-leader", &id.to_string()]).run()?;
        Ok((cluster.leader(None).await? == id).then_some(()))
    })
    .await
}

/// Writes through the other nodes until the node has ended.
async fn fill_the_log(cluster: &Cluster, node: &Node) -> Result<()> {
    until_async(&format!("the end of node {}", node.id), PATIENCE, async || {
        // When it led, some of these fail with it.
        let _some = bulk::write(cluster, LARGE / 4, Some(node.id)).await;
        Ok((!is_alive(node.pid)).then_some(()))
    })
    .await
}

fn ended(node: &Node) -> Result<()> {
    until(&format!("the end of node {}", node.id), PATIENCE, || Ok((!is_alive(node.pid)).then_some(())))
}

/// What a node said last. It has to name a path under its directory and the reason.
fn last_words(node: &Node) -> String {
    let text = fs::read_to_string(&node.log).unwrap();
    let last = text.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
    let directory = node.data_dir.display().to_string();
    assert!(last.contains(NO_SPACE) && last.contains(&directory), "{last:?} does not name {directory}");
    last.replace(&directory, "")
}

async fn nothing_is_lost(cluster: &Cluster, load: Load) -> Counts {
    load.progress(PROGRESS).await.unwrap();
    let oracle = load.stop().await.unwrap();
    cluster.settled().await.unwrap();
    let counts = oracle.check(&read_all(cluster, &oracle).await.unwrap()).unwrap();
    cluster.common_digest().await.unwrap();
    counts
}
