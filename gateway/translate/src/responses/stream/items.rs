//! Whole items within a stream: what of them was not heard in bits.

use std::borrow::Cow;

use fairlead_json::{Kind, Raw};

use super::super::answer::blocks;
use super::super::raw::{filled, words};
use super::event::Event;
use super::heard::List;
use super::reader::{Call, Reader, say};
use crate::{Arguments, Block, Content, Piece, Text};

impl Reader {
    pub(super) fn added(&mut self, event: &Event<'_>, item: Raw<'_>, piece: Call<'_>) {
        let mut said = Vec::new();
        blocks(item, &mut said);
        let place = self.place_of(event.output_index, item);
        if let Some(Content::Call {
            id,
            name,
            arguments,
            ..
        }) = said.first().map(|block| &block.content)
        {
            self.open(place, id, name, piece);
            let first = match arguments {
                Arguments::Text(text) => text.borrowed(),
                Arguments::Object(raw) if raw.count() > 0 => Text::plain(raw.text()),
                Arguments::Object(_) => Text::default(),
            };
            // A custom call's empty input is no input yet.
            let custom = kind_of(item) == "custom_tool_call";
            if !custom && let Some(call) = self.heard.call(place, Some(&id.unescaped())) {
                first.as_written().clone_into(&mut call.first);
            }
        }
    }

    /// Begins a call that has not begun.
    fn open(&mut self, place: u64, id: &Text<'_>, name: &Text<'_>, piece: Call<'_>) {
        let key = id.unescaped();
        if self.heard.call(place, Some(&key)).is_some() {
            return;
        }
        let (call, early) = self.heard.begin(place, &key);
        piece(Piece::Call {
            choice: 0,
            call,
            id: Some(id.borrowed()).filter(|id| !id.is_empty()),
            name: name.borrowed(),
            signature: None,
        });
        if let Some(early) = early {
            piece(Piece::Arguments {
                choice: 0,
                call,
                fragment: Text::escaped(early),
            });
        }
    }

    fn place_of(&mut self, index: Option<u64>, item: Raw<'_>) -> u64 {
        let mut id = None;
        item.each_member(|name, value| {
            if name == "id" {
                id = filled(Some(value));
            }
        });
        self.heard.place(index, id.as_ref())
    }

    /// A whole item: what of it was not heard is told now.
    pub(super) fn item(&mut self, index: Option<u64>, item: Raw<'_>, piece: Call<'_>) {
        let place = self.place_of(index, item);
        let mut said = Vec::new();
        blocks(item, &mut said);
        match &*kind_of(item) {
            "message" => {
                let heard = self.heard.knows(place, List::Content);
                // Deltas under another name for the same item.
                let elsewhere = !heard && std::mem::take(&mut self.heard.pending.0);
                self.heard.pending.0 = false;
                if !elsewhere {
                    self.rest(place, &said, piece);
                }
            }
            "reasoning" => {
                let heard = [List::Summary, List::Thoughts]
                    .iter()
                    .any(|list| self.heard.knows(place, *list));
                let elsewhere = std::mem::take(&mut self.heard.pending.1);
                if let Some(block) = said.first() {
                    self.reasoned(place, block, heard || elsewhere, piece);
                }
            }
            _ => {
                if let Some(block) = said.first() {
                    self.called(place, block, piece);
                }
            }
        }
    }

    fn rest(&mut self, place: u64, said: &[Block<'_>], piece: Call<'_>) {
        for (part, block) in (0..).zip(said) {
            let is_new = self.heard.note(place, List::Content, part);
            if let Content::Text(text) | Content::Refusal(text) = &block.content
                && is_new
            {
                let refusal = matches!(block.content, Content::Refusal(_));
                self.heard.any.0 = true;
                say(text, refusal, piece);
            }
        }
    }

    /// What proves reasoning is complete only in its whole item.
    fn reasoned(&mut self, place: u64, block: &Block<'_>, heard: bool, piece: Call<'_>) {
        if let Content::Reasoning { text, signature } = &block.content {
            if !heard && !text.is_empty() {
                self.heard.note(place, List::Summary, 0);
                self.think((place, List::Summary, 0), text, piece);
                self.heard.pending.1 = false;
            }
            if let Some(signature) = signature.clone() {
                self.heard.any.1 = true;
                let choice = 0;
                piece(Piece::Signed { choice, signature });
            }
        }
        if let Content::Redacted(data) = &block.content {
            self.heard.any.1 = true;
            piece(Piece::Redacted {
                choice: 0,
                data: data.clone(),
            });
        }
    }

    fn called(&mut self, place: u64, block: &Block<'_>, piece: Call<'_>) {
        let Content::Call {
            id,
            name,
            arguments,
            ..
        } = &block.content
        else {
            return;
        };
        self.open(place, id, name, piece);
        let Some(call) = self.heard.call(place, Some(&id.unescaped())) else {
            return;
        };
        if std::mem::replace(&mut call.told, true) {
            return;
        }
        let first = std::mem::take(&mut call.first);
        let fragment = match arguments {
            Arguments::Text(text) if text.is_empty() => Text::escaped(first),
            Arguments::Text(text) => text.borrowed(),
            Arguments::Object(raw) => Text::plain(raw.text()),
        };
        if !fragment.is_empty() {
            piece(Piece::Arguments {
                choice: 0,
                call: call.number,
                fragment,
            });
        }
    }
}

pub(super) fn kind_of(item: Raw<'_>) -> Cow<'_, str> {
    let mut kind = None;
    item.each_member(|name, value| {
        if name == "type" && value.kind() == Kind::String {
            kind = Some(value);
        }
    });
    words(kind)
}
