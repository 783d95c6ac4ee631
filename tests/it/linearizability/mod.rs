//! One copy of every secret, as far as any client can tell, whatever breaks.
//!
//! A run draws its faults and what its clients do from a seed. While everything breaks, they write, read, swap and
//! delete at all nodes; then all of it must have an order in which one copy would have answered so.

mod client;

use std::env;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use proto::cluster::v1::CheckpointRequest;
use testkit::faults::{self, Plan};
use testkit::history::{History, Tally};
use testkit::linearizable::{self, Failure};
use testkit::{Cluster, Links, PATIENCE, until_async};
use tokio::task::JoinSet;

use client::{Client, Shared};

/// The first seed; given alone, it is the only one.
const SEED: &str = "CONCLAVE_TEST_LINEARIZABILITY_SEED";
/// How many seeds, one after the other.
const RUNS: &str = "CONCLAVE_TEST_LINEARIZABILITY_RUNS";
const DEFAULT_RUNS: u64 = 3;
/// The only kind of fault, such as `kill-all`; without it, all of them.
const FAULT: &str = "CONCLAVE_TEST_LINEARIZABILITY_FAULT";
/// Runs that share a cluster: starting one costs some seconds. The later ones start from checkpoints.
const RUNS_OF_A_CLUSTER: u64 = 5;
/// Clients, a third of them at each node.
const CLIENTS: usize = 24;
/// Faults of a run.
const FAULTS: usize = 9;
/// Operations of a run at least.
const OPERATIONS: usize = 2_000;
/// Definite answers of every node that are demanded between two faults.
const PROGRESS: u64 = 25;

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_secret_is_one_copy_while_nodes_die_pause_and_are_cut_off() {
    let (first, runs) = selected().unwrap();
    let mut clusters: Option<(Cluster, Option<Links>)> = None;
    for seed in first..first.saturating_add(runs) {
        let plan = planned(seed).unwrap();
        if (seed - first).is_multiple_of(RUNS_OF_A_CLUSTER) {
            drop(clusters.take());
            clusters = Some(start(&plan).await.unwrap());
        }
        let (cluster, links) = clusters.as_ref().unwrap();
        let began = Instant::now();
        match run(cluster, links.as_ref(), seed, &plan).await {
            Ok(tally) => {
                println!("seed {seed}: {:.1} s, {tally:?}; {plan}", began.elapsed().as_secs_f64());
            }
            Err(error) => panic!("seed {seed}: {error:#}\n{}", replay(seed)),
        }
    }
}

/// The first seed and how many.
fn selected() -> Result<(u64, u64)> {
    let number = |name: &str| -> Result<Option<u64>> {
        let value = env::var(name).ok();
        value.map(|text| text.parse().with_context(|| format!("{name} is not a number: {text}"))).transpose()
    };
    let (seed, runs) = (number(SEED)?, number(RUNS)?);
    let runs = runs.unwrap_or(if seed.is_some() { 1 } else { DEFAULT_RUNS });
    Ok((seed.unwrap_or(1), runs))
}

/// The command that draws the same faults and the same operations again.
fn replay(seed: u64) -> String {
    let given = |name: &str| env::var(name).map(|value| format!("{name}={value} ")).unwrap_or_default();
    let (fault, binary) = (given(FAULT), given("CONCLAVE_BIN"));
    format!(
        "replay: {SEED}={seed} {fault}{binary}\
         cargo test -p tests --features clusters --test it linearizability -- --nocapture"
    )
}

/// The faults of a run.
fn planned(seed: u64) -> Result<Plan> {
    let random = &mut Rng::with_seed(seed);
    match env::var(FAULT) {
        Ok(kind) => Plan::only(random, FAULTS, &kind),
        Err(_) => Ok(Plan::draw(random, FAULTS)),
    }
}

/// A cluster with links, if they are needed: they cost a kill of every node, and a build that loses what it has just
/// acknowledged is to be caught later.
async fn start(plan: &Plan) -> Result<(Cluster, Option<Links>)> {
    if !plan.needs_links() {
        return Ok((Cluster::start(3)?, None));
    }
    let (cluster, links) = Cluster::with_links(3).await?;
    Ok((cluster, Some(links)))
}

async fn run(cluster: &Cluster, links: Option<&Links>, seed: u64, plan: &Plan) -> Result<Tally> {
    let shared = Shared::new(seed, &cluster.ids()?);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(Client::new(cluster, &shared, number)?.run());
    }
    let suffered = suffer(cluster, links, plan, &shared).await;
    shared.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    let seen = match suffered {
        Ok(()) => see_all(cluster, &shared, plan.0.len() + 1).await,
        failed => failed,
    };

    // Also when something else went wrong: that may be what a broken promise led to.
    let history = shared.recorder.history();
    let checked = linearizable::check(&history);
    let unexpected = std::mem::take(&mut *shared.unexpected.lock().unwrap());
    if checked.is_err() || seen.is_err() || !unexpected.is_empty() {
        keep(cluster, seed, &history)?;
    }
    if let Err(failure @ Failure::Violation(_)) = checked {
        bail!("{failure}\nthe faults: {plan}");
    }
    seen.with_context(|| format!("the faults: {plan}"))?;
    checked?;
    ensure!(unexpected.is_empty(), "unexpected answers: {}\nthe faults: {plan}", unexpected.join("\n"));
    let tally = history.tally();
    ensure!(tally.operations >= OPERATIONS, "too few operations: {tally:?}");
    Ok(tally)
}

/// All faults, with progress at every node before and after each.
async fn suffer(cluster: &Cluster, links: Option<&Links>, plan: &Plan, shared: &Arc<Shared>) -> Result<()> {
    progress(shared).await.context("before the first fault")?;
    for (position, planned) in plan.0.iter().enumerate() {
        let fault = || format!("fault {position}, {planned}");
        faults::suffer(cluster, links, planned).await.with_context(fault)?;
        progress(shared).await.with_context(|| format!("after {}", fault()))?;
        shared.phase.store(position + 1, Ordering::Relaxed);
        progress(shared).await.with_context(|| format!("after {}", fault()))?;
    }
    until_async("enough operations", PATIENCE, async || {
        Ok((shared.recorder.history().operations.len() >= OPERATIONS).then_some(()))
    })
    .await
}

/// Waits until every node has answered more.
async fn progress(shared: &Shared) -> Result<()> {
    let answers = |id: &u64| shared.answers[id].load(Ordering::Relaxed);
    let targets: Vec<(u64, u64)> = shared.answers.keys().map(|id| (*id, answers(id) + PROGRESS)).collect();
    until_async(&format!("{PROGRESS} more answers of every node"), PATIENCE, async || {
        Ok(targets.iter().all(|(id, target)| answers(id) >= *target).then_some(()))
    })
    .await
}

/// With everything healed and nobody writing, all nodes have one state, and each of them shows every secret.
async fn see_all(cluster: &Cluster, shared: &Arc<Shared>, phases: usize) -> Result<()> {
    cluster.settled().await?;
    cluster.common_digest().await?;
    let mut readers = JoinSet::new();
    for number in 0..cluster.ids()?.len() {
        let mut reader = Client::new(cluster, shared, number)?;
        let keys = client::keys(shared.seed, phases);
        readers.spawn(async move {
            for key in keys {
                reader.read(&key).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(read) = readers.join_next().await {
        read??;
    }
    cluster.common_digest().await?;
    cluster.admin(cluster.ids()?[0])?.checkpoint(CheckpointRequest {}).await?;
    Ok(())
}

/// Leaves the whole history beside the logs, for those who look into it.
fn keep(cluster: &Cluster, seed: u64, history: &History) -> Result<()> {
    let lines: Vec<String> =
        history.operations.iter().map(|operation| format!("{} {operation}", operation.key)).collect();
    Ok(fs::write(cluster.dir().join(format!("history-{seed}.txt")), lines.join("\n"))?)
}
