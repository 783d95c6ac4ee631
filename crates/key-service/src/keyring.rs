//! The keyring: a node's file of barrier terms under the root key, and of the root key under its providers.
//!
//! ```text
//! "CKEYRING" | version u16 = 1 | cluster id 16
//! | wraps u8  | (provider kind u8 | id length u16 | id | wrap length u16 | wrap)*
//! | terms u16 | (number u32 | length u16 | sealed term)*
//! | SHA-256 of all before it
//! ```
//!
//! The wraps stand in the order they were added, the terms in the order of their numbers. The AAD of a wrap is
//! `"conclave/root-key/v1" | cluster id | provider kind | id length u16 | id`, that of a term
//! `"conclave/barrier-term/v1" | cluster id | number u32`. The checksum finds damage; what the file says is
//! authenticated wrap by wrap and term by term.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use types::{ClusterId, SecretBytes};

use crate::barrier::Barrier;
use crate::bytes::{Reader, put_prefixed};
use crate::committed::{self, KeyKind, SealingKey};
use crate::files;
use crate::provider::{ProviderError, ProviderKind, RootKey, RootKeyProvider};
use crate::random;

const MAGIC: &[u8; 8] = b"CKEYRING";
const VERSION: u16 = 1;
const CHECKSUM_BYTES: usize = 32;
const MAX_WRAPS: usize = 16;
const MAX_TERMS: usize = 1024;
const MAX_ID_BYTES: usize = 255;
const MAX_WRAP_BYTES: usize = 4 << 10;
const MAX_SEALED_TERM_BYTES: usize = 256;
/// Bytes of a keyring file: more than the counts above allow.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The barrier terms of a cluster, sealed, with the wraps of the root key that seals them. It holds no key.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyring {
    cluster: ClusterId,
    /// Never empty.
    wraps: Vec<Wrap>,
    /// By number, never empty.
    terms: Vec<SealedTerm>,
}

#[derive(Clone, PartialEq, Eq)]
struct Wrap {
    kind: ProviderKind,
    id: String,
    wrapped: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
struct SealedTerm {
    number: u32,
    sealed: Vec<u8>,
}

/// Bytes that are no keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFormatError {
    /// Not a keyring at all.
    #[error("it does not begin like a keyring")]
    Magic,
    /// A format that this build does not know.
    #[error("it has unknown format version {0}")]
    Version(u16),
    /// Damaged.
    #[error("its checksum does not fit")]
    Checksum,
    /// The checksum fits, but a rule of the format is broken.
    #[error("{0}")]
    Rule(&'static str),
}

/// A keyring file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The system refused.
    #[error("could not {what} keyring {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is there and is no keyring.
    #[error("keyring {} is corrupt", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyringFormatError,
    },
}

/// A provider that has a wrap in the keyring and could not open it.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?} provider {id} failed")]
pub struct ProviderFailure {
    /// The sort of provider.
    pub kind: ProviderKind,
    /// The provider.
    pub id: String,
    /// Why it failed.
    pub source: ProviderError,
}

/// Why a keyring did not unseal, or could not be extended.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// None of the providers has a wrap in the keyring.
    #[error("the keyring is wrapped by {}, and only {} is configured", list(wrapped_by), list(configured))]
    NoProvider {
        /// The ids in the keyring.
        wrapped_by: Vec<String>,
        /// The ids of the providers at hand.
        configured: Vec<String>,
    },
    /// Every provider that has a wrap failed.
    #[error("no provider gave the root key: {}", list_with_causes(.0))]
    Providers(Vec<ProviderFailure>),
    /// The root key came back, but does not open a term.
    #[error("the root key does not open barrier term {0}")]
    Term(u32),
    /// The keyring holds as many terms or wraps as it may.
    #[error("the keyring is full: {0}")]
    Full(&'static str),
    /// A provider that would be added and could not wrap.
    #[error("the new provider cannot be added")]
    NewProvider(#[source] ProviderFailure),
}

impl Keyring {
    /// Draws a root key and the first barrier term of a new cluster.
    ///
    /// # Errors
    /// Why the provider could not wrap the root key.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn create(cluster: ClusterId, provider: &dyn RootKeyProvider) -> Result<(Self, Barrier), ProviderError> {
        let root = RootKey::generate();
        let term = random::key();
        let wraps = vec![Wrap::new(cluster, provider, &root)?];
        let terms = vec![SealedTerm::new(&random::bytes(), cluster, 1, &root, &term)];
        Ok((Self { cluster, wraps, terms }, Barrier::from_first_term(cluster, 1, &term)))
    }

    /// The cluster whose terms these are.
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The number of the newest term.
    pub fn newest_term(&self) -> u32 {
        self.terms.last().map_or(0, |term| term.number)
    }

    /// The ids of the providers that can unseal it.
    pub fn provider_ids(&self) -> impl Iterator<Item = &str> {
        self.wraps.iter().map(|wrap| wrap.id.as_str())
    }

    /// Reads a keyring file.
    ///
    /// # Errors
    /// [`KeyringError`]; a missing file is an IO error of kind `NotFound`.
    pub fn load(path: &Path) -> Result<Self, KeyringError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| KeyringError::Io { what: "read", path: path.to_owned(), source })?;
        Self::decode(&bytes).map_err(|source| KeyringError::Corrupt { path: path.to_owned(), source })
    }

    /// Replaces the keyring file: a crash leaves the old file or this one, and this one is durable on return.
    ///
    /// # Errors
    /// [`KeyringError::Io`].
    pub fn store(&self, path: &Path) -> Result<(), KeyringError> {
        files::replace_durable(path, &self.encode()).map_err(|source| KeyringError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Opens all terms with the first provider that gives the root key.
    ///
    /// # Errors
    /// [`UnsealError`], which names the providers and why each failed.
    pub fn unseal(&self, providers: &[&dyn RootKeyProvider]) -> Result<Barrier, UnsealError> {
        self.open_terms(&self.root_key(providers)?)
    }

    /// Adds a new barrier term, which seals from now on; answers the barrier that holds it.
    ///
    /// The keyring must be stored before anything that the new term sealed is written.
    ///
    /// # Errors
    /// As [`Self::unseal`], and [`UnsealError::Full`].
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn add_term(&mut self, providers: &[&dyn RootKeyProvider]) -> Result<Barrier, UnsealError> {
        if self.terms.len() >= MAX_TERMS {
            return Err(UnsealError::Full("barrier terms"));
        }
        let number = self.newest_term().checked_add(1).ok_or(UnsealError::Full("numbers of barrier terms"))?;
        let root = self.root_key(providers)?;
        let mut barrier = self.open_terms(&root)?;
        let term = random::key();
        self.terms.push(SealedTerm::new(&random::bytes(), self.cluster, number, &root, &term));
        barrier.insert_term(number, &term);
        Ok(barrier)
    }

    /// Lets `new` unseal the keyring too; a wrap that it has already is replaced.
    ///
    /// # Errors
    /// As [`Self::unseal`], [`UnsealError::NewProvider`] and [`UnsealError::Full`].
    pub fn add_provider(
        &mut self,
        providers: &[&dyn RootKeyProvider],
        new: &dyn RootKeyProvider,
    ) -> Result<(), UnsealError> {
        let root = self.root_key(providers)?;
        let wrap = Wrap::new(self.cluster, new, &root).map_err(|e| UnsealError::NewProvider(failure(new, e)))?;
        if let Some(old) = self.wraps.iter_mut().find(|old| old.is_of(new)) {
            *old = wrap;
            return Ok(());
        }
        if self.wraps.len() >= MAX_WRAPS {
            return Err(UnsealError::Full("providers"));
        }
        self.wraps.push(wrap);
        Ok(())
    }

    fn root_key(&self, providers: &[&dyn RootKeyProvider]) -> Result<RootKey, UnsealError> {
        let mut failures = Vec::new();
        for provider in providers {
            let Some(wrap) = self.wraps.iter().find(|wrap| wrap.is_of(*provider)) else { continue };
            match provider.unwrap(&wrap.wrapped, &wrap_aad(self.cluster, wrap.kind, &wrap.id)) {
                Ok(root) => return Ok(root),
                Err(error) => failures.push(failure(*provider, error)),
            }
        }
        if !failures.is_empty() {
            return Err(UnsealError::Providers(failures));
        }
        let wrapped_by = self.provider_ids().map(str::to_owned).collect();
        Err(UnsealError::NoProvider { wrapped_by, configured: providers.iter().map(|p| p.id().to_owned()).collect() })
    }

    fn open_terms(&self, root: &RootKey) -> Result<Barrier, UnsealError> {
        let mut barrier: Option<Barrier> = None;
        for term in &self.terms {
            let key = term.open(self.cluster, root).ok_or(UnsealError::Term(term.number))?;
            match &mut barrier {
                Some(barrier) => barrier.insert_term(term.number, &key),
                none => *none = Some(Barrier::from_first_term(self.cluster, term.number, &key)),
            }
        }
        Ok(barrier.expect("a keyring has a term"))
    }

    /// The bytes of the file.
    ///
    /// # Correctness
    /// They hold no key in the clear, so a joining node may be sent them.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.cluster.0);
        out.push(u8::try_from(self.wraps.len()).expect("wraps are counted when they are added"));
        for wrap in &self.wraps {
            out.push(wrap.kind as u8);
            put_prefixed(&mut out, wrap.id.as_bytes());
            put_prefixed(&mut out, &wrap.wrapped);
        }
        let terms = u16::try_from(self.terms.len()).expect("terms are counted when they are added");
        out.extend_from_slice(&terms.to_le_bytes());
        for term in &self.terms {
            out.extend_from_slice(&term.number.to_le_bytes());
            put_prefixed(&mut out, &term.sealed);
        }
        let checksum = Sha256::digest(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// Reads what [`Self::encode`] made.
    ///
    /// # Errors
    /// The rule that the bytes break; bytes after the end are refused too.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyringFormatError> {
        let mut reader = Reader::new(bytes);
        if reader.array() != Some(MAGIC) {
            return Err(KeyringFormatError::Magic);
        }
        // The version is looked at before the checksum: another version may have another one.
        match reader.u16().ok_or(KeyringFormatError::Checksum)? {
            VERSION => {}
            other => return Err(KeyringFormatError::Version(other)),
        }
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(KeyringFormatError::Checksum)?;
        if Sha256::digest(body).as_slice() != checksum {
            return Err(KeyringFormatError::Checksum);
        }
        let mut reader = Reader::new(body);
        reader.take(MAGIC.len() + size_of_val(&VERSION));
        let keyring = Self::decode_body(&mut reader)?;
        if !reader.rest().is_empty() {
            return Err(KeyringFormatError::Rule("it has bytes after its end"));
        }
        Ok(keyring)
    }

    fn decode_body(reader: &mut Reader<'_>) -> Result<Self, KeyringFormatError> {
        const SHORT: KeyringFormatError = KeyringFormatError::Rule("it is cut short");
        let cluster = ClusterId(*reader.array().ok_or(SHORT)?);

        let wrap_count = usize::from(reader.u8().ok_or(SHORT)?);
        if !(1..=MAX_WRAPS).contains(&wrap_count) {
            return Err(KeyringFormatError::Rule("it must have 1 to 16 wraps"));
        }
        let mut wraps: Vec<Wrap> = Vec::with_capacity(wrap_count);
        for _ in 0..wrap_count {
            let wrap = Wrap::decode(reader)?;
            if wraps.iter().any(|other| other.kind == wrap.kind && other.id == wrap.id) {
                return Err(KeyringFormatError::Rule("it has two wraps of one provider"));
            }
            wraps.push(wrap);
        }

        let term_count = usize::from(reader.u16().ok_or(SHORT)?);
        if !(1..=MAX_TERMS).contains(&term_count) {
            return Err(KeyringFormatError::Rule("it must have 1 to 1024 terms"));
        }
        let mut terms: Vec<SealedTerm> = Vec::with_capacity(term_count);
        for _ in 0..term_count {
            let number = reader.u32().ok_or(SHORT)?;
            let sealed = reader.prefixed().ok_or(SHORT)?.to_vec();
            if number <= terms.last().map_or(0, |last| last.number) {
                return Err(KeyringFormatError::Rule("its terms are not in order"));
            }
            if sealed.is_empty() || sealed.len() > MAX_SEALED_TERM_BYTES {
                return Err(KeyringFormatError::Rule("a sealed term has a wrong length"));
            }
            terms.push(SealedTerm { number, sealed });
        }
        Ok(Self { cluster, wraps, terms })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<u32> = self.terms.iter().map(|term| term.number).collect();
        f.debug_struct("Keyring")
            .field("cluster", &format_args!("{}", self.cluster))
            .field("providers", &self.provider_ids().collect::<Vec<_>>())
            .field("terms", &terms)
            .finish()
    }
}

impl Wrap {
    fn new(cluster: ClusterId, provider: &dyn RootKeyProvider, root: &RootKey) -> Result<Self, ProviderError> {
        let (kind, id) = (provider.kind(), provider.id().to_owned());
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(ProviderError::Unavailable("its id must have 1 to 255 bytes".to_owned()));
        }
        let wrapped = provider.wrap(root, &wrap_aad(cluster, kind, &id))?;
        if wrapped.is_empty() || wrapped.len() > MAX_WRAP_BYTES {
            return Err(ProviderError::Unavailable("its wrap must have 1 to 4096 bytes".to_owned()));
        }
        Ok(Self { kind, id, wrapped })
    }

    fn is_of(&self, provider: &dyn RootKeyProvider) -> bool {
        self.kind == provider.kind() && self.id == provider.id()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, KeyringFormatError> {
        const SHORT: KeyringFormatError = KeyringFormatError::Rule("it is cut short");
        let kind = ProviderKind::from_number(reader.u8().ok_or(SHORT)?)
            .ok_or(KeyringFormatError::Rule("it has a provider of an unknown kind"))?;
        let id = std::str::from_utf8(reader.prefixed().ok_or(SHORT)?)
            .map_err(|_| KeyringFormatError::Rule("a provider's id is not text"))?;
        let wrapped = reader.prefixed().ok_or(SHORT)?;
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(KeyringFormatError::Rule("a provider's id has a wrong length"));
        }
        if wrapped.is_empty() || wrapped.len() > MAX_WRAP_BYTES {
            return Err(KeyringFormatError::Rule("a wrap has a wrong length"));
        }
        Ok(Self { kind, id: id.to_owned(), wrapped: wrapped.to_vec() })
    }
}

impl SealedTerm {
    fn new(
        salt: &[u8; committed::SALT_BYTES],
        cluster: ClusterId,
        number: u32,
        root: &RootKey,
        term: &SecretBytes,
    ) -> Self {
        let aad = term_aad(cluster, number);
        Self { number, sealed: committed::wrap_key(salt, &root_name(cluster), root.expose_secret(), &aad, term) }
    }

    fn open(&self, cluster: ClusterId, root: &RootKey) -> Option<SecretBytes> {
        let aad = term_aad(cluster, self.number);
        committed::unwrap_key(&root_name(cluster), root.expose_secret(), &aad, &self.sealed).ok()
    }
}

const fn root_name(cluster: ClusterId) -> SealingKey {
    SealingKey { kind: KeyKind::Root, account: None, id: cluster.0, number: 0 }
}

fn wrap_aad(cluster: ClusterId, kind: ProviderKind, id: &str) -> Vec<u8> {
    let mut aad = b"conclave/root-key/v1".to_vec();
    aad.extend_from_slice(&cluster.0);
    aad.push(kind as u8);
    put_prefixed(&mut aad, id.as_bytes());
    aad
}

fn term_aad(cluster: ClusterId, number: u32) -> Vec<u8> {
    [b"conclave/barrier-term/v1".as_slice(), &cluster.0, &number.to_le_bytes()].concat()
}

fn failure(provider: &dyn RootKeyProvider, source: ProviderError) -> ProviderFailure {
    ProviderFailure { kind: provider.kind(), id: provider.id().to_owned(), source }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Several failures have no one source, so their causes are told in the text.
fn list_with_causes(failures: &[ProviderFailure]) -> String {
    let told: Vec<String> = failures
        .iter()
        .map(|failure| {
            let mut text = failure.to_string();
            let mut cause = std::error::Error::source(failure);
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            text
        })
        .collect();
    list(&told)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::barrier::SealedKind;
    use crate::golden::{self, Golden};
    use crate::keyfile::Keyfile;

    fn golden_file() -> Golden {
        Golden::parse(include_str!("../../../tests/golden/key-service/keyring.txt"))
    }

    fn keyfile_of(dir: &Path, key: &[u8]) -> Keyfile {
        let path = dir.join("golden-keyfile");
        fs::write(&path, key).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Keyfile::open(path).unwrap()
    }

    fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
        let checksum = Sha256::digest(&body);
        body.extend_from_slice(&checksum);
        body
    }

    #[test]
    fn the_recorded_file_still_unseals() {
        let dir = tempfile::tempdir().unwrap();
        let golden = golden_file();
        let keyfile = keyfile_of(dir.path(), golden.bytes("keyfile"));
        let keyring = Keyring::decode(golden.bytes("file")).unwrap();
        assert_eq!(keyring.cluster(), golden::CLUSTER);
        golden.check("file", &keyring.encode());

        let barrier = keyring.unseal(&[&keyfile]).unwrap();
        assert_eq!(barrier.active_term(), 2);
        for (entry, plaintext) in [("record-of-term-1", b"one"), ("record-of-term-2", b"two")] {
            let opened = barrier.open(SealedKind::LogPayload, b"k", golden.bytes(entry)).unwrap();
            assert_eq!(opened.as_slice(), plaintext);
        }
    }

    #[test]
    fn every_flipped_bit_of_the_file_is_refused() {
        let golden = golden_file();
        let file = golden.bytes("file");
        for bit in 0..file.len() * 8 {
            let mut changed = file.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Keyring::decode(&changed).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(Keyring::decode(&file[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_forged_checksum_does_not_make_a_changed_file_good() {
        let dir = tempfile::tempdir().unwrap();
        let golden = golden_file();
        let keyfile = keyfile_of(dir.path(), golden.bytes("keyfile"));
        let body = &golden.bytes("file")[..golden.bytes("file").len() - CHECKSUM_BYTES];
        for bit in 0..body.len() * 8 {
            let mut changed = body.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            // The number of terms must fit their bytes, so no count can be lowered either.
            let unsealed = Keyring::decode(&with_checksum(changed)).map(|keyring| keyring.unseal(&[&keyfile]).is_ok());
            assert_ne!(unsealed, Ok(true), "bit {bit}");
        }
        let mut longer = body.to_vec();
        longer.push(0);
        let refused = Keyring::decode(&with_checksum(longer)).unwrap_err();
        assert_eq!(refused, KeyringFormatError::Rule("it has bytes after its end"));
    }

    #[test]
    fn a_stored_keyring_is_private_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
        let (keyring, barrier) = Keyring::create(golden::CLUSTER, &keyfile).unwrap();
        let sealed = barrier.seal(SealedKind::StateRecord, b"key", b"plaintext");

        let path = dir.path().join("keyring");
        // What an interrupted store leaves is no obstacle.
        fs::write(dir.path().join("keyring.tmp"), b"half").unwrap();
        keyring.store(&path).unwrap();
        keyring.store(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(!dir.path().join("keyring.tmp").exists());

        let loaded = Keyring::load(&path).unwrap();
        assert!(loaded == keyring);
        let unsealed = loaded.unseal(&[&keyfile]).unwrap();
        assert_eq!(unsealed.open(SealedKind::StateRecord, b"key", &sealed).unwrap().as_slice(), b"plaintext");
    }

    #[test]
    fn a_missing_and_a_corrupt_keyring_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring");
        let missing = Keyring::load(&path).unwrap_err();
        assert!(matches!(missing, KeyringError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
        for content in [Vec::new(), vec![0; 100], vec![0; 2 << 20]] {
            fs::write(&path, content).unwrap();
            assert!(matches!(
                Keyring::load(&path),
                Err(KeyringError::Corrupt { source: KeyringFormatError::Magic, .. })
            ));
        }
        let mut future = golden_file().bytes("file").to_vec();
        future[8] = 2;
        fs::write(&path, future).unwrap();
        let refused = Keyring::load(&path).unwrap_err();
        assert!(matches!(refused, KeyringError::Corrupt { source: KeyringFormatError::Version(2), .. }));
    }

    #[test]
    fn a_new_term_seals_and_the_old_ones_still_open() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
        let (mut keyring, first) = Keyring::create(golden::CLUSTER, &keyfile).unwrap();
        let old = first.seal(SealedKind::LogPayload, b"", b"old");
        let second = keyring.add_term(&[&keyfile]).unwrap();
        assert_eq!((second.active_term(), keyring.newest_term()), (2, 2));
        let new = second.seal(SealedKind::LogPayload, b"", b"new");

        let unsealed = Keyring::decode(&keyring.encode()).unwrap().unseal(&[&keyfile]).unwrap();
        for barrier in [second, unsealed] {
            assert_eq!(barrier.open(SealedKind::LogPayload, b"", &old).unwrap().as_slice(), b"old");
            assert_eq!(barrier.open(SealedKind::LogPayload, b"", &new).unwrap().as_slice(), b"new");
        }
    }

    #[test]
    fn any_one_of_several_providers_unseals() {
        let dir = tempfile::tempdir().unwrap();
        let one = Keyfile::create(dir.path().join("one")).unwrap();
        let two = Keyfile::create(dir.path().join("two")).unwrap();
        let (mut keyring, barrier) = Keyring::create(golden::CLUSTER, &one).unwrap();
        let sealed = barrier.seal(SealedKind::LogPayload, b"", b"text");
        keyring.add_provider(&[&one], &two).unwrap();
        keyring.add_provider(&[&two], &two).unwrap();
        assert_eq!(keyring.provider_ids().count(), 2);
        fs::remove_file(one.path()).unwrap();
        let unsealed = keyring.unseal(&[&one, &two]).unwrap();
        assert!(unsealed.open(SealedKind::LogPayload, b"", &sealed).is_ok());
    }

    #[test]
    fn a_failed_unseal_names_provider_and_cause() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
        let other = Keyfile::create(dir.path().join("other.key")).unwrap();
        let (keyring, _) = Keyring::create(golden::CLUSTER, &keyfile).unwrap();

        let stranger = keyring.unseal(&[&other]).unwrap_err().to_string();
        assert!(stranger.contains(keyfile.id()) && stranger.contains(other.id()), "{stranger}");
        assert!(keyring.unseal(&[]).unwrap_err().to_string().contains("only none is configured"));

        fs::set_permissions(keyfile.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let unsafe_mode = keyring.unseal(&[&other, &keyfile]).unwrap_err().to_string();
        assert!(
            unsafe_mode.contains(keyfile.id()) && unsafe_mode.contains("by others than its owner"),
            "{unsafe_mode}"
        );

        fs::remove_file(keyfile.path()).unwrap();
        let missing = keyring.unseal(&[&keyfile]).unwrap_err().to_string();
        assert!(missing.contains("could not open") && missing.contains("No such file"), "{missing}");
    }

    #[test]
    fn terms_cannot_be_exchanged_with_each_other_or_between_clusters() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
        let (mut keyring, _) = Keyring::create(golden::CLUSTER, &keyfile).unwrap();
        keyring.add_term(&[&keyfile]).unwrap();
        let mut exchanged = keyring.clone();
        exchanged.terms[0].sealed.clone_from(&keyring.terms[1].sealed);
        assert!(matches!(exchanged.unseal(&[&keyfile]), Err(UnsealError::Term(1))));

        let moved = Keyring { cluster: ClusterId([9; 16]), ..keyring };
        let refused = moved.unseal(&[&keyfile]).unwrap_err();
        assert!(matches!(&refused, UnsealError::Providers(all) if matches!(all[0].source, ProviderError::Refused)));
    }

    #[test]
    fn a_full_keyring_takes_no_more_terms() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
        let (mut keyring, _) = Keyring::create(golden::CLUSTER, &keyfile).unwrap();
        let last = keyring.terms[0].clone();
        let numbers = 2..=u32::try_from(MAX_TERMS).unwrap();
        keyring.terms.extend(numbers.map(|number| SealedTerm { number, ..last.clone() }));
        assert!(matches!(keyring.add_term(&[&keyfile]), Err(UnsealError::Full(_))));
        let bytes = keyring.encode();
        assert!(bytes.len() as u64 <= MAX_FILE_BYTES);
        assert!(Keyring::decode(&bytes).unwrap() == keyring);
    }

    #[test]
    fn debug_prints_names_only() {
        let keyring = Keyring::decode(golden_file().bytes("file")).unwrap();
        let printed = format!("{keyring:?}");
        let id = keyring.provider_ids().next().unwrap();
        let cluster = golden::CLUSTER;
        assert_eq!(printed, format!("Keyring {{ cluster: {cluster}, providers: [\"{id}\"], terms: [1, 2] }}"));
        assert_eq!(format!("{:?}", RootKey::generate()), "RootKey");
    }
}
