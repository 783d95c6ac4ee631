//! Prints what the operations of the request path cost, in nanoseconds:
//! `cargo run --release -p key-service --example seal_throughput`.
#![allow(clippy::print_stdout, reason = "printing the figures is what it is for")]

use std::hint::black_box;
use std::time::Instant;

use key_service::{Barrier, IdempotencyKey, KeyMaterial, SealedKind, secret_context};
use types::{AccountId, ClusterId, KeyId, Namespace, Plaintext, Region, SecretArn, SecretName, ValueKind, VersionId};

const OPERATIONS: u32 = 100_000;
const VALUE_BYTES: usize = 256;

fn main() {
    let account = AccountId::from_number(123_456_789_012).expect("twelve digits");
    let namespace = Namespace { account, region: Region::parse("eu-central-1").expect("a region") };
    let name = SecretName::parse("prod/orders/postgres").expect("a name");
    let arn = SecretArn::new(&namespace, &name, "a1B2c3");
    let version = VersionId::parse("01234567-89ab-cdef-0123-456789abcdef").expect("a version id");
    let value = Plaintext::new(vec![0x5a; VALUE_BYTES]);
    let kind = ValueKind::String;

    let barrier = Barrier::ephemeral(ClusterId([1; 16]));
    let record = barrier.seal(SealedKind::StateRecord, &[0; 17], value.expose_secret());
    measure("barrier seal", || barrier.seal(SealedKind::StateRecord, &[0; 17], value.expose_secret()));
    measure("barrier open", || barrier.open(SealedKind::StateRecord, &[0; 17], &record));

    let material = KeyMaterial::generate(account, KeyId([2; 16]), 1);
    let (data_key, wrapped) = material.generate_data_key(&secret_context(&arn, &version));
    let ciphertext = data_key.encrypt_value(&arn, &version, kind, &value);
    measure("encrypt value and wrap its data key", || {
        let (data_key, wrapped) = material.generate_data_key(&secret_context(&arn, &version));
        (data_key.encrypt_value(&arn, &version, kind, &value), wrapped)
    });
    measure("unwrap data key and decrypt value", || {
        let data_key = material.unwrap_data_key(&wrapped, &secret_context(&arn, &version)).expect("a wrapped key");
        data_key.decrypt_value(&arn, &version, kind, &ciphertext)
    });

    let sealed = material.seal(&barrier);
    measure("open key material", || KeyMaterial::open(&barrier, account, KeyId([2; 16]), 1, &sealed));

    let idempotency = IdempotencyKey::generate();
    measure("fingerprint", || idempotency.fingerprint(&namespace, &name, &version, kind, &value));
}

/// The fastest of five rounds: what the machine does besides only adds.
fn measure<T>(what: &str, mut operation: impl FnMut() -> T) {
    let round = |operation: &mut dyn FnMut() -> T| {
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            black_box(operation());
        }
        start.elapsed() / OPERATIONS
    };
    let best = (0..5).map(|_| round(&mut operation)).min().unwrap_or_default();
    println!("{what:<38} {:>6} ns ({VALUE_BYTES} B)", best.as_nanos());
}
