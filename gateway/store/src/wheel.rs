//! Who is to be heard from, by when: steps of 20 ms, a second ahead.

use std::time::Duration;

/// From one spoke to the next.
pub(crate) const STEP: Duration = Duration::from_millis(STEP_MS);
const STEP_MS: u64 = 20;
/// A second and a little: nothing is due later than that.
const SPOKES: usize = 64;

/// A wheel that is turned a spoke at a time.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    spokes: Vec<Vec<T>>,
    /// The step that was turned to last, counted from the start.
    step: u64,
    count: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self {
            spokes: (0..SPOKES).map(|_| Vec::new()).collect(),
            step: 0,
            count: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Comes up at the first step at or after this moment, in milliseconds since the start: the next one if that is past, within one turn
    /// if it is far.
    pub(crate) fn add(&mut self, item: T, due_ms: u64) {
        let farthest = self.step + SPOKES as u64 - 1;
        let step = due_ms.div_ceil(STEP_MS).clamp(self.step + 1, farthest);
        self.spokes[spoke(step)].push(item);
        self.count += 1;
    }

    /// Those who come up by now.
    pub(crate) fn turn(&mut self, now_ms: u64) -> Vec<T> {
        let now = now_ms / STEP_MS;
        // A turn is enough to see everybody.
        self.step = self.step.max(now.saturating_sub(SPOKES as u64));
        let mut due = Vec::new();
        while self.step < now {
            self.step += 1;
            due.append(&mut self.spokes[spoke(self.step)]);
        }
        self.count -= due.len();
        due
    }
}

fn spoke(step: u64) -> usize {
    usize::try_from(step % SPOKES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_up_when_it_is_due() {
        let mut wheel = Wheel::new();
        assert!(wheel.turn(10_000).is_empty());
        wheel.add("past", 3);
        wheel.add("soon", 10_041);
        wheel.add("in a second", 11_000);
        wheel.add("far", 20_000);
        assert_eq!(wheel.turn(10_020), ["past"]);
        assert!(wheel.turn(10_059).is_empty());
        assert_eq!(wheel.turn(10_060), ["soon"]);
        assert!(wheel.turn(10_999).is_empty());
        assert_eq!(wheel.turn(11_000), ["in a second"]);
        assert!(!wheel.is_empty());
        assert_eq!(wheel.turn(11_280), ["far"], "to be put back");
        assert!(wheel.is_empty());
    }

    #[test]
    fn who_sleeps_long_misses_nobody() {
        let mut wheel = Wheel::new();
        (0..1_000).for_each(|at| wheel.add(at, at));
        let mut seen = wheel.turn(3_600_000);
        seen.sort_unstable();
        assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
        wheel.add(7, 3_600_100);
        assert_eq!(wheel.turn(7_200_000), [7]);
    }
}
