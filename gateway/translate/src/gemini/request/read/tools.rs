//! `tools` and `toolConfig`.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::other;
use crate::gemini::members::{Wrong, camel, each_element, each_member, list, object, text};
use crate::gemini::schema;
use crate::{Conversation, Text, Tool, ToolChoice, Value};

/// Reads them in one go, for their schemas are much of many prompts.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<(), Wrong>, JsonError> {
    let (mut at, mut result) = (0_usize, Ok(()));
    scanner.array(|scanner| {
        if result.is_err() {
            return scanner.skip();
        }
        result = tool(scanner, at, conversation)?;
        at += 1;
        Ok(())
    })?;
    Ok(result)
}

fn tool<'a>(
    scanner: &mut Scanner<'a>,
    at: usize,
    conversation: &mut Conversation<'a>,
) -> Result<Result<(), Wrong>, JsonError> {
    if scanner.peek() != Some(b'{') {
        scanner.skip()?;
        return Ok(Err(Wrong::new(&format!("tools[{at}]"), "an object")));
    }
    let mut result = Ok(());
    scanner.object(|scanner, key| {
        if result.is_err() || scanner.peek() == Some(b'n') {
            return scanner.skip();
        }
        let key = key.name();
        let name = camel(&key);
        let path = format!("tools[{at}].{name}");
        if name == "functionDeclarations" {
            result = declarations(scanner, &path, &mut conversation.tools)?;
            return Ok(());
        }
        other(conversation, &path, true);
        scanner.skip()
    })?;
    Ok(result)
}

fn declarations<'a>(
    scanner: &mut Scanner<'a>,
    path: &str,
    tools: &mut Vec<Tool<'a>>,
) -> Result<Result<(), Wrong>, JsonError> {
    if scanner.peek() != Some(b'[') {
        scanner.skip()?;
        return Ok(Err(Wrong::new(path, "a list")));
    }
    let (mut at, mut result) = (0_usize, Ok(()));
    scanner.array(|scanner| {
        if result.is_err() {
            return scanner.skip();
        }
        match declared(scanner)? {
            Ok(tool) => tools.push(tool),
            Err(wrong) => result = Err(wrong.below(&format!("{path}[{at}]"))),
        }
        at += 1;
        Ok(())
    })?;
    Ok(result)
}

fn declared<'a>(scanner: &mut Scanner<'a>) -> Result<Result<Tool<'a>, Wrong>, JsonError> {
    if scanner.peek() != Some(b'{') {
        scanner.skip()?;
        return Ok(Err(Wrong::new("", "an object")));
    }
    let mut tool = Tool {
        name: Text::default(),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
    };
    let (mut own_words, mut result) = (None, Ok(()));
    scanner.object(|scanner, key| {
        let value = scanner.value()?;
        let value = scanner.found(&value);
        if result.is_ok() && value.kind() != Kind::Null {
            result = member(&mut tool, &mut own_words, &camel(&key.name()), value);
        }
        Ok(())
    })?;
    if tool.parameters.is_none() {
        tool.parameters = own_words.map(schema::as_json_schema);
    }
    let named = if tool.name.is_empty() {
        Err(Wrong::new("name", "the name of a function"))
    } else {
        Ok(tool)
    };
    Ok(result.and(named))
}

fn member<'a>(
    tool: &mut Tool<'a>,
    own_words: &mut Option<Raw<'a>>,
    name: &str,
    value: Raw<'a>,
) -> Result<(), Wrong> {
    match name {
        "name" => tool.name = text(name, value)?,
        "description" => tool.description = Some(text(name, value)?),
        "parameters" => *own_words = Some(object(name, value)?),
        "parametersJsonSchema" => tool.parameters = Some(Value::from(object(name, value)?)),
        // What comes back, and whether the model waits for it, are the caller's business.
        _ => {}
    }
    Ok(())
}

pub(super) fn read_config<'a>(
    value: Raw<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), Wrong> {
    each_member(object("toolConfig", value)?, |name, value| {
        let path = format!("toolConfig.{name}");
        if name == "functionCallingConfig" {
            return calling(object(&path, value)?, &path, conversation);
        }
        other(conversation, &path, true);
        Ok(())
    })
}

fn calling<'a>(
    value: Raw<'a>,
    path: &str,
    conversation: &mut Conversation<'a>,
) -> Result<(), Wrong> {
    let (mut mode, mut allowed) = (None, Vec::new());
    let at = |name: &str| format!("{path}.{name}");
    each_member(value, |name, value| {
        match name {
            "mode" => mode = Some(text(&at(name), value)?),
            "allowedFunctionNames" => each_element(list(&at(name), value)?, |_, each| {
                allowed.push(text(&at(name), each)?);
                Ok(())
            })?,
            // Advice on how they are to come.
            "streamFunctionCallArguments" => {
                if value.kind() == Kind::Bool(true) {
                    other(conversation, &at(name), false);
                }
            }
            _ => other(conversation, &at(name), true),
        }
        Ok(())
    })?;
    let mode = mode.map(|mode| mode.unescaped().to_ascii_uppercase());
    let choice = match mode.as_deref() {
        None | Some("MODE_UNSPECIFIED" | "") => None,
        Some("AUTO") => Some(ToolChoice::Auto),
        Some("NONE") => Some(ToolChoice::None),
        Some("VALIDATED") => {
            other(conversation, &at("mode"), false);
            Some(ToolChoice::Auto)
        }
        Some("ANY") => Some(ToolChoice::Any),
        Some(_) => {
            let expected = "AUTO, ANY, NONE or VALIDATED";
            return Err(Wrong::new(&at("mode"), expected));
        }
    };
    conversation.tool_choice = match (choice, allowed.as_slice()) {
        (Some(ToolChoice::Any), [only]) => Some(ToolChoice::Tool(only.clone())),
        (choice, []) => choice,
        (choice, _) => {
            other(conversation, &at("allowedFunctionNames"), true);
            choice
        }
    };
    Ok(())
}
