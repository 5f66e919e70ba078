//! Sending one request over one connection: from a request to the head of an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlead_route::Amendments;
use fairlead_snapshot::{FailureClass, Protocol};
use fairlead_wire::openai::request::Edits;
use fairlead_wire::splice::Pieces;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use tokio::time::Instant;

use super::authorization::{Authorization, Proof};
use super::betas::Betas;
use super::body::RequestBody;
use super::endpoint::{Endpoint, Opened};
use super::pool::Pool;
use super::sender::{Home, Sender, Unanswered};
use super::shared::{Joined, Refusing, Wanted};
use super::source::Source;
use super::uris::Aim;
use super::{Reach, Upstream, simulated};
use crate::failure::{Deadline, Failure, Own};
use crate::headers;
use crate::surface::{Operation, Surface};
use crate::tasks::Tasks;

/// The version of Anthropic's API that is asked for where the caller names none.
const ANTHROPIC_VERSION: &str = "2023-06-01";
/// As many header fields as a request may have, so that the map is made once.
const HEADERS: usize = 12;
/// So many connections of HTTP/2 may refuse a request before it has failed: what a server that goes away for an orderly reason needs.
const CONNECTIONS: usize = 4;

/// The head of an answer, and its body still to come.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Source,
}

/// A request to an upstream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbound<'a> {
    /// The operation.
    pub operation: Operation,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The caller's headers that may go along.
    pub headers: &'a HeaderMap,
    /// What becomes of the flags among them.
    pub betas: Betas,
    /// What becomes of the trace among them.
    pub trace: &'a Carried,
    /// The media type of the body; `None`: JSON.
    pub content_type: Option<&'a HeaderValue>,
    /// The body.
    pub content: Content<'a>,
    /// The upstream's name of the model.
    pub model: &'a str,
    /// The credential.
    pub authorization: Option<&'a Authorization>,
    /// What the target changes in requests.
    pub amendments: Option<&'a Amendments>,
    /// What is asked for in the place of the operation, where it is none.
    pub beyond: Option<&'a Beyond>,
}

impl<'a> Outbound<'a> {
    fn aim(&self) -> Aim<'a> {
        Aim {
            operation: self.operation,
            model: self.model,
            stream: self.stream,
            betas: self.betas.query,
        }
    }
}

/// What of a trace goes along with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// What the caller sent, for this gateway has no spans.
    AsItCame,
    /// The attempt's own span, and the caller's `tracestate`.
    Span(HeaderValue),
    /// Nothing.
    Nothing,
}

/// The span that a request belongs to (source: W3C Trace Context 2).
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing systems say of a trace.
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

impl Carried {
    /// Whether a header of the caller's goes along, as far as the trace is concerned.
    fn keeps(&self, name: &HeaderName) -> bool {
        match self {
            Self::AsItCame => true,
            Self::Span(_) => name != TRACEPARENT,
            Self::Nothing => name != TRACEPARENT && name != TRACESTATE,
        }
    }
}

/// A request that is none of the operations, and goes as it came.
#[derive(Debug)]
pub(crate) struct Beyond {
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The path below the base URL: HTTP/2 is sent scheme and authority too, which are those of the server.
    pub path: String,
    /// The caller's headers that may go along.
    pub headers: HeaderMap,
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    /// The caller's, with what is changed in it.
    Edited {
        /// The changes.
        edits: &'a Edits,
        /// The caller's body.
        body: &'a Bytes,
        /// Whether a stream is asked for its usage.
        ask_usage: bool,
    },
    /// One that was made for the provider.
    Made(&'a Bytes),
}

impl Content<'_> {
    fn pieces(&self, model: &str) -> Pieces {
        match self {
            Self::Edited {
                edits,
                body,
                ask_usage,
            } => edits.upstream_body(body, model, *ask_usage),
            Self::Made(body) => Pieces::from((*body).clone()),
        }
    }
}

/// How a request gets there.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// The upstream.
    pub upstream: &'a Upstream,
    /// This core's idle connections.
    pub pool: &'a Arc<Pool>,
    /// What drives new ones.
    pub drivers: &'a Tasks,
    /// How long a new one may take.
    pub connect: Duration,
    /// The server, where the upstream is a pool.
    pub server: Option<&'a Arc<Endpoint>>,
    /// Whether it takes a new connection: one that idles since before an outage is stale, and the request would be sent twice.
    pub anew: bool,
}

/// Sends the request and waits for the head of the answer, until `first`.
///
/// # Errors
/// No connection, a connection that broke, or a deadline.
pub(crate) async fn send(
    outbound: &Outbound<'_>,
    way: &Way<'_>,
    total: Deadline,
    first: Deadline,
) -> Result<Reply, Failure> {
    let endpoint = match &way.upstream.reach {
        Reach::Http(endpoint) => Some(endpoint),
        Reach::Pool(_) => way.server,
        Reach::Simulated => return Ok(simulate(outbound, way.upstream)),
        Reach::Broken => {
            return Err(Failure::new(
                FailureClass::Unavailable,
                "its configuration cannot be used; see the status of the LLMProvider",
            ));
        }
    };
    let Some(endpoint) = endpoint else {
        return Err(Failure::without_servers());
    };
    if endpoint.is_shared() {
        // Apart, so that a request over HTTP/1.1 is not as large as this.
        return Box::pin(over_http2(outbound, way, endpoint, total, first)).await;
    }
    over_http(outbound, way, endpoint, total, first).await
}

async fn over_http(
    outbound: &Outbound<'_>,
    way: &Way<'_>,
    endpoint: &Endpoint,
    total: Deadline,
    first: Deadline,
) -> Result<Reply, Failure> {
    let idle = if way.anew {
        None
    } else {
        way.pool.take(endpoint.id)
    };
    if let Some(connection) = idle {
        match exchange(outbound, way, endpoint, Sender::One(connection), first).await {
            // The server closed an idle connection just as it was used, and nothing had gone out: this is no attempt of its own. What may have
            // been sent is not sent again here, for it may have been worked on (RFC 9110, 9.2.2).
            Err(Exchange::Unsent) => {}
            other => return other.map_err(Exchange::into_failure),
        }
    }
    let until = Instant::now() + way.connect;
    let connect = total.or_at(until, FailureClass::Connect);
    let opened = connect
        .wait(endpoint.connect(way.drivers, until))
        .await?
        .map_err(|error| error.told(way.upstream))?;
    let sender = match opened {
        Opened::One(sender) => Sender::One(sender),
        // It did not select HTTP/2 before, and does now.
        Opened::Two(two) => Sender::Two(way.pool.adopt(endpoint.id, two)),
    };
    exchange(outbound, way, endpoint, sender, first)
        .await
        .map_err(Exchange::into_failure)
}

/// The same over connections that are shared. A request that one of them has refused, or has closed before, goes to another.
async fn over_http2(
    outbound: &Outbound<'_>,
    way: &Way<'_>,
    endpoint: &Arc<Endpoint>,
    total: Deadline,
    first: Deadline,
) -> Result<Reply, Failure> {
    let mut refusing: Option<Refusing> = None;
    for _ in 0..CONNECTIONS {
        let until = Instant::now() + way.connect;
        let connect = total.or_at(until, FailureClass::Connect);
        let place = way.pool.place(Wanted {
            endpoint,
            drivers: way.drivers,
            until,
            anew: way.anew,
            refusing: refusing.as_ref(),
        });
        let connection = place.refusing();
        let joined = connect.wait(place.ready()).await;
        let joined = joined.inspect_err(|_| {
            // A caller that is in a hurry says nothing of the connection.
            if Instant::now() >= until {
                connection.leave();
            }
        })?;
        let sender = match joined.map_err(|error| error.told(way.upstream))? {
            Joined::Ready(stream) => {
                refusing = Some(connection);
                Sender::Two(stream)
            }
            Joined::Full => continue,
            Joined::Odd(Some(sender)) => Sender::One(sender),
            Joined::Odd(None) => return over_http(outbound, way, endpoint, total, first).await,
        };
        match exchange(outbound, way, endpoint, sender, first).await {
            Err(Exchange::Unsent) => {}
            other => return other.map_err(Exchange::into_failure),
        }
    }
    Err(broken())
}

/// Why an exchange failed.
enum Exchange {
    /// The connection broke before anything of the request went out.
    Unsent,
    /// Anything else.
    Failed(Failure),
}

impl Exchange {
    fn into_failure(self) -> Failure {
        match self {
            Self::Unsent => broken(),
            Self::Failed(failure) => failure,
        }
    }
}

fn broken() -> Failure {
    Failure::new(
        FailureClass::Reset,
        "the connection broke before an answer came",
    )
}

async fn exchange(
    outbound: &Outbound<'_>,
    way: &Way<'_>,
    endpoint: &Endpoint,
    sender: Sender,
    first: Deadline,
) -> Result<Reply, Exchange> {
    let request = request(outbound, way.upstream, endpoint, sender.is_shared());
    let home = Home {
        endpoint: endpoint.id,
        pool: way.pool,
        tasks: way.drivers,
    };
    let waited = sender.send(request, first, home).await;
    let (status, headers, body) = match waited.map_err(Exchange::Failed)? {
        Ok(answer) => answer,
        Err(Unanswered::Unsent) => return Err(Exchange::Unsent),
        Err(unanswered) => return Err(Exchange::Failed(no_head(&unanswered))),
    };
    Ok(Reply {
        status,
        headers,
        body: Source::Http(body),
    })
}

/// The failure of a request that went out and got no head of an answer.
fn no_head(unanswered: &Unanswered) -> Failure {
    let protocol = |detail| Failure::new(FailureClass::ProtocolError, detail);
    match unanswered {
        Unanswered::TooLarge => {
            protocol("the head of its answer is larger than is taken from anybody").by(Own::Limit)
        }
        Unanswered::NotHttp => protocol("its answer is not HTTP"),
        Unanswered::Breach => {
            protocol("its answer is not HTTP/2, or has a larger head than is taken from anybody")
        }
        Unanswered::Unsent | Unanswered::Broken => broken(),
    }
}

fn request(
    outbound: &Outbound<'_>,
    upstream: &Upstream,
    endpoint: &Endpoint,
    shared: bool,
) -> Request<RequestBody> {
    let pieces = outbound.content.pieces(outbound.model);
    let proof = outbound.authorization.map(|shown| &shown.proof);
    let signed = matches!(proof, Some(Proof::Signature(_))).then(|| pieces.to_bytes());
    let body = if shared {
        RequestBody::in_frames(pieces)
    } else {
        RequestBody::new(pieces)
    };
    let mut request = Request::new(body);
    *request.method_mut() = outbound
        .beyond
        .map_or(Method::POST, |beyond| beyond.method.clone());
    *request.uri_mut() = match outbound.beyond {
        Some(beyond) => endpoint
            .beyond(&beyond.path, shared)
            .unwrap_or_else(|| beyond.uri.clone()),
        None => endpoint.uri(&outbound.aim(), shared),
    };
    let headers = request.headers_mut();
    headers.reserve(HEADERS);
    for (name, value) in outbound.headers {
        if headers::is_of(name, outbound.operation.surface())
            && outbound.trace.keeps(name)
            && let Some(value) = outbound.betas.kept(name, value)
        {
            headers.append(name, value.into_owned());
        }
    }
    if let Carried::Span(span) = outbound.trace {
        headers.insert(TRACEPARENT.clone(), span.clone());
    }
    if outbound.operation.surface() == Surface::Anthropic {
        // The API asks for it; a caller who speaks it names the version that it knows.
        let version = HeaderValue::from_static(ANTHROPIC_VERSION);
        headers.entry("anthropic-version").or_insert(version);
    }
    let amended = outbound.amendments.map(|said| &said.headers);
    upstream.amends.headers(headers, amended);
    // HTTP/2 has the authority in the target, and may not have it twice (RFC 9113, 8.3.1).
    if !shared {
        headers.insert(header::HOST, endpoint.authority());
    }
    if outbound.beyond.is_none() {
        let json = HeaderValue::from_static("application/json");
        let content_type = outbound.content_type.cloned();
        headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(json));
        headers.insert(header::ACCEPT, accepted(outbound));
    }
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    if let Some(proof) = proof {
        show(proof, &mut request, endpoint, &signed.unwrap_or_default());
    }
    request
}

/// Shows who asks; `body` is what is signed.
fn show(proof: &Proof, request: &mut Request<RequestBody>, endpoint: &Endpoint, body: &[u8]) {
    match proof {
        Proof::Header(name, value) => {
            request.headers_mut().insert(name, value.clone());
        }
        Proof::Signature(signer) => {
            let mut headers = std::mem::take(request.headers_mut());
            let target = (request.method(), request.uri());
            signer.sign(target, &endpoint.authority(), body, &mut headers);
            *request.headers_mut() = headers;
        }
        Proof::None => {}
    }
}

/// What an answer may be.
fn accepted(outbound: &Outbound<'_>) -> HeaderValue {
    HeaderValue::from_static(if outbound.stream {
        outbound.operation.stream_type()
    } else if outbound.operation.is_bytes() || outbound.operation.is_text() {
        "*/*"
    } else {
        "application/json"
    })
}

fn simulate(outbound: &Outbound<'_>, upstream: &Upstream) -> Reply {
    let Protocol::Simulated(config) = &upstream.provider.protocol else {
        // `Reach::Simulated` is made of this protocol only.
        return Reply {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: HeaderMap::new(),
            body: Source::Simulated(simulated::Frames::default()),
        };
    };
    let question = simulated::Question {
        operation: outbound.operation,
        body: &outbound.content.pieces(outbound.model).to_bytes(),
        model: outbound.model,
        provider: &upstream.label,
        now: crate::clock::unix_seconds(),
        id: fastrand::u64(..),
        die: fastrand::u32(..100),
    };
    let reply = simulated::answer(config, &question);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
    Reply {
        status: reply.status,
        headers,
        body: Source::Simulated(reply.body),
    }
}
