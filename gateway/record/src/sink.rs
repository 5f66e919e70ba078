//! Whoever keeps, writes or sends finished requests.

use std::sync::Arc;

use crate::Entry;

/// A place that every finished request is given to.
pub trait Sink: Send {
    /// Takes a request. Called by the one thread that has made the entry, for every request: it must not wait for anybody. Who writes to a disk
    /// or a network has a bounded queue of its own, and drops and counts what finds it full.
    fn take(&self, entry: &Arc<Entry>);

    /// Whether an entry is for it. Copies of requests are no requests of anybody's: whoever counts must not count them.
    fn wants(&self, entry: &Entry) -> bool {
        entry.mirror.is_none()
    }
}

impl Entry {
    /// Whether it is a request, or the copy of one that is its caller's spending: that is what sums of cost are over.
    #[must_use]
    pub fn is_spending(&self) -> bool {
        self.mirror.as_ref().is_none_or(|mirror| mirror.charged)
    }
}

/// One that others read from.
impl<T: Sink + Sync + ?Sized> Sink for Arc<T> {
    fn take(&self, entry: &Arc<Entry>) {
        T::take(self, entry);
    }

    fn wants(&self, entry: &Entry) -> bool {
        T::wants(self, entry)
    }
}

impl Sink for crate::Ring {
    fn take(&self, entry: &Arc<Entry>) {
        self.push(Arc::clone(entry));
    }

    fn wants(&self, entry: &Entry) -> bool {
        entry.is_spending()
    }
}

#[cfg(feature = "sqlite")]
impl Sink for crate::Sqlite {
    fn take(&self, entry: &Arc<Entry>) {
        self.offer(Arc::clone(entry));
    }

    fn wants(&self, entry: &Entry) -> bool {
        entry.is_spending()
    }
}

#[cfg(feature = "postgres")]
impl Sink for crate::Postgres {
    fn take(&self, entry: &Arc<Entry>) {
        self.offer(Arc::clone(entry));
    }

    fn wants(&self, entry: &Entry) -> bool {
        entry.is_spending()
    }
}
