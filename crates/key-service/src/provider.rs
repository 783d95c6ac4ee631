//! Root-key providers: whatever can give the root key back at a start.

use std::fmt;
use std::io;
use std::path::PathBuf;

use types::SecretBytes;

use crate::random;

/// The root key of a cluster, in the clear. It lives while barrier terms are sealed or opened, no longer.
pub struct RootKey(SecretBytes);

impl RootKey {
    pub(crate) fn generate() -> Self {
        Self(random::key())
    }

    /// Takes a key that a provider unwrapped.
    pub const fn from_secret(secret: SecretBytes) -> Self {
        Self(secret)
    }

    /// The key itself, for a provider that wraps it.
    pub const fn expose_secret(&self) -> &SecretBytes {
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
