//! What a caller made of an answer, by the rules of server-sent events and not by those of our own harness.

use serde_json::Value;

use super::surface::Surface;
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

    pub(super) fn of(surface: Surface, answer: &Answer) -> Self {
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
            heard.stream(surface, &text)
        } else {
            heard.object(surface, &answer.json())
        }
    }

    fn object(mut self, surface: Surface, body: &Value) -> Self {
        let said = surface.whole(body);
        self.content = said.text.unwrap_or_default();
        self.complete = self.whole && said.ends == Some(true);
        self.error = said.error;
        self
    }

    /// What ends the answer comes last, and so does an error.
    fn stream(mut self, surface: Surface, text: &str) -> Self {
        let mut ended = false;
        for data in events(text) {
            let said = surface.event(&data);
            ended = said.ends.unwrap_or(ended);
            if said.ends != Some(true) || said.error.is_some() {
                self.error = said.error;
            }
            self.content.push_str(&said.text.unwrap_or_default());
        }
        self.complete = self.whole && ended && self.error.is_none();
        self
    }

    /// A line for the results.
    pub(super) fn summary(&self) -> String {
        let words = self.content.split_whitespace().count();
        let ending = match (&self.error, self.complete) {
            (Some(error), _) if error["code"].is_null() => format!("error {}", error["type"]),
            (Some(error), _) => format!("error {}", error["code"]),
            (None, true) => "complete".to_owned(),
            (None, false) => "cut".to_owned(),
        };
        format!("{} {words} words, {ending}; {}", self.status, self.attempts)
    }
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
