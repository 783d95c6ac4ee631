//! Barrier terms on their way to a peer that has no root-key provider at hand.
//!
//! The asking node draws a key pair for one transfer. The giving node draws another one, agrees with it on a secret by
//! X25519, and encrypts its terms under a key that HKDF-SHA256 makes of that secret, of both public keys and of the
//! `binding` that both sides know. Who asked for it is not known here: the asking node's certificate has to sign its
//! public key.
//!
//! ```text
//! transfer  = public key of the giving side 32 | ciphertext | tag 16
//! plaintext = (number u32 | subkeys 64)*
//! info      = "conclave/barrier-transfer/v1" | cluster id 16 | asking public key 32 | giving public key 32 | binding
//! ```

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use hkdf::Hkdf;
use sha2::Sha256;
use types::ClusterId;
use zeroize::Zeroizing;

use crate::barrier::{Barrier, SUBKEYS_BYTES, Term};
use crate::bytes::Reader;
use crate::xchacha::{self, NONCE_BYTES, TAG_BYTES};

const PUBLIC_KEY_BYTES: usize = 32;
const TERM_BYTES: usize = 4 + SUBKEYS_BYTES;
const LABEL: &[u8] = b"conclave/barrier-transfer/v1";

/// Terms that did not come over: another key, another binding, or bytes that were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the barrier terms cannot be transferred: {0}")]
pub struct TransferRefused(&'static str);

/// The key pair of one transfer, on the asking side. aws-lc zeroizes the private key when it is freed.
pub struct TransferKey {
    private: EphemeralPrivateKey,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl TransferKey {
    /// Draws a key pair.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate() -> Self {
        let (private, public) = draw();
        Self { private, public }
    }

    /// The public key, to be signed and sent.
    pub const fn public(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public
    }

    /// Opens what [`Barrier::seal_for`] made for this key.
    ///
    /// # Errors
    /// [`TransferRefused`] when it was made for another key, cluster or binding, or was changed.
    pub fn open(self, cluster: ClusterId, binding: &[u8], transfer: &[u8]) -> Result<Barrier, TransferRefused> {
        let mut reader = Reader::new(transfer);
        let giving = *reader.array::<PUBLIC_KEY_BYTES>().ok_or(TransferRefused("it is cut short"))?;
        let (ciphertext, tag) =
            reader.rest().split_last_chunk::<TAG_BYTES>().ok_or(TransferRefused("it is cut short"))?;
        let info = info(cluster, &self.public, &giving, binding);
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        with_key(self.private, &giving, &info, |key, nonce| {
            xchacha::decrypt(key, nonce, b"", ciphertext, tag, &mut plaintext)
                .map_err(|_| TransferRefused("it is not authentic"))
        })??;
        barrier(cluster, &plaintext)
    }
}

impl Barrier {
    /// Encrypts all terms for the side that drew `asking`, see [`TransferKey`].
    ///
    /// # Correctness
    /// Whoever holds that key can read everything that the cluster writes: the caller has made sure who asks.
    ///
    /// # Errors
    /// [`TransferRefused`] for a public key that is none.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn seal_for(&self, asking: &[u8], binding: &[u8]) -> Result<Vec<u8>, TransferRefused> {
        let asking: &[u8; PUBLIC_KEY_BYTES] =
            asking.try_into().map_err(|_| TransferRefused("a public key has 32 bytes"))?;
        let mut plaintext = Zeroizing::new(Vec::new());
        let terms = self.held();
        plaintext.reserve_exact(terms.len() * TERM_BYTES);
        for term in terms.iter() {
            plaintext.extend_from_slice(&term.number.to_le_bytes());
            plaintext.extend_from_slice(term.subkeys().as_slice());
        }
        let (private, giving) = draw();
        let mut transfer = giving.to_vec();
        transfer.resize(PUBLIC_KEY_BYTES + plaintext.len(), 0);
        let info = info(self.cluster(), asking, &giving, binding);
        let tag = with_key(private, asking, &info, |key, nonce| {
            xchacha::encrypt(key, nonce, b"", &plaintext, &mut transfer[PUBLIC_KEY_BYTES..])
        })?;
        transfer.extend_from_slice(&tag);
        Ok(transfer)
    }
}

fn draw() -> (EphemeralPrivateKey, [u8; PUBLIC_KEY_BYTES]) {
    let private =
        EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).expect("the operating system gives randomness");
    let public = private.compute_public_key().expect("a private key has a public one");
    (private, public.as_ref().try_into().expect("an X25519 key has 32 bytes"))
}

fn info(cluster: ClusterId, asking: &[u8], giving: &[u8], binding: &[u8]) -> Vec<u8> {
    [LABEL, &cluster.0, asking, giving, binding].concat()
}

/// Agrees with `theirs` and lends key and nonce, which are used once: both are of this one agreement.
fn with_key<T>(
    private: EphemeralPrivateKey,
    theirs: &[u8],
    info: &[u8],
    lend: impl FnOnce(&[u8; 32], &[u8; NONCE_BYTES]) -> T,
) -> Result<T, TransferRefused> {
    let refused = TransferRefused("the public key is none");
    agree_ephemeral(private, UnparsedPublicKey::new(&X25519, theirs), refused, |shared| {
        let mut okm = Zeroizing::new([0; 32 + NONCE_BYTES]);
        Hkdf::<Sha256>::new(None, shared).expand(info, okm.as_mut_slice()).expect("HKDF expands to 56 bytes");
        let (key, nonce) = okm.split_first_chunk::<32>().expect("there are 56 bytes");
        Ok(lend(key, nonce.try_into().expect("24 bytes are left")))
    })
}

fn barrier(cluster: ClusterId, plaintext: &[u8]) -> Result<Barrier, TransferRefused> {
    let mut barrier: Option<Barrier> = None;
    let (terms, rest) = plaintext.as_chunks::<TERM_BYTES>();
    for term in terms {
        let (number, subkeys) = term.split_first_chunk::<4>().expect("a term has 68 bytes");
        let subkeys = subkeys.try_into().expect("64 bytes are left");
        let term = Term::from_subkeys(u32::from_le_bytes(*number), subkeys);
        match &barrier {
            Some(barrier) => barrier.insert(Arc::new(term)),
            None => barrier = Some(Barrier::of_term(cluster, term)),
        }
    }
    barrier.filter(|_| rest.is_empty()).ok_or(TransferRefused("it holds no terms"))
}

impl fmt::Debug for TransferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransferKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SealedKind;
    use crate::memory::LockedKey;

    const CLUSTER: ClusterId = ClusterId([7; 16]);

    fn giving() -> Barrier {
        let barrier = Barrier::ephemeral(CLUSTER);
        barrier.insert_term(2, &LockedKey::copy_from(&[2; 32]));
        barrier
    }

    #[test]
    fn all_terms_come_over() {
        let (giving, key) = (giving(), TransferKey::generate());
        let transfer = giving.seal_for(key.public(), b"binding").unwrap();
        let taken = key.open(CLUSTER, b"binding", &transfer).unwrap();
        assert_eq!(taken.terms(), [1, 2]);
        let sealed = giving.seal(SealedKind::StateRecord, b"key", b"value");
        assert_eq!(taken.open(SealedKind::StateRecord, b"key", &sealed).unwrap().as_slice(), b"value");
    }

    #[test]
    fn only_the_key_the_cluster_and_the_binding_that_were_meant_open_it() {
        let giving = giving();
        let refused = TransferRefused("it is not authentic");
        let (key, other) = (TransferKey::generate(), TransferKey::generate());
        let transfer = giving.seal_for(key.public(), b"binding").unwrap();
        assert_eq!(other.open(CLUSTER, b"binding", &transfer).unwrap_err(), refused);
        assert_eq!(key.open(CLUSTER, b"bindinh", &transfer).unwrap_err(), refused);
        let key = TransferKey::generate();
        let transfer = giving.seal_for(key.public(), b"").unwrap();
        assert_eq!(key.open(ClusterId([8; 16]), b"", &transfer).unwrap_err(), refused);
    }

    #[test]
    fn bytes_that_were_changed_or_cut_are_refused() {
        let giving = giving();
        for at in [0, 31, 32, 40, 32 + 2 * TERM_BYTES, 32 + 2 * TERM_BYTES + TAG_BYTES - 1] {
            let key = TransferKey::generate();
            let mut transfer = giving.seal_for(key.public(), b"").unwrap();
            transfer[at] ^= 1;
            assert!(key.open(CLUSTER, b"", &transfer).is_err(), "byte {at}");
        }
        for length in [0, 31, 32, 47, 48, 100] {
            let key = TransferKey::generate();
            let transfer = giving.seal_for(key.public(), b"").unwrap();
            assert!(key.open(CLUSTER, b"", &transfer[..length]).is_err(), "length {length}");
        }
        assert!(giving.seal_for(&[0; 32], b"").is_err(), "a point of small order");
        assert!(giving.seal_for(&[9; 31], b"").is_err());
    }
}
