//! The events of a stream: what they hold, and what their caller gets in their place.

mod facts;
mod same;

use std::sync::Arc;

use bytes::Bytes;
use fairlead_translate::{
    Malformed, Names, Piece, Usage as Parts, chat, converse, gemini, messages, responses,
};
use fairlead_wire::openai::{ErrorFacts, Payload, media_payload, payload};
use fairlead_wire::sse::Event;

use super::{Codec, Identity};
use crate::surface::Format;
use facts::Facts;
use same::Same;

/// What ends a stream of OpenAI.
const DONE: &[u8] = b"data: [DONE]\n\n";
/// What ends one of Anthropic.
const MESSAGE_STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// What is kept of a piece beside its text.
const PER_PIECE: usize = 64;
/// The status of a stream that broke, where a surface has one in its errors.
const BROKEN: u16 = 502;

/// How the events of one stream are read, and what was made of them.
#[derive(Debug)]
pub(crate) enum Events {
    /// OpenAI's, for a caller who speaks the same.
    OpenAi,
    /// The same of images and audio, of which there may be several in a stream.
    Media,
    /// Another dialect's, for a caller who speaks the same.
    Same(Box<Same>),
    /// Of another dialect than the caller's.
    Between(Box<Between>),
}

/// What reads one dialect and writes another.
#[derive(Debug)]
pub(crate) struct Between {
    reader: Reader,
    writer: Writer,
    /// What the caller calls its tools.
    names: Arc<Names>,
    /// What was written and not taken.
    written: Vec<u8>,
    /// What was used so far.
    used: Parts,
    /// About how much the writer keeps, in bytes.
    kept: usize,
}

#[derive(Debug)]
enum Reader {
    Chat(chat::stream::Reader),
    Messages(messages::stream::Reader),
    Responses(responses::stream::Reader),
    Gemini(gemini::stream::Reader),
    Converse(converse::stream::Reader),
}

#[derive(Debug)]
enum Writer {
    Chat(chat::stream::Writer),
    Messages(messages::stream::Writer),
    Responses(responses::stream::Writer),
    Gemini(gemini::stream::Writer),
}

impl Events {
    pub(super) fn new(codec: Codec, identity: &Identity) -> Self {
        if codec.sent.is_passed() {
            return Self::Media;
        }
        match (codec.formats(), codec.sent.format()) {
            (None, None | Some(Format::Chat)) => Self::OpenAi,
            (None, Some(format)) => Self::Same(Box::new(Same::new(format, identity))),
            (Some((asked, sent)), _) => Self::Between(Box::new(Between {
                reader: Reader::of(sent, identity),
                writer: Writer::of(asked, identity),
                names: Arc::clone(&identity.names),
                written: Vec::new(),
                used: Parts::default(),
                kept: 0,
            })),
        }
    }

    /// Whether an event that only tells the usage is there because it was asked for.
    #[must_use]
    pub(crate) fn tells_usage_when_asked(&self) -> bool {
        matches!(self, Self::OpenAi)
    }

    /// Whether what is read says what the answer calls itself; elsewhere its first event does.
    #[must_use]
    pub(crate) fn names(&self) -> bool {
        matches!(self, Self::Same(_) | Self::Between(_))
    }

    /// Whether events become others.
    #[must_use]
    pub(crate) fn translate(&self) -> bool {
        matches!(self, Self::Between(_))
    }

    /// What an event with data holds; `None`: it is not what its dialect promises.
    pub(crate) fn read(&mut self, event: &Event, data: &[u8]) -> Option<Payload> {
        let name = event.name.as_deref();
        match self {
            Self::OpenAi => payload(data).ok(),
            Self::Media => media_payload(data).ok(),
            Self::Same(same) => same.read(name, data),
            Self::Between(between) => between.read(name, data),
        }
    }

    /// Whether what was read last is the end of the stream, and goes to the caller as such.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::OpenAi | Self::Media | Self::Between(_) => false,
            Self::Same(same) => same.over,
        }
    }

    /// About how much of the stream is kept, in bytes.
    #[must_use]
    pub(crate) fn kept(&self) -> usize {
        match self {
            Self::OpenAi | Self::Media | Self::Same(_) => 0,
            Self::Between(between) => between.kept,
        }
    }

    /// What the caller gets in place of what was read last; nothing of what was only looked at.
    pub(crate) fn take_written(&mut self) -> Option<Bytes> {
        match self {
            Self::OpenAi | Self::Media | Self::Same(_) => None,
            Self::Between(between) => between.take_written(),
        }
    }

    /// What ends the stream for its caller, if anything does.
    pub(crate) fn end(&mut self) -> Option<Bytes> {
        match self {
            Self::OpenAi => Some(Bytes::from_static(DONE)),
            Self::Media => None,
            Self::Same(same) => same.end().map(Bytes::from_static),
            Self::Between(between) => {
                between.writer.end(&mut between.written);
                between.take_written()
            }
        }
    }

    /// What tells the caller that the stream has failed, where its surface has more to say than an error.
    pub(crate) fn fail(&mut self, code: &str, message: &str) -> Option<Bytes> {
        let between = match self {
            Self::OpenAi | Self::Media => return None,
            Self::Same(same) => return same.fail(code, message),
            Self::Between(between) => between,
        };
        match &mut between.writer {
            Writer::Responses(writer) => writer.fail(code, message, &mut between.written),
            // What it holds back has been said, and goes first.
            Writer::Gemini(writer) => {
                let facts = ErrorFacts {
                    status: Some(BROKEN),
                    code: Some(code.to_owned()),
                    message: Some(message.to_owned()),
                    ..ErrorFacts::default()
                };
                writer.write(&Piece::Error(facts), &mut between.written);
            }
            Writer::Chat(_) | Writer::Messages(_) => return None,
        }
        between.take_written()
    }
}

impl Reader {
    fn of(format: Format, identity: &Identity) -> Self {
        match format {
            Format::Chat => Self::Chat(chat::stream::Reader::default()),
            Format::Messages => {
                let reader = messages::stream::Reader::with_cache(identity.holds_cache);
                Self::Messages(reader)
            }
            Format::Responses => Self::Responses(responses::stream::Reader::default()),
            Format::Gemini => Self::Gemini(gemini::stream::Reader::default()),
            Format::Converse => Self::Converse(converse::stream::Reader::new(identity.family)),
        }
    }

    fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        take: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        match self {
            Self::Chat(reader) => reader.read(name, data, take),
            Self::Messages(reader) => reader.read(name, data, take),
            Self::Responses(reader) => reader.read(name, data, take),
            Self::Gemini(reader) => reader.read(name, data, take),
            Self::Converse(reader) => reader.read(name, data, take),
        }
    }
}

impl Writer {
    fn of(format: Format, identity: &Identity) -> Self {
        let head = identity.head();
        match format {
            // Nobody asks in the words of Converse.
            Format::Chat | Format::Converse => Self::Chat(chat::stream::Writer::new(&head)),
            Format::Messages => {
                let writer = messages::stream::Writer::new(&head);
                Self::Messages(writer.expecting(identity.estimated_input))
            }
            Format::Responses => {
                let writer = responses::stream::Writer::with_tools(&head, &identity.echo);
                Self::Responses(writer)
            }
            Format::Gemini => Self::Gemini(gemini::stream::Writer::new(&head)),
        }
    }

    fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.write(piece, out),
            Self::Messages(writer) => writer.write(piece, out),
            Self::Responses(writer) => writer.write(piece, out),
            Self::Gemini(writer) => writer.write(piece, out),
        }
    }

    /// How much of a piece is kept beyond its event, in bytes: by Responses all of the answer, told once more at its end; by the others what a tool
    /// is called with, until it is whole or its turn has come.
    fn keeps(&self, piece: &Piece<'_>) -> usize {
        let length = match piece {
            Piece::Text { text, .. }
            | Piece::Refusal { text, .. }
            | Piece::Reasoning { text, .. } => text.as_written().len(),
            Piece::Arguments { fragment, .. } => fragment.as_written().len(),
            Piece::Signed { signature, .. } => signature.value.as_written().len(),
            Piece::Redacted { data, .. } => data.value.as_written().len(),
            Piece::Call { name, .. } => name.as_written().len(),
            Piece::Logprobs { logprobs, .. } => logprobs.text().len(),
            Piece::Begin { .. } | Piece::Finish { .. } | Piece::Usage(_) | Piece::End => return 0,
            Piece::Error(_) => return 0,
        };
        let is_call = matches!(piece, Piece::Arguments { .. } | Piece::Call { .. });
        let is_logprobs = matches!(piece, Piece::Logprobs { .. });
        match self {
            Self::Responses(_) => 3 * length + PER_PIECE * usize::from(is_call),
            Self::Gemini(_) if is_call || is_logprobs => 2 * length + PER_PIECE,
            Self::Messages(_) if is_call => length + PER_PIECE,
            Self::Chat(_) | Self::Gemini(_) | Self::Messages(_) => 0,
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.end(out),
            Self::Messages(writer) => writer.end(out),
            Self::Responses(writer) => writer.end(out),
            Self::Gemini(writer) => writer.end(out),
        }
    }
}

impl Between {
    fn read(&mut self, name: Option<&[u8]>, data: &[u8]) -> Option<Payload> {
        let Self {
            reader,
            writer,
            names,
            written,
            used,
            kept,
        } = self;
        let mut facts = Facts::new(used);
        let read = reader.read(name, data, &mut |piece| {
            let piece = names.piece(piece);
            facts.take(&piece);
            *kept += writer.keeps(&piece);
            // What a provider says of its failure is not for the caller before it is judged: `Events::fail` tells what of it is.
            if !matches!(piece, Piece::Error(_)) {
                writer.write(&piece, written);
            }
        });
        read.ok().map(|()| facts.into_payload())
    }

    fn take_written(&mut self) -> Option<Bytes> {
        (!self.written.is_empty()).then(|| std::mem::take(&mut self.written).into())
    }
}

#[cfg(test)]
mod tests;
