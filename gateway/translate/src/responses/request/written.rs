//! Turns become items.

use super::super::ids::fitting;
use super::super::path::Path;
use super::written_parts::{output, part};
use crate::names::Grammar;
use crate::write::Json;
use crate::{Block, Content, Conversation, Notes, Origin, Role, Signature, Text, Turn};

/// So many parts are told by their place when they cannot be said, which is more than a reader takes in.
const MOST_NOTES: usize = 256;

/// Writes the items of an input, and before them a system prompt that is more than one text.
pub(super) fn input(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let single = matches!(
        conversation.system.as_slice(),
        [Block {
            content: Content::Text(_),
            ..
        }]
    );
    if !single {
        message(
            json,
            "system",
            &conversation.system,
            &Path::root("system"),
            notes,
        );
    }
    let messages = Path::root("messages");
    for each in &conversation.turns {
        turn(json, each, &messages.element(each.at), notes);
    }
}

/// Whether there is reasoning that goes back to OpenAI.
pub(super) fn has_encrypted(conversation: &Conversation<'_>) -> bool {
    let blocks = conversation.turns.iter().flat_map(|turn| &turn.blocks);
    blocks
        .filter_map(|block| own_signature(&block.content))
        .next()
        .is_some()
}

/// Tells a wish to cache: OpenAI caches by itself.
pub(super) fn note_cache(block: &Block<'_>, notes: &mut Notes) {
    if block.cache.is_some() {
        notes.drops("cache_control");
    }
}

fn turn(json: &mut Json, turn: &Turn<'_>, path: &Path<'_>, notes: &mut Notes) {
    if turn.name.is_some() && notes.all().len() < MOST_NOTES {
        notes.drops(path.member("name").to_string());
    }
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let mut rest = turn.blocks.as_slice();
    while let Some(block) = rest.first() {
        let length = rest.iter().take_while(|block| is_part(block)).count();
        let (parts, after) = rest.split_at(length.max(1));
        rest = after;
        if length > 0 {
            message(json, role, parts, path, notes);
        } else {
            note_cache(block, notes);
            item(json, &block.content, path, notes);
        }
    }
}

/// Whether a block stands inside a message; others are items of their own.
fn is_part(block: &Block<'_>) -> bool {
    match &block.content {
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Image(_)
        | Content::File(_)
        | Content::Audio(_) => true,
        Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Result { .. }
        | Content::Other(_) => false,
    }
}

fn message(json: &mut Json, role: &str, blocks: &[Block<'_>], path: &Path<'_>, notes: &mut Notes) {
    if blocks.is_empty() {
        return;
    }
    json.object(|json| {
        json.key("type").str("message");
        json.key("role").str(role);
        // Parts that were said want an id in some servers' reading; a string does not.
        if role == "assistant"
            && let [only] = blocks
            && let Content::Text(text) = &only.content
        {
            note_cache(only, notes);
            return json.key("content").text(text);
        }
        json.key("content").array(|json| {
            for block in blocks {
                part(json, block, role == "assistant", path, notes);
            }
        });
    });
}

fn item(json: &mut Json, content: &Content<'_>, path: &Path<'_>, notes: &mut Notes) {
    match content {
        Content::Reasoning { text, .. } => {
            // Words without OpenAI's own proof are no reasoning of its.
            if let Some(signature) = own_signature(content) {
                reasoning(json, text, signature);
            }
        }
        Content::Redacted(_) => {
            if let Some(signature) = own_signature(content) {
                reasoning(json, &Text::default(), signature);
            }
        }
        Content::Call {
            id,
            name,
            arguments,
            ..
        } => json.object(|json| {
            json.key("type").str("function_call");
            json.key("call_id").text(&fitting(id, "call_"));
            json.key("name").text(&Grammar::OPENAI.name(name));
            json.key("arguments").arguments_as_text(arguments);
        }),
        Content::Result {
            id,
            content,
            is_error,
        } => json.object(|json| {
            json.key("type").str("function_call_output");
            json.key("call_id").text(&fitting(id, "call_"));
            json.key("output");
            output(json, content, *is_error, path, notes);
        }),
        Content::Other(kind) => cannot(notes, path, kind),
        // Parts of messages, which never come here.
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Image(_)
        | Content::File(_)
        | Content::Audio(_) => {}
    }
}

/// What proves to OpenAI that the reasoning is its own.
fn own_signature<'c>(content: &'c Content<'_>) -> Option<&'c Text<'c>> {
    let signature: &Signature<'_> = match content {
        Content::Reasoning { signature, .. } => signature.as_ref()?,
        Content::Redacted(signature) => signature,
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Image(_)
        | Content::File(_)
        | Content::Audio(_)
        | Content::Call { .. }
        | Content::Result { .. }
        | Content::Other(_) => return None,
    };
    (signature.origin == Origin::OpenAi).then_some(&signature.value)
}

/// Without an id: nothing is kept under it.
fn reasoning(json: &mut Json, text: &Text<'_>, encrypted: &Text<'_>) {
    json.object(|json| {
        json.key("type").str("reasoning");
        json.key("summary").array(|json| {
            if !text.is_empty() {
                json.object(|json| {
                    json.key("type").str("summary_text");
                    json.key("text").text(text);
                });
            }
        });
        json.key("encrypted_content").text(encrypted);
    });
}

pub(super) fn cannot(notes: &mut Notes, path: &Path<'_>, kind: &str) {
    if notes.all().len() < MOST_NOTES {
        notes.cannot(format!("{path} ({kind})"));
    } else {
        notes.cannot("further parts");
    }
}
