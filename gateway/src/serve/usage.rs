//! `GET /v1/usage`: how the limits stand that the key has to keep.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, header};
use serde_json::json;

use crate::answer::body::{Body, Response};
use crate::answer::reject::Rejection;
use crate::answer::respond;
use crate::observe::record::Record;
use crate::request::caller;
use crate::surface::Surface;
use crate::worker::Worker;

/// Answers for the key that is shown, and for no other.
pub(super) async fn usage(worker: &Arc<Worker>, head: &Parts, surface: Surface) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    record.surface = surface;
    record.method = Some(head.method.clone());
    record.route = Some("/v1/usage");
    let runtime = worker.shared.live.load_full();
    let admitted = caller::authenticate(worker, &runtime, head, &mut record);
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(rejection) => return respond::rejected(&rejection, record),
    };
    match runtime
        .governor()
        .report(admitted.limited.chain.iter())
        .await
    {
        Ok(limits) => {
            record.complete = true;
            let value = json!({"object": "usage", "key": &*admitted.label, "limits": limits});
            let mut response = Response::new(Body::whole(value.to_string()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            respond::finished(response, record)
        }
        Err(_) => respond::rejected(&Rejection::StoreUnavailable, record),
    }
}
