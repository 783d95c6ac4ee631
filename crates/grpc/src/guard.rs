//! What every request passes, whatever its method: it gets an id, it must come with a certificate, its body gets
//! bounds, and a status that tonic has made by itself gets the details that all the others have.

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use net::ConnectionInfo;
use proto::tonic::{Code, Status};
use proto::{REQUEST_ID_METADATA, to_wire_error};
use service::{Held, UseCases};
use types::{ApiError, ErrorCode};

use crate::body::{self, BoundedBody};
use crate::call::RequestId;

const NO_CERTIFICATE: &str = "The gRPC API needs a client certificate, and the connection has none.";
const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_METADATA);

pub(crate) async fn guard<U: UseCases>(State(use_cases): State<U>, mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let mut response = match admit(&use_cases, &request) {
        // Held until the answer: what the body becomes is as large.
        Ok(held) => {
            let request = request.map(|body| Body::new(BoundedBody::new(body, id.clone(), held.clone())));
            let response = next.run(request).await;
            drop(held);
            response
        }
        Err(error) => to_wire_error(&error, id.as_str()).into_http(),
    };
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

/// Whether the node has room for the request, and the request a certificate.
fn admit<U: UseCases>(use_cases: &U, request: &Request) -> Result<Held, ApiError> {
    let connection = request.extensions().get::<ConnectionInfo>();
    if connection.is_none_or(|connection| connection.client_identity.is_none()) {
        let error = ApiError::new(ErrorCode::MissingAuthenticationToken, NO_CERTIFICATE);
        return Err(use_cases.nameless(connection.map(|connection| connection.peer_addr.ip()), error));
    }
    use_cases.intake().begin(request.body().size_hint().lower())
}

/// The error of the API that a status of tonic's own stands for: it made it of the method or of the message's frame.
fn explained(status: &Status) -> ApiError {
    match status.code() {
        Code::Unimplemented => ApiError::new(ErrorCode::UnknownOperation, "The method is not one of this service."),
        Code::OutOfRange => body::too_large(),
        _ => ApiError::new(ErrorCode::Serialization, "The request message cannot be read."),
    }
}
