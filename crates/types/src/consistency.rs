//! How fresh the data of a read must be.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The header, or metadata, by which a request asks for a [`Consistency`].
pub const CONSISTENCY_HEADER: &str = "x-conclave-consistency";
/// The header of an answer of the AWS API: the log index of the state that it shows, or a later one.
pub const APPLIED_INDEX_HEADER: &str = "x-conclave-applied-index";
/// The header, or metadata, of the answer to a stale read: how old its data may be, in milliseconds.
pub const AGE_HEADER: &str = "x-conclave-age-ms";

/// What a read may do without. Identity, policies and keys are always those of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Nothing: it sees every write that was acknowledged before it began.
    #[default]
    Linearizable,
    /// The quorum's word that the leader still leads, so that a leader with a wrong clock or after a pause may miss
    /// writes.
    Lease,
    /// Data that were written last.
    Stale {
        /// How old they may be; as old as the server allows if it is left out.
        max_age: Option<Duration>,
    },
}

/// A text that names no [`Consistency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a consistency is one of [linearizable, lease, stale, stale; max-age=SECONDS]")]
pub struct UnknownConsistency;

impl FromStr for Consistency {
    type Err = UnknownConsistency;

    fn from_str(text: &str) -> Result<Self, UnknownConsistency> {
        match text {
            "linearizable" => Ok(Self::Linearizable),
            "lease" => Ok(Self::Lease),
            "stale" => Ok(Self::Stale { max_age: None }),
            _ => stale_for(text).map(|max_age| Self::Stale { max_age: Some(max_age) }).ok_or(UnknownConsistency),
        }
    }
}

/// Reads `stale; max-age=SECONDS`.
fn stale_for(text: &str) -> Option<Duration> {
    let (stale, parameter) = text.split_once(';')?;
    let seconds = parameter.trim_start().strip_prefix("max-age=")?;
    let is_number = stale == "stale" && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u32 = seconds.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_secs(seconds.into()))
}

impl fmt::Display for Consistency {
    /// Writes what [`Self::from_str`] reads; parts of a second do not count.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linearizable => f.write_str("linearizable"),
            Self::Lease => f.write_str("lease"),
            Self::Stale { max_age: None } => f.write_str("stale"),
            Self::Stale { max_age: Some(max_age) } => {
                write!(f, "stale; max-age={}", max_age.as_secs().min(u32::MAX.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consistency_is_read_as_it_is_written() {
        for (text, consistency) in [
            ("linearizable", Consistency::Linearizable),
            ("lease", Consistency::Lease),
            ("stale", Consistency::Stale { max_age: None }),
            ("stale; max-age=0", Consistency::Stale { max_age: Some(Duration::ZERO) }),
            ("stale; max-age=4294967295", Consistency::Stale { max_age: Some(Duration::from_secs(4_294_967_295)) }),
        ] {
            assert_eq!(text.parse(), Ok(consistency));
            assert_eq!(consistency.to_string(), text);
        }
        assert_eq!("stale;max-age=5".parse(), Ok(Consistency::Stale { max_age: Some(Duration::from_secs(5)) }));
        assert_eq!(Consistency::Stale { max_age: Some(Duration::MAX) }.to_string(), "stale; max-age=4294967295");
    }

    #[test]
    fn everything_else_is_unknown() {
        for text in [
            "",
            " stale",
            "Stale",
            "eventual",
            "lease; max-age=5",
            "lease, stale",
            "stale;",
            "stale; max-age",
            "stale; max-age=",
            "stale; max-age=+5",
            "stale; max-age=-5",
            "stale; max-age=5s",
            "stale; max-age=5; max-age=6",
            "stale; max-age=4294967296",
            "linearizable; max-age=5",
        ] {
            assert_eq!(text.parse::<Consistency>(), Err(UnknownConsistency), "{text:?}");
        }
    }
}
