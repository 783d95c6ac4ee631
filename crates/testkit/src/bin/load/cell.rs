//! One size of value, one number of clients: all operations, in pairs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use types::limits;

use crate::args::Plan;
use crate::clusters::{Clusters, Memory};
use crate::contestant::{Contestant, Front};
use crate::drive::{self, Extent, Operation, Order, Run};
use crate::meter;
use crate::progress;
use crate::syncs::SyncCount;

/// A pair counts only if the disk syncs faster than this before and after it.
const SLOW_DISK: Duration = Duration::from_millis(1);
/// Time before the first pair of an operation.
const WARM_UP: Duration = Duration::from_secs(1);
/// Clients that fill the clusters.
const FILLERS: usize = 64;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) value_bytes: usize,
    pub(crate) clients: usize,
    pub(crate) secrets: usize,
    pub(crate) run: Duration,
    pub(crate) fronts: Vec<Front>,
    pub(crate) operations: Vec<Measured>,
    /// Of the empty clusters, the filled ones, and after everything.
    pub(crate) memory: [Memory; 3],
    pub(crate) puts: Puts,
}

/// How often secrets were put, from the filling to the end: what the memory at the end is for.
#[derive(Clone, Debug)]
pub(crate) struct Puts {
    /// By either front.
    pub(crate) conclave: Arc<Order>,
    pub(crate) etcd: Arc<Order>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) operation: Operation,
    pub(crate) pairs: Vec<Pair>,
    /// Pairs that do not count, for the disk was slow.
    pub(crate) discarded: usize,
    /// Sync calls of the three servers, a request, in the order of the fronts; empty if they were not counted.
    pub(crate) syncs: Vec<f64>,
}

/// One run of every front.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The slower median of an fdatasync before and after.
    pub(crate) sync_p50: Duration,
    /// In the order of the fronts.
    pub(crate) runs: Vec<Run>,
}

/// Measures a cell on clusters of its own.
pub(crate) async fn measure(plan: &Plan, value_bytes: usize, clients: usize) -> Result<Cell> {
    progress(format_args!("{value_bytes} B, {clients} clients: starting the clusters"))?;
    let clusters = Clusters::start(plan).await?;
    let empty = clusters.memory()?;
    let value: Arc<str> = "v".repeat(value_bytes).into();
    let connections = plan.connections;
    fill(Contestant::grpc(&clusters, FILLERS, connections)?, plan.secrets, &value).await?;
    if let Some(etcd) = &clusters.etcd {
        fill(Contestant::etcd(etcd, FILLERS, connections)?, plan.secrets, &value).await?;
    }
    let filled = clusters.memory()?;

    let mut contestants = vec![Contestant::grpc(&clusters, clients, connections)?];
    if let Some(etcd) = &clusters.etcd {
        contestants.push(Contestant::etcd(etcd, clients, connections)?);
    }
    if plan.http_clients.contains(&clients) {
        contestants.push(Contestant::http(&clusters.conclave, clusters.conclave_pids()?, clients).await?);
    }
    let fronts = contestants.iter().map(|contestant| contestant.front).collect();
    let puts = Puts { conclave: Order::new(plan.secrets).into(), etcd: Order::new(plan.secrets).into() };
    let mut bench = Bench { plan, value, contestants, puts: puts.clone() };
    let mut operations = Vec::new();
    for &operation in &plan.operations {
        operations.push(bench.operation(operation).await?);
    }
    let memory = [empty, filled, clusters.memory()?];
    Ok(Cell { value_bytes, clients, secrets: plan.secrets, run: plan.run, fronts, operations, memory, puts })
}

/// Makes every secret.
async fn fill(mut contestant: Contestant, secrets: usize, value: &Arc<str>) -> Result<()> {
    let order = Arc::new(Order::new(secrets));
    let run = drive::drive(&mut contestant, Operation::Create, &order, value, Extent::Once).await?;
    ensure!(run.errors == 0, "{} could not be filled: {:?}", contestant.front.name(), run.first_error);
    shown(contestant.front, Operation::Create, &run)
}

struct Bench<'a> {
    plan: &'a Plan,
    value: Arc<str>,
    contestants: Vec<Contestant>,
    puts: Puts,
}

impl Bench<'_> {
    async fn operation(&mut self, operation: Operation) -> Result<Measured> {
        for number in 0..self.contestants.len() {
            self.run(number, operation, WARM_UP).await?;
        }
        let (mut pairs, mut discarded) = (Vec::new(), 0);
        // On a disk that stays slow there are fewer pairs, or none and no figures.
        while pairs.len() < self.plan.pairs && discarded <= self.plan.pairs {
            let pair = self.pair(operation).await?;
            if pair.sync_p50 <= SLOW_DISK {
                pairs.push(pair);
                continue;
            }
            discarded += 1;
            progress(format_args!("discarded: an fdatasync takes {:?}", pair.sync_p50))?;
        }
        let mut syncs = Vec::new();
        if self.plan.strace && operation == Operation::Put {
            for number in 0..self.contestants.len() {
                let count = SyncCount::begin(&self.contestants[number].pids)?;
                let run = self.run(number, operation, self.plan.run).await?;
                syncs.push(count.finish()? as f64 / run.requests as f64);
            }
        }
        Ok(Measured { operation, pairs, discarded, syncs })
    }

    async fn pair(&mut self, operation: Operation) -> Result<Pair> {
        let before = meter::sync_p50()?;
        let mut runs = Vec::new();
        for number in 0..self.contestants.len() {
            let run = self.run(number, operation, self.plan.run).await?;
            shown(self.contestants[number].front, operation, &run)?;
            runs.push(run);
        }
        Ok(Pair { sync_p50: before.max(meter::sync_p50()?), runs })
    }

    async fn run(&mut self, number: usize, operation: Operation, time: Duration) -> Result<Run> {
        let contestant = self.contestants.get_mut(number).context("no such contestant")?;
        let order = match (contestant.front, operation) {
            (Front::Grpc | Front::Http, Operation::Put) => self.puts.conclave.clone(),
            (Front::Etcd, Operation::Put) => self.puts.etcd.clone(),
            _ => Order::new(self.plan.secrets).into(),
        };
        let run = drive::drive(contestant, operation, &order, &self.value, Extent::During(time)).await?;
        // The first version came with the secret, and a request more may be under way.
        ensure!(
            self.puts.conclave.turns() / self.plan.secrets + 2 < limits::VERSIONS_PER_SECRET,
            "the secrets have no room for more versions: \
            take more of them (--secrets) or fewer and shorter runs"
        );
        Ok(run)
    }
}

fn shown(front: Front, operation: Operation, run: &Run) -> Result<()> {
    let (name, rate, p99) = (front.name(), run.per_second, run.p99_ms);
    let failed =
        run.first_error.as_ref().map_or_else(String::new, |e| format!(", {} errors, the first: {e}", run.errors));
    progress(format_args!("  {} {name}: {rate:.0}/s, p99 {p99:.1} ms{failed}", operation.name()))
}
