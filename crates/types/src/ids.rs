//! Identifiers of the cluster's own things.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A Raft node. Ids are given once and never used again, also not after a node lost its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

impl From<u64> for NodeId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A cluster, drawn at `operator init`. It is part of every AAD and of every node certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

/// One proposal. A retry carries the same id, so it cannot be applied twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId(pub [u8; 16]);

impl ProposalId {
    /// The id of a proposal that was decided on the state of `decided_at`; the rest is drawn by the caller.
    ///
    /// Those of one time begin alike, so that in a map they lie together, and what is added to it and what is dropped
    /// concern few of its nodes. Only 48 bits of the index have room; after that it begins at 0 again.
    pub fn new(decided_at: u64, drawn: [u8; 10]) -> Self {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&decided_at.to_be_bytes()[2..]);
        id[6..].copy_from_slice(&drawn);
        Self(id)
    }
}

/// An encryption key that customers can name (the UUID part of a KMS key ARN).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

macro_rules! uuid_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Uuid::from_bytes(self.0).hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(*Uuid::try_parse(text)?.as_bytes()))
            }
        }
    };
}

uuid_text!(ClusterId);
uuid_text!(ProposalId);
uuid_text!(KeyId);
