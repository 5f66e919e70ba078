//! An answer for a caller of this format.

use crate::messages::{ids, signature, stop, usage};
use crate::write::Json;
use crate::{Answer, Block, Choice, Content, Head, Signature, Text};

/// The answer; of several choices the first, for callers of this format ask for one.
#[must_use]
pub fn write(answer: &Answer<'_>, head: &Head<'_>) -> Vec<u8> {
    let choice = answer.choices.first();
    let blocks = choice
        .map(|choice| choice.blocks.as_slice())
        .unwrap_or_default();
    let mut json = Json::with_capacity(1024);
    json.object(|json| {
        json.key("id").text(&ids::message(answer.id.as_ref(), head));
        json.key("type").str("message");
        json.key("role").str("assistant");
        match &answer.model {
            Some(model) => json.key("model").text(model),
            None => json.key("model").str(head.model),
        }
        json.key("content")
            .array(|json| content(json, blocks, head));
        ending(json, choice);
        json.key("usage");
        usage::write(json, &answer.usage.unwrap_or_default());
    });
    json.finish()
}

fn ending(json: &mut Json, choice: Option<&Choice<'_>>) {
    let blocks = choice
        .map(|choice| choice.blocks.as_slice())
        .unwrap_or_default();
    let called = blocks
        .iter()
        .any(|block| matches!(block.content, Content::Call { .. }));
    let refused = blocks
        .iter()
        .any(|block| matches!(&block.content, Content::Refusal(text) if !text.is_empty()));
    let reason = choice.and_then(|choice| choice.stop.as_ref());
    stop::write(json, reason, called, refused);
}

/// Writes the blocks. Words in a row are one block, as they are in a stream.
fn content(json: &mut Json, blocks: &[Block<'_>], head: &Head<'_>) {
    let mut words = Words::default();
    let mut calls = 0;
    for block in blocks {
        match &block.content {
            // Words that say nothing part no others.
            Content::Text(text) | Content::Refusal(text) if text.is_empty() => {}
            Content::Reasoning {
                text,
                signature: None,
            } if text.is_empty() => {}
            Content::Text(text) | Content::Refusal(text) => {
                words.end_thought(json, None);
                words.said.push_str(text.as_written());
            }
            Content::Reasoning { text, signature } => {
                words.end_said(json);
                words.thought.push_str(text.as_written());
                if signature.is_some() {
                    words.end_thought(json, signature.as_ref());
                }
            }
            Content::Redacted(data) => {
                words.end(json);
                redacted(json, &signature::given(Some(data)));
            }
            Content::Call {
                id,
                name,
                arguments,
                signature,
            } => {
                words.end(json);
                if let Some(signature) = signature {
                    redacted(json, &signature::of_a_call(signature));
                }
                json.object(|json| {
                    json.key("type").str("tool_use");
                    json.key("id")
                        .text(&ids::answered_call(Some(id), head.id, calls));
                    json.key("name").text(name);
                    json.key("input").arguments_as_object(arguments);
                });
                calls += 1;
            }
            // Nothing that this format's callers have asked for.
            Content::Image(_)
            | Content::File(_)
            | Content::Audio(_)
            | Content::Result { .. }
            | Content::Other(_) => {}
        }
    }
    words.end(json);
}

/// Words whose block is not written yet.
#[derive(Default)]
struct Words {
    said: String,
    thought: String,
}

impl Words {
    fn end(&mut self, json: &mut Json) {
        self.end_said(json);
        self.end_thought(json, None);
    }

    fn end_said(&mut self, json: &mut Json) {
        if self.said.is_empty() {
            return;
        }
        let text = Text::escaped(std::mem::take(&mut self.said));
        json.object(|json| {
            json.key("type").str("text");
            json.key("text").text(&text);
        });
    }

    fn end_thought(&mut self, json: &mut Json, signature: Option<&Signature<'_>>) {
        if self.thought.is_empty() && signature.is_none() {
            return;
        }
        let text = Text::escaped(std::mem::take(&mut self.thought));
        json.object(|json| {
            json.key("type").str("thinking");
            json.key("thinking").text(&text);
            json.key("signature").text(&signature::given(signature));
        });
    }
}

fn redacted(json: &mut Json, data: &Text<'_>) {
    json.object(|json| {
        json.key("type").str("redacted_thinking");
        json.key("data").text(data);
    });
}
