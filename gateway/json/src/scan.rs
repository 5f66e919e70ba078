//! The scanner: walks a text once, refusing whatever RFC 8259 does not allow.
//!
//! Readers of a shape walk only the objects and arrays they know, with [`Scanner::object`] and
//! [`Scanner::array`], and step over all else with [`Scanner::value`], which checks just as strictly.

mod lenient;
mod token;

use std::borrow::Cow;
use std::ops::Range;

use super::special::Special;
use super::{JsonError, Kind, Limits, Raw, text};

/// The deepest nesting that any limit allows: the scanner recurses, and stacks are finite.
pub(crate) const DEEPEST: usize = 512;

/// A position in a text.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    limit: usize,
    special: Special,
}

/// A value that was stepped over: what it is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it is: for a string, quotes included.
    pub span: Range<usize>,
}

/// The name of a member, or another string, as it stands in the text.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    raw: &'a str,
    escaped: bool,
    /// Where the opening quote is.
    pub start: usize,
}

impl<'a> Key<'a> {
    /// The name, unescaped. A lone surrogate reads as U+FFFD.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(text::unescape_lossy(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `bytes`.
    ///
    /// # Errors
    /// They are not UTF-8.
    pub fn over(bytes: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        Ok(Self::within(text, limits.depth))
    }

    /// A scanner at the start of `text`, for up to `depth` levels.
    pub(crate) fn within(text: &'a str, depth: usize) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            limit: depth.min(DEEPEST),
            special: Special::default(),
        }
    }

    /// A value that was stepped over, to be read.
    #[must_use]
    pub fn found(&self, value: &Value) -> Raw<'a> {
        Raw::new(self.raw(value), value.kind)
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Where the scanner is, in bytes.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The text of a value that was stepped over.
    #[must_use]
    pub fn raw(&self, value: &Value) -> &'a str {
        self.text.get(value.span.clone()).unwrap_or_default()
    }

    /// The next byte that is not white space, which is stepped over; the byte is not.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Steps over a value of any kind.
    ///
    /// # Errors
    /// What comes next is not well-formed, or nested too deeply.
    pub fn value(&mut self) -> Result<Value, JsonError> {
        let first = self.peek();
        let start = self.at;
        let kind = match first {
            Some(b'"') => self.string().map(|_| Kind::String),
            Some(b'{') => self
                .object(|scanner, _| scanner.skip())
                .map(|()| Kind::Object),
            Some(b'[') => self.array(|scanner| scanner.skip()).map(|()| Kind::Array),
            Some(b't') => self.literal("true", Kind::Bool(true)),
            Some(b'f') => self.literal("false", Kind::Bool(false)),
            Some(b'n') => self.literal("null", Kind::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Kind::Number),
            _ => Err(self.expected("a value")),
        }?;
        Ok(Value {
            kind,
            span: start..self.at,
        })
    }

    /// Steps over a value of any kind, whatever it is.
    ///
    /// # Errors
    /// See [`Scanner::value`].
    pub fn skip(&mut self) -> Result<(), JsonError> {
        self.value().map(|_| ())
    }

    /// Walks an object. `member` is called after each name and must step over exactly one value.
    ///
    /// # Errors
    /// What comes next is no well-formed object, or `member` has failed.
    pub fn object<F>(&mut self, mut member: F) -> Result<(), JsonError>
    where
        F: FnMut(&mut Self, Key<'a>) -> Result<(), JsonError>,
    {
        self.open(b'{', "an object")?;
        if self.peek() == Some(b'}') {
            return self.close();
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.close(),
                _ => return Err(self.expected("a comma or a closing brace")),
            }
        }
    }

    /// Walks an array. `element` is called before each value and must step over exactly one.
    ///
    /// # Errors
    /// What comes next is no well-formed array, or `element` has failed.
    pub fn array<F>(&mut self, mut element: F) -> Result<(), JsonError>
    where
        F: FnMut(&mut Self) -> Result<(), JsonError>,
    {
        self.open(b'[', "an array")?;
        if self.peek() == Some(b']') {
            return self.close();
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => return self.close(),
                _ => return Err(self.expected("a comma or a closing bracket")),
            }
        }
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    /// Something is.
    pub fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(JsonError::TrailingBytes { at: self.at }),
        }
    }

    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(bracket) {
            return Err(self.expected(expected));
        }
        if self.depth >= self.limit {
            return Err(JsonError::TooDeep { limit: self.limit });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the last step of two functions that can fail"
    )]
    fn close(&mut self) -> Result<(), JsonError> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<Key<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a member name in double quotes"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.expected("a colon"));
        }
        self.at += 1;
        Ok(key)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax {
            at: self.at,
            expected,
        }
    }
}
