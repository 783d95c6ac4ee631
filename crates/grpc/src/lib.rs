//! The gRPC front: `conclave.secrets.v1.Secrets`, `conclave.keys.v1.Keys` and `conclave.cluster.v1.Cluster`, for clients
//! with a certificate.
//!
//! It knows protocol and decides nothing. A message is decoded to an input of [`service::api`], the caller is the one
//! that the client certificate names, and what the caller may do is for [`service`] to say. Every error that leaves
//! here, tonic's own too, is a status with a `google.rpc.ErrorInfo`; the table of errors is in [`types::error`].
//!
//! ```text
//! router -> guard     request id; a certificate; bounds of the body; no status without details
//!           |- secrets, keys, cluster    the services
//!           |    `- call           who calls, in which region
//!           `- decode, encode      messages to inputs, outputs to messages
//! ```
//!
//! Not here: TLS and the certificate's verification (`net`), the generated code and the shape of errors (`proto`).

mod administration;
mod body;
mod call;
mod cluster;
mod decode;
mod encode;
mod front;
mod guard;
mod keys;
mod replication;
mod resource_policies;
mod rotation;
mod seal;
mod secrets;
#[cfg(test)]
mod tests;

use axum::{Router, middleware};
use proto::cluster::v1::cluster_server::ClusterServer;
use proto::cluster::v1::seal_server::SealServer;
use proto::keys::v1::keys_server::KeysServer;
use proto::secrets::v1::secrets_server::SecretsServer;
use proto::tonic::service::Routes;
use service::Service;
use types::limits;

use crate::administration::Administration;
use crate::front::Front;

/// The gRPC front over `service`. It answers on every path, so that an unknown method is told so in gRPC.
pub fn router(service: Service) -> Router {
    routes(service)
}

fn routes<U: Administration>(use_cases: U) -> Router {
    let guard = middleware::from_fn_with_state(use_cases.clone(), guard::guard::<U>);
    let secrets = SecretsServer::new(Front(use_cases.clone()));
    let keys = KeysServer::new(Front(use_cases.clone()));
    let cluster = ClusterServer::new(cluster::Front(use_cases.clone()));
    let seal = SealServer::new(seal::Front(use_cases));
    Routes::new(secrets.max_decoding_message_size(limits::REQUEST_BODY_BYTES))
        .add_service(seal.max_decoding_message_size(limits::REQUEST_BODY_BYTES))
        .add_service(keys.max_decoding_message_size(limits::REQUEST_BODY_BYTES))
        .add_service(cluster.max_decoding_message_size(limits::REQUEST_BODY_BYTES))
        .into_axum_router()
        .layer(guard)
}
