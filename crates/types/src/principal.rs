//! Who a request comes from.

use std::fmt;
use std::sync::Arc;

use crate::AccountId;

/// The authenticated caller of a request, the same for every front.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// The account itself.
    Root(AccountId),
    /// The cluster: bootstrap and background work of the leader.
    System,
}

impl Principal {
    /// The ARN that policies and audit records name, with AWS's form for the root user.
    pub fn arn(&self) -> String {
        match self {
            Self::Root(account) => format!("arn:aws:iam::{account}:root"),
            Self::System => "arn:aws:iam:::system".to_owned(),
        }
    }

    /// The account that the principal belongs to, if it has one.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root(account) => Some(*account),
            Self::System => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn())
    }
}

/// The public half of an access key: 4 to 128 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(Arc<str>);

impl AccessKeyId {
    /// Parses an access key id; `None` when its length or a character is outside the rule.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (4..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
