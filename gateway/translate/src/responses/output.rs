//! The output of an answer: items that grow, for whole answers and streams alike, so that both say the same.

mod item;
mod render;

use std::collections::{BTreeMap, VecDeque};

use fairlead_json::{Kind, Raw};

pub(super) use item::{Call, Item, Part};
pub(super) use render::{Head, Outcome, Status, part, response};

use super::signature::{self, Role};
use crate::{Arguments, Block, Content, Piece, Signature, Stop, Text};

/// Items in order; those that are done leave at the front.
#[derive(Debug, Default)]
pub(super) struct Output {
    items: VecDeque<Item>,
    /// How many have left.
    left: u64,
    /// Where the calls are, counted from the first item ever.
    calls: BTreeMap<u64, u64>,
    refused: bool,
}

impl Output {
    pub(super) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Item> {
        self.items.front_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.left += 1;
        Some(item)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The place of the item at the front in the whole output.
    pub(super) fn index(&self) -> u64 {
        self.left
    }

    pub(super) fn text(&mut self, text: &Text<'_>) {
        self.part(false, text);
    }

    pub(super) fn refusal(&mut self, text: &Text<'_>) {
        self.refused |= !text.is_empty();
        self.part(true, text);
    }

    fn part(&mut self, refusal: bool, text: &Text<'_>) {
        let text = text.as_written();
        if text.is_empty() {
            return;
        }
        if !matches!(self.items.back(), Some(Item::Message(_))) {
            self.items.push_back(Item::Message(Vec::new()));
        }
        let Some(Item::Message(parts)) = self.items.back_mut() else {
            return;
        };
        match parts.last_mut() {
            Some(last) if last.refusal == refusal => last.text.push_str(text),
            Some(_) | None => parts.push(Part {
                refusal,
                text: text.to_owned(),
                logprobs: String::new(),
            }),
        }
    }

    pub(super) fn reasoning(&mut self, more: &Text<'_>) {
        let more = more.as_written();
        if more.is_empty() {
            return;
        }
        if let Some(Item::Reasoning {
            text,
            encrypted: None,
        }) = self.items.back_mut()
        {
            text.push_str(more);
        } else {
            self.items.push_back(Item::Reasoning {
                text: more.to_owned(),
                encrypted: None,
            });
        }
    }

    /// Ends a thought with what proves it.
    pub(super) fn signed(&mut self, proof: &Signature<'_>) {
        let proof = signature::write(proof, Role::Words).into_owned();
        if let Some(Item::Reasoning { encrypted, .. }) = self.items.back_mut()
            && encrypted.is_none()
        {
            *encrypted = Some(proof);
        } else {
            self.sealed(proof);
        }
    }

    pub(super) fn redacted(&mut self, data: &Signature<'_>) {
        self.sealed(signature::write(data, Role::Redacted).into_owned());
    }

    fn sealed(&mut self, encrypted: String) {
        self.items.push_back(Item::Reasoning {
            text: String::new(),
            encrypted: Some(encrypted),
        });
    }

    pub(super) fn call(
        &mut self,
        number: u64,
        id: Option<&Text<'_>>,
        name: &Text<'_>,
        signature: Option<&Signature<'_>>,
    ) {
        if let Some(signature) = signature {
            self.sealed(signature::write(signature, Role::Call).into_owned());
        }
        let place = self.left.saturating_add(self.items.len() as u64);
        self.calls.insert(number, place);
        self.items.push_back(Item::Call(Call {
            id: id.map(|id| id.as_written().to_owned()).unwrap_or_default(),
            name: name.as_written().to_owned(),
            arguments: String::new(),
        }));
    }

    /// More of what a call is made with. A call that has left was complete.
    pub(super) fn arguments(&mut self, number: u64, fragment: &Text<'_>) {
        let place = self.calls.get(&number).copied();
        let place = place.and_then(|place| place.checked_sub(self.left));
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(Item::Call(call)) = place.and_then(|place| self.items.get_mut(place)) {
            call.arguments.push_str(fragment.as_written());
        }
    }

    /// Chat's `logprobs` of what came last.
    pub(super) fn logprobs(&mut self, logprobs: Raw<'_>) {
        let Some(Item::Message(parts)) = self.items.back_mut() else {
            return;
        };
        let Some(part) = parts.iter_mut().rfind(|part| !part.refusal) else {
            return;
        };
        logprobs.each_member(|name, value| {
            if name == "content" && value.kind() == Kind::Array {
                value.each_element(|token| {
                    if !part.logprobs.is_empty() {
                        part.logprobs.push(',');
                    }
                    // A line break between tokens of JSON would end the line of an event.
                    part.logprobs
                        .push_str(&token.text().replace(['\n', '\r'], " "));
                });
            }
        });
    }

    /// The choice has ended. Why it was refused is told where nothing else does.
    pub(super) fn finish(&mut self, stop: &Stop<'_>) {
        if let Stop::Filtered(Some(reason)) = stop
            && !self.refused
        {
            self.refusal(reason);
        }
    }

    /// A bit of the first choice; of any other, and of what is not said, nothing.
    pub(super) fn take(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text { choice: 0, text } => self.text(text),
            Piece::Refusal { choice: 0, text } => self.refusal(text),
            Piece::Reasoning { choice: 0, text } => self.reasoning(text),
            Piece::Signed {
                choice: 0,
                signature,
            } => self.signed(signature),
            Piece::Redacted { choice: 0, data } => self.redacted(data),
            Piece::Call {
                choice: 0,
                call,
                id,
                name,
                signature,
            } => {
                let id = id.as_ref().filter(|id| !id.is_empty());
                self.call(*call, id, name, signature.as_ref());
            }
            Piece::Arguments {
                choice: 0,
                call,
                fragment,
            } => self.arguments(*call, fragment),
            Piece::Logprobs {
                choice: 0,
                logprobs,
            } => self.logprobs(*logprobs),
            Piece::Begin { .. }
            | Piece::Text { .. }
            | Piece::Refusal { .. }
            | Piece::Reasoning { .. }
            | Piece::Signed { .. }
            | Piece::Redacted { .. }
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Logprobs { .. }
            | Piece::Finish { .. }
            | Piece::Usage(_)
            | Piece::End
            | Piece::Error(_) => {}
        }
    }

    /// All that a whole answer says.
    pub(super) fn blocks(&mut self, blocks: &[Block<'_>]) {
        for (number, block) in (0..).zip(blocks) {
            match &block.content {
                Content::Text(text) => self.text(text),
                Content::Refusal(text) => self.refusal(text),
                Content::Reasoning { text, signature } => {
                    self.reasoning(text);
                    if let Some(signature) = signature {
                        self.signed(signature);
                    }
                }
                Content::Redacted(data) => self.redacted(data),
                Content::Call {
                    id,
                    name,
                    arguments,
                    signature,
                } => {
                    let id = Some(id).filter(|id| !id.is_empty());
                    self.call(number, id, name, signature.as_ref());
                    match arguments {
                        Arguments::Text(text) => self.arguments(number, text),
                        Arguments::Object(raw) => {
                            self.arguments(number, &Text::plain(raw.text()));
                        }
                    }
                }
                Content::Image(_)
                | Content::File(_)
                | Content::Audio(_)
                | Content::Result { .. }
                | Content::Other(_) => {}
            }
        }
    }
}
