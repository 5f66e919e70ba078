//! How many requests are at a provider, and who waits for a place: shared by all cores, first come first served.
//!
//! The usual request takes a place by one atomic step. Only where there is none is a lock taken, for moments, to stand in line; whoever
//! leaves hands the place to the first in line, on whichever core that waits. A gate outlives the configuration that its limit is from.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot::{self, Receiver, Sender};

/// The places at a provider.
#[derive(Debug)]
pub struct Gate {
    taken: AtomicU32,
    /// The limit, as the last who came brought it.
    limit: AtomicU32,
    /// How many stand in line: looked at without the lock.
    waiting: AtomicU32,
    line: Mutex<VecDeque<Sender<Slot>>>,
}

/// A place at a provider; given back when it is dropped.
#[derive(Debug)]
pub struct Slot(Option<Arc<Gate>>);

/// A place in line; left when it is dropped.
#[derive(Debug)]
pub struct Turn {
    gate: Arc<Gate>,
    slot: Receiver<Slot>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            taken: AtomicU32::new(0),
            limit: AtomicU32::new(u32::MAX),
            waiting: AtomicU32::new(0),
            line: Mutex::default(),
        }
    }
}

impl Gate {
    /// A place, if there is one within `limit` and nobody waits for it already.
    #[must_use]
    pub fn enter(self: &Arc<Self>, limit: u32) -> Option<Slot> {
        if self.limit.load(Ordering::Relaxed) != limit {
            self.limit.store(limit, Ordering::Relaxed);
        }
        let free = limit == u32::MAX || self.waiting.load(Ordering::SeqCst) == 0;
        (free && self.take()).then(|| Slot(Some(Arc::clone(self))))
    }

    /// A place in line, if there are fewer than `length` in it.
    #[must_use]
    pub fn line_up(self: &Arc<Self>, length: u32) -> Option<Turn> {
        let mut line = self.line.lock();
        if line.len() >= usize::try_from(length).unwrap_or(usize::MAX) {
            return None;
        }
        let (sender, slot) = oneshot::channel();
        line.push_back(sender);
        // Whoever leaves looks at the count after giving back the place, and this looks for a place after counting: one sees the other.
        self.count(&line);
        self.hand_out(&mut line);
        Some(Turn {
            gate: Arc::clone(self),
            slot,
        })
    }

    /// How many are at the provider.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many stand in line.
    #[must_use]
    pub fn queued(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        self.taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |taken| {
                (taken < limit).then(|| taken + 1)
            })
            .is_ok()
    }

    fn leave(self: &Arc<Self>) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.hand_out(&mut self.line.lock());
        }
    }

    /// Gives free places to the first in line.
    fn hand_out(self: &Arc<Self>, line: &mut VecDeque<Sender<Slot>>) {
        while !line.is_empty() && self.take() {
            let mut slot = Some(Slot(Some(Arc::clone(self))));
            while let Some(place) = slot.take() {
                let Some(first) = line.pop_front() else {
                    // Everybody in line has gone. Not dropped as it is: that would come back here for the lock.
                    self.taken.fetch_sub(1, Ordering::SeqCst);
                    place.forget();
                    break;
                };
                slot = first.send(place).err();
            }
        }
        self.count(line);
    }

    fn count(&self, line: &VecDeque<Sender<Slot>>) {
        let waiting = u32::try_from(line.len()).unwrap_or(u32::MAX);
        self.waiting.store(waiting, Ordering::SeqCst);
    }
}

impl Slot {
    /// Ends it without giving the place back.
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.leave();
        }
    }
}

impl Turn {
    /// Waits for the place.
    pub async fn slot(&mut self) -> Option<Slot> {
        (&mut self.slot).await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.slot.close();
        let mut line = self.gate.line.lock();
        line.retain(|sender| !sender.is_closed());
        self.gate.count(&line);
        drop(line);
        // A place that came too late goes back, once the line is let go.
        drop(self.slot.try_recv());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn places_are_limited_and_come_back() {
        let gate = Arc::new(Gate::default());
        let slots: Vec<Slot> = std::iter::from_fn(|| gate.enter(3)).collect();
        assert_eq!((slots.len(), gate.in_flight()), (3, 3));
        drop(slots);
        assert_eq!(gate.in_flight(), 0);
        assert!(gate.enter(3).is_some());
    }

    #[test]
    fn the_line_is_limited() {
        let gate = Arc::new(Gate::default());
        let _slot = gate.enter(1);
        let turns: Vec<Turn> = std::iter::from_fn(|| gate.line_up(2)).collect();
        assert_eq!((turns.len(), gate.queued()), (2, 2));
        drop(turns);
        assert_eq!(gate.queued(), 0);
    }

    #[tokio::test]
    async fn who_came_first_is_served_first() {
        let gate = Arc::new(Gate::default());
        let slot = gate.enter(1).unwrap();
        let (mut first, mut second) = (gate.line_up(9).unwrap(), gate.line_up(9).unwrap());
        drop(slot);
        assert!(gate.enter(1).is_none(), "those in line go before");
        let slot = first.slot().await.unwrap();
        assert!(second.slot.try_recv().is_err());
        drop(slot);
        assert!(second.slot().await.is_some());
        assert_eq!(gate.in_flight(), 0);
    }

    #[test]
    fn a_place_given_to_one_who_has_gone_goes_to_the_next() {
        let gate = Arc::new(Gate::default());
        let slot = gate.enter(1).unwrap();
        let (first, mut second) = (gate.line_up(9).unwrap(), gate.line_up(9).unwrap());
        drop(slot);
        drop(first);
        assert!(second.slot.try_recv().is_ok());
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
    }

    #[test]
    fn a_higher_limit_lets_in_more_at_the_next_chance() {
        let gate = Arc::new(Gate::default());
        let _slot = gate.enter(1);
        assert!(gate.enter(1).is_none());
        assert!(gate.enter(2).is_some());
    }

    #[test]
    fn threads_neither_lose_a_place_nor_pass_the_limit() {
        let gate = Arc::new(Gate::default());
        let most = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (gate, most) = (&gate, &most);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .build()
                        .unwrap();
                    let mut random = fastrand::Rng::with_seed(seed);
                    for _ in 0..5_000 {
                        let slot = gate.enter(2).or_else(|| {
                            let mut turn = gate.line_up(100)?;
                            let wait = Duration::from_micros(random.u64(0..50));
                            runtime.block_on(async {
                                tokio::time::timeout(wait, turn.slot()).await.ok()?
                            })
                        });
                        if slot.is_some() {
                            most.fetch_max(gate.in_flight(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
        assert!(most.into_inner() <= 2);
    }
}
