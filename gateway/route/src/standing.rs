//! How targets stand just now, as far as planning asks: the seam between what is measured and what is decided.
//!
//! A rule with fixed shares asks for the share of each target that it may have now, and for nothing else. A strategy that follows measurements
//! asks for [`Vitals`], once a target; one that judges its targets by all that is known of them asks whoever does that ([`Judge`]). What a request costs is not here: the request says it ([`crate::Request::cost`]).

use fairlead_snapshot::ObjectName;

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

    /// Who judges the targets of a rule. Asked only under the strategy that goes by that; `None`: nobody does.
    fn judge(&self, _rule: &ObjectName) -> Option<&dyn Judge> {
        None
    }
}

/// Judges the targets of a rule by how they do.
pub trait Judge {
    /// Who is first of those that may be tried now, each with so much of its share, in thousandths, by its position in the rule; one that is not in
    /// the list must not be chosen. `point`: of a sequence that spreads evenly over all numbers; `stream`: whether the answer is one.
    fn choose(&self, permitted: &[u32], point: u64, stream: bool) -> Option<Chosen>;

    /// The share of the requests that the target at a position is thought worth, in thousandths.
    fn part(&self, position: usize) -> u32;
}

/// Who is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Its position in the rule.
    pub position: usize,
    /// Whether it is only to find out how it does.
    pub explores: bool,
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
}

impl Vitals {
    /// Nothing is known, and nothing speaks against it.
    pub const UNKNOWN: Self = Self {
        share: WHOLE,
        busy: 0,
        waiting: 0,
        expected: None,
        stale: false,
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
