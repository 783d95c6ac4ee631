//! The unsealed barrier terms, and the records that they seal.
//!
//! A record is `version u8 = 1 | term u32 | nonce 24 | ciphertext | tag 16`, XChaCha20-Poly1305 under a subkey
//! of the term. Its AAD is `version | term | cluster id 16 | kind u8 | key length u32 | key`: a record opens only
//! in the cluster, as the kind and under the key that it was sealed for.
//!
//! Nonces are random: with 192 bits two are equal after some 2^96 records, so terms need no counter.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use types::{ClusterId, SecretBytes};
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::random;
use crate::xchacha::{self, NONCE_BYTES, TAG_BYTES};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + NONCE_BYTES;
const AAD_FIXED_BYTES: usize = 1 + 4 + 16 + 1 + 4;
/// AADs up to this size are built on the stack; record keys are far shorter.
const AAD_INLINE_BYTES: usize = 128;

/// What a sealed record is. The numbers stand in AADs and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SealedKind {
    /// The payload of a log entry.
    LogPayload = 1,
    /// A record of the state store.
    StateRecord = 2,
    /// A chunk of a snapshot stream.
    SnapshotChunk = 3,
    /// The head of a checkpoint.
    CheckpointHead = 4,
    /// The secret half of an access key.
    AccessKeySecret = 5,
    /// The key of the fingerprints, see [`crate::IdempotencyKey`].
    IdempotencyKey = 6,
    /// A NextToken of a listing.
    NextToken = 7,
    /// What a new cluster starts with.
    Bootstrap = 8,
    /// Key material of a customer key.
    KeyMaterial = 9,
}

/// Why a sealed record did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Fewer bytes than header and tag have.
    #[error("the sealed record is cut short")]
    TooShort,
    /// A format that this build does not know.
    #[error("the sealed record has unknown format version {0}")]
    UnknownVersion(u8),
    /// Sealed under a term that this keyring does not hold.
    #[error("the sealed record names barrier term {0}, which the keyring does not hold")]
    UnknownTerm(u32),
    /// Changed, or sealed for another cluster, kind or key.
    #[error("the sealed record is not authentic in this place")]
    NotAuthentic,
    /// Authentic, but not of the form that its kind has.
    #[error("the sealed record does not have the form of its kind")]
    Malformed,
}

/// One term with its subkeys; the term's own key is not kept.
struct Term {
    number: u32,
    records: SecretBytes,
    keys: SecretBytes,
}

/// The unsealed barrier of a node: every term that can be read, the newest of which seals.
///
/// It is shared behind an `Arc`; dropping the last one zeroizes the terms.
pub struct Barrier {
    cluster: ClusterId,
    /// In the order of their numbers, never empty.
    terms: Vec<Term>,
    active: usize,
}

impl Barrier {
    /// A barrier of one new term that is written nowhere: what it seals is lost with it. For tests.
    pub fn ephemeral(cluster: ClusterId) -> Self {
        Self::from_first_term(cluster, 1, &random::key())
    }

    pub(crate) fn from_first_term(cluster: ClusterId, number: u32, key: &SecretBytes) -> Self {
        Self { cluster, terms: vec![Term::new(number, key)], active: 0 }
    }

    /// Adds a term, which becomes the active one if its number is the highest.
    pub(crate) fn insert_term(&mut self, number: u32, key: &SecretBytes) {
        let place = self.terms.partition_point(|term| term.number < number);
        self.terms.insert(place, Term::new(number, key));
        self.active = self.terms.len() - 1;
    }

    /// The cluster that every record is bound to.
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The number of the term that new records are sealed under.
    pub fn active_term(&self) -> u32 {
        self.terms[self.active].number
    }

    /// Seals `plaintext` as a record of `kind` under `key`.
    ///
    /// # Panics
    /// When the operating system has no randomness, or `key` has 4 GiB.
    pub fn seal(&self, kind: SealedKind, key: &[u8], plaintext: &[u8]) -> Vec<u8> {
        self.seal_with(&random::bytes(), kind, key, plaintext)
    }

    pub(crate) fn seal_with(
        &self,
        nonce: &[u8; NONCE_BYTES],
        kind: SealedKind,
        key: &[u8],
        plaintext: &[u8],
    ) -> Vec<u8> {
        let term = &self.terms[self.active];
        let mut sealed = Vec::with_capacity(HEADER_BYTES + plaintext.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&term.number.to_le_bytes());
        sealed.extend_from_slice(nonce);
        sealed.resize(HEADER_BYTES + plaintext.len(), 0);
        let tag = self.with_aad(term.number, kind, key, |aad| {
            xchacha::encrypt(term.records.expose_secret(), nonce, aad, plaintext, &mut sealed[HEADER_BYTES..])
        });
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Opens a record that was sealed as `kind` under `key` in this cluster.
    ///
    /// # Errors
    /// [`OpenError`]; no other term than the named one is tried.
    pub fn open(&self, kind: SealedKind, key: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut reader = Reader::new(sealed);
        match reader.u8().ok_or(OpenError::TooShort)? {
            VERSION => {}
            other => return Err(OpenError::UnknownVersion(other)),
        }
        let number = reader.u32().ok_or(OpenError::TooShort)?;
        let nonce = reader.array::<NONCE_BYTES>().ok_or(OpenError::TooShort)?;
        let (ciphertext, tag) = reader.rest().split_last_chunk::<TAG_BYTES>().ok_or(OpenError::TooShort)?;
        let term = self.term(number).ok_or(OpenError::UnknownTerm(number))?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        self.with_aad(number, kind, key, |aad| {
            xchacha::decrypt(term.records.expose_secret(), nonce, aad, ciphertext, tag, &mut plaintext)
        })
        .map_err(|_| OpenError::NotAuthentic)?;
        Ok(plaintext)
    }

    /// The key of the active term under which keys are sealed, with the term's number.
    pub(crate) fn active_key_sealing_key(&self) -> (u32, &SecretBytes) {
        let term = &self.terms[self.active];
        (term.number, &term.keys)
    }

    /// The key of a term under which keys are sealed.
    pub(crate) fn key_sealing_key(&self, term: u32) -> Option<&SecretBytes> {
        self.term(term).map(|term| &term.keys)
    }

    fn term(&self, number: u32) -> Option<&Term> {
        let place = self.terms.binary_search_by_key(&number, |term| term.number).ok()?;
        self.terms.get(place)
    }

    fn with_aad<R>(&self, term: u32, kind: SealedKind, key: &[u8], use_aad: impl FnOnce(&[u8]) -> R) -> R {
        let key_length = u32::try_from(key.len()).expect("a record key has less than 4 GiB");
        let mut fixed = [0; AAD_FIXED_BYTES];
        fixed[0] = VERSION;
        fixed[1..5].copy_from_slice(&term.to_le_bytes());
        fixed[5..21].copy_from_slice(&self.cluster.0);
        fixed[21] = kind as u8;
        fixed[22..].copy_from_slice(&key_length.to_le_bytes());
        if AAD_FIXED_BYTES + key.len() > AAD_INLINE_BYTES {
            return use_aad(&[&fixed, key].concat());
        }
        let mut aad = [0; AAD_INLINE_BYTES];
        aad[..AAD_FIXED_BYTES].copy_from_slice(&fixed);
        aad[AAD_FIXED_BYTES..AAD_FIXED_BYTES + key.len()].copy_from_slice(key);
        use_aad(&aad[..AAD_FIXED_BYTES + key.len()])
    }
}

impl Term {
    fn new(number: u32, key: &SecretBytes) -> Self {
        Self {
            number,
            records: subkey(key, b"conclave/barrier/records/v1"),
            keys: subkey(key, b"conclave/barrier/keys/v1"),
        }
    }
}

fn subkey(key: &SecretBytes, label: &[u8]) -> SecretBytes {
    let term = Hkdf::<Sha256>::from_prk(key.expose_secret()).expect("32 bytes are a pseudorandom key");
    SecretBytes::born(|out| term.expand(label, out)).expect("HKDF expands to 32 bytes")
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<u32> = self.terms.iter().map(|term| term.number).collect();
        f.debug_struct("Barrier").field("cluster", &format_args!("{}", self.cluster)).field("terms", &terms).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{self, Golden};

    const KINDS: [SealedKind; 9] = [
        SealedKind::LogPayload,
        SealedKind::StateRecord,
        SealedKind::SnapshotChunk,
        SealedKind::CheckpointHead,
        SealedKind::AccessKeySecret,
        SealedKind::IdempotencyKey,
        SealedKind::NextToken,
        SealedKind::Bootstrap,
        SealedKind::KeyMaterial,
    ];

    fn barrier() -> Barrier {
        Barrier::ephemeral(golden::CLUSTER)
    }

    #[test]
    fn records_are_the_recorded_ones() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/barrier.txt"));
        let term = SecretBytes::copy_from(golden.array("term"));
        let barrier = Barrier::from_first_term(golden::CLUSTER, 7, &term);
        let (key, plaintext) = (golden.bytes("key"), golden.bytes("plaintext"));
        golden.check("record", &barrier.seal_with(golden.array("nonce"), SealedKind::StateRecord, key, plaintext));
        let opened = barrier.open(SealedKind::StateRecord, key, golden.bytes("record")).unwrap();
        assert_eq!(opened.as_slice(), plaintext);
    }

    #[test]
    fn numbers_of_kinds_are_stable() {
        assert_eq!(KINDS.map(|kind| kind as u8), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn records_of_all_sizes_open() {
        let barrier = barrier();
        for (key_bytes, bytes) in [(0, 0), (1, 1), (101, 63), (102, 64), (103, 65), (5_000, 300_000)] {
            let (key, plaintext) = (vec![3; key_bytes], vec![5; bytes]);
            let sealed = barrier.seal(SealedKind::LogPayload, &key, &plaintext);
            assert_eq!(sealed.len(), sealed.capacity());
            assert_eq!(barrier.open(SealedKind::LogPayload, &key, &sealed).unwrap().as_slice(), plaintext);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let barrier = barrier();
        let sealed = barrier.seal(SealedKind::StateRecord, b"key", b"plaintext");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = barrier.open(SealedKind::StateRecord, b"key", &changed).unwrap_err();
            let fits = match bit / 8 {
                0 => matches!(refused, OpenError::UnknownVersion(_)),
                1..=4 => matches!(refused, OpenError::UnknownTerm(_)),
                _ => refused == OpenError::NotAuthentic,
            };
            assert!(fits, "bit {bit}: {refused}");
        }
    }

    #[test]
    fn records_cannot_be_swapped_between_kinds_keys_and_clusters() {
        let term = SecretBytes::copy_from(&[1; 32]);
        let barrier = Barrier::from_first_term(ClusterId([1; 16]), 1, &term);
        let other_cluster = Barrier::from_first_term(ClusterId([2; 16]), 1, &term);
        for kind in KINDS {
            let sealed = barrier.seal(kind, b"key", b"plaintext");
            for other in KINDS {
                assert_eq!(barrier.open(other, b"key", &sealed).is_ok(), other == kind);
            }
            for key in [b"".as_slice(), b"kez", b"key\0", b"ke"] {
                assert_eq!(barrier.open(kind, key, &sealed), Err(OpenError::NotAuthentic));
            }
            assert_eq!(other_cluster.open(kind, b"key", &sealed), Err(OpenError::NotAuthentic));
        }
    }

    #[test]
    fn a_short_record_is_named_as_such() {
        let barrier = barrier();
        let sealed = barrier.seal(SealedKind::NextToken, b"", b"");
        for length in 0..sealed.len() {
            assert_eq!(barrier.open(SealedKind::NextToken, b"", &sealed[..length]), Err(OpenError::TooShort));
        }
    }

    #[test]
    fn old_terms_open_and_the_newest_seals() {
        let mut barrier = Barrier::from_first_term(golden::CLUSTER, 2, &SecretBytes::copy_from(&[2; 32]));
        let old = barrier.seal(SealedKind::LogPayload, b"", b"old");
        barrier.insert_term(5, &SecretBytes::copy_from(&[5; 32]));
        barrier.insert_term(1, &SecretBytes::copy_from(&[1; 32]));
        assert_eq!(barrier.active_term(), 5);
        assert_eq!(barrier.open(SealedKind::LogPayload, b"", &old).unwrap().as_slice(), b"old");
        let new = barrier.seal(SealedKind::LogPayload, b"", b"new");
        assert_eq!(new[1..5], 5u32.to_le_bytes());
        let only_old = Barrier::from_first_term(golden::CLUSTER, 2, &SecretBytes::copy_from(&[2; 32]));
        assert_eq!(only_old.open(SealedKind::LogPayload, b"", &new), Err(OpenError::UnknownTerm(5)));
    }

    #[test]
    fn barriers_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Barrier>();
    }

    #[test]
    fn debug_prints_cluster_and_terms_only() {
        let printed = format!("{:?}", Barrier::ephemeral(ClusterId([0; 16])));
        assert_eq!(printed, "Barrier { cluster: 00000000-0000-0000-0000-000000000000, terms: [1] }");
    }
}
