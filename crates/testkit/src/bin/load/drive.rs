//! Many clients at once, each with one request under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::contestant::Contestant;
use crate::meter::{self, Usage};

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often each secret is tried when every one must have its turn, and the pause between.
const FILL_ATTEMPTS: usize = 8;
const FILL_PAUSE: Duration = Duration::from_millis(500);
/// A prime above the number of secrets of any run: steps of it visit every secret before one comes again.
const STRIDE: usize = 7_368_787;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Put,
    Get,
    GetByArn,
    /// ListSecrets of the few secrets whose names begin as that of the secret.
    ListByPrefix,
}

impl Operation {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Put => "put",
            Self::Get => "get",
            Self::GetByArn => "get by ARN",
            Self::ListByPrefix => "list by name prefix",
        }
    }
}

/// The secrets in an order without neighbours, each as often as the others: a secret has room for so many versions.
#[derive(Debug)]
pub(crate) struct Order {
    secrets: usize,
    taken: AtomicUsize,
    drawn: Option<u32>,
}

impl Order {
    pub(crate) const fn new(secrets: usize) -> Self {
        Self { secrets, taken: AtomicUsize::new(0), drawn: None }
    }

    /// Each turn draws one of them, equally likely, and in no relation to the order of their creation.
    pub(crate) const fn drawn(secrets: usize, seed: u32) -> Self {
        Self { drawn: Some(seed), ..Self::new(secrets) }
    }

    /// How many turns there were.
    pub(crate) fn turns(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// The next secret; `None` if there were so many turns already.
    fn take(&self, turns: usize) -> Option<usize> {
        let turn = self.taken.fetch_add(1, Ordering::Relaxed);
        (turn < turns).then(|| match self.drawn {
            None => turn % self.secrets * (STRIDE % self.secrets) % self.secrets,
            Some(seed) => modulo(scatter((turn as u64) << 8 | u64::from(seed)), self.secrets),
        })
    }
}

/// Spreads consecutive numbers over all numbers (the finalizer of splitmix64).
pub(crate) const fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn modulo(number: u64, count: usize) -> usize {
    usize::try_from(number % count as u64).unwrap_or(0)
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// When each secret has had a turn of its order, which is new.
    Once,
    /// When some time is over.
    During(Duration),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// User and system CPU time of the three servers, a request.
    pub(crate) server_cpu_us: f64,
    /// The same of this program.
    pub(crate) client_cpu_us: f64,
    /// The part of the machine's CPU that went to everything else.
    pub(crate) others: f64,
    /// What the disk was given by everybody, a request.
    pub(crate) written_bytes: Option<f64>,
    /// Resident bytes of the three servers at the end.
    pub(crate) resident: u64,
}

/// Sends one kind of request from all clients until the extent is reached.
pub(crate) async fn drive(
    contestant: &mut Contestant,
    operation: Operation,
    order: &Arc<Order>,
    value: &Arc<str>,
    extent: Extent,
) -> Result<Run> {
    let before = Usage::now(&contestant.pids)?;
    let began = Instant::now();
    let (turns, end, attempts) = match extent {
        Extent::Once => (order.secrets, None, FILL_ATTEMPTS),
        Extent::During(time) => (usize::MAX, Some(began + time), 1),
    };
    let mut clients = JoinSet::new();
    for mut way in contestant.ways.drain(..) {
        let (order, value) = (order.clone(), value.clone());
        let next = move || end.is_none_or(|end| Instant::now() < end).then(|| order.take(turns)).flatten();
        clients.spawn(async move {
            let mut seen = Seen::default();
            while let Some(secret) = next() {
                for attempt in 1..=attempts {
                    let sent = Instant::now();
                    match tokio::time::timeout(TIMEOUT, way.send(operation, secret, &value)).await {
                        Ok(Ok(())) => {
                            seen.latencies.push(sent.elapsed());
                            break;
                        }
                        // Whoever fills goes on: a leader may have changed.
                        _ if attempt < attempts => tokio::time::sleep(FILL_PAUSE).await,
                        Ok(Err(error)) => seen.fail(format!("{error:#}")),
                        Err(_) => seen.fail("no answer in time".to_owned()),
                    }
                }
            }
            (seen, way)
        });
    }
    let (seen, ways): (Vec<Seen>, Vec<_>) = clients.join_all().await.into_iter().unzip();
    let elapsed = began.elapsed();
    let used = Usage::now(&contestant.pids)?.since(before);
    contestant.ways = ways;
    let resident = meter::resident(&contestant.pids)?;
    summary(seen, elapsed, used, resident).with_context(|| format!("{} {}", contestant.front.name(), operation.name()))
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    latencies: Vec<Duration>,
    errors: usize,
    first_error: Option<String>,
}

impl Seen {
    fn fail(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }
}

fn summary(seen: Vec<Seen>, elapsed: Duration, used: Usage, resident: u64) -> Result<Run> {
    let errors = seen.iter().map(|client| client.errors).sum();
    let first_error = seen.iter().find_map(|client| client.first_error.clone());
    let mut latencies: Vec<Duration> = seen.into_iter().flat_map(|client| client.latencies).collect();
    latencies.sort_unstable();
    let requests = latencies.len();
    let last = requests.checked_sub(1).with_context(|| format!("no request succeeded: {first_error:?}"))?;
    let at = |percent: usize| latencies[(requests * percent / 100).min(last)].as_secs_f64() * 1e3;
    let count = requests as f64;
    Ok(Run {
        requests,
        errors,
        first_error,
        per_second: count / elapsed.as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
        server_cpu_us: used.servers * 1e6 / count,
        client_cpu_us: used.generator * 1e6 / count,
        others: used.others() / elapsed.as_secs_f64() / meter::cpus() as f64,
        written_bytes: used.written.map(|bytes| bytes as f64 / count),
        resident,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_has_as_many_turns_as_the_others() {
        for secrets in [1, 7, 1_000, 10_000] {
            let order = Order::new(secrets);
            for round in 1..=2 {
                let mut seen: Vec<usize> = (0..secrets).map(|_| order.take(usize::MAX).unwrap()).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..secrets).collect::<Vec<_>>());
                assert_eq!(order.turns(), round * secrets);
            }
            assert_eq!(order.take(2 * secrets), None);
        }
    }

    #[test]
    fn every_secret_is_drawn_about_as_often_as_the_others() {
        let order = Order::drawn(10, 3);
        let mut counts = [0; 10];
        (0..10_000).for_each(|_| counts[order.take(usize::MAX).unwrap()] += 1);
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn errors_are_no_requests() {
        let mut seen = Seen { latencies: (1..=200).map(Duration::from_millis).collect(), ..Seen::default() };
        (0..300).for_each(|number| seen.fail(format!("error {number}")));
        let used = Usage { servers: 0.5, generator: 0.25, machine: 2.0, written: Some(20_000) };
        let run = summary(vec![seen], Duration::from_secs(2), used, 1).unwrap();
        assert_eq!((run.requests, run.errors, run.first_error.as_deref()), (200, 300, Some("error 0")));
        assert_eq!((run.per_second, run.p50_ms, run.p99_ms), (100.0, 101.0, 199.0));
        assert_eq!((run.server_cpu_us, run.client_cpu_us, run.written_bytes), (2_500.0, 1_250.0, Some(100.0)));
        assert!(summary(vec![Seen::default()], Duration::from_secs(1), used, 1).is_err());
    }
}
