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

    /// Without the white space around it: files and Secrets often end with a line break that is no part of the value.
    pub(crate) fn trimmed(&self) -> Self {
        Self::new(self.0.trim())
    }

    /// Whether it may stand in a header: visible ASCII, and something of it.
    pub(crate) fn fits_a_header(&self) -> bool {
        !self.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
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

    #[test]
    fn what_would_break_a_header_does_not_fit() {
        assert!(Secret::new("ya29.A-b_c~/+=").fits_a_header());
        for text in ["", "two words", "line\nbreak", "ümlaut"] {
            assert!(!Secret::new(text).fits_a_header(), "{text:?}");
        }
    }
}
