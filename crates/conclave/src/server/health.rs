//! `/healthz` and `/readyz`, for load balancers and supervisors; nothing in them is secret.

use axum::extract::State;
use consensus::{Replica, Role};
use http::StatusCode;
use service::Service;
use tokio_util::sync::CancellationToken;

/// The process serves, whatever the cluster does; the second line is its part: `leader`, `standby`, or `sealed` of a
/// node that waits to be unsealed.
pub(super) async fn live(State(replica): State<Replica>) -> &'static str {
    match replica.status().role {
        Role::Leader => "ok\nleader\n",
        Role::Follower | Role::Candidate | Role::Learner => "ok\nstandby\n",
    }
}

/// Requests can succeed here: the cluster has been started, a leader is known, this node has been abreast of it since
/// its start, it still belongs to it, and it is not about to stop.
pub(super) async fn ready(
    State((service, stopping)): State<(Service, CancellationToken)>,
) -> (StatusCode, &'static str) {
    let replica = service.replica();
    let refusal = if stopping.is_cancelled() {
        "stopping\n"
    } else if replica.expelled().is_some() {
        "not a member\n"
    } else if !replica.has_caught_up() {
        "catching up\n"
    } else if !service.ready() {
        "not ready\n"
    } else {
        return (StatusCode::OK, "ready\n");
    };
    (StatusCode::SERVICE_UNAVAILABLE, refusal)
}
