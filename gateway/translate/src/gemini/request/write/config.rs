//! `generationConfig`.

use crate::gemini::schema;
use crate::write::Json;
use crate::{Conversation, Effort, Format, Reasoning};

/// The most texts to stop at.
pub(super) const STOPS: usize = 5;

pub(super) fn write(conversation: &Conversation<'_>, is_old: bool, json: &mut Json) {
    if !is_any(conversation, is_old) {
        return;
    }
    json.key("generationConfig").object(|json| {
        let numbers = [
            ("temperature", conversation.temperature),
            ("topP", conversation.top_p),
            ("topK", conversation.top_k),
            ("seed", conversation.seed),
            ("presencePenalty", conversation.presence_penalty),
            ("frequencyPenalty", conversation.frequency_penalty),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                json.key(name).raw(number);
            }
        }
        if let Some(limit) = conversation.max_output {
            json.key("maxOutputTokens").number(limit);
        }
        if conversation.choices > 1 && takes_choices(conversation, is_old) {
            json.key("candidateCount").number(conversation.choices);
        }
        if !conversation.stop.is_empty() {
            json.key("stopSequences").array(|json| {
                for stop in conversation.stop.iter().take(STOPS) {
                    json.text(stop);
                }
            });
        }
        if let Some(alternatives) = conversation.logprobs.filter(|_| !conversation.stream) {
            json.key("responseLogprobs").bool(true);
            if alternatives > 0 {
                json.key("logprobs").number(alternatives);
            }
        }
        match &conversation.format {
            None => {}
            Some(Format::Json) => json.key("responseMimeType").str("application/json"),
            Some(Format::Schema { schema, .. }) => {
                json.key("responseMimeType").str("application/json");
                schema::write(schema, false, json.key("responseJsonSchema"));
            }
        }
        if let Some(reasoning) = &conversation.reasoning {
            thinking(reasoning, is_old, json);
        }
    });
}

/// Several candidates at once are for the older models, and for whole answers.
pub(super) fn takes_choices(conversation: &Conversation<'_>, is_old: bool) -> bool {
    is_old && !conversation.stream && conversation.choices <= 8
}

fn is_any(conversation: &Conversation<'_>, is_old: bool) -> bool {
    conversation.temperature.is_some()
        || conversation.top_p.is_some()
        || conversation.top_k.is_some()
        || conversation.seed.is_some()
        || conversation.presence_penalty.is_some()
        || conversation.frequency_penalty.is_some()
        || conversation.max_output.is_some()
        || !conversation.stop.is_empty()
        || conversation.format.is_some()
        || (conversation.logprobs.is_some() && !conversation.stream)
        || (conversation.choices > 1 && takes_choices(conversation, is_old))
        || conversation.reasoning.as_ref().is_some_and(|reasoning| {
            depth(reasoning, is_old).is_some() || reasoning.shown.is_some()
        })
}

/// How much is thought, in the words of the model's generation.
enum Depth {
    Level(&'static str),
    Budget(u64),
    Adaptive,
}

fn thinking(reasoning: &Reasoning, is_old: bool, json: &mut Json) {
    let depth = depth(reasoning, is_old);
    if depth.is_none() && reasoning.shown.is_none() {
        return;
    }
    json.key("thinkingConfig").object(|json| {
        if let Some(shown) = reasoning.shown {
            json.key("includeThoughts").bool(shown);
        }
        match depth {
            Some(Depth::Level(level)) => json.key("thinkingLevel").str(level),
            Some(Depth::Budget(budget)) => json.key("thinkingBudget").number(budget),
            Some(Depth::Adaptive) => json.key("thinkingBudget").verbatim("-1"),
            None => {}
        }
    });
}

fn depth(reasoning: &Reasoning, is_old: bool) -> Option<Depth> {
    let budget = reasoning.budget.map(Depth::Budget);
    if is_old {
        let effort = reasoning.effort.map(budget_of).map(Depth::Budget);
        let adaptive = reasoning.adaptive.then_some(Depth::Adaptive);
        return budget.or(effort).or(adaptive);
    }
    // To think as it likes is what a new model does unasked.
    reasoning.effort.map(level_of).map(Depth::Level).or(budget)
}

fn level_of(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
        Effort::ExtraHigh | Effort::Max => "XHIGH",
    }
}

/// Google's own table, from its door for OpenAI's clients.
fn budget_of(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 8192,
        Effort::High | Effort::ExtraHigh | Effort::Max => 24_576,
    }
}
