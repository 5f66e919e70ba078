//! Masks secrets in what callers and models have written, before it is kept.
//!
//! Between the gateway, which has the bytes, and whatever keeps them. What is masked becomes `[redacted:KIND]`; a picture or a sound becomes
//! its type, its size and its digest. What is JSON stays JSON, unless it is cut. Found is what has the shape of a secret, and what a rule's own patterns
//! say; a password that is an ordinary word is not.

mod card;
mod iban;
mod json;
mod kept;
mod mask;
mod media;
mod pattern;
mod shape;

pub use kept::{KEPT, Kept, LOOK_AHEAD};
pub use pattern::{BadPattern, PATTERN_BYTES, PATTERNS, check};

use pattern::Pattern;

/// What masks: the shapes that everybody's secrets have, and a rule's own patterns.
#[derive(Debug, Default)]
pub struct Redactor {
    own: Vec<Pattern>,
}

impl Redactor {
    /// One with patterns of a rule's own, each a name, which stands in place of what was found, and a regular expression.
    ///
    /// # Errors
    /// A pattern that [`check`] refuses, or more than [`PATTERNS`] of them.
    pub fn with<'a>(
        patterns: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, BadPattern> {
        let own = patterns
            .into_iter()
            .map(|(name, pattern)| Pattern::new(name, pattern))
            .collect::<Result<Vec<_>, _>>()?;
        if own.len() > PATTERNS {
            return Err(BadPattern::TooMany);
        }
        Ok(Self { own })
    }

    /// A text without what is a secret in it. What is JSON stays JSON.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        json::write(self, text, usize::MAX, &mut out);
        out
    }

    /// What is kept of a body: without secrets, without media, and of the rest the first [`KEPT`] bytes. `more`: how many bytes of it follow that are
    /// not here.
    #[must_use]
    pub fn keep(&self, bytes: &[u8], more: usize) -> Kept {
        kept::keep(self, bytes, more)
    }
}
