//! The admin port: probes and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::watch::Watched;

/// What the admin port answers from.
#[derive(Clone)]
pub struct Admin {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is watched.
    pub watched: Arc<Watched>,
    /// What is wrong with the CRDs.
    pub crds: watch::Receiver<Option<String>>,
}

/// The service of the admin port.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// A replica that does not lead is ready too: it has seen everything and can take over.
async fn ready(State(admin): State<Admin>) -> Response {
    let crds = admin.crds.borrow().clone();
    let waiting = admin.watched.incomplete();
    let problem = crds
        .or_else(|| (!waiting.is_empty()).then(|| format!("still listing {}", waiting.join(", "))));
    match problem {
        None => "ok\n".into_response(),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem + "\n").into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )];
    (kind, admin.metrics.render()).into_response()
}
