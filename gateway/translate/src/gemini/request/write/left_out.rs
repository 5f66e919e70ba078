//! What Gemini cannot be asked.

use super::config::{STOPS, takes_choices};
use crate::gemini::media;
use crate::{Block, Content, Conversation, Effort, Notes, Role, Text};

/// Tells all of it, in the order of the request.
pub(super) fn tell(conversation: &Conversation<'_>, is_old: bool, notes: &mut Notes) {
    for (at, block) in conversation.system.iter().enumerate() {
        if !matches!(block.content, Content::Text(_)) {
            notes.cannot(format!("system[{at}]"));
        }
        cached(block, notes);
    }
    for turn in &conversation.turns {
        let path = format!("messages[{}]", turn.at);
        if turn.role == Role::System {
            // It is said as the user's text.
            notes.drops(format!("{path}.role"));
        }
        if turn.name.is_some() {
            notes.drops(format!("{path}.name"));
        }
        for (at, block) in turn.blocks.iter().enumerate() {
            block_of(block, &path, at, notes);
        }
    }
    tools(conversation, notes);
    answers(conversation, is_old, notes);
    advice(conversation, notes);
    for other in &conversation.others {
        let name = other.name.clone().into_owned();
        if other.changes_meaning {
            notes.cannot(name);
        } else {
            notes.drops(name);
        }
    }
}

fn block_of(block: &Block<'_>, path: &str, at: usize, notes: &mut Notes) {
    cached(block, notes);
    let path = || format!("{path}.content[{at}]");
    match &block.content {
        Content::Image(medium) | Content::File(medium) | Content::Audio(medium) => {
            if media::sent(medium).is_none() {
                notes.cannot(path());
            }
            let detail = medium.detail.as_ref().map(Text::unescaped);
            if detail.is_some_and(|detail| detail != "auto") {
                notes.drops("detail");
            }
        }
        Content::Other(_) => notes.cannot(path()),
        Content::Result { content, .. } => {
            let path = path();
            for (at, block) in content.iter().enumerate() {
                match block.content {
                    // What no tool gives back, and nothing is written for.
                    Content::Reasoning { .. }
                    | Content::Redacted(_)
                    | Content::Call { .. }
                    | Content::Result { .. } => notes.cannot(format!("{path}.content[{at}]")),
                    Content::Text(_)
                    | Content::Refusal(_)
                    | Content::Image(_)
                    | Content::File(_)
                    | Content::Audio(_)
                    | Content::Other(_) => block_of(block, &path, at, notes),
                }
            }
        }
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. } => {}
    }
}

fn cached(block: &Block<'_>, notes: &mut Notes) {
    if block.cache.is_some() {
        notes.drops("cache_control");
    }
}

fn tools(conversation: &Conversation<'_>, notes: &mut Notes) {
    for tool in &conversation.tools {
        if tool.strict == Some(true) {
            notes.drops("strict");
        }
        if tool.cache.is_some() {
            notes.drops("cache_control");
        }
    }
    if conversation.parallel_tools == Some(false) && !conversation.tools.is_empty() {
        // Who asks for it takes several calls, too: it gives back as many results.
        notes.drops("parallel_tool_calls");
    }
}

fn answers(conversation: &Conversation<'_>, is_old: bool, notes: &mut Notes) {
    if conversation.stop.len() > STOPS {
        notes.cannot("stop");
    }
    if conversation.choices > 1 && !takes_choices(conversation, is_old) {
        notes.cannot("n");
    }
    if conversation.logprobs.is_some() && conversation.stream {
        notes.cannot("logprobs");
    }
    let effort = conversation.reasoning.and_then(|asked| asked.effort);
    if effort == Some(Effort::None) && !is_old {
        // New models think a little at least.
        notes.drops("reasoning_effort");
    }
    let verbosity = conversation.verbosity.as_ref().map(Text::unescaped);
    if verbosity.is_some_and(|verbosity| verbosity != "medium") {
        // A wish for more or fewer words.
        notes.drops("verbosity");
    }
}

fn advice(conversation: &Conversation<'_>, notes: &mut Notes) {
    let tier = conversation.service_tier.as_ref().map(Text::unescaped);
    match tier.as_deref() {
        None | Some("default" | "standard" | "flex" | "priority") => {}
        Some("auto") => notes.drops("service_tier"),
        Some(_) => notes.cannot("service_tier"),
    }
    let advice = [
        ("user", conversation.user.is_some()),
        ("metadata", conversation.metadata.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
    ];
    for (name, _) in advice.into_iter().filter(|(_, is_given)| *is_given) {
        notes.drops(name);
    }
}
