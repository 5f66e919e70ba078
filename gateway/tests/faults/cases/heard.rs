//! What a caller made of an answer, by the rules of server-sent events and not by those of our own harness.

use serde_json::Value;

use crate::harness::Answer;

/// An answer, understood.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) status: u16,
    /// `x-fairlead-attempts`.
    pub(super) attempts: String,
    /// `x-should-retry`.
    pub(super) should_retry: String,
    /// Every word, in order.
    pub(super) content: String,
    /// The error object, as the body or as the last event.
    pub(super) error: Option<Value>,
    /// Whether the answer says itself that it is all there.
    pub(super) complete: bool,
    /// Whether HTTP says that it is all there.
    pub(super) whole: bool,
    /// Every byte that came, headers included, as text.
    pub(super) raw: String,
}

impl Heard {
    /// Of a caller that waited in vain.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    pub(super) fn of(answer: &Answer) -> Self {
        let text = answer.text();
        let heard = Self {
            status: answer.status,
            attempts: answer.attempts().to_owned(),
            should_retry: answer.header("x-should-retry").to_owned(),
            whole: answer.whole,
            raw: format!("{:?}\n{text}", answer.headers),
            ..Self::default()
        };
        if answer
            .header("content-type")
            .starts_with("text/event-stream")
        {
            heard.stream(&text)
        } else {
            heard.object(&answer.json())
        }
    }

    fn object(mut self, body: &Value) -> Self {
        let said = &body["choices"][0]["message"]["content"];
        said.as_str()
            .unwrap_or_default()
            .clone_into(&mut self.content);
        self.complete = self.whole && said.is_string();
        self.error = error_in(body);
        self
    }

    fn stream(mut self, text: &str) -> Self {
        let events = events(text);
        self.complete = self.whole && events.last().is_some_and(|event| event == "[DONE]");
        for event in events.iter().filter(|event| *event != "[DONE]") {
            let Ok(chunk) = serde_json::from_str::<Value>(event) else {
                continue;
            };
            self.error = error_in(&chunk);
            let said = &chunk["choices"][0]["delta"]["content"];
            self.content.push_str(said.as_str().unwrap_or_default());
        }
        self
    }

    /// A line for the results.
    pub(super) fn summary(&self) -> String {
        let words = self.content.split_whitespace().count();
        let ending = match (&self.error, self.complete) {
            (Some(error), _) => format!("error {}", error["code"]),
            (None, true) => "complete".to_owned(),
            (None, false) => "cut".to_owned(),
        };
        format!("{} {words} words, {ending}; {}", self.status, self.attempts)
    }
}

/// An error object in any of the places where servers put it.
fn error_in(body: &Value) -> Option<Value> {
    let set = |value: &&Value| !value.is_null();
    let named = body.get("error").filter(set);
    let in_choice = || body["choices"][0].get("error").filter(set);
    let bare = || (body.get("message").is_some() || body["object"] == "error").then_some(body);
    named.or_else(in_choice).or_else(bare).cloned()
}

/// The data of each event (the standard's section on parsing an event stream).
fn events(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let blocks = text.split("\n\n").map(|block| {
        let data = block.lines().filter_map(|line| {
            let value = line.strip_prefix("data:")?;
            Some(value.strip_prefix(' ').unwrap_or(value))
        });
        data.collect::<Vec<_>>().join("\n")
    });
    blocks.filter(|data| !data.is_empty()).collect()
}
