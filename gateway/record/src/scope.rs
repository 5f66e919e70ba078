//! Whose requests a reader may see. It is no part of what a reader asks: whoever answers sets it, and unset it shows nothing.

use crate::{Entry, Name};

/// Whose requests may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's, also those that came without a key.
    All,
    /// Those of keys in these namespaces.
    Namespaces(Vec<Name>),
    /// Those of one key, `namespace/name`.
    Key(Name),
}

/// Nobody's.
impl Default for Scope {
    fn default() -> Self {
        Self::Namespaces(Vec::new())
    }
}

impl Scope {
    /// Whether this request may be seen.
    #[must_use]
    pub fn shows(&self, entry: &Entry) -> bool {
        self.shows_key(entry.key.as_deref().unwrap_or_default())
    }

    /// Whether requests of this key, `namespace/name`, may be seen; an empty one stands for those without.
    #[must_use]
    pub fn shows_key(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => key
                .split_once('/')
                .is_some_and(|(own, _)| namespaces.iter().any(|namespace| &**namespace == own)),
            Self::Key(own) => !key.is_empty() && **own == *key,
        }
    }
}
