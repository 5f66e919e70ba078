//! Pauses between tries that fail: each twice as long as the one before, up to a longest, with up to a quarter more at random so that
//! replicas that failed together do not try together.

use std::time::Duration;

/// The next pause of something that may fail again.
#[derive(Debug, Clone)]
pub struct Pause {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Pause {
    /// Pauses from `shortest` to `longest`, the random part apart.
    #[must_use]
    pub fn between(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            next: shortest,
        }
    }

    /// How long to wait after one more failure.
    pub fn grow(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f32(1.0 + fastrand::f32() / 4.0)
    }

    /// Something succeeded, or there is new reason to hope.
    pub fn reset(&mut self) {
        self.next = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let mut pause = Pause::between(Duration::from_secs(1), Duration::from_secs(5));
        for seconds in [1, 2, 4, 5, 5] {
            let (least, most) = (seconds * 1000, seconds * 1250);
            let got = u64::try_from(pause.grow().as_millis()).unwrap();
            assert!((least..=most).contains(&got), "{got} ms for {seconds} s");
        }
        pause.reset();
        assert!(pause.grow() < Duration::from_secs(2));
    }
}
