//! What every request passes, whatever its method: it gets an id, its body gets bounds, and a status that tonic has
//! made by itself gets the details that all the others have.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use proto::tonic::{Code, Status};
use proto::{REQUEST_ID_METADATA, to_wire_error};
use types::{ApiError, ErrorCode};

use crate::body::{self, BoundedBody};
use crate::call::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_METADATA);

pub(crate) async fn guard(mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let request = request.map(|body| Body::new(BoundedBody::new(body, id.clone())));
    let mut response = next.run(request).await;
    if let Some(status) = Status::from_header_map(response.headers())
        && status.code() != Code::Ok
    {
        tracing::debug!(request_id = id.as_str(), status = ?status.code(), "request refused");
        if status.details().is_empty() {
            response = to_wire_error(&explained(&status), id.as_str()).into_http();
        }
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The error of the API that a status of tonic's own stands for: it made it of the method or of the message's frame.
fn explained(status: &Status) -> ApiError {
    match status.code() {
        Code::Unimplemented => ApiError::new(ErrorCode::UnknownOperation, "The method is not one of this service."),
        Code::OutOfRange => body::too_large(),
        _ => ApiError::new(ErrorCode::Serialization, "The request message cannot be read."),
    }
}
