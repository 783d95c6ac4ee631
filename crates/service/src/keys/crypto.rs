//! What keys do. Each is a read: the key is the one of a state that has passed the barrier.

use std::sync::Arc;

use key_service::{BlobHeader, EncryptionContext, KeyMaterial, random_plaintext};
use state::{EncryptionKey, KeyManager};
use types::{ApiError, ErrorCode, Namespace, Plaintext};

use super::{SYMMETRIC_DEFAULT, arn_of, find, material_id, must_be_usable, usable};
use crate::api::keys::{
    DecryptInput, DecryptOutput, EncryptInput, EncryptOutput, GenerateDataKeyInput, GenerateDataKeyOutput,
    GenerateDataKeyWithoutPlaintextInput, GenerateDataKeyWithoutPlaintextOutput, GenerateRandomInput,
    GenerateRandomOutput, ReEncryptInput, ReEncryptOutput,
};
use crate::authorize::{Action, Authorized, Target, authorize};
use crate::door::{Read, UseCase, View};
use crate::shape::keys::{
    self as shape, DecryptRequest, EncryptRequest, GenerateDataKeyRequest, GenerateRandomRequest, KeyTarget,
    ReEncryptRequest,
};

const OTHER_KEY: &str = "The key ID in the request does not identify a CMK that can perform this operation.";

/// Encrypts a few bytes under a key.
pub(crate) struct Encrypt;

impl UseCase for Encrypt {
    type Input = EncryptInput;
    type Request = EncryptRequest;
    type Output = EncryptOutput;
    const ACTION: Action = Action::Encrypt;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::encrypt(input, namespace)
    }
}

impl Read for Encrypt {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = usable(&request.key, Self::ACTION, view)?;
        not_if_dry(request.dry_run)?;
        let (_, material) = newest(key, view)?;
        Ok(EncryptOutput {
            ciphertext_blob: encrypt(&material, &request.context.canonical, &request.plaintext)?,
            key_id: arn_of(key.id, &view.namespace),
            encryption_algorithm: SYMMETRIC_DEFAULT,
        })
    }
}

/// Decrypts what a key has encrypted. The ciphertext names the key.
pub(crate) struct Decrypt;

impl UseCase for Decrypt {
    type Input = DecryptInput;
    type Request = DecryptRequest;
    type Output = DecryptOutput;
    const ACTION: Action = Action::Decrypt;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::decrypt(input, namespace)
    }
}

impl Read for Decrypt {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let DecryptRequest { key, ciphertext, context, dry_run } = &*request;
        let opened = decrypt(key.as_ref(), ciphertext, &context.canonical, Self::ACTION, view)?;
        not_if_dry(*dry_run)?;
        Ok(DecryptOutput {
            key_id: arn_of(opened.key.id, &view.namespace),
            plaintext: opened.plaintext,
            encryption_algorithm: SYMMETRIC_DEFAULT,
            key_material_id: material_id(opened.key.id, opened.material),
        })
    }
}

/// Decrypts what one key has encrypted and encrypts it under another, or under the newest material of its own.
///
/// In policies it has two names, and both must be allowed: that of the source on the source's key.
pub(crate) struct ReEncrypt;

impl UseCase for ReEncrypt {
    type Input = ReEncryptInput;
    type Request = ReEncryptRequest;
    type Output = ReEncryptOutput;
    const ACTION: Action = Action::ReEncryptTo;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::re_encrypt(input, namespace)
    }
}

impl Read for ReEncrypt {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let source = request.source.as_ref();
        let opened =
            decrypt(source, &request.ciphertext, &request.source_context.canonical, Action::ReEncryptFrom, view)?;
        let to = usable(&request.destination, Self::ACTION, view)?;
        not_if_dry(request.dry_run)?;
        let (number, material) = newest(to, view)?;
        Ok(ReEncryptOutput {
            ciphertext_blob: encrypt(&material, &request.destination_context.canonical, &opened.plaintext)?,
            source_key_id: arn_of(opened.key.id, &view.namespace),
            key_id: arn_of(to.id, &view.namespace),
            source_encryption_algorithm: SYMMETRIC_DEFAULT,
            destination_encryption_algorithm: SYMMETRIC_DEFAULT,
            source_key_material_id: material_id(opened.key.id, opened.material),
            destination_key_material_id: material_id(to.id, number),
        })
    }
}

/// Makes a data key, and gives it in the clear and encrypted.
pub(crate) struct GenerateDataKey;

impl UseCase for GenerateDataKey {
    type Input = GenerateDataKeyInput;
    type Request = GenerateDataKeyRequest;
    type Output = GenerateDataKeyOutput;
    const ACTION: Action = Action::GenerateDataKey;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::generate_data_key(input, namespace)
    }
}

impl Read for GenerateDataKey {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let made = data_key(&request, Self::ACTION, view)?;
        Ok(GenerateDataKeyOutput {
            ciphertext_blob: made.ciphertext,
            plaintext: made.plaintext,
            key_id: arn_of(made.key.id, &view.namespace),
            key_material_id: material_id(made.key.id, made.material),
        })
    }
}

/// Makes a data key and gives it encrypted only.
pub(crate) struct GenerateDataKeyWithoutPlaintext;

impl UseCase for GenerateDataKeyWithoutPlaintext {
    type Input = GenerateDataKeyWithoutPlaintextInput;
    type Request = GenerateDataKeyRequest;
    type Output = GenerateDataKeyWithoutPlaintextOutput;
    const ACTION: Action = Action::GenerateDataKeyWithoutPlaintext;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::generate_data_key_without_plaintext(input, namespace)
    }
}

impl Read for GenerateDataKeyWithoutPlaintext {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let made = data_key(&request, Self::ACTION, view)?;
        Ok(GenerateDataKeyWithoutPlaintextOutput {
            ciphertext_blob: made.ciphertext,
            key_id: arn_of(made.key.id, &view.namespace),
            key_material_id: material_id(made.key.id, made.material),
        })
    }
}

/// Gives random bytes.
pub(crate) struct GenerateRandom;

impl UseCase for GenerateRandom {
    type Input = GenerateRandomInput;
    type Request = GenerateRandomRequest;
    type Output = GenerateRandomOutput;
    const ACTION: Action = Action::GenerateRandom;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::generate_random(input)
    }
}

impl Read for GenerateRandom {
    async fn act(request: Authorized<'_, Self::Request>, _: &View<'_>) -> Result<Self::Output, ApiError> {
        Ok(GenerateRandomOutput { plaintext: random_plaintext(request.bytes) })
    }
}

/// What a ciphertext holds, and what had encrypted it.
struct Decrypted<'a> {
    key: &'a Arc<EncryptionKey>,
    material: u32,
    plaintext: Plaintext,
}

/// Decrypts a ciphertext under the key that it names, which must be the given one where one is given.
///
/// # Errors
/// NotFound of the given key; IncorrectKey; what [`must_be_usable`] answers; KeyUnavailable; InvalidCiphertext, without
/// a word about which of key, context and bytes was wrong.
fn decrypt<'a>(
    given: Option<&KeyTarget>,
    ciphertext: &[u8],
    context: &EncryptionContext,
    action: Action,
    view: &'a View<'_>,
) -> Result<Decrypted<'a>, ApiError> {
    let given = given.map(|given| find(given, view)).transpose()?;
    let header = BlobHeader::parse(ciphertext).map_err(|_| refused())?;
    let named = view.state().encryption_key(&header.key);
    // What the service has wrapped under its own keys is no ciphertext of this API.
    let is_here = |key: &&Arc<EncryptionKey>| {
        key.account == header.account && key.is_found_in(&view.namespace) && key.manager == KeyManager::Customer
    };
    let key = named.filter(is_here).ok_or_else(refused)?;
    if given.is_some_and(|given| given.id != key.id) {
        return Err(ApiError::new(ErrorCode::IncorrectKey, OTHER_KEY));
    }
    authorize(&view.principal, action, &OnKey(arn_of(key.id, &view.namespace)), &mut None)?;
    must_be_usable(key, action, view)?;
    if key.material_numbered(header.material).is_none() {
        return Err(refused());
    }
    let material = view.vault.material(key, header.material).ok_or(ErrorCode::KeyUnavailable)?;
    let plaintext = material.decrypt(context, ciphertext).map_err(|_| refused())?;
    Ok(Decrypted { key, material: header.material, plaintext })
}

/// A key by its ARN, for a decision about it.
struct OnKey(String);

impl Target for OnKey {
    fn resource(&self) -> Option<&str> {
        Some(&self.0)
    }
}

/// A data key.
struct MadeDataKey<'a> {
    key: &'a Arc<EncryptionKey>,
    material: u32,
    plaintext: Plaintext,
    ciphertext: Vec<u8>,
}

fn data_key<'a>(
    request: &GenerateDataKeyRequest,
    action: Action,
    view: &'a View<'_>,
) -> Result<MadeDataKey<'a>, ApiError> {
    let key = usable(&request.key, action, view)?;
    not_if_dry(request.dry_run)?;
    let (number, material) = newest(key, view)?;
    let plaintext = random_plaintext(request.bytes);
    let ciphertext = encrypt(&material, &request.context.canonical, &plaintext)?;
    Ok(MadeDataKey { key, material: number, plaintext, ciphertext })
}

/// Encrypts what has a length that fits into a ciphertext, as the shapes see to.
fn encrypt(material: &KeyMaterial, context: &EncryptionContext, plaintext: &Plaintext) -> Result<Vec<u8>, ApiError> {
    material.encrypt(context, plaintext).map_err(|_| ErrorCode::InternalService.into())
}

fn newest(key: &EncryptionKey, view: &View<'_>) -> Result<(u32, Arc<KeyMaterial>), ApiError> {
    view.vault.usable(key).ok_or(ErrorCode::KeyUnavailable.into())
}

/// Ends a dry run that would have worked.
fn not_if_dry(dry_run: bool) -> Result<(), ApiError> {
    if dry_run { Err(ErrorCode::DryRunOperation.into()) } else { Ok(()) }
}

fn refused() -> ApiError {
    ErrorCode::InvalidCiphertext.into()
}
