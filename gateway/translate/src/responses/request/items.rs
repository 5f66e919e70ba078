//! The items of an input.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Raw, Scanner, Value};

use super::super::names::custom_arguments;
use super::super::path::Path;
use super::super::raw::{self, filled, required, words};
use super::super::signature::{self, Carried};
use super::read::{full_name, other};
use super::turns::Turns;
use super::{parts, tools};
use crate::conversation::Other;
use crate::{Arguments, Block, Content, Conversation, RequestError, Role, Text};

/// The members that any item has; null is absent.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    kind: Option<Raw<'a>>,
    role: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
    call_id: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    namespace: Option<Raw<'a>>,
    arguments: Option<Raw<'a>>,
    input: Option<Raw<'a>>,
    output: Option<Raw<'a>>,
    summary: Option<Raw<'a>>,
    encrypted: Option<Raw<'a>>,
    tools: Option<Raw<'a>>,
    phase: bool,
    /// What is in `content` or `output`, where it was read on the way.
    parts: Option<Parts<'a>>,
}

/// The parts of a list, and the list: in what words it speaks is known only with the type of its item.
#[derive(Debug)]
struct Parts<'a> {
    list: Raw<'a>,
    read: Result<Vec<Block<'a>>, RequestError>,
}

impl<'a> Item<'a> {
    pub(super) fn note(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "type" => self.kind = Some(value),
            "role" => self.role = Some(value),
            "content" => self.content = Some(value),
            "call_id" => self.call_id = Some(value),
            "name" => self.name = Some(value),
            "namespace" => self.namespace = Some(value),
            "arguments" => self.arguments = Some(value),
            "input" => self.input = Some(value),
            "output" => self.output = Some(value),
            "summary" => self.summary = Some(value),
            "encrypted_content" => self.encrypted = Some(value),
            "tools" => self.tools = Some(value),
            "phase" => self.phase = true,
            _ => {}
        }
    }

    /// Notes the member that comes next, and reads what is said in it.
    pub(super) fn scan(
        &mut self,
        at: usize,
        name: &str,
        scanner: &mut Scanner<'a>,
    ) -> Result<(), JsonError> {
        let is_list = scanner.peek() == Some(b'[');
        if !is_list || !matches!(name, "content" | "output") {
            let value = scanner.value()?;
            if value.kind != Kind::Null {
                self.note(name, scanner.found(&value));
            }
            return Ok(());
        }
        let start = scanner.at();
        let read = parts::scan(scanner, &Path::root("input").element(at).member(name))?;
        let list = scanner.found(&Value {
            kind: Kind::Array,
            span: start..scanner.at(),
        });
        self.note(name, list);
        self.parts = Some(Parts { list, read });
        Ok(())
    }

    /// The blocks of a string or of a list of parts.
    fn blocks(&mut self, value: Raw<'a>, path: &Path<'_>) -> Result<Vec<Block<'a>>, RequestError> {
        let is_read = |parts: &mut Parts<'a>| std::ptr::eq(parts.list.text(), value.text());
        match self.parts.take_if(is_read) {
            Some(parts) => parts.read,
            None => parts::read(value, path),
        }
    }

    /// The tools it adds.
    pub(super) fn additional_tools(&self) -> Option<Raw<'a>> {
        self.tools
            .filter(|_| words(self.kind) == "additional_tools")
    }

    /// Its type. Messages may leave it out, and so may references, which have nothing but an id.
    fn kind(&self, path: &Path<'_>) -> Result<Cow<'a, str>, RequestError> {
        match self.kind {
            Some(kind) if kind.kind() == Kind::String => Ok(words(Some(kind))),
            Some(_) => Err(path.member("type").wrong("a string")),
            None if self.role.is_some() => Ok(Cow::Borrowed("message")),
            None => Ok(Cow::Borrowed("item_reference")),
        }
    }
}

pub(super) fn read<'a>(
    mut item: Item<'a>,
    at: usize,
    path: &Path<'_>,
    turns: &mut Turns<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    match &*item.kind(path)? {
        "message" => {
            let role = role(item.role, &path.member("role"))?;
            let content = path.member("content");
            let value = item
                .content
                .ok_or_else(|| content.wrong("a string or a list of parts"))?;
            turns.message(at, role, item.blocks(value, &content)?);
            if item.phase {
                note_phase(at, conversation);
            }
        }
        "function_call" => turns.call(at, function_call(&item, path)?),
        "custom_tool_call" => turns.call(at, custom_call(&item, path)?),
        "function_call_output" | "custom_tool_call_output" => {
            turns.given(at, output(&mut item, path)?);
        }
        "reasoning" => reasoning(&item, at, path, turns)?,
        "additional_tools" => {
            let inside = path.member("tools");
            let list = item.tools.ok_or_else(|| inside.wrong("a list"))?;
            tools::read(list, &inside, None, conversation)?;
        }
        "item_reference" => {
            return Err(path
                .wrong("the item itself: this gateway keeps no items that could be referred to"));
        }
        kind => {
            let block = Content::Other(Cow::Owned(kind.to_owned())).into();
            if kind.ends_with("_output") || kind.ends_with("_response") {
                turns.given(at, block);
            } else {
                turns.said(at, block);
            }
        }
    }
    Ok(())
}

fn role(role: Option<Raw<'_>>, path: &Path<'_>) -> Result<Role, RequestError> {
    match &*words(role) {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "system" | "developer" => Ok(Role::System),
        _ => Err(path.wrong("user, assistant, system or developer")),
    }
}

/// Whether a message was commentary or the answer; told once, for every one of them says it.
fn note_phase(at: usize, conversation: &mut Conversation<'_>) {
    let told = |other: &Other<'_>| other.name.ends_with("].phase");
    if !conversation.others.last().is_some_and(told) {
        other(conversation, format!("input[{at}].phase"), false);
    }
}

fn function_call<'a>(item: &Item<'a>, path: &Path<'_>) -> Result<Content<'a>, RequestError> {
    let name = required(item.name, &path.member("name"))?;
    Ok(Content::Call {
        id: required(item.call_id, &path.member("call_id"))?,
        name: full_name(name, filled(item.namespace)),
        arguments: Arguments::Text(required(item.arguments, &path.member("arguments"))?),
        signature: None,
    })
}

fn custom_call<'a>(item: &Item<'a>, path: &Path<'_>) -> Result<Content<'a>, RequestError> {
    let name = required(item.name, &path.member("name"))?;
    let input = required(item.input, &path.member("input"))?;
    Ok(Content::Call {
        id: required(item.call_id, &path.member("call_id"))?,
        name: full_name(name, filled(item.namespace)),
        arguments: Arguments::Text(custom_arguments(&input)),
        signature: None,
    })
}

fn output<'a>(item: &mut Item<'a>, path: &Path<'_>) -> Result<Block<'a>, RequestError> {
    let at = path.member("output");
    let value = item
        .output
        .ok_or_else(|| at.wrong("a string or a list of parts"))?;
    let content = Content::Result {
        id: required(item.call_id, &path.member("call_id"))?,
        content: item.blocks(value, &at)?,
        is_error: false,
    };
    Ok(content.into())
}

fn reasoning<'a>(
    item: &Item<'a>,
    at: usize,
    path: &Path<'_>,
    turns: &mut Turns<'a>,
) -> Result<(), RequestError> {
    let mut texts = Vec::new();
    for (name, list) in [("summary", item.summary), ("content", item.content)] {
        let path = path.member(name);
        let Some(list) = list else { continue };
        parts::thoughts(list, &path, &mut texts)?;
    }
    let text = joined(texts);
    let encrypted = item
        .encrypted
        .map(|value| raw::text(value, &path.member("encrypted_content")))
        .transpose()?
        .filter(|value| !value.is_empty());
    let unsigned = |text: Text<'a>| Content::Reasoning {
        text,
        signature: None,
    };
    let (words, redacted) = match encrypted.map(signature::read) {
        None => (
            Some(text).filter(|text| !text.is_empty()).map(unsigned),
            None,
        ),
        Some(Carried::Words(signature)) => {
            let signature = Some(signature);
            (Some(Content::Reasoning { text, signature }), None)
        }
        Some(Carried::Redacted(data)) => {
            let words = Some(text).filter(|text| !text.is_empty());
            (words.map(unsigned), Some(Content::Redacted(data)))
        }
        Some(Carried::Call(signature)) => {
            turns.sign(signature);
            let words = Some(text).filter(|text| !text.is_empty());
            (words.map(unsigned), None)
        }
    };
    for content in [words, redacted].into_iter().flatten() {
        turns.said(at, content.into());
    }
    Ok(())
}

/// Parts of one thought.
pub(super) fn joined(mut texts: Vec<Text<'_>>) -> Text<'_> {
    if texts.len() > 1 {
        return Text::joined(&texts, "\n\n");
    }
    texts.pop().unwrap_or_default()
}
