//! What a watch has seen: the objects of one kind by name.
//!
//! A relist is collected apart and put in place whole, so that nobody sees half of it; an error leaves what there was. Objects that are as
//! they were, apart from what we do not read, change nothing.

use std::sync::Arc;

use fairlead_snapshot::ObjectName;
use kube::runtime::watcher::Event;
use parking_lot::Mutex;

use super::kept::{Item, Kept};

/// The objects of one kind, filled by one watch or, where namespaces are watched one by one, by several.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    kept: Kept<T>,
    /// How many watches have not finished their first list.
    waiting: usize,
    /// How many objects have vanished.
    vanished: u64,
    /// Whether a first list was asked for in vain.
    failed: bool,
}

/// What one watch contributes: the namespace it sees, and the list it is reading.
#[derive(Debug)]
pub(crate) struct Source<T> {
    namespace: Option<String>,
    relist: Option<Kept<T>>,
    listed: bool,
}

impl<T> Source<T> {
    /// A watch of one namespace, or of all.
    #[must_use]
    pub(crate) fn new(namespace: Option<String>) -> Self {
        Self {
            namespace,
            relist: None,
            listed: false,
        }
    }
}

impl<T: Item> Shelf<T> {
    /// An empty shelf that so many watches will fill.
    #[must_use]
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                kept: Kept::default(),
                waiting: sources,
                vanished: 0,
                failed: false,
            }),
        }
    }

    /// Whether every watch has finished its first list.
    #[must_use]
    pub(crate) fn is_complete(&self) -> bool {
        self.inner.lock().waiting == 0
    }

    /// Whether a first list was asked for in vain, so that it is not to be waited for.
    #[must_use]
    pub(crate) fn has_failed(&self) -> bool {
        let inner = self.inner.lock();
        inner.failed && inner.waiting > 0
    }

    /// A watch has failed. `true` if that is the first that is heard of it.
    pub(crate) fn fail(&self) -> bool {
        let mut inner = self.inner.lock();
        let first = inner.waiting > 0 && !inner.failed;
        inner.failed = true;
        first
    }

    /// How many objects have vanished so far.
    #[must_use]
    pub(crate) fn vanished(&self) -> u64 {
        self.inner.lock().vanished
    }

    /// What is there now.
    #[must_use]
    pub(crate) fn items(&self) -> Vec<(ObjectName, Arc<T>)> {
        let inner = self.inner.lock();
        inner
            .kept
            .items()
            .iter()
            .map(|(name, item)| (name.clone(), Arc::clone(item)))
            .collect()
    }

    /// One of them.
    #[must_use]
    pub(crate) fn get(&self, name: &ObjectName) -> Option<Arc<T>> {
        self.inner.lock().kept.items().get(name).cloned()
    }

    /// Takes an event in; `true` if what is there changed, or became complete. `read` may drop an object that nobody wants.
    pub(crate) fn take<K>(
        &self,
        source: &mut Source<T>,
        event: Event<K>,
        read: impl Fn(K) -> Option<(ObjectName, T)>,
    ) -> bool {
        match event {
            Event::Init => {
                source.relist = Some(Kept::default());
                false
            }
            Event::InitApply(object) => {
                if let (Some(relist), Some((name, item))) = (&mut source.relist, read(object)) {
                    relist.put(name, item);
                }
                false
            }
            Event::InitDone => self.replace(source),
            Event::Apply(object) => match read(object) {
                Some((name, item)) => self.put(name, item),
                None => false,
            },
            Event::Delete(object) => match read(object) {
                Some((name, _)) => {
                    let mut inner = self.inner.lock();
                    let removed = inner.kept.remove(&name).is_some();
                    inner.vanished += u64::from(removed);
                    removed
                }
                None => false,
            },
        }
    }

    fn put(&self, name: ObjectName, item: T) -> bool {
        self.inner.lock().kept.put(name, item)
    }

    fn replace(&self, source: &mut Source<T>) -> bool {
        let relist = source.relist.take().unwrap_or_default();
        let mut inner = self.inner.lock();
        let (vanished, changed) = inner.kept.replace(source.namespace.as_deref(), relist);
        inner.vanished += u64::try_from(vanished).unwrap_or_default();
        if !source.listed {
            source.listed = true;
            inner.waiting = inner.waiting.saturating_sub(1);
            return true;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Item for u32 {}

    type Named = (&'static str, &'static str, u32);

    fn read((namespace, name, value): Named) -> Option<(ObjectName, u32)> {
        Some((ObjectName::new(namespace, name), value))
    }

    fn values(shelf: &Shelf<u32>) -> Vec<(String, u32)> {
        let items = shelf.items();
        items
            .iter()
            .map(|(name, value)| (name.to_string(), **value))
            .collect()
    }

    #[test]
    fn a_relist_takes_effect_whole_and_forgets_what_is_gone() {
        let (shelf, mut source) = (Shelf::new(1), Source::new(None));
        for event in [
            Event::Init,
            Event::InitApply(("a", "x", 1)),
            Event::InitApply(("a", "y", 2)),
        ] {
            assert!(!shelf.take(&mut source, event, read));
        }
        assert!(!shelf.is_complete() && values(&shelf).is_empty());
        assert!(shelf.take(&mut source, Event::InitDone, read));
        assert!(shelf.is_complete());
        shelf.take(&mut source, Event::Init, read);
        shelf.take(&mut source, Event::InitApply(("a", "y", 2)), read);
        assert_eq!(
            values(&shelf).len(),
            2,
            "until the list is done, the old one counts"
        );
        assert!(shelf.take(&mut source, Event::InitDone, read));
        assert_eq!(values(&shelf), [("a/y".to_owned(), 2)]);
    }

    #[test]
    fn an_object_that_is_as_it_was_changes_nothing() {
        let (shelf, mut source) = (Shelf::new(1), Source::new(None));
        assert!(shelf.take(&mut source, Event::Apply(("a", "x", 1)), read));
        assert!(!shelf.take(&mut source, Event::Apply(("a", "x", 1)), read));
        assert!(shelf.take(&mut source, Event::Apply(("a", "x", 2)), read));
        assert!(shelf.take(&mut source, Event::Delete(("a", "x", 2)), read));
        assert!(!shelf.take(&mut source, Event::Delete(("a", "x", 2)), read));
    }

    #[test]
    fn a_relist_of_one_namespace_leaves_the_others_alone() {
        let shelf = Shelf::new(2);
        let mut sources = ["a", "b"].map(|name| Source::new(Some(name.to_owned())));
        for (source, name) in sources.iter_mut().zip(["a", "b"]) {
            shelf.take(source, Event::Init, read);
            shelf.take(source, Event::InitApply((name, "x", 1)), read);
            shelf.take(source, Event::InitDone, read);
        }
        assert!(shelf.is_complete());
        shelf.take(&mut sources[0], Event::Init, read);
        assert!(shelf.take(&mut sources[0], Event::InitDone, read));
        assert_eq!(values(&shelf), [("b/x".to_owned(), 1)]);
    }
}
