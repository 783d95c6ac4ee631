//! What scripts and people rely on: `conclave dev`, its files, and the commands' outputs and exit statuses.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use testkit::process::{is_alive, signal};
use testkit::{Cluster, Finished, PATIENCE, until};

const OK: Option<i32> = Some(0);
const REFUSED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dev_keeps_its_contract() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start_in(dir.path(), &["--nodes", "3"]).unwrap();
    the_environment_is_complete(&cluster);
    nodes_json_is_complete(&cluster);
    status_and_digest_speak_of_every_node(&cluster);
    restart_node_starts_only_the_dead(&cluster).await;

    put(&cluster, "kept", "over a restart of everything");
    let before = cluster.nodes().unwrap();
    let environment = cluster.environment().clone();
    stopping_dev_stops_every_node(&mut cluster);
    drop(cluster);

    // It resumes: the same addresses, credentials and data; the number of nodes is the directory's.
    let cluster = Cluster::start_in(dir.path(), &[]).unwrap();
    let after = cluster.nodes().unwrap();
    let addresses = |nodes: &[testkit::Node]| -> Vec<(u64, String, String)> {
        nodes.iter().map(|node| (node.id, node.client_addr.clone(), node.peer_addr.clone())).collect()
    };
    assert_eq!(addresses(&before), addresses(&after));
    assert_eq!(&environment, cluster.environment());
    assert_eq!(get(&cluster, "kept").stdout.trim_end(), "over a restart of everything");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn dev_takes_what_suites_for_emulators_give_it() {
    let dir = tempfile::tempdir().unwrap();
    // A port that is free now; the next ones nearly always are.
    let base = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().min(65_000);
    let arguments = ["--nodes", "1", "--base-port", &base.to_string(), "--access-key-id", "test1"];
    let more = ["--secret-access-key", "test", "--account-id", "000000000042", "--region", "eu-west-1"];
    let arguments: Vec<&str> = arguments.into_iter().chain(more).collect();
    let cluster = Cluster::start_in(dir.path(), &arguments).unwrap();
    let expected = [
        ("AWS_ACCESS_KEY_ID", "test1"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ];
    for (name, value) in expected {
        assert_eq!(cluster.variable(name).unwrap(), value);
    }
    let ports: BTreeSet<u16> = (base..base + 2).collect();
    let node = &cluster.nodes().unwrap()[0];
    for address in [&node.client_addr, &node.peer_addr] {
        assert!(ports.contains(&port(address)), "{address} is not among {ports:?}");
    }
    let created = cluster.conclave(["secret", "create", "here", "--output", "json"]).stdin("value").run().unwrap();
    let arn = created.json().unwrap()["ARN"].as_str().unwrap().to_owned();
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:000000000042:secret:here-"), "{arn}");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn commands_end_with_ok_refused_or_usage() {
    let cluster = Cluster::start(1).unwrap();
    let run = |arguments: &[&str], stdin: &str| cluster.conclave(arguments).stdin(stdin).run().unwrap();

    // The life of a secret, by hand.
    assert_eq!(run(&["secret", "create", "a", "--description", "d", "--tag", "k=v"], "first").code, OK);
    assert_eq!(run(&["secret", "get", "a"], "").stdout.trim_end(), "first");
    assert_eq!(run(&["secret", "put", "a"], "second").code, OK);
    let got = run(&["secret", "get", "a", "--output", "json"], "").json().unwrap();
    assert!(got.to_string().contains("second"), "{got}");
    let described = run(&["secret", "describe", "a", "--output", "json"], "").json().unwrap().to_string();
    assert!(described.contains("AWSPREVIOUS") && !described.contains("second"), "{described}");
    let listed = run(&["secret", "list", "--output", "json"], "").json().unwrap().to_string();
    assert!(listed.contains("\"a\"") && !listed.contains("second"), "{listed}");
    let file = cluster.dir().join("value");
    fs::write(&file, "from a file").unwrap();
    assert_eq!(run(&["secret", "put", "a", "--from-file", &file.display().to_string()], "").code, OK);
    assert_eq!(run(&["secret", "get", "a"], "").stdout.trim_end(), "from a file");
    assert_eq!(run(&["secret", "delete", "a", "--force"], "").code, OK);

    // Refused: the server's word goes to standard error.
    let gone = run(&["secret", "get", "a"], "");
    assert_eq!((gone.code, gone.stdout.as_str()), (REFUSED, ""));
    assert!(gone.stderr.contains("ResourceNotFoundException"), "{}", gone.stderr);

    // A value on the command line is refused, with the reason, and not repeated.
    for arguments in [
        &["secret", "create", "b", "hunter2"][..],
        &["secret", "put", "b", "--value", "hunter2"],
        &["secret", "put", "b", "--secret-string", "hunter2"],
    ] {
        let refused = run(arguments, "");
        assert_eq!(refused.code, USAGE, "{arguments:?}");
        assert!(refused.stderr.contains("command line") && !refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
    for arguments in [&["secret"][..], &["secret", "brew"], &["cluster", "status", "--output", "xml"], &["nothing"]] {
        assert_eq!(run(arguments, "").code, USAGE, "{arguments:?}");
    }
}

fn the_environment_is_complete(cluster: &Cluster) {
    let file = cluster.dir().join("env");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for line in fs::read_to_string(&file).unwrap().lines() {
        let (name, _) =
            line.strip_prefix("export ").and_then(|rest| rest.split_once('=')).unwrap_or_else(|| panic!("{line:?}"));
        assert!(
            name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'),
            "{line:?}"
        );
    }
    let names: Vec<&str> = cluster.environment().keys().map(String::as_str).collect();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_CA_BUNDLE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "CONCLAVE_CA",
        "CONCLAVE_CERT",
        "CONCLAVE_ENDPOINTS",
        "CONCLAVE_KEY",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
    ];
    assert_eq!(names, expected);
    let value = |name| cluster.variable(name).unwrap();
    assert_eq!((value("AWS_REGION"), value("AWS_DEFAULT_REGION")), ("us-east-1", "us-east-1"));
    assert_eq!(value("AWS_EC2_METADATA_DISABLED"), "true");
    let addresses: Vec<String> = cluster.nodes().unwrap().into_iter().map(|node| node.client_addr).collect();
    assert_eq!(value("CONCLAVE_ENDPOINTS"), addresses.join(","));
    let endpoint = value("AWS_ENDPOINT_URL").strip_prefix("https://").unwrap();
    assert!(addresses.iter().any(|address| address == endpoint), "{endpoint}");
    let ca = fs::read_to_string(value("CONCLAVE_CA")).unwrap();
    for bundle in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        let text = fs::read_to_string(value(bundle)).unwrap();
        assert!(text.contains(ca.trim()), "{bundle} lacks the cluster's authority");
    }
    for name in ["CONCLAVE_CERT", "CONCLAVE_KEY"] {
        assert!(Path::new(value(name)).is_absolute(), "{name}");
        assert!(fs::read_to_string(value(name)).unwrap().contains("-----BEGIN "), "{name}");
    }
    assert!(cluster.ready_line().starts_with("ready"));
}

fn nodes_json_is_complete(cluster: &Cluster) {
    let nodes = cluster.nodes().unwrap();
    assert_eq!(nodes.len(), 3);
    for node in &nodes {
        assert!(is_alive(node.pid));
        assert!(node.client_addr.starts_with("127.0.0.1:") && node.peer_addr.starts_with("127.0.0.1:"), "{node:?}");
        assert!(port(&node.client_addr) > 0 && port(&node.peer_addr) > 0);
        assert!(node.data_dir.is_dir() && node.log.is_file(), "{node:?}");
    }
    let json: Value = serde_json::from_slice(&fs::read(cluster.dir().join("nodes.json")).unwrap()).unwrap();
    for entry in json.as_array().unwrap() {
        let fields: BTreeSet<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["client_addr", "data_dir", "id", "log", "peer_addr", "pid"]));
    }
}

fn status_and_digest_speak_of_every_node(cluster: &Cluster) {
    let ids: Vec<Value> = cluster.ids().unwrap().into_iter().map(Value::from).collect();
    let status = cluster.conclave(["cluster", "status", "--output", "json"]).run().unwrap().json().unwrap();
    let nodes = status["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(|node| node["id"].clone()).collect::<Vec<_>>(), ids);
    for node in nodes {
        for field in ["role", "term", "last_log", "applied", "committed", "sealed", "version", "address", "reachable"] {
            assert!(!node[field].is_null(), "status lacks {field}: {node}");
        }
        assert_eq!((&node["reachable"], &node["sealed"]), (&Value::from(true), &Value::from(false)));
    }
    assert_eq!(nodes.iter().filter(|node| node["role"] == "leader").count(), 1, "{status}");

    put(cluster, "for-the-digest", "value");
    assert_eq!(cluster.conclave(["cluster", "snapshot"]).run().unwrap().code, OK);
    let digest = || cluster.conclave(["cluster", "digest", "--output", "json"]).run()?.json();
    until("equal digests at one index", PATIENCE, || {
        let digest = digest()?;
        let nodes = digest["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 3, "{digest}");
        let same = |field: &str| nodes.iter().all(|node| !node[field].is_null() && node[field] == nodes[0][field]);
        Ok((same("applied") && same("digest")).then_some(()))
    })
    .unwrap();
}

async fn restart_node_starts_only_the_dead(cluster: &Cluster) {
    let pids = || cluster.nodes().unwrap().iter().map(|node| node.pid).collect::<Vec<_>>();
    let id = cluster.leader(None).await.unwrap();

    // A live node is left alone.
    let before = pids();
    assert_eq!(cluster.restart_command(id).run().unwrap().code, OK);
    assert_eq!(pids(), before);
    assert!(is_alive(cluster.node(id).unwrap().pid));

    // A dead one stays dead until it is asked for; the others go on, and status shows it all the same.
    cluster.kill_9(&[id]).unwrap();
    put(cluster, "without-one", "value");
    let status = cluster.conclave(["cluster", "status", "--output", "json"]).run().unwrap().json().unwrap();
    let reachable = |status: &Value| -> Vec<bool> {
        status["nodes"].as_array().unwrap().iter().map(|node| node["reachable"].as_bool().unwrap()).collect()
    };
    assert_eq!(reachable(&status).iter().filter(|reachable| **reachable).count(), 2, "{status}");
    assert!(is_alive(cluster.dev_pid()));

    assert_eq!(cluster.restart_command(id).run().unwrap().code, OK);
    let node = cluster.node(id).unwrap();
    assert!(is_alive(node.pid) && !before.contains(&node.pid));
    std::net::TcpStream::connect(&node.client_addr).unwrap();
    cluster.settled().await.unwrap();

    // Without a quorum, too: it does not wait for one.
    let ids = cluster.ids().unwrap();
    cluster.kill_9(&ids).unwrap();
    assert_eq!(cluster.restart_command(ids[0]).run().unwrap().code, OK);
    for id in &ids[1..] {
        cluster.restart(*id).unwrap();
    }
    cluster.settled().await.unwrap();
    assert_ne!(cluster.restart_command(99).run().unwrap().code, OK, "there is no node 99");
}

fn stopping_dev_stops_every_node(cluster: &mut Cluster) {
    let nodes = cluster.nodes().unwrap();
    assert_eq!(cluster.terminate().unwrap(), OK);
    for node in nodes {
        // Restarted ones are not its children; it stops them all the same, and waits for none of ours.
        until("the end of a node", PATIENCE, || Ok((!is_alive(node.pid)).then_some(()))).unwrap();
        signal(node.pid, Signal::KILL);
    }
}

fn put(cluster: &Cluster, name: &str, value: &str) {
    let created = cluster.conclave(["secret", "create", name]).stdin(value).run().unwrap();
    created.success().unwrap();
}

fn get(cluster: &Cluster, name: &str) -> Finished {
    cluster.conclave(["secret", "get", name]).run().unwrap()
}

fn port(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}
