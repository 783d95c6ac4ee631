//! What was acknowledged stays, whatever dies.

use anyhow::Result;
use testkit::Cluster;

use crate::load::{Load, read_all};

const WRITERS: usize = 16;
/// Acknowledged writes that are demanded between two faults.
const PROGRESS: u64 = 200;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_five_killed_leaders_and_a_killed_cluster() {
    let cluster = Cluster::start(3).unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    load.progress(PROGRESS).await.unwrap();

    for _ in 0..5 {
        let leader = cluster.leader(None).await.unwrap();
        cluster.kill_9(&[leader]).unwrap();
        // The two others elect a new leader and go on without it.
        cluster.leader(Some(leader)).await.unwrap();
        load.progress(PROGRESS).await.unwrap();
        // It rejoins by itself while they write.
        cluster.restart(leader).unwrap();
        cluster.settled().await.unwrap();
        load.progress(PROGRESS).await.unwrap();
    }

    // All three at once, in the middle of the load.
    kill_all_and_start_again(&cluster).await.unwrap();
    load.progress(PROGRESS).await.unwrap();

    let oracle = load.stop().await.unwrap();
    cluster.settled().await.unwrap();
    let counts = oracle.check(&read_all(&cluster, &oracle).await.unwrap()).unwrap();
    println!("{counts:?}");
    assert!(counts.acknowledged as u64 > 12 * PROGRESS, "{counts:?}");
    // A killed node answers nobody: some writers cannot know, and do not claim to.
    assert!(counts.unknown > 0, "{counts:?}");
    let state = cluster.common_digest().await.unwrap();

    // Once more, with nobody writing: all that was there is there, and all nodes have the same. It is not the state from
    // before to the last bit: that the nodes were started again is in it.
    kill_all_and_start_again(&cluster).await.unwrap();
    let state_again = cluster.common_digest().await.unwrap();
    let again = oracle.check(&read_all(&cluster, &oracle).await.unwrap()).unwrap();
    assert_eq!(again, counts);
    assert!(state_again.applied >= state.applied);
}

async fn kill_all_and_start_again(cluster: &Cluster) -> Result<()> {
    let ids = cluster.ids()?;
    cluster.kill_9(&ids)?;
    for id in ids {
        cluster.restart(id)?;
    }
    cluster.settled().await
}
