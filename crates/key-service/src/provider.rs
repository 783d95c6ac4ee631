//! Root-key providers: whatever can give the root key back at a start.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::memory::LockedKey;
use crate::random;

/// The root key of a cluster, in the clear. It lives while barrier terms are sealed or opened, no longer.
pub struct RootKey(LockedKey);

impl RootKey {
    pub(crate) fn generate() -> Self {
        Self(random::key())
    }

    /// Takes a key that a provider unwrapped.
    pub const fn from_secret(secret: LockedKey) -> Self {
        Self(secret)
    }

    /// The key itself, for a provider that wraps it.
    pub const fn expose_secret(&self) -> &LockedKey {
        &self.0
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

/// How a provider keeps its key. The numbers stand in the keyring file and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ProviderKind {
    /// A file on this machine, see [`crate::Keyfile`].
    Keyfile = 1,
    /// A passphrase, through Argon2id.
    Passphrase = 2,
    /// Shares of a key, of which a threshold is needed.
    Shamir = 3,
    /// A hardware module.
    Pkcs11 = 4,
}

impl ProviderKind {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Keyfile),
            2 => Some(Self::Passphrase),
            3 => Some(Self::Shamir),
            4 => Some(Self::Pkcs11),
            _ => None,
        }
    }
}

impl ProviderKind {
    /// Whether an operator has to give something to it each time, see [`Attended`].
    pub const fn is_attended(self) -> bool {
        matches!(self, Self::Passphrase | Self::Shamir)
    }

    /// Its name in configurations and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyfile => "keyfile",
            Self::Passphrase => "passphrase",
            Self::Shamir => "shamir",
            Self::Pkcs11 => "pkcs11",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A provider by name, as it stands in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderName {
    /// The sort of provider.
    pub kind: ProviderKind,
    /// Its id, unique among those of its kind.
    pub id: String,
}

impl ProviderName {
    /// The name of this provider.
    pub fn of(provider: &dyn RootKeyProvider) -> Self {
        Self { kind: provider.kind(), id: provider.id().to_owned() }
    }

    /// Whether this is the name of that provider.
    pub fn is_of(&self, provider: &dyn RootKeyProvider) -> bool {
        self.kind == provider.kind() && self.id == provider.id()
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} provider {}", self.kind, self.id)
    }
}

/// A provider that was asked and failed.
#[derive(Debug, thiserror::Error)]
#[error("{name} failed")]
pub struct ProviderFailure {
    /// The provider.
    pub name: ProviderName,
    /// Why it failed.
    pub source: ProviderError,
}

impl ProviderFailure {
    /// The failure in one line, with what caused it.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Why a provider could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// A file could not be read or written.
    #[error("could not {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file that others may read or have put there.
    #[error("{} {why}", path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is unsafe about it.
        why: &'static str,
    },
    /// A file that holds no key.
    #[error("{} holds no key: it must have 32 bytes or 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The key is another one than when the provider was opened.
    #[error("{} holds another key than before", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file that holds something else than it must.
    #[error("{} {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// A label that no token or key has.
    #[error("a token has a label of 1 to 32 bytes, a key one of 1 to 128, without control characters")]
    Label,
    /// A passphrase that may not be chosen.
    #[error("a passphrase {0}")]
    Weak(&'static str),
    /// Shares that do not open the wrap.
    #[error(transparent)]
    Shares(#[from] crate::shamir::ShareError),
    /// A wrap of a form that this build does not know, or with parameters outside of its bounds.
    #[error("the wrapped root key has {0}")]
    Form(&'static str),
    /// The wrap was made by another key, for another keyring, or was changed.
    #[error("the wrapped root key was refused")]
    Refused,
    /// The provider cannot be reached or used now.
    #[error("the provider is not available: {0}")]
    Unavailable(String),
}

/// Wraps and unwraps the root key.
pub trait RootKeyProvider: Send + Sync {
    /// Names the provider's key, at most 255 bytes; the keyring finds its wrap by kind and id.
    fn id(&self) -> &str;

    /// The sort of provider.
    fn kind(&self) -> ProviderKind;

    /// Wraps the root key, bound to `aad`; at most 4 KiB.
    ///
    /// # Errors
    /// Why the provider could not.
    fn wrap(&self, root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError>;

    /// Wraps another root key in the place of `old`, which this provider made.
    ///
    /// # Errors
    /// As [`Self::wrap`].
    fn rewrap(&self, old: &[u8], root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let _made_anew = old;
        self.wrap(root, aad)
    }

    /// Unwraps what [`Self::wrap`] wrapped with the same `aad`.
    ///
    /// # Errors
    /// Why the provider could not.
    fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<RootKey, ProviderError>;

    /// Checks that the provider could unwrap now.
    ///
    /// # Errors
    /// What stands in its way.
    fn health(&self) -> Result<(), ProviderError>;
}

/// A provider that opens by itself: a server makes it from its configuration at a start and keeps it.
pub trait Unattended: RootKeyProvider {}

/// A provider that opens with what an operator gives: it is made for one request and dropped with it.
pub trait Attended: RootKeyProvider {}
