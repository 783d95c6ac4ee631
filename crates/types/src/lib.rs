//! The words that every other crate speaks: ids, ARNs, timestamps, error codes, limits and the two
//! wrappers that keep plaintext out of logs.
//!
//! Everything here is a value that was parsed once and cannot be wrong afterwards. There is no I/O, no
//! clock and no randomness: callers bring those.

pub mod consistency;
pub mod error;
pub mod ids;
pub mod limits;
pub mod names;
pub mod plaintext;
pub mod principal;
pub mod time;

pub use consistency::Consistency;
pub use error::{ApiError, ErrorCode, GrpcStatus};
pub use ids::{ClusterId, KeyId, NodeId, ProposalId};
pub use names::{
    AccountId, AliasName, Namespace, Region, SecretArn, SecretId, SecretName, StagingLabel, Tag, ValueKind, VersionId,
};
pub use plaintext::{Plaintext, SecretBytes};
pub use principal::{AccessKeyId, Principal};
pub use time::Timestamp;
