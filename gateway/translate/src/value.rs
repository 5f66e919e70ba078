//! A JSON value that stands in a body, or was made of one that does.

use std::borrow::Cow;

use fairlead_json::{Limits, Raw};

/// A whole JSON value: a schema, say, that is carried as it is written, or was put into the words of JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a>(Cow<'a, str>);

impl Value<'_> {
    /// One that was made anew, which must be well-formed.
    #[must_use]
    pub fn made(json: String) -> Self {
        Self(Cow::Owned(json))
    }

    /// How it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The same, to be looked into; `None` if what was made is not well-formed.
    #[must_use]
    pub fn raw(&self) -> Option<Raw<'_>> {
        Raw::parse(
            &self.0,
            &Limits {
                depth: 512,
                members: usize::MAX,
            },
        )
        .ok()
    }
}

impl<'a> From<Raw<'a>> for Value<'a> {
    fn from(raw: Raw<'a>) -> Self {
        Self(Cow::Borrowed(raw.text()))
    }
}
