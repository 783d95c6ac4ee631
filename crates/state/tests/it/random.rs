//! Random command sequences. `CONCLAVE_STATE_CASES` sets how many; a failure prints the seed, and
//! `CONCLAVE_STATE_SEED=<seed> cargo nextest run -p state random` runs the same ones again.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use state::{
    Access, AddReplicas, Applied, CancelRotateSecret, Command, CreateSecret, DeleteMode, DeleteResourcePolicy,
    DeleteSecret, Envelope, Outcome, Purge, PutResourcePolicy, PutSecretValue, Refusal, RemoveRegionsFromReplication,
    ReplicaRegion, ReplicateSecretToRegions, RestoreSecret, RotateSecret, RotationRules, RotationSchedule, Secret,
    State, StopReplicationToReplica, TagResource, Touch, UntagResource, UpdateSecret, UpdateSecretVersionStage,
    Version, VersionEntry,
};
use types::{
    Namespace, Principal, ProposalId, Region, SecretArn, SecretName, StagingLabel, Tag, Timestamp, ValueKind,
    VersionId, limits,
};

use crate::fixture::{HOUR_MS, START, account, bootstrap_command, labels, name, namespace_of, refused, sealed, token};
use crate::records::{Records, rebuilt, records_of, write};

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
/// Where replicas go: one region has secrets of its own.
const REPLICA_REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];
const NAMES: [&str; 3] = ["a", "b", "prod/c"];
const VALUES: [&str; 3] = ["x", "y", "z"];
const STAGES: [&str; 8] = [
    "AWSCURRENT",
    "AWSCURRENT",
    "AWSPENDING",
    "AWSPREVIOUS",
    "one two",
    "two three",
    "AWSCURRENT AWSPENDING one",
    "AWSPENDING AWSPREVIOUS",
];

const LABELS: [&str; 5] = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS", "one", "two"];
const TEXTS: [&str; 3] = ["", "p", "q"];
const TAG_KEYS: [&str; 4] = ["e", "f", "g", "h"];

/// One thing that happens in a sequence; what it refers to is looked up in the state of that moment.
#[derive(Clone, Debug)]
enum Step {
    Create {
        secret: (&'static str, &'static str),
        token: u8,
        value: Option<Value>,
    },
    Put {
        secret: (&'static str, &'static str),
        token: u8,
        value: Value,
        stages: &'static str,
    },
    Delete {
        secret: (&'static str, &'static str),
        force: bool,
    },
    Update {
        secret: (&'static str, &'static str),
        token: u8,
        description: Option<&'static str>,
        kms_key_id: Option<&'static str>,
        value: Option<Value>,
    },
    Stage {
        secret: (&'static str, &'static str),
        label: &'static str,
        to: Option<u8>,
        from: From,
    },
    Restore {
        secret: (&'static str, &'static str),
    },
    Tag {
        secret: (&'static str, &'static str),
        tags: Vec<(&'static str, &'static str)>,
    },
    Untag {
        secret: (&'static str, &'static str),
        keys: Vec<&'static str>,
    },
    /// A policy, or the end of it.
    Policy {
        secret: (&'static str, &'static str),
        text: Option<&'static str>,
    },
    /// A rotation, or only its configuration.
    Rotate {
        secret: (&'static str, &'static str),
        token: u8,
        function: Option<&'static str>,
        days: Option<u32>,
        immediately: bool,
    },
    /// The end of rotations.
    Cancel {
        secret: (&'static str, &'static str),
    },
    /// Replicas of a secret in other regions, or the end of them.
    Replicate {
        secret: (&'static str, &'static str),
        regions: Vec<&'static str>,
        force: bool,
    },
    Remove {
        secret: (&'static str, &'static str),
        regions: Vec<&'static str>,
    },
    /// The promotion of a replica.
    Promote {
        secret: (&'static str, &'static str),
    },
    /// Reads of a day that is so many before or after the leader's, each of the version at that place.
    Touch {
        days: i64,
        reads: Vec<((&'static str, &'static str), prop::sample::Index)>,
    },
    /// All secrets, at a time that is so many days from the leader's.
    Purge {
        days: i64,
    },
    /// An envelope of before comes again.
    Retry(prop::sample::Index),
    /// The stamps of the leader from here on; it may go back.
    Clock(i64),
    /// The next decisions are made that many entries behind.
    Lag(u64),
    /// The incremental checkpoint.
    Checkpoint,
}

type Value = (&'static str, bool);

/// The version that a label is said to be on.
#[derive(Clone, Copy, Debug)]
enum From {
    Nothing,
    Holder,
    Version(u8),
}

fn secret() -> impl Strategy<Value = (&'static str, &'static str)> {
    (select(&REGIONS[..]), select(&NAMES[..]))
}

fn value() -> impl Strategy<Value = Value> {
    (select(&VALUES[..]), prop::bool::weighted(0.2))
}

fn update() -> impl Strategy<Value = Step> {
    let text = || prop::option::of(select(&TEXTS[..]));
    (secret(), 0..12_u8, text(), text(), prop::option::of(value())).prop_map(
        |(secret, token, description, kms_key_id, value)| Step::Update {
            secret,
            token,
            description,
            kms_key_id,
            value,
        },
    )
}

fn stage() -> impl Strategy<Value = Step> {
    let from = prop_oneof![2 => Just(From::Nothing), 3 => Just(From::Holder), 1 => (0..12_u8).prop_map(From::Version)];
    (secret(), select(&LABELS[..]), prop::option::weighted(0.8, 0..12_u8), from)
        .prop_map(|(secret, label, to, from)| Step::Stage { secret, label, to, from })
}

fn step() -> impl Strategy<Value = Step> {
    let few = 0..6_u8;
    let hour = i64::try_from(HOUR_MS).expect("an hour is not long");
    prop_oneof![
        4 => (secret(), few.clone(), prop::option::weighted(0.8, value()))
            .prop_map(|(secret, token, value)| Step::Create { secret, token, value }),
        8 => (secret(), 0..12_u8, value(), select(&STAGES[..]))
            .prop_map(|(secret, token, value, stages)| Step::Put { secret, token, value, stages }),
        2 => (secret(), any::<bool>()).prop_map(|(secret, force)| Step::Delete { secret, force }),
        4 => update(),
        6 => stage(),
        1 => secret().prop_map(|secret| Step::Restore { secret }),
        2 => (secret(), prop::collection::btree_map(select(&TAG_KEYS[..]), select(&TEXTS[..]), 0..3))
            .prop_map(|(secret, tags)| Step::Tag { secret, tags: tags.into_iter().collect() }),
        2 => (secret(), prop::collection::vec(select(&TAG_KEYS[..]), 0..3))
            .prop_map(|(secret, keys)| Step::Untag { secret, keys }),
        3 => (secret(), prop::option::weighted(0.7, select(&VALUES[..])))
            .prop_map(|(secret, text)| Step::Policy { secret, text }),
        4 => (secret(), 0..6_u8, prop::option::weighted(0.8, select(&TEXTS[1..])), prop::option::of(1..3_u32), any::<bool>())
            .prop_map(|(secret, token, function, days, immediately)| {
                Step::Rotate { secret, token, function, days, immediately }
            }),
        1 => secret().prop_map(|secret| Step::Cancel { secret }),
        4 => (secret(), prop::collection::vec(select(&REPLICA_REGIONS[..]), 1..3), any::<bool>())
            .prop_map(|(secret, regions, force)| Step::Replicate { secret, regions, force }),
        2 => (secret(), prop::collection::vec(select(&REPLICA_REGIONS[..]), 1..3))
            .prop_map(|(secret, regions)| Step::Remove { secret, regions }),
        2 => secret().prop_map(|secret| Step::Promote { secret }),
        3 => (-1..3_i64, prop::collection::vec((secret(), any::<prop::sample::Index>()), 0..4))
            .prop_map(|(days, reads)| Step::Touch { days, reads }),
        2 => (-3..12_i64).prop_map(|days| Step::Purge { days }),
        3 => any::<prop::sample::Index>().prop_map(Step::Retry),
        2 => (-hour..3 * hour).prop_map(Step::Clock),
        1 => (0..20_u64).prop_map(Step::Lag),
        2 => Just(Step::Checkpoint),
    ]
}

/// Two nodes with one log, a store with incremental checkpoints, and what each proposal was answered.
struct World {
    one: State,
    two: State,
    index: u64,
    now: Timestamp,
    lag: u64,
    sent: Vec<Envelope>,
    answers: BTreeMap<ProposalId, Outcome>,
    /// The index of the last change of each policy.
    policies: BTreeMap<SecretArn, u64>,
    checkpoint: State,
    store: Records,
}

impl World {
    fn new() -> Self {
        let empty = State::default();
        let mut world = Self {
            one: empty.clone(),
            two: empty.clone(),
            index: 0,
            now: START,
            lag: 0,
            sent: Vec::new(),
            answers: BTreeMap::new(),
            policies: BTreeMap::new(),
            store: records_of(&empty),
            checkpoint: empty,
        };
        let bootstrap = world.envelope(Command::Bootstrap(bootstrap_command()));
        world.apply(Envelope { principal: Principal::System, ..bootstrap });
        world
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Create { secret, token, value } => self.create(secret, token, value),
            Step::Put { secret, token: number, value, stages } => {
                let target = self.target(secret);
                let value = self.value(value);
                let command =
                    PutSecretValue { target, token: token(&number.to_string()), value, stages: labels(stages) };
                self.apply(self.envelope(Command::PutSecretValue(command)));
            }
            Step::Delete { secret, force } => {
                let mode = if force { DeleteMode::Force } else { DeleteMode::Window { days: 7 } };
                self.apply(self.envelope(Command::DeleteSecret(DeleteSecret { target: self.target(secret), mode })));
            }
            Step::Update { secret, token: number, description, kms_key_id, value } => {
                let command = UpdateSecret {
                    target: self.target(secret),
                    token: token(&number.to_string()),
                    description: description.map(Into::into),
                    kms_key_id: kms_key_id.map(Into::into),
                    value: value.map(|value| self.value(value)),
                    rewrap: None,
                };
                self.apply(self.envelope(Command::UpdateSecret(command)));
            }
            Step::Stage { secret, label, to, from } => self.stage(secret, label, to, from),
            Step::Restore { secret } => {
                let command = RestoreSecret { target: self.target(secret) };
                self.apply(self.envelope(Command::RestoreSecret(command)));
            }
            Step::Tag { secret, ref tags } => {
                let tag = |(key, value): &(&str, &str)| Tag { key: (*key).into(), value: (*value).into() };
                let command = TagResource { target: self.target(secret), tags: tags.iter().map(tag).collect() };
                self.apply(self.envelope(Command::TagResource(command)));
            }
            Step::Untag { secret, ref keys } => {
                let keys = keys.iter().map(|key| (*key).into()).collect();
                let command = UntagResource { target: self.target(secret), keys };
                self.apply(self.envelope(Command::UntagResource(command)));
            }
            Step::Policy { secret, text } => self.policy(secret, text),
            Step::Rotate { secret, token: number, function, days, immediately } => {
                let command = RotateSecret {
                    target: self.target(secret),
                    token: token(&number.to_string()),
                    function: function.map(Into::into),
                    rules: days
                        .map(|days| RotationRules { schedule: RotationSchedule::AfterDays(days), duration: None }),
                    immediately,
                };
                self.apply(self.envelope(Command::RotateSecret(command)));
            }
            Step::Cancel { secret } => {
                let command = CancelRotateSecret { target: self.target(secret) };
                self.apply(self.envelope(Command::CancelRotateSecret(command)));
            }
            Step::Replicate { secret, ref regions, force } => {
                let command = ReplicateSecretToRegions { target: self.target(secret), add: replicas(regions, force) };
                self.apply(self.envelope(Command::ReplicateSecretToRegions(command)));
            }
            Step::Remove { secret, ref regions } => {
                let regions = regions.iter().map(|region| Region::parse(region).unwrap()).collect();
                let command = RemoveRegionsFromReplication { target: self.target(secret), regions };
                self.apply(self.envelope(Command::RemoveRegionsFromReplication(command)));
            }
            Step::Promote { secret } => {
                let command = StopReplicationToReplica { target: self.target(secret) };
                self.apply(self.envelope(Command::StopReplicationToReplica(command)));
            }
            Step::Touch { days, ref reads } => self.touch(days, reads),
            Step::Purge { days } => self.purge(days),
            Step::Retry(which) => {
                let envelope = which.get(&self.sent).clone();
                self.apply(envelope);
            }
            Step::Clock(ms) => self.now = Timestamp::from_millis(self.now.as_millis().saturating_add_signed(ms)),
            Step::Lag(entries) => self.lag = entries,
            Step::Checkpoint => self.checkpoint(),
        }
    }

    fn create(&mut self, secret: (&str, &str), number: u8, value: Option<Value>) {
        let (namespace, name) = names(secret);
        let command = CreateSecret {
            arn: SecretArn::new(&namespace, &name, &format!("{:06}", self.index)),
            namespace,
            name,
            token: token(&number.to_string()),
            description: None,
            kms_key_id: None,
            tags: Vec::new(),
            value: value.map(|value| self.value(value)),
            add_replicas: replicas(&["us-west-2"][..usize::from(number) % 2], false),
        };
        self.apply(self.envelope(Command::CreateSecret(command)));
    }

    fn stage(&mut self, secret: (&str, &str), label: &str, to: Option<u8>, from: From) {
        let (target, label) = (self.target(secret), StagingLabel::parse(label).unwrap());
        let remove_from = match from {
            From::Nothing => None,
            From::Holder => self.one.secret_by_arn(&target).and_then(|secret| secret.holder(&label)).cloned(),
            From::Version(number) => Some(token(&number.to_string())),
        };
        let move_to = to.map(|number| token(&number.to_string()));
        let command = UpdateSecretVersionStage { target, label, move_to, remove_from };
        self.apply(self.envelope(Command::UpdateSecretVersionStage(command)));
    }

    fn policy(&mut self, secret: (&str, &str), text: Option<&str>) {
        let target = self.target(secret);
        let command = match text {
            Some(text) => Command::PutResourcePolicy(PutResourcePolicy { target, policy: text.into() }),
            None => Command::DeleteResourcePolicy(DeleteResourcePolicy { target }),
        };
        self.apply(self.envelope(command));
    }

    fn touch(&mut self, days: i64, reads: &[((&str, &str), prop::sample::Index)]) {
        let read = |(secret, at): &((&str, &str), prop::sample::Index)| {
            let secret = self.one.secret_by_arn(&self.target(*secret))?;
            // One more than there are: a version that is gone.
            let part = secret.versions.get(at.index(secret.versions.len() + 1)).map_or(99, |entry| entry.version.part);
            Some(Access { secret: secret.uid, part })
        };
        let entries = reads.iter().filter_map(read).collect();
        let day = self.days_from_now(days).start_of_day();
        self.apply(self.envelope(Command::Touch(Touch { day, entries })));
    }

    fn purge(&mut self, days: i64) {
        let secrets = self.one.namespaces().flat_map(|(_, index)| index.by_creation.clone()).collect();
        let not_after = self.days_from_now(days);
        // The leader may be the one that is behind.
        let stamped = self.days_from_now(days / 2);
        let envelope = self.envelope(Command::Purge(Purge { secrets, not_after }));
        let ends = |state: &State| {
            let uids: Vec<_> = state.due(Timestamp::from_millis(u64::MAX)).collect();
            uids.into_iter().map(|uid| state.secret(uid).and_then(|s| s.deletion_date).unwrap()).collect::<Vec<_>>()
        };
        let mut expected = ends(&self.one);
        expected.retain(|end| *end > stamped.min(not_after));
        let known =
            known_before(&self.one, &envelope) || envelope.decided_at < self.one.proposals().forgotten_through();
        self.apply(Envelope { stamped, ..envelope });
        assert!(known || ends(&self.one) == expected);
    }

    fn days_from_now(&self, days: i64) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis().saturating_add_signed(days * 86_400_000))
    }

    fn value(&self, (text, binary): Value) -> state::SealedValue {
        sealed(text, if binary { ValueKind::Binary } else { ValueKind::String }, self.index)
    }

    /// The ARN of the secret, or one that nothing has.
    fn target(&self, secret: (&str, &str)) -> SecretArn {
        let (namespace, name) = names(secret);
        let found = self.one.secret_named(&namespace, &name).map(|secret| secret.arn.clone());
        found.unwrap_or_else(|| SecretArn::new(&namespace, &name, "nobody"))
    }

    fn envelope(&self, command: Command) -> Envelope {
        let mut proposal = [0xAA; 16];
        proposal[..8].copy_from_slice(&(self.index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        Envelope {
            proposal: ProposalId(proposal),
            principal: Principal::Root(account()),
            decided_at: self.index.saturating_sub(self.lag),
            stamped: self.now,
            command,
        }
    }

    fn apply(&mut self, envelope: Envelope) {
        self.index += 1;
        let before = self.one.clone();
        let outcome = self.one.apply(self.index, envelope.clone());
        assert_eq!(self.two.apply(self.index, envelope.clone()), outcome, "the copies answer differently");
        assert_eq!(self.one.invariants(), Ok(()));
        assert_eq!(self.one.time(), before.time().max(envelope.stamped));
        assert!(self.one.proposals().len() <= limits::PROPOSAL_RESULTS);
        self.check_answer(&before, &envelope, &outcome);
        self.check_secrets(&before);
        self.check_policies(&before, &envelope, &outcome);
        self.sent.push(envelope);
    }

    /// A proposal has one answer for ever, or none any more; only the first time changes a secret.
    fn check_answer(&mut self, before: &State, envelope: &Envelope, outcome: &Outcome) {
        let known = self.answers.get(&envelope.proposal);
        if *outcome == Err(Refusal::Forgotten) {
            assert!(envelope.decided_at < before.proposals().forgotten_through());
        } else if let Some(known) = known {
            assert_eq!(outcome, known, "a retry was answered differently");
        }
        if known.is_some() || outcome.is_err() {
            assert_eq!(secrets(before), secrets(&self.one), "what was refused or repeated has changed something");
        }
        if *outcome != Err(Refusal::Forgotten) {
            self.answers.entry(envelope.proposal).or_insert_with(|| outcome.clone());
        }
        if known_or_forgotten(known_before(before, envelope), outcome) || *outcome == Err(Refusal::Conflict) {
            return;
        }
        self.check_rotation(before, envelope, outcome);
        match &envelope.command {
            Command::PutSecretValue(put) => self.check_write(before, outcome, &put.target, &put.token, &put.value),
            Command::UpdateSecret(UpdateSecret { target, token, value: Some(value), .. }) => {
                self.check_write(before, outcome, target, token, value);
            }
            Command::UpdateSecretVersionStage(update) => self.check_stage(before, outcome, update),
            _ => {}
        }
    }

    /// What a value with a token must come to, told from the state before it.
    fn check_write(
        &self,
        before: &State,
        outcome: &Outcome,
        target: &SecretArn,
        token: &VersionId,
        value: &state::SealedValue,
    ) {
        let Some(secret) = before.secret_by_arn(target) else { return };
        if secret.is_scheduled_for_deletion() || before.is_replica(secret) {
            return assert!(outcome.is_err());
        }
        let kept = secret.version(token).and_then(|entry| entry.version.value.as_ref());
        let after = &self.one.secret_by_arn(target).expect("a write removes nothing");
        match kept {
            Some(kept) if kept.fingerprint == value.fingerprint => {
                assert_eq!(written_version(outcome), Some(token));
                assert_eq!(*after, secret);
            }
            Some(_) => assert!(refused(outcome).1.starts_with("You can't use ClientRequestToken ")),
            None => {
                assert_eq!(written_version(outcome), Some(token));
                let now = after.version(token).and_then(|entry| entry.version.value.as_ref());
                assert_eq!(now, Some(value));
            }
        }
    }

    /// A move that succeeds puts the label where it was asked for, and was told where it stood.
    fn check_stage(&self, before: &State, outcome: &Outcome, update: &UpdateSecretVersionStage) {
        if outcome.is_err() {
            return;
        }
        let UpdateSecretVersionStage { target, label, move_to, remove_from } = update;
        let old = before.secret_by_arn(target).expect("a move of what exists");
        let new = self.one.secret_by_arn(target).expect("a move removes nothing");
        assert_eq!(new.holder(label), move_to.as_ref());
        let was = old.holder(label);
        assert!(was.is_none() || was == remove_from.as_ref() || was == move_to.as_ref());
        let others = |secret: &Secret| {
            let moved_along = |known: &StagingLabel| {
                known == label || (*label == StagingLabel::Current && *known == StagingLabel::Previous)
            };
            secret.labels.iter().filter(|(known, _)| !moved_along(known)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(others(old), others(new));
        if *label == StagingLabel::Current && was != move_to.as_ref() {
            assert_eq!(new.holder(&StagingLabel::Previous), was);
        }
    }

    /// Only its own commands configure a rotation, and it ends where it was to end.
    fn check_rotation(&self, before: &State, envelope: &Envelope, outcome: &Outcome) {
        let Some(old) = envelope.command.target().and_then(|target| before.secret_by_arn(target)) else { return };
        let Some(new) = self.one.secret_by_arn(&old.arn) else { return };
        if let Command::RotateSecret(command) = &envelope.command
            && outcome.is_ok()
            && !(command.immediately && old.version(&command.token).is_some())
        {
            let rotation = new.rotation.as_deref().expect("it is configured");
            assert!(
                rotation.enabled && command.function.as_ref().is_none_or(|function| *function == rotation.function)
            );
            assert!(command.rules.is_none() || command.rules == rotation.rules);
            assert!(old.rotating().is_none());
            assert_eq!(new.rotating(), Some(&command.token).filter(|_| command.immediately));
            let made = new.version(&command.token).filter(|_| command.immediately);
            assert!(made.is_none_or(|entry| entry.version.value.is_none()));
            assert_eq!(new.holder(&StagingLabel::Current), old.holder(&StagingLabel::Current));
        }
        let configures = matches!(
            envelope.command,
            Command::RotateSecret(_) | Command::CancelRotateSecret(_) | Command::StopReplicationToReplica(_)
        );
        let (Some(was), Some(is)) = (old.rotation.as_deref(), new.rotation.as_deref()) else {
            assert!(configures || old.rotation == new.rotation);
            return;
        };
        let (was_on, is_on) = ((was.enabled, &was.function, &was.rules), (is.enabled, &is.function, &is.rules));
        assert!(configures || was_on == is_on, "a configuration has changed");
        if was.last_rotated != is.last_rotated {
            assert!(old.rotating().is_some() && old.rotating() == new.holder(&StagingLabel::Current));
            assert_eq!(is.last_rotated, Some(is.counted_from));
        }
    }

    /// A secret that lives on keeps its values, and a change of it has a later date.
    fn check_secrets(&self, before: &State) {
        for (_, index) in before.namespaces() {
            for uid in &index.by_creation {
                let (Some(old), Some(new)) = (before.secret(*uid), self.one.secret(*uid)) else { continue };
                assert!(unread(old) == unread(new) || old.last_changed < new.last_changed);
                assert!(old.last_accessed <= new.last_accessed && new.last_accessed <= Some(self.one.time()));
                assert!(new.labels.len() <= limits::STAGING_LABELS_PER_SECRET);
                assert!(new.versions.len() <= limits::VERSIONS_PER_SECRET);
                for entry in old.versions.iter() {
                    let kept = new.version(&entry.version.id).expect("a version is gone");
                    let filled = entry.version.value.is_none().then(|| kept.version.value.clone()).flatten();
                    let expected = Version {
                        value: entry.version.value.clone().or(filled),
                        sealed_under: kept.version.sealed_under.clone(),
                        ..(*entry.version).clone()
                    };
                    if entry.version.value.is_some() {
                        let (was, is) =
                            (before.sealed_under(old, &entry.version), self.one.sealed_under(new, &kept.version));
                        assert_eq!(was, is, "a value cannot be opened any more");
                    }
                    assert_eq!(*kept.version, expected, "a version has changed");
                    assert!(entry.last_accessed <= kept.last_accessed && kept.last_accessed <= new.last_accessed);
                }
            }
        }
    }

    /// Nothing but its own commands changes a policy, and nothing that was decided before a change is carried out.
    fn check_policies(&mut self, before: &State, envelope: &Envelope, outcome: &Outcome) {
        let fresh = !known_or_forgotten(known_before(before, envelope), outcome);
        let target = envelope.command.target();
        if fresh && let Some(changed_at) = target.and_then(|target| self.policies.get(target)) {
            assert!(outcome.is_err() || *changed_at <= envelope.decided_at, "an old decision was carried out");
        }
        let asked = match &envelope.command {
            Command::PutResourcePolicy(put) => Some((&put.target, Some(&put.policy))),
            Command::DeleteResourcePolicy(delete) => Some((&delete.target, None)),
            _ => None,
        };
        for (_, index) in self.one.namespaces() {
            for uid in &index.by_creation {
                let secret = self.one.secret(*uid).expect("an index names what exists");
                if self.one.is_replica(secret) {
                    continue;
                }
                let (old, new) = (before.resource_policy(secret), self.one.resource_policy(secret));
                let asked = asked.filter(|(target, _)| **target == secret.arn && fresh && outcome.is_ok());
                assert_eq!(new, asked.map_or(old, |(_, text)| text));
                if old != new {
                    self.policies.insert(secret.arn.clone(), self.index);
                }
            }
        }
    }

    fn checkpoint(&mut self) {
        write(&mut self.store, self.one.changes_since(&self.checkpoint).collect());
        assert_eq!(self.store, records_of(&self.one));
        self.checkpoint = self.one.clone();
        // From here on the second node is one that was restarted from its checkpoint.
        self.two = rebuilt(self.store.clone()).expect("a checkpoint can be loaded");
        assert_eq!(self.one, self.two);
    }
}

/// The secret as if nobody had ever read it.
fn unread(secret: &Secret) -> Secret {
    let versions = secret.versions.iter().map(|entry| VersionEntry::new(entry.version.clone(), None)).collect();
    Secret { last_accessed: None, versions, ..secret.clone() }
}

fn names((region, secret): (&str, &str)) -> (Namespace, SecretName) {
    (namespace_of(region), name(secret))
}

fn replicas(regions: &[&str], force: bool) -> AddReplicas {
    let mut to: Vec<_> = regions.iter().map(|region| Region::parse(region).unwrap()).collect();
    to.sort();
    to.dedup();
    AddReplicas { regions: to.into_iter().map(|region| ReplicaRegion { region, kms_key_id: None }).collect(), force }
}

fn known_before(before: &State, envelope: &Envelope) -> bool {
    before.proposals().result(&envelope.proposal).is_some()
}

fn known_or_forgotten(known: bool, outcome: &Outcome) -> bool {
    known || *outcome == Err(Refusal::Forgotten)
}

fn written_version(outcome: &Outcome) -> Option<&VersionId> {
    match outcome {
        Ok(Applied::Written { version, .. }) => version.as_ref(),
        _ => None,
    }
}

/// Everything but time and the memory of proposals.
fn secrets(state: &State) -> Vec<(state::RecordKey, state::Record)> {
    let is_secret = |(key, _): &(state::RecordKey, _)| {
        use state::RecordKind::{ResourcePolicy, Secret, Version};
        matches!(key.kind, Secret | Version | ResourcePolicy)
    };
    state.records().filter(is_secret).collect()
}

fn from_env<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn random_commands_keep_every_promise() {
    let cases = from_env("CONCLAVE_STATE_CASES").unwrap_or(1000);
    let seed: u64 = from_env("CONCLAVE_STATE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&prop::collection::vec(step(), 1..80), |steps| {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.checkpoint();
        Ok(())
    });
    if let Err(error) = outcome {
        let steps = match &error {
            TestError::Fail(_, steps) => format!("{steps:#?}"),
            TestError::Abort(_) => String::new(),
        };
        panic!("{error}\n{steps}\nreplay: CONCLAVE_STATE_SEED={seed} cargo nextest run -p state random");
    }
}
