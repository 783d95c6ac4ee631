//! Ciphertext blobs: what Encrypt and GenerateDataKey give to callers, and Decrypt takes back.
//!
//! A blob is the key blob of `committed.rs`, sealed by key material, with the canonical encryption context as AAD. Its
//! header says which key and which material; the wrapped data keys of secrets have the same form.

use types::{AccountId, KeyId, Plaintext};

use crate::bytes::Reader;
use crate::committed::{self, Cause, KeyKind, Refused, SALT_BYTES, SealingKey};
use crate::context::EncryptionContext;
use crate::material::KeyMaterial;
use crate::random;

/// Bytes of a ciphertext blob, by the model of KMS.
pub const MAX_BYTES: usize = 6_144;
/// Bytes that a blob has more than its plaintext.
pub const OVERHEAD_BYTES: usize = committed::KEY_BLOB_OVERHEAD;

/// Which key a ciphertext blob names.
///
/// # Correctness
/// Anybody can write these bytes: they tell where to look, and only [`KeyMaterial::decrypt`] tells that they are true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    /// The account of the key.
    pub account: AccountId,
    /// The key.
    pub key: KeyId,
    /// The number of its material.
    pub material: u32,
}

impl BlobHeader {
    /// Reads the header of a blob.
    ///
    /// # Errors
    /// [`Refused`] for what is no blob of key material, or has a length that no blob has.
    pub fn parse(blob: &[u8]) -> Result<Self, Refused> {
        const NOT_ONE: Refused = Refused(Cause::Format);
        if !(OVERHEAD_BYTES + 1..=MAX_BYTES).contains(&blob.len()) {
            return Err(NOT_ONE);
        }
        let by = SealingKey::parse(&mut Reader::new(blob)).ok_or(NOT_ONE)?;
        match by {
            SealingKey { kind: KeyKind::Material, account: Some(account), id, number: material @ 1.. } => {
                Ok(Self { account, key: KeyId(id), material })
            }
            _ => Err(NOT_ONE),
        }
    }
}

impl KeyMaterial {
    /// Encrypts a plaintext of 1 byte to `MAX_BYTES - OVERHEAD_BYTES`; the blob opens only with an equal context.
    ///
    /// # Errors
    /// [`Refused`] for a plaintext of another length.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn encrypt(&self, context: &EncryptionContext, plaintext: &Plaintext) -> Result<Vec<u8>, Refused> {
        self.encrypt_with(&random::bytes(), context, plaintext)
    }

    fn encrypt_with(
        &self,
        salt: &[u8; SALT_BYTES],
        context: &EncryptionContext,
        plaintext: &Plaintext,
    ) -> Result<Vec<u8>, Refused> {
        let plaintext = plaintext.expose_secret();
        if !(1..=MAX_BYTES - OVERHEAD_BYTES).contains(&plaintext.len()) {
            return Err(Refused(Cause::Format));
        }
        Ok(committed::seal_blob(salt, &self.name(), self.secret(), context.canonical(), plaintext))
    }

    /// Decrypts what [`Self::encrypt`] encrypted under this material with an equal context.
    ///
    /// # Errors
    /// [`Refused`]; it does not say which of key, context and bytes was wrong.
    pub fn decrypt(&self, context: &EncryptionContext, blob: &[u8]) -> Result<Plaintext, Refused> {
        if !(OVERHEAD_BYTES + 1..=MAX_BYTES).contains(&blob.len()) {
            return Err(Refused(Cause::Format));
        }
        let mut opened = committed::open_blob(&self.name(), self.secret(), context.canonical(), blob)?;
        Ok(Plaintext::new(std::mem::take(&mut *opened)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden::{self, Golden};

    const PREFIX_BYTES: usize = 37;

    fn material() -> KeyMaterial {
        KeyMaterial::generate(golden::account(), golden::KEY, 3)
    }

    fn context() -> EncryptionContext {
        EncryptionContext::new(&[("stage", "prod"), ("app", "orders")]).unwrap()
    }

    fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    }

    #[test]
    fn a_blob_is_the_recorded_one() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/ciphertext-blob.txt"));
        let material = KeyMaterial::from_bytes(golden::account(), golden::KEY, 3, golden.array("material"));
        let plaintext = Plaintext::copy_from(golden.bytes("plaintext"));
        golden.check("blob", &material.encrypt_with(golden.array("salt"), &context(), &plaintext).unwrap());
        let blob = golden.bytes("blob");
        let header = BlobHeader { account: golden::account(), key: golden::KEY, material: 3 };
        assert_eq!(BlobHeader::parse(blob), Ok(header));
        assert_eq!(material.decrypt(&context(), blob).unwrap().expose_secret(), plaintext.expose_secret());
    }

    /// What is flipped is refused before anything is decrypted, but for the ciphertext itself and its tag.
    #[test]
    fn every_flipped_bit_of_blob_and_context_is_refused() {
        let (material, context) = (material(), context());
        let blob = material.encrypt(&context, &Plaintext::copy_from(b"value")).unwrap();
        assert_eq!(blob.len(), OVERHEAD_BYTES + 5);
        for bit in 0..blob.len() * 8 {
            let refused = material.decrypt(&context, &flipped(&blob, bit)).unwrap_err();
            let cause = match bit / 8 {
                0..PREFIX_BYTES => Cause::OtherKey,
                PREFIX_BYTES..101 => Cause::Commitment,
                _ => Cause::Tag,
            };
            assert_eq!(refused, Refused(cause), "bit {bit}");
        }
        for bit in 0..context.canonical().len() * 8 {
            let by = material.name();
            let changed = flipped(context.canonical(), bit);
            let refused = committed::open_blob(&by, material.secret(), &changed, &blob).unwrap_err();
            assert_eq!(refused, Refused(Cause::Commitment), "bit {bit} of the context");
        }
    }

    #[test]
    fn a_flipped_bit_of_the_header_names_another_key_or_none() {
        let blob = material().encrypt(&context(), &Plaintext::copy_from(b"value")).unwrap();
        let header = BlobHeader::parse(&blob).unwrap();
        for bit in 0..PREFIX_BYTES * 8 {
            assert_ne!(BlobHeader::parse(&flipped(&blob, bit)), Ok(header), "bit {bit}");
        }
    }

    #[test]
    fn a_blob_needs_its_key_its_material_and_its_context() {
        let material = material();
        let blob = material.encrypt(&context(), &Plaintext::copy_from(b"value")).unwrap();
        for other in [
            EncryptionContext::default(),
            EncryptionContext::new(&[("app", "orders")]).unwrap(),
            EncryptionContext::new(&[("app", "orders"), ("stage", "Prod")]).unwrap(),
            EncryptionContext::new(&[("app", "orders"), ("stage", "prod"), ("x", "")]).unwrap(),
        ] {
            assert_eq!(material.decrypt(&other, &blob).unwrap_err(), Refused(Cause::Commitment));
        }
        let same_name = KeyMaterial::generate(golden::account(), golden::KEY, 3);
        assert_eq!(same_name.decrypt(&context(), &blob).unwrap_err(), Refused(Cause::Commitment));
        for other in [
            KeyMaterial::generate(golden::account(), golden::KEY, 4),
            KeyMaterial::generate(golden::account(), KeyId([9; 16]), 3),
            KeyMaterial::generate(AccountId::from_number(43).unwrap(), golden::KEY, 3),
        ] {
            assert_eq!(other.decrypt(&context(), &blob).unwrap_err(), Refused(Cause::OtherKey));
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let material = material();
        let longest = MAX_BYTES - OVERHEAD_BYTES;
        assert!(longest >= 4_096);
        for length in [1, 2, 4_096, longest] {
            let blob = material.encrypt(&context(), &Plaintext::new(vec![7; length])).unwrap();
            assert_eq!(material.decrypt(&context(), &blob).unwrap().expose_secret(), vec![7; length]);
            assert!(BlobHeader::parse(&blob).is_ok());
        }
        for length in [0, longest + 1] {
            assert!(material.encrypt(&context(), &Plaintext::new(vec![7; length])).is_err());
        }
        let blob = material.encrypt(&context(), &Plaintext::new(vec![7; 1])).unwrap();
        for length in 0..blob.len() {
            assert_eq!(BlobHeader::parse(&blob[..length]), Err(Refused(Cause::Format)), "{length} bytes");
            assert!(material.decrypt(&context(), &blob[..length]).is_err(), "{length} bytes");
        }
        let mut long = blob;
        long.resize(MAX_BYTES + 1, 0);
        assert_eq!(BlobHeader::parse(&long), Err(Refused(Cause::Format)));
        assert!(material.decrypt(&context(), &long).is_err());
    }

    #[test]
    fn blobs_of_other_layers_are_none() {
        let material = material();
        let sealed = material.seal(&crate::Barrier::ephemeral(golden::CLUSTER));
        assert_eq!(BlobHeader::parse(&sealed), Err(Refused(Cause::Format)));
        let (_, wrapped) = material.generate_data_key(&context());
        assert!(BlobHeader::parse(&wrapped).is_ok(), "a data key is a blob of key material");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = BlobHeader::parse(&bytes);
        }

        #[test]
        fn bytes_behind_a_right_header_make_no_plaintext(tail in proptest::collection::vec(any::<u8>(), 81..200)) {
            let material = material();
            let blob = material.encrypt(&context(), &Plaintext::copy_from(b"value")).unwrap();
            let forged = [&blob[..PREFIX_BYTES], &tail].concat();
            prop_assert_eq!(BlobHeader::parse(&forged), BlobHeader::parse(&blob));
            prop_assert!(material.decrypt(&context(), &forged).is_err());
        }
    }
}
