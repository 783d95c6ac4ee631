//! A data directory that was put back from an older copy is refused, harms nobody, and is replaced with `--rejoin`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::process::is_alive;
use testkit::{Cluster, Node, PATIENCE, Program, until};

const OLDER_COPY: &str = "is an older copy of what node";

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_is_refused_and_rejoins_as_new_and_ordinary_restarts_are_not_refused() {
    let cluster = Cluster::start(3).unwrap();
    write(&cluster, "in-the-copy");
    let leader = cluster.leader(None).await.unwrap();
    let ids = cluster.ids().unwrap();
    let node = cluster.node(*ids.iter().find(|id| **id != leader).unwrap()).unwrap();
    let saved = TempDir::with_prefix("conclave-saved-").unwrap();
    cluster.kill_9(&[node.id]).unwrap();
    copy(&node.data_dir, saved.path());

    // Restarts of every kind, none of which is refused.
    cluster.restart(node.id).unwrap();
    for _ in 0..3 {
        cluster.kill_9(&[node.id]).unwrap();
        cluster.restart(node.id).unwrap();
    }
    cluster.settled().await.unwrap();
    cluster.kill_9(&ids).unwrap();
    for id in &ids {
        cluster.restart(*id).unwrap();
    }
    cluster.settled().await.unwrap();
    write(&cluster, "after-the-copy");
    cluster.settled().await.unwrap();
    cluster.common_digest().await.unwrap();

    // The copy, put back: it ends by itself, and then at once.
    cluster.kill_9(&[node.id]).unwrap();
    put_back(saved.path(), &node.data_dir);
    let leader = cluster.leader(Some(node.id)).await.unwrap();
    for _ in 0..2 {
        let refused = server(&cluster, node.id, &[]).run().unwrap();
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(OLDER_COPY) && refused.stderr.contains("--rejoin"), "{refused:?}");
    }
    assert_eq!(cluster.leader(Some(node.id)).await.unwrap(), leader);
    write(&cluster, "without-it");

    // Its machine goes on with a new id.
    let id = ids.iter().max().unwrap() + 1;
    let issue = issue_arguments(&cluster, &node, id);
    cluster.conclave(issue).run().unwrap().success().unwrap();
    cluster.conclave(["cluster", "remove-node", &node.id.to_string()]).run().unwrap().success().unwrap();
    let _rejoined = Running::start(&server(&cluster, id, &["--rejoin"]), saved.path());
    let add =
        ["cluster", "add-node", &id.to_string(), "--peer-addr", &node.peer_addr, "--client-addr", &node.client_addr];
    cluster.conclave(add).run().unwrap().success().unwrap();
    write(&cluster, "with-it-again");
    until("equal digests", PATIENCE, || {
        let digest = cluster.conclave(["cluster", "digest", "--output", "json"]).run()?.json()?;
        let nodes = digest["nodes"].as_array().unwrap();
        assert!(nodes.iter().any(|node| node["id"] == id), "{digest}");
        let same = |field: &str| {
            nodes.windows(2).all(|pair| pair[0][field] == pair[1][field] && pair[0][field] != Value::Null)
        };
        Ok((nodes.len() == 3 && same("applied") && same("digest")).then_some(()))
    })
    .unwrap();
    for name in ["in-the-copy", "after-the-copy", "without-it", "with-it-again"] {
        assert_eq!(read(&cluster, name).as_deref(), Some(name));
    }
}

/// The copy has the latest count; it is the leader that knows better.
#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_running_node_is_refused_by_the_leader_that_it_has_acknowledged_to() {
    let cluster = Cluster::start(3).unwrap();
    write(&cluster, "in-the-copy");
    cluster.settled().await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let id = *cluster.ids().unwrap().iter().find(|id| **id != leader).unwrap();
    let node = cluster.node(id).unwrap();
    let saved = TempDir::with_prefix("conclave-saved-").unwrap();
    // Paused, so that the copy is that of one moment.
    cluster.pause(id).unwrap();
    copy(&node.data_dir, saved.path());
    cluster.resume(id).unwrap();
    for number in 0..5 {
        write(&cluster, &format!("after-the-copy-{number}"));
    }
    cluster.settled().await.unwrap();
    assert_eq!(cluster.leader(None).await.unwrap(), leader, "the node that is put back must have acknowledged to it");
    cluster.kill_9(&[id]).unwrap();
    put_back(saved.path(), &node.data_dir);

    let pid = cluster.node(leader).unwrap().pid;
    let refused = server(&cluster, id, &[]).run().unwrap();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(OLDER_COPY), "{refused:?}");
    assert!(is_alive(pid), "the leader died of it");
    assert_eq!(cluster.leader(Some(id)).await.unwrap(), leader);
    write(&cluster, "after-all");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_and_a_node_that_lags_lose_no_acknowledged_write() {
    let cluster = Cluster::start(3).unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let others: Vec<u64> = cluster.ids().unwrap().into_iter().filter(|id| *id != leader).collect();
    let (node, lags) = (cluster.node(others[0]).unwrap(), others[1]);
    let saved = TempDir::with_prefix("conclave-saved-").unwrap();
    cluster.kill_9(&[node.id]).unwrap();
    copy(&node.data_dir, saved.path());
    cluster.restart(node.id).unwrap();
    cluster.settled().await.unwrap();
    // The node forgets what it need not report any more once the state holds its start.
    until("the start to be known", PATIENCE, || Ok((reported_boots(&node.data_dir) == 1).then_some(()))).unwrap();
    write(&cluster, "before");
    cluster.settled().await.unwrap();
    cluster.conclave(["cluster", "snapshot"]).run().unwrap().success().unwrap();

    cluster.kill_9(&[lags]).unwrap();
    write(&cluster, "acknowledged");
    cluster.kill_9(&[leader, node.id]).unwrap();
    put_back(saved.path(), &node.data_dir);
    cluster.restart(lags).unwrap();
    let refused = server(&cluster, node.id, &[]).run().unwrap();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(OLDER_COPY), "{refused:?}");
    cluster.restart(leader).unwrap();
    cluster.leader(Some(node.id)).await.unwrap();
    assert_eq!(read(&cluster, "acknowledged").as_deref(), Some("acknowledged"));
}

/// How many boots a node reports.
fn reported_boots(data_dir: &Path) -> usize {
    let marker = fs::read_to_string(data_dir.join("node")).unwrap();
    let line = marker.lines().find_map(|line| line.strip_prefix("boots ")).unwrap();
    line.split(' ').count() - 1
}

fn write(cluster: &Cluster, name: &str) {
    cluster.conclave(["secret", "create", name]).stdin(name).run().unwrap().success().unwrap();
}

fn read(cluster: &Cluster, name: &str) -> Option<String> {
    let read = cluster.conclave(["secret", "get", name]).run().unwrap().success().unwrap();
    Some(read.trim_end().to_owned())
}

fn config(cluster: &Cluster, id: u64) -> PathBuf {
    cluster.dir().join(format!("nodes/{id}/conclave.toml"))
}

/// `conclave server` as `dev` runs it.
fn server(cluster: &Cluster, id: u64, more: &[&str]) -> Program {
    let config = config(cluster, id);
    Program::new(cluster.provision().binary(), cluster.dir())
        .args([OsStr::new("server"), OsStr::new("--config"), config.as_os_str()])
        .args(more)
}

/// A node with a new id on the ports and in the directory of one that goes.
fn issue_arguments(cluster: &Cluster, old: &Node, id: u64) -> Vec<String> {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
    let mut arguments: Vec<String> =
        ["operator", "issue-node", "--host", "127.0.0.1", "--bind", "127.0.0.1"].map(str::to_owned).into();
    for (name, value) in [
        ("--dir", text(cluster.dir().join("operator"))),
        ("--id", id.to_string()),
        ("--client-port", port(&old.client_addr)),
        ("--peer-port", port(&old.peer_addr)),
        ("--out", text(cluster.dir().join(format!("nodes/{id}")))),
        ("--data-dir", text(old.data_dir.clone())),
    ] {
        arguments.extend([name.to_owned(), value]);
    }
    arguments
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn put_back(saved: &Path, dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    copy(saved, dir);
}

/// A server that `dev` knows nothing of, with its log in a file.
struct Running(Child);

impl Running {
    fn start(program: &Program, logs: &Path) -> Self {
        let log = fs::File::create(logs.join("rejoined.log")).unwrap();
        let mut command = program.command();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}
