//! The keyring: a node's file of barrier terms under the root key, and of the root key under its providers.
//!
//! The AAD of a wrap is `"conclave/root-key/v1" | cluster id | provider kind | id length u16 | id`. That of a term is
//! `"conclave/barrier-term/v2" | cluster id | number u32 | created u64`, and `"conclave/barrier-term/v1" | cluster id |
//! number u32` where nobody knows when the term was made. The file is described in `keyring/format.rs`, changes of its
//! content in `keyring/change.rs`.

mod change;
mod format;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use types::{ClusterId, Timestamp};

use crate::barrier::Barrier;
use crate::bytes::put_prefixed;
use crate::committed::{self, KeyKind, SealingKey};
use crate::files;
use crate::memory::LockedKey;
use crate::provider::{ProviderError, ProviderFailure, ProviderName, RootKey, RootKeyProvider};
use crate::random;

pub use change::{ChangeError, PendingRekey, ProviderReport, VerifyError};
pub use format::KeyringFormatError;

const MAX_WRAPS: usize = 16;
const MAX_TERMS: usize = 1024;
const MAX_ID_BYTES: usize = 255;
const MAX_WRAP_BYTES: usize = 4 << 10;
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
    name: ProviderName,
    wrapped: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
struct SealedTerm {
    number: u32,
    created: Option<Timestamp>,
    sealed: Vec<u8>,
}

/// What an unsealed keyring gives.
#[derive(Debug)]
pub struct Unsealed {
    /// The terms.
    pub barrier: Barrier,
    /// The root key. It makes new terms and admits providers; whoever needs neither drops it at once.
    pub root: RootKey,
    /// The provider that gave the root key.
    pub opened_by: ProviderName,
    /// The providers that were asked before that one, and why they failed.
    pub failures: Vec<ProviderFailure>,
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

/// Why a keyring did not unseal.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// None of the providers has a wrap in the keyring.
    #[error("the keyring is wrapped by {}, and only {} is configured", list(wrapped_by), list(configured))]
    NoProvider {
        /// The providers in the keyring.
        wrapped_by: Vec<ProviderName>,
        /// The providers at hand.
        configured: Vec<ProviderName>,
    },
    /// Every provider that has a wrap failed.
    #[error("no provider gave the root key: {}", list_with_causes(.0))]
    Providers(Vec<ProviderFailure>),
    /// The root key came back, but does not open a term.
    #[error("the root key does not open barrier term {0}")]
    Term(u32),
}

impl Keyring {
    /// Draws a root key and the first barrier term of a new cluster; each of the providers can unseal it.
    ///
    /// # Errors
    /// [`ChangeError`]: no or too many providers, or one that could not wrap the root key.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn create(
        cluster: ClusterId,
        providers: &[&dyn RootKeyProvider],
        now: Timestamp,
    ) -> Result<(Self, Unsealed), ChangeError> {
        let (first, others) = providers.split_first().ok_or(ChangeError::NoProviders)?;
        let (root, term) = (RootKey::generate(), random::key());
        let wraps = vec![Wrap::new(cluster, *first, &root)?];
        let terms = vec![SealedTerm::new(&random::bytes(), cluster, 1, Some(now), &root, &term)];
        let mut keyring = Self { cluster, wraps, terms };
        for other in others {
            keyring.add_provider(&root, *other)?;
        }
        let barrier = Barrier::from_first_term(cluster, 1, &term);
        Ok((keyring, Unsealed { barrier, root, opened_by: ProviderName::of(*first), failures: Vec::new() }))
    }

    /// The cluster whose terms these are.
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The number of the newest term.
    pub fn newest_term(&self) -> u32 {
        self.terms.last().map_or(0, |term| term.number)
    }

    /// When a term was made; `None` for one that is not there, and where nobody knows.
    pub fn term_created(&self, number: u32) -> Option<Timestamp> {
        self.terms.iter().find(|term| term.number == number)?.created
    }

    /// The providers that can unseal it.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.wraps.iter().map(|wrap| &wrap.name)
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
    pub fn unseal(&self, providers: &[&dyn RootKeyProvider]) -> Result<Unsealed, UnsealError> {
        let mut failures = Vec::new();
        for provider in providers {
            let Some(wrap) = self.wrap_of(*provider) else { continue };
            match wrap.open(self.cluster, *provider) {
                Ok(root) => {
                    let (barrier, opened_by) = (self.open_terms(&root)?, wrap.name.clone());
                    return Ok(Unsealed { barrier, root, opened_by, failures });
                }
                Err(failure) => failures.push(failure),
            }
        }
        if !failures.is_empty() {
            return Err(UnsealError::Providers(failures));
        }
        let configured = providers.iter().map(|provider| ProviderName::of(*provider)).collect();
        Err(UnsealError::NoProvider { wrapped_by: self.providers().cloned().collect(), configured })
    }

    fn wrap_of(&self, provider: &dyn RootKeyProvider) -> Option<&Wrap> {
        self.wraps.iter().find(|wrap| wrap.name.is_of(provider))
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
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<u32> = self.terms.iter().map(|term| term.number).collect();
        f.debug_struct("Keyring")
            .field("cluster", &format_args!("{}", self.cluster))
            .field("providers", &self.providers().map(|name| &name.id).collect::<Vec<_>>())
            .field("terms", &terms)
            .finish()
    }
}

impl Wrap {
    /// Wraps the root key for the first time by this provider, and sees whether it comes back.
    fn new(cluster: ClusterId, provider: &dyn RootKeyProvider, root: &RootKey) -> Result<Self, ProviderFailure> {
        Self::made(cluster, provider, root, |aad| provider.wrap(root, aad))
    }

    /// Wraps another root key by the provider that made `old`, and sees whether it comes back.
    fn renewed(
        old: &Self,
        cluster: ClusterId,
        provider: &dyn RootKeyProvider,
        root: &RootKey,
    ) -> Result<Self, ProviderFailure> {
        Self::made(cluster, provider, root, |aad| provider.rewrap(&old.wrapped, root, aad))
    }

    fn made(
        cluster: ClusterId,
        provider: &dyn RootKeyProvider,
        root: &RootKey,
        wrap: impl FnOnce(&[u8]) -> Result<Vec<u8>, ProviderError>,
    ) -> Result<Self, ProviderFailure> {
        let name = ProviderName::of(provider);
        let failed = |source| ProviderFailure { name: ProviderName::of(provider), source };
        if name.id.is_empty() || name.id.len() > MAX_ID_BYTES {
            return Err(failed(ProviderError::Unavailable("its id must have 1 to 255 bytes".to_owned())));
        }
        let wrapped = wrap(&wrap_aad(cluster, &name)).map_err(failed)?;
        if wrapped.is_empty() || wrapped.len() > MAX_WRAP_BYTES {
            return Err(failed(ProviderError::Unavailable("its wrap must have 1 to 4096 bytes".to_owned())));
        }
        let made = Self { name, wrapped };
        let back = made.open(cluster, provider)?;
        if !back.expose_secret().ct_eq(root.expose_secret()) {
            return Err(failed(ProviderError::Refused));
        }
        Ok(made)
    }

    fn open(&self, cluster: ClusterId, provider: &dyn RootKeyProvider) -> Result<RootKey, ProviderFailure> {
        let root = provider.unwrap(&self.wrapped, &wrap_aad(cluster, &self.name));
        root.map_err(|source| ProviderFailure { name: self.name.clone(), source })
    }
}

impl SealedTerm {
    fn new(
        salt: &[u8; committed::SALT_BYTES],
        cluster: ClusterId,
        number: u32,
        created: Option<Timestamp>,
        root: &RootKey,
        term: &LockedKey,
    ) -> Self {
        // At the beginning of 1970 there was no clock; such a time counts as unknown, as the file has it.
        let created = created.filter(|created| created.as_millis() > 0);
        let aad = term_aad(cluster, number, created);
        let sealed = committed::wrap_key(salt, &root_name(cluster), root.expose_secret(), &aad, term);
        Self { number, created, sealed }
    }

    fn open(&self, cluster: ClusterId, root: &RootKey) -> Option<LockedKey> {
        let aad = term_aad(cluster, self.number, self.created);
        committed::unwrap_key(&root_name(cluster), root.expose_secret(), &aad, &self.sealed).ok()
    }
}

const fn root_name(cluster: ClusterId) -> SealingKey {
    SealingKey { kind: KeyKind::Root, account: None, id: cluster.0, number: 0 }
}

fn wrap_aad(cluster: ClusterId, name: &ProviderName) -> Vec<u8> {
    let mut aad = b"conclave/root-key/v1".to_vec();
    aad.extend_from_slice(&cluster.0);
    aad.push(name.kind as u8);
    put_prefixed(&mut aad, name.id.as_bytes());
    aad
}

fn term_aad(cluster: ClusterId, number: u32, created: Option<Timestamp>) -> Vec<u8> {
    match created {
        None => [b"conclave/barrier-term/v1".as_slice(), &cluster.0, &number.to_le_bytes()].concat(),
        Some(created) => [
            b"conclave/barrier-term/v2".as_slice(),
            &cluster.0,
            &number.to_le_bytes(),
            &created.as_millis().to_le_bytes(),
        ]
        .concat(),
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Several failures have no one source, so their causes are told in the text.
fn list_with_causes(failures: &[ProviderFailure]) -> String {
    let told: Vec<String> = failures.iter().map(ProviderFailure::with_causes).collect();
    list(&told)
}
