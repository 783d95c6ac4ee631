//! A node that is cut off or asleep answers nothing wrong, and the others go on without it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use proto::cluster::v1::{NodeFacts, StatusRequest};
use proto::secrets::v1::secrets_client::SecretsClient;
use testkit::fate::{refusal, said_unknown};
use testkit::oracle::Counts;
use testkit::process::unread_bytes;
use testkit::{Cluster, Fate, Oracle, PATIENCE, Ticks, judge, requests, until, until_async};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::load::{Load, read, read_all};

/// Writers that go round all nodes, on both sides of whatever is cut.
const WRITERS: usize = 8;
/// Acknowledged writes of theirs that are demanded.
const PROGRESS: u64 = 20;
/// Reads, and as many writes, that are sent to a node that must not answer them.
const PROBES: usize = 8;
/// Longer than the server's own deadline, so that its word is heard.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// What a follower that hears nothing waits at most before it stands for election.
const ELECTION_TIMEOUT: Duration = Duration::from_millis(1_600);
/// How often a leader is put to sleep.
const NAPS: usize = 3;
/// Bytes of the smallest request.
const REQUEST_BYTES: u64 = 32;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_answers_no_read_and_acknowledges_no_write() {
    let (cluster, links) = Cluster::with_links(3).await.unwrap();
    let mut followed = Followed::create(&cluster).await.unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    load.progress(PROGRESS).await.unwrap();

    let cut_off = cluster.leader(None).await.unwrap();
    links.isolate(cut_off);
    // At once, while it still believes to lead, and again when the others have a leader.
    let early = Probes::start(&cluster, cut_off, &mut followed).unwrap();
    followed.the_others_go_on(&cluster, cut_off).await;
    let late = Probes::start(&cluster, cut_off, &mut followed).unwrap();
    for probes in [early, late] {
        followed.none_was_served(probes).await;
    }
    load.progress(PROGRESS).await.unwrap();

    links.heal_all();
    println!("{:?}", followed.all_agree(&cluster, load).await);
    let digest = cluster.conclave(["cluster", "digest", "--output", "json"]).run().unwrap().json().unwrap();
    let nodes = digest["nodes"].as_array().unwrap();
    let same = |field: &str| nodes.iter().all(|node| !node[field].is_null() && node[field] == nodes[0][field]);
    assert!(nodes.len() == 3 && same("applied") && same("digest"), "{digest}");
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_deaf_or_mute_is_replaced_and_nothing_is_lost() {
    let (cluster, links) = Cluster::with_links(3).await.unwrap();
    let mut followed = Followed::create(&cluster).await.unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();

    for deaf in [true, false] {
        load.progress(PROGRESS).await.unwrap();
        let old = cluster.leader(None).await.unwrap();
        for other in cluster.ids().unwrap().into_iter().filter(|id| *id != old) {
            let (from, to) = if deaf { (other, old) } else { (old, other) };
            links.cut(from, to);
        }
        let early = Probes::start(&cluster, old, &mut followed).unwrap();
        followed.the_others_go_on(&cluster, old).await;
        let late = Probes::start(&cluster, old, &mut followed).unwrap();
        for probes in [early, late] {
            followed.none_was_served(probes).await;
        }
        load.progress(PROGRESS).await.unwrap();
        links.heal_all();
        cluster.settled().await.unwrap();
    }
    println!("{:?}", followed.all_agree(&cluster, load).await);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_for_ten_elections_comes_back_with_its_term_unchanged() {
    let (cluster, links) = Cluster::with_links(3).await.unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();
    let mut followed = Followed::create(&cluster).await.unwrap();
    let leader = cluster.leader(None).await.unwrap();
    let cut_off = cluster.ids().unwrap().into_iter().find(|id| *id != leader).unwrap();
    let term = facts(&cluster, leader).await.unwrap().term;
    assert_eq!(facts(&cluster, cut_off).await.unwrap().term, term);

    links.isolate(cut_off);
    // The time is the fault here: one for the leader to be missed, and ten elections. The others are at work.
    let began = Instant::now();
    while began.elapsed() < 11 * ELECTION_TIMEOUT {
        load.progress(1).await.unwrap();
    }
    followed.write_until_acknowledged(&cluster, leader).await.unwrap();
    assert_eq!(facts(&cluster, cut_off).await.unwrap().term, term);

    links.heal_all();
    cluster.settled().await.unwrap();
    for id in cluster.ids().unwrap() {
        let facts = facts(&cluster, id).await.unwrap();
        assert_eq!((facts.term, facts.leader), (term, Some(leader)), "node {id}");
    }
    println!("{:?}", followed.all_agree(&cluster, load).await);
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_wakes_up_serves_nothing_stale_and_acknowledges_nothing_wrongly() {
    let cluster = Cluster::start(3).unwrap();
    let mut followed = Followed::create(&cluster).await.unwrap();
    let load = Load::start(&cluster, WRITERS).await.unwrap();

    for _ in 0..NAPS {
        load.progress(PROGRESS).await.unwrap();
        let sleeper = cluster.leader(None).await.unwrap();
        // One connection, which is there before the sleep.
        let awake = Probes::connect(&cluster, sleeper).await.unwrap();
        cluster.pause(sleeper).unwrap();
        followed.the_others_go_on(&cluster, sleeper).await;
        // They are the first that it sees when it wakes up, and it believes to lead.
        let port = cluster.node(sleeper).unwrap().client_addr.parse::<SocketAddr>().unwrap().port();
        let before = unread_bytes(port).unwrap();
        let probes = Probes::send(&awake, &mut followed);
        until("the requests to lie before the sleeper", PATIENCE, || {
            let came = unread_bytes(port)?.saturating_sub(before);
            Ok((came >= 2 * PROBES as u64 * REQUEST_BYTES).then_some(()))
        })
        .unwrap();
        cluster.resume(sleeper).unwrap();

        followed.none_was_served_wrongly(probes).await;
        // And later on: the first that it answers is no older either.
        assert_eq!(followed.read(&cluster, sleeper).await.unwrap(), followed.count);
        cluster.settled().await.unwrap();
    }
    println!("{:?}", followed.all_agree(&cluster, load).await);
}

/// A secret that is written to one after the other, and all writes of the test besides the load.
struct Followed {
    name: String,
    /// The value that was acknowledged last: how often it was written to.
    count: u64,
    ticks: Ticks,
    oracle: Oracle,
}

impl Followed {
    async fn create(cluster: &Cluster) -> Result<Self> {
        let name = "partition/followed".to_owned();
        let mut node = cluster.secrets(cluster.leader(None).await?)?;
        node.create_secret(requests::create_secret(&name, &Uuid::new_v4().to_string(), "0")).await?;
        Ok(Self { name, count: 0, ticks: Ticks::default(), oracle: Oracle::default() })
    }

    /// Writes the next value at a node, again and again with one token, until it is acknowledged.
    async fn write_until_acknowledged(&mut self, cluster: &Cluster, id: u64) -> Result<()> {
        let next = self.count + 1;
        let token = Uuid::new_v4().to_string();
        let node = cluster.secrets(id)?;
        until_async(&format!("node {id} to acknowledge a write"), PATIENCE, async || {
            let request = requests::put_secret_value(&self.name, &token, &next.to_string());
            let answer = tokio::time::timeout(ANSWER_TIMEOUT, node.clone().put_secret_value(request)).await;
            Ok(answer.is_ok_and(|answer| answer.is_ok()).then_some(()))
        })
        .await?;
        self.count = next;
        Ok(())
    }

    /// Reads the value at a node, again and again until it answers.
    async fn read(&self, cluster: &Cluster, id: u64) -> Result<u64> {
        let mut node = cluster.secrets(id)?;
        let seen = until_async(&format!("node {id} to answer a read"), PATIENCE, async || {
            Ok(read(&mut node, &self.name, None).await.ok())
        })
        .await?;
        let (_, value) = seen.context("the secret is gone")?;
        Ok(value.parse()?)
    }

    /// The other nodes have a leader, acknowledge writes, and show them.
    async fn the_others_go_on(&mut self, cluster: &Cluster, without: u64) {
        cluster.leader(Some(without)).await.unwrap();
        for id in cluster.ids().unwrap().into_iter().filter(|id| *id != without) {
            self.write_until_acknowledged(cluster, id).await.unwrap();
            assert_eq!(self.read(cluster, id).await.unwrap(), self.count);
        }
    }

    /// Every probe got an answer of the server's own, and none a value or an acknowledgement.
    async fn none_was_served(&mut self, probes: Probes) {
        for answer in probes.answers().await {
            match answer {
                Answer::Read(Ok(value)) => panic!("a read was answered with {value}"),
                Answer::Written(probe, Ok(())) => panic!("{} was acknowledged", probe.secret),
                Answer::Read(Err(status)) => assert!(refusal(&status).is_some(), "not a clear answer: {status:?}"),
                Answer::Written(probe, Err(status)) => {
                    let clear = refusal(&status).is_some() || said_unknown(&status);
                    assert!(clear, "not a clear answer: {status:?}");
                    self.settle(&probe, Err(status));
                }
            }
        }
    }

    /// No probe read anything but the last value; what was acknowledged is held against the state at the end.
    async fn none_was_served_wrongly(&mut self, probes: Probes) {
        for answer in probes.answers().await {
            match answer {
                Answer::Read(Ok(value)) => assert_eq!(value, self.count.to_string(), "a stale read"),
                Answer::Read(Err(_)) => {}
                Answer::Written(probe, outcome) => self.settle(&probe, outcome),
            }
        }
    }

    fn settle(&mut self, probe: &Probe, outcome: Result<(), Status>) {
        let Probe { secret, version } = probe;
        match outcome.map_err(|status| judge(&status)) {
            Ok(()) => self.oracle.acknowledged(secret, version, self.ticks.next()),
            Err(Fate::Refused(_)) => self.oracle.refused(secret, version),
            Err(Fate::Unknown(_)) => self.oracle.unknown(secret, version),
        }
    }

    /// After all faults: every promise was kept, and all nodes have one state at one index.
    async fn all_agree(self, cluster: &Cluster, load: Load) -> Counts {
        let mut oracle = load.stop().await.unwrap();
        oracle.merge(self.oracle.clone());
        cluster.settled().await.unwrap();
        let counts = oracle.check(&read_all(cluster, &oracle).await.unwrap()).unwrap();
        for id in cluster.ids().unwrap() {
            assert_eq!(self.read(cluster, id).await.unwrap(), self.count);
        }
        cluster.common_digest().await.unwrap();
        counts
    }
}

/// A write to a secret of its own.
struct Probe {
    secret: String,
    version: String,
}

enum Answer {
    Read(Result<String, Status>),
    Written(Probe, Result<(), Status>),
}

/// Reads of the followed secret and writes to new ones, all under way at one node.
struct Probes(JoinSet<Answer>);

impl Probes {
    /// Sends them over a new connection, which clients have no trouble to make.
    fn start(cluster: &Cluster, id: u64, followed: &mut Followed) -> Result<Self> {
        Ok(Self::send(&cluster.secrets(id)?, followed))
    }

    /// A connection that was used.
    async fn connect(cluster: &Cluster, id: u64) -> Result<SecretsClient<Channel>> {
        let mut node = cluster.secrets(id)?;
        // Whatever the answer is.
        let _seen = read(&mut node, "partition/none", None).await?;
        Ok(node)
    }

    fn send(node: &SecretsClient<Channel>, followed: &mut Followed) -> Self {
        let mut probes = JoinSet::new();
        for _ in 0..PROBES {
            let (mut node, request) = (node.clone(), requests::secret_value(&followed.name, None));
            probes.spawn(async move {
                let answer = in_time(node.get_secret_value(request)).await;
                Answer::Read(answer.map(|answer| answer.get_ref().secret_string.clone().unwrap_or_default()))
            });
        }
        for _ in 0..PROBES {
            let version = Uuid::new_v4().to_string();
            let probe = Probe { secret: format!("partition/probe/{version}"), version };
            let value = format!("value of {}", probe.version);
            followed.oracle.sent(&probe.secret, &probe.version, &value, followed.ticks.next());
            let (mut node, request) = (node.clone(), requests::create_secret(&probe.secret, &probe.version, &value));
            probes.spawn(async move {
                let answer = in_time(node.create_secret(request)).await;
                Answer::Written(probe, answer.map(drop))
            });
        }
        Self(probes)
    }

    async fn answers(self) -> Vec<Answer> {
        self.0.join_all().await
    }
}

async fn in_time<T>(
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<tonic::Response<T>, Status> {
    let late = |_| Err(Status::deadline_exceeded("no answer within the server's own deadline"));
    tokio::time::timeout(ANSWER_TIMEOUT, call).await.unwrap_or_else(late)
}

/// What a node says of itself.
async fn facts(cluster: &Cluster, id: u64) -> Result<NodeFacts> {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, cluster.admin(id)?.status(StatusRequest {})).await;
    let nodes = answer.context("no answer in time")??.into_inner().nodes;
    let own = nodes.into_iter().find(|node| node.id == id).and_then(|node| node.facts);
    own.context("a node says nothing of itself")
}
