//! Between what a caller speaks and what a provider speaks: chosen for each target, so that one plan mixes dialects.
//!
//! Where both speak the same, bytes pass as they are and are only looked at. Elsewhere `fairlead-translate` reads the one and writes the other.

mod embed;
mod events;
mod needs;
mod request;

use std::sync::Arc;

use bytes::Bytes;
use fairlead_snapshot::Dialect;
use fairlead_translate::embeddings::{Coding, Form};
use fairlead_translate::responses::Echo;
use fairlead_translate::{
    Answer, Answered, Head, Names, Stop, Text, chat, converse, gemini, messages, responses,
};
use fairlead_wire::openai::{self, ErrorFacts, Part, Told, Usage};

use crate::surface::{Format, Operation, Surface};

pub(crate) use events::Events;
pub(crate) use needs::{Found, Needs, conversation};
pub(crate) use request::{Made, Wish, room};

/// What a caller asks for, and what a provider is asked for in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Codec {
    /// What the caller asks for.
    pub asked: Operation,
    /// What the provider is asked for.
    pub sent: Operation,
}

/// What a whole answer is.
#[derive(Debug)]
pub(crate) enum Read {
    /// An answer, as its caller reads it.
    Complete(Bytes, Option<Usage>, Told),
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
    pub echo: Arc<Echo>,
    /// What the caller calls the tools that its provider was told another name of.
    pub names: Arc<Names>,
    /// About how many tokens the prompt has, for callers who are told at the start; 0: nobody has counted.
    pub estimated_input: u64,
    /// What an answer of embeddings has to know of its request.
    pub vectors: Form,
    /// Of Bedrock, whose the model is.
    pub family: converse::Family,
    /// Of Anthropic's format, whether the input that is told holds what went through a cache.
    pub holds_cache: bool,
    /// How the vectors of an answer that passes are written, where that is otherwise than they came.
    pub recoded: Option<Coding>,
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

    /// Of a provider that is asked for the same, whatever else it speaks.
    #[must_use]
    pub(crate) fn same(asked: Operation) -> Self {
        Self { asked, sent: asked }
    }

    /// Whether bytes pass as they are.
    #[must_use]
    pub(crate) fn is_identity(self) -> bool {
        self.asked == self.sent
    }

    /// Whether the failure of a stream is told by an event that looks like its others.
    #[must_use]
    pub(crate) fn tells_of_failure(self) -> bool {
        self.asked == Operation::Responses
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

    /// Reads a whole answer.
    #[must_use]
    pub(crate) fn whole(self, body: &Bytes, identity: &Identity) -> Read {
        if self.sent == Operation::CountTokens {
            return match messages::count::read(body) {
                Some(_) => Read::Complete(body.clone(), None, Told::default()),
                None => Read::Nothing,
            };
        }
        if self.sent == Operation::CountGemini {
            return embed::counted(body);
        }
        if self.embeds() || self.sent.names_model_again() {
            return self.embedding(body, identity);
        }
        if self.sent.is_text() && !body.trim_ascii_start().starts_with(b"{") {
            // A transcript that is asked for as such.
            return Read::Complete(body.clone(), None, Told::default());
        }
        let answered = |format| match format {
            Format::Chat => chat::answer::read(body),
            Format::Messages => messages::answer::read_of(body, identity.holds_cache),
            Format::Responses => responses::answer::read(body),
            Format::Gemini => gemini::answer::read(body),
            Format::Converse => converse::answer::read(body, identity.family),
        };
        match (self.formats(), self.sent.format()) {
            (None, None | Some(Format::Chat)) => {
                recoded(as_it_came(body, self.sent.part()), identity.recoded)
            }
            (None, Some(Format::Responses)) if responses::answer::is_pending(body) => {
                Read::Complete(body.clone(), None, Told::default())
            }
            (None, Some(format)) => read(answered(format), |_| body.clone()),
            (Some((asked, sent)), _) => {
                let answered = answered(sent).map(|answered| identity.names.answered(answered));
                read(answered, |answer| written(answer, asked, identity))
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
        Ok(openai::Answer::Complete(facts)) => {
            Read::Complete(body.clone(), facts.usage, facts.told)
        }
        Ok(openai::Answer::Error(facts)) => Read::Error(facts),
        Ok(openai::Answer::Nothing) => Read::Nothing,
        Err(_) => Read::Malformed,
    }
}

/// An answer with its vectors written so; as it came where it has none.
fn recoded(read: Read, coding: Option<Coding>) -> Read {
    match (read, coding) {
        (Read::Complete(body, usage, told), Some(coding)) => {
            let written = coding.applied(&body).map(Bytes::from);
            Read::Complete(written.unwrap_or(body), usage, told)
        }
        (read, _) => read,
    }
}

/// An answer in a caller's format.
fn written(answer: &Answer<'_>, format: Format, identity: &Identity) -> Bytes {
    let head = identity.head();
    let body = match format {
        // Nobody asks in the words of Converse.
        Format::Chat | Format::Converse => chat::answer::write(answer, &head),
        Format::Messages => messages::answer::write(answer, &head),
        Format::Responses => responses::answer::with_tools(answer, &head, &identity.echo),
        Format::Gemini => gemini::answer::write(answer, &head),
    };
    body.into()
}

/// What an answer says of itself.
fn told(answer: &Answer<'_>) -> Told {
    let text = |text: &Option<Text<'_>>| {
        text.as_ref()
            .map(|text| text.unescaped().into_owned().into())
    };
    let first = answer.choices.first();
    let stop = first.and_then(|choice| choice.stop.as_ref());
    Told::of(text(&answer.id), text(&answer.model), stop.map(Stop::word))
}

/// An answer that was read, as `write` writes it.
fn read(
    answered: Result<Answered<'_>, fairlead_translate::Malformed>,
    write: impl FnOnce(&Answer<'_>) -> Bytes,
) -> Read {
    match answered {
        Ok(Answered::Answer(answer)) => {
            Read::Complete(write(&answer), answer.usage.map(Usage::from), told(&answer))
        }
        Ok(Answered::Error(facts)) => Read::Error(facts),
        Ok(Answered::Nothing) => Read::Nothing,
        Err(_) => Read::Malformed,
    }
}
