//! A node that is sealed serves nothing, holds no key, and says so; what unseals it, and what must not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use net::pki::{CertificateAuthority, Issued, PrivateKeyPem};
use proto::cluster::v1::UnsealRequest;
use proto::cluster::v1::seal_client::SealClient;
use regex::bytes::Regex;
use serde_json::{Value, json};
use testkit::process::is_alive;
use testkit::{Cluster, PATIENCE, until, until_async};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Channel;

use crate::bulk;

const NAME: &str = "seal/name-5d0c91e7b2f64a83";
const VALUE: &str = "value-0c6b1f7d2a9e4853";

/// The status and the body of a path of one node.
async fn get(cluster: &Cluster, id: u64, path: &str) -> (StatusCode, String) {
    let mut channel = cluster.channel(id).unwrap();
    let request = Request::get(format!("https://localhost{path}")).body(Body::empty()).unwrap();
    std::future::poll_fn(|cx| GrpcService::<Body>::poll_ready(&mut channel, cx)).await.unwrap();
    let response = GrpcService::call(&mut channel, request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn conclave(cluster: &Cluster, arguments: &[&str]) -> Value {
    cluster.conclave(arguments).args(["--output", "json"]).run().unwrap().json().unwrap()
}

/// What each node says of its seal, by its id; nodes that do not answer are left out.
fn seals(cluster: &Cluster) -> BTreeMap<u64, Value> {
    let finished = cluster.conclave(["operator", "seal-status", "--output", "json"]).run().unwrap();
    let told: Value = serde_json::from_str(&finished.stdout).unwrap();
    let nodes = told["nodes"].as_array().unwrap().iter();
    nodes.filter_map(|node| Some((node["id"].as_u64()?, node.clone()))).collect()
}

fn until_sealed(cluster: &Cluster, ids: &[u64]) {
    until("the seal", PATIENCE, || {
        let seals = seals(cluster);
        Ok(ids.iter().all(|id| seals.get(id).is_some_and(|seal| seal["sealed"] == true)).then_some(()))
    })
    .unwrap();
}

fn keyfile(cluster: &Cluster, id: u64) -> PathBuf {
    cluster.dir().join(format!("nodes/{id}/root.keyfile"))
}

/// Takes the keyfile away, so that nothing at hand opens the root key.
fn hide_keyfile(cluster: &Cluster, id: u64) {
    fs::rename(keyfile(cluster, id), keyfile(cluster, id).with_extension("hidden")).unwrap();
}

fn show_keyfile(cluster: &Cluster, id: u64) {
    fs::rename(keyfile(cluster, id).with_extension("hidden"), keyfile(cluster, id)).unwrap();
}

fn restart(cluster: &Cluster, ids: &[u64]) {
    cluster.kill_9(ids).unwrap();
    for id in ids {
        cluster.restart(*id).unwrap();
    }
}

async fn reads(cluster: &Cluster, id: u64) {
    let signed = cluster.signed(id).unwrap();
    until_async(&format!("node {id} to serve"), PATIENCE, async || {
        let Ok(answer) = signed.call("GetSecretValue", &json!({ "SecretId": NAME })).await else { return Ok(None) };
        if answer.status != StatusCode::OK {
            return Ok(None);
        }
        assert_eq!(answer.json()?["SecretString"], VALUE);
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// A node's client port, with a certificate of the cluster that is bound to nobody.
fn channel_of_nobody(cluster: &Cluster, id: u64) -> Channel {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let of_operator = |name: &str| read(cluster.dir().join("operator").join(name));
    let key = PrivateKeyPem::new(of_operator("client-ca.key"));
    let authority = CertificateAuthority::from_pem(&of_operator("client-ca.pem"), key).unwrap();
    let Issued { certificate, key } =
        authority.issue_client("spiffe://corp/billing", "billing", SystemTime::now()).unwrap();
    let authorities = read(cluster.variable("CONCLAVE_CA").unwrap().into());
    let tls = net::tls::client_config(&authorities, Some((&certificate, &key))).unwrap();
    net::connect::client_channel(&cluster.node(id).unwrap().client_addr, tls).unwrap()
}

/// Bytes of a process's memory that are searched at once.
const PIECE_BYTES: u64 = 16 << 20;

/// Which of the patterns are in the memory of a process, searched raw; `None` where the test may not read it.
fn in_memory(pid: u32, patterns: &[&[u8]]) -> Option<Vec<bool>> {
    let escaped = |pattern: &&[u8]| pattern.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let searched = patterns.iter().map(|pattern| Regex::new(&format!("(?-u){}", escaped(pattern))).unwrap());
    let searched: Vec<Regex> = searched.collect();
    // So that what lies across the border of two pieces is found in the second.
    let overlap = patterns.iter().map(|pattern| pattern.len() as u64).max()?;
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut found = vec![false; patterns.len()];
    for line in maps.lines().filter(|line| line.split_ascii_whitespace().nth(1).is_some_and(|it| it.starts_with('r'))) {
        let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
        let (mut start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        while start < end {
            let mut piece = Vec::new();
            let length = (end - start).min(PIECE_BYTES + overlap);
            // Some mappings of the kernel cannot be read; what was read before that counts.
            let _partly =
                memory.seek(SeekFrom::Start(start)).and_then(|_| memory.by_ref().take(length).read_to_end(&mut piece));
            for (found, pattern) in found.iter_mut().zip(&searched) {
                *found |= pattern.is_match(&piece);
            }
            start += PIECE_BYTES;
        }
    }
    Some(found)
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_cluster_serves_nothing_keeps_no_key_and_opens_again() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    cluster.conclave(["secret", "create", NAME]).stdin(VALUE).run().unwrap().success().unwrap();
    let pids: Vec<u32> = cluster.nodes().unwrap().iter().map(|node| node.pid).collect();
    let parts: Vec<String> = {
        let mut parts = Vec::new();
        for id in &ids {
            reads(&cluster, *id).await;
            parts.push(get(&cluster, *id, "/healthz").await.1);
        }
        parts.sort();
        parts
    };
    assert_eq!(parts, ["ok\nleader\n", "ok\nstandby\n", "ok\nstandby\n"]);
    assert!(get(&cluster, 1, "/metrics").await.1.contains("\nconclave_sealed 0\n"));
    // The key of the keyfile is read when it is used. The name is in the state, in the clear.
    let digits = fs::read_to_string(keyfile(&cluster, 1)).unwrap();
    let key = hex::decode(digits.trim()).unwrap();
    let patterns = [NAME.as_bytes(), key.as_slice(), digits.trim().as_bytes()];
    let before = in_memory(pids[0], &patterns);

    let sealed = conclave(&cluster, &["operator", "seal"]);
    assert!(sealed["nodes"].as_array().unwrap().iter().all(|node| node["sealed"] == true), "{sealed}");
    until_sealed(&cluster, &ids);
    for (id, pid) in ids.iter().zip(&pids) {
        assert!(is_alive(*pid), "node {id}");
        assert_eq!(get(&cluster, *id, "/healthz").await, (StatusCode::OK, "ok\nsealed\n".to_owned()));
        assert_eq!(get(&cluster, *id, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "sealed\n".to_owned()));
        assert!(get(&cluster, *id, "/metrics").await.1.contains("\nconclave_sealed 1\n"));
        // Not the name that is searched for: a request is in memory too.
        let answer =
            cluster.signed(*id).unwrap().call("GetSecretValue", &json!({ "SecretId": "other" })).await.unwrap();
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.body.contains("sealed"), "{}", answer.body);
        let request = proto::cluster::v1::StatusRequest {};
        let status = cluster.admin(*id).unwrap().status(request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (tonic::Code::Unavailable, "The node is sealed."));
        if let Some(found) = in_memory(*pid, &patterns) {
            assert_eq!(found, [false; 3], "node {id}");
            assert!(before.as_ref().unwrap()[0], "the name was not found in memory before, so nothing is shown");
        }
    }
    // What was sealed stays so over restarts, with the keyfile there and peers that could be asked.
    restart(&cluster, &ids[..1]);
    until_sealed(&cluster, &ids);

    // The keyfile is there, and not for everybody to use against an operator's word.
    let mut nobody = SealClient::new(channel_of_nobody(&cluster, 1));
    let refused = nobody.unseal(UnsealRequest { credential: None }).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused:?}");
    assert_eq!(seals(&cluster)[&1]["sealed"], true);

    // One is not a quorum, but it does not need to be sealed for that.
    let unsealed = conclave(&cluster, &["operator", "unseal"]);
    assert!(unsealed["nodes"].as_array().unwrap().iter().all(|node| node["sealed"] == false), "{unsealed}");
    for id in &ids {
        reads(&cluster, *id).await;
    }
    restart(&cluster, &ids);
    for id in &ids {
        reads(&cluster, *id).await;
    }
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_leaves_no_core() {
    let cluster = Cluster::start(1).unwrap();
    let pid = cluster.node(1).unwrap().pid;
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_ascii_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_provider_is_unsealed_by_its_peers() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    cluster.conclave(["secret", "create", NAME]).stdin(VALUE).run().unwrap().success().unwrap();
    cluster.settled().await.unwrap();
    // The members are written down for a node that is sealed some time after it has them.
    until("the peers to be written down", PATIENCE, || {
        let knows = |id: &u64| {
            let text = fs::read_to_string(cluster.node(*id)?.data_dir.join("peers.json")).unwrap_or_default();
            anyhow::Ok(ids.iter().all(|other| text.contains(&format!("\"{other}\""))))
        };
        let all: Vec<bool> = ids.iter().map(knows).collect::<Result<_, _>>()?;
        Ok(all.iter().all(|knows| *knows).then_some(()))
    })
    .unwrap();
    hide_keyfile(&cluster, 3);
    restart(&cluster, &[3]);
    reads(&cluster, 3).await;
    let records: String = [1, 2]
        .map(|id| fs::read_to_string(cluster.node(id).unwrap().data_dir.join("terms-given.jsonl")).unwrap_or_default())
        .concat();
    assert!(records.contains("\"node\":3"), "{records}");

    // All at once: nobody has the terms, until one provider answers on enough nodes.
    hide_keyfile(&cluster, 1);
    hide_keyfile(&cluster, 2);
    restart(&cluster, &ids);
    until_sealed(&cluster, &ids);
    show_keyfile(&cluster, 1);
    show_keyfile(&cluster, 2);
    for id in &ids {
        reads(&cluster, *id).await;
    }
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_peer_unseal_a_node_waits_sealed_and_says_so() {
    let cluster = Cluster::start_with(3, &[("CONCLAVE_KEYS_PEER_UNSEAL", "false")]).unwrap();
    cluster.conclave(["secret", "create", NAME]).stdin(VALUE).run().unwrap().success().unwrap();
    hide_keyfile(&cluster, 3);
    restart(&cluster, &[3]);
    until_sealed(&cluster, &[3]);
    let seal = seals(&cluster).remove(&3).unwrap();
    assert!(seal["why"].as_str().unwrap().contains("keyfile") && seal["peer_unseal"] == false, "{seal}");
    until("the others to see it", PATIENCE, || {
        let status = conclave(&cluster, &["cluster", "status"]);
        let third = status["nodes"].as_array().unwrap().iter().find(|node| node["id"] == 3).unwrap();
        Ok((third["sealed"] == true && third["reachable"] == true).then_some(()))
    })
    .unwrap();
    reads(&cluster, 1).await;
    show_keyfile(&cluster, 3);
    reads(&cluster, 3).await;

    // An operator's seal holds for a node that was sealed already, whatever is at hand later.
    hide_keyfile(&cluster, 3);
    restart(&cluster, &[3]);
    until_sealed(&cluster, &[3]);
    conclave(&cluster, &["operator", "seal"]);
    show_keyfile(&cluster, 3);
    assert!(cluster.node(3).unwrap().data_dir.join("sealed").exists());
    restart(&cluster, &[3]);
    until_sealed(&cluster, &[1, 2, 3]);
    conclave(&cluster, &["operator", "unseal"]);
    reads(&cluster, 3).await;
}

/// Reads without a pause until it is dropped; every answer must be the value.
struct Reader {
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Reader {
    fn start(cluster: &Cluster) -> Self {
        let client = cluster.client().unwrap();
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn({
            let (stop, reads) = (stop.clone(), reads.clone());
            async move {
                while !stop.load(Ordering::Relaxed) {
                    let got = client.get_secret_value(client::GetSecretValue::new(NAME)).await.unwrap();
                    assert_eq!(got.value.expose_str(), Some(VALUE));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { stop, reads, task }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.reads.load(Ordering::Relaxed)
    }
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn barrier_and_root_rotate_while_leaders_die_and_everything_stays_readable() {
    let cluster = Cluster::start_with(3, &bulk::SHORT_LOG).unwrap();
    let ids = cluster.ids().unwrap();
    cluster.conclave(["secret", "create", NAME]).stdin(VALUE).run().unwrap().success().unwrap();
    let reader = Reader::start(&cluster);
    let (mut revision, mut term) = (0, 1);
    for round in 0..4 {
        let command = if round % 2 == 0 { "rotate-barrier" } else { "rotate-root" };
        let leader = cluster.leader(None).await.unwrap();
        let changing = std::thread::spawn({
            let program = cluster.conclave(["operator", command, "--output", "json"]);
            move || program.run().unwrap()
        });
        // At whatever step it is.
        cluster.kill_9(&[leader]).unwrap();
        let finished = changing.join().unwrap();
        cluster.restart(leader).unwrap();
        cluster.settled().await.unwrap();
        // Where the node that was asked has died, the operator asks again.
        let changed = match finished.code {
            Some(0) => serde_json::from_str(&finished.stdout).unwrap(),
            _ => conclave(&cluster, &["operator", command]),
        };
        let now = changed["revision"].as_u64().unwrap();
        assert!(now > revision && now <= revision + 2, "{changed}");
        assert!(changed["barrier_term"].as_u64().unwrap() >= term + u64::from(round % 2 == 0), "{changed}");
        (revision, term) = (now, changed["barrier_term"].as_u64().unwrap());
    }
    cluster.settled().await.unwrap();
    assert!(reader.end().await > 0);
    let keyrings: Vec<Vec<u8>> =
        cluster.nodes().unwrap().iter().map(|node| fs::read(node.data_dir.join("keyring")).unwrap()).collect();
    assert!(keyrings.windows(2).all(|pair| pair[0] == pair[1]), "the nodes have different keyrings");
    // A node that needs a snapshot gets the newest term, which the checkpoint that is sent does not know of.
    let leader = cluster.leader(None).await.unwrap();
    let away = *ids.iter().find(|id| **id != leader).unwrap();
    cluster.kill_9(&[away]).unwrap();
    let missed = bulk::last_segment(&cluster, leader).unwrap();
    bulk::purge(&cluster, leader, away, &missed).await.unwrap();
    conclave(&cluster, &["operator", "rotate-barrier"]);
    let log = cluster.node(away).unwrap().log;
    cluster.restart(away).unwrap();
    cluster.settled().await.unwrap();
    assert!(fs::read_to_string(log).unwrap().contains("snapshot received"));
    // What was written under the new term opens at a start, and the state is one.
    cluster.conclave(["secret", "create", "seal/two"]).stdin("two").run().unwrap().success().unwrap();
    conclave(&cluster, &["cluster", "snapshot"]);
    restart(&cluster, &ids);
    for id in &ids {
        reads(&cluster, *id).await;
    }
    cluster.common_digest().await.unwrap();
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_added_and_unseal_what_the_keyfile_does_not() {
    let cluster = Cluster::start_with(3, &[("CONCLAVE_KEYS_PEER_UNSEAL", "false")]).unwrap();
    let ids = cluster.ids().unwrap();
    cluster.conclave(["secret", "create", NAME]).stdin(VALUE).run().unwrap().success().unwrap();
    let added = conclave(&cluster, &["operator", "provider", "add", "shamir", "--shares", "5", "--threshold", "3"]);
    let shares: Vec<String> =
        added["shares"].as_array().unwrap().iter().map(|share| share.as_str().unwrap().to_owned()).collect();
    assert_eq!(shares.len(), 5);
    let verify = |lines: &[String]| {
        let verify = ["operator", "provider", "verify", "--with-shares", "--output", "json"];
        cluster.conclave(verify).stdin(lines.join("\n") + "\n").run().unwrap()
    };
    let reports = verify(&shares[2..]).json().unwrap();
    assert!(reports["providers"].as_array().unwrap().iter().all(|provider| provider["opens"] == true), "{reports}");
    let few = verify(&shares[..2]);
    assert!(few.code == Some(1) && few.stderr.contains("2 shares are given, and 3 are needed"), "{few:?}");

    for id in &ids {
        hide_keyfile(&cluster, *id);
    }
    restart(&cluster, &ids);
    until_sealed(&cluster, &ids);
    let unseal = |lines: &[&str]| {
        cluster.conclave(["operator", "unseal", "--with-shares"]).stdin(lines.join("\n") + "\n").run().unwrap()
    };
    let two = unseal(&[&shares[0], &shares[1]]);
    assert_eq!(two.code, Some(1), "{two:?}");
    assert!(two.stdout.contains("1 of 3 shares given") && two.stdout.contains("2 of 3 shares given"), "{two:?}");
    let mut mistyped = shares[4].clone();
    let last = if mistyped.pop() == Some('A') { 'B' } else { 'A' };
    mistyped.push(last);
    let wrong = unseal(&[&shares[0], &mistyped]);
    assert!(wrong.stdout.contains("share 1 was given already") && wrong.stdout.contains("mistyped"), "{wrong:?}");
    until_sealed(&cluster, &ids);
    // The third that counts.
    unseal(&[&shares[4]]).success().unwrap();
    for id in &ids {
        reads(&cluster, *id).await;
    }

    // Without the keyfile it cannot be rotated, nor can the last provider go.
    let missing = cluster.conclave(["operator", "rotate-root"]).run().unwrap();
    assert_eq!(missing.code, Some(1), "{missing:?}");
    for id in &ids {
        show_keyfile(&cluster, *id);
    }
    let list = conclave(&cluster, &["operator", "provider", "list"]);
    let id_of = |kind: &str| {
        let providers = list["providers"].as_array().unwrap();
        providers.iter().find(|provider| provider["kind"] == kind).unwrap()["id"].as_str().unwrap().to_owned()
    };
    conclave(&cluster, &["operator", "provider", "remove", &id_of("shamir")]);
    let last = cluster.conclave(["operator", "provider", "remove", &id_of("keyfile")]).run().unwrap();
    assert_eq!(last.code, Some(1), "{last:?}");
}
