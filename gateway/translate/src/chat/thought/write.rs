//! What was thought, and its proofs, as members of a message.

use super::TAG;
use crate::write::Json;
use crate::{Block, Content, Origin, Signature, Text};

/// The proof of a call, as the next member of it.
pub(in crate::chat) fn write_call_signature(json: &mut Json, signature: &Signature<'_>) {
    json.key("extra_content").object(|json| {
        json.key("google").object(|json| {
            let json = json.key("thought_signature");
            if signature.origin == Origin::Gemini {
                json.text(&signature.value);
            } else {
                let tag = Text::escaped(format!("{TAG}{}:", signature.origin.as_str()));
                json.texts([&tag, &signature.value]);
            }
        });
    });
}

/// An entry of words and what proves them, as the next value.
pub(in crate::chat) fn write_signed(
    json: &mut Json,
    index: u64,
    text: &Text<'_>,
    proof: &Signature<'_>,
) {
    json.object(|json| {
        json.key("type").str("reasoning.text");
        json.key("text").text(text);
        json.key("signature").text(&proof.value);
        json.key("format").str(format_of(proof.origin));
        json.key("index").number(index);
    });
}

/// An entry that only its provider can read, as the next value.
pub(in crate::chat) fn write_encrypted(json: &mut Json, index: u64, data: &Signature<'_>) {
    json.object(|json| {
        json.key("type").str("reasoning.encrypted");
        json.key("data").text(&data.value);
        json.key("format").str(format_of(data.origin));
        json.key("index").number(index);
    });
}

/// Whether any of the blocks has something for `reasoning_details`.
pub(in crate::chat) fn has_details(blocks: &[Block<'_>]) -> bool {
    blocks.iter().any(|block| {
        matches!(
            block.content,
            Content::Redacted(_)
                | Content::Reasoning {
                    signature: Some(_),
                    ..
                }
        )
    })
}

/// `reasoning_details`, as the next value.
pub(in crate::chat) fn write_details(json: &mut Json, blocks: &[Block<'_>]) {
    let mut index = 0;
    json.array(|json| {
        for block in blocks {
            if let Content::Reasoning {
                text,
                signature: Some(proof),
            } = &block.content
            {
                write_signed(json, index, text, proof);
                index += 1;
            } else if let Content::Redacted(data) = &block.content {
                write_encrypted(json, index, data);
                index += 1;
            }
        }
    });
}

fn format_of(origin: Origin) -> &'static str {
    match origin {
        Origin::Anthropic => "anthropic-claude-v1",
        Origin::OpenAi => "openai-responses-v1",
        Origin::Gemini => "google-gemini-v1",
        Origin::Bedrock => "amazon-bedrock-v1",
        Origin::Unknown => "unknown",
    }
}
