//! A caller's body as a conversation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use fairlead_json::{Kind, Limits, Object, Raw};

use super::super::names::flattened;
use super::super::path::Path;
use super::super::raw::{self, required};
use super::items::Item;
use super::turns::Turns;
use super::{items, parameters, tools};
use crate::conversation::Other;
use crate::{Content, Conversation, RequestError, Text, ToolChoice};

/// What is kept nowhere, and what to send instead.
const REFUSED: [(&str, &str); 4] = [
    (
        "previous_response_id",
        "left out: this gateway keeps no answers, so send the whole conversation as input",
    ),
    (
        "conversation",
        "left out: this gateway keeps no conversations, so send the whole conversation as input",
    ),
    (
        "prompt",
        "left out: this gateway keeps no prompts, so send the text as instructions or input",
    ),
    (
        "background",
        "false: this gateway keeps no answers that could be fetched later",
    ),
];

/// A caller's body as a conversation.
///
/// `store` may be `true` or absent: the answer says `false`, and holds all that the caller has to send back. A `strict` that is absent
/// stays so. Of `tool_choice`, a list of allowed tools becomes the list of tools. What a namespace is described as is left out; the grammar of a
/// custom tool goes into its description.
///
/// # Errors
/// It is no JSON object, a member is of the wrong kind, or something is referred to that would have to be kept.
pub fn read(body: &[u8]) -> Result<Conversation<'_>, RequestError> {
    let object = Object::parse(body, &Limits::default())?;
    for (name, instead) in REFUSED {
        let given = member(&object, name)?.filter(|value| value.kind() != Kind::Bool(false));
        if given.is_some() {
            return Err(Path::root(name).wrong(instead));
        }
    }
    let mut conversation = Conversation::default();
    parameters::read(&object, &mut conversation)?;
    if let Some(instructions) = member(&object, "instructions")? {
        let text = raw::text(instructions, &Path::root("instructions"))?;
        if !text.is_empty() {
            conversation.system.push(Content::Text(text).into());
        }
    }
    if let Some(list) = member(&object, "tools")? {
        tools::read(list, &Path::root("tools"), None, &mut conversation)?;
    }
    read_input(member(&object, "input")?, &mut conversation)?;
    if let Some(choice) = member(&object, "tool_choice")? {
        read_choice(choice, &mut conversation)?;
    }
    Ok(conversation)
}

/// A member of the body; one that is null is absent.
pub(super) fn member<'a>(object: &Object<'a>, name: &str) -> Result<Option<Raw<'a>>, RequestError> {
    let found = object
        .read(name)
        .map_err(|_| Path::root(name).wrong("given once, in lower case"))?;
    Ok(found.filter(|value| value.kind() != Kind::Null))
}

fn read_input<'a>(
    input: Option<Raw<'a>>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let path = Path::root("input");
    let input = input.ok_or_else(|| path.wrong("a string or a list of items"))?;
    let mut turns = Turns::default();
    match input.kind() {
        Kind::String => turns.say(raw::text(input, &path)?),
        Kind::Array => raw::objects(input, &path, Item::note, |at, item| {
            items::read(&item, at, &path.element(at), &mut turns, conversation)
        })?,
        Kind::Object | Kind::Number | Kind::Bool(_) | Kind::Null => {
            return Err(path.wrong("a string or a list of items"));
        }
    }
    turns.finish(conversation);
    Ok(())
}

fn read_choice<'a>(
    choice: Raw<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let path = Path::root("tool_choice");
    if choice.kind() == Kind::String {
        conversation.tool_choice = Some(mode(choice, &path)?);
        return Ok(());
    }
    let (mut kind, mut name, mut namespace) = (None, None, None);
    let (mut allowed, mut how) = (None, None);
    raw::object(choice, &path, |key, value| {
        match key {
            "type" => kind = Some(value),
            "name" => name = Some(value),
            "namespace" => namespace = Some(value),
            "tools" => allowed = Some(value),
            "mode" => how = Some(value),
            _ => {}
        }
        Ok(())
    })?;
    match &*required(kind, &path.member("type"))?.unescaped() {
        "function" | "custom" => {
            let name = required(name, &path.member("name"))?;
            let named = full_name(name, raw::filled(namespace));
            conversation.tool_choice = Some(ToolChoice::Tool(named));
        }
        "allowed_tools" => {
            let list = allowed.ok_or_else(|| path.member("tools").wrong("a list"))?;
            if let Some(how) = how {
                conversation.tool_choice = Some(mode(how, &path.member("mode"))?);
            }
            allow(list, &path.member("tools"), conversation)?;
        }
        kind => other(conversation, format!("tool_choice ({kind})"), true),
    }
    Ok(())
}

fn mode<'a>(word: Raw<'_>, path: &Path<'_>) -> Result<ToolChoice<'a>, RequestError> {
    match &*raw::words(Some(word)) {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Any),
        _ => Err(path.wrong("auto, none or required")),
    }
}

/// Keeps of the tools those that are allowed: no other format has both.
fn allow<'a>(
    list: Raw<'a>,
    path: &Path<'_>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let mut allowed = BTreeSet::new();
    raw::list(list, path, |at, tool| {
        let (mut name, mut namespace) = (None, None);
        raw::object(tool, &path.element(at), |key, value| {
            match key {
                "name" => name = raw::filled(Some(value)),
                "namespace" => namespace = raw::filled(Some(value)),
                _ => {}
            }
            Ok(())
        })?;
        if let Some(name) = name {
            let name = full_name(name, namespace);
            allowed.insert(name.unescaped().into_owned());
        }
        Ok(())
    })?;
    conversation
        .tools
        .retain(|tool| allowed.contains(&*tool.name.unescaped()));
    Ok(())
}

pub(super) fn full_name<'a>(name: Text<'a>, namespace: Option<Text<'a>>) -> Text<'a> {
    match namespace {
        Some(namespace) => flattened(&namespace, &name),
        None => name,
    }
}

/// Notes what has no neutral meaning: each by its name up to a number that no honest request has, for a list of them is searched.
pub(super) fn other(conversation: &mut Conversation<'_>, name: String, changes_meaning: bool) {
    const MOST: usize = 256;
    let full = conversation.others.len() >= MOST;
    if full && let Some(last) = conversation.others.last_mut() {
        last.changes_meaning |= changes_meaning;
        return;
    }
    conversation.others.push(Other {
        name: Cow::Owned(name),
        changes_meaning,
    });
}
