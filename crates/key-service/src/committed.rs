//! Suite 0x01, `XC20P-HKDF-SHA256-COMMIT`: the key-committing mode of everything that wraps a key, and of values.
//!
//! ```text
//! salt = random[32]
//! prk  = HKDF-Extract(SHA-256, salt, key)
//! info = "sm/keyservice/v1" | suite u8 | length of aad u64 | SHA-256(aad)
//! encryption key 32 | nonce 24 | commitment 32 = HKDF-Expand(prk, info)
//! ct | tag = XChaCha20-Poly1305(encryption key, nonce, aad = all bytes before ct, plaintext)
//!
//! key blob   = "KS" | version u8 = 1 | suite u8 | key kind u8 | account 12 | key 16 | number u32
//!              | salt 32 | commitment 32 | ct | tag 16
//! value blob = version u8 = 1 | suite u8 | salt 32 | commitment 32 | ct | tag 16
//! ```
//!
//! A key blob names the key that sealed it. A value is the only thing under its data key, which stands beside
//! it, so its header names none.
//!
//! Why commit: for any two Poly1305 keys one ciphertext with one tag can be computed that opens under both
//! ("invisible salamanders"). The commitment is compared in constant time before the ciphertext is touched.
//! The encryption key is used once, so the nonce may come from the same derivation.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use types::AccountId;
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::memory::LockedKey;
use crate::xchacha::{self, NONCE_BYTES, TAG_BYTES};

const MAGIC: &[u8; 2] = b"KS";
const VERSION: u8 = 1;
pub(crate) const SUITE: u8 = 0x01;
const LABEL: &[u8] = b"sm/keyservice/v1";
pub(crate) const SALT_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;
const KEY_PREFIX_BYTES: usize = 2 + 1 + 1 + 1 + 12 + 16 + 4;
/// Bytes that a key blob has more than what is in it.
pub(crate) const KEY_BLOB_OVERHEAD: usize = KEY_PREFIX_BYTES + SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES;
const VALUE_PREFIX: &[u8; 2] = &[VERSION, SUITE];

/// The ciphertext was refused.
///
/// A caller of the API learns no more than that; the reason is for operators and tests and shows in `Debug` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext was refused")]
pub struct Refused(pub(crate) Cause);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Not of this form, version or suite.
    Format,
    /// Sealed under a key that is not at hand.
    OtherKey,
    /// Another key, salt or AAD.
    Commitment,
    /// The right key, but changed bytes.
    Tag,
}

/// Which sort of key sealed a key blob. The numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum KeyKind {
    /// The key of a root-key provider; wraps the root key.
    Provider = 1,
    /// The root key; wraps barrier terms.
    Root = 2,
    /// A barrier term; wraps key material.
    Term = 3,
    /// Key material; wraps data keys.
    Material = 4,
}

/// The key that sealed a blob, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealingKey {
    pub(crate) kind: KeyKind,
    /// Zero for keys that belong to no account.
    pub(crate) account: Option<AccountId>,
    /// The key's UUID, or the cluster's id for root key and terms, or zero.
    pub(crate) id: [u8; 16],
    /// The number of the material or of the term, or 0.
    pub(crate) number: u32,
}

impl SealingKey {
    fn prefix(&self) -> [u8; KEY_PREFIX_BYTES] {
        let mut out = [0; KEY_PREFIX_BYTES];
        out[..2].copy_from_slice(MAGIC);
        out[2] = VERSION;
        out[3] = SUITE;
        out[4] = self.kind as u8;
        out[5..17].copy_from_slice(&account_digits(self.account.map_or(0, AccountId::number)));
        out[17..33].copy_from_slice(&self.id);
        out[33..].copy_from_slice(&self.number.to_le_bytes());
        out
    }

    /// Reads the name of the sealing key from the front of a key blob; nothing is checked by that.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.array::<2>()? != MAGIC || reader.array::<2>()? != &[VERSION, SUITE] {
            return None;
        }
        let kind = match reader.u8()? {
            1 => KeyKind::Provider,
            2 => KeyKind::Root,
            3 => KeyKind::Term,
            4 => KeyKind::Material,
            _ => return None,
        };
        let account: AccountId = std::str::from_utf8(reader.array::<12>()?).ok()?.parse().ok()?;
        let (id, number) = (*reader.array()?, reader.u32()?);
        Some(Self { kind, account: (kind == KeyKind::Material).then_some(account), id, number })
    }
}

/// The twelve digits of an account in ASCII.
pub(crate) fn account_digits(mut number: u64) -> [u8; 12] {
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
    digits
}

/// The number that a key blob's header gives for its sealing key; nothing is checked by that.
pub(crate) fn sealing_number(blob: &[u8]) -> Result<u32, Refused> {
    let mut reader = Reader::new(blob);
    reader.take(KEY_PREFIX_BYTES - 4).ok_or(Refused(Cause::Format))?;
    reader.u32().ok_or(Refused(Cause::Format))
}

/// Wraps a 32-byte key under `key`, whose name goes into the header.
pub(crate) fn wrap_key(
    salt: &[u8; SALT_BYTES],
    by: &SealingKey,
    key: &LockedKey,
    aad: &[u8],
    wrapped: &LockedKey,
) -> Vec<u8> {
    seal(salt, &by.prefix(), key, aad, wrapped.expose_secret())
}

/// Unwraps what [`wrap_key`] wrapped under the key of the same name.
pub(crate) fn unwrap_key(by: &SealingKey, key: &LockedKey, aad: &[u8], blob: &[u8]) -> Result<LockedKey, Refused> {
    let parts = split(&by.prefix(), blob)?;
    if parts.ciphertext.len() != 32 {
        return Err(Refused(Cause::Format));
    }
    LockedKey::born(|out| open_into(&parts, key, aad, out))
}

/// Seals a few bytes under a key that many use, whose name goes into the header.
pub(crate) fn seal_blob(
    salt: &[u8; SALT_BYTES],
    by: &SealingKey,
    key: &LockedKey,
    aad: &[u8],
    plaintext: &[u8],
) -> Vec<u8> {
    seal(salt, &by.prefix(), key, aad, plaintext)
}

/// Opens what [`seal_blob`] sealed under the key of the same name.
pub(crate) fn open_blob(
    by: &SealingKey,
    key: &LockedKey,
    aad: &[u8],
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let parts = split(&by.prefix(), blob)?;
    let mut plaintext = Zeroizing::new(vec![0; parts.ciphertext.len()]);
    open_into(&parts, key, aad, &mut plaintext)?;
    Ok(plaintext)
}

/// Seals a value under its data key.
pub(crate) fn seal_value(salt: &[u8; SALT_BYTES], key: &LockedKey, aad: &[u8], value: &[u8]) -> Vec<u8> {
    seal(salt, VALUE_PREFIX, key, aad, value)
}

/// Opens what [`seal_value`] sealed.
pub(crate) fn open_value(key: &LockedKey, aad: &[u8], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let parts = split(VALUE_PREFIX, blob)?;
    let mut value = Zeroizing::new(vec![0; parts.ciphertext.len()]);
    open_into(&parts, key, aad, &mut value)?;
    Ok(value)
}

fn seal(salt: &[u8; SALT_BYTES], prefix: &[u8], key: &LockedKey, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let derived = Derived::new(key, salt, aad);
    let header_bytes = prefix.len() + SALT_BYTES + COMMITMENT_BYTES;
    let mut blob = Vec::with_capacity(header_bytes + plaintext.len() + TAG_BYTES);
    blob.extend_from_slice(prefix);
    blob.extend_from_slice(salt);
    blob.extend_from_slice(derived.commitment());
    blob.resize(header_bytes + plaintext.len(), 0);
    let (header, ciphertext) = blob.split_at_mut(header_bytes);
    let tag = xchacha::encrypt(derived.key(), derived.nonce(), header, plaintext, ciphertext);
    blob.extend_from_slice(&tag);
    blob
}

/// A blob whose prefix is the expected one.
struct Parts<'a> {
    header: &'a [u8],
    salt: &'a [u8; SALT_BYTES],
    commitment: &'a [u8; COMMITMENT_BYTES],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

fn split<'a>(prefix: &[u8], blob: &'a [u8]) -> Result<Parts<'a>, Refused> {
    let mut reader = Reader::new(blob);
    let found = reader.take(prefix.len()).ok_or(Refused(Cause::Format))?;
    if found != prefix {
        return Err(Refused(Cause::OtherKey));
    }
    let (Some(salt), Some(commitment)) = (reader.array(), reader.array()) else {
        return Err(Refused(Cause::Format));
    };
    let (ciphertext, tag) = reader.rest().split_last_chunk().ok_or(Refused(Cause::Format))?;
    let header = &blob[..prefix.len() + SALT_BYTES + COMMITMENT_BYTES];
    Ok(Parts { header, salt, commitment, ciphertext, tag })
}

fn open_into(parts: &Parts<'_>, key: &LockedKey, aad: &[u8], out: &mut [u8]) -> Result<(), Refused> {
    let derived = Derived::new(key, parts.salt, aad);
    if !bool::from(derived.commitment().ct_eq(parts.commitment)) {
        return Err(Refused(Cause::Commitment));
    }
    xchacha::decrypt(derived.key(), derived.nonce(), parts.header, parts.ciphertext, parts.tag, out)
        .map_err(|_| Refused(Cause::Tag))
}

/// `encryption key 32 | nonce 24 | commitment 32`.
struct Derived(Zeroizing<[u8; 32 + NONCE_BYTES + COMMITMENT_BYTES]>);

impl Derived {
    fn new(key: &LockedKey, salt: &[u8; SALT_BYTES], aad: &[u8]) -> Self {
        let aad_length = (aad.len() as u64).to_le_bytes();
        let aad_hash = Sha256::digest(aad);
        let extracted = Hkdf::<Sha256>::new(Some(salt), key.expose_secret());
        let mut derived = Self(Zeroizing::new([0; 32 + NONCE_BYTES + COMMITMENT_BYTES]));
        extracted
            .expand_multi_info(&[LABEL, &[SUITE], &aad_length, &aad_hash], derived.0.as_mut_slice())
            .expect("HKDF expands to 88 bytes");
        derived
    }

    fn key(&self) -> &[u8; 32] {
        self.part(0)
    }

    fn nonce(&self) -> &[u8; NONCE_BYTES] {
        self.part(32)
    }

    fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        self.part(32 + NONCE_BYTES)
    }

    fn part<const N: usize>(&self, from: usize) -> &[u8; N] {
        self.0[from..].first_chunk().expect("the part lies inside")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collision::one_ciphertext_for_two;

    const BY: SealingKey = SealingKey { kind: KeyKind::Material, account: None, id: *b"0123456789abcdef", number: 3 };
    const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

    fn key(byte: u8) -> LockedKey {
        LockedKey::copy_from(&[byte; 32])
    }

    fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    }

    #[test]
    fn every_flipped_bit_of_a_key_blob_is_refused() {
        let (key, aad) = (key(1), b"aad of the key");
        let blob = wrap_key(&SALT, &BY, &key, aad, &LockedKey::copy_from(&[9; 32]));
        assert_eq!(unwrap_key(&BY, &key, aad, &blob).unwrap().expose_secret(), &[9; 32]);
        for bit in 0..blob.len() * 8 {
            assert!(unwrap_key(&BY, &key, aad, &flipped(&blob, bit)).is_err(), "bit {bit} of the blob");
        }
        for bit in 0..aad.len() * 8 {
            let refused = unwrap_key(&BY, &key, &flipped(aad, bit), &blob).unwrap_err();
            assert_eq!(refused, Refused(Cause::Commitment), "bit {bit} of the aad");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_value_is_refused() {
        let (key, aad) = (key(1), b"aad of the value");
        let blob = seal_value(&SALT, &key, aad, b"value");
        assert_eq!(open_value(&key, aad, &blob).unwrap().as_slice(), b"value");
        for bit in 0..blob.len() * 8 {
            assert!(open_value(&key, aad, &flipped(&blob, bit)).is_err(), "bit {bit} of the blob");
        }
        for bit in 0..aad.len() * 8 {
            assert!(open_value(&key, &flipped(aad, bit), &blob).is_err(), "bit {bit} of the aad");
        }
    }

    #[test]
    fn the_commitment_refuses_before_the_tag_is_looked_at() {
        let blob = seal_value(&SALT, &key(1), b"aad", b"value");
        let opened = |key: &LockedKey, aad: &[u8], blob: &[u8]| open_value(key, aad, blob).map(drop);
        assert_eq!(opened(&key(2), b"aad", &blob), Err(Refused(Cause::Commitment)));
        assert_eq!(opened(&key(1), b"aae", &blob), Err(Refused(Cause::Commitment)));
        let salt_bit = VALUE_PREFIX.len() * 8;
        assert_eq!(opened(&key(1), b"aad", &flipped(&blob, salt_bit)), Err(Refused(Cause::Commitment)));
        let last_bit = blob.len() * 8 - 1;
        assert_eq!(opened(&key(1), b"aad", &flipped(&blob, last_bit)), Err(Refused(Cause::Tag)));
    }

    #[test]
    fn short_blobs_are_refused_at_every_length() {
        let key = key(1);
        let blob = seal_value(&SALT, &key, b"", b"value");
        let wrapped = wrap_key(&SALT, &BY, &key, b"", &key);
        for length in 0..blob.len() {
            assert!(open_value(&key, b"", &blob[..length]).is_err(), "{length} bytes of a value");
        }
        for length in 0..wrapped.len() {
            assert!(unwrap_key(&BY, &key, b"", &wrapped[..length]).is_err(), "{length} bytes of a key");
        }
    }

    #[test]
    fn a_blob_opens_only_under_the_key_that_its_header_names() {
        let key = key(1);
        let blob = wrap_key(&SALT, &BY, &key, b"", &key);
        let account = AccountId::from_number(1);
        for other in [
            SealingKey { kind: KeyKind::Term, ..BY },
            SealingKey { account, ..BY },
            SealingKey { id: *b"0123456789abcdeF", ..BY },
            SealingKey { number: 4, ..BY },
        ] {
            let refused = unwrap_key(&other, &key, b"", &blob).unwrap_err();
            assert_eq!(refused, Refused(Cause::OtherKey), "{other:?}");
        }
    }

    #[test]
    fn two_seals_of_one_value_share_nothing() {
        let key = key(1);
        let one = seal_value(&crate::random::bytes(), &key, b"", b"value");
        let other = seal_value(&crate::random::bytes(), &key, b"", b"value");
        assert_ne!(one[VALUE_PREFIX.len()..][..64], other[VALUE_PREFIX.len()..][..64]);
        assert_ne!(one[VALUE_PREFIX.len() + 64..], other[VALUE_PREFIX.len() + 64..]);
    }

    #[test]
    fn a_ciphertext_that_opens_under_two_keys_is_refused_by_the_commitment() {
        let (mine, theirs) = (key(1), key(2));
        let (derived, other) = (Derived::new(&mine, &SALT, b"aad"), Derived::new(&theirs, &SALT, b"aad"));
        let mut blob = [VALUE_PREFIX.as_slice(), &SALT, derived.commitment()].concat();
        let (ciphertext, tag) =
            one_ciphertext_for_two(&blob, (derived.key(), derived.nonce()), (other.key(), other.nonce()));

        let mut out = [0; 32];
        xchacha::decrypt(derived.key(), derived.nonce(), &blob, &ciphertext, &tag, &mut out).unwrap();
        xchacha::decrypt(other.key(), other.nonce(), &blob, &ciphertext, &tag, &mut out).unwrap();

        blob.extend_from_slice(&ciphertext);
        blob.extend_from_slice(&tag);
        open_value(&mine, b"aad", &blob).unwrap();
        assert_eq!(open_value(&theirs, b"aad", &blob).unwrap_err(), Refused(Cause::Commitment));
    }

    #[test]
    fn account_digits_are_those_of_the_account() {
        for text in ["000000000000", "000000000042", "999999999999"] {
            let account: AccountId = text.parse().unwrap();
            assert_eq!(account_digits(account.number()), *text.as_bytes());
        }
    }
}
