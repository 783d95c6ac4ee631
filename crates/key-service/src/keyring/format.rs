//! The bytes of a keyring file.
//!
//! ```text
//! "CKEYRING" | version u16 = 2 | cluster id 16
//! | wraps u8  | (provider kind u8 | id length u16 | id | wrap length u16 | wrap)*
//! | terms u16 | (number u32 | created u64 | length u16 | sealed term)*
//! | SHA-256 of all before it
//! ```
//!
//! `created` is in milliseconds since 1970; 0 stands for a term that was made when the file had version 1, which had no
//! such field. The wraps stand in the order they were added, the terms in the order of their numbers. The checksum finds
//! damage; what the file says is authenticated wrap by wrap and term by term.

use sha2::{Digest, Sha256};
use types::{ClusterId, Timestamp};

use super::{Keyring, MAX_ID_BYTES, MAX_TERMS, MAX_WRAP_BYTES, MAX_WRAPS, SealedTerm, Wrap};
use crate::bytes::{Reader, put_prefixed};
use crate::provider::{ProviderKind, ProviderName};

const MAGIC: &[u8; 8] = b"CKEYRING";
const VERSION: u16 = 2;
/// The oldest version that is read.
const FIRST_VERSION: u16 = 1;
pub(super) const CHECKSUM_BYTES: usize = 32;
const MAX_SEALED_TERM_BYTES: usize = 256;

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

impl Keyring {
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
            out.push(wrap.name.kind as u8);
            put_prefixed(&mut out, wrap.name.id.as_bytes());
            put_prefixed(&mut out, &wrap.wrapped);
        }
        let terms = u16::try_from(self.terms.len()).expect("terms are counted when they are added");
        out.extend_from_slice(&terms.to_le_bytes());
        for term in &self.terms {
            out.extend_from_slice(&term.number.to_le_bytes());
            out.extend_from_slice(&term.created_millis().to_le_bytes());
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
        let version = reader.u16().ok_or(KeyringFormatError::Checksum)?;
        if !(FIRST_VERSION..=VERSION).contains(&version) {
            return Err(KeyringFormatError::Version(version));
        }
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(KeyringFormatError::Checksum)?;
        if Sha256::digest(body).as_slice() != checksum {
            return Err(KeyringFormatError::Checksum);
        }
        let mut reader = Reader::new(body);
        reader.take(MAGIC.len() + size_of_val(&VERSION));
        let keyring = Self::decode_body(version, &mut reader)?;
        if !reader.rest().is_empty() {
            return Err(KeyringFormatError::Rule("it has bytes after its end"));
        }
        Ok(keyring)
    }

    fn decode_body(version: u16, reader: &mut Reader<'_>) -> Result<Self, KeyringFormatError> {
        const SHORT: KeyringFormatError = KeyringFormatError::Rule("it is cut short");
        let cluster = ClusterId(*reader.array().ok_or(SHORT)?);

        let wrap_count = usize::from(reader.u8().ok_or(SHORT)?);
        if !(1..=MAX_WRAPS).contains(&wrap_count) {
            return Err(KeyringFormatError::Rule("it must have 1 to 16 wraps"));
        }
        let mut wraps: Vec<Wrap> = Vec::with_capacity(wrap_count);
        for _ in 0..wrap_count {
            let wrap = Wrap::decode(reader)?;
            if wraps.iter().any(|other| other.name == wrap.name) {
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
            let created = if version == FIRST_VERSION { 0 } else { reader.u64().ok_or(SHORT)? };
            let sealed = reader.prefixed().ok_or(SHORT)?.to_vec();
            if number <= terms.last().map_or(0, |last| last.number) {
                return Err(KeyringFormatError::Rule("its terms are not in order"));
            }
            if sealed.is_empty() || sealed.len() > MAX_SEALED_TERM_BYTES {
                return Err(KeyringFormatError::Rule("a sealed term has a wrong length"));
            }
            let created = (created > 0).then(|| Timestamp::from_millis(created));
            terms.push(SealedTerm { number, created, sealed });
        }
        Ok(Self { cluster, wraps, terms })
    }
}

impl Wrap {
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
        Ok(Self { name: ProviderName { kind, id: id.to_owned() }, wrapped: wrapped.to_vec() })
    }
}

impl SealedTerm {
    fn created_millis(&self) -> u64 {
        self.created.map_or(0, Timestamp::as_millis)
    }
}
