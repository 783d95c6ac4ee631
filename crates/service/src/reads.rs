//! Reads whose data need not be those of now: which of them a node serves, and to whom.

use std::time::Duration;

use types::consistency::CONSISTENCY_HEADER;
use types::{ApiError, Consistency, ErrorCode};

use crate::authorize::Action;
use crate::caller::Caller;

/// Which relaxed reads this node serves; none unless it is told to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelaxedReads {
    /// Whether `lease` may be asked for.
    pub lease: bool,
    /// The oldest data that `stale` may ask for; `None` when it may not.
    pub stale_max_age: Option<Duration>,
}

/// What a read was let off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relaxation {
    Lease,
    Stale { max_age: Duration },
}

impl Relaxation {
    /// What the caller must be allowed beside the operation itself.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Lease => Action::LeaseRead,
            Self::Stale { .. } => Action::StaleRead,
        }
    }
}

/// What a caller asks for.
///
/// # Errors
/// Validation for what is none.
pub(crate) fn consistency(caller: &Caller) -> Result<Consistency, ApiError> {
    let asked = caller.consistency.as_deref().map_or(Ok(Consistency::Linearizable), str::parse);
    asked.map_err(|_| {
        ApiError::validation(
            "Value at 'x-conclave-consistency' failed to satisfy constraint: Member must be one of [linearizable, \
             lease, stale, stale; max-age=SECONDS]",
        )
    })
}

impl RelaxedReads {
    /// What a read of secrets is let off, if the node serves that. A bound above the node's own counts as that one.
    ///
    /// # Errors
    /// Validation, and InvalidRequest for what is switched off.
    pub(crate) fn relaxation(&self, caller: &Caller) -> Result<Option<Relaxation>, ApiError> {
        match consistency(caller)? {
            Consistency::Linearizable => Ok(None),
            Consistency::Lease if self.lease => Ok(Some(Relaxation::Lease)),
            Consistency::Lease => Err(switched_off("lease", "lease")),
            Consistency::Stale { max_age } => {
                let most = self.stale_max_age.ok_or_else(|| switched_off("stale", "stale_max_age_ms"))?;
                Ok(Some(Relaxation::Stale { max_age: max_age.map_or(most, |asked| asked.min(most)) }))
            }
        }
    }
}

fn switched_off(kind: &str, key: &str) -> ApiError {
    let text = format!(
        "{CONSISTENCY_HEADER}: {kind} reads are switched off on this node. An operator switches them on with {key} in \
         the section [reads] of its configuration."
    );
    ApiError::new(ErrorCode::InvalidRequest, text)
}
