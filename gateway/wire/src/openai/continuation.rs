//! An answer that broke off, gone on with by another server: the request that asks for the rest of it.
//!
//! The rest is asked for by giving the text so far as a last message of the assistant. That is honest only for plain text: half a tool
//! call, a hidden train of thought or an answer under a schema cannot be taken over, so such requests are not eligible. What the answer
//! itself turns out to be is watched by [`delta`]; [`Identity`] makes the chunks of the rest look like those of the beginning.

mod delta;
mod identity;

use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::json::{JsonError, Kind, Limits, Member, Object, Scanner, write_string};
use crate::splice::{Pieces, Splice};

pub use delta::{Delta, delta};
pub use identity::Identity;

/// Members that make an answer something other than one plain text, unless they say nothing.
pub(super) const NOT_PLAIN: [&str; 19] = [
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "json_schema",
    "grammar",
    "logprobs",
    "top_logprobs",
    "audio",
    "reasoning",
    "reasoning_effort",
    "thinking",
    "web_search_options",
];
/// Values by which a caller says nothing.
const NOTHING: [&str; 6] = ["null", "false", "0", "[]", "{}", "\"none\""];
/// Members that bound the answer, in tokens.
const BOUNDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// How a chat request is changed to ask for the rest of its answer. Made of the parsed request, so that it outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// Behind the last message.
    end_of_messages: usize,
    bounds: SmallVec<[(Range<usize>, u64); 2]>,
}

impl Continuation {
    /// How the request can be continued; `None`: its answer is not one plain text, or its last message is the assistant's already.
    #[must_use]
    pub fn of(object: &Object<'_>) -> Option<Self> {
        let one_choice = object
            .get("n")
            .is_none_or(|n| matches!(object.text(n), "1" | "null"));
        let plain = NOT_PLAIN.iter().all(|name| {
            object
                .get(name)
                .is_none_or(|member| says_nothing(object, member))
        });
        if !one_choice || !plain {
            return None;
        }
        let messages = object
            .get("messages")
            .filter(|member| member.kind == Kind::Array)?;
        let last = last_role(object.text(messages)).ok()??;
        if last == "assistant" {
            return None;
        }
        let bounds = BOUNDS
            .iter()
            .filter_map(|name| object.get(name))
            .filter(|member| member.kind != Kind::Null);
        // A bound that cannot be shrunk, such as 1e3, would hold for the rest alone.
        let bounds: Option<_> = bounds
            .map(|member| Some((member.value.clone(), object.text(member).parse().ok()?)))
            .collect();
        Some(Self {
            end_of_messages: messages.value.end.saturating_sub(1),
            bounds: bounds?,
        })
    }

    /// The request for the rest of an answer of which `said` has come in `pieces` chunks. `body` is the one that was parsed. A piece is at
    /// least one token, so bounds on the answer's length shrink by that many, though never below 1.
    #[must_use]
    pub fn request(&self, body: &Bytes, said: &str, pieces: u64) -> Pieces {
        let mut splice = Splice::new(body.clone());
        if said.is_empty() {
            return splice.finish();
        }
        let mut message = Vec::with_capacity(said.len() + 48);
        message.extend_from_slice(b",{\"role\":\"assistant\",\"content\":");
        write_string(&mut message, said);
        message.push(b'}');
        splice.insert(self.end_of_messages, message.into());
        for (range, bound) in &self.bounds {
            let left = bound.saturating_sub(pieces).max(1);
            splice.replace(range.clone(), left.to_string().into());
        }
        splice.finish()
    }
}

fn says_nothing(object: &Object<'_>, member: &Member<'_>) -> bool {
    let text = object.text(member);
    NOTHING.contains(&text) || (member.key == "response_format" && is_plain_text(text))
}

/// Whether a `response_format` is the one that is there without it.
fn is_plain_text(format: &str) -> bool {
    Object::parse(format.as_bytes(), &Limits::default()).is_ok_and(|format| {
        let kind = format.get("type").and_then(|kind| format.string(kind));
        format.members().len() == 1 && kind.is_some_and(|kind| kind == "text")
    })
}

/// The role of the last message; `None` if there is no message, or it has none.
fn last_role(messages: &str) -> Result<Option<String>, JsonError> {
    let mut last = None;
    Scanner::over(messages.as_bytes(), &Limits::default())?.array(|scanner| {
        last = None;
        scanner.object_or_skip(|scanner, key| {
            if key.name() == "role" {
                last = scanner.words()?.map(Into::into);
                return Ok(());
            }
            scanner.skip()
        })
    })?;
    Ok(last)
}
