//! Who is measured, and how a client reaches it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use proto::secrets::v1::secrets_client::SecretsClient;
use proto::secrets::v1::{Filter, ListSecretsRequest};
use serde_json::json;
use testkit::{Cluster, SignedClient, SignedConnection, requests};
use tonic::Code;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::clusters::{Clusters, NODES};
use crate::drive::{Operation, scatter};
use crate::etcd::EtcdCluster;
use crate::etcd_client::EtcdClient;

/// Secrets whose names have one prefix.
const FAMILY: usize = 10;
const NO_LOOKUP: &str = "lookups are measured over Conclave's gRPC only";

/// One front of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Grpc,
    Http,
    Etcd,
}

impl Front {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "conclave gRPC",
            Self::Http => "conclave HTTP+SigV4",
            Self::Etcd => "etcd",
        }
    }
}

/// A front with its servers, and a way to it for each client. The ways stay open between the runs.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) front: Front,
    pub(crate) pids: Vec<u32>,
    pub(crate) ways: Vec<Way>,
}

impl Contestant {
    /// Conclave's gRPC. Every client goes round all connections, so that every node gets as much as the others.
    pub(crate) fn grpc(clusters: &Clusters, clients: usize, connections: usize) -> Result<Self> {
        let ids = clusters.conclave.ids()?;
        let channel = |number: usize| clusters.conclave.secrets(ids[number % ids.len()]);
        let channels = (0..round(clients, connections)).map(channel).collect::<Result<Vec<_>>>()?;
        let way = |client| Way::Grpc(GrpcWay { round: Round::new(&channels, client), arns: Arc::default() });
        let ways = (0..clients).map(way).collect();
        Ok(Self { front: Front::Grpc, pids: clusters.conclave_pids()?, ways })
    }

    /// Conclave's HTTP/1.1 with Signature Version 4. A connection has one request at a time, so each client has its own.
    pub(crate) async fn http(cluster: &Cluster, pids: Vec<u32>, clients: usize) -> Result<Self> {
        let ids = cluster.ids()?;
        let mut ways = Vec::new();
        for client in 0..clients {
            let signer = cluster.signed(ids[client % ids.len()])?;
            let connection = signer.connect().await?;
            ways.push(Way::Http(HttpWay { signer, connection: Some(connection) }));
        }
        Ok(Self { front: Front::Http, pids, ways })
    }

    /// The same clients, who know the ARN of each secret.
    pub(crate) fn knowing(mut self, arns: &Arc<[String]>) -> Self {
        for way in &mut self.ways {
            if let Way::Grpc(way) = way {
                way.arns = arns.clone();
            }
        }
        self
    }

    /// etcd, reached as Conclave's gRPC is.
    pub(crate) fn etcd(cluster: &EtcdCluster, clients: usize, connections: usize) -> Result<Self> {
        let channels =
            (0..round(clients, connections)).map(|number| cluster.client(number)).collect::<Result<Vec<_>>>()?;
        let ways = (0..clients).map(|client| Way::Etcd(Round::new(&channels, client))).collect();
        Ok(Self { front: Front::Etcd, pids: cluster.pids(), ways })
    }
}

/// Connections over which a number of clients go.
fn round(clients: usize, connections: usize) -> usize {
    connections.min(clients).max(NODES)
}

/// A client's way to a cluster.
#[derive(Debug)]
pub(crate) enum Way {
    Grpc(GrpcWay),
    Http(HttpWay),
    Etcd(Round<EtcdClient>),
}

impl Way {
    /// One gRPC connection to Conclave.
    pub(crate) fn grpc(client: SecretsClient<Channel>) -> Self {
        Self::Grpc(GrpcWay { round: Round::new(&[client], 0), arns: Arc::default() })
    }

    /// One connection to etcd.
    pub(crate) fn etcd(client: EtcdClient) -> Self {
        Self::Etcd(Round::new(&[client], 0))
    }

    /// Sends a request and waits for its answer, which must say that it was done.
    pub(crate) async fn send(&mut self, operation: Operation, secret: usize, value: &Arc<str>) -> Result<()> {
        let name = name(secret);
        match self {
            Self::Grpc(way) => way.send(operation, secret, value).await,
            Self::Http(way) => way.send(operation, &name, value).await,
            Self::Etcd(round) => match operation {
                Operation::Create | Operation::Put => Ok(round.turn().put(name, value.clone()).await?),
                Operation::Get => Ok(round.turn().get(name).await?),
                Operation::GetByArn | Operation::ListByPrefix => bail!(NO_LOOKUP),
            },
        }
    }
}

/// Connections that are taken in turn.
#[derive(Debug)]
pub(crate) struct Round<C> {
    connections: Vec<C>,
    next: usize,
}

impl<C: Clone> Round<C> {
    fn new(connections: &[C], first: usize) -> Self {
        Self { connections: connections.to_vec(), next: first }
    }

    fn turn(&mut self) -> &mut C {
        let turn = self.next % self.connections.len();
        self.next += 1;
        &mut self.connections[turn]
    }
}

#[derive(Debug)]
pub(crate) struct GrpcWay {
    round: Round<SecretsClient<Channel>>,
    /// By number of the secret; empty unless they are asked for by them.
    arns: Arc<[String]>,
}

impl GrpcWay {
    async fn send(&mut self, operation: Operation, secret: usize, value: &str) -> Result<()> {
        let (name, client) = (name(secret), self.round.turn());
        match operation {
            Operation::Create => match client.create_secret(requests::create_secret(&name, &token(), value)).await {
                // By an attempt whose answer was lost.
                Err(status) if status.code() == Code::AlreadyExists => {}
                created => drop(created?),
            },
            Operation::Put => drop(client.put_secret_value(requests::put_secret_value(&name, &token(), value)).await?),
            Operation::Get => get(client, &name, value).await?,
            Operation::GetByArn => {
                let arn = self.arns.get(secret).context("the ARN of a secret is not known")?;
                get(client, arn, value).await?;
            }
            Operation::ListByPrefix => {
                let found = client.list_secrets(list_by_prefix(&family(secret))).await?.into_inner();
                let (first, listed) = (secret - secret % FAMILY, found.secret_list.len());
                ensure!(found.next_token.is_none(), "a listing of {FAMILY} secrets has a second page");
                ensure!(listed == FAMILY.min(self.arns.len() - first), "{listed} secrets are listed");
            }
        }
        Ok(())
    }
}

async fn get(client: &mut SecretsClient<Channel>, id: &str, value: &str) -> Result<()> {
    let found = client.get_secret_value(requests::secret_value(id, None)).await?.into_inner();
    ensure!(found.secret_string.as_deref().map(str::len) == Some(value.len()), "the answer has another value");
    Ok(())
}

/// ListSecrets of the names with that prefix, in the order that is listed in unless another is asked for.
fn list_by_prefix(prefix: &str) -> ListSecretsRequest {
    let filter = Filter { key: "name".to_owned(), values: vec![prefix.to_owned()] };
    ListSecretsRequest { filters: vec![filter], ..ListSecretsRequest::default() }
}

#[derive(Debug)]
pub(crate) struct HttpWay {
    signer: SignedClient,
    /// Absent after a request without an answer.
    connection: Option<SignedConnection>,
}

impl HttpWay {
    async fn send(&mut self, operation: Operation, name: &str, value: &str) -> Result<()> {
        let (operation, body) = match operation {
            Operation::Create => {
                ("CreateSecret", json!({"Name": name, "SecretString": value, "ClientRequestToken": token()}))
            }
            Operation::Put => {
                ("PutSecretValue", json!({"SecretId": name, "SecretString": value, "ClientRequestToken": token()}))
            }
            Operation::Get => ("GetSecretValue", json!({"SecretId": name})),
            Operation::GetByArn | Operation::ListByPrefix => bail!(NO_LOOKUP),
        };
        let request = self.signer.sign(self.signer.request(operation, &body.to_string()), SystemTime::now())?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.signer.connect().await?,
        };
        let answer = connection.send(request).await?;
        self.connection = Some(connection);
        ensure!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
        Ok(())
    }
}

/// The name of a secret: in a family with a prefix of its own, which is nothing like those of others, as if it were drawn.
fn name(secret: usize) -> String {
    format!("{}{}", family(secret), secret % FAMILY)
}

/// What the names of a secret's family begin with, and no others.
fn family(secret: usize) -> String {
    format!("bench/{:016x}/", scatter((secret / FAMILY) as u64))
}

/// The ARNs of so many secrets, by their numbers.
///
/// # Errors
/// When one is not there.
pub(crate) async fn arns(cluster: &Cluster, secrets: usize) -> Result<Arc<[String]>> {
    let mut client = cluster.secrets(cluster.ids()?[0])?;
    let mut by_name = HashMap::new();
    let mut request = ListSecretsRequest::default();
    loop {
        let page = client.list_secrets(request.clone()).await?.into_inner();
        by_name.extend(page.secret_list.into_iter().map(|secret| (secret.name, secret.arn)));
        request.next_token = page.next_token;
        if request.next_token.is_none() {
            break;
        }
    }
    let arns = (0..secrets).map(|secret| by_name.remove(&name(secret))).collect::<Option<Vec<_>>>();
    Ok(arns.context("a secret is not listed")?.into())
}

/// A fresh ClientRequestToken, as SDKs make them.
fn token() -> String {
    Uuid::new_v4().to_string()
}
