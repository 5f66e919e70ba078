//! The access log: one JSON object a line on standard output (`docs/observability.md`). Lines are made and written by a thread of their own,
//! behind a bounded queue; when it is full they are dropped and counted, for a slow disk must not slow down requests.

mod json;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use fairlead_record::{Attempt, Entry, Mirror};
use fairlead_wire::json::ObjectWriter;
use prometheus_client::metrics::counter::Counter;

use self::json::Members as _;
use super::recorder::{End, Queue, pause};

/// How many lines may wait.
const QUEUE: usize = 8192;

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(3);

/// So many bytes are written at once, where so many have come.
const CHUNK: usize = 32 * 1024;

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

fn drain(entries: &Receiver<Arc<Entry>>, mut out: impl std::io::Write) {
    let mut lines = Vec::with_capacity(CHUNK);
    while let Ok(entry) = entries.recv() {
        write(&entry, &mut lines);
        while let Ok(entry) = entries.try_recv() {
            write(&entry, &mut lines);
            if lines.len() >= CHUNK {
                tell(&mut lines, &mut out);
            }
        }
        tell(&mut lines, &mut out);
        // Were it waiting, each line would cost whoever hands it over a wake-up.
        pause();
    }
}

/// A closed pipe must not stop the gateway; there is nobody left to tell.
fn tell(lines: &mut Vec<u8>, out: &mut impl std::io::Write) {
    let _ = out.write_all(lines);
    let _ = out.flush();
    lines.clear();
}

/// A line. Names follow OpenTelemetry's GenAI attributes where there is one.
fn write(entry: &Entry, lines: &mut Vec<u8>) {
    request(entry, ObjectWriter::begin(lines));
    lines.push(b'\n');
}

fn request(entry: &Entry, mut line: ObjectWriter<'_>) {
    let last = entry.asked_last();
    let tokens = entry.tokens.unwrap_or_default();
    let ended_us = i64::try_from(entry.duration_us).unwrap_or(i64::MAX);
    // Milliseconds since 1970, at the end of the answer.
    let ended_ms = entry.started_unix_us.saturating_add(ended_us) / 1_000;
    line.number("time_unix_ms", ended_ms);
    line.hex("request_id", &entry.id.to_be_bytes());
    if let Some(trace) = &entry.trace {
        line.hex("trace_id", &trace.id);
    }
    line.text_or_null("gen_ai.operation.name", entry.operation.as_deref());
    line.flag("stream", entry.stream);
    line.text_or_null("key", entry.key.as_deref());
    line.text_or_null("gen_ai.request.model", entry.model.as_deref());
    line.text_or_null("rule", entry.rule.as_deref());
    line.texts_if_any("constraints", &entry.constraints);
    line.texts_if_any("through", &entry.through);
    if let Some(copy) = &entry.mirror {
        mirror(copy, line.object("mirror"));
    }
    let provider = last.and_then(|attempt| attempt.provider.as_deref());
    line.text_or_null("provider", provider);
    line.text_or_null("gen_ai.response.model", last.map(|last| &*last.model));
    line.number("status", entry.status);
    line.text_if("error.type", entry.error.as_deref());
    line.flag("complete", entry.complete);
    line.number_if("gen_ai.usage.input_tokens", tokens.input);
    line.number_if("gen_ai.usage.output_tokens", tokens.output);
    line.number_if("gen_ai.usage.cache_read.input_tokens", tokens.cache_read);
    line.usd_if("cost_usd", entry.cost.map(|cost| cost.nanos));
    line.flag_if_set(
        "cost_estimated",
        entry.cost.is_some_and(|cost| cost.estimated),
    );
    line.text_if("budget", entry.budget.as_deref());
    // What has put the first target there, and how that stood then.
    line.text_if("chosen_by", entry.chosen_by.as_deref());
    if let Some(judgement) = &entry.judgement {
        let mut object = line.object("judgement");
        object.text("state", &judgement.state);
        object.thousandth("score", u64::from(judgement.score));
        object.thousandth("share", u64::from(judgement.share));
        object.text("reason", &judgement.reason);
    }
    line.thousandth_if("first_token_ms", entry.first_content_us);
    line.thousandth("duration_ms", entry.duration_us);
    line.objects("attempts", &entry.attempts, |line, one| attempt(one, line));
}

/// Of the copy of a request: what it is a copy of, whose own line says more, and what became of that.
fn mirror(mirror: &Mirror, mut line: ObjectWriter<'_>) {
    line.text("name", &mirror.name);
    line.text("rule", &mirror.rule);
    line.hex("of", &mirror.of.to_be_bytes());
    let tokens = mirror.tokens.unwrap_or_default();
    let mut original = line.object("original");
    original.text("outcome", &mirror.outcome);
    original.thousandth_if("first_token_ms", mirror.first_content_us);
    original.thousandth("duration_ms", mirror.duration_us);
    original.number_if("input_tokens", tokens.input);
    original.number_if("output_tokens", tokens.output);
    original.usd_if("cost_usd", mirror.cost.map(|cost| cost.nanos));
}

/// Times that end in `_ms` count from the start of the request, but for `ms` and `queued_ms`, which last so long.
fn attempt(attempt: &Attempt, mut line: ObjectWriter<'_>) {
    let lost = attempt.tokens.filter(|_| attempt.outcome == "hedged");
    let queued = Some(attempt.queued_us).filter(|queued| *queued > 0);
    line.text("target", &attempt.target);
    line.text_or_null("provider", attempt.provider.as_deref());
    line.text("model", &attempt.model);
    line.text_if("server", attempt.server.as_deref());
    line.text("outcome", &attempt.outcome);
    line.thousandth("ms", attempt.took_us);
    line.number_if("lost_input_tokens", lost.and_then(|tokens| tokens.input));
    // The credential's name.
    line.text_if("credential", attempt.credential.as_deref());
    // The provider's status.
    line.number_if("status", attempt.status);
    line.number_if("resend", Some(attempt.resend).filter(|resend| *resend > 0));
    line.flag_if_set("hedge", attempt.hedge);
    line.thousandth("start_ms", attempt.started_us);
    line.thousandth_if("first_content_ms", attempt.first_content_us);
    line.thousandth("end_ms", attempt.ended_us);
    line.thousandth_if("queued_ms", queued);
    line.usd_if("cost_usd", attempt.cost.map(|cost| cost.nanos));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_objects_of_their_own_whatever_names_say() {
        let mut entry = Entry {
            model: Some("a\"}\n{\"b".into()),
            attempts: vec![Attempt::default(); 2],
            ..Entry::default()
        };
        let mut lines = Vec::new();
        write(&entry, &mut lines);
        entry.key = Some("default/key".into());
        entry.duration_us = 1_500;
        write(&entry, &mut lines);
        let text = String::from_utf8(lines).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["gen_ai.request.model"], "a\"}\n{\"b");
        assert_eq!(lines[0]["key"], serde_json::Value::Null);
        assert_eq!(lines[1]["duration_ms"], 1.5);
        assert_eq!(lines[1]["attempts"].as_array().map(Vec::len), Some(2));
    }
}
