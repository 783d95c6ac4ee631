//! Peer unseal: a member that is sealed is given the barrier terms, never the root key, by a peer that is not.
//!
//! The asking side draws a key for the one call and signs it, with both nodes' ids, with its node certificate; the terms
//! come encrypted to that key. The giving side (`peer.rs`) looks at the membership after a read barrier, counts, and
//! writes down what it is about to do before it does it.

use std::collections::BTreeMap;
use std::time::Duration;

use net::tls::PeerDialer;
use proto::raft::v1 as pb;
use proto::raft::v1::raft_client::RaftClient;
use storage::{Barrier, TransferKey};
use types::{ClusterId, NodeId};

use crate::wire;

/// Time for one peer to answer; it reads past the barrier and syncs a record.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
const LABEL: &[u8] = b"conclave/peer-unseal/v1";

/// No peer gave the terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no peer gave the barrier terms: {}", list(.0))]
pub struct TermsRefused(pub Vec<(NodeId, String)>);

fn list(refusals: &[(NodeId, String)]) -> String {
    if refusals.is_empty() {
        return "none is known".to_owned();
    }
    refusals.iter().map(|(id, why)| format!("node {id}: {why}")).collect::<Vec<_>>().join("; ")
}

/// Whom a transfer is between.
pub(crate) fn binding(asking: NodeId, giving: NodeId) -> Vec<u8> {
    [asking.0.to_le_bytes(), giving.0.to_le_bytes()].concat()
}

/// What the asking node signs.
pub(crate) fn signed(cluster: ClusterId, binding: &[u8], public_key: &[u8]) -> Vec<u8> {
    [LABEL, &cluster.0, binding, public_key].concat()
}

/// Asks the peers for the barrier terms, one after the other, and answers those of the first that gives them, with the
/// keyring that has to be kept before they are used.
///
/// # Errors
/// [`TermsRefused`], with what each peer said.
pub async fn ask_for_terms(
    dialer: &PeerDialer,
    cluster: ClusterId,
    peers: &BTreeMap<NodeId, String>,
) -> Result<(NodeId, Barrier, Option<state::Keyring>), TermsRefused> {
    let mut refusals = Vec::new();
    for (peer, address) in peers.iter().filter(|(peer, _)| **peer != dialer.node()) {
        match tokio::time::timeout(ASK_TIMEOUT, ask(dialer, cluster, *peer, address)).await {
            Ok(Ok((barrier, keyring))) => return Ok((*peer, barrier, keyring)),
            Ok(Err(why)) => refusals.push((*peer, why)),
            Err(_) => refusals.push((*peer, "no answer".to_owned())),
        }
    }
    Err(TermsRefused(refusals))
}

async fn ask(
    dialer: &PeerDialer,
    cluster: ClusterId,
    peer: NodeId,
    address: &str,
) -> Result<(Barrier, Option<state::Keyring>), String> {
    let tls = dialer.config_for(peer).map_err(|error| error.to_string())?;
    let channel = net::connect::peer_channel(address, tls).map_err(|error| error.to_string())?;
    let (key, binding) = (TransferKey::generate(), binding(dialer.node(), peer));
    let signature = dialer.sign(&signed(cluster, &binding, key.public())).map_err(|error| error.to_string())?;
    let request = pb::GiveTermsRequest { public_key: key.public().to_vec().into(), signature: signature.into() };
    let given = RaftClient::new(channel).give_terms(request).await;
    let given = given.map_err(|status| status.message().to_owned())?.into_inner();
    let barrier = key.open(cluster, &binding, &given.transfer).map_err(|error| error.to_string())?;
    Ok((barrier, given.keyring.map(wire::keyring_from)))
}
