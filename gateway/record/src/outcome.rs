//! How a request ended, in one word: what lists are filtered by and roll-ups count.

use serde::{Deserialize, Serialize};

use crate::Entry;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full by whoever was asked first.
    Ok,
    /// Answered in full after an attempt before it had failed.
    Recovered,
    /// Refused before anything was sent: by the gateway itself, or as every target was skipped.
    Refused,
    /// Something was sent, and the caller saw an error.
    Failed,
    /// The caller did not get all of an answer that had begun, or was gone before there was one.
    Incomplete,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Recovered,
        Self::Refused,
        Self::Failed,
        Self::Incomplete,
    ];

    /// How this one ended.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let sent = || entry.attempts.iter().filter(|attempt| attempt.sent);
        if entry.status >= 400 {
            return if sent().next().is_some() {
                Self::Failed
            } else {
                Self::Refused
            };
        }
        if entry.status == 0 || !entry.complete {
            return Self::Incomplete;
        }
        if sent().any(|attempt| attempt.outcome != "ok" && attempt.outcome != "hedged") {
            return Self::Recovered;
        }
        Self::Ok
    }

    /// The word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Recovered => "recovered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }

    /// What it is kept as.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Ok => 0,
            Self::Recovered => 1,
            Self::Refused => 2,
            Self::Failed => 3,
            Self::Incomplete => 4,
        }
    }
}
