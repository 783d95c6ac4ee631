//! Policies of secrets: the text comes back byte for byte from every node and after every death, is nowhere in the
//! clear, and is refused when it is none.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Canary, Cluster, SignedClient};
use uuid::Uuid;

use crate::canary::expect_clean;

/// A policy as nobody would format it twice. `marker` stands in it and nowhere else.
fn policy(marker: &str, principal: &str) -> String {
    format!(
        "{{\t\"Version\" :\"2012-10-17\", \"Id\":\"{marker}\",\n \"Statement\":[ {{\"Effect\":\"Allow\",\"Principal\":\
         {principal},\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}}]}}\r\n"
    )
}

fn narrow(marker: &str) -> String {
    policy(marker, r#"{"AWS":"arn:aws:iam::210987654321:role/app"}"#)
}

fn broad(marker: &str) -> String {
    policy(marker, r#""*""#)
}

/// An answer with status 200.
async fn ok(node: &SignedClient, operation: &str, body: Value) -> Value {
    let answer = node.call(operation, &body).await.unwrap();
    assert!(answer.status.is_success(), "{operation}: {}", answer.body);
    answer.json().unwrap()
}

/// The code and the message of a refusal.
async fn refused(node: &SignedClient, operation: &str, body: Value) -> (String, String) {
    let answer = node.call(operation, &body).await.unwrap();
    assert_eq!(answer.status, 400, "{operation}: {}", answer.body);
    let message = answer.json().unwrap()["Message"].as_str().unwrap_or_default().to_owned();
    (answer.error_code(), message)
}

async fn put(node: &SignedClient, id: &str, policy: &str) {
    ok(node, "PutResourcePolicy", json!({"SecretId": id, "ResourcePolicy": policy})).await;
}

async fn policy_of(node: &SignedClient, id: &str) -> Option<String> {
    let got = ok(node, "GetResourcePolicy", json!({"SecretId": id})).await;
    assert_eq!(got["PolicyName"], "default");
    got.get("ResourcePolicy").map(|text| text.as_str().unwrap().to_owned())
}

async fn create(node: &SignedClient, name: &str) {
    let token = Uuid::new_v4().to_string();
    ok(node, "CreateSecret", json!({"Name": name, "ClientRequestToken": token, "SecretString": "v"})).await;
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_the_same_at_every_node_and_after_every_death_and_nowhere_in_the_clear() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let nodes: Vec<SignedClient> = ids.iter().map(|id| cluster.signed(*id).unwrap()).collect();
    let marker = |kind: &str| format!("canary-{kind}-{}", Uuid::new_v4().simple());
    let [checkpointed, replaced, deleted, logged, refused_one, validated] =
        ["checkpointed", "replaced", "deleted", "logged", "refused", "validated"].map(marker);

    // Each put at one node is there at once at the others, also for one who replaces or deletes it.
    for name in ["kept", "gone", "late", "window"] {
        create(&nodes[0], name).await;
    }
    put(&nodes[0], "kept", &broad(&replaced)).await;
    assert_eq!(policy_of(&nodes[1], "kept").await, Some(broad(&replaced)));
    put(&nodes[1], "kept", &narrow(&checkpointed)).await;
    assert_eq!(policy_of(&nodes[2], "kept").await, Some(narrow(&checkpointed)));
    put(&nodes[2], "gone", &narrow(&deleted)).await;
    ok(&nodes[0], "DeleteResourcePolicy", json!({"SecretId": "gone"})).await;
    assert_eq!(policy_of(&nodes[1], "gone").await, None);

    // The other front shows the same bytes, and says no with status 1.
    let run = |arguments: &[&str], stdin: &str| {
        cluster.conclave([&["secret", "policy"], arguments].concat()).stdin(stdin).run().unwrap()
    };
    let shown = run(&["get", "kept", "--output", "json"], "").json().unwrap();
    assert_eq!(shown["ResourcePolicy"], narrow(&checkpointed).as_str());
    assert_eq!(run(&["get", "gone"], "").stdout, "");
    assert_eq!(run(&["list", "kept"], "").stdout, "default\n");
    assert_eq!(run(&["validate", "--secret-id", "kept"], &narrow(&validated)).code, Some(0));
    let found = run(&["validate", "--output", "json"], &broad(&validated));
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    assert!(found.stdout.contains("\"PolicyValidationPassed\": false"), "{}", found.stdout);
    assert_eq!(run(&["put", "window"], &narrow(&checkpointed)).code, Some(0));
    let blocked = run(&["put", "window", "--block-public-policy"], &broad(&refused_one));
    assert_eq!(blocked.code, Some(1));
    assert!(blocked.stderr.contains("PublicPolicyException"), "{}", blocked.stderr);
    let malformed = json!({"SecretId": "kept", "ResourcePolicy": format!("{{\"{refused_one}\": 1}}")});
    let (code, message) = refused(&nodes[1], "PutResourcePolicy", malformed).await;
    assert_eq!(code, "MalformedPolicyDocumentException");
    assert!(message.starts_with("This policy has invalid syntax. "), "{message}");
    ok(&nodes[2], "DeleteSecret", json!({"SecretId": "window", "RecoveryWindowInDays": 7})).await;

    // One in the checkpoint, one in the log behind it.
    let markers = [&checkpointed, &replaced, &deleted, &logged, &refused_one, &validated];
    let needles = markers.map(|marker| (marker.split('-').nth(1).unwrap_or_default(), marker.as_str()));
    let scanner = Canary::new(needles).unwrap();
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    put(&nodes[0], "late", &narrow(&logged)).await;
    expect_clean(&cluster, &scanner, "with one policy in the checkpoint and one in the log");

    cluster.kill_9(&ids).unwrap();
    for id in &ids {
        cluster.restart(*id).unwrap();
    }
    cluster.settled().await.unwrap();
    cluster.common_digest().await.unwrap();
    let expected =
        BTreeMap::from([("kept", Some(narrow(&checkpointed))), ("gone", None), ("late", Some(narrow(&logged)))]);
    for id in &ids {
        let node = cluster.signed(*id).unwrap();
        for (name, policy) in &expected {
            assert_eq!(policy_of(&node, name).await, *policy, "{name} at node {id}");
        }
        for (name, policies) in [("kept", json!([{"PolicyName": "default"}])), ("gone", json!([]))] {
            let listed = ok(&node, "ListResourcePolicies", json!({"SecretId": name})).await;
            assert_eq!(listed["ResourcePolicies"], policies, "{name} at node {id}");
        }
    }

    // Behind a deletion window it is there again; behind a forced deletion it is not.
    let node = cluster.signed(ids[0]).unwrap();
    let (code, _) = refused(&node, "GetResourcePolicy", json!({"SecretId": "window"})).await;
    assert_eq!(code, "InvalidRequestException");
    ok(&node, "RestoreSecret", json!({"SecretId": "window"})).await;
    assert_eq!(policy_of(&node, "window").await, Some(narrow(&checkpointed)));
    ok(&node, "DeleteSecret", json!({"SecretId": "late", "ForceDeleteWithoutRecovery": true})).await;
    create(&node, "late").await;
    assert_eq!(policy_of(&node, "late").await, None);
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    expect_clean(&cluster, &scanner, "after a restart");
}

/// boto3 knows the errors by the classes that it makes of the model.
#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn boto3_puts_reads_validates_and_deletes_policies() {
    let cluster = Cluster::start(1).unwrap();
    let program = r#"
import boto3, json
client = boto3.client("secretsmanager")
client.create_secret(Name="s", SecretString="v")
statement = {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "secretsmanager:*", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": statement}, indent=3)
broad = json.dumps({"Version": "2012-10-17", "Statement": statement | {"Principal": "*"}})
assert "ResourcePolicy" not in client.get_resource_policy(SecretId="s")
put = client.put_resource_policy(SecretId="s", ResourcePolicy=policy, BlockPublicPolicy=True)
assert put["Name"] == "s" and put["PolicyName"] == "default"
assert client.get_resource_policy(SecretId=put["ARN"])["ResourcePolicy"] == policy
assert client.validate_resource_policy(ResourcePolicy=policy)["PolicyValidationPassed"]
found = client.validate_resource_policy(SecretId="s", ResourcePolicy=broad)
assert not found["PolicyValidationPassed"] and len(found["ValidationErrors"]) == 1
for call, error in [
    (lambda: client.put_resource_policy(SecretId="s", ResourcePolicy=broad, BlockPublicPolicy=True), client.exceptions.PublicPolicyException),
    (lambda: client.put_resource_policy(SecretId="s", ResourcePolicy="{}"), client.exceptions.MalformedPolicyDocumentException),
    (lambda: client.validate_resource_policy(ResourcePolicy="x"), client.exceptions.MalformedPolicyDocumentException),
    (lambda: client.get_resource_policy(SecretId="nope"), client.exceptions.ResourceNotFoundException),
]:
    try:
        call()
    except error:
        continue
    raise AssertionError(error)
client.delete_resource_policy(SecretId="s")
client.delete_resource_policy(SecretId="s")
assert "ResourcePolicy" not in client.get_resource_policy(SecretId="s")
print("done")
"#;
    let printed = cluster.python(&["-c", program]).unwrap().run().unwrap().success().unwrap();
    assert_eq!(printed, "done\n");
}
