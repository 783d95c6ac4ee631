//! What every [`StateStore`] must do. A store that passes may replace the one that is there.

use state::{Bootstrap, Command, CreateSecret, DeleteMode, DeleteSecret, Envelope, PutSecretValue, SealedValue, State};
use types::{
    AccessKeyId, AccountId, KeyId, Namespace, NodeId, Principal, ProposalId, Region, SecretArn, SecretName,
    StagingLabel, Tag, Timestamp, ValueKind, VersionId,
};

use super::{Loaded, StateStore, StateStoreError};
use crate::head::Head;
use crate::log::LogId;

/// Where a store is opened, again and again.
pub trait Place {
    /// The store.
    type Store: StateStore;

    /// Opens the store; an earlier one has been dropped.
    ///
    /// # Errors
    /// As the store's own function.
    fn open(&self) -> Result<(Self::Store, Option<Loaded>), StateStoreError>;
}

/// Runs all checks, each in a fresh place.
///
/// # Panics
/// When the store does not do what it must.
pub fn check_all<P: Place>(fresh: impl Fn() -> P) {
    a_new_store_has_no_checkpoint(&fresh());
    a_checkpoint_is_there_after_reopening(&fresh());
    differences_add_up(&fresh());
    a_reopened_store_goes_on(&fresh());
    a_whole_write_leaves_nothing_of_what_was_there(&fresh());
    an_empty_difference_moves_the_head(&fresh());
}

fn a_new_store_has_no_checkpoint(place: &impl Place) {
    for _ in 0..2 {
        let (_store, loaded) = place.open().expect("a new store opens");
        assert_eq!(loaded, None);
    }
}

fn a_checkpoint_is_there_after_reopening(place: &impl Place) {
    let mut history = History::new(1);
    let (store, _) = place.open().expect("a new store opens");
    store.checkpoint(None, &history.run(50), history.head()).expect("a checkpoint is taken");
    drop(store);
    expect_loaded(place, &history);
    expect_loaded(place, &history);
}

fn differences_add_up(place: &impl Place) {
    let mut history = History::new(2);
    let (store, _) = place.open().expect("a new store opens");
    let mut previous = None;
    for commands in [1, 100, 1, 50, 0, 100] {
        history.run(commands);
        store.checkpoint(previous.as_ref(), &history.state, history.head()).expect("a checkpoint is taken");
        previous = Some(history.state.clone());
    }
    drop(store);
    expect_loaded(place, &history);
}

fn a_reopened_store_goes_on(place: &impl Place) {
    let mut history = History::new(3);
    for _ in 0..5 {
        let (store, loaded) = place.open().expect("the store opens");
        history.run(40);
        let previous = loaded.as_ref().map(|loaded| &loaded.state);
        store.checkpoint(previous, &history.state, history.head()).expect("a checkpoint is taken");
        drop(store);
        expect_loaded(place, &history);
    }
}

fn a_whole_write_leaves_nothing_of_what_was_there(place: &impl Place) {
    let (mut old, mut new) = (History::new(4), History::new(5));
    let (store, _) = place.open().expect("a new store opens");
    let before = old.run(200);
    store.checkpoint(None, &before, old.head()).expect("a checkpoint is taken");
    store.checkpoint(Some(&before), &old.run(30), old.head()).expect("a checkpoint is taken");
    let installed = new.run(20);
    store.checkpoint(None, &installed, new.head()).expect("a checkpoint is taken");
    drop(store);
    expect_loaded(place, &new);

    let (store, _) = place.open().expect("the store opens");
    store.checkpoint(Some(&installed), &new.run(100), new.head()).expect("a checkpoint is taken");
    drop(store);
    expect_loaded(place, &new);
}

fn an_empty_difference_moves_the_head(place: &impl Place) {
    let mut history = History::new(6);
    let (store, _) = place.open().expect("a new store opens");
    let state = history.run(10);
    store.checkpoint(None, &state, history.head()).expect("a checkpoint is taken");
    history.index += 1;
    store.checkpoint(Some(&state), &state, history.head()).expect("a checkpoint is taken");
    drop(store);
    expect_loaded(place, &history);
}

fn expect_loaded(place: &impl Place, history: &History) {
    let (_store, loaded) = place.open().expect("the store opens");
    let loaded = loaded.expect("the store has a checkpoint");
    assert_eq!(loaded.head, history.head());
    assert!(loaded.state == history.state, "the state that was loaded is not the one that was written");
    assert_eq!(crate::digest(&loaded.state), crate::digest(&history.state));
}

/// Milliseconds between two commands: results are forgotten by age, so records of them go.
const STEP_MS: u64 = 20_000;

/// A cluster's life: commands that are drawn from a seed, and the state that they lead to.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) state: State,
    pub(crate) index: u64,
    seed: u64,
    draws: u64,
    secrets: Vec<SecretArn>,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: State::default(), index: 0, seed, draws: seed, secrets: Vec::new() }
    }

    /// The same past with another future.
    #[cfg(test)]
    pub(crate) fn with_other_draws(self) -> Self {
        Self { draws: !self.draws, ..self }
    }

    /// Applies that many more commands; the state after them.
    pub(crate) fn run(&mut self, commands: usize) -> State {
        for _ in 0..commands {
            let command = if self.index == 0 { Command::Bootstrap(bootstrap()) } else { self.draw_command() };
            let decided_at = self.index;
            self.index += 1;
            let envelope = Envelope {
                proposal: ProposalId((u128::from(self.seed) << 64 | u128::from(self.index)).to_be_bytes()),
                principal: Principal::Root(account()),
                decided_at,
                stamped: Timestamp::from_millis(1_700_000_000_000 + self.index * STEP_MS),
                command,
            };
            let _ = self.state.apply(self.index, envelope);
        }
        self.state.clone()
    }

    pub(crate) fn head(&self) -> Head {
        let id = |index| LogId { term: 1 + index / 100, leader: NodeId(self.seed), index };
        Head {
            last: id(self.index),
            membership_log_id: (self.index % 2 == 1).then(|| id(self.index / 2)),
            membership: self.index.to_be_bytes().to_vec(),
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        // Steele, Lea and Flood's SplitMix64.
        self.draws = self.draws.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.draws;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).expect("it is below a usize")
    }

    fn draw_command(&mut self) -> Command {
        if self.secrets.is_empty() || self.draw(10) < 4 {
            return self.create_secret();
        }
        let target = self.draw(self.secrets.len());
        if self.draw(10) < 2 {
            let target = self.secrets.swap_remove(target);
            let mode = if self.draw(4) == 0 { DeleteMode::Window { days: 7 } } else { DeleteMode::Force };
            return Command::DeleteSecret(DeleteSecret { target, mode });
        }
        let bytes = 1 + self.draw(600);
        Command::PutSecretValue(PutSecretValue {
            target: self.secrets[target].clone(),
            token: self.token(),
            value: self.value(bytes),
            stages: vec![StagingLabel::Current],
        })
    }

    fn create_secret(&mut self) -> Command {
        let name = SecretName::parse(&format!("canary/{}/{}", self.seed, self.index)).expect("a name");
        let arn = SecretArn::new(&namespace(), &name, "a1B2c3");
        self.secrets.push(arn.clone());
        // A few have the most that a value may have, so that a batch is bounded by bytes too.
        let bytes = if self.draw(200) == 0 { types::limits::SECRET_VALUE_BYTES } else { 1 + self.draw(600) };
        let value = (self.draw(10) > 0).then(|| self.value(bytes));
        Command::CreateSecret(CreateSecret {
            add_replicas: state::AddReplicas::default(),
            namespace: namespace(),
            name,
            arn,
            token: self.token(),
            description: (self.draw(2) == 0).then(|| "a canary description".into()),
            kms_key_id: None,
            tags: vec![Tag { key: "canary tag".into(), value: "canary tag value".into() }],
            value,
        })
    }

    fn token(&self) -> VersionId {
        VersionId::parse(&format!("{:032}", self.index)).expect("a version id")
    }

    fn value(&mut self, bytes: usize) -> SealedValue {
        let fill = u8::try_from(self.draw(256)).expect("it is below 256");
        SealedValue {
            kind: ValueKind::String,
            key: KeyId([1; 16]),
            material: 1,
            wrapped_key: [fill; 60].as_slice().into(),
            ciphertext: vec![fill; bytes].into(),
            fingerprint: [fill; 32],
        }
    }
}

fn account() -> AccountId {
    AccountId::from_number(42).expect("an account")
}

fn namespace() -> Namespace {
    Namespace { account: account(), region: Region::parse("us-east-1").expect("a region") }
}

fn bootstrap() -> Bootstrap {
    Bootstrap {
        account: account(),
        access_key_id: AccessKeyId::parse("AKIACANARY").expect("an access key id"),
        access_key_secret: b"sealed access key".as_slice().into(),
        root_certificate_uri: "conclave://canary/root".into(),
        idempotency_key: b"sealed idempotency key".as_slice().into(),
        default_key: KeyId([1; 16]),
        default_key_material: b"sealed material".as_slice().into(),
    }
}
