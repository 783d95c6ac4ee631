//! What an answer over gRPC says about the fate of a request.

use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A definite no: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The AWS code, such as `ResourceNotFoundException`.
    pub code: String,
    /// The gRPC status.
    pub status: Code,
    /// What people read.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// What is known of a write that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not applied and never will be.
    Refused(Refusal),
    /// It may be applied, now or later: the server said so, or said nothing.
    Unknown(String),
}

/// Judges an error. Only an answer that Conclave itself gave, with its details, is a refusal; a connection that
/// broke and a server fault leave the fate open.
pub fn judge(status: &Status) -> Fate {
    match refusal(status) {
        Some(refusal) if !matches!(refusal.status, Code::Unknown | Code::Internal) => Fate::Refused(refusal),
        _ => Fate::Unknown(format!("{:?}: {}", status.code(), status.message())),
    }
}

/// Whether the server itself answered that the outcome is unknown.
pub fn said_unknown(status: &Status) -> bool {
    refusal(status).is_some_and(|refusal| refusal.status == Code::Unknown)
}

/// Conclave's own answer, if the error is one.
pub fn refusal(status: &Status) -> Option<Refusal> {
    let info = status.get_details_error_info().filter(|info| info.domain == proto::ERROR_DOMAIN)?;
    Some(Refusal { code: info.reason, status: status.code(), message: status.message().to_owned() })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn ours(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, proto::ERROR_DOMAIN, HashMap::new());
        Status::with_error_details(code, "text", details)
    }

    #[test]
    fn only_the_servers_own_word_is_a_refusal() {
        let refused = judge(&ours(Code::NotFound, "ResourceNotFoundException"));
        assert!(matches!(refused, Fate::Refused(r) if r.code == "ResourceNotFoundException" && r.message == "text"));
        assert!(matches!(judge(&ours(Code::Unavailable, "ServiceUnavailable")), Fate::Refused(_)));
        assert!(matches!(judge(&ours(Code::Unknown, "InternalServiceError")), Fate::Unknown(_)));
        assert!(matches!(judge(&ours(Code::Internal, "InternalServiceError")), Fate::Unknown(_)));
        assert!(matches!(judge(&Status::unavailable("connection reset")), Fate::Unknown(_)));
        assert!(matches!(judge(&Status::not_found("by some proxy")), Fate::Unknown(_)));
        assert!(said_unknown(&ours(Code::Unknown, "InternalServiceError")) && !said_unknown(&Status::unknown("h2")));
    }
}
