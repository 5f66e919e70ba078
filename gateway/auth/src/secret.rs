//! A text that is never shown.

use std::fmt;
use std::sync::Arc;

/// A text that is never shown: printing says how long it is, and there is no way to serialise it. Cloning shares it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a text into keeping.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call is a place to look at.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is of no length.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_shows_only_the_length() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(4 bytes)");
    }
}
