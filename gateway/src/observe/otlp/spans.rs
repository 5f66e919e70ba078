//! A request as spans: one for what the gateway did for its caller, and below it one for each attempt that was sent.
//!
//! The first has no attribute that begins with `gen_ai.`: backends make a call of a model, with tokens and a price, of every span that has one.
//! The conventions would have one span over all retries; here each attempt has its own, for another target is another provider, model, price
//! and error (`docs/tracing.md`).

use std::time::Duration;

use fairlead_record::{Attempt, Entry, Tokens, Trace};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::attributes::Attributes;
use super::names::{
    CACHE_READ, CACHE_WRITE, FINISH_REASONS, INPUT_TOKENS, Names, OPERATION, OUTPUT_TOKENS,
    PROVIDER, REASONING, REQUEST_MODEL, RESPONSE_ID, RESPONSE_MODEL, TIME_TO_FIRST_CHUNK,
};
use crate::args::OtlpUsage;
use crate::observe::followed::followed;

/// It is known whether the parent is another process's (source: OTLP, `SpanFlags`).
const REMOTE_KNOWN: u32 = 0x100;
/// It is.
const REMOTE: u32 = 0x200;

/// Whose tokens are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Everybody's.
    #[default]
    Always,
    /// Those of requests whose caller does not trace: one who does has told them itself, and backends add up the whole tree.
    WhenRoot,
}

impl From<OtlpUsage> for Usage {
    fn from(said: OtlpUsage) -> Self {
        match said {
            OtlpUsage::Always => Self::Always,
            OtlpUsage::WhenRoot => Self::WhenRoot,
        }
    }
}

/// How spans are written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Form {
    /// By which names.
    pub names: Names,
    /// With whose tokens.
    pub usage: Usage,
}

/// How many spans a request has.
#[must_use]
pub(super) fn count(entry: &Entry) -> usize {
    1 + entry
        .attempts
        .iter()
        .filter(|one| one.span.is_some())
        .count()
}

/// Writes the spans of a request that is traced.
pub(super) fn write(entry: &Entry, form: Form, spans: &mut Vec<Span>) {
    let Some(trace) = &entry.trace else { return };
    spans.push(server(entry, trace, form));
    let sent = entry.attempts.iter().filter(|one| one.sent);
    for attempt in sent {
        if let Some(span) = attempt.span {
            spans.push(client(entry, attempt, trace, span, form));
        }
    }
}

fn server(entry: &Entry, trace: &Trace, form: Form) -> Span {
    let method = entry.method.as_deref().unwrap_or("_OTHER");
    let remote = trace.parent.map_or(0, |_| REMOTE_KNOWN | REMOTE);
    Span {
        trace_id: trace.id.to_vec(),
        span_id: trace.span.to_vec(),
        parent_span_id: trace.parent.map(Vec::from).unwrap_or_default(),
        flags: u32::from(trace.sampled) | remote,
        name: match entry.route.as_deref() {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        },
        kind: SpanKind::Server.into(),
        start_time_unix_nano: at(entry, 0),
        end_time_unix_nano: at(entry, entry.duration_us),
        attributes: of_request(entry, trace, form),
        // A caller's own mistake is no error of the server (source: OpenTelemetry's HTTP conventions).
        status: status(entry.status >= 500),
        ..Span::default()
    }
}

fn of_request(
    entry: &Entry,
    trace: &Trace,
    form: Form,
) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
    let mut all = Attributes::new(form.names, 24);
    all.put("http.request.method", entry.method.as_deref());
    all.put("http.route", entry.route.as_deref());
    let status = Some(u64::from(entry.status)).filter(|status| *status > 0);
    all.put("http.response.status_code", status);
    all.put("http.request.body.size", entry.request_bytes);
    all.put("http.response.body.size", entry.response_bytes);
    all.put("user_agent.original", entry.user_agent.as_deref());
    all.put("error.type", entry.error.as_deref());
    all.put("fairlead.request.id", format!("{:016x}", entry.id));
    all.put("fairlead.key", entry.key.as_deref());
    all.put("fairlead.team", entry.team.as_deref());
    all.put("fairlead.rule", entry.rule.as_deref());
    all.put("fairlead.requested_model", entry.model.as_deref());
    all.put("fairlead.chosen_by", entry.chosen_by.as_deref());
    all.put("fairlead.stream", entry.stream);
    let sent = || entry.attempts.iter().filter(|attempt| attempt.sent);
    all.put("fairlead.attempts", number(sent().count()));
    let skipped = entry.attempts.iter().filter(|attempt| !attempt.sent);
    let skipped = skipped.map(|attempt| format!("{}={}", attempt.target, attempt.outcome));
    all.put("fairlead.skipped", skipped.collect::<Vec<_>>());
    let mut followers = entry.attempts.iter().enumerate();
    let fallback = followers.any(|(at, one)| {
        followed(&entry.attempts, at).is_some_and(|before| before.target != one.target)
    });
    all.put("fairlead.fallback", fallback);
    let queued: u64 = entry.attempts.iter().map(|attempt| attempt.queued_us).sum();
    all.put("fairlead.queue_ms", millis(queued));
    all.put(
        "fairlead.first_content_ms",
        entry.first_content_us.map(millis),
    );
    all.put("fairlead.complete", entry.complete);
    all.put("fairlead.generation", entry.generation);
    all.put("fairlead.sampled_by", trace.sampled_by.as_deref());
    all.cost(entry.cost);
    for tag in &entry.tags {
        let name = format!("http.request.header.{}", tag.name);
        all.put(&name, vec![tag.value.to_string()]);
    }
    all.done()
}

fn client(entry: &Entry, attempt: &Attempt, trace: &Trace, span: [u8; 8], form: Form) -> Span {
    let operation = entry.operation.as_deref().unwrap_or("_OTHER");
    let failed = !matches!(&*attempt.outcome, "ok" | "hedged");
    Span {
        trace_id: trace.id.to_vec(),
        span_id: span.to_vec(),
        parent_span_id: trace.span.to_vec(),
        flags: u32::from(trace.sampled) | REMOTE_KNOWN,
        name: if attempt.model.is_empty() {
            operation.to_owned()
        } else {
            format!("{operation} {}", attempt.model)
        },
        kind: SpanKind::Client.into(),
        start_time_unix_nano: at(entry, attempt.started_us + attempt.queued_us),
        end_time_unix_nano: at(entry, attempt.ended_us),
        attributes: of_attempt(entry, attempt, trace, form),
        status: status(failed),
        ..Span::default()
    }
}

fn of_attempt(
    entry: &Entry,
    attempt: &Attempt,
    trace: &Trace,
    form: Form,
) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
    let mut all = Attributes::new(form.names, 24);
    all.named(OPERATION, entry.operation.as_deref());
    all.named(PROVIDER, attempt.system.as_deref());
    all.named(
        REQUEST_MODEL,
        Some(&*attempt.model).filter(|model| !model.is_empty()),
    );
    let address = attempt.server.as_deref().or(attempt.address.as_deref());
    if let Some((host, port)) = address.and_then(|address| address.rsplit_once(':')) {
        all.put("server.address", host.trim_matches(['[', ']']));
        all.put("server.port", port.parse::<u64>().ok());
    }
    all.put("http.response.status_code", attempt.status.map(u64::from));
    let failed = !matches!(&*attempt.outcome, "ok" | "hedged");
    all.put("error.type", Some(&*attempt.outcome).filter(|_| failed));
    let resend = Some(u64::from(attempt.resend)).filter(|count| *count > 0);
    all.put("http.request.resend_count", resend);
    all.put("fairlead.target", &*attempt.target);
    all.put("fairlead.provider", attempt.provider.as_deref());
    all.put("fairlead.credential", attempt.credential.as_deref());
    all.put("fairlead.outcome", &*attempt.outcome);
    all.put("fairlead.hedge", attempt.hedge.then_some(true));
    all.named(RESPONSE_MODEL, attempt.response_model.as_deref());
    all.named(RESPONSE_ID, attempt.response_id.as_deref());
    if attempt.outcome == "ok" {
        all.named(FINISH_REASONS, reasons(entry));
    }
    if let Some(first) = attempt.first_content_us.filter(|_| entry.stream) {
        let began = attempt.started_us.saturating_add(attempt.queued_us);
        all.named(TIME_TO_FIRST_CHUNK, seconds(first.saturating_sub(began)));
    }
    let told_by_caller = trace.parent.is_some() && trace.sampled;
    if let Some(tokens) = &attempt.tokens
        && !(form.usage == Usage::WhenRoot && told_by_caller)
    {
        usage(&mut all, tokens);
    }
    all.cost(attempt.cost);
    all.done()
}

/// Why the answer ended; one that broke off has no reason, which the conventions call an error.
fn reasons(entry: &Entry) -> Vec<String> {
    let reason = entry.finish_reason.as_deref();
    let reason = reason.or(Some("error").filter(|_| entry.stream && !entry.complete));
    reason.map(str::to_owned).into_iter().collect()
}

fn usage(all: &mut Attributes, tokens: &Tokens) {
    all.named(INPUT_TOKENS, tokens.input);
    all.named(OUTPUT_TOKENS, tokens.output);
    all.named(CACHE_READ, tokens.cache_read);
    all.named(CACHE_WRITE, tokens.cache_write);
    all.named(REASONING, tokens.reasoning);
    all.put("fairlead.usage_estimated", tokens.estimated.then_some(true));
}

fn status(failed: bool) -> Option<Status> {
    failed.then(|| Status {
        message: String::new(),
        code: StatusCode::Error.into(),
    })
}

/// A moment of a request, in nanoseconds since 1970.
pub(super) fn at(entry: &Entry, offset_us: u64) -> u64 {
    let started = u64::try_from(entry.started_unix_us).unwrap_or(0);
    started.saturating_add(offset_us).saturating_mul(1_000)
}

pub(super) fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
