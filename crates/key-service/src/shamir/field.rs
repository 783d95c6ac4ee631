//! Shamir's secret sharing, byte by byte over GF(256) with the polynomial of AES.
//!
//! "How to share a secret" (Shamir, CACM 1979). No step depends on the value of a byte that is secret: no table is
//! looked up and no branch taken. The crates that do this bring arithmetic of elliptic curves along, which is not
//! needed here.

use std::convert::Infallible;

use zeroize::Zeroizing;

use crate::memory::{KEY_BYTES, LockedKey};

/// The values at 1, 2, ... `count` of polynomials of degree `threshold - 1` whose values at 0 are the key.
pub(super) fn split(
    key: &LockedKey,
    threshold: u8,
    count: u8,
    randomness: impl FnOnce(&mut [u8]),
) -> impl Iterator<Item = LockedKey> {
    let degree = usize::from(threshold) - 1;
    let mut coefficients = Zeroizing::new(vec![0; degree * KEY_BYTES]);
    randomness(&mut coefficients);
    let evaluate = move |x: u8| {
        born(|share| {
            // By Horner, from the highest coefficient to the key.
            for coefficient in coefficients.chunks_exact(KEY_BYTES).chain([key.expose_secret().as_slice()]) {
                for (byte, coefficient) in share.iter_mut().zip(coefficient) {
                    *byte = mul(*byte, x) ^ coefficient;
                }
            }
        })
    };
    (1..=count).map(evaluate)
}

/// The values at 0 of the polynomials through those points, of which no two have one x.
pub(super) fn combine<'a>(points: impl Iterator<Item = (u8, &'a LockedKey)> + Clone) -> LockedKey {
    born(|key| {
        for (x, share) in points.clone() {
            let others = points.clone().map(|(other, _)| other).filter(|other| *other != x);
            // Subtraction is XOR, so the weight at 0 is the product of other / (other - x).
            let weight = others.fold(1, |weight, other| mul(weight, mul(other, invert(other ^ x))));
            for (byte, value) in key.iter_mut().zip(share.expose_secret()) {
                *byte ^= mul(*value, weight);
            }
        }
    })
}

fn born(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> LockedKey {
    let born = LockedKey::born(|key| {
        fill(key);
        Ok::<(), Infallible>(())
    });
    match born {
        Ok(key) => key,
        Err(never) => match never {},
    }
}

/// Multiplies modulo x^8 + x^4 + x^3 + x + 1.
const fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    let mut round = 0;
    while round < 8 {
        product ^= a & 0u8.wrapping_sub(b & 1);
        a = (a << 1) ^ (0x1b & 0u8.wrapping_sub(a >> 7));
        b >>= 1;
        round += 1;
    }
    product
}

/// The inverse, which is the power of 254; 0 for 0.
const fn invert(a: u8) -> u8 {
    let mut power = a;
    let mut round = 0;
    // 254 is 0b1111_1110: six times square and multiply, then a square.
    while round < 6 {
        power = mul(mul(power, power), a);
        round += 1;
    }
    mul(power, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_fips_197() {
        assert_eq!((mul(0x57, 0x83), mul(0x57, 0x13), mul(0x57, 0x02)), (0xc1, 0xfe, 0xae));
    }

    #[test]
    fn it_is_a_field() {
        for a in 1..=255 {
            assert_eq!(mul(a, invert(a)), 1, "{a}");
            assert_eq!((mul(a, 1), mul(1, a), mul(a, 0), mul(0, a)), (a, a, 0, 0));
            for b in 0..=255 {
                assert_eq!(mul(a, b), mul(b, a));
                assert_eq!(mul(a, b ^ 0x35), mul(a, b) ^ mul(a, 0x35));
            }
        }
    }

    /// By hand: the key byte 0x2a and the coefficient 0x07 give 0x2a ^ 0x07 x.
    #[test]
    fn shares_are_the_values_of_the_polynomial() {
        let key = LockedKey::copy_from(&[0x2a; KEY_BYTES]);
        let shares: Vec<LockedKey> = split(&key, 2, 3, |coefficients| coefficients.fill(0x07)).collect();
        for (share, value) in shares.iter().zip([0x2d, 0x24, 0x23]) {
            assert_eq!(share.expose_secret(), &[value; KEY_BYTES]);
        }
        let points = [(3, &shares[2]), (1, &shares[0])];
        assert_eq!(combine(points.into_iter()).expose_secret(), &[0x2a; KEY_BYTES]);
    }

    /// With one share missing, every value of the key is as likely as any other: for each there is one polynomial.
    #[test]
    fn one_share_too_few_tells_nothing() {
        let key = LockedKey::copy_from(&[0x99; KEY_BYTES]);
        let shares: Vec<LockedKey> = split(&key, 3, 5, crate::random::fill).collect();
        let mut keys = std::collections::BTreeSet::new();
        for guess in 0..=255 {
            let guess = LockedKey::copy_from(&[guess; KEY_BYTES]);
            let points = [(1, &shares[0]), (4, &shares[3]), (5, &guess)];
            keys.insert(combine(points.into_iter()).expose_secret()[0]);
        }
        assert_eq!(keys.len(), 256);
    }
}
