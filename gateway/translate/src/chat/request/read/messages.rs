//! Messages as turns.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::{other, parts, settings, wrong};
use crate::chat::lenient::{filled, inside, some};
use crate::chat::thought::{Thought, call_signature};
use crate::{Arguments, Block, Content, Conversation, RequestError, Role, Signature, Text, Turn};

/// Reads all messages in one pass.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<(), RequestError>, JsonError> {
    let (mut at, mut failed) = (0, None);
    scanner.array(|scanner| {
        let message = Message::read(scanner)?;
        if failed.is_none() {
            let taken = match message {
                Some(message) => take(&message, at, conversation),
                None => Err(wrong(format!("messages[{at}]"), "an object")),
            };
            failed = taken.err();
        }
        at += 1;
        Ok(())
    })?;
    Ok(match failed {
        Some(failed) => Err(failed),
        None if at == 0 => Err(wrong("messages", "a list of at least one message")),
        None => Ok(()),
    })
}

#[derive(Default)]
struct Message<'a> {
    role: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    refusal: Option<Raw<'a>>,
    thought: Thought<'a>,
    tool_calls: Option<Raw<'a>>,
    tool_call_id: Option<Raw<'a>>,
    cache_control: Option<Raw<'a>>,
    /// What has no meaning here: an audio answer by its id, a call of the format's first form.
    audio: Option<Raw<'a>>,
    function_call: Option<Raw<'a>>,
}

impl<'a> Message<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, JsonError> {
        if scanner.peek() != Some(b'{') {
            scanner.skip()?;
            return Ok(None);
        }
        let mut message = Self::default();
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            let value = scanner.found(&value);
            let name = key.name();
            match &*name {
                "role" => message.role = Some(value),
                "content" => message.content = some(value),
                "name" => message.name = some(value),
                "refusal" => message.refusal = some(value),
                "tool_calls" => message.tool_calls = some(value),
                "tool_call_id" => message.tool_call_id = Some(value),
                "cache_control" => message.cache_control = Some(value),
                "audio" => message.audio = some(value),
                "function_call" => message.function_call = some(value),
                name => drop(message.thought.take(name, value)),
            }
            Ok(())
        })?;
        Ok(Some(message))
    }
}

fn take<'a>(
    message: &Message<'a>,
    at: usize,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let here = |member: &str| format!("messages[{at}].{member}");
    let mut turn = Turn {
        role: Role::User,
        blocks: Vec::new(),
        name: message.name.and_then(filled),
        at,
    };
    match message.role.map(inside) {
        Some("user") => said(message, at, &mut turn.blocks)?,
        Some("system" | "developer") => {
            turn.role = Role::System;
            said(message, at, &mut turn.blocks)?;
            if conversation.turns.is_empty() {
                if turn.name.is_some() {
                    other(conversation, here("name"), false);
                }
                conversation.system.append(&mut turn.blocks);
                return Ok(());
            }
        }
        Some("assistant") => {
            turn.role = Role::Assistant;
            assistant(message, at, &mut turn.blocks)?;
            for (name, member) in [
                ("audio", message.audio),
                ("function_call", message.function_call),
            ] {
                if member.is_some() {
                    other(conversation, here(name), true);
                }
            }
        }
        Some("tool") => {
            let result = result(message, at)?;
            // All results of a turn are one turn, as they are answers to one.
            if let Some(before) = conversation.turns.last_mut()
                && let Some(Content::Result { .. }) = before.blocks.last().map(|last| &last.content)
            {
                before.blocks.push(result);
                return Ok(());
            }
            turn.name = None;
            turn.blocks.push(result);
        }
        Some("function") => {
            other(conversation, format!("messages[{at}] (function)"), true);
            return Ok(());
        }
        _ => {
            return Err(wrong(
                here("role"),
                "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"",
            ));
        }
    }
    conversation.turns.push(turn);
    Ok(())
}

/// What a message says that must say something.
fn said<'a>(
    message: &Message<'a>,
    at: usize,
    blocks: &mut Vec<Block<'a>>,
) -> Result<(), RequestError> {
    let content = message
        .content
        .ok_or_else(|| wrong(format!("messages[{at}].content"), parts::EXPECTED))?;
    parts::read(content, at, blocks)?;
    mark(message, blocks);
    Ok(())
}

/// A mark of the whole message is one of its end.
fn mark(message: &Message<'_>, blocks: &mut [Block<'_>]) {
    if let (Some(mark), Some(last)) = (message.cache_control, blocks.last_mut()) {
        last.cache = settings::read_cache(mark).or(last.cache);
    }
}

fn assistant<'a>(
    message: &Message<'a>,
    at: usize,
    blocks: &mut Vec<Block<'a>>,
) -> Result<(), RequestError> {
    blocks.extend(message.thought.blocks());
    if let Some(content) = message.content {
        let empty = content.kind() == Kind::String && inside(content).is_empty();
        if !empty {
            parts::read(content, at, blocks)?;
        }
    }
    if let Some(refusal) = message.refusal.and_then(filled) {
        blocks.push(Content::Refusal(refusal).into());
    }
    if let Some(calls) = message.tool_calls {
        if calls.kind() != Kind::Array {
            return Err(wrong(
                format!("messages[{at}].tool_calls"),
                "a list of calls",
            ));
        }
        let (mut place, mut failed) = (0_usize, None);
        calls.each_element(|entry| {
            match call(entry) {
                Ok(content) => blocks.push(content.into()),
                Err((member, expected)) => {
                    let at = format!("messages[{at}].tool_calls[{place}].{member}");
                    failed.get_or_insert_with(|| wrong(at, expected));
                }
            }
            place += 1;
        });
        if let Some(failed) = failed {
            return Err(failed);
        }
    }
    mark(message, blocks);
    Ok(())
}

fn call(entry: Raw<'_>) -> Result<Content<'_>, (&'static str, &'static str)> {
    let (mut id, mut kind, mut function, mut signature) = (None, "function", None, None);
    entry.each_member(|name, value| match &*name {
        "id" => id = Text::of(value),
        "type" if value.kind() == Kind::String => kind = inside(value),
        "function" => function = some(value),
        "extra_content" => signature = call_signature(value),
        _ => {}
    });
    if kind != "function" {
        return Ok(Content::Other(kind.into()));
    }
    let id = id.ok_or(("id", "a string"))?;
    let function = function.ok_or(("function", "an object"))?;
    let function = Function::of(function).ok_or((
        "function",
        "an object with a \"name\" and with \"arguments\" that are a string",
    ))?;
    Ok(function.called(id, signature))
}

/// The inside of a call.
struct Function<'a> {
    name: Text<'a>,
    arguments: Arguments<'a>,
}

impl<'a> Function<'a> {
    fn of(function: Raw<'a>) -> Option<Self> {
        let (mut name, mut arguments) = (None, Some(Arguments::Text(Text::default())));
        function.each_member(|key, value| match &*key {
            "name" => name = filled(value),
            "arguments" => {
                arguments = match value.kind() {
                    Kind::String => Text::of(value).map(Arguments::Text),
                    Kind::Object => Some(Arguments::Object(value)),
                    Kind::Null => Some(Arguments::Text(Text::default())),
                    Kind::Number | Kind::Bool(_) | Kind::Array => None,
                }
            }
            _ => {}
        });
        Some(Self {
            name: name?,
            arguments: arguments?,
        })
    }

    fn called(self, id: Text<'a>, signature: Option<Signature<'a>>) -> Content<'a> {
        Content::Call {
            id,
            name: self.name,
            arguments: self.arguments,
            signature,
        }
    }
}

fn result<'a>(message: &Message<'a>, at: usize) -> Result<Block<'a>, RequestError> {
    let id = message
        .tool_call_id
        .and_then(Text::of)
        .ok_or_else(|| wrong(format!("messages[{at}].tool_call_id"), "a string"))?;
    let mut content = Vec::new();
    if let Some(raw) = message.content {
        parts::read(raw, at, &mut content)?;
    }
    let mut block = Block::from(Content::Result {
        id,
        content,
        is_error: false,
    });
    block.cache = message.cache_control.and_then(settings::read_cache);
    Ok(block)
}
