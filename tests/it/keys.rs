//! Keys: unmodified clients of KMS, and what becomes of secrets when their key is disabled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::keys::{CreateGrant, CreateKey, Decrypt, Encrypt, GenerateDataKey, ReEncrypt};
use client::{Client, ErrorCode};
use serde_json::{Value, json};
use testkit::provision::source_root;
use testkit::{Cluster, SignedClient};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

/// Time for what must come some time.
const AT_LAST: Duration = Duration::from_secs(60);
/// Reads of every node, begun after a change was acknowledged, that must be as the change demands.
const READS: usize = 20;

fn script(name: &str) -> String {
    source_root().join("tests/clients/python").join(name).display().to_string()
}

async fn ok(client: &SignedClient, operation: &str, body: Value) -> Value {
    let answer = client.call(operation, &body).await.unwrap();
    assert!(answer.status.is_success(), "{operation} {body}: {}", answer.body);
    answer.json().unwrap()
}

/// The code and the message of a refusal.
async fn refused(client: &SignedClient, operation: &str, body: Value) -> (String, String) {
    let answer = client.call(operation, &body).await.unwrap();
    assert!(!answer.status.is_success(), "{operation} {body}: {}", answer.body);
    let json = answer.json().unwrap();
    let message = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
    (answer.error_code(), message.to_owned())
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn boto3_and_the_aws_cli_use_keys_unchanged() {
    let cluster = Cluster::start(3).unwrap();
    let printed = cluster.python(&[&script("keys.py")]).unwrap().run().unwrap().json().unwrap();
    let arn = printed["Arn"].as_str().unwrap();

    // A secret under that key, by the AWS CLI, at another node than the one that made the key.
    let other = format!("https://{}", cluster.nodes().unwrap()[1].client_addr);
    let aws = |arguments: &[&str]| {
        let program = cluster.aws(arguments).unwrap().envs([("AWS_ENDPOINT_URL", other.as_str())]);
        program.run().unwrap()
    };
    let secret = ["--name", "keyed", "--kms-key-id", "alias/app", "--secret-string", "hunter2"];
    let created = aws(&[&["secretsmanager", "create-secret"][..], &secret].concat()).json().unwrap();
    assert_eq!(created["Name"], "keyed");
    let described = aws(&["secretsmanager", "describe-secret", "--secret-id", "keyed"]).json().unwrap();
    assert!(described["KmsKeyId"].as_str().is_some_and(|key| key.contains("app") || key == arn), "{described}");
    let get = ["secretsmanager", "get-secret-value", "--secret-id", "keyed"];
    assert_eq!(aws(&get).json().unwrap()["SecretString"], "hunter2");

    assert_eq!(aws(&["kms", "disable-key", "--key-id", arn]).code, Some(0));
    let got = aws(&get);
    assert_ne!(got.code, Some(0));
    assert!(got.stderr.contains("(DecryptionFailure) when calling the GetSecretValue operation"), "{}", got.stderr);
    let put = aws(&["secretsmanager", "put-secret-value", "--secret-id", "keyed", "--secret-string", "new"]);
    assert!(put.stderr.contains("(EncryptionFailure)"), "{}", put.stderr);
    assert_eq!(aws(&["secretsmanager", "describe-secret", "--secret-id", "keyed"]).code, Some(0));
    assert_eq!(aws(&["kms", "enable-key", "--key-id", arn]).code, Some(0));
    assert_eq!(aws(&get).json().unwrap()["SecretString"], "hunter2");

    let aliases = aws(&["kms", "list-aliases", "--key-id", arn, "--page-size", "1"]).json().unwrap();
    assert_eq!(aliases["Aliases"][0]["AliasName"], "alias/app");
}

/// One read: when it began, when it was answered, and with what code; `None` is the value.
#[derive(Clone, Debug)]
struct Read {
    began: Instant,
    ended: Instant,
    code: Option<String>,
}

/// Reads a secret of one node without a pause, and shows how many reads there are.
struct Reader {
    node: u64,
    stop: watch::Sender<bool>,
    count: watch::Receiver<usize>,
    reads: JoinHandle<Vec<Read>>,
}

impl Reader {
    fn start(node: u64, client: SignedClient, secret: &'static str) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (counted, count) = watch::channel(0);
        let reads = tokio::spawn(async move {
            let mut reads = Vec::new();
            while !*stopped.borrow() {
                let began = Instant::now();
                let answer = client.call("GetSecretValue", &json!({ "SecretId": secret })).await.unwrap();
                let code = match answer.status.is_success() {
                    true => {
                        assert_eq!(answer.json().unwrap()["SecretString"], "hunter2");
                        None
                    }
                    false => Some(answer.error_code()),
                };
                reads.push(Read { began, ended: Instant::now(), code });
                counted.send_replace(reads.len());
            }
            reads
        });
        Self { node, stop, count, reads }
    }

    /// Waits until so many more reads have begun and ended.
    async fn more(&mut self, reads: usize) {
        // One read more: the first may have begun before.
        let wanted = *self.count.borrow() + reads + 1;
        timeout(AT_LAST, self.count.wait_for(|count| *count >= wanted)).await.expect("a node does not answer").unwrap();
    }

    async fn end(self) -> (u64, Vec<Read>) {
        self.stop.send_replace(true);
        (self.node, self.reads.await.unwrap())
    }
}

/// Holds reads between two moments to what they must be, and answers how many there were.
fn between(reads: &[Read], from: Instant, until: Instant, must: Option<&str>) -> usize {
    let within: Vec<&Read> = reads.iter().filter(|read| read.began >= from && read.ended <= until).collect();
    for read in &within {
        assert_eq!(read.code.as_deref(), must, "{read:?} between {from:?} and {until:?}");
    }
    within.len()
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_key_opens_nothing_on_any_node_from_its_acknowledgement_on() {
    const SECRET: &str = "keyed";
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let kms = |id: u64| cluster.signed(id).unwrap().kms();
    let key = ok(&kms(ids[0]), "CreateKey", json!({})).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    ok(&kms(ids[1]), "CreateAlias", json!({"AliasName": "alias/app", "TargetKeyId": key})).await;
    let token = Uuid::new_v4().to_string();
    let secret = json!({
        "Name": SECRET, "ClientRequestToken": token, "SecretString": "hunter2", "KmsKeyId": "alias/app",
    });
    ok(&cluster.signed(ids[2]).unwrap(), "CreateSecret", secret).await;

    let mut readers: Vec<Reader> =
        ids.iter().map(|id| Reader::start(*id, cluster.signed(*id).unwrap(), SECRET)).collect();
    let mut rounds = Vec::new();
    // Each node disables once, and another one enables.
    for turn in 0..ids.len() {
        for reader in &mut readers {
            reader.more(READS).await;
        }
        let (by, back) = (kms(ids[turn]), kms(ids[(turn + 1) % ids.len()]));
        ok(&by, "DisableKey", json!({ "KeyId": key })).await;
        let disabled = Instant::now();
        for reader in &mut readers {
            reader.more(READS).await;
        }
        let until = Instant::now();
        ok(&back, "EnableKey", json!({ "KeyId": key })).await;
        let enabled = Instant::now();
        for reader in &mut readers {
            reader.more(READS).await;
        }
        rounds.push((disabled, until, enabled, Instant::now()));
    }
    for reader in readers {
        let (node, reads) = reader.end().await;
        for (disabled, until, enabled, end) in &rounds {
            let shut = between(&reads, *disabled, *until, Some("DecryptionFailure"));
            let open = between(&reads, *enabled, *end, None);
            assert!(shut >= READS && open >= READS, "node {node}: {shut} shut, {open} open");
        }
    }
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_endpoint_serves_both_services_and_takes_no_signature_for_the_other() {
    let cluster = Cluster::start(1).unwrap();
    let secrets = cluster.signed(cluster.ids().unwrap()[0]).unwrap();
    let kms = secrets.kms();
    let mut secret_request = secrets.request("ListSecrets", "{}");
    let mut key_request = kms.request("ListKeys", "{}");
    let now = std::time::SystemTime::now();
    for (client, request, service) in
        [(&kms, &mut secret_request, "secretsmanager"), (&secrets, &mut key_request, "kms")]
    {
        let signed = client.sign(request.clone(), now).unwrap();
        let answer = client.send(signed).await.unwrap();
        assert_eq!(answer.error_code(), "InvalidSignatureException");
        assert!(answer.body.contains(&format!("Credential should be scoped to correct service: '{service}'.")));
    }
    for (client, request) in [(&secrets, secret_request), (&kms, key_request)] {
        let answer = client.send(client.sign(request, now).unwrap()).await.unwrap();
        assert!(answer.status.is_success(), "{}", answer.body);
        assert!(answer.headers.contains_key("x-amzn-requestid"));
    }
    // KMS spells every message with a small letter, also of errors that both have.
    let answer = kms.call("Frobnicate", &json!({})).await.unwrap();
    assert_eq!(answer.error_code(), "UnknownOperationException");
    let answer = kms.call("DescribeKey", &json!({"KeyId": "alias/none"})).await.unwrap();
    let body = answer.json().unwrap();
    assert_eq!((answer.status.as_u16(), &body["__type"]), (400, &json!("NotFoundException")));
    assert!(body["message"].is_string() && body.get("Message").is_none(), "{body}");
    let described = refused(&kms, "DescribeKey", json!({})).await;
    assert_eq!(described.0, "ValidationException");
    assert_eq!(refused(&kms, "Encrypt", json!({"KeyId": 7})).await.0, "SerializationException");
    // A pair that comes twice is refused, not chosen from.
    let twice = kms.request("GenerateRandom", r#"{"NumberOfBytes": 1, "NumberOfBytes": 2}"#);
    let answer = kms.send(kms.sign(twice, now).unwrap()).await.unwrap();
    assert_eq!(answer.error_code(), "SerializationException");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dry_runs_of_grants_tell_and_change_nothing() {
    let cluster = Cluster::start(1).unwrap();
    let kms = cluster.signed(cluster.ids().unwrap()[0]).unwrap().kms();
    let key = ok(&kms, "CreateKey", json!({})).await["KeyMetadata"].clone();
    let root = format!("arn:aws:iam::{}:root", key["AWSAccountId"].as_str().unwrap());
    let grant = json!({
        "KeyId": key["KeyId"], "GranteePrincipal": root, "RetiringPrincipal": root, "Operations": ["Decrypt"],
    });
    let mut dry = grant.clone();
    dry["DryRun"] = json!(true);
    assert_eq!(refused(&kms, "CreateGrant", dry).await.0, "DryRunOperationException");
    let made = ok(&kms, "CreateGrant", grant).await;
    let revoke = json!({"KeyId": key["KeyId"], "GrantId": made["GrantId"], "DryRun": true});
    let retire = json!({"KeyId": key["Arn"], "GrantId": made["GrantId"], "DryRun": true});
    let by_token = json!({"GrantToken": made["GrantToken"], "DryRun": true});
    for (operation, body) in [("RevokeGrant", revoke), ("RetireGrant", retire), ("RetireGrant", by_token)] {
        assert_eq!(refused(&kms, operation, body).await.0, "DryRunOperationException");
    }
    let listed = ok(&kms, "ListGrants", json!({"KeyId": key["KeyId"]})).await;
    assert_eq!(listed["Grants"].as_array().unwrap().len(), 1);
    let arn =
        key["Arn"].as_str().unwrap().replace(key["KeyId"].as_str().unwrap(), "00000000-0000-4000-8000-000000000000");
    let missing = json!({"KeyId": arn, "GrantId": made["GrantId"]});
    assert_eq!(refused(&kms, "RetireGrant", missing).await.0, "NotFoundException");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_client_and_the_command_use_keys_over_grpc() {
    let cluster = Cluster::start(3).unwrap();
    let client: Client = cluster.client().unwrap();
    let keys = client.keys();
    let key = keys.create_key(CreateKey::default().description("of the test").tag("team", "blue")).await.unwrap();
    assert!(key.enabled && key.key_manager == "CUSTOMER" && key.arn.ends_with(&key.key_id), "{key:?}");
    keys.create_alias("alias/app", &key.key_id).await.unwrap();
    assert_eq!(keys.describe_key("alias/app").await.unwrap(), key);

    let sealed = keys.encrypt(Encrypt::new("alias/app", "hunter2").context("app", "billing")).await.unwrap();
    assert!(sealed.key_id == key.arn && sealed.applied_index > 0);
    let opened = keys.decrypt(Decrypt::new(sealed.ciphertext_blob.clone()).context("app", "billing")).await.unwrap();
    assert_eq!(opened.plaintext.expose_bytes(), b"hunter2");
    let error = keys.decrypt(Decrypt::new(sealed.ciphertext_blob.clone())).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidCiphertext));
    // What one front has encrypted the other decrypts.
    let kms = cluster.signed(cluster.ids().unwrap()[2]).unwrap().kms();
    let blob = STANDARD.encode(&sealed.ciphertext_blob);
    let context = json!({"app": "billing"});
    let other = ok(&kms, "Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context})).await;
    assert_eq!(other["Plaintext"], STANDARD.encode("hunter2"));

    let drawn = keys.generate_data_key(GenerateDataKey::new(&key.arn).number_of_bytes(48)).await.unwrap();
    assert_eq!(drawn.plaintext.expose_bytes().len(), 48);
    let bare = keys.generate_data_key_without_plaintext(GenerateDataKey::new("alias/app")).await.unwrap();
    assert_eq!(keys.decrypt(Decrypt::new(bare.ciphertext_blob)).await.unwrap().plaintext.expose_bytes().len(), 32);
    assert_eq!(keys.generate_random(7).await.unwrap().expose_bytes().len(), 7);
    let anew = ReEncrypt::new(sealed.ciphertext_blob, &key.key_id).source_context("app", "billing");
    let anew = keys.re_encrypt(anew.destination_context("app", "other")).await.unwrap();
    let opened = keys.decrypt(Decrypt::new(anew.ciphertext_blob).context("app", "other")).await.unwrap();
    assert_eq!(opened.plaintext.expose_bytes(), b"hunter2");

    keys.rotate_key_on_demand(&key.key_id).await.unwrap();
    let material = keys.list_key_rotations(&key.key_id, None).await.unwrap().entries;
    assert_eq!(material.len(), 2);
    keys.enable_key_rotation(&key.key_id, Some(100)).await.unwrap();
    let status = keys.get_key_rotation_status(&key.key_id).await.unwrap();
    assert!(status.key_rotation_enabled && status.rotation_period_in_days == Some(100), "{status:?}");

    let root = format!("arn:aws:iam::{}:root", key.aws_account_id);
    let grant = CreateGrant::new(&key.key_id, &root, ["Decrypt"]).retiring_principal(&root).context_equals("a", "b");
    let created = keys.create_grant(grant).await.unwrap();
    let grants = keys.list_grants(&key.key_id).await.unwrap().entries;
    assert!(grants.len() == 1 && grants[0].grant_id == created.grant_id && grants[0].context_subset.is_none());
    assert_eq!(grants[0].context_equals.as_ref().unwrap()["a"], "b");
    assert_eq!(keys.list_retirable_grants(&root, None).await.unwrap().entries, grants);
    keys.retire_grant(created.grant_token).await.unwrap();
    assert!(keys.list_grants(&key.key_id).await.unwrap().entries.is_empty());
    let policy = keys.get_key_policy(&key.key_id).await.unwrap();
    keys.put_key_policy(&key.key_id, policy, false).await.unwrap();
    assert_eq!(keys.list_key_policies(&key.key_id).await.unwrap(), ["default"]);
    keys.tag_resource(&key.key_id, [("a", "1")]).await.unwrap();
    keys.untag_resource(&key.key_id, ["team"]).await.unwrap();
    let tags = keys.list_resource_tags(&key.key_id, None).await.unwrap().entries;
    assert_eq!(tags, [("a".to_owned(), "1".to_owned())]);

    the_command(&Arc::new(cluster), &key.key_id);
}

fn the_command(cluster: &Cluster, key: &str) {
    let run = |arguments: &[&str]| cluster.conclave([&["key", "--output", "json"], arguments].concat());
    let json = |arguments: &[&str]| run(arguments).run().unwrap().json().unwrap();
    assert_eq!(json(&["describe", "alias/app"])["KeyMetadata"]["KeyId"], key);
    assert!(json(&["list"])["Keys"].as_array().unwrap().iter().any(|listed| listed["KeyId"] == key));
    let made = json(&["create", "--description", "second", "--tag", "a=b"])["KeyMetadata"].clone();
    let second = made["KeyId"].as_str().unwrap();
    assert_eq!(json(&["tags", second])["Tags"], json!([{"TagKey": "a", "TagValue": "b"}]));

    let sealed = cluster.conclave(["key", "encrypt", "alias/app", "--context", "a=b"]).stdin("hunter2");
    let sealed = sealed.run().unwrap().success().unwrap();
    let open = |context: &str| cluster.conclave(["key", "decrypt", "--context", context]).stdin(sealed.as_str());
    assert_eq!(open("a=b").run().unwrap().success().unwrap(), "hunter2");
    let other = open("a=c").run().unwrap();
    assert!(other.code == Some(1) && other.stderr.contains("InvalidCiphertextException"), "{}", other.stderr);
    let moved =
        run(&["re-encrypt", second, "--source-context", "a=b"]).stdin(sealed.as_str()).run().unwrap().json().unwrap();
    assert!(moved["KeyId"].as_str().unwrap().ends_with(second));
    assert_eq!(json(&["generate-data-key", second])["Plaintext"].as_str().unwrap().len(), 44);

    json(&["alias", "create", "alias/two", second]);
    json(&["alias", "update", "alias/two", key]);
    let aliases = json(&["alias", "list", "--key-id", key]);
    let names: Vec<&str> =
        aliases["Aliases"].as_array().unwrap().iter().map(|alias| alias["AliasName"].as_str().unwrap()).collect();
    assert_eq!(names, ["alias/app", "alias/two"]);
    json(&["alias", "delete", "alias/two"]);
    json(&["rotate", second]);
    assert_eq!(json(&["rotations", second])["Rotations"].as_array().unwrap().len(), 2);
    json(&["enable-rotation", second, "--rotation-period-in-days", "90"]);
    assert_eq!(json(&["rotation-status", second])["RotationPeriodInDays"], 90);
    json(&["disable-rotation", second]);
    let policy = json(&["policy", "get", second])["Policy"].as_str().unwrap().to_owned();
    assert_eq!(run(&["policy", "put", second]).stdin(policy.as_str()).run().unwrap().code, Some(0));
    let account = made["AWSAccountId"].as_str().unwrap();
    let root = format!("arn:aws:iam::{account}:root");
    let grant = json(&["grant", "create", second, "--grantee-principal", &root, "--operation", "Decrypt"]);
    let id = grant["GrantId"].as_str().unwrap();
    assert_eq!(json(&["grant", "list", second])["Grants"][0]["GrantId"], id);
    json(&["grant", "revoke", second, id]);
    assert_eq!(json(&["grant", "list", second])["Grants"], json!([]));
    json(&["disable", second]);
    let refused = run(&["generate-data-key", second]).run().unwrap();
    assert!(refused.code == Some(1) && refused.stderr.contains("DisabledException"), "{}", refused.stderr);
    json(&["enable", second]);
    assert_eq!(json(&["schedule-deletion", second, "--pending-window-in-days", "7"])["PendingWindowInDays"], 7);
    json(&["cancel-deletion", second]);
    assert_eq!(json(&["describe", second])["KeyMetadata"]["KeyState"], "Disabled");
}
