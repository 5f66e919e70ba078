//! What waits for a store to write it: bounded in number by the store's queue, and in bytes here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::Packed;
use crate::told::Told;

/// So many may wait, and so many bytes of them.
pub(crate) const QUEUE: usize = 4_096;
const BYTES: usize = 16 * 1024 * 1024;

/// How many bytes wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting(AtomicUsize);

impl Waiting {
    /// Sends one to whoever writes, and tells what became of it. `send` says whether there was room in the queue.
    pub(crate) fn offer(
        &self,
        content: &Arc<Packed>,
        told: &Told,
        send: impl FnOnce(Arc<Packed>) -> bool,
    ) {
        let bytes = content.bytes.len();
        let more = |waiting: usize| waiting.checked_add(bytes).filter(|sum| *sum <= BYTES);
        // Counted before it is sent: it may be written at once.
        if self.0.fetch_update(Relaxed, Relaxed, more).is_err() {
            told.dropped();
        } else if send(Arc::clone(content)) {
            told.taken();
        } else {
            self.0.fetch_sub(bytes, Relaxed);
            told.dropped();
        }
    }

    /// These wait no longer.
    pub(crate) fn done(&self, contents: &[Arc<Packed>]) {
        let bytes = contents.iter().map(|content| content.bytes.len()).sum();
        self.0.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_in_bytes_and_what_is_done_makes_room() {
        let (waiting, told) = (Waiting::default(), Told::default());
        let half = Arc::new(Packed {
            id: 1,
            ended_unix_us: 0,
            bytes: vec![0; BYTES / 2],
        });
        let offer = |has_room| waiting.offer(&half, &told, |_| has_room);
        let seen = || waiting.0.load(Relaxed);
        offer(true);
        // What found the queue full takes no room.
        offer(false);
        assert_eq!(seen(), BYTES / 2);
        offer(true);
        offer(true);
        assert_eq!((seen(), told.standing().dropped), (BYTES, 2));
        waiting.done(std::slice::from_ref(&half));
        assert_eq!(seen(), BYTES / 2);
    }
}
