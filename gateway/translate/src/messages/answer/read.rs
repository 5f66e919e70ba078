//! What a provider answers in one piece.

use std::borrow::Cow;

use fairlead_json::{Limits, Raw, Scanner};
use fairlead_wire::openai::{error_body, is_set};

use crate::messages::block::{Members, arguments, words};
use crate::messages::{stop, usage};
use crate::{Answer, Answered, Block, Choice, Content, Malformed, Origin, Signature, Text};

/// What a body with a status of success is.
///
/// # Errors
/// It is no JSON object, or what it says is not what the format promises.
pub fn read(body: &[u8]) -> Result<Answered<'_>, Malformed> {
    read_of(body, false)
}

/// The same of a provider of whom is known whether the input that it tells holds what went through a cache.
///
/// # Errors
/// It is no JSON object, or what it says is not what the format promises.
pub fn read_of(body: &[u8], holds_cache: bool) -> Result<Answered<'_>, Malformed> {
    let mut top = Top {
        counts: usage::Counts::with_cache(holds_cache),
        ..Top::default()
    };
    let mut scanner = Scanner::over(body, &Limits::default())?;
    let mut failed = None;
    scanner.object(|scanner, key| {
        let name = key.name();
        if name == "content" && scanner.peek() == Some(b'[') {
            top.has_content = true;
            return scanner.array(|scanner| {
                match block(Members::scan(scanner)?) {
                    Ok(content) => top.blocks.extend(content.map(Block::from)),
                    Err(why) => failed = Some(why),
                }
                Ok(())
            });
        }
        let value = scanner.value()?;
        top.take(&name, scanner.found(&value));
        Ok(())
    })?;
    scanner.end()?;
    if top.is_error {
        return Ok(Answered::Error(error_body(body).unwrap_or_default()));
    }
    if let Some(why) = failed {
        return Err(Malformed::Shape(why));
    }
    if !top.has_content {
        let told =
            error_body(body).filter(|facts| facts.status.is_some() || facts.message.is_some());
        return Ok(told.map_or(Answered::Nothing, Answered::Error));
    }
    let stop = top.stop.stop();
    // A reason of null is: not yet. Without any reason, and without a word, nothing is answered.
    if top.stop.is_pending() || (stop.is_none() && top.blocks.is_empty()) {
        return Ok(Answered::Nothing);
    }
    Ok(Answered::Answer(Answer {
        id: top.id,
        model: top.model,
        choices: vec![Choice {
            blocks: top.blocks,
            stop,
            logprobs: None,
        }],
        usage: top.counts.usage(),
    }))
}

#[derive(Default)]
struct Top<'a> {
    id: Option<Text<'a>>,
    model: Option<Text<'a>>,
    has_content: bool,
    blocks: Vec<Block<'a>>,
    stop: stop::Members<'a>,
    counts: usage::Counts,
    is_error: bool,
}

impl<'a> Top<'a> {
    fn take(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "id" => self.id = words(Some(value)),
            "model" => self.model = words(Some(value)),
            "type" => self.is_error |= value.text() == "\"error\"",
            "error" => self.is_error |= says(value),
            "usage" => self.counts.take(value),
            _ => self.stop.take(name, value),
        }
    }
}

/// Whether an `error` member is one: some put an empty one beside a good answer.
pub(in crate::messages) fn says(error: Raw<'_>) -> bool {
    is_set(&mut error.scanner()).unwrap_or(true)
}

/// A block of an answer; texts that say nothing are none.
fn block(members: Option<Members<'_>>) -> Result<Option<Content<'_>>, &'static str> {
    let members = members.ok_or("a block of the answer is no object")?;
    let kind = members
        .kind
        .and_then(Text::of)
        .ok_or("a block of the answer has no type")?;
    let own = |value| Signature {
        origin: Origin::Anthropic,
        value,
    };
    let kind = kind.unescaped();
    Ok(match &*kind {
        "text" => words(members.text).map(Content::Text),
        "thinking" => {
            let text = words(members.thinking);
            let signature = words(members.signature).map(own);
            (text.is_some() || signature.is_some()).then(|| Content::Reasoning {
                text: text.unwrap_or_default(),
                signature,
            })
        }
        "redacted_thinking" => words(members.data).map(own).map(Content::Redacted),
        "tool_use" => Some(Content::Call {
            id: words(members.id).unwrap_or_default(),
            name: words(members.name).ok_or("a call in the answer has no name")?,
            arguments: arguments(members.input).ok_or("the input of a call is no object")?,
            signature: None,
        }),
        _ => Some(Content::Other(Cow::Owned(kind.into_owned()))),
    })
}
