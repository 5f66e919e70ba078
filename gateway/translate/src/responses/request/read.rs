//! A caller's body as a conversation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use super::super::names::flattened;
use super::super::path::Path;
use super::super::raw::{self, required};
use super::items::Item;
use super::turns::Turns;
use super::{items, parameters, tools};
use crate::conversation::Other;
use crate::top::Top;
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
    // The large members are read where they stand; what is wrong in them is told in its turn.
    let (mut tools, mut input) = (Walked::new(Ok(())), Walked::new(Ok(Turns::default())));
    let object = Top::read(body, &Limits::default(), |name, scanner| {
        match name {
            "tools" => tools.result = tools::scan(scanner, &mut tools.conversation)?,
            "input" => input.result = scan_input(scanner, &mut input.conversation)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
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
        raw::is_list(list, &Path::root("tools"))?;
        tools.into(&mut conversation)?;
    }
    read_input(member(&object, "input")?, input, &mut conversation)?;
    if let Some(choice) = member(&object, "tool_choice")? {
        read_choice(choice, &mut conversation)?;
    }
    Ok(conversation)
}

/// What was read of a member on the way, and what came of it for the conversation.
struct Walked<'a, T> {
    result: Result<T, RequestError>,
    conversation: Conversation<'a>,
}

impl<'a, T> Walked<'a, T> {
    fn new(result: Result<T, RequestError>) -> Self {
        Self {
            result,
            conversation: Conversation::default(),
        }
    }

    fn into(mut self, conversation: &mut Conversation<'a>) -> Result<T, RequestError> {
        let result = self.result?;
        conversation.tools.append(&mut self.conversation.tools);
        for each in self.conversation.others {
            other(conversation, each.name.into_owned(), each.changes_meaning);
        }
        Ok(result)
    }
}

/// A member of the body; one that is null is absent.
pub(super) fn member<'a>(object: &Top<'a>, name: &str) -> Result<Option<Raw<'a>>, RequestError> {
    let found = object
        .get(name)
        .map_err(|_| Path::root(name).wrong("given once, in lower case"))?;
    Ok(found.filter(|value| value.kind() != Kind::Null))
}

/// The items that come next.
fn scan_input<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<Turns<'a>, RequestError>, JsonError> {
    let path = Path::root("input");
    let (mut turns, mut read) = (Turns::default(), Ok(()));
    raw::scan_objects(scanner, Item::scan, |at, item: Option<Item<'a>>| {
        if read.is_ok() {
            let path = path.element(at);
            read = match item {
                Some(item) => items::read(item, at, &path, &mut turns, conversation),
                None => Err(path.wrong("an object")),
            };
        }
    })?;
    Ok(read.map(|()| turns))
}

fn read_input<'a>(
    input: Option<Raw<'a>>,
    walked: Walked<'a, Turns<'a>>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let path = Path::root("input");
    let input = input.ok_or_else(|| path.wrong("a string or a list of items"))?;
    let turns = match input.kind() {
        Kind::String => {
            let mut turns = Turns::default();
            turns.say(raw::text(input, &path)?);
            turns
        }
        Kind::Array => walked.into(conversation)?,
        Kind::Object | Kind::Number | Kind::Bool(_) | Kind::Null => {
            return Err(path.wrong("a string or a list of items"));
        }
    };
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
