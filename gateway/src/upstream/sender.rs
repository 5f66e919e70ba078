//! What a request is sent with: a connection of its own, or a stream of one that requests share.

use std::error::Error as _;
use std::future::Future;

use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};

use super::body::RequestBody;
use super::shared::Stream;

/// A way for one request.
pub(crate) enum Sender {
    /// A connection of HTTP/1.1.
    One(http1::SendRequest<RequestBody>),
    /// A stream of HTTP/2.
    Two(Stream),
}

/// What hyper says when no answer came.
pub(crate) type Unanswered = TrySendError<Request<RequestBody>>;

/// Why no answer came.
pub(crate) enum Reason {
    /// Nobody has worked on the request, nor will.
    Unsent,
    /// Anything else.
    Other(hyper::Error),
}

impl Sender {
    /// Sends a request and waits for the head of its answer. Dropped before, it gives the request up: over HTTP/2 that resets the stream only.
    pub(crate) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, Unanswered>> + use<> {
        match self {
            Self::One(sender) => Either::Left(sender.try_send_request(request)),
            Self::Two(stream) => Either::Right(stream.sender().try_send_request(request)),
        }
    }

    /// Why no answer came.
    #[must_use]
    pub(crate) fn reason(&self, mut unanswered: Unanswered) -> Reason {
        if unanswered.take_message().is_some() {
            return Reason::Unsent;
        }
        let error = unanswered.into_error();
        if let Self::Two(stream) = self {
            if of_http_2(&error).is_some_and(h2::Error::is_go_away) {
                stream.leave();
            }
            if is_refused(&error) {
                return Reason::Unsent;
            }
        }
        Reason::Other(error)
    }

    /// Nothing came in time. If that was long, a shared connection may be dead, and no other request is to wait for it.
    pub(crate) fn doubt(&self) {
        if let Self::Two(stream) = self {
            stream.doubt();
        }
    }

    /// Whether it is a stream of HTTP/2.
    #[must_use]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Two(_))
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

/// Whether the server broke the rules of HTTP/2.
#[must_use]
pub(crate) fn is_breach(error: &hyper::Error) -> bool {
    of_http_2(error).is_some_and(h2::Error::is_library)
}

fn of_http_2(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}
