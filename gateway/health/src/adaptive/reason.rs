//! Why a candidate has the share that it has, in a word for whoever asks.

use std::fmt;

use serde::Serialize;

use crate::adaptive::parts;

/// What decides the share of a candidate most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not enough is known of it yet; it counts as good.
    Unknown,
    /// Nothing speaks against it.
    Good,
    /// More of its answers fail than elsewhere: so many more in a hundred, at least.
    Failing(u32),
    /// Its first token takes at least this many hundredths of the best one's time.
    SlowFirstToken(u32),
    /// Its further tokens take at least this many hundredths of the best one's time.
    SlowTokens(u32),
    /// It is sent this many parts of a hundred of what it may be sent.
    Busy(u32),
    /// Most of its answers failed.
    Failed,
    /// It is new, or has just come back.
    ComingBack,
}

impl Reason {
    pub(crate) fn failing(excess: f64) -> Self {
        Self::Failing(parts(excess, 1).max(1))
    }

    pub(crate) fn slow_first_token(times: f64) -> Self {
        Self::SlowFirstToken(parts(times, 100))
    }

    pub(crate) fn slow_tokens(times: f64) -> Self {
        Self::SlowTokens(parts(times, 100))
    }

    pub(crate) fn busy(load: f64) -> Self {
        Self::Busy(parts(load, 100))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |hundredths: u32| (hundredths / 100, hundredths % 100);
        match self {
            Self::Unknown => write!(to, "too little is known of it"),
            Self::Good => write!(to, "nothing speaks against it"),
            Self::Failing(percent) => write!(to, "{percent} % more fail than at the best"),
            Self::SlowFirstToken(hundredths) => {
                let (whole, rest) = times(*hundredths);
                write!(to, "first token takes {whole}.{rest:02} times the best's")
            }
            Self::SlowTokens(hundredths) => {
                let (whole, rest) = times(*hundredths);
                write!(to, "tokens take {whole}.{rest:02} times the best's")
            }
            Self::Busy(percent) => write!(to, "{percent} % of what it may be sent"),
            Self::Failed => write!(to, "most of its answers failed"),
            Self::ComingBack => write!(to, "it is new or has come back"),
        }
    }
}
