//! Turns as messages.
//!
//! What is said between two turns of the assistant is written together, for this format wants the results of all calls before anything
//! else, and cannot show an image in a result: it follows them in a message of the user.

mod results;

use super::super::{CallIds, Host};
use super::parts;
use crate::chat::ids::{call_id, nine_character_id, tool_name};
use crate::chat::thought;
use crate::write::Json;
use crate::{Block, Content, Conversation, Notes, Origin, Role, Text, Turn};

/// Writes all messages.
pub(super) struct Messages<'n> {
    host: &'n Host,
    notes: &'n mut Notes,
}

impl<'n> Messages<'n> {
    pub(super) fn new(host: &'n Host, notes: &'n mut Notes) -> Self {
        Self { host, notes }
    }

    pub(super) fn write(&mut self, json: &mut Json, conversation: &Conversation<'_>) {
        json.array(|json| {
            if self.host.one_system {
                self.one_system(json, &conversation.system);
            } else {
                for (place, block) in conversation.system.iter().enumerate() {
                    self.system(json, place, block);
                }
            }
            let mut rest = conversation.turns.as_slice();
            while let Some((first, after)) = rest.split_first() {
                if first.role == Role::Assistant {
                    self.assistant(json, first);
                    rest = after;
                    continue;
                }
                let until = rest
                    .iter()
                    .position(|turn| turn.role == Role::Assistant)
                    .unwrap_or(rest.len());
                let (side, after) = rest.split_at(until);
                self.callers_side(json, side);
                rest = after;
            }
        });
        // Elsewhere such a turn is the beginning of the answer; here it would be one before it.
        if let Some(last) = conversation.turns.last()
            && last.role == Role::Assistant
        {
            self.notes.cannot(format!(
                "messages[{}] (the assistant's, as the last)",
                last.at
            ));
        }
    }

    fn system(&mut self, json: &mut Json, place: usize, block: &Block<'_>) {
        if !matches!(block.content, Content::Text(_)) {
            self.notes.cannot(format!("system[{place}]"));
            return;
        }
        json.object(|json| {
            json.key("role").str("system");
            let content = json.key("content");
            parts::write(content, &[(place, block)], "system", self.host, self.notes);
        });
    }

    fn one_system(&mut self, json: &mut Json, blocks: &[Block<'_>]) {
        let mut texts = Vec::with_capacity(blocks.len());
        for (place, block) in blocks.iter().enumerate() {
            if let Content::Text(text) = &block.content {
                texts.push(text);
            } else {
                self.notes.cannot(format!("system[{place}]"));
            }
            if block.cache.is_some() {
                self.notes.drops("cache_control");
            }
        }
        if !texts.is_empty() {
            json.object(|json| {
                json.key("role").str("system");
                json.key("content").text(&Text::joined(texts, "\n\n"));
            });
        }
    }

    /// The turns between two of the assistant.
    fn callers_side(&mut self, json: &mut Json, turns: &[Turn<'_>]) {
        let mut carried = Vec::new();
        for turn in turns {
            for (place, block) in turn.blocks.iter().enumerate() {
                if let Content::Result {
                    id,
                    content,
                    is_error,
                } = &block.content
                {
                    self.result(json, id, content, *is_error);
                    if block.cache.is_some() {
                        self.notes.drops("cache_control");
                    }
                    self.carry(id, content, (turn.at, place), &mut carried);
                }
            }
        }
        if !carried.is_empty() {
            self.carried(json, &carried);
        }
        for turn in turns {
            let said: Vec<_> = turn
                .blocks
                .iter()
                .enumerate()
                .filter(|(_, block)| !matches!(block.content, Content::Result { .. }))
                .collect();
            if said.is_empty() && !turn.blocks.is_empty() {
                continue;
            }
            self.said(json, turn, &said);
        }
    }

    fn said(&mut self, json: &mut Json, turn: &Turn<'_>, blocks: &[(usize, &Block<'_>)]) {
        let role = match turn.role {
            Role::System => "system",
            Role::User | Role::Assistant => "user",
        };
        let only_text: Vec<_>;
        let mut blocks = blocks;
        if turn.role == Role::System {
            let is_text = |block: &Block<'_>| matches!(block.content, Content::Text(_));
            for (place, block) in blocks.iter().filter(|(_, block)| !is_text(block)) {
                self.notes.cannot(parts::path(&here(turn), *place, block));
            }
            only_text = blocks
                .iter()
                .copied()
                .filter(|(_, block)| is_text(block))
                .collect();
            if self.host.one_system {
                return self.late_system(json, turn, &only_text);
            }
            blocks = &only_text;
        }
        json.object(|json| {
            json.key("role").str(role);
            write_name(json, turn);
            let content = json.key("content");
            parts::write(content, blocks, &here(turn), self.host, self.notes);
        });
    }

    /// What the system says after the first turn, to a host that reads it before that only: in place, as the user's, for what stands before it may
    /// not change.
    fn late_system(&mut self, json: &mut Json, turn: &Turn<'_>, blocks: &[(usize, &Block<'_>)]) {
        self.notes.drops(format!("{}.role", here(turn)));
        let mut texts = Vec::with_capacity(blocks.len());
        for (_, block) in blocks {
            if let Content::Text(text) = &block.content {
                texts.push(text);
            }
            if block.cache.is_some() {
                self.notes.drops("cache_control");
            }
        }
        // Whose words they are would be lost with the role.
        let mark = Text::escaped("System: ");
        json.object(|json| {
            json.key("role").str("user");
            json.key("content")
                .texts([&mark, &Text::joined(texts, "\n\n")]);
        });
    }

    fn assistant(&mut self, json: &mut Json, turn: &Turn<'_>) {
        let blocks = turn.blocks.as_slice();
        let calls = blocks
            .iter()
            .any(|block| matches!(block.content, Content::Call { .. }));
        json.object(|json| {
            json.key("role").str("assistant");
            write_name(json, turn);
            self.thoughts(json, blocks);
            let content = json.key("content");
            self.spoken(content, turn, calls);
            if calls {
                json.key("tool_calls").array(|json| {
                    for block in blocks {
                        self.call(json, block);
                    }
                });
            }
        });
    }

    fn thoughts(&mut self, json: &mut Json, blocks: &[Block<'_>]) {
        let Some(name) = self.host.reasoning else {
            return;
        };
        let words = thought::words(blocks);
        if self.host.reasoning_always || words.iter().any(|text| !text.is_empty()) {
            json.key(name).texts(words);
        }
        if self.host.signatures && thought::has_details(blocks) {
            thought::write_details(json.key("reasoning_details"), blocks);
        }
    }

    /// What the assistant has said, as the next value.
    fn spoken(&mut self, json: &mut Json, turn: &Turn<'_>, calls: bool) {
        let mut said = Vec::with_capacity(1);
        for (place, block) in turn.blocks.iter().enumerate() {
            match &block.content {
                Content::Text(_) | Content::Refusal(_) => said.push(block),
                Content::Reasoning { .. } | Content::Redacted(_) | Content::Call { .. } => {}
                Content::Image(_)
                | Content::File(_)
                | Content::Audio(_)
                | Content::Result { .. }
                | Content::Other(_) => self.notes.cannot(parts::path(&here(turn), place, block)),
            }
            if block.cache.is_some() && !self.host.cache_control {
                self.notes.drops("cache_control");
            }
        }
        match said.as_slice() {
            [] if calls => json.null(),
            [] => json.str(""),
            [
                Block {
                    content: Content::Text(text),
                    cache,
                },
            ] if cache.is_none() || !self.host.cache_control => json.text(text),
            several => json.array(|json| {
                for block in several {
                    if let Content::Refusal(text) = &block.content {
                        json.object(|json| {
                            json.key("type").str("refusal");
                            json.key("refusal").text(text);
                        });
                    } else {
                        parts::write_part(json, block, self.host, self.notes);
                    }
                }
            }),
        }
    }

    fn call(&mut self, json: &mut Json, block: &Block<'_>) {
        let Content::Call {
            id,
            name,
            arguments,
            signature,
        } = &block.content
        else {
            return;
        };
        json.object(|json| {
            json.key("id").text(&self.call_id(id));
            json.key("type").str("function");
            json.key("function").object(|json| {
                json.key("name").text(&tool_name(name));
                json.key("arguments").arguments_as_text(arguments);
            });
            // Only Gemini's door looks for it, and only for its own.
            if let Some(signature) = signature
                && signature.origin == Origin::Gemini
                && self.host.signatures
            {
                thought::write_call_signature(json, signature);
            }
        });
    }

    fn call_id<'t>(&self, id: &'t Text<'_>) -> Text<'t> {
        match self.host.call_ids {
            CallIds::Short => call_id(id),
            CallIds::NineCharacters => nine_character_id(id),
        }
    }
}

/// The path to a turn.
fn here(turn: &Turn<'_>) -> String {
    format!("messages[{}]", turn.at)
}

fn write_name(json: &mut Json, turn: &Turn<'_>) {
    if let Some(name) = &turn.name {
        json.key("name").text(name);
    }
}
