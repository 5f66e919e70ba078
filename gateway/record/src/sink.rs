//! Whoever keeps, writes or sends finished requests.

use std::sync::Arc;

use crate::Entry;

/// A place that every finished request is given to.
pub trait Sink: Send {
    /// Takes a request. Called by the one thread that has made the entry, for every request: it must not wait for anybody. Who writes to a disk
    /// or a network has a bounded queue of its own, and drops and counts what finds it full.
    fn take(&self, entry: &Arc<Entry>);

    /// Whether copies of requests are for it, too: they are no requests of anybody's, and whoever counts must not count them.
    fn takes_copies(&self) -> bool {
        false
    }
}

/// One that others read from.
impl<T: Sink + Sync + ?Sized> Sink for Arc<T> {
    fn take(&self, entry: &Arc<Entry>) {
        T::take(self, entry);
    }

    fn takes_copies(&self) -> bool {
        T::takes_copies(self)
    }
}

impl Sink for crate::Ring {
    fn take(&self, entry: &Arc<Entry>) {
        self.push(Arc::clone(entry));
    }
}

#[cfg(feature = "sqlite")]
impl Sink for crate::Sqlite {
    fn take(&self, entry: &Arc<Entry>) {
        self.offer(Arc::clone(entry));
    }
}

#[cfg(feature = "postgres")]
impl Sink for crate::Postgres {
    fn take(&self, entry: &Arc<Entry>) {
        self.offer(Arc::clone(entry));
    }
}
