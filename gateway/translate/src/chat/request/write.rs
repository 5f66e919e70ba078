//! A conversation as a provider's request.

mod account;
mod messages;
mod parts;
mod reasoning;
mod tools;

use super::Host;
use crate::chat::ids::tool_name;
use crate::write::Json;
use crate::{Conversation, Format, Notes, Source, Target, Text, Value};

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
        tools::write(json, conversation, host, notes);
        write_sampling(json, conversation, host, notes);
        if let Some(format) = &conversation.format {
            write_format(json, format, host);
        }
        reasoning::write(json, conversation, host, notes);
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

/// How long a medium is, for the room it takes.
fn source_length(source: &Source<'_>) -> usize {
    match source {
        Source::Base64(text) | Source::Text(text) | Source::Url(text) | Source::Id(text) => {
            text.as_written().len()
        }
    }
}
