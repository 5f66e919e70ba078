//! A candidate as a caller gets it, whole or bit by bit: the same hands write both.
//!
//! SDKs throw a chunk away, and with it their memory of the turn, whose only part is an empty text or which has no part at
//! all; yet the last chunk must come after everything else, for it says why the answer ended. So the last part is held
//! until another one follows it, or the end does. A signature that comes meanwhile is put beside it.

use std::collections::BTreeMap;

use fairlead_json::Raw;

use super::logprobs::Logprobs;
use super::{finish, ids, media, signature};
use crate::write::Json;
use crate::{Arguments, Media, Origin, Signature, Stop, Text};

/// What the part that is held may still take.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Held {
    #[default]
    Nothing,
    Text,
    Thought,
    Whole,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Call {
    id: Text<'static>,
    name: Text<'static>,
    signature: Option<Signature<'static>>,
    arguments: String,
}

#[derive(Debug, Default)]
pub(super) struct Candidate {
    /// Parts that are complete, with commas between them.
    done: Vec<u8>,
    last: Vec<u8>,
    held: Held,
    calls: BTreeMap<u64, Call>,
    stop: Option<Stop<'static>>,
    refused: bool,
    logprobs: Logprobs,
}

impl Candidate {
    pub(super) fn text(&mut self, text: &Text<'_>) {
        if !text.is_empty() {
            self.part(Held::Text, |json| json.key("text").text(text));
        }
    }

    pub(super) fn refusal(&mut self, text: &Text<'_>) {
        self.refused = true;
        self.text(text);
    }

    pub(super) fn thought(&mut self, text: &Text<'_>) {
        if !text.is_empty() {
            self.part(Held::Thought, |json| {
                json.key("text").text(text);
                json.key("thought").bool(true);
            });
        }
    }

    /// What was thought so far is signed. Gemini's own signature may stand beside a text, too.
    pub(super) fn signed(&mut self, proof: &Signature<'_>) {
        self.close_calls();
        let written = signature::written(proof);
        let fits = match self.held {
            Held::Thought => true,
            Held::Text => proof.origin == Origin::Gemini,
            Held::Nothing | Held::Whole => false,
        };
        if fits && self.last.pop().is_some() {
            self.last.extend_from_slice(b",\"thoughtSignature\":\"");
            self.last.extend_from_slice(written.as_written().as_bytes());
            self.last.extend_from_slice(b"\"}");
            self.held = Held::Whole;
        } else {
            self.proof(&written);
        }
    }

    pub(super) fn redacted(&mut self, data: &Signature<'_>) {
        self.close_calls();
        self.proof(&signature::written_redacted(data));
    }

    fn proof(&mut self, written: &Text<'_>) {
        self.part(Held::Whole, |json| {
            json.key("thought").bool(true);
            json.key("thoughtSignature").text(written);
        });
    }

    pub(super) fn media(&mut self, medium: &Media<'_>) {
        if let Some(sent) = media::sent(medium) {
            self.part(Held::Whole, |json| media::write(&sent, json));
        }
    }

    pub(super) fn call(
        &mut self,
        id: &Text<'_>,
        name: &Text<'_>,
        arguments: &Arguments<'_>,
        signature: Option<&Signature<'_>>,
    ) {
        self.close_calls();
        self.whole_call(id, name, arguments, signature);
    }

    fn whole_call(
        &mut self,
        id: &Text<'_>,
        name: &Text<'_>,
        arguments: &Arguments<'_>,
        proof: Option<&Signature<'_>>,
    ) {
        self.push(Held::Whole, |json| {
            json.key("functionCall").object(|json| {
                json.key("id").text(id);
                json.key("name").text(name);
                json.key("args").arguments_as_object(arguments);
            });
            if let Some(proof) = proof {
                json.key("thoughtSignature")
                    .text(&signature::written(proof));
            }
        });
    }

    /// A call begins. Others may still be open: some providers send the arguments of several in turn.
    pub(super) fn begin_call(
        &mut self,
        answer: &str,
        (choice, call): (u64, u64),
        id: Option<&Text<'_>>,
        name: &Text<'_>,
        signature: Option<&Signature<'_>>,
    ) {
        if self.calls.contains_key(&call) {
            self.close_calls();
        }
        let id = id
            .filter(|id| !id.is_empty())
            .map(|id| id.clone().into_owned())
            .unwrap_or_else(|| ids::in_answer(answer, choice, call));
        let open = Call {
            id,
            name: name.clone().into_owned(),
            signature: signature.map(owned_signature),
            arguments: String::new(),
        };
        self.calls.insert(call, open);
    }

    pub(super) fn arguments(&mut self, call: u64, fragment: &Text<'_>) {
        if let Some(open) = self.calls.get_mut(&call) {
            open.arguments.push_str(fragment.as_written());
        }
    }

    fn close_calls(&mut self) {
        for call in std::mem::take(&mut self.calls).into_values() {
            let arguments = Arguments::Text(Text::escaped(call.arguments));
            self.whole_call(&call.id, &call.name, &arguments, call.signature.as_ref());
        }
    }

    pub(super) fn logprobs(&mut self, openai: Raw<'_>) {
        self.logprobs.add(openai);
    }

    /// The reason stays that was told first.
    pub(super) fn finish(&mut self, stop: &Stop<'_>) {
        self.close_calls();
        if self.stop.is_none() {
            self.stop = Some(owned_stop(stop));
        }
    }

    /// Nothing will follow what is held. A call that is still open is half of one, and is not written.
    pub(super) fn let_go(&mut self) {
        self.calls.clear();
        self.release();
    }

    /// Takes the parts that have been followed by others.
    pub(super) fn take_done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.done)
    }

    fn part(&mut self, kind: Held, members: impl FnOnce(&mut Json)) {
        self.close_calls();
        self.push(kind, members);
    }

    fn push(&mut self, kind: Held, members: impl FnOnce(&mut Json)) {
        self.release();
        let mut json = Json::default();
        json.object(members);
        self.last = json.finish();
        self.held = kind;
    }

    fn release(&mut self) {
        if !self.done.is_empty() && !self.last.is_empty() {
            self.done.push(b',');
        }
        self.done.append(&mut self.last);
    }

    /// Why no part at all was written, if a filter is the reason.
    pub(super) fn blocked(&self) -> Option<&'static str> {
        let (reason, _) = finish::written(self.stop.as_ref(), self.refused);
        let is_filtered = matches!(self.stop, Some(Stop::Filtered(_)));
        (is_filtered && self.held == Held::Nothing).then(|| finish::block_reason(reason))
    }

    /// All that is left, and the end of it.
    pub(super) fn write_end(&mut self, index: u64, json: &mut Json) {
        self.close_calls();
        self.release();
        let parts = self.take_done();
        let is_blocked = self.blocked().is_some();
        json.object(|json| {
            if !is_blocked {
                content(&parts, json);
            }
            let (reason, message) = finish::written(self.stop.as_ref(), self.refused);
            json.key("finishReason").str(reason);
            if let Some(message) = message {
                json.key("finishMessage").text(message);
            }
            json.key("index").number(index);
            self.logprobs.write(json);
        });
    }
}

/// Writes the `content` of a candidate that is open. An answer without words still has a part.
pub(super) fn content(parts: &[u8], json: &mut Json) {
    json.key("content").object(|json| {
        json.key("parts").array(|json| match parts {
            [] => json.object(|json| json.key("text").str("")),
            parts => json.verbatim(&String::from_utf8_lossy(parts)),
        });
        json.key("role").str("model");
    });
}

fn owned_signature(signature: &Signature<'_>) -> Signature<'static> {
    Signature {
        origin: signature.origin,
        value: signature.value.clone().into_owned(),
    }
}

fn owned_stop(stop: &Stop<'_>) -> Stop<'static> {
    let own = |text: &Option<Text<'_>>| text.clone().map(Text::into_owned);
    match stop {
        Stop::End => Stop::End,
        Stop::Sequence(text) => Stop::Sequence(own(text)),
        Stop::Length => Stop::Length,
        Stop::ContextFull => Stop::ContextFull,
        Stop::Calls => Stop::Calls,
        Stop::Filtered(why) => Stop::Filtered(own(why)),
        Stop::Paused => Stop::Paused,
        Stop::Other(word) => Stop::Other(word.clone().into_owned()),
    }
}
