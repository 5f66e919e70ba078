//! The turns as `contents`.
//!
//! A call and its results must be neighbours: all that a model says in a row is one content, and so are the results that
//! follow. From generation 3 on each has the id of its call; before, Vertex AI has long refused ids ("Unknown name", until September 2026), and
//! calls and results go together by their names and their order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::bearers;
use crate::gemini::signature::{self, PLACEHOLDER};
use crate::gemini::{media, schema};
use crate::names::Grammar;
use crate::write::Json;
use crate::{Block, Content, Role, Text, Turn};

/// The calls of a history, by their ids.
#[derive(Default)]
struct Calls<'c> {
    known: BTreeMap<Cow<'c, str>, Call<'c>>,
    /// Whether nothing has its id: the model is of a generation before ids.
    without_ids: bool,
}

#[derive(Clone, Copy)]
struct Call<'c> {
    /// The tool.
    name: &'c Text<'c>,
    /// How many were made before it.
    place: usize,
}

pub(super) fn write(turns: &[Turn<'_>], is_old: bool, json: &mut Json) {
    let mut calls = Calls {
        without_ids: is_old,
        ..Calls::default()
    };
    for group in turns.chunk_by(is_one_content) {
        if !group.iter().any(says) {
            continue;
        }
        let is_model = group.iter().any(|turn| turn.role == Role::Assistant);
        let mut blocks: Vec<_> = group.iter().flat_map(|turn| &turn.blocks).collect();
        json.object(|json| {
            json.key("role")
                .str(if is_model { "model" } else { "user" });
            json.key("parts").array(|json| {
                if is_model {
                    said_by_model(&blocks, &mut calls, json);
                } else {
                    calls.order(&mut blocks);
                    for block in &blocks {
                        part(block, None, &calls, json);
                    }
                }
            });
        });
    }
}

impl<'c> Calls<'c> {
    fn add(&mut self, id: &'c Text<'c>, name: &'c Text<'c>) {
        let place = self.known.len();
        self.known.insert(id.unescaped(), Call { name, place });
    }

    fn name(&self, id: &Text<'_>) -> Option<&'c Text<'c>> {
        self.known.get(&id.unescaped()).map(|call| call.name)
    }

    /// Puts the results among these blocks into the order of their calls, where nothing else tells whose they are.
    fn order<'b>(&self, blocks: &mut [&'b Block<'b>]) {
        if !self.without_ids {
            return;
        }
        let place = |block: &Block<'_>| {
            let Content::Result { id, .. } = &block.content else {
                return None;
            };
            let call = self.known.get(&id.unescaped());
            Some(call.map_or(usize::MAX, |call| call.place))
        };
        let results = blocks
            .iter()
            .copied()
            .filter(|block| place(block).is_some());
        let mut results: Vec<_> = results.collect();
        results.sort_by_key(|result| place(result));
        let places = blocks.iter_mut().filter(|block| place(block).is_some());
        for (block, result) in places.zip(results) {
            *block = result;
        }
    }

    fn write_id(&self, id: &Text<'_>, json: &mut Json) {
        if !id.is_empty() && !self.without_ids {
            json.key("id").text(id);
        }
    }
}

fn is_one_content(one: &Turn<'_>, two: &Turn<'_>) -> bool {
    match (one.role, two.role) {
        (Role::Assistant, Role::Assistant) => true,
        (Role::User, Role::User) => has_results_only(one) && has_results_only(two),
        (Role::User | Role::Assistant | Role::System, _) => false,
    }
}

fn has_results_only(turn: &Turn<'_>) -> bool {
    let is_result = |block: &Block<'_>| matches!(block.content, Content::Result { .. });
    !turn.blocks.is_empty() && turn.blocks.iter().all(is_result)
}

/// Whether anything of a turn can be written.
pub(super) fn says(turn: &Turn<'_>) -> bool {
    turn.blocks.iter().any(|block| match &block.content {
        Content::Text(text) | Content::Refusal(text) => !text.is_empty(),
        Content::Image(medium) | Content::File(medium) | Content::Audio(medium) => {
            media::sent(medium).is_some()
        }
        Content::Reasoning { signature, .. } => signature::own(signature.as_ref()).is_some(),
        Content::Redacted(data) => signature::own(Some(data)).is_some(),
        Content::Call { .. } | Content::Result { .. } => true,
        Content::Other(_) => false,
    })
}

/// Whether it is text that says something.
pub(super) fn is_text(block: &Block<'_>) -> bool {
    matches!(&block.content, Content::Text(text) if !text.is_empty())
}

fn said_by_model<'c>(blocks: &[&'c Block<'c>], calls: &mut Calls<'c>, json: &mut Json) {
    let mut borne = bearers::assign(blocks);
    let is_call = |block: &&Block<'_>| matches!(block.content, Content::Call { .. });
    let placeholder = Text::plain(PLACEHOLDER);
    let is_signed = blocks
        .iter()
        .zip(&borne)
        .any(|(block, signature)| is_call(block) && signature.is_some());
    let first = blocks.iter().position(is_call);
    if let Some(place) = first.and_then(|first| borne.get_mut(first))
        && !is_signed
        && !calls.without_ids
    {
        *place = Some(&placeholder);
    }
    for (block, signature) in blocks.iter().zip(&borne) {
        part(block, *signature, calls, json);
        if let Content::Call { id, name, .. } = &block.content {
            calls.add(id, name);
        }
    }
}

/// The part, or parts, of a block.
fn part(block: &Block<'_>, signature: Option<&Text<'_>>, calls: &Calls<'_>, json: &mut Json) {
    let signed = |json: &mut Json| {
        if let Some(signature) = signature {
            json.key("thoughtSignature").text(signature);
        }
    };
    match &block.content {
        Content::Text(text) | Content::Refusal(text) => {
            if !text.is_empty() {
                json.object(|json| {
                    json.key("text").text(text);
                    signed(json);
                });
            }
        }
        Content::Image(medium) | Content::File(medium) | Content::Audio(medium) => {
            if let Some(sent) = media::sent(medium) {
                json.object(|json| media::write(&sent, json));
            }
        }
        Content::Reasoning {
            text,
            signature: proof,
        } => {
            if !text.is_empty() && signature::own(proof.as_ref()).is_some() {
                json.object(|json| {
                    json.key("text").text(text);
                    json.key("thought").bool(true);
                });
            }
            alone(signature, json);
        }
        Content::Redacted(_) => alone(signature, json),
        Content::Call {
            id,
            name,
            arguments,
            ..
        } => json.object(|json| {
            json.key("functionCall").object(|json| {
                calls.write_id(id, json);
                json.key("name").text(&Grammar::GEMINI.name(name));
                json.key("args").arguments_as_object(arguments);
            });
            signed(json);
        }),
        Content::Result {
            id,
            content,
            is_error,
        } => result(id, calls, content, *is_error, json),
        Content::Other(_) => {}
    }
}

/// A signature whose part is not known: Gemini sends it so itself, at the end of a stream.
fn alone(signature: Option<&Text<'_>>, json: &mut Json) {
    if let Some(signature) = signature {
        json.object(|json| {
            json.key("text").str("");
            json.key("thoughtSignature").text(signature);
        });
    }
}

/// A result, and what it has to show as parts beside it.
fn result(
    id: &Text<'_>,
    calls: &Calls<'_>,
    content: &[Block<'_>],
    is_error: bool,
    json: &mut Json,
) {
    json.object(|json| {
        json.key("functionResponse").object(|json| {
            calls.write_id(id, json);
            match calls.name(id) {
                Some(name) => json.key("name").text(&Grammar::GEMINI.name(name)),
                None => json.key("name").str("unknown"),
            }
            response(&said(content), is_error, json.key("response"));
        });
    });
    for block in content {
        if let Content::Image(medium) | Content::File(medium) | Content::Audio(medium) =
            &block.content
            && let Some(sent) = media::sent(medium)
        {
            json.object(|json| media::write(&sent, json));
        }
    }
}

fn said<'b>(content: &'b [Block<'_>]) -> Text<'b> {
    let mut texts = content.iter().filter_map(|block| match &block.content {
        Content::Text(text) | Content::Refusal(text) => Some(text),
        Content::Image(_)
        | Content::File(_)
        | Content::Audio(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Result { .. }
        | Content::Other(_) => None,
    });
    match (texts.next(), texts.next()) {
        (None, _) => Text::default(),
        (Some(only), None) => only.borrowed(),
        (Some(first), Some(second)) => Text::joined([first, second].into_iter().chain(texts), "\n"),
    }
}

/// An object as it is, anything else under the name that it goes by.
fn response(text: &Text<'_>, is_error: bool, json: &mut Json) {
    let written = text.as_written().trim_start();
    let unescaped = if written.starts_with(['{', '\\']) {
        text.unescaped()
    } else {
        Cow::Borrowed("")
    };
    let object = Some(unescaped.trim())
        .filter(|text| text.starts_with('{') && !schema::looks_like_schema(text))
        .filter(|text| {
            fairlead_json::well_formed(text.as_bytes(), &fairlead_json::Limits::default()).is_ok()
        });
    match (object, is_error) {
        (Some(object), false) => json.verbatim(object),
        (Some(object), true) => json.object(|json| json.key("error").verbatim(object)),
        (None, false) => json.object(|json| json.key("result").text(text)),
        (None, true) => json.object(|json| json.key("error").text(text)),
    }
}
