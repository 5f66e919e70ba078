//! How much is thought before the answer.

use super::super::Host;
use crate::write::Json;
use crate::{Conversation, Effort, Notes, Reasoning, ToolChoice};

/// Writes it, where it is said.
pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    host: &Host,
    notes: &mut Notes,
) {
    if host.thinking_switch && forces(conversation) {
        without_thinking(json, conversation, notes);
    } else if let Some(reasoning) = &conversation.reasoning {
        write_reasoning(json, reasoning, host, notes);
    }
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
    let said = nearest(effort, host.efforts);
    if said != effort {
        // It thinks all the same, though not as much or as little.
        notes.drops("reasoning_effort");
    }
    json.key("reasoning_effort").str(match said {
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

/// The least of those that a host knows which is no less, else the most; all are known where none is named.
fn nearest(effort: Effort, known: &[Effort]) -> Effort {
    let enough = known.iter().filter(|known| **known >= effort).min();
    enough.or(known.iter().max()).copied().unwrap_or(effort)
}
