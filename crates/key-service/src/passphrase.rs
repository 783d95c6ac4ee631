//! The passphrase provider: a key that Argon2id makes of what somebody remembers.
//!
//! ```text
//! wrap = version u8 = 1 | memory KiB u32 | passes u32 | lanes u32 | salt 16 | key blob
//! ```
//!
//! The key blob is the root key under the derived key, see `committed.rs`; its AAD is the given one, then all of the wrap
//! before it. It commits to its key, so no ciphertext can be made that opens under many passphrases at once and tells
//! which of them is right.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::committed::{self, KeyKind, SealingKey};
use crate::memory::{KEY_BYTES, LockedKey};
use crate::provider::{Attended, ProviderError, ProviderKind, RootKey, RootKeyProvider};
use crate::random;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + 3 * 4 + SALT_BYTES;
/// Bytes of a passphrase.
pub(crate) const MAX_PASSPHRASE_BYTES: usize = 1024;
/// Bytes of a passphrase that may be chosen anew.
pub(crate) const MIN_PASSPHRASE_BYTES: usize = 12;
const NAME: SealingKey = SealingKey { kind: KeyKind::Provider, account: None, id: [0; 16], number: 0 };

/// One derivation at a time: two would need twice the memory.
static DERIVING: Mutex<()> = Mutex::new(());

/// What Argon2id may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PassphraseCost {
    /// The least that is taken: the second choice of RFC 9106, section 4.
    pub const FLOOR: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };
    /// The most that is computed, whatever a wrap asks for.
    const CEILING: Self = Self { memory_kib: 4 << 20, passes: 16, lanes: 16 };

    /// A cost between the floor and 4 GiB, 16 passes and 16 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let within = |value, floor, ceiling| (floor..=ceiling).contains(&value);
        let (floor, ceiling) = (Self::FLOOR, Self::CEILING);
        let may_be = within(memory_kib, floor.memory_kib, ceiling.memory_kib)
            && within(passes, floor.passes, ceiling.passes)
            && within(lanes, floor.lanes, ceiling.lanes);
        may_be.then_some(Self { memory_kib, passes, lanes })
    }
}

impl Default for PassphraseCost {
    /// 1 GiB, three passes, four lanes.
    fn default() -> Self {
        Self { memory_kib: 1 << 20, passes: 3, lanes: 4 }
    }
}

/// A root-key provider whose key is made of a passphrase.
pub struct Passphrase {
    id: String,
    passphrase: Zeroizing<Vec<u8>>,
    cost: PassphraseCost,
}

impl Passphrase {
    /// The provider of that id, with the passphrase as it was typed. The cost counts for what it wraps; what it unwraps
    /// names its own.
    ///
    /// # Errors
    /// [`ProviderError::Weak`] for no passphrase at all, or one of more than 1024 bytes.
    pub fn new(
        id: impl Into<String>,
        passphrase: Zeroizing<Vec<u8>>,
        cost: PassphraseCost,
    ) -> Result<Self, ProviderError> {
        if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE_BYTES {
            return Err(ProviderError::Weak("has 1 to 1024 bytes"));
        }
        Ok(Self { id: id.into(), passphrase, cost })
    }

    /// Draws the id of a new provider.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn draw_id() -> String {
        format!("passphrase-{}", hex::encode(random::bytes::<8>()))
    }

    fn wrap_with(
        &self,
        salt: &[u8; SALT_BYTES],
        blob_salt: &[u8; 32],
        root: &RootKey,
        aad: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let PassphraseCost { memory_kib, passes, lanes } = self.cost;
        let mut wrap = vec![VERSION];
        [memory_kib, passes, lanes].iter().for_each(|number| wrap.extend_from_slice(&number.to_le_bytes()));
        wrap.extend_from_slice(salt);
        let key = self.derive(self.cost, salt)?;
        let blob = committed::wrap_key(blob_salt, &NAME, &key, &[aad, &wrap].concat(), root.expose_secret());
        wrap.extend_from_slice(&blob);
        Ok(wrap)
    }

    fn derive(&self, cost: PassphraseCost, salt: &[u8; SALT_BYTES]) -> Result<LockedKey, ProviderError> {
        let _one = DERIVING.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: argon2::Error| ProviderError::Unavailable(format!("Argon2id: {error}"));
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES)).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        LockedKey::born(|key| argon2.hash_password_into(&self.passphrase, salt, key)).map_err(failed)
    }
}

impl RootKeyProvider for Passphrase {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ProviderKind {
        ProviderKind::Passphrase
    }

    /// A passphrase of less than 12 bytes is refused.
    fn wrap(&self, root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        if self.passphrase.len() < MIN_PASSPHRASE_BYTES {
            return Err(ProviderError::Weak("has 12 bytes or more"));
        }
        self.wrap_with(&random::bytes(), &random::bytes(), root, aad)
    }

    fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<RootKey, ProviderError> {
        let (cost, salt) = parse_head(wrapped)?;
        let (head, blob) = wrapped.split_at(HEAD_BYTES);
        let key = self.derive(cost, salt)?;
        let root = committed::unwrap_key(&NAME, &key, &[aad, head].concat(), blob);
        root.map(RootKey::from_secret).map_err(|_| ProviderError::Refused)
    }

    fn health(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

impl Attended for Passphrase {}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").field("id", &self.id).finish_non_exhaustive()
    }
}

fn parse_head(wrapped: &[u8]) -> Result<(PassphraseCost, &[u8; SALT_BYTES]), ProviderError> {
    const SHORT: ProviderError = ProviderError::Form("too few bytes");
    let mut reader = Reader::new(wrapped);
    if reader.u8().ok_or(SHORT)? != VERSION {
        return Err(ProviderError::Form("an unknown version"));
    }
    let mut number = || reader.u32().ok_or(SHORT);
    let cost = PassphraseCost::new(number()?, number()?, number()?);
    let cost = cost.ok_or(ProviderError::Form("an Argon2id cost outside of the bounds"))?;
    Ok((cost, reader.array().ok_or(SHORT)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden::Golden;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new("passphrase-1", Zeroizing::new(text.as_bytes().to_vec()), PassphraseCost::FLOOR).unwrap()
    }

    #[test]
    fn a_wrap_is_the_recorded_one_and_every_part_of_it_counts() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/passphrase.txt"));
        let text = std::str::from_utf8(golden.bytes("passphrase")).unwrap();
        let provider = passphrase(text);
        let (root, aad) = (RootKey::from_secret(LockedKey::copy_from(golden.array("root"))), golden.bytes("aad"));
        let wrap = provider.wrap_with(golden.array("argon2-salt"), golden.array("salt"), &root, aad).unwrap();
        golden.check("wrap", &wrap);
        let unwrapped = provider.unwrap(golden.bytes("wrap"), aad).unwrap();
        assert!(unwrapped.expose_secret().ct_eq(root.expose_secret()));

        assert!(matches!(provider.unwrap(&wrap, b"other"), Err(ProviderError::Refused)));
        assert!(matches!(passphrase("correct horse baTtery").unwrap(&wrap, aad), Err(ProviderError::Refused)));
        // One bit of each field, since each derivation takes a while: salt, then what the blob holds.
        for byte in [13, 28, 29, HEAD_BYTES + 70, wrap.len() - 1] {
            let mut changed = wrap.clone();
            changed[byte] ^= 1;
            assert!(matches!(provider.unwrap(&changed, aad), Err(ProviderError::Refused)), "byte {byte}");
        }
    }

    #[test]
    fn costs_below_the_floor_or_without_bound_are_refused_before_they_are_paid() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/passphrase.txt"));
        let (provider, wrap) = (passphrase("correct horse battery"), golden.bytes("wrap"));
        for (memory, passes, lanes) in [
            ((64 << 10) - 1, 3, 4),
            (64 << 10, 2, 4),
            (64 << 10, 3, 3),
            ((4 << 20) + 1, 3, 4),
            (u32::MAX, u32::MAX, u32::MAX),
            (64 << 10, 17, 4),
            (64 << 10, 3, 17),
            (0, 0, 0),
        ] {
            assert_eq!(PassphraseCost::new(memory, passes, lanes), None);
            let mut changed = wrap.to_vec();
            for (place, number) in [(1, memory), (5, passes), (9, lanes)] {
                changed[place..place + 4].copy_from_slice(&number.to_le_bytes());
            }
            assert!(matches!(provider.unwrap(&changed, b""), Err(ProviderError::Form(_))));
        }
        assert!(PassphraseCost::new(64 << 10, 3, 4).is_some());
        let default = PassphraseCost::default();
        assert_eq!(PassphraseCost::new(1 << 20, 3, 4), Some(default));
    }

    #[test]
    fn short_passphrases_open_and_do_not_wrap() {
        let short = passphrase("eleven char");
        assert!(matches!(short.wrap(&RootKey::generate(), b""), Err(ProviderError::Weak(_))));
        for length in [0, MAX_PASSPHRASE_BYTES + 1] {
            let made = Passphrase::new("id", Zeroizing::new(vec![b'a'; length]), PassphraseCost::FLOOR);
            assert!(matches!(made, Err(ProviderError::Weak(_))), "{length} bytes");
        }
    }

    #[test]
    fn debug_prints_no_passphrase() {
        assert_eq!(format!("{:?}", passphrase("correct horse battery")), "Passphrase { id: \"passphrase-1\", .. }");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((cost, _)) = parse_head(&bytes) {
                prop_assert!(PassphraseCost::new(cost.memory_kib, cost.passes, cost.lanes).is_some());
            }
        }
    }
}
