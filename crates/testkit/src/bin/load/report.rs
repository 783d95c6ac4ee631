//! The figures as a table and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::args::Plan;
use crate::cell::{Cell, Measured, Pair};
use crate::contestant::Front;
use crate::drive::{Operation, Run};
use crate::etcd;
use crate::meter;

/// A figure of a run, for the medians and the ratios.
type Figure = (&'static str, fn(&Run) -> Option<f64>);

const FIGURES: [Figure; 8] = [
    ("per_second", |run| Some(run.per_second)),
    ("p50_ms", |run| Some(run.p50_ms)),
    ("p99_ms", |run| Some(run.p99_ms)),
    ("server_cpu_us", |run| Some(run.server_cpu_us)),
    ("client_cpu_us", |run| Some(run.client_cpu_us)),
    ("resident_mb", |run| Some(run.resident as f64 / 1e6)),
    ("written_bytes", |run| run.written_bytes),
    ("others", |run| Some(run.others)),
];

/// All cells.
#[derive(Debug, Default)]
pub(crate) struct Report {
    cells: Vec<Cell>,
}

impl Report {
    pub(crate) fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// Everything that was measured, with medians and ratios.
    pub(crate) fn json(&self, plan: &Plan) -> Value {
        json!({
            "cpus": meter::cpus(),
            "etcd": plan.etcd.as_deref().and_then(|program| etcd::version(program).ok()),
            "cells": self.cells.iter().map(cell_json).collect::<Vec<_>>(),
        })
    }
}

/// The table of a cell.
pub(crate) fn table(cell: &Cell) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _written = write_table(&mut text, cell);
    text
}

fn write_table(text: &mut String, cell: &Cell) -> std::fmt::Result {
    writeln!(
        text,
        "\n{} B, {} clients, {} secrets, runs of {} s, three nodes each, {} CPUs for all of it",
        cell.value_bytes,
        cell.clients,
        cell.secrets,
        cell.run.as_secs(),
        meter::cpus()
    )?;
    writeln!(
        text,
        "{:<26} {:>7} {:>7} {:>7} {:>14} {:>14} {:>7} {:>10} {:>10} {:>7}",
        "medians",
        "req/s",
        "p50 ms",
        "p99 ms",
        "server ms/1000",
        "client ms/1000",
        "RSS MB",
        "disk B/req",
        "syncs/req",
        "errors"
    )?;
    for measured in &cell.operations {
        for (number, front) in cell.fronts.iter().enumerate() {
            let median =
                |figure: usize| median(measured.pairs.iter().filter_map(|pair| FIGURES[figure].1(&pair.runs[number])));
            let show = |figure: usize, digits: usize| shown(median(figure), digits);
            let errors: usize = measured.pairs.iter().map(|pair| pair.runs[number].errors).sum();
            writeln!(
                text,
                "{:<26} {:>7} {:>7} {:>7} {:>14} {:>14} {:>7} {:>10} {:>10} {:>7}",
                format!("{} {}", measured.operation.name(), front.name()),
                show(0, 0),
                show(1, 2),
                show(2, 2),
                show(3, 1),
                show(4, 1),
                show(5, 0),
                shown(median(6).filter(|_| measured.operation == Operation::Put), 0),
                shown(measured.syncs.get(number).copied(), 3),
                errors
            )?;
        }
    }
    for measured in &cell.operations {
        for (front, ratios) in ratios(cell, measured) {
            let show = |figure: usize| shown(ratios[figure], 2);
            writeln!(
                text,
                "{:<26} {:>7} {:>7} {:>7} {:>14} {:>14} {:>7} {:>10}",
                format!("{} {} / etcd", measured.operation.name(), front.name().trim_start_matches("conclave ")),
                show(0),
                show(1),
                show(2),
                show(3),
                show(4),
                show(5),
                shown(ratios[6].filter(|_| measured.operation == Operation::Put), 2)
            )?;
        }
    }
    for (state, memory) in ["empty", "filled", "at the end"].iter().zip(&cell.memory) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        write!(text, "RSS {state}: conclave {:.0} MB", mb(memory.conclave))?;
        match memory.etcd {
            Some(etcd) => writeln!(text, ", etcd {:.0} MB, ratio {:.2}", mb(etcd), mb(memory.conclave) / mb(etcd))?,
            None => writeln!(text)?,
        }
    }
    let (conclave, etcd) = (cell.puts.conclave.turns(), cell.puts.etcd.turns());
    writeln!(text, "puts until the end: conclave {conclave}, etcd {etcd}")?;
    for measured in &cell.operations {
        let runs = || measured.pairs.iter().flat_map(|pair| &pair.runs);
        let sync = median(measured.pairs.iter().map(sync_ms)).unwrap_or_default();
        let others = median(runs().map(|run| run.others * 100.0)).unwrap_or_default();
        writeln!(
            text,
            "{}: {} pairs, {} discarded; raw fdatasync p50 {sync:.2} ms; other processes used {others:.0} % of the CPUs",
            measured.operation.name(),
            measured.pairs.len(),
            measured.discarded
        )?;
        if let Some(error) = runs().find_map(|run| run.first_error.as_ref()) {
            writeln!(text, "{}: the first error: {error}", measured.operation.name())?;
        }
    }
    Ok(())
}

fn cell_json(cell: &Cell) -> Value {
    let memory = |number: usize| json!({"conclave": cell.memory[number].conclave, "etcd": cell.memory[number].etcd});
    json!({
        "value_bytes": cell.value_bytes,
        "clients": cell.clients,
        "secrets": cell.secrets,
        "run_seconds": cell.run.as_secs(),
        "resident_bytes": {"empty": memory(0), "filled": memory(1), "end": memory(2)},
        "puts": {"conclave": cell.puts.conclave.turns(), "etcd": cell.puts.etcd.turns()},
        "operations": cell.operations.iter().map(|measured| operation_json(cell, measured)).collect::<Vec<_>>(),
    })
}

fn operation_json(cell: &Cell, measured: &Measured) -> Value {
    let fronts = cell.fronts.iter().enumerate().map(|(number, front)| {
        let runs = || measured.pairs.iter().map(move |pair| &pair.runs[number]);
        let medians = FIGURES.iter().map(|(name, of)| ((*name).to_owned(), json!(median(runs().filter_map(of)))));
        json!({
            "front": front.name(),
            "medians": medians.collect::<serde_json::Map<_, _>>(),
            "syncs_per_request": measured.syncs.get(number),
            "runs": runs().map(run_json).collect::<Vec<_>>(),
        })
    });
    let ratios = ratios(cell, measured).into_iter().map(|(front, ratios)| {
        let named = FIGURES.iter().zip(ratios).map(|((name, _), ratio)| ((*name).to_owned(), json!(ratio)));
        (front.name().to_owned(), Value::Object(named.filter(|(name, _)| name != "others").collect()))
    });
    json!({
        "operation": measured.operation.name(),
        "fronts": fronts.collect::<Vec<_>>(),
        "ratios_to_etcd": ratios.collect::<serde_json::Map<_, _>>(),
        "fdatasync_p50_ms": measured.pairs.iter().map(sync_ms).collect::<Vec<_>>(),
        "discarded_pairs": measured.discarded,
    })
}

fn run_json(run: &Run) -> Value {
    let mut figures: serde_json::Map<String, Value> =
        FIGURES.iter().map(|(name, of)| ((*name).to_owned(), json!(of(run)))).collect();
    figures.insert("requests".to_owned(), json!(run.requests));
    figures.insert("errors".to_owned(), json!(run.errors));
    figures.insert("first_error".to_owned(), json!(run.first_error));
    Value::Object(figures)
}

/// For each front of ours the medians over the pairs of its figures divided by etcd's in the same pair.
fn ratios(cell: &Cell, measured: &Measured) -> Vec<(Front, [Option<f64>; FIGURES.len()])> {
    let Some(etcd) = cell.fronts.iter().position(|front| *front == Front::Etcd) else { return Vec::new() };
    let ours = cell.fronts.iter().enumerate().filter(|(number, _)| *number != etcd);
    ours.map(|(number, front)| {
        let of = |figure: fn(&Run) -> Option<f64>| {
            median(measured.pairs.iter().filter_map(|pair| {
                let (ours, theirs) = (figure(&pair.runs[number])?, figure(&pair.runs[etcd])?);
                (theirs > 0.0).then_some(ours / theirs)
            }))
        };
        (*front, FIGURES.map(|(_, figure)| of(figure)))
    })
    .collect()
}

fn sync_ms(pair: &Pair) -> f64 {
    pair.sync_p50.as_secs_f64() * 1e3
}

/// The value in the middle, or the mean of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[lower] + values[upper]) / 2.0)
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0].into_iter()), Some(3.0));
        assert_eq!(median([9.0, 1.0, 4.0].into_iter()), Some(4.0));
        assert_eq!(median([9.0, 1.0, 4.0, 5.0].into_iter()), Some(4.5));
    }
}
