//! The body for a provider that speaks Responses.

use super::super::ids::fitting;
use super::written;
use crate::conversation::Other;
use crate::names::Grammar;
use crate::write::Json;
use crate::{Conversation, Effort, Format, Notes, Reasoning, Target, Text, Tool, ToolChoice};

/// The least that OpenAI takes for the limit of the output.
const LEAST_OUTPUT: u64 = 16;

/// The body for a provider of this format.
///
/// `store` is `false` unless the caller wants otherwise, for the whole conversation is sent each time. Encrypted reasoning is asked for where
/// the caller speaks of reasoning, or has sent some; a model that does not reason refuses it. One system text becomes
/// `instructions`, several become a message, each a part.
#[must_use = "it is what is sent"]
pub fn write(conversation: &Conversation<'_>, target: &Target<'_>, notes: &mut Notes) -> Vec<u8> {
    let mut json = Json::with_capacity(4096);
    json.object(|json| {
        json.key("model").str(target.model);
        if let [only] = conversation.system.as_slice()
            && let crate::Content::Text(text) = &only.content
        {
            written::note_cache(only, notes);
            json.key("instructions").text(text);
        }
        json.key("input")
            .array(|json| written::input(json, conversation, notes));
        tools(json, conversation, notes);
        parameters(json, conversation, notes);
        json.key("store").bool(conversation.store.unwrap_or(false));
        if asks_for_encrypted(conversation) {
            json.key("include")
                .array(|json| json.str("reasoning.encrypted_content"));
        }
        if conversation.stream {
            json.key("stream").bool(true);
        }
    });
    left_out(conversation, notes);
    json.finish()
}

fn tools(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    if !conversation.tools.is_empty() {
        json.key("tools").array(|json| {
            for each in &conversation.tools {
                if each.cache.is_some() {
                    notes.drops("cache_control");
                }
                tool(json, each);
            }
        });
        // Refused where there are no tools.
        if let Some(parallel) = conversation.parallel_tools {
            json.key("parallel_tool_calls").bool(parallel);
        }
    }
    match &conversation.tool_choice {
        None => {}
        // Without tools these say nothing.
        Some(ToolChoice::Auto | ToolChoice::None) if conversation.tools.is_empty() => {}
        Some(ToolChoice::Auto) => json.key("tool_choice").str("auto"),
        Some(ToolChoice::None) => json.key("tool_choice").str("none"),
        Some(ToolChoice::Any) => json.key("tool_choice").str("required"),
        Some(ToolChoice::Tool(name)) => json.key("tool_choice").object(|json| {
            json.key("type").str("function");
            json.key("name").text(&Grammar::OPENAI.name(name));
        }),
    }
}

fn tool(json: &mut Json, tool: &Tool<'_>) {
    json.object(|json| {
        json.key("type").str("function");
        json.key("name").text(&Grammar::OPENAI.name(&tool.name));
        if let Some(description) = &tool.description {
            json.key("description").text(description);
        }
        match &tool.parameters {
            Some(parameters) => json.key("parameters").value(parameters),
            None => json
                .key("parameters")
                .verbatim(r#"{"type":"object","properties":{}}"#),
        }
        if let Some(strict) = tool.strict {
            json.key("strict").bool(strict);
        }
    });
}

fn parameters(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    if let Some(most) = conversation.max_output {
        if most < LEAST_OUTPUT {
            notes.drops("max_output_tokens below 16");
        }
        json.key("max_output_tokens").number(most.max(LEAST_OUTPUT));
    }
    for (name, value) in [
        ("temperature", conversation.temperature),
        ("top_p", conversation.top_p),
        ("metadata", conversation.metadata),
    ] {
        if let Some(value) = value {
            json.key(name).raw(value);
        }
    }
    if conversation.format.is_some() || conversation.verbosity.is_some() {
        json.key("text").object(|json| text(json, conversation));
    }
    if let Some(told) = &conversation.reasoning {
        reasoning(json, told);
    }
    if let Some(tier) = &conversation.service_tier {
        json.key("service_tier").text(tier);
    }
    if let Some(user) = &conversation.user {
        json.key("safety_identifier").text(&fitting(user, "user_"));
    }
    if let Some(key) = &conversation.cache_key {
        json.key("prompt_cache_key").text(&fitting(key, "cache_"));
    }
}

fn text(json: &mut Json, conversation: &Conversation<'_>) {
    match &conversation.format {
        None => {}
        Some(Format::Json) => json
            .key("format")
            .object(|json| json.key("type").str("json_object")),
        Some(Format::Schema {
            name,
            description,
            schema,
            strict,
        }) => json.key("format").object(|json| {
            json.key("type").str("json_schema");
            json.key("name")
                .text(name.as_ref().unwrap_or(&Text::plain("answer")));
            if let Some(description) = description {
                json.key("description").text(description);
            }
            json.key("schema").value(schema);
            if let Some(strict) = strict {
                json.key("strict").bool(*strict);
            }
        }),
    }
    if let Some(verbosity) = &conversation.verbosity {
        json.key("verbosity").text(verbosity);
    }
}

fn reasoning(json: &mut Json, told: &Reasoning) {
    let effort = told.effort.or(told.budget.map(effort_of));
    let shown = told.shown == Some(true);
    if effort.is_none() && !shown {
        return;
    }
    json.key("reasoning").object(|json| {
        if let Some(effort) = effort {
            json.key("effort").str(word(effort));
        }
        if shown {
            json.key("summary").str("auto");
        }
    });
}

/// The effort for a budget of tokens: the nearest where low is 1,024, medium 8,192 and high 24,576.
fn effort_of(budget: u64) -> Effort {
    match budget {
        0 => Effort::None,
        1..=4096 => Effort::Low,
        4097..=16384 => Effort::Medium,
        _ => Effort::High,
    }
}

fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::ExtraHigh => "xhigh",
        Effort::Max => "max",
    }
}

fn asks_for_encrypted(conversation: &Conversation<'_>) -> bool {
    let off = |told: &Reasoning| {
        told.effort == Some(Effort::None) || (told.effort.is_none() && told.budget == Some(0))
    };
    let asked = conversation.reasoning.as_ref().map(|told| !off(told));
    asked.unwrap_or_else(|| written::has_encrypted(conversation))
}

/// Tells what has no place in this format.
fn left_out(conversation: &Conversation<'_>, notes: &mut Notes) {
    for (name, given) in [
        ("top_k", conversation.top_k.is_some()),
        ("presence_penalty", conversation.presence_penalty.is_some()),
        (
            "frequency_penalty",
            conversation.frequency_penalty.is_some(),
        ),
        ("stop", !conversation.stop.is_empty()),
        ("n", conversation.choices > 1),
        // They could be asked for, but an answer has no neutral place for them.
        ("logprobs", conversation.logprobs.is_some()),
    ] {
        if given {
            notes.cannot(name);
        }
    }
    if conversation.seed.is_some() {
        // Best effort, where there is one.
        notes.drops("seed");
    }
    for Other {
        name,
        changes_meaning,
    } in &conversation.others
    {
        if *changes_meaning {
            notes.cannot(name.clone().into_owned());
        } else {
            notes.drops(name.clone().into_owned());
        }
    }
}
