//! The admin port: probes and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tokio::sync::watch;

use crate::crds::Problem;
use crate::metrics::Metrics;
use crate::rebuild::Held;
use crate::watch::Watched;

/// What the admin port answers from.
#[derive(Clone)]
pub(crate) struct Admin {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is watched.
    pub watched: Arc<Watched>,
    /// What is wrong with the CRDs.
    pub crds: watch::Receiver<Option<Problem>>,
    /// Why nothing is published: what the watches show is not what people want.
    pub trouble: watch::Receiver<Option<String>>,
    /// Why nothing is published: what is published cannot be read.
    pub held: watch::Receiver<Option<Held>>,
}

/// The service of the admin port.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// A replica that does not lead is ready too: it has seen everything and can take over.
async fn ready(State(admin): State<Admin>) -> Response {
    let problem = |problem: &Problem| problem.text.clone();
    let crds = admin.crds.borrow().as_ref().map(problem);
    let trouble = admin.trouble.borrow().clone();
    let waiting = admin.watched.incomplete();
    let held = admin.held.borrow().clone().map(|held| held.text);
    let problem = crds
        .or(trouble)
        .or(held)
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
