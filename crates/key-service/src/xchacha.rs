//! XChaCha20-Poly1305 from one buffer into another, so that a plaintext is never copied on its way.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

pub(crate) const NONCE_BYTES: usize = 24;
pub(crate) const TAG_BYTES: usize = 16;

/// The tag did not fit key, nonce, AAD and ciphertext.
#[derive(Debug)]
pub(crate) struct TagMismatch;

/// Encrypts `plaintext` into `ciphertext`, which has the same length, and answers the tag.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
) -> [u8; TAG_BYTES] {
    let buffer = InOutBuf::new(plaintext, ciphertext).expect("both buffers have one length");
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), aad, buffer);
    sealed.expect("a message has less than 256 GiB").into()
}

/// Checks the tag, then decrypts `ciphertext` into `plaintext`, which has the same length.
///
/// # Errors
/// [`TagMismatch`]; `plaintext` is untouched then.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; TAG_BYTES],
    plaintext: &mut [u8],
) -> Result<(), TagMismatch> {
    let buffer = InOutBuf::new(ciphertext, plaintext).map_err(|_| TagMismatch)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt_inout_detached(nonce.into(), aad, buffer, tag.into()).map_err(|_| TagMismatch)
}
