//! A whole answer too large to hold: passed on as it comes, and scanned for its usage.

use bytes::Bytes;
use fairlead_wire::json::{Limits, Object};
use fairlead_wire::openai::{self, Usage};
use http::{HeaderMap, StatusCode};

use crate::answer::{Patience, broken};
use crate::failure::Failure;
use crate::govern::reservation::Used;
use crate::judges::Tokens;
use crate::observe::record::Record;
use crate::surface::Operation;
use crate::upstream::source::Source;
use crate::upstream::ticket::Ticket;

/// Providers write the usage last; this much of the end is kept to find it.
const TAIL: usize = 16 * 1024;

/// The usage ends at one of this many closing brackets after its beginning, or is not looked for any more.
const CLOSINGS: usize = 16;

/// A large answer on its way to the caller.
#[derive(Debug)]
pub(crate) struct LargeAnswer {
    /// The status, a success.
    pub status: StatusCode,
    /// The headers that callers may see.
    pub headers: HeaderMap,
    held: Option<Bytes>,
    source: Source,
    tail: Vec<u8>,
    nesting: Nesting,
    /// Whether nothing can be read of it.
    unread: bool,
    patience: Patience,
    ticket: Option<Ticket>,
}

impl LargeAnswer {
    /// The answer of which `held` has been read.
    #[must_use]
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        held: Bytes,
        source: Source,
        patience: Patience,
    ) -> Self {
        Self {
            status,
            headers,
            held: Some(held),
            source,
            tail: Vec::new(),
            nesting: Nesting::default(),
            unread: false,
            patience,
            ticket: None,
        }
    }

    /// The same of an answer that is no JSON: a sound, a text. Whether it is whole, only HTTP says.
    #[must_use]
    pub(crate) fn unread(self) -> Self {
        Self {
            unread: true,
            ..self
        }
    }

    /// What its attempt holds until the answer has ended.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    fn settle(&mut self, failure: Option<&Failure>, tokens: Tokens) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.settle(failure, tokens);
        }
    }

    /// The next piece for the caller; `None` at the end.
    ///
    /// # Errors
    /// The answer broke off: the caller's connection must break too, or a cut answer would look whole.
    pub(crate) async fn next(&mut self, record: &mut Record) -> Option<Result<Bytes, Failure>> {
        record.content_begins();
        let piece = match self.held.take() {
            Some(held) => held,
            None => match self.patience.next().wait(self.source.chunk()).await {
                Ok(Some(Ok(piece))) => piece,
                // A body that ends with its connection has no other sign of being whole.
                Ok(None) if !self.unread && !self.nesting.is_closed() => {
                    return Some(Err(self.cut(broken(), record)));
                }
                Ok(None) => {
                    record.usage = usage_in(&self.tail);
                    if record.operation.is_some_and(Operation::makes_pictures)
                        && let Some(usage) = &mut record.usage
                    {
                        usage.made_pictures();
                    }
                    *record.used =
                        Used::of_whole(record.usage.and_then(|usage| usage.parts.told()), None, 0);
                    record.complete = true;
                    self.settle(None, Tokens::of(record.usage.as_ref()));
                    return None;
                }
                Ok(Some(Err(_))) => return Some(Err(self.cut(broken(), record))),
                Err(timeout) => return Some(Err(self.cut(timeout, record))),
            },
        };
        if !self.unread {
            self.nesting.take(&piece);
            self.remember(&piece);
        }
        record.gives(&piece);
        Some(Ok(piece))
    }

    fn cut(&mut self, failure: Failure, record: &mut Record) -> Failure {
        record.cut(failure.class);
        self.settle(Some(&failure), Tokens::default());
        failure
    }

    fn remember(&mut self, piece: &[u8]) {
        let kept = &piece[piece.len().saturating_sub(TAIL)..];
        self.tail.extend_from_slice(kept);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
    }
}

/// How many brackets of a JSON text are open, however it is cut into pieces.
#[derive(Debug, Default)]
struct Nesting {
    depth: u64,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.depth += 1;
                    self.begun = true;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether something was opened and everything is closed again.
    fn is_closed(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

/// The usage in the end of an answer: the last member of that name that is an object.
fn usage_in(tail: &[u8]) -> Option<Usage> {
    const NAME: &[u8] = b"\"usage\"";
    let at = tail
        .windows(NAME.len())
        .rposition(|window| window == NAME)?;
    let object = tail[at..]
        .iter()
        .position(|byte| *byte == b'{')
        .map(|open| at + open)?;
    let end = (object..tail.len())
        .filter(|end| tail[*end] == b'}')
        .take(CLOSINGS)
        .find(|end| Object::parse(&tail[object..=*end], &Limits::default()).is_ok())?;
    openai::reported_usage(&[b"{\"usage\":", &tail[object..=end], b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_found_at_the_end_of_a_large_answer() {
        let tail = br#"0.1,0.2]}],"model":"m","usage":{"prompt_tokens":7,"prompt_tokens_details":{"cached_tokens":2},"total_tokens":7}}"#;
        let usage = usage_in(tail).unwrap();
        assert_eq!(
            (usage.input_tokens, usage.cached_input_tokens),
            (Some(7), Some(2))
        );
    }

    #[test]
    fn an_answer_is_whole_when_its_brackets_are_closed() {
        let text = br#"{"a":["x]\"}",{"b":[]}]}"#;
        for cut in 0..text.len() {
            let mut nesting = Nesting::default();
            nesting.take(&text[..cut]);
            assert!(!nesting.is_closed(), "{cut}");
            nesting.take(&text[cut..]);
            assert!(nesting.is_closed(), "{cut}");
        }
    }

    #[test]
    fn no_usage_is_no_usage() {
        assert_eq!(usage_in(b"0.1]}]}"), None);
        assert_eq!(usage_in(br#"],"usage":null}"#), None);
    }
}
