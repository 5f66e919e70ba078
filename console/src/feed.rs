//! The requests that have just ended, as the process tells of them: for the live view, and for the pulse.
//!
//! A ring that viewers read from where they have read last, once a second: a slow one misses some and is told how many, and nothing waits for
//! anybody. Filled by whoever tells of finished requests, never by a core that serves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fairlead_record::{Entry, Scope, Sink};
use parking_lot::Mutex;

use crate::pulse::{Pulse, Series, series};
use crate::viewer::{Reach, Viewer};

/// So many are kept to be read.
const RING: usize = 2_000;
/// Of so many namespaces the pulse is kept apart; of more than these, whose last request is the longest ago is forgotten.
const NAMESPACES: usize = 256;

/// The requests that have just ended.
#[derive(Debug, Default)]
pub struct Feed(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The number of the next one; they are counted from 0.
    next: u64,
    ring: VecDeque<Arc<Entry>>,
    /// Of all requests.
    all: Pulse,
    /// Of the requests of each namespace's keys.
    namespaces: BTreeMap<String, Pulse>,
}

/// What is new.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    /// The entries that this viewer may see, the oldest first.
    pub entries: Vec<Arc<Entry>>,
    /// How many were not kept for as long.
    pub missed: u64,
    /// Where to read on.
    pub next: u64,
}

impl Feed {
    /// Tells of a request that has ended.
    pub fn push(&self, entry: Arc<Entry>) {
        let mut inner = self.0.lock();
        inner.all.count(&entry);
        if let Some(namespace) = entry.namespace() {
            inner.of(namespace).count(&entry);
        }
        if inner.ring.len() == RING {
            inner.ring.pop_front();
        }
        inner.ring.push_back(entry);
        inner.next += 1;
    }

    /// What this viewer may see of what has come since, and where to read on.
    pub(crate) fn since(&self, after: u64, viewer: &Viewer) -> News {
        let (fresh, missed, next) = {
            let inner = self.0.lock();
            let kept = u64::try_from(inner.ring.len()).unwrap_or(u64::MAX);
            let oldest = inner.next.saturating_sub(kept);
            let skipped = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX);
            let fresh: Vec<_> = inner.ring.iter().skip(skipped).cloned().collect();
            (fresh, oldest.saturating_sub(after), inner.next)
        };
        let scope = viewer.scope();
        // How many others' requests were missed is nothing that others should know.
        let all = scope == Scope::All;
        News {
            entries: fresh
                .into_iter()
                .filter(|entry| scope.shows(entry))
                .collect(),
            missed: if all { missed } else { 0 },
            next,
        }
    }

    /// Where whoever begins now reads on.
    pub(crate) fn end(&self) -> u64 {
        self.0.lock().next
    }

    /// How it has gone over the last quarter of an hour, as far as this viewer may see it; now, in seconds since 1970.
    pub(crate) fn pulse(&self, viewer: &Viewer, now: i64) -> Series {
        let inner = self.0.lock();
        let rights = &viewer.rights;
        let shows = |name: &str| rights.requests.sees(name);
        let of = |shown: &dyn Fn(&str) -> bool| {
            let all = inner.namespaces.iter();
            let seen = all.filter(|(name, _)| shown(name));
            series(seen.map(|(_, pulse)| pulse), now)
        };
        let told = match &rights.requests {
            Reach::All => series(std::iter::once(&inner.all), now),
            Reach::Namespaces(_) => of(&shows),
        };
        if rights.usage == Reach::All {
            return told;
        }
        // What was spent is told of as many as may be seen.
        let spent = of(&|name| shows(name) && rights.usage.sees(name));
        Series {
            cost_nanos: spent.cost_nanos,
            ..told
        }
    }
}

impl Sink for Feed {
    fn take(&self, entry: &Arc<Entry>) {
        self.push(Arc::clone(entry));
    }
}

impl Inner {
    fn of(&mut self, namespace: &str) -> &mut Pulse {
        if !self.namespaces.contains_key(namespace) && self.namespaces.len() >= NAMESPACES {
            let oldest = self.namespaces.iter().min_by_key(|(_, pulse)| pulse.last());
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.and_then(|name| self.namespaces.remove(&name));
        }
        self.namespaces.entry(namespace.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Holder;
    use crate::viewer::Rights;

    fn entry(id: u64, key: Option<&str>) -> Arc<Entry> {
        Arc::new(Entry {
            id,
            key: key.map(Into::into),
            status: 200,
            complete: true,
            started_unix_us: 1_000_000_000_000,
            ..Entry::default()
        })
    }

    fn of(name: &str) -> Reach {
        Reach::Namespaces([name.to_owned()].into())
    }

    fn all() -> Viewer {
        Viewer::of_everything("someone")
    }

    fn ids(news: &News) -> Vec<u64> {
        news.entries.iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn each_is_read_once_and_whoever_is_slow_is_told_how_many_are_gone() {
        let (feed, all) = (Feed::default(), all());
        let begin = feed.end();
        for id in 0..3 {
            feed.push(entry(id, Some("a/k")));
        }
        let news = feed.since(begin, &all);
        assert_eq!((ids(&news), news.missed), (vec![0, 1, 2], 0));
        assert_eq!(feed.since(news.next, &all).entries, []);
        for id in 3..3 + u64::try_from(RING).unwrap() + 7 {
            feed.push(entry(id, Some("a/k")));
        }
        let news = feed.since(news.next, &all);
        assert_eq!((news.entries.len(), news.missed), (RING, 7));
        // One from before a restart has read more than there is.
        assert_eq!(feed.since(u64::MAX, &all).entries, []);
    }

    #[test]
    fn nobody_hears_of_other_namespaces() {
        let feed = Feed::default();
        for (id, key) in [
            (1, Some("a/k")),
            (2, Some("b/k")),
            (3, None),
            (4, Some("a/l")),
        ] {
            feed.push(entry(id, key));
        }
        let one = Viewer::with("lead", Rights::to_see(&of("a")), None);
        let holder = Viewer::holding(Holder::of("a/l", b"value"));
        assert_eq!(ids(&feed.since(0, &one)), [1, 4]);
        assert_eq!(ids(&feed.since(0, &holder)), [4]);
        let count =
            |viewer: &Viewer| -> u32 { feed.pulse(viewer, 1_000_000).requests.iter().sum() };
        assert_eq!(count(&all()), 4);
        assert_eq!((count(&one), count(&holder)), (2, 0));
    }

    #[test]
    fn what_was_spent_is_told_to_whoever_may_see_spend() {
        let feed = Feed::default();
        for (key, nanos) in [("a/k", 1), ("b/k", 10)] {
            let cost = Some(fairlead_record::Cost {
                nanos,
                estimated: false,
            });
            feed.push(Arc::new(Entry {
                cost,
                ..Entry::clone(&entry(1, Some(key)))
            }));
        }
        let spent = |requests: Reach, usage: Reach| {
            let rights = Rights {
                requests,
                usage,
                ..Rights::default()
            };
            let told = feed.pulse(&Viewer::with("x", rights, None), 1_000_000);
            let requests: u32 = told.requests.iter().sum();
            (requests, told.cost_nanos.iter().sum::<i64>())
        };
        assert_eq!(spent(Reach::All, Reach::All), (2, 11));
        assert_eq!(spent(Reach::All, of("b")), (2, 10));
        assert_eq!(spent(Reach::All, Reach::default()), (2, 0));
        assert_eq!(spent(of("a"), of("b")), (1, 0));
        assert_eq!(spent(of("a"), of("a")), (1, 1));
    }

    #[test]
    fn namespaces_without_end_fill_no_memory() {
        let feed = Feed::default();
        for at in 0..2 * NAMESPACES {
            feed.push(entry(1, Some(&format!("n{at}/k"))));
        }
        assert_eq!(feed.0.lock().namespaces.len(), NAMESPACES);
    }
}
