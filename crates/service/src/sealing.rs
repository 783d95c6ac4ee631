//! The seal of the cluster and its keyring: `conclave:*` actions like the rest of administration.
//!
//! What a provider does happens behind [`KeyCustody`], on this node. What comes of it is one command, so that there is
//! no step between the old keyring and the new one: every wrap of the new one has been opened before it is proposed,
//! and whoever reads the log has the one or the other.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use consensus::{Proposal, ProposeError, Receipt, Replica};
use key_service::ProviderKind;
use state::{Applied, Command, Keyring, Refusal, SetKeyring};
use types::{ApiError, ErrorCode, NodeId, Plaintext, Principal, ProposalId};
use zeroize::Zeroizing;

use crate::authorize::{Action, Authorized};
use crate::caller::Caller;
use crate::cluster::{Administration, no_resource};
use crate::door::not_proposed;
use crate::service::Service;

/// Time for a change of the keyring to be applied, over changes of the leader.
const CHANGE_TIME: Duration = Duration::from_secs(45);
/// Pause before a proposal is made again that may or may not have been appended.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const CHANGED_MEANWHILE: &str = "The keyring has been changed meanwhile, and not by this command. Look at it and try \
                                 again.";

/// A provider of the root key, by the name that the keyring has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderId {
    /// The sort of provider.
    pub kind: ProviderKind,
    /// Which one.
    pub id: String,
}

/// What an operator knows of an attended provider.
pub enum Given {
    /// A passphrase.
    Passphrase(Plaintext),
    /// One share, as it was printed.
    Share(Zeroizing<String>),
}

/// A provider that is to be added.
pub enum NewProvider {
    /// The keyfile in this node's configuration.
    Keyfile,
    /// A passphrase.
    Passphrase(Plaintext),
    /// So many shares, of which so many are needed.
    Shares {
        /// How many are dealt.
        shares: u8,
        /// How many open the root key.
        threshold: u8,
    },
    /// The token in this node's configuration.
    Pkcs11,
}

/// A change of the keyring.
pub enum KeyringChange {
    /// A new barrier term.
    RotateBarrier,
    /// A new root key under the same providers.
    RotateRoot,
    /// One provider more.
    AddProvider(NewProvider),
    /// One provider less.
    RemoveProvider(ProviderId),
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

debug_as_name!(Given, NewProvider, KeyringChange, PreparedKeyring, ChangedKeyring);

/// A keyring that is ready to be proposed: every wrap in it has been opened.
pub struct PreparedKeyring {
    /// See [`Keyring::sealed`].
    pub sealed: Vec<u8>,
    /// See [`Keyring::terms`].
    pub terms: Vec<u8>,
    /// Its newest term.
    pub barrier_term: u32,
    /// Its providers.
    pub providers: Vec<ProviderId>,
    /// Shares that were dealt for it.
    pub shares: Vec<Zeroizing<String>>,
}

/// What came of a change.
pub struct ChangedKeyring {
    /// The keyring's number.
    pub revision: u64,
    /// Its newest term.
    pub barrier_term: u32,
    /// Its providers.
    pub providers: Vec<ProviderId>,
    /// New shares, which nobody can show again.
    pub shares: Vec<Zeroizing<String>>,
}

/// The keyring of a node and what can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// The providers of its keyring.
    pub providers: Vec<ProviderId>,
    /// The newest term.
    pub barrier_term: u32,
    /// Whether it asks its peers for the terms when it is sealed, and gives them its own.
    pub peer_unseal: bool,
}

/// How one provider fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// The provider.
    pub provider: ProviderId,
    /// Why it did not open the root key, with the causes.
    pub result: Result<(), String>,
}

/// The key custody of this node. Its functions may take as long as a passphrase or a token takes, and block.
pub trait KeyCustody: Send + Sync {
    /// What could unseal this node.
    fn status(&self) -> SealStatus;

    /// Makes the keyring that comes after `current`, or after this node's file when there is none in the state.
    ///
    /// # Errors
    /// What the operator has to do about it. Nothing is changed in any case.
    fn prepare(
        &self,
        current: Option<&Keyring>,
        change: &KeyringChange,
        given: &[Given],
    ) -> Result<PreparedKeyring, String>;

    /// Opens the root key with every provider that is at hand.
    ///
    /// # Errors
    /// What is wrong with what was given.
    fn verify(&self, given: &[Given]) -> Result<Vec<ProviderReport>, String>;
}

impl Service {
    /// What could unseal this node.
    pub fn seal_status(&self) -> SealStatus {
        self.custody.status()
    }

    /// This node's id.
    pub fn node(&self) -> NodeId {
        self.replica().id()
    }

    /// Seals every node that can be reached; what came of it on each. Needs no quorum: it is for times of trouble.
    ///
    /// # Errors
    /// Of authentication and authorization.
    pub async fn seal_cluster(&self, caller: &Caller) -> Result<Vec<(NodeId, Result<(), String>)>, ApiError> {
        self.door.administer(caller, SealCluster).await
    }

    /// Changes the keyring of all nodes.
    ///
    /// # Errors
    /// Of authentication and authorization; InvalidRequest with what is missing or wrong, or when the keyring has been
    /// changed meanwhile; ServiceUnavailable; OutcomeUnknown.
    pub async fn change_keyring(
        &self,
        caller: &Caller,
        change: KeyringChange,
        given: Vec<Given>,
    ) -> Result<ChangedKeyring, ApiError> {
        let command = ChangeKeyring { custody: self.custody.clone(), asked: Arc::new((change, given)) };
        Box::pin(self.door.administer(caller, command)).await
    }

    /// Opens the root key with every provider that is at hand on this node.
    ///
    /// # Errors
    /// Of authentication and authorization; InvalidRequest for what was given.
    pub async fn verify_providers(&self, caller: &Caller, given: Vec<Given>) -> Result<Vec<ProviderReport>, ApiError> {
        let command = VerifyProviders { custody: self.custody.clone(), given: Arc::new(given) };
        self.door.administer(caller, command).await
    }
}

struct SealCluster;
struct ChangeKeyring {
    custody: Arc<dyn KeyCustody>,
    asked: Arc<(KeyringChange, Vec<Given>)>,
}
struct VerifyProviders {
    custody: Arc<dyn KeyCustody>,
    given: Arc<Vec<Given>>,
}

no_resource!(SealCluster, ChangeKeyring, VerifyProviders);

impl Administration for SealCluster {
    type Output = Vec<(NodeId, Result<(), String>)>;
    const ACTION: Action = Action::SealCluster;
    const WITHOUT_QUORUM: bool = true;

    async fn perform(_: Authorized<'_, Self>, replica: &Replica, _: &Principal) -> Result<Self::Output, ApiError> {
        Ok(replica.seal_all().await)
    }
}

impl Administration for ChangeKeyring {
    type Output = ChangedKeyring;
    const ACTION: Action = Action::ChangeKeyring;

    async fn perform(
        command: Authorized<'_, Self>,
        replica: &Replica,
        principal: &Principal,
    ) -> Result<Self::Output, ApiError> {
        let deadline = Instant::now() + CHANGE_TIME;
        let published = replica.read_barrier(deadline).await.map_err(|_| ErrorCode::ServiceUnavailable)?;
        let current = published.state.keyring().cloned();
        let revision = current.as_ref().map_or(0, |keyring| keyring.revision) + 1;
        let (custody, asked) = (command.custody.clone(), command.asked.clone());
        let prepared = in_background(move || custody.prepare(current.as_deref(), &asked.0, &asked.1)).await?;
        let PreparedKeyring { sealed, terms, barrier_term, providers, shares } = prepared;
        let proposal = Proposal {
            id: ProposalId::new(published.applied_index, key_service::random()),
            principal: principal.clone(),
            decided_at: published.applied_index,
            command: Command::SetKeyring(SetKeyring { revision, sealed: sealed.into(), terms: terms.into() }),
        };
        match settled(replica, proposal, deadline).await?.outcome {
            Ok(Applied::KeyringSet { revision }) => Ok(ChangedKeyring { revision, barrier_term, providers, shares }),
            Ok(_) => Err(ErrorCode::InternalService.into()),
            Err(Refusal::Api(error)) => Err(error),
            Err(_) => Err(ApiError::new(ErrorCode::InvalidRequest, CHANGED_MEANWHILE)),
        }
    }
}

impl Administration for VerifyProviders {
    type Output = Vec<ProviderReport>;
    const ACTION: Action = Action::VerifyProviders;

    async fn perform(command: Authorized<'_, Self>, _: &Replica, _: &Principal) -> Result<Self::Output, ApiError> {
        let (custody, given) = (command.custody.clone(), command.given.clone());
        in_background(move || custody.verify(&given)).await
    }
}

/// Proposes until it is known what came of it: under the same id it is applied once. So a leader that dies with the
/// proposal under way costs a moment and no doubt.
async fn settled(replica: &Replica, proposal: Proposal, deadline: Instant) -> Result<Receipt, ApiError> {
    let mut in_doubt = false;
    loop {
        let again = Proposal {
            id: proposal.id,
            principal: proposal.principal.clone(),
            decided_at: proposal.decided_at,
            command: proposal.command.clone(),
        };
        let error = match replica.propose(again, deadline).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        in_doubt |= matches!(error, ProposeError::Unknown);
        if Instant::now() + RETRY_PAUSE >= deadline {
            return Err(if in_doubt { ErrorCode::OutcomeUnknown.into() } else { not_proposed(error) });
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Providers take their time, and the threads of the runtime have other things to do.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| ErrorCode::InternalService)?;
    done.map_err(|why| ApiError::new(ErrorCode::InvalidRequest, why))
}
