//! How much is to be thought, in the words of whose model it is.

use crate::converse::Family;
use crate::{Conversation, Effort, Notes, ToolChoice};

/// The least that a budget of Claude's may be.
const LEAST_BUDGET: u64 = 1024;
/// Up to which budget an effort is low, and up to which it is medium: Google's table, as for its own models.
const LOW: u64 = 1024;
const MEDIUM: u64 = 8192;

/// What is asked of thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) thinking: Option<Thinking>,
    /// Claude's effort.
    pub(super) effort: Option<&'static str>,
    /// Whether Claude's thoughts are to be seen, if that is said.
    pub(super) shown: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    Off,
    /// So many tokens of Claude's.
    Budget(u64),
    /// As much as Claude likes.
    Adaptive,
    /// Nova's or OpenAI's effort.
    Effort(&'static str),
}

impl Asked {
    /// Whether it is Claude that thinks, and so takes hardly any other parameter.
    pub(super) fn binds(&self) -> bool {
        matches!(
            self.thinking,
            Some(Thinking::Budget(_) | Thinking::Adaptive)
        )
    }
}

pub(super) fn asked(conversation: &Conversation<'_>, family: Family, notes: &mut Notes) -> Asked {
    let Some(reasoning) = conversation.reasoning else {
        return Asked::default();
    };
    let is_off = reasoning.effort == Some(Effort::None) || reasoning.budget == Some(0);
    let is_said = reasoning.effort.is_some() || reasoning.budget.is_some() || reasoning.adaptive;
    if !is_said {
        return Asked::default();
    }
    let thinking = match family {
        Family::Claude if is_off => Some(Thinking::Off),
        Family::Claude => claudes(conversation, notes),
        Family::Nova if is_off => Some(Thinking::Off),
        Family::Nova => Some(Thinking::Effort(level(conversation))),
        Family::OpenAi if is_off => Some(Thinking::Effort("none")),
        Family::OpenAi => Some(Thinking::Effort(openais(conversation))),
        Family::GptOss if is_off => {
            // It always thinks a little.
            notes.drops("reasoning");
            Some(Thinking::Effort("low"))
        }
        Family::GptOss => Some(Thinking::Effort(level(conversation))),
        Family::Other if is_off => {
            notes.drops("reasoning");
            None
        }
        Family::Other => {
            notes.cannot("reasoning");
            None
        }
    };
    let asked = Asked {
        thinking,
        effort: None,
        shown: reasoning.shown,
    };
    Asked {
        effort: effort(conversation, &asked),
        ..asked
    }
}

fn claudes(conversation: &Conversation<'_>, notes: &mut Notes) -> Option<Thinking> {
    let reasoning = conversation.reasoning?;
    let forced = matches!(
        conversation.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Tool(_))
    );
    if forced && !conversation.tools.is_empty() {
        // A model that thinks cannot be made to call a tool.
        notes.cannot("reasoning");
        return None;
    }
    let Some(budget) = reasoning.budget.filter(|_| !reasoning.adaptive) else {
        return Some(Thinking::Adaptive);
    };
    // The limit of the output stands, for it counts what is thought, too.
    let most = conversation
        .max_output
        .map_or(u64::MAX, |limit| limit.saturating_sub(1));
    let budget = budget.max(LEAST_BUDGET).min(most);
    if budget < LEAST_BUDGET {
        notes.cannot("reasoning");
        return None;
    }
    Some(Thinking::Budget(budget))
}

/// Claude's effort. Without one, an adaptive Claude was seen not to think here (<https://github.com/BerriAI/litellm/pull/36507>); its default is
/// `high`.
fn effort(conversation: &Conversation<'_>, asked: &Asked) -> Option<&'static str> {
    if !asked.binds() {
        return None;
    }
    match conversation.reasoning?.effort {
        Some(Effort::Minimal | Effort::Low) => Some("low"),
        Some(Effort::Medium) => Some("medium"),
        Some(Effort::High) => Some("high"),
        Some(Effort::ExtraHigh) => Some("xhigh"),
        Some(Effort::Max) => Some("max"),
        Some(Effort::None) => None,
        None => (asked.thinking == Some(Thinking::Adaptive)).then_some("high"),
    }
}

/// All of OpenAI's words but `minimal`, which newer models refuse.
fn openais(conversation: &Conversation<'_>) -> &'static str {
    match conversation.reasoning.unwrap_or_default().effort {
        Some(Effort::ExtraHigh) => "xhigh",
        Some(Effort::Max) => "max",
        Some(Effort::None | Effort::Minimal | Effort::Low | Effort::Medium | Effort::High)
        | None => level(conversation),
    }
}

/// One of three.
fn level(conversation: &Conversation<'_>) -> &'static str {
    let reasoning = conversation.reasoning.unwrap_or_default();
    match (reasoning.effort, reasoning.budget) {
        (Some(Effort::None | Effort::Minimal | Effort::Low), _) => "low",
        (Some(Effort::High | Effort::ExtraHigh | Effort::Max), _) => "high",
        (None, Some(..=LOW)) => "low",
        (Some(Effort::Medium), _) | (None, None | Some(..=MEDIUM)) => "medium",
        (None, Some(_)) => "high",
    }
}
