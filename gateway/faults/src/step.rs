//! What a provider can do on the wire, one thing at a time.

use std::time::Duration;

use bytes::Bytes;

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
    /// FIN, at once, and no ear for the peer from then on.
    Close,
    /// FIN, but the other direction stays open: what follows is as after [`Step::Hang`].
    HalfClose,
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

impl Step {
    /// A head with fields given as pairs.
    #[must_use]
    pub fn head(status: u16, headers: &[(&str, &str)], framing: Framing) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::Head {
            status,
            headers,
            framing,
        }
    }

    /// The head of a server-sent event stream.
    #[must_use]
    pub fn event_stream() -> Self {
        Self::head(
            200,
            &[("content-type", "text/event-stream")],
            Framing::Chunked,
        )
    }

    /// Whether it is a piece of the body, in the sense of [`Play::cut_after`](crate::Play::cut_after).
    pub(crate) fn is_piece(&self) -> bool {
        matches!(self, Self::Body(_) | Self::Event(_) | Self::Comment(_))
    }

    /// The bytes of a piece, before any framing.
    pub(crate) fn payload(&self) -> Option<Bytes> {
        match self {
            Self::Body(bytes) => Some(bytes.clone()),
            Self::Event(data) => Some(format!("data: {data}\n\n").into()),
            Self::Comment(text) => Some(format!(": {text}\n\n").into()),
            Self::Head { .. }
            | Self::Raw(_)
            | Self::End
            | Self::Pause(_)
            | Self::Hang
            | Self::Close
            | Self::HalfClose
            | Self::Reset => None,
        }
    }
}
