//! Replication between the regions of one cluster: what is written in one is in all, at every node, in the same command.

use serde_json::{Value, json};
use testkit::{Cluster, SignedClient};
use uuid::Uuid;

/// An answer with status 200, and the index of the state that it shows.
async fn ok(node: &SignedClient, operation: &str, body: Value) -> Value {
    let answer = node.call(operation, &body).await.unwrap();
    assert!(answer.status.is_success(), "{operation}: {}", answer.body);
    answer.json().unwrap()
}

async fn refused(node: &SignedClient, operation: &str, body: Value) -> String {
    let answer = node.call(operation, &body).await.unwrap();
    assert_eq!(answer.status, 400, "{operation}: {}", answer.body);
    answer.json().unwrap()["Message"].as_str().unwrap_or_default().to_owned()
}

fn token() -> String {
    Uuid::new_v4().to_string()
}

async fn value(node: &SignedClient, id: &str) -> Value {
    ok(node, "GetSecretValue", json!({ "SecretId": id })).await["SecretString"].clone()
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_shows_its_primary_at_every_node_and_lives_on_without_it() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let east: Vec<_> = ids.iter().map(|id| cluster.signed(*id).unwrap()).collect();
    let west: Vec<_> = east.iter().map(|node| node.in_region("us-west-2")).collect();

    let created = ok(
        &east[0],
        "CreateSecret",
        json!({
            "Name": "app/db", "ClientRequestToken": token(), "SecretString": "one",
            "AddReplicaRegions": [{"Region": "us-west-2"}],
        }),
    )
    .await;
    assert_eq!(created["ReplicationStatus"][0]["Status"], "InSync");
    let arn = created["ARN"].as_str().unwrap().replace("us-east-1", "us-west-2");

    // Each write at one node shows in the other region at once, at another node, by name and by ARN.
    for (at, text) in ["two", "three", "four"].iter().enumerate() {
        let body = json!({"SecretId": "app/db", "ClientRequestToken": token(), "SecretString": text});
        ok(&east[at], "PutSecretValue", body).await;
        assert_eq!(value(&west[(at + 1) % 3], "app/db").await, *text);
        assert_eq!(value(&west[(at + 2) % 3], &arn).await, *text);
    }
    let described = ok(&west[1], "DescribeSecret", json!({"SecretId": arn})).await;
    assert_eq!((&described["ARN"], &described["PrimaryRegion"]), (&json!(arn), &json!("us-east-1")));
    assert!(described["LastAccessedDate"].is_number());
    let primary = ok(&east[2], "DescribeSecret", json!({"SecretId": "app/db"})).await;
    assert!(primary.get("LastAccessedDate").is_none());
    let listed =
        ok(&west[2], "ListSecrets", json!({"Filters": [{"Key": "primary-region", "Values": ["us-east"]}]})).await;
    assert_eq!((listed["SecretList"].as_array().unwrap().len(), &listed["SecretList"][0]["ARN"]), (1, &json!(arn)));
    assert_eq!(
        refused(&west[0], "TagResource", json!({"SecretId": arn, "Tags": [{"Key": "a", "Value": "b"}]})).await,
        "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    );
    let force = json!({"SecretId": "app/db", "ForceDeleteWithoutRecovery": true});
    assert_eq!(
        refused(&east[1], "DeleteSecret", force.clone()).await,
        "You can't delete secret app/db that still has replica regions [us-west-2]"
    );

    // The other front, and the command line: one more region, and a taken name.
    let body = json!({"Name": "app/db", "ClientRequestToken": token(), "SecretString": "other"});
    ok(&east[0].in_region("eu-west-1"), "CreateSecret", body).await;
    let replicate = ["secret", "replicate", "app/db", "eu-west-1", "--output", "json"];
    let answer = cluster.conclave(replicate).run().unwrap().json().unwrap();
    assert_eq!(answer["ReplicationStatus"][1]["Status"], "Failed");
    let forced = replicate.iter().chain(&["--force-overwrite"]);
    let answer = cluster.conclave(forced).run().unwrap().json().unwrap();
    assert_eq!(answer["ReplicationStatus"][1]["Status"], "InSync");
    assert_eq!(value(&east[1].in_region("eu-west-1"), "app/db").await, "four");
    let remove = ["secret", "remove-regions", "app/db", "eu-west-1", "--output", "json"];
    let answer = cluster.conclave(remove).run().unwrap().json().unwrap();
    assert_eq!(answer["ReplicationStatus"].as_array().unwrap().len(), 1);

    // A node that starts from its checkpoint has the replica again.
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    cluster.kill_9(&ids[2..]).unwrap();
    cluster.restart(ids[2]).unwrap();
    cluster.settled().await.unwrap();
    assert_eq!(value(&west[2], &arn).await, "four");

    let stop = ["secret", "stop-replication", &arn, "--region", "us-west-2", "--output", "json"];
    assert_eq!(cluster.conclave(stop).run().unwrap().json().unwrap()["ARN"], json!(arn));
    ok(&east[1], "DeleteSecret", force).await;
    assert_eq!(value(&west[0], &arn).await, "four");
    let body = json!({"SecretId": arn, "ClientRequestToken": token(), "SecretString": "five"});
    ok(&west[1], "PutSecretValue", body).await;
    assert_eq!(value(&west[2], "app/db").await, "five");
    cluster.common_digest().await.unwrap();
}
