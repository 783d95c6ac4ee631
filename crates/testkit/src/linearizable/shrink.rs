//! Makes a violation short enough to read.

use super::{Verdict, decide};
use crate::history::{Operation, Outcome, Request};

/// The part of a history that is not linearizable that ends with the first completion which makes it so, without the
/// operations that only look and are not needed.
///
/// Both are sound: what came before a moment, with that under way unknown, is linearizable if the whole is; so is what
/// is left without an operation that changes nothing. Where the search is given up, what is shown stays longer.
pub(super) fn shortest(operations: Vec<Operation>) -> Vec<Operation> {
    let mut rest = first_violated(&operations).unwrap_or(operations);
    for position in (0..rest.len()).rev() {
        if !only_looks(&rest[position]) {
            continue;
        }
        let mut without = rest.clone();
        without.remove(position);
        if decide(&without) == Verdict::Violated {
            rest = without;
        }
    }
    rest
}

/// The shortest prefix that is violated: by bisection, since every longer one is too.
fn first_violated(operations: &[Operation]) -> Option<Vec<Operation>> {
    let mut ends: Vec<u64> = operations.iter().filter_map(|o| o.completed).map(|moment| moment.tick).collect();
    ends.sort_unstable();
    let first = ends.partition_point(|end| decide(&until(operations, *end)) != Verdict::Violated);
    Some(until(operations, *ends.get(first)?))
}

/// What was known at a moment.
fn until(operations: &[Operation], end: u64) -> Vec<Operation> {
    let known = operations.iter().filter(|operation| operation.invoked.tick < end).cloned();
    let known = known.map(|operation| match operation.completed {
        Some(completed) if completed.tick <= end => operation,
        _ => Operation { completed: None, outcome: Outcome::Unknown, ..operation },
    });
    known.collect()
}

fn only_looks(operation: &Operation) -> bool {
    match (&operation.request, &operation.outcome) {
        (Request::Get, _) | (_, Outcome::Refused(_)) => true,
        (_, outcome) => matches!(outcome, Outcome::Absent | Outcome::Exists | Outcome::NotCurrent),
    }
}
