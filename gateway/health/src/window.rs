//! The last ten seconds in ten buckets of one second, each two counts in one atomic word, so that both are read and written together.

use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

const BUCKETS: u64 = 10;
/// Bits of each count: a million events a second.
const COUNT_BITS: u32 = 20;
const COUNT_MOST: u64 = (1 << COUNT_BITS) - 1;

/// Events of the last ten seconds: all of them, and those of a kind that is counted apart.
#[derive(Debug, Default)]
pub(crate) struct Window([AtomicU64; 10]);

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) all: u64,
    pub(crate) marked: u64,
}

/// One bucket, unpacked: the second it is of, and its counts.
#[derive(Clone, Copy)]
struct Bucket {
    second: u64,
    counts: Counts,
}

impl Window {
    /// Adds to the second of `now`.
    pub(crate) fn add(&self, now: Duration, all: u64, marked: u64) {
        let second = now.as_secs();
        let bucket = usize::try_from(second % BUCKETS)
            .ok()
            .and_then(|at| self.0.get(at));
        let Some(bucket) = bucket else { return };
        let added = |word| {
            let Bucket {
                second: of,
                counts: before,
            } = unpack(word);
            let before = if of == second_bits(second) {
                before
            } else {
                Counts::default()
            };
            Some(pack(
                second,
                Counts {
                    all: before.all + all,
                    marked: before.marked + marked,
                },
            ))
        };
        // The closure never declines, so this cannot fail.
        let _ = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// Takes marked events back out of the second of `then`, if that is still counted.
    pub(crate) fn take_back(&self, then: Duration, marked: u64) {
        let second = then.as_secs();
        let bucket = usize::try_from(second % BUCKETS)
            .ok()
            .and_then(|at| self.0.get(at));
        let Some(bucket) = bucket else { return };
        // Where the bucket is of a later second by now there is nothing left to take back.
        let _ = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            let before = unpack(word);
            let counts = Counts {
                marked: before.counts.marked.saturating_sub(marked),
                ..before.counts
            };
            (before.second == second_bits(second)).then(|| pack(second, counts))
        });
    }

    /// The sum over the last ten seconds, the running one included.
    pub(crate) fn counts(&self, now: Duration) -> Counts {
        let second = now.as_secs();
        let recent = |bucket: &Bucket| {
            (0..BUCKETS).any(|back| {
                second
                    .checked_sub(back)
                    .is_some_and(|of| second_bits(of) == bucket.second)
            })
        };
        self.0
            .iter()
            .map(|word| unpack(word.load(Ordering::Relaxed)))
            .filter(recent)
            .fold(Counts::default(), |sum, bucket| Counts {
                all: sum.all + bucket.counts.all,
                marked: sum.marked + bucket.counts.marked,
            })
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for bucket in &self.0 {
            bucket.store(0, Ordering::Relaxed);
        }
    }
}

/// A second in 24 bits, plus 1, so that an empty bucket is of no second.
fn second_bits(second: u64) -> u64 {
    (second % ((1 << 24) - 1)) + 1
}

fn pack(second: u64, counts: Counts) -> u64 {
    (second_bits(second) << (2 * COUNT_BITS))
        | (counts.all.min(COUNT_MOST) << COUNT_BITS)
        | counts.marked.min(COUNT_MOST)
}

fn unpack(word: u64) -> Bucket {
    Bucket {
        second: word >> (2 * COUNT_BITS),
        counts: Counts {
            all: (word >> COUNT_BITS) & COUNT_MOST,
            marked: word & COUNT_MOST,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn counts_ten_seconds_and_no_more() {
        let window = Window::default();
        for second in 0..15 {
            window.add(at(second * 1000), 2, 1);
        }
        assert_eq!(
            window.counts(at(14_999)),
            Counts {
                all: 20,
                marked: 10
            }
        );
        assert_eq!(window.counts(at(23_000)), Counts { all: 2, marked: 1 });
        assert_eq!(window.counts(at(24_000)), Counts::default());
    }

    #[test]
    fn an_empty_window_is_empty_at_every_time() {
        let window = Window::default();
        for second in [0, 1, 9, 10, 16_777_214, 16_777_215, 16_777_216] {
            assert_eq!(window.counts(at(second * 1000)), Counts::default());
        }
    }

    #[test]
    fn a_bucket_that_is_full_stays_full() {
        let window = Window::default();
        window.add(at(0), COUNT_MOST, COUNT_MOST);
        window.add(at(0), 5, 5);
        assert_eq!(
            window.counts(at(0)),
            Counts {
                all: COUNT_MOST,
                marked: COUNT_MOST
            }
        );
    }

    #[test]
    fn agrees_with_a_plain_list_of_events() {
        let mut random = fastrand::Rng::with_seed(7);
        let window = Window::default();
        let mut events: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for _ in 0..2_000 {
            now += random.u64(0..400);
            let marked = random.u64(0..2);
            window.add(at(now), 1, marked);
            events.push((now / 1000, marked));
            let recent = events.iter().filter(|(second, _)| second + 10 > now / 1000);
            let expected = recent.fold(Counts::default(), |sum, (_, marked)| Counts {
                all: sum.all + 1,
                marked: sum.marked + marked,
            });
            assert_eq!(window.counts(at(now)), expected);
        }
    }

    #[test]
    fn no_event_is_lost_between_threads() {
        let window = Window::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| window.add(at(500), 1, 1)));
            }
        });
        assert_eq!(window.counts(at(500)).all, 40_000);
    }
}
