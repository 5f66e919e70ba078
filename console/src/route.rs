//! The API: one table of what can be asked for, and by whom. What is not in it is not answered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header;
use http::{HeaderMap, Method, Request, StatusCode};

use crate::console::Console;
use crate::guard::{self, Client, Entrant};
use crate::reply::{cut, failed, wait};
use crate::source::Trouble;
use crate::viewer::Viewer;
use crate::{api, live};

/// Where the API is.
pub(crate) const BELOW: &str = "/api/";

/// The longest body of a question, in bytes.
const BODY: usize = 256 * 1024;
/// And of a sign-in, whom nobody knows yet.
const SIGN_IN: usize = 16 * 1024;
/// So long a body may take: whoever sends half of one must not keep a connection for ever.
const READ: Duration = Duration::from_secs(10);
/// So many bodies are read at once, of those who have signed in and of those who want to: together half of the connections of the port that probes
/// are on, and strangers leave the others theirs.
pub(crate) const BODIES: [usize; 2] = [24, 8];
/// So many questions of one session are answered at once.
const QUESTIONS: usize = 4;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Anybody: it is how one signs in.
    Anybody,
    /// Whoever has signed in, the holder of a key among them.
    SignedIn,
    /// Whoever may see more than one key.
    Viewer,
}

/// What can be asked for.
pub(crate) struct Route {
    pub method: Method,
    /// Below [`BELOW`]; a last part of `*` is any.
    pub path: &'static str,
    pub right: Right,
    /// The longest body, in bytes; 0: it is not read.
    pub body: usize,
    handler: Handler,
}

type Handler = fn(Call) -> BoxFuture<'static, Result<Response, Trouble>>;

/// A question that may be asked.
pub(crate) struct Call {
    pub console: Arc<Console>,
    /// Who asks; `None` only where anybody may.
    pub entrant: Option<Entrant>,
    pub from: Option<IpAddr>,
    pub headers: HeaderMap,
    /// What stands where the path has `*`.
    pub last: String,
    pub body: Bytes,
}

const fn get(path: &'static str, right: Right, handler: Handler) -> Route {
    Route {
        method: Method::GET,
        path,
        right,
        body: 0,
        handler,
    }
}

const fn post(path: &'static str, right: Right, handler: Handler) -> Route {
    Route {
        method: Method::POST,
        path,
        right,
        body: BODY,
        handler,
    }
}

/// All there is.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: "v1/session",
        right: Right::Anybody,
        body: SIGN_IN,
        handler: |call| Box::pin(api::sign_in(call)),
    },
    get("v1/session", Right::SignedIn, |call| {
        Box::pin(api::whoami(call))
    }),
    Route {
        method: Method::DELETE,
        path: "v1/session",
        right: Right::SignedIn,
        body: 0,
        handler: |call| Box::pin(api::sign_out(call)),
    },
    get("v1/overview", Right::Viewer, |call| {
        Box::pin(api::overview(call))
    }),
    get("v1/providers", Right::Viewer, |call| {
        Box::pin(api::providers(call))
    }),
    get("v1/rules", Right::Viewer, |call| Box::pin(api::rules(call))),
    post("v1/explain", Right::Viewer, |call| {
        Box::pin(api::explain(call))
    }),
    get("v1/keys", Right::Viewer, |call| Box::pin(api::keys(call))),
    post("v1/usage", Right::Viewer, |call| Box::pin(api::usage(call))),
    post("v1/requests", Right::SignedIn, |call| {
        Box::pin(api::requests(call))
    }),
    get("v1/requests/*", Right::SignedIn, |call| {
        Box::pin(api::request(call))
    }),
    get("v1/content/*", Right::Viewer, |call| {
        Box::pin(api::content(call))
    }),
    get("v1/configuration", Right::Viewer, |call| {
        Box::pin(api::configuration(call))
    }),
    post("v1/catalog", Right::Viewer, |call| {
        Box::pin(api::catalog(call))
    }),
    post("v1/build", Right::Viewer, |call| Box::pin(api::build(call))),
    post("v1/apply", Right::Viewer, |call| Box::pin(api::apply(call))),
    post("v1/apply/awaited", Right::Viewer, |call| {
        Box::pin(api::awaited(call))
    }),
    get("v1/mine", Right::SignedIn, |call| Box::pin(api::mine(call))),
    get(LIVE, Right::SignedIn, |call| Box::pin(live::answer(call))),
];

/// The live view.
const LIVE: &str = "v1/live";

/// Answers a question, if it is one, and may be asked.
pub(crate) async fn answer(console: Arc<Console>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(BELOW).unwrap_or_default();
    let is_it = |route: &&Route| route.method == head.method && last(route.path, path).is_some();
    let Some(route) = ROUTES.iter().find(is_it) else {
        return failed(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing of this name; docs/console.md lists what there is",
        );
    };
    if let Some(refused) = guard::page(&head.method, &head.headers, route.path == LIVE) {
        return refused;
    }
    let from = head.extensions.get::<Client>().map(|client| client.0);
    let entrant = match route.right {
        Right::Anybody => None,
        Right::SignedIn | Right::Viewer => {
            match guard::entrant(&console, &head.headers, from).await {
                Ok(entrant) => Some(entrant),
                Err(refused) => return refused,
            }
        }
    };
    let viewer = entrant.as_ref().map(|entrant| &entrant.known.viewer);
    if route.right == Right::Viewer && viewer.is_some_and(Viewer::is_holder) {
        return failed(
            StatusCode::FORBIDDEN,
            "forbidden",
            "who has signed in with a key sees what is of that key; sign in with a token to see more",
        );
    }
    let mut turn = None;
    if let Some(entrant) = entrant.as_ref().filter(|_| route.path != LIVE) {
        turn = console.questions.take(entrant, QUESTIONS);
        if turn.is_none() {
            let words = "four questions of yours are being answered already; ask again";
            return wait("too_many_questions", words, 1);
        }
    }
    let body = match read(&console, route, &head.headers, body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let call = Call {
        console,
        entrant,
        from,
        last: last(route.path, path).unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let answer = (route.handler)(call).await;
    drop(turn);
    answer.unwrap_or_else(|trouble| trouble.answer())
}

/// The body of a question, as far as it has one.
async fn read(
    console: &Console,
    route: &Route,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Response> {
    if route.body == 0 {
        return Ok(Bytes::new());
    }
    let too_large = || {
        let words = format!("this may have {} KiB", route.body / 1024);
        cut(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &words)
    };
    let [known, strangers] = &console.bodies;
    let turns = match route.right {
        Right::Anybody => strangers,
        Right::SignedIn | Right::Viewer => known,
    };
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > route.body) {
        return Err(too_large());
    }
    let Ok(_turn) = turns.try_acquire() else {
        let words = "too many questions are being sent just now; ask again";
        return Err(cut(StatusCode::SERVICE_UNAVAILABLE, "busy", words));
    };
    match tokio::time::timeout(READ, axum::body::to_bytes(body, route.body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let words = "the question did not come to its end within 10 s";
            Err(cut(StatusCode::REQUEST_TIMEOUT, "too_slow", words))
        }
    }
}

/// What stands in the place of `*`, where the path is this one.
fn last<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    match route.strip_suffix('*') {
        None => (route == path).then_some(""),
        Some(before) => {
            let last = path.strip_prefix(before)?;
            (!last.is_empty() && !last.contains('/')).then_some(last)
        }
    }
}
