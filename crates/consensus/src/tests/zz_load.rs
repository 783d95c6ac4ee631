use std::sync::Arc;
use std::time::{Duration, Instant};
use std::sync::atomic::{AtomicU64, AtomicBool, Ordering};
use super::harness::*;
use tokio::task::JoinSet;

fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore]
async fn zz_load() {
    let cluster = Arc::new(Cluster::start().await);
    let (leader, followers) = cluster.leader_and_followers().await;
    for (what, node) in [("leader", leader), ("follower", followers[0])] {
        for clients in [1usize, 16, 64] {
            for read in [false, true] {
                let stop = Arc::new(AtomicBool::new(false));
                let count = Arc::new(AtomicU64::new(0));
                let mut set = JoinSet::new();
                let (t, c) = (Instant::now(), cpu());
                for k in 0..clients {
                    let (stop, count, replica) = (stop.clone(), count.clone(), cluster.node(node));
                    set.spawn(async move {
                        let mut n = 0;
                        while !stop.load(Ordering::Relaxed) {
                            if read {
                                replica.read_barrier(soon()).await.unwrap();
                            } else {
                                let p = create(&format!("{node}-{clients}-{k}-{n}"));
                                replica.propose(p, soon()).await.unwrap();
                            }
                            n += 1;
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                tokio::time::sleep(Duration::from_secs(3)).await;
                stop.store(true, Ordering::Relaxed);
                set.join_all().await;
                let n = count.load(Ordering::Relaxed) as f64;
                println!("LOAD {what} clients {clients} read {read}: {:.0}/s, {:.1} us cpu each", n / t.elapsed().as_secs_f64(), (cpu() - c) * 1e6 / n);
            }
        }
    }
}
