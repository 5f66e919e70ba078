//! `generationConfig`.

use fairlead_json::{Kind, Raw};

use super::other;
use crate::gemini::members::{
    Wrong, each_element, each_member, flag, list, number, object, text, whole,
};
use crate::gemini::schema;
use crate::{Conversation, Effort, Format, Reasoning, Text, Value};

/// What is said of the answer's form, in several members.
#[derive(Default)]
struct Form<'a> {
    media_type: Option<Text<'a>>,
    json_schema: Option<Value<'a>>,
    own_words: Option<Value<'a>>,
    asks_logprobs: bool,
    alternatives: Option<u64>,
}

pub(super) fn read<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Result<(), Wrong> {
    let mut form = Form::default();
    let walked = each_member(object("", value)?, |name, value| {
        member(name, value, conversation, &mut form)
    });
    walked.map_err(|wrong| wrong.below("generationConfig"))?;
    if form.asks_logprobs {
        conversation.logprobs = Some(form.alternatives.unwrap_or(0));
    }
    format(form, conversation);
    Ok(())
}

fn member<'a>(
    name: &str,
    value: Raw<'a>,
    conversation: &mut Conversation<'a>,
    form: &mut Form<'a>,
) -> Result<(), Wrong> {
    match name {
        "temperature" => conversation.temperature = Some(number(name, value)?),
        "topP" => conversation.top_p = Some(number(name, value)?),
        "topK" => conversation.top_k = Some(number(name, value)?),
        "seed" => conversation.seed = Some(number(name, value)?),
        "presencePenalty" => conversation.presence_penalty = Some(number(name, value)?),
        "frequencyPenalty" => conversation.frequency_penalty = Some(number(name, value)?),
        "maxOutputTokens" => conversation.max_output = Some(count(name, value)?),
        "candidateCount" => conversation.choices = count(name, value)?,
        "stopSequences" => each_element(list(name, value)?, |_, each| {
            conversation.stop.push(text(name, each)?);
            Ok(())
        })?,
        "responseLogprobs" => form.asks_logprobs = flag(name, value)?,
        "logprobs" => form.alternatives = Some(count(name, value)?),
        "responseMimeType" => form.media_type = Some(text(name, value)?),
        "responseSchema" => form.own_words = Some(schema::as_json_schema(object(name, value)?)),
        "responseJsonSchema" | "_responseJsonSchema" => form.json_schema = Some(value.into()),
        "thinkingConfig" => {
            let reasoning = thinking(value).map_err(|wrong| wrong.below(name))?;
            conversation.reasoning = Some(reasoning);
        }
        "responseModalities" => {
            if !is_text_only(list(name, value)?) {
                other(conversation, &format!("generationConfig.{name}"), true);
            }
        }
        // How closely to look, and when a sound was heard: advice.
        "mediaResolution" | "audioTimestamp" => {
            other(conversation, &format!("generationConfig.{name}"), false);
        }
        _ => other(conversation, &format!("generationConfig.{name}"), true),
    }
    Ok(())
}

fn format<'a>(form: Form<'a>, conversation: &mut Conversation<'a>) {
    let media_type = form.media_type.as_ref().map(Text::unescaped);
    let schema = form.json_schema.or(form.own_words);
    match (media_type.as_deref(), schema) {
        (None | Some("application/json"), Some(schema)) => {
            conversation.format = Some(Format::Schema {
                name: None,
                description: None,
                schema,
                strict: None,
            });
        }
        (Some("application/json"), None) => conversation.format = Some(Format::Json),
        (None | Some("text/plain" | ""), None) => {}
        (Some(_), _) => other(conversation, "generationConfig.responseMimeType", true),
    }
}

fn thinking(value: Raw<'_>) -> Result<Reasoning, Wrong> {
    let mut reasoning = Reasoning::default();
    each_member(object("", value)?, |name, value| {
        match name {
            "includeThoughts" => reasoning.shown = Some(flag(name, value)?),
            "thinkingBudget" => match value.text() {
                "0" => reasoning.effort = Some(Effort::None),
                "-1" => reasoning.adaptive = true,
                _ => reasoning.budget = Some(count(name, value)?),
            },
            "thinkingLevel" => {
                let level = text(name, value)?;
                reasoning.effort = match &*level.unescaped().to_ascii_uppercase() {
                    "THINKING_LEVEL_UNSPECIFIED" => None,
                    "MINIMAL" => Some(Effort::Minimal),
                    "LOW" => Some(Effort::Low),
                    "MEDIUM" => Some(Effort::Medium),
                    "HIGH" => Some(Effort::High),
                    "XHIGH" => Some(Effort::ExtraHigh),
                    _ => {
                        let expected = "MINIMAL, LOW, MEDIUM, HIGH or XHIGH";
                        return Err(Wrong::new(name, expected));
                    }
                };
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(reasoning)
}

fn is_text_only(modalities: Raw<'_>) -> bool {
    let mut only = true;
    modalities.each_element(|each| {
        only &= each.kind() == Kind::String
            && Text::of(each).is_some_and(|each| each.unescaped().eq_ignore_ascii_case("text"));
    });
    only
}

fn count(name: &str, value: Raw<'_>) -> Result<u64, Wrong> {
    whole(value).ok_or_else(|| Wrong::new(name, "a whole number, not negative"))
}
