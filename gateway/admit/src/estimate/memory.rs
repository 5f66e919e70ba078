//! Everything that has been learned: bounded, and what was not asked for longest goes first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Learned;
use super::sketch::Sketch;

const SHARDS: usize = 16;

/// What has been learned of each key at each model: about 0.6 KB each.
#[derive(Debug)]
pub struct Estimates {
    shards: [Mutex<Shard>; SHARDS],
    models: Mutex<Kept<u64, Arc<Mutex<Sketch>>>>,
    clock: AtomicU64,
}

type Shard = Kept<(u64, u64), Arc<Learned>>;

/// At most so many entries, each with when it was last asked for.
#[derive(Debug)]
struct Kept<K, V> {
    entries: HashMap<K, (u64, V)>,
    most: usize,
}

impl Default for Estimates {
    /// Room for 16,384 keys at a model: 10 MB.
    fn default() -> Self {
        Self::with_room(16_384)
    }
}

impl Estimates {
    /// Room for so many keys at a model, at least 16, and a quarter as many models.
    #[must_use]
    pub fn with_room(most: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Kept::new(most / SHARDS))),
            models: Mutex::new(Kept::new(most / 4)),
            clock: AtomicU64::new(0),
        }
    }

    /// What has been learned of a key at a model, by whatever numbers stand for them. Keep it for as long as a request lasts.
    #[must_use]
    pub fn of(&self, key: u64, model: u64) -> Arc<Learned> {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let mixed = (key ^ model.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The first four bits.
        let shard = usize::from(mixed.to_be_bytes()[0] >> 4);
        let mut shard = self.shards[shard].lock();
        shard.get_or(now, (key, model), || {
            let of_model = self.models.lock().get_or(now, model, Arc::default);
            Arc::new(Learned::new(of_model))
        })
    }

    /// How many keys at a model are known.
    #[must_use]
    pub fn len(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| shard.lock().entries.len()).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Kept<K, V> {
    fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            most: most.max(1),
        }
    }

    fn get_or(&mut self, now: u64, key: K, make: impl FnOnce() -> V) -> V {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.forget_one();
        }
        match self.entries.entry(key) {
            Entry::Occupied(mut entry) => {
                let (asked, value) = entry.get_mut();
                *asked = now;
                value.clone()
            }
            Entry::Vacant(entry) => entry.insert((now, make())).1.clone(),
        }
    }

    /// Looks at all of them, a microsecond for a thousand: only when there is something new and no room.
    fn forget_one(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, (asked, _))| *asked);
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            self.entries.remove(&oldest);
        }
    }
}
