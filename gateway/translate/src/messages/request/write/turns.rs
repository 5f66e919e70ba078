//! The system prompt and the messages.

use super::parts::{Owner, Part, cache_control, parts, write};
use crate::messages::block::is_blank;
use crate::write::Json;
use crate::{Block, Content, Conversation, Notes, Role, Text, Turn};

/// What stands before the first turn, each text a block of its own.
pub(super) fn system(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let (leading, _) = split(&conversation.turns);
    let mut texts: Vec<(&Text<'_>, &Block<'_>)> = Vec::new();
    let mut take = |block| match text_of(block) {
        Some(text) if text.is_empty() => true,
        Some(text) => {
            texts.push((text, block));
            true
        }
        None => false,
    };
    for (at, block) in conversation.system.iter().enumerate() {
        if !take(block) {
            notes.cannot(format!("system[{at}]"));
        }
    }
    for turn in leading {
        for (at, block) in turn.blocks.iter().enumerate() {
            if !take(block) {
                notes.cannot(format!("messages[{}].content[{at}]", turn.at));
            }
        }
    }
    if texts.iter().all(|(text, _)| is_blank(text)) {
        return;
    }
    json.key("system").array(|json| {
        for (text, block) in texts {
            json.object(|json| {
                json.key("type").str("text");
                json.key("text").text(text);
                cache_control(json, block.cache);
            });
        }
    });
}

/// The turns: neighbours of one side are one message, and results stand before everything else of it.
pub(super) fn messages(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let (_, turns) = split(&conversation.turns);
    let turns = without_prefill(turns, notes);
    json.key("messages").array(|json| {
        for turns in turns.chunk_by(|one, next| is_assistant(one) == is_assistant(next)) {
            let mut all = Vec::new();
            for turn in turns {
                say(turn, &mut all, notes);
            }
            let assistant = turns.first().is_some_and(is_assistant);
            if all.is_empty() && !assistant {
                // A message of the user's that says nothing is refused, one of the model's is not.
                continue;
            }
            // Stable: results first, and otherwise in order.
            all.sort_by_key(|part| !part.is_result());
            json.object(|json| {
                json.key("role")
                    .str(if assistant { "assistant" } else { "user" });
                json.key("content");
                write(json, &all);
            });
        }
    });
}

fn say<'t>(turn: &'t Turn<'t>, all: &mut Vec<Part<'t>>, notes: &mut Notes) {
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
        path: &|at| format!("messages[{}].content[{at}]", turn.at),
    };
    all.extend(parts(&turn.blocks, owner, notes));
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
        && is_assistant(last)
    {
        notes.cannot(format!("messages[{}]", last.at));
        rest = before;
    }
    rest
}

fn is_assistant(turn: &Turn<'_>) -> bool {
    turn.role == Role::Assistant
}

fn text_of<'t, 'a>(block: &'t Block<'a>) -> Option<&'t Text<'a>> {
    if let Content::Text(text) | Content::Refusal(text) = &block.content {
        Some(text)
    } else {
        None
    }
}
