//! Random histories of keys and aliases against a model that is too simple to be wrong. `CONCLAVE_STATE_CASES` sets how
//! many; a failure prints the seed, and `CONCLAVE_STATE_SEED=<seed> cargo nextest run -p state keys_random` runs the
//! same ones again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use state::{
    Applied, ChangeKey, Command, CreateAlias, CreateKey, DeleteAlias, KeyChange, KeyRefusal, KeyState, KeyVersion,
    Outcome, PurgeKeys, Refusal, Rewrap, RewrapDataKeys, RotationKind, UpdateAlias,
};
use types::{Timestamp, limits};

use crate::fixture::{HOUR_MS, Node, START, namespace};
use crate::key_words::{alias, create_key_command, grant, grant_id, key, rotate, sealed_under, terms};
use crate::records::{Records, rebuilt, records_of, write};

const NAMES: [&str; 3] = ["a", "b", "c/d"];
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Clone, Debug)]
enum Step {
    Create {
        key: u8,
        alias: Option<&'static str>,
    },
    Enable(u8),
    Disable(u8),
    Schedule(u8, u32),
    Cancel(u8),
    Rotation(u8, Option<u32>),
    /// With the number that comes next, or one that was seen before.
    Rotate {
        key: u8,
        is_next: bool,
        kind: RotationKind,
    },
    Grant {
        key: u8,
        id: u32,
        named: bool,
    },
    Revoke {
        key: u8,
        id: u32,
    },
    CreateAlias(&'static str, u8),
    UpdateAlias(&'static str, u8),
    DeleteAlias(&'static str),
    /// A new secret, or another value of it, under a key.
    Write {
        secret: &'static str,
        key: u8,
    },
    /// One step over all secrets, by whoever leads now.
    Rewrap(u8),
    Purge {
        days: u64,
    },
    /// Days that pass.
    Pass(u64),
    /// The next decision is made that many entries behind.
    Lag(u64),
    Checkpoint,
}

fn a_key() -> impl Strategy<Value = u8> {
    1..5_u8
}

fn step() -> impl Strategy<Value = Step> {
    let name = || select(&NAMES[..]);
    let kind = select(&[RotationKind::Automatic, RotationKind::OnDemand][..]);
    prop_oneof![
        4 => (a_key(), prop::option::of(name())).prop_map(|(key, alias)| Step::Create { key, alias }),
        2 => a_key().prop_map(Step::Enable),
        3 => a_key().prop_map(Step::Disable),
        3 => (a_key(), 7..31_u32).prop_map(|(key, days)| Step::Schedule(key, days)),
        2 => a_key().prop_map(Step::Cancel),
        2 => (a_key(), prop::option::weighted(0.8, 1..20_u32)).prop_map(|(key, days)| Step::Rotation(key, days)),
        4 => (a_key(), prop::bool::weighted(0.8), kind)
            .prop_map(|(key, is_next, kind)| Step::Rotate { key, is_next, kind }),
        3 => (a_key(), 0..4_u32, any::<bool>()).prop_map(|(key, id, named)| Step::Grant { key, id, named }),
        2 => (a_key(), 0..4_u32).prop_map(|(key, id)| Step::Revoke { key, id }),
        4 => (name(), a_key()).prop_map(|(name, key)| Step::CreateAlias(name, key)),
        3 => (name(), a_key()).prop_map(|(name, key)| Step::UpdateAlias(name, key)),
        2 => name().prop_map(Step::DeleteAlias),
        5 => (name(), a_key()).prop_map(|(secret, key)| Step::Write { secret, key }),
        4 => a_key().prop_map(Step::Rewrap),
        3 => (0..30_u64).prop_map(|days| Step::Purge { days }),
        3 => (0..12_u64).prop_map(Step::Pass),
        2 => (0..4_u64).prop_map(Step::Lag),
        2 => Just(Step::Checkpoint),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Enabled,
    Disabled,
    Going(Timestamp),
}

/// What the model knows of a key.
#[derive(Clone, Debug)]
struct ModelKey {
    life: Life,
    materials: u32,
    on_demand: usize,
    /// Period and the moment that it counts from.
    rotation: Option<(u32, Timestamp)>,
    grants: BTreeMap<u32, bool>,
    changed_at: u64,
}

/// What is expected of a command.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Done,
    Conflict,
    Refused(KeyRefusal),
}

struct World {
    node: Node,
    keys: BTreeMap<u8, ModelKey>,
    destroyed: BTreeSet<u8>,
    /// Name, key, and the index of the last change.
    aliases: BTreeMap<&'static str, (u8, u64)>,
    /// The key and the material of each secret's versions.
    secrets: BTreeMap<&'static str, Vec<(u8, u32)>>,
    lag: u64,
    checkpoint: state::State,
    store: Records,
}

impl World {
    fn new() -> Self {
        let node = Node::new();
        let (checkpoint, store) = (node.state.clone(), records_of(&node.state));
        let (keys, destroyed, aliases, secrets) = Default::default();
        Self { node, keys, destroyed, aliases, secrets, lag: 0, checkpoint, store }
    }

    /// The index that the next command is decided at: after the bootstrap, and not before what has been forgotten.
    fn decided_at(&self) -> u64 {
        let oldest = self.node.state.proposals().forgotten_through().max(1);
        self.node.index.saturating_sub(self.lag).max(oldest)
    }

    fn run(&mut self, command: Command) -> Outcome {
        let decided_at = self.decided_at();
        self.lag = 0;
        let envelope = state::Envelope { decided_at, ..self.node.envelope(command) };
        self.node.apply(envelope)
    }

    /// Whether a decision on the key is too old, or the key is not there.
    fn is_void(&self, key: u8) -> bool {
        self.keys.get(&key).is_none_or(|key| key.changed_at > self.decided_at())
    }

    /// The rule of a change by the state of its key.
    fn allowed(&self, key: u8, while_disabled: bool, while_going: bool) -> Expected {
        match self.keys.get(&key).map(|key| key.life) {
            _ if self.is_void(key) => Expected::Conflict,
            Some(Life::Disabled) if !while_disabled => Expected::Refused(KeyRefusal::Disabled),
            Some(Life::Going(_)) if !while_going => Expected::Refused(KeyRefusal::PendingDeletion),
            _ => Expected::Done,
        }
    }

    fn change(&mut self, key_number: u8, change: KeyChange, expected: &Expected, then: impl Fn(&mut ModelKey)) {
        let outcome = self.run(Command::ChangeKey(ChangeKey { key: key(key_number), change }));
        check(&outcome, expected);
        if let (Expected::Done, Some(model)) = (expected, self.keys.get_mut(&key_number)) {
            let before = format!("{model:?}");
            then(model);
            if format!("{model:?}") != before {
                model.changed_at = self.node.index;
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Create { key: number, alias: name } => self.create(number, name),
            Step::Enable(key) => {
                let expected = self.allowed(key, true, false);
                self.change(key, KeyChange::Enable, &expected, |model| model.life = Life::Enabled);
            }
            Step::Disable(key) => {
                let expected = self.allowed(key, true, false);
                self.change(key, KeyChange::Disable, &expected, |model| model.life = Life::Disabled);
            }
            Step::Schedule(key, window_days) => {
                let expected = self.allowed(key, true, false);
                let end = self.node.now.plus_days(window_days);
                let change = KeyChange::ScheduleDeletion { window_days };
                self.change(key, change, &expected, |model| model.life = Life::Going(end));
            }
            Step::Cancel(key) => {
                let is_going = self.keys.get(&key).is_some_and(|key| matches!(key.life, Life::Going(_)));
                let expected = match self.allowed(key, true, true) {
                    Expected::Done if !is_going => Expected::Refused(KeyRefusal::NotPendingDeletion),
                    expected => expected,
                };
                self.change(key, KeyChange::CancelDeletion, &expected, |model| model.life = Life::Disabled);
            }
            Step::Rotation(key, days) => {
                let (expected, now) = (self.allowed(key, false, false), self.node.now);
                self.change(key, KeyChange::Rotation(days), &expected, |model| {
                    let counted_from = model.rotation.map_or(now, |(_, from)| from);
                    model.rotation = days.map(|days| (days, counted_from));
                });
            }
            Step::Rotate { key, is_next, kind } => self.rotate(key, is_next, kind),
            Step::Grant { key, id, named } => self.grant(key, id, named),
            Step::Revoke { key, id } => {
                let is_there = self.keys.get(&key).is_some_and(|key| key.grants.contains_key(&id));
                let expected = if self.is_void(key) || !is_there { Expected::Conflict } else { Expected::Done };
                self.change(key, KeyChange::Revoke(grant_id(id)), &expected, |model| {
                    model.grants.remove(&id);
                });
            }
            Step::CreateAlias(name, number) => {
                let expected = match self.allowed(number, true, false) {
                    Expected::Done if self.aliases.contains_key(name) => Expected::Refused(KeyRefusal::AliasExists),
                    expected => expected,
                };
                let command = CreateAlias { namespace: namespace(), name: alias(name), key: key(number) };
                check(&self.run(Command::CreateAlias(command)), &expected);
                if expected == Expected::Done {
                    self.aliases.insert(name, (number, self.node.index));
                }
            }
            Step::UpdateAlias(name, number) => self.update_alias(name, number),
            Step::DeleteAlias(name) => {
                let is_there = self.aliases.get(name).is_some_and(|(_, changed_at)| *changed_at <= self.decided_at());
                let expected = if is_there { Expected::Done } else { Expected::Conflict };
                let command = DeleteAlias { namespace: namespace(), name: alias(name) };
                check(&self.run(Command::DeleteAlias(command)), &expected);
                if is_there {
                    self.aliases.remove(name);
                }
            }
            Step::Write { secret, key } => self.write(secret, key),
            Step::Rewrap(key) => self.rewrap(key),
            Step::Purge { days } => self.purge(days),
            Step::Pass(days) => self.node.pass(days * DAY_MS),
            Step::Lag(lag) => self.lag = lag,
            Step::Checkpoint => self.take_checkpoint(),
        }
        self.compare();
    }

    fn create(&mut self, number: u8, name: Option<&'static str>) {
        let create = CreateKey { alias: name.map(alias), ..create_key_command(number) };
        let expected = if self.keys.contains_key(&number) || self.destroyed.contains(&number) {
            Expected::Conflict
        } else if name.is_some_and(|name| self.aliases.contains_key(name)) {
            Expected::Refused(KeyRefusal::AliasExists)
        } else {
            Expected::Done
        };
        check(&self.run(Command::CreateKey(create)), &expected);
        if expected == Expected::Done {
            let changed_at = self.node.index;
            let grants = BTreeMap::new();
            let life = Life::Enabled;
            let model = ModelKey { life, materials: 1, on_demand: 0, rotation: None, grants, changed_at };
            self.keys.insert(number, model);
            self.aliases.extend(name.map(|name| (name, (number, changed_at))));
        }
    }

    fn rotate(&mut self, key: u8, is_next: bool, kind: RotationKind) {
        let Some(model) = self.keys.get(&key).cloned() else {
            return self.change(key, rotate(2, kind), &Expected::Conflict, |_| {});
        };
        let now = self.node.now;
        let is_due = model.rotation.is_some_and(|(days, from)| from.plus_days(days) <= now);
        let number = if is_next { model.materials + 1 } else { model.materials };
        let expected = match self.allowed(key, false, false) {
            Expected::Done if kind == RotationKind::Automatic && !is_due => Expected::Conflict,
            Expected::Done if kind == RotationKind::OnDemand && model.on_demand >= limits::ON_DEMAND_ROTATIONS => {
                Expected::Refused(KeyRefusal::OnDemandRotationQuota)
            }
            Expected::Done if !is_next => Expected::Conflict,
            expected => expected,
        };
        self.change(key, rotate(number, kind), &expected, |model| {
            model.materials += 1;
            model.on_demand += usize::from(kind == RotationKind::OnDemand);
            if let (RotationKind::Automatic, Some((_, from))) = (kind, &mut model.rotation) {
                *from = now;
            }
        });
    }

    fn grant(&mut self, number: u8, id: u32, named: bool) {
        let same_name = self.keys.get(&number).and_then(|key| key.grants.iter().find(|(_, named)| **named));
        let existing = same_name.filter(|_| named).map(|(id, _)| *id);
        let is_taken = self.keys.get(&number).is_some_and(|key| key.grants.contains_key(&id));
        let expected = match self.allowed(number, false, false) {
            Expected::Done if existing.is_none() && is_taken => Expected::Conflict,
            expected => expected,
        };
        let terms = terms(named.then_some("n"), "a", Some("owner"));
        let outcome = self.run(Command::ChangeKey(ChangeKey { key: key(number), change: grant(id, &terms) }));
        check(&outcome, &expected);
        if let (Expected::Done, Some(model)) = (expected, self.keys.get_mut(&number)) {
            let id = existing.unwrap_or(id);
            assert_eq!(outcome, Ok(Applied::Granted { key: key(number), grant: grant_id(id) }));
            model.grants.insert(id, named);
        }
    }

    fn update_alias(&mut self, name: &'static str, number: u8) {
        let known = self.aliases.get(name).copied().filter(|(_, changed_at)| *changed_at <= self.decided_at());
        let expected = match (known, self.allowed(number, true, false)) {
            (None, _) | (_, Expected::Conflict) => Expected::Conflict,
            // It is that way already.
            (Some((before, _)), _) if before == number => Expected::Done,
            (_, expected) => expected,
        };
        let command = UpdateAlias { namespace: namespace(), name: alias(name), key: key(number) };
        check(&self.run(Command::UpdateAlias(command)), &expected);
        if expected == Expected::Done && known.is_some_and(|(before, _)| before != number) {
            self.aliases.insert(name, (number, self.node.index));
        }
    }

    fn write(&mut self, secret: &'static str, number: u8) {
        let expected = self.allowed(number, false, false);
        let material = self.keys.get(&number).map_or(1, |key| key.materials);
        let versions = self.secrets.get(secret).map_or(0, Vec::len);
        let value = sealed_under("v", KeyVersion { key: key(number), material });
        let command = if versions == 0 {
            let create = self.node.create_command(secret, "0", None);
            Command::CreateSecret(state::CreateSecret { value: Some(value), ..create })
        } else {
            let put = self.node.put_command(secret, &versions.to_string(), "", "AWSCURRENT");
            Command::PutSecretValue(state::PutSecretValue { value, ..put })
        };
        // A decision is on the secret too, which nothing else changes here.
        check(&self.run(command), &expected);
        if expected == Expected::Done {
            self.secrets.entry(secret).or_default().push((number, material));
        }
    }

    fn rewrap(&mut self, number: u8) {
        let id = key(number);
        let job = self.node.state.encryption_key(&id).and_then(|key| self.node.state.rewrap_job(key)).cloned();
        let model = self.keys.get(&number);
        let has_rotated = model.is_some_and(|key| key.materials > 1);
        assert_eq!(job.is_some(), has_rotated);
        let Some(job) = job else { return };
        let mut rewraps = Vec::new();
        for secret in self.node.state.secrets_from(job.cursor) {
            for entry in secret.versions.iter() {
                let by = entry.version.value.as_ref().map(|value| value.wrapped_by());
                if let Some(by) = by.filter(|by| by.key == id && by.material < job.material) {
                    let (part, wrapped_key) = (entry.version.part, crate::key_words::bytes("anew"));
                    rewraps.push(Rewrap { secret: secret.uid, part, from: by.material, wrapped_key });
                }
            }
        }
        let expected = match self.allowed(number, false, false) {
            Expected::Done if job.finished.is_some() => Expected::Conflict,
            // That the job is over is seen before the state of the key is, and that is seen before the job.
            expected => expected,
        };
        let to = KeyVersion { key: id, material: job.material };
        let count = rewraps.len() as u64;
        let step = RewrapDataKeys { to, cursor: job.cursor, next: None, secrets: 1, failed: 0, rewraps };
        let outcome = self.run(Command::RewrapDataKeys(step));
        check(&outcome, &expected);
        if expected == Expected::Done {
            assert_eq!(outcome, Ok(Applied::Rewrapped { count }));
            for (by, material) in self.secrets.values_mut().flatten().filter(|(by, _)| *by == number) {
                assert_eq!(*by, number);
                *material = job.material;
            }
        }
    }

    fn purge(&mut self, days: u64) {
        let not_after = START.plus_days(u32::try_from(days).unwrap());
        let now = self.node.now.min(not_after);
        self.lag = 0;
        let keys = (1..5).map(key).collect();
        self.run(Command::PurgeKeys(PurgeKeys { keys, not_after })).unwrap();
        let gone: Vec<_> =
            self.keys.iter().filter(|(_, key)| matches!(key.life, Life::Going(end) if end <= now)).collect();
        for number in gone.into_iter().map(|(number, _)| *number).collect::<Vec<_>>() {
            self.keys.remove(&number);
            self.aliases.retain(|_, (key, _)| *key != number);
            self.destroyed.insert(number);
        }
    }

    fn take_checkpoint(&mut self) {
        write(&mut self.store, self.node.state.changes_since(&self.checkpoint).collect());
        assert_eq!(self.store, records_of(&self.node.state));
        let restarted = rebuilt(self.store.clone()).expect("a checkpoint can be loaded");
        assert_eq!(restarted, self.node.state);
        // From here on it goes on as one that was restarted.
        self.node.state = restarted;
        self.checkpoint = self.node.state.clone();
    }

    /// The state says what the model says.
    fn compare(&self) {
        let state = &self.node.state;
        for number in 1..5 {
            let (found, model) = (state.encryption_key(&key(number)), self.keys.get(&number));
            assert_eq!(found.is_some(), model.is_some(), "key {number}");
            assert_eq!(state.destroyed_key(&key(number)).is_some(), self.destroyed.contains(&number));
            let (Some(found), Some(model)) = (found, model) else { continue };
            let life = match found.state {
                KeyState::Enabled => Life::Enabled,
                KeyState::Disabled => Life::Disabled,
                KeyState::PendingDeletion { ends, .. } => Life::Going(ends),
            };
            assert_eq!((life, found.newest_material()), (model.life, model.materials), "key {number}");
            let rotation = found.rotation.map(|rotation| (rotation.period_days, rotation.counted_from));
            assert_eq!(rotation, model.rotation, "key {number}");
            assert_eq!(found.changed_at, model.changed_at, "key {number}");
            let grants: BTreeSet<_> = state.grants_of(&key(number), None).map(|grant| grant.id).collect();
            assert_eq!(grants, model.grants.keys().map(|id| grant_id(*id)).collect());
            let due = state.rotations_due(self.node.now).any(|due| due == key(number));
            let expected = model.life == Life::Enabled
                && model.rotation.is_some_and(|(days, from)| from.plus_days(days) <= self.node.now);
            assert_eq!(due, expected, "key {number}");
        }
        let listed: Vec<_> = state.aliases(&namespace(), None).map(|found| (found.name.clone(), found.key)).collect();
        let expected: Vec<_> = self.aliases.iter().map(|(name, (number, _))| (alias(name), key(*number))).collect();
        assert_eq!(listed, expected);
        for (secret, versions) in &self.secrets {
            let kept: Vec<_> = self
                .node
                .secret(secret)
                .versions
                .iter()
                .map(|entry| entry.version.value.as_ref().unwrap().wrapped_by())
                .collect();
            let expected: Vec<_> = versions
                .iter()
                .map(|(number, material)| KeyVersion { key: key(*number), material: *material })
                .collect();
            assert_eq!(kept, expected, "{secret}");
        }
    }
}

#[track_caller]
fn check(outcome: &Outcome, expected: &Expected) {
    let seen = match outcome {
        Ok(_) => Expected::Done,
        Err(Refusal::Conflict) => Expected::Conflict,
        Err(Refusal::Key(refusal)) => Expected::Refused(*refusal),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen, *expected);
}

fn from_env<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn random_histories_of_keys_are_those_of_the_model() {
    let cases = from_env("CONCLAVE_STATE_CASES").unwrap_or(500);
    let seed: u64 = from_env("CONCLAVE_STATE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&prop::collection::vec(step(), 1..80), |steps| {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.take_checkpoint();
        Ok(())
    });
    if let Err(error) = outcome {
        let steps = match &error {
            TestError::Fail(_, steps) => format!("{steps:#?}"),
            TestError::Abort(_) => String::new(),
        };
        panic!("{error}\n{steps}\nreplay: CONCLAVE_STATE_SEED={seed} cargo nextest run -p state keys_random");
    }
}
