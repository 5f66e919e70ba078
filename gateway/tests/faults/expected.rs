//! What the caller is to see of each fault, whole and streamed. The classes are those of `docs/failures.md`.
//!
//! A row holds for every dialect. Where an error says what it means in the words of its API, what it comes to follows from that, and the row
//! is what that is in OpenAI's.

use fairlead_faults::{Dialect, Fault, Fits, Means};

/// What the caller is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The provider's answer, as if nothing were odd about it.
    Fine,
    /// Another target's answer; where there is none, this status.
    Fails(&'static str, u16),
    /// This status, though another target might have answered: the request is at fault.
    Refused(&'static str, u16),
    /// The beginning of the answer, then an error inside the stream.
    BreaksOff(&'static str),
    /// The beginning of the answer, and the rest from another target. No row of the table: what comes of [`Self::BreaksOff`] by rule.
    Continued,
    /// The beginning of the answer, then the end of the connection: no whole answer, and no other way to say so.
    Cut(&'static str),
}

use Expected::{BreaksOff, Cut, Fails, Fine, Refused};

/// A fault, what it comes to for a whole answer and for a stream; `None`: it is not meant for such a request.
type Row = (&'static str, Option<Expected>, Option<Expected>);

const fn both(name: &'static str, expected: Expected) -> Row {
    (name, Some(expected), Some(expected))
}

const fn whole(name: &'static str, expected: Expected) -> Row {
    (name, Some(expected), None)
}

const fn stream(name: &'static str, expected: Expected) -> Row {
    (name, None, Some(expected))
}

const fn differ(name: &'static str, whole: Expected, stream: Expected) -> Row {
    (name, Some(whole), Some(stream))
}

const RESET: Expected = Fails("reset", 502);
const PROTOCOL: Expected = Fails("protocol_error", 502);
const RATE: Expected = Fails("rate_limited", 429);
const SILENT: Expected = Fails("first_token_timeout", 504);
const STALLED: Expected = Fails("idle_timeout", 504);
const KEY: Expected = Fails("bad_credential", 502);

/// Every fault but those that depend on the order of requests.
pub(crate) const TABLE: &[Row] = &[
    both("healthy", Fine),
    // Refusals.
    both("status-400", Refused("bad_request", 400)),
    both("status-401", KEY),
    both("status-402", Refused("bad_request", 402)),
    both("status-403", Fails("unavailable", 403)),
    both("status-404", Fails("unavailable", 404)),
    both("status-408", Fails("server_error", 408)),
    both("status-409", Refused("bad_request", 409)),
    both("status-410", Fails("unavailable", 410)),
    both("status-413", Fails("context_too_long", 413)),
    both("status-422", Refused("bad_request", 422)),
    both("status-429", RATE),
    both("status-498", Fails("overloaded", 498)),
    both("status-500", Fails("server_error", 500)),
    both("status-501", Fails("server_error", 501)),
    both("status-502", Fails("server_error", 502)),
    both("status-503", Fails("overloaded", 503)),
    both("status-504", Fails("server_error", 504)),
    both("status-529", Fails("overloaded", 503)),
    both("retry-after-0", RATE),
    both("retry-after-ms", RATE),
    both("retry-after-date", RATE),
    both("retry-after-hour", RATE),
    both("retry-after-garbage", RATE),
    both("quota", RATE),
    both("overloaded", Fails("overloaded", 503)),
    both("unknown-model", Fails("unavailable", 404)),
    both("wrong-key", KEY),
    both("context-too-long", Fails("context_too_long", 400)),
    both("context-too-long-in-words", Fails("context_too_long", 400)),
    both("context-too-long-llama-cpp", Fails("context_too_long", 400)),
    both("context-too-long-gemini", Fails("context_too_long", 400)),
    both("bad-key-gemini", KEY),
    both("bad-key-in-words", KEY),
    both("content-forbidden", Refused("content_filtered", 403)),
    both("too-dear", Refused("bad_request", 402)),
    both("out-of-money", RATE),
    both("refusal-as-text", Refused("bad_request", 400)),
    both("refusal-as-html", Refused("bad_request", 403)),
    both("refusal-as-stream", Refused("bad_request", 400)),
    both("throttled-as-html", RATE),
    both("error-says-nothing", Refused("bad_request", 400)),
    both("content-filtered", Refused("content_filtered", 400)),
    both("overloaded-by-code", Fails("overloaded", 503)),
    both("model-not-ready", Fails("overloaded", 503)),
    both("bad-key-by-code", KEY),
    both("key-repeated-401", KEY),
    both("key-repeated-500", Fails("server_error", 500)),
    both("error-as-html", Fails("server_error", 502)),
    both("error-as-text", Fails("server_error", 500)),
    both("error-empty", Fails("server_error", 500)),
    both("error-broken-json", Fails("server_error", 500)),
    both("error-huge", Fails("server_error", 500)),
    both("error-body-hangs", Fails("server_error", 500)),
    both("error-body-drips", Fails("server_error", 500)),
    both("error-vllm", Fails("server_error", 500)),
    both("error-mistral", Fails("server_error", 500)),
    both("error-ollama", Fails("server_error", 500)),
    both("error-openrouter", Fails("overloaded", 503)),
    // Errors where a success was announced.
    both("error-with-200", Fails("server_error", 502)),
    both("rate-limit-with-200", RATE),
    both("overloaded-with-200", Fails("overloaded", 503)),
    both("error-with-200-numbered", Fails("overloaded", 503)),
    both("error-with-200-as-text", Fails("server_error", 502)),
    stream("error-first-event", Fails("server_error", 502)),
    stream("error-after-opening", Fails("server_error", 502)),
    stream("error-after-content", BreaksOff("server_error")),
    stream("error-at-90", BreaksOff("server_error")),
    stream("rate-limit-first-event", RATE),
    stream("rate-limit-after-content", BreaksOff("rate_limited")),
    stream("overloaded-first-event", Fails("overloaded", 503)),
    stream("overloaded-after-content", BreaksOff("overloaded")),
    stream("filter-first-event", Refused("content_filtered", 400)),
    stream("key-repeated-in-stream", BreaksOff("server_error")),
    stream("error-in-choice", Fails("server_error", 502)),
    stream("error-as-named-event", BreaksOff("server_error")),
    both("error-told-flat", RATE),
    stream("refusal-first-event", Refused("bad_request", 400)),
    stream("error-flat-named-event", Fails("overloaded", 503)),
    stream("error-line", Fails("overloaded", 503)),
    stream("error-bare-after-content", BreaksOff("server_error")),
    stream("finish-reason-error", Fails("server_error", 502)),
    stream(
        "finish-reason-error-after-content",
        BreaksOff("server_error"),
    ),
    // Answers that end before their end.
    both("cut-at-start", RESET),
    both("cut-within-head", RESET),
    both("cut-after-head", RESET),
    both("cut-after-opening", RESET),
    differ("cut-after-content", RESET, BreaksOff("reset")),
    differ("cut-at-90", RESET, BreaksOff("reset")),
    differ("cut-after-finish", RESET, Fine),
    both("reset-at-start", RESET),
    both("reset-within-head", RESET),
    both("reset-after-head", RESET),
    both("reset-after-opening", RESET),
    differ("reset-after-content", RESET, BreaksOff("reset")),
    differ("reset-at-90", RESET, BreaksOff("reset")),
    differ("reset-after-finish", RESET, Fine),
    both("hang-at-start", SILENT),
    both("hang-within-head", SILENT),
    both("hang-after-head", SILENT),
    differ("hang-after-opening", STALLED, SILENT),
    differ("hang-after-content", STALLED, BreaksOff("idle_timeout")),
    differ("hang-at-90", STALLED, BreaksOff("idle_timeout")),
    differ("hang-after-finish", STALLED, Fine),
    both("half-closed-at-start", RESET),
    both("half-closed-after-head", RESET),
    differ("half-closed-after-content", RESET, BreaksOff("reset")),
    // HTTP.
    both("not-http", PROTOCOL),
    both("redirect-301", PROTOCOL),
    both("redirect-302", PROTOCOL),
    both("redirect-307", PROTOCOL),
    both("redirect-308", PROTOCOL),
    both("no-content", PROTOCOL),
    both("switching-protocols", PROTOCOL),
    both("early-hints", Fine),
    both("continue-unasked", Fine),
    whole("http-1-0", Fine),
    whole("ends-with-connection", Fine),
    whole("length-too-long", RESET),
    whole("length-too-short", PROTOCOL),
    whole("length-garbage", PROTOCOL),
    whole("lengths-that-differ", PROTOCOL),
    stream("chunk-size-garbage", RESET),
    stream("chunk-size-garbage-after-content", BreaksOff("reset")),
    stream("chunk-size-absurd", RESET),
    stream("chunk-longer-than-said", BreaksOff("reset")),
    stream("trailers", Fine),
    both("header-100k", Fine),
    both("header-1m", PROTOCOL),
    both("headers-1000", PROTOCOL),
    both("header-with-nul", PROTOCOL),
    both("header-without-colon", PROTOCOL),
    whole("gzip-unasked", PROTOCOL),
    whole("gzip-undeclared", PROTOCOL),
    stream("gzip-stream", PROTOCOL),
    both("coding-none", Fine),
    both("coding-empty", Fine),
    both("redirect-with-error", PROTOCOL),
    both("gzip-error", Fails("overloaded", 503)),
    whole("early-answer", Fine),
    both("early-refusal", Fails("context_too_long", 413)),
    both("early-reset", RESET),
    // Whole answers that are none.
    whole("body-empty", PROTOCOL),
    whole("body-not-json", PROTOCOL),
    whole("body-half-json", PROTOCOL),
    whole("body-two-objects", PROTOCOL),
    whole("body-null", PROTOCOL),
    whole("body-empty-object", PROTOCOL),
    whole("body-detail", PROTOCOL),
    whole("body-no-choices", PROTOCOL),
    whole("body-unfinished", PROTOCOL),
    whole("body-finish-error", Fails("server_error", 502)),
    whole("body-empty-error", Fine),
    whole("body-array", PROTOCOL),
    whole("body-nested-deep", PROTOCOL),
    whole("body-not-utf8", PROTOCOL),
    both("body-html", PROTOCOL),
    whole("body-without-type", Fine),
    whole("body-6m", Fine),
    whole("body-6m-cut", Cut("reset")),
    whole("stream-for-whole", PROTOCOL),
    stream("whole-for-stream", PROTOCOL),
    stream("stream-without-type", Fine),
    stream("stream-called-json", Fine),
    stream("stream-called-text", Fine),
    stream("stream-as-list", PROTOCOL),
    both("answer-empty", Fine),
    stream("finish-unspecified", BreaksOff("reset")),
    // Events.
    stream("stream-empty", RESET),
    stream("stream-done-only", PROTOCOL),
    stream("stream-opening-only", RESET),
    stream("stream-ends-after-content", BreaksOff("reset")),
    stream("stream-without-done", Fine),
    stream("stream-done-before-content", PROTOCOL),
    stream("stream-done-before-finish", BreaksOff("protocol_error")),
    stream("stream-events-after-done", Fine),
    stream("event-not-json", PROTOCOL),
    stream("event-not-json-after-content", BreaksOff("protocol_error")),
    stream("event-half", PROTOCOL),
    stream("event-half-after-content", BreaksOff("protocol_error")),
    stream("event-1m", Fine),
    stream("event-over-1m", PROTOCOL),
    stream("event-over-1m-after-content", BreaksOff("protocol_error")),
    stream("event-2m", Fine),
    stream("event-17m", PROTOCOL),
    stream("stream-ends-without-blank-line", Fine),
    stream("events-empty", Fine),
    stream("usage-chunk-that-holds-more", Fine),
    stream("line-endless", SILENT),
    stream("openings-70-then-error", BreaksOff("server_error")),
    stream("frames-crlf", Fine),
    stream("frames-cr", Fine),
    stream("frames-of-7", Fine),
    stream("frames-of-1", Fine),
    stream("frames-crlf-of-1", Fine),
    stream("frames-all-in-one", Fine),
    stream("frames-bom", Fine),
    stream("frames-several-data-lines", Fine),
    stream("frames-other-fields", Fine),
    stream("frames-end-with-connection", Fine),
    stream("frame-damaged", PROTOCOL),
    stream("frame-damaged-after-content", BreaksOff("protocol_error")),
    stream("frame-half-after-content", BreaksOff("reset")),
    // Time.
    both("slow-start", Fine),
    stream("slow-first-word", Fine),
    whole("slow-drip", Fine),
    stream("slow-words", Fine),
    stream("pauses-between-bytes", Fine),
    stream("comments-only", SILENT),
    stream("comments-after-opening", SILENT),
    stream("comments-after-content", BreaksOff("idle_timeout")),
    stream("comments-then-words", Fine),
];

/// Faults that depend on the order of requests, each with a test of its own.
pub(crate) const IN_ORDER: &[&str] = &["flapping", "flapping-by-reset"];

/// Rows that are others in one dialect.
const OTHERWISE: &[(&str, Row)] = &[
    // What tells no more than a message is an error, where an answer would have a type.
    (
        "Anthropic",
        whole("body-detail", Fails("server_error", 502)),
    ),
];

/// What a fault comes to in a dialect, whole and streamed.
pub(crate) fn of(dialect: Dialect, fault: &Fault) -> (Option<Expected>, Option<Expected>) {
    let own = OTHERWISE.iter().filter(|(name, _)| *name == dialect.name());
    let row = own
        .map(|(_, row)| row)
        .chain(TABLE)
        .find(|(name, ..)| *name == fault.name);
    match (meant(dialect, fault), row) {
        (Some(expected), _) => match fault.fits {
            Fits::Both => (Some(expected), Some(expected)),
            Fits::Whole => (Some(expected), None),
            Fits::Streams => (None, Some(expected)),
        },
        (None, Some((_, whole, stream))) => (*whole, *stream),
        (None, None) => panic!("{dialect:?}: {} has no row", fault.name),
    }
}

/// What an error comes to by what it means.
fn meant(dialect: Dialect, fault: &Fault) -> Option<Expected> {
    let expected = outright(dialect, fault)?;
    Some(
        if let Fails(class, _) | Refused(class, _) = expected
            && fault.late
        {
            BreaksOff(class)
        } else {
            expected
        },
    )
}

/// What a fault that breaks an answer off with this class comes to where nothing of the answer has been passed on.
pub(crate) fn before_content(dialect: Dialect, fault: &Fault, class: &'static str) -> Expected {
    let status = if class == "idle_timeout" { 504 } else { 502 };
    outright(dialect, fault).unwrap_or(Fails(class, status))
}

/// What an error comes to by what it means, if nothing of an answer came before it.
fn outright(dialect: Dialect, fault: &Fault) -> Option<Expected> {
    let status = fault.status(dialect);
    Some(match fault.means? {
        Means::BadKey => KEY,
        Means::NoMoney | Means::TooMany => RATE,
        Means::Overloaded => Fails("overloaded", status.unwrap_or(503)),
        Means::Failed => Fails("server_error", status.unwrap_or(502)),
        Means::TooLong => Fails("context_too_long", status.unwrap_or(400)),
        Means::NoModel => Fails("unavailable", status.unwrap_or(503)),
        Means::BadRequest => Refused("bad_request", status.unwrap_or(400)),
        Means::Filtered => Refused("content_filtered", status.unwrap_or(400)),
    })
}

#[test]
fn what_an_error_means_is_what_its_row_says() {
    let [openai, ..] = &Dialect::all().collect::<Vec<_>>()[..] else {
        panic!("there is no dialect")
    };
    for fault in Fault::of(*openai) {
        let row = TABLE.iter().find(|(name, ..)| *name == fault.name);
        if let (Some(expected), Some((name, whole, stream))) = (meant(*openai, fault), row) {
            assert_eq!(stream.or(*whole), Some(expected), "{name}");
        }
    }
}
