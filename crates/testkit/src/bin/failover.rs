//! The measuring part of `cargo xtask bench failover`: how long a cluster of three is without a leader when it loses
//! it, and how long the lost node takes to serve again.
//!
//! The leader gets a SIGKILL while nobody else asks for anything. At once two calls begin, a put and a linearizable
//! get, of one client that knows all nodes and connects to none in particular; what counts is when each is answered.
//! Then the node is started again and asked until it answers a linearizable get itself.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use client::{Client, CreateSecret, PutSecretValue, SecretValue};
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::process::signal;
use testkit::{Cluster, PATIENCE, until_async};

const NODES: usize = 3;
/// The secret that is read. Its version stays, so that no get of a measured one writes the day of its first access.
const READ: &str = "failover/read";
/// The secret that is written.
const WRITTEN: &str = "failover/written";

/// Kills the leader of a cluster of three again and again, and measures.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench failover")]
struct Args {
    /// How often the leader is killed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    kills: u32,
    /// How the figures are shown.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// What one kill cost.
#[derive(Clone, Copy, Debug)]
struct Failover {
    leader: u64,
    times: [Duration; FIGURES.len()],
}

/// The times of a [`Failover`]: from the kill, and for the last two from the start of the killed node.
const FIGURES: [&str; 4] = ["put_ms", "get_ms", "listens_ms", "serves_ms"];

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    tokio::select! {
        done = Box::pin(run(&args)) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn run(args: &Args) -> Result<()> {
    let cluster = Cluster::start(NODES)?;
    let client = cluster.client()?;
    for name in [READ, WRITTEN] {
        client.create_secret(CreateSecret::new(name).value(SecretValue::string("0"))).await?;
    }
    client.get_secret_value(READ).await?;

    let mut failovers = Vec::new();
    if args.output == Output::Text {
        show(format_args!(
            "{:>6}  {:>6}  {:>8}  {:>8}  {:>10}  {:>9}",
            "kill", "leader", "put", "get", "listens", "serves"
        ))?;
    }
    for kill in 1..=args.kills {
        let failover = measure(&cluster, &client).await.with_context(|| format!("kill {kill}"))?;
        if args.output == Output::Text {
            show(line(&kill.to_string(), &failover.leader.to_string(), failover.times.map(ms)))?;
        }
        failovers.push(failover);
    }
    match args.output {
        Output::Text => {
            show(line("median", "", summary(&failovers, median)))?;
            show(line("most", "", summary(&failovers, most)))?;
            show("ms; put and get from the kill of the leader, listens and serves from the start of the killed node")
        }
        Output::Json => show(format_args!("{:#}", report(&failovers))),
    }
}

/// Kills the leader once and brings it back.
async fn measure(cluster: &Cluster, client: &Client) -> Result<Failover> {
    cluster.settled().await?;
    let leader = cluster.leader(None).await?;
    let node = cluster.node(leader)?;

    let killed = Instant::now();
    signal(node.pid, Signal::KILL);
    let put = async {
        put(client).await?;
        anyhow::Ok(killed.elapsed())
    };
    let get = async {
        get(client).await?;
        anyhow::Ok(killed.elapsed())
    };
    let (put, get) = tokio::try_join!(put, get)?;

    cluster.kill_9(&[leader])?;
    let started = Instant::now();
    cluster.restart(leader)?;
    let listens = started.elapsed();
    get_of(cluster, leader).await?;
    Ok(Failover { leader, times: [put, get, listens, started.elapsed()] })
}

/// A put that is acknowledged. One of unknown fate is sent again as another: what counts is the acknowledgement.
async fn put(client: &Client) -> Result<()> {
    until_async("an acknowledged put", PATIENCE, async || {
        let put = PutSecretValue::new(WRITTEN, SecretValue::string("1"));
        Ok(client.put_secret_value(put).await.ok().map(drop))
    })
    .await
}

async fn get(client: &Client) -> Result<()> {
    until_async("a linearizable get", PATIENCE, async || Ok(client.get_secret_value(READ).await.ok().map(drop))).await
}

/// A get that this node answers.
async fn get_of(cluster: &Cluster, id: u64) -> Result<()> {
    let node = cluster.client_at(id)?;
    get(&node).await
}

fn show(line: impl std::fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

fn line(kill: &str, leader: &str, [put, get, listens, serves]: [f64; FIGURES.len()]) -> String {
    format!("{kill:>6}  {leader:>6}  {put:>8.0}  {get:>8.0}  {listens:>10.0}  {serves:>9.0}")
}

fn report(failovers: &[Failover]) -> Value {
    let named = |times: [f64; FIGURES.len()]| -> Value {
        FIGURES.iter().zip(times).map(|(name, time)| ((*name).to_owned(), json!(time))).collect()
    };
    let kills = failovers.iter().map(|one| json!({"leader": one.leader, "times": named(one.times.map(ms))}));
    json!({
        "kills": kills.collect::<Vec<_>>(),
        "median": named(summary(failovers, median)),
        "most": named(summary(failovers, most)),
    })
}

fn summary(failovers: &[Failover], of: fn(Vec<f64>) -> f64) -> [f64; FIGURES.len()] {
    std::array::from_fn(|figure| of(failovers.iter().map(|one| ms(one.times[figure])).collect()))
}

/// The value in the middle, or the mean of the two; there is one at least.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn most(values: Vec<f64>) -> f64 {
    values.into_iter().fold(0.0, f64::max)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_all_kills() {
        assert_eq!(median(vec![9.0, 1.0, 4.0]), 4.0);
        assert_eq!(median(vec![9.0, 1.0, 4.0, 5.0]), 4.5);
        assert_eq!(most(vec![9.0, 1.0, 10.0]), 10.0);
        let one = |put| Failover { leader: 1, times: [put, 2, 3, 4].map(Duration::from_millis) };
        let report = report(&[one(1), one(8), one(3)]);
        assert_eq!(report["kills"][1]["times"]["put_ms"], 8.0);
        assert_eq!((&report["median"]["put_ms"], &report["most"]["put_ms"]), (&json!(3.0), &json!(8.0)));
        assert_eq!(report["median"]["serves_ms"], 4.0);
    }
}
