//! Nothing that a customer wrote is on a disk or in a log in the clear, names and tags included.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::{Canary, Cluster, SignedClient};
use uuid::Uuid;

use crate::fronts::Front;

/// A text that stands nowhere else.
fn canary(kind: &str) -> String {
    format!("canary-{kind}-{}", Uuid::new_v4().simple())
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_secret_is_on_a_disk_or_in_a_log() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let mut needles: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        // Both fronts at every node: each seals what it receives.
        for mut front in [Front::Aws(cluster.signed(*id).unwrap()), Front::Grpc(cluster.secrets(*id).unwrap())] {
            needles.extend(write_canaries(&mut front, number).await);
        }
    }
    for (number, id) in ids.iter().enumerate() {
        needles.extend(promote_canaries(&cluster.signed(*id).unwrap(), number).await);
    }
    needles.push(("AWS_SECRET_ACCESS_KEY".into(), cluster.variable("AWS_SECRET_ACCESS_KEY").unwrap().into()));
    let scanner = Canary::new(needles).unwrap();

    // In the log first, then in the checkpoints too, and after a restart from them.
    expect_clean(&cluster, &scanner, "before a checkpoint");
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    expect_clean(&cluster, &scanner, "after a checkpoint");
    cluster.kill_9(&ids[..1]).unwrap();
    cluster.restart(ids[0]).unwrap();
    cluster.settled().await.unwrap();
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    expect_clean(&cluster, &scanner, "after a restart");
}

/// Writes, reads and provokes refusals, with canaries in every member, and answers the canaries.
async fn write_canaries(front: &mut Front, number: usize) -> Vec<(String, Vec<u8>)> {
    let label = |kind: &str| format!("{kind} over {} at node {number}", front.name());
    let [name, description, key, value, text, second, stage, missing] =
        ["name", "description", "tag-key", "tag-value", "string", "second-string", "stage", "missing"].map(canary);
    let token = Uuid::new_v4().to_string();
    let second_token = Uuid::new_v4().to_string();
    let bytes: Vec<u8> = (0..32).map(|_| Uuid::new_v4().as_bytes()[0]).collect();
    let needles = [
        ("name", name.as_bytes()),
        ("description", description.as_bytes()),
        ("tag key", key.as_bytes()),
        ("tag value", value.as_bytes()),
        ("string value", text.as_bytes()),
        ("second string value", second.as_bytes()),
        ("staging label", stage.as_bytes()),
        ("name that is not there", missing.as_bytes()),
        ("token", token.as_bytes()),
        ("second token", second_token.as_bytes()),
        ("binary value", bytes.as_slice()),
    ]
    .map(|(kind, needle)| (label(kind), needle.to_vec()))
    .to_vec();

    let created = json!({
        "Name": name, "ClientRequestToken": token, "Description": description, "SecretString": text,
        "Tags": [{"Key": key, "Value": value}],
    });
    front.call("CreateSecret", created.clone()).await.unwrap();
    let put = json!({
        "SecretId": name, "ClientRequestToken": second_token, "SecretString": second,
        "VersionStages": ["AWSCURRENT", stage],
    });
    front.call("PutSecretValue", put).await.unwrap();
    let binary = json!({
        "SecretId": name, "ClientRequestToken": Uuid::new_v4().to_string(), "SecretBinary": STANDARD.encode(&bytes),
    });
    front.call("PutSecretValue", binary).await.unwrap();
    front.call("GetSecretValue", json!({"SecretId": name, "VersionStage": stage})).await.unwrap();
    front.call("DescribeSecret", json!({"SecretId": name})).await.unwrap();
    front.call("ListSecrets", json!({"Filters": [{"Key": "name", "Values": [name]}]})).await.unwrap();

    // Refusals echo what was sent; the log may not.
    let mut conflict = created;
    conflict["SecretString"] = json!(second);
    front.call("CreateSecret", conflict).await.unwrap_err();
    front.call("GetSecretValue", json!({"SecretId": missing})).await.unwrap_err();
    front.call("GetSecretValue", json!({"SecretId": name, "VersionStage": missing})).await.unwrap_err();
    let misuse = json!({"SecretId": name, "ClientRequestToken": token, "SecretString": second});
    front.call("PutSecretValue", misuse).await.unwrap_err();
    front.call("CreateSecret", json!({"Name": format!("{missing} {text}")})).await.unwrap_err();
    needles
}

/// Replicates secrets, makes secrets of their own of the replicas, and answers the canaries in the versions that these
/// have of their primaries and in those that they got afterwards.
async fn promote_canaries(home: &SignedClient, number: usize) -> Vec<(String, Vec<u8>)> {
    let abroad = home.in_region("us-west-2");
    let [name, old, pending, own, binary] = ["name", "old", "pending", "own", "binary"].map(canary);
    let token = || Uuid::new_v4().to_string();
    let created = json!({
        "Name": name, "ClientRequestToken": token(), "SecretString": old, "AddReplicaRegions": [{"Region": "us-west-2"}],
    });
    done(home, "CreateSecret", created).await;
    let put = json!({
        "SecretId": name, "ClientRequestToken": token(), "SecretString": pending, "VersionStages": ["AWSPENDING"],
    });
    done(home, "PutSecretValue", put).await;
    done(&abroad, "StopReplicationToReplica", json!({"SecretId": name})).await;
    let put = json!({"SecretId": name, "ClientRequestToken": token(), "SecretString": own});
    done(&abroad, "PutSecretValue", put).await;
    let update =
        json!({"SecretId": name, "ClientRequestToken": token(), "SecretBinary": STANDARD.encode(binary.as_bytes())});
    done(&abroad, "UpdateSecret", update).await;
    for (label, value) in [("AWSPREVIOUS", &own), ("AWSPENDING", &pending)] {
        let got = done(&abroad, "GetSecretValue", json!({"SecretId": name, "VersionStage": label})).await;
        assert_eq!(got["SecretString"], json!(value), "{label}");
    }
    let needles = [("name", name), ("old value", old), ("pending value", pending), ("own", own), ("own bytes", binary)];
    needles
        .map(|(kind, needle)| (format!("{kind} of a promoted replica at node {number}"), needle.into_bytes()))
        .to_vec()
}

async fn done(node: &SignedClient, operation: &str, body: Value) -> Value {
    let answer = node.call(operation, &body).await.unwrap();
    assert!(answer.status.is_success(), "{operation}: {}", answer.body);
    answer.json().unwrap()
}

pub(crate) fn expect_clean(cluster: &Cluster, scanner: &Canary, when: &str) {
    let nodes = cluster.nodes().unwrap();
    let mut roots: Vec<_> = nodes.iter().flat_map(|node| [node.data_dir.clone(), node.log.clone()]).collect();
    roots.push(cluster.dir().join("dev.log"));
    let scan = scanner.scan(roots).unwrap();
    assert!(
        scan.files > nodes.len() * 2 && scan.bytes > 1 << 20,
        "{when}: too little to be a cluster's data: {scan:?}"
    );
    let places: Vec<String> = scan.findings.iter().map(ToString::to_string).collect();
    assert!(places.is_empty(), "{when}: plaintext at {} places: {places:#?}", places.len());
}
