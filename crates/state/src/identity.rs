//! The cluster's root facts: its account, access keys and certificate bindings.
//!
//! Each record remembers the log index of its last change, which `apply` holds against `decided_at`.

use std::fmt;
use std::sync::Arc;

use types::{AccessKeyId, AccountId, KeyId, Principal};

/// What `Bootstrap` wrote once.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The first account.
    pub account: AccountId,
    /// The key of the value fingerprints, a barrier record.
    pub idempotency_key: Arc<[u8]>,
    /// The key that encrypts secrets which name none.
    pub default_key: KeyId,
}

/// An access key of a principal.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The record's number.
    pub uid: u64,
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half, a barrier record: HMAC verification needs it in the clear.
    pub secret: Arc<[u8]>,
    /// Whom it authenticates.
    pub principal: Principal,
    /// Log index of the last change.
    pub changed_at: u64,
}

/// A client certificate's URI SAN and whom it authenticates.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding {
    /// The record's number.
    pub uid: u64,
    /// The URI SAN, compared byte for byte.
    pub uri: Arc<str>,
    /// Whom it authenticates.
    pub principal: Principal,
    /// Log index of the last change.
    pub changed_at: u64,
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(Cluster, AccessKey, Binding);
