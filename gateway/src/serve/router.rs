//! Paths to handlers: the OpenAI surface.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use fairlead_route::NoRoute;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::answer::body::{Body, Response};
use crate::answer::reject::Rejection;
use crate::answer::respond;
use crate::observe::record::Record;
use crate::pipeline;
use crate::request::inbound::Inbound;
use crate::request::phases;
use crate::surface::Operation;
use crate::worker::Worker;

/// What there is at a path.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// `POST`: asks a model.
    Operation(Operation),
    /// `GET`: the names that a key can use.
    Models,
    /// `GET`: one of them, as it stands in the path.
    Model(&'a str),
    /// Nothing.
    Nowhere,
}

/// Answers a request, whatever it asks for.
pub(super) async fn route<B>(worker: &Arc<Worker>, head: Parts, body: &mut Inbound<B>) -> Response
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let gets = head.method == Method::GET || head.method == Method::HEAD;
    match place(&normal(head.uri.path())) {
        Place::Operation(operation) if head.method == Method::POST => {
            pipeline::serve(worker, operation, head, body).await
        }
        Place::Models if gets => models(worker, &head.headers),
        Place::Model(id) if gets => model(worker, &head.headers, id),
        Place::Operation(_) => refuse(worker, &Rejection::MethodNotAllowed("POST")),
        Place::Models | Place::Model(_) => {
            refuse(worker, &Rejection::MethodNotAllowed("GET, HEAD"))
        }
        Place::Nowhere => refuse(worker, &Rejection::UnknownPath),
    }
}

/// Says no, and writes an access line about it.
pub(super) fn refuse(worker: &Worker, rejection: &Rejection) -> Response {
    respond::rejected(
        rejection,
        Record::begin(&worker.shared.observe, worker.begin()),
    )
}

/// A path as it was meant: base URLs are joined with one slash too many or end in one.
fn normal(path: &str) -> Cow<'_, str> {
    if !path.contains("//") && !path.ends_with('/') {
        return Cow::Borrowed(path);
    }
    let mut text = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        text.push('/');
        text.push_str(segment);
    }
    Cow::Owned(text)
}

fn place(path: &str) -> Place<'_> {
    let Some(below) = path.strip_prefix("/v1") else {
        return Place::Nowhere;
    };
    if let Some(operation) = Operation::ALL.into_iter().find(|one| one.path() == below) {
        return Place::Operation(operation);
    }
    match below.strip_prefix("/models") {
        Some("") => Place::Models,
        Some(id) => id.strip_prefix('/').map_or(Place::Nowhere, Place::Model),
        None => Place::Nowhere,
    }
}

/// `GET /v1/models`: the names this key can use.
fn models(worker: &Worker, headers: &HeaderMap) -> Response {
    with_models(worker, headers, |names| {
        let data: Vec<_> = names.iter().map(|name| described(name)).collect();
        Ok(json!({"object": "list", "data": data}))
    })
}

/// `GET /v1/models/NAME`. What is no text when it is decoded is the name of nothing.
fn model(worker: &Worker, headers: &HeaderMap, id: &str) -> Response {
    let decoded = decoded(id);
    let id = String::from_utf8_lossy(&decoded);
    with_models(worker, headers, |names| {
        if names.iter().any(|name| name.as_bytes() == decoded) {
            Ok(described(&id))
        } else {
            Err(Rejection::no_route(NoRoute::UnknownModel, &id))
        }
    })
}

/// Percent-decoding (source: RFC 3986, 2.1); a percent sign that begins no code stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let code = (byte == b'%')
            .then(|| bytes.as_slice().first_chunk::<2>())
            .flatten()
            .and_then(|[high, low]| Some(hex(*high)? * 16 + hex(*low)?));
        if code.is_some() {
            bytes.nth(1);
        }
        decoded.push(code.unwrap_or(byte));
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn with_models(
    worker: &Worker,
    headers: &HeaderMap,
    answer: impl FnOnce(Vec<String>) -> Result<Value, Rejection>,
) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    let runtime = worker.shared.live.load_full();
    let names = phases::authenticate(&runtime, headers, &mut record)
        .map(|admitted| runtime.table.models(&admitted.caller));
    match names.and_then(answer) {
        Ok(value) => {
            record.complete = true;
            let mut response = Response::new(Body::whole(value.to_string()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            respond::finished(response, record)
        }
        Err(rejection) => respond::rejected(&rejection, record),
    }
}

fn described(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "fairlead"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_too_many_changes_nothing() {
        for path in [
            "/v1/chat/completions",
            "//v1/chat/completions",
            "/v1//chat/completions",
            "/v1/chat/completions/",
        ] {
            let place = Place::Operation(Operation::Chat);
            assert_eq!(super::place(&normal(path)), place, "{path}");
        }
        assert_eq!(place(&normal("/v1/models/")), Place::Models);
        assert_eq!(place("/v1/models/a/b"), Place::Model("a/b"));
        for path in ["/v1", "/", "/v1/modelsx", "/v2/models", "/V1/models"] {
            assert_eq!(place(&normal(path)), Place::Nowhere, "{path}");
        }
    }

    #[test]
    fn names_in_paths_are_decoded() {
        for (path, name) in [
            ("a%2Fb", &b"a/b"[..]),
            ("a%2fb%25", b"a/b%"),
            ("%ff", b"\xff"),
            ("100%", b"100%"),
            ("%zz%4", b"%zz%4"),
        ] {
            assert_eq!(decoded(path), name, "{path}");
        }
    }
}
