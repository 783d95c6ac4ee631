//! The load generator of `cargo xtask bench`: a cluster of its own, many clients, figures.
//!
//! A put is PutSecretValue with a fresh ClientRequestToken on one of the secrets at random; a get is a linearizable
//! GetSecretValue of one of them. Errors are counted as errors, never as requests. The generator shares the
//! machine with the servers, so only ratios within one run mean much.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use proto::secrets::v1::secrets_client::SecretsClient;
use testkit::process::cpu_ticks;
use testkit::{Cluster, requests};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

/// Clock ticks a second in /proc on Linux.
const TICKS: u64 = 100;
/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Parser)]
struct Args {
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Connections, spread over the nodes.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Secrets that are written and read.
    #[arg(long, default_value_t = 1_000)]
    secrets: usize,
    /// Seconds of each phase.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 256)]
    value_bytes: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(
        args.clients > 0 && args.connections > 0 && args.secrets > 0,
        "clients, connections and secrets: at least one"
    );
    let cluster = Cluster::start(3)?;
    let ids = cluster.ids()?;
    let channels =
        (0..args.connections).map(|number| cluster.secrets(ids[number % ids.len()])).collect::<Result<Vec<_>>>()?;

    let bench = Bench { args, channels, cluster: &cluster };
    say("operation      req/s   p50 ms   p99 ms   server CPU us/req   requests   errors")?;
    bench.fill().await?;
    bench.phase("put", Operation::Put).await?;
    bench.phase("get", Operation::Get).await
}

#[derive(Clone, Copy)]
enum Operation {
    Create,
    Put,
    Get,
}

struct Bench<'a> {
    args: Args,
    channels: Vec<SecretsClient<Channel>>,
    cluster: &'a Cluster,
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    errors: usize,
    first_error: Option<String>,
}

impl Bench<'_> {
    /// Makes the secrets, each once.
    async fn fill(&self) -> Result<()> {
        let next = Arc::new(AtomicUsize::new(0));
        let count = self.args.secrets;
        let pick = move || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count);
        self.measure("create", Operation::Create, pick).await
    }

    /// Sends requests for a number of seconds.
    async fn phase(&self, name: &str, operation: Operation) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(self.args.seconds);
        let count = self.args.secrets;
        self.measure(name, operation, move || (Instant::now() < end).then(|| random_below(count))).await
    }

    /// Runs all clients until `pick` names no secret, and prints what came of it.
    async fn measure<P>(&self, name: &str, operation: Operation, pick: P) -> Result<()>
    where
        P: Fn() -> Option<usize> + Clone + Send + 'static,
    {
        let before = self.server_ticks()?;
        let started = Instant::now();
        let mut clients = JoinSet::new();
        for number in 0..self.args.clients {
            let mut channel = self.channels[number % self.channels.len()].clone();
            let (pick, value) = (pick.clone(), "v".repeat(self.args.value_bytes));
            clients.spawn(async move {
                let mut seen = Seen::default();
                while let Some(secret) = pick() {
                    let sent = Instant::now();
                    match tokio::time::timeout(TIMEOUT, send(&mut channel, operation, secret, &value)).await {
                        Ok(Ok(())) => seen.latencies.push(sent.elapsed()),
                        Ok(Err(status)) => seen.fail(format!("{:?}: {}", status.code(), status.message())),
                        Err(_) => seen.fail("no answer in time".to_owned()),
                    }
                }
                seen
            });
        }
        let seen = clients.join_all().await;
        let elapsed = started.elapsed();
        let ticks = self.server_ticks()? - before;
        print(name, seen, elapsed, ticks)
    }

    fn server_ticks(&self) -> Result<u64> {
        self.cluster.nodes()?.iter().map(|node| cpu_ticks(node.pid)).sum()
    }
}

impl Seen {
    fn fail(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }
}

async fn send(
    channel: &mut SecretsClient<Channel>,
    operation: Operation,
    secret: usize,
    value: &str,
) -> Result<(), Status> {
    let name = format!("bench/{secret}");
    let token = Uuid::new_v4().to_string();
    match operation {
        Operation::Create => channel.create_secret(requests::create_secret(&name, &token, value)).await.map(drop),
        Operation::Put => channel.put_secret_value(requests::put_secret_value(&name, &token, value)).await.map(drop),
        Operation::Get => channel.get_secret_value(requests::secret_value(&name, None)).await.map(drop),
    }
}

fn random_below(count: usize) -> usize {
    // The remainder's bias does not matter here.
    usize::try_from(Uuid::new_v4().as_u128() % count as u128).unwrap_or(0)
}

fn print(name: &str, seen: Vec<Seen>, elapsed: Duration, ticks: u64) -> Result<()> {
    let errors: usize = seen.iter().map(|client| client.errors).sum();
    let first_error = seen.iter().find_map(|client| client.first_error.clone());
    let mut latencies: Vec<Duration> = seen.into_iter().flat_map(|client| client.latencies).collect();
    latencies.sort_unstable();
    let count = latencies.len();
    let last = count.checked_sub(1).with_context(|| format!("{name}: no request succeeded: {first_error:?}"))?;
    let at = |percent: usize| latencies[(count * percent / 100).min(last)].as_secs_f64() * 1_000.0;
    let rate = count as f64 / elapsed.as_secs_f64();
    let cpu = ticks as f64 * 1e6 / TICKS as f64 / count as f64;
    say(&format!("{name:<10} {rate:>9.0} {:>8.2} {:>8.2} {cpu:>19.1} {count:>10} {errors:>8}", at(50), at(99)))?;
    if let Some(error) = first_error {
        say(&format!("{name}: the first error: {error}"))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
