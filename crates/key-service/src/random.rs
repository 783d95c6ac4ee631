//! The one place where randomness enters.

use types::Plaintext;

use crate::memory::LockedKey;

/// Draws `N` bytes from the operating system: nonces, salts, ids, suffixes. Keys are drawn where they live.
///
/// # Panics
/// When the operating system has no entropy to give. Nothing can be sealed safely after that, so the node stops.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut drawn = [0; N];
    fill(&mut drawn);
    drawn
}

/// Draws so many bytes that go to a caller in the clear.
///
/// # Panics
/// As [`bytes`].
pub fn plaintext(length: usize) -> Plaintext {
    let mut drawn = vec![0; length];
    fill(&mut drawn);
    Plaintext::new(drawn)
}

/// Draws a key where it will live.
///
/// # Panics
/// As [`bytes`].
pub(crate) fn key() -> LockedKey {
    let born = LockedKey::born(|key| {
        fill(key);
        Ok::<(), std::convert::Infallible>(())
    });
    match born {
        Ok(key) => key,
        Err(never) => match never {},
    }
}

/// Fills what is to hold random bytes where they will live.
///
/// # Panics
/// As [`bytes`].
pub(crate) fn fill(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system gives randomness");
}
