//! What to do with one request: a list of steps, or a reply that becomes steps once the request is known.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::{Reply, Seen, Shape};

/// One thing a provider does on the wire. Each is flushed before the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Status line and fields; the framing adds its own field and says how the body steps that follow are written.
    Head {
        /// Three digits; nothing checks them.
        status: u16,
        /// Further fields, written as given.
        headers: Vec<(String, String)>,
        /// How the body is delimited.
        framing: Framing,
    },
    /// Bytes as they are, outside any framing.
    Raw(Bytes),
    /// Bytes of the body: one chunk under [`Framing::Chunked`], as they are otherwise. Never empty under `Chunked`: that would end it.
    Body(Bytes),
    /// One server-sent event, `data: …` and a blank line, as one piece of the body.
    Event(String),
    /// One server-sent comment, `: …` and a blank line, as one piece of the body.
    Comment(String),
    /// The end of a chunked body. A list of steps without it cuts the body off.
    End,
    /// Nothing for so long. Ends the play if the peer goes away meanwhile.
    Pause(Duration),
    /// Nothing until the peer goes away.
    Hang,
    /// FIN, at once.
    Close,
    /// RST, at once: what was written before may be lost, as with a crashed server.
    Reset,
}

/// How a body says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `content-length`, whether or not so many bytes follow; the connection stays open if they do.
    Length(usize),
    /// `transfer-encoding: chunked`; the connection stays open after [`Step::End`].
    Chunked,
    /// Neither: the body ends with the connection.
    Close,
}

/// What a provider does with one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    source: Source,
    edits: Vec<Edit>,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Steps(Vec<Step>),
    /// Becomes steps when the request is known: whole or streamed, chat or embeddings.
    Reply(Box<Reply>),
}

/// A change to the steps, applied when the request is known.
#[derive(Clone, Debug, PartialEq)]
enum Edit {
    Header(String, String),
    PauseBefore(Duration),
    PauseBetween(Duration),
    EndAfter(usize, Step),
}

impl Play {
    /// These steps, whatever was asked.
    #[must_use]
    pub fn steps(steps: impl Into<Vec<Step>>) -> Self {
        Self {
            source: Source::Steps(steps.into()),
            edits: Vec::new(),
        }
    }

    /// A whole answer with a content length. `body` is written as it is.
    #[must_use]
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::steps([
            Step::Head {
                status,
                headers,
                framing: Framing::Length(body.len()),
            },
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

    /// A status with an error in OpenAI's shape.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::error(Shape::OpenAi, status)
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
        let mut steps = vec![event_stream_head()];
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
        Self::steps([event_stream_head(), Step::Hang])
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

    fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// The steps for this request.
    #[must_use]
    pub fn resolve(&self, seen: &Seen) -> Vec<Step> {
        let mut steps = match &self.source {
            Source::Steps(steps) => steps.clone(),
            Source::Reply(reply) => reply.steps(seen),
        };
        for edit in &self.edits {
            edit.apply(&mut steps);
        }
        steps
    }
}

impl From<Reply> for Play {
    fn from(reply: Reply) -> Self {
        Self {
            source: Source::Reply(Box::new(reply)),
            edits: Vec::new(),
        }
    }
}

impl Edit {
    fn apply(&self, steps: &mut Vec<Step>) {
        match self {
            Self::Header(name, value) => {
                for step in steps {
                    if let Step::Head { headers, .. } = step {
                        headers.push((name.clone(), value.clone()));
                    }
                }
            }
            Self::PauseBefore(pause) => steps.insert(0, Step::Pause(*pause)),
            Self::PauseBetween(pause) => {
                let paced = std::mem::take(steps).into_iter().flat_map(|step| {
                    let pause = step.is_piece().then_some(Step::Pause(*pause));
                    pause.into_iter().chain([step])
                });
                steps.extend(paced);
            }
            Self::EndAfter(pieces, end) => {
                let body = steps
                    .iter()
                    .enumerate()
                    .filter(|(_, step)| step.is_piece() || **step == Step::End);
                let cut = body.map(|(at, _)| at).nth(*pieces).unwrap_or(steps.len());
                steps.truncate(cut);
                steps.push(end.clone());
            }
        }
    }
}

impl Step {
    /// Whether it is a piece of the body, in the sense of [`Play::cut_after`].
    fn is_piece(&self) -> bool {
        matches!(self, Self::Body(_) | Self::Event(_) | Self::Comment(_))
    }
}

/// The head of a server-sent event stream.
pub(crate) fn event_stream_head() -> Step {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    Step::Head {
        status: 200,
        headers,
        framing: Framing::Chunked,
    }
}
