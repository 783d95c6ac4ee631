//! One secret as the search sees it: absent, or a current version.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Operation, Outcome, Request};

/// The current version by number; `None` when there is no secret.
pub(super) type State = Option<u32>;

/// An operation with the interval in which it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) invoked: u64,
    /// `None`: at any later time, or never.
    pub(super) completed: Option<u64>,
    pub(super) step: Step,
}

/// What an operation does to the state and how it is answered. Those that end in `If...` are of unknown fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create(u32),
    CreateIfAbsent(u32),
    Put(u32),
    PutIfPresent(u32),
    Swap { from: u32, to: u32 },
    SwapIfCurrent { from: u32, to: u32 },
    Delete,
    IsAbsent,
    IsPresent,
    Is(u32),
    IsAnotherThan(u32),
}

impl Step {
    /// The state afterwards; `None` when it would not have been answered so.
    pub(super) fn on(self, state: State) -> Option<State> {
        match self {
            Self::Create(version) => state.is_none().then_some(Some(version)),
            Self::CreateIfAbsent(version) => Some(Some(state.unwrap_or(version))),
            Self::Put(version) => state.map(|_| Some(version)),
            Self::PutIfPresent(version) => Some(state.map(|_| version)),
            Self::Swap { from, to } => (state == Some(from)).then_some(Some(to)),
            Self::SwapIfCurrent { from, to } => Some(if state == Some(from) { Some(to) } else { state }),
            Self::Delete => Some(None),
            Self::IsAbsent => state.is_none().then_some(state),
            Self::IsPresent => state.is_some().then_some(state),
            Self::Is(version) => (state == Some(version)).then_some(state),
            Self::IsAnotherThan(version) => state.is_some_and(|current| current != version).then_some(state),
        }
    }

    /// The version without which it could not be answered so.
    pub(super) fn needs(self) -> Option<u32> {
        match self {
            Self::Is(version) | Self::Swap { from: version, .. } => Some(version),
            _ => None,
        }
    }

    /// The version that is current when it has changed something.
    pub(super) fn makes(self) -> Option<u32> {
        match self {
            Self::Create(version)
            | Self::CreateIfAbsent(version)
            | Self::Put(version)
            | Self::PutIfPresent(version) => Some(version),
            Self::Swap { to, .. } | Self::SwapIfCurrent { to, .. } => Some(to),
            Self::Delete | Self::IsAbsent | Self::IsPresent | Self::Is(_) | Self::IsAnotherThan(_) => None,
        }
    }

    /// Whether it changes nothing in any state.
    pub(super) fn only_looks(self) -> bool {
        matches!(self, Self::IsAbsent | Self::IsPresent | Self::Is(_) | Self::IsAnotherThan(_))
    }
}

/// The operations that matter, each with its interval.
///
/// # Correctness
/// What is refused whatever the state, and a get without an answer, bind nothing. For a write of unknown fate, whose
/// version no other operation makes current:
/// * seen by an operation that completed, it took effect, and before that completion;
/// * named by no other operation, it is as good as never sent: whatever order there is with it is one without it, since
///   nobody saw its version current. Unless it made the secret (a create), or a swap was told afterwards that another
///   version is current, which might have been this one.
///
/// An acknowledged write, too, took effect before the first completion that saw it. Deletes and swaps of unknown fate stay open: what they leave may come about in other ways.
pub(super) fn events(operations: &[Operation]) -> Vec<Event> {
    let mut numbers = Numbers::default();
    let sightings = Sightings::of(operations);
    operations.iter().filter_map(|operation| event(operation, &sightings, &mut numbers)).collect()
}

fn event(operation: &Operation, sightings: &Sightings<'_>, numbers: &mut Numbers) -> Option<Event> {
    let invoked = operation.invoked.tick;
    let answered = operation.completed.filter(|_| operation.outcome != Outcome::Unknown).map(|moment| moment.tick);
    let sooner = |version: &str| answered.min(sightings.first_after(version, invoked).or(answered));
    let at = |completed, step| Some(Event { invoked, completed, step });
    match (&operation.request, &operation.outcome) {
        (_, Outcome::Refused(_)) | (Request::Get, Outcome::Unknown) => None,
        (Request::Create(version), Outcome::Unknown) => {
            let number = numbers.of(version);
            match sightings.first_after(version, invoked) {
                Some(seen) => at(Some(seen), Step::Create(number)),
                None => at(None, Step::CreateIfAbsent(number)),
            }
        }
        (Request::Put(version), Outcome::Unknown) => {
            let number = numbers.of(version);
            match sightings.first_after(version, invoked) {
                Some(seen) => at(Some(seen), Step::Put(number)),
                None if sightings.could_miss(version, invoked) => None,
                None => at(None, Step::PutIfPresent(number)),
            }
        }
        (Request::Swap { from, to }, Outcome::Unknown) => {
            at(None, Step::SwapIfCurrent { from: numbers.of(from), to: numbers.of(to) })
        }
        (Request::Delete, Outcome::Unknown) => at(None, Step::Delete),
        (Request::Create(version), Outcome::Done) => at(sooner(version), Step::Create(numbers.of(version))),
        (Request::Put(version), Outcome::Done) => at(sooner(version), Step::Put(numbers.of(version))),
        (Request::Swap { from, to }, Outcome::Done) => {
            at(answered, Step::Swap { from: numbers.of(from), to: numbers.of(to) })
        }
        (Request::Delete, Outcome::Done) => at(answered, Step::Delete),
        (_, Outcome::Found(version)) => at(answered, Step::Is(numbers.of(version))),
        (_, Outcome::Absent) => at(answered, Step::IsAbsent),
        (_, Outcome::Exists) => at(answered, Step::IsPresent),
        (Request::Swap { from, .. }, Outcome::NotCurrent) => at(answered, Step::IsAnotherThan(numbers.of(from))),
        // Answers to other requests than were sent: no state gives them.
        (Request::Get, Outcome::Done) | (_, Outcome::NotCurrent) => at(answered, Step::Is(Numbers::NOBODYS)),
    }
}

/// Who saw which version, and when at the latest.
#[derive(Debug, Default)]
struct Sightings<'a> {
    /// Completions of those who saw it.
    seen: BTreeMap<&'a str, Vec<u64>>,
    /// Versions that are named by anything but the write that makes them.
    named: BTreeSet<&'a str>,
    /// Versions that a swap makes current: whoever sees them need not see the write that made them.
    restored: BTreeSet<&'a str>,
    /// The last completion that said that another version is current.
    last_not_current: Option<u64>,
}

impl<'a> Sightings<'a> {
    fn of(operations: &'a [Operation]) -> Self {
        let mut all = Self::default();
        for operation in operations {
            let completed = operation.completed.map(|moment| moment.tick);
            if let Request::Swap { from, to } = &operation.request {
                all.named.extend([from.as_str(), to.as_str()]);
                all.restored.insert(to);
            }
            match (&operation.request, &operation.outcome, completed) {
                (_, Outcome::Found(version), Some(completed)) => {
                    all.named.insert(version);
                    all.seen.entry(version).or_default().push(completed);
                }
                (Request::Swap { from, .. }, Outcome::Done, Some(completed)) => {
                    all.seen.entry(from).or_default().push(completed);
                }
                (_, Outcome::NotCurrent, completed) => all.last_not_current = all.last_not_current.max(completed),
                _ => {}
            }
        }
        all
    }

    /// The first sighting, if it is after the write was sent. If not, the search finds that out.
    fn first_after(&self, version: &str, invoked: u64) -> Option<u64> {
        if self.restored.contains(version) {
            return None;
        }
        self.seen.get(version)?.iter().copied().min().filter(|seen| *seen > invoked)
    }

    /// Whether a put that nobody saw can be left out.
    fn could_miss(&self, version: &str, invoked: u64) -> bool {
        !self.named.contains(version) && self.last_not_current.is_none_or(|said| said < invoked)
    }
}

/// Numbers for versions.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    const NOBODYS: u32 = u32::MAX;

    fn of(&mut self, version: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(Self::NOBODYS);
        *self.0.entry(version.to_owned()).or_insert(next)
    }
}
