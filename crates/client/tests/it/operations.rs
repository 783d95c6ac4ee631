//! What goes out and what comes back.

use std::time::{Duration, SystemTime};

use client::{DeleteSecret, Error, GetSecretValue, ListSecrets, PutSecretValue, Role, SecretValue};

use crate::server::{ARN, Node, Pki};

fn created() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_727_176_691_830)
}

#[tokio::test]
async fn a_secret_is_read_with_everything_about_its_version() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let secret = client.get_secret_value("prod/db").await.unwrap();
    assert_eq!((secret.arn.as_str(), secret.name.as_str()), (ARN, "prod/db"));
    assert_eq!(secret.value.expose_str(), Some("hunter2"));
    assert_eq!((secret.created_date, secret.applied_index), (created(), 7));
    assert!(!format!("{secret:?}").contains("hunter2"));

    let previous = GetSecretValue::new("prod/db").version_stage("AWSPREVIOUS").version_id("v-1");
    let secret = client.get_secret_value(previous).await.unwrap();
    assert_eq!((secret.version_id.as_str(), secret.version_stages), ("v-1", vec!["AWSPREVIOUS".to_owned()]));
}

#[tokio::test]
async fn the_region_goes_with_every_call_and_only_if_one_is_given() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let in_region = pki.client(&[node.address]).region("eu-west-1").connect().unwrap();
    in_region.get_secret_value("prod/db").await.unwrap();
    in_region.cluster_status().await.unwrap();
    pki.client(&[node.address]).connect().unwrap().describe_secret("prod/db").await.unwrap();
    let regions: Vec<_> = node.calls().into_iter().map(|call| call.region).collect();
    assert_eq!(regions, [Some("eu-west-1".to_owned()), Some("eu-west-1".to_owned()), None]);
}

#[tokio::test]
async fn labels_are_only_sent_when_they_are_given() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let put = || PutSecretValue::new("prod/db", SecretValue::binary(*b"\xff"));
    assert_eq!(client.put_secret_value(put()).await.unwrap().version_stages, ["AWSCURRENT"]);
    let labelled = put().version_stage("AWSPENDING").version_stage("blue");
    assert_eq!(client.put_secret_value(labelled).await.unwrap().version_stages, ["AWSPENDING", "blue"]);
}

#[tokio::test]
async fn descriptions_and_pages_come_back_typed() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let description = client.describe_secret("prod/db").await.unwrap();
    assert_eq!((description.created_date, description.deleted_date), (created(), None));
    assert_eq!(description.tags, Some(vec![("team".to_owned(), "pay".to_owned())]));

    let listing = ListSecrets::default().filter("name", ["prod", "test"]).max_results(1).next_token("t");
    let page = client.list_secrets(listing).await.unwrap();
    assert_eq!((page.secrets[0].name.as_str(), page.next_token.as_deref()), ("prod+test", Some("t")));

    let error = client.describe_secret("nothing").await.unwrap_err();
    assert!(matches!(error, Error::Incomplete("secret")), "{error:?}");
}

#[tokio::test]
async fn a_forced_delete_says_so() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    assert_eq!(client.delete_secret("prod/db").await.unwrap().name, "None");
    let forced = DeleteSecret::new("prod/db").force_without_recovery();
    let deleted = client.delete_secret(forced).await.unwrap();
    assert_eq!((deleted.name.as_str(), deleted.deletion_date), ("Some(true)", created()));
}

#[tokio::test]
async fn the_cluster_is_seen_with_its_unreachable_members() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let status = client.cluster_status().await.unwrap();
    let facts = status.nodes[0].facts.as_ref().unwrap();
    assert_eq!((facts.role, facts.term, facts.leader), (Role::Unspecified, 3, Some(1)));
    assert_eq!((status.nodes[1].address.as_str(), &status.nodes[1].facts), ("host-2:7401", &None));

    let not_reached = "not reached".to_owned();
    let checkpoints: Vec<_> = client.cluster_checkpoint().await.unwrap().into_iter().map(|node| node.result).collect();
    assert_eq!(checkpoints, [Ok(7), Err(not_reached.clone())]);
    let digests: Vec<_> = client.cluster_digest().await.unwrap().into_iter().map(|node| node.result).collect();
    assert_eq!(digests, [Ok((7, vec![1; 32])), Err(not_reached)]);
    assert_eq!(client.add_node(4, "h:7401", "h:7400").await.unwrap(), [1, 4]);
}
