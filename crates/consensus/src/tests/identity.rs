//! Who is heard on the peer port.

use net::pki::Issued;
use net::tls::PeerDialer;
use proto::raft::v1 as pb;
use proto::raft::v1::change_membership_request::Change;
use proto::raft::v1::raft_client::RaftClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use types::{ClusterId, NodeId};

use super::harness::{CLUSTER, Cluster, member, wait};

/// A client with the certificate of node `id` to node `to`.
pub(super) fn client(cluster: &Cluster, id: u64, to: u64) -> RaftClient<Channel> {
    let Issued { certificate, key } = cluster.issue(CLUSTER, id);
    let dialer = PeerDialer::new(cluster.authority.to_pem().0, &certificate, &key, CLUSTER).unwrap();
    let tls = dialer.config_for(NodeId(to)).unwrap();
    RaftClient::new(net::connect::peer_channel(&cluster.address_of(to), tls).unwrap())
}

fn ballot(node: u64) -> Option<pb::Ballot> {
    Some(pb::Ballot { term: 1_000, node, committed: false })
}

pub(super) fn code<T>(result: Result<T, Status>) -> Option<Code> {
    result.err().map(|status| status.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_with_the_certificate_of_another_node_is_refused() {
    let cluster = Cluster::start().await;
    let term = cluster.node(3).status().term;
    let mut as_two = client(&cluster, 2, 3);
    let refused = Some(Code::PermissionDenied);

    let vote = |node| pb::VoteRequest { vote: ballot(node), ..Default::default() };
    assert_eq!(code(as_two.vote(vote(1)).await), refused);
    assert_eq!(code(as_two.pre_vote(vote(1)).await), refused);
    let append = |node| pb::AppendRequest { vote: ballot(node), ..Default::default() };
    assert_eq!(code(as_two.heartbeat(append(1)).await), refused);
    let transfer = pb::TransferLeaderRequest { from: ballot(1), to: 3, last: None };
    assert_eq!(code(as_two.transfer_leader(transfer).await), refused);
    let part = pb::SnapshotRequest { part: ballot(1).map(pb::snapshot_request::Part::Vote) };
    assert_eq!(code(as_two.snapshot(futures_util::stream::iter([part])).await), refused);
    let mut answers = as_two.append(futures_util::stream::iter([append(1)])).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap(), None, "the stream must end without an answer");

    assert_eq!(cluster.node(3).status().term, term, "a refused message changed the term");
    assert_eq!(code(as_two.pre_vote(vote(2)).await), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_a_member_may_not_command() {
    let cluster = Cluster::start().await;
    let (leader, _) = cluster.leader_and_followers().await;
    let mut stranger = client(&cluster, 9, leader);
    let refused = Some(Code::PermissionDenied);
    assert_eq!(code(stranger.propose(pb::ProposeRequest::default()).await), refused);
    assert_eq!(code(stranger.read_index(pb::ReadIndexRequest::default()).await), refused);
    assert_eq!(code(stranger.local_status(pb::LocalStatusRequest {}).await), refused);
    assert_eq!(code(stranger.local_checkpoint(pb::LocalCheckpointRequest {}).await), refused);
    assert_eq!(code(stranger.local_digest(pb::LocalDigestRequest {}).await), refused);
    let request = pb::ChangeMembershipRequest {
        change: Some(Change::Add(pb::Member { id: 9, peer_address: member(9).peer_address, ..Default::default() })),
    };
    assert_eq!(code(stranger.change_membership(request).await), refused);
    let request = pb::ChangeMembershipRequest { change: Some(Change::Remove(1)) };
    assert_eq!(code(stranger.change_membership(request).await), refused);
    assert_eq!(code(stranger.hand_over(pb::HandOverRequest::default()).await), refused);
    wait(&cluster.node(leader), "still three", |m| m.membership_config.nodes().count() == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_cluster_is_not_heard() {
    let cluster = Cluster::start().await;
    let other = ClusterId([8; 16]);
    let Issued { certificate, key } = cluster.issue(other, 2);
    let dialer = PeerDialer::new(cluster.authority.to_pem().0, &certificate, &key, other).unwrap();
    let tls = dialer.config_for(NodeId(1)).unwrap();
    let mut client = RaftClient::new(net::connect::peer_channel(&cluster.address_of(1), tls).unwrap());
    assert!(client.local_status(pb::LocalStatusRequest {}).await.is_err());
}
