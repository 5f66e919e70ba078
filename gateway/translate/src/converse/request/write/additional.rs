//! `additionalModelRequestFields`: what only models of one family know, in their own words.

use super::reasoning::{Asked, Thinking};
use super::{tools, unless_empty};
use crate::converse::Family;
use crate::write::Json;
use crate::{Conversation, Notes};

pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    reasoning: &Asked,
    family: Family,
    notes: &mut Notes,
) {
    unless_empty(json, "additionalModelRequestFields", |json| match family {
        Family::Claude => claude(json, conversation, reasoning, notes),
        Family::Nova => nova(json, conversation, reasoning),
        Family::OpenAi => {
            // The flat name is refused (<https://github.com/stdapi-ai/stdapi.ai/issues/283>).
            if let Some(Thinking::Effort(effort)) = reasoning.thinking {
                json.key("reasoning")
                    .object(|json| json.key("effort").str(effort));
            }
            no_top_k(conversation, notes);
        }
        Family::GptOss => {
            if let Some(Thinking::Effort(effort)) = reasoning.thinking {
                json.key("reasoning_effort").str(effort);
            }
            no_top_k(conversation, notes);
        }
        Family::Other => no_top_k(conversation, notes),
    });
}

/// The parameters of Anthropic's own format.
fn claude(json: &mut Json, conversation: &Conversation<'_>, reasoning: &Asked, notes: &mut Notes) {
    if let Some(thinking) = reasoning.thinking {
        json.key("thinking").object(|json| {
            let kind = match thinking {
                Thinking::Off => "disabled",
                Thinking::Budget(_) => "enabled",
                Thinking::Adaptive | Thinking::Effort(_) => "adaptive",
            };
            json.key("type").str(kind);
            if let Thinking::Budget(budget) = thinking {
                json.key("budget_tokens").number(budget);
            }
            if let Some(shown) = reasoning.shown.filter(|_| reasoning.binds()) {
                json.key("display")
                    .str(if shown { "summarized" } else { "omitted" });
            }
        });
    }
    if let Some(top_k) = conversation.top_k {
        if reasoning.binds() {
            notes.cannot("top_k");
        } else {
            json.key("top_k").raw(top_k);
        }
    }
    tools::one_by_one(json, conversation);
}

/// The parameters that Nova's user guide has beside those of all models.
fn nova(json: &mut Json, conversation: &Conversation<'_>, reasoning: &Asked) {
    if let Some(top_k) = conversation.top_k {
        json.key("inferenceConfig")
            .object(|json| json.key("topK").raw(top_k));
    }
    match reasoning.thinking {
        Some(Thinking::Effort(effort)) => json.key("reasoningConfig").object(|json| {
            json.key("type").str("enabled");
            json.key("maxReasoningEffort").str(effort);
        }),
        Some(Thinking::Off) => json
            .key("reasoningConfig")
            .object(|json| json.key("type").str("disabled")),
        Some(Thinking::Budget(_) | Thinking::Adaptive) | None => {}
    }
}

fn no_top_k(conversation: &Conversation<'_>, notes: &mut Notes) {
    if conversation.top_k.is_some() {
        notes.cannot("top_k");
    }
}
