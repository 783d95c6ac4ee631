//! Authentication: who a request's credential stands for, on one state.

use std::sync::Arc;

use key_service::{Barrier, SealedKind};
use state::{AccessKey, State};
use types::{AccessKeyId, ApiError, ErrorCode, Principal, limits};
use zeroize::Zeroizing;

use crate::caller::{Credential, SignatureCheck};
use crate::opened::Opened;

/// Checks credentials, and keeps the secrets of access keys opened.
pub(crate) struct Authenticator {
    barrier: Arc<Barrier>,
    secrets: Opened<AccessKeyId, Zeroizing<Vec<u8>>>,
}

impl Authenticator {
    pub(crate) fn new(barrier: Arc<Barrier>) -> Self {
        Self { barrier, secrets: Opened::new(limits::OPENED_ACCESS_KEYS) }
    }

    /// The principal that the credential proves.
    ///
    /// # Errors
    /// UnrecognizedClient for a key or certificate that the state does not know, InvalidSignature.
    pub(crate) fn principal(&self, credential: &Credential, state: &State) -> Result<Principal, ApiError> {
        match credential {
            Credential::Certificate(uri) => match state.binding(uri) {
                Some(binding) => Ok(binding.principal.clone()),
                None => Err(ApiError::new(ErrorCode::UnrecognizedClient, "The client certificate is not known.")),
            },
            Credential::Signature(check) => self.signer(check.as_ref(), state),
        }
    }

    fn signer(&self, check: &dyn SignatureCheck, state: &State) -> Result<Principal, ApiError> {
        let Some(key) = state.access_key(check.access_key_id()) else {
            check.verify(None)?;
            return Err(ErrorCode::UnrecognizedClient.into());
        };
        let secret = self.secrets.get_or_open(&key.id, key.changed_at, || self.open(key))?;
        check.verify(Some((&secret, key.changed_at)))?;
        Ok(key.principal.clone())
    }

    fn open(&self, key: &AccessKey) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        let name = key.id.as_str().as_bytes();
        self.barrier.open(SealedKind::AccessKeySecret, name, &key.secret).map_err(|error| {
            tracing::error!(%error, access_key = key.uid, "an access key's secret cannot be opened");
            ErrorCode::InternalService.into()
        })
    }
}
