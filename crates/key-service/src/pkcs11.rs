//! The PKCS#11 provider: a key that never leaves a hardware module.
//!
//! The library of a module is code of its maker in the address space of whoever loads it. So a child process loads it:
//! the same program in a hidden mode, [`helper_main`], which is asked over a pipe (`pkcs11/protocol.rs`). A library that
//! crashes or hangs makes the provider unavailable and nothing else; the next use starts a new child.
//!
//! ```text
//! wrap = version u8 = 1 | IV length u8 | IV | length u16 | encrypted wrapping key | key blob
//! ```
//!
//! The token encrypts a wrapping key, drawn for one wrap, by AES-GCM under a key that it made and does not give away. The
//! AAD there is `"conclave/pkcs11/v1" | SHA-256(aad)`. The key blob is the root key under the wrapping key, see
//! `committed.rs`, its AAD the given one, then all of the wrap before it: GCM by itself commits to no key.

mod helper;
mod protocol;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bytes::{Reader, put_prefixed};
use crate::committed::{self, KeyKind, SealingKey};
use crate::keyfile;
use crate::memory::LockedKey;
use crate::provider::{ProviderError, ProviderKind, RootKey, RootKeyProvider, Unattended};
use crate::random;
use protocol::{Answer, Request};

pub use helper::main as helper_main;

const VERSION: u8 = 1;
const AAD_LABEL: &[u8] = b"conclave/pkcs11/v1";
const NAME: SealingKey = SealingKey { kind: KeyKind::Provider, account: None, id: [0; 16], number: 0 };
const MAX_IV_BYTES: usize = 64;
/// A wrapping key and the tag.
const MAX_ENCRYPTED_BYTES: usize = 256;

/// Where the key of a PKCS#11 provider is.
#[derive(Clone, Debug)]
pub struct Pkcs11Config {
    /// The program whose hidden mode is [`helper_main`].
    pub helper: PathBuf,
    /// What selects that mode.
    pub helper_arguments: Vec<OsString>,
    /// The library of the module.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label of the key in it.
    pub key: String,
    /// A file with the PIN of the token's user, under the rules of keyfiles. A line end behind it does not count.
    pub pin_file: PathBuf,
    /// The environment of the child, such as `SOFTHSM2_CONF`. It inherits nothing.
    pub environment: BTreeMap<String, String>,
    /// For one answer of the child.
    pub timeout: Duration,
}

/// A root-key provider whose key is in a token.
///
/// A PIN that the token has refused is not tried again before its file changes: tokens lock themselves.
pub struct Pkcs11 {
    config: Pkcs11Config,
    id: String,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    child: Option<Child>,
    /// The time of the file whose PIN was refused.
    refused_pin: Option<SystemTime>,
}

impl Pkcs11 {
    /// A provider by its configuration; the token is not looked at yet.
    ///
    /// # Errors
    /// [`ProviderError::Form`] for labels that no token has.
    pub fn new(config: Pkcs11Config) -> Result<Self, ProviderError> {
        // A token's label has 32 bytes.
        let is_label = |text: &str, most| (1..=most).contains(&text.len()) && !text.contains(char::is_control);
        if !is_label(&config.token, 32) || !is_label(&config.key, 128) {
            return Err(ProviderError::Label);
        }
        let id = format!("pkcs11-{}/{}", config.token, config.key);
        Ok(Self { config, id, link: Mutex::default() })
    }

    /// Has the token make the key: AES with 256 bits, sensitive, not extractable.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`], also when there is a key of that label already.
    pub fn create_key(&self) -> Result<(), ProviderError> {
        let mut link = self.link();
        link.child = None;
        let created = self.start(&mut link, true).map(|_child| ());
        // The next use opens the key anew, as a start of the server would.
        link.child = None;
        created
    }

    /// The process id of the child that is connected to the token, if there is one.
    pub fn helper_pid(&self) -> Option<u32> {
        self.link().child.as_ref().map(|child| child.process.id())
    }

    fn ask(&self, request: &Request<'_>) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let mut link = self.link();
        if link.child.as_mut().is_none_or(Child::has_ended) {
            link.child = None;
            link.child = Some(self.start(&mut link, false)?);
        }
        let Some(child) = link.child.as_mut() else { return Err(unavailable("its helper is gone")) };
        let answered = child.ask(request, self.config.timeout).and_then(|answer| self.judge(answer));
        // Whatever went wrong in it: the next use begins with a new one.
        if matches!(answered, Err(ProviderError::Unavailable(_))) {
            link.child = None;
        }
        answered
    }

    /// Starts a child and has it open the key.
    fn start(&self, link: &mut Link, create: bool) -> Result<Child, ProviderError> {
        let config = &self.config;
        let (_, changed) = keyfile::open_checked(&config.pin_file, keyfile::Rule::Own)?;
        if link.refused_pin.is_some_and(|refused| refused == changed) {
            return Err(self.pin_refused());
        }
        let mut child = Child::start(config)?;
        let request = Request::Open {
            module: config.module.as_os_str().as_encoded_bytes(),
            token: config.token.as_bytes(),
            key: config.key.as_bytes(),
            pin_file: config.pin_file.as_os_str().as_encoded_bytes(),
            create,
        };
        let answer = child.ask(&request, config.timeout)?;
        link.refused_pin = matches!(answer, Answer::PinRefused).then_some(changed);
        self.judge(answer)?;
        Ok(child)
    }

    fn judge(&self, answer: Answer) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        match answer {
            Answer::Done(body) => Ok(body),
            Answer::Refused => Err(ProviderError::Refused),
            Answer::PinRefused => Err(self.pin_refused()),
            Answer::Failed(why) => Err(ProviderError::Unavailable(why)),
        }
    }

    fn pin_refused(&self) -> ProviderError {
        let why = "holds a PIN that the token refused; it is not tried again before the file changes";
        ProviderError::Content { path: self.config.pin_file.clone(), why }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RootKeyProvider for Pkcs11 {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ProviderKind {
        ProviderKind::Pkcs11
    }

    fn wrap(&self, root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let wrapping = random::key();
        let answer = self.ask(&Request::Encrypt { aad: &token_aad(aad), plaintext: wrapping.expose_secret() })?;
        let mut reader = Reader::new(&answer);
        let iv = reader.prefixed().filter(|iv| (1..=MAX_IV_BYTES).contains(&iv.len()));
        let iv = iv.ok_or_else(|| unavailable("the token gave no IV"))?;
        let encrypted = reader.rest();
        if encrypted.len() > MAX_ENCRYPTED_BYTES {
            return Err(unavailable("the token gave a ciphertext that is too long"));
        }
        let mut wrap = vec![VERSION, u8::try_from(iv.len()).unwrap_or_default()];
        wrap.extend_from_slice(iv);
        put_prefixed(&mut wrap, encrypted);
        let blob =
            committed::wrap_key(&random::bytes(), &NAME, &wrapping, &[aad, &wrap].concat(), root.expose_secret());
        wrap.extend_from_slice(&blob);
        Ok(wrap)
    }

    fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<RootKey, ProviderError> {
        let wrap = Wrap::parse(wrapped)?;
        let request = Request::Decrypt { iv: wrap.iv, aad: &token_aad(aad), ciphertext: wrap.encrypted };
        let wrapping = self.ask(&request)?;
        let wrapping = wrapping.as_slice().try_into().map_err(|_| ProviderError::Refused)?;
        wrap.open(&LockedKey::copy_from(wrapping), aad)
    }

    /// Sees whether the token encrypts and decrypts with the key.
    fn health(&self) -> Result<(), ProviderError> {
        self.ask(&Request::Check).map(drop)
    }
}

impl Unattended for Pkcs11 {}

impl fmt::Debug for Pkcs11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11").field("id", &self.id).field("module", &self.config.module).finish_non_exhaustive()
    }
}

/// A wrap in its parts.
struct Wrap<'a> {
    head: &'a [u8],
    iv: &'a [u8],
    encrypted: &'a [u8],
    blob: &'a [u8],
}

impl<'a> Wrap<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ProviderError> {
        const SHORT: ProviderError = ProviderError::Form("too few bytes");
        let mut reader = Reader::new(bytes);
        if reader.u8().ok_or(SHORT)? != VERSION {
            return Err(ProviderError::Form("an unknown version"));
        }
        let iv_bytes = reader.u8().ok_or(SHORT)?;
        let iv = reader.take(usize::from(iv_bytes)).ok_or(SHORT)?;
        let encrypted = reader.prefixed().ok_or(SHORT)?;
        if iv.is_empty() || iv.len() > MAX_IV_BYTES || encrypted.len() > MAX_ENCRYPTED_BYTES {
            return Err(ProviderError::Form("parts of a wrong length"));
        }
        let blob = reader.rest();
        Ok(Self { head: &bytes[..bytes.len() - blob.len()], iv, encrypted, blob })
    }

    fn open(&self, wrapping: &LockedKey, aad: &[u8]) -> Result<RootKey, ProviderError> {
        let root = committed::unwrap_key(&NAME, wrapping, &[aad, self.head].concat(), self.blob);
        root.map(RootKey::from_secret).map_err(|_| ProviderError::Refused)
    }
}

fn token_aad(aad: &[u8]) -> Vec<u8> {
    [AAD_LABEL, &Sha256::digest(aad)].concat()
}

fn unavailable(why: &str) -> ProviderError {
    ProviderError::Unavailable(why.to_owned())
}

/// The child process; killed when it is dropped.
struct Child {
    process: process::Child,
    requests: ChildStdin,
    answers: Receiver<io::Result<Zeroizing<Vec<u8>>>>,
}

impl Child {
    fn start(config: &Pkcs11Config) -> Result<Self, ProviderError> {
        let cannot = |error| ProviderError::Unavailable(format!("its helper does not start: {error}"));
        let mut process = Command::new(&config.helper)
            .args(&config.helper_arguments)
            .env_clear()
            .envs(&config.environment)
            .current_dir("/")
            // A signal to the server's group is not for it: it ends with its pipe.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(cannot)?;
        let (Some(requests), Some(mut output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(unavailable("its helper has no pipes"));
        };
        let (send, answers) = mpsc::sync_channel(1);
        let reader = std::thread::Builder::new().name("pkcs11".to_owned());
        let read = move || {
            loop {
                let frame = protocol::read_frame(&mut output);
                let is_last = frame.is_err();
                if send.send(frame).is_err() || is_last {
                    return;
                }
            }
        };
        let child = Self { process, requests, answers };
        reader.spawn(read).map_err(cannot)?;
        Ok(child)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Asks and waits. One request is under way at a time, and the child has read the one before it has answered, so what
    /// is written always fits into the pipe.
    fn ask(&mut self, request: &Request<'_>, timeout: Duration) -> Result<Answer, ProviderError> {
        let ended = |error: io::Error| ProviderError::Unavailable(format!("its helper has ended: {error}"));
        protocol::write_frame(&mut self.requests, &request.encode()).map_err(ended)?;
        match self.answers.recv_timeout(timeout) {
            Ok(Ok(frame)) => Answer::decode(&frame).ok_or_else(|| unavailable("its helper gave no answer")),
            Ok(Err(error)) => Err(ended(error)),
            Err(RecvTimeoutError::Timeout) => Err(ProviderError::Unavailable(format!("no answer within {timeout:?}"))),
            Err(RecvTimeoutError::Disconnected) => Err(unavailable("its helper has ended")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::golden::Golden;

    /// A provider whose helper is a shell script.
    fn with_script(dir: &Path, script: &str, timeout: Duration) -> Pkcs11 {
        let pin_file = dir.join("pin");
        fs::write(&pin_file, "1234\n").unwrap();
        fs::set_permissions(&pin_file, fs::Permissions::from_mode(0o600)).unwrap();
        Pkcs11::new(Pkcs11Config {
            helper: "/bin/sh".into(),
            helper_arguments: vec!["-c".into(), script.into()],
            module: "/nowhere".into(),
            token: "token".to_owned(),
            key: "key".to_owned(),
            pin_file,
            environment: BTreeMap::new(),
            timeout,
        })
        .unwrap()
    }

    fn said(provider: &Pkcs11) -> String {
        provider.health().unwrap_err().to_string()
    }

    #[test]
    fn a_helper_that_ends_hangs_or_talks_nonsense_makes_the_provider_unavailable() {
        let dir = tempfile::tempdir().unwrap();
        let long = Duration::from_secs(60);
        for (script, timeout, what) in [
            ("exit 3", long, "its helper has ended"),
            ("kill -9 $$", long, "its helper has ended"),
            ("exec sleep 1000", Duration::from_millis(50), "no answer within 50ms"),
            ("printf '\\001\\000\\000\\000\\377'; exec sleep 1000", long, "its helper gave no answer"),
            (
                "printf '\\377\\377\\377\\377'; exec sleep 1000",
                long,
                "its helper has ended: a frame of 4294967295 bytes",
            ),
        ] {
            let provider = with_script(dir.path(), script, timeout);
            let said = said(&provider);
            assert!(said.contains(what), "{script}: {said}");
            assert_eq!(provider.helper_pid(), None, "{script}");
        }
        let mut config = with_script(dir.path(), "", long).config;
        config.helper = "/nowhere".into();
        assert!(said(&Pkcs11::new(config).unwrap()).contains("its helper does not start"));
    }

    #[test]
    fn a_refused_pin_is_not_tried_again_before_the_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let tried = dir.path().join("tried");
        // Answers "PIN refused" to the first request, and notes that it was asked.
        let script = format!("echo >> {}; printf '\\001\\000\\000\\000\\002'; cat > /dev/null", tried.display());
        let provider = with_script(dir.path(), &script, Duration::from_secs(60));
        for _ in 0..3 {
            assert!(said(&provider).contains("holds a PIN that the token refused"));
            assert_eq!(fs::read(&tried).unwrap().len(), 1);
        }
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::open(&provider.config.pin_file).unwrap().set_modified(later).unwrap();
        assert!(said(&provider).contains("holds a PIN that the token refused"));
        assert_eq!(fs::read(&tried).unwrap().len(), 2);
    }

    #[test]
    fn a_pin_that_others_can_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let provider = with_script(dir.path(), "exit 0", Duration::from_secs(60));
        fs::set_permissions(&provider.config.pin_file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(provider.health(), Err(ProviderError::Unsafe { .. })));
    }

    /// A helper that says what the token of the golden file says, so that format and AAD are held to the file.
    #[test]
    fn a_recorded_wrap_still_opens_and_no_bit_of_it_is_free() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/pkcs11.txt"));
        let dir = tempfile::tempdir().unwrap();
        let said = [&33u32.to_le_bytes()[..], &[0], golden.bytes("wrapping")].concat();
        let said: String = said.iter().map(|byte| format!("\\{byte:03o}")).collect();
        // To the request to open, and to that to decrypt.
        let script = format!("printf '\\001\\000\\000\\000\\000{said}'; exec cat > /dev/null");
        let provider = with_script(dir.path(), &script, Duration::from_secs(60));
        let (wrap, aad) = (golden.bytes("wrap"), golden.bytes("aad"));
        let root = provider.unwrap(wrap, aad).unwrap();
        assert_eq!(root.expose_secret().expose_secret(), golden.array("root"));

        let wrapping = LockedKey::copy_from(golden.array("wrapping"));
        let open = |wrap: &[u8], aad: &[u8]| Wrap::parse(wrap)?.open(&wrapping, aad).map(drop);
        open(wrap, aad).unwrap();
        assert!(matches!(open(wrap, b"other"), Err(ProviderError::Refused)));
        for bit in 0..wrap.len() * 8 {
            let mut changed = wrap.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&changed, aad).is_err(), "bit {bit}");
        }
        for length in 0..wrap.len() {
            assert!(open(&wrap[..length], aad).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn labels_that_no_token_has_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let config = with_script(dir.path(), "", Duration::from_secs(1)).config;
        for (token, key) in [("", "key"), ("token", ""), ("to\nken", "key"), (&"t".repeat(33), "key")] {
            let config = Pkcs11Config { token: token.to_owned(), key: key.to_owned(), ..config.clone() };
            assert!(matches!(Pkcs11::new(config), Err(ProviderError::Label)), "{token:?} {key:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_of_wraps_fail(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            if let Ok(wrap) = Wrap::parse(&bytes) {
                prop_assert_eq!(wrap.head.len() + wrap.blob.len(), bytes.len());
            }
        }
    }
}
