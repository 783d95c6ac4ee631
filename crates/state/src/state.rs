//! The whole replicated state, in persistent maps: a clone is O(1) and is a consistent read.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{AccessKeyId, KeyId, Namespace, SecretName, Timestamp};

use crate::identity::{AccessKey, Binding, Cluster, EncryptionKey};
use crate::proposals::Proposals;
use crate::secret::{Secret, SecretUid};

/// The secrets of one (account, region).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceIndex {
    /// Live and scheduled secrets by name.
    pub by_name: OrdMap<SecretName, SecretUid>,
    /// The same secrets in the order of creation.
    pub by_creation: OrdSet<SecretUid>,
}

/// The replicated state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) time: Timestamp,
    pub(crate) next_uid: u64,
    pub(crate) cluster: Option<Arc<Cluster>>,
    pub(crate) access_keys: OrdMap<AccessKeyId, Arc<AccessKey>>,
    pub(crate) bindings: OrdMap<Arc<str>, Arc<Binding>>,
    pub(crate) keys: OrdMap<KeyId, Arc<EncryptionKey>>,
    pub(crate) secrets: OrdMap<SecretUid, Arc<Secret>>,
    pub(crate) namespaces: OrdMap<Namespace, NamespaceIndex>,
    pub(crate) proposals: Proposals,
}
