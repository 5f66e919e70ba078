//! What a request is sent with: a connection of its own, or a stream of one that requests share.

use std::error::Error as _;
use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode};
use hyper::client::conn::TrySendError;

use super::body::RequestBody;
use super::http1::{self, Answered, Connection};
use super::pool::Pool;
use super::shared::Stream;
use super::source::HttpSource;
use crate::failure::{Deadline, Failure};
use crate::tasks::Tasks;

/// A way for one request.
pub(crate) enum Sender {
    /// A connection of HTTP/1.1.
    One(Box<Connection>),
    /// A stream of HTTP/2.
    Two(Stream),
}

/// Why no answer came.
pub(crate) enum Unanswered {
    /// Nobody has worked on the request, nor will.
    Unsent,
    /// The head is larger than is taken from anybody.
    TooLarge,
    /// What came is not HTTP/1.1.
    NotHttp,
    /// The server broke the rules of HTTP/2.
    Breach,
    /// The connection or the stream broke.
    Broken,
}

/// Where a connection is kept when the answer has been read.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    /// The endpoint that it leads to.
    pub endpoint: u64,
    /// The core's idle connections.
    pub pool: &'a Arc<Pool>,
    /// What waits for the end of an answer.
    pub tasks: &'a Tasks,
}

/// An answer, and its body still to come.
pub(crate) type Answer = (StatusCode, HeaderMap, HttpSource);

impl Sender {
    /// Sends a request and waits for the head of its answer, until the deadline. Dropped before, it gives the request up: over HTTP/2 that resets the
    /// stream only.
    pub(crate) async fn send(
        self,
        request: Request<RequestBody>,
        deadline: Deadline,
        home: Home<'_>,
    ) -> Result<Result<Answer, Unanswered>, Failure> {
        match self {
            Self::One(mut connection) => {
                let answered = deadline.wait(connection.send(request)).await?;
                Ok(match answered {
                    Ok(Answered { status, headers }) => {
                        Ok((status, headers, HttpSource::one(connection, home)))
                    }
                    Err(unanswered) => Err(unanswered.into()),
                })
            }
            // Apart, so that a request over HTTP/1.1 is not as large as this.
            Self::Two(stream) => Box::pin(share(stream, request, deadline, home)).await,
        }
    }

    /// Whether it is a stream of HTTP/2.
    #[must_use]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Two(_))
    }
}

async fn share(
    mut stream: Stream,
    request: Request<RequestBody>,
    deadline: Deadline,
    home: Home<'_>,
) -> Result<Result<Answer, Unanswered>, Failure> {
    let waited = deadline
        .wait(stream.sender().try_send_request(request))
        .await;
    // If it was long, the connection may be dead, and no other request is to wait for it.
    let answer = waited.inspect_err(|_| stream.doubt())?;
    Ok(match answer {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            Ok((
                head.status,
                head.headers,
                HttpSource::two(body, stream, home),
            ))
        }
        Err(unanswered) => Err(reason(&stream, unanswered)),
    })
}

/// Why no answer came over a stream.
fn reason(stream: &Stream, mut unanswered: TrySendError<Request<RequestBody>>) -> Unanswered {
    if unanswered.take_message().is_some() {
        return Unanswered::Unsent;
    }
    let error = unanswered.into_error();
    if of_http_2(&error).is_some_and(h2::Error::is_go_away) {
        stream.leave();
    }
    if is_refused(&error) {
        Unanswered::Unsent
    } else if of_http_2(&error).is_some_and(h2::Error::is_library) {
        Unanswered::Breach
    } else {
        Unanswered::Broken
    }
}

impl From<http1::Unanswered> for Unanswered {
    fn from(unanswered: http1::Unanswered) -> Self {
        match unanswered {
            http1::Unanswered::Unsent => Self::Unsent,
            http1::Unanswered::Broken => Self::Broken,
            http1::Unanswered::TooLarge => Self::TooLarge,
            http1::Unanswered::NotHttp => Self::NotHttp,
        }
    }
}

/// Whether the server says that it has not worked on the request: it has refused the stream (RFC 9113, 8.7), or gone away before it; h2 fails with
/// what a GOAWAY said only the streams beyond the last that was worked on (6.8).
fn is_refused(error: &hyper::Error) -> bool {
    of_http_2(error).is_some_and(|error| {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || refused)
    })
}

fn of_http_2(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}
