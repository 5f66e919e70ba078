//! Values read where they lie: by whoever asks, only as far as is asked, and without a tree.
//!
//! The same scanner that accepted the text walks it, so what was accepted is read or is an [`Unreadable`]; nothing that stands in
//! the text ever reads as missing.

use std::borrow::Cow;

use crate::scan::{DEEPEST, Scanner};
use crate::{JsonError, Kind, Limits, alike, text};

/// Longest text of a number that is read, in bytes: no number that means something is longer.
const LONGEST_NUMBER: usize = 1024;

/// A value inside a text that was checked: what it is, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    text: &'a str,
    kind: Kind,
}

/// A number as programs hold it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number of 64 bits, written as one.
    Int(i64),
    /// Any other, rounded to the nearest double.
    Double(f64),
}

/// Why a well-formed value has no one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A string with a lone surrogate: readers fail, replace it or keep it.
    #[error("a string holds half of a UTF-16 pair")]
    NotText,
    /// A number beyond every double, or longer than 1,024 digits: readers fail, round it or take it for infinity.
    #[error("a number is out of range")]
    OutOfRange,
    /// The member stands there twice, or in a spelling that some readers take for its own.
    #[error("a member is given twice, or in another spelling")]
    Ambiguous,
}

impl<'a> Raw<'a> {
    /// A text that is one value. Checks all of it.
    ///
    /// # Errors
    /// It is not.
    pub fn parse(text: &'a str, limits: &Limits) -> Result<Self, JsonError> {
        let mut scanner = Scanner::within(text, limits.depth);
        let value = scanner.value()?;
        scanner.end()?;
        Ok(scanner.found(&value))
    }

    pub(crate) fn new(text: &'a str, kind: Kind) -> Self {
        Self { text, kind }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How it is written: for a string, quotes included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What a string says.
    ///
    /// # Errors
    /// It holds a lone surrogate, or is no string.
    pub fn string(&self) -> Result<Cow<'a, str>, Unreadable> {
        text::unquote(self.text).ok_or(Unreadable::NotText)
    }

    /// What a number comes to.
    ///
    /// # Errors
    /// It is out of range, or no number.
    pub fn number(&self) -> Result<Number, Unreadable> {
        if self.kind != Kind::Number || self.text.len() > LONGEST_NUMBER {
            return Err(Unreadable::OutOfRange);
        }
        if let Ok(whole) = self.text.parse() {
            return Ok(Number::Int(whole));
        }
        self.text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Number::Double)
            .ok_or(Unreadable::OutOfRange)
    }

    /// The member of an object; of anything else there is none.
    ///
    /// # Errors
    /// It stands there twice, or another name is [`alike`].
    pub fn member(&self, name: &str) -> Result<Option<Self>, Unreadable> {
        let mut found = None;
        let mut ambiguous = false;
        self.each_member(|key, value| {
            if alike(&key, name) {
                ambiguous |= found.is_some() || key != name;
                found = Some(value);
            }
        });
        if ambiguous {
            Err(Unreadable::Ambiguous)
        } else {
            Ok(found)
        }
    }

    /// The element of an array, counted from 0; of anything else there is none.
    #[must_use]
    pub fn element(&self, at: usize) -> Option<Self> {
        let (mut count, mut found) = (0, None);
        self.each_element(|element| {
            if count == at {
                found = Some(element);
            }
            count += 1;
        });
        found
    }

    /// How many members or elements there are; 0 for anything that has neither.
    #[must_use]
    pub fn count(&self) -> usize {
        let mut count = 0;
        self.each_member(|_, _| count += 1);
        self.each_element(|_| count += 1);
        count
    }

    /// Calls for every member of an object, in the order of the text; for anything else, never.
    pub fn each_member(&self, mut call: impl FnMut(Cow<'a, str>, Self)) {
        if self.kind != Kind::Object {
            return;
        }
        let walked = self.scanner().object(|scanner, key| {
            let value = scanner.value()?;
            call(key.name(), scanner.found(&value));
            Ok(())
        });
        debug_assert_eq!(walked, Ok(()), "the text was checked");
    }

    /// Calls for every element of an array, in order; for anything else, never.
    pub fn each_element(&self, mut call: impl FnMut(Self)) {
        if self.kind != Kind::Array {
            return;
        }
        let walked = self.scanner().array(|scanner| {
            let value = scanner.value()?;
            call(scanner.found(&value));
            Ok(())
        });
        debug_assert_eq!(walked, Ok(()), "the text was checked");
    }

    /// A scanner at its start, for whoever walks several levels at once: each of the calls above walks all that lies below, too.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'a> {
        Scanner::within(self.text, DEEPEST)
    }
}
