//! The last requests of this replica, in memory: always there, whatever becomes of the stores, and told as they come to whoever watches. Copies
//! that their callers are charged for are among them, for sums alone.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::broadcast;

use crate::Entry;
use crate::cursor::Cursor;
use crate::filter::{Ask, Filter, Page};
use crate::log::{Answer, RequestLog};
use crate::rollup::{Grouped, Rollup};
use crate::scope::Scope;
use crate::usage::UsageAsk;

/// So many requests are kept: about 10 MB.
pub(crate) const KEPT: usize = 10_000;
/// So many may be on their way to one who watches; one who is slower is told how many it has missed.
const ON_THEIR_WAY: usize = 1_024;

/// The ring.
#[derive(Debug)]
pub struct Ring {
    /// The last to end is last.
    entries: RwLock<VecDeque<Arc<Entry>>>,
    room: usize,
    live: broadcast::Sender<Arc<Entry>>,
}

impl Default for Ring {
    fn default() -> Self {
        Self::of(KEPT)
    }
}

impl Ring {
    /// One that keeps so many.
    #[must_use]
    pub fn of(room: usize) -> Self {
        Self {
            entries: RwLock::default(),
            room: room.max(1),
            live: broadcast::Sender::new(ON_THEIR_WAY),
        }
    }

    /// Keeps an entry in the place of the oldest, and tells whoever watches. Never waits for a reader of the ring longer than it takes to copy
    /// its pointers.
    pub fn push(&self, entry: Arc<Entry>) {
        let oldest = {
            let mut entries = self.entries.write();
            let full = entries.len() >= self.room;
            let oldest = full.then(|| entries.pop_front());
            entries.push_back(Arc::clone(&entry));
            oldest
        };
        // Freed outside of the lock.
        drop(oldest);
        // Nobody watches most of the time.
        if entry.mirror.is_none() {
            let _ = self.live.send(entry);
        }
    }

    /// Every entry from now on. One who wants those before too subscribes first, searches then, and puts both together by id.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.live.subscribe()
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.read().len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pointers alone, so that nobody who writes waits for a search.
    fn copy(&self) -> Vec<Arc<Entry>> {
        self.entries.read().iter().cloned().collect()
    }

    fn page(&self, filter: &Filter, ask: Ask) -> Page {
        let after = |entry: &Entry| ask.after.is_none_or(|after| Cursor::of(entry) < after);
        let mut entries = self.copy();
        entries.retain(|entry| after(entry) && entry.mirror.is_none() && filter.lets(entry));
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(Cursor::of(entry)));
        Page::cut(entries, ask)
    }
}

impl Page {
    /// The page out of the entries that may stand in it: one more than it holds says that there is a next one.
    pub(crate) fn cut(mut entries: Vec<Arc<Entry>>, ask: Ask) -> Self {
        let more = entries.len() > ask.size();
        entries.truncate(ask.size());
        let last = entries.last().map(|entry| Cursor::of(entry));
        Self {
            entries,
            next: last.filter(|_| more),
        }
    }
}

impl RequestLog for Ring {
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page> {
        Box::pin(ready(Ok(self.page(filter, ask))))
    }

    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        let entries = self.copy();
        let is = |entry: &Arc<Entry>| entry.id == id && entry.mirror.is_none();
        let found = entries.into_iter().rev().find(is);
        Box::pin(ready(Ok(found.filter(|entry| scope.shows(entry)))))
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<crate::Usage>> {
        let entries = self.copy();
        let rollup = Rollup::of(entries.iter().map(AsRef::as_ref));
        let mut grouped = Grouped::default();
        for (place, sums) in &rollup.0 {
            grouped.add(ask, place, *sums);
        }
        Box::pin(ready(Ok(grouped.rows())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mirror, Sink as _, sample};

    #[tokio::test]
    async fn the_oldest_gives_way_and_readers_see_the_newest_first() {
        let ring = Ring::of(100);
        let mut watched = ring.subscribe();
        for seed in 0..250 {
            ring.push(Arc::new(sample::entry(seed)));
        }
        assert_eq!(ring.len(), 100);
        let all = Filter {
            scope: Scope::All,
            ..Filter::default()
        };
        let ask = Ask {
            limit: 60,
            after: None,
        };
        let first = ring.search(&all, ask).await.unwrap();
        let ask = Ask {
            limit: 60,
            after: first.next,
        };
        let second = ring.search(&all, ask).await.unwrap();
        assert_eq!((first.entries.len(), second.entries.len()), (60, 40));
        assert_eq!(second.next, None);
        let both: Vec<_> = [first.entries, second.entries].concat();
        assert!(
            both.windows(2)
                .all(|pair| Cursor::of(&pair[0]) > Cursor::of(&pair[1]))
        );
        assert_eq!(watched.recv().await.unwrap().id, sample::entry(0).id);
    }

    #[tokio::test]
    async fn a_copy_at_its_callers_expense_is_spending_and_no_request() {
        let ring = Ring::default();
        let original = sample::usual();
        let copy = Entry {
            id: 7,
            mirror: Some(Mirror {
                charged: true,
                of: original.id,
                ..Mirror::default()
            }),
            ..original.clone()
        };
        assert!(ring.wants(&copy));
        ring.push(Arc::new(original.clone()));
        ring.push(Arc::new(copy.clone()));
        let ask = UsageAsk {
            scope: Scope::All,
            ..UsageAsk::default()
        };
        let sums = ring.usage(&ask).await.unwrap()[0].sums;
        let cost = original.cost.unwrap().nanos;
        assert!(cost > 0);
        assert_eq!((sums.requests, sums.cost_nanos), (1, 2 * cost));
        let all = Filter {
            scope: Scope::All,
            ..Filter::default()
        };
        let page = ring.search(&all, Ask::default()).await.unwrap();
        assert_eq!(page.entries.len(), 1);
        assert_eq!(ring.get(7, &Scope::All).await.unwrap(), None);
        // One at the provider's is nobody's.
        let mut free = copy;
        free.mirror.as_mut().unwrap().charged = false;
        assert!(!ring.wants(&free));
    }

    #[tokio::test]
    async fn one_who_watches_slowly_misses_some_and_holds_up_nobody() {
        let ring = Ring::of(10);
        let mut slow = ring.subscribe();
        for seed in 0..3_000 {
            ring.push(Arc::new(sample::entry(seed)));
        }
        let lagged = slow.recv().await.unwrap_err();
        assert_eq!(lagged, broadcast::error::RecvError::Lagged(3_000 - 1_024));
        assert!(slow.recv().await.is_ok());
    }

    #[tokio::test]
    async fn nobody_sees_what_is_not_theirs() {
        let ring = Ring::default();
        let entry = sample::usual();
        ring.push(Arc::new(entry.clone()));
        let own = Scope::Namespaces(vec!["search".into()]);
        let other = Scope::Namespaces(vec!["searc".into(), "shop".into()]);
        assert!(ring.get(entry.id, &own).await.unwrap().is_some());
        assert!(ring.get(entry.id, &other).await.unwrap().is_none());
        assert!(
            ring.get(entry.id, &Scope::default())
                .await
                .unwrap()
                .is_none()
        );
        let nobodys = ring
            .search(&Filter::default(), Ask::default())
            .await
            .unwrap();
        assert_eq!(nobodys, Page::default());
    }
}
