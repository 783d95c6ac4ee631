//! Key material: one version of a key that customers name. It wraps data keys and never leaves the node.

use std::fmt;

use types::{AccountId, KeyId};

use crate::barrier::Barrier;
use crate::committed::{self, Cause, KeyKind, Refused, SALT_BYTES, SealingKey};
use crate::context::EncryptionContext;
use crate::data_key::DataKey;
use crate::memory::LockedKey;
use crate::random;

/// One version of a customer key, in the clear. Rotation adds a version with the next number and keeps the old.
pub struct KeyMaterial {
    account: AccountId,
    key: KeyId,
    number: u32,
    secret: LockedKey,
}

impl KeyMaterial {
    /// Draws new material: version `number`, from 1, of a key of that account.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate(account: AccountId, key: KeyId, number: u32) -> Self {
        Self { account, key, number, secret: random::key() }
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(account: AccountId, key: KeyId, number: u32, secret: &[u8; 32]) -> Self {
        Self { account, key, number, secret: LockedKey::copy_from(secret) }
    }

    /// The account that owns the key.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The key.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// Which material of the key.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Seals the material under the barrier's active term, for the replicated state.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn seal(&self, barrier: &Barrier) -> Vec<u8> {
        self.seal_with(&random::bytes(), barrier)
    }

    pub(crate) fn seal_with(&self, salt: &[u8; SALT_BYTES], barrier: &Barrier) -> Vec<u8> {
        let term = barrier.active_key_sealing_term();
        let aad = material_aad(self.account, self.key, self.number);
        committed::wrap_key(salt, &term_name(barrier, term.number), &term.keys, &aad, &self.secret)
    }

    /// Opens material that was sealed in this cluster, as this version of this key.
    ///
    /// # Errors
    /// [`Refused`], also when the barrier does not hold the term that sealed it.
    pub fn open(
        barrier: &Barrier,
        account: AccountId,
        key: KeyId,
        number: u32,
        sealed: &[u8],
    ) -> Result<Self, Refused> {
        let term = committed::sealing_number(sealed)?;
        let sealing = barrier.term(term).ok_or(Refused(Cause::OtherKey))?;
        let aad = material_aad(account, key, number);
        let secret = committed::unwrap_key(&term_name(barrier, term), &sealing.keys, &aad, sealed)?;
        Ok(Self { account, key, number, secret })
    }

    /// Makes a data key and wraps it; the wrapped form opens only with an equal context.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate_data_key(&self, context: &EncryptionContext) -> (DataKey, Vec<u8>) {
        let data_key = DataKey::generate();
        let wrapped = self.wrap_data_key(&data_key, context);
        (data_key, wrapped)
    }

    /// Wraps a data key under this material: for a new one, or when a secret changes its key.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn wrap_data_key(&self, data_key: &DataKey, context: &EncryptionContext) -> Vec<u8> {
        self.wrap_data_key_with(&random::bytes(), data_key, context)
    }

    pub(crate) fn wrap_data_key_with(
        &self,
        salt: &[u8; SALT_BYTES],
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Vec<u8> {
        committed::wrap_key(salt, &self.name(), &self.secret, context.canonical(), data_key.secret())
    }

    /// Unwraps a data key that this material wrapped under an equal context.
    ///
    /// # Errors
    /// [`Refused`]; it does not say which of key, context and bytes was wrong.
    pub fn unwrap_data_key(&self, wrapped: &[u8], context: &EncryptionContext) -> Result<DataKey, Refused> {
        committed::unwrap_key(&self.name(), &self.secret, context.canonical(), wrapped).map(DataKey::from_secret)
    }

    pub(crate) const fn secret(&self) -> &LockedKey {
        &self.secret
    }

    pub(crate) const fn name(&self) -> SealingKey {
        SealingKey { kind: KeyKind::Material, account: Some(self.account), id: self.key.0, number: self.number }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({} number {} of {})", self.key, self.number, self.account)
    }
}

fn term_name(barrier: &Barrier, term: u32) -> SealingKey {
    SealingKey { kind: KeyKind::Term, account: None, id: barrier.cluster().0, number: term }
}

/// `"kms-material" | account 12 | key id 16 | number u32`.
fn material_aad(account: AccountId, key: KeyId, number: u32) -> Vec<u8> {
    let account = committed::account_digits(account.number());
    [b"kms-material".as_slice(), &account, &key.0, &number.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use types::ClusterId;

    use super::*;
    use crate::context::secret_context;
    use crate::golden::{self, Golden};

    fn material() -> KeyMaterial {
        KeyMaterial::generate(golden::account(), golden::KEY, 3)
    }

    fn golden_context() -> EncryptionContext {
        secret_context(&golden::arn(), &golden::version())
    }

    #[test]
    fn sealed_material_is_the_recorded_one() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/key-material.txt"));
        let term = LockedKey::copy_from(golden.array("term"));
        let barrier = Barrier::from_first_term(golden::CLUSTER, 7, &term);
        let material = KeyMaterial::from_bytes(golden::account(), golden::KEY, 3, golden.array("material"));
        golden.check("sealed", &material.seal_with(golden.array("salt"), &barrier));
        let opened = KeyMaterial::open(&barrier, golden::account(), golden::KEY, 3, golden.bytes("sealed")).unwrap();
        assert!(opened.secret.ct_eq(&material.secret));
    }

    #[test]
    fn wrapped_data_keys_are_the_recorded_ones() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/data-key.txt"));
        let material = KeyMaterial::from_bytes(golden::account(), golden::KEY, 3, golden.array("material"));
        let data_key = DataKey::from_secret(LockedKey::copy_from(golden.array("data-key")));
        let context = golden_context();
        golden.check("wrapped", &material.wrap_data_key_with(golden.array("salt"), &data_key, &context));
        let unwrapped = material.unwrap_data_key(golden.bytes("wrapped"), &context).unwrap();
        assert!(unwrapped.secret().ct_eq(data_key.secret()));
    }

    #[test]
    fn material_opens_only_as_what_it_was_sealed_as() {
        let barrier = Barrier::ephemeral(golden::CLUSTER);
        let sealed = material().seal(&barrier);
        let (account, key) = (golden::account(), golden::KEY);
        let open = |account, key, number| KeyMaterial::open(&barrier, account, key, number, &sealed).map(drop);
        assert_eq!(open(account, key, 3), Ok(()));
        assert_eq!(open(account, key, 4), Err(Refused(Cause::Commitment)));
        assert_eq!(open(account, KeyId([0; 16]), 3), Err(Refused(Cause::Commitment)));
        let other_account = AccountId::from_number(43).unwrap();
        assert_eq!(open(other_account, key, 3), Err(Refused(Cause::Commitment)));
    }

    #[test]
    fn material_of_another_cluster_or_term_is_refused() {
        let term = LockedKey::copy_from(&[1; 32]);
        let barrier = Barrier::from_first_term(ClusterId([1; 16]), 1, &term);
        let sealed = material().seal(&barrier);
        for other in [
            Barrier::from_first_term(ClusterId([2; 16]), 1, &term),
            Barrier::from_first_term(ClusterId([1; 16]), 2, &term),
        ] {
            let refused = KeyMaterial::open(&other, golden::account(), golden::KEY, 3, &sealed).unwrap_err();
            assert_eq!(refused, Refused(Cause::OtherKey), "{other:?}");
        }
        assert_eq!(KeyMaterial::open(&barrier, golden::account(), golden::KEY, 3, b"KS").unwrap_err().0, Cause::Format);
    }

    #[test]
    fn a_data_key_needs_its_context_and_its_material() {
        let material = material();
        let (data_key, wrapped) = material.generate_data_key(&golden_context());
        let unwrapped = material.unwrap_data_key(&wrapped, &golden_context()).unwrap();
        assert!(unwrapped.secret().ct_eq(data_key.secret()));

        let version = types::VersionId::parse(&"v".repeat(32)).unwrap();
        for other in [secret_context(&golden::arn(), &version), EncryptionContext::default()] {
            assert_eq!(material.unwrap_data_key(&wrapped, &other).unwrap_err(), Refused(Cause::Commitment));
        }
        let same_name = KeyMaterial::generate(golden::account(), golden::KEY, 3);
        assert_eq!(same_name.unwrap_data_key(&wrapped, &golden_context()).unwrap_err(), Refused(Cause::Commitment));
        let next = KeyMaterial::generate(golden::account(), golden::KEY, 4);
        assert_eq!(next.unwrap_data_key(&wrapped, &golden_context()).unwrap_err(), Refused(Cause::OtherKey));
    }

    #[test]
    fn a_rewrapped_data_key_is_the_same_key() {
        let (old, new) = (material(), KeyMaterial::generate(golden::account(), KeyId([9; 16]), 1));
        let (data_key, wrapped) = old.generate_data_key(&golden_context());
        let rewrapped =
            new.wrap_data_key(&old.unwrap_data_key(&wrapped, &golden_context()).unwrap(), &golden_context());
        let unwrapped = new.unwrap_data_key(&rewrapped, &golden_context()).unwrap();
        assert!(unwrapped.secret().ct_eq(data_key.secret()));
    }

    #[test]
    fn debug_prints_no_key() {
        let printed = format!("{:?}", KeyMaterial::from_bytes(golden::account(), KeyId([0; 16]), 3, &[0xaa; 32]));
        assert_eq!(printed, "KeyMaterial(00000000-0000-0000-0000-000000000000 number 3 of 000000000042)");
    }
}
