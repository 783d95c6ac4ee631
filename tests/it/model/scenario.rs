//! A life of a few secrets in which every served operation succeeds, with every member that the server reads.

use serde_json::{Value, json};
use uuid::Uuid;

use super::checks::Checks;

/// The version that `model/kept` has from the start.
const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const SECOND: &str = "00000000-0000-0000-0000-000000000002";
const HOME: &str = "us-east-1";
const KEPT: &str = "model/kept";
const SCHEDULED: &str = "model/scheduled";
const BINARY: &str = "model/binary";
/// The key that every account has.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// Plays it. Afterwards `model/kept` is there, `model/scheduled` is scheduled for deletion, `model/missing` was never.
pub(super) async fn play(checks: &mut Checks<'_>) {
    create(checks).await;
    versions(checks).await;
    listings(checks).await;
    tags_and_passwords(checks).await;
    policies(checks).await;
    replication(checks).await;
    deletion(checks).await;
}

async fn create(checks: &mut Checks<'_>) {
    let created = json!({
        "Name": KEPT, "ClientRequestToken": FIRST, "Description": "one of a few", "KmsKeyId": DEFAULT_KEY,
        "SecretString": "first", "Tags": [{"Key": "team", "Value": "blue"}],
    });
    checks.done("CreateSecret", created).await;
    let binary = json!({"Name": BINARY, "ClientRequestToken": token(), "SecretBinary": "AAE="});
    checks.done("CreateSecret", binary).await;
    checks.done("CreateSecret", json!({"Name": SCHEDULED, "ClientRequestToken": token(), "SecretString": "s"})).await;
}

async fn versions(checks: &mut Checks<'_>) {
    let of_kept = |mut body: Value| {
        body["SecretId"] = json!(KEPT);
        body
    };
    let put = json!({
        "ClientRequestToken": SECOND, "SecretString": "second", "VersionStages": ["AWSPENDING"],
        "RotationToken": "0".repeat(36),
    });
    checks.done("PutSecretValue", of_kept(put)).await;
    let put = json!({"SecretId": BINARY, "ClientRequestToken": token(), "SecretBinary": "AAI="});
    checks.done("PutSecretValue", put).await;
    let moved = json!({"VersionStage": "AWSCURRENT", "RemoveFromVersionId": FIRST, "MoveToVersionId": SECOND});
    checks.done("UpdateSecretVersionStage", of_kept(moved)).await;
    let got = json!({"VersionId": SECOND, "VersionStage": "AWSCURRENT"});
    checks.done("GetSecretValue", of_kept(got)).await;
    checks.done("GetSecretValue", json!({"SecretId": BINARY})).await;
    let update =
        json!({"ClientRequestToken": token(), "Description": "another", "KmsKeyId": "", "SecretString": "third"});
    checks.done("UpdateSecret", of_kept(update)).await;
    let update = json!({"SecretId": BINARY, "ClientRequestToken": token(), "SecretBinary": "AAM="});
    checks.done("UpdateSecret", update).await;
    checks.done("DescribeSecret", of_kept(json!({}))).await;
    let listed = of_kept(json!({"MaxResults": 1, "IncludeDeprecated": true}));
    pages(checks, "ListSecretVersionIds", listed).await;
}

async fn listings(checks: &mut Checks<'_>) {
    let filters = json!([{"Key": "name", "Values": ["model/"]}]);
    let listed = json!({
        "MaxResults": 1, "Filters": filters, "SortOrder": "desc", "SortBy": "name", "IncludePlannedDeletion": true,
    });
    pages(checks, "ListSecrets", listed).await;
    pages(checks, "BatchGetSecretValue", json!({"MaxResults": 1, "Filters": filters})).await;
    checks.done("BatchGetSecretValue", json!({"SecretIdList": [KEPT, BINARY, "model/missing"]})).await;
}

async fn tags_and_passwords(checks: &mut Checks<'_>) {
    let tags = json!([{"Key": "team", "Value": "red"}, {"Key": "cost"}]);
    checks.done("TagResource", json!({"SecretId": KEPT, "Tags": tags})).await;
    checks.done("UntagResource", json!({"SecretId": KEPT, "TagKeys": ["cost"]})).await;
    let drawn = json!({
        "PasswordLength": 20, "ExcludeCharacters": "x", "ExcludeNumbers": true, "ExcludePunctuation": true,
        "ExcludeUppercase": true, "ExcludeLowercase": false, "IncludeSpace": true, "RequireEachIncludedType": true,
    });
    checks.done("GetRandomPassword", drawn).await;
}

async fn policies(checks: &mut Checks<'_>) {
    // To everybody, so that its validation finds something.
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let named = json!({"SecretId": KEPT, "PolicyName": "default"});
    let mut put = named.clone();
    (put["ResourcePolicy"], put["BlockPublicPolicy"]) = (json!(policy), json!(false));
    checks.done("PutResourcePolicy", put).await;
    checks.done("GetResourcePolicy", named.clone()).await;
    checks.done("ListResourcePolicies", json!({"SecretId": KEPT, "MaxResults": 1})).await;
    checks.done("ValidateResourcePolicy", json!({"SecretId": KEPT, "ResourcePolicy": policy})).await;
    checks.done("DeleteResourcePolicy", named).await;
}

async fn replication(checks: &mut Checks<'_>) {
    let name = "model/replicated";
    let replicas = |region: &str| json!([{"Region": region, "KmsKeyId": DEFAULT_KEY}]);
    let created = json!({
        "Name": name, "ClientRequestToken": token(), "SecretString": "r", "AddReplicaRegions": replicas("us-east-2"),
        "ForceOverwriteReplicaSecret": true,
    });
    checks.done("CreateSecret", created.clone()).await;
    let more = json!({
        "SecretId": name, "AddReplicaRegions": replicas("us-west-1"), "ForceOverwriteReplicaSecret": true,
    });
    checks.done("ReplicateSecretToRegions", more).await;
    // A read of each replica leaves its date, which all answers about the secret's regions show then.
    for region in ["us-east-2", "us-west-1"] {
        checks.go(region);
        checks.done("GetSecretValue", json!({"SecretId": name})).await;
    }
    checks.go(HOME);
    checks.done("DescribeSecret", json!({"SecretId": name})).await;
    checks.done("ListSecrets", json!({"Filters": [{"Key": "name", "Values": [name]}]})).await;
    checks
        .done("ReplicateSecretToRegions", json!({"SecretId": name, "AddReplicaRegions": replicas("us-west-2")}))
        .await;
    // The same request again shows what has become of the secret's regions.
    checks.done("CreateSecret", created).await;
    checks.done("RemoveRegionsFromReplication", json!({"SecretId": name, "RemoveReplicaRegions": ["us-west-2"]})).await;
    checks.go("us-west-1");
    checks.done("StopReplicationToReplica", json!({"SecretId": name})).await;
    checks.go(HOME);
}

async fn deletion(checks: &mut Checks<'_>) {
    let window = json!({"SecretId": SCHEDULED, "RecoveryWindowInDays": 7});
    checks.done("DeleteSecret", window.clone()).await;
    checks.done("RestoreSecret", json!({"SecretId": SCHEDULED})).await;
    checks.done("DeleteSecret", window).await;
    checks.done("DescribeSecret", json!({"SecretId": SCHEDULED})).await;
    let planned = json!({"Filters": [{"Key": "name", "Values": [SCHEDULED]}], "IncludePlannedDeletion": true});
    checks.done("ListSecrets", planned).await;
    checks.done("DeleteSecret", json!({"SecretId": BINARY, "ForceDeleteWithoutRecovery": true})).await;
}

/// The first two pages.
async fn pages(checks: &mut Checks<'_>, operation: &str, mut body: Value) {
    let first = checks.done(operation, body.clone()).await;
    body["NextToken"] = first["NextToken"].clone();
    checks.done(operation, body).await;
}

fn token() -> String {
    Uuid::new_v4().to_string()
}
