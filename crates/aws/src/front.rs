//! One request: read, check, decode, ask the service, answer.
//!
//! Which error comes first: no room on the node; a body over the bound or too late; a request that names no operation of ours; all that
//! is wrong with the signature and needs no secret. Then the service decides. A body that cannot be decoded is told
//! so only after the service has confirmed the sender, so that a tampered request is a bad signature and never a
//! hint, as on AWS.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use net::ConnectionInfo;
use service::{Answer, Caller, Credential, Service, UseCases};
use types::ApiError;
use types::consistency::CONSISTENCY_HEADER;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::aws_service::AwsService;
use crate::body;
use crate::json::{self, Body, Shape};
use crate::operation::Operation;
use crate::respond::respond;
use crate::sigv4::{Expected, Received, SignedRequest, SigningKeys};

/// The AWS front over `service`. It answers on every path and to every method, in AWS JSON.
pub fn router(service: Service) -> Router {
    routes(service)
}

fn routes<A: UseCases>(api: A) -> Router {
    Router::new().fallback(handle::<A>).with_state(Front { api, keys: Arc::new(SigningKeys::new()) })
}

#[derive(Clone)]
pub(crate) struct Front<A> {
    api: A,
    keys: Arc<SigningKeys>,
}

async fn handle<A: UseCases>(State(front): State<Front<A>>, request: Request) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let operation = Operation::of(request.method(), request.uri(), request.headers());
    let service = operation.as_ref().map_or(AwsService::SecretsManager, |operation| operation.service());
    let result = front.answer(operation, request, &request_id).await;
    if let Err(error) = &result {
        tracing::debug!(request_id, code = error.code.aws_name(), "request refused");
    }
    respond(service, result, &request_id)
}

impl<A: UseCases> Front<A> {
    async fn answer(
        &self,
        operation: Result<Operation, ApiError>,
        request: Request,
        request_id: &str,
    ) -> Result<Answer<Bytes>, ApiError> {
        let (head, body) = request.into_parts();
        let held = self.api.intake().begin(body.size_hint().lower())?;
        let body = body::read(body, &held).await?;
        let operation = operation?;
        let peer = head.extensions.get::<ConnectionInfo>().map(|connection| connection.peer_addr.ip());
        let service = operation.service().signing_name();
        let expected = Expected { service, regions: self.api.regions(), now: self.api.now() };
        let signed = SignedRequest::parse(&Received::new(&head, &body), &expected, &self.keys)
            .map_err(|error| self.api.nameless(peer, error))?;
        let caller = Caller {
            region: signed.region().clone(),
            consistency: consistency(&head.headers),
            credential: Credential::Signature(Box::new(signed)),
            request_id: request_id.to_owned(),
            peer,
            // A slow client spends its own time on its body, not the time of the service.
            arrived: Instant::now(),
        };
        operation.run(self, &caller, body).await
    }

    pub(crate) async fn run<I>(&self, caller: &Caller, body: Zeroizing<Vec<u8>>) -> Result<Answer<Bytes>, ApiError>
    where
        I: Shape<Value = I> + service::Operation<Output: Body>,
    {
        let input = match json::decode::<I>(&body) {
            Ok(input) => input,
            Err(error) => return self.api.refuse(I::ACTION, caller, error).await,
        };
        drop(body);
        let Answer { output, applied_index, age } = self.api.call(caller, input).await?;
        Ok(Answer { output: output.body()?, applied_index, age })
    }
}

/// What the request asks for, in one text however often it asks. What that means is for the service to say.
fn consistency(headers: &HeaderMap) -> Option<String> {
    let asked = headers.get_all(CONSISTENCY_HEADER).iter();
    let texts = asked.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    texts.reduce(|all, one| all + "," + &one)
}

#[cfg(test)]
mod tests;
