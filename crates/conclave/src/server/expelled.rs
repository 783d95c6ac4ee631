//! What a node answers that does not belong to its cluster any more.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use consensus::Expelled;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use types::{ApiError, ErrorCode};
use uuid::Uuid;

const AWS_JSON: &str = "application/x-amz-json-1.1";

/// Refuses a request in the protocol that it came in. Nothing was done, so clients go to another node.
pub(super) fn refuse(why: Expelled, is_grpc: bool) -> Response {
    refused(&ApiError::new(ErrorCode::ServiceUnavailable, why.to_string()), is_grpc)
}

/// The answer to a request that no front has taken.
pub(super) fn refused(error: &ApiError, is_grpc: bool) -> Response {
    let request_id = Uuid::new_v4().to_string();
    if is_grpc {
        return proto::to_wire_error(error, &request_id).into_http::<Body>();
    }
    let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let json = serde_json::json!({ "__type": error.code.aws_name(), "message": &*error.message });
    (status, [(CONTENT_TYPE.as_str(), AWS_JSON), ("x-amzn-requestid", &*request_id)], json.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_front_is_told_that_nothing_was_done() {
        let grpc = refuse(Expelled::Removed, true);
        let status = tonic::Status::from_header_map(grpc.headers()).unwrap();
        assert_eq!(proto::from_wire_error(&status).unwrap().code, Some(ErrorCode::ServiceUnavailable));
        assert!(status.message().contains("was removed from the cluster"));
        let aws = refuse(Expelled::OtherData, false);
        assert_eq!(aws.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(aws.headers()[CONTENT_TYPE], AWS_JSON);
    }
}
