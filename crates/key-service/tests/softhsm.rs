//! The PKCS#11 provider against SoftHSM, a token in software: `cargo xtask test` provides it.
//!
//! `CONCLAVE_TEST_SOFTHSM` is the path of its library; each test makes a token of its own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use key_service::{
    Keyfile, Keyring, Pkcs11, Pkcs11Config, ProviderError, ProviderName, RootKeyProvider, SealedKind, UnsealError,
};
use tempfile::TempDir;
use types::{ClusterId, Timestamp};

const PIN: &str = "fedcba123456";
const TOKEN: &str = "conclave test";
const CLUSTER: ClusterId = ClusterId([1; 16]);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Not a bound that a test waits for: on a machine with much to do an answer may take long.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A token in a directory of its own.
struct SoftHsm {
    dir: TempDir,
}

impl SoftHsm {
    fn new() -> Self {
        let hsm = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(hsm.tokens()).unwrap();
        let configuration = format!("directories.tokendir = {}\nlog.level = ERROR\n", hsm.tokens().display());
        fs::write(hsm.configuration(), configuration).unwrap();
        hsm.write_pin(PIN);
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", TOKEN, "--so-pin", "abcdef654321", "--pin", PIN])
            .env("SOFTHSM2_CONF", hsm.configuration())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        hsm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tokens(&self) -> PathBuf {
        self.path("tokens")
    }

    fn configuration(&self) -> PathBuf {
        self.path("softhsm2.conf")
    }

    fn write_pin(&self, pin: &str) {
        // A new file each time, so that it has changed by its time as well.
        let path = self.path("pin");
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("{pin}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn config(&self, key: &str) -> Pkcs11Config {
        let module =
            std::env::var_os("CONCLAVE_TEST_SOFTHSM").expect("CONCLAVE_TEST_SOFTHSM is the library of SoftHSM");
        let configuration = self.configuration().to_str().unwrap().to_owned();
        Pkcs11Config {
            helper: env!("CARGO_BIN_EXE_pkcs11-helper").into(),
            helper_arguments: Vec::new(),
            module: module.into(),
            token: TOKEN.to_owned(),
            key: key.to_owned(),
            pin_file: self.path("pin"),
            environment: BTreeMap::from([("SOFTHSM2_CONF".to_owned(), configuration)]),
            timeout: TIMEOUT,
        }
    }

    fn provider(&self, key: &str) -> Pkcs11 {
        Pkcs11::new(self.config(key)).unwrap()
    }

    /// A provider whose key has been made.
    fn with_key(&self, key: &str) -> Pkcs11 {
        let provider = self.provider(key);
        provider.create_key().unwrap();
        provider
    }
}

fn sealed_by(provider: &dyn RootKeyProvider) -> (Keyring, Vec<u8>) {
    let (keyring, unsealed) = Keyring::create(CLUSTER, &[provider], NOW).unwrap();
    (keyring, unsealed.barrier.seal(SealedKind::StateRecord, b"key", b"text"))
}

fn opens(keyring: &Keyring, provider: &dyn RootKeyProvider, sealed: &[u8]) {
    let unsealed = keyring.unseal(&[provider]).unwrap();
    assert_eq!(unsealed.barrier.open(SealedKind::StateRecord, b"key", sealed).unwrap().as_slice(), b"text");
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn a_token_gives_the_root_key_back_after_a_restart() {
    let hsm = SoftHsm::new();
    let provider = hsm.with_key("root");
    assert_eq!(provider.id(), "pkcs11-conclave test/root");
    provider.health().unwrap();
    let (keyring, sealed) = sealed_by(&provider);
    opens(&keyring, &provider, &sealed);
    drop(provider);
    opens(&Keyring::decode(&keyring.encode()).unwrap(), &hsm.provider("root"), &sealed);
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn a_wrap_opens_under_its_key_and_aad_only() {
    let hsm = SoftHsm::new();
    let (one, other) = (hsm.with_key("one"), hsm.with_key("other"));
    let (_, unsealed) = Keyring::create(CLUSTER, &[&one], NOW).unwrap();
    let wrap = one.wrap(&unsealed.root, b"aad").unwrap();
    assert!(one.unwrap(&wrap, b"aad").unwrap().expose_secret().ct_eq(unsealed.root.expose_secret()));
    assert!(matches!(one.unwrap(&wrap, b"other"), Err(ProviderError::Refused)));
    assert!(matches!(other.unwrap(&wrap, b"aad"), Err(ProviderError::Refused)));
    // One bit of IV, length, ciphertext and tag of the token, and of the blob behind them.
    for byte in [2, 13, 14, 16, 47, 48, 63, 64, wrap.len() - 1] {
        let mut changed = wrap.clone();
        changed[byte] ^= 1;
        assert!(one.unwrap(&changed, b"aad").is_err(), "byte {byte}");
    }
    one.health().unwrap();
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn the_key_is_made_once_and_must_be_there() {
    let hsm = SoftHsm::new();
    let missing = hsm.provider("root").health().unwrap_err().to_string();
    assert!(missing.ends_with("token conclave test has no AES key root"), "{missing}");
    let provider = hsm.with_key("root");
    let twice = provider.create_key().unwrap_err().to_string();
    assert!(twice.ends_with("token conclave test has a key root already"), "{twice}");
    provider.health().unwrap();
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn the_death_of_the_helper_costs_at_most_one_use() {
    let hsm = SoftHsm::new();
    let provider = hsm.with_key("root");
    let (keyring, sealed) = sealed_by(&provider);
    let first = provider.helper_pid().unwrap();
    kill(first);
    // It may be noticed before the next request, or by it.
    if let Err(error) = provider.health() {
        assert!(error.to_string().contains("its helper has ended"), "{error}");
    }
    opens(&keyring, &provider, &sealed);
    assert_ne!(provider.helper_pid().unwrap(), first);
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn a_wrong_pin_is_tried_once() {
    let hsm = SoftHsm::new();
    hsm.with_key("root");
    hsm.write_pin("000000");
    let provider = hsm.provider("root");
    for _ in 0..2 {
        let refused = provider.health().unwrap_err().to_string();
        assert!(refused.contains("holds a PIN that the token refused"), "{refused}");
    }
    hsm.write_pin(PIN);
    provider.health().unwrap();
}

#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn without_the_token_the_provider_is_named_and_another_one_opens() {
    let hsm = SoftHsm::new();
    let provider = hsm.with_key("root");
    let keyfile = Keyfile::create(hsm.path("keyfile")).unwrap();
    let (keyring, unsealed) = Keyring::create(CLUSTER, &[&provider, &keyfile], NOW).unwrap();
    let sealed = unsealed.barrier.seal(SealedKind::StateRecord, b"key", b"text");
    drop(provider);
    let aside = hsm.path("aside");
    fs::rename(hsm.tokens(), &aside).unwrap();
    fs::create_dir(hsm.tokens()).unwrap();

    let provider = hsm.provider("root");
    let refused = keyring.unseal(&[&provider]).unwrap_err();
    assert!(matches!(refused, UnsealError::Providers(_)));
    let refused = refused.to_string();
    assert!(refused.contains("pkcs11 provider pkcs11-conclave test/root failed"), "{refused}");
    assert!(refused.ends_with("token conclave test is not there"), "{refused}");

    let second = keyring.unseal(&[&provider, &keyfile]).unwrap();
    assert_eq!(second.opened_by, ProviderName::of(&keyfile));
    assert!(matches!(&second.failures[..], [failure] if failure.name.is_of(&provider)));
    assert!(second.barrier.open(SealedKind::StateRecord, b"key", &sealed).is_ok());

    // Put back, it opens without a new provider.
    fs::remove_dir(hsm.tokens()).unwrap();
    fs::rename(&aside, hsm.tokens()).unwrap();
    opens(&keyring, &provider, &sealed);
}

/// The PIN and the keys are nowhere that other users of the machine could look.
#[test]
#[cfg_attr(not(feature = "softhsm"), ignore = "needs SoftHSM; see cargo xtask test")]
fn the_pin_stands_in_no_argument_and_no_environment() {
    let hsm = SoftHsm::new();
    let provider = hsm.with_key("root");
    provider.health().unwrap();
    let process = Path::new("/proc").join(provider.helper_pid().unwrap().to_string());
    let holds_pin = |bytes: &[u8]| bytes.windows(PIN.len()).any(|window| window == PIN.as_bytes());
    assert!(!holds_pin(&fs::read(process.join("cmdline")).unwrap()));
    // What may not be dumped may not be looked into by others; root may.
    if let Ok(environment) = fs::read(process.join("environ")) {
        assert!(!holds_pin(&environment));
        assert!(environment.starts_with(b"SOFTHSM2_CONF="), "it inherits nothing");
    }
}
