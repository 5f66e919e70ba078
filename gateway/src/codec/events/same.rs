//! A stream whose provider speaks as the caller does, and not Chat Completions: its events pass as they are and are only looked at.

use bytes::Bytes;
use fairlead_translate::responses::stream::Writer;
use fairlead_translate::{Piece, Usage as Parts};
use fairlead_wire::openai::Payload;

use super::facts::Facts;
use super::{DONE, Identity, MESSAGE_STOP, Reader};
use crate::surface::Format;

/// What only looks at a dialect.
#[derive(Debug)]
pub(crate) struct Same {
    reader: Reader,
    /// What was used so far.
    used: Parts,
    /// Whether the last event has been read that the stream has.
    pub(super) over: bool,
    /// How many events there were.
    events: u64,
    /// What tells that the stream failed, where an event of its own does.
    failing: Option<Box<Writer>>,
}

impl Same {
    pub(super) fn new(format: Format, identity: &Identity) -> Self {
        let writer = || Box::new(Writer::with_tools(&identity.head(), &identity.echo));
        Self {
            reader: Reader::of(format, identity),
            used: Parts::default(),
            over: false,
            events: 0,
            failing: (format == Format::Responses).then(writer),
        }
    }

    pub(super) fn read(&mut self, name: Option<&[u8]>, data: &[u8]) -> Option<Payload> {
        let Self {
            reader,
            used,
            over,
            events,
            failing,
        } = self;
        let mut facts = Facts::new(used);
        let read = reader.read(name, data, &mut |piece| {
            if let (Piece::Begin { id, model }, Some(failing)) = (&piece, failing.as_mut()) {
                failing.takes_over(id.as_ref(), model.as_ref());
            }
            facts.take(&piece);
        });
        read.ok()?;
        *events += 1;
        *over |= facts.ends_with_its_finish();
        if failing.is_some() && name.is_some_and(is_work) {
            facts.moves();
        }
        Some(facts.into_payload())
    }

    /// What ends the stream for its caller, where that is no event which has passed already.
    pub(super) fn end(&self) -> Option<&'static [u8]> {
        match &self.reader {
            Reader::Chat(_) => Some(DONE),
            Reader::Messages(_) => Some(MESSAGE_STOP),
            Reader::Responses(_) | Reader::Gemini(_) | Reader::Converse(_) => None,
        }
    }

    pub(super) fn fail(&mut self, code: &str, message: &str) -> Option<Bytes> {
        let failing = self.failing.as_mut()?;
        failing.comes_after(self.events);
        let mut out = Vec::new();
        failing.fail(code, message, &mut out);
        (!out.is_empty()).then(|| out.into())
    }
}

/// Whether an event of Responses tells of a tool that the provider itself runs: a search, a picture, some code. While it does, there is no text,
/// and the answer goes on all the same.
fn is_work(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"response.").unwrap_or_default();
    memchr::memmem::find(name, b"_call.").is_some()
        || memchr::memmem::find(name, b"_call_").is_some()
}
