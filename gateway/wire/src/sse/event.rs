//! What an event says: its data and its name.

use std::ops::Range;

use bytes::Bytes;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event, or a stretch of comments and blank lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The exact bytes, separators included: all of them in a row are the stream, but for a byte order mark at its start, which
    /// means nothing anywhere else.
    pub raw: Bytes,
    /// The data; `None` without a data line (a comment, or blank). A slice of `raw` if it is one line.
    pub data: Option<Bytes>,
    /// The value of the `event` field.
    pub name: Option<Bytes>,
}

impl Event {
    /// Reads an event from its bytes. `at_start`: they begin the stream, where a byte order mark is ignored.
    pub(super) fn parse(raw: Bytes, at_start: bool) -> Self {
        let mut data = Data::None;
        let mut name = None;
        let raw = if at_start && raw.starts_with(BYTE_ORDER_MARK) {
            raw.slice(BYTE_ORDER_MARK.len()..)
        } else {
            raw
        };
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            if let Some(skipped) = value_offset(line, b"data") {
                data.add(&raw, at + skipped..at + length);
            } else if let Some(skipped) = value_offset(line, b"event") {
                name = Some(raw.slice(at + skipped..at + length));
            }
            // The LF of a CRLF is taken for one more, blank line, which says nothing here.
            at += length + 1;
        }
        let data = data.into_bytes(&raw);
        Self { raw, data, name }
    }
}

impl Event {
    /// Whether there is nothing in it but comments.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        let lines = || {
            self.raw
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .filter(|line| !line.is_empty())
        };
        self.data.is_none()
            && lines().next().is_some()
            && lines().all(|line| line.starts_with(b":"))
    }

    /// The bytes without the blank line at the end: a comment needs none, and some readers take it for an empty event.
    #[must_use]
    pub fn without_blank_line(&self) -> Bytes {
        let text = self.raw.trim_ascii_end().len();
        let rest = self.raw.get(text..).unwrap_or_default();
        let line_end = if rest.starts_with(b"\r\n") { 2 } else { 1 };
        self.raw.slice(..text + line_end.min(rest.len()))
    }
}

/// The data lines so far. Joined in one buffer: an event may be all line ends.
enum Data {
    None,
    Line(Range<usize>),
    Joined(Vec<u8>),
}

impl Data {
    fn add(&mut self, raw: &[u8], line: Range<usize>) {
        let text = |range: Range<usize>| raw.get(range).unwrap_or_default();
        match self {
            Self::None => *self = Self::Line(line),
            Self::Line(first) => {
                *self = Self::Joined([text(first.clone()), text(line)].join(&b'\n'));
            }
            Self::Joined(joined) => {
                joined.push(b'\n');
                joined.extend_from_slice(text(line));
            }
        }
    }

    fn into_bytes(self, raw: &Bytes) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::Line(line) => Some(raw.slice(line)),
            Self::Joined(joined) => Some(joined.into()),
        }
    }
}

/// Where the value begins in a line whose field is `name`. One space after the colon is not part of it.
fn value_offset(line: &[u8], name: &[u8]) -> Option<usize> {
    match line.strip_prefix(name)? {
        [] => Some(name.len()),
        [b':', b' ', ..] => Some(name.len() + 2),
        [b':', ..] => Some(name.len() + 1),
        _ => None,
    }
}
