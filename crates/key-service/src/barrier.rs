//! The unsealed barrier terms, and the records that they seal.
//!
//! A record is `version u8 = 1 | term u32 | nonce 24 | ciphertext | tag 16`, XChaCha20-Poly1305 under a subkey
//! of the term. Its AAD is `version | term | cluster id 16 | kind u8 | key length u32 | key`: a record opens only
//! in the cluster, as the kind and under the key that it was sealed for.
//!
//! Nonces are random: with 192 bits two are equal after some 2^96 records, so terms need no counter.
//!
//! A term reaches nodes that run as a *successor*: `number u32 | record`, the record's plaintext being the term's two
//! subkeys, sealed under the term before it as [`SealedKind::BarrierTerm`] under the number. Whoever holds one term so
//! climbs to the newest; only a start needs the root key.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hkdf::Hkdf;
use sha2::Sha256;
use types::ClusterId;
use zeroize::Zeroizing;

use crate::bytes::{Reader, put_prefixed};
use crate::memory::LockedKey;
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
    /// The subkeys of a newer barrier term.
    BarrierTerm = 10,
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

/// Bytes of the two subkeys of a term, one after the other.
pub(crate) const SUBKEYS_BYTES: usize = 64;

/// One term with its subkeys; the term's own key is not kept.
pub(crate) struct Term {
    pub(crate) number: u32,
    records: LockedKey,
    pub(crate) keys: LockedKey,
    /// Records that this process has sealed under it.
    sealed: AtomicU64,
}

/// The unsealed barrier of a node: every term that can be read, the newest of which seals.
///
/// It is shared behind an `Arc` and takes new terms while it is in use; dropping the last one zeroizes the terms.
pub struct Barrier {
    cluster: ClusterId,
    /// In the order of their numbers, never empty; replaced as a whole.
    terms: ArcSwap<Vec<Arc<Term>>>,
}

impl Barrier {
    /// A barrier of one new term that is written nowhere: what it seals is lost with it. For tests.
    pub fn ephemeral(cluster: ClusterId) -> Self {
        Self::from_first_term(cluster, 1, &random::key())
    }

    pub(crate) fn from_first_term(cluster: ClusterId, number: u32, key: &LockedKey) -> Self {
        Self::of_term(cluster, Term::new(number, key))
    }

    pub(crate) fn of_term(cluster: ClusterId, term: Term) -> Self {
        Self { cluster, terms: ArcSwap::from_pointee(vec![Arc::new(term)]) }
    }

    /// Adds a term, which seals from now on if its number is the highest.
    pub(crate) fn insert_term(&self, number: u32, key: &LockedKey) {
        self.insert(Arc::new(Term::new(number, key)));
    }

    /// Adds a term; one that is there already stays as it is.
    pub(crate) fn insert(&self, term: Arc<Term>) {
        self.terms.rcu(|terms| {
            let mut terms = Vec::clone(terms);
            if let Err(place) = terms.binary_search_by_key(&term.number, |held| held.number) {
                terms.insert(place, term.clone());
            }
            terms
        });
    }

    /// The cluster that every record is bound to.
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The number of the term that new records are sealed under.
    pub fn active_term(&self) -> u32 {
        self.active().number
    }

    /// The numbers of the terms, in order.
    pub fn terms(&self) -> Vec<u32> {
        self.terms.load().iter().map(|term| term.number).collect()
    }

    /// How many records this process has sealed under the active term; see [`crate::TermBounds`].
    pub fn sealed_by_active_term(&self) -> u64 {
        self.active().sealed.load(Ordering::Relaxed)
    }

    /// The newest term of `newer`, for those that hold the newest of this barrier; `None` when that is not older.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn seal_successor(&self, newer: &Self) -> Option<Vec<u8>> {
        let (under, new) = (self.active(), newer.active());
        if new.number <= under.number {
            return None;
        }
        let number = new.number.to_le_bytes();
        let record =
            self.seal_under(&under, &random::bytes(), SealedKind::BarrierTerm, &number, new.subkeys().as_slice());
        Some([number.as_slice(), &record].concat())
    }

    /// Takes what [`Self::seal_successor`] made into use, if this barrier does not hold the term already; its number.
    ///
    /// # Correctness
    /// The term seals from now on, so the keyring that holds it must be on disk before.
    ///
    /// # Errors
    /// [`OpenError`], of which [`OpenError::UnknownTerm`] means that the term before it is not here.
    pub fn admit_successor(&self, successor: &[u8]) -> Result<u32, OpenError> {
        let (number, record) = successor.split_first_chunk::<4>().ok_or(OpenError::TooShort)?;
        let term = u32::from_le_bytes(*number);
        if self.term(term).is_some() {
            return Ok(term);
        }
        let subkeys = self.open(SealedKind::BarrierTerm, number, record)?;
        let subkeys = subkeys.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
        self.insert(Arc::new(Term::from_subkeys(term, subkeys)));
        Ok(term)
    }

    /// Takes every term of `other` that is not here.
    ///
    /// # Correctness
    /// As with [`Self::admit_successor`], the keyring that holds them must be on disk before.
    pub fn adopt(&self, other: &Self) {
        for term in other.held().iter() {
            self.insert(term.clone());
        }
    }

    /// Whether a chain leads to a term that is not here.
    ///
    /// # Errors
    /// [`OpenError::Malformed`] for bytes that are no chain.
    pub fn lacks(&self, chain: &[u8]) -> Result<bool, OpenError> {
        let Some(last) = successors(chain)?.pop() else { return Ok(false) };
        let number = last.first_chunk::<4>().ok_or(OpenError::TooShort)?;
        Ok(self.term(u32::from_le_bytes(*number)).is_none())
    }

    /// Takes the terms of a chain of successors, oldest first: `(length u16 | successor)*`.
    ///
    /// # Correctness
    /// As with [`Self::admit_successor`].
    ///
    /// # Errors
    /// [`OpenError`], of which [`OpenError::UnknownTerm`] means that not even the chain's first term is here.
    pub fn admit_chain(&self, chain: &[u8]) -> Result<(), OpenError> {
        for successor in successors(chain)? {
            self.admit_successor(successor)?;
        }
        Ok(())
    }

    /// The chain with the newest term of `newer` at its end, if that is newer than those here.
    ///
    /// # Panics
    /// As [`Self::seal_successor`].
    pub fn extend_chain(&self, chain: &[u8], newer: &Self) -> Vec<u8> {
        let mut chain = chain.to_vec();
        if let Some(successor) = self.seal_successor(newer) {
            put_prefixed(&mut chain, &successor);
        }
        chain
    }

    pub(crate) fn held(&self) -> Arc<Vec<Arc<Term>>> {
        self.terms.load_full()
    }

    fn active(&self) -> Arc<Term> {
        self.terms.load().last().expect("a barrier has a term").clone()
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
        self.seal_under(&self.active(), nonce, kind, key, plaintext)
    }

    fn seal_under(
        &self,
        term: &Term,
        nonce: &[u8; NONCE_BYTES],
        kind: SealedKind,
        key: &[u8],
        plaintext: &[u8],
    ) -> Vec<u8> {
        term.sealed.fetch_add(1, Ordering::Relaxed);
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

    /// The term under which keys are sealed from now on.
    pub(crate) fn active_key_sealing_term(&self) -> Arc<Term> {
        self.active()
    }

    /// A term under which keys were sealed.
    pub(crate) fn term(&self, number: u32) -> Option<Arc<Term>> {
        let terms = self.terms.load();
        let place = terms.binary_search_by_key(&number, |term| term.number).ok()?;
        terms.get(place).cloned()
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

fn successors(chain: &[u8]) -> Result<Vec<&[u8]>, OpenError> {
    let (mut reader, mut found, mut read) = (Reader::new(chain), Vec::new(), 0);
    while read < chain.len() {
        let successor = reader.prefixed().ok_or(OpenError::Malformed)?;
        read += 2 + successor.len();
        found.push(successor);
    }
    Ok(found)
}

impl Term {
    fn new(number: u32, key: &LockedKey) -> Self {
        Self {
            number,
            records: subkey(key, b"conclave/barrier/records/v1"),
            keys: subkey(key, b"conclave/barrier/keys/v1"),
            sealed: AtomicU64::new(0),
        }
    }

    /// Takes what [`Self::subkeys`] gave.
    pub(crate) fn from_subkeys(number: u32, subkeys: &[u8; SUBKEYS_BYTES]) -> Self {
        let (records, keys) = subkeys.split_at(SUBKEYS_BYTES / 2);
        let copy = |half: &[u8]| {
            LockedKey::born(|key| {
                key.copy_from_slice(half);
                Ok::<(), Infallible>(())
            })
        };
        let (Ok(records), Ok(keys)) = (copy(records), copy(keys));
        Self { number, records, keys, sealed: AtomicU64::new(0) }
    }

    pub(crate) fn subkeys(&self) -> Box<Zeroizing<[u8; SUBKEYS_BYTES]>> {
        let mut subkeys = Box::new(Zeroizing::new([0; SUBKEYS_BYTES]));
        let (records, keys) = subkeys.split_at_mut(SUBKEYS_BYTES / 2);
        records.copy_from_slice(self.records.expose_secret());
        keys.copy_from_slice(self.keys.expose_secret());
        subkeys
    }
}

fn subkey(key: &LockedKey, label: &[u8]) -> LockedKey {
    let term = Hkdf::<Sha256>::from_prk(key.expose_secret()).expect("32 bytes are a pseudorandom key");
    LockedKey::born(|out| term.expand(label, out)).expect("HKDF expands to 32 bytes")
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = self.terms();
        f.debug_struct("Barrier").field("cluster", &format_args!("{}", self.cluster)).field("terms", &terms).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{self, Golden};

    const KINDS: [SealedKind; 10] = [
        SealedKind::LogPayload,
        SealedKind::StateRecord,
        SealedKind::SnapshotChunk,
        SealedKind::CheckpointHead,
        SealedKind::AccessKeySecret,
        SealedKind::IdempotencyKey,
        SealedKind::NextToken,
        SealedKind::Bootstrap,
        SealedKind::KeyMaterial,
        SealedKind::BarrierTerm,
    ];

    fn barrier() -> Barrier {
        Barrier::ephemeral(golden::CLUSTER)
    }

    #[test]
    fn records_are_the_recorded_ones() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/barrier.txt"));
        let term = LockedKey::copy_from(golden.array("term"));
        let barrier = Barrier::from_first_term(golden::CLUSTER, 7, &term);
        let (key, plaintext) = (golden.bytes("key"), golden.bytes("plaintext"));
        golden.check("record", &barrier.seal_with(golden.array("nonce"), SealedKind::StateRecord, key, plaintext));
        let opened = barrier.open(SealedKind::StateRecord, key, golden.bytes("record")).unwrap();
        assert_eq!(opened.as_slice(), plaintext);
    }

    #[test]
    fn numbers_of_kinds_are_stable() {
        assert_eq!(KINDS.map(|kind| kind as u8), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
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
        let term = LockedKey::copy_from(&[1; 32]);
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
    fn records_are_counted_by_term() {
        let barrier = barrier();
        for count in 0..3 {
            assert_eq!(barrier.sealed_by_active_term(), count);
            barrier.seal(SealedKind::LogPayload, b"", b"text");
        }
        barrier.insert_term(2, &LockedKey::copy_from(&[2; 32]));
        assert_eq!(barrier.sealed_by_active_term(), 0);
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
        let barrier = Barrier::from_first_term(golden::CLUSTER, 2, &LockedKey::copy_from(&[2; 32]));
        let old = barrier.seal(SealedKind::LogPayload, b"", b"old");
        barrier.insert_term(5, &LockedKey::copy_from(&[5; 32]));
        barrier.insert_term(1, &LockedKey::copy_from(&[1; 32]));
        assert_eq!(barrier.active_term(), 5);
        assert_eq!(barrier.open(SealedKind::LogPayload, b"", &old).unwrap().as_slice(), b"old");
        let new = barrier.seal(SealedKind::LogPayload, b"", b"new");
        assert_eq!(new[1..5], 5u32.to_le_bytes());
        let only_old = Barrier::from_first_term(golden::CLUSTER, 2, &LockedKey::copy_from(&[2; 32]));
        assert_eq!(only_old.open(SealedKind::LogPayload, b"", &new), Err(OpenError::UnknownTerm(5)));
    }

    #[test]
    fn a_successor_is_taken_by_those_that_hold_the_term_before_it_and_by_nobody_else() {
        let old = || Barrier::from_first_term(golden::CLUSTER, 1, &LockedKey::copy_from(&[1; 32]));
        let (first, second, third) = (old(), old(), old());
        second.insert_term(2, &LockedKey::copy_from(&[2; 32]));
        third.insert_term(2, &LockedKey::copy_from(&[2; 32]));
        third.insert_term(3, &LockedKey::copy_from(&[3; 32]));
        let (to_second, to_third) = (first.seal_successor(&second).unwrap(), second.seal_successor(&third).unwrap());
        assert_eq!(second.seal_successor(&first), None);

        assert_eq!(first.admit_successor(&to_third), Err(OpenError::UnknownTerm(2)));
        assert_eq!((first.admit_successor(&to_second), first.admit_successor(&to_third)), (Ok(2), Ok(3)));
        assert_eq!(first.admit_successor(&to_third), Ok(3));
        assert_eq!(first.terms(), [1, 2, 3]);
        let sealed = third.seal(SealedKind::LogPayload, b"", b"new");
        assert_eq!(first.open(SealedKind::LogPayload, b"", &sealed).unwrap().as_slice(), b"new");
        assert_eq!(first.seal(SealedKind::LogPayload, b"", b"")[1..5], 3u32.to_le_bytes());

        let chain = second.extend_chain(&old().extend_chain(b"", &second), &third);
        assert_eq!(third.extend_chain(&chain, &third), chain);
        let climber = old();
        assert_eq!((climber.lacks(&chain), climber.lacks(b"")), (Ok(true), Ok(false)));
        climber.admit_chain(&chain).unwrap();
        assert_eq!((climber.terms(), climber.lacks(&chain)), (vec![1, 2, 3], Ok(false)));
        assert_eq!(climber.admit_chain(&chain[1..]), Err(OpenError::Malformed));

        let stranger = Barrier::ephemeral(golden::CLUSTER);
        assert_eq!(stranger.admit_successor(&to_second), Err(OpenError::NotAuthentic));
        let mut renumbered = to_second;
        renumbered[0] = 4;
        assert_eq!(old().admit_successor(&renumbered), Err(OpenError::NotAuthentic));
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
