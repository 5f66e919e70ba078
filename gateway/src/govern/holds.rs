//! What has been taken of several limits at once: all of it, or nothing.

use fairlead_snapshot::Unit;
use fairlead_store::Hold;
use smallvec::SmallVec;

use super::bound::{Bound, Measure};

/// What was taken of each limit. Dropped, it is as good as used.
#[derive(Debug, Default)]
pub(crate) struct Holds(SmallVec<[Held; 6]>);

#[derive(Debug)]
struct Held {
    hold: Hold,
    of: Of,
}

/// What a hold is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Money,
    Unit(Unit),
    Place,
}

/// An amount of everything that limits count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// Nano-USD.
    pub nanos: i64,
    /// Tokens of the prompt.
    pub input: i64,
    /// Tokens of the answer.
    pub output: i64,
    /// Of the money, what the prompt costs: it is spent whatever comes.
    pub prompt_nanos: i64,
    /// Of the money, what strict budgets hold; `None`: as all others.
    pub most_nanos: Option<i64>,
}

impl Amounts {
    fn of(self, of: Of) -> i64 {
        match of {
            Of::Money => self.nanos,
            Of::Place => 0,
            Of::Unit(Unit::Requests) => 1,
            Of::Unit(Unit::InputTokens) => self.input,
            Of::Unit(Unit::OutputTokens) => self.output,
            Of::Unit(Unit::Tokens) => self.input.saturating_add(self.output),
        }
    }

    /// How much of it is spent at least, of a budget.
    #[must_use]
    pub(crate) fn least(self, bound: &Bound) -> Option<i64> {
        (Of::what(bound) == Of::Money).then_some(self.prompt_nanos)
    }

    /// How much of it a limit counts, before anything is used: a place is one.
    #[must_use]
    pub(crate) fn needed(self, bound: &Bound) -> i64 {
        match Of::what(bound) {
            Of::Place => 1,
            // Where what is free is asked about at all, something has to be left.
            Of::Money if bound.is_strict() => self.most_nanos.unwrap_or(self.nanos).max(1),
            Of::Money => self.nanos.max(1),
            of @ Of::Unit(_) => self.of(of),
        }
    }
}

impl Of {
    fn what(bound: &Bound) -> Self {
        match &bound.measure {
            Measure::Money(_) => Self::Money,
            Measure::Rate(rate) => Self::Unit(rate.unit),
            Measure::Places(_) => Self::Place,
        }
    }
}

impl Holds {
    /// Adds what was taken of a limit.
    pub(crate) fn push(&mut self, bound: &Bound, hold: Hold) {
        self.0.push(Held {
            hold,
            of: Of::what(bound),
        });
    }

    /// Whether nothing is held.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Holds so much at least, whatever is left.
    pub(crate) fn raise(&mut self, to: Amounts) {
        for held in &mut self.0 {
            if held.of != Of::Place {
                held.hold.raise(to.of(held.of));
            }
        }
    }

    /// This is what was used. A place is free again.
    pub(crate) fn settle(self, used: Amounts) {
        for held in self.0 {
            match held.of {
                Of::Place => held.hold.cancel(),
                of @ (Of::Money | Of::Unit(_)) => held.hold.settle(used.of(of)),
            }
        }
    }

    /// Nothing was sent: as if nothing had been taken, in the reverse order.
    pub(crate) fn cancel(self) {
        for held in self.0.into_iter().rev() {
            held.hold.cancel();
        }
    }
}
