//! The access log: one JSON object a line on standard output (`docs/access-log.md`). Lines go through a bounded queue to a thread of their
//! own; when it is full they are dropped and counted, for a slow disk must not slow down requests.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use fairlead_route::ChosenBy;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::govern::usd::Usd;
use crate::observe::record::{Attempt, Entry};

/// How many lines may wait.
const QUEUE: usize = 8192;

/// Lines are written together that come within this time.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(3);

/// The writing end of the log, or nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessLog(Option<SyncSender<Box<Entry>>>);

/// The end of a log.
#[derive(Debug)]
pub(crate) struct LogEnd(Receiver<()>);

impl LogEnd {
    /// Waits until all has been written; for a while only, for nobody may be reading.
    pub(crate) fn wait(&self) {
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.0.recv_timeout(LAST);
    }
}

impl AccessLog {
    /// No log.
    #[must_use]
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// A log to `out`. It ends when the last writing end is dropped and all has been written.
    ///
    /// # Errors
    /// The thread could not be started.
    pub(crate) fn to(out: impl std::io::Write + Send + 'static) -> std::io::Result<(Self, LogEnd)> {
        let (sender, entries) = sync_channel(QUEUE);
        let (writing, ended) = sync_channel(0);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || {
                drain(&entries, out);
                drop(writing);
            })?;
        Ok((Self(Some(sender)), LogEnd(ended)))
    }

    /// A log whose entries are kept as they are, for tests.
    #[cfg(test)]
    pub(crate) fn kept() -> (Self, Receiver<Box<Entry>>) {
        let (sender, entries) = sync_channel(QUEUE);
        (Self(Some(sender)), entries)
    }

    /// Takes an entry, whose line is made by the log's own thread; says whether there was room.
    #[must_use]
    pub(crate) fn write(&self, entry: Box<Entry>) -> bool {
        let Some(sender) = &self.0 else { return true };
        sender.try_send(entry).is_ok()
    }
}

fn drain(entries: &Receiver<Box<Entry>>, out: impl std::io::Write) {
    let mut out = std::io::BufWriter::new(out);
    let mut line = Vec::with_capacity(512);
    while let Ok(entry) = entries.recv() {
        write(&entry, &mut line, &mut out);
        while let Ok(entry) = entries.try_recv() {
            write(&entry, &mut line, &mut out);
        }
        let _ = out.flush();
        pause();
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<&'a str>,
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
    chosen_by: Option<&'static str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    outcome: &'static str,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_input_tokens: Option<u64>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry) -> Self {
        let answered = entry.attempts.last();
        let usage = entry.usage.as_ref();
        Self {
            time_unix_ms: entry.ended_unix_ms,
            request_id: format!("{:016x}", entry.id),
            trace_id: entry.trace.as_deref(),
            operation: entry.operation.map(crate::surface::Operation::name),
            stream: entry.stream,
            key: entry.key.as_deref(),
            model: entry.model.as_deref(),
            rule: entry.rule.as_deref(),
            constraints: entry.constraints.iter().map(AsRef::as_ref).collect(),
            provider: answered.and_then(|attempt| attempt.provider.as_deref()),
            upstream_model: answered.map(|attempt| &*attempt.model),
            status: entry.status,
            error: entry.error,
            complete: entry.complete,
            input_tokens: usage.and_then(|usage| usage.input_tokens),
            output_tokens: usage.and_then(|usage| usage.output_tokens),
            cached_tokens: usage.and_then(|usage| usage.cached_input_tokens),
            cost_usd: entry
                .cost
                .and_then(|cost| RawValue::from_string(Usd(cost.nanos).to_string()).ok()),
            cost_estimated: entry.cost.is_some_and(|cost| cost.estimated),
            budget: entry.soft.as_deref(),
            chosen_by: entry.chosen_by.map(ChosenBy::as_str),
            first_token_ms: entry.first_token.map(millis),
            duration_ms: millis(entry.duration),
            attempts: entry
                .attempts
                .iter()
                .map(|attempt| AttemptLine::of(attempt, entry))
                .collect(),
        }
    }
}

impl<'a> AttemptLine<'a> {
    fn of(attempt: &'a Attempt, entry: &Entry) -> Self {
        Self {
            target: &attempt.target,
            provider: attempt.provider.as_deref(),
            model: &attempt.model,
            server: attempt.server.as_deref(),
            outcome: attempt.outcome(),
            ms: millis(attempt.took),
            lost_input_tokens: entry.lost_input_tokens(attempt),
        }
    }
}

/// Milliseconds with three decimals: microseconds are as fine as anyone reads.
fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
