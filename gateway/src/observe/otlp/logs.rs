//! A request, or a line of the audit, as a log record: a request with the ids of its trace: what the access log says, for backends that take logs by OTLP.

use fairlead_record::Entry;
use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use super::attributes::Attributes;
use super::names::{
    CACHE_READ, FINISH_REASONS, INPUT_TOKENS, Names, OPERATION, OUTPUT_TOKENS, PROVIDER,
    RESPONSE_MODEL,
};
use super::spans::{at, millis};

/// What the event is called.
const EVENT: &str = "fairlead.request";
/// And a line of the audit.
const DECIDED: &str = "fairlead.audit";

/// The log record of a request.
pub(super) fn write(entry: &Entry, names: Names) -> LogRecord {
    let ended = at(entry, entry.duration_us);
    let (severity, text) = if entry.status >= 500 {
        (SeverityNumber::Error, "ERROR")
    } else if entry.error.is_some() {
        (SeverityNumber::Warn, "WARN")
    } else {
        (SeverityNumber::Info, "INFO")
    };
    let method = entry.method.as_deref().unwrap_or("_OTHER");
    let route = entry.route.as_deref().unwrap_or("-");
    let line = format!("{method} {route} {}", entry.status);
    let spanned = (entry.trace.as_ref()).filter(|trace| trace.span != [0; 8]);
    LogRecord {
        time_unix_nano: ended,
        observed_time_unix_nano: ended,
        severity_number: severity.into(),
        severity_text: text.to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(line)),
        }),
        attributes: attributes(entry, names),
        flags: spanned.map_or(0, |trace| u32::from(trace.sampled)),
        trace_id: (entry.trace.as_ref()).map_or_else(Vec::new, |trace| trace.id.to_vec()),
        span_id: spanned.map_or_else(Vec::new, |trace| trace.span.to_vec()),
        event_name: EVENT.to_owned(),
        ..LogRecord::default()
    }
}

/// The log record of a line of the audit. All of it is the body, so that it can be held against its hash.
pub(super) fn decided(line: &str, names: Names) -> LogRecord {
    let said: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let time = said["time"]
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok());
    let nanos = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or_default();
    let mut all = Attributes::new(names, 5);
    all.put("fairlead.audit", said["audit"].as_str());
    for (name, member) in [
        ("fairlead.audit.kind", "kind"),
        ("fairlead.audit.namespace", "namespace"),
        ("fairlead.audit.name", "name"),
    ] {
        all.put(name, said[member].as_str());
    }
    all.put("fairlead.audit.seq", said["seq"].as_u64());
    LogRecord {
        time_unix_nano: time.map_or(0, nanos),
        observed_time_unix_nano: nanos(Timestamp::now()),
        severity_number: SeverityNumber::Info.into(),
        severity_text: "INFO".to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(line.to_owned())),
        }),
        attributes: all.done(),
        event_name: DECIDED.to_owned(),
        ..LogRecord::default()
    }
}

fn attributes(
    entry: &Entry,
    names: Names,
) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
    let mut all = Attributes::new(names, 24);
    let last = entry.asked_last();
    all.put("fairlead.request.id", format!("{:016x}", entry.id));
    all.named(OPERATION, entry.operation.as_deref());
    all.put("fairlead.stream", entry.stream);
    all.put("fairlead.key", entry.key.as_deref());
    all.put("fairlead.team", entry.team.as_deref());
    all.put("fairlead.requested_model", entry.model.as_deref());
    all.put("fairlead.rule", entry.rule.as_deref());
    all.put(
        "fairlead.provider",
        last.and_then(|last| last.provider.as_deref()),
    );
    all.named(PROVIDER, last.and_then(|last| last.system.as_deref()));
    all.named(RESPONSE_MODEL, last.map(|last| &*last.model));
    let status = Some(u64::from(entry.status)).filter(|status| *status > 0);
    all.put("http.response.status_code", status);
    all.put("error.type", entry.error.as_deref());
    all.put("fairlead.complete", entry.complete);
    let reasons = entry.finish_reason.iter().map(ToString::to_string);
    all.named(FINISH_REASONS, reasons.collect::<Vec<_>>());
    let tokens = entry.tokens.unwrap_or_default();
    all.named(INPUT_TOKENS, tokens.input);
    all.named(OUTPUT_TOKENS, tokens.output);
    all.named(CACHE_READ, tokens.cache_read);
    all.cost(entry.cost);
    all.put(
        "fairlead.first_content_ms",
        entry.first_content_us.map(millis),
    );
    all.put("fairlead.duration_ms", millis(entry.duration_us));
    let attempts = entry.attempts.iter();
    let attempts = attempts.map(|one| format!("{}={}", one.target, one.outcome));
    all.put("fairlead.attempts", attempts.collect::<Vec<_>>());
    all.done()
}
