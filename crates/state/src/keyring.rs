//! The keyring as the members of the cluster hand it on: bytes that only those with the root key, or with the newest of
//! the terms before, can open. The nodes write it to files of their own; here it is kept for those that were away.

use std::fmt;
use std::sync::Arc;

use types::{Timestamp, limits};

use crate::keys::KeyRefusal;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::record::{Record, RecordKey, RecordKind};
use crate::state::State;

/// The keyring that all nodes are to have.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyring {
    /// 1 for the first one that came through the log, and one more for each that follows.
    pub revision: u64,
    /// The terms under the root key, and the wraps of the root key.
    pub sealed: Arc<[u8]>,
    /// The same terms under the newest term of the keyring before, for nodes that have no root key; may be empty.
    pub terms: Arc<[u8]>,
    /// When it came, in log time.
    pub at: Timestamp,
    /// The log index of the command.
    pub index: u64,
}

/// A keyring in the place of the one that the nodes have.
#[derive(Clone, PartialEq, Eq)]
pub struct SetKeyring {
    /// One more than that of the keyring in the state, 1 where there is none; otherwise it means Conflict.
    pub revision: u64,
    /// See [`Keyring::sealed`].
    pub sealed: Arc<[u8]>,
    /// See [`Keyring::terms`].
    pub terms: Arc<[u8]>,
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(Keyring, SetKeyring);

impl State {
    /// The keyring that came last; `None` while that of the operator's start is in use.
    pub const fn keyring(&self) -> Option<&Arc<Keyring>> {
        self.keyring.as_ref()
    }

    pub(crate) fn set_keyring(&mut self, index: u64, command: SetKeyring) -> Outcome {
        let SetKeyring { revision, sealed, terms } = command;
        let before = self.keyring.as_ref().map_or(0, |keyring| keyring.revision);
        if before.checked_add(1) != Some(revision) || self.cluster.is_none() {
            return Err(Refusal::Conflict);
        }
        if sealed.len() + terms.len() > limits::KEYRING_BYTES {
            return Err(KeyRefusal::KeyringTooLong.into());
        }
        self.keyring = Some(Arc::new(Keyring { revision, sealed, terms, at: self.time, index }));
        Ok(Applied::KeyringSet { revision })
    }
}

impl Record {
    pub(crate) fn keyring(keyring: &Arc<Keyring>) -> (RecordKey, Self) {
        (RecordKey::single(RecordKind::Keyring), Self::Keyring(keyring.clone()))
    }
}
