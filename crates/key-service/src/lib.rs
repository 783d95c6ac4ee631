//! Envelope encryption: everything that this system writes down is ciphertext made here.
//!
//! ```text
//! root key            from a RootKeyProvider (Keyfile)
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
//! where ciphertext is kept (`storage`). Nothing here reads the environment or logs.

mod barrier;
mod bytes;
mod committed;
mod context;
mod data_key;
mod files;
mod idempotency;
mod keyfile;
mod keyring;
mod material;
mod provider;
mod random;
mod xchacha;

#[cfg(test)]
mod collision;
#[cfg(test)]
mod golden;

pub use barrier::{Barrier, OpenError, SealedKind};
pub use committed::Refused;
pub use context::{CONTEXT_BYTES, ContextError, EncryptionContext, secret_context};
pub use data_key::DataKey;
pub use idempotency::IdempotencyKey;
pub use keyfile::Keyfile;
pub use keyring::{Keyring, KeyringError, KeyringFormatError, ProviderFailure, UnsealError};
pub use material::KeyMaterial;
pub use provider::{ProviderError, ProviderKind, RootKey, RootKeyProvider};
pub use random::bytes as random;
