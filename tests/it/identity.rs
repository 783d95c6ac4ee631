//! Who may speak on which port: two authorities, and a node only under its own name.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use net::identity::PeerIdentity;
use net::pki::{CertificateAuthority, Issued, PrivateKeyPem};
use net::tls::{PeerDialer, client_config};
use proto::cluster::v1::StatusRequest;
use proto::cluster::v1::cluster_client::ClusterClient;
use proto::raft::v1::raft_client::RaftClient;
use proto::raft::v1::{Ballot, LocalStatusRequest, VoteRequest};
use proto::secrets::v1::ListSecretsRequest;
use proto::secrets::v1::secrets_client::SecretsClient;
use testkit::{Cluster, Node};
use tonic::transport::Channel;
use tonic::{Code, Status};
use types::{ClusterId, NodeId};

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_opens_its_own_port_under_its_own_name_only() {
    let cluster = Cluster::start(3).unwrap();
    let files = Files { dir: cluster.dir().to_owned() };
    let nodes = cluster.nodes().unwrap();
    let (first, second) = (&nodes[0], &nodes[1]);
    let cluster_id = files.cluster_id(&cluster).await;

    // What must work, so that the refusals below mean something.
    let own = files.node(first.id);
    let as_member = files.peer(&own, cluster_id, second);
    assert!(local_status(as_member.clone()).await.is_ok(), "a node's own certificate opens the peer port");
    let root = files.issued("CONCLAVE_CERT", "CONCLAVE_KEY", &cluster);
    assert!(list(&files, &root, first).await.is_ok(), "the root client's certificate opens the client port");

    // A node's certificate on the client port.
    assert!(list(&files, &own, first).await.is_err(), "a node is no client");

    // A client's certificate on the peer port.
    assert!(local_status(files.unpinned(&own, second)).await.is_ok(), "a node that does not look whom it dialled");
    assert!(local_status(files.unpinned(&root, second)).await.is_err(), "a client is no node");

    // A foreign authority's certificates, with the right names, on both ports.
    let foreign = CertificateAuthority::create("foreign", SystemTime::now()).unwrap();
    let forged = node(&foreign, cluster_id, first.id);
    assert!(local_status(files.peer(&forged, cluster_id, second)).await.is_err(), "another authority's node");
    let uri = net::ClientIdentity::root(cluster_id, "123456789012".parse().unwrap()).uri().to_owned();
    let forged = foreign.issue_client(&uri, "root", SystemTime::now()).unwrap();
    assert!(list(&files, &forged, first).await.is_err(), "another authority's root client");

    // A node of another cluster, although this cluster's authority signed it.
    let node_ca = files.authority("node-ca");
    let other_cluster = ClusterId([7; 16]);
    let stranger = node(&node_ca, other_cluster, first.id);
    let dialled = files.peer(&stranger, other_cluster, second);
    assert!(local_status(dialled).await.is_err(), "a node of another cluster is refused, or refuses to go on");
    let anyone = files.unpinned(&stranger, second);
    assert!(local_status(anyone).await.is_err(), "a node of another cluster that does not look whom it dialled");

    // A node that is no member, and a member that speaks for another.
    let nobody = node(&node_ca, cluster_id, 99);
    let as_nobody = local_status(files.peer(&nobody, cluster_id, second)).await;
    assert_eq!(as_nobody.unwrap_err().code(), Code::PermissionDenied, "a node that is no member");
    assert!(vote(as_member.clone(), first.id).await.is_ok(), "a node may ask for votes for itself");
    let for_another = vote(as_member, nodes[2].id).await;
    assert_eq!(for_another.unwrap_err().code(), Code::PermissionDenied, "node 1 asks for a vote as node 3");

    // The dialling side looks, too: where node 2 is expected, node 3 is refused.
    let misdirected = Node { peer_addr: nodes[2].peer_addr.clone(), ..second.clone() };
    assert!(local_status(files.peer(&own, cluster_id, &misdirected)).await.is_err(), "node 3 at node 2's address");

    // A client of no account's root is known by its certificate and may do nothing.
    let client_ca = files.authority("client-ca");
    let unbound = client_ca.issue_client("spiffe://corp/billing", "billing", SystemTime::now()).unwrap();
    assert!(list(&files, &unbound, first).await.is_err(), "a client that is bound to nothing");
    assert!(list_anonymously(&files, first).await.is_err(), "a client without a certificate");

    // The cluster took no harm.
    cluster.settled().await.unwrap();
    assert!(list(&files, &root, first).await.is_ok());
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_anothers_certificate_does_not_start() {
    let cluster = Cluster::start(3).unwrap();
    let files = Files { dir: cluster.dir().to_owned() };
    let ids = cluster.ids().unwrap();
    let tls = |id: u64, name: &str| files.dir.join(format!("nodes/{id}/tls/{name}"));
    cluster.kill_9(&ids[..1]).unwrap();
    let kept: Vec<String> =
        ["node.pem", "node.key"].map(|name| fs::read_to_string(tls(ids[0], name)).unwrap()).to_vec();
    for name in ["node.pem", "node.key"] {
        fs::write(tls(ids[0], name), fs::read(tls(ids[1], name)).unwrap()).unwrap();
    }
    assert_ne!(cluster.restart_command(ids[0]).run().unwrap().code, Some(0));

    for (name, text) in ["node.pem", "node.key"].into_iter().zip(kept) {
        fs::write(tls(ids[0], name), text).unwrap();
    }
    cluster.restart(ids[0]).unwrap();
    cluster.settled().await.unwrap();
}

/// The dev cluster's own certificates and authorities.
struct Files {
    dir: PathBuf,
}

impl Files {
    fn text(&self, path: impl AsRef<Path>) -> String {
        let path = self.dir.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn key(&self, path: impl AsRef<Path>) -> PrivateKeyPem {
        PrivateKeyPem::new(self.text(path))
    }

    fn authority(&self, name: &str) -> CertificateAuthority {
        let certificate = self.text(format!("operator/{name}.pem"));
        CertificateAuthority::from_pem(&certificate, self.key(format!("operator/{name}.key"))).unwrap()
    }

    fn node(&self, id: u64) -> Issued {
        let tls = format!("nodes/{id}/tls");
        Issued { certificate: self.text(format!("{tls}/node.pem")), key: self.key(format!("{tls}/node.key")) }
    }

    fn issued(&self, certificate: &str, key: &str, cluster: &Cluster) -> Issued {
        Issued {
            certificate: self.text(cluster.variable(certificate).unwrap()),
            key: self.key(cluster.variable(key).unwrap()),
        }
    }

    async fn cluster_id(&self, cluster: &Cluster) -> ClusterId {
        let first = cluster.ids().unwrap()[0];
        let status = cluster.admin(first).unwrap().status(StatusRequest {}).await.unwrap().into_inner();
        let id: ClusterId = status.cluster_id.parse().unwrap();
        assert_eq!(PeerIdentity { cluster: id, node: NodeId(1) }.uri(), format!("conclave://{id}/node/1"));
        id
    }

    /// A channel to `to`'s peer port with a node's certificate, as a node makes it.
    fn peer(&self, own: &Issued, cluster: ClusterId, to: &Node) -> Channel {
        let ca = self.authority("node-ca");
        let dialer = PeerDialer::new(ca.to_pem().0, &own.certificate, &own.key, cluster).unwrap();
        net::connect::peer_channel(&to.peer_addr, dialer.config_for(NodeId(to.id)).unwrap()).unwrap()
    }

    /// A channel to `to`'s peer port that checks the server's host name only.
    fn unpinned(&self, own: &Issued, to: &Node) -> Channel {
        let ca = self.text("operator/node-ca.pem");
        let tls = client_config(&ca, Some((&own.certificate, &own.key))).unwrap();
        net::connect::client_channel(&to.peer_addr, tls).unwrap()
    }
}

fn node(authority: &CertificateAuthority, cluster: ClusterId, id: u64) -> Issued {
    authority.issue_node(cluster, NodeId(id), &["127.0.0.1".to_owned()], SystemTime::now()).unwrap()
}

async fn local_status(channel: Channel) -> Result<(), Status> {
    RaftClient::new(channel).local_status(LocalStatusRequest {}).await.map(drop)
}

/// Asks for a vote that could not be granted anyhow; an answer at all is what counts.
async fn vote(channel: Channel, candidate: u64) -> Result<(), Status> {
    let request =
        VoteRequest { vote: Some(Ballot { term: 1, node: candidate, committed: false }), ..Default::default() };
    RaftClient::new(channel).pre_vote(request).await.map(drop)
}

async fn list(files: &Files, own: &Issued, at: &Node) -> Result<(), Status> {
    let ca = files.text("operator/client-ca.pem");
    let tls = client_config(&ca, Some((&own.certificate, &own.key))).unwrap();
    let channel = net::connect::client_channel(&at.client_addr, tls).unwrap();
    // Both services of the port, and the stricter answer of the two.
    let listed = SecretsClient::new(channel.clone()).list_secrets(ListSecretsRequest::default()).await.map(drop);
    let status = ClusterClient::new(channel).status(StatusRequest {}).await.map(drop);
    assert_eq!(listed.is_ok(), status.is_ok(), "{listed:?} {status:?}");
    listed
}

async fn list_anonymously(files: &Files, at: &Node) -> Result<(), Status> {
    let tls = client_config(&files.text("operator/client-ca.pem"), None).unwrap();
    let channel = net::connect::client_channel(&at.client_addr, tls).unwrap();
    SecretsClient::new(channel).list_secrets(ListSecretsRequest::default()).await.map(drop)
}
