//! Strings, numbers and words: what stands between the brackets.

use super::{Key, Scanner};
use crate::{JsonError, Kind};

impl<'a> Scanner<'a> {
    /// A string, from its opening quote on.
    pub(super) fn string(&mut self) -> Result<Key<'a>, JsonError> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = self.special.next(self.text.as_bytes(), self.at);
            match self.byte() {
                Some(b'"') => {
                    let raw = self.text.get(start + 1..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Key {
                        raw,
                        escaped,
                        start,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.expected("control characters to be escaped")),
                None => return Err(self.expected("a closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        if let Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') = self.byte() {
            self.at += 1;
            return Ok(());
        }
        self.unit()
    }

    /// A unit of UTF-16. Apart, so that all other escapes are told by one test: prompts have one in every line.
    #[inline(never)]
    fn unit(&mut self) -> Result<(), JsonError> {
        if self.byte() != Some(b'u') {
            return Err(self.expected("one of the escapes that JSON knows"));
        }
        self.at += 1;
        for _ in 0..4 {
            if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err(self.expected("four hexadecimal digits"));
            }
            self.at += 1;
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<(), JsonError> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            return Err(self.expected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    pub(super) fn literal(&mut self, word: &'static str, kind: Kind) -> Result<Kind, JsonError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(kind)
    }
}
