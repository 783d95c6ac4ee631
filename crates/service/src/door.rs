//! The door: every request goes throttle -> authenticate -> shape -> authorize -> act -> record, and there is no other
//! way in.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use consensus::{Clock, Proposal, ProposeError, Published};
use key_service::Barrier;
use state::{Access, Applied, Command, KeyRefusal, Outcome, Refusal, Secret, State, VersionEntry};
use types::{ApiError, ErrorCode, Namespace, Principal, ProposalId, Region, Timestamp, limits};

use crate::authenticate::Authenticator;
use crate::authorize::{Action, Authorized, Target, authorize};
use crate::caller::{Answer, Caller, Credential};
use crate::reads::{Relaxation, RelaxedReads, consistency};
use crate::record::{OpenRecord, Recorder};
use crate::replicated::Replicated;
use crate::rotation_functions::{NoFunctions, RotationFunctions};
use crate::shape::SecretTarget;
use crate::throttle::{ServiceLimits, Throttle, Turn};
use crate::touch::{FirstRead, Touches};
use crate::vault::{Vault, cannot_encrypt};

const MARKED_FOR_DELETION: &str = "You can't perform this operation on the secret because it was marked for deletion.";
const NOT_ON_A_REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";
const KEEPS_CHANGING: &str = "What the request is about keeps changing. Nothing was changed.";

/// All that stands between a front and the state.
pub(crate) struct Door<R> {
    pub(crate) replicated: R,
    pub(crate) regions: Vec<Region>,
    pub(crate) clock: Arc<dyn Clock>,
    barrier: Arc<Barrier>,
    authenticator: Authenticator,
    vault: Vault,
    touches: Arc<Touches>,
    recorder: Arc<dyn Recorder>,
    throttle: Throttle,
    pub(crate) relaxed_reads: RelaxedReads,
    pub(crate) functions: Arc<dyn RotationFunctions>,
}

/// One state, and who the caller is on it.
pub(crate) struct View<'a> {
    published: Arc<Published>,
    pub(crate) principal: Principal,
    pub(crate) namespace: Namespace,
    pub(crate) deadline: Instant,
    /// This node's clock, for what is not replicated.
    pub(crate) now: Timestamp,
    pub(crate) vault: &'a Vault,
    pub(crate) barrier: &'a Barrier,
    pub(crate) functions: &'a dyn RotationFunctions,
    pub(crate) regions: &'a [Region],
    touches: &'a Arc<Touches>,
}

impl View<'_> {
    pub(crate) fn state(&self) -> &State {
        &self.published.state
    }

    /// The secret, whether or not it is scheduled for deletion.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub(crate) fn secret(&self, target: &SecretTarget) -> Result<&Arc<Secret>, ApiError> {
        self.state().find(&self.namespace, &target.id).ok_or_else(ApiError::secret_not_found)
    }

    /// The secret, if it is not scheduled for deletion.
    ///
    /// # Errors
    /// ResourceNotFound, InvalidRequest.
    pub(crate) fn live_secret(&self, target: &SecretTarget) -> Result<&Arc<Secret>, ApiError> {
        let secret = self.secret(target)?;
        if secret.is_scheduled_for_deletion() {
            return Err(ApiError::new(ErrorCode::InvalidRequest, MARKED_FOR_DELETION));
        }
        Ok(secret)
    }

    /// The secret, if it is not scheduled for deletion and no replica.
    ///
    /// # Errors
    /// ResourceNotFound, InvalidRequest, InvalidParameter.
    pub(crate) fn live_primary(&self, target: &SecretTarget) -> Result<&Arc<Secret>, ApiError> {
        let secret = self.live_secret(target)?;
        self.must_be_no_replica(secret)?;
        Ok(secret)
    }

    /// Refuses what only a primary may be asked.
    ///
    /// # Errors
    /// InvalidParameter.
    pub(crate) fn must_be_no_replica(&self, secret: &Secret) -> Result<(), ApiError> {
        if self.state().is_replica(secret) {
            return Err(ApiError::new(ErrorCode::InvalidParameter, NOT_ON_A_REPLICA));
        }
        Ok(())
    }

    /// Notes that a version has been read, unless it is known that it was today.
    pub(crate) async fn touch(&self, secret: &Secret, entry: &VersionEntry) {
        let day = self.now.start_of_day();
        if secret.last_accessed >= Some(day) && entry.last_accessed >= Some(day) {
            return;
        }
        let access = Access { secret: secret.uid, part: entry.version.part };
        self.touches.touch(FirstRead { access, day, decided_at: self.published.applied_index }).await;
    }
}

/// What reading and writing use cases have in common.
pub(crate) trait UseCase {
    type Input: Send;
    type Request: Target + Send + Sync;
    type Output: Send;
    const ACTION: Action;

    /// Parses the input by [`crate::shape`].
    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError>;
}

/// A use case that only reads.
pub(crate) trait Read: UseCase {
    /// Whether its data may be older where the caller asks for that. Otherwise it gets more than it asks for.
    const MAY_BE_RELAXED: bool = false;

    /// Answers from one state.
    fn act(
        request: Authorized<'_, Self::Request>,
        view: &View<'_>,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

/// What a writing use case means to do on one state.
pub(crate) enum Plan<T> {
    /// Nothing has to be written.
    Answer(T),
    /// This has to be proposed.
    Propose(Command),
    /// This has to be proposed before the request can be planned: it makes what the request needs.
    Prepare(Command),
}

/// A use case that writes.
pub(crate) trait Write: UseCase {
    /// Plans on one state. It may be called again on a newer one, so it changes nothing.
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError>;

    /// Whether the answer shows what only the changed state knows. It costs a pass of the barrier.
    const ANSWERS_FROM_STATE: bool = false;

    /// The output for what was applied; `None` when it is not a result of this command. The view is the one that was
    /// planned on, or, where the answer comes from the state, a newer one that holds the change.
    fn output(applied: Applied, request: &Self::Request, view: &View<'_>) -> Option<Self::Output>;

    /// The refusal of a key in the words of the operation: those of secrets, unless it is one on keys.
    fn refused_by_key(_: KeyRefusal, _: &Self::Request, _: &View<'_>) -> ApiError {
        cannot_encrypt()
    }
}

impl<R: Replicated> Door<R> {
    pub(crate) fn new(
        replicated: R,
        barrier: Arc<Barrier>,
        regions: Vec<Region>,
        clock: Arc<dyn Clock>,
        recorder: Arc<dyn Recorder>,
        limits: ServiceLimits,
        relaxed_reads: RelaxedReads,
    ) -> Self
    where
        R: Clone + 'static,
    {
        let authenticator = Authenticator::new(barrier.clone());
        let vault = Vault::new(barrier.clone());
        let touches = Touches::new(replicated.clone());
        let throttle = Throttle::new(limits);
        Self {
            replicated,
            regions,
            clock,
            barrier,
            authenticator,
            vault,
            touches,
            recorder,
            throttle,
            relaxed_reads,
            functions: Arc::new(NoFunctions),
        }
    }

    /// What seals what this node proposes of its own accord.
    pub(crate) fn barrier(&self) -> &Barrier {
        &self.barrier
    }

    pub(crate) const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Lets a request in, for as long as the answer is kept.
    ///
    /// # Errors
    /// Throttling after too many failures, ServiceUnavailable when too much is in flight.
    pub(crate) fn enter(&self, caller: &Caller) -> Result<Turn<'_>, ApiError> {
        self.throttle.enter(caller, || {
            let state = &self.replicated.local_state().state;
            match &caller.credential {
                Credential::Certificate(uri) => state.binding(uri).is_some(),
                Credential::Signature(check) => state.access_key(check.access_key_id()).is_some(),
            }
        })
    }

    /// The answer to a request that names nobody.
    pub(crate) fn nameless(&self, peer: Option<IpAddr>, error: ApiError) -> ApiError {
        self.throttle.nameless(peer, error)
    }

    pub(crate) fn open_record<'a>(&'a self, action: Action, caller: &'a Caller) -> OpenRecord<'a> {
        OpenRecord::new(self.recorder.as_ref(), action, caller)
    }

    /// Runs a reading use case on one state that has passed the barrier, the data excepted that may be older.
    ///
    /// # Correctness
    /// What a relaxed read is authenticated and authorized on is never older than what any other read is.
    pub(crate) async fn read<U: Read>(&self, caller: &Caller, input: U::Input) -> Result<Answer<U::Output>, ApiError> {
        let mut record = self.open_record(U::ACTION, caller);
        let result = self.read_recorded::<U>(caller, input, &mut record).await;
        record.end(result)
    }

    async fn read_recorded<U: Read>(
        &self,
        caller: &Caller,
        input: U::Input,
        record: &mut OpenRecord<'_>,
    ) -> Result<Answer<U::Output>, ApiError> {
        let _turn = self.enter(caller)?;
        let relaxation = match U::MAY_BE_RELAXED {
            true => self.relaxed_reads.relaxation(caller),
            false => consistency(caller).map(|_| None),
        };
        let (view, age) = match relaxation {
            Ok(Some(Relaxation::Stale { max_age })) => {
                let (view, age) = self.stale_view(caller, max_age, record).await?;
                (view, Some(age))
            }
            // A lease would spare nothing that identity does not need in any case. And who is told what is wrong is
            // known first.
            Ok(Some(Relaxation::Lease) | None) | Err(_) => (self.view_past_barrier(caller, record).await?, None),
        };
        self.throttle.charge(&view.principal, caller.arrived)?;
        let relaxation = relaxation?;
        let request = U::parse(input, &view.namespace)?;
        record.encryption_contexts = request.encryption_contexts();
        if let Some(relaxation) = relaxation {
            authorize(&view.principal, relaxation.action(), &request, &mut record.decision)?;
        }
        let authorized = authorize(&view.principal, U::ACTION, &request, &mut record.decision)?;
        let output = U::act(authorized, &view).await?;
        Ok(Answer { output, applied_index: view.published.applied_index, age })
    }

    /// Runs a writing use case.
    ///
    /// # Correctness
    /// It plans on this node's own state, which may be behind. That is safe because `apply` refuses a command whose
    /// grounds have changed since `decided_at`, and because a refusal, or an answer without a command, is only given
    /// on a state that has passed the barrier.
    pub(crate) async fn write<U: Write>(
        &self,
        caller: &Caller,
        input: U::Input,
    ) -> Result<Answer<U::Output>, ApiError> {
        let mut record = self.open_record(U::ACTION, caller);
        let result = self.write_recorded::<U>(caller, input, &mut record).await;
        record.end(result)
    }

    async fn write_recorded<U: Write>(
        &self,
        caller: &Caller,
        input: U::Input,
        record: &mut OpenRecord<'_>,
    ) -> Result<Answer<U::Output>, ApiError> {
        let _turn = self.enter(caller)?;
        let local = self.view(caller, self.replicated.local_state(), record);
        let mut past_barrier = local.is_err();
        let mut view = match local {
            Ok(view) => view,
            // The caller may be newer than this node's state.
            Err(_) => self.view_past_barrier(caller, record).await?,
        };
        self.throttle.charge(&view.principal, caller.arrived)?;
        // A write has no use for one, and yet it must not be misspelt.
        consistency(caller)?;
        let request = U::parse(input, &view.namespace)?;
        record.encryption_contexts = request.encryption_contexts();

        for _ in 0..limits::DECISIONS_PER_REQUEST {
            let planned = authorize(&view.principal, U::ACTION, &request, &mut record.decision)
                .and_then(|authorized| U::plan(&authorized, &view));
            match planned {
                Ok(Plan::Propose(command)) => {
                    let (outcome, applied_index) = self.propose(&view, command).await?;
                    match outcome {
                        Ok(applied) => {
                            let newer = match U::ANSWERS_FROM_STATE {
                                true => Some(self.view_of_change(caller, record).await?),
                                false => None,
                            };
                            let output = U::output(applied, &request, newer.as_ref().unwrap_or(&view));
                            let output = output.ok_or(ErrorCode::InternalService)?;
                            return Ok(Answer { output, applied_index, age: None });
                        }
                        Err(Refusal::Api(error)) => return Err(error),
                        Err(Refusal::Key(refusal)) => return Err(U::refused_by_key(refusal, &request, &view)),
                        Err(Refusal::Conflict | Refusal::Forgotten) => {}
                    }
                }
                // What it came to shows when the request is planned again.
                Ok(Plan::Prepare(command)) => match self.propose(&view, command).await?.0 {
                    Err(Refusal::Api(error)) => return Err(error),
                    Err(Refusal::Key(refusal)) => return Err(U::refused_by_key(refusal, &request, &view)),
                    Ok(_) | Err(Refusal::Conflict | Refusal::Forgotten) => {}
                },
                Ok(Plan::Answer(output)) if past_barrier => {
                    return Ok(Answer { output, applied_index: view.published.applied_index, age: None });
                }
                Err(error) if past_barrier => return Err(error),
                // This node may be behind.
                Ok(Plan::Answer(_)) | Err(_) => {}
            }
            let newer = self.view_past_barrier(caller, record).await?;
            if newer.namespace != view.namespace {
                // The request was parsed for another account than the caller now has.
                break;
            }
            view = newer;
            past_barrier = true;
        }
        Err(ApiError::new(ErrorCode::ServiceUnavailable, KEEPS_CHANGING))
    }

    /// Refuses a request that no use case can take, with `error`, or with what is wrong with its caller.
    pub(crate) async fn refuse<T>(&self, action: Action, caller: &Caller, error: ApiError) -> Result<T, ApiError> {
        let mut record = self.open_record(action, caller);
        let result = self.refuse_recorded(caller, error, &mut record).await;
        record.end(result)
    }

    async fn refuse_recorded<T>(
        &self,
        caller: &Caller,
        error: ApiError,
        record: &mut OpenRecord<'_>,
    ) -> Result<T, ApiError> {
        let _turn = self.enter(caller)?;
        let view = self.view_past_barrier(caller, record).await?;
        self.throttle.charge(&view.principal, caller.arrived)?;
        Err(error)
    }

    /// Proposes what was planned on `view`, and says what it came to at which log index.
    async fn propose(&self, view: &View<'_>, command: Command) -> Result<(Outcome, u64), ApiError> {
        let proposal = Proposal {
            id: ProposalId::new(view.published.applied_index, key_service::random()),
            principal: view.principal.clone(),
            decided_at: view.published.applied_index,
            command,
        };
        let receipt = self.replicated.propose(proposal, view.deadline).await.map_err(not_proposed)?;
        Ok((receipt.outcome, receipt.index))
    }

    /// A view that holds what this request has changed.
    ///
    /// # Errors
    /// OutcomeUnknown: that it was changed is certain, what it is now is not.
    async fn view_of_change(&self, caller: &Caller, record: &mut OpenRecord<'_>) -> Result<View<'_>, ApiError> {
        self.view_past_barrier(caller, record).await.map_err(|_| ErrorCode::OutcomeUnknown.into())
    }

    /// The caller on a state that holds every write acknowledged before now.
    pub(crate) async fn view_past_barrier(
        &self,
        caller: &Caller,
        record: &mut OpenRecord<'_>,
    ) -> Result<View<'_>, ApiError> {
        let published =
            self.replicated.read_barrier(deadline(caller)).await.map_err(|_| ErrorCode::ServiceUnavailable)?;
        self.current_view(caller, published, record)
    }

    /// The caller on a state that holds every change of identity, policy and keys acknowledged before now, and all
    /// else up to some age.
    async fn stale_view(
        &self,
        caller: &Caller,
        max_age: Duration,
        record: &mut OpenRecord<'_>,
    ) -> Result<(View<'_>, Duration), ApiError> {
        let stale = self.replicated.read_stale(max_age, deadline(caller)).await;
        let stale = stale.map_err(|_| ErrorCode::ServiceUnavailable)?;
        Ok((self.current_view(caller, stale.published, record)?, stale.age))
    }

    /// The caller on a state whose identities are those of now.
    fn current_view(
        &self,
        caller: &Caller,
        published: Arc<Published>,
        record: &mut OpenRecord<'_>,
    ) -> Result<View<'_>, ApiError> {
        let view = self.view(caller, published, record);
        // Only here: a state that is behind fails those whom it does not know yet.
        if record.principal.is_none() && view.as_ref().is_err_and(is_failed_authentication) {
            self.throttle.failed(caller);
        }
        view
    }

    /// The caller on that state.
    pub(crate) fn view(
        &self,
        caller: &Caller,
        published: Arc<Published>,
        record: &mut OpenRecord<'_>,
    ) -> Result<View<'_>, ApiError> {
        let principal = self.authenticator.principal(&caller.credential, &published.state)?;
        record.principal = Some(principal.clone());
        if !self.regions.contains(&caller.region) {
            return Err(self.not_served(caller));
        }
        let account = principal.account().or_else(|| published.state.cluster().map(|cluster| cluster.account));
        let account = account.ok_or(ErrorCode::ServiceUnavailable)?;
        Ok(View {
            principal,
            namespace: Namespace { account, region: caller.region.clone() },
            deadline: deadline(caller),
            now: self.clock.now(),
            vault: &self.vault,
            barrier: &self.barrier,
            functions: self.functions.as_ref(),
            regions: &self.regions,
            touches: &self.touches,
            published,
        })
    }

    fn not_served(&self, caller: &Caller) -> ApiError {
        match &caller.credential {
            Credential::Signature(_) => {
                ApiError::new(ErrorCode::InvalidSignature, "Credential should be scoped to a valid region.")
            }
            Credential::Certificate(_) => {
                let regions: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
                ApiError::validation(format_args!(
                    "Value '{}' at 'region' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                    caller.region,
                    regions.join(", ")
                ))
            }
        }
    }
}

fn is_failed_authentication(error: &ApiError) -> bool {
    matches!(error.code, ErrorCode::UnrecognizedClient | ErrorCode::InvalidSignature)
}

fn deadline(caller: &Caller) -> Instant {
    caller.arrived + limits::REQUEST_DEADLINE
}

pub(crate) fn not_proposed(error: ProposeError) -> ApiError {
    match error {
        ProposeError::Unavailable => ErrorCode::ServiceUnavailable.into(),
        ProposeError::Unknown => ErrorCode::OutcomeUnknown.into(),
    }
}
