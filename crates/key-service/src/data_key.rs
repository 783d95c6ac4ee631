//! Data keys and the values under them: one data key and one value per secret version.

use std::fmt;

use types::{Plaintext, SecretArn, ValueKind, VersionId};

use crate::committed::{self, Refused, SALT_BYTES, SUITE};
use crate::context::value_aad;
use crate::memory::LockedKey;
use crate::random;

/// The key of one secret version, in the clear; made and unwrapped by [`crate::KeyMaterial`].
pub struct DataKey(LockedKey);

impl DataKey {
    pub(crate) fn generate() -> Self {
        Self(random::key())
    }

    pub(crate) const fn from_secret(secret: LockedKey) -> Self {
        Self(secret)
    }

    pub(crate) const fn secret(&self) -> &LockedKey {
        &self.0
    }

    /// Encrypts the value of a secret version. AAD = suite | ARN | version id | kind.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn encrypt_value(&self, arn: &SecretArn, version: &VersionId, kind: ValueKind, value: &Plaintext) -> Vec<u8> {
        self.encrypt_value_with(&random::bytes(), arn, version, kind, value)
    }

    pub(crate) fn encrypt_value_with(
        &self,
        salt: &[u8; SALT_BYTES],
        arn: &SecretArn,
        version: &VersionId,
        kind: ValueKind,
        value: &Plaintext,
    ) -> Vec<u8> {
        let aad = value_aad(SUITE, arn, version, kind_number(kind));
        committed::seal_value(salt, &self.0, &aad, value.expose_secret())
    }

    /// Decrypts what [`Self::encrypt_value`] encrypted for the same version and kind.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn decrypt_value(
        &self,
        arn: &SecretArn,
        version: &VersionId,
        kind: ValueKind,
        ciphertext: &[u8],
    ) -> Result<Plaintext, Refused> {
        let aad = value_aad(SUITE, arn, version, kind_number(kind));
        let mut value = committed::open_value(&self.0, &aad, ciphertext)?;
        Ok(Plaintext::new(std::mem::take(&mut *value)))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

/// The kind's number in AADs and fingerprints; never used again.
pub(crate) const fn kind_number(kind: ValueKind) -> u8 {
    match kind {
        ValueKind::String => 1,
        ValueKind::Binary => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{self, Golden};

    #[test]
    fn values_are_the_recorded_ones() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/value.txt"));
        let data_key = DataKey::from_secret(LockedKey::copy_from(golden.array("data-key")));
        let value = Plaintext::copy_from(golden.bytes("plaintext"));
        let (arn, version, salt) = (golden::arn(), golden::version(), golden.array("salt"));
        for (entry, kind) in [("string", ValueKind::String), ("binary", ValueKind::Binary)] {
            golden.check(entry, &data_key.encrypt_value_with(salt, &arn, &version, kind, &value));
            let decrypted = data_key.decrypt_value(&arn, &version, kind, golden.bytes(entry)).unwrap();
            assert_eq!(decrypted.expose_secret(), value.expose_secret());
        }
    }

    #[test]
    fn a_value_opens_only_in_its_place() {
        let data_key = DataKey::generate();
        let (arn, version) = (golden::arn(), golden::version());
        let value = Plaintext::copy_from(b"value");
        let sealed = data_key.encrypt_value(&arn, &version, ValueKind::String, &value);
        assert!(data_key.decrypt_value(&arn, &version, ValueKind::String, &sealed).is_ok());
        assert!(data_key.decrypt_value(&arn, &version, ValueKind::Binary, &sealed).is_err());
        let other_arn = SecretArn::new(&golden::namespace(), &golden::name(), "zzzzzz");
        assert!(data_key.decrypt_value(&other_arn, &version, ValueKind::String, &sealed).is_err());
        let other_version = VersionId::parse(&"v".repeat(32)).unwrap();
        assert!(data_key.decrypt_value(&arn, &other_version, ValueKind::String, &sealed).is_err());
        assert!(DataKey::generate().decrypt_value(&arn, &version, ValueKind::String, &sealed).is_err());
    }

    #[test]
    fn values_of_all_sizes_come_back() {
        let data_key = DataKey::generate();
        let (arn, version) = (golden::arn(), golden::version());
        for bytes in [0, 1, 64, 65, types::limits::SECRET_VALUE_BYTES] {
            let value = Plaintext::new(vec![0x5a; bytes]);
            let sealed = data_key.encrypt_value(&arn, &version, ValueKind::Binary, &value);
            let decrypted = data_key.decrypt_value(&arn, &version, ValueKind::Binary, &sealed).unwrap();
            assert_eq!(decrypted.expose_secret(), value.expose_secret());
        }
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", DataKey::from_secret(LockedKey::copy_from(&[0xaa; 32]))), "DataKey");
    }
}
