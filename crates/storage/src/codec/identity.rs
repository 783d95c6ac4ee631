//! The cluster's root facts.

use bytes::Bytes;
use state::{AccessKey, Binding, Cluster};

use super::DecodeError;
use super::common::{access_key_id, account, key_id, principal, sealed, shared};
use crate::schema as pb;

impl From<&Cluster> for pb::Cluster {
    fn from(cluster: &Cluster) -> Self {
        Self {
            account: cluster.account.number(),
            idempotency_key: shared(&cluster.idempotency_key),
            default_key: Bytes::copy_from_slice(&cluster.default_key.0),
        }
    }
}

impl TryFrom<pb::Cluster> for Cluster {
    type Error = DecodeError;

    fn try_from(cluster: pb::Cluster) -> Result<Self, DecodeError> {
        Ok(Self {
            account: account("Cluster.account", cluster.account)?,
            idempotency_key: sealed("Cluster.idempotency_key", &cluster.idempotency_key)?,
            default_key: key_id("Cluster.default_key", &cluster.default_key)?,
        })
    }
}

impl From<&AccessKey> for pb::AccessKey {
    fn from(key: &AccessKey) -> Self {
        Self {
            uid: key.uid,
            id: key.id.as_str().to_owned(),
            secret: shared(&key.secret),
            principal: Some((&key.principal).into()),
            changed_at: key.changed_at,
        }
    }
}

impl TryFrom<pb::AccessKey> for AccessKey {
    type Error = DecodeError;

    fn try_from(key: pb::AccessKey) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: key.uid,
            id: access_key_id("AccessKey.id", &key.id)?,
            secret: sealed("AccessKey.secret", &key.secret)?,
            principal: principal("AccessKey.principal", key.principal)?,
            changed_at: key.changed_at,
        })
    }
}

impl From<&Binding> for pb::Binding {
    fn from(binding: &Binding) -> Self {
        Self {
            uid: binding.uid,
            uri: binding.uri.as_ref().to_owned(),
            principal: Some((&binding.principal).into()),
            changed_at: binding.changed_at,
        }
    }
}

impl TryFrom<pb::Binding> for Binding {
    type Error = DecodeError;

    fn try_from(binding: pb::Binding) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: binding.uid,
            uri: binding.uri.into(),
            principal: principal("Binding.principal", binding.principal)?,
            changed_at: binding.changed_at,
        })
    }
}
