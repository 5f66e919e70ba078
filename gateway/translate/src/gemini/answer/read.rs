//! A whole `GenerateContentResponse` as an answer.

use crate::gemini::finish::{self, Finish, Said};
use crate::gemini::part::{Part, Payload};
use crate::gemini::response::{self, Candidate, Read, Response};
use crate::gemini::signature::{self, Proof};
use crate::gemini::spoken::Spoken;
use crate::gemini::{ids, logprobs};
use crate::{Answer, Answered, Arguments, Choice, Content, Malformed, Stop, Text};

/// What a body with a status of success is. A prompt or an answer that was filtered is an answer without words, and never
/// one that ended well.
///
/// # Errors
/// It is not well-formed, or not of the shape that Gemini's reference has.
pub fn read(body: &[u8]) -> Result<Answered<'_>, Malformed> {
    let response = match response::read(body)? {
        Read::Response(response) => response,
        Read::Error(facts) => return Ok(Answered::Error(facts)),
        Read::Nothing => return Ok(Answered::Nothing),
    };
    let id = match &response.id {
        Some(id) => id.unescaped().into_owned(),
        None => format!("{:016x}", ids::hash(body)),
    };
    let mut choices = Vec::with_capacity(response.candidates.len());
    for (at, candidate) in response.candidates.iter().enumerate() {
        let place = u64::try_from(at).unwrap_or(u64::MAX);
        let (blocks, said) = spoken(candidate, &id, place)?;
        let stop = match &candidate.reason {
            Some(word) => match finish::read(word, candidate.message.as_ref(), said) {
                Finish::Stop(stop) => Some(stop),
                Finish::Failed(facts) => return Ok(Answered::Error(facts)),
            },
            None if !said.anything => return Ok(blocked(response)),
            None if candidate.is_pending() => return Ok(Answered::Nothing),
            None => said.calls.then_some(Stop::Calls),
        };
        choices.push(Choice {
            blocks: blocks.finish(),
            stop,
            logprobs: candidate.logprobs.and_then(logprobs::read),
        });
    }
    if choices.is_empty() {
        return Ok(blocked(response));
    }
    Ok(Answered::Answer(Answer {
        id: response.id,
        model: response.model,
        choices,
        usage: response.usage,
    }))
}

/// A response without an answer: the prompt was blocked, or it is nothing at all.
fn blocked(response: Response<'_>) -> Answered<'_> {
    let Some(reason) = response.feedback else {
        return Answered::Nothing;
    };
    Answered::Answer(Answer {
        id: response.id,
        model: response.model,
        choices: vec![Choice {
            blocks: Vec::new(),
            stop: Some(Stop::Filtered(reason)),
            logprobs: None,
        }],
        usage: response.usage,
    })
}

fn spoken<'a>(
    candidate: &Candidate<'a>,
    answer: &str,
    choice: u64,
) -> Result<(Spoken<'a>, Said), Malformed> {
    let (mut spoken, mut said, mut calls) = (Spoken::default(), Said::default(), 0);
    candidate.each_part(&mut said, |part| {
        let call_id = ids::in_answer(answer, choice, calls);
        calls += u64::from(matches!(part.payload, Payload::Call(_)));
        add(part, call_id, &mut spoken);
    })?;
    Ok((spoken, said))
}

fn add<'a>(part: Part<'a>, call_id: Text<'a>, spoken: &mut Spoken<'a>) {
    match part.payload {
        Payload::Text(text) => {
            spoken.text(text, part.thought);
            if let Some(signature) = part.signature {
                spoken.signed(signature);
            }
        }
        Payload::Call(call) => {
            let proof = part.signature.map(signature::read);
            let signature = match proof {
                Some(Proof::Signed(signature) | Proof::Redacted(signature)) => Some(signature),
                None => None,
            };
            spoken.block(Content::Call {
                id: call.id.unwrap_or(call_id),
                name: call.name,
                arguments: call
                    .args
                    .map_or(Arguments::Text(Text::default()), Arguments::Object),
                signature,
            });
        }
        Payload::Media(content) => spoken.block(content),
        Payload::Other(name) => spoken.block(Content::Other(name.into())),
        Payload::Nothing | Payload::Response(_) => {
            if let Some(signature) = part.signature {
                spoken.signed(signature);
            }
        }
    }
}
