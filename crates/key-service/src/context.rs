//! Encryption contexts: what a data key is bound to beside its key.

use types::{SecretArn, VersionId};

use crate::bytes::{length, put_prefixed};

/// Bytes of an encryption context in its canonical form.
pub const CONTEXT_BYTES: usize = 8 << 10;

/// A set of pairs that is no encryption context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// A pair without a key.
    #[error("an encryption context has no empty keys")]
    EmptyKey,
    /// Two pairs with one key.
    #[error("an encryption context has each key once")]
    DuplicateKey,
    /// More than [`CONTEXT_BYTES`].
    #[error("an encryption context has at most {CONTEXT_BYTES} bytes")]
    TooLarge,
}

/// String pairs that must be given again, exactly, to unwrap a data key.
///
/// Kept in the canonical form `count u16 | (key length u16 | key | value length u16 | value)*`, sorted by the UTF-8
/// bytes of the keys, without any normalisation. No context and the empty context are the same.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionContext {
    canonical: Vec<u8>,
}

impl EncryptionContext {
    /// Makes a context from its pairs, in any order.
    ///
    /// # Errors
    /// The rule that the pairs break.
    pub fn new(pairs: &[(&str, &str)]) -> Result<Self, ContextError> {
        if pairs.iter().any(|(key, _)| key.is_empty()) {
            return Err(ContextError::EmptyKey);
        }
        let bytes: usize = 2 + pairs.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>();
        if bytes > CONTEXT_BYTES {
            return Err(ContextError::TooLarge);
        }
        let mut sorted = pairs.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(ContextError::DuplicateKey);
        }
        Ok(Self::from_sorted(&sorted, bytes))
    }

    fn from_sorted(pairs: &[(&str, &str)], bytes: usize) -> Self {
        let mut canonical = Vec::with_capacity(bytes);
        // A pair takes five bytes or more, so CONTEXT_BYTES bounds their number below the range of u16.
        let count = u16::try_from(pairs.len()).expect("a context has less than 65,536 pairs");
        canonical.extend_from_slice(&count.to_le_bytes());
        for (key, value) in pairs {
            put_prefixed(&mut canonical, key.as_bytes());
            put_prefixed(&mut canonical, value.as_bytes());
        }
        Self { canonical }
    }

    /// The canonical bytes, which are the AAD of a wrapped data key.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }
}

impl Default for EncryptionContext {
    fn default() -> Self {
        Self::from_sorted(&[], 2)
    }
}

// A context names a secret: a log line shows that there was one, not which.
impl std::fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncryptionContext({} bytes)", self.canonical.len())
    }
}

/// The context of a secret version's data key: `{SecretARN, SecretVersionId}`, as AWS Secrets Manager has it.
///
/// # Panics
/// When ARN or version id have 64 KiB, which their types rule out.
pub fn secret_context(arn: &SecretArn, version: &VersionId) -> EncryptionContext {
    let pairs = [("SecretARN", arn.as_str()), ("SecretVersionId", version.as_str())];
    let bytes = 2 + pairs.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>();
    EncryptionContext::from_sorted(&pairs, bytes)
}

/// The AAD of a value: `suite u8 | ARN length u16 | ARN | version id length u16 | version id | kind u8`.
pub(crate) fn value_aad(suite: u8, arn: &SecretArn, version: &VersionId, kind: u8) -> Vec<u8> {
    let (arn, version) = (arn.as_str().as_bytes(), version.as_str().as_bytes());
    [&[suite][..], &length(arn), arn, &length(version), version, &[kind]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{self, Golden};

    #[test]
    fn canonical_form_is_the_recorded_one() {
        let golden = Golden::parse(include_str!("../../../tests/golden/key-service/context.txt"));
        let context = EncryptionContext::new(&[("ä", "ü"), ("b", ""), ("a", "1"), ("B", "2")]).unwrap();
        golden.check("unsorted-pairs", context.canonical());
        golden.check("empty", EncryptionContext::default().canonical());
        let context = secret_context(&golden::arn(), &golden::version());
        golden.check("secret", context.canonical());
    }

    #[test]
    fn order_of_pairs_does_not_matter() {
        let one = EncryptionContext::new(&[("a", "1"), ("b", "2")]).unwrap();
        let other = EncryptionContext::new(&[("b", "2"), ("a", "1")]).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn a_pair_cannot_lend_bytes_to_its_neighbour() {
        let contexts = [
            EncryptionContext::new(&[("a", "bc")]).unwrap(),
            EncryptionContext::new(&[("ab", "c")]).unwrap(),
            EncryptionContext::new(&[("a", ""), ("b", "c")]).unwrap(),
        ];
        assert_ne!(contexts[0], contexts[1]);
        assert_ne!(contexts[0], contexts[2]);
    }

    #[test]
    fn limits_are_held() {
        assert_eq!(EncryptionContext::new(&[("b", "2"), ("", "")]), Err(ContextError::EmptyKey));
        assert_eq!(EncryptionContext::new(&[("a", "1"), ("a", "2")]), Err(ContextError::DuplicateKey));
        let fits = "x".repeat(CONTEXT_BYTES - 2 - 4 - 1);
        assert_eq!(EncryptionContext::new(&[("a", &fits)]).unwrap().canonical().len(), CONTEXT_BYTES);
        let too_large = "x".repeat(CONTEXT_BYTES - 2 - 4);
        assert_eq!(EncryptionContext::new(&[("a", &too_large)]), Err(ContextError::TooLarge));
    }

    #[test]
    fn the_context_of_a_secret_is_a_context_of_its_pairs() {
        let (arn, version) = (golden::arn(), golden::version());
        let pairs = [("SecretVersionId", version.as_str()), ("SecretARN", arn.as_str())];
        assert_eq!(secret_context(&arn, &version), EncryptionContext::new(&pairs).unwrap());
    }
}
