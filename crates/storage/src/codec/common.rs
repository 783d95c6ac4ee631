//! The parts that commands and records share.

use std::sync::Arc;

use bytes::Bytes;
use state::SealedValue;
use types::{
    AccessKeyId, AccountId, KeyId, Namespace, Principal, ProposalId, Region, SecretArn, SecretName, StagingLabel, Tag,
    Timestamp, ValueKind, VersionId,
};

use super::DecodeError;
use crate::schema as pb;

/// The bytes as a message field, without a copy.
pub(crate) fn shared(bytes: &Arc<[u8]>) -> Bytes {
    Bytes::from_owner(bytes.clone())
}

/// One exact allocation, so that nothing pins the buffer that the message was decoded from.
pub(crate) fn sealed(field: &'static str, bytes: &Bytes) -> Result<Arc<[u8]>, DecodeError> {
    if bytes.is_empty() { Err(DecodeError::Missing(field)) } else { Ok(Arc::from(&bytes[..])) }
}

pub(crate) fn array<const N: usize>(field: &'static str, bytes: &Bytes) -> Result<[u8; N], DecodeError> {
    bytes[..].try_into().map_err(|_| DecodeError::Length { field, expected: N, actual: bytes.len() })
}

pub(crate) fn required<T>(field: &'static str, part: Option<T>) -> Result<T, DecodeError> {
    part.ok_or(DecodeError::Missing(field))
}

pub(crate) fn proposal_id(field: &'static str, bytes: &Bytes) -> Result<ProposalId, DecodeError> {
    array(field, bytes).map(ProposalId)
}

pub(crate) fn key_id(field: &'static str, bytes: &Bytes) -> Result<KeyId, DecodeError> {
    array(field, bytes).map(KeyId)
}

pub(crate) fn account(field: &'static str, number: u64) -> Result<AccountId, DecodeError> {
    AccountId::from_number(number).ok_or(DecodeError::Invalid(field))
}

pub(crate) fn access_key_id(field: &'static str, text: &str) -> Result<AccessKeyId, DecodeError> {
    AccessKeyId::parse(text).ok_or(DecodeError::Invalid(field))
}

pub(crate) fn arn(field: &'static str, text: &str) -> Result<SecretArn, DecodeError> {
    if text.is_empty() { Err(DecodeError::Missing(field)) } else { Ok(SecretArn::from_stored(text)) }
}

pub(crate) fn name(field: &'static str, text: &str) -> Result<SecretName, DecodeError> {
    SecretName::parse(text).map_err(|_| DecodeError::Invalid(field))
}

pub(crate) fn version_id(field: &'static str, text: &str) -> Result<VersionId, DecodeError> {
    VersionId::parse(text).map_err(|_| DecodeError::Invalid(field))
}

pub(crate) fn label(field: &'static str, text: &str) -> Result<StagingLabel, DecodeError> {
    StagingLabel::parse(text).map_err(|_| DecodeError::Invalid(field))
}

pub(crate) fn labels(field: &'static str, texts: &[String]) -> Result<Vec<StagingLabel>, DecodeError> {
    texts.iter().map(|text| label(field, text)).collect()
}

pub(crate) fn label_texts(labels: &[StagingLabel]) -> Vec<String> {
    labels.iter().map(|label| label.as_str().to_owned()).collect()
}

pub(crate) fn text(text: &Option<Arc<str>>) -> Option<String> {
    text.as_deref().map(str::to_owned)
}

pub(crate) fn shared_text(text: Option<String>) -> Option<Arc<str>> {
    text.map(Arc::from)
}

pub(crate) fn millis(at: Option<Timestamp>) -> Option<u64> {
    at.map(Timestamp::as_millis)
}

pub(crate) fn timestamp(ms: Option<u64>) -> Option<Timestamp> {
    ms.map(Timestamp::from_millis)
}

impl From<&Principal> for pb::Principal {
    fn from(principal: &Principal) -> Self {
        let kind = match principal {
            Principal::Root(account) => pb::principal::Kind::Root(account.number()),
            Principal::System => pb::principal::Kind::System(pb::System {}),
        };
        Self { kind: Some(kind) }
    }
}

pub(crate) fn principal(field: &'static str, principal: Option<pb::Principal>) -> Result<Principal, DecodeError> {
    match principal.and_then(|principal| principal.kind) {
        Some(pb::principal::Kind::Root(number)) => account(field, number).map(Principal::Root),
        Some(pb::principal::Kind::System(pb::System {})) => Ok(Principal::System),
        None => Err(DecodeError::Missing(field)),
    }
}

impl From<&Namespace> for pb::Namespace {
    fn from(namespace: &Namespace) -> Self {
        Self { account: namespace.account.number(), region: namespace.region.as_str().to_owned() }
    }
}

pub(crate) fn namespace(field: &'static str, namespace: Option<pb::Namespace>) -> Result<Namespace, DecodeError> {
    let namespace = required(field, namespace)?;
    let region = Region::parse(&namespace.region).map_err(|_| DecodeError::Invalid(field))?;
    Ok(Namespace { account: account(field, namespace.account)?, region })
}

pub(crate) fn tags_to(tags: &[Tag]) -> Vec<pb::Tag> {
    tags.iter().map(|tag| pb::Tag { key: tag.key.as_ref().to_owned(), value: tag.value.as_ref().to_owned() }).collect()
}

pub(crate) fn tags_from(tags: Vec<pb::Tag>) -> Vec<Tag> {
    tags.into_iter().map(|tag| Tag { key: tag.key.into(), value: tag.value.into() }).collect()
}

impl From<&SealedValue> for pb::SealedValue {
    fn from(value: &SealedValue) -> Self {
        let kind = match value.kind {
            ValueKind::String => pb::ValueKind::String,
            ValueKind::Binary => pb::ValueKind::Binary,
        };
        Self {
            kind: kind.into(),
            key: Bytes::copy_from_slice(&value.key.0),
            material: value.material,
            wrapped_key: shared(&value.wrapped_key),
            ciphertext: shared(&value.ciphertext),
            fingerprint: Bytes::copy_from_slice(&value.fingerprint),
        }
    }
}

impl TryFrom<pb::SealedValue> for SealedValue {
    type Error = DecodeError;

    fn try_from(value: pb::SealedValue) -> Result<Self, DecodeError> {
        let kind = match pb::ValueKind::try_from(value.kind) {
            Ok(pb::ValueKind::String) => ValueKind::String,
            Ok(pb::ValueKind::Binary) => ValueKind::Binary,
            Ok(pb::ValueKind::Unspecified) => return Err(DecodeError::Missing("SealedValue.kind")),
            Err(_) => return Err(DecodeError::Invalid("SealedValue.kind")),
        };
        Ok(Self {
            kind,
            key: key_id("SealedValue.key", &value.key)?,
            material: value.material,
            wrapped_key: sealed("SealedValue.wrapped_key", &value.wrapped_key)?,
            ciphertext: sealed("SealedValue.ciphertext", &value.ciphertext)?,
            fingerprint: array("SealedValue.fingerprint", &value.fingerprint)?,
        })
    }
}
