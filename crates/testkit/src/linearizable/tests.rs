use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::history::{Moment, Outcome, Request};

fn moment(tick: u64) -> Moment {
    Moment { tick, at: Duration::from_millis(tick) }
}

fn operation(invoked: u64, completed: u64, request: Request, outcome: Outcome) -> Operation {
    Operation {
        client: "client".into(),
        key: "k".into(),
        request,
        invoked: moment(invoked),
        completed: Some(moment(completed)),
        outcome,
    }
}

fn create(invoked: u64, completed: u64, version: &str, outcome: Outcome) -> Operation {
    operation(invoked, completed, Request::Create(version.into()), outcome)
}

fn put(invoked: u64, completed: u64, version: &str, outcome: Outcome) -> Operation {
    operation(invoked, completed, Request::Put(version.into()), outcome)
}

fn swap(invoked: u64, completed: u64, from: &str, to: &str, outcome: Outcome) -> Operation {
    operation(invoked, completed, Request::Swap { from: from.into(), to: to.into() }, outcome)
}

fn got(invoked: u64, completed: u64, version: &str) -> Operation {
    operation(invoked, completed, Request::Get, Outcome::Found(version.into()))
}

fn absent(invoked: u64, completed: u64) -> Operation {
    operation(invoked, completed, Request::Get, Outcome::Absent)
}

fn delete(invoked: u64, completed: u64, outcome: Outcome) -> Operation {
    operation(invoked, completed, Request::Delete, outcome)
}

use Outcome::{Done, Exists, NotCurrent, Unknown};

#[test]
fn histories_with_an_order_pass() {
    let known_good: [(&str, Vec<Operation>); 11] = [
        ("nothing", vec![]),
        ("one after the other", vec![create(0, 1, "a", Done), got(2, 3, "a"), put(4, 5, "b", Done), got(6, 7, "b")]),
        ("either of two at once", vec![create(0, 1, "a", Done), put(2, 6, "b", Done), got(3, 4, "a"), got(7, 8, "b")]),
        (
            "reads that end out of order",
            vec![create(0, 1, "a", Done), put(2, 9, "b", Done), got(3, 8, "a"), got(4, 5, "b")],
        ),
        ("an unknown write that never was", vec![create(0, 1, "a", Done), put(2, 3, "b", Unknown), got(4, 5, "a")]),
        (
            "an unknown write applied late",
            vec![create(0, 1, "a", Done), put(2, 3, "b", Unknown), got(4, 5, "a"), got(6, 7, "b"), got(8, 9, "b")],
        ),
        (
            "an unknown write under others",
            vec![create(0, 1, "a", Done), put(2, 3, "b", Unknown), put(4, 5, "c", Done), got(6, 7, "b")],
        ),
        ("creates at once", vec![create(0, 3, "a", Done), create(1, 4, "b", Exists), got(5, 6, "a")]),
        (
            "an unknown create that a refusal shows",
            vec![create(0, 1, "a", Unknown), absent(2, 3), create(4, 5, "b", Exists), got(6, 7, "a")],
        ),
        (
            "a swap refused because of an unknown write that nobody saw",
            vec![
                create(0, 1, "a", Done),
                put(2, 3, "b", Unknown),
                swap(4, 5, "a", "a2", NotCurrent),
                put(6, 7, "c", Done),
                got(8, 9, "c"),
            ],
        ),
        (
            "a life and a second one",
            vec![create(0, 1, "a", Done), delete(2, 3, Unknown), got(4, 5, "a"), absent(6, 7), create(8, 9, "b", Done)],
        ),
    ];
    for (what, operations) in known_good {
        assert_eq!(decide(&operations), Verdict::Linearizable, "{what}");
    }
}

#[test]
fn histories_without_an_order_do_not() {
    let known_bad: [(&str, Vec<Operation>); 13] = [
        ("a stale read", vec![create(0, 1, "a", Done), put(2, 3, "b", Done), got(4, 5, "a")]),
        ("a lost write", vec![create(0, 1, "a", Done), absent(2, 3)]),
        (
            "a write seen, then unseen",
            vec![create(0, 1, "a", Done), put(2, 9, "b", Done), got(3, 4, "b"), got(5, 6, "a")],
        ),
        (
            "an unknown write seen, then unseen",
            vec![create(0, 1, "a", Done), put(2, 3, "b", Unknown), got(4, 5, "b"), got(6, 7, "a")],
        ),
        ("a value never written", vec![create(0, 1, "a", Done), got(2, 3, "x")]),
        ("a value read before it was written", vec![create(0, 1, "a", Done), got(2, 3, "b"), put(4, 5, "b", Unknown)]),
        (
            "an unknown write applied twice, around another",
            vec![
                create(0, 1, "a", Done),
                put(2, 3, "b", Unknown),
                got(4, 5, "b"),
                put(6, 7, "c", Done),
                got(8, 9, "c"),
                got(10, 11, "b"),
            ],
        ),
        ("two creates", vec![create(0, 3, "a", Done), create(1, 4, "b", Done)]),
        ("a refusal without a reason", vec![create(0, 1, "b", Exists), create(2, 3, "a", Done)]),
        ("a put to nothing", vec![put(0, 1, "a", Done)]),
        ("a deleted secret read", vec![create(0, 1, "a", Done), delete(2, 3, Done), got(4, 5, "a")]),
        (
            "two swaps of one version",
            vec![
                create(0, 1, "a", Done),
                put(2, 3, "b", Done),
                swap(4, 7, "b", "a", Done),
                swap(5, 8, "b", "a", Done),
                got(9, 10, "a"),
            ],
        ),
        (
            "a swap refused without a reason",
            vec![create(0, 1, "a", Done), put(2, 3, "b", Done), swap(4, 5, "b", "a", NotCurrent), got(6, 7, "b")],
        ),
    ];
    for (what, operations) in known_bad {
        assert_eq!(decide(&operations), Verdict::Violated, "{what}");
    }
}

#[test]
fn a_refusal_that_is_not_about_the_secret_binds_nothing() {
    let refused = Outcome::Refused("ServiceUnavailable".into());
    let history = [create(0, 1, "a", Done), put(2, 3, "b", refused.clone()), got(4, 5, "a")];
    assert_eq!(decide(&history), Verdict::Linearizable);
    let history = [create(0, 1, "a", Done), put(2, 3, "b", refused), got(4, 5, "b")];
    assert_eq!(decide(&history), Verdict::Violated, "it said that nothing was changed");
}

#[test]
fn of_many_secrets_the_shortest_violation_is_shown_without_what_has_no_part_in_it() {
    let mut operations = Vec::new();
    for (key, stale_reads) in [("good", 0), ("short", 1), ("long", 9)] {
        let mut add = |operation: Operation| operations.push(Operation { key: key.into(), ..operation });
        add(create(0, 1, "a", Done));
        for position in 0..20 {
            add(got(10 + 2 * position, 11 + 2 * position, "a"));
        }
        add(put(100, 101, "b", Done));
        for position in 0..stale_reads {
            add(put(110 + 4 * position, 111 + 4 * position, &format!("c{position}"), Done));
            add(got(112 + 4 * position, 113 + 4 * position, &format!("c{position}")));
        }
        add(got(200, 201, if stale_reads == 0 { "b" } else { "a" }));
        add(got(300, 301, if stale_reads == 0 { "b" } else { "a" }));
    }
    let Err(Failure::Violation(violation)) = check(&History { operations }) else { panic!("there is one") };
    assert_eq!((violation.key.as_str(), violation.of, violation.others), ("short", 26, 1));
    let text = violation.to_string();
    let shown: Vec<String> = violation.operations.iter().map(|operation| operation.request.to_string()).collect();
    assert_eq!(shown, ["create a", "put b", "put c0", "get"], "{text}");
    assert!(text.contains("0.2000 -    0.2010  client: get -> a"), "{text}");
}

/// A run of `clients` clients on one secret, with an order by the way it is made: each operation takes effect somewhere
/// between its ends. Every 25th is left unknown, half of those have no effect.
fn run(clients: usize, operations: usize) -> Vec<Operation> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut current = 0;
    let mut tick = 2;
    let mut pending: Vec<(Operation, bool)> = Vec::new();
    let mut done = vec![create(0, 1, "0", Done)];
    let mut sent = 1;
    while done.len() < operations {
        tick += 1;
        if pending.len() < clients && random.bool() {
            let request = if random.u8(..3) == 0 { Request::Put(sent.to_string()) } else { Request::Get };
            pending.push((operation(tick, 0, request, Unknown), false));
            sent += 1;
            continue;
        }
        if pending.is_empty() {
            continue;
        }
        let position = random.usize(..pending.len());
        let is_unknown = random.u8(..25) == 0;
        let (pended, took_effect) = &mut pending[position];
        let is_lost = is_unknown && random.bool();
        if !*took_effect && !is_lost {
            *took_effect = true;
            pended.outcome = match &pended.request {
                Request::Put(version) => {
                    current = version.parse().unwrap();
                    Done
                }
                _ => Outcome::Found(current.to_string()),
            };
            continue;
        }
        let (mut ended, _) = pending.swap_remove(position);
        ended.completed = Some(moment(tick));
        if is_unknown {
            ended.outcome = Unknown;
        }
        done.push(ended);
    }
    done.extend(pending.into_iter().map(|(pending, _)| Operation { completed: None, outcome: Unknown, ..pending }));
    done.sort_by_key(|operation| operation.invoked.tick);
    done
}

#[test]
fn a_long_history_of_many_clients_is_decided() {
    let history = run(24, 2_500);
    let unknown = history.iter().filter(|o| o.outcome == Unknown && o.request != Request::Get).count();
    assert!(unknown > 20, "{unknown}");
    assert_eq!(decide(&history), Verdict::Linearizable);

    // The last read, of what was current when the run was half over.
    let mut broken = history.clone();
    let seen = |operation: &Operation| matches!(operation.outcome, Outcome::Found(_));
    let old = history[..1_250].iter().rfind(|operation| seen(operation)).unwrap().outcome.clone();
    broken.iter_mut().rfind(|operation| seen(operation)).unwrap().outcome = old;
    assert_eq!(decide(&broken), Verdict::Violated);
}

#[test]
fn a_search_that_is_too_long_is_given_up() {
    let history = run(24, 1_000);
    assert_eq!(Search::new(register::events(&history)).run(500), Verdict::Undecided);
}

/// Tries every order of every choice of unknown writes, with no thought for speed.
fn brute_force(operations: &[Operation]) -> bool {
    fn follow(operations: &[Operation], placed: u32, state: Option<&str>) -> bool {
        let left = || (0..operations.len()).filter(|n| placed & (1 << n) == 0);
        let is_open = |n: usize| matches!(operations[n].outcome, Unknown | Outcome::Refused(_));
        if left().all(is_open) {
            return true;
        }
        let end = |n: usize| if is_open(n) { u64::MAX } else { operations[n].completed.unwrap().tick };
        let horizon = left().map(end).min().unwrap();
        left().filter(|n| operations[*n].invoked.tick < horizon).any(|n| {
            let after = answer(&operations[n], state);
            after.is_some_and(|after| follow(operations, placed | (1 << n), after))
        })
    }
    fn answer<'a>(operation: &'a Operation, state: Option<&'a str>) -> Option<Option<&'a str>> {
        let (outcome, after) = match (&operation.request, state) {
            (Request::Create(version), None) => (Done, Some(version.as_str())),
            (Request::Create(_), Some(_)) => (Exists, state),
            (Request::Put(version), Some(_)) => (Done, Some(version.as_str())),
            (Request::Swap { from, to }, Some(current)) if from == current => (Done, Some(to.as_str())),
            (Request::Swap { .. }, Some(_)) => (NotCurrent, state),
            (Request::Delete, _) => (Done, None),
            (Request::Get, Some(current)) => (Outcome::Found(current.to_owned()), state),
            (Request::Put(_) | Request::Swap { .. } | Request::Get, None) => (Outcome::Absent, None),
        };
        match &operation.outcome {
            Outcome::Refused(_) => Some(state),
            Unknown => Some(after),
            said => (*said == outcome).then_some(after),
        }
    }
    follow(operations, 0, None)
}

#[derive(Clone, Debug)]
struct Drawn {
    kind: u8,
    versions: (usize, usize),
    interval: (u64, u64),
    /// Where it takes effect, from the beginning of its interval to its end.
    effect: u64,
    twist: u8,
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (0..10u8, (0..4usize, 0..4usize), (0..24u64, 1..12u64), 0..12u64, 0..9u8);
    let one =
        one.prop_map(|(kind, versions, interval, effect, twist)| Drawn { kind, versions, interval, effect, twist });
    prop::collection::vec(one, 1..8)
}

/// Plays the operations on one copy, then twists some answers: about half of what comes out has an order.
fn played(drawn: &[Drawn]) -> Vec<Operation> {
    // Ticks are unique, and an effect lies between the ends of its operation.
    let unique = |tick: u64, position: usize, of: u64| tick * 64 + (position as u64) * 3 + of;
    let mut operations: Vec<(u64, u8, Operation)> = Vec::new();
    for (position, one) in drawn.iter().enumerate() {
        let (from, length) = one.interval;
        let version = |number: usize| format!("v{}", number % drawn.len());
        let request = match one.kind {
            0 | 1 => Request::Create(format!("v{position}")),
            2..=4 => Request::Put(format!("v{position}")),
            5 => Request::Swap { from: version(one.versions.0), to: version(one.versions.1) },
            6 => Request::Delete,
            _ => Request::Get,
        };
        let (invoked, completed) = (unique(from, position, 0), unique(from + length, position, 2));
        let effect = unique(from + one.effect.min(length), position, 1);
        operations.push((effect, one.twist, operation(invoked, completed, request, Unknown)));
    }
    operations.sort_by_key(|(effect, ..)| *effect);
    let mut current: Option<String> = None;
    for (_, twist, operation) in &mut operations {
        // Unknown, without an effect.
        if *twist == 0 {
            continue;
        }
        operation.outcome = match (&operation.request, &mut current) {
            (Request::Create(version), None) => {
                current = Some(version.clone());
                Done
            }
            (Request::Create(_), Some(_)) => Exists,
            (Request::Put(version), Some(current)) => {
                current.clone_from(version);
                Done
            }
            (Request::Swap { from, to }, Some(current)) if from == current => {
                current.clone_from(to);
                Done
            }
            (Request::Swap { .. }, Some(_)) => NotCurrent,
            (Request::Delete, _) => {
                current = None;
                Done
            }
            (Request::Get, Some(current)) => Outcome::Found(current.clone()),
            (_, None) => Outcome::Absent,
        };
        match twist {
            // Unknown, with its effect.
            1 | 2 => operation.outcome = Unknown,
            3 if operation.request == Request::Get => operation.outcome = Outcome::Found("v0".into()),
            4 if operation.request == Request::Get => operation.outcome = Outcome::Absent,
            3 => operation.outcome = Done,
            _ => {}
        }
    }
    operations.sort_by_key(|(.., operation)| operation.invoked.tick);
    operations.into_iter().map(|(.., operation)| operation).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_search_finds_an_order_if_and_only_if_there_is_one(drawn in drawn()) {
        let operations = played(&drawn);
        let expected = if brute_force(&operations) { Verdict::Linearizable } else { Verdict::Violated };
        prop_assert_eq!(decide(&operations), expected);
        if expected == Verdict::Violated {
            let shortest = shrink::shortest(operations);
            prop_assert!(!brute_force(&shortest), "what is shown has an order: {:?}", shortest);
        }
    }
}

/// The two kinds of histories are both drawn, or the property above would say little.
#[test]
fn both_verdicts_are_drawn() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut draw = || -> Result<bool, TestCaseError> {
        let tree = drawn().new_tree(&mut runner).map_err(TestCaseError::Fail)?;
        Ok(brute_force(&played(&tree.current())))
    };
    let with_order = (0..1_000).filter(|_| draw().unwrap()).count();
    assert!((200..800).contains(&with_order), "{with_order} of 1000");
}
