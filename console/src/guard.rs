//! Who may ask: the name under which a browser has come here, the page that it asks for, and the session.

use std::net::IpAddr;

use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use crate::console::Console;
use crate::renewal::{Known, Renewed};
use crate::reply::{failed, told, wait};
use crate::session::Id;

/// What only a page of our own can add to a request: another's script would have to ask first, and is told no.
pub(crate) const OURS: HeaderName = HeaderName::from_static("x-fairlead-console");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The cookie over https; browsers take one of this name only with `Secure`, for this host, and for all paths.
const SECURE_COOKIE: &str = "__Host-fairlead-console";
/// The cookie over http, to this machine itself; the port follows, for browsers keep one for all ports of a name.
const PLAIN_COOKIE: &str = "fairlead-console";
/// The longest token that is looked at, in bytes.
const TOKEN: usize = 16 * 1024;

/// Where a request comes from, if that is known: sign-ins that fail are counted by it. Behind proxies that are trusted it is the address that
/// these name.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

/// Whoever has come in, and by which session.
#[derive(Debug, Clone)]
pub(crate) struct Entrant {
    pub known: Known,
    /// `None`: they have shown a token with the request itself.
    pub session: Option<Id>,
}

/// The answer for a browser that asks under a name that it may not, which says how to allow it: a page elsewhere whose name was made to mean this
/// machine sends its own. `None`: it may. `hosts`: the names that are allowed beside this machine's own, without a port.
#[must_use]
pub fn host(hosts: &[String], headers: &HeaderMap) -> Option<Response> {
    let name = named(headers).map(bare).unwrap_or_default();
    let loopback = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback || hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
        return None;
    }
    Some(failed(
        StatusCode::MISDIRECTED_REQUEST,
        "host_not_allowed",
        "the console answers under the names of its own machine (localhost, 127.0.0.1) and under those that --console-host lists; add this one there, or use a port-forward",
    ))
}

/// Whether it is a browser that asks, for a page that it shows: programs say nothing of where they come from.
#[must_use]
pub fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key(SITE)
}

fn named(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
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

/// Who asks: whoever has a session, or shows a token. An answer for anybody else.
pub(crate) async fn entrant(
    console: &Console,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Result<Entrant, Response> {
    let found = cookies(headers).find_map(|value| console.sessions.find(value));
    if let Some((id, known)) = found {
        return match known.renewed(&*console.source).await {
            Renewed::Holds(known) => {
                console.sessions.renew(&id, &known);
                Ok(Entrant {
                    known: *known,
                    session: Some(id),
                })
            }
            Renewed::Over => {
                console.sessions.end(&id);
                Err(stranger(console))
            }
            Renewed::Unknown(trouble) => Err(trouble.answer()),
        };
    }
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|shown| shown.to_str().ok());
    let Some(token) = shown.and_then(|shown| shown.strip_prefix("Bearer ")) else {
        return Err(stranger(console));
    };
    if token.len() > TOKEN {
        return Err(stranger(console));
    }
    let begun = console.tries.begin_shown(from, token);
    let begun = begun.map_err(|left| too_many_tries(left.as_secs()))?;
    match console.source.admit(token).await {
        Ok(Some(viewer)) => {
            begun.forgive();
            console.tries.shown(token, true);
            Ok(Entrant {
                known: Known::now(viewer),
                session: None,
            })
        }
        Ok(None) => {
            console.tries.shown(token, false);
            Err(stranger(console))
        }
        Err(trouble) => {
            begun.forgive();
            Err(trouble.answer())
        }
    }
}

/// The answer for whoever is not signed in.
fn stranger(console: &Console) -> Response {
    let welcome = console.source.welcome();
    let error = json!({"code": "signed_out", "message": "sign in first: POST /api/v1/session, or send a token as Authorization: Bearer"});
    let body = json!({"error": error, "signIn": {"token": welcome.token, "hint": welcome.hint, "holders": console.settings.holders}});
    let mut answer = told(&body);
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"fairlead-console\""),
    );
    answer
}

/// The answer for whoever has guessed too often.
pub(crate) fn too_many_tries(seconds: u64) -> Response {
    let seconds = seconds.max(1);
    let words = format!("too many sign-ins have failed from here; try again in {seconds} s");
    wait("too_many_tries", &words, seconds)
}

/// What our cookies hold, that which browsers protect first.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let plain = plain_cookie(headers);
    let all = headers.get_all(header::COOKIE).into_iter();
    let lines = all.filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    let mut found = [None, None];
    for (name, value) in pairs.filter_map(|pair| pair.trim().split_once('=')) {
        let place = match name {
            SECURE_COOKIE => 0,
            name if name == plain => 1,
            _ => continue,
        };
        found[place] = found[place].or(Some(value));
    }
    found.into_iter().flatten()
}

/// The name of the cookie over http.
fn plain_cookie(headers: &HeaderMap) -> String {
    let host = named(headers).unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| port.parse::<u16>().is_ok()) {
        Some(port) => format!("{PLAIN_COOKIE}-{port}"),
        None => PLAIN_COOKIE.to_owned(),
    }
}

/// What sets the cookie of a session, and with nothing takes it away. Over https, which the page's own origin tells, it has the name that
/// browsers protect.
pub(crate) fn set_cookie(headers: &HeaderMap, value: &str) -> HeaderValue {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let secure = origin.is_some_and(|origin| origin.starts_with(b"https://"));
    let (name, more) = if secure {
        (SECURE_COOKIE.to_owned(), "; Secure")
    } else {
        (plain_cookie(headers), "")
    };
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{more}{age}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
