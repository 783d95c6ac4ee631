//! Whether this node still belongs to its cluster.
//!
//! A node that was removed gets no entries any more, so it has to be told: its peers refuse every call of an id that
//! was removed. It hears that when it stands for election, when it forwards, and, since the change of membership had
//! made it a learner that does neither, when it asks. A node whose data directory is not the one that its id was given
//! to is called by its peers and finds that they mean another; so does one whose directory is an older copy (`boots`).

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use tokio::sync::watch;
use tonic::{Code, Status};
use types::NodeId;

use crate::replica::{Inner, Replica};
use crate::status::Role;

/// How often a learner asks whether it is still a member.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What a peer says to a node that was removed.
const REMOVED: &str = "the id of this node was removed from the cluster";
/// The metadata of a call that names the data directory which is meant.
pub(crate) const DATA_METADATA: &str = "conclave-data";

/// Why this node may not serve any more, nor ever again under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expelled {
    /// It was removed from the membership.
    Removed,
    /// The cluster knows this id with another data directory, which is lost.
    OtherData,
    /// The cluster knows a later state of this node's data directory.
    OlderCopy,
}

impl fmt::Display for Expelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => {
                "This node was removed from the cluster and serves no requests. Ask another node. Its id is not used \
                 again."
            }
            Self::OtherData => {
                "The cluster knows this node's id with another data directory, so this one serves no requests. Ask \
                 another node. A node that lost its data joins under a new id."
            }
            Self::OlderCopy => {
                "This node's data directory is an older copy of what the node had, so it serves no requests. Ask another \
                 node. Set the copy aside with `conclave server --rejoin` and join under a new id."
            }
        })
    }
}

/// What this node knows of its standing.
pub(crate) struct Standing(watch::Sender<Option<Expelled>>);

impl Standing {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn current(&self) -> Option<Expelled> {
        *self.0.borrow()
    }

    pub(crate) fn expel(&self, why: Expelled) {
        let is_new = self.0.send_if_modified(|standing| standing.replace(why).is_none());
        if is_new {
            tracing::error!(reason = %why, "this node does not belong to its cluster any more");
        }
    }

    /// Takes notice of what a peer has answered.
    pub(crate) fn heard(&self, status: &Status) {
        if status.code() == Code::PermissionDenied && status.message() == REMOVED {
            self.expel(Expelled::Removed);
        }
    }
}

/// The answer to a node that was removed.
pub(crate) fn removed() -> Status {
    Status::permission_denied(REMOVED)
}

impl Replica {
    /// Whether this node has found that it does not belong to its cluster any more. It stays so until it is stopped.
    pub fn expelled(&self) -> Option<Expelled> {
        self.inner.expelled()
    }
}

impl Inner {
    pub(crate) fn expelled(&self) -> Option<Expelled> {
        self.peers.standing.current()
    }

    /// Whether there is any point in waiting for a leader: not before this node was added, nor after it was removed.
    pub(crate) fn is_of_a_cluster(&self) -> bool {
        self.expelled().is_none() && self.server.borrow_watched().membership_config.nodes().next().is_some()
    }

    /// Asks the members, one after the other, until one answers.
    async fn ask_standing(&self) {
        for id in self.members().into_keys().filter(|id| *id != self.id) {
            if self.peer_status_of(id).await.is_ok() || self.expelled().is_some() {
                return;
            }
        }
    }

    fn may_be_removed(&self) -> bool {
        self.status().role == Role::Learner && self.members().contains_key(&self.id)
    }
}

/// Asks while this node is a learner, until the replica is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.has_stopped() || inner.expelled().is_some() {
            return;
        }
        if inner.may_be_removed() {
            inner.ask_standing().await;
        }
    }
}

/// What the metadata of a call says of the node that is meant.
pub(crate) fn is_meant(named: Option<&str>, own: crate::data_dir::DataId) -> bool {
    named.is_none_or(|named| crate::data_dir::DataId::from_text(named) == Some(own))
}

/// Names a removed node in errors.
pub(crate) fn not_given_again(id: NodeId) -> String {
    format!("node {id} was removed from the cluster, and its id is not given again")
}
