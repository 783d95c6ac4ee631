//! Names of the AWS API: accounts, regions, secrets, versions, labels, tags.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits;

/// A name that breaks its rule; `Display` says which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// An account id is twelve digits.
    #[error("an account id is twelve digits")]
    Account,
    /// A region is letters, digits and hyphens, at most 128.
    #[error("a region is lower-case letters, digits and hyphens, at most 128 characters")]
    Region,
    /// A secret's name has a character outside `A-Za-z0-9/_+=.@-!` or more than 512.
    #[error("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")]
    SecretName,
    /// An alias is `alias/` and letters, digits, `/`, `_` and `-`, at most 256 characters.
    #[error("an alias is alias/ and letters, digits and any of /_-, at most 256 characters")]
    AliasName,
    /// A version id is 32 to 64 characters.
    #[error("a version id is 32 to 64 characters")]
    VersionId,
    /// A staging label is 1 to 256 characters.
    #[error("a staging label is 1 to 256 characters")]
    StagingLabel,
}

/// A twelve-digit account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// The number whose twelve digits the id is.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Makes an id from its number; `None` when it has more than twelve digits.
    pub const fn from_number(number: u64) -> Option<Self> {
        if number <= 999_999_999_999 { Some(Self(number)) } else { None }
    }
}

impl FromStr for AccountId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameError::Account);
        }
        text.parse().map(Self).map_err(|_| NameError::Account)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({self})")
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $error:ident, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the text by the rule of the type.
            ///
            /// # Errors
            /// The rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) { Ok(Self(text.into())) } else { Err(NameError::$error) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Names are customer data: a log line shows that there was one, not which.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} chars)"), self.0.len())
            }
        }
    };
}

text_id!(
    /// A region of the cluster's configuration, as in the credential scope of a signature.
    Region, Region,
    |t| !t.is_empty() && t.len() <= 128
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
text_id!(
    /// A secret's name: 1 to 512 of `A-Za-z0-9/_+=.@-!`, case-sensitive.
    SecretName, SecretName,
    |t| (1..=limits::SECRET_NAME_CHARS).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&b))
);
text_id!(
    /// A version of a secret: the ClientRequestToken of the request that made it, verbatim.
    VersionId, VersionId,
    |t| limits::CLIENT_REQUEST_TOKEN_CHARS.contains(&t.chars().count())
);
text_id!(
    /// A name of a key: `alias/` and `A-Za-z0-9/_-`, at most 256 characters, case-sensitive.
    AliasName, AliasName,
    |t| t.len() <= limits::ALIAS_NAME_CHARS
        && t.strip_prefix("alias/").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
        })
);

impl AliasName {
    /// Whether only the service itself may give the name: `alias/aws/...`.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/aws/")
    }
}

/// The (account, region) pair inside which names are unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace {
    /// The account that owns the secrets.
    pub account: AccountId,
    /// The region that the request was signed for.
    pub region: Region,
}

/// The full ARN of a secret: `arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretArn(Arc<str>);

/// Characters of the random suffix of an ARN, without its hyphen.
pub const ARN_SUFFIX_CHARS: usize = 6;

impl SecretArn {
    /// Builds the ARN of a new secret; `suffix` is six of `A-Za-z0-9`, drawn by the caller.
    pub fn new(namespace: &Namespace, name: &SecretName, suffix: &str) -> Self {
        debug_assert_eq!(suffix.len(), ARN_SUFFIX_CHARS);
        let Namespace { account, region } = namespace;
        Self(format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}").into())
    }

    /// Takes back an ARN that this system wrote.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account and the region that it names.
    pub fn namespace(&self) -> Option<Namespace> {
        let mut parts = self.0.splitn(6, ':').skip(3);
        let (region, account) = (parts.next()?, parts.next()?);
        Some(Namespace { account: account.parse().ok()?, region: Region::parse(region).ok()? })
    }

    /// The random end, without its hyphen.
    pub fn suffix(&self) -> &str {
        let start = self.0.len().saturating_sub(ARN_SUFFIX_CHARS);
        self.0.get(start..).unwrap_or_default()
    }
}

impl fmt::Display for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretArn({} chars)", self.0.len())
    }
}

/// What a request's `SecretId` asks for, before it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretId {
    /// The secret of exactly this name in the request's namespace.
    Name(SecretName),
    /// The secret of exactly this ARN, its suffix included.
    Arn(SecretArn),
    /// An ARN of the right form that no secret can have: other account, region or service, or no name.
    Nowhere,
}

impl SecretId {
    /// Reads a `SecretId` by AWS's rule: an ARN that ends in a hyphen and six letters or digits is a full
    /// ARN and never tried as a name; without such an end it is the ARN without its suffix.
    ///
    /// # Errors
    /// [`NameError::SecretName`] for a name with a character that no name has.
    pub fn parse(text: &str, namespace: &Namespace) -> Result<Self, NameError> {
        if !text.starts_with("arn:") {
            return SecretName::parse(text).map(Self::Name);
        }
        let mut parts = text.splitn(7, ':');
        let (Some("arn"), Some("aws"), Some("secretsmanager"), Some(region), Some(account), Some("secret"), Some(tail)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(Self::Nowhere);
        };
        if region != namespace.region.as_str() || account.parse() != Ok(namespace.account) {
            return Ok(Self::Nowhere);
        }
        if has_arn_suffix(tail) {
            return Ok(Self::Arn(SecretArn(text.into())));
        }
        Ok(SecretName::parse(tail).map_or(Self::Nowhere, Self::Name))
    }
}

fn has_arn_suffix(tail: &str) -> bool {
    let bytes = tail.as_bytes();
    let Some(hyphen) = bytes.len().checked_sub(ARN_SUFFIX_CHARS + 1) else { return false };
    bytes[hyphen] == b'-' && bytes[hyphen + 1..].iter().all(u8::is_ascii_alphanumeric)
}

/// A staging label. The three that AWS moves by itself need no allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StagingLabel {
    /// `AWSCURRENT`: what GetSecretValue returns.
    Current,
    /// `AWSPENDING`: the version that a rotation is making.
    Pending,
    /// `AWSPREVIOUS`: the last current version.
    Previous,
    /// A label of the customer.
    Custom(Arc<str>),
}

impl StagingLabel {
    /// Parses a label of 1 to 256 characters.
    ///
    /// # Errors
    /// [`NameError::StagingLabel`] for another length.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "AWSCURRENT" => Ok(Self::Current),
            "AWSPENDING" => Ok(Self::Pending),
            "AWSPREVIOUS" => Ok(Self::Previous),
            _ if (1..=limits::STAGING_LABEL_CHARS).contains(&text.chars().count()) => Ok(Self::Custom(text.into())),
            _ => Err(NameError::StagingLabel),
        }
    }

    /// The label's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
            Self::Previous => "AWSPREVIOUS",
            Self::Custom(text) => text,
        }
    }
}

impl fmt::Display for StagingLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for StagingLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(text) => write!(f, "Custom({} chars)", text.len()),
            known => f.write_str(known.as_str()),
        }
    }
}

/// A tag of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag {
    /// 1 to 128 characters, case-sensitive.
    pub key: Arc<str>,
    /// Up to 256 characters; absent in the request is empty here.
    pub value: Arc<str>,
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag")
    }
}

/// Whether a value came as `SecretString` or as `SecretBinary`; equal bytes of two kinds are different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueKind {
    /// UTF-8 text.
    String,
    /// Bytes, base64 on the AWS wire.
    Binary,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace() -> Namespace {
        Namespace { account: "123456789012".parse().unwrap(), region: Region::parse("us-east-1").unwrap() }
    }

    fn arn(tail: &str) -> String {
        format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{tail}")
    }

    #[test]
    fn arns_are_read_as_aws_recorded_them() {
        let ns = namespace();
        let name = |n: &str| SecretId::Name(SecretName::parse(n).unwrap());
        assert_eq!(SecretId::parse("a/b", &ns).unwrap(), name("a/b"));
        assert_eq!(SecretId::parse(&arn("Name-a1b2"), &ns).unwrap(), name("Name-a1b2"));
        assert_eq!(SecretId::parse(&arn("Name-a1b2c3-"), &ns).unwrap(), name("Name-a1b2c3-"));
        let full = arn("Invalid/_+=.@-Name-a1b2c3");
        assert_eq!(SecretId::parse(&full, &ns).unwrap(), SecretId::Arn(SecretArn::from_stored(&full)));
        assert!(SecretId::parse("bad name", &ns).is_err());
        for foreign in [
            "arn:aws:secretsmanager:us-east-2:123456789012:secret:x-a1b2c3",
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:x-a1b2c3",
            "arn:aws:kms:us-east-1:123456789012:key/x",
            "arn:",
        ] {
            assert_eq!(SecretId::parse(foreign, &ns).unwrap(), SecretId::Nowhere, "{foreign}");
        }
    }

    #[test]
    fn accounts_keep_their_leading_zeros() {
        let account: AccountId = "000000000042".parse().unwrap();
        assert_eq!(account.to_string(), "000000000042");
        assert!("42".parse::<AccountId>().is_err());
        assert!("+12345678901".parse::<AccountId>().is_err());
    }

    #[test]
    fn debug_does_not_name_names() {
        let name = SecretName::parse("prod/db").unwrap();
        assert_eq!(format!("{name:?}"), "SecretName(7 chars)");
    }
}
