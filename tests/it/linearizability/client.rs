//! One client: what it asks is drawn from the seed, what it hears goes into the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use proto::secrets::v1::UpdateSecretVersionStageRequest;
use proto::secrets::v1::secrets_client::SecretsClient;
use serde_json::{Value, json};
use testkit::history::{Outcome, Recorder, Request};
use testkit::{Cluster, Fate, SignedClient, SignedConnection, judge, requests};
use tokio::net::TcpStream;
use tonic::transport::Channel;

/// Time for one attempt. Shorter than the server's own deadline, so that some answers come to nobody.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_500);
/// Attempts at a write by a client that asks again with the same token.
const ATTEMPTS: usize = 3;
/// Pause of a client whose attempt failed.
const FAILED_PAUSE: Duration = Duration::from_millis(50);
/// How long a client thinks between two operations.
const THINKS_MS: std::ops::Range<u64> = 2..40;
/// Secrets that are new in each phase. The first is written to by everybody, the last is also deleted.
const SECRETS: usize = 12;
/// Versions of one secret, below the quota of young ones.
const VERSIONS: usize = 70;
/// Versions that a client remembers of a secret, to go back to.
const REMEMBERED: usize = 4;
/// The refusal of a swap from a version that is not current.
const NOT_CURRENT: &str = "must be set to the version that currently has the staging label";

/// What the clients of a run share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) seed: u64,
    pub(super) recorder: Recorder,
    pub(super) stop: AtomicBool,
    /// How many faults are over; each phase has secrets of its own.
    pub(super) phase: AtomicUsize,
    /// Definite answers of each node.
    pub(super) answers: BTreeMap<u64, AtomicU64>,
    /// Versions of each secret.
    versions: Mutex<BTreeMap<String, usize>>,
    /// Answers that no healthy or faulty cluster gives.
    pub(super) unexpected: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(seed: u64, nodes: &[u64]) -> Arc<Self> {
        let answers = nodes.iter().map(|id| (*id, AtomicU64::default())).collect();
        Arc::new(Self { seed, answers, ..Self::default() })
    }

    /// Whether the secret has room for one more version.
    fn takes_version(&self, key: &str) -> bool {
        let mut versions = self.versions.lock().unwrap();
        let count = versions.entry(key.to_owned()).or_default();
        *count += 1;
        *count <= VERSIONS
    }
}

/// How a client speaks to its node.
enum Front {
    Grpc(SecretsClient<Channel>),
    Aws { client: SignedClient, connection: Option<SignedConnection> },
}

pub(super) struct Client {
    name: String,
    number: usize,
    node: u64,
    address: String,
    front: Front,
    /// Whether the last attempt had no answer: the node may be down.
    is_doubtful: bool,
    asks_again: bool,
    random: Rng,
    writes: usize,
    /// Secrets that it has seen.
    known: BTreeSet<String>,
    /// The versions that it last saw current.
    remembered: BTreeMap<String, Vec<String>>,
    shared: Arc<Shared>,
}

impl Client {
    /// A client of one node for good. Every other one speaks the AWS protocol, every other one asks again.
    pub(super) fn new(cluster: &Cluster, shared: &Arc<Shared>, number: usize) -> Result<Self> {
        let ids = cluster.ids()?;
        let node = ids[number % ids.len()];
        let speaks_aws = (number / ids.len()).is_multiple_of(2);
        let front = match speaks_aws {
            true => Front::Aws { client: cluster.signed(node)?, connection: None },
            false => Front::Grpc(cluster.secrets(node)?),
        };
        Ok(Self {
            name: format!("client {number:2} at node {node} ({})", if speaks_aws { "AWS" } else { "gRPC" }),
            number,
            node,
            address: cluster.node(node)?.client_addr,
            front,
            is_doubtful: false,
            asks_again: (number / ids.len() / 2).is_multiple_of(2),
            random: Rng::with_seed(shared.seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
            writes: 0,
            known: BTreeSet::new(),
            remembered: BTreeMap::new(),
            shared: shared.clone(),
        })
    }

    /// Goes on until the run is stopped.
    pub(super) async fn run(mut self) {
        while !self.shared.stop.load(Ordering::Relaxed) {
            let (key, request) = self.draw();
            if self.is_there().await {
                self.perform(&key, request).await;
            } else {
                tokio::time::sleep(FAILED_PAUSE).await;
            }
            tokio::time::sleep(Duration::from_millis(self.random.u64(THINKS_MS))).await;
        }
    }

    /// Reads a secret until there is an answer; for the end, when nothing is broken.
    pub(super) async fn read(&mut self, key: &str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.is_there().await && self.perform(key, Request::Get).await {
                return Ok(());
            }
            tokio::time::sleep(FAILED_PAUSE).await;
        }
        anyhow::bail!("node {} does not answer a read of {key}", self.node)
    }

    /// What it does next.
    fn draw(&mut self) -> (String, Request) {
        let phase = self.shared.phase.load(Ordering::Relaxed);
        let (is_old, is_hot) = (self.random.u8(..10) == 0, self.random.u8(..4) == 0);
        let phase = if is_old { self.random.usize(..=phase) } else { phase };
        let number = if is_hot { 0 } else { self.random.usize(..SECRETS) };
        let key = key(self.shared.seed, phase, number);
        let (what, token) = (self.random.u8(..100), self.token());
        let request = if !self.known.contains(&key) && what < 70 {
            Request::Create(token)
        } else if is_mortal(&key) && what < 10 {
            Request::Delete
        } else if is_mortal(&key) && what < 25 {
            Request::Create(token)
        } else if what < 50 && (is_mortal(&key) || self.shared.takes_version(&key)) {
            Request::Put(token)
        } else if what < 60
            && !is_mortal(&key)
            && let Some([.., to, from]) = self.remembered.get(&key).map(Vec::as_slice)
        {
            Request::Swap { from: from.clone(), to: to.clone() }
        } else {
            Request::Get
        };
        (key, request)
    }

    /// A ClientRequestToken, which is also the id of the version.
    fn token(&mut self) -> String {
        self.writes += 1;
        format!("c{:02}-w{:05}-run-{:020}", self.number, self.writes, self.shared.seed)
    }

    /// Whether the node takes connections. A dead one is not asked, or it would leave a thousand unknown writes.
    async fn is_there(&mut self) -> bool {
        if !self.is_doubtful {
            return true;
        }
        let connect = async {
            if let Front::Aws { client, connection } = &mut self.front {
                *connection = None;
                *connection = Some(client.connect().await?);
            } else {
                TcpStream::connect(&self.address).await?;
            }
            anyhow::Ok(())
        };
        self.is_doubtful = !matches!(tokio::time::timeout(ATTEMPT_TIMEOUT, connect).await, Ok(Ok(())));
        !self.is_doubtful
    }

    /// Asks, and notes what it heard. Whether that was a definite answer.
    async fn perform(&mut self, key: &str, request: Request) -> bool {
        // A secret that was deleted and made again does not know the token of its former life.
        let attempts = match &request {
            Request::Create(_) | Request::Put(_) if self.asks_again && !is_mortal(key) => ATTEMPTS,
            _ => 1,
        };
        let invocation = self.shared.recorder.invoke(&self.name, key, request.clone());
        let mut outcome = self.attempt(key, &request).await;
        for _ in 1..attempts {
            if outcome != Outcome::Unknown {
                break;
            }
            tokio::time::sleep(FAILED_PAUSE).await;
            // Only an acknowledgement says how the earlier attempt ended.
            if self.is_there().await && self.attempt(key, &request).await == Outcome::Done {
                outcome = Outcome::Done;
            }
        }
        self.shared.recorder.complete(invocation, outcome.clone());
        self.learn(key, &request, &outcome);
        self.is_doubtful |= outcome == Outcome::Unknown;
        let is_definite = !matches!(outcome, Outcome::Unknown | Outcome::Refused(_));
        if is_definite && let Some(answers) = self.shared.answers.get(&self.node) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        is_definite
    }

    fn learn(&mut self, key: &str, request: &Request, outcome: &Outcome) {
        let current = match (request, outcome) {
            (Request::Create(version) | Request::Put(version), Outcome::Done) => version,
            (Request::Swap { to, .. }, Outcome::Done) => to,
            (_, Outcome::Found(version)) => version,
            (_, Outcome::Exists) => {
                self.known.insert(key.to_owned());
                return;
            }
            _ => return,
        };
        self.known.insert(key.to_owned());
        let remembered = self.remembered.entry(key.to_owned()).or_default();
        remembered.retain(|version| version != current);
        remembered.push(current.clone());
        if remembered.len() > REMEMBERED {
            remembered.remove(0);
        }
    }

    async fn attempt(&mut self, key: &str, request: &Request) -> Outcome {
        let answer = match &mut self.front {
            Front::Grpc(client) => tokio::time::timeout(ATTEMPT_TIMEOUT, over_grpc(client, key, request)).await,
            Front::Aws { client, connection } => {
                let answer = tokio::time::timeout(ATTEMPT_TIMEOUT, over_aws(client, connection, key, request)).await;
                if !matches!(answer, Ok(Answer::Done(_) | Answer::Refused { .. })) {
                    // Another answer might come on it, to a question that nobody waits for any more.
                    *connection = None;
                }
                answer
            }
        };
        match answer {
            Ok(Answer::Done(None)) if *request != Request::Get => Outcome::Done,
            Ok(Answer::Done(Some((version, value)))) if value == value_of(&version) => Outcome::Found(version),
            Ok(Answer::Done(found)) => Outcome::Found(format!("{found:?}, which nobody wrote")),
            Ok(Answer::Refused { code, message }) => self.refusal(request, &code, &message),
            Ok(Answer::Nothing) | Err(_) => Outcome::Unknown,
        }
    }

    fn refusal(&self, request: &Request, code: &str, message: &str) -> Outcome {
        match (request, code) {
            (_, "ServiceUnavailable" | "ThrottlingException") => Outcome::Refused(code.to_owned()),
            (Request::Put(_) | Request::Swap { .. } | Request::Get, "ResourceNotFoundException") => Outcome::Absent,
            (Request::Create(_), "ResourceExistsException") => Outcome::Exists,
            (Request::Swap { .. }, "InvalidParameterException") if message.contains(NOT_CURRENT) => Outcome::NotCurrent,
            _ => {
                let unexpected = format!("{}: {request} -> {code}: {message}", self.name);
                self.shared.unexpected.lock().unwrap().push(unexpected);
                Outcome::Unknown
            }
        }
    }
}

/// The name of a secret.
pub(super) fn key(seed: u64, phase: usize, number: usize) -> String {
    format!("linearizability/{seed}/{phase}/{}{number}", if number == SECRETS - 1 { "mortal-" } else { "" })
}

/// All names of a run.
pub(super) fn keys(seed: u64, phases: usize) -> impl Iterator<Item = String> {
    (0..phases).flat_map(move |phase| (0..SECRETS).map(move |number| key(seed, phase, number)))
}

fn is_mortal(key: &str) -> bool {
    key.contains("/mortal-")
}

fn value_of(version: &str) -> String {
    format!("the value of {version}")
}

/// What a node said.
enum Answer {
    /// Yes; to a get the version and its value.
    Done(Option<(String, String)>),
    /// No, by its own word.
    Refused { code: String, message: String },
    /// Nothing that can be relied on.
    Nothing,
}

async fn over_grpc(client: &mut SecretsClient<Channel>, key: &str, request: &Request) -> Answer {
    let result = match request {
        Request::Create(version) => {
            client.create_secret(requests::create_secret(key, version, &value_of(version))).await.map(|_| None)
        }
        Request::Put(version) => {
            client.put_secret_value(requests::put_secret_value(key, version, &value_of(version))).await.map(|_| None)
        }
        Request::Swap { from, to } => {
            let swap = UpdateSecretVersionStageRequest {
                secret_id: key.to_owned(),
                version_stage: "AWSCURRENT".to_owned(),
                remove_from_version_id: Some(from.clone()),
                move_to_version_id: Some(to.clone()),
            };
            client.update_secret_version_stage(swap).await.map(|_| None)
        }
        Request::Delete => client.delete_secret(requests::force_delete(key)).await.map(|_| None),
        Request::Get => client.get_secret_value(requests::secret_value(key, None)).await.map(|answer| {
            let answer = answer.get_ref();
            Some((answer.version_id.clone(), answer.secret_string.clone().unwrap_or_default()))
        }),
    };
    match result.map_err(|status| judge(&status)) {
        Ok(found) => Answer::Done(found),
        Err(Fate::Refused(refusal)) => Answer::Refused { code: refusal.code, message: refusal.message },
        Err(Fate::Unknown(_)) => Answer::Nothing,
    }
}

async fn over_aws(
    client: &SignedClient,
    connection: &mut Option<SignedConnection>,
    key: &str,
    request: &Request,
) -> Answer {
    let (operation, body) = match request {
        Request::Create(version) => {
            ("CreateSecret", json!({"Name": key, "ClientRequestToken": version, "SecretString": value_of(version)}))
        }
        Request::Put(version) => (
            "PutSecretValue",
            json!({"SecretId": key, "ClientRequestToken": version, "SecretString": value_of(version)}),
        ),
        Request::Swap { from, to } => (
            "UpdateSecretVersionStage",
            json!({"SecretId": key, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": from, "MoveToVersionId": to}),
        ),
        Request::Delete => ("DeleteSecret", json!({"SecretId": key, "ForceDeleteWithoutRecovery": true})),
        Request::Get => ("GetSecretValue", json!({"SecretId": key})),
    };
    let asked = ask(client, connection, operation, &body).await;
    let Ok((status, body, code)) = asked else { return Answer::Nothing };
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match (status, request) {
        (200, Request::Get) => Answer::Done(Some((text("VersionId"), text("SecretString")))),
        (200, _) => Answer::Done(None),
        _ if code.is_empty() || code == "InternalServiceError" => Answer::Nothing,
        _ => Answer::Refused { code, message: text("Message") + &text("message") },
    }
}

/// The status, the body and the error code of an answer.
async fn ask(
    client: &SignedClient,
    connection: &mut Option<SignedConnection>,
    operation: &str,
    body: &Value,
) -> Result<(u16, Value, String)> {
    let request = client.request(operation, &body.to_string());
    let request = client.sign(request, std::time::SystemTime::now())?;
    if connection.is_none() {
        *connection = Some(client.connect().await?);
    }
    let answer = connection.as_mut().context("there is a connection")?.send(request).await?;
    Ok((answer.status.as_u16(), answer.json()?, answer.error_code()))
}
