//! Readings that forgive a value of another type, but nothing in its form.
//!
//! The shapes of many providers, each with its quirks, pass through here: a wrong type where we merely look is
//! no reason to fail.

use std::borrow::Cow;

use super::{Key, Scanner, Value};
use crate::{JsonError, Kind, text};

impl<'a> Scanner<'a> {
    /// Walks an object, or steps over something else.
    ///
    /// # Errors
    /// What comes next is not well-formed, or `member` has failed.
    pub fn object_or_skip<F>(&mut self, member: F) -> Result<(), JsonError>
    where
        F: FnMut(&mut Self, Key<'a>) -> Result<(), JsonError>,
    {
        if self.peek() == Some(b'{') {
            self.object(member)
        } else {
            self.skip()
        }
    }

    /// Walks an array, or steps over something else.
    ///
    /// # Errors
    /// What comes next is not well-formed, or `element` has failed.
    pub fn array_or_skip<F>(&mut self, element: F) -> Result<(), JsonError>
    where
        F: FnMut(&mut Self) -> Result<(), JsonError>,
    {
        if self.peek() == Some(b'[') {
            self.array(element)
        } else {
            self.skip()
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// What comes next is not well-formed.
    pub fn count(&mut self) -> Result<Option<u64>, JsonError> {
        let value = self.value()?;
        Ok((value.kind == Kind::Number)
            .then(|| self.raw(&value).parse().ok())
            .flatten())
    }

    /// A string that is text.
    ///
    /// # Errors
    /// What comes next is not well-formed.
    pub fn words(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        let value = self.value()?;
        Ok(self.text_of(&value))
    }

    /// What a value that was stepped over says, if it is a string that is text.
    #[must_use]
    pub fn text_of(&self, value: &Value) -> Option<Cow<'a, str>> {
        if value.kind == Kind::String {
            text::unquote(self.raw(value))
        } else {
            None
        }
    }
}
