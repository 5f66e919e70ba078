//! Every format by the same calls, so that what holds of one pair is asked of all.

use fairlead_translate::{
    Answer, Answered, Conversation, Head, Malformed, Notes, Piece, RequestError, Target, chat,
    gemini, messages, responses,
};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Messages,
    Responses,
    Gemini,
}

/// All there are.
pub(crate) const ALL: [Format; 4] = [
    Format::Chat,
    Format::Messages,
    Format::Responses,
    Format::Gemini,
];

/// What answers are written with.
pub(crate) const HEAD: Head<'static> = Head {
    id: "0a1b",
    model: "m",
    created: 7,
    include_usage: true,
};

/// Whom requests are written for.
pub(crate) const TARGET: Target<'static> = Target {
    model: "m",
    default_max_output: 4096,
};

impl Format {
    pub(crate) fn read(self, body: &[u8]) -> Result<Conversation<'_>, RequestError> {
        match self {
            Self::Chat => chat::request::read(body),
            Self::Messages => messages::request::read(body),
            Self::Responses => responses::request::read(body),
            Self::Gemini => gemini::request::read(body),
        }
    }

    pub(crate) fn write(self, conversation: &Conversation<'_>) -> (Vec<u8>, Notes) {
        let mut notes = Notes::default();
        let body = match self {
            Self::Chat => chat::request::write(conversation, &TARGET, &mut notes),
            Self::Messages => messages::request::write(conversation, &TARGET, &mut notes),
            Self::Responses => responses::request::write(conversation, &TARGET, &mut notes),
            Self::Gemini => gemini::request::write(conversation, &TARGET, &mut notes),
        };
        (body, notes)
    }

    pub(crate) fn answered(self, body: &[u8]) -> Result<Answered<'_>, Malformed> {
        match self {
            Self::Chat => chat::answer::read(body),
            Self::Messages => messages::answer::read(body),
            Self::Responses => responses::answer::read(body),
            Self::Gemini => gemini::answer::read(body),
        }
    }

    pub(crate) fn answer(self, answer: &Answer<'_>) -> Vec<u8> {
        match self {
            Self::Chat => chat::answer::write(answer, &HEAD),
            Self::Messages => messages::answer::write(answer, &HEAD),
            Self::Responses => responses::answer::write(answer, &HEAD),
            Self::Gemini => gemini::answer::write(answer, &HEAD),
        }
    }
}

/// What reads a stream.
#[derive(Debug)]
pub(crate) enum Reader {
    Chat(chat::stream::Reader),
    Messages(messages::stream::Reader),
    Responses(responses::stream::Reader),
    Gemini(gemini::stream::Reader),
}

impl Reader {
    pub(crate) fn of(format: Format) -> Self {
        match format {
            Format::Chat => Self::Chat(chat::stream::Reader::default()),
            Format::Messages => Self::Messages(messages::stream::Reader::default()),
            Format::Responses => Self::Responses(responses::stream::Reader::default()),
            Format::Gemini => Self::Gemini(gemini::stream::Reader::default()),
        }
    }

    pub(crate) fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        match self {
            Self::Chat(reader) => reader.read(name, data, piece),
            Self::Messages(reader) => reader.read(name, data, piece),
            Self::Responses(reader) => reader.read(name, data, piece),
            Self::Gemini(reader) => reader.read(name, data, piece),
        }
    }
}

/// What writes a stream.
#[derive(Debug)]
pub(crate) enum Writer {
    Chat(chat::stream::Writer),
    Messages(messages::stream::Writer),
    Responses(responses::stream::Writer),
    Gemini(gemini::stream::Writer),
}

impl Writer {
    pub(crate) fn of(format: Format) -> Self {
        match format {
            Format::Chat => Self::Chat(chat::stream::Writer::new(&HEAD)),
            Format::Messages => Self::Messages(messages::stream::Writer::new(&HEAD)),
            Format::Responses => Self::Responses(responses::stream::Writer::new(&HEAD)),
            Format::Gemini => Self::Gemini(gemini::stream::Writer::new(&HEAD)),
        }
    }

    pub(crate) fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.write(piece, out),
            Self::Messages(writer) => writer.write(piece, out),
            Self::Responses(writer) => writer.write(piece, out),
            Self::Gemini(writer) => writer.write(piece, out),
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.end(out),
            Self::Messages(writer) => writer.end(out),
            Self::Responses(writer) => writer.end(out),
            Self::Gemini(writer) => writer.end(out),
        }
    }
}
