//! A whole answer for a caller of Gemini's API.

use crate::gemini::candidate::Candidate;
use crate::gemini::{ids, usage};
use crate::write::Json;
use crate::{Answer, Choice, Content, Head, Text};

/// The body of a whole answer.
#[must_use]
pub fn write(answer: &Answer<'_>, head: &Head<'_>) -> Vec<u8> {
    let mut candidates: Vec<_> = answer
        .choices
        .iter()
        .zip(0_u64..)
        .map(|(choice, index)| candidate(choice, index, head))
        .collect();
    let mut json = Json::with_capacity(1024);
    json.object(|json| {
        let blocked = candidates.iter().find_map(Candidate::blocked);
        json.key("candidates").array(|json| {
            for (candidate, index) in candidates.iter_mut().zip(0_u64..) {
                candidate.write_end(index, json);
            }
        });
        if let Some(reason) = blocked.filter(|_| answer.choices.len() == 1) {
            json.key("promptFeedback")
                .object(|json| json.key("blockReason").str(reason));
        }
        if let Some(used) = &answer.usage {
            usage::write(used, json);
        }
        match &answer.model {
            Some(model) => json.key("modelVersion").text(model),
            None => json.key("modelVersion").str(head.model),
        }
        match &answer.id {
            Some(id) => json.key("responseId").text(id),
            None => json.key("responseId").str(head.id),
        }
    });
    json.finish()
}

fn candidate(choice: &Choice<'_>, index: u64, head: &Head<'_>) -> Candidate {
    let (mut candidate, mut calls) = (Candidate::default(), 0);
    for block in &choice.blocks {
        match &block.content {
            Content::Text(text) => candidate.text(text),
            Content::Refusal(text) => candidate.refusal(text),
            Content::Reasoning { text, signature } => {
                candidate.thought(text);
                if let Some(signature) = signature {
                    candidate.signed(signature);
                }
            }
            Content::Redacted(data) => candidate.redacted(data),
            Content::Call {
                id,
                name,
                arguments,
                signature,
            } => {
                let made: Text<'_>;
                let id = if id.is_empty() {
                    made = ids::in_answer(head.id, index, calls);
                    &made
                } else {
                    id
                };
                candidate.call(id, name, arguments, signature.as_ref());
                calls += 1;
            }
            Content::Image(medium) | Content::File(medium) | Content::Audio(medium) => {
                candidate.media(medium);
            }
            Content::Result { .. } | Content::Other(_) => {}
        }
    }
    if let Some(stop) = &choice.stop {
        candidate.finish(stop);
    }
    if let Some(raw) = choice.logprobs.as_ref().and_then(crate::Value::raw) {
        candidate.logprobs(raw);
    }
    candidate
}
