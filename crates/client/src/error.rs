//! How a call ends that has no answer.

use std::fmt;

use proto::WireError;
use tonic::Status;
use types::ErrorCode;

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request was refused. Trying it again as it is changes nothing.
    #[error("{0}")]
    Refused(Refusal),
    /// No endpoint served the request within the deadline or the number of attempts. Nothing was changed.
    #[error("no endpoint serves the request, and nothing was changed")]
    Unavailable(#[source] AttemptError),
    /// A write may or may not have been applied. Read what it was about, or repeat it with the ClientRequestToken that
    /// it was made with.
    #[error("the outcome of the write is unknown: it may have been applied")]
    OutcomeUnknown(#[source] AttemptError),
    /// A read had no answer in time.
    #[error("no answer within the deadline")]
    DeadlineExceeded(#[source] AttemptError),
    /// The answer lacks a part that it must have.
    #[error("the answer has no {0}")]
    Incomplete(&'static str),
}

impl Error {
    /// The code to branch on; `None` where no code says it, and for a code that this build does not know.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Unavailable(_) => Some(ErrorCode::ServiceUnavailable),
            Self::OutcomeUnknown(_) => Some(ErrorCode::OutcomeUnknown),
            Self::DeadlineExceeded(_) | Self::Incomplete(_) => None,
        }
    }

    /// The id of the request that was refused, or of the last attempt that a node has answered.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.request_id.as_deref(),
            Self::Unavailable(last) | Self::OutcomeUnknown(last) | Self::DeadlineExceeded(last) => last.request_id(),
            Self::Incomplete(_) => None,
        }
    }

    /// Whether a write may have been applied although it has no answer.
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_))
    }
}

/// What was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code; `None` for one that this build does not know, or when the refusal is not the cluster's.
    pub code: Option<ErrorCode>,
    /// The AWS code as it came, or the name of the gRPC status without one.
    pub reason: String,
    /// What people read.
    pub message: String,
    /// The id under which the cluster has recorded the request.
    pub request_id: Option<String>,
}

impl Refusal {
    pub(crate) fn of_cluster(error: WireError) -> Self {
        let WireError { code, reason, message, request_id } = error;
        Self { code, reason, message, request_id: Some(request_id).filter(|id| !id.is_empty()) }
    }

    /// Of something between here and the cluster.
    pub(crate) fn of_other(status: &Status) -> Self {
        Self {
            code: None,
            reason: format!("{:?}", status.code()),
            message: status.message().to_owned(),
            request_id: None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Why one attempt at one endpoint has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: {why}")]
pub struct AttemptError {
    /// `host:port` of the endpoint.
    pub endpoint: String,
    /// What happened there.
    pub why: Why,
}

impl AttemptError {
    /// The id under which the node has recorded the attempt.
    pub fn request_id(&self) -> Option<&str> {
        match &self.why {
            Why::Answer(refusal) => refusal.request_id.as_deref(),
            Why::Connection(_) | Why::NoAnswer => None,
        }
    }
}

/// What happened at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The node answered with this.
    Answer(Refusal),
    /// There was no connection, or it was lost.
    Connection(String),
    /// It took too long.
    NoAnswer,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(refusal) => write!(f, "{refusal}"),
            Self::Connection(what) => f.write_str(what),
            Self::NoAnswer => f.write_str("no answer in time"),
        }
    }
}
