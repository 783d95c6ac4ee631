//! A door over a state that "other nodes" can change behind its back.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use consensus::{Clock, NoQuorum, Proposal, ProposeError, Published, Receipt, StaleState};
use key_service::{Barrier, IdempotencyKey, KeyMaterial, SealedKind};
use state::{Bootstrap, Command, Envelope, Outcome, Record, RecordKey, State, StateBuilder};
use types::{
    AccessKeyId, AccountId, ApiError, ClusterId, ErrorCode, KeyId, Namespace, Plaintext, Principal, ProposalId, Region,
    SecretArn, SecretName, Timestamp, VersionId,
};

use crate::api::{
    CreateSecretInput, CreateSecretOutput, DeleteSecretInput, DeleteSecretOutput, DescribeSecretInput,
    GetSecretValueInput, GetSecretValueOutput, PutSecretValueInput, PutSecretValueOutput, SecretDescription,
};
use crate::caller::{Caller, Credential, SignatureCheck};
use crate::door::{Door, Read, Write};
use crate::reads::RelaxedReads;
use crate::record::{Ending, Record as RequestRecord, Recorder};
use crate::replicated::Replicated;
use crate::secrets::{CreateSecret, DeleteSecret, DescribeSecret, GetSecretValue, PutSecretValue};
use crate::throttle::ServiceLimits;

pub(super) const ROOT_URI: &str = "urn:conclave:user/root";
pub(super) const ACCESS_KEY: &str = "AKIAROOT";
pub(super) const ACCESS_KEY_SECRET: &[u8] = b"the secret half";
pub(super) const START: Timestamp = Timestamp::from_millis(1_727_176_691_830);

/// How old what this node has is said to be.
pub(super) const AGE: Duration = Duration::from_secs(5);

const DAY_MS: u64 = 86_400_000;

/// The day that is so many after the first one.
pub(super) fn day(days: u64) -> Timestamp {
    Timestamp::from_millis(START.start_of_day().as_millis() + days * DAY_MS)
}

pub(super) fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

pub(super) fn region(text: &str) -> Region {
    Region::parse(text).unwrap()
}

pub(super) fn home() -> Namespace {
    Namespace { account: account(), region: region("us-east-1") }
}

/// A token of legal length that begins with `start`.
pub(super) fn token(start: &str) -> String {
    format!("{start:-<36}")
}

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn bytes(value: &str) -> Option<Plaintext> {
    Some(Plaintext::new(value.as_bytes().to_vec()))
}

/// The cluster: what is committed, and how much of that this node has.
#[derive(Default)]
pub(super) struct Cluster {
    replication: Mutex<Replication>,
    /// Proposals wait while it is held.
    log: tokio::sync::Mutex<()>,
}

type Change = Box<dyn FnOnce(&mut Replication) + Send>;

pub(super) struct Replication {
    committed: Arc<Published>,
    local: Arc<Published>,
    lags: bool,
    quorum: bool,
    fate_unknown: bool,
    /// How far the leader's clock is after the first day.
    elapsed_ms: u64,
    before_proposals: VecDeque<Change>,
    pub(super) proposals: usize,
}

impl Default for Replication {
    fn default() -> Self {
        let empty = Arc::new(Published::new(State::default(), 0));
        Self {
            committed: empty.clone(),
            local: empty,
            lags: false,
            quorum: true,
            fate_unknown: false,
            elapsed_ms: 0,
            before_proposals: VecDeque::new(),
            proposals: 0,
        }
    }
}

impl Replication {
    fn publish(&mut self, state: State, applied_index: u64) {
        self.committed = Arc::new(self.committed.followed_by(state, applied_index));
        if !self.lags {
            self.local = self.committed.clone();
        }
    }

    /// Commits a command of another node, decided on what is committed.
    pub(super) fn commit(&mut self, command: Command) -> Outcome {
        let decided_at = self.committed.applied_index;
        let principal = Principal::Root(account());
        self.apply(Proposal { id: ProposalId(key_service::random()), principal, decided_at, command }).outcome
    }

    pub(super) const fn lose_quorum(&mut self) {
        self.quorum = false;
    }

    /// Replaces records of the committed state.
    pub(super) fn rewrite(&mut self, change: impl Fn(Record) -> Record) {
        let mut builder = StateBuilder::default();
        for (key, record) in self.committed.state.records().collect::<Vec<(RecordKey, Record)>>() {
            builder.push(key, change(record)).unwrap();
        }
        let next = self.committed.applied_index + 1;
        self.publish(builder.finish().unwrap(), next);
    }

    /// The index that the next command will have.
    pub(super) fn next_index(&self) -> u64 {
        self.committed.applied_index + 1
    }

    /// The time that the leader will stamp on it.
    pub(super) fn next_stamp(&self) -> Timestamp {
        Timestamp::from_millis(START.as_millis() + self.elapsed_ms + self.next_index() * 1_000)
    }

    fn apply(&mut self, proposal: Proposal) -> Receipt {
        let index = self.next_index();
        let mut state = self.committed.state.clone();
        let envelope = Envelope {
            proposal: proposal.id,
            principal: proposal.principal,
            decided_at: proposal.decided_at,
            stamped: self.next_stamp(),
            command: proposal.command,
        };
        let outcome = state.apply(index, envelope);
        self.publish(state, index);
        Receipt { index, outcome }
    }
}

impl Cluster {
    pub(super) fn lock(&self) -> MutexGuard<'_, Replication> {
        self.replication.lock().unwrap()
    }

    /// From now on, and for as long as the guard is kept, proposals wait.
    pub(super) async fn hold_proposals(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.log.lock().await
    }
}

impl Replicated for Arc<Cluster> {
    fn local_state(&self) -> Arc<Published> {
        self.lock().local.clone()
    }

    fn read_barrier(&self, _: Instant) -> impl Future<Output = Result<Arc<Published>, NoQuorum>> + Send {
        let mut replication = self.lock();
        if replication.quorum {
            replication.local = replication.committed.clone();
        }
        std::future::ready(if replication.quorum { Ok(replication.local.clone()) } else { Err(NoQuorum) })
    }

    async fn read_stale(&self, max_age: Duration, deadline: Instant) -> Result<StaleState, NoQuorum> {
        let (local, access_index) = {
            let replication = self.lock();
            if !replication.quorum {
                return Err(NoQuorum);
            }
            (replication.local.clone(), replication.committed.access_index)
        };
        if local.applied_index >= access_index && max_age >= AGE {
            return Ok(StaleState { published: local, age: AGE });
        }
        let published = self.read_barrier(deadline).await?;
        Ok(StaleState { published, age: Duration::ZERO })
    }

    async fn propose(&self, proposal: Proposal, _: Instant) -> Result<Receipt, ProposeError> {
        let _turn = self.log.lock().await;
        let mut replication = self.lock();
        replication.proposals += 1;
        if let Some(change) = replication.before_proposals.pop_front() {
            change(&mut replication);
        }
        match (replication.quorum, replication.fate_unknown) {
            (false, _) => Err(ProposeError::Unavailable),
            (true, true) => Err(ProposeError::Unknown),
            (true, false) => Ok(replication.apply(proposal)),
        }
    }
}

struct FixedClock(AtomicU64);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What a record said, without its lifetimes.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) operation: &'static str,
    pub(super) principal: Option<Principal>,
    pub(super) ending: Ending,
    pub(super) decided: bool,
}

#[derive(Default)]
pub(super) struct Records(Mutex<Vec<Seen>>);

impl Recorder for Records {
    fn record(&self, record: &RequestRecord<'_>) {
        assert_eq!((record.request_id, record.region.as_str().is_empty()), ("request", false));
        self.0.lock().unwrap().push(Seen {
            operation: record.action.name(),
            principal: record.principal.cloned(),
            ending: record.ending,
            decided: record.decision.is_some(),
        });
    }
}

/// A signature that was made with `secret`.
pub(super) struct Signed {
    pub(super) id: AccessKeyId,
    pub(super) secret: Vec<u8>,
}

impl SignatureCheck for Signed {
    fn access_key_id(&self) -> &AccessKeyId {
        &self.id
    }

    fn verify(&self, secret: Option<(&[u8], u64)>) -> Result<(), ApiError> {
        match secret {
            None => Err(ErrorCode::UnrecognizedClient.into()),
            Some((secret, changed_at)) if secret == self.secret && changed_at > 0 => Ok(()),
            Some(_) => Err(ErrorCode::InvalidSignature.into()),
        }
    }
}

pub(super) fn signed(id: &str, secret: &[u8]) -> Credential {
    Credential::Signature(Box::new(Signed { id: AccessKeyId::parse(id).unwrap(), secret: secret.to_vec() }))
}

/// One node's door, and the cluster behind it.
pub(super) struct World {
    pub(super) cluster: Arc<Cluster>,
    pub(super) door: Door<Arc<Cluster>>,
    pub(super) barrier: Arc<Barrier>,
    pub(super) records: Arc<Records>,
    pub(super) caller: Caller,
    clock: Arc<FixedClock>,
}

impl World {
    /// A cluster that has its root principal and keys.
    pub(super) fn new() -> Self {
        Self::limited(ServiceLimits::default())
    }

    /// The same, with these limits.
    pub(super) fn limited(limits: ServiceLimits) -> Self {
        let world = Self::with_limits(limits);
        world.cluster.lock().commit(Command::Bootstrap(bootstrap(&world.barrier))).unwrap();
        world
    }

    pub(super) fn without_bootstrap() -> Self {
        Self::with_limits(ServiceLimits::default())
    }

    fn with_limits(limits: ServiceLimits) -> Self {
        let cluster = Arc::new(Cluster::default());
        let barrier = Arc::new(Barrier::ephemeral(ClusterId([1; 16])));
        let records = Arc::new(Records::default());
        let regions = vec![region("us-east-1"), region("eu-central-1")];
        let clock = Arc::new(FixedClock(AtomicU64::new(START.as_millis())));
        let reads = RelaxedReads::default();
        let door = Door::new(cluster.clone(), barrier.clone(), regions, clock.clone(), records.clone(), limits, reads);
        let caller = caller(Credential::Certificate(ROOT_URI.to_owned()), "us-east-1");
        Self { cluster, door, barrier, records, caller, clock }
    }

    /// From now on this node gets nothing new before it passes the barrier.
    pub(super) fn lag(&self) {
        self.cluster.lock().lags = true;
    }

    pub(super) fn lose_quorum(&self) {
        self.cluster.lock().lose_quorum();
    }

    /// Days pass on this node's clock.
    pub(super) fn pass_days_here(&self, days: u64) {
        self.clock.0.fetch_add(days * DAY_MS, Ordering::Relaxed);
    }

    /// Hours pass on all clocks.
    pub(super) fn pass_hours(&self, hours: u64) {
        self.clock.0.fetch_add(hours * DAY_MS / 24, Ordering::Relaxed);
        self.cluster.lock().elapsed_ms += hours * DAY_MS / 24;
    }

    /// Days pass on all clocks.
    pub(super) fn pass_days(&self, days: u64) {
        self.pass_days_here(days);
        self.cluster.lock().elapsed_ms += days * DAY_MS;
    }

    pub(super) fn lose_answers(&self) {
        self.cluster.lock().fate_unknown = true;
    }

    /// Lets another node change something between the next plan and its application.
    pub(super) fn before_next_proposal(&self, change: impl FnOnce(&mut Replication) + Send + 'static) {
        self.cluster.lock().before_proposals.push_back(Box::new(change));
    }

    pub(super) fn state(&self) -> State {
        self.cluster.lock().committed.state.clone()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.records.0.lock().unwrap().clone()
    }

    pub(super) async fn read<U: Read>(&self, input: U::Input) -> Result<U::Output, ApiError> {
        self.door.read::<U>(&self.caller, input).await.map(|answer| answer.output)
    }

    pub(super) async fn write<U: Write>(&self, input: U::Input) -> Result<U::Output, ApiError> {
        self.door.write::<U>(&self.caller, input).await.map(|answer| answer.output)
    }

    pub(super) async fn create(&self, name: &str, value: Option<&str>) -> Result<CreateSecretOutput, ApiError> {
        self.create_with(name, &token("first"), value).await
    }

    pub(super) async fn create_with(
        &self,
        name: &str,
        token: &str,
        value: Option<&str>,
    ) -> Result<CreateSecretOutput, ApiError> {
        let input = CreateSecretInput {
            name: text(name),
            client_request_token: text(token),
            secret_string: value.and_then(bytes),
            ..CreateSecretInput::default()
        };
        self.write::<CreateSecret>(input).await
    }

    pub(super) async fn put(
        &self,
        id: &str,
        token: &str,
        value: &str,
        stages: &[&str],
    ) -> Result<PutSecretValueOutput, ApiError> {
        let stages = (!stages.is_empty()).then(|| stages.iter().map(|&stage| stage.to_owned()).collect());
        let input = PutSecretValueInput {
            secret_id: text(id),
            client_request_token: text(token),
            secret_string: bytes(value),
            version_stages: stages,
            ..PutSecretValueInput::default()
        };
        self.write::<PutSecretValue>(input).await
    }

    pub(super) async fn get(&self, id: &str) -> Result<GetSecretValueOutput, ApiError> {
        self.get_version(id, None, None).await
    }

    pub(super) async fn get_version(
        &self,
        id: &str,
        version: Option<&str>,
        stage: Option<&str>,
    ) -> Result<GetSecretValueOutput, ApiError> {
        let input = GetSecretValueInput {
            secret_id: text(id),
            version_id: version.and_then(text),
            version_stage: stage.and_then(text),
        };
        self.read::<GetSecretValue>(input).await
    }

    pub(super) async fn describe(&self, id: &str) -> Result<SecretDescription, ApiError> {
        self.read::<DescribeSecret>(DescribeSecretInput { secret_id: text(id) }).await
    }

    pub(super) async fn delete(&self, id: &str, days: Option<i64>) -> Result<DeleteSecretOutput, ApiError> {
        let input =
            DeleteSecretInput { secret_id: text(id), recovery_window_in_days: days, ..DeleteSecretInput::default() };
        self.write::<DeleteSecret>(input).await
    }

    pub(super) async fn force_delete(&self, id: &str) -> Result<DeleteSecretOutput, ApiError> {
        let input = DeleteSecretInput {
            secret_id: text(id),
            force_delete_without_recovery: Some(true),
            ..DeleteSecretInput::default()
        };
        self.write::<DeleteSecret>(input).await
    }
}

pub(super) fn caller(credential: Credential, region_text: &str) -> Caller {
    Caller {
        credential,
        region: region(region_text),
        consistency: None,
        request_id: "request".to_owned(),
        peer: None,
        arrived: Instant::now(),
    }
}

/// CreateSecret without a value, as another node would commit it.
pub(super) fn bare_secret(name: &str) -> Command {
    let namespace = home();
    let name = SecretName::parse(name).unwrap();
    Command::CreateSecret(state::CreateSecret {
        add_replicas: state::AddReplicas::default(),
        arn: SecretArn::new(&namespace, &name, "OTHER1"),
        namespace,
        name,
        token: VersionId::parse(&token("other")).unwrap(),
        description: None,
        kms_key_id: None,
        tags: Vec::new(),
        value: None,
    })
}

pub(super) fn bootstrap(barrier: &Barrier) -> Bootstrap {
    let default_key = KeyId([7; 16]);
    Bootstrap {
        account: account(),
        access_key_id: AccessKeyId::parse(ACCESS_KEY).unwrap(),
        access_key_secret: seal_access_key(barrier, ACCESS_KEY_SECRET),
        root_certificate_uri: ROOT_URI.into(),
        idempotency_key: IdempotencyKey::generate().seal(barrier).into(),
        default_key,
        default_key_material: KeyMaterial::generate(account(), default_key, 1).seal(barrier).into(),
    }
}

pub(super) fn seal_access_key(barrier: &Barrier, secret: &[u8]) -> Arc<[u8]> {
    barrier.seal(SealedKind::AccessKeySecret, ACCESS_KEY.as_bytes(), secret).into()
}
