//! A state with a clock and short words for commands.

use std::sync::Arc;

use state::{
    Applied, Bootstrap, Command, CreateSecret, DeleteMode, DeleteSecret, Envelope, Outcome, PutSecretValue, Refusal,
    RestoreSecret, SealedValue, Secret, State, UpdateSecret, UpdateSecretVersionStage,
};
use types::{
    AccessKeyId, AccountId, ApiError, ErrorCode, KeyId, Namespace, Principal, ProposalId, Region, SecretArn,
    SecretName, StagingLabel, Timestamp, ValueKind, VersionId,
};

pub(crate) const DEFAULT_KEY: KeyId = KeyId([7; 16]);
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const HOUR_MS: u64 = 3_600_000;

pub(crate) fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

pub(crate) fn namespace() -> Namespace {
    namespace_of("us-east-1")
}

pub(crate) fn namespace_of(region: &str) -> Namespace {
    Namespace { account: account(), region: Region::parse(region).unwrap() }
}

pub(crate) fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

pub(crate) fn token(text: &str) -> VersionId {
    VersionId::parse(&format!("{text:0>32}")).unwrap()
}

pub(crate) fn labels(text: &str) -> Vec<StagingLabel> {
    text.split_whitespace().map(|label| StagingLabel::parse(label).unwrap()).collect()
}

pub(crate) fn bootstrap_command() -> Bootstrap {
    Bootstrap {
        account: account(),
        access_key_id: AccessKeyId::parse("AKIAROOT").unwrap(),
        access_key_secret: Arc::from(b"sealed secret".as_slice()),
        root_certificate_uri: "conclave://cluster/root".into(),
        idempotency_key: Arc::from(b"sealed idempotency key".as_slice()),
        default_key: DEFAULT_KEY,
        default_key_material: Arc::from(b"sealed material".as_slice()),
    }
}

/// A value as two proposers would seal it: the fingerprint is that of the text, the ciphertext is of this seal.
pub(crate) fn sealed(text: &str, kind: ValueKind, seal: u64) -> SealedValue {
    let mut fingerprint = [0; 32];
    fingerprint[0] = kind as u8;
    for (slot, byte) in fingerprint[1..].iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    SealedValue {
        kind,
        key: DEFAULT_KEY,
        material: 1,
        wrapped_key: Arc::from(seal.to_be_bytes().as_slice()),
        ciphertext: Arc::from((!seal).to_be_bytes().as_slice()),
        fingerprint,
    }
}

/// A node that applies one command after the other.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) state: State,
    pub(crate) index: u64,
    pub(crate) now: Timestamp,
}

impl Node {
    /// A node whose cluster has been bootstrapped.
    pub(crate) fn new() -> Self {
        let mut node = Self::empty();
        let envelope =
            Envelope { principal: Principal::System, ..node.envelope(Command::Bootstrap(bootstrap_command())) };
        assert_eq!(node.apply(envelope), Ok(Applied::Bootstrapped));
        node
    }

    pub(crate) fn empty() -> Self {
        Self { state: State::default(), index: 0, now: START }
    }

    /// An envelope decided on the present state, with a proposal id of its own.
    pub(crate) fn envelope(&self, command: Command) -> Envelope {
        let mut proposal = [0; 16];
        proposal[..8].copy_from_slice(&(self.index + 1).to_be_bytes());
        Envelope {
            proposal: ProposalId(proposal),
            principal: Principal::Root(account()),
            decided_at: self.index,
            stamped: self.now,
            command,
        }
    }

    /// Applies an envelope at the next index; every invariant holds afterwards.
    #[track_caller]
    pub(crate) fn apply(&mut self, envelope: Envelope) -> Outcome {
        let before = self.state.time();
        self.index += 1;
        let outcome = self.state.apply(self.index, envelope);
        assert_eq!(self.state.invariants(), Ok(()));
        assert!(self.state.time() >= before, "time went back");
        outcome
    }

    #[track_caller]
    pub(crate) fn run(&mut self, command: Command) -> Outcome {
        let envelope = self.envelope(command);
        self.apply(envelope)
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = Timestamp::from_millis(self.now.as_millis() + ms);
    }

    /// The seal that the next command would carry.
    fn seal(&self) -> u64 {
        self.index + 1
    }

    pub(crate) fn create_command(&self, secret: &str, version: &str, value: Option<&str>) -> CreateSecret {
        CreateSecret {
            namespace: namespace(),
            name: name(secret),
            arn: SecretArn::new(&namespace(), &name(secret), &format!("{:06}", self.seal())),
            token: token(version),
            description: None,
            kms_key_id: None,
            tags: Vec::new(),
            value: value.map(|value| sealed(value, ValueKind::String, self.seal())),
            add_replicas: state::AddReplicas::default(),
        }
    }

    pub(crate) fn put_command(&self, secret: &str, version: &str, value: &str, stages: &str) -> PutSecretValue {
        PutSecretValue {
            target: self.secret(secret).arn.clone(),
            token: token(version),
            value: sealed(value, ValueKind::String, self.seal()),
            stages: labels(stages),
        }
    }

    #[track_caller]
    pub(crate) fn create(&mut self, secret: &str, version: &str, value: Option<&str>) -> Outcome {
        self.run(Command::CreateSecret(self.create_command(secret, version, value)))
    }

    #[track_caller]
    pub(crate) fn put(&mut self, secret: &str, version: &str, value: &str, stages: &str) -> Outcome {
        self.run(Command::PutSecretValue(self.put_command(secret, version, value, stages)))
    }

    #[track_caller]
    pub(crate) fn delete(&mut self, secret: &str, mode: DeleteMode) -> Outcome {
        self.run(Command::DeleteSecret(DeleteSecret { target: self.secret(secret).arn.clone(), mode }))
    }

    pub(crate) fn update_command(&self, secret: &str, version: &str, value: Option<&str>) -> UpdateSecret {
        UpdateSecret {
            target: self.secret(secret).arn.clone(),
            token: token(version),
            description: None,
            kms_key_id: None,
            value: value.map(|value| sealed(value, ValueKind::String, self.seal())),
            rewrap: None,
        }
    }

    #[track_caller]
    pub(crate) fn update(&mut self, secret: &str, version: &str, value: Option<&str>) -> Outcome {
        self.run(Command::UpdateSecret(self.update_command(secret, version, value)))
    }

    /// Moves a label; an empty version is none.
    #[track_caller]
    pub(crate) fn move_stage(&mut self, secret: &str, label: &str, to: &str, from: &str) -> Outcome {
        let version = |text: &str| (!text.is_empty()).then(|| token(text));
        self.run(Command::UpdateSecretVersionStage(UpdateSecretVersionStage {
            target: self.secret(secret).arn.clone(),
            label: StagingLabel::parse(label).unwrap(),
            move_to: version(to),
            remove_from: version(from),
        }))
    }

    #[track_caller]
    pub(crate) fn restore(&mut self, secret: &str) -> Outcome {
        self.run(Command::RestoreSecret(RestoreSecret { target: self.secret(secret).arn.clone() }))
    }

    #[track_caller]
    pub(crate) fn secret(&self, secret: &str) -> &Arc<Secret> {
        self.state.secret_named(&namespace(), &name(secret)).expect("the secret exists")
    }

    /// The labels of a version, as text.
    #[track_caller]
    pub(crate) fn stages(&self, secret: &str, version: &str) -> String {
        joined(&self.secret(secret).stages_of(&token(version)))
    }
}

fn joined(stages: &[StagingLabel]) -> String {
    stages.iter().map(StagingLabel::as_str).collect::<Vec<_>>().join(" ")
}

/// The version and the labels of a write.
#[track_caller]
pub(crate) fn written(outcome: &Outcome) -> (SecretArn, Option<VersionId>, String) {
    match outcome {
        Ok(Applied::Written { arn, name: _, version, stages }) => (arn.clone(), version.clone(), joined(stages)),
        other => panic!("not a write: {other:?}"),
    }
}

/// The caller's error.
#[track_caller]
pub(crate) fn refused(outcome: &Outcome) -> (ErrorCode, &str) {
    match outcome {
        Err(Refusal::Api(ApiError { code, message })) => (*code, message.as_ref()),
        other => panic!("not a refusal: {other:?}"),
    }
}
