//! `cargo xtask bench scale`: what becomes of the figures as the secrets become many, and how long a start takes then.
//!
//! For each number of secrets both clusters are made anew and filled. Gets are of secrets that are drawn, all equally
//! often, once every secret has been read: the first read of a day writes its date, which is shown by itself. Lookups by
//! name, by ARN and by a prefix that ten names have are in turn, over gRPC. Then all three nodes are killed and started again, and what counts is the first linearizable get that any of them answers;
//! last one node alone, until it answers itself.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use proto::cluster::v1::CheckpointRequest;
use testkit::Cluster;
use tokio::task::JoinSet;
use types::limits;

use crate::args::{Etcd, Output};
use crate::clusters::{Clusters, NODES};
use crate::contestant::{self, Contestant, Front, Way};
use crate::drive::{self, Extent, Operation, Order, Run};
use crate::meter;
use crate::progress;
use crate::scale_report;

/// Clients that fill the clusters.
const FILLERS: usize = 256;
/// Clients of the other runs.
const CLIENTS: usize = 64;
/// Connections over which gRPC goes.
const CONNECTIONS: usize = 24;
/// Time before the first pair of an operation.
const WARM_UP: Duration = Duration::from_secs(1);
/// Secrets that change before the second checkpoint.
const CHANGED: usize = 1_000;
/// Time for a start.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Time for one get while nodes start.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_PAUSE: Duration = Duration::from_millis(10);
/// What is measured in turn to see what a secret's place among many costs.
pub(crate) const LOOKUPS: [Operation; 3] = [Operation::Get, Operation::GetByArn, Operation::ListByPrefix];
/// More secrets would need a longer stride of their order.
const MOST_SECRETS: usize = 5_000_000;

/// Measures clusters with few and with many secrets, and how long they take to start.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench scale")]
pub(crate) struct ScaleArgs {
    /// Numbers of secrets, with `k` for thousands and `M` for millions.
    #[arg(long, value_delimiter = ',', default_values = ["1k", "100k", "1M"], value_parser = size)]
    sizes: Vec<usize>,
    /// Bytes of a value.
    #[arg(long, default_value_t = 256)]
    value_bytes: usize,
    /// Pairs of runs for each figure.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pairs: u32,
    /// Seconds of a run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    #[command(flatten)]
    etcd: Etcd,
    /// How the figures are shown.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

impl ScaleArgs {
    pub(crate) fn etcd(&self) -> Option<&Path> {
        self.etcd.program()
    }
}

/// Both systems with a number of secrets.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) secrets: usize,
    pub(crate) value_bytes: usize,
    pub(crate) conclave: Figures,
    pub(crate) etcd: Option<Figures>,
}

/// One system.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) fill: Run,
    /// The first read of each secret; etcd knows no such thing.
    pub(crate) first_reads: Option<Run>,
    /// By front: the pairs' runs.
    pub(crate) gets: Vec<(Front, Vec<Run>)>,
    pub(crate) puts: Vec<Run>,
    /// By operation: the runs over gRPC. Empty for etcd.
    pub(crate) lookups: Vec<(Operation, Vec<Run>)>,
    /// Resident bytes of a node, on average: empty, filled, at the end of the load, started again.
    pub(crate) resident: [u64; 4],
    /// Bytes of a node's files, on average, at the end of the load.
    pub(crate) disk: u64,
    /// From the start of all nodes to the first linearizable get.
    pub(crate) start: Duration,
    /// From the start of one node to the first linearizable get that it answers.
    pub(crate) start_one: Duration,
    /// Of what was there, and of [`CHANGED`] secrets more, on all nodes.
    pub(crate) checkpoints: Option<[Duration; 2]>,
}

/// Measures everything.
pub(crate) async fn run(args: &ScaleArgs) -> Result<Vec<Size>> {
    let mut sizes = Vec::new();
    for &secrets in &args.sizes {
        let size = Box::pin(measure(args, secrets)).await.with_context(|| format!("{secrets} secrets"))?;
        if args.output == Output::Text {
            scale_report::show(&scale_report::table(&size))?;
        }
        sizes.push(size);
    }
    Ok(sizes)
}

async fn measure(args: &ScaleArgs, secrets: usize) -> Result<Size> {
    progress(format_args!("{secrets} secrets: starting the clusters"))?;
    let mut clusters = Clusters::of_three(args.etcd()).await?;
    let empty = clusters.memory()?;
    let value: Arc<str> = "v".repeat(args.value_bytes).into();
    let load = Load { secrets, value, run: Duration::from_secs(args.seconds) };

    let mut fillers = vec![Contestant::grpc(&clusters, FILLERS, CONNECTIONS)?];
    if let Some(etcd) = &clusters.etcd {
        fillers.push(Contestant::etcd(etcd, FILLERS, CONNECTIONS)?);
    }
    let mut fills = Vec::new();
    for filler in &mut fillers {
        fills.push(load.once(filler, Operation::Create).await?);
    }
    let filled = clusters.memory()?;
    // Only ours dates reads.
    let first_reads = load.once(&mut fillers[0], Operation::Get).await?;
    drop(fillers);

    let mut contestants = vec![
        Contestant::grpc(&clusters, CLIENTS, CONNECTIONS)?,
        Contestant::http(&clusters.conclave, clusters.conclave_pids()?, CLIENTS).await?,
    ];
    if let Some(etcd) = &clusters.etcd {
        contestants.push(Contestant::etcd(etcd, CLIENTS, CONNECTIONS)?);
    }
    let mut gets = load.pairs(&mut contestants, Operation::Get, args.pairs).await?;
    contestants.retain(|contestant| contestant.front != Front::Http);
    let arns = contestant::arns(&clusters.conclave, secrets).await?;
    let knowing = Contestant::grpc(&clusters, CLIENTS, CONNECTIONS)?.knowing(&arns);
    let lookups = load.lookups(knowing, args.pairs).await?;
    let mut puts = load.pairs(&mut contestants, Operation::Put, args.pairs).await?;
    drop(contestants);
    let end = clusters.memory()?;

    let disk = disk_of_nodes(&clusters.conclave)?;
    let (start, start_one) = restart(&clusters.conclave, &load).await?;
    let again = clusters.memory()?;
    let checkpoints = [checkpoint(&clusters.conclave).await?, {
        load.change(&mut Contestant::grpc(&clusters, CLIENTS, CONNECTIONS)?).await?;
        checkpoint(&clusters.conclave).await?
    }];
    let node = |bytes: u64| bytes / NODES as u64;
    let etcd_gets = gets.split_off(2.min(gets.len()));
    let etcd_puts = puts.split_off(1);
    let conclave = Figures {
        fill: fills.swap_remove(0),
        first_reads: Some(first_reads),
        gets,
        puts: puts.swap_remove(0).1,
        lookups,
        resident: [empty, filled, end, again].map(|memory| node(memory.conclave)),
        disk,
        start,
        start_one,
        checkpoints: Some(checkpoints),
    };
    let etcd = match (&mut clusters.etcd, etcd_puts.into_iter().next(), fills.pop()) {
        (Some(etcd), Some((_, puts)), Some(fill)) => {
            let disk = node((0..NODES).map(|member| bytes_under(&etcd.data(member))).sum::<Result<u64>>()?);
            let (start, start_one) = etcd_restart(etcd, &load).await?;
            let again = node(meter::resident(&etcd.pids())?);
            let [empty, filled, end] = [empty, filled, end].map(|memory| node(memory.etcd.unwrap_or(0)));
            let resident = [empty, filled, end, again];
            Some(Figures {
                fill,
                first_reads: None,
                gets: etcd_gets,
                puts,
                lookups: Vec::new(),
                resident,
                disk,
                start,
                start_one,
                checkpoints: None,
            })
        }
        _ => None,
    };
    Ok(Size { secrets, value_bytes: args.value_bytes, conclave, etcd })
}

/// What is asked for.
struct Load {
    secrets: usize,
    value: Arc<str>,
    run: Duration,
}

impl Load {
    /// Each secret once.
    async fn once(&self, contestant: &mut Contestant, operation: Operation) -> Result<Run> {
        let order = Arc::new(Order::new(self.secrets));
        let run = drive::drive(contestant, operation, &order, &self.value, Extent::Once).await?;
        ensure!(run.errors == 0, "{}: {:?}", contestant.front.name(), run.first_error);
        shown(contestant.front, operation, &run)?;
        Ok(run)
    }

    /// Runs of all contestants in turn.
    async fn pairs(
        &self,
        contestants: &mut [Contestant],
        operation: Operation,
        pairs: u32,
    ) -> Result<Vec<(Front, Vec<Run>)>> {
        let mut runs: Vec<(Front, Vec<Run>)> = contestants.iter().map(|c| (c.front, Vec::new())).collect();
        // A put takes each secret as often as the others, as there is room for so many versions.
        let orders: Vec<Arc<Order>> = contestants.iter().map(|_| Order::new(self.secrets).into()).collect();
        for pair in 0..=pairs {
            for (number, contestant) in contestants.iter_mut().enumerate() {
                let order = match operation {
                    Operation::Put => orders[number].clone(),
                    _ => Order::drawn(self.secrets, pair).into(),
                };
                let time = if pair == 0 { WARM_UP } else { self.run };
                let run = drive::drive(contestant, operation, &order, &self.value, Extent::During(time)).await?;
                ensure!(
                    operation != Operation::Put || order.turns() / self.secrets + 3 < limits::VERSIONS_PER_SECRET,
                    "the secrets have no room for more versions: take fewer or shorter runs"
                );
                if pair > 0 {
                    shown(contestant.front, operation, &run)?;
                    runs[number].1.push(run);
                }
            }
        }
        Ok(runs)
    }

    /// The lookups in turn, of secrets that are drawn.
    async fn lookups(&self, mut contestant: Contestant, rounds: u32) -> Result<Vec<(Operation, Vec<Run>)>> {
        let mut runs = LOOKUPS.map(|operation| (operation, Vec::new())).to_vec();
        for round in 0..=rounds {
            for (operation, runs) in &mut runs {
                let order = Order::drawn(self.secrets, round).into();
                let time = if round == 0 { WARM_UP } else { self.run };
                let run = drive::drive(&mut contestant, *operation, &order, &self.value, Extent::During(time)).await?;
                if round > 0 {
                    shown(contestant.front, *operation, &run)?;
                    runs.push(run);
                }
            }
        }
        Ok(runs)
    }

    /// Puts [`CHANGED`] secrets.
    async fn change(&self, contestant: &mut Contestant) -> Result<()> {
        let order = Arc::new(Order::new(self.secrets.min(CHANGED)));
        drive::drive(contestant, Operation::Put, &order, &self.value, Extent::Once).await.map(drop)
    }
}

/// Kills all nodes and starts them, then one: the times until gets are answered.
async fn restart(cluster: &Cluster, load: &Load) -> Result<(Duration, Duration)> {
    let ids = cluster.ids()?;
    cluster.kill_9(&ids)?;
    let began = Instant::now();
    let start = starting(cluster, &ids)?;
    let ways = || ids.iter().map(|id| Ok(Way::grpc(cluster.secrets(*id)?))).collect::<Result<Vec<_>>>();
    first_get(ways()?, load).await?;
    let all = began.elapsed();
    finished(start).await?;
    cluster.settled().await?;

    let one = ids[0];
    cluster.kill_9(&[one])?;
    let began = Instant::now();
    let start = starting(cluster, &[one])?;
    first_get(vec![Way::grpc(cluster.secrets(one)?)], load).await?;
    let alone = began.elapsed();
    finished(start).await?;
    cluster.settled().await?;
    progress(format_args!("  start of all: {all:.2?}, of one: {alone:.2?}"))?;
    Ok((all, alone))
}

/// Starts nodes at once; each command ends when its node listens.
fn starting(cluster: &Cluster, ids: &[u64]) -> Result<JoinSet<Result<()>>> {
    let mut commands = JoinSet::new();
    for id in ids {
        let command = cluster.restart_command(*id);
        commands.spawn_blocking(move || command.run()?.success().map(drop));
    }
    Ok(commands)
}

async fn finished(commands: JoinSet<Result<()>>) -> Result<()> {
    commands.join_all().await.into_iter().collect()
}

async fn etcd_restart(etcd: &mut crate::etcd::EtcdCluster, load: &Load) -> Result<(Duration, Duration)> {
    let members: Vec<usize> = (0..NODES).collect();
    etcd.kill_9(&members)?;
    let began = Instant::now();
    etcd.start_again(&members)?;
    let ways = members.iter().map(|member| Ok(Way::etcd(etcd.client(*member)?))).collect::<Result<Vec<_>>>()?;
    first_get(ways, load).await?;
    let all = began.elapsed();
    etcd.ready().await?;

    etcd.kill_9(&[0])?;
    let began = Instant::now();
    etcd.start_again(&[0])?;
    first_get(vec![Way::etcd(etcd.client(0)?)], load).await?;
    let alone = began.elapsed();
    progress(format_args!("  start of all of etcd: {all:.2?}, of one: {alone:.2?}"))?;
    Ok((all, alone))
}

/// Asks by all ways until one of them answers a get.
async fn first_get(ways: Vec<Way>, load: &Load) -> Result<()> {
    let mut attempts = JoinSet::new();
    for (number, mut way) in ways.into_iter().enumerate() {
        let (secret, value) = (number * 7_919 % load.secrets, load.value.clone());
        attempts.spawn(async move {
            loop {
                let get = way.send(Operation::Get, secret, &value);
                if matches!(tokio::time::timeout(ATTEMPT_TIMEOUT, get).await, Ok(Ok(()))) {
                    return;
                }
                tokio::time::sleep(ATTEMPT_PAUSE).await;
            }
        });
    }
    let first = tokio::time::timeout(START_TIMEOUT, attempts.join_next()).await;
    first.context("nobody answers after the start")?.context("there is nobody to ask")??;
    Ok(())
}

/// Has every node write a checkpoint.
async fn checkpoint(cluster: &Cluster) -> Result<Duration> {
    let mut admin = cluster.admin(cluster.ids()?[0])?;
    let began = Instant::now();
    admin.checkpoint(CheckpointRequest {}).await?;
    Ok(began.elapsed())
}

fn disk_of_nodes(cluster: &Cluster) -> Result<u64> {
    let directories: Vec<PathBuf> = cluster.nodes()?.into_iter().map(|node| node.data_dir).collect();
    Ok(directories.iter().map(|path| bytes_under(path)).sum::<Result<u64>>()? / NODES as u64)
}

/// What the files in a directory take on the disk. Files that are gone by then take nothing.
fn bytes_under(directory: &Path) -> Result<u64> {
    const BLOCK_BYTES: u64 = 512;
    let mut bytes = 0;
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { bytes_under(&entry.path())? } else { metadata.blocks() * BLOCK_BYTES };
    }
    Ok(bytes)
}

fn shown(front: Front, operation: Operation, run: &Run) -> Result<()> {
    let (name, rate, p99) = (front.name(), run.per_second, run.p99_ms);
    progress(format_args!("  {} {name}: {rate:.0}/s, p99 {p99:.1} ms, {} errors", operation.name(), run.errors))
}

/// Reads `1k`, `100k`, `1M` or a plain number.
fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let count = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(unit));
    let count = count.filter(|count| (1..=MOST_SECRETS).contains(count));
    count.ok_or_else(|| format!("not a number from 1 to {MOST_SECRETS}, as 500, 1k or 1M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!([size("1k"), size("100k"), size("1M"), size("7")], [Ok(1_000), Ok(100_000), Ok(1_000_000), Ok(7)]);
        for wrong in ["", "k", "0", "0k", "1G", "-1k", "6M", "99999999999999999999k", "18446744073709551615M"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_of_a_directory_are_those_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("deeper")).unwrap();
        let before = bytes_under(directory.path()).unwrap();
        let mut file = fs::File::create(directory.path().join("deeper/file")).unwrap();
        std::io::Write::write_all(&mut file, &[1; 100_000]).unwrap();
        file.sync_all().unwrap();
        assert!(bytes_under(directory.path()).unwrap() >= before + 100_000);
    }
}
