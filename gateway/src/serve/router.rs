//! Paths to handlers. `/v1` is everybody's; `/openai` and `/anthropic` in front of it are for clients of which only the base URL is to be set.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::answer::body::Response;
use crate::answer::reject::Rejection;
use crate::answer::respond;
use crate::observe::record::Record;
use crate::pipeline;
use crate::request::inbound::Inbound;
use crate::serve::{models, passthrough, usage};
use crate::surface::{Asking, Named, Operation, Surface};
use crate::worker::Worker;

/// What there is at a path.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// `POST`: asks a model.
    Operation(Asking),
    /// `GET`: the names that a key can use.
    Models,
    /// `GET`: how the limits of a key stand.
    Usage,
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
    let path = normal(head.uri.path());
    if let Some(behind) = passthrough::behind_the_door(&path) {
        // Apart, so that a request of a model is not as large as this.
        return Box::pin(passthrough::serve(worker, behind, &head, body)).await;
    }
    let (door, below) = door(&path);
    let surface = door.unwrap_or_else(|| spoken(&head.headers));
    match place(door, below) {
        Place::Operation(asking) if head.method == Method::POST => {
            pipeline::serve(worker, asking, head, body).await
        }
        Place::Models if gets => models::all(worker, &head, surface),
        Place::Model(id) if gets => models::one(worker, &head, surface, id),
        Place::Usage if gets => Box::pin(usage::usage(worker, &head, surface)).await,
        Place::Operation(asking) => {
            let rejection = Rejection::MethodNotAllowed("POST");
            refuse_in(worker, &rejection, asking.operation.surface())
        }
        // What is asked of a model at Gemini's places and is none of the operations: predict, batchGenerateContent.
        Place::Model(id) if head.method == Method::POST && id.contains(':') => {
            refuse_in(worker, &Rejection::UnknownPath, surface)
        }
        Place::Models | Place::Model(_) | Place::Usage => {
            refuse_in(worker, &Rejection::MethodNotAllowed("GET, HEAD"), surface)
        }
        Place::Nowhere => refuse_in(worker, &Rejection::UnknownPath, surface),
    }
}

/// Says no, and writes an access line about it.
pub(super) fn refuse(worker: &Worker, rejection: &Rejection) -> Response {
    refuse_in(worker, rejection, Surface::default())
}

fn refuse_in(worker: &Worker, rejection: &Rejection, surface: Surface) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    record.surface = surface;
    respond::rejected(rejection, record)
}

/// Whose words the path says that its caller speaks, and what is below that.
fn door(path: &str) -> (Option<Surface>, &str) {
    let doors = [
        ("/openai", Surface::OpenAi),
        ("/anthropic", Surface::Anthropic),
        ("/gemini", Surface::Gemini),
    ];
    for (prefix, surface) in doors {
        if let Some(below) = path.strip_prefix(prefix)
            && below.starts_with('/')
        {
            return (Some(surface), below);
        }
    }
    let versions = ["/v1beta/", "/v1alpha/"];
    if versions.iter().any(|version| path.starts_with(version)) {
        return (Some(Surface::Gemini), path);
    }
    (None, path)
}

/// Whose words a caller speaks where the path does not say: Anthropic's clients name the version that they know, Google's have a header of
/// their own for the key.
fn spoken(headers: &HeaderMap) -> Surface {
    if headers.contains_key("anthropic-version") {
        Surface::Anthropic
    } else if headers.contains_key("x-goog-api-key") {
        Surface::Gemini
    } else {
        Surface::OpenAi
    }
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

fn place(door: Option<Surface>, path: &str) -> Place<'_> {
    let gemini = door == Some(Surface::Gemini);
    let version = ["/v1beta", "/v1alpha"].into_iter().filter(|_| gemini);
    let below = version
        .chain(["/v1"])
        .find_map(|version| path.strip_prefix(version));
    let Some(below) = below else {
        return Place::Nowhere;
    };
    if door.is_none_or(|door| door == Surface::Gemini)
        && let Some(asking) = named(below)
    {
        return Place::Operation(asking);
    }
    let mut operations = Operation::ALL.into_iter().filter(|operation| {
        operation.is_asked()
            && operation.action(false).is_none()
            && door.is_none_or(|door| door == operation.surface())
    });
    if let Some(operation) = operations.find(|one| one.path() == below) {
        return Place::Operation(Asking {
            operation,
            named: None,
        });
    }
    if below == "/usage" {
        return Place::Usage;
    }
    match below.strip_prefix("/models") {
        Some("") => Place::Models,
        Some(id) => id.strip_prefix('/').map_or(Place::Nowhere, Place::Model),
        None => Place::Nowhere,
    }
}

/// What `/models/MODEL:generateContent` asks for, and its like.
fn named(below: &str) -> Option<Asking> {
    let (model, asked) = below.strip_prefix("/models/")?.rsplit_once(':')?;
    let (operation, stream) = Operation::ALL
        .into_iter()
        .filter(|operation| operation.is_asked())
        .flat_map(|operation| [(operation, false), (operation, true)])
        .find(|(operation, stream)| operation.action(*stream) == Some(asked))?;
    let model = String::from_utf8(decoded(model)).ok()?;
    let named = Some(Named { model, stream });
    Some(Asking { operation, named })
}

/// Percent-decoding (source: RFC 3986, 2.1); a percent sign that begins no code stands for itself.
pub(super) fn decoded(text: &str) -> Vec<u8> {
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
            let place = asks(Operation::Chat, None);
            assert_eq!(super::place(None, &normal(path)), place, "{path}");
        }
        assert_eq!(place(None, &normal("/v1/models/")), Place::Models);
        assert_eq!(place(None, "/v1/models/a/b"), Place::Model("a/b"));
        for path in ["/v1", "/", "/v1/modelsx", "/v2/models", "/V1/models"] {
            assert_eq!(place(None, &normal(path)), Place::Nowhere, "{path}");
        }
    }

    fn asks(operation: Operation, named: Option<(&str, bool)>) -> Place<'static> {
        Place::Operation(Asking {
            operation,
            named: named.map(|(model, stream)| Named {
                model: model.to_owned(),
                stream,
            }),
        })
    }

    #[test]
    fn a_door_leads_to_the_operations_of_its_surface() {
        let at = |path| {
            let (door, below) = door(path);
            place(door, below)
        };
        let (chat, messages) = (asks(Operation::Chat, None), asks(Operation::Messages, None));
        for (path, expected) in [
            ("/v1/messages", messages),
            ("/anthropic/v1/messages", asks(Operation::Messages, None)),
            ("/openai/v1/chat/completions", chat),
            (
                "/v1/messages/count_tokens",
                asks(Operation::CountTokens, None),
            ),
            ("/anthropic/v1/models", Place::Models),
            ("/anthropic/v1/chat/completions", Place::Nowhere),
            ("/openai/v1/messages", Place::Nowhere),
            ("/openaiv1/models", Place::Nowhere),
            ("/openai", Place::Nowhere),
            ("/v1/responses", asks(Operation::Responses, None)),
            (
                "/v1beta/models/a%2Fb:generateContent",
                asks(Operation::Generate, Some(("a/b", false))),
            ),
            (
                "/v1/models/a/b:streamGenerateContent",
                asks(Operation::Generate, Some(("a/b", true))),
            ),
            (
                "/gemini/v1beta/models/a:b:generateContent",
                asks(Operation::Generate, Some(("a:b", false))),
            ),
            (
                "/v1beta/models/a:countTokens",
                asks(Operation::CountGemini, Some(("a", false))),
            ),
            (
                "/v1beta/models/a:embedContent",
                asks(Operation::EmbedContent, Some(("a", false))),
            ),
            (
                "/gemini/v1/models/a:batchEmbedContents",
                asks(Operation::BatchEmbedContents, Some(("a", false))),
            ),
            ("/v1/images/edits", asks(Operation::ImageEdits, None)),
            ("/openai/v1/audio/speech", asks(Operation::Speech, None)),
            ("/v1/rerank", asks(Operation::Rerank, None)),
            ("/anthropic/v1/rerank", Place::Nowhere),
            ("/v1beta/models", Place::Models),
            ("/v1beta/models/a", Place::Model("a")),
            ("/v1/models/a:b", Place::Model("a:b")),
            // What only providers are asked for.
            ("/v1beta/models/a:predict", Place::Model("a:predict")),
            ("/v1/model/a/converse", Place::Nowhere),
            (
                "/openai/v1/models/a:generateContent",
                Place::Model("a:generateContent"),
            ),
            ("/v1beta/chat/completions", Place::Nowhere),
        ] {
            assert_eq!(at(path), expected, "{path}");
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
