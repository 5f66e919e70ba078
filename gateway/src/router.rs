//! Paths to handlers: the OpenAI surface.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use fairlead_route::NoRoute;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::phases;
use crate::pipeline;
use crate::record::Record;
use crate::reject::Rejection;
use crate::respond;
use crate::surface::Operation;
use crate::worker::Worker;

/// The service of one core.
pub fn router(worker: Arc<Worker>) -> Router {
    let operation = |operation: Operation| {
        post(
            move |State(worker): State<Arc<Worker>>, request: Request<Body>| {
                pipeline::serve(worker, operation, request)
            },
        )
    };
    Router::new()
        .route("/v1/chat/completions", operation(Operation::Chat))
        .route("/v1/completions", operation(Operation::Completions))
        .route("/v1/embeddings", operation(Operation::Embeddings))
        .route("/v1/models", get(models))
        .route("/v1/models/{*id}", get(model))
        .fallback(|State(worker): State<Arc<Worker>>| async move {
            refuse(&worker, Rejection::UnknownPath)
        })
        .method_not_allowed_fallback(|State(worker): State<Arc<Worker>>| async move {
            refuse(&worker, Rejection::MethodNotAllowed)
        })
        .with_state(worker)
}

fn refuse(worker: &Worker, rejection: Rejection) -> Response {
    respond::rejected(
        rejection,
        Record::begin(&worker.shared.observe, worker.begin()),
    )
}

/// `GET /v1/models`: the names this key can use.
async fn models(State(worker): State<Arc<Worker>>, headers: HeaderMap) -> Response {
    with_models(&worker, &headers, |names| {
        let data: Vec<_> = names.iter().map(|name| described(name)).collect();
        Ok(json!({"object": "list", "data": data}))
    })
}

/// `GET /v1/models/NAME`.
async fn model(
    State(worker): State<Arc<Worker>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    with_models(&worker, &headers, |names| {
        if names.contains(&id) {
            Ok(described(&id))
        } else {
            Err(Rejection::no_route(NoRoute::UnknownModel, &id))
        }
    })
}

fn with_models(
    worker: &Worker,
    headers: &HeaderMap,
    answer: impl FnOnce(Vec<String>) -> Result<Value, Rejection>,
) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    let runtime = worker.shared.live.load_full();
    let names = phases::authenticate(&runtime, headers, &mut record)
        .map(|admitted| runtime.table.models(&admitted.context.caller));
    match names.and_then(answer) {
        Ok(value) => {
            record.complete = true;
            let json = [(header::CONTENT_TYPE, "application/json")];
            respond::finished((json, value.to_string()).into_response(), record)
        }
        Err(rejection) => respond::rejected(rejection, record),
    }
}

fn described(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "fairlead"})
}
