//! Holds the encryption of this crate against plain XChaCha20-Poly1305 of the crate `chacha20poly1305`, on one core:
//! `cargo xtask bench crypto`.
#![allow(clippy::print_stdout, reason = "printing the figures is what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use key_service::{Barrier, EncryptionContext, KeyMaterial, SealedKind, secret_context};
use types::{AccountId, ClusterId, KeyId, Namespace, Plaintext, Region, SecretArn, SecretName, ValueKind, VersionId};

const BYTES: usize = 1_024;
const OPERATIONS: u32 = 20_000;
const ROUNDS: usize = 15;
/// What the key-committing encryption has to reach of the plain one's rate.
const BAR: f64 = 0.6;

/// An operation that encrypts and decrypts once.
struct Measured<'a> {
    name: &'static str,
    operation: Box<dyn FnMut() + 'a>,
    /// The time of one operation in each round.
    rounds: Vec<Duration>,
}

impl<'a> Measured<'a> {
    fn new(name: &'static str, operation: impl FnMut() + 'a) -> Self {
        Self { name, operation: Box::new(operation), rounds: Vec::new() }
    }

    fn round(&mut self) {
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            (self.operation)();
        }
        self.rounds.push(start.elapsed() / OPERATIONS);
    }

    fn median(&self) -> Duration {
        let mut sorted = self.rounds.clone();
        sorted.sort_unstable();
        sorted.get(ROUNDS / 2).copied().unwrap_or_default()
    }
}

fn main() {
    let account = AccountId::from_number(123_456_789_012).expect("twelve digits");
    let namespace = Namespace { account, region: Region::parse("eu-central-1").expect("a region") };
    let name = SecretName::parse("prod/orders/postgres").expect("a name");
    let arn = SecretArn::new(&namespace, &name, "a1B2c3");
    let version = VersionId::parse("01234567-89ab-cdef-0123-456789abcdef").expect("a version id");
    let (kind, value) = (ValueKind::String, Plaintext::new(vec![0x5a; BYTES]));

    let plain = XChaCha20Poly1305::new(&key_service::random::<32>().into());
    let material = KeyMaterial::generate(account, KeyId([2; 16]), 1);
    let context = EncryptionContext::new(&[("app", "orders"), ("stage", "prod")]).expect("a context");
    let (data_key, _) = material.generate_data_key(&secret_context(&arn, &version));
    let barrier = Barrier::ephemeral(ClusterId([1; 16]));

    let mut measured = [
        Measured::new("plain XChaCha20-Poly1305", || {
            let nonce = key_service::random::<24>().into();
            let sealed = plain.encrypt(&nonce, Payload { msg: value.expose_secret(), aad: b"aad" });
            let sealed = sealed.expect("a kibibyte can be encrypted");
            black_box(plain.decrypt(&nonce, Payload { msg: &sealed, aad: b"aad" }).expect("it was encrypted here"));
        }),
        Measured::new("ciphertext blob", || {
            let blob = material.encrypt(&context, &value).expect("a kibibyte can be encrypted");
            black_box(material.decrypt(&context, &blob).expect("it was encrypted here"));
        }),
        Measured::new("value of a secret", || {
            let sealed = data_key.encrypt_value(&arn, &version, kind, &value);
            black_box(data_key.decrypt_value(&arn, &version, kind, &sealed).expect("it was encrypted here"));
        }),
        Measured::new("barrier record", || {
            let sealed = barrier.seal(SealedKind::StateRecord, &[0; 17], value.expose_secret());
            black_box(barrier.open(SealedKind::StateRecord, &[0; 17], &sealed).expect("it was sealed here"));
        }),
    ];
    // In turn, so that whatever else the machine does meets all of them.
    for _ in 0..ROUNDS {
        measured.iter_mut().for_each(Measured::round);
    }

    println!("encrypting and decrypting {BYTES} bytes, one thread, median of {ROUNDS} rounds of {OPERATIONS}");
    let [plain, others @ ..] = &measured;
    let against = plain.median();
    println!("{:<26} {:>6} ns", plain.name, against.as_nanos());
    for other in others {
        let ratio = against.as_secs_f64() / other.median().as_secs_f64();
        let verdict = if ratio >= BAR { "" } else { "  BELOW THE BAR" };
        println!(
            "{:<26} {:>6} ns, {ratio:.2} of the plain rate (bar {BAR}){verdict}",
            other.name,
            other.median().as_nanos()
        );
    }
}
