//! A caller's stream.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fairlead_json::Raw;
use fairlead_wire::openai::ErrorFacts;

use crate::chat::answer::{call_id, id};
use crate::chat::{stop, thought, usage};
use crate::write::Json;
use crate::{Head, Piece, Signature, Stop, Text, Usage};

/// Writes a caller's stream.
#[derive(Debug)]
pub struct Writer {
    own_id: String,
    id: Text<'static>,
    model: Text<'static>,
    created: u64,
    include_usage: bool,
    usage: Option<Usage>,
    choices: BTreeMap<u64, Said>,
    over: bool,
}

/// What was said of a choice.
#[derive(Debug, Default)]
struct Said {
    begun: bool,
    refused: bool,
    finished: bool,
    /// The words of the thought that is not signed yet.
    thought: String,
    /// How many entries of details were written.
    details: u64,
    /// The calls, and whether each has arguments.
    calls: BTreeMap<u64, bool>,
}

impl Writer {
    /// A writer at the beginning of a stream.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            own_id: head.id.to_owned(),
            id: id(None, head),
            model: Text::plain(head.model).into_owned(),
            created: head.created,
            include_usage: head.include_usage,
            usage: None,
            choices: BTreeMap::new(),
            over: false,
        }
    }

    /// Appends whole events. Nothing is said after an error.
    pub fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match piece {
            Piece::Begin { id, model } => self.begin(id.as_ref(), model.as_ref()),
            Piece::Text { choice, text } => self.text(*choice, "content", text, out),
            Piece::Refusal { choice, text } => {
                self.choices.entry(*choice).or_default().refused |= !text.is_empty();
                self.text(*choice, "refusal", text, out);
            }
            Piece::Reasoning { choice, text } => {
                let said = self.choices.entry(*choice).or_default();
                said.thought.push_str(text.as_written());
                self.text(*choice, "reasoning_content", text, out);
            }
            Piece::Signed { choice, signature } => self.signed(*choice, signature, out),
            Piece::Redacted { choice, data } => self.redacted(*choice, data, out),
            Piece::Call {
                choice,
                call,
                id,
                name,
                signature,
            } => self.call((*choice, *call), id.as_ref(), name, signature.as_ref(), out),
            Piece::Arguments {
                choice,
                call,
                fragment,
            } => self.arguments(*choice, *call, fragment, out),
            Piece::Logprobs { choice, logprobs } => {
                self.chunk(*choice, Some(*logprobs), None, out, |_| {});
            }
            Piece::Finish { choice, stop } => self.finish(*choice, Some(stop), out),
            Piece::Usage(newer) => self.usage.get_or_insert_with(Usage::default).update(newer),
            Piece::End => {}
            Piece::Error(facts) => self.fail(facts, out),
        }
    }

    /// The answer is complete: whatever is still open is closed, trailing usage and the terminator are written. Nothing is written twice.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        let open = self.choices.iter().filter(|(_, said)| !said.finished);
        let open: Vec<u64> = open.map(|(choice, _)| *choice).collect();
        for choice in open {
            self.finish(choice, None, out);
        }
        if let Some(used) = self.usage.filter(|_| self.include_usage) {
            self.event(out, |json| {
                json.key("choices").array(|_| {});
                if let Some(tier) = usage::tier(&used) {
                    json.key("service_tier").str(tier);
                }
                usage::write(json.key("usage"), &used);
            });
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.over = true;
    }

    fn begin(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>) {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            self.id = id.clone().into_owned();
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.model = model.clone().into_owned();
        }
    }

    fn text(&mut self, choice: u64, name: &str, text: &Text<'_>, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.chunk(choice, None, None, out, |json| json.key(name).text(text));
        }
    }

    /// The entry holds all words of its thought: not every client puts fragments together.
    fn signed(&mut self, choice: u64, signature: &Signature<'_>, out: &mut Vec<u8>) {
        let said = self.choices.entry(choice).or_default();
        let words = Text::escaped(std::mem::take(&mut said.thought));
        let index = said.details;
        said.details += 1;
        self.chunk(choice, None, None, out, |json| {
            json.key("reasoning_details")
                .array(|json| thought::write_signed(json, index, &words, signature));
        });
    }

    fn redacted(&mut self, choice: u64, data: &Signature<'_>, out: &mut Vec<u8>) {
        let said = self.choices.entry(choice).or_default();
        said.thought.clear();
        let index = said.details;
        said.details += 1;
        self.chunk(choice, None, None, out, |json| {
            json.key("reasoning_details")
                .array(|json| thought::write_encrypted(json, index, data));
        });
    }

    fn call(
        &mut self,
        (choice, call): (u64, u64),
        id: Option<&Text<'_>>,
        name: &Text<'_>,
        signature: Option<&Signature<'_>>,
        out: &mut Vec<u8>,
    ) {
        self.choices
            .entry(choice)
            .or_default()
            .calls
            .insert(call, false);
        let id = match id.filter(|id| !id.is_empty()) {
            Some(id) => id.borrowed(),
            None => call_id(&self.own_id, choice, call),
        };
        self.chunk(choice, None, None, out, |json| {
            json.key("tool_calls").array(|json| {
                json.object(|json| {
                    json.key("index").number(call);
                    json.key("id").text(&id);
                    json.key("type").str("function");
                    json.key("function").object(|json| {
                        json.key("name").text(name);
                        json.key("arguments").str("");
                    });
                    if let Some(signature) = signature {
                        thought::write_call_signature(json, signature);
                    }
                });
            });
        });
    }

    fn arguments(&mut self, choice: u64, call: u64, fragment: &Text<'_>, out: &mut Vec<u8>) {
        if fragment.is_empty() {
            return;
        }
        let said = self.choices.entry(choice).or_default();
        let has_arguments = said.calls.entry(call).or_default();
        *has_arguments = *has_arguments || !fragment.is_blank();
        self.chunk(choice, None, None, out, |json| {
            json.key("tool_calls").array(|json| {
                json.object(|json| {
                    json.key("index").number(call);
                    json.key("function").object(|json| {
                        json.key("arguments").text(fragment);
                    });
                });
            });
        });
    }

    fn finish(&mut self, choice: u64, stop: Option<&Stop<'_>>, out: &mut Vec<u8>) {
        let said = self.choices.entry(choice).or_default();
        if said.finished {
            return;
        }
        said.finished = true;
        let calls = !said.calls.is_empty();
        let unsaid = |(call, has_arguments): (&u64, &bool)| (!has_arguments).then_some(*call);
        let without_arguments: Vec<u64> = said.calls.iter().filter_map(unsaid).collect();
        let why = match stop {
            Some(Stop::Filtered(Some(why))) if !said.refused => why.borrowed(),
            _ => Text::default(),
        };
        for call in without_arguments {
            self.arguments(choice, call, &Text::escaped("{}"), out);
        }
        self.text(choice, "refusal", &why, out);
        self.chunk(choice, None, Some(stop::word(stop, calls)), out, |_| {});
    }

    fn fail(&mut self, facts: &ErrorFacts, out: &mut Vec<u8>) {
        let code = facts.code.as_deref().unwrap_or("provider_error");
        let message = facts
            .message
            .as_deref()
            .unwrap_or("the provider failed in the middle of its answer and does not say why");
        out.extend_from_slice(b"data: ");
        let status = facts.status.unwrap_or(502);
        out.extend_from_slice(&crate::chat::error(status, code, message));
        out.extend_from_slice(b"\n\n");
        self.over = true;
    }

    /// A chunk with one choice, whose first has the role.
    fn chunk(
        &mut self,
        choice: u64,
        logprobs: Option<Raw<'_>>,
        reason: Option<&str>,
        out: &mut Vec<u8>,
        delta: impl FnOnce(&mut Json),
    ) {
        let said = self.choices.entry(choice).or_default();
        let first = !std::mem::replace(&mut said.begun, true);
        self.event(out, |json| {
            json.key("choices").array(|json| {
                json.object(|json| {
                    json.key("index").number(choice);
                    json.key("delta").object(|json| {
                        if first {
                            json.key("role").str("assistant");
                        }
                        delta(json);
                    });
                    if let Some(logprobs) = logprobs {
                        json.key("logprobs").verbatim(&one_line(logprobs.text()));
                    }
                    let json = json.key("finish_reason");
                    match reason {
                        Some(reason) => json.str(reason),
                        None => json.null(),
                    }
                });
            });
            if self.include_usage {
                json.key("usage").null();
            }
        });
    }

    fn event(&self, out: &mut Vec<u8>, members: impl FnOnce(&mut Json)) {
        let mut json = Json::with_capacity(256);
        json.object(|json| {
            json.key("id").text(&self.id);
            json.key("object").str("chat.completion.chunk");
            json.key("created").number(self.created);
            json.key("model").text(&self.model);
            members(json);
        });
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&json.finish());
        out.extend_from_slice(b"\n\n");
    }
}

/// JSON without line breaks, which would end a line of an event. In JSON they are white space.
fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        return Cow::Owned(json.replace(['\n', '\r'], " "));
    }
    Cow::Borrowed(json)
}
