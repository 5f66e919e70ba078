//! A provider's whole answer.

use std::borrow::Cow;

use fairlead_json::{Kind, Limits, Object, Raw};
use fairlead_wire::openai::{ErrorFacts, error_body, is_set};

use super::super::names::{custom_arguments, flattened};
use super::super::raw::{filled, words};
use super::super::signature::{self, Carried};
use super::super::usage;
use crate::answer::Choice;
use crate::{Answer, Answered, Arguments, Block, Content, Malformed, Stop, Text};

/// What a whole body is. An answer that is not done, or says nothing though it is, is none.
///
/// # Errors
/// It is no JSON object.
pub fn read(body: &[u8]) -> Result<Answered<'_>, Malformed> {
    let object = Object::parse(body, &Limits::default())?;
    let member = |name| object.read(name).ok().flatten();
    let status = words(member("status"));
    if status == "failed" || member("error").is_some_and(says_something) {
        return Ok(Answered::Error(error_body(body).unwrap_or_default()));
    }
    let Some(output) = member("output").filter(|raw| raw.kind() == Kind::Array) else {
        // An error can lie flat; whatever is no answer and names a code is one.
        let flat = error_body(body).filter(|facts| facts.code.is_some() || facts.status.is_some());
        return Ok(flat.map_or(Answered::Nothing, Answered::Error));
    };
    if !matches!(&*status, "" | "completed" | "incomplete") {
        return Ok(Answered::Nothing);
    }
    let (mut said, mut items) = (Vec::new(), 0);
    output.each_element(|item| {
        blocks(item, &mut said);
        items += 1;
    });
    if items == 0 && status != "incomplete" {
        return Ok(Answered::Nothing);
    }
    let calls = said
        .iter()
        .any(|block| matches!(block.content, Content::Call { .. }));
    let stop = stop_of(&status, member("incomplete_details"), calls);
    Ok(Answered::Answer(Answer {
        id: filled(member("id")),
        model: filled(member("model")),
        choices: vec![Choice {
            blocks: said,
            stop: Some(stop),
            logprobs: None,
        }],
        usage: member("usage").and_then(|told| usage::read(told, member("service_tier"))),
    }))
}

/// Whether a body is an answer that its caller will fetch later (`background`).
#[must_use]
pub fn is_pending(body: &[u8]) -> bool {
    Object::parse(body, &Limits::default()).is_ok_and(|object| {
        let member = |name| object.read(name).ok().flatten();
        matches!(&*words(member("status")), "queued" | "in_progress")
            && words(member("object")) == "response"
    })
}

fn says_something(error: Raw<'_>) -> bool {
    is_set(&mut error.scanner()).unwrap_or(true)
}

/// Why an answer ended.
pub(in super::super) fn stop_of<'a>(
    status: &str,
    details: Option<Raw<'a>>,
    calls: bool,
) -> Stop<'a> {
    let mut reason = None;
    if let Some(details) = details {
        details.each_member(|name, value| {
            if name == "reason" {
                reason = filled(Some(value));
            }
        });
    }
    if status != "incomplete" {
        return if calls { Stop::Calls } else { Stop::End };
    }
    match reason {
        Some(reason) if reason == "max_output_tokens" || reason == "max_tokens" => Stop::Length,
        Some(reason) if reason == "content_filter" => Stop::Filtered(None),
        Some(reason) => Stop::Other(reason),
        None => Stop::Other(Text::plain("incomplete")),
    }
}

/// What an item of an output says. What it does not say, or not in the form it should have, is not there.
pub(in super::super) fn blocks<'a>(item: Raw<'a>, said: &mut Vec<Block<'a>>) {
    let (mut kind, mut call_id, mut name) = (None, None, None);
    let (mut namespace, mut arguments, mut input) = (None, None, None);
    let (mut content, mut summary, mut encrypted) = (None, None, None);
    item.each_member(|key, value| match &*key {
        "type" => kind = Some(value),
        "call_id" => call_id = filled(Some(value)),
        "name" => name = filled(Some(value)),
        "namespace" => namespace = filled(Some(value)),
        "arguments" => arguments = Some(value),
        "input" => input = Some(value),
        "content" => content = Some(value),
        "summary" => summary = Some(value),
        "encrypted_content" => encrypted = filled(Some(value)),
        _ => {}
    });
    let arguments = match &*words(kind) {
        "message" => return parts(content, said),
        "reasoning" => return reasoning([summary, content], encrypted, said),
        "function_call" => read_arguments(arguments),
        "custom_tool_call" => {
            let input = input.and_then(Text::of).unwrap_or_default();
            Arguments::Text(custom_arguments(&input))
        }
        "" => return,
        kind => return said.push(Content::Other(Cow::Owned(kind.to_owned())).into()),
    };
    let Some(name) = name else { return };
    let name = match namespace {
        Some(namespace) => flattened(&namespace, &name),
        None => name,
    };
    let call = Content::Call {
        id: call_id.unwrap_or_default(),
        name,
        arguments,
        signature: None,
    };
    said.push(call.into());
}

/// A text, as it should be, or the object itself.
fn read_arguments(arguments: Option<Raw<'_>>) -> Arguments<'_> {
    match arguments {
        Some(raw) if raw.kind() == Kind::Object => Arguments::Object(raw),
        raw => Arguments::Text(raw.and_then(Text::of).unwrap_or_default()),
    }
}

fn parts<'a>(content: Option<Raw<'a>>, said: &mut Vec<Block<'a>>) {
    let Some(content) = content else { return };
    if let Some(text) = filled(Some(content)) {
        return said.push(Content::Text(text).into());
    }
    content.each_element(|part| {
        let (mut text, mut refusal) = (None, None);
        part.each_member(|name, value| match &*name {
            "text" => text = filled(Some(value)),
            "refusal" => refusal = filled(Some(value)),
            _ => {}
        });
        said.extend(text.map(|text| Content::Text(text).into()));
        said.extend(refusal.map(|text| Content::Refusal(text).into()));
    });
}

fn reasoning<'a>(
    lists: [Option<Raw<'a>>; 2],
    encrypted: Option<Text<'a>>,
    said: &mut Vec<Block<'a>>,
) {
    let mut texts = Vec::new();
    for list in lists.into_iter().flatten() {
        list.each_element(|part| {
            part.each_member(|name, value| {
                if name == "text" {
                    texts.extend(filled(Some(value)));
                }
            });
        });
    }
    let text = match texts.len() {
        0 | 1 => texts.pop().unwrap_or_default(),
        _ => Text::joined(&texts, "\n\n"),
    };
    let unsigned = Content::Reasoning {
        text: text.clone(),
        signature: None,
    };
    match encrypted.map(signature::read) {
        Some(Carried::Words(signature)) => said.push(
            Content::Reasoning {
                text,
                signature: Some(signature),
            }
            .into(),
        ),
        Some(Carried::Redacted(data)) => said.push(Content::Redacted(data).into()),
        Some(Carried::Call(_)) | None if !text.is_empty() => said.push(unsigned.into()),
        Some(Carried::Call(_)) | None => {}
    }
}

/// What a `response` object with an error says, or a flat one.
pub(in super::super) fn facts(json: &str) -> ErrorFacts {
    error_body(json.as_bytes()).unwrap_or_default()
}
