//! Whether a history is linearizable: whether each operation can be given one instant between its invocation and its
//! completion, such that all of them, one after the other, answer as one copy of the secret would.
//!
//! Secrets are independent objects, so each one's operations are a history of their own (Herlihy and Wing: such a
//! history is linearizable when the parts are). For each the search of Wing and Gong tries the operations
//! that may come next, and goes back when none fits; as Lowe showed, it need not go on from a set of operations and a
//! state that it has been to before.
//!
//! An operation of unknown fate may take effect at any time after its invocation, or never. Many of them
//! would make the search long; `register::events` says which of them matter and until when.
//!
//! Deliberately not here: operations on several secrets, such as ListSecrets.

mod register;
mod search;
mod shrink;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::history::{History, Operation};
use search::Search;

/// Steps that the search of one secret's history may take: some seconds.
const STEPS: u64 = 4_000_000;

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Secrets.
    pub keys: usize,
    /// Operations of all of them.
    pub operations: usize,
    /// Operations of the secret that had most.
    pub most: usize,
}

/// Why a history does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is not linearizable.
    Violation(Violation),
    /// The search was given up: nothing is known.
    Undecided {
        /// The secret.
        key: String,
        /// Its operations.
        operations: usize,
    },
}

/// A part of a secret's history that is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The secret.
    pub key: String,
    /// Of so many operations.
    pub of: usize,
    /// How many other secrets have one too.
    pub others: usize,
    /// Up to the first completion that cannot be, without the reads that have no part in it.
    pub operations: Vec<Operation>,
}

/// Checks the history of every secret.
///
/// # Errors
/// The shortest violation; if there is none, the first secret that could not be decided.
pub fn check(history: &History) -> Result<Checked, Failure> {
    let mut checked = Checked::default();
    let mut violated = Vec::new();
    let mut undecided = None;
    for (key, operations) in history.by_key() {
        checked.keys += 1;
        checked.operations += operations.len();
        checked.most = checked.most.max(operations.len());
        match decide(&operations) {
            Verdict::Linearizable => {}
            Verdict::Violated => violated.push((key, operations)),
            Verdict::Undecided => {
                let unknown = Failure::Undecided { key: key.to_owned(), operations: operations.len() };
                undecided.get_or_insert(unknown);
            }
        }
    }
    let others = violated.len().saturating_sub(1);
    let shortest = violated.into_iter().map(|(key, operations)| {
        let of = operations.len();
        Violation { key: key.to_owned(), of, others, operations: shrink::shortest(operations) }
    });
    match shortest.min_by_key(|violation| violation.operations.len()) {
        Some(violation) => Err(Failure::Violation(violation)),
        None => undecided.map_or(Ok(checked), Err),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Linearizable,
    Violated,
    Undecided,
}

/// Decides the history of one secret.
fn decide(operations: &[Operation]) -> Verdict {
    Search::new(register::events(operations)).run(STEPS)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Undecided { key, operations } => {
                write!(f, "UNDECIDED: the search of {operations} operations on {key} was given up")
            }
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, of, others, operations } = self;
        let shown = operations.len();
        writeln!(f, "NOT LINEARIZABLE: {key}; {shown} of its {of} operations, in seconds since the run began")?;
        operations.iter().try_for_each(|operation| writeln!(f, "{operation}"))?;
        write!(f, "no order of these answers so; {others} other secrets have no order either")
    }
}

impl std::error::Error for Failure {}
