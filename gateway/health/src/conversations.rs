//! Which conversations a model has answered lately, and how much of each it has read: that much of the next turn its cache may hold.
//!
//! A table of fixed size in which a conversation has one place and whoever comes later takes it: what is forgotten costs a little money, never more.
//! There is none before the first conversation is noted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So long what a provider has read is taken to be in its cache. Most keep it for five minutes at least.
const KEPT: u64 = 300;
/// Prompts that are shorter are not cached: 1,024 tokens are the usual least.
const LEAST: u64 = 4096;
/// Places, a power of two: 32 KiB.
const PLACES: usize = 4096;
/// Lengths are kept in so many bytes.
const UNIT: u64 = 64;

/// The conversations of a model.
#[derive(Debug, Default)]
pub struct Conversations(OnceLock<Box<[AtomicU64]>>);

impl Conversations {
    /// A turn of a conversation, of so many bytes, was answered. Conversations are known by a number that is well spread.
    pub fn note(&self, conversation: u64, bytes: u64, now: Duration) {
        if bytes < LEAST {
            return;
        }
        let places = self.0.get_or_init(|| {
            let empty = || AtomicU64::new(0);
            std::iter::repeat_with(empty).take(PLACES).collect()
        });
        if let Some(place) = places.get(place(conversation)) {
            place.store(pack(conversation, bytes, now), Ordering::Relaxed);
        }
    }

    /// How many bytes of its next turn it has probably read already.
    #[must_use]
    pub fn cached(&self, conversation: u64, now: Duration) -> u64 {
        let Some(places) = self.0.get() else { return 0 };
        let word = places.get(place(conversation));
        let word = word.map_or(0, |word| word.load(Ordering::Relaxed));
        let age = now.as_secs().wrapping_sub(word & SECONDS) & SECONDS;
        let is_it = word != 0 && word >> 40 == conversation >> 40 && age <= KEPT;
        if is_it {
            (word >> 20 & LENGTHS) * UNIT
        } else {
            0
        }
    }
}

/// 12 days, and then anew.
const SECONDS: u64 = (1 << 20) - 1;
/// 64 MiB.
const LENGTHS: u64 = (1 << 20) - 1;

fn place(conversation: u64) -> usize {
    usize::try_from(conversation & 0xFFF).unwrap_or(0)
}

/// 24 bits of its name, of which the place says 12 more, its length, and the second.
fn pack(conversation: u64, bytes: u64, now: Duration) -> u64 {
    let length = (bytes / UNIT).min(LENGTHS);
    (conversation >> 40) << 40 | length << 20 | (now.as_secs() & SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: u64 = 0x1234_5678_9ABC_DEF0;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_read_is_cached_for_five_minutes() {
        let known = Conversations::default();
        assert_eq!(known.cached(ONE, at(7)), 0);
        known.note(ONE, 64_000, at(7));
        assert_eq!(known.cached(ONE, at(307)), 64_000);
        assert_eq!(known.cached(ONE, at(308)), 0);
        known.note(ONE, 128_000, at(400));
        assert_eq!(known.cached(ONE, at(400)), 128_000);
    }

    #[test]
    fn of_another_conversation_nothing_is_cached() {
        let known = Conversations::default();
        known.note(ONE, 64_000, at(7));
        for other in [ONE ^ 1, ONE ^ (1 << 50)] {
            assert_eq!(known.cached(other, at(7)), 0);
        }
        // Whoever has the same place takes it.
        known.note(ONE ^ (1 << 50), 6_400, at(8));
        assert_eq!(known.cached(ONE, at(8)), 0);
    }

    #[test]
    fn short_prompts_are_not_cached() {
        let known = Conversations::default();
        known.note(ONE, LEAST - 1, at(7));
        assert_eq!(known.cached(ONE, at(7)), 0);
    }
}
