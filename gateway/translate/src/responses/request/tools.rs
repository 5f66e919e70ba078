//! Tools: functions as they are, custom ones as functions of one text, namespaces flattened; the provider's own are none of ours.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::super::path::Path;
use super::super::raw::{self, required, words};
use super::read::{full_name, other};
use crate::{Conversation, RequestError, Text, Tool, Value};

/// What a custom tool takes as a function.
const ONE_TEXT: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// The members that any tool has; null is absent.
#[derive(Debug, Default)]
struct Members<'a> {
    kind: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    description: Option<Raw<'a>>,
    parameters: Option<Raw<'a>>,
    strict: Option<Raw<'a>>,
    format: Option<Raw<'a>>,
    tools: Option<Raw<'a>>,
    external_web_access: Option<Raw<'a>>,
}

impl<'a> Members<'a> {
    fn note(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "type" => self.kind = Some(value),
            "name" => self.name = Some(value),
            "description" => self.description = Some(value),
            "parameters" => self.parameters = Some(value),
            "strict" => self.strict = Some(value),
            "format" => self.format = Some(value),
            "tools" => self.tools = Some(value),
            "external_web_access" => self.external_web_access = Some(value),
            _ => {}
        }
    }
}

/// Adds a list of tools to a conversation.
pub(super) fn read<'a>(
    list: Raw<'a>,
    path: &Path<'_>,
    namespace: Option<&Text<'a>>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    raw::objects(list, path, Members::note, |at, members| {
        read_one(&members, &path.element(at), namespace, conversation)
    })
}

/// The list that comes next, read on the way: schemas are much of many prompts.
pub(super) fn scan<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<(), RequestError>, JsonError> {
    let path = Path::root("tools");
    let mut read = Ok(());
    raw::scan_objects(
        scanner,
        |members: &mut Members<'a>, _, name, scanner| {
            let value = scanner.value()?;
            if value.kind != Kind::Null {
                members.note(name, scanner.found(&value));
            }
            Ok(())
        },
        |at, members| {
            if read.is_ok() {
                let path = path.element(at);
                read = match members {
                    Some(members) => read_one(&members, &path, None, conversation),
                    None => Err(path.wrong("an object")),
                };
            }
        },
    )?;
    Ok(read)
}

fn read_one<'a>(
    members: &Members<'a>,
    path: &Path<'_>,
    namespace: Option<&Text<'a>>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let kind = required(members.kind, &path.member("type"))?;
    match &*kind.unescaped() {
        "function" => conversation.tools.push(function(members, path, namespace)?),
        "custom" => {
            let tool = custom(members, path, namespace, conversation)?;
            conversation.tools.push(tool);
        }
        "namespace" if namespace.is_none() => {
            let name = required(members.name, &path.member("name"))?;
            let inside = path.member("tools");
            let list = members.tools.ok_or_else(|| inside.wrong("a list"))?;
            if raw::filled(members.description).is_some() {
                other(conversation, path.member("description").to_string(), false);
            }
            read(list, &inside, Some(&name), conversation)?;
        }
        "namespace" => {
            return Err(path
                .member("type")
                .wrong("function or custom inside a namespace"));
        }
        // It may look up nothing but what its provider has kept (Codex says so by default): without it the model answers of itself.
        "web_search" if is_false(members.external_web_access) => {
            other(conversation, format!("{path} (web_search)"), false);
        }
        kind => other(conversation, format!("{path} ({kind})"), true),
    }
    Ok(())
}

fn is_false(value: Option<Raw<'_>>) -> bool {
    value.is_some_and(|value| value.kind() == Kind::Bool(false))
}

fn function<'a>(
    members: &Members<'a>,
    path: &Path<'_>,
    namespace: Option<&Text<'a>>,
) -> Result<Tool<'a>, RequestError> {
    Ok(Tool {
        name: name(members, path, namespace)?,
        description: description(members, path)?,
        parameters: members
            .parameters
            .map(|value| raw::unread(value, &path.member("parameters")))
            .transpose()?
            .map(Into::into),
        strict: members
            .strict
            .map(|value| raw::flag(value, &path.member("strict")))
            .transpose()?,
        cache: None,
    })
}

fn custom<'a>(
    members: &Members<'a>,
    path: &Path<'_>,
    namespace: Option<&Text<'a>>,
    conversation: &mut Conversation<'a>,
) -> Result<Tool<'a>, RequestError> {
    let mut description = description(members, path)?;
    if let Some(format) = members.format {
        let grammar = grammar(format, &path.member("format"))?;
        if let Some((syntax, definition)) = grammar {
            other(conversation, path.member("format").to_string(), false);
            description = Some(with_grammar(description.as_ref(), &syntax, &definition));
        }
    }
    Ok(Tool {
        name: name(members, path, namespace)?,
        description,
        parameters: Some(Value::made(ONE_TEXT.to_owned())),
        strict: None,
        cache: None,
    })
}

fn name<'a>(
    members: &Members<'a>,
    path: &Path<'_>,
    namespace: Option<&Text<'a>>,
) -> Result<Text<'a>, RequestError> {
    let name = required(members.name, &path.member("name"))?;
    Ok(full_name(name, namespace.cloned()))
}

fn description<'a>(
    members: &Members<'a>,
    path: &Path<'_>,
) -> Result<Option<Text<'a>>, RequestError> {
    members
        .description
        .map(|value| raw::text(value, &path.member("description")))
        .transpose()
}

/// The syntax and the definition of a grammar; `None` if any text will do.
fn grammar<'a>(
    format: Raw<'a>,
    path: &Path<'_>,
) -> Result<Option<(Text<'a>, Text<'a>)>, RequestError> {
    let (mut kind, mut syntax, mut definition) = (None, None, None);
    raw::object(format, path, |name, value| {
        match name {
            "type" => kind = Some(value),
            "syntax" => syntax = Some(value),
            "definition" => definition = Some(value),
            _ => {}
        }
        Ok(())
    })?;
    match &*words(kind) {
        "text" => Ok(None),
        "grammar" => Ok(Some((
            required(syntax, &path.member("syntax"))?,
            required(definition, &path.member("definition"))?,
        ))),
        _ => Err(path.member("type").wrong("text or grammar")),
    }
}

fn with_grammar(
    description: Option<&Text<'_>>,
    syntax: &Text<'_>,
    definition: &Text<'_>,
) -> Text<'static> {
    let before = match description {
        Some(_) => Text::plain("\n\nThe input must follow this "),
        None => Text::plain("The input must follow this "),
    };
    let after = Text::plain(" grammar:\n");
    let parts = [&before, syntax, &after, definition];
    Text::joined(description.into_iter().chain(parts), "")
}
