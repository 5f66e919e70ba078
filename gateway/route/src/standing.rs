//! How targets stand just now, as far as planning asks: the seam between what is measured and what is decided.
//!
//! A rule with fixed shares asks for the share of each target that it may have now, and for nothing else. A strategy that follows measurements
//! asks for [`Vitals`], once a target. What a request costs is not here: the request says it ([`crate::Request::cost`]).

use crate::plan::Candidate;

/// All of its share, in the thousandths that a standing is told in.
pub(crate) const WHOLE: u32 = 1000;

/// How targets stand.
pub trait Standing {
    /// How much of its share of the requests a target may have now, in thousandths. Nothing while it is down, full or benched.
    fn share(&self, target: Candidate<'_>) -> u32;

    /// The same, with what has been measured. Asked only under strategies that follow measurements.
    fn vitals(&self, target: Candidate<'_>) -> Vitals {
        Vitals {
            share: self.share(target),
            ..Vitals::UNKNOWN
        }
    }
}

/// What has been measured of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// As [`Standing::share`].
    pub share: u32,
    /// How many requests it is answering.
    pub busy: u32,
    /// How many of these have had nothing of their answer yet.
    pub waiting: u32,
    /// How long this request will probably wait for its answer there, in microseconds; `None`: nobody has seen one.
    pub expected: Option<u64>,
    /// Whether that is so old that it is worth finding out anew.
    pub stale: bool,
    /// By how much of its weight a score lets it be chosen, in thousandths.
    pub score: u32,
}

impl Vitals {
    /// Nothing is known, and nothing speaks against it.
    pub const UNKNOWN: Self = Self {
        share: WHOLE,
        busy: 0,
        waiting: 0,
        expected: None,
        stale: false,
        score: WHOLE,
    };
}

/// Of whom nothing is known but the share.
impl<F: Fn(Candidate<'_>) -> u32> Standing for F {
    fn share(&self, target: Candidate<'_>) -> u32 {
        self(target)
    }
}

/// Everybody is well.
#[must_use]
pub fn all_well(_: Candidate<'_>) -> u32 {
    WHOLE
}
