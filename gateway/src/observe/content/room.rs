//! Room for bytes that are held; what was taken is given back when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Room for so many bytes.
#[derive(Debug)]
pub(super) struct Room {
    left: AtomicUsize,
}

/// Some of it.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    #[must_use]
    pub(super) fn of(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(bytes),
        })
    }

    /// Takes so many bytes; `None`: there are not as many left.
    #[must_use]
    pub(super) fn take(room: &Arc<Self>, bytes: usize) -> Option<Held> {
        room.shrink(bytes).then(|| Held {
            room: Arc::clone(room),
            bytes,
        })
    }

    fn shrink(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        self.left.fetch_update(Relaxed, Relaxed, less).is_ok()
    }
}

impl Held {
    /// Takes more; says whether there was as much.
    #[must_use]
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let grown = self.room.shrink(bytes);
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let room = Room::of(10);
        let mut held = Room::take(&room, 4).unwrap();
        assert!(held.grow(6) && !held.grow(1));
        assert!(Room::take(&room, 1).is_none());
        drop(held);
        assert!(Room::take(&room, 10).is_some());
    }
}
