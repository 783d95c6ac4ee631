//! What goes out and what comes back about the regions of a secret.

use std::time::{Duration, UNIX_EPOCH};

use client::ReplicateSecretToRegions;
use types::ErrorCode;

use crate::server::{ARN, Node, Pki, Say};

const UNKNOWN: Say = Say::Error(ErrorCode::OutcomeUnknown);

#[tokio::test]
async fn regions_go_out_and_come_back_as_they_are() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();

    let request = ReplicateSecretToRegions::new("prod/db").region("eu-west-1").region("us-west-2").force_overwrite();
    let replicated = client.replicate_secret_to_regions(request).await.unwrap();
    assert_eq!((replicated.arn.as_str(), replicated.applied_index), (ARN, 7));
    let [first, second] = &replicated.replication_status[..] else { panic!("{replicated:?}") };
    assert_eq!((first.region.as_str(), second.region.as_str()), ("eu-west-1", "us-west-2"));
    // The server's words for what it read: the secret, and whether one of that name is to give way.
    assert_eq!((first.status.as_str(), first.status_message.as_str()), ("InSync", "prod/db true"));
    assert_eq!(first.kms_key_id, "alias/aws/secretsmanager");
    assert_eq!(first.last_accessed_date, Some(UNIX_EPOCH + Duration::from_secs(1_727_136_000)));

    let gentle = ReplicateSecretToRegions::new("prod/db").region("eu-west-1");
    let replicated = client.replicate_secret_to_regions(gentle).await.unwrap();
    assert_eq!(replicated.replication_status[0].status_message, "prod/db false");

    let removed = client.remove_regions_from_replication("prod/db", ["eu-west-1"]).await.unwrap();
    assert_eq!((removed.arn.as_str(), removed.applied_index), (ARN, 7));
    let left: Vec<_> = removed.replication_status.iter().map(|status| status.region.as_str()).collect();
    assert_eq!(left, ["not eu-west-1"]);
    assert_eq!(client.stop_replication_to_replica("prod/db").await.unwrap(), "prod/db");
}

#[tokio::test]
async fn only_a_harmless_replication_is_sent_again_when_its_outcome_is_unknown() {
    let pki = Pki::new();
    let request = || ReplicateSecretToRegions::new("prod/db").region("eu-west-1");

    let node = Node::start(&pki, [UNKNOWN]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    client.replicate_secret_to_regions(request()).await.unwrap();
    assert_eq!(node.calls().len(), 2);

    let node = Node::start(&pki, [UNKNOWN, UNKNOWN, UNKNOWN]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let forced = client.replicate_secret_to_regions(request().force_overwrite()).await.unwrap_err();
    let removed = client.remove_regions_from_replication("prod/db", ["eu-west-1"]).await.unwrap_err();
    let stopped = client.stop_replication_to_replica("prod/db").await.unwrap_err();
    assert!([forced, removed, stopped].iter().all(client::Error::is_outcome_unknown));
    assert_eq!(node.calls().len(), 3);
}

#[tokio::test]
async fn a_refusal_has_its_code() {
    let pki = Pki::new();
    let node = Node::start(&pki, [Say::Error(ErrorCode::InvalidParameter)]).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let error = client.stop_replication_to_replica("prod/db").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidParameter));
    assert_eq!(node.calls().len(), 1);
}
