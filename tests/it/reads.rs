//! Reads are linearizable on every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proto::secrets::v1::secrets_client::SecretsClient;
use testkit::{Cluster, requests};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::load::{Load, read};

/// Clients that write at all nodes meanwhile.
const BACKGROUND: usize = 8;
/// Secrets that are followed, each by a writer and one reader a node.
const FOLLOWED: usize = 4;
/// Writes to each followed secret, below the quota of young versions.
const WRITES: u64 = 80;
/// Secrets that are made and deleted before the eyes of the other nodes.
const LIVES: usize = 30;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_on_any_node_sees_every_write_acknowledged_before_it_began() {
    let cluster = Cluster::start(3).unwrap();
    let load = Load::start(&cluster, BACKGROUND).await.unwrap();
    load.progress(50).await.unwrap();
    let nodes: Vec<_> = cluster.ids().unwrap().iter().map(|id| cluster.secrets(*id).unwrap()).collect();

    let mut followed = JoinSet::new();
    for number in 0..FOLLOWED {
        followed.spawn(follow(format!("reads/{number}"), nodes.clone()));
    }
    followed.spawn(lives_and_deaths(nodes.clone()));
    while let Some(ended) = followed.join_next().await {
        ended.unwrap();
    }
    load.progress(50).await.unwrap();
    load.stop().await.unwrap();
}

/// One writer counts up, at one node after the other; at every node a reader reads without pause. What a reader
/// sees may not be older than what was acknowledged when it asked.
async fn follow(secret: String, nodes: Vec<SecretsClient<Channel>>) {
    create(&mut nodes[0].clone(), &secret, "0").await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for (position, mut node) in nodes.iter().cloned().enumerate() {
        let (acknowledged, secret) = (acknowledged.clone(), secret.clone());
        readers.spawn(async move {
            let mut reads = 0u64;
            loop {
                let before = acknowledged.load(Ordering::SeqCst);
                let (_, value) = read(&mut node, &secret, None).await.unwrap().expect("the secret is there");
                let value: u64 = value.parse().unwrap();
                assert!(value >= before, "node {position} read {value} of {secret} after {before} was acknowledged");
                reads += 1;
                if before == WRITES {
                    return reads;
                }
            }
        });
    }
    for count in 1..=WRITES {
        let mut node = nodes[usize::try_from(count).unwrap() % nodes.len()].clone();
        let request = requests::put_secret_value(&secret, &Uuid::new_v4().to_string(), &count.to_string());
        node.put_secret_value(request).await.unwrap();
        acknowledged.store(count, Ordering::SeqCst);
    }
    while let Some(reads) = readers.join_next().await {
        assert!(reads.unwrap() > 0);
    }
}

/// A secret that was made is everywhere, one that was deleted nowhere.
async fn lives_and_deaths(nodes: Vec<SecretsClient<Channel>>) {
    for life in 0..LIVES {
        let secret = format!("lives/{life}");
        let mut at = nodes[life % nodes.len()].clone();
        create(&mut at, &secret, "alive").await;
        for (position, node) in nodes.iter().enumerate() {
            let seen = read(&mut node.clone(), &secret, None).await.unwrap();
            assert!(seen.is_some(), "node {position} does not see {secret}, which is acknowledged");
        }
        at.delete_secret(requests::force_delete(&secret)).await.unwrap();
        for (position, node) in nodes.iter().enumerate() {
            let seen = read(&mut node.clone(), &secret, None).await.unwrap();
            assert!(seen.is_none(), "node {position} still sees {secret}, which is deleted");
        }
    }
}

async fn create(node: &mut SecretsClient<Channel>, name: &str, value: &str) {
    node.create_secret(requests::create_secret(name, &Uuid::new_v4().to_string(), value)).await.unwrap();
}
