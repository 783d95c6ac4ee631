//! XChaCha20-Poly1305 from one buffer into another.
//!
//! It is HChaCha20 and the ChaCha20-Poly1305 of aws-lc, which TLS brings along. On messages as short as secrets that
//! takes half the time of the crate `chacha20poly1305`, which tests hold it against.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20::{R20, hchacha};
use zeroize::Zeroizing;

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
    let (key, nonce) = derive(key, nonce);
    ciphertext.copy_from_slice(plaintext);
    let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(aad), ciphertext);
    let tag = sealed.expect("a message has less than 256 GiB");
    tag.as_ref().try_into().expect("a tag has 16 bytes")
}

/// Decrypts `ciphertext` into `plaintext`, which has the same length, if the tag fits.
///
/// # Errors
/// [`TagMismatch`]; `plaintext` tells nothing then.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; TAG_BYTES],
    plaintext: &mut [u8],
) -> Result<(), TagMismatch> {
    let (key, nonce) = derive(key, nonce);
    let opened = key.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, plaintext);
    opened.map_err(|_| TagMismatch)
}

/// Key and nonce of ChaCha20-Poly1305, by draft-irtf-cfrg-xchacha-03, section 2.3. aws-lc zeroizes what it frees.
fn derive(key: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> (LessSafeKey, Nonce) {
    let (input, rest) = nonce.split_first_chunk::<16>().expect("a nonce has 24 bytes");
    let subkey = Zeroizing::new(<[u8; 32]>::from(hchacha::<R20>(key.into(), input.into())));
    let subkey = UnboundKey::new(&CHACHA20_POLY1305, subkey.as_slice()).expect("a key has 32 bytes");
    let mut short = [0; 12];
    short[4..].copy_from_slice(rest);
    (LessSafeKey::new(subkey), Nonce::assume_unique_for_key(short))
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::{Aead, Payload};
    use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

    use super::*;
    use crate::random;

    #[test]
    fn it_agrees_with_another_implementation() {
        for length in (0..=300).chain([4_096, 65_536]) {
            let (key, nonce): ([u8; 32], [u8; NONCE_BYTES]) = (random::bytes(), random::bytes());
            let plaintext: Vec<u8> = random::bytes::<64>().iter().copied().cycle().take(length).collect();
            let aad = &plaintext[..length / 3];

            let oracle = XChaCha20Poly1305::new(&key.into());
            let expected = oracle.encrypt(&nonce.into(), Payload { msg: &plaintext, aad }).unwrap();
            let mut sealed = vec![0; length];
            let tag = encrypt(&key, &nonce, aad, &plaintext, &mut sealed);
            assert!([sealed.as_slice(), &tag].concat() == expected, "{length} bytes");

            let mut opened = vec![0; length];
            decrypt(&key, &nonce, aad, &sealed, &tag, &mut opened).unwrap();
            assert!(opened == plaintext, "{length} bytes");
            let mut other_tag = tag;
            other_tag[length % TAG_BYTES] ^= 1;
            decrypt(&key, &nonce, aad, &sealed, &other_tag, &mut opened).unwrap_err();
        }
    }

    #[test]
    fn what_is_not_authentic_leaves_no_plaintext() {
        let (key, nonce) = ([1; 32], [2; NONCE_BYTES]);
        let (plaintext, mut sealed, mut opened) = ([0x5a; 100], [0; 100], [0; 100]);
        let tag = encrypt(&key, &nonce, b"aad", &plaintext, &mut sealed);
        decrypt(&key, &nonce, b"other", &sealed, &tag, &mut opened).unwrap_err();
        assert!(opened.windows(8).all(|window| window != &plaintext[..8]));
    }
}
