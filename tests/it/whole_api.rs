//! The whole API by unmodified clients of AWS: one story, told by boto3, the AWS CLI, AWS's SDKs for JavaScript and for
//! Rust, and a secret behind AWS's caching library. Each client must have called every operation that is served.

mod clients;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::Cluster;

use self::clients::{AwsCli, Boto3, Client, JavaScript, RustSdk};
use crate::fronts::Refused;
use crate::model;

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const HOME: &str = "us-east-1";
const ELSEWHERE: &str = "us-west-2";

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn boto3_drives_the_whole_api() {
    let cluster = Cluster::start(3).unwrap();
    tell(&mut Boto3::start(&cluster).unwrap());
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn the_aws_cli_drives_the_whole_api() {
    let cluster = Cluster::start(3).unwrap();
    tell(&mut AwsCli::new(&cluster));
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn javascript_drives_the_whole_api() {
    let cluster = Cluster::start(3).unwrap();
    tell(&mut JavaScript::start(&cluster).unwrap());
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn awss_sdk_for_rust_drives_the_whole_api() {
    let cluster = Cluster::start(3).unwrap();
    tell(&mut RustSdk::start(&cluster).unwrap());
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn awss_caching_library_keeps_and_renews_a_secret() {
    let cluster = Cluster::start(3).unwrap();
    let mut client = Boto3::start(&cluster).unwrap();
    let mut call = |operation, body| client.call(operation, HOME, &body).unwrap();
    call("CreateSecret", json!({"Name": "cached", "SecretString": "old"}));
    call("PutSecretValue", json!({"SecretId": "cached", "SecretString": "kept"}));
    call("CreateSecret", json!({"Name": "bytes", "SecretBinary": "AP8B"}));
    let script = clients::script("python/cached_secret.py");
    let printed = cluster.python(&[&script, "cached", "bytes"]).unwrap().run().unwrap().success().unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines, ["kept", "old", "3", "0", "renewed", "kept", "renewed"]);
}

/// Tells the story with one client.
fn tell(client: &mut dyn Client) {
    let mut story = Story { client, called: BTreeSet::new() };
    story.a_secret_and_its_versions();
    story.listings();
    story.tags_and_passwords();
    story.resource_policies();
    story.replication();
    story.rotation();
    story.deletion();
    let lacks = story.client.lacks();
    let served = model::OPERATIONS.iter().copied().filter(|operation| model::is_served(operation));
    let missed: Vec<&str> =
        served.filter(|operation| !lacks.contains(operation) && !story.called.contains(*operation)).collect();
    assert!(missed.is_empty(), "the story has no {missed:?}");
}

struct Story<'a> {
    client: &'a mut dyn Client,
    called: BTreeSet<&'static str>,
}

impl Story<'_> {
    /// Whether this client can call the operation and the cluster serves it.
    fn has(&self, operation: &str) -> bool {
        model::is_served(operation) && !self.client.lacks().contains(&operation)
    }

    fn done(&mut self, operation: &'static str, body: Value) -> Value {
        self.done_in(HOME, operation, body)
    }

    fn done_in(&mut self, region: &str, operation: &'static str, body: Value) -> Value {
        self.called.insert(operation);
        let answer = self.client.call(operation, region, &body);
        answer.unwrap_or_else(|refused| panic!("{operation} {body}: {refused:?}"))
    }

    fn refused(&mut self, operation: &'static str, body: Value, codes: &[&str], text: &str) {
        self.called.insert(operation);
        match self.client.call(operation, HOME, &body) {
            Ok(answer) => panic!("{operation} {body} is done, not refused with {codes:?}: {answer}"),
            Err(Refused { code, message }) => {
                assert!(codes.contains(&code.as_str()), "{operation} {body}: {code} {message}, not {codes:?}");
                assert!(message.contains(text), "{operation} {body}: {message:?} lacks {text:?}");
            }
        }
    }

    fn a_secret_and_its_versions(&mut self) {
        // The client makes up the token.
        let created = self.done(
            "CreateSecret",
            json!({"Name": "kept", "Description": "one", "SecretString": "Ä first", "Tags": [{"Key": "team", "Value": "a b"}]}),
        );
        assert_eq!(created["Name"], "kept");
        let first = created["VersionId"].as_str().unwrap().to_owned();
        assert_eq!(first.len(), 36, "{first}");
        let described = self.done("DescribeSecret", json!({"SecretId": created["ARN"]}));
        assert_eq!(described["VersionIdsToStages"], json!({ first.as_str(): ["AWSCURRENT"] }));
        assert_eq!(described["Tags"], json!([{"Key": "team", "Value": "a b"}]));
        let age = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let created_date = described["CreatedDate"].as_f64().unwrap();
        assert!((age - created_date).abs() < 3_600.0, "{created_date} is no time of today");
        let got = self.done("GetSecretValue", json!({"SecretId": "kept"}));
        assert_eq!((&got["SecretString"], &got["VersionId"]), (&json!("Ä first"), &json!(first)));
        assert!(got.get("SecretBinary").is_none());

        let second = "00000000-0000-0000-0000-00000000000A";
        let put = json!({
            "SecretId": "kept", "ClientRequestToken": second, "SecretBinary": "AP8B",
            "VersionStages": ["AWSPENDING", "blue"],
        });
        let put = self.done("PutSecretValue", put);
        assert_eq!((&put["VersionId"], &put["VersionStages"]), (&json!(second), &json!(["AWSPENDING", "blue"])));
        let got = self.done("GetSecretValue", json!({"SecretId": "kept", "VersionId": second, "VersionStage": "blue"}));
        assert_eq!((&got["SecretBinary"], got.get("SecretString")), (&json!("AP8B"), None));
        let moved = json!({
            "SecretId": "kept", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": first, "MoveToVersionId": second,
        });
        self.done("UpdateSecretVersionStage", moved);
        let updated =
            self.done("UpdateSecret", json!({"SecretId": "kept", "SecretString": "third", "Description": "two"}));
        assert_eq!(updated["VersionId"].as_str().map(str::len), Some(36));

        let mut found = Vec::new();
        let mut listing = json!({"SecretId": "kept", "MaxResults": 1, "IncludeDeprecated": true});
        for _ in 0..3 {
            let page = self.done("ListSecretVersionIds", listing.clone());
            found.extend(page["Versions"].as_array().unwrap().iter().map(|version| version["VersionId"].clone()));
            listing["NextToken"] = page["NextToken"].clone();
        }
        assert_eq!(found, [json!(first), json!(second), updated["VersionId"].clone()]);
        assert!(listing["NextToken"].is_null());

        self.refused("GetSecretValue", json!({"SecretId": "missing"}), &["ResourceNotFoundException"], NOT_FOUND);
        let again = json!({"Name": "kept", "SecretString": "x"});
        self.refused("CreateSecret", again, &["ResourceExistsException"], "already exists");
        let long = json!({"SecretId": "kept", "VersionStage": "x".repeat(257)});
        self.refused("GetSecretValue", long, &["ValidationException"], "less than or equal to 256");
    }

    fn listings(&mut self) {
        self.done("CreateSecret", json!({"Name": "kept/2", "SecretString": "second"}));
        let filters = json!([{"Key": "name", "Values": ["kept"]}]);
        let mut listing = json!({"Filters": filters, "SortBy": "name", "SortOrder": "desc", "MaxResults": 1});
        let mut names = Vec::new();
        for _ in 0..2 {
            let page = self.done("ListSecrets", listing.clone());
            names.extend(page["SecretList"].as_array().unwrap().iter().map(|entry| entry["Name"].clone()));
            listing["NextToken"] = page["NextToken"].clone();
        }
        assert_eq!(names, ["kept/2", "kept"]);
        assert!(listing["NextToken"].is_null());

        let batch = self.done("BatchGetSecretValue", json!({"SecretIdList": ["kept", "missing"]}));
        assert_eq!(batch["SecretValues"].as_array().unwrap().len(), 1);
        assert_eq!(batch["SecretValues"][0]["SecretString"], "third");
        assert_eq!(batch["Errors"][0]["SecretId"], "missing");
        assert_eq!(batch["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
        let batch = self.done("BatchGetSecretValue", json!({"Filters": filters, "MaxResults": 20}));
        assert_eq!(batch["SecretValues"].as_array().unwrap().len(), 2);
    }

    fn tags_and_passwords(&mut self) {
        self.done("TagResource", json!({"SecretId": "kept", "Tags": [{"Key": "cost", "Value": "1"}]}));
        self.done("UntagResource", json!({"SecretId": "kept", "TagKeys": ["team"]}));
        let described = self.done("DescribeSecret", json!({"SecretId": "kept"}));
        assert_eq!(described["Tags"], json!([{"Key": "cost", "Value": "1"}]));
        assert_eq!(described["Description"], "two");
        let drawn = self.done("GetRandomPassword", json!({"PasswordLength": 20, "ExcludePunctuation": true}));
        let password = drawn["RandomPassword"].as_str().unwrap();
        assert!(password.len() == 20 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{password}");
    }

    fn resource_policies(&mut self) {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "secretsmanager:GetSecretValue", "Resource": "*",
            }],
        });
        let mut body = json!({"SecretId": "kept", "ResourcePolicy": policy.to_string()});
        if self.has("ValidateResourcePolicy") {
            let validated = self.done("ValidateResourcePolicy", body.clone());
            assert_eq!(validated["PolicyValidationPassed"], true);
        }
        if !self.has("PutResourcePolicy") {
            return;
        }
        body["BlockPublicPolicy"] = json!(true);
        self.done("PutResourcePolicy", body);
        let got = self.done("GetResourcePolicy", json!({"SecretId": "kept"}));
        let stored: Value = serde_json::from_str(got["ResourcePolicy"].as_str().unwrap()).unwrap();
        assert_eq!(stored, policy);
        if self.has("ListResourcePolicies") {
            let listed = self.done("ListResourcePolicies", json!({"SecretId": "kept"}));
            assert_eq!(listed["ResourcePolicies"][0]["PolicyName"], "default");
        }
        let bad = json!({"SecretId": "kept", "ResourcePolicy": "{}"});
        self.refused("PutResourcePolicy", bad, &["MalformedPolicyDocumentException"], "");
        self.done("DeleteResourcePolicy", json!({"SecretId": "kept"}));
        assert!(self.done("GetResourcePolicy", json!({"SecretId": "kept"})).get("ResourcePolicy").is_none());
    }

    fn replication(&mut self) {
        if self.has("ReplicateSecretToRegions") {
            let replicas = json!({"SecretId": "kept", "AddReplicaRegions": [{"Region": ELSEWHERE}]});
            let replicated = self.done("ReplicateSecretToRegions", replicas.clone());
            assert_eq!(replicated["ReplicationStatus"][0]["Region"], ELSEWHERE);
            assert_eq!(replicated["ReplicationStatus"][0]["Status"], "InSync");
            let read = self.done_in(ELSEWHERE, "GetSecretValue", json!({"SecretId": "kept"}));
            assert_eq!(read["SecretString"], "third");
            let regions = json!({"SecretId": "kept", "RemoveReplicaRegions": [ELSEWHERE]});
            let removed = self.done("RemoveRegionsFromReplication", regions);
            assert!(removed["ReplicationStatus"].as_array().is_none_or(Vec::is_empty), "{removed}");
            self.done("ReplicateSecretToRegions", replicas);
            self.done_in(ELSEWHERE, "StopReplicationToReplica", json!({"SecretId": "kept"}));
            let alone = self.done_in(ELSEWHERE, "GetSecretValue", json!({"SecretId": "kept"}));
            assert_eq!(alone["SecretString"], "third");
        }
        let refusals = ["InvalidParameterException", "InvalidRequestException"];
        for operation in ["AssociateCrossAccountReplica", "DisassociateCrossAccountReplica"] {
            if self.has(operation) {
                let other = "arn:aws:secretsmanager:us-east-1:210987654321:secret:kept-a1b2c3";
                let body = json!({"SecretId": "kept", "CrossAccountReplicaARN": other});
                self.refused(operation, body, &refusals, "");
            }
        }
    }

    fn rotation(&mut self) {
        if self.has("RotateSecret") {
            let never = "No Lambda rotation function ARN is associated with this secret.";
            self.refused("RotateSecret", json!({"SecretId": "kept"}), &["InvalidRequestException"], never);
            let rotation = json!({
                "SecretId": "kept", "RotationRules": {"AutomaticallyAfterDays": 7},
                "RotationLambdaARN": "arn:aws:lambda:us-east-1:123456789012:function:none",
            });
            let text = "Secrets Manager cannot invoke the specified Lambda function.";
            self.refused("RotateSecret", rotation, &["AccessDeniedException"], text);
        }
        if self.has("CancelRotateSecret") {
            self.refused("CancelRotateSecret", json!({"SecretId": "kept"}), &["InvalidRequestException"], "");
        }
    }

    fn deletion(&mut self) {
        let deleted = self.done("DeleteSecret", json!({"SecretId": "kept/2", "RecoveryWindowInDays": 7}));
        assert!(deleted["DeletionDate"].is_number(), "{deleted}");
        let get = json!({"SecretId": "kept/2"});
        self.refused("GetSecretValue", get.clone(), &["InvalidRequestException"], "marked for deletion");
        assert_eq!(self.done("RestoreSecret", get.clone())["Name"], "kept/2");
        assert_eq!(self.done("GetSecretValue", get.clone())["SecretString"], "second");
        self.done("DeleteSecret", json!({"SecretId": "kept/2", "ForceDeleteWithoutRecovery": true}));
        self.refused("DescribeSecret", get, &["ResourceNotFoundException"], NOT_FOUND);
    }
}
