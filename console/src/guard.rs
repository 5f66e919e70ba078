//! Who may ask: the name under which a browser has come here, the page that it asks for, and the session.

use std::net::IpAddr;

use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use crate::console::{Console, Settings};
use crate::reply::failed;
use crate::session::Id;
use crate::viewer::Viewer;

/// What only a page of our own can add to a request: another's script would have to ask first, and is told no.
pub(crate) const OURS: HeaderName = HeaderName::from_static("x-fairlead-console");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The cookie over https; browsers take one of this name only with `Secure`, for this host, and for all paths.
const SECURE_COOKIE: &str = "__Host-fairlead-console";
/// The cookie over http, to this machine itself.
const PLAIN_COOKIE: &str = "fairlead-console";

/// Where a request comes from, if that is known: sign-ins that fail are counted by it.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

/// Whoever has come in, and by which session.
#[derive(Debug, Clone)]
pub(crate) struct Entrant {
    pub viewer: Viewer,
    /// `None`: they have shown a token with the request itself.
    pub session: Option<Id>,
}

/// The answer for a browser that asks under a name that it may not, which says how to allow it: a page elsewhere whose name was made to mean this
/// machine sends its own. `None`: it may.
pub(crate) fn host(settings: &Settings, headers: &HeaderMap) -> Option<Response> {
    let named = headers
        .get(header::HOST)
        .and_then(|name| name.to_str().ok());
    let name = named.map(bare).unwrap_or_default();
    let loopback = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let listed = settings.hosts.iter();
    if loopback
        || listed
            .into_iter()
            .any(|host| host.eq_ignore_ascii_case(name))
    {
        return None;
    }
    Some(failed(
        StatusCode::MISDIRECTED_REQUEST,
        "host_not_allowed",
        "the console answers under the names of its own machine (localhost, 127.0.0.1) and under those that --console-host lists; add this one there, or use a port-forward",
    ))
}

/// A host without its port and brackets.
fn bare(host: &str) -> &str {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split_once(']').map_or(inner, |(address, _)| address);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// The answer for whoever asks and is no page of our own; `None`: it is one. For the live view a page can give a browser no header; nobody
/// elsewhere can read it, and the browser says itself where it was asked for.
pub(crate) fn page(method: &Method, headers: &HeaderMap, live: bool) -> Option<Response> {
    let site = headers.get(SITE);
    let elsewhere = site.is_some_and(|site| site != "same-origin" && site != "none");
    let unmarked = !live && !headers.contains_key(OURS);
    let read = method == Method::GET || method == Method::HEAD || method == Method::DELETE;
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if elsewhere || unmarked || (!read && !is_json) {
        return Some(failed(
            StatusCode::FORBIDDEN,
            "cross_site",
            "only the console's own pages may ask for this: send x-fairlead-console: 1, application/json, and nothing from another site",
        ));
    }
    None
}

/// Who asks: whoever has a session, or shows a token.
pub(crate) async fn entrant(
    console: &Console,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Option<Entrant> {
    if let Some((id, viewer)) = cookie(headers).and_then(|value| console.sessions.find(value)) {
        return Some(Entrant {
            viewer,
            session: Some(id),
        });
    }
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = shown.strip_prefix("Bearer ")?;
    if console.tries.wait(from).is_some() {
        return None;
    }
    match console.source.admit(token).await {
        Ok(Some(viewer)) => Some(Entrant {
            viewer,
            session: None,
        }),
        Ok(None) => {
            console.tries.failed(from);
            None
        }
        Err(_) => None,
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter();
    let pairs = all.filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        [SECURE_COOKIE, PLAIN_COOKIE]
            .contains(&name)
            .then_some(value)
    })
}

/// What sets the cookie of a session, and with nothing takes it away. Over https, which the page's own origin tells, it has the name that
/// browsers protect.
pub(crate) fn set_cookie(headers: &HeaderMap, value: &str) -> HeaderValue {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let secure = origin.is_some_and(|origin| origin.starts_with(b"https://"));
    let (name, more) = if secure {
        (SECURE_COOKIE, "; Secure")
    } else {
        (PLAIN_COOKIE, "")
    };
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{more}{age}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
