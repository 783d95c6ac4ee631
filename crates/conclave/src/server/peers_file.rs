//! The peers that a sealed node may ask for the barrier terms: the members as it knew them last, in the clear, since it
//! cannot open its state before it has been given the terms. A wrong file leads to nobody: a peer is known by its
//! certificate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use consensus::Replica;
use types::NodeId;

use crate::files::{self, Access};

/// How often the members are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Bytes of the file that are read.
const MAX_BYTES: u64 = 1 << 20;

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("peers.json")
}

/// The peers' addresses, with those of the configuration in place of the members' own; empty when there is no file.
pub(super) fn read(data_dir: &Path, dial: &BTreeMap<NodeId, String>) -> BTreeMap<NodeId, String> {
    let path = path(data_dir);
    let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
    let text = if is_small { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let known: BTreeMap<u64, String> = serde_json::from_str(&text).unwrap_or_default();
    let mut peers: BTreeMap<NodeId, String> = known.into_iter().map(|(id, address)| (NodeId(id), address)).collect();
    for (id, address) in dial {
        peers.entry(*id).and_modify(|known| known.clone_from(address));
    }
    peers
}

/// Keeps the file abreast of the membership, for ever.
pub(super) async fn keep(replica: Replica, data_dir: PathBuf) {
    let path = path(&data_dir);
    let mut written = BTreeMap::new();
    loop {
        let members: BTreeMap<u64, String> =
            replica.members().into_iter().map(|(id, member)| (id.0, member.peer_address)).collect();
        if !members.is_empty() && members != written {
            match serde_json::to_vec(&members)
                .map_err(Into::into)
                .and_then(|bytes| files::replace(&path, Access::Private, &bytes))
            {
                Ok(()) => written = members,
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the peers could not be written down"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
