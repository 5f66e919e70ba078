//! What to do with one request: a list of steps, or a reply that becomes steps once the request is known.

mod edit;

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::reply::whole;
use crate::{Framing, Moment, Reply, Seen, Shape, Step};
use edit::Edit;

/// What a provider does with one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    source: Source,
    edits: Vec<Edit>,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Steps(Vec<Step>),
    /// Becomes steps when the request is known: whole or streamed, in the dialect of the request.
    Reply(Box<Reply>),
    /// Becomes an error with this status, in the dialect of the request; the words are the usual ones if there are none.
    Error(u16, Option<String>),
}

impl Play {
    /// These steps, whatever was asked.
    #[must_use]
    pub fn steps(steps: impl Into<Vec<Step>>) -> Self {
        Self::of(Source::Steps(steps.into()))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            edits: Vec::new(),
        }
    }

    /// A whole answer with a content length. `body` is written as it is.
    #[must_use]
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::steps([
            Step::head(status, headers, Framing::Length(body.len())),
            Step::Body(body),
        ])
    }

    /// A whole JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::answer(
            status,
            &[("content-type", "application/json")],
            body.to_string(),
        )
    }

    /// A status with an error in the dialect of the request.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::of(Source::Error(status, None))
    }

    /// The same in these words.
    #[must_use]
    pub fn status_saying(status: u16, message: &str) -> Self {
        Self::of(Source::Error(status, Some(message.to_owned())))
    }

    /// A status with an error as this server words it.
    #[must_use]
    pub fn error(shape: Shape, status: u16) -> Self {
        Self::json(status, &shape.error(status))
    }

    /// A well-formed answer of one content chunk, whole or streamed as the request asks.
    #[must_use]
    pub fn chat(text: &str) -> Self {
        Reply::words([text]).into()
    }

    /// A well-formed answer with a content chunk for each word, whole or streamed as the request asks.
    #[must_use]
    pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Reply::words(words).into()
    }

    /// A well-formed answer such as this server gives, whole or streamed as the request asks.
    #[must_use]
    pub fn shape(shape: Shape) -> Self {
        Reply::words(["Hello", ",", " world", "."])
            .shape(shape)
            .into()
    }

    /// A 200 stream of these data payloads; no `[DONE]` unless it is among them.
    #[must_use]
    pub fn events<'a>(payloads: impl IntoIterator<Item = &'a str>) -> Self {
        let mut steps = vec![Step::event_stream()];
        steps.extend(
            payloads
                .into_iter()
                .map(|payload| Step::Event(payload.to_owned())),
        );
        steps.push(Step::End);
        Self::steps(steps)
    }

    /// RST before any answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::steps([Step::Reset])
    }

    /// FIN before any answer.
    #[must_use]
    pub fn close() -> Self {
        Self::steps([Step::Close])
    }

    /// No answer at all, for as long as the peer stays.
    #[must_use]
    pub fn silent() -> Self {
        Self::steps([Step::Hang])
    }

    /// The head of a stream, then nothing.
    #[must_use]
    pub fn silent_after_head() -> Self {
        Self::steps([Step::event_stream(), Step::Hang])
    }

    /// Bytes that are not HTTP.
    #[must_use]
    pub fn garbage() -> Self {
        Self::steps([
            Step::Raw(Bytes::from_static(b"\x16\x03\x01 this is not HTTP\r\n\r\n")),
            Step::Close,
        ])
    }

    /// Adds a field to the head.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.edit(Edit::Header(name.to_owned(), value.to_owned()))
    }

    /// Waits before the first step.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        self.edit(Edit::PauseBefore(pause))
    }

    /// Waits before each piece of the body.
    #[must_use]
    pub fn every(self, pause: Duration) -> Self {
        self.edit(Edit::PauseBetween(pause))
    }

    /// Ends the connection (FIN) after so many pieces of the body: events of a stream, or the one piece of a whole answer.
    #[must_use]
    pub fn cut_after(self, pieces: usize) -> Self {
        self.edit(Edit::EndAfter(pieces, Step::Close))
    }

    /// Resets the connection after so many pieces of the body.
    #[must_use]
    pub fn reset_after(self, pieces: usize) -> Self {
        self.edit(Edit::EndAfter(pieces, Step::Reset))
    }

    /// Falls silent after so many pieces of the body.
    #[must_use]
    pub fn hang_after(self, pieces: usize) -> Self {
        self.edit(Edit::EndAfter(pieces, Step::Hang))
    }

    /// Ends the connection (FIN) at this moment.
    #[must_use]
    pub fn cut_at(self, moment: Moment) -> Self {
        self.instead(moment, [Step::Close])
    }

    /// Resets the connection at this moment.
    #[must_use]
    pub fn reset_at(self, moment: Moment) -> Self {
        self.instead(moment, [Step::Reset])
    }

    /// Falls silent at this moment.
    #[must_use]
    pub fn hang_at(self, moment: Moment) -> Self {
        self.instead(moment, [Step::Hang])
    }

    /// Does this from that moment on, and nothing of the rest.
    #[must_use]
    pub fn instead(self, moment: Moment, steps: impl Into<Vec<Step>>) -> Self {
        self.edit(Edit::Instead(moment, steps.into()))
    }

    /// Does this at that moment, and goes on. For moments within the body of a stream.
    #[must_use]
    pub fn insert(self, moment: Moment, steps: impl Into<Vec<Step>>) -> Self {
        self.edit(Edit::Insert(moment, steps.into()))
    }

    /// Writes the body in pieces of so many bytes, wherever events or characters begin. Not zero.
    #[must_use]
    pub fn in_pieces_of(self, bytes: usize) -> Self {
        self.edit(Edit::Pieces(bytes.max(1)))
    }

    /// Ends the lines of the body in another way than `\n`.
    #[must_use]
    pub fn line_end(self, end: &'static str) -> Self {
        self.edit(Edit::LineEnd(end))
    }

    /// Calls the body something else than it is; `None`: it is not said what it is.
    #[must_use]
    pub fn called(self, media_type: Option<&'static str>) -> Self {
        self.edit(Edit::Called(media_type))
    }

    /// Ends the body with the connection, and with nothing else.
    #[must_use]
    pub fn until_close(self) -> Self {
        self.edit(Edit::UntilClose)
    }

    /// Leaves out the terminator of a stream, and the blank line of the event before it.
    #[must_use]
    pub fn without_blank_line(self) -> Self {
        self.edit(Edit::NoBlankLine)
    }

    fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// The steps for this request.
    #[must_use]
    pub fn resolve(&self, seen: &Seen) -> Vec<Step> {
        let dialect = seen.dialect();
        let mut steps = match &self.source {
            Source::Steps(steps) => steps.clone(),
            Source::Reply(reply) => reply.steps(seen),
            Source::Error(status, message) => {
                let body = dialect.speech().error(*status, message.as_deref());
                whole(*status, &body)
            }
        };
        for edit in &self.edits {
            edit.apply(&mut steps, dialect);
        }
        steps
    }
}

impl From<Reply> for Play {
    fn from(reply: Reply) -> Self {
        Self::of(Source::Reply(Box::new(reply)))
    }
}
