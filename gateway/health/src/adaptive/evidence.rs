//! What is believed of a target, and how firmly.
//!
//! A mean over recent observations, and its standard error. Recent are the last hundred, or all of the last tick where they are more: a busy
//! target is judged by what it does now, one that is rarely asked by what it did long ago, which is still better than nothing. A change is not averaged away: observations since the last look are held against those before them, and where they
//! cannot be of the same kind the old ones are forgotten (as in ADWIN; Bifet and Gavaldà, Learning from Time-Changing Data with Adaptive
//! Windowing, 2007).

use crate::adaptive::recorder::TimeTotals;

/// Observations that are remembered at least, if they were made.
const MEMORY: f64 = 100.0;
/// Fewer new ones than this are not held against those before them.
const FEWEST: f64 = 4.0;
/// As many fresh ones as this, found to be of the same kind, are added to the old ones.
const ENOUGH: f64 = 12.0;
/// How many standard errors apart two means are of different kinds. One comparison a tick for days: chance reaches 4 once in two days.
const APART: f64 = 4.0;
/// Times spread by a quarter of their mean at least, as far as a few of them can tell.
const LEAST_SPREAD: f64 = 0.25;

/// Observations: how many, their sum and the sum of their squares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) squares: f64,
}

/// Observations of one kind, old and new.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence {
    old: Sums,
    /// Those that were as the old ones, as far as so few can tell: many small changes are one that is not.
    fresh: Sums,
    /// Those since a few were last held against what was there: apart, or what was fresh before a change would hide it.
    newest: Sums,
}

impl Sums {
    /// So many events, of which some were of a kind.
    pub(crate) fn events(count: f64, marked: f64) -> Self {
        Self {
            count,
            sum: marked,
            squares: marked,
        }
    }

    /// Times, in microseconds.
    pub(crate) fn times(totals: &TimeTotals) -> Self {
        Self {
            count: totals.count as f64,
            sum: totals.sum as f64,
            squares: totals.squares as f64 * 1024.0,
        }
    }

    pub(crate) fn mean(&self) -> f64 {
        if self.count > 0.0 {
            self.sum / self.count
        } else {
            0.0
        }
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        if self.count > 0.0 {
            (self.squares / self.count - mean * mean).max(0.0)
        } else {
            0.0
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }

    /// The same mean with less weight.
    fn faded(&self, factor: f64) -> Self {
        Self {
            count: self.count * factor,
            sum: self.sum * factor,
            squares: self.squares * factor,
        }
    }
}

/// Of what two means are that cannot be of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Times, which are never quite alike.
    Times,
    /// Events that happen or not; three that are not expected are the least to speak of.
    Events,
}

impl Evidence {
    /// Adds what a tick has seen; `kept`: how much of what is old remains after the time since the last one.
    pub(crate) fn add(&mut self, seen: &Sums, kind: Kind, kept: f64) {
        self.old = self.old.faded(kept);
        self.fresh = self.fresh.faded(kept);
        // These do not fade, or where they are rare there would never be enough.
        self.newest = self.newest.plus(seen);
        if self.newest.count < FEWEST {
            return;
        }
        let newest = std::mem::take(&mut self.newest);
        if has_changed(&self.old.plus(&self.fresh), &newest, kind) {
            self.old = newest;
            self.fresh = Sums::default();
            return;
        }
        self.fresh = self.fresh.plus(&newest);
        if has_changed(&self.old, &self.fresh, kind) {
            self.old = std::mem::take(&mut self.fresh);
        } else if self.fresh.count >= ENOUGH {
            let room = (MEMORY - self.fresh.count).max(0.0);
            let factor = if self.old.count > room {
                room / self.old.count
            } else {
                1.0
            };
            let fresh = std::mem::take(&mut self.fresh);
            self.old = self.old.faded(factor).plus(&fresh);
        }
    }

    /// All there is.
    pub(crate) fn all(&self) -> Sums {
        self.old.plus(&self.fresh).plus(&self.newest)
    }

    /// The mean, and how far off it may be: one standard error.
    pub(crate) fn mean(&self) -> (f64, f64) {
        let all = self.all();
        let mean = all.mean();
        let spread = spread(&all, mean, Kind::Times);
        (mean, spread / all.count.max(1.0).sqrt())
    }

    /// Between which shares the true share of marked events probably is: Wilson's interval of one standard error, which is right for few events
    /// too (Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927).
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let Sums {
            count, sum: marked, ..
        } = self.all();
        if count <= 0.0 {
            return (0.0, 1.0);
        }
        let share = (marked / count).clamp(0.0, 1.0);
        let middle = share + 0.5 / count;
        let half = (share * (1.0 - share) / count + 0.25 / (count * count)).sqrt();
        let whole = 1.0 + 1.0 / count;
        (
            ((middle - half) / whole).max(0.0),
            ((middle + half) / whole).min(1.0),
        )
    }
}

/// Whether new observations cannot be of the same kind as old ones.
fn has_changed(old: &Sums, new: &Sums, kind: Kind) -> bool {
    if old.count < FEWEST {
        return false;
    }
    let difference = (new.mean() - old.mean()).abs();
    if kind == Kind::Events && difference * new.count < 3.0 {
        return false;
    }
    let both = old.plus(new);
    let spread = match kind {
        // The larger spread of both: that of a few may be small by chance.
        Kind::Times => spread(old, old.mean(), kind).max(spread(new, new.mean(), kind)),
        Kind::Events => spread(&both, both.mean(), kind),
    };
    difference > APART * spread * (1.0 / new.count + 1.0 / old.count).sqrt()
}

fn spread(sums: &Sums, mean: f64, kind: Kind) -> f64 {
    match kind {
        Kind::Times => sums.variance().sqrt().max(LEAST_SPREAD * mean),
        Kind::Events => sums.variance().sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(count: u32, mean: f64) -> Sums {
        let count = f64::from(count);
        // A spread of three tenths.
        Sums {
            count,
            sum: count * mean,
            squares: count * mean * mean * 1.09,
        }
    }

    #[test]
    fn nothing_is_known_of_what_was_never_seen() {
        let evidence = Evidence::default();
        assert_eq!(evidence.bounds(), (0.0, 1.0));
        assert_eq!(evidence.mean().0, 0.0);
    }

    #[test]
    fn few_failures_say_little_and_many_say_what_they_are() {
        let table = [
            (1.0, 1.0, 0.5, 1.0),
            (4.0, 1.0, 0.1, 0.5),
            (100.0, 10.0, 0.07, 0.14),
        ];
        for (count, failed, least, most) in table {
            let mut evidence = Evidence::default();
            evidence.add(&Sums::events(count, failed), Kind::Events, 1.0);
            let (low, high) = evidence.bounds();
            assert!(
                low >= least - 0.01 && high <= most + 0.01,
                "{failed} of {count}: {low} {high}"
            );
        }
    }

    #[test]
    fn a_change_is_seen_in_a_few_and_what_was_before_is_forgotten() {
        let mut evidence = Evidence::default();
        (0..20).for_each(|_| evidence.add(&times(20, 400.0), Kind::Times, 1.0));
        evidence.add(&times(4, 1_600.0), Kind::Times, 1.0);
        assert!((evidence.mean().0 - 1_600.0).abs() < 1.0);
        let mut evidence = Evidence::default();
        (0..20).for_each(|_| evidence.add(&Sums::events(20.0, 0.0), Kind::Events, 1.0));
        evidence.add(&Sums::events(5.0, 5.0), Kind::Events, 1.0);
        assert!(evidence.bounds().0 > 0.8);
    }

    #[test]
    fn a_change_is_seen_where_observations_are_rare() {
        let mut evidence = Evidence::default();
        evidence.add(&times(12, 1_000.0), Kind::Times, 1.0);
        // As many as are not yet counted among the old ones when it changes.
        evidence.add(&times(8, 1_000.0), Kind::Times, 1.0);
        for _ in 0..4 {
            evidence.add(&times(1, 200.0), Kind::Times, 0.9);
        }
        assert!((evidence.mean().0 - 200.0).abs() < 1.0, "{evidence:?}");
    }

    #[test]
    fn one_failure_after_many_answers_changes_hardly_anything() {
        let mut evidence = Evidence::default();
        (0..20).for_each(|_| evidence.add(&Sums::events(20.0, 0.0), Kind::Events, 1.0));
        evidence.add(&Sums::events(5.0, 1.0), Kind::Events, 1.0);
        assert!(evidence.bounds().0 < 0.01);
    }

    #[test]
    fn chance_is_not_taken_for_a_change() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut evidence = Evidence::default();
        for _ in 0..2_000 {
            let seen = (0..20).fold(Sums::default(), |sums, _| {
                let time = 200.0 + 400.0 * random.f64();
                sums.plus(&Sums {
                    count: 1.0,
                    sum: time,
                    squares: time * time,
                })
            });
            evidence.add(&seen, Kind::Times, 1.0);
            let count = evidence.all().count;
            assert!(count >= 20.0 && (evidence.mean().0 - 400.0).abs() < 120.0);
        }
        assert!(evidence.all().count >= 60.0);
    }

    #[test]
    fn what_is_old_fades_with_time_and_keeps_its_mean() {
        let mut evidence = Evidence::default();
        evidence.add(&times(80, 400.0), Kind::Times, 1.0);
        let before = evidence.mean();
        (0..10).for_each(|_| evidence.add(&Sums::default(), Kind::Times, 0.5));
        let after = evidence.mean();
        assert!((before.0 - after.0).abs() < 0.01 && after.1 >= before.1);
    }
}
