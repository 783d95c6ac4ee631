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
use service::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicateSecretToRegionsInput, StopReplicationToReplicaInput,
};
use service::api::{
    BatchGetSecretValueInput, CreateSecretInput, DeleteSecretInput, DescribeSecretInput, GetRandomPasswordInput,
    GetSecretValueInput, ListSecretVersionIdsInput, ListSecretsInput, PutSecretValueInput, RestoreSecretInput,
    TagResourceInput, UntagResourceInput, UpdateSecretInput, UpdateSecretVersionStageInput,
};
use service::api::{CancelRotateSecretInput, RotateSecretInput};
use service::api::{
    DeleteResourcePolicyInput, GetResourcePolicyInput, ListResourcePoliciesInput, PutResourcePolicyInput,
    ValidateResourcePolicyInput,
};
use service::{Answer, Caller, Credential, Service, UseCases};
use types::ApiError;
use types::consistency::CONSISTENCY_HEADER;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::body;
use crate::json::{self, Body, Shape};
use crate::operation::{Operation, SERVICE};
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
struct Front<A> {
    api: A,
    keys: Arc<SigningKeys>,
}

async fn handle<A: UseCases>(State(front): State<Front<A>>, request: Request) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let result = front.answer(request, &request_id).await;
    if let Err(error) = &result {
        tracing::debug!(request_id, code = error.code.aws_name(), "request refused");
    }
    respond(result, &request_id)
}

impl<A: UseCases> Front<A> {
    async fn answer(&self, request: Request, request_id: &str) -> Result<Answer<Bytes>, ApiError> {
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
            consistency: consistency(&head.headers),
            credential: Credential::Signature(Box::new(signed)),
            request_id: request_id.to_owned(),
            peer,
            // A slow client spends its own time on its body, not the time of the service.
            arrived: Instant::now(),
        };
        self.dispatch(operation, &caller, body).await
    }

    async fn dispatch(
        &self,
        operation: Operation,
        caller: &Caller,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<Answer<Bytes>, ApiError> {
        match operation {
            Operation::CreateSecret => self.run::<CreateSecretInput>(caller, body).await,
            Operation::GetSecretValue => self.run::<GetSecretValueInput>(caller, body).await,
            Operation::BatchGetSecretValue => self.run::<BatchGetSecretValueInput>(caller, body).await,
            Operation::PutSecretValue => self.run::<PutSecretValueInput>(caller, body).await,
            Operation::DescribeSecret => self.run::<DescribeSecretInput>(caller, body).await,
            Operation::ListSecrets => self.run::<ListSecretsInput>(caller, body).await,
            Operation::DeleteSecret => self.run::<DeleteSecretInput>(caller, body).await,
            Operation::UpdateSecret => self.run::<UpdateSecretInput>(caller, body).await,
            Operation::UpdateSecretVersionStage => self.run::<UpdateSecretVersionStageInput>(caller, body).await,
            Operation::ListSecretVersionIds => self.run::<ListSecretVersionIdsInput>(caller, body).await,
            Operation::RestoreSecret => self.run::<RestoreSecretInput>(caller, body).await,
            Operation::TagResource => self.run::<TagResourceInput>(caller, body).await,
            Operation::UntagResource => self.run::<UntagResourceInput>(caller, body).await,
            Operation::GetRandomPassword => self.run::<GetRandomPasswordInput>(caller, body).await,
            Operation::PutResourcePolicy => self.run::<PutResourcePolicyInput>(caller, body).await,
            Operation::GetResourcePolicy => self.run::<GetResourcePolicyInput>(caller, body).await,
            Operation::DeleteResourcePolicy => self.run::<DeleteResourcePolicyInput>(caller, body).await,
            Operation::ValidateResourcePolicy => self.run::<ValidateResourcePolicyInput>(caller, body).await,
            Operation::ListResourcePolicies => self.run::<ListResourcePoliciesInput>(caller, body).await,
            Operation::RotateSecret => self.run::<RotateSecretInput>(caller, body).await,
            Operation::CancelRotateSecret => self.run::<CancelRotateSecretInput>(caller, body).await,
            Operation::ReplicateSecretToRegions => self.run::<ReplicateSecretToRegionsInput>(caller, body).await,
            Operation::RemoveRegionsFromReplication => {
                self.run::<RemoveRegionsFromReplicationInput>(caller, body).await
            }
            Operation::StopReplicationToReplica => self.run::<StopReplicationToReplicaInput>(caller, body).await,
            Operation::AssociateCrossAccountReplica => {
                self.run::<AssociateCrossAccountReplicaInput>(caller, body).await
            }
            Operation::DisassociateCrossAccountReplica => {
                self.run::<DisassociateCrossAccountReplicaInput>(caller, body).await
            }
        }
    }

    async fn run<I>(&self, caller: &Caller, body: Zeroizing<Vec<u8>>) -> Result<Answer<Bytes>, ApiError>
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
