//! Where an event ends: at the first blank line.
//!
//! A CR may be a whole line end or half of a CRLF whose LF has not arrived. It is taken for a whole one at
//! once, so that an event is never held back for a byte that may not come; an LF that then follows belongs
//! to it. After a CR that ended an event, such an LF stands alone: a blank event.

/// What the bytes so far leave us at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Frame {
    /// The beginning of a line: a line end here is a blank line.
    #[default]
    LineStart,
    /// The beginning of a line, after a CR: an LF here still belongs to the line before.
    AfterCr,
    /// Inside a line.
    InLine,
}

impl Frame {
    /// The offset right after the first event end in `bytes`. `None`: it is not in these; go on with the next.
    pub(super) fn end_of_event(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match (*self, byte) {
                (Self::LineStart, b'\n') | (Self::LineStart | Self::AfterCr, b'\r') => {
                    return Some(self.end(bytes, at));
                }
                (Self::AfterCr, b'\n') => {
                    *self = Self::LineStart;
                    at += 1;
                }
                _ => at = self.line(bytes, at)?,
            }
        }
        None
    }

    /// Steps over the rest of a line and its line end; returns the offset after it.
    fn line(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        *self = Self::InLine;
        let rest = bytes.get(from..)?;
        let length = memchr::memchr2(b'\n', b'\r', rest)?;
        *self = if rest.get(length) == Some(&b'\r') {
            Self::AfterCr
        } else {
            Self::LineStart
        };
        Some(from + length + 1)
    }

    /// Ends an event at the blank line whose line end is at `at`; an LF that completes a CRLF goes with it.
    fn end(&mut self, bytes: &[u8], at: usize) -> usize {
        *self = Self::LineStart;
        let crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
        at + if crlf { 2 } else { 1 }
    }
}
