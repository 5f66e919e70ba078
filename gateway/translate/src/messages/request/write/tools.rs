//! The tools, and which of them are to be called.

use fairlead_json::{Kind, Raw};

use super::parts::cache_control;
use crate::names::Grammar;
use crate::write::Json;
use crate::{Conversation, Notes, Tool, ToolChoice};

/// What a schema of arguments must not have at its top.
const NOT_AT_THE_TOP: [&str; 3] = ["oneOf", "anyOf", "allOf"];

pub(super) fn write(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let tools = &conversation.tools;
    if tools.is_empty() {
        if let Some(ToolChoice::Any | ToolChoice::Tool(_)) = conversation.tool_choice {
            notes.cannot("tool_choice");
        }
        return;
    }
    json.key("tools").array(|json| {
        for (at, tool) in tools.iter().enumerate() {
            self::tool(json, tool, at, notes);
        }
    });
    choice(json, conversation);
}

fn tool(json: &mut Json, tool: &Tool<'_>, at: usize, notes: &mut Notes) {
    json.object(|json| {
        json.key("name").text(&Grammar::ANTHROPIC.name(&tool.name));
        if let Some(description) = &tool.description {
            json.key("description").text(description);
        }
        json.key("input_schema");
        if !input_schema(json, tool.parameters.as_ref().and_then(crate::Value::raw)) {
            notes.cannot(format!("tools[{at}].parameters"));
        }
        if tool.strict == Some(true) {
            json.key("strict").bool(true);
        }
        cache_control(json, tool.cache);
    });
}

/// Writes the schema of a tool's arguments, which is always that of an object; whether all of it could be said.
pub(crate) fn input_schema(json: &mut Json, parameters: Option<Raw<'_>>) -> bool {
    let parameters = parameters.filter(|raw| raw.kind() == Kind::Object);
    let (mut has_type, mut has_forbidden) = (false, false);
    if let Some(schema) = parameters {
        schema.each_member(|name, _| {
            has_type |= name == "type";
            has_forbidden |= NOT_AT_THE_TOP.contains(&&*name);
        });
        if has_type && !has_forbidden {
            json.raw(schema);
            return true;
        }
    }
    json.object(|json| {
        if !has_type {
            json.key("type").str("object");
        }
        match parameters {
            Some(schema) => schema.each_member(|name, value| {
                if !NOT_AT_THE_TOP.contains(&&*name) {
                    json.key(&name).raw(value);
                }
            }),
            None => json.key("properties").object(|_| {}),
        }
    });
    !has_forbidden
}

fn choice(json: &mut Json, conversation: &Conversation<'_>) {
    let one_at_once = conversation.parallel_tools == Some(false);
    let choice = match &conversation.tool_choice {
        None if one_at_once => &ToolChoice::Auto,
        None => return,
        Some(choice) => choice,
    };
    json.key("tool_choice").object(|json| {
        json.key("type").str(match choice {
            ToolChoice::Auto => "auto",
            ToolChoice::None => "none",
            ToolChoice::Any => "any",
            ToolChoice::Tool(_) => "tool",
        });
        if let ToolChoice::Tool(name) = choice {
            json.key("name").text(&Grammar::ANTHROPIC.name(name));
        }
        if one_at_once && *choice != ToolChoice::None {
            json.key("disable_parallel_tool_use").bool(true);
        }
    });
}
