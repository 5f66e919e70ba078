//! The answer as the caller sees it: head, body, and the record that ends with the body.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{once, unfold};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Body as _;

use crate::answer::body::{Body, Response};
use crate::answer::finish::{Beginning, Pending};
use crate::answer::heartbeat::{Delivery, WithHeartbeat};
use crate::answer::large::LargeAnswer;
use crate::answer::recovery::Recoverable;
use crate::answer::reject::Rejection;
use crate::answer::{Committed, Outcome, Unanswered, WholeAnswer};
use crate::govern::reservation::Used;
use crate::govern::usd::{Usd, Written};
use crate::judges::Tokens;
use crate::observe::record::Record;
use crate::surface::Surface;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-fairlead-request-id");
const PROVIDER: HeaderName = HeaderName::from_static("x-fairlead-provider");
const MODEL: HeaderName = HeaderName::from_static("x-fairlead-model");
const RULE: HeaderName = HeaderName::from_static("x-fairlead-rule");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-fairlead-attempts");
const COST: HeaderName = HeaderName::from_static("x-fairlead-cost-usd");
/// The budget for which cheaper targets were asked first.
const SOFT: HeaderName = HeaderName::from_static("x-fairlead-budget");
/// The longest answer that a strict budget has left room for, in tokens.
const CLAMPED: HeaderName = HeaderName::from_static("x-fairlead-max-tokens");
const WARNING: HeaderName = HeaderName::from_static("warning");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Answers in one piece.
pub(crate) fn whole((record, outcome): Outcome) -> Response {
    answer(record, outcome, Delivery::default())
}

/// Answers with a stream. One whose content takes long gets its head first.
pub(crate) async fn stream(work: Pending, delivery: Delivery, heartbeat: Duration) -> Response {
    let mut beginning = Beginning::new(work, delivery.tasks.clone());
    match tokio::time::timeout(heartbeat, &mut beginning).await {
        Ok((record, outcome)) => answer(record, outcome, delivery),
        Err(_) => thinking(beginning, delivery, heartbeat),
    }
}

/// A refusal by the gateway itself.
#[must_use]
pub(crate) fn rejected(rejection: &Rejection, mut record: Record) -> Response {
    record.refused(rejection.code(), rejection.limit());
    let mut response = rejection.response(record.surface);
    describe(response.headers_mut(), &record);
    finished(response, record)
}

fn answer(record: Record, outcome: Result<Committed, Unanswered>, delivery: Delivery) -> Response {
    match outcome {
        Ok(Committed::Whole(whole)) => {
            let (mut record, mut whole) = (record, whole);
            take(&mut whole, &mut record);
            let response = head(
                whole.status,
                whole.headers,
                &record,
                Body::whole(whole.body),
            );
            finished(response, record)
        }
        Ok(Committed::Large(large)) => large_answer(large, record),
        Ok(Committed::Stream(answer)) => stream_answer(answer, record, delivery),
        Err(Unanswered::Own(rejection)) => rejected(&rejection, record),
        Err(Unanswered::Provider(refused, _)) => {
            let mut response = head(
                refused.status,
                refused.headers,
                &record,
                Body::whole(refused.body),
            );
            response
                .headers_mut()
                .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
            finished(response, record)
        }
    }
}

/// Notes an answer in one piece, which is over now.
pub(crate) fn take(whole: &mut WholeAnswer, record: &mut Record) {
    if let Some(mut ticket) = whole.ticket.take() {
        ticket.settle(None, Tokens::of(whole.usage.as_deref()));
    }
    record.usage = whole.usage.take().map(|usage| *usage);
    record.is_told(std::mem::take(&mut whole.told));
    *record.used = Used::of_whole(
        record.usage.and_then(|usage| usage.parts.told()),
        record.operation,
        whole.body.len(),
    );
    record.settle();
    record.content_begins();
    record.complete = true;
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
    let mut set = |name: HeaderName, value: Bytes| {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            headers.insert(name, value);
        }
    };
    let copied = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    set(REQUEST_ID, Bytes::copy_from_slice(&digits(record.id)));
    if let Some(answered) = record.answered() {
        set(
            PROVIDER,
            copied(answered.provider.as_deref().unwrap_or_default()),
        );
        set(MODEL, copied(&answered.model));
        if let Some(dropped) = &answered.dropped {
            // warn-code, warn-agent, warn-text (RFC 7234, 5.5)
            let warning = format!("299 fairlead \"not asked for: {dropped}\"");
            set(WARNING, warning.into());
        }
        if let Some(clamped) = answered.clamped {
            set(CLAMPED, clamped.to_string().into());
        }
    }
    if let Some(cost) = &record.cost {
        set(COST, copied(Written::new(Usd(cost.nanos)).as_str()));
    }
    if let Some(soft) = &record.soft {
        set(SOFT, copied(soft));
    }
    if let Some(rule) = &record.rule {
        set(RULE, copied(rule));
    }
    if !record.attempts.is_empty() {
        set(ATTEMPTS, record.attempts_header().into());
    }
    if let Some(rates) = &record.rates {
        rates.write(headers, record.surface);
    }
}

/// The sixteen hexadecimal digits of a request's id.
fn digits(id: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 16];
    for (two, byte) in digits.chunks_exact_mut(2).zip(id.to_be_bytes()) {
        two[0] = DIGITS[usize::from(byte >> 4)];
        two[1] = DIGITS[usize::from(byte & 15)];
    }
    digits
}

/// An answer that is given in one piece: the record is over once it is handed to the connection.
pub(crate) fn finished(response: Response, mut record: Record) -> Response {
    record.status = response.status().as_u16();
    let length = response.body().size_hint().exact();
    record.response_bytes = length.unwrap_or_default();
    if let Some(body) = response.body().bytes() {
        record.gives_whole(body);
    }
    response
}

fn large_answer(large: Box<LargeAnswer>, mut record: Record) -> Response {
    let (status, headers) = (large.status, large.headers.clone());
    record.status = status.as_u16();
    let response_head = head(status, headers, &record, Body::empty());
    let pieces = unfold(
        (large, record, false),
        |(mut large, mut record, failed)| async move {
            if failed {
                return None;
            }
            let piece = large.next(&mut record).await?;
            // An error makes hyper break the connection off, which is how HTTP says that a body is not whole.
            let failed = piece.is_err();
            if failed {
                // What was given before it may be of this very moment, and is written first.
                tokio::task::yield_now().await;
            }
            Some((
                piece.map_err(|failure| std::io::Error::other(failure.detail)),
                (large, record, failed),
            ))
        },
    );
    response_head.map(|_| Body::pieces(pieces))
}

fn stream_answer(answer: Box<Recoverable>, mut record: Record, delivery: Delivery) -> Response {
    record.status = StatusCode::OK.as_u16();
    let response = head(
        StatusCode::OK,
        answer.answer.headers.clone(),
        &record,
        Body::empty(),
    );
    let stream = WithHeartbeat::new(answer, record, delivery);
    let pieces = unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((Ok::<Bytes, std::io::Error>(piece), stream))
    });
    response.map(|_| Body::pieces(pieces))
}

/// The states of a stream whose head went out before its content came.
enum Thinking {
    Waiting(Beginning),
    Relaying(Box<WithHeartbeat>),
    Over,
}

/// The head now, comments while the model thinks, then the stream. Failover stays possible; only when every target has failed does the
/// caller see an error inside the stream.
fn thinking(beginning: Beginning, delivery: Delivery, heartbeat: Duration) -> Response {
    let surface = delivery.surface;
    let pieces = unfold(Thinking::Waiting(beginning), move |state| {
        let delivery = delivery.clone();
        async move {
            match state {
                Thinking::Waiting(mut beginning) => {
                    match tokio::time::timeout(heartbeat, &mut beginning).await {
                        Err(_) => Some((surface.waiting(), Thinking::Waiting(beginning))),
                        Ok((record, outcome)) => Some(after_thinking(record, outcome, delivery)),
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
    let opening = once(async move { surface.waiting() });
    let body = Body::pieces(futures_util::StreamExt::map(
        futures_util::StreamExt::chain(opening, pieces),
        Ok::<Bytes, std::io::Error>,
    ));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    response
}

/// What the headers would have said, as comments before the first event.
fn after_thinking(
    mut record: Record,
    outcome: Result<Committed, Unanswered>,
    delivery: Delivery,
) -> (Bytes, Thinking) {
    record.status = StatusCode::OK.as_u16();
    let mut described = HeaderMap::new();
    describe(&mut described, &record);
    let mut text = String::new();
    if record.surface == Surface::Gemini {
        described.clear();
    }
    for (name, value) in &described {
        text.push_str(&format!(
            ": {name}: {}\n",
            value.to_str().unwrap_or_default()
        ));
    }
    match outcome {
        Ok(Committed::Stream(answer)) => {
            let stream = WithHeartbeat::new(answer, record, delivery);
            (text.into(), Thinking::Relaying(Box::new(stream)))
        }
        // A job that streams yields streams.
        Ok(Committed::Whole(_) | Committed::Large(_)) => (text.into(), Thinking::Over),
        Err(refusal) => {
            let object = match &refusal {
                Unanswered::Own(rejection) => rejection.body(record.surface).into(),
                Unanswered::Provider(refused, _) => refused.body.clone(),
            };
            record.gives_whole(&object);
            (
                [text.as_bytes(), &record.surface.in_band(&object)]
                    .concat()
                    .into(),
                Thinking::Over,
            )
        }
    }
}
