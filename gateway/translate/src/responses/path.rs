//! Where a value stands in a caller's body.

use std::fmt;

use crate::RequestError;

/// A path that is spelled out only when something is wrong there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'p> {
    before: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Member(&'p str),
    Element(usize),
}

impl<'p> Path<'p> {
    pub(super) fn root(name: &'p str) -> Self {
        Self {
            before: None,
            step: Step::Member(name),
        }
    }

    pub(super) fn member<'q>(&'q self, name: &'q str) -> Path<'q> {
        Path {
            before: Some(self),
            step: Step::Member(name),
        }
    }

    pub(super) fn element(&self, at: usize) -> Path<'_> {
        Path {
            before: Some(self),
            step: Step::Element(at),
        }
    }

    pub(super) fn wrong(&self, expected: &'static str) -> RequestError {
        RequestError::Wrong {
            at: self.to_string(),
            expected,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            before.fmt(f)?;
        }
        match (self.before, self.step) {
            (None, Step::Member(name)) => f.write_str(name),
            (Some(_), Step::Member(name)) => write!(f, ".{name}"),
            (_, Step::Element(at)) => write!(f, "[{at}]"),
        }
    }
}
