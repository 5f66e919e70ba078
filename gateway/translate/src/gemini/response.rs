//! A `GenerateContentResponse`: all of an answer, or one event of it.

use fairlead_json::{JsonError, Kind, Limits, Object, Raw};
use fairlead_wire::openai::{ErrorFacts, error_body};

use super::finish::Said;
use super::members::{self, each_member, whole};
use super::part::{Part, Payload};
use super::usage;
use crate::{Malformed, Text, Usage};

/// What a body or an event is.
pub(super) enum Read<'a> {
    Response(Response<'a>),
    Error(ErrorFacts),
    /// Well-formed, and no object.
    Nothing,
}

#[derive(Default)]
pub(super) struct Response<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    pub(super) candidates: Vec<Candidate<'a>>,
    /// Whether the prompt was looked at by a filter, and what it has found.
    pub(super) feedback: Option<Option<Text<'a>>>,
    pub(super) usage: Option<Usage>,
}

#[derive(Default)]
pub(super) struct Candidate<'a> {
    raw: Option<Raw<'a>>,
    pub(super) index: u64,
    pub(super) parts: Option<Raw<'a>>,
    pub(super) reason: Option<Text<'a>>,
    pub(super) message: Option<Text<'a>>,
    pub(super) logprobs: Option<Raw<'a>>,
}

const MISPLACED: Malformed = Malformed::Shape("a member is of another kind than Gemini's");

pub(super) fn read(body: &[u8]) -> Result<Read<'_>, Malformed> {
    let object = match Object::parse(body, &Limits::default()) {
        Ok(object) => object,
        Err(JsonError::NotAnObject) => {
            return Ok(error_body(body).map_or(Read::Nothing, Read::Error));
        }
        Err(error) => return Err(error.into()),
    };
    let mut response = Response::default();
    for member in object.members() {
        if member.kind == Kind::Null {
            continue;
        }
        let name = members::camel(&member.key);
        if name == "error" {
            if let Some(facts) = error_body(body) {
                return Ok(Read::Error(facts));
            }
            continue;
        }
        if !KNOWN.contains(&&*name) {
            continue;
        }
        let value = object.read(&member.key).map_err(|_| MISPLACED)?;
        if let Some(value) = value {
            response.member(&name, value)?;
        }
    }
    if response.candidates.is_empty() && response.feedback.is_none() {
        let told = error_body(body).filter(|facts| facts.status.is_some());
        if let Some(facts) = told {
            return Ok(Read::Error(facts));
        }
    }
    Ok(Read::Response(response))
}

const KNOWN: [&str; 5] = [
    "candidates",
    "promptFeedback",
    "usageMetadata",
    "modelVersion",
    "responseId",
];

impl<'a> Response<'a> {
    fn member(&mut self, name: &str, value: Raw<'a>) -> Result<(), Malformed> {
        let filled = |value| Text::of(value).filter(|text| !text.is_empty());
        match name {
            "candidates" => {
                if value.kind() != Kind::Array {
                    return Err(MISPLACED);
                }
                members::each_element(value, |at, raw| {
                    let place = u64::try_from(at).unwrap_or(u64::MAX);
                    self.candidates.push(Candidate::read(place, raw)?);
                    Ok::<_, Malformed>(())
                })?;
                self.candidates.sort_by_key(|candidate| candidate.index);
            }
            "promptFeedback" => {
                let mut reason = None;
                each_member(value, |name, value| {
                    if name == "blockReason" {
                        reason = filled(value);
                    }
                    Ok::<_, Malformed>(())
                })?;
                self.feedback = Some(reason);
            }
            "usageMetadata" => self.usage = usage::read(value),
            "modelVersion" => self.model = filled(value),
            _ => self.id = filled(value),
        }
        Ok(())
    }
}

impl<'a> Candidate<'a> {
    fn read(place: u64, raw: Raw<'a>) -> Result<Self, Malformed> {
        if raw.kind() != Kind::Object {
            return Err(MISPLACED);
        }
        let mut candidate = Self {
            raw: Some(raw),
            index: place,
            ..Self::default()
        };
        each_member(raw, |name, value| {
            match name {
                "index" => candidate.index = whole(value).unwrap_or(place),
                "content" => candidate.parts = parts(value)?,
                "finishReason" => {
                    candidate.reason = Text::of(value).filter(|reason| {
                        !reason.is_empty() && *reason != "FINISH_REASON_UNSPECIFIED"
                    });
                }
                "finishMessage" => candidate.message = Text::of(value),
                "logprobsResult" => candidate.logprobs = Some(value),
                _ => {}
            }
            Ok::<_, Malformed>(())
        })?;
        Ok(candidate)
    }

    /// Whether it says that there is no reason to end yet: null, which is more than to say nothing of it.
    pub(super) fn is_pending(&self) -> bool {
        let mut pending = false;
        if let Some(raw) = self.raw {
            raw.each_member(|name, value| {
                pending |= value.kind() == Kind::Null && members::camel(&name) == "finishReason";
            });
        }
        pending
    }

    /// Calls for each part, in order; what was said is noted in `said`.
    pub(super) fn each_part(
        &self,
        said: &mut Said,
        mut call: impl FnMut(Part<'a>),
    ) -> Result<(), Malformed> {
        let Some(parts) = self.parts else {
            return Ok(());
        };
        members::each_element(parts, |_, raw| {
            if raw.kind() == Kind::Null {
                return Ok(());
            }
            let part = Part::read(raw).map_err(|_| MISPLACED)?;
            match &part.payload {
                Payload::Text(text) => said.anything |= !text.is_empty(),
                Payload::Call(call) if call.is_partial => {
                    return Err(Malformed::Shape(
                        "a call comes in bits, which was not asked for",
                    ));
                }
                Payload::Call(_) => {
                    said.anything = true;
                    said.calls = true;
                }
                Payload::Media(_) | Payload::Other(_) => said.anything = true,
                Payload::Nothing | Payload::Response(_) => {}
            }
            call(part);
            Ok(())
        })
    }
}

fn parts(content: Raw<'_>) -> Result<Option<Raw<'_>>, Malformed> {
    let mut parts = None;
    each_member(content, |name, value| {
        if name == "parts" {
            if value.kind() != Kind::Array {
                return Err(MISPLACED);
            }
            parts = Some(value);
        }
        Ok(())
    })?;
    Ok(parts)
}
