//! A value in the clear.

use std::fmt;
use std::str::Utf8Error;

use zeroize::Zeroizing;

/// A secret's value: text (SecretString) or bytes (SecretBinary). It is zeroed when dropped, prints its length only,
/// and shows what it holds only by the methods named `expose`.
pub struct SecretValue(Kind);

enum Kind {
    String(Zeroizing<String>),
    Binary(Zeroizing<Vec<u8>>),
}

impl SecretValue {
    /// A SecretString.
    pub fn string(text: impl Into<String>) -> Self {
        Self(Kind::String(Zeroizing::new(text.into())))
    }

    /// A SecretString out of bytes, which are copied.
    ///
    /// # Errors
    /// [`Utf8Error`] when they are not UTF-8.
    pub fn string_from_utf8(bytes: &[u8]) -> Result<Self, Utf8Error> {
        str::from_utf8(bytes).map(Self::string)
    }

    /// A SecretBinary.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Binary(Zeroizing::new(bytes.into())))
    }

    /// Whether it is a SecretBinary.
    pub const fn is_binary(&self) -> bool {
        matches!(self.0, Kind::Binary(_))
    }

    /// The text of a SecretString; `None` for a SecretBinary.
    pub fn expose_str(&self) -> Option<&str> {
        match &self.0 {
            Kind::String(text) => Some(text),
            Kind::Binary(_) => None,
        }
    }

    /// The bytes of either.
    pub fn expose_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::String(text) => text.as_bytes(),
            Kind::Binary(bytes) => bytes,
        }
    }

    /// The two members that a request has for it.
    pub(crate) fn into_members(self) -> (Option<String>, Option<Vec<u8>>) {
        match self.0 {
            Kind::String(mut text) => (Some(std::mem::take(&mut *text)), None),
            Kind::Binary(mut bytes) => (None, Some(std::mem::take(&mut *bytes))),
        }
    }
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Vec<u8>> for SecretValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_binary() { "SecretBinary" } else { "SecretString" };
        write!(f, "{kind}({} bytes)", self.expose_bytes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_part_of_a_value() {
        assert_eq!(format!("{:?}", SecretValue::string("hunter2")), "SecretString(7 bytes)");
        assert_eq!(format!("{:?}", SecretValue::binary(*b"hunter2")), "SecretBinary(7 bytes)");
        let error = SecretValue::string_from_utf8(b"hunter2\xff").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    #[test]
    fn text_is_text_and_bytes_are_bytes() {
        assert_eq!(SecretValue::string("a").expose_str(), Some("a"));
        assert_eq!(SecretValue::binary(*b"a").expose_str(), None);
        assert_eq!(SecretValue::binary(*b"a").expose_bytes(), b"a");
        assert_eq!(SecretValue::string("a").into_members(), (Some("a".to_owned()), None));
        assert_eq!(SecretValue::binary(*b"a").into_members(), (None, Some(b"a".to_vec())));
    }
}
