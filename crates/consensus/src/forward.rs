//! Proposals on their way to the leader. Those that wait go together: most of a call's cost does not depend on how
//! many it carries.

use std::error::Error;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use proto::raft::v1 as pb;
use tokio::sync::{Semaphore, mpsc, oneshot};
use types::limits;

use crate::network::Traffic;
use crate::propose::Attempt;
use crate::replica::Inner;

/// Calls to the leader at once. While all are under way, proposals gather for the next.
const CALLS: usize = 4;
/// Proposals in one call.
const PROPOSALS_PER_CALL: usize = 256;

struct Waiting {
    proposal: Bytes,
    attempt: oneshot::Sender<Attempt>,
}

/// Where proposals are given in.
pub(crate) struct Forward(mpsc::Sender<Waiting>);

/// The other end, for [`run`].
pub(crate) struct Queue(mpsc::Receiver<Waiting>);

impl Forward {
    pub(crate) fn channel() -> (Self, Queue) {
        let (waiting, queue) = mpsc::channel(limits::PROPOSALS_IN_FLIGHT);
        (Self(waiting), Queue(queue))
    }

    /// Makes one attempt at having the leader append an encoded proposal.
    pub(crate) async fn send(&self, proposal: Bytes) -> Attempt {
        if proposal.len() > limits::LOG_PAYLOAD_BYTES {
            tracing::error!(bytes = proposal.len(), "a proposal is too large for the log");
            return Attempt::Busy;
        }
        let (attempt, made) = oneshot::channel();
        if self.0.try_send(Waiting { proposal, attempt }).is_err() {
            return Attempt::Busy;
        }
        made.await.unwrap_or(Attempt::Unknown)
    }
}

impl Queue {
    /// The proposals of the next call; none when there will be no more.
    async fn next(&mut self) -> Option<Vec<Waiting>> {
        let first = self.0.recv().await?;
        let mut bytes = first.proposal.len();
        let mut batch = vec![first];
        while batch.len() < PROPOSALS_PER_CALL && bytes < limits::APPEND_BYTES {
            let Ok(waiting) = self.0.try_recv() else { break };
            bytes += waiting.proposal.len();
            batch.push(waiting);
        }
        // Nobody waits any more for those whose deadline has passed.
        batch.retain(|waiting| !waiting.attempt.is_closed());
        Some(batch)
    }
}

/// Forwards until the replica is gone.
pub(crate) async fn run(inner: Weak<Inner>, mut queue: Queue) {
    let calls = Arc::new(Semaphore::new(CALLS));
    while let Ok(call) = calls.clone().acquire_owned().await {
        let Some(batch) = queue.next().await else { return };
        if batch.is_empty() {
            continue;
        }
        let Some(inner) = inner.upgrade() else { return };
        tokio::spawn(async move {
            let (proposals, waiting) = batch.into_iter().map(|w| (w.proposal, w.attempt)).unzip();
            inner.forward_all(proposals, waiting).await;
            drop(call);
        });
    }
}

impl Inner {
    async fn forward_all(&self, proposals: Vec<Bytes>, waiting: Vec<oneshot::Sender<Attempt>>) {
        let answer = match self.call_leader(proposals).await {
            Ok(response) => response.results,
            Err(attempt) => {
                // Who gave up does not want the answer.
                waiting.into_iter().for_each(|waiting| drop(waiting.send(attempt())));
                return;
            }
        };
        // Dropping a sender without an answer means unknown.
        for (waiting, result) in waiting.into_iter().zip(answer) {
            drop(waiting.send(result.into()));
        }
    }

    /// One call; what the attempts came to if it failed.
    async fn call_leader(&self, proposals: Vec<Bytes>) -> Result<pb::ProposeResponse, fn() -> Attempt> {
        let leader = self.leader().filter(|leader| *leader != self.id);
        let client = leader.and_then(|leader| self.peer_client(leader, Traffic::Forward));
        let Some(mut client) = client else { return Err(|| Attempt::NotLeader) };
        let call = client.propose(pb::ProposeRequest { proposals });
        match tokio::time::timeout(limits::FORWARD_TIMEOUT, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => {
                self.peers.heard(&status);
                tracing::debug!(code = ?status.code(), "forwarding failed");
                Err(if was_sent(&status) { || Attempt::Unknown } else { || Attempt::NotLeader })
            }
            Err(_) => Err(|| Attempt::Unknown),
        }
    }
}

/// Whether a request may have left this node: false only when there was no connection to send it on, or when the
/// peer says that it looked at nothing but the certificate.
fn was_sent(status: &tonic::Status) -> bool {
    if status.code() == tonic::Code::PermissionDenied {
        return false;
    }
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return false;
        }
        source = error.source();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_connect_means_not_sent() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let connect = tonic::Status::from_error(Box::new(tonic::ConnectError(Box::new(refused))));
        assert!(!was_sent(&connect));
        assert!(!was_sent(&tonic::Status::permission_denied("")));
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(was_sent(&tonic::Status::from_error(Box::new(reset))));
        assert!(was_sent(&tonic::Status::unavailable("tcp connect error")));
    }
}
