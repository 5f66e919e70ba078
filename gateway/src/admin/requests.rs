//! `GET /requests`: those that are over, `/requests/ID`: one of them, `/requests/ID/content`: what was written in it, `/requests/usage`: what was used, by the hour or what else is asked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use fairlead_record::content::Content;
use fairlead_record::{ReadError, RequestLog as _, Scope, hex, query};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::{admitted, stranger};
use crate::decisions::content_read;
use crate::observe::content::Contents;
use crate::worker::Shared;

/// Whoever has the admin token sees everybody's.
const ALL: Scope = Scope::All;

/// A page.
pub(super) async fn search(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let (mut filter, ask) = match query::filter(uri.query().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    filter.scope = ALL;
    told(shared.requests.search(&filter, ask).await)
}

/// One.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let Some(id) = hex::id(&id) else {
        return no_id();
    };
    match shared.requests.get(id, &ALL).await {
        Ok(None) => {
            let words = "there is no such request, or it is kept no more\n";
            (StatusCode::NOT_FOUND, words).into_response()
        }
        found => told(found),
    }
}

/// What was written in one. Whoever asks is named in the audit before they read.
pub(super) async fn content(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let Some(number) = hex::id(&id) else {
        return no_id();
    };
    match read_content(&shared, number, "the admin token").await {
        Ok(Some(content)) => told(Ok(content)),
        Ok(None) => {
            let words = not_kept(shared.observe.contents.as_ref());
            (StatusCode::NOT_FOUND, format!("{words}\n")).into_response()
        }
        Err(error) => told(Err::<(), _>(error)),
    }
}

/// What was written in a request, for somebody whom the audit names first.
///
/// # Errors
/// No store has it, and one of them cannot be read.
pub(super) async fn read_content(
    shared: &Shared,
    id: u64,
    by: &str,
) -> Result<Option<Content>, ReadError> {
    let Some(contents) = &shared.observe.contents else {
        return Ok(None);
    };
    let Some(content) = contents.read(id).await? else {
        return Ok(None);
    };
    shared.decisions.tell(content_read(&content, by));
    Ok(Some(content))
}

/// Why there is none.
pub(super) fn not_kept(contents: Option<&Contents>) -> String {
    match contents {
        None => "this gateway keeps no content of requests; --log-content Request or Full lets it, where a RoutingRule asks for it in spec.logging".to_owned(),
        Some(contents) => format!(
            "no content of this request is kept: its rule does not ask for it in spec.logging, it is older than {} hours, or there was no room for it",
            contents.hours()
        ),
    }
}

fn no_id() -> Response {
    let words =
        "an id has 16 hexadecimal digits in lower case, as x-fairlead-request-id says them\n";
    (StatusCode::BAD_REQUEST, words).into_response()
}

/// Sums.
pub(super) async fn usage(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let mut ask = match query::usage(uri.query().unwrap_or_default()) {
        Ok(ask) => ask,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    ask.scope = ALL;
    told(shared.requests.usage(&ask).await)
}

/// Where requests are kept beyond this process, and what is wrong with that; `null`: nowhere.
pub(super) fn standing(shared: &Shared) -> Value {
    let Some((store, standing)) = shared.requests.standing() else {
        return Value::Null;
    };
    json!({
        "store": store,
        "written": standing.written,
        "waiting": standing.waiting(),
        "dropped": standing.dropped,
        "refused": standing.refused,
        "astray": standing.astray,
        "problem": standing.problem,
    })
}

fn told(answer: Result<impl Serialize, ReadError>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let failed = |status: StatusCode, words: String| (status, format!("{words}\n")).into_response();
    match answer {
        Ok(body) => match serde_json::to_string(&body) {
            Ok(text) => (kind, text).into_response(),
            Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        Err(error @ ReadError::TooLong) => failed(StatusCode::BAD_REQUEST, error.to_string()),
        Err(error @ ReadError::Unavailable(_)) => {
            failed(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        }
    }
}
