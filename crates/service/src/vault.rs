//! The vault: values are sealed before they are proposed and opened after they are authorized.
//!
//! Each version has a data key of its own, wrapped by the newest material of an encryption key. What goes into a
//! command is ciphertext, and a fingerprint that tells `apply` whether two requests carried the same value.

use std::sync::Arc;

use key_service::{Barrier, DataKey, IdempotencyKey, KeyMaterial, secret_context};
use state::{Cluster, EncryptionKey, SealedValue, State};
use types::{ApiError, ErrorCode, KeyId, Namespace, SecretArn, SecretName, VersionId, limits};

use crate::api::SecretValue;
use crate::opened::Opened;

const CANNOT_ENCRYPT: &str = "Secrets Manager can't encrypt the protected secret text using the provided KMS key.";
const CANNOT_DECRYPT: &str = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";

/// Seals and opens values, with the keys that it needs for that kept opened.
pub(crate) struct Vault {
    barrier: Arc<Barrier>,
    materials: Opened<(KeyId, u32), KeyMaterial>,
    idempotency: Opened<(), IdempotencyKey>,
}

/// The version that a value belongs to.
pub(crate) struct VersionOf<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) name: &'a SecretName,
    pub(crate) arn: &'a SecretArn,
    pub(crate) version: &'a VersionId,
}

impl Vault {
    pub(crate) fn new(barrier: Arc<Barrier>) -> Self {
        Self { barrier, materials: Opened::new(limits::OPENED_KEY_MATERIAL), idempotency: Opened::new(1) }
    }

    /// Seals a new version's value under a key.
    ///
    /// # Errors
    /// EncryptionFailure when the key cannot be used, ServiceUnavailable before the cluster has its keys.
    pub(crate) fn seal(
        &self,
        state: &State,
        key: &EncryptionKey,
        of: &VersionOf<'_>,
        value: &SecretValue,
    ) -> Result<SealedValue, ApiError> {
        let cluster = state.cluster().ok_or(ErrorCode::ServiceUnavailable)?;
        let (newest, material) = self.usable(key).ok_or_else(cannot_encrypt)?;
        let context = secret_context(of.arn, of.version);
        let (data_key, wrapped_key) = material.generate_data_key(&context);
        let ciphertext = data_key.encrypt_value(of.arn, of.version, value.kind(), value.plaintext());
        let fingerprint = self.idempotency_key(cluster)?.fingerprint(
            of.namespace,
            of.name,
            of.version,
            value.kind(),
            value.plaintext(),
        );
        Ok(SealedValue {
            kind: value.kind(),
            key: key.id,
            material: newest,
            wrapped_key: wrapped_key.into(),
            ciphertext: ciphertext.into(),
            fingerprint,
        })
    }

    /// Opens a version's value.
    ///
    /// # Errors
    /// DecryptionFailure.
    pub(crate) fn open(
        &self,
        state: &State,
        arn: &SecretArn,
        version: &VersionId,
        sealed: &SealedValue,
    ) -> Result<SecretValue, ApiError> {
        let opened = self.data_key(state, arn, version, sealed).ok_or_else(cannot_decrypt)?;
        opened
            .decrypt_value(arn, version, sealed.kind, &sealed.ciphertext)
            .map(|bytes| SecretValue::new(sealed.kind, bytes))
            .map_err(|error| {
                tracing::error!(?error, key = %sealed.key, material = sealed.material, "a value cannot be opened");
                cannot_decrypt()
            })
    }

    /// Wraps the data key of a version under the newest material of another key, or of its own; `None` when one of the
    /// two cannot be used.
    pub(crate) fn rewrap(
        &self,
        state: &State,
        arn: &SecretArn,
        version: &VersionId,
        sealed: &SealedValue,
        to: &EncryptionKey,
    ) -> Option<Arc<[u8]>> {
        let data_key = self.data_key(state, arn, version, sealed)?;
        let (_, material) = self.usable(to)?;
        Some(material.wrap_data_key(&data_key, &secret_context(arn, version)).into())
    }

    /// The newest material of a key that is enabled, with its number; `None` when it cannot be used.
    pub(crate) fn usable(&self, key: &EncryptionKey) -> Option<(u32, Arc<KeyMaterial>)> {
        let newest = key.newest_material();
        Some((newest, self.material(key, newest)?))
    }

    /// The material of that number, from 1, of a key that is enabled; `None` when it is not there or does not open.
    ///
    /// # Correctness
    /// What is kept opened outlives the disabling of its key. It is the state at hand that says whether it may be used.
    pub(crate) fn material(&self, key: &EncryptionKey, number: u32) -> Option<Arc<KeyMaterial>> {
        if !key.is_enabled() {
            return None;
        }
        let sealed = key.material_numbered(number)?;
        let open = || KeyMaterial::open(&self.barrier, key.account, key.id, number, sealed);
        let material = self.materials.get_or_open(&(key.id, number), key.changed_at, open);
        material
            .inspect_err(|error| tracing::error!(?error, key = %key.id, number, "key material cannot be opened"))
            .ok()
    }

    /// The data key of a version; `None` when its key is not there, cannot be used, or has not wrapped it.
    fn data_key(&self, state: &State, arn: &SecretArn, version: &VersionId, sealed: &SealedValue) -> Option<DataKey> {
        let material = self.material(state.encryption_key(&sealed.key)?, sealed.material)?;
        let opened = material.unwrap_data_key(&sealed.wrapped_key, &secret_context(arn, version));
        opened
            .inspect_err(|error| {
                tracing::error!(?error, key = %sealed.key, material = sealed.material, "a data key cannot be opened");
            })
            .ok()
    }

    fn idempotency_key(&self, cluster: &Cluster) -> Result<Arc<IdempotencyKey>, ApiError> {
        // It is written once, by the first command of the cluster.
        let written_at = 0;
        let open = || IdempotencyKey::open(&self.barrier, &cluster.idempotency_key);
        self.idempotency.get_or_open(&(), written_at, open).map_err(|error| {
            tracing::error!(%error, "the idempotency key cannot be opened");
            ErrorCode::InternalService.into()
        })
    }
}

/// What is said of a key that a value cannot be sealed under.
pub(crate) fn cannot_encrypt() -> ApiError {
    ApiError::new(ErrorCode::EncryptionFailure, CANNOT_ENCRYPT)
}

/// What is said of a value that cannot be opened.
pub(crate) fn cannot_decrypt() -> ApiError {
    ApiError::new(ErrorCode::DecryptionFailure, CANNOT_DECRYPT)
}
