//! Prints what checkpoints cost, and what they cost to load, in seconds and bytes:
//! `cargo run --release -p storage --example checkpoint_throughput -- DIRECTORY SECRETS [PUTS [CHECKPOINTS]]`.
//!
//! One whole checkpoint of so many secrets; then as many incremental ones, with that many puts each; then a load. The
//! same state written whole, and loaded, comes last.
#![allow(clippy::print_stdout, reason = "printing the figures is what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use state::{Bootstrap, Command, CreateSecret, Envelope, PutSecretValue, SealedValue, State};
use storage::log::LogId;
use storage::{Barrier, Head, SledStateStore, StateStore};
use types::{
    AccessKeyId, AccountId, ClusterId, KeyId, Namespace, NodeId, Principal, ProposalId, Region, SecretArn, SecretName,
    StagingLabel, Timestamp, ValueKind, VersionId,
};

const KEY: KeyId = KeyId([2; 16]);
/// Of a second of processor time, as the kernel counts it.
const TICKS: u32 = 100;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory to write to");
    let mut number = |otherwise| arguments.next().map_or(otherwise, |text| text.parse().expect("a number"));
    let (secrets, puts, checkpoints) = (number(10_000), number(0), number(1));

    let account = AccountId::from_number(123_456_789_012).expect("twelve digits");
    let namespace = Namespace { account, region: Region::parse("eu-central-1").expect("a region") };
    let arns: Vec<_> = (0..secrets).map(|n| SecretArn::new(&namespace, &name(n), "a1B2c3")).collect();
    let mut log = Log { account, index: 0, state: State::default() };
    log.apply(bootstrap(account));
    for (n, arn) in (0..).zip(&arns) {
        log.apply(create(&namespace, name(n), arn));
    }

    let path = Path::new(&directory);
    let barrier = Arc::new(Barrier::ephemeral(ClusterId([1; 16])));
    let (store, _) = SledStateStore::open(path, barrier.clone()).expect("the store opens");
    let checkpoint = |previous: Option<&State>, log: &Log| {
        store.checkpoint(previous, &log.state, log.head()).expect("a checkpoint is taken");
    };
    measure("whole checkpoint", path, || checkpoint(None, &log));
    for round in 1..=checkpoints {
        let previous = log.state.clone();
        for n in 0..puts {
            let put = round << 40 | n;
            log.apply(self::put(&arns[index_of(scatter(put) % secrets)], put));
        }
        measure("incremental checkpoint", path, || checkpoint(Some(&previous), &log));
    }
    drop(store);
    let load = || {
        let open = || SledStateStore::open(path, barrier.clone()).expect("the store opens");
        let (store, loaded) = measure("load", path, open);
        assert!(loaded.expect("a checkpoint").state == log.state, "another state was loaded");
        store
    };
    let store = load();
    let whole = || store.checkpoint(None, &log.state, log.head()).expect("a checkpoint is taken");
    measure("whole checkpoint", path, whole);
    drop(store);
    load();
}

fn measure<T>(what: &str, directory: &Path, work: impl FnOnce() -> T) -> T {
    let (start, before) = (Instant::now(), processor_time());
    let result = work();
    let (wall, processor) = (start.elapsed(), processor_time() - before);
    println!("{what}: {processor:?} of processor time, {wall:?}, {} MiB", bytes_of(directory) >> 20);
    result
}

/// User and system time of this process so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process has a status");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks: u32 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
    Duration::from_secs(1) * ticks / TICKS
}

fn bytes_of(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        // The engine took it away.
        Err(_) => 0,
    });
    bytes.sum()
}

struct Log {
    account: AccountId,
    index: u64,
    state: State,
}

impl Log {
    fn apply(&mut self, command: Command) {
        self.index += 1;
        let mut drawn = [0; 10];
        drawn[..8].copy_from_slice(&scatter(self.index).to_be_bytes());
        let envelope = Envelope {
            proposal: ProposalId::new(self.index, drawn),
            principal: Principal::Root(self.account),
            decided_at: self.index - 1,
            stamped: Timestamp::from_millis(1_700_000_000_000 + self.index),
            command,
        };
        assert!(self.state.apply(self.index, envelope).is_ok(), "a command was refused");
    }

    fn head(&self) -> Head {
        let last = LogId { term: 1, leader: NodeId(1), index: self.index };
        Head { last, membership_log_id: None, membership: Vec::new() }
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

fn name(number: u64) -> SecretName {
    SecretName::parse(&format!("prod/orders/{number}")).expect("a name")
}

fn create(namespace: &Namespace, name: SecretName, arn: &SecretArn) -> Command {
    Command::CreateSecret(CreateSecret {
        add_replicas: state::AddReplicas::default(),
        namespace: namespace.clone(),
        name,
        arn: arn.clone(),
        token: token(u64::MAX),
        description: None,
        kms_key_id: None,
        tags: Vec::new(),
        value: Some(value(u64::MAX)),
    })
}

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

/// What a value of 256 bytes is sealed to.
fn value(number: u64) -> SealedValue {
    SealedValue {
        kind: ValueKind::String,
        key: KEY,
        material: 1,
        wrapped_key: Arc::from([1; 128].as_slice()),
        ciphertext: Arc::from([2; 320].as_slice()),
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
