//! The events of a provider.

use std::collections::BTreeMap;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};
use fairlead_wire::openai::named_error;

use crate::messages::answer::says;
use crate::messages::block::{Members, walk, words};
use crate::messages::{stop, usage};
use crate::{Malformed, Origin, Piece, Signature, Text};

/// Reads a stream, event by event.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    begun: bool,
    finished: bool,
    blocks: BTreeMap<u64, Open>,
    /// The index of the block that was opened last, for hosts that leave it out of what follows.
    last: u64,
    calls: u64,
    counts: usage::Counts,
}

/// A block that is open.
#[derive(Debug, Clone)]
enum Open {
    /// A text, or what was thought: its deltas say what they are.
    Words,
    Call {
        call: u64,
        /// The input that stood in the block's start, unless it was empty.
        input: Option<String>,
        /// Whether there was a bit of its arguments.
        argued: bool,
    },
    /// What has no neutral form, and its deltas with it.
    Other,
}

/// The members of an event that are read.
#[derive(Default)]
struct Event<'a> {
    kind: Option<Raw<'a>>,
    index: Option<u64>,
    message: Option<Raw<'a>>,
    block: Option<Raw<'a>>,
    delta: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    stop: stop::Members<'a>,
    failed: bool,
}

impl<'a> Event<'a> {
    fn scan(data: &'a [u8]) -> Result<Self, JsonError> {
        let mut event = Self::default();
        let mut scanner = Scanner::over(data, &Limits::default())?;
        if !walk(&mut scanner, |name, value| event.take(name, value))? {
            return Err(JsonError::NotAnObject);
        }
        scanner.end()?;
        Ok(event)
    }

    fn take(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "type" => self.kind = Some(value),
            "index" => self.index = value.text().parse().ok(),
            "message" => self.message = Some(value),
            "content_block" => self.block = Some(value),
            "delta" => self.delta = Some(value),
            "usage" => self.usage = Some(value),
            "error" => self.failed = says(value),
            _ => self.stop.take(name, value),
        }
    }
}

impl Reader {
    /// Of a provider of whom is known whether the input that it tells holds what went through a cache.
    #[must_use]
    pub fn with_cache(holds_cache: bool) -> Self {
        Self {
            counts: usage::Counts::with_cache(holds_cache),
            ..Self::default()
        }
    }

    /// One event: its name and its data. Calls `piece` for every bit it holds, in order.
    ///
    /// # Errors
    /// Its data is neither JSON nor what its type promises.
    pub fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let data = data.trim_ascii();
        if name == Some(b"error") {
            piece(Piece::Error(named_error(data)));
            return Ok(());
        }
        if data.is_empty() || name == Some(b"ping") {
            return Ok(());
        }
        if data == b"[DONE]" {
            piece(Piece::End);
            return Ok(());
        }
        let event = Event::scan(data)?;
        let kind = event.kind.and_then(Text::of);
        let kind = kind.as_ref().map(Text::unescaped);
        let named = name.and_then(|name| std::str::from_utf8(name).ok());
        match kind.as_deref().or(named) {
            Some("message_start") => self.message_start(&event, piece),
            Some("content_block_start") => {
                self.begin(piece);
                return self.block_start(&event, piece);
            }
            Some("content_block_delta") => {
                self.begin(piece);
                self.block_delta(&event, piece);
            }
            Some("content_block_stop") => self.block_stop(&event, piece),
            Some("message_delta") => {
                self.begin(piece);
                self.message_delta(&event, piece);
            }
            Some("message_stop") => piece(Piece::End),
            Some("error") => piece(Piece::Error(named_error(data))),
            _ if event.failed => piece(Piece::Error(named_error(data))),
            // Pings, and what the format may come to hold.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, piece: &mut dyn FnMut(Piece<'_>)) {
        if !self.begun {
            self.begun = true;
            piece(Piece::Begin {
                id: None,
                model: None,
            });
        }
    }

    fn message_start(&mut self, event: &Event<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        let (mut id, mut model) = (None, None);
        if let Some(message) = event.message {
            message.each_member(|name, value| match &*name {
                "id" => id = words(Some(value)),
                "model" => model = words(Some(value)),
                "usage" => self.counts.take(value),
                _ => {}
            });
        }
        if !self.begun {
            self.begun = true;
            piece(Piece::Begin { id, model });
        }
        if let Some(usage) = self.counts.usage() {
            piece(Piece::Usage(usage));
        }
    }

    fn block_start(
        &mut self,
        event: &Event<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let block = event
            .block
            .ok_or(Malformed::Shape("a block begins without a block"))?;
        let members = Members::of(block);
        let kind = members.kind.and_then(Text::of);
        let open = match kind.as_ref().map(Text::unescaped).as_deref() {
            Some("text" | "thinking") => {
                words_of(&members, piece);
                Open::Words
            }
            Some("redacted_thinking") => {
                if let Some(data) = words(members.data).map(own) {
                    piece(Piece::Redacted { choice: 0, data });
                }
                Open::Words
            }
            Some("tool_use") => self.call(&members, piece)?,
            _ => Open::Other,
        };
        self.last = event.index.unwrap_or(self.last.saturating_add(1));
        self.blocks.insert(self.last, open);
        Ok(())
    }

    fn call(
        &mut self,
        members: &Members<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Open, Malformed> {
        let call = self.calls;
        self.calls += 1;
        let name =
            words(members.name).ok_or(Malformed::Shape("a call in the stream has no name"))?;
        piece(Piece::Call {
            choice: 0,
            call,
            id: words(members.id),
            name,
            signature: None,
        });
        // Mostly it is empty here; some hosts send all of it at once.
        let input = members.input.and_then(|input| match input.kind() {
            Kind::Object => (input.count() > 0).then(|| input.text().to_owned()),
            Kind::String => words(Some(input)).map(|text| text.unescaped().into_owned()),
            Kind::Number | Kind::Bool(_) | Kind::Null | Kind::Array => None,
        });
        Ok(Open::Call {
            call,
            input,
            argued: false,
        })
    }

    fn block_delta(&mut self, event: &Event<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        let Some(delta) = event.delta else {
            return;
        };
        let members = Members::of(delta);
        let index = event.index.unwrap_or(self.last);
        match self.blocks.get_mut(&index) {
            Some(Open::Other) => {}
            Some(Open::Call { call, argued, .. }) => {
                if let Some(fragment) = words(members.partial_json) {
                    *argued = true;
                    piece(Piece::Arguments {
                        choice: 0,
                        call: *call,
                        fragment,
                    });
                }
            }
            Some(Open::Words) | None => words_of(&members, piece),
        }
    }

    /// What a call without arguments is called with is an empty object, and that is said.
    fn block_stop(&mut self, event: &Event<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        let index = event.index.unwrap_or(self.last);
        if let Some(Open::Call {
            call,
            input,
            argued: false,
        }) = self.blocks.remove(&index)
        {
            piece(Piece::Arguments {
                choice: 0,
                call,
                fragment: Text::plain(input.as_deref().unwrap_or("{}")),
            });
        }
    }

    fn message_delta(&mut self, event: &Event<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        let mut stop = event.stop;
        if let Some(delta) = event.delta {
            delta.each_member(|name, value| stop.take(&name, value));
        }
        if let Some(report) = event.usage {
            self.counts.take(report);
            if let Some(usage) = self.counts.usage() {
                piece(Piece::Usage(usage));
            }
        }
        if let Some(stop) = stop.stop().filter(|_| !self.finished) {
            self.finished = true;
            piece(Piece::Finish { choice: 0, stop });
        }
    }
}

/// The words of a delta, or those that a block begins with.
fn words_of(members: &Members<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
    if let Some(text) = words(members.text) {
        piece(Piece::Text { choice: 0, text });
    }
    if let Some(text) = words(members.thinking) {
        piece(Piece::Reasoning { choice: 0, text });
    }
    if let Some(signature) = words(members.signature).map(own) {
        piece(Piece::Signed {
            choice: 0,
            signature,
        });
    }
}

fn own(value: Text<'_>) -> Signature<'_> {
    Signature {
        origin: Origin::Anthropic,
        value,
    }
}
