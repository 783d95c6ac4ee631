//! What a command came to, the same on every node.

use types::{ApiError, KeyId, SecretArn, SecretName, StagingLabel, Timestamp, VersionId};

use crate::keys::{GrantId, KeyRefusal};
use crate::replication::RegionStatus;

/// The result that is remembered under the proposal id.
pub type Outcome = Result<Applied, Refusal>;

/// A command that was carried out (or had been before, by the same token).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The cluster has its root principal and keys.
    Bootstrapped,
    /// A secret was created or changed.
    Written {
        /// Of the secret that the caller now has: the existing one where a token was used again.
        arn: SecretArn,
        /// The secret's name.
        name: SecretName,
        /// The version of the value that the command carried; absent where it carried none.
        version: Option<VersionId>,
        /// The labels that are on that version now, in the order AWSCURRENT, AWSPENDING, AWSPREVIOUS, others by text.
        stages: Vec<StagingLabel>,
    },
    /// A secret's replication changed, or a secret that has one was created.
    Replicated {
        /// The primary's ARN.
        arn: SecretArn,
        /// Its name.
        name: SecretName,
        /// As in [`Self::Written`].
        version: Option<VersionId>,
        /// All regions that it is replicated to now.
        regions: Vec<RegionStatus>,
    },
    /// A secret was scheduled for deletion or deleted.
    Deleted {
        /// The secret's ARN.
        arn: SecretArn,
        /// The secret's name.
        name: SecretName,
        /// The end of the window; now for a forced delete.
        deletion_date: Timestamp,
    },
    /// What was read is dated.
    Touched,
    /// Those secrets whose windows have ended are gone.
    Purged,
    /// What was reported of a node's data directory is known.
    BootNoted,
    /// A key, or an alias of it, was made, changed, or was that way already.
    KeyChanged {
        /// The key.
        key: KeyId,
    },
    /// A key was scheduled for deletion.
    KeyDeletionScheduled {
        /// The key.
        key: KeyId,
        /// The end of the window.
        deletion_date: Timestamp,
    },
    /// A key has new material.
    KeyRotated {
        /// The key.
        key: KeyId,
        /// The number of the material.
        material: u32,
    },
    /// A grant was made, or one that says the same under a name was there.
    Granted {
        /// The key.
        key: KeyId,
        /// The grant that the caller now has.
        grant: GrantId,
    },
    /// Versions have new wraps of their data keys.
    Rewrapped {
        /// How many.
        count: u64,
    },
    /// The nodes are to have another keyring.
    KeyringSet {
        /// Its revision.
        revision: u64,
    },
}

/// A command that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What the proposer decided on has changed since `decided_at`: decide again.
    Conflict,
    /// The decision is older than the memory of proposal results, so it is not known whether an earlier
    /// attempt was applied. A first attempt is decided again; a retry is answered as unknown.
    Forgotten,
    /// The caller's error.
    Api(ApiError),
    /// The caller's error, to be put into the words of the operation: of the key's own, or of a secret's.
    Key(KeyRefusal),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<KeyRefusal> for Refusal {
    fn from(refusal: KeyRefusal) -> Self {
        Self::Key(refusal)
    }
}
