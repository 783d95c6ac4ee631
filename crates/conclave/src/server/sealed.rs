//! A node that is sealed: it serves health, its seal's status and its unsealing, and refuses everything else.
//!
//! It tries the providers of its configuration again and again, asks its peers if it may, and takes what operators give,
//! whichever comes first. A node that an operator has sealed waits for an operator.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::get;
use consensus::SealedPeer;
use http::StatusCode;
use key_service::{Barrier, Keyring, ProviderKind, Share};
use net::tls::PeerDialer;
use net::{ClientIdentity, ConnectionInfo, ListenerLimits};
use proto::cluster::v1 as pb;
use proto::cluster::v1::seal_server::{Seal, SealServer};
use service::Given;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};
use tower::ServiceExt;
use types::{ApiError, ErrorCode, Plaintext, limits};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::custody::{self, kind_on_the_wire};
use super::providers::AtHand;
use super::{Port, Tls, client_limits, is_grpc, peers_file, refused, serve_on, shutdown, stop_serving};
use crate::config::Config;
use crate::failure::with_causes;
use crate::files;

/// Pause between two attempts with what needs no operator.
const ATTEMPT_EVERY: Duration = Duration::from_secs(2);
/// Time that an operator's failed attempt takes at least, so that nobody guesses fast.
const FAILED_ATTEMPT: Duration = Duration::from_secs(1);

const SEALED: &str = "The node is sealed.";
const BY_AN_OPERATOR: &str = "an operator has sealed the node";

/// Opens the barrier with the providers of the configuration.
///
/// # Errors
/// A keyring that cannot be used, which ends the node.
pub(super) async fn first_attempt(config: &Arc<Config>) -> anyhow::Result<Result<Barrier, String>> {
    keyring(config)?;
    // A mistake of whoever set the node up, and nothing that another provider should hide.
    if let Some(keyfile) = config.keys.keyfile.as_deref().filter(|keyfile| keyfile.exists()) {
        files::must_be_private(keyfile)?;
    }
    if custody::marker(&config.node.data_dir).exists() {
        return Ok(Err(BY_AN_OPERATOR.to_owned()));
    }
    Ok(unattended(config).await)
}

/// The keyring file, which must be this cluster's.
pub(super) fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    use anyhow::Context;
    let keyring = Keyring::load(&config.keys.keyring).context("the node cannot be unsealed")?;
    anyhow::ensure!(
        keyring.cluster() == config.cluster.id,
        "keyring {} is of cluster {}, and the configuration of {}",
        config.keys.keyring.display(),
        keyring.cluster(),
        config.cluster.id
    );
    Ok(keyring)
}

/// Serves as a sealed node until it is unsealed; `None` when a signal ends it before.
///
/// # Errors
/// When the ports cannot be served.
pub(super) async fn wait(
    config: &Arc<Config>,
    tls: &Tls,
    ports: (&Port, &Port),
    why: String,
) -> anyhow::Result<Option<Barrier>> {
    tracing::warn!(node = %config.node.id, why, "the node is sealed");
    let (opened, mut unsealed) = mpsc::channel(1);
    let node = Arc::new(SealedNode {
        config: config.clone(),
        why: Mutex::new(why),
        shares: tokio::sync::Mutex::default(),
        given: Mutex::default(),
        opened,
    });
    let (stop, stop_peers) = (CancellationToken::new(), CancellationToken::new());
    let clients = serve_on(ports.0.listener()?, tls.client.clone(), app(&node), client_limits(), &stop)?;
    let data_dir = config.node.data_dir.clone();
    let peer = SealedPeer::new(env!("CARGO_PKG_VERSION"), move || custody::mark(&data_dir));
    let peer_app = tonic::service::Routes::new(peer.into_server());
    let peer_app = peer_app.into_axum_router();
    let peers = serve_on(ports.1.listener()?, tls.peer.clone(), peer_app, ListenerLimits::peer(), &stop_peers)?;
    let barrier = tokio::select! {
        barrier = unsealed.recv() => Ok(barrier),
        barrier = by_itself(&node, &tls.dialer) => Ok(Some(barrier)),
        signal = shutdown::signal() => signal.map(|()| None),
    };
    stop_serving(&stop, clients).await;
    stop_serving(&stop_peers, peers).await;
    if let Ok(Some(_)) = &barrier {
        tracing::info!(node = %config.node.id, "the node is unsealed");
    }
    barrier
}

/// Tries what needs no operator until it succeeds.
async fn by_itself(node: &SealedNode, dialer: &PeerDialer) -> Barrier {
    let config = &node.config;
    loop {
        tokio::time::sleep(ATTEMPT_EVERY).await;
        if custody::marker(&config.node.data_dir).exists() {
            continue;
        }
        let mut attempt = unattended(config).await;
        if let (Err(why), true) = (&attempt, config.keys.peer_unseal) {
            attempt = from_peers(config, dialer).await.map_err(|from_peers| format!("{why}; {from_peers}"));
        }
        match attempt {
            // An operator may have sealed it meanwhile.
            Ok(_) if custody::marker(&config.node.data_dir).exists() => {}
            Ok(barrier) => return barrier,
            Err(why) => node.say(why),
        }
    }
}

async fn unattended(config: &Arc<Config>) -> Result<Barrier, String> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let keyring = keyring(&config).map_err(|error| format!("{error:#}"))?;
        let at_hand = AtHand::unattended(&config.keys);
        let opened = keyring.unseal(&at_hand.refs()).map(|unsealed| unsealed.barrier);
        opened.map_err(|error| {
            at_hand.failures.iter().fold(with_causes(&error), |all, failure| format!("{all}; {failure}"))
        })
    });
    opened.await.map_err(|error| error.to_string())?
}

async fn from_peers(config: &Config, dialer: &PeerDialer) -> Result<Barrier, String> {
    let peers = peers_file::read(&config.node.data_dir, &config.peer.dial);
    let given = consensus::ask_for_terms(dialer, config.cluster.id, &peers).await;
    let (peer, barrier, keyring) = given.map_err(|error| error.to_string())?;
    if let Some(keyring) = keyring {
        // Before the terms are used: what they seal must be readable after the next start too.
        custody::keep(config.cluster.id, &config.keys.keyring, &keyring).map_err(|error| error.to_string())?;
    }
    tracing::warn!(%peer, "the peer has given the barrier terms");
    Ok(barrier)
}

/// What the handlers share.
struct SealedNode {
    config: Arc<Config>,
    /// Why the node is sealed, for its status.
    why: Mutex<String>,
    /// The shares that were given so far. One attempt at a time.
    shares: tokio::sync::Mutex<Vec<Share>>,
    /// How many shares were given and are needed.
    given: Mutex<(u32, u32)>,
    opened: mpsc::Sender<Barrier>,
}

impl SealedNode {
    fn say(&self, why: String) {
        let mut said = lock(&self.why);
        if *said != why {
            tracing::warn!(why, "the node stays sealed");
            *said = why;
        }
    }

    fn status(&self, sealed: bool) -> pb::SealStatusResponse {
        let (providers, barrier_term) = match keyring(&self.config) {
            Ok(keyring) => {
                let provider = |name: &key_service::ProviderName| pb::Provider {
                    kind: kind_on_the_wire(name.kind).into(),
                    id: name.id.clone(),
                };
                (keyring.providers().map(provider).collect(), keyring.newest_term())
            }
            Err(error) => {
                self.say(format!("{error:#}"));
                (Vec::new(), 0)
            }
        };
        let (shares_given, shares_needed) = *lock(&self.given);
        pb::SealStatusResponse {
            node: self.config.node.id.0,
            sealed,
            providers,
            barrier_term,
            shares_given,
            shares_needed,
            peer_unseal: self.config.keys.peer_unseal,
            why: if sealed { lock(&self.why).clone() } else { String::new() },
        }
    }

    /// Takes what an operator gives; the barrier when it was enough.
    async fn take(&self, credential: Option<pb::credential::Credential>) -> Result<Option<Barrier>, String> {
        use pb::credential::Credential;
        let Ok(mut shares) = self.shares.try_lock() else {
            return Err("another attempt is under way".to_owned());
        };
        let attempt = match credential {
            None => unattended(&self.config).await.map(Some),
            Some(Credential::Passphrase(passphrase)) => {
                self.open(vec![Given::Passphrase(Plaintext::new(passphrase))]).await.map(Some)
            }
            Some(Credential::Share(share)) => self.take_share(&mut shares, Zeroizing::new(share)).await,
        };
        if attempt.is_err() {
            tokio::time::sleep(FAILED_ATTEMPT).await;
        }
        attempt
    }

    async fn take_share(&self, shares: &mut Vec<Share>, text: Zeroizing<String>) -> Result<Option<Barrier>, String> {
        let share = Share::parse(&text).map_err(|error| format!("the share {error}"))?;
        let keyring = keyring(&self.config).map_err(|error| format!("{error:#}"))?;
        let is_of_keyring = |share: &Share| {
            let id = format!("shamir-{}", share.set());
            keyring.providers().any(|name| name.kind == ProviderKind::Shamir && name.id == id)
        };
        if !is_of_keyring(&share) {
            return Err(format!("share {} is of set {}, and this keyring has no such set", share.index(), share.set()));
        }
        if shares.first().is_some_and(|first| first.set() != share.set()) {
            shares.clear();
        }
        if shares.iter().any(|held| held.index() == share.index()) {
            return Err(format!("share {} was given already", share.index()));
        }
        let needed = usize::from(share.threshold());
        shares.push(share);
        self.count(shares.len(), needed);
        if shares.len() < needed {
            return Ok(None);
        }
        // Whatever comes of them, they are not kept.
        let given = shares.drain(..).map(|share| Given::Share(share.to_text())).collect();
        let opened = self.open(given).await;
        self.count(0, needed);
        opened.map(Some)
    }

    fn count(&self, given: usize, needed: usize) {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        *lock(&self.given) = (count(given), count(needed));
    }

    async fn open(&self, given: Vec<Given>) -> Result<Barrier, String> {
        let config = self.config.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let keyring = keyring(&config).map_err(|error| format!("{error:#}"))?;
            let at_hand = AtHand::given(&keyring, &given)?;
            let opened = keyring.unseal(&at_hand.refs()).map_err(|error| with_causes(&error))?;
            Ok(opened.barrier)
        });
        opened.await.map_err(|error| error.to_string())?
    }

    /// From here on the node may be unsealed by itself again.
    fn unmark(&self) -> Result<(), String> {
        let marker = custody::marker(&self.config.node.data_dir);
        if !marker.exists() {
            return Ok(());
        }
        files::remove(&marker).map_err(|error| format!("{error:#}"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Front(Arc<SealedNode>);

fn failed(error: &ApiError) -> Status {
    proto::to_wire_error(error, &Uuid::new_v4().to_string())
}

fn sealed<T>() -> Result<T, Status> {
    Err(failed(&ApiError::new(ErrorCode::ServiceUnavailable, SEALED)))
}

/// Anybody with a certificate of the cluster may ask, and give what opens the root key; what counts is what is given.
fn must_be_known<T>(request: &tonic::Request<T>) -> Result<&ClientIdentity, Status> {
    let connection = request.extensions().get::<ConnectionInfo>();
    let client = connection.and_then(|connection| connection.client_identity.as_ref());
    client.ok_or_else(|| failed(&ErrorCode::MissingAuthenticationToken.into()))
}

#[tonic::async_trait]
impl Seal for Front {
    async fn seal_status(
        &self,
        request: tonic::Request<pb::SealStatusRequest>,
    ) -> Result<Response<pb::SealStatusResponse>, Status> {
        must_be_known(&request)?;
        Ok(Response::new(self.0.status(true)))
    }

    async fn unseal(
        &self,
        request: tonic::Request<pb::UnsealRequest>,
    ) -> Result<Response<pb::SealStatusResponse>, Status> {
        let client = must_be_known(&request)?.clone();
        let credential = request.into_inner().credential;
        let credential = credential.and_then(|mut message| message.credential.take());
        // Who gives nothing has the node use what lies beside it, against an operator's word if it was sealed by one.
        if credential.is_none() && client.root_account(self.0.config.cluster.id).is_none() {
            tracing::warn!(?client, "a client that is not root has tried to unseal the node");
            let why = "without a passphrase or shares, only root may unseal a node";
            return Err(failed(&ApiError::new(ErrorCode::AccessDenied, why)));
        }
        let taken = match self.0.take(credential).await {
            Ok(Some(barrier)) => self.0.unmark().map(|()| Some(barrier)),
            other => other,
        };
        match taken {
            Ok(Some(barrier)) => {
                tracing::warn!(?client, "a client has unsealed the node");
                // A second one has come too late, which is as good.
                let _already = self.0.opened.try_send(barrier);
                Ok(Response::new(self.0.status(false)))
            }
            Ok(None) => Ok(Response::new(self.0.status(true))),
            Err(why) => {
                tracing::warn!(?client, why, "an attempt to unseal the node has failed");
                Err(failed(&ApiError::new(ErrorCode::InvalidRequest, why)))
            }
        }
    }

    /// It is.
    async fn seal(&self, request: tonic::Request<pb::SealRequest>) -> Result<Response<pb::SealResponse>, Status> {
        must_be_known(&request)?;
        sealed()
    }

    async fn change_keyring(
        &self,
        _: tonic::Request<pb::ChangeKeyringRequest>,
    ) -> Result<Response<pb::ChangeKeyringResponse>, Status> {
        sealed()
    }

    async fn verify_providers(
        &self,
        _: tonic::Request<pb::VerifyProvidersRequest>,
    ) -> Result<Response<pb::VerifyProvidersResponse>, Status> {
        sealed()
    }
}

fn app(node: &Arc<SealedNode>) -> Router {
    let seal = SealServer::new(Front(node.clone())).max_decoding_message_size(limits::REQUEST_BODY_BYTES);
    let seal = tonic::service::Routes::new(seal).into_axum_router();
    Router::new()
        .route("/healthz", get(|| async { "ok\nsealed\n" }))
        .route("/readyz", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "sealed\n") }))
        .route("/metrics", get(|| async { super::metrics::text(true) }))
        .fallback(move |request: Request| {
            let seal = seal.clone();
            async move {
                let is_grpc = is_grpc(&request);
                if is_grpc && request.uri().path().starts_with("/conclave.cluster.v1.Seal/") {
                    return seal.oneshot(request).await.into_response();
                }
                refused(&ApiError::new(ErrorCode::ServiceUnavailable, SEALED), is_grpc)
            }
        })
}
