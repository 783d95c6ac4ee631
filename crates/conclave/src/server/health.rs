//! `/healthz` and `/readyz`, for load balancers and supervisors; nothing in them is secret.

use axum::extract::State;
use http::StatusCode;
use service::Service;

/// The process serves, whatever the cluster does.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Requests can succeed here: the cluster has been started and a leader is known.
pub(super) async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    if service.ready() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}
