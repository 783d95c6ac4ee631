//! Bytes that must not be printed, cloned by accident, or left in memory.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A customer's value in the clear. It is zeroed when dropped and prints its length only.
pub struct Plaintext(Zeroizing<Box<[u8]>>);

impl Plaintext {
    /// Takes ownership of `bytes`; the vector's spare capacity is given back first.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes.into_boxed_slice()))
    }

    /// Copies `bytes` into one exact allocation, so that no network buffer stays pinned.
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Box::from(bytes)))
    }

    /// The bytes, for sealing or for the answer to an authorized caller.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// The number of bytes, which is not itself a secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes)", self.0.len())
    }
}

/// A 32-byte key or MAC key: boxed where it is born, zeroed when dropped, printed by name only.
pub struct SecretBytes(Box<Zeroizing<[u8; 32]>>);

impl SecretBytes {
    /// Copies the key into its own heap allocation.
    pub fn copy_from(bytes: &[u8; 32]) -> Self {
        let mut boxed = Box::new(Zeroizing::new([0u8; 32]));
        boxed.copy_from_slice(bytes);
        Self(boxed)
    }

    /// Lets `fill` write the key in place, so that no copy of it is left on the stack.
    ///
    /// # Errors
    /// Whatever `fill` answers.
    pub fn born<E>(fill: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut boxed = Box::new(Zeroizing::new([0u8; 32]));
        fill(&mut boxed)?;
        Ok(Self(boxed))
    }

    /// The key itself.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares two keys in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_bytes() {
        let value = Plaintext::new(b"hunter2".to_vec());
        assert_eq!(format!("{value:?}"), "Plaintext(7 bytes)");
        assert_eq!(format!("{:?}", SecretBytes::copy_from(&[7; 32])), "SecretBytes");
    }
}
