//! The system prompt and the messages: sides take turns, the user begins and has the last word, and the results of a turn's calls stand in
//! the message after it, before everything else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::cache;
use super::documents::Documents;
use super::parts::{Owner, Part, What, parts};
use crate::converse::Family;
use crate::write::Json;
use crate::{Block, Content, Conversation, Notes, Role, Text, Turn};

/// What was said, as this format orders it.
pub(super) struct Said<'t> {
    system: Vec<Part<'t>>,
    messages: Vec<Message<'t>>,
}

struct Message<'t> {
    is_assistant: bool,
    /// The place of the first turn that it is of.
    at: usize,
    parts: Vec<Part<'t>>,
}

/// Orders what was said.
pub(super) fn said<'t>(
    conversation: &'t Conversation<'t>,
    family: Family,
    notes: &mut Notes,
) -> Said<'t> {
    let (leading, turns) = split(&conversation.turns);
    let mut said = Said {
        system: Vec::new(),
        messages: Vec::new(),
    };
    said.instruct(&conversation.system, |at| format!("system[{at}]"), notes);
    for turn in leading {
        let path = |at| format!("messages[{}].content[{at}]", turn.at);
        said.instruct(&turn.blocks, path, notes);
    }
    let (mut documents, mut callers) = (Documents::default(), BTreeMap::new());
    for turn in without_prefill(turns, notes) {
        let blocks = of_turn(turn, family, &mut documents, notes);
        said.add(turn, blocks, &mut callers, notes);
    }
    said.end(notes);
    for message in &mut said.messages {
        message.arrange();
    }
    if said.messages.is_empty() && !said.system.is_empty() {
        // There is no answer to a system prompt alone, so it is heard as the user's word.
        notes.drops("system");
        said.messages.push(Message {
            is_assistant: false,
            at: 0,
            parts: std::mem::take(&mut said.system),
        });
    }
    said
}

/// By its id, the message in which a call was made last.
type Callers<'t> = BTreeMap<Cow<'t, str>, usize>;

impl<'t> Said<'t> {
    /// Whether there are calls, or results.
    pub(super) fn has_tools(&self) -> bool {
        let is_tool = |part: &Part<'_>| matches!(part.what, What::Call(..) | What::Result(..));
        let mut all = self.messages.iter().flat_map(|message| &message.parts);
        all.any(is_tool)
    }

    fn instruct(
        &mut self,
        blocks: &'t [Block<'t>],
        path: impl Fn(usize) -> String,
        notes: &mut Notes,
    ) {
        for (at, block) in blocks.iter().enumerate() {
            match &block.content {
                Content::Text(text) | Content::Refusal(text) => {
                    if !crate::messages::is_blank(text) {
                        self.system.push(Part {
                            what: What::Text(text.borrowed()),
                            cache: block.cache,
                            at,
                        });
                    }
                }
                Content::Image(_)
                | Content::File(_)
                | Content::Audio(_)
                | Content::Reasoning { .. }
                | Content::Redacted(_)
                | Content::Call { .. }
                | Content::Result { .. }
                | Content::Other(_) => notes.cannot(path(at)),
            }
        }
    }

    fn add(
        &mut self,
        turn: &Turn<'_>,
        parts: Vec<Part<'t>>,
        callers: &mut Callers<'t>,
        notes: &mut Notes,
    ) {
        let is_assistant = turn.role == Role::Assistant;
        if is_assistant && self.messages.is_empty() {
            // A conversation that the model begins is refused.
            if !parts.is_empty() {
                notes.cannot(format!("messages[{}]", turn.at));
            }
            return;
        }
        for part in parts {
            let place = match &part.what {
                What::Result(id, ..) => match callers.get(&id.unescaped()) {
                    Some(caller) => Some(caller + 1),
                    None => {
                        // Nobody has asked for it, and it would be refused.
                        notes.cannot(format!("messages[{}].content[{}]", turn.at, part.at));
                        continue;
                    }
                },
                What::Call(id, ..) => {
                    let place = self.last(turn);
                    callers.insert(id.unescaped(), place);
                    Some(place)
                }
                What::Text(_)
                | What::System(_)
                | What::Reasoning(..)
                | What::Redacted(_)
                | What::Medium(_) => None,
            };
            let place = match place {
                Some(place) if place < self.messages.len() => place,
                _ => self.last(turn),
            };
            if let Some(message) = self.messages.get_mut(place) {
                message.parts.push(part);
            }
        }
    }

    /// Leaves out what the model has said last, where what the user has said after it says nothing.
    fn end(&mut self, notes: &mut Notes) {
        while let Some(last) = self.messages.pop_if(|last| last.is_assistant) {
            notes.cannot(format!("messages[{}]", last.at));
        }
    }

    /// The place of the last message, which is one of the turn's side.
    fn last(&mut self, turn: &Turn<'_>) -> usize {
        let is_assistant = turn.role == Role::Assistant;
        let is_open = |last: &Message<'_>| last.is_assistant == is_assistant;
        if !self.messages.last().is_some_and(is_open) {
            self.messages.push(Message {
                is_assistant,
                at: turn.at,
                parts: Vec::new(),
            });
        }
        self.messages.len() - 1
    }
}

fn of_turn<'t>(
    turn: &'t Turn<'t>,
    family: Family,
    documents: &mut Documents,
    notes: &mut Notes,
) -> Vec<Part<'t>> {
    if turn.name.is_some() {
        notes.drops(format!("messages[{}].name", turn.at));
    }
    if turn.role == Role::System {
        // It is heard, but as the user's word.
        notes.drops(format!("messages[{}].role", turn.at));
    }
    let owner = Owner {
        role: turn.role,
        in_result: false,
        family,
        path: &|at| format!("messages[{}].content[{at}]", turn.at),
    };
    parts(&turn.blocks, owner, documents, notes)
}

impl Message<'_> {
    /// Results first, and otherwise in order; beside a document there has to be a text, which names it where nobody says more.
    fn arrange(&mut self) {
        let is_result = |part: &Part<'_>| matches!(part.what, What::Result(..));
        self.parts.sort_by_key(|part| !is_result(part));
        let is_text = |part: &Part<'_>| matches!(part.what, What::Text(_) | What::System(_));
        if self.parts.iter().any(is_text) {
            return;
        }
        let named = self.parts.iter().find_map(|part| {
            let What::Medium(medium) = &part.what else {
                return None;
            };
            medium.document().map(|name| format!("Document: {name}"))
        });
        if let Some(text) = named {
            self.parts.push(Part {
                what: What::Text(Text::plain(&text).into_owned()),
                cache: None,
                at: self.parts.len(),
            });
        }
    }
}

/// Writes both.
pub(super) fn write(json: &mut Json, said: &Said<'_>, family: Family, notes: &mut Notes) {
    if !said.system.is_empty() {
        json.key("system");
        blocks(json, &said.system, family, notes);
    }
    json.key("messages").array(|json| {
        for message in &said.messages {
            json.object(|json| {
                json.key("role").str(if message.is_assistant {
                    "assistant"
                } else {
                    "user"
                });
                json.key("content");
                blocks(json, &message.parts, family, notes);
            });
        }
    });
}

fn blocks(json: &mut Json, parts: &[Part<'_>], family: Family, notes: &mut Notes) {
    let places = cache::places(parts, family, notes);
    json.array(|json| {
        for (part, place) in parts.iter().zip(places) {
            json.object(|json| part.write(json, family));
            if let Some(wish) = place {
                cache::write(json, wish, family);
            }
        }
    });
}

/// The system turns before all others, and the rest.
fn split<'t, 'a>(turns: &'t [Turn<'a>]) -> (&'t [Turn<'a>], &'t [Turn<'a>]) {
    let leading = turns
        .iter()
        .take_while(|turn| turn.role == Role::System)
        .count();
    turns.split_at_checked(leading).unwrap_or((&[], turns))
}

/// Newer models refuse to go on from words put into their mouth, and elsewhere a last turn of the model's means something else.
fn without_prefill<'t, 'a>(turns: &'t [Turn<'a>], notes: &mut Notes) -> &'t [Turn<'a>] {
    let mut rest = turns;
    while let Some((last, before)) = rest.split_last()
        && last.role == Role::Assistant
    {
        notes.cannot(format!("messages[{}]", last.at));
        rest = before;
    }
    rest
}
