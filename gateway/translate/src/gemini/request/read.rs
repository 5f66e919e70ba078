//! A caller's body as a conversation.

mod config;
mod contents;
mod tools;

use fairlead_json::{Kind, Limits, Raw};

use crate::conversation::Other;
use crate::gemini::members::{self, Wrong, camel};
use crate::gemini::part::{Part, Payload};
use crate::top::Top;
use crate::{Block, Content, Conversation, RequestError};

/// A caller's body as a conversation. Whether it is streamed stands in the URL, so `stream` is left to whoever read that.
///
/// # Errors
/// It is not well-formed, or a member is of another kind than Gemini's reference allows.
pub fn read(body: &[u8]) -> Result<Conversation<'_>, RequestError> {
    // The turns and the tools are read where they stand; what is wrong in them is told in its turn.
    let (mut turns, mut tools) = (Ok(Vec::new()), Ok(()));
    let (mut of_turns, mut of_tools) = (Conversation::default(), Conversation::default());
    let top = Top::read(body, &Limits::default(), |name, scanner| {
        match name {
            "contents" => turns = contents::read(scanner, &mut of_turns)?,
            "tools" => tools = tools::read(scanner, &mut of_tools)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let mut conversation = Conversation::default();
    let mut seen = 0_u16;
    for (key, value) in top.members() {
        let name = camel(key);
        let Some(place) = KNOWN.iter().position(|known| **known == *name) else {
            other(&mut conversation, key, true);
            continue;
        };
        if seen & (1 << place) != 0 {
            return Err(wrong(Wrong::new(&name, "given once")));
        }
        seen |= 1 << place;
        top.get(key)
            .map_err(|_| wrong(Wrong::new(key, "given once, in one spelling")))?;
        match (&*name, value.kind()) {
            (_, Kind::Null) => {}
            ("contents", Kind::Array) => {
                conversation.turns =
                    std::mem::replace(&mut turns, Ok(Vec::new())).map_err(wrong)?;
                conversation.others.append(&mut of_turns.others);
            }
            ("tools", Kind::Array) => {
                std::mem::replace(&mut tools, Ok(())).map_err(wrong)?;
                conversation.tools.append(&mut of_tools.tools);
                conversation.others.append(&mut of_tools.others);
            }
            _ => member(&mut conversation, &name, value).map_err(wrong)?,
        }
    }
    if conversation.turns.is_empty() {
        let expected = "a list of at least one content";
        return Err(wrong(Wrong::new("contents", expected)));
    }
    Ok(conversation)
}

/// Members of the body that mean something here.
const KNOWN: [&str; 11] = [
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "labels",
    "serviceTier",
    "store",
    "model",
];

fn member<'a>(
    conversation: &mut Conversation<'a>,
    name: &str,
    value: Raw<'a>,
) -> Result<(), Wrong> {
    match name {
        "contents" | "tools" => {
            members::list(name, value)?;
        }
        "systemInstruction" => conversation.system = system(value)?,
        "toolConfig" => tools::read_config(value, conversation)?,
        "generationConfig" => config::read(value, conversation)?,
        "safetySettings" if is_strict(value)? => other(conversation, name, true),
        "labels" => conversation.metadata = Some(members::object(name, value)?),
        "serviceTier" => service_tier(conversation, name, value)?,
        "store" => conversation.store = Some(members::flag(name, value)?),
        "cachedContent" => other(conversation, name, true),
        // The URL names the model; some send it here, too.
        _ => {}
    }
    Ok(())
}

/// Whether a filter is asked for. Only Google has those filters, so that to switch one off asks nothing of others.
fn is_strict(settings: Raw<'_>) -> Result<bool, Wrong> {
    let mut strict = false;
    members::each_element(members::list("safetySettings", settings)?, |_, setting| {
        members::each_member(setting, |name, value| {
            if name == "threshold" {
                let threshold = members::text("safetySettings", value)?;
                strict |= !matches!(
                    &*threshold.unescaped(),
                    "OFF" | "BLOCK_NONE" | "HARM_BLOCK_THRESHOLD_UNSPECIFIED"
                );
            }
            Ok(())
        })
    })?;
    Ok(strict)
}

fn service_tier<'a>(
    conversation: &mut Conversation<'a>,
    name: &str,
    value: Raw<'a>,
) -> Result<(), Wrong> {
    let tier = members::text(name, value)?;
    let lower = tier.unescaped().to_ascii_lowercase();
    let word = match lower.trim_start_matches("service_tier_") {
        "standard" => "default",
        "flex" => "flex",
        "priority" => "priority",
        "unspecified" => return Ok(()),
        _ => {
            other(conversation, name, true);
            return Ok(());
        }
    };
    conversation.service_tier = Some(crate::Text::plain(word));
    Ok(())
}

fn system(value: Raw<'_>) -> Result<Vec<Block<'_>>, Wrong> {
    let mut blocks = Vec::new();
    members::each_member(
        members::object("systemInstruction", value)?,
        |name, parts| {
            if name != "parts" {
                return Ok(());
            }
            members::each_element(
                members::list("systemInstruction.parts", parts)?,
                |at, raw| {
                    let at = format!("systemInstruction.parts[{at}]");
                    let part = Part::read(raw).map_err(|wrong| wrong.below(&at))?;
                    match part.payload {
                        Payload::Text(text) => blocks.push(Content::Text(text).into()),
                        Payload::Nothing
                        | Payload::Other(_)
                        | Payload::Media(_)
                        | Payload::Call(_)
                        | Payload::Response(_) => return Err(Wrong::new(&at, "a text")),
                    }
                    Ok(())
                },
            )
        },
    )?;
    Ok(blocks)
}

fn other(conversation: &mut Conversation<'_>, name: &str, changes_meaning: bool) {
    conversation.others.push(Other {
        name: name.to_owned().into(),
        changes_meaning,
    });
}

fn wrong(wrong: Wrong) -> RequestError {
    RequestError::Wrong {
        at: wrong.member,
        expected: wrong.expected,
    }
}
