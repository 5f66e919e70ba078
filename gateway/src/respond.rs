//! The answer as the caller sees it: head, body, and the record that ends with the body.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};

use crate::attempt::Committed;
use crate::dispatch::{Refusal, dispatch};
use crate::phases::Work;
use crate::record::Record;
use crate::reject::Rejection;
use crate::relay::company::{Accompanied, Manner, WAITING};
use crate::relay::finish::Beginning;
use crate::relay::large::LargeAnswer;
use crate::relay::stream::{StreamAnswer, in_band};
use crate::worker::{Phase, Worker};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-fairlead-request-id");
const PROVIDER: HeaderName = HeaderName::from_static("x-fairlead-provider");
const MODEL: HeaderName = HeaderName::from_static("x-fairlead-model");
const RULE: HeaderName = HeaderName::from_static("x-fairlead-rule");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-fairlead-attempts");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Does the work and answers. A stream whose content takes long gets its head first.
pub async fn to(work: Work, record: Record) -> Response {
    let heartbeat = work.job.worker.shared.limits.heartbeat;
    let streamed = work.job.stream;
    if !streamed {
        let (record, outcome) = dispatch(work.job, work.plan, record).await;
        return answer(record, outcome, Manner::default());
    }
    let manner = Manner::of(&work.job);
    let pending = Box::pin(dispatch(work.job, work.plan, record));
    let mut beginning = Beginning::new(pending, manner.tasks.clone());
    match tokio::time::timeout(heartbeat, &mut beginning).await {
        Ok((record, outcome)) => answer(record, outcome, manner),
        Err(_) => thinking(beginning, manner, heartbeat),
    }
}

/// A refusal by the gateway itself.
#[must_use]
pub fn rejected(rejection: Rejection, mut record: Record) -> Response {
    record.error = Some(rejection.code());
    let mut response = rejection.into_response();
    describe(response.headers_mut(), &record);
    finished(response, record)
}

/// Asks a caller to open its next connection elsewhere once this gateway is about to end. HTTP/2 says so in its own way.
pub(crate) fn leaving(worker: &Worker, version: Version, mut response: Response) -> Response {
    if version < Version::HTTP_2 && *worker.shared.phase.borrow() != Phase::Serving {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn answer(record: Record, outcome: Result<Committed, Refusal>, manner: Manner) -> Response {
    match outcome {
        Ok(Committed::Whole(whole)) => {
            let mut record = record;
            record.usage = whole.usage;
            record.content_begins();
            record.complete = true;
            let response = head(whole.status, whole.headers, &record, Body::from(whole.body));
            finished(response, record)
        }
        Ok(Committed::Large(large)) => large_answer(large, record),
        Ok(Committed::Stream(answer)) => stream_answer(answer, record, manner),
        Err(Refusal::Own(rejection)) => rejected(rejection, record),
        Err(Refusal::Provider(refused, _)) => {
            let mut response = head(
                refused.status,
                refused.headers,
                &record,
                Body::from(refused.body),
            );
            response
                .headers_mut()
                .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
            finished(response, record)
        }
    }
}

fn head(status: StatusCode, headers: HeaderMap, record: &Record, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    describe(response.headers_mut(), record);
    response
}

/// The headers that say what happened.
fn describe(headers: &mut HeaderMap, record: &Record) {
    let mut set = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(REQUEST_ID, &format!("{:016x}", record.id));
    if let Some(answered) = record.answered() {
        set(PROVIDER, answered.provider.as_deref().unwrap_or_default());
        set(MODEL, &answered.model);
    }
    if let Some(rule) = &record.rule {
        set(RULE, rule);
    }
    if !record.attempts.is_empty() {
        set(ATTEMPTS, &record.attempts_header());
    }
}

/// An answer that is given in one piece: the record is over once it is handed to the connection.
pub(crate) fn finished(response: Response, mut record: Record) -> Response {
    record.status = response.status().as_u16();
    response
}

fn large_answer(large: Box<LargeAnswer>, mut record: Record) -> Response {
    let (status, headers) = (large.status, large.headers.clone());
    record.status = status.as_u16();
    let response_head = head(status, headers, &record, Body::empty());
    let pieces = stream::unfold(
        (large, record, false),
        |(mut large, mut record, failed)| async move {
            if failed {
                return None;
            }
            let piece = large.next(&mut record).await?;
            // An error makes hyper break the connection off, which is how HTTP says that a body is not whole.
            let failed = piece.is_err();
            Some((
                piece.map_err(|failure| std::io::Error::other(failure.detail)),
                (large, record, failed),
            ))
        },
    );
    response_head.map(|_| Body::from_stream(pieces))
}

fn stream_answer(answer: Box<StreamAnswer>, mut record: Record, manner: Manner) -> Response {
    record.status = StatusCode::OK.as_u16();
    let response = head(
        StatusCode::OK,
        answer.headers.clone(),
        &record,
        Body::empty(),
    );
    let stream = Accompanied::new(answer, record, manner);
    let pieces = stream::unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((Ok::<Bytes, Infallible>(piece), stream))
    });
    response.map(|_| Body::from_stream(pieces))
}

/// The states of a stream whose head went out before its content came.
enum Thinking {
    Waiting(Beginning),
    Relaying(Box<Accompanied>),
    Over,
}

/// The head now, comments while the model thinks, then the stream. Failover stays possible; only when every target has failed does the
/// caller see an error inside the stream.
fn thinking(beginning: Beginning, manner: Manner, heartbeat: Duration) -> Response {
    let pieces = stream::unfold(Thinking::Waiting(beginning), move |state| {
        let manner = manner.clone();
        async move {
            match state {
                Thinking::Waiting(mut beginning) => {
                    match tokio::time::timeout(heartbeat, &mut beginning).await {
                        Err(_) => Some((WAITING, Thinking::Waiting(beginning))),
                        Ok((record, outcome)) => Some(after_thinking(record, outcome, manner)),
                    }
                }
                Thinking::Relaying(mut stream) => {
                    let piece = stream.next().await?;
                    Some((piece, Thinking::Relaying(stream)))
                }
                Thinking::Over => None,
            }
        }
    });
    let opening = stream::once(async { WAITING });
    let body = Body::from_stream(futures_util::StreamExt::map(
        futures_util::StreamExt::chain(opening, pieces),
        Ok::<Bytes, Infallible>,
    ));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    response
}

/// What the headers would have said, as a comment before the first event.
fn after_thinking(
    mut record: Record,
    outcome: Result<Committed, Refusal>,
    manner: Manner,
) -> (Bytes, Thinking) {
    record.status = StatusCode::OK.as_u16();
    let mut described = HeaderMap::new();
    describe(&mut described, &record);
    let mut text = String::new();
    for (name, value) in &described {
        text.push_str(&format!(
            ": {name}: {}\n",
            value.to_str().unwrap_or_default()
        ));
    }
    text.push('\n');
    match outcome {
        Ok(Committed::Stream(answer)) => {
            let stream = Accompanied::new(answer, record, manner);
            (text.into(), Thinking::Relaying(Box::new(stream)))
        }
        // A job that streams yields streams.
        Ok(Committed::Whole(_) | Committed::Large(_)) => (text.into(), Thinking::Over),
        Err(refusal) => {
            let object = match &refusal {
                Refusal::Own(rejection) => rejection.body().into(),
                Refusal::Provider(refused, _) => refused.body.clone(),
            };
            (
                [text.as_bytes(), &in_band(&object)].concat().into(),
                Thinking::Over,
            )
        }
    }
}
