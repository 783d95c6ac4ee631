//! One history: each step is asked of the product and of the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use state::{Command, Purge};
use types::{ApiError, Plaintext, StagingLabel, Timestamp};

use super::super::world::{World, text};
use super::invariants::{
    Shown, invariant_a_value_means_one_current_version, invariant_each_label_is_on_one_version,
    invariant_last_changed_date_increases, invariant_nothing_is_visible_after_purge,
    invariant_previous_is_what_was_current, invariant_quotas_hold, invariant_young_versions_are_kept,
};
use super::model::{DAY_MS, Model, Refusal, Value, Version};
use crate::api::{
    CreateSecretInput, DeleteSecretInput, GetSecretValueOutput, PutSecretValueInput, RestoreSecretInput, SecretValue,
    TagInput, TagResourceInput, UntagResourceInput, UpdateSecretInput, UpdateSecretVersionStageInput,
};
use crate::secrets::{
    CreateSecret, DeleteSecret, PutSecretValue, RestoreSecret, TagResource, UntagResource, UpdateSecret,
    UpdateSecretVersionStage,
};

const HOUR_MS: u64 = DAY_MS / 24;
/// The second looks like an ARN's end, the third is no name.
const NAMES: [&str; 3] = ["a", "a-b1c2d3", "no name"];
const TOKENS: usize = 5;
const LABELS: [&str; 6] = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "one", "two", "ONE"];

fn token(number: usize) -> String {
    format!("token-{number:030}")
}

/// How a secret is named.
#[derive(Clone, Debug)]
pub(super) enum Id {
    Name(&'static str),
    /// Of one that is there.
    Arn(Index),
    /// The same, without its suffix.
    Partial(Index),
    /// Of one that is gone.
    Gone(Index),
}

/// Which versions many puts make.
#[derive(Clone, Copy, Debug)]
pub(super) enum Versions {
    /// Each takes its one label from the one before.
    Unlabelled,
    /// Each has a label of its own.
    Labelled,
    /// Each is the current one.
    Current,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Create {
        name: &'static str,
        token: Option<usize>,
        value: Option<Value>,
    },
    Put {
        id: Id,
        token: Option<usize>,
        value: Option<Value>,
        labels: Option<Vec<&'static str>>,
    },
    Puts {
        count: usize,
        versions: Versions,
    },
    Update {
        id: Id,
        token: Option<usize>,
        value: Option<Value>,
        description: Option<&'static str>,
    },
    UpdateStage {
        id: Id,
        label: &'static str,
        to: Option<usize>,
        from: Option<usize>,
    },
    /// Moves a label from where it is.
    Move {
        name: &'static str,
        label: &'static str,
        to: Index,
    },
    Delete {
        id: Id,
        window: Option<i64>,
        force: Option<bool>,
    },
    Restore {
        id: Id,
    },
    Tag {
        id: Id,
        tags: BTreeMap<&'static str, &'static str>,
    },
    Untag {
        id: Id,
        keys: Vec<&'static str>,
    },
    Get {
        id: Id,
        version: Option<usize>,
        label: Option<&'static str>,
    },
    Pass {
        hours: u64,
    },
    Purge,
}

impl Action {
    pub(super) const fn create(name: &'static str) -> Self {
        Self::Create { name, token: Some(0), value: None }
    }
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![
        6 => Just(Id::Name(NAMES[0])),
        2 => select(&NAMES[..]).prop_map(Id::Name),
        2 => any::<Index>().prop_map(Id::Arn),
        2 => any::<Index>().prop_map(Id::Partial),
        1 => any::<Index>().prop_map(Id::Gone),
    ]
}

fn some_token() -> impl Strategy<Value = Option<usize>> {
    prop::option::weighted(0.95, 0..TOKENS)
}

fn value() -> impl Strategy<Value = Value> {
    (prop::bool::weighted(0.8), select(vec![b"x".to_vec(), b"y".to_vec()]))
}

fn label() -> impl Strategy<Value = &'static str> {
    select(&LABELS[..])
}

fn write() -> impl Strategy<Value = Action> {
    let labels = prop::option::of(prop::collection::vec(label(), 1..4));
    prop_oneof![
        2 => (select(&NAMES[..]), some_token(), prop::option::of(value()))
            .prop_map(|(name, token, value)| Action::Create { name, token, value }),
        5 => (id(), some_token(), prop::option::weighted(0.95, value()), labels)
            .prop_map(|(id, token, value, labels)| Action::Put { id, token, value, labels }),
        2 => (id(), some_token(), prop::option::of(value()), prop::option::of(select(vec!["", "d", "e"])))
            .prop_map(|(id, token, value, description)| Action::Update { id, token, value, description }),
        3 => (id(), label(), prop::option::of(0..TOKENS), prop::option::of(0..TOKENS))
            .prop_map(|(id, label, to, from)| Action::UpdateStage { id, label, to, from }),
        3 => (select(&NAMES[..2]), label(), any::<Index>()).prop_map(|(name, label, to)| Action::Move { name, label, to }),
    ]
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    let window = prop::option::of(select(vec![0, 6, 7, 30, 31, -1, i64::MAX]));
    let key = || select(vec!["k", "K", "l"]);
    prop_oneof![
        12 => write(),
        1 => (id(), window, any::<Option<bool>>()).prop_map(|(id, window, force)| Action::Delete { id, window, force }),
        1 => id().prop_map(|id| Action::Restore { id }),
        1 => (id(), prop::collection::btree_map(key(), select(vec!["", "v", "w"]), 0..3))
            .prop_map(|(id, tags)| Action::Tag { id, tags }),
        1 => (id(), prop::collection::vec(key(), 0..3)).prop_map(|(id, keys)| Action::Untag { id, keys }),
        3 => (id(), prop::option::of(0..TOKENS), prop::option::of(label()))
            .prop_map(|(id, version, label)| Action::Get { id, version, label }),
        1 => select(vec![1, 23, 24, 7 * 24, 30 * 24]).prop_map(|hours| Action::Pass { hours }),
        1 => Just(Action::Purge),
    ]
}

pub(super) fn action_at_the_quotas() -> impl Strategy<Value = Action> {
    let versions = select(vec![Versions::Unlabelled, Versions::Unlabelled, Versions::Labelled, Versions::Current]);
    prop_oneof![
        6 => (1..60_usize, versions).prop_map(|(count, versions)| Action::Puts { count, versions }),
        2 => select(vec![1, 13, 24, 25]).prop_map(|hours| Action::Pass { hours }),
        3 => write(),
        1 => Just(Action::create(NAMES[0])),
    ]
}

/// The product, the model, and what the product showed before the next step.
pub(super) struct Play {
    world: World,
    model: Model,
    shown: BTreeMap<String, (u64, Shown)>,
    /// Numbers the tokens and labels of many puts.
    drawn: usize,
    passed_ms: u64,
}

impl Play {
    pub(super) fn new() -> Self {
        Self { world: World::new(), model: Model::default(), shown: BTreeMap::new(), drawn: TOKENS, passed_ms: 0 }
    }

    pub(super) async fn step(&mut self, action: &Action) {
        match action {
            Action::Puts { count, versions } => {
                for _ in 0..*count {
                    self.drawn += 1;
                    let own = format!("label-{}", self.drawn);
                    let label = match versions {
                        Versions::Unlabelled => "scratch",
                        Versions::Labelled => &own,
                        Versions::Current => "AWSCURRENT",
                    };
                    let (token, value) = (token(self.drawn), Some((true, b"x".to_vec())));
                    self.put(NAMES[0], Some(&token), value, Some(&[label])).await;
                }
            }
            other => self.ask(other).await,
        }
        self.compare().await;
    }

    async fn ask(&mut self, action: &Action) {
        let now = self.now();
        match action {
            Action::Create { name, token: number, value } => {
                let token = number.map(token);
                let input = CreateSecretInput {
                    name: text(name),
                    client_request_token: token.clone(),
                    secret_string: of_kind(value.as_ref(), true),
                    secret_binary: of_kind(value.as_ref(), false),
                    ..CreateSecretInput::default()
                };
                let answer = self.world.write::<CreateSecret>(input).await;
                if *name == NAMES[2] {
                    assert_eq!(answer.unwrap_err().code.aws_name(), "ValidationException");
                    return;
                }
                let expected = self.model.create(name, token.as_deref(), value.clone(), now);
                if let Ok(created) = &answer {
                    self.model.adopt(&created.arn.to_string());
                }
                same(answer.map(|created| created.version_id.map(|id| id.to_string())), expected);
            }
            Action::Put { id, token: number, value, labels } => {
                let (id, token) = (self.id(id), number.map(token));
                self.put(&id, token.as_deref(), value.clone(), labels.as_deref()).await;
            }
            Action::Update { id, token: number, value, description } => {
                let (id, token) = (self.id(id), number.map(token));
                let input = UpdateSecretInput {
                    secret_id: text(&id),
                    client_request_token: token.clone(),
                    secret_string: of_kind(value.as_ref(), true),
                    secret_binary: of_kind(value.as_ref(), false),
                    description: description.and_then(text),
                    ..UpdateSecretInput::default()
                };
                let answer = self.world.write::<UpdateSecret>(input).await;
                let expected = self.model.update(&id, token.as_deref(), value.clone(), *description, now);
                same(answer.map(|updated| updated.version_id.map(|id| id.to_string())), expected);
            }
            Action::UpdateStage { id, label, to, from } => {
                let (id, to, from) = (self.id(id), to.map(token), from.map(token));
                self.update_stage(&id, label, to.as_deref(), from.as_deref()).await;
            }
            Action::Move { name, label, to } => {
                let Some(secret) = self.model.secrets.iter().find(|secret| secret.name == *name) else { return };
                if secret.versions.is_empty() {
                    return;
                }
                let (to, from) = (to.get(&secret.versions).id.clone(), secret.holder(label));
                self.update_stage(name, label, Some(&to), from.as_deref()).await;
            }
            Action::Delete { id, window, force } => {
                let id = self.id(id);
                let input = DeleteSecretInput {
                    secret_id: text(&id),
                    recovery_window_in_days: *window,
                    force_delete_without_recovery: *force,
                };
                let answer = self.world.write::<DeleteSecret>(input).await;
                let expected = self.model.delete(&id, *window, *force, now);
                if let (Ok(deleted), Ok(None)) = (&answer, &expected) {
                    // What is said of a secret that was not there is made up, but for its name.
                    assert!(id.starts_with("arn:") || deleted.name == id);
                    return;
                }
                same(answer.map(|deleted| Some(deleted.deletion_date.as_millis())), expected);
            }
            Action::Restore { id } => {
                let id = self.id(id);
                let answer = self.world.write::<RestoreSecret>(RestoreSecretInput { secret_id: text(&id) }).await;
                same(answer.map(drop), self.model.restore(&id));
            }
            Action::Tag { id, tags } => {
                let id = self.id(id);
                let tags: Vec<(String, String)> =
                    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                let given = tags.iter().map(|(key, value)| TagInput { key: text(key), value: text(value) });
                let input = TagResourceInput { secret_id: text(&id), tags: Some(given.collect()) };
                same(self.world.write::<TagResource>(input).await, self.model.tag(&id, &tags));
            }
            Action::Untag { id, keys } => {
                let id = self.id(id);
                let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
                let input = UntagResourceInput { secret_id: text(&id), tag_keys: Some(keys.clone()) };
                same(self.world.write::<UntagResource>(input).await, self.model.untag(&id, &keys));
            }
            Action::Get { id, version, label } => {
                let (id, version) = (self.id(id), version.map(token));
                let answer = self.world.get_version(&id, version.as_deref(), *label).await;
                let expected = self.model.get(&id, version.as_deref(), *label, self.today());
                same(answer.map(|got| read(&got)), expected.map(|version| Version { accessed: None, ..version }));
            }
            Action::Pass { hours } => {
                // Whole days pass on the node's clock too, which dates reads.
                self.passed_ms += hours * HOUR_MS;
                self.world.pass_hours(*hours);
            }
            Action::Purge => {
                let state = self.world.state();
                let shown = self.shown.values().map(|(_, shown)| &shown.description.arn);
                let secrets = shown.map(|arn| state.secret_by_arn(arn).unwrap().uid).collect();
                let command = Purge { secrets, not_after: Timestamp::from_millis(now) };
                self.world.cluster.lock().commit(Command::Purge(command)).unwrap();
                self.model.purge(now);
            }
            Action::Puts { .. } => {}
        }
    }

    async fn put(&mut self, id: &str, token: Option<&str>, value: Option<Value>, labels: Option<&[&str]>) {
        let now = self.now();
        let input = PutSecretValueInput {
            secret_id: text(id),
            client_request_token: token.and_then(text),
            secret_string: of_kind(value.as_ref(), true),
            secret_binary: of_kind(value.as_ref(), false),
            version_stages: labels.map(|labels| labels.iter().map(|&label| label.to_owned()).collect()),
            ..PutSecretValueInput::default()
        };
        let answer = self.world.write::<PutSecretValue>(input).await;
        let expected = self.model.put(id, token, value, labels, now);
        same(answer.map(|put| (put.version_id.to_string(), labels_of(&put.version_stages))), expected);
    }

    async fn update_stage(&mut self, id: &str, label: &str, to: Option<&str>, from: Option<&str>) {
        let input = UpdateSecretVersionStageInput {
            secret_id: text(id),
            version_stage: text(label),
            move_to_version_id: to.and_then(text),
            remove_from_version_id: from.and_then(text),
        };
        let answer = self.world.write::<UpdateSecretVersionStage>(input).await;
        same(answer.map(drop), self.model.update_stage(id, label, to, from));
    }

    /// Everything that can be seen is what the model has.
    async fn compare(&mut self) {
        let mut shown = BTreeMap::new();
        for secret in &self.model.secrets {
            let (model, labels) = self.model.describe(&secret.arn).unwrap();
            let now = Shown::of(&self.world, &secret.arn).await;
            let seen = &now.description;
            let tags = seen.tags.as_ref().map(|tags| {
                let pair = |tag: &types::Tag| (tag.key.to_string(), tag.value.to_string());
                tags.iter().map(pair).collect::<Vec<_>>()
            });
            assert_eq!(
                (seen.name.to_string(), &seen.description, tags),
                (model.name.clone(), &model.description, model.tags.clone())
            );
            let date = |time: &Option<Timestamp>| time.map(|time| time.as_millis());
            assert_eq!(
                (seen.created_date.as_millis(), date(&seen.deleted_date), date(&seen.last_accessed_date)),
                (model.created, model.deletion, model.accessed)
            );
            let described: BTreeMap<String, BTreeSet<String>> =
                seen.version_ids_to_stages.iter().map(|(id, labels)| (id.to_string(), labels_of(labels))).collect();
            assert_eq!(described, labels);
            let expected = self.model.versions(&secret.arn, true).unwrap().into_iter();
            let expected = expected.map(|v| (v.id.clone(), v.labels.clone(), v.created, v.accessed));
            let versions = now.versions.iter().map(|(id, labels, created, accessed)| {
                (id.clone(), labels.clone(), created.as_millis(), date(accessed))
            });
            assert_eq!(versions.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

            invariant_each_label_is_on_one_version(&now);
            invariant_a_value_means_one_current_version(&now);
            invariant_quotas_hold(&now);
            shown.insert(secret.arn.clone(), (model.changes, now));
        }
        let now = Timestamp::from_millis(self.now());
        for (arn, (changes, after)) in &shown {
            let Some((earlier, before)) = self.shown.get(arn) else { continue };
            invariant_last_changed_date_increases(before, after, changes > earlier);
            invariant_young_versions_are_kept(before, after, now);
            if *changes <= earlier + 1 {
                invariant_previous_is_what_was_current(before, after);
            }
        }
        invariant_nothing_is_visible_after_purge(&self.world, &self.model.purged).await;
        self.world.state().invariants().unwrap();
        self.shown = shown;
    }

    fn id(&self, id: &Id) -> String {
        let nothing = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-NoSuch";
        let one_of = |arns: Vec<&str>, index: &Index| match arns.is_empty() {
            true => nothing.to_owned(),
            false => (*index.get(&arns)).to_owned(),
        };
        let living = || self.model.secrets.iter().map(|secret| secret.arn.as_str()).collect();
        match id {
            Id::Name(name) => (*name).to_owned(),
            Id::Arn(index) => one_of(living(), index),
            Id::Partial(index) => {
                let arn = one_of(living(), index);
                arn.rsplit_once('-').unwrap().0.to_owned()
            }
            Id::Gone(index) => one_of(self.model.purged.iter().map(String::as_str).collect(), index),
        }
    }

    /// The time that the next command will have.
    fn now(&self) -> u64 {
        self.world.cluster.lock().next_stamp().as_millis()
    }

    /// The day that reads of this node leave.
    fn today(&self) -> u64 {
        let now = super::super::world::START.as_millis() + self.passed_ms;
        now - now % DAY_MS
    }
}

/// Demands the same outcome of both: equal answers, or one code, and one text where it is known.
fn same<T: Debug + PartialEq>(answer: Result<T, ApiError>, expected: Result<T, Refusal>) {
    match (answer, expected) {
        (Ok(answer), Ok(expected)) => assert_eq!(answer, expected),
        (Err(error), Err(expected)) => {
            assert_eq!(error.code.aws_name(), expected.code, "{error:?} {expected:?}");
            if let Some(text) = expected.text {
                assert_eq!(error.message, text);
            }
        }
        (answer, expected) => panic!("answered {answer:?}, expected {expected:?}"),
    }
}

fn of_kind(value: Option<&Value>, text: bool) -> Option<Plaintext> {
    value.filter(|value| value.0 == text).map(|value| Plaintext::new(value.1.clone()))
}

fn labels_of(labels: &[StagingLabel]) -> BTreeSet<String> {
    let set: BTreeSet<String> = labels.iter().map(ToString::to_string).collect();
    assert_eq!(set.len(), labels.len(), "a label is named twice");
    set
}

fn read(got: &GetSecretValueOutput) -> Version {
    Version {
        id: got.version_id.to_string(),
        value: (matches!(got.value, SecretValue::String(_)), got.value.plaintext().expose_secret().to_vec()),
        labels: labels_of(&got.version_stages),
        created: got.created_date.as_millis(),
        accessed: None,
    }
}
