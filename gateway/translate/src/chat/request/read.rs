//! A caller's request as a conversation.

mod messages;
mod parts;
mod settings;

use std::borrow::Cow;

use fairlead_json::{Kind, Limits, Raw};

use crate::conversation::Other;
use crate::top::Top;
use crate::{Conversation, RequestError, Text};

/// The members that are read, or that say nothing of the answer.
const KNOWN: [&str; 32] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "include_reasoning",
    "thinking",
    "verbosity",
    "service_tier",
    "user",
    "safety_identifier",
    "metadata",
    "prompt_cache_key",
    "store",
    "stream",
    "stream_options",
    "modalities",
];
/// Members without which the same is asked for.
const ADVICE: [&str; 7] = [
    "cache_control",
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
    "usage",
    "tags",
    "cache",
];

/// A caller's body as a conversation.
///
/// # Errors
/// It is no JSON object, or a member is of another kind than the format allows.
pub fn read(body: &[u8]) -> Result<Conversation<'_>, RequestError> {
    // The large members are read where they stand; what is wrong in them is told after what is wrong with the small ones.
    let (mut said, mut tools) = (Walked::default(), Walked::default());
    let top = Top::read(body, &Limits::default(), |name, scanner| {
        match name {
            "messages" => said.result = messages::read(scanner, &mut said.conversation)?,
            "tools" => tools.result = settings::read_tools(scanner, &mut tools.conversation)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let members = Members(&top);
    let mut conversation = Conversation {
        parallel_tools: members.flag("parallel_tool_calls")?,
        max_output: match members.count("max_completion_tokens")? {
            None => members.count("max_tokens")?,
            most => most,
        },
        temperature: members.number("temperature")?,
        top_p: members.number("top_p")?,
        top_k: members.number("top_k")?,
        seed: members.number("seed")?,
        presence_penalty: members.number("presence_penalty")?,
        frequency_penalty: members.number("frequency_penalty")?,
        choices: members.count("n")?.unwrap_or_default(),
        verbosity: members.text("verbosity")?,
        service_tier: members.text("service_tier")?,
        user: match members.text("safety_identifier")? {
            None => members.text("user")?,
            user => user,
        },
        metadata: members.of("metadata", Kind::Object, "an object")?,
        cache_key: members.text("prompt_cache_key")?,
        store: members.flag("store")?,
        stream: members.flag("stream")?.unwrap_or_default(),
        ..Conversation::default()
    };
    if members
        .of("tools", Kind::Array, "a list of tools")?
        .is_some()
    {
        tools.result?;
        conversation.tools = tools.conversation.tools;
        conversation.others.append(&mut tools.conversation.others);
    }
    settings::read(&members, &mut conversation)?;
    let messages = members.of("messages", Kind::Array, "a list of messages")?;
    messages.ok_or_else(|| wrong("messages", "a list of messages"))?;
    said.result?;
    conversation.system = said.conversation.system;
    conversation.turns = said.conversation.turns;
    conversation.others.append(&mut said.conversation.others);
    note_others(&members, &mut conversation)?;
    Ok(conversation)
}

/// What a list at the top comes to.
struct Walked<'a> {
    conversation: Conversation<'a>,
    result: Result<(), RequestError>,
}

impl Default for Walked<'_> {
    fn default() -> Self {
        Self {
            conversation: Conversation::default(),
            result: Ok(()),
        }
    }
}

fn note_others(
    members: &Members<'_, '_>,
    conversation: &mut Conversation<'_>,
) -> Result<(), RequestError> {
    if members.get("modalities")?.is_some_and(asks_for_more) {
        other(conversation, "modalities".to_owned(), true);
    }
    for (name, value) in members.0.members() {
        let says_nothing = match value.kind() {
            Kind::Null => true,
            Kind::Array | Kind::Object => {
                let text = value.text();
                let inside = text.get(1..text.len().saturating_sub(1));
                inside.unwrap_or_default().trim_ascii().is_empty()
            }
            Kind::String | Kind::Number | Kind::Bool(_) => false,
        };
        if !says_nothing && !KNOWN.contains(&name) {
            other(conversation, name.to_owned(), !ADVICE.contains(&name));
        }
    }
    Ok(())
}

/// Whether `modalities` names anything but text.
fn asks_for_more(modalities: Raw<'_>) -> bool {
    let mut more = modalities.kind() != Kind::Array;
    modalities.each_element(|each| more |= each.string().as_deref() != Ok("text"));
    more
}

fn other(conversation: &mut Conversation<'_>, name: String, changes_meaning: bool) {
    conversation.others.push(Other {
        name: Cow::Owned(name),
        changes_meaning,
    });
}

fn wrong(at: impl Into<String>, expected: &'static str) -> RequestError {
    RequestError::Wrong {
        at: at.into(),
        expected,
    }
}

/// The members at the top of a body; null is as good as absent.
struct Members<'o, 'a>(&'o Top<'a>);

impl<'a> Members<'_, 'a> {
    fn get(&self, name: &str) -> Result<Option<Raw<'a>>, RequestError> {
        match self.0.get(name) {
            Ok(found) => Ok(found.filter(|raw| raw.kind() != Kind::Null)),
            Err(_) => Err(wrong(name, "given once, and in small letters")),
        }
    }

    fn of(
        &self,
        name: &str,
        kind: Kind,
        expected: &'static str,
    ) -> Result<Option<Raw<'a>>, RequestError> {
        match self.get(name)? {
            Some(raw) if raw.kind() != kind => Err(wrong(name, expected)),
            found => Ok(found),
        }
    }

    fn text(&self, name: &str) -> Result<Option<Text<'a>>, RequestError> {
        let found = self.of(name, Kind::String, "a string")?;
        Ok(found.and_then(Text::of))
    }

    fn number(&self, name: &str) -> Result<Option<Raw<'a>>, RequestError> {
        self.of(name, Kind::Number, "a number")
    }

    fn count(&self, name: &str) -> Result<Option<u64>, RequestError> {
        let expected = "a whole number";
        match self.of(name, Kind::Number, expected)? {
            None => Ok(None),
            Some(raw) => match super::super::lenient::count(raw) {
                None => Err(wrong(name, expected)),
                count => Ok(count),
            },
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, RequestError> {
        match self.get(name)?.map(|raw| raw.kind()) {
            None => Ok(None),
            Some(Kind::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }
}
