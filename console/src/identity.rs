//! Whom a cluster says that a viewer is, and what they have shown for it.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// A viewer of a cluster, as a `TokenReview` tells of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// What tells one user of this name from another.
    pub uid: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// What else is said of them.
    pub extra: BTreeMap<String, Vec<String>>,
    /// The moment from which the token is nobody's, in seconds since 1970; `None`: it does not say.
    pub until: Option<i64>,
    /// Whether the API server takes the token, so that one may act with it.
    pub acts: bool,
    token: Zeroizing<String>,
}

impl Identity {
    /// The one that this token is for. It is kept in memory, wiped when the last session is over, and never written anywhere.
    #[must_use]
    pub fn new(user: String, token: String) -> Self {
        Self {
            user,
            uid: String::new(),
            groups: Vec::new(),
            extra: BTreeMap::new(),
            until: None,
            acts: false,
            token: Zeroizing::new(token),
        }
    }

    /// What they have shown.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.user)
            .field("uid", &self.uid)
            .field("groups", &self.groups)
            .field("until", &self.until)
            .field("acts", &self.acts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_of_somebody_holds_no_token() {
        let identity = Identity {
            extra: BTreeMap::from([("a".to_owned(), vec!["secret-too".to_owned()])]),
            ..Identity::new("jane".to_owned(), "secret".to_owned())
        };
        let text = format!("{identity:?}");
        assert!(text.contains("jane") && !text.contains("secret"), "{text}");
        assert_eq!(identity.token(), "secret");
    }
}
