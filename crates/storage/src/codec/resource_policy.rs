//! Policies of secrets.

use std::sync::Arc;

use state::{DeleteResourcePolicy, PutResourcePolicy, ResourcePolicy, SecretUid};

use super::DecodeError;
use super::common::{arn, text};
use crate::schema as pb;

fn policy(field: &'static str, text: String) -> Result<Arc<str>, DecodeError> {
    if text.is_empty() { Err(DecodeError::Missing(field)) } else { Ok(text.into()) }
}

impl From<&PutResourcePolicy> for pb::PutResourcePolicy {
    fn from(put: &PutResourcePolicy) -> Self {
        Self { target: put.target.as_str().to_owned(), policy: put.policy.as_ref().to_owned() }
    }
}

impl TryFrom<pb::PutResourcePolicy> for PutResourcePolicy {
    type Error = DecodeError;

    fn try_from(put: pb::PutResourcePolicy) -> Result<Self, DecodeError> {
        Ok(Self {
            target: arn("PutResourcePolicy.target", &put.target)?,
            policy: policy("PutResourcePolicy.policy", put.policy)?,
        })
    }
}

impl From<&DeleteResourcePolicy> for pb::DeleteResourcePolicy {
    fn from(delete: &DeleteResourcePolicy) -> Self {
        Self { target: delete.target.as_str().to_owned() }
    }
}

impl TryFrom<pb::DeleteResourcePolicy> for DeleteResourcePolicy {
    type Error = DecodeError;

    fn try_from(delete: pb::DeleteResourcePolicy) -> Result<Self, DecodeError> {
        Ok(Self { target: arn("DeleteResourcePolicy.target", &delete.target)? })
    }
}

impl From<&ResourcePolicy> for pb::ResourcePolicy {
    fn from(policy: &ResourcePolicy) -> Self {
        Self { secret: policy.secret.0, text: text(&policy.text), changed_at: policy.changed_at }
    }
}

impl TryFrom<pb::ResourcePolicy> for ResourcePolicy {
    type Error = DecodeError;

    fn try_from(record: pb::ResourcePolicy) -> Result<Self, DecodeError> {
        Ok(Self {
            secret: SecretUid(record.secret),
            text: record.text.map(|text| policy("ResourcePolicy.text", text)).transpose()?,
            changed_at: record.changed_at,
        })
    }
}
