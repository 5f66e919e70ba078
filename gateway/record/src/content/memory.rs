//! The last contents of this replica, in memory: bounded by bytes and by age.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Content, ContentStore, Packed};
use crate::log::Answer;
use crate::standing::Standing;
use crate::wall::Wall;

/// So many bytes are kept.
const BYTES: usize = 32 * 1024 * 1024;
/// What one takes beside its bytes, about.
const EACH: usize = 128;
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// The store.
#[derive(Debug)]
pub struct ContentMemory {
    kept: Mutex<Kept>,
    room: usize,
    hours: i64,
    wall: Wall,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<u64, Arc<Packed>>,
    /// The last to come is last.
    order: VecDeque<u64>,
    bytes: usize,
    taken: u64,
}

impl ContentMemory {
    /// One that keeps 32 MiB, and nothing for longer than this.
    #[must_use]
    pub fn new(hours: u16, wall: Wall) -> Self {
        Self::of(BYTES, hours, wall)
    }

    /// One that keeps so many bytes.
    #[must_use]
    pub fn of(room: usize, hours: u16, wall: Wall) -> Self {
        Self {
            kept: Mutex::default(),
            room,
            hours: i64::from(hours),
            wall,
        }
    }

    /// Whether it is older than anything that is kept.
    fn is_old(&self, content: &Packed) -> bool {
        let oldest = self.wall.micros().saturating_sub(self.hours * HOUR);
        content.ended_unix_us < oldest
    }
}

impl Kept {
    fn forget_oldest(&mut self) -> bool {
        let Some(id) = self.order.pop_front() else {
            return false;
        };
        if let Some(gone) = self.by_id.remove(&id) {
            self.bytes = self.bytes.saturating_sub(gone.bytes.len() + EACH);
        }
        true
    }
}

impl ContentStore for ContentMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn keep(&self, content: &Arc<Packed>) {
        let mut kept = self.kept.lock();
        kept.taken += 1;
        kept.bytes += content.bytes.len() + EACH;
        if let Some(same) = kept.by_id.insert(content.id, Arc::clone(content)) {
            kept.bytes = kept.bytes.saturating_sub(same.bytes.len() + EACH);
        } else {
            kept.order.push_back(content.id);
        }
        while kept.bytes > self.room && kept.forget_oldest() {}
        // Whatever is too old goes with the next one that comes, and is read no more before.
        while let Some(oldest) = kept.order.front().and_then(|id| kept.by_id.get(id))
            && self.is_old(oldest)
        {
            kept.forget_oldest();
        }
    }

    fn read(&self, id: u64) -> Answer<'_, Option<Content>> {
        let found = self.kept.lock().by_id.get(&id).cloned();
        let found = found.filter(|content| !self.is_old(content));
        Box::pin(ready(Ok(found.and_then(|content| content.content()))))
    }

    fn standing(&self) -> Standing {
        let taken = self.kept.lock().taken;
        Standing {
            taken,
            written: taken,
            ..Standing::default()
        }
    }

    fn end(&self) {}
}
