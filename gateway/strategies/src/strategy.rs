//! What a strategy is asked and told.

use std::time::Duration;

use crate::scenario::Scenario;
use crate::world::{Told, World};

/// What a request asks of a strategy.
pub struct Ask<'a> {
    /// The scenario, of which a strategy may know weights and prices.
    pub scenario: &'a Scenario,
    /// What is true at present: for the oracle's eyes only.
    pub world: &'a mut World,
    /// The targets that have failed this request already, a bit each.
    pub tried: u32,
    /// The place of the request among those in flight.
    pub slot: usize,
}

impl Ask<'_> {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.world.now
    }

    /// Whether a target may be tried: it is there, and has not failed this request.
    #[must_use]
    pub fn is_open(&self, at: usize) -> bool {
        self.tried & (1 << at) == 0 && self.world.is_there(self.scenario, at)
    }

    /// The positions of those.
    #[must_use]
    pub fn open(&self) -> Vec<usize> {
        (0..self.scenario.targets.len())
            .filter(|at| self.is_open(*at))
            .collect()
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy)]
pub enum News {
    /// Its answer has begun.
    First {
        /// After so long.
        after: Duration,
        /// What its headers say of the account.
        told: Option<Told>,
    },
    /// Its answer is complete.
    Complete {
        /// The time to the first token.
        first: Duration,
        /// The time to the last.
        whole: Duration,
        /// How many.
        tokens: u64,
    },
    /// It has failed.
    Fault,
    /// It was refused: the account has nothing left for a time.
    Refused(Duration),
}

/// A strategy, or one replica of a gateway that has it.
pub trait Strategy {
    /// Where to send a request; `None`: nowhere.
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize>;

    /// What became of an attempt at a target, by the place of its request.
    fn tell(&mut self, at: usize, slot: usize, now: Duration, news: News);

    /// The share that it means a target to have, where it has such a thing, in thousandths.
    fn share(&self, _at: usize) -> Option<u32> {
        None
    }
}
