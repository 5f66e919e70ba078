//! Why a token could not be fetched.

use std::time::Duration;

/// Why a token could not be fetched. Says what to mend, and holds no secret: what a server said is bounded, and cut clean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file that the environment names cannot be used.
    #[error("the file {path} {reason}; mount it, or correct what names it ({named_by})")]
    File {
        /// Where it should be.
        path: String,
        /// What is wrong with it.
        reason: String,
        /// What names it: a variable of the environment, or a document.
        named_by: &'static str,
    },
    /// There was no answer.
    #[error(
        "{server} cannot be reached ({reason}); its address must resolve, and egress to it be allowed"
    )]
    Unreachable {
        /// Its host.
        server: String,
        /// Why.
        reason: String,
    },
    /// An answer that says nothing of the request: too many of them, or trouble of the server's own.
    #[error("{server} is in trouble of its own (it answered {status}); it is asked again")]
    Busy {
        /// Its host.
        server: String,
        /// What it answered.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It does not know us, or does not let us.
    #[error("{server} refused with {status} {code}: {said}; {mend}")]
    Refused {
        /// Its host.
        server: String,
        /// What it answered.
        status: u16,
        /// Its own word for why.
        code: String,
        /// Its sentence, cut clean.
        said: String,
        /// What to do.
        mend: &'static str,
    },
    /// An answer that cannot be read as one of such a server.
    #[error(
        "{server} gave {what}; is it the right address, and does no proxy answer in its place?"
    )]
    Malformed {
        /// Its host.
        server: String,
        /// What came.
        what: &'static str,
    },
    /// A token came that is not good any more.
    #[error("the token that came has expired already; the clock of this node must be right")]
    Stale,
    /// A key that was given cannot sign.
    #[error(
        "the private key {reason}; create a new key of the service account, and put it in place of this one"
    )]
    Key {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A document in a file is not what it should be.
    #[error("{path}: {reason}")]
    Document {
        /// Where it is.
        path: String,
        /// What is wrong, and how to mend it.
        reason: String,
    },
}

impl Problem {
    /// Whether asking again soon is of use: nothing has to be mended on our side.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } => true,
            Self::File { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Stale
            | Self::Key { .. }
            | Self::Document { .. } => false,
        }
    }

    /// When the server wants to be asked again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            Self::Unreachable { .. }
            | Self::File { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Stale
            | Self::Key { .. }
            | Self::Document { .. } => None,
        }
    }
}
