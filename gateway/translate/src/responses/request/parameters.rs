//! Everything that is asked for beside the conversation and its tools.

use fairlead_json::{Kind, Raw};

use super::super::path::Path;
use super::super::raw::{self, words};
use super::read::{member, other};
use crate::top::Top;
use crate::{Conversation, Effort, Format, Reasoning, RequestError, Text};

/// What is read here or elsewhere, or means nothing without the rest.
const KNOWN: [&str; 24] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "text",
    "reasoning",
    "service_tier",
    "safety_identifier",
    "user",
    "metadata",
    "prompt_cache_key",
    "store",
    "stream",
    "stream_options",
    "include",
    "background",
    "truncation",
    "background_options",
];

/// What can be left out without changing what is asked for: how long something is cached, when the provider would rather shorten than
/// refuse, limits of its own tools, what a client says of itself.
const ADVICE: [&str; 6] = [
    "max_tool_calls",
    "prompt_cache_options",
    "prompt_cache_retention",
    "context_management",
    "client_metadata",
    "access_programs",
];

pub(super) fn read<'a>(
    object: &Top<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    conversation.max_output = count(object, "max_output_tokens")?;
    conversation.temperature = number(object, "temperature")?;
    conversation.top_p = number(object, "top_p")?;
    conversation.parallel_tools = flag(object, "parallel_tool_calls")?;
    conversation.store = flag(object, "store")?;
    conversation.stream = flag(object, "stream")?.unwrap_or(false);
    conversation.service_tier = text(object, "service_tier")?;
    conversation.cache_key = text(object, "prompt_cache_key")?;
    let user = text(object, "user")?;
    conversation.user = text(object, "safety_identifier")?.or(user);
    conversation.metadata = member(object, "metadata")?
        .map(|value| raw::unread(value, &Path::root("metadata")))
        .transpose()?;
    if let Some(value) = member(object, "text")? {
        read_text(value, conversation)?;
    }
    if let Some(value) = member(object, "reasoning")? {
        read_reasoning(value, conversation)?;
    }
    conversation.logprobs = count(object, "top_logprobs")?;
    if let Some(value) = member(object, "include")? {
        read_include(value, conversation)?;
    }
    let truncation = member(object, "truncation")?;
    if truncation.is_some() && words(truncation) != "disabled" {
        other(conversation, "truncation".to_owned(), false);
    }
    for (name, value) in object.members() {
        if value.kind() != Kind::Null && !KNOWN.contains(&name) {
            // What is refused unless it is null or false has been let through.
            let refused = ["previous_response_id", "conversation", "prompt"];
            if !refused.contains(&name) {
                other(conversation, name.to_owned(), !ADVICE.contains(&name));
            }
        }
    }
    Ok(())
}

fn read_text<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Result<(), RequestError> {
    let path = Path::root("text");
    raw::object(value, &path, |name, value| {
        match name {
            "format" => conversation.format = read_format(value, &path.member("format"))?,
            "verbosity" => {
                conversation.verbosity = Some(raw::text(value, &path.member("verbosity"))?);
            }
            name => other(conversation, format!("text.{name}"), true),
        }
        Ok(())
    })
}

fn read_format<'a>(value: Raw<'a>, path: &Path<'_>) -> Result<Option<Format<'a>>, RequestError> {
    let (mut kind, mut name, mut description) = (None, None, None);
    let (mut schema, mut strict) = (None, None);
    raw::object(value, path, |key, value| {
        match key {
            "type" => kind = Some(value),
            "name" => name = Some(raw::text(value, &path.member(key))?),
            "description" => description = Some(raw::text(value, &path.member(key))?),
            "schema" => schema = Some(raw::unread(value, &path.member(key))?),
            "strict" => strict = Some(raw::flag(value, &path.member(key))?),
            _ => {}
        }
        Ok(())
    })?;
    match (&*words(kind), schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(Format::Json)),
        ("json_schema", Some(schema)) => Ok(Some(Format::Schema {
            name,
            description,
            schema: schema.into(),
            strict,
        })),
        ("json_schema", None) => Err(path.member("schema").wrong("an object")),
        _ => Err(path
            .member("type")
            .wrong("text, json_object or json_schema")),
    }
}

fn read_reasoning(value: Raw<'_>, conversation: &mut Conversation<'_>) -> Result<(), RequestError> {
    let path = Path::root("reasoning");
    let mut reasoning = Reasoning::default();
    raw::object(value, &path, |name, value| {
        match name {
            "effort" => reasoning.effort = Some(effort(value, &path.member(name))?),
            "summary" | "generate_summary" => {
                let word = raw::text(value, &path.member(name))?;
                reasoning.shown = Some(word != "none");
            }
            name => other(conversation, format!("reasoning.{name}"), false),
        }
        Ok(())
    })?;
    if reasoning != Reasoning::default() {
        conversation.reasoning = Some(reasoning);
    }
    Ok(())
}

fn effort(value: Raw<'_>, path: &Path<'_>) -> Result<Effort, RequestError> {
    Ok(match &*words(Some(value)) {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::ExtraHigh,
        "max" => Effort::Max,
        _ => return Err(path.wrong("none, minimal, low, medium, high, xhigh or max")),
    })
}

/// Encrypted reasoning is always given, and log probabilities are asked for by it; what else can be included comes from the provider's own
/// tools, and without those there is none.
fn read_include(value: Raw<'_>, conversation: &mut Conversation<'_>) -> Result<(), RequestError> {
    let path = Path::root("include");
    let mut unknown = None;
    raw::list(value, &path, |at, each| {
        match &*raw::text(each, &path.element(at))?.unescaped() {
            "reasoning.encrypted_content" => {}
            "message.output_text.logprobs" => {
                conversation.logprobs = conversation.logprobs.or(Some(0));
            }
            // One is enough to tell that there are some.
            name => unknown = unknown.take().or_else(|| Some(format!("include ({name})"))),
        }
        Ok(())
    })?;
    if let Some(name) = unknown {
        other(conversation, name, false);
    }
    Ok(())
}

fn count(object: &Top<'_>, name: &str) -> Result<Option<u64>, RequestError> {
    let Some(value) = member(object, name)? else {
        return Ok(None);
    };
    raw::count(value)
        .map(Some)
        .ok_or_else(|| Path::root(name).wrong("a whole number, not negative"))
}

fn number<'a>(object: &Top<'a>, name: &str) -> Result<Option<Raw<'a>>, RequestError> {
    let value = member(object, name)?;
    match value {
        Some(value) if value.kind() != Kind::Number => Err(Path::root(name).wrong("a number")),
        value => Ok(value),
    }
}

fn flag(object: &Top<'_>, name: &str) -> Result<Option<bool>, RequestError> {
    member(object, name)?
        .map(|value| raw::flag(value, &Path::root(name)))
        .transpose()
}

fn text<'a>(object: &Top<'a>, name: &str) -> Result<Option<Text<'a>>, RequestError> {
    member(object, name)?
        .map(|value| raw::text(value, &Path::root(name)))
        .transpose()
}
