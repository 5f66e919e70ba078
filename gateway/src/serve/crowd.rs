//! How many connections there may be: as many as leave descriptors for providers, for copies of requests and for the admin port. When there are that many, those
//! that can best be spared go first; nobody loses an answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::serve::link::{Link, State};

/// Kept for files, epoll and the admin port.
const KEPT: usize = 128;
/// Of the others, copies of requests have one in so many: nobody waits for them.
const COPIES: usize = 16;
/// However few descriptors there are.
const LEAST: usize = 16;
/// What is assumed where no limit can be read: what most systems have.
const FALLBACK: usize = 1024;
/// What a head that has not ended may occupy, buffers included.
const HEAD: usize = 128 * 1024;
/// Of the memory for bodies, heads that have not ended may occupy one in so many parts more.
const HEADS: usize = 8;
/// A connection without a request is left alone for so long: its head is on its way.
const GRACE: Duration = Duration::from_secs(1);

/// The connections of callers.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    /// The most that have not sent the head of a request to its end.
    most_strangers: usize,
    strangers: Arc<AtomicUsize>,
    members: Mutex<Members>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Members {
    next: u64,
    links: HashMap<u64, Arc<Link>>,
}

/// One connection among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The connection.
    pub link: Arc<Link>,
    crowd: Arc<Crowd>,
    number: u64,
}

impl Crowd {
    /// At most so many, and so many strangers among them.
    #[must_use]
    pub(crate) fn new(most: usize, strangers: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_strangers: strangers.min(most),
            strangers: Arc::default(),
            members: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// As many as the descriptors of this process allow where `most` is not given, and as many strangers as fit into a part of `memory`.
    #[must_use]
    pub(crate) fn of_this_process(most: Option<usize>, memory: usize) -> Arc<Self> {
        // Each request has a connection to a provider beside it.
        let most = most.unwrap_or_else(|| ((left() - copies_of(left())) / 2).max(LEAST));
        Self::new(most, (memory / HEADS / HEAD).max(LEAST))
    }

    /// Waits for a place, and makes one if somebody can be spared.
    pub(crate) async fn seat(self: &Arc<Self>) -> Seat {
        loop {
            let left = self.left.notified();
            if let Some(seat) = self.try_seat() {
                return seat;
            }
            left.await;
        }
    }

    /// A place, if there is one or somebody can be spared.
    pub(crate) fn try_seat(self: &Arc<Self>) -> Option<Seat> {
        let mut members = self.members.lock();
        if members.links.len() >= self.most {
            members.spare(self.most.div_ceil(64), |_| true);
        } else if self.strangers.load(Relaxed) >= self.most_strangers {
            members.spare(self.most_strangers.div_ceil(64), is_stranger);
        }
        if members.links.len() >= self.most {
            return None;
        }
        let number = members.next;
        members.next += 1;
        let link = Link::new(&self.strangers);
        members.links.insert(number, Arc::clone(&link));
        Some(Seat {
            link,
            crowd: Arc::clone(self),
            number,
        })
    }
}

impl Members {
    /// Asks up to `count` of those `among` to end: first who has sent no whole head in a while, then who has been idle for longest, then who has
    /// just come. They count no longer: their cores close them in a moment.
    fn spare(&mut self, count: usize, among: impl Fn(&Link) -> bool) {
        let rank = |link: &Link| {
            let (_, since) = link.state();
            let since = link.accepted() + since;
            let class = match (is_stranger(link), since.elapsed() >= GRACE) {
                (true, true) => 0,
                (false, _) => 1,
                (true, false) => 2,
            };
            (class, since)
        };
        let candidates = self.links.iter();
        let mut candidates: Vec<_> = candidates
            .filter(|(_, link)| link.can_be_spared() && among(link))
            .map(|(number, link)| (rank(link), *number))
            .collect();
        if candidates.len() > count && count > 0 {
            candidates.select_nth_unstable(count - 1);
        }
        for (_, number) in candidates.into_iter().take(count) {
            if let Some(link) = self.links.remove(&number) {
                link.spare();
            }
        }
    }
}

fn is_stranger(link: &Link) -> bool {
    matches!(link.state().0, State::Fresh | State::Head)
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.members.lock().links.remove(&self.number);
        self.crowd.left.notify_waiters();
    }
}

/// How many copies of requests may be under way, as each has a connection.
#[must_use]
pub(crate) fn copies() -> usize {
    copies_of(left()).max(1)
}

fn copies_of(left: usize) -> usize {
    left / COPIES
}

/// How many descriptors are left for connections.
fn left() -> usize {
    descriptors().saturating_sub(KEPT)
}

/// How many descriptors this process may have (source: proc_pid_limits(5)).
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(FALLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn taken(crowd: &Arc<Crowd>) -> Seat {
        crowd.try_seat().expect("there is no place")
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_idle_for_longest_goes_first_and_nobody_loses_an_answer() {
        let crowd = Crowd::new(3, 3);
        let seats = [taken(&crowd), taken(&crowd), taken(&crowd)];
        let [busy, old, new] = &seats;
        let _answering = busy.link.begin();
        for idle in [old, new] {
            drop(idle.link.begin());
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        let _next = taken(&crowd);
        assert_eq!(
            seats.each_ref().map(|seat| seat.link.is_spared()),
            [false, true, false]
        );
        let _one_more = taken(&crowd);
        assert_eq!(
            seats.each_ref().map(|seat| seat.link.is_spared()),
            [false, true, true]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_says_anything_goes_before_who_is_idle() {
        let crowd = Crowd::new(2, 2);
        let (known, silent) = (taken(&crowd), taken(&crowd));
        drop(known.link.begin());
        tokio::time::advance(Duration::from_secs(2)).await;
        let fresh = taken(&crowd);
        assert!(silent.link.is_spared() && !known.link.is_spared());
        // One that has only just come is given the time to speak.
        let _next = taken(&crowd);
        assert!(known.link.is_spared() && !fresh.link.is_spared());
    }

    #[tokio::test(start_paused = true)]
    async fn when_everybody_is_served_the_next_one_waits() {
        let crowd = Crowd::new(1, 1);
        let busy = taken(&crowd);
        let answering = busy.link.begin();
        assert!(crowd.seat().now_or_never().is_none());
        drop(answering);
        assert!(crowd.seat().now_or_never().is_some());
        assert!(busy.link.is_spared());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_are_fewer_than_all() {
        let crowd = Crowd::new(100, 2);
        let mut strangers: Vec<_> = (0..2).map(|_| taken(&crowd)).collect();
        let known = taken(&crowd);
        drop(known.link.begin());
        strangers.push(taken(&crowd));
        let spared = strangers
            .iter()
            .filter(|seat| seat.link.is_spared())
            .count();
        assert!(spared >= 1 && !known.link.is_spared());
    }

    #[test]
    fn the_limit_of_descriptors_is_read() {
        assert!(descriptors() > 20);
    }
}
