//! Large bodies are looked through beside the cores. A core serves many callers, one step at a time, and whoever comes while it looks through
//! 32 MiB of escapes would wait for a third of a second.
//!
//! Only as many are looked through at once as leave the cores their time; the next one is of the key that has fewest of them there.

use std::future::pending;
use std::sync::Arc;

use fairlead_health::Asker;

use crate::upstream::gate::{Gate, Slot, Turn};

/// What takes a core less than about a millisecond, whatever is in it; more than most requests have.
const LARGE: usize = 128 * 1024;

/// Where they are looked through.
#[derive(Debug)]
pub(crate) struct Beside {
    gate: Arc<Gate>,
    most: u32,
}

impl Beside {
    /// Beside so many cores.
    #[must_use]
    pub(crate) fn cores(count: usize) -> Self {
        Self {
            gate: Arc::default(),
            most: u32::try_from(count / 2).unwrap_or(u32::MAX).max(1),
        }
    }

    /// Does work on so many bytes: here, if that is soon done. Once begun it is done to its end, whether or not anybody still waits for it.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        asker: Asker,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes < LARGE {
            return work();
        }
        let place = self.place(asker).await;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match working
            .await
            .map_err(tokio::task::JoinError::try_into_panic)
        {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The core has ended, and this with it.
            Err(Err(_)) => pending().await,
        }
    }

    /// A place. The line is as long as the memory for bodies allows, so that nobody is sent away.
    async fn place(&self, asker: Asker) -> Option<Slot> {
        if let Some(slot) = self.gate.enter(self.most, asker) {
            return Some(slot);
        }
        let mut turn = Turn::line_up(&self.gate, u32::MAX, asker)?;
        turn.slot().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const ONE: Asker = Asker::new(2);
    const TWO: Asker = Asker::new(4);

    #[tokio::test]
    async fn what_is_small_is_done_at_once_and_what_is_large_elsewhere() {
        let (beside, here) = (Beside::cores(2), thread::current().id());
        let where_done = async |bytes| beside.work(ONE, bytes, || thread::current().id()).await;
        assert_eq!(where_done(LARGE - 1).await, here);
        assert_ne!(where_done(LARGE).await, here);
    }

    #[tokio::test]
    async fn what_is_small_does_not_wait_and_keys_take_turns_at_what_is_large() {
        let beside = Arc::new(Beside::cores(2));
        let (go_on, waits) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let first = beside.work(ONE, LARGE, move || waits.recv());
        let work = |asker, name: &'static str| {
            let (beside, tell) = (Arc::clone(&beside), tell.clone());
            async move { beside.work(asker, LARGE, move || tell.send(name)).await }
        };
        let release = async {
            while beside.gate.queued() < 3 {
                tokio::task::yield_now().await;
            }
            assert_eq!(beside.work(TWO, 1, || "small").await, "small");
            go_on.send(()).unwrap();
        };
        let (_, _, _, _, ()) = tokio::join!(
            first,
            work(ONE, "his second"),
            work(ONE, "his third"),
            work(TWO, "hers"),
            release
        );
        let order: Vec<_> = told.try_iter().collect();
        assert_eq!(order, ["his second", "hers", "his third"]);
    }
}
