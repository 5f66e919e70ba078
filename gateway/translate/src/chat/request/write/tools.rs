//! The tools, and which of them are to be called.

use super::super::Host;
use crate::chat::ids::tool_name;
use crate::write::Json;
use crate::{Cache, Conversation, Notes, Tool, ToolChoice};

/// Writes both.
pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    host: &Host,
    notes: &mut Notes,
) {
    if conversation.tools.is_empty() {
        // A choice among no tools is refused, and says nothing if none has to be called.
        if let Some(ToolChoice::Any | ToolChoice::Tool(_)) = conversation.tool_choice {
            notes.cannot("tool_choice");
        }
        return;
    }
    let named = |tool: &&Tool<'_>| match &conversation.tool_choice {
        Some(ToolChoice::Tool(name)) if !host.names_choice => tool.name == *name,
        Some(_) | None => true,
    };
    json.key("tools").array(|json| {
        for tool in conversation.tools.iter().filter(named) {
            write_tool(json, tool, host, notes);
        }
    });
    match &conversation.tool_choice {
        None => {}
        Some(ToolChoice::Auto) if !host.names_choice => {}
        Some(ToolChoice::Auto) => json.key("tool_choice").str("auto"),
        Some(ToolChoice::None) => json.key("tool_choice").str("none"),
        Some(ToolChoice::Tool(name)) if host.names_choice => {
            json.key("tool_choice").object(|json| {
                json.key("type").str("function");
                json.key("function").object(|json| {
                    json.key("name").text(&tool_name(name));
                });
            });
        }
        Some(ToolChoice::Any | ToolChoice::Tool(_)) => json.key("tool_choice").str("required"),
    }
    match conversation.parallel_tools {
        Some(parallel) if host.has("parallel_tool_calls") => {
            json.key("parallel_tool_calls").bool(parallel);
        }
        // Several at once is what is done by itself.
        Some(false) => notes.drops("parallel_tool_calls"),
        Some(true) | None => {}
    }
}

fn write_tool(json: &mut Json, tool: &Tool<'_>, host: &Host, notes: &mut Notes) {
    json.object(|json| {
        json.key("type").str("function");
        json.key("function").object(|json| {
            json.key("name").text(&tool_name(&tool.name));
            if let Some(description) = &tool.description {
                json.key("description").text(description);
            }
            if let Some(parameters) = &tool.parameters {
                json.key("parameters").value(parameters);
            }
            if let Some(strict) = tool.strict {
                json.key("strict").bool(strict);
            }
        });
        write_cache(json, tool.cache, host, notes);
    });
}

/// A mark of what is to be cached, as the next member; without it, all that is lost is time and money.
pub(super) fn write_cache(json: &mut Json, cache: Option<Cache>, host: &Host, notes: &mut Notes) {
    let Some(cache) = cache else {
        return;
    };
    if !host.cache_control {
        notes.drops("cache_control");
        return;
    }
    json.key("cache_control").object(|json| {
        json.key("type").str("ephemeral");
        if cache == Cache::Hour {
            json.key("ttl").str("1h");
        }
    });
}
