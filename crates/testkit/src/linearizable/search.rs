//! The search for an order.
//!
//! # Correctness
//! Shortcuts pass over orders without losing the last one:
//! * An operation that only looks and fits now may as well come now: in any order that has it later it can be moved
//!   here. So nothing else is tried in its place.
//! * A version is not replaced while somebody must still see it and nobody can make it current again.
//! * An open operation that would change nothing might as well never come.

use std::collections::{BTreeMap, HashSet};

use super::Verdict;
use super::register::{Event, State};

/// What stands before the first link and after the last.
const HEAD: usize = 0;

/// One end of an event's interval, in a doubly linked list in the order of time.
#[derive(Clone, Copy, Debug)]
struct Link {
    event: usize,
    is_completion: bool,
    previous: usize,
    next: usize,
}

/// How many events without a place need a version, and how many could make it current.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    need: usize,
    make: usize,
}

/// A place in the order that was given away.
#[derive(Debug)]
struct Choice {
    event: usize,
    before: State,
    /// What may have the place instead, the best last.
    others: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Search {
    events: Vec<Event>,
    /// Both ends of all events that must have a place and have none yet.
    links: Vec<Link>,
    /// The links of each event's ends; [`HEAD`] for an open one.
    ends: Vec<(usize, usize)>,
    /// Events that may come or not, in the order of invocation.
    open: Vec<usize>,
    /// Events that have a place, a bit each.
    placed: Vec<u64>,
    choices: Vec<Choice>,
    state: State,
    wanted: BTreeMap<u32, Wanted>,
    /// Where the search has been: what had a place, and the state that it led to.
    visited: HashSet<(Box<[u64]>, State)>,
}

impl Search {
    pub(super) fn new(events: Vec<Event>) -> Self {
        let mut moments: Vec<(u64, bool, usize)> = Vec::new();
        let mut open = Vec::new();
        let mut wanted: BTreeMap<u32, Wanted> = BTreeMap::new();
        for (number, event) in events.iter().enumerate() {
            match event.completed {
                Some(completed) => moments.extend([(event.invoked, false, number), (completed, true, number)]),
                None => open.push(number),
            }
            if let Some(version) = event.step.needs() {
                wanted.entry(version).or_default().need += 1;
            }
            if let Some(version) = event.step.makes() {
                wanted.entry(version).or_default().make += 1;
            }
        }
        moments.sort_unstable();
        open.sort_unstable_by_key(|number| events[*number].invoked);
        let (links, ends) = linked(&moments, events.len());
        let placed = vec![0; events.len().div_ceil(64)];
        let (choices, visited) = (Vec::new(), HashSet::new());
        Self { events, links, ends, open, placed, choices, state: None, wanted, visited }
    }

    /// Searches for at most `steps` steps.
    pub(super) fn run(mut self, steps: u64) -> Verdict {
        if self.wanted.values().any(|wanted| wanted.need > 0 && wanted.make == 0) {
            return Verdict::Violated;
        }
        let mut candidates = self.candidates();
        // Open events need no place: with all others placed there is an order.
        for _ in 0..steps {
            if self.links[HEAD].next == HEAD {
                return Verdict::Linearizable;
            }
            if let Some(event) = candidates.pop() {
                if self.place(event, &mut candidates) {
                    candidates = self.candidates();
                }
            } else if let Some(choice) = self.choices.pop() {
                candidates = self.take_back(choice);
            } else {
                return Verdict::Violated;
            }
        }
        Verdict::Undecided
    }

    /// The events that may have the next place, the best last: one that only looks, or those that are due first.
    fn candidates(&self) -> Vec<usize> {
        let mut writes = Vec::new();
        let mut link = self.links[HEAD].next;
        // Whatever was sent after the first completion comes after the event that completes there.
        while link != HEAD && !self.links[link].is_completion {
            let event = self.links[link].event;
            if self.events[event].step.on(self.state).is_some() {
                if self.events[event].step.only_looks() {
                    return vec![event];
                }
                writes.push(event);
            }
            link = self.links[link].next;
        }
        let until = if link == HEAD { u64::MAX } else { self.until(self.links[link].event) };
        writes.retain(|event| !self.is_still_wanted(*event));
        writes.sort_unstable_by_key(|event| std::cmp::Reverse(self.until(*event)));
        let open = self.open.iter().copied().take_while(|event| self.events[*event].invoked < until);
        let open =
            open.filter(|event| !self.is_placed(*event) && self.events[*event].step.on(self.state) != Some(self.state));
        let mut candidates: Vec<usize> = open.filter(|event| !self.is_still_wanted(*event)).collect();
        candidates.reverse();
        candidates.append(&mut writes);
        candidates
    }

    fn until(&self, event: usize) -> u64 {
        self.events[event].completed.unwrap_or(u64::MAX)
    }

    /// Whether the current version must be seen by others than `event` and could not be current again.
    fn is_still_wanted(&self, event: usize) -> bool {
        let Some(current) = self.state else { return false };
        let wanted = self.wanted.get(&current).copied().unwrap_or_default();
        let by_itself = usize::from(self.events[event].step.needs() == Some(current));
        wanted.need > by_itself && wanted.make == 0
    }

    fn is_placed(&self, event: usize) -> bool {
        self.placed[event / 64] & (1 << (event % 64)) != 0
    }

    /// Gives the event the next place, unless that leads where the search has been.
    fn place(&mut self, event: usize, others: &mut Vec<usize>) -> bool {
        let Some(after) = self.events[event].step.on(self.state) else { return false };
        self.placed[event / 64] ^= 1 << (event % 64);
        if !self.visited.insert((self.placed.clone().into(), after)) {
            self.placed[event / 64] ^= 1 << (event % 64);
            return false;
        }
        self.choices.push(Choice { event, before: self.state, others: std::mem::take(others) });
        self.state = after;
        self.note(event, |count| *count -= 1);
        let (invoked, completed) = self.ends[event];
        if invoked != HEAD {
            self.unlink(invoked);
            self.unlink(completed);
        }
        true
    }

    /// Undoes the last choice and answers what may come in its place.
    fn take_back(&mut self, Choice { event, before, others }: Choice) -> Vec<usize> {
        self.state = before;
        self.placed[event / 64] ^= 1 << (event % 64);
        self.note(event, |count| *count += 1);
        let (invoked, completed) = self.ends[event];
        if invoked != HEAD {
            self.relink(completed);
            self.relink(invoked);
        }
        others
    }

    fn note(&mut self, event: usize, change: fn(&mut usize)) {
        let step = self.events[event].step;
        if let Some(wanted) = step.needs().and_then(|version| self.wanted.get_mut(&version)) {
            change(&mut wanted.need);
        }
        if let Some(wanted) = step.makes().and_then(|version| self.wanted.get_mut(&version)) {
            change(&mut wanted.make);
        }
    }

    fn unlink(&mut self, link: usize) {
        let Link { previous, next, .. } = self.links[link];
        self.links[previous].next = next;
        self.links[next].previous = previous;
    }

    /// Puts a link back where it was; undoes the last [`Self::unlink`] that was not undone.
    fn relink(&mut self, link: usize) {
        let Link { previous, next, .. } = self.links[link];
        self.links[previous].next = link;
        self.links[next].previous = link;
    }
}

/// The list of both ends of events, in order, and where those of each event are.
fn linked(moments: &[(u64, bool, usize)], events: usize) -> (Vec<Link>, Vec<(usize, usize)>) {
    let count = moments.len() + 1;
    let mut links = vec![Link { event: usize::MAX, is_completion: false, previous: count - 1, next: 1 % count }];
    let mut ends = vec![(HEAD, HEAD); events];
    for (position, (_, is_completion, event)) in moments.iter().copied().enumerate() {
        let link = position + 1;
        links.push(Link { event, is_completion, previous: position, next: (link + 1) % count });
        match is_completion {
            true => ends[event].1 = link,
            false => ends[event].0 = link,
        }
    }
    (links, ends)
}
