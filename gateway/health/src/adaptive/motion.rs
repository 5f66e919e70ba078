//! How what speaks against a candidate is followed, so that shares do not swing.
//!
//! Where what is sent to a target makes it slower, a share that follows its speed too closely swings: all go where it is fast, which is slow then.
//! Two things keep that down. What speaks against it is followed in steps that are halved each time the way turns and grow again while it goes
//! on (as in Rprop; Riedmiller and Braun, 1993). And one that has become slow all at once had more than it can bear: its share comes back fast
//! to a part of what it was, and creeps from there (as TCP does above the threshold of its slow start; RFC 5681).

/// The longest step in a tick: by 0.7, a share is halved or doubled.
const LONGEST: f64 = 2.0;
/// The shortest that steps become.
const SHORTEST: f64 = 0.05;
/// So many times as long is the next step that goes on.
const LONGER: f64 = 1.3;
/// What is less than this away is no turn.
const STILL: f64 = 0.1;
/// What is more than this beyond what was believed is a shock: its share falls by a seventh at once.
const SHOCK: f64 = 0.15;
/// The part of its share that it is back to fast after a shock.
const BACK: f64 = 0.7;
/// The part of what its weight is due by which it creeps from there in a tick.
const CREEP: f64 = 0.02;
/// After so many ticks a shock is forgotten.
const FORGOTTEN: u32 = 24;

/// Where a candidate is on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion {
    level: f64,
    step: f64,
    last: f64,
    /// The share that it may have at once.
    proven: f64,
    /// Ticks since the last shock.
    calm: u32,
}

impl Default for Motion {
    fn default() -> Self {
        Self {
            level: 0.0,
            step: LONGEST,
            last: 0.0,
            proven: f64::INFINITY,
            calm: 0,
        }
    }
}

impl Motion {
    /// One tick: what speaks against it, and the share that it has had; what is to count against it now.
    pub(crate) fn follow(&mut self, slow: f64, share: f64) -> f64 {
        let way = slow - self.level;
        self.calm = self.calm.saturating_add(1);
        if way > SHOCK && share > 0.0 {
            self.proven = share * BACK;
            self.calm = 0;
        } else if self.calm >= FORGOTTEN {
            self.proven = f64::INFINITY;
        }
        if way.abs() > STILL {
            self.step = if way * self.last < 0.0 {
                (self.step / 2.0).max(SHORTEST)
            } else {
                (self.step * LONGER).min(LONGEST)
            };
            self.last = way;
        }
        self.level += way.clamp(-self.step, self.step);
        self.level
    }

    /// The share that it may have in the next tick; `prior`: what its weight is due.
    pub(crate) fn most(&self, share: f64, prior: f64) -> f64 {
        self.proven.max(share.max(prior) + CREEP * prior)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_swings_is_followed_ever_less() {
        let mut motion = Motion::default();
        let mut levels = Vec::new();
        for tick in 0..40 {
            levels.push(motion.follow(if tick % 2 == 0 { 3.0 } else { 0.0 }, 0.3));
        }
        let swing = |levels: &[f64]| {
            let most = levels.iter().copied().fold(f64::MIN, f64::max);
            most - levels.iter().copied().fold(f64::MAX, f64::min)
        };
        assert!(swing(&levels[..4]) > 0.9, "{levels:?}");
        assert!(swing(&levels[30..]) < 0.11, "{levels:?}");
    }

    #[test]
    fn what_stays_is_reached_and_small_changes_are_followed_at_once() {
        let mut motion = Motion::default();
        let levels: Vec<f64> = (0..3).map(|_| motion.follow(5.0, 0.3)).collect();
        assert_eq!(levels, [2.0, 4.0, 5.0]);
        assert!((motion.follow(4.95, 0.01) - 4.95).abs() < 1e-9);
    }

    #[test]
    fn after_a_shock_a_share_creeps_from_a_part_of_what_it_was() {
        let mut motion = Motion::default();
        assert!(motion.most(0.1, 0.25).is_infinite());
        motion.follow(1.0, 0.5);
        assert!((motion.most(0.05, 0.25) - 0.35).abs() < 1e-9);
        assert!((motion.most(0.4, 0.25) - 0.405).abs() < 1e-9);
        (0..FORGOTTEN).for_each(|_| {
            motion.follow(1.0, 0.3);
        });
        assert!(motion.most(0.05, 0.25).is_infinite());
    }
}
