//! Sending one request over one connection: from a `Try` to the head of an answer.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::attempt::Try;
use crate::failure::{Deadline, Failure};
use crate::upstream::Reach;
use crate::upstream::body::RequestBody;
use crate::upstream::endpoint::{ConnectError, Endpoint};
use crate::upstream::simulated;
use crate::upstream::source::{HttpSource, Source};
use crate::worker::Worker;
use fairlead_snapshot::{FailureClass, Protocol};

/// As many header fields as a request may have, so that the map is made once.
const HEADERS: usize = 12;
/// How long an idle connection may take to be ready.
const MOMENT: Duration = Duration::from_millis(5);

/// The head of an answer, and its body still to come.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Source,
}

/// Sends the request and waits for the head of the answer, until `first`.
///
/// # Errors
/// No connection, a connection that broke, or a deadline.
pub async fn send(attempt: &Try<'_>, total: Deadline, first: Deadline) -> Result<Reply, Failure> {
    match &attempt.upstream.reach {
        Reach::Http(endpoint) => over_http(attempt, endpoint, total, first).await,
        Reach::Simulated => Ok(simulate(attempt)),
        Reach::Broken => Err(Failure::new(
            FailureClass::Unavailable,
            "its configuration cannot be used; see the status of the LLMProvider",
        )),
    }
}

async fn over_http(
    attempt: &Try<'_>,
    endpoint: &Endpoint,
    total: Deadline,
    first: Deadline,
) -> Result<Reply, Failure> {
    let worker = &attempt.job.worker;
    let idle = if attempt.anew {
        None
    } else {
        reuse(worker, endpoint).await
    };
    if let Some(sender) = idle {
        match exchange(attempt, endpoint, sender, first).await {
            // The server closed an idle connection just as it was used. It has not answered, so this is not an attempt of its own.
            Err(Exchange::Broken) => {}
            other => return other.map_err(Exchange::into_failure),
        }
    }
    let connect = total.or_at(
        Instant::now() + attempt.timeouts.connect,
        FailureClass::Connect,
    );
    let sender = connect
        .wait(endpoint.connect(&worker.drivers))
        .await?
        .map_err(|error| refused_connection(attempt, &error))?;
    exchange(attempt, endpoint, sender, first)
        .await
        .map_err(Exchange::into_failure)
}

/// An idle connection that is still good. One whose last exchange has not quite ended gets a moment; a provider that answered without
/// reading the whole request may never be ready again.
async fn reuse(worker: &Worker, endpoint: &Endpoint) -> Option<SendRequest<RequestBody>> {
    loop {
        let mut sender = worker.pool.take(endpoint.id)?;
        if sender.is_ready()
            || matches!(
                tokio::time::timeout(MOMENT, sender.ready()).await,
                Ok(Ok(()))
            )
        {
            return Some(sender);
        }
    }
}

/// Why an exchange failed.
enum Exchange {
    /// The connection broke before the head of the answer.
    Broken,
    /// Anything else.
    Failed(Failure),
}

impl Exchange {
    fn into_failure(self) -> Failure {
        match self {
            Self::Broken => Failure::new(
                FailureClass::Reset,
                "the connection broke before an answer came",
            ),
            Self::Failed(failure) => failure,
        }
    }
}

async fn exchange(
    attempt: &Try<'_>,
    endpoint: &Endpoint,
    mut sender: SendRequest<RequestBody>,
    first: Deadline,
) -> Result<Reply, Exchange> {
    let request = request(attempt, endpoint);
    let answer = first
        .wait(sender.send_request(request))
        .await
        .map_err(Exchange::Failed)?;
    let answer = answer.map_err(|error| {
        if error.is_parse() {
            Exchange::Failed(Failure::new(
                FailureClass::ProtocolError,
                "its answer is not HTTP",
            ))
        } else {
            Exchange::Broken
        }
    })?;
    let (head, body) = answer.into_parts();
    let worker = &attempt.job.worker;
    let body = HttpSource::new(body, sender, endpoint.id, &worker.pool, &worker.drivers);
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: Source::Http(body),
    })
}

fn request(attempt: &Try<'_>, endpoint: &Endpoint) -> Request<RequestBody> {
    let job = attempt.job;
    let pieces = job.edits.upstream_body(
        &job.body,
        attempt.model,
        attempt.upstream.reports_stream_usage(),
    );
    let mut request = Request::new(RequestBody::new(pieces));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.uri(job.operation);
    let headers = request.headers_mut();
    headers.reserve(HEADERS);
    for (name, value) in &job.headers {
        headers.insert(name, value.clone());
    }
    headers.insert(header::HOST, endpoint.authority());
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static(if job.stream {
            "text/event-stream"
        } else {
            "application/json"
        }),
    );
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    if let Some(authorization) = &attempt.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    request
}

fn refused_connection(attempt: &Try<'_>, error: &ConnectError) -> Failure {
    tracing::debug!(provider = %attempt.upstream.label, %error, "no connection");
    let detail = match error {
        ConnectError::Resolve(_) => "its name cannot be resolved",
        ConnectError::PrivateAddress(_) => {
            "its address is private, and the LLMProvider does not allow that (spec.allowPrivateNetwork)"
        }
        ConnectError::Tls(..) => "its certificate was not accepted, or TLS failed",
        ConnectError::Tcp(..) | ConnectError::Http(..) => "no connection came about",
    };
    Failure::new(FailureClass::Connect, detail)
}

fn simulate(attempt: &Try<'_>) -> Reply {
    let job = attempt.job;
    let Protocol::Simulated(config) = &attempt.upstream.provider.protocol else {
        // `Reach::Simulated` is made of this protocol only.
        return Reply {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: HeaderMap::new(),
            body: Source::Simulated(simulated::Frames::default()),
        };
    };
    let question = simulated::Question {
        operation: job.operation,
        body: &job
            .edits
            .upstream_body(
                &job.body,
                attempt.model,
                attempt.upstream.reports_stream_usage(),
            )
            .to_bytes(),
        model: attempt.model,
        provider: &attempt.upstream.label,
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
