//! The path of a request, one line a phase (`docs/request-path.md`).

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;

use crate::phases;
use crate::record::Record;
use crate::reject::Rejection;
use crate::respond;
use crate::surface::Operation;
use crate::worker::Worker;

/// Serves one request. Whatever happens, the caller gets an answer in its dialect, and the record is finished once.
pub async fn serve(worker: Arc<Worker>, operation: Operation, request: Request<Body>) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    let version = request.version();
    let response = match pipeline(&worker, operation, request, &mut record).await {
        Ok(work) => respond::to(work, record).await,
        Err(rejection) => respond::rejected(rejection, record),
    };
    respond::leaving(&worker, version, response)
}

async fn pipeline(
    worker: &Arc<Worker>,
    operation: Operation,
    request: Request<Body>,
    record: &mut Record,
) -> Result<phases::Work, Rejection> {
    let (head, body) = request.into_parts();
    let runtime = worker.shared.live.load_full();
    phases::note(record, operation, &head.headers);
    let admitted = phases::authenticate(&runtime, &head.headers, record)?;
    phases::refuse_encoding(&head.headers)?;
    let (body, permit) = phases::read(worker, &head.headers, body).await?;
    let asked = phases::peek(operation, &body, record)?;
    let plan = phases::plan(&runtime, admitted, &asked, &head.headers, record)?;
    let deadline = phases::deadline(&runtime, &plan, &head.headers, record)?;
    let mut job = asked.job(
        worker,
        &runtime,
        &head.headers,
        body.clone(),
        permit,
        deadline,
    );
    job.terms = asked.terms(&plan);
    Ok(phases::Work { job, plan })
}
