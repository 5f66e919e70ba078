//! What is kept of the objects of one kind, by name, and how much of each namespace.
//!
//! Whoever may write objects of a kind that can be large, such as Secrets, could otherwise fill the memory of the operator. What is over a
//! namespace's share is kept without its content, which its own namespace notices and no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_snapshot::ObjectName;

/// The most that the contents of a namespace may be, in bytes: some ten thousand values of usual length.
const NAMESPACE_BYTES: usize = 2 * 1024 * 1024;

/// Something that is kept.
pub(crate) trait Item: PartialEq {
    /// How much room its content takes, in bytes, where it counts.
    fn bytes(&self) -> usize {
        0
    }

    /// Gives the content up.
    fn withhold(&mut self) {}
}

/// Objects by name.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    items: BTreeMap<ObjectName, Arc<T>>,
    /// How much room the contents of each namespace take.
    used: BTreeMap<String, usize>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            items: BTreeMap::new(),
            used: BTreeMap::new(),
        }
    }
}

impl<T: Item> Kept<T> {
    /// The objects.
    #[must_use]
    pub(crate) fn items(&self) -> &BTreeMap<ObjectName, Arc<T>> {
        &self.items
    }

    /// Keeps an object in place of the one of its name. Whether it is another than before.
    pub(crate) fn put(&mut self, name: ObjectName, mut item: T) -> bool {
        let old = self.remove(&name);
        let used = self.used.entry(name.namespace.clone()).or_default();
        if *used + item.bytes() > NAMESPACE_BYTES {
            item.withhold();
        }
        *used += item.bytes();
        let changed = old.is_none_or(|old| *old != item);
        self.items.insert(name, Arc::new(item));
        changed
    }

    /// Keeps an object no longer.
    pub(crate) fn remove(&mut self, name: &ObjectName) -> Option<Arc<T>> {
        let item = self.items.remove(name)?;
        if let Some(used) = self.used.get_mut(&name.namespace) {
            *used = used.saturating_sub(item.bytes());
            if *used == 0 {
                self.used.remove(&name.namespace);
            }
        }
        Some(item)
    }

    /// Puts what a list has shown in place of the objects of its namespace, or of all. How many have vanished, and whether anything is another than
    /// before.
    pub(crate) fn replace(&mut self, namespace: Option<&str>, list: Self) -> (usize, bool) {
        let ours =
            |name: &ObjectName| namespace.is_none_or(|namespace| namespace == name.namespace);
        let (before, others): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.items)
            .into_iter()
            .partition(|(name, _)| ours(name));
        let vanished = before.keys().filter(|name| !list.items.contains_key(*name));
        let vanished = vanished.count();
        let changed = before.len() != list.items.len()
            || before
                .iter()
                .any(|(name, old)| list.items.get(name).is_none_or(|new| **new != **old));
        self.items = others;
        self.items.extend(list.items);
        self.used
            .retain(|name, _| namespace.is_some_and(|namespace| namespace != name));
        self.used.extend(list.used);
        (vanished, changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Bytes(usize);

    impl Item for Bytes {
        fn bytes(&self) -> usize {
            self.0
        }

        fn withhold(&mut self) {
            self.0 = 0;
        }
    }

    #[test]
    fn a_namespace_that_floods_loses_its_own_contents_and_nobody_elses() {
        let mut kept = Kept::default();
        let named = |namespace: &str, at: usize| ObjectName::new(namespace, format!("s{at}"));
        for at in 0..1000 {
            kept.put(named("hostile", at), Bytes(100_000));
        }
        kept.put(named("victim", 0), Bytes(100));
        let all: usize = kept.items().values().map(|item| item.bytes()).sum();
        assert!(all <= NAMESPACE_BYTES + 100, "{all}");
        assert_eq!(*kept.items()[&named("victim", 0)], Bytes(100));
        for at in 0..1000 {
            kept.remove(&named("hostile", at));
        }
        kept.put(named("hostile", 0), Bytes(100_000));
        assert_eq!(*kept.items()[&named("hostile", 0)], Bytes(100_000));
    }
}
