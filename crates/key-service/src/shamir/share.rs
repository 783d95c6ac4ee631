//! A share, and how it stands on paper.
//!
//! `"CKS"` and 80 characters of Crockford's base32 (no I, L, O and U), in groups of five. They stand for 50 bytes:
//!
//! ```text
//! version u8 = 1 | set 8 | threshold u8 | count u8 | index u8 | share 32 | first 6 bytes of SHA-256 of all before
//! ```
//!
//! Case, spaces and hyphens do not count, and O is read as 0, I and L as 1.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{MAX_SHARES, MIN_THRESHOLD};
use crate::memory::{KEY_BYTES, LockedKey};

/// Bytes of a set's id.
pub const SET_BYTES: usize = 8;
const VERSION: u8 = 1;
const PREFIX: &[u8; 3] = b"CKS";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 5;
const BODY_BYTES: usize = 1 + SET_BYTES + 3 + KEY_BYTES;
const CHECKSUM_BYTES: usize = 6;
const BYTES: usize = BODY_BYTES + CHECKSUM_BYTES;
const CHARACTERS: usize = BYTES * 8 / 5;
/// Bytes of a text that is looked at: a share with a separator behind each character, and more.
const MAX_TEXT_BYTES: usize = 512;
const PROVIDER_PREFIX: &str = "shamir-";

/// The id of a set of shares that were dealt together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShareSet(pub(crate) [u8; SET_BYTES]);

impl ShareSet {
    /// Reads the set of a Shamir provider from its id.
    pub fn of_provider_id(id: &str) -> Option<Self> {
        let mut set = [0; SET_BYTES];
        hex::decode_to_slice(id.strip_prefix(PROVIDER_PREFIX)?, &mut set).ok()?;
        Some(Self(set))
    }

    pub(crate) fn provider_id(self) -> String {
        format!("{PROVIDER_PREFIX}{self}")
    }
}

impl fmt::Display for ShareSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// What is wrong with a text that should be a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFormatError {
    /// Another text.
    #[error("does not begin with CKS, as shares do")]
    Prefix,
    /// A character that no share has.
    #[error("has a character that no share has, after {0} right ones")]
    Character(usize),
    /// Too many or too few characters.
    #[error("has {found} letters and digits after CKS, and a share has {CHARACTERS}")]
    Length {
        /// How many there are; no more than a few hundred are counted.
        found: usize,
    },
    /// One or more characters are other ones.
    #[error("is mistyped: its checksum does not fit")]
    Checksum,
    /// A share of a later format.
    #[error("has unknown format version {0}")]
    Version(u8),
    /// Right by its checksum, and not of any set.
    #[error("has numbers that no share has")]
    Numbers,
}

/// One share of a key. It prints its index and set only.
pub struct Share {
    pub(super) set: ShareSet,
    pub(super) threshold: u8,
    pub(super) count: u8,
    pub(super) index: u8,
    pub(super) secret: LockedKey,
}

impl Share {
    /// The set that it was dealt in.
    pub const fn set(&self) -> ShareSet {
        self.set
    }

    /// How many shares of the set are needed.
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many shares the set has.
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Which share of the set it is, from 1.
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// The share as it is printed, once, for the one who keeps it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = self.encode();
        // Sized beforehand, so that no part of it is left behind in a smaller allocation.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + CHARACTERS + CHARACTERS / GROUP));
        text.extend(PREFIX.iter().copied().map(char::from));
        for five in bytes.chunks_exact(5) {
            let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in 0..8 {
                if (text.len() - PREFIX.len()).is_multiple_of(GROUP + 1) {
                    text.push('-');
                }
                let five_bits = bits >> (35 - 5 * place) & 31;
                text.push(char::from(*ALPHABET.get(usize::try_from(five_bits).unwrap_or(0)).unwrap_or(&b'0')));
            }
        }
        text
    }

    /// Reads a share that somebody typed.
    ///
    /// # Errors
    /// [`ShareFormatError`].
    pub fn parse(text: &str) -> Result<Self, ShareFormatError> {
        let text = text.as_bytes().get(..MAX_TEXT_BYTES).unwrap_or(text.as_bytes());
        let mut typed = text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'-');
        if PREFIX.iter().any(|wanted| typed.next().map(u8::to_ascii_uppercase) != Some(*wanted)) {
            return Err(ShareFormatError::Prefix);
        }
        let mut digits = Zeroizing::new(Vec::with_capacity(MAX_TEXT_BYTES));
        for byte in typed {
            let digit = digit(*byte).ok_or(ShareFormatError::Character(digits.len()))?;
            digits.push(digit);
        }
        if digits.len() != CHARACTERS {
            return Err(ShareFormatError::Length { found: digits.len() });
        }
        let mut bytes = Zeroizing::new([0; BYTES]);
        for (five, eight) in bytes.chunks_exact_mut(5).zip(digits.chunks_exact(8)) {
            let bits = eight.iter().fold(0u64, |bits, digit| bits << 5 | u64::from(*digit));
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Self::decode(&bytes)
    }

    /// A second one of the same share, for the two who need one when a set is dealt.
    pub(super) fn duplicate(&self) -> Self {
        Self { secret: LockedKey::copy_from(self.secret.expose_secret()), ..*self }
    }

    #[cfg(test)]
    pub(crate) fn forged(&self) -> Self {
        Self { secret: LockedKey::copy_from(&[7; KEY_BYTES]), ..*self }
    }

    fn encode(&self) -> Zeroizing<[u8; BYTES]> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        bytes[0] = VERSION;
        bytes[1..1 + SET_BYTES].copy_from_slice(&self.set.0);
        bytes[1 + SET_BYTES..4 + SET_BYTES].copy_from_slice(&[self.threshold, self.count, self.index]);
        bytes[4 + SET_BYTES..BODY_BYTES].copy_from_slice(self.secret.expose_secret());
        let checksum = checksum(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&checksum);
        bytes
    }

    fn decode(bytes: &[u8; BYTES]) -> Result<Self, ShareFormatError> {
        let (body, given) = bytes.split_at(BODY_BYTES);
        if checksum(body) != given {
            return Err(ShareFormatError::Checksum);
        }
        if body[0] != VERSION {
            return Err(ShareFormatError::Version(body[0]));
        }
        let set = ShareSet(*body[1..].first_chunk().expect("a body has a set"));
        let [threshold, count, index] = *body[1 + SET_BYTES..].first_chunk().expect("a body has numbers");
        let may_be = (MIN_THRESHOLD..=count).contains(&threshold) && (1..=count).contains(&index);
        if !may_be || count > MAX_SHARES {
            return Err(ShareFormatError::Numbers);
        }
        let secret = LockedKey::copy_from(body[4 + SET_BYTES..].first_chunk().expect("a body has a share"));
        Ok(Self { set, threshold, count, index, secret })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of set {})", self.index, self.set)
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    *Sha256::digest(body).first_chunk().expect("a hash has 32 bytes")
}

/// The value of a character.
fn digit(byte: u8) -> Option<u8> {
    let upper = match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.iter().position(|letter| *letter == upper).and_then(|place| u8::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(secret: u8) -> Share {
        Share {
            set: ShareSet(*b"golden-1"),
            threshold: 3,
            count: 5,
            index: 2,
            secret: LockedKey::copy_from(&[secret; KEY_BYTES]),
        }
    }

    fn is_same(one: &Share, other: &Share) -> bool {
        one.encode().as_slice() == other.encode().as_slice()
    }

    #[test]
    fn a_printed_share_is_the_recorded_one() {
        let golden = include_str!("../../../../tests/golden/key-service/share.txt");
        let recorded = golden.lines().find(|line| !line.starts_with('#')).unwrap();
        assert_eq!(share(0x5a).to_text().as_str(), recorded);
        assert!(is_same(&Share::parse(recorded).unwrap(), &share(0x5a)));
    }

    #[test]
    fn case_and_separators_do_not_count() {
        let printed = share(0xa7).to_text();
        let typed = printed.replace('-', " ").to_lowercase().replace('0', "o").replace('1', "l");
        assert!(is_same(&Share::parse(&typed).unwrap(), &share(0xa7)));
        assert!(is_same(&Share::parse(&format!("  {}\n", printed.replace('-', ""))).unwrap(), &share(0xa7)));
    }

    #[test]
    fn every_single_wrong_character_is_noticed() {
        let printed = share(0x3c).to_text();
        for place in PREFIX.len()..printed.len() {
            let right = printed.as_bytes()[place];
            if right == b'-' {
                continue;
            }
            for wrong in ALPHABET.iter().filter(|wrong| **wrong != right) {
                let mut typed = printed.as_bytes().to_vec();
                typed[place] = *wrong;
                let typed = String::from_utf8(typed).unwrap();
                assert_eq!(Share::parse(&typed).unwrap_err(), ShareFormatError::Checksum, "place {place}");
            }
        }
    }

    #[test]
    fn neighbours_that_change_places_are_noticed() {
        let printed: Vec<u8> = share(0x3c).to_text().bytes().filter(|byte| *byte != b'-').collect();
        for place in PREFIX.len()..printed.len() - 1 {
            let mut typed = printed.clone();
            typed.swap(place, place + 1);
            let parsed = Share::parse(std::str::from_utf8(&typed).unwrap());
            assert_eq!(parsed.is_ok(), typed == printed, "place {place}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let printed = share(1).to_text();
        let error = |text: &str| Share::parse(text).unwrap_err();
        assert_eq!(error(""), ShareFormatError::Prefix);
        assert_eq!(error(&printed[1..]), ShareFormatError::Prefix);
        assert_eq!(error(&printed[..printed.len() - 1]), ShareFormatError::Length { found: 79 });
        assert_eq!(error(&format!("{}0", printed.as_str())), ShareFormatError::Length { found: 81 });
        assert_eq!(error("CKS-01U"), ShareFormatError::Character(2));
        assert_eq!(error("CKS-0é"), ShareFormatError::Character(1));
        assert_eq!(error(&format!("CKS{}", "0".repeat(100_000))), ShareFormatError::Length { found: 509 });
        for index in [0, 6] {
            assert_eq!(error(&Share { index, ..share(1) }.to_text()), ShareFormatError::Numbers);
        }
        assert_eq!(error(&Share { threshold: 1, ..share(1) }.to_text()), ShareFormatError::Numbers);
        assert_eq!(error(&Share { count: 33, ..share(1) }.to_text()), ShareFormatError::Numbers);
    }

    #[test]
    fn the_id_of_a_provider_names_the_set() {
        let set = share(1).set;
        assert_eq!(ShareSet::of_provider_id(&set.provider_id()), Some(set));
        assert_eq!(ShareSet::of_provider_id("shamir-00"), None);
        assert_eq!(ShareSet::of_provider_id("keyfile-0011223344556677"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail(text in "\\PC{0,200}") {
            let _ = Share::parse(&text);
        }

        #[test]
        fn texts_like_shares_make_no_share_by_chance(text in "CKS(-[0-9A-HJKMNP-TV-Z]{5}){16}") {
            prop_assert!(Share::parse(&text).is_err());
        }

        #[test]
        fn every_share_comes_back(
            secret in any::<[u8; 32]>(), set in any::<[u8; 8]>(), threshold in 2..=32u8, more in 0..=30u8, index in 1..=32u8
        ) {
            let count = (threshold + more).min(32);
            let index = index.min(count);
            let share = Share { set: ShareSet(set), threshold, count, index, secret: LockedKey::copy_from(&secret) };
            prop_assert!(is_same(&Share::parse(&share.to_text()).unwrap(), &share));
        }
    }
}
