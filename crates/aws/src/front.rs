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
use net::ConnectionInfo;
use service::{Caller, Credential, Service};
use types::ApiError;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::body;
use crate::json::{self, Shape};
use crate::operation::{Operation, SERVICE};
use crate::respond::respond;
use crate::secrets_api::SecretsApi;
use crate::sigv4::{Expected, Received, SignedRequest, SigningKeys};

/// The AWS front over `service`. It answers on every path and to every method, in AWS JSON.
pub fn router(service: Service) -> Router {
    routes(service)
}

fn routes<A: SecretsApi>(api: A) -> Router {
    Router::new().fallback(handle::<A>).with_state(Front { api, keys: Arc::new(SigningKeys::new()) })
}

#[derive(Clone)]
struct Front<A> {
    api: A,
    keys: Arc<SigningKeys>,
}

async fn handle<A: SecretsApi>(State(front): State<Front<A>>, request: Request) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let result = front.answer(request, &request_id).await;
    if let Err(error) = &result {
        tracing::debug!(request_id, code = error.code.aws_name(), "request refused");
    }
    respond(result, &request_id)
}

impl<A: SecretsApi> Front<A> {
    async fn answer(&self, request: Request, request_id: &str) -> Result<Bytes, ApiError> {
        let (head, body) = request.into_parts();
        let held = self.api.intake().begin(body.size_hint().lower())?;
        let body = body::read(body, &held).await?;
        let operation = Operation::of(&head)?;
        let peer = head.extensions.get::<ConnectionInfo>().map(|connection| connection.peer_addr.ip());
        let expected = Expected { service: SERVICE, regions: self.api.regions(), now: self.api.now() };
        let signed = SignedRequest::parse(&Received::new(&head, &body), &expected, &self.keys)
            .map_err(|error| self.api.nameless(peer, error))?;
        let caller = Caller {
            region: signed.region().clone(),
            credential: Credential::Signature(Box::new(signed)),
            request_id: request_id.to_owned(),
            peer,
            // A slow client spends its own time on its body, not the time of the service.
            arrived: Instant::now(),
        };
        self.run(operation, &caller, body).await
    }

    async fn run(&self, operation: Operation, caller: &Caller, body: Zeroizing<Vec<u8>>) -> Result<Bytes, ApiError> {
        match operation {
            Operation::CreateSecret => {
                let input = self.decoded(operation, caller, body).await?;
                json::create_secret(&self.api.create_secret(caller, input).await?.output)
            }
            Operation::GetSecretValue => {
                let input = self.decoded(operation, caller, body).await?;
                json::get_secret_value(&self.api.get_secret_value(caller, input).await?.output)
            }
            Operation::PutSecretValue => {
                let input = self.decoded(operation, caller, body).await?;
                json::put_secret_value(&self.api.put_secret_value(caller, input).await?.output)
            }
            Operation::DescribeSecret => {
                let input = self.decoded(operation, caller, body).await?;
                json::describe_secret(&self.api.describe_secret(caller, input).await?.output)
            }
            Operation::ListSecrets => {
                let input = self.decoded(operation, caller, body).await?;
                json::list_secrets(&self.api.list_secrets(caller, input).await?.output)
            }
            Operation::DeleteSecret => {
                let input = self.decoded(operation, caller, body).await?;
                json::delete_secret(&self.api.delete_secret(caller, input).await?.output)
            }
            Operation::UpdateSecret => {
                let input = self.decoded(operation, caller, body).await?;
                json::update_secret(&self.api.update_secret(caller, input).await?.output)
            }
            Operation::UpdateSecretVersionStage => {
                let input = self.decoded(operation, caller, body).await?;
                json::secret(&self.api.update_secret_version_stage(caller, input).await?.output)
            }
            Operation::ListSecretVersionIds => {
                let input = self.decoded(operation, caller, body).await?;
                json::list_secret_version_ids(&self.api.list_secret_version_ids(caller, input).await?.output)
            }
            Operation::RestoreSecret => {
                let input = self.decoded(operation, caller, body).await?;
                json::secret(&self.api.restore_secret(caller, input).await?.output)
            }
            Operation::TagResource => {
                let input = self.decoded(operation, caller, body).await?;
                self.api.tag_resource(caller, input).await.map(|_| json::nothing())
            }
            Operation::UntagResource => {
                let input = self.decoded(operation, caller, body).await?;
                self.api.untag_resource(caller, input).await.map(|_| json::nothing())
            }
            Operation::GetRandomPassword => {
                let input = self.decoded(operation, caller, body).await?;
                json::get_random_password(&self.api.get_random_password(caller, input).await?.output)
            }
        }
    }

    async fn decoded<I: Shape<Value = I> + Send>(
        &self,
        operation: Operation,
        caller: &Caller,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<I, ApiError> {
        match json::decode::<I>(&body) {
            Ok(input) => Ok(input),
            Err(error) => self.api.refuse(operation.action(), caller, error).await,
        }
    }
}

#[cfg(test)]
mod tests;
