//! Who is measured, and how a client reaches it.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Result, ensure};
use proto::secrets::v1::secrets_client::SecretsClient;
use serde_json::json;
use testkit::{Cluster, SignedClient, SignedConnection, requests};
use tonic::Code;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::clusters::{Clusters, NODES};
use crate::drive::{Operation, scatter};
use crate::etcd::EtcdCluster;
use crate::etcd_client::EtcdClient;

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
        let ways = (0..clients).map(|client| Way::Grpc(Round::new(&channels, client))).collect();
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
    Grpc(Round<SecretsClient<Channel>>),
    Http(HttpWay),
    Etcd(Round<EtcdClient>),
}

impl Way {
    /// One gRPC connection to Conclave.
    pub(crate) fn grpc(client: SecretsClient<Channel>) -> Self {
        Self::Grpc(Round::new(&[client], 0))
    }

    /// One connection to etcd.
    pub(crate) fn etcd(client: EtcdClient) -> Self {
        Self::Etcd(Round::new(&[client], 0))
    }

    /// Sends a request and waits for its answer, which must say that it was done.
    pub(crate) async fn send(&mut self, operation: Operation, secret: usize, value: &Arc<str>) -> Result<()> {
        let name = name(secret);
        match self {
            Self::Grpc(round) => grpc(round.turn(), operation, &name, value).await,
            Self::Http(way) => way.send(operation, &name, value).await,
            Self::Etcd(round) => match operation {
                Operation::Create | Operation::Put => Ok(round.turn().put(name, value.clone()).await?),
                Operation::Get => Ok(round.turn().get(name).await?),
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

async fn grpc(client: &mut SecretsClient<Channel>, operation: Operation, name: &str, value: &str) -> Result<()> {
    match operation {
        Operation::Create => match client.create_secret(requests::create_secret(name, &token(), value)).await {
            // By an attempt whose answer was lost.
            Err(status) if status.code() == Code::AlreadyExists => {}
            created => drop(created?),
        },
        Operation::Put => drop(client.put_secret_value(requests::put_secret_value(name, &token(), value)).await?),
        Operation::Get => {
            let found = client.get_secret_value(requests::secret_value(name, None)).await?.into_inner();
            ensure!(found.secret_string.as_deref().map(str::len) == Some(value.len()), "the answer has another value");
        }
    }
    Ok(())
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

/// The name of a secret: nothing like those of its neighbours, as if it were drawn.
fn name(secret: usize) -> String {
    format!("bench/{:016x}", scatter(secret as u64))
}

/// A fresh ClientRequestToken, as SDKs make them.
fn token() -> String {
    Uuid::new_v4().to_string()
}
