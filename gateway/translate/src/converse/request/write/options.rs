//! What all models know: limits and sampling, the form of the answer, how soon it is wanted.

use fairlead_json::{Number, Raw};

use super::reasoning::Asked;
use super::unless_empty;
use crate::messages::is_blank;
use crate::messages::request::closed;
use crate::write::Json;
use crate::{Conversation, Format, Notes, Text};

pub(super) fn inference(
    json: &mut Json,
    conversation: &Conversation<'_>,
    reasoning: &Asked,
    notes: &mut Notes,
) {
    unless_empty(json, "inferenceConfig", |json| {
        if let Some(limit) = conversation.max_output {
            json.key("maxTokens").number(limit);
        }
        sampling(json, conversation, reasoning.binds(), notes);
        stop(json, &conversation.stop, notes);
    });
}

/// What cannot be set is left out and said: above 1 there is no temperature, and a Claude that thinks takes hardly any of them.
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
            json.key("topP").raw(top_p);
        }
    }
}

fn stop(json: &mut Json, texts: &[Text<'_>], notes: &mut Notes) {
    if texts.iter().any(is_blank) {
        notes.cannot("stop");
    }
    if !texts.iter().all(is_blank) {
        json.key("stopSequences").array(|json| {
            for text in texts.iter().filter(|text| !is_blank(text)) {
                json.text(text);
            }
        });
    }
}

pub(super) fn output(
    json: &mut Json,
    conversation: &Conversation<'_>,
    reasoning: &Asked,
    notes: &mut Notes,
) {
    unless_empty(json, "outputConfig", |json| {
        match &conversation.format {
            None => {}
            Some(Format::Json) => notes.cannot("response_format"),
            Some(Format::Schema {
                name,
                description,
                schema,
                ..
            }) => json.key("textFormat").object(|json| {
                json.key("type").str("json_schema");
                json.key("structure").object(|json| {
                    json.key("jsonSchema").object(|json| {
                        // A text that holds it; an object in it must say that it has no further members.
                        json.key("schema").str(&closed(schema.text()));
                        if let Some(name) = name {
                            json.key("name").text(name);
                        }
                        if let Some(description) = description {
                            json.key("description").text(description);
                        }
                    });
                });
            }),
        }
        if let Some(effort) = reasoning.effort {
            json.key("effort").str(effort);
        }
    });
}

pub(super) fn service_tier(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    let Some(tier) = &conversation.service_tier else {
        return;
    };
    match &*tier.unescaped() {
        "auto" => notes.drops("service_tier"),
        tier @ ("default" | "flex" | "priority" | "reserved") => json
            .key("serviceTier")
            .object(|json| json.key("type").str(tier)),
        _ => notes.cannot("service_tier"),
    }
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
