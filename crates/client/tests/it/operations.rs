//! What goes out and what comes back.

use std::time::{Duration, SystemTime};

use client::{
    Consistency, DeleteSecret, Error, GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutSecretValue, Role, SecretValue, UpdateSecret, UpdateSecretVersionStage,
};

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
async fn a_consistency_goes_with_reads_only_and_only_if_it_is_not_the_usual_one() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let max_age = Some(Duration::from_secs(5));
    let relaxed = pki.client(&[node.address]).consistency(Consistency::Stale { max_age }).connect().unwrap();
    relaxed.get_secret_value("prod/db").await.unwrap();
    relaxed.put_secret_value(PutSecretValue::new("prod/db", SecretValue::string("x"))).await.unwrap();
    let usual = pki.client(&[node.address]).consistency(Consistency::Linearizable).connect().unwrap();
    usual.get_secret_value("prod/db").await.unwrap();
    let asked: Vec<_> = node.calls().into_iter().map(|call| call.consistency).collect();
    assert_eq!(asked, [Some("stale; max-age=5".to_owned()), None, None]);
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
async fn an_update_sends_what_it_was_given_and_a_token() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let metadata = UpdateSecret::new("prod/db").description("").kms_key_id("k");
    let updated = client.update_secret(metadata).await.unwrap();
    assert_eq!((updated.name.as_str(), updated.version_id), (r#"prod/db Some("") Some("k")"#, None));
    let value = UpdateSecret::new("prod/db").value(SecretValue::string("v"));
    let updated = client.update_secret(value).await.unwrap();
    assert_eq!((updated.name.as_str(), updated.applied_index), ("prod/db None None", 7));
    let calls = node.calls();
    assert_eq!((updated.version_id.as_deref(), calls[1].value.as_deref()), (Some(&*calls[1].token), Some("v")));
    assert_ne!(calls[0].token, calls[1].token);
}

#[tokio::test]
async fn labels_versions_and_windows_are_named() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let stage = UpdateSecretVersionStage::new("prod/db", "AWSCURRENT").move_to_version_id("v2");
    let moved = client.update_secret_version_stage(stage.clone()).await.unwrap();
    assert_eq!(moved.name, r#"prod/db AWSCURRENT None Some("v2")"#);
    let moved = client.update_secret_version_stage(stage.remove_from_version_id("v1")).await.unwrap();
    assert_eq!((moved.name.as_str(), moved.applied_index), (r#"prod/db AWSCURRENT Some("v1") Some("v2")"#, 7));

    let page = client.list_secret_version_ids("prod/db").await.unwrap();
    let version = &page.versions[0];
    assert_eq!((version.created_date, version.last_accessed_date), (created(), None));
    assert_eq!((&version.version_stages[..], page.next_token), (&["AWSCURRENT".to_owned()][..], None));
    assert_eq!(version.kms_key_ids, ["DefaultEncryptionKey"]);
    let all = ListSecretVersionIds::new("prod/db").include_deprecated().max_results(7).next_token("t");
    let page = client.list_secret_version_ids(all).await.unwrap();
    assert_eq!((page.versions[0].version_id.as_str(), page.next_token.as_deref()), ("Some(7)", Some("t")));
    assert!(page.versions[0].version_stages.is_empty());

    let restored = client.restore_secret("prod/db").await.unwrap();
    assert_eq!((restored.arn.as_str(), restored.name.as_str()), (ARN, "prod/db"));
}

#[tokio::test]
async fn tags_go_out_as_pairs_and_as_keys() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    assert_eq!(client.tag_resource("prod/db", [("team", "pay"), ("env", "")]).await.unwrap(), 2);
    assert_eq!(client.untag_resource("prod/db", ["team"]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_password_comes_back_as_a_value() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();
    let password = client.get_random_password(GetRandomPassword::default()).await.unwrap();
    let said = password.expose_str().unwrap();
    assert!(said.contains("password_length: None") && said.contains("require_each_included_type: None"), "{said}");
    let request = GetRandomPassword::default()
        .password_length(9)
        .exclude_characters("x")
        .exclude_numbers()
        .exclude_punctuation()
        .exclude_uppercase()
        .exclude_lowercase()
        .include_space()
        .require_each_included_type(false);
    let password = client.get_random_password(request).await.unwrap();
    let said = password.expose_str().unwrap();
    assert!(said.contains("Some(9)") && said.contains(r#"Some("x")"#) && said.contains("Some(false)"), "{said}");
    assert_eq!(said.matches("true").count(), 5, "{said}");
    assert!(!format!("{password:?}").contains("Some"));
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
