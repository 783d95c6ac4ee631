//! `conclave.raft.v1` messages and openraft's types, both ways.
//!
//! Every message that comes in is checked here for its required parts; what is missing is named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use openraft::entry::EntryPayload;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, StreamAppendError, StreamAppendResult, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use proto::raft::v1 as pb;
use types::{NodeId, Timestamp};

use crate::data_dir::DataId;
use crate::raft_types::{Config, Entry, LeaderId, LogId, Member, Membership, Node, SealedCommand, Vote};
use crate::status::{LocalStatus, PeerStatus, Role};

/// A peer message without a part that it must have, or with one that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("peer message: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for tonic::Status {
    fn from(malformed: Malformed) -> Self {
        Self::invalid_argument(malformed.to_string())
    }
}

/// Node ids begin at 1; 0 stands for none on the wire.
pub(crate) fn is_node_id(id: NodeId) -> bool {
    id.0 != 0
}

pub(crate) fn known(id: u64) -> Option<NodeId> {
    Some(NodeId(id)).filter(|id| is_node_id(*id))
}

pub(crate) fn not_leader_to(leader: Option<NodeId>) -> pb::NotLeader {
    pb::NotLeader { leader: leader.map_or(0, |id| id.0) }
}

pub(crate) fn log_id_to(id: LogId) -> pb::LogId {
    pb::LogId { term: id.leader_id.term, node: id.leader_id.node_id.0, index: id.index }
}

pub(crate) fn log_id_from(id: pb::LogId) -> LogId {
    LogId::new(LeaderId { term: id.term, node_id: NodeId(id.node) }, id.index)
}

pub(crate) fn vote_to(vote: &Vote) -> pb::Ballot {
    pb::Ballot { term: vote.leader_id.term, node: vote.leader_id.node_id.0, committed: vote.committed }
}

pub(crate) fn vote_from(vote: Option<pb::Ballot>) -> Result<Vote, Malformed> {
    let vote = vote.ok_or(Malformed("without a vote"))?;
    Ok(Vote { leader_id: LeaderId { term: vote.term, node_id: NodeId(vote.node) }, committed: vote.committed })
}

pub(crate) fn membership_to(membership: &Membership) -> pb::Membership {
    pb::Membership {
        configs: membership
            .get_joint_config()
            .iter()
            .map(|set| pb::VoterSet { ids: set.iter().map(|id| id.0).collect() })
            .collect(),
        members: membership
            .nodes()
            .map(|(id, node)| pb::Member {
                id: id.0,
                peer_address: node.member.peer_address.clone(),
                client_address: node.member.client_address.clone(),
                data: data_to(node.data),
            })
            .collect(),
        removed: removed(membership).into_iter().map(|id| id.0).collect(),
    }
}

/// The ids that were removed, as all nodes of a membership know them together.
pub(crate) fn removed(membership: &Membership) -> BTreeSet<NodeId> {
    membership.nodes().flat_map(|(_, node)| node.removed.iter().copied()).collect()
}

fn data_to(data: Option<DataId>) -> Bytes {
    data.map(|id| Bytes::copy_from_slice(&id.0)).unwrap_or_default()
}

pub(crate) fn membership_from(membership: pb::Membership) -> Result<Membership, Malformed> {
    let configs: Vec<BTreeSet<NodeId>> =
        membership.configs.into_iter().map(|set| set.ids.into_iter().map(NodeId).collect()).collect();
    let removed: Arc<BTreeSet<NodeId>> = Arc::new(membership.removed.into_iter().map(NodeId).collect());
    let node = |m: pb::Member| Node {
        member: Member { peer_address: m.peer_address, client_address: m.client_address },
        data: DataId::from_bytes(&m.data),
        removed: removed.clone(),
    };
    let nodes: BTreeMap<NodeId, Node> = membership.members.into_iter().map(|m| (NodeId(m.id), node(m))).collect();
    Membership::new(configs, nodes).map_err(|_| Malformed("with a membership whose voters are not members"))
}

pub(crate) fn entry_to(entry: Entry) -> pb::Entry {
    let payload = match entry.payload {
        EntryPayload::Blank => None,
        EntryPayload::Normal(SealedCommand(bytes)) => Some(pb::entry::Payload::Command(bytes)),
        EntryPayload::Membership(membership) => Some(pb::entry::Payload::Membership(membership_to(&membership))),
    };
    pb::Entry { id: Some(log_id_to(entry.log_id)), payload }
}

pub(crate) fn entry_from(entry: pb::Entry) -> Result<Entry, Malformed> {
    let log_id = log_id_from(entry.id.ok_or(Malformed("with an entry without an id"))?);
    let payload = match entry.payload {
        None => EntryPayload::Blank,
        // A slice of the read buffer would pin the whole buffer for as long as the log caches the entry.
        Some(pb::entry::Payload::Command(bytes)) => EntryPayload::Normal(SealedCommand(Bytes::copy_from_slice(&bytes))),
        Some(pb::entry::Payload::Membership(membership)) => EntryPayload::Membership(membership_from(membership)?),
    };
    Ok(Entry { log_id, payload })
}

pub(crate) fn append_to(request: AppendEntriesRequest<Config>) -> pb::AppendRequest {
    pb::AppendRequest {
        vote: Some(vote_to(&request.vote)),
        previous: request.prev_log_id.map(log_id_to),
        entries: request.entries.into_iter().map(entry_to).collect(),
        committed: request.leader_commit.map(log_id_to),
    }
}

pub(crate) fn append_from(request: pb::AppendRequest) -> Result<AppendEntriesRequest<Config>, Malformed> {
    Ok(AppendEntriesRequest {
        vote: vote_from(request.vote)?,
        prev_log_id: request.previous.map(log_id_from),
        entries: request.entries.into_iter().map(entry_from).collect::<Result<_, _>>()?,
        leader_commit: request.committed.map(log_id_from),
    })
}

/// The answer to one message of an append stream.
pub(crate) fn stream_result_to(result: StreamAppendResult<Config>) -> pb::AppendResponse {
    use pb::append_response::Kind;
    match result {
        Ok(log_id) => pb::AppendResponse { kind: Kind::Success.into(), log_id: log_id.map(log_id_to), vote: None },
        Err(StreamAppendError::Conflict(log_id)) => {
            pb::AppendResponse { kind: Kind::Conflict.into(), log_id: Some(log_id_to(log_id)), vote: None }
        }
        Err(StreamAppendError::HigherVote(vote)) => {
            pb::AppendResponse { kind: Kind::HigherVote.into(), log_id: None, vote: Some(vote_to(&vote)) }
        }
    }
}

pub(crate) fn stream_result_from(response: pb::AppendResponse) -> Result<StreamAppendResult<Config>, Malformed> {
    use pb::append_response::Kind;
    match response.kind() {
        Kind::Success | Kind::Partial => Ok(Ok(response.log_id.map(log_id_from))),
        Kind::Conflict => {
            let log_id = response.log_id.ok_or(Malformed("with a conflict at no log id"))?;
            Ok(Err(StreamAppendError::Conflict(log_id_from(log_id))))
        }
        Kind::HigherVote => Ok(Err(StreamAppendError::HigherVote(vote_from(response.vote)?))),
        Kind::Unspecified => Err(Malformed("with an append answer of no kind")),
    }
}

/// The answer to a single append (a heartbeat).
pub(crate) fn append_response_to(response: AppendEntriesResponse<Config>) -> pb::AppendResponse {
    use pb::append_response::Kind;
    let (kind, log_id, vote) = match response {
        AppendEntriesResponse::Success => (Kind::Success, None, None),
        AppendEntriesResponse::PartialSuccess(log_id) => (Kind::Partial, log_id, None),
        AppendEntriesResponse::Conflict => (Kind::Conflict, None, None),
        AppendEntriesResponse::HigherVote(vote) => (Kind::HigherVote, None, Some(vote)),
    };
    pb::AppendResponse { kind: kind.into(), log_id: log_id.map(log_id_to), vote: vote.as_ref().map(vote_to) }
}

pub(crate) fn append_response_from(response: pb::AppendResponse) -> Result<AppendEntriesResponse<Config>, Malformed> {
    use pb::append_response::Kind;
    match response.kind() {
        Kind::Success => Ok(AppendEntriesResponse::Success),
        Kind::Partial => Ok(AppendEntriesResponse::PartialSuccess(response.log_id.map(log_id_from))),
        Kind::Conflict => Ok(AppendEntriesResponse::Conflict),
        Kind::HigherVote => Ok(AppendEntriesResponse::HigherVote(vote_from(response.vote)?)),
        Kind::Unspecified => Err(Malformed("with an append answer of no kind")),
    }
}

pub(crate) fn vote_request_to(request: &VoteRequest<Config>) -> pb::VoteRequest {
    pb::VoteRequest {
        vote: Some(vote_to(&request.vote)),
        last: request.last_log_id.map(log_id_to),
        leadership_transfer: request.leadership_transfer,
    }
}

pub(crate) fn vote_request_from(request: pb::VoteRequest) -> Result<VoteRequest<Config>, Malformed> {
    Ok(VoteRequest {
        vote: vote_from(request.vote)?,
        last_log_id: request.last.map(log_id_from),
        leadership_transfer: request.leadership_transfer,
    })
}

pub(crate) fn vote_response_to(response: &VoteResponse<Config>) -> pb::VoteResponse {
    pb::VoteResponse {
        vote: Some(vote_to(&response.vote)),
        granted: response.vote_granted,
        last: response.last_log_id.map(log_id_to),
    }
}

pub(crate) fn vote_response_from(response: pb::VoteResponse) -> Result<VoteResponse<Config>, Malformed> {
    Ok(VoteResponse {
        vote: vote_from(response.vote)?,
        vote_granted: response.granted,
        last_log_id: response.last.map(log_id_from),
    })
}

pub(crate) fn transfer_to(request: &TransferLeaderRequest<Config>) -> pb::TransferLeaderRequest {
    pb::TransferLeaderRequest {
        from: Some(vote_to(request.from_leader())),
        to: request.to_node_id().0,
        last: request.last_log_id().copied().map(log_id_to),
    }
}

pub(crate) fn transfer_from(request: pb::TransferLeaderRequest) -> Result<TransferLeaderRequest<Config>, Malformed> {
    Ok(TransferLeaderRequest::new(vote_from(request.from)?, NodeId(request.to), request.last.map(log_id_from)))
}

pub(crate) fn transfer_response_to(response: TransferLeaderResponse<Config>) -> pb::TransferLeaderResponse {
    use pb::transfer_leader_response::Kind;
    match response {
        Ok(()) => pb::TransferLeaderResponse { kind: Kind::Accepted.into(), ..Default::default() },
        Err(TransferLeaderError::VoteChanged { expected, actual }) => pb::TransferLeaderResponse {
            kind: Kind::VoteChanged.into(),
            expected_vote: Some(vote_to(&expected)),
            actual_vote: Some(vote_to(&actual)),
            ..Default::default()
        },
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => pb::TransferLeaderResponse {
            kind: Kind::LogNotFlushed.into(),
            expected_log_id: expected.map(log_id_to),
            actual_log_id: actual.map(log_id_to),
            ..Default::default()
        },
    }
}

pub(crate) fn transfer_response_from(
    response: pb::TransferLeaderResponse,
) -> Result<TransferLeaderResponse<Config>, Malformed> {
    use pb::transfer_leader_response::Kind;
    match response.kind() {
        Kind::Accepted => Ok(Ok(())),
        Kind::VoteChanged => Ok(Err(TransferLeaderError::VoteChanged {
            expected: vote_from(response.expected_vote)?,
            actual: vote_from(response.actual_vote)?,
        })),
        Kind::LogNotFlushed => Ok(Err(TransferLeaderError::LogNotFlushed {
            expected: response.expected_log_id.map(log_id_from),
            actual: response.actual_log_id.map(log_id_from),
        })),
        Kind::Unspecified => Err(Malformed("with a transfer answer of no kind")),
    }
}

pub(crate) fn keyring_to(keyring: &state::Keyring) -> pb::Keyring {
    let bytes = |part: &Arc<[u8]>| Bytes::copy_from_slice(part);
    pb::Keyring { revision: keyring.revision, sealed: bytes(&keyring.sealed), terms: bytes(&keyring.terms) }
}

/// The keyring without what only the state knows of it.
pub(crate) fn keyring_from(keyring: pb::Keyring) -> state::Keyring {
    let pb::Keyring { revision, sealed, terms } = keyring;
    let (sealed, terms) = (Arc::from(&sealed[..]), Arc::from(&terms[..]));
    state::Keyring { revision, sealed, terms, at: Timestamp::from_millis(0), index: 0 }
}

pub(crate) fn status_to(status: &LocalStatus, version: &str, data: DataId) -> pb::LocalStatusResponse {
    use proto::cluster::v1::Role as Wire;
    let role = match status.role {
        Role::Leader => Wire::Leader,
        Role::Follower => Wire::Follower,
        Role::Candidate => Wire::Candidate,
        Role::Learner => Wire::Learner,
    };
    pb::LocalStatusResponse {
        role: role.into(),
        term: status.term,
        last_log: status.last_log,
        committed: status.committed,
        applied: status.applied,
        sealed: false,
        version: version.to_owned(),
        checkpoint: status.checkpoint,
        leader: status.leader.map_or(0, |id| id.0),
        data: data_to(Some(data)),
        stopping: false,
    }
}

pub(crate) fn status_from(response: pb::LocalStatusResponse) -> Result<PeerStatus, Malformed> {
    use proto::cluster::v1::Role as Wire;
    let role = match Wire::try_from(response.role) {
        // It has none; this one is not shown.
        _ if response.sealed => Role::Learner,
        Ok(Wire::Leader) => Role::Leader,
        Ok(Wire::Follower) => Role::Follower,
        Ok(Wire::Candidate) => Role::Candidate,
        Ok(Wire::Learner) => Role::Learner,
        Ok(Wire::Unspecified) | Err(_) => return Err(Malformed("with a status of no role")),
    };
    let status = LocalStatus {
        role,
        term: response.term,
        last_log: response.last_log,
        committed: response.committed,
        applied: response.applied,
        checkpoint: response.checkpoint,
        leader: known(response.leader),
    };
    Ok(PeerStatus { status, version: response.version, sealed: response.sealed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_id(term: u64, node: u64, index: u64) -> LogId {
        LogId::new(LeaderId { term, node_id: NodeId(node) }, index)
    }

    fn vote() -> Vote {
        Vote { leader_id: LeaderId { term: 7, node_id: NodeId(2) }, committed: true }
    }

    fn node(id: u64) -> (NodeId, Node) {
        let member = Member { peer_address: format!("n{id}:1"), client_address: format!("n{id}:2") };
        let data = (id != 1).then_some(DataId([9; 16]));
        (NodeId(id), Node { member, data, removed: Arc::new([NodeId(7), NodeId(8)].into()) })
    }

    fn membership() -> Membership {
        let configs = vec![BTreeSet::from([NodeId(1)]), BTreeSet::from([NodeId(1), NodeId(2)])];
        Membership::new(configs, BTreeMap::from([node(1), node(2), node(3)])).unwrap()
    }

    fn entries() -> Vec<Entry> {
        let payloads = [
            EntryPayload::Blank,
            EntryPayload::Normal(SealedCommand(Bytes::from_static(b"sealed"))),
            EntryPayload::Membership(membership()),
        ];
        let indices = 5..;
        payloads
            .into_iter()
            .zip(indices)
            .map(|(payload, index)| Entry { log_id: log_id(7, 2, index), payload })
            .collect()
    }

    #[test]
    fn appends_survive_the_wire() {
        let request = AppendEntriesRequest {
            vote: vote(),
            prev_log_id: Some(log_id(6, 1, 4)),
            entries: entries(),
            leader_commit: Some(log_id(6, 1, 3)),
        };
        let message = append_to(request.clone());
        let received = append_from(message).unwrap();
        assert_eq!(format!("{received:?}"), format!("{request:?}"));
        assert_eq!(received.entries, request.entries);

        let empty = AppendEntriesRequest { vote: vote(), prev_log_id: None, entries: vec![], leader_commit: None };
        assert_eq!(format!("{:?}", append_from(append_to(empty.clone())).unwrap()), format!("{empty:?}"));
    }

    #[test]
    fn answers_to_appends_survive_the_wire() {
        let id = log_id(7, 2, 9);
        for result in
            [Ok(Some(id)), Ok(None), Err(StreamAppendError::Conflict(id)), Err(StreamAppendError::HigherVote(vote()))]
        {
            assert_eq!(stream_result_from(stream_result_to(result.clone())), Ok(result));
        }
        for response in [
            AppendEntriesResponse::Success,
            AppendEntriesResponse::PartialSuccess(Some(id)),
            AppendEntriesResponse::PartialSuccess(None),
            AppendEntriesResponse::Conflict,
            AppendEntriesResponse::HigherVote(vote()),
        ] {
            assert_eq!(append_response_from(append_response_to(response.clone())), Ok(response));
        }
    }

    #[test]
    fn votes_survive_the_wire() {
        for last_log_id in [None, Some(log_id(6, 1, 4))] {
            let request = VoteRequest { vote: vote(), last_log_id, leadership_transfer: last_log_id.is_some() };
            assert_eq!(vote_request_from(vote_request_to(&request)), Ok(request));
            let response = VoteResponse { vote: vote(), vote_granted: last_log_id.is_none(), last_log_id };
            assert_eq!(vote_response_from(vote_response_to(&response)), Ok(response));
        }
    }

    #[test]
    fn transfers_of_leadership_survive_the_wire() {
        let request = TransferLeaderRequest::new(vote(), NodeId(3), Some(log_id(7, 2, 9)));
        assert_eq!(transfer_from(transfer_to(&request)), Ok(request));
        let candidate = Vote { committed: false, ..vote() };
        for response in [
            Ok(()),
            Err(TransferLeaderError::VoteChanged { expected: vote(), actual: candidate }),
            Err(TransferLeaderError::LogNotFlushed { expected: Some(log_id(7, 2, 9)), actual: None }),
        ] {
            assert_eq!(transfer_response_from(transfer_response_to(response.clone())), Ok(response));
        }
    }

    #[test]
    fn memberships_survive_the_wire_and_the_disk() {
        assert_eq!(membership_from(membership_to(&membership())), Ok(membership()));
        let bytes = crate::membership_codec::encode(&membership());
        assert_eq!(crate::membership_codec::decode(&bytes), Ok(membership()));
        let mut first_version = membership_to(&membership());
        first_version.removed.clear();
        first_version.members.iter_mut().for_each(|member| member.data.clear());
        let old = [&[1], &*prost::Message::encode_to_vec(&first_version)].concat();
        assert_eq!(crate::membership_codec::decode(&old), membership_from(first_version));
        assert!(crate::membership_codec::decode(&[]).is_err());
        assert!(crate::membership_codec::decode(&[&[3], &bytes[1..]].concat()).is_err());
        let stranger = pb::Membership { configs: vec![pb::VoterSet { ids: vec![9] }], ..Default::default() };
        assert!(membership_from(stranger).is_err());
    }

    #[test]
    fn statuses_survive_the_wire() {
        for (role, leader) in [
            (Role::Leader, Some(NodeId(2))),
            (Role::Follower, Some(NodeId(1))),
            (Role::Candidate, None),
            (Role::Learner, None),
        ] {
            let status = LocalStatus { role, term: 7, last_log: 9, committed: 8, applied: 8, checkpoint: 5, leader };
            let received = status_from(status_to(&status, "1.2.3", DataId([9; 16]))).unwrap();
            assert_eq!(received, PeerStatus { status, version: "1.2.3".to_owned(), sealed: false });
        }
        assert!(status_from(pb::LocalStatusResponse::default()).is_err());
    }

    #[test]
    fn what_lacks_a_part_is_refused() {
        assert!(append_from(pb::AppendRequest::default()).is_err());
        let headless = pb::AppendRequest {
            entries: vec![pb::Entry::default()],
            ..append_to(AppendEntriesRequest { vote: vote(), prev_log_id: None, entries: vec![], leader_commit: None })
        };
        assert!(append_from(headless).is_err());
        assert!(append_response_from(pb::AppendResponse::default()).is_err());
        assert!(stream_result_from(pb::AppendResponse::default()).is_err());
        let conflict = pb::AppendResponse { kind: pb::append_response::Kind::Conflict.into(), ..Default::default() };
        assert!(stream_result_from(conflict).is_err());
        assert!(vote_request_from(pb::VoteRequest::default()).is_err());
        assert!(vote_response_from(pb::VoteResponse::default()).is_err());
        assert!(transfer_from(pb::TransferLeaderRequest::default()).is_err());
        assert!(transfer_response_from(pb::TransferLeaderResponse::default()).is_err());
    }
}
