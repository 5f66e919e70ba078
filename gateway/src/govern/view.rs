//! What conditions see of limits before it is decided where a request goes: how this replica knows them to stand, a second old at most.
//!
//! Looked at once for a request, so that all its rules see the same; waits for nobody. What has never been heard of counts as unused. Requests in
//! flight count with what they hold, as they do where limits refuse.

use fairlead_condition::{Limit, Meter, Usage};
use smallvec::SmallVec;

use super::bound::{Bound, Level, Measure};
use super::chain::Chain;
use super::{Governed, Governor, Target, hash};

/// How the limits of a caller stand.
#[derive(Debug)]
pub(crate) struct View<'a>(SmallVec<[Line<'a>; 8]>);

#[derive(Debug)]
struct Line<'a> {
    bound: &'a Bound,
    meter: Meter,
    level: fairlead_condition::Level,
    /// Whether the request counts towards it, wherever it goes.
    counts: bool,
    usage: Usage,
}

impl<'a> View<'a> {
    /// The budgets and rates of a chain for requests for a model, of which so much is used: `used` is given a limit and how much there is of it.
    #[must_use]
    pub(crate) fn of(
        chain: &'a Chain,
        model: &str,
        used: impl Fn(&Bound, i64) -> i64,
        now: fairlead_store::Now,
    ) -> Self {
        let line = |bound: &'a Bound| {
            let limit = bound.terms(now).limit;
            Some(Line {
                bound,
                meter: meter(bound)?,
                level: level(bound.holder.level)?,
                counts: bound.counts_model(model) && bound.counts_all_providers(),
                usage: usage(used(bound, limit), limit),
            })
        };
        Self(chain.iter().filter_map(line).collect())
    }

    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How what a condition names stands; `None`: there is no such limit.
    #[must_use]
    pub(crate) fn usage(&self, asked: &Limit) -> Option<Usage> {
        let is_meant = |line: &&Line<'_>| {
            line.meter == asked.meter
                && line.level == asked.level
                && match &asked.name {
                    Some(name) => *line.bound.name == **name,
                    None => line.counts,
                }
        };
        let usages = self.0.iter().filter(is_meant).map(|line| line.usage);
        usages.reduce(|one, other| Usage {
            used_percent: one.used_percent.max(other.used_percent),
            remaining: one.remaining.min(other.remaining),
        })
    }
}

/// What a limit counts, as conditions name it; `None`: they cannot.
#[must_use]
pub(crate) fn meter(bound: &Bound) -> Option<Meter> {
    match &bound.measure {
        Measure::Money(_) => Some(Meter::Budget),
        Measure::Rate(_) => Some(Meter::Rate),
        Measure::Places(_) => None,
    }
}

/// A level as conditions name it; `None`: they cannot.
#[must_use]
fn level(level: Level) -> Option<fairlead_condition::Level> {
    match level {
        Level::Organization => Some(fairlead_condition::Level::Organization),
        Level::Team => Some(fairlead_condition::Level::Team),
        Level::Key => Some(fairlead_condition::Level::Key),
        Level::Provider => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage needs no more than 53 bits"
)]
fn usage(used: i64, limit: i64) -> Usage {
    Usage {
        // Of nothing all is used.
        used_percent: if limit > 0 {
            used as f64 * 100.0 / limit as f64
        } else {
            100.0
        },
        remaining: limit.saturating_sub(used).max(0),
    }
}

impl Governor {
    /// How the limits stand that a request has to keep.
    #[must_use]
    pub(crate) fn view<'a>(&self, asked: &'a Governed) -> View<'a> {
        let now = self.now();
        let used = |bound: &Bound, _| {
            let standing = bound.standing(&self.counters, asked.user.as_deref(), now);
            bound.used(&standing, now).saturating_add(standing.leased)
        };
        View::of(&asked.caller.chain, &asked.model, used, now)
    }

    /// What an attempt at a target will probably cost, in nano-USD; `None`: what it costs is not known.
    #[must_use]
    pub(crate) fn expected_cost(&self, asked: &Governed, target: &Target<'_>) -> Option<i64> {
        let learned = self
            .estimates
            .of(asked.caller.number, hash(target.provider, target.model));
        let most = asked.most(target.max_output);
        learned.cost_before(asked.bytes, most, target.tariff.price())
    }

    /// The same where so many bytes of it are probably in a cache there.
    #[must_use]
    pub(crate) fn expected_cost_of_turn(
        &self,
        asked: &Governed,
        target: &Target<'_>,
        cached: u64,
    ) -> Option<i64> {
        if target.tariff.is_free() {
            return Some(0);
        }
        let learned = self
            .estimates
            .of(asked.caller.number, hash(target.provider, target.model));
        let most = asked.most(target.max_output);
        learned.cost_with_cached(asked.bytes, cached, most, target.tariff.price())
    }
}

impl Governed {
    /// The most tokens that all answers may have, where those of the model have no more than so many.
    #[must_use]
    pub(crate) fn most(&self, max_output: Option<u64>) -> Option<u64> {
        let most = self.ceiling.into_iter().chain(max_output).min();
        most.map(|most| most.saturating_mul(self.choices))
    }
}
