//! The key custody of a node that is not sealed: its keyring file, its barrier, and the way into the seal.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp as Moment;
use key_service::{
    Barrier, Keyring, Passphrase, PassphraseCost, ProviderKind, ProviderName, RootKeyProvider, Shamir, VerifyError,
};
use serde::{Deserialize, Serialize};
use service::{Given, KeyCustody, KeyringChange, NewProvider, PreparedKeyring, ProviderId, ProviderReport, SealStatus};
use tokio_util::sync::CancellationToken;
use types::{ClusterId, NodeId, Timestamp};
use zeroize::Zeroizing;

use super::providers::{self, AtHand};
use super::transfers::Transfers;
use crate::config::{Config, Keys};
use crate::failure::with_causes;
use crate::files::{self, Access};

/// What says that the node stays sealed until an operator unseals it.
const MARKER: &str = "sealed";

/// Where the marker of a node is.
pub(super) fn marker(data_dir: &Path) -> PathBuf {
    data_dir.join(MARKER)
}

/// Marks a node as sealed by an operator, durably: until it is unsealed it tries nothing by itself.
pub(super) fn mark(data_dir: &Path) -> io::Result<()> {
    files::replace(&marker(data_dir), Access::Private, b"sealed by an operator\n").map_err(io::Error::other)
}

/// The custody of this node.
pub(super) struct Custody {
    cluster: ClusterId,
    keys: Keys,
    data_dir: PathBuf,
    barrier: Arc<Barrier>,
    transfers: Transfers,
    /// Held while the file is compared and replaced.
    file: Mutex<()>,
    sealing: CancellationToken,
}

impl Custody {
    pub(super) fn new(config: &Config, barrier: Arc<Barrier>) -> Self {
        Self {
            cluster: config.cluster.id,
            keys: config.keys.clone(),
            data_dir: config.node.data_dir.clone(),
            barrier,
            transfers: Transfers::new(&config.node.data_dir),
            file: Mutex::default(),
            sealing: CancellationToken::new(),
        }
    }

    /// Resolves when the node is to seal itself.
    pub(super) async fn sealing(&self) {
        self.sealing.cancelled().await;
    }

    /// The keyring that all nodes have: that of the state, or, before the first change, that of the operator.
    fn keyring(&self, current: Option<&state::Keyring>) -> Result<Keyring, String> {
        match current {
            Some(current) => Keyring::decode(&current.sealed).map_err(|error| with_causes(&error)),
            None => Keyring::load(&self.keys.keyring).map_err(|error| with_causes(&error)),
        }
    }

    fn change(
        &self,
        keyring: &mut Keyring,
        change: &KeyringChange,
        given: &[Given],
        chain: &mut Vec<u8>,
    ) -> Result<Changed, String> {
        let mut at_hand = AtHand::with(&self.keys, keyring, given)?;
        let refused = |error: key_service::ChangeError| with_causes(&error);
        let unsealed = keyring.unseal(&at_hand.refs()).map_err(|error| {
            let failures = at_hand.failures.iter().fold(String::new(), |all, failure| format!("{all}; {failure}"));
            format!("{}{failures}", with_causes(&error))
        })?;
        let mut shares = Vec::new();
        match change {
            KeyringChange::RotateBarrier => {
                let newer = keyring.add_term(&unsealed.root, now()).map_err(refused)?;
                *chain = unsealed.barrier.extend_chain(chain, &newer);
            }
            KeyringChange::RotateRoot => {
                keyring.rotate_root(&unsealed.root, &at_hand.refs()).map_err(refused)?;
            }
            KeyringChange::AddProvider(new) => {
                let new = self.new_provider(new, &mut shares)?;
                keyring.add_provider(&unsealed.root, &*new).map_err(refused)?;
                at_hand.providers.push(new);
            }
            KeyringChange::RemoveProvider(ProviderId { kind, id }) => {
                let name = ProviderName { kind: *kind, id: id.clone() };
                keyring.remove_provider(&name).map_err(refused)?;
            }
        }
        Ok(Changed { at_hand, shares })
    }

    fn new_provider(
        &self,
        new: &NewProvider,
        shares: &mut Vec<Zeroizing<String>>,
    ) -> Result<Box<dyn RootKeyProvider>, String> {
        Ok(match new {
            NewProvider::Keyfile => {
                let path = self.keys.keyfile.as_deref().ok_or("the node has no `keyfile` in [keys]")?;
                Box::new(providers::keyfile(path).map_err(|error| format!("{error:#}"))?)
            }
            NewProvider::Passphrase(passphrase) => {
                let bytes = Zeroizing::new(passphrase.expose_secret().to_vec());
                let made = Passphrase::new(Passphrase::draw_id(), bytes, PassphraseCost::default());
                Box::new(made.map_err(|error| with_causes(&error))?)
            }
            NewProvider::Shares { shares: count, threshold } => {
                let (shamir, dealt) = Shamir::deal(*threshold, *count).map_err(|error| with_causes(&error))?;
                *shares = dealt.iter().map(key_service::Share::to_text).collect();
                Box::new(shamir)
            }
            NewProvider::Pkcs11 => return Err("the node has no token in its configuration".to_owned()),
        })
    }
}

struct Changed {
    at_hand: AtHand,
    shares: Vec<Zeroizing<String>>,
}

impl KeyCustody for Custody {
    fn status(&self) -> SealStatus {
        let (providers, barrier_term) = match Keyring::load(&self.keys.keyring) {
            Ok(keyring) => (keyring.providers().map(provider_id).collect(), keyring.newest_term()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the keyring cannot be read");
                (Vec::new(), self.barrier.active_term())
            }
        };
        SealStatus { providers, barrier_term, peer_unseal: self.keys.peer_unseal }
    }

    fn prepare(
        &self,
        current: Option<&state::Keyring>,
        change: &KeyringChange,
        given: &[Given],
    ) -> Result<PreparedKeyring, String> {
        let mut keyring = self.keyring(current)?;
        let mut terms = current.map(|current| current.terms.to_vec()).unwrap_or_default();
        let Changed { at_hand, shares } = self.change(&mut keyring, change, given, &mut terms)?;
        let sealed = keyring.encode();
        // What the nodes will read, not what is in memory here: it takes the place of what they can open now.
        let read = Keyring::decode(&sealed).map_err(|error| with_causes(&error))?;
        let mut opens = false;
        for report in read.verify(&at_hand.refs()) {
            match report.outcome {
                Ok(()) => opens = true,
                Err(VerifyError::NotAtHand) => {}
                Err(error) => return Err(format!("{}: the new wrap does not open: {error}", report.name)),
            }
        }
        if !opens {
            return Err("no provider that would be left was shown to open the root key".to_owned());
        }
        let providers = read.providers().map(provider_id).collect();
        Ok(PreparedKeyring { sealed, terms, barrier_term: read.newest_term(), providers, shares })
    }

    fn verify(&self, given: &[Given]) -> Result<Vec<ProviderReport>, String> {
        let keyring = self.keyring(None)?;
        let at_hand = AtHand::with(&self.keys, &keyring, given)?;
        let report = |report: key_service::ProviderReport| {
            let failed = |error: VerifyError| match error {
                VerifyError::NotAtHand => {
                    at_hand.failures.iter().fold(error.to_string(), |all, failure| format!("{all}; {failure}"))
                }
                error => with_causes(&error),
            };
            ProviderReport { provider: provider_id(&report.name), result: report.outcome.map_err(failed) }
        };
        Ok(keyring.verify(&at_hand.refs()).into_iter().map(report).collect())
    }
}

impl consensus::Custody for Custody {
    fn keep(&self, keyring: &state::Keyring) -> io::Result<()> {
        let _one = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        keep(self.cluster, &self.keys.keyring, keyring)?;
        self.barrier.admit_chain(&keyring.terms).map_err(io::Error::other)
    }

    fn seal(&self) -> io::Result<()> {
        mark(&self.data_dir)?;
        tracing::warn!("an operator seals the node");
        self.sealing.cancel();
        Ok(())
    }

    fn gives_terms(&self) -> bool {
        self.keys.peer_unseal && !self.sealing.is_cancelled()
    }

    fn record_transfer(&self, to: NodeId, address: SocketAddr) -> io::Result<bool> {
        self.transfers.record(to, address, Moment::now())
    }
}

/// Puts a keyring that came from the cluster in the place of the node's file, durably, if it is a newer one. At a start
/// the log is applied again from the checkpoint on, so older ones come by, which must not replace what opens the rest.
pub(super) fn keep(cluster: ClusterId, path: &Path, keyring: &state::Keyring) -> io::Result<()> {
    let new = Keyring::decode(&keyring.sealed).map_err(io::Error::other)?;
    if new.cluster() != cluster {
        return Err(io::Error::other("the keyring is of another cluster"));
    }
    let old = Keyring::load(path).ok();
    let is_older = |old: &Keyring| {
        old.newest_term() > new.newest_term() || Revision::of(path, old).is_some_and(|held| held > keyring.revision)
    };
    if old.as_ref().is_some_and(|old| *old == new || is_older(old)) {
        return Ok(());
    }
    new.store(path).map_err(io::Error::other)?;
    Revision::note(path, &new, keyring.revision)?;
    tracing::info!(revision = keyring.revision, barrier_term = new.newest_term(), "the keyring has been replaced");
    Ok(())
}

/// The number of the keyring that a node's file is, beside it. It is written after the file and names its content, so
/// that it never speaks of another one.
#[derive(Serialize, Deserialize)]
struct Revision {
    revision: u64,
    /// Of the keyring.
    digest: String,
}

impl Revision {
    fn path(keyring: &Path) -> PathBuf {
        keyring.with_extension("revision")
    }

    /// The number of that keyring, if it is known.
    fn of(path: &Path, keyring: &Keyring) -> Option<u64> {
        let noted: Self = serde_json::from_slice(&std::fs::read(Self::path(path)).ok()?).ok()?;
        (noted.digest == digest(keyring)).then_some(noted.revision)
    }

    fn note(path: &Path, keyring: &Keyring, revision: u64) -> io::Result<()> {
        let note = serde_json::to_vec(&Self { revision, digest: digest(keyring) })?;
        files::replace(&Self::path(path), Access::Private, &note).map_err(io::Error::other)
    }
}

/// The checksum that ends a keyring's encoding.
fn digest(keyring: &Keyring) -> String {
    let encoded = keyring.encode();
    hex::encode(encoded.last_chunk::<32>().map_or(&[][..], <[u8; 32]>::as_slice))
}

pub(super) fn provider_id(name: &ProviderName) -> ProviderId {
    ProviderId { kind: name.kind, id: name.id.clone() }
}

/// The sort of provider, on the wire.
pub(super) const fn kind_on_the_wire(kind: ProviderKind) -> proto::cluster::v1::ProviderKind {
    use proto::cluster::v1::ProviderKind as Wire;
    match kind {
        ProviderKind::Keyfile => Wire::Keyfile,
        ProviderKind::Passphrase => Wire::Passphrase,
        ProviderKind::Shamir => Wire::Shamir,
        ProviderKind::Pkcs11 => Wire::Pkcs11,
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(u64::try_from(Moment::now().as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use key_service::Keyfile;

    use super::*;

    const CLUSTER: ClusterId = ClusterId([7; 16]);

    fn revision(revision: u64, keyring: &Keyring) -> state::Keyring {
        let (sealed, terms) = (keyring.encode().into(), Vec::<u8>::new().into());
        state::Keyring { revision, sealed, terms, at: Timestamp::from_millis(0), index: 0 }
    }

    #[test]
    fn a_keyring_that_comes_by_again_does_not_replace_a_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring");
        let keyfile = Keyfile::create(dir.path().join("keyfile")).unwrap();
        let (first, unsealed) = Keyring::create(CLUSTER, &[&keyfile], now()).unwrap();
        first.store(&path).unwrap();
        let mut term = first.clone();
        term.add_term(&unsealed.root, now()).unwrap();
        let mut root = term.clone();
        root.rotate_root(&unsealed.root, &[&keyfile]).unwrap();

        let (term, root) = (revision(1, &term), revision(2, &root));
        let kept = |keyring: &state::Keyring| {
            keep(CLUSTER, &path, keyring).unwrap();
            std::fs::read(&path).unwrap()
        };
        assert_eq!(kept(&term), *term.sealed);
        assert_eq!(kept(&root), *root.sealed);
        assert_eq!(kept(&term), *root.sealed, "one with the old root key");
        assert_eq!(kept(&revision(0, &first)), *root.sealed, "one with fewer terms");
        // A file that was put back from a copy is replaced, and one with fewer terms never comes in its place.
        std::fs::write(&path, &term.sealed).unwrap();
        assert_eq!(kept(&revision(0, &first)), *term.sealed);
        assert_eq!(kept(&root), *root.sealed);
        assert!(keep(ClusterId([8; 16]), &path, &root).is_err());
    }
}
