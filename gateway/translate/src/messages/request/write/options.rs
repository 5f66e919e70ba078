//! Everything but what is said and the tools.

use fairlead_json::{Number, Raw};

use crate::messages::ids;
use crate::write::Json;
use crate::{Conversation, Effort, Format, Notes, Text, ToolChoice};

/// The least that a budget of thinking may be.
const LEAST_BUDGET: u64 = 1024;
/// The longest id of a user, in characters.
const LONGEST_USER: usize = 256;

/// How much is to be thought.
enum Thinking {
    Off,
    Budget(u64),
    Adaptive,
}

pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    max_output: u64,
    notes: &mut Notes,
) {
    let thinking = thinking(conversation, max_output, notes);
    let thinks = matches!(thinking, Some(Thinking::Budget(_) | Thinking::Adaptive));
    sampling(json, conversation, thinks, notes);
    stop(json, &conversation.stop, notes);
    let shown = conversation.reasoning.and_then(|reasoning| reasoning.shown);
    match thinking {
        None => {}
        Some(Thinking::Off) => json
            .key("thinking")
            .object(|json| json.key("type").str("disabled")),
        Some(Thinking::Adaptive) => json.key("thinking").object(|json| {
            json.key("type").str("adaptive");
            display(json, shown);
        }),
        Some(Thinking::Budget(budget)) => json.key("thinking").object(|json| {
            json.key("type").str("enabled");
            json.key("budget_tokens").number(budget);
            display(json, shown);
        }),
    }
    let effort = conversation
        .reasoning
        .filter(|_| thinks)
        .and_then(|reasoning| reasoning.effort)
        .and_then(word);
    output_config(json, conversation, effort, notes);
    if let Some(tier) = &conversation.service_tier {
        match &*tier.unescaped() {
            "auto" => json.key("service_tier").str("auto"),
            "default" => json.key("service_tier").str("standard_only"),
            _ => notes.cannot("service_tier"),
        }
    }
    if let Some(user) = &conversation.user {
        json.key("metadata")
            .object(|json| json.key("user_id").text(&user_id(user)));
    }
}

/// What has no words in this format at all.
pub(super) fn leave_out(conversation: &Conversation<'_>, notes: &mut Notes) {
    let is_set = |penalty: Option<Raw<'_>>| penalty.is_some_and(|raw| value(raw) != Some(0.0));
    for (name, is_asked) in [
        ("presence_penalty", is_set(conversation.presence_penalty)),
        ("frequency_penalty", is_set(conversation.frequency_penalty)),
        ("n", conversation.choices > 1),
        ("logprobs", conversation.logprobs.is_some()),
    ] {
        if is_asked {
            notes.cannot(name);
        }
    }
    for (name, is_said) in [
        // Best effort, where there is one.
        ("seed", conversation.seed.is_some()),
        ("metadata", conversation.metadata.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
        ("store", conversation.store == Some(true)),
        // A wish for more or fewer words.
        (
            "verbosity",
            conversation
                .verbosity
                .as_ref()
                .is_some_and(|verbosity| *verbosity != "medium"),
        ),
    ] {
        if is_said {
            notes.drops(name);
        }
    }
    for other in &conversation.others {
        let name = other.name.clone().into_owned();
        if other.changes_meaning {
            notes.cannot(name);
        } else {
            notes.drops(name);
        }
    }
}

fn thinking(
    conversation: &Conversation<'_>,
    max_output: u64,
    notes: &mut Notes,
) -> Option<Thinking> {
    let reasoning = conversation.reasoning?;
    if reasoning.effort == Some(Effort::None) || reasoning.budget == Some(0) {
        return Some(Thinking::Off);
    }
    if reasoning.effort.is_none() && reasoning.budget.is_none() && !reasoning.adaptive {
        return None;
    }
    let forced = matches!(
        conversation.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Tool(_))
    );
    if forced && !conversation.tools.is_empty() {
        // A model that thinks cannot be made to call a tool.
        notes.cannot("reasoning");
        return None;
    }
    match reasoning.budget {
        Some(budget) if !reasoning.adaptive => {
            // The limit of the output stands, for it counts what is thought, too.
            let budget = budget.max(LEAST_BUDGET).min(max_output.saturating_sub(1));
            if budget < LEAST_BUDGET {
                notes.cannot("reasoning");
                return None;
            }
            Some(Thinking::Budget(budget))
        }
        _ => Some(Thinking::Adaptive),
    }
}

fn display(json: &mut Json, shown: Option<bool>) {
    if let Some(shown) = shown {
        let word = if shown { "summarized" } else { "omitted" };
        json.key("display").str(word);
    }
}

/// What cannot be set is left out and said: above 1 there is no temperature, and a model that thinks takes hardly any of them.
fn sampling(json: &mut Json, conversation: &Conversation<'_>, thinks: bool, notes: &mut Notes) {
    if let Some(temperature) = conversation.temperature {
        let number = value(temperature);
        if number.is_none_or(|number| number > 1.0) || (thinks && number != Some(1.0)) {
            notes.cannot("temperature");
        } else if !thinks {
            json.key("temperature").raw(temperature);
        }
    }
    if let Some(top_p) = conversation.top_p {
        if thinks && value(top_p).is_none_or(|number| number < 0.95) {
            notes.cannot("top_p");
        } else {
            json.key("top_p").raw(top_p);
        }
    }
    if let Some(top_k) = conversation.top_k {
        if thinks {
            notes.cannot("top_k");
        } else {
            json.key("top_k").raw(top_k);
        }
    }
}

fn stop(json: &mut Json, texts: &[Text<'_>], notes: &mut Notes) {
    if texts.iter().any(Text::is_blank) {
        notes.cannot("stop");
    }
    if !texts.iter().all(Text::is_blank) {
        json.key("stop_sequences").array(|json| {
            for text in texts.iter().filter(|text| !text.is_blank()) {
                json.text(text);
            }
        });
    }
}

fn output_config(
    json: &mut Json,
    conversation: &Conversation<'_>,
    effort: Option<&str>,
    notes: &mut Notes,
) {
    let schema = match &conversation.format {
        None => None,
        Some(Format::Json) => {
            notes.cannot("response_format");
            None
        }
        Some(Format::Schema {
            schema,
            description,
            ..
        }) => {
            if description.is_some() {
                notes.drops("response_format.json_schema.description");
            }
            Some(schema)
        }
    };
    if effort.is_none() && schema.is_none() {
        return;
    }
    json.key("output_config").object(|json| {
        if let Some(effort) = effort {
            json.key("effort").str(effort);
        }
        if let Some(schema) = schema {
            json.key("format").object(|json| {
                json.key("type").str("json_schema");
                json.key("schema")
                    .verbatim(&super::schema::closed(schema.text()));
            });
        }
    });
}

fn word(effort: Effort) -> Option<&'static str> {
    Some(match effort {
        Effort::None => return None,
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::ExtraHigh => "xhigh",
        Effort::Max => "max",
    })
}

/// Whose request it is: a hash where the name is too long, or one that tells who it is.
fn user_id<'t>(user: &'t Text<'_>) -> Text<'t> {
    let plain = user.unescaped();
    if plain.contains('@') || plain.chars().nth(LONGEST_USER).is_some() {
        return Text::escaped(format!("{:032x}", ids::hash(&plain)));
    }
    user.borrowed()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it is compared with numbers of one digit"
)]
fn value(raw: Raw<'_>) -> Option<f64> {
    match raw.number().ok()? {
        Number::Int(number) => Some(number as f64),
        Number::Double(number) => Some(number),
    }
}
