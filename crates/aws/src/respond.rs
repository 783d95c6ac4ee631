//! Responses: the headers that every one has, and the bodies of errors.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use service::Answer;
use types::consistency::{AGE_HEADER, APPLIED_INDEX_HEADER};
use types::{ApiError, ErrorCode};

use crate::aws_service::AwsService;
use crate::operation::MEDIA_TYPE;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const APPLIED_INDEX: HeaderName = HeaderName::from_static(APPLIED_INDEX_HEADER);
const AGE: HeaderName = HeaderName::from_static(AGE_HEADER);
/// Tells a write that may have been applied from one that failed; both are InternalServiceError to AWS clients.
const OUTCOME: HeaderName = HeaderName::from_static("x-conclave-outcome");

/// The message is spelled with a capital or without, as the service does.
#[derive(Serialize)]
struct ErrorJson<'a> {
    #[serde(rename = "__type")]
    code: &'static str,
    #[serde(rename = "Message", skip_serializing_if = "Option::is_none")]
    modelled: Option<&'a str>,
    #[serde(rename = "message", skip_serializing_if = "Option::is_none")]
    other: Option<&'a str>,
}

/// The response of `service` to a request; of Secrets Manager where the request names none. Its `Date` is set by the HTTP server.
pub(crate) fn respond(service: AwsService, result: Result<Answer<Bytes>, ApiError>, request_id: &str) -> Response {
    let mut response = match result {
        Ok(answer) => answered(answer),
        Err(error) => refusal(service, &error),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

/// The body, and of which state it is.
fn answered(answer: Answer<Bytes>) -> Response {
    let mut response = Response::new(Body::from(answer.output));
    let headers = response.headers_mut();
    headers.insert(APPLIED_INDEX, answer.applied_index.into());
    if let Some(age) = answer.age {
        headers.insert(AGE, u64::try_from(age.as_millis()).unwrap_or(u64::MAX).into());
    }
    response
}

fn refusal(service: AwsService, error: &ApiError) -> Response {
    let message = Some(&*error.message).filter(|message| !message.is_empty());
    let modelled = service.spells_message_with_capital(error.code);
    let code = service.error_name(error.code);
    let json = ErrorJson { code, modelled: message.filter(|_| modelled), other: message.filter(|_| !modelled) };
    let mut response = Response::new(Body::from(serde_json::to_vec(&json).unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(code));
    if error.code == ErrorCode::OutcomeUnknown {
        response.headers_mut().insert(OUTCOME, HeaderValue::from_static("unknown"));
    }
    response
}
