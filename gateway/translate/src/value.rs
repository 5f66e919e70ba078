//! A JSON value that stands in a body, or was made of one that does.

use fairlead_json::{Limits, Raw};

/// A whole JSON value: a schema, say, that is carried as it is written, or was put into the words of JSON Schema.
#[derive(Debug, Clone)]
pub struct Value<'a>(Kept<'a>);

#[derive(Debug, Clone)]
enum Kept<'a> {
    /// It was checked with the body that it stands in.
    Stands(Raw<'a>),
    Made(String),
}

impl Value<'_> {
    /// One that was made anew, which must be well-formed.
    #[must_use]
    pub fn made(json: String) -> Self {
        Self(Kept::Made(json))
    }

    /// How it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.0 {
            Kept::Stands(raw) => raw.text(),
            Kept::Made(json) => json,
        }
    }

    /// The same, to be looked into; `None` if what was made is not well-formed.
    #[must_use]
    pub fn raw(&self) -> Option<Raw<'_>> {
        let limits = Limits {
            depth: 512,
            members: usize::MAX,
        };
        match &self.0 {
            Kept::Stands(raw) => Some(*raw),
            Kept::Made(json) => Raw::parse(json, &limits).ok(),
        }
    }
}

impl<'a> From<Raw<'a>> for Value<'a> {
    fn from(raw: Raw<'a>) -> Self {
        Self(Kept::Stands(raw))
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Value<'_> {}
