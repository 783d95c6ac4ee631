//! A node that answers what a test tells it to, over real TLS.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use client::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use proto::cluster::v1 as cluster_pb;
use proto::cluster::v1::cluster_server::{Cluster, ClusterServer};
use proto::prost_types::Timestamp;
use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_server::{Secrets, SecretsServer};
use proto::{REGION_METADATA, to_wire_error};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, crypto};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use types::ErrorCode;
use types::consistency::CONSISTENCY_HEADER;

pub(crate) const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";
pub(crate) const CREATED: Timestamp = Timestamp { seconds: 1_727_176_691, nanos: 830_000_000 };

/// A CA, with an identity for nodes and one for clients.
pub(crate) struct Pki {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "test CA");
        let key = KeyPair::generate().unwrap();
        let ca_pem = ca.self_signed(&key).unwrap().pem();
        Self { ca_pem, issuer: Issuer::new(ca, key) }
    }

    /// Certificate and key, PEM.
    fn identity(&self) -> (String, String) {
        let mut leaf = CertificateParams::new(Vec::<String>::new()).unwrap();
        leaf.subject_alt_names = vec![
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::URI("spiffe://corp/billing".try_into().unwrap()),
        ];
        let key = KeyPair::generate().unwrap();
        (leaf.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn server_config(&self) -> ServerConfig {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let (certificate, key) = self.identity();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    /// A client that begins at the first of these endpoints.
    pub(crate) fn client(&self, endpoints: &[SocketAddr]) -> client::Builder {
        let (certificate, key) = self.identity();
        Client::builder()
            .endpoints(endpoints.iter().map(ToString::to_string))
            .in_order()
            .ca_pem(&self.ca_pem)
            .identity_pem(certificate, key)
    }
}

/// An address at which nobody listens.
pub(crate) async fn dead() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}

/// A link to a node that can be cut without either end being told, as by a firewall or a stopped process.
pub(crate) struct Link {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Link {
    pub(crate) async fn to(node: &Node) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, node) = (listener.local_addr().unwrap(), node.address);
        let cut = watch::Sender::new(false);
        let subscriber = cut.subscribe();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = subscriber.clone();
                connections.spawn(async move {
                    let mut far = TcpStream::connect(node).await.unwrap();
                    let is_cut = async { cut.wait_for(|cut| *cut).await.map(drop) };
                    tokio::select! {
                        biased;
                        _ = is_cut => std::future::pending().await,
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        Self { address, cut, _task: task }
    }

    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }
}

/// What a node does with the next call.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// It refuses.
    Error(ErrorCode),
    /// It answers with a status that has no details.
    Bare(Code),
    /// It never answers.
    Nothing,
    /// Its process dies.
    Die,
}

/// A node. It does with its calls what it was told, in order, and answers well afterwards.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    script: Script,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Script {
    left: Arc<Mutex<VecDeque<Say>>>,
    calls: Arc<Mutex<Vec<Call>>>,
    alive: watch::Sender<bool>,
}

/// A call that a node has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) region: Option<String>,
    pub(crate) consistency: Option<String>,
    pub(crate) token: String,
    pub(crate) value: Option<String>,
}

impl Node {
    pub(crate) async fn start(pki: &Pki, script: impl IntoIterator<Item = Say>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(pki.server_config()));
        let script = Script {
            left: Arc::new(Mutex::new(script.into_iter().collect())),
            calls: Arc::default(),
            alive: watch::Sender::new(true),
        };
        let routes = Routes::new(SecretsServer::new(script.clone()))
            .add_service(ClusterServer::new(script.clone()))
            .into_axum_router();
        let mut alive = script.alive.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let socket = tokio::select! {
                    _ = alive.wait_for(|alive| !alive) => break,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (acceptor, routes) = (acceptor.clone(), routes.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _ended = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).await;
                });
            }
        });
        Self { address, script, _tasks: tasks }
    }

    /// The calls that it has seen.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.script.calls.lock().unwrap().clone()
    }
}

impl Script {
    async fn next<M>(&self, request: &Request<M>, call: Call) -> Result<(), Status> {
        let metadata = |name| request.metadata().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (region, consistency) = (metadata(REGION_METADATA), metadata(CONSISTENCY_HEADER));
        let id = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(Call { region, consistency, ..call });
            format!("request-{}", calls.len())
        };
        let say = self.left.lock().unwrap().pop_front();
        match say {
            None => Ok(()),
            Some(Say::Error(code)) => Err(to_wire_error(&code.into(), &id)),
            Some(Say::Bare(code)) => Err(Status::new(code, "not from the cluster")),
            Some(Say::Nothing) => std::future::pending().await,
            Some(Say::Die) => {
                self.alive.send_replace(false);
                std::future::pending().await
            }
        }
    }
}

fn in_sync(region: String, status_message: String) -> pb::ReplicationStatus {
    pb::ReplicationStatus {
        region,
        kms_key_id: "alias/aws/secretsmanager".to_owned(),
        status: "InSync".to_owned(),
        status_message,
        last_accessed_date: Some(Timestamp { seconds: 1_727_136_000, nanos: 0 }),
    }
}

#[tonic::async_trait]
impl Secrets for Script {
    async fn rotate_secret(
        &self,
        request: Request<pb::RotateSecretRequest>,
    ) -> Result<Response<pb::RotateSecretResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let pb::RotateSecretRequest { secret_id: name, client_request_token, .. } = request.into_inner();
        let version_id = Some(client_request_token);
        Ok(Response::new(pb::RotateSecretResponse { arn: ARN.to_owned(), name, version_id, applied_index: 7 }))
    }

    async fn cancel_rotate_secret(
        &self,
        request: Request<pb::CancelRotateSecretRequest>,
    ) -> Result<Response<pb::CancelRotateSecretResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let (arn, name) = (ARN.to_owned(), request.into_inner().secret_id);
        Ok(Response::new(pb::CancelRotateSecretResponse { arn, name, version_id: None, applied_index: 7 }))
    }

    async fn replicate_secret_to_regions(
        &self,
        request: Request<pb::ReplicateSecretToRegionsRequest>,
    ) -> Result<Response<pb::ReplicateSecretToRegionsResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let pb::ReplicateSecretToRegionsRequest { secret_id, add_replica_regions, force_overwrite_replica_secret } =
            request.into_inner();
        let status =
            |to: pb::ReplicaRegion| in_sync(to.region, format!("{secret_id} {force_overwrite_replica_secret}"));
        let replication_status = add_replica_regions.into_iter().map(status).collect();
        let answer = pb::ReplicateSecretToRegionsResponse { arn: ARN.to_owned(), replication_status, applied_index: 7 };
        Ok(Response::new(answer))
    }

    async fn remove_regions_from_replication(
        &self,
        request: Request<pb::RemoveRegionsFromReplicationRequest>,
    ) -> Result<Response<pb::RemoveRegionsFromReplicationResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let left = |region| in_sync(format!("not {region}"), String::new());
        let replication_status = request.into_inner().remove_replica_regions.into_iter().map(left).collect();
        let answer =
            pb::RemoveRegionsFromReplicationResponse { arn: ARN.to_owned(), replication_status, applied_index: 7 };
        Ok(Response::new(answer))
    }

    async fn stop_replication_to_replica(
        &self,
        request: Request<pb::StopReplicationToReplicaRequest>,
    ) -> Result<Response<pb::StopReplicationToReplicaResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let answer = pb::StopReplicationToReplicaResponse { arn: request.into_inner().secret_id, applied_index: 7 };
        Ok(Response::new(answer))
    }

    async fn associate_cross_account_replica(
        &self,
        request: Request<pb::AssociateCrossAccountReplicaRequest>,
    ) -> Result<Response<pb::AssociateCrossAccountReplicaResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let answer =
            pb::AssociateCrossAccountReplicaResponse { arn: ARN.to_owned(), applied_index: 7, ..Default::default() };
        Ok(Response::new(answer))
    }

    async fn disassociate_cross_account_replica(
        &self,
        request: Request<pb::DisassociateCrossAccountReplicaRequest>,
    ) -> Result<Response<pb::DisassociateCrossAccountReplicaResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let answer =
            pb::DisassociateCrossAccountReplicaResponse { arn: ARN.to_owned(), applied_index: 7, ..Default::default() };
        Ok(Response::new(answer))
    }

    async fn put_resource_policy(
        &self,
        request: Request<pb::PutResourcePolicyRequest>,
    ) -> Result<Response<pb::PutResourcePolicyResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let (arn, name, policy_name) = (ARN.to_owned(), request.into_inner().secret_id, "default".to_owned());
        Ok(Response::new(pb::PutResourcePolicyResponse { arn, name, policy_name, applied_index: 7 }))
    }

    async fn get_resource_policy(
        &self,
        request: Request<pb::GetResourcePolicyRequest>,
    ) -> Result<Response<pb::GetResourcePolicyResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(pb::GetResourcePolicyResponse {
            arn: ARN.to_owned(),
            name: "prod/db".to_owned(),
            resource_policy: (request.get_ref().secret_id != "bare").then(|| "{ }".to_owned()),
            policy_name: "default".to_owned(),
            applied_index: 7,
        }))
    }

    async fn delete_resource_policy(
        &self,
        request: Request<pb::DeleteResourcePolicyRequest>,
    ) -> Result<Response<pb::DeleteResourcePolicyResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let (arn, name, policy_name) = (ARN.to_owned(), request.into_inner().secret_id, "default".to_owned());
        Ok(Response::new(pb::DeleteResourcePolicyResponse { arn, name, policy_name, applied_index: 7 }))
    }

    async fn validate_resource_policy(
        &self,
        request: Request<pb::ValidateResourcePolicyRequest>,
    ) -> Result<Response<pb::ValidateResourcePolicyResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let pb::ValidateResourcePolicyRequest { secret_id, resource_policy } = request.into_inner();
        let finding = |check_name| pb::ValidationError { check_name, error_message: resource_policy.clone() };
        Ok(Response::new(pb::ValidateResourcePolicyResponse {
            policy_validation_passed: secret_id.is_none(),
            validation_errors: secret_id.map(finding).into_iter().collect(),
            applied_index: 7,
        }))
    }

    async fn list_resource_policies(
        &self,
        request: Request<pb::ListResourcePoliciesRequest>,
    ) -> Result<Response<pb::ListResourcePoliciesResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let policy = pb::ResourcePolicySummary { policy_name: "default".to_owned() };
        Ok(Response::new(pb::ListResourcePoliciesResponse { resource_policies: vec![policy], ..Default::default() }))
    }

    async fn batch_get_secret_value(
        &self,
        request: Request<pb::BatchGetSecretValueRequest>,
    ) -> Result<Response<pb::BatchGetSecretValueResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(pb::BatchGetSecretValueResponse::default()))
    }

    async fn create_secret(
        &self,
        request: Request<pb::CreateSecretRequest>,
    ) -> Result<Response<pb::CreateSecretResponse>, Status> {
        let message = request.get_ref();
        let call = Call {
            token: message.client_request_token.clone(),
            value: message.secret_string.clone(),
            ..Call::default()
        };
        self.next(&request, call).await?;
        Ok(Response::new(pb::CreateSecretResponse {
            arn: ARN.to_owned(),
            name: request.get_ref().name.clone(),
            version_id: Some(request.get_ref().client_request_token.clone()),
            replication_status: Vec::new(),
            applied_index: 7,
        }))
    }

    async fn get_secret_value(
        &self,
        request: Request<pb::GetSecretValueRequest>,
    ) -> Result<Response<pb::GetSecretValueResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let mut answer = pb::GetSecretValueResponse::default();
        answer.arn = ARN.to_owned();
        answer.name = request.get_ref().secret_id.clone();
        answer.version_id = request.get_ref().version_id.clone().unwrap_or_default();
        answer.version_stages = vec![request.get_ref().version_stage.clone().unwrap_or("AWSCURRENT".to_owned())];
        answer.secret_string = Some("hunter2".to_owned());
        answer.created_date = Some(CREATED);
        answer.applied_index = 7;
        Ok(Response::new(answer))
    }

    async fn put_secret_value(
        &self,
        request: Request<pb::PutSecretValueRequest>,
    ) -> Result<Response<pb::PutSecretValueResponse>, Status> {
        let message = request.get_ref();
        let call = Call {
            token: message.client_request_token.clone(),
            value: message.secret_string.clone(),
            ..Call::default()
        };
        self.next(&request, call).await?;
        let message = request.get_ref();
        let stages = message.version_stages.clone().map(|stages| stages.stages);
        Ok(Response::new(pb::PutSecretValueResponse {
            arn: ARN.to_owned(),
            name: message.secret_id.clone(),
            version_id: message.client_request_token.clone(),
            version_stages: stages.unwrap_or(vec!["AWSCURRENT".to_owned()]),
            applied_index: 7,
        }))
    }

    async fn describe_secret(
        &self,
        request: Request<pb::DescribeSecretRequest>,
    ) -> Result<Response<pb::DescribeSecretResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let secret = (request.get_ref().secret_id != "nothing").then(|| entry(&request.get_ref().secret_id));
        Ok(Response::new(pb::DescribeSecretResponse { secret, applied_index: 7 }))
    }

    async fn list_secrets(
        &self,
        request: Request<pb::ListSecretsRequest>,
    ) -> Result<Response<pb::ListSecretsResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let filters = &request.get_ref().filters;
        Ok(Response::new(pb::ListSecretsResponse {
            secret_list: filters.iter().map(|filter| entry(&filter.values.join("+"))).collect(),
            next_token: request.get_ref().next_token.clone(),
            applied_index: 7,
        }))
    }

    async fn delete_secret(
        &self,
        request: Request<pb::DeleteSecretRequest>,
    ) -> Result<Response<pb::DeleteSecretResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(pb::DeleteSecretResponse {
            arn: ARN.to_owned(),
            name: format!("{:?}", request.get_ref().force_delete_without_recovery),
            deletion_date: Some(CREATED),
            applied_index: 7,
        }))
    }

    async fn update_secret(
        &self,
        request: Request<pb::UpdateSecretRequest>,
    ) -> Result<Response<pb::UpdateSecretResponse>, Status> {
        let message = request.get_ref();
        let call = Call {
            token: message.client_request_token.clone(),
            value: message.secret_string.clone(),
            ..Call::default()
        };
        self.next(&request, call).await?;
        let message = request.get_ref();
        Ok(Response::new(pb::UpdateSecretResponse {
            arn: ARN.to_owned(),
            name: format!("{} {:?} {:?}", message.secret_id, message.description, message.kms_key_id),
            version_id: message.secret_string.as_ref().map(|_| message.client_request_token.clone()),
            applied_index: 7,
        }))
    }

    async fn update_secret_version_stage(
        &self,
        request: Request<pb::UpdateSecretVersionStageRequest>,
    ) -> Result<Response<pb::UpdateSecretVersionStageResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let pb::UpdateSecretVersionStageRequest {
            secret_id,
            version_stage,
            remove_from_version_id,
            move_to_version_id,
        } = request.into_inner();
        Ok(Response::new(pb::UpdateSecretVersionStageResponse {
            arn: ARN.to_owned(),
            name: format!("{secret_id} {version_stage} {remove_from_version_id:?} {move_to_version_id:?}"),
            applied_index: 7,
        }))
    }

    async fn list_secret_version_ids(
        &self,
        request: Request<pb::ListSecretVersionIdsRequest>,
    ) -> Result<Response<pb::ListSecretVersionIdsResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let message = request.into_inner();
        let stages = if message.include_deprecated { vec![] } else { vec!["AWSCURRENT".to_owned()] };
        Ok(Response::new(pb::ListSecretVersionIdsResponse {
            arn: ARN.to_owned(),
            name: message.secret_id,
            versions: vec![pb::VersionEntry {
                version_id: format!("{:?}", message.max_results),
                version_stages: stages,
                created_date: Some(CREATED),
                last_accessed_date: None,
                kms_key_ids: vec!["DefaultEncryptionKey".to_owned()],
            }],
            next_token: message.next_token,
            applied_index: 7,
        }))
    }

    async fn restore_secret(
        &self,
        request: Request<pb::RestoreSecretRequest>,
    ) -> Result<Response<pb::RestoreSecretResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let name = request.into_inner().secret_id;
        Ok(Response::new(pb::RestoreSecretResponse { arn: ARN.to_owned(), name, applied_index: 7 }))
    }

    async fn tag_resource(
        &self,
        request: Request<pb::TagResourceRequest>,
    ) -> Result<Response<pb::TagResourceResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(pb::TagResourceResponse { applied_index: request.get_ref().tags.len() as u64 }))
    }

    async fn untag_resource(
        &self,
        request: Request<pb::UntagResourceRequest>,
    ) -> Result<Response<pb::UntagResourceResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(pb::UntagResourceResponse { applied_index: request.get_ref().tag_keys.len() as u64 }))
    }

    async fn get_random_password(
        &self,
        request: Request<pb::GetRandomPasswordRequest>,
    ) -> Result<Response<pb::GetRandomPasswordResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let random_password = format!("{:?}", request.get_ref());
        Ok(Response::new(pb::GetRandomPasswordResponse { random_password, applied_index: 7 }))
    }
}

fn entry(name: &str) -> pb::SecretEntry {
    pb::SecretEntry {
        arn: ARN.to_owned(),
        name: name.to_owned(),
        tags: Some(pb::Tags { tags: vec![pb::Tag { key: "team".to_owned(), value: "pay".to_owned() }] }),
        created_date: Some(CREATED),
        last_changed_date: Some(CREATED),
        ..pb::SecretEntry::default()
    }
}

#[tonic::async_trait]
impl Cluster for Script {
    async fn status(
        &self,
        request: Request<cluster_pb::StatusRequest>,
    ) -> Result<Response<cluster_pb::StatusResponse>, Status> {
        self.next(&request, Call::default()).await?;
        let facts = cluster_pb::NodeFacts { role: 99, term: 3, leader: Some(1), ..Default::default() };
        let node = |id, facts| cluster_pb::NodeStatus { id, address: format!("host-{id}:7401"), facts };
        let nodes = vec![node(1, Some(facts)), node(2, None)];
        Ok(Response::new(cluster_pb::StatusResponse { cluster_id: "c".to_owned(), nodes }))
    }

    async fn checkpoint(
        &self,
        request: Request<cluster_pb::CheckpointRequest>,
    ) -> Result<Response<cluster_pb::CheckpointResponse>, Status> {
        use cluster_pb::node_checkpoint::Result;
        self.next(&request, Call::default()).await?;
        let node = |id, result| cluster_pb::NodeCheckpoint { id, result: Some(result) };
        let nodes = vec![node(1, Result::Checkpoint(7)), node(2, Result::Error("not reached".to_owned()))];
        Ok(Response::new(cluster_pb::CheckpointResponse { nodes }))
    }

    async fn digest(
        &self,
        request: Request<cluster_pb::DigestRequest>,
    ) -> Result<Response<cluster_pb::DigestResponse>, Status> {
        use cluster_pb::node_digest::Result;
        self.next(&request, Call::default()).await?;
        let node = |id, result| cluster_pb::NodeDigest { id, result: Some(result) };
        let state = cluster_pb::StateDigest { applied: 7, digest: vec![1; 32] };
        let nodes = vec![node(1, Result::State(state)), node(2, Result::Error("not reached".to_owned()))];
        Ok(Response::new(cluster_pb::DigestResponse { nodes }))
    }

    async fn add_node(
        &self,
        request: Request<cluster_pb::AddNodeRequest>,
    ) -> Result<Response<cluster_pb::AddNodeResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(cluster_pb::AddNodeResponse { voters: vec![1, request.get_ref().id] }))
    }

    async fn remove_node(
        &self,
        request: Request<cluster_pb::RemoveNodeRequest>,
    ) -> Result<Response<cluster_pb::RemoveNodeResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(cluster_pb::RemoveNodeResponse { voters: vec![1] }))
    }

    async fn transfer_leader(
        &self,
        request: Request<cluster_pb::TransferLeaderRequest>,
    ) -> Result<Response<cluster_pb::TransferLeaderResponse>, Status> {
        self.next(&request, Call::default()).await?;
        Ok(Response::new(cluster_pb::TransferLeaderResponse { leader: request.get_ref().id.unwrap_or(3) }))
    }
}
