//! A provider's stream.
//!
//! Each thing is told up to three times: in deltas, when its part is done, and in the item; and once more in the last event. Servers leave out
//! any of these, so whatever has not been heard is taken from where it comes first, and never twice.

use fairlead_json::Raw;

use super::super::answer::{facts, stop_of};
use super::super::names::custom_arguments;
use super::super::raw::filled;
use super::super::usage;
use super::event::Event;
use super::heard::{Heard, List};
use super::items::kind_of;
use crate::{Malformed, Piece, Text};

/// Reads a stream.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    pub(super) heard: Heard,
    /// Whether there was an item at all.
    items: bool,
    begun: bool,
    ended: bool,
}

pub(super) type Call<'c> = &'c mut dyn FnMut(Piece<'_>);

impl Reader {
    /// One event: its name and its data. Calls `piece` for every bit it holds, in order.
    ///
    /// # Errors
    /// The data is neither a JSON object nor `[DONE]`.
    pub fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let data = data.trim_ascii();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.ended = true;
            piece(Piece::End);
            return Ok(());
        }
        let data = std::str::from_utf8(data).map_err(|error| {
            let at = error.valid_up_to();
            Malformed::Json(fairlead_json::JsonError::NotUtf8 { at })
        })?;
        let event = Event::read(data)?;
        let kind = event.kind.as_ref().map(Text::unescaped);
        let named = name.and_then(|name| std::str::from_utf8(name).ok());
        let kind = kind.as_deref().or(named).unwrap_or_default();
        if self.fails(kind, &event, data, piece) {
            return Ok(());
        }
        if kind.starts_with("response.") {
            self.begin(event.response, piece);
        }
        self.event(kind, &event, piece)
    }

    fn event(&mut self, kind: &str, event: &Event<'_>, piece: Call<'_>) -> Result<(), Malformed> {
        match kind {
            "response.output_text.delta" => self.said(event, event.delta.as_ref(), false, piece),
            "response.refusal.delta" => self.said(event, event.delta.as_ref(), true, piece),
            "response.output_text.done" => self.said_whole(event, false, piece),
            "response.refusal.done" => self.said_whole(event, true, piece),
            "response.reasoning_summary_text.delta" => {
                self.thought(event, List::Summary, false, piece);
            }
            "response.reasoning_summary_text.done" => {
                self.thought(event, List::Summary, true, piece);
            }
            "response.reasoning_text.delta" => self.thought(event, List::Thoughts, false, piece),
            "response.reasoning_text.done" => self.thought(event, List::Thoughts, true, piece),
            "response.function_call_arguments.delta" => self.fragment(event, piece),
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                self.arguments(kind, event, piece);
            }
            "response.output_item.added" => {
                if let Some(item) = event.item {
                    self.items = true;
                    self.added(event, item, piece);
                }
            }
            "response.output_item.done" => {
                if let Some(item) = event.item {
                    self.items = true;
                    self.item(event.output_index, item, piece);
                }
            }
            "response.completed" | "response.incomplete" => return self.finish(kind, event, piece),
            _ => {}
        }
        Ok(())
    }

    /// Whether an event says that the provider failed, which is then told.
    fn fails(&mut self, kind: &str, event: &Event<'_>, data: &str, piece: Call<'_>) -> bool {
        let facts = match kind {
            "response.failed" | "response.cancelled" => {
                let said = event.response.map_or(data, |response| response.text());
                let mut facts = facts(said);
                facts.code = facts.code.or_else(|| Some("server_error".to_owned()));
                facts
            }
            "error" => facts(data),
            "" if event.error => facts(data),
            _ => return false,
        };
        self.ended = true;
        piece(Piece::Error(facts));
        true
    }

    fn begin(&mut self, response: Option<Raw<'_>>, piece: Call<'_>) {
        if self.begun {
            return;
        }
        self.begun = true;
        let (mut id, mut model) = (None, None);
        if let Some(response) = response {
            response.each_member(|name, value| match &*name {
                "id" => id = filled(Some(value)),
                "model" => model = filled(Some(value)),
                _ => {}
            });
        }
        piece(Piece::Begin { id, model });
    }

    fn said(&mut self, event: &Event<'_>, text: Option<&Text<'_>>, refusal: bool, piece: Call<'_>) {
        let Some(text) = text else { return };
        let place = self.heard.place(event.output_index, event.item_id.as_ref());
        self.heard
            .note(place, List::Content, event.part_index.unwrap_or(0));
        self.heard.pending.0 = true;
        self.heard.any.0 = true;
        say(text, refusal, piece);
    }

    fn said_whole(&mut self, event: &Event<'_>, refusal: bool, piece: Call<'_>) {
        let Some(text) = &event.whole else { return };
        let place = self.heard.place(event.output_index, event.item_id.as_ref());
        let part = event.part_index.unwrap_or(0);
        if self.heard.note(place, List::Content, part) {
            self.heard.pending.0 = true;
            self.heard.any.0 = true;
            say(text, refusal, piece);
        }
    }

    fn thought(&mut self, event: &Event<'_>, list: List, whole: bool, piece: Call<'_>) {
        let text = if whole { &event.whole } else { &event.delta };
        let Some(text) = text else { return };
        let place = self.heard.place(event.output_index, event.item_id.as_ref());
        let part = (place, list, event.part_index.unwrap_or(0));
        if self.heard.note(part.0, part.1, part.2) || !whole {
            self.think(part, text, piece);
        }
    }

    /// Parts of one thought stand apart, as they do in a whole answer.
    pub(super) fn think(&mut self, part: (u64, List, u64), text: &Text<'_>, piece: Call<'_>) {
        let before = self.heard.thought.replace(part);
        if before.is_some_and(|before| before.0 == part.0 && before != part) {
            piece(Piece::Reasoning {
                choice: 0,
                text: Text::plain("\n\n"),
            });
        }
        self.heard.pending.1 = true;
        self.heard.any.1 = true;
        piece(Piece::Reasoning {
            choice: 0,
            text: text.borrowed(),
        });
    }

    fn fragment(&mut self, event: &Event<'_>, piece: Call<'_>) {
        let Some(fragment) = &event.delta else { return };
        let place = self.heard.place(event.output_index, event.item_id.as_ref());
        match self.heard.call(place, None) {
            Some(call) => {
                call.told = true;
                piece(Piece::Arguments {
                    choice: 0,
                    call: call.number,
                    fragment: fragment.borrowed(),
                });
            }
            None => self.heard.keep(place, fragment),
        }
    }

    /// Whole arguments, by the event that says they are.
    fn arguments(&mut self, kind: &str, event: &Event<'_>, piece: Call<'_>) {
        let place = self.heard.place(event.output_index, event.item_id.as_ref());
        let whole = match (&event.whole, event.object) {
            (Some(input), _) if kind == "response.custom_tool_call_input.done" => {
                custom_arguments(input)
            }
            (Some(text), _) => text.borrowed(),
            (None, Some(object)) => Text::plain(object.text()),
            (None, None) => return,
        };
        // One that has not begun begins with its item, which tells them again.
        if let Some(call) = self.heard.call(place, None)
            && !call.told
        {
            call.told = true;
            piece(Piece::Arguments {
                choice: 0,
                call: call.number,
                fragment: whole,
            });
        }
    }

    /// The last event holds everything: whatever kind of thing was never heard is told now.
    fn finish(&mut self, kind: &str, event: &Event<'_>, piece: Call<'_>) -> Result<(), Malformed> {
        let (mut output, mut details) = (None, None);
        let (mut used, mut tier) = (None, None);
        if let Some(response) = event.response {
            response.each_member(|name, value| match &*name {
                "output" => output = Some(value),
                "incomplete_details" => details = Some(value),
                "usage" => used = Some(value),
                "service_tier" => tier = Some(value),
                _ => {}
            });
        }
        let heard = self.heard.any;
        let mut index = 0;
        if let Some(output) = output {
            output.each_element(|item| {
                let fresh = match &*kind_of(item) {
                    "message" => !heard.0,
                    "reasoning" => !heard.1,
                    _ => true,
                };
                if fresh {
                    self.item(Some(index), item, piece);
                }
                index += 1;
            });
        }
        if let Some(usage) = used.and_then(|used| usage::read(used, tier)) {
            piece(Piece::Usage(usage));
        }
        self.ended = true;
        let status = if kind == "response.incomplete" {
            "incomplete"
        } else if self.items || index > 0 || self.heard.any != (false, false) {
            "completed"
        } else {
            return Err(Malformed::Shape(
                "a response is complete without any output",
            ));
        };
        piece(Piece::Finish {
            choice: 0,
            stop: stop_of(status, details, self.heard.has_calls()),
        });
        piece(Piece::End);
        Ok(())
    }
}

pub(super) fn say(text: &Text<'_>, refusal: bool, piece: Call<'_>) {
    let (choice, text) = (0, text.borrowed());
    piece(if refusal {
        Piece::Refusal { choice, text }
    } else {
        Piece::Text { choice, text }
    });
}
