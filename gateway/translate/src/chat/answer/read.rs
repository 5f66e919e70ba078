//! A provider's answer.

use std::borrow::Cow;

use fairlead_json::{Kind, Limits, Raw};
use fairlead_wire::openai::{self, Part};

use crate::chat::lenient::{filled, inside, some};
use crate::chat::thought::{Thought, call_signature, thinking_part};
use crate::chat::{stop, usage};
use crate::{Answer, Answered, Arguments, Block, Choice, Content, Malformed, Stop, Text};

/// More tokens than an answer that says nothing can have taken, markers of its beginning and end included.
pub(in crate::chat) const SILENCE: u64 = 16;

/// What a whole body with a status of success is.
///
/// # Errors
/// It is not a well-formed object, or what a tool is called by is missing.
pub fn read(body: &[u8]) -> Result<Answered<'_>, Malformed> {
    match openai::answer(body, Part::Choices) {
        Ok(openai::Answer::Complete(_)) => {}
        Ok(openai::Answer::Error(facts)) => return Ok(Answered::Error(facts)),
        Ok(openai::Answer::Nothing) => return Ok(Answered::Nothing),
        Err(openai::Malformed(error)) => return Err(Malformed::Json(error)),
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let body = Raw::parse(text, &Limits::default())?;
    let mut answer = Answer::default();
    let (mut fine, mut used, mut vendors, mut tier) = (true, None, None, None);
    body.each_member(|name, value| match &*name {
        "id" => answer.id = filled(value),
        "model" => answer.model = filled(value),
        "usage" => used = Some(value),
        "service_tier" => tier = Some(value),
        "x_groq" => value.each_member(|name, value| {
            if name == "usage" {
                vendors = Some(value);
            }
        }),
        "choices" => value.each_element(|entry| match choice(entry) {
            Some(choice) => answer.choices.push(choice),
            None => fine = false,
        }),
        _ => {}
    });
    if !fine {
        return Err(Malformed::Shape("a call does not say which tool is called"));
    }
    let read = |usage: Option<Raw<'_>>| usage.and_then(|usage| usage::read(usage, tier));
    answer.usage = read(used).or_else(|| read(vendors));
    Ok(if says_nothing(&answer) {
        Answered::Nothing
    } else {
        Answered::Answer(answer)
    })
}

/// Whether tokens were paid for, the model was done, and nothing has come of it: then something has been lost.
fn says_nothing(answer: &Answer<'_>) -> bool {
    let output = answer.usage.and_then(|usage| usage.output);
    let silent = |choice: &Choice<'_>| {
        choice.blocks.is_empty() && matches!(choice.stop, None | Some(Stop::End | Stop::Calls))
    };
    output.is_some_and(|output| output > SILENCE) && answer.choices.iter().all(silent)
}

/// `None`: one of its calls has no name.
fn choice(entry: Raw<'_>) -> Option<Choice<'_>> {
    let (mut message, mut reason, mut matched, mut logprobs) = (None, None, None, None);
    entry.each_member(|name, value| match &*name {
        "message" => message = Some(value),
        "finish_reason" => reason = Some(value),
        "stop_reason" => matched = Some(value),
        "logprobs" => logprobs = some(value),
        _ => {}
    });
    Some(Choice {
        blocks: blocks(message?)?,
        stop: reason.and_then(|reason| stop::read(reason, matched)),
        logprobs: logprobs.map(Into::into),
    })
}

fn blocks(message: Raw<'_>) -> Option<Vec<Block<'_>>> {
    let mut thought = Thought::default();
    let (mut content, mut refusal, mut calls) = (None, None, None);
    message.each_member(|name, value| match &*name {
        "content" => content = some(value),
        "refusal" => refusal = filled(value),
        "tool_calls" => calls = some(value),
        name => drop(thought.take(name, value)),
    });
    let mut blocks = thought.blocks();
    if let Some(content) = content {
        each_said(content, |said| blocks.push(said.into()));
    }
    blocks.extend(refusal.map(|refusal| Content::Refusal(refusal).into()));
    let mut fine = true;
    if let Some(calls) = calls {
        calls.each_element(|entry| match call(entry) {
            Some(call) => blocks.push(call.into()),
            None => fine = false,
        });
    }
    fine.then_some(blocks)
}

/// Calls for every text and thought of a `content`: a string, or a list of parts as Mistral has it.
pub(in crate::chat) fn each_said<'a>(content: Raw<'a>, mut call: impl FnMut(Content<'a>)) {
    if let Some(text) = filled(content) {
        call(Content::Text(text));
    }
    content.each_element(|part| {
        let (mut kind, mut text, mut thinking) = ("", None, None);
        part.each_member(|name, value| match &*name {
            "type" => kind = inside(value),
            "text" => text = filled(value),
            "thinking" => thinking = Some(value),
            _ => {}
        });
        match (kind, text, thinking) {
            ("text", Some(text), _) => call(Content::Text(text)),
            ("thinking", _, Some(thinking)) => {
                let text = thinking_part(thinking);
                if !text.is_empty() {
                    call(Content::Reasoning {
                        text,
                        signature: None,
                    });
                }
            }
            _ => {}
        }
    });
}

fn call(entry: Raw<'_>) -> Option<Content<'_>> {
    let (mut id, mut kind, mut called, mut signature) = (None, "", None, None);
    entry.each_member(|name, value| match &*name {
        "id" => id = filled(value),
        "type" => kind = inside(value),
        "function" => called = Some(value),
        "extra_content" => signature = call_signature(value),
        _ => {}
    });
    let Some(called) = called else {
        return match kind {
            "" | "function" => None,
            other => Some(Content::Other(Cow::Borrowed(other))),
        };
    };
    let (mut name, mut arguments) = (None, Arguments::Text(Text::default()));
    called.each_member(|key, value| match (&*key, value.kind()) {
        ("name", _) => name = filled(value),
        ("arguments", Kind::Object) => arguments = Arguments::Object(value),
        ("arguments", _) => arguments = Arguments::Text(Text::of(value).unwrap_or_default()),
        _ => {}
    });
    Some(Content::Call {
        id: id.unwrap_or_default(),
        name: name?,
        arguments,
        signature,
    })
}
