//! What one connection of a caller is doing, as far as its times depend on it.
//!
//! Written by the connection's own task, read by whoever looks for a connection that can be spared. A request costs a few plain stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A connection, seen from outside.
#[derive(Debug)]
pub(crate) struct Link {
    /// When it was accepted; all other times are counted from here.
    accepted: Instant,
    /// What it does in the two lowest bits, since how many microseconds above them.
    state: AtomicU64,
    /// How many requests of it are being answered.
    requests: AtomicUsize,
    /// Whether what is written to it is not taken.
    stuck: AtomicBool,
    /// Whether all of the request that is being answered has come.
    read: Arc<AtomicBool>,
    /// When the answer that it is given must have been taken, in microseconds; 0: whenever.
    end: AtomicU64,
    /// Whether several requests share it, so that bytes say nothing of a next one.
    shared: AtomicBool,
    spared: AtomicBool,
    /// Whether it is among the strangers.
    counted: AtomicBool,
    strangers: Arc<AtomicUsize>,
    task: Mutex<Option<Waker>>,
}

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No head of a request has ever come to its end.
    Fresh,
    /// A request is being answered.
    Busy,
    /// Nothing, since the last answer.
    Idle,
    /// The next head has begun.
    Head,
}

/// The times of connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// From the first sign of a request to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
}

impl Link {
    /// A connection that was accepted now, one more among the `strangers` until the head of its first request has ended.
    #[must_use]
    pub(crate) fn new(strangers: &Arc<AtomicUsize>) -> Arc<Self> {
        strangers.fetch_add(1, Relaxed);
        Arc::new(Self {
            accepted: Instant::now(),
            state: AtomicU64::new(State::Fresh as u64),
            requests: AtomicUsize::new(0),
            stuck: AtomicBool::new(false),
            read: Arc::default(),
            end: AtomicU64::new(0),
            shared: AtomicBool::new(false),
            spared: AtomicBool::new(false),
            counted: AtomicBool::new(true),
            strangers: Arc::clone(strangers),
            task: Mutex::new(None),
        })
    }

    /// Says which task serves it.
    pub(crate) fn served_by(&self, task: Waker) {
        *self.task.lock() = Some(task);
    }

    /// Several requests share it from now on.
    pub(crate) fn share(&self) {
        self.shared.store(true, Relaxed);
    }

    /// Bytes have come.
    pub(crate) fn received(&self) {
        if self.state().0 == State::Idle && !self.shared.load(Relaxed) {
            self.set(State::Head);
        }
    }

    /// What is written is taken, or is not.
    pub(crate) fn written(&self, taken: bool) {
        if self.stuck.load(Relaxed) != taken {
            return;
        }
        self.stuck.store(!taken, Relaxed);
        // A caller that has just taken the last of its answer is idle only from now on.
        if taken && self.state().0 == State::Idle {
            self.set(State::Idle);
        }
    }

    /// A request is being answered for as long as the guard lives.
    #[must_use]
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.known();
        if self.requests.fetch_add(1, Relaxed) == 0 {
            self.set(State::Busy);
        }
        InFlight(Arc::clone(self))
    }

    /// The answer that is given now must have been taken by then.
    pub(crate) fn ends_by(&self, end: Option<Instant>) {
        let end = end.map_or(0, |end| micros(end.duration_since(self.accepted)).max(1));
        self.end.store(end, Relaxed);
    }

    /// What a request's body tells when all of it has come.
    #[must_use]
    pub(crate) fn read(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.read)
    }

    /// Whether it has one request that is being answered.
    #[must_use]
    pub(crate) fn is_answering(&self) -> bool {
        self.state().0 == State::Busy && !self.shared.load(Relaxed)
    }

    /// The same of a request that has come to its end.
    #[must_use]
    pub(crate) fn awaits_answer(&self) -> bool {
        self.is_answering() && self.read.load(Relaxed)
    }

    /// What it does, and since when.
    #[must_use]
    pub(crate) fn state(&self) -> (State, Duration) {
        let word = self.state.load(Relaxed);
        let state = match word & 3 {
            0 => State::Fresh,
            1 => State::Busy,
            2 => State::Idle,
            _ => State::Head,
        };
        (state, Duration::from_micros(word >> 2))
    }

    /// When it was accepted.
    #[must_use]
    pub(crate) fn accepted(&self) -> Instant {
        self.accepted
    }

    /// Whether it waits for a request and nothing is on its way to its caller.
    #[must_use]
    pub(crate) fn can_be_spared(&self) -> bool {
        !self.stuck.load(Relaxed) && !self.is_spared() && self.state().0 != State::Busy
    }

    /// Counts it among the strangers again: it has begun a head and not ended it.
    pub(crate) fn is_strange(&self) {
        if !self.counted.swap(true, Relaxed) {
            self.strangers.fetch_add(1, Relaxed);
        }
    }

    fn known(&self) {
        if self.counted.load(Relaxed) && self.counted.swap(false, Relaxed) {
            self.strangers.fetch_sub(1, Relaxed);
        }
    }

    /// Asks it to end.
    pub(crate) fn spare(&self) {
        self.known();
        self.spared.store(true, Relaxed);
        if let Some(task) = &*self.task.lock() {
            task.wake_by_ref();
        }
    }

    /// Whether it was asked to end.
    #[must_use]
    pub(crate) fn is_spared(&self) -> bool {
        self.spared.load(Relaxed)
    }

    /// When it must end unless something changes.
    #[must_use]
    pub(crate) fn deadline(&self, times: &Times) -> Option<Instant> {
        let (state, since) = self.state();
        if matches!(state, State::Busy | State::Idle) && self.stuck.load(Relaxed) {
            let end = self.end.load(Relaxed);
            return (end > 0).then(|| self.accepted + Duration::from_micros(end));
        }
        match state {
            State::Busy => None,
            State::Fresh | State::Head => Some(self.accepted + since + times.head),
            State::Idle => Some(self.accepted + since + times.idle),
        }
    }

    fn set(&self, state: State) {
        let since = micros(self.accepted.elapsed());
        self.state.store((since << 2) | state as u64, Relaxed);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.known();
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Link>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Relaxed) == 1 {
            self.0.set(State::Idle);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
    };

    fn left(link: &Link) -> Option<u64> {
        let left = link
            .deadline(&TIMES)?
            .saturating_duration_since(Instant::now());
        Some(left.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_ten_seconds_for_its_first_head_and_longer_between_two_requests() {
        let link = Link::new(&Arc::default());
        tokio::time::advance(Duration::from_secs(3)).await;
        // The first bytes of a head, or of a handshake, give no more time.
        link.received();
        assert_eq!(left(&link), Some(7));
        let request = link.begin();
        assert_eq!(left(&link), None);
        link.received();
        tokio::time::advance(Duration::from_secs(30)).await;
        drop(request);
        assert_eq!(left(&link), Some(75));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(left(&link), Some(70));
        link.received();
        assert_eq!(left(&link), Some(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_still_taking_its_answer_is_not_idle() {
        let link = Link::new(&Arc::default());
        let request = link.begin();
        link.ends_by(Some(Instant::now() + Duration::from_secs(600)));
        link.written(false);
        drop(request);
        assert_eq!((left(&link), link.can_be_spared()), (Some(600), false));
        tokio::time::advance(Duration::from_secs(100)).await;
        link.written(true);
        assert_eq!((left(&link), link.can_be_spared()), (Some(75), true));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_on_a_shared_connection_begin_no_head() {
        let link = Link::new(&Arc::default());
        link.share();
        let requests = [link.begin(), link.begin()];
        let [one, two] = requests;
        drop(one);
        assert_eq!(left(&link), None);
        drop(two);
        link.received();
        assert_eq!(left(&link), Some(75));
    }
}
