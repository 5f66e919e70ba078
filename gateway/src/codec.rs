//! Between what a caller speaks and what a provider speaks: chosen for each target, so that one plan mixes dialects.
//!
//! Where both speak the same, bytes pass as they are and are only looked at. Elsewhere `fairlead-translate` reads the one and writes the other.

mod events;

use std::sync::Arc;

use bytes::Bytes;
use fairlead_snapshot::{Dialect, OnUnsupported};
use fairlead_translate::chat::request::Host;
pub(crate) use fairlead_translate::responses::Asked;
use fairlead_translate::{
    Answer, Answered, Head, Notes, Target, Usage as Parts, chat, gemini, messages, responses,
};
use fairlead_wire::openai::request::parse;
use fairlead_wire::openai::{self, ErrorFacts, Part, Usage};

use crate::surface::{Format, Operation, Surface};

pub(crate) use events::Events;

/// The output that an answer may have where the dialect demands a limit and the caller names none.
const DEFAULT_MAX_OUTPUT: u64 = 4096;

/// How much is told of what was left out, in bytes.
const MOST_TOLD: usize = 1000;

/// What a caller asks for, and what a provider is asked for in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Codec {
    /// What the caller asks for.
    pub asked: Operation,
    /// What the provider is asked for.
    pub sent: Operation,
}

/// A body that was made for a provider.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The body.
    pub body: Bytes,
    /// What could not be said in it, for the caller.
    pub dropped: Option<Arc<str>>,
    /// What an answer has to know of the request.
    pub asked: Arc<Asked>,
}

/// What is wished of a body that is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The upstream's name of the model.
    pub model: &'a str,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// In what the provider departs from Chat Completions.
    pub host: Host,
    /// What becomes of what cannot be said.
    pub unsupported: OnUnsupported,
}

impl Made {
    /// The same without the wish for a stream's usage; `None`: it holds none.
    #[must_use]
    pub(crate) fn without_usage(&self) -> Option<Bytes> {
        const WISH: &[u8] = b",\"stream_options\":{\"include_usage\":true}";
        let at = memchr::memmem::rfind(&self.body, WISH)?;
        let (before, after) = (self.body.get(..at)?, self.body.get(at + WISH.len()..)?);
        Some([before, after].concat().into())
    }
}

/// About how much memory the translation of a text takes, in bytes: the text that is made, and what is noted of each object in it.
#[must_use]
pub(crate) fn room(text: &[u8]) -> usize {
    const PER_OBJECT: usize = 640;
    let objects = memchr::memchr_iter(b'{', text).count();
    text.len()
        .saturating_mul(2)
        .saturating_add(objects.saturating_mul(PER_OBJECT))
}

/// What a whole answer is.
#[derive(Debug)]
pub(crate) enum Read {
    /// An answer, as its caller reads it.
    Complete(Bytes, Option<Usage>),
    /// An error, in spite of the status.
    Error(ErrorFacts),
    /// Well-formed, and nothing of what was asked for.
    Nothing,
    /// Not well-formed.
    Malformed,
}

/// What an answer is told to be where its provider does not say; nothing where bytes pass as they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    /// An id of ours.
    pub id: String,
    /// The model.
    pub model: String,
    /// Seconds since 1970.
    pub created: u64,
    /// Whether the caller asked for the usage of a stream.
    pub wants_usage: bool,
    /// What an answer of Responses has to know of its request.
    pub asked: Arc<Asked>,
}

impl Identity {
    fn head(&self) -> Head<'_> {
        Head {
            id: &self.id,
            model: &self.model,
            created: self.created,
            include_usage: self.wants_usage,
        }
    }
}

impl Codec {
    /// Between an operation and a dialect; `None`: the dialect has nothing like it.
    #[must_use]
    pub(crate) fn new(asked: Operation, dialect: Dialect) -> Option<Self> {
        let sent = asked.in_dialect(dialect)?;
        Some(Self { asked, sent })
    }

    /// Whether bytes pass as they are.
    #[must_use]
    pub(crate) fn is_identity(self) -> bool {
        self.asked == self.sent
    }

    /// What an answer has to know of its request.
    fn of_request(self, body: &[u8]) -> Asked {
        match self.asked {
            Operation::Responses => responses::request::asked(body),
            Operation::Chat
            | Operation::Completions
            | Operation::Embeddings
            | Operation::Messages
            | Operation::CountTokens
            | Operation::Generate => Asked::default(),
        }
    }

    /// What the caller speaks.
    #[must_use]
    pub(crate) fn surface(self) -> Surface {
        self.asked.surface()
    }

    /// The formats to translate between; `None`: bytes pass as they are.
    fn formats(self) -> Option<(Format, Format)> {
        let formats = self.asked.format().zip(self.sent.format());
        formats.filter(|(asked, sent)| asked != sent)
    }

    /// Whether a body may have to be made at all.
    #[must_use]
    pub(crate) fn makes_bodies(self) -> bool {
        !self.is_identity() || self.sent == Operation::Messages
    }

    /// The body for a provider that speaks as the caller does, where it holds what only others can read.
    fn own(self, body: &[u8], wish: &Wish<'_>) -> Option<Made> {
        if self.sent != Operation::Messages {
            return None;
        }
        let own = Bytes::from(messages::request::own(body)?);
        let edits = parse(&own).ok()?.edits(false);
        let body = edits.upstream_body(&own, wish.model, false).to_bytes();
        Some(Made {
            body,
            dropped: None,
            asked: Arc::default(),
        })
    }

    /// The body for a provider that speaks another dialect; `None`: the caller's will do.
    ///
    /// # Errors
    /// A sentence about what cannot be asked there.
    pub(crate) fn body(self, body: &[u8], wish: &Wish<'_>) -> Result<Option<Made>, String> {
        let Some((asked, sent)) = self.formats() else {
            return Ok(self.own(body, wish));
        };
        let conversation = match asked {
            Format::Chat => chat::request::read(body),
            Format::Messages => messages::request::read(body),
            Format::Responses => responses::request::read(body),
            Format::Gemini => gemini::request::read(body),
        };
        let mut conversation = conversation.map_err(|error| error.to_string())?;
        conversation.stream = wish.stream;
        let mut notes = Notes::default();
        let target = Target {
            model: wish.model,
            default_max_output: DEFAULT_MAX_OUTPUT,
        };
        let made = match sent {
            Format::Chat => {
                chat::request::write_for(&conversation, &target, &wish.host, &mut notes)
            }
            Format::Messages => messages::request::write(&conversation, &target, &mut notes),
            Format::Responses => responses::request::write(&conversation, &target, &mut notes),
            Format::Gemini => gemini::request::write(&conversation, &target, &mut notes),
        };
        let essential = list(notes.essential());
        if !essential.is_empty() && wish.unsupported == OnUnsupported::Refuse {
            return Err(essential);
        }
        let dropped = list(notes.all().iter());
        Ok(Some(Made {
            body: made.into(),
            dropped: (!dropped.is_empty()).then(|| dropped.into()),
            asked: Arc::new(self.of_request(body)),
        }))
    }

    /// Reads a whole answer.
    #[must_use]
    pub(crate) fn whole(self, body: &Bytes, identity: &Identity) -> Read {
        if self.sent == Operation::CountTokens {
            return match messages::count::read(body) {
                Some(_) => Read::Complete(body.clone(), None),
                None => Read::Nothing,
            };
        }
        let answered = |format| match format {
            Format::Chat => chat::answer::read(body),
            Format::Messages => messages::answer::read(body),
            Format::Responses => responses::answer::read(body),
            Format::Gemini => gemini::answer::read(body),
        };
        match (self.formats(), self.sent.format()) {
            (None, None | Some(Format::Chat)) => as_it_came(body, self.sent.part()),
            (None, Some(format)) => read(answered(format), |_| body.clone()),
            (Some((asked, sent)), _) => {
                read(answered(sent), |answer| written(answer, asked, identity))
            }
        }
    }

    /// How the events of a stream are read.
    #[must_use]
    pub(crate) fn events(self, identity: &Identity) -> Events {
        Events::new(self, identity)
    }
}

/// An answer of OpenAI, which is only looked at.
fn as_it_came(body: &Bytes, part: Part) -> Read {
    match openai::answer(body, part) {
        Ok(openai::Answer::Complete(facts)) => Read::Complete(body.clone(), facts.usage),
        Ok(openai::Answer::Error(facts)) => Read::Error(facts),
        Ok(openai::Answer::Nothing) => Read::Nothing,
        Err(_) => Read::Malformed,
    }
}

/// An answer in a caller's format.
fn written(answer: &Answer<'_>, format: Format, identity: &Identity) -> Bytes {
    let head = identity.head();
    let body = match format {
        Format::Chat => chat::answer::write(answer, &head),
        Format::Messages => messages::answer::write(answer, &head),
        Format::Responses => responses::answer::with_tools(answer, &head, &identity.asked),
        Format::Gemini => gemini::answer::write(answer, &head),
    };
    body.into()
}

/// An answer that was read, as `write` writes it.
fn read(
    answered: Result<Answered<'_>, fairlead_translate::Malformed>,
    write: impl FnOnce(&Answer<'_>) -> Bytes,
) -> Read {
    match answered {
        Ok(Answered::Answer(answer)) => Read::Complete(write(&answer), answer.usage.map(totals)),
        Ok(Answered::Error(facts)) => Read::Error(facts),
        Ok(Answered::Nothing) => Read::Nothing,
        Err(_) => Read::Malformed,
    }
}

/// The words for what was left out: as many as go into a header that every proxy takes, in letters that every reader does.
fn list<'a>(what: impl Iterator<Item = &'a fairlead_translate::Unsupported>) -> String {
    let plain = |letter: char| match letter {
        '"' | '\\' => '\'',
        ' '..='~' => letter,
        _ => '?',
    };
    let (mut list, mut more) = (String::new(), 0);
    for each in what {
        if list.len() + each.what.len() > MOST_TOLD {
            more += 1;
            continue;
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.extend(each.what.chars().map(plain));
    }
    if more > 0 {
        list.push_str(&format!(", and {more} more"));
    }
    list
}

/// Usage as totals, of which the cached and the reasoning part are told beside.
fn totals(parts: Parts) -> Usage {
    let (input, output) = (parts.whole_input(), parts.whole_output());
    Usage {
        input_tokens: input,
        output_tokens: output,
        cached_input_tokens: parts.cache_read,
        reasoning_tokens: parts.reasoning,
        total_tokens: input
            .zip(output)
            .map(|(input, output)| input.saturating_add(output)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat_to_anthropic(body: &str, unsupported: OnUnsupported) -> Result<Option<Made>, String> {
        let codec = Codec::new(Operation::Chat, Dialect::Anthropic).unwrap();
        let wish = Wish {
            model: "m",
            stream: true,
            host: Host::STRICT,
            unsupported,
        };
        codec.body(body.as_bytes(), &wish)
    }

    #[test]
    fn what_is_told_of_what_was_left_out_fits_into_a_header() {
        let member = |at| format!(r#","ä\"{at}":{{"a":1}}"#);
        let members: String = (0..1000).map(member).collect();
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi."}}]{members}}}"#);
        let told = chat_to_anthropic(&body, OnUnsupported::Refuse).unwrap_err();
        let made = chat_to_anthropic(&body, OnUnsupported::Drop)
            .unwrap()
            .unwrap();
        for told in [told.as_str(), &made.dropped.unwrap()] {
            assert!(told.len() < 1200, "{}", told.len());
            assert!(
                told.bytes()
                    .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"'),
                "{told}"
            );
            assert!(told.contains(" more"), "{told}");
        }
    }

    #[test]
    fn a_stream_is_asked_without_its_usage_where_that_is_refused() {
        let codec = Codec::new(Operation::Messages, Dialect::OpenAi).unwrap();
        let wish = Wish {
            model: "m",
            stream: true,
            host: Host::STRICT,
            unsupported: OnUnsupported::Refuse,
        };
        let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":",\"stream_options\":{\"include_usage\":true}"}]}"#;
        let made = codec.body(body, &wish).unwrap().unwrap();
        let without: serde_json::Value =
            serde_json::from_slice(&made.without_usage().unwrap()).unwrap();
        let with: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
        assert_eq!(with["stream_options"]["include_usage"], true);
        assert_eq!(without.get("stream_options"), None);
        assert_eq!(with["messages"], without["messages"]);
        assert_eq!(without["stream"], true);
    }
}
