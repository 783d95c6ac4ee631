//! Builds what Poly1305 does not rule out: one ciphertext with one tag that opens under two keys.
//!
//! With two blocks to choose, the tags under both keys are two linear equations modulo 2^130-5 with two unknowns.
//! A solution serves if both unknowns are blocks, which one tag in some sixteen gives; so tags are tried in turn.
//! See "Partitioning Oracle Attacks" (Len, Grubbs, Ristenpart, USENIX Security 2021), appendix A.

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use num_bigint::BigUint;

const CIPHERTEXT_BYTES: usize = 32;

/// A key and the nonce it is used with.
pub(crate) type KeyAndNonce<'a> = (&'a [u8; 32], &'a [u8; 24]);

/// A ciphertext of two blocks and its tag, authentic under both keys with that AAD.
pub(crate) fn one_ciphertext_for_two(
    aad: &[u8],
    one: KeyAndNonce<'_>,
    two: KeyAndNonce<'_>,
) -> ([u8; CIPHERTEXT_BYTES], [u8; 16]) {
    let field = Field::new();
    let (one, two) = (Equation::new(&field, aad, one), Equation::new(&field, aad, two));
    for tag in 1u128.. {
        // first * r + second = d, for each key
        let (d_one, d_two) = (one.right_side(&field, tag), two.right_side(&field, tag));
        let first = field.div(&field.sub(&d_one, &d_two), &field.sub(&one.r, &two.r));
        let second = field.sub(&d_one, &(&first * &one.r));
        if let (Some(first), Some(second)) = (as_block(&first), as_block(&second)) {
            let mut ciphertext = [0; CIPHERTEXT_BYTES];
            ciphertext[..16].copy_from_slice(&first);
            ciphertext[16..].copy_from_slice(&second);
            return (ciphertext, tag.to_le_bytes());
        }
    }
    unreachable!("one tag in sixteen gives two blocks")
}

/// Poly1305 under one key, up to the two unknown blocks.
struct Equation {
    r: BigUint,
    s: u128,
    /// The accumulator after the AAD.
    after_aad: BigUint,
    lengths: BigUint,
}

impl Equation {
    fn new(field: &Field, aad: &[u8], (key, nonce): KeyAndNonce<'_>) -> Self {
        let mut one_time_key = [0; 32];
        XChaCha20::new(key.into(), nonce.into()).apply_keystream(&mut one_time_key);
        let (r, s) = one_time_key.split_at(16);
        let r = u128::from_le_bytes(r.try_into().unwrap()) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
        let r = BigUint::from(r);
        let mut after_aad = BigUint::ZERO;
        for chunk in aad.chunks(16) {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            after_aad = (after_aad + of_block(&block)) * &r % &field.p;
        }
        let mut lengths = [0; 16];
        lengths[..8].copy_from_slice(&(aad.len() as u64).to_le_bytes());
        lengths[8..].copy_from_slice(&(CIPHERTEXT_BYTES as u64).to_le_bytes());
        Self { r, s: u128::from_le_bytes(s.try_into().unwrap()), after_aad, lengths: of_block(&lengths) }
    }

    /// `d` of `first * r + second = d`, for this tag.
    fn right_side(&self, field: &Field, tag: u128) -> BigUint {
        let sum = BigUint::from(tag.wrapping_sub(self.s));
        let known = &self.lengths * &self.r;
        let square = &self.r * &self.r;
        let rest = field.div(&field.sub(&sum, &known), &square);
        field.sub(&rest, &(&self.after_aad * &self.r))
    }
}

/// Integers modulo 2^130-5.
struct Field {
    p: BigUint,
}

impl Field {
    fn new() -> Self {
        Self { p: (BigUint::from(1u8) << 130u32) - 5u8 }
    }

    fn sub(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + &self.p - b % &self.p) % &self.p
    }

    fn div(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a * b.modpow(&(&self.p - 2u8), &self.p) % &self.p
    }
}

/// A full block counts with one more bit on top.
fn of_block(block: &[u8; 16]) -> BigUint {
    BigUint::from(u128::from_le_bytes(*block)) + (BigUint::from(1u8) << 128u32)
}

fn as_block(number: &BigUint) -> Option<[u8; 16]> {
    let low = u128::try_from(number % (BigUint::from(1u8) << 128u32)).unwrap();
    (number >> 128u32 == BigUint::from(1u8)).then(|| low.to_le_bytes())
}
