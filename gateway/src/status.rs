//! What the control loop tells the admin port: whether there is a configuration, where it comes from, and what keeps a newer one out.

use fairlead_snapshot::Digest;

/// How the control loop stands. The configuration itself is in [`Runtime`](crate::runtime::Runtime).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Where the configuration in force comes from; `None` before the first one, when nothing is served.
    pub source: Option<Source>,
    /// Why a newer configuration is not in force.
    pub error: Option<String>,
    /// The token that the admin port asks for; `None`: what asks for it is closed.
    pub token: Option<Token>,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The folder of a standalone gateway.
    Files,
    /// The index that the operator has published.
    #[cfg(feature = "kubernetes")]
    Live,
    /// The copy of what was in force before the restart.
    #[cfg(feature = "kubernetes")]
    LastGood,
}

impl Source {
    /// As the admin port says it.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            #[cfg(feature = "kubernetes")]
            Self::Live => "live",
            #[cfg(feature = "kubernetes")]
            Self::LastGood => "last-good",
        }
    }
}

/// The digest of an admin token: enough to recognise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(Digest);

impl Token {
    /// The token that this text is; spaces around it do not count, and of nothing there is none.
    #[must_use]
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        (!text.is_empty()).then(|| Self(Digest::of_bytes(text)))
    }

    /// Whether this is it. Digests are compared, so that the time taken says nothing about the token.
    #[must_use]
    pub(crate) fn is(&self, presented: &[u8]) -> bool {
        Self::of(presented).as_ref() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_token_admits_nobody() {
        assert_eq!(Token::of(b" \n"), None);
        let token = Token::of(b"secret\n").unwrap();
        assert!(token.is(b"secret"));
        assert!(!token.is(b"") && !token.is(b"secre"));
        assert!(!format!("{token:?}").contains("secret"));
    }
}
