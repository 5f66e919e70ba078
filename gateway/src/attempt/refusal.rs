//! What a provider said instead of an answer, as a failure.

use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::{MAX_ERROR, Try, read_up_to};
use crate::classify::classify;
use crate::clock;
use crate::failure::{Deadline, Failure, Refused};
use crate::headers;
use crate::retry_after::retry_after;
use crate::transport::Reply;

/// How long the body of an error may take.
const ERROR_BODY: Duration = Duration::from_secs(2);

impl Try<'_> {
    /// The provider refused with a status: its body says more.
    pub(super) async fn refused(&self, mut reply: Reply, first: Deadline) -> Failure {
        let status = reply.status;
        // The status alone says enough: a body that does not come must not hold up the next target.
        let soon = first.or_at(Instant::now() + ERROR_BODY, FailureClass::ServerError);
        let body = match soon.wait(read_up_to(&mut reply.body, MAX_ERROR)).await {
            Ok(Ok((body, _))) => body,
            Ok(Err(_)) | Err(_) => Bytes::new(),
        };
        let facts = openai::error_body(&body);
        let class = classify(Some(status.as_u16()), facts.as_ref());
        // Only an error object is passed on: a page of HTML from some proxy on the way is of no use to an SDK.
        let answer = facts
            .is_some()
            .then(|| Box::new(self.answer(status, &reply.headers, body)));
        Failure {
            status: Some(status.as_u16()),
            answer,
            retry_after: retry_after(&reply.headers, clock::unix_millis()),
            ..Failure::new(class, refusal(class))
        }
    }

    /// The provider said 200 and meant an error.
    pub(super) fn error_in_success(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Failure {
        let facts = openai::error_body(&body);
        let class = classify(None, facts.as_ref());
        let shown = facts
            .and_then(|facts| facts.status)
            .and_then(|status| StatusCode::from_u16(status).ok());
        let status = shown.unwrap_or(if status.is_success() {
            status_of(class)
        } else {
            status
        });
        Failure {
            status: Some(status.as_u16()),
            retry_after: retry_after(headers, clock::unix_millis()),
            answer: Some(Box::new(self.answer(status, headers, body))),
            ..Failure::new(class, refusal(class))
        }
    }

    fn answer(&self, status: StatusCode, headers: &HeaderMap, body: Bytes) -> Refused {
        Refused {
            status,
            headers: headers::for_caller(headers),
            body: self.redact(body),
        }
    }
}

/// The status that an error has which came without one.
pub(crate) fn status_of(class: FailureClass) -> StatusCode {
    match class {
        FailureClass::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FailureClass::Overloaded | FailureClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FailureClass::ContextTooLong | FailureClass::ContentFiltered | FailureClass::BadRequest => {
            StatusCode::BAD_REQUEST
        }
        FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::TotalTimeout => StatusCode::GATEWAY_TIMEOUT,
        FailureClass::Connect
        | FailureClass::Reset
        | FailureClass::ServerError
        | FailureClass::ProtocolError
        | FailureClass::BadCredential
        | FailureClass::ClientGone => StatusCode::BAD_GATEWAY,
    }
}

fn refusal(class: FailureClass) -> &'static str {
    match class {
        FailureClass::RateLimited => "it limits our rate",
        FailureClass::Overloaded => "it has no capacity",
        FailureClass::Unavailable => "it does not know this model or path",
        FailureClass::ProtocolError => "it answered with a status that its API does not have",
        FailureClass::BadRequest | FailureClass::ContextTooLong | FailureClass::ContentFiltered => {
            "it refused the request"
        }
        FailureClass::BadCredential => "it refused the gateway's credential",
        FailureClass::Connect
        | FailureClass::Reset
        | FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::TotalTimeout
        | FailureClass::ServerError
        | FailureClass::ClientGone => "it answered with an error",
    }
}
