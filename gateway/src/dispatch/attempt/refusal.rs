//! What a provider said instead of an answer, as a failure.

use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use fairlead_translate::converse;
use fairlead_wire::openai;
use fairlead_wire::openai::ErrorFacts;
use fairlead_wire::sse::Decoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::{MAX_ERROR, Try, read_up_to};
use crate::answer::classify::{Judgement, judge, shown_status};
use crate::answer::told::{self, Telling};
use crate::clock;
use crate::failure::class::consequences;
use crate::failure::{Deadline, Failure, UpstreamError};
use crate::surface::Operation;
use crate::upstream::retry_after::{retry_after, span};
use crate::upstream::transport::Reply;

/// How long the body of an error may take.
const ERROR_BODY: Duration = Duration::from_secs(2);

/// What is said of a provider that has nothing where the operation should be, whatever it says itself: it may be the model that it does not know.
const NO_SUCH_PATH: &str =
    "it does not know this model, or has nothing at the path of this operation below its baseURL";

/// A refusal whose body has been read.
pub(super) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Refusal {
    /// Whether it is the wish for usage that is refused.
    pub(super) fn names_stream_options(&self) -> bool {
        let names = |name: &str| {
            self.body
                .windows(name.len())
                .any(|window| window == name.as_bytes())
        };
        matches!(self.status.as_u16(), 400 | 422)
            && (names("stream_options") || names("include_usage"))
    }
}

impl Try<'_> {
    /// The provider refused with a status: its body says more.
    pub(super) async fn read_refusal(&self, mut reply: Reply, first: Deadline) -> Refusal {
        // The status alone says enough: a body that does not come must not hold up the next target.
        let soon = first.or_at(Instant::now() + ERROR_BODY, FailureClass::ServerError);
        let read = read_up_to(&mut reply.body, Bytes::new(), MAX_ERROR);
        let body = match soon.wait(read).await {
            Ok(Ok((body, _))) => body,
            Ok(Err(_)) | Err(_) => Bytes::new(),
        };
        Refusal {
            status: reply.status,
            headers: reply.headers,
            body,
        }
    }

    /// What the refusal means.
    pub(super) fn refused(&self, refusal: Refusal) -> Failure {
        let Refusal {
            status,
            headers,
            body,
        } = refusal;
        if self.has_no_such_path(status) {
            let judged = Judgement {
                class: FailureClass::Unavailable,
                shown: false,
            };
            let failure = failed(status, judged, None, None, &headers);
            let detail = NO_SUCH_PATH;
            return Failure { detail, ..failure };
        }
        let object = if self.codec.sent == Operation::Converse {
            let kind = headers.get("x-amzn-errortype");
            converse::error::read(&body, kind.and_then(|kind| kind.to_str().ok()))
        } else {
            openai::error_body(&body)
        };
        // Only an error object is passed on: a page of HTML from some proxy on the way is of no use to an SDK.
        let is_object = object.is_some();
        let facts = object.or_else(|| first_event(&body));
        let facts = with_kind(facts, &headers);
        let judged = judge(Some(status.as_u16()), facts.as_ref());
        let answer = facts
            .as_ref()
            .filter(|_| judged.shown && is_object)
            .map(|facts| {
                let telling = self.telling(judged.class, status);
                let body = told::as_body(facts, body, telling);
                self.answer(judged.class, status, &headers, body)
            });
        failed(status, judged, answer, facts.as_ref(), &headers)
    }

    /// The provider said 200 and meant an error.
    pub(super) fn error_in_success(
        &self,
        facts: &ErrorFacts,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Failure {
        let judged = judge(None, Some(facts));
        let status = told::status(facts, judged.class);
        let answer = judged.shown.then(|| {
            let telling = self.telling(judged.class, status);
            let body = told::as_event(facts, Some(body), telling);
            self.answer(judged.class, status, headers, body)
        });
        failed(status, judged, answer, Some(facts), headers)
    }

    /// Whether the provider may not have the operation at all: compatible servers have few of those beside chat.
    fn has_no_such_path(&self, status: StatusCode) -> bool {
        let sent = self.codec.sent;
        (sent.is_passed() || sent == Operation::Responses)
            && matches!(
                status,
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            )
    }

    fn telling(&self, class: FailureClass, status: StatusCode) -> Telling {
        Telling {
            class,
            status: status.as_u16(),
            surface: self.codec.surface(),
            same: self.codec.is_identity(),
        }
    }

    fn answer(
        &self,
        class: FailureClass,
        status: StatusCode,
        provider: &HeaderMap,
        body: Bytes,
    ) -> UpstreamError {
        let mut headers = self.shown(provider);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        UpstreamError {
            status: shown_status(class, status),
            headers,
            body: self.redact(body),
        }
    }
}

fn failed(
    status: StatusCode,
    judged: Judgement,
    answer: Option<UpstreamError>,
    facts: Option<&ErrorFacts>,
    headers: &HeaderMap,
) -> Failure {
    let in_body = || span(facts?.retry_delay.as_deref()?);
    Failure {
        status: Some(status.as_u16()),
        answer: answer.map(Box::new),
        retry_after: retry_after(headers, clock::unix_millis()).or_else(in_body),
        ..Failure::new(judged.class, consequences(judged.class).refusal)
    }
}

/// The error in the first event of a refusal that comes as a stream.
fn first_event(body: &Bytes) -> Option<ErrorFacts> {
    let mut decoder = Decoder::new(MAX_ERROR);
    decoder.push(body.clone());
    let first = decoder.next().ok()?.or_else(|| decoder.rest())?;
    openai::error_body(&first.data?)
}

/// With the kind that Bedrock puts into a header (`ThrottlingException:http://..`).
fn with_kind(facts: Option<ErrorFacts>, headers: &HeaderMap) -> Option<ErrorFacts> {
    let Some(kind) = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok())
    else {
        return facts;
    };
    let kind = kind.split(':').next().unwrap_or_default().to_owned();
    let facts = facts.unwrap_or_default();
    Some(ErrorFacts {
        kind: facts.kind.or(Some(kind)),
        ..facts
    })
}
