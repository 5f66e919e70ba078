//! Who calls: the second phase of a request. What is presented is the value of a key, or a token that a key takes.

use std::net::IpAddr;
use std::sync::Arc;

use fairlead_admit::Refused;
use fairlead_auth::Jwt;
use http::request::Parts;
use http::{HeaderMap, Uri, header};

use crate::answer::reject::Rejection;
use crate::clock;
use crate::observe::record::Record;
use crate::peer::Peer;
use crate::runtime::tokens::NoCaller;
use crate::runtime::{Admission, Runtime};
use crate::surface::Surface;
use crate::worker::Worker;

/// Who calls. Needs only headers, so that a stranger fills no memory.
///
/// # Errors
/// No key and no token, an unknown one, one that is expired, suspended, replaced or without its team, or not for callers from there; and a token whose
/// issuer has not been heard of.
pub(crate) fn authenticate(
    worker: &Worker,
    runtime: &Runtime,
    head: &Parts,
    record: &mut Record,
) -> Result<Arc<Admission>, Rejection> {
    let in_query = || of_query(&head.uri, record.surface);
    let presented = presented(&head.headers).or_else(in_query);
    let presented = presented.ok_or(Rejection::MissingKey)?;
    let from = || origin(worker, head);
    let admitted = admitted(runtime, presented, from)?;
    record.key = Some(Arc::clone(&admitted.label));
    record.team.clone_from(&admitted.team);
    Ok(admitted)
}

/// The caller who has this key, or token. What is the value of a key is one, whatever it looks like.
fn admitted(
    runtime: &Runtime,
    presented: &[u8],
    from: impl Fn() -> Option<IpAddr>,
) -> Result<Arc<Admission>, Rejection> {
    let now = clock::unix_seconds();
    match runtime.keys.find(presented, now, &from) {
        Err(Refused::Unknown) if !runtime.tokens.is_empty() && Jwt::is_one(presented) => {
            let found = runtime.tokens.find(presented, now, from);
            found.map_err(|none| match none {
                NoCaller::Bad(bad) => Rejection::BadToken(bad),
                NoCaller::Missed(missed) => Rejection::NoKeyForToken(missed),
                NoCaller::IssuerUnavailable => Rejection::IssuerUnavailable,
                NoCaller::Refused(refused) => told(refused),
            })
        }
        found => found
            .map(|admitted| Arc::clone(&admitted.context))
            .map_err(told),
    }
}

fn told(refused: Refused) -> Rejection {
    match refused {
        Refused::Unknown => Rejection::InvalidKey,
        Refused::Expired => Rejection::KeyExpired,
        Refused::Suspended => Rejection::KeySuspended,
        Refused::Rotated => Rejection::KeyRotated,
        Refused::Ownerless => Rejection::KeyOwnerMissing,
        Refused::Elsewhere => Rejection::NetworkNotAllowed,
    }
}

/// Where the caller connects from, if that can be known.
fn origin(worker: &Worker, head: &Parts) -> Option<IpAddr> {
    let Peer(peer) = head.extensions.get::<Peer>()?;
    worker.shared.proxies.caller(*peer, &head.headers)
}

/// The key a caller presents: `Authorization: Bearer`, else `x-api-key`, else `api-key`, else `x-goog-api-key`.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .map(http::HeaderValue::as_bytes)
        .and_then(|value| {
            let (scheme, key) = value.split_at_checked(7)?;
            scheme
                .eq_ignore_ascii_case(b"bearer ")
                .then(|| key.trim_ascii())
        });
    let other = |name: &str| headers.get(name).map(|value| value.as_bytes().trim_ascii());
    bearer
        .or_else(|| other("x-api-key"))
        .or_else(|| other("api-key"))
        .or_else(|| other("x-goog-api-key"))
        .filter(|key| !key.is_empty())
}

/// The key in a query, where Google's clients may put it: `?key=`. Keys of the gateway need no percent-encoding.
fn of_query(uri: &Uri, surface: Surface) -> Option<&[u8]> {
    let query = uri.query().filter(|_| surface == Surface::Gemini)?;
    let mut members = query.split('&');
    let key = members.find_map(|member| member.strip_prefix("key="))?;
    Some(key.as_bytes()).filter(|key| !key.is_empty())
}
