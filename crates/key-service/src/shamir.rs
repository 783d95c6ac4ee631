//! The Shamir provider: a key in shares, of which a threshold gives it back and fewer tell nothing.
//!
//! ```text
//! wrap = version u8 = 1 | threshold u8 | count u8 | set 8 | digest 16 of each share, by index | key blob
//! ```
//!
//! The key blob is the root key under the key that was shared, see `committed.rs`; its AAD is the given one, then all of
//! the wrap before it. The digests name a share that is of the set and has been forged; a share is 32 random bytes, of
//! which a digest tells nothing. The commitment of the blob has the last word: it refuses any other key.

mod field;
mod share;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::bytes::Reader;
use crate::committed::{self, KeyKind, SealingKey};
use crate::memory::LockedKey;
use crate::provider::{Attended, ProviderError, ProviderKind, RootKey, RootKeyProvider};
use crate::random;

pub use share::{SET_BYTES, Share, ShareFormatError, ShareSet};

/// The most shares of a set.
pub const MAX_SHARES: u8 = 32;
/// The least threshold: one share would be the key.
pub const MIN_THRESHOLD: u8 = 2;
const VERSION: u8 = 1;
const DIGEST_BYTES: usize = 16;
const SHARE_LABEL: &[u8] = b"conclave/shamir/share/v1";

/// Why shares do not open the wrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// A set that may not be.
    #[error("a set has a threshold of 2 or more, and no more than 32 shares")]
    Numbers,
    /// A text that is no share.
    #[error("share number {place} of those given {source}")]
    Format {
        /// Which of those given, from 1.
        place: usize,
        /// What is wrong with it.
        source: ShareFormatError,
    },
    /// A share of another set.
    #[error("share {index} is of set {found}, and the shares of set {expected} are wanted")]
    Foreign {
        /// The index that it has in its set.
        index: u8,
        /// Its set.
        found: ShareSet,
        /// The wanted set.
        expected: ShareSet,
    },
    /// A share that was given before.
    #[error("share {index} is given twice")]
    Duplicate {
        /// Its index.
        index: u8,
    },
    /// A share of this set, that is not as it was dealt.
    #[error("share {index} is not the one that was dealt")]
    Wrong {
        /// Its index.
        index: u8,
    },
    /// Not enough shares.
    #[error("{given} shares are given, and {needed} are needed")]
    TooFew {
        /// How many there are.
        given: usize,
        /// The threshold.
        needed: u8,
    },
    /// Shares that look right and give another key.
    #[error("the shares do not give the key that wrapped the root key")]
    OtherKey,
}

/// A root-key provider whose key is in shares: with all of them, as they were dealt, or with those that operators gave.
pub struct Shamir {
    id: String,
    set: ShareSet,
    threshold: u8,
    shares: Vec<Share>,
    /// The digests of all shares, where all are here.
    digests: Option<Vec<u8>>,
}

impl Shamir {
    /// Deals a new set: `count` shares, of which `threshold` are needed. The shares are handed out and not kept.
    ///
    /// # Errors
    /// [`ShareError::Numbers`].
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn deal(threshold: u8, count: u8) -> Result<(Self, Vec<Share>), ShareError> {
        if threshold < MIN_THRESHOLD || threshold > count || count > MAX_SHARES {
            return Err(ShareError::Numbers);
        }
        let (key, set) = (random::key(), ShareSet(random::bytes()));
        let deal = || {
            let dealt = field::split(&key, threshold, count, random::fill);
            let number = |(index, secret)| Share { set, threshold, count, index, secret };
            (1..=count).zip(dealt).map(number).collect::<Vec<Share>>()
        };
        let handed_out = deal();
        // A share is not copied by those who use it; these are the provider's own.
        let own: Vec<Share> = handed_out.iter().map(Share::duplicate).collect();
        let digests = own.iter().flat_map(digest).collect();
        Ok((Self { id: set.provider_id(), set, threshold, shares: own, digests: Some(digests) }, handed_out))
    }

    /// Takes the shares that operators gave, in any order. More than needed are all checked.
    ///
    /// `expected` is the set that has a wrap in the keyring; without it the set of the first share is meant.
    ///
    /// # Errors
    /// [`ShareError`], which names the share.
    pub fn from_shares(shares: Vec<Share>, expected: Option<ShareSet>) -> Result<Self, ShareError> {
        let first = shares.first().ok_or(ShareError::TooFew { given: 0, needed: MIN_THRESHOLD })?;
        let (set, threshold, count) = (expected.unwrap_or(first.set), first.threshold, first.count);
        for (place, share) in shares.iter().enumerate() {
            let index = share.index;
            if share.set != set {
                return Err(ShareError::Foreign { index, found: share.set, expected: set });
            }
            if shares[..place].iter().any(|before| before.index == index) {
                return Err(ShareError::Duplicate { index });
            }
            if (share.threshold, share.count) != (threshold, count) {
                return Err(ShareError::Wrong { index });
            }
        }
        if shares.len() < usize::from(threshold) {
            return Err(ShareError::TooFew { given: shares.len(), needed: threshold });
        }
        Ok(Self { id: set.provider_id(), set, threshold, shares, digests: None })
    }

    /// Takes shares as operators typed them.
    ///
    /// # Errors
    /// As [`Self::from_shares`], and [`ShareError::Format`].
    pub fn from_texts<T: AsRef<str>>(texts: &[T], expected: Option<ShareSet>) -> Result<Self, ShareError> {
        let parse = |(place, text): (usize, &T)| {
            Share::parse(text.as_ref()).map_err(|source| ShareError::Format { place: place + 1, source })
        };
        Self::from_shares(texts.iter().enumerate().map(parse).collect::<Result<_, _>>()?, expected)
    }

    /// The set.
    pub const fn set(&self) -> ShareSet {
        self.set
    }

    fn wrap_with(&self, count: u8, digests: &[u8], root: &RootKey, aad: &[u8]) -> Vec<u8> {
        let head = [&[VERSION, self.threshold, count][..], &self.set.0, digests].concat();
        let key = self.key();
        let blob =
            committed::wrap_key(&random::bytes(), &self.name(), &key, &[aad, &head].concat(), root.expose_secret());
        [head, blob].concat()
    }

    /// The key that was shared, if the shares are right.
    fn key(&self) -> LockedKey {
        let needed = self.shares.iter().take(usize::from(self.threshold));
        field::combine(needed.map(|share| (share.index, &share.secret)))
    }

    fn name(&self) -> SealingKey {
        let mut id = [0; 16];
        id[..SET_BYTES].copy_from_slice(&self.set.0);
        SealingKey { kind: KeyKind::Provider, account: None, id, number: 0 }
    }

    /// Sees whether these shares are those of the wrap.
    fn check(&self, wrap: &Wrap<'_>) -> Result<(), ProviderError> {
        if wrap.set != self.set {
            return Err(ProviderError::Refused);
        }
        for share in &self.shares {
            let dealt = wrap.digests.chunks_exact(DIGEST_BYTES).nth(usize::from(share.index) - 1);
            if wrap.threshold != share.threshold || dealt != Some(digest(share).as_slice()) {
                return Err(ShareError::Wrong { index: share.index }.into());
            }
        }
        Ok(())
    }
}

impl RootKeyProvider for Shamir {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ProviderKind {
        ProviderKind::Shamir
    }

    /// Only a set that was dealt now knows the digests of all its shares.
    fn wrap(&self, root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let digests = self.digests.as_ref();
        let digests = digests.ok_or_else(|| ProviderError::Unavailable("the set was dealt before".to_owned()))?;
        let count = self.shares.first().map_or(0, |share| share.count);
        Ok(self.wrap_with(count, digests, root, aad))
    }

    fn rewrap(&self, old: &[u8], root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        // The shares, and with them the digests, must be those that are in use.
        drop(self.unwrap(old, aad)?);
        let old = Wrap::parse(old)?;
        Ok(self.wrap_with(old.count, old.digests, root, aad))
    }

    fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<RootKey, ProviderError> {
        let wrap = Wrap::parse(wrapped)?;
        self.check(&wrap)?;
        let root = committed::unwrap_key(&self.name(), &self.key(), &[aad, wrap.head].concat(), wrap.blob);
        root.map(RootKey::from_secret).map_err(|_| ShareError::OtherKey.into())
    }

    fn health(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

impl Attended for Shamir {}

impl fmt::Debug for Shamir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares: Vec<u8> = self.shares.iter().map(|share| share.index).collect();
        f.debug_struct("Shamir").field("set", &format_args!("{}", self.set)).field("shares", &shares).finish()
    }
}

/// A wrap in its parts.
struct Wrap<'a> {
    head: &'a [u8],
    threshold: u8,
    count: u8,
    set: ShareSet,
    digests: &'a [u8],
    blob: &'a [u8],
}

impl<'a> Wrap<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ProviderError> {
        const SHORT: ProviderError = ProviderError::Form("too few bytes");
        let mut reader = Reader::new(bytes);
        let [version, threshold, count] = *reader.array().ok_or(SHORT)?;
        if version != VERSION {
            return Err(ProviderError::Form("an unknown version"));
        }
        if threshold < MIN_THRESHOLD || threshold > count || count > MAX_SHARES {
            return Err(ProviderError::Form("a threshold that no set has"));
        }
        let set = ShareSet(*reader.array().ok_or(SHORT)?);
        let digests = reader.take(usize::from(count) * DIGEST_BYTES).ok_or(SHORT)?;
        let blob = reader.rest();
        Ok(Self { head: &bytes[..bytes.len() - blob.len()], threshold, count, set, digests, blob })
    }
}

fn digest(share: &Share) -> [u8; DIGEST_BYTES] {
    let mut hash = Sha256::new();
    hash.update(SHARE_LABEL);
    hash.update(share.set.0);
    hash.update([share.threshold, share.count, share.index]);
    hash.update(share.secret.expose_secret());
    *hash.finalize().first_chunk().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped() -> (RootKey, Vec<Share>, Vec<u8>) {
        let (shamir, shares) = Shamir::deal(3, 5).unwrap();
        let root = RootKey::generate();
        let wrap = shamir.wrap(&root, b"aad").unwrap();
        (root, shares, wrap)
    }

    fn picked(shares: &[Share], which: &[usize]) -> Vec<Share> {
        which.iter().map(|place| shares[*place].duplicate()).collect()
    }

    #[test]
    fn any_three_of_five_open_in_any_order_and_two_do_not() {
        let (root, shares, wrap) = wrapped();
        for one in 0..5 {
            for two in (0..5).filter(|two| *two != one) {
                let too_few = Shamir::from_shares(picked(&shares, &[one, two]), None).unwrap_err();
                assert_eq!(too_few, ShareError::TooFew { given: 2, needed: 3 });
                for three in (0..5).filter(|three| ![one, two].contains(three)) {
                    let given = Shamir::from_shares(picked(&shares, &[one, two, three]), None).unwrap();
                    assert!(given.unwrap(&wrap, b"aad").unwrap().expose_secret().ct_eq(root.expose_secret()));
                    assert!(matches!(given.unwrap(&wrap, b"other"), Err(ProviderError::Shares(ShareError::OtherKey))));
                }
            }
        }
        assert_eq!(
            Shamir::from_shares(Vec::new(), None).unwrap_err(),
            ShareError::TooFew { given: 0, needed: MIN_THRESHOLD }
        );
    }

    #[test]
    fn a_foreign_a_double_and_a_wrong_share_are_named() {
        let (_, shares, wrap) = wrapped();
        let (_, strange, _) = wrapped();
        let mut mixed = picked(&shares, &[0, 1]);
        mixed.push(strange[3].duplicate());
        let (found, expected) = (strange[0].set, shares[0].set);
        let refused = Shamir::from_shares(mixed, Some(expected)).unwrap_err();
        assert_eq!(refused, ShareError::Foreign { index: 4, found, expected });

        let twice = Shamir::from_shares(picked(&shares, &[4, 1, 4]), None).unwrap_err();
        assert_eq!(twice, ShareError::Duplicate { index: 5 });

        let mut forged = picked(&shares, &[0, 1, 2, 3]);
        forged[3].secret = random::key();
        let given = Shamir::from_shares(forged, None).unwrap();
        let refused = given.unwrap(&wrap, b"aad").unwrap_err();
        assert!(matches!(refused, ProviderError::Shares(ShareError::Wrong { index: 4 })), "{refused}");

        let mut other_numbers = picked(&shares, &[0, 1]);
        other_numbers[1].threshold = 2;
        assert_eq!(Shamir::from_shares(other_numbers, None).unwrap_err(), ShareError::Wrong { index: 2 });
        // All of them forged alike: a set that needs fewer shares than the one that was dealt.
        let mut fewer = picked(&shares, &[0, 1]);
        fewer.iter_mut().for_each(|share| share.threshold = 2);
        let refused = Shamir::from_shares(fewer, None).unwrap().unwrap(&wrap, b"aad").unwrap_err();
        assert!(matches!(refused, ProviderError::Shares(ShareError::Wrong { index: 1 })), "{refused}");
    }

    #[test]
    fn a_mistyped_share_is_named_by_its_place() {
        let (_, shares, _) = wrapped();
        let mut texts: Vec<String> = shares.iter().map(|share| share.to_text().to_string()).collect();
        let last = texts[1].pop().unwrap();
        texts[1].push(if last == '0' { '1' } else { '0' });
        let refused = Shamir::from_texts(&texts[..3], None).unwrap_err();
        assert_eq!(refused, ShareError::Format { place: 2, source: ShareFormatError::Checksum });
        assert!(refused.to_string().starts_with("share number 2 of those given"), "{refused}");
        assert!(Shamir::from_texts(&texts[2..], Some(shares[0].set)).is_ok());
    }

    #[test]
    fn another_root_key_goes_under_the_same_shares() {
        let (_, shares, wrap) = wrapped();
        let given = Shamir::from_shares(picked(&shares, &[0, 2, 4]), None).unwrap();
        let new = RootKey::generate();
        assert!(matches!(given.wrap(&new, b"aad"), Err(ProviderError::Unavailable(_))));
        let rewrapped = given.rewrap(&wrap, &new, b"aad").unwrap();
        let others = Shamir::from_shares(picked(&shares, &[1, 2, 3]), None).unwrap();
        assert!(others.unwrap(&rewrapped, b"aad").unwrap().expose_secret().ct_eq(new.expose_secret()));
        let (_, strange, _) = wrapped();
        let strangers = Shamir::from_shares(picked(&strange, &[0, 1, 2]), None).unwrap();
        assert!(matches!(strangers.rewrap(&wrap, &new, b"aad"), Err(ProviderError::Refused)));
    }

    #[test]
    fn every_changed_bit_and_every_length_of_a_wrap_is_refused() {
        let (_, shares, wrap) = wrapped();
        let given = Shamir::from_shares(shares, None).unwrap();
        for bit in 0..wrap.len() * 8 {
            let mut changed = wrap.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(given.unwrap(&changed, b"aad").is_err(), "bit {bit}");
        }
        for length in 0..wrap.len() {
            assert!(given.unwrap(&wrap[..length], b"aad").is_err(), "{length} bytes");
        }
    }

    #[test]
    fn sets_that_protect_nothing_are_not_dealt() {
        for (threshold, count) in [(0, 0), (0, 3), (1, 1), (1, 3), (4, 3), (2, 33), (255, 255)] {
            assert_eq!(Shamir::deal(threshold, count).unwrap_err(), ShareError::Numbers, "{threshold} of {count}");
        }
        let (shamir, shares) = Shamir::deal(32, 32).unwrap();
        assert_eq!(shares.len(), 32);
        assert!(shamir.wrap(&RootKey::generate(), b"").unwrap().len() < 4_096);
    }

    #[test]
    fn debug_prints_set_and_indices_only() {
        let (shamir, shares) = Shamir::deal(2, 2).unwrap();
        let set = shares[0].set;
        assert_eq!(format!("{shamir:?}"), format!("Shamir {{ set: {set}, shares: [1, 2] }}"));
        assert_eq!(format!("{:?}", shares[1]), format!("Share(2 of set {set})"));
    }
}
