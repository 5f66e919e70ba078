//! Pieces as events of `streamGenerateContent`.

use std::collections::BTreeMap;

use fairlead_wire::openai::ErrorFacts;

use crate::gemini::candidate::{self, Candidate};
use crate::gemini::usage;
use crate::write::Json;
use crate::{Head, Piece, Text, Usage};

/// The status of a failure that tells none: the provider's fault.
const UNTOLD: u16 = 500;

/// An answer on its way to a caller of Gemini's API.
#[derive(Debug)]
pub struct Writer {
    id: Text<'static>,
    model: Text<'static>,
    /// Our own id, of which ids of calls are made.
    own_id: String,
    choices: BTreeMap<u64, Candidate>,
    usage: Usage,
    /// Whether the last event was written.
    is_over: bool,
}

impl Writer {
    /// Nothing is written until there is something to say.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            id: Text::plain(head.id).into_owned(),
            model: Text::plain(head.model).into_owned(),
            own_id: head.id.to_owned(),
            choices: BTreeMap::new(),
            usage: Usage::default(),
            is_over: false,
        }
    }

    /// Appends whole events (`data: ..`). The last part of each candidate is held until something follows it.
    pub fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        if self.is_over {
            return;
        }
        match piece {
            Piece::Begin { id, model } => {
                if let Some(id) = id {
                    self.id = id.clone().into_owned();
                }
                if let Some(model) = model {
                    self.model = model.clone().into_owned();
                }
            }
            Piece::Text { choice, text } => self.with(*choice, out, |to| to.text(text)),
            Piece::Refusal { choice, text } => self.with(*choice, out, |to| to.refusal(text)),
            Piece::Reasoning { choice, text } => self.with(*choice, out, |to| to.thought(text)),
            Piece::Signed { choice, signature } => {
                self.with(*choice, out, |to| to.signed(signature));
            }
            Piece::Redacted { choice, data } => self.with(*choice, out, |to| to.redacted(data)),
            Piece::Call {
                choice,
                call,
                id,
                name,
                signature,
            } => {
                let place = (*choice, *call);
                let candidate = self.choices.entry(*choice).or_default();
                candidate.begin_call(&self.own_id, place, id.as_ref(), name, signature.as_ref());
                self.flush(*choice, out);
            }
            Piece::Arguments {
                choice,
                call,
                fragment,
            } => self.with(*choice, out, |to| to.arguments(*call, fragment)),
            Piece::Logprobs { choice, logprobs } => {
                self.with(*choice, out, |to| to.logprobs(*logprobs));
            }
            Piece::Finish { choice, stop } => self.with(*choice, out, |to| to.finish(stop)),
            Piece::Usage(usage) => self.usage.update(usage),
            Piece::End => {}
            Piece::Error(facts) => self.fail(facts, out),
        }
    }

    /// The answer is complete: what is held is written, with why it ended and what was used.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let mut choices = std::mem::take(&mut self.choices);
        if choices.is_empty() {
            choices.insert(0, Candidate::default());
        }
        let blocked = choices.values().find_map(Candidate::blocked);
        let blocked = blocked.filter(|_| choices.len() == 1);
        self.event(out, |json| {
            json.key("candidates").array(|json| {
                for (index, candidate) in &mut choices {
                    candidate.write_end(*index, json);
                }
            });
            if let Some(reason) = blocked {
                json.key("promptFeedback")
                    .object(|json| json.key("blockReason").str(reason));
            }
            usage::write(&self.usage, json);
        });
    }

    fn with(&mut self, choice: u64, out: &mut Vec<u8>, change: impl FnOnce(&mut Candidate)) {
        change(self.choices.entry(choice).or_default());
        self.flush(choice, out);
    }

    /// Writes what is no longer held.
    fn flush(&mut self, choice: u64, out: &mut Vec<u8>) {
        let done = self.choices.get_mut(&choice).map(Candidate::take_done);
        let Some(parts) = done.filter(|parts| !parts.is_empty()) else {
            return;
        };
        self.event(out, |json| {
            json.key("candidates").array(|json| {
                json.object(|json| {
                    candidate::content(&parts, json);
                    json.key("index").number(choice);
                });
            });
        });
    }

    fn event(&self, out: &mut Vec<u8>, members: impl FnOnce(&mut Json)) {
        let mut json = Json::with_capacity(256);
        json.object(|json| {
            members(json);
            json.key("modelVersion").text(&self.model);
            json.key("responseId").text(&self.id);
        });
        append(out, &json.finish());
    }

    /// What was held has been said, and is not lost with what was not.
    fn fail(&mut self, facts: &ErrorFacts, out: &mut Vec<u8>) {
        let choices: Vec<u64> = self.choices.keys().copied().collect();
        for choice in choices {
            self.with(choice, out, Candidate::let_go);
        }
        self.is_over = true;
        let status = facts.status.unwrap_or(UNTOLD);
        let code = [&facts.reason, &facts.code, &facts.kind]
            .into_iter()
            .find_map(Option::as_deref)
            .unwrap_or("upstream_error");
        let message = facts
            .message
            .as_deref()
            .unwrap_or("the provider failed in the middle of its answer");
        append(out, &crate::gemini::error(status, code, message));
    }
}

fn append(out: &mut Vec<u8>, json: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
}
