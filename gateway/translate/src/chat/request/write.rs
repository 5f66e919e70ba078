//! A conversation as a provider's request.

mod account;
mod messages;
mod parts;

use super::Host;
use crate::chat::ids::tool_name;
use crate::write::Json;
use crate::{
    Cache, Conversation, Effort, Format, Notes, Reasoning, Source, Target, Text, Tool, ToolChoice,
    Value,
};

/// The most texts to stop at.
const MOST_STOPS: usize = 4;

/// The body for a provider of this format.
pub fn write(conversation: &Conversation<'_>, target: &Target<'_>, notes: &mut Notes) -> Vec<u8> {
    write_for(conversation, target, &Host::default(), notes)
}

/// The body for a provider that departs from this format in one thing or another.
pub fn write_for(
    conversation: &Conversation<'_>,
    target: &Target<'_>,
    host: &Host,
    notes: &mut Notes,
) -> Vec<u8> {
    let mut json = Json::with_capacity(room(conversation));
    json.object(|json| {
        json.key("model").str(target.model);
        let messages = json.key("messages");
        messages::Messages::new(host, notes).write(messages, conversation);
        write_tools(json, conversation, host, notes);
        write_sampling(json, conversation, host, notes);
        if let Some(format) = &conversation.format {
            write_format(json, format, host);
        }
        if host.thinking_switch && forces(conversation) {
            without_thinking(json, conversation, notes);
        } else if let Some(reasoning) = &conversation.reasoning {
            write_reasoning(json, reasoning, host, notes);
        }
        account::write(json, conversation, host, notes);
        if conversation.stream {
            json.key("stream").bool(true);
            if host.stream_usage {
                json.key("stream_options").object(|json| {
                    json.key("include_usage").bool(true);
                });
            }
        }
    });
    for other in &conversation.others {
        let name = other.name.clone().into_owned();
        if other.changes_meaning {
            notes.cannot(name);
        } else {
            notes.drops(name);
        }
    }
    json.finish()
}

/// About how long the body will be, so that it need not be moved while it grows.
fn room(conversation: &Conversation<'_>) -> usize {
    let text = |text: &Text<'_>| text.as_written().len();
    let raw = |value: &Value<'_>| value.text().len();
    let blocks = conversation.turns.iter().flat_map(|turn| &turn.blocks);
    let said: usize = blocks
        .chain(&conversation.system)
        .map(|block| 64 + parts::length(block))
        .sum();
    let tools: usize = conversation
        .tools
        .iter()
        .map(|tool| {
            let description = tool.description.as_ref().map_or(0, text);
            128 + description + tool.parameters.as_ref().map_or(0, raw)
        })
        .sum();
    512 + said + tools
}

fn write_tools(json: &mut Json, conversation: &Conversation<'_>, host: &Host, notes: &mut Notes) {
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
fn write_cache(json: &mut Json, cache: Option<Cache>, host: &Host, notes: &mut Notes) {
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

fn write_sampling(
    json: &mut Json,
    conversation: &Conversation<'_>,
    host: &Host,
    notes: &mut Notes,
) {
    if let Some(most) = conversation.max_output {
        let name = if host.max_tokens {
            "max_tokens"
        } else {
            "max_completion_tokens"
        };
        json.key(name).number(most);
    }
    for (name, number) in [
        ("temperature", conversation.temperature),
        ("top_p", conversation.top_p),
        (host.seed, conversation.seed),
        ("presence_penalty", conversation.presence_penalty),
        ("frequency_penalty", conversation.frequency_penalty),
    ] {
        if let Some(number) = number {
            json.key(name).raw(number);
        }
    }
    match conversation.top_k {
        Some(number) if host.top_k => json.key("top_k").raw(number),
        Some(_) => notes.cannot("top_k"),
        None => {}
    }
    if !conversation.stop.is_empty() {
        json.key("stop").array(|json| {
            for text in conversation.stop.iter().take(MOST_STOPS) {
                json.text(text);
            }
        });
        if conversation.stop.len() > MOST_STOPS {
            notes.cannot("stop");
        }
    }
    if conversation.choices > 1 {
        if host.has("n") {
            json.key("n").number(conversation.choices);
        } else {
            notes.cannot("n");
        }
    }
    if let Some(alternatives) = conversation.logprobs {
        if !host.has("logprobs") {
            return notes.cannot("logprobs");
        }
        json.key("logprobs").bool(true);
        if alternatives > 0 {
            json.key("top_logprobs").number(alternatives);
        }
    }
}

fn write_format(json: &mut Json, format: &Format<'_>, host: &Host) {
    json.key("response_format").object(|json| match format {
        Format::Json => json.key("type").str("json_object"),
        Format::Schema { schema, .. } if !host.json_schema => {
            json.key("type").str("json_object");
            json.key("schema").value(schema);
        }
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => {
            json.key("type").str("json_schema");
            json.key("json_schema").object(|json| {
                let json_name = json.key("name");
                match name {
                    // Its grammar is that of a tool's name, and it must be there.
                    Some(name) => json_name.text(&tool_name(name)),
                    None => json_name.str("answer"),
                }
                if let Some(description) = description {
                    json.key("description").text(description);
                }
                json.key("schema").value(schema);
                if let Some(strict) = strict {
                    json.key("strict").bool(*strict);
                }
            });
        }
    });
}

/// Whether the model is made to call a tool.
fn forces(conversation: &Conversation<'_>) -> bool {
    let choice = conversation.tool_choice.as_ref();
    let forced = matches!(choice, Some(ToolChoice::Any | ToolChoice::Tool(_)));
    forced && !conversation.tools.is_empty()
}

/// A model that thinks cannot be made to call a tool, and this one thinks unless it is told not to.
fn without_thinking(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let thinks = |reasoning: &Reasoning| {
        let effort = reasoning.effort.or_else(|| reasoning.budget.map(effort_of));
        effort.map_or(reasoning.adaptive, |effort| effort != Effort::None)
    };
    if conversation.reasoning.as_ref().is_some_and(thinks) {
        notes.cannot("reasoning");
    }
    json.key("thinking")
        .object(|json| json.key("type").str("disabled"));
}

fn write_reasoning(json: &mut Json, reasoning: &Reasoning, host: &Host, notes: &mut Notes) {
    let effort = reasoning.effort.or_else(|| reasoning.budget.map(effort_of));
    let Some(effort) = effort else {
        return;
    };
    if host.thinking_switch {
        let kind = if effort == Effort::None {
            "disabled"
        } else {
            "enabled"
        };
        json.key("thinking")
            .object(|json| json.key("type").str(kind));
        if effort == Effort::None {
            return;
        }
    }
    let known = matches!(effort, Effort::None | Effort::High);
    let effort = if host.thinks_or_not && !known {
        // It thinks all the same, though not as much or as little.
        notes.drops("reasoning_effort");
        Effort::High
    } else {
        effort
    };
    json.key("reasoning_effort").str(match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::ExtraHigh => "xhigh",
        Effort::Max => "max",
    });
}

/// The word whose amount is nearest, where low, medium and high are 1K, 8K and 24K: Google's amounts for the words of this format. No
/// budget asks for more than high.
fn effort_of(budget: u64) -> Effort {
    match budget {
        0 => Effort::None,
        1..=4_608 => Effort::Low,
        4_609..=16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

/// How long a medium is, for the room it takes.
fn source_length(source: &Source<'_>) -> usize {
    match source {
        Source::Base64(text) | Source::Text(text) | Source::Url(text) | Source::Id(text) => {
            text.as_written().len()
        }
    }
}
