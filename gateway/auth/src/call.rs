//! One call to a server of tokens, in terms that any HTTP library can carry out.
//!
//! Who implements [`Http`] opens the connection, checks the server's certificate and follows no redirect: a token must not be sent where an
//! answer says. What came back is sorted here, the same for all servers: not reached, busy, or an answer to read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::{Problem, Secret, World, url};

/// More than this is no answer of such a server, and need not be read. Tokens of clouds are a few KiB.
pub const ANSWER_BYTES: usize = 256 * 1024;

/// How long a server on the internet may take. They answer in under a second; a token is asked for long before it is needed.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one on this node may take.
const TIMEOUT_NEAR: Duration = Duration::from_secs(5);

/// The way to call out.
pub trait Http: Send + Sync {
    /// Sends a request and reads all of the answer. It is dropped when its time is over.
    fn send(&self, request: Request) -> Sending<'_>;
}

/// A call under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, SendError>> + Send + 'a>>;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`, without a body.
    Get,
    /// `POST`
    Post,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Where a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere; who wrote the address may be a tenant, so that the rules of egress and proxies hold for it.
    Anywhere,
    /// On this node or beside this process: the address is from the process's own environment or the cloud's fixed one, usually link-local. It
    /// is called straight, never through a proxy, and the rules of egress do not hold for it.
    Node,
    /// The API server of the cluster that this pod is in, by its name there: nobody's certificate counts but one that the cluster's own authority vouches
    /// for, it is called straight, and the rules of egress do not hold for it.
    Cluster,
}

/// A request. Printing shows neither the values of its headers nor its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address, with `http` or `https`.
    pub url: String,
    /// Names in lower case, and values. `Host` and `Content-Length` are for the library to add; `Host` is what the address names.
    pub headers: Vec<(&'static str, Secret)>,
    /// What is sent.
    pub body: Bytes,
    /// How long all of it may take. Kept here as well: a library without timeouts will do.
    pub timeout: Duration,
    /// Where the server stands.
    pub reach: Reach,
}

/// An answer, read to its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// What `Retry-After` says, if it says anything.
    pub retry_after: Option<Duration>,
    /// At most [`ANSWER_BYTES`] of it are of use.
    pub body: Bytes,
}

/// There was no answer. Says why, for a log: refused, unknown host, a certificate that nobody vouches for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(pub String);

impl Request {
    /// One without a body.
    pub(crate) fn get(url: impl Into<String>, reach: Reach) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: match reach {
                Reach::Anywhere => TIMEOUT,
                Reach::Node | Reach::Cluster => TIMEOUT_NEAR,
            },
            reach,
        }
    }

    /// One with a body.
    pub(crate) fn post(url: impl Into<String>, content_type: &str, body: String) -> Self {
        Self {
            method: Method::Post,
            body: body.into(),
            ..Self::get(url, Reach::Anywhere)
        }
        .with("content-type", Secret::new(content_type))
    }

    /// One with the fields of a form.
    pub(crate) fn form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = crate::encode::form(fields);
        Self::post(url, "application/x-www-form-urlencoded", body)
    }

    /// With a header more.
    pub(crate) fn with(mut self, name: &'static str, value: Secret) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Sends a request; what comes back has a status that speaks about the request, good or bad.
///
/// # Errors
/// There was no answer in time, one that says nothing of the request (408, 429, 5xx), or one that is too long.
pub(crate) async fn exchange(world: &World, request: Request) -> Result<Response, Problem> {
    let server = url::server(&request.url).to_owned();
    let timeout = request.timeout;
    let response = match tokio::time::timeout(timeout, world.http.send(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let reason = error.to_string();
            return Err(Problem::Unreachable { server, reason });
        }
        Err(_) => {
            let reason = format!("no answer in {} s", timeout.as_secs());
            return Err(Problem::Unreachable { server, reason });
        }
    };
    match response.status {
        status @ (408 | 429 | 500..) => Err(Problem::Busy {
            server,
            status,
            retry_after: response.retry_after,
        }),
        _ if response.body.len() > ANSWER_BYTES => {
            let what = "an answer that is far too long";
            Err(Problem::Malformed { server, what })
        }
        _ => Ok(response),
    }
}
