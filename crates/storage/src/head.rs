//! What a state is the state of.

use std::fmt;

use crate::log::LogId;

/// The point of the log that a checkpoint or a snapshot shows, and the membership at that point.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    /// The last log entry that is in the state.
    pub last: LogId,
    /// The entry that brought the membership; absent for the one that a cluster starts with.
    pub membership_log_id: Option<LogId>,
    /// The membership as consensus encodes it.
    pub membership: Vec<u8>,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("last", &self.last)
            .field("membership_log_id", &self.membership_log_id)
            .field("membership", &format_args!("{} bytes", self.membership.len()))
            .finish()
    }
}
