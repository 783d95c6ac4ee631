//! Fingerprints: how `apply` tells a retry from another request without seeing a value.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use types::{Namespace, Plaintext, SecretName, ValueKind, VersionId};

use crate::barrier::{Barrier, OpenError, SealedKind};
use crate::bytes::length;
use crate::committed::account_digits;
use crate::data_key::kind_number;
use crate::memory::LockedKey;
use crate::random;

const LABEL: &[u8] = b"conclave/fingerprint/v1";

/// The cluster's key of fingerprints; replicated, sealed.
pub struct IdempotencyKey(LockedKey);

impl IdempotencyKey {
    /// Draws the key of a new cluster.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate() -> Self {
        Self(random::key())
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(key: &[u8; 32]) -> Self {
        Self(LockedKey::copy_from(key))
    }

    /// Seals the key for the replicated state.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn seal(&self, barrier: &Barrier) -> Vec<u8> {
        barrier.seal(SealedKind::IdempotencyKey, b"", self.0.expose_secret())
    }

    /// Opens the key of this cluster.
    ///
    /// # Errors
    /// As [`Barrier::open`].
    pub fn open(barrier: &Barrier, sealed: &[u8]) -> Result<Self, OpenError> {
        let opened = barrier.open(SealedKind::IdempotencyKey, b"", sealed)?;
        let key: &[u8; 32] = opened.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
        Ok(Self(LockedKey::copy_from(key)))
    }

    /// The fingerprint of a write: equal for equal requests, and of no use without the key.
    ///
    /// HMAC-SHA256 over `label | account 12 | region | name | token | kind u8 | value length u64 | value`, the
    /// three texts each with a u16 length before it.
    pub fn fingerprint(
        &self,
        namespace: &Namespace,
        name: &SecretName,
        token: &VersionId,
        kind: ValueKind,
        value: &Plaintext,
    ) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(LABEL);
        mac.update(&account_digits(namespace.account.number()));
        for text in [namespace.region.as_str(), name.as_str(), token.as_str()] {
            mac.update(&length(text.as_bytes()));
            mac.update(text.as_bytes());
        }
        mac.update(&[kind_number(kind)]);
        mac.update(&(value.len() as u64).to_le_bytes());
        mac.update(value.expose_secret());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

#[cfg(test)]
mod tests {
    use types::Region;

    use super::*;
    use crate::golden::{self, Golden};

    #[test]
    fn fingerprints_are_the_recorded_ones() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/fingerprint.txt"));
        let key = IdempotencyKey::from_bytes(golden.array("key"));
        let value = Plaintext::copy_from(golden.bytes("plaintext"));
        let of = |kind| key.fingerprint(&golden::namespace(), &golden::name(), &golden::version(), kind, &value);
        golden.check("string", &of(ValueKind::String));
        golden.check("binary", &of(ValueKind::Binary));
    }

    #[test]
    fn everything_that_makes_a_request_is_in_its_fingerprint() {
        let key = IdempotencyKey::generate();
        let (namespace, name, token) = (golden::namespace(), golden::name(), golden::version());
        let value = Plaintext::copy_from(b"value");
        let base = key.fingerprint(&namespace, &name, &token, ValueKind::String, &value);
        assert_eq!(base, key.fingerprint(&namespace, &name, &token, ValueKind::String, &value));

        let other_region = Namespace { region: Region::parse("eu-central-2").unwrap(), ..namespace.clone() };
        let other_account = Namespace { account: "000000000043".parse().unwrap(), ..namespace.clone() };
        let other_name = SecretName::parse("prod/dc").unwrap();
        let other_token = VersionId::parse(&"v".repeat(32)).unwrap();
        let other_value = Plaintext::copy_from(b"valuf");
        let others = [
            key.fingerprint(&other_region, &name, &token, ValueKind::String, &value),
            key.fingerprint(&other_account, &name, &token, ValueKind::String, &value),
            key.fingerprint(&namespace, &other_name, &token, ValueKind::String, &value),
            key.fingerprint(&namespace, &name, &other_token, ValueKind::String, &value),
            key.fingerprint(&namespace, &name, &token, ValueKind::Binary, &value),
            key.fingerprint(&namespace, &name, &token, ValueKind::String, &other_value),
            IdempotencyKey::generate().fingerprint(&namespace, &name, &token, ValueKind::String, &value),
        ];
        assert!(!others.contains(&base));
    }

    #[test]
    fn the_key_comes_back_from_its_record_only() {
        let barrier = Barrier::ephemeral(golden::CLUSTER);
        let key = IdempotencyKey::generate();
        let opened = IdempotencyKey::open(&barrier, &key.seal(&barrier)).unwrap();
        assert!(opened.0.ct_eq(&key.0));

        let other_kind = barrier.seal(SealedKind::AccessKeySecret, b"", &[0; 32]);
        assert_eq!(IdempotencyKey::open(&barrier, &other_kind).unwrap_err(), OpenError::NotAuthentic);
        let short = barrier.seal(SealedKind::IdempotencyKey, b"", &[0; 31]);
        assert_eq!(IdempotencyKey::open(&barrier, &short).unwrap_err(), OpenError::Malformed);
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", IdempotencyKey::from_bytes(&[0xaa; 32])), "IdempotencyKey");
    }
}
