//! The words of a stream, out of its events: those of a choice, of what was thought, of a call of a tool each together, for a secret may lie across many
//! events, and events of several choices come mixed. What no words are read of is not kept.

use std::borrow::Cow;

use fairlead_redact::{KEPT, Kept, Redactor};
use serde_json::Value;

/// No more parts than this are told apart; words of others are left out.
const PARTS: usize = 64;

/// Whether these bytes are events of a stream.
#[must_use]
pub(super) fn is_stream(bytes: &[u8]) -> bool {
    let beginnings: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    let text = bytes.trim_ascii_start();
    beginnings
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

/// What is kept of the words in a stream of which `more` bytes follow that are not here.
#[must_use]
pub(super) fn keep(bytes: &[u8], more: usize, redactor: &Redactor) -> Kept {
    let mut parts = Parts::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let data = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii);
        if let Some(event) = data.and_then(|data| serde_json::from_slice::<Value>(data).ok()) {
            parts.event(&event);
        }
    }
    parts.kept(more, redactor)
}

/// The words, by what they belong to, in the order in which each began.
#[derive(Default)]
struct Parts(Vec<(Cow<'static, str>, String)>);

impl Parts {
    fn say(&mut self, part: impl Into<Cow<'static, str>>, words: &str) {
        let part = part.into();
        if let Some((_, said)) = self.0.iter_mut().find(|(known, _)| *known == part) {
            said.push_str(words);
        } else if self.0.len() < PARTS {
            self.0.push((part, words.to_owned()));
        }
    }

    fn text(&mut self, part: impl Into<Cow<'static, str>>, words: Option<&Value>) {
        if let Some(words) = words
            .and_then(Value::as_str)
            .filter(|words| !words.is_empty())
        {
            self.say(part, words);
        }
    }

    fn event(&mut self, event: &Value) {
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            self.say("error", &error.to_string());
        }
        for choice in list(event, "choices") {
            self.choice(choice);
        }
        for candidate in list(event, "candidates") {
            self.candidate(candidate);
        }
        let kind = event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match kind {
            "content_block_start" => self.block(event),
            "content_block_delta" => self.block_delta(event),
            _ if kind.starts_with("response.") => self.response(event, kind),
            _ => {}
        }
    }

    /// Of OpenAI's Chat Completions, and of Completions.
    fn choice(&mut self, choice: &Value) {
        let at = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
        let part = |name: &str| match (at, name) {
            (0, name) => name.to_owned(),
            (at, "") => format!("choice {at}"),
            (at, name) => format!("choice {at}, {name}"),
        };
        self.text(part(""), choice.get("text"));
        let Some(delta) = choice.get("delta") else {
            return;
        };
        self.text(part(""), delta.get("content"));
        self.text(part("refusal"), delta.get("refusal"));
        for member in ["reasoning_content", "reasoning"] {
            self.text(part("reasoning"), delta.get(member));
        }
        for call in list(delta, "tool_calls") {
            let number = call.get("index").and_then(Value::as_u64).unwrap_or(0);
            let function = call.get("function");
            let of = |member: &str| function.and_then(|function| function.get(member));
            self.text(part(&format!("tool {number} name")), of("name"));
            self.text(part(&format!("tool {number} arguments")), of("arguments"));
        }
    }

    /// Of Anthropic's Messages.
    fn block(&mut self, event: &Value) {
        let at = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        if let Some(block) = event.get("content_block") {
            self.text(format!("tool {at} name"), block.get("name"));
            self.text("", block.get("text"));
        }
    }

    fn block_delta(&mut self, event: &Value) {
        let at = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        if let Some(delta) = event.get("delta") {
            self.text("", delta.get("text"));
            self.text("reasoning", delta.get("thinking"));
            self.text(format!("tool {at} arguments"), delta.get("partial_json"));
        }
    }

    /// Of OpenAI's Responses.
    fn response(&mut self, event: &Value, kind: &str) {
        let at = event
            .get("output_index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        match kind {
            "response.output_text.delta" => self.text("", event.get("delta")),
            "response.refusal.delta" => self.text("refusal", event.get("delta")),
            "response.function_call_arguments.delta" => {
                self.text(format!("tool {at} arguments"), event.get("delta"));
            }
            "response.output_item.added" => {
                let name = event.get("item").and_then(|item| item.get("name"));
                self.text(format!("tool {at} name"), name);
            }
            _ if kind.contains("reasoning") && kind.ends_with(".delta") => {
                self.text("reasoning", event.get("delta"));
            }
            _ => {}
        }
    }

    /// Of Gemini's generateContent.
    fn candidate(&mut self, candidate: &Value) {
        let Some(content) = candidate.get("content") else {
            return;
        };
        for part in list(content, "parts") {
            let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
            self.text(if thought { "reasoning" } else { "" }, part.get("text"));
            if let Some(call) = part.get("functionCall") {
                self.say("tool arguments", &call.to_string());
            }
        }
    }

    /// Each part is masked by itself: what is joined afterwards has no secret left.
    fn kept(&self, more: usize, redactor: &Redactor) -> Kept {
        let mut kept = Kept {
            text: String::new(),
            bytes: 0,
            cut: more > 0,
        };
        for (part, words) in &self.0 {
            let one = redactor.keep(words.as_bytes(), usize::from(more > 0));
            kept.bytes += words.len();
            kept.cut |= one.cut;
            if !part.is_empty() || !kept.text.is_empty() {
                let lead = if kept.text.is_empty() { "" } else { "\n\n" };
                let part = if part.is_empty() { "answer" } else { part };
                kept.text.push_str(&format!("{lead}[{part}]\n"));
            }
            kept.text.push_str(&one.text);
        }
        if kept.text.len() > KEPT {
            let mut end = KEPT;
            while !kept.text.is_char_boundary(end) {
                end -= 1;
            }
            kept.text.truncate(end);
            kept.cut = true;
        }
        kept
    }
}

fn list<'v>(value: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(events: &[Value], more: usize) -> Kept {
        let lines: String = events
            .iter()
            .map(|event| format!("event: x\ndata: {event}\n\n"))
            .collect();
        assert!(is_stream(lines.as_bytes()));
        keep(lines.as_bytes(), more, &Redactor::default())
    }

    #[test]
    fn every_dialect_is_read_as_words() {
        for (events, told) in [
            (
                vec![
                    json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}),
                    json!({"choices": [{"index": 1, "delta": {"content": "Bye"}}]}),
                    json!({"choices": [{"index": 0, "delta": {"content": "lo"}}]}),
                    json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}}]}),
                ],
                "Hello\n\n[choice 1]\nBye\n\n[tool 0 name]\nf\n\n[tool 0 arguments]\n{}",
            ),
            (
                vec![
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}),
                    json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}}),
                    json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "!"}}),
                ],
                "[reasoning]\nHm\n\n[answer]\nHi!",
            ),
            (
                vec![
                    json!({"type": "response.output_text.delta", "delta": "He"}),
                    json!({"type": "response.output_text.delta", "delta": "y"}),
                    json!({"type": "response.completed", "response": {"output": "Hey"}}),
                ],
                "Hey",
            ),
            (
                vec![json!({"candidates": [{"content": {"parts": [{"text": "Ja"}]}}]})],
                "Ja",
            ),
            (
                vec![json!({"error": {"message": "No."}})],
                "[error]\n{\"message\":\"No.\"}",
            ),
        ] {
            let kept = kept(&events, 0);
            assert_eq!((kept.text.as_str(), kept.cut), (told, false));
        }
    }

    /// Token by token, and between those of another choice.
    #[test]
    fn a_secret_across_events_is_masked() {
        let key = "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H";
        let mut events = Vec::new();
        for letter in key.chars() {
            events
                .push(json!({"choices": [{"index": 0, "delta": {"content": letter.to_string()}}]}));
            events.push(json!({"choices": [{"index": 1, "delta": {"content": "x "}}]}));
        }
        let whole = kept(&events, 0);
        assert!(
            whole.text.starts_with("[redacted:key]\n\n[choice 1]\nx x"),
            "{}",
            whole.text
        );
        // Cut within it, neither.
        let begun = kept(&events[..14], 9);
        assert!(begun.cut && !begun.text.contains("sk-"), "{}", begun.text);
    }
}
