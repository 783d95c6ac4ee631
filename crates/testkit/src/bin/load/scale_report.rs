//! The figures of `bench scale` as tables and as JSON.

use std::io::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use crate::contestant::Front;
use crate::drive::{Operation, Run};
use crate::etcd;
use crate::meter;
use crate::report::median;
use crate::scale::{Figures, LOOKUPS, ScaleArgs, Size};

/// Gets with the most secrets by gets with the fewest, at least.
const GETS_BAR: f64 = 0.7;
/// Our start by etcd's, with the most secrets, at most.
const START_BAR: f64 = 1.0;

/// The time that a lookup takes with many secrets, by that with the fewest, at most.
const LOOKUPS_BAR: f64 = 1.3;
/// The most secrets that [`LOOKUPS_BAR`] is about.
const LOOKUPS_BAR_SECRETS: usize = 100_000;

/// A line of the table: what it is, how many digits it has, and the figure of a system.
type Line = (&'static str, usize, fn(&Figures) -> Option<f64>);

const LINES: [Line; 23] = [
    ("fill, secrets/s", 0, |f| Some(f.fill.per_second)),
    ("first reads of the day, req/s", 0, |f| f.first_reads.as_ref().map(|run| run.per_second)),
    ("gets gRPC, req/s", 0, |f| rate(f, &[Front::Grpc, Front::Etcd])),
    ("gets gRPC, p99 ms", 2, |f| figure(f, &[Front::Grpc, Front::Etcd], |run| run.p99_ms)),
    ("gets gRPC, server ms/1000", 1, |f| figure(f, &[Front::Grpc, Front::Etcd], |run| run.server_cpu_us)),
    ("gets HTTP+SigV4, req/s", 0, |f| rate(f, &[Front::Http])),
    ("gets HTTP+SigV4, p99 ms", 2, |f| figure(f, &[Front::Http], |run| run.p99_ms)),
    ("puts, req/s", 0, |f| median(f.puts.iter().map(|run| run.per_second))),
    ("puts, p99 ms", 2, |f| median(f.puts.iter().map(|run| run.p99_ms))),
    ("gets by name in turn, req/s", 0, |f| lookup(f, Operation::Get, |run| run.per_second)),
    ("gets by name, server ms/1000", 1, |f| lookup(f, Operation::Get, |run| run.server_cpu_us)),
    ("gets by ARN in turn, req/s", 0, |f| lookup(f, Operation::GetByArn, |run| run.per_second)),
    ("gets by ARN, server ms/1000", 1, |f| lookup(f, Operation::GetByArn, |run| run.server_cpu_us)),
    ("lists by prefix in turn, req/s", 0, |f| lookup(f, Operation::ListByPrefix, |run| run.per_second)),
    ("lists by prefix, server ms/1000", 1, |f| lookup(f, Operation::ListByPrefix, |run| run.server_cpu_us)),
    ("RSS of a node, MB, filled", 0, |f| Some(mb(f.resident[1]))),
    ("RSS of a node, MB, after the load", 0, |f| Some(mb(f.resident[2]))),
    ("RSS of a node, MB, started again", 0, |f| Some(mb(f.resident[3]))),
    ("disk of a node, MB", 0, |f| Some(mb(f.disk))),
    ("start of all to the first get, s", 2, |f| Some(f.start.as_secs_f64())),
    ("start of one to its first get, s", 2, |f| Some(f.start_one.as_secs_f64())),
    ("checkpoint of what the log had, s", 2, |f| f.checkpoints.map(|times| times[0].as_secs_f64())),
    ("checkpoint of 1000 changes, s", 2, |f| f.checkpoints.map(|times| times[1].as_secs_f64())),
];

/// The table of one size.
pub(crate) fn table(size: &Size) -> String {
    let head = format!(
        "\n{} secrets of {} B, 64 clients, three nodes each, {} CPUs for all of it\n{:<36} {:>10} {:>10} {:>7}\n",
        size.secrets,
        size.value_bytes,
        meter::cpus(),
        "",
        "conclave",
        "etcd",
        "ratio"
    );
    let lines = LINES.iter().map(|(name, digits, of)| {
        let (ours, theirs) = (of(&size.conclave), size.etcd.as_ref().and_then(of));
        let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
        let show =
            |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
        format!("{name:<36} {:>10} {:>10} {:>7}\n", show(ours, *digits), show(theirs, *digits), show(ratio, 2))
    });
    let errors = format!("errors: conclave {}, etcd {}\n", errors(Some(&size.conclave)), errors(size.etcd.as_ref()));
    let per_secret = format!("resident bytes a secret, started again: {:.0}\n", per_secret(size));
    head + &lines.collect::<String>() + &per_secret + &errors
}

/// The most secrets against the fewest, and a start against etcd's, with their bars.
pub(crate) fn verdict(sizes: &[Size]) -> String {
    let mut text = "\n".to_owned();
    for (name, ratio) in gets_ratios(sizes) {
        text += &judged(&format!("gets {name}, most secrets / fewest"), ratio, ratio >= GETS_BAR, "at least", GETS_BAR);
    }
    for (secrets, fewest, operation, [time, cpu]) in lookup_costs(sizes) {
        let what = format!("{} of {secrets} / of {fewest}: server CPU {cpu:.2}, time", operation.name());
        text += &match secrets <= LOOKUPS_BAR_SECRETS {
            true => judged(&what, time, time <= LOOKUPS_BAR, "at most", LOOKUPS_BAR),
            false => format!("{what}: {time:.2}\n"),
        };
    }
    if let Some(ratio) = start_ratio(sizes) {
        text += &judged("start with the most secrets / etcd's", ratio, ratio <= START_BAR, "at most", START_BAR);
    }
    text
}

fn judged(what: &str, ratio: f64, met: bool, side: &str, bar: f64) -> String {
    format!("{what}: {ratio:.2} ({side} {bar:.1}: {})\n", if met { "met" } else { "NOT met" })
}

/// Everything, with the two ratios.
pub(crate) fn json(args: &ScaleArgs, sizes: &[Size]) -> Value {
    let gets = gets_ratios(sizes).into_iter().map(|(name, ratio)| (name.to_owned(), json!(ratio)));
    json!({
        "cpus": meter::cpus(),
        "etcd": args.etcd().and_then(|program| etcd::version(program).ok()),
        "sizes": sizes.iter().map(size_json).collect::<Vec<_>>(),
        "lookups_to_fewest": lookup_costs(sizes).map(|(secrets, fewest, operation, [time, cpu])| json!({
            "operation": operation.name(), "secrets": secrets, "fewest": fewest, "time": time, "server_cpu": cpu,
        })).collect::<Vec<_>>(),
        "gets_most_to_fewest": gets.collect::<serde_json::Map<_, _>>(),
        "start_to_etcd": start_ratio(sizes),
        "bars": {"gets_most_to_fewest": GETS_BAR, "start_to_etcd": START_BAR, "lookups_to_fewest": LOOKUPS_BAR},
    })
}

fn size_json(size: &Size) -> Value {
    json!({
        "secrets": size.secrets,
        "value_bytes": size.value_bytes,
        "resident_bytes_a_secret": per_secret(size),
        "conclave": figures_json(&size.conclave),
        "etcd": size.etcd.as_ref().map(figures_json),
    })
}

fn figures_json(figures: &Figures) -> Value {
    let medians: serde_json::Map<String, Value> =
        LINES.iter().map(|(name, _, of)| ((*name).to_owned(), json!(of(figures)))).collect();
    let rates = |runs: &[Run]| runs.iter().map(|run| run.per_second).collect::<Vec<_>>();
    let gets = figures.gets.iter().map(|(front, runs)| (front.name().to_owned(), json!(rates(runs))));
    let starts = [figures.start, figures.start_one].map(|time| time.as_secs_f64());
    json!({
        "medians": medians,
        "gets_per_second": gets.collect::<serde_json::Map<_, _>>(),
        "puts_per_second": rates(&figures.puts),
        "resident_bytes": figures.resident,
        "start_seconds": starts,
        "errors": errors(Some(figures)),
    })
}

/// Writes to the standard output.
pub(crate) fn show(text: &str) -> Result<()> {
    Ok(write!(std::io::stdout().lock(), "{text}")?)
}

fn gets_ratios(sizes: &[Size]) -> Vec<(&'static str, f64)> {
    let fewest = sizes.iter().min_by_key(|size| size.secrets);
    let most = sizes.iter().max_by_key(|size| size.secrets);
    let (Some(fewest), Some(most)) = (fewest, most) else { return Vec::new() };
    let ratio = |front: Front| {
        let of = |size: &Size| rate(&size.conclave, &[front]);
        Some((front.name(), of(most)? / of(fewest)?))
    };
    [Front::Grpc, Front::Http].into_iter().filter_map(ratio).collect()
}

/// What a lookup costs with each number of secrets but the fewest, by what it costs with these: the time of a request, when
/// all clients are busy, and the servers' CPU time.
fn lookup_costs(sizes: &[Size]) -> impl Iterator<Item = (usize, usize, Operation, [f64; 2])> {
    let fewest = sizes.iter().min_by_key(|size| size.secrets);
    let more = sizes.iter().filter(move |size| fewest.is_some_and(|fewest| size.secrets > fewest.secrets));
    let of_operations = more.flat_map(|size| LOOKUPS.map(|operation| (size, operation)));
    of_operations.filter_map(move |(size, operation)| {
        let of = |size: &Size, of| lookup(&size.conclave, operation, of);
        let ratio = |cost: fn(&Run) -> f64| Some(of(size, cost)? / of(fewest?, cost)?);
        let costs = [ratio(|run| 1.0 / run.per_second)?, ratio(|run| run.server_cpu_us)?];
        Some((size.secrets, fewest?.secrets, operation, costs))
    })
}

/// The median of a figure of a lookup.
fn lookup(figures: &Figures, operation: Operation, of: fn(&Run) -> f64) -> Option<f64> {
    let (_, runs) = figures.lookups.iter().find(|(known, _)| *known == operation)?;
    median(runs.iter().map(of))
}

fn start_ratio(sizes: &[Size]) -> Option<f64> {
    let most = sizes.iter().max_by_key(|size| size.secrets)?;
    Some(most.conclave.start.as_secs_f64() / most.etcd.as_ref()?.start.as_secs_f64())
}

fn rate(figures: &Figures, fronts: &[Front]) -> Option<f64> {
    figure(figures, fronts, |run| run.per_second)
}

/// The median of a figure of the gets by the first of the fronts that there is.
fn figure(figures: &Figures, fronts: &[Front], of: fn(&Run) -> f64) -> Option<f64> {
    let (_, runs) = figures.gets.iter().find(|(front, _)| fronts.contains(front))?;
    median(runs.iter().map(of))
}

fn per_secret(size: &Size) -> f64 {
    let [empty, .., again] = size.conclave.resident;
    again.saturating_sub(empty) as f64 / size.secrets as f64
}

fn errors<'a>(figures: Option<&'a Figures>) -> usize {
    let lookups = |f: &'a Figures| f.lookups.iter().flat_map(|(_, runs)| runs);
    let runs =
        figures.into_iter().flat_map(|f| f.gets.iter().flat_map(|(_, runs)| runs).chain(&f.puts).chain(lookups(f)));
    runs.map(|run| run.errors).sum()
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(per_second: f64) -> Run {
        Run {
            requests: 1,
            errors: 0,
            first_error: None,
            per_second,
            p50_ms: 1.0,
            p99_ms: 2.0,
            server_cpu_us: 3.0,
            client_cpu_us: 4.0,
            others: 0.0,
            written_bytes: None,
            resident: 5,
        }
    }

    fn size(secrets: usize, gets: f64, start: u64) -> Size {
        let figures = |front, start| Figures {
            fill: run(1.0),
            first_reads: None,
            gets: vec![(front, vec![run(gets)])],
            puts: vec![run(2.0)],
            lookups: vec![(Operation::GetByArn, vec![run(gets)])],
            resident: [1_000, 2_000, 3_000, 4_000],
            disk: 1,
            start: Duration::from_secs(start),
            start_one: Duration::from_secs(1),
            checkpoints: None,
        };
        let (conclave, etcd) = (figures(Front::Grpc, start), Some(figures(Front::Etcd, 2)));
        Size { secrets, value_bytes: 256, conclave, etcd }
    }

    #[test]
    fn a_lookup_may_cost_a_little_more_with_many_secrets() {
        let sizes = [size(LOOKUPS_BAR_SECRETS, 50.0, 1), size(1_000, 100.0, 1), size(1_000_000, 25.0, 1)];
        let costs: Vec<_> = lookup_costs(&sizes).collect();
        let arn = Operation::GetByArn;
        assert_eq!(costs, [(100_000, 1_000, arn, [2.0, 1.0]), (1_000_000, 1_000, arn, [4.0, 1.0])]);
        let verdict = verdict(&sizes);
        assert!(verdict.contains("get by ARN of 100000 / of 1000: server CPU 1.00, time: 2.00 (at most 1.3: NOT met)"));
        assert!(verdict.contains("get by ARN of 1000000 / of 1000: server CPU 1.00, time: 4.00\n"), "{verdict}");
    }

    #[test]
    fn the_bars_are_about_the_most_and_the_fewest_secrets() {
        let sizes = [size(3_000, 60.0, 3), size(1_000, 100.0, 9), size(2_000, 1.0, 9)];
        assert_eq!(gets_ratios(&sizes), vec![(Front::Grpc.name(), 0.6)]);
        assert_eq!(start_ratio(&sizes), Some(1.5));
        assert_eq!(verdict(&sizes).matches("NOT met").count(), 4);
        let good = [size(1_000, 100.0, 9), size(2_000, 90.0, 2)];
        assert_eq!((verdict(&good).matches("NOT").count(), verdict(&good).matches("met").count()), (0, 3));
        assert_eq!(size_json(&sizes[0])["resident_bytes_a_secret"], 1.0);
    }
}
