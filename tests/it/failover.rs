//! The Rust client finds a node that serves.

use client::{CreateSecret, PutSecretValue, SecretValue};
use testkit::Cluster;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_does_not_notice_that_a_node_is_gone() {
    let cluster = Cluster::start(3).unwrap();
    let client = cluster.client().unwrap();
    let first = CreateSecret::new("failover").value(SecretValue::string("0"));
    client.create_secret(first).await.unwrap();

    // Each node in turn, the leader among them; one client all the time.
    for (round, id) in cluster.ids().unwrap().into_iter().enumerate() {
        cluster.kill_9(&[id]).unwrap();
        let read = client.get_secret_value("failover").await.unwrap();
        assert_eq!(read.value.expose_str(), Some(round.to_string().as_str()));
        let next = SecretValue::string((round + 1).to_string());
        client.put_secret_value(PutSecretValue::new("failover", next)).await.unwrap();
        cluster.restart(id).unwrap();
        cluster.settled().await.unwrap();
    }

    // One node of three has no quorum: a definite answer, and no wrong one.
    let ids = cluster.ids().unwrap();
    cluster.kill_9(&ids[1..]).unwrap();
    let alone = cluster.client_at(ids[0]).unwrap();
    let error = alone.get_secret_value("failover").await.unwrap_err();
    assert_ne!(error.code(), Some(client::ErrorCode::ResourceNotFound), "{error:?}");
    for id in &ids[1..] {
        cluster.restart(*id).unwrap();
    }
    cluster.settled().await.unwrap();
    assert_eq!(alone.get_secret_value("failover").await.unwrap().value.expose_str(), Some("3"));
}
