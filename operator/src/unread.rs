//! Which of the things that indexes name - shards, values of credentials - nobody can want any more. Pure.
//!
//! A thing is wanted by every index that names it, and an index by every gateway that enforces it or is about to. So a thing may go once no
//! index since the lowest that a gateway enforces names it, and a while after the last one that did was replaced, for a gateway that is starting may
//! be reading that one. There may be only so many that wait for this: a gateway that is stuck must not have them pile up for ever. It
//! keeps what it has, and takes up the newest index when it can.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// For so long after the last index that named it was replaced, a thing stays.
pub(crate) const YOUNG: Duration = Duration::from_secs(120);

/// The things of one kind that there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Things {
    there: BTreeSet<String>,
    live: BTreeSet<String>,
    left: BTreeMap<String, Left>,
}

/// When a thing was last named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    since: Instant,
    /// The first generation whose index did not name it.
    by: u64,
}

impl Things {
    /// What is there, and what the live index, of this generation, names. What is there and was not known may have been named until now.
    pub(crate) fn seen(
        &mut self,
        there: BTreeSet<String>,
        live: BTreeSet<String>,
        generation: u64,
        now: Instant,
    ) {
        let left = Left {
            since: now,
            by: generation,
        };
        let unread = there.difference(&live);
        let known = |name: &String| self.left.get(name).copied().unwrap_or(left);
        self.left = unread.map(|name| (name.clone(), known(name))).collect();
        self.there = there;
        self.live = live;
    }

    /// Whether it is there.
    #[must_use]
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.there.contains(name)
    }

    /// Whether all that the live index names is there.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        self.live.is_subset(&self.there)
    }

    /// Notes one that was written for an index that is still to be.
    pub(crate) fn wrote(&mut self, name: String, generation: u64, now: Instant) {
        if !self.live.contains(&name) {
            let left = Left {
                since: now,
                by: generation,
            };
            self.left.insert(name.clone(), left);
        }
        self.there.insert(name);
    }

    /// Notes that an index of this generation is live, and names these.
    pub(crate) fn published(&mut self, names: BTreeSet<String>, generation: u64, now: Instant) {
        let left = Left {
            since: now,
            by: generation,
        };
        for name in self.live.difference(&names) {
            self.left.insert(name.clone(), left);
        }
        self.left.retain(|name, _| !names.contains(name));
        self.live = names;
    }

    /// Notes that one is not there any more.
    pub(crate) fn gone(&mut self, name: &str) {
        self.there.remove(name);
        self.left.remove(name);
    }

    /// How many there are that the live index does not name.
    #[must_use]
    pub(crate) fn unread(&self) -> usize {
        self.left.len()
    }

    /// Those that may go, the ones that were named longest ago first. `lowest`: the lowest generation that a gateway enforces. `most`: how
    /// many may be kept for gateways that are behind.
    #[must_use]
    pub(crate) fn due(&self, lowest: u64, most: usize, now: Instant) -> Vec<String> {
        let mut left: Vec<(&Left, &String)> =
            self.left.iter().map(|(name, left)| (left, name)).collect();
        left.sort();
        let beyond = left.len().saturating_sub(most);
        let may_go = |at: usize, left: &Left| {
            at < beyond || (left.by <= lowest && now.duration_since(left.since) >= YOUNG)
        };
        left.into_iter()
            .enumerate()
            .filter(|(at, (left, _))| may_go(*at, left))
            .map(|(_, (_, name))| name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Index 1 names a and b, index 2 names b and c.
    fn replaced(now: Instant) -> Things {
        let mut things = Things::default();
        things.seen(names(&["a", "b"]), names(&["a", "b"]), 1, now);
        things.wrote("c".to_owned(), 1, now);
        things.published(names(&["b", "c"]), 2, now);
        things
    }

    #[test]
    fn what_an_index_since_the_lowest_enforced_one_names_stays() {
        let now = Instant::now();
        let things = replaced(now);
        assert_eq!(things.unread(), 1);
        assert!(
            things.due(1, 9, now + YOUNG).is_empty(),
            "a gateway enforces index 1"
        );
        assert_eq!(things.due(2, 9, now + YOUNG), ["a"]);
    }

    #[test]
    fn its_age_counts_from_when_it_was_last_named() {
        let now = Instant::now();
        let mut things = replaced(now);
        things.published(names(&["a", "b"]), 3, now + YOUNG);
        things.published(names(&["b", "c"]), 4, now + YOUNG * 2);
        assert!(things.due(4, 9, now + YOUNG * 2).is_empty());
        assert_eq!(things.due(4, 9, now + YOUNG * 3), ["a"]);
    }

    #[test]
    fn what_is_gone_is_not_there_for_the_next_index() {
        let mut things = replaced(Instant::now());
        assert!(things.holds("a"));
        things.gone("a");
        assert!(!things.holds("a") && things.is_whole());
        things.gone("b");
        assert!(!things.is_whole());
    }

    #[test]
    fn there_are_never_more_than_may_be_kept() {
        let now = Instant::now();
        let mut things = Things::default();
        for at in 0..20_u64 {
            let name = format!("{at:02}");
            things.wrote(name.clone(), at, now);
            things.published([name].into(), at + 1, now + Duration::from_secs(at));
        }
        assert_eq!(things.unread(), 19);
        assert_eq!(things.due(0, 17, now), ["00", "01"]);
    }

    #[test]
    fn what_a_listing_shows_and_nobody_knew_waits_its_time() {
        let now = Instant::now();
        let mut things = Things::default();
        things.seen(names(&["a", "b"]), names(&["b"]), 7, now);
        assert!(things.due(7, 9, now).is_empty());
        things.seen(names(&["a", "b"]), names(&["b"]), 7, now + YOUNG);
        assert_eq!(things.due(7, 9, now + YOUNG), ["a"]);
    }
}
