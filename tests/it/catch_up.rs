//! A node that was away for long comes abreast again while clients go on: from the log if it is there, else by a
//! snapshot.

use std::fs;
use std::time::{Duration, Instant};

use testkit::oracle::Counts;
use testkit::{Cluster, until_async};

use crate::bulk;
use crate::load::{Load, read_all};

const WRITERS: usize = 16;
/// Writes that the node misses; `CONCLAVE_TEST_MISSED_WRITES` makes them more.
const MISSED: u64 = 2_000;
/// Acknowledged writes that are demanded while the node catches up, and after it.
const PROGRESS: u64 = 100;
/// Time for each thousand of missed writes to be made and to be caught up with, at the very most.
const PATIENCE_PER_THOUSAND: Duration = Duration::from_secs(60);
/// What a node logs when it has got a snapshot.
const RECEIVED: &str = "snapshot received";

fn missed() -> u64 {
    std::env::var("CONCLAVE_TEST_MISSED_WRITES").map_or(MISSED, |count| count.parse().unwrap())
}

fn patience() -> Duration {
    PATIENCE_PER_THOUSAND * u32::try_from(missed() / 1_000 + 1).unwrap()
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_many_writes_gets_them_from_the_log_while_clients_go_on() {
    let caught_up = miss_writes(&[("CONCLAVE_STORAGE_KEPT_LOG_ENTRIES", "1000000")]).await;
    println!("{caught_up:?}");
    assert_eq!(caught_up.snapshots, 0);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_more_than_the_log_keeps_gets_a_snapshot_while_clients_go_on() {
    let caught_up = miss_writes(&bulk::SHORT_LOG).await;
    println!("{caught_up:?}");
    assert!(caught_up.snapshots > 0);
}

/// How a node came abreast. Only for those who look: no test measures time.
#[derive(Debug)]
#[expect(dead_code, reason = "shown as a whole")]
struct CaughtUp {
    missed: u64,
    missed_in: Duration,
    caught_up_in: Duration,
    snapshots: usize,
    counts: Counts,
}

/// Starts a node again that was away for many writes, waits until it has them all, while the load goes on.
async fn miss_writes(settings: &[(&str, &str)]) -> CaughtUp {
    let cluster = Cluster::start_with(3, settings).unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let away = cluster.ids().unwrap().into_iter().find(|id| *id != leader).unwrap();
    let log = cluster.node(away).unwrap().log;
    let received = || fs::read_to_string(&log).unwrap().matches(RECEIVED).count();
    let before = received();

    cluster.kill_9(&[away]).unwrap();
    let missed_from = bulk::last_segment(&cluster, leader).unwrap();
    let began = Instant::now();
    load.progress_within(missed(), patience()).await.unwrap();
    let missed_in = began.elapsed();
    if settings != bulk::SHORT_LOG {
        bulk::checkpoint(&cluster, leader).await.unwrap();
    } else {
        bulk::purge(&cluster, leader, away, &missed_from).await.unwrap();
    }

    let target = committed(&cluster, leader).await;
    cluster.restart(away).unwrap();
    let began = Instant::now();
    until_async("the node to have all that it missed", patience(), async || {
        let nodes = cluster.status(Some(away)).await?.unwrap_or_default();
        let facts = nodes.iter().find(|node| node.id == away).and_then(|node| node.facts.as_ref());
        Ok(facts.is_some_and(|facts| facts.applied >= target).then_some(()))
    })
    .await
    .unwrap();
    let snapshots = received() - before;
    let caught_up_in = began.elapsed();
    load.progress(PROGRESS).await.unwrap();

    let oracle = load.stop().await.unwrap();
    cluster.settled().await.unwrap();
    let counts = oracle.check(&read_all(&cluster, &oracle).await.unwrap()).unwrap();
    cluster.common_digest().await.unwrap();
    CaughtUp { missed: missed(), missed_in, caught_up_in, snapshots, counts }
}

/// What the leader has committed now.
async fn committed(cluster: &Cluster, leader: u64) -> u64 {
    let nodes = cluster.status(None).await.unwrap().unwrap();
    nodes.iter().find(|node| node.id == leader).unwrap().facts.as_ref().unwrap().committed
}
