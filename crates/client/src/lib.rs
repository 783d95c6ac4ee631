//! The Rust client for services: secrets, and keys, over gRPC with mutual TLS, from whichever node serves.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = client::Client::from_env()?;
//! let secret = client.get_secret_value("my-twitter-api-key").await?;
//! # let _ = secret;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does about failures
//! A call goes to one node and moves to the next when that one cannot be reached or does not serve. What is repeated,
//! and what never is:
//!
//! | operation | the node said UNAVAILABLE, nothing was sent | connection lost, UNKNOWN | any other answer |
//! |---|---|---|---|
//! | reads, and what [`keys`] encrypts and decrypts | repeated | repeated | returned |
//! | writes of a value: CreateSecret, PutSecretValue, UpdateSecret | repeated | repeated with the same ClientRequestToken, so it applies once | returned |
//! | other writes | repeated | [`Error::OutcomeUnknown`] | returned |
//!
//! ThrottlingException is repeated too, by all of them and always after a pause. Attempts are bounded in number and by
//! the deadline of the call. A write that may have been applied ends as [`Error::OutcomeUnknown`] and never as a failure.
//!
//! # What it does with values
//! A [`SecretValue`] is zeroed when dropped and prints its length only. What TLS and HTTP buffer is not claimed.
//!
//! Deliberately not here: a cache and a watch. All reads of values pass [`Client::get_secret_value`], which is where
//! they will stand.

mod builder;
mod client;
mod cluster;
mod connect;
mod error;
mod failover;
pub mod keys;
mod replication;
mod resource_policies;
mod rotation;
mod secrets;
mod value;

pub use builder::{Builder, ConfigError};
pub use client::Client;
pub use cluster::{ClusterStatus, NodeCheckpoint, NodeDigest, NodeFacts, NodeStatus, Role};
pub use error::{AttemptError, Error, Refusal, Why};
pub use replication::{ReplicateSecretToRegions, ReplicatedSecret, ReplicationStatus};
pub use resource_policies::{PolicyFinding, PutResourcePolicy, ResourcePolicy};
pub use rotation::{RotateSecret, RotatedSecret, RotationDescription, RotationRules};
pub use secrets::{
    ChangedSecret, CreateSecret, CreatedSecret, DeleteSecret, DeletedSecret, GetRandomPassword, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutSecretValue, Secret, SecretDescription, SecretPage, SecretVersion,
    UpdateSecret, UpdateSecretVersionStage, UpdatedSecret, VersionDescription, VersionPage,
};
pub use types::{Consistency, ErrorCode};
pub use value::SecretValue;
