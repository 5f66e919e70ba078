//! `tools` and `toolConfig`.

use fairlead_json::{Kind, Raw};

use super::other;
use crate::gemini::members::{Wrong, each_element, each_member, list, object, text};
use crate::gemini::schema;
use crate::{Conversation, Text, Tool, ToolChoice, Value};

pub(super) fn read<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Result<(), Wrong> {
    each_element(list("tools", value)?, |at, tool| {
        let path = format!("tools[{at}]");
        let tool = object("", tool).map_err(|wrong| wrong.below(&path))?;
        each_member(tool, |name, value| {
            if name != "functionDeclarations" {
                other(conversation, &format!("{path}.{name}"), true);
                return Ok(());
            }
            let path = format!("{path}.{name}");
            each_element(list(&path, value)?, |at, declaration| {
                let below = |wrong: Wrong| wrong.below(&format!("{path}[{at}]"));
                conversation
                    .tools
                    .push(declared(declaration).map_err(below)?);
                Ok(())
            })
        })
    })
}

fn declared(raw: Raw<'_>) -> Result<Tool<'_>, Wrong> {
    let mut tool = Tool {
        name: Text::default(),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
    };
    let mut own_words = None;
    each_member(object("", raw)?, |name, value| {
        match name {
            "name" => tool.name = text(name, value)?,
            "description" => tool.description = Some(text(name, value)?),
            "parameters" => own_words = Some(object(name, value)?),
            "parametersJsonSchema" => tool.parameters = Some(Value::from(object(name, value)?)),
            // What comes back, and whether the model waits for it, are the caller's business.
            _ => {}
        }
        Ok(())
    })?;
    if tool.name.is_empty() {
        return Err(Wrong::new("name", "the name of a function"));
    }
    if tool.parameters.is_none() {
        tool.parameters = own_words.map(schema::as_json_schema);
    }
    Ok(tool)
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
