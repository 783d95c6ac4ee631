//! Envelope encryption: everything that this system writes down is ciphertext made here.
//!
//! ```text
//! root key            from a RootKeyProvider: Keyfile, Pkcs11 (unattended), Passphrase, Shamir (attended)
//!  └ barrier terms    Keyring on disk, Barrier in memory: seals log payloads, state records, chunks
//!     └ key material  KeyMaterial: one version of a customer's key
//!        └ data key   DataKey: one per secret version, bound to an EncryptionContext
//!           └ value
//! ```
//!
//! Two modes are in use. Barrier records, of which a million are opened at a start, are plain
//! XChaCha20-Poly1305 under a subkey of the term with a random nonce. Everything that wraps a key, and the
//! values, go through the key-committing mode of `committed.rs`, because there more than one key is a
//! candidate and Poly1305 alone does not say which one made a ciphertext. No mode ever tries keys: a header
//! names the key, and a key that is not there is an error.
//!
//! Integers in headers, AADs and files are little-endian. Randomness comes from the operating system in one
//! place and is an argument of the functions inside, so that golden files can fix it.
//!
//! What is deliberately not here: key policies, key states and who may use a key (`state`, `service`), and
//! where ciphertext is kept (`storage`). Nothing here reads the environment or logs. Keys are `LockedKey`s, in locked pages
//! (`memory.rs`). Providers block: a passphrase takes seconds, a token has its own pace.

mod barrier;
pub mod blob;
mod bytes;
mod committed;
mod context;
mod data_key;
mod files;
mod idempotency;
mod keyfile;
mod keyring;
mod material;
pub mod memory;
mod passphrase;
pub mod pkcs11;
mod provider;
mod random;
pub mod shamir;
mod term_bounds;
mod transfer;
mod xchacha;

#[cfg(test)]
mod collision;
#[cfg(test)]
mod golden;

pub use barrier::{Barrier, OpenError, SealedKind};
pub use blob::BlobHeader;
pub use committed::Refused;
pub use context::{CONTEXT_BYTES, ContextError, EncryptionContext, secret_context};
pub use data_key::DataKey;
pub use idempotency::IdempotencyKey;
pub use keyfile::Keyfile;
pub use keyring::{
    ChangeError, Keyring, KeyringError, KeyringFormatError, PendingRekey, ProviderReport, UnsealError, Unsealed,
    VerifyError,
};
pub use material::KeyMaterial;
pub use memory::LockedKey;
pub use passphrase::{Passphrase, PassphraseCost};
pub use pkcs11::{Pkcs11, Pkcs11Config};
pub use provider::{
    Attended, ProviderError, ProviderFailure, ProviderKind, ProviderName, RootKey, RootKeyProvider, Unattended,
};
pub use random::{bytes as random, plaintext as random_plaintext};
pub use shamir::{Shamir, Share, ShareError, ShareSet};
pub use term_bounds::{TermBounds, TermDue};
pub use transfer::{TransferKey, TransferRefused};
