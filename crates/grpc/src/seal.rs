//! `conclave.cluster.v1.Seal` on a node that is not sealed. One that is answers it in another way, since it has neither
//! replica nor identities.

use proto::cluster::v1 as pb;
use proto::cluster::v1::seal_server::Seal;
use proto::tonic::{self, Request, Response, Status};
use service::{ChangedKeyring, Given, KeyringChange, NewProvider, ProviderId, ProviderReport, SealStatus};
use types::limits::CREDENTIALS_PER_REQUEST;
use types::{ApiError, Plaintext};
use zeroize::Zeroizing;

use crate::administration::{Administration, SealedNodes};
use crate::call::Call;

pub(crate) struct Front<U>(pub(crate) U);

#[tonic::async_trait]
impl<U: Administration> Seal for Front<U> {
    async fn seal_status(
        &self,
        request: Request<pb::SealStatusRequest>,
    ) -> Result<Response<pb::SealStatusResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        call.end(Ok(status(&self.0)))
    }

    /// It is not sealed, so there is nothing to do.
    async fn unseal(&self, request: Request<pb::UnsealRequest>) -> Result<Response<pb::SealStatusResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        call.end(Ok(status(&self.0)))
    }

    async fn seal(&self, request: Request<pb::SealRequest>) -> Result<Response<pb::SealResponse>, Status> {
        let (call, _) = Call::begin(request, self.0.regions())?;
        let result = self.0.seal_cluster(&call.caller).await;
        call.end(result.map(sealed))
    }

    async fn change_keyring(
        &self,
        request: Request<pb::ChangeKeyringRequest>,
    ) -> Result<Response<pb::ChangeKeyringResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = async {
            let change = change(message.change)?;
            self.0.change_keyring(&call.caller, change, given(message.credentials)?).await
        };
        call.end(result.await.map(changed))
    }

    async fn verify_providers(
        &self,
        request: Request<pb::VerifyProvidersRequest>,
    ) -> Result<Response<pb::VerifyProvidersResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = async { self.0.verify_providers(&call.caller, given(message.credentials)?).await };
        let reports = result.await.map(|reports| reports.into_iter().map(report).collect());
        call.end(reports.map(|reports| pb::VerifyProvidersResponse { reports }))
    }
}

fn status<U: Administration>(use_cases: &U) -> pb::SealStatusResponse {
    let SealStatus { providers, barrier_term, peer_unseal } = use_cases.seal_status();
    pb::SealStatusResponse {
        node: use_cases.node().0,
        sealed: false,
        providers: providers.into_iter().map(provider).collect(),
        barrier_term,
        peer_unseal,
        ..pb::SealStatusResponse::default()
    }
}

fn sealed(nodes: SealedNodes) -> pb::SealResponse {
    let node = |(id, result): (types::NodeId, Result<(), String>)| pb::NodeSealed {
        id: id.0,
        error: result.err().unwrap_or_default(),
    };
    pb::SealResponse { nodes: nodes.into_iter().map(node).collect() }
}

fn changed(changed: ChangedKeyring) -> pb::ChangeKeyringResponse {
    let ChangedKeyring { revision, barrier_term, providers, mut shares } = changed;
    let providers = providers.into_iter().map(provider).collect();
    let shares = shares.iter_mut().map(|share| std::mem::take(&mut **share)).collect();
    pb::ChangeKeyringResponse { revision, barrier_term, providers, shares }
}

fn report(ProviderReport { provider: of, result }: ProviderReport) -> pb::ProviderReport {
    pb::ProviderReport { provider: Some(provider(of)), error: result.err().unwrap_or_default() }
}

fn provider(ProviderId { kind, id }: ProviderId) -> pb::Provider {
    use service::ProviderKind;
    let kind = match kind {
        ProviderKind::Keyfile => pb::ProviderKind::Keyfile,
        ProviderKind::Passphrase => pb::ProviderKind::Passphrase,
        ProviderKind::Shamir => pb::ProviderKind::Shamir,
        ProviderKind::Pkcs11 => pb::ProviderKind::Pkcs11,
    };
    pb::Provider { kind: kind.into(), id }
}

fn given(credentials: Vec<pb::Credential>) -> Result<Vec<Given>, ApiError> {
    use pb::credential::Credential;
    if credentials.len() > CREDENTIALS_PER_REQUEST {
        return Err(ApiError::validation("credentials: there are too many"));
    }
    let credential = |mut message: pb::Credential| match &mut message.credential {
        Some(Credential::Passphrase(passphrase)) => Ok(Given::Passphrase(Plaintext::new(std::mem::take(passphrase)))),
        Some(Credential::Share(share)) => Ok(Given::Share(Zeroizing::new(std::mem::take(share)))),
        None => Err(ApiError::validation("credentials: one of them is empty")),
    };
    credentials.into_iter().map(credential).collect()
}

fn change(change: Option<pb::change_keyring_request::Change>) -> Result<KeyringChange, ApiError> {
    use pb::add_provider::Provider as New;
    use pb::change_keyring_request::Change;
    let missing = || ApiError::validation("change: Member must not be null");
    Ok(match change.ok_or_else(missing)? {
        Change::RotateBarrier(_) => KeyringChange::RotateBarrier,
        Change::RotateRoot(_) => KeyringChange::RotateRoot,
        Change::RemoveProvider(provider) => {
            use service::ProviderKind;
            let kind = match provider.kind() {
                pb::ProviderKind::Keyfile => ProviderKind::Keyfile,
                pb::ProviderKind::Passphrase => ProviderKind::Passphrase,
                pb::ProviderKind::Shamir => ProviderKind::Shamir,
                pb::ProviderKind::Pkcs11 => ProviderKind::Pkcs11,
                pb::ProviderKind::Unspecified => return Err(ApiError::validation("provider: its kind is unknown")),
            };
            KeyringChange::RemoveProvider(ProviderId { kind, id: provider.id })
        }
        Change::AddProvider(mut add) => KeyringChange::AddProvider(match &mut add.provider {
            Some(New::Keyfile(_)) => NewProvider::Keyfile,
            Some(New::Pkcs11(_)) => NewProvider::Pkcs11,
            Some(New::Passphrase(passphrase)) => NewProvider::Passphrase(Plaintext::new(std::mem::take(passphrase))),
            Some(New::Shares(new)) => {
                let count = |number: u32| {
                    u8::try_from(number).map_err(|_| ApiError::validation("shares: there can be 255 of them"))
                };
                NewProvider::Shares { shares: count(new.shares)?, threshold: count(new.threshold)? }
            }
            None => return Err(missing()),
        }),
    })
}
