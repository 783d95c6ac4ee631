//! Two hundred clients race for one secret through three nodes: their writes have one order, which the naive model of
//! the API can follow, and whoever reads meanwhile sees a state of that order.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_client::SecretsClient;
use serde_json::{Value, json};
use testkit::fate::refusal;
use testkit::requests::{create_secret, put_secret_value, secret_value};
use testkit::{Cluster, SignedClient};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use self::naive::Model;

#[path = "../../crates/service/src/tests/naive/model.rs"]
#[allow(dead_code, reason = "only the operations that race are used here")]
mod naive;

const CLIENTS: usize = 200;

/// How long the clients race, in seconds.
const DURATION: &str = "CONCLAVE_TEST_RACE_SECONDS";
const DEFAULT_DURATION: Duration = Duration::from_secs(8);

const SECRET: &str = "raced";

fn token(client: usize, round: usize) -> String {
    format!("client-{client:08}-round-{round:010}")
}

/// A write that was answered with success, and what it was.
#[derive(Clone, Debug)]
struct Acknowledged {
    index: u64,
    write: Write,
    /// What a put says of its version.
    labels: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug)]
enum Write {
    Put { token: String, label: &'static str },
    Move { label: &'static str, to: String, from: Option<String> },
}

type Labels = BTreeMap<String, BTreeSet<String>>;

/// One client of one node, over one of the fronts.
#[derive(Clone)]
enum Client {
    Grpc(SecretsClient<Channel>),
    Aws(SignedClient),
}

impl Client {
    fn of(cluster: &Cluster, number: usize) -> Self {
        let ids = cluster.ids().unwrap();
        let node = ids[number % ids.len()];
        match number / ids.len() % 2 {
            0 => Self::Grpc(cluster.secrets(node).unwrap()),
            _ => Self::Aws(cluster.signed(node).unwrap()),
        }
    }

    /// The index and the labels of the version, or the code of the refusal.
    async fn put(
        &mut self,
        token: &str,
        value: &str,
        label: Option<&str>,
    ) -> Result<(u64, BTreeSet<String>), (String, String)> {
        match self {
            Self::Grpc(client) => {
                let version_stages = label.map(|label| pb::Stages { stages: vec![label.to_owned()] });
                let mut request = put_secret_value(SECRET, token, value);
                request.version_stages = version_stages;
                let answer = told(client.put_secret_value(request).await)?;
                Ok((answer.applied_index, answer.version_stages.into_iter().collect()))
            }
            Self::Aws(client) => {
                let mut body = json!({"SecretId": SECRET, "ClientRequestToken": token, "SecretString": value});
                if let Some(label) = label {
                    body["VersionStages"] = json!([label]);
                }
                let (index, answer) = ask(client, "PutSecretValue", &body).await?;
                Ok((index, texts(&answer["VersionStages"])))
            }
        }
    }

    async fn move_label(&mut self, label: &str, to: &str, from: Option<&str>) -> Result<u64, (String, String)> {
        match self {
            Self::Grpc(client) => {
                let request = pb::UpdateSecretVersionStageRequest {
                    secret_id: SECRET.to_owned(),
                    version_stage: label.to_owned(),
                    remove_from_version_id: from.map(str::to_owned),
                    move_to_version_id: Some(to.to_owned()),
                };
                Ok(told(client.update_secret_version_stage(request).await)?.applied_index)
            }
            Self::Aws(client) => {
                let mut body = json!({"SecretId": SECRET, "VersionStage": label, "MoveToVersionId": to});
                if let Some(from) = from {
                    body["RemoveFromVersionId"] = json!(from);
                }
                Ok(ask(client, "UpdateSecretVersionStage", &body).await?.0)
            }
        }
    }

    async fn labels(&mut self) -> (u64, Labels) {
        match self {
            Self::Grpc(client) => {
                let request = pb::DescribeSecretRequest { secret_id: SECRET.to_owned() };
                let answer = told(client.describe_secret(request).await).unwrap();
                let versions = answer.secret.unwrap().version_ids_to_stages.into_iter();
                (answer.applied_index, versions.map(|(id, labels)| (id, labels.stages.into_iter().collect())).collect())
            }
            Self::Aws(client) => {
                let (index, answer) = ask(client, "DescribeSecret", &json!({"SecretId": SECRET})).await.unwrap();
                let versions = answer["VersionIdsToStages"].as_object().unwrap();
                (index, versions.iter().map(|(id, labels)| (id.clone(), texts(labels))).collect())
            }
        }
    }

    /// The index, the version and the labels of the current value.
    async fn current(&mut self) -> (u64, String, BTreeSet<String>, String) {
        match self {
            Self::Grpc(client) => {
                let got = told(client.get_secret_value(secret_value(SECRET, None)).await).unwrap();
                let labels = got.version_stages.iter().cloned().collect();
                (got.applied_index, got.version_id.clone(), labels, got.secret_string.clone().unwrap())
            }
            Self::Aws(client) => {
                let (index, got) = ask(client, "GetSecretValue", &json!({"SecretId": SECRET})).await.unwrap();
                let text = |member: &str| got[member].as_str().unwrap().to_owned();
                (index, text("VersionId"), texts(&got["VersionStages"]), text("SecretString"))
            }
        }
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn told<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, (String, String)> {
    answer.map(tonic::Response::into_inner).map_err(|status| {
        let refused = refusal(&status).unwrap_or_else(|| panic!("no answer of ours: {status:?}"));
        (refused.code, refused.message)
    })
}

async fn ask(client: &SignedClient, operation: &str, body: &Value) -> Result<(u64, Value), (String, String)> {
    let answer = client.call(operation, body).await.unwrap();
    let json = answer.json().unwrap();
    if !answer.status.is_success() {
        let message = json["Message"].as_str().or(json["message"].as_str()).unwrap_or_default().to_owned();
        return Err((answer.error_code(), message));
    }
    let index = answer.headers["x-conclave-applied-index"].to_str().unwrap().parse().unwrap();
    Ok((index, json))
}

/// Runs one task for each client, all at once.
async fn all<T, F>(clients: &[Client], task: impl Fn(usize, Client) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(clients.len()));
    let mut tasks = JoinSet::new();
    for (number, client) in clients.iter().enumerate() {
        let (start, task) = (start.clone(), task(number, client.clone()));
        tasks.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    tasks.join_all().await
}

fn race_duration() -> Duration {
    let seconds = std::env::var(DURATION).ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(DEFAULT_DURATION, Duration::from_secs)
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_writes_of_one_secret_have_one_order_and_readers_see_states_of_it() {
    let cluster = Cluster::start(3).unwrap();
    let clients: Vec<Client> = (0..CLIENTS).map(|number| Client::of(&cluster, number)).collect();
    let Client::Grpc(mut first) = clients[0].clone() else { panic!("the first client speaks gRPC") };
    let root = token(CLIENTS, 0);
    let created = told(first.create_secret(create_secret(SECRET, &root, &root)).await).unwrap();

    let over = Arc::new(AtomicBool::new(false));
    // Two of each front at each node read all the time, Describe and Get in turn.
    let readers: Vec<_> = (0..12).map(|number| read_all_the_time(clients[number].clone(), over.clone())).collect();
    let readers: Vec<_> = readers.into_iter().map(tokio::spawn).collect();
    let end = Instant::now() + race_duration();
    let written = all(&clients, |number, client| write_until(end, number, client)).await;
    over.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    for reader in readers {
        seen.extend(reader.await.unwrap());
    }

    let mut written: Vec<Acknowledged> = written.into_iter().flatten().collect();
    written.sort_by_key(|write| write.index);
    invariant_each_write_has_an_index_of_its_own(&written);
    let states = replay(&created, &root, &written);
    let puts = written.iter().filter(|write| matches!(write.write, Write::Put { .. })).count();
    assert!(puts > 20 && written.len() - puts > 20, "{puts} puts of {} writes are no race", written.len());
    assert!(seen.len() > 20, "{} reads saw nothing of it", seen.len());
    for (index, labels) in &seen {
        invariant_a_read_shows_a_state_of_the_order(&states, *index, labels);
    }
    let (_, last) = states.last_key_value().unwrap();
    for client in &clients[..6] {
        assert_eq!(client.clone().labels().await.1, *last);
    }
    cluster.common_digest().await.unwrap();
}

/// Puts while the quota of versions leaves room, and moves labels away from where the others have moved them.
async fn write_until(end: Instant, number: usize, mut client: Client) -> Vec<Acknowledged> {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut written = Vec::new();
    for round in 0.. {
        if Instant::now() >= end {
            break;
        }
        let label = *random.choice(&["AWSCURRENT", "AWSCURRENT", "AWSPENDING", "blue"]).unwrap();
        let written_now = if random.u32(..4) == 0 {
            let token = token(number, round);
            let put = client.put(&token, &token, Some(label)).await;
            let write = Write::Put { token, label };
            put.map(|(index, labels)| Acknowledged { index, write, labels: Some(labels) })
        } else {
            let (_, labels) = client.labels().await;
            let from = labels.iter().find(|(_, labels)| labels.contains(label)).map(|(id, _)| id.clone());
            let to = labels.keys().nth(random.usize(..labels.len())).unwrap().clone();
            let moved = client.move_label(label, &to, from.as_deref()).await;
            moved.map(|index| Acknowledged { index, write: Write::Move { label, to, from }, labels: None })
        };
        match written_now {
            Ok(acknowledged) => written.push(acknowledged),
            // Another one was first, or there are versions enough.
            Err((code, _)) if ["InvalidParameterException", "LimitExceededException"].contains(&code.as_str()) => {}
            Err(refused) => panic!("{refused:?}"),
        }
    }
    written
}

async fn read_all_the_time(mut client: Client, over: Arc<AtomicBool>) -> Vec<(u64, Labels)> {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let (index, labels) = client.labels().await;
        invariant_one_version_is_current(&labels);
        seen.push((index, labels));
        let (_, id, labels, value) = client.current().await;
        assert!(labels.contains("AWSCURRENT"), "the current value has {labels:?}");
        assert_eq!(id, value, "the value is that of another version");
    }
    seen
}

/// No reader sees none or two.
fn invariant_one_version_is_current(labels: &Labels) {
    let current = labels.values().filter(|labels| labels.contains("AWSCURRENT")).count();
    assert_eq!(current, 1, "{labels:?}");
}

/// No two writes have one place in the order.
fn invariant_each_write_has_an_index_of_its_own(written: &[Acknowledged]) {
    for pair in written.windows(2) {
        assert!(pair[0].index < pair[1].index, "{pair:?} have one index");
    }
}

/// The labels that a read shows are those after the last write at or before its index.
fn invariant_a_read_shows_a_state_of_the_order(states: &BTreeMap<u64, Labels>, index: u64, labels: &Labels) {
    let (at, expected) = states.range(..=index).next_back().unwrap();
    assert_eq!(labels, expected, "read at {index}, written at {at}");
}

/// The labels after each write, by the naive model, which must take every one of them.
fn replay(created: &pb::CreateSecretResponse, root: &str, written: &[Acknowledged]) -> BTreeMap<u64, Labels> {
    let value = |token: &str| Some((true, token.as_bytes().to_vec()));
    let mut model = Model::default();
    model.create(SECRET, Some(root), value(root), 0).unwrap();
    model.adopt(&created.arn);
    let labels = |model: &Model| model.describe(SECRET).unwrap().1;
    let mut states = BTreeMap::from([(created.applied_index, labels(&model))]);
    for Acknowledged { index, write, labels: shown } in written {
        match write {
            Write::Put { token, label } => {
                let (_, labels) = model.put(SECRET, Some(token), value(token), Some(&[*label]), 0).unwrap();
                assert_eq!(Some(&labels), shown.as_ref(), "{write:?} at {index}");
            }
            Write::Move { label, to, from } => {
                let moved = model.update_stage(SECRET, label, Some(to), from.as_deref());
                assert_eq!(moved, Ok(()), "{write:?} at {index} has no place in the order");
            }
        }
        states.insert(*index, labels(&model));
    }
    states
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_all_clients_race_makes_one_version() {
    let cluster = Cluster::start(3).unwrap();
    let clients: Vec<Client> = (0..CLIENTS).map(|number| Client::of(&cluster, number)).collect();
    let Client::Grpc(first) = clients[0].clone() else { panic!("the first client speaks gRPC") };

    // The creation itself: one secret, whoever asked.
    let root = token(CLIENTS, 0);
    let created = all(&clients, |_, _| {
        let (mut first, request) = (first.clone(), create_secret(SECRET, &root, "value"));
        async move { told(first.create_secret(request).await).unwrap().arn }
    })
    .await;
    assert_eq!(created.iter().collect::<BTreeSet<_>>().len(), 1, "two secrets of one name");

    // One value under one token: all are told that it is there, and it is there once.
    let shared = token(CLIENTS, 1);
    let put = all(&clients, |_, mut client| {
        let shared = shared.clone();
        async move { client.put(&shared, "shared", None).await }
    })
    .await;
    let current = BTreeSet::from(["AWSCURRENT".to_owned()]);
    for answer in put {
        assert_eq!(answer.unwrap().1, current);
    }
    assert_eq!(versions(first.clone()).await, [root.clone(), shared.clone()]);

    // Another value each: one of them is written, and all others are refused.
    let contested = token(CLIENTS, 2);
    let put = all(&clients, |number, mut client| {
        let contested = contested.clone();
        async move { (number, client.put(&contested, &format!("value of {number}"), None).await) }
    })
    .await;
    let mut winners = Vec::new();
    for (number, answer) in put {
        match answer {
            Ok((_, labels)) => {
                assert_eq!(labels, current);
                winners.push(number);
            }
            Err((code, message)) => {
                let text = format!(
                    "You can't use ClientRequestToken {contested} because that value is already in use for a version \
                     of secret {}.",
                    created[0]
                );
                assert_eq!((code.as_str(), message), ("ResourceExistsException", text));
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?} have all written another value under one token");
    assert_eq!(versions(first.clone()).await, [root, shared, contested]);
    for client in &clients[..6] {
        let (_, _, _, value) = client.clone().current().await;
        assert_eq!(value, format!("value of {}", winners[0]));
    }
}

/// All versions, in the order of their creation.
async fn versions(mut client: SecretsClient<Channel>) -> Vec<String> {
    let request = pb::ListSecretVersionIdsRequest {
        secret_id: SECRET.to_owned(),
        max_results: None,
        next_token: None,
        include_deprecated: true,
    };
    let listed = told(client.list_secret_version_ids(request).await).unwrap();
    listed.versions.into_iter().map(|version| version.version_id).collect()
}
