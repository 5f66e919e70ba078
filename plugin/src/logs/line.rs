//! An access line (`docs/observability.md`) as a row, and as the story of one request.

use jiff::Timestamp;
use serde_json::Value;

use crate::table::{Table, plain};

/// What stands over rows.
pub(super) const HEADER: &str = "TIME          MODEL                         KEY                   ATTEMPTS                            STATUS  TOOK     TOKENS      COST        ID\n";

/// One row. Lines come one by one, so that columns have widths of their own, which a long word exceeds.
pub(super) fn row(line: &Value) -> String {
    let model = match (
        text(line, "gen_ai.request.model"),
        text(line, "gen_ai.response.model"),
    ) {
        (asked, sent) if asked == sent || sent.is_empty() => asked,
        (asked, sent) => format!("{asked} -> {sent}"),
    };
    let mut status = line["status"].to_string();
    if is_cut(line) {
        status.push_str(" cut");
    }
    let row = format!(
        "{:<12}  {:<28}  {:<20}  {:<34}  {status:<6}  {:<7}  {:<10}  {:<10}  {}",
        time(line),
        or_dash(&model),
        or_dash(&text(line, "key")),
        or_dash(&attempts(line)),
        took(line),
        tokens(line),
        cost(line),
        text(line, "request_id"),
    );
    row + "\n"
}

/// All that is known of one request.
pub(super) fn story(line: &Value) -> String {
    let mut story = format!(
        "request {}  {}  key {}  rule {}\n",
        text(line, "request_id"),
        time(line),
        or_dash(&text(line, "key")),
        or_dash(&text(line, "rule")),
    );
    story.push_str(&format!(
        "{} {} -> {} {}  status {}{}{}\n",
        or_dash(&text(line, "gen_ai.operation.name")),
        or_dash(&text(line, "gen_ai.request.model")),
        or_dash(&text(line, "provider")),
        or_dash(&text(line, "gen_ai.response.model")),
        line["status"],
        line["error.type"]
            .as_str()
            .map(|code| format!(" {}", plain(code)))
            .unwrap_or_default(),
        if is_cut(line) { ", not to its end" } else { "" },
    ));
    let count = |field: &str| line[field].as_u64().unwrap_or(0);
    story.push_str(&format!(
        "{} in ({} cached), {} out, {}, {}",
        count("gen_ai.usage.input_tokens"),
        count("gen_ai.usage.cache_read.input_tokens"),
        count("gen_ai.usage.output_tokens"),
        cost(line),
        took(line),
    ));
    if let Some(first) = line["first_token_ms"].as_f64() {
        story.push_str(&format!(", first content after {first:.1} ms"));
    }
    story.push('\n');
    for (field, says) in [
        ("trace_id", "trace"),
        ("chosen_by", "first target by"),
        ("budget", "over budget"),
    ] {
        if line[field].is_string() {
            story.push_str(&format!("{says} {}\n", text(line, field)));
        }
    }
    story + &told_attempts(line)
}

fn told_attempts(line: &Value) -> String {
    let mut table = Table::new(&["", "TARGET", "PROVIDER", "MODEL", "OUTCOME", "TOOK"]);
    for (at, attempt) in line["attempts"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let took = attempt["ms"]
            .as_f64()
            .map(|millis| format!("{millis:.1} ms"));
        table.row(&[
            (at + 1).to_string(),
            text(attempt, "target"),
            text(attempt, "provider"),
            text(attempt, "model"),
            text(attempt, "outcome"),
            took.unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        return "nothing was sent to a provider\n".to_owned();
    }
    table.to_string()
}

/// Whether an answer that had begun well did not come to its end.
fn is_cut(line: &Value) -> bool {
    line["complete"] == false && line["status"].as_u64().is_some_and(|status| status < 400)
}

fn text(line: &Value, field: &str) -> String {
    plain(line[field].as_str().unwrap_or_default())
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// The time of day, in UTC as everything that gateways write.
fn time(line: &Value) -> String {
    let millis = line["time_unix_ms"]
        .as_i64()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok());
    millis
        .map(|time| time.strftime("%H:%M:%S%.3f").to_string())
        .unwrap_or_default()
}

fn attempts(line: &Value) -> String {
    let all = line["attempts"].as_array().into_iter().flatten();
    let each =
        all.map(|attempt| format!("{}={}", text(attempt, "target"), text(attempt, "outcome")));
    each.collect::<Vec<_>>().join(", ")
}

fn took(line: &Value) -> String {
    line["duration_ms"]
        .as_f64()
        .map(|millis| format!("{:.2} s", millis / 1000.0))
        .unwrap_or_default()
}

fn tokens(line: &Value) -> String {
    let of = |field: &str| line[field].as_u64().map(short);
    match (
        of("gen_ai.usage.input_tokens"),
        of("gen_ai.usage.output_tokens"),
    ) {
        (None, None) => "-".to_owned(),
        (input, output) => format!(
            "{}/{}",
            input.unwrap_or_default(),
            output.unwrap_or_default()
        ),
    }
}

fn short(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

fn cost(line: &Value) -> String {
    let mark = if line["cost_estimated"] == true {
        "~"
    } else {
        ""
    };
    if let Value::Number(usd) = &line["cost_usd"] {
        format!("{mark}${usd}")
    } else {
        "-".to_owned()
    }
}
