//! All counters there are, by name.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use fairlead_admit::exchange::Shape;
use fairlead_admit::lease::Now;
use parking_lot::RwLock;

use crate::counter::Counter;

const SHARDS: usize = 64;

/// Counters in shards, so that those who look one up do not wait for each other.
#[derive(Debug)]
pub(crate) struct Registry {
    hasher: RandomState,
    shards: Vec<RwLock<Shard>>,
}

/// By name; under one name there is one counter for each way to count, of which nearly always one.
type Shard = HashMap<Arc<str>, Vec<Arc<Counter>>>;

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
        }
    }

    /// The counter of this name, made by `new` where there is none.
    pub(crate) fn get(
        &self,
        id: &str,
        shape: Shape,
        new: impl FnOnce(Arc<str>) -> Counter,
    ) -> Arc<Counter> {
        let shard = self.shard(id);
        if let Some(counter) = known(&shard.read(), id, shape) {
            return counter;
        }
        let mut shard = shard.write();
        if let Some(counter) = known(&shard, id, shape) {
            return counter;
        }
        let id: Arc<str> = id.into();
        let counter = Arc::new(new(id.clone()));
        shard.entry(id).or_default().push(counter.clone());
        counter
    }

    /// The counter of this name, if there is one.
    pub(crate) fn find(&self, id: &str, shape: Shape) -> Option<Arc<Counter>> {
        known(&self.shard(id).read(), id, shape)
    }

    fn shard(&self, id: &str) -> &RwLock<Shard> {
        &self.shards[usize::try_from(self.hasher.hash_one(id)).unwrap_or(0) % SHARDS]
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Counter>> {
        let shards = self.shards.iter();
        shards
            .flat_map(|shard| shard.read().values().flatten().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Forgets what nobody holds and nothing is left in, in one of the shards.
    pub(crate) fn tidy(&self, turn: usize, now: Now) {
        let mut shard = self.shards[turn % SHARDS].write();
        shard.retain(|_, counters| {
            // Nobody can get at one that only we hold while we hold the shard.
            counters.retain(|counter| !counter.tidy(now) || Arc::strong_count(counter) > 1);
            !counters.is_empty()
        });
        if shard.capacity() > 64 && shard.len() * 4 < shard.capacity() {
            shard.shrink_to_fit();
        }
    }
}

fn known(shard: &Shard, id: &str, shape: Shape) -> Option<Arc<Counter>> {
    let mut known = shard.get(id)?.iter();
    known.find(|counter| counter.shape() == shape).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_counter_for_each_way_to_count() {
        let shared = crate::shared::tests::shared();
        let registry = Registry::new();
        let get = |shape| registry.get("a", shape, |id| Counter::new(id, shape, shared.clone()));
        let budget = get(Shape::Budget);
        assert!(Arc::ptr_eq(&budget, &get(Shape::Budget)));
        assert!(!Arc::ptr_eq(&budget, &get(Shape::Slots)));
        assert_eq!(registry.all().len(), 2);
        assert!(registry.find("a", Shape::Slots).is_some());
        assert!(registry.find("b", Shape::Slots).is_none());
        assert_eq!(registry.all().len(), 2, "looking makes none");
    }

    #[test]
    fn what_nobody_holds_and_nothing_is_left_in_is_forgotten() {
        let shared = crate::shared::tests::shared();
        let registry = Registry::new();
        let names: Vec<_> = (0..1_000).map(|at| at.to_string()).collect();
        let get = |name: &String| {
            let shape = Shape::Budget;
            registry.get(name, shape, |id| Counter::new(id, shape, shared.clone()))
        };
        let kept: Vec<_> = names.iter().take(10).map(get).collect();
        names.iter().for_each(|name| drop(get(name)));
        assert_eq!(registry.all().len(), 1_000);
        (0..SHARDS).for_each(|turn| registry.tidy(turn, shared.clock.now()));
        assert_eq!(registry.all().len(), kept.len());
    }
}
