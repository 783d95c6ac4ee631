//! Errors of the API as gRPC statuses: the code of the one table, and a `google.rpc.ErrorInfo` that names the AWS code.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::{ApiError, ErrorCode, limits};

use crate::ERROR_DOMAIN;

const REQUEST_ID: &str = "request_id";
/// Tells a write that may have been applied from one that failed; both have the same AWS code.
const OUTCOME: &str = "outcome";
const UNKNOWN: &str = "unknown";

/// An error of the API as it was found in a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// The code; `None` for one that this build does not know.
    pub code: Option<ErrorCode>,
    /// The AWS code as it came.
    pub reason: String,
    /// What people read.
    pub message: String,
    /// The request that was refused.
    pub request_id: String,
}

/// Writes an error of the API as a status. Its message is cut to [`limits::GRPC_MESSAGE_BYTES`], since clients refuse
/// trailers that are too long.
pub fn to_wire_error(error: &ApiError, request_id: &str) -> Status {
    let mut metadata = HashMap::from([(REQUEST_ID.to_owned(), request_id.to_owned())]);
    if error.code == ErrorCode::OutcomeUnknown {
        metadata.insert(OUTCOME.to_owned(), UNKNOWN.to_owned());
    }
    let details = ErrorDetails::with_error_info(error.code.aws_name(), ERROR_DOMAIN, metadata);
    Status::with_error_details(Code::from_i32(error.code.grpc_status() as i32), cut(&error.message), details)
}

/// Reads the error of the API in a status; `None` if it carries none, as a status that a proxy or this side's own
/// transport has made.
pub fn from_wire_error(status: &Status) -> Option<WireError> {
    let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN)?;
    let unknown = info.metadata.get(OUTCOME).is_some_and(|outcome| outcome == UNKNOWN);
    let named = |code: &&ErrorCode| code.aws_name() == info.reason && (**code == ErrorCode::OutcomeUnknown) == unknown;
    Some(WireError {
        code: ErrorCode::ALL.iter().find(named).copied(),
        message: status.message().to_owned(),
        request_id: info.metadata.get(REQUEST_ID).cloned().unwrap_or_default(),
        reason: info.reason,
    })
}

fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(limits::GRPC_MESSAGE_BYTES)]
}

#[cfg(test)]
mod tests {
    use types::GrpcStatus;

    use super::*;

    #[test]
    fn every_code_survives_the_wire_with_the_status_of_the_table() {
        for &code in ErrorCode::ALL {
            let status = to_wire_error(&ApiError::new(code, "what was wrong"), "r-1");
            assert_eq!(status.code() as i32, code.grpc_status() as i32, "{code:?}");
            let read = from_wire_error(&status).unwrap();
            let expected = WireError {
                code: Some(code),
                reason: code.aws_name().to_owned(),
                message: "what was wrong".to_owned(),
                request_id: "r-1".to_owned(),
            };
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn the_table_is_the_documented_one() {
        for (code, status) in [
            (ErrorCode::ResourceNotFound, Code::NotFound),
            (ErrorCode::ResourceExists, Code::AlreadyExists),
            (ErrorCode::InvalidParameter, Code::InvalidArgument),
            (ErrorCode::InvalidRequest, Code::FailedPrecondition),
            (ErrorCode::LimitExceeded, Code::ResourceExhausted),
            (ErrorCode::DecryptionFailure, Code::FailedPrecondition),
            (ErrorCode::InternalService, Code::Internal),
            (ErrorCode::OutcomeUnknown, Code::Unknown),
            (ErrorCode::ServiceUnavailable, Code::Unavailable),
            (ErrorCode::Validation, Code::InvalidArgument),
            (ErrorCode::AccessDenied, Code::PermissionDenied),
            (ErrorCode::MissingAuthenticationToken, Code::Unauthenticated),
            (ErrorCode::UnknownOperation, Code::Unimplemented),
        ] {
            assert_eq!(to_wire_error(&code.into(), "").code(), status, "{code:?}");
        }
        assert_eq!(GrpcStatus::Unknown as i32, Code::Unknown as i32);
    }

    #[test]
    fn a_code_of_a_newer_server_keeps_its_name() {
        let details = ErrorDetails::with_error_info("NewException", ERROR_DOMAIN, HashMap::new());
        let read = from_wire_error(&Status::with_error_details(Code::Aborted, "new", details)).unwrap();
        assert_eq!((read.code, read.reason.as_str()), (None, "NewException"));
    }

    #[test]
    fn statuses_of_others_are_not_ours() {
        assert_eq!(from_wire_error(&Status::unavailable("no route")), None);
        let details = ErrorDetails::with_error_info("ServiceUnavailable", "proxy.example", HashMap::new());
        assert_eq!(from_wire_error(&Status::with_error_details(Code::Unavailable, "", details)), None);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = ApiError::new(ErrorCode::Validation, "ä€".repeat(limits::GRPC_MESSAGE_BYTES));
        let status = to_wire_error(&error, "r-1");
        assert!(status.message().len() > limits::GRPC_MESSAGE_BYTES - 4);
        assert!(status.message().len() <= limits::GRPC_MESSAGE_BYTES);
        assert!(error.message.starts_with(status.message()));
    }
}
