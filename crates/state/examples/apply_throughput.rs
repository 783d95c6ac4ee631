//! Prints what applying a command costs, in nanoseconds:
//! `cargo run --release -p state --example apply_throughput`.
#![allow(clippy::print_stdout, reason = "printing the figures is what it is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use state::{Bootstrap, Command, CreateSecret, Envelope, PutSecretValue, SealedValue, State};
use types::{
    AccessKeyId, AccountId, KeyId, Namespace, Principal, ProposalId, Region, SecretArn, SecretName, StagingLabel,
    Timestamp, ValueKind, VersionId,
};

const SECRETS: u64 = 10_000;
const PUTS: u64 = 100_000;
/// Entries that are applied before readers get a state.
const BATCHES: [u64; 3] = [1, 16, 256];
const KEY: KeyId = KeyId([2; 16]);

fn main() {
    let account = AccountId::from_number(123_456_789_012).expect("twelve digits");
    let namespace = Namespace { account, region: Region::parse("eu-central-1").expect("a region") };
    let names: Vec<_> = (0..SECRETS).map(|n| SecretName::parse(&format!("prod/orders/{n}")).expect("a name")).collect();
    let arns: Vec<_> = names.iter().map(|name| SecretArn::new(&namespace, name, "a1B2c3")).collect();
    let mut log = Log { account, index: 0, state: State::default(), published: State::default() };
    log.apply(bootstrap(account), 1);

    let creates = names.iter().zip(&arns).map(|(name, arn)| create(&namespace, name, arn)).collect();
    log.measure("create", creates, 16);
    for batch in BATCHES {
        let puts = (0..PUTS).map(|n| put(&arns[index_of(scatter(n + batch) % SECRETS)], batch << 40 | n)).collect();
        let before = log.state.clone();
        log.measure("put", puts, batch);
        let start = Instant::now();
        let changes = log.state.changes_since(&before).count();
        println!("  {changes} changes found in {:?}", start.elapsed());
    }
    let start = Instant::now();
    let records = black_box(log.state.records().count());
    println!("{records} records made in {:?}", start.elapsed());
    let start = Instant::now();
    log.state.invariants().expect("every invariant holds");
    println!("invariants checked in {:?}", start.elapsed());
}

struct Log {
    account: AccountId,
    index: u64,
    state: State,
    published: State,
}

impl Log {
    fn measure(&mut self, what: &str, commands: Vec<Command>, batch: u64) {
        let (start, count) = (Instant::now(), commands.len());
        for command in commands {
            self.apply(command, batch);
        }
        let each = start.elapsed() / u32::try_from(count).expect("few commands");
        println!("{what}, published every {batch}: {} ns", each.as_nanos());
    }

    fn apply(&mut self, command: Command, batch: u64) {
        self.index += 1;
        let mut drawn = [0; 10];
        drawn[..8].copy_from_slice(&scatter(self.index).to_be_bytes());
        let envelope = Envelope {
            proposal: ProposalId::new(self.index - self.index % batch, drawn),
            principal: Principal::Root(self.account),
            decided_at: self.index - 1,
            stamped: Timestamp::from_millis(1_700_000_000_000 + self.index),
            command,
        };
        let outcome = self.state.apply(self.index, envelope);
        assert!(black_box(outcome).is_ok(), "a command was refused");
        if self.index.is_multiple_of(batch) {
            self.published = self.state.clone();
        }
    }
}

fn bootstrap(account: AccountId) -> Command {
    let sealed: Arc<[u8]> = Arc::from([0; 64].as_slice());
    Command::Bootstrap(Bootstrap {
        account,
        access_key_id: AccessKeyId::parse("AKIAROOT").expect("a key id"),
        access_key_secret: sealed.clone(),
        root_certificate_uri: "conclave://root".into(),
        idempotency_key: sealed.clone(),
        default_key: KEY,
        default_key_material: sealed,
    })
}

fn create(namespace: &Namespace, name: &SecretName, arn: &SecretArn) -> Command {
    Command::CreateSecret(CreateSecret {
        add_replicas: state::AddReplicas::default(),
        namespace: namespace.clone(),
        name: name.clone(),
        arn: arn.clone(),
        token: token(u64::MAX),
        description: None,
        kms_key_id: None,
        tags: Vec::new(),
        value: Some(value(u64::MAX)),
    })
}

/// As it comes from a decoded log payload: nothing in it is shared with the state.
fn put(arn: &SecretArn, number: u64) -> Command {
    Command::PutSecretValue(PutSecretValue {
        target: SecretArn::from_stored(arn.as_str()),
        token: token(number),
        value: value(number),
        stages: vec![StagingLabel::Current],
    })
}

fn token(number: u64) -> VersionId {
    VersionId::parse(&format!("{:016x}{number:020}", scatter(number))).expect("36 characters")
}

fn value(number: u64) -> SealedValue {
    SealedValue {
        kind: ValueKind::String,
        key: KEY,
        material: 1,
        wrapped_key: Arc::from([1; 128].as_slice()),
        ciphertext: Arc::from([2; 384].as_slice()),
        fingerprint: [number.to_le_bytes()[0]; 32],
    }
}

/// Spreads consecutive numbers (splitmix64's finalizer).
const fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn index_of(number: u64) -> usize {
    usize::try_from(number).expect("an index of a vector")
}
