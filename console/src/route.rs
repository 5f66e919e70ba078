//! The API: one table of what can be asked for, and by whom. What is not in it is not answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};

use crate::console::Console;
use crate::guard::{self, Client, Entrant};
use crate::reply::failed;
use crate::source::Trouble;
use crate::{api, live};

/// Where the API is.
pub(crate) const BELOW: &str = "/api/";

/// The longest body of a question, in bytes.
const BODY: usize = 256 * 1024;

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
        handler,
    }
}

const fn post(path: &'static str, right: Right, handler: Handler) -> Route {
    Route {
        method: Method::POST,
        path,
        right,
        handler,
    }
}

/// All there is.
pub(crate) const ROUTES: &[Route] = &[
    post("v1/session", Right::Anybody, |call| {
        Box::pin(api::sign_in(call))
    }),
    get("v1/session", Right::SignedIn, |call| {
        Box::pin(api::whoami(call))
    }),
    Route {
        method: Method::DELETE,
        path: "v1/session",
        right: Right::SignedIn,
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
    get("v1/configuration", Right::Viewer, |call| {
        Box::pin(api::configuration(call))
    }),
    post("v1/catalog", Right::Viewer, |call| {
        Box::pin(api::catalog(call))
    }),
    post("v1/build", Right::Viewer, |call| Box::pin(api::build(call))),
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
            let Some(entrant) = guard::entrant(&console, &head.headers, from).await else {
                return stranger();
            };
            if route.right == Right::Viewer && entrant.viewer.is_holder() {
                return failed(
                    StatusCode::FORBIDDEN,
                    "forbidden",
                    "who has signed in with a key sees what is of that key; sign in with a token to see more",
                );
            }
            Some(entrant)
        }
    };
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        return failed(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "a question may have 256 KiB",
        );
    };
    let call = Call {
        console,
        entrant,
        from,
        last: last(route.path, path).unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    (route.handler)(call)
        .await
        .unwrap_or_else(|trouble| trouble.answer())
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

fn stranger() -> Response {
    let mut answer = failed(
        StatusCode::UNAUTHORIZED,
        "signed_out",
        "sign in first: POST /api/v1/session, or send a token as Authorization: Bearer",
    );
    answer.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"fairlead-console\""),
    );
    answer.into_response()
}
