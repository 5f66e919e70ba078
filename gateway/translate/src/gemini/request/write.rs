//! The body for Gemini. The model and whether it streams stand in the URL.

mod bearers;
mod config;
mod contents;
mod left_out;

use crate::gemini::schema;
use crate::names::Grammar;
use crate::write::Json;
use crate::{Content, Conversation, Notes, Target, Text, ToolChoice};

/// The body for Gemini; what it cannot say goes to `notes`.
#[must_use]
pub fn write(conversation: &Conversation<'_>, target: &Target<'_>, notes: &mut Notes) -> Vec<u8> {
    let is_old = is_before_3(target.model);
    left_out::tell(conversation, is_old, notes);
    let mut json = Json::with_capacity(4096);
    json.object(|json| {
        let has_turns = conversation.turns.iter().any(contents::says);
        json.key("contents").array(|json| {
            if has_turns {
                contents::write(&conversation.turns, is_old, json);
            } else if conversation.system.iter().any(contents::is_text) {
                // There is no answer to a system prompt alone.
                json.object(|json| {
                    json.key("role").str("user");
                    system(conversation, json);
                });
            }
        });
        if has_turns && conversation.system.iter().any(contents::is_text) {
            json.key("systemInstruction")
                .object(|json| system(conversation, json));
        }
        tools(conversation, json);
        config::write(conversation, is_old, json);
        let tier = conversation.service_tier.as_ref().map(Text::unescaped);
        match tier.as_deref() {
            Some("default" | "standard") => json.key("serviceTier").str("standard"),
            Some("flex") => json.key("serviceTier").str("flex"),
            Some("priority") => json.key("serviceTier").str("priority"),
            Some(_) | None => {}
        }
        if let Some(store) = conversation.store {
            json.key("store").bool(store);
        }
    });
    json.finish()
}

/// Generation 3 knows levels of thinking, and demands signatures; who is not told by name counts as new.
pub(super) fn is_before_3(model: &str) -> bool {
    let Some((_, version)) = model.rsplit_once("gemini-") else {
        return false;
    };
    let digits = version
        .split(|character: char| !character.is_ascii_digit())
        .next()
        .unwrap_or_default();
    digits.parse().is_ok_and(|major: u32| major < 3)
}

fn system(conversation: &Conversation<'_>, json: &mut Json) {
    json.key("parts").array(|json| {
        for block in &conversation.system {
            if let Content::Text(text) = &block.content
                && !text.is_empty()
            {
                json.object(|json| json.key("text").text(text));
            }
        }
    });
}

fn tools(conversation: &Conversation<'_>, json: &mut Json) {
    if conversation.tools.is_empty() {
        return;
    }
    json.key("tools").array(|json| {
        json.object(|json| {
            json.key("functionDeclarations").array(|json| {
                for tool in &conversation.tools {
                    json.object(|json| {
                        json.key("name").text(&Grammar::GEMINI.name(&tool.name));
                        if let Some(description) = &tool.description {
                            json.key("description").text(description);
                        }
                        if let Some(parameters) = &tool.parameters {
                            schema::write(parameters, true, json.key("parametersJsonSchema"));
                        }
                    });
                }
            });
        });
    });
    if let Some(choice) = &conversation.tool_choice {
        json.key("toolConfig").object(|json| {
            json.key("functionCallingConfig")
                .object(|json| match choice {
                    ToolChoice::Auto => json.key("mode").str("AUTO"),
                    ToolChoice::None => json.key("mode").str("NONE"),
                    ToolChoice::Any => json.key("mode").str("ANY"),
                    ToolChoice::Tool(name) => {
                        json.key("mode").str("ANY");
                        json.key("allowedFunctionNames")
                            .array(|json| json.text(&Grammar::GEMINI.name(name)));
                    }
                });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::is_before_3;

    #[test]
    fn the_generation_stands_in_the_name() {
        for old in [
            "gemini-2.5-pro",
            "models/gemini-1.5-flash",
            "publishers/google/models/gemini-2.0-flash-lite",
        ] {
            assert!(is_before_3(old), "{old}");
        }
        for new in [
            "gemini-3-pro",
            "gemini-3.5-flash",
            "gemini-10",
            "gemini-flash-latest",
            "m",
        ] {
            assert!(!is_before_3(new), "{new}");
        }
    }
}
