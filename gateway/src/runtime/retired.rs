//! Runtimes that are in force no more, and the memory that they and the making of their successors leave free.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Live, Runtime};

/// The allocator keeps what is free for a second in case it is asked for again (source: mimalloc, `purge_delay`), and then looks for it when it
/// is asked for more, or when a thread ends. In a gateway that nobody asks for anything neither may ever be: a thread is started that ends
/// a moment after that.
const KEPT: Duration = Duration::from_millis(1200);

/// Runtimes that requests may still be using: dropped here, once they are not, and never on a core.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    runtimes: Vec<Arc<Runtime>>,
    /// The thread whose end gives back what is free.
    ending: Option<JoinHandle<()>>,
    /// Whether more has become free since it was started.
    more: bool,
}

impl Retired {
    /// Puts a runtime into force and keeps the one before.
    pub(crate) fn replace(&mut self, live: &Live, next: Runtime) {
        self.runtimes.push(live.swap(Arc::new(next)));
        self.more = true;
        self.give_back();
    }

    /// Drops those that no request uses any more. Called every few seconds.
    pub(crate) fn sweep(&mut self) {
        let before = self.runtimes.len();
        self.runtimes
            .retain(|runtime| Arc::strong_count(runtime) > 1);
        self.more |= self.runtimes.len() < before;
        self.give_back();
    }

    /// A configuration was made of which much is free now, whether it came into force or not.
    pub(crate) fn has_freed(&mut self) {
        self.more = true;
        self.give_back();
    }

    fn give_back(&mut self) {
        let is_under_way = |thread: &JoinHandle<()>| !thread.is_finished();
        if !self.more || self.ending.as_ref().is_some_and(is_under_way) {
            return;
        }
        let thread = thread::Builder::new().name("memory".to_owned());
        // Where no thread can be started, memory is kept a while longer.
        self.ending = thread.spawn(end_later).ok();
        self.more = self.ending.is_none();
    }
}

/// Runs what makes a configuration on a thread that ends with it: a thread that lives on keeps what it has freed, in case it needs it again.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// What this thread asks for makes it one that the allocator knows.
fn end_later() {
    let known = vec![0_u8; 64];
    thread::park_timeout(KEPT);
    drop(std::hint::black_box(known));
}
