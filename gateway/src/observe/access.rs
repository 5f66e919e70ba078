//! The access log: one JSON object a line on standard output (`docs/access-log.md`). Lines go through a bounded queue to a thread of their
//! own; when it is full they are dropped and counted, for a slow disk must not slow down requests.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::record::{Attempt, Record};

/// How many lines may wait.
const QUEUE: usize = 8192;

/// Lines are written together that come within this time.
const PAUSE: Duration = Duration::from_millis(20);

/// The writing end of the log, or nothing.
#[derive(Debug, Clone, Default)]
pub struct AccessLog(Option<SyncSender<Vec<u8>>>);

impl AccessLog {
    /// No log.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// A log to `out`. The thread ends when the last writing end is dropped.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn to(
        out: impl std::io::Write + Send + 'static,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, lines) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || drain(&lines, out))?;
        Ok((Self(Some(sender)), thread))
    }

    /// Writes the line of a record; says whether there was room.
    #[must_use]
    pub(crate) fn write(&self, record: &Record) -> bool {
        let Some(sender) = &self.0 else { return true };
        let mut line = Vec::with_capacity(512);
        if serde_json::to_writer(&mut line, &Line::of(record)).is_err() {
            return false;
        }
        line.push(b'\n');
        sender.try_send(line).is_ok()
    }
}

fn drain(lines: &Receiver<Vec<u8>>, out: impl std::io::Write) {
    let mut out = std::io::BufWriter::new(out);
    while let Ok(line) = lines.recv() {
        // A closed pipe must not stop the gateway; there is nobody left to tell.
        let _ = out.write_all(&line);
        while let Ok(line) = lines.try_recv() {
            let _ = out.write_all(&line);
        }
        let _ = out.flush();
        pause();
    }
}

/// While the writer sleeps, a line costs a request no wake-up of another thread, which would be dearer than the line itself; and lines are
/// written many at a time.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, which serves no request"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

/// A line. Names follow OpenTelemetry's GenAI attributes where there is one.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since 1970, at the end of the answer.
    time_unix_ms: i64,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(rename = "gen_ai.operation.name")]
    operation: Option<&'static str>,
    stream: bool,
    key: Option<&'a str>,
    #[serde(rename = "gen_ai.request.model")]
    model: Option<&'a str>,
    rule: Option<&'a str>,
    provider: Option<&'a str>,
    #[serde(rename = "gen_ai.response.model")]
    upstream_model: Option<&'a str>,
    status: u16,
    #[serde(rename = "error.type", skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    duration_ms: f64,
    attempts: Vec<AttemptLine<'a>>,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    target: &'a str,
    provider: Option<&'a str>,
    model: &'a str,
    outcome: &'static str,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_input_tokens: Option<u64>,
}

impl<'a> Line<'a> {
    fn of(record: &'a Record) -> Self {
        let answered = record.attempts.last();
        let usage = record.usage.as_ref();
        Self {
            time_unix_ms: clock::unix_millis(),
            request_id: format!("{:016x}", record.id),
            trace_id: record.trace.as_deref(),
            operation: record.operation.map(crate::surface::Operation::name),
            stream: record.stream,
            key: record.key.as_deref(),
            model: record.model.as_deref(),
            rule: record.rule.as_deref(),
            provider: answered.and_then(|attempt| attempt.provider.as_deref()),
            upstream_model: answered.map(|attempt| &*attempt.model),
            status: record.status,
            error: record.error,
            complete: record.complete,
            input_tokens: usage.and_then(|usage| usage.input_tokens),
            output_tokens: usage.and_then(|usage| usage.output_tokens),
            cached_tokens: usage.and_then(|usage| usage.cached_input_tokens),
            first_token_ms: record.first_token.map(millis),
            duration_ms: millis(record.started.elapsed()),
            attempts: record
                .attempts
                .iter()
                .map(|attempt| AttemptLine::of(attempt, record))
                .collect(),
        }
    }
}

impl<'a> AttemptLine<'a> {
    fn of(attempt: &'a Attempt, record: &Record) -> Self {
        Self {
            target: &attempt.target,
            provider: attempt.provider.as_deref(),
            model: &attempt.model,
            outcome: attempt.outcome(),
            ms: millis(attempt.took),
            lost_input_tokens: record.lost_input_tokens(attempt),
        }
    }
}

/// Milliseconds with three decimals: microseconds are as fine as anyone reads.
fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
