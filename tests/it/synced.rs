//! Nothing is said to be done before the disk has it, as the kernel sees it.
//!
//! Every sync of the log is held up, so that an acknowledgement which does not wait for it leaves long before.

use std::collections::BTreeMap;
use std::path::Path;

use testkit::strace::Call;
use testkit::{Cluster, Strace, requests};
use uuid::Uuid;

use crate::bulk::{self, SHORT_LOG};

/// Writes of one client, one after the other.
const PUTS: usize = 30;
/// Bytes that are sent in answer to one of them, at least; what keeps a connection alive is shorter.
const ANSWER_BYTES: i64 = 100;
/// Holds up each sync by 20 ms before the kernel begins it.
const SLOW_SYNC: &str = "inject=fdatasync:delay_enter=20000";
/// Large secrets that fill several segments of the log.
const LARGE: usize = 45;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_synced_on_the_leader_and_on_a_follower_before_it_is_acknowledged() {
    let cluster = Cluster::start(3).unwrap();
    let leader = cluster.leader(None).await.unwrap();
    // With one node dead the quorum is the leader and the other one.
    let followers: Vec<u64> = cluster.ids().unwrap().into_iter().filter(|id| *id != leader).collect();
    cluster.kill_9(&followers[1..]).unwrap();
    let mut client = cluster.secrets(leader).unwrap();
    client.create_secret(requests::create_secret("synced", &Uuid::new_v4().to_string(), "0")).await.unwrap();

    let quorum = [leader, followers[0]].map(|id| cluster.node(id).unwrap());
    let watch = |pid| {
        let strace = cluster.provision().strace().unwrap();
        let calls = ["pwrite64", "fdatasync", "write", "writev", "sendto", "sendmsg"];
        Strace::attach(strace, pid, &calls, &["-e", SLOW_SYNC]).unwrap()
    };
    let watched = [watch(quorum[0].pid), watch(quorum[1].pid)];
    for count in 1..=PUTS {
        let put = requests::put_secret_value("synced", &Uuid::new_v4().to_string(), &count.to_string());
        client.put_secret_value(put).await.unwrap();
    }
    let [of_leader, of_follower] = watched.map(|strace| strace.finish().unwrap());

    let ours = format!("TCP:[{}->", quorum[0].client_addr);
    let answers: Vec<u64> = of_leader
        .iter()
        .filter(|call| call.descriptor().is_some_and(|connection| connection.starts_with(&ours)))
        .filter(|call| call.result >= Some(ANSWER_BYTES))
        .map(|call| call.began)
        .collect();
    assert_eq!(answers.len(), PUTS, "one answer for each write");
    for (node, calls) in quorum.iter().zip([&of_leader, &of_follower]) {
        let synced = synced_writes(calls, &node.data_dir.join("log"));
        let mut from = 0;
        for (number, answered) in answers.iter().enumerate() {
            let is_before = |(began, synced): &&(u64, u64)| *began > from && *synced <= *answered;
            let count = synced.iter().filter(is_before).count();
            assert!(count > 0, "write {number} was acknowledged before node {} had synced it", node.id);
            from = *answered;
        }
        println!("node {}: {} writes of the log were synced before {} acknowledgements", node.id, synced.len(), PUTS);
    }
    cluster.restart(followers[1]).unwrap();
    cluster.settled().await.unwrap();
}

/// The writes to segments that were followed by a sync: when each write began, and when its sync had ended.
fn synced_writes(calls: &[Call], log: &Path) -> Vec<(u64, u64)> {
    let of_log = |call: &&Call| call.descriptor().is_some_and(|path| Path::new(path).starts_with(log));
    let syncs: Vec<&Call> =
        calls.iter().filter(of_log).filter(|call| is_sync(call) && call.result == Some(0)).collect();
    let writes = calls.iter().filter(of_log).filter(|call| call.name == "pwrite64" && call.result > Some(0));
    let synced = writes.filter_map(|write| {
        let of_it = |sync: &&&Call| sync.descriptor() == write.descriptor() && sync.began >= write.ended;
        syncs.iter().find(of_it).map(|sync| (write.began, sync.ended))
    });
    synced.collect()
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_synced_whole_before_the_log_behind_it_is_deleted() {
    let cluster = Cluster::start_with(1, &SHORT_LOG).unwrap();
    let node = cluster.nodes().unwrap().remove(0);
    let strace = cluster.provision().strace().unwrap();
    let calls = ["openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink"];
    let watched = Strace::attach(strace, node.pid, &calls, &[]).unwrap();
    // The first checkpoint writes all of the state, the next ones what has changed and what is gone.
    for _ in 0..3 {
        bulk::write(&cluster, LARGE, None).await.unwrap();
        let mut client = cluster.secrets(node.id).unwrap();
        client.create_secret(requests::create_secret("brief", &Uuid::new_v4().to_string(), "v")).await.unwrap();
        bulk::checkpoint(&cluster, node.id).await.unwrap();
        client.delete_secret(requests::force_delete("brief")).await.unwrap();
        bulk::checkpoint(&cluster, node.id).await.unwrap();
    }
    let calls = watched.finish().unwrap();

    let (log, state) = (node.data_dir.join("log"), node.data_dir.join("state"));
    let mut unsynced = Unsynced::default();
    let (mut deleted, mut synced) = (0, 0);
    for call in &calls {
        let target = call.text(0).map(Path::new);
        if call.name == "unlink" && call.result == Some(0) && target.is_some_and(|path| is_segment(path, &log)) {
            assert!(unsynced.0.is_empty(), "{call:?} came before syncs of {:?}", unsynced.0);
            deleted += 1;
        }
        synced += unsynced.take(call, &state);
    }
    println!("{deleted} segments were deleted, each after all of {synced} syncs of the state's files");
    assert!(deleted >= 3 && synced > 20, "{deleted} segments, {synced} syncs");
}

fn is_segment(path: &Path, log: &Path) -> bool {
    path.starts_with(log) && path.extension().is_some_and(|extension| extension == "log")
}

fn is_sync(call: &Call) -> bool {
    ["fsync", "fdatasync"].contains(&call.name.as_str())
}

/// Files and directories whose last change is not synced, with the time of the change.
#[derive(Default)]
struct Unsynced(BTreeMap<String, u64>);

impl Unsynced {
    /// Takes notice of a call under `directory`; 1 if it synced something that was not.
    fn take(&mut self, call: &Call, directory: &Path) -> usize {
        let under = |path: &str| Path::new(path).starts_with(directory);
        match (call.name.as_str(), call.descriptor().filter(|path| under(path))) {
            ("write" | "pwrite64" | "ftruncate", Some(path)) => {
                self.0.insert(path.to_owned(), call.ended);
                0
            }
            ("fsync" | "fdatasync", Some(path)) if call.result == Some(0) => {
                let begun_after = self.0.get(path).is_some_and(|changed| *changed <= call.began);
                usize::from(begun_after && self.0.remove(path).is_some())
            }
            // A new name is durable with its directory.
            ("openat", _) if call.result >= Some(0) && call.arguments.contains("O_CREAT") => {
                self.name(call.text(0).filter(|path| under(path)), call.ended)
            }
            ("rename", _) if call.result == Some(0) => {
                let new = call.text(1).filter(|path| under(path));
                // What was synced under the old name is so under the new one.
                let changed = call.text(0).and_then(|old| self.0.remove(old));
                self.0.extend(new.zip(changed).map(|(new, changed)| (new.to_owned(), changed)));
                self.name(new, call.ended)
            }
            // A file that is gone needs no sync.
            ("unlink", _) if call.result == Some(0) => {
                call.text(0).and_then(|path| self.0.remove(path));
                0
            }
            _ => 0,
        }
    }

    fn name(&mut self, path: Option<&str>, at: u64) -> usize {
        let directory = path.and_then(|path| Path::new(path).parent());
        self.0.extend(directory.map(|directory| (directory.display().to_string(), at)));
        0
    }
}
