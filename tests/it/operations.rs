//! What an operator meets when something is not as it should be: a clear answer, and nothing changed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;
use testkit::process::signal;
use testkit::{Cluster, Finished, PATIENCE, until};

const OK: Option<i32> = Some(0);
const REFUSED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn a_node_is_added_only_when_it_answers_as_that_node() {
    let cluster = Cluster::start(1).unwrap();
    let own = TempDir::new().unwrap();
    let [client, peer] = [free_port(), free_port()];
    let config = issue(&cluster, 2, &own.path().join("2"), client, peer);
    let peer_addr = format!("127.0.0.1:{peer}");

    // Nobody there, and another node there.
    let dead = add(&cluster, 2, &peer_addr, client);
    refused_without_a_change(&cluster, &dead, &format!("node 2 does not answer at {peer_addr}"));
    let first = cluster.node(1).unwrap();
    let other = add(&cluster, 2, &first.peer_addr, client);
    refused_without_a_change(&cluster, &other, "node 2 does not answer at");

    let _server = Server::start(&cluster, &config);
    for _ in 0..2 {
        until("node 2 to be added", PATIENCE, || Ok((add(&cluster, 2, &peer_addr, client).code == OK).then_some(())))
            .unwrap();
    }
    assert_eq!(members(&cluster), 2);
    let elsewhere = add(&cluster, 2, "127.0.0.1:9", client);
    assert!(elsewhere.code == REFUSED && elsewhere.stderr.contains("at another address"), "{elsewhere:?}");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn a_node_id_is_issued_once() {
    let cluster = Cluster::start(1).unwrap();
    let own = TempDir::new().unwrap();
    let operator = cluster.dir().join("operator");
    let run = |out: &str, more: &[&str]| {
        let out = own.path().join(out);
        let line = ["operator", "issue-node", "--id", "1", "--host", "127.0.0.1", "--dir"];
        let program = cluster.conclave(line).args([&operator]).args(["--out"]).args([&out]).args(more);
        (program.run().unwrap(), out)
    };
    let (again, out) = run("again", &[]);
    assert_eq!(again.code, USAGE, "{again:?}");
    assert!(again.stderr.contains("given already") && again.stderr.contains("--reissue"), "{}", again.stderr);
    assert!(!out.exists());
    let (reissued, out) = run("reissued", &["--reissue", "--install-dir", "/etc/conclave", "--output", "json"]);
    assert_eq!(reissued.json().unwrap()["data_dir"], "/var/lib/conclave/data");
    let config = fs::read_to_string(out.join("conclave.toml")).unwrap();
    assert!(config.contains("data_dir = \"/var/lib/conclave/data\""), "{config}");
    assert!(config.contains("keyfile = \"/etc/conclave/root.keyfile\""), "{config}");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn keys_that_others_can_read_are_refused_by_check_and_start() {
    let cluster = Cluster::start(1).unwrap();
    let own = TempDir::new().unwrap();
    let config = issue(&cluster, 2, &own.path().join("2"), free_port(), free_port());
    let server = |more: &[&str]| cluster.conclave(["server", "--config"]).args([&config]).args(more).run().unwrap();
    assert_eq!(server(&["--check"]).code, OK);
    for key in ["root.keyfile", "tls/node.key", "tls/server.key"] {
        let path = config.with_file_name(key);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        for refused in [server(&["--check"]), server(&[])] {
            assert_eq!(refused.code, REFUSED, "{refused:?}");
            assert!(refused.stderr.contains(&format!("chmod 600 {}", path.display())), "{}", refused.stderr);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::remove_file(config.with_file_name("root.keyfile")).unwrap();
    assert_eq!(server(&["--check"]).code, REFUSED);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn a_damaged_store_is_named_with_the_way_out() {
    let mut cluster = Cluster::start(1).unwrap();
    cluster.conclave(["secret", "create", "s"]).stdin("value").run().unwrap().success().unwrap();
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();
    let node = cluster.node(1).unwrap();
    assert_eq!(cluster.terminate().unwrap(), OK);
    let config = cluster.dir().join("nodes/1/conclave.toml");
    let segment = node.log_segments().unwrap().remove(0);
    for (file, store) in [(segment, "log"), (node.data_dir.join("state/sled/db"), "state")] {
        let whole = fs::read(&file).unwrap();
        // Whatever the beginning of the file is for, it is not this.
        let damaged: Vec<u8> =
            whole.iter().enumerate().map(|(at, byte)| if at < 4_096 { !byte } else { *byte }).collect();
        fs::write(&file, damaged).unwrap();
        let refused = cluster.conclave(["server", "--config"]).args([&config]).run().unwrap();
        assert_eq!(refused.code, REFUSED, "{refused:?}");
        let path = node.data_dir.join(store).display().to_string();
        for part in [path.as_str(), "is damaged", "conclave server --rejoin", "Replace a node"] {
            assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        }
        fs::write(&file, whole).unwrap();
    }
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn dev_reports_the_death_of_a_node_that_it_did_not_start() {
    let cluster = Cluster::start(3).unwrap();
    let deaths = |count: usize| {
        until(&format!("{count} reports"), PATIENCE, || {
            let log = fs::read_to_string(cluster.dir().join("dev.log"))?;
            Ok((log.matches("node 2 has ended").count() == count).then_some(()))
        })
        .unwrap();
    };
    cluster.kill_9(&[2]).unwrap();
    deaths(1);
    // With its option on either side of the subcommand.
    let line = ["dev", "restart-node", "2", "--data-dir"];
    cluster.conclave(line).args([cluster.dir()]).run().unwrap().success().unwrap();
    cluster.kill_9(&[2]).unwrap();
    deaths(2);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn dev_whose_first_start_failed_is_free_to_choose_anew() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().min(65_000).to_string();
    assert!(Cluster::start_in(dir.path(), &["--nodes", "1", "--base-port", &port]).is_err());
    assert!(!dir.path().join("env").exists(), "it was never ready");

    let mut cluster = Cluster::start_in(dir.path(), &["--nodes", "1"]).unwrap();
    cluster.conclave(["secret", "create", "s"]).stdin("value").run().unwrap().success().unwrap();
    assert_eq!(cluster.terminate().unwrap(), OK);
    let environment = cluster.environment().clone();

    // Once it was ready it stays what it is; `env` is written whenever it is.
    let other = cluster.conclave(["dev", "--access-key-id", "other1", "--secret-access-key", "x", "--data-dir"]);
    assert_eq!(other.args([dir.path()]).run().unwrap().code, USAGE);
    let id = cluster.variable("AWS_ACCESS_KEY_ID").unwrap();
    let other = cluster.conclave(["dev", "--access-key-id", id, "--secret-access-key", "another", "--data-dir"]);
    let other = other.args([dir.path()]).run().unwrap();
    assert!(other.code == USAGE && other.stderr.contains("--secret-access-key"), "{other:?}");
    fs::remove_file(dir.path().join("env")).unwrap();
    let cluster = Cluster::start_in(dir.path(), &[]).unwrap();
    assert_eq!(&environment, cluster.environment());
    assert_eq!(cluster.conclave(["secret", "get", "s"]).run().unwrap().stdout.trim_end(), "value");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let cluster = Cluster::start(1).unwrap();
    for line in [
        &["completions", "bash"][..],
        &["cluster", "status"],
        &["cluster", "status", "--output", "json"],
        &["secret", "random-password"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = cluster.conclave(line).command().stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (OK, &b""[..]), "{line:?}");
    }
}

/// A `conclave server` that a test has started by itself.
struct Server(Child);

impl Server {
    fn start(cluster: &Cluster, config: &Path) -> Self {
        let log = fs::File::create(config.with_file_name("server.log")).unwrap();
        let mut command = cluster.conclave(["server", "--config"]).args([config]).command();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal(self.0.id(), Signal::KILL);
        let _reaped = self.0.wait();
    }
}

/// Issues a node of the cluster and answers its configuration.
fn issue(cluster: &Cluster, id: u64, out: &Path, client: u16, peer: u16) -> PathBuf {
    let numbers = [id.to_string(), client.to_string(), peer.to_string()];
    let [id, client, peer] = numbers.each_ref().map(String::as_str);
    let line = ["operator", "issue-node", "--id", id, "--client-port", client, "--peer-port", peer];
    let program = cluster.conclave(line).args(["--host", "127.0.0.1", "--bind", "127.0.0.1", "--dir"]);
    let program = program.args([cluster.dir().join("operator")]).args(["--out"]).args([out]);
    program.run().unwrap().success().unwrap();
    out.join("conclave.toml")
}

fn add(cluster: &Cluster, id: u64, peer_addr: &str, client_port: u16) -> Finished {
    let (id, client_addr) = (id.to_string(), format!("127.0.0.1:{client_port}"));
    let line = ["cluster", "add-node", &id, "--peer-addr", peer_addr, "--client-addr", &client_addr];
    cluster.conclave(line).run().unwrap()
}

fn refused_without_a_change(cluster: &Cluster, answer: &Finished, why: &str) {
    assert_eq!(answer.code, REFUSED, "{answer:?}");
    assert!(answer.stderr.contains(why) && answer.stderr.contains("Nothing was changed"), "{}", answer.stderr);
    assert_eq!(members(cluster), 1);
}

fn members(cluster: &Cluster) -> usize {
    let status = cluster.conclave(["cluster", "status", "--output", "json"]).run().unwrap().json().unwrap();
    status["nodes"].as_array().unwrap().len()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
