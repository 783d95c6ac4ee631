//! What keys do: encrypt, decrypt, and make data keys.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use types::{ApiError, ErrorCode, Namespace, Plaintext, limits};

use super::{Context, Forms, KeyTarget, take_context, take_grant_tokens, take_key_id, unsupported};
use crate::api::keys::{
    DecryptInput, EncryptInput, GenerateDataKeyInput, GenerateDataKeyWithoutPlaintextInput, GenerateRandomInput,
    ReEncryptInput, RecipientInput,
};
use crate::authorize::Target;
use crate::shape::constraints::Constraints;

const NO_ENCLAVES: &str = "Answers for enclaves are not available here.";
const NO_MODIFIERS: &str = "DryRunModifiers are not available here.";
const NO_STORES: &str = "Custom key stores are not available here.";
const OTHER_ALGORITHM: &str = "The EncryptionAlgorithm is not one of a symmetric key: SYMMETRIC_DEFAULT is.";
const SPEC_OR_BYTES: &str = "Please specify either number of bytes or key spec.";
const NO_BYTES: &str = "NumberOfBytes is required.";
const ALGORITHMS: &[(&str, bool)] =
    &[("SYMMETRIC_DEFAULT", true), ("RSAES_OAEP_SHA_1", false), ("RSAES_OAEP_SHA_256", false), ("SM2PKE", false)];
const DATA_KEY_SPECS: &[(&str, usize)] = &[("AES_256", 32), ("AES_128", 16)];
const MECHANISMS: &[(&str, ())] = &[("RSAES_OAEP_SHA_256", ())];
const MODIFIERS: &[(&str, ())] = &[("IGNORE_CIPHERTEXT", ())];
const CIPHERTEXT_BYTES: RangeInclusive<usize> = 1..=limits::CIPHERTEXT_BLOB_BYTES;

/// Encrypt, parsed.
#[derive(Debug)]
pub(crate) struct EncryptRequest {
    pub(crate) key: KeyTarget,
    /// 1 to 4,096 bytes.
    pub(crate) plaintext: Plaintext,
    pub(crate) context: Context,
    pub(crate) dry_run: bool,
}

/// Decrypt, parsed.
#[derive(Debug)]
pub(crate) struct DecryptRequest {
    /// The key that must have encrypted it.
    pub(crate) key: Option<KeyTarget>,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) context: Context,
    pub(crate) dry_run: bool,
}

/// ReEncrypt, parsed.
#[derive(Debug)]
pub(crate) struct ReEncryptRequest {
    /// The key that must have encrypted it.
    pub(crate) source: Option<KeyTarget>,
    pub(crate) destination: KeyTarget,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) source_context: Context,
    pub(crate) destination_context: Context,
    pub(crate) dry_run: bool,
}

/// GenerateDataKey and GenerateDataKeyWithoutPlaintext, parsed.
#[derive(Debug)]
pub(crate) struct GenerateDataKeyRequest {
    pub(crate) key: KeyTarget,
    pub(crate) context: Context,
    /// The length of the data key: 1 to 1,024.
    pub(crate) bytes: usize,
    pub(crate) dry_run: bool,
}

/// GenerateRandom, parsed.
#[derive(Debug)]
pub(crate) struct GenerateRandomRequest {
    /// 1 to 1,024.
    pub(crate) bytes: usize,
}

type Pairs = Arc<BTreeMap<String, String>>;

impl Target for EncryptRequest {
    fn resource(&self) -> Option<&str> {
        Some(&self.key.given)
    }

    fn encryption_contexts(&self) -> Vec<Pairs> {
        vec![self.context.pairs.clone()]
    }
}

impl Target for DecryptRequest {
    fn resource(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.given.as_str())
    }

    fn encryption_contexts(&self) -> Vec<Pairs> {
        vec![self.context.pairs.clone()]
    }
}

impl Target for ReEncryptRequest {
    fn resource(&self) -> Option<&str> {
        Some(&self.destination.given)
    }

    fn encryption_contexts(&self) -> Vec<Pairs> {
        vec![self.source_context.pairs.clone(), self.destination_context.pairs.clone()]
    }
}

impl Target for GenerateDataKeyRequest {
    fn resource(&self) -> Option<&str> {
        Some(&self.key.given)
    }

    fn encryption_contexts(&self) -> Vec<Pairs> {
        vec![self.context.pairs.clone()]
    }
}

impl Target for GenerateRandomRequest {
    fn resource(&self) -> Option<&str> {
        None
    }
}

/// Parses Encrypt.
pub(crate) fn encrypt(input: EncryptInput, namespace: &Namespace) -> Result<EncryptRequest, ApiError> {
    let mut constraints = Constraints::default();
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    if input.plaintext.is_none() {
        constraints.null("plaintext");
    }
    let length = input.plaintext.as_ref().map(Plaintext::len);
    constraints.sensitive("plaintext", length, 1..=limits::ENCRYPTED_PLAINTEXT_BYTES);
    let context = take_context(&mut constraints, "encryptionContext", input.encryption_context);
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    let symmetric = take_algorithm(&mut constraints, "encryptionAlgorithm", input.encryption_algorithm.as_deref());
    constraints.finish()?;

    let key = KeyTarget::of_forms(key_id, namespace, Forms::All)?;
    must_be_symmetric(symmetric)?;
    // It is there, or its constraint would have failed.
    let plaintext = input.plaintext.ok_or(ErrorCode::InternalService)?;
    Ok(EncryptRequest { key, plaintext, context, dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses Decrypt.
pub(crate) fn decrypt(input: DecryptInput, namespace: &Namespace) -> Result<DecryptRequest, ApiError> {
    let mut constraints = Constraints::default();
    let ciphertext = take_ciphertext(&mut constraints, input.ciphertext_blob);
    let context = take_context(&mut constraints, "encryptionContext", input.encryption_context);
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    let key_id = input.key_id.map(|key_id| take_key_id(&mut constraints, "keyId", Some(key_id)));
    let symmetric = take_algorithm(&mut constraints, "encryptionAlgorithm", input.encryption_algorithm.as_deref());
    take_recipient(&mut constraints, input.recipient.as_ref());
    take_modifiers(&mut constraints, input.dry_run_modifiers.as_deref());
    constraints.finish()?;

    let key = key_id.map(|key_id| KeyTarget::of_forms(key_id, namespace, Forms::All)).transpose()?;
    must_be_symmetric(symmetric)?;
    must_have_no_recipient(input.recipient.as_ref())?;
    must_have_no_modifiers(input.dry_run_modifiers.as_deref())?;
    Ok(DecryptRequest { key, ciphertext, context, dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses ReEncrypt.
pub(crate) fn re_encrypt(input: ReEncryptInput, namespace: &Namespace) -> Result<ReEncryptRequest, ApiError> {
    let mut constraints = Constraints::default();
    let ciphertext = take_ciphertext(&mut constraints, input.ciphertext_blob);
    let source_context = take_context(&mut constraints, "sourceEncryptionContext", input.source_encryption_context);
    let source = input.source_key_id.map(|key_id| take_key_id(&mut constraints, "sourceKeyId", Some(key_id)));
    let destination = take_key_id(&mut constraints, "destinationKeyId", input.destination_key_id);
    let given = input.destination_encryption_context;
    let destination_context = take_context(&mut constraints, "destinationEncryptionContext", given);
    let algorithm = input.source_encryption_algorithm;
    let from = take_algorithm(&mut constraints, "sourceEncryptionAlgorithm", algorithm.as_deref());
    let algorithm = input.destination_encryption_algorithm;
    let to = take_algorithm(&mut constraints, "destinationEncryptionAlgorithm", algorithm.as_deref());
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    take_modifiers(&mut constraints, input.dry_run_modifiers.as_deref());
    constraints.finish()?;

    let source = source.map(|key_id| KeyTarget::of_forms(key_id, namespace, Forms::All)).transpose()?;
    let destination = KeyTarget::of_forms(destination, namespace, Forms::All)?;
    must_be_symmetric(from)?;
    must_be_symmetric(to)?;
    must_have_no_modifiers(input.dry_run_modifiers.as_deref())?;
    Ok(ReEncryptRequest {
        source,
        destination,
        ciphertext,
        source_context,
        destination_context,
        dry_run: input.dry_run.unwrap_or(false),
    })
}

/// Parses GenerateDataKey.
pub(crate) fn generate_data_key(
    input: GenerateDataKeyInput,
    namespace: &Namespace,
) -> Result<GenerateDataKeyRequest, ApiError> {
    let mut constraints = Constraints::default();
    take_recipient(&mut constraints, input.recipient.as_ref());
    let recipient = input.recipient;
    let input = GenerateDataKeyWithoutPlaintextInput {
        key_id: input.key_id,
        encryption_context: input.encryption_context,
        key_spec: input.key_spec,
        number_of_bytes: input.number_of_bytes,
        grant_tokens: input.grant_tokens,
        dry_run: input.dry_run,
    };
    let request = data_key(constraints, input, namespace)?;
    must_have_no_recipient(recipient.as_ref())?;
    Ok(request)
}

/// Parses GenerateDataKeyWithoutPlaintext.
pub(crate) fn generate_data_key_without_plaintext(
    input: GenerateDataKeyWithoutPlaintextInput,
    namespace: &Namespace,
) -> Result<GenerateDataKeyRequest, ApiError> {
    data_key(Constraints::default(), input, namespace)
}

fn data_key(
    mut constraints: Constraints,
    input: GenerateDataKeyWithoutPlaintextInput,
    namespace: &Namespace,
) -> Result<GenerateDataKeyRequest, ApiError> {
    let key_id = take_key_id(&mut constraints, "keyId", input.key_id);
    let context = take_context(&mut constraints, "encryptionContext", input.encryption_context);
    let bytes = take_bytes(&mut constraints, input.number_of_bytes);
    let spec = constraints.one_of("keySpec", input.key_spec.as_deref(), DATA_KEY_SPECS);
    take_grant_tokens(&mut constraints, input.grant_tokens.as_deref());
    constraints.finish()?;

    let key = KeyTarget::of_forms(key_id, namespace, Forms::All)?;
    let ((Some(bytes), None) | (None, Some(bytes))) = (bytes, spec) else {
        return Err(ApiError::new(ErrorCode::Validation, SPEC_OR_BYTES));
    };
    Ok(GenerateDataKeyRequest { key, context, bytes, dry_run: input.dry_run.unwrap_or(false) })
}

/// Parses GenerateRandom.
pub(crate) fn generate_random(input: GenerateRandomInput) -> Result<GenerateRandomRequest, ApiError> {
    let mut constraints = Constraints::default();
    let bytes = take_bytes(&mut constraints, input.number_of_bytes);
    let store = constraints.text("customKeyStoreId", input.custom_key_store_id, 1..=limits::CUSTOM_KEY_STORE_ID_CHARS);
    take_recipient(&mut constraints, input.recipient.as_ref());
    constraints.finish()?;
    if store.is_some() {
        return Err(unsupported(NO_STORES));
    }
    must_have_no_recipient(input.recipient.as_ref())?;
    let bytes = bytes.ok_or(ApiError::new(ErrorCode::Validation, NO_BYTES))?;
    Ok(GenerateRandomRequest { bytes })
}

fn take_ciphertext(constraints: &mut Constraints, given: Option<Vec<u8>>) -> Vec<u8> {
    if given.is_none() {
        constraints.null("ciphertextBlob");
    }
    // Bytes are not repeated in an error.
    constraints.sensitive("ciphertextBlob", given.as_ref().map(Vec::len), CIPHERTEXT_BYTES);
    given.unwrap_or_default()
}

fn take_bytes(constraints: &mut Constraints, given: Option<i64>) -> Option<usize> {
    let bytes = constraints.number("numberOfBytes", given, limits::GENERATED_BYTES);
    bytes.and_then(|bytes| usize::try_from(bytes).ok())
}

fn take_algorithm(constraints: &mut Constraints, path: &str, given: Option<&str>) -> bool {
    constraints.one_of(path, given, ALGORITHMS).unwrap_or(true)
}

fn take_recipient(constraints: &mut Constraints, given: Option<&RecipientInput>) {
    let Some(recipient) = given else { return };
    let mechanism = recipient.key_encryption_algorithm.as_deref();
    constraints.one_of("recipient.keyEncryptionAlgorithm", mechanism, MECHANISMS);
    let length = recipient.attestation_document.as_ref().map(Vec::len);
    constraints.sensitive("recipient.attestationDocument", length, limits::ATTESTATION_DOCUMENT_BYTES);
}

fn take_modifiers(constraints: &mut Constraints, given: Option<&[String]>) {
    let Some(given) = given else { return };
    for (position, modifier) in given.iter().enumerate() {
        constraints.one_of(&format!("dryRunModifiers.{}.member", position + 1), Some(modifier), MODIFIERS);
    }
}

fn must_be_symmetric(symmetric: bool) -> Result<(), ApiError> {
    // AWS says InvalidKeyUsageException of keys that have another algorithm; here no key has one.
    if symmetric { Ok(()) } else { Err(ApiError::new(ErrorCode::InvalidKeyUsage, OTHER_ALGORITHM)) }
}

fn must_have_no_recipient(given: Option<&RecipientInput>) -> Result<(), ApiError> {
    if given.is_none() { Ok(()) } else { Err(unsupported(NO_ENCLAVES)) }
}

fn must_have_no_modifiers(given: Option<&[String]>) -> Result<(), ApiError> {
    if given.is_none_or(<[String]>::is_empty) { Ok(()) } else { Err(unsupported(NO_MODIFIERS)) }
}
