//! The provider that both callers share. It is well, and says to each request what such a request deserves; the user agent, which passes
//! through the gateway, says which.

use std::time::Duration;

use fairlead_faults::{Framing, Play, Provider, Seen, Step};
use serde_json::json;

/// How many requests it may have at a time.
pub(super) const PLACES: usize = 100;
/// What comes at once of a large answer, and how soon the next of it: 100 Mbit/s, as networks have it and not as this machine.
const PIECE: usize = 128 * 1024;
const PAUSE: Duration = Duration::from_millis(10);
/// How long it thinks.
const THINKS: Duration = Duration::from_millis(20);

pub(super) async fn start() -> Provider {
    let choice = |index: u64| json!({"choices": [{"index": index, "delta": {"content": "x"}}]});
    let many: Vec<String> = (0..300).map(|index| choice(index).to_string()).collect();
    let many = Play::events(many.iter().map(String::as_str));
    let large = whole(answer(4 * 1024 * 1024 - 4096));
    let huge = whole(answer(16 * 1024 * 1024));
    let image = stream(&choice_of(&"a".repeat(20 * 1024 * 1024)));
    let torrent = vec!["word ".repeat(400); 4_000];
    let torrent = Play::words(torrent.iter().map(String::as_str));
    Provider::start(move |seen: &Seen| match seen.header("user-agent") {
        Some("flagged") => Play::json(
            403,
            &json!({"code": "The caller does not have permission", "error": "Content violates usage guidelines. Failed check: X"}),
        ),
        Some("firewall") => text(403, "<h1>Blocked by the firewall</h1>"),
        Some("credit") => Play::json(
            402,
            &json!({"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens."}}),
        ),
        Some("too-long") => Play::json(
            400,
            &json!({"error": {"message": "This model's maximum context length is 8192 tokens.", "type": "invalid_request_error", "code": "context_length_exceeded"}}),
        ),
        Some("refused-in-200") => Play::events([
            r#"{"error":{"message":"No.","type":"invalid_request_error","code":"tool_use_failed"}}"#,
        ]),
        Some("bad") => Play::status(400),
        Some("too-large") => text(413, "too large"),
        Some("unknown") => Play::status(404),
        Some("many-choices") => many.clone(),
        Some("one-choice") => Play::chat("Only one."),
        Some("large") => large.clone(),
        Some("huge") => huge.clone(),
        Some("image") => image.clone(),
        Some("torrent") => torrent.clone(),
        Some("silent") => Play::silent(),
        Some("silent-after-head") => Play::silent_after_head(),
        Some("words") => Play::words(["word "; 200]).every(Duration::from_millis(10)),
        _ => Play::chat("Hello.").after(THINKS),
    })
    .await
}

fn text(status: u16, body: &str) -> Play {
    Play::answer(status, &[("content-type", "text/html")], body.to_owned())
}

/// A large answer.
fn whole(body: String) -> Play {
    let mut steps = vec![Step::head(
        200,
        &[("content-type", "application/json")],
        Framing::Length(body.len()),
    )];
    steps.extend(pieces(body));
    Play::steps(steps)
}

/// A stream with a large event.
fn stream(event: &str) -> Play {
    let mut steps = vec![Step::event_stream()];
    steps.extend(pieces(format!("data: {event}\n\ndata: [DONE]\n\n")));
    steps.push(Step::End);
    Play::steps(steps)
}

fn pieces(text: String) -> Vec<Step> {
    let mut rest = bytes::Bytes::from(text);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        steps.push(Step::Body(rest.split_to(PIECE.min(rest.len()))));
        steps.push(Step::Pause(PAUSE));
    }
    steps
}

fn answer(bytes: usize) -> String {
    let answer = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "a".repeat(bytes)}}],
    });
    answer.to_string()
}

fn choice_of(text: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}
