//! The admin port: probes and metrics for everyone, the rest with a bearer token.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::worker::{Phase, Shared};

/// What the admin port answers from.
#[derive(Clone)]
pub struct Admin {
    /// What the cores share.
    pub shared: Arc<Shared>,
    /// The token that everything but probes and metrics asks for; `None`: those are closed.
    pub token: Option<Arc<str>>,
}

/// The service of the admin port.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/config", get(config))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> Response {
    if *admin.shared.phase.borrow() == Phase::Serving {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )];
    (kind, admin.shared.observe.metrics.render()).into_response()
}

/// Which configuration is in force.
async fn config(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if !admitted(&admin, &headers) {
        return (StatusCode::UNAUTHORIZED, "send the admin token as 'Authorization: Bearer TOKEN'; it stands in --state-dir/admin-token\n").into_response();
    }
    let runtime = admin.shared.live.load();
    let body = json!({
        "digest": runtime.digest,
        "generation": runtime.generation,
        "formats": [fairlead_snapshot::FORMAT],
        "providers": runtime.upstreams.len(),
        "keys": runtime.keys.len(),
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// Compares digests, so that the time taken says nothing about the token.
fn admitted(admin: &Admin, headers: &HeaderMap) -> bool {
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let digest = fairlead_snapshot::Digest::of_bytes;
    match (&admin.token, presented) {
        (Some(token), Some(presented)) => digest(token.as_bytes()) == digest(presented),
        _ => false,
    }
}
