//! The tools, and which of them are to be called.

use super::cache;
use crate::converse::{Family, ids};
use crate::messages::request::input_schema;
use crate::write::Json;
use crate::{Conversation, Notes, Tool, ToolChoice, Value};

/// What stands where no tool is to be called and calls stand in the history: without any tool that is refused.
const NO_TOOL: &str = "no_tool";
const NO_TOOL_DESCRIPTION: &str = "No tool can be called. Answer in words.";

/// `has_calls`: whether there are calls in the history.
pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    has_calls: bool,
    family: Family,
    notes: &mut Notes,
) {
    let tools = &conversation.tools;
    match &conversation.tool_choice {
        Some(ToolChoice::Any | ToolChoice::Tool(_)) if tools.is_empty() => {
            notes.cannot("tool_choice");
        }
        // It is said by leaving the tools out.
        Some(ToolChoice::None) if has_calls && !tools.is_empty() => notes.drops("tool_choice"),
        Some(_) | None => {}
    }
    if tools.is_empty() || conversation.tool_choice == Some(ToolChoice::None) {
        if has_calls {
            json.key("toolConfig").object(none);
        }
        return;
    }
    json.key("toolConfig").object(|json| {
        json.key("tools").array(|json| {
            for (at, tool) in tools.iter().enumerate() {
                self::tool(json, tool, at, notes);
                mark(json, tool, family, notes);
            }
        });
        choice(json, conversation, family, notes);
    });
}

fn none(json: &mut Json) {
    json.key("tools").array(|json| {
        json.object(|json| {
            json.key("toolSpec").object(|json| {
                json.key("name").str(NO_TOOL);
                json.key("description").str(NO_TOOL_DESCRIPTION);
                json.key("inputSchema")
                    .object(|json| json.key("json").verbatim(r#"{"type":"object"}"#));
            });
        });
    });
}

fn tool(json: &mut Json, tool: &Tool<'_>, at: usize, notes: &mut Notes) {
    json.object(|json| {
        json.key("toolSpec").object(|json| {
            json.key("name").text(&ids::name(&tool.name));
            // An empty one is refused.
            if let Some(description) = &tool.description
                && !description.is_blank()
            {
                json.key("description").text(description);
            }
            json.key("inputSchema").object(|json| {
                json.key("json");
                if !input_schema(json, tool.parameters.as_ref().and_then(Value::raw)) {
                    notes.cannot(format!("tools[{at}].parameters"));
                }
            });
            if tool.strict == Some(true) {
                json.key("strict").bool(true);
            }
        });
    });
}

/// Of the tools, only Claude takes a mark.
fn mark(json: &mut Json, tool: &Tool<'_>, family: Family, notes: &mut Notes) {
    match tool.cache {
        Some(wish) if family == Family::Claude => cache::write(json, wish, family),
        Some(_) => notes.drops("cache_control"),
        None => {}
    }
}

fn choice(json: &mut Json, conversation: &Conversation<'_>, family: Family, notes: &mut Notes) {
    if conversation.parallel_tools == Some(false) {
        if family == Family::Claude {
            // Both are said among Claude's own members.
            return;
        }
        // Who asks for it takes several calls, too: it gives back as many results.
        notes.drops("parallel_tool_calls");
    }
    let Some(choice) = &conversation.tool_choice else {
        return;
    };
    json.key("toolChoice").object(|json| match choice {
        ToolChoice::Auto | ToolChoice::None => json.key("auto").object(|_| {}),
        ToolChoice::Any => json.key("any").object(|_| {}),
        ToolChoice::Tool(name) => json
            .key("tool")
            .object(|json| json.key("name").text(&ids::name(name))),
    });
}

/// Claude's own word for which tools are called, where it has to say that they are called one by one.
pub(super) fn one_by_one(json: &mut Json, conversation: &Conversation<'_>) {
    let kind = match &conversation.tool_choice {
        _ if conversation.parallel_tools != Some(false) || conversation.tools.is_empty() => return,
        Some(ToolChoice::None) => return,
        Some(ToolChoice::Auto) | None => "auto",
        Some(ToolChoice::Any) => "any",
        Some(ToolChoice::Tool(_)) => "tool",
    };
    json.key("tool_choice").object(|json| {
        json.key("type").str(kind);
        if let Some(ToolChoice::Tool(name)) = &conversation.tool_choice {
            json.key("name").text(&ids::name(name));
        }
        json.key("disable_parallel_tool_use").bool(true);
    });
}
