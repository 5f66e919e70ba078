//! The access log: one JSON object a line on standard output (`docs/observability.md`). Lines are made and written by a thread of their own,
//! behind a bounded queue; when it is full they are dropped and counted, for a slow disk must not slow down requests.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use fairlead_record::{Attempt, Entry, Judgement, Mirror};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use serde_json::value::RawValue;

use super::recorder::{End, Queue};
use crate::govern::usd::Usd;

/// How many lines may wait.
const QUEUE: usize = 8192;

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(3);

/// A log to `out`; `dropped` counts lines that found the queue full. It ends when the queue is dropped and all has been written.
///
/// # Errors
/// The thread could not be started.
pub(crate) fn to(
    out: impl std::io::Write + Send + 'static,
    dropped: Counter,
) -> std::io::Result<(Queue, End)> {
    let (queue, entries) = Queue::of(QUEUE, dropped);
    let (writing, over) = sync_channel(0);
    std::thread::Builder::new()
        .name("access-log".to_owned())
        .spawn(move || {
            drain(&entries, out);
            drop(writing);
        })?;
    Ok((queue.with_copies(), End::new(over, LAST)))
}

fn drain(entries: &Receiver<Arc<Entry>>, out: impl std::io::Write) {
    let mut out = std::io::BufWriter::new(out);
    let mut line = Vec::with_capacity(512);
    while let Ok(entry) = entries.recv() {
        write(&entry, &mut line, &mut out);
        while let Ok(entry) = entries.try_recv() {
            write(&entry, &mut line, &mut out);
        }
        let _ = out.flush();
    }
}

/// A closed pipe must not stop the gateway; there is nobody left to tell.
fn write(entry: &Entry, line: &mut Vec<u8>, out: &mut impl std::io::Write) {
    line.clear();
    if serde_json::to_writer(&mut *line, &Line::of(entry)).is_ok() {
        line.push(b'\n');
        let _ = out.write_all(line);
    }
}

/// A line. Names follow OpenTelemetry's GenAI attributes where there is one.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since 1970, at the end of the answer.
    time_unix_ms: i64,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(rename = "gen_ai.operation.name")]
    operation: Option<&'a str>,
    stream: bool,
    key: Option<&'a str>,
    #[serde(rename = "gen_ai.request.model")]
    model: Option<&'a str>,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    through: Vec<&'a str>,
    /// Of the copy of a request: what it is a copy of, and what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror: Option<MirrorLine<'a>>,
    provider: Option<&'a str>,
    #[serde(rename = "gen_ai.response.model")]
    upstream_model: Option<&'a str>,
    status: u16,
    #[serde(rename = "error.type", skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    complete: bool,
    #[serde(
        rename = "gen_ai.usage.input_tokens",
        skip_serializing_if = "Option::is_none"
    )]
    input_tokens: Option<u64>,
    #[serde(
        rename = "gen_ai.usage.output_tokens",
        skip_serializing_if = "Option::is_none"
    )]
    output_tokens: Option<u64>,
    #[serde(
        rename = "gen_ai.usage.cache_read.input_tokens",
        skip_serializing_if = "Option::is_none"
    )]
    cached_tokens: Option<u64>,
    /// USD, to the nano-dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<Box<RawValue>>,
    /// Whether some of the cost is an estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cost_estimated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<&'a str>,
    /// What has put the first target there.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen_by: Option<&'a str>,
    /// How the first target stood then.
    #[serde(skip_serializing_if = "Option::is_none")]
    judgement: Option<JudgementLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    duration_ms: f64,
    attempts: Vec<AttemptLine<'a>>,
}

/// How a target stood that was chosen by how it does.
#[derive(Serialize)]
struct JudgementLine<'a> {
    state: &'a str,
    score: f64,
    share: f64,
    reason: &'a str,
}

#[derive(Serialize)]
struct MirrorLine<'a> {
    name: &'a str,
    rule: &'a str,
    /// The request that was copied; its own line says more.
    of: String,
    original: OriginalLine<'a>,
}

#[derive(Serialize)]
struct OriginalLine<'a> {
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    target: &'a str,
    provider: Option<&'a str>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    outcome: &'a str,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_input_tokens: Option<u64>,
    /// The credential's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
    /// The provider's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "is_zero")]
    resend: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hedge: bool,
    /// From the start of the request, as the next two.
    start_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_content_ms: Option<f64>,
    end_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<Box<RawValue>>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry) -> Self {
        let last = entry.attempts.last();
        let tokens = entry.tokens.as_ref();
        let ended_us = i64::try_from(entry.duration_us).unwrap_or(i64::MAX);
        Self {
            time_unix_ms: entry.started_unix_us.saturating_add(ended_us) / 1_000,
            request_id: format!("{:016x}", entry.id),
            trace_id: entry.trace.as_ref().map(|trace| hex(&trace.id)),
            operation: entry.operation.as_deref(),
            stream: entry.stream,
            key: entry.key.as_deref(),
            model: entry.model.as_deref(),
            rule: entry.rule.as_deref(),
            constraints: entry.constraints.iter().map(AsRef::as_ref).collect(),
            through: entry.through.iter().map(AsRef::as_ref).collect(),
            mirror: entry.mirror.as_ref().map(MirrorLine::of),
            provider: last.and_then(|attempt| attempt.provider.as_deref()),
            upstream_model: last.map(|attempt| &*attempt.model),
            status: entry.status,
            error: entry.error.as_deref(),
            complete: entry.complete,
            input_tokens: tokens.and_then(|tokens| tokens.input),
            output_tokens: tokens.and_then(|tokens| tokens.output),
            cached_tokens: tokens.and_then(|tokens| tokens.cache_read),
            cost_usd: entry.cost.and_then(|cost| usd(cost.nanos)),
            cost_estimated: entry.cost.is_some_and(|cost| cost.estimated),
            budget: entry.budget.as_deref(),
            chosen_by: entry.chosen_by.as_deref(),
            judgement: entry.judgement.as_ref().map(JudgementLine::of),
            first_token_ms: entry.first_content_us.map(millis),
            duration_ms: millis(entry.duration_us),
            attempts: entry.attempts.iter().map(AttemptLine::of).collect(),
        }
    }
}

impl<'a> JudgementLine<'a> {
    fn of(judgement: &'a Judgement) -> Self {
        Self {
            state: &judgement.state,
            score: f64::from(judgement.score) / 1000.0,
            share: f64::from(judgement.share) / 1000.0,
            reason: &judgement.reason,
        }
    }
}

impl<'a> MirrorLine<'a> {
    fn of(mirror: &'a Mirror) -> Self {
        let tokens = mirror.tokens.as_ref();
        Self {
            name: &mirror.name,
            rule: &mirror.rule,
            of: format!("{:016x}", mirror.of),
            original: OriginalLine {
                outcome: &mirror.outcome,
                first_token_ms: mirror.first_content_us.map(millis),
                duration_ms: millis(mirror.duration_us),
                input_tokens: tokens.and_then(|tokens| tokens.input),
                output_tokens: tokens.and_then(|tokens| tokens.output),
                cost_usd: mirror.cost.and_then(|cost| usd(cost.nanos)),
            },
        }
    }
}

impl<'a> AttemptLine<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let lost = attempt.tokens.filter(|_| attempt.outcome == "hedged");
        Self {
            target: &attempt.target,
            provider: attempt.provider.as_deref(),
            model: &attempt.model,
            server: attempt.server.as_deref(),
            outcome: &attempt.outcome,
            ms: millis(attempt.took_us),
            lost_input_tokens: lost.and_then(|tokens| tokens.input),
            credential: attempt.credential.as_deref(),
            status: attempt.status,
            resend: attempt.resend,
            hedge: attempt.hedge,
            start_ms: millis(attempt.started_us),
            first_content_ms: attempt.first_content_us.map(millis),
            end_ms: millis(attempt.ended_us),
            queued_ms: Some(attempt.queued_us)
                .filter(|queued| *queued > 0)
                .map(millis),
            cost_usd: attempt.cost.and_then(|cost| usd(cost.nanos)),
        }
    }
}

/// USD, to the nano-dollar.
fn usd(nanos: i64) -> Option<Box<RawValue>> {
    RawValue::from_string(Usd(nanos).to_string()).ok()
}

/// Microseconds in milliseconds: three decimals are as fine as anyone reads.
fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
