//! The phases of a request before anything is sent, each a function that the pipeline names.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use fairlead_admit::{Admitted, Refused};
use fairlead_condition::{Facts, RequestFacts};
use fairlead_route::Plan;
use fairlead_wire::openai::request::{Edits, Request, parse};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::affinity;
use crate::clock;
use crate::dispatch::Job;
use crate::headers;
use crate::memory::Permit;
use crate::record::Record;
use crate::reject::Rejection;
use crate::relay::terms::Terms;
use crate::runtime::{Admission, Runtime};
use crate::surface::Operation;
use crate::worker::Worker;

/// A caller may lower the time for its request, never raise it.
const TIMEOUT_HEADER: &str = "x-fairlead-timeout-ms";

/// The longest model name, in bytes, as for the names in resources.
const MAX_MODEL: usize = 256;
/// What is taken of the memory before the first byte: the rest is taken as bytes arrive, so that announcing much reserves little.
const FIRST_PERMIT: usize = 64 * 1024;

/// Where callers put their keys; no condition sees these.
pub(crate) const KEY_HEADERS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// What dispatch works on.
#[derive(Debug)]
pub struct Work {
    /// The request.
    pub job: Job,
    /// The attempts.
    pub plan: Plan,
}

/// Notes what the head says.
pub fn note(record: &mut Record, operation: Operation, headers: &HeaderMap) {
    record.operation = Some(operation);
    // version "-" trace-id "-" parent-id "-" flags (source: W3C Trace Context)
    let trace = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split('-').nth(1));
    record.trace = trace.filter(|id| id.len() == 32).map(Into::into);
}

/// Who calls. Needs only headers, so that a stranger fills no memory.
///
/// # Errors
/// No key, an unknown one, or one that is expired or suspended.
pub fn authenticate<'a>(
    runtime: &'a Runtime,
    headers: &HeaderMap,
    record: &mut Record,
) -> Result<&'a Admitted<Admission>, Rejection> {
    let presented = presented(headers).ok_or(Rejection::MissingKey)?;
    let admitted = runtime
        .keys
        .find(presented, clock::unix_seconds())
        .map_err(|refused| match refused {
            Refused::Unknown => Rejection::InvalidKey,
            Refused::Expired => Rejection::KeyExpired,
            Refused::Suspended => Rejection::KeySuspended,
        })?;
    record.key = Some(Arc::clone(&admitted.context.label));
    Ok(admitted)
}

/// The key a caller presents: `Authorization: Bearer`, else `x-api-key`, else `api-key`.
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
        .filter(|key| !key.is_empty())
}

/// The gateway reads and edits bodies; one that is compressed could be a thousand times its size.
///
/// # Errors
/// Any `Content-Encoding` but identity.
pub fn refuse_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Rejection::UnsupportedEncoding)
        }
        _ => Ok(()),
    }
}

/// Reads the body, within its limits of size, time and memory.
///
/// # Errors
/// Too large, too slow, no memory left, or the caller stopped sending.
pub async fn read(
    worker: &Worker,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Permit), Rejection> {
    let limits = &worker.shared.limits;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes) {
        return Err(Rejection::BodyTooLarge(limits.body_bytes));
    }
    let permit = worker
        .shared
        .memory
        .permit(announced.unwrap_or(0).min(FIRST_PERMIT))
        .map_err(|_| Rejection::Overloaded)?;
    tokio::time::timeout(
        limits.body_time,
        collect(body, announced.unwrap_or(0), limits.body_bytes, permit),
    )
    .await
    .map_err(|_| Rejection::BodyTimeout(limits.body_time.as_secs()))?
}

async fn collect(
    mut body: Body,
    announced: usize,
    limit: usize,
    mut permit: Permit,
) -> Result<(Bytes, Permit), Rejection> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Rejection::InvalidRequest(
                "the body ended before its announced end; send all of it".to_owned(),
            )
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        // The usual body comes in one piece, which then need not be copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(announced.max(first.len() + data.len()));
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
        let length = first.len().max(rest.len());
        if length > limit {
            return Err(Rejection::BodyTooLarge(limit));
        }
        permit.grow_to(length).map_err(|_| Rejection::Overloaded)?;
    }
    let body = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok((body, permit))
}

/// What the body says, as far as the gateway acts on it.
#[derive(Debug)]
pub struct Asked<'a> {
    pub(crate) request: Request<'a>,
    operation: Operation,
    edits: Edits,
}

/// Looks into the body without building a tree of it.
///
/// # Errors
/// A body that is no well-formed request.
pub fn peek<'a>(
    operation: Operation,
    body: &'a Bytes,
    record: &mut Record,
) -> Result<Asked<'a>, Rejection> {
    let request = parse(body)?;
    if request.model.len() > MAX_MODEL || request.model.chars().any(char::is_control) {
        let message = format!(
            "model is longer than {MAX_MODEL} bytes or holds control characters; GET /v1/models lists the names this key can use"
        );
        return Err(Rejection::InvalidRequest(message));
    }
    record.model = Some(request.model.as_ref().into());
    record.stream = request.stream && operation.streams();
    let edits = request.edits();
    Ok(Asked {
        request,
        operation,
        edits,
    })
}

/// Where the request goes.
///
/// # Errors
/// The key may not, or nobody answers to the name.
pub fn plan(
    runtime: &Runtime,
    admitted: &Admitted<Admission>,
    asked: &Asked<'_>,
    headers: &HeaderMap,
    record: &mut Record,
) -> Result<Plan, Rejection> {
    let caller = &admitted.context.caller;
    let facts = || Facts::new(asked.facts(headers), caller.facts());
    let mut plan = runtime
        .table
        .plan(caller, &asked.request.model, &facts)
        .map_err(|reason| Rejection::no_route(reason, &asked.request.model))?;
    affinity::keep(&mut plan, asked, headers);
    record.rule = plan.rule.as_ref().map(|rule| rule.name.to_string().into());
    Ok(plan)
}

/// When the whole request must be over: the first target's `total` time, or less if the caller says so.
///
/// # Errors
/// A header that is not a number of milliseconds.
pub fn deadline(
    runtime: &Runtime,
    plan: &Plan,
    headers: &HeaderMap,
    record: &Record,
) -> Result<Instant, Rejection> {
    let first = plan
        .steps
        .iter()
        .find_map(|step| runtime.upstreams.get(step.provider?.0));
    let provider = first
        .map(|upstream| upstream.provider.timeouts)
        .unwrap_or_default();
    let mut total = plan
        .rule
        .as_ref()
        .map_or(provider, |rule| rule.timeouts.over(&provider))
        .total;
    if let Some(wish) = headers.get(TIMEOUT_HEADER) {
        let wrong = || {
            Rejection::InvalidRequest(format!(
                "the header {TIMEOUT_HEADER} must be a whole number of milliseconds, at least 1"
            ))
        };
        let millis: u64 = wish
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .filter(|millis| *millis > 0)
            .ok_or_else(wrong)?;
        total = total.min(Duration::from_millis(millis));
    }
    Ok(record.started + total)
}

impl Asked<'_> {
    /// What conditions see: every header but the key, and the parameters, not the content.
    fn facts(&self, headers: &HeaderMap) -> RequestFacts {
        let mut seen: Vec<(String, String)> = Vec::with_capacity(headers.keys_len());
        for name in headers
            .keys()
            .filter(|name| !KEY_HEADERS.contains(&name.as_str()))
        {
            let values: Vec<&str> = headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            seen.push((name.as_str().to_owned(), values.join(", ")));
        }
        let object = &self.request.object;
        let params = object
            .members()
            .iter()
            .filter(|member| member.key != self.operation.content_member())
            .filter_map(|member| {
                Some((
                    member.key.clone().into_owned(),
                    serde_json::from_str(object.text(member)).ok()?,
                ))
            })
            .collect();
        RequestFacts {
            headers: seen,
            model: self.request.model.clone().into_owned(),
            stream: self.request.stream,
            params,
        }
    }

    /// How the rule wants its stream treated.
    #[must_use]
    pub fn terms(&self, plan: &Plan) -> Terms {
        plan.rule
            .as_ref()
            .map(|rule| Terms::of(rule.stream, self.operation, &self.request))
            .unwrap_or_default()
    }

    /// The owned part of it, with what else an answer is made from.
    #[must_use]
    pub fn job(
        &self,
        worker: &Arc<Worker>,
        runtime: &Arc<Runtime>,
        headers: &HeaderMap,
        body: Bytes,
        permit: Permit,
        deadline: Instant,
    ) -> Job {
        Job {
            worker: Arc::clone(worker),
            runtime: Arc::clone(runtime),
            operation: self.operation,
            stream: self.request.stream && self.operation.streams(),
            choices: self.request.n,
            caller_wants_usage: self.request.include_usage,
            headers: headers::for_provider(headers),
            edits: self.edits.clone(),
            body,
            deadline,
            permit,
            terms: Terms::default(),
            sent: AtomicU32::default(),
        }
    }
}
