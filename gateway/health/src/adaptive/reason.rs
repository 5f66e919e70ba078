//! Why a candidate has the share that it has, in a word for whoever asks.

use std::fmt;

use crate::adaptive::parts;

/// What decides the share of a candidate most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Not enough is known of it yet; it counts as good.
    Unknown,
    /// Nothing speaks against it.
    Good,
    /// More of its answers fail than elsewhere: so many more in a hundred, at least.
    Failing(u32),
    /// Its first token takes at least this many hundredths of the best one's time.
    SlowFirstToken(u32),
    /// Its answers that come whole take at least this many hundredths of the best one's time, token for token.
    SlowAnswers(u32),
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

    pub(crate) fn slow_answers(times: f64) -> Self {
        Self::SlowAnswers(parts(times, 100))
    }

    pub(crate) fn slow_tokens(times: f64) -> Self {
        Self::SlowTokens(parts(times, 100))
    }

    pub(crate) fn busy(load: f64) -> Self {
        Self::Busy(parts(load, 100))
    }
}

/// The reasons in the order in which they are packed.
const PLAIN: [Reason; 4] = [
    Reason::Unknown,
    Reason::Good,
    Reason::Failed,
    Reason::ComingBack,
];

impl Reason {
    /// As a code of three bits, and a number.
    pub(crate) fn packed(self) -> (u8, u32) {
        match self {
            Self::Unknown => (0, 0),
            Self::Good => (1, 0),
            Self::Failed => (2, 0),
            Self::ComingBack => (3, 0),
            Self::Failing(number) => (4, number),
            Self::SlowFirstToken(number) => (5, number),
            Self::SlowAnswers(number) => (6, number),
            Self::SlowTokens(number) => (7, number),
            Self::Busy(number) => (8, number),
        }
    }

    /// From the same.
    pub(crate) fn unpacked(code: u8, number: u32) -> Self {
        match code {
            4 => Self::Failing(number),
            5 => Self::SlowFirstToken(number),
            6 => Self::SlowAnswers(number),
            7 => Self::SlowTokens(number),
            8 => Self::Busy(number),
            plain => *PLAIN.get(usize::from(plain)).unwrap_or(&Self::Unknown),
        }
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
            Self::SlowAnswers(hundredths) => {
                let (whole, rest) = times(*hundredths);
                write!(to, "answers take {whole}.{rest:02} times the best's")
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
