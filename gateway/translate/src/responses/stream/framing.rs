//! Events in their framing, numbered.

use super::super::output::{Part, part};
use crate::Text;
use crate::write::Json;

/// How far the item at the front is written.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) added: bool,
    /// Parts of it that were begun.
    pub(super) parts: usize,
    /// How much of the last one, or of the arguments, in bytes.
    pub(super) sent: usize,
    /// Whether it was asked if the call lacks something. Echo once: to ask at every fragment would take the square of them.
    pub(super) asked: bool,
}

/// Where the events of one item go.
pub(super) struct To<'t> {
    pub(super) sequence: &'t mut u64,
    pub(super) out: &'t mut Vec<u8>,
    pub(super) id: &'t str,
    pub(super) index: u64,
}

impl To<'_> {
    fn event(&mut self, name: &str, members: impl FnOnce(&mut Json)) {
        let (id, index) = (self.id, self.index);
        event(self.sequence, self.out, name, |json| {
            json.key("item_id").str(id);
            json.key("output_index").number(index);
            members(json);
        });
    }

    pub(super) fn item(&mut self, name: &str, item: impl FnOnce(&mut Json)) {
        let index = self.index;
        event(self.sequence, self.out, name, |json| {
            json.key("output_index").number(index);
            json.key("item");
            item(json);
        });
    }

    /// What of `text` has not been sent.
    pub(super) fn delta(
        &mut self,
        name: &str,
        place: Option<(&str, usize)>,
        text: &str,
        sent: &mut usize,
    ) {
        let rest = text.get(*sent..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        *sent = text.len();
        self.event(name, |json| {
            if let Some((key, place)) = place {
                json.key(key).number(place as u64);
            }
            json.key("delta").text(&Text::escaped(rest));
            if name == "response.output_text.delta" {
                json.key("logprobs").array(|_| {});
            }
        });
    }

    /// Parts of a message, from the last one that was begun.
    pub(super) fn parts(&mut self, parts: &[Part], open: &mut Open) {
        for (at, each) in parts.iter().enumerate().skip(open.parts.saturating_sub(1)) {
            if at >= open.parts {
                if let Some(before) = at.checked_sub(1).and_then(|at| parts.get(at)) {
                    self.part_done(before, at - 1);
                }
                self.part_added(each, at);
                (open.parts, open.sent) = (at + 1, 0);
            }
            let name = if each.refusal {
                "response.refusal.delta"
            } else {
                "response.output_text.delta"
            };
            let place = Some(("content_index", at));
            self.delta(name, place, &each.text, &mut open.sent);
        }
    }

    fn part_added(&mut self, added: &Part, at: usize) {
        self.event("response.content_part.added", |json| {
            json.key("content_index").number(at as u64);
            json.key("part");
            part(json, added, true);
        });
    }

    pub(super) fn part_done(&mut self, done: &Part, at: usize) {
        let (name, key) = if done.refusal {
            ("response.refusal.done", "refusal")
        } else {
            ("response.output_text.done", "text")
        };
        self.event(name, |json| {
            json.key("content_index").number(at as u64);
            json.key(key).text(&Text::escaped(&*done.text));
            if !done.refusal {
                json.key("logprobs").array(|json| {
                    if !done.logprobs.is_empty() {
                        json.verbatim(&done.logprobs);
                    }
                });
            }
        });
        self.event("response.content_part.done", |json| {
            json.key("content_index").number(at as u64);
            json.key("part");
            part(json, done, false);
        });
    }

    pub(super) fn summary(&mut self, name: &str, key: &str, text: &str) {
        self.event(name, |json| {
            json.key("summary_index").number(0);
            let text = Text::escaped(text);
            if key == "text" {
                return json.key(key).text(&text);
            }
            json.key(key).object(|json| {
                json.key("type").str("summary_text");
                json.key("text").text(&text);
            });
        });
    }

    pub(super) fn arguments_done(&mut self, name: &Text<'_>, arguments: &str) {
        self.event("response.function_call_arguments.done", |json| {
            json.key("name").text(name);
            json.key("arguments").text(&Text::escaped(arguments));
        });
    }

    pub(super) fn input(&mut self, input: &str) {
        let mut sent = 0;
        self.delta(
            "response.custom_tool_call_input.delta",
            None,
            input,
            &mut sent,
        );
        self.event("response.custom_tool_call_input.done", |json| {
            json.key("input").text(&Text::escaped(input));
        });
    }
}

/// One event in its framing, numbered.
pub(super) fn event(
    sequence: &mut u64,
    out: &mut Vec<u8>,
    name: &str,
    members: impl FnOnce(&mut Json),
) {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("type").str(name);
        json.key("sequence_number").number(*sequence);
        members(json);
    });
    *sequence += 1;
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(&json.finish());
    out.extend_from_slice(b"\n\n");
}
