//! What clients asked of secrets, what they heard, and in which order: the input of [`crate::linearizable`].
//!
//! All clients of a run share one [`Recorder`] in one process. An invocation takes its tick before anything is sent,
//! a completion after the whole answer is there, and ticks are one atomic counter: if one operation ended before
//! another began, its ticks say so. Times are for people only.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::oracle::Ticks;

/// What is asked of one secret. Versions are named by their ids; no two writes make the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Makes the secret with this as its current version.
    Create(String),
    /// Makes a version the current one of a secret that is there.
    Put(String),
    /// Makes an older version current, if `from` is current.
    Swap {
        /// The version that must be current.
        from: String,
        /// The one that is afterwards.
        to: String,
    },
    /// Deletes the secret at once, if it is there.
    Delete,
    /// Asks for the current version.
    Get,
}

/// What the client heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A write was acknowledged.
    Done,
    /// The current version, to a get.
    Found(String),
    /// There is no such secret.
    Absent,
    /// There is one already, to a create.
    Exists,
    /// Another version is current, to a swap.
    NotCurrent,
    /// A definite no for a reason that is not the secret's state. Nothing was changed.
    Refused(String),
    /// Nothing, or that it is unknown: it may have taken effect, or may at any later time.
    Unknown,
}

/// A point in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its place in the order of all moments.
    pub tick: u64,
    /// Since the run began, for people.
    pub at: Duration,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who asked whom, for people.
    pub client: String,
    /// The secret.
    pub key: String,
    /// What was asked.
    pub request: Request,
    /// When it was sent at the earliest.
    pub invoked: Moment,
    /// When the client heard, or gave up; `None` if it never did.
    pub completed: Option<Moment>,
    /// What it heard.
    pub outcome: Outcome,
}

/// An operation that has begun. One that is dropped stays unknown.
#[derive(Debug)]
#[must_use = "an operation that is not completed counts as unknown"]
pub struct Invocation(usize);

/// Where all clients of a run note what they do.
#[derive(Clone, Debug)]
pub struct Recorder {
    ticks: Ticks,
    began: Instant,
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { ticks: Ticks::default(), began: Instant::now(), operations: Arc::default() }
    }
}

impl Recorder {
    /// Notes that a client is about to ask.
    pub fn invoke(&self, client: &str, key: &str, request: Request) -> Invocation {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let invoked = self.now();
        let (client, key) = (client.to_owned(), key.to_owned());
        operations.push(Operation { client, key, request, invoked, completed: None, outcome: Outcome::Unknown });
        Invocation(operations.len() - 1)
    }

    /// Notes what it heard.
    pub fn complete(&self, Invocation(position): Invocation, outcome: Outcome) {
        let completed = Some(self.now());
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(operation) = operations.get_mut(position) {
            operation.completed = completed;
            operation.outcome = outcome;
        }
    }

    /// Everything so far, in the order of invocation.
    pub fn history(&self) -> History {
        History { operations: self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    fn now(&self) -> Moment {
        Moment { tick: self.ticks.next(), at: self.began.elapsed() }
    }
}

/// The operations of a run, in the order of invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// All of them.
    pub operations: Vec<Operation>,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub operations: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Gets that were answered.
    pub reads: usize,
    /// Told no because of the secret's state.
    pub declined: usize,
    /// Told no for another reason.
    pub refused: usize,
    /// Writes of unknown fate.
    pub unknown: usize,
    /// Gets without an answer.
    pub unanswered: usize,
}

impl History {
    /// The operations of each secret.
    pub fn by_key(&self) -> BTreeMap<&str, Vec<Operation>> {
        let mut keys: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
        for operation in &self.operations {
            keys.entry(&operation.key).or_default().push(operation.clone());
        }
        keys
    }

    /// Counts.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { operations: self.operations.len(), ..Tally::default() };
        for operation in &self.operations {
            *match (&operation.request, &operation.outcome) {
                (_, Outcome::Refused(_)) => &mut tally.refused,
                (Request::Get, Outcome::Unknown) => &mut tally.unanswered,
                (Request::Get, _) => &mut tally.reads,
                (_, Outcome::Unknown) => &mut tally.unknown,
                (_, Outcome::Done) => &mut tally.acknowledged,
                _ => &mut tally.declined,
            } += 1;
        }
        tally
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(version) => write!(f, "create {version}"),
            Self::Put(version) => write!(f, "put {version}"),
            Self::Swap { from, to } => write!(f, "swap {from} for {to}"),
            Self::Delete => write!(f, "delete"),
            Self::Get => write!(f, "get"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "acknowledged"),
            Self::Found(version) => write!(f, "{version}"),
            Self::Absent => write!(f, "no such secret"),
            Self::Exists => write!(f, "exists already"),
            Self::NotCurrent => write!(f, "another is current"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Unknown => write!(f, "unknown"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |moment: Moment| format!("{:.4}", moment.at.as_secs_f64());
        let completed = match (&self.outcome, self.completed) {
            (Outcome::Unknown, _) | (_, None) => "?".to_owned(),
            (_, Some(moment)) => seconds(moment),
        };
        write!(
            f,
            "{:>9} - {completed:>9}  {}: {} -> {}",
            seconds(self.invoked),
            self.client,
            self.request,
            self.outcome
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_completed_is_unknown_and_order_is_that_of_the_clients() {
        let recorder = Recorder::default();
        let first = recorder.invoke("a", "k", Request::Put("1".into()));
        drop(recorder.invoke("b", "k", Request::Get));
        let third = recorder.invoke("c", "other", Request::Get);
        recorder.complete(third, Outcome::Absent);
        recorder.complete(first, Outcome::Done);
        let history = recorder.history();
        let ticks: Vec<_> = history.operations.iter().map(|o| (o.invoked.tick, o.completed.map(|m| m.tick))).collect();
        assert_eq!(ticks, [(0, Some(4)), (1, None), (2, Some(3))]);
        assert_eq!(history.by_key().keys().copied().collect::<Vec<_>>(), ["k", "other"]);
        let tally = history.tally();
        assert_eq!((tally.operations, tally.acknowledged, tally.reads, tally.unanswered), (3, 1, 1, 1));
    }
}
